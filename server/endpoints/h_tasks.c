/*
 * The overlord's API over the task runner (ingest/task/task.h), which prints the documents itself.
 */
#include "base/json.h"
#include "base/jsonw.h"
#include "base/numparse.h"
#include "ingest/task/task.h"
#include "server/endpoints/segment_json.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/reply.h"

enum { DEFAULT_COMPLETE_TASKS = 0 }; /* all of them */

static void no_such_task(ov_request *rq, ov_slice id)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_buf_addf(&text, "Cannot find any task with id: [" OV_SLICE_FMT "]", OV_SLICE_ARG(id));
    ov_respond(rq, 404, "text/plain", ov_buf_slice(&text));
    ov_buf_fini(&text);
}

/* The end of every handler that prints one document about task `id`. */
static void finish(ov_request *rq, ov_slice id, ov_status st, const ov_error *err, ov_buf *body)
{
    if (st == OV_OK) {
        ov_respond_json(rq, body);
        return;
    }
    if (st == OV_NOT_FOUND)
        no_such_task(rq, id);
    else
        ov_respond_error(rq, OV_ERROR_TASK, (ov_slice){NULL, 0}, err);
    ov_buf_fini(body);
}

static void respond_task_id(ov_request *rq, const char *key, ov_slice id)
{
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, key, id);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

void ov_h_task_post(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_slice id;
    if (ov_tasks_submit(app->tasks, ov_request_body(rq), ov_request_arena(rq), &id, &err) ==
        OV_OK) {
        respond_task_id(rq, "task", id);
        return;
    }
    if (err.code == OV_UNSUPPORTED || err.code == OV_NOT_FOUND)
        err.code =
            OV_INVALID; /* the document asks for what is not there: 400, as Druid answers unknown types */
    ov_respond_error(rq, OV_ERROR_TASK, (ov_slice){NULL, 0}, &err);
}

void ov_h_task(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    finish(rq, at->s[0], ov_tasks_payload(app->tasks, at->s[0], &b, &err), &err, &b);
}

void ov_h_task_status(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    finish(rq, at->s[0], ov_tasks_status(app->tasks, at->s[0], &b, &err), &err, &b);
}

void ov_h_task_reports(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    finish(rq, at->s[0], ov_tasks_report(app->tasks, at->s[0], &b, &err), &err, &b);
}

/* Those that are in use still. */
static void print_segments(ov_app *app, ov_slice id, ov_buf *out)
{
    const ov_segment_entry *const *all;
    ov_jsonw w;
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    uint32_t n = ov_snapshot_all(snap, &all);
    ov_jsonw_init(&w, out);
    ov_jsonw_open_array(&w, NULL);
    for (uint32_t i = 0; i < n; i++)
        if (ov_slice_eq(all[i]->task_id, id))
            ovi_segment_json(&w, NULL, all[i], false);
    ov_jsonw_close_array(&w);
    ov_snapshot_release(snap);
}

void ov_h_task_segments(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_task_view view;
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    ov_status st = ov_tasks_view(app->tasks, at->s[0], &view, &err);
    if (st == OV_OK)
        print_segments(app, at->s[0], &b);
    finish(rq, at->s[0], st, &err, &b);
}

/* A whole number in a query parameter; false when it is there and is none. */
static bool number_param(ov_request *rq, const char *name, int64_t *out)
{
    bool found;
    ov_slice text = ov_request_param(rq, name, &found);
    return !found || ov_parse_i64(text, out);
}

static void bad_number(ov_request *rq, const char *name)
{
    ov_error err = OV_ERROR_INIT;
    ov_fail(&err, OV_INVALID, "the query parameter %s must be a whole number", name);
    ov_respond_error(rq, OV_ERROR_TASK, (ov_slice){NULL, 0}, &err);
}

void ov_h_task_log(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    int64_t offset = 0;
    if (!number_param(rq, "offset", &offset)) {
        bad_number(rq, "offset");
        return;
    }
    ov_buf text;
    ov_buf_init(&text);
    ov_status st = ov_tasks_log(app->tasks, at->s[0], offset, &text, &err);
    if (st == OV_OK) {
        ov_respond(rq, 200, "text/plain", ov_buf_slice(&text));
        ov_buf_fini(&text);
    } else {
        finish(rq, at->s[0], st, &err, &text);
    }
}

void ov_h_task_shutdown(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_status st = ov_tasks_shutdown(app->tasks, at->s[0], &err);
    if (st == OV_OK)
        respond_task_id(rq, "task", at->s[0]);
    else if (st == OV_NOT_FOUND)
        no_such_task(rq, at->s[0]);
    else
        ov_respond_error(rq, OV_ERROR_TASK, (ov_slice){NULL, 0}, &err);
}

void ov_h_task_shutdown_all(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    uint32_t n;
    if (ov_tasks_shutdown_datasource(app->tasks, at->s[0], &n, &err) == OV_OK)
        respond_task_id(rq, "dataSource", at->s[0]);
    else
        ov_respond_error(rq, OV_ERROR_TASK, (ov_slice){NULL, 0}, &err);
}

/* "a_b" or "a/b" */
static ov_status read_created(ov_request *rq, ov_task_filter *f, ov_error *err)
{
    ov_slice text = ov_request_param(rq, "createdTimeInterval", &f->has_created);
    if (!f->has_created)
        return OV_OK;
    char *copy = ov_arena_try(ov_request_arena(rq), text.n + 1, 1, err);
    if (!copy)
        return err->code;
    for (size_t i = 0; i < text.n; i++)
        copy[i] = text.p[i] == '_' ? '/' : text.p[i];
    return ov_interval_parse(ov_slice_make(copy, text.n), &f->created, err);
}

static void list_tasks(ov_app *app, ov_request *rq, ov_slice state, const char *max_param)
{
    ov_error err = OV_ERROR_INIT;
    ov_task_filter f = {.state = state};
    f.datasource = ov_request_param(rq, "datasource", NULL);
    f.type = ov_request_param(rq, "type", NULL);
    int64_t max = -1;
    if (!number_param(rq, max_param, &max)) {
        bad_number(rq, max_param);
        return;
    }
    if (max == 0 && ov_slice_eq(state, OV_SLICE_LIT("complete"))) {
        ov_respond(rq, 200, "application/json", OV_SLICE_LIT("[]"));
        return;
    }
    f.max = max < 0 ? DEFAULT_COMPLETE_TASKS : (uint32_t)OV_MIN(max, (int64_t)UINT32_MAX);
    ov_buf b;
    ov_buf_init(&b);
    if (read_created(rq, &f, &err) == OV_OK && ov_tasks_list(app->tasks, &f, &b, &err) == OV_OK) {
        ov_respond_json(rq, &b);
        return;
    }
    ov_buf_fini(&b);
    ov_respond_error(rq, OV_ERROR_TASK, (ov_slice){NULL, 0}, &err);
}

void ov_h_tasks(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    list_tasks(app, rq, ov_request_param(rq, "state", NULL), "max");
}

void ov_h_tasks_complete(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    list_tasks(app, rq, OV_SLICE_LIT("complete"), "n");
}

void ov_h_tasks_running(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    list_tasks(app, rq, OV_SLICE_LIT("running"), "max");
}

void ov_h_tasks_pending(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    list_tasks(app, rq, OV_SLICE_LIT("pending"), "max");
}

/* {"id":{status},...} of the ids that are known. */
void ov_h_task_status_many(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_json *ids;
    ov_arena *a = ov_request_arena(rq);
    ov_status st = ov_json_parse(ov_request_body(rq), NULL, a, &ids, &err);
    if (st == OV_OK)
        st = ov_json_expect(ids, OV_JSON_ARRAY, &err);
    ov_buf b, one;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_buf_init(&one);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    for (const ov_json *id = st == OV_OK ? ids->first : NULL; id && st == OV_OK; id = id->next) {
        ov_slice text;
        ov_json *doc;
        ov_buf_clear(&one);
        st = ov_json_as_str(id, &text, &err);
        if (st != OV_OK)
            break;
        st = ov_tasks_status(app->tasks, text, &one, &err);
        if (st == OV_NOT_FOUND) {
            st = OV_OK;
            continue;
        }
        if (st == OV_OK)
            st = ov_json_parse(ov_buf_slice(&one), NULL, a, &doc, &err);
        if (st != OV_OK)
            break;
        const ov_json *status = ov_json_get(doc, "status");
        ov_buf_clear(&one);
        ov_json_print(status, &one);
        ov_jsonw_key(&w, text);
        ov_jsonw_raw(&w, NULL, ov_buf_slice(&one));
    }
    ov_jsonw_close_object(&w);
    ov_buf_fini(&one);
    if (st == OV_OK) {
        ov_respond_json(rq, &b);
    } else {
        ov_buf_fini(&b);
        ov_respond_error(rq, OV_ERROR_TASK, (ov_slice){NULL, 0}, &err);
    }
}

void ov_h_worker_capacity(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_task_counts n;
    ov_tasks_counts(app->tasks, &n);
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_u64(w, "currentClusterCapacity", n.threads);
    ov_jsonw_i64(w, "maximumCapacityWithAutoScale", -1);
    ov_jsonw_u64(w, "usedClusterCapacity", n.running);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

void ov_h_workers(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_task_counts n;
    ov_tasks_counts(app->tasks, &n);
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_array(w, NULL);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_open_object(w, "worker");
    ov_jsonw_cstr(w, "scheme", "http");
    ov_jsonw_cstr(w, "host", app->address);
    ov_jsonw_cstr(w, "ip", app->host);
    ov_jsonw_u64(w, "capacity", n.threads);
    ov_jsonw_cstr(w, "version", "0");
    ov_jsonw_cstr(w, "category", "_default_worker_category");
    ov_jsonw_close_object(w);
    ov_jsonw_u64(w, "currCapacityUsed", n.running);
    ov_jsonw_u64(w, "currParallelIndexCapacityUsed", 0);
    ov_jsonw_open_array(w, "availabilityGroups");
    ov_jsonw_close_array(w);
    ov_jsonw_open_array(w, "runningTasks");
    ov_jsonw_close_array(w);
    ov_jsonw_close_object(w);
    ov_jsonw_close_array(w);
    ovi_reply_send(rq, 200, &r);
}

/* How tasks are spread over workers: there is one. */
void ov_h_worker_config(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ov_respond(rq, 200, "application/json",
               OV_SLICE_LIT("{\"type\":\"default\",\"selectStrategy\":{\"type\":\"equalDistribution\",\"affinityConfig\":null},"
                            "\"autoScaler\":null}"));
}

/* Tasks take no locks: what they publish is settled in one commit. */
void ov_h_active_locks(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ov_respond(rq, 200, "application/json", OV_SLICE_LIT("{\"datasourceToLocks\":{}}"));
}
