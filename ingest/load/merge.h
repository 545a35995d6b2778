/*
 * Merging: rows of some segments written anew. The one mechanism below pieces in memory, the hand-over, small published
 * segments of streams, and compaction.
 *
 *   merge_union.c    the columns that hold what all inputs have; reading the inputs, in one place (ovi_union_read)
 *   merge_convert.c  values of a column whose type is another in the result
 *   merge_filter.c   rows that a filter leaves out
 *   merge.c          rows into sealed files of their time chunks, in one place (ovi_merge_seal)
 *
 * What a merge makes is published with its inputs named (ov_publish.inputs), so that the commit sees whether they still answer.
 *
 * Threads: one at a time per merge; the inputs are held by the caller.
 */
#pragma once

#include "ingest/load/load.h"
#include "ingest/load/publish.h"
#include "ingest/parse/transform.h"

typedef struct ovi_merge_input {
    const ov_segment_entry *entry;
    const ov_segment *segment; /* open */
} ovi_merge_input;

/* Where a column of the result comes from when an input has none of its name. */
typedef struct ovi_union_source {
    ov_slice field; /* metrics: the column that is aggregated; empty: none */
    const ov_slice *more; /* ... and those beside it: numbers of tuples, times of values with times */
    uint32_t more_count;
    bool count;     /* one a row */
    bool of_rows;   /* ... no column but an expression or a condition of the rows that were loaded */
    bool times;     /* text would be read as times */
} ovi_union_source;

typedef struct ovi_union {
    ov_build_column *columns; /* __time, dimensions, metrics */
    ovi_union_source *sources;
    uint32_t column_count, cap;
    uint32_t *sort;
    uint32_t sort_count;
    ov_slice extra_json;
    int64_t horizon; /* rows superseded before this are not read (ov_keys_horizon) */
} ovi_union;

/* May the rows of both be in one segment as they are: no column has two types that do not unite? */
bool ovi_union_fits(const ov_segment *a, const ov_segment *b);
/* Columns that all inputs have, folded as the spec's metrics say. */
OV_CHECKED ov_status ovi_union_make(const ovi_merge_input *inputs, uint32_t count, const ov_spec *spec, ov_arena *out,
                                    ovi_union *u, ov_error *err);
/* What a compaction wants: the spec's dimensions in its order (none listed: all), types that hold all values; metrics: the spec's
 * and no others, else those that are there. */
OV_CHECKED ov_status ovi_union_want(const ovi_merge_input *inputs, uint32_t count, const ov_spec *spec, bool metrics,
                                    ov_arena *out, ovi_union *u, ov_error *err);
/* Were the segment's rows folded by the very metrics of the spec? Others may not fold them again. */
bool ovi_merge_folds(const ov_segment *seg, const ov_spec *spec);

typedef ov_status ovi_merge_sink(void *self, const ov_batch *batch, ov_error *err);
/* All rows of the inputs that answer, in their order, in the union's columns; every block, also one of which no row is
 * selected. filter may be NULL. */
struct ovi_merge_filter;
OV_CHECKED ov_status ovi_union_read(const ovi_union *u, const ovi_merge_input *inputs, uint32_t count,
                                    struct ovi_merge_filter *filter, ovi_merge_sink *sink, void *self, ov_error *err);

/* ---- merge_convert.c ---- */
/* Can values of a column of type `from` be stored as `to`: as they are, or by ovi_convert? */
bool ovi_converts(ov_type from, ov_type to);
/* The vector as `to`; unchanged when the builder takes it so. Values that have no such form are NULL. */
OV_CHECKED ov_status ovi_convert(const ov_vec *v, ov_type to, ov_arena *out, ov_vec *converted, ov_error *err);

/* ---- merge_lists.c ---- */
/* Can values of type `from` be stored as arrays or documents of type `to`, by ovi_make_lists? */
bool ovi_becomes_lists(ov_type from, ov_type to);
/* Plain values become lists of one, multi-value strings and arrays those of the other elements, all of them JSON. */
OV_CHECKED ov_status ovi_make_lists(const ov_vec *v, ov_type to, ov_arena *out, ov_vec *lifted, ov_error *err);

/* ---- merge_sketch.c ---- */
/* Can values of such a column become sketches of the metric (NULL: it is none)? */
bool ovi_sketches(ov_type from, const ov_metric *metric);
/* The vector as images of sketches, one a row; more: what stands beside each value (ov_metric_spec.more). */
OV_CHECKED ov_status ovi_make_sketches(const ov_vec *v, const ov_vec *more, uint32_t more_count, ov_type to, const ov_metric *metric,
                                       ov_arena *out, ov_vec *images, ov_error *err);

/* ---- merge_filter.c ---- */
typedef struct ovi_merge_filter {
    const ov_transform_ops *ops;
    void *program;
    const ov_slice *names; /* columns it reads */
    uint32_t count;
    uint64_t dropped; /* rows */
} ovi_merge_filter;
/* json: a transformSpec with a filter alone. OV_UNSUPPORTED: transforms, or no ops. */
OV_CHECKED ov_status ovi_merge_filter_open(ovi_merge_filter *f, const ov_transform_ops *ops, ov_slice json, ov_arena *out,
                                           ov_error *err);
/* Clears the bits of rows of block b that it drops. */
OV_CHECKED ov_status ovi_merge_filter_run(ovi_merge_filter *f, const ov_segment *seg, uint32_t b, uint32_t rows, uint64_t *keep,
                                          ov_arena *scratch, ov_error *err);

/* ---- merge.c ---- */
typedef struct ovi_merge_env {
    ov_catalog *catalog;
    ov_budget *budget;
    ov_slice stem;         /* unique, safe in a file name */
    size_t memory_bytes;   /* of open builders; 0: OV_LOAD_MEMORY_BYTES */
    const struct ov_disk_guard *disk; /* as in ov_load_env */
    const _Atomic bool *cancel;
    ov_load_progress *progress;
} ovi_merge_env;

/* Rows of some inputs as sealed files of their time chunks, added to `to`. */
typedef struct ovi_merge {
    ov_slice datasource;
    const ovi_merge_input *inputs;
    uint32_t count;
    const ov_spec *spec;
    const ov_gran *gran; /* of the time chunks */
    bool rollup;
    ov_slice extra_json; /* empty: of the first input */
    uint64_t arrival_from; /* rows of inputs of the same commit that were numbered before these (storage/catalog/keys.h) */
    bool wanted, wanted_metrics; /* columns as ovi_union_want makes them, and its `metrics` */
    ovi_merge_filter *filter; /* may be NULL */
} ovi_merge;
OV_CHECKED ov_status ovi_merge_seal(const ovi_merge_env *env, const ovi_merge *what, ov_publish *to, ov_load_result *result,
                                    ov_error *err);
