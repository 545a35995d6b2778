/*
 * Small answers and parameters that the handlers of consoles' endpoints share.
 */
#pragma once

#include "base/datetime.h"
#include "server/http.h"

/* A status without a body, as Druid answers what it does not know. */
void ovi_reply_nothing(ov_request *rq, int status);
/* 200 with this JSON. */
void ovi_reply_fixed(ov_request *rq, const char *json);
/* 400 with a sentence, in the shape of the coordinator. */
void ovi_reply_error(ov_request *rq, const ov_error *err);

bool ovi_has_param(ov_request *rq, const char *name);
/* A whole number that is not negative; *out is left alone when the parameter is absent. OV_INVALID names it. */
OV_CHECKED ov_status ovi_number_param(ov_request *rq, const char *name, uint32_t *out, ov_error *err);
/* Interval of a URL path or parameter, where '_' may stand for '/'. */
OV_CHECKED ov_status ovi_url_interval(ov_request *rq, ov_slice text, ov_interval *out, ov_error *err);
