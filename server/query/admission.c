#include "server/query/admission.h"

#include "base/mem.h"
#include "base/os.h"
#include "base/thread.h"

enum { LOOK_MS = 20 }; /* how often one who waits looks at its time limit and its client */

/* On the stack of the thread that waits. */
typedef struct waiter {
    struct waiter *next;
    int64_t priority;
    bool admitted;
    ov_cond called;
} waiter;

struct ov_admission {
    ov_mutex lock;
    uint32_t running, most_running;
    uint32_t waiting, most_waiting;
    uint64_t refused;
    waiter *first; /* the next to run; by priority, then by time */
};

ov_status ov_admission_create(uint32_t running, uint32_t waiting, ov_admission **out, ov_error *err)
{
    ov_admission *a = ov_calloc(1, sizeof *a);
    if (!a)
        return ov_fail_nomem(err, sizeof *a);
    ov_mutex_init(&a->lock);
    a->most_running = OV_MAX(running, 1);
    a->most_waiting = waiting;
    *out = a;
    return OV_OK;
}

void ov_admission_destroy(ov_admission *a)
{
    if (!a)
        return;
    OV_ASSERT(a->running == 0 && a->waiting == 0);
    ov_mutex_fini(&a->lock);
    ov_free(a);
}

static void line_up(ov_admission *a, waiter *w)
{
    waiter **at = &a->first;
    while (*at && (*at)->priority >= w->priority)
        at = &(*at)->next;
    w->next = *at;
    *at = w;
    a->waiting++;
}

static void step_out(ov_admission *a, waiter *w)
{
    waiter **at = &a->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    a->waiting--;
}

static ov_status must_stop(const ov_admission_request *rq, ov_error *err)
{
    if (rq->cancelled && atomic_load(rq->cancelled))
        return ov_fail(err, OV_CANCELLED, "Query cancelled");
    if (rq->deadline_ms && ov_monotonic_ms() >= rq->deadline_ms)
        return ov_fail(err, OV_TIMEOUT, "Query timed out while it waited for others to end");
    return OV_OK;
}

/* Under the lock. */
static ov_status wait_in_line(ov_admission *a, const ov_admission_request *rq, ov_error *err)
{
    waiter w = {.priority = rq->priority};
    ov_status st = OV_OK;
    ov_cond_init(&w.called);
    line_up(a, &w);
    while (!w.admitted && (st = must_stop(rq, err)) == OV_OK)
        ov_cond_wait_ms(&w.called, &a->lock, LOOK_MS);
    if (w.admitted)
        st = OV_OK; /* the place is taken: whoever runs next notices what else happened */
    else
        step_out(a, &w);
    ov_cond_fini(&w.called);
    return st;
}

ov_status ov_admission_enter(ov_admission *a, const ov_admission_request *rq, ov_error *err)
{
    ov_status st = OV_OK;
    ov_mutex_lock(&a->lock);
    if (a->running < a->most_running) {
        a->running++;
    } else if (rq->accepted || a->waiting < a->most_waiting) {
        st = wait_in_line(a, rq, err);
    } else {
        a->refused++;
        st = ov_fail(err, OV_BUSY,
                     "Too many concurrent queries, total query capacity of %u exceeded. Please try your query again "
                     "later.",
                     a->most_running + a->most_waiting);
    }
    ov_mutex_unlock(&a->lock);
    return st;
}

/* The place goes straight to the next in line. */
void ov_admission_leave(ov_admission *a)
{
    ov_mutex_lock(&a->lock);
    waiter *next = a->first;
    if (next) {
        step_out(a, next);
        next->admitted = true;
        ov_cond_signal(&next->called);
    } else {
        a->running--;
    }
    ov_mutex_unlock(&a->lock);
}

void ov_admission_count(ov_admission *a, ov_admission_counts *out)
{
    ov_mutex_lock(&a->lock);
    *out = (ov_admission_counts){a->running, a->waiting, a->refused};
    ov_mutex_unlock(&a->lock);
}
