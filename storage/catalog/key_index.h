/*
 * Where the row of a key is: an open-addressing table from 64-bit hashes to row numbers; private to storage/catalog/keys*.c.
 *
 * Twelve bytes a slot: the upper half of the hash, whose first bits are the home place, and the place of the row. So the
 * table grows without reading keys again. Equal halves are candidates; whoever asks compares the keys.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/mem.h"
#include "base/status.h"

typedef struct ovi_key_slot {
    uint32_t half;
    uint32_t place[2]; /* row + 1; 0: free */
} ovi_key_slot;

typedef struct ovi_key_index {
    ovi_key_slot *slots;
    unsigned bits;
    uint64_t used;
    ov_budget *budget; /* of the slots */
} ovi_key_index;

static inline uint64_t ovi_key_place(const ovi_key_slot *s)
{
    return (uint64_t)s->place[1] << 32 | s->place[0];
}

static inline void ovi_key_put(ovi_key_slot *s, uint64_t hash, uint64_t row)
{
    *s = (ovi_key_slot){(uint32_t)(hash >> 32), {(uint32_t)(row + 1), (uint32_t)((row + 1) >> 32)}};
}

static inline uint64_t ovi_key_home(const ovi_key_index *x, uint32_t half)
{
    return half >> (32 - x->bits);
}

/* From slot `at` on: the first candidate for the hash, or the first free slot. There is always a free one. */
static inline ovi_key_slot *ovi_key_next(const ovi_key_index *x, uint64_t hash, uint64_t *at)
{
    uint64_t mask = ((uint64_t)1 << x->bits) - 1;
    uint32_t half = (uint32_t)(hash >> 32);
    for (;; *at = (*at + 1) & mask) {
        ovi_key_slot *s = &x->slots[*at];
        if (ovi_key_place(s) == 0 || s->half == half)
            return s;
    }
}

static inline void ovi_key_step(const ovi_key_index *x, uint64_t *at)
{
    *at = (*at + 1) & (((uint64_t)1 << x->bits) - 1);
}

/* Room for `more` keys; slots move. OV_LIMIT: the budget, or 2^32 slots. */
OV_CHECKED ov_status ovi_key_index_room(ovi_key_index *x, uint64_t more, ov_error *err);
void ovi_key_index_fini(ovi_key_index *x);
