/*
 * Multi-value strings in functions that know single ones. The function is bound over one element; around it stands
 *
 *   $ANY(list)    a condition: true when it is true of some element (Druid's rule for filters), unknown when the list is
 *                 NULL or empty, or no element decides and one is NULL
 *   $EACH(list)   a text, or a cast of an array's elements: the list of the results
 *
 * with the element's expression in `prepared`. Over a dictionary of lists map.c evaluates each distinct list once.
 */
#include "query/expr/expr_int.h"

static bool is_multi(const ov_expr *e)
{
    return e->type.id == OV_TYPE_STRING && e->type.multi;
}

/* <> and NOT forms mean "not any", never "any not". */
static const char *positive_form(const ov_function *fn)
{
    if (fn->op == OV_OP_NE)
        return "=";
    return strncmp(fn->name, "NOT ", 4) == 0 ? fn->name + 4 : NULL;
}

/* Functions that take a whole list, or for which elements make no sense. */
static bool takes_lists(const ov_function *fn)
{
    switch ((ov_op)fn->op) {
    case OV_OP_IS_NULL:
    case OV_OP_IS_NOT_NULL:
    case OV_OP_CASE:
    case OV_OP_COALESCE:
    case OV_OP_CAST:
        return true;
    default:
        return (fn->flags & OVI_LISTS) != 0;
    }
}

/* A node around a list with the element's expression in it; it has the element's type. */
static ov_status lift(ov_expr_ctx *cx, const char *name, const ov_expr *list, const ov_expr *element, uint32_t pos,
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

static ov_status wrap(ov_expr_ctx *cx, const ov_expr *list, const ov_expr *element, uint32_t pos,
                      uint32_t end_pos, const ov_expr **out, ov_error *err)
{
    bool condition = element->sql == OV_SQL_BOOLEAN;
    if (!condition && element->type.id != OV_TYPE_STRING)
        return ov_fail_at(err, OV_UNSUPPORTED, pos, end_pos,
                          "'%s' of a multi-value string would be a list of %s, which is not supported yet",
                          ov_expr_function(element), ov_sqltype_name((ov_sqltype)element->sql));
    ov_expr *e;
    OV_TRY(lift(cx, condition ? "$ANY" : "$EACH", list, element, pos, end_pos, &e, err));
    if (!condition) {
        e->sql = OV_SQL_VARCHAR;
        e->type.multi = 1;
    }
    return ovi_fold(cx, e, out, err);
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
    return lift(cx, name, list, moved, inner->pos, inner->end_pos, out, err);
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
    OV_TRY(lift(cx, "$EACH", list, element, pos, end_pos, &e, err));
    e->sql = OV_SQL_ARRAY;
    e->type = (ov_type){.id = OV_TYPE_ARRAY, .elem = native.id};
    e->elem_sql = (uint8_t)to;
    e->nullable = list->nullable;
    return ovi_fold(cx, e, out, err);
}

static ov_status element_column(ov_expr_ctx *cx, const ov_expr **out, ov_error *err)
{
    return ov_expr_column(cx, 0, OV_T(OV_TYPE_STRING), OV_SQL_VARCHAR, true, out, err);
}

ov_status ovi_bind_multi(ovi_bind *b, bool *done, ov_error *err)
{
    const ov_expr *list = NULL, *element, *call;
    bool alone = true; /* beside it there are constants only */
    *done = false;
    for (uint32_t i = 0; i < b->argc; i++)
        if (is_multi(b->args[i]))
            list = b->args[i];
    if (!list || takes_lists(b->fn))
        return OV_OK;
    const ov_expr **args;
    OV_TRY(ov_arena_alloc(b->cx->arena, b->argc * sizeof *args, &args, err));
    OV_TRY(element_column(b->cx, &element, err));
    for (uint32_t i = 0; i < b->argc; i++) {
        bool same = is_multi(b->args[i]) && ov_expr_equal(b->args[i], list);
        alone = alone && (same || ovi_is_const(b->args[i]));
        args[i] = same ? element : b->args[i];
    }
    const char *positive = positive_form(b->fn);
    if (!alone) {
        *done = true;
        OV_TRY(ovi_multi_combine(b, positive ? positive : b->fn->name, err));
        return positive ? ovi_call_fn(b->cx, "NOT", &b->replace, 1, b->pos, b->end_pos, &b->replace, err) : OV_OK;
    }
    OV_TRY(ovi_call_fn(b->cx, positive ? positive : b->fn->name, args, b->argc, b->pos, b->end_pos, &call,
                       err));
    *done = true;
    if (ovi_is_const(call)) { /* the element does not matter */
        b->replace = call;
        return OV_OK;
    }
    OV_TRY(wrap(b->cx, list, call, b->pos, b->end_pos, &call, err));
    if (positive)
        OV_TRY(ovi_call_fn(b->cx, "NOT", &call, 1, b->pos, b->end_pos, &call, err));
    b->replace = call;
    return OV_OK;
}

ov_status ovi_multi_in(ov_expr_ctx *cx, const ov_expr *list, const ov_expr *const *items, uint32_t count,
                       uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err)
{
    const ov_expr *element, *in;
    OV_TRY(element_column(cx, &element, err));
    OV_TRY(ov_expr_in(cx, element, items, count, pos, end_pos, &in, err));
    if (ovi_is_const(in)) {
        *out = in;
        return OV_OK;
    }
    return wrap(cx, list, in, pos, end_pos, out, err);
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
        return ovi_eval(ev, e->prepared, &plain, out, err);
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
    return OV_OK;
}
