/*
 * The commit: files get their names, then one transaction names them.
 *
 *   place segments -> rename files -> sync their folders -> rows, cursors, task row -> build the next snapshot
 *   -> the same with the rows in memory as they will be -> COMMIT (synced) -> swap the snapshot
 *
 * Everything that can fail comes before COMMIT, the swap cannot. A crash before COMMIT leaves files no row names, which
 * the next start removes; a crash after it has lost nothing.
 */
#include "storage/catalog/keys_int.h"

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
    /* Datasources with keys, by name: what their rows supersede. */
    ovi_key_run *runs;
    uint32_t run_count;
    const ov_live_change *live; /* as in the commit, with what the runs say */
    uint32_t live_count;
    ov_moved moved; /* whose rows the segments hold */
    ov_slice *names; /* of its datasources */
    uint32_t name_count;
} committer;

static ovi_key_run *run_of(committer *k, ov_slice datasource)
{
    for (uint32_t i = 0; i < k->run_count; i++)
        if (ov_slice_eq(k->runs[i].k->name, datasource))
            return &k->runs[i];
    return NULL;
}

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
    const ovi_key_run *run = run_of(k, s->info.datasource);
    if (run)
        row.created_ms = run->at;
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

/* ---- keys ---- */

static bool is_listed(committer *k, ov_slice name)
{
    return run_of(k, name) != NULL;
}

/* Locks are taken in the order of names, so that two commits never wait for each other. */
static ov_status open_runs(committer *k, ov_slice *names, uint32_t n, ov_error *err)
{
    for (;;) {
        ovi_keys *next = NULL;
        for (uint32_t i = 0; i < n; i++) {
            ovi_keys *keys = is_listed(k, names[i]) ? NULL : ovi_keys_find(k->cat, names[i]);
            if (keys && (!next || ov_slice_cmp(keys->name, next->name) < 0))
                next = keys;
        }
        if (!next)
            return OV_OK;
        if (!ovi_keys_lock(k->cat, next))
            continue;
        ov_status st = ovi_key_run_open(&k->runs[k->run_count], k->cat, next, err);
        if (st != OV_OK) {
            ov_mutex_unlock(&next->lock);
            return st;
        }
        k->run_count++;
    }
}

/* Times that the commit answers for from now on: what is there goes out of view. */
static ov_status set_hidden(committer *k, ovi_key_run *r, ov_error *err)
{
    ov_interval *hidden;
    if (k->c->mode != OV_PUBLISH_REPLACE)
        return OV_OK;
    OV_TRY(ov_arena_alloc(k->out, (k->c->segment_count + 1u) * sizeof *hidden, &hidden, err));
    for (uint32_t i = 0; i < k->c->segment_count; i++) {
        const ov_segment_info *info = &k->c->segments[i].info;
        if (ov_slice_eq(info->datasource, r->k->name))
            hidden[r->hidden_count++] = (ov_interval){info->start_ms, info->end_ms};
    }
    r->hidden_count = (uint32_t)ov_interval_condense(hidden, r->hidden_count);
    r->hidden = hidden;
    r->moves_out = !k->moved.inputs && r->hidden_count > 0;
    return OV_OK;
}

static void release_segment(void *seg)
{
    ov_segment_release(seg);
}

static ov_status collapse(committer *k, ovi_key_run *r, ov_error *err)
{
    ovi_key_source *list;
    uint32_t n = 0;
    OV_TRY(set_hidden(k, r, err));
    OV_TRY(ov_arena_zalloc(k->out, (k->c->segment_count + 1u) * sizeof *list, &list, err));
    for (uint32_t i = 0; i < k->c->segment_count; i++) {
        const ov_new_segment *s = &k->c->segments[i];
        if (s->tombstone || !ov_slice_eq(s->info.datasource, r->k->name))
            continue;
        OV_TRY(ov_segment_open(s->tmp_path, &list[n].seg, err));
        OV_TRY(ov_arena_on_exit(k->out, release_segment, list[n].seg, err));
        list[n].arrival = s->arrival;
        list[n++].born = r->at;
    }
    if (k->moved.inputs)
        return ovi_key_run_move(r, &k->moved, list, n, err);
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(ovi_key_run_take(r, &list[i], r->at, err));
    return OV_OK;
}

static ov_status list_names(committer *k, ov_slice **out, uint32_t *n, ov_error *err)
{
    *n = 0;
    OV_TRY(ov_arena_alloc(k->out, (k->c->segment_count + k->c->live_count + 1u) * sizeof **out, out, err));
    for (uint32_t i = 0; i < k->c->segment_count; i++)
        if (i == 0 || !ov_slice_eq(k->c->segments[i].info.datasource, (*out)[*n - 1]))
            (*out)[(*n)++] = k->c->segments[i].info.datasource;
    for (uint32_t i = 0; i < k->c->live_count; i++)
        (*out)[(*n)++] = k->c->live[i].datasource;
    return OV_OK;
}

/* Before the change begins: what it will supersede. */
static ov_status find_superseded(committer *k, ov_error *err)
{
    OV_TRY(list_names(k, &k->names, &k->name_count, err));
    if (!ovi_keys_some(k->cat))
        return OV_OK;
    k->moved = (ov_moved){k->c->inputs, k->c->input_count};
    if (k->c->moved)
        k->moved = *k->c->moved;
    OV_TRY(ov_arena_zalloc(k->out, (k->name_count + 1u) * sizeof *k->runs, &k->runs, err));
    OV_TRY(open_runs(k, k->names, k->name_count, err));
    uint64_t faults = ov_map_guard_events();
    for (uint32_t i = 0; i < k->run_count; i++)
        OV_TRY(collapse(k, &k->runs[i], err));
    return faults == ov_map_guard_events() ? OV_OK : ov_fail(err, OV_IO, "a file could not be read while keys were compared");
}

/* Pieces get their new states with the commit; those of published segments are published with it. */
static ov_status join_live(committer *k, ov_error *err)
{
    uint32_t n = k->c->live_count;
    ov_live_change *list;
    k->live = k->c->live;
    k->live_count = n;
    if (k->run_count == 0)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(k->out, (n + k->run_count + 1u) * sizeof *list, &list, err));
    if (n)
        memcpy(list, k->c->live, n * sizeof *list);
    k->live = list;
    for (uint32_t i = 0; i < k->run_count; i++) {
        ovi_key_run *r = &k->runs[i];
        ovi_key_marks *marks;
        uint32_t at = 0;
        OV_TRY(ov_arena_alloc(k->out, sizeof *marks, &marks, err));
        OV_TRY(ovi_keys_marks(r, k->out, marks, err));
        marks->flushed = true;
        while (at < n && !ov_slice_eq(list[at].datasource, r->k->name))
            at++;
        if (at == n)
            list[n++].datasource = r->k->name;
        list[at].marks = marks;
    }
    k->live_count = n;
    return OV_OK;
}

/* A datasource got keys since the runs were opened. */
static bool keys_came(committer *k)
{
    for (uint32_t i = 0; i < k->name_count; i++)
        if (!run_of(k, k->names[i]) && ovi_keys_find(k->cat, k->names[i]))
            return true;
    return false;
}

static ov_status write_run(committer *k, ovi_key_run *r, ov_error *err)
{
    ov_slice *files;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(k->out, (k->c->segment_count + 1u) * sizeof *files, &files, err));
    for (uint32_t i = 0; i < k->c->segment_count; i++)
        if (!k->c->segments[i].tombstone && ov_slice_eq(k->c->segments[i].info.datasource, r->k->name))
            files[n++] = k->files[i];
    bool touched = false; /* by one of its segments */
    for (uint32_t i = 0; i < k->c->segment_count && !touched; i++)
        touched = k->placed[i].keep && ov_slice_eq(k->c->segments[i].info.datasource, r->k->name);
    OV_TRY(ovi_keys_write(r, files, n, err));
    if (r->moves_out) {
        ov_mutex_lock(&k->cat->keys_lock);
        r->k->readable_ms = r->at;
        ov_mutex_unlock(&k->cat->keys_lock);
        OV_TRY(ovi_keys_store(k->cat, r->k, err));
    }
    return !touched && r->ds ? ovi_datasource_touch(k->cat, r->k->name, err) : OV_OK;
}

/* Lets go of all locks. Fresh segments lie where the commit put them. */
static void close_runs(committer *k, bool done)
{
    for (uint32_t i = 0; i < k->run_count; i++) {
        ov_error ignored = OV_ERROR_INIT;
        ovi_key_run *r = &k->runs[i];
        ov_slice *files = NULL;
        uint32_t n = 0;
        bool known = ov_arena_alloc(k->out, (k->c->segment_count + 1u) * sizeof *files, &files, &ignored) == OV_OK;
        for (uint32_t s = 0; known && s < k->c->segment_count; s++)
            if (!k->c->segments[s].tombstone && ov_slice_eq(k->c->segments[s].info.datasource, r->k->name))
                files[n++] = k->files[s];
        r->moves_out |= done && !known; /* the index is made anew */
        ovi_key_run_close(r, done, files);
        ov_mutex_unlock(&r->k->lock);
    }
    k->run_count = 0;
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
    for (uint32_t i = 0; i < k->run_count; i++)
        OV_TRY(write_run(k, &k->runs[i], err));
    OV_FAULT(OV_FAULT_COMMIT_WRITTEN, err);
    return ovi_snapshot_build(k->cat, &k->next, err);
}

/* The change, with a run for every datasource that has keys. */
static ov_status begin(committer *k, ov_error *err)
{
    for (;;) {
        OV_TRY(find_superseded(k, err));
        OV_TRY(join_live(k, err));
        OV_TRY(ovi_change_begin(k->cat, err));
        if (!keys_came(k))
            return OV_OK;
        if (ovi_change_end(k->cat, OV_BUSY, NULL, NULL, err) != OV_BUSY)
            return ov_fail(err, OV_INTERNAL, "a change that was given up went on");
        close_runs(k, false);
    }
}

/* What a replacement hides has superseded rows in memory perhaps. */
static ov_status hold_live(ov_catalog *cat, const ov_commit *c, ov_arena *out, ovi_held *held, ov_error *err)
{
    ov_slice *names;
    *held = (ovi_held){0};
    if (c->mode != OV_PUBLISH_REPLACE || c->input_count || c->moved)
        return OV_OK;
    OV_TRY(ov_arena_alloc(out, (c->segment_count + 1u) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < c->segment_count; i++)
        names[i] = c->segments[i].info.datasource;
    return ovi_hold(cat, names, c->segment_count, out, held, err);
}

ov_status ov_catalog_commit(ov_catalog *cat, const ov_commit *commit, ov_arena *out, ov_error *err)
{
    committer k = {.cat = cat, .c = commit, .out = out};
    ovi_held held = {0};
    bool unsure = false;
    ov_status st;
    OV_TRY_OUT(st, ov_arena_zalloc(out, commit->segment_count * sizeof(*k.placed), &k.placed, err));
    OV_TRY_OUT(st, ov_arena_zalloc(out, commit->segment_count * sizeof(*k.files), &k.files, err));
    OV_TRY_OUT(st, hold_live(cat, commit, out, &held, err));
    OV_TRY_OUT(st, begin(&k, err));
    st = prepare(&k, err);
    ovi_pending_clear(cat);
    st = ovi_change_end_live(cat, st, k.next, k.live, k.live_count, &unsure, err);
    for (uint32_t i = 0; st == OV_OK && commit->mode == OV_PUBLISH_APPEND && i < commit->input_count; i++)
        ov_segcache_doom(cat->cache, commit->inputs[i]->file);
out:
    close_runs(&k, st == OV_OK);
    ovi_let_go(cat, &held);
    if (st != OV_OK && !unsure && k.files)
        remove_files(&k);
    return st;
}
