/*
 * Rows to the builders of their time chunks: those of a split (ovi_route) or of a batch that somebody else made
 * (ovi_route_batch).
 *
 * A split goes through in batches of OV_BATCH_ROWS rows. Mostly all rows of a batch lie in one chunk; else
 * each chunk gets the batch with a selection, which keeps the order of the input. When a batch falls into many chunks,
 * strings go as slices instead of codes: a table from codes to codes per chunk would cost more than the rows.
 */
#include "ingest/load/loader_int.h"

enum {
    MANY_CHUNKS = 8,
    SORT_SHARE = 2, /* open builders have a quarter of the task's memory, sealed ones that wait another: one is sorted in
                       the rest, two quarters but for the batches under way */
};
#define NO_CHUNK UINT32_MAX

typedef struct route {
    ov_loader *l;
    ov_rows *rows;         /* of a split; NULL for a batch */
    const ov_batch *batch; /* when rows is NULL */
    uint32_t cols;
    ovi_rows_view view; /* over rows */
    ov_vec *vecs;       /* per column, of the batch at hand */
    uint64_t *sel;
    uint32_t *chunk_of; /* per row of the batch */
    ov_arena scratch;   /* reset per batch */
    /* partitioner: buckets by code of its only column, as of the chunk whose number is `stamp` */
    uint32_t *bucket_of, *stamps, stamp, stamped_chunk;
    ov_vec *opened; /* the partitioner's columns of a batch */
    ov_buf text;
} route;

/* ---- chunks ---- */

/* One for each bucket of the time chunk. */
static ov_status insert_chunk(ov_loader *l, uint32_t at, ov_interval span, ov_error *err)
{
    const ovi_part_chunk *divided =
        l->schema.partitioner ? ovi_partitioner_chunk(l->schema.partitioner, span.start) : NULL;
    uint32_t parts = divided ? divided->buckets : 1;
    OV_TRY(ov_list_room(NULL, &l->chunks, l->chunk_count, &l->chunk_cap, parts, sizeof *l->chunks, err));
    memmove(l->chunks + at + parts, l->chunks + at, (l->chunk_count - at) * sizeof *l->chunks);
    for (uint32_t i = 0; i < parts; i++)
        l->chunks[at + i] = (ovi_chunk){.start = span.start, .end = span.end, .bucket = i, .parts = parts};
    l->chunk_count += parts;
    return OV_OK;
}

static bool chunk_has(const ovi_chunk *c, int64_t ms)
{
    return c->start <= ms && ms < c->end;
}

/* Number of the first chunk that starts after ms; the one before it is the last bucket of the chunk of ms. */
static uint32_t chunk_after(const ov_loader *l, int64_t ms)
{
    uint32_t lo = 0, hi = l->chunk_count;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (l->chunks[mid].start <= ms)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* All chunks that the times of live rows (NULL: all) need exist afterwards, so that their numbers stay. */
static ov_status make_chunks(ov_loader *l, const int64_t *times, const uint64_t *live, uint32_t n, ov_error *err)
{
    ov_interval last = {0, 0};
    for (uint32_t i = 0; i < n; i++) {
        if (ov_interval_has(last, times[i]) || (live && !ov_bits_test(live, i)))
            continue;
        uint32_t at = chunk_after(l, times[i]);
        if (at == 0 || !chunk_has(&l->chunks[at - 1], times[i])) {
            last = ov_gran_bucket(&l->schema.segment_gran, times[i]);
            OV_TRY(insert_chunk(l, at, last, err));
        } else {
            last = (ov_interval){l->chunks[at - 1].start, l->chunks[at - 1].end};
        }
    }
    return OV_OK;
}

/* ---- vectors ---- */

/* The columns of somebody else's batch. */
static ov_status open_vecs(route *r, bool many, ov_error *err)
{
    for (uint32_t i = 0; i < r->cols; i++) {
        const ov_vec *v = &r->batch->col[i];
        if (many && v->enc == OV_ENC_DICT && v->type.id == OV_TYPE_STRING && !v->type.multi)
            OV_TRY(ov_vec_flatten(v, &r->scratch, &r->vecs[i], err));
        else
            r->vecs[i] = *v;
        r->vecs[i].stats = NULL;
    }
    return OV_OK;
}

/* ---- builders ---- */

static ov_status open_builder(ov_loader *l, ovi_chunk *c, ov_error *err)
{
    ov_build_schema s = {
        .datasource = l->schema.datasource,
        .start_ms = c->start,
        .end_ms = c->end,
        .version = l->env.version,
        .partition = c->partition,
        .columns = l->schema.columns,
        .column_count = l->schema.column_count,
        .sort = l->schema.sort,
        .sort_count = l->schema.sort_count,
        .rollup = l->schema.rollup,
        .arrival = l->env.arrival && !l->schema.rollup,
        .extra_json = l->schema.extra_json,
    };
    return ov_segment_builder_create(&s, &l->budget, &c->builder, err);
}

/* The first and last of the rows that were just added: those of sel, or [begin, n) of a whole batch. */
static ov_status note_range(route *r, ovi_chunk *c, const uint64_t *sel, uint32_t begin, uint32_t n, ov_error *err)
{
    uint32_t first = begin, last = n - 1;
    if (sel) {
        first = (uint32_t)ov_bits_next(sel, n, begin);
        while (!ov_bits_test(sel, last))
            last--;
    }
    return ovi_range_note(r->l, c, r->vecs, first, last, err);
}

/* Past the limit the largest builder goes, again and again. Depends on nothing but the rows, so the result is the
 * same on every machine. Looked at after each chunk's rows: one batch may have rows of thousands of chunks. */
static ov_status shed(ov_loader *l, ov_error *err)
{
    if (l->open_bytes <= l->env.memory_bytes)
        return OV_OK;
    while (l->open_bytes > l->env.memory_bytes) {
        ovi_chunk *largest = NULL;
        for (uint32_t i = 0; i < l->chunk_count; i++)
            if (l->chunks[i].builder && (!largest || l->chunks[i].bytes > largest->bytes))
                largest = &l->chunks[i];
        if (!largest)
            break;
        OV_TRY(ovi_seal_queue(l, largest, err));
    }
    ovi_make_room(l);
    return OV_OK;
}

/* Selected rows of the batch, cut where a segment is full. sel NULL: all. */
static ov_status add_batch(route *r, ovi_chunk *c, uint32_t n, const uint64_t *sel, uint32_t sel_rows,
                           ov_error *err)
{
    ov_loader *l = r->l;
    uint64_t part[OV_BATCH_WORDS];
    uint32_t at = 0; /* first row not yet added */
    while (sel_rows > 0) {
        if (!c->builder)
            OV_TRY(open_builder(l, c, err));
        uint32_t held = ov_segment_builder_rows(c->builder), most = l->schema.max_rows_per_segment;
        uint32_t room = most > held ? most - held : 0;
        uint32_t take = OV_MIN(room, sel_rows), begin = at;
        if (l->schema.range_columns && take == room)
            OV_TRY(ovi_range_take(l, c, r->vecs, sel, at, room, sel_rows, &take, err));
        if (take == 0) { /* full, and the key changes right here */
            OV_TRY(ovi_seal_queue(l, c, err));
            continue;
        }
        ov_batch b = {.rows = n, .cols = r->cols, .col = r->vecs, .sel = sel, .sel_rows = take};
        if (take < sel_rows || at > 0) { /* a part of what is selected */
            uint32_t end = at, found = 0;
            memset(part, 0, sizeof part);
            for (; found < take; end++)
                if (!sel || ov_bits_test(sel, end)) {
                    ov_bits_set(part, end);
                    found++;
                }
            at = end;
            b.sel = part;
        }
        ov_segment_builder_at(c->builder, l->arrived);
        OV_TRY(ov_segment_builder_add(c->builder, &b, err));
        sel_rows -= take;
        if (l->schema.range_columns)
            OV_TRY(note_range(r, c, b.sel, begin, n, err));
        size_t bytes = ov_segment_builder_bytes(c->builder);
        l->open_bytes += bytes - c->bytes;
        c->bytes = bytes;
        bool full = take == room || bytes > l->env.memory_bytes ||
                    ov_segment_builder_sort_bytes(c->builder) > SORT_SHARE * (l->env.memory_bytes - l->env.memory_bytes / 8);
        if (full && !l->schema.range_columns)
            OV_TRY(ovi_seal_queue(l, c, err));
    }
    return shed(l, err);
}

static ov_status vecs_of(route *r, uint32_t from, uint32_t n, bool many, ov_error *err)
{
    return r->rows ? ovi_rows_view_batch(&r->view, from, n, many, err) : open_vecs(r, many, err);
}

/* Row `row` of the split, whose time lies in chunk number `last`: the number of its bucket's chunk. */
static uint32_t divide(route *r, uint32_t last, uint32_t row)
{
    ovi_partitioner *p = r->l->schema.partitioner;
    const ovi_chunk *c = &r->l->chunks[last];
    uint32_t base = last - (c->parts - 1), code = 0;
    ov_slice key[OV_SHARD_MOST_DIMENSIONS];
    if (c->parts == 1)
        return last;
    if (!(r->rows ? ovi_partitioner_key(p, r->rows, row, key) : ovi_partitioner_opened_key(p, r->opened, row, key))) {
        p->vague = true;
        return base;
    }
    if (r->bucket_of) {
        if (r->stamped_chunk != base) {
            r->stamped_chunk = base;
            r->stamp++;
        }
        code = r->rows->col[p->columns[0]].code[row];
        if (r->stamps[code] == r->stamp)
            return base + r->bucket_of[code];
    }
    uint32_t bucket = ovi_partitioner_bucket(p, ovi_partitioner_chunk(p, c->start), key, &r->text);
    if (r->bucket_of) {
        r->stamps[code] = r->stamp;
        r->bucket_of[code] = bucket;
    }
    return base + bucket;
}

static ov_status divide_open(route *r, ov_arena *tables, ov_error *err)
{
    const ovi_partitioner *p = r->l->schema.partitioner;
    r->stamped_chunk = NO_CHUNK;
    if (p && !r->rows)
        OV_TRY(ovi_partitioner_open(p, r->batch, tables, &r->opened, err));
    if (!p || !r->rows || p->column_count != 1 || r->rows->col[p->columns[0]].listed)
        return OV_OK;
    uint32_t n = r->rows->col[p->columns[0]].dict.count + 1;
    OV_TRY(ov_arena_zalloc(tables, n * sizeof *r->stamps, &r->stamps, err));
    return ov_arena_zalloc(tables, n * sizeof *r->bucket_of, &r->bucket_of, err);
}

/* The n rows from `from` on, whose times these are; live NULL: all of them, else these live_rows ones. */
static ov_status route_rows(route *r, const int64_t *times, uint32_t from, uint32_t n, const uint64_t *live,
                            uint32_t live_rows, ov_error *err)
{
    ov_loader *l = r->l;
    uint32_t start = live ? (uint32_t)ov_bits_next(live, n, 0) : 0;
    uint32_t first = chunk_after(l, times[start]) - 1, chunks = 0, last = first;
    bool one = l->chunks[first].parts == 1;
    for (uint32_t i = start; i < n && one; i++)
        one &= chunk_has(&l->chunks[first], times[i]) | (live && !ov_bits_test(live, i));
    if (one) {
        OV_TRY(vecs_of(r, from, n, false, err));
        return add_batch(r, &l->chunks[first], n, live, live_rows, err);
    }
    for (uint32_t i = start; i < n; i++) {
        r->chunk_of[i] = NO_CHUNK;
        if (live && !ov_bits_test(live, i))
            continue;
        if (!chunk_has(&l->chunks[last], times[i]))
            last = chunk_after(l, times[i]) - 1;
        r->chunk_of[i] = divide(r, last, from + i);
        chunks += l->chunks[r->chunk_of[i]].split_rows++ == 0;
    }
    OV_TRY(vecs_of(r, from, n, chunks > MANY_CHUNKS, err));
    /* Chunks in the order of their first row, each with the rows it owns. */
    for (uint32_t i = start; i < n; i++) {
        if (r->chunk_of[i] == NO_CHUNK)
            continue;
        ovi_chunk *c = &l->chunks[r->chunk_of[i]];
        uint32_t want = c->split_rows, found = 0;
        if (want == 0)
            continue;
        memset(r->sel, 0, OV_BATCH_WORDS * 8);
        for (uint32_t j = i; found < want; j++)
            if (r->chunk_of[j] == r->chunk_of[i]) {
                ov_bits_set(r->sel, j);
                found++;
            }
        c->split_rows = 0;
        OV_TRY(add_batch(r, c, n, r->sel, want, err));
    }
    return OV_OK;
}

static ov_status route_open(route *r, ov_arena *tables, ov_error *err)
{
    if (r->rows) {
        OV_TRY(ovi_rows_view_open(&r->view, r->rows, tables, &r->scratch, err));
        r->vecs = r->view.vecs;
    } else {
        OV_TRY(ov_arena_alloc(tables, r->cols * sizeof *r->vecs, &r->vecs, err));
    }
    OV_TRY(divide_open(r, tables, err));
    OV_TRY(ov_arena_alloc(tables, OV_BATCH_WORDS * 8, &r->sel, err));
    return ov_arena_alloc(tables, OV_BATCH_ROWS * sizeof *r->chunk_of, &r->chunk_of, err);
}

static ov_status route_split(route *r, ov_arena *tables, ov_error *err)
{
    ov_rows *rows = r->rows;
    OV_TRY(route_open(r, tables, err));
    for (uint32_t from = 0; from < rows->rows; from += OV_BATCH_ROWS) {
        uint32_t n = OV_MIN(rows->rows - from, (uint32_t)OV_BATCH_ROWS);
        OV_TRY(route_rows(r, rows->col[0].i64 + from, from, n, NULL, n, err));
        r->l->arrived += n;
        ov_arena_reset(&r->scratch);
    }
    return OV_OK;
}

/* The memory of one way, and the first failure of its texts. */
static ov_status with_memory(route *r, ov_status (*go)(route *r, ov_arena *tables, ov_error *err), ov_error *err)
{
    ov_arena tables;
    ov_arena_init(&tables, "route", NULL);
    ov_arena_init(&r->scratch, "batch", NULL);
    ov_buf_init(&r->text);
    ov_status st = go(r, &tables, err);
    if (st == OV_OK)
        st = ov_buf_check(&r->text, err);
    ov_buf_fini(&r->text);
    ov_arena_fini(&r->scratch);
    ov_arena_fini(&tables);
    return st;
}

ov_status ovi_route(ov_loader *l, ov_rows *rows, ov_error *err)
{
    route r = {.l = l, .rows = rows, .cols = rows->col_count};
    if (rows->rows == 0)
        return OV_OK;
    ov_gran_floor_n(&l->schema.query_gran, rows->col[0].i64, rows->col[0].i64, rows->rows);
    OV_TRY(make_chunks(l, rows->col[0].i64, NULL, rows->rows, err));
    return with_memory(&r, route_split, err);
}

/* ---- batches that somebody else made ---- */

static ov_status check_times(const ov_vec *flat, const ov_batch *b, ov_error *err)
{
    const int64_t *times = flat->data;
    for (uint32_t i = 0; i < b->rows; i++) {
        if (b->sel && !ov_bits_test(b->sel, i))
            continue;
        if (flat->valid && !ov_bits_test(flat->valid, i))
            return ov_fail(err, OV_INVALID,
                           "Encountered a null timestamp in the __time field during INSERT or REPLACE; filter "
                           "such rows out (WHERE __time IS NOT NULL) or give them a time (COALESCE)");
        if (times[i] < OV_TIME_MIN || times[i] >= OV_TIME_MAX)
            return ov_fail(err, OV_INVALID, "__time is %lld ms, which is outside the years that can be stored",
                           (long long)times[i]);
    }
    return OV_OK;
}

static ov_status batch_rows(route *r, ov_arena *tables, ov_error *err)
{
    const ov_batch *b = r->batch;
    ov_vec time;
    int64_t *times;
    OV_TRY(route_open(r, tables, err));
    OV_TRY(ov_vec_flatten(&b->col[0], tables, &time, err));
    OV_TRY(check_times(&time, b, err));
    OV_TRY(ov_arena_lanes(tables, (size_t)b->rows * sizeof *times, &times, err));
    ov_gran_floor_n(&r->l->schema.query_gran, time.data, times, b->rows);
    OV_TRY(make_chunks(r->l, times, b->sel, b->rows, err));
    ov_vec *cols;
    OV_TRY(ov_arena_alloc(tables, b->cols * sizeof *cols, &cols, err));
    memcpy(cols, b->col, b->cols * sizeof *cols);
    cols[0] = ov_vec_flat(OV_T(OV_TYPE_LONG), times, NULL, b->rows);
    ov_batch floored = *b;
    floored.col = cols;
    r->batch = &floored;
    OV_TRY(route_rows(r, times, 0, b->rows, b->sel, b->sel_rows, err));
    r->l->arrived += b->rows;
    return OV_OK;
}

ov_status ovi_route_batch(ov_loader *l, const ov_batch *batch, ov_error *err)
{
    route r = {.l = l, .batch = batch, .cols = batch->cols};
    if (batch->sel_rows == 0) {
        l->arrived += batch->rows;
        return OV_OK;
    }
    return with_memory(&r, batch_rows, err);
}
