/* Projections: two that follow each other become one, and one that only renames becomes its input's
 * names. */
#include "query/plan/opt_int.h"

static void count_uses(const ov_expr *e, uint32_t *uses)
{
    if (e->kind == OV_EXPR_COLUMN)
        uses[e->column]++;
    for (uint32_t i = 0; i < e->argc; i++)
        count_uses(e->args[i], uses);
}

/* Merging must not compute anything twice: what is read more than once has to be a column or a
 * constant. */
static OV_CHECKED ov_status may_merge(ov_expr_ctx *cx, const ov_plan *outer, const ov_plan *inner,
                                      bool *out, ov_error *err)
{
    uint32_t *uses;
    OV_TRY(ov_arena_zalloc(cx->arena, (inner->field_count + 1) * sizeof *uses, &uses, err));
    for (uint32_t i = 0; i < outer->field_count; i++)
        count_uses(outer->project.exprs[i], uses);
    *out = true;
    for (uint32_t i = 0; i < inner->field_count; i++) {
        const ov_expr *e = inner->project.exprs[i];
        bool simple = e->kind == OV_EXPR_COLUMN || e->kind == OV_EXPR_CONST;
        *out = *out && (simple || (uses[i] <= 1 && e->deterministic));
    }
    return OV_OK;
}

static OV_CHECKED ov_status merge(ov_expr_ctx *cx, const ov_plan *outer, const ov_plan *inner,
                                  const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_plan *copy;
    OV_TRY(ov_plan_new(cx->arena, OV_PLAN_PROJECT, 1, &copy, err));
    OV_TRY(ov_arena_alloc(cx->arena, (outer->field_count + 1) * sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; i < outer->field_count; i++)
        OV_TRY(ov_expr_rebase(cx, outer->project.exprs[i], inner->project.exprs, &exprs[i], err));
    copy->fields = outer->fields;
    copy->field_count = outer->field_count;
    copy->inputs[0] = inner->inputs[0];
    copy->project.exprs = exprs;
    *out = copy;
    return OV_OK;
}

static bool is_identity(const ov_plan *project)
{
    const ov_plan *in = project->inputs[0];
    if (project->field_count != in->field_count || !in->field_count)
        return false;
    for (uint32_t i = 0; i < project->field_count; i++) {
        const ov_expr *e = project->project.exprs[i];
        if (e->kind != OV_EXPR_COLUMN || e->column != i || e->sql != in->fields[i].sql)
            return false;
    }
    return true;
}

/* COUNT(*) reads no column: a projection to none below it only costs. */
static OV_CHECKED ov_status drop_empty(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out,
                                       ov_error *err)
{
    const ov_plan *input = plan->kind == OV_PLAN_AGGREGATE ? plan->inputs[0] : NULL;
    *out = plan;
    if (!input || input->kind != OV_PLAN_PROJECT || input->field_count > 0)
        return OV_OK;
    return ov_plan_with_inputs(cx->arena, plan, &input->inputs[0], out, err);
}

ov_status ovi_plan_merge_projects(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                  ov_error *err)
{
    bool mergeable = false;
    OV_TRY(ovi_plan_each_input(cx, in, ovi_plan_merge_projects, out, err));
    OV_TRY(drop_empty(cx, *out, out, err));
    if ((*out)->kind != OV_PLAN_PROJECT)
        return OV_OK;
    const ov_plan *inner = (*out)->inputs[0];
    if (inner->kind == OV_PLAN_PROJECT) {
        OV_TRY(may_merge(cx, *out, inner, &mergeable, err));
        if (mergeable)
            OV_TRY(merge(cx, *out, inner, out, err));
    }
    if (!is_identity(*out))
        return OV_OK;
    ov_plan *renamed;
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *renamed, &renamed, err));
    *renamed = *(*out)->inputs[0];
    renamed->fields = (*out)->fields;
    *out = renamed;
    return OV_OK;
}
