/*
 * Running a plan to its end and keeping its rows as constants, for sub-queries that are values.
 */
#pragma once

#include "query/sql/sql.h"

/* ov_sql_runner.run over an ov_query_ctx: within its budget, until its deadline. Cells live in
 * cx->arena. */
OV_CHECKED ov_status ov_subquery_run(void *query_ctx, const ov_plan *plan, ov_expr_ctx *cx,
                                     ov_sql_rows *out, ov_error *err);
