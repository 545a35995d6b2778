#include "query/agg/distinct.h"


#include "base/hash.h"
#include "base/value_sort.h"

enum { SEEN_MAX_BITS = 1 << 26, SLOTS_FAST = 1 << 20 };
#define SMALL_DOMAIN UINT64_MAX /* no dictionary has this id */

ov_status ov_distinct_init(ov_distinct *d, ov_type type, ov_budget *budget, ov_error *err)
{
    *d = (ov_distinct){.budget = budget, .type = type};
    if (ov_distinct_of_text(d))
        OV_TRY(ov_strtab_init(&d->strings, budget, err));
    OV_TRY(ov_array_grow(budget, &d->slots, 0, 64 * 16, err));
    d->slot_count = 64;
    return OV_OK;
}

void ov_distinct_fini(ov_distinct *d)
{
    if (ov_distinct_of_text(d)) {
        ov_strmap_fini(&d->map, d->budget);
        ov_strtab_fini(&d->strings);
    }
    ov_array_free(d->budget, &d->slots, d->slot_count * 16);
    ov_array_free(d->budget, &d->seen, d->seen_words * 8);
    d->slot_count = d->used = d->seen_words = 0;
}

void ov_distinct_reset(ov_distinct *d)
{
    memset(d->slots, 0, d->slot_count * 16);
    d->used = 0;
    d->seen_domain = 0;
}

static uint64_t pair_hash(uint32_t group, uint64_t value)
{
    return ov_hash_u64(value ^ (uint64_t)group * 0xD6E8FEB86659FD93ull);
}

static ov_status grow(ov_distinct *d, ov_error *err)
{
    uint64_t *slots = NULL;
    size_t count = d->slot_count * (d->slot_count < SLOTS_FAST ? 4 : 2); /* large sets grow in smaller steps */
    OV_TRY(ov_array_grow(d->budget, &slots, 0, count * 16, err));
    for (size_t i = 0; i < d->slot_count; i++) {
        uint64_t value = d->slots[2 * i], group_1 = d->slots[2 * i + 1];
        ov_status st = ov_budget_alive_at(d->budget, i, err);
        if (st != OV_OK) {
            ov_array_free(d->budget, &slots, count * 16);
            return st;
        }
        if (!group_1)
            continue;
        size_t at = pair_hash((uint32_t)(group_1 - 1), value) & (count - 1);
        while (slots[2 * at + 1])
            at = (at + 1) & (count - 1);
        slots[2 * at] = value;
        slots[2 * at + 1] = group_1;
    }
    ov_array_free(d->budget, &d->slots, d->slot_count * 16);
    d->slots = slots;
    d->slot_count = count;
    return OV_OK;
}

ov_status ov_distinct_put(ov_distinct *d, uint32_t group, uint64_t value, bool *fresh, ov_error *err)
{
    size_t mask = d->slot_count - 1, at = pair_hash(group, value) & mask;
    uint64_t group_1 = (uint64_t)group + 1;
    for (; d->slots[2 * at + 1]; at = (at + 1) & mask)
        if (d->slots[2 * at] == value && d->slots[2 * at + 1] == group_1)
            break;
    *fresh = !d->slots[2 * at + 1];
    if (!*fresh)
        return OV_OK;
    d->slots[2 * at] = value;
    d->slots[2 * at + 1] = group_1;
    return ++d->used > d->slot_count / 2 ? grow(d, err) : OV_OK;
}

ov_status ov_distinct_add_pairs(ov_distinct *d, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n,
                                ov_error *err)
{
    enum { AHEAD = 32 }; /* slots of large sets are cache misses: those of a stretch are fetched together */
    for (size_t from = 0; from < count; from += AHEAD) {
        size_t to = OV_MIN(from + AHEAD, count);
        for (size_t i = from; i < to; i++)
            __builtin_prefetch(&d->slots[2 * (pair_hash(group[i], value[i]) & (d->slot_count - 1))]);
        for (size_t i = from; i < to; i++)
            OV_TRY(ov_distinct_add(d, group[i], value[i], n, err));
    }
    return OV_OK;
}

ov_status ov_distinct_add(ov_distinct *d, uint32_t group, uint64_t value, uint64_t *n, ov_error *err)
{
    bool fresh;
    OV_TRY(ov_distinct_put(d, group, value, &fresh, err));
    n[group] += fresh;
    return OV_OK;
}

ov_status ov_distinct_add_str(ov_distinct *d, uint32_t group, ov_slice s, uint64_t *n, ov_error *err)
{
    uint32_t number;
    OV_TRY(ov_strtab_add(&d->strings, s, true, &number, err));
    return ov_distinct_add(d, group, number, n, err);
}

/* Marks save time, not memory: they take a small share of what there is. */
static uint64_t seen_most_bits(const ov_distinct *d)
{
    size_t least = SIZE_MAX;
    for (const ov_budget *b = d->budget; b; b = b->parent)
        least = OV_MIN(least, b->limit);
    return OV_MIN((uint64_t)SEEN_MAX_BITS, (uint64_t)least / 64 * 8);
}

/* Makes the bitmap fit this domain and this many groups; *fits is false when that would be too large. */
static ov_status prepare_seen(ov_distinct *d, uint32_t groups, uint64_t domain, uint32_t count, bool *fits,
                              ov_error *err)
{
    *fits = (uint64_t)groups * count <= seen_most_bits(d);
    if (!*fits || (d->seen_domain == domain && d->seen_groups >= groups))
        return OV_OK;
    uint64_t room = OV_MAX((uint64_t)groups, 1);
    while (room * 2 * count <= 1 << 16) /* groups come one by one: leave room while it is cheap */
        room *= 2;
    size_t words = (size_t)(room * count + 63) / 64;
    if (words > d->seen_words) {
        OV_TRY(ov_array_grow(d->budget, &d->seen, d->seen_words * 8, words * 8, err));
        d->seen_words = words;
    }
    memset(d->seen, 0, words * 8);
    d->seen_domain = domain;
    d->seen_groups = (uint32_t)room;
    return OV_OK;
}

/* Sets the bit; true when it was set before. */
static bool see(ov_distinct *d, uint64_t bit)
{
    bool seen = d->seen[bit / 64] >> bit % 64 & 1;
    d->seen[bit / 64] |= UINT64_C(1) << bit % 64;
    return seen;
}

ov_status ov_distinct_add_small(ov_distinct *d, uint32_t groups, uint32_t group, uint32_t value, uint64_t *n,
                                ov_error *err)
{
    bool fits;
    OV_TRY(prepare_seen(d, groups, SMALL_DOMAIN, OV_DISTINCT_SMALL, &fits, err));
    if (fits && see(d, (uint64_t)group * OV_DISTINCT_SMALL + value))
        return OV_OK;
    return ov_distinct_add(d, group, value, n, err);
}

ov_status ov_distinct_code_value(ov_distinct *d, const ov_domain *dom, uint32_t code, uint64_t *value,
                                 ov_error *err)
{
    if (ov_type_is_int(d->type)) {
        *value = (uint64_t)ov_domain_i64(dom, code);
    } else if (ov_type_is_real(d->type)) {
        *value = ov_distinct_real(ov_domain_f64(dom, code));
    } else {
        uint32_t *map;
        OV_TRY(ov_strmap_of(&d->map, &d->strings, dom, &map, err));
        if (!map[code])
            OV_TRY(ov_strmap_fill(&d->strings, dom, code, &map[code], err));
        *value = map[code] - 1;
    }
    return OV_OK;
}

ov_status ov_distinct_seen(ov_distinct *d, uint32_t groups, uint32_t group, const ov_domain *dom, uint32_t code,
                           bool *seen, ov_error *err)
{
    bool fits;
    OV_TRY(prepare_seen(d, groups, dom->id, dom->count, &fits, err));
    *seen = fits && see(d, (uint64_t)group * dom->count + code);
    return OV_OK;
}

ov_status ov_distinct_add_code(ov_distinct *d, uint32_t groups, uint32_t group, const ov_domain *dom,
                               uint32_t code, uint64_t *n, ov_error *err)
{
    bool seen;
    OV_TRY(ov_distinct_seen(d, groups, group, dom, code, &seen, err));
    if (seen)
        return OV_OK;
    uint64_t value;
    OV_TRY(ov_distinct_code_value(d, dom, code, &value, err));
    return ov_distinct_add(d, group, value, n, err);
}

/* Order of values as numbers of their type. */
static int by_long(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static int by_real(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (int)ovi_real_above(x, y) - (int)ovi_real_above(y, x);
}

ov_status ov_distinct_list(const ov_distinct *d, uint32_t groups, const uint32_t *group, uint32_t n, ov_arena *out,
                           size_t **offsets, uint64_t **values, ov_error *err)
{
    uint32_t *place; /* of each group in `group`, plus one */
    size_t *end, total = 0;
    OV_TRY(ov_arena_zalloc(out, ((size_t)n + 2) * sizeof(*end), offsets, err));
    OV_TRY(ov_arena_zalloc(out, ((size_t)groups + 1) * sizeof(*place), &place, err));
    end = *offsets + 1; /* first counts, then where the next value of each goes */
    for (uint32_t i = 0; i < n; i++)
        place[group[i]] = i + 1;
    for (size_t i = 0; i < d->slot_count; i++)
        if (d->slots[2 * i + 1] && place[d->slots[2 * i + 1] - 1])
            end[place[d->slots[2 * i + 1] - 1] - 1]++;
    for (uint32_t i = 0; i < n; i++) {
        size_t count = end[i];
        end[i] = total;
        total += count;
    }
    OV_TRY(ov_arena_alloc(out, (total + 1) * sizeof(**values), values, err));
    for (size_t i = 0; i < d->slot_count; i++)
        if (d->slots[2 * i + 1] && place[d->slots[2 * i + 1] - 1])
            (*values)[end[place[d->slots[2 * i + 1] - 1] - 1]++] = d->slots[2 * i];
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(ov_sort(out->budget, *values + (*offsets)[i], end[i] - (*offsets)[i], sizeof(**values),
                       ov_type_is_real(d->type) ? by_real : by_long, err));
    return OV_OK;
}

ov_status ov_distinct_merge(ov_distinct *d, const ov_distinct *src, const uint32_t *map, uint64_t *n,
                            ov_error *err)
{
    uint32_t *numbers = NULL;
    size_t bytes = 0;
    ov_status st = OV_OK;
    if (ov_distinct_of_text(d)) {
        bytes = (size_t)src->strings.count * sizeof(*numbers);
        OV_TRY(ov_array_grow(d->budget, &numbers, 0, bytes, err));
        for (uint32_t i = 1; i < src->strings.count; i++) {
            OV_TRY_OUT(st, ov_budget_alive_at(d->budget, i, err));
            OV_TRY_OUT(st, ov_strtab_add(&d->strings, src->strings.text[i], true, &numbers[i], err));
        }
    }
    enum { SOME = 256 };
    uint32_t group[SOME];
    uint64_t values[SOME];
    size_t some = 0;
    for (size_t i = 0; i < src->slot_count; i++) {
        OV_TRY_OUT(st, ov_budget_alive_at(d->budget, i, err));
        uint64_t value = src->slots[2 * i], group_1 = src->slots[2 * i + 1];
        if (group_1) {
            group[some] = map[group_1 - 1];
            values[some++] = numbers ? numbers[value] : value;
        }
        if (some == SOME || (some && i + 1 == src->slot_count)) {
            OV_TRY_OUT(st, ov_distinct_add_pairs(d, group, values, some, n, err));
            some = 0;
        }
    }
out:
    ov_array_free(d->budget, &numbers, bytes);
    return st;
}
