/* JSON rows: lines, arrays, objects over several lines, flattening, discovery. Seeds in tests/fuzz/jsonrow_corpus. */
#include "row_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const specs[] = {
        FUZZ_SPEC("\"dimensionsSpec\":{\"dimensions\":[\"a\",{\"type\":\"long\",\"name\":\"b\"},{\"type\":\"double\",\"name\":\"c\"},"
                  "{\"type\":\"json\",\"name\":\"j\"},{\"type\":\"auto\",\"castToType\":\"ARRAY<LONG>\",\"name\":\"l\"}]}",
                  "\"type\":\"json\""),
        FUZZ_SPEC("\"dimensionsSpec\":{\"useSchemaDiscovery\":true}", "\"type\":\"json\",\"keepNullColumns\":true"),
        FUZZ_SPEC("\"dimensionsSpec\":{}", "\"type\":\"json\",\"assumeNewlineDelimited\":true"),
        FUZZ_SPEC("\"dimensionsSpec\":{\"dimensions\":[\"a\",\"b\",\"c\"]}",
                  "\"type\":\"json\",\"flattenSpec\":{\"fields\":[{\"type\":\"path\",\"name\":\"a\",\"expr\":\"$.a.b[0]\"},"
                  "{\"type\":\"path\",\"name\":\"b\",\"expr\":\"$.b[*].c\"},{\"type\":\"path\",\"name\":\"c\",\"expr\":\"$.c[-1]\"}]}"),
    };
    fuzz_rows(specs, OV_COUNT_OF(specs), data, size);
    return 0;
}
