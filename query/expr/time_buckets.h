/*
 * Floors of times as runs or as numbers of buckets; private to query/expr.
 */
#pragma once

#include "query/expr/expr_int.h"

/* TIME_FLOOR of a FLAT column without NULLs; *done is false when e is something else, or when rows have no order and
 * buckets are too many. */
OV_CHECKED ov_status ovi_floor_encoded(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out, bool *done,
                                       ov_error *err);
