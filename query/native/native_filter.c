/*
 * Druid's JSON filters as conditions. Values in the older filters (selector, in, bound) are text and meet the column
 * in its own type: a number column compares numbers, and a text that is no number matches nothing there. NULL is
 * unknown, so NOT leaves it out, as Druid's three-valued logic does.
 */
#include "query/native/native_filter_int.h"

#include "base/numparse.h"
#include "base/tz.h"
#include "query/expr/gather.h"

static ov_status bind(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);

/* ---- pieces ---- */

ov_status ovi_filter_apply(ovi_filter_binder *f, const ov_json *at, const char *name, const ov_expr **args, uint32_t argc,
                       const ov_expr **out)
{
    ov_status st = ovi_native_apply(&f->b, NULL, name, args, argc, out, f->err);
    if (st == OV_OK)
        return st;
    ov_error why = *f->err;
    return ov_json_fail(at, f->err, st, "%s", why.text);
}

ov_status ovi_filter_apply2(ovi_filter_binder *f, const ov_json *at, const char *name, const ov_expr *a, const ov_expr *b,
                        const ov_expr **out)
{
    return ovi_filter_apply(f, at, name, (const ov_expr *[]){a, b}, 2, out);
}

ov_status ovi_filter_truth(ovi_filter_binder *f, bool value, const ov_expr **out)
{
    return ov_expr_i64(f->b.cx, OV_SQL_BOOLEAN, value, out, f->err);
}

ov_status ovi_filter_text(ovi_filter_binder *f, ov_slice s, const ov_expr **out)
{
    return ov_expr_str(f->b.cx, OV_SQL_VARCHAR, s, out, f->err);
}

ov_status ovi_filter_named(ovi_filter_binder *f, ov_slice name, const ov_expr **out)
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

ov_status ovi_filter_any_column(ovi_filter_binder *f, const ov_json *json, const char *key, const ov_expr **out)
{
    ov_slice name;
    OV_TRY(ov_json_need_str(json, key, &name, f->err));
    return ovi_filter_named(f, name, out);
}

ov_status ovi_filter_column(ovi_filter_binder *f, const ov_json *json, const char *key, const ov_expr **out)
{
    const ov_json *fn = ov_json_find(json, "extractionFn");
    ovi_nplanner p = {.cx = f->b.cx, .arena = f->b.cx->arena};
    OV_TRY(ovi_filter_any_column(f, json, key, out));
    OV_TRY(ovi_filter_plain(f, ov_json_get(json, key), *out, out));
    return fn ? ovi_nextract(&p, fn, *out, out, f->err) : OV_OK;
}

bool ovi_filter_is_number(const ov_expr *e)
{
    return ov_type_is_int(e->type) || ov_type_is_real(e->type);
}

/* A text as a value of the column's kind; *out NULL when the column holds numbers and this is none. */
ov_status ovi_filter_value_like(ovi_filter_binder *f, const ov_expr *col, ov_slice s, const ov_expr **out)
{
    int64_t i;
    double d;
    *out = NULL;
    if (!ovi_filter_is_number(col))
        return ovi_filter_text(f, s, out);
    if (ov_parse_i64(s, &i))
        return ov_expr_i64(f->b.cx, OV_SQL_BIGINT, i, out, f->err);
    if (ov_parse_double(s, &d))
        return ov_expr_f64(f->b.cx, OV_SQL_DOUBLE, d, out, f->err);
    return OV_OK;
}

ov_status ovi_filter_match_type(ovi_filter_binder *f, const ov_json *json, const char *key, ov_slice *out)
{
    static const char *const names[] = {"STRING", "LONG", "DOUBLE", "FLOAT", "COMPLEX<json>"};
    OV_TRY(ov_json_need_str(json, key, out, f->err));
    ov_slice plain = *out;
    if (ovi_filter_is_array_type(plain))
        plain = ov_slice_make(plain.p + 6, plain.n - 7);
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (ov_slice_ieq(plain, ov_slice_cstr(names[i])))
            return OV_OK;
    return ov_json_fail(ov_json_get(json, key), f->err, OV_INVALID,
                        "the type '" OV_SLICE_FMT "' is not supported for match values; use STRING, LONG, DOUBLE, FLOAT, ARRAY<...> of those or COMPLEX<json>",
                        OV_SLICE_ARG(*out));
}

/* A value as JSON has it, for the newer filters with matchValueType. */
ov_status ovi_filter_match_value(ovi_filter_binder *f, const ov_json *v, ov_slice type, const ov_expr **out)
{
    ov_slice s;
    int64_t i;
    double d;
    if (ov_slice_ieq(type, OV_SLICE_LIT("COMPLEX<json>"))) {
        ovi_nplanner p = {.cx = f->b.cx, .arena = f->b.cx->arena};
        OV_TRY(ovi_njson_text(&p, v, &s, f->err));
        OV_TRY(ovi_filter_text(f, s, out));
        return ovi_filter_apply(f, v, "PARSE_JSON", out, 1, out);
    }
    if (v->kind == OV_JSON_ARRAY && ovi_filter_is_array_type(type)) {
        const ov_expr **items;
        uint32_t n = 0;
        ov_slice elem = ov_slice_make(type.p + 6, type.n - 7);
        OV_TRY(ov_arena_alloc(f->b.cx->arena, (v->count + (size_t)1) * sizeof *items, &items, f->err));
        for (const ov_json *one = v->first; one; one = one->next) {
            if (one->kind == OV_JSON_NULL)
                OV_TRY(ov_expr_null(f->b.cx, OV_SQL_NULL, &items[n++], f->err));
            else
                OV_TRY(ovi_filter_match_value(f, one, elem, &items[n++]));
        }
        return ovi_filter_apply(f, v, "ARRAY", items, n, out);
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
        return ov_json_fail(v, f->err, OV_INVALID,
                            "the type '" OV_SLICE_FMT "' is not supported for match values; use STRING, LONG, DOUBLE, FLOAT, ARRAY<...> of those or COMPLEX<json>",
                            OV_SLICE_ARG(type));
    OV_TRY(ov_json_as_str(v, &s, f->err));
    return ovi_filter_text(f, s, out);
}

/* ---- logic ---- */

/* What is null among the fields says nothing, as in Druid. */
static ov_status join(ovi_filter_binder *f, const ov_json *json, const char *op, const ov_expr **out)
{
    const ov_json *fields;
    const ov_expr **args;
    OV_TRY(ov_json_need_arr(json, "fields", &fields, f->err));
    OV_TRY(ov_arena_alloc(f->b.cx->arena, (fields->count + (size_t)1) * sizeof *args, &args, f->err));
    uint32_t n = 0;
    for (const ov_json *v = fields->first; v; v = v->next)
        if (v->kind != OV_JSON_NULL)
            OV_TRY(bind(f, v, &args[n++]));
    if (n == 0)
        return ov_json_fail(fields, f->err, OV_INVALID, "expected at least one filter");
    if (op[0] == 'O')
        OV_TRY(ov_expr_gather(f->b.cx, args, &n, 0, 0, f->err));
    if (n == 1) {
        *out = args[0];
        return OV_OK;
    }
    return ovi_filter_apply(f, json, op, args, n, out);
}

static ov_status filter_and(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    return join(f, json, "AND", out);
}

static ov_status filter_or(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    return join(f, json, "OR", out);
}

static ov_status over_field(ovi_filter_binder *f, const ov_json *json, const char *op, const ov_expr **out)
{
    const ov_json *field;
    const ov_expr *inner;
    OV_TRY(ov_json_need_obj(json, "field", &field, f->err));
    OV_TRY(bind(f, field, &inner));
    return ovi_filter_apply(f, json, op, &inner, 1, out);
}

static ov_status filter_not(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    return over_field(f, json, "NOT", out);
}

static ov_status filter_is_true(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    return over_field(f, json, "IS TRUE", out);
}

static ov_status filter_is_false(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    return over_field(f, json, "IS FALSE", out);
}

static ov_status filter_true(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    (void)json;
    return ovi_filter_truth(f, true, out);
}

static ov_status filter_false(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    (void)json;
    return ovi_filter_truth(f, false, out);
}

/* ---- single values ---- */

/* A row of a multi-value text is NULL when it has no value or one that is NULL. */
static ov_status is_null(ovi_filter_binder *f, const ov_json *json, const ov_expr *col, const ov_expr **out)
{
    const ov_expr *sides[2], *args[2];
    OV_TRY(ovi_filter_apply(f, json, "IS NULL", &col, 1, &sides[0]));
    *out = sides[0];
    if (col->type.id != OV_TYPE_STRING || !col->type.multi)
        return OV_OK;
    args[0] = col;
    OV_TRY(ov_expr_null(f->b.cx, OV_SQL_VARCHAR, &args[1], f->err));
    OV_TRY(ovi_filter_apply(f, json, "ARRAY", &args[1], 1, &args[1]));
    OV_TRY(ovi_filter_apply(f, json, "MV_OVERLAP", args, 2, &sides[1]));
    return ovi_filter_apply(f, json, "OR", sides, 2, out);
}

ov_status ovi_filter_is_null(ovi_filter_binder *f, const ov_json *json, const char *key, const ov_expr **out)
{
    const ov_expr *col;
    bool made = ov_json_find(json, "extractionFn") != NULL;
    OV_TRY((made ? ovi_filter_column : ovi_filter_any_column)(f, json, key, &col));
    return is_null(f, json, col, out);
}

static ov_status filter_null(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *col;
    OV_TRY(ovi_filter_any_column(f, json, "column", &col));
    return is_null(f, json, col, out);
}

/* A number column and a text that is no number: nothing, but NULL stays unknown. */
ov_status ovi_filter_nothing(ovi_filter_binder *f, const ov_json *json, const ov_expr *col, const ov_expr **out)
{
    return ovi_filter_apply2(f, json, "<>", col, col, out);
}

static ov_status filter_selector(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_expr *col, *value;
    ov_slice s;
    if (!ov_json_find(json, "value"))
        return ovi_filter_is_null(f, json, "dimension", out);
    OV_TRY(ovi_filter_column(f, json, "dimension", &col));
    OV_TRY(ov_json_need_str(json, "value", &s, f->err));
    OV_TRY(ovi_filter_value_like(f, col, s, &value));
    return value ? ovi_filter_apply2(f, json, "=", col, value, out) : ovi_filter_nothing(f, json, col, out);
}

static ov_status filter_equals(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *match;
    const ov_expr *col;
    ov_slice type;
    OV_TRY(ovi_filter_any_column(f, json, "column", &col));
    OV_TRY(ovi_filter_match_type(f, json, "matchValueType", &type));
    OV_TRY(ov_json_need(json, "matchValue", &match, f->err));
    return ovi_filter_equal(f, json, col, match, type, out);
}

/* A condition for each value: of arrays and JSON there is no set. */
static ov_status in_each(ovi_filter_binder *f, const ov_json *json, const ov_expr *col, const ov_json *values, ov_slice type, const ov_expr **out)
{
    const ov_expr **any;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(f->b.cx->arena, (values->count + (size_t)1) * sizeof *any, &any, f->err));
    for (const ov_json *v = values->first; v; v = v->next)
        if (v->kind != OV_JSON_NULL)
            OV_TRY(ovi_filter_equal(f, json, col, v, type, &any[n++]));
    if (n == 0)
        return ovi_filter_nothing(f, json, col, out);
    *out = any[0];
    return n > 1 ? ovi_filter_apply(f, json, "OR", any, n, out) : OV_OK;
}

/* values: texts, numbers and null; inType says of which type the latter are. */
static ov_status in_values(ovi_filter_binder *f, const ov_json *json, const char *key, const ov_json *values, ov_slice type, const ov_expr **out)
{
    const ov_expr *col, **items;
    uint32_t n = 0;
    if (type.n) {
        OV_TRY(ovi_filter_any_column(f, json, key, &col));
        if (col->type.id == OV_TYPE_ARRAY || ovi_filter_is_json(col) || ovi_filter_is_array_type(type))
            return in_each(f, json, col, values, type, out);
    }
    OV_TRY(ovi_filter_column(f, json, key, &col));
    OV_TRY(ov_arena_alloc(f->b.cx->arena, (values->count + (size_t)1) * sizeof *items, &items, f->err));
    for (const ov_json *v = values->first; v; v = v->next) {
        ov_slice s;
        if (v->kind == OV_JSON_NULL)
            continue;
        if (type.n) {
            OV_TRY(ovi_filter_match_value(f, v, type, &items[n]));
        } else {
            OV_TRY(ov_json_as_str(v, &s, f->err));
            OV_TRY(ovi_filter_value_like(f, col, s, &items[n]));
        }
        n += items[n] != NULL;
    }
    return n ? ov_expr_in(f->b.cx, col, items, n, 0, 0, out, f->err) : ovi_filter_nothing(f, json, col, out);
}

static ov_status in_list(ovi_filter_binder *f, const ov_json *json, const char *key, const ov_json *values, ov_slice type,
                         const ov_expr **out)
{
    const ov_expr *sides[2];
    bool null = false;
    OV_TRY(in_values(f, json, key, values, type, out));
    for (const ov_json *v = values->first; v; v = v->next)
        null |= v->kind == OV_JSON_NULL;
    if (!null)
        return OV_OK;
    sides[0] = *out;
    OV_TRY(ovi_filter_is_null(f, json, key, &sides[1]));
    return ovi_filter_apply(f, json, "OR", sides, 2, out);
}

static ov_status filter_in(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *values;
    OV_TRY(ov_json_need_arr(json, "values", &values, f->err));
    return in_list(f, json, "dimension", values, (ov_slice){"", 0}, out);
}

static ov_status filter_in_type(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *values;
    ov_slice type;
    OV_TRY(ov_json_arr(json, "sortedValues", &values, f->err));
    if (!values)
        OV_TRY(ov_json_need_arr(json, "matchValues", &values, f->err));
    OV_TRY(ovi_filter_match_type(f, json, "matchValueType", &type));
    return in_list(f, json, "column", values, type, out);
}

/* ---- the rest ---- */

static ov_status filter_expression(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_native *tree;
    ov_slice s;
    OV_TRY(ov_json_need_str(json, "expression", &s, f->err));
    ov_status st = ov_native_parse(s, f->b.cx->arena, &tree, f->err);
    if (st == OV_OK)
        st = ovi_native_truth(&f->b, tree, out, f->err);
    if (st == OV_OK)
        return ov_expr_any_single(f->b.cx, *out, out, f->err);
    ov_error why = *f->err;
    return ov_json_fail(ov_json_get(json, "expression"), f->err, st, "%s", why.text);
}

static ov_status filter_javascript(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    (void)out;
    return ovi_nno_javascript(json, f->err);
}

/* Sorted by name. */
static const struct {
    const char *name;
    ov_status (*bind)(ovi_filter_binder *f, const ov_json *json, const ov_expr **out);
} filters[] = {
    {"and", filter_and},
    {"arrayContainsElement", ovi_filter_contains},
    {"bloom", ovi_filter_bloom},
    {"bound", ovi_filter_bound},
    {"columnComparison", ovi_filter_same},
    {"equals", filter_equals},
    {"expression", filter_expression},
    {"extraction", filter_selector},
    {"false", filter_false},
    {"in", filter_in},
    {"inType", filter_in_type},
    {"interval", ovi_filter_interval},
    {"isfalse", filter_is_false},
    {"istrue", filter_is_true},
    {"javascript", filter_javascript},
    {"like", ovi_filter_like},
    {"not", filter_not},
    {"null", filter_null},
    {"or", filter_or},
    {"range", ovi_filter_range},
    {"regex", ovi_filter_regex},
    {"search", ovi_filter_search},
    {"selector", filter_selector},
    {"spatial", ovi_filter_spatial},
    {"true", filter_true},
};

static ov_status bind(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    ov_slice type;
    OV_TRY(ov_json_expect(json, OV_JSON_OBJECT, f->err));
    OV_TRY(ov_json_need_str(json, "type", &type, f->err));
    for (size_t i = 0; i < OV_COUNT_OF(filters); i++)
        if (ov_slice_eq(type, ov_slice_cstr(filters[i].name)))
            return filters[i].bind(f, json, out);
    return ov_json_fail(ov_json_get(json, "type"), f->err, OV_INVALID, "unknown filter '" OV_SLICE_FMT
                        "'; there are and, or, not, selector, in, bound, like, regex, search, interval, columnComparison, expression, extraction, "
                        "spatial, equals, null, range, inType, arrayContainsElement, bloom, istrue, isfalse, true and false",
                        OV_SLICE_ARG(type));
}

ov_status ov_native_filter(const ov_json *filter, const ov_native_scope *scope, ov_expr_ctx *cx, const ov_expr **out,
                           ov_error *err)
{
    ovi_filter_binder f = {.b = {.scope = scope, .cx = cx}, .err = err};
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
