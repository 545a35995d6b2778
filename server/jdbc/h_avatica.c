/*
 * POST /druid/v2/sql/avatica and /druid/v2/sql/avatica-protobuf: JDBC.
 */
#include "server/handlers.h"
#include "server/jdbc/avatica_session.h"

enum { HTTP_OK = 200, HTTP_FAILED = 500 }; /* the Java client knows no other status of an answer */

static void answer(ov_app *app, ov_request *rq, ov_av_wire wire)
{
    ov_arena *a = ov_request_arena(rq);
    ov_slice address = ov_slice_cstr(app->address), body = ov_request_body(rq);
    if (body.n == 0 && wire == OV_AV_JSON) /* where some clients put it */
        body = ov_http_header_get(ov_request_head(rq), "request", NULL);
    ov_error err = OV_ERROR_INIT;
    ov_av_request in;
    ov_av_response out;
    ov_buf text;
    bool no_connection = false;
    ov_buf_init(&text);
    ov_status st = wire == OV_AV_JSON ? ov_av_json_read(body, a, &in, &err)
                                      : ov_av_proto_read(body, a, &in, &err);
    if (st == OV_OK)
        st = ov_av_answer(app, rq, &in, wire, a, &out, &no_connection, &err);
    if (st == OV_OK && wire == OV_AV_JSON)
        ov_av_json_write(&out, address, &text);
    else if (st == OV_OK)
        st = ov_av_proto_write(&out, address, a, &text, &err);
    if (st != OV_OK) {
        ov_av_failure f = {.code = no_connection ? OV_AV_NO_CONNECTION : OV_AV_UNKNOWN,
                           .message = ov_slice_cstr(err.text)};
        ov_error ignored = OV_ERROR_INIT;
        ov_buf_clear(&text);
        if (wire == OV_AV_JSON)
            ov_av_json_fail(&f, address, &text);
        else
            st = ov_av_proto_fail(&f, address, a, &text, &ignored) == OV_OK ? st : OV_NOMEM;
    }
    ov_respond(rq, st == OV_OK && !text.failed ? HTTP_OK : HTTP_FAILED,
               wire == OV_AV_JSON ? "application/json;charset=utf-8"
                                  : "application/octet-stream;charset=utf-8",
               text.failed ? (ov_slice){NULL, 0} : ov_buf_slice(&text));
    ov_buf_fini(&text);
}

void ov_h_avatica(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    answer(app, rq, OV_AV_JSON);
}

void ov_h_avatica_protobuf(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    answer(app, rq, OV_AV_PROTOBUF);
}
