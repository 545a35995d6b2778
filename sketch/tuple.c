#include "sketch/tuple.h"

#include <stdlib.h>

enum { FIRST_LG = 5 };

void ov_tuple_init(ov_tuple *s, unsigned lg_k, unsigned width)
{
    *s = (ov_tuple){.lg_k = (uint8_t)lg_k, .width = (uint8_t)width, .theta = OV_THETA_ALL};
}

/* ---- entries ---- */

static uint32_t *place(const ov_tuple *s, uint64_t hash)
{
    uint64_t mask = (UINT64_C(1) << s->lg_index) - 1, at = hash & mask;
    while (s->index[at] && s->keys[s->index[at] - 1] != hash)
        at = (at + 1) & mask;
    return &s->index[at];
}

static ov_status index_all(ov_tuple *s, unsigned lg, const ov_sketch_mem *mem, ov_error *err)
{
    size_t bytes = sizeof(*s->index) << lg;
    OV_TRY(mem->grow(mem->owner, &s->index, &s->index_cap, bytes, err));
    memset(s->index, 0, bytes);
    s->lg_index = (uint8_t)lg;
    for (uint32_t i = 0; i < s->count; i++)
        *place(s, s->keys[i]) = i + 1;
    return OV_OK;
}

/* Only entries below theta stay. */
static ov_status lower(ov_tuple *s, uint64_t theta, const ov_sketch_mem *mem, ov_error *err)
{
    uint32_t n = 0;
    if (theta >= s->theta)
        return OV_OK;
    s->theta = theta;
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->keys[i] >= theta)
            continue;
        s->keys[n] = s->keys[i];
        memmove(s->values + (size_t)n * s->width, s->values + (size_t)i * s->width, s->width * sizeof(double));
        n++;
    }
    s->count = n;
    return s->index ? index_all(s, s->lg_index, mem, err) : OV_OK;
}

/* Only the 2^lg_k smallest stay. */
static ov_status rebuild(ov_tuple *s, const ov_sketch_mem *mem, ov_error *err)
{
    uint64_t *all = NULL;
    size_t cap = 0;
    OV_TRY(mem->grow(mem->owner, &all, &cap, s->count * sizeof(*all), err));
    memcpy(all, s->keys, s->count * sizeof(*all));
    ovi_theta_sort(all, s->count);
    uint64_t theta = all[(size_t)1 << s->lg_k];
    mem->give(mem->owner, &all, cap);
    return lower(s, theta, mem, err);
}

static ov_status append(ov_tuple *s, uint64_t hash, const double *values, const ov_sketch_mem *mem, ov_error *err)
{
    size_t n = (size_t)s->count + 1;
    OV_TRY(mem->grow(mem->owner, &s->keys, &s->keys_cap, n * sizeof(*s->keys), err));
    OV_TRY(mem->grow(mem->owner, &s->values, &s->values_cap, n * s->width * sizeof(double), err));
    s->keys[s->count] = hash;
    memcpy(s->values + (size_t)s->count * s->width, values, s->width * sizeof(double));
    *place(s, hash) = ++s->count;
    if (s->count >= UINT64_C(2) << s->lg_k)
        return rebuild(s, mem, err);
    return s->count > UINT64_C(3) << s->lg_index >> 2 ? index_all(s, s->lg_index + 1u, mem, err) : OV_OK;
}

ov_status ov_tuple_add(ov_tuple *s, uint64_t hash, const double *values, const ov_sketch_mem *mem, ov_error *err)
{
    s->seen = true;
    if (hash == 0 || hash >= s->theta)
        return OV_OK;
    if (!s->index)
        OV_TRY(index_all(s, FIRST_LG, mem, err));
    uint32_t at = *place(s, hash);
    if (at == 0)
        return append(s, hash, values, mem, err);
    for (uint32_t i = 0; i < s->width; i++)
        s->values[(size_t)(at - 1) * s->width + i] += values[i];
    return OV_OK;
}

/* ---- merging ---- */

static ov_status check_width(const ov_tuple *s, uint32_t width, ov_error *err)
{
    if (s->width == width)
        return OV_OK;
    return ov_fail(err, OV_INVALID, "tuple sketches with %u and with %u numbers a value do not fit together", s->width, width);
}

ov_status ov_tuple_merge(ov_tuple *s, const ov_tuple *from, const ov_sketch_mem *mem, ov_error *err)
{
    if (!from->seen)
        return OV_OK;
    OV_TRY(check_width(s, from->width, err));
    s->seen = true;
    OV_TRY(lower(s, from->theta, mem, err));
    for (uint32_t i = 0; i < from->count; i++)
        OV_TRY(ov_tuple_add(s, from->keys[i], from->values + (size_t)i * from->width, mem, err));
    return OV_OK;
}

ov_status ov_tuple_merge_set(ov_tuple *s, const ov_tuple_set *from, const ov_sketch_mem *mem, ov_error *err)
{
    if (!from->seen)
        return OV_OK;
    OV_TRY(check_width(s, from->width, err));
    s->seen = true;
    OV_TRY(lower(s, from->theta, mem, err));
    for (uint32_t i = 0; i < from->count && from->hash[i] < s->theta; i++)
        OV_TRY(ov_tuple_add(s, from->hash[i], from->values + (size_t)i * from->width, mem, err));
    return OV_OK;
}

/* ---- finishing ---- */

typedef struct entry {
    uint64_t key;
    uint32_t at;
} entry;

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const entry *)a)->key, y = ((const entry *)b)->key;
    return x < y ? -1 : x > y;
}

ov_status ovi_tuple_sorted(const uint64_t *keys, const double *values, uint32_t count, uint32_t width, ov_arena *a,
                           ov_tuple_set *out, ov_error *err)
{
    entry *order;
    uint64_t *hash;
    double *numbers;
    OV_TRY(ov_arena_alloc(a, ((size_t)count + 1) * sizeof(*order), &order, err));
    OV_TRY(ov_arena_alloc(a, ((size_t)count + 1) * sizeof(*hash), &hash, err));
    OV_TRY(ov_arena_alloc(a, ((size_t)count * width + 1) * sizeof(*numbers), &numbers, err));
    for (uint32_t i = 0; i < count; i++)
        order[i] = (entry){keys[i], i};
    if (count > 1)
        qsort(order, count, sizeof(*order), by_key);
    for (uint32_t i = 0; i < count; i++) {
        hash[i] = order[i].key;
        memcpy(numbers + (size_t)i * width, values + (size_t)order[i].at * width, width * sizeof(double));
    }
    out->hash = hash;
    out->values = numbers;
    out->count = count;
    out->width = width;
    return OV_OK;
}

ov_status ov_tuple_finish(const ov_tuple *s, ov_arena *a, ov_tuple_set *out, ov_error *err)
{
    *out = (ov_tuple_set){.theta = s->theta, .seen = s->seen};
    OV_TRY(ovi_tuple_sorted(s->keys, s->values, s->count, s->width, a, out, err));
    if (out->count > UINT32_C(1) << s->lg_k) {
        out->count = UINT32_C(1) << s->lg_k;
        out->theta = out->hash[out->count];
    }
    return OV_OK;
}
