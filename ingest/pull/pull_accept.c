/* What came becomes rows: a page's lines or a whole file, the series' next address or its end, a line of lineage. */
#include "ingest/pull/pull_answer.h"

#include <fcntl.h>
#include <stdio.h>
#include "base/compress.h"
#include "base/file.h"
#include "base/os.h"
#include "ingest/parse/byte_scan.h"

/* ---- moving on ---- */

/* The address without the query's part `name`, which every request gets anew; an empty name leaves it as it is. */
static void add_without(ov_buf *out, ov_slice url, ov_slice name)
{
    const char *query = name.n ? memchr(url.p, '?', url.n) : NULL;
    size_t at = query ? (size_t)(query - url.p) + 1 : url.n;
    char between = '?';
    ov_buf_add(out, url.p, query ? at - 1 : at);
    while (at < url.n) {
        const char *and = memchr(url.p + at, '&', url.n - at);
        ov_slice part = ov_slice_make(url.p + at, and ? (size_t)(and - url.p) - at : url.n - at);
        at += part.n + 1;
        if (ov_slice_starts(part, name) && (part.n == name.n || part.p[name.n] == '='))
            continue;
        ov_buf_add_char(out, between);
        ov_buf_add_slice(out, part);
        between = '&';
    }
}

/* An address out of an answer must stay with the source, or secrets would go elsewhere. */
static ov_status take_next(ovi_flight *f, ov_slice next, ov_error *err)
{
    ovi_run *run = f->run;
    ov_slice origin = run->spec->origin;
    ov_buf whole;
    ov_buf_init(&whole);
    if (next.p[0] == '/' && (next.n < 2 || next.p[1] != '/'))
        ov_buf_add_slice(&whole, origin);
    add_without(&whole, next, run->spec->source.auth_query);
    ov_slice text = ov_buf_slice(&whole);
    ov_status st = ov_buf_check(&whole, err);
    if (st == OV_OK && (!ov_slice_starts(text, origin) || (text.n > origin.n && text.p[origin.n] != '/' && text.p[origin.n] != '?')))
        st = ov_fail(err, OV_DENIED, "the next page is said to be at '" OV_SLICE_FMT "', which is not at " OV_SLICE_FMT,
                     OV_SLICE_ARG(text), OV_SLICE_ARG(origin));
    if (st == OV_OK)
        st = ov_arena_copy(run->arena, text, &f->series->next_url, err);
    ov_buf_fini(&whole);
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

ov_status ovi_flight_next_page(ovi_flight *f, const ovi_page *page, ov_error *err)
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
    ovi_secrets_hide_error(&f->run->secrets, err); /* before it is cut */
    snprintf(text, sizeof text, OV_SLICE_FMT ": %.700s", OV_SLICE_ARG(ov_buf_slice(&f->shown)), err->text);
    ovi_flight_end_badly(f, OVI_FAILED, err->code, text);
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
    return ovi_flight_next_page(f, page, err);
}

static ov_status accept_page(ovi_flight *f, ov_error *err)
{
    ovi_series *s = f->series;
    ovi_page page = {0};
    ov_buf lines;
    ovi_pull_state before = s->now;
    ov_buf_init(&lines);
    ov_status st = ovi_page_read(f->run, s, ov_buf_slice(&f->body), &f->arena, &lines, &page, err);
    if (st != OV_OK)
        s->now = before; /* rows of a page that was not read to its end are not loaded, so they are not known either */
    if (st == OV_OK && page.backoff_ms > 0)
        ovi_pool_park(f->run->pool, ov_monotonic_ms() + page.backoff_ms);
    if (st == OV_OK && page.retry) {
        const ovi_pull_limits *l = &f->run->spec->source.limits;
        if (s->attempts++ < l->retries)
            ovi_series_wait(s, ovi_backoff_ms(l->backoff_ms, l->max_backoff_ms, s->attempts, (uint64_t)ov_monotonic_ns()));
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

ov_status ovi_file_check(const char *path, ov_slice shown, uint64_t *lines, uint64_t most, ov_error *err)
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
    ov_status st = ovi_file_check(f->path, ov_buf_slice(&f->shown), &lines, run->spec->source.limits.max_bytes, err);
    if (st == OV_CORRUPT || (st == OV_OK && f->bytes == 0)) {
        const ovi_pull_limits *l = &run->spec->source.limits;
        char why[OV_ERROR_TEXT_BYTES];
        snprintf(why, sizeof why, OV_SLICE_FMT ": %.600s", OV_SLICE_ARG(ov_buf_slice(&f->shown)),
                 st == OV_OK ? "the file is empty" : err->text);
        *err = (ov_error)OV_ERROR_INIT;
        if (s->attempts < l->retries) {
            ovi_series_wait(s, ovi_backoff_ms(l->backoff_ms, l->max_backoff_ms, s->attempts++, (uint64_t)ov_monotonic_ns()));
            ovi_run_log(run, "WARN", why);
        } else {
            ovi_flight_end_badly(f, OVI_GAP, OV_CORRUPT, why);
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

/* ---- nothing new ---- */

static ov_status same_page(ovi_flight *f, ov_error *err)
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

ov_status ovi_flight_unchanged(ovi_flight *f, ov_error *err)
{
    return same_page(f, err) == OV_OK ? OV_OK : series_failed(f, err);
}

ov_status ovi_flight_accept(ovi_flight *f, ov_error *err)
{
    return f->run->spec->source.kind == OVI_PULL_FILES ? accept_file(f, err) : accept_page(f, err);
}
