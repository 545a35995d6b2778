/*
 * HTTP client: one blocking request, or many at once on one thread; bodies go to a callback. The door to libcurl.
 *
 * Only http and https; redirects are followed within those, up to a limit, and do not carry
 * credentials to another host. Sizes and times are always bounded. Proxies of the environment are
 * honoured as curl does.
 *
 * Threads: any number of requests at once; an ov_http_multi belongs to one thread.
 */
#pragma once

#include <stdatomic.h>
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

typedef struct ov_http_request {
    const char *method; /* NULL: GET */
    const char *url;
    const char *shown;           /* what sentences call it, where the address holds a secret; NULL: as it is */
    const char *const *headers;  /* "Name: value", ends with NULL; may be NULL */
    const char *user, *password; /* Basic authentication when user is set */
    ov_slice body;               /* sent when p is not NULL */
    uint64_t max_bytes;          /* of the body received; 0: no limit */
    int64_t connect_timeout_ms;  /* 0: 10 s */
    int64_t stall_timeout_ms;    /* no byte for so long; 0: 60 s */
    int64_t total_timeout_ms;    /* 0: none */
    int max_redirects;           /* 0: 5; negative: none allowed */
    bool forbid_private;         /* refuse addresses of private, loopback and link-local networks */
    bool guard_redirects;        /* a redirect leads to such an address only where the first connection went */
    bool own_host;               /* its headers hold a secret: a redirect to another scheme, host or port is OV_DENIED. Not needed for
                                    Authorization, which goes to no other host anyway */
    bool decode;                 /* offer gzip and the like; the sink gets (and max_bytes counts) plain bytes */
    /* Every header of the last answer (redirects' are told too, then forgotten: an empty name says so). */
    void (*header)(void *header_arg, ov_slice name, ov_slice value);
    void *header_arg;
    const _Atomic bool *cancel;  /* watched; OV_CANCELLED; may be NULL */
} ov_http_request;

typedef struct ov_http_response {
    int status;             /* 200 */
    uint64_t bytes;         /* of the body received */
    char content_type[128]; /* "" when absent, as the next two */
    char etag[256];
    char last_modified[64];
} ov_http_response;

/* Bytes of the body, in order; an error ends the transfer and is what the request returns. */
typedef ov_status (*ov_http_sink)(void *arg, ov_slice bytes, ov_error *err);

/*
 * Any HTTP status is OV_OK: look at out->status. The sink gets the body whatever the status is.
 * Errors: OV_INVALID for a bad URL or scheme, OV_IO when the transfer fails, OV_TIMEOUT, OV_LIMIT,
 * OV_CANCELLED; the URL is in the sentence, without user and password.
 */
OV_CHECKED ov_status ov_http_send(const ov_http_request *req, ov_http_sink sink, void *arg,
                                  ov_http_response *out, ov_error *err);
/* The body into a buffer. */
OV_CHECKED ov_status ov_http_fetch(const ov_http_request *req, ov_buf *body, ov_http_response *out,
                                   ov_error *err);
/* ---- many at once ---- */

typedef struct ov_http_multi ov_http_multi;

typedef struct ov_http_done {
    void *arg; /* as given at the start */
    ov_http_response response;
    ov_status status; /* as ov_http_send would have returned */
    ov_error err;
} ov_http_done;

OV_CHECKED ov_status ov_http_multi_create(ov_http_multi **out, ov_error *err);
/* Transfers under way are dropped without a word. NULL is fine. */
void ov_http_multi_destroy(ov_http_multi *m);
/* `req` and all it points to stay the caller's and live until the transfer is done. */
OV_CHECKED ov_status ov_http_multi_start(ov_http_multi *m, const ov_http_request *req, ov_http_sink sink, void *arg,
                                         ov_error *err);
/* Work until one transfer has ended: true and *done; or timeout_ms have passed: false. With none under way it sleeps. */
OV_CHECKED ov_status ov_http_multi_next(ov_http_multi *m, int64_t timeout_ms, bool *any, ov_http_done *done, ov_error *err);
uint32_t ov_http_multi_running(const ov_http_multi *m);

/* Percent-encode all but unreserved characters. */
void ov_url_encode(ov_buf *out, ov_slice text);
