/* Which segments a compaction reads, in groups that become time chunks together. */
#include "ingest/upkeep/compact.h"

static ov_interval span_of(const ov_segment_entry *e)
{
    return (ov_interval){e->info.start_ms, e->info.end_ms};
}

/* ---- choosing ---- */

static ov_status fail_reaches_out(const ov_segment_entry *e, ov_error *err)
{
    return ov_fail(err, OV_INVALID,
                   "the segment " OV_SLICE_FMT " reaches out of the interval that is to be compacted; widen the interval to whole "
                   "time chunks",
                   OV_SLICE_ARG(e->id));
}

static bool is_named(const ovi_compact_plan *p, const ov_segment_entry *e)
{
    for (uint32_t i = 0; i < p->id_count; i++)
        if (ov_slice_eq(p->ids[i], e->id))
            return true;
    return false;
}

/* As in Druid the ids must be all that answers in the interval around them: otherwise rows would be hidden. */
static ov_status choose_named(const ov_datasource *ds, const ovi_compact_plan *p, ovi_compact_inputs *in, ov_error *err)
{
    ov_interval all = {OV_TIME_MAX, OV_TIME_MIN};
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        const ov_segment_entry *e = ds->segments[i];
        if (e->live || !is_named(p, e))
            continue;
        in->entries[in->count++] = e;
        all.start = OV_MIN(all.start, e->info.start_ms);
        all.end = OV_MAX(all.end, e->info.end_ms);
    }
    if (in->count != p->id_count)
        return ov_fail(err, OV_INVALID, "%u of the %u segments named do not answer in '" OV_SLICE_FMT "' now", p->id_count - in->count,
                       p->id_count, OV_SLICE_ARG(p->datasource));
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        const ov_segment_entry *e = ds->segments[i];
        if (!e->live && ov_interval_overlaps(span_of(e), all) && !is_named(p, e))
            return ov_fail(err, OV_INVALID,
                           "the segment " OV_SLICE_FMT " answers among those named and is not named; name all segments of the time "
                           "chunks, or an interval",
                           OV_SLICE_ARG(e->id));
    }
    return OV_OK;
}

static ov_status choose(const ov_datasource *ds, const ovi_compact_plan *p, ovi_compact_inputs *in, ov_error *err)
{
    if (p->ids)
        return choose_named(ds, p, in, err);
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        const ov_segment_entry *e = ds->segments[i];
        if (e->live || !ov_interval_overlaps(span_of(e), p->interval))
            continue;
        if (!ov_interval_contains(p->interval, span_of(e)))
            return fail_reaches_out(e, err);
        in->entries[in->count++] = e;
    }
    return OV_OK;
}

/* ---- groups ---- */

/* Entries come by start. Chunks that overlap, one hidden in part by the other, become one. */
static ov_status make_groups(const ovi_compact_plan *p, ovi_compact_inputs *in, ov_arena *out, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(out, in->count * sizeof(*in->groups), &in->groups, err));
    for (uint32_t i = 0; i < in->count; i++) {
        ov_interval span = span_of(in->entries[i]);
        ovi_compact_group *g = in->group_count ? &in->groups[in->group_count - 1] : NULL;
        if (!g || (!p->has_segment_gran && !ov_interval_overlaps(g->span, span))) {
            g = &in->groups[in->group_count++];
            *g = (ovi_compact_group){.span = span, .first = i};
        }
        g->span.start = OV_MIN(g->span.start, span.start);
        g->span.end = OV_MAX(g->span.end, span.end);
        g->count++;
    }
    return OV_OK;
}

static ov_status open_all(ovi_compact_inputs *in, ov_error *err)
{
    for (; in->opened < in->count; in->opened++) {
        ov_segment *seg;
        OV_TRY(ov_snapshot_open(in->snapshot, in->entries[in->opened], &seg, err));
        in->inputs[in->opened] = (ovi_merge_input){.entry = in->entries[in->opened], .segment = seg};
        in->rows += in->entries[in->opened]->info.rows;
        in->bytes += in->entries[in->opened]->info.bytes;
    }
    return OV_OK;
}

ov_status ovi_compact_open(ov_catalog *catalog, const ovi_compact_plan *p, ov_arena *out, ovi_compact_inputs *in, ov_error *err)
{
    *in = (ovi_compact_inputs){.snapshot = ov_catalog_snapshot(catalog)};
    const ov_datasource *ds = ov_snapshot_find(in->snapshot, p->datasource);
    ov_status st = OV_OK;
    if (ds) {
        OV_TRY_OUT(st, ov_arena_alloc(out, ds->segment_count * sizeof(*in->entries), &in->entries, err));
        OV_TRY_OUT(st, choose(ds, p, in, err));
    }
    if (in->count == 0)
        OV_TRY_OUT(st, ov_fail(err, OV_NOT_FOUND, "there are no segments of '" OV_SLICE_FMT "' there: nothing to compact",
                               OV_SLICE_ARG(p->datasource)));
    OV_TRY_OUT(st, ov_arena_alloc(out, in->count * sizeof(*in->inputs), &in->inputs, err));
    OV_TRY_OUT(st, make_groups(p, in, out, err));
    st = open_all(in, err);
out:
    if (st != OV_OK)
        ovi_compact_close(in);
    return st;
}

void ovi_compact_close(ovi_compact_inputs *in)
{
    for (uint32_t i = 0; i < in->opened; i++)
        ov_segment_release((ov_segment *)(uintptr_t)in->inputs[i].segment);
    in->opened = 0;
    ov_snapshot_release(in->snapshot);
    in->snapshot = NULL;
}

/* ---- what the inputs say of their rows ---- */

static bool has_name(const ov_json *list, ov_slice name)
{
    for (const ov_json *m = list->first; m; m = m->next) {
        const ov_json *n = ov_json_find(m, "name");
        if (n && n->kind == OV_JSON_STRING && ov_slice_eq(n->s, name))
            return true;
    }
    return false;
}

/* Metrics of one segment that the list lacks. */
static ov_status add_metrics(ov_json *list, const ov_segment *seg, ov_arena *a, ov_error *err)
{
    ov_json *extra;
    const ov_json *metrics;
    ov_slice text = ov_segment_extra_json(seg);
    if (text.n == 0)
        return OV_OK;
    OV_TRY(ov_json_parse(text, NULL, a, &extra, err));
    OV_TRY(ov_json_arr(extra, "metricsSpec", &metrics, err));
    for (const ov_json *m = metrics ? metrics->first : NULL; m; m = m->next) {
        ov_slice name;
        ov_json *copy;
        OV_TRY(ov_json_need_str(m, "name", &name, err));
        const ov_column *col = ov_segment_find(seg, name);
        if (has_name(list, name) || !col || ov_column_get_info(col)->role != OV_ROLE_METRIC)
            continue;
        OV_TRY(ov_json_copy(a, m, &copy, err));
        ov_json_append(list, copy);
    }
    return OV_OK;
}

ov_status ovi_compact_metrics(const ovi_compact_inputs *in, const ovi_compact_group *g, ov_arena *out, ov_slice *json, ov_error *err)
{
    ov_arena a;
    ov_json *list;
    ov_buf b;
    ov_buf_init(&b);
    ov_arena_init(&a, "metrics", NULL);
    ov_status st = ov_json_new(&a, OV_JSON_ARRAY, &list, err);
    for (uint32_t i = 0; i < g->count && st == OV_OK; i++)
        st = add_metrics(list, in->inputs[g->first + i].segment, &a, err);
    if (st == OV_OK) {
        ov_json_print(list, &b);
        st = ov_buf_check(&b, err);
    }
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), json, err);
    ov_buf_fini(&b);
    ov_arena_fini(&a);
    return st;
}

bool ovi_compact_folded(const ovi_compact_inputs *in, const ovi_compact_group *g, const ov_spec *spec)
{
    for (uint32_t i = 0; i < g->count; i++)
        if (!ovi_merge_folds(in->inputs[g->first + i].segment, spec))
            return false;
    return true;
}
