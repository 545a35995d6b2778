/*
 * Druid's JSON filters as conditions. Values in the older filters (selector, in, bound) are text and meet the column
 * in its own type: a number column compares numbers, and a text that is no number matches nothing there. NULL is
 * unknown, so NOT leaves it out, as Druid's three-valued logic does.
 */
#include "query/native/native_plan_int.h"

#include "base/numparse.h"
#include "base/period.h"
#include "base/tz.h"

typedef struct filter_binder {
    ovi_nbind b;
    ov_error *err;
} filter_binder;

typedef ov_status (*filter_fn)(filter_binder *f, const ov_json *json, const ov_expr **out);

static ov_status bind(filter_binder *f, const ov_json *json, const ov_expr **out);

/* ---- pieces ---- */

static ov_status apply(filter_binder *f, const ov_json *at, const char *name, const ov_expr **args, uint32_t argc,
                       const ov_expr **out)
{
    ov_status st = ovi_native_apply(&f->b, NULL, name, args, argc, out, f->err);
    if (st == OV_OK)
        return st;
    ov_error why = *f->err;
    return ov_json_fail(at, f->err, st, "%s", why.text);
}

static ov_status apply2(filter_binder *f, const ov_json *at, const char *name, const ov_expr *a, const ov_expr *b,
                        const ov_expr **out)
{
    return apply(f, at, name, (const ov_expr *[]){a, b}, 2, out);
}

static ov_status truth(filter_binder *f, bool value, const ov_expr **out)
{
    return ov_expr_i64(f->b.cx, OV_SQL_BOOLEAN, value, out, f->err);
}

static ov_status text(filter_binder *f, ov_slice s, const ov_expr **out)
{
    return ov_expr_str(f->b.cx, OV_SQL_VARCHAR, s, out, f->err);
}

/* Any column, lists and nested ones too. */
static ov_status any_column_named(filter_binder *f, ov_slice name, const ov_expr **out)
{
    *out = NULL;
    OV_TRY(f->b.scope->column(f->b.scope->ctx, f->b.cx, name, out, f->err));
    if (!*out)
        return ov_expr_null(f->b.cx, OV_SQL_VARCHAR, out, f->err);
    OV_TRY(ovi_as_value(&f->b, *out, out, f->err));
    if ((*out)->type.id == OV_TYPE_NULL)
        return ov_expr_null(f->b.cx, OV_SQL_VARCHAR, out, f->err);
    return OV_OK;
}

static ov_status column_named(filter_binder *f, const ov_json *at, ov_slice name, const ov_expr **out)
{
    OV_TRY(any_column_named(f, name, out));
    if ((*out)->type.id == OV_TYPE_COMPLEX || (*out)->type.id == OV_TYPE_ARRAY)
        return ov_json_fail(at, f->err, OV_UNSUPPORTED, "filters on the nested column '" OV_SLICE_FMT
                            "' are not supported; use an expression with json_value", OV_SLICE_ARG(name));
    return OV_OK;
}

static ov_status column(filter_binder *f, const ov_json *json, const char *key, const ov_expr **out)
{
    ov_slice name;
    const ov_json *fn = ov_json_find(json, "extractionFn");
    ovi_nplanner p = {.cx = f->b.cx, .arena = f->b.cx->arena};
    OV_TRY(ov_json_need_str(json, key, &name, f->err));
    OV_TRY(column_named(f, ov_json_get(json, key), name, out));
    return fn ? ovi_nextract(&p, fn, *out, out, f->err) : OV_OK;
}

static bool is_number(const ov_expr *e)
{
    return ov_type_is_int(e->type) || ov_type_is_real(e->type);
}

/* A text as a value of the column's kind; *out NULL when the column holds numbers and this is none. */
static ov_status value_like(filter_binder *f, const ov_expr *col, ov_slice s, const ov_expr **out)
{
    int64_t i;
    double d;
    *out = NULL;
    if (!is_number(col))
        return text(f, s, out);
    if (ov_parse_i64(s, &i))
        return ov_expr_i64(f->b.cx, OV_SQL_BIGINT, i, out, f->err);
    if (ov_parse_double(s, &d))
        return ov_expr_f64(f->b.cx, OV_SQL_DOUBLE, d, out, f->err);
    return OV_OK;
}

/* A value as JSON has it, for the newer filters with matchValueType. */
static ov_status match_value(filter_binder *f, const ov_json *v, ov_slice type, const ov_expr **out)
{
    ov_slice s;
    int64_t i;
    double d;
    if (v->kind == OV_JSON_ARRAY && type.n > 7 && ov_slice_ieq(ov_slice_make(type.p, 6), OV_SLICE_LIT("ARRAY<"))) {
        const ov_expr **items;
        uint32_t n = 0;
        ov_slice elem = ov_slice_make(type.p + 6, type.n - 7);
        OV_TRY(ov_arena_alloc(f->b.cx->arena, (v->count + (size_t)1) * sizeof *items, &items, f->err));
        for (const ov_json *one = v->first; one; one = one->next) {
            if (one->kind == OV_JSON_NULL)
                OV_TRY(ov_expr_null(f->b.cx, OV_SQL_NULL, &items[n++], f->err));
            else
                OV_TRY(match_value(f, one, elem, &items[n++]));
        }
        return apply(f, v, "ARRAY", items, n, out);
    }
    if (v->kind == OV_JSON_ARRAY || v->kind == OV_JSON_OBJECT)
        return ov_json_fail(v, f->err, OV_INVALID, "expected a value of type '" OV_SLICE_FMT "'", OV_SLICE_ARG(type));
    if (ov_slice_ieq(type, OV_SLICE_LIT("LONG"))) {
        OV_TRY(ov_json_as_i64(v, &i, f->err));
        return ov_expr_i64(f->b.cx, OV_SQL_BIGINT, i, out, f->err);
    }
    if (ov_slice_ieq(type, OV_SLICE_LIT("DOUBLE")) || ov_slice_ieq(type, OV_SLICE_LIT("FLOAT"))) {
        OV_TRY(ov_json_as_f64(v, &d, f->err));
        if (ov_slice_ieq(type, OV_SLICE_LIT("FLOAT")))
            d = (double)(float)d;
        return ov_expr_f64(f->b.cx, OV_SQL_DOUBLE, d, out, f->err);
    }
    if (!ov_slice_ieq(type, OV_SLICE_LIT("STRING")))
        return ov_json_fail(v, f->err, OV_UNSUPPORTED,
                            "the type '" OV_SLICE_FMT "' is not supported for match values; use STRING, LONG, DOUBLE, FLOAT or ARRAY<...> of those",
                            OV_SLICE_ARG(type));
    OV_TRY(ov_json_as_str(v, &s, f->err));
    return text(f, s, out);
}

/* ---- logic ---- */

static ov_status join(filter_binder *f, const ov_json *json, const char *op, const ov_expr **out)
{
    const ov_json *fields;
    const ov_expr **args;
    OV_TRY(ov_json_need_arr(json, "fields", &fields, f->err));
    if (fields->count == 0)
        return ov_json_fail(fields, f->err, OV_INVALID, "expected at least one filter");
    OV_TRY(ov_arena_alloc(f->b.cx->arena, fields->count * sizeof *args, &args, f->err));
    uint32_t n = 0;
    for (const ov_json *v = fields->first; v; v = v->next)
        OV_TRY(bind(f, v, &args[n++]));
    if (n == 1) {
        *out = args[0];
        return OV_OK;
    }
    return apply(f, json, op, args, n, out);
}

static ov_status filter_and(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    return join(f, json, "AND", out);
}

static ov_status filter_or(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    return join(f, json, "OR", out);
}

static ov_status over_field(filter_binder *f, const ov_json *json, const char *op, const ov_expr **out)
{
    const ov_json *field;
    const ov_expr *inner;
    OV_TRY(ov_json_need_obj(json, "field", &field, f->err));
    OV_TRY(bind(f, field, &inner));
    return apply(f, json, op, &inner, 1, out);
}

static ov_status filter_not(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    return over_field(f, json, "NOT", out);
}

static ov_status filter_is_true(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    return over_field(f, json, "IS TRUE", out);
}

static ov_status filter_is_false(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    return over_field(f, json, "IS FALSE", out);
}

static ov_status filter_true(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    (void)json;
    return truth(f, true, out);
}

static ov_status filter_false(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    (void)json;
    return truth(f, false, out);
}

/* ---- single values ---- */

/* A row of a multi-value text is NULL when it has no value or one that is NULL. */
static ov_status is_null(filter_binder *f, const ov_json *json, const ov_expr *col, const ov_expr **out)
{
    const ov_expr *sides[2], *args[2];
    OV_TRY(apply(f, json, "IS NULL", &col, 1, &sides[0]));
    *out = sides[0];
    if (col->type.id != OV_TYPE_STRING || !col->type.multi)
        return OV_OK;
    args[0] = col;
    OV_TRY(ov_expr_null(f->b.cx, OV_SQL_VARCHAR, &args[1], f->err));
    OV_TRY(apply(f, json, "ARRAY", &args[1], 1, &args[1]));
    OV_TRY(apply(f, json, "MV_OVERLAP", args, 2, &sides[1]));
    return apply(f, json, "OR", sides, 2, out);
}

static ov_status filter_null(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *col;
    ov_slice name;
    OV_TRY(ov_json_need_str(json, "column", &name, f->err));
    OV_TRY(any_column_named(f, name, &col));
    return is_null(f, json, col, out);
}

/* A number column and a text that is no number: nothing, but NULL stays unknown. */
static ov_status nothing(filter_binder *f, const ov_json *json, const ov_expr *col, const ov_expr **out)
{
    return apply2(f, json, "<>", col, col, out);
}

static ov_status filter_selector(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *col, *value;
    ov_slice s;
    OV_TRY(column(f, json, "dimension", &col));
    if (!ov_json_find(json, "value"))
        return is_null(f, json, col, out);
    OV_TRY(ov_json_need_str(json, "value", &s, f->err));
    OV_TRY(value_like(f, col, s, &value));
    return value ? apply2(f, json, "=", col, value, out) : nothing(f, json, col, out);
}

static ov_status filter_equals(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *match;
    const ov_expr *col, *value;
    ov_slice type;
    ov_slice name;
    OV_TRY(ov_json_need_str(json, "column", &name, f->err));
    OV_TRY(any_column_named(f, name, &col));
    OV_TRY(ov_json_need_str(json, "matchValueType", &type, f->err));
    OV_TRY(ov_json_need(json, "matchValue", &match, f->err));
    OV_TRY(match_value(f, match, type, &value));
    if (col->type.id == OV_TYPE_FLOAT && ov_type_is_real(value->type)) /* as exact as the column is */
        OV_TRY(ov_expr_f64(f->b.cx, OV_SQL_DOUBLE, (double)(float)value->constant.f, &value, f->err));
    return apply2(f, json, "=", col, value, out);
}

/* The list holds the value; a single value is a list of one. */
static ov_status filter_array_contains(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *match;
    const ov_expr *args[2];
    ov_slice type, name;
    OV_TRY(ov_json_need_str(json, "column", &name, f->err));
    OV_TRY(any_column_named(f, name, &args[0]));
    OV_TRY(ov_json_need_str(json, "elementMatchValueType", &type, f->err));
    match = ov_json_find(json, "elementMatchValue");
    if (match)
        OV_TRY(match_value(f, match, type, &args[1]));
    else
        OV_TRY(ov_expr_null(f->b.cx, OV_SQL_NULL, &args[1], f->err));
    if (!ov_type_is_list(args[0]->type))
        return match ? apply(f, json, "=", args, 2, out) : apply(f, json, "IS NULL", args, 1, out);
    return apply(f, json, args[0]->type.id == OV_TYPE_ARRAY ? "ARRAY_CONTAINS" : "MV_CONTAINS", args, 2, out);
}

/* values: texts, numbers and null; inType says of which type the latter are. */
static ov_status in_list(filter_binder *f, const ov_json *json, const char *key, const ov_json *values, ov_slice type,
                         const ov_expr **out)
{
    const ov_expr *col, **items, *sides[2];
    uint32_t n = 0;
    bool null = false;
    OV_TRY(column(f, json, key, &col));
    OV_TRY(ov_arena_alloc(f->b.cx->arena, (values->count + (size_t)1) * sizeof *items, &items, f->err));
    for (const ov_json *v = values->first; v; v = v->next) {
        ov_slice s;
        if (v->kind == OV_JSON_NULL) {
            null = true;
            continue;
        }
        if (type.n) {
            OV_TRY(match_value(f, v, type, &items[n]));
        } else {
            OV_TRY(ov_json_as_str(v, &s, f->err));
            OV_TRY(value_like(f, col, s, &items[n]));
        }
        n += items[n] != NULL;
    }
    OV_TRY(n ? ov_expr_in(f->b.cx, col, items, n, 0, 0, &sides[0], f->err) : nothing(f, json, col, &sides[0]));
    *out = sides[0];
    if (!null)
        return OV_OK;
    OV_TRY(is_null(f, json, col, &sides[1]));
    return apply(f, json, "OR", sides, 2, out);
}

static ov_status filter_in(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *values;
    OV_TRY(ov_json_need_arr(json, "values", &values, f->err));
    return in_list(f, json, "dimension", values, (ov_slice){"", 0}, out);
}

static ov_status filter_in_type(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *values;
    ov_slice type;
    OV_TRY(ov_json_arr(json, "sortedValues", &values, f->err));
    if (!values)
        OV_TRY(ov_json_need_arr(json, "matchValues", &values, f->err));
    OV_TRY(ov_json_need_str(json, "matchValueType", &type, f->err));
    return in_list(f, json, "column", values, type, out);
}

/* ---- ranges ---- */

/* A text as the ordering compares it with the column; false: a bound that is no number. */
static ov_status bound_keys(filter_binder *f, const ov_json *at, ov_slice order, const ov_expr *col, ov_slice s,
                            const ov_expr *keys[2], uint32_t *count)
{
    ovi_nplanner p = {.cx = f->b.cx, .arena = f->b.cx->arena};
    const ov_expr *value;
    if (ov_slice_ieq(order, OV_SLICE_LIT("numeric"))) {
        double d;
        *count = 1;
        if (is_number(col))
            OV_TRY(value_like(f, col, s, &keys[0]));
        else if (!ov_parse_double(s, &d))
            keys[0] = NULL;
        else
            OV_TRY(ov_expr_f64(f->b.cx, OV_SQL_DOUBLE, d, &keys[0], f->err));
        return keys[0] ? OV_OK
                       : ov_json_fail(at, f->err, OV_INVALID,
                                      "'" OV_SLICE_FMT "' is no number, but the bound compares numbers", OV_SLICE_ARG(s));
    }
    OV_TRY(text(f, s, &value));
    return ovi_norder_keys(&p, at, order, value, keys, count, f->err);
}

static ov_status one_bound(filter_binder *f, const ov_json *json, const char *key, const char *strict_key,
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
        return apply2(f, json, ops[strict], left[0], value[0], out);
    /* beyond in the first key, or equal there and beyond in the second */
    OV_TRY(apply2(f, json, ops[1], left[0], value[0], &parts[0]));
    OV_TRY(apply2(f, json, "=", left[0], value[0], &equal[0]));
    OV_TRY(apply2(f, json, ops[strict], left[1], value[1], &equal[1]));
    OV_TRY(apply(f, json, "AND", equal, 2, &parts[1]));
    return apply(f, json, "OR", parts, 2, out);
}

static ov_status filter_bound(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    static const char *const above[2] = {">=", ">"}, *const below[2] = {"<=", "<"};
    const ov_expr *col, *lower, *upper, *sides[2];
    ov_slice order;
    OV_TRY(column(f, json, "dimension", &col));
    bool digits; /* the older word */
    OV_TRY(ov_json_bool(json, "alphaNumeric", false, &digits, f->err));
    OV_TRY(ov_json_str(json, "ordering", digits ? OV_SLICE_LIT("alphanumeric") : OV_SLICE_LIT("lexicographic"), &order,
                       f->err));
    OV_TRY(one_bound(f, json, "lower", "lowerStrict", above, order, col, &lower));
    OV_TRY(one_bound(f, json, "upper", "upperStrict", below, order, col, &upper));
    if (lower && upper)
        return apply2(f, json, "AND", lower, upper, out);
    *out = lower;
    if (lower)
        return OV_OK;
    if (!upper)
        return ov_json_fail(json, f->err, OV_INVALID, "a bound needs 'lower', 'upper' or both");
    sides[0] = upper; /* without a lower bound NULL is inside */
    OV_TRY(apply(f, json, "IS NULL", &col, 1, &sides[1]));
    return apply(f, json, "OR", sides, 2, out);
}

static ov_status filter_range(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *col, *value, *parts[2];
    const ov_json *end;
    ov_slice type;
    uint32_t n = 0;
    OV_TRY(column(f, json, "column", &col));
    OV_TRY(ov_json_need_str(json, "matchValueType", &type, f->err));
    for (int upper = 0; upper < 2; upper++) {
        bool open;
        OV_TRY(ov_json_bool(json, upper ? "upperOpen" : "lowerOpen", false, &open, f->err));
        end = ov_json_find(json, upper ? "upper" : "lower");
        if (!end)
            continue;
        const char *op = upper ? (open ? "<" : "<=") : (open ? ">" : ">=");
        OV_TRY(match_value(f, end, type, &value));
        OV_TRY(apply2(f, json, op, col, value, &parts[n++]));
    }
    if (n == 0)
        return ov_json_fail(json, f->err, OV_INVALID, "a range needs 'lower', 'upper' or both");
    *out = parts[0];
    return n == 2 ? apply(f, json, "AND", parts, 2, out) : OV_OK;
}

static ov_status filter_interval(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *intervals;
    const ov_expr *col, **any;
    uint32_t n = 0;
    OV_TRY(column(f, json, "dimension", &col));
    OV_TRY(ov_json_need_arr(json, "intervals", &intervals, f->err));
    if (intervals->count == 0)
        return nothing(f, json, col, out);
    OV_TRY(ov_arena_alloc(f->b.cx->arena, intervals->count * sizeof *any, &any, f->err));
    if (!is_number(col))
        OV_TRY(ov_expr_cast(f->b.cx, col, OV_SQL_BIGINT, OV_T(OV_TYPE_LONG), 0, 0, &col, f->err));
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
        OV_TRY(apply2(f, json, ">=", col, ends[0], &parts[0]));
        OV_TRY(apply2(f, json, "<", col, ends[1], &parts[1]));
        OV_TRY(apply(f, json, "AND", parts, 2, &any[n++]));
    }
    *out = any[0];
    return n > 1 ? apply(f, json, "OR", any, n, out) : OV_OK;
}

/* ---- text ---- */

static ov_status text_column(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    OV_TRY(column(f, json, "dimension", out));
    return ovi_as_text(&f->b, *out, out, f->err);
}

static ov_status filter_like(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *args[3];
    ov_slice s;
    OV_TRY(text_column(f, json, &args[0]));
    OV_TRY(ov_json_need_str(json, "pattern", &s, f->err));
    OV_TRY(text(f, s, &args[1]));
    OV_TRY(ov_json_str(json, "escape", (ov_slice){"", 0}, &s, f->err));
    OV_TRY(text(f, s, &args[2]));
    return apply(f, json, "LIKE", args, s.n ? 3 : 2, out);
}

/* Of the column's own type: numbers and their texts are different values. */
static ov_status filter_bloom(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *args[2];
    ov_slice s;
    OV_TRY(column(f, json, "dimension", &args[0]));
    OV_TRY(ov_json_need_str(json, "bloomKFilter", &s, f->err));
    OV_TRY(text(f, s, &args[1]));
    return apply(f, json, "BLOOM_FILTER_TEST", args, 2, out);
}

static ov_status filter_regex(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *args[2];
    ov_slice s;
    OV_TRY(text_column(f, json, &args[0]));
    OV_TRY(ov_json_need_str(json, "pattern", &s, f->err));
    OV_TRY(text(f, s, &args[1]));
    return apply(f, json, "REGEXP_LIKE", args, 2, out);
}

static ov_status contains(filter_binder *f, const ov_json *spec, const ov_expr *col, ov_slice value, bool cased,
                          const ov_expr **out)
{
    const ov_expr *part;
    OV_TRY(text(f, value, &part));
    return apply2(f, spec, cased ? "CONTAINS_STRING" : "ICONTAINS_STRING", col, part, out);
}

static ov_status search_fragments(filter_binder *f, const ov_json *spec, const ov_expr *col, bool cased,
                                  const ov_expr **out)
{
    const ov_json *values;
    const ov_expr *sides[2] = {NULL, NULL};
    ov_slice s;
    OV_TRY(ov_json_need_arr(spec, "values", &values, f->err));
    OV_TRY(truth(f, true, &sides[0]));
    for (const ov_json *v = values->first; v; v = v->next) {
        OV_TRY(ov_json_as_str(v, &s, f->err));
        OV_TRY(contains(f, spec, col, s, cased, &sides[1]));
        OV_TRY(apply(f, spec, "AND", sides, 2, &sides[0]));
    }
    *out = sides[0];
    return OV_OK;
}

static ov_status search_query(filter_binder *f, const ov_json *spec, const ov_expr *col, const ov_expr **out)
{
    const ov_expr *args[2];
    ov_slice type, s;
    bool cased;
    OV_TRY(ov_json_need_str(spec, "type", &type, f->err));
    OV_TRY(ov_json_bool(spec, "caseSensitive", false, &cased, f->err));
    if (ov_slice_eq(type, OV_SLICE_LIT("all")))
        return truth(f, true, out);
    if (ov_slice_eq(type, OV_SLICE_LIT("fragment")))
        return search_fragments(f, spec, col, cased, out);
    if (ov_slice_eq(type, OV_SLICE_LIT("regex"))) {
        OV_TRY(ov_json_need_str(spec, "pattern", &s, f->err));
        args[0] = col;
        OV_TRY(text(f, s, &args[1]));
        return apply(f, spec, "REGEXP_LIKE", args, 2, out);
    }
    bool plain = ov_slice_eq(type, OV_SLICE_LIT("insensitive_contains"));
    if (!plain && !ov_slice_eq(type, OV_SLICE_LIT("contains")))
        return ov_json_fail(ov_json_get(spec, "type"), f->err, OV_INVALID,
                            "unknown search query '" OV_SLICE_FMT
                            "'; there are contains, insensitive_contains, fragment, regex and all",
                            OV_SLICE_ARG(type));
    OV_TRY(ov_json_need_str(spec, "value", &s, f->err));
    return contains(f, spec, col, s, cased && !plain, out);
}

ov_status ovi_native_search(const ov_json *spec, ov_expr_ctx *cx, const ov_expr *x, const ov_expr **out, ov_error *err)
{
    filter_binder f = {.b = {.cx = cx}, .err = err};
    return search_query(&f, spec, x, out);
}

static ov_status filter_search(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *spec;
    const ov_expr *col;
    OV_TRY(text_column(f, json, &col));
    OV_TRY(ov_json_need_obj(json, "query", &spec, f->err));
    return search_query(f, spec, col, out);
}

/* ---- the rest ---- */

static ov_status filter_columns(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *dims;
    const ov_expr *first = NULL, *sides[2], *all = NULL;
    ov_slice name;
    OV_TRY(ov_json_need_arr(json, "dimensions", &dims, f->err));
    if (dims->count < 2)
        return ov_json_fail(dims, f->err, OV_INVALID, "expected at least two columns to compare");
    for (const ov_json *v = dims->first; v; v = v->next) {
        OV_TRY(ov_json_as_str(v, &name, f->err));
        OV_TRY(column_named(f, v, name, &sides[1]));
        OV_TRY(ovi_as_text(&f->b, sides[1], &sides[1], f->err));
        if (!first) {
            first = sides[1];
            continue;
        }
        sides[0] = first;
        OV_TRY(apply(f, json, "IS NOT DISTINCT FROM", sides, 2, &sides[1]));
        sides[0] = all;
        OV_TRY(all ? apply(f, json, "AND", sides, 2, &all) : OV_OK);
        if (!all)
            all = sides[1];
    }
    *out = all;
    return OV_OK;
}

static ov_status filter_expression(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_native *tree;
    ov_slice s;
    OV_TRY(ov_json_need_str(json, "expression", &s, f->err));
    ov_status st = ov_native_parse(s, f->b.cx->arena, &tree, f->err);
    if (st == OV_OK)
        st = ovi_native_truth(&f->b, tree, out, f->err);
    if (st == OV_OK)
        return OV_OK;
    ov_error why = *f->err;
    return ov_json_fail(ov_json_get(json, "expression"), f->err, st, "%s", why.text);
}

static ov_status filter_javascript(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    (void)out;
    return ov_json_fail(json, f->err, OV_UNSUPPORTED, "JavaScript is disabled");
}

/* Sorted by name. bind NULL: Druid has it, Ovate does not. */
static const struct {
    const char *name;
    filter_fn bind;
} filters[] = {
    {"and", filter_and},
    {"arrayContainsElement", filter_array_contains},
    {"bloom", filter_bloom},
    {"bound", filter_bound},
    {"columnComparison", filter_columns},
    {"equals", filter_equals},
    {"expression", filter_expression},
    {"extraction", filter_selector},
    {"false", filter_false},
    {"in", filter_in},
    {"inType", filter_in_type},
    {"interval", filter_interval},
    {"isfalse", filter_is_false},
    {"istrue", filter_is_true},
    {"javascript", filter_javascript},
    {"like", filter_like},
    {"not", filter_not},
    {"null", filter_null},
    {"or", filter_or},
    {"range", filter_range},
    {"regex", filter_regex},
    {"search", filter_search},
    {"selector", filter_selector},
    {"spatial", NULL},
    {"true", filter_true},
};

static ov_status bind(filter_binder *f, const ov_json *json, const ov_expr **out)
{
    ov_slice type;
    OV_TRY(ov_json_expect(json, OV_JSON_OBJECT, f->err));
    OV_TRY(ov_json_need_str(json, "type", &type, f->err));
    for (size_t i = 0; i < OV_COUNT_OF(filters); i++) {
        if (!ov_slice_eq(type, ov_slice_cstr(filters[i].name)))
            continue;
        if (filters[i].bind)
            return filters[i].bind(f, json, out);
        return ov_json_fail(ov_json_get(json, "type"), f->err, OV_UNSUPPORTED,
                            "the filter '%s' is not supported; use an expression filter", filters[i].name);
    }
    return ov_json_fail(ov_json_get(json, "type"), f->err, OV_INVALID, "unknown filter '" OV_SLICE_FMT "'",
                        OV_SLICE_ARG(type));
}

ov_status ov_native_filter(const ov_json *filter, const ov_native_scope *scope, ov_expr_ctx *cx, const ov_expr **out,
                           ov_error *err)
{
    filter_binder f = {.b = {.scope = scope, .cx = cx}, .err = err};
    return bind(&f, filter, out);
}

/* ---- which columns ---- */

typedef struct column_walk {
    ov_status (*fn)(void *ctx, ov_slice name, ov_error *err);
    void *ctx;
} column_walk;

static ov_status see_column(void *ctx, ov_expr_ctx *cx, ov_slice name, const ov_expr **out, ov_error *err)
{
    const column_walk *w = ctx;
    (void)cx;
    *out = NULL;
    return w->fn(w->ctx, name, err);
}

/* Binding over NULLs meets every name and checks what can be checked without types. */
ov_status ov_native_filter_columns(const ov_json *filter, ov_status (*fn)(void *ctx, ov_slice name, ov_error *err),
                                   void *ctx, ov_error *err)
{
    column_walk w = {fn, ctx};
    ov_native_scope scope = {.ctx = &w, .column = see_column};
    ov_arena scratch;
    const ov_expr *e;
    ov_arena_init(&scratch, "filter columns", NULL);
    ov_expr_ctx cx = {.arena = &scratch, .next_id = 1};
    ov_status st = ov_tz_get(OV_SLICE_LIT("UTC"), &cx.tz, err);
    if (st == OV_OK)
        st = ov_native_filter(filter, &scope, &cx, &e, err);
    ov_arena_fini(&scratch);
    return st;
}
