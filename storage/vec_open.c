/*
 * Opening encodings: flatten, gather and absolute codes. These are the general path of every
 * operator, so they are simple loops over one lane width at a time, and correct for every encoding
 * of every type.
 */
#include "storage/vec_lanes.h"

ov_status ovi_words_alloc(ov_arena *a, size_t rows, bool set, uint64_t **words, ov_error *err)
{
    size_t n = (rows + 63) / 64;
    OV_TRY(ov_arena_lanes(a, n * 8, words, err));
    memset(*words, set ? 0xff : 0, n * 8);
    if (set && rows % 64)
        (*words)[n - 1] = (UINT64_C(1) << rows % 64) - 1;
    return OV_OK;
}

static size_t value_bytes(ov_type t)
{
    return ov_type_is_int(t) || ov_type_is_real(t) ? 8 : sizeof(ov_slice);
}

static ov_status values_alloc(ov_arena *a, ov_type t, size_t rows, void *data, ov_error *err)
{
    return ov_arena_lanes(a, ovi_padded(rows) * value_bytes(t), data, err);
}

/* ---- copying values of a FLAT vector, dense or picked ---- */

static void widen_ints(const ov_vec *v, const uint32_t *idx, size_t n, int64_t *to)
{
    uint64_t base = (uint64_t)v->base;
#define WIDEN(type)                                                                                \
    do {                                                                                           \
        const type *from = v->data;                                                                \
        if (idx)                                                                                   \
            for (size_t i = 0; i < n; i++)                                                         \
                to[i] = (int64_t)(base + from[idx[i]]);                                            \
        else                                                                                       \
            for (size_t i = 0; i < n; i++)                                                         \
                to[i] = (int64_t)(base + from[i]);                                                 \
    } while (0)
    if (v->raw)
        base = 0;
    switch (v->raw ? 8 : v->lane) {
    case 1:
        WIDEN(uint8_t);
        break;
    case 2:
        WIDEN(uint16_t);
        break;
    case 4:
        WIDEN(uint32_t);
        break;
    default:
        WIDEN(uint64_t);
        break;
    }
#undef WIDEN
}

static void widen_reals(const ov_vec *v, const uint32_t *idx, size_t n, double *to)
{
    if (!v->raw) {
        int64_t *scaled = (int64_t *)to; /* same width: scaled in place */
        widen_ints(v, idx, n, scaled);
        for (size_t i = 0; i < n; i++)
            to[i] = (double)scaled[i] / v->divisor;
    } else if (v->lane == 4) {
        const float *from = v->data;
        for (size_t i = 0; i < n; i++)
            to[i] = (double)from[idx ? idx[i] : i];
    } else {
        const double *from = v->data;
        for (size_t i = 0; i < n; i++)
            to[i] = from[idx ? idx[i] : i];
    }
}

/* A fresh FLAT vector of v's rows at idx[0..n), or of its first n rows when idx is NULL. */
static ov_status copy_flat(const ov_vec *v, const uint32_t *idx, size_t n, ov_arena *out,
                           ov_vec *to, ov_error *err)
{
    void *data;
    OV_TRY(values_alloc(out, v->type, n, &data, err));
    if (ov_type_is_int(v->type)) {
        widen_ints(v, idx, n, data);
    } else if (ov_type_is_real(v->type)) {
        widen_reals(v, idx, n, data);
    } else {
        const ov_slice *from = v->data;
        for (size_t i = 0; i < n; i++)
            ((ov_slice *)data)[i] = from[idx ? idx[i] : i];
    }
    const uint64_t *valid = v->valid;
    if (valid && idx) {
        uint64_t *picked;
        OV_TRY(ovi_words_alloc(out, n, false, &picked, err));
        for (size_t i = 0; i < n; i++)
            picked[i / 64] |= (uint64_t)ovi_bit(v->valid, idx[i]) << (i % 64);
        valid = picked;
    }
    *to = ov_vec_flat(v->type, data, valid, (uint32_t)n);
    if (ov_type_is_int(v->type)) {
        to->has_bounds = v->has_bounds;
        to->min = v->min;
        to->max = v->max;
    }
    return OV_OK;
}

/* ---- constants ---- */

static ov_status all_null(ov_type t, size_t n, ov_arena *out, ov_vec *to, ov_error *err)
{
    if (ov_type_is_list(t)) {
        uint32_t *offsets;
        uint64_t *valid;
        ov_vec *child;
        OV_TRY(ov_arena_zalloc(out, (n + 1) * sizeof *offsets, &offsets, err));
        OV_TRY(ovi_words_alloc(out, n, false, &valid, err));
        OV_TRY(ov_arena_alloc(out, sizeof *child, &child, err));
        ov_type elem = OV_T(t.id == OV_TYPE_ARRAY ? t.elem : OV_TYPE_STRING);
        *child = ov_vec_null(elem, 0);
        *to = (ov_vec){.type = t,
                       .enc = OV_ENC_LIST,
                       .rows = (uint32_t)n,
                       .divisor = 1,
                       .valid = valid,
                       .offsets = offsets,
                       .child = child};
        return OV_OK;
    }
    void *data;
    uint64_t *valid;
    OV_TRY(values_alloc(out, t, n, &data, err));
    memset(data, 0, ovi_padded(n) * value_bytes(t));
    OV_TRY(ovi_words_alloc(out, n, false, &valid, err));
    *to = ov_vec_flat(t, data, valid, (uint32_t)n);
    return OV_OK;
}

static ov_status repeat_list(const ov_vec *v, ov_arena *out, ov_vec *to, ov_error *err)
{
    uint32_t *offsets, *idx, n = v->c.list->rows;
    ov_vec *child;
    if ((uint64_t)n * v->rows > UINT32_MAX)
        return ov_fail(err, OV_LIMIT,
                       "%u rows of a list of %u elements are more than 2^32 elements", v->rows, n);
    OV_TRY(ov_arena_alloc(out, (v->rows + (size_t)1) * sizeof *offsets, &offsets, err));
    OV_TRY(ov_arena_alloc(out, (size_t)n * v->rows * sizeof *idx, &idx, err));
    OV_TRY(ov_arena_alloc(out, sizeof *child, &child, err));
    for (uint32_t r = 0; r <= v->rows; r++)
        offsets[r] = r * n;
    for (size_t i = 0; i < (size_t)n * v->rows; i++)
        idx[i] = (uint32_t)(i % n);
    OV_TRY(ov_vec_gather(v->c.list, idx, n * v->rows, out, child, err));
    *to = (ov_vec){.type = v->type,
                   .enc = OV_ENC_LIST,
                   .rows = v->rows,
                   .divisor = 1,
                   .offsets = offsets,
                   .child = child};
    return OV_OK;
}

static ov_status flatten_const(const ov_vec *v, ov_arena *out, ov_vec *to, ov_error *err)
{
    if (v->is_null || v->type.id == OV_TYPE_NULL)
        return all_null(v->type, v->rows, out, to, err);
    if (ov_type_is_list(v->type))
        return repeat_list(v, out, to, err);
    void *data;
    OV_TRY(values_alloc(out, v->type, v->rows, &data, err));
    for (size_t i = 0; i < v->rows; i++) {
        if (ov_type_is_int(v->type))
            ((int64_t *)data)[i] = v->c.i;
        else if (ov_type_is_real(v->type))
            ((double *)data)[i] = v->c.f;
        else
            ((ov_slice *)data)[i] = v->c.s;
    }
    *to = ov_vec_flat(v->type, data, NULL, v->rows);
    to->has_bounds = v->has_bounds;
    to->min = v->min;
    to->max = v->max;
    return OV_OK;
}

/* ---- lists ---- */

static ov_status gather_list(const ov_vec *v, const uint32_t *idx, size_t n, ov_arena *out,
                             ov_vec *to, ov_error *err)
{
    uint32_t *offsets, *elems;
    uint64_t *valid = NULL;
    ov_vec *child;
    OV_TRY(ov_arena_alloc(out, (n + 1) * sizeof *offsets, &offsets, err));
    OV_TRY(ov_arena_alloc(out, sizeof *child, &child, err));
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++) {
        offsets[i] = (uint32_t)total;
        total += v->offsets[idx[i] + 1] - v->offsets[idx[i]];
    }
    if (total > UINT32_MAX)
        return ov_fail(err, OV_LIMIT, "%zu lists hold more than 2^32 elements", n);
    offsets[n] = (uint32_t)total;
    OV_TRY(ov_arena_alloc(out, total * sizeof *elems, &elems, err));
    for (size_t i = 0; i < n; i++)
        for (uint32_t e = offsets[i]; e < offsets[i + 1]; e++)
            elems[e] = v->offsets[idx[i]] + (e - offsets[i]);
    OV_TRY(ov_vec_gather(v->child, elems, (uint32_t)total, out, child, err));
    if (v->valid) {
        OV_TRY(ovi_words_alloc(out, n, false, &valid, err));
        for (size_t i = 0; i < n; i++)
            valid[i / 64] |= (uint64_t)ovi_bit(v->valid, idx[i]) << (i % 64);
    }
    *to = (ov_vec){.type = v->type,
                   .enc = OV_ENC_LIST,
                   .rows = (uint32_t)n,
                   .divisor = 1,
                   .valid = valid,
                   .offsets = offsets,
                   .child = child};
    return OV_OK;
}

/* ---- runs ---- */

/* Which run each of the rows idx[0..n) (NULL: 0..n) lies in. Ascending rows walk; others search. */
static ov_status runs_of(const ov_vec *v, const uint32_t *idx, size_t n, ov_arena *out,
                         uint32_t **runs, ov_error *err)
{
    enum { STRIDE = 16 };
    OV_TRY(ov_arena_alloc(out, n * sizeof **runs, runs, err));
    uint32_t run = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = idx ? idx[i] : (uint32_t)i;
        if (run > 0 && v->run_end[run - 1] > row)
            run = 0;
        while (idx && run + STRIDE <= v->runs && v->run_end[run + STRIDE - 1] <= row) /* rows far apart */
            run += STRIDE;
        while (v->run_end[run] <= row)
            run++;
        (*runs)[i] = run;
    }
    return OV_OK;
}

/* ---- dictionaries ---- */

ov_status ov_vec_codes32(const ov_vec *v, ov_arena *out, const uint32_t **codes, ov_error *err)
{
    uint32_t *to;
    if (v->enc == OV_ENC_DICT && v->lane == 4 && v->base == 0) {
        *codes = v->data;
        return OV_OK;
    }
    OV_TRY(ov_arena_lanes(out, ovi_padded(v->rows) * sizeof *to, &to, err));
    *codes = to;
    if (v->enc == OV_ENC_DICT) {
        uint32_t base = (uint32_t)v->base;
        if (v->lane == 1)
            for (size_t i = 0; i < v->rows; i++)
                to[i] = base + ((const uint8_t *)v->data)[i];
        else if (v->lane == 2)
            for (size_t i = 0; i < v->rows; i++)
                to[i] = base + ((const uint16_t *)v->data)[i];
        else
            for (size_t i = 0; i < v->rows; i++)
                to[i] = base + ((const uint32_t *)v->data)[i];
        return OV_OK;
    }
    if (v->enc == OV_ENC_CONST) {
        for (size_t i = 0; i < v->rows; i++)
            to[i] = (uint32_t)v->base;
        return OV_OK;
    }
    OV_ASSERT(v->enc == OV_ENC_RUN);
    for (uint32_t run = 0, row = 0; run < v->runs; run++) {
        uint32_t code = ov_vec_code(v->child, run);
        for (; row < v->run_end[run]; row++)
            to[row] = code;
    }
    return OV_OK;
}

static ov_status gather_dict(const ov_vec *v, const uint32_t *idx, size_t n, ov_arena *out,
                             ov_vec *to, ov_error *err)
{
    void *codes;
    OV_TRY(ov_arena_lanes(out, ovi_padded(n) * v->lane, &codes, err));
    if (v->lane == 1)
        for (size_t i = 0; i < n; i++)
            ((uint8_t *)codes)[i] = ((const uint8_t *)v->data)[idx[i]];
    else if (v->lane == 2)
        for (size_t i = 0; i < n; i++)
            ((uint16_t *)codes)[i] = ((const uint16_t *)v->data)[idx[i]];
    else
        for (size_t i = 0; i < n; i++)
            ((uint32_t *)codes)[i] = ((const uint32_t *)v->data)[idx[i]];
    *to = *v;
    to->rows = (uint32_t)n;
    to->data = codes;
    to->stats = NULL; /* no longer a whole block */
    to->origin = NULL;
    return OV_OK;
}

/* Only the values that occur are touched: a block of a large dictionary must not cost the
 * dictionary. */
static ov_status flatten_dict(const ov_vec *v, ov_arena *out, ov_vec *flat, ov_error *err)
{
    const ov_domain *d = v->dict;
    const uint32_t *codes;
    OV_TRY(ov_vec_codes32(v, out, &codes, err));
    if (d->offsets) {
        ov_slice *slices;
        OV_TRY(values_alloc(out, v->type, v->rows, &slices, err));
        for (size_t i = 0; i < v->rows; i++)
            slices[i] = ov_domain_str(d, codes[i]);
        *flat = ov_vec_flat(v->type, slices, NULL, v->rows);
    } else {
        ov_vec picked;
        OV_TRY(ov_vec_gather(d->values, codes, v->rows, out, &picked, err));
        picked.type = v->type;
        OV_TRY(ov_vec_flatten(&picked, out, flat, err));
    }
    if (!d->has_null)
        return OV_OK;
    uint64_t *valid;
    OV_TRY(ovi_words_alloc(out, v->rows, false, &valid, err));
    for (size_t i = 0; i < v->rows; i++)
        valid[i / 64] |= (uint64_t)(codes[i] != 0) << (i % 64);
    if (flat->valid)
        for (size_t w = 0; w < ovi_padded(v->rows) / 64; w++)
            valid[w] &= flat->valid[w];
    flat->valid = valid;
    return OV_OK;
}

/* ---- the two entries ---- */

ov_status ov_vec_flatten(const ov_vec *v, ov_arena *out, ov_vec *flat, ov_error *err)
{
    switch ((ov_enc)v->enc) {
    case OV_ENC_CONST:
        return flatten_const(v, out, flat, err);
    case OV_ENC_LIST:
        *flat = *v;
        return OV_OK;
    case OV_ENC_FLAT:
        if (v->raw && v->lane == value_bytes(v->type)) {
            *flat = *v;
            return OV_OK;
        }
        return copy_flat(v, NULL, v->rows, out, flat, err);
    case OV_ENC_DICT:
        return flatten_dict(v, out, flat, err);
    case OV_ENC_RUN: {
        ov_vec values;
        uint32_t *runs;
        OV_TRY(ov_vec_flatten(v->child, out, &values, err));
        OV_TRY(runs_of(v, NULL, v->rows, out, &runs, err));
        return ov_vec_gather(&values, runs, v->rows, out, flat, err);
    }
    }
    return ov_fail(err, OV_INTERNAL, "vector encoding %u does not exist", v->enc);
}

ov_status ov_vec_gather(const ov_vec *v, const uint32_t *idx, uint32_t n, ov_arena *out,
                        ov_vec *picked, ov_error *err)
{
    switch ((ov_enc)v->enc) {
    case OV_ENC_CONST:
        *picked = *v;
        picked->stats = NULL;
        picked->rows = n;
        picked->stats = NULL; /* no longer a whole block */
        return OV_OK;
    case OV_ENC_FLAT:
        return copy_flat(v, idx, n, out, picked, err);
    case OV_ENC_DICT:
        return gather_dict(v, idx, n, out, picked, err);
    case OV_ENC_LIST:
        return gather_list(v, idx, n, out, picked, err);
    case OV_ENC_RUN: {
        uint32_t *runs;
        OV_TRY(runs_of(v, idx, n, out, &runs, err));
        return ov_vec_gather(v->child, runs, n, out, picked, err);
    }
    }
    return ov_fail(err, OV_INTERNAL, "vector encoding %u does not exist", v->enc);
}
