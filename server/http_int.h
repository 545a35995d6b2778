/*
 * Private to http.c (loop side) and http_request.c (handler side): the request both share.
 */
#pragma once

#include <stdatomic.h>
#include "base/thread.h"
#include "server/http.h"

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

/* ---- made by the loop, given to a worker ---- */
ov_request *ovi_request_create(ov_http *h);
void ovi_request_retain(ov_request *rq);
void ovi_request_release(ov_request *rq);
/* Loop: the client has left; wakes writers, runs on_gone. */
void ovi_request_mark_gone(ov_request *rq);
/* Loop: libevent is done with a piece. */
void ovi_out_free(ovi_out *out);

/* Handler side: there is something for the loop to do with rq. */
void ovi_http_notify(ov_http *h, ov_request *rq);
