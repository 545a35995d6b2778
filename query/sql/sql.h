/*
 * SQL text to a logical plan: the two calls a query makes after each other.
 *
 *   ov_sql_parse (ast.h)  ->  ov_sql_settings: what SET statements ask for  ->  ov_sql_plan
 *
 * The plan is not optimised yet (ov_plan_optimize). It borrows from the arena of the expression
 * context and from the datasources and system tables it names. Errors are Druid's sentences with
 * byte range, line and column.
 */
#pragma once

#include "query/query.h"
#include "query/sql/ast.h"

/* Where names of datasources are looked up. */
typedef struct ov_sql_tables {
    const ov_datasource *(*find)(const void *self, ov_slice name); /* NULL when there is none */
    const ov_datasource *(*at)(const void *self, uint32_t i);      /* for "did you mean" */
    uint32_t count;
    const void *self, *find_self; /* of at, of find */
    /* One of them as it was (ov_snapshot_as_of). */
    ov_status (*as_of)(const void *self, const ov_datasource *table, int64_t t, ov_arena *out, const ov_datasource **then,
                       ov_error *err);
} ov_sql_tables;

/* The datasources of a snapshot, which must outlive the result. */
ov_sql_tables ov_sql_tables_of(const ov_snapshot *snapshot);

/* The same, each as it was at one instant. A datasource that cannot be read so is not found, and `err` says why. */
typedef struct ov_sql_past {
    const ov_snapshot *snapshot;
    int64_t at;
    ov_arena *arena; /* of what find gives */
    ov_error err;    /* code OV_OK: none failed */
} ov_sql_past;
ov_sql_tables ov_sql_tables_past(ov_sql_past *past);

/* Rows of a finished plan as constants, row-major. */
typedef struct ov_sql_rows {
    const ov_expr *const *cells;
    uint64_t count;
} ov_sql_rows;

/* Runs sub-queries that are values (IN (SELECT ...), scalar ones, EXISTS) while their query is
 * bound. */
typedef struct ov_sql_runner {
    ov_status (*run)(void *self, const ov_plan *plan, ov_expr_ctx *cx, ov_sql_rows *out,
                     ov_error *err);
    void *self;
} ov_sql_runner;

/* Parameters without values: what stands for each of them, and the type it is used as. */
typedef struct ov_sql_describe {
    const ov_expr **exprs; /* NULLs; NULL where the parameter was not met yet */
    ov_sqltype *types;     /* OV_SQL_NULL until something tells */
    uint32_t count;
} ov_sql_describe;

typedef struct ov_sql_env {
    ov_expr_ctx *cx;
    ov_sql_tables tables;
    const ov_systable *const *systables;
    uint32_t systable_count;
    const ov_param *params;
    uint32_t param_count;
    ov_sql_describe *describe;   /* NULL: parameters have values */
    uint64_t outer_limit;        /* sqlOuterLimit; OV_NO_LIMIT when absent */
    bool finalize_sketches;      /* sqlFinalizeOuterSketches */
    const ov_json *context;      /* of the request, as EXPLAIN shows it; NULL for none */
    ov_slice query_id;           /* for EXPLAIN */
    const ov_sql_runner *runner; /* NULL: such sub-queries are not supported */
    const ov_extern_ops *externs; /* NULL: EXTERN is not supported */
    int64_t max_parse_exceptions; /* of external data; -1: no limit */
} ov_sql_env;

typedef struct ov_sql_statement {
    const ov_plan *plan; /* of EXPLAIN PLAN FOR: one row that says what would run */
    bool analyze;        /* EXPLAIN ANALYZE: run the plan and show what it did */
    bool explain;        /* the plan only says what would run */
    const ov_query_write *write; /* INSERT and REPLACE: what becomes of the rows; NULL for queries and EXPLAIN */
} ov_sql_statement;

/* Sentences of query/expr and query/agg know the byte range but not the text: give them line and column, in front of a hint when
 * there is one. */
void ov_sql_place_error(ov_slice text, ov_error *err);
/* Binds the statement behind the SETs. Everything allocated lives in env->cx->arena. */
OV_CHECKED ov_status ov_sql_plan(const ov_sql_env *env, const ov_sql_parsed *parsed,
                                 ov_sql_statement *out, ov_error *err);

/* One SET statement: the value as text, and whether it was a number, TRUE, FALSE or NULL rather
 * than a string. */
typedef struct ov_sql_setting {
    ov_slice name, value;
    bool is_string, is_null;
    uint32_t pos, end_pos;
} ov_sql_setting;

/* The SET statements in their order; what they mean is the caller's business. */
OV_CHECKED ov_status ov_sql_settings(const ov_sql_parsed *parsed, ov_arena *arena,
                                     const ov_sql_setting **out, uint32_t *count, ov_error *err);

/* Functions that only stand in front of OVER, sorted by name. */
uint32_t ov_sql_window_docs(const ov_function_doc **out);
