/*
 * Where the segments of a commit go: intervals, versions, partitions.
 *
 * Append works on "places", the stretches of time that some chunk answers for, in order. A segment whose rows all
 * lie in one place joins that place's chunk; where nothing answers (or only a tombstone does) it starts a chunk that
 * covers its own interval as far as no other place is touched. Thus an append never hides a row, whatever
 * granularities meet. Chunks started by this commit are places for the segments after them.
 */
#include "storage/catalog/catalog_int.h"

#include <stdlib.h>

typedef struct place {
    ov_interval span;  /* where the chunk answers */
    ov_interval chunk; /* the chunk's interval */
    ov_slice version;
    uint32_t core;
    bool tombstone;
} place;

typedef struct placer {
    ov_catalog *cat;
    ov_arena *out;
    ov_slice fresh; /* the version of chunks this commit starts; empty until needed */
    place *places;
    uint32_t count, cap;
} placer;

static ov_status fresh_version(placer *p, ov_slice *out, ov_error *err)
{
    if (p->fresh.n == 0)
        OV_TRY(ovi_version_next(p->cat, p->out, &p->fresh, err));
    *out = p->fresh;
    return OV_OK;
}

static ov_interval span_of(const ov_new_segment *s)
{
    return (ov_interval){s->info.start_ms, s->info.end_ms};
}

/* The time its rows really cover. */
static ov_interval rows_of(const ov_new_segment *s)
{
    if (s->info.rows == 0)
        return span_of(s);
    return (ov_interval){s->info.min_time, s->info.max_time + 1};
}

static ov_status check_segment(const ov_new_segment *s, ov_error *err)
{
    OV_TRY(ov_datasource_name_check(s->info.datasource, err));
    bool ok = s->info.start_ms < s->info.end_ms && s->tombstone == (s->tmp_path == NULL) &&
              (s->info.rows == 0 || (s->info.min_time <= s->info.max_time &&
                                     ov_interval_contains(span_of(s), rows_of(s))));
    if (!ok)
        return ov_fail(err, OV_INTERNAL, "a new segment of '" OV_SLICE_FMT "' contradicts itself",
                       OV_SLICE_ARG(s->info.datasource));
    return OV_OK;
}

/* ---- partitions ---- */

ov_status ovi_next_partition(ov_catalog *cat, const ov_segment_id *id, uint32_t *out, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    OV_TRY(ovi_db_prepare(cat,
                          "INSERT INTO chunks(datasource, start_ms, end_ms, version, next_partition)"
                          " VALUES(?,?,?,?,1) ON CONFLICT DO UPDATE SET next_partition = next_partition + 1"
                          " RETURNING next_partition - 1",
                          &s, err));
    ovi_bind_str(s, 1, id->datasource);
    sqlite3_bind_int64(s, 2, id->span.start);
    sqlite3_bind_int64(s, 3, id->span.end);
    ovi_bind_str(s, 4, id->version);
    ov_status st = ovi_db_step(cat, s, &row, err);
    if (st == OV_OK)
        *out = (uint32_t)sqlite3_column_int64(s, 0);
    ovi_db_done(cat, s);
    return st;
}

static ov_status put(placer *p, ovi_placed *placed, ov_interval chunk, ov_slice version, uint32_t core,
                     ov_error *err)
{
    ov_segment_info *info = &placed->seg->info;
    ov_segment_id id = {info->datasource, chunk, version, 0};
    OV_TRY(ovi_next_partition(p->cat, &id, &info->partition, err));
    info->start_ms = chunk.start;
    info->end_ms = chunk.end;
    placed->core = core;
    placed->keep = true;
    return ov_arena_copy(p->out, version, &info->version, err);
}

/* ---- append ---- */

static ov_status add_place(placer *p, uint32_t at, place what, ov_error *err)
{
    OV_TRY(ov_arena_room(p->out, &p->places, p->count, &p->cap, 1, sizeof *p->places, err));
    memmove(&p->places[at + 1], &p->places[at], (p->count - at) * sizeof(place));
    p->places[at] = what;
    p->count++;
    return OV_OK;
}

static ov_status load_places(placer *p, ov_slice datasource, ov_error *err)
{
    const ovi_datasource *ds = ovi_snapshot_state(p->cat->published, datasource);
    p->count = 0;
    for (uint32_t i = 0; ds && i < ds->timeline.piece_count; i++) {
        const ov_timeline_piece *piece = &ds->timeline.pieces[i];
        const ov_timeline_chunk *chunk = &ds->timeline.chunks[piece->chunk];
        const ov_segment_entry *first = &ds->entries[chunk->items[0]];
        place what = {piece->span, chunk->span, chunk->version, chunk->core, first->tombstone};
        OV_TRY(add_place(p, p->count, what, err));
    }
    return OV_OK;
}

/* First place that ends after `ms`. */
static uint32_t place_after(const placer *p, int64_t ms)
{
    uint32_t lo = 0, hi = p->count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (p->places[mid].span.end > ms)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static ov_status fail_spread(const ov_new_segment *s, ov_error *err)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_interval_add(&text, span_of(s));
    ov_fail(err, OV_INVALID,
            "cannot append a segment of %.80s to '" OV_SLICE_FMT "': its rows lie in several time chunks that "
            "are there already; use the segmentGranularity of the existing data, or a finer one",
            text.failed ? "this interval" : ov_buf_cstr(&text), OV_SLICE_ARG(s->info.datasource));
    ov_buf_fini(&text);
    return OV_INVALID;
}

/* A chunk of its own over `chunk`; a tombstone there keeps what lies outside. */
static ov_status start_chunk(placer *p, ovi_placed *placed, ov_interval chunk, uint32_t at, ov_error *err)
{
    ov_slice version;
    OV_TRY(fresh_version(p, &version, err));
    OV_TRY(put(p, placed, chunk, version, 0, err));
    if (at < p->count && ov_interval_overlaps(p->places[at].span, chunk)) {
        place tomb = p->places[at], right = tomb;
        p->count--;
        memmove(&p->places[at], &p->places[at + 1], (p->count - at) * sizeof(place));
        right.span.start = chunk.end;
        if (right.span.start < right.span.end)
            OV_TRY(add_place(p, at, right, err));
        tomb.span.end = chunk.start;
        if (tomb.span.start < tomb.span.end)
            OV_TRY(add_place(p, at++, tomb, err));
    }
    return add_place(p, at, (place){chunk, chunk, version, 0, false}, err);
}

static ov_status append_one(placer *p, ovi_placed *placed, ov_error *err)
{
    const ov_new_segment *s = placed->seg;
    ov_interval rows = rows_of(s), free = span_of(s);
    uint32_t at = place_after(p, rows.start);
    const place *here = at < p->count ? &p->places[at] : NULL;
    if (here && ov_interval_overlaps(here->span, rows)) {
        if (!ov_interval_contains(here->span, rows))
            return fail_spread(s, err);
        if (!here->tombstone)
            return put(p, placed, here->chunk, here->version, here->core, err);
        return start_chunk(p, placed, ov_interval_clip(free, here->span), at, err);
    }
    if (at > 0)
        free.start = OV_MAX(free.start, p->places[at - 1].span.end);
    if (here)
        free.end = OV_MIN(free.end, here->span.start);
    return start_chunk(p, placed, free, at, err);
}

static ov_status append_all(placer *p, const ov_commit *c, ovi_placed *placed, ov_error *err)
{
    ov_slice loaded = {0};
    for (uint32_t i = 0; i < c->segment_count; i++) {
        ov_slice datasource = c->segments[i].info.datasource;
        if (c->segments[i].tombstone)
            return ov_fail(err, OV_INTERNAL, "tombstones cannot be appended");
        /* Commits of several datasources list them one after the other. */
        if (i == 0 || !ov_slice_eq(loaded, datasource))
            OV_TRY(load_places(p, datasource, err));
        loaded = datasource;
        OV_TRY(append_one(p, &placed[i], err));
    }
    return OV_OK;
}

/* ---- replace ---- */

/* Is there anything to see in the span now, other than tombstones? */
static bool covers_data(const ovi_datasource *ds, ov_interval span)
{
    uint32_t lo = 0, hi = ds ? ds->timeline.piece_count : 0;
    while (lo < hi) { /* first piece that ends after the start */
        uint32_t mid = lo + (hi - lo) / 2;
        if (ds->timeline.pieces[mid].span.end > span.start)
            hi = mid;
        else
            lo = mid + 1;
    }
    for (; ds && lo < ds->timeline.piece_count && ds->timeline.pieces[lo].span.start < span.end; lo++)
        if (!ds->entries[ds->timeline.chunks[ds->timeline.pieces[lo].chunk].items[0]].tombstone)
            return true;
    return false;
}

static int cmp_by_span(const void *pa, const void *pb, void *segments_arg)
{
    const ov_new_segment *segments = segments_arg;
    uint32_t ia = *(const uint32_t *)pa, ib = *(const uint32_t *)pb;
    const ov_segment_info *a = &segments[ia].info, *b = &segments[ib].info;
    int c = ov_slice_cmp(a->datasource, b->datasource);
    if (!c)
        c = (a->start_ms > b->start_ms) - (a->start_ms < b->start_ms);
    if (!c)
        c = (a->end_ms > b->end_ms) - (a->end_ms < b->end_ms);
    return c ? c : (ia > ib) - (ia < ib);
}

/* May a and its successor b in that order be in one commit? *equal: they share their interval. */
static bool may_follow(const ov_new_segment *a, const ov_new_segment *b, bool *equal)
{
    *equal = false;
    if (!ov_slice_eq(a->info.datasource, b->info.datasource) || !ov_interval_overlaps(span_of(a), span_of(b)))
        return true;
    *equal = a->info.start_ms == b->info.start_ms && a->info.end_ms == b->info.end_ms;
    return *equal && !a->tombstone && !b->tombstone;
}

/* core[i]: how many segments share the interval of segment i. Segments of one commit share an interval or do not touch. */
static ov_status count_cores(const ov_commit *c, ov_arena *out, uint32_t **core, ov_error *err)
{
    uint32_t *order, n = c->segment_count, first = 0;
    OV_TRY(ov_arena_alloc(out, n * sizeof(*order), &order, err));
    OV_TRY(ov_arena_zalloc(out, n * sizeof(**core), core, err));
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    if (n)
        qsort_r(order, n, sizeof(*order), cmp_by_span, c->segments);
    for (uint32_t i = 1; i <= n; i++) {
        bool equal = false;
        if (i < n && !may_follow(&c->segments[order[i - 1]], &c->segments[order[i]], &equal))
            return ov_fail(err, OV_INTERNAL, "new segments of '" OV_SLICE_FMT "' overlap each other",
                           OV_SLICE_ARG(c->segments[order[i]].info.datasource));
        if (equal)
            continue;
        for (uint32_t k = first; k < i; k++)
            (*core)[order[k]] = i - first;
        first = i;
    }
    return OV_OK;
}

static ov_status replace_all(placer *p, const ov_commit *c, ovi_placed *placed, ov_error *err)
{
    uint32_t *core;
    OV_TRY(count_cores(c, p->out, &core, err));
    for (uint32_t i = 0; i < c->segment_count; i++) {
        const ov_new_segment *s = &c->segments[i];
        ov_slice version;
        if (s->tombstone && !covers_data(ovi_snapshot_state(p->cat->published, s->info.datasource), span_of(s)))
            continue;
        OV_TRY(fresh_version(p, &version, err));
        OV_TRY(put(p, &placed[i], span_of(s), version, core[i], err));
    }
    return OV_OK;
}

ov_status ovi_place_segments(ov_catalog *cat, const ov_commit *commit, ov_arena *out,
                             ovi_placed *placed, ov_error *err)
{
    placer p = {.cat = cat, .out = out};
    for (uint32_t i = 0; i < commit->segment_count; i++) {
        OV_TRY(check_segment(&commit->segments[i], err));
        placed[i] = (ovi_placed){.seg = &commit->segments[i]};
    }
    return commit->mode == OV_PUBLISH_APPEND ? append_all(&p, commit, placed, err)
                                             : replace_all(&p, commit, placed, err);
}
