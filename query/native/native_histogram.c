/*
 * Post-aggregators over Druid's histograms: each is a hidden function of query/expr over the aggregator that `fieldName` names.
 */
#include "query/native/native_plan_int.h"

#include <math.h>

typedef struct kind {
    const char *name;
    const char *fn;
    const char *members[2]; /* numbers that are arguments */
    double least;           /* of the first one */
    const char *list;       /* or the member whose numbers are */
} kind;

static const kind kinds[] = {
    {"buckets", "$HISTOGRAM_WIDTH", {"bucketSize", "offset"}, 1e-37, NULL},
    {"customBuckets", "$HISTOGRAM_BREAKS", {NULL, NULL}, 0, "breaks"},
    {"equalBuckets", "$HISTOGRAM_EQUAL", {"numBuckets", NULL}, 2, NULL},
    {"quantile", "$HISTOGRAM_QUANTILE", {"probability", NULL}, 0, NULL},
    {"quantiles", "$HISTOGRAM_QUANTILES", {NULL, NULL}, 0, "probabilities"},
};

static ov_status add_number(ovi_nsketch_post *b, const ov_json *v, double least, const ov_expr **out)
{
    double d;
    OV_TRY(ov_json_as_f64(v, &d, b->err));
    if (d < least || d > 1e6 * OV_MAX(least, 1e31) || isnan(d))
        return ov_json_fail(v, b->err, OV_INVALID, "expected a number of at least %g, found %g", least, d);
    return ov_expr_f64(b->p->cx, OV_SQL_DOUBLE, d, out, b->err);
}

static ov_status probability(ovi_nsketch_post *b, const ov_json *v)
{
    double d;
    OV_TRY(ov_json_as_f64(v, &d, b->err));
    return d > 0 && d < 1 ? OV_OK
                          : ov_json_fail(v, b->err, OV_INVALID, "expected a probability above 0 and below 1, found %g", d);
}

static ov_status add_list(ovi_nsketch_post *b, const kind *k, const ov_json *list, const ov_expr **args, uint32_t *n)
{
    double last = -INFINITY;
    for (const ov_json *v = list->first; v; v = v->next) {
        double d;
        if (strcmp(k->name, "quantiles") == 0)
            OV_TRY(probability(b, v));
        OV_TRY(add_number(b, v, -1e38, &args[*n]));
        d = args[(*n)++]->constant.f;
        if (strcmp(k->name, "customBuckets") == 0 && d <= last)
            return ov_json_fail(v, b->err, OV_INVALID, "expected breaks that ascend");
        last = d;
    }
    return OV_OK;
}

static ov_status bind_kind(ovi_nsketch_post *b, const kind *k, const ov_json *json, const ov_expr **out)
{
    const ov_json *v;
    const ov_expr **args;
    uint32_t n = 1, room = 3;
    if (k->list)
        OV_TRY(ov_json_need_arr(json, k->list, &v, b->err));
    if (k->list && v->count == 0)
        return ov_json_fail(v, b->err, OV_INVALID, "expected one number or more");
    room = k->list ? v->count + 1 : room;
    OV_TRY(ov_arena_alloc(b->p->arena, room * sizeof *args, &args, b->err));
    OV_TRY(b->by_name(b->ctx, json, &args[0]));
    if (k->list)
        OV_TRY(add_list(b, k, v, args, &n));
    for (int i = 0; i < 2 && k->members[i]; i++) {
        if (i == 1 && !ov_json_find(json, k->members[i])) { /* Jackson's 0 */
            OV_TRY(ov_expr_f64(b->p->cx, OV_SQL_DOUBLE, 0, &args[n++], b->err));
            continue;
        }
        OV_TRY(ov_json_need(json, k->members[i], &v, b->err));
        if (strcmp(k->name, "quantile") == 0)
            OV_TRY(probability(b, v));
        OV_TRY(add_number(b, v, i ? -1e38 : k->least, &args[n++]));
    }
    if (strcmp(k->name, "equalBuckets") == 0 && args[1]->constant.f > 1e6)
        return ov_json_fail(json, b->err, OV_LIMIT, "expected at most 1000000 buckets");
    return ovi_ncall(b->p, json, k->fn, args, n, out, b->err);
}

/* min and max */
static ov_status bind_end(ovi_nsketch_post *b, bool max, const ov_json *json, const ov_expr **out)
{
    const ov_expr *args[2];
    OV_TRY(b->by_name(b->ctx, json, &args[0]));
    OV_TRY(ov_expr_i64(b->p->cx, OV_SQL_BIGINT, max, &args[1], b->err));
    return ovi_ncall(b->p, json, "$HISTOGRAM_END", args, 2, out, b->err);
}

ov_status ovi_nhistogram_post_bind(ovi_nsketch_post *b, ov_slice type, const ov_json *json, bool *found, const ov_expr **out)
{
    bool max = ov_slice_eq(type, OV_SLICE_LIT("max"));
    *found = max || ov_slice_eq(type, OV_SLICE_LIT("min"));
    if (*found)
        return bind_end(b, max, json, out);
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++)
        if (ov_slice_eq(type, ov_slice_cstr(kinds[i].name))) {
            *found = true;
            return bind_kind(b, &kinds[i], json, out);
        }
    return OV_OK;
}
