#include "server/jdbc/avatica_session.h"

#include "base/json.h"
#include "server/query/sql_request.h"

enum {
    FRAME_ROWS = 5000,    /* of a first frame when the client does not say */
    FRAME_ROWS_MIN = 100, /* smaller frames cost more than they save */
    FRAME_ROWS_MAX = 100000,
    FRAME_WAIT_MS = 5000, /* then a frame goes out with what there is */
};

typedef struct session {
    ov_app *app;
    ov_request *http;
    const ov_av_request *rq;
    ov_av_wire wire;
    ov_arena *a;
    ov_av_response *out;
} session;

static uint64_t frame_rows(int64_t asked)
{
    if (asked < 0)
        return FRAME_ROWS;
    return (uint64_t)OV_MIN(OV_MAX(asked, (int64_t)FRAME_ROWS_MIN), (int64_t)FRAME_ROWS_MAX);
}

/* ---- queries ---- */

/* What the client said when it connected is the context of its queries, but for who it is. */
static OV_CHECKED ov_status query_of(session *s, ov_slice sql, ov_sql_request *out, ov_error *err)
{
    ov_slice info;
    ov_json *context;
    *out = (ov_sql_request){.query = {.sql = sql, .outer_limit = OV_NO_LIMIT}};
    OV_TRY(ov_av_store_info(s->app->avatica, s->rq->connection, s->a, &info, err));
    OV_TRY(ov_json_parse(info, NULL, s->a, &context, err));
    out->context = context;
    OV_TRY(ov_sql_request_settings(out, s->a, err));
    out->query.query_id =
        (ov_slice){NULL, 0}; /* many queries run under one connection: each gets its own */
    return OV_OK;
}

/* The signature of a cursor, in the arena. */
static OV_CHECKED ov_status sign(session *s, ov_slice sql, const ov_field *fields, uint32_t count,
                                 ov_av_signature **out, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(s->a, sizeof **out, out, err));
    ov_field *copy;
    OV_TRY(ov_arena_alloc(s->a, (count + (size_t)1) * sizeof *copy, &copy, err));
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = fields[i];
        OV_TRY(ov_arena_copy(s->a, fields[i].name, &copy[i].name, err));
    }
    **out = (ov_av_signature){.fields = copy, .field_count = count};
    return ov_arena_copy(s->a, sql, &(*out)->sql, err);
}

/* Runs a query as the statement's only one and answers with its first frame. Under the statement's lock. */
static OV_CHECKED ov_status execute(session *s, ov_av_statement *st, const ov_sql_request *rq,
                                    uint64_t rows, ov_error *err)
{
    ov_av_signature *signature;
    uint32_t count;
    ov_cursor_close(st->cursor);
    st->cursor = NULL;
    st->executed = false;
    OV_TRY(ov_av_statement_begin(s->app->avatica, st, err));
    if (ov_request_gone(s->http))
        atomic_store(&st->running.cancelled, true);
    ov_cursor_request cursor = {.query = &rq->query,
                                .running = &st->running,
                                .priority = rq->priority,
                                .wire = s->wire,
                                .whole = rows == UINT64_MAX};
    OV_TRY(ov_cursor_open(s->app, &cursor, &st->cursor, err));
    st->executed = true;
    const ov_field *fields = ov_cursor_fields(st->cursor, &count);
    OV_TRY(sign(s, rq->query.sql, fields, count, &signature, err));
    s->out->signature = signature;
    s->out->connection = s->rq->connection;
    s->out->statement = st->id;
    s->out->own_statement = true;
    OV_TRY(ov_cursor_fetch(st->cursor, rows, FRAME_WAIT_MS, s->a, &s->out->frame, err));
    if (s->out->frame.done) {
        ov_cursor_close(st->cursor);
        st->cursor = NULL;
    }
    return OV_OK;
}

static OV_CHECKED ov_status prepare_and_execute(session *s, ov_av_statement *st, ov_error *err)
{
    ov_sql_request rq;
    OV_TRY(query_of(s, s->rq->sql, &rq, err));
    if (s->rq->most_rows > 0)
        rq.query.outer_limit = OV_MIN(rq.query.outer_limit, (uint64_t)s->rq->most_rows);
    return execute(s, st, &rq, frame_rows(s->rq->frame_rows), err);
}

/* EXECUTE of a prepared statement with values. */
static OV_CHECKED ov_status execute_prepared(session *s, ov_av_statement *st, ov_error *err)
{
    ov_sql_request rq;
    if (s->rq->sql.n && !ov_slice_eq(s->rq->sql, st->sql)) { /* another one got its number */
        s->out->missing_statement = true;
        return OV_OK;
    }
    if (st->sql.n == 0)
        return ov_fail(err, OV_INVALID, "statement %u was not prepared", st->id);
    OV_TRY(query_of(s, st->sql, &rq, err));
    rq.query.params = s->rq->params;
    rq.query.param_count = s->rq->param_count;
    return execute(s, st, &rq, frame_rows(s->rq->frame_rows), err);
}

/* A driver that lost its connection goes on with a new statement, and takes the end of that for the end of its result. */
static OV_CHECKED ov_status need_result(const ov_av_statement *st, ov_error *err)
{
    if (st->executed)
        return OV_OK;
    return ov_fail(err, OV_INVALID,
                   "statement %u has no result: it was not executed, or its connection was lost since then, with the rows "
                   "that were not fetched yet; execute it again",
                   st->id);
}

/* The next rows. A result that was read to its end is closed; asking again gives an empty last frame. */
static OV_CHECKED ov_status fetch(session *s, ov_av_statement *st, ov_error *err)
{
    OV_TRY(need_result(st, err));
    if (!st->cursor) {
        s->out->frame = (ov_av_frame){.offset = s->rq->offset, .done = true};
        return OV_OK;
    }
    if (ov_cursor_wire(st->cursor) != s->wire)
        return ov_fail(
            err, OV_INVALID,
            "statement %u was executed in Avatica's other wire form; fetch its rows there", st->id);
    if (s->rq->offset != ov_cursor_at(st->cursor))
        return ov_fail(
            err, OV_INVALID,
            "Query offset mismatch: fetch from row %llu, where the last frame ended, not from %llu",
            (unsigned long long)ov_cursor_at(st->cursor), (unsigned long long)s->rq->offset);
    return ov_cursor_fetch(st->cursor, frame_rows(s->rq->frame_rows), FRAME_WAIT_MS, s->a,
                           &s->out->frame, err);
}

/* ---- statements ---- */

/* Runs `verb` on the statement the request names; it is answered as missing when there is none. What was prepared before the
 * server was started again, or before its connection was idle for too long, is prepared from what the client remembers of it:
 * the driver opens a lost connection again, but gives up where a statement is lost. */
static OV_CHECKED ov_status
on_statement(session *s, ov_status (*verb)(session *, ov_av_statement *, ov_error *), ov_error *err)
{
    ov_av_statement *st;
    s->out->connection = s->rq->connection;
    s->out->statement = s->rq->statement;
    if (s->rq->kind == OV_AV_EXECUTE && s->rq->sql.n)
        OV_TRY(ov_av_statement_again(s->app->avatica, s->rq->connection, s->rq->statement, s->rq->sql, &st, err));
    else
        OV_TRY(ov_av_statement_find(s->app->avatica, s->rq->connection, s->rq->statement, &st, err));
    if (!st) {
        s->out->missing_statement = true;
        return OV_OK;
    }
    ov_mutex_lock(&st->lock);
    ov_request_flag_on_gone(s->http, &st->running.cancelled);
    ov_status result = verb(s, st, err);
    ov_request_on_gone(s->http, NULL, NULL);
    ov_mutex_unlock(&st->lock);
    ov_av_statement_release(s->app->avatica, st);
    return result;
}

/* Columns and parameters of a statement that has no values yet. */
static OV_CHECKED ov_status describe(session *s, ov_slice sql, ov_error *err)
{
    ov_sql_request rq;
    ov_query *q;
    ov_av_signature *signature;
    const ov_field *fields;
    const ov_sqltype *params;
    ov_sqltype *copy;
    OV_TRY(query_of(s, sql, &rq, err));
    rq.query.describe = true;
    OV_TRY(ov_query_open(&s->app->env, &rq.query, &q, err));
    uint32_t count = ov_query_fields(q, &fields), param_count = ov_query_params(q, &params);
    ov_status st = sign(s, sql, fields, count, &signature, err);
    if (st == OV_OK)
        st = ov_arena_alloc(s->a, (param_count + (size_t)1) * sizeof *copy, &copy, err);
    if (st == OV_OK) {
        if (param_count)
            memcpy(copy, params, param_count * sizeof *copy);
        signature->params = copy;
        signature->param_count = param_count;
        s->out->signature = signature;
    }
    ov_query_close(q);
    return st;
}

static OV_CHECKED ov_status prepare(session *s, ov_error *err)
{
    ov_av_statement *st;
    OV_TRY(describe(s, s->rq->sql, err));
    OV_TRY(ov_av_statement_create(s->app->avatica, s->rq->connection, s->rq->sql, &st, err));
    s->out->connection = s->rq->connection;
    s->out->statement = st->id;
    ov_av_statement_release(s->app->avatica, st);
    return OV_OK;
}

static OV_CHECKED ov_status create_statement(session *s, ov_error *err)
{
    ov_av_statement *st;
    OV_TRY(ov_av_statement_create(s->app->avatica, s->rq->connection, (ov_slice){"", 0}, &st, err));
    s->out->connection = s->rq->connection;
    s->out->statement = st->id;
    ov_av_statement_release(s->app->avatica, st);
    return OV_OK;
}

/* Rows about the schema: a statement that lives for one answer, all rows in its first frame. */
static OV_CHECKED ov_status metadata(session *s, ov_error *err)
{
    ov_av_statement *st;
    ov_sql_request rq;
    ov_slice sql;
    OV_TRY(ov_av_meta_sql(s->rq, s->a, &sql, err));
    OV_TRY(query_of(s, sql, &rq, err));
    OV_TRY(ov_av_statement_create(s->app->avatica, s->rq->connection, (ov_slice){"", 0}, &st, err));
    ov_mutex_lock(&st->lock);
    ov_status result = execute(s, st, &rq, UINT64_MAX, err);
    ov_mutex_unlock(&st->lock);
    s->out->own_statement = false;
    ov_av_statement_close(s->app->avatica, s->rq->connection, st->id);
    ov_av_statement_release(s->app->avatica, st);
    return result;
}

/* ---- connections ---- */

static OV_CHECKED ov_status open_connection(session *s, ov_error *err)
{
    ov_json *info;
    ov_buf text;
    if (s->rq->connection.n == 0)
        return ov_fail(err, OV_INVALID, "openConnection needs a connectionId");
    OV_TRY(ov_json_new(s->a, OV_JSON_OBJECT, &info, err));
    for (uint32_t i = 0; i < s->rq->info_count; i++) {
        const ov_av_pattern *pair = &s->rq->info[2 * i];
        ov_json *value;
        ov_slice key;
        bool who = ov_slice_eq(pair[0].text, OV_SLICE_LIT("user")) ||
                   ov_slice_eq(pair[0].text, OV_SLICE_LIT("password"));
        if (who || !pair[1].given)
            continue;
        OV_TRY(ov_arena_copy(s->a, pair[0].text, &key, err));
        OV_TRY(ov_json_new_str(s->a, pair[1].text, &value, err));
        OV_TRY(ov_json_set(s->a, info, key.p, value, err));
    }
    ov_buf_init(&text);
    ov_json_print(info, &text);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_av_store_open(s->app->avatica, s->rq->connection, ov_buf_slice(&text), err);
    ov_buf_fini(&text);
    return st;
}

static OV_CHECKED ov_status need_connection(session *s, ov_error *err)
{
    ov_slice info;
    return ov_av_store_info(s->app->avatica, s->rq->connection, s->a, &info, err);
}

static OV_CHECKED ov_status sync_results(session *s, ov_av_statement *st, ov_error *err)
{
    OV_TRY(need_result(st, err));
    s->out->more_results = st->cursor != NULL;
    return OV_OK;
}

static OV_CHECKED ov_status answer(session *s, ov_error *err)
{
    switch (s->rq->kind) {
    case OV_AV_OPEN_CONNECTION:
        return open_connection(s, err);
    case OV_AV_CLOSE_CONNECTION:
        ov_av_store_close(s->app->avatica, s->rq->connection);
        return OV_OK;
    case OV_AV_CONNECTION_SYNC:
        s->out->props = s->rq->props;
        return ov_av_store_sync(s->app->avatica, s->rq->connection, &s->out->props, s->a, err);
    case OV_AV_CREATE_STATEMENT:
        return create_statement(s, err);
    case OV_AV_CLOSE_STATEMENT:
        OV_TRY(need_connection(s, err));
        ov_av_statement_close(s->app->avatica, s->rq->connection, s->rq->statement);
        return OV_OK;
    case OV_AV_PREPARE:
        return prepare(s, err);
    case OV_AV_PREPARE_AND_EXECUTE:
        return on_statement(s, prepare_and_execute, err);
    case OV_AV_EXECUTE:
        return on_statement(s, execute_prepared, err);
    case OV_AV_FETCH:
        return on_statement(s, fetch, err);
    case OV_AV_SYNC_RESULTS:
        return on_statement(s, sync_results, err);
    case OV_AV_DATABASE_PROPERTIES:
    case OV_AV_COMMIT:
    case OV_AV_ROLLBACK:
        return need_connection(s, err);
    case OV_AV_CATALOGS:
    case OV_AV_SCHEMAS:
    case OV_AV_TABLE_TYPES:
    case OV_AV_TABLES:
    case OV_AV_COLUMNS:
    case OV_AV_TYPE_INFO:
        return metadata(s, err);
    default:
        return ov_fail(err, OV_UNSUPPORTED,
                       "batches of statements are not supported; execute them one by one");
    }
}

ov_status ov_av_answer(ov_app *app, ov_request *http, const ov_av_request *rq, ov_av_wire wire, ov_arena *a, ov_av_response *out,
                       bool *no_connection, ov_error *err)
{
    session s = {.app = app, .http = http, .rq = rq, .wire = wire, .a = a, .out = out};
    ov_error missing = OV_ERROR_INIT;
    *out = (ov_av_response){.kind = rq->kind};
    *no_connection = rq->kind != OV_AV_OPEN_CONNECTION && rq->kind != OV_AV_CLOSE_CONNECTION &&
                     need_connection(&s, &missing) == OV_NOT_FOUND;
    if (*no_connection) {
        *err = missing;
        return OV_NOT_FOUND;
    }
    return answer(&s, err);
}
