/*
 * Values as the type that holds those of several segments or tables (ov_type_wider). They differ by more than SQL casts: a plain value
 * or an array beside documents is a document of its own, a plain value beside arrays or multi-value strings one of one element, a
 * multi-value string beside arrays the array of its values. NULL stays NULL.
 */
#include "query/expr/expr_int.h"

static ov_status call(ov_expr_ctx *cx, const char *name, const ov_expr **args, uint32_t argc, const ov_expr **out, ov_error *err)
{
    return ov_expr_call(cx, ov_slice_cstr(name), args, argc, 0, 0, out, err);
}

static bool is_multi(ov_type t)
{
    return t.id == OV_TYPE_STRING && t.multi;
}

static ov_status cast_plain(ov_expr_ctx *cx, const ov_expr *x, ov_type_id to, const ov_expr **out, ov_error *err)
{
    static const uint8_t sql[] = {[OV_TYPE_LONG] = OV_SQL_BIGINT,
                                  [OV_TYPE_DOUBLE] = OV_SQL_DOUBLE,
                                  [OV_TYPE_FLOAT] = OV_SQL_FLOAT,
                                  [OV_TYPE_STRING] = OV_SQL_VARCHAR};
    return ov_expr_cast(cx, x, (ov_sqltype)sql[to], OV_T(to), 0, 0, out, err);
}

/* A multi-value string IS NULL when one of its values is: it is not asked. */
static ov_status lift_multi(ov_expr_ctx *cx, const ov_expr *x, ov_type type, const ov_expr **out, ov_error *err)
{
    const ov_expr *array;
    if (type.id == OV_TYPE_COMPLEX)
        return call(cx, "$TO_JSON", &x, 1, out, err);
    OV_TRY(call(cx, "MV_TO_ARRAY", &x, 1, &array, err));
    return ov_expr_cast(cx, array, OV_SQL_ARRAY, type, 0, 0, out, err);
}

static ov_status lift_value(ov_expr_ctx *cx, const ov_expr *x, ov_type type, const ov_expr **out, ov_error *err)
{
    const ov_expr *set, *value;
    OV_TRY(call(cx, "IS NOT NULL", &x, 1, &set, err));
    if (type.id == OV_TYPE_COMPLEX) {
        OV_TRY(call(cx, "$TO_JSON", &x, 1, &value, err));
    } else {
        OV_TRY(cast_plain(cx, x, is_multi(type) ? OV_TYPE_STRING : (ov_type_id)type.elem, &value, err));
        OV_TRY(call(cx, "ARRAY", &value, 1, &value, err));
        if (is_multi(type))
            OV_TRY(call(cx, "ARRAY_TO_MV", &value, 1, &value, err));
    }
    return call(cx, "CASE", (const ov_expr *[]){set, value}, 2, out, err);
}

static bool is_lift(ov_type from, ov_type to)
{
    bool values = from.id <= OV_TYPE_STRING && from.id != OV_TYPE_NULL;
    if (to.id == OV_TYPE_COMPLEX && to.complex == OV_COMPLEX_JSON)
        return values || from.id == OV_TYPE_ARRAY;
    if (is_multi(to))
        return values && !is_multi(from);
    return values && to.id == OV_TYPE_ARRAY && to.elem != OV_TYPE_NULL && to.elem <= OV_TYPE_STRING;
}

ov_status ov_expr_widen(ov_expr_ctx *cx, const ov_expr *x, ov_sqltype sql, ov_type type, const ov_expr **out, ov_error *err)
{
    if (x->type.id == OV_TYPE_NULL)
        return ov_expr_null_of(cx, sql, type, out, err);
    if (!is_lift(x->type, type))
        return ov_expr_cast(cx, x, sql, type, 0, 0, out, err);
    return is_multi(x->type) ? lift_multi(cx, x, type, out, err) : lift_value(cx, x, type, out, err);
}
