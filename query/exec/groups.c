#include "query/exec/groups.h"

#include "base/hash.h"

ov_status ovi_key_layout_make(const ov_type *types, const bool *nullable, uint32_t count, ov_arena *out,
                              ovi_key_layout *layout, ov_error *err)
{
    uint32_t halves = 0, nulls = 0, words = 0;
    *layout = (ovi_key_layout){.count = count};
    OV_TRY(ov_arena_zalloc(out, OV_MAX(count, 1) * sizeof(ovi_key_field), &layout->fields, err));
    /* numbers first, so that halves pair up behind them */
    for (uint32_t i = 0; i < count; i++) {
        ovi_key_field *f = &layout->fields[i];
        f->type = types[i];
        if (!ov_type_is_int(types[i]) && !ov_type_is_real(types[i]))
            continue;
        f->word = words++;
        if (nullable[i])
            f->null_bit = 1 + nulls++;
    }
    layout->null_word = words;
    halves = (nulls + 31) / 32;
    for (uint32_t i = 0; i < count; i++) {
        ovi_key_field *f = &layout->fields[i];
        if (ov_type_is_int(types[i]) || ov_type_is_real(types[i]))
            continue;
        f->word = words + halves / 2;
        f->shift = halves % 2 ? 32 : 0;
        halves++;
    }
    layout->width = OV_MAX(words + (halves + 1) / 2, 1);
    return OV_OK;
}

ov_status ovi_groups_init(ovi_groups *g, uint32_t width, ov_budget *budget, ov_error *err)
{
    *g = (ovi_groups){.budget = budget, .width = width};
    OV_TRY(ov_array_grow(budget, &g->slots, 0, 64 * 8, err));
    g->slot_count = 64;
    return OV_OK;
}

void ovi_groups_fini(ovi_groups *g)
{
    ov_array_free(g->budget, &g->keys, (size_t)g->cap * g->width * 8);
    ov_array_free(g->budget, &g->slots, (size_t)g->slot_count * 8);
    g->cap = g->count = g->slot_count = 0;
}

static uint64_t hash_key(const uint64_t *key, uint32_t width)
{
    uint64_t h = ov_hash_u64(key[0]);
    for (uint32_t i = 1; i < width; i++)
        h = ov_hash_combine(h, key[i]);
    return h;
}

static ov_status grow_slots(ovi_groups *g, ov_error *err)
{
    uint64_t *slots = NULL;
    /* large tables grow in smaller steps: old and new slots are there together while they move */
    uint32_t count = g->slot_count * (g->slot_count < 1 << 20 ? 4 : 2);
    if (count < g->slot_count)
        return ov_fail(err, OV_LIMIT, "more than a thousand million groups in one query");
    OV_TRY(ov_array_table(g->budget, &slots, (size_t)count * 8, err));
    for (uint32_t i = 0; i < g->slot_count; i++) {
        ov_status st = ov_budget_alive_at(g->budget, i, err);
        if (st != OV_OK) {
            ov_array_free(g->budget, &slots, (size_t)count * 8);
            return st;
        }
        if (!g->slots[i])
            continue;
        uint32_t at = (uint32_t)(g->slots[i] >> 32) & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = g->slots[i];
    }
    ov_array_free(g->budget, &g->slots, (size_t)g->slot_count * 8);
    g->slots = slots;
    g->slot_count = count;
    return OV_OK;
}

static ov_status grow_keys(ovi_groups *g, ov_error *err)
{
    uint32_t cap = OV_MAX(64, g->cap + g->cap / 2);
    OV_TRY(ov_array_grow(g->budget, &g->keys, (size_t)g->cap * g->width * 8, (size_t)cap * g->width * 8, err));
    g->cap = cap;
    return OV_OK;
}

/* The group of a key whose hash is known, or OVI_NO_GROUP and the free slot where it belongs. width is a constant at the
 * call, so the comparison is unrolled. */
OV_INLINE uint32_t seek_one(const ovi_groups *g, const uint64_t *key, uint32_t width, uint32_t hash, uint32_t *at)
{
    uint32_t mask = g->slot_count - 1;
    *at = hash & mask;
    for (uint64_t slot; (slot = g->slots[*at]); *at = (*at + 1) & mask) {
        if ((uint32_t)(slot >> 32) != hash)
            continue;
        uint32_t other = (uint32_t)slot - 1;
        const uint64_t *with = g->keys + (size_t)other * width;
        bool same = true;
        for (uint32_t i = 0; i < width; i++)
            same &= with[i] == key[i];
        if (same)
            return other;
    }
    return OVI_NO_GROUP;
}

OV_INLINE ov_status find_one(ovi_groups *g, const uint64_t *key, uint32_t width, uint32_t hash, uint32_t *group,
                             ov_error *err)
{
    uint32_t at;
    *group = seek_one(g, key, width, hash, &at);
    if (*group != OVI_NO_GROUP)
        return OV_OK;
    if (g->count == g->cap)
        OV_TRY(grow_keys(g, err));
    memcpy(g->keys + (size_t)g->count * width, key, (size_t)width * 8);
    g->slots[at] = (uint64_t)hash << 32 | (g->count + 1);
    *group = g->count++;
    return g->count > g->slot_count / 2 ? grow_slots(g, err) : OV_OK;
}

OV_INLINE ov_status find_all(ovi_groups *g, const uint64_t *keys, size_t n, uint32_t width, uint32_t *group,
                             ov_error *err)
{
    enum { AHEAD = 64 }; /* hashes first, so that the slots of a stretch are fetched together */
    uint32_t hash[AHEAD];
    for (size_t from = 0; from < n; from += AHEAD) {
        size_t part = OV_MIN(n - from, (size_t)AHEAD);
        const uint64_t *key = keys + from * width;
        for (size_t i = 0; i < part; i++) {
            hash[i] = (uint32_t)(hash_key(key + i * width, width) >> 32);
            __builtin_prefetch(&g->slots[hash[i] & (g->slot_count - 1)]);
        }
        for (size_t i = 0; i < part; i++)
            OV_TRY(find_one(g, key + i * width, width, hash[i], &group[from + i], err));
    }
    return OV_OK;
}

static OV_NOINLINE ov_status grow_to_number(ovi_groups *g, uint64_t number, ov_error *err)
{
    uint64_t count = g->slot_count;
    while (count <= number)
        count *= 2;
    if (count > UINT32_MAX)
        return ov_fail(err, OV_LIMIT, "more than a thousand million groups in one query");
    OV_TRY(ov_array_grow(g->budget, &g->slots, (size_t)g->slot_count * 8, (size_t)count * 8, err));
    g->slot_count = (uint32_t)count;
    return OV_OK;
}

static ov_status find_by_number(ovi_groups *g, const uint64_t *keys, size_t n, uint32_t *group, ov_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (OV_UNLIKELY(keys[i] >= g->slot_count))
            OV_TRY(grow_to_number(g, keys[i], err));
        uint64_t *slot = &g->slots[keys[i]];
        if (!*slot) {
            if (g->count == g->cap)
                OV_TRY(grow_keys(g, err));
            g->keys[g->count] = keys[i];
            *slot = ++g->count;
        }
        group[i] = (uint32_t)*slot - 1;
    }
    return OV_OK;
}

ov_status ovi_groups_find(ovi_groups *g, const uint64_t *keys, size_t n, uint32_t *group, ov_error *err)
{
    if (g->by_number)
        return find_by_number(g, keys, n, group, err);
    switch (g->width) {
    case 1:
        return find_all(g, keys, n, 1, group, err);
    case 2:
        return find_all(g, keys, n, 2, group, err);
    default:
        break;
    }
    size_t step = ((size_t)1 << 18) / OV_MAX(g->width, 1u) + 1; /* keys of a thousand columns take their time */
    for (size_t at = 0; at < n; at += step) {
        if (at)
            OV_TRY(ov_budget_alive(g->budget, err));
        OV_TRY(find_all(g, keys + at * g->width, OV_MIN(n - at, step), g->width, group + at, err));
    }
    return OV_OK;
}

void ovi_groups_clear(ovi_groups *g)
{
    if (g->count)
        memset(g->slots, 0, (size_t)g->slot_count * 8);
    g->count = 0;
}

/* By words of live rows: hashes first, so that their slots are fetched together. */
OV_INLINE void seek_all(const ovi_groups *g, const uint64_t *keys, const uint64_t *live, uint32_t n, uint32_t width,
                        uint32_t *group)
{
    uint32_t hash[64], at;
    for (uint32_t from = 0; from < n; from += 64) {
        for (uint32_t i = from; i < OV_MIN(from + 64, n); i++)
            group[i] = OVI_NO_GROUP;
        for (uint64_t left = live[from / 64]; left; left &= left - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left);
            hash[bit] = (uint32_t)(hash_key(keys + (size_t)(from + bit) * width, width) >> 32);
            __builtin_prefetch(&g->slots[hash[bit] & (g->slot_count - 1)]);
        }
        for (uint64_t left = live[from / 64]; left; left &= left - 1) {
            uint32_t bit = (uint32_t)__builtin_ctzll(left);
            group[from + bit] = seek_one(g, keys + (size_t)(from + bit) * width, width, hash[bit], &at);
        }
    }
}

static void seek_by_number(const ovi_groups *g, const uint64_t *keys, const uint64_t *live, uint32_t n, uint32_t *group)
{
    for (uint32_t i = 0; i < n; i++) {
        bool known = live[i / 64] >> i % 64 & 1 && keys[i] < g->slot_count && g->slots[keys[i]];
        group[i] = known ? (uint32_t)g->slots[keys[i]] - 1 : OVI_NO_GROUP;
    }
}

void ovi_groups_lookup(const ovi_groups *g, const uint64_t *keys, const uint64_t *live, uint32_t n, uint32_t *group)
{
    if (g->by_number)
        seek_by_number(g, keys, live, n, group);
    else if (g->width == 1)
        seek_all(g, keys, live, n, 1, group);
    else if (g->width == 2)
        seek_all(g, keys, live, n, 2, group);
    else
        seek_all(g, keys, live, n, g->width, group);
}
