/*
 * Places in a list by hash: how one finds an equal expression, call or name among many without walking the list.
 *
 * The list is the caller's. Items are numbered from 0 in the order in which they were added; equal hashes are
 * met in that order, so the first match is the earliest. Lives in an arena and never shrinks.
 *
 * Threads: one at a time; any number while nobody adds.
 */
#pragma once

#include "base/arena.h"

#define OV_NO_PLACE UINT32_MAX

typedef struct ov_places {
    uint64_t *hashes; /* by item */
    uint32_t *slots;  /* item + 1, 0 for none */
    uint32_t count, capacity, slot_count;
} ov_places;

/* The next item gets this hash. An empty struct is an empty list. */
OV_CHECKED ov_status ov_places_add(ov_places *p, ov_arena *arena, uint64_t hash, ov_error *err);

/* The first item with this hash, and the one behind `place` (itself an answer of these two); OV_NO_PLACE: no more. */
uint32_t ov_places_first(const ov_places *p, uint64_t hash, uint32_t *slot);
uint32_t ov_places_next(const ov_places *p, uint64_t hash, uint32_t *slot);

#define OV_EACH_PLACE(p, hash, place, slot)                                                                    \
    for (uint32_t slot, place = ov_places_first((p), (hash), &slot); place != OV_NO_PLACE;                     \
         place = ov_places_next((p), (hash), &slot))
