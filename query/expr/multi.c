/*
 * Multi-value strings in functions that know single ones (multi_single.c says which): around an expression over one element stands
 *
 *   $ANY(list)    a condition: true when it is true of some element (Druid's rule for filters), unknown when the list is
 *                 NULL or empty, or no element decides and one is NULL
 *   $EACH(list)   the list of the results: a text or a number of each value, an array's elements cast
 *
 * with the element's expression in `prepared`. Over a dictionary of lists map.c evaluates each distinct list once.
 */
#include "query/expr/list_int.h"

ov_status ovi_lift(ov_expr_ctx *cx, const char *name, const ov_expr *list, const ov_expr *element, uint32_t pos,
                   uint32_t end_pos, ov_expr **out, ov_error *err)
{
    ov_expr *e;
    OV_TRY(ovi_node(cx, OV_EXPR_CALL, (ov_sqltype)element->sql, element->type, &e, err));
    e->fn = ovi_function_find(ov_slice_cstr(name));
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *e->args, &e->args, err));
    e->args[0] = list;
    e->argc = 1;
    e->nullable = true;
    e->deterministic = list->deterministic && element->deterministic;
    e->only_column = list->only_column;
    e->prepared = element;
    e->pos = pos;
    e->end_pos = end_pos;
    *out = e;
    return OV_OK;
}

/* `inner`, which reads column `element`, around the lists. */
static ov_status lift_moved(ov_expr_ctx *cx, const char *name, const ov_expr *list, const ov_expr *inner, uint32_t element, ov_expr **out,
                            ov_error *err)
{
    const ov_expr **map, *moved;
    ov_type type;
    ov_sqltype sql;
    ov_expr_element(list, &type, &sql);
    OV_TRY(ov_arena_zalloc(cx->arena, ((size_t)element + 1) * sizeof *map, &map, err));
    OV_TRY(ov_expr_column(cx, 0, type, sql, true, &map[element], err));
    OV_TRY(ov_expr_rebase(cx, inner, map, &moved, err));
    return ovi_lift(cx, name, list, moved, inner->pos, inner->end_pos, out, err);
}

ov_status ov_expr_any(ov_expr_ctx *cx, const ov_expr *list, const ov_expr *test, uint32_t element, const ov_expr **out,
                      ov_error *err)
{
    ov_expr *e;
    OV_TRY(lift_moved(cx, "$ANY", list, test, element, &e, err));
    *out = e;
    return OV_OK;
}

ov_status ov_expr_each(ov_expr_ctx *cx, const ov_expr *list, const ov_expr *text, uint32_t element, const ov_expr **out,
                       ov_error *err)
{
    ov_expr *e;
    OV_TRY(lift_moved(cx, "$EACH", list, text, element, &e, err));
    e->sql = OV_SQL_VARCHAR;
    e->type.multi = 1;
    *out = e;
    return OV_OK;
}

ov_status ovi_each_cast(ov_expr_ctx *cx, const ov_expr *list, ov_sqltype to, uint32_t pos, uint32_t end_pos,
                        const ov_expr **out, ov_error *err)
{
    static const uint8_t bare[] = {[OV_TYPE_LONG] = OV_SQL_BIGINT,
                                   [OV_TYPE_DOUBLE] = OV_SQL_DOUBLE,
                                   [OV_TYPE_FLOAT] = OV_SQL_FLOAT,
                                   [OV_TYPE_STRING] = OV_SQL_VARCHAR};
    const ov_expr *element;
    ov_type native = ov_sqltype_native(to);
    bool json = list->type.elem == OV_TYPE_COMPLEX && list->type.complex == OV_COMPLEX_JSON && to == OV_SQL_VARCHAR;
    if (list->type.id != OV_TYPE_ARRAY || (list->type.elem > OV_TYPE_STRING && !json) || list->type.elem == OV_TYPE_NULL ||
        native.id == OV_TYPE_NULL)
        return ov_fail_at(err, OV_UNSUPPORTED, pos, end_pos, "CAST from %s to an array of %s is not supported",
                          ov_sqltype_name((ov_sqltype)list->sql), ov_sqltype_name(to));
    if (json) {
        OV_TRY(ov_expr_column(cx, 0, OV_T_COMPLEX(OV_COMPLEX_JSON), OV_SQL_OTHER, true, &element, err));
        OV_TRY(ovi_call_fn(cx, "TO_JSON_STRING", &element, 1, pos, end_pos, &element, err));
    } else {
        OV_TRY(ov_expr_column(cx, 0, OV_T(list->type.elem), (ov_sqltype)bare[list->type.elem], true, &element, err));
        OV_TRY(ov_expr_cast(cx, element, to, native, pos, end_pos, &element, err));
    }
    ov_expr *e;
    OV_TRY(ovi_lift(cx, "$EACH", list, element, pos, end_pos, &e, err));
    e->sql = OV_SQL_ARRAY;
    e->type = (ov_type){.id = OV_TYPE_ARRAY, .elem = native.id};
    e->elem_sql = (uint8_t)to;
    e->nullable = list->nullable;
    return ovi_fold(cx, e, out, err);
}

ov_status ovi_bind_lifted(ovi_bind *b, ov_error *err)
{
    return ov_fail_at(err, OV_INVALID, b->pos, b->end_pos, "No match found for function signature %s",
                      b->fn->name);
}

/* ---- evaluation ---- */

typedef enum shape {
    ALL_NULL,
    SINGLE, /* a segment in which no row has several values may give plain strings */
    LISTS,
} shape;

/* The argument, with its lists opened. */
static ov_status open_lists(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out, shape *what,
                            ov_error *err)
{
    ov_vec v;
    OV_TRY(ovi_eval(ev, e->args[0], batch, &v, err));
    *out = v;
    *what = ALL_NULL;
    if (v.type.id == OV_TYPE_NULL || (v.enc == OV_ENC_CONST && v.is_null))
        return OV_OK;
    *what = SINGLE;
    if (!ov_type_is_list(v.type))
        return OV_OK;
    OV_TRY(ov_vec_flatten(&v, &ev->mem, out, err));
    *what = out->enc == OV_ENC_LIST ? LISTS : ALL_NULL;
    return OV_OK;
}

/* The rows themselves as the elements. */
static ov_batch as_elements(const ov_batch *batch, ov_vec *v)
{
    ov_batch b = *batch;
    b.cols = 1;
    b.col = v;
    return b;
}

/* Elements first .. first + n as a batch of one column; dictionary codes stay codes. */
static ov_status some_elements(ov_eval *ev, const ov_vec *child, uint32_t first, uint32_t n, ov_vec *col,
                               ov_batch *out, ov_error *err)
{
    uint32_t *idx;
    OV_TRY(ov_arena_alloc(&ev->mem, (n + (size_t)1) * sizeof *idx, &idx, err));
    for (uint32_t i = 0; i < n; i++)
        idx[i] = first + i;
    OV_TRY(ov_vec_gather(child, idx, n, &ev->mem, col, err));
    *out = (ov_batch){.rows = n, .cols = 1, .col = col, .sel_rows = n};
    return OV_OK;
}

static ov_status test_elements(ov_eval *ev, const ov_expr *element, const ov_vec *child, const ovi_truth *t,
                               ov_error *err)
{
    for (uint32_t first = 0; first < child->rows; first += OV_BATCH_ROWS) {
        ov_vec col;
        ov_batch batch;
        OV_TRY(some_elements(ev, child, first, OV_MIN(child->rows - first, (uint32_t)OV_BATCH_ROWS), &col, &batch,
                             err));
        ovi_truth some = {t->is_true + first / 64, t->is_unknown + first / 64};
        OV_TRY(ovi_test(ev, element, &batch, &some, err));
    }
    return OV_OK;
}

ov_status ovi_test_any(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t, ov_error *err)
{
    ov_vec lists;
    shape what;
    uint64_t *live;
    size_t rows = batch->rows;
    OV_TRY(open_lists(ev, e, batch, &lists, &what, err));
    if (what == SINGLE) {
        ov_batch plain = as_elements(batch, &lists);
        return ovi_test(ev, e->prepared, &plain, t, err);
    }
    OV_TRY(ovi_fill(ev, batch, &live, err));
    memset(t->is_true, 0, ov_words(rows) * 8);
    if (what == ALL_NULL) {
        if (t->is_unknown)
            ov_bits_copy(t->is_unknown, live, rows);
        return OV_OK;
    }
    ovi_truth of;
    OV_TRY(ovi_words(&ev->mem, lists.child->rows, &of.is_true, err));
    OV_TRY(ovi_words(&ev->mem, lists.child->rows, &of.is_unknown, err));
    OV_TRY(test_elements(ev, e->prepared, lists.child, &of, err));
    if (t->is_unknown)
        memset(t->is_unknown, 0, ov_words(rows) * 8);
    for (size_t r = ov_bits_next(live, rows, 0); r < rows; r = ov_bits_next(live, rows, r + 1)) {
        size_t from = lists.offsets[r], to = lists.offsets[r + 1];
        bool present = (!lists.valid || ov_bits_test(lists.valid, r)) && to > from;
        if (present && ov_bits_next(of.is_true, to, from) < to)
            ov_bits_set(t->is_true, r);
        else if (t->is_unknown && (!present || ov_bits_next(of.is_unknown, to, from) < to))
            ov_bits_set(t->is_unknown, r);
    }
    return OV_OK;
}

/* A list of one NULL is NULL. */
static ov_status without_lone_nulls(ov_eval *ev, const ov_expr *e, ov_vec *lists, ov_error *err)
{
    const uint32_t *at = lists->offsets;
    const ov_vec *child = lists->child;
    uint32_t r = 0;
    ovi_list l;
    ovi_call c = {.ev = ev, .e = e, .mem = &ev->mem, .rows = lists->rows};
    while (r < lists->rows && (at[r + 1] - at[r] != 1 || !ov_vec_is_null(child, at[r])))
        r++;
    if (r == lists->rows)
        return OV_OK;
    OV_TRY(ovi_list_init(&l, &c, OV_T(OV_TYPE_STRING), err));
    for (r = 0; r < lists->rows; r++) {
        ovi_items items = {child, at[r], at[r + 1]};
        if ((lists->valid && !ov_bits_test(lists->valid, r)) || (at[r + 1] - at[r] == 1 && ov_vec_is_null(child, at[r])))
            continue;
        ovi_list_row(&l, r);
        OV_TRY(ovi_list_put_all(&l, &items, err));
    }
    return ovi_list_finish(&l, lists, err);
}

/* Plain values as lists of one. */
static ov_status as_lists(ov_eval *ev, const ov_expr *e, ov_vec *v, ov_error *err)
{
    ovi_list l;
    ovi_call c = {.ev = ev, .e = e, .mem = &ev->mem, .rows = v->rows};
    OV_TRY(ovi_list_init(&l, &c, ovi_elem_type(e), err));
    for (uint32_t r = 0; r < v->rows; r++) {
        if (ov_vec_is_null(v, r))
            continue;
        ovi_list_row(&l, r);
        OV_TRY(ovi_list_put(&l, v, r, err));
    }
    return ovi_list_finish(&l, v, err);
}

ov_status ovi_eval_each(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out, ov_error *err)
{
    ov_vec lists;
    shape what;
    OV_TRY(open_lists(ev, e, batch, &lists, &what, err));
    if (what == ALL_NULL) {
        *out = ov_vec_null(e->type, batch->rows);
        return OV_OK;
    }
    if (what == SINGLE) {
        ov_batch plain = as_elements(batch, &lists);
        OV_TRY(ovi_eval(ev, e->prepared, &plain, out, err));
        return e->type.id == OV_TYPE_ARRAY ? as_lists(ev, e, out, err) : OV_OK;
    }
    uint32_t n = lists.child->rows;
    ov_type type = ((const ov_expr *)e->prepared)->type;
    size_t width = ov_type_is_int(type) || ov_type_is_real(type) ? 8 : sizeof(ov_slice);
    char *values;
    uint64_t *valid;
    ov_vec *child;
    OV_TRY(ov_arena_lanes(&ev->mem, (ov_words(n) * 64 + 64) * width, &values, err));
    OV_TRY(ovi_words(&ev->mem, n, &valid, err));
    OV_TRY(ov_arena_alloc(&ev->mem, sizeof *child, &child, err));
    for (uint32_t first = 0; first < n; first += OV_BATCH_ROWS) {
        ov_vec col, result, flat;
        ov_batch some;
        OV_TRY(some_elements(ev, lists.child, first, OV_MIN(n - first, (uint32_t)OV_BATCH_ROWS), &col, &some, err));
        OV_TRY(ovi_eval(ev, e->prepared, &some, &result, err));
        OV_TRY(ov_vec_flatten(&result, &ev->mem, &flat, err));
        memcpy(values + first * width, flat.data, some.rows * width);
        if (flat.valid)
            ov_bits_copy(valid + first / 64, flat.valid, some.rows);
        else
            ov_bits_fill(valid + first / 64, some.rows, true);
    }
    *child = ov_vec_flat(type, values, valid, n);
    *out = lists;
    out->type = e->type;
    out->child = child;
    return e->type.id == OV_TYPE_STRING && e->type.multi ? without_lone_nulls(ev, e, out, err) : OV_OK;
}
