/*
 * Small published segments of one time chunk are put together.
 *
 * Late rows and frequent hand-overs leave many small segments in a chunk. When eight that a stream has appended stand in one chunk
 * their rows are written anew, and one commit adds the new segments to the chunk and takes the small ones away for good
 * (ov_commit.inputs). The commit refuses when the chunk was replaced meanwhile: rows that are gone must not
 * come back. Segments of other tasks, and those that newer versions hide in part, are left alone.
 *
 * Which ones: the smallest, as many as still have none among them that is larger than all before it. So a row is written anew only
 * into a segment of twice the size, a few times in all, however small the hand-overs are.
 *
 * A thread of its own does it. Hand-overs, merges and pushes go on beside it and wait for nothing but the last step of its commit.
 */
#include <stdlib.h>
#include "base/fault.h"
#include "base/log.h"
#include "ingest/load/publish.h"
#include "ingest/stream/stream_int.h"
#include "ingest/upkeep/disk_guard.h"

enum { FEWEST = 8, MOST = 64, MOST_SEEN = 512, MOST_ROWS = 5000000, SMALL_ROWS = MOST_ROWS / FEWEST, PAUSED_MS = 1000 };
#define MOST_BYTES (UINT64_C(256) << 20)
#define SMALL_BYTES (MOST_BYTES / FEWEST)

typedef struct compaction {
    ov_streams *s;
    ovi_stream *stream;
    ov_arena arena;
    ov_snapshot *snapshot;
    uint32_t next;       /* segment of the snapshot to look at */
    uint64_t small_rows; /* fewer are small */
    const ov_segment_entry *entries[MOST];
    ov_segment *segments[MOST];
    uint32_t count, opened;
    ov_slice task_id; /* of what the stream publishes */
    ov_spec *spec;
} compaction;

/* ---- which ones ---- */

/* The small segments of a chunk, in their order. */
typedef struct chunk {
    const ov_segment_entry *small[MOST_SEEN];
    uint32_t count;
} chunk;

static bool may_go(const compaction *c, const ov_segment_entry *e)
{
    return !e->live && e->appended && e->visible && !e->partial && e->info.rows < c->small_rows &&
           e->info.bytes < SMALL_BYTES && ov_slice_eq(e->task_id, c->task_id);
}

static bool same_chunk(const ov_segment_info *a, const ov_segment_info *b)
{
    return a->start_ms == b->start_ms && a->end_ms == b->end_ms && ov_slice_eq(a->version, b->version);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Rows of the largest that is worth being written anew; 0: none. */
static uint32_t largest_that_goes(const chunk *k)
{
    uint32_t sizes[MOST_SEEN], largest = 0;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < k->count; i++)
        sizes[i] = k->small[i]->info.rows;
    qsort(sizes, k->count, sizeof *sizes, by_size);
    for (uint32_t i = 0; i < k->count && sum + sizes[i] <= MOST_ROWS; i++) {
        if (i + 1 >= FEWEST && sizes[i] <= sum)
            largest = sizes[i];
        sum += sizes[i];
    }
    return largest;
}

/* Eight small ones are always within the limits. */
static bool choose(compaction *c, const chunk *k)
{
    uint32_t largest = k->count >= FEWEST ? largest_that_goes(k) : 0;
    uint64_t rows = 0, bytes = 0;
    c->count = 0;
    for (uint32_t i = 0; i < k->count && c->count < MOST; i++) {
        const ov_segment_entry *e = k->small[i];
        if (e->info.rows > largest || rows + e->info.rows > MOST_ROWS || bytes + e->info.bytes > MOST_BYTES)
            continue;
        rows += e->info.rows;
        bytes += e->info.bytes;
        c->entries[c->count++] = e;
    }
    return c->count >= FEWEST;
}

/* Entries come by start, end, version: those of a chunk stand together. */
static bool find_chunk(compaction *c)
{
    const ov_datasource *ds = ov_snapshot_find(c->snapshot, c->stream->name);
    chunk k = {.count = 0};
    for (; ds && c->next < ds->segment_count; c->next++) {
        const ov_segment_entry *e = ds->segments[c->next];
        if (!may_go(c, e))
            continue;
        if (k.count && !same_chunk(&k.small[0]->info, &e->info)) {
            if (choose(c, &k))
                return true;
            k.count = 0;
        }
        if (k.count < MOST_SEEN)
            k.small[k.count++] = e;
    }
    return choose(c, &k);
}

static void release_segments(compaction *c)
{
    while (c->opened)
        ov_segment_release(c->segments[--c->opened]);
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

/* ---- the work ---- */

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
    OV_TRY(ovi_stream_seal(c->s, what, c->s->config.memory_bytes / 2, &c->s->ending, to, err));
    OV_FAULT(OV_FAULT_STREAM_COMPACTED, err);
    return OV_OK;
}

/* Several came out, because a segment has no more rows by the spec or would take too much memory: those are not small. */
static void learn(compaction *c, const ov_publish *to)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < to->segment_count; i++)
        most = OV_MAX(most, (uint64_t)to->segments[i].info.rows);
    if (to->segment_count < 2)
        return;
    ov_mutex_lock(&c->s->lock);
    uint64_t *whole = &c->stream->whole_rows;
    *whole = *whole ? OV_MIN(*whole, most) : most;
    ov_mutex_unlock(&c->s->lock);
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
    learn(c, &to);
    to.inputs = c->entries;
    to.input_count = c->count;
    return ov_publish_run(&to, NULL, err);
}

static ov_status settle(compaction *c, ov_error *err)
{
    ov_slice spec = {0};
    OV_TRY(ov_arena_printf(&c->arena, &c->task_id, err, "stream_" OV_SLICE_FMT, OV_SLICE_ARG(c->stream->name)));
    ov_mutex_lock(&c->s->lock);
    ov_status st = c->stream->spec.n ? ov_arena_copy(&c->arena, c->stream->spec, &spec, err) : OV_OK;
    uint64_t whole = c->stream->whole_rows;
    ov_mutex_unlock(&c->s->lock);
    OV_TRY(st);
    c->small_rows = whole ? OV_MIN(whole / 2, (uint64_t)SMALL_ROWS) : SMALL_ROWS;
    return ovi_stream_spec(c->stream->name, spec, OV_PUSH_JSON, &c->arena, &c->spec, err);
}

static ov_status run(compaction *c, bool *done, ov_error *err)
{
    OV_TRY(settle(c, err));
    while (!*done && find_chunk(c)) {
        OV_TRY(open_segments(c, err));
        *done = c->count >= FEWEST;
        if (*done)
            OV_TRY(replace(c, err));
        release_segments(c);
    }
    return OV_OK;
}

ov_status ovi_stream_compact(ov_streams *s, ovi_stream *stream, bool *done, ov_error *err)
{
    compaction c = {.s = s, .stream = stream, .snapshot = ov_catalog_snapshot(s->config.catalog)};
    *done = false;
    ov_arena_init(&c.arena, "compaction", NULL);
    ov_status st = run(&c, done, err);
    release_segments(&c);
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

/* ---- when ---- */

/* Waits for a stream that published something; NULL: the end. */
static ovi_stream *next_stream(ov_streams *s)
{
    ovi_stream *st = NULL;
    ov_mutex_lock(&s->lock);
    while (!s->stop && !st) {
        bool paused = ov_disk_paused(s->config.disk); /* what is put together lies on the disk twice for a while */
        for (st = paused ? NULL : s->streams; st && !st->compact;)
            st = st->next;
        if (st)
            st->compact = false;
        else if (paused)
            (void)ov_cond_wait_ms(&s->published, &s->lock, PAUSED_MS);
        else
            ov_cond_wait(&s->published, &s->lock);
    }
    st = s->stop ? NULL : st;
    ov_mutex_unlock(&s->lock);
    return st;
}

void ovi_compactor(void *streams)
{
    ov_streams *s = streams;
    for (ovi_stream *st = next_stream(s); st; st = next_stream(s)) {
        ov_error err = OV_ERROR_INIT;
        bool done = false;
        ov_status ended = ovi_stream_compact(s, st, &done, &err);
        if (ended != OV_OK && ended != OV_BUSY && ended != OV_CANCELLED)
            ov_log_warn("small segments cannot be put together", ov_kv_err(&err));
        if (ended != OV_OK || !done)
            continue;
        ov_mutex_lock(&s->lock);
        st->compact = true; /* there may be more */
        ov_mutex_unlock(&s->lock);
    }
}
