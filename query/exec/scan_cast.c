/* Values of a segment as the type the scan has for their column. Segments of one column differ by more than SQL casts:
 * a plain value or an array where others have documents is a document of its own, a plain value where they have arrays one of
 * one element. */
#include "query/exec/scan.h"

static ov_status call(ov_expr_ctx *cx, const char *name, const ov_expr **args, uint32_t argc, const ov_expr **out,
                      ov_error *err)
{
    return ov_expr_call(cx, ov_slice_cstr(name), args, argc, 0, 0, out, err);
}

/* NULL stays NULL. */
static ov_status lift_value(ov_expr_ctx *cx, const ov_expr *x, ov_type type, const ov_expr **out, ov_error *err)
{
    static const uint8_t sql[] = {[OV_TYPE_LONG] = OV_SQL_BIGINT,
                                  [OV_TYPE_DOUBLE] = OV_SQL_DOUBLE,
                                  [OV_TYPE_FLOAT] = OV_SQL_FLOAT,
                                  [OV_TYPE_STRING] = OV_SQL_VARCHAR};
    const ov_expr *set, *value = x;
    OV_TRY(call(cx, "IS NOT NULL", &x, 1, &set, err));
    if (type.id == OV_TYPE_COMPLEX) {
        OV_TRY(call(cx, "$TO_JSON", &x, 1, &value, err));
    } else {
        OV_TRY(ov_expr_cast(cx, x, (ov_sqltype)sql[type.elem], OV_T(type.elem), 0, 0, &value, err));
        OV_TRY(call(cx, "ARRAY", &value, 1, &value, err));
    }
    return call(cx, "CASE", (const ov_expr *[]){set, value}, 2, out, err);
}

static bool is_lift(ov_type from, ov_type to)
{
    bool plain = from.id <= OV_TYPE_STRING && !ov_type_is_list(from);
    if (to.id == OV_TYPE_COMPLEX && to.complex == OV_COMPLEX_JSON)
        return plain || ov_type_is_list(from);
    return plain && to.id == OV_TYPE_ARRAY && to.elem != OV_TYPE_NULL && to.elem <= OV_TYPE_STRING;
}

ov_status ovi_scan_cast(ov_expr_ctx *cx, const ov_expr *x, ov_sqltype sql, ov_type type, const ov_expr **out, ov_error *err)
{
    if (is_lift(x->type, type))
        return lift_value(cx, x, type, out, err);
    return ov_expr_cast(cx, x, sql, type, 0, 0, out, err);
}
