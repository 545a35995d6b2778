/*
 * A data folder in /tmp and words to fill its catalog. The segment files hold a few bytes only: nothing here opens
 * them.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "storage/catalog/catalog.h"
#include "tests/unit/harness.h"

typedef struct fixture {
    char dir[64];
    ov_catalog *cat;
    ov_arena arena;
} fixture;

static inline void fixture_open(fixture *f, bool writer)
{
    ov_error err = OV_ERROR_INIT;
    check_ok(ov_catalog_open(f->dir, writer, &f->cat, &err), &err);
}

static inline void fixture_close(fixture *f)
{
    ov_catalog_close(f->cat);
    f->cat = NULL;
}

static inline void fixture_init(fixture *f)
{
    memset(f, 0, sizeof(*f));
    strcpy(f->dir, "/tmp/ovate-catalog-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    ov_arena_init(&f->arena, "test", NULL);
    fixture_open(f, true);
}

static inline void fixture_fini(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    fixture_close(f);
    check_ok(ov_dir_remove_all(f->dir, &err), &err);
    ov_arena_fini(&f->arena);
}

static inline const char *fixture_file(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice path;
    check_ok(ov_catalog_tmp_path(f->cat, &f->arena, &path, &err), &err);
    FILE *file = fopen(path.p, "w");
    assert_non_null(file);
    fputs("segment", file);
    fclose(file);
    return path.p;
}

static const ov_schema_column fixture_columns[] = {
    {{"__time", 6}, {.id = OV_TYPE_LONG}, OV_ROLE_TIME},
    {{"page", 4}, {.id = OV_TYPE_STRING}, OV_ROLE_DIMENSION},
    {{"added", 5}, {.id = OV_TYPE_LONG}, OV_ROLE_METRIC},
};

/* `rows` rows over the whole of [start, end). */
static inline ov_new_segment fixture_segment(fixture *f, const char *datasource, int64_t start, int64_t end,
                                             uint32_t rows)
{
    return (ov_new_segment){
        .info = {.datasource = ov_slice_cstr(datasource),
                 .start_ms = start,
                 .end_ms = end,
                 .rows = rows,
                 .min_time = start,
                 .max_time = end - 1,
                 .bytes = 7},
        .tmp_path = fixture_file(f),
        .columns = fixture_columns,
        .column_count = OV_COUNT_OF(fixture_columns),
    };
}

static inline ov_new_segment fixture_tombstone(const char *datasource, int64_t start, int64_t end)
{
    return (ov_new_segment){
        .info = {.datasource = ov_slice_cstr(datasource), .start_ms = start, .end_ms = end, .min_time = 1},
        .tombstone = true,
    };
}

static inline ov_status fixture_commit(fixture *f, ov_publish_mode mode, ov_new_segment *segments,
                                       uint32_t count, ov_error *err)
{
    ov_commit c = {.task_id = OV_SLICE_LIT("task"), .mode = mode, .segments = segments, .segment_count = count};
    return ov_catalog_commit(f->cat, &c, &f->arena, err);
}

/* Commit one segment; returns it as settled. */
static inline ov_new_segment fixture_put(fixture *f, ov_publish_mode mode, const char *datasource, int64_t start,
                                         int64_t end, uint32_t rows)
{
    ov_error err = OV_ERROR_INIT;
    ov_new_segment s = fixture_segment(f, datasource, start, end, rows);
    check_ok(fixture_commit(f, mode, &s, 1, &err), &err);
    return s;
}

/* Rows that queries see, counting a partly hidden segment in proportion. */
static inline uint64_t fixture_rows(fixture *f, const char *datasource)
{
    ov_snapshot *snap = ov_catalog_snapshot(f->cat);
    const ov_datasource *ds = ov_snapshot_find(snap, ov_slice_cstr(datasource));
    uint64_t rows = 0;
    for (uint32_t i = 0; ds && i < ds->segment_count; i++) {
        const ov_segment_entry *e = ds->segments[i];
        int64_t shown = 0;
        for (uint32_t p = 0; p < e->part_count; p++)
            shown += e->parts[p].end - e->parts[p].start;
        rows += e->info.rows * (uint64_t)shown / (uint64_t)(e->info.end_ms - e->info.start_ms);
    }
    ov_snapshot_release(snap);
    return rows;
}

/* Segment files below DIR/segments plus whatever is in DIR/tmp. */
static inline size_t fixture_files(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    char path[128];
    size_t n, total = 0;
    ov_slice *list;
    static const char *const folders[] = {"segments", "tmp"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", f->dir, folders[i]);
        check_ok(ov_glob_files(path, OV_SLICE_LIT("*"), 100000, &f->arena, &list, &n, &err), &err);
        total += n;
    }
    return total;
}
