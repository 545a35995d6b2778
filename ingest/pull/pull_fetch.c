/*
 * The fetch loop: one thread, many requests. Each series is a small state machine (waits, flies, ...); the loop starts what may
 * start, waits for an answer or the next time something may, and acts on answers.
 */
#include "ingest/pull/pull_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/os.h"
#include "ingest/pull/pull_answer.h"

typedef struct fetcher {
    ovi_run *run;
    uint32_t from, to;
    ov_http_multi *multi;
    int64_t told_wait; /* the wait that was logged last */
} fetcher;

/* ---- a request ---- */

static void on_header(void *arg, ov_slice name, ov_slice value)
{
    ovi_answer_header(arg, name, value);
}

static ov_status on_body(void *arg, ov_slice bytes, ov_error *err)
{
    ovi_flight *f = arg;
    atomic_fetch_add(f->run->progress ? &f->run->progress->bytes : &f->uncounted, bytes.n);
    if (f->fd < 0) {
        ov_buf_add_slice(&f->body, bytes);
        return ov_buf_check(&f->body, err);
    }
    ov_sha256_add(&f->sum, bytes.p, bytes.n);
    f->bytes += bytes.n;
    return ov_file_write_all(f->fd, f->path, bytes, err);
}

static uint64_t id_of(const ovi_token *token)
{
    return token ? token->id : 0;
}

/* The token this address is asked with: the one its ETag belongs to, for no other makes it a 304; another when that one must
 * wait for long, or none is known. *wait: until one may be used; 0: the one that is returned. */
static const ovi_token *choose_token(const ovi_run *run, const ovi_series *s, int64_t now, int64_t *wait)
{
    enum { LONG_MS = 1000 };
    *wait = 0;
    if (run->token_count == 0)
        return NULL;
    uint32_t home = (uint32_t)(ov_checksum(s->key.p, s->key.n) % run->token_count);
    bool bound = false;
    for (uint32_t i = 0; i < run->token_count; i++)
        if (ov_slice_eq(s->was.token, ov_slice_cstr(run->tokens[i].name))) {
            home = i;
            bound = true;
        }
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < run->token_count; i++) {
        const ovi_token *t = &run->tokens[(home + i) % run->token_count];
        int64_t needs = ovi_pool_token_wait(run->pool, t->id, now);
        if (needs == 0)
            return t;
        least = OV_MIN(least, needs);
        if (bound && i == 0 && needs < LONG_MS)
            break;
    }
    *wait = least;
    return NULL;
}

/* Files come straight to disk; pages are looked at first. */
static ov_status open_spool(ovi_run *run, ovi_flight *f, ov_error *err)
{
    if (run->spec->source.kind != OVI_PULL_FILES)
        return OV_OK;
    ov_slice path;
    OV_TRY(ovi_spool_path(run, &path, err));
    f->path = path.p;
    ov_sha256_init(&f->sum);
    return ov_file_open(path.p, O_WRONLY | O_CREAT | O_TRUNC, 0600, &f->fd, err);
}

static ov_status launch(fetcher *x, ovi_series *s, ovi_flight *f, ov_error *err)
{
    ovi_run *run = x->run;
    const ovi_pull_limits *l = &run->spec->source.limits;
    OV_TRY(ovi_series_url(run, s, f->token, true, &f->url, err));
    OV_TRY(ovi_series_url(run, s, f->token, false, &f->shown, err));
    const char *url = ov_buf_cstr(&f->url), *shown = ov_buf_cstr(&f->shown);
    if (!url || !shown)
        return url ? ov_buf_check(&f->shown, err) : ov_buf_check(&f->url, err);
    const char **headers;
    OV_TRY(ovi_series_headers(run, s, f->token, url, &f->arena, &headers, err));
    OV_TRY(open_spool(run, f, err));
    f->req = (ov_http_request){
        .url = url,
        .shown = shown,
        .headers = headers,
        .max_bytes = l->max_bytes,
        .total_timeout_ms = l->timeout_ms,
        .stall_timeout_ms = l->stall_ms,
        .guard_redirects = true,
        .own_host = ovi_headers_tell_secrets(run, headers),
        .decode = run->spec->source.kind == OVI_PULL_REST,
        .header = on_header,
        .header_arg = f,
        .cancel = run->cancel,
    };
    f->body.limit = (size_t)OV_MIN(l->max_bytes, (uint64_t)SIZE_MAX / 2);
    return ov_http_multi_start(x->multi, &f->req, on_body, f, err);
}

static ov_status start(fetcher *x, ovi_series *s, const ovi_token *token, ov_error *err)
{
    ovi_flight *f;
    OV_TRY(ovi_flight_create(x->run, s, token, &f, err));
    ov_status st = launch(x, s, f, err);
    if (st != OV_OK) {
        ovi_flight_destroy(f);
        return st;
    }
    s->flight = f;
    s->phase = OVI_FLIES;
    x->run->requests++;
    s->now.requests++;
    return OV_OK;
}

/* ---- the loop ---- */

static ov_status check_cancel(const ovi_run *run, ov_error *err)
{
    if (run->cancel && atomic_load_explicit(run->cancel, memory_order_relaxed))
        return ov_fail(err, OV_CANCELLED, "cancelled");
    return OV_OK;
}

/* One line for each long wait, not one for each series that waits. */
static void tell_wait(fetcher *x, int64_t wait)
{
    enum { WORTH_TELLING_MS = 2000 };
    char text[160];
    int64_t until = ov_monotonic_ms() + wait;
    if (wait < WORTH_TELLING_MS || until <= x->told_wait + WORTH_TELLING_MS)
        return;
    x->told_wait = until;
    snprintf(text, sizeof text, "waiting %lld s: the source, its pool or its tokens ask for it", (long long)((wait + 999) / 1000));
    ovi_run_log(x->run, "INFO", text);
}

/* Start what may start. *wait: until something else may; *open: series that are not at an end. */
static ov_status start_ready(fetcher *x, int64_t *wait, uint32_t *open, ov_error *err)
{
    ovi_run *run = x->run;
    bool full = false;
    *wait = INT64_MAX;
    *open = 0;
    for (uint32_t i = x->from; i < x->to; i++) {
        ovi_series *s = &run->series[i];
        int64_t now = ov_monotonic_ms();
        *open += s->phase == OVI_WAITS || s->phase == OVI_FLIES;
        if (s->phase != OVI_WAITS || full)
            continue;
        if (s->not_before > now) {
            *wait = OV_MIN(*wait, s->not_before - now);
            continue;
        }
        int64_t need;
        const ovi_token *token = choose_token(run, s, now, &need);
        if (need == 0)
            need = ovi_pool_take(run->pool, id_of(token), now);
        if (need > 0) {
            *wait = OV_MIN(*wait, need);
            full = true; /* others would have to wait as long */
            continue;
        }
        ov_status st = start(x, s, token, err);
        if (st != OV_OK) {
            ovi_pool_give(run->pool, id_of(token), true);
            return st;
        }
    }
    return OV_OK;
}

static ov_status land(fetcher *x, ov_http_done *done, ov_error *err)
{
    ovi_flight *f = done->arg;
    ovi_series *s = f->series;
    bool answered = done->response.status > 0;
    s->flight = NULL;
    s->phase = OVI_WAITS;
    ov_status st = done->status == OV_CANCELLED ? ov_fail(err, OV_CANCELLED, "cancelled") : ovi_flight_land(f, done, err);
    ovi_pool_give(x->run->pool, id_of(f->token), answered);
    ovi_flight_destroy(f);
    OV_TRY(st);
    OV_FAULT(OV_FAULT_PULL_ANSWERED, err);
    return OV_OK;
}

static ov_status loop(fetcher *x, ov_error *err)
{
    enum { LOOK_MS = 100 };
    for (;;) {
        int64_t wait;
        uint32_t open;
        bool any;
        ov_http_done done;
        OV_TRY(check_cancel(x->run, err));
        OV_TRY(start_ready(x, &wait, &open, err));
        if (open == 0)
            return OV_OK;
        if (ov_http_multi_running(x->multi) == 0) {
            tell_wait(x, wait);
            x->run->waits_ms += (uint64_t)OV_MIN(wait, (int64_t)LOOK_MS);
        }
        OV_TRY(ov_http_multi_next(x->multi, OV_MIN(wait, (int64_t)LOOK_MS), &any, &done, err));
        while (any) {
            OV_TRY(land(x, &done, err));
            OV_TRY(ov_http_multi_next(x->multi, 0, &any, &done, err));
        }
    }
}

/* Whatever still flies when the loop ends early. */
static void ground_all(fetcher *x)
{
    ov_http_multi_destroy(x->multi);
    for (uint32_t i = x->from; i < x->to; i++) {
        ovi_series *s = &x->run->series[i];
        if (!s->flight)
            continue;
        ovi_pool_give(x->run->pool, id_of(s->flight->token), false);
        ovi_flight_destroy(s->flight);
        s->flight = NULL;
    }
}

ov_status ovi_run_fetch(ovi_run *run, uint32_t from, uint32_t to, ov_error *err)
{
    fetcher x = {.run = run, .from = from, .to = to};
    if (run->replays || run->spec->source.listing == OVI_LISTING_LOCAL)
        return ovi_run_feed(run, from, to, err);
    OV_TRY(ov_http_multi_create(&x.multi, err));
    ov_status st = loop(&x, err);
    ground_all(&x);
    return st;
}
