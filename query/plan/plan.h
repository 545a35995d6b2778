/*
 * Logical plans: where Druid SQL and native JSON meet. Built once, rewritten by pure passes (query/plan/opt_*.c),
 * then read-only and shared by all workers; run-time state lives in a parallel tree of the executor.
 *
 * Every node has an output schema (fields). Expressions in a node refer to columns of its input by position; in
 * SCAN they refer to its own output columns.
 */
#pragma once

#include "query/agg/agg.h"
#include "query/expr/expr.h"
#include "storage/catalog/catalog.h"

typedef struct ov_plan ov_plan;
typedef struct ov_systable ov_systable;

typedef struct ov_field {
    ov_slice name; /* output name, may repeat */
    ov_type type;
    uint8_t sql; /* ov_sqltype */
    bool nullable;
    uint8_t elem_sql; /* of an ARRAY, as ov_expr.elem_sql */
} ov_field;

typedef enum ov_plan_kind {
    OV_PLAN_SCAN,      /* a datasource */
    OV_PLAN_SYSTEM,    /* sys.*, INFORMATION_SCHEMA.*: rows made on the spot */
    OV_PLAN_VALUES,    /* constant rows; also SELECT without FROM (one row, no columns) */
    OV_PLAN_FILTER,
    OV_PLAN_PROJECT,
    OV_PLAN_AGGREGATE, /* output: keys, then aggregates; without keys exactly one row */
    OV_PLAN_SORT,      /* full sort, or the first offset+limit rows */
    OV_PLAN_LIMIT,
    OV_PLAN_UNION,     /* UNION ALL: inputs have equal types */
    OV_PLAN_JOIN,      /* two inputs; output: columns of the left, then those of the right, but see ov_join_kind */
    OV_PLAN_UNNEST,    /* a row for each element of a list, or of several side by side; output: input, elements, place if wanted */
    OV_PLAN_WINDOW,    /* output: columns of the input, then one a call; rows come partition by partition, in order */
    /* set operations join this list with the issue on the whole of SQL */
} ov_plan_kind;

typedef enum ov_join_kind {
    OV_JOINS_INNER,
    OV_JOINS_LEFT,  /* also rows of the left that found nothing, NULLs beside them */
    OV_JOINS_RIGHT,
    OV_JOINS_FULL,
    OV_JOINS_SEMI,   /* rows of the left that have a partner, once; columns of the left alone */
    OV_JOINS_ANTI,   /* rows of the left that have none; columns of the left alone */
    OV_JOINS_MARK,   /* all rows of the left, behind their columns a BOOLEAN: has it a partner */
    OV_JOINS_SINGLE, /* LEFT, and a row with two partners is an error: what a scalar sub-query is */
} ov_join_kind;

/* The columns of the right side are not in the output. */
static inline bool ov_join_tests(ov_join_kind kind)
{
    return kind == OV_JOINS_SEMI || kind == OV_JOINS_ANTI || kind == OV_JOINS_MARK;
}

typedef struct ov_time_range {
    int64_t start_ms, end_ms; /* half-open; INT64_MIN / INT64_MAX are open ends */
} ov_time_range;

typedef struct ov_sort_key {
    uint32_t column; /* of the input; the planner projects expressions first */
    bool descending;
    bool nulls_first;
} ov_sort_key;

#define OV_NO_LIMIT UINT64_MAX

typedef enum ov_window_fn {
    OV_WINDOW_AGGREGATE, /* an aggregate over the rows of the frame */
    OV_WINDOW_ROW_NUMBER,
    OV_WINDOW_RANK,
    OV_WINDOW_DENSE_RANK,
    OV_WINDOW_PERCENT_RANK,
    OV_WINDOW_CUME_DIST,
    OV_WINDOW_NTILE,
    OV_WINDOW_LAG,
    OV_WINDOW_LEAD,
    OV_WINDOW_FIRST_VALUE,
    OV_WINDOW_LAST_VALUE,
    OV_WINDOW_NTH_VALUE,
    OV_WINDOW_COMPARE, /* the value's place among all of the partition, by a comparison that is an expression */
} ov_window_fn;

typedef enum ov_window_edge_kind {
    OV_EDGE_PARTITION, /* UNBOUNDED: the first row as `from`, the last one as `to` */
    OV_EDGE_CURRENT,   /* of RANGE: the current row and its peers */
    OV_EDGE_PRECEDING,
    OV_EDGE_FOLLOWING,
} ov_window_edge_kind;

/* One end of a frame. */
typedef struct ov_window_edge {
    uint8_t kind;  /* ov_window_edge_kind */
    int64_t n;     /* ROWS, GROUPS: how many; RANGE over whole numbers and times: by how much. Not negative */
    double real;   /* RANGE over fractions */
} ov_window_edge;

typedef struct ov_window_frame {
    bool range;  /* peers stay together; distances are in values of the one sort key, */
    bool groups; /* or in groups of peers */
    ov_window_edge from, to;
} ov_window_frame;

typedef struct ov_window_call {
    uint8_t fn; /* ov_window_fn */
    bool ignore_nulls;
    const ov_agg_call *agg; /* AGGREGATE: its arguments and filter are over the input */
    const ov_expr **args;   /* the others, over the input: value; LAG and LEAD: default behind it, or nothing */
    uint32_t argc;
    int64_t n;              /* NTILE: buckets; LAG, LEAD: distance; NTH_VALUE: which, from 1 */
    ov_window_frame frame;  /* of AGGREGATE, FIRST_VALUE, LAST_VALUE, NTH_VALUE */
    const ov_expr *compare; /* COMPARE: a BIGINT over columns 0 and 1, two values: below zero when the first comes before the second */
    ov_type type;           /* of the result */
    uint8_t sql;            /* ov_sqltype */
    bool nullable;
} ov_window_call;

/* A column of a SCAN that is no column of the datasource but JSON_VALUE of one, along one path. A segment that keeps the
 * path as a sub-column (docs/segment-format.md) reads that. Expressions are over column 0 of a batch: the text, or a
 * stored value by its type; NULL: the value as it stands. */
typedef struct ov_scan_path {
    ov_slice name; /* of the path, see storage/segment/path_name.h */
    const ov_expr *from_text;
    const ov_expr *from_long, *from_double, *from_string, *from_json;
} ov_scan_path;

/* GROUPING(a, b): which of these keys a row's set leaves out. */
typedef struct ov_grouping_call {
    const uint32_t *keys;
    uint32_t count;
} ov_grouping_call;

struct ov_plan {
    uint8_t kind; /* ov_plan_kind */
    const ov_field *fields;
    uint32_t field_count;
    const ov_plan **inputs;
    uint32_t input_count;
    union {
        struct {
            const ov_datasource *datasource; /* its columns; for segments see ov_plan_datasource */
            const uint32_t *columns;         /* output column i is datasource->columns[columns[i]] */
            const ov_scan_path *const *paths; /* NULL: none; else by output column, NULL for plain ones. columns[i]
                                                is then the JSON column */
            const ov_expr *filter;           /* NULL = all rows; includes the time condition */
            const ov_time_range *ranges;     /* ascending, disjoint: no row outside satisfies filter */
            uint32_t range_count;            /* 0 = nothing can match; one open range when unknown */
            bool filter_is_ranges;           /* filter says exactly "__time in ranges": no residual */
            const ov_expr *residual;         /* filter = (__time in ranges) AND residual: what rows known to
                                                lie in ranges must still pass. NULL: use filter as it is
                                                (or nothing when filter_is_ranges) */
        } scan;
        struct {
            const ov_systable *table;
            const uint32_t *columns; /* output column i is column columns[i] of the table */
        } system;
        struct {
            const ov_expr *const *cells; /* row-major constants, row_count x field_count */
            uint64_t row_count;
        } values;
        struct {
            const ov_expr *predicate;
        } filter;
        struct {
            const ov_expr *const *exprs; /* one per field */
        } project;
        struct {
            const ov_expr *const *keys;
            uint32_t key_count;
            const ov_agg_call *aggs;
            uint32_t agg_count;
            const uint64_t *sets; /* grouping sets (bit i: keys[i]); only plans that EXPLAIN prints have them, those */
            uint32_t set_count;   /* that run are unions of groupings */
            const ov_grouping_call *groupings; /* behind the aggregates; as the sets */
            uint32_t grouping_count;
        } aggregate;
        struct {
            const ov_sort_key *keys;
            uint32_t key_count;
            uint64_t limit, offset; /* OV_NO_LIMIT, 0 */
        } sort;
        struct {
            uint64_t limit, offset;
        } limit;
        struct {
            uint8_t kind;                     /* ov_join_kind */
            bool build_left;                  /* the left side is kept in memory, the right one streams */
            const ov_expr *const *left_keys;  /* over inputs[0]; rows meet when all keys are equal, */
            const ov_expr *const *right_keys; /* over inputs[1]; NULL equals nothing. Both whole numbers, both */
            uint32_t key_count;               /* fractions, or both text. None: every pair is a candidate */
            const ov_expr *residual;          /* over the columns of both sides, what else must hold; NULL: nothing */
            uint32_t pos, end_pos;            /* SINGLE: where the sub-query stands in the text */
        } join;
        struct {
            const ov_expr *const *lists; /* over the input: arrays or multi-value strings. Their first elements are one row, */
            uint32_t list_count;         /* their second ones the next; NULL where a list is shorter than the longest */
            bool outer;                  /* NULL or empty lists give one row, whose elements are NULL */
            bool ordinality;             /* the elements' place, from 1, is the last column */
        } unnest;
        struct {
            const uint32_t *partition; /* columns of the input; equal values are one partition, NULL is a value */
            uint32_t partition_count;
            const ov_sort_key *keys;   /* order within a partition; rows equal in all of them are peers */
            uint32_t key_count;
            const ov_window_call *calls;
            uint32_t call_count;
        } window;
    };
};

/* Text form, one node a line, indented; the interface of planner tests and of EXPLAIN. */
OV_CHECKED ov_status ov_plan_print(const ov_plan *plan, ov_buf *out, ov_error *err);

/* Times outside of which the condition cannot be true, `column` of its input being __time: ascending, disjoint. `exact`:
 * inside them it is always true. */
OV_CHECKED ov_status ov_plan_times_of(ov_expr_ctx *cx, const ov_expr *condition, uint32_t column,
                                      const ov_time_range **ranges, uint32_t *count, bool *exact, ov_error *err);

/* All passes in their order; returns a new tree that may share nodes with the old one. */
OV_CHECKED ov_status ov_plan_optimize(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out,
                                      ov_error *err);
/* Groupings by fewer keys and with fewer sums, and what follows from those computed above them; before the last step. */
OV_CHECKED ov_status ov_plan_lighter_groups(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out, ov_error *err);
/* JSON_VALUE of columns of scans as columns of the scans themselves. The last step before execution: what prints plans as
 * Druid does knows expressions only. */
OV_CHECKED ov_status ov_plan_json_paths(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out, ov_error *err);
