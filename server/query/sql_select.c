#include "server/query/sql_select.h"

#include <stdlib.h>

#include "base/bits.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/os.h"
#include "server/query/encode.h"
#include "server/query/result_file.h"
#include "server/query/sql_settings.h"

enum { SAMPLE_ROWS = 3000, SAMPLE_BYTES = 1 << 20 };

typedef struct selection {
    ov_sql_work *work;
    ov_result_writer *file;
    ov_encoder *sample; /* the first rows for the report */
    ov_buf rows;        /* their text */
    uint32_t sampled;
    bool truncated;
    uint64_t total;
} selection;

ov_status ov_sql_result_path(const char *dir, ov_slice task_id, ov_arena *a, ov_slice *path, ov_error *err)
{
    return ov_arena_printf(a, path, err, "%s/results/" OV_SLICE_FMT ".ovr", dir, OV_SLICE_WHOLE(task_id));
}

/* ---- expiry ---- */

static int newest_first(const void *a, const void *b)
{
    const ov_dir_entry *x = a, *y = b;
    return (x->modified_ms < y->modified_ms) - (x->modified_ms > y->modified_ms);
}

static void expire_entries(ov_arena *a, ov_slice dir, ov_dir_entry *list, size_t n, int64_t now_ms, bool starting)
{
    uint64_t bytes = 0;
    if (n)
        qsort(list, n, sizeof *list, newest_first);
    for (size_t i = 0; i < n; i++) {
        ov_error err = OV_ERROR_INIT;
        ov_slice path;
        int64_t age = now_ms - list[i].modified_ms;
        bytes += list[i].bytes;
        bool cut = starting && ov_slice_ends(list[i].name, OV_SLICE_LIT(".part")); /* its writer died */
        if (age < OV_RESULTS_KEPT_MS && bytes <= OV_RESULTS_MOST_BYTES && !cut)
            continue;
        ov_status st = ov_path_join(a, dir, list[i].name, &path, &err);
        if (st == OV_OK)
            st = ov_file_remove(path.p, &err);
        if (st != OV_OK)
            ov_log_warn("an expired result could not be removed", ov_kv_err(&err));
    }
}

void ov_sql_results_expire(const char *dir, int64_t now_ms, bool starting)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ov_slice path;
    ov_dir_entry *list;
    size_t n;
    ov_arena_init(&a, "results", NULL);
    ov_status st = ov_path_join(&a, ov_slice_cstr(dir), OV_SLICE_LIT("results"), &path, &err);
    if (st == OV_OK && ov_dir_exists(path.p)) {
        st = ov_dir_list(path.p, &a, &list, &n, &err);
        if (st == OV_OK)
            expire_entries(&a, path, list, n, now_ms, starting);
    }
    if (st != OV_OK)
        ov_log_warn("expired results could not be looked up", ov_kv_err(&err));
    ov_arena_fini(&a);
}

/* ---- running ---- */

static ov_status begin(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

static ov_status sample_rows(selection *s, const ov_batch *batch, ov_error *err)
{
    uint64_t sel[OV_BATCH_WORDS] = {0};
    uint32_t taken = 0;
    if (s->sampled >= SAMPLE_ROWS || s->rows.n >= SAMPLE_BYTES) {
        s->truncated |= batch->sel_rows > 0;
        return OV_OK;
    }
    for (uint32_t i = 0; i < batch->rows && s->sampled + taken < SAMPLE_ROWS; i++)
        if (!batch->sel || ov_bits_test(batch->sel, i)) {
            ov_bits_set(sel, i);
            taken++;
        }
    s->truncated |= taken < batch->sel_rows;
    s->sampled += taken;
    ov_batch b = *batch;
    b.sel = sel;
    b.sel_rows = taken;
    return ov_encode_rows(s->sample, &b, &s->rows, err);
}

static ov_status rows(void *self, const ov_batch *batch, ov_error *err)
{
    selection *s = self;
    s->total += batch->sel_rows;
    if (s->work->env.progress)
        atomic_store(&s->work->env.progress->rows, s->total);
    OV_TRY(sample_rows(s, batch, err));
    return ov_result_writer_add(s->file, batch, err);
}

static void add_page(ov_jsonw *w, uint32_t id, const ov_result_page *p)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_u64(w, "id", id);
    ov_jsonw_u64(w, "numRows", p->rows);
    ov_jsonw_u64(w, "sizeInBytes", p->bytes);
    ov_jsonw_close_object(w);
}

static ov_status write_report(selection *s, const ov_field *fields, uint32_t count, const ov_result_page *pages,
                              uint32_t page_count, ov_error *err)
{
    char name[48];
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_buf_addf(&b,
                "\"stages\":[],\"counters\":{\"0\":{\"0\":{\"output\":{\"type\":\"channel\",\"rows\":[%llu],\"bytes\":[0],"
                "\"frames\":[1]}}}}",
                (unsigned long long)s->total);
    w.comma = true;
    ov_jsonw_open_object(&w, "results");
    ov_jsonw_open_array(&w, "signature");
    for (uint32_t i = 0; i < count; i++) {
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_str(&w, "name", fields[i].name);
        ov_jsonw_cstr(&w, "type", ov_type_name(fields[i].type, name));
        ov_jsonw_close_object(&w);
    }
    ov_jsonw_close_array(&w);
    ov_jsonw_open_array(&w, "sqlTypeNames");
    for (uint32_t i = 0; i < count; i++)
        ov_jsonw_cstr(&w, NULL, ov_sqltype_name((ov_sqltype)fields[i].sql));
    ov_jsonw_close_array(&w);
    ov_encode_end(s->sample, &s->rows);
    while (s->rows.n && s->rows.p[s->rows.n - 1] == '\n')
        s->rows.n--;
    ov_jsonw_raw(&w, "results", ov_buf_slice(&s->rows));
    ov_jsonw_bool(&w, "resultsTruncated", s->truncated);
    ov_jsonw_open_array(&w, "pages");
    for (uint32_t i = 0; i < page_count; i++)
        add_page(&w, i, &pages[i]);
    ov_jsonw_close_array(&w);
    ov_jsonw_close_object(&w);
    ov_status st = ov_buf_check(&s->rows, err);
    if (st == OV_OK)
        st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(s->work->arena, ov_buf_slice(&b), &s->work->report, err);
    ov_buf_fini(&b);
    return st;
}

/* Reports show values as they are stored: times as milliseconds. */
static ov_status open_sample(selection *s, const ov_field *fields, uint32_t count, ov_error *err)
{
    ov_encode_options options = {.format = OV_FORMAT_ARRAY};
    ov_field *native;
    OV_TRY(ov_arena_alloc(s->work->arena, (count + (size_t)1) * sizeof *native, &native, err));
    for (uint32_t i = 0; i < count; i++) {
        native[i] = fields[i];
        if (native[i].type.id == OV_TYPE_LONG)
            native[i].sql = OV_SQL_BIGINT;
    }
    OV_TRY(ov_encoder_create(&options, native, count, &s->sample, err));
    ov_encode_begin(s->sample, &s->rows);
    return OV_OK;
}

static ov_status select_rows(selection *s, ov_query *q, const char *path, uint64_t page_rows, ov_error *err)
{
    const ov_field *fields;
    ov_result_page *pages;
    uint32_t count = ov_query_fields(q, &fields), page_count;
    ov_result_sink sink = {.begin = begin, .rows = rows, .self = s};
    OV_TRY(open_sample(s, fields, count, err));
    OV_TRY(ov_result_writer_open(path, fields, count, ov_tz_name(ov_query_tz(q)), page_rows, OV_RESULT_MOST_BYTES,
                                 &s->file, err));
    OV_TRY(ov_query_run(q, &sink, err));
    OV_TRY(ov_result_writer_finish(s->file, s->work->arena, &pages, &page_count, err));
    return write_report(s, fields, count, pages, page_count, err);
}

ov_status ov_sql_select_run(ov_query *q, const ov_json *context, ov_sql_work *work, ov_error *err)
{
    selection s = {.work = work};
    const char *dir = ov_catalog_dir(work->catalog);
    ov_slice path;
    ov_sql_settings settings;
    OV_TRY(ov_sql_settings_read(q, context, work->arena, &settings, err));
    OV_TRY(ov_sql_result_path(dir, work->task_id, work->arena, &path, err));
    ov_sql_results_expire(dir, ov_now_ms(), false);
    ov_slice folder;
    OV_TRY(ov_arena_copy(work->arena, ov_path_dir(path), &folder, err));
    OV_TRY(ov_dir_make(folder.p, err));
    ov_buf_init(&s.rows);
    ov_status st = select_rows(&s, q, path.p, settings.rows_per_page, err);
    ov_result_writer_close(s.file);
    ov_encoder_destroy(s.sample);
    ov_buf_fini(&s.rows);
    return st;
}
