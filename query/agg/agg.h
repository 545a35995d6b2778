/*
 * Aggregate functions: binding, and columns of states.
 *
 * States lie in typed columns indexed by group number (never structs behind pointers), so that adding a
 * batch is one tight loop per aggregate. An aggregate knows how to add rows to groups, to merge another
 * column of states, and to emit results. COUNT(DISTINCT x) is exact.
 *
 * Names of this issue: COUNT, SUM, MIN, MAX, AVG, COUNT DISTINCT, APPROX_COUNT_DISTINCT (exact), ANY_VALUE,
 * EARLIEST, LATEST and more follow through the same table.
 */
#pragma once

#include "query/expr/expr.h"

typedef struct ov_aggregate ov_aggregate; /* one row of the table: name, bind, state kind, kernels */

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
