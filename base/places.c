#include "base/places.h"

enum { LEAST = 8 };

/* By the first item of a hash: the slot of its last one, so that a thousand equal hashes are not walked over by the next. They lie
 * behind the hashes. */
static uint32_t *tails(const ov_places *p)
{
    return (uint32_t *)(void *)(p->hashes + p->capacity);
}

static void insert(ov_places *p, uint32_t item)
{
    uint32_t first = ov_places_first(p, p->hashes[item], &(uint32_t){0});
    uint32_t at = first == OV_NO_PLACE ? (uint32_t)p->hashes[item] & (p->slot_count - 1) : tails(p)[first];
    while (p->slots[at])
        at = (at + 1) & (p->slot_count - 1);
    p->slots[at] = item + 1;
    tails(p)[first == OV_NO_PLACE ? item : first] = at;
}

/* Twice the room; slots stay at most half full, and items go in again in their order. */
static ov_status grow(ov_places *p, ov_arena *arena, ov_error *err)
{
    uint32_t capacity = OV_MAX(p->capacity * 2, (uint32_t)LEAST);
    uint64_t *hashes;
    if (capacity > UINT32_MAX / 4)
        return ov_fail(err, OV_LIMIT, "more than a thousand million items in one list");
    OV_TRY(ov_arena_alloc(arena, capacity * (sizeof *hashes + sizeof(uint32_t)), &hashes, err));
    OV_TRY(ov_arena_zalloc(arena, (size_t)capacity * 2 * sizeof *p->slots, &p->slots, err));
    if (p->count)
        memcpy(hashes, p->hashes, p->count * sizeof *hashes);
    p->hashes = hashes;
    p->capacity = capacity;
    p->slot_count = capacity * 2;
    for (uint32_t i = 0; i < p->count; i++)
        insert(p, i);
    return OV_OK;
}

ov_status ov_places_add(ov_places *p, ov_arena *arena, uint64_t hash, ov_error *err)
{
    if (p->count == p->capacity)
        OV_TRY(grow(p, arena, err));
    p->hashes[p->count] = hash;
    insert(p, p->count++);
    return OV_OK;
}

static uint32_t seek(const ov_places *p, uint64_t hash, uint32_t *slot)
{
    for (; p->slots[*slot]; *slot = (*slot + 1) & (p->slot_count - 1))
        if (p->hashes[p->slots[*slot] - 1] == hash)
            return p->slots[*slot] - 1;
    return OV_NO_PLACE;
}

uint32_t ov_places_first(const ov_places *p, uint64_t hash, uint32_t *slot)
{
    *slot = 0;
    if (!p->count)
        return OV_NO_PLACE;
    *slot = (uint32_t)hash & (p->slot_count - 1);
    return seek(p, hash, slot);
}

uint32_t ov_places_next(const ov_places *p, uint64_t hash, uint32_t *slot)
{
    *slot = (*slot + 1) & (p->slot_count - 1);
    return seek(p, hash, slot);
}
