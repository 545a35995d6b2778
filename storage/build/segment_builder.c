/* A builder's life: batches are added to its columns, sealing makes a file or an image of them. Each step has a file of its own, see
 * storage/build/build_int.h. */
#include "storage/build/segment_builder.h"

#include "base/bits.h"
#include "base/buf.h"
#include "storage/build/build_int.h"

struct ov_segment_builder {
    ov_build_schema schema; /* texts and arrays in `arena` */
    ov_arena arena, scratch;
    ov_budget *budget;
    ovi_column *columns;
    uint32_t time_column;
    uint32_t rows;
    int64_t min_time, max_time;
    uint64_t *arrival; /* numbers of the rows, as added; in the file's order once sealed */
    size_t arrival_cap;
    uint64_t number; /* of the first row of the next batch */
    uint32_t batch_rows; /* of the batch at hand */
    uint32_t followed; /* blocks of the first sort column that are known to come one after the other */
    bool unordered;    /* some does not; of texts nobody knows before their dictionary is sorted */
    bool broken; /* an add failed half-way: columns differ in length */
    bool spent;  /* sealed, or tried to */
};

/* ---- life ---- */

ov_status ov_segment_builder_create(const ov_build_schema *schema, ov_budget *budget,
                                    ov_segment_builder **out, ov_error *err)
{
    uint32_t time_column = 0;
    OV_TRY(ovi_schema_check(schema, &time_column, err));
    ov_segment_builder *b = ov_calloc(1, sizeof *b);
    if (!b)
        return ov_fail_nomem(err, sizeof *b);
    b->budget = budget;
    b->time_column = time_column;
    b->min_time = INT64_MAX;
    b->max_time = INT64_MIN;
    ov_arena_init(&b->arena, "segment builder", budget);
    ov_arena_init(&b->scratch, "segment builder scratch", budget);
    ov_status st = ovi_schema_copy(schema, &b->arena, &b->schema, err);
    if (st == OV_OK)
        st =
            ov_arena_zalloc(&b->arena, schema->column_count * sizeof *b->columns, &b->columns, err);
    for (uint32_t i = 0; st == OV_OK && i < schema->column_count; i++)
        st = ovi_column_init(&b->columns[i], &b->schema.columns[i], budget, err);
    if (st != OV_OK) {
        ov_segment_builder_destroy(b);
        return st;
    }
    *out = b;
    return OV_OK;
}

void ov_segment_builder_destroy(ov_segment_builder *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; b->columns && i < b->schema.column_count; i++)
        ovi_column_fini(&b->columns[i]);
    ovi_shrink(&b->arrival, &b->arrival_cap, sizeof *b->arrival, b->budget);
    ov_arena_fini(&b->scratch);
    ov_arena_fini(&b->arena);
    ov_free(b);
}

uint32_t ov_segment_builder_rows(const ov_segment_builder *b)
{
    return b->rows;
}

size_t ov_segment_builder_bytes(const ov_segment_builder *b)
{
    size_t n = sizeof *b + b->arena.total_bytes + b->scratch.total_bytes + b->arrival_cap * sizeof *b->arrival;
    for (uint32_t i = 0; i < b->schema.column_count; i++)
        n += ovi_column_bytes(&b->columns[i]);
    return n;
}

size_t ov_segment_builder_sort_bytes(const ov_segment_builder *b)
{
    enum { ROW = 16, GROUP = 2 << 20 }; /* a row's key and its old and new place; a group of ties with its keys (build_sort.c) */
    return b->unordered ? (size_t)b->rows * ROW + GROUP : 0;
}

/* ---- adding ---- */

enum { FEW_ROWS = 16 }; /* less than one in so many of a batch */

/* Opens the time column and checks the selected rows against the chunk. */
static ov_status check_times(ov_segment_builder *b, const ov_vec *v, const uint32_t *rows,
                             uint32_t n, ov_vec *flat, ov_error *err)
{
    int64_t min = INT64_MAX, max = INT64_MIN;
    if (!ov_type_is_int(v->type))
        return ov_fail(err, OV_INTERNAL, "the time column of a batch is no LONG");
    OV_TRY(ov_vec_flatten(v, &b->scratch, flat, err));
    const int64_t *times = flat->data;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = rows ? rows[i] : i;
        if (flat->valid && !ov_bits_test(flat->valid, row))
            return ov_fail(err, OV_INTERNAL, "row %u of a batch has no time", row);
        min = OV_MIN(min, times[row]);
        max = OV_MAX(max, times[row]);
    }
    if (min < b->schema.start_ms || max >= b->schema.end_ms)
        return ov_fail(err, OV_INTERNAL,
                       "rows from %lld to %lld do not belong to the time chunk %lld to %lld",
                       (long long)min, (long long)max, (long long)b->schema.start_ms,
                       (long long)b->schema.end_ms);
    b->min_time = OV_MIN(b->min_time, min);
    b->max_time = OV_MAX(b->max_time, max);
    return OV_OK;
}

static ov_status note_arrival(ov_segment_builder *b, const uint32_t *rows, uint32_t n, ov_error *err)
{
    OV_TRY(ovi_grow(&b->arrival, &b->arrival_cap, (size_t)b->rows + n, sizeof *b->arrival, b->budget, err));
    for (uint32_t i = 0; i < n; i++)
        b->arrival[b->rows + i] = b->number - b->batch_rows + (rows ? rows[i] : i);
    return OV_OK;
}

void ov_segment_builder_at(ov_segment_builder *b, uint64_t number)
{
    b->number = number;
}

static ov_status add_columns(ov_segment_builder *b, const ov_batch *batch, const uint32_t *rows,
                             uint32_t n, ov_error *err)
{
    ov_vec time;
    OV_TRY(check_times(b, &batch->col[b->time_column], rows, n, &time, err));
    b->broken = true; /* until every column has its rows */
    for (uint32_t i = 0; i < b->schema.column_count; i++) {
        const ov_vec *v = i == b->time_column ? &time : &batch->col[i];
        ov_arena_mark mark = ov_arena_mark_get(&b->scratch);
        OV_TRY(ovi_column_append(&b->columns[i], v, rows, n, &b->scratch, err));
        ov_arena_rewind(&b->scratch, mark);
    }
    if (b->schema.arrival)
        OV_TRY(note_arrival(b, rows, n, err));
    b->broken = false;
    b->rows += n;
    return OV_OK;
}

static ov_status check_usable(const ov_segment_builder *b, ov_error *err)
{
    if (b->spent || b->broken)
        return ov_fail(err, OV_INTERNAL, "the segment builder was used after %s",
                       b->spent ? "it was sealed" : "a batch failed");
    return OV_OK;
}

static bool follows(const ovi_column *c, const ov_block_entry *before, const ov_block_entry *e)
{
    if (!(before->flags & e->flags & OV_BLOCK_BOUNDS))
        return false;
    return c->kind == OVI_INT ? e->min >= before->max : ov_f64_from_bits((uint64_t)e->min) >= ov_f64_from_bits((uint64_t)before->max);
}

/* Looks at the blocks that came since the last time. */
static void note_order(ov_segment_builder *b)
{
    const ovi_column *c = b->schema.sort_count ? &b->columns[b->schema.sort[0]] : NULL;
    if (!c || b->unordered)
        return;
    b->unordered = c->kind != OVI_INT && c->kind != OVI_REAL;
    for (; !b->unordered && b->followed < c->block_count; b->followed++)
        b->unordered = b->followed > 0 && !follows(c, &c->blocks[b->followed - 1].entry, &c->blocks[b->followed].entry);
}

ov_status ov_segment_builder_add(ov_segment_builder *b, const ov_batch *batch, ov_error *err)
{
    OV_TRY(check_usable(b, err));
    if (batch->cols != b->schema.column_count || batch->weight || batch->rows > OV_BATCH_ROWS)
        return ov_fail(err, OV_INTERNAL,
                       "a batch of %u columns, %u rows does not fit a segment of %u columns",
                       batch->cols, batch->rows, b->schema.column_count);
    uint32_t n = batch->rows;
    const uint32_t *rows = NULL;
    b->number += batch->rows; /* of what comes after it */
    b->batch_rows = batch->rows;
    ov_arena_reset(&b->scratch);
    if (batch->sel) {
        uint32_t *rows_at;
        OV_TRY(ov_arena_alloc(&b->scratch, (size_t)OV_BATCH_ROWS * sizeof *rows_at, &rows_at, err));
        n = (uint32_t)ov_bits_indices(batch->sel, batch->rows, rows_at);
        rows = n == batch->rows ? NULL : rows_at;
    }
    if (n == 0)
        return OV_OK;
    if (n > OV_SEG_MAX_ROWS - b->rows)
        return ov_fail(
            err, OV_LIMIT,
            "a segment holds at most %u rows: use shorter time chunks or more partitions",
            OV_SEG_MAX_ROWS);
    OV_TRY(add_columns(b, batch, rows, n, err));
    note_order(b);
    if (n <= OV_BATCH_ROWS / FEW_ROWS)
        ov_arena_fini(&b->scratch); /* a batch for thousands of builders: they keep their rows and nothing else */
    return OV_OK;
}

/* ---- sealing ---- */

/* What sealing makes of each column on the way to the file. */
typedef struct sealed {
    ovi_sorted *sorted, *elems; /* by column; zero for number columns */
    ovi_file_column *files;
    ovi_paths *paths;
} sealed;

static ov_status alloc_sealed(ov_segment_builder *b, sealed *s, ov_error *err)
{
    size_t n = b->schema.column_count;
    OV_TRY(ov_arena_zalloc(&b->arena, n * sizeof *s->sorted, &s->sorted, err));
    OV_TRY(ov_arena_zalloc(&b->arena, n * sizeof *s->elems, &s->elems, err));
    OV_TRY(ov_arena_zalloc(&b->arena, n * sizeof *s->paths, &s->paths, err));
    return ov_arena_zalloc(&b->arena, n * sizeof *s->files, &s->files, err);
}

static void free_sealed(ov_segment_builder *b, sealed *s)
{
    for (uint32_t i = 0; s->sorted && s->elems && i < b->schema.column_count; i++) {
        ovi_sorted_fini(&s->sorted[i], b->budget);
        ovi_sorted_fini(&s->elems[i], b->budget);
    }
}

static ov_status sort_dictionary(ov_segment_builder *b, sealed *s, uint32_t i, ov_error *err)
{
    ovi_column *c = &b->columns[i];
    if (c->def.type.multi && ovi_column_is_single(c))
        ovi_column_make_single(c);
    if (ov_type_is_list(c->def.type))
        return ovi_sort_lists(c, &s->elems[i], &s->sorted[i], err);
    return ovi_sort_values(&c->dict, OVI_VALUE_BYTES, c->nulls > 0, b->budget, &s->sorted[i], err);
}

/* Of values in a dictionary that roll-up folds: only then is it known which stay. */
static bool folds_codes(const ov_segment_builder *b, uint32_t column)
{
    return b->schema.rollup && b->schema.columns[column].role == OV_ROLE_METRIC && b->columns[column].kind == OVI_CODE;
}

static ov_status sort_dictionaries(ov_segment_builder *b, sealed *s, ov_error *err)
{
    for (uint32_t i = 0; i < b->schema.column_count; i++) {
        ovi_column *c = &b->columns[i];
        OV_TRY(ovi_column_flush(c, err));
        ovi_remaps_fini(&c->remaps, b->budget);
        ovi_remaps_fini(&c->elem_remaps, b->budget);
        ovi_shrink(&c->active, &c->active_cap, sizeof *c->active, b->budget);
        if (c->kind == OVI_CODE && !folds_codes(b, i))
            OV_TRY(sort_dictionary(b, s, i, err));
    }
    return OV_OK;
}

static ovi_key key_of(const ov_segment_builder *b, const sealed *s, uint32_t column)
{
    return (ovi_key){.column = &b->columns[column],
                     .rank = s->sorted[column].rank,
                     .rank_count = s->sorted[column].count};
}

/* Sort columns first; roll-up adds what is left of time and dimensions, so that equal rows become
 * neighbours. */
static ov_status order_rows(ov_segment_builder *b, const sealed *s, ovi_order *order, ov_error *err)
{
    ovi_key *keys;
    bool *used;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(&b->arena, b->schema.column_count * sizeof *keys, &keys, err));
    OV_TRY(ov_arena_zalloc(&b->arena, b->schema.column_count * sizeof *used, &used, err));
    for (uint32_t i = 0; i < b->schema.sort_count; i++) {
        keys[n++] = key_of(b, s, b->schema.sort[i]);
        used[b->schema.sort[i]] = true;
    }
    for (uint32_t i = 0; b->schema.rollup && i < b->schema.column_count; i++)
        if (!used[i] && b->schema.columns[i].role != OV_ROLE_METRIC)
            keys[n++] = key_of(b, s, i);
    return ovi_order_find(keys, n, b->rows, b->schema.rollup, b->budget, order, err);
}

static ov_status reorder_arrival(ov_segment_builder *b, const uint32_t *perm, ov_error *err)
{
    uint64_t *sorted = NULL;
    size_t cap = 0;
    OV_TRY(ovi_grow(&sorted, &cap, b->rows, sizeof *sorted, b->budget, err));
    for (uint32_t i = 0; i < b->rows; i++)
        sorted[i] = b->arrival[perm[i]];
    ovi_shrink(&b->arrival, &b->arrival_cap, sizeof *b->arrival, b->budget);
    b->arrival = sorted;
    b->arrival_cap = cap;
    return OV_OK;
}

uint64_t *ov_segment_builder_take_arrival(ov_segment_builder *b)
{
    uint64_t *taken = b->arrival;
    ov_budget_release(b->budget, b->arrival_cap * sizeof *b->arrival);
    b->arrival = NULL;
    b->arrival_cap = 0;
    return taken;
}

static ov_status reorder_columns(ov_segment_builder *b, sealed *s, ov_error *err)
{
    ovi_order order;
    OV_TRY(order_rows(b, s, &order, err));
    ov_status st = OV_OK;
    if (order.perm || order.starts)
        for (uint32_t i = 0; i < b->schema.column_count && st == OV_OK; i++) {
            bool fold = order.starts && folds_codes(b, i);
            st = fold ? ovi_column_fold(&b->columns[i], &order, err) : ovi_column_reorder(&b->columns[i], &order, err);
            ovi_shrink(&b->columns[i].active, &b->columns[i].active_cap, sizeof(int64_t),
                       b->budget);
        }
    for (uint32_t i = 0; i < b->schema.column_count && st == OV_OK; i++)
        if (folds_codes(b, i))
            st = sort_dictionary(b, s, i, err);
    if (st == OV_OK && order.perm && b->arrival)
        st = reorder_arrival(b, order.perm, err);
    b->rows = order.rows;
    ovi_order_fini(&order, b->budget);
    return st;
}

/* ---- the file ---- */

static bool is_json(ov_type t)
{
    return t.id == OV_TYPE_COMPLEX && t.complex == OV_COMPLEX_JSON;
}

static bool has_ramps(const ovi_column *c)
{
    for (uint32_t b = 0; b < c->block_count; b++)
        if (c->blocks[b].entry.shape == OV_BLOCK_RAMP)
            return true;
    return false;
}

/* Sub-columns of JSON columns are made later, and may have ramps. */
static uint16_t minor_version(const ov_segment_builder *b)
{
    for (uint32_t i = 0; i < b->schema.column_count; i++)
        if (is_json(b->schema.columns[i].type) || has_ramps(&b->columns[i]))
            return OV_SEG_MINOR;
    return 0; /* nothing in it that 1.0 does not know */
}

/* Sub-columns make queries faster and nothing else: where their making does not fit into the memory, there are none. */
static ov_status write_paths(ov_segment_builder *b, ovi_writer *w, uint32_t column, ovi_paths *p, ov_error *err)
{
    if (!is_json(b->columns[column].def.type))
        return OV_OK;
    ov_status st = ovi_paths_build(&b->columns[column], &b->arena, p, err);
    if (st == OV_LIMIT) {
        *err = (ov_error)OV_ERROR_INIT;
        return OV_OK;
    }
    OV_TRY(st);
    p->present = true;
    return ovi_paths_write(w, p, err);
}

static ov_status write_column(ov_segment_builder *b, sealed *s, ovi_writer *w, uint32_t i, ovi_givers *givers, ov_error *err)
{
    OV_TRY(ovi_write_column(w, &b->columns[i], &s->sorted[i], &s->elems[i], givers, &s->files[i], err));
    return write_paths(b, w, i, &s->paths[i], err);
}

/* path NULL: into memory, the result goes to *image. */
static ov_status write_file(ov_segment_builder *b, sealed *s, const char *path, void **image, uint64_t *bytes,
                            ov_error *err)
{
    ovi_writer w;
    ov_buf directory;
    ov_buf_init(&directory);
    uint16_t minor = minor_version(b);
    ovi_givers givers;
    ovi_givers_init(&givers, b->columns, s->sorted, b->schema.column_count, b->rows);
    ov_status st = path ? ovi_writer_open(&w, path, minor, b->budget, err)
                        : ovi_writer_open_image(&w, minor, b->budget, err);
    for (uint32_t i = 0; st == OV_OK && i < b->schema.column_count; i++) {
        st = write_column(b, s, &w, i, &givers, err);
        if (!ovi_column_gives(&b->columns[i], &s->sorted[i]))
            ovi_column_fini(&b->columns[i]); /* definition and counts stay for the directory */
    }
    for (uint32_t i = 0; i < b->schema.column_count; i++)
        if (ovi_column_gives(&b->columns[i], &s->sorted[i]))
            ovi_column_fini(&b->columns[i]);
    if (st == OV_OK) {
        ovi_directory d = {.schema = &b->schema,
                           .rows = b->rows,
                           .min_time = b->min_time,
                           .max_time = b->max_time,
                           .files = s->files,
                           .paths = s->paths};
        ovi_directory_put(&directory, &d);
        st = ov_buf_check(&directory, err);
    }
    if (st == OV_OK)
        st = ovi_writer_finish(&w, ov_buf_slice(&directory), bytes, err);
    if (st == OV_OK && !path) {
        *image = w.image;
        w.image = NULL;
    }
    ovi_writer_fini(&w);
    ov_buf_fini(&directory);
    return st;
}

static ov_status fill_info(const ov_segment_builder *b, ov_arena *out, ov_segment_info *info,
                           ov_error *err)
{
    *info = (ov_segment_info){.start_ms = b->schema.start_ms,
                              .end_ms = b->schema.end_ms,
                              .partition = b->schema.partition,
                              .rows = b->rows,
                              .min_time = b->rows ? b->min_time : 0,
                              .max_time = b->rows ? b->max_time : -1};
    OV_TRY(ov_arena_copy(out, b->schema.datasource, &info->datasource, err));
    return ov_arena_copy(out, b->schema.version, &info->version, err);
}

bool ov_segment_builder_is_multi(const ov_segment_builder *b, uint32_t col)
{
    const ovi_column *c = &b->columns[col];
    return c->def.type.multi && (b->spent || !ovi_column_is_single(c));
}

static ov_status seal(ov_segment_builder *b, const char *path, void **image, uint64_t *bytes, ov_arena *out,
                      ov_segment_info *info, ov_error *err)
{
    sealed s = {0};
    ov_status st;
    OV_TRY(check_usable(b, err));
    b->spent = true;
    ov_arena_fini(&b->scratch);
    OV_TRY_OUT(st, alloc_sealed(b, &s, err));
    OV_TRY_OUT(st, sort_dictionaries(b, &s, err));
    OV_TRY_OUT(st, reorder_columns(b, &s, err));
    if (info)
        OV_TRY_OUT(st, fill_info(b, out, info, err)); /* nothing may fail once the file is there */
    OV_TRY_OUT(st, write_file(b, &s, path, image, bytes, err));
    if (info)
        info->bytes = *bytes;
out:
    free_sealed(b, &s);
    return st;
}

ov_status ov_segment_builder_seal(ov_segment_builder *b, const char *path, ov_arena *out,
                                  ov_segment_info *info, ov_error *err)
{
    uint64_t bytes;
    return seal(b, path, NULL, &bytes, out, info, err);
}

ov_status ov_segment_builder_seal_image(ov_segment_builder *b, void **image, size_t *bytes, ov_error *err)
{
    uint64_t n = 0;
    ov_status st = seal(b, NULL, image, &n, NULL, NULL, err);
    *bytes = (size_t)n;
    return st;
}
