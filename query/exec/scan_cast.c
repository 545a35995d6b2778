/* Values of a segment as the type the scan has for their column. */
#include "query/exec/scan.h"

ov_status ovi_scan_cast(ov_expr_ctx *cx, const ov_expr *x, ov_sqltype sql, ov_type type, const ov_expr **out, ov_error *err)
{
    if (type.id == OV_TYPE_STRING) /* plain text serves as a list of one */
        type.multi = 0;
    return ov_expr_widen(cx, x, sql, type, out, err);
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
