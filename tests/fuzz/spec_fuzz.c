/* Ingestion specs from anywhere: a struct or a sentence. Seeds in tests/fuzz/spec_corpus. */
#include <stdlib.h>

#include "ingest/spec/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_arena arena;
    ov_spec *spec;
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&arena, "fuzz", NULL);
    if (ov_spec_parse(ov_slice_make(data, size), &arena, &spec, &err) != OV_OK && err.text[0] == 0)
        abort();
    ov_arena_fini(&arena);
    return 0;
}
