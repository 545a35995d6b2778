#include "sketch/kll.h"

#define MOST_ITEMS (UINT64_C(1) << 60)

/* 2/3 to the power of depth, of k, rounded; in two steps where 3^depth would not fit. */
static uint64_t shrunk(uint64_t k, unsigned depth)
{
    if (depth > 30)
        return shrunk(shrunk(k, depth / 2), depth - depth / 2);
    uint64_t power = 1;
    for (unsigned i = 0; i < depth; i++)
        power *= 3;
    return ((2 * k << depth) / power + 1) / 2;
}

static uint32_t level_room(unsigned k, unsigned m, unsigned levels, unsigned level)
{
    uint64_t room = shrunk(k, levels - level - 1);
    return (uint32_t)OV_MAX(room, (uint64_t)m);
}

uint32_t ovi_kll_capacity(unsigned k, unsigned m, unsigned levels)
{
    uint32_t all = 0;
    for (unsigned i = 0; i < levels; i++)
        all += level_room(k, m, levels, i);
    return all;
}

void ov_kll_init(ov_kll *s, unsigned k, bool floats)
{
    *s = (ov_kll){.k = (uint16_t)k, .min_k = (uint16_t)k, .m = 8, .levels = 1, .floats = floats, .capacity = k};
}

ov_status ovi_kll_reserve_levels(ov_kll *s, unsigned levels, const ov_sketch_mem *mem, ov_error *err)
{
    return mem->grow(mem->owner, &s->ends, &s->ends_cap, levels * sizeof(*s->ends), err);
}

/* All levels lie `by` places further up. */
static void shift_ends(ov_kll *s, int64_t by)
{
    for (unsigned i = 0; i < s->levels; i++)
        s->ends[i] = (uint32_t)(s->ends[i] + by);
    s->free = (uint32_t)(s->free + by);
    s->room = (uint32_t)(s->room + by);
}

/* ---- compacting ---- */

/* Two sorted runs as one behind `out`, which may lie in front of b by as many places as a has. */
static void merge_runs(const double *a, size_t a_count, const double *b, size_t b_count, double *out)
{
    const double *a_end = a + a_count, *b_end = b + b_count;
    while (a < a_end && b < b_end)
        *out++ = *b < *a ? *b++ : *a++;
    memmove(out, a, (size_t)(a_end - a) * sizeof(*out));
    out += a_end - a;
    memmove(out, b, (size_t)(b_end - b) * sizeof(*out));
}

static ov_status add_level(ov_kll *s, const ov_sketch_mem *mem, ov_error *err)
{
    OV_TRY(ovi_kll_reserve_levels(s, s->levels + 1u, mem, err));
    s->ends[s->levels] = s->ends[s->levels - 1];
    s->levels++;
    s->capacity = ovi_kll_capacity(s->k, s->m, s->levels);
    return OV_OK;
}

/* Half of a level, which has two items or more, goes up; what lies below moves into the places left. */
static ov_status compact(ov_kll *s, unsigned level, const ov_sketch_mem *mem, ov_error *err)
{
    if (level + 1u == s->levels)
        OV_TRY(add_level(s, mem, err));
    uint32_t begin = ovi_kll_begin(s, level), end = s->ends[level], above = s->ends[level + 1] - end;
    uint32_t from = begin + ((end - begin) & 1), half = (end - from) / 2;
    double *x = s->items + from;
    if (level == 0 && !s->sorted)
        ovi_sort_doubles(x, 2 * (size_t)half);
    bool odd = ovi_throw_coin(&s->coin, x[half]);
    if (above == 0) {
        for (uint32_t i = half; i-- > 0;)
            x[half + i] = x[2 * i + odd];
    } else {
        for (uint32_t i = 0; i < half; i++)
            x[i] = x[2 * i + odd];
        merge_runs(x, half, s->items + end, above, x + half);
    }
    memmove(s->items + s->free + half, s->items + s->free, (from - s->free) * sizeof(*s->items));
    s->ends[level] -= half;
    for (unsigned i = 0; i < level; i++)
        s->ends[i] += half;
    s->free += half;
    return OV_OK;
}

/* There are as many items as there is room for, so one level or more has its fill. */
static ov_status compact_lowest(ov_kll *s, const ov_sketch_mem *mem, ov_error *err)
{
    unsigned level = 0;
    while (level + 1u < s->levels && ovi_kll_population(s, level) < level_room(s->k, s->m, s->levels, level))
        level++;
    return compact(s, level, mem, err);
}

ov_status ovi_kll_make_room(ov_kll *s, const ov_sketch_mem *mem, ov_error *err)
{
    if (s->n >= MOST_ITEMS)
        return ov_fail(err, OV_LIMIT, "a KLL sketch of more than 2^60 items");
    if (s->room == s->capacity)
        return compact_lowest(s, mem, err);
    uint32_t room = OV_MIN(OV_MAX(2 * s->room, 4u), s->capacity), more = room - s->room;
    OV_TRY(ovi_kll_reserve_levels(s, s->levels, mem, err));
    OV_TRY(mem->grow(mem->owner, &s->items, &s->cap, room * sizeof(double), err));
    memmove(s->items + more, s->items, s->room * sizeof(double));
    if (s->room == 0)
        memset(s->ends, 0, s->levels * sizeof(*s->ends));
    shift_ends(s, more);
    return OV_OK;
}

/* ---- merging ---- */

/* Levels above 0 of both, merged into a block that has place for all; then as much is compacted as there is too much. */
static ov_status merge_levels(ov_kll *s, const ov_kll *from, const ov_sketch_mem *mem, ov_error *err)
{
    unsigned levels = OV_MAX(s->levels, from->levels), mine = s->levels;
    uint32_t total = s->room - s->free + from->room - from->ends[0], at = 0, begin = s->free;
    double *to = NULL;
    size_t cap = 0;
    OV_TRY(ovi_kll_reserve_levels(s, levels, mem, err));
    OV_TRY(mem->grow(mem->owner, &to, &cap, total * sizeof(double), err));
    for (unsigned i = 0; i < levels; i++) {
        uint32_t ours = i < mine ? s->ends[i] - begin : 0, theirs = i && i < from->levels ? ovi_kll_population(from, i) : 0;
        const double *b = theirs ? from->items + ovi_kll_begin(from, i) : to;
        merge_runs(s->items + begin, ours, b, theirs, to + at);
        begin += ours;
        at += ours + theirs;
        s->ends[i] = at;
    }
    mem->give(mem->owner, &s->items, s->cap);
    s->items = to;
    s->cap = cap;
    s->levels = (uint8_t)levels;
    s->capacity = ovi_kll_capacity(s->k, s->m, levels);
    s->room = total;
    s->free = 0;
    while (s->room - s->free > s->capacity)
        OV_TRY(compact_lowest(s, mem, err));
    if (s->room > s->capacity) {
        uint32_t less = s->room - s->capacity;
        memmove(s->items + s->free - less, s->items + s->free, (s->room - s->free) * sizeof(double));
        shift_ends(s, -(int64_t)less);
    }
    return OV_OK;
}

ov_status ov_kll_merge(ov_kll *s, const ov_kll *from, const ov_sketch_mem *mem, ov_error *err)
{
    uint64_t n = s->n + from->n;
    if (from->n == 0)
        return OV_OK;
    if (n > MOST_ITEMS)
        return ov_fail(err, OV_LIMIT, "a KLL sketch of more than 2^60 items");
    double min = s->n && s->min < from->min ? s->min : from->min, max = s->n && s->max > from->max ? s->max : from->max;
    for (uint32_t i = from->free; i < from->ends[0]; i++)
        OV_TRY(ov_kll_add(s, from->items[i], mem, err));
    if (from->levels > 1) {
        if (!s->ends) /* nothing has come yet: one level without items */
            OV_TRY(ovi_kll_make_room(s, mem, err));
        OV_TRY(merge_levels(s, from, mem, err));
        s->min_k = OV_MIN(s->min_k, from->min_k);
    }
    s->n = n;
    s->min = min;
    s->max = max;
    return OV_OK;
}

void ov_kll_sort(ov_kll *s)
{
    if (s->n && !s->sorted)
        ovi_sort_doubles(s->items + s->free, ovi_kll_population(s, 0));
    s->sorted |= s->n > 0;
}

/* ---- answers ---- */

ov_status ov_kll_ranks(const ov_kll *s, ov_ranks *out, ov_arena *a, ov_error *err)
{
    OV_TRY(ov_ranks_init(out, s->room - s->free, s->min, s->max, a, err));
    for (unsigned level = 0; s->n && level < s->levels; level++) {
        for (uint32_t i = ovi_kll_begin(s, level); i < s->ends[level]; i++)
            ov_ranks_add(out, s->items[i], UINT64_C(1) << level);
        if (level == 0)
            ovi_sort_doubles(out->items, out->count);
    }
    return ov_ranks_finish(out, a, err);
}

/* Fitted by DataSketches to measured errors: a/k^b. */
double ov_kll_error(unsigned k, bool of_difference)
{
    return of_difference ? 2.446 / pow(k, 0.9433) : 2.296 / pow(k, 0.9723);
}
