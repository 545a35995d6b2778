#include "base/large.h"

#include <sys/mman.h>

#include "base/mem.h"
#include "base/thread.h"

enum { PAGE = 4096, LISTS = 256 };

typedef struct block {
    struct block *next;
    char *at;
    size_t bytes; /* whole pages */
} block;

static ov_mutex lock = OV_MUTEX_INIT;
static block *lists[LISTS];

static block **list_of(const void *p)
{
    return &lists[(uintptr_t)p / OV_LARGE_PAGE % LISTS];
}

static bool begins_one(const void *p)
{
    return p && (uintptr_t)p % OV_LARGE_PAGE == 0;
}

static void put(block *b)
{
    ov_mutex_lock(&lock);
    b->next = *list_of(b->at);
    *list_of(b->at) = b;
    ov_mutex_unlock(&lock);
}

/* The block that begins there, no longer listed if it is taken out. */
static block *find(const void *p, bool take_out)
{
    block *b, **from;
    if (!begins_one(p))
        return NULL;
    ov_mutex_lock(&lock);
    for (from = list_of(p); (b = *from) && b->at != p; from = &b->next)
        ;
    if (b && take_out)
        *from = b->next;
    ov_mutex_unlock(&lock);
    return b;
}

/* Addresses that begin where a large page does; nothing lies there. */
static char *map(size_t bytes)
{
    size_t more = bytes + OV_LARGE_PAGE;
    char *p = mmap(NULL, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    size_t before = (OV_LARGE_PAGE - (uintptr_t)p % OV_LARGE_PAGE) % OV_LARGE_PAGE;
    if (before)
        (void)munmap(p, before);
    if (OV_LARGE_PAGE - before)
        (void)munmap(p + before + bytes, OV_LARGE_PAGE - before);
    return p + before;
}

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

void *ov_large_alloc(size_t bytes)
{
    block *b = ov_malloc(sizeof *b);
    if (!b || bytes > SIZE_MAX / 2) {
        ov_free(b);
        return NULL;
    }
    *b = (block){.bytes = whole_pages(bytes)};
    b->at = map(b->bytes);
    if (!b->at) {
        ov_free(b);
        return NULL;
    }
    (void)madvise(b->at, b->bytes, MADV_HUGEPAGE); /* a wish */
    put(b);
    return b->at;
}

void *ov_large_grow(void *p, size_t bytes)
{
    block *b = bytes > SIZE_MAX / 2 ? NULL : find(p, true);
    size_t whole = whole_pages(bytes);
    if (!b)
        return NULL;
    if (whole > b->bytes && mremap(b->at, b->bytes, whole, 0) == MAP_FAILED) { /* what lies behind it is not free */
        char *to = map(whole);
        if (!to || mremap(b->at, b->bytes, whole, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
            if (to)
                (void)munmap(to, whole);
            put(b);
            return NULL;
        }
        b->at = to;
    }
    b->bytes = whole > b->bytes ? whole : b->bytes;
    (void)madvise(b->at, b->bytes, MADV_HUGEPAGE);
    put(b);
    return b->at;
}

bool ov_large_is(const void *p)
{
    return find(p, false) != NULL;
}

bool ov_large_free(void *p)
{
    block *b = find(p, true);
    if (!b)
        return false;
    (void)munmap(b->at, b->bytes);
    ov_free(b);
    return true;
}
