/* Delimited rows: quotes, headers, lists, delimiters of several bytes. Seeds in tests/fuzz/csvrow_corpus. */
#include "row_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const specs[] = {
        FUZZ_SPEC("\"dimensionsSpec\":{\"dimensions\":[\"a\",{\"type\":\"long\",\"name\":\"b\"},{\"type\":\"double\",\"name\":\"c\"}]}",
                  "\"type\":\"csv\",\"columns\":[\"t\",\"a\",\"b\",\"c\"],\"listDelimiter\":\"|\""),
        FUZZ_SPEC("\"dimensionsSpec\":{}", "\"type\":\"csv\",\"findColumnsFromHeader\":true,\"skipHeaderRows\":1"),
        FUZZ_SPEC("\"dimensionsSpec\":{\"useSchemaDiscovery\":true}",
                  "\"type\":\"tsv\",\"findColumnsFromHeader\":true,\"tryParseNumbers\":true"),
        FUZZ_SPEC("\"dimensionsSpec\":{\"dimensions\":[\"a\",\"b\"]}",
                  "\"type\":\"tsv\",\"columns\":[\"a\",\"b\"],\"delimiter\":\"||\",\"listDelimiter\":\"::\""),
    };
    fuzz_rows(specs, OV_COUNT_OF(specs), data, size);
    return 0;
}
