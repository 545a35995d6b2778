/*
 * Lists in functions: reading the elements of a row whatever the argument is, writing lists, and the types of elements.
 */
#include "query/expr/list_int.h"

/* ---- elements ---- */

ovi_items ovi_items_of(const ovi_arg *a, uint32_t r)
{
    ovi_items items = {.vec = &a->vec};
    if (ovi_arg_null(a, r))
        return items;
    if (ov_type_is_list(a->vec.type)) {
        items.vec = ov_vec_list(&a->vec, r, &items.first, &items.end);
        return items;
    }
    items.first = r;
    items.end = r + 1;
    return items;
}

int ovi_item_cmp(const ov_vec *a, uint32_t i, const ov_vec *b, uint32_t j)
{
    bool null_a = ov_vec_is_null(a, i), null_b = ov_vec_is_null(b, j);
    if (null_a || null_b)
        return (int)null_b - (int)null_a;
    if (ov_type_is_int(a->type) && ov_type_is_int(b->type)) {
        int64_t x = ov_vec_i64(a, i), y = ov_vec_i64(b, j);
        return (x > y) - (x < y);
    }
    if (!ov_type_is_int(a->type) && !ov_type_is_real(a->type))
        return ov_slice_cmp(ov_vec_str(a, i), ov_vec_str(b, j));
    double x = ov_vec_f64(a, i), y = ov_vec_f64(b, j);
    bool less = !(x >= y) && x == x, more = !(y >= x) && y == y; /* NaN is the greatest */
    return (int)more - (int)less;
}

bool ovi_items_have(const ovi_items *items, const ov_vec *b, uint32_t j)
{
    for (uint32_t i = items->first; i < items->end; i++)
        if (ovi_item_cmp(items->vec, i, b, j) == 0)
            return true;
    return false;
}

ov_status ovi_list_put(ovi_list *l, const ov_vec *v, uint32_t i, ov_error *err)
{
    uint32_t at;
    OV_TRY(ovi_list_add(l, &at, err));
    if (ov_vec_is_null(v, i))
        ov_bits_clear(l->lanes.valid, at);
    else if (ov_type_is_int(l->elem))
        l->lanes.i[at] = ov_vec_i64(v, i);
    else if (ov_type_is_real(l->elem))
        l->lanes.f[at] = ov_vec_f64(v, i);
    else
        l->lanes.s[at] = ov_vec_str(v, i);
    return OV_OK;
}

ov_status ovi_list_put_all(ovi_list *l, const ovi_items *items, ov_error *err)
{
    for (uint32_t i = items->first; i < items->end; i++)
        OV_TRY(ovi_list_put(l, items->vec, i, err));
    return OV_OK;
}

ov_status ovi_call_strict(ovi_call *c, uint32_t i, ov_error *err)
{
    const ovi_arg *a = &c->arg[i];
    uint64_t *live;
    if (!a->all_null && !a->valid)
        return OV_OK;
    OV_TRY(ovi_words(&c->ev->mem, c->rows, &live, err));
    if (c->live)
        ov_bits_copy(live, c->live, c->rows);
    else
        ov_bits_fill(live, c->rows, true);
    if (a->all_null)
        memset(live, 0, ov_words(c->rows) * 8);
    else
        ov_bits_and(live, a->valid, c->rows);
    c->live = live;
    return OV_OK;
}

/* ---- constants ---- */

ov_status ovi_keep_list(ov_arena *a, const ov_vec *v, const ov_vec **out, ov_error *err)
{
    uint32_t first, end;
    const ov_vec *items = ov_vec_list(v, 0, &first, &end);
    uint32_t n = end - first;
    ov_type elem = v->type.id == OV_TYPE_ARRAY ? (ov_type){.id = v->type.elem, .complex = v->type.complex} : OV_T(OV_TYPE_STRING);
    bool text = !ov_type_is_int(elem) && !ov_type_is_real(elem);
    ovi_result_lanes l = {.rows = n};
    size_t bytes = OV_MAX(ov_words(n), (size_t)1) * 64 * (text ? sizeof(ov_slice) : 8);
    ov_vec *kept;
    OV_TRY(ov_arena_alloc(a, sizeof *kept, &kept, err));
    OV_TRY(ov_arena_lanes(a, bytes, &l.i, err));
    OV_TRY(ovi_words(a, n, &l.valid, err));
    memset(l.i, 0, bytes);
    for (uint32_t i = 0; i < n; i++) {
        if (ov_vec_is_null(items, first + i))
            continue;
        ov_bits_set(l.valid, i);
        if (text)
            OV_TRY(ov_arena_copy(a, ov_vec_str(items, first + i), &l.s[i], err));
        else if (ov_type_is_int(elem))
            l.i[i] = ov_vec_i64(items, first + i);
        else
            l.f[i] = ov_vec_f64(items, first + i);
    }
    *kept = ov_vec_flat(elem, l.i, ov_bits_all(l.valid, n) ? NULL : l.valid, n);
    *out = kept;
    return OV_OK;
}

bool ovi_same_list(const ov_vec *a, const ov_vec *b)
{
    if (a == b)
        return true;
    if (!ov_type_eq(a->type, b->type) || a->rows != b->rows)
        return false;
    for (uint32_t i = 0; i < a->rows; i++)
        if (ovi_item_cmp(a, i, b, i) != 0)
            return false;
    return true;
}

/* ---- types ---- */

bool ovi_same_kind(ov_type a, ov_type b)
{
    bool number_a = ov_type_is_int(a) || ov_type_is_real(a), number_b = ov_type_is_int(b) || ov_type_is_real(b);
    if (a.id == OV_TYPE_NULL || b.id == OV_TYPE_NULL)
        return true;
    return number_a || number_b ? number_a && number_b : a.id == b.id;
}

ov_type ovi_elem_type(const ov_expr *e)
{
    if (e->type.id == OV_TYPE_ARRAY)
        return (ov_type){.id = e->type.elem, .complex = e->type.complex};
    ov_type t = e->type;
    t.multi = 0;
    return t;
}

ov_sqltype ovi_elem_sql(const ov_expr *e)
{
    if (e->type.id != OV_TYPE_ARRAY)
        return (ov_sqltype)e->sql;
    if (e->elem_sql != OV_SQL_NULL)
        return (ov_sqltype)e->elem_sql;
    return ov_sqltype_of_native((ov_type_id)e->type.elem);
}

void ov_expr_element(const ov_expr *e, ov_type *type, ov_sqltype *sql)
{
    *type = ovi_elem_type(e);
    *sql = ovi_elem_sql(e);
}

ov_status ovi_want_nested(ovi_bind *b, uint32_t i, ov_error *err)
{
    const ov_expr **e = &b->args[i];
    if ((*e)->type.id == OV_TYPE_STRING && (*e)->type.multi)
        OV_TRY(ovi_call_fn(b->cx, "MV_TO_ARRAY", e, 1, b->pos, b->end_pos, e, err));
    return ovi_call_fn(b->cx, "$TO_JSON", e, 1, b->pos, b->end_pos, e, err);
}

/* The elements of JSON that is an array; a plain value is one. */
static ov_status list_of_json(ovi_bind *b, uint32_t i, ov_error *err)
{
    const ov_expr *args[2] = {b->args[i], NULL};
    OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, OV_SLICE_LIT("$"), &args[1], err));
    return ovi_call_fn(b->cx, "JSON_QUERY_ARRAY", args, 2, b->pos, b->end_pos, &b->args[i], err);
}

ov_status ovi_want_list(ovi_bind *b, uint32_t i, ov_error *err)
{
    const ov_expr *e = b->args[i];
    if (e->type.id == OV_TYPE_COMPLEX && e->type.complex == OV_COMPLEX_JSON)
        return list_of_json(b, i, err);
    if (e->type.id == OV_TYPE_ARRAY || e->type.id == OV_TYPE_STRING || e->sql == OV_SQL_NULL ||
        e->sql == OV_SQL_ARRAY)
        return OV_OK;
    return ovi_wrong_types(b, b->fn->signatures, err);
}

ov_status ovi_want_list_of(ovi_bind *b, uint32_t i, ov_sqltype elem, ov_error *err)
{
    OV_TRY(ovi_want_list(b, i, err));
    if (ov_type_eq(ovi_elem_type(b->args[i]), ov_sqltype_native(elem)) || b->args[i]->sql == OV_SQL_NULL)
        return OV_OK;
    if (b->args[i]->type.id == OV_TYPE_ARRAY)
        return ovi_each_cast(b->cx, b->args[i], elem, b->pos, b->end_pos, &b->args[i], err);
    return ovi_want(b, i, elem, err);
}

void ovi_result_array(ovi_bind *b, ov_type elem, ov_sqltype elem_sql)
{
    b->sql = OV_SQL_ARRAY;
    b->type = (ov_type){.id = OV_TYPE_ARRAY, .elem = elem.id == OV_TYPE_NULL ? OV_TYPE_STRING : elem.id,
                        .complex = elem.complex};
    b->elem_sql = elem_sql;
}

void ovi_result_multi(ovi_bind *b)
{
    ovi_result(b, OV_SQL_VARCHAR);
    b->type.multi = 1;
}
