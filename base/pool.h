/*
 * The worker pool of queries: many jobs, few threads, the caller always works too.
 *
 * A job is a function that several threads run at once to share one piece of work through a counter
 * of their own
 * ("take the next morsel until there is none"). The calling thread runs it as worker 0; idle pool
 * threads join as workers 1, 2, ... while worker 0 is still busy. Nobody waits for a helper that
 * has not started, so a job never depends on the pool having time: nested jobs and a full pool are
 * only slower, never stuck.
 *
 *     static void scan(void *arg, unsigned worker)
 *     {
 *         scan_state *s = arg;
 *         for (size_t m; (m = atomic_fetch_add(&s->next, 1)) < s->count &&
 * !ov_pool_should_leave(s->pool, worker);) scan_morsel(s, m, worker);
 *     }
 *     ov_pool_run(pool, workers, scan, &state);
 *
 * Rules for fn: it must return once the work is taken; the work must be whole when worker 0 and all
 * who started have returned; a worker number is held by one thread at a time, but may be entered
 * again later by another (per-worker state is initialised once by the caller, not by fn).
 *
 * Fairness: free threads go to the job with the fewest helpers, then to the one that was helped longest ago;
 * ov_pool_should_leave tells a helper that another job has none. So with more jobs than threads the
 * helpers go round, a morsel here and a morsel there.
 *
 * Threads: any may call ov_pool_run at any time, also from inside a job.
 */
#pragma once

#include "base/status.h"

typedef struct ov_pool ov_pool;

enum { OV_POOL_MOST_WORKERS = 256 }; /* of one job, its caller included */

/* `threads` besides the callers, fewer than OV_POOL_MOST_WORKERS; 0 is a valid pool in which callers work alone. */
OV_CHECKED ov_status ov_pool_create(unsigned threads, const char *name, ov_pool **out,
                                    ov_error *err);
/* No job may be running. NULL is fine. */
void ov_pool_destroy(ov_pool *p);

/* Most workers one job can have: threads + 1. NULL pool: 1. */
unsigned ov_pool_width(const ov_pool *p);

/* Runs fn(arg, w) for w in 0 .. min(workers, width) - 1 as described; returns when all who started
 * are back, with their writes visible. pool may be NULL: fn(arg, 0) only. */
void ov_pool_run(ov_pool *p, unsigned workers, void (*fn)(void *arg, unsigned worker), void *arg);

/* A helper (worker > 0) should return between morsels because another job waits for its first
 * helper. */
bool ov_pool_should_leave(const ov_pool *p, unsigned worker);

/* fn(arg, item, worker) once for every item in 0 .. count - 1, shared out by a counter. */
void ov_pool_each(ov_pool *p, unsigned workers, size_t count,
                  void (*fn)(void *arg, size_t item, unsigned worker), void *arg);
