/*
 * External data in FROM. EXTERN takes Druid's inputSource and inputFormat as JSON and the columns as JSON or behind EXTEND;
 * INLINE, LOCALFILES and HTTP say the same with named arguments and become the same two documents. Reading them is the
 * server's (ov_extern_ops); here the result is a table like any other that is made on the spot.
 *
 * Source: Druid's docs/multi-stage-query/reference.md.
 */
#include "base/json.h"
#include "base/jsonw.h"
#include "query/sql/bind_int.h"

typedef struct external {
    ovi_sql_binder *b;
    const ov_ast *call;
    const ov_ast *columns; /* behind EXTEND, or NULL */
    ov_field *fields;
    uint32_t field_count;
} external;

/* ---- arguments ---- */

/* The value of an argument by name, or by position where names are left out; NULL when it is not there. */
static const ov_ast *argument(const external *x, const char *name, uint32_t position)
{
    const ov_ast *args = x->call->kids[OV_CALL_ARGS];
    for (uint32_t i = 0; args && i < args->kid_count; i++) {
        const ov_ast *arg = args->kids[i];
        if (arg->kind == OV_AST_NAMED_ARG ? ov_slice_ieq(arg->kids[0]->text, ov_slice_cstr(name)) : i == position)
            return arg->kind == OV_AST_NAMED_ARG ? arg->kids[1] : arg;
    }
    return NULL;
}

static OV_CHECKED ov_status check_names(const external *x, const char *const *known, uint32_t count, ov_error *err)
{
    const ov_ast *args = x->call->kids[OV_CALL_ARGS];
    for (uint32_t i = 0; args && i < args->kid_count; i++) {
        bool found = args->kids[i]->kind != OV_AST_NAMED_ARG;
        for (uint32_t k = 0; k < count && !found; k++)
            found = ov_slice_ieq(args->kids[i]->kids[0]->text, ov_slice_cstr(known[k]));
        if (!found)
            return ovi_sql_fail_node(x->b, args->kids[i], OV_INVALID, err, NULL,
                                     OV_SLICE_FMT " has no parameter '" OV_SLICE_FMT "'", OV_SLICE_ARG(x->call->text),
                                     OV_SLICE_ARG(args->kids[i]->kids[0]->text));
    }
    return OV_OK;
}

static OV_CHECKED ov_status constant(const external *x, const ov_ast *at, const ov_expr **out, ov_error *err)
{
    ov_plan nothing = {.kind = OV_PLAN_VALUES};
    ovi_sql_rel rel = {.plan = &nothing};
    ovi_sql_names names = {.b = x->b, .rel = &rel, .clause = "FROM"};
    OV_TRY(ovi_sql_bind_expr(&names, at, out, err));
    if ((*out)->kind == OV_EXPR_CONST && !(*out)->constant.is_null)
        return OV_OK;
    return ovi_sql_fail_node(x->b, at, OV_INVALID, err, NULL, "Arguments of " OV_SLICE_FMT " must be constants",
                             OV_SLICE_ARG(x->call->text));
}

static OV_CHECKED ov_status text_argument(const external *x, const ov_ast *at, const char *name, ov_slice *out,
                                          ov_error *err)
{
    const ov_expr *e;
    if (!at)
        return ovi_sql_fail_node(x->b, x->call, OV_INVALID, err, NULL,
                                 OV_SLICE_FMT " needs its parameter %s", OV_SLICE_ARG(x->call->text), name);
    OV_TRY(constant(x, at, &e, err));
    if (e->type.id != OV_TYPE_STRING || e->type.multi)
        return ovi_sql_fail_node(x->b, at, OV_INVALID, err, NULL, "%s must be a string", name);
    *out = e->constant.s;
    return OV_OK;
}

/* A string, or the strings of an ARRAY, as members of the open JSON array. */
static OV_CHECKED ov_status add_texts(const external *x, const ov_ast *at, const char *name, ov_jsonw *w,
                                      ov_error *err)
{
    const ov_expr *e;
    OV_TRY(constant(x, at, &e, err));
    if (e->type.id == OV_TYPE_STRING && !e->type.multi) {
        ov_jsonw_str(w, NULL, e->constant.s);
        return OV_OK;
    }
    if (e->type.id != OV_TYPE_ARRAY || e->type.elem != OV_TYPE_STRING)
        return ovi_sql_fail_node(x->b, at, OV_INVALID, err, NULL, "%s must be an ARRAY of strings", name);
    for (uint32_t i = 0; i < e->constant.list->rows; i++)
        ov_jsonw_str(w, NULL, ov_vec_str(e->constant.list, i));
    return OV_OK;
}

/* ---- columns ---- */

static OV_CHECKED ov_status add_field(external *x, const ov_ast *at, ov_slice name, ov_type type, ov_sqltype sql,
                                      ov_error *err)
{
    for (uint32_t i = 0; i < x->field_count; i++)
        if (ov_slice_eq(x->fields[i].name, name))
            return ovi_sql_fail_node(x->b, at, OV_INVALID, err, NULL, "The column '" OV_SLICE_FMT "' is declared twice",
                                     OV_SLICE_ARG(name));
    ov_field *f = &x->fields[x->field_count++];
    *f = (ov_field){.type = type, .sql = (uint8_t)sql, .nullable = true};
    return ov_arena_copy(x->b->arena, name, &f->name, err);
}

/* "string", "LONG", "array<string>", "COMPLEX<json>" */
static bool parse_native(ov_slice text, ov_type *out)
{
    char upper[48];
    if (ov_type_parse(text, out))
        return true;
    if (ov_slice_ieq(text, OV_SLICE_LIT("COMPLEX<json>")) || ov_slice_ieq(text, OV_SLICE_LIT("json")))
        return ov_type_parse(OV_SLICE_LIT("COMPLEX<json>"), out);
    if (text.n > sizeof upper)
        return false;
    for (size_t i = 0; i < text.n; i++)
        upper[i] = (char)(text.p[i] >= 'a' && text.p[i] <= 'z' ? text.p[i] - 32 : text.p[i]);
    return ov_type_parse(ov_slice_make(upper, text.n), out);
}

static bool readable(ov_type t)
{
    return (t.id >= OV_TYPE_LONG && t.id <= OV_TYPE_STRING) ||
           (t.id == OV_TYPE_ARRAY && t.elem >= OV_TYPE_LONG && t.elem <= OV_TYPE_STRING) ||
           (t.id == OV_TYPE_COMPLEX && t.complex == OV_COMPLEX_JSON);
}

static OV_CHECKED ov_status bad_type(const external *x, const ov_ast *at, ov_slice name, ov_error *err)
{
    return ovi_sql_fail_node(x->b, at, OV_INVALID, err, NULL,
                             "Column '" OV_SLICE_FMT "' must be a string, long, double or float, an array of these, or "
                             "COMPLEX<json>",
                             OV_SLICE_ARG(name));
}

/* [{"name":"a","type":"string"}, ...] */
static OV_CHECKED ov_status read_signature(external *x, const ov_ast *at, ov_error *err)
{
    ov_slice text;
    ov_json *list;
    OV_TRY(text_argument(x, at, "signature", &text, err));
    ov_status st = ov_json_parse(text, NULL, x->b->arena, &list, err);
    if (st == OV_OK)
        st = ov_json_expect(list, OV_JSON_ARRAY, err);
    if (st != OV_OK) {
        ov_error why = *err;
        return ovi_sql_fail_node(x->b, at, OV_INVALID, err, NULL, "signature: %s", why.text);
    }
    OV_TRY(ov_arena_zalloc(x->b->arena, (list->count + (size_t)1) * sizeof *x->fields, &x->fields, err));
    for (const ov_json *item = list->first; item; item = item->next) {
        ov_slice name, type;
        ov_type native;
        if (ov_json_need_str(item, "name", &name, err) != OV_OK || ov_json_need_str(item, "type", &type, err) != OV_OK) {
            ov_error why = *err;
            return ovi_sql_fail_node(x->b, at, OV_INVALID, err, NULL, "signature: %s", why.text);
        }
        if (!parse_native(type, &native) || !readable(native))
            return bad_type(x, at, name, err);
        OV_TRY(add_field(x, at, name, native, ov_sqltype_of_column(name, native), err));
    }
    return OV_OK;
}

/* (a VARCHAR, b BIGINT, c VARCHAR ARRAY, d TYPE('COMPLEX<json>')) */
static OV_CHECKED ov_status read_columns(external *x, ov_error *err)
{
    const ov_ast *defs = x->columns;
    OV_TRY(ov_arena_zalloc(x->b->arena, (defs->kid_count + (size_t)1) * sizeof *x->fields, &x->fields, err));
    for (uint32_t i = 0; i < defs->kid_count; i++) {
        const ov_ast *def = defs->kids[i], *type = def->kids[1];
        ov_slice name = def->kids[0]->text;
        ov_type native;
        ov_sqltype sql;
        if (ov_slice_eq(type->text, OV_SLICE_LIT("TYPE")) && type->kid_count == 1 &&
            type->kids[0]->kind == OV_AST_STRING) {
            if (!parse_native(type->kids[0]->text, &native))
                return bad_type(x, def, name, err);
            sql = ov_sqltype_of_column(name, native);
        } else {
            OV_TRY(ovi_sql_bind_type(x->b, type, &sql, &native, err));
        }
        if (!readable(native))
            return bad_type(x, def, name, err);
        OV_TRY(add_field(x, def, name, native, sql, err));
    }
    return OV_OK;
}

/* ---- documents ---- */

static OV_CHECKED ov_status open_table(external *x, ov_slice source, ov_slice format, ovi_sql_rel *out,
                                       ov_error *err)
{
    const ov_sql_env *env = x->b->env;
    const ov_systable *table;
    const ov_plan *plan;
    ov_extern_request rq = {.source = source,
                            .format = format,
                            .fields = x->fields,
                            .field_count = x->field_count,
                            .max_parse_exceptions = env->max_parse_exceptions};
    if (!env->externs)
        return ovi_sql_fail_node(x->b, x->call, OV_UNSUPPORTED, err, NULL,
                                 OV_SLICE_FMT " is not supported here; send the statement to a server",
                                 OV_SLICE_ARG(x->call->text));
    if (x->field_count == 0)
        return ovi_sql_fail_node(x->b, x->call, OV_INVALID, err, NULL,
                                 OV_SLICE_FMT " needs columns: a signature, or EXTEND (name TYPE, ...)",
                                 OV_SLICE_ARG(x->call->text));
    ov_status st = env->externs->open(env->externs->ctx, &rq, x->b->arena, &table, err);
    if (st != OV_OK) {
        ov_error why = *err;
        return ovi_sql_fail_node(x->b, x->call, st, err, NULL, "%s", why.text);
    }
    OV_TRY(ov_plan_system(x->b->arena, table, &plan, err));
    return ovi_sql_rel_of(x->b, plan, ov_slice_make(NULL, 0), out, err);
}

static OV_CHECKED ov_status bind_extern(external *x, ovi_sql_rel *out, ov_error *err)
{
    static const char *const known[] = {"inputSource", "inputFormat", "signature"};
    ov_slice source, format;
    const ov_ast *signature = argument(x, "signature", 2);
    OV_TRY(check_names(x, known, OV_COUNT_OF(known), err));
    OV_TRY(text_argument(x, argument(x, "inputSource", 0), "inputSource", &source, err));
    OV_TRY(text_argument(x, argument(x, "inputFormat", 1), "inputFormat", &format, err));
    if (x->columns && signature)
        return ovi_sql_fail_node(x->b, signature, OV_INVALID, err, NULL,
                                 "EXTERN takes its columns from a signature or from EXTEND (name TYPE, ...), not from both");
    if (x->columns)
        OV_TRY(read_columns(x, err));
    else if (signature)
        OV_TRY(read_signature(x, signature, err));
    return open_table(x, source, format, out, err);
}

static OV_CHECKED ov_status add_list(const external *x, const char *arg, const char *key, ov_jsonw *w, ov_error *err)
{
    const ov_ast *at = argument(x, arg, UINT32_MAX);
    if (!at)
        return OV_OK;
    ov_jsonw_open_array(w, key);
    OV_TRY(add_texts(x, at, arg, w, err));
    ov_jsonw_close_array(w);
    return OV_OK;
}

static OV_CHECKED ov_status add_text(const external *x, const char *arg, const char *key, ov_jsonw *w, ov_error *err)
{
    const ov_ast *at = argument(x, arg, UINT32_MAX);
    ov_slice text;
    if (!at)
        return OV_OK;
    OV_TRY(text_argument(x, at, arg, &text, err));
    ov_jsonw_str(w, key, text);
    return OV_OK;
}

/* The rows of INLINE are lines. */
static OV_CHECKED ov_status add_data(const external *x, ov_jsonw *w, ov_error *err)
{
    const ov_ast *at = argument(x, "data", UINT32_MAX);
    const ov_expr *e;
    ov_buf text;
    if (!at)
        return ovi_sql_fail_node(x->b, x->call, OV_INVALID, err, NULL, "INLINE needs its parameter data");
    OV_TRY(constant(x, at, &e, err));
    if (e->type.id == OV_TYPE_STRING && !e->type.multi) {
        ov_jsonw_str(w, "data", e->constant.s);
        return OV_OK;
    }
    if (e->type.id != OV_TYPE_ARRAY || e->type.elem != OV_TYPE_STRING)
        return ovi_sql_fail_node(x->b, at, OV_INVALID, err, NULL, "data must be an ARRAY of strings, one a row");
    ov_buf_init(&text);
    for (uint32_t i = 0; i < e->constant.list->rows; i++) {
        ov_buf_add_slice(&text, ov_vec_str(e->constant.list, i));
        ov_buf_add_char(&text, '\n');
    }
    ov_status st = ov_buf_check(&text, err);
    ov_jsonw_str(w, "data", ov_buf_slice(&text));
    ov_buf_fini(&text);
    return st;
}

static OV_CHECKED ov_status write_source(const external *x, const char *type, ov_jsonw *w, ov_error *err)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "type", type);
    if (type[0] == 'i')
        OV_TRY(add_data(x, w, err));
    OV_TRY(add_list(x, "files", "files", w, err));
    OV_TRY(add_text(x, "baseDir", "baseDir", w, err));
    OV_TRY(add_text(x, "filter", "filter", w, err));
    OV_TRY(add_list(x, "uris", "uris", w, err));
    OV_TRY(add_text(x, "userName", "httpAuthenticationUsername", w, err));
    OV_TRY(add_text(x, "password", "httpAuthenticationPassword", w, err));
    ov_slice variable;
    const ov_ast *at = argument(x, "passwordEnvVar", UINT32_MAX);
    if (at) {
        OV_TRY(text_argument(x, at, "passwordEnvVar", &variable, err));
        ov_jsonw_open_object(w, "httpAuthenticationPassword");
        ov_jsonw_cstr(w, "type", "environment");
        ov_jsonw_str(w, "variable", variable);
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_object(w);
    return OV_OK;
}

/* Delimited rows have the declared columns, in their order. */
static OV_CHECKED ov_status write_format(const external *x, ov_jsonw *w, ov_error *err)
{
    ov_slice format;
    const ov_ast *skip = argument(x, "skipRows", UINT32_MAX), *nulls = argument(x, "keepNulls", UINT32_MAX);
    const ov_expr *e;
    OV_TRY(text_argument(x, argument(x, "format", UINT32_MAX), "format", &format, err));
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "type", format);
    if (ov_slice_eq(format, OV_SLICE_LIT("csv")) || ov_slice_eq(format, OV_SLICE_LIT("tsv"))) {
        ov_jsonw_open_array(w, "columns");
        for (uint32_t i = 0; i < x->field_count; i++)
            ov_jsonw_str(w, NULL, x->fields[i].name);
        ov_jsonw_close_array(w);
    }
    OV_TRY(add_text(x, "listDelimiter", "listDelimiter", w, err));
    OV_TRY(add_text(x, "delimiter", "delimiter", w, err));
    if (skip) {
        OV_TRY(constant(x, skip, &e, err));
        if (!ov_sqltype_is_integer((ov_sqltype)e->sql))
            return ovi_sql_fail_node(x->b, skip, OV_INVALID, err, NULL, "skipRows must be a whole number");
        ov_jsonw_i64(w, "skipHeaderRows", e->constant.i);
    }
    if (nulls) {
        OV_TRY(constant(x, nulls, &e, err));
        ov_jsonw_bool(w, "keepNullColumns", e->type.id == OV_TYPE_LONG && e->constant.i != 0);
    }
    ov_jsonw_close_object(w);
    return OV_OK;
}

static OV_CHECKED ov_status bind_function(external *x, const char *type, ovi_sql_rel *out, ov_error *err)
{
    static const char *const known[] = {"data",     "files",    "baseDir", "filter",        "uris",      "userName",
                                        "password", "passwordEnvVar", "format",  "listDelimiter", "delimiter", "skipRows",
                                        "keepNulls"};
    ov_buf source, format;
    ov_jsonw w;
    OV_TRY(check_names(x, known, OV_COUNT_OF(known), err));
    if (x->columns)
        OV_TRY(read_columns(x, err));
    ov_buf_init(&source);
    ov_buf_init(&format);
    ov_jsonw_init(&w, &source);
    ov_status st = write_source(x, type, &w, err);
    ov_jsonw_init(&w, &format);
    if (st == OV_OK)
        st = write_format(x, &w, err);
    if (st == OV_OK)
        st = ov_buf_check(&source, err);
    if (st == OV_OK)
        st = ov_buf_check(&format, err);
    if (st == OV_OK)
        st = open_table(x, ov_buf_slice(&source), ov_buf_slice(&format), out, err);
    ov_buf_fini(&source);
    ov_buf_fini(&format);
    return st;
}

ov_status ovi_sql_bind_extern(ovi_sql_binder *b, const ov_ast *from, ovi_sql_rel *out, ov_error *err)
{
    static const char *const functions[][2] = {{"INLINE", "inline"}, {"LOCALFILES", "local"}, {"HTTP", "http"}};
    external x = {.b = b, .call = from->kids[0], .columns = from->kids[1]};
    if (ov_slice_ieq(x.call->text, OV_SLICE_LIT("EXTERN")))
        return bind_extern(&x, out, err);
    for (size_t i = 0; i < OV_COUNT_OF(functions); i++)
        if (ov_slice_ieq(x.call->text, ov_slice_cstr(functions[i][0])))
            return bind_function(&x, functions[i][1], out, err);
    return ovi_sql_fail_node(b, from, OV_UNSUPPORTED, err, NULL,
                             "Table function " OV_SLICE_FMT
                             " is not supported; EXTERN, INLINE, LOCALFILES, HTTP and APPEND are",
                             OV_SLICE_ARG(x.call->text));
}
