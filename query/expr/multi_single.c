/*
 * Expressions over single values of multi-value strings. Druid applies an expression to every value of the multi-value strings that it
 * reads as single ones, and to every combination of the values of several. So beside what a call comes to for a row there is the call
 * over single values (`single` of its node), in which $ELEMENT(list) stands for one value; the calls around it are bound over that one.
 *
 *   LENGTH(tags) > 3        row: $ONE_VALUE($EACH(tags: LENGTH($0))) > 3        single: LENGTH($ELEMENT(tags)) > 3
 *   CASE WHEN tags = 'a'    row: $EACH(tags: CASE($0 = 'a', ...))               single: CASE($ELEMENT(tags) = 'a', ...)
 *   tags = 'a' AND tags = 'b'    row: both are true of some value               single: both are true of one
 */
#include "query/expr/expr_int.h"

static bool is_multi(const ov_expr *e)
{
    return e->type.id == OV_TYPE_STRING && e->type.multi;
}

bool ovi_is_element(const ov_expr *e)
{
    return e->kind == OV_EXPR_CALL && strcmp(e->fn->name, "$ELEMENT") == 0;
}

const ov_expr *ov_expr_element_of(const ov_expr *e)
{
    return ovi_is_element(e) ? e->args[0] : NULL;
}

bool ovi_has_element(const ov_expr *e)
{
    if (ovi_is_element(e))
        return true;
    for (uint32_t i = 0; i < e->argc; i++)
        if (ovi_has_element(e->args[i]))
            return true;
    return false;
}

static ov_status element_of(ov_expr_ctx *cx, const ov_expr *list, const ov_expr **out, ov_error *err)
{
    ov_expr *e;
    OV_TRY(ovi_node(cx, OV_EXPR_CALL, OV_SQL_VARCHAR, OV_T(OV_TYPE_STRING), &e, err));
    e->fn = ovi_function_find(OV_SLICE_LIT("$ELEMENT"));
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *e->args, &e->args, err));
    e->args[0] = list;
    e->argc = 1;
    e->nullable = true;
    e->deterministic = list->deterministic;
    e->only_column = list->only_column;
    *out = e;
    return OV_OK;
}

ov_status ovi_single(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    *out = e->single;
    if (e->single || !is_multi(e))
        return OV_OK;
    return element_of(cx, e, out, err);
}

ov_status ovi_with_single(ov_expr_ctx *cx, const ov_expr *e, const ov_expr *single, const ov_expr **out, ov_error *err)
{
    ov_expr *copy;
    *out = e;
    if (e->single || ovi_is_const(e) || !ovi_has_element(single))
        return OV_OK;
    OV_TRY(ov_expr_copy(cx->arena, e, &copy, err));
    copy->single = single;
    *out = copy;
    return OV_OK;
}

ov_status ov_expr_settled(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    ov_expr *copy;
    *out = e;
    if (!e->single)
        return OV_OK;
    OV_TRY(ov_expr_copy(cx->arena, e, &copy, err));
    *out = copy;
    return OV_OK;
}

/* ---- what a call over single values means for a row ---- */

/* <> and NOT forms mean "not any", never "any not". */
static const char *positive_form(const ov_function *fn)
{
    if (fn->op == OV_OP_NE)
        return "=";
    if (fn->op == OV_OP_IS_NOT_NULL)
        return "IS NULL";
    return strncmp(fn->name, "NOT ", 4) == 0 ? fn->name + 4 : NULL;
}

/* Decided once a row: conditions put together of conditions, and whether there is a value at all. */
static bool joins_conditions(const ov_function *fn)
{
    switch ((ov_op)fn->op) {
    case OV_OP_AND:
    case OV_OP_OR:
    case OV_OP_NOT:
    case OV_OP_IS_NULL:
    case OV_OP_IS_NOT_NULL:
    case OV_OP_IS_TRUE:
        return true;
    default:
        return fn->max_args == 1 && strncmp(fn->name, "IS ", 3) == 0;
    }
}

/* These may choose among whole lists as well. */
static bool chooses(const ov_function *fn)
{
    return fn->op == OV_OP_CASE || fn->op == OV_OP_COALESCE || strcmp(fn->name, "IF") == 0 || strcmp(fn->name, "NULLIF") == 0;
}

/* Numbers made of multi-value strings beside constants: the row has one number or none. */
static bool only_numbers(const ovi_bind *b)
{
    for (uint32_t i = 0; i < b->argc; i++) {
        const ov_expr *e = b->args[i];
        bool number = e->single && e->sql != OV_SQL_BOOLEAN && (ov_type_is_int(e->type) || ov_type_is_real(e->type));
        if (!number && (is_multi(e) || !ovi_is_const(e)))
            return false;
    }
    return true;
}

/* A condition that takes texts (LIKE) has them of numbers: each value's, not the row's. */
static bool reads_text(const ov_expr *single)
{
    while (single->kind == OV_EXPR_CALL && single->fn->op == OV_OP_NOT)
        single = single->args[0];
    for (uint32_t i = 0; i < single->argc; i++)
        if (!ovi_is_const(single->args[i]) && ov_sqltype_is_text((ov_sqltype)single->args[i]->sql))
            return true;
    return false;
}

/* Somewhere in e, but for elements of it, the whole of `list` is read. */
static bool reads_whole(const ov_expr *e, const ov_expr *list)
{
    if (ovi_is_element(e))
        return false;
    if (is_multi(e) && ov_expr_equal(e, list))
        return true;
    for (uint32_t i = 0; i < e->argc; i++)
        if (reads_whole(e->args[i], list))
            return true;
    return false;
}

enum { FEW_LISTS = 16, MOST_PARTS = 1 << 18 };

/* The lists of e's elements, each once. */
static uint32_t lists_of(const ov_expr *e, const ov_expr *lists[FEW_LISTS], uint32_t n)
{
    if (ovi_is_element(e)) {
        for (uint32_t i = 0; i < n; i++)
            if (ov_expr_equal(lists[i], e->args[0]))
                return n;
        if (n < FEW_LISTS)
            lists[n++] = e->args[0];
        return n;
    }
    for (uint32_t i = 0; i < e->argc; i++)
        n = lists_of(e->args[i], lists, n);
    return n;
}

/* Some list is read both whole and value by value (Druid refuses that). */
static bool is_mixed(const ov_expr *e)
{
    const ov_expr *lists[FEW_LISTS];
    uint32_t n = lists_of(e, lists, 0);
    for (uint32_t i = 0; i < n; i++)
        if (reads_whole(e, lists[i]))
            return true;
    return false;
}

static ov_status over_singles(const ovi_bind *b, const char *name, const ov_expr **out, ov_error *err)
{
    const ov_expr **args, *single;
    OV_TRY(ov_arena_alloc(b->cx->arena, (b->argc + (size_t)1) * sizeof *args, &args, err));
    for (uint32_t i = 0; i < b->argc; i++) {
        OV_TRY(ovi_single(b->cx, b->args[i], &single, err));
        args[i] = single ? single : b->args[i];
    }
    return ovi_call_fn(b->cx, name, args, b->argc, b->pos, b->end_pos, out, err);
}

static ov_status refuse(const ovi_bind *b, const ov_expr *single, ov_error *err)
{
    return ov_fail_at(err, OV_UNSUPPORTED, b->pos, b->end_pos,
                      "'%s' of a multi-value string would be a list of %s, which is not supported yet", b->fn->name,
                      ov_sqltype_name((ov_sqltype)single->sql));
}

/* b->replace: the row's value, from the call over single values. */
static ov_status reduce(ovi_bind *b, const ov_expr *single, ov_error *err)
{
    const char *positive = single->sql == OV_SQL_BOOLEAN ? positive_form(b->fn) : NULL;
    if (positive)
        OV_TRY(over_singles(b, positive, &single, err));
    OV_TRY(ovi_reduce(b->cx, single, b->pos, b->end_pos, &b->replace, err));
    return positive ? ovi_call_fn(b->cx, "NOT", &b->replace, 1, b->pos, b->end_pos, &b->replace, err) : OV_OK;
}

/* Numbers that go into lists and JSON: of several nothing can be made. */
static ov_status refuse_several(ovi_bind *b, ov_error *err)
{
    for (uint32_t i = 0; i < b->argc; i++)
        OV_TRY(ov_expr_one_value(b->cx, b->args[i], &b->args[i], err));
    return OV_OK;
}

/* What stands beside whole lists is the row's; as a text, too. */
static ov_status settle(ovi_bind *b, ov_error *err)
{
    for (uint32_t i = 0; i < b->argc; i++)
        if (!is_multi(b->args[i]))
            OV_TRY(ov_expr_settled(b->cx, b->args[i], &b->args[i], err));
    return OV_OK;
}

ov_status ovi_bind_multi(ovi_bind *b, bool each, const ov_expr **single, ov_error *err)
{
    bool any = false, multi = false;
    *single = NULL;
    for (uint32_t i = 0; i < b->argc; i++) {
        multi = multi || is_multi(b->args[i]);
        any = any || multi || b->args[i]->single;
    }
    if (!any || (chooses(b->fn) && !each))
        return OV_OK;
    if (b->fn->flags & OVI_LISTS) {
        if (each)
            OV_TRY(refuse_several(b, err));
        return settle(b, err);
    }
    ov_status st = over_singles(b, b->fn->name, single, err);
    if (st == OV_OK && ovi_parts(*single) > MOST_PARTS) /* whatever the statement's length: a value may have many combinations */
        return ov_fail_at(err, OV_LIMIT, b->pos, b->end_pos, "an expression over multi-value strings has more than %d parts", MOST_PARTS);
    bool made = st == OV_OK && ovi_can_reduce(*single);
    if (chooses(b->fn) && (!made || is_mixed(*single))) { /* among whole lists, or arrays */
        *single = NULL;
        return st == OV_NOMEM ? st : settle(b, err);
    }
    OV_TRY(st);
    if (!made && !multi) { /* arrays, and what is no simple value, of the row's numbers */
        *single = NULL;
        OV_TRY(refuse_several(b, err));
        return settle(b, err);
    }
    if (!made)
        return refuse(b, *single, err);
    bool null_test = b->fn->op == OV_OP_IS_NULL || b->fn->op == OV_OP_IS_NOT_NULL;
    if (null_test && multi && each) /* in a condition: is one of the values NULL */
        return reduce(b, *single, err);
    bool decides = chooses(b->fn) && (*single)->sql == OV_SQL_BOOLEAN; /* as the AND and OR it stands for */
    bool numbers = (*single)->sql == OV_SQL_BOOLEAN && only_numbers(b) && !reads_text(*single);
    if (joins_conditions(b->fn) || decides || numbers)
        return OV_OK;
    return reduce(b, *single, err);
}

ov_status ovi_multi_in(ov_expr_ctx *cx, const ov_expr *arg, const ov_expr *const *items, uint32_t count,
                       uint32_t pos, uint32_t end_pos, const ov_expr **out, ov_error *err)
{
    const ov_expr *element, *in;
    OV_TRY(ovi_single(cx, arg, &element, err));
    OV_TRY(ov_expr_in(cx, element, items, count, pos, end_pos, &in, err));
    if (is_multi(arg) || arg->sql == OV_SQL_BOOLEAN) {
        OV_TRY(ovi_reduce(cx, in, pos, end_pos, out, err));
    } else {
        OV_TRY(ov_expr_settled(cx, arg, &arg, err));
        OV_TRY(ov_expr_in(cx, arg, items, count, pos, end_pos, out, err));
    }
    return ovi_with_single(cx, *out, in, out, err);
}

ov_status ovi_multi_cast(ovi_bind *b, const ov_expr **single, ov_error *err)
{
    const ov_expr *e = b->args[0], *element;
    *single = NULL;
    OV_TRY(ovi_single(b->cx, e, &element, err));
    if (!element || ov_type_is_list(b->type) || b->type.id == OV_TYPE_COMPLEX || b->type.id == OV_TYPE_NULL)
        return OV_OK;
    OV_TRY(ov_expr_cast(b->cx, element, b->sql, b->type, b->pos, b->end_pos, single, err));
    if (is_multi(e) && ov_sqltype_is_text(b->sql)) /* lists have no width */
        return ov_expr_retype(b->cx, e, OV_SQL_VARCHAR, &b->replace, err);
    return ovi_reduce(b->cx, *single, b->pos, b->end_pos, &b->replace, err);
}
