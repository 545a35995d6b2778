/* Schema discovery; see ingest/parse/discover.h. */
#include "ingest/parse/discover.h"

#include <stdlib.h>
#include "base/hash.h"
#include "base/numparse.h"
#include "ingest/parse/json_scan.h"

void ovi_discovery_init(ovi_discovery *d, ov_arena *arena)
{
    *d = (ovi_discovery){.arena = arena};
}

ov_status ovi_discovery_field(ovi_discovery *d, ov_slice name, uint32_t *idx, ov_error *err)
{
    while (d->names.count < d->count)
        OV_TRY(ov_places_add(&d->names, d->arena, ov_hash_slice(d->list[d->names.count].name), err));
    OV_EACH_PLACE(&d->names, ov_hash_slice(name), i, slot)
        if (ov_slice_eq(d->list[i].name, name)) {
            *idx = i;
            return OV_OK;
        }
    if (d->count == 1 << 16)
        return ov_fail(err, OV_LIMIT,
                       "the rows have more than %u different fields; list the dimensions", 1 << 16);
    OV_TRY(ov_arena_room(d->arena, &d->list, d->count, &d->cap, 1, sizeof *d->list, err));
    ovi_found *f = &d->list[d->count];
    *f = (ovi_found){.split = UINT64_MAX};
    OV_TRY(ov_arena_copy(d->arena, name, &f->name, err));
    *idx = d->count++;
    return OV_OK;
}

static uint32_t scalar_seen(const ov_field *v)
{
    int64_t i;
    switch ((ov_field_kind)v->kind) {
    case OV_FIELD_TEXT:
        return OVI_SEEN_STRING;
    case OV_FIELD_INT:
        return ov_parse_i64(v->text, &i) ? OVI_SEEN_LONG : OVI_SEEN_DOUBLE;
    case OV_FIELD_REAL:
        return OVI_SEEN_DOUBLE;
    case OV_FIELD_TRUE:
    case OV_FIELD_FALSE:
        return OVI_SEEN_BOOL;
    case OV_FIELD_LIST:
        return OVI_SEEN_ARRAY | OVI_SEEN_STRING << OVI_SEEN_ELEM_SHIFT;
    case OV_FIELD_OBJECT:
        return OVI_SEEN_OBJECT;
    case OV_FIELD_NULL:
        return OVI_SEEN_NULL;
    case OV_FIELD_MISSING:
    case OV_FIELD_ARRAY:
        break;
    }
    return 0;
}

static ov_status array_seen(const ov_field *v, ov_arena *scratch, uint32_t *seen, ov_error *err)
{
    ov_field *items;
    uint32_t n;
    uint64_t repaired = 0;
    OV_TRY(ovi_json_items(v->text, scratch, &items, &n, &repaired, err));
    *seen = OVI_SEEN_ARRAY;
    for (uint32_t i = 0; i < n; i++) {
        if (items[i].kind == OV_FIELD_ARRAY || items[i].kind == OV_FIELD_OBJECT)
            *seen |= OVI_SEEN_DEEP_ARRAY;
        else
            *seen |= (scalar_seen(&items[i]) & 15) << OVI_SEEN_ELEM_SHIFT;
    }
    return OV_OK;
}

ov_status ovi_discovery_see(ovi_discovery *d, uint32_t idx, const ov_field *value, ov_arena *scratch,
                            ov_error *err)
{
    uint32_t seen = scalar_seen(value);
    if (value->kind == OV_FIELD_MISSING)
        return OV_OK;
    if (value->kind == OV_FIELD_ARRAY)
        OV_TRY(array_seen(value, scratch, &seen, err));
    ovi_found *f = &d->list[idx];
    f->seen |= seen;
    if (d->split < f->split) {
        f->split = d->split;
        f->place = d->place++;
    }
    return OV_OK;
}

ov_status ovi_discovery_merge(ovi_discovery *into, const ovi_discovery *from, ov_error *err)
{
    for (uint32_t i = 0; i < from->count; i++) {
        const ovi_found *f = &from->list[i];
        uint32_t idx;
        OV_TRY(ovi_discovery_field(into, f->name, &idx, err));
        ovi_found *g = &into->list[idx];
        g->seen |= f->seen;
        if (f->split < g->split) {
            g->split = f->split;
            g->place = f->place;
        }
    }
    return OV_OK;
}

static int by_first_sight(const void *a, const void *b)
{
    const ovi_found *x = a, *y = b;
    if (x->split != y->split)
        return x->split < y->split ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

void ovi_discovery_sort(ovi_discovery *d)
{
    if (d->count)
        qsort(d->list, d->count, sizeof *d->list, by_first_sight);
    d->names = (ov_places){0};
}

static ov_type_id scalar_type(uint32_t seen)
{
    if (seen & OVI_SEEN_STRING)
        return OV_TYPE_STRING;
    if (seen & OVI_SEEN_DOUBLE)
        return OV_TYPE_DOUBLE;
    if (seen & (OVI_SEEN_LONG | OVI_SEEN_BOOL))
        return OV_TYPE_LONG;
    return OV_TYPE_NULL;
}

ov_type ovi_found_type(const ovi_found *f)
{
    if (f->seen & (OVI_SEEN_OBJECT | OVI_SEEN_DEEP_ARRAY))
        return (ov_type){.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON};
    if (f->seen & OVI_SEEN_ARRAY) {
        ov_type_id elem = scalar_type((f->seen & 15) | (f->seen >> OVI_SEEN_ELEM_SHIFT & 15));
        return (ov_type){.id = OV_TYPE_ARRAY,
                         .elem = (uint8_t)(elem == OV_TYPE_NULL ? OV_TYPE_LONG : elem)};
    }
    ov_type_id id = scalar_type(f->seen);
    return OV_T((uint8_t)(id == OV_TYPE_NULL ? OV_TYPE_STRING : id));
}
