/*
 * From a request to its handler. The table is routes.def; matching walks it in order, segment by segment.
 */
#include "server/handlers.h"

#include "base/log.h"
#include "server/http/error_http.h"

static const struct route {
    ov_http_method method;
    const char *pattern;
    ov_handler *handler;
} routes[] = {
#define OV_ROUTE(method, pattern, handler) {OV_HTTP_##method, pattern, handler},
#include "server/routes.def"
#undef OV_ROUTE
};

static ov_slice next_segment(ov_slice *rest)
{
    while (rest->n && rest->p[0] == '/') {
        rest->p++;
        rest->n--;
    }
    size_t n = 0;
    while (n < rest->n && rest->p[n] != '/')
        n++;
    ov_slice segment = {rest->p, n};
    rest->p += n;
    rest->n -= n;
    return segment;
}

static bool matches(const char *pattern, ov_slice path, ov_captures *at)
{
    ov_slice want = ov_slice_cstr(pattern);
    at->n = 0;
    for (;;) {
        ov_slice w = next_segment(&want), got = next_segment(&path);
        if (w.n == 0 || got.n == 0)
            return w.n == got.n;
        if (ov_slice_eq(w, OV_SLICE_LIT("{}")))
            at->s[at->n++] = got;
        else if (!ov_slice_eq(w, got))
            return false;
    }
}

/* The console reaches the other roles of a Druid cluster through the router; here they are one process. */
static ov_slice without_proxy(ov_slice path)
{
    static const char *const fronts[] = {"/proxy/coordinator", "/proxy/overlord"};
    for (size_t i = 0; i < OV_COUNT_OF(fronts); i++) {
        ov_slice front = ov_slice_cstr(fronts[i]);
        if (ov_slice_starts(path, front))
            return ov_slice_make(path.p + front.n, path.n - front.n);
    }
    return path;
}

static void refuse(ov_request *rq, bool path_known, const char *allow)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf body;
    if (path_known) { /* Allow says it all; the body is empty as Druid's */
        ov_respond_header(rq, "Allow", ov_slice_cstr(allow));
        ov_respond(rq, 405, NULL, (ov_slice){NULL, 0});
        return;
    }
    /* As Druid's own services do; people who mistype see the sentence below. */
    ov_slice path = without_proxy(ov_request_path(rq));
    if (ov_slice_starts(path, OV_SLICE_LIT("/druid/coordinator/")) || ov_slice_starts(path, OV_SLICE_LIT("/druid/indexer/"))) {
        ov_respond(rq, 404, NULL, (ov_slice){NULL, 0});
        return;
    }
    ov_buf_init(&body);
    ov_fail(&err, OV_NOT_FOUND, "There is nothing at " OV_SLICE_FMT ".", OV_SLICE_ARG(ov_request_path(rq)));
    ov_error_body(OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err, false, &body);
    ov_respond(rq, 404, "application/json", ov_buf_slice(&body));
    ov_buf_fini(&body);
}

static const char *method_name(ov_http_method m)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"};
    return names[m];
}

static void refuse_browser(ov_request *rq, const char *why)
{
    ov_error err = OV_ERROR_INIT;
    ov_fail(&err, OV_DENIED, "%s.", why);
    ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
}

void ov_app_handle(void *self, ov_request *rq)
{
    ov_app *app = self;
    ov_http_method method = ov_request_head(rq)->method;
    const char *why = ov_browser_refuses(&app->browsers, ov_request_head(rq));
    if (why) {
        refuse_browser(rq, why);
        return;
    }
    if (method == OV_HTTP_HEAD)
        method = OV_HTTP_GET; /* the same answer; its body is not sent */
    ov_slice path = without_proxy(ov_request_path(rq));
    ov_captures at;
    const char *allow = NULL;
    for (size_t i = 0; i < OV_COUNT_OF(routes); i++) {
        if (!matches(routes[i].pattern, path, &at))
            continue;
        if (routes[i].method == method) {
            routes[i].handler(app, rq, &at);
            return;
        }
        if (!allow)
            allow = method_name(routes[i].method);
    }
    refuse(rq, allow != NULL, allow);
}

bool ov_app_quick(void *self, ov_request *rq)
{
    const ov_app *app = self;
    const ov_http_head *head = ov_request_head(rq);
    ov_captures at;
    return head->method == OV_HTTP_POST && matches("/druid/v2/sql", ov_request_path(rq), &at) &&
           !ov_browser_refuses(&app->browsers, head) && ov_h_sql_quick(self, rq);
}
