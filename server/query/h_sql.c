/*
 * POST /druid/v2/sql and its neighbours: one statement in, a streamed result out.
 */
#include "base/jsonw.h"
#include "base/log.h"
#include "base/os.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/query/answered.h"
#include "server/query/error_row.h"
#include "server/query/result_cache.h"
#include "server/query/sql_request.h"
#include "server/reply.h"

enum {
    FIRST_PIECE_BYTES = 128 * 1024, /* an error before so much is written is still a clean error */
    PIECE_BYTES = 256 * 1024,
};

/* Where the rows of one query go. */
typedef struct sql_answer {
    ov_request *rq;
    ov_query *query;
    const ov_sql_request *in;
    const ov_tz *tz;
    ov_budget *budget;
    ov_encoder *encoder;
    ov_buf out;
    size_t flush_at;
    size_t whole; /* bytes of out that end behind a row */
    ov_error_row error_row;
} sql_answer;

static ov_status answer_full(void *self, ov_error *err)
{
    sql_answer *a = self;
    a->flush_at = PIECE_BYTES;
    a->whole = a->out.n;
    OV_TRY(ov_query_still_alive(a->query, err)); /* rows may be long, and a batch has thousands */
    ov_error_row_see(&a->error_row, ov_buf_slice(&a->out));
    a->whole = 0;
    OV_TRY(ov_respond_write(a->rq, &a->out, err));
    ov_buf_reserve(&a->out, PIECE_BYTES + PIECE_BYTES / 4); /* there is more to come: no growing by steps */
    return ov_buf_check(&a->out, err);
}

static ov_status answer_begin(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    sql_answer *a = self;
    ov_encode_options options = {
        .format = a->in->format,
        .header = a->in->header,
        .types_header = a->in->types_header,
        .sql_types_header = a->in->sql_types_header,
        .stringify_arrays = a->in->query.stringify_arrays,
        .tz = a->tz,
        .budget = a->budget,
        .full = answer_full,
        .full_self = a,
        .full_bytes = PIECE_BYTES,
    };
    OV_TRY(ov_encoder_create(&options, fields, count, &a->encoder, err));
    ov_encode_begin(a->encoder, &a->out);
    ov_respond_begin(a->rq, 200, "application/json");
    return ov_buf_check(&a->out, err);
}

static ov_status answer_rows(void *self, const ov_batch *batch, ov_error *err)
{
    sql_answer *a = self;
    OV_TRY(ov_encode_rows(a->encoder, batch, &a->out, err));
    a->whole = a->out.n;
    return a->out.n < a->flush_at ? OV_OK : answer_full(a, err);
}

/* The rest of an answer that fails, its error as the last row. False: it can only be cut. */
static bool end_with_error(sql_answer *a, const ov_error *why)
{
    ov_error err = OV_ERROR_INIT;
    if (a->in->format == OV_FORMAT_CSV)
        return false;
    bool ends = ov_error_row_end(&a->error_row, OV_ERROR_SQL, a->in->query.sql, why, a->whole, &a->out);
    if (ends && a->in->format <= OV_FORMAT_ARRAY)
        ov_buf_add_char(&a->out, '\n');
    return ends && ov_buf_check(&a->out, &err) == OV_OK && ov_respond_write(a->rq, &a->out, &err) == OV_OK;
}

static void set_headers(ov_request *rq, const ov_sql_request *in, ov_slice id, bool ok)
{
    ov_respond_header(rq, "X-Druid-SQL-Query-Id", id);
    ov_respond_header(rq, "X-Druid-Query-Id", id);
    if (in->header)
        ov_respond_header(rq, "X-Druid-SQL-Header-Included", OV_SLICE_LIT("yes"));
    if (ok)
        ov_respond_header(rq, "X-Druid-Response-Context", OV_SLICE_LIT("{}"));
}

static ov_status run_into(ov_query *q, void *sink, ov_error *err)
{
    return ov_query_run(q, sink, err);
}

/* Run an opened query to its end; the answer is complete or cut when this returns. */
static ov_status run_query(ov_app *app, ov_request *rq, const ov_sql_request *in, ov_query *q, ov_result_use *use,
                           ov_error *err)
{
    sql_answer a = {.rq = rq, .in = in, .query = q, .tz = ov_query_tz(q), .budget = ov_query_budget(q), .flush_at = FIRST_PIECE_BYTES};
    ov_buf_init(&a.out);
    ov_error_row_init(&a.error_row, in->context);
    ov_result_sink sink = {.begin = answer_begin, .rows = answer_rows, .self = &a};
    ov_status st = ov_answer_in_turn(app, rq, q, in->priority, in->query.cancel, run_into, &sink, err);
    if (st == OV_OK) {
        ov_encode_end(a.encoder, &a.out);
        if (a.flush_at == FIRST_PIECE_BYTES && !a.out.failed) /* nothing of it was sent before */
            ov_result_use_keep(use, q, ov_buf_slice(&a.out));
        st = ov_respond_write(rq, &a.out, err);
    }
    if (st == OV_BUSY)
        ov_respond_header(rq, "Retry-After", OV_SLICE_LIT("1"));
    if (st == OV_OK)
        ov_respond_end(rq);
    else if (ov_respond_retract(rq))
        ov_respond_error(rq, OV_ERROR_SQL, in->query.sql, err);
    else if (end_with_error(&a, err))
        ov_respond_end(rq);
    else
        ov_respond_abort(rq);
    ov_encoder_destroy(a.encoder);
    ov_buf_fini(&a.out);
    return st;
}

/* What the bytes of an answer are made from, beside the data. */
static void begin_use(ov_result_use *use, ov_app *app, const ov_sql_request *in)
{
    const char form[] = {(char)in->format, in->header, in->types_header, in->sql_types_header};
    ov_buf params;
    ov_result_use_begin(use, app, 's', in->context);
    ov_result_use_add(use, in->query.sql);
    ov_result_use_add(use, ov_slice_make(form, sizeof form));
    ov_buf_init(&params);
    if (in->parameters)
        ov_json_print(in->parameters, &params);
    if (params.failed)
        use->reads = use->keeps = false;
    ov_result_use_add(use, ov_buf_slice(&params));
    ov_buf_fini(&params);
    ov_result_use_add_context(use, in->context);
}

/* True: the answer was kept and is sent. */
static bool answer_kept(ov_app *app, ov_request *rq, const ov_sql_request *in, ov_result_use *use, int64_t t0)
{
    ov_error none = OV_ERROR_INIT;
    ov_blob *body = ov_result_use_find(use);
    if (!body)
        return false;
    set_headers(rq, in, in->query.query_id, true);
    ov_respond(rq, 200, "application/json", ov_slice_make(body->p, body->n));
    ov_blob_release(body);
    ov_answered(app, rq, NULL, OV_OK, &none, t0);
    return true;
}

/* A request that was read, to the end of its answer. quick: only when that takes no time, else nothing and false. */
static bool answer(ov_app *app, ov_request *rq, ov_sql_request *in, bool quick, int64_t t0)
{
    ov_error err = OV_ERROR_INIT;
    char uuid[OV_UUID_BYTES];
    if (in->query.query_id.n == 0) {
        ov_uuid_make(uuid);
        in->query.query_id = ov_slice_cstr(uuid);
    }
    ov_log_scope scope = ov_log_scope_set("query", in->query.query_id);
    ov_result_use use;
    begin_use(&use, app, in);
    if (answer_kept(app, rq, in, &use, t0)) {
        ov_result_use_end(&use);
        ov_log_scope_restore(&scope);
        return true;
    }
    ov_query *q = NULL;
    ov_running_entry entry = {.id = in->query.query_id, .started_ms = ov_now_ms(), .sql = in->query.sql};
    in->query.cancel = &entry.cancelled;
    ov_answer_begin(app, rq, &entry);
    ov_status st = quick ? ov_query_open_quick(&app->env, &in->query, &q, &err) : ov_query_open(&app->env, &in->query, &q, &err);
    bool answers = q || !quick;
    if (quick && answers)
        atomic_fetch_add_explicit(&app->metrics.quick, 1, memory_order_relaxed);
    if (answers)
        set_headers(rq, in, in->query.query_id, st == OV_OK);
    if (st == OV_OK && q)
        st = run_query(app, rq, in, q, &use, &err);
    else if (answers)
        ov_respond_error(rq, OV_ERROR_SQL, in->query.sql, &err);
    ov_answer_end(app, rq, &entry);
    if (answers)
        ov_answered(app, rq, q, st, &err, t0);
    ov_query_close(q);
    ov_result_use_end(&use);
    ov_log_scope_restore(&scope);
    return answers;
}

void ov_h_sql(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    int64_t t0 = ov_monotonic_ns();
    ov_error err = OV_ERROR_INIT;
    ov_sql_request in;
    int refusal = ov_sql_request_media(rq);
    if (refusal) {
        ov_respond(rq, refusal, NULL, (ov_slice){NULL, 0});
        return;
    }
    if (ov_sql_request_read(rq, &in, &err) != OV_OK) {
        ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
        ov_answered(app, rq, NULL, err.code, &err, t0);
        return;
    }
    (void)answer(app, rq, &in, false, t0);
}

bool ov_h_sql_quick(ov_app *app, ov_request *rq)
{
    enum { LONGEST = 16 << 10 }; /* reading the body counts too */
    int64_t t0 = ov_monotonic_ns();
    ov_error err = OV_ERROR_INIT;
    ov_sql_request in;
    return ov_request_body(rq).n <= LONGEST && ov_sql_request_media(rq) == 0 && ov_sql_request_read(rq, &in, &err) == OV_OK &&
           answer(app, rq, &in, true, t0);
}

void ov_h_sql_cancel(ov_app *app, ov_request *rq, const ov_captures *at)
{
    bool found = ov_running_cancel(app->running, at->s[0]) > 0;
    ov_respond(rq, found ? 202 : 404, found ? "application/json" : NULL, (ov_slice){NULL, 0});
}

void ov_h_sql_engines(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ov_respond(rq, 200, "application/json", OV_SLICE_LIT("{\"engines\":[{\"name\":\"native\"},{\"name\":\"msq-task\"}]}"));
}

static void add_running(void *self, const ov_running_entry *entry)
{
    ov_jsonw *w = self;
    if (entry->sql.n == 0)
        return;
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "sqlQueryId", entry->id);
    ov_jsonw_cstr(w, "engine", "native");
    ov_jsonw_cstr(w, "state", "RUNNING");
    ov_jsonw_time(w, "startTime", entry->started_ms);
    ov_jsonw_str(w, "sql", entry->sql);
    ov_jsonw_close_object(w);
}

/* The statements that run now. */
void ov_h_sql_queries(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_open_array(w, "queries");
    ov_running_each(app->running, add_running, w);
    ov_jsonw_close_array(w);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}
