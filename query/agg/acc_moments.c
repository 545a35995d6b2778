/*
 * Adding a batch to bits and to variances: plain loops over flat numbers, vectorised by the compiler where all rows go
 * to one group.
 */
#include "query/agg/acc.h"

#include "query/expr/open.h"

/* ---- BIT_AND, BIT_OR, BIT_XOR ---- */

/* All rows of a piece as one value; what the mask leaves out is `none`, which changes nothing. */
static int64_t fold_bits(const ov_acc *a, const int64_t *v, const ov_agg_piece *p, const uint64_t *mask)
{
    bool and = a->kind == OV_ACC_BIT_AND, or = a->kind == OV_ACC_BIT_OR;
    int64_t bits = and ? -1 : 0;
    for (uint32_t i = p->from; i < p->to; i++) {
        int64_t on = !mask || ov_bits_test(mask, i) ? -1 : 0;
        if (and)
            bits &= v[i] | ~on;
        else if (or)
            bits |= v[i] & on;
        else
            bits ^= v[i] & on;
    }
    return bits;
}

ov_status ovi_acc_update_bits(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                              ov_arena *scratch, ov_error *err)
{
    ov_vec flat;
    OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
    OV_TRY(ov_vec_open(x, scratch, &flat, err));
    const int64_t *v = flat.data;
    for (uint32_t k = 0; k < rows->piece_count; k++) {
        const ov_agg_piece *p = &rows->pieces[k];
        if (p->kind == OV_PIECE_ONE) {
            ovi_acc_take_bits(a, p->group, fold_bits(a, v, p, mask), ovi_rows_in(p, mask));
            continue;
        }
        for (uint32_t i = p->from; i < p->to; i++)
            if (!mask || ov_bits_test(mask, i))
                ovi_acc_take_bits(a, ov_agg_group(rows, p, i), v[i], 1);
    }
    return OV_OK;
}

/* ---- VARIANCE ---- */

enum { WAYS = 8 }; /* partial sums side by side: one would wait for each addition */

static double total(const double part[WAYS])
{
    return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

/* Mean, then distances from it: two looks at a batch that lies in cache, and exact to the last digits. */
static void piece_moments(ov_acc *a, uint32_t g, const double *v, uint32_t n)
{
    double part[WAYS] = {0}, mean;
    uint32_t i = 0;
    if (n == 0)
        return;
    for (; i + WAYS <= n; i += WAYS)
        for (unsigned k = 0; k < WAYS; k++)
            part[k] += v[i + k];
    for (; i < n; i++)
        part[0] += v[i];
    mean = total(part) / (double)n;
    memset(part, 0, sizeof(part));
    for (i = 0; i + WAYS <= n; i += WAYS)
        for (unsigned k = 0; k < WAYS; k++)
            part[k] += (v[i + k] - mean) * (v[i + k] - mean);
    for (; i < n; i++)
        part[0] += (v[i] - mean) * (v[i] - mean);
    ovi_acc_take_moments(a, g, n, mean, total(part));
}

/* Rows of the mask behind each other. */
static ov_status pick(const double *v, const ov_agg_piece *p, const uint64_t *mask, ov_arena *scratch,
                      const double **picked, uint32_t *n, ov_error *err)
{
    double *own;
    *picked = v + p->from;
    *n = p->to - p->from;
    if (!mask)
        return OV_OK;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)*n + 1) * sizeof(*own), &own, err));
    *n = 0;
    for (size_t i = ov_bits_next(mask, p->to, p->from); i < p->to; i = ov_bits_next(mask, p->to, i + 1))
        own[(*n)++] = v[i];
    *picked = own;
    return OV_OK;
}

ov_status ovi_acc_update_variance(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                  ov_arena *scratch, ov_error *err)
{
    ov_vec flat;
    OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
    OV_TRY(ov_vec_open(x, scratch, &flat, err));
    const double *v = flat.data;
    for (uint32_t k = 0; k < rows->piece_count; k++) {
        const ov_agg_piece *p = &rows->pieces[k];
        if (p->kind == OV_PIECE_ONE) {
            const double *picked;
            uint32_t n;
            OV_TRY(pick(v, p, mask, scratch, &picked, &n, err));
            piece_moments(a, p->group, picked, n);
            continue;
        }
        for (uint32_t i = p->from; i < p->to; i++)
            if (!mask || ov_bits_test(mask, i))
                ovi_acc_add_moment(a, ov_agg_group(rows, p, i), v[i]);
    }
    return OV_OK;
}
