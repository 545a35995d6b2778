#include "base/later.h"

#include <stdint.h>

#include "base/mem.h"
#include "base/thread.h"

struct ov_later {
    ov_mutex lock;
    ov_cond changed;
    ov_later_item *first, **end; /* oldest first */
    uint64_t put, done;          /* items */
    ov_thread thread;            /* started by the first item: most programs have none */
    bool started, stop;
};

ov_status ov_later_create(ov_later **out, ov_error *err)
{
    ov_later *l = *out = ov_calloc(1, sizeof(*l));
    if (!l)
        return ov_fail_nomem(err, sizeof(*l));
    ov_mutex_init(&l->lock);
    ov_cond_init(&l->changed);
    l->end = &l->first;
    return OV_OK;
}

static void work(void *arg)
{
    ov_later *l = arg;
    ov_mutex_lock(&l->lock);
    while (l->first || !l->stop) {
        ov_later_item *item = l->first;
        if (!item) {
            ov_cond_wait(&l->changed, &l->lock);
            continue;
        }
        l->first = item->next;
        if (!l->first)
            l->end = &l->first;
        ov_mutex_unlock(&l->lock);
        item->run(item);
        ov_mutex_lock(&l->lock);
        l->done++;
        ov_cond_broadcast(&l->changed);
    }
    ov_mutex_unlock(&l->lock);
}

void ov_later_destroy(ov_later *l)
{
    if (!l)
        return;
    ov_mutex_lock(&l->lock);
    l->stop = true;
    ov_cond_broadcast(&l->changed);
    ov_mutex_unlock(&l->lock);
    ov_thread_join(&l->thread);
    ov_mutex_fini(&l->lock);
    ov_cond_fini(&l->changed);
    ov_free(l);
}

void ov_later_put(ov_later *l, ov_later_item *item)
{
    ov_error ignored = OV_ERROR_INIT;
    item->next = NULL;
    ov_mutex_lock(&l->lock);
    l->started = l->started || ov_thread_start(&l->thread, "ov-later", work, l, &ignored) == OV_OK;
    if (l->started) {
        *l->end = item;
        l->end = &item->next;
        l->put++;
        ov_cond_broadcast(&l->changed);
    }
    bool alone = !l->started;
    ov_mutex_unlock(&l->lock);
    if (alone)
        item->run(item);
}

void ov_later_wait(ov_later *l)
{
    ov_mutex_lock(&l->lock);
    uint64_t until = l->put;
    while (l->done < until)
        ov_cond_wait(&l->changed, &l->lock);
    ov_mutex_unlock(&l->lock);
}
