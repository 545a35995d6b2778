#include "query/agg/pairs.h"

#include "base/hash.h"

enum {
    LEAST_SLOTS = 64,
    SLOTS_FAST = 1 << 14, /* larger sets grow in smaller steps: memory that is touched first costs more than pairs that move */
    AHEAD = 32,           /* slots of large sets are cache misses: those of a stretch are fetched together */
};

static uint64_t hash_pair(uint32_t group, uint64_t value)
{
    return ov_hash_u64(value ^ (uint64_t)group * 0xD6E8FEB86659FD93ull);
}

static size_t slot_of(const ov_pairs *p, uint64_t hash)
{
    return (size_t)hash & (p->slot_count - 1);
}

/* `wide` is a constant at the calls of these, so each form has loops of its own. */
OV_INLINE size_t words_of(bool wide)
{
    return wide ? 2 : 1;
}

OV_INLINE bool is_free(const ov_pairs *p, bool wide, size_t at)
{
    return wide ? !p->slots[2 * at + 1] : !p->slots[at];
}

OV_INLINE bool holds(const ov_pairs *p, bool wide, size_t at, uint32_t group, uint64_t value)
{
    return wide ? p->slots[2 * at] == value && p->slots[2 * at + 1] == (uint64_t)group + 1 : p->slots[at] == value;
}

OV_INLINE void set(ov_pairs *p, bool wide, size_t at, uint32_t group, uint64_t value)
{
    p->slots[at * words_of(wide)] = value;
    if (wide)
        p->slots[2 * at + 1] = (uint64_t)group + 1;
}

/* The slot of a pair, or the free one where it belongs. */
OV_INLINE size_t seek(const ov_pairs *p, bool wide, size_t at, uint32_t group, uint64_t value)
{
    while (!is_free(p, wide, at) && !holds(p, wide, at, group, value))
        at = (at + 1) & (p->slot_count - 1);
    return at;
}

ov_status ov_pairs_init(ov_pairs *p, ov_budget *budget, ov_error *err)
{
    *p = (ov_pairs){.budget = budget};
    OV_TRY(ov_array_grow(budget, &p->slots, 0, LEAST_SLOTS * 8, err));
    p->slot_count = LEAST_SLOTS;
    return OV_OK;
}

size_t ov_pairs_bytes(const ov_pairs *p)
{
    return p->slot_count * words_of(p->wide) * 8;
}

size_t ov_pairs_growth(const ov_pairs *p, size_t n)
{
    if (p->used + n > p->slot_count / 2)
        return p->slot_count * 32;
    return p->wide ? 0 : p->slot_count * 16; /* slots may have to become larger */
}

void ov_pairs_fini(ov_pairs *p)
{
    ov_array_free(p->budget, &p->slots, ov_pairs_bytes(p));
    p->slot_count = p->used = 0;
    p->has_zero = false;
}

void ov_pairs_reset(ov_pairs *p)
{
    if (p->used)
        memset(p->slots, 0, ov_pairs_bytes(p));
    p->used = 0;
    p->has_zero = false;
}

/* Those of some slots that are taken, side by side: which are free nobody can foretell, so there is no branch. */
OV_INLINE size_t taken(const ov_pairs *p, bool wide, size_t from, size_t n, uint32_t *group, uint64_t *value)
{
    size_t count = 0;
    for (size_t at = from; at < from + n; at++) {
        value[count] = p->slots[at * words_of(wide)];
        group[count] = wide ? (uint32_t)(p->slots[2 * at + 1] - 1) : 0;
        count += !is_free(p, wide, at);
    }
    return count;
}

/* All pairs of p into `to`, which is empty and of form `wide`; p may be of the other. */
OV_INLINE ov_status move(const ov_pairs *p, bool from_wide, ov_pairs *to, bool wide, ov_error *err)
{
    uint32_t group[LEAST_SLOTS];
    uint64_t value[LEAST_SLOTS];
    for (size_t from = 0; from < p->slot_count; from += LEAST_SLOTS) {
        OV_TRY(ov_budget_alive_at(p->budget, from, err));
        size_t n = taken(p, from_wide, from, LEAST_SLOTS, group, value);
        for (size_t i = 0; i < n; i++) {
            size_t at = slot_of(to, hash_pair(group[i], value[i]));
            while (!is_free(to, wide, at))
                at = (at + 1) & (to->slot_count - 1);
            set(to, wide, at, group[i], value[i]);
        }
    }
    return OV_OK;
}

/* The same pairs in so many slots of that form; narrow ones may become wide. */
static OV_NOINLINE ov_status rebuild(ov_pairs *p, size_t slot_count, bool wide, ov_error *err)
{
    ov_pairs other = {.budget = p->budget, .slot_count = slot_count, .used = p->used, .wide = wide, .has_zero = p->has_zero && !wide};
    ov_status st;
    OV_TRY(ov_array_table(p->budget, &other.slots, ov_pairs_bytes(&other), err));
    if (p->wide)
        st = move(p, true, &other, true, err);
    else
        st = wide ? move(p, false, &other, true, err) : move(p, false, &other, false, err);
    if (st != OV_OK) {
        ov_pairs_fini(&other);
        return st;
    }
    if (p->has_zero && wide)
        set(&other, true, seek(&other, true, slot_of(&other, hash_pair(0, 0)), 0, 0), 0, 0);
    ov_pairs_fini(p);
    *p = other;
    return OV_OK;
}

static ov_status grow(ov_pairs *p, ov_error *err)
{
    return rebuild(p, p->slot_count * (p->slot_count < SLOTS_FAST ? 4 : 2), p->wide, err);
}

OV_INLINE ov_status put(ov_pairs *p, bool wide, size_t at, uint32_t group, uint64_t value, bool *fresh, ov_error *err)
{
    if (!wide && value == 0) {
        *fresh = !p->has_zero;
        p->has_zero = true;
    } else {
        at = seek(p, wide, at, group, value);
        *fresh = is_free(p, wide, at);
        if (*fresh)
            set(p, wide, at, group, value);
    }
    p->used += *fresh;
    return *fresh && p->used > p->slot_count / 8 * 5 ? grow(p, err) : OV_OK;
}

ov_status ov_pairs_put(ov_pairs *p, uint32_t group, uint64_t value, bool *fresh, ov_error *err)
{
    if (!p->wide && group)
        OV_TRY(rebuild(p, p->slot_count, true, err));
    size_t at = slot_of(p, hash_pair(group, value));
    return p->wide ? put(p, true, at, group, value, fresh, err) : put(p, false, at, group, value, fresh, err);
}

/* Hashes first, so that the slots of a stretch are fetched together. */
OV_INLINE void hash_some(const ov_pairs *p, bool wide, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *hash)
{
    for (size_t i = 0; i < count; i++) {
        hash[i] = hash_pair(wide ? group[i] : 0, value[i]);
        __builtin_prefetch(&p->slots[words_of(wide) * slot_of(p, hash[i])]);
    }
}

OV_INLINE ov_status add_all(ov_pairs *p, bool wide, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n, ov_error *err)
{
    uint64_t hash[AHEAD];
    for (size_t from = 0; from < count; from += AHEAD, group += AHEAD, value += AHEAD) {
        size_t some = OV_MIN(count - from, (size_t)AHEAD);
        hash_some(p, wide, group, value, some, hash);
        for (size_t i = 0; i < some; i++) {
            bool fresh;
            OV_TRY(put(p, wide, slot_of(p, hash[i]), group[i], value[i], &fresh, err));
            n[group[i]] += fresh;
        }
    }
    return OV_OK;
}

static bool all_zero(const uint32_t *group, size_t count)
{
    uint32_t any = 0;
    for (size_t i = 0; i < count; i++)
        any |= group[i];
    return !any;
}

ov_status ov_pairs_add(ov_pairs *p, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n, ov_error *err)
{
    if (!p->wide && !all_zero(group, count))
        OV_TRY(rebuild(p, p->slot_count, true, err));
    return p->wide ? add_all(p, true, group, value, count, n, err) : add_all(p, false, group, value, count, n, err);
}

OV_INLINE void count_missing(const ov_pairs *p, bool wide, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n)
{
    uint64_t hash[AHEAD];
    for (size_t from = 0; from < count; from += AHEAD, group += AHEAD, value += AHEAD) {
        size_t some = OV_MIN(count - from, (size_t)AHEAD);
        hash_some(p, wide, group, value, some, hash);
        for (size_t i = 0; i < some; i++) {
            bool there;
            if (wide)
                there = !is_free(p, true, seek(p, true, slot_of(p, hash[i]), group[i], value[i]));
            else if (group[i] || value[i] == 0)
                there = group[i] == 0 && p->has_zero;
            else
                there = !is_free(p, false, seek(p, false, slot_of(p, hash[i]), 0, value[i]));
            n[group[i]] += !there;
        }
    }
}

void ov_pairs_count_missing(const ov_pairs *p, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n)
{
    if (p->wide)
        count_missing(p, true, group, value, count, n);
    else
        count_missing(p, false, group, value, count, n);
}
