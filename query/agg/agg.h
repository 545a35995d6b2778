/*
 * Aggregate functions: binding, and columns of states.
 *
 * States lie in typed columns indexed by group number (never structs behind pointers), so that adding a
 * batch is one tight loop per aggregate. An aggregate knows how to add rows to groups, to merge another
 * column of states, and to emit results. COUNT(DISTINCT x) is exact.
 *
 * Names: agg_registry.c. EARLIEST and LATEST need the row's time: the binder passes it as an
 * argument behind the value, EARLIEST(x) as EARLIEST(x, __time).
 */
#pragma once

#include "query/expr/expr.h"

typedef enum ov_agg_kind {
    OV_AGG_COUNT,    /* no argument: rows; one: rows where it is not NULL */
    OV_AGG_SUM,
    OV_AGG_MIN,
    OV_AGG_MAX,
    OV_AGG_AVG,      /* DOUBLE */
    OV_AGG_DISTINCT, /* how many different values, NULL not counted; exact */
    OV_AGG_ANY,      /* some value that is not NULL */
    OV_AGG_EARLIEST, /* value, time */
    OV_AGG_LATEST,
} ov_agg_kind;

/* One row of the table of names. */
typedef struct ov_aggregate {
    const char *name;
    uint8_t kind; /* ov_agg_kind */
    uint8_t min_args, max_args;
    const char *signatures;
} ov_aggregate;

typedef struct ov_agg_call {
    const ov_aggregate *fn;
    const ov_expr **args; /* over the input of the AGGREGATE node; none for COUNT(*) */
    uint32_t argc;
    bool distinct;
    const ov_expr *filter; /* FILTER (WHERE ...), NULL when absent */
    ov_type type;          /* of the result */
    uint8_t sql;           /* ov_sqltype */
    bool nullable;
    uint32_t pos, end_pos;
} ov_agg_call;

bool ov_agg_exists(ov_slice name);
/* Resolves name and argument types. Unknown names OV_NOT_FOUND, wrong types OV_INVALID in Druid's words. */
OV_CHECKED ov_status ov_agg_bind(ov_expr_ctx *cx, ov_slice name, const ov_expr **args, uint32_t argc,
                                 bool distinct, const ov_expr *filter, uint32_t pos, uint32_t end_pos,
                                 ov_agg_call *out, ov_error *err);
const char *ov_agg_name(const ov_agg_call *call);
uint32_t ov_agg_docs(const ov_function_doc **out); /* sorted by name */
