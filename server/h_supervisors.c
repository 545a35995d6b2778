/*
 * Supervisors of streams: there are none, and none can be made yet. Consoles list them all the same.
 */
#include "server/error_http.h"
#include "server/handlers.h"
#include "server/reply.h"

void ov_h_supervisors(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ovi_reply_fixed(rq, "[]");
}

void ov_h_supervisors_history(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ovi_reply_fixed(rq, "{}");
}

void ov_h_supervisor_post(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_fail(&err, OV_UNSUPPORTED, "streams and their supervisors are not there yet; post files and batches as tasks");
    ov_respond_error(rq, OV_ERROR_STATEMENT, (ov_slice){NULL, 0}, &err);
}

/* Whatever is asked of one: its specification, state, history, or to stop. */
void ov_h_supervisor_unknown(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app;
    ov_buf text;
    ov_buf_init(&text);
    ov_buf_addf(&text, "Cannot find any supervisor with id: [" OV_SLICE_FMT "]", OV_SLICE_ARG(at->s[0]));
    ov_respond(rq, 404, "text/plain", ov_buf_slice(&text));
    ov_buf_fini(&text);
}

/* All of none: done. */
void ov_h_supervisors_all(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ovi_reply_fixed(rq, "{\"status\":\"success\"}");
}
