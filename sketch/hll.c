#include "sketch/hll.h"

enum { LIST_LG = 3, SET_LG = 5, SET_LEAST_LG_K = 8 };

void ov_hll_init(ov_hll *s, unsigned lg_k, ov_hll_type type)
{
    *s = (ov_hll){.lg_k = (uint8_t)lg_k, .type = (uint8_t)type, .mode = OV_HLL_LIST, .lg_slots = LIST_LG};
}

/* The place of a coupon in a table of 2^lg places, or the free one where it belongs. */
static uint32_t *place(uint32_t *table, unsigned lg, uint32_t coupon)
{
    uint32_t mask = (UINT32_C(1) << lg) - 1, at = coupon & mask;
    uint32_t step = (coupon & 0x3ffffff) >> lg | 1;
    while (table[at] && table[at] != coupon)
        at = (at + step) & mask;
    return &table[at];
}

/* Coupons move to an empty table of 2^lg places. */
static ov_status make_set(ov_hll *s, unsigned lg, const ov_sketch_mem *mem, ov_error *err)
{
    uint32_t *fresh = NULL;
    size_t cap = 0, bytes = sizeof(uint32_t) << lg;
    OV_TRY(mem->grow(mem->owner, &fresh, &cap, bytes, err));
    memset(fresh, 0, bytes);
    for (uint32_t i = 0; s->coupons && i < UINT32_C(1) << s->lg_slots; i++)
        if (s->coupons[i])
            *place(fresh, lg, s->coupons[i]) = s->coupons[i];
    mem->give(mem->owner, &s->block, s->cap);
    s->coupons = fresh;
    s->cap = cap;
    s->lg_slots = (uint8_t)lg;
    s->mode = OV_HLL_SET;
    return OV_OK;
}

ov_status ovi_hll_make_array(ov_hll *s, unsigned lg_k, const ov_sketch_mem *mem, ov_error *err)
{
    uint8_t *regs = NULL;
    size_t cap = 0, bytes = (size_t)1 << lg_k;
    OV_TRY(mem->grow(mem->owner, &regs, &cap, bytes, err));
    memset(regs, 0, bytes);
    s->regs = regs;
    s->cap = cap;
    s->lg_k = (uint8_t)lg_k;
    s->mode = OV_HLL_ARRAY;
    s->count = 0;
    s->kxq0 = (double)bytes;
    s->kxq1 = s->hip = 0;
    return OV_OK;
}

/* One register grows, and with it, while the order is known, the running estimate. */
static void raise(ov_hll *s, uint32_t slot, uint8_t run)
{
    uint8_t old = s->regs[slot];
    if (run <= old)
        return;
    s->regs[slot] = run;
    if (s->merged)
        return;
    s->hip += (double)(UINT32_C(1) << s->lg_k) / (s->kxq0 + s->kxq1);
    *(old < 32 ? &s->kxq0 : &s->kxq1) -= ldexp(1, -old);
    *(run < 32 ? &s->kxq0 : &s->kxq1) += ldexp(1, -run);
}

static void raise_coupons(ov_hll *s, const uint32_t *coupons, uint32_t n)
{
    uint32_t mask = (UINT32_C(1) << s->lg_k) - 1;
    for (uint32_t i = 0; i < n; i++)
        raise(s, coupons[i] & mask, (uint8_t)(coupons[i] >> 26));
}

static ov_status promote(ov_hll *s, const ov_sketch_mem *mem, ov_error *err)
{
    ov_hll old = *s;
    OV_TRY(ovi_hll_make_array(s, s->lg_k, mem, err));
    raise_coupons(s, old.coupons, UINT32_C(1) << old.lg_slots);
    s->hip = ov_hll_estimate(&old);
    mem->give(mem->owner, &old.block, old.cap);
    return OV_OK;
}

static ov_status add_to_list(ov_hll *s, uint32_t coupon, const ov_sketch_mem *mem, ov_error *err)
{
    size_t bytes = sizeof(uint32_t) << LIST_LG;
    if (!s->coupons) {
        OV_TRY(mem->grow(mem->owner, &s->block, &s->cap, bytes, err));
        memset(s->coupons, 0, bytes);
    }
    for (uint32_t i = 0; i < s->count; i++)
        if (s->coupons[i] == coupon)
            return OV_OK;
    s->coupons[s->count++] = coupon;
    if (s->count < 1u << LIST_LG)
        return OV_OK;
    return s->lg_k < SET_LEAST_LG_K ? promote(s, mem, err) : make_set(s, SET_LG, mem, err);
}

static ov_status add_to_set(ov_hll *s, uint32_t coupon, const ov_sketch_mem *mem, ov_error *err)
{
    uint32_t *at = place(s->coupons, s->lg_slots, coupon);
    if (*at)
        return OV_OK;
    *at = coupon;
    if (4 * (uint64_t)++s->count <= (uint64_t)3 << s->lg_slots)
        return OV_OK;
    return s->lg_slots == s->lg_k - 3 ? promote(s, mem, err) : make_set(s, s->lg_slots + 1u, mem, err);
}

ov_status ovi_hll_add_slow(ov_hll *s, uint32_t coupon, const ov_sketch_mem *mem, ov_error *err)
{
    if (!coupon)
        return OV_OK;
    if (s->mode == OV_HLL_LIST)
        return add_to_list(s, coupon, mem, err);
    if (s->mode == OV_HLL_SET)
        return add_to_set(s, coupon, mem, err);
    raise(s, coupon & ((UINT32_C(1) << s->lg_k) - 1), (uint8_t)(coupon >> 26));
    return OV_OK;
}

/* ---- merging ---- */

static void fold_registers(uint8_t *into, unsigned lg_k, const ov_hll *from)
{
    size_t k = (size_t)1 << lg_k;
    for (size_t start = 0; start < (size_t)1 << from->lg_k; start += k)
        for (size_t i = 0; i < k; i++)
            into[i] = OV_MAX(into[i], from->regs[start + i]);
}

/* s becomes an array with the registers of `from`, at most 2^lg_k of them. */
static ov_status copy_array(ov_hll *s, const ov_hll *from, const ov_sketch_mem *mem, ov_error *err)
{
    OV_TRY(ovi_hll_make_array(s, OV_MIN(s->lg_k, from->lg_k), mem, err));
    fold_registers(s->regs, s->lg_k, from);
    s->hip = from->hip;
    s->merged = from->merged;
    s->kxq0 = s->kxq1 = 0;
    for (size_t i = 0; i < (size_t)1 << s->lg_k; i++)
        *(s->regs[i] < 32 ? &s->kxq0 : &s->kxq1) += ldexp(1, -s->regs[i]);
    return OV_OK;
}

static ov_status merge_array(ov_hll *s, const ov_hll *from, const ov_sketch_mem *mem, ov_error *err)
{
    if (s->mode == OV_HLL_ARRAY && s->lg_k <= from->lg_k) {
        fold_registers(s->regs, s->lg_k, from);
        s->merged = true;
        return OV_OK;
    }
    bool first = ov_hll_is_empty(s), lost = s->merged;
    ov_hll old = *s;
    OV_TRY(copy_array(s, from, mem, err));
    s->merged |= lost || !first;
    if (old.mode == OV_HLL_ARRAY)
        fold_registers(s->regs, s->lg_k, &old);
    else if (old.coupons)
        raise_coupons(s, old.coupons, UINT32_C(1) << old.lg_slots);
    mem->give(mem->owner, &old.block, old.cap);
    return OV_OK;
}

ov_status ov_hll_merge(ov_hll *s, const ov_hll *from, const ov_sketch_mem *mem, ov_error *err)
{
    if (ov_hll_is_empty(from))
        return OV_OK;
    if (from->mode == OV_HLL_ARRAY)
        return merge_array(s, from, mem, err);
    s->merged |= !ov_hll_is_empty(s);
    for (uint32_t i = 0; i < UINT32_C(1) << from->lg_slots; i++)
        OV_TRY(ov_hll_add(s, from->coupons[i], mem, err));
    return OV_OK;
}

void ovi_hll_histogram(const ov_hll *s, uint32_t count[64])
{
    memset(count, 0, 64 * sizeof(*count));
    for (size_t i = 0; i < (size_t)1 << s->lg_k; i++)
        count[s->regs[i] & 63]++;
}
