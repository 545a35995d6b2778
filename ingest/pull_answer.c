/* An answer and what it does to its series: rows into its file, the next address, a wait, an end. */
#include "ingest/pull_answer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/compress.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/joda.h"
#include "base/os.h"
#include "ingest/byte_scan.h"

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

/* What a server says may repeat what we sent it. */
static void end_badly(ovi_flight *f, ovi_phase phase, ov_status code, const char *why)
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

static void wait_for(ovi_series *s, int64_t ms)
{
    s->phase = OVI_WAITS;
    s->not_before = ov_monotonic_ns() / 1000000 + ms;
}

static void tell_again(ovi_flight *f, const char *what, int64_t wait_ms)
{
    char text[OV_ERROR_TEXT_BYTES], line[OV_ERROR_TEXT_BYTES + 100];
    tell_status(f, "", text);
    snprintf(line, sizeof line, "%s; %s in %.1f s", text, what, (double)wait_ms / 1000);
    ovi_run_log(f->run, "INFO", line);
}

/* ---- moving on ---- */

/* An address out of an answer must stay with the source, or secrets would go elsewhere. */
static ov_status take_next(ovi_flight *f, ov_slice next, ov_error *err)
{
    ovi_run *run = f->run;
    ov_slice origin = run->spec->origin;
    ov_buf whole, hidden;
    ov_buf_init(&whole);
    ov_buf_init(&hidden);
    if (next.p[0] == '/' && (next.n < 2 || next.p[1] != '/'))
        ov_buf_add_slice(&whole, origin);
    ov_buf_add_slice(&whole, next);
    ovi_secrets_hide(&run->secrets, ov_buf_slice(&whole), &hidden);
    ov_slice text = ov_buf_slice(&hidden);
    ov_status st = ov_buf_check(&hidden, err);
    if (st == OV_OK && (!ov_slice_starts(text, origin) || (text.n > origin.n && text.p[origin.n] != '/' && text.p[origin.n] != '?')))
        st = ov_fail(err, OV_DENIED, "the next page is said to be at '" OV_SLICE_FMT "', which is not at " OV_SLICE_FMT,
                     OV_SLICE_ARG(text), OV_SLICE_ARG(origin));
    if (st == OV_OK)
        st = ov_arena_copy(run->arena, text, &f->series->next_url, err);
    ov_buf_fini(&whole);
    ov_buf_fini(&hidden);
    return st;
}

static ov_status know_page(ovi_flight *f, const char *etag, const char *modified, ov_slice next, ov_error *err)
{
    ovi_series *s = f->series;
    ov_slice whose = f->token ? ov_slice_cstr(f->token->name) : OV_SLICE_LIT("none");
    if (!f->run->spec->source.conditional || (!etag[0] && !modified[0]))
        return OV_OK;
    if (!ov_slice_eq(s->now.token, whose)) { /* ETags of two tokens do not mix */
        s->now.page_count = 0;
        s->now.token = whose;
        s->changed = true;
    }
    const ovi_known_page *had = ovi_state_page(&s->was, ov_buf_slice(&f->shown));
    s->changed |= !had || !ov_slice_eq(had->etag, ov_slice_cstr(etag));
    ovi_known_page p = {ov_buf_slice(&f->shown), ov_slice_cstr(etag), ov_slice_cstr(modified), next};
    return ovi_state_add_page(&s->now, f->run->arena, &p, err);
}

/* The series is through: the cursor moves. */
static void complete(ovi_run *run, ovi_series *s)
{
    s->phase = OVI_COMPLETE;
    if (s->now.high.n && (s->now.cursor.n == 0 || ovi_cursor_cmp(s->now.high, s->now.cursor) > 0)) {
        s->now.cursor = s->now.high;
        s->changed = true;
    }
    s->changed |= s->now.resume.n != 0 || s->now.high.n != 0;
    s->now.high = s->now.resume = (ov_slice){0};
    s->now.resume_page = 0;
    if (s->now.cursor.n)
        ovi_state_trim(&s->now, s->now.cursor, run->spec->source.cursor_overlap_ms);
    if (run->spec->source.has_step && !s->now.done) {
        s->now.done = true;
        s->changed = true;
    }
}

/* Another page follows, now or after this commit. */
static void go_on(ovi_run *run, ovi_series *s)
{
    const ovi_pull_source *src = &run->spec->source;
    uint32_t most = run->max_pages ? run->max_pages : src->limits.max_pages;
    s->page++;
    s->pages_now++;
    s->attempts = s->limited = 0;
    s->phase = OVI_WAITS;
    if (most && s->page >= most) {
        complete(run, s);
        return;
    }
    if (s->pages_now < run->spec->commit_pages)
        return;
    s->phase = OVI_PAUSED;
    s->changed = true;
    s->now.resume = s->next_url;
    s->now.resume_page = s->page;
    if (!src->cursor_descending && !src->cursor_unsorted && s->now.high.n)
        s->now.cursor = s->now.high;
}

static ov_status next_page(ovi_flight *f, const ovi_page *page, ov_error *err)
{
    ovi_run *run = f->run;
    ovi_series *s = f->series;
    const ovi_pull_source *src = &run->spec->source;
    ov_slice next = {0};
    bool last = page->last;
    if (src->paging == OVI_PAGING_LINK) {
        next = ovi_link_next(ov_buf_slice(&f->link));
        last |= next.n == 0;
    }
    ov_status st = know_page(f, f->etag, f->modified, next, err);
    if (st == OV_OK && !last && next.n)
        st = take_next(f, next, err);
    OV_TRY(st);
    s->page_cursor = page->cursor;
    if (last)
        complete(run, s);
    else
        go_on(run, s);
    return OV_OK;
}

/* ---- what was fetched ---- */

static ov_status note_fetched(ovi_flight *f, const char sha256[OV_SHA256_HEX + 1], uint64_t bytes, uint64_t rows, const char *body,
                              ov_error *err)
{
    ovi_run *run = f->run;
    ovi_fetched *x;
    OV_TRY(ov_arena_zalloc(&run->group, sizeof(*x), &x, err));
    x->series = f->series;
    OV_TRY(ov_arena_copy(&run->group, ov_buf_slice(&f->shown), &x->url, err));
    OV_TRY(ov_arena_copy(&run->group, ov_slice_cstr(f->etag), &x->etag, err));
    OV_TRY(ov_arena_copy(&run->group, ov_slice_cstr(f->modified), &x->modified, err));
    x->status = f->reply.status;
    x->bytes = bytes;
    x->rows = rows;
    memcpy(x->sha256, sha256, sizeof x->sha256);
    x->at_ms = run->replays ? run->collected_ms : ov_now_ms();
    run->bytes += bytes;
    run->group_bytes += bytes;
    if (run->archive && !run->replays) {
        ovi_archived a = {.url = x->url, .status = x->status, .at_ms = x->at_ms, .link = ov_buf_slice(&f->link), .etag = x->etag,
                          .modified = x->modified, .bytes = bytes};
        memcpy(a.sha256, sha256, sizeof a.sha256);
        OV_TRY(ovi_archive_add(run->archive, &a, body, ov_buf_slice(&f->body), err));
        OV_TRY(ov_arena_printf(&run->group, &x->range, err, OV_SLICE_FMT "#%lld-%lld", OV_SLICE_ARG(ovi_archive_name(run->archive)),
                               (long long)a.offset, (long long)(a.offset + (int64_t)bytes)));
    }
    *run->fetched_tail = x;
    run->fetched_tail = &x->next;
    return OV_OK;
}

static ov_status spool_lines(ovi_run *run, ovi_series *s, ov_slice lines, ov_error *err)
{
    int fd;
    if (lines.n == 0)
        return OV_OK;
    if (s->spool.n == 0)
        OV_TRY(ovi_spool_path(run, &s->spool, err));
    OV_TRY(ov_file_open(s->spool.p, O_WRONLY | O_CREAT | O_APPEND, 0600, &fd, err));
    ov_status st = ov_file_write_all(fd, s->spool.p, lines, err);
    ov_error late = OV_ERROR_INIT;
    if (ov_file_close(fd, s->spool.p, &late) != OV_OK && st == OV_OK) {
        *err = late;
        st = late.code;
    }
    return st;
}

/* A page that cannot be read is the series' failure, not the run's. */
static ov_status series_failed(ovi_flight *f, ov_error *err)
{
    char text[OV_ERROR_TEXT_BYTES];
    if (err->code == OV_NOMEM || err->code == OV_CANCELLED || err->code == OV_INTERNAL)
        return err->code;
    snprintf(text, sizeof text, OV_SLICE_FMT ": %.700s", OV_SLICE_ARG(ov_buf_slice(&f->shown)), err->text);
    end_badly(f, OVI_FAILED, err->code, text);
    *err = (ov_error)OV_ERROR_INIT;
    return OV_OK;
}

static ov_status keep_page(ovi_flight *f, const ovi_page *page, ov_slice lines, ov_error *err)
{
    uint8_t digest[OV_SHA256_BYTES];
    char hex[OV_SHA256_HEX + 1];
    ovi_series *s = f->series;
    ov_sha256_of(ov_buf_slice(&f->body), digest);
    ov_sha256_hex(digest, hex);
    OV_TRY(spool_lines(f->run, s, lines, err));
    s->new_rows += page->read - page->repeated;
    s->repeated += page->repeated;
    s->now.rows += page->read - page->repeated;
    f->run->repeated += page->repeated;
    if (page->read > page->repeated || f->run->archive)
        OV_TRY(note_fetched(f, hex, f->body.n, page->read - page->repeated, NULL, err));
    return next_page(f, page, err);
}

static ov_status accept_page(ovi_flight *f, ov_error *err)
{
    ovi_series *s = f->series;
    ovi_page page = {0};
    ov_buf lines;
    ov_buf_init(&lines);
    ov_status st = ovi_page_read(f->run, s, ov_buf_slice(&f->body), &f->arena, &lines, &page, err);
    if (st == OV_OK && page.backoff_ms > 0)
        ovi_pool_park(f->run->pool, ov_monotonic_ns() / 1000000 + page.backoff_ms);
    if (st == OV_OK && page.retry) {
        const ovi_pull_limits *l = &f->run->spec->source.limits;
        if (s->attempts++ < l->retries)
            wait_for(s, ovi_backoff_ms(l->backoff_ms, l->max_backoff_ms, s->attempts, (uint64_t)ov_monotonic_ns()));
        else
            st = ov_fail(err, OV_IO, "the source says that its answer is not whole, %u times", s->attempts);
    } else if (st == OV_OK) {
        page.last |= page.empty;
        st = keep_page(f, &page, ov_buf_slice(&lines), err);
    }
    ov_buf_fini(&lines);
    return st == OV_OK ? OV_OK : series_failed(f, err);
}

/* ---- files ---- */

/* A compressed file that was cut or damaged on its way is found here, before a row of it is loaded. */
static ov_status check_file(const char *path, ov_slice shown, uint64_t *lines, uint64_t most, ov_error *err)
{
    enum { CHUNK = 256 << 10 };
    ov_reader *r;
    size_t got = 1;
    char last = '\n';
    uint64_t bytes = 0;
    OV_TRY(ov_reader_open_path(path, &r, err));
    char *chunk = ov_malloc(CHUNK);
    ov_status st = chunk ? OV_OK : ov_fail_nomem(err, CHUNK);
    *lines = 0;
    while (st == OV_OK && got > 0) {
        st = ov_reader_read(r, chunk, CHUNK, &got, err);
        if (st != OV_OK || got == 0)
            break;
        bytes += got;
        *lines += ovi_scan_count(chunk, got, '\n');
        last = chunk[got - 1];
        if (bytes > most)
            st = ov_fail(err, OV_LIMIT, OV_SLICE_FMT ": more than the limit of %llu bytes when decompressed", OV_SLICE_ARG(shown),
                         (unsigned long long)most);
    }
    *lines += last != '\n';
    ov_free(chunk);
    ov_reader_close(r);
    return st;
}

static ov_status accept_file(ovi_flight *f, ov_error *err)
{
    uint8_t digest[OV_SHA256_BYTES];
    char hex[OV_SHA256_HEX + 1];
    uint64_t lines;
    ovi_run *run = f->run;
    ovi_series *s = f->series;
    ov_status st = check_file(f->path, ov_buf_slice(&f->shown), &lines, run->spec->source.limits.max_bytes, err);
    if (st == OV_CORRUPT || (st == OV_OK && f->bytes == 0)) {
        const ovi_pull_limits *l = &run->spec->source.limits;
        char why[OV_ERROR_TEXT_BYTES];
        snprintf(why, sizeof why, OV_SLICE_FMT ": %.600s", OV_SLICE_ARG(ov_buf_slice(&f->shown)),
                 st == OV_OK ? "the file is empty" : err->text);
        *err = (ov_error)OV_ERROR_INIT;
        if (s->attempts < l->retries) {
            wait_for(s, ovi_backoff_ms(l->backoff_ms, l->max_backoff_ms, s->attempts++, (uint64_t)ov_monotonic_ns()));
            ovi_run_log(run, "WARN", why);
        } else {
            end_badly(f, OVI_GAP, OV_CORRUPT, why);
        }
        return OV_OK;
    }
    if (st != OV_OK)
        return series_failed(f, err);
    ov_sha256_end(&f->sum, digest);
    ov_sha256_hex(digest, hex);
    if (s->file_etag.n)
        snprintf(f->etag, sizeof f->etag, OV_SLICE_FMT, OV_SLICE_ARG(s->file_etag));
    OV_TRY(note_fetched(f, hex, f->bytes, lines, f->path, err));
    OV_TRY(know_page(f, f->etag, f->modified, (ov_slice){0}, err));
    s->spool = ov_slice_cstr(f->path);
    f->path = NULL; /* the series' from here on */
    s->new_rows += lines;
    s->now.rows += lines;
    s->now.done = true;
    s->changed = true;
    s->phase = OVI_COMPLETE;
    return OV_OK;
}

/* ---- verdicts ---- */

static ov_status unchanged(ovi_flight *f, ov_error *err)
{
    ovi_run *run = f->run;
    ovi_series *s = f->series;
    const ovi_known_page *p = ovi_state_page(&s->was, ov_buf_slice(&f->shown));
    ov_slice next = p ? p->next : (ov_slice){0};
    run->unchanged++;
    if (!p)
        return ov_fail(err, OV_INVALID, "the server answered 304 to a request without a condition");
    ovi_known_page same = *p;
    OV_TRY(ovi_state_add_page(&s->now, run->arena, &same, err));
    if (next.n && run->spec->source.kind == OVI_PULL_REST) {
        OV_TRY(take_next(f, next, err));
        go_on(run, s);
        return OV_OK;
    }
    if (s->new_rows == 0 && !s->changed && s->was.resume.n == 0)
        s->phase = OVI_SAME;
    else
        complete(run, s);
    return OV_OK;
}

static void limited(ovi_flight *f, int64_t wait)
{
    ovi_series *s = f->series;
    int64_t until = ov_monotonic_ns() / 1000000 + wait;
    s->limited++;
    s->phase = OVI_WAITS;
    s->not_before = 0; /* another token may be free */
    if (f->token)
        ovi_pool_park_token(f->run->pool, f->token->id, until);
    else
        ovi_pool_park(f->run->pool, until);
    tell_again(f, f->token ? "that token is asked again" : "asked again", wait);
}

/* The token has said that it is used up: park it before the next request finds out. */
static void watch_budget(ovi_flight *f)
{
    int64_t wait = f->reply.reset_wall_ms - (f->reply.date_wall_ms >= 0 ? f->reply.date_wall_ms : ov_now_ms());
    if (f->reply.remaining != 0 || f->reply.reset_wall_ms < 0 || wait <= 0 || wait > f->run->spec->source.limits.max_wait_ms)
        return;
    int64_t until = ov_monotonic_ns() / 1000000 + wait + 1000;
    if (f->token)
        ovi_pool_park_token(f->run->pool, f->token->id, until);
    else
        ovi_pool_park(f->run->pool, until);
}

static void failed(ovi_flight *f, const ov_http_done *done)
{
    char text[OV_ERROR_TEXT_BYTES];
    if (done->status != OV_OK) {
        end_badly(f, OVI_FAILED, done->status, done->err.text);
        return;
    }
    tell_status(f, f->reply.status == 401 ? "; the token is not accepted" : "", text);
    end_badly(f, OVI_FAILED, f->reply.status == 401 || f->reply.status == 403 ? OV_DENIED : OV_IO, text);
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
        return f->run->spec->source.kind == OVI_PULL_FILES ? accept_file(f, err) : accept_page(f, err);
    case OVI_UNCHANGED:
        return unchanged(f, err) == OV_OK ? OV_OK : series_failed(f, err);
    case OVI_EMPTY:
        return next_page(f, &none, err);
    case OVI_MISSING:
        tell_status(f, "", text);
        end_badly(f, OVI_GAP, OV_NOT_FOUND, text);
        return OV_OK;
    case OVI_POLL:
    case OVI_RETRY:
        s->attempts++;
        wait_for(s, wait);
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

ov_status ovi_flight_land(ovi_flight *f, ov_http_done *done, ov_error *err)
{
    const ovi_pull_source *src = &f->run->spec->source;
    ovi_series *s = f->series;
    int64_t wait;
    OV_TRY(close_file(f, err));
    f->body.limit = 0; /* it held for what came */
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
