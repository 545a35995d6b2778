/*
 * The order of the passes. Filters first, since folding and pruning live from where they end up;
 * time ranges last, over the columns that remain.
 */
#include "query/plan/opt_int.h"

ov_status ovi_plan_each_input(ov_expr_ctx *cx, const ov_plan *plan, ovi_plan_pass pass,
                              const ov_plan **out, ov_error *err)
{
    const ov_plan **inputs;
    OV_TRY(ov_arena_alloc(cx->arena, (plan->input_count + 1) * sizeof *inputs, &inputs, err));
    for (uint32_t i = 0; i < plan->input_count; i++)
        OV_TRY(pass(cx, plan->inputs[i], &inputs[i], err));
    return ov_plan_with_inputs(cx->arena, plan, inputs, out, err);
}

ov_status ovi_plan_named_like(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan *like,
                              const ov_plan **out, ov_error *err)
{
    ov_field *fields;
    ov_plan *copy;
    bool same = true;
    for (uint32_t i = 0; i < plan->field_count; i++)
        same = same && ov_slice_eq(plan->fields[i].name, like->fields[i].name);
    *out = plan;
    if (same || !plan->field_count)
        return OV_OK;
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *copy, &copy, err));
    OV_TRY(ov_arena_alloc(cx->arena, plan->field_count * sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < plan->field_count; i++) {
        fields[i] = plan->fields[i];
        fields[i].name = like->fields[i].name;
    }
    *copy = *plan;
    copy->fields = fields;
    *out = copy;
    return OV_OK;
}

ov_status ovi_plan_and(ov_expr_ctx *cx, const ov_expr *const *parts, uint32_t count,
                       const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    *out = count ? parts[0] : NULL;
    if (count < 2)
        return OV_OK;
    OV_TRY(ov_arena_alloc(cx->arena, count * sizeof *args, &args, err));
    memcpy(args, parts, count * sizeof *args);
    return ov_expr_call(cx, OV_SLICE_LIT("AND"), args, count, parts[0]->pos, parts[0]->end_pos, out,
                        err);
}

uint32_t ovi_plan_conjuncts(const ov_expr *const *e, const ov_expr *const **parts)
{
    if (ov_expr_op(*e) != OV_OP_AND) {
        *parts = e;
        return 1;
    }
    *parts = (*e)->args;
    return (*e)->argc;
}

ov_status ov_plan_optimize(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out, ov_error *err)
{
    static const ovi_plan_pass passes[] = {
        ovi_plan_merge_projects, ovi_plan_push_filters,   ovi_plan_fold,
        ovi_plan_order_joins,    ovi_plan_push_filters,
        ovi_plan_push_limits,    ovi_plan_fold,           ovi_plan_merge_projects,
        ovi_plan_prune_columns,  ovi_plan_merge_projects, ovi_plan_time_ranges,
        ovi_plan_join_sides,
    };
    *out = plan;
    for (size_t i = 0; i < OV_COUNT_OF(passes); i++)
        OV_TRY(passes[i](cx, *out, out, err));
    return OV_OK;
}
