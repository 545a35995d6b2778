/*
 * Private to http.c (the loop and its life), http_conn.c (connections) and http_request.c (the handler's side): what
 * they share.
 */
#pragma once

#include <stdatomic.h>
#include "base/compress.h"
#include "base/thread.h"
#include "server/http/http.h"

struct event;
struct event_base;
struct evconnlistener;

typedef struct ovi_conn ovi_conn;

/* A piece of response on its way to the socket. Counted in its request's `unsent` until libevent lets go. */
typedef struct ovi_out {
    struct ovi_out *next;
    ov_request *rq;
    char *bytes;
    size_t n;
} ovi_out;

typedef enum ovi_phase {
    OVI_FRESH,     /* nothing answered yet */
    OVI_BEGUN,     /* begin called, head not sent: the first write decides about its form */
    OVI_STREAMING, /* head sent */
    OVI_FINISHED,
} ovi_phase;

struct ov_request {
    ov_http *http;
    _Atomic uint32_t refs;
    struct ov_request *next_waiting; /* in the worker queue */
    struct ov_request *next_ready;   /* in the loop's list */

    /* set before the handler sees it, then constant */
    ov_buf head_bytes, body;
    size_t body_paid; /* of http->bodies */
    ov_http_head head;
    ov_slice path;
    ov_arena arena;

    /* handler only */
    bool on_loop; /* the handler runs on the loop thread, which needs no waking and must not wait */
    ovi_phase phase;
    int status;
    bool chunked;
    ov_buf extra_headers;
    const char *content_type;
    ov_buf pending; /* first written piece, held back to learn whether it is the only one */
    ov_gzip *gzip;  /* of a stream; NULL: plain */
    uint64_t sent;
    const ov_slow_client *slow;

    /* under lock */
    ov_mutex lock;
    ov_cond drained;
    ovi_out *out_first, *out_last;
    size_t unsent;
    bool ready_listed;
    bool end, abort;
    _Atomic bool gone;
    void (*on_gone)(void *);
    void *on_gone_arg;

    ovi_conn *conn; /* loop only; NULL when the connection is closed */
};

typedef struct ovi_idle_worker ovi_idle_worker;

struct ov_http {
    ov_http_options opt;
    ov_budget bodies;
    struct event_base *base;
    struct evconnlistener *listener;
    struct event *wake, *tick;
    int wake_fd;
    int port;
    ovi_conn *conns;

    _Atomic bool stop;
    bool stopping;
    int64_t stop_deadline_ms;
    bool interrupted; /* running requests were told that time is up */
    int grace_ms;
    bool accept_paused; /* until the next tick: the last try failed */
    int64_t accept_told_ms;

    ov_mutex lock; /* queue and ready list */
    ovi_idle_worker *idle; /* the last to become so */
    ov_request *wait_first, *wait_last;
    uint32_t waiting;
    ov_request *ready_first, *ready_last;
    bool workers_quit;
    ov_thread *threads;
    uint32_t thread_count;
    _Atomic uint32_t active; /* requests between admission and the end of their handler */

    _Atomic uint64_t n_connections, n_requests, n_refused, n_open, n_out;
};

/* Milliseconds of the monotonic clock. */
/* Gives a complete request to the workers; false when too many wait. Loop only. */
bool ovi_http_enqueue(ov_http *h, ov_request *rq);

/* ---- connections, loop only (http_conn.c) ---- */
/* Takes the socket over, or closes it. */
void ovi_conn_accept(ov_http *h, int fd);
void ovi_conn_close(ovi_conn *c);
ovi_conn *ovi_conn_next(const ovi_conn *c);
/* Waits for a request of which nothing has come yet, or not all of its head. */
bool ovi_conn_is_idle(const ovi_conn *c);
void ovi_conn_interrupt(ovi_conn *c);
/* Moves what is ready of an answer to its connection, and goes on there when the answer is whole. */
void ovi_conn_send(ov_request *rq);
/* The same of a request whose handler runs on the loop and has not ended: what is ready, now. */
void ovi_conn_send_some(ov_request *rq);
/* Is it out of time? Answers or closes it then. */
void ovi_conn_check(ovi_conn *c, int64_t now_ms);

/* ---- answers as gzip (http_gzip.c) ---- */
/* A whole body; true: it is in `out`, and the headers say so. */
bool ovi_gzip_whole(ov_request *rq, ov_slice body, ov_buf *out);
/* A stream begins: rq->gzip is there when it is to be compressed. */
void ovi_gzip_begin(ov_request *rq);
/* Puts what is sent instead in the place of `bytes`; failed when that cannot be had. */
void ovi_gzip_piece(ov_request *rq, ov_buf *bytes, bool end);

/* ---- made by the loop, given to a worker ---- */
ov_request *ovi_request_create(ov_http *h);
void ovi_request_retain(ov_request *rq);
void ovi_request_release(ov_request *rq);
/* Loop: the client has left; wakes writers, runs on_gone. */
void ovi_request_mark_gone(ov_request *rq);
/* What it runs ends as if its client had left, but its answer is still sent. */
void ovi_request_interrupt(ov_request *rq);
/* Loop: libevent is done with a piece. */
void ovi_out_free(ovi_out *out);

/* Handler side: there is something for the loop to do with rq. */
void ovi_http_notify(ov_http *h, ov_request *rq);
