#include "query/agg/object.h"


enum { LEAST_CLASS = 5 }; /* blocks have at least 32 bytes */

ov_status ov_object_init(ov_object *o, const ov_agg_call *call, bool general, ov_budget *budget, ov_error *err)
{
    *o = (ov_object){.ops = call->fn->ops, .call = call, .general = general, .budget = budget};
    ov_arena_init(&o->heap, "aggregate", budget);
    return o->ops->open ? o->ops->open(o, err) : OV_OK;
}

void ov_object_fini(ov_object *o)
{
    if (!o->ops)
        return;
    if (o->ops->close)
        o->ops->close(o);
    ov_array_free(o->budget, &o->heads, (size_t)o->cap * o->ops->state_bytes);
    ov_arena_fini(&o->heap);
    *o = (ov_object){0};
}

ov_status ov_object_reserve(ov_object *o, uint32_t groups, ov_error *err)
{
    if (groups > o->cap) {
        uint32_t cap = (uint32_t)OV_MIN((uint64_t)OV_MAX(groups, 8) + groups / 2, (uint64_t)UINT32_MAX);
        OV_TRY(ov_array_grow(o->budget, &o->heads, (size_t)o->cap * o->ops->state_bytes,
                             (size_t)cap * o->ops->state_bytes, err));
        o->cap = cap;
    }
    o->groups = OV_MAX(o->groups, groups);
    return OV_OK;
}

void ov_object_reset(ov_object *o)
{
    if (o->heads)
        memset(o->heads, 0, (size_t)o->groups * o->ops->state_bytes);
    memset(o->free_list, 0, sizeof(o->free_list));
    ov_arena_reset(&o->heap);
    if (o->ops->reset)
        o->ops->reset(o);
}

static unsigned size_class(size_t bytes)
{
    unsigned k = LEAST_CLASS;
    while (((size_t)1 << k) < bytes)
        k++;
    return k;
}

void ov_object_free(ov_object *o, void *block, size_t cap)
{
    void *p;
    memcpy(&p, block, sizeof(p));
    if (!p)
        return;
    unsigned k = size_class(cap);
    memcpy(p, &o->free_list[k], sizeof(p)); /* the next free one stands in its first bytes */
    o->free_list[k] = p;
    p = NULL;
    memcpy(block, &p, sizeof(p));
}

ov_status ov_object_grow(ov_object *o, void *block, size_t *cap, size_t need, ov_error *err)
{
    void *old, *fresh;
    if (need <= *cap)
        return OV_OK;
    if (need > (size_t)1 << (OV_COUNT_OF(o->free_list) - 2))
        return ov_fail(err, OV_LIMIT, "one group of %s needs %zu bytes", o->ops->name, need);
    unsigned k = size_class(need);
    memcpy(&old, block, sizeof(old));
    if (o->free_list[k]) {
        fresh = o->free_list[k];
        memcpy(&o->free_list[k], fresh, sizeof(void *));
    } else {
        OV_TRY(ov_arena_alloc(&o->heap, (size_t)1 << k, &fresh, err));
    }
    if (old) {
        memcpy(fresh, old, *cap);
        ov_object_free(o, &old, *cap);
    }
    memcpy(block, &fresh, sizeof(fresh));
    *cap = (size_t)1 << k;
    return OV_OK;
}
