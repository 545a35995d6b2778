/*
 * Strict HTTP/1.1 framing (RFC 9112), without a socket in sight: bytes in, request heads and body bytes out.
 *
 * Where the RFC leaves a choice between lenient and strict this is strict, because every ambiguity is
 * somebody's request smuggling: a request with both Content-Length and Transfer-Encoding, two different
 * lengths, white space before a colon, a bare LF, an obsolete folded header or an unknown transfer coding is
 * refused with 400 (or 501) and the connection is closed.
 *
 * Threads: a parser belongs to one connection; nothing here is shared.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

enum {
    OV_HTTP_MAX_HEAD_BYTES = 64 * 1024,
    OV_HTTP_MAX_HEADERS = 100,
    OV_HTTP_MAX_TARGET_BYTES = 16 * 1024,
    OV_HTTP_MAX_CHUNK_LINE_BYTES = 256,
};

typedef enum ov_http_method {
    OV_HTTP_GET,
    OV_HTTP_HEAD,
    OV_HTTP_POST,
    OV_HTTP_PUT,
    OV_HTTP_DELETE,
    OV_HTTP_OPTIONS,
    OV_HTTP_OTHER, /* a well-formed token we do not serve */
} ov_http_method;

typedef struct ov_http_header {
    ov_slice name, value; /* value without surrounding white space */
} ov_http_header;

/* A parsed head. Slices point into the bytes given to ov_http_parse_head. */
typedef struct ov_http_head {
    ov_http_method method;
    ov_slice method_text;
    ov_slice target; /* as sent */
    ov_slice path;   /* target up to '?', still percent-encoded */
    ov_slice query;  /* behind '?', empty when none */
    int minor;       /* HTTP/1.minor, 0 or 1 */
    bool keep_alive;
    bool expect_continue;
    bool chunked; /* body comes in chunks */
    bool has_length;
    uint64_t length; /* Content-Length */
    uint32_t header_count;
    ov_http_header headers[OV_HTTP_MAX_HEADERS];
} ov_http_head;

typedef enum ov_http_step {
    OV_HTTP_MORE, /* incomplete: come back with more bytes */
    OV_HTTP_DONE,
    OV_HTTP_BAD, /* refuse and close; *status and *reason say how */
} ov_http_step;

typedef struct ov_http_refusal {
    int status;
    const char *reason; /* a sentence */
} ov_http_refusal;

/* Parse a head at the start of `bytes`; on DONE *used is its length including the empty line. Cheap to call again
 * with more bytes: *scan remembers how far the search for the end has come (start with 0). */
ov_http_step ov_http_parse_head(ov_slice bytes, size_t *scan, ov_http_head *head, size_t *used,
                                ov_http_refusal *refusal);

/* Without blanks and tabs at both ends (the optional white space of RFC 9110). */
ov_slice ov_http_trim(ov_slice s);

/* First header of that name (any case); *found says whether there is one. */
ov_slice ov_http_header_get(const ov_http_head *head, const char *name, bool *found);

/* Body reader: feed it bytes, it appends the payload to `body` and says how many bytes it used. */
typedef struct ov_http_body {
    enum {
        OV_BODY_LENGTH,
        OV_BODY_CHUNK_LINE,
        OV_BODY_CHUNK_DATA,
        OV_BODY_CHUNK_END,
        OV_BODY_TRAILER
    } state;
    uint64_t left;  /* bytes of the length or of the current chunk still to come */
    uint64_t total; /* payload bytes so far */
    uint64_t limit; /* 413 beyond */
    size_t trailer_bytes;
} ov_http_body;

/* `limit` bounds the payload. What feed leaves unused comes again, with more bytes behind it. */
void ov_http_body_init(ov_http_body *b, const ov_http_head *head, uint64_t limit);
ov_http_step ov_http_body_feed(ov_http_body *b, ov_slice bytes, size_t *used, ov_buf *body,
                               ov_http_refusal *refusal);

/* Decode %XX ('+' too when plus_is_space) into out (room for in.n bytes); false on a bad escape or a NUL. */
bool ov_http_percent_decode(ov_slice in, bool plus_is_space, char *out, size_t *n);

const char *ov_http_reason(int status); /* "Not Found" */
