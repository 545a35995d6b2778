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

ov_status ov_pairs_init(ov_pairs *p, ov_budget *budget, ov_error *err)
{
    *p = (ov_pairs){.budget = budget};
    OV_TRY(ov_array_grow(budget, &p->slots, 0, LEAST_SLOTS * 16, err));
    p->slot_count = LEAST_SLOTS;
    return OV_OK;
}

void ov_pairs_fini(ov_pairs *p)
{
    ov_array_free(p->budget, &p->slots, p->slot_count * 16);
    p->slot_count = p->used = 0;
}

void ov_pairs_reset(ov_pairs *p)
{
    if (p->used)
        memset(p->slots, 0, p->slot_count * 16);
    p->used = 0;
}

static ov_status grow(ov_pairs *p, ov_error *err)
{
    ov_pairs larger = {.budget = p->budget, .slot_count = p->slot_count * (p->slot_count < SLOTS_FAST ? 4 : 2), .used = p->used};
    OV_TRY(ov_array_grow(p->budget, &larger.slots, 0, larger.slot_count * 16, err));
    for (size_t i = 0; i < p->slot_count; i++) {
        uint64_t value = p->slots[2 * i], group_1 = p->slots[2 * i + 1];
        ov_status st = ov_budget_alive_at(p->budget, i, err);
        if (st != OV_OK) {
            ov_pairs_fini(&larger);
            return st;
        }
        if (!group_1)
            continue;
        size_t at = slot_of(&larger, hash_pair((uint32_t)(group_1 - 1), value));
        while (larger.slots[2 * at + 1])
            at = (at + 1) & (larger.slot_count - 1);
        larger.slots[2 * at] = value;
        larger.slots[2 * at + 1] = group_1;
    }
    ov_pairs_fini(p);
    *p = larger;
    return OV_OK;
}

OV_INLINE ov_status put(ov_pairs *p, size_t at, uint32_t group, uint64_t value, bool *fresh, ov_error *err)
{
    size_t mask = p->slot_count - 1;
    uint64_t group_1 = (uint64_t)group + 1;
    for (; p->slots[2 * at + 1]; at = (at + 1) & mask)
        if (p->slots[2 * at] == value && p->slots[2 * at + 1] == group_1)
            break;
    *fresh = !p->slots[2 * at + 1];
    if (!*fresh)
        return OV_OK;
    p->slots[2 * at] = value;
    p->slots[2 * at + 1] = group_1;
    return ++p->used > p->slot_count / 8 * 5 ? grow(p, err) : OV_OK;
}

ov_status ov_pairs_put(ov_pairs *p, uint32_t group, uint64_t value, bool *fresh, ov_error *err)
{
    return put(p, slot_of(p, hash_pair(group, value)), group, value, fresh, err);
}

ov_status ov_pairs_add(ov_pairs *p, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n, ov_error *err)
{
    uint64_t hash[AHEAD];
    for (size_t from = 0; from < count; from += AHEAD, group += AHEAD, value += AHEAD) {
        size_t some = OV_MIN(count - from, (size_t)AHEAD);
        for (size_t i = 0; i < some; i++) {
            hash[i] = hash_pair(group[i], value[i]);
            __builtin_prefetch(&p->slots[2 * slot_of(p, hash[i])]);
        }
        for (size_t i = 0; i < some; i++) {
            bool fresh;
            OV_TRY(put(p, slot_of(p, hash[i]), group[i], value[i], &fresh, err));
            n[group[i]] += fresh;
        }
    }
    return OV_OK;
}
