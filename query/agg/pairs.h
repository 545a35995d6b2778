/*
 * A set of pairs of a group and a 64-bit value: open addressing.
 *
 * While all pairs are of group 0, as without GROUP BY, a slot is the value alone: half the memory, and memory is what large sets cost.
 * Later a slot is value and group.
 *
 * The low bits of a pair's hash are its place, so a table that grows, or is taken over by another one slot by slot, is read and written
 * in a few streams and not with a cache miss for each pair.
 *
 * Threads: one at a time; any number while nobody adds.
 */
#pragma once

#include "base/mem.h"

typedef struct ov_pairs {
    ov_budget *budget;
    uint64_t *slots; /* wide: value, group + 1 (0 = free); else value (0 = free) */
    size_t slot_count, used;
    bool wide;
    bool has_zero; /* not wide: the value 0, which no slot can hold, is there too */
} ov_pairs;

OV_CHECKED ov_status ov_pairs_init(ov_pairs *p, ov_budget *budget, ov_error *err);
void ov_pairs_fini(ov_pairs *p);
void ov_pairs_reset(ov_pairs *p); /* forgets all pairs */
/* Adds a pair; *fresh tells whether it is new. */
OV_CHECKED ov_status ov_pairs_put(ov_pairs *p, uint32_t group, uint64_t value, bool *fresh, ov_error *err);
/* `count` of them; n[group] grows by one for each that is new. */
OV_CHECKED ov_status ov_pairs_add(ov_pairs *p, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n,
                                  ov_error *err);
/* n[group] grows by one for each of `count` pairs that is not there; nothing is added. */
void ov_pairs_count_missing(const ov_pairs *p, const uint32_t *group, const uint64_t *value, size_t count, uint64_t *n);
/* Bytes the table takes, and that n more pairs may take besides. */
size_t ov_pairs_bytes(const ov_pairs *p);
size_t ov_pairs_growth(const ov_pairs *p, size_t n);

/* Places of a walk: 0 .. ov_pairs_places - 1. */
static inline size_t ov_pairs_places(const ov_pairs *p)
{
    return p->slot_count + !p->wide;
}

/* The first pair at or behind place *at and before `end`, and *at behind it; false when there is none. */
static inline bool ov_pairs_next(const ov_pairs *p, size_t *at, size_t end, uint32_t *group, uint64_t *value)
{
    const uint64_t *slots = p->slots;
    for (size_t i = *at; p->wide && i < end; i++) {
        if (!slots[2 * i + 1])
            continue;
        *value = slots[2 * i];
        *group = (uint32_t)(slots[2 * i + 1] - 1);
        *at = i + 1;
        return true;
    }
    for (size_t i = *at; !p->wide && i < end; i++) { /* the value 0 comes behind the slots */
        *value = i < p->slot_count ? slots[i] : 0;
        if (!*value && !(i == p->slot_count && p->has_zero))
            continue;
        *group = 0;
        *at = i + 1;
        return true;
    }
    return false;
}
