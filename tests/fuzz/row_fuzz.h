/*
 * Bytes of any kind as the input of a load: every reader ends with books that balance (rowdump aborts otherwise),
 * whatever the bytes are. The first byte picks one of the target's specs.
 */
#pragma once

#include "tests/lib/rowdump.h"

static inline void fuzz_rows(const char *const *specs, size_t count, const uint8_t *data, size_t size)
{
    ov_arena arena;
    ov_buf out;
    ov_spec *spec;
    ov_error err = OV_ERROR_INIT;
    ov_load_env env = {.tmp_dir = "/tmp", .file_stem = "fuzz"};
    if (size == 0)
        return;
    ov_arena_init(&arena, "fuzz", NULL);
    ov_buf_init(&out);
    if (ov_spec_parse(ov_slice_cstr(specs[data[0] % count]), &arena, &spec, &err) != OV_OK)
        abort();
    spec->input.data = ov_slice_make(data + 1, size - 1);
    ov_status st = rowdump_spec(spec, &env, true, &out, &err);
    if (st != OV_OK && err.text[0] == 0)
        abort();
    ov_buf_fini(&out);
    ov_arena_fini(&arena);
}

#define FUZZ_SPEC(schema, format)                                                                  \
    "{\"type\":\"index\",\"spec\":{\"dataSchema\":{\"dataSource\":\"t\",\"timestampSpec\":{\"column\":\"t\"," \
    "\"missingValue\":\"2020\"},\"granularitySpec\":{\"intervals\":[\"1970/2100\"]}," schema               \
    "},\"ioConfig\":{\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},\"inputFormat\":{" format "}}}}"
