/*
 * What a spec's inputSource names, as a list of things to read in order.
 *
 * Files are decompressed by what their first bytes say (gzip, Zstandard); a suffix that promises something else
 * is an error, as are formats nobody reads here. Http inputs are fetched into the load's temporary folder when first
 * opened, so that a cut transfer is an error before any row is loaded and a second pass reads the same bytes.
 */
#pragma once

#include "base/reader.h"
#include "ingest/load/load.h"

typedef struct ov_input {
    ov_slice name;  /* for people: path, address, "inline" */
    const char *path; /* file to read; NULL for inline, and for http until fetched */
    ov_slice data;    /* inline */
    uint64_t bytes;   /* as stored; 0 while unknown */
    bool fetched;     /* path is ours and is removed in the end */
} ov_input;

typedef struct ov_inputs {
    const ov_input_spec *spec;
    const ov_load_env *env;
    ov_arena *arena;
    ov_input *list;
    uint32_t count;
} ov_inputs;

/* Errors: OV_NOT_FOUND when nothing matches or a file is missing. Everything lives in `out`. */
OV_CHECKED ov_status ov_inputs_open(const ov_input_spec *spec, const ov_load_env *env, ov_arena *out,
                                    ov_inputs *inputs, ov_error *err);
void ov_inputs_close(ov_inputs *inputs); /* removes what was fetched */
/* Decompressed bytes of one input. */
OV_CHECKED ov_status ov_input_read(ov_inputs *inputs, uint32_t i, ov_reader **out, ov_error *err);
/* The file itself, as it is stored; NULL for inline. For formats that are read from their end. */
OV_CHECKED ov_status ov_input_file(ov_inputs *inputs, uint32_t i, const char **path, ov_error *err);
