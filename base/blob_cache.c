#include "base/blob_cache.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/thread.h"

enum { FIRST_SLOTS = 256, SHARE = 8 };

typedef struct entry entry;
struct entry {
    entry *next;           /* of its slot */
    entry *newer, *older;  /* by use */
    uint64_t hash;
    ov_blob *blob;
    size_t key_bytes;
    char key[];
};

struct ov_blob_cache {
    size_t limit;
    ov_mutex lock; /* of all below */
    entry **slots;
    size_t slot_count; /* a power of two */
    entry *newest, *oldest;
    ov_blob_cache_stats stats;
};

ov_status ov_blob_cache_create(size_t limit, ov_blob_cache **out, ov_error *err)
{
    ov_blob_cache *c = ov_calloc(1, sizeof *c);
    if (!c)
        return ov_fail_nomem(err, sizeof *c);
    c->limit = limit;
    c->slot_count = FIRST_SLOTS;
    c->slots = ov_calloc(c->slot_count, sizeof *c->slots);
    if (!c->slots) {
        ov_free(c);
        return ov_fail_nomem(err, FIRST_SLOTS * sizeof *c->slots);
    }
    ov_mutex_init(&c->lock);
    *out = c;
    return OV_OK;
}

static size_t entry_bytes(const entry *e)
{
    return sizeof *e + e->key_bytes + sizeof *e->blob + e->blob->n;
}

void ov_blob_release(ov_blob *blob)
{
    if (blob && atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) == 1)
        ov_free(blob);
}

static void free_entry(entry *e)
{
    ov_blob_release(e->blob);
    ov_free(e);
}

void ov_blob_cache_destroy(ov_blob_cache *c)
{
    if (!c)
        return;
    for (entry *e = c->oldest; e;) {
        entry *newer = e->newer;
        free_entry(e);
        e = newer;
    }
    ov_mutex_fini(&c->lock);
    ov_free(c->slots);
    ov_free(c);
}

/* ---- under the lock ---- */

static entry **find(ov_blob_cache *c, ov_slice key, uint64_t hash)
{
    entry **at = &c->slots[hash & (c->slot_count - 1)];
    while (*at && !((*at)->hash == hash && ov_slice_eq(ov_slice_make((*at)->key, (*at)->key_bytes), key)))
        at = &(*at)->next;
    return at;
}

static void leave_order(ov_blob_cache *c, entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void become_newest(ov_blob_cache *c, entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

/* Takes the entry at `at` out of slot and order; the caller frees it. */
static entry *take_out(ov_blob_cache *c, entry **at)
{
    entry *e = *at;
    *at = e->next;
    leave_order(c, e);
    c->stats.bytes -= entry_bytes(e);
    c->stats.entries--;
    return e;
}

static void drop_oldest(ov_blob_cache *c)
{
    entry *e = c->oldest;
    free_entry(take_out(c, find(c, ov_slice_make(e->key, e->key_bytes), e->hash)));
    c->stats.dropped++;
}

/* More slots than entries keep chains short; without memory for them chains just grow. */
static void grow(ov_blob_cache *c)
{
    size_t count = c->slot_count * 2;
    entry **slots = ov_calloc(count, sizeof *slots);
    if (!slots)
        return;
    for (entry *e = c->oldest; e; e = e->newer) {
        entry **at = &slots[e->hash & (count - 1)];
        e->next = *at;
        *at = e;
    }
    ov_free(c->slots);
    c->slots = slots;
    c->slot_count = count;
}

/* ---- use ---- */

ov_blob *ov_blob_cache_get(ov_blob_cache *c, ov_slice key)
{
    uint64_t hash = ov_hash_slice(key);
    ov_blob *blob = NULL;
    ov_mutex_lock(&c->lock);
    entry *e = *find(c, key, hash);
    if (e) {
        blob = e->blob;
        atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
        leave_order(c, e);
        become_newest(c, e);
    }
    *(e ? &c->stats.hits : &c->stats.misses) += 1;
    ov_mutex_unlock(&c->lock);
    return blob;
}

bool ov_blob_cache_takes(const ov_blob_cache *c, size_t bytes)
{
    return bytes <= c->limit / SHARE;
}

static entry *make_entry(ov_slice key, uint64_t hash, ov_slice value)
{
    entry *e = ov_malloc(sizeof *e + key.n);
    ov_blob *blob = ov_malloc(sizeof *blob + value.n);
    if (!e || !blob) {
        ov_free(e);
        ov_free(blob);
        return NULL;
    }
    atomic_init(&blob->refs, 1);
    blob->n = value.n;
    if (value.n)
        memcpy(blob->p, value.p, value.n);
    e->hash = hash;
    e->blob = blob;
    e->key_bytes = key.n;
    memcpy(e->key, key.p, key.n);
    return e;
}

void ov_blob_cache_put(ov_blob_cache *c, ov_slice key, ov_slice value)
{
    uint64_t hash = ov_hash_slice(key);
    if (!ov_blob_cache_takes(c, sizeof(entry) + sizeof(ov_blob) + key.n + value.n))
        return;
    entry *e = make_entry(key, hash, value), *old = NULL;
    if (!e)
        return;
    ov_mutex_lock(&c->lock);
    entry **at = find(c, key, hash);
    if (*at)
        old = take_out(c, at);
    while (c->stats.bytes + entry_bytes(e) > c->limit)
        drop_oldest(c);
    if (c->stats.entries >= c->slot_count)
        grow(c);
    at = &c->slots[hash & (c->slot_count - 1)];
    e->next = *at;
    *at = e;
    become_newest(c, e);
    c->stats.bytes += entry_bytes(e);
    c->stats.entries++;
    c->stats.stored++;
    ov_mutex_unlock(&c->lock);
    if (old)
        free_entry(old);
}

void ov_blob_cache_stats_of(ov_blob_cache *c, ov_blob_cache_stats *out)
{
    ov_mutex_lock(&c->lock);
    *out = c->stats;
    ov_mutex_unlock(&c->lock);
}

void ov_key_add(ov_buf *key, ov_slice part)
{
    ov_buf_add(key, &part.n, sizeof part.n);
    ov_buf_add_slice(key, part);
}
