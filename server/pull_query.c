/* Rows of a statement as text: a cell that is no text is cast by asking again around it. */
#include "server/pull_query.h"

#include "base/bits.h"

typedef struct reading {
    ov_status (*row)(void *arg, const ov_slice *names, const ov_slice *cells, uint32_t n, ov_error *err);
    void *arg;
    const ov_field *fields;
    uint32_t count;
    ov_slice *names, *cells;
} reading;

static ov_status no_begin(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

static ov_status take_rows(void *self, const ov_batch *b, ov_error *err)
{
    reading *r = self;
    for (uint32_t i = 0; i < b->rows; i++) {
        if (b->sel && !ov_bits_test(b->sel, i))
            continue;
        for (uint32_t c = 0; c < r->count; c++)
            r->cells[c] = ov_vec_is_null(&b->col[c], i) ? (ov_slice){0} : ov_vec_str(&b->col[c], i);
        OV_TRY(r->row(r->arg, r->names, r->cells, r->count, err));
    }
    return OV_OK;
}

/* SELECT CAST("a" AS VARCHAR), ... FROM (the statement) */
static ov_status cast_all(const ov_query *q, ov_slice sql, ov_buf *out, ov_error *err)
{
    const ov_field *fields;
    uint32_t n = ov_query_fields(q, &fields);
    ov_buf_add_str(out, "SELECT ");
    for (uint32_t i = 0; i < n; i++) {
        if (memchr(fields[i].name.p ? fields[i].name.p : "", '"', fields[i].name.n))
            return ov_fail(err, OV_INVALID, "forEach.sql: a column's name holds a quote");
        ov_buf_addf(out, "%sCAST(\"" OV_SLICE_FMT "\" AS VARCHAR) AS \"" OV_SLICE_FMT "\"", i ? ", " : "",
                    OV_SLICE_WHOLE(fields[i].name), OV_SLICE_WHOLE(fields[i].name));
    }
    ov_buf_add_str(out, " FROM (");
    ov_buf_add_slice(out, sql);
    ov_buf_add_str(out, "\n)");
    return ov_buf_check(out, err);
}

static ov_status run_texts(ov_query *q, reading *r, ov_error *err)
{
    ov_result_sink sink = {.begin = no_begin, .rows = take_rows, .self = r};
    ov_arena a;
    ov_arena_init(&a, "parameters", NULL);
    r->count = ov_query_fields(q, &r->fields);
    ov_status st = ov_arena_zalloc(&a, (r->count + 1) * sizeof(*r->names), &r->names, err);
    if (st == OV_OK)
        st = ov_arena_zalloc(&a, (r->count + 1) * sizeof(*r->cells), &r->cells, err);
    for (uint32_t i = 0; st == OV_OK && i < r->count; i++)
        r->names[i] = r->fields[i].name;
    if (st == OV_OK)
        st = ov_query_run(q, &sink, err);
    ov_arena_fini(&a);
    return st;
}

static ov_status query(void *ctx, ov_slice sql,
                       ov_status (*row)(void *arg, const ov_slice *names, const ov_slice *cells, uint32_t n, ov_error *err),
                       void *arg, ov_error *err)
{
    ov_query *q;
    ov_buf texts;
    reading r = {.row = row, .arg = arg};
    ov_query_request rq = {.sql = sql, .outer_limit = OV_NO_LIMIT, .stringify_arrays = true};
    OV_TRY(ov_query_open(ctx, &rq, &q, err));
    ov_buf_init(&texts);
    ov_status st = cast_all(q, sql, &texts, err);
    ov_query_close(q);
    rq.sql = ov_buf_slice(&texts);
    if (st == OV_OK)
        st = ov_query_open(ctx, &rq, &q, err);
    if (st == OV_OK) {
        st = run_texts(q, &r, err);
        ov_query_close(q);
    }
    ov_buf_fini(&texts);
    if (st != OV_OK)
        ov_error_context(err, "forEach.sql");
    return st;
}

ov_pull_ops ov_pull_ops_of(ov_query_env *env)
{
    return (ov_pull_ops){.ctx = env, .query = query};
}
