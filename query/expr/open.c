/*
 * Opening vectors of narrow numbers by kernels. The general path, ov_vec_flatten, gives the same.
 */
#include "query/expr/open.h"

#include "base/bits.h"
#include "query/expr/kernels/kernels.h"

static void widen(const ovi_kernels *k, const ov_vec *v, int64_t *to)
{
    if (v->lane == 1)
        k->widen_u8(v->data, v->base, v->rows, to);
    else if (v->lane == 2)
        k->widen_u16(v->data, v->base, v->rows, to);
    else
        k->widen_u32(v->data, v->base, v->rows, to);
}

static void scale(const ovi_kernels *k, const ov_vec *v, double *to)
{
    if (v->lane == 1)
        k->scale_u8(v->data, v->base, v->divisor, v->rows, to);
    else if (v->lane == 2)
        k->scale_u16(v->data, v->base, v->divisor, v->rows, to);
    else
        k->scale_u32(v->data, v->base, v->divisor, v->rows, to);
}

ov_status ov_vec_open(const ov_vec *v, ov_arena *out, ov_vec *flat, ov_error *err)
{
    bool narrow = v->enc == OV_ENC_FLAT && !v->raw && v->lane < 8;
    if (!narrow || (!ov_type_is_int(v->type) && !ov_type_is_real(v->type)))
        return ov_vec_flatten(v, out, flat, err);
    void *to;
    OV_TRY(ov_arena_lanes(out, OV_MAX(ov_words(v->rows), (size_t)1) * 64 * 8, &to, err));
    *flat = ov_vec_flat(v->type, to, v->valid, v->rows);
    if (ov_type_is_real(v->type)) {
        scale(ovi_kernels_best(), v, to);
        return OV_OK;
    }
    widen(ovi_kernels_best(), v, to);
    flat->has_bounds = v->has_bounds;
    flat->min = v->min;
    flat->max = v->max;
    return OV_OK;
}
