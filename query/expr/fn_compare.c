/*
 * = <> < <= > >= BETWEEN, IS [NOT] DISTINCT FROM.
 *
 * A comparison with a constant becomes a range of values at bind time ("x < 5" is [MIN, 4]; "x > 99.5" over integers is
 * [100, MAX]). What happens at run time is in compare_run.c.
 */
#include "query/expr/list_int.h"

#include <math.h>
#include <stdio.h>

static ov_op flipped(ov_op op)
{
    switch (op) {
    case OV_OP_LT:
        return OV_OP_GT;
    case OV_OP_LE:
        return OV_OP_GE;
    case OV_OP_GT:
        return OV_OP_LT;
    case OV_OP_GE:
        return OV_OP_LE;
    default:
        return op;
    }
}

static const ov_function *function_of(ov_op op)
{
    static const char *const names[] = {[OV_OP_EQ] = "=", [OV_OP_NE] = "<>", [OV_OP_LT] = "<",
                                        [OV_OP_LE] = "<=", [OV_OP_GT] = ">", [OV_OP_GE] = ">="};
    return ovi_function_find(ov_slice_cstr(names[op]));
}

/* Text beside a number: a whole number when it is written as one and the other side is whole too. */
static ov_status text_to_number(ovi_bind *b, uint32_t i, ov_error *err)
{
    const ov_expr *e = b->args[i], *other = b->args[1 - i];
    int64_t v;
    double f;
    if (ovi_is_const(e) && !ovi_is_null(e) && ov_type_is_int(other->type) &&
        ovi_text_to_long(e->constant.s, &v) && ovi_text_to_double(e->constant.s, &f) &&
        (double)v == f)
        return ov_expr_i64(b->cx, OV_SQL_BIGINT, v, &b->args[i], err);
    return ovi_want(b, i, OV_SQL_DOUBLE, err);
}

/* A column of text that equals a number, or does not: the number as text, as Druid's filters have it. So a text that is no
 * number differs from all of them. */
static ov_status text_column_beside_number(ovi_bind *b, ov_error *err)
{
    bool equality = b->fn->op == OV_OP_EQ || b->fn->op == OV_OP_NE;
    for (uint32_t i = 0; i < 2 && equality; i++) {
        const ov_expr *e = b->args[i], **other = &b->args[1 - i];
        if (e->kind == OV_EXPR_COLUMN && ov_sqltype_is_text((ov_sqltype)e->sql) && ovi_is_const(*other) &&
            !ovi_is_null(*other) && ov_sqltype_is_number((ov_sqltype)(*other)->sql))
            return ovi_want(b, 1 - i, OV_SQL_VARCHAR, err);
    }
    return OV_OK;
}

static ov_status not_comparable(ovi_bind *b, ov_error *err)
{
    char form[80];
    snprintf(form, sizeof form, "<COMPARABLE_TYPE> %s <COMPARABLE_TYPE>", b->fn->name);
    return ovi_wrong_types(b, form, err);
}

/* Casts both sides to what they are compared in. */
static ov_status meet_sides(ovi_bind *b, ov_error *err)
{
    OV_TRY(text_column_beside_number(b, err));
    for (uint32_t i = 0; i < 2; i++) {
        const ov_expr *e = b->args[i], *other = b->args[1 - i];
        ov_sqltype t = (ov_sqltype)e->sql, u = (ov_sqltype)other->sql;
        if (t == OV_SQL_NULL && u == OV_SQL_NULL)
            OV_TRY(ovi_want(b, i, OV_SQL_BIGINT, err));
        else if (t == OV_SQL_NULL)
            OV_TRY(ov_expr_null(b->cx, u, &b->args[i], err));
        else if (ov_sqltype_is_text(t) && ov_sqltype_is_number(u))
            OV_TRY(text_to_number(b, i, err));
        else if (ov_sqltype_is_text(t) && ov_sqltype_is_datetime(u))
            OV_TRY(ovi_want(b, i, OV_SQL_TIMESTAMP, err));
        else if (ov_sqltype_is_text(t) && u == OV_SQL_BOOLEAN)
            OV_TRY(ovi_want(b, i, OV_SQL_BOOLEAN, err));
    }
    const ov_expr *l = b->args[0], *r = b->args[1];
    bool text_l = l->type.id == OV_TYPE_STRING, text_r = r->type.id == OV_TYPE_STRING;
    bool interval_l = l->sql == OV_SQL_INTERVAL_MS || l->sql == OV_SQL_INTERVAL_MONTH;
    if (text_l != text_r || (interval_l && l->sql != r->sql))
        return not_comparable(b, err);
    if (text_l)
        return OV_OK;
    /* whole number beside a fraction: kept apart when one of them is a constant, see exact_range */
    if (ov_type_is_int(l->type) != ov_type_is_int(r->type) && !ovi_is_const(r) && !ovi_is_const(l))
        for (uint32_t i = 0; i < 2; i++)
            if (ov_type_is_int(b->args[i]->type))
                OV_TRY(ovi_want(b, i, OV_SQL_DOUBLE, err));
    return OV_OK;
}

static void long_range(ovi_cmp *c, int64_t v)
{
    c->lo = INT64_MIN;
    c->hi = INT64_MAX;
    switch ((ov_op)c->op) {
    case OV_OP_NE:
        c->negate = true;
        c->lo = c->hi = v;
        break;
    case OV_OP_LT:
        c->never = v == INT64_MIN;
        c->hi = c->never ? v : v - 1;
        break;
    case OV_OP_LE:
        c->hi = v;
        break;
    case OV_OP_GT:
        c->never = v == INT64_MAX;
        c->lo = c->never ? v : v + 1;
        break;
    case OV_OP_GE:
        c->lo = v;
        break;
    default:
        c->lo = c->hi = v;
        break;
    }
}

static void double_range(ovi_cmp *c, double v)
{
    c->flo = -INFINITY;
    c->fhi = INFINITY; /* all that is not NaN */
    ov_op op = (ov_op)c->op;
    c->negate = op == OV_OP_GT || op == OV_OP_GE || op == OV_OP_NE; /* then NaN is inside */
    bool below = op == OV_OP_LT || op == OV_OP_GE;                  /* the range is "< v" */
    if (isnan(v)) {
        if (op == OV_OP_EQ || op == OV_OP_NE) /* is NaN = not in [-inf, inf] */
            c->negate = op == OV_OP_EQ;
        else if (!below) { /* <= NaN holds for all */
            c->never = true;
            c->negate = !c->negate;
        }
        return;
    }
    if (op == OV_OP_EQ || op == OV_OP_NE) {
        c->flo = c->fhi = v;
    } else if (!below) {
        c->fhi = v;
    } else {
        c->never = v == -INFINITY;
        c->fhi = nextafter(v, -INFINITY);
    }
}

/* Whole numbers against a fraction, without rounding either. */
static void exact_range(ovi_cmp *c, double v)
{
    ov_op op = (ov_op)c->op;
    c->lo = INT64_MIN;
    c->hi = INT64_MAX;
    c->negate = op == OV_OP_GT || op == OV_OP_GE || op == OV_OP_NE;
    bool below = op == OV_OP_LT || op == OV_OP_GE;
    if (op == OV_OP_EQ || op == OV_OP_NE) {
        c->never = !(v >= -0x1p63 && v < 0x1p63 && v == floor(v));
        if (!c->never)
            c->lo = c->hi = (int64_t)v;
        return;
    }
    if (isnan(v) || v >= 0x1p63) /* every whole number is less */
        return;
    double edge = below ? ceil(v) : floor(v);
    c->never = edge < -0x1p63 || (below && edge == -0x1p63);
    if (!c->never)
        c->hi = (int64_t)edge - below;
}

static ov_status prepare_range(ovi_bind *b, ov_error *err)
{
    const ov_expr *l = b->args[0], *r = b->args[1];
    if (!ovi_is_const(r) || l->type.id == OV_TYPE_STRING)
        return OV_OK;
    ovi_cmp *c;
    OV_TRY(ovi_prepare(b, sizeof *c, &c, err));
    c->op = b->fn->op;
    c->has_const = true;
    if (ov_type_is_int(l->type) && ov_type_is_int(r->type))
        long_range(c, r->constant.i);
    else if (ov_type_is_int(l->type))
        exact_range(c, r->constant.f);
    else
        double_range(c, ov_type_is_int(r->type) ? (double)r->constant.i : r->constant.f);
    return OV_OK;
}

static bool is_json(const ov_expr *e)
{
    return e->type.id == OV_TYPE_COMPLEX && e->type.complex == OV_COMPLEX_JSON;
}

/* Two JSON values are equal when their texts are; they have no order, and nothing else is compared with them. */
static ov_status complex_sides(ovi_bind *b, ov_error *err)
{
    const ov_expr *l = b->args[0], *r = b->args[1];
    if (l->type.id != OV_TYPE_COMPLEX && r->type.id != OV_TYPE_COMPLEX)
        return OV_OK;
    if (l->sql == OV_SQL_NULL || r->sql == OV_SQL_NULL)
        return ov_expr_null(b->cx, OV_SQL_BOOLEAN, &b->replace, err);
    if ((b->fn->op != OV_OP_EQ && b->fn->op != OV_OP_NE) || !is_json(l) || !is_json(r))
        return not_comparable(b, err);
    for (int i = 0; i < 2; i++)
        OV_TRY(ovi_call_fn(b->cx, "TO_JSON_STRING", &b->args[i], 1, b->pos, b->end_pos, &b->args[i], err));
    return OV_OK;
}

/* Arrays are compared by their order against 0; a NULL beside one is unknown. */
static ov_status array_sides(ovi_bind *b, bool *done, ov_error *err)
{
    bool left = b->args[0]->type.id == OV_TYPE_ARRAY, right = b->args[1]->type.id == OV_TYPE_ARRAY;
    const ov_expr *sides[2];
    *done = false;
    if (!left && !right)
        return OV_OK;
    *done = true;
    for (int i = 0; i < 2; i++)
        if (b->args[i]->sql == OV_SQL_NULL)
            return ov_expr_null(b->cx, OV_SQL_BOOLEAN, &b->replace, err);
    if (!left || !right)
        return not_comparable(b, err);
    for (uint32_t i = 0; i < 2; i++) /* numbers beside texts are texts */
        if (ovi_elem_type(b->args[1 - i]).id == OV_TYPE_STRING && ovi_elem_type(b->args[i]).id < OV_TYPE_STRING)
            OV_TRY(ovi_want_list_of(b, i, OV_SQL_VARCHAR, err));
    OV_TRY(ovi_call_fn(b->cx, "$ARRAY_ORDER", b->args, 2, b->pos, b->end_pos, &sides[0], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 0, &sides[1], err));
    return ovi_call_fn(b->cx, b->fn->name, sides, 2, b->pos, b->end_pos, &b->replace, err);
}

/* A FLOAT that equals a constant which no FLOAT is: 0.1 means the FLOAT that it becomes as well, as in Druid's filters. */
static ov_status float_beside_constant(ovi_bind *b, ov_error *err)
{
    const ov_expr *value = b->args[1], *two[2] = {value};
    bool equality = b->fn->op == OV_OP_EQ || b->fn->op == OV_OP_NE;
    if (!equality || b->args[0]->type.id != OV_TYPE_FLOAT || !ovi_is_const(value) || ovi_is_null(value) ||
        !ov_type_is_real(value->type) || isnan(value->constant.f) || ov_float_near(value->constant.f) == value->constant.f)
        return OV_OK;
    OV_TRY(ov_expr_f64(b->cx, OV_SQL_DOUBLE, ov_float_near(value->constant.f), &two[1], err));
    OV_TRY(ov_expr_in(b->cx, b->args[0], two, 2, b->pos, b->end_pos, &b->replace, err));
    if (b->fn->op == OV_OP_EQ)
        return OV_OK;
    return ovi_call_fn(b->cx, "NOT", &b->replace, 1, b->pos, b->end_pos, &b->replace, err);
}

ov_status ovi_bind_compare(ovi_bind *b, ov_error *err)
{
    bool arrays;
    OV_TRY(array_sides(b, &arrays, err));
    if (arrays)
        return OV_OK;
    OV_TRY(complex_sides(b, err));
    if (b->replace)
        return OV_OK;
    if (ov_type_is_list(b->args[0]->type) || ov_type_is_list(b->args[1]->type))
        return ov_fail_at(err, OV_UNSUPPORTED, b->pos, b->end_pos,
                          "'%s' does not compare multi-value strings or arrays yet", b->fn->name);
    if (ovi_is_const(b->args[0]) && !ovi_is_const(b->args[1])) {
        const ov_expr *first = b->args[0];
        b->args[0] = b->args[1];
        b->args[1] = first;
        b->fn = function_of(flipped((ov_op)b->fn->op));
    }
    OV_TRY(meet_sides(b, err));
    ovi_result(b, OV_SQL_BOOLEAN);
    if (ovi_is_null(b->args[1]) && b->args[0]->deterministic)
        return ov_expr_null(b->cx, OV_SQL_BOOLEAN, &b->replace, err);
    OV_TRY(float_beside_constant(b, err));
    return b->replace ? OV_OK : prepare_range(b, err);
}

/* != is <> under another name. */
ov_status ovi_bind_compare_other_name(ovi_bind *b, ov_error *err)
{
    b->fn = function_of(OV_OP_NE);
    return ovi_bind_compare(b, err);
}

ov_status ovi_bind_between(ovi_bind *b, ov_error *err)
{
    bool symmetric = strstr(b->fn->name, "SYMMETRIC") != NULL;
    bool negate = strncmp(b->fn->name, "NOT", 3) == 0;
    const ov_expr *x = b->args[0], *lo = b->args[1], *hi = b->args[2], *both[2], *one;
    for (int turn = 0; turn < (symmetric ? 2 : 1); turn++) {
        const ov_expr *parts[2];
        OV_TRY(ovi_call_fn(b->cx, ">=", (const ov_expr *[]){x, turn ? hi : lo}, 2, b->pos,
                           b->end_pos, &parts[0], err));
        OV_TRY(ovi_call_fn(b->cx, "<=", (const ov_expr *[]){x, turn ? lo : hi}, 2, b->pos,
                           b->end_pos, &parts[1], err));
        OV_TRY(ovi_call_fn(b->cx, "AND", parts, 2, b->pos, b->end_pos, &both[turn], err));
    }
    one = both[0];
    if (symmetric)
        OV_TRY(ovi_call_fn(b->cx, "OR", both, 2, b->pos, b->end_pos, &one, err));
    if (negate)
        OV_TRY(ovi_call_fn(b->cx, "NOT", &one, 1, b->pos, b->end_pos, &one, err));
    b->replace = one;
    return OV_OK;
}

/* Written out with what there is: (a = b) IS TRUE OR (a IS NULL AND b IS NULL). */
ov_status ovi_bind_distinct_from(ovi_bind *b, ov_error *err)
{
    bool negate = strstr(b->fn->name, "NOT") != NULL; /* IS NOT DISTINCT FROM: equal */
    const ov_expr *l = b->args[0], *r = b->args[1], *same, *nulls[2], *either[2];
    if (ovi_is_null(l)) {
        l = r;
        r = b->args[0];
    }
    if (ovi_is_null(r)) {
        OV_TRY(ovi_call_fn(b->cx, "IS NULL", &l, 1, b->pos, b->end_pos, &same, err));
    } else {
        OV_TRY(ovi_call_fn(b->cx, "=", (const ov_expr *[]){l, r}, 2, b->pos, b->end_pos, &same, err));
        OV_TRY(ovi_call_fn(b->cx, "IS TRUE", &same, 1, b->pos, b->end_pos, &either[0], err));
        OV_TRY(ovi_call_fn(b->cx, "IS NULL", &l, 1, b->pos, b->end_pos, &nulls[0], err));
        OV_TRY(ovi_call_fn(b->cx, "IS NULL", &r, 1, b->pos, b->end_pos, &nulls[1], err));
        OV_TRY(ovi_call_fn(b->cx, "AND", nulls, 2, b->pos, b->end_pos, &either[1], err));
        OV_TRY(ovi_call_fn(b->cx, "OR", either, 2, b->pos, b->end_pos, &same, err));
    }
    if (!negate)
        OV_TRY(ovi_call_fn(b->cx, "NOT", &same, 1, b->pos, b->end_pos, &same, err));
    b->replace = same;
    return OV_OK;
}
