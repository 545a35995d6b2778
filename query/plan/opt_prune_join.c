/*
 * Columns of joins that nobody reads: keys, conditions and outputs over the pruned sides.
 */
#include "query/plan/opt_prune.h"

static OV_CHECKED ov_status rebase_keys(ov_expr_ctx *cx, const ov_expr *const *keys, uint32_t count,
                                        const ovi_pruned *side, uint32_t old_count,
                                        const ov_expr *const **out, ov_error *err)
{
    const ov_expr *const *map, **moved;
    OV_TRY(ovi_prune_map(cx, side, old_count, &map, err));
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)count + 1) * sizeof *moved, &moved, err));
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(ov_expr_rebase(cx, keys[i], map, &moved[i], err));
    *out = moved;
    return OV_OK;
}

/* Where each column of both sides, of which the left has `left`, is over the pruned sides. */
static OV_CHECKED ov_status both_sides(ov_expr_ctx *cx, const ov_plan *plan, const ovi_pruned sides[2],
                                       ovi_pruned *both, ov_error *err)
{
    uint32_t left = plan->inputs[0]->field_count, right = plan->inputs[1]->field_count;
    uint32_t new_left = sides[0].plan->field_count;
    OV_TRY(ov_plan_join(cx->arena, OV_JOINS_INNER, sides[0].plan, sides[1].plan, NULL, &both->plan, err));
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)left + right + 1) * sizeof *both->where, &both->where, err));
    for (uint32_t i = 0; i < left + right; i++) {
        uint32_t at = i < left ? sides[0].where[i] : sides[1].where[i - left];
        both->where[i] = at == OVI_GONE || i < left ? at : at + new_left;
    }
    return OV_OK;
}

/* The join over pruned sides; what they still have is what it has. */
static OV_CHECKED ov_status join_over(ov_expr_ctx *cx, const ov_plan *plan, const ovi_pruned sides[2],
                                      ovi_pruned *out, ov_error *err)
{
    uint32_t left = plan->inputs[0]->field_count, right = plan->inputs[1]->field_count;
    const ov_plan *join;
    const ov_expr *const *map;
    ov_field *fields;
    ov_plan *copy;
    ovi_pruned both;
    OV_TRY(both_sides(cx, plan, sides, &both, err));
    OV_TRY(ov_plan_join(cx->arena, (ov_join_kind)plan->join.kind, sides[0].plan, sides[1].plan, NULL,
                        &join, err));
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *copy, &copy, err));
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)join->field_count + 1) * sizeof *fields, &fields, err));
    *copy = *join;
    if (join->field_count)
        memcpy(fields, join->fields, join->field_count * sizeof *fields);
    out->where = both.where;
    if (plan->join.kind == OV_JOINS_MARK) { /* stands where the right side's columns would */
        OV_TRY(ov_arena_alloc(cx->arena, ((size_t)left + 1) * sizeof *out->where, &out->where, err));
        memcpy(out->where, both.where, left * sizeof *out->where);
        out->where[left] = join->field_count - 1;
    }
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (out->where[i] != OVI_GONE)
            fields[out->where[i]].name = plan->fields[i].name;
    copy->fields = fields;
    out->plan = copy;
    copy->join = plan->join;
    OV_TRY(rebase_keys(cx, plan->join.left_keys, plan->join.key_count, &sides[0], left,
                       &copy->join.left_keys, err));
    OV_TRY(rebase_keys(cx, plan->join.right_keys, plan->join.key_count, &sides[1], right,
                       &copy->join.right_keys, err));
    if (!plan->join.residual)
        return OV_OK;
    OV_TRY(ovi_prune_map(cx, &both, left + right, &map, err));
    return ov_expr_rebase(cx, plan->join.residual, map, &copy->join.residual, err);
}

ov_status ovi_prune_join(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used,
                                       ovi_pruned *out, ov_error *err)
{
    uint32_t left = plan->inputs[0]->field_count, columns = left + plan->inputs[1]->field_count;
    bool tests = ov_join_tests((ov_join_kind)plan->join.kind);
    uint64_t *wanted, *side_wanted;
    ovi_pruned sides[2];
    OV_TRY(ovi_prune_bits(cx, columns, &wanted, err));
    ov_bits_copy(wanted, used, tests ? left : columns);
    ov_bits_trim(wanted, tests ? left : columns);
    if (plan->join.residual)
        ov_expr_columns(plan->join.residual, wanted, columns);
    for (uint32_t s = 0; s < 2; s++) {
        const ov_plan *side = plan->inputs[s];
        const ov_expr *const *keys = s ? plan->join.right_keys : plan->join.left_keys;
        OV_TRY(ovi_prune_bits(cx, side->field_count, &side_wanted, err));
        for (uint32_t i = 0; i < side->field_count; i++)
            if (ov_bits_test(wanted, s ? left + i : i))
                ov_bits_set(side_wanted, i);
        for (uint32_t i = 0; i < plan->join.key_count; i++)
            ov_expr_columns(keys[i], side_wanted, side->field_count);
        OV_TRY(ovi_prune(cx, side, side_wanted, &sides[s], err));
    }
    return join_over(cx, plan, sides, out, err);
}
