/*
 * The worker pool. A job lives on the stack of its caller and in the list of open jobs while worker
 * 0 is busy; pool threads take places in it under one lock, which is held for a few instructions
 * only: work is shared out by the job itself. A job is closed to newcomers once any helper came
 * back because the work was taken.
 */
#include "base/pool.h"

#include <stdatomic.h>
#include "base/mem.h"
#include "base/steps.h"
#include "base/thread.h"

enum {
    SPINS = 500 /* about 10 us: cheaper than sleeping when the next job follows at once */
};

typedef struct job {
    void (*fn)(void *arg, unsigned worker);
    void *arg;
    unsigned helpers_wanted;
    unsigned helpers;                 /* running now */
    _Atomic unsigned running;         /* the same, for the caller to spin on */
    bool counted;                     /* helpers count their steps */
    bool exhausted;                   /* a helper found no work left */
    bool starving;                    /* counted in pool->starving */
    uint64_t turn;                    /* when a helper last came */
    uint64_t taken[OV_POOL_MOST_WORKERS / 64]; /* worker numbers in use */
    ov_cond done;
    struct job *next;
} job;

struct ov_pool {
    ov_mutex lock;
    ov_cond work;
    job *jobs;       /* open ones, oldest first */
    unsigned idle;   /* threads asleep and not called */
    unsigned called; /* threads asleep and called; together they are all sleepers */
    bool stop;
    uint64_t turns;
    _Atomic unsigned offers;   /* goes up with every new job: what idle threads spin on */
    _Atomic unsigned starving; /* open jobs that wait for a first helper while no thread is idle */
    unsigned count;
    ov_thread threads[];
};

static _Thread_local bool left_early; /* the running helper was told to leave */

static unsigned take_number(job *j)
{
    for (unsigned w = 1;; w++)
        if (!(j->taken[w / 64] >> (w % 64) & 1)) {
            j->taken[w / 64] |= (uint64_t)1 << (w % 64);
            return w;
        }
}

static bool comes_first(const job *a, const job *b)
{
    return a->helpers != b->helpers ? a->helpers < b->helpers : a->turn < b->turn;
}

/* The open job with the fewest helpers that wants one more; of several the one that was helped longest ago, so that
 * a helper that leaves early goes round. */
static job *pick(ov_pool *p)
{
    job *best = NULL;
    for (job *j = p->jobs; j; j = j->next)
        if (!j->exhausted && j->helpers < j->helpers_wanted && (!best || comes_first(j, best)))
            best = j;
    return best;
}

static void starve(ov_pool *p, job *j)
{
    j->starving = true;
    atomic_fetch_add_explicit(&p->starving, 1, memory_order_relaxed);
}

static void feed(ov_pool *p, job *j)
{
    if (j->starving) {
        j->starving = false;
        atomic_fetch_sub_explicit(&p->starving, 1, memory_order_relaxed);
    }
}

/* Under the lock, which is dropped while fn runs. */
static void help(ov_pool *p, job *j)
{
    unsigned worker = take_number(j);
    j->helpers++;
    j->turn = ++p->turns;
    atomic_store_explicit(&j->running, j->helpers, memory_order_relaxed);
    feed(p, j);
    left_early = false;
    ov_mutex_unlock(&p->lock);
    if (j->counted)
        ov_steps_begin();
    j->fn(j->arg, worker);
    if (j->counted)
        ov_steps_end();
    ov_mutex_lock(&p->lock);
    if (!left_early)
        j->exhausted = true;
    j->taken[worker / 64] &= ~((uint64_t)1 << (worker % 64));
    j->helpers--;
    atomic_store_explicit(&j->running, j->helpers, memory_order_release);
    if (j->helpers == 0 && !j->exhausted && !j->starving)
        starve(p, j); /* left for another that had none: its turn comes again */
    if (j->helpers == 0)
        ov_cond_signal(
            &j->done); /* still under the lock: j may be gone as soon as it is released */
}

static void spin_once(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void thread_main(void *arg)
{
    ov_pool *p = arg;
    ov_mutex_lock(&p->lock);
    while (!p->stop) {
        job *j = pick(p);
        if (j) {
            help(p, j);
            continue;
        }
        unsigned seen = atomic_load_explicit(&p->offers, memory_order_relaxed);
        ov_mutex_unlock(&p->lock);
        for (int i = 0; i < SPINS && atomic_load_explicit(&p->offers, memory_order_relaxed) == seen;
             i++)
            spin_once();
        ov_mutex_lock(&p->lock);
        if (p->stop || pick(p))
            continue;
        p->idle++;
        while (!p->stop && !p->called)
            ov_cond_wait(&p->work, &p->lock);
        if (!p->stop)
            p->called--;
    }
    ov_mutex_unlock(&p->lock);
}

ov_status ov_pool_create(unsigned threads, const char *name, ov_pool **out, ov_error *err)
{
    if (threads > OV_POOL_MOST_WORKERS - 1)
        return ov_fail(err, OV_INVALID, "a pool has at most %d threads, not %u", OV_POOL_MOST_WORKERS - 1,
                       threads);
    ov_pool *p = ov_calloc(1, sizeof *p + threads * sizeof p->threads[0]);
    if (!p)
        return ov_fail_nomem(err, sizeof *p);
    ov_mutex_init(&p->lock);
    ov_cond_init(&p->work);
    for (; p->count < threads; p->count++) {
        ov_status st = ov_thread_start(&p->threads[p->count], name, thread_main, p, err);
        if (st != OV_OK) {
            ov_pool_destroy(p);
            return st;
        }
    }
    *out = p;
    return OV_OK;
}

void ov_pool_destroy(ov_pool *p)
{
    if (!p)
        return;
    ov_mutex_lock(&p->lock);
    OV_ASSERT(!p->jobs);
    p->stop = true;
    ov_cond_broadcast(&p->work);
    ov_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->count; i++)
        ov_thread_join(&p->threads[i]);
    ov_cond_fini(&p->work);
    ov_mutex_fini(&p->lock);
    ov_free(p);
}

unsigned ov_pool_width(const ov_pool *p)
{
    return p ? p->count + 1 : 1;
}

static void open_job(ov_pool *p, job *j)
{
    ov_mutex_lock(&p->lock);
    job **last = &p->jobs;
    while (*last)
        last = &(*last)->next;
    *last = j;
    atomic_fetch_add_explicit(&p->offers, 1, memory_order_relaxed);
    unsigned call = OV_MIN(p->idle, j->helpers_wanted);
    p->idle -= call;
    p->called += call;
    if (!call)
        starve(p, j);
    ov_mutex_unlock(&p->lock);
    while (call--)
        ov_cond_signal(&p->work);
}

static void close_job(ov_pool *p, job *j)
{
    ov_mutex_lock(&p->lock);
    job **at = &p->jobs;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    feed(p, j);
    j->exhausted = true; /* nobody may come any more */
    bool busy = j->helpers > 0;
    ov_mutex_unlock(&p->lock);
    if (!busy)
        return;
    for (int i = 0; i < SPINS && atomic_load_explicit(&j->running, memory_order_acquire); i++)
        spin_once();
    ov_mutex_lock(&p->lock); /* also waits for the last helper to be through with j */
    while (j->helpers)
        ov_cond_wait(&j->done, &p->lock);
    ov_mutex_unlock(&p->lock);
}

void ov_pool_run(ov_pool *p, unsigned workers, void (*fn)(void *arg, unsigned worker), void *arg)
{
    workers = OV_MIN(workers, ov_pool_width(p));
    if (workers <= 1) {
        fn(arg, 0);
        return;
    }
    job j = {.fn = fn, .arg = arg, .helpers_wanted = workers - 1, .counted = ov_steps_on()};
    bool outer = left_early; /* nested jobs run on a helper's thread */
    ov_cond_init(&j.done);
    open_job(p, &j);
    fn(arg, 0);
    close_job(p, &j);
    ov_cond_fini(&j.done);
    left_early = outer;
}

bool ov_pool_should_leave(const ov_pool *p, unsigned worker)
{
    if (worker == 0 || !p || !atomic_load_explicit(&p->starving, memory_order_relaxed))
        return false;
    left_early = true;
    return true;
}

typedef struct each {
    ov_pool *pool;
    _Atomic size_t next;
    size_t count;
    void (*fn)(void *arg, size_t item, unsigned worker);
    void *arg;
} each;

static void run_each(void *arg, unsigned worker)
{
    each *e = arg;
    while (!ov_pool_should_leave(e->pool, worker)) {
        size_t item = atomic_fetch_add_explicit(&e->next, 1, memory_order_relaxed);
        if (item >= e->count)
            return;
        e->fn(e->arg, item, worker);
    }
}

void ov_pool_each(ov_pool *p, unsigned workers, size_t count,
                  void (*fn)(void *arg, size_t item, unsigned worker), void *arg)
{
    each e = {.pool = p, .count = count, .fn = fn, .arg = arg};
    ov_pool_run(p, (unsigned)OV_MIN((size_t)workers, count ? count : 1), run_each, &e);
}
