/*
 * Filters over lists and nested values: what filters of plain values see of them, equality of arrays and JSON, elements of lists, comparisons
 * of columns.
 */
#include "query/native/native_filter_int.h"

enum { MOST_COMPARED = 100 };

bool ovi_filter_is_array_type(ov_slice type)
{
    static const ov_slice front = OV_SLICE_LIT("ARRAY<");
    return type.n > front.n + 1 && ov_slice_ieq(ov_slice_make(type.p, front.n), front);
}

static ov_slice element_of(ov_slice type)
{
    return ov_slice_make(type.p + strlen("ARRAY<"), type.n - strlen("ARRAY<>"));
}

bool ovi_filter_is_json(const ov_expr *e)
{
    return e->type.id == OV_TYPE_COMPLEX && e->type.complex == OV_COMPLEX_JSON;
}

static bool is_multi(const ov_expr *e)
{
    return e->type.id == OV_TYPE_STRING && e->type.multi;
}

static ov_status json_call(ovi_filter_binder *f, const ov_json *at, const char *fn, const ov_expr *col, const ov_expr **out)
{
    const ov_expr *root;
    OV_TRY(ovi_filter_text(f, OV_SLICE_LIT("$"), &root));
    return ovi_filter_apply2(f, at, fn, col, root, out);
}

/* Source: Druid's predicates of ARRAY columns throw, those of complex ones take a value for NULL. */
ov_status ovi_filter_plain(ovi_filter_binder *f, const ov_json *at, const ov_expr *col, const ov_expr **out)
{
    *out = col;
    if (col->type.id == OV_TYPE_ARRAY)
        return ov_json_fail(at, f->err, OV_INVALID,
                            "this filter does not support ARRAY types; null, equals, range, inType, arrayContainsElement and columnComparison do");
    if (col->type.id != OV_TYPE_COMPLEX)
        return OV_OK;
    return ovi_filter_is_json(col) ? json_call(f, at, "JSON_VALUE", col, out) : ov_expr_null(f->b.cx, OV_SQL_VARCHAR, out, f->err);
}

ov_status ovi_filter_each(ovi_filter_binder *f, const ov_json *json, const ov_expr *col, ovi_filter_test test, const ov_expr **out)
{
    const ov_expr *element, *truth;
    if (!is_multi(col))
        return test(f, json, col, out);
    OV_TRY(ov_expr_column(f->b.cx, 0, OV_T(OV_TYPE_STRING), OV_SQL_VARCHAR, true, &element, f->err));
    OV_TRY(test(f, json, element, &truth));
    *out = truth;
    return truth->kind == OV_EXPR_CONST ? OV_OK : ov_expr_any(f->b.cx, col, truth, 0, out, f->err);
}

/* ---- equality ---- */

static ov_status equal_json(ovi_filter_binder *f, const ov_json *json, const ov_expr *col, const ov_expr *value, const ov_expr **out)
{
    if (!ovi_filter_is_json(value))
        OV_TRY(ovi_filter_apply(f, json, "$TO_JSON", &value, 1, &value));
    return ovi_filter_apply2(f, json, "=", col, value, out);
}

ov_status ovi_filter_equal(ovi_filter_binder *f, const ov_json *json, const ov_expr *col, const ov_json *match, ov_slice type,
                           const ov_expr **out)
{
    const ov_expr *value;
    bool list = ovi_filter_is_array_type(type);
    if (list && match->kind == OV_JSON_ARRAY && match->count == 1 && col->type.id != OV_TYPE_ARRAY && col->type.id != OV_TYPE_COMPLEX)
        return ovi_filter_equal(f, json, col, match->first, element_of(type), out); /* a list of one is that one */
    OV_TRY(ovi_filter_match_value(f, match, type, &value));
    if (ovi_filter_is_json(col))
        return equal_json(f, json, col, value, out);
    bool other = list != (col->type.id == OV_TYPE_ARRAY) || value->type.id == OV_TYPE_COMPLEX;
    if (col->type.id == OV_TYPE_COMPLEX)
        return ov_expr_null(f->b.cx, OV_SQL_BOOLEAN, out, f->err);
    if (other)
        return ovi_filter_nothing(f, json, col, out);
    return ovi_filter_apply2(f, json, "=", col, value, out);
}

/* The list holds the value; a single value is a list of one. */
ov_status ovi_filter_contains(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *match = ov_json_find(json, "elementMatchValue");
    const ov_expr *args[2];
    ov_slice type;
    OV_TRY(ovi_filter_any_column(f, json, "column", &args[0]));
    OV_TRY(ovi_filter_match_type(f, json, "elementMatchValueType", &type));
    if (match)
        OV_TRY(ovi_filter_match_value(f, match, type, &args[1]));
    else
        OV_TRY(ov_expr_null(f->b.cx, OV_SQL_NULL, &args[1], f->err));
    bool nested = ovi_filter_is_json(args[0]) || (args[0]->type.id == OV_TYPE_ARRAY && args[0]->type.elem == OV_TYPE_COMPLEX);
    if (ovi_filter_is_json(args[0]))
        OV_TRY(json_call(f, json, "JSON_QUERY_ARRAY", args[0], &args[0]));
    if (nested && match)
        OV_TRY(ovi_filter_apply(f, json, "$TO_JSON", &args[1], 1, &args[1]));
    if (!ov_type_is_list(args[0]->type))
        return match ? ovi_filter_equal(f, json, args[0], match, type, out) : ovi_filter_apply(f, json, "IS NULL", args, 1, out);
    return ovi_filter_apply(f, json, args[0]->type.id == OV_TYPE_ARRAY ? "ARRAY_CONTAINS" : "MV_CONTAINS", args, 2, out);
}

/* ---- columns beside each other ---- */

/* A list of the column's texts where `many`, its text otherwise. */
static ov_status texts_of(ovi_filter_binder *f, const ov_json *at, bool many, const ov_expr *x, const ov_expr **out)
{
    static const ov_type texts = {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_STRING};
    *out = x;
    if (x->type.id != OV_TYPE_ARRAY) {
        OV_TRY(ovi_filter_plain(f, at, x, out));
        if (!is_multi(*out))
            OV_TRY(ovi_as_text(&f->b, *out, out, f->err));
        if (!many || is_multi(*out))
            return OV_OK;
        OV_TRY(ovi_filter_apply(f, at, "ARRAY", out, 1, out));
    } else if (x->type.elem != OV_TYPE_STRING) {
        OV_TRY(ov_expr_cast(f->b.cx, x, OV_SQL_ARRAY, texts, 0, 0, out, f->err));
    }
    return ovi_filter_apply(f, at, "ARRAY_TO_MV", out, 1, out);
}

/* Lists are the same when they have a text in common, or are both NULL or empty. */
static ov_status overlap(ovi_filter_binder *f, const ov_json *json, const ov_expr *const sides[2], const ov_expr **out)
{
    const ov_expr *common, *none[2], *either[2];
    OV_TRY(ovi_filter_apply2(f, json, "MV_OVERLAP", sides[0], sides[1], &common));
    OV_TRY(ovi_filter_apply(f, json, "IS TRUE", &common, 1, &either[0]));
    for (uint32_t i = 0; i < 2; i++) {
        const ov_expr *side = sides[i];
        OV_TRY(ovi_filter_apply(f, json, "MV_LENGTH", &side, 1, &side));
        OV_TRY(ovi_native_long(&f->b, 0, &none[i], f->err));
        OV_TRY(ovi_filter_apply2(f, json, ">", side, none[i], &none[i]));
        OV_TRY(ovi_filter_apply(f, json, "IS NOT TRUE", &none[i], 1, &none[i]));
    }
    OV_TRY(ovi_filter_apply(f, json, "AND", none, 2, &either[1]));
    return ovi_filter_apply(f, json, "OR", either, 2, out);
}

/* columnComparison: {"dimensions": names, or dimension specs of the kinds default and extraction} */
ov_status ovi_filter_same(ovi_filter_binder *f, const ov_json *json, const ov_expr **out)
{
    const ov_json *dims;
    const ov_expr **columns, **tests;
    uint32_t n = 0, count = 0;
    bool many = false;
    ov_slice name;
    OV_TRY(ov_json_need_arr(json, "dimensions", &dims, f->err));
    if (dims->count < 2 || dims->count > MOST_COMPARED)
        return ov_json_fail(dims, f->err, OV_INVALID, "expected 2 to %d columns to compare, found %u", MOST_COMPARED, dims->count);
    OV_TRY(ov_arena_alloc(f->b.cx->arena, dims->count * sizeof *columns, &columns, f->err));
    OV_TRY(ov_arena_alloc(f->b.cx->arena, (size_t)dims->count * dims->count * sizeof *tests, &tests, f->err));
    for (const ov_json *v = dims->first; v; v = v->next, n++) {
        if (ov_json_find(v, "extractionFn")) {
            OV_TRY(ovi_filter_column(f, v, "dimension", &columns[n]));
        } else if (v->kind == OV_JSON_OBJECT) {
            OV_TRY(ovi_filter_any_column(f, v, "dimension", &columns[n]));
        } else {
            OV_TRY(ov_json_as_str(v, &name, f->err));
            OV_TRY(ovi_filter_named(f, name, &columns[n]));
        }
        many |= ov_type_is_list(columns[n]->type);
    }
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(texts_of(f, json, many, columns[i], &columns[i]));
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t k = 0; k < (many ? i : 1); k++) { /* what lists have in common with one they need not have with another */
            const ov_expr *sides[2] = {columns[k], columns[i]};
            OV_TRY(many ? overlap(f, json, sides, &tests[count++]) : ovi_filter_apply(f, json, "IS NOT DISTINCT FROM", sides, 2, &tests[count++]));
        }
    *out = tests[0];
    return count > 1 ? ovi_filter_apply(f, json, "AND", tests, count, out) : OV_OK;
}
