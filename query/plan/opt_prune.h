/*
 * What the passes that drop columns share.
 */
#pragma once

#include "base/bits.h"
#include "query/plan/opt_int.h"

#define OVI_GONE UINT32_MAX

typedef struct ovi_pruned {
    const ov_plan *plan;
    uint32_t *where; /* old column to new one, or OVI_GONE */
} ovi_pruned;

/* A plan that has at least the used columns, and where each old one is now. */
OV_CHECKED ov_status ovi_prune(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used, ovi_pruned *out, ov_error *err);
/* Old columns as expressions over the new plan; those that are gone stay NULL. */
OV_CHECKED ov_status ovi_prune_map(ov_expr_ctx *cx, const ovi_pruned *in, uint32_t old_count, const ov_expr *const **out, ov_error *err);
/* So many, none set. */
OV_CHECKED ov_status ovi_prune_bits(ov_expr_ctx *cx, uint32_t count, uint64_t **out, ov_error *err);
/* opt_prune_join.c: ovi_prune of a join. */
OV_CHECKED ov_status ovi_prune_join(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used, ovi_pruned *out, ov_error *err);
