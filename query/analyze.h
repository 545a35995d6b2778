/*
 * EXPLAIN ANALYZE: run a plan, drop its rows, and answer with the plan and what running it did, one
 * line a row.
 */
#pragma once

#include "query/exec/exec.h"

/* The one column of the answer. */
uint32_t ov_explain_fields(const ov_field **out);
/* Runs the plan to its end and hands the lines to `sink`. Errors of the run are the errors here. */
OV_CHECKED ov_status ov_explain_analyze(const ov_plan *plan, ov_query_ctx *cx,
                                        const ov_result_sink *sink, ov_error *err);
