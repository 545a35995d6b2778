/*
 * HTTP client: one blocking request, its body to a callback. The door to libcurl.
 *
 * Only http and https; redirects are followed within those, up to a limit, and do not carry
 * credentials to another host. Sizes and times are always bounded. Proxies of the environment are
 * honoured as curl does.
 *
 * Threads: any number of requests at once.
 */
#pragma once

#include <stdatomic.h>
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

typedef struct ov_http_request {
    const char *method; /* NULL: GET */
    const char *url;
    const char *const *headers;  /* "Name: value", ends with NULL; may be NULL */
    const char *user, *password; /* Basic authentication when user is set */
    ov_slice body;               /* sent when p is not NULL */
    uint64_t max_bytes;          /* of the body received; 0: no limit */
    int64_t connect_timeout_ms;  /* 0: 10 s */
    int64_t stall_timeout_ms;    /* no byte for so long; 0: 60 s */
    int64_t total_timeout_ms;    /* 0: none */
    int max_redirects;           /* 0: 5; negative: none allowed */
    bool forbid_private;         /* refuse addresses of private, loopback and link-local networks */
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
/* Percent-encode all but unreserved characters. */
void ov_url_encode(ov_buf *out, ov_slice text);
