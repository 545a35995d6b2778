/* Schedules and pull specs over HTTP: ours, beside what Druid has. */
#include "base/jsonw.h"
#include "ingest/pull/pull.h"
#include "ingest/schedule/schedule.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/pull_query.h"
#include "server/task_transform.h"

enum { NEXT_RUNS = 5 };

static void fail(ov_request *rq, const ov_error *err)
{
    ov_respond_error(rq, OV_ERROR_TASK, (ov_slice){NULL, 0}, err);
}

static void print(ov_app *app, ov_request *rq, ov_slice name)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    if (ov_schedules_print(app->catalog, name, NEXT_RUNS, &b, &err) == OV_OK) {
        ov_respond_json(rq, &b);
        return;
    }
    ov_buf_fini(&b);
    fail(rq, &err);
}

void ov_h_schedules(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    print(app, rq, (ov_slice){0});
}

void ov_h_schedule(ov_app *app, ov_request *rq, const ov_captures *at)
{
    print(app, rq, at->s[0]);
}

void ov_h_schedule_put(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice name;
    (void)at;
    if (ov_schedules_put(app->schedules, ov_request_body(rq), ov_request_arena(rq), &name, &err) == OV_OK)
        print(app, rq, name);
    else
        fail(rq, &err);
}

static void changed(ov_app *app, ov_request *rq, ov_slice name, ov_status st, const ov_error *err)
{
    if (st == OV_OK)
        print(app, rq, name);
    else
        fail(rq, err);
}

void ov_h_schedule_pause(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    changed(app, rq, at->s[0], ov_schedules_pause(app->schedules, at->s[0], true, &err), &err);
}

void ov_h_schedule_resume(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    changed(app, rq, at->s[0], ov_schedules_pause(app->schedules, at->s[0], false, &err), &err);
}

void ov_h_schedule_run(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    changed(app, rq, at->s[0], ov_schedules_trigger(app->schedules, at->s[0], &err), &err);
}

void ov_h_schedule_remove(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_jsonw w;
    if (ov_schedules_remove(app->schedules, at->s[0], &err) != OV_OK) {
        fail(rq, &err);
        return;
    }
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_str(&w, "removed", at->s[0]);
    ov_jsonw_close_object(&w);
    ov_respond_json(rq, &b);
}

/* Druid's sampler for pulls: what would a run cost. */
void ov_h_pull_plan(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_pull_ops ops = ov_pull_ops_of(&app->env);
    ov_pull_look look = {.catalog = app->catalog, .ops = &ops, .transforms = &ov_transforms};
    (void)at;
    ov_buf_init(&b);
    if (ov_pull_plan(&look, ov_request_body(rq), &b, &err) == OV_OK) {
        ov_respond_json(rq, &b);
        return;
    }
    ov_buf_fini(&b);
    fail(rq, &err);
}

void ov_h_pull_sources(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    (void)app, (void)at;
    ov_buf_init(&b);
    if (ov_pull_sources(&b, &err) == OV_OK) {
        ov_respond_json(rq, &b);
        return;
    }
    ov_buf_fini(&b);
    fail(rq, &err);
}
