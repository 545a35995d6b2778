/*
 * The HTTP server: one loop thread that owns libevent and every connection, worker threads that own requests.
 *
 * object        created by        owned by                      touched from
 * ------------  ----------------  ----------------------------  ------------------------------------
 * ov_http       ov_http_create    the caller                    caller; stop from any thread or signal
 * connection    loop, on accept   loop                          loop only
 * ov_request    loop, head+body   loop and one worker (counted) its handler; the loop sets `gone`
 * output bytes  handler           request queue, then libevent  handler under the request's lock, loop
 *
 * A handler runs on a worker thread and answers with ov_respond (whole body) or begin / write / end (stream).
 * write blocks while more than OV_HTTP_WINDOW_BYTES wait for a slow client and returns OV_CANCELLED when the client
 * has gone; on_gone lets a running query be cancelled at that moment.
 */
#pragma once

#include "server/http/http_parse.h"
#include "base/arena.h"

enum {
    OV_HTTP_WINDOW_BYTES = 4 << 20, /* unsent bytes of one response before its producer waits */
    OV_HTTP_SMALL_BODY_BYTES = 64 << 10,
};

typedef struct ov_http ov_http;
typedef struct ov_request ov_request;

/* Called on a worker thread, once per request; must answer before it returns. */
typedef void (*ov_http_handler)(void *self, ov_request *rq);

/* Called on the loop thread before that, for what takes less time than handing it over: true, the request is answered
 * to its end; false, nothing has happened and the handler gets it. Whatever takes a millisecond does not belong here,
 * since all other connections wait. */
typedef bool (*ov_http_quick_handler)(void *self, ov_request *rq);

typedef struct ov_http_options {
    const char *host; /* "127.0.0.1" */
    int port;         /* 0 = any free one */
    uint32_t workers; /* requests handled at once */
    uint32_t queue;   /* requests waiting for a worker; more are answered 503 */
    uint64_t max_body_bytes;
    uint64_t all_bodies_bytes; /* of all requests that are read or handled; one that no longer fits is answered 503. Bodies up to
                                  OV_HTTP_SMALL_BODY_BYTES do not count: queries find room beside any uploads */
    int head_timeout_ms; /* from the first byte of a head to its end, and between bytes of a body */
    int idle_timeout_ms; /* a kept connection without a request */
    uint32_t max_connections;
    ov_http_handler handler;
    ov_http_quick_handler quick; /* NULL: all requests go to workers */
    void *self;
    int gzip_level; /* of answers to clients that offer gzip; 0: all are plain */
} ov_http_options;

typedef struct ov_http_counters {
    uint64_t connections, requests, refused, open_connections, bytes_out;
} ov_http_counters;

/* Binds and listens; requests are accepted from ov_http_run on. */
OV_CHECKED ov_status ov_http_create(const ov_http_options *options, ov_http **out, ov_error *err);
int ov_http_port(const ov_http *h);
/* Runs the loop on the calling thread until ov_http_stop. Then: no new connections, running requests get
 * grace_ms to finish; a second before its end the rest is cancelled, and answers so. */
OV_CHECKED ov_status ov_http_run(ov_http *h, int grace_ms, ov_error *err);
void ov_http_stop(ov_http *h); /* async-signal-safe */
void ov_http_counters_get(ov_http *h, ov_http_counters *out);
void ov_http_destroy(ov_http *h);

/* ---- a request, as its handler sees it ---- */
const ov_http_head *ov_request_head(const ov_request *rq);
ov_slice ov_request_path(const ov_request *rq); /* decoded, always begins with '/' */
ov_slice ov_request_body(const ov_request *rq);
ov_arena *ov_request_arena(ov_request *rq); /* lives as long as the request */
/* Query parameter, decoded; empty with *found false when absent. */
ov_slice ov_request_param(ov_request *rq, const char *name, bool *found);
/* Is `value` one of the values of a parameter that may be there several times? */
bool ov_request_param_has(ov_request *rq, const char *name, ov_slice value);
/* Does the client take gzip? Answers to it are compressed, then, where that gains something. */
bool ov_request_takes_gzip(const ov_request *rq);
bool ov_http_takes_gzip(const ov_http_head *head);
bool ov_request_gone(const ov_request *rq);
/* fn(arg) runs on the loop thread when the client leaves, or right here when it has left already. NULL fn takes it
 * back and guarantees that it is not running any more. */
void ov_request_on_gone(ov_request *rq, void (*fn)(void *), void *arg);
/* The same for work that asks a flag. */
void ov_request_flag_on_gone(ov_request *rq, _Atomic bool *flag);

/* What to do while a write waits for the client: `alive` is asked a few times a second, `begins` called once it has waited
 * so long, then `ends` before it goes on; errors become the write's. All on the handler's thread. */
typedef struct ov_slow_client {
    int64_t patience_ms;
    ov_status (*alive)(void *self, ov_error *err);
    void (*begins)(void *self);
    ov_status (*ends)(void *self, ov_error *err);
    void *self;
} ov_slow_client;
void ov_request_on_slow(ov_request *rq, const ov_slow_client *slow); /* borrowed until the next call; NULL: just wait */

/* ---- answering ---- */
/* Extra header for the coming response; control characters in value are dropped. */
void ov_respond_header(ov_request *rq, const char *name, ov_slice value);
void ov_respond(ov_request *rq, int status, const char *content_type, ov_slice body);
/* Streamed: the first write decides between Content-Length (when it is the only one) and chunks. */
void ov_respond_begin(ov_request *rq, int status, const char *content_type);
/* Takes the bytes of `chunk` over (it is left empty). */
OV_CHECKED ov_status ov_respond_write(ov_request *rq, ov_buf *chunk, ov_error *err);
void ov_respond_end(ov_request *rq);
/* Take a begun answer back while nothing of it has left, so that an error can be answered instead; false when it is
 * too late. Extra headers stay. */
bool ov_respond_retract(ov_request *rq);
/* The stream cannot be completed: close the connection without its end, so that the client sees a cut. */
void ov_respond_abort(ov_request *rq);
int ov_request_status(const ov_request *rq); /* status sent, 0 = not yet */
uint64_t ov_request_bytes_sent(const ov_request *rq);
