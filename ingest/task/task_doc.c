/* The documents clients read: status, payload, list, log. Shapes: druid-api 4.3. */
#include "ingest/task/task_int.h"

#include <fcntl.h>
#include "base/file.h"
#include "base/os.h"

const char *ovi_phase_state(ov_task_phase phase)
{
    return phase == OV_TASK_SUCCESS ? "SUCCESS" : phase == OV_TASK_FAILED ? "FAILED" : "RUNNING";
}

void ovi_status_print(const ov_tasks *runner, const ov_task_row *row, const char *runner_status, ov_jsonw *w,
                      const char *key)
{
    const ov_tasks_config *config = ovi_tasks_config(runner);
    ov_jsonw_open_object(w, key);
    ov_jsonw_str(w, "id", row->id);
    ov_jsonw_str(w, "groupId", row->group_id);
    ov_jsonw_str(w, "type", row->type);
    ov_jsonw_str(w, "createdTime", row->created);
    ov_jsonw_str(w, "queueInsertionTime", row->created);
    ov_jsonw_str(w, "statusCode", row->state);
    ov_jsonw_str(w, "status", row->state);
    ov_jsonw_cstr(w, "runnerStatusCode", runner_status);
    ov_jsonw_i64(w, "duration", row->duration_ms);
    ov_jsonw_open_object(w, "location");
    ov_jsonw_cstr(w, "host", config->host);
    ov_jsonw_i64(w, "port", config->port);
    ov_jsonw_i64(w, "tlsPort", -1);
    ov_jsonw_close_object(w);
    ov_jsonw_str(w, "dataSource", row->datasource);
    if (row->error_msg.n)
        ov_jsonw_str(w, "errorMsg", row->error_msg);
    else
        ov_jsonw_null(w, "errorMsg");
    ov_jsonw_close_object(w);
}

ov_status ov_tasks_status(ov_tasks *r, ov_slice id, ov_buf *json, ov_error *err)
{
    ov_arena a;
    ov_task_row row;
    const char *runner_status;
    ov_arena_init(&a, "task status", NULL);
    ov_status st = ovi_tasks_row(r, id, &a, &row, &runner_status, err);
    if (st == OV_OK) {
        ov_jsonw w;
        ov_jsonw_init(&w, json);
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_str(&w, "task", row.id);
        ovi_status_print(r, &row, runner_status, &w, "status");
        ov_jsonw_close_object(&w);
        st = ov_buf_check(json, err);
    }
    ov_arena_fini(&a);
    return st;
}

ov_status ov_tasks_payload(ov_tasks *r, ov_slice id, ov_buf *json, ov_error *err)
{
    ov_arena a;
    ov_task_row row;
    const char *runner_status;
    ov_arena_init(&a, "task payload", NULL);
    ov_status st = ovi_tasks_row(r, id, &a, &row, &runner_status, err);
    if (st == OV_OK) {
        ov_jsonw w;
        ov_jsonw_init(&w, json);
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_str(&w, "task", row.id);
        ov_jsonw_raw(&w, "payload", row.spec);
        ov_jsonw_close_object(&w);
        st = ov_buf_check(json, err);
    }
    ov_arena_fini(&a);
    return st;
}

ov_status ov_tasks_report(ov_tasks *r, ov_slice id, ov_buf *json, ov_error *err)
{
    ov_arena a;
    ov_task_row row;
    const char *runner_status;
    ov_arena_init(&a, "task report", NULL);
    ovi_task *live = ovi_tasks_find(r, id);
    ov_status st = ovi_tasks_row(r, id, &a, &row, &runner_status, err);
    if (st == OV_OK) {
        if (row.report.n)
            ov_buf_add_slice(json, row.report);
        else
            ovi_report_print_lost(r, &row, live ? &live->progress : NULL, json);
        st = ov_buf_check(json, err);
    }
    ovi_task_release(live);
    ov_arena_fini(&a);
    return st;
}

/* ---- list ---- */

typedef enum wanted_state { ANY, RUNNING, PENDING, WAITING, COMPLETE } wanted_state;

static ov_status read_state(ov_slice text, wanted_state *out, ov_error *err)
{
    static const char *const names[] = {"", "running", "pending", "waiting", "complete"};
    for (size_t i = 0; i < OV_COUNT_OF(names); i++) {
        if (ov_slice_ieq(text, ov_slice_cstr(names[i]))) {
            *out = (wanted_state)i;
            return OV_OK;
        }
    }
    return ov_fail(err, OV_INVALID,
                   "'" OV_SLICE_FMT "' is not a task state; use running, pending, waiting or complete",
                   OV_SLICE_ARG(text));
}

static bool listed(const ov_task_row *row, const char *runner_status, wanted_state state, const ov_task_filter *f)
{
    bool ended = !ov_slice_eq(row->state, OV_SLICE_LIT("RUNNING"));
    if (f->type.n && !ov_slice_eq(row->type, f->type))
        return false;
    if (f->has_created && !ov_interval_has(f->created, row->created_ms))
        return false;
    switch (state) {
    case RUNNING:
        return !ended && strcmp(runner_status, "RUNNING") == 0;
    case PENDING:
        return !ended && strcmp(runner_status, "PENDING") == 0;
    case WAITING: /* nothing here waits for locks */
        return false;
    case COMPLETE:
        return ended;
    default:
        return true;
    }
}

ov_status ov_tasks_list(ov_tasks *r, const ov_task_filter *f, ov_buf *json, ov_error *err)
{
    ov_arena a;
    ov_task_row *rows;
    uint32_t n, ended = 0;
    wanted_state state = ANY;
    ov_jsonw w;
    OV_TRY(read_state(f->state, &state, err));
    ov_arena_init(&a, "task list", NULL);
    ov_status st = ov_catalog_task_list(ovi_tasks_config(r)->catalog, f->datasource, (ov_slice){0}, 0, &a, &rows,
                                        &n, err);
    ov_jsonw_init(&w, json);
    ov_jsonw_open_array(&w, NULL);
    for (uint32_t i = 0; st == OV_OK && i < n; i++) {
        bool is_ended = !ov_slice_eq(rows[i].state, OV_SLICE_LIT("RUNNING"));
        const char *word = is_ended ? "NONE" : ov_tasks_runner_status(r, rows[i].id);
        if (!listed(&rows[i], word, state, f) || (is_ended && f->max && ended == f->max))
            continue;
        ended += is_ended;
        ovi_status_print(r, &rows[i], word, &w, NULL);
    }
    ov_jsonw_close_array(&w);
    ov_arena_fini(&a);
    return st == OV_OK ? ov_buf_check(json, err) : st;
}

/* ---- log ---- */

static ov_status read_from(const char *path, int64_t offset, ov_buf *text, ov_error *err)
{
    uint64_t size;
    int fd;
    OV_TRY(ov_file_size(path, &size, err));
    uint64_t back = 0 - (uint64_t)offset;
    uint64_t from = offset >= 0 ? (uint64_t)offset : size > back ? size - back : 0;
    if (from >= size)
        return OV_OK;
    OV_TRY(ov_file_open(path, O_RDONLY, 0, &fd, err));
    size_t n = (size_t)(size - from);
    ov_status st = OV_OK;
    if (ov_buf_reserve(text, n)) {
        st = ov_file_pread(fd, path, text->p + text->n, n, from, err);
        if (st == OV_OK)
            text->n += n;
    }
    ov_os_now->close(fd);
    return st == OV_OK ? ov_buf_check(text, err) : st;
}

ov_status ov_tasks_log(ov_tasks *r, ov_slice id, int64_t offset, ov_buf *text, ov_error *err)
{
    ov_arena a;
    ov_buf path;
    ov_task_row row; /* ids become paths: only those of real tasks */
    ov_arena_init(&a, "task log", NULL);
    ov_buf_init(&path);
    ov_catalog *catalog = ovi_tasks_config(r)->catalog;
    ov_status st = ov_catalog_task_get(catalog, id, &a, &row, err);
    if (st == OV_OK)
        st = ovi_task_log_path(ov_catalog_dir(catalog), row.id, &path, err);
    if (st == OV_OK)
        st = read_from(path.p, offset, text, err);
    ov_buf_fini(&path);
    ov_arena_fini(&a);
    return st;
}
