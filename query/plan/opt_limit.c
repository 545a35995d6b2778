/* Limits: below projections, into sorts, several into one, and as an upper bound into the sides of
 * a union. */
#include "query/plan/opt_int.h"

typedef struct bounds {
    uint64_t limit, offset;
} bounds;

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* `outer` applied to what `inner` lets through. */
static bounds combine(bounds inner, bounds outer)
{
    uint64_t left = inner.limit;
    if (left != OV_NO_LIMIT)
        left = left > outer.offset ? left - outer.offset : 0;
    return (bounds){OV_MIN(left, outer.limit), add(inner.offset, outer.offset)};
}

static OV_CHECKED ov_status push(ov_expr_ctx *cx, const ov_plan *plan, bounds b,
                                 const ov_plan **out, ov_error *err);

/* Each side needs no more than the first limit + offset rows. */
static OV_CHECKED ov_status over_union(ov_expr_ctx *cx, const ov_plan *plan, bounds b,
                                       const ov_plan **out, ov_error *err)
{
    const ov_plan **inputs;
    uint64_t most = b.limit == OV_NO_LIMIT ? OV_NO_LIMIT : add(b.limit, b.offset);
    OV_TRY(ov_arena_alloc(cx->arena, plan->input_count * sizeof *inputs, &inputs, err));
    for (uint32_t i = 0; i < plan->input_count; i++) {
        if (most == OV_NO_LIMIT)
            OV_TRY(ovi_plan_push_limits(cx, plan->inputs[i], &inputs[i], err));
        else
            OV_TRY(push(cx, plan->inputs[i], (bounds){most, 0}, &inputs[i], err));
    }
    OV_TRY(ov_plan_with_inputs(cx->arena, plan, inputs, out, err));
    return ov_plan_limit(cx->arena, *out, b.limit, b.offset, out, err);
}

static OV_CHECKED ov_status cut_values(ov_expr_ctx *cx, const ov_plan *plan, bounds b,
                                       const ov_plan **out, ov_error *err)
{
    uint64_t rows = plan->values.row_count, skip = OV_MIN(b.offset, rows);
    return ov_plan_values(cx->arena, plan->fields, plan->field_count,
                          plan->values.cells ? plan->values.cells + skip * plan->field_count : NULL,
                          OV_MIN(rows - skip, b.limit), out, err);
}

static OV_CHECKED ov_status push(ov_expr_ctx *cx, const ov_plan *plan, bounds b,
                                 const ov_plan **out, ov_error *err)
{
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_PROJECT: {
        const ov_plan *input;
        OV_TRY(push(cx, plan->inputs[0], b, &input, err));
        return ov_plan_with_inputs(cx->arena, plan, &input, out, err);
    }
    case OV_PLAN_LIMIT:
        OV_TRY(push(cx, plan->inputs[0],
                    combine((bounds){plan->limit.limit, plan->limit.offset}, b), out, err));
        return ovi_plan_named_like(cx, *out, plan, out, err);
    case OV_PLAN_SORT: {
        ov_plan *copy;
        OV_TRY(ovi_plan_each_input(cx, plan, ovi_plan_push_limits, out, err));
        bounds both = combine((bounds){plan->sort.limit, plan->sort.offset}, b);
        OV_TRY(ov_arena_alloc(cx->arena, sizeof *copy, &copy, err));
        *copy = **out;
        copy->sort.limit = both.limit;
        copy->sort.offset = both.offset;
        *out = copy;
        return OV_OK;
    }
    case OV_PLAN_UNION:
        return over_union(cx, plan, b, out, err);
    case OV_PLAN_VALUES:
        return cut_values(cx, plan, b, out, err);
    case OV_PLAN_SCAN:
    case OV_PLAN_SYSTEM:
    case OV_PLAN_FILTER:
    case OV_PLAN_AGGREGATE:
    case OV_PLAN_JOIN:
    case OV_PLAN_UNNEST:
    case OV_PLAN_WINDOW:
        break;
    }
    OV_TRY(ovi_plan_each_input(cx, plan, ovi_plan_push_limits, out, err));
    return ov_plan_limit(cx->arena, *out, b.limit, b.offset, out, err);
}

ov_status ovi_plan_push_limits(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                               ov_error *err)
{
    if (in->kind == OV_PLAN_LIMIT) {
        OV_TRY(push(cx, in->inputs[0], (bounds){in->limit.limit, in->limit.offset}, out, err));
        return ovi_plan_named_like(cx, *out, in, out, err);
    }
    return ovi_plan_each_input(cx, in, ovi_plan_push_limits, out, err);
}
