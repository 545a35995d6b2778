#include "server/query/native_out.h"

#include "base/bits.h"
#include "base/json.h"
#include "base/period.h"
#include "storage/metric.h"

enum { PIECE_BYTES = 256 * 1024 };

struct ov_native_out {
    const ov_native_query *q;
    ov_native_sink sink;
    const ov_field *fields; /* of the plan */
    ov_encode_options cells;
    ov_buf *keys; /* `"name":` per column of the plan */
    bool began, any;
    uint64_t buckets; /* written */

    /* where the buckets without rows are */
    uint32_t span;
    bool in_span, has_last;
    int64_t at, last; /* the next bucket that is owed; the last one that was written */

    bool bucket_open; /* topN */
    int64_t bucket;
    uint64_t in_bucket; /* rows of the open bucket or element */
    ov_buf empty, total; /* finished `result` objects */
};

/* ---- values ---- */

static void add_time(const ov_native_out *w, int64_t ms, ov_buf *out)
{
    if (w->q->time_as_long) {
        ov_buf_add_i64(out, ms);
        return;
    }
    ov_buf_add_char(out, '"');
    ov_iso_add(out, ms, w->q->gran ? w->q->gran->zone : NULL);
    ov_buf_add_char(out, '"');
}

/* Times and truths are numbers in native answers. */
static ov_status add_value(const ov_native_out *w, uint32_t c, const ov_batch *b, uint32_t row, ov_buf *out,
                           ov_error *err)
{
    ov_field f = w->fields[c];
    if (f.sql == OV_SQL_TIMESTAMP || f.sql == OV_SQL_DATE || f.sql == OV_SQL_BOOLEAN)
        f.sql = OV_SQL_BIGINT;
    if (f.type.id == OV_TYPE_COMPLEX && f.type.complex == OV_COMPLEX_JSON && !ov_vec_is_null(&b->col[c], row)) {
        ov_buf_add_slice(out, ov_vec_str(&b->col[c], row));
        return OV_OK;
    }
    if (ov_type_is_sketch(f.type) && !ov_vec_is_null(&b->col[c], row)) {
        ov_metric_print((ov_complex_id)f.type.complex, ov_vec_str(&b->col[c], row), out);
        return ov_buf_check(out, err);
    }
    return ov_encode_cell(&w->cells, &f, &b->col[c], row, false, out, err);
}

static ov_status add_object(const ov_native_out *w, uint32_t first, const ov_batch *b, uint32_t row, int64_t time,
                            ov_buf *out, ov_error *err)
{
    ov_buf_add_char(out, '{');
    if (w->q->time_field.n) {
        ov_json_quote(out, w->q->time_field);
        ov_buf_add_char(out, ':');
        ov_buf_add_i64(out, time);
    }
    for (uint32_t c = first; c < first + w->q->columns; c++) {
        if (c > first || w->q->time_field.n)
            ov_buf_add_char(out, ',');
        ov_buf_add_slice(out, ov_buf_slice(&w->keys[c]));
        OV_TRY(add_value(w, c, b, row, out, err));
    }
    ov_buf_add_char(out, '}');
    return OV_OK;
}

static ov_status add_list(const ov_native_out *w, uint32_t first, const ov_batch *b, uint32_t row, ov_buf *out,
                          ov_error *err)
{
    for (uint32_t c = first; c < first + w->q->columns; c++) {
        if (c > first)
            ov_buf_add_char(out, ',');
        OV_TRY(add_value(w, c, b, row, out, err));
    }
    return OV_OK;
}

static void separate(bool *any, ov_buf *out)
{
    if (*any)
        ov_buf_add_char(out, ',');
    *any = true;
}

static void begin_element(ov_native_out *w, ov_buf *out)
{
    separate(w->sink.elements ? w->sink.elements : &w->any, out);
}

static void begin_answer(ov_native_out *w, ov_buf *out)
{
    if (!w->began && !w->sink.elements)
        ov_buf_add_char(out, '[');
    w->began = true;
}

void ov_native_out_text(const ov_native_sink *sink, ov_slice text)
{
    if (!sink->elements) {
        ov_buf_add_slice(sink->sheet, text);
    } else if (text.n > 2) { /* without its brackets */
        separate(sink->elements, sink->sheet);
        ov_buf_add_slice(sink->sheet, ov_slice_make(text.p + 1, text.n - 2));
    }
}

/* ---- buckets without rows ---- */

/* The next bucket that is owed, or false. Buckets in which two spans meet come once. */
static bool owed(ov_native_out *w, int64_t *ms)
{
    const ov_native_query *q = w->q;
    while (w->span < q->span_count) {
        ov_interval s = q->spans[q->descending ? q->span_count - 1 - w->span : w->span];
        if (!w->in_span) {
            w->at = ov_gran_floor(q->gran, q->descending ? s.end - 1 : s.start);
            w->in_span = true;
        }
        bool inside = q->descending ? w->at >= ov_gran_floor(q->gran, s.start) : w->at < s.end;
        bool written = w->has_last && (q->descending ? w->at >= w->last : w->at <= w->last);
        if (inside && !written) {
            *ms = w->at;
            return true;
        }
        if (!inside) {
            w->span++;
            w->in_span = false;
        } else {
            w->at = q->descending ? ov_gran_floor(q->gran, w->at - 1) : ov_gran_next(q->gran, w->at);
        }
    }
    return false;
}

static void wrote_bucket(ov_native_out *w, int64_t ms)
{
    w->has_last = true;
    w->last = ms;
    w->buckets++;
}

static bool has_all_buckets(const ov_native_out *w)
{
    return w->q->type == OV_NATIVE_TIMESERIES && w->buckets >= w->q->limit;
}

static void add_empty_bucket(ov_native_out *w, int64_t ms, ov_buf *out)
{
    begin_element(w, out);
    ov_buf_add_str(out, "{\"timestamp\":");
    add_time(w, ms, out);
    ov_buf_add_str(out, ",\"result\":");
    if (w->q->type == OV_NATIVE_TOPN) {
        ov_buf_add_str(out, "[]}");
    } else {
        ov_buf_add_char(out, '{');
        if (w->q->time_field.n) {
            ov_json_quote(out, w->q->time_field);
            ov_buf_add_char(out, ':');
            ov_buf_add_i64(out, ms);
            ov_buf_add_str(out, w->empty.n ? "," : "");
        }
        ov_buf_add_slice(out, ov_buf_slice(&w->empty));
        ov_buf_add_str(out, "}}");
    }
    wrote_bucket(w, ms);
}

/* Those before `ms`; all of them for INT64_MAX or, descending, INT64_MIN. */
static ov_status fill_to(ov_native_out *w, int64_t ms, ov_buf *out, ov_error *err)
{
    int64_t at;
    while (!has_all_buckets(w) && owed(w, &at) && (w->q->descending ? at > ms : at < ms)) {
        add_empty_bucket(w, at, out);
        if (out->n > PIECE_BYTES)
            OV_TRY(w->sink.flush(w->sink.self, err));
    }
    return OV_OK;
}

/* ---- rows by type ---- */

static ov_status timeseries_row(ov_native_out *w, const ov_batch *b, uint32_t row, ov_buf *out, ov_error *err)
{
    int64_t ms = w->q->has_time ? ov_vec_i64(&b->col[0], row) : w->q->time_ms;
    if (w->q->has_time)
        OV_TRY(fill_to(w, ms, out, err));
    if (has_all_buckets(w))
        return OV_OK;
    begin_element(w, out);
    ov_buf_add_str(out, "{\"timestamp\":");
    add_time(w, ms, out);
    ov_buf_add_str(out, ",\"result\":");
    OV_TRY(add_object(w, w->q->has_time, b, row, ms, out, err));
    ov_buf_add_char(out, '}');
    wrote_bucket(w, ms);
    return OV_OK;
}

static void close_bucket(ov_native_out *w, ov_buf *out)
{
    if (w->bucket_open)
        ov_buf_add_str(out, "]}");
    w->bucket_open = false;
}

static ov_status open_bucket(ov_native_out *w, int64_t ms, ov_buf *out, ov_error *err)
{
    close_bucket(w, out);
    if (w->q->has_time)
        OV_TRY(fill_to(w, ms, out, err));
    begin_element(w, out);
    ov_buf_add_str(out, "{\"timestamp\":");
    add_time(w, ms, out);
    ov_buf_add_str(out, ",\"result\":[");
    w->bucket_open = true;
    w->bucket = ms;
    w->in_bucket = 0;
    wrote_bucket(w, ms);
    return OV_OK;
}

/* topN and search */
static ov_status bucket_row(ov_native_out *w, const ov_batch *b, uint32_t row, ov_buf *out, ov_error *err)
{
    int64_t ms = w->q->has_time ? ov_vec_i64(&b->col[0], row) : w->q->time_ms;
    if (!w->bucket_open || w->bucket != ms)
        OV_TRY(open_bucket(w, ms, out, err));
    if (w->q->type == OV_NATIVE_TOPN && w->in_bucket == w->q->limit)
        return OV_OK;
    if (w->in_bucket++)
        ov_buf_add_char(out, ',');
    return add_object(w, w->q->has_time, b, row, ms, out, err);
}

static ov_status group_row(ov_native_out *w, const ov_batch *b, uint32_t row, ov_buf *out, ov_error *err)
{
    int64_t ms = w->q->has_time ? ov_vec_i64(&b->col[0], row) : w->q->time_ms;
    begin_element(w, out);
    if (!w->q->as_array) {
        ov_buf_add_str(out, "{\"version\":\"v1\",\"timestamp\":");
        add_time(w, ms, out);
        ov_buf_add_str(out, ",\"event\":");
        OV_TRY(add_object(w, w->q->has_time, b, row, ms, out, err));
        ov_buf_add_char(out, '}');
        return OV_OK;
    }
    ov_buf_add_char(out, '[');
    if (w->q->has_time) {
        ov_buf_add_i64(out, ms);
        ov_buf_add_str(out, w->q->columns ? "," : "");
    }
    OV_TRY(add_list(w, w->q->has_time, b, row, out, err));
    ov_buf_add_char(out, ']');
    return OV_OK;
}

/* ---- scan ---- */

static void close_events(ov_native_out *w, ov_buf *out)
{
    char type[48];
    if (!w->bucket_open)
        return;
    w->bucket_open = false;
    ov_buf_add_str(out, "],\"rowSignature\":[");
    for (uint32_t c = 0; c < w->q->columns; c++) {
        ov_type t = w->fields[c].type;
        if (t.id == OV_TYPE_ARRAY && t.multi)
            t = OV_T(t.elem);
        t.multi = 0;
        ov_buf_add_str(out, c ? ",{\"name\":" : "{\"name\":");
        ov_json_quote(out, w->fields[c].name);
        if (t.id != OV_TYPE_NULL)
            ov_buf_addf(out, ",\"type\":\"%s\"", ov_type_name(t, type));
        ov_buf_add_char(out, '}');
    }
    ov_buf_add_str(out, "]}");
}

static void open_events(ov_native_out *w, ov_buf *out)
{
    begin_element(w, out);
    ov_buf_add_str(out, "{\"segmentId\":");
    if (w->q->segment_id.n)
        ov_json_quote(out, w->q->segment_id);
    else
        ov_buf_add_str(out, "null");
    ov_buf_add_str(out, ",\"columns\":[");
    for (uint32_t c = 0; c < w->q->columns; c++) {
        ov_buf_add_str(out, c ? "," : "");
        ov_json_quote(out, w->fields[c].name);
    }
    ov_buf_add_str(out, "],\"events\":[");
    w->bucket_open = true;
    w->in_bucket = 0;
}

static ov_status scan_row(ov_native_out *w, const ov_batch *b, uint32_t row, ov_buf *out, ov_error *err)
{
    if (w->bucket_open && w->in_bucket == w->q->batch_rows)
        close_events(w, out);
    if (!w->bucket_open)
        open_events(w, out);
    if (w->in_bucket++)
        ov_buf_add_char(out, ',');
    if (w->q->scan_format == OV_NATIVE_SCAN_LIST)
        return add_object(w, 0, b, row, 0, out, err);
    ov_buf_add_char(out, '[');
    OV_TRY(add_list(w, 0, b, row, out, err));
    ov_buf_add_char(out, ']');
    return OV_OK;
}

static ov_status boundary_row(ov_native_out *w, const ov_batch *b, uint32_t row, ov_buf *out, ov_error *err)
{
    const ov_native_query *q = w->q;
    (void)err;
    if (ov_vec_is_null(&b->col[0], row))
        return OV_OK;
    int64_t min = ov_vec_i64(&b->col[0], row), max = ov_vec_i64(&b->col[1], row);
    begin_element(w, out);
    ov_buf_add_str(out, "{\"timestamp\":");
    add_time(w, q->min_time ? min : max, out);
    ov_buf_add_str(out, ",\"result\":{");
    if (q->max_time) {
        ov_buf_add_str(out, "\"maxTime\":");
        add_time(w, max, out);
    }
    if (q->min_time) {
        ov_buf_add_str(out, q->max_time ? ",\"minTime\":" : "\"minTime\":");
        add_time(w, min, out);
    }
    ov_buf_add_str(out, "}}");
    return OV_OK;
}

static ov_status one_row(ov_native_out *w, const ov_batch *b, uint32_t row, ov_buf *out, ov_error *err)
{
    switch ((ov_native_type)w->q->type) {
    case OV_NATIVE_TIMESERIES:
        return timeseries_row(w, b, row, out, err);
    case OV_NATIVE_TOPN:
    case OV_NATIVE_SEARCH:
        return bucket_row(w, b, row, out, err);
    case OV_NATIVE_GROUP_BY:
    case OV_NATIVE_WINDOW:
        return group_row(w, b, row, out, err);
    case OV_NATIVE_SCAN:
        return scan_row(w, b, row, out, err);
    case OV_NATIVE_TIME_BOUNDARY:
        return boundary_row(w, b, row, out, err);
    case OV_NATIVE_METADATA:
    case OV_NATIVE_PARTS:
    case OV_NATIVE_UNION:
        break;
    }
    return OV_OK;
}

/* ---- the whole ---- */

ov_status ov_native_out_create(const ov_native_query *query, const ov_native_sink *sink, ov_native_out **out,
                               ov_error *err)
{
    ov_native_out *w = ov_calloc(1, sizeof *w);
    uint32_t n = query->plan ? query->plan->field_count : 0;
    *out = w;
    if (!w)
        return ov_fail_nomem(err, sizeof *w);
    w->q = query;
    w->sink = *sink;
    w->fields = query->plan ? query->plan->fields : NULL;
    w->cells = (ov_encode_options){.format = OV_FORMAT_ARRAY, .lists = true};
    ov_buf_init(&w->empty);
    ov_buf_init(&w->total);
    w->keys = ov_calloc(n + (size_t)1, sizeof *w->keys);
    if (!w->keys)
        return ov_fail_nomem(err, n * sizeof *w->keys);
    for (uint32_t i = 0; i < n; i++) {
        ov_buf_init(&w->keys[i]);
        ov_json_quote(&w->keys[i], w->fields[i].name);
        ov_buf_add_char(&w->keys[i], ':');
        OV_TRY(ov_buf_check(&w->keys[i], err));
    }
    return OV_OK;
}

/* The members of a row of another plan with the same columns, without braces. */
static ov_status keep_members(ov_native_out *w, const ov_plan *plan, const ov_batch *batch, ov_buf *out, ov_error *err)
{
    const ov_field *fields = w->fields;
    for (uint32_t row = 0; row < batch->rows; row++) {
        if (batch->sel && !ov_bits_test(batch->sel, row))
            continue;
        w->fields = plan->fields;
        for (uint32_t c = 0; c < w->q->columns; c++) {
            ov_buf_add_str(out, c ? "," : "");
            ov_buf_add_slice(out, ov_buf_slice(&w->keys[c + w->q->has_time]));
            OV_TRY(add_value(w, c, batch, row, out, err));
        }
        w->fields = fields;
    }
    return ov_buf_check(out, err);
}

ov_status ov_native_out_empty(ov_native_out *w, const ov_batch *batch, ov_error *err)
{
    return keep_members(w, w->q->empty, batch, &w->empty, err);
}

ov_status ov_native_out_total(ov_native_out *w, const ov_batch *batch, ov_error *err)
{
    return keep_members(w, w->q->total, batch, &w->total, err);
}

ov_status ov_native_out_rows(ov_native_out *w, const ov_batch *batch, ov_error *err)
{
    ov_buf *out = w->sink.sheet;
    begin_answer(w, out);
    for (uint32_t row = 0; row < batch->rows && !out->failed; row++)
        if (!batch->sel || ov_bits_test(batch->sel, row))
            OV_TRY(one_row(w, batch, row, out, err));
    return ov_buf_check(out, err);
}

/* All values NULL where no bucket was shown. */
static void add_total(ov_native_out *w, ov_buf *out)
{
    bool nothing = w->buckets == 0;
    begin_element(w, out);
    ov_buf_add_str(out, "{\"timestamp\":null,\"result\":{");
    if (w->q->time_field.n) {
        ov_json_quote(out, w->q->time_field);
        ov_buf_add_str(out, w->q->columns ? ":null," : ":null");
    }
    for (uint32_t c = 0; nothing && c < w->q->columns; c++) {
        ov_buf_add_str(out, c ? "," : "");
        ov_buf_add_slice(out, ov_buf_slice(&w->keys[c + w->q->has_time]));
        ov_buf_add_str(out, "null");
    }
    if (!nothing)
        ov_buf_add_slice(out, ov_buf_slice(&w->total));
    ov_buf_add_str(out, "}}");
}

ov_status ov_native_out_end(ov_native_out *w, ov_error *err)
{
    const ov_native_query *q = w->q;
    ov_buf *out = w->sink.sheet;
    bool buckets = q->type == OV_NATIVE_TOPN || q->type == OV_NATIVE_SEARCH;
    begin_answer(w, out);
    if (buckets) {
        if (!q->has_time && !q->hide_time && !w->bucket_open)
            OV_TRY(open_bucket(w, q->time_ms, out, err));
        close_bucket(w, out);
    }
    if (q->type == OV_NATIVE_SCAN)
        close_events(w, out);
    if (q->has_time)
        OV_TRY(fill_to(w, q->descending ? INT64_MIN : INT64_MAX, out, err));
    if (q->total)
        add_total(w, out);
    if (!w->sink.elements)
        ov_buf_add_char(out, ']');
    return ov_buf_check(out, err);
}

void ov_native_out_destroy(ov_native_out *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; w->keys && w->q->plan && i < w->q->plan->field_count; i++)
        ov_buf_fini(&w->keys[i]);
    ov_free(w->keys);
    ov_buf_fini(&w->empty);
    ov_buf_fini(&w->total);
    ov_free(w);
}
