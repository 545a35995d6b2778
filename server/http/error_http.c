#include "server/http/error_http.h"

#include <stdio.h>
#include <string.h>

#include "base/jsonw.h"

typedef struct mapping {
    int status;
    const char *
        error; /* member `error`: druidException, or Druid's legacy words where clients look for them */
    const char *legacy; /* the legacy word, for clients that retry on anything they do not know */
    const char *code;   /* errorCode */
    const char *persona;
    const char *category;
} mapping;

static const mapping map[OV_STATUS_COUNT] = {
    [OV_INVALID] = {400, "druidException", "Plan validation failed", "invalidInput", "USER",
                    "INVALID_INPUT"},
    [OV_NOT_FOUND] = {400, "druidException", "Plan validation failed", "invalidInput", "USER",
                      "INVALID_INPUT"},
    [OV_EXISTS] = {400, "druidException", "Plan validation failed", "invalidInput", "USER",
                   "INVALID_INPUT"},
    [OV_UNSUPPORTED] = {501, "druidException", "Unsupported operation", "general", "USER",
                        "UNSUPPORTED"},
    [OV_LIMIT] = {400, "Resource limit exceeded", "Unknown exception", "legacyQueryException",
                  "OPERATOR", "CAPACITY_EXCEEDED"},
    [OV_BUSY] = {429, "Query capacity exceeded", "Query capacity exceeded", "legacyQueryException",
                 "OPERATOR", "CAPACITY_EXCEEDED"},
    [OV_TIMEOUT] = {504, "Query timeout", "Unknown exception", "legacyQueryException", "OPERATOR",
                    "TIMEOUT"},
    [OV_CANCELLED] = {500, "Query cancelled", "Query cancelled", "legacyQueryException", "OPERATOR",
                      "CANCELED"},
    [OV_DENIED] = {403, "druidException", "Unknown exception", "forbidden", "USER", "FORBIDDEN"},
};
static const mapping server_fault = {
    500,        "Unknown exception", "Unknown exception", "legacyQueryException",
    "OPERATOR", "RUNTIME_FAILURE"};

static const mapping no_statement = {
    404, "druidException", "Plan validation failed", "notFound", "USER", "NOT_FOUND"};

static const mapping *mapping_of(ov_status code)
{
    const mapping *m = (unsigned)code < OV_STATUS_COUNT ? &map[code] : &server_fault;
    return m->status ? m : &server_fault;
}

int ov_error_http_status(ov_status code)
{
    return mapping_of(code)->status;
}

/* 1-based line and column (in characters) of a byte of the text. */
static void place_of(ov_slice text, uint32_t pos, int *line, int *column)
{
    *line = *column = 1;
    for (size_t i = 0; i < pos && i < text.n; i++) {
        if (text.p[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text.p[i] & 0xC0) != 0x80) {
            ++*column;
        }
    }
}

static void add_place(ov_jsonw *w, ov_slice sql, const ov_error *err)
{
    int line, column, end_line, end_column;
    char text[16];
    place_of(sql, err->pos, &line, &column);
    place_of(sql, err->end_pos > err->pos ? err->end_pos - 1 : err->pos, &end_line, &end_column);
    const struct {
        const char *key;
        int value;
    } members[] = {
        {"line", line}, {"column", column}, {"endLine", end_line}, {"endColumn", end_column}};
    for (size_t i = 0; i < OV_COUNT_OF(members); i++) {
        snprintf(text, sizeof text, "%d", members[i].value);
        ov_jsonw_cstr(w, members[i].key, text);
    }
}

/* Members of both of Druid's generations; code_hint says it better than the status where there is one. */
static void native_body(const mapping *m, const ov_error *err, ov_jsonw *w)
{
    const char *word = err->code_hint[0]                        ? err->code_hint
                       : strcmp(m->error, "druidException") == 0 ? "Unknown exception"
                                                                 : m->error;
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "error", word);
    ov_jsonw_cstr(w, "errorClass", ov_status_name(err->code));
    ov_jsonw_null(w, "host");
    ov_jsonw_cstr(w, "errorCode", "legacyQueryException");
    ov_jsonw_cstr(w, "persona", "OPERATOR");
    ov_jsonw_cstr(w, "category", m->category);
    ov_jsonw_cstr(w, "errorMessage", err->text);
    ov_jsonw_open_object(w, "context");
    ov_jsonw_null(w, "host");
    ov_jsonw_cstr(w, "errorClass", ov_status_name(err->code));
    ov_jsonw_cstr(w, "legacyErrorCode", word);
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
}

static const mapping *mapping_for(ov_error_style style, ov_status code)
{
    return style == OV_ERROR_STATEMENT && code == OV_NOT_FOUND ? &no_statement : mapping_of(code);
}

/* sql with p NULL: the error is about no text. */
static void sql_body(const mapping *m, ov_slice sql, const ov_error *err, bool for_go, ov_jsonw *w)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "error", for_go ? m->legacy : m->error);
    ov_jsonw_cstr(w, "errorCode", err->code_hint[0] ? err->code_hint : m->code);
    ov_jsonw_cstr(w, "persona", m->persona);
    ov_jsonw_cstr(w, "category", m->category);
    ov_jsonw_cstr(w, "errorMessage", err->text);
    ov_jsonw_open_object(w, "context");
    if (sql.p)
        ov_jsonw_cstr(w, "sourceType", "sql");
    if (sql.p && err->has_pos)
        add_place(w, sql, err);
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
}

void ov_error_body(ov_error_style style, ov_slice sql, const ov_error *err, bool for_go,
                   ov_buf *out)
{
    ov_jsonw w;
    ov_jsonw_init(&w, out);
    switch (style) {
    case OV_ERROR_SQL:
        sql_body(mapping_of(err->code), sql.p ? sql : OV_SLICE_LIT(""), err, for_go, &w);
        break;
    case OV_ERROR_STATEMENT:
        sql_body(mapping_for(style, err->code), ov_slice_make(NULL, 0), err, for_go, &w);
        break;
    case OV_ERROR_NATIVE:
        native_body(mapping_of(err->code), err, &w);
        break;
    case OV_ERROR_BINDING:
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_cstr(&w, "error", "Unknown exception");
        ov_jsonw_cstr(&w, "errorMessage", err->text);
        ov_jsonw_cstr(&w, "errorClass", ov_status_name(err->code));
        ov_jsonw_null(&w, "host");
        ov_jsonw_close_object(&w);
        break;
    case OV_ERROR_TASK:
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_cstr(&w, "error", err->text);
        ov_jsonw_close_object(&w);
        break;
    }
}

void ov_respond_error(ov_request *rq, ov_error_style style, ov_slice sql, const ov_error *err)
{
    /* Grafana's plugin (go-druid) repeats every error whose `error` is not one of five legacy words, six
     * times in all; its HTTP library names itself, and for it the legacy word is the kind answer. */
    ov_slice agent = ov_http_header_get(ov_request_head(rq), "User-Agent", NULL);
    bool for_go = ov_slice_starts(agent, OV_SLICE_LIT("Go-http-client")) ||
                  ov_slice_starts(agent, OV_SLICE_LIT("Grafana"));
    ov_buf body;
    ov_buf_init(&body);
    ov_error_body(style, sql, err, for_go, &body);
    if (body.failed)
        ov_buf_clear(&body);
    ov_respond(rq, mapping_for(style, err->code)->status, "application/json", ov_buf_slice(&body));
    ov_buf_fini(&body);
}

void ov_respond_text(ov_request *rq, int status, const char *text)
{
    ov_respond(rq, status, "text/plain", ov_slice_cstr(text));
}

void ov_respond_json(ov_request *rq, ov_buf *body)
{
    ov_error err = OV_ERROR_INIT;
    if (ov_buf_check(body, &err) != OV_OK)
        ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
    else
        ov_respond(rq, 200, "application/json", ov_buf_slice(body));
    ov_buf_fini(body);
}
