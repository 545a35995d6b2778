/*
 * Growing dictionaries: open addressing over (hash, code) pairs, so that a probe touches a string
 * only when 32 bits of its hash agree; and the memory of how codes of foreign domains translate.
 */
#include "base/hash.h"
#include "storage/build/build_int.h"

ov_status ovi_grow(void *array, size_t *cap, size_t need, size_t size, ov_budget *budget,
                   ov_error *err)
{
    if (need <= *cap)
        return OV_OK;
    size_t bigger = OV_MAX(*cap * 2, OV_MAX(need, (size_t)16));
    if (bigger > SIZE_MAX / 4 / size)
        return ov_fail_nomem(err, need);
    if (budget)
        OV_TRY(ov_budget_charge(budget, bigger * size, err));
    void *p = ov_aligned_malloc(64, bigger * size + 64); /* kernels may read a word past the end */
    if (!p) {
        if (budget)
            ov_budget_release(budget, bigger * size);
        return ov_fail_nomem(err, bigger * size);
    }
    void *old = *(void **)array;
    if (old)
        memcpy(p, old, *cap * size);
    ov_free(old);
    if (budget)
        ov_budget_release(budget, *cap * size);
    *(void **)array = p;
    *cap = bigger;
    return OV_OK;
}

void ovi_shrink(void *array, size_t *cap, size_t size, ov_budget *budget)
{
    ov_free(*(void **)array);
    if (budget)
        ov_budget_release(budget, *cap * size);
    *(void **)array = NULL;
    *cap = 0;
}

enum { FIRST_SLOTS = 64 };

static ov_status new_slots(ovi_dict *d, size_t cap, ov_error *err)
{
    d->slots = NULL;
    d->slots_cap = 0;
    OV_TRY(ovi_grow(&d->slots, &d->slots_cap, cap, sizeof *d->slots, d->budget, err));
    OV_ASSERT(d->slots_cap == cap);
    memset(d->slots, 0, cap * sizeof *d->slots);
    return OV_OK;
}

ov_status ovi_dict_init(ovi_dict *d, size_t alignment, ov_budget *budget, ov_error *err)
{
    *d = (ovi_dict){.budget = budget, .alignment = alignment, .count = 1};
    ov_arena_init(&d->bytes, "dictionary", budget);
    OV_TRY(ovi_grow(&d->entries, &d->entries_cap, 16, sizeof *d->entries, budget, err));
    d->entries[0] = (ov_slice){"", 0};
    return new_slots(d, FIRST_SLOTS, err);
}

void ovi_dict_fini(ovi_dict *d)
{
    ov_arena_fini(&d->bytes);
    ovi_shrink(&d->entries, &d->entries_cap, sizeof *d->entries, d->budget);
    ovi_shrink(&d->slots, &d->slots_cap, sizeof *d->slots, d->budget);
    d->count = 0;
}

/* Twice the slots; hashes are kept in the slots, and more of their bits only decide the place. */
static ov_status grow_slots(ovi_dict *d, ov_error *err)
{
    uint64_t *old = d->slots;
    size_t old_cap = d->slots_cap;
    ov_status st = new_slots(d, old_cap * 2, err);
    if (st != OV_OK) {
        d->slots = old;
        d->slots_cap = old_cap;
        return st;
    }
    size_t mask = d->slots_cap - 1;
    for (size_t i = 0; i < old_cap; i++) {
        if (!old[i])
            continue;
        size_t at = (size_t)(old[i] >> 32) & mask;
        while (d->slots[at])
            at = (at + 1) & mask;
        d->slots[at] = old[i];
    }
    ovi_shrink(&old, &old_cap, sizeof *old, d->budget);
    return OV_OK;
}

static ov_status new_entry(ovi_dict *d, ov_slice value, uint32_t *code, ov_error *err)
{
    if (d->count >= OV_SEG_MAX_ENTRIES || d->total_bytes + value.n > UINT32_MAX)
        return ov_fail(err, OV_LIMIT,
                       "a segment column holds at most %u distinct values of %u bytes in all; this "
                       "one has %u of "
                       "%llu bytes: use shorter time chunks or more partitions",
                       OV_SEG_MAX_ENTRIES, UINT32_MAX, d->count,
                       (unsigned long long)d->total_bytes);
    OV_TRY(ovi_grow(&d->entries, &d->entries_cap, (size_t)d->count + 1, sizeof *d->entries,
                    d->budget, err));
    char *copy = ov_arena_try(&d->bytes, value.n, d->alignment, err);
    if (!copy)
        return err->code;
    if (value.n)
        memcpy(copy, value.p, value.n);
    d->entries[d->count] = ov_slice_make(copy, value.n);
    d->total_bytes += value.n;
    *code = d->count++;
    return OV_OK;
}

ov_status ovi_dict_add(ovi_dict *d, ov_slice value, uint32_t *code, ov_error *err)
{
    if ((size_t)d->count * 2 > d->slots_cap)
        OV_TRY(grow_slots(d, err));
    uint64_t hash = ov_hash_slice(value) >> 32;
    size_t mask = d->slots_cap - 1, at = (size_t)hash & mask;
    for (; d->slots[at]; at = (at + 1) & mask) {
        if (d->slots[at] >> 32 != hash)
            continue;
        *code = (uint32_t)d->slots[at];
        if (ov_slice_eq(d->entries[*code], value))
            return OV_OK;
    }
    OV_TRY(new_entry(d, value, code, err));
    d->slots[at] = hash << 32 | *code;
    return OV_OK;
}

/* ---- codes of foreign domains ---- */

ov_status ovi_remaps_get(ovi_remaps *r, const ov_domain *d, ov_budget *budget, uint32_t **map,
                         ov_error *err)
{
    ovi_remap *m = NULL;
    for (uint32_t i = 0; i < OVI_REMAPS && !m; i++)
        if (r->at[i].domain_id == d->id && d->id != 0)
            m = &r->at[i];
    if (!m) {
        m = &r->at[r->next];
        r->next = (r->next + 1) % OVI_REMAPS;
        ovi_shrink(&m->map, &m->cap, sizeof *m->map, budget);
        m->domain_id = d->id;
    }
    if (m->cap < d->count) { /* new, or the domain has grown since */
        size_t known = m->cap;
        OV_TRY(ovi_grow(&m->map, &m->cap, d->count, sizeof *m->map, budget, err));
        memset(m->map + known, 0xff, (m->cap - known) * sizeof *m->map);
    }
    *map = m->map;
    return OV_OK;
}

void ovi_remaps_fini(ovi_remaps *r, ov_budget *budget)
{
    for (uint32_t i = 0; i < OVI_REMAPS; i++)
        ovi_shrink(&r->at[i].map, &r->at[i].cap, sizeof *r->at[i].map, budget);
}
