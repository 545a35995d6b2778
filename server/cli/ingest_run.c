/* Running one task for the command line: in this process, or in the server that holds the folder, where it is followed. */
#include "server/cli/ingest_run.h"

#include <stdio.h>
#include "base/httpc.h"
#include "base/json.h"
#include "base/os.h"
#include "ingest/stream/stream.h"
#include "ingest/task/task.h"
#include "server/cli/cli.h"
#include "server/cli/ingest_outcome.h"
#include "server/host.h"
#include "server/pull_query.h"
#include "server/task_transform.h"

static int outcome(const ov_ingest_run_options *o, bool success, const char *error, ov_slice report, int64_t duration_ms)
{
    uint64_t rejected = ov_ingest_outcome(report, success, (double)duration_ms / 1000);
    if (!success) {
        fprintf(stderr, "ovate: %s\n", error);
        return atomic_load(o->stop) ? OV_EXIT_INTERRUPTED : OV_EXIT_REFUSED;
    }
    return o->max_rejects >= 0 && rejected > (uint64_t)o->max_rejects ? OV_EXIT_REJECTS : OV_EXIT_OK;
}

/* ---- here ---- */

static ov_status follow_here(ov_tasks *tasks, ov_slice id, const ov_ingest_run_options *o,
                             ov_task_view *view, ov_error *err)
{
    ov_progress p;
    ov_progress_init(&p, o->mode);
    ov_status st;
    bool told = false;
    do {
        st = ov_tasks_wait(tasks, id, 100, view, err);
        if (st == OV_TIMEOUT)
            st = OV_OK;
        if (atomic_load(o->stop) && !told) {
            told = true;
            ov_error ignored = OV_ERROR_INIT;
            if (ov_tasks_shutdown(tasks, id, &ignored) != OV_OK)
                break;
        }
        ov_progress_show(&p, view->rows, view->bytes, view->total_bytes, view->rejected);
    } while (st == OV_OK && (view->phase == OV_TASK_PENDING || view->phase == OV_TASK_RUNNING));
    ov_progress_end(&p);
    return st;
}

static int run_here(const ov_ingest_run_options *o, ov_app *app, ov_slice json)
{
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ov_buf report;
    ov_slice id;
    ov_task_view view = {0};
    int code;
    ov_arena_init(&a, "ingest", NULL);
    ov_buf_init(&report);
    ov_pull_ops pull = ov_pull_ops_of(&app->env);
    ov_tasks_config config = {.catalog = app->catalog,
                              .pull = &pull,
                              .transforms = &ov_transforms,
                              .threads = 1,
                              .workers = (uint32_t)o->threads,
                              .task_memory_bytes = (size_t)o->memory};
    ov_streams_config pushed = {.catalog = app->catalog, .transforms = &ov_transforms, .paused = true};
    ov_status st = ov_streams_create(&pushed, &app->streams, &err);
    config.streams = app->streams;
    if (st == OV_OK)
        st = ov_tasks_create(&config, &app->tasks, &err);
    if (st == OV_OK)
        st = ov_tasks_submit(app->tasks, json, &a, &id, &err);
    if (st == OV_OK)
        st = follow_here(app->tasks, id, o, &view, &err);
    if (st == OV_OK)
        st = ov_tasks_report(app->tasks, id, &report, &err);
    if (st == OV_OK)
        code = outcome(o, view.phase == OV_TASK_SUCCESS, view.error, ov_buf_slice(&report),
                       view.duration_ms);
    else
        code = ov_cli_fail(&err);
    ov_tasks_destroy(app->tasks);
    ov_streams_destroy(app->streams);
    ov_buf_fini(&report);
    ov_arena_fini(&a);
    return code;
}

/* ---- through the server that holds the folder ---- */

typedef struct remote {
    const char *address;
    ov_buf id; /* of the task, once it has one */
    ov_arena arena;
} remote;

static ov_status fetch(const remote *r, const char *method, const char *word, ov_slice body, ov_buf *raw, ov_http_response *answer,
                       ov_error *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    ov_buf url;
    ov_buf_init(&url);
    ov_buf_addf(&url, "http://%s/druid/indexer/v1/task", r->address);
    if (word) {
        ov_buf_add_char(&url, '/');
        ov_url_encode(&url, ov_buf_slice(&r->id));
        ov_buf_addf(&url, "/%s", word);
    }
    ov_http_request rq = {.method = method, .url = ov_buf_cstr(&url), .headers = headers, .body = body};
    ov_buf_clear(raw);
    ov_status st = rq.url ? ov_http_fetch(&rq, raw, answer, err) : ov_buf_check(&url, err);
    ov_buf_fini(&url);
    return st;
}

/* One call about tasks, or about the one at hand where there is a word; *doc is the parsed JSON answer. */
static ov_status call(remote *r, const char *method, const char *word, ov_slice body, ov_buf *raw, ov_json **doc, ov_error *err)
{
    ov_http_response answer;
    ov_error no_json = OV_ERROR_INIT;
    OV_TRY(fetch(r, method, word, body, raw, &answer, err));
    if (ov_json_parse(ov_buf_slice(raw), NULL, &r->arena, doc, &no_json) != OV_OK)
        return ov_fail(err, OV_INVALID, "the server at %s answered %d and no JSON: %s", r->address, answer.status, no_json.text);
    if (answer.status == 200)
        return OV_OK;
    const ov_json *why = ov_json_find(*doc, "errorMessage");
    if (!why)
        why = ov_json_find(*doc, "error");
    if (why && why->kind == OV_JSON_STRING)
        return ov_fail(err, OV_INVALID, OV_SLICE_FMT, OV_SLICE_ARG(why->s));
    return ov_fail(err, OV_INVALID, "the server at %s answered %d", r->address, answer.status);
}

static ov_status follow_remote(remote *r, const ov_ingest_run_options *o, ov_buf *raw,
                               bool *success, ov_buf *error, int64_t *duration_ms, ov_error *err)
{
    ov_progress p;
    ov_progress_init(&p, o->mode);
    ov_status st = OV_OK;
    for (bool told = false;;) {
        ov_json *doc;
        ov_arena_reset(&r->arena);
        if (atomic_load(o->stop) && !told) {
            told = true;
            OV_TRY_OUT(st, call(r, "POST", "shutdown", OV_SLICE_LIT("{}"), raw, &doc, err));
        }
        if (call(r, "GET", "reports", (ov_slice){NULL, 0}, raw, &doc, err) == OV_OK) {
            const ov_json *payload =
                ov_json_find(ov_json_find(doc, "ingestionStatsAndErrors"), "payload");
            const ov_json *stats = ov_json_find(ov_json_find(payload, "rowStats"), "buildSegments");
            ov_progress_show(&p, ov_ingest_count(stats, "processed"), ov_ingest_count(stats, "processedBytes"), 0,
                             ov_ingest_count(stats, "unparseable"));
        }
        OV_TRY_OUT(st, call(r, "GET", "status", (ov_slice){NULL, 0}, raw, &doc, err));
        const ov_json *status = ov_json_find(doc, "status");
        const ov_json *word = ov_json_find(status, "status");
        if (!word || word->kind != OV_JSON_STRING ||
            !ov_slice_eq(word->s, OV_SLICE_LIT("RUNNING"))) {
            *success = word && word->kind == OV_JSON_STRING &&
                       ov_slice_eq(word->s, OV_SLICE_LIT("SUCCESS"));
            *duration_ms = (int64_t)ov_ingest_count(status, "duration");
            const ov_json *why = ov_json_find(status, "errorMsg");
            if (why && why->kind == OV_JSON_STRING)
                ov_buf_add_slice(error, why->s);
            break;
        }
        ov_sleep_ms(200);
    }
out:
    ov_progress_end(&p);
    return st;
}

static int run_remote(const ov_ingest_run_options *o, const char *address, ov_slice json)
{
    remote r = {.address = address};
    ov_error err = OV_ERROR_INIT;
    ov_buf raw, error;
    ov_json *doc;
    bool success = false;
    int64_t duration_ms = 0;
    int code;
    ov_arena_init(&r.arena, "remote", NULL);
    ov_buf_init(&raw);
    ov_buf_init(&error);
    ov_buf_init(&r.id);
    ov_status st = call(&r, "POST", NULL, json, &raw, &doc, &err);
    if (st == OV_OK) {
        ov_slice text;
        st = ov_json_need_str(doc, "task", &text, &err);
        if (st == OV_OK)
            ov_buf_add_slice(&r.id, text);
    }
    if (st == OV_OK) {
        if (o->verbose)
            fprintf(stderr, "task " OV_SLICE_FMT " runs in the server at %s\n", OV_SLICE_WHOLE(ov_buf_slice(&r.id)), address);
        st = follow_remote(&r, o, &raw, &success, &error, &duration_ms, &err);
    }
    if (st == OV_OK) {
        st = call(&r, "GET", "reports", (ov_slice){NULL, 0}, &raw, &doc, &err);
    }
    const char *why = ov_buf_cstr(&error);
    if (st == OV_OK)
        code = outcome(o, success, why ? why : "", ov_buf_slice(&raw), duration_ms);
    else
        code = ov_cli_fail(&err);
    ov_buf_fini(&raw);
    ov_buf_fini(&error);
    ov_buf_fini(&r.id);
    ov_arena_fini(&r.arena);
    return code;
}

/* ---- one or the other ---- */

int ov_ingest_run(const ov_ingest_run_options *o, ov_slice json)
{
    static ov_app app;
    ov_error err = OV_ERROR_INIT;
    ov_host_options host = {.dir = o->dir, .writer = true};
    ov_status st = ov_host_open(&app, &host, &err);
    if (st == OV_OK) {
        int code = run_here(o, &app, json);
        ov_host_close(&app);
        return code;
    }
    if (st != OV_BUSY)
        return ov_cli_fail(&err);
    ov_buf address;
    ov_error ignored = OV_ERROR_INIT;
    ov_buf_init(&address);
    const char *text = NULL;
    if (ov_catalog_holder(o->dir, &address, &ignored) == OV_OK && address.n)
        text = ov_buf_cstr(&address);
    int code = text ? run_remote(o, text, json) : ov_cli_fail(&err);
    ov_buf_fini(&address);
    return code;
}
