/*
 * For tests of the executor: a table of a few segments in a temporary folder, plans from short texts, results as
 * text lines. Filters and expressions are written as in expr_lib.h; $n is column n below.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/expr_lib.h"

#include "base/bits.h"
#include "base/numfmt.h"
#include "base/pool.h"
#include "query/exec/exec.h"
#include "storage/build/segment_builder.h"
#include "storage/catalog/catalog.h"

enum { COL_TIME, COL_SENSOR, COL_CITY, COL_KIND, COL_N, COL_M, COL_X, COL_PATH, EXEC_COLUMNS };

static const lib_column exec_columns[EXEC_COLUMNS] = {
    {{.id = OV_TYPE_LONG}, OV_SQL_TIMESTAMP}, {{.id = OV_TYPE_STRING}, OV_SQL_VARCHAR},
    {{.id = OV_TYPE_STRING}, OV_SQL_VARCHAR}, {{.id = OV_TYPE_STRING}, OV_SQL_VARCHAR},
    {{.id = OV_TYPE_LONG}, OV_SQL_BIGINT},    {{.id = OV_TYPE_LONG}, OV_SQL_BIGINT},
    {{.id = OV_TYPE_DOUBLE}, OV_SQL_DOUBLE},  {{.id = OV_TYPE_STRING}, OV_SQL_VARCHAR},
};
static const char *const exec_names[EXEC_COLUMNS] = {"__time", "sensor", "city", "kind", "n", "m", "x", "path"};

#define EXEC_START INT64_C(1678233600000) /* 2023-03-08 */
#define EXEC_DAY INT64_C(86400000)

typedef struct exec_table {
    char dir[64];
    ov_budget budget;
    ov_catalog *cat;
    ov_snapshot *snap;
    const ov_datasource *ds;
    ov_arena arena;
    ov_expr_ctx cx;
    ov_spill_area *spill; /* given to every query */
} exec_table;

static inline uint64_t exec_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545F4914F6CDD1Dull >> 16;
}

/* ---- rows ---- */

typedef struct exec_rows {
    uint32_t count;
    int64_t *time, *n, *m;
    double *x;
    ov_slice *sensor, *city, *kind, *path;
    uint64_t *city_valid, *m_valid, *x_valid;
} exec_rows;

static inline void *exec_lanes(ov_arena *a, size_t bytes)
{
    ov_error err = OV_ERROR_INIT;
    void *p;
    check_ok(ov_arena_lanes(a, bytes + 64, &p, &err), &err);
    memset(p, 0, bytes + 64);
    return p;
}

static inline ov_slice exec_text(ov_arena *a, const char *prefix, unsigned v)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice s;
    char buf[64];
    snprintf(buf, sizeof(buf), "%s%u", prefix, v);
    check_ok(ov_arena_copy(a, ov_slice_cstr(buf), &s, &err), &err);
    return s;
}

/* Every tick of a minute has all sensors in the same order, as real sensor tables do: step 1 is that of their names.
 * Now and then one is missing. */
static inline exec_rows exec_make(ov_arena *a, uint32_t count, uint32_t sensors, uint32_t step, int64_t start,
                                  uint64_t seed)
{
    uint32_t padded = count + 64;
    exec_rows r = {.count = count,
                   .time = exec_lanes(a, padded * 8),
                   .n = exec_lanes(a, padded * 8),
                   .m = exec_lanes(a, padded * 8),
                   .x = exec_lanes(a, padded * 8),
                   .sensor = exec_lanes(a, padded * sizeof(ov_slice)),
                   .city = exec_lanes(a, padded * sizeof(ov_slice)),
                   .kind = exec_lanes(a, padded * sizeof(ov_slice)),
                   .path = exec_lanes(a, padded * sizeof(ov_slice)),
                   .city_valid = exec_lanes(a, padded / 8 + 8),
                   .m_valid = exec_lanes(a, padded / 8 + 8),
                   .x_valid = exec_lanes(a, padded / 8 + 8)};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t z = exec_random(&seed);
        r.time[i] = start + (int64_t)(i / sensors) * 60000;
        uint32_t at = i % sensors == 77 && i / sensors % 5 == 2 ? 78 : i % sensors;
        r.sensor[i] = exec_text(a, "ST-", 1000 + at * step % sensors);
        r.city[i] = exec_text(a, "city ", (unsigned)(z % 7 * (z >> 8 & 7)));
        r.kind[i] = exec_text(a, "k", (unsigned)(i / 3000 % 3));
        r.path[i] = exec_text(a, "/p/", (unsigned)(z >> 4 & 0x3FFF));
        r.n[i] = (int64_t)(z >> 20 & 15);
        r.m[i] = (int64_t)(z >> 24 & 0xFFFFFFFFFF) - (INT64_C(1) << 39);
        r.x[i] = (double)((int64_t)(z >> 30 & 0xFFF) - 1000) / 4;
        ov_bits_put(r.city_valid, i, z >> 40 & 15);
        ov_bits_put(r.m_valid, i, z >> 44 & 7);
        ov_bits_put(r.x_valid, i, z >> 48 & 31);
        if (!(z >> 40 & 15))
            r.city[i] = (ov_slice){0};
    }
    return r;
}

typedef struct exec_shape {
    const uint32_t *sort;
    uint32_t sort_count;
    bool old; /* the schema of an older time: no x, n was a DOUBLE */
} exec_shape;

/* Seals one segment; returns its entry for the commit. */
static inline void exec_segment(exec_table *t, const exec_rows *r, const exec_shape *shape, int64_t start,
                                int64_t end, ov_new_segment *out)
{
    ov_error err = OV_ERROR_INIT;
    ov_build_column *cols = exec_lanes(&t->arena, EXEC_COLUMNS * sizeof(*cols));
    ov_schema_column *schema = exec_lanes(&t->arena, EXEC_COLUMNS * sizeof(*schema));
    ov_vec vecs[EXEC_COLUMNS];
    uint32_t n = 0;
    for (uint32_t c = 0; c < EXEC_COLUMNS; c++) {
        if (shape->old && c == COL_X)
            continue;
        ov_type type = exec_columns[c].type;
        const void *data = c == COL_TIME     ? (const void *)r->time
                           : c == COL_SENSOR ? (const void *)r->sensor
                           : c == COL_CITY   ? (const void *)r->city
                           : c == COL_KIND   ? (const void *)r->kind
                           : c == COL_N      ? (const void *)r->n
                           : c == COL_M      ? (const void *)r->m
                           : c == COL_X      ? (const void *)r->x
                                             : (const void *)r->path;
        const uint64_t *valid = c == COL_CITY ? r->city_valid : c == COL_M ? r->m_valid : c == COL_X ? r->x_valid : NULL;
        if (shape->old && c == COL_N) {
            double *as_double = exec_lanes(&t->arena, (r->count + 64) * 8);
            for (uint32_t i = 0; i < r->count; i++)
                as_double[i] = (double)r->n[i];
            data = as_double;
            type = OV_T(OV_TYPE_DOUBLE);
        }
        uint8_t role = c == COL_TIME ? OV_ROLE_TIME : type.id == OV_TYPE_STRING ? OV_ROLE_DIMENSION : OV_ROLE_METRIC;
        cols[n] = (ov_build_column){.name = ov_slice_cstr(exec_names[c]),
                                    .type = type,
                                    .role = role,
                                    .indexed = type.id == OV_TYPE_STRING && c != COL_PATH};
        schema[n] = (ov_schema_column){.name = cols[n].name, .type = type, .role = role};
        vecs[n] = ov_vec_flat(type, data, valid, r->count);
        n++;
    }
    ov_build_schema s = {.datasource = OV_SLICE_LIT("t"),
                         .start_ms = start,
                         .end_ms = end,
                         .version = OV_SLICE_LIT("2023-01-01T00:00:00.000Z"),
                         .columns = cols,
                         .column_count = n,
                         .sort = shape->sort,
                         .sort_count = shape->sort_count};
    ov_segment_builder *b;
    check_ok(ov_segment_builder_create(&s, &t->budget, &b, &err), &err);
    for (uint32_t from = 0; from < r->count; from += OV_BATCH_ROWS) {
        ov_vec part[EXEC_COLUMNS];
        uint32_t rows = OV_MIN(r->count - from, (uint32_t)OV_BATCH_ROWS);
        for (uint32_t c = 0; c < n; c++) {
            part[c] = vecs[c];
            part[c].rows = rows;
            part[c].data = (const char *)vecs[c].data + (size_t)from * vecs[c].lane;
            part[c].valid = vecs[c].valid ? vecs[c].valid + from / 64 : NULL;
        }
        ov_batch batch = {.rows = rows, .cols = n, .col = part, .sel_rows = rows};
        check_ok(ov_segment_builder_add(b, &batch, &err), &err);
    }
    ov_slice path;
    check_ok(ov_catalog_tmp_path(t->cat, &t->arena, &path, &err), &err);
    *out = (ov_new_segment){.tmp_path = path.p, .columns = schema, .column_count = n};
    check_ok(ov_segment_builder_seal(b, path.p, &t->arena, &out->info, &err), &err);
    ov_segment_builder_destroy(b);
}

static inline void exec_open(exec_table *t)
{
    ov_error err = OV_ERROR_INIT;
    memset(t, 0, sizeof(*t));
    strcpy(t->dir, "/tmp/ov_exec_XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    ov_budget_init(&t->budget, "test", (size_t)2 << 30, NULL);
    ov_arena_init(&t->arena, "test", NULL);
    t->cx = (ov_expr_ctx){.arena = &t->arena, .now_ms = EXEC_START};
    check_ok(ov_catalog_open(t->dir, true, &t->cat, &err), &err);
}

static inline void exec_commit(exec_table *t, ov_new_segment *segs, uint32_t count)
{
    ov_error err = OV_ERROR_INIT;
    ov_commit commit = {.mode = OV_PUBLISH_REPLACE, .segments = segs, .segment_count = count};
    check_ok(ov_catalog_commit(t->cat, &commit, &t->arena, &err), &err);
    if (t->snap)
        ov_snapshot_release(t->snap);
    t->snap = ov_catalog_snapshot(t->cat);
    t->ds = ov_snapshot_find(t->snap, OV_SLICE_LIT("t"));
    assert_non_null(t->ds);
}

static inline void exec_close(exec_table *t)
{
    char command[128];
    ov_snapshot_release(t->snap);
    ov_catalog_close(t->cat);
    ov_arena_fini(&t->arena);
    snprintf(command, sizeof(command), "rm -rf %s", t->dir);
    assert_int_equal(system(command), 0);
}

/* ---- plans ---- */

static inline const ov_expr *exec_expr(exec_table *t, const char *text)
{
    ov_error err = OV_ERROR_INIT;
    const ov_expr *e;
    if (!text)
        return NULL;
    check_ok(lib_parse(text, &t->cx, exec_columns, &e, &err), &err);
    return e;
}

static inline ov_plan *exec_node(exec_table *t, ov_plan_kind kind, const ov_plan *input)
{
    ov_plan *p = exec_lanes(&t->arena, sizeof(*p));
    p->kind = (uint8_t)kind;
    if (input) {
        p->inputs = exec_lanes(&t->arena, sizeof(input));
        p->inputs[0] = input;
        p->input_count = 1;
        p->fields = input->fields;
        p->field_count = input->field_count;
    }
    return p;
}

/* from, to: of __time in ms, INT64_MIN and INT64_MAX when open; residual: the rest of the filter, or NULL. */
static inline ov_plan *exec_scan(exec_table *t, int64_t from, int64_t to, const char *residual)
{
    ov_error err = OV_ERROR_INIT;
    ov_plan *p = exec_node(t, OV_PLAN_SCAN, NULL);
    ov_field *fields = exec_lanes(&t->arena, EXEC_COLUMNS * sizeof(*fields));
    uint32_t *columns = exec_lanes(&t->arena, EXEC_COLUMNS * sizeof(*columns));
    ov_time_range *range = exec_lanes(&t->arena, sizeof(*range));
    for (uint32_t c = 0; c < EXEC_COLUMNS; c++) {
        fields[c] = (ov_field){.name = ov_slice_cstr(exec_names[c]),
                               .type = exec_columns[c].type,
                               .sql = (uint8_t)exec_columns[c].sql,
                               .nullable = c != COL_TIME};
        for (uint32_t i = 0; i < t->ds->column_count; i++)
            if (ov_slice_eq(t->ds->columns[i].name, fields[c].name))
                columns[c] = i;
    }
    *range = (ov_time_range){from, to};
    p->fields = fields;
    p->field_count = EXEC_COLUMNS;
    p->scan.datasource = t->ds;
    p->scan.columns = columns;
    p->scan.ranges = range;
    p->scan.range_count = 1;
    p->scan.residual = exec_expr(t, residual);
    p->scan.filter = p->scan.residual;
    if (from == INT64_MIN && to == INT64_MAX)
        return p;
    const ov_expr *time, *low, *high, *args[2], *parts[3];
    check_ok(ov_expr_column(&t->cx, COL_TIME, OV_T(OV_TYPE_LONG), OV_SQL_TIMESTAMP, false, &time, &err), &err);
    check_ok(ov_expr_i64(&t->cx, OV_SQL_TIMESTAMP, from, &low, &err), &err);
    check_ok(ov_expr_i64(&t->cx, OV_SQL_TIMESTAMP, to, &high, &err), &err);
    args[0] = time;
    args[1] = low;
    check_ok(ov_expr_call(&t->cx, OV_SLICE_LIT(">="), args, 2, 0, 0, &parts[0], &err), &err);
    args[1] = high;
    check_ok(ov_expr_call(&t->cx, OV_SLICE_LIT("<"), args, 2, 0, 0, &parts[1], &err), &err);
    parts[2] = p->scan.residual;
    check_ok(ov_expr_call(&t->cx, OV_SLICE_LIT("AND"), parts, residual ? 3 : 2, 0, 0, &p->scan.filter, &err), &err);
    p->scan.filter_is_ranges = !residual;
    return p;
}

static inline ov_plan *exec_project(exec_table *t, const ov_plan *input, const char *const *texts, uint32_t n)
{
    ov_plan *p = exec_node(t, OV_PLAN_PROJECT, input);
    ov_field *fields = exec_lanes(&t->arena, n * sizeof(*fields));
    const ov_expr **exprs = exec_lanes(&t->arena, n * sizeof(*exprs));
    for (uint32_t i = 0; i < n; i++) {
        exprs[i] = exec_expr(t, texts[i]);
        fields[i] = (ov_field){.type = exprs[i]->type, .sql = exprs[i]->sql, .nullable = exprs[i]->nullable};
    }
    p->fields = fields;
    p->field_count = n;
    p->project.exprs = exprs;
    return p;
}

/* An aggregate is "NAME(expr)", "NAME(DISTINCT expr)", "COUNT()", with " FILTER expr" behind it. */
static inline ov_agg_call exec_agg(exec_table *t, const char *text)
{
    ov_error err = OV_ERROR_INIT;
    char buf[512];
    const ov_expr *args[4], *filter = NULL;
    uint32_t argc = 0;
    assert_true(strlen(text) < sizeof(buf));
    strcpy(buf, text);
    char *where = strstr(buf, " FILTER ");
    if (where) {
        *where = 0;
        filter = exec_expr(t, where + 8);
    }
    char *open = strchr(buf, '('), *close = strrchr(buf, ')'), *inside = open + 1;
    *open = *close = 0;
    bool distinct = strncmp(inside, "DISTINCT ", 9) == 0;
    if (distinct)
        inside += 9;
    char *second = strstr(inside, ", $0"); /* the time of EARLIEST and LATEST */
    if (second)
        *second = 0;
    if (*inside)
        args[argc++] = exec_expr(t, inside);
    if (second)
        args[argc++] = exec_expr(t, "$0");
    ov_agg_call call;
    check_ok(ov_agg_bind(&t->cx, ov_slice_cstr(buf), args, argc, distinct, filter, 0, 0, &call, &err), &err);
    return call;
}

static inline ov_plan *exec_aggregate(exec_table *t, const ov_plan *input, const char *const *keys,
                                      uint32_t key_count, const char *const *aggs, uint32_t agg_count)
{
    ov_plan *p = exec_node(t, OV_PLAN_AGGREGATE, input);
    ov_field *fields = exec_lanes(&t->arena, (key_count + agg_count + 1) * sizeof(*fields));
    const ov_expr **exprs = exec_lanes(&t->arena, (key_count + 1) * sizeof(*exprs));
    ov_agg_call *calls = exec_lanes(&t->arena, (agg_count + 1) * sizeof(*calls));
    for (uint32_t i = 0; i < key_count; i++) {
        exprs[i] = exec_expr(t, keys[i]);
        fields[i] = (ov_field){.type = exprs[i]->type, .sql = exprs[i]->sql, .nullable = exprs[i]->nullable};
    }
    for (uint32_t i = 0; i < agg_count; i++) {
        calls[i] = exec_agg(t, aggs[i]);
        fields[key_count + i] = (ov_field){.type = calls[i].type, .sql = calls[i].sql, .nullable = calls[i].nullable};
    }
    p->fields = fields;
    p->field_count = key_count + agg_count;
    p->aggregate.keys = exprs;
    p->aggregate.key_count = key_count;
    p->aggregate.aggs = calls;
    p->aggregate.agg_count = agg_count;
    return p;
}

/* order: columns, descending ones as -1 - column. */
static inline ov_plan *exec_sort(exec_table *t, const ov_plan *input, const int *order, uint32_t n, uint64_t limit,
                                 uint64_t offset)
{
    ov_plan *p = exec_node(t, OV_PLAN_SORT, input);
    ov_sort_key *keys = exec_lanes(&t->arena, n * sizeof(*keys));
    for (uint32_t i = 0; i < n; i++)
        keys[i] = (ov_sort_key){.column = (uint32_t)(order[i] < 0 ? -1 - order[i] : order[i]),
                                .descending = order[i] < 0,
                                .nulls_first = order[i] >= 0};
    p->sort.keys = keys;
    p->sort.key_count = n;
    p->sort.limit = limit;
    p->sort.offset = offset;
    return p;
}

static inline ov_plan *exec_limit(exec_table *t, const ov_plan *input, uint64_t limit, uint64_t offset)
{
    ov_plan *p = exec_node(t, OV_PLAN_LIMIT, input);
    p->limit.limit = limit;
    p->limit.offset = offset;
    return p;
}

/* ---- running ---- */

typedef struct exec_result {
    ov_buf text;
    uint64_t rows;
} exec_result;

static inline ov_status exec_rows_to_text(void *self, const ov_batch *b, ov_error *err)
{
    exec_result *r = self;
    (void)err;
    assert_true(b->rows <= OV_BATCH_ROWS);
    for (uint32_t i = 0; i < b->rows; i++) {
        if (b->sel && !ov_bits_test(b->sel, i))
            continue;
        for (uint32_t c = 0; c < b->cols; c++) {
            const ov_vec *v = &b->col[c];
            assert_int_equal(v->rows, b->rows);
            if (c)
                ov_buf_add_char(&r->text, '|');
            if (ov_vec_is_null(v, i))
                ov_buf_add_str(&r->text, "NULL");
            else if (ov_type_is_int(v->type))
                ov_buf_add_i64(&r->text, ov_vec_i64(v, i));
            else if (ov_type_is_real(v->type))
                ov_buf_add_double(&r->text, ov_vec_f64(v, i));
            else
                ov_buf_add_slice(&r->text, ov_vec_str(v, i));
        }
        ov_buf_add_char(&r->text, '\n');
        r->rows++;
    }
    return OV_OK;
}

static inline ov_status exec_try(exec_table *t, const ov_plan *plan, ov_exec_options options, ov_pool *pool,
                                 size_t budget, ov_exec_stats *stats, exec_result *out, ov_error *err)
{
    ov_query_ctx *cx = calloc(1, sizeof(*cx));
    ov_buf_init(&out->text);
    out->rows = 0;
    ov_budget_init(&cx->budget, "query", budget, NULL);
    ov_arena_init(&cx->arena, "query", &cx->budget);
    cx->snapshot = t->snap;
    cx->pool = pool;
    cx->options = options;
    cx->spill = t->spill;
    ov_result_sink sink = {.rows = exec_rows_to_text, .self = out};
    ov_status st = ov_exec_run(plan, cx, &sink, err);
    ov_arena_fini(&cx->arena);
    if (stats)
        memcpy(stats, &cx->stats, sizeof(*stats));
    assert_int_equal(cx->budget.used, 0);
    free(cx);
    return st;
}

static inline exec_result exec_run(exec_table *t, const ov_plan *plan, ov_exec_options options, ov_pool *pool)
{
    ov_error err = OV_ERROR_INIT;
    exec_result out;
    check_ok(exec_try(t, plan, options, pool, (size_t)1 << 30, NULL, &out, &err), &err);
    return out;
}

/* A table of two segments of two days each, every sensor once a step, and a pool of three. */
static inline void exec_open_two(exec_table *t, const exec_shape *shape, uint32_t rows, uint32_t sensors, uint32_t seed, ov_pool **pool)
{
    ov_error err = OV_ERROR_INIT;
    ov_new_segment segs[2];
    exec_open(t);
    check_ok(ov_pool_create(3, "test", pool, &err), &err);
    for (uint32_t i = 0; i < 2; i++) {
        int64_t start = EXEC_START + i * 2 * EXEC_DAY;
        exec_rows made = exec_make(&t->arena, rows, sensors, 1, start, seed + i);
        exec_segment(t, &made, shape, start, start + 2 * EXEC_DAY, &segs[i]);
    }
    exec_commit(t, segs, 2);
}

/* The plan under each of n settings gives the bytes of the general path with one worker. */
static inline void exec_same(exec_table *t, const ov_plan *plan, ov_pool *pool, const ov_exec_options *settings, size_t n, const char *what)
{
    exec_result want = exec_run(t, plan, (ov_exec_options){.workers = 1, .general_only = true}, NULL);
    for (size_t i = 0; i < n; i++) {
        exec_result got = exec_run(t, plan, settings[i], pool);
        if (!ov_slice_eq(ov_buf_slice(&want.text), ov_buf_slice(&got.text)))
            fail_msg("%s: setting %zu differs:\n%.900s\n--- fast\n%.900s", what, i, ov_buf_cstr(&want.text), ov_buf_cstr(&got.text));
        ov_buf_fini(&got.text);
    }
    ov_buf_fini(&want.text);
}
