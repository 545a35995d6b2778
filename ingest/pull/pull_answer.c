/* Requests under way, what their headers say, and what an answer means for its series. */
#include "ingest/pull/pull_answer.h"

#include <stdio.h>
#include "base/file.h"
#include "base/joda.h"
#include "base/os.h"
#include "ingest/parse/byte_scan.h"

/* ---- flights ---- */

ov_status ovi_flight_create(ovi_run *run, ovi_series *s, const ovi_token *token, ovi_flight **out, ov_error *err)
{
    ovi_flight *f = ov_calloc(1, sizeof(*f));
    if (!f)
        return ov_fail_nomem(err, sizeof(*f));
    f->run = run;
    f->series = s;
    f->token = token;
    f->fd = -1;
    f->reply = (ovi_reply){.retry_after_ms = -1, .remaining = -1, .reset_wall_ms = -1, .date_wall_ms = -1};
    ov_arena_init(&f->arena, "request", NULL);
    ov_buf_init(&f->url);
    ov_buf_init(&f->shown);
    ov_buf_init(&f->body);
    ov_buf_init(&f->link);
    f->link.limit = 64 << 10;
    *out = f;
    return OV_OK;
}

static void drop_file(ovi_flight *f)
{
    ov_error ignored = OV_ERROR_INIT;
    if (f->fd >= 0)
        (void)!ov_file_close(f->fd, f->path, &ignored);
    f->fd = -1;
    if (f->path)
        (void)!ov_file_remove(f->path, &ignored);
    f->path = NULL;
}

void ovi_flight_destroy(ovi_flight *f)
{
    drop_file(f);
    ov_buf_fini(&f->url);
    ov_buf_fini(&f->shown);
    ov_buf_fini(&f->body);
    ov_buf_fini(&f->link);
    ov_arena_fini(&f->arena);
    ov_free(f);
}

void ovi_run_log(const ovi_run *run, const char *level, const char *text)
{
    ov_buf b;
    if (!run->log)
        return;
    ov_buf_init(&b);
    ovi_secrets_hide(&run->secrets, ov_slice_cstr(text), &b);
    const char *shown = ov_buf_cstr(&b);
    run->log(run->log_arg, level, shown ? shown : "");
    ov_buf_fini(&b);
}

ov_status ovi_spool_path(ovi_run *run, ov_slice *path, ov_error *err)
{
    return ov_arena_printf(&run->group, path, err, "%s/%s-p%u", run->tmp_dir, run->stem, run->spooled++);
}

/* ---- headers ---- */

static bool named(ov_slice name, const char *want)
{
    return ov_slice_ieq(name, ov_slice_cstr(want));
}

static int64_t number_or(ov_slice text, int64_t dflt)
{
    int64_t v = 0;
    if (text.n == 0 || text.n > 15)
        return dflt;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return dflt;
        v = v * 10 + (text.p[i] - '0');
    }
    return v;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT"; -1 when it is none. */
static int64_t http_date(ov_slice text)
{
    const ov_joda *pattern;
    ov_error ignored = OV_ERROR_INIT;
    ov_arena a;
    int64_t ms = -1;
    ov_arena_init(&a, "date", NULL);
    if (ov_joda_compile(OV_SLICE_LIT("EEE, dd MMM yyyy HH:mm:ss 'GMT'"), &a, &pattern, &ignored) == OV_OK &&
        !ov_joda_try(pattern, text, NULL, &ms))
        ms = -1;
    ov_arena_fini(&a);
    return ms;
}

static void keep(char *to, size_t cap, ov_slice value)
{
    if (value.n < cap) /* a longer one is as good as none: half an ETag would never match */
        snprintf(to, cap, OV_SLICE_FMT, OV_SLICE_ARG(value));
}

void ovi_answer_header(ovi_flight *f, ov_slice name, ov_slice value)
{
    ovi_reply *r = &f->reply;
    if (name.n == 0) { /* what a redirect said is of no use */
        *r = (ovi_reply){.retry_after_ms = -1, .remaining = -1, .reset_wall_ms = -1, .date_wall_ms = -1};
        ov_buf_clear(&f->link);
        f->etag[0] = f->modified[0] = '\0';
    } else if (named(name, "retry-after")) {
        int64_t s = number_or(value, -1), date = s < 0 ? http_date(value) : -1;
        r->retry_after_ms = s >= 0 ? OV_MIN(s, INT64_C(1) << 40) * 1000 : date >= 0 ? OV_MAX(date - ov_now_ms(), INT64_C(0)) : -1;
    } else if (named(name, "x-ratelimit-remaining") || named(name, "ratelimit-remaining")) {
        r->remaining = number_or(value, -1);
    } else if (named(name, "x-ratelimit-reset")) {
        int64_t s = number_or(value, -1);
        r->reset_wall_ms = s > 0 ? OV_MIN(s, INT64_C(1) << 40) * 1000 : -1; /* 0: a server without limits */
    } else if (named(name, "date")) {
        r->date_wall_ms = http_date(value);
    } else if (named(name, "link")) {
        ov_buf_add_str(&f->link, f->link.n ? ", " : "");
        ov_buf_add_slice(&f->link, value);
    } else if (named(name, "etag")) {
        keep(f->etag, sizeof f->etag, value);
    } else if (named(name, "last-modified")) {
        keep(f->modified, sizeof f->modified, value);
    }
}

/* ---- ends ---- */

void ovi_flight_end_badly(ovi_flight *f, ovi_phase phase, ov_status code, const char *why)
{
    ov_error text = {.code = code};
    snprintf(text.text, sizeof text.text, "%s", why);
    ovi_secrets_hide_error(&f->run->secrets, &text);
    f->series->phase = phase;
    f->series->code = code;
    memcpy(f->series->why, text.text, sizeof f->series->why);
}

/* "http://...: the server answered 403: API rate limit exceeded" */
static void tell_status(ovi_flight *f, const char *more, char text[OV_ERROR_TEXT_BYTES])
{
    ov_buf message;
    ov_buf_init(&message);
    ovi_page_message(&f->run->spec->source, ov_buf_slice(&f->body), &message);
    snprintf(text, OV_ERROR_TEXT_BYTES, OV_SLICE_FMT ": the server answered %d%s" OV_SLICE_FMT "%s", OV_SLICE_ARG(ov_buf_slice(&f->shown)),
             f->reply.status, message.n ? ": " : "", OV_SLICE_ARG(ov_buf_slice(&message)), more);
    ov_buf_fini(&message);
}

void ovi_series_wait(ovi_series *s, int64_t ms)
{
    s->phase = OVI_WAITS;
    s->not_before = ov_monotonic_ms() + ms;
}

static void tell_again(ovi_flight *f, const char *what, int64_t wait_ms)
{
    char text[OV_ERROR_TEXT_BYTES], line[OV_ERROR_TEXT_BYTES + 100];
    tell_status(f, "", text);
    snprintf(line, sizeof line, "%s; %s in %.1f s", text, what, (double)wait_ms / 1000);
    ovi_run_log(f->run, "INFO", line);
}

/* ---- verdicts ---- */

static void limited(ovi_flight *f, int64_t wait)
{
    ovi_series *s = f->series;
    int64_t until = ov_monotonic_ms() + wait;
    s->limited++;
    s->phase = OVI_WAITS;
    s->not_before = 0; /* another token may be free */
    if (f->token)
        ovi_pool_park_token(f->run->pool, f->token->id, until);
    else
        ovi_pool_park(f->run->pool, until);
    tell_again(f, f->token ? "that token is asked again" : "asked again", wait);
}

/* What the answer says of the token's budget; one that is used up is parked before the next request finds out. */
static void watch_budget(ovi_flight *f)
{
    enum { MARGIN_MS = 1000 };
    const ovi_reply *r = &f->reply;
    int64_t wait = r->reset_wall_ms - (r->date_wall_ms >= 0 ? r->date_wall_ms : ov_now_ms());
    int64_t until = ov_monotonic_ms() + wait + MARGIN_MS;
    bool says = r->remaining >= 0 && r->reset_wall_ms >= 0 && wait > 0 && wait <= f->run->spec->source.limits.max_wait_ms;
    ovi_pool_tell(f->run->pool, f->token ? f->token->id : 0, says ? r->remaining : -1, r->reset_wall_ms, until);
    if (!says || r->remaining > 0)
        return;
    if (f->token)
        ovi_pool_park_token(f->run->pool, f->token->id, until);
    else
        ovi_pool_park(f->run->pool, until);
}

static void failed(ovi_flight *f, const ov_http_done *done)
{
    char text[OV_ERROR_TEXT_BYTES];
    if (done->status != OV_OK) {
        ovi_flight_end_badly(f, OVI_FAILED, done->status, done->err.text);
        return;
    }
    tell_status(f, f->reply.status == 401 ? "; the token is not accepted" : "", text);
    ovi_flight_end_badly(f, OVI_FAILED, f->reply.status == 401 || f->reply.status == 403 ? OV_DENIED : OV_IO, text);
}

/* A page may tell its own word with any status: Stack Exchange reports throttling inside a 400. */
static bool body_decides(const ovi_flight *f, ovi_verdict v)
{
    return v == OVI_FAIL && f->reply.status >= 400 && f->reply.status < 500 && f->run->spec->source.code_retry.n > 0 &&
           f->reply.status != 401 && f->reply.status != 403;
}

static ov_status act(ovi_flight *f, ov_http_done *done, ovi_verdict verdict, int64_t wait, ov_error *err)
{
    ovi_series *s = f->series;
    char text[OV_ERROR_TEXT_BYTES];
    ovi_page none = {.last = true};
    switch (verdict) {
    case OVI_ACCEPT:
        return ovi_flight_accept(f, err);
    case OVI_UNCHANGED:
        return ovi_flight_unchanged(f, err);
    case OVI_EMPTY:
        return ovi_flight_next_page(f, &none, err);
    case OVI_MISSING:
        tell_status(f, "", text);
        ovi_flight_end_badly(f, OVI_GAP, OV_NOT_FOUND, text);
        return OV_OK;
    case OVI_POLL:
    case OVI_RETRY:
        s->attempts++;
        ovi_series_wait(s, wait);
        tell_again(f, verdict == OVI_POLL ? "being computed, asked again" : "tried again", wait);
        return OV_OK;
    case OVI_LIMITED:
        limited(f, wait);
        return OV_OK;
    case OVI_FAIL:
        break;
    }
    failed(f, done);
    return OV_OK;
}

static ov_status close_file(ovi_flight *f, ov_error *err)
{
    int fd = f->fd;
    f->fd = -1;
    return fd >= 0 ? ov_file_close(fd, f->path, err) : OV_OK;
}

/* What a server says may repeat what we sent it: that is neither kept nor told, in rows, archives and sentences alike. */
static void scrub(ovi_flight *f)
{
    ovi_run *run = f->run;
    bool body = ovi_secrets_scrub(&run->secrets, &f->body), link = ovi_secrets_scrub(&run->secrets, &f->link);
    if ((!body && !link) || run->echo_told)
        return;
    run->echo_told = true;
    ovi_run_log(run, "WARN", "the source repeats a secret in its answers; *** stands in its place, also in the archive");
}

ov_status ovi_flight_land(ovi_flight *f, ov_http_done *done, ov_error *err)
{
    const ovi_pull_source *src = &f->run->spec->source;
    ovi_series *s = f->series;
    int64_t wait;
    OV_TRY(close_file(f, err));
    f->body.limit = 0; /* it held for what came */
    scrub(f);
    if (!ov_buf_reserve(&f->body, OVI_SCAN_PAD))
        return ov_buf_check(&f->body, err);
    memset(f->body.p + f->body.n, 0, OVI_SCAN_PAD); /* readers of JSON go without length checks */
    ov_slice body = ov_buf_slice(&f->body);
    ovi_secrets_hide_error(&f->run->secrets, &done->err);
    f->reply.transfer = done->status;
    f->reply.status = done->response.status;
    f->reply.secondary = f->reply.status == 403 && body.n && (memmem(body.p, body.n, "secondary rate", 14) ||
                                                              memmem(body.p, body.n, "abuse", 5));
    watch_budget(f);
    ovi_verdict v = ovi_reply_judge(&f->reply, src, &src->limits, s->attempts, s->limited, ov_now_ms(), (uint64_t)ov_monotonic_ns(),
                                    &wait);
    return act(f, done, body_decides(f, v) ? OVI_ACCEPT : v, wait, err);
}
