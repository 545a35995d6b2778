/*
 * Rows of external files as batches: EXTERN in SQL. The same inputs, splits and parsers as a load, but what they make goes
 * to whoever asks instead of to builders, in the order of the input, a few splits at a time.
 *
 *   ov_spec_parse_input -> ov_extern_run
 *
 * Several workers parse side by side; the caller's thread receives the batches. Values that do not fit their column are
 * NULL, as Druid reads external rows; a row that cannot be read counts against maxParseExceptions of the spec, and an array
 * where a plain string was declared is an error.
 */
#pragma once

#include "ingest/load/load.h"

typedef struct ov_extern_sink {
    /* Columns as asked for; strings are slices. Valid during the call. */
    ov_status (*rows)(void *self, const ov_batch *batch, ov_error *err);
    bool (*enough)(void *self);                      /* no more rows are wanted */
    ov_status (*alive)(void *self, ov_error *err);   /* asked every now and then while rows are waited for */
    void *self;
} ov_extern_sink;

/* Only the spec's columns that are asked for are parsed. env: tmp_dir, file_stem, base_dir, workers, progress. */
OV_CHECKED ov_status ov_extern_run(const ov_spec *spec, const ov_build_column *columns, uint32_t count,
                                   const ov_load_env *env, const ov_extern_sink *sink, ov_error *err);
