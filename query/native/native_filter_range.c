/*
 * Filters of ranges: bound with its orderings, range, interval.
 */
#include "query/native/native_filter_int.h"

#include "base/numparse.h"

/* The bound of a column of numbers, as exact as the column is; NULL when it is no number. */
static ov_status number_like(ovi_filter_binder *f, const ov_expr *col, ov_slice s, const ov_expr **out)
{
    OV_TRY(ovi_filter_value_like(f, col, s, out));
    if (!*out || col->type.id != OV_TYPE_FLOAT || !ov_type_is_real((*out)->type))
        return OV_OK;
    return ov_expr_f64(f->b.cx, OV_SQL_DOUBLE, ov_float_near((*out)->constant.f), out, f->err);
}

/* A text as the ordering compares it with the column; false: a bound that is no number. */
static ov_status bound_keys(ovi_filter_binder *f, const ov_json *at, ov_slice order, const ov_expr *col, ov_slice s,
                            const ov_expr *keys[2], uint32_t *count)
{
    ovi_nplanner p = {.cx = f->b.cx, .arena = f->b.cx->arena};
    const ov_expr *value;
    if (ov_slice_ieq(order, OV_SLICE_LIT("numeric"))) {
        double d;
        *count = 1;
        if (ovi_filter_is_number(col))
            OV_TRY(number_like(f, col, s, &keys[0]));
        else if (!ov_parse_double(s, &d))
            keys[0] = NULL;
        else
            OV_TRY(ov_expr_f64(f->b.cx, OV_SQL_DOUBLE, d, &keys[0], f->err));
        return keys[0] ? OV_OK
                       : ov_json_fail(at, f->err, OV_INVALID,
                                      "'" OV_SLICE_FMT "' is no number, but the bound compares numbers", OV_SLICE_ARG(s));
    }
    OV_TRY(ovi_filter_text(f, s, &value));
    return ovi_norder_keys(&p, at, order, value, keys, count, f->err);
}

static ov_status one_bound(ovi_filter_binder *f, const ov_json *json, const char *key, const char *strict_key,
                           const char *const ops[2], ov_slice order, const ov_expr *col, const ov_expr **out)
{
    ovi_nplanner p = {.cx = f->b.cx, .arena = f->b.cx->arena};
    const ov_json *at = ov_json_find(json, key);
    ov_slice s;
    bool strict;
    uint32_t n, k;
    const ov_expr *left[2], *value[2], *parts[2], *equal[2];
    *out = NULL;
    if (!at)
        return OV_OK;
    OV_TRY(ov_json_need_str(json, key, &s, f->err));
    OV_TRY(ov_json_bool(json, strict_key, false, &strict, f->err));
    OV_TRY(ovi_norder_keys(&p, json, order, col, left, &n, f->err));
    OV_TRY(bound_keys(f, at, order, col, s, value, &k));
    if (k == 1)
        return ovi_filter_apply2(f, json, ops[strict], left[0], value[0], out);
    /* beyond in the first key, or equal there and beyond in the second */
    OV_TRY(ovi_filter_apply2(f, json, ops[1], left[0], value[0], &parts[0]));
    OV_TRY(ovi_filter_apply2(f, json, "=", left[0], value[0], &equal[0]));
    OV_TRY(ovi_filter_apply2(f, json, ops[strict], left[1], value[1], &equal[1]));
    OV_TRY(ovi_filter_apply(f, json, "AND", equal, 2, &parts[1]));
    return ovi_filter_apply(f, json, "OR", parts, 2, out);
}

/* Of one value: it lies within the bounds that are there. */
static ov_status within(ovi_filter_binder *f, const ov_json *json, const ov_expr *x, const ov_expr **out)
{
    static const char *const above[2] = {">=", ">"}, *const below[2] = {"<=", "<"};
    const ov_expr *lower, *upper;
    ov_slice order;
    bool digits; /* the older word */
    OV_TRY(ov_json_bool(json, "alphaNumeric", false, &digits, f->err));
    OV_TRY(ovi_norder_name(json, "ordering", digits ? OV_SLICE_LIT("alphanumeric") : OV_SLICE_LIT("lexicographic"), &order, f->err));
    OV_TRY(one_bound(f, json, "lower", "lowerStrict", above, order, x, &lower));
    OV_TRY(one_bound(f, json, "upper", "upperStrict", below, order, x, &upper));
    *out = lower ? lower : upper;
    return lower && upper ? ovi_filter_apply2(f, json, "AND", lower, upper, out) : OV_OK;
}

ov_status ovi_filter_bound(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *col, *sides[2];
    OV_TRY(ovi_filter_column(f, json, "dimension", &col));
    bool lower = ov_json_find(json, "lower") != NULL;
    if (!lower && !ov_json_find(json, "upper"))
        return ov_json_fail(json, f->err, OV_INVALID, "a bound needs 'lower', 'upper' or both");
    OV_TRY(ovi_filter_each(f, json, col, within, out));
    if (lower)
        return OV_OK;
    sides[0] = *out; /* without a lower bound NULL is inside */
    OV_TRY(ovi_filter_is_null(f, json, "dimension", &sides[1]));
    return ovi_filter_apply(f, json, "OR", sides, 2, out);
}

static ov_status in_range(ovi_filter_binder *f, const ov_json *json, const ov_expr *x, const ov_expr **out)
{
    const ov_expr *value, *parts[2];
    const ov_json *end;
    ov_slice type;
    uint32_t n = 0;
    OV_TRY(ovi_filter_match_type(f, json, "matchValueType", &type));
    for (int upper = 0; upper < 2; upper++) {
        bool open;
        OV_TRY(ov_json_bool(json, upper ? "upperOpen" : "lowerOpen", false, &open, f->err));
        end = ov_json_find(json, upper ? "upper" : "lower");
        if (!end)
            continue;
        const char *op = upper ? (open ? "<" : "<=") : (open ? ">" : ">=");
        OV_TRY(ovi_filter_match_value(f, end, type, &value));
        if ((x->type.id == OV_TYPE_ARRAY) != (value->type.id == OV_TYPE_ARRAY))
            return ovi_filter_nothing(f, json, x, out);
        OV_TRY(ovi_filter_apply2(f, json, op, x, value, &parts[n++]));
    }
    if (n == 0)
        return ov_json_fail(json, f->err, OV_INVALID, "a range needs 'lower', 'upper' or both");
    *out = parts[0];
    return n == 2 ? ovi_filter_apply(f, json, "AND", parts, 2, out) : OV_OK;
}

ov_status ovi_filter_range(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *col;
    OV_TRY(ovi_filter_any_column(f, json, "column", &col));
    if (col->type.id == OV_TYPE_COMPLEX)
        OV_TRY(ovi_filter_plain(f, ov_json_get(json, "column"), col, &col));
    return ovi_filter_each(f, json, col, in_range, out);
}

/* Of one value: milliseconds in one of the intervals. */
static ov_status in_intervals(ovi_filter_binder *f, const ov_json *json, const ov_expr *x, const ov_expr **out)
{
    const ov_json *intervals;
    const ov_expr **any;
    uint32_t n = 0;
    OV_TRY(ov_json_need_arr(json, "intervals", &intervals, f->err));
    if (intervals->count == 0)
        return ovi_filter_nothing(f, json, x, out);
    OV_TRY(ov_arena_alloc(f->b.cx->arena, intervals->count * sizeof *any, &any, f->err));
    if (!ovi_filter_is_number(x))
        OV_TRY(ov_expr_cast(f->b.cx, x, OV_SQL_BIGINT, OV_T(OV_TYPE_LONG), 0, 0, &x, f->err));
    for (const ov_json *v = intervals->first; v; v = v->next) {
        ov_slice s;
        ov_interval i;
        const ov_expr *ends[2], *parts[2];
        OV_TRY(ov_json_as_str(v, &s, f->err));
        ov_status st = ov_interval_parse(s, &i, f->err);
        if (st != OV_OK) {
            ov_error why = *f->err;
            return ov_json_fail(v, f->err, st, "%s", why.text);
        }
        OV_TRY(ovi_native_long(&f->b, i.start, &ends[0], f->err));
        OV_TRY(ovi_native_long(&f->b, i.end, &ends[1], f->err));
        OV_TRY(ovi_filter_apply2(f, json, ">=", x, ends[0], &parts[0]));
        OV_TRY(ovi_filter_apply2(f, json, "<", x, ends[1], &parts[1]));
        OV_TRY(ovi_filter_apply(f, json, "AND", parts, 2, &any[n++]));
    }
    *out = any[0];
    return n > 1 ? ovi_filter_apply(f, json, "OR", any, n, out) : OV_OK;
}

ov_status ovi_filter_interval(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *col;
    OV_TRY(ovi_filter_column(f, json, "dimension", &col));
    return ovi_filter_each(f, json, col, in_intervals, out);
}
