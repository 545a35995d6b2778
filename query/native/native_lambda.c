/*
 * Functions that take a lambda: map, filter, fold, any, all, and map and fold over the combinations of several lists. The lambda's
 * parameters hide names from outside; what else it names comes along as a value beside the elements. Also here: what an accumulator is
 * to the expressions around it, in fold and in the aggregator `expression`.
 */
#include "query/native/native_int.h"
#include "query/plan/plan_build.h"

/* ---- accumulators ---- */

ov_status ovi_native_accumulator(ov_expr_ctx *cx, const ov_expr *like, uint32_t column, const ov_expr **out, ov_error *err)
{
    if (like->type.id != OV_TYPE_ARRAY)
        return ov_expr_column(cx, column, like->type, (ov_sqltype)like->sql, true, out, err);
    OV_TRY(ov_expr_column(cx, column, OV_T(OV_TYPE_STRING), OV_SQL_VARCHAR, true, out, err));
    return ov_plan_unpacked(cx, *out, like, out, err);
}

ov_status ovi_native_keep(ov_expr_ctx *cx, const ov_expr *like, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    *out = e;
    if (like->type.id != OV_TYPE_ARRAY) {
        if (ov_type_is_list(e->type))
            return ov_fail(err, OV_INVALID, "the accumulator is no array, but is made one; begin with an array, as in ARRAY<LONG>[]");
        if (e->type.id == OV_TYPE_NULL)
            return ov_expr_null(cx, (ov_sqltype)like->sql, out, err);
        if (ov_type_eq(e->type, like->type) && e->sql == like->sql)
            return OV_OK;
        return ov_expr_cast(cx, e, (ov_sqltype)like->sql, like->type, e->pos, e->end_pos, out, err);
    }
    if (e->type.id == OV_TYPE_NULL)
        return ov_expr_null(cx, OV_SQL_VARCHAR, out, err);
    if (!ov_type_eq(e->type, like->type))
        return ov_fail(err, OV_INVALID, "the accumulator is an array of %s, but is made something else",
                       ov_sqltype_name(ov_sqltype_of_native((ov_type_id)like->type.elem)));
    return ov_plan_packed(cx, e, out, err);
}

ov_status ovi_native_settle(ov_expr_ctx *cx, const ov_expr *initial, ovi_native_step step, void *self, const ov_expr **like,
                            const ov_expr **out, ov_error *err)
{
    OV_TRY(ov_plan_null_like(cx, initial, like, err));
    OV_TRY(step(self, *like, out, err));
    bool open = (*like)->type.id == OV_TYPE_NULL, wider = ov_type_is_int((*like)->type) && ov_type_is_real((*out)->type);
    if (open || wider) {
        OV_TRY(ov_plan_null_like(cx, *out, like, err));
        if ((*like)->type.id == OV_TYPE_NULL)
            OV_TRY(ov_expr_null(cx, OV_SQL_VARCHAR, like, err));
        OV_TRY(step(self, *like, out, err));
    }
    return ovi_native_keep(cx, *like, *out, out, err);
}

/* ---- the lambda ---- */

/* Names within a lambda: its parameters, then what is outside, as columns behind `inside`. */
typedef struct lambda {
    ovi_nbind *b;
    const ov_native *tree; /* parameters, then the body */
    const ov_expr **params; /* as columns */
    uint32_t inside;
    const ov_expr **outer, **outer_columns;
    ov_slice *outer_names;
    uint32_t outer_count, outer_room;
    ov_native_scope scope;
} lambda;

static ov_status add_outer(lambda *l, ov_slice name, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    ov_expr_ctx *cx = l->b->cx;
    uint32_t n = l->outer_count, column = l->inside + n;
    if (n == l->outer_room) {
        const ov_expr **outer, **columns;
        ov_slice *names;
        uint32_t room = OV_MAX(4u, 2 * n);
        OV_TRY(ov_arena_alloc(cx->arena, room * sizeof *outer, &outer, err));
        OV_TRY(ov_arena_alloc(cx->arena, room * sizeof *columns, &columns, err));
        OV_TRY(ov_arena_alloc(cx->arena, room * sizeof *names, &names, err));
        for (uint32_t i = 0; i < n; i++) {
            outer[i] = l->outer[i];
            columns[i] = l->outer_columns[i];
            names[i] = l->outer_names[i];
        }
        l->outer = outer;
        l->outer_columns = columns;
        l->outer_names = names;
        l->outer_room = room;
    }
    if (e->type.id == OV_TYPE_ARRAY)
        OV_TRY(ov_expr_array_column(cx, column, e->type, (ov_sqltype)e->elem_sql, true, out, err));
    else
        OV_TRY(ov_expr_column(cx, column, e->type, (ov_sqltype)e->sql, true, out, err));
    l->outer[n] = e;
    l->outer_columns[n] = *out;
    l->outer_names[n] = name;
    l->outer_count++;
    return OV_OK;
}

static ov_status find_name(void *ctx, ov_expr_ctx *cx, ov_slice name, const ov_expr **out, ov_error *err)
{
    lambda *l = ctx;
    for (uint32_t i = 0; i + 1 < l->tree->argc; i++)
        if (ov_slice_eq(l->tree->args[i]->text, name)) {
            *out = l->params[i];
            return OV_OK;
        }
    for (uint32_t i = 0; i < l->outer_count; i++)
        if (ov_slice_eq(l->outer_names[i], name)) {
            *out = l->outer_columns[i];
            return OV_OK;
        }
    *out = NULL;
    OV_TRY(l->b->scope->column(l->b->scope->ctx, cx, name, out, err));
    if (!*out || (*out)->kind == OV_EXPR_CONST)
        return OV_OK;
    OV_TRY(ovi_as_value(l->b, *out, out, err));
    return add_outer(l, name, *out, out, err);
}

/* args[0] of n, which takes `count` parameters. */
static ov_status open_lambda(ovi_nbind *b, const ov_native *n, uint32_t count, lambda *l, ov_error *err)
{
    const ov_native *tree = n->args[0];
    if (tree->kind != OV_NATIVE_LAMBDA || tree->argc != count + 1)
        return ov_fail_at(err, OV_INVALID, tree->pos, tree->end_pos,
                          "'" OV_SLICE_FMT "' takes a lambda of %u parameter%s first, as in %s", OV_SLICE_ARG(n->text), count,
                          count == 1 ? "" : "s", count == 1 ? "x -> x + 1" : "(x, y) -> x + y");
    *l = (lambda){.b = b, .tree = tree, .inside = count};
    l->scope = (ov_native_scope){.ctx = l, .column = find_name};
    return ov_arena_alloc(b->cx->arena, (count + (size_t)1) * sizeof *l->params, &l->params, err);
}

/* Arguments [1, 1 + count) of n as lists, and their elements as the first parameters. */
static ov_status open_lists(lambda *l, const ov_native *n, uint32_t count, const ov_expr ***lists, ov_error *err)
{
    ovi_nbind *b = l->b;
    OV_TRY(ov_arena_alloc(b->cx->arena, (count + (size_t)1) * sizeof **lists, lists, err));
    for (uint32_t i = 0; i < count; i++) {
        ov_type type;
        ov_sqltype sql;
        OV_TRY(ovi_native_value(b, n->args[1 + i], &(*lists)[i], err));
        if ((*lists)[i]->type.id == OV_TYPE_COMPLEX)
            return ov_fail_at(err, OV_INVALID, n->args[1 + i]->pos, n->args[1 + i]->end_pos, "expected a list");
        ov_expr_element((*lists)[i], &type, &sql);
        if (type.id == OV_TYPE_NULL) {
            OV_TRY(ov_expr_null(b->cx, OV_SQL_VARCHAR, &(*lists)[i], err));
            ov_expr_element((*lists)[i], &type, &sql);
        }
        OV_TRY(ov_expr_column(b->cx, i, type, ov_sqltype_of_native((ov_type_id)type.id), true, &l->params[i], err));
    }
    return OV_OK;
}

static ov_status finish(lambda *l, const ov_native *n, ov_lambda *made, const ov_expr **out, ov_error *err)
{
    made->outer = l->outer;
    made->outer_count = l->outer_count;
    ov_status st = ov_expr_lambda(l->b->cx, made, out, err);
    if (st == OV_OK)
        return OV_OK;
    ov_error why = *err;
    return ov_fail_at(err, st, n->pos, n->end_pos, "%s", why.text);
}

/* 1 where the lambda holds, 0 where it does not or cannot say. */
static ov_status bind_test(lambda *l, const ov_expr **out, ov_error *err)
{
    ovi_nbind inner = {.scope = &l->scope, .cx = l->b->cx};
    const ov_native *body = l->tree->args[l->tree->argc - 1];
    const ov_expr *parts[3];
    OV_TRY(ovi_native_truth(&inner, body, &parts[0], err));
    OV_TRY(ovi_native_long(&inner, 1, &parts[1], err));
    OV_TRY(ovi_native_long(&inner, 0, &parts[2], err));
    return ovi_native_apply(&inner, body, "CASE", parts, 3, out, err);
}

/* ---- the functions ---- */

/* map(lambda, list), cartesian_map(lambda, list, ...) */
ov_status ovi_native_map(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    lambda l;
    const ov_expr **lists;
    ov_lambda made = {.kind = OV_LAMBDA_MAP, .list_count = n->argc - 1};
    OV_TRY(open_lambda(b, n, made.list_count, &l, err));
    OV_TRY(open_lists(&l, n, made.list_count, &lists, err));
    OV_TRY(ov_native_bind(l.tree->args[l.tree->argc - 1], &l.scope, b->cx, &made.body, err));
    if (made.body->type.id == OV_TYPE_STRING && made.body->type.multi)
        OV_TRY(ovi_native_apply(b, n, "MV_TO_ARRAY", &made.body, 1, &made.body, err));
    if (ov_type_is_list(made.body->type)) /* an array of arrays holds JSON */
        OV_TRY(ovi_native_apply(b, n, "$TO_JSON", &made.body, 1, &made.body, err));
    if (made.body->type.id == OV_TYPE_NULL)
        OV_TRY(ov_expr_null(b->cx, OV_SQL_VARCHAR, &made.body, err));
    made.lists = lists;
    return finish(&l, n, &made, out, err);
}

/* filter(lambda, list) */
ov_status ovi_native_filter(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    lambda l;
    const ov_expr **lists;
    ov_lambda made = {.kind = OV_LAMBDA_FILTER, .list_count = 1};
    OV_TRY(open_lambda(b, n, 1, &l, err));
    OV_TRY(open_lists(&l, n, 1, &lists, err));
    OV_TRY(bind_test(&l, &made.body, err));
    made.lists = lists;
    return finish(&l, n, &made, out, err);
}

/* any(lambda, list), all(lambda, list): 0 of a NULL list */
ov_status ovi_native_quantified(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    lambda l;
    const ov_expr **lists, *sides[2];
    bool all = ov_slice_ieq(n->text, OV_SLICE_LIT("all"));
    ov_lambda made = {.kind = OV_LAMBDA_MAP, .list_count = 1};
    OV_TRY(open_lambda(b, n, 1, &l, err));
    OV_TRY(open_lists(&l, n, 1, &lists, err));
    OV_TRY(bind_test(&l, &made.body, err));
    made.lists = lists;
    OV_TRY(finish(&l, n, &made, &sides[0], err));
    OV_TRY(ovi_native_long(b, !all, &sides[1], err));
    OV_TRY(ovi_native_apply(b, n, "ARRAY_CONTAINS", sides, 2, &sides[0], err));
    if (all)
        OV_TRY(ovi_native_apply(b, n, "NOT", sides, 1, &sides[0], err));
    return ovi_native_apply(b, n, "IS TRUE", sides, 1, out, err);
}

static ov_status fold_step(void *self, const ov_expr *like, const ov_expr **out, ov_error *err)
{
    lambda *l = self;
    OV_TRY(ovi_native_accumulator(l->b->cx, like, l->inside - 1, &l->params[l->inside - 1], err));
    return ov_native_bind(l->tree->args[l->tree->argc - 1], &l->scope, l->b->cx, out, err);
}

/* fold(lambda, list, initial), cartesian_fold(lambda, list, ..., initial) */
ov_status ovi_native_fold(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    lambda l;
    const ov_expr **lists, *initial, *like;
    ov_lambda made = {.kind = OV_LAMBDA_FOLD, .list_count = n->argc - 2};
    OV_TRY(open_lambda(b, n, made.list_count + 1, &l, err));
    OV_TRY(open_lists(&l, n, made.list_count, &lists, err));
    OV_TRY(ovi_native_value(b, n->args[n->argc - 1], &initial, err));
    ov_status st = ovi_native_settle(b->cx, initial, fold_step, &l, &like, &made.body, err);
    if (st == OV_OK)
        st = ovi_native_keep(b->cx, like, initial, &made.initial, err);
    if (st != OV_OK && !err->has_pos) {
        ov_error why = *err;
        return ov_fail_at(err, st, n->pos, n->end_pos, "%s", why.text);
    }
    OV_TRY(st);
    made.lists = lists;
    OV_TRY(finish(&l, n, &made, out, err));
    return like->type.id == OV_TYPE_ARRAY ? ov_plan_unpacked(b->cx, *out, like, out, err) : OV_OK;
}
