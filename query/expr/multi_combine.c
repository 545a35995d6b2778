/*
 * Functions of a multi-value string and other columns, or of several multi-value strings: applied to every element, or every combination of
 * elements, beside the row's other values. Texts become a multi-value string again, a condition is true when it is of some combination.
 */
#include "query/expr/expr_int.h"

typedef struct operands {
    ov_expr_ctx *cx;
    const ov_expr **lists, **outer; /* each once */
    uint32_t list_count, outer_count;
} operands;

static bool is_multi(const ov_expr *e)
{
    return e->type.id == OV_TYPE_STRING && e->type.multi;
}

static uint32_t place_of(const ov_expr *const *all, uint32_t count, const ov_expr *e)
{
    uint32_t i = 0;
    while (i < count && !ov_expr_equal(all[i], e))
        i++;
    return i;
}

static ov_status collect(operands *o, const ovi_bind *b, ov_error *err)
{
    OV_TRY(ov_arena_alloc(o->cx->arena, b->argc * sizeof *o->lists, &o->lists, err));
    OV_TRY(ov_arena_alloc(o->cx->arena, b->argc * sizeof *o->outer, &o->outer, err));
    for (uint32_t i = 0; i < b->argc; i++) {
        const ov_expr *e = b->args[i];
        if (is_multi(e) && place_of(o->lists, o->list_count, e) == o->list_count)
            o->lists[o->list_count++] = e;
        else if (!is_multi(e) && !ovi_is_const(e) && place_of(o->outer, o->outer_count, e) == o->outer_count)
            o->outer[o->outer_count++] = e;
    }
    return OV_OK;
}

/* The argument inside the lambda: an element of a list, or a value from outside. */
static ov_status inside(const operands *o, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    *out = e;
    if (ovi_is_const(e))
        return OV_OK;
    if (is_multi(e))
        return ov_expr_column(o->cx, place_of(o->lists, o->list_count, e), OV_T(OV_TYPE_STRING), OV_SQL_VARCHAR, true, out, err);
    uint32_t column = o->list_count + place_of(o->outer, o->outer_count, e);
    if (e->type.id == OV_TYPE_ARRAY)
        return ov_expr_array_column(o->cx, column, e->type, (ov_sqltype)e->elem_sql, true, out, err);
    return ov_expr_column(o->cx, column, e->type, (ov_sqltype)e->sql, true, out, err);
}

/* 1 among the values: true; nothing but 0: false; otherwise unknown. */
static ov_status some_is_true(const ovi_bind *b, const ov_expr *values, const ov_expr **out, ov_error *err)
{
    const ov_expr *sides[2] = {values, NULL}, *parts[5], *both[2];
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 1, &sides[1], err));
    OV_TRY(ovi_call_fn(b->cx, "ARRAY_CONTAINS", sides, 2, b->pos, b->end_pos, &parts[0], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BOOLEAN, 1, &parts[1], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 0, &sides[1], err));
    OV_TRY(ovi_call_fn(b->cx, "ARRAY_CONTAINS", sides, 2, b->pos, b->end_pos, &both[0], err));
    OV_TRY(ov_expr_null(b->cx, OV_SQL_BIGINT, &sides[1], err));
    OV_TRY(ovi_call_fn(b->cx, "ARRAY_CONTAINS", sides, 2, b->pos, b->end_pos, &both[1], err));
    OV_TRY(ovi_call_fn(b->cx, "NOT", &both[1], 1, b->pos, b->end_pos, &both[1], err));
    OV_TRY(ovi_call_fn(b->cx, "AND", both, 2, b->pos, b->end_pos, &parts[2], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BOOLEAN, 0, &parts[3], err));
    OV_TRY(ov_expr_null(b->cx, OV_SQL_BOOLEAN, &parts[4], err));
    return ovi_call_fn(b->cx, "CASE", parts, 5, b->pos, b->end_pos, out, err);
}

ov_status ovi_multi_combine(ovi_bind *b, const char *name, ov_error *err)
{
    operands o = {.cx = b->cx};
    const ov_expr **args, *body, *values;
    OV_TRY(collect(&o, b, err));
    OV_TRY(ov_arena_alloc(b->cx->arena, b->argc * sizeof *args, &args, err));
    for (uint32_t i = 0; i < b->argc; i++)
        OV_TRY(inside(&o, b->args[i], &args[i], err));
    OV_TRY(ovi_call_fn(b->cx, name, args, b->argc, b->pos, b->end_pos, &body, err));
    bool condition = body->sql == OV_SQL_BOOLEAN;
    if (condition)
        OV_TRY(ov_expr_cast(b->cx, body, OV_SQL_BIGINT, OV_T(OV_TYPE_LONG), b->pos, b->end_pos, &body, err));
    else if (body->type.id != OV_TYPE_STRING)
        return ov_fail_at(err, OV_UNSUPPORTED, b->pos, b->end_pos,
                          "'%s' of a multi-value string would be a list of %s, which is not supported yet", b->fn->name,
                          ov_sqltype_name((ov_sqltype)body->sql));
    ov_lambda map = {.kind = OV_LAMBDA_MAP, .lists = o.lists, .list_count = o.list_count, .outer = o.outer, .outer_count = o.outer_count, .body = body};
    ov_status st = ov_expr_lambda(b->cx, &map, &values, err);
    if (st != OV_OK && !err->has_pos) {
        ov_error why = *err;
        return ov_fail_at(err, st, b->pos, b->end_pos, "%s", why.text);
    }
    OV_TRY(st);
    if (condition)
        return some_is_true(b, values, &b->replace, err);
    return ovi_call_fn(b->cx, "ARRAY_TO_MV", &values, 1, b->pos, b->end_pos, &b->replace, err);
}
