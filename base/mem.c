#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alive.h"
#include "base/cpu.h"
#include "base/large.h"
#include "base/later.h"
#include "base/thread.h"

enum { GIVE_BACK = 4 << 20, HEAPS_PER_CORE = 2 };

/* Left alone, glibc raises both thresholds to 32 and 64 MiB as large blocks come and go and makes eight heaps for
 * each core: a server with a budget of 64 MB then keeps ten times as much. */
void ov_mem_setup(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, GIVE_BACK);
    (void)mallopt(M_TRIM_THRESHOLD, GIVE_BACK);
    (void)mallopt(M_ARENA_MAX, (int)(HEAPS_PER_CORE * ov_cpu_count()));
    (void)mallopt(M_MXFAST, 0); /* threads keep small blocks themselves; what lies in fast bins is merged at every large request */
}

static ov_mutex keeping = OV_MUTEX_INIT;
static size_t kept_each = GIVE_BACK; /* by a heap, while nobody is sparing */
static unsigned sparing;

static void tell_heaps(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, (int)(sparing ? GIVE_BACK : kept_each));
}

void ov_mem_keep(size_t bytes)
{
    enum { MOST = 16 << 20 }; /* more is hardly ever asked for again: larger arrays are no heap's */
    size_t each = bytes / HEAPS_PER_CORE / OV_MAX(ov_cpu_count(), 1u);
    ov_mutex_lock(&keeping);
    kept_each = OV_MIN(OV_MAX(each, (size_t)GIVE_BACK), (size_t)MOST);
    tell_heaps();
    ov_mutex_unlock(&keeping);
}

void ov_mem_spare(bool on)
{
    ov_mutex_lock(&keeping);
    sparing += on ? 1 : -1;
    tell_heaps();
    ov_mutex_unlock(&keeping);
}

void ov_budget_init(ov_budget *b, const char *name, size_t limit, ov_budget *parent)
{
    b->name = name;
    b->parent = parent;
    b->limit = limit;
    atomic_init(&b->used, 0);
    atomic_init(&b->peak, 0);
    b->alive = NULL;
    b->alive_cx = NULL;
    b->later = NULL;
}

static bool charge_one(ov_budget *b, size_t bytes)
{
    size_t now = atomic_fetch_add_explicit(&b->used, bytes, memory_order_relaxed) + bytes;
    if (now > b->limit) {
        atomic_fetch_sub_explicit(&b->used, bytes, memory_order_relaxed);
        return false;
    }
    size_t peak = atomic_load_explicit(&b->peak, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak_explicit(&b->peak, &peak, now,
                                                                memory_order_relaxed,
                                                                memory_order_relaxed)) {
    }
    return true;
}

/* What is being given back makes room. */
static bool charge_after_others(ov_budget *b, size_t bytes)
{
    if (!b->later)
        return false;
    ov_later_wait(b->later);
    return charge_one(b, bytes);
}

ov_status ov_budget_charge(ov_budget *b, size_t bytes, ov_error *err)
{
    for (ov_budget *at = b; at; at = at->parent) {
        if (OV_LIKELY(charge_one(at, bytes)) || charge_after_others(at, bytes))
            continue;
        for (ov_budget *undo = b; undo != at; undo = undo->parent)
            atomic_fetch_sub_explicit(&undo->used, bytes, memory_order_relaxed);
        return ov_fail(err, OV_LIMIT,
                       "%s needs %zu more bytes of memory, but %zu of its limit of %zu are in use",
                       at->name, bytes, atomic_load(&at->used), at->limit);
    }
    return OV_OK;
}

void ov_budget_release(ov_budget *b, size_t bytes)
{
    for (; b; b = b->parent)
        atomic_fetch_sub_explicit(&b->used, bytes, memory_order_relaxed);
}

_Thread_local uint32_t ov_alive_done;

ov_status ov_budget_alive(const ov_budget *b, ov_error *err)
{
    while (b && !b->alive)
        b = b->parent;
    return b ? b->alive(b->alive_cx, err) : OV_OK;
}

void *ov_malloc(size_t bytes)
{
    return malloc(bytes ? bytes : 1);
}

void *ov_calloc(size_t count, size_t size)
{
    return calloc(count ? count : 1, size ? size : 1);
}

void *ov_realloc(void *p, size_t bytes)
{
    if (OV_LARGE_BLOCKS && ov_large_is(p))
        return ov_large_grow(p, bytes);
    return realloc(p, bytes ? bytes : 1);
}

void *ov_aligned_malloc(size_t alignment, size_t bytes)
{
    void *p = NULL;
    return posix_memalign(&p, alignment, bytes ? bytes : 1) == 0 ? p : NULL;
}

/* Says something about the whole pages among these bytes: a wish, for not every system knows what is asked. */
static void advise(void *p, size_t bytes, size_t least, int advice)
{
    enum { PAGE = 4096 };
    if (bytes < least)
        return;
    uintptr_t from = ((uintptr_t)p + PAGE - 1) & ~(uintptr_t)(PAGE - 1), end = ((uintptr_t)p + bytes) & ~(uintptr_t)(PAGE - 1);
    (void)madvise((void *)from, end - from, advice);
}

/* Arrays are used here and there: the large ones had better lie in large pages. */
static void use_large_pages(void *p, size_t bytes)
{
    enum { LARGE = 4 << 20 };
    advise(p, bytes, LARGE, MADV_HUGEPAGE);
}

char *ov_strdup(const char *text)
{
    return ov_strndup(text, strlen(text));
}

char *ov_strndup(const char *text, size_t n)
{
    char *copy = ov_malloc(n + 1);
    if (copy) {
        memcpy(copy, text, n);
        copy[n] = '\0';
    }
    return copy;
}

void ov_free(void *p)
{
    if (!OV_LARGE_BLOCKS || !ov_large_free(p))
        free(p);
}

/* Lies in the first bytes of a block that is handed over. */
typedef struct handed {
    ov_later_item item;
    ov_budget *budget;
    size_t bytes;
} handed;

static void free_handed(ov_later_item *item)
{
    handed *h = (handed *)item;
    ov_budget *budget = h->budget;
    size_t bytes = h->bytes;
    ov_free(h);
    ov_budget_release(budget, bytes);
}

/* Budgets below the one that hands over may be gone by the time that the block is: they are released now. */
static bool hand_over(ov_budget *budget, void *p, size_t bytes)
{
    ov_error ignored = OV_ERROR_INIT;
    ov_budget *top = budget;
    while (top && !top->later)
        top = top->parent;
    if (!top || ov_budget_alive(budget, &ignored) == OV_OK)
        return false;
    for (ov_budget *b = budget; b != top; b = b->parent)
        atomic_fetch_sub_explicit(&b->used, bytes, memory_order_relaxed);
    handed *h = p;
    *h = (handed){.item.run = free_handed, .budget = top, .bytes = bytes};
    ov_later_put(top->later, &h->item);
    return true;
}

void ov_free_charged(ov_budget *budget, void *p, size_t bytes)
{
    enum { LARGE = 64 << 10 };
    if (bytes >= LARGE && hand_over(budget, p, bytes))
        return;
    ov_free(p);
    if (budget)
        ov_budget_release(budget, bytes);
}

ov_status ov_fail_nomem(ov_error *err, size_t bytes)
{
    return ov_fail(err, OV_NOMEM, "the system has no %zu bytes of memory left", bytes);
}

/* Large memory is first touched in pieces, between which its owner may be told to stop: new pages may cost some milliseconds a megabyte
 * where the system has to make room first. */
enum { PIECE = 2 << 20 };

static ov_status clear(const ov_budget *budget, char *p, size_t bytes, ov_error *err)
{
    for (size_t done = 0, n; done < bytes; done += n) {
        n = bytes - done < PIECE ? bytes - done : PIECE;
        if (done)
            OV_TRY(ov_budget_alive(budget, err));
        memset(p + done, 0, n);
    }
    return OV_OK;
}

/* A large array that is no large block yet becomes one; those grow without being touched. */
static void *grow_large(void *old, size_t old_bytes, size_t new_bytes)
{
    if (old && ov_large_is(old))
        return ov_large_grow(old, new_bytes);
    void *p = ov_large_alloc(new_bytes);
    if (p && old) {
        memcpy(p, old, old_bytes);
        ov_free(old);
    }
    return p;
}

/* The array with new_bytes of room; *zeroed: those that it did not have are zeros. */
static void *grow_block(void *old, size_t old_bytes, size_t new_bytes, bool *zeroed)
{
    *zeroed = !old;
    if (OV_LARGE_BLOCKS && new_bytes >= OV_LARGE_LEAST) {
        *zeroed = true;
        return grow_large(old, old_bytes, new_bytes);
    }
    void *p = old ? ov_realloc(old, new_bytes) : ov_calloc(1, new_bytes); /* large ones come as zeros from the system */
    if (p)
        use_large_pages(p, new_bytes);
    return p;
}

ov_status ov_array_grow(ov_budget *budget, void *array, size_t old_bytes, size_t new_bytes, ov_error *err)
{
    bool zeroed;
    if (new_bytes <= old_bytes)
        return OV_OK;
    if (budget)
        OV_TRY(ov_budget_charge(budget, new_bytes - old_bytes, err));
    void *old;
    memcpy(&old, array, sizeof(old));
    void *p = grow_block(old, old_bytes, new_bytes, &zeroed);
    if (!p) {
        if (budget)
            ov_budget_release(budget, new_bytes - old_bytes);
        return ov_fail_nomem(err, new_bytes);
    }
    memcpy(array, &p, sizeof(p));
    ov_status st = zeroed ? OV_OK : clear(budget, (char *)p + old_bytes, new_bytes - old_bytes, err);
    if (st != OV_OK && budget)
        ov_budget_release(budget, new_bytes - old_bytes);
    return st;
}

ov_status ov_list_places(uint32_t count, uint32_t cap, uint32_t more, uint32_t *out, ov_error *err)
{
    enum { FIRST = 16 };
    if (cap > UINT32_MAX / 2 || more > UINT32_MAX - count)
        return ov_fail(err, OV_LIMIT, "a list in memory would hold more than %u items", UINT32_MAX);
    *out = OV_MAX(OV_MAX(cap * 2, count + more), (uint32_t)FIRST);
    return OV_OK;
}

ov_status ov_list_room(ov_budget *budget, void *list, uint32_t count, uint32_t *cap, uint32_t more, size_t item_bytes, ov_error *err)
{
    uint32_t wanted;
    if (*cap - count >= more)
        return OV_OK;
    OV_TRY(ov_list_places(count, *cap, more, &wanted, err));
    OV_TRY(ov_array_grow(budget, list, *cap * item_bytes, wanted * item_bytes, err));
    *cap = wanted;
    return OV_OK;
}

ov_status ov_array_table(ov_budget *budget, void *array, size_t bytes, ov_error *err)
{
    enum { SOME_PAGES = 64 << 10 };
    void *p = NULL;
    OV_TRY(ov_array_grow(budget, &p, 0, bytes, err));
    ov_status st = OV_OK;
    for (size_t done = 0; done < bytes && st == OV_OK; done += PIECE) {
        size_t n = bytes - done < PIECE ? bytes - done : PIECE;
        advise((char *)p + done, n, SOME_PAGES, MADV_POPULATE_WRITE);
        st = ov_budget_alive(budget, err);
    }
    if (st != OV_OK)
        ov_array_free(budget, &p, bytes);
    memcpy(array, &p, sizeof(p));
    return st;
}

void ov_array_free(ov_budget *budget, void *array, size_t bytes)
{
    void *p;
    memcpy(&p, array, sizeof(p));
    if (p)
        ov_free_charged(budget, p, bytes);
    p = NULL;
    memcpy(array, &p, sizeof(p));
}
