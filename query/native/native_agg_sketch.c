/*
 * Aggregators that count different values, keep sketches, or estimate variances.
 */
#include "query/native/native_agg_int.h"
#include "sketch/ops.h"

/* ---- distinct values ---- */

static ov_status count_distinct(ovi_nagg_binder *b, const ov_json *json, const ov_expr *x)
{
    bool round;
    OV_TRY(ov_json_bool(json, "round", false, &round, b->err));
    b->agg->sql = round ? OV_SQL_BIGINT : OV_SQL_DOUBLE;
    return ovi_nagg_call(b, json, "COUNT", &x, 1, true, &b->agg->call);
}

/* A plain dimension has the column's own type: numbers and their texts are different values. */
static ov_status own_value(ovi_nagg_binder *b, const ov_json *field, const ov_expr **out)
{
    ovi_ndim dim;
    ov_slice type = OV_SLICE_LIT("default"), name = {0};
    if (field->kind == OV_JSON_STRING) {
        name = field->s;
    } else {
        OV_TRY(ov_json_str(field, "type", type, &type, b->err));
        if (ov_slice_eq(type, OV_SLICE_LIT("default")))
            OV_TRY(ov_json_need_str(field, "dimension", &name, b->err));
    }
    if (name.n)
        return ovi_nscope_value(b->s, name, out, b->err);
    OV_TRY(ovi_ndimension(b->s, field, &dim, b->err));
    *out = dim.expr;
    return OV_OK;
}

/* What is no text as a text that no text is equal to. */
static ov_status marked_text(ovi_nagg_binder *b, const ov_json *json, const ov_expr *x, const ov_expr **out)
{
    static const char *const marks[] = {
        [OV_TYPE_LONG] = "\001L", [OV_TYPE_FLOAT] = "\001F", [OV_TYPE_DOUBLE] = "\001D", [OV_TYPE_ARRAY] = "\001A", [OV_TYPE_COMPLEX] = "\001C"};
    const ov_expr *parts[2];
    *out = x;
    if (x->type.id >= OV_COUNT_OF(marks) || !marks[x->type.id])
        return OV_OK;
    OV_TRY(ovi_nliteral(b->s->p, marks[x->type.id], &parts[0], b->err));
    OV_TRY(ovi_ntext(b->s->p, x, &parts[1], b->err));
    return ovi_ncall(b->s->p, json, "CONCAT", parts, 2, out, b->err);
}

/* One multi-value text of all columns' values. */
static ov_status values_together(ovi_nagg_binder *b, const ov_json *json, const ov_json *fields, const ov_expr **out)
{
    ovi_nplanner *p = b->s->p;
    const ov_expr **plain, *all[2];
    uint32_t n = 0, many = 0;
    OV_TRY(ov_arena_alloc(p->arena, 2 * fields->count * sizeof *plain, &plain, b->err));
    for (const ov_json *v = fields->first; v; v = v->next) {
        const ov_expr *x;
        OV_TRY(own_value(b, v, &x));
        if (x->type.multi)
            plain[fields->count + many++] = x;
        else
            OV_TRY(marked_text(b, v, x, &plain[n++]));
    }
    OV_TRY(ovi_ncall(p, json, "ARRAY", plain, n, &all[0], b->err));
    for (uint32_t i = 0; i < many; i++) {
        OV_TRY(ovi_ncall(p, json, "MV_TO_ARRAY", &plain[fields->count + i], 1, &all[1], b->err));
        OV_TRY(ovi_ncall(p, json, "ARRAY_CONCAT", all, 2, &all[0], b->err));
    }
    return ovi_ncall(p, json, "ARRAY_TO_MV", all, 1, out, b->err);
}

/* The rows' combinations of values; a row of NULLs is one too. */
static ov_status values_by_row(ovi_nagg_binder *b, const ov_json *json, const ov_json *fields, const ov_expr **out)
{
    const ov_expr **values;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(b->s->p->arena, fields->count * sizeof *values, &values, b->err));
    for (const ov_json *v = fields->first; v; v = v->next) {
        ovi_ndim dim;
        OV_TRY(ovi_ndimension(b->s, v, &dim, b->err));
        if (dim.expr->type.multi) {
            OV_TRY(ovi_ncall(b->s->p, v, "MV_TO_ARRAY", &dim.expr, 1, &dim.expr, b->err));
            OV_TRY(ovi_ncall(b->s->p, v, "$PACK_LIST", &dim.expr, 1, &dim.expr, b->err));
        }
        values[n++] = dim.expr;
    }
    return ovi_ncall(b->s->p, json, "ARRAY", values, n, out, b->err);
}

/* Exact, where Druid estimates. */
ov_status ovi_nagg_cardinality(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_json *fields;
    const ov_expr *x;
    ovi_ndim dim;
    bool by_row;
    (void)k;
    OV_TRY(ov_json_arr(json, "fields", &fields, b->err));
    if (!fields)
        OV_TRY(ov_json_need_arr(json, "fieldNames", &fields, b->err));
    OV_TRY(ov_json_bool(json, "byRow", false, &by_row, b->err));
    if (fields->count == 0)
        return ov_json_fail(fields, b->err, OV_INVALID, "expected at least one column");
    if (by_row) {
        OV_TRY(values_by_row(b, json, fields, &x));
    } else if (fields->count > 1) {
        OV_TRY(values_together(b, json, fields, &x));
    } else {
        OV_TRY(ovi_ndimension(b->s, fields->first, &dim, b->err));
        x = dim.expr;
    }
    return count_distinct(b, json, x);
}

/* distinctCount: one column by name. */
ov_status ovi_nagg_distinct(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_expr *x;
    ov_slice name;
    (void)k;
    OV_TRY(ov_json_need_str(json, "fieldName", &name, b->err));
    OV_TRY(ovi_nscope_value(b->s, name, &x, b->err));
    b->agg->sql = OV_SQL_BIGINT;
    return ovi_nagg_call(b, json, "COUNT", &x, 1, true, &b->agg->call);
}

ov_status ovi_nagg_hyper_unique(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_expr *x;
    ov_slice name;
    (void)k;
    OV_TRY(ov_json_need_str(json, "fieldName", &name, b->err));
    OV_TRY(ovi_nscope_value(b->s, name, &x, b->err));
    if (x->type.id != OV_TYPE_COMPLEX || x->type.complex != OV_COMPLEX_HYPER_UNIQUE)
        return count_distinct(b, json, x);
    OV_TRY(ov_json_bool(json, "round", false, &b->agg->round, b->err));
    b->agg->estimate = b->finalize;
    return ovi_nagg_call(b, json, "$HYPER_UNIQUE", &x, 1, false, &b->agg->call);
}

static ov_status add_sketch(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json, ov_slice name)
{
    const ov_expr *args[1 + OV_SKETCH_MOST_PARAMS];
    uint32_t argc = 1;
    OV_TRY(ovi_nscope_value(b->s, name, &args[0], b->err));
    OV_TRY(ovi_nsketch_args(b->s->p, json, b->agg, args, &argc, b->err));
    b->agg->estimate = b->agg->estimate && b->finalize;
    return ovi_nagg_call(b, json, k->fn, args, argc, false, &b->agg->call);
}

/* Of values, or of a column of sketches. */
ov_status ovi_nagg_sketch(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    ov_slice name;
    OV_TRY(ov_json_need_str(json, "fieldName", &name, b->err));
    return add_sketch(b, k, json, name);
}

/* Of a column that is named like the aggregator itself. */
ov_status ovi_nagg_sketch_merge(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    ov_slice name;
    if (b->agg->name.n == 0)
        return ovi_nagg_sketch(b, k, json);
    OV_TRY(ov_json_str(json, "fieldName", b->agg->name, &name, b->err));
    return add_sketch(b, k, json, name);
}

/* Values of a tuple: the key and its numbers. */
static ov_status tuple_values(ovi_nagg_binder *b, const ov_json *json, const ov_expr **args, uint32_t *argc)
{
    const ov_json *columns;
    OV_TRY(ov_json_arr(json, "metricColumns", &columns, b->err));
    for (const ov_json *v = columns ? columns->first : NULL; v; v = v->next) {
        ov_slice name;
        OV_TRY(ov_json_as_str(v, &name, b->err));
        OV_TRY(ovi_nscope_value(b->s, name, &args[(*argc)++], b->err));
    }
    return OV_OK;
}

/* What of Druid's histograms is shown, unless they are asked for as they are. */
static ov_status shown_as(ovi_nagg_binder *b, const ov_json *json, ov_complex_id make)
{
    bool raw;
    OV_TRY(ov_json_bool(json, "finalizeAsBase64Binary", false, &raw, b->err));
    if (raw || make == OV_COMPLEX_BLOOM)
        return OV_OK;
    b->agg->estimate = b->finalize;
    if (make == OV_COMPLEX_APPROX_HISTOGRAM) {
        b->agg->shown = "$HISTOGRAM_EQUAL";
        return ov_json_i64_in(json, "numBuckets", 7, 2, 1000000, &b->agg->shown_arg, b->err);
    }
    if (make == OV_COMPLEX_FIXED_HISTOGRAM)
        b->agg->shown = "$HISTOGRAM_TEXT";
    return OV_OK;
}

/* Sketches that storage/metric.h says everything about. */
ov_status ovi_nagg_by_table(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_metric_kind *entry = ov_metric_kind_of(ov_slice_cstr(k->name));
    const ov_expr *args[2 + 255 + OV_SKETCH_MOST_PARAMS];
    uint32_t argc = 1;
    ov_metric m;
    OV_TRY(ov_metric_read(json, entry, &m, b->err));
    if (m.complex == OV_COMPLEX_BLOOM) {
        const ov_json *field;
        OV_TRY(ov_json_need(json, "field", &field, b->err));
        OV_TRY(own_value(b, field, &args[0]));
    } else {
        ov_slice name;
        OV_TRY(ov_json_need_str(json, "fieldName", &name, b->err));
        OV_TRY(ovi_nscope_value(b->s, name, &args[0], b->err));
    }
    uint32_t params = m.ops->param_count;
    if (m.ops->takes == OV_SKETCH_OF_TUPLES) {
        OV_TRY(tuple_values(b, json, args, &argc));
        params = 1;
    }
    OV_TRY(ovi_nsketch_constants(b->s->p, &m, params, args, &argc, b->err));
    OV_TRY(shown_as(b, json, (ov_complex_id)m.complex));
    return ovi_nagg_call(b, json, k->fn, args, argc, false, &b->agg->call);
}

/* ---- statistics ---- */

ov_status ovi_nagg_variance(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    ov_slice estimator;
    const ov_expr *x;
    ov_slice name;
    (void)k;
    OV_TRY(ov_json_str(json, "estimator", OV_SLICE_LIT("sample"), &estimator, b->err));
    OV_TRY(ov_json_need_str(json, "fieldName", &name, b->err));
    OV_TRY(ovi_nscope_value(b->s, name, &x, b->err));
    if (x->type.id != OV_TYPE_COMPLEX)
        OV_TRY(ovi_nagg_argument(b, json, OV_SQL_DOUBLE, &x));
    bool population = ov_slice_ieq(estimator, OV_SLICE_LIT("population"));
    if (!population && !ov_slice_ieq(estimator, OV_SLICE_LIT("sample")))
        return ov_json_fail(ov_json_get(json, "estimator"), b->err, OV_INVALID, "expected sample or population");
    b->agg->sql = OV_SQL_DOUBLE;
    b->agg->population = population;
    b->aggs->other_count++;
    OV_TRY(ovi_nagg_call(b, json, population ? "VAR_SAMP" : "VAR_POP", &x, 1, false, &b->agg->other));
    b->agg->other++;
    return ovi_nagg_call(b, json, population ? "VAR_POP" : "VAR_SAMP", &x, 1, false, &b->agg->call);
}
