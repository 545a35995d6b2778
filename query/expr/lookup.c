#include "query/expr/lookup.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/thread.h"

struct ov_lookup {
    _Atomic uint32_t refs;
    ov_arena arena;
    ov_slice name, version;
    uint64_t serial;
    ov_slice *keys, *values;
    uint32_t count;
    /* With a history: values of entry i stand at first[i] .. first[i + 1] of `then`, in the order of time. */
    uint32_t *first;
    struct moment *then;
    uint32_t
        *slots; /* number of an entry plus one; 0 = empty. Open addressing, at most half full */
    uint32_t mask;
};

typedef struct moment {
    int64_t since;
    uint32_t row; /* as given: of equal instants the last one counts */
    ov_slice value;
} moment;

struct ov_lookup_set {
    _Atomic uint32_t refs;
    uint32_t count;
    ov_lookup *at[]; /* by name, each counted */
};

struct ov_lookups {
    ov_mutex lock;
    ov_lookup_set *now;
};

/* ---- one map ---- */

/* Where the key is, or the empty slot where it belongs. */
static uint32_t slot_of(const ov_lookup *l, ov_slice key)
{
    uint32_t at = (uint32_t)ov_hash_slice(key) & l->mask;
    while (l->slots[at] && !ov_slice_eq(l->keys[l->slots[at] - 1], key))
        at = (at + 1) & l->mask;
    return at;
}

static OV_CHECKED ov_status fill(ov_lookup *l, const ov_slice *keys, const ov_slice *values,
                                 uint32_t count, ov_error *err)
{
    uint32_t size = 16;
    while (size / 2 < count)
        size *= 2;
    l->mask = size - 1;
    OV_TRY(ov_arena_zalloc(&l->arena, size * sizeof *l->slots, &l->slots, err));
    OV_TRY(ov_arena_alloc(&l->arena, (count + (size_t)1) * sizeof *l->keys, &l->keys, err));
    OV_TRY(ov_arena_alloc(&l->arena, (count + (size_t)1) * sizeof *l->values, &l->values, err));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = slot_of(l, keys[i]), entry = l->slots[at] - 1;
        if (l->slots[at] == 0) {
            entry = l->count++;
            l->slots[at] = entry + 1;
            OV_TRY(ov_arena_copy(&l->arena, keys[i], &l->keys[entry], err));
        }
        OV_TRY(ov_arena_copy(&l->arena, values[i], &l->values[entry], err));
    }
    return OV_OK;
}

static int by_time(const void *a, const void *b)
{
    const moment *x = a, *y = b;
    if (x->since != y->since)
        return x->since < y->since ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Behind `fill`: the moments of each key side by side, and its last value in front. */
static OV_CHECKED ov_status fill_history(ov_lookup *l, const ov_slice *keys, const ov_slice *values, const int64_t *since,
                                         uint32_t count, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(&l->arena, (l->count + (size_t)2) * sizeof *l->first, &l->first, err));
    OV_TRY(ov_arena_alloc(&l->arena, (count + (size_t)1) * sizeof *l->then, &l->then, err));
    for (uint32_t i = 0; i < count; i++)
        l->first[l->slots[slot_of(l, keys[i])] + 1]++; /* of entry + 2: where it will end, once they are placed */
    for (uint32_t e = 1; e < l->count + 2; e++)
        l->first[e] += l->first[e - 1];
    for (uint32_t i = 0; i < count; i++) {
        moment *m = &l->then[l->first[l->slots[slot_of(l, keys[i])]]++];
        *m = (moment){.since = since[i], .row = i};
        OV_TRY(ov_arena_copy(&l->arena, values[i], &m->value, err));
    }
    for (uint32_t e = 0; e < l->count; e++) {
        qsort(&l->then[l->first[e]], l->first[e + 1] - l->first[e], sizeof *l->then, by_time);
        l->values[e] = l->then[l->first[e + 1] - 1].value;
    }
    return OV_OK;
}

ov_status ov_lookup_create(ov_slice name, ov_slice version, const ov_slice *keys, const ov_slice *values, const int64_t *since,
                           uint32_t count, ov_lookup **out, ov_error *err)
{
    enum { MOST = 1 << 30 };
    if (count > MOST)
        return ov_fail(err, OV_LIMIT, "a lookup has at most %d entries", MOST);
    ov_lookup *l = ov_calloc(1, sizeof *l);
    if (!l)
        return ov_fail_nomem(err, sizeof *l);
    static _Atomic uint64_t made;
    atomic_init(&l->refs, 1);
    l->serial = atomic_fetch_add(&made, 1);
    ov_arena_init(&l->arena, "lookup", NULL);
    ov_status st = ov_arena_copy(&l->arena, name, &l->name, err);
    if (st == OV_OK)
        st = ov_arena_copy(&l->arena, version, &l->version, err);
    if (st == OV_OK)
        st = fill(l, keys, values, count, err);
    if (st == OV_OK && since)
        st = fill_history(l, keys, values, since, count, err);
    if (st != OV_OK) {
        ov_lookup_release(l);
        return st;
    }
    *out = l;
    return OV_OK;
}

void ov_lookup_release(ov_lookup *l)
{
    if (!l || atomic_fetch_sub(&l->refs, 1) > 1)
        return;
    ov_arena_fini(&l->arena);
    ov_free(l);
}

ov_slice ov_lookup_name(const ov_lookup *l)
{
    return l->name;
}

uint64_t ov_lookup_serial(const ov_lookup *l)
{
    return l->serial;
}

ov_slice ov_lookup_version(const ov_lookup *l)
{
    return l->version;
}

uint32_t ov_lookup_count(const ov_lookup *l)
{
    return l->count;
}

void ov_lookup_entry(const ov_lookup *l, uint32_t i, ov_slice *key, ov_slice *value)
{
    *key = l->keys[i];
    *value = l->values[i];
}

bool ov_lookup_get(const ov_lookup *l, ov_slice key, ov_slice *value)
{
    uint32_t entry = l->slots[slot_of(l, key)];
    if (entry)
        *value = l->values[entry - 1];
    return entry != 0;
}

bool ov_lookup_get_at(const ov_lookup *l, ov_slice key, int64_t at_ms, ov_slice *value)
{
    uint32_t entry = l->slots[slot_of(l, key)];
    if (!l->then || !entry)
        return ov_lookup_get(l, key, value);
    uint32_t lo = l->first[entry - 1], hi = l->first[entry];
    uint32_t from = lo;
    while (lo < hi) { /* the first that begins later */
        uint32_t mid = lo + (hi - lo) / 2;
        if (l->then[mid].since <= at_ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == from)
        return false;
    *value = l->then[lo - 1].value;
    return true;
}

/* ---- sets ---- */

uint32_t ov_lookup_set_count(const ov_lookup_set *s)
{
    return s ? s->count : 0;
}

const ov_lookup *ov_lookup_set_at(const ov_lookup_set *s, uint32_t i)
{
    return s->at[i];
}

const ov_lookup *ov_lookup_set_find(const ov_lookup_set *s, ov_slice name)
{
    for (uint32_t i = 0; i < ov_lookup_set_count(s); i++)
        if (ov_slice_eq(s->at[i]->name, name))
            return s->at[i];
    return NULL;
}

void ov_lookup_set_release(ov_lookup_set *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        ov_lookup_release(s->at[i]);
    ov_free(s);
}

static int by_name(const void *a, const void *b)
{
    return ov_slice_cmp((*(ov_lookup *const *)a)->name, (*(ov_lookup *const *)b)->name);
}

static bool one_has(ov_lookup *const *maps, uint32_t count, ov_slice name)
{
    for (uint32_t i = 0; i < count; i++)
        if (ov_slice_eq(maps[i]->name, name))
            return true;
    return false;
}

/* The set without the map of this name, and with these in place of those of their names. */
static ov_lookup_set *changed(const ov_lookup_set *old, ov_slice name, ov_lookup *const *maps, uint32_t count)
{
    ov_lookup_set *s =
        ov_calloc(1, sizeof *s + (ov_lookup_set_count(old) + (size_t)count) * sizeof *s->at);
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    for (uint32_t i = 0; i < ov_lookup_set_count(old); i++)
        if (!ov_slice_eq(old->at[i]->name, name) && !one_has(maps, count, old->at[i]->name))
            s->at[s->count++] = old->at[i];
    for (uint32_t i = 0; i < count; i++)
        s->at[s->count++] = maps[i];
    for (uint32_t i = 0; i < s->count; i++)
        atomic_fetch_add(&s->at[i]->refs, 1);
    if (s->count > 1)
        qsort(s->at, s->count, sizeof(ov_lookup *), by_name);
    return s;
}

/* ---- the current ones ---- */

ov_status ov_lookups_create(ov_lookups **out, ov_error *err)
{
    ov_lookups *l = ov_calloc(1, sizeof *l);
    if (!l)
        return ov_fail_nomem(err, sizeof *l);
    ov_mutex_init(&l->lock);
    *out = l;
    return OV_OK;
}

void ov_lookups_destroy(ov_lookups *l)
{
    if (!l)
        return;
    ov_lookup_set_release(l->now);
    ov_mutex_fini(&l->lock);
    ov_free(l);
}

ov_lookup_set *ov_lookups_get(ov_lookups *l)
{
    if (!l)
        return NULL;
    ov_mutex_lock(&l->lock);
    ov_lookup_set *s = l->now;
    if (s)
        atomic_fetch_add(&s->refs, 1);
    ov_mutex_unlock(&l->lock);
    return s;
}

static OV_CHECKED ov_status change(ov_lookups *l, ov_slice name, ov_lookup *const *maps, uint32_t count, bool *found,
                                   ov_error *err)
{
    ov_mutex_lock(&l->lock);
    ov_lookup_set *old = l->now;
    *found = ov_lookup_set_find(old, name) != NULL;
    ov_lookup_set *next = changed(old, name, maps, count);
    if (next)
        l->now = next;
    ov_mutex_unlock(&l->lock);
    if (!next)
        return ov_fail_nomem(err, sizeof *next);
    ov_lookup_set_release(old);
    return OV_OK;
}

ov_status ov_lookups_put(ov_lookups *l, ov_lookup *map, ov_error *err)
{
    return ov_lookups_put_all(l, &map, 1, err);
}

ov_status ov_lookups_put_all(ov_lookups *l, ov_lookup *const *maps, uint32_t count, ov_error *err)
{
    bool found;
    return change(l, (ov_slice){NULL, 0}, maps, count, &found, err);
}

ov_status ov_lookups_drop(ov_lookups *l, ov_slice name, bool *found, ov_error *err)
{
    return change(l, name, NULL, 0, found, err);
}
