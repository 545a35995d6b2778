/*
 * Aggregators: each becomes a call of an aggregate function of query/agg, and a cast of its result. The type in an
 * aggregator's name is that of the argument and of the result (a doubleSum over whole numbers is a DOUBLE).
 */
#include "query/native/native_agg_int.h"

ov_status ovi_nagg_room(ovi_nagg_binder *b, ov_agg_call **out)
{
    ovi_naggs *aggs = b->aggs;
    OV_TRY(ov_arena_room(b->s->p->arena, &aggs->calls, aggs->call_count, &aggs->call_capacity, 1, sizeof *aggs->calls, b->err));
    *out = &aggs->calls[aggs->call_count];
    return OV_OK;
}

ov_status ovi_nagg_call(ovi_nagg_binder *b, const ov_json *json, const char *fn, const ov_expr **args, uint32_t argc,
                          bool distinct, uint32_t *index)
{
    ov_agg_call *call;
    OV_TRY(ovi_nagg_room(b, &call));
    ov_status st = ov_agg_bind(b->s->p->cx, ov_slice_cstr(fn), args, argc, distinct, b->filter, 0, 0,
                               call, b->err);
    *index = b->aggs->call_count;
    b->aggs->call_count += st == OV_OK;
    return ovi_nfail_at(json, st, b->err);
}

/* The value of `fieldName` or `expression`. */
static ov_status read_argument(ovi_nagg_binder *b, const ov_json *json, const ov_expr **out)
{
    ov_slice name;
    if (ov_json_find(json, "expression"))
        return ovi_nscope_expression(b->s, json, out, b->err);
    OV_TRY(ov_json_need_str(json, "fieldName", &name, b->err));
    return ovi_nscope_value(b->s, name, out, b->err);
}

static ov_status as_type(ovi_nagg_binder *b, const ov_json *json, ov_sqltype sql, const ov_expr **out)
{
    if (ov_type_is_list((*out)->type) && sql == OV_SQL_VARCHAR)
        return ovi_ncall(b->s->p, json, "TO_JSON_STRING", out, 1, out, b->err);
    if (ov_type_is_list((*out)->type))
        OV_TRY(ovi_nagg_only(b, json, sql, out));
    if ((*out)->type.id == OV_TYPE_COMPLEX)
        OV_TRY(ovi_nagg_plain(b, json, sql, out));
    return ovi_nfail_at(json, ovi_ncast(b->s->p, *out, sql, out, b->err), b->err);
}

ov_status ovi_nagg_argument(ovi_nagg_binder *b, const ov_json *json, ov_sqltype sql, const ov_expr **out)
{
    OV_TRY(read_argument(b, json, out));
    return as_type(b, json, sql, out);
}

static ov_status bind_count(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    return ovi_nagg_call(b, json, k->fn, NULL, 0, false, &b->agg->call);
}

static ov_status bind_simple(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_expr *x;
    OV_TRY(read_argument(b, json, &x));
    if (ov_type_is_list(x->type))
        OV_TRY(ovi_nagg_each(b, k, json, &x));
    OV_TRY(as_type(b, json, k->sql, &x));
    b->agg->sql = k->sql;
    return ovi_nagg_call(b, json, k->fn, &x, 1, false, &b->agg->call);
}

/* Texts are cut to maxStringBytes, 1024 when absent. */
static ov_status text_limit(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json, const ov_expr **args, uint32_t *argc)
{
    int64_t bytes;
    if (k->sql != OV_SQL_VARCHAR)
        return OV_OK;
    OV_TRY(ov_json_i64_in(json, "maxStringBytes", 1024, 1, INT32_MAX, &bytes, b->err));
    return ov_expr_i64(b->s->p->cx, OV_SQL_BIGINT, bytes, &args[(*argc)++], b->err);
}

static ov_status time_argument(ovi_nagg_binder *b, const ov_json *json, const ov_expr **out)
{
    ov_slice name;
    OV_TRY(ov_json_str(json, "timeColumn", OV_SLICE_LIT("__time"), &name, b->err));
    if (ov_slice_eq(name, OV_SLICE_LIT("__time")))
        OV_TRY(ovi_nscope_time(b->s, out, b->err));
    else
        OV_TRY(ovi_nscope_value(b->s, name, out, b->err));
    return ov_type_is_int((*out)->type) ? OV_OK : ovi_ncast(b->s->p, *out, OV_SQL_BIGINT, out, b->err);
}

/* (long|double|float|string)(First|Last): the value beside the first or last time; of metrics of ingestion the times that they kept */
static ov_status bind_timed(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_expr *args[3];
    uint32_t argc = 2, time;
    OV_TRY(read_argument(b, json, &args[0]));
    if (ov_type_is_pair(args[0]->type)) {
        OV_TRY(ovi_ncall(b->s->p, json, "$PAIR_TIME", &args[0], 1, &args[1], b->err));
        OV_TRY(ovi_ncall(b->s->p, json, "$PAIR_VALUE", &args[0], 1, &args[0], b->err));
    } else {
        OV_TRY(time_argument(b, json, &args[1]));
    }
    OV_TRY(as_type(b, json, k->sql, &args[0]));
    OV_TRY(text_limit(b, k, json, args, &argc));
    b->agg->sql = k->sql;
    OV_TRY(ovi_nagg_call(b, json, k->fn, args, argc, false, &b->agg->call));
    if (b->finalize)
        return OV_OK;
    b->agg->make = ovi_nagg_pair;
    b->agg->made_of = 2;
    return ovi_nagg_call(b, json, k->fn[0] == 'E' ? "MIN" : "MAX", &args[1], 1, false, &time);
}

/* stringAny with `"aggregateMultipleValues": false` takes a row's first text. */
static ov_status first_of_many(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json, const ov_expr **x)
{
    const ov_expr *args[2] = {*x, NULL};
    bool all;
    OV_TRY(ov_json_bool(json, "aggregateMultipleValues", true, &all, b->err));
    if (all || k->sql != OV_SQL_VARCHAR || !ov_type_is_list((*x)->type))
        return OV_OK;
    OV_TRY(ov_expr_i64(b->s->p->cx, OV_SQL_BIGINT, 0, &args[1], b->err));
    return ovi_ncall(b->s->p, json, (*x)->type.multi ? "MV_OFFSET" : "ARRAY_OFFSET", args, 2, x, b->err);
}

static ov_status bind_any(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_expr *args[2];
    uint32_t argc = 1;
    OV_TRY(read_argument(b, json, &args[0]));
    OV_TRY(first_of_many(b, k, json, &args[0]));
    OV_TRY(as_type(b, json, k->sql, &args[0]));
    OV_TRY(text_limit(b, k, json, args, &argc));
    b->agg->sql = k->sql;
    return ovi_nagg_call(b, json, k->fn, args, argc, false, &b->agg->call);
}

/* The sum over the count: 0 over no rows, unlike AVG. */
static ov_status bind_mean(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_expr *x;
    b->agg->zero = true;
    OV_TRY(read_argument(b, json, &x));
    return ov_type_is_list(x->type) ? ovi_nagg_mean(b, json, x) : bind_simple(b, k, json);
}

/* ---- wrappers ---- */

static ov_status bind_one(ovi_nagg_binder *b, const ov_json *json);

static ov_status bind_filtered(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_json *filter, *inner;
    const ov_expr *outer = b->filter, *both[2] = {outer, NULL};
    ov_slice name;
    (void)k;
    OV_TRY(ov_json_need_obj(json, "filter", &filter, b->err));
    OV_TRY(ov_json_need_obj(json, "aggregator", &inner, b->err));
    OV_TRY(ov_native_filter(filter, &b->s->base, b->s->p->cx, &both[1], b->err));
    b->filter = both[1];
    if (outer)
        OV_TRY(ovi_ncall(b->s->p, json, "AND", both, 2, &b->filter, b->err));
    OV_TRY(bind_one(b, inner));
    b->filter = outer;
    OV_TRY(ov_json_str(json, "name", (ov_slice){"", 0}, &name, b->err));
    if (name.n)
        b->agg->name = name;
    return OV_OK;
}

static ov_status bind_grouping(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    (void)k;
    OV_TRY(ov_json_need_arr(json, "groupings", &b->agg->groupings, b->err));
    return b->agg->groupings->count <= 63
               ? OV_OK
               : ov_json_fail(b->agg->groupings, b->err, OV_LIMIT, "more than 63 dimensions");
}

static ov_status refuse_javascript(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    (void)k;
    return ovi_nno_javascript(json, b->err);
}

/* Sorted by name. */
static const ovi_nagg_kind kinds[] = {
    {"HLLSketchBuild", ovi_nagg_sketch, "DS_HLL", OV_SQL_NULL},
    {"HLLSketchMerge", ovi_nagg_sketch, "DS_HLL", OV_SQL_NULL},
    {"KllDoublesSketch", ovi_nagg_sketch, "$KLL_DOUBLES", OV_SQL_NULL},
    {"KllDoublesSketchMerge", ovi_nagg_sketch_merge, "$KLL_DOUBLES", OV_SQL_NULL},
    {"KllFloatsSketch", ovi_nagg_sketch, "$KLL_FLOATS", OV_SQL_NULL},
    {"KllFloatsSketchMerge", ovi_nagg_sketch_merge, "$KLL_FLOATS", OV_SQL_NULL},
    {"approxHistogram", ovi_nagg_by_table, "$APPROX_HISTOGRAM", OV_SQL_NULL},
    {"approxHistogramFold", ovi_nagg_by_table, "$APPROX_HISTOGRAM", OV_SQL_NULL},
    {"arrayOfDoublesSketch", ovi_nagg_by_table, "DS_TUPLE_DOUBLES", OV_SQL_NULL},
    {"bloom", ovi_nagg_by_table, "BLOOM_FILTER", OV_SQL_NULL},
    {"cardinality", ovi_nagg_cardinality, NULL, OV_SQL_NULL},
    {"count", bind_count, "COUNT", OV_SQL_NULL},
    {"distinctCount", ovi_nagg_distinct, NULL, OV_SQL_NULL},
    {"doubleAny", bind_any, "ANY_VALUE", OV_SQL_DOUBLE},
    {"doubleFirst", bind_timed, "EARLIEST_BY", OV_SQL_DOUBLE},
    {"doubleLast", bind_timed, "LATEST_BY", OV_SQL_DOUBLE},
    {"doubleMax", bind_simple, "MAX", OV_SQL_DOUBLE},
    {"doubleMean", bind_mean, "AVG", OV_SQL_DOUBLE},
    {"doubleMin", bind_simple, "MIN", OV_SQL_DOUBLE},
    {"doubleSum", bind_simple, "SUM", OV_SQL_DOUBLE},
    {"expression", ovi_nagg_fold, NULL, OV_SQL_NULL},
    {"filtered", bind_filtered, NULL, OV_SQL_NULL},
    {"fixedBucketsHistogram", ovi_nagg_by_table, "$FIXED_HISTOGRAM", OV_SQL_NULL},
    {"floatAny", bind_any, "ANY_VALUE", OV_SQL_FLOAT},
    {"floatFirst", bind_timed, "EARLIEST_BY", OV_SQL_FLOAT},
    {"floatLast", bind_timed, "LATEST_BY", OV_SQL_FLOAT},
    {"floatMax", bind_simple, "MAX", OV_SQL_FLOAT},
    {"floatMin", bind_simple, "MIN", OV_SQL_FLOAT},
    {"floatSum", bind_simple, "SUM", OV_SQL_FLOAT},
    {"grouping", bind_grouping, NULL, OV_SQL_NULL},
    {"histogram", ovi_nagg_histogram, NULL, OV_SQL_NULL},
    {"hyperUnique", ovi_nagg_hyper_unique, NULL, OV_SQL_NULL},
    {"javascript", refuse_javascript, NULL, OV_SQL_NULL},
    {"longAny", bind_any, "ANY_VALUE", OV_SQL_BIGINT},
    {"longFirst", bind_timed, "EARLIEST_BY", OV_SQL_BIGINT},
    {"longLast", bind_timed, "LATEST_BY", OV_SQL_BIGINT},
    {"longMax", bind_simple, "MAX", OV_SQL_BIGINT},
    {"longMin", bind_simple, "MIN", OV_SQL_BIGINT},
    {"longSum", bind_simple, "SUM", OV_SQL_BIGINT},
    {"momentSketch", ovi_nagg_sketch, "$MOMENTS", OV_SQL_NULL},
    {"momentSketchMerge", ovi_nagg_sketch_merge, "$MOMENTS", OV_SQL_NULL},
    {"quantilesDoublesSketch", ovi_nagg_sketch, "DS_QUANTILES_SKETCH", OV_SQL_NULL},
    {"quantilesDoublesSketchMerge", ovi_nagg_sketch_merge, "DS_QUANTILES_SKETCH", OV_SQL_NULL},
    {"singleValue", ovi_nagg_single, NULL, OV_SQL_NULL},
    {"sketchBuild", ovi_nagg_sketch, "DS_THETA", OV_SQL_NULL},
    {"sketchMerge", ovi_nagg_sketch, "DS_THETA", OV_SQL_NULL},
    {"stringAny", bind_any, "ANY_VALUE", OV_SQL_VARCHAR},
    {"stringFirst", bind_timed, "EARLIEST_BY", OV_SQL_VARCHAR},
    {"stringFirstFold", bind_timed, "EARLIEST_BY", OV_SQL_VARCHAR},
    {"stringLast", bind_timed, "LATEST_BY", OV_SQL_VARCHAR},
    {"stringLastFold", bind_timed, "LATEST_BY", OV_SQL_VARCHAR},
    {"tDigestSketch", ovi_nagg_sketch, "TDIGEST_GENERATE_SKETCH", OV_SQL_NULL},
    {"thetaSketch", ovi_nagg_sketch, "DS_THETA", OV_SQL_NULL},
    {"timeMax", ovi_nagg_time, "MAX", OV_SQL_NULL},
    {"timeMin", ovi_nagg_time, "MIN", OV_SQL_NULL},
    {"variance", ovi_nagg_variance, NULL, OV_SQL_NULL},
    {"varianceFold", ovi_nagg_variance, NULL, OV_SQL_NULL},
};

static ov_status bind_one(ovi_nagg_binder *b, const ov_json *json)
{
    ov_slice type;
    OV_TRY(ov_json_expect(json, OV_JSON_OBJECT, b->err));
    OV_TRY(ov_json_need_str(json, "type", &type, b->err));
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++) {
        if (!ov_slice_eq(type, ov_slice_cstr(kinds[i].name)))
            continue;
        if (kinds[i].bind != bind_filtered)
            OV_TRY(ov_json_str(json, "name", (ov_slice){"", 0}, &b->agg->name, b->err));
        return kinds[i].bind(b, &kinds[i], json);
    }
    return ov_json_fail(ov_json_get(json, "type"), b->err, OV_INVALID,
                        "unknown aggregator '" OV_SLICE_FMT
                        "'; there are count, (long|double|float)(Sum|Min|Max|First|Last|Any), string(First|Last|Any), "
                        "doubleMean, time(Min|Max), singleValue, cardinality, hyperUnique, HLLSketchBuild, HLLSketchMerge, thetaSketch, "
                        "quantilesDoublesSketch, variance, histogram, expression, filtered and grouping",
                        OV_SLICE_ARG(type));
}

ov_status ovi_naggregators(ovi_nscope *s, const ov_json *query, ovi_naggs *out, ov_error *err)
{
    const ov_json *list;
    bool finalize;
    *out = (ovi_naggs){0};
    OV_TRY(ovi_ncontext_bool(query, "finalize", true, &finalize, err));
    OV_TRY(ov_json_arr(query, "aggregations", &list, err));
    if (!list)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(s->p->arena, (list->count + (size_t)1) * sizeof *out->list, &out->list, err));
    for (const ov_json *v = list->first; v; v = v->next) {
        ovi_nagg_binder b = {.s = s, .aggs = out, .agg = &out->list[out->count], .finalize = finalize, .err = err};
        b.agg->json = v;
        OV_TRY(bind_one(&b, v));
        if (b.agg->name.n == 0)
            return ov_json_fail(v, err, OV_INVALID, "'name' is missing (the name of the result is expected)");
        out->count++;
    }
    return OV_OK;
}

/* Bits of the dimensions that this row's set leaves out, the first one highest. They are meant by what they read or by their name. */
static ov_status grouping_value(const ovi_nagg *agg, const ovi_ndim *dims, uint32_t dim_count, const uint8_t *set,
                                int64_t *out, ov_error *err)
{
    *out = 0;
    for (const ov_json *v = agg->groupings->first; v; v = v->next) {
        ov_slice name;
        bool grouped = false;
        OV_TRY(ov_json_as_str(v, &name, err));
        for (uint32_t i = 0; i < dim_count; i++)
            grouped |= (ov_slice_eq(dims[i].name, name) || ov_slice_eq(dims[i].column, name)) && (!set || set[i]);
        *out = *out << 1 | !grouped;
    }
    return OV_OK;
}

static ov_status make_of_calls(ovi_nplanner *p, const ovi_nagg *agg, const ov_plan *grouped, uint32_t first, const ov_expr **out, ov_error *err)
{
    const ov_expr **calls;
    OV_TRY(ov_arena_alloc(p->arena, agg->made_of * sizeof *calls, &calls, err));
    for (uint32_t i = 0; i < agg->made_of; i++)
        OV_TRY(ov_plan_column(p->cx, grouped, first + agg->call + i, &calls[i], err));
    return agg->make(p, agg, calls, out, err);
}

ov_status ovi_nagg_result(ovi_nplanner *p, const ovi_naggs *aggs, uint32_t i, const ov_plan *grouped, uint32_t first,
                          const ovi_ndim *dims, uint32_t dim_count, const uint8_t *set, const ov_expr **out,
                          ov_error *err)
{
    const ovi_nagg *agg = &aggs->list[i];
    int64_t bits;
    if (agg->groupings) {
        OV_TRY(grouping_value(agg, dims, dim_count, set, &bits, err));
        return ov_expr_i64(p->cx, OV_SQL_BIGINT, bits, out, err);
    }
    if (agg->make)
        return make_of_calls(p, agg, grouped, first, out, err);
    OV_TRY(ov_plan_column(p->cx, grouped, first + agg->call, out, err));
    if (agg->zero) {
        const ov_expr *sides[2] = {*out, NULL};
        OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, 0, &sides[1], err));
        OV_TRY(ovi_ncall(p, agg->json, "COALESCE", sides, 2, out, err));
    }
    if (agg->folded)
        return ovi_nagg_fold_result(p, agg, out, err);
    return agg->sql != OV_SQL_NULL ? ovi_ncast(p, *out, agg->sql, out, err) : OV_OK;
}
