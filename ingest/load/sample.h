/*
 * A look at the first rows of an input, as Druid's sampler gives it: each row as it was read, as it would be stored, and
 * why it would not. Nothing is kept.
 *
 * The same splitter, parsers, transforms and conversions as a load, on the caller's thread: once to see every field, once
 * with the columns that follow from them.
 */
#pragma once

#include "ingest/load/load.h"

typedef struct ov_sample_options {
    uint32_t max_rows;
    int64_t timeout_ms; /* no further block is read after it; 0: no limit */
} ov_sample_options;

enum { OV_SAMPLE_ROWS = 200, OV_SAMPLE_MOST_ROWS = 5000 };

/*
 * Appends {"numRowsRead":...,"data":[...]} to `json`. env: tmp_dir and file_stem for http inputs, base_dir, budget, cancel,
 * transforms.
 *
 * Errors   those of ov_load_run for inputs; rows that cannot be read are no error.
 */
OV_CHECKED ov_status ov_sample_run(const ov_spec *spec, const ov_load_env *env, const ov_sample_options *options,
                                   ov_buf *json, ov_error *err);
