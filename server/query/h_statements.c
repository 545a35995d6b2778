/*
 * /druid/v2/sql/statements: statements that run on their own, asked about later. Each is a query_controller task; its rows, if
 * any, lie in a file below the data folder (sql_select.h).
 *
 * Shapes and sentences: Druid's SqlStatementResource.
 */
#include "base/jsonw.h"
#include "ingest/task/task.h"
#include "server/http/error_http.h"
#include "server/query/sql_settings.h"
#include "server/query/sql_task.h"
#include "server/query/statement.h"
#include "server/reply.h"

static const ov_slice NO_SQL = {NULL, 0};

/* ---- looking one up ---- */

static ov_status not_found(ov_slice id, ov_error *err)
{
    return ov_fail(err, OV_NOT_FOUND,
                   "Query [" OV_SLICE_FMT "] was not found. The query details are no longer present or might not be of "
                   "the type [query_controller]. Verify that the id is correct.",
                   OV_SLICE_ARG(id));
}

static ov_status read_report(ovi_statement *s, ov_arena *a, ov_error *err)
{
    ov_json *report;
    if (s->row.report.n == 0)
        return OV_OK;
    OV_TRY(ov_json_parse(s->row.report, NULL, a, &report, err));
    const ov_json *payload = ov_json_find(ov_json_find(report, "multiStageQuery"), "payload");
    s->report = (ov_json *)(uintptr_t)payload;
    return OV_OK;
}

ov_status ovi_statement_find(ov_app *app, ov_slice id, ov_arena *a, ovi_statement *out, ov_error *err)
{
    *out = (ovi_statement){0};
    ov_status st = ov_catalog_task_get(app->catalog, id, a, &out->row, err);
    if (st == OV_NOT_FOUND || (st == OV_OK && !ov_slice_eq(out->row.type, OV_SLICE_LIT("query_controller"))))
        return not_found(id, err);
    OV_TRY(st);
    OV_TRY(ov_json_parse(out->row.spec, NULL, a, &out->doc, err));
    OV_TRY(read_report(out, a, err));
    ov_slice destination;
    const ov_json *to = ov_json_find(ov_json_find(out->doc, "spec"), "destination");
    OV_TRY(ov_json_str(to, "type", NO_SQL, &destination, err));
    out->writes = ov_slice_eq(destination, OV_SLICE_LIT("dataSource")) || ov_slice_eq(destination, OV_SLICE_LIT("export"));
    if (ov_slice_eq(out->row.state, OV_SLICE_LIT("SUCCESS")))
        out->state = "SUCCESS";
    else if (ov_slice_eq(out->row.state, OV_SLICE_LIT("FAILED")))
        out->state = "FAILED";
    else
        out->state = strcmp(ov_tasks_runner_status(app->tasks, id), "PENDING") == 0 ? "ACCEPTED" : "RUNNING";
    return OV_OK;
}

/* ---- the status document ---- */

static ov_slice text_at(const ov_json *list, uint32_t i)
{
    const ov_json *v = ov_json_at(list, i);
    return v && v->kind == OV_JSON_STRING ? v->s : ov_slice_make("", 0);
}

static void add_schema(ov_jsonw *w, const ovi_statement *s)
{
    const ov_json *columns = ov_json_find(ov_json_find(s->doc, "spec"), "columnMappings");
    const ov_json *sql = ov_json_find(s->doc, "sqlTypeNames"), *native = ov_json_find(s->doc, "nativeTypeNames");
    uint32_t i = 0;
    if (s->writes || !columns)
        return;
    ov_jsonw_open_array(w, "schema");
    for (const ov_json *c = columns->first; c; c = c->next, i++) {
        ov_slice name = OV_SLICE_LIT("");
        const ov_json *v = ov_json_find(c, "outputColumn");
        if (v && v->kind == OV_JSON_STRING)
            name = v->s;
        ov_jsonw_open_object(w, NULL);
        ov_jsonw_str(w, "name", name);
        ov_jsonw_str(w, "type", text_at(sql, i));
        ov_jsonw_str(w, "nativeType", text_at(native, i));
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
}

static int64_t number_of(const ov_json *v)
{
    return v && v->kind == OV_JSON_INT ? v->i : 0;
}

static void add_copy(ov_jsonw *w, const char *key, const ov_json *v)
{
    ov_buf text;
    if (!v)
        return;
    ov_buf_init(&text);
    ov_json_print(v, &text);
    ov_jsonw_raw(w, key, ov_buf_slice(&text));
    ov_buf_fini(&text);
}

/* A member of the counters of what the first stage put out: rows or bytes. */
static int64_t put_out(const ovi_statement *s, const char *what)
{
    const ov_json *v = ov_json_find(ov_json_find(s->report, "counters"), "0");
    v = ov_json_find(ov_json_find(v, "0"), "output");
    return number_of(ov_json_at(ov_json_find(v, what), 0));
}

static void add_result(ov_jsonw *w, const ovi_statement *s)
{
    const ov_json *results = ov_json_find(s->report, "results"), *pages = ov_json_find(results, "pages");
    int64_t rows = 0, bytes = 0;
    if (strcmp(s->state, "SUCCESS") != 0)
        return;
    for (const ov_json *p = pages ? pages->first : NULL; p; p = p->next) {
        rows += number_of(ov_json_find(p, "numRows"));
        bytes += number_of(ov_json_find(p, "sizeInBytes"));
    }
    ov_jsonw_open_object(w, "result");
    ov_jsonw_i64(w, "numTotalRows", s->writes ? put_out(s, "rows") : rows);
    ov_jsonw_i64(w, "totalSizeInBytes", s->writes ? put_out(s, "bytes") : bytes);
    ov_jsonw_str(w, "dataSource", s->row.datasource);
    if (!s->writes) {
        add_copy(w, "sampleRecords", ov_json_find(results, "results"));
        add_copy(w, "pages", pages);
    }
    ov_jsonw_close_object(w);
}

static void add_error(ov_jsonw *w, const ovi_statement *s)
{
    const ov_json *error = ov_json_find(ov_json_find(ov_json_find(s->report, "status"), "errorReport"), "error");
    const ov_json *code = ov_json_find(error, "errorCode");
    if (strcmp(s->state, "FAILED") != 0)
        return;
    ov_jsonw_open_object(w, "errorDetails");
    ov_jsonw_cstr(w, "error", "druidException");
    ov_jsonw_str(w, "errorCode", code && code->kind == OV_JSON_STRING ? code->s : OV_SLICE_LIT("UnknownError"));
    ov_jsonw_cstr(w, "persona", "USER");
    ov_jsonw_cstr(w, "category", "UNCATEGORIZED");
    ov_jsonw_str(w, "errorMessage", s->row.error_msg);
    ov_jsonw_open_object(w, "context");
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
}

static void respond_statement(ov_request *rq, const ovi_statement *s, bool detail)
{
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "queryId", s->row.id);
    ov_jsonw_cstr(w, "state", s->state);
    ov_jsonw_str(w, "createdAt", s->row.created);
    add_schema(w, s);
    ov_jsonw_i64(w, "durationMs", s->row.duration_ms);
    add_result(w, s);
    add_error(w, s);
    if (detail) {
        add_copy(w, "stages", ov_json_find(s->report, "stages"));
        add_copy(w, "counters", ov_json_find(s->report, "counters"));
    }
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

/* ---- handlers ---- */

/* By the context or by SET in front of the statement. */
static ov_status check_mode(const ov_query *q, const ov_json *context, ov_arena *a, ov_error *err)
{
    bool found;
    ov_slice mode;
    OV_TRY(ov_sql_setting_text(q, context, "executionMode", a, &found, &mode, err));
    if (!found)
        return ov_fail(err, OV_INVALID,
                       "Execution mode is not provided to the sql statement api. Please set [executionMode] to [ASYNC] "
                       "in the query context");
    if (!ov_slice_ieq(mode, OV_SLICE_LIT("ASYNC")))
        return ov_fail(err, OV_INVALID,
                       "The sql statement api currently does not support the provided execution mode [" OV_SLICE_FMT
                       "]. Please set [executionMode] to [ASYNC] in the query context",
                       OV_SLICE_ARG(mode));
    return OV_OK;
}

void ov_h_statement_post(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_sql_request in;
    ovi_statement s;
    ov_slice id;
    ov_arena *a = ov_request_arena(rq);
    int refusal = ov_sql_request_media(rq);
    if (refusal) {
        ov_respond(rq, refusal, NULL, NO_SQL);
        return;
    }
    if (ov_sql_request_read(rq, &in, &err) != OV_OK) {
        ov_respond_error(rq, OV_ERROR_BINDING, NO_SQL, &err);
        return;
    }
    if (ov_sql_task_submit(app, &in, check_mode, a, &id, &err) != OV_OK) {
        ov_respond_error(rq, OV_ERROR_SQL, in.query.sql, &err);
        return;
    }
    if (id.n == 0) /* EXPLAIN */
        ov_h_sql(app, rq, at);
    else if (ovi_statement_find(app, id, a, &s, &err) == OV_OK)
        respond_statement(rq, &s, false);
    else
        ov_respond_error(rq, OV_ERROR_STATEMENT, NO_SQL, &err);
}

void ov_h_statement(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ovi_statement s;
    bool found;
    ov_slice detail = ov_request_param(rq, "detail", &found);
    if (ovi_statement_find(app, at->s[0], ov_request_arena(rq), &s, &err) == OV_OK)
        respond_statement(rq, &s, found && !ov_slice_ieq(detail, OV_SLICE_LIT("false")));
    else
        ov_respond_error(rq, OV_ERROR_STATEMENT, NO_SQL, &err);
}

/* 202 for what still runs, 200 for what has ended. */
void ov_h_statement_cancel(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ovi_statement s;
    ov_status st = ovi_statement_find(app, at->s[0], ov_request_arena(rq), &s, &err);
    bool runs = st == OV_OK && (s.state[0] == 'A' || s.state[0] == 'R');
    if (runs)
        st = ov_tasks_shutdown(app->tasks, at->s[0], &err);
    if (st == OV_OK)
        ov_respond(rq, runs ? 202 : 200, NULL, NO_SQL);
    else
        ov_respond_error(rq, OV_ERROR_STATEMENT, NO_SQL, &err);
}
