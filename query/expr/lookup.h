/*
 * Lookups: named maps from text to text that queries read as LOOKUP(x, 'name') and as the table lookup.name(k, v).
 *
 * A map never changes; a new version is a new map. ov_lookups holds the current maps; a query takes the set of one moment
 * and keeps it, so all of its answer comes from one version.
 *
 * Threads: maps and sets are read-only and counted; ov_lookups from any thread.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

typedef struct ov_lookup ov_lookup;
typedef struct ov_lookup_set ov_lookup_set;
typedef struct ov_lookups ov_lookups;

/* ---- one map ---- */
/*
 * Everything is copied. The caller holds one count.
 *
 * since   NULL: of equal keys the last one counts. Otherwise when each value began to hold (milliseconds, OV_LOOKUP_EVER: from the start):
 *         a key has a history, and by itself it stands for its last value.
 */
#define OV_LOOKUP_EVER INT64_MIN
OV_CHECKED ov_status ov_lookup_create(ov_slice name, ov_slice version, const ov_slice *keys, const ov_slice *values,
                                      const int64_t *since, uint32_t count, ov_lookup **out, ov_error *err);
void ov_lookup_release(ov_lookup *l);        /* NULL is fine */
ov_slice ov_lookup_name(const ov_lookup *l); /* NUL-terminated too */
ov_slice ov_lookup_version(const ov_lookup *l);
uint64_t ov_lookup_serial(const ov_lookup *l); /* another for every map that this process made; versions may come twice */
uint32_t ov_lookup_count(const ov_lookup *l);
/* Entry i in the order the keys were first given. */
void ov_lookup_entry(const ov_lookup *l, uint32_t i, ov_slice *key, ov_slice *value);
bool ov_lookup_get(const ov_lookup *l, ov_slice key, ov_slice *value);
/* What held at that instant; false also before its first value. Without a history the same as get. */
bool ov_lookup_get_at(const ov_lookup *l, ov_slice key, int64_t at_ms, ov_slice *value);

/* ---- all maps of one moment ---- */
uint32_t ov_lookup_set_count(const ov_lookup_set *s);                  /* NULL: none */
const ov_lookup *ov_lookup_set_at(const ov_lookup_set *s, uint32_t i); /* by name */
const ov_lookup *ov_lookup_set_find(const ov_lookup_set *s,
                                    ov_slice name); /* NULL: there is none */
void ov_lookup_set_release(ov_lookup_set *s);       /* NULL is fine */

/* ---- the current ones ---- */
OV_CHECKED ov_status ov_lookups_create(ov_lookups **out, ov_error *err);
void ov_lookups_destroy(ov_lookups *l); /* NULL is fine */
ov_lookup_set *
ov_lookups_get(ov_lookups *l); /* retained; NULL when l is NULL or nothing was put yet */
/* From now on queries see this map under its name; takes a count of its own. */
OV_CHECKED ov_status ov_lookups_put(ov_lookups *l, ov_lookup *map, ov_error *err);
/* Several, of different names: no query sees one without the others. */
OV_CHECKED ov_status ov_lookups_put_all(ov_lookups *l, ov_lookup *const *maps, uint32_t count, ov_error *err);
/* *found: there was one. */
OV_CHECKED ov_status ov_lookups_drop(ov_lookups *l, ov_slice name, bool *found, ov_error *err);
