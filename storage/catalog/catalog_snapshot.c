/*
 * Snapshots: a sorted list of shared datasource states. Building one after a commit loads only what changed.
 */
#include <stdlib.h>
#include "storage/catalog/catalog_int.h"

ov_snapshot *ovi_snapshot_retain(ov_snapshot *snap)
{
    atomic_fetch_add_explicit(&snap->refs, 1, memory_order_relaxed);
    return snap;
}

ov_snapshot *ov_catalog_snapshot(ov_catalog *cat)
{
    ov_mutex_lock(&cat->snap);
    ov_snapshot *snap = ovi_snapshot_retain(cat->current);
    ov_mutex_unlock(&cat->snap);
    return snap;
}

void ov_snapshot_release(ov_snapshot *snap)
{
    if (!snap || atomic_fetch_sub_explicit(&snap->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < snap->ds_count; i++)
        ovi_datasource_release(snap->ds[i]);
    ov_free(snap->ds);
    if (snap->published)
        ov_snapshot_release(snap->published);
    else
        ov_free(snap->all);
    ov_free(snap);
}

uint64_t ov_snapshot_version(const ov_snapshot *snap)
{
    return snap->version;
}

uint32_t ov_snapshot_datasources(const ov_snapshot *snap)
{
    return snap->ds_count;
}

const ov_datasource *ov_snapshot_datasource(const ov_snapshot *snap, uint32_t i)
{
    return i < snap->ds_count ? &snap->ds[i]->pub : NULL;
}

ovi_datasource *ovi_snapshot_state(const ov_snapshot *snap, ov_slice name)
{
    uint32_t lo = 0, hi = snap->ds_count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = ov_slice_cmp(snap->ds[mid]->pub.name, name);
        if (c == 0)
            return snap->ds[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const ov_datasource *ov_snapshot_find(const ov_snapshot *snap, ov_slice name)
{
    const ovi_datasource *ds = ovi_snapshot_state(snap, name);
    return ds ? &ds->pub : NULL;
}

uint32_t ov_snapshot_all(const ov_snapshot *snap, const ov_segment_entry *const **out)
{
    *out = snap->all;
    return snap->all_count;
}

const ov_segment_entry *ov_snapshot_shown(const ov_snapshot *snap, const ov_segment_entry *e)
{
    const ov_datasource *ds = snap->published ? ov_snapshot_find(snap, e->info.datasource) : NULL;
    const ov_segment_entry *const *at = ds && e->visible ? bsearch(&e, ds->segments, ds->segment_count, sizeof e, ovi_entry_order) : NULL;
    return at ? *at : e;
}

/* Identity is the catalog's word; the file must at least hold what the catalog says it holds. */
static ov_status check_opened(const ov_segment_entry *e, const ov_segment *seg, ov_error *err)
{
    const ov_segment_info *has = ov_segment_get_info(seg);
    OV_CHECK_DATA(ov_slice_eq(has->datasource, e->info.datasource) && has->rows == e->info.rows &&
                      has->bytes == e->info.bytes && has->min_time == e->info.min_time &&
                      has->max_time == e->info.max_time,
                  err,
                  "segment file %s is not the one the catalog names: it holds %u rows of '" OV_SLICE_FMT
                  "', expected %u rows of '" OV_SLICE_FMT "'",
                  ov_segment_path(seg), has->rows, OV_SLICE_ARG(has->datasource), e->info.rows,
                  OV_SLICE_ARG(e->info.datasource));
    return OV_OK;
}

ov_status ov_snapshot_open(const ov_snapshot *snap, const ov_segment_entry *entry, ov_segment **out,
                           ov_error *err)
{
    if (entry->live) {
        *out = ov_segment_retain(entry->live);
        return OV_OK;
    }
    if (!entry->slot)
        return ov_fail(err, OV_INTERNAL, "a tombstone has no segment to open");
    OV_TRY(ov_segcache_open(snap->cache, entry->slot, out, err));
    ov_status st = check_opened(entry, *out, err);
    if (st != OV_OK) {
        ov_segment_release(*out);
        *out = NULL;
    }
    return st;
}

/* ---- building ---- */

/* The state of one datasource: shared with the published snapshot when that is as new, else loaded. */
static ov_status next_state(ov_catalog *cat, const ovi_known *known, ovi_datasource **out, ov_error *err)
{
    ovi_datasource *ds = cat->published ? ovi_snapshot_state(cat->published, known->name) : NULL;
    if (!ds || ds->change != (uint64_t)known->change)
        return ovi_datasource_load(cat, known, out, err);
    atomic_fetch_add_explicit(&ds->refs, 1, memory_order_relaxed);
    *out = ds;
    return OV_OK;
}

/* `published` changes only under `write`, which the caller holds. */
static ov_status collect_states(ov_catalog *cat, ov_snapshot *snap, ov_arena *scratch, ov_error *err)
{
    ovi_known *list;
    uint32_t n;
    OV_TRY(ovi_known_list(cat, scratch, &list, &n, err));
    snap->ds = ov_calloc(n + 1u, sizeof(ovi_datasource *));
    if (!snap->ds)
        return ov_fail_nomem(err, n * sizeof(ovi_datasource *));
    for (uint32_t i = 0; i < n; i++) {
        ovi_datasource *ds;
        OV_TRY(next_state(cat, &list[i], &ds, err));
        if (ds)
            snap->ds[snap->ds_count++] = ds;
    }
    return OV_OK;
}

static ov_status list_all(ov_snapshot *snap, ov_error *err)
{
    size_t n = 0;
    for (uint32_t i = 0; i < snap->ds_count; i++)
        n += snap->ds[i]->entry_count;
    snap->all = ov_calloc(n + 1, sizeof(*snap->all));
    if (!snap->all)
        return ov_fail_nomem(err, n * sizeof(*snap->all));
    for (uint32_t i = 0; i < snap->ds_count; i++)
        for (uint32_t e = 0; e < snap->ds[i]->entry_count; e++)
            snap->all[snap->all_count++] = &snap->ds[i]->entries[e];
    return OV_OK;
}

ov_status ovi_snapshot_build(ov_catalog *cat, ov_snapshot **out, ov_error *err)
{
    ov_arena scratch;
    int64_t change;
    OV_TRY(ovi_meta_get(cat, "change", &change, err));
    ov_snapshot *snap = ov_calloc(1, sizeof(*snap));
    if (!snap)
        return ov_fail_nomem(err, sizeof(*snap));
    atomic_init(&snap->refs, 1);
    snap->version = snap->change = (uint64_t)change;
    snap->cat = cat;
    snap->cache = cat->cache;
    ov_arena_init(&scratch, "snapshot", NULL);
    ov_status st = collect_states(cat, snap, &scratch, err);
    if (st == OV_OK)
        st = list_all(snap, err);
    ov_arena_fini(&scratch);
    if (st != OV_OK) {
        ov_snapshot_release(snap);
        return st;
    }
    *out = snap;
    return OV_OK;
}

ov_status ovi_snapshot_install(ov_catalog *cat, ov_snapshot *snap, ov_error *err)
{
    ovi_live_next next;
    ov_snapshot *old = snap;
    ov_mutex_lock(&cat->live);
    ov_status st = ovi_live_prepare(cat, snap, NULL, 0, &next, err);
    if (st == OV_OK) {
        old = cat->published;
        cat->published = snap;
        ovi_live_install(cat, &next);
    }
    ov_mutex_unlock(&cat->live);
    ov_snapshot_release(old);
    return st;
}
