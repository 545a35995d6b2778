/*
 * Post-aggregators over tuple sketches: each is a function of query/expr over its field or fields.
 */
#include "query/native/native_plan_int.h"

static const char PREFIX[] = "arrayOfDoublesSketch";

static ov_status of_field(ovi_nsketch_post *b, const ov_json *json, const char *fn, const ov_expr **out)
{
    const ov_expr *arg;
    OV_TRY(ovi_nsketch_field(b, json, OV_COMPLEX_TUPLE, &arg));
    return ovi_ncall(b->p, json, fn, &arg, 1, out, b->err);
}

static ov_status bounds(ovi_nsketch_post *b, const ov_json *json, const char *fn, const ov_expr **out)
{
    const ov_expr *args[2];
    int64_t deviations;
    OV_TRY(ov_json_i64_in(json, "numStdDevs", 1, 1, 3, &deviations, b->err));
    OV_TRY(ovi_nsketch_field(b, json, OV_COMPLEX_TUPLE, &args[0]));
    OV_TRY(ov_expr_i64(b->p->cx, OV_SQL_BIGINT, deviations, &args[1], b->err));
    return ovi_ncall(b->p, json, fn, args, 2, out, b->err);
}

static ov_status quantiles(ovi_nsketch_post *b, const ov_json *json, const char *fn, const ov_expr **out)
{
    const ov_expr *args[3];
    int64_t column, k;
    OV_TRY(ov_json_i64_in(json, "column", 1, 1, 255, &column, b->err));
    OV_TRY(ov_json_i64_in(json, "k", 128, 2, 32768, &k, b->err));
    OV_TRY(ovi_nsketch_field(b, json, OV_COMPLEX_TUPLE, &args[0]));
    OV_TRY(ov_expr_i64(b->p->cx, OV_SQL_BIGINT, column, &args[1], b->err));
    OV_TRY(ov_expr_i64(b->p->cx, OV_SQL_BIGINT, k, &args[2], b->err));
    return ovi_ncall(b->p, json, fn, args, 3, out, b->err);
}

/* The sketches in `fields` behind `n` arguments. */
static ov_status of_fields(ovi_nsketch_post *b, const ov_json *json, const char *fn, const ov_expr *size, uint32_t least,
                           uint32_t most, const ov_expr **out)
{
    const ov_json *fields;
    const ov_expr **args;
    uint32_t n = 0;
    OV_TRY(ov_json_need_arr(json, "fields", &fields, b->err));
    if (fields->count < least || fields->count > most)
        return ov_json_fail(fields, b->err, OV_INVALID, "expected %s%u sketches, found %u", most > least ? "at least " : "", least,
                            fields->count);
    OV_TRY(ov_arena_alloc(b->p->arena, (fields->count + (size_t)1) * sizeof *args, &args, b->err));
    if (size)
        args[n++] = size;
    for (const ov_json *v = fields->first; v; v = v->next)
        OV_TRY(b->bind(b->ctx, v, &args[n++]));
    return ovi_ncall(b->p, json, fn, args, n, out, b->err);
}

static ov_status set_op(ovi_nsketch_post *b, const ov_json *json, const char *fn, const ov_expr **out)
{
    static const char *const functions[][2] = {{"UNION", "DS_TUPLE_DOUBLES_UNION"},
                                               {"INTERSECT", "DS_TUPLE_DOUBLES_INTERSECT"},
                                               {"NOT", "DS_TUPLE_DOUBLES_NOT"}};
    const ov_expr *size;
    int64_t nominal;
    ov_slice operation;
    (void)fn;
    OV_TRY(ov_json_need_str(json, "operation", &operation, b->err));
    OV_TRY(ov_json_i64_in(json, "nominalEntries", 16384, 16, 1 << 26, &nominal, b->err));
    OV_TRY(ov_expr_i64(b->p->cx, OV_SQL_BIGINT, nominal, &size, b->err));
    for (size_t i = 0; i < OV_COUNT_OF(functions); i++)
        if (ov_slice_ieq(operation, ov_slice_cstr(functions[i][0])))
            return of_fields(b, json, functions[i][1], size, 2, UINT32_MAX, out);
    return ov_json_fail(ov_json_get(json, "operation"), b->err, OV_INVALID, "expected UNION, INTERSECT or NOT");
}

static ov_status t_test(ovi_nsketch_post *b, const ov_json *json, const char *fn, const ov_expr **out)
{
    return of_fields(b, json, fn, NULL, 2, 2, out);
}

static ov_status constant(ovi_nsketch_post *b, const ov_json *json, const char *fn, const ov_expr **out)
{
    const ov_json *v;
    (void)fn;
    OV_TRY(ov_json_need(json, "value", &v, b->err));
    return ovi_nsketch_decode(b->p, v, ov_slice_cstr(PREFIX), out, b->err);
}

/* The sketch itself prints as Base64. */
static ov_status base64(ovi_nsketch_post *b, const ov_json *json, const char *fn, const ov_expr **out)
{
    (void)fn;
    return ovi_nsketch_field(b, json, OV_COMPLEX_TUPLE, out);
}

ov_status ovi_ntuple_post_bind(ovi_nsketch_post *b, ov_slice type, const ov_json *json, bool *found, const ov_expr **out)
{
    static const struct {
        const char *tail; /* of the name */
        ov_status (*bind)(ovi_nsketch_post *b, const ov_json *json, const char *fn, const ov_expr **out);
        const char *fn;
    } kinds[] = {
        {"Constant", constant, NULL},
        {"SetOp", set_op, NULL},
        {"TTest", t_test, "$TUPLE_T_TEST"},
        {"ToBase64String", base64, NULL},
        {"ToEstimate", of_field, "$SKETCH_NUMBER"},
        {"ToEstimateAndBounds", bounds, "$TUPLE_BOUNDS"},
        {"ToMeans", of_field, "$TUPLE_MEANS"},
        {"ToMetricsSumEstimate", of_field, "DS_TUPLE_DOUBLES_METRICS_SUM_ESTIMATE"},
        {"ToNumEntries", of_field, "$TUPLE_ENTRIES"},
        {"ToQuantilesSketch", quantiles, "$TUPLE_QUANTILES"},
        {"ToString", of_field, "$TUPLE_TEXT"},
        {"ToVariances", of_field, "$TUPLE_VARIANCES"},
    };
    ov_slice prefix = ov_slice_cstr(PREFIX);
    *found = false;
    if (!ov_slice_starts(type, prefix))
        return OV_OK;
    ov_slice tail = ov_slice_make(type.p + prefix.n, type.n - prefix.n);
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++)
        if (ov_slice_eq(tail, ov_slice_cstr(kinds[i].tail))) {
            *found = true;
            return kinds[i].bind(b, json, kinds[i].fn, out);
        }
    return OV_OK;
}
