#include "sketch/theta.h"

#include <stdlib.h>

enum { FIRST_LG = 5 };

void ov_theta_init(ov_theta *s, unsigned lg_k)
{
    *s = (ov_theta){.lg_k = (uint8_t)lg_k, .theta = OV_THETA_ALL};
}

static uint64_t *place(uint64_t *slots, unsigned lg, uint64_t hash)
{
    uint64_t mask = (UINT64_C(1) << lg) - 1, at = hash & mask, step = (hash >> lg & 127) * 2 + 1;
    while (slots[at] && slots[at] != hash)
        at = (at + step) & mask;
    return &slots[at];
}

/* The hashes below theta move to a table of 2^lg places. */
static ov_status resize(ov_theta *s, unsigned lg, const ov_sketch_mem *mem, ov_error *err)
{
    uint64_t *fresh = NULL;
    size_t cap = 0, bytes = sizeof(uint64_t) << lg;
    OV_TRY(mem->grow(mem->owner, &fresh, &cap, bytes, err));
    memset(fresh, 0, bytes);
    s->count = 0;
    for (size_t i = 0; s->slots && i < (size_t)1 << s->lg_slots; i++)
        if (s->slots[i] && s->slots[i] < s->theta) {
            *place(fresh, lg, s->slots[i]) = s->slots[i];
            s->count++;
        }
    mem->give(mem->owner, &s->slots, s->cap);
    s->slots = fresh;
    s->cap = cap;
    s->lg_slots = (uint8_t)lg;
    return OV_OK;
}

/* The value that would stand at place k if v were sorted (Hoare's find). */
static uint64_t select_nth(uint64_t *v, ptrdiff_t n, ptrdiff_t k)
{
    for (ptrdiff_t low = 0, high = n - 1; low < high;) {
        uint64_t pivot = v[k];
        ptrdiff_t i = low, j = high;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                uint64_t t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        }
        low = j < k ? i : low;
        high = k < i ? j : high;
    }
    return v[k];
}

/* Only the 2^lg_k smallest stay; theta is the next. */
static ov_status rebuild(ov_theta *s, const ov_sketch_mem *mem, ov_error *err)
{
    uint64_t *all = NULL;
    size_t cap = 0, n = 0;
    OV_TRY(mem->grow(mem->owner, &all, &cap, s->count * sizeof(uint64_t), err));
    for (size_t i = 0; i < (size_t)1 << s->lg_slots; i++)
        if (s->slots[i])
            all[n++] = s->slots[i];
    s->theta = select_nth(all, (ptrdiff_t)n, (ptrdiff_t)1 << s->lg_k);
    memset(s->slots, 0, sizeof(uint64_t) << s->lg_slots);
    s->count = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i] < s->theta) {
            *place(s->slots, s->lg_slots, all[i]) = all[i];
            s->count++;
        }
    mem->give(mem->owner, &all, cap);
    return OV_OK;
}

ov_status ovi_theta_insert(ov_theta *s, uint64_t hash, const ov_sketch_mem *mem, ov_error *err)
{
    unsigned most_lg = s->lg_k + 1u;
    if (!s->slots)
        OV_TRY(resize(s, OV_MIN(FIRST_LG, most_lg), mem, err));
    uint64_t *at = place(s->slots, s->lg_slots, hash);
    if (*at)
        return OV_OK;
    *at = hash;
    s->count++;
    if (s->lg_slots < most_lg) /* half full: eight times the room */
        return s->count > UINT64_C(1) << s->lg_slots >> 1 ? resize(s, OV_MIN(s->lg_slots + 3u, most_lg), mem, err) : OV_OK;
    return s->count > 15 * (UINT64_C(1) << s->lg_slots >> 4) ? rebuild(s, mem, err) : OV_OK;
}

/* Values at theta and above were not all kept on one side: forget them on the other. */
static ov_status lower(ov_theta *s, uint64_t theta, const ov_sketch_mem *mem, ov_error *err)
{
    if (theta >= s->theta)
        return OV_OK;
    s->theta = theta;
    return s->slots ? resize(s, s->lg_slots, mem, err) : OV_OK;
}

ov_status ov_theta_merge(ov_theta *s, const ov_theta *from, const ov_sketch_mem *mem, ov_error *err)
{
    if (!from->seen)
        return OV_OK;
    s->seen = true;
    OV_TRY(lower(s, from->theta, mem, err));
    for (size_t i = 0; from->slots && i < (size_t)1 << from->lg_slots; i++)
        OV_TRY(ov_theta_add(s, from->slots[i], mem, err));
    return OV_OK;
}

ov_status ov_theta_merge_set(ov_theta *s, const ov_theta_set *from, const ov_sketch_mem *mem, ov_error *err)
{
    if (!from->seen)
        return OV_OK;
    s->seen = true;
    OV_TRY(lower(s, from->theta, mem, err));
    for (uint32_t i = 0; i < from->count && from->hash[i] < s->theta; i++)
        OV_TRY(ov_theta_add(s, from->hash[i], mem, err));
    return OV_OK;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void ovi_theta_sort(uint64_t *v, size_t n)
{
    if (n > 1)
        qsort(v, n, sizeof(*v), by_value);
}

ov_status ov_theta_finish(const ov_theta *s, ov_arena *a, ov_theta_set *out, ov_error *err)
{
    uint64_t *v;
    uint32_t n = 0;
    *out = (ov_theta_set){.theta = s->theta, .seen = s->seen};
    OV_TRY(ov_arena_alloc(a, (s->count + (size_t)1) * sizeof(*v), &v, err));
    for (size_t i = 0; s->slots && i < (size_t)1 << s->lg_slots; i++)
        if (s->slots[i])
            v[n++] = s->slots[i];
    ovi_theta_sort(v, n);
    if (n > UINT32_C(1) << s->lg_k) {
        n = UINT32_C(1) << s->lg_k;
        out->theta = v[n];
    }
    out->hash = v;
    out->count = n;
    return OV_OK;
}
