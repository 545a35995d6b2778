/*
 * A plan as Druid's native query, where there is one: what EXPLAIN PLAN FOR shows. Posting the query gives the plan's
 * rows. Plans that native queries cannot say (windows, correlated joins, functions without a native name) are not printed.
 */
#pragma once

#include "base/json.h"
#include "query/plan/plan.h"

typedef struct ov_native_print {
    ov_expr_ctx *cx;
    const ov_json *context; /* the request's; NULL for none */
    ov_slice id;            /* queryId and sqlQueryId */
    bool rel;               /* useNativeQueryExplain=false: one query in Calcite's words */
} ov_native_print;

/*
 * The JSON text of PLAN: [{"query":...,"signature":[...],"columnMappings":[...]}]; one element a side of a UNION ALL.
 * *printed is false, and nothing is written, when there is no native query for the plan.
 */
OV_CHECKED ov_status ov_native_print_plan(const ov_native_print *how, const ov_plan *optimised, ov_buf *out,
                                          bool *printed, ov_error *err);
