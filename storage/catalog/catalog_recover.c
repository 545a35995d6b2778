/*
 * What a writer does first: put the folder back into the state the last commit left. Idempotent, so a crash in here is
 * harmless.
 */
#include <stdlib.h>
#include "storage/catalog/catalog_int.h"

#include "base/file.h"
#include "base/log.h"

typedef struct sweeper {
    ov_catalog *cat;
    ov_arena arena;
    ov_slice *named; /* files that rows name, sorted */
    uint32_t count;
    uint64_t removed;
} sweeper;

static int cmp_slice(const void *a, const void *b)
{
    return ov_slice_cmp(*(const ov_slice *)a, *(const ov_slice *)b);
}

static ov_status load_named(sweeper *w, ov_error *err)
{
    sqlite3_stmt *s;
    bool row;
    uint32_t cap = 0;
    ov_status st = OV_OK;
    OV_TRY(ovi_db_prepare(w->cat, "SELECT file FROM segments WHERE tombstone = 0", &s, err));
    for (;;) {
        OV_TRY_OUT(st, ovi_db_step(w->cat, s, &row, err));
        if (!row)
            break;
        OV_TRY_OUT(st, ov_arena_room(&w->arena, &w->named, w->count, &cap, 1, sizeof *w->named, err));
        OV_TRY_OUT(st, ov_arena_copy(&w->arena, ovi_column(s, 0), &w->named[w->count++], err));
    }
    if (w->count)
        qsort(w->named, w->count, sizeof(*w->named), cmp_slice);
out:
    ovi_db_done(w->cat, s);
    return st;
}

/* `folder` is below DIR. */
static ov_status sweep_folder(sweeper *w, ov_slice folder, ov_error *err)
{
    ov_dir_entry *list;
    size_t n;
    ov_slice path;
    OV_TRY(ov_arena_printf(&w->arena, &path, err, "%s/" OV_SLICE_FMT, w->cat->dir, OV_SLICE_ARG(folder)));
    OV_TRY(ov_dir_list(path.p, &w->arena, &list, &n, err));
    for (size_t i = 0; i < n; i++) {
        ov_slice file;
        OV_TRY(ov_arena_printf(&w->arena, &file, err, OV_SLICE_FMT "/" OV_SLICE_FMT, OV_SLICE_ARG(folder),
                               OV_SLICE_ARG(list[i].name)));
        /* Only what a commit can have left; anything else a person put here stays. */
        if (list[i].is_dir || !ov_slice_ends(file, OV_SLICE_LIT(".ovs")) ||
            (w->count && bsearch(&file, w->named, w->count, sizeof(file), cmp_slice)))
            continue;
        OV_TRY(ov_arena_printf(&w->arena, &path, err, "%s/" OV_SLICE_FMT, w->cat->dir, OV_SLICE_ARG(file)));
        OV_TRY(ov_file_remove(path.p, err));
        w->removed++;
    }
    return OV_OK;
}

static ov_status sweep_segments(sweeper *w, ov_error *err)
{
    ov_dir_entry *list;
    size_t n;
    ov_slice path, folder;
    OV_TRY(load_named(w, err));
    OV_TRY(ov_arena_printf(&w->arena, &path, err, "%s/segments", w->cat->dir));
    OV_TRY(ov_dir_list(path.p, &w->arena, &list, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (!list[i].is_dir)
            continue;
        OV_TRY(ov_arena_printf(&w->arena, &folder, err, "segments/" OV_SLICE_FMT, OV_SLICE_ARG(list[i].name)));
        OV_TRY(sweep_folder(w, folder, err));
    }
    return OV_OK;
}

static ov_status empty_tmp(sweeper *w, ov_error *err)
{
    ov_dir_entry *list;
    size_t n;
    ov_slice path;
    OV_TRY(ov_arena_printf(&w->arena, &path, err, "%s/tmp", w->cat->dir));
    OV_TRY(ov_dir_list(path.p, &w->arena, &list, &n, err));
    for (size_t i = 0; i < n; i++) {
        OV_TRY(ov_arena_printf(&w->arena, &path, err, "%s/tmp/" OV_SLICE_FMT, w->cat->dir,
                               OV_SLICE_ARG(list[i].name)));
        OV_TRY(list[i].is_dir ? ov_dir_remove_all(path.p, err) : ov_file_remove(path.p, err));
    }
    w->removed += n;
    return OV_OK;
}

ov_status ovi_refuse_orphans(ov_catalog *cat, ov_error *err)
{
    enum { MOST_FILES = 100000000 };
    ov_arena a;
    ov_slice path, *files;
    size_t n = 0;
    ov_arena_init(&a, "recovery", NULL);
    ov_status st = ov_arena_printf(&a, &path, err, "%s/segments", cat->dir);
    if (st == OV_OK)
        st = ov_glob_files(path.p, OV_SLICE_LIT("*.ovs"), MOST_FILES, &a, &files, &n, err);
    if (st == OV_OK && n > 0)
        st = ov_fail(err, OV_EXISTS,
                     "%s/segments holds %zu segment files but there is no catalog.db that knows them; put it back, or "
                     "move %s/segments away to start anew",
                     cat->dir, n, cat->dir);
    ov_arena_fini(&a);
    return st;
}

ov_status ovi_recover(ov_catalog *cat, ov_error *err)
{
    sweeper w = {.cat = cat};
    ov_arena_init(&w.arena, "recovery", NULL);
    ov_status st = ovi_digest_check_all(cat, err);
    if (st == OV_OK)
        st = empty_tmp(&w, err);
    if (st == OV_OK)
        st = sweep_segments(&w, err);
    if (st == OV_OK)
        st = ovi_tasks_fail_lost(cat, err);
    if (st == OV_OK && w.removed)
        ov_log_info("removed files of unfinished work", ov_kv_i64("files", (int64_t)w.removed),
                    ov_kv_str("dir", cat->dir));
    ov_arena_fini(&w.arena);
    return st;
}
