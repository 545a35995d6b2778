/*
 * timeseries and topN.
 */
#include "query/native/native_plan_int.h"
#include "query/subquery.h"

enum { MOST_NESTED_BUCKETS = 100000 };

/* ---- timeseries ---- */

/* The condition that keeps the rows of the buckets that a limit leaves; *none: no bucket is left. */
static ov_status shown_rows(ovi_nplanner *p, ovi_ninput *in, const ov_native_query *q, const ov_expr *time,
                            int64_t last, const ov_expr **out, ov_error *err)
{
    const ov_expr *sides[2] = {time, NULL};
    int64_t bound = q->descending ? last : ov_gran_next(q->gran, last);
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_TIMESTAMP, bound, &sides[1], err));
    (void)in;
    return ovi_ncall(p, NULL, q->descending ? ">=" : "<", sides, 2, out, err);
}

/* The start of the last of `limit` buckets of the spans; false when there are not so many. */
static bool last_of_spans(const ov_native_query *q, int64_t *out)
{
    uint64_t left = q->limit;
    bool any = false;
    int64_t before = 0;
    for (uint32_t n = 0; n < q->span_count; n++) {
        ov_interval s = q->spans[q->descending ? q->span_count - 1 - n : n];
        int64_t at = ov_gran_floor(q->gran, q->descending ? s.end - 1 : s.start);
        while (q->descending ? at + 1 > ov_gran_floor(q->gran, s.start) : at < s.end) {
            bool again = any && at == before; /* two spans meet in one bucket */
            before = at;
            any = true;
            if (!again && --left == 0) {
                *out = at;
                return true;
            }
            at = q->descending ? ov_gran_floor(q->gran, at - 1) : ov_gran_next(q->gran, at);
        }
    }
    return false;
}

/* The same where only buckets with rows count: a query of its own finds it. */
static ov_status last_with_rows(ovi_nplanner *p, const ov_native_query *q, const ov_plan *sorted, bool *found,
                                int64_t *out, ov_error *err)
{
    const ov_plan *plan;
    ov_sql_rows rows;
    *found = false;
    if (!p->env->run)
        return OV_OK;
    OV_TRY(ov_plan_limit(p->arena, sorted, 1, q->limit - 1, &plan, err));
    OV_TRY(ov_plan_optimize(p->cx, plan, &plan, err));
    OV_TRY(ov_subquery_run(p->env->run, plan, p->cx, &rows, err));
    *found = rows.count == 1;
    if (*found)
        *out = rows.cells[0]->constant.i;
    return OV_OK;
}

static ov_status grand_total(ovi_nplanner *p, const ovi_ngroup *g, ov_native_query *q, bool skip, ov_error *err)
{
    ovi_ngroup all = *g;
    const ov_plan *rows = g->in->plan;
    const ov_expr *condition, *time;
    bool cut = false;
    int64_t last = 0;
    if (q->limit != OV_NO_LIMIT && q->has_time) {
        if (skip)
            OV_TRY(last_with_rows(p, q, q->plan, &cut, &last, err));
        else
            cut = last_of_spans(q, &last);
    }
    if (cut) {
        OV_TRY(ovi_nscope_time(&g->in->scope, &time, err));
        OV_TRY(shown_rows(p, g->in, q, time, last, &condition, err));
        OV_TRY(ov_plan_filter(p->arena, rows, condition, &rows, err));
    }
    all.bucket = NULL;
    return ovi_ngroup_plan(p, &all, rows, NULL, &q->total, err);
}

/* The row of a bucket without rows. */
static ov_status empty_row(ovi_nplanner *p, const ovi_ngroup *g, ov_native_query *q, ov_error *err)
{
    ovi_ngroup none = *g;
    const ov_plan *nothing;
    none.bucket = NULL;
    OV_TRY(ov_plan_values(p->arena, g->in->plan->fields, g->in->plan->field_count, NULL, 0, &nothing, err));
    return ovi_ngroup_plan(p, &none, nothing, NULL, &q->empty, err);
}

/* The starts of all buckets of the spans, as rows. */
static ov_status bucket_rows(ovi_nplanner *p, const ov_json *query, const ov_native_query *q, const ov_plan **out,
                             ov_error *err)
{
    const ov_expr **cells;
    ov_field *field;
    uint64_t n = 0;
    int64_t last = 0;
    OV_TRY(ov_arena_alloc(p->arena, MOST_NESTED_BUCKETS * sizeof *cells, &cells, err));
    OV_TRY(ov_arena_zalloc(p->arena, sizeof *field, &field, err));
    for (uint32_t i = 0; i < q->span_count; i++)
        for (int64_t at = ov_gran_floor(q->gran, q->spans[i].start); at < q->spans[i].end; at = ov_gran_next(q->gran, at)) {
            if (n && at <= last) /* two spans meet in one bucket */
                continue;
            if (n == MOST_NESTED_BUCKETS)
                return ov_json_fail(query, err, OV_LIMIT,
                                    "a timeseries inside another query has more than %d buckets; set skipEmptyBuckets in its "
                                    "context or take a coarser granularity",
                                    MOST_NESTED_BUCKETS);
            OV_TRY(ov_expr_i64(p->cx, OV_SQL_TIMESTAMP, at, &cells[n++], err));
            last = at;
        }
    *field = (ov_field){.name = OV_SLICE_LIT("__time"), .type = OV_T(OV_TYPE_LONG), .sql = OV_SQL_TIMESTAMP};
    return ov_plan_values(p->arena, field, 1, cells, n, out, err);
}

/* Inside another query buckets without rows are rows too: every bucket beside what it holds, or beside the empty row. */
static ov_status fill_buckets(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ov_error *err)
{
    const ov_plan *buckets, *empty, *both;
    const ov_expr **exprs, *sides[2], *none;
    ov_slice *names;
    ov_sql_rows blank;
    ov_sort_key *key;
    if (!p->depth || !p->env->run || !q->empty || !q->span_count)
        return OV_OK;
    uint32_t columns = q->columns;
    OV_TRY(bucket_rows(p, query, q, &buckets, err));
    OV_TRY(ov_plan_optimize(p->cx, q->empty, &empty, err));
    OV_TRY(ov_subquery_run(p->env->run, empty, p->cx, &blank, err));
    OV_TRY(ov_plan_join(p->arena, OV_JOINS_LEFT, buckets, q->plan, NULL, &both, err));
    OV_TRY(ov_plan_column(p->cx, both, 0, &sides[0], err));
    OV_TRY(ov_plan_column(p->cx, both, 1, &sides[1], err));
    OV_TRY(ovi_ncall(p, query, "IS NULL", &sides[1], 1, &none, err));
    const ov_expr *meet;
    OV_TRY(ovi_ncall(p, query, "=", sides, 2, &meet, err));
    OV_TRY(ov_plan_join(p->arena, OV_JOINS_LEFT, buckets, q->plan, meet, &both, err));
    OV_TRY(ov_arena_alloc(p->arena, (columns + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, (columns + (size_t)1) * sizeof *names, &names, err));
    names[0] = OV_SLICE_LIT("__time");
    exprs[0] = sides[0];
    for (uint32_t i = 1; i <= columns; i++) {
        const ov_expr *parts[3] = {none, blank.count ? blank.cells[i - 1] : NULL, NULL};
        OV_TRY(ov_plan_column(p->cx, both, 1 + i, &parts[2], err));
        names[i] = both->fields[1 + i].name;
        exprs[i] = parts[2];
        if (parts[1])
            OV_TRY(ovi_ncall(p, query, "CASE", parts, 3, &exprs[i], err));
    }
    OV_TRY(ov_plan_project(p->arena, both, exprs, names, columns + 1, &q->plan, err));
    OV_TRY(ov_arena_zalloc(p->arena, sizeof *key, &key, err));
    *key = (ov_sort_key){.descending = q->descending, .nulls_first = !q->descending};
    return ov_plan_order(p->cx, q->plan, key, 1, q->limit, 0, &q->plan, err);
}

/* What the rows are to a query around this one: the time is a column. */
static ov_status rows_with_time(ovi_nplanner *p, const ov_native_query *q, ovi_nrel *rel, ov_error *err)
{
    const ov_plan *in = q->plan;
    const ov_expr **exprs, *time;
    ov_slice *names;
    uint32_t n = 0, columns = (uint32_t)q->has_time + q->columns;
    OV_TRY(ov_arena_alloc(p->arena, (columns + (size_t)2) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, (columns + (size_t)2) * sizeof *names, &names, err));
    if (q->has_time)
        OV_TRY(ov_plan_column(p->cx, in, 0, &time, err));
    else
        OV_TRY(ov_expr_i64(p->cx, OV_SQL_TIMESTAMP, q->time_ms, &time, err));
    names[n] = OV_SLICE_LIT("__time");
    exprs[n++] = time;
    for (uint32_t i = q->has_time; i < columns; i++) {
        if (ov_slice_eq(in->fields[i].name, OV_SLICE_LIT("__time")))
            continue;
        names[n] = in->fields[i].name;
        OV_TRY(ov_plan_column(p->cx, in, i, &exprs[n++], err));
    }
    if (q->time_field.n) {
        names[n] = q->time_field;
        OV_TRY(ov_expr_retype(p->cx, time, OV_SQL_BIGINT, &exprs[n++], err));
    }
    *rel = (ovi_nrel){.known = true, .everywhere = true};
    return ov_plan_project(p->arena, in, exprs, names, n, &rel->plan, err);
}

static ov_status read_limit(const ov_json *query, uint64_t *out, ov_error *err)
{
    int64_t limit;
    OV_TRY(ov_json_i64_in(query, "limit", 0, 0, INT32_MAX, &limit, err));
    *out = limit > 0 ? (uint64_t)limit : OV_NO_LIMIT;
    return OV_OK;
}

ov_status ovi_nplan_timeseries(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ovi_nrel *rel, ov_error *err)
{
    ovi_ninput in;
    ovi_ngroup g = {.query = query, .in = &in};
    const ov_expr *time;
    bool skip, total;
    *q = (ov_native_query){.type = OV_NATIVE_TIMESERIES};
    OV_TRY(ovi_ninput_open(p, query, true, &in, err));
    OV_TRY(ovi_ngran(p, query, true, &q->gran, err));
    OV_TRY(ov_json_bool(query, "descending", false, &q->descending, err));
    OV_TRY(read_limit(query, &q->limit, err));
    OV_TRY(ovi_ncontext_bool(query, "skipEmptyBuckets", false, &skip, err));
    OV_TRY(ovi_ncontext_bool(query, "grandTotal", false, &total, err));
    OV_TRY(ov_json_str(ov_json_find(query, "context"), "timestampResultField", (ov_slice){"", 0}, &q->time_field, err));
    OV_TRY(ovi_naggregators(&in.scope, query, &g.aggs, err));
    q->has_time = q->gran->kind != OV_GRAN_ALL;
    if (q->has_time) {
        OV_TRY(ovi_nscope_time(&in.scope, &time, err));
        OV_TRY(ovi_ngran_floor(p, query, q->gran, time, &g.bucket, err));
    } else {
        q->time_ms = ovi_nall_time(&in);
    }
    OV_TRY(ovi_ngroup_plan(p, &g, in.plan, NULL, &q->plan, err));
    q->columns = q->plan->field_count - q->has_time;
    if (q->has_time) {
        ov_sort_key *key;
        OV_TRY(ov_arena_alloc(p->arena, sizeof *key, &key, err));
        *key = (ov_sort_key){.descending = q->descending, .nulls_first = !q->descending};
        OV_TRY(ov_plan_order(p->cx, q->plan, key, 1, skip ? q->limit : OV_NO_LIMIT, 0, &q->plan, err));
        if (!skip) {
            OV_TRY(ovi_nspans(p, &in, &q->spans, &q->span_count, err));
            OV_TRY(empty_row(p, &g, q, err));
            OV_TRY(fill_buckets(p, query, q, err));
        }
    } else if (skip) {
        /* the one bucket is left out when it holds nothing: known by grouping by a constant */
        OV_TRY(ov_expr_i64(p->cx, OV_SQL_TIMESTAMP, q->time_ms, &g.bucket, err));
        OV_TRY(ovi_ngroup_plan(p, &g, in.plan, NULL, &q->plan, err));
        q->has_time = true;
    }
    if (total)
        OV_TRY(grand_total(p, &g, q, skip, err));
    return rows_with_time(p, q, rel, err);
}

/* ---- topN ---- */

typedef struct metric_spec {
    const ov_json *json;
    ov_slice metric;   /* an aggregator or post-aggregator; empty: the dimension itself */
    ov_slice ordering; /* of the dimension */
    const ov_json *stop;
    bool inverted;
} metric_spec;

static ov_status read_metric(const ov_json *v, metric_spec *m, uint32_t depth, ov_error *err)
{
    ov_slice type;
    m->json = v;
    if (v->kind != OV_JSON_OBJECT)
        return ov_json_as_str(v, &m->metric, err);
    OV_TRY(ov_json_str(v, "type", OV_SLICE_LIT("numeric"), &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("inverted"))) {
        const ov_json *inner;
        OV_TRY(ov_json_need(v, "metric", &inner, err));
        if (depth > 10)
            return ov_json_fail(v, err, OV_LIMIT, "inverted more than ten times");
        m->inverted = !m->inverted;
        return read_metric(inner, m, depth + 1, err);
    }
    if (ov_slice_eq(type, OV_SLICE_LIT("numeric")))
        return ov_json_need_str(v, "metric", &m->metric, err);
    m->stop = ov_json_find(v, "previousStop");
    if (ov_slice_eq(type, OV_SLICE_LIT("dimension")))
        return ovi_norder_name(v, "ordering", OV_SLICE_LIT("lexicographic"), &m->ordering, err);
    m->ordering = type;
    if (ov_slice_eq(type, OV_SLICE_LIT("lexicographic")) || ov_slice_ieq(type, OV_SLICE_LIT("alphaNumeric")))
        return OV_OK;
    return ov_json_fail(ov_json_get(v, "type"), err, OV_INVALID,
                        "unknown metric '" OV_SLICE_FMT
                        "'; there are numeric, dimension, inverted, lexicographic and alphaNumeric",
                        OV_SLICE_ARG(type));
}

/* Only what comes behind previousStop in the order. */
static ov_status behind_stop(ovi_nplanner *p, const metric_spec *m, const ovi_ndim *dim, const ov_plan *rows,
                             const ov_plan **out, ov_error *err)
{
    const ov_expr *stop, *mine[2], *bound[2], *sides[2], *tests[3];
    ov_slice text;
    uint32_t n, k;
    *out = rows;
    if (!m->stop)
        return OV_OK;
    OV_TRY(ov_json_as_str(m->stop, &text, err));
    OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, text, &stop, err));
    OV_TRY(ovi_norder_keys(p, m->json, m->ordering, dim->expr, mine, &n, err));
    if (dim->expr->type.id != OV_TYPE_STRING)
        OV_TRY(ovi_ncast(p, stop, (ov_sqltype)dim->expr->sql, &stop, err));
    OV_TRY(ovi_norder_keys(p, m->json, m->ordering, stop, bound, &k, err));
    const char *op = m->inverted ? "<" : ">";
    for (uint32_t i = 0; i < n; i++) {
        sides[0] = mine[i];
        sides[1] = bound[i];
        OV_TRY(ovi_ncall(p, m->json, op, sides, 2, &tests[i], err));
    }
    if (n == 2) { /* a larger first key, or the same and a larger second */
        sides[0] = mine[0];
        sides[1] = bound[0];
        OV_TRY(ovi_ncall(p, m->json, "=", sides, 2, &tests[2], err));
        OV_TRY(ovi_ncall(p, m->json, "AND", &tests[1], 2, &tests[1], err));
        OV_TRY(ovi_ncall(p, m->json, "OR", tests, 2, &tests[0], err));
    }
    return ov_plan_filter(p->arena, rows, tests[0], out, err);
}

/* Inside another query a bucket's rows past the limit are no rows: those with a higher number in the order go. */
static ov_status first_of_buckets(ovi_nplanner *p, const metric_spec *m, ov_native_query *q, const ov_sort_key *keys, uint32_t count,
                                  ov_error *err)
{
    uint32_t *bucket;
    ov_window_call *number;
    const ov_expr *sides[2], *shown;
    OV_TRY(ov_arena_zalloc(p->arena, sizeof *bucket, &bucket, err));
    OV_TRY(ov_arena_zalloc(p->arena, sizeof *number, &number, err));
    *number = (ov_window_call){.fn = OV_WINDOW_ROW_NUMBER, .type = OV_T(OV_TYPE_LONG), .sql = OV_SQL_BIGINT};
    OV_TRY(ov_plan_window(p->arena, q->plan, bucket, 1, keys + 1, count - 1, number, 1, &q->plan, err));
    OV_TRY(ov_plan_column(p->cx, q->plan, q->plan->field_count - 1, &sides[0], err));
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, (int64_t)q->limit, &sides[1], err));
    OV_TRY(ovi_ncall(p, m->json, "<=", sides, 2, &shown, err));
    return ov_plan_filter(p->arena, q->plan, shown, &q->plan, err);
}

/* Sorted by bucket, metric, and where that is equal by the dimension. */
static ov_status order_top(ovi_nplanner *p, const ovi_ngroup *g, const metric_spec *m, ov_native_query *q, ov_error *err)
{
    const ov_expr *more[2], *dim;
    ov_sort_key *keys;
    uint32_t n = 0, count = 0, at = q->has_time, width = q->plan->field_count, by[2];
    OV_TRY(ov_arena_alloc(p->arena, 4 * sizeof *keys, &keys, err));
    if (q->has_time)
        keys[n++] = (ov_sort_key){.column = 0, .nulls_first = true};
    if (m->metric.n) {
        uint32_t c = at + 1;
        while (c < width && !ov_slice_eq(q->plan->fields[c].name, m->metric))
            c++;
        if (c == width)
            return ov_json_fail(m->json, err, OV_INVALID, "there is no aggregator or post-aggregator '" OV_SLICE_FMT "'",
                                OV_SLICE_ARG(m->metric));
        OV_TRY(ovi_nresult_keys(p, g, m->json, c, &q->plan, by, &count, err));
        for (uint32_t i = 0; i < count; i++)
            keys[n++] = (ov_sort_key){.column = by[i], .descending = !m->inverted, .nulls_first = false};
        keys[n++] = (ov_sort_key){.column = at, .nulls_first = true};
    } else {
        OV_TRY(ov_plan_column(p->cx, q->plan, at, &dim, err));
        OV_TRY(ovi_norder_keys(p, m->json, m->ordering, dim, more, &count, err));
        for (uint32_t i = 0; i < count; i++)
            keys[n++] =
                (ov_sort_key){.column = width + i, .descending = m->inverted, .nulls_first = !m->inverted};
        OV_TRY(ovi_nwiden(p, q->plan, more, count, &q->plan, err));
    }
    if (q->has_time && p->depth)
        OV_TRY(first_of_buckets(p, m, q, keys, n, err));
    if (m->metric.n && !q->has_time)
        return ovi_ntop_order(p, g, q->plan, keys, n, q->limit, &q->plan, err);
    return ov_plan_order(p->cx, q->plan, keys, n, q->has_time ? OV_NO_LIMIT : q->limit, 0, &q->plan, err);
}

ov_status ovi_nplan_topn(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ovi_nrel *rel, ov_error *err)
{
    ovi_ninput in;
    ovi_ndim dim;
    ovi_ngroup g = {.query = query, .in = &in, .dims = &dim, .dim_count = 1};
    const ov_json *v;
    const ov_plan *rows;
    const ov_expr *time;
    metric_spec metric = {0};
    int64_t threshold;
    *q = (ov_native_query){.type = OV_NATIVE_TOPN};
    OV_TRY(ovi_ninput_open(p, query, true, &in, err));
    OV_TRY(ovi_ngran(p, query, true, &q->gran, err));
    OV_TRY(ov_json_need(query, "dimension", &v, err));
    OV_TRY(ovi_ndimension(&in.scope, v, &dim, err));
    OV_TRY(ov_json_need(query, "metric", &v, err));
    OV_TRY(read_metric(v, &metric, 0, err));
    OV_TRY(ov_json_need(query, "threshold", &v, err));
    double whole;
    OV_TRY(ov_json_as_f64(v, &whole, err)); /* Jackson cuts fractions */
    if (!(whole >= 1 && whole < 2147483648.0))
        return ov_json_fail(v, err, OV_INVALID, "expected a whole number from 1 to 2147483647");
    threshold = (int64_t)whole;
    q->limit = (uint64_t)threshold;
    OV_TRY(ovi_naggregators(&in.scope, query, &g.aggs, err));
    ovi_nagg_orders(&g.aggs, metric.metric);
    const ov_json *posts = ov_json_find(query, "postAggregations");
    if (metric.metric.n && !g.aggs.count && (!posts || !posts->count))
        return ov_json_fail(query, err, OV_INVALID, "at least one aggregator or post-aggregator is expected");
    q->has_time = q->gran->kind != OV_GRAN_ALL;
    if (q->has_time) {
        OV_TRY(ovi_nscope_time(&in.scope, &time, err));
        OV_TRY(ovi_ngran_floor(p, query, q->gran, time, &g.bucket, err));
        OV_TRY(ovi_nspans(p, &in, &q->spans, &q->span_count, err));
    } else {
        q->time_ms = ovi_nall_time(&in);
        q->hide_time = true;
        for (uint32_t i = 0; i < in.interval_count && !in.rel.everywhere; i++)
            for (uint32_t k = 0; k < in.rel.extent_count; k++)
                q->hide_time &= !ov_interval_overlaps(in.intervals[i], in.rel.extents[k]);
        q->hide_time &= !in.rel.everywhere;
    }
    OV_TRY(behind_stop(p, &metric, &dim, in.plan, &rows, err));
    OV_TRY(ovi_ngroup_plan(p, &g, rows, NULL, &q->plan, err));
    q->columns = q->plan->field_count - q->has_time - g.aggs.order_count;
    OV_TRY(order_top(p, &g, &metric, q, err));
    return rows_with_time(p, q, rel, err);
}
