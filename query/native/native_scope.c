/*
 * Names over a plan: its columns, with virtual columns in front of them. A virtual column is bound when it is first
 * named, so that they may name each other in any order; one that needs itself is refused.
 */
#include "query/native/native_plan_int.h"

/* "a.b[2]: sentence": words have blanks in front of a colon, paths have none. */
static bool has_path(const char *text)
{
    const char *colon = strstr(text, ": "), *blank = strchr(text, ' ');
    return colon && blank == colon + 1;
}

ov_status ovi_nfail_at(const ov_json *v, ov_status st, ov_error *err)
{
    ov_error why = *err;
    if (st == OV_OK || has_path(why.text))
        return st;
    return ov_json_fail(v, err, st, "%s", why.text);
}

ov_status ovi_ncall(ovi_nplanner *p, const ov_json *at, const char *name, const ov_expr *const *args, uint32_t argc,
                    const ov_expr **out, ov_error *err)
{
    const ov_expr **own;
    OV_TRY(ov_arena_alloc(p->arena, (argc + 1) * sizeof *own, &own, err));
    memcpy(own, args, argc * sizeof *own);
    ov_status st = ov_expr_call(p->cx, ov_slice_cstr(name), own, argc, 0, 0, out, err);
    return at ? ovi_nfail_at(at, st, err) : st;
}

/* NULL for the texts true and false, which SQL casts to 1 and 0. */
static ov_status but_no_truths(ovi_nplanner *p, const ov_expr *text, const ov_expr *number, const ov_expr **out,
                               ov_error *err)
{
    const ov_expr *words[2], *parts[3] = {NULL, NULL, number};
    OV_TRY(ovi_nliteral(p, "true", &words[0], err));
    OV_TRY(ovi_nliteral(p, "false", &words[1], err));
    OV_TRY(ovi_ncall(p, NULL, "LOWER", &text, 1, &parts[0], err));
    OV_TRY(ov_expr_in(p->cx, parts[0], words, 2, 0, 0, &parts[0], err));
    OV_TRY(ov_expr_null(p->cx, OV_SQL_BIGINT, &parts[1], err));
    return ovi_ncall(p, NULL, "CASE", parts, 3, out, err);
}

ov_status ovi_ncast(ovi_nplanner *p, const ov_expr *e, ov_sqltype sql, const ov_expr **out, ov_error *err)
{
    ov_type to = ov_sqltype_native(sql);
    *out = e;
    if (e->type.id == OV_TYPE_NULL)
        return ov_expr_null(p->cx, sql, out, err);
    if (ov_type_eq(e->type, to) && !ov_sqltype_is_datetime((ov_sqltype)e->sql) && e->sql != OV_SQL_BOOLEAN)
        return OV_OK;
    if (e->type.id == OV_TYPE_STRING && sql == OV_SQL_BIGINT) { /* digits, or a fraction's whole part; nothing else */
        const ov_expr *sides[2];
        OV_TRY(ovi_ncall(p, NULL, "PARSE_LONG", &e, 1, &sides[0], err));
        OV_TRY(ov_expr_cast(p->cx, e, OV_SQL_DOUBLE, OV_T(OV_TYPE_DOUBLE), 0, 0, &sides[1], err));
        OV_TRY(ov_expr_cast(p->cx, sides[1], OV_SQL_BIGINT, to, 0, 0, &sides[1], err));
        OV_TRY(ovi_ncall(p, NULL, "COALESCE", sides, 2, &sides[0], err));
        return but_no_truths(p, e, sides[0], out, err);
    }
    return ov_expr_cast(p->cx, e, sql, to, 0, 0, out, err);
}

ov_status ovi_ntext(ovi_nplanner *p, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    *out = e;
    if (e->type.id == OV_TYPE_STRING)
        return OV_OK;
    if (e->type.id == OV_TYPE_COMPLEX || e->type.id == OV_TYPE_ARRAY)
        return ovi_ncall(p, NULL, "TO_JSON_STRING", &e, 1, out, err);
    return ovi_ncast(p, e, OV_SQL_VARCHAR, out, err);
}

ov_status ovi_nno_javascript(const ov_json *json, ov_error *err)
{
    return ov_json_fail(ov_json_get(json, "type"), err, OV_INVALID,
                        "JavaScript is disabled; expressions of type 'expression' can say most of it");
}

ov_status ovi_njson_text(ovi_nplanner *p, const ov_json *v, ov_slice *out, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_json_print(v, &text);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(p->arena, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

ov_status ovi_nliteral(ovi_nplanner *p, const char *text, const ov_expr **out, ov_error *err)
{
    return ov_expr_str(p->cx, OV_SQL_VARCHAR, ov_slice_cstr(text), out, err);
}

static bool is_nested_array(ov_slice type)
{
    static const ov_slice fronts[2] = {OV_SLICE_LIT("ARRAY<ARRAY<"), OV_SLICE_LIT("ARRAY<COMPLEX<json>")};
    for (int i = 0; i < 2; i++)
        if (type.n > fronts[i].n && ov_slice_ieq(ov_slice_make(type.p, fronts[i].n), fronts[i]))
            return true;
    return false;
}

ov_status ovi_nas_type(ovi_nplanner *p, const ov_json *at, ov_slice type, const ov_expr *e, const ov_expr **out,
                       ov_error *err)
{
    ov_type to;
    *out = e;
    if (is_nested_array(type)) /* its elements are JSON */
        return e->type.id == OV_TYPE_ARRAY ? OV_OK : ovi_ncall(p, at, "ARRAY", out, 1, out, err);
    if (!ov_type_parse(type, &to)) {
        char upper[48];
        for (size_t i = 0; i < type.n && i < sizeof upper; i++)
            upper[i] = (char)(type.p[i] >= 'a' && type.p[i] <= 'z' ? type.p[i] - 32 : type.p[i]);
        if (type.n > sizeof upper || !ov_type_parse(ov_slice_make(upper, type.n), &to))
            return ov_json_fail(at, err, OV_INVALID,
                                "'" OV_SLICE_FMT "' is no type; STRING, LONG, DOUBLE, FLOAT, ARRAY<STRING>, "
                                "ARRAY<LONG>, ARRAY<DOUBLE> and COMPLEX<json> are",
                                OV_SLICE_ARG(type));
    }
    ov_status st = OV_OK;
    if (to.id == OV_TYPE_COMPLEX || (to.id == OV_TYPE_ARRAY && e->type.id == OV_TYPE_ARRAY))
        return OV_OK;
    if (to.id == OV_TYPE_ARRAY) {
        if (e->type.id == OV_TYPE_NULL)
            return OV_OK;
        const char *fn = ov_type_is_list(e->type) ? "MV_TO_ARRAY" : "ARRAY";
        if (!ov_type_is_list(e->type))
            OV_TRY(ovi_ncast(p, e, ov_sqltype_of_native((ov_type_id)to.elem), &e, err));
        return ovi_ncall(p, at, fn, &e, 1, out, err);
    }
    if (e->type.id == OV_TYPE_ARRAY && to.id == OV_TYPE_STRING)
        return ovi_ncall(p, at, "ARRAY_TO_MV", &e, 1, out, err);
    if (to.id == OV_TYPE_STRING)
        st = ovi_ntext(p, e, out, err);
    else if (e->type.id != OV_TYPE_STRING || !e->type.multi)
        st = ovi_ncast(p, e, ov_sqltype_of_native((ov_type_id)to.id), out, err);
    return ovi_nfail_at(at, st, err);
}

/* ---- orders ---- */

ov_status ovi_norder_name(const ov_json *json, const char *key, ov_slice dflt, ov_slice *out, ov_error *err)
{
    const ov_json *v = ov_json_find(json, key);
    if (v && v->kind == OV_JSON_OBJECT)
        return ov_json_need_str(v, "type", out, err);
    return ov_json_str(json, key, dflt, out, err);
}

ov_status ovi_norder_keys(ovi_nplanner *p, const ov_json *at, ov_slice order, const ov_expr *e, const ov_expr *keys[2],
                          uint32_t *count, ov_error *err)
{
    const ov_expr *args[2];
    bool number = ov_type_is_int(e->type) || ov_type_is_real(e->type);
    *count = 1;
    keys[0] = e;
    if (ov_type_is_list(e->type))
        return OV_OK;
    if (ov_slice_ieq(order, OV_SLICE_LIT("numeric"))) {
        if (number)
            return OV_OK;
        OV_TRY(ovi_ncast(p, e, OV_SQL_DOUBLE, &keys[0], err)); /* what is no number comes first, by its text */
        keys[1] = e;
        *count = 2;
        return OV_OK;
    }
    OV_TRY(ovi_ntext(p, e, &keys[0], err));
    if (ov_slice_ieq(order, OV_SLICE_LIT("lexicographic")) || ov_slice_ieq(order, OV_SLICE_LIT("natural"))) {
        if (ov_slice_ieq(order, OV_SLICE_LIT("natural")))
            keys[0] = e;
        return OV_OK;
    }
    if (ov_slice_ieq(order, OV_SLICE_LIT("strlen"))) {
        keys[1] = keys[0];
        *count = 2;
        return ovi_ncall(p, at, "LENGTH", &keys[1], 1, &keys[0], err);
    }
    if (!ov_slice_ieq(order, OV_SLICE_LIT("alphanumeric")) && !ov_slice_ieq(order, OV_SLICE_LIT("version")))
        return ov_json_fail(at, err, OV_INVALID,
                            "unknown ordering '" OV_SLICE_FMT
                            "'; there are lexicographic, alphanumeric, numeric, strlen, version and natural",
                            OV_SLICE_ARG(order));
    args[0] = keys[0];
    OV_TRY(ovi_nliteral(p, ov_ascii_lower(order.p[0]) == 'v' ? "version" : "alphanumeric", &args[1], err));
    return ovi_ncall(p, at, "$ORDER_KEY", args, 2, &keys[0], err);
}

/* ---- virtual columns ---- */

static ov_status bind_expression(ovi_nscope *s, const ov_json *json, const ov_expr **out, ov_error *err)
{
    ov_slice type;
    OV_TRY(ovi_nscope_expression(s, json, out, err));
    OV_TRY(ov_json_str(json, "outputType", (ov_slice){"", 0}, &type, err));
    return type.n ? ovi_nas_type(s->p, ov_json_get(json, "outputType"), type, *out, out, err) : OV_OK;
}

/* .a."b c"[1] as $.a['b c'][1] */
static ov_status path_of_jq(ovi_nscope *s, ov_slice jq, ov_slice *out, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_buf_add_char(&text, '$');
    bool quoted = false, bracket = false; /* ["..."] has its own */
    for (size_t i = 0; i < jq.n; i++) {
        char c = jq.p[i], next = i + 1 < jq.n ? jq.p[i + 1] : 0;
        if (c == '"') {
            bracket = quoted ? bracket : i && jq.p[i - 1] == '[';
            ov_buf_add_str(&text, bracket ? "'" : quoted ? "']" : "['");
            quoted = !quoted;
        } else if (quoted || c != '.' || (next && next != '"' && next != '[')) {
            ov_buf_add_char(&text, c);
        }
    }
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(s->p->arena, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

/* {"path":"$.a.b"} or {"pathParts":[{"type":"field","field":"a"},{"type":"arrayElement","index":1}]} */
static ov_status path_of(ovi_nscope *s, const ov_json *json, ov_slice *out, ov_error *err)
{
    const ov_json *parts;
    ov_buf text;
    OV_TRY(ov_json_arr(json, "pathParts", &parts, err));
    if (!parts) {
        bool jq;
        OV_TRY(ov_json_need_str(json, "path", out, err));
        OV_TRY(ov_json_bool(json, "useJqSyntax", false, &jq, err));
        return jq ? path_of_jq(s, *out, out, err) : OV_OK;
    }
    ov_buf_init(&text);
    ov_buf_add_char(&text, '$');
    ov_status st = OV_OK;
    for (const ov_json *v = parts->first; v && st == OV_OK; v = v->next) {
        ov_slice field;
        int64_t index;
        if (ov_json_find(v, "index")) {
            st = ov_json_need_i64(v, "index", &index, err);
            if (st == OV_OK)
                ov_buf_addf(&text, "[%lld]", (long long)index);
        } else {
            st = ov_json_need_str(v, "field", &field, err);
            if (st == OV_OK)
                ov_buf_addf(&text, "['" OV_SLICE_FMT "']", OV_SLICE_WHOLE(field));
        }
    }
    if (st == OV_OK)
        st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(s->p->arena, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

static ov_status bind_nested(ovi_nscope *s, const ov_json *json, const ov_expr **out, ov_error *err)
{
    ov_slice column, path, type;
    bool raw;
    const ov_expr *args[3];
    OV_TRY(ov_json_need_str(json, "columnName", &column, err));
    OV_TRY(path_of(s, json, &path, err));
    OV_TRY(ov_json_bool(json, "processFromRaw", false, &raw, err));
    OV_TRY(ov_json_str(json, "expectedType", OV_SLICE_LIT("STRING"), &type, err));
    OV_TRY(ovi_nscope_value(s, column, &args[0], err));
    OV_TRY(ov_expr_str(s->p->cx, OV_SQL_VARCHAR, path, &args[1], err));
    bool json_out = raw || (type.n > 7 && ov_slice_ieq(ov_slice_make(type.p, 7), OV_SLICE_LIT("COMPLEX")));
    bool array = type.n > 5 && ov_slice_ieq(ov_slice_make(type.p, 5), OV_SLICE_LIT("ARRAY"));
    const char *fn = json_out ? "JSON_QUERY" : "JSON_VALUE";
    if (array)
        OV_TRY(ov_expr_str(s->p->cx, OV_SQL_VARCHAR, type, &args[2], err));
    OV_TRY(ovi_ncall(s->p, json, fn, args, array ? 3 : 2, out, err));
    if (json_out || array)
        return OV_OK;
    return ovi_nas_type(s->p, ov_json_find(json, "expectedType") ? ov_json_get(json, "expectedType") : json, type, *out,
                        out, err);
}

static ov_status bind_filtered_values(ovi_nscope *s, const ov_json *json, const ov_expr **out, ov_error *err)
{
    const ov_json *delegate;
    ov_slice type;
    ovi_ndim dim;
    OV_TRY(ov_json_need(json, "delegate", &delegate, err));
    OV_TRY(ov_json_need_str(json, "type", &type, err));
    OV_TRY(ovi_ndimension(s, json, &dim, err));
    *out = dim.expr;
    return OV_OK;
}

static ov_status bind_fallback(ovi_nscope *s, const ov_json *json, const ov_expr **out, ov_error *err)
{
    const ov_json *columns;
    OV_TRY(ov_json_need_arr(json, "columns", &columns, err));
    for (const ov_json *v = columns->first; v; v = v->next) {
        ovi_ndim dim;
        OV_TRY(ovi_ndimension(s, v, &dim, err));
        *out = dim.expr;
        if (dim.expr->kind != OV_EXPR_CONST || !dim.expr->constant.is_null)
            return OV_OK;
    }
    return columns->count ? OV_OK : ov_json_fail(columns, err, OV_INVALID, "expected at least one column");
}

static const struct {
    const char *name;
    ov_status (*bind)(ovi_nscope *s, const ov_json *json, const ov_expr **out, ov_error *err);
} kinds[] = {
    {"expression", bind_expression},
    {"fallback", bind_fallback},
    {"mv-filtered", bind_filtered_values},
    {"mv-prefix-filtered", bind_filtered_values},
    {"mv-regex-filtered", bind_filtered_values},
    {"nested-field", bind_nested},
};

static ov_status bind_virtual(ovi_nscope *s, const ov_json *json, const ov_expr **out, ov_error *err)
{
    ov_slice type;
    OV_TRY(ov_json_need_str(json, "type", &type, err));
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++)
        if (ov_slice_eq(type, ov_slice_cstr(kinds[i].name)))
            return kinds[i].bind(s, json, out, err);
    return ov_json_fail(ov_json_get(json, "type"), err, OV_INVALID,
                        "unknown virtual column '" OV_SLICE_FMT
                        "'; there are expression, nested-field, mv-filtered, mv-regex-filtered, mv-prefix-filtered and "
                        "fallback",
                        OV_SLICE_ARG(type));
}

ov_status ovi_nscope_virtual(ovi_nscope *s, const ov_json *query, ov_error *err)
{
    const ov_json *list = ov_json_find(query, "virtualColumns");
    if (!list)
        return OV_OK;
    OV_TRY(ov_json_expect(list, OV_JSON_ARRAY, err));
    OV_TRY(ov_arena_zalloc(s->p->arena, (list->count + (size_t)1) * sizeof *s->defs, &s->defs, err));
    for (const ov_json *v = list->first; v; v = v->next) {
        ovi_ndef *d = &s->defs[s->def_count];
        bool nested = ov_json_find(v, "outputName") && !ov_json_find(v, "name");
        OV_TRY(ov_json_expect(v, OV_JSON_OBJECT, err));
        OV_TRY(ov_json_need_str(v, nested ? "outputName" : "name", &d->name, err));
        if (ov_slice_eq(d->name, OV_SLICE_LIT("__time")))
            return ov_json_fail(ov_json_get(v, "name"), err, OV_INVALID,
                                "a virtual column must not be called __time");
        for (uint32_t i = 0; i < s->def_count; i++)
            if (ov_slice_eq(s->defs[i].name, d->name))
                return ov_json_fail(v, err, OV_INVALID, "two virtual columns are called '" OV_SLICE_FMT "'",
                                    OV_SLICE_ARG(d->name));
        d->json = v;
        s->def_count++;
    }
    for (uint32_t i = 0; i < s->def_count; i++) { /* a wrong one is wrong whether it is used or not */
        const ov_expr *ignored;
        OV_TRY(ovi_nscope_value(s, s->defs[i].name, &ignored, err));
    }
    return OV_OK;
}

static ov_status bind_def(ovi_nscope *s, ovi_ndef *d, ov_error *err)
{
    if (d->state == 1)
        return ov_json_fail(d->json, err, OV_INVALID, "the virtual column '" OV_SLICE_FMT "' needs itself",
                            OV_SLICE_ARG(d->name));
    if (d->state == 0) {
        uint32_t weight = s->weight, height = s->height;
        if (++s->depth > OVI_NATIVE_EXPR_HEIGHT)
            return ov_json_fail(d->json, err, OV_LIMIT, "columns name each other more than %d deep", OVI_NATIVE_EXPR_HEIGHT);
        s->weight = 1;
        s->height = 0;
        d->state = 1;
        OV_TRY(bind_virtual(s, d->json, &d->as_bound, err));
        OV_TRY(ov_expr_settled(s->p->cx, d->as_bound, &d->expr, err));
        d->state = 2;
        OV_TRY(ovi_nscope_grown(s, d, err));
        s->weight = weight;
        s->height = height;
        s->depth--;
    }
    s->weight += d->weight;
    s->height = OV_MAX(s->height, d->height);
    if (s->weight > OVI_NATIVE_EXPR_WEIGHT)
        return ov_json_fail(d->json, err, OV_LIMIT, "columns that name each other grow beyond %d parts",
                            OVI_NATIVE_EXPR_WEIGHT);
    return OV_OK;
}

ov_status ovi_nscope_grown(ovi_nscope *s, ovi_ndef *d, ov_error *err)
{
    d->weight = s->weight + 1;
    d->height = s->height + s->own_height + 1;
    s->own_height = 0;
    if (d->height > OVI_NATIVE_EXPR_HEIGHT)
        return ov_json_fail(d->json, err, OV_LIMIT, "columns that name each other are more than %d levels high",
                            OVI_NATIVE_EXPR_HEIGHT);
    return OV_OK;
}

/* ---- names ---- */

static ov_status find_column(void *ctx, ov_expr_ctx *cx, ov_slice name, const ov_expr **out, ov_error *err)
{
    ovi_nscope *s = ctx;
    *out = NULL;
    s->weight++;
    for (uint32_t i = 0; i < s->def_count; i++) {
        ovi_ndef *d = &s->defs[i];
        if (!ov_slice_eq(d->name, name))
            continue;
        OV_TRY(bind_def(s, d, err));
        *out = d->expr;
        return OV_OK;
    }
    for (uint32_t i = 0; i < s->plan->field_count && name.n; i++)
        if (ov_slice_eq(s->plan->fields[i].name, name))
            return ov_plan_column(cx, s->plan, i, out, err);
    return OV_OK;
}

void ovi_nscope_init(ovi_nscope *s, ovi_nplanner *p, const ov_plan *plan)
{
    *s = (ovi_nscope){.p = p, .plan = plan};
    s->base = (ov_native_scope){.ctx = s, .column = find_column};
}

ov_status ovi_nscope_value(ovi_nscope *s, ov_slice name, const ov_expr **out, ov_error *err)
{
    ovi_nbind b = {.scope = &s->base, .cx = s->p->cx};
    OV_TRY(find_column(s, s->p->cx, name, out, err));
    if (!*out)
        return ov_expr_null(s->p->cx, OV_SQL_VARCHAR, out, err);
    return ovi_as_value(&b, *out, out, err);
}

ov_status ovi_nscope_expression(ovi_nscope *s, const ov_json *json, const ov_expr **out, ov_error *err)
{
    ov_slice text;
    const ov_native *tree;
    OV_TRY(ov_json_need_str(json, "expression", &text, err));
    ov_status st = ov_native_parse(text, s->p->arena, &tree, err);
    if (st == OV_OK)
        st = ov_native_bind(tree, &s->base, s->p->cx, out, err);
    s->own_height = st == OV_OK ? tree->height : 0;
    return ovi_nfail_at(ov_json_get(json, "expression"), st, err);
}

ov_status ovi_nscope_time(ovi_nscope *s, const ov_expr **out, ov_error *err)
{
    OV_TRY(find_column(s, s->p->cx, OV_SLICE_LIT("__time"), out, err));
    if (!*out)
        return ov_expr_i64(s->p->cx, OV_SQL_TIMESTAMP, 0, out, err);
    if (ov_type_is_int((*out)->type))
        return (*out)->sql == OV_SQL_TIMESTAMP ? OV_OK : ov_expr_retype(s->p->cx, *out, OV_SQL_TIMESTAMP, out, err);
    OV_TRY(ovi_ncast(s->p, *out, OV_SQL_BIGINT, out, err));
    return ov_expr_retype(s->p->cx, *out, OV_SQL_TIMESTAMP, out, err);
}
