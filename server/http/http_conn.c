/*
 * Connections: sockets, request assembly, moving finished bytes to libevent, time limits. All on the loop thread.
 *
 * States of a connection:
 *
 *   HEAD -> BODY -> BUSY -> HEAD ...        one request at a time; pipelined bytes wait in the input buffer
 *      \______\________________> LINGER     after a refusal: answer sent, input dropped until the client closes
 */
#include "server/http/http_int.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include "base/os.h"

enum {
    INPUT_HIGH_BYTES = 256 * 1024, /* read ahead of the parser at most */
    LINGER_MS = 1000,
    STALL_MS = 120 * 1000, /* a client that takes no byte of its answer for so long is dropped */
    QUICK_IN_A_ROW = 16, /* pipelined requests of one connection answered here before others get a turn */
};

typedef enum conn_state { CONN_HEAD, CONN_BODY, CONN_BUSY, CONN_LINGER } conn_state;

struct ovi_conn {
    ov_http *http;
    ovi_conn *next, **link;
    struct bufferevent *bev;
    conn_state state;
    bool got_bytes;       /* of the head being awaited */
    bool closing;         /* close once the output is written */
    size_t scan;          /* progress of the search for the head's end */
    int64_t deadline_ms;  /* monotonic; 0 = none */
    size_t out_seen;      /* output length at the last progress check */
    int64_t out_since_ms; /* when it last shrank */
    uint32_t quick_in_a_row;
    ov_request *rq;
    ov_http_body body;
};

static void conn_process(ovi_conn *c);
static ovi_conn *send_ready(ov_request *rq);

/* ---- connections ---- */

void ovi_conn_close(ovi_conn *c)
{
    if (c->rq) {
        c->rq->conn = NULL;
        ovi_request_mark_gone(c->rq);
        ovi_request_release(c->rq);
    }
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    atomic_fetch_sub(&c->http->n_open, 1);
    bufferevent_free(c->bev);
    ov_free(c);
}

static void conn_await_head(ovi_conn *c)
{
    c->state = CONN_HEAD;
    c->scan = 0;
    c->got_bytes = false;
    c->deadline_ms = ov_monotonic_ms() + c->http->opt.idle_timeout_ms;
}

/* The output is with the kernel: what was to follow then. */
static void conn_drained(ovi_conn *c)
{
    if (!c->closing)
        return;
    if (c->state == CONN_LINGER) {
        shutdown(bufferevent_getfd(c->bev), SHUT_WR);
        c->closing = false; /* the tick or the client's close ends it */
        return;
    }
    ovi_conn_close(c);
}

/* Most answers fit into the socket: one call, and the loop need not watch for room. False: some of it, or an error, is
 * left to libevent. */
static bool conn_flush(ovi_conn *c)
{
    struct evbuffer *out = bufferevent_get_output(c->bev);
    if (evbuffer_get_length(out) && !(bufferevent_get_enabled(c->bev) & EV_WRITE)) {
        evbuffer_unfreeze(out, 1); /* bufferevents keep others from taking bytes there */
        (void)evbuffer_write(out, bufferevent_getfd(c->bev));
        evbuffer_freeze(out, 1);
        if (evbuffer_get_length(out))
            bufferevent_enable(c->bev, EV_WRITE);
    }
    return evbuffer_get_length(out) == 0;
}

/* Answer from the loop itself and close: for requests that never reach a handler. */
static void conn_refuse(ovi_conn *c, ov_http_refusal refusal)
{
    char body[512], head[256];
    int n =
        snprintf(body, sizeof body,
                 "{\"error\":\"Unknown exception\",\"errorCode\":\"invalidInput\",\"persona\":"
                 "\"USER\",\"category\":\"INVALID_INPUT\",\"errorMessage\":\"%s\",\"errorClass\":"
                 "null,\"host\":null}",
                 refusal.reason);
    int m = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                     "Connection: close\r\n%s\r\n",
                     refusal.status, ov_http_reason(refusal.status), n,
                     refusal.status == 503 ? "Retry-After: 1\r\n" : "");
    struct evbuffer *out = bufferevent_get_output(c->bev);
    evbuffer_add(out, head, (size_t)m);
    evbuffer_add(out, body, (size_t)n);
    atomic_fetch_add(&c->http->n_refused, 1);
    if (c->rq) {
        c->rq->conn = NULL;
        ovi_request_release(c->rq);
        c->rq = NULL;
    }
    c->state = CONN_LINGER;
    c->closing = true;
    c->deadline_ms = ov_monotonic_ms() + LINGER_MS;
    if (conn_flush(c))
        conn_drained(c);
}

/* The head is complete: take it out of the input, decide about the body. */
static bool conn_start_request(ovi_conn *c, ov_slice bytes, size_t used, ov_http_refusal *bad)
{
    ov_request *rq = ovi_request_create(c->http);
    if (!rq) {
        *bad = (ov_http_refusal){503, "There is no memory for the request."};
        return false;
    }
    c->rq = rq;
    rq->conn = c;
    ov_buf_add(&rq->head_bytes, bytes.p, used);
    size_t scan = 0, again;
    ov_slice kept = ov_buf_slice(&rq->head_bytes);
    if (rq->head_bytes.failed ||
        ov_http_parse_head(kept, &scan, &rq->head, &again, bad) != OV_HTTP_DONE) {
        *bad = (ov_http_refusal){503, "There is no memory for the request."};
        return false;
    }
    ov_error err = OV_ERROR_INIT;
    char *path = ov_arena_try(&rq->arena, rq->head.path.n + 1, 1, &err);
    size_t n = 0;
    if (!path || !ov_http_percent_decode(rq->head.path, false, path, &n)) {
        *bad = (ov_http_refusal){400, "The path holds a malformed percent escape."};
        return false;
    }
    path[n] = '\0';
    rq->path = ov_slice_make(path, n);
    ov_http_body_init(&c->body, &rq->head, c->http->opt.max_body_bytes);
    c->state = CONN_BODY;
    c->deadline_ms = ov_monotonic_ms() + c->http->opt.head_timeout_ms;
    return true;
}

/* One step on the input; false when more bytes are needed or the connection is busy. */
static bool conn_step_head(ovi_conn *c, struct evbuffer *in)
{
    size_t have = evbuffer_get_length(in);
    if (have == 0)
        return false;
    if (!c->got_bytes) {
        c->got_bytes = true;
        c->deadline_ms = ov_monotonic_ms() + c->http->opt.head_timeout_ms;
    }
    size_t look = OV_MIN(have, (size_t)OV_HTTP_MAX_HEAD_BYTES + 1);
    const char *p = (const char *)evbuffer_pullup(in, (ssize_t)look);
    ov_http_refusal bad = {503, "There is no memory for the request."};
    ov_http_head head;
    size_t used = 0;
    ov_http_step step =
        p ? ov_http_parse_head(ov_slice_make(p, look), &c->scan, &head, &used, &bad) : OV_HTTP_BAD;
    if (step == OV_HTTP_MORE)
        return false;
    if (step == OV_HTTP_BAD || !conn_start_request(c, ov_slice_make(p, look), used, &bad)) {
        conn_refuse(c, bad);
        return false;
    }
    evbuffer_drain(in, used);
    bool wants_body = head.chunked || head.length > 0;
    if (head.expect_continue && wants_body && evbuffer_get_length(in) == 0 &&
        (head.chunked || head.length <= c->http->opt.max_body_bytes))
        evbuffer_add_printf(bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n");
    (void)conn_flush(c);
    return true;
}

/* What is answered sooner than it is handed to a worker. The answer then waits to be sent. */
static bool answered_quickly(ovi_conn *c)
{
    ov_http *h = c->http;
    ov_request *rq = c->rq;
    if (!h->opt.quick || h->stopping || c->quick_in_a_row >= QUICK_IN_A_ROW)
        return false;
    rq->on_loop = true;
    bool answered = h->opt.quick(h->opt.self, rq);
    if (answered && rq->phase != OVI_FINISHED)
        ov_respond_abort(rq);
    rq->on_loop = false;
    c->quick_in_a_row += answered;
    return answered;
}

/* The body has grown: false when those of all requests together have no room for it. */
static bool pay_body(ov_request *rq, ov_http_refusal *bad)
{
    ov_error err = OV_ERROR_INIT;
    size_t cap = rq->body.cap;
    if (cap <= OV_HTTP_SMALL_BODY_BYTES || cap <= rq->body_paid)
        return true;
    if (ov_budget_charge(&rq->http->bodies, cap - rq->body_paid, &err) != OV_OK) {
        *bad = (ov_http_refusal){503, "The bodies of other requests take all the memory there is for them; try again."};
        return false;
    }
    rq->body_paid = cap;
    return true;
}

/* False: more bytes are needed, a worker has it, or the connection is gone. */
static bool conn_step_body(ovi_conn *c, struct evbuffer *in)
{
    ov_http_refusal bad = {0, NULL};
    ov_http_step step;
    do {
        size_t n = evbuffer_get_contiguous_space(in);
        const char *p = n ? (const char *)evbuffer_pullup(in, (ssize_t)n) : NULL;
        size_t used = 0;
        step = ov_http_body_feed(&c->body, ov_slice_make(p ? p : "", n), &used, &c->rq->body, &bad);
        evbuffer_drain(in, used);
        if (step != OV_HTTP_BAD && !pay_body(c->rq, &bad))
            step = OV_HTTP_BAD;
        if (used)
            c->deadline_ms = ov_monotonic_ms() + c->http->opt.head_timeout_ms;
        if (step == OV_HTTP_MORE && used == 0) {
            /* a chunk line may straddle two pieces of the buffer */
            size_t all = evbuffer_get_length(in);
            if (all <= n)
                return false;
            if (!evbuffer_pullup(in, (ssize_t)OV_MIN(all, n + OV_HTTP_MAX_CHUNK_LINE_BYTES)))
                step = OV_HTTP_BAD;
        }
    } while (step == OV_HTTP_MORE);
    if (step == OV_HTTP_BAD) {
        if (!bad.reason)
            bad = (ov_http_refusal){503, "There is no memory for the request."};
        conn_refuse(c, bad);
        return false;
    }
    c->state = CONN_BUSY;
    c->deadline_ms = 0;
    atomic_fetch_add(&c->http->n_requests, 1);
    if (answered_quickly(c))
        return send_ready(c->rq) != NULL;
    if (!ovi_http_enqueue(c->http, c->rq)) {
        conn_refuse(c,
                    (ov_http_refusal){503, "The server has too many requests waiting; try again."});
        return false;
    }
    return true;
}

static void conn_process(ovi_conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);
    c->quick_in_a_row = 0;
    for (;;) {
        switch (c->state) {
        case CONN_HEAD:
            if (c->http->stopping || !conn_step_head(c, in))
                return;
            break;
        case CONN_BODY:
            if (!conn_step_body(c, in))
                return;
            break;
        case CONN_BUSY:
            return;
        case CONN_LINGER:
            evbuffer_drain(in, evbuffer_get_length(in));
            return;
        }
    }
}

static void on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    conn_process(arg);
}

static void on_write(struct bufferevent *bev, void *arg)
{
    bufferevent_disable(bev, EV_WRITE); /* until an answer does not fit again */
    conn_drained(arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
        ovi_conn_close(arg);
}

void ovi_conn_accept(ov_http *h, int fd)
{
    atomic_fetch_add(&h->n_connections, 1);
    ovi_conn *c = ov_calloc(1, sizeof *c);
    struct bufferevent *bev = c && atomic_load(&h->n_open) < h->opt.max_connections
                                  ? bufferevent_socket_new(h->base, fd, BEV_OPT_CLOSE_ON_FREE)
                                  : NULL;
    if (!bev) {
        ov_free(c);
        evutil_closesocket(fd);
        atomic_fetch_add(&h->n_refused, 1);
        return;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->http = h;
    c->bev = bev;
    c->next = h->conns;
    c->link = &h->conns;
    if (h->conns)
        h->conns->link = &c->next;
    h->conns = c;
    atomic_fetch_add(&h->n_open, 1);
    conn_await_head(c);
    bufferevent_setcb(bev, on_read, on_write, on_event, c);
    bufferevent_setwatermark(bev, EV_READ, 0, INPUT_HIGH_BYTES);
    bufferevent_disable(bev, EV_WRITE);
    bufferevent_enable(bev, EV_READ);
}

/* ---- finished bytes ---- */

static void let_go(const void *data, size_t n, void *arg)
{
    (void)data, (void)n;
    ovi_out_free(arg);
}

/* Moves what is ready of an answer to its connection. Returns that when the answer is whole and the next request may be
 * looked for; otherwise it is busy still, or gone. */
static ovi_conn *send_ready(ov_request *rq)
{
    ov_mutex_lock(&rq->lock);
    ovi_out *out = rq->out_first;
    rq->out_first = rq->out_last = NULL;
    rq->ready_listed = false;
    bool end = rq->end, abort = rq->abort;
    ov_mutex_unlock(&rq->lock);

    ovi_conn *c = rq->conn;
    while (out) {
        ovi_out *next = out->next;
        out->next = NULL;
        ovi_request_retain(rq);
        size_t n = out->n; /* out may be freed as soon as libevent has it */
        if (!c) {
            ovi_out_free(out);
        } else if (evbuffer_add_reference(bufferevent_get_output(c->bev), out->bytes, n, let_go,
                                          out) != 0) {
            ovi_out_free(out);
            abort = end = true;
        } else {
            atomic_fetch_add_explicit(&rq->http->n_out, n, memory_order_relaxed);
        }
        out = next;
    }
    if (!c)
        return NULL;
    bool drained = conn_flush(c);
    if (!end)
        return NULL;
    bool keep = rq->head.keep_alive && !abort && !rq->http->stopping;
    rq->conn = NULL;
    c->rq = NULL;
    ovi_request_release(rq);
    if (keep) {
        conn_await_head(c);
        return c;
    }
    if (drained || abort) {
        ovi_conn_close(c);
    } else {
        c->closing = true;
        c->state = CONN_BUSY;
        c->deadline_ms = 0;
    }
    return NULL;
}

void ovi_conn_send_some(ov_request *rq)
{
    ov_mutex_lock(&rq->lock);
    bool end = rq->end; /* what ends an answer ends its request, which the handler still has */
    ov_mutex_unlock(&rq->lock);
    if (!end)
        (void)send_ready(rq);
}

void ovi_conn_send(ov_request *rq)
{
    ovi_conn *c = send_ready(rq);
    if (c)
        conn_process(c);
}

/* ---- time ---- */

void ovi_conn_check(ovi_conn *c, int64_t now)
{
    size_t out = evbuffer_get_length(bufferevent_get_output(c->bev));
    if (out == 0 || out != c->out_seen) {
        c->out_seen = out;
        c->out_since_ms = now;
    } else if (now - c->out_since_ms > STALL_MS) {
        ovi_conn_close(c);
        return;
    }
    if (!c->deadline_ms || now < c->deadline_ms)
        return;
    if (c->state == CONN_LINGER || (c->state == CONN_HEAD && !c->got_bytes))
        ovi_conn_close(c);
    else
        conn_refuse(c, (ov_http_refusal){408, "The request did not arrive in time."});
}

ovi_conn *ovi_conn_next(const ovi_conn *c)
{
    return c->next;
}

void ovi_conn_interrupt(ovi_conn *c)
{
    if (c->rq)
        ovi_request_interrupt(c->rq);
}

bool ovi_conn_is_idle(const ovi_conn *c)
{
    return c->state == CONN_HEAD;
}
