/*
 * What segments say of how their rows were ingested: aggregators, the input's time column, the granularity of their times. A
 * segment shows its aggregators in the form that puts its own rows together (a count is summed up), which is what Druid stores.
 *
 * Where several segments are merged, members that differ are null, and aggregators meet by name as the strategy says.
 */
#include "query/native/native_meta_int.h"

#include "sketch/pair.h"
#include "storage/metric.h"

/* How an aggregator's own results are combined; others combine as themselves. */
static const struct {
    const char *type, *combining;
} combining[] = {
    {"HLLSketchBuild", "HLLSketchMerge"},
    {"KllDoublesSketch", "KllDoublesSketchMerge"},
    {"KllFloatsSketch", "KllFloatsSketchMerge"},
    {"approxHistogram", "approxHistogramFold"},
    {"cardinality", "hyperUnique"},
    {"count", "longSum"},
    {"momentSketch", "momentSketchMerge"},
    {"quantilesDoublesSketch", "quantilesDoublesSketchMerge"},
    {"stringFirstFold", "stringFirst"},
    {"stringLastFold", "stringLast"},
    {"variance", "varianceFold"},
};

/* Members that say what of the input an aggregator takes. */
static bool is_of_input(ov_slice key)
{
    static const char *const keys[] = {"byRow",      "expression", "fieldName", "fieldNames",         "fields",             "metricColumns",
                                       "name",       "type",      "isInputHyperUnique", "isInputThetaSketch", "timeFormat"};
    for (size_t i = 0; i < OV_COUNT_OF(keys); i++)
        if (ov_slice_eq(key, ov_slice_cstr(keys[i])))
            return true;
    return false;
}

static ov_slice text_of(const ov_json *obj, const char *key)
{
    const ov_json *v = ov_json_find(obj, key);
    return v && v->kind == OV_JSON_STRING ? v->s : (ov_slice){0};
}

/* The aggregator inside `filtered` ones, under the name of the outermost that has one. */
static const ov_json *unwrapped(const ov_json *aggregator, ov_slice *name)
{
    *name = text_of(aggregator, "name");
    while (ov_slice_eq(text_of(aggregator, "type"), OV_SLICE_LIT("filtered"))) {
        const ov_json *inner = ov_json_find(aggregator, "aggregator");
        if (!inner)
            break;
        aggregator = inner;
        if (name->n == 0)
            *name = text_of(aggregator, "name");
    }
    return aggregator;
}

static ov_slice combining_type(const ov_json *aggregator)
{
    ov_slice type = text_of(aggregator, "type");
    for (size_t i = 0; i < OV_COUNT_OF(combining); i++)
        if (ov_slice_eq(type, ov_slice_cstr(combining[i].type)))
            return ov_slice_cstr(combining[i].combining);
    return type;
}

static void print_value(ov_jsonw *w, ov_slice key, const ov_json *v)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_json_print(v, &text);
    ov_jsonw_key(w, key);
    ov_jsonw_raw(w, NULL, ov_buf_slice(&text));
    ov_buf_fini(&text);
}

/* Members of first and last aggregators that Druid shows though nobody gave them. */
static void print_timed(ov_jsonw *w, const ov_json *aggregator)
{
    const ov_metric_kind *kind = ov_metric_kind_of(text_of(aggregator, "type"));
    if (!kind || !ov_type_is_pair(OV_T_COMPLEX(kind->complex)))
        return;
    if (!ov_json_find(aggregator, "timeColumn"))
        ov_jsonw_str(w, "timeColumn", OV_SLICE_LIT("__time"));
    if (kind->complex == OV_COMPLEX_TEXT_PAIR && !ov_json_find(aggregator, "maxStringBytes"))
        ov_jsonw_i64(w, "maxStringBytes", OV_PAIR_DEFAULT_BYTES);
}

static void print_aggregator(ov_jsonw *w, ov_slice name, const ov_json *aggregator)
{
    ov_jsonw_key(w, name);
    if (!aggregator) {
        ov_jsonw_null(w, NULL);
        return;
    }
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "type", combining_type(aggregator));
    ov_jsonw_str(w, "name", name);
    ov_jsonw_str(w, "fieldName", name);
    for (const ov_json *v = aggregator->first; v; v = v->next)
        if (!is_of_input(v->key) && v->kind != OV_JSON_NULL)
            print_value(w, v->key, v);
    print_timed(w, aggregator);
    ov_jsonw_close_object(w);
}

/* ---- several segments ---- */

typedef struct met {
    ov_slice name;
    const ov_json *aggregator; /* NULL: segments do not agree */
} met;

/* Puts one into the list; false: the segments do not agree, which the strategy does not allow. */
static bool meet(met *list, uint32_t *count, ov_slice name, const ov_json *aggregator, ovi_nmeta_strategy strategy)
{
    uint32_t i = 0;
    while (i < *count && !ov_slice_eq(list[i].name, name))
        i++;
    if (i == *count) {
        list[(*count)++] = (met){name, aggregator};
        return true;
    }
    if (strategy == OVI_NMETA_LATEST)
        list[i].aggregator = aggregator;
    if (strategy == OVI_NMETA_LATEST || strategy == OVI_NMETA_EARLIEST || !list[i].aggregator)
        return true;
    if (ov_slice_eq(combining_type(list[i].aggregator), combining_type(aggregator)))
        return true;
    list[i].aggregator = NULL;
    return strategy == OVI_NMETA_LENIENT;
}

ov_status ovi_nmeta_aggregators(ovi_nplanner *p, const ov_json *const *specs, uint32_t count, ovi_nmeta_strategy strategy,
                                ov_jsonw *w, ov_error *err)
{
    met *list;
    size_t room = 1;
    uint32_t n = 0;
    bool agree = count > 0;
    for (uint32_t i = 0; i < count; i++) {
        const ov_json *metrics = ov_json_find(specs[i], "metricsSpec");
        room += metrics ? metrics->count : 0;
        agree = agree && specs[i];
    }
    OV_TRY(ov_arena_alloc(p->arena, room * sizeof *list, &list, err));
    for (uint32_t i = 0; i < count && agree; i++) {
        const ov_json *metrics = ov_json_find(specs[i], "metricsSpec");
        const ov_json *v = metrics && metrics->kind == OV_JSON_ARRAY ? metrics->first : NULL;
        for (; v; v = v->next) {
            ov_slice name;
            const ov_json *aggregator = unwrapped(v, &name);
            if (name.n)
                agree = meet(list, &n, name, aggregator, strategy) && agree;
        }
    }
    if (!agree) {
        ov_jsonw_null(w, "aggregators");
        return OV_OK;
    }
    ov_jsonw_open_object(w, "aggregators");
    for (uint32_t i = 0; i < n; i++)
        print_aggregator(w, list[i].name, list[i].aggregator);
    ov_jsonw_close_object(w);
    return OV_OK;
}

void ovi_nmeta_member(const ov_json *const *specs, uint32_t count, const char *key, ov_jsonw *w)
{
    const ov_json *v = count ? ov_json_find(specs[0], key) : NULL;
    ov_buf text, other;
    ov_buf_init(&text);
    ov_buf_init(&other);
    if (v)
        ov_json_print(v, &text);
    for (uint32_t i = 1; i < count && v; i++) {
        const ov_json *next = ov_json_find(specs[i], key);
        ov_buf_clear(&other);
        if (next)
            ov_json_print(next, &other);
        if (!ov_slice_eq(ov_buf_slice(&text), ov_buf_slice(&other)))
            v = NULL;
    }
    if (v)
        ov_jsonw_raw(w, key, ov_buf_slice(&text));
    else
        ov_jsonw_null(w, key);
    ov_buf_fini(&text);
    ov_buf_fini(&other);
}
