/* The optimiser's passes. Each is a pure function from plan to plan; nodes it does not change are
 * shared. */
#pragma once

#include "query/plan/estimate.h"
#include "query/plan/plan_build.h"

typedef ov_status (*ovi_plan_pass)(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                   ov_error *err);

/* The node over its inputs, each after the pass. */
OV_CHECKED ov_status ovi_plan_each_input(ov_expr_ctx *cx, const ov_plan *plan, ovi_plan_pass pass,
                                         const ov_plan **out, ov_error *err);

/* Filters towards the scans: through projections, sorts and unions, and below groupings when they
 * speak of keys. */
OV_CHECKED ov_status ovi_plan_push_filters(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                           ov_error *err);
/* Filters that are constant, and what becomes of inputs without rows. */
OV_CHECKED ov_status ovi_plan_fold(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                   ov_error *err);
/* Projections over projections, and those that only rename. */
OV_CHECKED ov_status ovi_plan_merge_projects(ov_expr_ctx *cx, const ov_plan *in,
                                             const ov_plan **out, ov_error *err);
/* Limits into sorts and unions, below projections. */
OV_CHECKED ov_status ovi_plan_push_limits(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                          ov_error *err);
/* Columns nobody reads. */
OV_CHECKED ov_status ovi_plan_prune_columns(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                            ov_error *err);
/* Time ranges out of the filters of scans. */
OV_CHECKED ov_status ovi_plan_time_ranges(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                          ov_error *err);

/* Inner joins in the order that is estimated to be cheapest; their conditions are residual and have to be taken apart
 * again. */
OV_CHECKED ov_status ovi_plan_order_joins(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                          ov_error *err);

/* ---- estimates (opt_estimate.c) ---- */
double ovi_plan_guess_rows(const ov_expr_ctx *cx, const ov_plan *plan);
/* Rows of the largest table below, before any filter. */
double ovi_plan_guess_base(const ov_plan *plan);
/* Which share of all pairs these keys let through. */
double ovi_plan_guess_join(const ov_expr_ctx *cx, const ov_plan *left, const ov_plan *right,
                           const ov_expr *const *left_keys, const ov_expr *const *right_keys, uint32_t count);

/* Which side of each join is kept in memory. */
OV_CHECKED ov_status ovi_plan_join_sides(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                         ov_error *err);

typedef struct ovi_conjunct_list {
    const ov_expr **list;
    uint32_t count;
} ovi_conjunct_list;

/* A join's condition, and the conjuncts of a filter above it, by where each can be decided. */
typedef struct ovi_join_split {
    ov_join_kind kind;           /* may be narrower than the join's: the filter drops what outer added */
    ovi_conjunct_list left, right; /* over one side */
    const ov_expr **left_keys, **right_keys;
    uint32_t key_count;
    ovi_conjunct_list residual, above; /* over the combined row */
} ovi_join_split;

OV_CHECKED ov_status ovi_plan_split_join(ov_expr_ctx *cx, const ov_plan *join, const ov_expr *const *above,
                                         uint32_t count, ovi_join_split *out, ov_error *err);

/* `plan` under the field names of `like`, which it takes the place of. Nodes that pass columns on
 * may carry other names than their input. */
OV_CHECKED ov_status ovi_plan_named_like(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan *like,
                                         const ov_plan **out, ov_error *err);

/* AND of these; *out NULL when there are none. */
OV_CHECKED ov_status ovi_plan_and(ov_expr_ctx *cx, const ov_expr *const *parts, uint32_t count,
                                  const ov_expr **out, ov_error *err);
/* The operands of an AND, or the expression itself; of an OR among them what its branches share, then the OR of what is
 * left. */
OV_CHECKED ov_status ovi_plan_factored(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *const **parts,
                                       uint32_t *count, ov_error *err);
/* What an OR says about one side: the OR of those conditions of each branch that are of it; NULL: nothing. */
OV_CHECKED ov_status ovi_plan_side_of_or(ov_expr_ctx *cx, const ov_expr *e,
                                         bool (*is_of_side)(const void *self, const ov_expr *e), const void *self,
                                         const ov_expr **out, ov_error *err);

/* The operands of an AND, or the expression itself. */
uint32_t ovi_plan_conjuncts(const ov_expr *const *e, const ov_expr *const **parts);
