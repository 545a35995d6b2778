#include "server/http/http_parse.h"

static bool is_token_char(unsigned char c)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && memchr(marks, c, sizeof marks - 1));
}

static bool is_token(ov_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_char((unsigned char)s.p[i]))
            return false;
    return s.n > 0;
}

static ov_http_step refuse(ov_http_refusal *r, int status, const char *reason)
{
    r->status = status;
    r->reason = reason;
    return OV_HTTP_BAD;
}

static ov_http_method method_of(ov_slice s)
{
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (ov_slice_eq(s, ov_slice_cstr(names[i])))
            return (ov_http_method)i;
    return OV_HTTP_OTHER;
}

/* Find CRLF CRLF; remember in *scan where to go on. Returns the length of the head or 0. */
static size_t find_head_end(ov_slice bytes, size_t *scan)
{
    size_t at = *scan;
    while (at + 4 <= bytes.n) {
        const char *cr = memchr(bytes.p + at, '\r', bytes.n - at - 3);
        if (!cr)
            break;
        at = (size_t)(cr - bytes.p);
        if (memcmp(cr, "\r\n\r\n", 4) == 0)
            return at + 4;
        at++;
    }
    *scan = bytes.n > 3 ? OV_MAX(at, bytes.n - 3) : 0;
    if (*scan > bytes.n - OV_MIN(bytes.n, 3))
        *scan = bytes.n - 3;
    return 0;
}

/* A line feed without its carriage return, from `at` on: no head can end well any more, so there is no use waiting. */
static bool has_bare_lf(ov_slice bytes, size_t at)
{
    for (const char *lf; at < bytes.n && (lf = memchr(bytes.p + at, '\n', bytes.n - at));) {
        if (lf == bytes.p || lf[-1] != '\r')
            return true;
        at = (size_t)(lf - bytes.p) + 1;
    }
    return false;
}

static ov_slice take_line(ov_slice *rest)
{
    const char *end = memchr(rest->p, '\r', rest->n); /* the caller has seen CRLF CRLF ahead */
    size_t n = (size_t)(end - rest->p);
    ov_slice line = {rest->p, n};
    rest->p += n + 2;
    rest->n -= n + 2;
    return line;
}

static ov_http_step parse_request_line(ov_slice line, ov_http_head *h, ov_http_refusal *r)
{
    const char *sp1 = memchr(line.p, ' ', line.n);
    if (!sp1)
        return refuse(r, 400, "The request line has no space after the method.");
    h->method_text = ov_slice_make(line.p, (size_t)(sp1 - line.p));
    if (!is_token(h->method_text))
        return refuse(r, 400, "The method is not a token.");
    h->method = method_of(h->method_text);
    size_t left = line.n - h->method_text.n - 1;
    const char *sp2 = memchr(sp1 + 1, ' ', left);
    if (!sp2)
        return refuse(r, 400, "The request line has no HTTP version.");
    h->target = ov_slice_make(sp1 + 1, (size_t)(sp2 - sp1 - 1));
    ov_slice version = ov_slice_make(sp2 + 1, left - h->target.n - 1);
    if (ov_slice_eq(version, OV_SLICE_LIT("HTTP/1.1")))
        h->minor = 1;
    else if (ov_slice_eq(version, OV_SLICE_LIT("HTTP/1.0")))
        h->minor = 0;
    else if (ov_slice_starts(version, OV_SLICE_LIT("HTTP/")))
        return refuse(r, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
    else
        return refuse(r, 400, "The request line does not end in HTTP/1.1.");
    if (h->target.n > OV_HTTP_MAX_TARGET_BYTES)
        return refuse(r, 414, "The request target is longer than 16 KiB.");
    for (size_t i = 0; i < h->target.n; i++)
        if ((unsigned char)h->target.p[i] <= ' ' || h->target.p[i] == 127)
            return refuse(r, 400, "The request target holds a control character.");
    if (h->target.n == 0 || (h->target.p[0] != '/' && !ov_slice_eq(h->target, OV_SLICE_LIT("*"))))
        return refuse(r, 400, "The request target must begin with '/'.");
    const char *q = memchr(h->target.p, '?', h->target.n);
    h->path = q ? ov_slice_make(h->target.p, (size_t)(q - h->target.p)) : h->target;
    h->query = q ? ov_slice_make(q + 1, h->target.n - h->path.n - 1) : (ov_slice){NULL, 0};
    return OV_HTTP_DONE;
}

ov_slice ov_http_trim(ov_slice s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static ov_http_step parse_header(ov_slice line, ov_http_head *h, ov_http_refusal *r)
{
    if (h->header_count == OV_HTTP_MAX_HEADERS)
        return refuse(r, 431, "There are more than 100 header fields.");
    if (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
        return refuse(r, 400, "Folded header fields are obsolete and not accepted.");
    const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
    if (!colon)
        return refuse(r, 400, "A header field has no colon.");
    ov_slice name = ov_slice_make(line.p, (size_t)(colon - line.p));
    if (!is_token(name))
        return refuse(r, 400, "A header field's name is not a token.");
    ov_slice value = ov_http_trim(ov_slice_make(colon + 1, line.n - name.n - 1));
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 127)
            return refuse(r, 400, "A header field's value holds a control character.");
    }
    h->headers[h->header_count++] = (ov_http_header){name, value};
    return OV_HTTP_DONE;
}

static bool parse_length(ov_slice v, uint64_t *out)
{
    if (v.n == 0 || v.n > 18)
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(v.p[i] - '0');
    }
    *out = n;
    return true;
}

/* Is `word` one of the comma-separated elements of a list header? */
static bool list_has(ov_slice list, const char *word)
{
    while (list.n) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        if (ov_slice_ieq(ov_http_trim(ov_slice_make(list.p, n)), ov_slice_cstr(word)))
            return true;
        size_t skip = comma ? n + 1 : n;
        list.p += skip;
        list.n -= skip;
    }
    return false;
}

/* The headers that decide where the message ends. */
static ov_http_step apply_framing(ov_http_head *h, ov_http_refusal *r)
{
    uint32_t hosts = 0;
    bool close = false, keep = false;
    for (uint32_t i = 0; i < h->header_count; i++) {
        ov_slice name = h->headers[i].name, value = h->headers[i].value;
        if (ov_slice_ieq(name, OV_SLICE_LIT("Content-Length"))) {
            uint64_t n;
            if (!parse_length(value, &n))
                return refuse(r, 400, "Content-Length is not a whole number.");
            if (h->has_length && n != h->length)
                return refuse(r, 400, "There are two different Content-Length fields.");
            h->has_length = true;
            h->length = n;
        } else if (ov_slice_ieq(name, OV_SLICE_LIT("Transfer-Encoding"))) {
            if (h->chunked || !ov_slice_ieq(value, OV_SLICE_LIT("chunked")))
                return refuse(r, 501, "The only transfer coding accepted is 'chunked', once.");
            h->chunked = true;
        } else if (ov_slice_ieq(name, OV_SLICE_LIT("Host"))) {
            hosts++;
        } else if (ov_slice_ieq(name, OV_SLICE_LIT("Connection"))) {
            close |= list_has(value, "close");
            keep |= list_has(value, "keep-alive");
        } else if (ov_slice_ieq(name, OV_SLICE_LIT("Expect"))) {
            if (!ov_slice_ieq(value, OV_SLICE_LIT("100-continue")))
                return refuse(r, 417, "The only expectation understood is '100-continue'.");
            h->expect_continue = true;
        }
    }
    if (h->chunked && h->has_length)
        return refuse(r, 400, "Content-Length and Transfer-Encoding exclude each other.");
    if (h->chunked && h->minor == 0)
        return refuse(r, 400, "HTTP/1.0 has no chunked bodies.");
    if (hosts > 1 || (hosts == 0 && h->minor == 1))
        return refuse(r, 400, "An HTTP/1.1 request has exactly one Host field.");
    h->keep_alive = !close && (h->minor == 1 || keep);
    return OV_HTTP_DONE;
}

ov_http_step ov_http_parse_head(ov_slice bytes, size_t *scan, ov_http_head *head, size_t *used,
                                ov_http_refusal *refusal)
{
    static const char line_ends[] = "Lines of a request head end in CR LF.";
    size_t from = *scan, end = find_head_end(bytes, scan);
    if (end == 0) {
        if (has_bare_lf(bytes, from))
            return refuse(refusal, 400, line_ends);
        if (bytes.n > OV_HTTP_MAX_HEAD_BYTES)
            return refuse(refusal, 431, "The request head is larger than 64 KiB.");
        return OV_HTTP_MORE;
    }
    if (end > OV_HTTP_MAX_HEAD_BYTES)
        return refuse(refusal, 431, "The request head is larger than 64 KiB.");
    ov_slice rest = {bytes.p, end};
    for (size_t i = 0; i < end; i++) {
        bool lone_cr = bytes.p[i] == '\r' && bytes.p[i + 1 < end ? i + 1 : i] != '\n';
        bool lone_lf = bytes.p[i] == '\n' && (i == 0 || bytes.p[i - 1] != '\r');
        if (lone_cr || lone_lf || bytes.p[i] == '\0')
            return refuse(refusal, 400, line_ends);
    }
    memset(head, 0, offsetof(ov_http_head, headers));
    ov_http_step step = parse_request_line(take_line(&rest), head, refusal);
    while (step == OV_HTTP_DONE && rest.n > 2)
        step = parse_header(take_line(&rest), head, refusal);
    if (step == OV_HTTP_DONE)
        step = apply_framing(head, refusal);
    *used = end;
    return step;
}

ov_slice ov_http_header_get(const ov_http_head *head, const char *name, bool *found)
{
    ov_slice wanted = ov_slice_cstr(name);
    for (uint32_t i = 0; i < head->header_count; i++)
        if (ov_slice_ieq(head->headers[i].name, wanted)) {
            if (found)
                *found = true;
            return head->headers[i].value;
        }
    if (found)
        *found = false;
    return (ov_slice){NULL, 0};
}

void ov_http_body_init(ov_http_body *b, const ov_http_head *head, uint64_t limit)
{
    *b = (ov_http_body){.limit = limit,
                        .state = head->chunked ? OV_BODY_CHUNK_LINE : OV_BODY_LENGTH,
                        .left = head->chunked ? 0 : head->length};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ov_ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "1a2b[;extension]" without its CRLF. */
static bool parse_chunk_line(ov_slice line, uint64_t *out)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < line.n && hex_digit(line.p[i]) >= 0; i++) {
        if (i == 15)
            return false;
        n = n * 16 + (uint64_t)hex_digit(line.p[i]);
    }
    if (i == 0 || (i < line.n && line.p[i] != ';' && line.p[i] != ' ' && line.p[i] != '\t'))
        return false;
    *out = n;
    return true;
}

/* A line ended by CRLF at the start of `bytes`; 0 = not complete, -1 = malformed or too long. */
static int chunk_line_end(ov_slice bytes, size_t *line_bytes)
{
    size_t n = OV_MIN(bytes.n, (size_t)OV_HTTP_MAX_CHUNK_LINE_BYTES);
    const char *lf = n ? memchr(bytes.p, '\n', n) : NULL;
    if (!lf)
        return bytes.n >= OV_HTTP_MAX_CHUNK_LINE_BYTES ? -1 : 0;
    if (lf == bytes.p || lf[-1] != '\r')
        return -1;
    *line_bytes = (size_t)(lf - bytes.p) + 1;
    return 1;
}

ov_http_step ov_http_body_feed(ov_http_body *b, ov_slice bytes, size_t *used, ov_buf *body,
                               ov_http_refusal *refusal)
{
    static const char bad_chunk[] = "The chunked body is malformed.";
    static const char too_large[] = "The request body is larger than the limit.";
    *used = 0;
    if (b->state == OV_BODY_LENGTH && b->left > b->limit)
        return refuse(refusal, 413, too_large);
    for (;;) {
        ov_slice rest = ov_slice_make(bytes.p + *used, bytes.n - *used);
        size_t line;
        switch (b->state) {
        case OV_BODY_LENGTH:
        case OV_BODY_CHUNK_DATA: {
            size_t take = rest.n < b->left ? rest.n : (size_t)b->left;
            ov_buf_add(body, rest.p, take);
            if (body->failed)
                return refuse(refusal, 503, "There is no memory for the request body.");
            b->left -= take;
            b->total += take;
            *used += take;
            if (b->left)
                return OV_HTTP_MORE;
            if (b->state == OV_BODY_LENGTH)
                return OV_HTTP_DONE;
            b->state = OV_BODY_CHUNK_END;
            break;
        }
        case OV_BODY_CHUNK_END:
            if (rest.n < 2)
                return OV_HTTP_MORE;
            if (memcmp(rest.p, "\r\n", 2) != 0)
                return refuse(refusal, 400, bad_chunk);
            *used += 2;
            b->state = OV_BODY_CHUNK_LINE;
            break;
        case OV_BODY_CHUNK_LINE: {
            int seen = chunk_line_end(rest, &line);
            if (seen == 0)
                return OV_HTTP_MORE;
            if (seen < 0 || !parse_chunk_line(ov_slice_make(rest.p, line - 2), &b->left))
                return refuse(refusal, 400, bad_chunk);
            if (b->left > b->limit - b->total)
                return refuse(refusal, 413, too_large);
            *used += line;
            b->state = b->left ? OV_BODY_CHUNK_DATA : OV_BODY_TRAILER;
            break;
        }
        case OV_BODY_TRAILER: {
            int seen = chunk_line_end(rest, &line);
            if (seen == 0)
                return OV_HTTP_MORE;
            b->trailer_bytes += line;
            if (seen < 0 || b->trailer_bytes > 8192)
                return refuse(refusal, 400, bad_chunk);
            *used += line;
            if (line == 2)
                return OV_HTTP_DONE;
            break;
        }
        }
    }
}

bool ov_http_percent_decode(ov_slice in, bool plus_is_space, char *out, size_t *n)
{
    size_t at = 0;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '%') {
            if (i + 2 >= in.n || hex_digit(in.p[i + 1]) < 0 || hex_digit(in.p[i + 2]) < 0)
                return false;
            c = (char)(hex_digit(in.p[i + 1]) * 16 + hex_digit(in.p[i + 2]));
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0')
            return false;
        out[at++] = c;
    }
    *n = at;
    return true;
}

const char *ov_http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {100, "Continue"},
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < OV_COUNT_OF(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}
