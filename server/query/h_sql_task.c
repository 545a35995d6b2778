/* POST /druid/v2/sql/task: a statement becomes a task of the overlord; see sql_task.h. */
#include "base/jsonw.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/query/sql_task.h"
#include "server/reply.h"

/* Druid's SqlTaskStatus of a statement that was refused before it became a task. */
static void respond_refused(ov_request *rq, ov_slice id, ov_slice sql, const ov_error *err)
{
    ov_buf error, b;
    ov_jsonw w;
    ov_buf_init(&error);
    ov_buf_init(&b);
    ov_error_body(OV_ERROR_SQL, sql, err, false, &error);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_str(&w, "taskId", id);
    ov_jsonw_cstr(&w, "state", "FAILED");
    ov_jsonw_raw(&w, "error", ov_buf_slice(&error));
    ov_jsonw_close_object(&w);
    ov_respond(rq, ov_error_http_status(err->code), "application/json", ov_buf_slice(&b));
    ov_buf_fini(&error);
    ov_buf_fini(&b);
}

void ov_h_sql_task(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_sql_request in;
    ov_slice id = OV_SLICE_LIT("");
    int refusal = ov_sql_request_media(rq);
    if (refusal) {
        ov_respond(rq, refusal, NULL, (ov_slice){NULL, 0});
        return;
    }
    if (ov_sql_request_read(rq, &in, &err) != OV_OK) {
        ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
        return;
    }
    if (ov_sql_task_submit(app, &in, NULL, ov_request_arena(rq), &id, &err) != OV_OK) {
        respond_refused(rq, id, in.query.sql, &err);
        return;
    }
    if (id.n == 0) { /* EXPLAIN */
        ov_h_sql(app, rq, at);
        return;
    }
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "taskId", id);
    ov_jsonw_cstr(w, "state", "RUNNING");
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 202, &r);
}

void ov_h_sql_task_enabled(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ov_respond(rq, 200, "application/json", OV_SLICE_LIT("{\"enabled\":true}"));
}
