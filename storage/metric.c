#include "storage/metric.h"

#include "base/base64.h"
#include "sketch/pair.h"

static const ov_metric_kind kinds[] = {
    {"HLLSketchBuild", OV_COMPLEX_HLL, OV_METRIC_VALUES, NULL, false},
    {"HLLSketchMerge", OV_COMPLEX_HLL, OV_METRIC_IMAGES, NULL, false},
    {"KllDoublesSketch", OV_COMPLEX_KLL_DOUBLES, OV_METRIC_EITHER, NULL, false},
    {"KllDoublesSketchMerge", OV_COMPLEX_KLL_DOUBLES, OV_METRIC_IMAGES, NULL, false},
    {"KllFloatsSketch", OV_COMPLEX_KLL_FLOATS, OV_METRIC_EITHER, NULL, false},
    {"KllFloatsSketchMerge", OV_COMPLEX_KLL_FLOATS, OV_METRIC_IMAGES, NULL, false},
    {"approxHistogram", OV_COMPLEX_APPROX_HISTOGRAM, OV_METRIC_EITHER, NULL, false},
    {"approxHistogramFold", OV_COMPLEX_APPROX_HISTOGRAM, OV_METRIC_EITHER, NULL, false},
    {"arrayOfDoublesSketch", OV_COMPLEX_TUPLE, OV_METRIC_VALUES, NULL, false},
    {"bloom", OV_COMPLEX_BLOOM, OV_METRIC_QUERY_ONLY, NULL, false},
    {"cardinality", OV_COMPLEX_HYPER_UNIQUE, OV_METRIC_COLUMNS, NULL, false},
    {"doubleFirst", OV_COMPLEX_DOUBLE_PAIR, OV_METRIC_VALUES, NULL, false},
    {"doubleLast", OV_COMPLEX_DOUBLE_PAIR, OV_METRIC_VALUES, NULL, true},
    {"fixedBucketsHistogram", OV_COMPLEX_FIXED_HISTOGRAM, OV_METRIC_EITHER, NULL, false},
    {"floatFirst", OV_COMPLEX_FLOAT_PAIR, OV_METRIC_VALUES, NULL, false},
    {"floatLast", OV_COMPLEX_FLOAT_PAIR, OV_METRIC_VALUES, NULL, true},
    {"hyperUnique", OV_COMPLEX_HYPER_UNIQUE, OV_METRIC_VALUES, "isInputHyperUnique", false},
    {"longFirst", OV_COMPLEX_LONG_PAIR, OV_METRIC_VALUES, NULL, false},
    {"longLast", OV_COMPLEX_LONG_PAIR, OV_METRIC_VALUES, NULL, true},
    {"momentSketch", OV_COMPLEX_MOMENTS, OV_METRIC_VALUES, NULL, false},
    {"momentSketchMerge", OV_COMPLEX_MOMENTS, OV_METRIC_IMAGES, NULL, false},
    {"quantilesDoublesSketch", OV_COMPLEX_QUANTILES, OV_METRIC_EITHER, NULL, false},
    {"quantilesDoublesSketchMerge", OV_COMPLEX_QUANTILES, OV_METRIC_IMAGES, NULL, false},
    {"sketchBuild", OV_COMPLEX_THETA, OV_METRIC_VALUES, NULL, false}, /* what thetaSketch was called at first */
    {"sketchMerge", OV_COMPLEX_THETA, OV_METRIC_IMAGES, NULL, false},
    {"stringFirst", OV_COMPLEX_TEXT_PAIR, OV_METRIC_VALUES, NULL, false},
    {"stringFirstFold", OV_COMPLEX_TEXT_PAIR, OV_METRIC_VALUES, NULL, false},
    {"stringLast", OV_COMPLEX_TEXT_PAIR, OV_METRIC_VALUES, NULL, true},
    {"stringLastFold", OV_COMPLEX_TEXT_PAIR, OV_METRIC_VALUES, NULL, true},
    {"tDigestSketch", OV_COMPLEX_TDIGEST, OV_METRIC_EITHER, NULL, false},
    {"thetaSketch", OV_COMPLEX_THETA, OV_METRIC_VALUES, "isInputThetaSketch", false},
    {"variance", OV_COMPLEX_VARIANCE, OV_METRIC_VALUES, NULL, false},
    {"varianceFold", OV_COMPLEX_VARIANCE, OV_METRIC_IMAGES, NULL, false},
};

static const ov_sketch_ops *const all_ops[OV_COMPLEX_COUNT] = {
    [OV_COMPLEX_HLL] = &ov_hll_ops,
    [OV_COMPLEX_THETA] = &ov_theta_ops,
    [OV_COMPLEX_TUPLE] = &ov_tuple_ops,
    [OV_COMPLEX_QUANTILES] = &ov_quantiles_ops,
    [OV_COMPLEX_KLL_DOUBLES] = &ov_kll_doubles_ops,
    [OV_COMPLEX_KLL_FLOATS] = &ov_kll_floats_ops,
    [OV_COMPLEX_HYPER_UNIQUE] = &ov_hyper_ops,
    [OV_COMPLEX_APPROX_HISTOGRAM] = &ov_histogram_ops,
    [OV_COMPLEX_FIXED_HISTOGRAM] = &ov_buckets_ops,
    [OV_COMPLEX_BLOOM] = &ov_bloom_ops,
    [OV_COMPLEX_VARIANCE] = &ov_moments_ops,
    [OV_COMPLEX_MOMENTS] = &ov_powers_ops,
    [OV_COMPLEX_TDIGEST] = &ov_tdigest_ops,
    [OV_COMPLEX_LONG_PAIR] = &ov_long_pair_ops,
    [OV_COMPLEX_FLOAT_PAIR] = &ov_float_pair_ops,
    [OV_COMPLEX_DOUBLE_PAIR] = &ov_double_pair_ops,
    [OV_COMPLEX_TEXT_PAIR] = &ov_text_pair_ops,
};

const ov_metric_kind *ov_metric_kind_of(ov_slice aggregator)
{
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++)
        if (ov_slice_eq(aggregator, ov_slice_cstr(kinds[i].name)))
            return &kinds[i];
    return NULL;
}

const ov_sketch_ops *ov_metric_ops(ov_complex_id complex)
{
    return complex < OV_COMPLEX_COUNT ? all_ops[complex] : NULL;
}

void ov_metric_print(ov_complex_id complex, ov_slice image, ov_buf *out)
{
    const ov_sketch_ops *ops = ov_metric_ops(complex);
    if (ops && ops->print) {
        ops->print(image, out);
        return;
    }
    ov_buf_add_char(out, '"');
    ov_base64_encode(image, out);
    ov_buf_add_char(out, '"');
}

/* ---- reading ---- */

static ov_status fail_word(const ov_json *v, const ov_sketch_param *p, ov_slice word, ov_error *err)
{
    ov_buf list;
    ov_buf_init(&list);
    for (size_t i = 0; p->words[i]; i++)
        ov_buf_addf(&list, "%s%s", i ? ", " : "", p->words[i]);
    ov_status st = ov_json_fail(v, err, OV_INVALID, "expected one of " OV_SLICE_FMT ", found '" OV_SLICE_FMT "'",
                                OV_SLICE_ARG(ov_buf_slice(&list)), OV_SLICE_ARG(word));
    ov_buf_fini(&list);
    return st;
}

static ov_status read_word(const ov_json *v, const ov_sketch_param *p, double *out, ov_error *err)
{
    ov_slice word;
    if (v->kind == OV_JSON_BOOL)
        word = ov_slice_cstr(v->boolean ? "true" : "false");
    else
        OV_TRY(ov_json_as_str(v, &word, err));
    for (size_t i = 0; p->words[i]; i++)
        if (ov_slice_ieq(word, ov_slice_cstr(p->words[i]))) {
            *out = (double)i;
            return OV_OK;
        }
    return fail_word(v, p, word, err);
}

static ov_status read_number(const ov_json *v, const ov_sketch_param *p, double *out, ov_error *err)
{
    int64_t whole;
    if (p->whole) {
        OV_TRY(ov_json_as_i64(v, &whole, err));
        *out = (double)whole;
    } else {
        OV_TRY(ov_json_as_f64(v, out, err));
    }
    if (*out >= p->least && *out <= p->most)
        return OV_OK;
    return ov_json_fail(v, err, OV_INVALID, "expected a number from %.17g to %.17g, found %.17g", p->least, p->most, *out);
}

static ov_status read_param(const ov_json *json, const ov_sketch_param *p, double *out, ov_error *err)
{
    const ov_json *v = p->name ? ov_json_find(json, p->name) : NULL;
    *out = p->dflt;
    if (!v && p->needed)
        return ov_json_fail(json, err, OV_INVALID, "'%s' is missing", p->name);
    if (!v)
        return OV_OK;
    return p->words ? read_word(v, p, out, err) : read_number(v, p, out, err);
}

/* Tuples are built of a key and metricColumns; without these the field holds sketches. */
static ov_status read_width(const ov_json *json, ov_metric *out, ov_error *err)
{
    const ov_json *columns;
    double *width = &out->args.at[1];
    OV_TRY(ov_json_arr(json, "metricColumns", &columns, err));
    if (!columns || columns->count == 0) {
        out->input = OV_METRIC_IMAGES;
        return OV_OK;
    }
    if (columns->count > out->ops->params[1].most)
        return ov_json_fail(columns, err, OV_LIMIT, "%u columns, %d are allowed", columns->count, (int)out->ops->params[1].most);
    if (ov_json_find(json, "numberOfValues") && *width != columns->count)
        return ov_json_fail(json, err, OV_INVALID, "'numberOfValues' is %d, but there are %u 'metricColumns'", (int)*width,
                            columns->count);
    *width = columns->count;
    return OV_OK;
}

ov_status ov_metric_read(const ov_json *json, const ov_metric_kind *kind, ov_metric *out, ov_error *err)
{
    bool images;
    *out = (ov_metric){.ops = ov_metric_ops((ov_complex_id)kind->complex), .complex = kind->complex, .input = kind->input};
    for (uint32_t i = 0; i < out->ops->param_count; i++)
        OV_TRY(read_param(json, &out->ops->params[i], &out->args.at[i], err));
    if (out->ops->takes == OV_SKETCH_OF_TIMED)
        out->args.at[OV_PAIR_LAST_PARAM] = kind->last;
    if (out->ops->check && out->ops->check(&out->args, err) != OV_OK) {
        ov_error why = *err;
        return ov_json_fail(json, err, OV_INVALID, "%s", why.text);
    }
    if (kind->input == OV_METRIC_COLUMNS)
        return ov_json_bool(json, "byRow", false, &out->by_row, err);
    if (out->ops->takes == OV_SKETCH_OF_TUPLES)
        return read_width(json, out, err);
    if (!kind->images_if)
        return OV_OK;
    OV_TRY(ov_json_bool(json, kind->images_if, false, &images, err));
    if (images)
        out->input = OV_METRIC_IMAGES;
    return OV_OK;
}
