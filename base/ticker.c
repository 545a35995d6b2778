#include "base/ticker.h"

#include "base/os.h"

static void work(void *arg)
{
    ov_ticker *t = arg;
    ov_mutex_lock(&t->lock);
    while (!t->stop) {
        bool asked = t->asked;
        t->asked = false;
        ov_mutex_unlock(&t->lock);
        t->tick(t->self, asked);
        atomic_store(&t->last_ms, ov_now_ms());
        ov_mutex_lock(&t->lock);
        if (!t->stop && !t->asked)
            (void)ov_cond_wait_ms(&t->wake, &t->lock, t->every_ms);
    }
    ov_mutex_unlock(&t->lock);
}

ov_status ov_ticker_start(ov_ticker *t, const char *name, int64_t every_ms, void (*tick)(void *self, bool asked), void *self,
                          ov_error *err)
{
    *t = (ov_ticker){.tick = tick, .self = self, .every_ms = every_ms};
    atomic_store(&t->last_ms, ov_now_ms());
    ov_mutex_init(&t->lock);
    ov_cond_init(&t->wake);
    t->made = true;
    return ov_thread_start(&t->thread, name, work, t, err);
}

void ov_ticker_wake(ov_ticker *t)
{
    if (!t->made)
        return;
    ov_mutex_lock(&t->lock);
    t->asked = true;
    ov_cond_broadcast(&t->wake);
    ov_mutex_unlock(&t->lock);
}

void ov_ticker_stop(ov_ticker *t)
{
    if (!t->made)
        return;
    ov_mutex_lock(&t->lock);
    t->stop = true;
    ov_cond_broadcast(&t->wake);
    ov_mutex_unlock(&t->lock);
    ov_thread_join(&t->thread);
    ov_mutex_fini(&t->lock);
    ov_cond_fini(&t->wake);
    t->made = false;
}

int64_t ov_ticker_last(const ov_ticker *t)
{
    return atomic_load(&t->last_ms);
}
