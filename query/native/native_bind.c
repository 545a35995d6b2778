/*
 * Trees of the expression language to ov_expr. Functions come from a table (native_fns.c); here are names, literals,
 * operators, and the two ways to look at a value: as itself, and as a condition.
 */
#include "query/native/native_int.h"

#include <stdio.h>

#include "base/suggest.h"

static bool is_op(const ov_native *n, const char *text)
{
    return ov_slice_eq(n->text, ov_slice_cstr(text));
}

ov_status ovi_native_long(ovi_nbind *b, int64_t v, const ov_expr **out, ov_error *err)
{
    return ov_expr_i64(b->cx, OV_SQL_BIGINT, v, out, err);
}

ov_status ovi_native_apply(ovi_nbind *b, const ov_native *n, const char *name, const ov_expr **args, uint32_t argc,
                           const ov_expr **out, ov_error *err)
{
    return ov_expr_call_each(b->cx, ov_slice_cstr(name), args, argc, n ? n->pos : 0, n ? n->end_pos : 0, out, err);
}

/* ---- values and conditions ---- */

ov_status ovi_as_value(ovi_nbind *b, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    *out = e;
    if (e->sql == OV_SQL_BOOLEAN)
        return ov_expr_cast(b->cx, e, OV_SQL_BIGINT, OV_T(OV_TYPE_LONG), e->pos, e->end_pos, out, err);
    if (ov_sqltype_is_datetime((ov_sqltype)e->sql))
        return ov_expr_retype(b->cx, e, OV_SQL_BIGINT, out, err);
    return OV_OK;
}

ov_status ovi_as_text(ovi_nbind *b, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    OV_TRY(ovi_as_value(b, e, out, err));
    if (e->type.id == OV_TYPE_STRING)
        return OV_OK;
    return ov_expr_cast(b->cx, *out, OV_SQL_VARCHAR, OV_T(OV_TYPE_STRING), e->pos, e->end_pos, out, err);
}

ov_status ovi_as_truth(ovi_nbind *b, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    const ov_expr *sides[2] = {e, NULL};
    *out = e;
    if (e->sql == OV_SQL_BOOLEAN)
        return OV_OK;
    if (e->type.id == OV_TYPE_NULL)
        return ov_expr_null(b->cx, OV_SQL_BOOLEAN, out, err);
    if (e->type.id == OV_TYPE_STRING) {
        OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("LOWER"), &e, 1, e->pos, e->end_pos, &sides[0], err));
        OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, OV_SLICE_LIT("true"), &sides[1], err));
        return ov_expr_call(b->cx, OV_SLICE_LIT("="), sides, 2, e->pos, e->end_pos, out, err);
    }
    OV_TRY(ovi_as_value(b, e, &sides[0], err));
    OV_TRY(ovi_native_long(b, 0, &sides[1], err));
    return ov_expr_call(b->cx, OV_SLICE_LIT(">"), sides, 2, e->pos, e->end_pos, out, err);
}

ov_status ovi_native_value(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    OV_TRY(ovi_native_any(b, n, out, err));
    return ovi_as_value(b, *out, out, err);
}

ov_status ovi_native_truth(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    OV_TRY(ovi_native_any(b, n, out, err));
    return ovi_as_truth(b, *out, out, err);
}

ov_status ovi_native_values(ovi_nbind *b, const ov_native *n, const ov_expr ***out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(b->cx->arena, (n->argc + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < n->argc; i++)
        OV_TRY(ovi_native_value(b, n->args[i], &(*out)[i], err));
    return OV_OK;
}

/* ---- operators ---- */

static ov_status bind_unary(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr *inner;
    if (is_op(n, "!")) {
        OV_TRY(ovi_native_truth(b, n->args[0], &inner, err));
        return ovi_native_apply(b, n, "NOT", &inner, 1, out, err);
    }
    OV_TRY(ovi_native_value(b, n->args[0], &inner, err));
    return ovi_native_apply(b, n, "-", &inner, 1, out, err);
}

/* LONG to the power of LONG is LONG. */
static ov_status bind_power(ovi_nbind *b, const ov_native *n, const ov_expr **sides, const ov_expr **out,
                            ov_error *err)
{
    bool longs = ov_type_is_int(sides[0]->type) && ov_type_is_int(sides[1]->type);
    return ovi_native_apply(b, n, longs ? "$POWER_LONG" : "POWER", sides, 2, out, err);
}

static ov_status bind_binary(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr *sides[2];
    bool both = is_op(n, "&&"), either = is_op(n, "||");
    for (uint32_t i = 0; i < 2; i++)
        OV_TRY((both || either ? ovi_native_truth : ovi_native_value)(b, n->args[i], &sides[i], err));
    if (both || either)
        return ovi_native_apply(b, n, both ? "AND" : "OR", sides, 2, out, err);
    if (is_op(n, "^"))
        return bind_power(b, n, sides, out, err);
    if (is_op(n, "+") && sides[0]->type.id == OV_TYPE_STRING && sides[1]->type.id == OV_TYPE_STRING)
        return ovi_native_apply(b, n, "CONCAT", sides, 2, out, err);
    char name[3] = {n->text.p[0], n->text.n > 1 ? n->text.p[1] : 0, 0};
    if (is_op(n, "=="))
        name[1] = 0;
    else if (is_op(n, "!="))
        memcpy(name, "<>", 3);
    return ovi_native_apply(b, n, name, sides, 2, out, err);
}

/* ---- leaves and calls ---- */

static ov_status bind_name(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    *out = NULL;
    OV_TRY(b->scope->column(b->scope->ctx, b->cx, n->text, out, err));
    return *out ? OV_OK : ov_expr_null(b->cx, OV_SQL_NULL, out, err);
}

static ov_status check_call(const ov_native *n, const ovi_native_fn **out, ov_error *err)
{
    const ovi_native_fn *fn = *out = ovi_native_fn_find(n->text);
    if (!fn) {
        uint32_t count;
        const ovi_native_fn *all = ovi_native_fns(&count);
        ov_suggest near;
        char hint[OV_SUGGEST_BYTES];
        ov_suggest_init(&near, n->text);
        for (uint32_t i = 0; i < count; i++)
            ov_suggest_offer(&near, ov_slice_cstr(all[i].name));
        return ov_fail_at(err, OV_INVALID, n->pos, n->end_pos,
                          "the function '" OV_SLICE_FMT "' is not known here%s", OV_SLICE_ARG(n->text),
                          ov_suggest_text(&near, hint));
    }
    if ((int64_t)n->argc >= fn->min && (fn->max < 0 || (int64_t)n->argc <= fn->max))
        return OV_OK;
    char wanted[48];
    if (fn->max < 0)
        snprintf(wanted, sizeof wanted, "at least %d", fn->min);
    else if (fn->min == fn->max)
        snprintf(wanted, sizeof wanted, "%d", fn->min);
    else
        snprintf(wanted, sizeof wanted, "%d to %d", fn->min, fn->max);
    return ov_fail_at(err, OV_INVALID, n->pos, n->end_pos, "the function '%s' takes %s argument%s, found %u", fn->name,
                      wanted, fn->min == 1 && fn->max == 1 ? "" : "s", n->argc);
}

static ov_status bind_call(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ovi_native_fn *fn;
    const ov_expr **args;
    OV_TRY(check_call(n, &fn, err));
    if (fn->bind)
        return fn->bind(b, n, out, err);
    OV_TRY(ovi_native_values(b, n, &args, err));
    return ovi_native_apply(b, n, fn->sql, args, n->argc, out, err);
}

static ov_status bind_kind(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    switch (n->kind) {
    case OV_NATIVE_NULL:
        return ov_expr_null(b->cx, OV_SQL_NULL, out, err);
    case OV_NATIVE_LONG:
        return ovi_native_long(b, n->i, out, err);
    case OV_NATIVE_DOUBLE:
        return ov_expr_f64(b->cx, OV_SQL_DOUBLE, n->f, out, err);
    case OV_NATIVE_STRING:
        return ov_expr_str(b->cx, OV_SQL_VARCHAR, n->text, out, err);
    case OV_NATIVE_NAME:
        return bind_name(b, n, out, err);
    case OV_NATIVE_CALL:
        return bind_call(b, n, out, err);
    case OV_NATIVE_UNARY:
        return bind_unary(b, n, out, err);
    case OV_NATIVE_BINARY:
        return bind_binary(b, n, out, err);
    case OV_NATIVE_ARRAY:
        return ovi_native_list(b, n, out, err);
    case OV_NATIVE_LAMBDA:
        break;
    }
    return ov_fail_at(err, OV_INVALID, n->pos, n->end_pos,
                      "a lambda (x -> ...) is no value; it is the first argument of map, filter, any, all, fold and their cartesian kin");
}

ov_status ovi_native_any(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    if (b->scope->node) {
        *out = NULL;
        OV_TRY(b->scope->node(b->scope->ctx, b->cx, n, out, err));
        if (*out)
            return OV_OK;
    }
    return bind_kind(b, n, out, err);
}

ov_status ov_native_bind(const ov_native *tree, const ov_native_scope *scope, ov_expr_ctx *cx, const ov_expr **out,
                         ov_error *err)
{
    ovi_nbind b = {.scope = scope, .cx = cx};
    return ovi_native_value(&b, tree, out, err);
}

ov_status ov_native_bind_truth(const ov_native *tree, const ov_native_scope *scope, ov_expr_ctx *cx,
                               const ov_expr **out, ov_error *err)
{
    ovi_nbind b = {.scope = scope, .cx = cx};
    return ovi_native_truth(&b, tree, out, err);
}

static ov_status check_node(void *ctx, const ov_native *n, ov_error *err)
{
    const ovi_native_fn *fn;
    (void)ctx;
    return n->kind == OV_NATIVE_CALL ? check_call(n, &fn, err) : OV_OK;
}

ov_status ov_native_check(const ov_native *tree, ov_error *err)
{
    return ov_native_walk(tree, check_node, NULL, err);
}
