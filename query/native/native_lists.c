/*
 * Array and multi-value functions of the expression language. Most are SQL's under other names; here is what the type of
 * the argument decides: array_... of a multi-value text is the MV_ function of that name.
 */
#include "query/native/native_int.h"

#include <stdio.h>

static bool is_multi(const ov_expr *e)
{
    return e->type.id == OV_TYPE_STRING && e->type.multi;
}

/* ARRAY_X, or MV_X when an argument is a multi-value text. */
ov_status ovi_native_list_call(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    char name[64] = "ARRAY_";
    size_t at = strlen("ARRAY_");
    bool multi = false;
    OV_TRY(ovi_native_values(b, n, &args, err));
    for (uint32_t i = 0; i < n->argc; i++)
        multi |= is_multi(args[i]);
    if (multi)
        at = (size_t)snprintf(name, sizeof name, "MV_");
    for (size_t i = strlen("array_"); i < n->text.n && at + 1 < sizeof name; i++)
        name[at++] = (char)(n->text.p[i] >= 'a' && n->text.p[i] <= 'z' ? n->text.p[i] - 32 : n->text.p[i]);
    name[at] = 0;
    return ovi_native_apply(b, n, name, args, n->argc, out, err);
}

/* The SQL type of elements that are called LONG, DOUBLE or STRING; OV_SQL_NULL for another word. */
static ov_sqltype element_type(ov_slice name)
{
    if (ov_slice_ieq(name, OV_SLICE_LIT("LONG")))
        return OV_SQL_BIGINT;
    if (ov_slice_ieq(name, OV_SLICE_LIT("DOUBLE")))
        return OV_SQL_DOUBLE;
    return ov_slice_ieq(name, OV_SLICE_LIT("STRING")) ? OV_SQL_VARCHAR : OV_SQL_NULL;
}

/* An array of that type without elements: nothing of array(null). */
static ov_status empty_list(ovi_nbind *b, const ov_native *n, ov_sqltype sql, const ov_expr **out, ov_error *err)
{
    const ov_expr *args[3];
    OV_TRY(ov_expr_null(b->cx, sql, &args[0], err));
    OV_TRY(ovi_native_apply(b, n, "ARRAY", args, 1, &args[0], err));
    OV_TRY(ovi_native_long(b, 0, &args[1], err));
    args[2] = args[1];
    return ovi_native_apply(b, n, "ARRAY_SLICE", args, 3, out, err);
}

/* array(1, 2), and list literals: [1, 2], ARRAY<LONG>[1, 2]. */
ov_status ovi_native_list(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    ov_sqltype sql = OV_SQL_NULL;
    if (n->kind == OV_NATIVE_ARRAY && n->text.n) {
        sql = element_type(n->text);
        if (sql == OV_SQL_NULL)
            return ov_fail_at(err, OV_INVALID, n->pos, n->end_pos, "arrays are of LONG, DOUBLE or STRING, not of '" OV_SLICE_FMT "'",
                              OV_SLICE_ARG(n->text));
    }
    if (n->argc == 0)
        return empty_list(b, n, sql == OV_SQL_NULL ? OV_SQL_VARCHAR : sql, out, err);
    OV_TRY(ovi_native_values(b, n, &args, err));
    for (uint32_t i = 0; i < n->argc && sql != OV_SQL_NULL; i++)
        OV_TRY(ov_expr_cast(b->cx, args[i], sql, ov_sqltype_native(sql), n->pos, n->end_pos, &args[i], err));
    return ovi_native_apply(b, n, "ARRAY", args, n->argc, out, err);
}

/* The words between ARRAY< and >, or in front of _ARRAY; nothing for other types. */
static ov_slice array_of(ov_slice type)
{
    static const ov_slice front = OV_SLICE_LIT("ARRAY<"), behind = OV_SLICE_LIT("_ARRAY");
    if (type.n > front.n && ov_slice_ieq(ov_slice_make(type.p, front.n), front) && type.p[type.n - 1] == '>')
        return ov_slice_make(type.p + front.n, type.n - front.n - 1);
    if (type.n > behind.n && ov_slice_ieq(ov_slice_make(type.p + type.n - behind.n, behind.n), behind))
        return ov_slice_make(type.p, type.n - behind.n);
    return (ov_slice){NULL, 0};
}

/* A value as a list of one, NULL as NULL. */
static ov_status list_of_one(ovi_nbind *b, const ov_native *n, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    const ov_expr *parts[3];
    OV_TRY(ovi_native_apply(b, n, "IS NOT NULL", &e, 1, &parts[0], err));
    OV_TRY(ovi_native_apply(b, n, "ARRAY", &e, 1, &parts[1], err));
    OV_TRY(ov_expr_null(b->cx, OV_SQL_NULL, &parts[2], err));
    return ovi_native_apply(b, n, "CASE", parts, 3, out, err);
}

ov_status ovi_native_cast_list(ovi_nbind *b, const ov_native *n, const ov_expr *e, ov_slice type, const ov_expr **out, ov_error *err)
{
    ov_sqltype sql = element_type(array_of(type));
    *out = NULL;
    if (sql == OV_SQL_NULL)
        return OV_OK;
    if (e->type.id == OV_TYPE_COMPLEX) {
        const ov_expr *args[3] = {e, NULL, NULL};
        OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, OV_SLICE_LIT("$"), &args[1], err));
        OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, type, &args[2], err));
        return ovi_native_apply(b, n, "JSON_VALUE", args, 3, out, err);
    }
    if (e->type.id != OV_TYPE_NULL && !ov_type_is_list(e->type)) {
        OV_TRY(ov_expr_cast(b->cx, e, sql, ov_sqltype_native(sql), n->pos, n->end_pos, &e, err));
        return list_of_one(b, n, e, out, err);
    }
    if (is_multi(e))
        OV_TRY(ovi_native_apply(b, n, "MV_TO_ARRAY", &e, 1, &e, err));
    ov_type list = {.id = OV_TYPE_ARRAY, .elem = ov_sqltype_native(sql).id};
    return ov_expr_cast(b->cx, e, OV_SQL_ARRAY, list, n->pos, n->end_pos, out, err);
}

/* mv_harmonize_nulls(x): nothing and a list of nothing are both NULL here already. */
ov_status ovi_native_same(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    return ovi_native_value(b, n->args[0], out, err);
}

/* array_set_add(list, x), array_set_add_all(list, list): sorted, each element once */
ov_status ovi_native_set_add(ovi_nbind *b, const ov_native *n, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    bool all = n->text.n > strlen("array_set_add");
    OV_TRY(ovi_native_values(b, n, &args, err));
    OV_TRY(ovi_native_apply(b, n, all ? "ARRAY_CONCAT" : "ARRAY_APPEND", args, 2, &args[0], err));
    return ovi_native_apply(b, n, "$ARRAY_SET", args, 1, out, err);
}
