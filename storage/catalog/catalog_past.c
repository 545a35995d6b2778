/* A datasource as it was at an instant: the same segments with other rows superseded; see keys.h. */
#include "base/os.h"
#include "storage/catalog/keys_int.h"

static void release_dead(void *d)
{
    ov_dead_release(d);
}

static ov_status check_instant(const ov_snapshot *snap, ov_slice name, int64_t t, ov_error *err)
{
    const ovi_keys *k = ovi_keys_find(snap->cat, name);
    char since[OV_ISO_BYTES], asked[OV_ISO_BYTES];
    if (!k)
        return ov_fail(err, OV_INVALID,
                       "'" OV_SLICE_FMT "' cannot be read as of an instant: only datasources with keys keep what was before",
                       OV_SLICE_ARG(name));
    ov_mutex_lock(&snap->cat->keys_lock);
    int64_t first = OV_MAX(k->readable_ms, ov_now_ms() - k->spec.retain_ms);
    ov_mutex_unlock(&snap->cat->keys_lock);
    if (t >= first)
        return OV_OK;
    since[ov_iso_format(first, NULL, since)] = 0;
    asked[ov_iso_format(t, NULL, asked)] = 0;
    return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' cannot be read as of %s: the earliest instant that can is %s",
                   OV_SLICE_ARG(name), asked, since);
}

static ov_status entry_as_of(const ov_segment_entry *e, int64_t t, ov_arena *out, const ov_segment_entry **then, ov_error *err)
{
    bool all;
    ov_dead *dead;
    ov_segment_entry *copy;
    *then = NULL;
    OV_TRY(ov_dead_as_of(e->dead, e->info.rows, e->born_ms, t, &dead, &all, err));
    if (all)
        return OV_OK;
    if (dead)
        OV_TRY(ov_arena_on_exit(out, release_dead, dead, err));
    OV_TRY(ov_arena_alloc(out, sizeof *copy, &copy, err));
    *copy = *e;
    copy->dead = dead;
    copy->past = true;
    *then = copy;
    return OV_OK;
}

ov_status ov_snapshot_as_of(const ov_snapshot *snap, const ov_datasource *ds, int64_t t, ov_arena *out,
                            const ov_datasource **then, ov_error *err)
{
    ov_datasource *d;
    const ov_segment_entry **list;
    OV_TRY(check_instant(snap, ds->name, t, err));
    OV_TRY(ov_arena_alloc(out, sizeof *d, &d, err));
    OV_TRY(ov_arena_alloc(out, (ds->segment_count + 1u) * sizeof *list, &list, err));
    *d = *ds;
    d->segments = list;
    d->segment_count = 0;
    d->rows = d->bytes = 0;
    d->min_time = INT64_MAX;
    d->max_time = INT64_MIN;
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        const ov_segment_entry *e;
        OV_TRY(entry_as_of(ds->segments[i], t, out, &e, err));
        if (!e)
            continue;
        list[d->segment_count++] = e;
        d->rows += e->info.rows - ov_dead_count(e->dead);
        d->bytes += e->info.bytes;
        d->min_time = OV_MIN(d->min_time, e->info.min_time);
        d->max_time = OV_MAX(d->max_time, e->info.max_time);
    }
    *then = d;
    return OV_OK;
}
