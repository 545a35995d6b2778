/*
 * Sketches in native queries: what their aggregators say becomes arguments of the aggregates of query/agg, their results stay sketches until the
 * post-aggregators are bound, and only then are estimated unless `shouldFinalize` is false.
 */
#include "query/native/native_plan_int.h"

ov_status ovi_nsketch_constants(ovi_nplanner *p, const ov_metric *metric, uint32_t count, const ov_expr **args,
                                uint32_t *argc, ov_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const ov_sketch_param *param = &metric->ops->params[i];
        double v = metric->args.at[i];
        const ov_expr **to = &args[(*argc)++];
        if (param->words)
            OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, ov_slice_cstr(param->words[(size_t)v]), to, err));
        else if (param->whole)
            OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, (int64_t)v, to, err));
        else
            OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, v, to, err));
    }
    return OV_OK;
}

/* What the JSON says of the sketches that an aggregator makes. */
static ov_status add_sizes(ovi_nplanner *p, const ov_json *json, ov_slice aggregator, const ov_expr **args, uint32_t *argc,
                           ov_error *err)
{
    ov_metric metric;
    OV_TRY(ov_metric_read(json, ov_metric_kind_of(aggregator), &metric, err));
    return ovi_nsketch_constants(p, &metric, metric.ops->param_count, args, argc, err);
}

ov_status ovi_nsketch_args(ovi_nplanner *p, const ov_json *json, ovi_nagg *agg, const ov_expr **args, uint32_t *argc,
                           ov_error *err)
{
    ov_slice type;
    bool finalize;
    OV_TRY(ov_json_need_str(json, "type", &type, err));
    OV_TRY(ov_json_bool(json, "shouldFinalize", true, &finalize, err));
    OV_TRY(ov_json_bool(json, "round", false, &agg->round, err));
    agg->estimate = finalize;
    if (ov_slice_starts(type, OV_SLICE_LIT("theta")) && ov_json_find(json, "errorBoundsStdDev"))
        OV_TRY(ov_json_i64_in(json, "errorBoundsStdDev", 1, 1, 3, &agg->deviations, err));
    return add_sizes(p, json, type, args, argc, err);
}

/* The one number that a sketch of each kind stands for. */
static const char *const number_functions[OV_COMPLEX_COUNT] = {
    [OV_COMPLEX_HLL] = "HLL_SKETCH_ESTIMATE",
    [OV_COMPLEX_HYPER_UNIQUE] = "$SKETCH_NUMBER",
    [OV_COMPLEX_KLL_DOUBLES] = "$SKETCH_COUNT",
    [OV_COMPLEX_KLL_FLOATS] = "$SKETCH_COUNT",
    [OV_COMPLEX_QUANTILES] = "$SKETCH_COUNT",
    [OV_COMPLEX_THETA] = "THETA_SKETCH_ESTIMATE",
    [OV_COMPLEX_TUPLE] = "$SKETCH_NUMBER",
    [OV_COMPLEX_VARIANCE] = "$SKETCH_NUMBER",
};

/* The estimate of a sketch, what has none as it is. */
ov_status ovi_nsketch_number(ovi_nplanner *p, const ov_json *json, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    *out = e;
    if (!ov_type_is_sketch(e->type) || !number_functions[e->type.complex])
        return OV_OK;
    return ovi_ncall(p, json, number_functions[e->type.complex], &e, 1, out, err);
}

static ov_status bounds(ovi_nplanner *p, const ov_json *json, const ov_expr *e, int64_t deviations, const ov_expr **out,
                        ov_error *err)
{
    const ov_expr *args[2] = {e, NULL};
    bool hll = e->type.complex == OV_COMPLEX_HLL;
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, deviations, &args[1], err));
    return ovi_ncall(p, json, hll ? "HLL_SKETCH_ESTIMATE_WITH_ERROR_BOUNDS" : "THETA_SKETCH_ESTIMATE_WITH_ERROR_BOUNDS",
                     args, 2, out, err);
}

static ov_status rounded(ovi_nplanner *p, const ov_json *json, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    OV_TRY(ovi_ncall(p, json, "ROUND", &e, 1, out, err));
    return ovi_ncast(p, *out, OV_SQL_BIGINT, out, err);
}

static ov_status shown(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[2] = {e, NULL};
    if (agg->shown_arg)
        OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, (double)agg->shown_arg, &args[1], err));
    return ovi_ncall(p, agg->json, agg->shown, args, agg->shown_arg ? 2 : 1, out, err);
}

ov_status ovi_nsketch_final(ovi_nplanner *p, const ovi_naggs *aggs, const ov_plan *in, const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    bool any = false;
    *out = in;
    OV_TRY(ov_arena_alloc(p->arena, in->field_count * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, in->field_count * sizeof *names, &names, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        names[i] = in->fields[i].name;
        OV_TRY(ov_plan_column(p->cx, in, i, &exprs[i], err));
        for (uint32_t k = 0; k < aggs->count; k++) {
            const ovi_nagg *agg = &aggs->list[k];
            if (!agg->estimate || !ov_slice_eq(agg->name, names[i]))
                continue;
            any = true;
            if (agg->shown)
                OV_TRY(shown(p, agg, exprs[i], &exprs[i], err));
            else if (agg->deviations)
                OV_TRY(bounds(p, agg->json, exprs[i], agg->deviations, &exprs[i], err));
            else
                OV_TRY(ovi_nsketch_number(p, agg->json, exprs[i], &exprs[i], err));
            if (agg->round)
                OV_TRY(rounded(p, agg->json, exprs[i], &exprs[i], err));
        }
    }
    return any ? ov_plan_project(p->arena, in, exprs, names, in->field_count, out, err) : OV_OK;
}

/* ---- post-aggregators ---- */

ov_status ovi_nsketch_field(ovi_nsketch_post *b, const ov_json *json, ov_complex_id kind, const ov_expr **out)
{
    const ov_json *field;
    OV_TRY(ov_json_need_obj(json, "field", &field, b->err));
    OV_TRY(b->bind(b->ctx, field, out));
    if ((*out)->type.id == OV_TYPE_COMPLEX && (*out)->type.complex == kind)
        return OV_OK;
    char name[48];
    return ov_json_fail(field, b->err, OV_INVALID, "expected a %s", ov_type_name(OV_T_COMPLEX(kind), name));
}

static ov_status hll_estimate(ovi_nsketch_post *b, const ov_json *json, const ov_expr **out)
{
    bool round;
    OV_TRY(ov_json_bool(json, "round", false, &round, b->err));
    OV_TRY(ovi_nsketch_field(b, json, OV_COMPLEX_HLL, out));
    OV_TRY(ovi_nsketch_number(b->p, json, *out, out, b->err));
    return round ? rounded(b->p, json, *out, out, b->err) : OV_OK;
}

static ov_status hll_bounds(ovi_nsketch_post *b, const ov_json *json, const ov_expr **out)
{
    int64_t deviations;
    OV_TRY(ov_json_i64_in(json, "numStdDev", 1, 1, 3, &deviations, b->err));
    OV_TRY(ovi_nsketch_field(b, json, OV_COMPLEX_HLL, out));
    return bounds(b->p, json, *out, deviations, out, b->err);
}

static ov_status hll_text(ovi_nsketch_post *b, const ov_json *json, const ov_expr **out)
{
    OV_TRY(ovi_nsketch_field(b, json, OV_COMPLEX_HLL, out));
    return ovi_ncall(b->p, json, "HLL_SKETCH_TO_STRING", out, 1, out, b->err);
}

static ov_status theta_estimate(ovi_nsketch_post *b, const ov_json *json, const ov_expr **out)
{
    int64_t deviations = 0;
    if (ov_json_find(json, "errorBoundsStdDev"))
        OV_TRY(ov_json_i64_in(json, "errorBoundsStdDev", 1, 1, 3, &deviations, b->err));
    OV_TRY(ovi_nsketch_field(b, json, OV_COMPLEX_THETA, out));
    return deviations ? bounds(b->p, json, *out, deviations, out, b->err)
                      : ovi_nsketch_number(b->p, json, *out, out, b->err);
}

/* The sketches in `fields` behind the constants that are in args already. */
static ov_status set_operation(ovi_nsketch_post *b, const ov_json *json, const char *fn, const ov_expr **sizes,
                               uint32_t n, const ov_expr **out)
{
    const ov_json *fields;
    const ov_expr **args;
    OV_TRY(ov_json_need_arr(json, "fields", &fields, b->err));
    if (fields->count < 2)
        return ov_json_fail(fields, b->err, OV_INVALID, "expected 2 or more sketches, found %u", fields->count);
    OV_TRY(ov_arena_alloc(b->p->arena, (n + (size_t)fields->count) * sizeof *args, &args, b->err));
    memcpy(args, sizes, n * sizeof *args);
    for (const ov_json *v = fields->first; v; v = v->next)
        OV_TRY(b->bind(b->ctx, v, &args[n++]));
    return ovi_ncall(b->p, json, fn, args, n, out, b->err);
}

static ov_status hll_union(ovi_nsketch_post *b, const ov_json *json, const ov_expr **out)
{
    const ov_expr *sizes[OV_SKETCH_MOST_PARAMS];
    uint32_t n = 0;
    OV_TRY(add_sizes(b->p, json, OV_SLICE_LIT("HLLSketchBuild"), sizes, &n, b->err));
    return set_operation(b, json, "HLL_SKETCH_UNION", sizes, OV_HLL_TEXT_PARAM, out); /* nothing is hashed */
}

static ov_status theta_set(ovi_nsketch_post *b, const ov_json *json, const ov_expr **out)
{
    static const char *const functions[][2] = {{"UNION", "THETA_SKETCH_UNION"},
                                               {"INTERSECT", "THETA_SKETCH_INTERSECT"},
                                               {"NOT", "THETA_SKETCH_NOT"}};
    const ov_expr *sizes[OV_SKETCH_MOST_PARAMS];
    uint32_t n = 0;
    ov_slice func;
    OV_TRY(ov_json_need_str(json, "func", &func, b->err));
    OV_TRY(add_sizes(b->p, json, OV_SLICE_LIT("thetaSketch"), sizes, &n, b->err));
    for (size_t i = 0; i < OV_COUNT_OF(functions); i++)
        if (ov_slice_eq(func, ov_slice_cstr(functions[i][0])))
            return set_operation(b, json, functions[i][1], sizes, n, out);
    return ov_json_fail(ov_json_get(json, "func"), b->err, OV_INVALID, "expected UNION, INTERSECT or NOT");
}

ov_status ovi_nsketch_decode(ovi_nplanner *p, const ov_json *v, ov_slice kind, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[2];
    ov_slice text;
    OV_TRY(ov_json_as_str(v, &text, err));
    OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, kind, &args[0], err));
    OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, text, &args[1], err));
    OV_TRY(ovi_ncall(p, v, "COMPLEX_DECODE_BASE64", args, 2, out, err));
    if ((*out)->kind == OV_EXPR_CONST)
        return OV_OK;
    return ov_json_fail(v, err, OV_INVALID, "expected the Base64 text of a COMPLEX<" OV_SLICE_FMT ">", OV_SLICE_ARG(kind)); /* folding it failed */
}

static ov_status theta_constant(ovi_nsketch_post *b, const ov_json *json, const ov_expr **out)
{
    const ov_json *v;
    OV_TRY(ov_json_need(json, "value", &v, b->err));
    return ovi_nsketch_decode(b->p, v, OV_SLICE_LIT("thetaSketch"), out, b->err);
}

static ov_status theta_text(ovi_nsketch_post *b, const ov_json *json, const ov_expr **out)
{
    OV_TRY(ovi_nsketch_field(b, json, OV_COMPLEX_THETA, out));
    return ovi_ncall(b->p, json, "$THETA_TEXT", out, 1, out, b->err);
}

ov_status ovi_nsketch_post_bind(ovi_nsketch_post *b, ov_slice type, const ov_json *json, bool *found, const ov_expr **out)
{
    static const struct {
        const char *name;
        ov_status (*bind)(ovi_nsketch_post *b, const ov_json *json, const ov_expr **out);
    } kinds[] = {
        {"HLLSketchEstimate", hll_estimate},     {"HLLSketchEstimateWithBounds", hll_bounds},
        {"HLLSketchToString", hll_text},         {"HLLSketchUnion", hll_union},
        {"sketchEstimate", theta_estimate},      {"sketchSetOper", theta_set}, /* older names */
        {"thetaSketchConstant", theta_constant}, {"thetaSketchEstimate", theta_estimate},
        {"thetaSketchSetOp", theta_set},         {"thetaSketchToString", theta_text},
    };
    OV_TRY(ovi_nquantiles_post_bind(b, type, json, found, out));
    if (!*found)
        OV_TRY(ovi_nhistogram_post_bind(b, type, json, found, out));
    if (!*found)
        OV_TRY(ovi_ntuple_post_bind(b, type, json, found, out));
    for (size_t i = 0; i < OV_COUNT_OF(kinds) && !*found; i++)
        if (ov_slice_eq(type, ov_slice_cstr(kinds[i].name))) {
            *found = true;
            return kinds[i].bind(b, json, out);
        }
    return OV_OK;
}
