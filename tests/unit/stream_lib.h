/*
 * What the tests of streams share: a folder with its catalog and streams, rows {"n": 1 .. N} in, and what a snapshot holds of them, so
 * that a count and a sum tell whether every row is there once.
 */
#pragma once

#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "ingest/stream/stream.h"

static ov_error err;
#define OK(expr) check_ok(expr, &err)

typedef struct world {
    char dir[64];
    ov_catalog *cat;
    ov_streams *streams;
    ov_arena arena;
} world;

static inline void start(world *w, ov_streams_config config)
{
    err = (ov_error)OV_ERROR_INIT;
    OK(ov_catalog_open(w->dir, true, &w->cat, &err));
    config.catalog = w->cat;
    OK(ov_streams_create(&config, &w->streams, &err));
}

static inline void stop(world *w)
{
    ov_streams_destroy(w->streams);
    ov_catalog_close(w->cat);
    w->streams = NULL;
    w->cat = NULL;
}

static const ov_streams_config quiet = {.paused = true, .log_file_bytes = 16 << 10};

static inline void world_init(world *w, ov_streams_config config)
{
    memset(w, 0, sizeof *w);
    strcpy(w->dir, "/tmp/ovate-stream-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    ov_arena_init(&w->arena, "test", NULL);
    start(w, config);
}

static inline void world_fini(world *w)
{
    stop(w);
    OK(ov_dir_remove_all(w->dir, &err));
    ov_arena_fini(&w->arena);
}

static inline void again(world *w)
{
    stop(w);
    start(w, quiet);
}

/* ---- rows in ---- */

static inline ov_status push_text(world *w, const char *datasource, const char *batch, ov_slice body, ov_push_format format,
                           ov_push_result *r)
{
    ov_push p = {.datasource = ov_slice_cstr(datasource), .batch = ov_slice_cstr(batch), .body = body, .format = format};
    return ov_streams_push(w->streams, &p, &w->arena, r, &err);
}

static inline ov_push_result push(world *w, const char *batch, const char *body)
{
    ov_push_result r;
    OK(push_text(w, "t", batch, ov_slice_cstr(body), OV_PUSH_JSON, &r));
    return r;
}

/* Rows from..to of every hour of a few days. */
static inline void rows_text(ov_buf *b, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n <= to; n++)
        ov_buf_addf(b, "{\"__time\":%llu,\"n\":%u,\"word\":\"w%u\"}\n",
                    1704067200000ULL + (unsigned long long)(n % 96) * 3600000ULL, n, n % 7);
}

static inline ov_status push_rows(world *w, const char *batch, uint32_t from, uint32_t to, ov_error *e)
{
    ov_buf b;
    ov_arena a;
    ov_push_result r;
    ov_buf_init(&b);
    ov_arena_init(&a, "push", NULL);
    rows_text(&b, from, to);
    ov_push p = {.datasource = OV_SLICE_LIT("t"), .batch = ov_slice_cstr(batch), .body = ov_buf_slice(&b)};
    ov_status st = ov_streams_push(w->streams, &p, &a, &r, e);
    if (st == OV_OK)
        assert_int_equal(r.rows, to - from + 1);
    ov_arena_fini(&a);
    ov_buf_fini(&b);
    return st;
}

/* ---- rows out ---- */

typedef struct totals {
    uint64_t rows;
    int64_t sum;
    uint32_t segments, live;
} totals;

static inline void add_segment(const ov_segment *seg, totals *t)
{
    ov_arena scratch;
    ov_error e = OV_ERROR_INIT;
    const ov_column *c = ov_segment_find(seg, OV_SLICE_LIT("n"));
    ov_arena_init(&scratch, "read", NULL);
    t->rows += ov_segment_get_info(seg)->rows;
    for (uint32_t b = 0; c && b < ov_column_get_info(c)->blocks; b++) {
        ov_vec v;
        check_ok(ov_column_read(c, b, &scratch, &v, &e), &e);
        for (uint32_t i = 0; i < v.rows; i++)
            if (!ov_vec_is_null(&v, i))
                t->sum += ov_vec_i64(&v, i);
    }
    ov_arena_fini(&scratch);
}

static inline totals look(world *w, const char *datasource)
{
    totals t = {0};
    ov_error e = OV_ERROR_INIT;
    ov_snapshot *snap = ov_catalog_snapshot(w->cat);
    const ov_datasource *ds = ov_snapshot_find(snap, ov_slice_cstr(datasource));
    for (uint32_t i = 0; ds && i < ds->segment_count; i++) {
        ov_segment *seg;
        check_ok(ov_snapshot_open(snap, ds->segments[i], &seg, &e), &e);
        add_segment(seg, &t);
        t.segments++;
        t.live += ds->segments[i]->live != NULL;
        ov_segment_release(seg);
    }
    if (ds)
        assert_int_equal(ds->rows, t.rows);
    ov_snapshot_release(snap);
    return t;
}

static inline void check_rows(world *w, uint64_t n)
{
    totals t = look(w, "t");
    assert_int_equal(t.rows, n);
    assert_int_equal(t.sum, (int64_t)(n * (n + 1) / 2));
}

static inline uint64_t log_bytes(const world *w)
{
    uint64_t bytes = 0;
    char path[80];
    ov_arena a;
    ov_dir_entry *list;
    size_t n;
    snprintf(path, sizeof path, "%s/wal", w->dir);
    ov_arena_init(&a, "files of the log", NULL);
    OK(ov_dir_list(path, &a, &list, &n, &err));
    for (size_t i = 0; i < n; i++)
        bytes += list[i].bytes;
    ov_arena_fini(&a);
    return bytes;
}
