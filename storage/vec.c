#include "storage/vec.h"

#include <stdatomic.h>
#include "base/bits.h"
#include "storage/vec_lanes.h"

/* ---- making ---- */

ov_vec ov_vec_null(ov_type t, uint32_t rows)
{
    return (ov_vec){.type = t, .enc = OV_ENC_CONST, .rows = rows, .is_null = true, .divisor = 1};
}

ov_vec ov_vec_const_i64(ov_type t, int64_t v, uint32_t rows)
{
    ov_vec out = {.type = t, .enc = OV_ENC_CONST, .rows = rows, .divisor = 1, .c.i = v};
    out.has_bounds = true;
    out.min = out.max = v;
    return out;
}

ov_vec ov_vec_const_f64(ov_type t, double v, uint32_t rows)
{
    return (ov_vec){.type = t, .enc = OV_ENC_CONST, .rows = rows, .divisor = 1, .c.f = v};
}

ov_vec ov_vec_const_str(ov_type t, ov_slice s, uint32_t rows)
{
    return (ov_vec){.type = t, .enc = OV_ENC_CONST, .rows = rows, .divisor = 1, .c.s = s};
}

ov_vec ov_vec_flat(ov_type t, const void *data, const uint64_t *valid, uint32_t rows)
{
    bool number = ov_type_is_int(t) || ov_type_is_real(t);
    return (ov_vec){.type = t,
                    .enc = OV_ENC_FLAT,
                    .lane = (uint8_t)(number ? 8 : sizeof(ov_slice)),
                    .raw = true,
                    .rows = rows,
                    .divisor = 1,
                    .data = data,
                    .valid = valid};
}

uint64_t ov_domain_next_id(void)
{
    static _Atomic uint64_t next = 1;
    return atomic_fetch_add_explicit(&next, 1, memory_order_relaxed);
}

/* ---- reading one value ---- */

uint64_t ov_vec_bytes(const ov_vec *v)
{
    uint64_t marks = v->valid ? (uint64_t)ov_words(v->rows) * sizeof(uint64_t) : 0;
    switch ((ov_enc)v->enc) {
    case OV_ENC_CONST:
        return 0;
    case OV_ENC_FLAT:
    case OV_ENC_DICT:
        return (uint64_t)v->rows * v->lane + marks;
    case OV_ENC_RUN:
        return v->runs * sizeof(*v->run_end) + ov_vec_bytes(v->child);
    case OV_ENC_LIST: {
        uint64_t elements = v->offsets[v->rows] - v->offsets[0];
        uint64_t all = v->child->rows;
        return ((uint64_t)v->rows + 1) * sizeof(*v->offsets) + marks +
               (all ? ov_vec_bytes(v->child) * elements / all : 0);
    }
    }
    return 0;
}

/* The run that covers `row`: the first whose end is past it. */
static uint32_t run_at(const ov_vec *v, uint32_t row)
{
    uint32_t low = 0, high = v->runs;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (v->run_end[mid] <= row)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool ov_vec_is_null(const ov_vec *v, uint32_t row)
{
    OV_ASSERT(row < v->rows);
    if (v->type.id == OV_TYPE_NULL)
        return true;
    switch ((ov_enc)v->enc) {
    case OV_ENC_CONST:
        return v->is_null;
    case OV_ENC_DICT:
        return ov_domain_is_null(v->dict, ov_vec_code(v, row));
    case OV_ENC_RUN:
        return ov_vec_is_null(v->child, run_at(v, row));
    case OV_ENC_FLAT:
    case OV_ENC_LIST:
        break;
    }
    return v->valid && !ovi_bit(v->valid, row);
}

int64_t ov_vec_i64(const ov_vec *v, uint32_t row)
{
    OV_ASSERT(row < v->rows);
    switch ((ov_enc)v->enc) {
    case OV_ENC_CONST:
        return v->c.i;
    case OV_ENC_DICT:
        return ov_domain_i64(v->dict, ov_vec_code(v, row));
    case OV_ENC_RUN:
        return ov_vec_i64(v->child, run_at(v, row));
    case OV_ENC_FLAT:
    case OV_ENC_LIST:
        break;
    }
    OV_ASSERT(v->enc == OV_ENC_FLAT);
    if (v->raw)
        return ((const int64_t *)v->data)[row];
    return (int64_t)((uint64_t)v->base + ovi_lane(v->data, v->lane, row));
}

double ov_vec_f64(const ov_vec *v, uint32_t row)
{
    OV_ASSERT(row < v->rows);
    if (ov_type_is_int(v->type))
        return (double)ov_vec_i64(v, row);
    switch ((ov_enc)v->enc) {
    case OV_ENC_CONST:
        return v->c.f;
    case OV_ENC_DICT:
        return ov_domain_f64(v->dict, ov_vec_code(v, row));
    case OV_ENC_RUN:
        return ov_vec_f64(v->child, run_at(v, row));
    case OV_ENC_FLAT:
    case OV_ENC_LIST:
        break;
    }
    OV_ASSERT(v->enc == OV_ENC_FLAT);
    if (v->raw)
        return v->lane == 4 ? (double)((const float *)v->data)[row]
                            : ((const double *)v->data)[row];
    int64_t scaled = (int64_t)((uint64_t)v->base + ovi_lane(v->data, v->lane, row));
    return (double)scaled / v->divisor;
}

ov_slice ov_vec_str(const ov_vec *v, uint32_t row)
{
    OV_ASSERT(row < v->rows);
    switch ((ov_enc)v->enc) {
    case OV_ENC_CONST:
        return v->is_null ? (ov_slice){0} : v->c.s;
    case OV_ENC_DICT:
        return ov_domain_str(v->dict, ov_vec_code(v, row));
    case OV_ENC_RUN:
        return ov_vec_str(v->child, run_at(v, row));
    case OV_ENC_FLAT:
    case OV_ENC_LIST:
        break;
    }
    OV_ASSERT(v->enc == OV_ENC_FLAT && v->raw);
    return ((const ov_slice *)v->data)[row];
}

const ov_vec *ov_vec_list(const ov_vec *v, uint32_t row, uint32_t *first, uint32_t *end)
{
    OV_ASSERT(row < v->rows);
    *first = *end = 0;
    switch ((ov_enc)v->enc) {
    case OV_ENC_CONST:
        if (v->is_null)
            return v;
        *end = v->c.list->rows;
        return v->c.list;
    case OV_ENC_DICT: {
        uint32_t code = ov_vec_code(v, row);
        if (ov_domain_is_null(v->dict, code))
            return v;
        return ov_vec_list(v->dict->values, code, first, end);
    }
    case OV_ENC_RUN:
        return ov_vec_list(v->child, run_at(v, row), first, end);
    case OV_ENC_FLAT: /* only the all-null form of ov_vec_flatten */
        return v;
    case OV_ENC_LIST:
        break;
    }
    *first = v->offsets[row];
    *end = v->offsets[row + 1];
    return v->child;
}

uint32_t ov_vec_code(const ov_vec *v, uint32_t row)
{
    OV_ASSERT(row < v->rows);
    if (v->enc == OV_ENC_RUN)
        return ov_vec_code(v->child, run_at(v, row));
    OV_ASSERT(v->dict);
    if (v->enc == OV_ENC_CONST)
        return (uint32_t)v->base;
    OV_ASSERT(v->enc == OV_ENC_DICT);
    return (uint32_t)((uint64_t)v->base + ovi_lane(v->data, v->lane, row));
}

/* ---- domains ---- */

bool ov_domain_is_null(const ov_domain *d, uint32_t code)
{
    OV_ASSERT(code < d->count);
    if (d->has_null && code == 0)
        return true;
    return !d->offsets && ov_vec_is_null(d->values, code);
}

ov_slice ov_domain_str(const ov_domain *d, uint32_t code)
{
    OV_ASSERT(code < d->count);
    if (!d->offsets)
        return ov_vec_str(d->values, code);
    return ov_slice_make(d->bytes + d->offsets[code], d->offsets[code + 1] - d->offsets[code]);
}

int64_t ov_domain_i64(const ov_domain *d, uint32_t code)
{
    return ov_vec_i64(d->values, code);
}

double ov_domain_f64(const ov_domain *d, uint32_t code)
{
    return ov_vec_f64(d->values, code);
}

uint32_t ov_domain_lower_bound(const ov_domain *d, ov_slice key, bool *exact)
{
    OV_ASSERT(d->sorted);
    uint32_t low = 0, high = d->count;
    if (d->count > 0 && ov_domain_is_null(d, 0))
        low = 1;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (ov_slice_cmp(ov_domain_str(d, mid), key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *exact = low < d->count && ov_slice_eq(ov_domain_str(d, low), key);
    return low;
}

ov_status ov_domain_values(const ov_domain *d, ov_arena *out, ov_vec *values, ov_error *err)
{
    if (d->offsets) {
        ov_slice *slices;
        OV_TRY(ov_arena_lanes(out, ovi_padded(d->count) * sizeof *slices, &slices, err));
        for (uint32_t i = 0; i < d->count; i++)
            slices[i] = ov_domain_str(d, i);
        *values = ov_vec_flat(d->type, slices, NULL, d->count);
    } else {
        OV_TRY(ov_vec_flatten(d->values, out, values, err));
    }
    if (d->has_null && d->count > 0 && !values->valid) {
        uint64_t *valid;
        OV_TRY(ovi_words_alloc(out, d->count, true, &valid, err));
        valid[0] &= ~UINT64_C(1);
        values->valid = valid;
    }
    return OV_OK;
}
