/*
 * POST /druid/v2/sql and its neighbours: one statement in, a streamed result out.
 */
#include "base/jsonw.h"
#include "base/log.h"
#include "base/os.h"
#include "server/error_http.h"
#include "server/handlers.h"
#include "server/sql_request.h"

enum {
    FIRST_PIECE_BYTES = 128 * 1024, /* an error before so much is written is still a clean error */
    PIECE_BYTES = 256 * 1024,
};

/* Where the rows of one query go. */
typedef struct sql_answer {
    ov_request *rq;
    const ov_sql_request *in;
    const ov_tz *tz;
    ov_encoder *encoder;
    ov_buf out;
    size_t flush_at;
} sql_answer;

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
    if (a->out.n < a->flush_at)
        return OV_OK;
    a->flush_at = PIECE_BYTES;
    return ov_respond_write(a->rq, &a->out, err);
}

static void cancel(void *flag)
{
    _Atomic bool *cancelled = flag;
    atomic_store(cancelled, true);
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

static ov_outcome outcome_of(ov_status st)
{
    switch (st) {
    case OV_OK:
        return OV_OUTCOME_OK;
    case OV_INVALID:
    case OV_NOT_FOUND:
    case OV_UNSUPPORTED:
    case OV_LIMIT:
    case OV_BUSY:
        return OV_OUTCOME_REFUSED;
    case OV_CANCELLED:
    case OV_TIMEOUT:
        return OV_OUTCOME_CANCELLED;
    default:
        return OV_OUTCOME_FAILED;
    }
}

static void add_stats(ov_metrics *m, const ov_exec_stats *s)
{
    atomic_fetch_add(&m->rows_scanned, atomic_load(&s->rows_scanned));
    atomic_fetch_add(&m->blocks_scanned, atomic_load(&s->blocks_scanned));
    atomic_fetch_add(&m->blocks_skipped, atomic_load(&s->blocks_skipped));
    atomic_fetch_add(&m->segments_pruned, atomic_load(&s->segments_pruned));
    atomic_fetch_add(&m->spilled_bytes, atomic_load(&s->spilled_bytes));
    atomic_fetch_add(&m->segments_indexed, atomic_load(&s->segments_indexed));
}

/* Runs when there is a place for it; small queries need none. */
static ov_status run_in_turn(ov_app *app, ov_query *q, const ov_sql_request *in, const ov_result_sink *sink,
                             ov_error *err)
{
    ov_admission_request place = {
        .priority = in->priority, .deadline_ms = ov_query_deadline(q), .cancelled = in->query.cancel};
    bool large = ov_query_rows(q) > OV_ADMISSION_SMALL_ROWS;
    if (large)
        OV_TRY(ov_admission_enter(app->admission, &place, err));
    ov_status st = ov_query_run(q, sink, err);
    if (large)
        ov_admission_leave(app->admission);
    return st;
}

/* Run an opened query to its end; the answer is complete or cut when this returns. */
static ov_status run_query(ov_app *app, ov_request *rq, const ov_sql_request *in, ov_query *q,
                           ov_error *err)
{
    sql_answer a = {.rq = rq, .in = in, .tz = ov_query_tz(q), .flush_at = FIRST_PIECE_BYTES};
    ov_buf_init(&a.out);
    ov_result_sink sink = {.begin = answer_begin, .rows = answer_rows, .self = &a};
    ov_status st = run_in_turn(app, q, in, &sink, err);
    if (st == OV_OK) {
        ov_encode_end(a.encoder, &a.out);
        st = ov_respond_write(rq, &a.out, err);
    }
    if (st == OV_BUSY)
        ov_respond_header(rq, "Retry-After", OV_SLICE_LIT("1"));
    if (st == OV_OK)
        ov_respond_end(rq);
    else if (ov_respond_retract(rq))
        ov_respond_error(rq, OV_ERROR_SQL, in->query.sql, err);
    else
        ov_respond_abort(rq);
    ov_encoder_destroy(a.encoder);
    ov_buf_fini(&a.out);
    return st;
}

static void log_query(ov_status st, const ov_error *err, const ov_request *rq, int64_t micros)
{
    if (st == OV_OK)
        ov_log_debug("query", ov_kv_f64("ms", (double)micros / 1000),
                     ov_kv_i64("bytes", (int64_t)ov_request_bytes_sent(rq)));
    else if (outcome_of(st) == OV_OUTCOME_FAILED)
        ov_log_error("query failed", ov_kv_str("status", ov_status_name(st)), ov_kv_err(err),
                     ov_kv_f64("ms", (double)micros / 1000));
    else
        ov_log_info("query not answered", ov_kv_str("status", ov_status_name(st)), ov_kv_err(err),
                    ov_kv_f64("ms", (double)micros / 1000));
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
        ov_metrics_query(&app->metrics, OV_OUTCOME_REFUSED, (ov_monotonic_ns() - t0) / 1000);
        return;
    }
    char uuid[OV_UUID_BYTES];
    if (in.query.query_id.n == 0) {
        ov_uuid_make(uuid);
        in.query.query_id = ov_slice_cstr(uuid);
    }
    ov_log_scope scope = ov_log_scope_set("query", in.query.query_id);
    ov_query *q = NULL;
    ov_running_entry entry = {.id = in.query.query_id, .started_ms = ov_now_ms()};
    in.query.cancel = &entry.cancelled;
    ov_running_add(app->running, &entry);
    ov_request_on_gone(rq, cancel, &entry.cancelled);
    ov_status st = ov_query_open(&app->env, &in.query, &q, &err);
    set_headers(rq, &in, in.query.query_id, st == OV_OK);
    if (st != OV_OK) {
        ov_respond_error(rq, OV_ERROR_SQL, in.query.sql, &err);
    } else {
        st = run_query(app, rq, &in, q, &err);
        add_stats(&app->metrics, ov_query_stats(q));
        ov_query_close(q);
    }
    ov_request_on_gone(rq, NULL, NULL);
    ov_running_remove(app->running, &entry);
    int64_t micros = (ov_monotonic_ns() - t0) / 1000;
    ov_metrics_query(&app->metrics, outcome_of(st), micros);
    log_query(st, &err, rq, micros);
    ov_log_scope_restore(&scope);
}

void ov_h_sql_cancel(ov_app *app, ov_request *rq, const ov_captures *at)
{
    bool found = ov_running_cancel(app->running, at->s[0]) > 0;
    ov_respond(rq, found ? 202 : 404, found ? "application/json" : NULL, (ov_slice){NULL, 0});
}

void ov_h_sql_engines(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ov_respond(rq, 200, "application/json", OV_SLICE_LIT("{\"engines\":[{\"name\":\"native\"}]}"));
}

void ov_h_native(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_fail(
        &err, OV_UNSUPPORTED,
        "Native JSON queries are not answered by this version; send SQL to /druid/v2/sql instead.");
    ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
}

void ov_h_native_cancel(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_running_cancel(app->running, at->s[0]);
    ov_respond(rq, 202, NULL, (ov_slice){NULL, 0});
}
