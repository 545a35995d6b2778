/* What planners ask of the optimiser's estimates. */
#pragma once

#include "query/plan/plan.h"

/* About how many different values the expression has over the plan, before any filter, from what segments say of their columns. At least 1. */
double ov_plan_guess_distinct(const ov_expr_ctx *cx, const ov_plan *plan, const ov_expr *e);
