/*
 * Adding a batch to ANY, EARLIEST and LATEST: values of one row. Which row wins is decided by times and places alone; the value
 * is read, from whatever encoding, only when its row does. Times mostly rise, so LATEST looks from the end: the
 * first row of a group wins and the others lose at a glance.
 */
#include "query/agg/acc.h"

static ov_status keep_row(ov_acc *a, uint32_t g, const ov_vec *x, uint32_t i, ov_error *err)
{
    bool null = x->type.id == OV_TYPE_NULL || ov_vec_is_null(x, i);
    a->n[g] = null ? 2 : 1;
    if (null)
        return OV_OK;
    if (ov_type_is_int(a->type)) {
        a->v.i[g] = ov_vec_i64(x, i);
    } else if (ov_type_is_real(a->type)) {
        a->v.f[g] = ov_vec_f64(x, i);
    } else {
        ov_slice s = ov_vec_str(x, i);
        if (x->enc != OV_ENC_DICT) /* dictionaries outlive the run of the query */
            return ov_arena_copy(&a->bytes, s, &a->v.s[g], err);
        a->v.s[g] = s;
    }
    return OV_OK;
}

static ov_status offer(ov_acc *a, uint32_t g, const ov_vec *x, const int64_t *times, uint64_t place, uint32_t i,
                       ov_error *err)
{
    int64_t time = times ? times[i] : 0;
    if (a->n[g] && !ovi_acc_prefers(a, g, time, place))
        return OV_OK;
    if (times)
        a->t[g] = time;
    a->at[g] = place;
    return keep_row(a, g, x, i, err);
}

ov_status ovi_acc_update_placed(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                const ov_vec *time, ov_arena *scratch, ov_error *err)
{
    ov_vec flat = {0};
    if (time) {
        OV_TRY(ovi_present(time, rows, mask, scratch, &mask, err));
        OV_TRY(ov_vec_flatten(time, scratch, &flat, err));
    }
    if (a->kind != OV_ACC_LATEST) {
        OV_AGG_EACH (rows, mask, p, i)
            OV_TRY(offer(a, ov_agg_group(rows, p, i), x, flat.data, rows->ordinal + i, i, err));
        return OV_OK;
    }
    for (uint32_t k = rows->piece_count; k-- > 0;) {
        const ov_agg_piece *p = &rows->pieces[k];
        for (uint32_t i = p->to; i-- > p->from;)
            if (!mask || ov_bits_test(mask, i))
                OV_TRY(offer(a, ov_agg_group(rows, p, i), x, flat.data, rows->ordinal + i, i, err));
    }
    return OV_OK;
}
