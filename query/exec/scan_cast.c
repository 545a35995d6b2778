/* Values of a segment as the type the scan has for their column. Segments of one column differ by more than SQL casts:
 * a plain value or an array where others have documents is a document of its own, a plain value where they have arrays one of
 * one element, a multi-value string the array of its values. */
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
    if (x->type.multi) { /* such a one IS NULL when one of its values is: not what is meant */
        if (type.id == OV_TYPE_COMPLEX)
            return call(cx, "$TO_JSON", &x, 1, out, err);
        OV_TRY(call(cx, "MV_TO_ARRAY", &x, 1, &value, err));
        return ov_expr_cast(cx, value, OV_SQL_ARRAY, type, 0, 0, out, err);
    }
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
    bool values = from.id <= OV_TYPE_STRING; /* plain ones, or multi-value strings */
    if (to.id == OV_TYPE_COMPLEX && to.complex == OV_COMPLEX_JSON)
        return values || from.id == OV_TYPE_ARRAY;
    return values && to.id == OV_TYPE_ARRAY && to.elem != OV_TYPE_NULL && to.elem <= OV_TYPE_STRING;
}

ov_status ovi_scan_cast(ov_expr_ctx *cx, const ov_expr *x, ov_sqltype sql, ov_type type, const ov_expr **out, ov_error *err)
{
    if (is_lift(x->type, type))
        return lift_value(cx, x, type, out, err);
    if (type.id == OV_TYPE_STRING && type.multi) /* a number's text, which serves as a list of one */
        type.multi = 0;
    return ov_expr_cast(cx, x, sql, type, 0, 0, out, err);
}

static ov_status apply(const ov_expr *e, const uint64_t *sel, uint32_t sel_rows, ovi_worker *w, ov_vec *v,
                       ov_error *err)
{
    ov_batch one = {.rows = v->rows, .cols = 1, .sel = sel, .sel_rows = sel_rows};
    if (!e)
        return OV_OK;
    OV_TRY(ov_arena_alloc(&w->scratch, sizeof(*v), &one.col, err));
    one.col[0] = *v;
    return ov_eval_expr(w->eval, e, &one, v, err);
}

ov_status ovi_scan_derive(const scan_column *col, const uint64_t *sel, uint32_t sel_rows, ovi_worker *w, ov_vec *v,
                          ov_error *err)
{
    OV_TRY(apply(col->cast, sel, sel_rows, w, v, err));
    return apply(col->path, sel, sel_rows, w, v, err);
}

ov_status ovi_scan_lists_of_one(ov_type type, ov_arena *scratch, ov_vec *v, ov_error *err)
{
    ov_vec *child;
    uint32_t *offsets;
    if (v->enc == OV_ENC_CONST && v->is_null) {
        *v = ov_vec_null(type, v->rows);
        return OV_OK;
    }
    OV_TRY(ov_arena_alloc(scratch, sizeof(*child), &child, err));
    OV_TRY(ov_vec_flatten(v, scratch, child, err));
    OV_TRY(ov_arena_alloc(scratch, (v->rows + (size_t)1) * sizeof(*offsets), &offsets, err));
    for (uint32_t i = 0; i <= v->rows; i++)
        offsets[i] = i;
    *v = (ov_vec){.type = type,
                  .enc = OV_ENC_LIST,
                  .rows = v->rows,
                  .valid = child->valid,
                  .child = child,
                  .offsets = offsets};
    return OV_OK;
}
