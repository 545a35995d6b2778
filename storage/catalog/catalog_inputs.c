/*
 * Segments whose rows are in the new ones: what a compaction read leaves in the commit that publishes what it wrote.
 *
 * Nothing is locked while a compaction runs. So the commit looks again: every input must answer for the same instants as when it
 * was read, or rows that were replaced or dropped meanwhile would come back. Rows that were appended meanwhile are in segments of
 * their own. Where the inputs are only merged inside their chunk these are not touched; where the chunk gets a new version they
 * would be hidden by it, so their rows of the catalog move into it. Files stay where they are, whatever their names say.
 */
#include <stdlib.h>
#include "storage/catalog/keys_int.h"

static ov_status busy(const ov_commit *c, const char *what, ov_error *err)
{
    return ov_fail(err, OV_BUSY, "segments of '" OV_SLICE_FMT "' changed while they were put together: %s",
                   OV_SLICE_ARG(c->inputs[0]->info.datasource), what);
}

static ov_interval span_of(const ov_segment_info *i)
{
    return (ov_interval){i->start_ms, i->end_ms};
}

/* ---- looking ---- */

static int cmp_file(const void *a, const void *b)
{
    return ov_slice_cmp((*(const ov_segment_entry *const *)a)->file, (*(const ov_segment_entry *const *)b)->file);
}

/* Inputs by file, for searching. */
static ov_status sort_inputs(const ov_commit *c, ov_arena *a, const ov_segment_entry ***out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(a, c->input_count * sizeof(**out), out, err));
    memcpy(*out, c->inputs, c->input_count * sizeof(**out));
    qsort(*out, c->input_count, sizeof(**out), cmp_file);
    return OV_OK;
}

static const ov_segment_entry *find_input(const ov_segment_entry *const *sorted, uint32_t n, const ov_segment_entry *e)
{
    const ov_segment_entry *const *at = e->tombstone ? NULL : bsearch(&e, sorted, n, sizeof(*sorted), cmp_file);
    return at ? *at : NULL;
}

static bool same_parts(const ov_segment_entry *a, const ov_segment_entry *b)
{
    bool same = a->part_count == b->part_count;
    for (uint32_t i = 0; same && i < a->part_count; i++)
        same = a->parts[i].start == b->parts[i].start && a->parts[i].end == b->parts[i].end;
    return same;
}

static bool answers_in(const ov_segment_entry *e, ov_interval span)
{
    for (uint32_t i = 0; i < e->part_count; i++)
        if (ov_interval_overlaps(e->parts[i], span))
            return true;
    return false;
}

/* The new segment whose chunk takes in what came meanwhile; *touched false: no new one hides it. */
static ov_status find_place(const ov_commit *c, const ov_segment_entry *e, uint32_t *place, bool *touched, ov_error *err)
{
    ov_interval rows = {e->info.min_time, e->info.max_time + 1};
    *touched = false;
    for (uint32_t i = 0; i < c->segment_count; i++) {
        ov_interval span = span_of(&c->segments[i].info);
        if (!answers_in(e, span))
            continue;
        *touched = true;
        *place = i;
        if (!e->partial && !c->segments[i].tombstone && ov_interval_contains(span, rows))
            return OV_OK;
    }
    if (!*touched)
        return OV_OK;
    return ov_fail(err, OV_BUSY,
                   "segments of '" OV_SLICE_FMT "' changed while they were put together: the rows of " OV_SLICE_FMT
                   " lie in several time chunks now, or in one that is emptied",
                   OV_SLICE_ARG(e->info.datasource), OV_SLICE_ARG(e->id));
}

static ov_status check_replaced(ov_catalog *cat, const ov_commit *c, ov_arena *a, ov_error *err)
{
    const ov_segment_entry **sorted;
    uint32_t found = 0, place;
    bool touched;
    const ovi_datasource *ds = ovi_snapshot_state(cat->published, c->inputs[0]->info.datasource);
    OV_TRY(sort_inputs(c, a, &sorted, err));
    for (uint32_t i = 0; ds && i < ds->entry_count; i++) {
        const ov_segment_entry *e = &ds->entries[i], *in = find_input(sorted, c->input_count, e);
        if (in && (!e->visible || !same_parts(e, in)))
            return busy(c, "newer versions hide some of them", err);
        found += in != NULL;
        if (!in && e->visible && !e->tombstone)
            OV_TRY(find_place(c, e, &place, &touched, err));
    }
    return found == c->input_count ? OV_OK : busy(c, "some are not there any more", err);
}

/* The chunk that answers now is the one they are in; otherwise rows that were replaced would come back. */
static ov_status check_joined(const ov_commit *c, ov_error *err)
{
    for (uint32_t i = 0; i < c->segment_count; i++)
        if (!ov_slice_eq(c->segments[i].info.version, c->inputs[0]->info.version))
            return busy(c, "their time chunk was replaced", err);
    return OV_OK;
}

ov_status ovi_inputs_check(ov_catalog *cat, const ov_commit *c, ov_error *err)
{
    ov_arena a;
    if (c->input_count == 0)
        return OV_OK;
    if (c->segment_count == 0)
        return ov_fail(err, OV_INTERNAL, "segments leave without new ones");
    if (c->mode == OV_PUBLISH_APPEND)
        return check_joined(c, err);
    ov_arena_init(&a, "inputs", NULL);
    ov_status st = check_replaced(cat, c, &a, err);
    ov_arena_fini(&a);
    return st;
}

/* ---- leaving ---- */

/* A segment that came meanwhile, behind the core of its new chunk. */
static ov_status move_row(ov_catalog *cat, const ov_commit *c, const ovi_placed *placed, uint32_t place, const ovi_row *row,
                          ov_error *err)
{
    const ov_segment_info *to = &c->segments[place].info;
    ovi_row moved = *row;
    moved.id.span = span_of(to);
    moved.id.version = to->version;
    moved.core = placed[place].core;
    moved.shard = (ov_slice){0};
    OV_TRY(ovi_next_partition(cat, &moved.id, &moved.id.partition, err));
    OV_TRY(ovi_row_delete(cat, row, err));
    return ovi_row_insert(cat, &moved, err);
}

typedef struct leaving {
    ov_catalog *cat;
    const ov_commit *c;
    const ovi_placed *placed;
    const ov_segment_entry **sorted;
    const ovi_datasource *ds;
    ov_interval around; /* inputs and new segments */
    uint32_t found;
} leaving;

static const ov_segment_entry *entry_of(const leaving *l, const ovi_row *row)
{
    for (uint32_t i = 0; l->ds && i < l->ds->entry_count; i++) {
        const ov_segment_entry *e = &l->ds->entries[i];
        if (e->info.start_ms == row->id.span.start && e->info.end_ms == row->id.span.end &&
            e->info.partition == row->id.partition && ov_slice_eq(e->info.version, row->id.version))
            return e;
    }
    return NULL;
}

static ov_status leave_row(leaving *l, ovi_row *row, ov_error *err)
{
    ov_segment_entry key = {.file = row->file, .tombstone = row->tombstone};
    const ov_segment_entry *e;
    uint32_t place;
    bool touched;
    if (find_input(l->sorted, l->c->input_count, &key)) {
        l->found++;
        if (l->c->mode != OV_PUBLISH_APPEND)
            return ovi_row_set_used(l->cat, row, false, err);
        OV_TRY(ovi_row_delete(l->cat, row, err));
        return ovi_marks_delete(l->cat, row->file, err);
    }
    if (l->c->mode == OV_PUBLISH_APPEND || row->tombstone || !ov_interval_overlaps(row->id.span, l->around) ||
        !(e = entry_of(l, row)) || !e->visible)
        return OV_OK;
    OV_TRY(find_place(l->c, e, &place, &touched, err));
    return touched ? move_row(l->cat, l->c, l->placed, place, row, err) : OV_OK;
}

static ov_interval around(const ov_commit *c)
{
    ov_interval all = span_of(&c->inputs[0]->info);
    for (uint32_t i = 0; i < c->input_count; i++) {
        all.start = OV_MIN(all.start, c->inputs[i]->info.start_ms);
        all.end = OV_MAX(all.end, c->inputs[i]->info.end_ms);
    }
    for (uint32_t i = 0; i < c->segment_count; i++) {
        all.start = OV_MIN(all.start, c->segments[i].info.start_ms);
        all.end = OV_MAX(all.end, c->segments[i].info.end_ms);
    }
    return all;
}

static ov_status leave_all(leaving *l, ov_arena *a, ov_error *err)
{
    ovi_row *rows;
    uint32_t n;
    /* A chunk that is longer than the new ones may reach in with rows that lie in one of them: then all rows are looked at. */
    ov_interval span = l->c->mode == OV_PUBLISH_APPEND ? l->around : (ov_interval){INT64_MIN, INT64_MAX};
    OV_TRY(sort_inputs(l->c, a, &l->sorted, err));
    OV_TRY(ovi_rows_select(l->cat, l->c->inputs[0]->info.datasource, true, span, a, &rows, &n, err));
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(leave_row(l, &rows[i], err));
    return l->found == l->c->input_count ? OV_OK : busy(l->c, "some are not there any more", err);
}

ov_status ovi_inputs_leave(ov_catalog *cat, const ov_commit *c, const ovi_placed *placed, ov_error *err)
{
    ov_arena a;
    leaving l = {.cat = cat, .c = c, .placed = placed};
    if (c->input_count == 0)
        return OV_OK;
    l.around = around(c);
    l.ds = ovi_snapshot_state(cat->published, c->inputs[0]->info.datasource);
    ov_arena_init(&a, "inputs", NULL);
    ov_status st = leave_all(&l, &a, err);
    ov_arena_fini(&a);
    return st;
}
