/* The door to libcurl: one easy handle per request, every limit set, errors turned into sentences.
 */
#include "base/httpc_int.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/os.h"

enum {
    DEFAULT_CONNECT_MS = 10000,
    DEFAULT_STALL_MS = 60000,
    DEFAULT_REDIRECTS = 5,
    SHOWN_URL_BYTES = 300
};

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* Without user and password, cut. */
static const char *shown_url(const char *url, char text[SHOWN_URL_BYTES])
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t authority = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', authority);
    const char *rest = at ? at + 1 : host;
    snprintf(text, SHOWN_URL_BYTES, "%.*s%s", (int)(host - url), url, rest);
    return text;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    ovi_transfer *t = arg;
    size_t n = size * count;
    t->out->bytes += n;
    if (t->req->max_bytes && t->out->bytes > t->req->max_bytes) {
        t->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    t->sink_status = t->sink(t->arg, ov_slice_make(bytes, n), &t->sink_error);
    return t->sink_status == OV_OK ? n : CURL_WRITEFUNC_ERROR;
}

/* "HTTP/1.1 302 ..." */
static bool is_redirect(ov_slice line)
{
    const char *blank = memchr(line.p, ' ', line.n);
    return blank && (size_t)(blank - line.p) + 1 < line.n && blank[1] == '3';
}

/* Is it, as the Location of an answer from `url`, on the same host? What is no plain relative address must begin like url. */
static bool stays_home(const char *url, ov_slice location)
{
    const char *host = strstr(url, "://");
    size_t home = host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
    if (home && location.n >= home && ov_slice_ieq(ov_slice_make(location.p, home), ov_slice_make(url, home)) &&
        (location.n == home || memchr("/?#", location.p[home], 3)))
        return true;
    for (size_t i = 0; i < location.n && !memchr("/?#", location.p[i], 3); i++)
        if (location.p[i] == ':')
            return false;
    return !ov_slice_starts(location, OV_SLICE_LIT("//"));
}

/* "Name: value" without the blanks around the value; false when it is no such line. */
static bool split_header(ov_slice line, ov_slice *name, ov_slice *value)
{
    const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
    if (!colon || colon == line.p)
        return false;
    *name = ov_slice_make(line.p, (size_t)(colon - line.p));
    *value = ov_slice_make(colon + 1, line.n - name->n - 1);
    while (value->n && (*value->p == ' ' || *value->p == '\t'))
        *value = ov_slice_make(value->p + 1, value->n - 1);
    while (value->n && (unsigned char)value->p[value->n - 1] <= ' ')
        value->n--;
    return true;
}

static void keep(ov_slice value, char *to, size_t cap)
{
    snprintf(to, cap, OV_SLICE_FMT, OV_SLICE_ARG(value));
}

static void take_header(ovi_transfer *t, ov_slice name, ov_slice value)
{
    if (t->req->header)
        t->req->header(t->req->header_arg, name, value);
    if (ov_slice_ieq(name, OV_SLICE_LIT("content-type")))
        keep(value, t->out->content_type, sizeof t->out->content_type);
    else if (ov_slice_ieq(name, OV_SLICE_LIT("etag")))
        keep(value, t->out->etag, sizeof t->out->etag);
    else if (ov_slice_ieq(name, OV_SLICE_LIT("last-modified")))
        keep(value, t->out->last_modified, sizeof t->out->last_modified);
    else if (ov_slice_ieq(name, OV_SLICE_LIT("location")))
        t->left_home |= t->redirects && t->req->own_host && t->req->max_redirects >= 0 && !stays_home(t->req->url, value);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    ovi_transfer *t = arg;
    ov_slice line = {bytes, size * count};
    if (ov_slice_starts(line, OV_SLICE_LIT("HTTP/"))) {
        t->out->content_type[0] = t->out->etag[0] = t->out->last_modified[0] =
            '\0'; /* a redirect's are not wanted */
        t->redirects = is_redirect(line);
        t->redirected |= t->answers++ > 0 || t->redirects;
        if (t->req->header)
            t->req->header(t->req->header_arg, (ov_slice){0}, (ov_slice){0});
    }
    ov_slice name, value;
    if (split_header(line, &name, &value))
        take_header(t, name, value);
    return t->left_home ? 0 : line.n; /* 0 ends the transfer */
}

static int on_progress(void *arg, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un)
{
    (void)dt;
    (void)dn;
    (void)ut;
    (void)un;
    const ovi_transfer *t = arg;
    return t->req->cancel && atomic_load_explicit(t->req->cancel, memory_order_relaxed);
}

static bool private_v4(uint32_t a)
{
    return a >> 24 == 0 || a >> 24 == 10 || a >> 24 == 127 || (a >> 22) == (100u << 2 | 1) ||
           a >> 16 == 0xA9FE || a >> 20 == 0xAC1 || a >> 16 == 0xC0A8 || a >> 28 >= 0xE;
}

static bool private_address(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        return private_v4(ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr));
    if (sa->sa_family != AF_INET6)
        return true;
    const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
    const uint8_t *b = a->s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4COMPAT(a) ||
        (b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b))
        return private_v4((uint32_t)b[12] << 24 | (uint32_t)b[13] << 16 | (uint32_t)b[14] << 8 |
                          b[15]);
    return IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_UNSPECIFIED(a) || (b[0] & 0xFE) == 0xFC ||
           (b[0] == 0xFE && b[1] >= 0x80) || b[0] == 0xFF;
}

static bool is_home(const ovi_homes *h, const struct curl_sockaddr *to)
{
    for (unsigned i = 0; i < h->count && i < OVI_HOMES; i++)
        if (h->bytes[i] == to->addrlen && memcmp(&h->at[i], &to->addr, to->addrlen) == 0)
            return true;
    return false;
}

/* Asked after name resolution, for every connection, so neither a name nor a redirect gets around
 * it. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    (void)purpose;
    ovi_transfer *t = arg;
    bool inside = private_address(&to->addr);
    if (inside && (t->req->forbid_private ||
                   (t->req->guard_redirects && t->redirected && !is_home(t->homes, to)))) {
        t->private_refused = true;
        return CURL_SOCKET_BAD;
    }
    if (!t->redirected && !is_home(t->homes, to) && to->addrlen <= sizeof t->homes->at[0]) {
        unsigned slot = t->homes->count++ % OVI_HOMES;
        memcpy(&t->homes->at[slot], &to->addr, to->addrlen);
        t->homes->bytes[slot] = to->addrlen;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static long to_long_ms(int64_t ms, int64_t dflt)
{
    ms = ms > 0 ? ms : dflt;
    return (long)OV_MIN(ms, INT64_C(2000000000));
}

static void set_limits(CURL *c, const ov_http_request *req)
{
    int64_t stall = req->stall_timeout_ms > 0 ? req->stall_timeout_ms : DEFAULT_STALL_MS;
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
                     to_long_ms(req->connect_timeout_ms, DEFAULT_CONNECT_MS));
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)OV_MAX((stall + 999) / 1000, 1));
    if (req->total_timeout_ms > 0)
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, to_long_ms(req->total_timeout_ms, 0));
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, req->max_redirects < 0 ? 0L : 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS,
                     (long)(req->max_redirects ? req->max_redirects : DEFAULT_REDIRECTS));
    if (req->forbid_private)
        curl_easy_setopt(c, CURLOPT_PROXY, ""); /* a proxy would hide where the bytes come from */
}

static void set_request(CURL *c, const ov_http_request *req)
{
    curl_easy_setopt(c, CURLOPT_URL, req->url);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "ovate/" OV_VERSION);
    if (req->decode)
        curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
    if (req->user) {
        curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(c, CURLOPT_USERNAME, req->user);
        curl_easy_setopt(c, CURLOPT_PASSWORD, req->password ? req->password : "");
    }
    if (req->body.p) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.n);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body.p);
    }
    if (req->method && strcmp(req->method, "HEAD") == 0)
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    else if (req->method)
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, req->method);
}

static void set_callbacks(CURL *c, ovi_transfer *t)
{
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->detail);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
}

static ov_status tell(const ovi_transfer *t, CURLcode rc, ov_error *err)
{
    char url[SHOWN_URL_BYTES];
    shown_url(t->req->shown ? t->req->shown : t->req->url, url);
    const char *why = t->detail[0] ? t->detail : curl_easy_strerror(rc);
    if (t->sink_status != OV_OK) {
        *err = t->sink_error;
        return t->sink_status;
    }
    if (t->too_large)
        return ov_fail(err, OV_LIMIT, "%s: more than the limit of %" PRIu64 " bytes", url,
                       t->req->max_bytes);
    if (t->private_refused)
        return ov_fail(err, OV_DENIED,
                       "%s: leads to a private or local address, which is not allowed", url);
    if (t->left_home)
        return ov_fail(err, OV_DENIED, "%s: redirects to another host, which must not learn the secret in the request's headers", url);
    switch (rc) {
    case CURLE_URL_MALFORMAT:
        return ov_fail(err, OV_INVALID, "'%s' is not a URL: %s", url, why);
    case CURLE_UNSUPPORTED_PROTOCOL:
        return ov_fail(err, OV_INVALID, "%s: only http and https are allowed", url);
    case CURLE_OPERATION_TIMEDOUT:
        return ov_fail(err, OV_TIMEOUT, "%s: %s", url, why);
    case CURLE_ABORTED_BY_CALLBACK:
        return ov_fail(err, OV_CANCELLED, "%s: cancelled", url);
    case CURLE_TOO_MANY_REDIRECTS:
        return ov_fail(err, OV_LIMIT, "%s: too many redirects", url);
    case CURLE_OUT_OF_MEMORY:
        return ov_fail_nomem(err, 1);
    default:
        return ov_fail(err, OV_IO, "%s: %s", url, why);
    }
}

static ov_status add_headers(const ov_http_request *req, struct curl_slist **list, ov_error *err)
{
    for (const char *const *h = req->headers; h && *h; h++) {
        if (strpbrk(*h, "\r\n"))
            return ov_fail(err, OV_INVALID, "a request header must be one line");
        struct curl_slist *more = curl_slist_append(*list, *h);
        if (!more)
            return ov_fail_nomem(err, strlen(*h));
        *list = more;
    }
    return OV_OK;
}

ov_status ovi_transfer_begin(ovi_transfer *t, ov_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    *t->out = (ov_http_response){0};
    t->easy = curl_easy_init();
    if (!t->easy)
        return ov_fail_nomem(err, 1);
    OV_TRY(add_headers(t->req, &t->headers, err));
    set_limits(t->easy, t->req);
    set_request(t->easy, t->req);
    set_callbacks(t->easy, t);
    if (t->headers)
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    return OV_OK;
}

ov_status ovi_transfer_result(ovi_transfer *t, CURLcode rc, ov_error *err)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->out->status = (int)status;
    return rc == CURLE_OK ? OV_OK : tell(t, rc, err);
}

void ovi_transfer_end(ovi_transfer *t)
{
    curl_slist_free_all(t->headers);
    curl_easy_cleanup(t->easy);
    t->headers = NULL;
    t->easy = NULL;
}

ov_status ov_http_send(const ov_http_request *req, ov_http_sink sink, void *arg,
                       ov_http_response *out, ov_error *err)
{
    ovi_homes homes = {0};
    ovi_transfer t = {.req = req, .sink = sink, .arg = arg, .out = out, .homes = &homes};
    ov_status st = ovi_transfer_begin(&t, err);
    if (st == OV_OK)
        st = ovi_transfer_result(&t, curl_easy_perform(t.easy), err);
    ovi_transfer_end(&t);
    return st;
}

static ov_status to_buffer(void *arg, ov_slice bytes, ov_error *err)
{
    ov_buf_add_slice(arg, bytes);
    return ov_buf_check(arg, err);
}

ov_status ov_http_fetch(const ov_http_request *req, ov_buf *body, ov_http_response *out,
                        ov_error *err)
{
    return ov_http_send(req, to_buffer, body, out, err);
}

void ov_url_encode(ov_buf *out, ov_slice text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            ov_buf_add_char(out, (char)c);
        } else {
            const char escape[3] = {'%', hex[c >> 4], hex[c & 15]};
            ov_buf_add(out, escape, 3);
        }
    }
}
