/*
 * From rows to one segment file: dictionary building, sorting, roll-up, encoding, writing.
 *
 *   create(schema) -> add(batch)* -> seal(path) | seal_image -> destroy
 *
 * add takes column vectors in any encoding: DICT vectors are remapped once per distinct value and
 * domain, so a parser that keeps its own dictionaries hands over codes, not text. Only values that
 * occur in selected rows enter the builder's dictionary. A multi-value STRING column also takes
 * plain STRING vectors (each value a list of one); if at seal no row holds more than one value, it
 * is written as a single-value column. seal sorts (only when rows did not arrive in order), folds
 * equal rows when roll-up is on, sorts dictionaries, remaps codes, picks lanes per block, lays out
 * rowsets, checksums, writes a temporary file, syncs it and renames it to `path`.
 *
 * Threads: one at a time per builder. Memory: all of it is charged to the budget given.
 */
#pragma once

#include "storage/metric.h"
#include "storage/segment/segment.h"

typedef enum ov_fold {
    OV_FOLD_NONE = 0, /* dimensions */
    OV_FOLD_SUM,
    OV_FOLD_MIN,
    OV_FOLD_MAX,
    OV_FOLD_ANY,    /* the first value of rows in the order in which they came */
    OV_FOLD_SKETCH, /* COMPLEX: values are images of sketches, put together as `metric` says */
} ov_fold;

typedef struct ov_build_column {
    ov_slice name;
    ov_type type;
    uint8_t role; /* ov_column_role; exactly one OV_ROLE_TIME of type LONG named __time */
    uint8_t fold; /* ov_fold, used when roll-up is on; NULLs are skipped, all NULL stays NULL (an empty sketch) */
    const ov_metric *metric; /* OV_FOLD_SKETCH */
    bool indexed; /* build rowsets (string and list dimensions) */
} ov_build_column;

typedef struct ov_build_schema {
    ov_slice datasource;
    int64_t start_ms, end_ms;
    ov_slice version;
    uint32_t partition;
    const ov_build_column *columns;
    uint32_t column_count;
    const uint32_t *sort; /* column numbers, most significant first */
    uint32_t sort_count;
    bool rollup;         /* fold rows equal in time and all dimensions */
    bool arrival;        /* remember which row each one was; not with rollup */
    ov_slice extra_json; /* kept verbatim in the directory: metricsSpec, queryGranularity, rollup;
                            may be empty */
} ov_build_schema;

typedef struct ov_segment_builder ov_segment_builder;

OV_CHECKED ov_status ov_segment_builder_create(const ov_build_schema *schema, ov_budget *budget,
                                               ov_segment_builder **out, ov_error *err);
/* Rows of `batch` that are selected, columns in schema order. Types must match (LONG is accepted
 * for DOUBLE and FLOAT). Rows outside [start_ms, end_ms) are OV_INTERNAL: the caller routes rows to
 * chunks. */
OV_CHECKED ov_status ov_segment_builder_add(ov_segment_builder *b, const ov_batch *batch,
                                            ov_error *err);
/* arrival: the number of the first row of the next batch. Rows of a batch are numbered on, selected or not, and so is the
 * batch after it. */
void ov_segment_builder_at(ov_segment_builder *b, uint64_t number);
/* After sealing: the number of each row of the file, in its order. The caller frees it (base/mem.h); NULL when nobody
 * asked. */
uint64_t *ov_segment_builder_take_arrival(ov_segment_builder *b);
uint32_t ov_segment_builder_rows(const ov_segment_builder *b);
size_t ov_segment_builder_bytes(const ov_segment_builder *b); /* memory in use */
/* What sorting will take beside that when it is sealed; 0 while rows come in the order of a first sort column of numbers. */
size_t ov_segment_builder_sort_bytes(const ov_segment_builder *b);
/* Some row of the multi-value column `col` holds two values or more so far; after seal: the file says so. */
bool ov_segment_builder_is_multi(const ov_segment_builder *b, uint32_t col);
/* Writes the file; *info (optional) is filled, its slices live in `out`. The builder is then only
 * good for destroy. On failure no file remains under `path`. */
OV_CHECKED ov_status ov_segment_builder_seal(ov_segment_builder *b, const char *path, ov_arena *out,
                                             ov_segment_info *info, ov_error *err);
/* The same into memory: *image (of *bytes, at a multiple of 64) belongs to the caller, for ov_segment_open_image. */
OV_CHECKED ov_status ov_segment_builder_seal_image(ov_segment_builder *b, void **image, size_t *bytes, ov_error *err);
void ov_segment_builder_destroy(ov_segment_builder *b); /* NULL is fine */
