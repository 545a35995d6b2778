/*
 * Schema discovery: which fields the rows have and the narrowest type that holds all their values.
 *
 * Runs as a pass of its own over the input before the load, on all workers, so that one type per column holds for
 * the whole load and no segment has to be rewritten. Only rows that would be loaded count.
 *
 * Threads: one ovi_discovery per worker; they are merged at the end. The result does not depend on who saw what:
 * order is that of first sight in the input.
 */
#pragma once

#include "base/places.h"
#include "ingest/parse/field.h"
#include "storage/types.h"

/* What values of a field were seen. */
enum {
    OVI_SEEN_LONG = 1,
    OVI_SEEN_DOUBLE = 2,
    OVI_SEEN_STRING = 4,
    OVI_SEEN_BOOL = 8,
    OVI_SEEN_OBJECT = 16,
    OVI_SEEN_ARRAY = 32,      /* any array of scalars */
    OVI_SEEN_DEEP_ARRAY = 64, /* an array that holds arrays or objects */
    OVI_SEEN_ELEM_SHIFT = 8,  /* the first four again for elements of arrays */
    OVI_SEEN_NULL = 1 << 16,
};

typedef struct ovi_found {
    ov_slice name;
    uint32_t seen;
    uint64_t split, place; /* of first sight: split of the input, order within it */
} ovi_found;

typedef struct ovi_discovery {
    ov_arena *arena; /* names */
    ovi_found *list;
    uint32_t count, cap;
    ov_places names; /* of the list; behind it until somebody asks */
    uint64_t split, place;
} ovi_discovery;

void ovi_discovery_init(ovi_discovery *d, ov_arena *arena);
/* Index of a field by name, added when new. */
OV_CHECKED ov_status ovi_discovery_field(ovi_discovery *d, ov_slice name, uint32_t *idx, ov_error *err);
/* A value of field idx in an accepted row. */
OV_CHECKED ov_status ovi_discovery_see(ovi_discovery *d, uint32_t idx, const ov_field *value,
                                       ov_arena *scratch, ov_error *err);
/* Everything `from` saw joins `into`. */
OV_CHECKED ov_status ovi_discovery_merge(ovi_discovery *into, const ovi_discovery *from, ov_error *err);
/* By first sight. */
void ovi_discovery_sort(ovi_discovery *d);

/* The type of an `auto` column. */
ov_type ovi_found_type(const ovi_found *f);
