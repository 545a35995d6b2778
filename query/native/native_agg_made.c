/*
 * Aggregators that are an expression over several calls: `histogram`, `singleValue`, timeMin and timeMax, and the pairs that first and last ones are
 * while they are not finished.
 */
#include "query/native/native_agg_int.h"

enum { MOST_BREAKS = 1000 };

/* ---- pairs ---- */

/* {"lhs":time,"rhs":value} */
ov_status ovi_nagg_pair(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr *const *calls, const ov_expr **out, ov_error *err)
{
    const ov_expr *parts[4] = {NULL, calls[1], NULL, NULL};
    OV_TRY(ovi_nliteral(p, "lhs", &parts[0], err));
    OV_TRY(ovi_nliteral(p, "rhs", &parts[2], err));
    OV_TRY(ovi_ncast(p, calls[0], agg->sql, &parts[3], err));
    if (calls[1]->sql == OV_SQL_TIMESTAMP)
        OV_TRY(ov_expr_retype(p->cx, calls[1], OV_SQL_BIGINT, &parts[1], err));
    return ovi_ncall(p, agg->json, "JSON_OBJECT", parts, 4, out, err);
}

/* ---- histogram ---- */

static ov_status number_list(ovi_nplanner *p, const ov_json *at, const ov_expr **numbers, uint32_t n, const ov_expr **out, ov_error *err)
{
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(ovi_ncast(p, numbers[i], OV_SQL_DOUBLE, &numbers[i], err));
    OV_TRY(ovi_ncall(p, at, "ARRAY", numbers, n, out, err));
    return ovi_ncall(p, at, "$TO_JSON", out, 1, out, err);
}

/* The smallest and the largest value; of none what every value is smaller or larger than. */
static ov_status ends(ovi_nplanner *p, const ov_json *at, const ov_expr *min, const ov_expr *max, const ov_expr **out, ov_error *err)
{
    const ov_expr *both[2] = {min, max}, *parts[3];
    OV_TRY(ovi_ncall(p, at, "IS NULL", &min, 1, &parts[0], err));
    OV_TRY(ovi_nliteral(p, "[\"Infinity\",\"-Infinity\"]", &parts[1], err));
    OV_TRY(ovi_ncall(p, at, "PARSE_JSON", &parts[1], 1, &parts[1], err));
    OV_TRY(number_list(p, at, both, 2, &parts[2], err));
    return ovi_ncall(p, at, "CASE", parts, 3, out, err);
}

/* The calls are the counts between each break and the next, the smallest and the largest value. */
static ov_status make_histogram(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr *const *calls, const ov_expr **out, ov_error *err)
{
    static const char *const names[] = {"breaks", "counts", "quantiles"};
    const ov_json *breaks = ov_json_find(agg->json, "breaks");
    const ov_expr **numbers, *parts[6];
    uint32_t n = 0, bins = agg->made_of - 2;
    OV_TRY(ov_arena_alloc(p->arena, (breaks->count + (size_t)1) * sizeof *numbers, &numbers, err));
    for (int i = 0; i < 3; i++)
        OV_TRY(ovi_nliteral(p, names[i], &parts[2 * i], err));
    for (const ov_json *v = breaks->first; v; v = v->next) {
        double d;
        OV_TRY(ov_json_as_f64(v, &d, err));
        OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, (double)(float)d, &numbers[n++], err));
    }
    OV_TRY(number_list(p, breaks, numbers, n, &parts[1], err));
    memcpy(numbers, calls, bins * sizeof *numbers);
    OV_TRY(number_list(p, breaks, numbers, bins, &parts[3], err));
    OV_TRY(ends(p, breaks, calls[bins], calls[bins + 1], &parts[5], err));
    return ovi_ncall(p, agg->json, "JSON_OBJECT", parts, 6, out, err);
}

/* How many values lie above `low` and not above `high`. */
static ov_status count_between(ovi_nagg_binder *b, const ov_json *at, const ov_expr *x, double low, double high, uint32_t *index)
{
    ovi_nplanner *p = b->s->p;
    const ov_expr *sides[2] = {x, NULL}, *tests[2], *parts[3];
    OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, low, &sides[1], b->err));
    OV_TRY(ovi_ncall(p, at, ">", sides, 2, &tests[0], b->err));
    OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, high, &sides[1], b->err));
    OV_TRY(ovi_ncall(p, at, "<=", sides, 2, &tests[1], b->err));
    OV_TRY(ovi_ncall(p, at, "AND", tests, 2, &parts[0], b->err));
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, 1, &parts[1], b->err));
    OV_TRY(ov_expr_null(p->cx, OV_SQL_BIGINT, &parts[2], b->err));
    OV_TRY(ovi_ncall(p, at, "CASE", parts, 3, &parts[0], b->err));
    return ovi_nagg_call(b, at, "COUNT", parts, 1, false, index);
}

/* Counts of the values between given breaks; those outside are in no count. Values and breaks are single floats. */
ov_status ovi_nagg_histogram(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_json *breaks;
    const ov_expr *x;
    double last = 0;
    uint32_t index, n = 0;
    (void)k;
    OV_TRY(ov_json_need_arr(json, "breaks", &breaks, b->err));
    if (breaks->count == 0 || breaks->count > MOST_BREAKS)
        return ov_json_fail(breaks, b->err, OV_INVALID, "expected 1 to %d breaks, found %u", MOST_BREAKS, breaks->count);
    OV_TRY(ovi_nagg_argument(b, json, OV_SQL_FLOAT, &x));
    b->agg->call = b->aggs->call_count;
    for (const ov_json *v = breaks->first; v; v = v->next) {
        double d;
        OV_TRY(ov_json_as_f64(v, &d, b->err));
        d = (double)(float)d;
        if (n && !(d > last))
            return ov_json_fail(v, b->err, OV_INVALID, "expected breaks that ascend");
        if (n++)
            OV_TRY(count_between(b, v, x, last, d, &index));
        last = d;
    }
    OV_TRY(ovi_nagg_call(b, json, "MIN", &x, 1, false, &index));
    OV_TRY(ovi_nagg_call(b, json, "MAX", &x, 1, false, &index));
    b->agg->make = make_histogram;
    b->agg->made_of = b->aggs->call_count - b->agg->call;
    return OV_OK;
}

/* ---- singleValue ---- */

static ov_status make_single(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr *const *calls, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[2] = {calls[0], calls[1]};
    return ovi_ncall(p, agg->json, "$ONE_ROW", args, 2, out, err);
}

/* The value of the only row: more of them are an error. */
ov_status ovi_nagg_single(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_expr *x;
    ov_slice name, type;
    uint32_t index;
    (void)k;
    OV_TRY(ov_json_need_str(json, "fieldName", &name, b->err));
    OV_TRY(ovi_nscope_value(b->s, name, &x, b->err));
    OV_TRY(ov_json_str(json, "columnType", (ov_slice){"", 0}, &type, b->err));
    if (type.n)
        OV_TRY(ovi_nas_type(b->s->p, ov_json_get(json, "columnType"), type, x, &x, b->err));
    OV_TRY(ovi_nagg_call(b, json, "ANY_VALUE", &x, 1, false, &b->agg->call));
    OV_TRY(ovi_nagg_call(b, json, "COUNT", NULL, 0, false, &index));
    b->agg->make = make_single;
    b->agg->made_of = 2;
    return OV_OK;
}

/* ---- timeMin, timeMax ---- */

/* A text of that timeFormat as milliseconds; NULL where it is none. */
static ov_status read_times(ovi_nagg_binder *b, const ov_json *json, const ov_expr *text, const ov_expr **out)
{
    static const struct {
        const char *name;
        int64_t times, over;
    } units[] = {{"posix", 1000, 1}, {"millis", 1, 1}, {"micro", 1, 1000}, {"nano", 1, 1000000}};
    ovi_nplanner *p = b->s->p;
    const ov_expr *parts[2] = {text, NULL}, *scaled[2];
    ov_slice format;
    OV_TRY(ov_json_str(json, "timeFormat", OV_SLICE_LIT("auto"), &format, b->err));
    bool any = ov_slice_ieq(format, OV_SLICE_LIT("auto"));
    OV_TRY(ovi_ncast(p, text, OV_SQL_BIGINT, &scaled[0], b->err));
    for (size_t i = 0; i < OV_COUNT_OF(units); i++) {
        if (!ov_slice_ieq(format, ov_slice_cstr(units[i].name)))
            continue;
        OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, OV_MAX(units[i].times, units[i].over), &scaled[1], b->err));
        return ovi_ncall(p, json, units[i].over > 1 ? "/" : "*", scaled, 2, out, b->err);
    }
    if (!any && !ov_slice_ieq(format, OV_SLICE_LIT("iso")))
        OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, format, &parts[1], b->err));
    OV_TRY(ovi_ncall(p, json, "TIME_PARSE", parts, parts[1] ? 2 : 1, &parts[0], b->err));
    OV_TRY(ov_expr_retype(p->cx, parts[0], OV_SQL_BIGINT, out, b->err));
    if (!any)
        return OV_OK;
    scaled[1] = *out; /* digits are milliseconds */
    return ovi_ncall(p, json, "COALESCE", scaled, 2, out, b->err);
}

/* Numbers are milliseconds; the result is shown as a time. */
ov_status ovi_nagg_time(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json)
{
    const ov_expr *x;
    ov_slice name;
    OV_TRY(ov_json_need_str(json, "fieldName", &name, b->err));
    OV_TRY(ovi_nscope_value(b->s, name, &x, b->err));
    if (x->type.id == OV_TYPE_STRING && !x->type.multi)
        OV_TRY(read_times(b, json, x, &x));
    if (ov_type_is_list(x->type) || x->type.id == OV_TYPE_COMPLEX)
        return ov_json_fail(json, b->err, OV_INVALID, "expected a column of numbers or texts");
    OV_TRY(ovi_ncast(b->s->p, x, OV_SQL_BIGINT, &x, b->err));
    b->agg->sql = OV_SQL_TIMESTAMP;
    b->agg->estimate = b->finalize;
    b->agg->shown = "$TIME_FORMAT";
    return ovi_nagg_call(b, json, k->fn, &x, 1, false, &b->agg->call);
}
