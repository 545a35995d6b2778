/*
 * Lists made from lists: APPEND, PREPEND, CONCAT, SLICE, and between arrays, multi-value strings and text. Arrays give arrays, the
 * MV_ functions give multi-value strings.
 */
#include "query/expr/list_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/value_sort.h"

static bool is_mv(const ov_function *fn)
{
    return strncmp(fn->name, "MV_", 3) == 0;
}

/* MV_APPEND and its like of an ARRAY: what the ARRAY_ function makes, as a multi-value string. */
static ov_status of_array(ovi_bind *b, ov_error *err)
{
    const ov_expr *made;
    char name[32];
    snprintf(name, sizeof name, "ARRAY_%s", b->fn->name + 3);
    OV_TRY(ovi_call_fn(b->cx, name, b->args, b->argc, b->pos, b->end_pos, &made, err));
    return ovi_call_fn(b->cx, "ARRAY_TO_MV", &made, 1, b->pos, b->end_pos, &b->replace, err);
}

/* The result is a list like argument i, whose elements then have one type. */
static ov_status result_like(ovi_bind *b, uint32_t i, ov_error *err)
{
    if (is_mv(b->fn)) {
        OV_TRY(ovi_want_list_of(b, i, OV_SQL_VARCHAR, err));
        ovi_result_multi(b);
        return OV_OK;
    }
    OV_TRY(ovi_want_list(b, i, err));
    ovi_result_array(b, ovi_elem_type(b->args[i]), ovi_elem_sql(b->args[i]));
    return OV_OK;
}

static ov_type elem_of(ov_type list)
{
    return list.id == OV_TYPE_ARRAY ? (ov_type){.id = list.elem, .complex = list.complex} : OV_T(OV_TYPE_STRING);
}

/* Argument i, a value or a list, with elements of the result's type. */
static ov_status want_elements(ovi_bind *b, uint32_t i, ov_error *err)
{
    ov_type elem = elem_of(b->type);
    const ov_expr *e = b->args[i];
    if (ov_type_eq(ovi_elem_type(e), elem))
        return OV_OK;
    if (elem.id == OV_TYPE_COMPLEX || e->type.id == OV_TYPE_COMPLEX)
        return ovi_wrong_types(b, "elements of one type", err);
    static const uint8_t sql[] = {[OV_TYPE_LONG] = OV_SQL_BIGINT,
                                  [OV_TYPE_DOUBLE] = OV_SQL_DOUBLE,
                                  [OV_TYPE_FLOAT] = OV_SQL_FLOAT,
                                  [OV_TYPE_STRING] = OV_SQL_VARCHAR};
    if (ov_type_is_list(e->type))
        return ovi_want_list_of(b, i, (ov_sqltype)sql[elem.id], err);
    return ovi_want(b, i, (ov_sqltype)sql[elem.id], err);
}

/* A list is begun for every row in which argument i is one; the others are NULL. */
static ov_status lists_like(ovi_call *c, uint32_t i, const uint32_t **rows, uint32_t *n, ovi_list *l, ov_error *err)
{
    OV_TRY(ovi_call_strict(c, i, err));
    OV_TRY(ovi_rows(c, rows, n, err));
    return ovi_list_init(l, c, elem_of(c->e->type), err);
}

/* ---- APPEND, PREPEND, CONCAT ---- */

ov_status ovi_bind_append(ovi_bind *b, ov_error *err)
{
    uint32_t list = strstr(b->fn->name, "PREPEND") ? 1 : 0;
    if (is_mv(b->fn) && b->args[list]->type.id == OV_TYPE_ARRAY)
        return of_array(b, err);
    OV_TRY(result_like(b, list, err));
    if (b->type.id == OV_TYPE_ARRAY && b->type.elem == OV_TYPE_COMPLEX)
        OV_TRY(ovi_want_nested(b, 1 - list, err));
    else if (ov_type_is_list(b->args[1 - list]->type))
        return ovi_wrong_types(b, "one element and a list", err);
    OV_TRY(want_elements(b, 1 - list, err));
    b->nullable = b->args[list]->nullable;
    return OV_OK;
}

ov_status ovi_eval_append(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n, list = strstr(c->e->fn->name, "PREPEND") ? 1 : 0;
    ovi_list l;
    OV_TRY(lists_like(c, list, &rows, &n, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        ovi_items items = ovi_items_of(&c->arg[list], r);
        ovi_list_row(&l, r);
        if (list == 1)
            OV_TRY(ovi_list_put(&l, &c->arg[0].vec, r, err));
        OV_TRY(ovi_list_put_all(&l, &items, err));
        if (list == 0)
            OV_TRY(ovi_list_put(&l, &c->arg[1].vec, r, err));
    }
    return ovi_list_finish(&l, out, err);
}

ov_status ovi_bind_list_concat(ovi_bind *b, ov_error *err)
{
    if (is_mv(b->fn) && b->args[0]->type.id == OV_TYPE_ARRAY)
        return of_array(b, err);
    OV_TRY(result_like(b, 0, err));
    OV_TRY(want_elements(b, 1, err));
    b->nullable = b->args[0]->nullable;
    return OV_OK;
}

/* A NULL in front is NULL; a NULL behind adds nothing. */
ov_status ovi_eval_list_concat(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    OV_TRY(lists_like(c, 0, &rows, &n, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        ovi_list_row(&l, rows[k]);
        for (uint32_t i = 0; i < 2; i++) {
            ovi_items items = ovi_items_of(&c->arg[i], rows[k]);
            OV_TRY(ovi_list_put_all(&l, &items, err));
        }
    }
    return ovi_list_finish(&l, out, err);
}

/* ---- SLICE ---- */

enum { MOST_PADDING = 1 << 20 };

ov_status ovi_bind_list_slice(ovi_bind *b, ov_error *err)
{
    OV_TRY(result_like(b, 0, err));
    for (uint32_t i = 1; i < b->argc; i++)
        OV_TRY(ovi_want_long(b, i, err));
    b->nullable = true;
    return OV_OK;
}

/* Places [from, to) from 0; past the end there are NULLs, as in Druid. A beginning outside the list is NULL. */
ov_status ovi_eval_list_slice(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, elem_of(c->e->type), err));
    static const ov_vec null = {.enc = OV_ENC_CONST, .rows = 1, .divisor = 1, .is_null = true};
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        ovi_items items = ovi_items_of(&c->arg[0], r), part = items;
        int64_t size = items.end - items.first, from = ovi_i64(&c->arg[1], r);
        int64_t to = c->argc > 2 ? ovi_i64(&c->arg[2], r) : size;
        if (from < 0 || from > size || from > to)
            continue;
        if (to - size > MOST_PADDING)
            return ov_fail_at(err, OV_LIMIT, c->e->pos, c->e->end_pos,
                              "%s: the end %lld lies more than %d places behind the end of the list",
                              c->e->fn->name, (long long)to, MOST_PADDING);
        part.first += (uint32_t)from;
        part.end = items.first + (uint32_t)OV_MIN(to, size);
        ovi_list_row(&l, r);
        OV_TRY(ovi_list_put_all(&l, &part, err));
        for (int64_t i = size; i < to; i++)
            OV_TRY(ovi_list_put(&l, &null, 0, err));
    }
    return ovi_list_finish(&l, out, err);
}

/* ---- arrays, multi-value strings and text ---- */

ov_status ovi_bind_array_to_mv(ovi_bind *b, ov_error *err)
{
    ov_type t = b->args[0]->type;
    if (ov_type_is_int(t) || ov_type_is_real(t)) { /* one value, as text */
        const ov_expr *text;
        OV_TRY(ovi_want(b, 0, OV_SQL_VARCHAR, err));
        text = b->args[0];
        OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("ARRAY"), &text, 1, b->pos, b->end_pos, &b->args[0], err));
    }
    OV_TRY(ovi_want_list_of(b, 0, OV_SQL_VARCHAR, err));
    ovi_result_multi(b);
    return OV_OK;
}

ov_status ovi_bind_mv_to_array(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_list_of(b, 0, OV_SQL_VARCHAR, err));
    ovi_result_array(b, OV_T(OV_TYPE_STRING), OV_SQL_VARCHAR);
    return OV_OK;
}

/* The same lists under another type. */
ov_status ovi_eval_relist(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    if (c->arg[0].vec.enc == OV_ENC_LIST) {
        *out = c->arg[0].vec;
        out->type = c->e->type;
        out->stats = NULL;
        return OV_OK;
    }
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, OV_T(OV_TYPE_STRING), err));
    for (uint32_t k = 0; k < n; k++) {
        ovi_items items = ovi_items_of(&c->arg[0], rows[k]);
        ovi_list_row(&l, rows[k]);
        OV_TRY(ovi_list_put_all(&l, &items, err));
    }
    return ovi_list_finish(&l, out, err);
}

ov_status ovi_bind_list_to_string(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_list_of(b, 0, OV_SQL_VARCHAR, err));
    OV_TRY(ovi_want_text(b, 1, err));
    ovi_result(b, OV_SQL_VARCHAR);
    b->nullable = true;
    return OV_OK;
}

/* NULL elements read "null", but a list of one NULL is NULL; a NULL separator is none. Druid's rules. */
static ov_status list_to_string(ovi_call *c, uint32_t row, ovi_text *t, ov_error *err)
{
    (void)err;
    ovi_items items = ovi_items_of(&c->arg[0], row);
    t->is_null = items.end - items.first == 1 && ov_vec_is_null(items.vec, items.first);
    for (uint32_t i = items.first; i < items.end; i++) {
        if (i > items.first && !ovi_arg_null(&c->arg[1], row))
            ov_buf_add_slice(&t->made, ovi_str(&c->arg[1], row));
        ov_buf_add_slice(&t->made, ov_vec_is_null(items.vec, i) ? OV_SLICE_LIT("null") : ov_vec_str(items.vec, i));
    }
    return OV_OK;
}

ov_status ovi_eval_list_to_string(ovi_call *c, ov_vec *out, ov_error *err)
{
    OV_TRY(ovi_call_strict(c, 0, err));
    return ovi_map_text(c, list_to_string, out, err);
}

/* ---- QUANTILE ---- */

ov_status ovi_bind_array_quantile(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_list_of(b, 0, OV_SQL_DOUBLE, err));
    OV_TRY(ovi_want_double(b, 1, err));
    ovi_result(b, OV_SQL_DOUBLE);
    b->nullable = true;
    return OV_OK;
}

static int by_value(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Between two elements the value lies on the line between them. NULL and NaN elements do not count. */
ov_status ovi_eval_array_quantile(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k], count = 0;
        ovi_items items = ovi_items_of(&c->arg[0], r);
        double *values, rank = ovi_f64(&c->arg[1], r);
        OV_TRY(ov_arena_alloc(&c->ev->mem, (items.end - items.first + (size_t)1) * sizeof *values, &values, err));
        for (uint32_t i = items.first; i < items.end; i++) {
            double v = ov_vec_is_null(items.vec, i) ? 0 : ov_vec_f64(items.vec, i);
            if (!ov_vec_is_null(items.vec, i) && v == v)
                values[count++] = v;
        }
        if (count == 0 || !(rank >= 0 && rank <= 1)) {
            ovi_null_row(&l, r);
            continue;
        }
        OV_TRY(ov_sort(c->ev->mem.budget, values, count, sizeof *values, by_value, err));
        double at = rank * (count - 1);
        uint32_t below = (uint32_t)at, above = OV_MIN(below + 1, count - 1);
        l.f[r] = values[below] + (at - below) * (values[above] - values[below]);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- sets ---- */

ov_status ovi_bind_array_set(ovi_bind *b, ov_error *err)
{
    return b->args[0]->type.id == OV_TYPE_ARRAY ? result_like(b, 0, err) : ovi_wrong_types(b, "<ARRAY>", err);
}

typedef struct element {
    const ov_vec *vec;
    uint32_t at;
} element;

static int by_element(const void *a, const void *b)
{
    const element *x = a, *y = b;
    return ovi_item_cmp(x->vec, x->at, y->vec, y->at);
}

/* $ARRAY_SET(list): its elements in order, each once. */
ov_status ovi_eval_array_set(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_list l;
    OV_TRY(lists_like(c, 0, &rows, &n, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        ovi_items items = ovi_items_of(&c->arg[0], rows[k]);
        uint32_t count = items.end - items.first;
        element *list;
        OV_TRY(ov_arena_alloc(c->mem, (count + (size_t)1) * sizeof *list, &list, err));
        for (uint32_t i = 0; i < count; i++)
            list[i] = (element){items.vec, items.first + i};
        qsort(list, count, sizeof *list, by_element);
        ovi_list_row(&l, rows[k]);
        for (uint32_t i = 0; i < count; i++)
            if (i == 0 || by_element(&list[i - 1], &list[i]) != 0)
                OV_TRY(ovi_list_put(&l, list[i].vec, list[i].at, err));
    }
    return ovi_list_finish(&l, out, err);
}
