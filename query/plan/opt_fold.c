/* Filters that came out constant, and plans over inputs that have no rows. */
#include "query/plan/opt_int.h"

static bool is_empty(const ov_plan *plan)
{
    return plan->kind == OV_PLAN_VALUES && plan->values.row_count == 0;
}

static OV_CHECKED ov_status empty(ov_expr_ctx *cx, const ov_plan *like, const ov_plan **out,
                                  ov_error *err)
{
    return ov_plan_values(cx->arena, like->fields, like->field_count, NULL, 0, out, err);
}

/* A filter that is a constant: 1 all rows pass, 0 none does, -1 it is none. */
static int constant_truth(const ov_expr *e)
{
    return e->kind == OV_EXPR_CONST ? ov_expr_is_true(e) : -1;
}

static OV_CHECKED ov_status fold_scan(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out,
                                      ov_error *err)
{
    int truth = plan->scan.filter ? constant_truth(plan->scan.filter) : -1;
    ov_plan *copy;
    if (truth < 0)
        return OV_OK;
    if (truth == 0)
        return empty(cx, plan, out, err);
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *copy, &copy, err));
    *copy = *plan;
    copy->scan.filter = NULL;
    *out = copy;
    return OV_OK;
}

/* Sides without rows leave a union. */
static OV_CHECKED ov_status fold_union(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out,
                                       ov_error *err)
{
    const ov_plan **sides;
    uint32_t count = 0;
    OV_TRY(ov_arena_alloc(cx->arena, plan->input_count * sizeof *sides, &sides, err));
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (!is_empty(plan->inputs[i]))
            sides[count++] = plan->inputs[i];
    if (count == plan->input_count)
        return OV_OK;
    if (count == 0)
        return empty(cx, plan, out, err);
    ov_plan *copy;
    OV_TRY(ov_plan_new(cx->arena, OV_PLAN_UNION, count, &copy, err));
    memcpy(copy->inputs, sides, count * sizeof *sides);
    copy->fields = plan->fields; /* names are the first side's, gone or not */
    copy->field_count = plan->field_count;
    *out = copy;
    return OV_OK;
}

/* The left side with what the right one adds when nothing in it is a partner. */
static OV_CHECKED ov_status without_right(ov_expr_ctx *cx, const ov_plan *join, const ov_plan **out,
                                          ov_error *err)
{
    const ov_plan *left = join->inputs[0];
    const ov_expr **exprs;
    ov_slice *names;
    if (join->join.kind == OV_JOINS_ANTI)
        return ovi_plan_named_like(cx, left, join, out, err);
    OV_TRY(ov_arena_alloc(cx->arena, (join->field_count + 1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(cx->arena, (join->field_count + 1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < join->field_count; i++) {
        const ov_field *f = &join->fields[i];
        names[i] = f->name;
        if (i < left->field_count)
            OV_TRY(ov_plan_column(cx, left, i, &exprs[i], err));
        else if (join->join.kind == OV_JOINS_MARK)
            OV_TRY(ov_expr_i64(cx, OV_SQL_BOOLEAN, 0, &exprs[i], err));
        else
            OV_TRY(ov_expr_null_of(cx, (ov_sqltype)f->sql, f->type, &exprs[i], err));
    }
    return ov_plan_project(cx->arena, left, exprs, names, join->field_count, out, err);
}

/* An inner join with nothing on one side, an outer one with nothing on the side it keeps. */
static OV_CHECKED ov_status fold_join(ov_expr_ctx *cx, const ov_plan *plan, const ov_plan **out,
                                      ov_error *err)
{
    ov_join_kind kind = (ov_join_kind)plan->join.kind;
    bool no_left = is_empty(plan->inputs[0]), no_right = is_empty(plan->inputs[1]);
    bool never = plan->join.residual && constant_truth(plan->join.residual) == 0;
    bool narrow = kind == OV_JOINS_INNER || kind == OV_JOINS_SEMI;
    bool tests = ov_join_tests(kind) || kind == OV_JOINS_SINGLE;
    if ((narrow && (no_left || no_right || never)) ||
        ((kind == OV_JOINS_LEFT || tests) && no_left) || (kind == OV_JOINS_RIGHT && no_right) ||
        (no_left && no_right))
        return empty(cx, plan, out, err);
    if (tests && (no_right || never))
        return without_right(cx, plan, out, err);
    return OV_OK;
}

ov_status ovi_plan_fold(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out, ov_error *err)
{
    const ov_plan *plan;
    OV_TRY(ovi_plan_each_input(cx, in, ovi_plan_fold, &plan, err));
    *out = plan;
    bool no_input = plan->input_count == 1 && is_empty(plan->inputs[0]);
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_SCAN:
        return fold_scan(cx, plan, out, err);
    case OV_PLAN_FILTER:
        if (no_input || constant_truth(plan->filter.predicate) == 0)
            return empty(cx, plan, out, err);
        if (constant_truth(plan->filter.predicate) == 1)
            return ovi_plan_named_like(cx, plan->inputs[0], plan, out, err);
        return OV_OK;
    case OV_PLAN_LIMIT:
        return no_input || plan->limit.limit == 0 ? empty(cx, plan, out, err) : OV_OK;
    case OV_PLAN_SORT:
        return no_input || plan->sort.limit == 0 ? empty(cx, plan, out, err) : OV_OK;
    case OV_PLAN_PROJECT:
    case OV_PLAN_UNNEST:
    case OV_PLAN_WINDOW:
        return no_input ? empty(cx, plan, out, err) : OV_OK;
    case OV_PLAN_AGGREGATE: /* without keys it has one row all the same; so may one of its sets */
        return no_input && plan->aggregate.key_count && !plan->aggregate.set_count ? empty(cx, plan, out, err) : OV_OK;
    case OV_PLAN_UNION:
        return fold_union(cx, plan, out, err);
    case OV_PLAN_JOIN:
        return fold_join(cx, plan, out, err);
    case OV_PLAN_SYSTEM:
    case OV_PLAN_VALUES:
        return OV_OK;
    }
    return OV_OK;
}
