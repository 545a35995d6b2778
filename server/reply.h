/*
 * Small answers and parameters that the handlers of consoles' endpoints share.
 */
#pragma once

#include "base/datetime.h"
#include "base/jsonw.h"
#include "ingest/upkeep/settings.h"
#include "server/app.h"
#include "server/http/http.h"

/* A status without a body, as Druid answers what it does not know. */
void ovi_reply_nothing(ov_request *rq, int status);
/* 200 with this JSON. */
void ovi_reply_fixed(ov_request *rq, const char *json);
/* 400 with a sentence, in the shape of the coordinator. */
void ovi_reply_error(ov_request *rq, const ov_error *err);
/* 200 with a finished JSON text, or the error of what should have made it. The text is finished. */
void ovi_reply_made(ov_request *rq, ov_status st, ov_buf *text, const ov_error *err);

/* A JSON answer that is being written. */
typedef struct ovi_reply {
    ov_buf body;
    ov_jsonw w;
} ovi_reply;

/* The writer; every path ends with one of the other two. */
ov_jsonw *ovi_reply_open(ovi_reply *r);
void ovi_reply_send(ov_request *rq, int status, ovi_reply *r);
void ovi_reply_drop(ovi_reply *r);

/* Writes settings, and into their history the payload with who changed it and why: X-Druid-Author, X-Druid-Comment. */
OV_CHECKED ov_status ovi_settings_save(ov_app *app, ov_request *rq, const char *subject, ov_slice key, ov_slice payload, const ov_settings *s,
                                       ov_error *err);
/* The body's members on top of the settings of a subject; the others stay. `check` says whether the whole is fine; NULL: anything is. */
OV_CHECKED ov_status ovi_settings_change(ov_app *app, ov_request *rq, const char *subject,
                                         ov_status (*check)(const ov_json *settings, ov_error *err), ov_error *err);

bool ovi_has_param(ov_request *rq, const char *name);
/* A whole number that is not negative; *out is left alone when the parameter is absent. OV_INVALID names it. */
OV_CHECKED ov_status ovi_number_param(ov_request *rq, const char *name, uint32_t *out, ov_error *err);
/* Interval of a URL path or parameter, where '_' may stand for '/'. */
OV_CHECKED ov_status ovi_url_interval(ov_request *rq, ov_slice text, ov_interval *out, ov_error *err);
