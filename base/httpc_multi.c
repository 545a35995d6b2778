/* Many transfers on one thread: libcurl's multi interface, with its connections kept for whoever asks the same host next. */
#include "base/httpc_int.h"

#include "base/mem.h"
#include "base/os.h"

enum { KEPT_CONNECTIONS = 64 };

typedef struct item {
    ovi_transfer transfer;
    ov_http_response response;
    struct item *next;
} item;

struct ov_http_multi {
    CURLM *multi;
    item *items; /* under way */
    uint32_t running;
    ovi_homes homes;
};

ov_status ov_http_multi_create(ov_http_multi **out, ov_error *err)
{
    ov_http_multi *m = ov_calloc(1, sizeof(*m));
    if (!m)
        return ov_fail_nomem(err, sizeof(*m));
    m->multi = curl_multi_init();
    if (!m->multi) {
        ov_free(m);
        return ov_fail_nomem(err, 1);
    }
    curl_multi_setopt(m->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    *out = m;
    return OV_OK;
}

static void drop(ov_http_multi *m, item *it)
{
    item **at = &m->items;
    while (*at != it)
        at = &(*at)->next;
    *at = it->next;
    m->running--;
    curl_multi_remove_handle(m->multi, it->transfer.easy);
    ovi_transfer_end(&it->transfer);
    ov_free(it);
}

void ov_http_multi_destroy(ov_http_multi *m)
{
    if (!m)
        return;
    while (m->items)
        drop(m, m->items);
    curl_multi_cleanup(m->multi);
    ov_free(m);
}

ov_status ov_http_multi_start(ov_http_multi *m, const ov_http_request *req, ov_http_sink sink, void *arg, ov_error *err)
{
    item *it = ov_calloc(1, sizeof(*it));
    if (!it)
        return ov_fail_nomem(err, sizeof(*it));
    it->transfer = (ovi_transfer){.req = req, .sink = sink, .arg = arg, .out = &it->response, .homes = &m->homes};
    ov_status st = ovi_transfer_begin(&it->transfer, err);
    if (st == OV_OK) {
        curl_easy_setopt(it->transfer.easy, CURLOPT_PRIVATE, it);
        if (curl_multi_add_handle(m->multi, it->transfer.easy) != CURLM_OK)
            st = ov_fail_nomem(err, sizeof(*it));
    }
    if (st != OV_OK) {
        ovi_transfer_end(&it->transfer);
        ov_free(it);
        return st;
    }
    it->next = m->items;
    m->items = it;
    m->running++;
    return OV_OK;
}

/* The next transfer that has ended, if any. */
static bool take_done(ov_http_multi *m, ov_http_done *done)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(m->multi, &left)) != NULL) {
        item *it = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode rc = msg->data.result;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &it);
        *done = (ov_http_done){.arg = it->transfer.arg, .err = OV_ERROR_INIT};
        done->status = ovi_transfer_result(&it->transfer, rc, &done->err);
        done->response = it->response;
        drop(m, it);
        return true;
    }
    return false;
}

ov_status ov_http_multi_next(ov_http_multi *m, int64_t timeout_ms, bool *any, ov_http_done *done, ov_error *err)
{
    int64_t until = ov_monotonic_ms() + timeout_ms;
    for (;;) {
        int active = 0;
        CURLMcode rc = curl_multi_perform(m->multi, &active);
        *any = rc == CURLM_OK && take_done(m, done);
        if (*any)
            return OV_OK;
        int64_t left = until - ov_monotonic_ms();
        if (rc == CURLM_OK && left <= 0)
            return OV_OK;
        if (rc == CURLM_OK)
            rc = curl_multi_poll(m->multi, NULL, 0, (int)OV_MIN(left, INT64_C(1000)), NULL);
        if (rc != CURLM_OK)
            return ov_fail(err, OV_IO, "the HTTP client failed: %s", curl_multi_strerror(rc));
    }
}

uint32_t ov_http_multi_running(const ov_http_multi *m)
{
    return m->running;
}
