/*
 * Supervisors of streams, in Druid's shapes; what they do is in ingest/kafka/kafka.h.
 */
#include "base/jsonw.h"
#include "ingest/kafka/kafka.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/reply.h"

static void fail(ov_request *rq, const ov_error *err)
{
    if (err->code == OV_NOT_FOUND)
        ov_respond_text(rq, 404, err->text);
    else
        ov_respond_error(rq, OV_ERROR_STATEMENT, (ov_slice){NULL, 0}, err);
}

static void respond(ov_request *rq, int status, ov_buf *body, const ov_error *err)
{
    if (err->code != OV_OK)
        fail(rq, err);
    else
        ov_respond(rq, status, "application/json", ov_buf_slice(body));
    ov_buf_fini(body);
}

static void respond_id(ov_request *rq, ov_slice id)
{
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "id", id);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

/* ---- all of them ---- */

static bool asked(ov_request *rq, const char *name)
{
    bool found;
    ov_slice value = ov_request_param(rq, name, &found);
    return found && !ov_slice_ieq(value, OV_SLICE_LIT("false"));
}

static void list(ov_app *app, ov_request *rq, ov_kafka_list what)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf body;
    ov_buf_init(&body);
    err.code = ov_kafka_print_all(app->kafka, what, &body, &err);
    respond(rq, 200, &body, &err);
}

void ov_h_supervisors(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    list(app, rq, asked(rq, "full") ? OV_KAFKA_FULL : asked(rq, "state") ? OV_KAFKA_STATES : OV_KAFKA_IDS);
}

void ov_h_supervisors_history(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    list(app, rq, OV_KAFKA_HISTORIES);
}

static void act_on_all(ov_app *app, ov_request *rq, ov_kafka_act act)
{
    ov_error err = OV_ERROR_INIT;
    if (ov_kafka_do_all(app->kafka, act, &err) == OV_OK)
        ovi_reply_fixed(rq, "{\"status\":\"success\"}");
    else
        fail(rq, &err);
}

void ov_h_supervisors_suspend(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    act_on_all(app, rq, OV_KAFKA_SUSPEND);
}

void ov_h_supervisors_resume(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    act_on_all(app, rq, OV_KAFKA_RESUME);
}

void ov_h_supervisors_terminate(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    act_on_all(app, rq, OV_KAFKA_TERMINATE);
}

void ov_h_supervisor_post(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice id;
    (void)at;
    if (ov_kafka_put(app->kafka, ov_request_body(rq), asked(rq, "skipRestartIfUnmodified"), ov_request_arena(rq), &id, &err) == OV_OK)
        respond_id(rq, id);
    else
        fail(rq, &err);
}

/* ---- one ---- */

static void view(ov_app *app, ov_request *rq, ov_slice id, ov_kafka_view what)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf body;
    bool healthy = true;
    ov_buf_init(&body);
    err.code = ov_kafka_print(app->kafka, id, what, &body, &healthy, &err);
    respond(rq, what == OV_KAFKA_HEALTH && !healthy ? 503 : 200, &body, &err);
}

void ov_h_supervisor(ov_app *app, ov_request *rq, const ov_captures *at)
{
    view(app, rq, at->s[0], OV_KAFKA_SPEC);
}

void ov_h_supervisor_status(ov_app *app, ov_request *rq, const ov_captures *at)
{
    view(app, rq, at->s[0], OV_KAFKA_STATUS);
}

void ov_h_supervisor_stats(ov_app *app, ov_request *rq, const ov_captures *at)
{
    view(app, rq, at->s[0], OV_KAFKA_STATS);
}

void ov_h_supervisor_history(ov_app *app, ov_request *rq, const ov_captures *at)
{
    view(app, rq, at->s[0], OV_KAFKA_HISTORY);
}

void ov_h_supervisor_health(ov_app *app, ov_request *rq, const ov_captures *at)
{
    view(app, rq, at->s[0], OV_KAFKA_HEALTH);
}

void ov_h_supervisor_errors(ov_app *app, ov_request *rq, const ov_captures *at)
{
    view(app, rq, at->s[0], OV_KAFKA_PARSE_ERRORS);
}

static void act(ov_app *app, ov_request *rq, ov_slice id, ov_kafka_act what, bool answer_spec)
{
    ov_error err = OV_ERROR_INIT;
    if (ov_kafka_do(app->kafka, id, what, ov_request_body(rq), &err) != OV_OK)
        fail(rq, &err);
    else if (answer_spec)
        view(app, rq, id, OV_KAFKA_SPEC);
    else
        respond_id(rq, id);
}

void ov_h_supervisor_suspend(ov_app *app, ov_request *rq, const ov_captures *at)
{
    act(app, rq, at->s[0], OV_KAFKA_SUSPEND, true);
}

void ov_h_supervisor_resume(ov_app *app, ov_request *rq, const ov_captures *at)
{
    act(app, rq, at->s[0], OV_KAFKA_RESUME, true);
}

void ov_h_supervisor_terminate(ov_app *app, ov_request *rq, const ov_captures *at)
{
    act(app, rq, at->s[0], OV_KAFKA_TERMINATE, false);
}

void ov_h_supervisor_reset(ov_app *app, ov_request *rq, const ov_captures *at)
{
    act(app, rq, at->s[0], OV_KAFKA_RESET, false);
}

void ov_h_supervisor_offsets(ov_app *app, ov_request *rq, const ov_captures *at)
{
    act(app, rq, at->s[0], OV_KAFKA_OFFSETS, false);
}

/* Rows can be queried as they come and are published by age and size; there are no groups of tasks. */
void ov_h_supervisor_handoff(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    (void)app;
    ov_fail(&err, OV_UNSUPPORTED, "there are no task groups; POST /v1/streams/" OV_SLICE_FMT "/publish publishes what is in memory",
            OV_SLICE_ARG(at->s[0]));
    fail(rq, &err);
}
