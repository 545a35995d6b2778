#include "base/map_guard.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"

enum { CHUNK_ENTRIES = 512 };

struct ovi_map_entry {
    _Atomic uintptr_t start; /* 0 = free */
    _Atomic size_t bytes;
    _Atomic bool damaged;
};

/* Entries come in chunks that are never freed, so that the handler can walk them without a lock. */
typedef struct chunk {
    struct chunk *older;
    ovi_map_entry entry[CHUNK_ENTRIES];
} chunk;

static _Atomic(chunk *) chunks;
static ov_mutex lock = OV_MUTEX_INIT; /* of adding */
static _Atomic uint64_t events;
static uintptr_t page_bytes = 4096;

uint64_t ov_map_guard_events(void)
{
    return atomic_load(&events);
}

static ovi_map_entry *find_free(void)
{
    for (chunk *c = atomic_load(&chunks); c; c = c->older)
        for (size_t i = 0; i < CHUNK_ENTRIES; i++)
            if (atomic_load_explicit(&c->entry[i].start, memory_order_relaxed) == 0)
                return &c->entry[i];
    chunk *c = ov_calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->older = atomic_load(&chunks);
    atomic_store(&chunks, c);
    return &c->entry[0];
}

ovi_map_entry *ovi_map_guard_add(const void *p, size_t n)
{
    ov_mutex_lock(&lock);
    ovi_map_entry *e = find_free();
    if (e) {
        atomic_store(&e->damaged, false);
        atomic_store(&e->bytes, n);
        atomic_store(&e->start, (uintptr_t)p);
    }
    ov_mutex_unlock(&lock);
    return e;
}

void ovi_map_guard_remove(ovi_map_entry *e)
{
    if (e)
        atomic_store(&e->start, 0);
}

bool ovi_map_guard_damaged(const ovi_map_entry *e)
{
    return e && atomic_load_explicit(&e->damaged, memory_order_acquire);
}

/* Zeros from the page of `at` to the end of its mapping; false when it lies in none of ours. */
static bool patch(uintptr_t at)
{
    for (chunk *c = atomic_load(&chunks); c; c = c->older)
        for (size_t i = 0; i < CHUNK_ENTRIES; i++) {
            ovi_map_entry *e = &c->entry[i];
            uintptr_t start = atomic_load(&e->start), bytes = atomic_load(&e->bytes);
            if (start == 0 || at < start || at - start >= bytes)
                continue;
            uintptr_t page = at & ~(page_bytes - 1);
            size_t rest = (start + bytes - page + page_bytes - 1) & ~(page_bytes - 1);
            void *got = mmap((void *)page, rest, PROT_READ,
                             MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            atomic_store(&e->damaged, true);
            atomic_fetch_add(&events, 1);
            return got != MAP_FAILED;
        }
    return false;
}

static void on_bus_error(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code > 0 && patch((uintptr_t)info->si_addr))
        return;
    signal(sig, SIG_DFL); /* not ours: the same instruction faults again and ends the process */
}

void ov_map_guard_install(void)
{
    page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_sigaction = on_bus_error;
    act.sa_flags = SA_SIGINFO;
    sigaction(SIGBUS, &act, NULL);
}
