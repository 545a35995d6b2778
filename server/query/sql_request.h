/*
 * The body of POST /druid/v2/sql, read: statement, format, context, parameters.
 *
 * Druid's own server is picky about Content-Type and lenient about unknown fields; so is this. See docs/druid-compat.md.
 */
#pragma once

#include "base/json.h"
#include "query/query.h"
#include "server/http/http.h"
#include "server/query/encode.h"

typedef struct ov_sql_request {
    ov_query_request query;
    ov_result_format format;
    bool header, types_header, sql_types_header;
    const ov_json *context, *parameters; /* as posted; NULL when there are none */
    int64_t priority; /* of those that wait for a place, larger first */
} ov_sql_request;

/* Why a request is not even looked at: 415 or 406 with an empty body; 0 = go on. */
int ov_sql_request_media(const ov_request *rq);

/* Everything lives in the request's arena. Errors: OV_INVALID with the JSON path. */
OV_CHECKED ov_status ov_sql_request_read(ov_request *rq, ov_sql_request *out, ov_error *err);

/* Of `context` and `parameters` what is read into `query`; for statements that come another way. */
OV_CHECKED ov_status ov_sql_request_settings(ov_sql_request *rq, ov_arena *a, ov_error *err);
