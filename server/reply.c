#include "server/reply.h"

#include "base/numparse.h"
#include "server/error_http.h"

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
