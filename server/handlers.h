/*
 * Handlers of the routes in routes.def. Each runs on a request thread and answers before it returns.
 */
#pragma once

#include "server/app.h"

/* What the pattern's {} matched, in order; decoded. */
typedef struct ov_captures {
    uint32_t n;
    ov_slice s[4];
} ov_captures;

typedef void ov_handler(ov_app *app, ov_request *rq, const ov_captures *at);

#define OV_ROUTE(method, pattern, handler) ov_handler handler;
#include "server/routes.def"
#undef OV_ROUTE

/* POST /druid/v2/sql on the loop thread: see ov_app_quick. */
bool ov_h_sql_quick(ov_app *app, ov_request *rq);
