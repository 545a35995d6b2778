/*
 * A run over the keys of a datasource from its beginning to its end, and the index made from nothing.
 *
 * The index is made when a change first needs it: all visible rows in the order in which they came, as if each segment were
 * committed now. Afterwards it follows every change, or is thrown away.
 */
#include "storage/catalog/keys_int.h"

#include <stdlib.h>
#include "base/os.h"

/* ---- the index from nothing ---- */

static int cmp_born(const void *a, const void *b)
{
    const ov_segment_entry *x = *(const ov_segment_entry *const *)a, *y = *(const ov_segment_entry *const *)b;
    return (x->born_ms > y->born_ms) - (x->born_ms < y->born_ms);
}

static ov_status snapshot_segment(ovi_key_run *r, const ov_segment_entry *e, ov_error *err)
{
    ov_segment *seg;
    OV_TRY(ov_snapshot_open(r->snap, e, &seg, err));
    ovi_key_source src = {.seg = seg, .live = e->live, .born = e->born_ms, .dead = e->dead, .entry = e};
    ov_status st = ovi_key_run_take(r, &src, r->at, err);
    ov_segment_release(seg);
    return st;
}

static ov_status build_index(ovi_key_run *r, ov_error *err)
{
    uint32_t n = r->ds ? r->ds->segment_count : 0;
    const ov_segment_entry **list = ov_calloc(n + 1u, sizeof *list);
    ovi_key_drop_index(r->k);
    if (!list)
        return ov_fail_nomem(err, n * sizeof *list);
    for (uint32_t i = 0; i < n; i++)
        list[i] = r->ds->segments[i];
    if (n)
        qsort(list, n, sizeof *list, cmp_born);
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < n && st == OV_OK; i++)
        st = snapshot_segment(r, list[i], err);
    ov_free(list);
    r->k->ready = st == OV_OK;
    return st;
}

/* ---- a run ---- */

static ov_status open_run(ovi_key_run *r, ov_error *err)
{
    r->k->index.budget = &r->cat->keys_budget;
    r->hash = ov_malloc(OV_BATCH_ROWS * sizeof *r->hash);
    r->old = ov_calloc(OVI_KEY_OPEN, sizeof *r->old);
    if (!r->hash || !r->old)
        return ov_fail_nomem(err, OV_BATCH_ROWS * sizeof *r->hash);
    if (!r->k->ready)
        OV_TRY(build_index(r, err));
    r->first_fresh = r->k->seg_count;
    return OV_OK;
}

static void note_instant(ovi_keys *k, int64_t at)
{
    if (at > atomic_load(&k->last_ms))
        atomic_store(&k->last_ms, at);
}

/* Instants of what came before the index was made; later ones were given out here. */
static void note_instants(ovi_key_run *r)
{
    for (uint32_t i = 0; !r->k->ready && r->ds && i < r->ds->segment_count; i++)
        note_instant(r->k, r->ds->segments[i]->born_ms);
}

static ov_status open_over(ovi_key_run *r, ov_catalog *cat, ovi_keys *k, ov_snapshot *snap, bool ahead, ov_error *err)
{
    *r = (ovi_key_run){.cat = cat, .k = k, .snap = snap, .ds = ov_snapshot_find(snap, k->name), .ahead = ahead};
    note_instants(r);
    r->at = OV_MAX(ov_now_ms(), atomic_load(&k->last_ms) + 1);
    ov_status st = open_run(r, err);
    if (st != OV_OK)
        ovi_key_run_close(r, false, NULL);
    return st;
}

ov_status ovi_key_run_open(ovi_key_run *r, ov_catalog *cat, ovi_keys *k, ov_error *err)
{
    return open_over(r, cat, k, ov_catalog_snapshot(cat), false, err);
}

ov_status ovi_key_run_ahead(ovi_key_run *r, ov_catalog *cat, ovi_keys *k, ov_snapshot *snap, ov_error *err)
{
    k->ready = false;
    return open_over(r, cat, k, snap, true, err);
}

/* The index as it is after the change; false: it has to be made anew. */
static bool follow(ovi_key_run *r, const ov_slice *files)
{
    ovi_keys *k = r->k;
    ov_error ignored = OV_ERROR_INIT;
    if (r->moves_out || (r->moved && ovi_key_run_follow(r, &ignored) != OV_OK))
        return false;
    for (uint32_t i = r->first_fresh; i < k->seg_count; i++)
        if (!k->segs[i].live && ovi_key_name_segment(&k->segs[i], files[i - r->first_fresh], &ignored) != OV_OK)
            return false;
    return true;
}

void ovi_key_run_close(ovi_key_run *r, bool done, const ov_slice *files)
{
    ovi_keys *k = r->k;
    if (done)
        note_instant(k, r->at);
    bool keep = done && k->ready && follow(r, files);
    ovi_key_rows_close(&r->fresh);
    for (uint32_t i = 0; r->old && i < OVI_KEY_OPEN; i++)
        ovi_key_rows_close(&r->old[i]);
    ov_free(r->old);
    ovi_key_forget(r);
    if (!keep)
        ovi_key_drop_index(k);
    else if (r->moved)
        ovi_key_remove_moved(r);
    if (r->ahead)
        ovi_key_forget_files(k);
    ov_free(r->hash);
    ov_free(r->inputs);
    ov_snapshot_release(r->snap);
}

/* A run over keys of its own that hold nothing yet. */
ov_status ov_keys_losers(ov_catalog *cat, ov_slice datasource, ov_segment *seg, const uint64_t *arrival, ov_dead **out,
                         ov_error *err)
{
    ovi_keys own = {.name = datasource, .ready = true};
    ovi_key_run r = {.cat = cat, .k = &own};
    ovi_key_source src = {.seg = seg, .arrival = arrival};
    *out = NULL;
    ov_arena_init(&own.arena, "keys", NULL);
    ov_status st = ov_catalog_keys_get(cat, datasource, &own.arena, &own.spec, err);
    if (st == OV_OK && own.spec.count) {
        st = open_run(&r, err);
        if (st == OV_OK)
            st = ovi_key_run_take(&r, &src, 0, err);
        if (st == OV_OK)
            *out = ov_dead_retain(own.segs[0].next);
        ovi_key_run_close(&r, false, NULL);
    }
    ov_arena_fini(&own.arena);
    return st;
}
