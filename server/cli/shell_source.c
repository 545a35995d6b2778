/*
 * Sources of `ovate sql`: the engine over a data folder, or a server over HTTP. Both feed printers cell by cell.
 */
#include "server/cli/shell.h"

#include <stdlib.h>

#include "base/httpc.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "server/host.h"
#include "server/query/encode.h"

struct ov_source {
    char name[512];
    bool remote;
    _Atomic bool cancel;
    ov_app app;                  /* folder */
    ov_buf holder;               /* folder: address of the server that holds it, empty: none */
    _Atomic(ov_query *) running; /* folder: what to cancel */
    char url[600];               /* server */
};

/* ---- a data folder ---- */

ov_status ov_source_open_dir(const char *dir, ov_source **out, ov_error *err)
{
    ov_source *s = ov_calloc(1, sizeof *s);
    if (!s)
        return ov_fail_nomem(err, sizeof *s);
    snprintf(s->name, sizeof s->name, "%s", dir);
    ov_host_options host = {.dir = dir, .writer = false};
    ov_status st = ov_host_open(&s->app, &host, err);
    if (st != OV_OK) {
        ov_free(s);
        return st;
    }
    ov_error ignored = OV_ERROR_INIT;
    ov_buf_init(&s->holder);
    if (ov_catalog_holder(dir, &s->holder, &ignored) != OV_OK)
        ov_buf_clear(&s->holder);
    *out = s;
    return OV_OK;
}

const char *ov_source_holder(ov_source *s)
{
    return s->holder.n ? ov_buf_cstr(&s->holder) : NULL;
}

/* Turns batches into cells for a printer. */
typedef struct cell_feed {
    ov_printer *printer;
    const ov_field *fields;
    uint32_t count;
    ov_encode_options options;
    ov_shell_cell *cells;
    ov_buf text;
    size_t *start; /* where each cell's text begins in `text` */
    ov_arena arena;
} cell_feed;

static bool is_number(const ov_field *f)
{
    return ov_sqltype_is_number(f->sql);
}

static ov_status feed_begin(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    cell_feed *f = self;
    f->fields = fields;
    f->count = count;
    ov_shell_column *columns;
    OV_TRY(ov_arena_alloc(&f->arena, (count + 1) * sizeof *columns, &columns, err));
    OV_TRY(ov_arena_alloc(&f->arena, (count + 1) * sizeof *f->cells, &f->cells, err));
    OV_TRY(ov_arena_alloc(&f->arena, (count + 1) * sizeof *f->start, &f->start, err));
    for (uint32_t i = 0; i < count; i++)
        columns[i] = (ov_shell_column){fields[i].name, is_number(&fields[i])};
    return ov_printer_begin(f->printer, columns, count, err);
}

static ov_cell_kind kind_of(const ov_field *f)
{
    if (is_number(f))
        return OV_CELL_NUMBER;
    return f->sql == OV_SQL_BOOLEAN ? OV_CELL_BOOL : OV_CELL_TEXT;
}

static ov_status feed_row(cell_feed *f, const ov_batch *batch, uint32_t row, ov_error *err)
{
    ov_buf_clear(&f->text);
    for (uint32_t i = 0; i < f->count; i++) {
        f->start[i] = f->text.n;
        OV_TRY(
            ov_encode_cell(&f->options, &f->fields[i], &batch->col[i], row, true, &f->text, err));
        f->cells[i].text.n = f->text.n - f->start[i];
        f->cells[i].kind =
            ov_vec_is_null(&batch->col[i], row) ? OV_CELL_NULL : kind_of(&f->fields[i]);
    }
    for (uint32_t i = 0; i < f->count; i++)
        f->cells[i].text.p = f->text.p + f->start[i];
    return ov_printer_row(f->printer, f->cells, err);
}

static ov_status feed_rows(void *self, const ov_batch *batch, ov_error *err)
{
    for (uint32_t row = 0; row < batch->rows; row++)
        if (!batch->sel || (batch->sel[row / 64] >> (row % 64) & 1))
            OV_TRY(feed_row(self, batch, row, err));
    return OV_OK;
}

static ov_status run_in_dir(ov_source *s, const ov_query_request *rq, ov_printer *p, ov_error *err)
{
    OV_TRY(ov_catalog_refresh(s->app.catalog, err));
    ov_query *q;
    OV_TRY(ov_query_open(&s->app.env, rq, &q, err));
    cell_feed feed = {.printer = p, .options = {.stringify_arrays = true, .tz = ov_query_tz(q)}};
    ov_buf_init(&feed.text);
    ov_arena_init(&feed.arena, "shell", NULL);
    ov_result_sink sink = {.begin = feed_begin, .rows = feed_rows, .self = &feed};
    atomic_store(&s->running, q);
    if (atomic_load(&s->cancel))
        ov_query_cancel(q);
    ov_status st = ov_query_run(q, &sink, err);
    atomic_store(&s->running, NULL);
    if (st == OV_OK)
        st = ov_printer_end(p, err);
    ov_query_close(q);
    ov_buf_fini(&feed.text);
    ov_arena_fini(&feed.arena);
    return st;
}

/* ---- a server ---- */

ov_status ov_source_open_url(const char *url, ov_source **out, ov_error *err)
{
    ov_source *s = ov_calloc(1, sizeof *s);
    if (!s)
        return ov_fail_nomem(err, sizeof *s);
    size_t n = strlen(url);
    while (n && url[n - 1] == '/')
        n--;
    bool scheme = strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
    if (n == 0 || (!scheme && strstr(url, "://"))) {
        ov_free(s);
        return ov_fail(err, OV_INVALID, "'%s' is no address of a server; http://127.0.0.1:8888 is one", url);
    }
    s->remote = true;
    snprintf(s->url, sizeof s->url, "%s%.*s/druid/v2/sql", scheme ? "" : "http://",
             (int)OV_MIN(n, (size_t)500), url);
    snprintf(s->name, sizeof s->name, "%.*s", (int)OV_MIN(n, (size_t)500), url);
    *out = s;
    return OV_OK;
}

/* Answer lines: names, SQL types, then rows; each a JSON array. */
typedef struct line_feed {
    ov_printer *printer;
    ov_buf line;  /* the unfinished one */
    ov_buf error; /* body of an answer that is no result */
    uint32_t lines;
    uint32_t count;
    ov_shell_column *columns;
    ov_cell_kind *kinds;
    ov_shell_cell *cells;
    ov_arena arena;   /* names and cells */
    ov_arena scratch; /* one line */
    bool ended;       /* the empty line that tells that nothing is missing */
    bool is_error;
} line_feed;

static ov_status take_header(line_feed *f, const ov_json *row, ov_error *err)
{
    f->count = row->count;
    OV_TRY(ov_arena_alloc(&f->arena, (f->count + 1) * sizeof *f->columns, &f->columns, err));
    OV_TRY(ov_arena_alloc(&f->arena, (f->count + 1) * sizeof *f->kinds, &f->kinds, err));
    OV_TRY(ov_arena_alloc(&f->arena, (f->count + 1) * sizeof *f->cells, &f->cells, err));
    uint32_t i = 0;
    for (const ov_json *c = row->first; c; c = c->next, i++) {
        f->columns[i].number = false;
        OV_TRY(ov_arena_copy(&f->arena, c->kind == OV_JSON_STRING ? c->s : OV_SLICE_LIT("?"),
                             &f->columns[i].name, err));
    }
    return OV_OK;
}

static ov_status take_types(line_feed *f, const ov_json *row, ov_error *err)
{
    uint32_t i = 0;
    for (const ov_json *c = row->first; c && i < f->count; c = c->next, i++) {
        ov_sqltype t = OV_SQL_VARCHAR;
        if (c->kind == OV_JSON_STRING && !ov_sqltype_parse(c->s, &t))
            t = OV_SQL_VARCHAR;
        f->columns[i].number = ov_sqltype_is_number(t);
        f->kinds[i] = ov_sqltype_is_number(t) ? OV_CELL_NUMBER
                      : t == OV_SQL_BOOLEAN   ? OV_CELL_BOOL
                                              : OV_CELL_TEXT;
    }
    return ov_printer_begin(f->printer, f->columns, f->count, err);
}

static ov_status take_row(line_feed *f, const ov_json *row, ov_error *err)
{
    if (row->count != f->count)
        return ov_fail(err, OV_IO, "the server sent a row of %u values, not %u", row->count,
                       f->count);
    uint32_t i = 0;
    for (const ov_json *c = row->first; c; c = c->next, i++) {
        ov_buf text;
        f->cells[i] = (ov_shell_cell){.kind = f->kinds[i]};
        if (c->kind == OV_JSON_NULL) {
            f->cells[i].kind = OV_CELL_NULL;
        } else if (c->kind == OV_JSON_STRING) {
            f->cells[i].text = c->s;
        } else {
            ov_buf_init(&text);
            ov_json_print(c, &text);
            ov_status st = ov_arena_copy(&f->scratch, ov_buf_slice(&text), &f->cells[i].text, err);
            ov_buf_fini(&text);
            OV_TRY(st);
        }
    }
    return ov_printer_row(f->printer, f->cells, err);
}

static ov_status take_line(line_feed *f, ov_error *err)
{
    if (f->line.n == 0) {
        f->ended = true;
        return OV_OK;
    }
    ov_json *row;
    ov_arena_reset(&f->scratch);
    OV_TRY(ov_json_parse(ov_buf_slice(&f->line), NULL, &f->scratch, &row, err));
    OV_TRY(ov_json_expect(row, OV_JSON_ARRAY, err));
    f->lines++;
    if (f->lines == 1)
        return take_header(f, row, err);
    return f->lines == 2 ? take_types(f, row, err) : take_row(f, row, err);
}

static ov_status take_bytes(void *self, ov_slice bytes, ov_error *err)
{
    line_feed *f = self;
    if (f->lines == 0 && f->line.n == 0 && bytes.n && bytes.p[0] == '{')
        f->is_error = true;
    if (f->is_error) {
        ov_buf_add_slice(&f->error, bytes);
        return ov_buf_check(&f->error, err);
    }
    while (bytes.n) {
        const char *lf = memchr(bytes.p, '\n', bytes.n);
        size_t n = lf ? (size_t)(lf - bytes.p) : bytes.n;
        ov_buf_add(&f->line, bytes.p, n);
        OV_TRY(ov_buf_check(&f->line, err));
        if (!lf)
            return OV_OK;
        OV_TRY(take_line(f, err));
        ov_buf_clear(&f->line);
        bytes.p += n + 1;
        bytes.n -= n + 1;
    }
    return OV_OK;
}

static uint32_t number_member(const ov_json *cx, const char *key)
{
    const ov_json *v = ov_json_find(cx, key);
    return v && v->kind == OV_JSON_STRING ? (uint32_t)strtoul(v->s.p, NULL, 10) : 0;
}

/* Byte offset of a 1-based line and column (characters). */
static uint32_t offset_of(ov_slice text, uint32_t line, uint32_t column)
{
    size_t i = 0;
    while (line > 1 && i < text.n)
        line -= text.p[i++] == '\n';
    while (column > 1 && i < text.n) {
        i++;
        column -= i == text.n || ((unsigned char)text.p[i] & 0xC0) != 0x80;
    }
    return (uint32_t)i;
}

/* By somebody else, who asked the server to. */
static bool is_cancelled(const line_feed *f)
{
    static const char word[] = "\"Query cancelled\"";
    return f->error.n && memmem(f->error.p, f->error.n, word, sizeof word - 1);
}

static ov_status fail_from_body(const line_feed *f, int status, ov_slice sql, ov_error *err)
{
    ov_arena a;
    ov_json *doc;
    ov_error ignored = OV_ERROR_INIT;
    ov_status code = status == 504                      ? OV_TIMEOUT
                     : status == 500 && is_cancelled(f) ? OV_CANCELLED
                     : status >= 500 && status != 501   ? OV_IO
                                                        : OV_INVALID;
    ov_arena_init(&a, "error", NULL);
    ov_slice words = {NULL, 0};
    const ov_json *cx = NULL;
    if (ov_json_parse(ov_buf_slice(&f->error), NULL, &a, &doc, &ignored) == OV_OK) {
        const ov_json *m = ov_json_find(doc, "errorMessage");
        if (!m)
            m = ov_json_find(doc, "error");
        if (m && m->kind == OV_JSON_STRING)
            words = m->s;
        cx = ov_json_find(doc, "context");
    }
    uint32_t line = number_member(cx, "line"), end_line = number_member(cx, "endLine");
    if (words.n && line)
        ov_fail_at(err, code, offset_of(sql, line, number_member(cx, "column")),
                   offset_of(sql, end_line, number_member(cx, "endColumn")) + 1, OV_SLICE_FMT,
                   OV_SLICE_ARG(words));
    else if (words.n)
        ov_fail(err, code, OV_SLICE_FMT, OV_SLICE_ARG(words));
    else
        ov_fail(err, OV_IO, "the server answered %d", status);
    ov_arena_fini(&a);
    return code;
}

static void request_body(const ov_query_request *rq, ov_buf *body)
{
    ov_jsonw w;
    ov_jsonw_init(&w, body);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_str(&w, "query", rq->sql);
    ov_jsonw_cstr(&w, "resultFormat", "arrayLines");
    ov_jsonw_bool(&w, "header", true);
    ov_jsonw_bool(&w, "sqlTypesHeader", true);
    ov_jsonw_open_object(&w, "context");
    if (rq->time_zone.n)
        ov_jsonw_str(&w, "sqlTimeZone", rq->time_zone);
    ov_jsonw_i64(&w, "timeout", rq->timeout_ms);
    ov_jsonw_close_object(&w);
    ov_jsonw_close_object(&w);
}

static ov_status run_on_server(ov_source *s, const ov_query_request *rq, ov_printer *p,
                               ov_error *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    line_feed f = {.printer = p};
    ov_buf body;
    ov_http_response answer = {0};
    ov_buf_init(&body);
    ov_buf_init(&f.line);
    ov_buf_init(&f.error);
    ov_arena_init(&f.arena, "shell", NULL);
    ov_arena_init(&f.scratch, "shell line", NULL);
    request_body(rq, &body);
    ov_http_request http = {.method = "POST",
                            .url = s->url,
                            .headers = headers,
                            .body = ov_buf_slice(&body),
                            .stall_timeout_ms = 24 * 3600 * 1000,
                            .cancel = &s->cancel};
    ov_status st = ov_buf_check(&body, err);
    if (st == OV_OK)
        st = ov_http_send(&http, take_bytes, &f, &answer, err);
    if (st == OV_OK && (answer.status != 200 || f.is_error))
        st = fail_from_body(&f, answer.status, rq->sql, err);
    else if (st == OV_OK && !f.ended)
        st = ov_fail(err, OV_IO, "the server broke off in the middle of the result");
    else if (st == OV_OK)
        st = ov_printer_end(p, err);
    ov_buf_fini(&body);
    ov_buf_fini(&f.line);
    ov_buf_fini(&f.error);
    ov_arena_fini(&f.arena);
    ov_arena_fini(&f.scratch);
    return st;
}

/* ---- both ---- */

ov_status ov_source_run(ov_source *s, ov_slice sql, const char *time_zone, int64_t timeout_ms,
                        ov_printer *p, ov_error *err)
{
    atomic_store(&s->cancel, false);
    ov_query_request rq = {.sql = sql,
                           .time_zone = ov_slice_cstr(time_zone),
                           .timeout_ms = timeout_ms,
                           .outer_limit = OV_NO_LIMIT,
                           .stringify_arrays = true};
    return s->remote ? run_on_server(s, &rq, p, err) : run_in_dir(s, &rq, p, err);
}

void ov_source_cancel(ov_source *s)
{
    atomic_store(&s->cancel, true);
    ov_query *q = atomic_load(&s->running);
    if (q)
        ov_query_cancel(q);
}

const char *ov_source_name(const ov_source *s)
{
    return s->name;
}

void ov_source_close(ov_source *s)
{
    if (!s)
        return;
    if (!s->remote)
        ov_host_close(&s->app);
    ov_buf_fini(&s->holder);
    ov_free(s);
}

ov_status ov_source_words(ov_source *s, const char *sql, ov_arena *a, ov_slice **words,
                          uint32_t *count, ov_error *err)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to)
        return ov_fail_nomem(err, 4096);
    ov_printer *p = NULL;
    ov_status st = ov_printer_create(OV_SHELL_TSV, to, &p, err);
    if (st == OV_OK)
        st = ov_source_run(s, ov_slice_cstr(sql), NULL, 10 * 1000, p, err);
    ov_printer_destroy(p);
    fclose(to);
    uint32_t lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    *count = 0;
    if (st == OV_OK)
        st = ov_arena_alloc(a, (lines + 1) * sizeof **words, words, err);
    char *at = text;
    for (uint32_t i = 0; st == OV_OK && i < lines; i++) {
        char *lf = strchr(at, '\n');
        if (i > 0) /* the first line is the header */
            st = ov_arena_copy(a, ov_slice_make(at, (size_t)(lf - at)), &(*words)[(*count)++], err);
        at = lf + 1;
    }
    free(text); /* made by open_memstream */
    return st;
}
