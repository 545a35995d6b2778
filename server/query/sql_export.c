#include "server/query/sql_export.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/file.h"
#include "base/httpc.h"
#include "server/query/encode.h"
#include "server/query/sql_settings.h"

#define UNFINISHED ".unfinished"
#define MANIFEST   "_symlink_format_manifest"

enum { PIECE_BYTES = 1 << 20 }; /* so much text is written at once */

/* ---- where to ---- */

/* The next name of a path, empty at its end. */
static ov_slice next_name(ov_slice *path)
{
    while (path->n && path->p[0] == '/')
        *path = ov_slice_make(path->p + 1, path->n - 1);
    size_t n = 0;
    while (n < path->n && path->p[n] != '/')
        n++;
    ov_slice name = ov_slice_make(path->p, n);
    *path = ov_slice_make(path->p + n, path->n - n);
    return name;
}

static bool is_plain(ov_slice path)
{
    for (size_t i = 0; i < path.n; i++)
        if ((unsigned char)path.p[i] < 0x20)
            return false;
    return path.n > 0 && path.p[0] == '/';
}

/* "/a/./b//c/" to "/a/b/c"; false for what cannot be a place below anything. */
static bool add_normal(ov_buf *out, ov_slice path)
{
    if (!is_plain(path))
        return false;
    for (ov_slice name = next_name(&path); name.n; name = next_name(&path)) {
        if (ov_slice_eq(name, OV_SLICE_LIT(".")))
            continue;
        if (ov_slice_eq(name, OV_SLICE_LIT("..")))
            return false;
        ov_buf_add_char(out, '/');
        ov_buf_add_slice(out, name);
    }
    return true;
}

static ov_status below(const char *root, ov_slice path, ov_buf *base, ov_buf *full, ov_error *err)
{
    bool fine = add_normal(base, ov_slice_cstr(root)) && add_normal(full, path);
    OV_TRY(ov_buf_check(base, err));
    OV_TRY(ov_buf_check(full, err));
    ov_slice rest = ov_buf_slice(full);
    fine = fine && full->n > base->n + 1 && ov_slice_starts(rest, ov_buf_slice(base)) && rest.p[base->n] == '/';
    if (fine) {
        rest = ov_slice_make(rest.p + base->n, rest.n - base->n);
        fine = !ov_slice_eq(next_name(&rest), OV_SLICE_LIT(UNFINISHED));
    }
    if (fine)
        return OV_OK;
    return ov_fail(err, OV_INVALID,
                   "exportPath '" OV_SLICE_FMT "' must be the absolute path of a folder below that of the server's option "
                   "--export-dir, %s",
                   OV_SLICE_ARG(path), root);
}

static ov_status check_empty(ov_slice folder, ov_error *err)
{
    ov_arena a;
    ov_dir_entry *list;
    size_t n;
    if (!ov_file_exists(folder.p))
        return OV_OK;
    if (!ov_dir_exists(folder.p))
        return ov_fail(err, OV_INVALID, "exportPath '" OV_SLICE_FMT "' is a file; it must name a folder",
                       OV_SLICE_ARG(folder));
    ov_arena_init(&a, "export", NULL);
    ov_status st = ov_dir_list(folder.p, &a, &list, &n, err);
    ov_arena_fini(&a);
    OV_TRY(st);
    if (n == 0)
        return OV_OK;
    return ov_fail(err, OV_INVALID,
                   "Found files at provided export destination[" OV_SLICE_FMT "]. Export is only allowed to an empty path. "
                   "Please provide an empty path/subdirectory or move the existing files.",
                   OV_SLICE_ARG(folder));
}

ov_status ov_sql_export_folder(const char *root, ov_slice path, ov_arena *a, ov_slice *folder, ov_error *err)
{
    ov_buf base, full;
    if (!root)
        return ov_fail(err, OV_INVALID,
                       "This server exports nowhere: its option --export-dir names the folder below which files may be "
                       "written (druid.export.storage.baseDir in Druid)");
    ov_buf_init(&base);
    ov_buf_init(&full);
    ov_status st = below(root, path, &base, &full, err);
    if (st == OV_OK)
        st = ov_arena_copy(a, ov_buf_slice(&full), folder, err);
    ov_buf_fini(&base);
    ov_buf_fini(&full);
    OV_TRY(st);
    return check_empty(*folder, err);
}

ov_status ov_sql_export_start(const char *root, ov_error *err)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/" UNFINISHED, root);
    OV_TRY(ov_dir_make(root, err));
    return ov_dir_remove_all(path, err);
}

/* ---- files ---- */

typedef struct export {
    ov_query *q;
    ov_sql_work *work;
    ov_slice folder, made; /* where the files will be, and where they are made */
    ov_encoder *encoder;
    ov_buf text;           /* not written yet */
    ov_buf manifest;
    ov_slice path;         /* of the open file */
    int fd;                /* -1: none */
    uint32_t files;
    uint64_t file_rows, page_rows, rows, bytes;
} export;

static ov_status flush(void *self, ov_error *err)
{
    export *x = self;
    OV_TRY(ov_query_still_alive(x->q, err));
    OV_TRY(ov_buf_check(&x->text, err));
    OV_TRY(ov_file_write_all(x->fd, x->path.p, ov_buf_slice(&x->text), err));
    x->bytes += x->text.n;
    ov_buf_clear(&x->text);
    return OV_OK;
}

/* "file:/a/b%20c" */
static void add_address(ov_buf *out, ov_slice path)
{
    ov_buf_add_str(out, "file:");
    for (ov_slice name = next_name(&path); name.n; name = next_name(&path)) {
        ov_buf_add_char(out, '/');
        ov_url_encode(out, name);
    }
}

static ov_status open_file(export *x, ov_error *err)
{
    ov_slice name, place;
    ov_arena *a = x->work->arena;
    OV_TRY(ov_arena_printf(a, &name, err, OV_SLICE_FMT "-worker0-partition%u.csv", OV_SLICE_WHOLE(x->work->task_id), x->files++));
    OV_TRY(ov_path_join(a, x->made, name, &x->path, err));
    OV_TRY(ov_path_join(a, x->folder, name, &place, err));
    add_address(&x->manifest, place);
    ov_buf_add_char(&x->manifest, '\n');
    x->file_rows = 0;
    OV_TRY(ov_file_open(x->path.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666, &x->fd, err));
    ov_encode_begin(x->encoder, &x->text);
    return OV_OK;
}

static ov_status close_file(export *x, ov_error *err)
{
    OV_TRY(flush(x, err));
    OV_TRY(ov_file_sync(x->fd, x->path.p, err));
    int fd = x->fd;
    x->fd = -1;
    return ov_file_close(fd, x->path.p, err);
}

static ov_status begin(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

/* The next rows of a batch, as many as the open file still takes; *from goes on to the first that is left. */
static ov_status add_some(export *x, const ov_batch *batch, uint32_t *from, ov_error *err)
{
    uint64_t sel[OV_BATCH_WORDS] = {0};
    uint32_t taken = 0;
    for (; *from < batch->rows && x->file_rows + taken < x->page_rows; ++*from)
        if (!batch->sel || ov_bits_test(batch->sel, *from)) {
            ov_bits_set(sel, *from);
            taken++;
        }
    ov_batch b = *batch;
    b.sel = sel;
    b.sel_rows = taken;
    x->file_rows += taken;
    return taken ? ov_encode_rows(x->encoder, &b, &x->text, err) : OV_OK;
}

static ov_status rows(void *self, const ov_batch *batch, ov_error *err)
{
    export *x = self;
    uint64_t before = x->rows;
    for (uint32_t from = 0; x->rows - before < batch->sel_rows;) {
        if (x->file_rows >= x->page_rows) {
            OV_TRY(close_file(x, err));
            OV_TRY(open_file(x, err));
        }
        uint64_t had = x->file_rows;
        OV_TRY(add_some(x, batch, &from, err));
        x->rows += x->file_rows - had;
    }
    if (x->work->env.progress)
        atomic_store(&x->work->env.progress->rows, x->rows);
    return x->text.n >= PIECE_BYTES ? flush(x, err) : OV_OK;
}

/* ---- the whole ---- */

static ov_status write_manifest(export *x, ov_error *err)
{
    ov_slice path;
    OV_TRY(ov_buf_check(&x->manifest, err));
    OV_TRY(ov_path_join(x->work->arena, x->made, OV_SLICE_LIT(MANIFEST "/manifest"), &path, err));
    OV_TRY(ov_file_write_atomic(path.p, ov_buf_slice(&x->manifest), err));
    OV_TRY(ov_path_join(x->work->arena, x->made, OV_SLICE_LIT(MANIFEST "/druid_export_meta"), &path, err));
    return ov_file_write_atomic(path.p, OV_SLICE_LIT("version: 1\n"), err);
}

/* The folder takes its place, with all that is in it. Of two exports to one folder the second fails: it is not empty. */
static ov_status publish(export *x, ov_error *err)
{
    ov_slice parent;
    OV_TRY(ov_dir_sync(x->made.p, err));
    OV_TRY(ov_arena_copy(x->work->arena, ov_path_dir(x->folder), &parent, err));
    OV_TRY(ov_dir_make(parent.p, err));
    OV_TRY(check_empty(x->folder, err));
    OV_TRY(ov_query_still_alive(x->q, err));
    return ov_file_rename(x->made.p, x->folder.p, err);
}

static ov_status make_files(export *x, ov_error *err)
{
    const ov_field *fields;
    uint32_t count = ov_query_fields(x->q, &fields);
    ov_result_sink sink = {.begin = begin, .rows = rows, .self = x};
    ov_encode_options options = {.format = OV_FORMAT_CSV,
                                 .header = true,
                                 .stringify_arrays = true,
                                 .tz = ov_query_tz(x->q),
                                 .budget = ov_query_budget(x->q),
                                 .full = flush,
                                 .full_self = x,
                                 .full_bytes = PIECE_BYTES};
    ov_slice manifest;
    OV_TRY(ov_path_join(x->work->arena, x->made, OV_SLICE_LIT(MANIFEST), &manifest, err));
    OV_TRY(ov_dir_make(manifest.p, err));
    OV_TRY(ov_encoder_create(&options, fields, count, &x->encoder, err));
    OV_TRY(open_file(x, err));
    OV_TRY(ov_query_run(x->q, &sink, err));
    OV_TRY(close_file(x, err));
    OV_TRY(write_manifest(x, err));
    return publish(x, err);
}

static ov_status report(export *x, ov_error *err)
{
    x->work->loaded.counters.read = x->work->loaded.counters.loaded = x->rows;
    return ov_arena_printf(x->work->arena, &x->work->report, err,
                           "\"stages\":[],\"counters\":{\"0\":{\"0\":{\"output\":{\"type\":\"channel\",\"rows\":[%llu],"
                           "\"bytes\":[%llu],\"files\":[%u],\"totalFiles\":[%u]}}}}",
                           (unsigned long long)x->rows, (unsigned long long)x->bytes, x->files, x->files);
}

ov_status ov_sql_export_run(ov_query *q, const ov_json *context, const char *root, ov_sql_work *work, ov_error *err)
{
    export x = {.q = q, .work = work, .fd = -1};
    ov_sql_settings settings;
    OV_TRY(ov_sql_settings_read(q, context, work->arena, &settings, err));
    OV_TRY(ov_sql_export_folder(root, ov_query_write_of(q)->export_path, work->arena, &x.folder, err));
    OV_TRY(ov_arena_printf(work->arena, &x.made, err, "%s/" UNFINISHED "/" OV_SLICE_FMT, root, OV_SLICE_WHOLE(work->task_id)));
    OV_TRY(ov_dir_remove_all(x.made.p, err));
    x.page_rows = settings.rows_per_page;
    ov_buf_init(&x.text);
    ov_buf_init(&x.manifest);
    ov_status st = make_files(&x, err);
    if (st == OV_OK)
        st = report(&x, err);
    ov_error ignored = OV_ERROR_INIT;
    if (x.fd >= 0)
        (void)!ov_file_close(x.fd, x.path.p, &ignored);
    if (st != OV_OK)
        (void)!ov_dir_remove_all(x.made.p, &ignored); /* the next start tries again */
    ov_encoder_destroy(x.encoder);
    ov_buf_fini(&x.text);
    ov_buf_fini(&x.manifest);
    return st;
}
