/*
 * sqlFinalizeOuterSketches: what DS_HLL, DS_THETA and DS_QUANTILES_SKETCH collected is answered as the number it stands for, where it is a column of the
 * whole query's answer and nothing was made of it. The number is a text, as it was in the Druids that knew no other way.
 */
#include "query/agg/agg.h"
#include "query/sql/bind_int.h"

/* Column i is what an aggregate collected, as it is. */
static bool is_collected(const ov_plan *plan, uint32_t i)
{
    bool all = plan->input_count > 0;
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_PROJECT: {
        const ov_expr *e = plan->project.exprs[i];
        return e->kind == OV_EXPR_COLUMN && is_collected(plan->inputs[0], e->column);
    }
    case OV_PLAN_FILTER:
    case OV_PLAN_SORT:
    case OV_PLAN_LIMIT:
        return is_collected(plan->inputs[0], i);
    case OV_PLAN_UNION:
        for (uint32_t k = 0; k < plan->input_count && all; k++)
            all = is_collected(plan->inputs[k], i);
        return all;
    case OV_PLAN_AGGREGATE:
        return i >= plan->aggregate.key_count && i - plan->aggregate.key_count < plan->aggregate.agg_count;
    default:
        return false;
    }
}

/* HLL: rounded; theta: as it is; quantiles: how many values. */
static OV_CHECKED ov_status number_of(ovi_sql_binder *b, const ov_expr *sketch, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[2] = {sketch, NULL};
    bool hll = sketch->type.complex == OV_COMPLEX_HLL;
    const char *name = hll ? "HLL_SKETCH_ESTIMATE" : sketch->type.complex == OV_COMPLEX_THETA ? "THETA_SKETCH_ESTIMATE" : "$SKETCH_COUNT";
    if (hll)
        OV_TRY(ov_expr_i64(b->cx, OV_SQL_BOOLEAN, 1, &args[1], err));
    OV_TRY(ov_expr_call(b->cx, ov_slice_cstr(name), args, hll ? 2 : 1, 0, 0, out, err));
    if (hll)
        OV_TRY(ov_expr_cast(b->cx, *out, OV_SQL_BIGINT, OV_T(OV_TYPE_LONG), 0, 0, out, err));
    return ov_expr_cast(b->cx, *out, OV_SQL_VARCHAR, OV_T(OV_TYPE_STRING), 0, 0, out, err);
}

static bool has_number(ov_type type)
{
    return ov_type_is_sketch(type) &&
           (type.complex == OV_COMPLEX_HLL || type.complex == OV_COMPLEX_THETA || type.complex == OV_COMPLEX_QUANTILES);
}

ov_status ovi_sql_finalize(ovi_sql_binder *b, const ov_plan *plan, const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    bool any = false;
    OV_TRY(ov_arena_alloc(b->arena, (plan->field_count + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(b->arena, (plan->field_count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < plan->field_count; i++) {
        names[i] = plan->fields[i].name;
        OV_TRY(ov_plan_column(b->cx, plan, i, &exprs[i], err));
        if (!has_number(plan->fields[i].type) || !is_collected(plan, i))
            continue;
        OV_TRY(number_of(b, exprs[i], &exprs[i], err));
        any = true;
    }
    *out = plan;
    return any ? ov_plan_project(b->arena, plan, exprs, names, plan->field_count, out, err) : OV_OK;
}
