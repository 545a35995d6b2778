#include "server/reply.h"

#include "base/numparse.h"
#include "server/http/error_http.h"

void ovi_reply_nothing(ov_request *rq, int status)
{
    ov_respond(rq, status, "application/json", (ov_slice){NULL, 0});
}

void ovi_reply_fixed(ov_request *rq, const char *json)
{
    ov_respond(rq, 200, "application/json", ov_slice_cstr(json));
}

void ovi_reply_error(ov_request *rq, const ov_error *err)
{
    ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, err);
}

void ovi_reply_made(ov_request *rq, ov_status st, ov_buf *text, const ov_error *err)
{
    if (st == OV_OK) {
        ov_respond_json(rq, text);
        return;
    }
    ov_buf_fini(text);
    ovi_reply_error(rq, err);
}

ov_jsonw *ovi_reply_open(ovi_reply *r)
{
    ov_buf_init(&r->body);
    ov_jsonw_init(&r->w, &r->body);
    return &r->w;
}

void ovi_reply_send(ov_request *rq, int status, ovi_reply *r)
{
    ov_error err = OV_ERROR_INIT;
    if (ov_buf_check(&r->body, &err) != OV_OK)
        ovi_reply_error(rq, &err);
    else
        ov_respond(rq, status, "application/json", ov_buf_slice(&r->body));
    ovi_reply_drop(r);
}

void ovi_reply_drop(ovi_reply *r)
{
    ov_buf_fini(&r->body);
}

/* ---- settings ---- */

ov_status ovi_settings_save(ov_app *app, ov_request *rq, const char *subject, ov_slice key, ov_slice payload, const ov_settings *s,
                            ov_error *err)
{
    const ov_http_head *head = ov_request_head(rq);
    ov_audit audit = {.key = key,
                      .author = ov_http_header_get(head, "X-Druid-Author", NULL),
                      .comment = ov_http_header_get(head, "X-Druid-Comment", NULL),
                      .payload = payload};
    return ov_settings_write(app->catalog, subject, s, &audit, ov_request_arena(rq), err);
}

ov_status ovi_settings_change(ov_app *app, ov_request *rq, const char *subject,
                              ov_status (*check)(const ov_json *settings, ov_error *err), ov_error *err)
{
    ov_arena *a = ov_request_arena(rq);
    ov_settings s;
    ov_json *wanted;
    OV_TRY(ov_json_parse(ov_request_body(rq), NULL, a, &wanted, err));
    OV_TRY(ov_json_expect(wanted, OV_JSON_OBJECT, err));
    OV_TRY(ov_settings_read(app->catalog, subject, a, &s, err));
    OV_TRY(ov_settings_merge(a, s.object, wanted, err));
    if (check)
        OV_TRY(check(s.object, err));
    return ovi_settings_save(app, rq, subject, ov_slice_cstr(subject), ov_request_body(rq), &s, err);
}

/* ---- parameters ---- */

bool ovi_has_param(ov_request *rq, const char *name)
{
    bool found;
    ov_request_param(rq, name, &found);
    return found;
}

ov_status ovi_number_param(ov_request *rq, const char *name, uint32_t *out, ov_error *err)
{
    bool found;
    int64_t v;
    ov_slice text = ov_request_param(rq, name, &found);
    if (!found)
        return OV_OK;
    if (!ov_parse_i64(text, &v) || v < 0)
        return ov_fail(err, OV_INVALID, "the query parameter %s must be a whole number of at least 0", name);
    *out = (uint32_t)OV_MIN(v, (int64_t)UINT32_MAX);
    return OV_OK;
}

ov_status ovi_url_interval(ov_request *rq, ov_slice text, ov_interval *out, ov_error *err)
{
    char *p = ov_arena_try(ov_request_arena(rq), text.n + 1, 1, err);
    if (!p)
        return err->code;
    for (size_t i = 0; i < text.n; i++)
        p[i] = text.p[i] == '_' ? '/' : text.p[i];
    return ov_interval_parse(ov_slice_make(p, text.n), out, err);
}
