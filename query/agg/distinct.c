#include "query/agg/distinct.h"

#include "base/value_sort.h"

enum {
    SEEN_MAX_BITS = 1 << 26,
    AHEAD = 256,
    FEW_GROUPS = 1 << 10, /* groups before this have only pairs: where there are no more, they mostly have many values */
};
#define SMALL_DOMAIN UINT64_MAX /* no dictionary has this id */

ov_status ov_distinct_init(ov_distinct *d, ov_type type, ov_budget *budget, ov_error *err)
{
    *d = (ov_distinct){.budget = budget, .type = type};
    if (ov_distinct_of_text(d)) {
        d->strings = &d->own;
        OV_TRY(ov_strtab_init(&d->own, budget, err));
    }
    return ov_pairs_init(&d->pairs, budget, err);
}

void ov_distinct_share(ov_distinct *d, ov_distinct *with)
{
    if (!ov_distinct_of_text(d))
        return;
    OV_ASSERT(d->own.count <= 1);
    ov_strtab_fini(&d->own);
    d->own = (ov_strtab){0};
    d->strings = with->strings;
}

void ov_distinct_fini(ov_distinct *d)
{
    if (ov_distinct_of_text(d)) {
        ov_strmap_fini(&d->map, d->budget);
        if (d->strings == &d->own)
            ov_strtab_fini(&d->own);
    }
    ov_pairs_fini(&d->pairs);
    ov_array_free(d->budget, &d->owner, (size_t)d->owner_cap * sizeof(*d->owner));
    ov_array_free(d->budget, &d->seen, d->seen_words * 8);
    ov_array_free(d->budget, &d->first, (size_t)d->first_cap * sizeof(*d->first));
    d->owner_cap = d->owned = d->first_cap = d->first_end = 0;
    d->seen_words = 0;
}

void ov_distinct_reset(ov_distinct *d)
{
    ov_pairs_reset(&d->pairs);
    if (d->owner_end > d->owner_low)
        memset(d->owner + d->owner_low, 0, (size_t)(d->owner_end - d->owner_low) * sizeof(*d->owner));
    if (d->first_end)
        memset(d->first, 0, (size_t)d->first_end * sizeof(*d->first));
    d->owned = d->owner_low = d->owner_end = d->first_end = 0;
    d->seen_domain = 0;
}

/* Every string of the table may have an owner. */
static ov_status room_for_owners(ov_distinct *d, ov_error *err)
{
    uint32_t cap = d->strings->cap;
    if (d->owner_cap >= d->strings->count)
        return OV_OK;
    OV_TRY(ov_array_grow(d->budget, &d->owner, (size_t)d->owner_cap * sizeof(*d->owner), (size_t)cap * sizeof(*d->owner),
                         err));
    d->owner_cap = cap;
    return OV_OK;
}

/* A string's owner: false when it is another group, so that the pair has to go elsewhere. There is room. */
OV_INLINE bool own(ov_distinct *d, uint32_t group, uint32_t number, bool *fresh)
{
    uint32_t *owner = &d->owner[number];
    *fresh = *owner == 0;
    if (!*fresh)
        return *owner == group + 1;
    *owner = group + 1;
    d->owner_low = d->owned ? OV_MIN(d->owner_low, number) : number;
    d->owner_end = OV_MAX(d->owner_end, number + 1);
    d->owned++;
    return true;
}

/* Values as `first` has them, and back: 0, which means none, is the mark of a value that hardly occurs. */
OV_INLINE uint64_t mark_of(uint64_t value)
{
    return value ^ 0x9E3779B97F4A7C15u;
}

OV_INLINE bool has_first(uint32_t group, uint64_t mark)
{
    return group >= FEW_GROUPS && mark;
}

static OV_NOINLINE ov_status room_for_first(ov_distinct *d, uint32_t group, ov_error *err)
{
    size_t cap = OV_MAX(d->first_cap, (uint32_t)FEW_GROUPS * 2);
    while (cap <= group)
        cap *= 2;
    cap = OV_MIN(cap, (size_t)UINT32_MAX);
    OV_TRY(ov_array_grow(d->budget, &d->first, (size_t)d->first_cap * sizeof(*d->first), cap * sizeof(*d->first), err));
    d->first_cap = (uint32_t)cap;
    return OV_OK;
}

/* Is it the value that the group had first, or becomes it? false: the pair has to go elsewhere. There is room. */
OV_INLINE bool be_first(ov_distinct *d, uint32_t group, uint64_t value, bool *fresh)
{
    uint64_t *first = &d->first[group], mark = mark_of(value);
    *fresh = *first == 0;
    if (!has_first(group, mark) || !*fresh)
        return has_first(group, mark) && *first == mark;
    *first = mark;
    d->first_end = OV_MAX(d->first_end, group + 1);
    d->owned++;
    return true;
}

ov_status ov_distinct_put(ov_distinct *d, uint32_t group, uint64_t value, bool *fresh, ov_error *err)
{
    if (ov_distinct_of_text(d)) {
        OV_TRY(room_for_owners(d, err));
        if (own(d, group, (uint32_t)value, fresh))
            return OV_OK;
    } else {
        if (group >= OV_MAX(d->first_cap, (uint32_t)FEW_GROUPS))
            OV_TRY(room_for_first(d, group, err));
        if (group >= FEW_GROUPS && be_first(d, group, value, fresh))
            return OV_OK;
    }
    return ov_pairs_put(&d->pairs, group, value, fresh, err);
}

/* Groups are fetched together; what is not their first value goes on. */
static ov_status add_numbers(ov_distinct *d, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n, ov_error *err)
{
    uint32_t other[AHEAD], most = 0;
    uint64_t rest[AHEAD];
    for (size_t i = 0; i < count; i++)
        most = OV_MAX(most, group[i]);
    if (most < FEW_GROUPS)
        return ov_pairs_add(&d->pairs, group, value, count, n, err);
    if (most >= d->first_cap)
        OV_TRY(room_for_first(d, most, err));
    for (size_t from = 0, to; from < count; from = to) {
        uint32_t some = 0;
        to = OV_MIN(count, from + AHEAD);
        for (size_t i = from; i < to; i++) {
            __builtin_prefetch(&d->first[group[i]], 1);
            __builtin_prefetch(&n[group[i]], 1);
        }
        for (size_t i = from; i < to; i++) {
            bool fresh, there = be_first(d, group[i], value[i], &fresh);
            n[group[i]] += there && fresh;
            other[some] = group[i];
            rest[some] = value[i];
            some += !there;
        }
        OV_TRY(ov_pairs_add(&d->pairs, other, rest, some, n, err));
    }
    return OV_OK;
}

ov_status ov_distinct_add_pairs(ov_distinct *d, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n,
                                ov_error *err)
{
    if (!ov_distinct_of_text(d))
        return add_numbers(d, group, value, count, n, err);
    uint32_t other[AHEAD], some = 0; /* pairs of strings that another group owns */
    uint64_t number[AHEAD];
    OV_TRY(room_for_owners(d, err));
    for (size_t i = 0; i < count; i++) {
        bool fresh;
        if (own(d, group[i], (uint32_t)value[i], &fresh)) {
            n[group[i]] += fresh;
            continue;
        }
        other[some] = group[i];
        number[some++] = value[i];
        if (some == AHEAD) {
            OV_TRY(ov_pairs_add(&d->pairs, other, number, some, n, err));
            some = 0;
        }
    }
    return ov_pairs_add(&d->pairs, other, number, some, n, err);
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
    OV_TRY(ov_strtab_add(d->strings, s, true, &number, err));
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

/* The value of a code that is not NULL. */
static ov_status value_of(ov_distinct *d, const ov_domain *dom, uint32_t code, uint64_t *value, ov_error *err)
{
    if (ov_type_is_int(d->type)) {
        *value = (uint64_t)ov_domain_i64(dom, code);
    } else if (ov_type_is_real(d->type)) {
        *value = ov_distinct_real(ov_domain_f64(dom, code));
    } else {
        uint32_t *map;
        OV_TRY(ov_strmap_of(&d->map, d->strings, dom, &map, err));
        if (!map[code])
            OV_TRY(ov_strmap_fill(d->strings, dom, code, &map[code], err));
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
    OV_TRY(value_of(d, dom, code, &value, err));
    return ov_distinct_add(d, group, value, n, err);
}

ov_status ov_distinct_add_texts(ov_distinct *d, uint32_t groups, const uint32_t *group, const ov_domain *dom,
                                const uint32_t *codes, uint32_t count, uint64_t *n, ov_error *err)
{
    uint32_t *map, other[AHEAD], some = 0;
    uint64_t number[AHEAD];
    bool fits = false, asked = false, fresh;
    OV_TRY(ov_strmap_of(&d->map, d->strings, dom, &map, err));
    OV_TRY(ov_strmap_fill_all(d->strings, dom, codes, count, map, err));
    OV_TRY(room_for_owners(d, err));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = map[codes[i]] - 1;
        if (value == 0)
            continue;
        if (own(d, group[i], value, &fresh)) {
            n[group[i]] += fresh;
            continue;
        }
        if (!asked)
            OV_TRY(prepare_seen(d, groups, dom->id, dom->count, &fits, err));
        asked = true;
        if (fits && see(d, (uint64_t)group[i] * dom->count + codes[i]))
            continue;
        other[some] = group[i];
        number[some++] = value;
        if (some == AHEAD) {
            OV_TRY(ov_pairs_add(&d->pairs, other, number, some, n, err));
            some = 0;
        }
    }
    return ov_pairs_add(&d->pairs, other, number, some, n, err);
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
    uint32_t *place, of; /* of each group in `group`, plus one */
    size_t *end, total = 0;
    uint64_t value;
    ov_distinct_at at;
    OV_TRY(ov_arena_zalloc(out, ((size_t)n + 2) * sizeof(*end), offsets, err));
    OV_TRY(ov_arena_zalloc(out, ((size_t)groups + 1) * sizeof(*place), &place, err));
    end = *offsets + 1; /* first counts, then where the next value of each goes */
    for (uint32_t i = 0; i < n; i++)
        place[group[i]] = i + 1;
    at = (ov_distinct_at){0};
    for (size_t step = 1; ov_distinct_next(d, &at, &of, &value); step++) {
        OV_TRY(ov_budget_alive_at(d->budget, step, err));
        if (place[of])
            end[place[of] - 1]++;
    }
    for (uint32_t i = 0; i < n; i++) {
        size_t count = end[i];
        end[i] = total;
        total += count;
    }
    OV_TRY(ov_arena_alloc(out, (total + 1) * sizeof(**values), values, err));
    at = (ov_distinct_at){0};
    for (size_t step = 1; ov_distinct_next(d, &at, &of, &value); step++) {
        OV_TRY(ov_budget_alive_at(d->budget, step, err));
        if (place[of])
            (*values)[end[place[of] - 1]++] = value;
    }
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(ov_sort(out->budget, *values + (*offsets)[i], end[i] - (*offsets)[i], sizeof(**values),
                       ov_type_is_real(d->type) ? by_real : by_long, err));
    return OV_OK;
}

/* Places of owners, from owner_low on, or of first values. Those of pairs come behind them. */
OV_INLINE size_t front_places(const ov_distinct *d)
{
    return d->owner_end - d->owner_low + d->first_end; /* it has the ones or the others */
}

OV_INLINE bool next_pair(const ov_distinct *d, size_t *place, size_t end, uint32_t *group, uint64_t *value)
{
    size_t front = front_places(d), at;
    for (; *place < OV_MIN(front, end); ++*place) {
        uint32_t number = d->owner_low + (uint32_t)*place;
        if (d->first_end ? !d->first[number] : !d->owner[number])
            continue;
        *group = d->first_end ? number : d->owner[number] - 1;
        *value = d->first_end ? mark_of(d->first[number]) : number;
        ++*place;
        return true;
    }
    if (*place >= end)
        return false;
    at = *place - front;
    bool found = ov_pairs_next(&d->pairs, &at, end - front, group, value);
    *place = at + front;
    return found;
}

size_t ov_distinct_places(const ov_distinct *d)
{
    return front_places(d) + ov_pairs_places(&d->pairs);
}

bool ov_distinct_next(const ov_distinct *d, ov_distinct_at *at, uint32_t *group, uint64_t *value)
{
    return next_pair(d, &at->place, ov_distinct_places(d), group, value);
}

void ov_distinct_count_missing(const ov_distinct *d, const ov_distinct *src, const uint32_t *map, const uint32_t *numbers,
                               size_t from, size_t to, uint64_t *n)
{
    uint32_t group[AHEAD], some = 0;
    uint64_t value[AHEAD];
    while (next_pair(src, &from, to, &group[some], &value[some])) {
        uint32_t g = group[some] = map[group[some]];
        if (g == OV_NO_PARTNER)
            continue;
        if (numbers) {
            uint32_t number = numbers[value[some]];
            value[some] = number;
            bool fresh = number == OV_STRTAB_NONE || number >= d->owner_cap || !d->owner[number];
            n[g] += fresh;
            if (fresh || d->owner[number] == g + 1)
                continue;
        } else if (has_first(g, mark_of(value[some]))) {
            bool fresh = g >= d->first_end || !d->first[g];
            n[g] += fresh;
            if (fresh || d->first[g] == mark_of(value[some]))
                continue;
        }
        if (++some == AHEAD) {
            ov_pairs_count_missing(&d->pairs, group, value, some, n);
            some = 0;
        }
    }
    ov_pairs_count_missing(&d->pairs, group, value, some, n);
}

static ov_status merge_pairs(ov_distinct *d, const ov_distinct *src, const uint32_t *map, const uint32_t *numbers,
                             uint64_t *n, ov_error *err)
{
    uint32_t group[AHEAD], some = 0;
    uint64_t values[AHEAD];
    ov_distinct_at at = {0};
    for (size_t step = 0; ov_distinct_next(src, &at, &group[some], &values[some]); step++) {
        OV_TRY(ov_budget_alive_at(d->budget, step, err));
        group[some] = map[group[some]];
        if (group[some] == OV_NO_PARTNER)
            continue;
        if (numbers)
            values[some] = numbers[values[some]];
        if (++some == AHEAD) {
            OV_TRY(ov_distinct_add_pairs(d, group, values, some, n, err));
            some = 0;
        }
    }
    return ov_distinct_add_pairs(d, group, values, some, n, err);
}

ov_status ov_distinct_merge(ov_distinct *d, const ov_distinct *src, const uint32_t *map, uint64_t *n,
                            ov_error *err)
{
    uint32_t *numbers = NULL;
    size_t bytes = 0;
    ov_status st;
    if (ov_distinct_used(src) == 0)
        return OV_OK;
    if (d->strings != src->strings) {
        bytes = (size_t)src->strings->count * sizeof(*numbers);
        OV_TRY(ov_array_grow(d->budget, &numbers, 0, bytes, err));
        OV_TRY_OUT(st, ov_strtab_take(d->strings, src->strings, false, numbers, err));
    }
    OV_TRY_OUT(st, merge_pairs(d, src, map, numbers, n, err));
out:
    ov_array_free(d->budget, &numbers, bytes);
    return st;
}

size_t ov_distinct_bytes(const ov_distinct *d)
{
    return ov_pairs_bytes(&d->pairs) + (size_t)d->owner_cap * sizeof(*d->owner) + (size_t)d->first_cap * sizeof(*d->first);
}

size_t ov_distinct_growth(const ov_distinct *d, size_t n)
{
    size_t bytes = ov_pairs_growth(&d->pairs, n) + OV_MIN((size_t)d->first_cap, n) * 2 * sizeof(*d->first);
    if (d->strings && d->strings->count + n > d->owner_cap)
        bytes += OV_MAX((size_t)d->strings->cap, d->strings->count + n) * 2 * sizeof(*d->owner) - d->owner_cap * sizeof(*d->owner);
    return bytes;
}
