/* `query_controller`: SQL statements as tasks, run by the table the server gave (task_sql.h), and their report, which is
 * Druid's multiStageQuery. */
#include "ingest/task/task_sql.h"

#include <stdio.h>

#include "base/os.h"
#include "ingest/task/task_int.h"

typedef struct sql_plan {
    void *plan; /* the server's */
    ov_slice report;
} sql_plan;

static ov_status sql_check(ovi_task *t, const ov_json *doc, ov_error *err)
{
    const ov_sql_task_ops *ops = ovi_tasks_config(t->runner)->sql;
    sql_plan *p;
    if (!ops)
        return ov_fail(err, OV_UNSUPPORTED,
                       "SQL statements run as tasks of a server only; start one and send it to /druid/v2/sql/task");
    OV_TRY(ov_arena_zalloc(&t->arena, sizeof *p, &p, err));
    t->plan = p;
    return ops->check(ops->ctx, doc, &t->arena, &t->row.datasource, &t->alone, &p->plan, err);
}

static ov_status sql_run(ovi_task *t, ov_error *err)
{
    const ov_tasks_config *config = ovi_tasks_config(t->runner);
    sql_plan *p = t->plan;
    ov_sql_work work = {
        .task_id = t->row.id, .catalog = config->catalog, .arena = &t->arena, .cancel = &t->cancel};
    OV_TRY(ovi_task_load_env(t, 1, &work.env, err));
    ov_status st = config->sql->run(config->sql->ctx, p->plan, &work, err);
    ovi_task_add_result(t, &work.loaded);
    p->report = work.report;
    if (st != OV_OK && work.publish)
        ov_publish_abandon(work.publish);
    if (st == OV_CANCELLED)
        return ovi_task_fail_cancelled(t, err);
    OV_TRY(st);
    return work.publish ? ovi_task_publish(t, work.publish, err) : OV_OK;
}

const ovi_task_type ovi_task_sql = {"query_controller", sql_check, sql_run, false, false};

/* ---- the report ---- */

static void print_error(ov_jsonw *w, const ov_tasks_config *config, ov_slice task_id, const char *error, bool cancelled)
{
    char host[300];
    snprintf(host, sizeof host, "%s:%d", config->host, config->port);
    ov_jsonw_open_object(w, "errorReport");
    ov_jsonw_str(w, "taskId", task_id);
    ov_jsonw_cstr(w, "host", host);
    ov_jsonw_open_object(w, "error");
    ov_jsonw_cstr(w, "errorCode", cancelled ? "Canceled" : strstr(error, "null timestamp") ? "InsertTimeNull" : "QueryRuntimeError");
    ov_jsonw_cstr(w, "errorMessage", error);
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
}

typedef struct sql_report {
    ov_slice task_id;
    const char *state;
    const char *error; /* NULL: none */
    bool cancelled;
    int64_t started_ms, duration_ms;
    ov_slice payload;
} sql_report;

static void print_report(const ov_tasks_config *config, const sql_report *r, ov_buf *out)
{
    ov_jsonw w;
    bool running = strcmp(r->state, "RUNNING") == 0;
    ov_jsonw_init(&w, out);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_open_object(&w, "multiStageQuery");
    ov_jsonw_cstr(&w, "type", "multiStageQuery");
    ov_jsonw_str(&w, "taskId", r->task_id);
    ov_jsonw_open_object(&w, "payload");
    ov_jsonw_open_object(&w, "status");
    ov_jsonw_cstr(&w, "status", r->state);
    if (r->error && r->error[0])
        print_error(&w, config, r->task_id, r->error, r->cancelled);
    ov_jsonw_time(&w, "startTime", r->started_ms);
    ov_jsonw_i64(&w, "durationMs", r->duration_ms);
    ov_jsonw_i64(&w, "pendingTasks", 0);
    ov_jsonw_i64(&w, "runningTasks", running);
    ov_jsonw_close_object(&w);
    ov_buf_add_char(out, ',');
    if (r->payload.n)
        ov_buf_add_slice(out, r->payload);
    else
        ov_buf_add_str(out, "\"stages\":[],\"counters\":{}");
    ov_jsonw_close_object(&w);
    ov_jsonw_close_object(&w);
    ov_jsonw_close_object(&w);
}

void ovi_sql_report_print(const ovi_task *t, const char *error, ov_buf *out)
{
    const sql_plan *p = t->plan;
    sql_report r = {
        .task_id = t->row.id,
        .state = error ? "FAILED" : "SUCCESS",
        .error = error,
        .cancelled = ovi_task_cancelled(t),
        .duration_ms = ovi_task_elapsed_ms(t),
        .started_ms = ov_now_ms() - ovi_task_elapsed_ms(t),
        .payload = p->report,
    };
    print_report(ovi_tasks_config(t->runner), &r, out);
}

void ovi_sql_report_print_lost(const ov_tasks *runner, const ov_task_row *row, const ov_load_progress *p,
                               ov_buf *out)
{
    bool running = ov_slice_eq(row->state, OV_SLICE_LIT("RUNNING"));
    char counters[200] = "", error[OV_ERROR_TEXT_BYTES];
    snprintf(error, sizeof error, "%.*s", OV_SLICE_ARG(row->error_msg));
    if (p)
        snprintf(counters, sizeof counters,
                 "\"stages\":[],\"counters\":{\"0\":{\"0\":{\"output\":{\"type\":\"channel\",\"rows\":[%llu]}}}}",
                 (unsigned long long)atomic_load(&p->rows));
    sql_report r = {
        .task_id = row->id,
        .state = running ? "RUNNING" : ov_slice_eq(row->state, OV_SLICE_LIT("SUCCESS")) ? "SUCCESS" : "FAILED",
        .error = row->error_msg.n ? error : NULL,
        .started_ms = row->created_ms,
        .duration_ms = running ? ov_now_ms() - row->created_ms : row->duration_ms,
        .payload = ov_slice_cstr(counters),
    };
    print_report(ovi_tasks_config(runner), &r, out);
}
