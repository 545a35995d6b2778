/*
 * Small published segments of one time chunk are put together.
 *
 * Late rows and frequent hand-overs leave many small segments in a chunk. When eight that a stream has appended stand in one chunk
 * their rows are written anew, and one commit adds the new segments to the chunk and takes the small ones away for good
 * (ov_commit.inputs). The commit refuses when the chunk was replaced meanwhile: rows that are gone must not
 * come back. Segments of other tasks, and those that newer versions hide in part, are left alone.
 */
#include "base/fault.h"
#include "ingest/publish.h"
#include "ingest/stream_int.h"

enum { FEWEST = 8, MOST = 64, SMALL_ROWS = 1000000, MOST_ROWS = 5000000 };

typedef struct compaction {
    ov_streams *s;
    ovi_stream *stream;
    ov_arena arena;
    ov_snapshot *snapshot;
    const ov_segment_entry *entries[MOST];
    ov_segment *segments[MOST];
    uint32_t count, opened;
    ov_slice task_id; /* of what the stream publishes */
    ov_spec *spec;
} compaction;

static bool may_go(const compaction *c, const ov_segment_entry *e)
{
    return !e->live && e->appended && e->visible && !e->partial && e->info.rows < SMALL_ROWS &&
           ov_slice_eq(e->task_id, c->task_id);
}

static bool same_chunk(const ov_segment_info *a, const ov_segment_info *b)
{
    return a->start_ms == b->start_ms && a->end_ms == b->end_ms && ov_slice_eq(a->version, b->version);
}

/* Entries come by start, end, version: those of a chunk stand together, but for pieces in memory between them. */
static bool find_chunk(compaction *c)
{
    const ov_datasource *ds = ov_snapshot_find(c->snapshot, c->stream->name);
    uint64_t rows = 0;
    for (uint32_t i = 0; ds && i < ds->segment_count; i++) {
        const ov_segment_entry *e = ds->segments[i];
        if (!may_go(c, e))
            continue;
        bool joins = c->count && same_chunk(&c->entries[0]->info, &e->info);
        if (!joins && c->count >= FEWEST)
            return true;
        if (!joins)
            c->count = 0;
        rows = joins ? rows + e->info.rows : e->info.rows;
        if (c->count == MOST || (c->count && rows > MOST_ROWS))
            return c->count >= FEWEST;
        c->entries[c->count++] = e;
    }
    return c->count >= FEWEST;
}

/* Segments that cannot be in one are left out. */
static ov_status open_segments(compaction *c, ov_error *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        ov_segment *seg;
        OV_TRY(ov_snapshot_open(c->snapshot, c->entries[i], &seg, err));
        bool fits = true;
        for (uint32_t k = 0; k < kept && fits; k++)
            fits = ovi_union_fits(c->segments[k], seg) &&
                   ov_segment_is_rolled_up(c->segments[k]) == ov_segment_is_rolled_up(seg);
        if (!fits) {
            ov_segment_release(seg);
            continue;
        }
        c->entries[kept] = c->entries[i];
        c->segments[kept++] = seg;
        c->opened = kept;
    }
    c->count = kept;
    return OV_OK;
}

/* Rows may only be folded by the very metrics they were made with. */
static bool folds(const compaction *c)
{
    bool rollup = c->spec->granularity.rollup;
    for (uint32_t i = 0; i < c->count && rollup; i++)
        rollup = ovi_merge_folds(c->segments[i], c->spec);
    return rollup;
}

static ov_status seal(compaction *c, const ovi_merge *what, ov_publish *to, ov_error *err)
{
    OV_TRY(ovi_stream_seal(c->s, what, to, err));
    OV_FAULT(OV_FAULT_STREAM_COMPACTED, err);
    return OV_OK;
}

static ov_status replace(compaction *c, ov_error *err)
{
    ov_publish to;
    ov_gran all = {.kind = OV_GRAN_ALL}; /* the commit puts the segment where its rows are: into the chunk they come from */
    ov_publish_init(&to, c->s->config.catalog, c->task_id, OV_PUBLISH_APPEND, &c->arena);
    ovi_merge_input inputs[MOST];
    for (uint32_t i = 0; i < c->count; i++)
        inputs[i] = (ovi_merge_input){.entry = c->entries[i], .segment = c->segments[i]};
    ovi_merge what = {.datasource = c->stream->name, .inputs = inputs, .count = c->count, .spec = c->spec, .gran = &all,
                      .rollup = folds(c)};
    ov_status st = seal(c, &what, &to, err);
    if (st != OV_OK) {
        ov_publish_abandon(&to);
        return st;
    }
    to.inputs = c->entries;
    to.input_count = c->count;
    return ov_publish_run(&to, NULL, err);
}

static ov_status run(compaction *c, bool *done, ov_error *err)
{
    ov_slice spec = {0};
    OV_TRY(ov_arena_printf(&c->arena, &c->task_id, err, "stream_" OV_SLICE_FMT, OV_SLICE_ARG(c->stream->name)));
    if (!find_chunk(c))
        return OV_OK;
    ov_mutex_lock(&c->s->lock);
    ov_status st = c->stream->spec.n ? ov_arena_copy(&c->arena, c->stream->spec, &spec, err) : OV_OK;
    ov_mutex_unlock(&c->s->lock);
    OV_TRY(st);
    OV_TRY(ovi_stream_spec(c->stream->name, spec, OV_PUSH_JSON, &c->arena, &c->spec, err));
    OV_TRY(open_segments(c, err));
    if (c->count < FEWEST)
        return OV_OK;
    OV_TRY(replace(c, err));
    *done = true;
    return OV_OK;
}

ov_status ovi_stream_compact(ov_streams *s, ovi_stream *stream, bool *done, ov_error *err)
{
    compaction c = {.s = s, .stream = stream, .snapshot = ov_catalog_snapshot(s->config.catalog)};
    *done = false;
    ov_arena_init(&c.arena, "compaction", NULL);
    ov_status st = run(&c, done, err);
    for (uint32_t i = 0; i < c.opened; i++)
        ov_segment_release(c.segments[i]);
    ov_arena_fini(&c.arena);
    ov_snapshot_release(c.snapshot);
    return st;
}

ov_status ov_streams_compact(ov_streams *s, ov_slice datasource, ov_error *err)
{
    bool done = true;
    ov_mutex_lock(&s->lock);
    ovi_stream *stream = ovi_stream_known(s, datasource);
    ov_mutex_unlock(&s->lock);
    while (stream && done)
        OV_TRY(ovi_stream_compact(s, stream, &done, err));
    return OV_OK;
}
