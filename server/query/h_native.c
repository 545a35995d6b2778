/*
 * POST /druid/v2: one native JSON query in, a streamed result out; DELETE /druid/v2/{id}.
 */
#include <stdio.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/os.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/query/answered.h"
#include "server/query/error_row.h"
#include "server/query/native_out.h"
#include "server/query/result_cache.h"
#include "server/query/sql_request.h"

enum {
    DEFAULT_TIMEOUT_MS = 300 * 1000, /* Druid's */
    FIRST_PIECE_BYTES = 128 * 1024,  /* an error before so much is written is still a clean error */
    PIECE_BYTES = 256 * 1024,
    MAX_DEPTH = 400, /* of a query's JSON */
};

typedef struct native_answer {
    ov_request *rq;
    ov_query *query;
    ov_native_sink sink;
    ov_native_out *writer; /* of the query that runs; NULL between them */
    bool pretty;
    ov_pretty spaces;
    ov_buf plain, out; /* plain: what pretty has not seen yet */
    size_t flush_at;
    size_t whole; /* bytes of the sheet that end behind a row */
    ov_error_row error_row;
    bool begun;
    bool elements; /* of a union: there are some */
} native_answer;

/* ---- the request ---- */

typedef struct native_request {
    const ov_json *query;
    ov_slice id;
    int64_t timeout_ms, priority, memory_bytes; /* 0: no limit of its own */
} native_request;

/* Milliseconds, as a number or a text that holds one. */
static ov_status read_timeout(const ov_json *context, int64_t *out, ov_error *err)
{
    const ov_json *v = ov_json_find(context, "timeout");
    *out = DEFAULT_TIMEOUT_MS;
    if (!v || (ov_json_as_i64(v, out, err) == OV_OK && *out >= 0))
        return OV_OK;
    (void)ov_json_fail(v, err, OV_INVALID, "expected milliseconds, 0 or more");
    memcpy(err->code_hint, "Query context parse failed", sizeof "Query context parse failed");
    return OV_INVALID;
}

static ov_status read_request(ov_request *rq, native_request *in, ov_error *err)
{
    ov_slice body = ov_request_body(rq);
    ov_json_limits limits = {.max_depth = MAX_DEPTH, .lenient = true};
    ov_json *query;
    if (ov_slice_starts(body, OV_SLICE_LIT("\xEF\xBB\xBF"))) {
        body.p += 3;
        body.n -= 3;
    }
    OV_TRY(ov_json_parse(body, &limits, ov_request_arena(rq), &query, err));
    OV_TRY(ov_json_expect(query, OV_JSON_OBJECT, err));
    const ov_json *context;
    OV_TRY(ov_json_obj(query, "context", &context, err));
    in->query = query;
    OV_TRY(ov_json_str(context, "queryId", (ov_slice){"", 0}, &in->id, err));
    const ov_json *priority = ov_json_find(context, "priority");
    in->priority = 0;
    if (priority)
        OV_TRY(ov_json_as_i64(priority, &in->priority, err));
    OV_TRY(ov_json_i64_in(context, "maxMemoryBytes", 0, 0, INT64_MAX, &in->memory_bytes, err));
    return read_timeout(context, &in->timeout_ms, err);
}

/* ---- the answer ---- */

static ov_status flush(native_answer *a, bool all, ov_error *err)
{
    if (!a->begun)
        ov_respond_begin(a->rq, 200, "application/json");
    a->begun = true;
    if (a->pretty) {
        OV_TRY(ov_buf_check(&a->plain, err));
        ov_error_row_see(&a->error_row, ov_buf_slice(&a->plain));
        ov_pretty_add(&a->spaces, ov_buf_slice(&a->plain), &a->out);
        ov_buf_clear(&a->plain);
    }
    OV_TRY(ov_buf_check(&a->out, err));
    a->whole = a->sink.sheet->n;
    if (!all && a->out.n < a->flush_at)
        return OV_OK;
    a->flush_at = PIECE_BYTES;
    a->whole = 0;
    if (!a->pretty)
        ov_error_row_see(&a->error_row, ov_buf_slice(&a->out));
    return ov_respond_write(a->rq, &a->out, err);
}

/* The rest of an answer that fails, its error as the last element. False: it can only be cut. */
static bool end_with_error(native_answer *a, const ov_error *why)
{
    ov_error err = OV_ERROR_INIT;
    ov_buf *sheet = a->sink.sheet;
    if (a->out.failed)
        return false;
    bool ends = ov_error_row_end(&a->error_row, OV_ERROR_NATIVE, (ov_slice){NULL, 0}, why, a->whole, sheet);
    if (ends && a->pretty)
        ov_pretty_add(&a->spaces, ov_buf_slice(sheet), &a->out);
    return ends && ov_buf_check(&a->out, &err) == OV_OK && ov_respond_write(a->rq, &a->out, &err) == OV_OK;
}

static bool wants_pretty(ov_request *rq)
{
    bool pretty;
    (void)ov_request_param(rq, "pretty", &pretty);
    return pretty;
}

/* The last bytes. An answer that was not sent in part may be kept. */
static ov_status finish(native_answer *a, ov_result_use *use, ov_error *err)
{
    bool whole = a->flush_at == FIRST_PIECE_BYTES;
    a->flush_at = SIZE_MAX;
    OV_TRY(flush(a, false, err));
    if (whole)
        ov_result_use_keep(use, a->query, ov_buf_slice(&a->out));
    return flush(a, true, err);
}

static ov_status flush_some(void *self, ov_error *err)
{
    native_answer *a = self;
    OV_TRY(ov_query_still_alive(a->query, err));
    return flush(a, false, err);
}

static ov_status no_fields(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

static ov_status take_rows(void *self, const ov_batch *batch, ov_error *err)
{
    native_answer *a = self;
    OV_TRY(ov_native_out_rows(a->writer, batch, err));
    return flush(a, false, err);
}

static ov_status take_empty(void *self, const ov_batch *batch, ov_error *err)
{
    return ov_native_out_empty(((native_answer *)self)->writer, batch, err);
}

static ov_status take_total(void *self, const ov_batch *batch, ov_error *err)
{
    return ov_native_out_total(((native_answer *)self)->writer, batch, err);
}

/* One query's answer: its plans' rows through the writer. */
static ov_status run_one(native_answer *a, const ov_native_query *native, ov_error *err)
{
    ov_query *q = a->query;
    ov_result_sink rows = {no_fields, take_rows, a}, empty = {no_fields, take_empty, a}, total = {no_fields, take_total, a};
    if (native->type == OV_NATIVE_METADATA) {
        ov_native_out_text(&a->sink, native->text);
        return OV_OK;
    }
    OV_TRY(ov_native_out_create(native, &a->sink, &a->writer, err));
    if (native->empty)
        OV_TRY(ov_query_run_part(q, native->empty, &empty, err));
    if (native->total)
        OV_TRY(ov_query_run_part(q, native->total, &total, err));
    OV_TRY(ov_query_run_part(q, native->plan, &rows, err));
    OV_TRY(ov_native_out_end(a->writer, err));
    ov_native_out_destroy(a->writer);
    a->writer = NULL;
    return OV_OK;
}

/* bySegment: an element for each. */
static ov_status run_parts(native_answer *a, const ov_native_query *native, ov_error *err)
{
    ov_buf *out = a->sink.sheet;
    ov_buf_add_char(out, '[');
    for (uint32_t i = 0; i < native->part_count; i++) {
        const ov_native_part *part = &native->parts[i];
        ov_buf_add_str(out, i ? ",{\"timestamp\":\"" : "{\"timestamp\":\"");
        ov_iso_add(out, part->time_ms, NULL);
        ov_buf_add_str(out, "\",\"result\":{\"results\":");
        OV_TRY(run_one(a, &part->query, err));
        ov_buf_add_str(out, ",\"segment\":");
        ov_json_quote(out, part->segment);
        ov_buf_add_str(out, ",\"interval\":\"");
        ov_interval_add(out, part->interval);
        ov_buf_add_str(out, "\"}}");
        OV_TRY(flush_some(a, err));
    }
    ov_buf_add_char(out, ']');
    return OV_OK;
}

/* All elements in one list. */
static ov_status run_union(native_answer *a, const ov_native_query *native, ov_error *err)
{
    ov_buf_add_char(a->sink.sheet, '[');
    a->sink.elements = &a->elements;
    for (uint32_t i = 0; i < native->part_count; i++) {
        OV_TRY(run_one(a, &native->parts[i].query, err));
        OV_TRY(flush_some(a, err));
    }
    ov_buf_add_char(a->sink.sheet, ']');
    return OV_OK;
}

static ov_status run_all(ov_query *q, void *self, ov_error *err)
{
    const ov_native_query *native = ov_query_native(q);
    if (native->type == OV_NATIVE_PARTS)
        return run_parts(self, native, err);
    return native->type == OV_NATIVE_UNION ? run_union(self, native, err) : run_one(self, native, err);
}

static ov_status run_query(ov_app *app, ov_request *rq, const native_request *in, const _Atomic bool *cancelled,
                           ov_query *q, ov_result_use *use, ov_error *err)
{
    native_answer a = {.rq = rq, .query = q, .flush_at = FIRST_PIECE_BYTES};
    a.pretty = wants_pretty(rq);
    ov_buf_init(&a.plain);
    ov_buf_init(&a.out);
    ov_error_row_init(&a.error_row, ov_json_find(in->query, "context"));
    a.sink = (ov_native_sink){.sheet = a.pretty ? &a.plain : &a.out, .flush = flush_some, .self = &a};
    ov_status st = ov_answer_in_turn(app, rq, q, in->priority, cancelled, run_all, &a, err);
    if (st == OV_BUSY)
        ov_respond_header(rq, "Retry-After", OV_SLICE_LIT("1"));
    if (st == OV_OK)
        st = finish(&a, use, err);
    if (st == OV_OK)
        ov_respond_end(rq);
    else if (!a.begun || ov_respond_retract(rq))
        ov_respond_error(rq, OV_ERROR_NATIVE, (ov_slice){NULL, 0}, err);
    else if (end_with_error(&a, err))
        ov_respond_end(rq);
    else
        ov_respond_abort(rq);
    ov_native_out_destroy(a.writer);
    ov_buf_fini(&a.plain);
    ov_buf_fini(&a.out);
    return st;
}

/* One of the listed tags is this one; whether they are weak does not matter here. */
static bool lists_tag(ov_slice header, ov_slice tag)
{
    for (size_t i = 0; i + tag.n <= header.n; i++)
        if (memcmp(header.p + i, tag.p, tag.n) == 0)
            return true;
    return false;
}

/* The same query over the same data gives the same bytes: what was asked, what catalog and lookups hold. Compressed ones are others, pretty ones too. */
static bool matches_etag(ov_app *app, ov_request *rq, ov_result_use *use)
{
    char text[64];
    ov_buf state;
    ov_buf_init(&state);
    ov_result_use_state(use, app, &state);
    ov_slice body = ov_request_body(rq);
    int n = snprintf(text, sizeof text, "\"%s%016llx-%016llx", wants_pretty(rq) ? "p-" : "",
                     (unsigned long long)ov_checksum(body.p, body.n), (unsigned long long)ov_checksum(state.p, state.n));
    ov_buf_fini(&state);
    ov_slice tag = ov_slice_make(text, (size_t)n); /* up to where the forms of one answer part */
    const char *rest = ov_request_takes_gzip(rq) ? "--gzip\"" : "\"";
    ov_slice whole = ov_slice_make(text, (size_t)(n + snprintf(text + n, sizeof text - (size_t)n, "%s", rest)));
    ov_respond_header(rq, "ETag", whole);
    bool found;
    ov_slice given = ov_http_header_get(ov_request_head(rq), "If-None-Match", &found);
    return found && lists_tag(given, tag);
}

/* What the bytes of an answer are made from, beside the data. */
static void begin_use(ov_result_use *use, ov_app *app, ov_request *rq, const ov_json *query)
{
    const ov_json *context = ov_json_find(query, "context");
    ov_buf member;
    ov_buf_init(&member);
    ov_result_use_begin(use, app, wants_pretty(rq) ? 'p' : 'n', context);
    for (const ov_json *v = query->first; v && (use->reads || use->keeps); v = v->next) {
        if (v == context)
            continue;
        ov_buf_clear(&member);
        ov_json_print(v, &member);
        ov_result_use_add(use, v->key);
        ov_result_use_add(use, ov_buf_slice(&member));
        if (member.failed)
            use->reads = use->keeps = false;
    }
    ov_buf_fini(&member);
    ov_result_use_add_context(use, context);
}

/* True: the answer was kept and is sent. */
static bool answer_kept(ov_app *app, ov_request *rq, ov_result_use *use, int64_t t0)
{
    ov_error none = OV_ERROR_INIT;
    ov_blob *body = ov_result_use_find(use);
    if (!body)
        return false;
    ov_respond_header(rq, "X-Druid-Response-Context", OV_SLICE_LIT("{}"));
    if (matches_etag(app, rq, use))
        ov_respond(rq, 304, NULL, (ov_slice){NULL, 0});
    else
        ov_respond(rq, 200, "application/json", ov_slice_make(body->p, body->n));
    ov_blob_release(body);
    ov_answered(app, rq, NULL, OV_OK, &none, t0);
    return true;
}

void ov_h_native(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    int64_t t0 = ov_monotonic_ns();
    ov_error err = OV_ERROR_INIT;
    native_request in;
    char uuid[OV_UUID_BYTES];
    int refusal = ov_sql_request_media(rq);
    if (refusal) {
        ov_respond(rq, refusal, NULL, (ov_slice){NULL, 0});
        return;
    }
    ov_status st = read_request(rq, &in, &err);
    if (st != OV_OK) {
        ov_respond_error(rq, err.code_hint[0] ? OV_ERROR_NATIVE : OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
        ov_answered(app, rq, NULL, st, &err, t0);
        return;
    }
    if (in.id.n == 0) {
        ov_uuid_make(uuid);
        in.id = ov_slice_cstr(uuid);
    }
    ov_respond_header(rq, "X-Druid-Query-Id", in.id);
    ov_log_scope scope = ov_log_scope_set("query", in.id);
    ov_result_use use;
    begin_use(&use, app, rq, in.query);
    if (answer_kept(app, rq, &use, t0)) {
        ov_result_use_end(&use);
        ov_log_scope_restore(&scope);
        return;
    }
    ov_query *q = NULL;
    ov_running_entry entry = {.id = in.id, .started_ms = ov_now_ms()};
    ov_query_request ask = {.native = in.query, .query_id = in.id, .timeout_ms = in.timeout_ms,
                            .memory_bytes = (uint64_t)in.memory_bytes, .cancel = &entry.cancelled};
    ov_answer_begin(app, rq, &entry);
    st = ov_query_open(&app->env, &ask, &q, &err);
    if (st != OV_OK) {
        ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
    } else {
        ov_respond_header(rq, "X-Druid-Response-Context", OV_SLICE_LIT("{}"));
        if (matches_etag(app, rq, &use))
            ov_respond(rq, 304, NULL, (ov_slice){NULL, 0});
        else
            st = run_query(app, rq, &in, &entry.cancelled, q, &use, &err);
    }
    ov_answer_end(app, rq, &entry);
    ov_answered(app, rq, q, st, &err, t0);
    ov_query_close(q);
    ov_result_use_end(&use);
    ov_log_scope_restore(&scope);
}

void ov_h_native_cancel(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_running_cancel(app->running, at->s[0]);
    ov_respond(rq, 202, NULL, (ov_slice){NULL, 0});
}
