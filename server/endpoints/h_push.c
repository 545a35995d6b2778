/*
 * Rows by HTTP: POST /v1/push/{datasource}, and what can be asked of the streams they make. See ingest/stream/stream.h.
 */
#include <stdio.h>
#include "base/jsonw.h"
#include "ingest/parse/rows.h"
#include "ingest/stream/stream.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/reply.h"

enum { BUSY_SECONDS = 1 };

/* Our own status codes: what a client should do next is what decides. */
static int status_of(ov_status st)
{
    switch (st) {
    case OV_BUSY:
        return 429; /* try again soon */
    case OV_EXISTS:
        return 409; /* never again with this id */
    case OV_LIMIT:
        return 413; /* in smaller pieces */
    case OV_IO:
    case OV_NOMEM:
    case OV_CANCELLED:
        return 503; /* when somebody has looked after the server */
    case OV_NOT_FOUND:
        return 404;
    default:
        return ov_error_http_status(st);
    }
}

static void respond_failure(ov_request *rq, const ov_error *err)
{
    ov_buf body;
    ov_buf_init(&body);
    ov_error_body(OV_ERROR_TASK, (ov_slice){NULL, 0}, err, false, &body);
    if (err->code == OV_BUSY) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", BUSY_SECONDS);
        ov_respond_header(rq, "Retry-After", ov_slice_cstr(seconds));
    }
    ov_respond(rq, status_of(err->code), "application/json", ov_buf_slice(&body));
    ov_buf_fini(&body);
}

/* ---- push ---- */

static ov_slice media_type(ov_request *rq)
{
    ov_slice type = ov_http_header_get(ov_request_head(rq), "Content-Type", NULL);
    for (size_t i = 0; i < type.n; i++)
        if (type.p[i] == ';' || type.p[i] == ' ') {
            type.n = i;
            break;
        }
    return type;
}

/* Only what says CSV or TSV is taken for it: curl calls every body a form. */
static ov_push_format format_of(ov_slice type)
{
    if (ov_slice_ieq(type, OV_SLICE_LIT("text/csv")) || ov_slice_ieq(type, OV_SLICE_LIT("application/csv")))
        return OV_PUSH_CSV;
    if (ov_slice_ieq(type, OV_SLICE_LIT("text/tab-separated-values")))
        return OV_PUSH_TSV;
    return OV_PUSH_JSON;
}

static void add_reject(ov_jsonw *w, const ov_reject *r)
{
    ov_jsonw_open_object(w, NULL);
    if (r->line)
        ov_jsonw_u64(w, "line", r->line);
    if (r->field.n)
        ov_jsonw_str(w, "field", r->field);
    ov_jsonw_str(w, "reason", r->reason);
    if (r->value.n)
        ov_jsonw_str(w, "value", r->value);
    if (r->loaded)
        ov_jsonw_bool(w, "loadedAsNull", true);
    ov_jsonw_close_object(w);
}

/* Nothing of it was a row: perhaps it is no JSON at all. */
static bool looks_like_csv(const ov_push *p, const ov_push_result *r)
{
    return p->format == OV_PUSH_JSON && r->rows == 0 && r->rejected > 0 && p->body.n && p->body.p[0] != '{' && p->body.p[0] != '[';
}

static void respond_taken(ov_request *rq, const ov_push *push, const ov_push_result *r)
{
    ovi_reply reply;
    ov_jsonw *w = ovi_reply_open(&reply);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_u64(w, "rows", r->rows);
    ov_jsonw_u64(w, "rejected", r->rejected);
    ov_jsonw_bool(w, "duplicate", r->duplicate);
    if (r->filtered)
        ov_jsonw_u64(w, "filtered", r->filtered);
    if (r->with_errors)
        ov_jsonw_u64(w, "rowsWithErrors", r->with_errors);
    if (r->reject_count) {
        ov_jsonw_open_array(w, "reasons");
        for (uint32_t i = 0; i < r->reject_count; i++)
            add_reject(w, &r->rejects[i]);
        ov_jsonw_close_array(w);
    }
    if (looks_like_csv(push, r))
        ov_jsonw_cstr(w, "hint", "a body is read as JSON; for CSV and TSV say Content-Type: text/csv or text/tab-separated-values");
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &reply);
}

void ov_h_push(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_push_result result;
    bool found;
    bool marked;
    ov_stream_mark mark = {.key = ov_request_param(rq, "mark", &marked), .value = ov_request_param(rq, "place", &found)};
    ov_push push = {.datasource = at->s[0],
                    .batch = ov_request_param(rq, "batch", &found),
                    .body = ov_request_body(rq),
                    .format = format_of(media_type(rq)),
                    .marks = &mark,
                    .mark_count = marked && mark.key.n};
    if (found && push.batch.n == 0) {
        ov_fail(&err, OV_INVALID, "the batch id is empty; leave 'batch' out, or give the batch an id of its own");
        respond_failure(rq, &err);
        return;
    }
    if (ov_streams_push(app->streams, &push, ov_request_arena(rq), &result, &err) == OV_OK)
        respond_taken(rq, &push, &result);
    else
        respond_failure(rq, &err);
}

/* ---- streams ---- */

static void respond_streams(ov_app *app, ov_request *rq, ov_slice name)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf body;
    ov_buf_init(&body);
    if (ov_streams_print(app->streams, name, &body, &err) == OV_OK) {
        ov_respond_json(rq, &body);
        return;
    }
    ov_buf_fini(&body);
    respond_failure(rq, &err);
}

void ov_h_streams(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    respond_streams(app, rq, (ov_slice){NULL, 0});
}

void ov_h_stream(ov_app *app, ov_request *rq, const ov_captures *at)
{
    respond_streams(app, rq, at->s[0]);
}

/* The place that went with the last rows: {"place":"..."}. */
void ov_h_stream_mark(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    bool found;
    ov_slice place, key = ov_request_param(rq, "key", &found);
    if (ov_streams_mark(app->streams, at->s[0], key, ov_request_arena(rq), &place, &err) != OV_OK) {
        respond_failure(rq, &err);
        return;
    }
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "place", place);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

void ov_h_stream_declare(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    if (ov_streams_declare(app->streams, at->s[0], ov_request_body(rq), &err) == OV_OK)
        respond_streams(app, rq, at->s[0]);
    else
        respond_failure(rq, &err);
}

void ov_h_stream_publish(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    if (ov_streams_flush(app->streams, at->s[0], &err) == OV_OK)
        respond_streams(app, rq, at->s[0]);
    else
        respond_failure(rq, &err);
}
