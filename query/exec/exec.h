/*
 * Running a plan: operators over batches, on all cores, within a budget, until cancelled.
 *
 * The plan is cut into pipelines. A pipeline is a source of morsels (blocks of segments, or chunks of a
 * materialised result), a chain of streaming operators (filter, project) and a sink (aggregate, sort,
 * collect, result). Each worker has its own chain and partial sink state and takes morsels from a shared
 * counter; states merge once at the end. The result reaches `sink` on the calling thread, in order.
 */
#pragma once

#include <stdatomic.h>
#include "query/plan/plan.h"

typedef struct ov_pool ov_pool;             /* base/pool.h */
typedef struct ov_spill_area ov_spill_area; /* base/spill.h */
typedef struct ov_blob_cache ov_blob_cache; /* base/blob_cache.h */

/* Settings that tests force; zero means the default. */
typedef struct ov_exec_options {
    uint32_t batch_rows;   /* 1 .. OV_BATCH_ROWS */
    uint32_t workers;      /* 1 = only the calling thread */
    bool general_only;     /* no index-only answers, no bitmaps, no code-space grouping, no distinct-value
                              evaluation: the oracle of every fast path */
    uint32_t dense_limit;  /* most groups of a dense table; 1 forces hashing */
    uint32_t spill_rows;   /* every operator that can goes to disk after so many rows or groups */
    uint32_t lot_groups;   /* tables of so many groups give way to lots, however few new ones come */
    bool keep_states;      /* states of segments are kept even where it does not pay */
} ov_exec_options;

/* What a query used; shown by EXPLAIN ANALYZE, logs and metrics. */
typedef struct ov_exec_stats {
    _Atomic uint64_t segments_total, segments_pruned, segments_indexed;
    _Atomic uint64_t rows_scanned, blocks_scanned, blocks_skipped;
    _Atomic uint64_t bytes_read;    /* of columns, as stored, that scans handed on; indexes and dictionaries do not count */
    _Atomic uint64_t rows_out;
    _Atomic uint64_t spilled_bytes; /* written to disk because memory was short */
} ov_exec_stats;

/* Partial results of groupings by segment, kept for queries to come (aggregate_kept.h). */
typedef struct ov_kept_states {
    ov_blob_cache *cache; /* NULL: none */
    bool reads, keeps;
    ov_slice session;     /* what expressions mean depends on beside their arguments: zone, lookups */
} ov_kept_states;

/* Everything a running query owns. */
typedef struct ov_query_ctx {
    ov_arena arena;            /* AST, plan, expressions */
    ov_budget budget;          /* all memory of the query; parent is the server's */
    const ov_snapshot *snapshot;
    ov_pool *pool;
    ov_spill_area *spill;      /* where operators go past the budget; NULL: nowhere, they fail */
    ov_kept_states kept;
    ov_exec_options options;
    _Atomic bool cancelled;    /* set by ov_query_cancel */
    const _Atomic bool *cancel; /* another flag that means the same, of whoever opened the query; NULL for none */
    int64_t deadline_ms;       /* monotonic clock; 0 = none */
    ov_exec_stats stats;
    ov_slice id;               /* sqlQueryId */
} ov_query_ctx;

/* OV_CANCELLED or OV_TIMEOUT when the query must stop; every operator asks once per batch. */
OV_CHECKED ov_status ov_query_alive(ov_query_ctx *cx, ov_error *err);

/* Receives the result on the thread that called ov_exec_run. `rows` may block (back-pressure); its batch is
 * valid only during the call and may carry a selection. An error returned from it stops the query. */
typedef struct ov_result_sink {
    ov_status (*begin)(void *self, const ov_field *fields, uint32_t count, ov_error *err);
    ov_status (*rows)(void *self, const ov_batch *batch, ov_error *err);
    void *self;
} ov_result_sink;

/* Runs the plan to its end; the first error of any worker, of the sink or of ov_query_alive is the result. */
OV_CHECKED ov_status ov_exec_run(const ov_plan *plan, ov_query_ctx *cx, const ov_result_sink *sink,
                                 ov_error *err);

/* What one node of a plan did. */
typedef struct ov_node_counts {
    const ov_plan *node;
    uint32_t depth;         /* 0 at the top */
    uint64_t rows, batches; /* that it handed on */
    int64_t ns;             /* from its start until its input was through and its rows were taken */
} ov_node_counts;

/* The same, counting per node: *counts in the order of the plan's text form, in `out`. */
OV_CHECKED ov_status ov_exec_run_counted(const ov_plan *plan, ov_query_ctx *cx, const ov_result_sink *sink,
                                         ov_arena *out, ov_node_counts **counts, uint32_t *count,
                                         ov_error *err);

/* Tables made on the spot: `rows` adds batches of all columns through `emit`. */
struct ov_systable {
    const char *schema, *name;
    const ov_field *fields;
    uint32_t field_count;
    uint32_t unlisted; /* so many last columns answer to their names, but neither * nor COLUMNS shows them: newer Druids'
                          columns, which clients of older ones must not meet */
    bool is_unlisted;  /* TABLES does not show the table itself, for the same reason */
    ov_status (*rows)(const ov_systable *table, ov_query_ctx *cx, const ov_result_sink *emit,
                      ov_error *err);
    void *self;
    /* When not NULL it is called instead of `rows`, its batches have only these columns, in this order, and it may stop
     * when enough(emit->self) says so. */
    ov_status (*some_rows)(const ov_systable *table, const uint32_t *columns, uint32_t count, ov_query_ctx *cx,
                           const ov_result_sink *emit, bool (*enough)(void *self), ov_error *err);
};
