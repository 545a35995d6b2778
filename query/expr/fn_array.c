/*
 * ARRAY[...] and what is asked of lists: length, elements by place, places of elements, membership, order. The MV_ functions
 * that ask the same share the evaluators; there texts are the only elements, and MV_CONTAINS and MV_OVERLAP read a NULL
 * as a list that holds NULL.
 */
#include "query/expr/list_int.h"

static bool is_mv(const ov_function *fn)
{
    return strncmp(fn->name, "MV_", 3) == 0;
}

/* ---- the constructor ---- */

ov_status ovi_bind_array(ovi_bind *b, ov_error *err)
{
    ov_sqltype to;
    bool nested = false;
    for (uint32_t i = 0; i < b->argc; i++)
        nested |= ov_type_is_list(b->args[i]->type) || b->args[i]->type.id == OV_TYPE_COMPLEX;
    if (nested) {
        for (uint32_t i = 0; i < b->argc; i++)
            OV_TRY(ovi_want_nested(b, i, err));
        ovi_result_array(b, OV_T_COMPLEX(OV_COMPLEX_JSON), OV_SQL_OTHER);
        b->nullable = false;
        return OV_OK;
    }
    OV_TRY(ovi_meet(b, b->args, b->argc, &to, err));
    if (to == OV_SQL_NULL)
        to = OV_SQL_VARCHAR;
    for (uint32_t i = 0; i < b->argc; i++)
        OV_TRY(ovi_want(b, i, to, err));
    ovi_result_array(b, ov_sqltype_native(to), to);
    b->nullable = false;
    return OV_OK;
}

ov_status ovi_eval_array(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, ovi_elem_type(c->e), err));
    for (uint32_t k = 0; k < n; k++) {
        ovi_list_row(&l, rows[k]);
        for (uint32_t i = 0; i < c->argc; i++)
            OV_TRY(ovi_list_put(&l, &c->arg[i].vec, rows[k], err));
    }
    return ovi_list_finish(&l, out, err);
}

/* ---- length and elements by place ---- */

/* Also of a number: a list of one. */
ov_status ovi_bind_list_length(ovi_bind *b, ov_error *err)
{
    if (!ov_type_is_int(b->args[0]->type) && !ov_type_is_real(b->args[0]->type))
        OV_TRY(ovi_want_list(b, 0, err));
    ovi_result(b, OV_SQL_INTEGER);
    return OV_OK;
}

ov_status ovi_eval_list_length(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        ovi_items items = ovi_items_of(&c->arg[0], rows[k]);
        l.i[rows[k]] = items.end - items.first;
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* OFFSET counts from 0, ORDINAL from 1; what is not there is NULL. */
ov_status ovi_bind_list_at(ovi_bind *b, ov_error *err)
{
    OV_TRY(is_mv(b->fn) ? ovi_want_list_of(b, 0, OV_SQL_VARCHAR, err) : ovi_want_list(b, 0, err));
    OV_TRY(ovi_want_long(b, 1, err));
    b->sql = ovi_elem_sql(b->args[0]);
    b->type = ovi_elem_type(b->args[0]);
    if (b->type.id == OV_TYPE_NULL)
        ovi_result(b, OV_SQL_VARCHAR);
    b->nullable = true;
    return OV_OK;
}

ov_status ovi_eval_list_at(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    int64_t base = strstr(c->e->fn->name, "ORDINAL") ? 1 : 0;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        ovi_items items = ovi_items_of(&c->arg[0], r);
        int64_t at = ovi_i64(&c->arg[1], r);
        bool there = at >= base && at < base + (int64_t)(items.end - items.first);
        uint32_t i = there ? items.first + (uint32_t)(at - base) : 0;
        if (!there || ov_vec_is_null(items.vec, i))
            ovi_null_row(&l, r);
        else if (ov_type_is_int(c->e->type))
            l.i[r] = ov_vec_i64(items.vec, i);
        else if (ov_type_is_real(c->e->type))
            l.f[r] = ov_vec_f64(items.vec, i);
        else
            l.s[r] = ov_vec_str(items.vec, i);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- places of elements ---- */

/* Argument i beside the elements of argument `list`: one value, or a list of them. Texts beside numbers are read as numbers. */
static ov_status want_items(ovi_bind *b, uint32_t i, uint32_t list, ov_error *err)
{
    ov_type elem = ovi_elem_type(b->args[list]);
    const ov_expr *e = b->args[i];
    bool number = ov_type_is_int(elem) || ov_type_is_real(elem);
    if (ovi_same_kind(ovi_elem_type(e), elem))
        return OV_OK;
    if (elem.id == OV_TYPE_COMPLEX && !ov_type_is_list(e->type))
        return ovi_want_nested(b, i, err);
    if (elem.id == OV_TYPE_COMPLEX || e->type.id == OV_TYPE_COMPLEX)
        return ovi_wrong_types(b, "<ARRAY>, <ARRAY>", err);
    ov_sqltype to = number ? OV_SQL_DOUBLE : OV_SQL_VARCHAR;
    if (ov_type_is_list(e->type))
        return ovi_want_list_of(b, i, to, err);
    return ovi_want(b, i, to, err);
}

ov_status ovi_bind_list_find(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_list(b, 0, err));
    ovi_result(b, OV_SQL_INTEGER);
    b->nullable = true;
    if (ovi_elem_type(b->args[0]).id == OV_TYPE_COMPLEX)
        return ovi_want_nested(b, 1, err);
    if (ov_type_is_list(b->args[1]->type))
        return ovi_wrong_types(b, "<ARRAY>, <ANY>", err);
    if (!ovi_same_kind(b->args[1]->type, ovi_elem_type(b->args[0]))) /* a text is no element of numbers */
        return ov_expr_null(b->cx, OV_SQL_INTEGER, &b->replace, err);
    return OV_OK;
}

ov_status ovi_eval_list_find(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    int64_t base = strstr(c->e->fn->name, "ORDINAL") ? 1 : 0;
    OV_TRY(ovi_call_strict(c, 0, err));
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        ovi_items items = ovi_items_of(&c->arg[0], r);
        uint32_t i = items.first;
        while (i < items.end && ovi_item_cmp(items.vec, i, &c->arg[1].vec, r) != 0)
            i++;
        if (i == items.end)
            ovi_null_row(&l, r);
        else
            l.i[r] = base + (i - items.first);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- membership ---- */

/* Nothing in common, but a NULL that could be anything: MV_OVERLAP does not know. Asked for constants in a multi-value string it
 * is a filter on that, and says no. */
static bool maybe_unknown(const ov_function *fn, const ov_expr *const *args)
{
    return strcmp(fn->name, "MV_OVERLAP") == 0 && !(args[0]->type.id == OV_TYPE_STRING && ovi_is_const(args[1]));
}

/* (list, list or value): CONTAINS and OVERLAP */
ov_status ovi_bind_list_pair_test(ovi_bind *b, ov_error *err)
{
    OV_TRY(is_mv(b->fn) ? ovi_want_list_of(b, 0, OV_SQL_VARCHAR, err) : ovi_want_list(b, 0, err));
    OV_TRY(want_items(b, 1, 0, err));
    ovi_result(b, OV_SQL_BOOLEAN);
    b->nullable = b->nullable || maybe_unknown(b->fn, b->args);
    return OV_OK;
}

/* The elements looked for: a plain value is one, NULL too; a NULL list is none and *missing. */
static ovi_items wanted_of(const ovi_call *c, uint32_t i, uint32_t r, bool *missing)
{
    const ovi_arg *a = &c->arg[i];
    *missing = false;
    if (!ov_type_is_list(c->e->args[i]->type) && !ov_type_is_list(a->vec.type))
        return (ovi_items){&a->vec, r, r + 1};
    *missing = ovi_arg_null(a, r);
    return ovi_items_of(a, r);
}

static const ov_vec *one_null(void)
{
    static const ov_vec null = {.enc = OV_ENC_CONST, .rows = 1, .divisor = 1, .is_null = true};
    return &null;
}

static bool has_all(const ovi_items *items, const ovi_items *wanted)
{
    for (uint32_t i = wanted->first; i < wanted->end; i++)
        if (!ovi_items_have(items, wanted->vec, i))
            return false;
    return true;
}

static bool has_some(const ovi_items *items, const ovi_items *wanted)
{
    for (uint32_t i = wanted->first; i < wanted->end; i++)
        if (ovi_items_have(items, wanted->vec, i))
            return true;
    return false;
}

ov_status ovi_eval_list_pair_test(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    bool mv = is_mv(c->e->fn), all = strstr(c->e->fn->name, "CONTAINS") != NULL, missing;
    bool unknown = maybe_unknown(c->e->fn, c->e->args);
    if (!mv)
        OV_TRY(ovi_call_strict(c, 0, err));
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        ovi_items items = ovi_items_of(&c->arg[0], r), wanted = wanted_of(c, 1, r, &missing);
        if (mv && items.first == items.end)
            items = (ovi_items){one_null(), 0, 1};
        l.i[r] = !missing && (all ? has_all(&items, &wanted) : has_some(&items, &wanted));
        if (unknown && !l.i[r] && ovi_items_have(&items, one_null(), 0))
            ovi_null_row(&l, r);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* Membership in a constant list is IN: sets and indexes know that. A NULL is found when the list holds one. */
static ov_status as_in(ovi_bind *b, bool *done, ov_error *err)
{
    const ov_expr *x = b->args[0], *array = b->args[1], **items, *either[2];
    *done = false;
    if (!ovi_is_const(array) || ovi_is_null(array) || ovi_is_const(x) || !ov_type_is_list(array->type) ||
        ovi_elem_type(array).id == OV_TYPE_COMPLEX || !x->deterministic)
        return OV_OK;
    const ov_vec *list = array->constant.list;
    ov_sqltype sql = ovi_elem_sql(array);
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(b->cx->arena, (list->rows + (size_t)1) * sizeof *items, &items, err));
    for (uint32_t i = 0; i < list->rows; i++) {
        if (ov_vec_is_null(list, i))
            continue;
        if (ov_type_is_int(list->type))
            OV_TRY(ov_expr_i64(b->cx, sql, ov_vec_i64(list, i), &items[n++], err));
        else if (ov_type_is_real(list->type))
            OV_TRY(ov_expr_f64(b->cx, sql, ov_vec_f64(list, i), &items[n++], err));
        else
            OV_TRY(ov_expr_str(b->cx, sql, ov_vec_str(list, i), &items[n++], err));
    }
    if (n == 0)
        return OV_OK;
    OV_TRY(ov_expr_in(b->cx, x, items, n, b->pos, b->end_pos, &either[0], err));
    *done = true;
    b->replace = either[0];
    if (n == list->rows)
        return OV_OK;
    OV_TRY(ovi_call_fn(b->cx, "IS NULL", &x, 1, b->pos, b->end_pos, &either[1], err));
    return ovi_call_fn(b->cx, "OR", either, 2, b->pos, b->end_pos, &b->replace, err);
}

ov_status ovi_bind_in_array(ovi_bind *b, ov_error *err)
{
    bool done;
    OV_TRY(ovi_want_list(b, 1, err));
    if (ov_type_is_list(b->args[0]->type))
        return ovi_wrong_types(b, "SCALAR_IN_ARRAY(<ANY>, <ARRAY>)", err);
    OV_TRY(want_items(b, 0, 1, err));
    OV_TRY(as_in(b, &done, err));
    ovi_result(b, OV_SQL_BOOLEAN);
    b->nullable = true;
    return OV_OK;
}

ov_status ovi_eval_in_array(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_call_strict(c, 1, err));
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        ovi_items items = ovi_items_of(&c->arg[1], r);
        l.i[r] = ovi_items_have(&items, &c->arg[0].vec, r);
        if (!l.i[r] && ovi_arg_null(&c->arg[0], r))
            ovi_null_row(&l, r);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- order ---- */

/* Arrays are compared element by element; behind a common beginning the longer one is greater. */
ov_status ovi_bind_array_order(ovi_bind *b, ov_error *err)
{
    if (!ovi_same_kind(ovi_elem_type(b->args[0]), ovi_elem_type(b->args[1])))
        return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos,
                          "Arrays of %s and of %s cannot be compared: cast one of them",
                          ov_sqltype_name(ovi_elem_sql(b->args[0])), ov_sqltype_name(ovi_elem_sql(b->args[1])));
    ovi_result(b, OV_SQL_BIGINT);
    return OV_OK;
}

ov_status ovi_eval_array_order(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        ovi_items x = ovi_items_of(&c->arg[0], rows[k]), y = ovi_items_of(&c->arg[1], rows[k]);
        uint32_t nx = x.end - x.first, ny = y.end - y.first;
        int order = 0;
        for (uint32_t i = 0; order == 0 && i < OV_MIN(nx, ny); i++)
            order = ovi_item_cmp(x.vec, x.first + i, y.vec, y.first + i);
        l.i[rows[k]] = order ? order : (nx > ny) - (nx < ny);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}
