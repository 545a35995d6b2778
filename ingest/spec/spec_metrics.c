/* metricsSpec of an ingestion spec: sums, minima, maxima, any, counts, sketches and values with their times; see ingest/spec/spec.h. */
#include "ingest/spec/spec_int.h"

#include "ingest/parse/timestamp.h"
#include "sketch/pair.h"
#include "storage/build/segment_builder.h"

typedef struct plain_kind {
    const char *name;
    uint8_t type, fold;
} plain_kind;

/* Columns of plain values. Sorted by name. */
static const plain_kind plains[] = {
    {"doubleAny", OV_TYPE_DOUBLE, OV_FOLD_ANY}, {"doubleMax", OV_TYPE_DOUBLE, OV_FOLD_MAX},
    {"doubleMin", OV_TYPE_DOUBLE, OV_FOLD_MIN}, {"doubleSum", OV_TYPE_DOUBLE, OV_FOLD_SUM},
    {"floatAny", OV_TYPE_FLOAT, OV_FOLD_ANY},   {"floatMax", OV_TYPE_FLOAT, OV_FOLD_MAX},
    {"floatMin", OV_TYPE_FLOAT, OV_FOLD_MIN},   {"floatSum", OV_TYPE_FLOAT, OV_FOLD_SUM},
    {"longAny", OV_TYPE_LONG, OV_FOLD_ANY},     {"longMax", OV_TYPE_LONG, OV_FOLD_MAX},
    {"longMin", OV_TYPE_LONG, OV_FOLD_MIN},     {"longSum", OV_TYPE_LONG, OV_FOLD_SUM},
    {"stringAny", OV_TYPE_STRING, OV_FOLD_ANY}, {"timeMax", OV_TYPE_LONG, OV_FOLD_MAX},
    {"timeMin", OV_TYPE_LONG, OV_FOLD_MIN},
};

/* Aggregators that only queries have, in Druid too: their results are no columns. */
static const char *const of_queries[] = {"distinctCount", "doubleMean", "expression", "grouping", "histogram", "javascript", "singleValue"};

static const plain_kind *plain_of(ov_slice type)
{
    for (size_t i = 0; i < OV_COUNT_OF(plains); i++)
        if (ov_slice_eq(type, ov_slice_cstr(plains[i].name)))
            return &plains[i];
    return NULL;
}

/* The column that the times beside values come from, for all but the row's own. */
static ov_status read_time_column(ovi_spec_reader *r, const ov_json *m, ov_metric_spec *out, ov_error *err)
{
    ov_slice name;
    OV_TRY(ov_json_str(m, "timeColumn", OV_SLICE_LIT("__time"), &name, err));
    OV_TRY(ov_arena_alloc(r->out, sizeof *out->more, &out->more, err));
    out->more_count = 1;
    return ov_arena_copy(r->out, name, out->more, err);
}

static ov_status fail_query_only(const ov_json *m, ov_slice type, ov_error *err)
{
    return ov_json_fail(ov_json_get(m, "type"), err, OV_UNSUPPORTED,
                        "'" OV_SLICE_FMT "' is an aggregator of queries, not of ingestion", OV_SLICE_ARG(type));
}

static ov_status read_sketch(ovi_spec_reader *r, const ov_json *m, const ov_metric_kind *kind, ov_metric_spec *out,
                             ov_error *err)
{
    ov_metric *metric;
    OV_TRY(ov_arena_alloc(r->out, sizeof *metric, &metric, err));
    if (kind->input == OV_METRIC_QUERY_ONLY)
        return fail_query_only(m, ov_slice_cstr(kind->name), err);
    OV_TRY(ov_metric_read(m, kind, metric, err));
    if (metric->ops->takes == OV_SKETCH_OF_TUPLES)
        OV_TRY(ovi_spec_texts(r, m, "metricColumns", &out->more, &out->more_count, err));
    if (metric->ops->takes == OV_SKETCH_OF_TIMED)
        OV_TRY(read_time_column(r, m, out, err));
    out->metric = metric;
    out->type = OV_T_COMPLEX(kind->complex);
    out->fold = OV_FOLD_SKETCH;
    return OV_OK;
}

static ov_status fail_kind(const ov_json *m, ov_slice type, ov_error *err)
{
    for (size_t i = 0; i < OV_COUNT_OF(of_queries); i++)
        if (ov_slice_eq(type, ov_slice_cstr(of_queries[i])))
            return fail_query_only(m, type, err);
    return ov_json_fail(ov_json_get(m, "type"), err, OV_UNSUPPORTED,
                        "the aggregator '" OV_SLICE_FMT
                        "' is not supported at ingestion; supported are count, {long,double,float}{Sum,Min,Max,First,Last,Any}, "
                        "string{First,Last,Any}, time{Min,Max} and sketches (HLLSketchBuild, thetaSketch, "
                        "quantilesDoublesSketch and others)",
                        OV_SLICE_ARG(type));
}

/* timeMin and timeMax: how text is read as a time. */
static ov_status read_times(ovi_spec_reader *r, const ov_json *m, ov_metric_spec *out, ov_error *err)
{
    ov_slice format;
    ov_timestamp compiled;
    OV_TRY(ov_json_str(m, "timeFormat", OV_SLICE_LIT("auto"), &format, err));
    if (ov_timestamp_compile(format, r->out, &compiled, err) != OV_OK) {
        ov_error why = *err;
        return ov_json_fail(ov_json_get(m, "timeFormat"), err, OV_INVALID, "%s", why.text);
    }
    return ov_arena_copy(r->out, format.n ? format : OV_SLICE_LIT("auto"), &out->time_format, err);
}

static ov_status read_plain(ovi_spec_reader *r, const ov_json *m, const plain_kind *kind, ov_metric_spec *out, ov_error *err)
{
    int64_t most;
    out->type = OV_T(kind->type);
    out->fold = kind->fold;
    if (kind->name[0] == 't')
        return read_times(r, m, out, err);
    if (kind->type != OV_TYPE_STRING)
        return OV_OK;
    OV_TRY(ov_json_i64_in(m, "maxStringBytes", OV_PAIR_DEFAULT_BYTES, 1, INT32_MAX, &most, err));
    out->most_bytes = (uint32_t)most;
    return OV_OK;
}

/* ---- fields that are made of a row ---- */

enum { MOST_FILTERS = 64 }; /* around one aggregator */

typedef struct metric_reader {
    ovi_spec_reader *r;
    ov_buf made; /* made_json */
} metric_reader;

/* One more field, of that prefix and metric, made by `member`: an expression, or several filters of which all must hold. */
static ov_status add_made(metric_reader *mr, const char *prefix, ov_slice metric, const char *member, const ov_json *const *v,
                          uint32_t n, ov_slice *name, ov_error *err)
{
    ov_buf *b = &mr->made;
    OV_TRY(ov_arena_printf(mr->r->out, name, err, "%s" OV_SLICE_FMT, prefix, OV_SLICE_ARG(metric)));
    ov_buf_add_str(b, b->n ? ",{\"name\":" : "{\"name\":");
    ov_json_quote(b, *name);
    ov_buf_addf(b, ",\"%s\":%s", member, n > 1 ? "{\"type\":\"and\",\"fields\":[" : "");
    for (uint32_t i = 0; i < n; i++) {
        ov_buf_add_str(b, i ? "," : "");
        ov_json_print(v[i], b);
    }
    ov_buf_add_str(b, n > 1 ? "]}}" : "}");
    return ov_buf_check(b, err);
}

/* `filtered`: the aggregator inside, however deep, its filters, and the name of the outermost that has one. */
static ov_status unwrap(const ov_json **m, ov_slice *name, const ov_json **filters, uint32_t *n, ov_error *err)
{
    ov_slice type;
    *n = 0;
    OV_TRY(ov_json_str(*m, "name", (ov_slice){0}, name, err));
    for (;;) {
        OV_TRY(ov_json_need_str(*m, "type", &type, err));
        if (!ov_slice_eq(type, OV_SLICE_LIT("filtered")))
            return name->n ? OV_OK : ov_json_need_str(*m, "name", name, err);
        if (*n == MOST_FILTERS)
            return ov_json_fail(*m, err, OV_LIMIT, "more than %d filters around an aggregator", MOST_FILTERS);
        OV_TRY(ov_json_need_obj(*m, "filter", &filters[(*n)++], err));
        OV_TRY(ov_json_need_obj(*m, "aggregator", m, err));
        if (name->n == 0)
            OV_TRY(ov_json_str(*m, "name", (ov_slice){0}, name, err));
    }
}

/* `fields` of a cardinality: names, or dimensions that are nothing but a name. */
static ov_status read_fields(ovi_spec_reader *r, const ov_json *m, ov_metric_spec *out, ov_error *err)
{
    const ov_json *list;
    ov_slice name, type;
    OV_TRY(ov_json_arr(m, "fields", &list, err));
    if (!list)
        OV_TRY(ov_json_need_arr(m, "fieldNames", &list, err));
    if (list->count == 0)
        return ov_json_fail(list, err, OV_INVALID, "expected at least one field");
    OV_TRY(ov_arena_alloc(r->out, list->count * sizeof *out->more, &out->more, err));
    for (const ov_json *v = list->first; v; v = v->next) {
        if (v->kind == OV_JSON_OBJECT) {
            OV_TRY(ov_json_str(v, "type", OV_SLICE_LIT("default"), &type, err));
            if (!ov_slice_eq(type, OV_SLICE_LIT("default")))
                return ov_json_fail(v, err, OV_UNSUPPORTED, "only fields as they are can be counted at ingestion; make this one with a transform");
            OV_TRY(ov_json_need_str(v, "dimension", &name, err));
        } else {
            OV_TRY(ov_json_as_str(v, &name, err));
        }
        OV_TRY(ov_arena_copy(r->out, name, v == list->first ? &out->field : &out->more[out->more_count++], err));
    }
    return OV_OK;
}

static ov_status read_field(metric_reader *mr, const ov_json *m, const plain_kind *plain, ov_metric_spec *out, ov_error *err)
{
    ov_slice field;
    const ov_json *expression = ov_json_find(m, "expression");
    if (!expression || expression->kind == OV_JSON_NULL) {
        OV_TRY(ov_json_need_str(m, "fieldName", &field, err));
        return ov_arena_copy(mr->r->out, field, &out->field, err);
    }
    if (!plain || plain->fold > OV_FOLD_MAX || plain->name[0] == 't')
        return ov_json_fail(expression, err, OV_UNSUPPORTED,
                            "only sums, minima and maxima of numbers are made of an expression; give 'fieldName', and make that field with a transform");
    OV_TRY(ov_json_expect(expression, OV_JSON_STRING, err));
    out->made = true;
    return add_made(mr, "$metric:", out->name, "expression", &expression, 1, &out->field, err);
}

static ov_status read_metric(metric_reader *mr, const ov_json *m, ov_metric_spec *out, ov_error *err)
{
    ov_slice type, name;
    const ov_json *filters[MOST_FILTERS];
    uint32_t filter_count;
    OV_TRY(ov_json_expect(m, OV_JSON_OBJECT, err));
    OV_TRY(unwrap(&m, &name, filters, &filter_count, err));
    OV_TRY(ov_json_need_str(m, "type", &type, err));
    OV_TRY(ov_arena_copy(mr->r->out, name, &out->name, err));
    if (filter_count)
        OV_TRY(add_made(mr, "$when:", out->name, "filter", filters, filter_count, &out->when, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("count"))) {
        out->type = OV_T(OV_TYPE_LONG);
        out->fold = OV_FOLD_SUM;
        out->is_count = true;
        return OV_OK;
    }
    const plain_kind *plain = plain_of(type);
    const ov_metric_kind *sketch = ov_metric_kind_of(type);
    if (!plain && !sketch)
        return fail_kind(m, type, err);
    bool several = sketch && sketch->input == OV_METRIC_COLUMNS;
    OV_TRY(several ? read_fields(mr->r, m, out, err) : read_field(mr, m, plain, out, err));
    return sketch ? read_sketch(mr->r, m, sketch, out, err) : read_plain(mr->r, m, plain, out, err);
}

static ov_status check_name(const ov_spec *s, const ov_json *m, ov_slice name, ov_error *err)
{
    if (ov_slice_eq(name, OV_SLICE_LIT("__time")))
        return ov_json_fail(m, err, OV_INVALID, "a metric must not be named __time");
    for (uint32_t i = 0; i < s->metric_count; i++)
        if (ov_slice_eq(s->metrics[i].name, name))
            return ov_json_fail(m, err, OV_INVALID, "the metric '" OV_SLICE_FMT "' is listed twice", OV_SLICE_ARG(name));
    for (uint32_t i = 0; i < s->dimensions.count; i++)
        if (ov_slice_eq(s->dimensions.list[i].name, name))
            return ov_json_fail(m, err, OV_INVALID, "'" OV_SLICE_FMT "' is a dimension as well as a metric",
                                OV_SLICE_ARG(name));
    return OV_OK;
}

static ov_status read_metrics(metric_reader *mr, const ov_json *list, ov_error *err)
{
    ov_spec *s = mr->r->spec;
    for (const ov_json *m = list->first; m; m = m->next) {
        ov_metric_spec *metric = &s->metrics[s->metric_count];
        OV_TRY(read_metric(mr, m, metric, err));
        OV_TRY(check_name(s, m, metric->name, err));
        s->metric_count++;
    }
    return OV_OK;
}

ov_status ovi_spec_metrics(ovi_spec_reader *r, const ov_json *schema, ov_error *err)
{
    ov_spec *s = r->spec;
    const ov_json *list;
    OV_TRY(ovi_spec_json(r, schema, "metricsSpec", "[]", &s->metrics_json, err));
    OV_TRY(ov_json_arr(schema, "metricsSpec", &list, err));
    if (!list || list->count == 0)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(r->out, list->count * sizeof *s->metrics, &s->metrics, err));
    metric_reader mr = {.r = r};
    ov_buf_init(&mr.made);
    ov_status st = read_metrics(&mr, list, err);
    if (st == OV_OK && mr.made.n)
        st = ov_arena_printf(r->out, &s->made_json, err, "[" OV_SLICE_FMT "]", OV_SLICE_ARG(ov_buf_slice(&mr.made)));
    ov_buf_fini(&mr.made);
    return st;
}
