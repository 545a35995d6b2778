/*
 * From rows to the immutable state of one datasource: entries, timeline, visible list, merged columns, totals.
 */
#include <stdlib.h>
#include "storage/catalog/keys_int.h"

typedef struct loader {
    ov_catalog *cat;
    ovi_datasource *ds;
    ov_arena *arena; /* of ds: what stays */
    ov_arena scratch;
    const ov_segment_entry **by_seq; /* entries in the order they were published */
    uint32_t n;
    ov_slice version, task_id; /* of the last entry: neighbours mostly share them */
} loader;

/* ---- one entry ---- */

static int cmp_entry(const void *pa, const void *pb)
{
    const ov_segment_info *a = &((const ov_segment_entry *)pa)->info;
    const ov_segment_info *b = &((const ov_segment_entry *)pb)->info;
    int c = (a->start_ms > b->start_ms) - (a->start_ms < b->start_ms);
    if (!c)
        c = (a->end_ms > b->end_ms) - (a->end_ms < b->end_ms);
    if (!c)
        c = ov_slice_cmp(a->version, b->version);
    return c ? c : (a->partition > b->partition) - (a->partition < b->partition);
}

int ovi_entry_order(const void *pa, const void *pb)
{
    const ov_segment_entry *a = *(const ov_segment_entry *const *)pa, *b = *(const ov_segment_entry *const *)pb;
    if (!a->live != !b->live)
        return a->live ? 1 : -1;
    return a->live ? (a->place > b->place) - (a->place < b->place) : cmp_entry(a, b);
}

static ov_status entry_shard(ov_segment_entry *e, const ovi_row *row, ov_arena *a, ov_error *err)
{
    ov_buf b;
    ov_shard *shard;
    ov_buf_init(&b);
    ov_shard_spec_add(&b, row->shard, row->id.partition, row->core);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(a, ov_buf_slice(&b), &e->shard_spec, err);
    ov_buf_fini(&b);
    if (st != OV_OK || row->shard.n == 0)
        return st;
    OV_TRY(ov_arena_alloc(a, sizeof(*shard), &shard, err));
    e->shard = shard;
    return ov_shard_parse(row->shard, a, shard, err);
}

static ov_status entry_texts(ov_segment_entry *e, const ovi_row *row, ov_arena *a, ov_error *err)
{
    ov_buf b;
    ov_buf_init(&b);
    ov_segment_id_add(&b, &row->id);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(a, ov_buf_slice(&b), &e->id, err);
    ov_buf_clear(&b);
    ov_iso_add(&b, row->created_ms, NULL);
    if (st == OV_OK)
        st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(a, ov_buf_slice(&b), &e->created, err);
    ov_buf_fini(&b);
    OV_TRY(st);
    if (row->tombstone)
        return ov_arena_copy(a, OV_SLICE_LIT("{\"type\":\"tombstone\",\"partitionNum\":0,\"partitions\":1}"),
                             &e->shard_spec, err);
    return entry_shard(e, row, a, err);
}

static ov_status keep_shared(loader *l, ov_slice text, ov_slice *last, ov_error *err)
{
    if (last->p && ov_slice_eq(*last, text))
        return OV_OK;
    return ov_arena_copy(l->arena, text, last, err);
}

static ov_status entry_fill(loader *l, ov_segment_entry *e, const ovi_row *row, ov_error *err)
{
    OV_TRY(keep_shared(l, row->id.version, &l->version, err));
    OV_TRY(keep_shared(l, row->task_id, &l->task_id, err));
    *e = (ov_segment_entry){
        .info = {.datasource = l->ds->pub.name,
                 .start_ms = row->id.span.start,
                 .end_ms = row->id.span.end,
                 .version = l->version,
                 .partition = row->id.partition,
                 .rows = row->rows,
                 .min_time = row->min_time,
                 .max_time = row->max_time,
                 .bytes = row->bytes},
        .core = row->core,
        .appended = row->id.partition >= row->core,
        .tombstone = row->tombstone,
        .used = true,
        .task_id = l->task_id,
        .born_ms = row->created_ms,
    };
    OV_TRY(ov_arena_copy(l->arena, row->file, &e->file, err));
    return entry_texts(e, row, l->arena, err);
}

typedef struct schema_memo {
    int64_t id;
    const ov_schema_column *columns;
    uint32_t count;
} schema_memo;

/* Neighbouring segments nearly always share their columns; a few remembered lists make that free. */
static ov_status entry_columns(loader *l, ov_segment_entry *e, int64_t schema, schema_memo memo[8],
                               ov_error *err)
{
    schema_memo *m = &memo[(uint64_t)schema % 8];
    if (!m->columns || m->id != schema) {
        OV_TRY(ovi_schema_read(l->cat, schema, l->arena, &m->columns, &m->count, err));
        m->id = schema;
    }
    e->columns = m->columns;
    e->column_count = m->count;
    return OV_OK;
}

/* ---- order, timeline ---- */

static ov_status set_visible(loader *l, ov_error *err)
{
    ovi_datasource *ds = l->ds;
    ov_timeline_item *items;
    OV_TRY(ov_arena_alloc(&l->scratch, l->n * sizeof(*items), &items, err));
    for (uint32_t i = 0; i < l->n; i++) {
        const ov_segment_info *info = &ds->entries[i].info;
        items[i] = (ov_timeline_item){
            {info->start_ms, info->end_ms}, info->version, info->partition, ds->entries[i].core};
    }
    OV_TRY(ov_timeline_build(items, l->n, l->arena, &ds->timeline, err));
    for (uint32_t c = 0; c < ds->timeline.chunk_count; c++) {
        const ov_timeline_chunk *chunk = &ds->timeline.chunks[c];
        bool whole = chunk->part_count == 1 && chunk->parts[0].start == chunk->span.start &&
                     chunk->parts[0].end == chunk->span.end;
        for (uint32_t i = 0; i < chunk->item_count; i++) {
            ov_segment_entry *e = &ds->entries[chunk->items[i]];
            e->visible = chunk->part_count > 0;
            e->partial = e->visible && !whole;
            e->parts = chunk->parts;
            e->part_count = chunk->part_count;
        }
    }
    return OV_OK;
}

/* ---- what the datasource says of itself ---- */

static void add_totals(ov_datasource *pub, const ov_segment_entry *e)
{
    pub->rows += e->info.rows - ov_dead_count(e->dead);
    pub->bytes += e->info.bytes;
    pub->any_partial |= e->partial;
    if (e->info.rows == 0)
        return;
    pub->min_time = OV_MIN(pub->min_time, e->info.min_time);
    pub->max_time = OV_MAX(pub->max_time, e->info.max_time);
}

static ov_status list_visible(loader *l, ov_error *err)
{
    ovi_datasource *ds = l->ds;
    OV_TRY(ov_arena_alloc(l->arena, l->n * sizeof(*ds->visible), &ds->visible, err));
    uint32_t n = 0;
    ds->pub.min_time = INT64_MAX;
    ds->pub.max_time = INT64_MIN;
    for (uint32_t i = 0; i < l->n; i++) {
        const ov_segment_entry *e = &ds->entries[i];
        if (!e->visible || e->tombstone)
            continue;
        ds->visible[n++] = e;
        add_totals(&ds->pub, e);
    }
    ds->pub.segments = ds->visible;
    ds->pub.segment_count = n;
    return OV_OK;
}

static ov_schema_column *find_column(ov_schema_column *columns, uint32_t n, ov_slice name)
{
    for (uint32_t i = 0; i < n; i++)
        if (ov_slice_eq(columns[i].name, name))
            return &columns[i];
    return NULL;
}

/* Segments differ about a column: it has the type that holds the values of all of them. A column that is all NULL
 * teaches nothing. */
static void merge_type(ov_schema_column *into, const ov_schema_column *from)
{
    if (from->type.id == OV_TYPE_NULL)
        return;
    into->type = ov_type_wider(into->type, from->type);
    into->role = from->role;
}

static ov_status columns_room(ov_columns_merge *m, uint32_t more, ov_error *err)
{
    ov_schema_column *grown;
    if (m->count + more <= m->cap)
        return OV_OK;
    uint32_t cap = 2 * (m->count + more);
    OV_TRY(ov_arena_alloc(m->arena, cap * sizeof(*grown), &grown, err));
    if (m->count)
        memcpy(grown, m->columns, m->count * sizeof(*grown));
    m->columns = grown;
    m->cap = cap;
    return OV_OK;
}

ov_status ovi_columns_begin(ov_columns_merge *m, ov_arena *arena, const ov_schema_column *columns, uint32_t count,
                            ov_error *err)
{
    *m = (ov_columns_merge){.arena = arena};
    OV_TRY(columns_room(m, OV_MAX(count, 1), err));
    m->columns[0] = (ov_schema_column){OV_SLICE_LIT("__time"), OV_T(OV_TYPE_LONG), OV_ROLE_TIME};
    if (count)
        memcpy(m->columns, columns, count * sizeof(*columns));
    m->count = OV_MAX(count, 1);
    return OV_OK;
}

ov_status ovi_columns_add(ov_columns_merge *m, const ov_schema_column *columns, uint32_t count, ov_error *err)
{
    OV_TRY(columns_room(m, count, err));
    for (uint32_t c = 0; c < count; c++) {
        ov_schema_column *there = find_column(m->columns, m->count, columns[c].name);
        if (there)
            merge_type(there, &columns[c]);
        else
            m->columns[m->count++] = columns[c];
    }
    return OV_OK;
}

static ov_status merge_columns(loader *l, ov_error *err)
{
    ov_columns_merge m;
    const ov_schema_column *last = NULL;
    OV_TRY(ovi_columns_begin(&m, l->arena, NULL, 0, err));
    for (uint32_t i = 0; i < l->n; i++) {
        const ov_segment_entry *e = l->by_seq[i];
        if (!e->visible || e->tombstone || e->columns == last)
            continue;
        last = e->columns;
        OV_TRY(ovi_columns_add(&m, e->columns, e->column_count, err));
    }
    l->ds->pub.columns = m.columns;
    l->ds->pub.column_count = m.count;
    return OV_OK;
}

/* ---- all together ---- */

static ov_status take_slots(ovi_datasource *ds, ov_error *err)
{
    for (uint32_t i = 0; i < ds->entry_count; i++)
        if (!ds->entries[i].tombstone)
            OV_TRY(ov_segcache_slot(ds->cache, ds->entries[i].file, &ds->entries[i].slot, err));
    return OV_OK;
}

/* The same entry as the published snapshot has it; only the writer may rely on that. */
static const ov_segment_entry *entry_before(const ovi_datasource *ds, const ov_segment_entry *e)
{
    return ds && ds->entry_count ? bsearch(e, ds->entries, ds->entry_count, sizeof *e, cmp_entry) : NULL;
}

/* Superseded rows: as this change has written them, as they were, or from the database. */
static ov_status entry_dead(ov_catalog *cat, const ovi_datasource *was, ov_segment_entry *e, ov_error *err)
{
    const ovi_pending *now = ovi_pending_find(cat, e->file);
    const ov_segment_entry *before = now ? NULL : entry_before(was, e);
    ov_dead *d = NULL;
    if (now)
        d = ov_dead_retain(now->dead);
    else if (before)
        d = ov_dead_retain((ov_dead *)(uintptr_t)before->dead);
    else
        OV_TRY(ovi_marks_read(cat, e->file, e->info.rows, &d, err));
    e->dead = d;
    return OV_OK;
}

static ov_status take_dead(loader *l, ov_error *err)
{
    ovi_datasource *ds = l->ds;
    const ovi_datasource *was =
        l->cat->writer && l->cat->published ? ovi_snapshot_state(l->cat->published, ds->pub.name) : NULL;
    for (uint32_t i = 0; i < ds->entry_count; i++)
        if (!ds->entries[i].tombstone)
            OV_TRY(entry_dead(l->cat, was, &ds->entries[i], err));
    return OV_OK;
}

static ov_status fill_entries(loader *l, ovi_row *rows, ov_error *err)
{
    ovi_datasource *ds = l->ds;
    schema_memo memo[8] = {0};
    OV_TRY(ov_arena_zalloc(&l->scratch, l->n * sizeof(*ds->entries), &ds->entries, err));
    for (uint32_t i = 0; i < l->n; i++) {
        OV_TRY(entry_fill(l, &ds->entries[i], &rows[i], err));
        OV_TRY(entry_columns(l, &ds->entries[i], rows[i].schema, memo, err));
    }
    return OV_OK;
}

/* Entries come by seq; remember that order, then sort them. */
static ov_status order_entries(loader *l, ov_error *err)
{
    ovi_datasource *ds = l->ds;
    ov_segment_entry *sorted;
    OV_TRY(ov_arena_alloc(l->arena, l->n * sizeof(*sorted), &sorted, err));
    OV_TRY(ov_arena_alloc(&l->scratch, l->n * sizeof(*l->by_seq), &l->by_seq, err));
    memcpy(sorted, ds->entries, l->n * sizeof(*sorted));
    qsort(sorted, l->n, sizeof(*sorted), cmp_entry);
    for (uint32_t i = 0; i < l->n; i++)
        l->by_seq[i] = bsearch(&ds->entries[i], sorted, l->n, sizeof(*sorted), cmp_entry);
    ds->entries = sorted;
    ds->entry_count = l->n;
    return OV_OK;
}

static ov_status load_into(loader *l, const ovi_known *known, ov_error *err)
{
    ovi_row *rows;
    ov_interval ever = {INT64_MIN, INT64_MAX};
    OV_TRY(ov_arena_copy(l->arena, known->name, &l->ds->pub.name, err));
    OV_TRY(ovi_rows_select(l->cat, known->name, true, ever, &l->scratch, &rows, &l->n, err));
    OV_TRY(ovi_known_check_used(l->cat, known, rows, l->n, err));
    if (l->n == 0)
        return OV_OK;
    OV_TRY(fill_entries(l, rows, err));
    OV_TRY(order_entries(l, err));
    OV_TRY(take_slots(l->ds, err));
    OV_TRY(take_dead(l, err));
    OV_TRY(set_visible(l, err));
    OV_TRY(list_visible(l, err));
    return merge_columns(l, err);
}

ov_status ovi_datasource_load(ov_catalog *cat, const ovi_known *known, ovi_datasource **out, ov_error *err)
{
    ovi_datasource *ds = ov_calloc(1, sizeof(*ds));
    if (!ds)
        return ov_fail_nomem(err, sizeof(*ds));
    atomic_init(&ds->refs, 1);
    ds->cache = cat->cache;
    ds->change = (uint64_t)known->change;
    ov_arena_init(&ds->arena, "catalog", NULL);
    loader l = {.cat = cat, .ds = ds, .arena = &ds->arena};
    ov_arena_init(&l.scratch, "catalog load", NULL);
    ov_status st = load_into(&l, known, err);
    ov_arena_fini(&l.scratch);
    if (st != OV_OK || l.n == 0) {
        ovi_datasource_release(ds);
        ds = NULL;
    }
    *out = ds;
    return st;
}

void ovi_datasource_release(ovi_datasource *ds)
{
    if (!ds || atomic_fetch_sub_explicit(&ds->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < ds->entry_count; i++) {
        ov_segcache_slot_release(ds->cache, ds->entries[i].slot);
        ov_dead_release((ov_dead *)(uintptr_t)ds->entries[i].dead);
    }
    ovi_datasource_release(ds->base);
    ovi_live_set_release(ds->live);
    ov_arena_fini(&ds->arena);
    ov_free(ds);
}
