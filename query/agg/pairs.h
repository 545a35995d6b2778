/*
 * A set of pairs of a group and a 64-bit value: open addressing, 16 bytes a slot.
 *
 * The low bits of a pair's hash are its place, so a table that grows, or is taken over by another one slot by slot, is read and written
 * in a few streams and not with a cache miss for each pair.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/mem.h"

typedef struct ov_pairs {
    ov_budget *budget;
    uint64_t *slots; /* value, group + 1 (0 = free) */
    size_t slot_count, used;
} ov_pairs;

OV_CHECKED ov_status ov_pairs_init(ov_pairs *p, ov_budget *budget, ov_error *err);
void ov_pairs_fini(ov_pairs *p);
void ov_pairs_reset(ov_pairs *p); /* forgets all pairs */
/* Adds a pair; *fresh tells whether it is new. */
OV_CHECKED ov_status ov_pairs_put(ov_pairs *p, uint32_t group, uint64_t value, bool *fresh, ov_error *err);
/* `count` of them; n[group] grows by one for each that is new. */
OV_CHECKED ov_status ov_pairs_add(ov_pairs *p, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n,
                                  ov_error *err);
/* The first pair at or behind slot *at, and *at behind it; false when there is none. */
static inline bool ov_pairs_next(const ov_pairs *p, size_t *at, uint32_t *group, uint64_t *value)
{
    const uint64_t *slots = p->slots;
    for (size_t i = *at; i < p->slot_count; i++) {
        if (!slots[2 * i + 1])
            continue;
        *value = slots[2 * i];
        *group = (uint32_t)(slots[2 * i + 1] - 1);
        *at = i + 1;
        return true;
    }
    return false;
}
