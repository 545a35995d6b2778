/*
 * Druid's native JSON queries: the parsed JSON of one to a plan and what its answer looks like. SQL and native queries
 * meet in the plan; nothing here computes beside it. server/query/native_out.h writes the answers.
 *
 *   timeseries, topN, groupBy   an AGGREGATE, post-aggregators as a projection, orders as a SORT
 *   scan, search, timeBoundary  projections and groupings
 *   union                       the answers of several
 *   segmentMetadata,            read from the snapshot's statistics; a finished text instead of a plan
 *   dataSourceMetadata
 *
 * Errors name the JSON path of the part at fault and what was expected there.
 */
#pragma once

#include "base/json.h"
#include "query/exec/exec.h"

typedef enum ov_native_type {
    OV_NATIVE_TIMESERIES,
    OV_NATIVE_TOPN,
    OV_NATIVE_GROUP_BY,
    OV_NATIVE_SCAN,
    OV_NATIVE_SEARCH,
    OV_NATIVE_TIME_BOUNDARY,
    OV_NATIVE_METADATA, /* `text` is the whole answer */
    OV_NATIVE_WINDOW,
    OV_NATIVE_PARTS, /* bySegment: `parts` */
    OV_NATIVE_UNION, /* the answers of `parts` behind each other */
} ov_native_type;

struct ov_native_part;

typedef enum ov_native_scan_format {
    OV_NATIVE_SCAN_LIST,
    OV_NATIVE_SCAN_COMPACTED,
} ov_native_scan_format;

/* A query that can be run and what its answer looks like. Lives in the arena of the expression context. */
typedef struct ov_native_query {
    uint8_t type;        /* ov_native_type */
    const ov_plan *plan; /* optimised; column 0 is the bucket's time when has_time */
    ov_slice text;       /* METADATA */
    bool has_time;
    uint32_t columns;    /* of the plan that are shown, behind the time; the rest only orders rows */
    int64_t time_ms;     /* without a time column: the time of the one bucket */
    const ov_gran *gran; /* buckets; times print in its zone */
    bool time_as_long;   /* serializeDateTimeAsLong */
    bool descending;
    bool hide_time;      /* no row at all: no bucket either (ALL with skipEmptyBuckets) */

    const ov_interval *spans; /* buckets that lie in these are shown though no row is in them; ascending, */
    uint32_t span_count;      /* disjoint. Rows of the plan come by time then. */
    const ov_plan *empty;     /* timeseries: the one row such a bucket shows */
    const ov_plan *total;     /* timeseries: grandTotal's row, or NULL */
    ov_slice time_field;      /* timestampResultField: the time once more, as a number; empty: none */

    uint64_t limit;      /* timeseries: buckets; topN: rows of a bucket */
    bool as_array;       /* groupBy: resultAsArray */
    uint8_t scan_format; /* ov_native_scan_format */
    uint32_t batch_rows; /* scan: events of one element */
    ov_slice segment_id; /* scan: empty when rows of several segments come together */
    bool min_time, max_time; /* timeBoundary: which are asked for */
    const struct ov_native_part *parts; /* PARTS: a query of each segment; UNION: the queries */
    uint32_t part_count;
} ov_native_query;

typedef struct ov_native_part {
    ov_native_query query;
    ov_slice segment; /* its id */
    int64_t time_ms;  /* where its interval begins */
    ov_interval interval; /* what is seen of it */
} ov_native_part;

typedef struct ov_native_env {
    ov_expr_ctx *cx;
    const ov_datasource *(*find)(const void *self, ov_slice name); /* NULL when there is none */
    const void *self;
    const ov_systable *(*lookup)(const void *self, ov_slice name); /* the table of a lookup; NULL when there is none */
    const void *lookup_self;
    const ov_snapshot *snapshot; /* where segments are opened for segmentMetadata */
    ov_query_ctx *run; /* for sub-queries that are values; NULL: none is run */
} ov_native_env;

/* Plans and optimises. The JSON must live as long as the plan; the plan lives in the arena of env->cx. */
OV_CHECKED ov_status ov_native_plan(const ov_native_env *env, const ov_json *query, ov_native_query *out, ov_error *err);
/* The context says `skipEmptyBuckets: false`. */
bool ov_native_wants_buckets(const ov_json *context);
/* The optimised plan of an SQL query; where it is a timeseries, with the buckets that hold no rows as rows. */
OV_CHECKED ov_status ov_native_fill_buckets(const ov_native_env *env, const ov_json *context, const ov_plan *plan,
                                            const ov_plan **out, ov_error *err);
