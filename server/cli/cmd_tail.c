/*
 * The loop of `ovate ingest tail`. The place behind the lines goes with them, into the same record of the log and the same
 * commit, so lines and place cannot part: whatever ends, the next run goes on behind the last durable line.
 */
#include "server/cli/cmd_tail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/httpc.h"
#include "base/json.h"
#include "base/os.h"
#include "ingest/parse/rows.h"
#include "ingest/stream/stream.h"
#include "server/cli/cli.h"
#include "server/cli/tail_file.h"
#include "server/host.h"
#include "server/task_transform.h"

enum { PIECE_BYTES = 1 << 20, POLL_MS = 100, FIRST_WAIT_MS = 200, LAST_WAIT_MS = 10 * 1000 };

typedef struct tailing {
    const ov_tail_options *o;
    ov_push_format format;
    ov_slice key; /* of the mark; empty: none */
    ov_arena arena;
    ov_streams *streams; /* here, or */
    ov_buf address;      /* in a server */
    ov_app *app;
    uint64_t rows, rejected;
} tailing;

static bool stopped(const tailing *t)
{
    return atomic_load(t->o->stop);
}

/* ---- through the server that holds the folder ---- */

static void add_param(ov_buf *url, const char *name, ov_slice value)
{
    ov_buf_addf(url, "%c%s=", memchr(url->p, '?', url->n) ? '&' : '?', name);
    ov_url_encode(url, value);
}

static void begin_url(const tailing *t, const char *what, const char *rest, ov_buf *url)
{
    ov_buf_init(url);
    ov_buf_addf(url, "http://%.*s/v1/%s/", (int)t->address.n, t->address.p, what);
    ov_url_encode(url, ov_slice_cstr(t->o->datasource));
    ov_buf_add_str(url, rest);
}

static ov_status fetch(ov_buf *url, const char *method, const char *type, ov_slice body, ov_arena *a, int *status,
                       ov_json **doc, ov_error *err)
{
    ov_buf raw;
    ov_http_response answer;
    const char *headers[] = {type, NULL};
    ov_http_request rq = {.method = method, .url = ov_buf_cstr(url), .headers = headers, .body = body};
    ov_buf_init(&raw);
    ov_status st = rq.url ? ov_http_fetch(&rq, &raw, &answer, err) : ov_buf_check(url, err);
    if (st == OV_OK)
        st = ov_json_parse(ov_buf_slice(&raw), NULL, a, doc, err);
    if (st == OV_OK)
        *status = answer.status;
    ov_buf_fini(&raw);
    ov_buf_fini(url);
    return st;
}

/* What can be tried again is OV_BUSY; other answers are the client's fault. */
static ov_status fail_answer(int status, const ov_json *doc, ov_error *err)
{
    const ov_json *why = ov_json_find(doc, "error");
    ov_slice text = why && why->kind == OV_JSON_STRING ? why->s : OV_SLICE_LIT("the server gave no reason");
    return ov_fail(err, status == 429 || status >= 500 ? OV_BUSY : OV_INVALID, OV_SLICE_FMT, OV_SLICE_ARG(text));
}

static ov_status read_reasons(const ov_json *doc, ov_arena *a, ov_push_result *r, ov_error *err)
{
    const ov_json *all = ov_json_get(doc, "reasons");
    ov_reject *list;
    if (!all || all->kind != OV_JSON_ARRAY)
        return OV_OK;
    uint32_t n = 0;
    for (const ov_json *one = all->first; one; one = one->next)
        n++;
    OV_TRY(ov_arena_zalloc(a, (n + 1u) * sizeof *list, &list, err));
    for (const ov_json *one = all->first; one; one = one->next)
        OV_TRY(ov_json_need_str(one, "reason", &list[r->reject_count++].reason, err));
    r->rejects = list;
    return OV_OK;
}

static ov_status push_remote(tailing *t, ov_slice body, ov_slice place, ov_arena *a, ov_push_result *r, ov_error *err)
{
    static const char *const types[] = {[OV_PUSH_JSON] = "Content-Type: application/json",
                                        [OV_PUSH_CSV] = "Content-Type: text/csv",
                                        [OV_PUSH_TSV] = "Content-Type: text/tab-separated-values"};
    ov_buf url;
    ov_json *doc;
    int status = 0;
    int64_t rows, rejected;
    begin_url(t, "push", "", &url);
    if (t->key.n) {
        add_param(&url, "mark", t->key);
        add_param(&url, "place", place);
    }
    OV_TRY(fetch(&url, "POST", types[t->format], body, a, &status, &doc, err));
    if (status != 200)
        return fail_answer(status, doc, err);
    OV_TRY(ov_json_need_i64(doc, "rows", &rows, err));
    OV_TRY(ov_json_need_i64(doc, "rejected", &rejected, err));
    *r = (ov_push_result){.rows = (uint64_t)rows, .rejected = (uint64_t)rejected};
    return read_reasons(doc, a, r, err);
}

static ov_status place_remote(tailing *t, ov_arena *a, ov_slice *place, ov_error *err)
{
    ov_buf url;
    ov_json *doc;
    int status = 0;
    begin_url(t, "streams", "/mark", &url);
    add_param(&url, "key", t->key);
    OV_TRY(fetch(&url, "GET", NULL, (ov_slice){NULL, 0}, a, &status, &doc, err));
    return status == 200 ? ov_json_need_str(doc, "place", place, err) : fail_answer(status, doc, err);
}

/* ---- either way ---- */

static ov_status push(tailing *t, ov_slice body, ov_slice place, ov_arena *a, ov_push_result *r, ov_error *err)
{
    if (!t->streams)
        return push_remote(t, body, place, a, r, err);
    ov_stream_mark mark = {t->key, place};
    ov_push p = {.datasource = ov_slice_cstr(t->o->datasource), .body = body, .format = t->format, .marks = &mark,
                 .mark_count = t->key.n > 0};
    return ov_streams_push(t->streams, &p, a, r, err);
}

static ov_status last_place(tailing *t, ov_arena *a, ov_slice *place, ov_error *err)
{
    *place = (ov_slice){NULL, 0};
    if (t->key.n == 0)
        return OV_OK;
    return t->streams ? ov_streams_mark(t->streams, ov_slice_cstr(t->o->datasource), t->key, a, place, err)
                      : place_remote(t, a, place, err);
}

/* The address of the server that holds the folder now; false: there is none. */
static bool find_server(tailing *t)
{
    ov_error ignored = OV_ERROR_INIT;
    ov_buf_clear(&t->address);
    return ov_catalog_holder(t->o->dir, &t->address, &ignored) == OV_OK && t->address.n > 0;
}

static bool may_pass(const ov_error *err)
{
    return err->code == OV_BUSY || err->code == OV_IO || err->code == OV_TIMEOUT;
}

static void rest(const tailing *t, int64_t ms)
{
    for (; ms > 0 && !stopped(t); ms -= POLL_MS)
        ov_sleep_ms(OV_MIN(ms, (int64_t)POLL_MS));
}

/* Until the lines are durable. An answer that got lost is found by the place: it moves only with the lines. */
static ov_status push_surely(tailing *t, ov_slice body, ov_slice place, ov_arena *a, ov_error *err)
{
    ov_push_result r = {0};
    bool told = false;
    for (int64_t wait = FIRST_WAIT_MS;; wait = OV_MIN(wait * 2, (int64_t)LAST_WAIT_MS)) {
        ov_status st = push(t, body, place, a, &r, err);
        if (st == OV_OK)
            break;
        if (!may_pass(err) || (err->code != OV_BUSY && t->key.n == 0) || stopped(t))
            return st;
        if (!told)
            fprintf(stderr, "ovate: %s; trying again\n", err->text);
        told = true;
        rest(t, wait);
        if (!t->streams)
            (void)find_server(t); /* it may have come back elsewhere */
        ov_slice now;
        ov_error lost = OV_ERROR_INIT;
        if (t->key.n && last_place(t, a, &now, &lost) == OV_OK && ov_slice_eq(now, place))
            break; /* it had arrived */
        *err = (ov_error)OV_ERROR_INIT;
    }
    t->rows += r.rows;
    t->rejected += r.rejected;
    for (uint32_t i = 0; i < r.reject_count && t->rejected == r.rejected; i++)
        fprintf(stderr, "ovate: rejected: %.*s\n", (int)r.rejects[i].reason.n, r.rejects[i].reason.p);
    return OV_OK;
}

static ov_status push_piece(tailing *t, const ov_tail_piece *piece, ov_error *err)
{
    ov_arena a;
    ov_buf with_header;
    ov_slice body = piece->text;
    ov_arena_init(&a, "tail", NULL);
    ov_buf_init(&with_header);
    ov_status st = OV_OK;
    if (piece->header.n) {
        ov_buf_add_slice(&with_header, piece->header);
        ov_buf_add_slice(&with_header, piece->text);
        st = ov_buf_check(&with_header, err);
        body = ov_buf_slice(&with_header);
    }
    if (st == OV_OK)
        st = push_surely(t, body, piece->place, &a, err);
    ov_buf_fini(&with_header);
    ov_arena_fini(&a);
    return st;
}

static ov_status follow(tailing *t, ov_tail *file, ov_error *err)
{
    while (!stopped(t)) {
        ov_tail_piece piece;
        bool ended;
        OV_TRY(ov_tail_next(file, PIECE_BYTES, t->o->once, &piece, &ended, err));
        const char *news = ov_tail_news(file);
        if (news)
            fprintf(stderr, "ovate: %s: %s\n", t->o->path, news);
        if (piece.text.n)
            OV_TRY(push_piece(t, &piece, err));
        else if (ended || t->o->once)
            return ov_tail_is_there(file) ? OV_OK : ov_fail(err, OV_NOT_FOUND, "there is no file %s", t->o->path);
        else
            ov_sleep_ms(POLL_MS);
    }
    return OV_OK;
}

/* ---- begin and end ---- */

static ov_status open_target(tailing *t, ov_error *err)
{
    ov_host_options host = {.dir = t->o->dir, .writer = true};
    static ov_app app;
    ov_status st = ov_host_open(&app, &host, err);
    if (st == OV_OK) {
        ov_streams_config config = {.catalog = app.catalog, .transforms = &ov_transforms};
        t->app = &app;
        return ov_streams_create(&config, &t->streams, err);
    }
    if (st != OV_BUSY)
        return st;
    if (!find_server(t))
        return st;
    *err = (ov_error)OV_ERROR_INIT;
    return OV_OK;
}

static ov_status settle(tailing *t, ov_error *err)
{
    static const char *const formats[] = {[OV_PUSH_JSON] = "json", [OV_PUSH_CSV] = "csv", [OV_PUSH_TSV] = "tsv"};
    bool is_stdin = strcmp(t->o->path, "-") == 0, found = false;
    for (size_t i = 0; i < OV_COUNT_OF(formats) && !found; i++) {
        found = strcmp(t->o->format, formats[i]) == 0;
        t->format = (ov_push_format)i;
    }
    if (!found)
        return ov_fail(err, OV_INVALID, "--format takes json, csv or tsv, not '%s'", t->o->format);
    char *real = is_stdin || t->o->name ? NULL : realpath(t->o->path, NULL);
    const char *name = t->o->name ? t->o->name : is_stdin ? NULL : real ? real : t->o->path;
    ov_status st = name ? ov_arena_printf(&t->arena, &t->key, err, "tail/%s", name) : OV_OK;
    free(real);
    return st;
}

static ov_status run(tailing *t, ov_error *err)
{
    ov_slice place;
    ov_tail *file;
    OV_TRY(settle(t, err));
    OV_TRY(open_target(t, err));
    OV_TRY(last_place(t, &t->arena, &place, err));
    OV_TRY(ov_tail_open(t->o->path, t->format != OV_PUSH_JSON, place, &file, err));
    if (!t->o->once && isatty(STDERR_FILENO))
        fprintf(stderr, "following %s into %s%s%s; Ctrl-C ends it\n", strcmp(t->o->path, "-") == 0 ? "standard input" : t->o->path,
                t->o->datasource, t->streams ? "" : " of the server at ", t->streams ? "" : ov_buf_cstr(&t->address));
    ov_status st = follow(t, file, err);
    t->rejected += ov_tail_passed_over(file);
    ov_tail_close(file);
    return st;
}

int ov_tail_run(const ov_tail_options *o)
{
    tailing t = {.o = o};
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&t.arena, "tail", NULL);
    ov_buf_init(&t.address);
    ov_status st = run(&t, &err);
    if (t.streams && st == OV_OK)
        st = ov_streams_flush(t.streams, ov_slice_cstr(o->datasource), &err); /* no server has them in memory: seen from here on */
    printf("%llu row%s taken, %llu rejected\n", (unsigned long long)t.rows, t.rows == 1 ? "" : "s", (unsigned long long)t.rejected);
    ov_streams_destroy(t.streams);
    if (t.app)
        ov_host_close(t.app);
    ov_buf_fini(&t.address);
    ov_arena_fini(&t.arena);
    if (st != OV_OK)
        return ov_cli_fail(&err);
    return OV_EXIT_OK;
}
