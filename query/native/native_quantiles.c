/*
 * Post-aggregators over quantiles sketches: each is a function of query/expr over its field.
 */
#include "query/native/native_plan_int.h"

#include <math.h>

/* Most post-aggregators are named by the sketch and by what they make of it. */
static const struct {
    const char *start;
    ov_complex_id sketch;
} makes[] = {
    {"KllDoublesSketchTo", OV_COMPLEX_KLL_DOUBLES},
    {"KllFloatsSketchTo", OV_COMPLEX_KLL_FLOATS},
    {"quantilesDoublesSketchTo", OV_COMPLEX_QUANTILES},
};

typedef struct kind {
    const char *name;
    const char *fn;
    const char *number; /* member that is the argument */
    const char *list;   /* or the member whose numbers are */
} kind;

static const kind kinds[] = {
    {"CDF", "DS_CDF", NULL, "splitPoints"},
    {"Histogram", "DS_HISTOGRAM", NULL, "splitPoints"},
    {"Quantile", "DS_GET_QUANTILE", "fraction", NULL},
    {"Quantiles", "DS_GET_QUANTILES", NULL, "fractions"},
    {"Rank", "DS_RANK", "value", NULL},
    {"String", "DS_QUANTILE_SUMMARY", NULL, NULL},
};

/* A part of all values, a point that values are counted up to, or a value. */
static ov_status add_number(ovi_nsketch_post *b, const kind *k, const ov_json *v, double *before, const ov_expr **out)
{
    double d;
    OV_TRY(ov_json_as_f64(v, &d, b->err));
    ov_slice found = v->kind == OV_JSON_STRING ? v->s : v->raw;
    if (strncmp(k->fn, "DS_GET_QUANTILE", strlen("DS_GET_QUANTILE")) == 0) {
        if (!(d >= 0 && d <= 1))
            return ov_json_fail(v, b->err, OV_INVALID, "expected a part from 0 to 1, found " OV_SLICE_FMT, OV_SLICE_ARG(found));
    } else if (k->list && !(d > *before)) {
        return ov_json_fail(v, b->err, OV_INVALID, "expected points that ascend, found " OV_SLICE_FMT, OV_SLICE_ARG(found));
    }
    *before = d;
    return ov_expr_f64(b->p->cx, OV_SQL_DOUBLE, d, out, b->err);
}

/* A histogram without split points has numBins bins of equal width. */
static ov_status equal_bins(ovi_nsketch_post *b, const ov_json *json, const ov_expr *sketch, const ov_expr **out)
{
    const ov_expr *args[2] = {sketch, NULL};
    int64_t bins;
    OV_TRY(ov_json_i64_in(json, "numBins", 10, 2, 1000000, &bins, b->err));
    OV_TRY(ov_expr_i64(b->p->cx, OV_SQL_BIGINT, bins, &args[1], b->err));
    return ovi_ncall(b->p, json, "$SKETCH_BINS", args, 2, out, b->err);
}

static ov_status bind(ovi_nsketch_post *b, ov_complex_id sketch, const kind *k, const ov_json *json,
                      const ov_expr **out)
{
    const ov_json *v = NULL;
    const ov_expr **args;
    uint32_t n = 1;
    double before = -INFINITY;
    bool histogram = strcmp(k->fn, "DS_HISTOGRAM") == 0;
    if (k->number)
        OV_TRY(ov_json_need(json, k->number, &v, b->err));
    else if (k->list && histogram)
        OV_TRY(ov_json_arr(json, k->list, &v, b->err));
    else if (k->list)
        OV_TRY(ov_json_need_arr(json, k->list, &v, b->err));
    if (histogram && v && ov_json_find(json, "numBins"))
        return ov_json_fail(json, b->err, OV_INVALID, "expected 'splitPoints' or 'numBins', found both");
    if (k->list && v && v->count == 0)
        return ov_json_fail(v, b->err, OV_INVALID, "expected one number or more");
    OV_TRY(ov_arena_alloc(b->p->arena, ((k->list && v ? v->count : 1) + (size_t)1) * sizeof *args, &args, b->err));
    OV_TRY(ovi_nsketch_field(b, json, sketch, &args[0]));
    if (histogram && !v)
        return equal_bins(b, json, args[0], out);
    if (k->number)
        OV_TRY(add_number(b, k, v, &before, &args[n++]));
    else if (k->list)
        for (const ov_json *item = v->first; item; item = item->next)
            OV_TRY(add_number(b, k, item, &before, &args[n++]));
    return ovi_ncall(b->p, json, k->fn, args, n, out, b->err);
}

/* The others. */
static const struct {
    ov_complex_id sketch;
    kind kind;
} named[] = {
    {OV_COMPLEX_MOMENTS, {"momentSketchMax", "$SKETCH_MAX", NULL, NULL}},
    {OV_COMPLEX_MOMENTS, {"momentSketchMin", "$SKETCH_MIN", NULL, NULL}},
    {OV_COMPLEX_MOMENTS, {"momentSketchSolveQuantiles", "DS_GET_QUANTILES", NULL, "fractions"}},
    {OV_COMPLEX_TDIGEST, {"quantileFromTDigestSketch", "DS_GET_QUANTILE", "fraction", NULL}},
    {OV_COMPLEX_TDIGEST, {"quantilesFromTDigestSketch", "DS_GET_QUANTILES", NULL, "fractions"}},
};

ov_status ovi_nquantiles_post_bind(ovi_nsketch_post *b, ov_slice type, const ov_json *json, bool *found,
                                   const ov_expr **out)
{
    *found = true;
    for (size_t i = 0; i < OV_COUNT_OF(named); i++)
        if (ov_slice_eq(type, ov_slice_cstr(named[i].kind.name)))
            return bind(b, named[i].sketch, &named[i].kind, json, out);
    for (size_t i = 0; i < OV_COUNT_OF(makes); i++) {
        if (!ov_slice_starts(type, ov_slice_cstr(makes[i].start)))
            continue;
        size_t head = strlen(makes[i].start);
        ov_slice what = ov_slice_make(type.p + head, type.n - head);
        for (size_t k = 0; k < OV_COUNT_OF(kinds); k++)
            if (ov_slice_eq(what, ov_slice_cstr(kinds[k].name)))
                return bind(b, makes[i].sketch, &kinds[k], json, out);
    }
    *found = false;
    return OV_OK;
}
