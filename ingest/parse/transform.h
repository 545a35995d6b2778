/*
 * The place where transformSpec plugs in. Ovate's expressions live in query/, which ingestion does not know; the
 * server hands this table to ov_load_run. Without it a spec that has a transformSpec is refused.
 *
 * A program sees the raw fields of a row (not each other's results, as in Druid) and makes new fields, which
 * shadow fields of the same name; its filter decides whether the row is kept. A result named __time is the
 * row's time in milliseconds.
 */
#pragma once

#include "ingest/parse/field.h"

typedef struct ov_transform_ops {
    void *ctx;
    /* transformSpec as JSON text, its member `metrics` being ov_spec.made_json (ingest/spec/spec.h): fields made last. The program lives in `out` and is read-only afterwards. */
    ov_status (*compile)(void *ctx, ov_slice transform_json, ov_arena *out, void **program, ov_error *err);
    /* Names of the fields it reads and makes; borrowed from the program. */
    uint32_t (*inputs)(const void *program, const ov_slice **names);
    uint32_t (*outputs)(const void *program, const ov_slice **names);
    /* Names that expressions of metrics read: discovery makes no dimensions of them. */
    uint32_t (*of_metrics)(const void *program, const ov_slice **names);
    /* One row: `in` and `out` in the order of the names above. Memory from scratch lives until the row is done. Any
     * thread. A failure rejects the row with the sentence given. */
    ov_status (*run)(const void *program, const ov_field *in, ov_arena *scratch, ov_field *out, bool *keep,
                     ov_error *err);
} ov_transform_ops;
