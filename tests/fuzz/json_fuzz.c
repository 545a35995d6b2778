/*
 * JSON documents from anywhere: parsing ends in a document or in a sentence with a place, and a
 * document prints to text that parses and prints the same. Seeds in tests/fuzz/json_corpus.
 */
#include <stdlib.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_arena arena;
    ov_buf once, twice;
    ov_json *first, *second;
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&arena, "fuzz", NULL);
    ov_buf_init(&once);
    ov_buf_init(&twice);
    if (ov_json_parse(ov_slice_make((const char *)data, size), NULL, &arena, &first, &err) ==
        OV_OK) {
        ov_json_print(first, &once);
        if (ov_json_parse(ov_buf_slice(&once), NULL, &arena, &second, &err) != OV_OK)
            abort();
        ov_json_print(second, &twice);
        if (!ov_slice_eq(ov_buf_slice(&once), ov_buf_slice(&twice)))
            abort();
    } else if (err.text[0] == '\0') {
        abort();
    }
    ov_buf_fini(&once);
    ov_buf_fini(&twice);
    ov_arena_fini(&arena);
    return 0;
}
