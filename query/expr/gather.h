/* An OR of equalities as sets: x = 1 OR x = 2 OR y = 'a' costs one look-up a row for x, however many there are. */
#pragma once

#include "query/expr/expr.h"

/* Parts of an OR with their equalities gathered, one set a subject; *count becomes smaller. */
OV_CHECKED ov_status ov_expr_gather(ov_expr_ctx *cx, const ov_expr **parts, uint32_t *count, uint32_t pos, uint32_t end_pos, ov_error *err);
