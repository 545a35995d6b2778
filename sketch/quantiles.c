#include "sketch/quantiles.h"

void ov_quantiles_init(ov_quantiles *s, unsigned k)
{
    *s = (ov_quantiles){.k = (uint16_t)k};
}

ov_status ovi_quantiles_reserve(ov_quantiles *s, uint32_t levels, const ov_sketch_mem *mem, ov_error *err)
{
    return mem->grow(mem->owner, &s->items, &s->cap, (2 + (size_t)levels) * s->k * sizeof(double), err);
}

/* Every other one of the 2k items of a and b, each sorted, merged. */
static void merge_half(const double *a, const double *b, uint32_t k, bool odd, double *restrict out)
{
    uint32_t i = 0, j = 0;
    for (uint32_t to = 0; to < 2 * k; to++) {
        double v = i < k && (j == k || a[i] <= b[j]) ? a[i++] : b[j++];
        if ((to & 1) == odd)
            out[to / 2] = v;
    }
}

/*
 * Lifts a carry of k sorted items, in work[0..k), to the first level from `level` on that is empty by `pattern`. Levels
 * it went through are empty afterwards. There is room for all of them. work has 2k places.
 */
static void lift(ov_quantiles *s, double *work, uint32_t level, uint64_t pattern)
{
    double *carry = work, *other = work + s->k;
    for (; pattern >> level & 1; level++) {
        const double *met = ovi_quantiles_level(s, level);
        merge_half(carry, met, s->k, ovi_throw_coin(&s->coin, met[s->k / 2]), other);
        double *swap = carry;
        carry = other;
        other = swap;
    }
    memcpy(ovi_quantiles_level(s, level), carry, s->k * sizeof(double));
}

/* The base buffer is full: n has just become a multiple of 2k. */
static ov_status empty_base(ov_quantiles *s, const ov_sketch_mem *mem, ov_error *err)
{
    uint64_t pattern = ovi_quantiles_levels(s);
    OV_TRY(ovi_quantiles_reserve(s, ovi_quantiles_level_count(pattern), mem, err));
    double *base = s->items;
    ovi_sort_doubles(base, 2 * (size_t)s->k);
    bool odd = ovi_throw_coin(&s->coin, base[s->k]);
    for (uint32_t i = 0; i < s->k; i++)
        base[i] = base[2 * i + odd];
    lift(s, base, 0, pattern - 1);
    return OV_OK;
}

static void see(ov_quantiles *s, double low, double high)
{
    if (s->n == 0 || low < s->min)
        s->min = low;
    if (s->n == 0 || high > s->max)
        s->max = high;
}

ov_status ov_quantiles_add(ov_quantiles *s, double x, const ov_sketch_mem *mem, ov_error *err)
{
    uint32_t at = ovi_quantiles_base(s), full = 2 * (uint32_t)s->k;
    if (isnan(x))
        return OV_OK;
    if ((at + 1) * sizeof(double) > s->cap) {
        size_t want = OV_MIN(OV_MAX(4 * (size_t)at, 4), (size_t)full);
        OV_TRY(mem->grow(mem->owner, &s->items, &s->cap, want * sizeof(double), err));
    }
    if (at + 1 == full) /* before anything changes */
        OV_TRY(ovi_quantiles_reserve(s, ovi_quantiles_level_count(ovi_quantiles_levels(s) + 1), mem, err));
    see(s, x, x);
    s->items[at] = x;
    s->n++;
    return at + 1 == full ? empty_base(s, mem, err) : OV_OK;
}

/* ---- merging ---- */

static ov_status add_base(ov_quantiles *s, const ov_quantiles *from, const ov_sketch_mem *mem, ov_error *err)
{
    for (uint32_t i = 0, n = ovi_quantiles_base(from); i < n; i++)
        OV_TRY(ov_quantiles_add(s, from->items[i], mem, err));
    return OV_OK;
}

/* All levels of `from`, whose k is 2^shift times that of s: of a level every 2^shift-th item, as many levels higher. */
static ov_status add_levels(ov_quantiles *s, const ov_quantiles *from, uint32_t shift, const ov_sketch_mem *mem,
                            ov_error *err)
{
    uint64_t pattern = ovi_quantiles_levels(from), stride = UINT64_C(1) << shift;
    double *work = NULL;
    size_t cap = 0;
    OV_TRY(mem->grow(mem->owner, &work, &cap, 2 * (size_t)s->k * sizeof(double), err));
    ov_status st = OV_OK;
    for (uint32_t level = 0; pattern >> level; level++) {
        if (!(pattern >> level & 1))
            continue;
        uint64_t have = ovi_quantiles_levels(s), more = UINT64_C(1) << (level + shift);
        OV_TRY_OUT(st, ovi_quantiles_reserve(s, ovi_quantiles_level_count(have + more), mem, err));
        const double *items = ovi_quantiles_level(from, level);
        uint64_t offset = 0;
        for (uint32_t i = 0; i < shift; i++)
            offset = offset << 1 | ovi_throw_coin(&s->coin, items[from->k / 2]);
        for (uint32_t i = 0; i < s->k; i++)
            work[i] = items[i * stride + offset];
        lift(s, work, level + shift, have);
        s->n += more * 2 * s->k;
    }
out:
    mem->give(mem->owner, &work, cap);
    return st;
}

static uint32_t log2_of(unsigned k)
{
    return 31 - (uint32_t)__builtin_clz(k);
}

/* from->k is that of s or larger, or it has no levels. */
static ov_status take_in(ov_quantiles *s, const ov_quantiles *from, const ov_sketch_mem *mem, ov_error *err)
{
    bool first = s->n == 0;
    if (from->n == 0)
        return OV_OK;
    OV_TRY(add_base(s, from, mem, err));
    if (ovi_quantiles_levels(from))
        OV_TRY(add_levels(s, from, log2_of(from->k) - log2_of(s->k), mem, err));
    if (first) {
        s->min = from->min;
        s->max = from->max;
    } else {
        see(s, from->min, from->max);
    }
    return OV_OK;
}

ov_status ov_quantiles_merge(ov_quantiles *s, const ov_quantiles *from, const ov_sketch_mem *mem, ov_error *err)
{
    if (from->n == 0)
        return OV_OK;
    if (s->n > UINT64_MAX / 4 || from->n > UINT64_MAX / 4)
        return ov_fail(err, OV_LIMIT, "a quantiles sketch of more than 2^62 items");
    if (from->k < s->k && ovi_quantiles_levels(from)) {
        ov_quantiles narrow;
        ov_quantiles_init(&narrow, from->k);
        ov_status st = take_in(&narrow, s, mem, err);
        mem->give(mem->owner, &s->items, s->cap);
        *s = narrow;
        OV_TRY(st);
    }
    return take_in(s, from, mem, err);
}

/* ---- answers ---- */

ov_status ov_quantiles_ranks(const ov_quantiles *s, ov_ranks *out, ov_arena *a, ov_error *err)
{
    uint32_t base = ovi_quantiles_base(s);
    uint64_t pattern = ovi_quantiles_levels(s);
    OV_TRY(ov_ranks_init(out, base + (uint32_t)__builtin_popcountll(pattern) * s->k, s->min, s->max, a, err));
    for (uint32_t i = 0; i < base; i++)
        ov_ranks_add(out, s->items[i], 1);
    ovi_sort_doubles(out->items, base);
    for (uint32_t level = 0; pattern >> level; level++)
        for (uint32_t i = 0; pattern >> level & 1 && i < s->k; i++)
            ov_ranks_add(out, ovi_quantiles_level(s, level)[i], UINT64_C(2) << level);
    return ov_ranks_finish(out, a, err);
}

/* Fitted by DataSketches to measured errors: a/k^b. */
double ov_quantiles_error(unsigned k, bool of_difference)
{
    return of_difference ? 1.854 / pow(k, 0.9657) : 1.576 / pow(k, 0.9726);
}
