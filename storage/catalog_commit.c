/*
 * The commit: files get their names, then one transaction names them.
 *
 *   place segments -> rename files -> sync their folders -> rows, cursors, task row -> build the next snapshot
 *   -> the same with the rows in memory as they will be -> COMMIT (synced) -> swap the snapshot
 *
 * Everything that can fail comes before COMMIT, the swap cannot. A crash before COMMIT leaves files no row names, which
 * the next start removes; a crash after it has lost nothing.
 */
#include "storage/catalog_int.h"

#include <errno.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/os.h"

typedef struct committer {
    ov_catalog *cat;
    const ov_commit *c;
    ov_arena *out;
    ovi_placed *placed;
    ov_slice *files;   /* per segment: path below DIR, empty for tombstones and those left out */
    uint32_t renamed;  /* segments before this one have their file in place */
    ov_snapshot *next;
} committer;

static const char *full_path(committer *k, ov_slice file, ov_error *err)
{
    ov_slice path;
    if (ov_arena_printf(k->out, &path, err, "%s/" OV_SLICE_FMT, k->cat->dir, OV_SLICE_ARG(file)) != OV_OK)
        return NULL;
    return path.p;
}

/* ---- files ---- */

static ov_status name_files(committer *k, ov_error *err)
{
    ov_buf b;
    ov_status st = OV_OK;
    ov_buf_init(&b);
    for (uint32_t i = 0; i < k->c->segment_count && st == OV_OK; i++) {
        const ov_segment_info *info = &k->placed[i].seg->info;
        if (!k->placed[i].keep || k->placed[i].seg->tombstone)
            continue;
        ov_buf_clear(&b);
        ovi_segment_file(&b, &(ov_segment_id){info->datasource, {info->start_ms, info->end_ms},
                                              info->version, info->partition});
        st = ov_buf_check(&b, err);
        if (st == OV_OK)
            st = ov_arena_copy(k->out, ov_buf_slice(&b), &k->files[i], err);
    }
    ov_buf_fini(&b);
    return st;
}

static bool same_folder(ov_slice a, ov_slice b)
{
    return ov_slice_eq(ov_path_dir(a), ov_path_dir(b));
}

/* Make the folder of a file unless it is there, its name durable. */
static ov_status make_folder(committer *k, ov_slice file, ov_error *err)
{
    const char *path = full_path(k, ov_path_dir(file), err);
    if (!path)
        return err->code;
    if (ov_dir_exists(path))
        return OV_OK;
    OV_TRY(ov_dir_make(path, err));
    const char *parent = full_path(k, OV_SLICE_LIT("segments"), err);
    return parent ? ov_dir_sync(parent, err) : err->code;
}

static ov_status rename_files(committer *k, ov_error *err)
{
    ov_slice last = {0};
    for (uint32_t i = 0; i < k->c->segment_count; i++) {
        if (k->files[i].n) {
            if (!last.n || !same_folder(last, k->files[i]))
                OV_TRY(make_folder(k, k->files[i], err));
            last = k->files[i];
            const char *to = full_path(k, last, err), *from = k->placed[i].seg->tmp_path;
            if (!to)
                return err->code;
            if (ov_os_now->rename(from, to) != 0)
                return ov_fail_errno(err, errno, "cannot rename %s to %s", from, to);
        }
        k->renamed = i + 1;
        OV_FAULT(OV_FAULT_COMMIT_RENAMED, err);
    }
    return OV_OK;
}

static ov_status sync_folders(committer *k, ov_error *err)
{
    ov_slice last = {0};
    for (uint32_t i = 0; i < k->c->segment_count; i++) {
        if (!k->files[i].n || (last.n && same_folder(last, k->files[i])))
            continue;
        last = k->files[i];
        const char *path = full_path(k, ov_path_dir(last), err);
        if (!path)
            return err->code;
        OV_TRY(ov_dir_sync(path, err));
    }
    return OV_OK;
}

static void remove_files(committer *k)
{
    for (uint32_t i = 0; i < k->c->segment_count; i++) {
        ov_error ignored = OV_ERROR_INIT;
        const char *path = k->c->segments[i].tmp_path;
        if (i < k->renamed && k->files[i].n)
            path = full_path(k, k->files[i], &ignored);
        if (path && ov_file_remove(path, &ignored) != OV_OK)
            ov_log_warn("cannot remove a file of a failed commit; the next start will",
                        ov_kv_err(&ignored));
    }
}

/* ---- rows ---- */

static ov_status insert_segment(committer *k, uint32_t i, ov_error *err)
{
    const ov_new_segment *s = k->placed[i].seg;
    ovi_row row = {
        .id = {s->info.datasource, {s->info.start_ms, s->info.end_ms}, s->info.version, s->info.partition},
        .core = k->placed[i].core,
        .tombstone = s->tombstone,
        .used = true,
        .rows = s->info.rows,
        .bytes = s->info.bytes,
        .min_time = s->info.min_time,
        .max_time = s->info.max_time,
        .file = k->files[i],
        .task_id = k->c->task_id,
        .shard = s->shard,
        .created_ms = ov_now_ms(),
    };
    OV_TRY(ovi_schema_intern(k->cat, s->columns, s->column_count, &row.schema, err));
    return ovi_row_insert(k->cat, &row, err);
}

/* Segments of one datasource stand together in the list. */
static ov_status insert_segments(committer *k, ov_error *err)
{
    bool changed = false;
    for (uint32_t i = 0; i < k->c->segment_count; i++) {
        ov_slice name = k->c->segments[i].info.datasource;
        if (k->placed[i].keep)
            OV_TRY(insert_segment(k, i, err));
        changed |= k->placed[i].keep;
        bool last = i + 1 == k->c->segment_count ||
                    !ov_slice_eq(name, k->c->segments[i + 1].info.datasource);
        if (last && changed) {
            OV_TRY(ovi_datasource_touch(k->cat, name, err));
            changed = false;
        }
    }
    return OV_OK;
}

static ov_status write_rows(committer *k, ov_error *err)
{
    OV_TRY(ovi_inputs_leave(k->cat, k->c, k->placed, err)); /* first, so that one touch of the datasource covers both */
    OV_TRY(insert_segments(k, err));
    for (uint32_t i = 0; i < k->c->cursor_count; i++) {
        if (k->c->cursor_before)
            OV_TRY(ovi_cursor_expect(k->cat, k->c->cursor_keys[i], k->c->cursor_before[i], err));
        OV_TRY(ovi_cursor_set(k->cat, k->c->cursor_keys[i], k->c->cursor_values[i], err));
    }
    for (uint32_t i = 0; i < k->c->record_count; i++)
        OV_TRY(ovi_record_put(k->cat, k->c->task_id, &k->c->records[i], err));
    if (k->c->task)
        OV_TRY(ovi_task_update(k->cat, k->c->task, err));
    return OV_OK;
}

/* ---- the whole ---- */

static ov_status prepare(committer *k, ov_error *err)
{
    OV_TRY(ovi_place_segments(k->cat, k->c, k->out, k->placed, err));
    OV_TRY(ovi_inputs_check(k->cat, k->c, err));
    OV_TRY(name_files(k, err));
    OV_FAULT(OV_FAULT_COMMIT_PLACED, err);
    OV_TRY(rename_files(k, err));
    OV_TRY(sync_folders(k, err));
    OV_FAULT(OV_FAULT_COMMIT_SYNCED, err);
    OV_TRY(write_rows(k, err));
    OV_FAULT(OV_FAULT_COMMIT_WRITTEN, err);
    return ovi_snapshot_build(k->cat, &k->next, err);
}

ov_status ov_catalog_commit(ov_catalog *cat, const ov_commit *commit, ov_arena *out, ov_error *err)
{
    committer k = {.cat = cat, .c = commit, .out = out};
    bool unsure = false;
    ov_status st;
    OV_TRY_OUT(st, ov_arena_zalloc(out, commit->segment_count * sizeof(*k.placed), &k.placed, err));
    OV_TRY_OUT(st, ov_arena_zalloc(out, commit->segment_count * sizeof(*k.files), &k.files, err));
    OV_TRY_OUT(st, ovi_change_begin(cat, err));
    st = prepare(&k, err);
    st = ovi_change_end_live(cat, st, k.next, commit->live, commit->live_count, &unsure, err);
    for (uint32_t i = 0; st == OV_OK && commit->mode == OV_PUBLISH_APPEND && i < commit->input_count; i++)
        ov_segcache_doom(cat->cache, commit->inputs[i]->file);
out:
    if (st != OV_OK && !unsure && k.files)
        remove_files(&k);
    return st;
}
