/* Collecting what a task made and handing it to the catalog. */
#include "ingest/load/publish.h"

#include <stdlib.h>
#include "base/file.h"
#include "base/log.h"

void ov_publish_init(ov_publish *p, ov_catalog *catalog, ov_slice task_id, ov_publish_mode mode,
                     ov_arena *arena)
{
    *p = (ov_publish){.catalog = catalog, .arena = arena, .task_id = task_id, .mode = mode};
}

static ov_status reserve(ov_publish *p, uint32_t more, ov_error *err)
{
    return ov_arena_room(p->arena, &p->segments, p->segment_count, &p->segment_cap, more, sizeof *p->segments, err);
}

static ov_status schema_of(ov_publish *p, const ov_load_segment *s, const ov_schema_column **out,
                           ov_error *err)
{
    ov_schema_column *columns;
    OV_TRY(ov_arena_alloc(p->arena, s->column_count * sizeof(*columns), &columns, err));
    for (uint32_t i = 0; i < s->column_count; i++)
        columns[i] = (ov_schema_column){s->columns[i].name, s->columns[i].type, s->columns[i].role};
    *out = columns;
    return OV_OK;
}

ov_status ov_publish_add(ov_publish *p, const ov_load_result *result, ov_error *err)
{
    OV_TRY(reserve(p, result->segment_count, err));
    for (uint32_t i = 0; i < result->segment_count; i++) {
        const ov_load_segment *s = &result->segments[i];
        ov_new_segment *to = &p->segments[p->segment_count];
        *to = (ov_new_segment){.info = s->info, .tmp_path = s->path, .column_count = s->column_count, .arrival = s->arrival};
        OV_TRY(schema_of(p, s, &to->columns, err));
        if (p->mode == OV_PUBLISH_REPLACE) /* what is appended joins a set that was not divided like this */
            to->shard = s->shard;
        p->segment_count++;
    }
    return OV_OK;
}

/* ---- dropExisting ---- */

static int cmp_start(const void *a, const void *b)
{
    const ov_interval *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* Starts of the chunks that got rows, sorted. */
static ov_status filled_chunks(ov_publish *p, ov_slice datasource, ov_interval **out, uint32_t *count, ov_error *err)
{
    *count = 0;
    OV_TRY(ov_arena_alloc(p->arena, p->segment_count * sizeof(**out), out, err));
    for (uint32_t i = 0; i < p->segment_count; i++)
        if (ov_slice_eq(p->segments[i].info.datasource, datasource))
            (*out)[(*count)++] = (ov_interval){p->segments[i].info.start_ms, p->segments[i].info.end_ms};
    if (*count)
        qsort(*out, *count, sizeof(**out), cmp_start);
    return OV_OK;
}

typedef struct chunk_list {
    ov_arena *arena;
    ov_interval *at;
    uint32_t n, cap;
} chunk_list;

static ov_status add_chunk(chunk_list *l, ov_interval chunk, ov_error *err)
{
    enum { MOST_CHUNKS = 10000000 };
    if (l->n == MOST_CHUNKS)
        return ov_fail(err, OV_LIMIT,
                       "dropExisting would empty more than %d time chunks; use shorter intervals or a "
                       "coarser segmentGranularity",
                       MOST_CHUNKS);
    OV_TRY(ov_arena_room(l->arena, &l->at, l->n, &l->cap, 1, sizeof *l->at, err));
    l->at[l->n++] = chunk;
    return OV_OK;
}

/* Chunks of `gran` that touch `span`. */
static ov_status add_chunks(chunk_list *l, ov_interval span, const ov_gran *gran, ov_error *err)
{
    for (int64_t at = span.start; at < span.end;) {
        ov_interval chunk = {ov_gran_floor(gran, at), ov_gran_next(gran, at)};
        OV_TRY(add_chunk(l, chunk, err));
        at = chunk.end;
    }
    return OV_OK;
}

/* Only where data are: an interval may be as long as eternity. */
static ov_status chunks_with_data(const ov_datasource *ds, ov_interval within,
                                  const ov_gran *gran, chunk_list *l, ov_error *err)
{
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        const ov_segment_entry *e = ds->segments[i];
        for (uint32_t k = 0; k < e->part_count; k++) {
            if (ov_interval_overlaps(e->parts[k], within))
                OV_TRY(add_chunks(l, ov_interval_clip(e->parts[k], within), gran, err));
        }
    }
    return OV_OK;
}

static ov_status add_tombstones(ov_publish *p, ov_slice datasource, chunk_list *l, ov_error *err)
{
    ov_interval *filled;
    uint32_t filled_count;
    OV_TRY(filled_chunks(p, datasource, &filled, &filled_count, err));
    if (l->n)
        qsort(l->at, l->n, sizeof(*l->at), cmp_start);
    for (uint32_t i = 0; i < l->n; i++) {
        if ((i > 0 && l->at[i].start == l->at[i - 1].start) ||
            bsearch(&l->at[i], filled, filled_count, sizeof(*filled), cmp_start))
            continue;
        OV_TRY(reserve(p, 1, err));
        p->segments[p->segment_count++] = (ov_new_segment){
            .info = {.datasource = datasource,
                     .start_ms = l->at[i].start,
                     .end_ms = l->at[i].end,
                     .min_time = l->at[i].end, /* min > max: no rows */
                     .max_time = l->at[i].start},
            .tombstone = true,
        };
    }
    return OV_OK;
}

ov_status ov_publish_drop(ov_publish *p, ov_slice datasource, const ov_interval *intervals,
                          uint32_t count, const ov_gran *gran, ov_error *err)
{
    chunk_list l = {.arena = p->arena};
    ov_snapshot *snap = ov_catalog_snapshot(p->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, datasource);
    ov_status st = OV_OK;
    for (uint32_t i = 0; ds && i < count && st == OV_OK; i++)
        st = chunks_with_data(ds, intervals[i], gran, &l, err);
    ov_snapshot_release(snap);
    return st == OV_OK ? add_tombstones(p, datasource, &l, err) : st;
}

/* ---- overwriting ---- */

static ov_status check_inside(const ov_publish *p, const ov_interval *intervals, uint32_t count, ov_error *err)
{
    for (uint32_t i = 0; i < p->segment_count; i++) {
        ov_interval span = {p->segments[i].info.start_ms, p->segments[i].info.end_ms};
        bool inside = false;
        for (uint32_t k = 0; k < count && !inside; k++)
            inside = ov_interval_contains(intervals[k], span);
        if (inside)
            continue;
        ov_buf text;
        ov_buf_init(&text);
        ov_interval_add(&text, span);
        ov_fail(err, OV_INVALID,
                "Inserted data contains time chunks [%.*s] outside of bounds specified by OVERWRITE WHERE. If you want "
                "to include this data, expand your OVERWRITE WHERE.",
                OV_SLICE_ARG(ov_buf_slice(&text)));
        ov_buf_fini(&text);
        return OV_INVALID;
    }
    return OV_OK;
}

static ov_status add_tombstone(ov_publish *p, ov_slice datasource, ov_interval span, ov_error *err)
{
    if (span.start >= span.end)
        return OV_OK;
    OV_TRY(reserve(p, 1, err));
    p->segments[p->segment_count++] = (ov_new_segment){
        .info = {.datasource = datasource,
                 .start_ms = span.start,
                 .end_ms = span.end,
                 .min_time = span.end, /* min > max: no rows */
                 .max_time = span.start},
        .tombstone = true,
    };
    return OV_OK;
}

/* What of `span` no chunk fills. `filled` is sorted and its intervals are equal or disjoint. */
static ov_status empty_rest(ov_publish *p, ov_slice datasource, ov_interval span, const ov_interval *filled,
                            uint32_t count, ov_error *err)
{
    for (uint32_t i = 0; i < count && span.start < span.end; i++) {
        if (filled[i].end <= span.start || filled[i].start >= span.end)
            continue;
        OV_TRY(add_tombstone(p, datasource, (ov_interval){span.start, filled[i].start}, err));
        span.start = OV_MIN(filled[i].end, span.end);
    }
    return add_tombstone(p, datasource, span, err);
}

/* The visible stretches inside the intervals, condensed. */
static ov_status stretches(ov_publish *p, const ov_datasource *ds, const ov_interval *intervals, uint32_t count,
                           ov_interval **out, size_t *n, ov_error *err)
{
    size_t most = 0;
    *n = 0;
    for (uint32_t i = 0; i < ds->segment_count; i++)
        most += (size_t)ds->segments[i]->part_count * count;
    OV_TRY(ov_arena_alloc(p->arena, (most + 1) * sizeof(**out), out, err));
    for (uint32_t i = 0; i < ds->segment_count; i++)
        for (uint32_t k = 0; k < ds->segments[i]->part_count; k++)
            for (uint32_t j = 0; j < count; j++)
                (*out)[(*n)++] = ov_interval_clip(ds->segments[i]->parts[k], intervals[j]);
    *n = ov_interval_condense(*out, *n);
    return OV_OK;
}

ov_status ov_publish_overwrite(ov_publish *p, ov_slice datasource, const ov_interval *intervals, uint32_t count,
                               ov_error *err)
{
    OV_TRY(check_inside(p, intervals, count, err));
    return ov_publish_empty(p, datasource, intervals, count, err);
}

ov_status ov_publish_empty(ov_publish *p, ov_slice datasource, const ov_interval *intervals, uint32_t count, ov_error *err)
{
    ov_interval *filled, *spans;
    uint32_t filled_count;
    size_t n = 0;
    OV_TRY(filled_chunks(p, datasource, &filled, &filled_count, err));
    ov_snapshot *snap = ov_catalog_snapshot(p->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, datasource);
    ov_status st = ds ? stretches(p, ds, intervals, count, &spans, &n, err) : OV_OK;
    for (size_t i = 0; i < n && st == OV_OK; i++)
        st = empty_rest(p, datasource, spans[i], filled, filled_count, err);
    ov_snapshot_release(snap);
    return st;
}

/* ---- cursors, the commit ---- */

ov_status ov_publish_cursor(ov_publish *p, ov_slice key, ov_slice before, ov_slice after, ov_error *err)
{
    ov_slice **lists[] = {&p->keys, &p->before, &p->values};
    uint32_t cap = p->cursor_cap;
    for (size_t i = 0; i < OV_COUNT_OF(lists); i++) {
        cap = p->cursor_cap;
        OV_TRY(ov_arena_room(p->arena, lists[i], p->cursor_count, &cap, 1, sizeof **lists[i], err));
    }
    p->cursor_cap = cap;
    p->keys[p->cursor_count] = key;
    p->before[p->cursor_count] = before;
    p->values[p->cursor_count++] = after;
    return OV_OK;
}

ov_status ov_publish_record(ov_publish *p, const ov_record *record, ov_error *err)
{
    OV_TRY(ov_arena_room(p->arena, &p->records, p->record_count, &p->record_cap, 1, sizeof *p->records, err));
    p->records[p->record_count++] = *record;
    return OV_OK;
}

ov_status ov_publish_run(ov_publish *p, const ov_task_row *task, ov_error *err)
{
    ov_commit commit = {
        .task_id = p->task_id,
        .mode = p->mode,
        .segments = p->segments,
        .segment_count = p->segment_count,
        .cursor_keys = p->keys,
        .cursor_values = p->values,
        .cursor_before = p->before,
        .cursor_count = p->cursor_count,
        .records = p->records,
        .record_count = p->record_count,
        .task = task,
        .inputs = p->inputs,
        .input_count = p->input_count,
        .moved = p->moved,
        .live = p->live,
        .live_count = p->live_count,
    };
    return ov_catalog_commit(p->catalog, &commit, p->arena, err);
}

void ov_publish_abandon(ov_publish *p)
{
    for (uint32_t i = 0; i < p->segment_count; i++) {
        ov_error ignored = OV_ERROR_INIT;
        if (p->segments[i].tmp_path && ov_file_remove(p->segments[i].tmp_path, &ignored) != OV_OK)
            ov_log_warn("cannot remove an unpublished segment; the next start will", ov_kv_err(&ignored));
    }
    p->segment_count = 0;
}
