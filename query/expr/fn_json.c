/*
 * JSON functions that look into values: JSON_VALUE, JSON_QUERY, JSON_QUERY_ARRAY, JSON_KEYS, JSON_PATHS. A value of
 * COMPLEX<json> is its text; arguments of other types are made JSON by "$TO_JSON" (fn_json_make.c) first. A JSON null
 * is NULL.
 */
#include "query/expr/expr_int.h"

#include "base/numfmt.h"
#include "base/numparse.h"
#include "query/expr/json_int.h"

/* ---- binding ---- */

typedef ovi_json_call json_call;

ov_status ovi_want_json(ovi_bind *b, uint32_t i, ov_error *err)
{
    const ov_expr *e = b->args[i];
    if (e->type.id == OV_TYPE_COMPLEX && e->type.complex == OV_COMPLEX_JSON)
        return OV_OK;
    return ovi_call_fn(b->cx, "$TO_JSON", &e, 1, e->pos, e->end_pos, &b->args[i], err);
}

/* (value[, path]): a missing path is the whole value. */
static ov_status bind_path(ovi_bind *b, json_call **out, bool *is_null, ov_error *err)
{
    ov_slice text = OV_SLICE_LIT("$");
    *is_null = false;
    OV_TRY(ovi_want_json(b, 0, err));
    if (b->argc >= 2)
        OV_TRY(ovi_const_text(b, 1, &text, is_null, err));
    OV_TRY(ovi_prepare(b, sizeof **out, out, err));
    (*out)->tz = b->cx->tz;
    ov_status st = ovi_json_path_parse(text, b->cx->arena, &(*out)->path, err);
    if (st != OV_OK) {
        err->has_pos = true;
        err->pos = b->pos;
        err->end_pos = b->end_pos;
    }
    b->nullable = true;
    return st;
}

static ov_status null_of(ovi_bind *b, ov_type type, ov_sqltype sql, ov_error *err)
{
    ov_expr *e;
    OV_TRY(ovi_node(b->cx, OV_EXPR_CONST, sql, type, &e, err));
    e->constant.is_null = true;
    e->nullable = true;
    e->deterministic = true;
    b->replace = e;
    return OV_OK;
}

/* "BIGINT", "VARCHAR ARRAY", "ARRAY<LONG>": what JSON_VALUE returns. */
static bool returning(ov_slice name, ov_sqltype *to, bool *list)
{
    static const ov_slice suffix = OV_SLICE_LIT(" ARRAY"), prefix = OV_SLICE_LIT("ARRAY<");
    *list = false;
    if (name.n > suffix.n &&
        ov_slice_ieq(ov_slice_make(name.p + name.n - suffix.n, suffix.n), suffix)) {
        name.n -= suffix.n;
        *list = true;
    } else if (name.n > prefix.n && name.p[name.n - 1] == '>' &&
               ov_slice_ieq(ov_slice_make(name.p, prefix.n), prefix)) {
        name = ov_slice_make(name.p + prefix.n, name.n - prefix.n - 1);
        *list = true;
    }
    return ov_sqltype_parse(name, to) && *to != OV_SQL_ARRAY && *to != OV_SQL_OTHER && *to != OV_SQL_NULL;
}

ov_status ovi_bind_json_value(ovi_bind *b, ov_error *err)
{
    json_call *j;
    bool is_null, type_null, list = false;
    ov_slice name = OV_SLICE_LIT("VARCHAR");
    if (b->argc == 3)
        OV_TRY(ovi_const_text(b, 2, &name, &type_null, err));
    OV_TRY(bind_path(b, &j, &is_null, err));
    if (!returning(name, &j->to, &list))
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "JSON_VALUE cannot return '" OV_SLICE_FMT "'; use VARCHAR, BIGINT, DOUBLE, BOOLEAN "
                          "or an ARRAY of them",
                          OV_SLICE_ARG(name));
    ovi_result(b, j->to);
    j->narrow = b->type.id == OV_TYPE_FLOAT;
    if (list) {
        b->sql = OV_SQL_ARRAY;
        b->type = (ov_type){.id = OV_TYPE_ARRAY, .elem = b->type.id};
        b->elem_sql = j->to;
    }
    return is_null ? null_of(b, b->type, b->sql, err) : OV_OK;
}

static const ov_type json_type = {.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON};

static ov_status bind_path_as(ovi_bind *b, ov_type type, ov_sqltype sql, ov_error *err)
{
    json_call *j;
    bool is_null;
    OV_TRY(bind_path(b, &j, &is_null, err));
    b->type = type;
    b->sql = sql;
    return is_null ? null_of(b, type, sql, err) : OV_OK;
}

ov_status ovi_bind_json_query(ovi_bind *b, ov_error *err)
{
    return bind_path_as(b, json_type, OV_SQL_OTHER, err);
}

ov_status ovi_bind_json_query_array(ovi_bind *b, ov_error *err)
{
    ov_type t = {.id = OV_TYPE_ARRAY, .elem = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON};
    return bind_path_as(b, t, OV_SQL_ARRAY, err);
}

ov_status ovi_bind_json_keys(ovi_bind *b, ov_error *err)
{
    return bind_path_as(b, (ov_type){.id = OV_TYPE_ARRAY, .elem = OV_TYPE_STRING}, OV_SQL_ARRAY, err);
}

/* ---- one scalar ---- */

ov_status ovi_json_scalar_text(const ov_jsonr_value *v, ov_arena *out, ov_slice *text, ov_error *err)
{
    double d;
    char digits[OV_FMT_DOUBLE_BYTES];
    if (v->kind == OV_JSONR_TRUE || v->kind == OV_JSONR_FALSE) { /* Druid has no truth but LONG */
        *text = v->kind == OV_JSONR_TRUE ? OV_SLICE_LIT("1") : OV_SLICE_LIT("0");
        return OV_OK;
    }
    if (v->kind == OV_JSONR_REAL && ov_parse_double(v->text, &d))
        return ov_arena_copy(out, ov_slice_make(digits, ov_fmt_double(d, digits)), text, err);
    return ov_jsonr_text(v, out, text, err);
}

static bool as_double(const ov_jsonr_value *v, ov_slice text, double *out)
{
    if (v->kind == OV_JSONR_TRUE || v->kind == OV_JSONR_FALSE)
        *out = v->kind == OV_JSONR_TRUE;
    else if (v->kind == OV_JSONR_STRING)
        return ovi_text_to_double(text, out);
    else
        return ov_parse_double(text, out);
    return true;
}

static bool as_long(const ov_jsonr_value *v, ov_slice text, const json_call *j, int64_t *out)
{
    double d;
    if (v->kind == OV_JSONR_STRING && ov_sqltype_is_datetime(j->to))
        return ovi_text_to_time(text, j->tz, out);
    if (j->to != OV_SQL_BOOLEAN && v->kind != OV_JSONR_REAL && ov_parse_i64(text, out))
        return true;
    if (!as_double(v, text, &d))
        return false;
    *out = j->to == OV_SQL_BOOLEAN ? d > 0 : ovi_double_to_long(d);
    return true;
}

/* Into lane r; false is NULL. */
static ov_status put_scalar(ovi_call *c, const ov_jsonr_value *v, ovi_result_lanes *l, uint32_t r, bool *ok,
                            ov_error *err)
{
    const json_call *j = c->e->prepared;
    ov_slice text;
    *ok = false;
    if (v->kind == OV_JSONR_NULL || v->kind >= OV_JSONR_ARRAY)
        return OV_OK;
    OV_TRY(ovi_json_scalar_text(v, c->mem, &text, err));
    ov_type t = ov_sqltype_native(j->to);
    if (t.id == OV_TYPE_STRING) {
        l->s[r] = text;
        *ok = true;
    } else if (ov_type_is_real(t)) {
        *ok = as_double(v, text, &l->f[r]);
        if (j->narrow)
            l->f[r] = (double)(float)l->f[r];
    } else {
        *ok = as_long(v, text, j, &l->i[r]);
    }
    return OV_OK;
}

/* A list of one is that one, as in all casts of arrays. */
static void only_item(ov_jsonr_value *v)
{
    ov_jsonr_value item, more;
    ov_jsonr in = ov_jsonr_open(v);
    if (v->kind == OV_JSONR_ARRAY && ov_jsonr_next(&in, &item) && !ov_jsonr_next(&in, &more))
        *v = item;
}

static ov_status value_scalars(ovi_call *c, ov_vec *out, ov_error *err)
{
    const json_call *j = c->e->prepared;
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    ov_jsonr_value v;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        bool ok = ovi_json_path_find(&j->path, ovi_str(&c->arg[0], rows[k]), &v);
        if (ok) {
            only_item(&v);
            OV_TRY(put_scalar(c, &v, &l, rows[k], &ok, err));
        }
        if (!ok)
            ovi_null_row(&l, rows[k]);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- lists ---- */

ov_status ovi_list_init(ovi_list *l, ovi_call *c, ov_type elem, ov_error *err)
{
    *l = (ovi_list){.c = c, .elem = elem};
    OV_TRY(ov_arena_zalloc(c->mem, (c->rows + (size_t)1) * sizeof *l->offsets, &l->offsets, err));
    return ovi_words(c->mem, c->rows, &l->valid, err);
}

void ovi_list_row(ovi_list *l, uint32_t row)
{
    for (; l->next_row <= row; l->next_row++)
        l->offsets[l->next_row] = l->lanes.rows;
    ov_bits_set(l->valid, row);
}

ov_status ovi_list_add(ovi_list *l, uint32_t *at, ov_error *err)
{
    ovi_result_lanes *e = &l->lanes;
    if (e->rows == l->cap) {
        uint32_t cap = OV_MAX(l->cap * 2, 64u);
        size_t width = l->elem.id == OV_TYPE_STRING || l->elem.id == OV_TYPE_COMPLEX ? sizeof(ov_slice) : 8;
        void *lanes;
        uint64_t *valid;
        if (l->cap > UINT32_MAX / 4)
            return ov_fail(err, OV_LIMIT, "a batch of lists holds more than %u elements", l->cap);
        OV_TRY(ov_arena_lanes(l->c->mem, cap * width, &lanes, err));
        OV_TRY(ovi_words(l->c->mem, cap, &valid, err));
        memset(lanes, 0, cap * width);
        if (e->rows) {
            memcpy(lanes, e->i, e->rows * width);
            ov_bits_copy(valid, e->valid, e->rows);
        }
        e->i = lanes;
        e->valid = valid;
        l->cap = cap;
    }
    *at = e->rows++;
    ov_bits_set(e->valid, *at);
    return OV_OK;
}

ov_status ovi_list_finish(ovi_list *l, ov_vec *out, ov_error *err)
{
    ov_vec *child;
    for (; l->next_row <= l->c->rows; l->next_row++)
        l->offsets[l->next_row] = l->lanes.rows;
    OV_TRY(ov_arena_alloc(l->c->mem, sizeof *child, &child, err));
    if (!l->lanes.i) {
        *child = ov_vec_null(l->elem, 0);
    } else {
        const uint64_t *valid = ov_bits_all(l->lanes.valid, l->lanes.rows) ? NULL : l->lanes.valid;
        *child = ov_vec_flat(l->elem, l->lanes.i, valid, l->lanes.rows);
    }
    *out = (ov_vec){.type = l->c->e->type,
                    .enc = OV_ENC_LIST,
                    .rows = l->c->rows,
                    .divisor = 1,
                    .valid = ov_bits_all(l->valid, l->c->rows) ? NULL : l->valid,
                    .offsets = l->offsets,
                    .child = child};
    return OV_OK;
}

static bool has_nested(const ov_jsonr_value *v)
{
    ov_jsonr_value item;
    for (ov_jsonr in = ov_jsonr_open(v); ov_jsonr_next(&in, &item);)
        if (item.kind >= OV_JSONR_ARRAY)
            return true;
    return false;
}

static bool has_text(const ov_jsonr_value *v)
{
    ov_jsonr_value item;
    for (ov_jsonr in = ov_jsonr_open(v); ov_jsonr_next(&in, &item);)
        if (item.kind == OV_JSONR_STRING)
            return true;
    return false;
}

/* Among texts a truth is a text too; among numbers it is one, as everywhere else. */
static ov_status add_scalar(ovi_call *c, ovi_list *l, const ov_jsonr_value *v, bool texts, ov_error *err)
{
    uint32_t at;
    bool ok;
    OV_TRY(ovi_list_add(l, &at, err));
    if (texts && l->elem.id == OV_TYPE_STRING && (v->kind == OV_JSONR_TRUE || v->kind == OV_JSONR_FALSE)) {
        l->lanes.s[at] = v->text;
        return OV_OK;
    }
    OV_TRY(put_scalar(c, v, &l->lanes, at, &ok, err));
    if (!ok)
        ov_bits_clear(l->lanes.valid, at);
    return OV_OK;
}

/* RETURNING ... ARRAY: an array of scalars, or one scalar as a list of one. */
static ov_status value_lists(ovi_call *c, ov_vec *out, ov_error *err)
{
    const json_call *j = c->e->prepared;
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    ov_jsonr_value v, item;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, ov_sqltype_native(j->to), err));
    for (uint32_t k = 0; k < n; k++) {
        if (!ovi_json_path_find(&j->path, ovi_str(&c->arg[0], rows[k]), &v) || v.kind == OV_JSONR_NULL ||
            v.kind == OV_JSONR_OBJECT || has_nested(&v))
            continue;
        ovi_list_row(&l, rows[k]);
        if (v.kind != OV_JSONR_ARRAY)
            OV_TRY(add_scalar(c, &l, &v, false, err));
        bool texts = has_text(&v);
        for (ov_jsonr in = ov_jsonr_open(&v); ov_jsonr_next(&in, &item);)
            OV_TRY(add_scalar(c, &l, &item, texts, err));
    }
    return ovi_list_finish(&l, out, err);
}

ov_status ovi_eval_json_value(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ov_type_is_list(c->e->type) ? value_lists(c, out, err) : value_scalars(c, out, err);
}

/* ---- values as they are ---- */

/* A JSON value as a value of COMPLEX<json>; strings get their quotes back. */
static ov_slice whole(const ov_jsonr_value *v)
{
    if (v->kind == OV_JSONR_STRING)
        return ov_slice_make(v->text.p - 1, v->text.n + 2);
    return v->text;
}

ov_status ovi_eval_json_query(ovi_call *c, ov_vec *out, ov_error *err)
{
    const json_call *j = c->e->prepared;
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    ov_jsonr_value v;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        if (ovi_json_path_find(&j->path, ovi_str(&c->arg[0], r), &v) && v.kind != OV_JSONR_NULL)
            l.s[r] = whole(&v);
        else
            ovi_null_row(&l, r);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_json_query_array(ovi_call *c, ov_vec *out, ov_error *err)
{
    const json_call *j = c->e->prepared;
    const uint32_t *rows;
    uint32_t n, at;
    ovi_list l;
    ov_jsonr_value v, item;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, json_type, err));
    for (uint32_t k = 0; k < n; k++) {
        if (!ovi_json_path_find(&j->path, ovi_str(&c->arg[0], rows[k]), &v) || v.kind == OV_JSONR_NULL)
            continue;
        ovi_list_row(&l, rows[k]);
        if (v.kind != OV_JSONR_ARRAY) {
            OV_TRY(ovi_list_add(&l, &at, err));
            l.lanes.s[at] = whole(&v);
        }
        for (ov_jsonr in = ov_jsonr_open(&v); ov_jsonr_next(&in, &item);) {
            OV_TRY(ovi_list_add(&l, &at, err));
            l.lanes.s[at] = whole(&item);
            if (item.kind == OV_JSONR_NULL)
                ov_bits_clear(l.lanes.valid, at);
        }
    }
    return ovi_list_finish(&l, out, err);
}

/* Names of an object's members; places of an array's elements. */
static ov_status add_keys(ovi_call *c, ovi_list *l, const ov_jsonr_value *v, ov_error *err)
{
    ov_jsonr_value item;
    uint32_t at;
    unsigned i = 0;
    for (ov_jsonr in = ov_jsonr_open(v); ov_jsonr_next(&in, &item); i++) {
        OV_TRY(ovi_list_add(l, &at, err));
        if (v->kind == OV_JSONR_ARRAY) {
            OV_TRY(ov_arena_printf(c->mem, &l->lanes.s[at], err, "%u", i));
        } else {
            ov_jsonr_value key = {.kind = OV_JSONR_STRING, .text = item.key, .escaped = item.key_escaped};
            OV_TRY(ovi_json_scalar_text(&key, c->mem, &l->lanes.s[at], err));
        }
    }
    return OV_OK;
}

ov_status ovi_eval_json_keys(ovi_call *c, ov_vec *out, ov_error *err)
{
    const json_call *j = c->e->prepared;
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    ov_jsonr_value v;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, OV_T(OV_TYPE_STRING), err));
    for (uint32_t k = 0; k < n; k++) {
        if (!ovi_json_path_find(&j->path, ovi_str(&c->arg[0], rows[k]), &v) || v.kind < OV_JSONR_ARRAY)
            continue;
        ovi_list_row(&l, rows[k]);
        OV_TRY(add_keys(c, &l, &v, err));
    }
    return ovi_list_finish(&l, out, err);
}
