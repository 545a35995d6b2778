#include "base/arena.h"

#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { FIRST_CHUNK_BYTES = 4096, MAX_CHUNK_BYTES = 1 << 20, PAD_BYTES = 64 };

struct ov_arena_chunk {
    ov_arena_chunk *older;
    size_t bytes; /* whole allocation, header included */
};

struct ov_arena_cleanup {
    ov_arena_cleanup *older;
    void (*fn)(void *);
    void *arg;
};

static char *chunk_data(ov_arena_chunk *c)
{
    return (char *)c + 64;
}

void ov_arena_init(ov_arena *a, const char *name, ov_budget *budget)
{
    *a = (ov_arena){.name = name, .budget = budget, .chunk_bytes = FIRST_CHUNK_BYTES};
}

static void run_cleanups(ov_arena *a, const ov_arena_cleanup *until)
{
    while (a->cleanups != until) {
        ov_arena_cleanup *c = a->cleanups;
        a->cleanups = c->older;
        c->fn(c->arg);
    }
}

static void drop_chunk(ov_arena *a)
{
    ov_arena_chunk *c = a->chunk;
    a->chunk = c->older;
    a->total_bytes -= c->bytes;
    UNPOISON(c, c->bytes);
    ov_free_charged(a->budget, c, c->bytes);
}

void ov_arena_fini(ov_arena *a)
{
    run_cleanups(a, NULL);
    while (a->chunk)
        drop_chunk(a);
    a->at = a->end = NULL;
    a->chunk_bytes = FIRST_CHUNK_BYTES;
}

/* The largest chunk stays, so that an arena that is reset for every batch soon asks the system for nothing. */
void ov_arena_reset(ov_arena *a)
{
    ov_arena_chunk *keep = a->chunk;
    run_cleanups(a, NULL);
    for (ov_arena_chunk *c = keep; c; c = c->older)
        if (c->bytes > keep->bytes)
            keep = c;
    while (a->chunk) {
        if (a->chunk == keep)
            a->chunk = keep->older;
        else
            drop_chunk(a);
    }
    if (!keep)
        return;
    keep->older = NULL;
    a->chunk = keep;
    a->at = chunk_data(keep);
    a->end = (char *)keep + keep->bytes;
    POISON(a->at, (size_t)(a->end - a->at));
}

static bool add_chunk(ov_arena *a, size_t need, ov_error *err)
{
    size_t bytes = a->chunk_bytes;
    if (bytes < need + 64) {
        if (need > SIZE_MAX - 4096) {
            ov_fail_nomem(err, need);
            return false;
        }
        bytes = (need + 64 + 4095) & ~(size_t)4095;
    }
    if (ov_budget_alive(a->budget, err) != OV_OK || (a->budget && ov_budget_charge(a->budget, bytes, err) != OV_OK))
        return false;
    ov_arena_chunk *c = ov_aligned_malloc(64, bytes);
    if (!c) {
        if (a->budget)
            ov_budget_release(a->budget, bytes);
        ov_fail_nomem(err, bytes);
        return false;
    }
    c->older = a->chunk;
    c->bytes = bytes;
    a->chunk = c;
    a->total_bytes += bytes;
    a->at = chunk_data(c);
    a->end = (char *)c + bytes;
    POISON(a->at, (size_t)(a->end - a->at));
    if (a->chunk_bytes < MAX_CHUNK_BYTES)
        a->chunk_bytes *= 2;
    return true;
}

void *ov_arena_try(ov_arena *a, size_t bytes, size_t alignment, ov_error *err)
{
    OV_ASSERT(alignment <= 64 && (alignment & (alignment - 1)) == 0);
    if (bytes == 0)
        bytes = 1;
    size_t skip = (size_t)(-(uintptr_t)a->at) & (alignment - 1);
    if (!a->chunk || bytes > SIZE_MAX / 2 || (size_t)(a->end - a->at) < skip + bytes) {
        if (!add_chunk(a, bytes, err))
            return NULL;
        skip = 0; /* chunks start 64-byte aligned */
    }
    char *p = a->at + skip;
    a->at = p + bytes;
    UNPOISON(p, bytes);
    return p;
}

ov_status ov_arena_alloc(ov_arena *a, size_t bytes, void *out, ov_error *err)
{
    void *p = ov_arena_try(a, bytes, 16, err);
    if (!p)
        return err->code;
    *(void **)out = p;
    return OV_OK;
}

ov_status ov_arena_zalloc(ov_arena *a, size_t bytes, void *out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(a, bytes, out, err));
    memset(*(void **)out, 0, bytes);
    return OV_OK;
}

ov_status ov_arena_room(ov_arena *a, void *list, uint32_t count, uint32_t *cap, uint32_t more, size_t item_bytes, ov_error *err)
{
    uint32_t wanted;
    void *old, *wider;
    if (*cap - count >= more)
        return OV_OK;
    OV_TRY(ov_list_places(count, *cap, more, &wanted, err));
    OV_TRY(ov_arena_alloc(a, wanted * item_bytes, &wider, err));
    memcpy(&old, list, sizeof(old));
    if (count)
        memcpy(wider, old, count * item_bytes);
    memcpy(list, &wider, sizeof(wider));
    *cap = wanted;
    return OV_OK;
}

ov_status ov_arena_lanes(ov_arena *a, size_t bytes, void *out, ov_error *err)
{
    if (bytes > SIZE_MAX / 2)
        return ov_fail_nomem(err, bytes);
    void *p = ov_arena_try(a, bytes + PAD_BYTES, 64, err);
    if (!p)
        return err->code;
    memset((char *)p + bytes, 0, PAD_BYTES);
    *(void **)out = p;
    return OV_OK;
}

ov_status ov_arena_copy(ov_arena *a, ov_slice s, ov_slice *out, ov_error *err)
{
    char *p = ov_arena_try(a, s.n + 1, 1, err);
    if (!p)
        return err->code;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    *out = ov_slice_make(p, s.n);
    return OV_OK;
}

ov_status ov_arena_printf(ov_arena *a, ov_slice *out, ov_error *err, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *p = n < 0 ? NULL : ov_arena_try(a, (size_t)n + 1, 1, err);
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    if (n < 0)
        return ov_fail(err, OV_INTERNAL, "cannot format a message");
    if (!p)
        return err->code;
    *out = ov_slice_make(p, (size_t)n);
    return OV_OK;
}

ov_status ov_arena_on_exit(ov_arena *a, void (*fn)(void *), void *arg, ov_error *err)
{
    ov_arena_cleanup *c;
    OV_TRY(ov_arena_alloc(a, sizeof *c, &c, err));
    *c = (ov_arena_cleanup){.older = a->cleanups, .fn = fn, .arg = arg};
    a->cleanups = c;
    return OV_OK;
}

ov_arena_mark ov_arena_mark_get(const ov_arena *a)
{
    return (ov_arena_mark){.chunk = a->chunk, .at = a->at, .cleanups = a->cleanups};
}

void ov_arena_rewind(ov_arena *a, ov_arena_mark mark)
{
    run_cleanups(a, mark.cleanups);
    if (!a->chunk)
        return;
    /* back to nothing, as at every block of a scan: the first chunk stays, as in ov_arena_reset */
    while (a->chunk != mark.chunk && (mark.chunk || a->chunk->older))
        drop_chunk(a);
    a->at = mark.chunk ? mark.at : chunk_data(a->chunk);
    a->end = (char *)a->chunk + a->chunk->bytes;
    POISON(a->at, (size_t)(a->end - a->at));
}
