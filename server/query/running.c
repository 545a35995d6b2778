#include "server/query/running.h"

#include "base/thread.h"

struct ov_running {
    ov_mutex lock;
    ov_running_entry *first;
    uint32_t count;
};

ov_status ov_running_create(ov_running **out, ov_error *err)
{
    ov_running *r = ov_calloc(1, sizeof *r);
    if (!r)
        return ov_fail_nomem(err, sizeof *r);
    ov_mutex_init(&r->lock);
    *out = r;
    return OV_OK;
}

void ov_running_destroy(ov_running *r)
{
    if (!r)
        return;
    ov_mutex_fini(&r->lock);
    ov_free(r);
}

void ov_running_add(ov_running *r, ov_running_entry *entry)
{
    ov_mutex_lock(&r->lock);
    entry->next = r->first;
    entry->link = &r->first;
    if (r->first)
        r->first->link = &entry->next;
    r->first = entry;
    r->count++;
    ov_mutex_unlock(&r->lock);
}

void ov_running_remove(ov_running *r, ov_running_entry *entry)
{
    ov_mutex_lock(&r->lock);
    *entry->link = entry->next;
    if (entry->next)
        entry->next->link = entry->link;
    r->count--;
    ov_mutex_unlock(&r->lock);
}

uint32_t ov_running_cancel(ov_running *r, ov_slice id)
{
    uint32_t n = 0;
    ov_mutex_lock(&r->lock);
    for (ov_running_entry *e = r->first; e; e = e->next)
        if (ov_slice_eq(e->id, id)) {
            atomic_store(&e->cancelled, true);
            n++;
        }
    ov_mutex_unlock(&r->lock);
    return n;
}

uint32_t ov_running_count(ov_running *r)
{
    ov_mutex_lock(&r->lock);
    uint32_t n = r->count;
    ov_mutex_unlock(&r->lock);
    return n;
}

void ov_running_each(ov_running *r, void (*fn)(void *self, const ov_running_entry *entry), void *self)
{
    ov_mutex_lock(&r->lock);
    for (const ov_running_entry *e = r->first; e; e = e->next)
        fn(self, e);
    ov_mutex_unlock(&r->lock);
}
