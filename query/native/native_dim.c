/*
 * Dimension specs: a name, or an object that says what to take and what to call it. The value is text unless the spec
 * names another type.
 */
#include "query/native/native_plan_int.h"

static ov_status column_of(ovi_nscope *s, const ov_json *spec, const ov_expr **out, ov_error *err)
{
    ov_slice name;
    OV_TRY(ov_json_need_str(spec, "dimension", &name, err));
    return ovi_nscope_value(s, name, out, err);
}

/* outputName, else the dimension's own. */
static ov_status name_of(const ov_json *spec, ov_slice *out, ov_error *err)
{
    ov_slice dimension;
    OV_TRY(ov_json_str(spec, "dimension", (ov_slice){"", 0}, &dimension, err));
    return ov_json_str(spec, "outputName", dimension, out, err);
}

static ov_status typed(ovi_nscope *s, const ov_json *spec, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    ov_slice type;
    OV_TRY(ov_json_str(spec, "outputType", OV_SLICE_LIT("STRING"), &type, err));
    const ov_json *at = ov_json_find(spec, "outputType");
    return ovi_nas_type(s->p, at ? at : spec, type, e, out, err);
}

static ov_status dim_default(ovi_nscope *s, const ov_json *spec, ovi_ndim *out, ov_error *err)
{
    OV_TRY(column_of(s, spec, &out->expr, err));
    OV_TRY(name_of(spec, &out->name, err));
    return typed(s, spec, out->expr, &out->expr, err);
}

static ov_status dim_extraction(ovi_nscope *s, const ov_json *spec, ovi_ndim *out, ov_error *err)
{
    const ov_json *fn;
    OV_TRY(column_of(s, spec, &out->expr, err));
    OV_TRY(name_of(spec, &out->name, err));
    OV_TRY(ov_json_need_obj(spec, "extractionFn", &fn, err));
    OV_TRY(ovi_nextract(s->p, fn, out->expr, &out->expr, err));
    return typed(s, spec, out->expr, &out->expr, err);
}

static ov_status dim_lookup(ovi_nscope *s, const ov_json *spec, ovi_ndim *out, ov_error *err)
{
    ov_json *fn;
    OV_TRY(column_of(s, spec, &out->expr, err));
    OV_TRY(name_of(spec, &out->name, err));
    OV_TRY(ov_json_copy(s->p->arena, spec, &fn, err)); /* the same members as the extraction function's */
    fn->parent = spec->parent;
    OV_TRY(ovi_ntext(s->p, out->expr, &out->expr, err));
    ov_json *type;
    OV_TRY(ov_json_new_str(s->p->arena, OV_SLICE_LIT("lookup"), &type, err));
    OV_TRY(ov_json_set(s->p->arena, fn, "type", type, err));
    return ovi_nextract(s->p, fn, out->expr, &out->expr, err);
}

/* ---- only some of the values; the others are NULL ---- */

static ov_status delegate_of(ovi_nscope *s, const ov_json *spec, ovi_ndim *out, ov_error *err)
{
    const ov_json *delegate;
    OV_TRY(ov_json_need(spec, "delegate", &delegate, err));
    OV_TRY(ovi_ndimension(s, delegate, out, err));
    return ovi_ntext(s->p, out->expr, &out->expr, err);
}

static ov_status only_where(ovi_nscope *s, const ov_json *spec, const ov_expr *test, ovi_ndim *out, ov_error *err)
{
    const ov_expr *parts[3] = {test, out->expr, NULL};
    OV_TRY(ov_expr_null(s->p->cx, OV_SQL_VARCHAR, &parts[2], err));
    return ovi_ncall(s->p, spec, "CASE", parts, 3, &out->expr, err);
}

static ov_status dim_list(ovi_nscope *s, const ov_json *spec, ovi_ndim *out, ov_error *err)
{
    const ov_json *values;
    const ov_expr **items, *test, *args[2];
    bool allow;
    uint32_t n = 0;
    OV_TRY(delegate_of(s, spec, out, err));
    OV_TRY(ov_json_need_arr(spec, "values", &values, err));
    OV_TRY(ov_json_bool(spec, "isWhitelist", true, &allow, err));
    OV_TRY(ov_json_bool(spec, "isAllowList", allow, &allow, err));
    OV_TRY(ov_arena_alloc(s->p->arena, (values->count + (size_t)1) * sizeof *items, &items, err));
    for (const ov_json *v = values->first; v; v = v->next) {
        ov_slice text;
        if (v->kind == OV_JSON_NULL)
            continue;
        OV_TRY(ov_json_as_str(v, &text, err));
        OV_TRY(ov_expr_str(s->p->cx, OV_SQL_VARCHAR, text, &items[n++], err));
    }
    if (out->expr->type.multi) {
        args[0] = out->expr;
        OV_TRY(ovi_ncall(s->p, spec, "ARRAY", items, n, &args[1], err));
        return ovi_ncall(s->p, spec, allow ? "MV_FILTER_ONLY" : "MV_FILTER_NONE", args, 2, &out->expr, err);
    }
    if (n == 0)
        OV_TRY(ov_expr_i64(s->p->cx, OV_SQL_BOOLEAN, 0, &test, err));
    else
        OV_TRY(ov_expr_in(s->p->cx, out->expr, items, n, 0, 0, &test, err));
    if (!allow)
        OV_TRY(ovi_ncall(s->p, spec, "NOT", &test, 1, &test, err));
    return only_where(s, spec, test, out, err);
}

static ov_status dim_pattern(ovi_nscope *s, const ov_json *spec, const char *key, const char *one, const char *many,
                             ovi_ndim *out, ov_error *err)
{
    ov_slice text;
    const ov_expr *args[2], *test;
    OV_TRY(delegate_of(s, spec, out, err));
    OV_TRY(ov_json_need_str(spec, key, &text, err));
    args[0] = out->expr;
    OV_TRY(ov_expr_str(s->p->cx, OV_SQL_VARCHAR, text, &args[1], err));
    if (out->expr->type.multi)
        return ovi_ncall(s->p, spec, many, args, 2, &out->expr, err);
    OV_TRY(ovi_ncall(s->p, spec, one, args, 2, &test, err));
    return only_where(s, spec, test, out, err);
}

static ov_status dim_regex(ovi_nscope *s, const ov_json *spec, ovi_ndim *out, ov_error *err)
{
    return dim_pattern(s, spec, "pattern", "REGEXP_LIKE", "MV_FILTER_REGEX", out, err);
}

static ov_status dim_prefix(ovi_nscope *s, const ov_json *spec, ovi_ndim *out, ov_error *err)
{
    return dim_pattern(s, spec, "prefix", "STARTS_WITH", "MV_FILTER_PREFIX", out, err);
}

/* The mv-... names are those of virtual columns of the same kind. */
static const struct {
    const char *name;
    ov_status (*bind)(ovi_nscope *s, const ov_json *spec, ovi_ndim *out, ov_error *err);
} kinds[] = {
    {"default", dim_default},        {"extraction", dim_extraction},       {"listFiltered", dim_list},
    {"lookup", dim_lookup},          {"mv-filtered", dim_list},            {"mv-prefix-filtered", dim_prefix},
    {"mv-regex-filtered", dim_regex}, {"prefixFiltered", dim_prefix},      {"regexFiltered", dim_regex},
};

ov_status ovi_ndimension(ovi_nscope *s, const ov_json *spec, ovi_ndim *out, ov_error *err)
{
    ov_slice type;
    if (spec->kind != OV_JSON_OBJECT) {
        OV_TRY(ov_json_as_str(spec, &out->name, err));
        out->column = out->name;
        OV_TRY(ovi_nscope_value(s, out->name, &out->expr, err));
        return ovi_nas_type(s->p, spec, OV_SLICE_LIT("STRING"), out->expr, &out->expr, err);
    }
    OV_TRY(ov_json_str(spec, "type", OV_SLICE_LIT("default"), &type, err));
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++)
        if (ov_slice_eq(type, ov_slice_cstr(kinds[i].name))) {
            out->column = (ov_slice){0};
            OV_TRY(kinds[i].bind(s, spec, out, err));
            return ov_json_str(spec, "dimension", (ov_slice){0}, &out->column, err);
        }
    return ov_json_fail(ov_json_get(spec, "type"), err, OV_INVALID,
                        "unknown dimension spec '" OV_SLICE_FMT
                        "'; there are default, extraction, listFiltered, regexFiltered, prefixFiltered and lookup",
                        OV_SLICE_ARG(type));
}
