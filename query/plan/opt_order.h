/*
 * A region of inner joins, taken apart to be put into another order.
 */
#pragma once

#include "query/plan/opt_int.h"

enum { OVI_ORDER_MOST = 64 }; /* inputs of a region */

typedef uint64_t ovi_order_inputs; /* bit i: input i */

typedef struct ovi_order_condition {
    const ov_expr *e; /* over all columns */
    ovi_order_inputs reads;
    double share; /* of pairs that pass */
} ovi_order_condition;

/* A join of two sets, or one input. */
typedef struct ovi_order_tree {
    ovi_order_inputs all;
    double rows, cost;
    const struct ovi_order_tree *left, *right;
} ovi_order_tree;

typedef struct ovi_order_region {
    ov_expr_ctx *cx;
    const ov_plan *input[OVI_ORDER_MOST];
    uint32_t first[OVI_ORDER_MOST]; /* of its columns among all columns */
    double rows[OVI_ORDER_MOST];
    uint32_t count;
    ov_plan columns; /* has the fields of all inputs */
    ovi_order_condition *conditions;
    uint32_t condition_count, condition_capacity;
} ovi_order_region;

/* a = b */
OV_CHECKED ov_status ovi_order_equal(ov_expr_ctx *cx, const ov_expr *a, const ov_expr *b, const ov_expr **out, ov_error *err);
/* opt_order_spread.c: filters of scans for the columns that joins make equal to those they read. */
OV_CHECKED ov_status ovi_order_spread(ovi_order_region *g, ov_error *err);
