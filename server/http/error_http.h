/*
 * From ov_error to HTTP: the only place that knows Druid's error words.
 *
 * Threads: any.
 */
#pragma once

#include "server/http/http.h"

typedef enum ov_error_style {
    OV_ERROR_SQL, /* druidException with context.sourceType sql; needs the statement for line and column */
    OV_ERROR_BINDING, /* the request body could not be read: error, errorMessage, errorClass, host */
    OV_ERROR_STATEMENT, /* druidException about a statement as a whole; what is not found is 404 */
    OV_ERROR_NATIVE, /* a native query that was read failed: the words of older Druids and of newer ones together */
    OV_ERROR_TASK,    /* overlord: {"error": sentence} */
} ov_error_style;

int ov_error_http_status(ov_status code);
/* Answers rq. sql may be empty. Headers set before stay. */
void ov_respond_error(ov_request *rq, ov_error_style style, ov_slice sql, const ov_error *err);
/* The body alone. `for_go`: see error_http.c. */
void ov_error_body(ov_error_style style, ov_slice sql, const ov_error *err, bool for_go,
                   ov_buf *out);
/* Plain text answers of the overlord and others: 404 with a sentence. */
void ov_respond_text(ov_request *rq, int status, const char *text);
/* 200 with a JSON body, or the error that the buffer holds. The buffer is finished. */
void ov_respond_json(ov_request *rq, ov_buf *body);
