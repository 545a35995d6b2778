/*
 * What an expression over single values of multi-value strings ($ELEMENT, multi_single.c) comes to for a row: its values for each value of
 * one list, or for every combination of the values of several beside the row's other columns.
 *
 *   texts       a multi-value string again
 *   numbers     the one number of a row with one value; a row with several has none ($ONE_VALUE). Druid's selectors do that
 *   conditions  true when true of some combination
 *
 * A row without a value is one NULL, as in Druid; where the expression makes nothing of NULL that is left out.
 */
#include "query/expr/list_int.h"

typedef struct opened {
    ov_expr_ctx *cx;
    const ov_expr **lists, **outer; /* each once */
    uint32_t list_count, outer_count;
} opened;

static uint32_t place_of(const ov_expr *const *all, uint32_t count, const ov_expr *e)
{
    uint32_t i = 0;
    while (i < count && !ov_expr_equal(all[i], e))
        i++;
    return i;
}

static uint32_t count_nodes(const ov_expr *e)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < e->argc; i++)
        n += count_nodes(e->args[i]);
    return n;
}

/* Its later arguments are asked for some rows only. */
static bool is_lazy(const ov_expr *e)
{
    ov_op op = ov_expr_op(e);
    return op == OV_OP_AND || op == OV_OP_OR || op == OV_OP_CASE || op == OV_OP_COALESCE;
}

/* Lists, and what is the same for all combinations of a row: as much of it as is needed in any case, else columns. */
static void collect(opened *o, const ov_expr *e, bool lazy)
{
    if (ovi_is_const(e))
        return;
    if (ovi_is_element(e)) {
        if (place_of(o->lists, o->list_count, e->args[0]) == o->list_count)
            o->lists[o->list_count++] = e->args[0];
        return;
    }
    if (e->kind == OV_EXPR_COLUMN || (!lazy && !ovi_has_element(e))) {
        if (place_of(o->outer, o->outer_count, e) == o->outer_count)
            o->outer[o->outer_count++] = e;
        return;
    }
    for (uint32_t i = 0; i < e->argc; i++)
        collect(o, e->args[i], lazy || is_lazy(e));
}

static ov_status column_like(const opened *o, const ov_expr *e, uint32_t column, const ov_expr **out, ov_error *err)
{
    if (e->type.id == OV_TYPE_ARRAY)
        return ov_expr_array_column(o->cx, column, e->type, (ov_sqltype)e->elem_sql, true, out, err);
    return ov_expr_column(o->cx, column, e->type, (ov_sqltype)e->sql, true, out, err);
}

/* The expression inside: elements are the first columns, values from outside the next. */
static ov_status inside(const opened *o, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    *out = e;
    if (ovi_is_const(e))
        return OV_OK;
    if (ovi_is_element(e))
        return ov_expr_column(o->cx, place_of(o->lists, o->list_count, e->args[0]), e->type, (ov_sqltype)e->sql, true, out, err);
    uint32_t place = place_of(o->outer, o->outer_count, e);
    if (place < o->outer_count)
        return column_like(o, e, o->list_count + place, out, err);
    const ov_expr **args;
    ov_expr *copy;
    OV_TRY(ov_arena_alloc(o->cx->arena, (e->argc + (size_t)1) * sizeof *args, &args, err));
    for (uint32_t i = 0; i < e->argc; i++)
        OV_TRY(inside(o, e->args[i], &args[i], err));
    OV_TRY(ovi_with_args(o->cx, e, args, &copy, err));
    *out = copy;
    return OV_OK;
}

/* ---- rows without a value ---- */

/* A NULL argument makes the call NULL. */
static bool is_strict(const ov_expr *e)
{
    switch (ov_expr_op(e)) {
    case OV_OP_EQ:
    case OV_OP_NE:
    case OV_OP_LT:
    case OV_OP_LE:
    case OV_OP_GT:
    case OV_OP_GE:
    case OV_OP_LIKE:
    case OV_OP_CAST:
        return true;
    default:
        return e->kind == OV_EXPR_CALL && (e->fn->eval || e->fn->test) && !(e->fn->flags & OVI_OWN);
    }
}

/* e with NULL for the elements of `list`. */
static ov_status of_null(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *list, const ov_expr **out, ov_error *err)
{
    const ov_expr **args, *simple;
    ov_expr *copy;
    *out = e;
    if (ovi_is_element(e))
        return ov_expr_equal(e->args[0], list) ? ov_expr_null(cx, OV_SQL_VARCHAR, out, err) : OV_OK;
    if (e->argc == 0)
        return OV_OK;
    OV_TRY(ov_arena_alloc(cx->arena, e->argc * sizeof *args, &args, err));
    for (uint32_t i = 0; i < e->argc; i++) {
        OV_TRY(of_null(cx, e->args[i], list, &args[i], err));
        if (ovi_is_null(args[i]) && is_strict(e))
            return ovi_null_of(cx, (ov_sqltype)e->sql, e->type, out, err);
    }
    OV_TRY(ovi_with_args(cx, e, args, &copy, err));
    OV_TRY(ovi_simplify(cx, copy, &simple, err));
    return ovi_fold(cx, simple, out, err);
}

/* The list, with one NULL where it has nothing: if the expression makes something of NULL, or as many NULLs as another list has values. */
static ov_status list_for(const opened *o, const ov_expr *single, const ov_expr *list, const ov_expr **out, ov_error *err)
{
    const ov_expr *made;
    ov_expr_ctx *cx = o->cx;
    *out = list;
    OV_TRY(of_null(cx, single, list, &made, err));
    bool counts = o->list_count > 1 && single->sql != OV_SQL_BOOLEAN;
    return ovi_is_null(made) && !counts ? OV_OK : ovi_call_fn(cx, "$OR_NULL", out, 1, single->pos, single->end_pos, out, err);
}

/* ---- a row's value ---- */

/* 1 among the values: true; nothing but 0: false; otherwise unknown. */
static ov_status some_is_true(ov_expr_ctx *cx, const ov_expr *values, uint32_t pos, uint32_t end_pos, const ov_expr **out,
                              ov_error *err)
{
    const ov_expr *sides[2] = {values, NULL}, *parts[5], *both[2];
    OV_TRY(ov_expr_i64(cx, OV_SQL_BIGINT, 1, &sides[1], err));
    OV_TRY(ovi_call_fn(cx, "ARRAY_CONTAINS", sides, 2, pos, end_pos, &parts[0], err));
    OV_TRY(ov_expr_i64(cx, OV_SQL_BOOLEAN, 1, &parts[1], err));
    OV_TRY(ov_expr_i64(cx, OV_SQL_BIGINT, 0, &sides[1], err));
    OV_TRY(ovi_call_fn(cx, "ARRAY_CONTAINS", sides, 2, pos, end_pos, &both[0], err));
    OV_TRY(ov_expr_null(cx, OV_SQL_BIGINT, &sides[1], err));
    OV_TRY(ovi_call_fn(cx, "ARRAY_CONTAINS", sides, 2, pos, end_pos, &both[1], err));
    OV_TRY(ovi_call_fn(cx, "NOT", &both[1], 1, pos, end_pos, &both[1], err));
    OV_TRY(ovi_call_fn(cx, "AND", both, 2, pos, end_pos, &parts[2], err));
    OV_TRY(ov_expr_i64(cx, OV_SQL_BOOLEAN, 0, &parts[3], err));
    OV_TRY(ov_expr_null(cx, OV_SQL_BOOLEAN, &parts[4], err));
    return ovi_call_fn(cx, "CASE", parts, 5, pos, end_pos, out, err);
}

/* All values of one list and nothing else: $ANY, or $EACH as an array. */
static ov_status of_one_list(ov_expr_ctx *cx, const ov_expr *list, const ov_expr *body, uint32_t pos, uint32_t end_pos,
                             const ov_expr **out, ov_error *err)
{
    bool condition = body->sql == OV_SQL_BOOLEAN, text = body->type.id == OV_TYPE_STRING;
    ov_expr *e;
    OV_TRY(ovi_lift(cx, condition ? "$ANY" : "$EACH", list, body, pos, end_pos, &e, err));
    if (text) {
        e->sql = OV_SQL_VARCHAR;
        e->type.multi = 1;
    } else if (!condition) {
        e->sql = OV_SQL_ARRAY;
        e->type = (ov_type){.id = OV_TYPE_ARRAY, .elem = body->type.id};
        e->elem_sql = body->sql;
    }
    return ovi_fold(cx, e, out, err);
}

static ov_status of_combinations(const opened *o, const ov_expr *body, uint32_t pos, uint32_t end_pos, const ov_expr **out,
                                 ov_error *err)
{
    ov_expr_ctx *cx = o->cx;
    bool condition = body->sql == OV_SQL_BOOLEAN, text = body->type.id == OV_TYPE_STRING;
    if (condition)
        OV_TRY(ov_expr_cast(cx, body, OV_SQL_BIGINT, OV_T(OV_TYPE_LONG), pos, end_pos, &body, err));
    ov_lambda map = {.kind = OV_LAMBDA_MAP, .lists = o->lists, .list_count = o->list_count, .outer = o->outer,
                     .outer_count = o->outer_count, .body = body};
    ov_status st = ov_expr_lambda(cx, &map, out, err);
    if (st != OV_OK && !err->has_pos) {
        ov_error why = *err;
        return ov_fail_at(err, st, pos, end_pos, "%s", why.text);
    }
    OV_TRY(st);
    if (condition)
        return some_is_true(cx, *out, pos, end_pos, out, err);
    return text ? ovi_call_fn(cx, "$TEXTS", out, 1, pos, end_pos, out, err) : OV_OK;
}

bool ovi_can_reduce(const ov_expr *single)
{
    return single->type.id <= OV_TYPE_STRING && !single->type.multi && single->sql != OV_SQL_ARRAY;
}

ov_status ovi_reduce(ov_expr_ctx *cx, const ov_expr *single, uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err)
{
    opened o = {.cx = cx};
    const ov_expr *body;
    uint32_t nodes = count_nodes(single);
    *out = single;
    if (!ovi_has_element(single)) /* the values do not matter */
        return OV_OK;
    OV_TRY(ov_arena_alloc(cx->arena, nodes * sizeof *o.lists, &o.lists, err));
    OV_TRY(ov_arena_alloc(cx->arena, nodes * sizeof *o.outer, &o.outer, err));
    collect(&o, single, false);
    OV_TRY(inside(&o, single, &body, err));
    for (uint32_t i = 0; i < o.list_count; i++)
        OV_TRY(list_for(&o, single, o.lists[i], &o.lists[i], err));
    if (o.list_count == 1 && o.outer_count == 0)
        OV_TRY(of_one_list(cx, o.lists[0], body, pos, end_pos, out, err));
    else
        OV_TRY(of_combinations(&o, body, pos, end_pos, out, err));
    if ((*out)->type.id != OV_TYPE_ARRAY)
        return OV_OK;
    return ovi_call_fn(cx, "$ONE_VALUE", out, 1, pos, end_pos, out, err);
}

ov_status ov_expr_any_single(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    *out = e;
    if (!e->single)
        return OV_OK;
    OV_TRY(ovi_reduce(cx, e->single, e->pos, e->end_pos, out, err));
    return ovi_with_single(cx, *out, e->single, out, err);
}

/* ---- $ONE_VALUE(list[, what]): its value when it has one; of several there is none, or they are refused ---- */

ov_status ovi_bind_one_value(ovi_bind *b, ov_error *err)
{
    ov_type type = ovi_elem_type(b->args[0]);
    ovi_result(b, ovi_elem_sql(b->args[0]));
    b->type = type;
    b->nullable = true;
    (void)err;
    return OV_OK;
}

static bool is_one_value(const ov_expr *e)
{
    return e->single && strcmp(ov_expr_function(e), "$ONE_VALUE") == 0;
}

ov_status ov_expr_all_values(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *other, const ov_expr **out, ov_error *err)
{
    ov_expr *list;
    *out = other;
    if (!is_one_value(e))
        return OV_OK;
    OV_TRY(ov_expr_copy(cx->arena, e->args[0], &list, err));
    list->type.multi = 1;
    *out = list;
    return OV_OK;
}

ov_status ov_expr_one_value(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[2];
    *out = e;
    if (!is_one_value(e))
        return OV_OK;
    args[0] = e->args[0];
    OV_TRY(ov_expr_str(cx, OV_SQL_VARCHAR, ov_slice_cstr(ov_sqltype_name((ov_sqltype)e->sql)), &args[1], err));
    OV_TRY(ovi_call_fn(cx, "$ONE_VALUE", args, 2, e->pos, e->end_pos, out, err));
    return ov_expr_retype(cx, *out, (ov_sqltype)e->sql, out, err);
}

ov_status ovi_eval_one_value(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        ovi_items items = ovi_items_of(&c->arg[0], r);
        if (c->argc == 2 && items.end - items.first > 1)
            return ov_fail(err, OV_INVALID,
                           "Cannot coerce a list to type [" OV_SLICE_FMT "]: a multi-value string has %u values in a row, and each gives one; "
                           "CAST(... AS VARCHAR) shows them, UNNEST(MV_TO_ARRAY(...)) makes a row of each value",
                           OV_SLICE_ARG(ovi_str(&c->arg[1], r)), items.end - items.first);
        if (items.end - items.first != 1 || ov_vec_is_null(items.vec, items.first))
            ovi_null_row(&l, r);
        else if (ov_type_is_int(c->e->type))
            l.i[r] = ov_vec_i64(items.vec, items.first);
        else
            l.f[r] = ov_vec_f64(items.vec, items.first);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* ---- $OR_NULL(list): one NULL where there is nothing; $TEXTS(list): the reverse, as a multi-value string ---- */

ov_status ovi_bind_texts(ovi_bind *b, ov_error *err)
{
    (void)err;
    ovi_result_multi(b);
    b->nullable = true;
    return OV_OK;
}

ov_status ovi_eval_texts(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n, at;
    ovi_list l;
    bool add = strcmp(c->e->fn->name, "$OR_NULL") == 0;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_list_init(&l, c, OV_T(OV_TYPE_STRING), err));
    for (uint32_t k = 0; k < n; k++) {
        ovi_items items = ovi_items_of(&c->arg[0], rows[k]);
        bool none = items.end == items.first;
        bool null = items.end - items.first == 1 && ov_vec_is_null(items.vec, items.first);
        if (!add && (null || ovi_arg_null(&c->arg[0], rows[k])))
            continue;
        ovi_list_row(&l, rows[k]);
        OV_TRY(ovi_list_put_all(&l, &items, err));
        if (!add || !none)
            continue;
        OV_TRY(ovi_list_add(&l, &at, err));
        ov_bits_clear(l.lanes.valid, at);
    }
    return ovi_list_finish(&l, out, err);
}
