/*
 * Identities of three-valued logic that need no evaluation. They keep the value of the expression for every row; an
 * argument is dropped only when that cannot hide an error the remaining ones would not raise either way.
 */
#include "query/expr/expr_int.h"

static ov_status remake(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **args, uint32_t argc,
                        ov_expr **out, ov_error *err)
{
    ov_expr *copy;
    OV_TRY(ov_expr_copy(cx->arena, e, &copy, err));
    copy->args = args;
    copy->argc = argc;
    copy->id = cx->next_id++;
    copy->only_column = OV_EXPR_NO_COLUMN;
    copy->deterministic = true;
    copy->nullable = false;
    for (uint32_t i = 0; i < argc; i++) {
        int32_t c = args[i]->only_column;
        copy->deterministic = copy->deterministic && args[i]->deterministic;
        copy->nullable = copy->nullable || args[i]->nullable;
        if (c != OV_EXPR_NO_COLUMN && c != copy->only_column)
            copy->only_column = copy->only_column == OV_EXPR_NO_COLUMN ? c : OV_EXPR_MANY_COLUMNS;
    }
    *out = copy;
    return OV_OK;
}

/* AND: TRUE goes, FALSE decides; OR the other way round. Repeated conditions go. */
static ov_status and_or(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    bool neutral = e->fn->op == OV_OP_AND;
    const ov_expr **args;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(cx->arena, (e->argc + 1) * sizeof *args, &args, err));
    for (uint32_t i = 0; i < e->argc; i++) {
        const ov_expr *a = e->args[i];
        if (ovi_is_const(a) && !ovi_is_null(a)) {
            if ((a->constant.i > 0) == neutral)
                continue;
            return ovi_bool(cx, !neutral, out, err);
        }
        bool seen = false;
        for (uint32_t j = 0; j < n && n < 32; j++)
            seen = seen || ov_expr_equal(args[j], a);
        if (!seen)
            args[n++] = a;
    }
    if (n == 0)
        return ovi_bool(cx, neutral, out, err);
    if (n == 1) {
        *out = args[0];
        return OV_OK;
    }
    if (n == e->argc)
        return OV_OK;
    ov_expr *fewer;
    OV_TRY(remake(cx, e, args, n, &fewer, err));
    *out = fewer;
    return OV_OK;
}

static ov_status negate(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    static const struct {
        uint8_t op;
        const char *inverse;
    } inverses[] = {{OV_OP_EQ, "<>"}, {OV_OP_NE, "="},       {OV_OP_LT, ">="},
                    {OV_OP_LE, ">"},  {OV_OP_GT, "<="},      {OV_OP_GE, "<"},
                    {OV_OP_IS_NULL, "IS NOT NULL"}, {OV_OP_IS_NOT_NULL, "IS NULL"}};
    const ov_expr *a = e->args[0];
    if (a->kind != OV_EXPR_CALL)
        return OV_OK;
    if (a->fn->op == OV_OP_NOT) {
        *out = a->args[0];
        return OV_OK;
    }
    for (size_t i = 0; i < OV_COUNT_OF(inverses); i++)
        if (a->fn->op == inverses[i].op)
            return ovi_call_fn(cx, inverses[i].inverse, a->args, a->argc, a->pos, a->end_pos, out,
                               err);
    return OV_OK;
}

static ov_status is_null(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    if (e->args[0]->nullable)
        return OV_OK;
    return ovi_bool(cx, e->fn->op == OV_OP_IS_NOT_NULL, out, err);
}

/* COALESCE: constant NULLs go, what stands after a value that is never NULL goes. */
static ov_status coalesce(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(cx->arena, (e->argc + 1) * sizeof *args, &args, err));
    for (uint32_t i = 0; i < e->argc; i++) {
        if (ovi_is_null(e->args[i]))
            continue;
        args[n++] = e->args[i];
        if (!e->args[i]->nullable)
            break;
    }
    if (n == 0)
        return ov_expr_null(cx, (ov_sqltype)e->sql, out, err);
    if (n == 1)
        return ov_expr_retype(cx, args[0], (ov_sqltype)e->sql, out, err);
    if (n == e->argc)
        return OV_OK;
    ov_expr *fewer;
    OV_TRY(remake(cx, e, args, n, &fewer, err));
    *out = fewer;
    return OV_OK;
}

/* CASE: branches that cannot be taken go, and so does everything after one that always is. */
static ov_status choose(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(cx->arena, (e->argc + 1) * sizeof *args, &args, err));
    uint32_t i = 0;
    for (; i + 1 < e->argc; i += 2) {
        const ov_expr *when = e->args[i];
        if (ov_expr_is_true(when)) {
            args[n++] = e->args[i + 1];
            break;
        }
        if (ovi_is_const(when))
            continue;
        args[n++] = when;
        args[n++] = e->args[i + 1];
    }
    if (i + 1 >= e->argc)
        args[n++] = e->args[e->argc - 1];
    if (n == 1)
        return ov_expr_retype(cx, args[0], (ov_sqltype)e->sql, out, err);
    if (n == e->argc)
        return OV_OK;
    ov_expr *fewer;
    OV_TRY(remake(cx, e, args, n, &fewer, err));
    fewer->nullable = args[n - 1]->nullable;
    for (uint32_t k = 1; k < n; k += 2)
        fewer->nullable = fewer->nullable || args[k]->nullable;
    *out = fewer;
    return ovi_case_labels(cx, args, n, (ov_sqltype)e->sql, &fewer->prepared, err);
}

ov_status ovi_simplify(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    *out = e;
    if (e->kind != OV_EXPR_CALL)
        return OV_OK;
    switch ((ov_op)e->fn->op) {
    case OV_OP_AND:
    case OV_OP_OR:
        return and_or(cx, e, out, err);
    case OV_OP_NOT:
        return negate(cx, e, out, err);
    case OV_OP_IS_NULL:
    case OV_OP_IS_NOT_NULL:
        return is_null(cx, e, out, err);
    case OV_OP_COALESCE:
        return coalesce(cx, e, out, err);
    case OV_OP_CASE:
        return choose(cx, e, out, err);
    default:
        return OV_OK;
    }
}
