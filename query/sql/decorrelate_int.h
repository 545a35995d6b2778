/*
 * What the files that push a sub-query over outer values share.
 */
#pragma once

#include "query/sql/decorrelate.h"

typedef struct ovi_dependent_reading {
    const ovi_sql_outer_reads *r;
    const ov_plan *in;
    uint32_t first;
    const ov_expr *const *map; /* of ordinary columns; NULL: they stay */
} ovi_dependent_reading;

/* Where the values and columns of the plan will be. */
OV_CHECKED ov_status ovi_dependent_start(const ovi_sql_outer_reads *r, const ov_plan *like, ovi_sql_dependent *out, ov_error *err);
/* Columns [from[i]] of the plan as its new columns. */
OV_CHECKED ov_status ovi_dependent_arrange(const ovi_sql_outer_reads *r, const uint32_t *from, uint32_t count, const ov_plan **plan, ov_error *err);
/* Any node; the others one kind each. */
OV_CHECKED ov_status ovi_dependent_push(ovi_sql_outer_reads *r, const ov_plan *plan, ovi_sql_dependent *out, ov_error *err);
/* Expressions and calls over an input that has the values behind its columns. */
OV_CHECKED ov_status ovi_dependent_args(const ovi_sql_outer_reads *r, const ov_expr *const *args, uint32_t count, const ovi_sql_dependent *in, const ov_expr ***out, ov_error *err);
OV_CHECKED ov_status ovi_dependent_filter(ovi_sql_outer_reads *r, const ov_plan *plan, ovi_sql_dependent *out, ov_error *err);
OV_CHECKED ov_status ovi_dependent_call(const ovi_sql_outer_reads *r, const ov_agg_call *from, const ovi_sql_dependent *in, ov_agg_call *to, ov_error *err);
OV_CHECKED ov_status ovi_dependent_leaf(void *self, const ov_expr *column, const ov_expr **out, ov_error *err);
OV_CHECKED ov_status ovi_dependent_window(ovi_sql_outer_reads *r, const ov_plan *plan, ovi_sql_dependent *out, ov_error *err);
OV_CHECKED ov_status ovi_dependent_limit(ovi_sql_outer_reads *r, const ov_plan *plan, ovi_sql_dependent *out, ov_error *err);
OV_CHECKED ov_status ovi_dependent_unnest(ovi_sql_outer_reads *r, const ov_plan *plan, ovi_sql_dependent *out, ov_error *err);
OV_CHECKED ov_status ovi_dependent_join(ovi_sql_outer_reads *r, const ov_plan *plan, ovi_sql_dependent *out, ov_error *err);
