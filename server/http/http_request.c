/*
 * The handler's side of a request: reading it, answering it, waiting for slow clients.
 */
#include "server/http/http_int.h"

#include "base/os.h"

ov_request *ovi_request_create(ov_http *h)
{
    ov_request *rq = ov_calloc(1, sizeof *rq);
    if (!rq)
        return NULL;
    rq->http = h;
    atomic_init(&rq->refs, 1);
    atomic_init(&rq->gone, false);
    ov_buf_init(&rq->head_bytes);
    ov_buf_init(&rq->body);
    ov_buf_init(&rq->extra_headers);
    ov_buf_init(&rq->pending);
    ov_arena_init(&rq->arena, "request", NULL);
    ov_mutex_init(&rq->lock);
    ov_cond_init(&rq->drained);
    return rq;
}

void ovi_request_retain(ov_request *rq)
{
    atomic_fetch_add(&rq->refs, 1);
}

/* Pieces that the loop has not seen. */
static void drop(ovi_out *first)
{
    while (first) {
        ovi_out *out = first;
        first = out->next;
        ov_free(out->bytes);
        ov_free(out);
    }
}

void ovi_request_release(ov_request *rq)
{
    if (atomic_fetch_sub(&rq->refs, 1) != 1)
        return;
    drop(rq->out_first);
    ov_buf_fini(&rq->head_bytes);
    ov_buf_fini(&rq->body);
    ov_budget_release(&rq->http->bodies, rq->body_paid);
    ov_buf_fini(&rq->extra_headers);
    ov_buf_fini(&rq->pending);
    ov_gzip_close(rq->gzip);
    ov_arena_fini(&rq->arena);
    ov_cond_fini(&rq->drained);
    ov_mutex_fini(&rq->lock);
    ov_free(rq);
}

void ovi_request_mark_gone(ov_request *rq)
{
    ov_mutex_lock(&rq->lock);
    bool first = !atomic_exchange(&rq->gone, true);
    if (first && rq->on_gone)
        rq->on_gone(rq->on_gone_arg); /* under the lock: taking it back waits for us */
    ov_cond_broadcast(&rq->drained);
    ov_mutex_unlock(&rq->lock);
}

void ovi_request_interrupt(ov_request *rq)
{
    ov_mutex_lock(&rq->lock);
    if (!atomic_load(&rq->gone) && rq->on_gone)
        rq->on_gone(rq->on_gone_arg);
    ov_mutex_unlock(&rq->lock);
}

void ovi_out_free(ovi_out *out)
{
    ov_request *rq = out->rq;
    ov_mutex_lock(&rq->lock);
    rq->unsent -= out->n;
    ov_cond_signal(&rq->drained);
    ov_mutex_unlock(&rq->lock);
    ov_free(out->bytes);
    ov_free(out);
    ovi_request_release(rq);
}

/* ---- reading ---- */

const ov_http_head *ov_request_head(const ov_request *rq)
{
    return &rq->head;
}

ov_slice ov_request_path(const ov_request *rq)
{
    return rq->path;
}

ov_slice ov_request_body(const ov_request *rq)
{
    return ov_buf_slice(&rq->body);
}

ov_arena *ov_request_arena(ov_request *rq)
{
    return &rq->arena;
}

/* The next pair of a query string; value.p is NULL when it has no '='. */
static bool next_param(ov_slice *rest, ov_slice *key, ov_slice *raw)
{
    if (!rest->n)
        return false;
    const char *amp = memchr(rest->p, '&', rest->n);
    ov_slice pair = ov_slice_make(rest->p, amp ? (size_t)(amp - rest->p) : rest->n);
    const char *eq = pair.n ? memchr(pair.p, '=', pair.n) : NULL;
    *key = ov_slice_make(pair.p, eq ? (size_t)(eq - pair.p) : pair.n);
    *raw = eq ? ov_slice_make(eq + 1, pair.n - key->n - 1) : (ov_slice){NULL, 0};
    size_t skip = pair.n + (amp ? 1 : 0);
    *rest = ov_slice_make(rest->p + skip, rest->n - skip);
    return true;
}

static ov_slice decode_param(ov_request *rq, ov_slice raw)
{
    ov_error err = OV_ERROR_INIT;
    char *text = ov_arena_try(&rq->arena, raw.n + 1, 1, &err);
    size_t n = 0;
    if (!text || !ov_http_percent_decode(raw, true, text, &n))
        return (ov_slice){NULL, 0};
    text[n] = '\0';
    return ov_slice_make(text, n);
}

ov_slice ov_request_param(ov_request *rq, const char *name, bool *found)
{
    ov_slice rest = rq->head.query, key, raw, value = {NULL, 0};
    bool seen = false;
    while (!seen && next_param(&rest, &key, &raw)) {
        seen = ov_slice_eq(key, ov_slice_cstr(name));
        if (seen)
            value = decode_param(rq, raw);
    }
    if (found)
        *found = seen;
    return value;
}

bool ov_request_param_has(ov_request *rq, const char *name, ov_slice value)
{
    ov_slice rest = rq->head.query, key, raw;
    while (next_param(&rest, &key, &raw))
        if (ov_slice_eq(key, ov_slice_cstr(name)) && ov_slice_eq(decode_param(rq, raw), value))
            return true;
    return false;
}

bool ov_request_gone(const ov_request *rq)
{
    return atomic_load_explicit(&rq->gone, memory_order_relaxed);
}

void ov_request_on_gone(ov_request *rq, void (*fn)(void *), void *arg)
{
    ov_mutex_lock(&rq->lock);
    rq->on_gone = fn;
    rq->on_gone_arg = arg;
    if (fn && atomic_load(&rq->gone))
        fn(arg);
    ov_mutex_unlock(&rq->lock);
}

static void set_flag(void *flag)
{
    atomic_store((_Atomic bool *)flag, true);
}

void ov_request_flag_on_gone(ov_request *rq, _Atomic bool *flag)
{
    ov_request_on_gone(rq, set_flag, flag);
}

int ov_request_status(const ov_request *rq)
{
    return rq->status;
}

uint64_t ov_request_bytes_sent(const ov_request *rq)
{
    return rq->sent;
}

/* ---- answering ---- */

void ov_request_on_slow(ov_request *rq, const ov_slow_client *slow)
{
    rq->slow = slow;
}

static bool must_wait(ov_request *rq)
{
    return rq->unsent > OV_HTTP_WINDOW_BYTES && !rq->on_loop && !atomic_load(&rq->gone);
}

/* Until the client has taken enough of what is there, or has left. */
static OV_CHECKED ov_status wait_for_client(ov_request *rq, ov_error *err)
{
    const ov_slow_client *slow = rq->slow;
    enum { LOOK_MS = 50 };
    bool lent = false;
    ov_status st = OV_OK;
    int64_t since = slow ? ov_monotonic_ns() : 0;
    ov_mutex_lock(&rq->lock);
    while (st == OV_OK && must_wait(rq)) {
        if (!slow) {
            ov_cond_wait(&rq->drained, &rq->lock);
            continue;
        }
        ov_cond_wait_ms(&rq->drained, &rq->lock, LOOK_MS);
        ov_mutex_unlock(&rq->lock);
        if (!lent && ov_monotonic_ns() - since > slow->patience_ms * 1000000) {
            slow->begins(slow->self);
            lent = true;
        }
        st = slow->alive(slow->self, err);
        ov_mutex_lock(&rq->lock);
    }
    ov_mutex_unlock(&rq->lock);
    return st == OV_OK && lent ? slow->ends(slow->self, err) : st;
}

/* Pieces that go to the loop together: one lock and one wake-up for all. */
typedef struct handful {
    ovi_out *first, *last;
    size_t n;
    bool broken; /* bytes are missing: the client must not take the rest for whole */
} handful;

/* b is left empty, unless that breaks the answer. */
static void take(ov_request *rq, handful *h, ov_buf *b)
{
    if (h->broken || (!b->n && !b->failed))
        return;
    ovi_out *out = b->failed ? NULL : ov_malloc(sizeof *out);
    if (!out) {
        h->broken = true;
        return;
    }
    *out = (ovi_out){.rq = rq, .bytes = b->p, .n = b->n};
    ov_buf_init(b);
    if (h->last)
        h->last->next = out;
    else
        h->first = out;
    h->last = out;
    h->n += out->n;
}

/* Hands them to the loop; h is empty then. */
static void push(ov_request *rq, handful *h, bool end, bool abort)
{
    ov_mutex_lock(&rq->lock);
    bool behind = rq->abort; /* a piece that is missing: without it what follows would look whole */
    if (h->first && !behind) {
        rq->unsent += h->n;
        rq->sent += h->n;
        if (rq->out_last)
            rq->out_last->next = h->first;
        else
            rq->out_first = h->first;
        rq->out_last = h->last;
        h->first = NULL;
    }
    rq->end |= end || h->broken;
    rq->abort |= abort || h->broken;
    bool notify = !rq->ready_listed && !rq->on_loop;
    rq->ready_listed |= notify;
    ov_mutex_unlock(&rq->lock);
    drop(h->first);
    *h = (handful){0};
    if (notify)
        ovi_http_notify(rq->http, rq);
}

void ov_respond_header(ov_request *rq, const char *name, ov_slice value)
{
    ov_buf_add_str(&rq->extra_headers, name);
    ov_buf_add_str(&rq->extra_headers, ": ");
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] >= ' ' && value.p[i] != 127)
            ov_buf_add_char(&rq->extra_headers, value.p[i]);
    ov_buf_add_str(&rq->extra_headers, "\r\n");
}

/* Does the protocol forbid a body here? */
static bool bodyless(const ov_request *rq)
{
    return rq->head.method == OV_HTTP_HEAD || rq->status == 204 || rq->status == 304;
}

/* Status line and headers; length < 0: chunked, or until close for HTTP/1.0. */
static void write_head(ov_request *rq, ov_buf *b, int64_t length)
{
    ov_buf_addf(b, "HTTP/1.1 %d %s\r\n", rq->status, ov_http_reason(rq->status));
    if (rq->content_type && rq->status != 204 && rq->status != 304)
        ov_buf_addf(b, "Content-Type: %s\r\n", rq->content_type);
    ov_buf_add_slice(b, ov_buf_slice(&rq->extra_headers));
    if (length >= 0) {
        if (rq->status != 204)
            ov_buf_addf(b, "Content-Length: %lld\r\n", (long long)length);
    } else if (rq->head.minor == 1) {
        rq->chunked = true;
        ov_buf_add_str(b, "Transfer-Encoding: chunked\r\n");
    } else {
        rq->head.keep_alive = false;
    }
    if (!rq->head.keep_alive)
        ov_buf_add_str(b, "Connection: close\r\n");
    else if (rq->head.minor == 0)
        ov_buf_add_str(b, "Connection: keep-alive\r\n");
    ov_buf_add_str(b, "\r\n");
}

void ov_respond(ov_request *rq, int status, const char *content_type, ov_slice body)
{
    OV_ASSERT(rq->phase == OVI_FRESH);
    rq->status = status;
    rq->content_type = content_type;
    rq->phase = OVI_FINISHED;
    ov_buf b, packed;
    ov_buf_init(&b);
    ov_buf_init(&packed);
    if (ovi_gzip_whole(rq, body, &packed))
        body = ov_buf_slice(&packed);
    ov_buf_reserve(&b, body.n + rq->extra_headers.n + 256);
    write_head(rq, &b, (int64_t)body.n);
    if (!bodyless(rq))
        ov_buf_add_slice(&b, body);
    handful h = {0};
    take(rq, &h, &b);
    push(rq, &h, true, false);
    ov_buf_fini(&packed);
    ov_buf_fini(&b);
}

void ov_respond_begin(ov_request *rq, int status, const char *content_type)
{
    OV_ASSERT(rq->phase == OVI_FRESH);
    rq->status = status;
    rq->content_type = content_type;
    rq->phase = OVI_BEGUN;
}

/* One chunk with its frame, appended to b. */
static void add_framed(ov_request *rq, ov_buf *b, ov_slice bytes)
{
    if (bodyless(rq) || bytes.n == 0)
        return;
    if (rq->chunked)
        ov_buf_addf(b, "%zx\r\n", bytes.n);
    ov_buf_add_slice(b, bytes);
    if (rq->chunked)
        ov_buf_add_str(b, "\r\n");
}

/* Large pieces go out without a copy: frame, bytes, frame as three pieces. */
static void take_framed(ov_request *rq, handful *h, ov_buf *bytes, bool end)
{
    enum { COPY_BELOW = 16 * 1024 };
    if (bodyless(rq)) {
        ov_buf_clear(bytes);
        return;
    }
    if (rq->gzip)
        ovi_gzip_piece(rq, bytes, end);
    ov_buf b;
    ov_buf_init(&b);
    if (bytes->n < COPY_BELOW || bytes->failed) {
        add_framed(rq, &b, ov_buf_slice(bytes));
        b.failed |= bytes->failed;
        ov_buf_clear(bytes);
        take(rq, h, &b);
    } else {
        if (rq->chunked)
            ov_buf_addf(&b, "%zx\r\n", bytes->n);
        take(rq, h, &b);
        take(rq, h, bytes);
        if (rq->chunked)
            ov_buf_add_str(&b, "\r\n");
        take(rq, h, &b);
    }
    ov_buf_fini(&b);
}

/* The head of an answer of several pieces, and the piece that was held back. */
static void begin_stream(ov_request *rq, handful *h)
{
    ov_buf head;
    ov_buf_init(&head);
    ovi_gzip_begin(rq);
    write_head(rq, &head, -1);
    take(rq, h, &head);
    ov_buf_fini(&head);
    rq->phase = OVI_STREAMING;
    take_framed(rq, h, &rq->pending, false);
}

ov_status ov_respond_write(ov_request *rq, ov_buf *chunk, ov_error *err)
{
    OV_TRY(ov_buf_check(chunk, err));
    if (ov_request_gone(rq))
        return ov_fail(err, OV_CANCELLED, "the client has left");
    if (chunk->n == 0)
        return OV_OK;
    if (rq->phase == OVI_BEGUN && rq->pending.n == 0) {
        ov_buf hold = rq->pending;
        rq->pending = *chunk; /* perhaps the only piece: then it gets a Content-Length */
        *chunk = hold;
        return OV_OK;
    }
    handful h = {0};
    if (rq->phase == OVI_BEGUN)
        begin_stream(rq, &h); /* nothing waits for the client yet */
    else
        OV_TRY(wait_for_client(rq, err));
    take_framed(rq, &h, chunk, false);
    push(rq, &h, false, false);
    if (rq->on_loop)
        ovi_conn_send_some(rq); /* the client takes it while the rest is made */
    if (ov_request_gone(rq))
        return ov_fail(err, OV_CANCELLED, "the client has left");
    return OV_OK;
}

void ov_respond_end(ov_request *rq)
{
    if (rq->phase == OVI_BEGUN) {
        int status = rq->status;
        const char *type = rq->content_type;
        rq->phase = OVI_FRESH;
        ov_respond(rq, status, type, ov_buf_slice(&rq->pending));
        return;
    }
    if (rq->phase != OVI_STREAMING)
        return;
    rq->phase = OVI_FINISHED;
    handful h = {0};
    ov_buf b;
    ov_buf_init(&b);
    if (rq->gzip)
        take_framed(rq, &h, &b, true); /* its check value */
    if (rq->chunked && !bodyless(rq))
        ov_buf_add_str(&b, "0\r\n\r\n");
    take(rq, &h, &b);
    push(rq, &h, true, false);
    ov_buf_fini(&b);
}

bool ov_respond_retract(ov_request *rq)
{
    if (rq->phase == OVI_BEGUN) {
        ov_buf_clear(&rq->pending);
        rq->phase = OVI_FRESH;
        rq->status = 0;
    }
    return rq->phase == OVI_FRESH;
}

void ov_respond_abort(ov_request *rq)
{
    handful none = {0};
    rq->phase = OVI_FINISHED;
    push(rq, &none, true, true);
}
