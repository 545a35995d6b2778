/*
 * Adding rows one by one, from any encoding. Everything is flattened and every row looked at: slow, short and
 * obviously right. The fast paths of acc_update.c are tested against this file.
 */
#include "query/agg/acc.h"

#include "base/bits.h"

ov_status ovi_present(const ov_vec *v, const ov_agg_rows *rows, const uint64_t *mask, ov_arena *scratch,
                      const uint64_t **out, ov_error *err)
{
    const uint64_t *valid = NULL;
    uint64_t *own = NULL;
    uint32_t count = rows->piece_count;
    /* whole words around the rows of the pieces */
    uint32_t from = count ? rows->pieces[0].from / 64 * 64 : 0;
    uint32_t to = count ? (uint32_t)OV_MIN(ov_words(rows->pieces[count - 1].to) * 64, (size_t)v->rows) : 0;
    *out = mask;
    switch ((ov_enc)v->enc) {
    case OV_ENC_CONST:
        if (!v->is_null && v->type.id != OV_TYPE_NULL)
            return OV_OK;
        OV_TRY(ov_arena_zalloc(scratch, (ov_words(v->rows) + 1) * 8, &own, err));
        *out = own;
        return OV_OK;
    case OV_ENC_FLAT:
    case OV_ENC_LIST:
        valid = v->valid;
        if (!valid)
            return OV_OK;
        break;
    case OV_ENC_DICT:
        if (!v->dict->has_null && (v->dict->offsets || (v->dict->values->enc == OV_ENC_FLAT && !v->dict->values->valid)))
            return OV_OK;
        break;
    case OV_ENC_RUN:
        break;
    }
    if (from >= to)
        return OV_OK;
    OV_TRY(ov_arena_alloc(scratch, (ov_words(v->rows) + 1) * 8, &own, err));
    uint64_t *at = own + from / 64;
    if (valid) {
        ov_bits_copy(at, valid + from / 64, to - from);
    } else if (v->enc == OV_ENC_RUN) {
        ov_bits_fill(at, to - from, true);
        for (uint32_t r = 0, start = 0; r < v->runs && start < to; start = v->run_end[r++])
            if (v->run_end[r] > from && ov_vec_is_null(v->child, r))
                ov_bits_clear_range(own, OV_MAX(start, from), OV_MIN((uint32_t)v->run_end[r], to));
    } else {
        ov_bits_fill(at, to - from, true);
        for (uint32_t i = from; i < to; i++)
            if (ov_domain_is_null(v->dict, ov_vec_code(v, i)))
                ov_bits_clear(own, i);
    }
    if (mask)
        ov_bits_and(at, mask + from / 64, to - from);
    *out = own;
    return OV_OK;
}

static ov_status keep(ov_acc *a, uint32_t g, const ov_vec *x, const ov_vec *flat, uint32_t i, ov_error *err)
{
    if (ov_type_is_int(a->type)) {
        a->v.i[g] = ((const int64_t *)flat->data)[i];
    } else if (ov_type_is_real(a->type)) {
        a->v.f[g] = ((const double *)flat->data)[i];
    } else {
        ov_slice s = ((const ov_slice *)flat->data)[i];
        if (x->enc == OV_ENC_DICT) /* dictionaries outlive the run of the query */
            a->v.s[g] = s;
        else
            return ov_arena_copy(&a->bytes, s, &a->v.s[g], err);
    }
    return OV_OK;
}

static bool replaces(const ov_acc *a, uint32_t g, const ov_vec *flat, uint32_t i)
{
    bool min = a->kind == OV_ACC_MIN;
    if (ov_type_is_int(a->type)) {
        int64_t v = ((const int64_t *)flat->data)[i];
        return min ? v < a->v.i[g] : v > a->v.i[g];
    }
    if (ov_type_is_real(a->type)) {
        double v = ((const double *)flat->data)[i];
        return min ? ovi_real_less(v, a->v.f[g]) : ovi_real_more(v, a->v.f[g]);
    }
    int c = ov_slice_cmp(((const ov_slice *)flat->data)[i], a->v.s[g]);
    return min ? c < 0 : c > 0;
}

/* ANY, EARLIEST, LATEST: n is 1, or 2 when the value kept is NULL. */
static ov_status add_placed(ov_acc *a, uint32_t g, const ov_vec *x, const ov_vec *flat, int64_t time, uint64_t place,
                            uint32_t i, ov_error *err)
{
    if (a->n[g] && !ovi_acc_prefers(a, g, time, place))
        return OV_OK;
    if (a->t)
        a->t[g] = time;
    a->at[g] = place;
    bool null = x->type.id == OV_TYPE_NULL || (flat->valid && !ov_bits_test(flat->valid, i));
    a->n[g] = null ? 2 : 1;
    return null ? OV_OK : keep(a, g, x, flat, i, err);
}

static ov_status add_distinct(ov_acc *a, uint32_t g, const ov_vec *flat, uint32_t i, ov_error *err)
{
    if (ov_type_is_int(a->type))
        return ov_distinct_add(&a->set, g, (uint64_t)((const int64_t *)flat->data)[i], a->n, err);
    if (ov_type_is_real(a->type))
        return ov_distinct_add(&a->set, g, ov_distinct_real(((const double *)flat->data)[i]), a->n, err);
    return ov_distinct_add_str(&a->set, g, ((const ov_slice *)flat->data)[i], a->n, err);
}

static ov_status add_row(ov_acc *a, uint32_t g, uint64_t weight, const ov_vec *x, const ov_vec *flat,
                         const int64_t *times, uint64_t place, uint32_t i, ov_error *err)
{
    switch ((ov_acc_kind)a->kind) {
    case OV_ACC_COUNT:
        a->n[g] += weight;
        return OV_OK;
    case OV_ACC_SUM_LONG:
        a->n[g] += weight;
        a->v.i[g] = (int64_t)((uint64_t)a->v.i[g] + weight * (uint64_t)((const int64_t *)flat->data)[i]);
        return OV_OK;
    case OV_ACC_SUM_REAL:
        a->n[g] += weight;
        a->v.f[g] += (double)weight * ((const double *)flat->data)[i];
        return OV_OK;
    case OV_ACC_MIN:
    case OV_ACC_MAX:
        if (!a->n[g] || replaces(a, g, flat, i))
            OV_TRY(keep(a, g, x, flat, i, err));
        a->n[g] += weight;
        return OV_OK;
    case OV_ACC_DISTINCT:
        return add_distinct(a, g, flat, i, err);
    case OV_ACC_BIT_AND:
    case OV_ACC_BIT_OR:
        ovi_acc_take_bits(a, g, ((const int64_t *)flat->data)[i], weight);
        return OV_OK;
    case OV_ACC_BIT_XOR: /* an even number of equal values is nothing */
        ovi_acc_take_bits(a, g, weight % 2 ? ((const int64_t *)flat->data)[i] : 0, weight);
        return OV_OK;
    case OV_ACC_VARIANCE:
        ovi_acc_take_moments(a, g, weight, ((const double *)flat->data)[i], 0);
        return OV_OK;
    case OV_ACC_ANY:
    case OV_ACC_EARLIEST:
    case OV_ACC_LATEST:
    case OV_ACC_OBJECT:
        break;
    }
    return add_placed(a, g, x, flat, times ? times[i] : 0, place, i, err);
}

ov_status ovi_acc_update_rows(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                              const ov_vec *time, ov_arena *scratch, ov_error *err)
{
    ov_vec flat = {0}, flat_time = {0};
    bool timed = ovi_acc_keeps_time(a), placed = timed || a->kind == OV_ACC_ANY;
    if (x && !placed) /* what is kept by its place may be NULL */
        OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
    if (timed)
        OV_TRY(ovi_present(time, rows, mask, scratch, &mask, err));
    if (x && x->type.id != OV_TYPE_NULL)
        OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    if (timed)
        OV_TRY(ov_vec_flatten(time, scratch, &flat_time, err));
    OV_AGG_EACH (rows, mask, p, i) {
        uint64_t weight = rows->weight ? (uint64_t)rows->weight[i] : 1;
        OV_TRY(add_row(a, ov_agg_group(rows, p, i), weight, x, &flat, flat_time.data, rows->ordinal + i, i, err));
    }
    return OV_OK;
}
