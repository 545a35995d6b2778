/* The segment cache: a hash table of slots and a ring of the open ones, most recently used first. */
#include "storage/catalog/segcache.h"

#include <errno.h>
#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/os.h"

struct ov_segment_slot {
    char *path;        /* whole path; `file` points into it */
    ov_slice file;     /* below the cache's dir */
    uint64_t hash;
    uint32_t refs;
    bool opening;      /* a thread is in the opener */
    bool doomed;       /* unlink with the last reference */
    ov_segment *seg;   /* the cache's own reference; NULL when not open */
    ov_segment_slot *chain;
    ov_segment_slot *newer, *older; /* ring place while open */
};

struct ov_segcache {
    ov_mutex lock; /* everything below */
    ov_cond opened;
    char *dir;
    ov_segment_opener opener;
    uint32_t max_open, open;
    ov_segment_slot **table;
    uint32_t table_size, slots; /* table_size is a power of two */
    ov_segment_slot *newest, *oldest;
};

ov_status ov_segcache_create(const char *dir, uint32_t max_open, ov_segment_opener opener,
                             ov_segcache **out, ov_error *err)
{
    enum { FIRST_TABLE = 64 };
    ov_segcache *c = ov_calloc(1, sizeof(*c));
    if (!c)
        return ov_fail_nomem(err, sizeof(*c));
    ov_mutex_init(&c->lock);
    ov_cond_init(&c->opened);
    c->dir = ov_strdup(dir);
    c->table = ov_calloc(FIRST_TABLE, sizeof(ov_segment_slot *));
    c->table_size = FIRST_TABLE;
    c->max_open = OV_MAX(max_open, 1u);
    c->opener = opener;
    if (!c->dir || !c->table) {
        ov_segcache_destroy(c);
        return ov_fail_nomem(err, FIRST_TABLE * sizeof(ov_segment_slot *));
    }
    *out = c;
    return OV_OK;
}

void ov_segcache_destroy(ov_segcache *c)
{
    if (!c)
        return;
    OV_ASSERT(c->slots == 0);
    ov_mutex_fini(&c->lock);
    ov_cond_fini(&c->opened);
    ov_free(c->dir);
    ov_free(c->table);
    ov_free(c);
}

/* ---- the ring, under the lock ---- */

static void ring_remove(ov_segcache *c, ov_segment_slot *s)
{
    *(s->newer ? &s->newer->older : &c->newest) = s->older;
    *(s->older ? &s->older->newer : &c->oldest) = s->newer;
    s->newer = s->older = NULL;
}

static void ring_add(ov_segcache *c, ov_segment_slot *s)
{
    s->newer = NULL;
    s->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = s;
    c->newest = s;
}

static void keep_open(ov_segcache *c, ov_segment_slot *s, ov_segment *seg)
{
    s->seg = seg;
    ring_add(c, s);
    c->open++;
}

/* Take the cache's reference out of the slot; the caller drops it outside the lock. */
static ov_segment *take_open(ov_segcache *c, ov_segment_slot *s)
{
    ov_segment *seg = s->seg;
    if (seg) {
        ring_remove(c, s);
        c->open--;
        s->seg = NULL;
    }
    return seg;
}

/* ---- the table, under the lock ---- */

static ov_segment_slot **find(ov_segcache *c, ov_slice file, uint64_t hash)
{
    ov_segment_slot **at = &c->table[hash & (c->table_size - 1)];
    while (*at && ((*at)->hash != hash || !ov_slice_eq((*at)->file, file)))
        at = &(*at)->chain;
    return at;
}

/* A table that cannot grow still works, more slowly. */
static void grow(ov_segcache *c)
{
    uint32_t size = c->table_size * 2;
    ov_segment_slot **table = ov_calloc(size, sizeof(*table));
    if (!table)
        return;
    for (uint32_t i = 0; i < c->table_size; i++) {
        for (ov_segment_slot *s = c->table[i], *next; s; s = next) {
            next = s->chain;
            s->chain = table[s->hash & (size - 1)];
            table[s->hash & (size - 1)] = s;
        }
    }
    ov_free(c->table);
    c->table = table;
    c->table_size = size;
}

static ov_segment_slot *make_slot(const ov_segcache *c, ov_slice file, uint64_t hash)
{
    size_t dir_bytes = strlen(c->dir), bytes = dir_bytes + 1 + file.n + 1;
    ov_segment_slot *s = ov_calloc(1, sizeof(*s));
    char *path = ov_malloc(bytes);
    if (!s || !path) {
        ov_free(s);
        ov_free(path);
        return NULL;
    }
    memcpy(path, c->dir, dir_bytes);
    path[dir_bytes] = '/';
    memcpy(path + dir_bytes + 1, file.p, file.n);
    path[bytes - 1] = 0;
    s->path = path;
    s->file = ov_slice_make(path + dir_bytes + 1, file.n);
    s->hash = hash;
    return s;
}

ov_status ov_segcache_slot(ov_segcache *c, ov_slice file, ov_segment_slot **out, ov_error *err)
{
    uint64_t hash = ov_hash_slice(file);
    ov_mutex_lock(&c->lock);
    ov_segment_slot *s = *find(c, file, hash);
    if (!s) {
        if (c->slots >= c->table_size)
            grow(c);
        s = make_slot(c, file, hash);
        if (s) {
            *find(c, file, hash) = s;
            c->slots++;
        }
    }
    if (s)
        s->refs++;
    ov_mutex_unlock(&c->lock);
    *out = s;
    return s ? OV_OK : ov_fail_nomem(err, sizeof(*s) + file.n);
}

static void unlink_logged(const char *path)
{
    if (ov_os_now->unlink(path) != 0 && errno != ENOENT)
        ov_log_warn("cannot remove a killed segment file; the next start will", ov_kv_str("file", path),
                    ov_kv_str("error", strerror(errno)));
}

void ov_segcache_slot_release(ov_segcache *c, ov_segment_slot *s)
{
    if (!s)
        return;
    ov_segment *seg = NULL;
    ov_mutex_lock(&c->lock);
    OV_ASSERT(s->refs > 0);
    bool last = --s->refs == 0;
    if (last) {
        seg = take_open(c, s);
        *find(c, s->file, s->hash) = s->chain;
        c->slots--;
    }
    ov_mutex_unlock(&c->lock);
    if (!last)
        return;
    ov_segment_release(seg);
    if (s->doomed)
        unlink_logged(s->path);
    ov_free(s->path);
    ov_free(s);
}

void ov_segcache_doom(ov_segcache *c, ov_slice file)
{
    ov_mutex_lock(&c->lock);
    ov_segment_slot *s = *find(c, file, ov_hash_slice(file));
    if (s)
        s->doomed = true;
    ov_mutex_unlock(&c->lock);
    if (s)
        return;
    ov_buf path;
    ov_buf_init(&path);
    ov_buf_addf(&path, "%s/" OV_SLICE_FMT, c->dir, OV_SLICE_ARG(file));
    const char *text = ov_buf_cstr(&path);
    if (text)
        unlink_logged(text);
    ov_buf_fini(&path);
}

/* ---- opening ---- */

/* After the opener, under the lock: keep the segment, push the oldest out. *evicted is for the caller to release. */
static void settle(ov_segcache *c, ov_segment_slot *s, ov_segment *seg, ov_segment **evicted)
{
    *evicted = NULL;
    s->opening = false;
    if (seg) {
        keep_open(c, s, ov_segment_retain(seg));
        if (c->open > c->max_open)
            *evicted = take_open(c, c->oldest);
    }
    ov_cond_broadcast(&c->opened);
}

ov_status ov_segcache_open(ov_segcache *c, ov_segment_slot *s, ov_segment **out, ov_error *err)
{
    ov_segment *broken = NULL;
    ov_mutex_lock(&c->lock);
    while (s->opening)
        ov_cond_wait(&c->opened, &c->lock);
    if (s->seg && ov_segment_damaged(s->seg))
        broken = take_open(c, s); /* a fresh look at the file says what is wrong with it, or that it is whole again */
    if (s->seg) {
        if (c->newest != s) {
            ring_remove(c, s);
            ring_add(c, s);
        }
        *out = ov_segment_retain(s->seg);
        ov_mutex_unlock(&c->lock);
        return OV_OK;
    }
    s->opening = true;
    ov_mutex_unlock(&c->lock);
    ov_segment_release(broken);

    ov_segment *seg = NULL, *evicted;
    ov_status st = c->opener(s->path, &seg, err);
    if (st == OV_NOT_FOUND || st == OV_DENIED) { /* the catalog names it: who asks has done nothing wrong */
        err->code = st = OV_IO;
        ov_error_context(err, "a segment of the catalog");
    }
    ov_mutex_lock(&c->lock);
    settle(c, s, st == OV_OK ? seg : NULL, &evicted);
    ov_mutex_unlock(&c->lock);
    ov_segment_release(evicted);
    if (st == OV_OK)
        *out = seg;
    return st;
}

uint32_t ov_segcache_open_count(ov_segcache *c)
{
    ov_mutex_lock(&c->lock);
    uint32_t n = c->open;
    ov_mutex_unlock(&c->lock);
    return n;
}
