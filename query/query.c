/* The life of a query: request to plan, plan to batches. */
#include "query/query.h"

#include "base/map_guard.h"
#include "base/os.h"
#include "base/tz.h"
#include "query/analyze.h"
#include "query/expr/lookup.h"
#include "query/sql/sql.h"
#include "query/subquery.h"
#include "query/system/system.h"

struct ov_query {
    ov_query_ctx cx;
    ov_expr_ctx expr;
    ov_snapshot *snapshot; /* retained; cx.snapshot is the same */
    ov_lookup_set *lookups; /* retained, may be NULL */
    const ov_plan *plan;
    ov_native_query native;
    bool analyze; /* run the plan, answer with what it did */
    bool explain;
    const ov_query_write *write;
    ov_sql_describe describe;
    const ov_sql_setting *sets;
    uint32_t set_count;
    char uuid[OV_UUID_BYTES];
    uint64_t map_events; /* faults of mapped files before the query began */
};

/* What SET statements change; they beat the request's context. */
typedef struct settings {
    ov_slice time_zone;
    int64_t timeout_ms;
    uint64_t outer_limit;
    int64_t max_parse_exceptions;
} settings;

static OV_CHECKED ov_status read_number(const ov_sql_setting *s, uint64_t *out, ov_error *err)
{
    *out = 0;
    for (size_t i = 0; i < s->value.n; i++) {
        unsigned digit = (unsigned)(s->value.p[i] - '0');
        if (digit > 9 || *out > ((uint64_t)INT64_MAX - digit) / 10)
            return ov_fail_at(err, OV_INVALID, s->pos, s->end_pos,
                              "SET " OV_SLICE_FMT
                              " takes a whole number that is not negative, not '" OV_SLICE_FMT "'",
                              OV_SLICE_ARG(s->name), OV_SLICE_ARG(s->value));
        *out = *out * 10 + digit;
    }
    return OV_OK;
}

/* Keys that change nothing here are accepted, as in the context of a request. */
static OV_CHECKED ov_status apply_setting(const ov_sql_setting *s, settings *to, ov_error *err)
{
    uint64_t n = 0;
    if (s->is_null)
        return OV_OK;
    if (ov_slice_eq(s->name, OV_SLICE_LIT("sqlTimeZone"))) {
        to->time_zone = s->value;
    } else if (ov_slice_eq(s->name, OV_SLICE_LIT("timeout"))) {
        OV_TRY(read_number(s, &n, err));
        to->timeout_ms = (int64_t)n;
    } else if (ov_slice_eq(s->name, OV_SLICE_LIT("sqlOuterLimit"))) {
        OV_TRY(read_number(s, &n, err));
        to->outer_limit = n;
    } else if (ov_slice_eq(s->name, OV_SLICE_LIT("maxParseExceptions"))) {
        if (ov_slice_eq(s->value, OV_SLICE_LIT("-1"))) {
            to->max_parse_exceptions = -1;
            return OV_OK;
        }
        OV_TRY(read_number(s, &n, err));
        to->max_parse_exceptions = (int64_t)n;
    }
    return OV_OK;
}

static OV_CHECKED ov_status read_settings(ov_query *q, const ov_query_request *rq,
                                          const ov_sql_parsed *parsed, settings *out, ov_error *err)
{
    const ov_sql_setting *list;
    uint32_t count;
    *out = (settings){rq->time_zone, rq->timeout_ms, rq->outer_limit, rq->max_parse_exceptions};
    OV_TRY(ov_sql_settings(parsed, &q->cx.arena, &list, &count, err));
    q->sets = list;
    q->set_count = count;
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(apply_setting(&list[i], out, err));
    if (out->timeout_ms > 0)
        q->cx.deadline_ms = ov_monotonic_ns() / 1000000 + out->timeout_ms;
    if (out->time_zone.n)
        OV_TRY(ov_tz_get(out->time_zone, &q->expr.tz, err));
    return OV_OK;
}

static OV_CHECKED ov_status start_describing(ov_query *q, uint32_t params, ov_error *err)
{
    ov_sql_describe *d = &q->describe;
    OV_TRY(ov_arena_zalloc(&q->cx.arena, (params + (size_t)1) * sizeof *d->exprs, &d->exprs, err));
    OV_TRY(ov_arena_zalloc(&q->cx.arena, (params + (size_t)1) * sizeof *d->types, &d->types, err));
    d->count = params;
    return OV_OK;
}

static void finish_describing(ov_sql_describe *d)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (d->types[i] == OV_SQL_NULL)
            d->types[i] = OV_SQL_VARCHAR;
}

static OV_CHECKED ov_status make_plan(ov_query *q, const ov_query_env *env,
                                      const ov_query_request *rq, ov_error *err)
{
    ov_sql_parsed parsed;
    ov_sql_statement statement;
    settings set;
    ov_sql_runner runner = {ov_subquery_run, &q->cx};
    ov_sql_env sql = {.cx = &q->expr,
                      .runner = &runner,
                      .context = rq->context,
                      .query_id = q->cx.id,
                      .tables = ov_sql_tables_of(q->snapshot),
                      .params = rq->params,
                      .param_count = rq->param_count};
    OV_TRY(ov_sql_parse(rq->sql, &q->cx.arena, &parsed, err));
    OV_TRY(read_settings(q, rq, &parsed, &set, err));
    sql.outer_limit = set.outer_limit;
    sql.externs = env->externs;
    sql.max_parse_exceptions = set.max_parse_exceptions;
    OV_TRY(ov_system_tables(env, q->lookups, &q->cx.arena, &sql.systables, &sql.systable_count, err));
    if (rq->describe) {
        OV_TRY(start_describing(q, parsed.param_count, err));
        sql.describe = &q->describe;
    }
    OV_TRY(ov_sql_plan(&sql, &parsed, &statement, err));
    finish_describing(&q->describe);
    q->analyze = statement.analyze;
    q->write = statement.write;
    q->explain = statement.explain;
    if (q->write && !rq->writes)
        return ov_fail(err, OV_INVALID, "%s", q->write->replace
                       ? "REPLACE operations are not supported by the requested SQL engine [native].  Consider using MSQ."
                       : "INSERT operations are not supported by requested SQL engine [native], consider using MSQ.");
    OV_TRY(ov_plan_optimize(&q->expr, statement.plan, &q->plan, err));
    return ov_plan_json_paths(&q->expr, q->plan, &q->plan, err);
}

/* Of the system tables, the one in the schema `lookup`. */
typedef struct lookup_tables {
    const ov_systable *const *list;
    uint32_t count;
} lookup_tables;

static const ov_systable *find_lookup(const void *self, ov_slice name)
{
    const lookup_tables *t = self;
    for (uint32_t i = 0; i < t->count; i++)
        if (strcmp(t->list[i]->schema, "lookup") == 0 && ov_slice_eq(ov_slice_cstr(t->list[i]->name), name))
            return t->list[i];
    return NULL;
}

static OV_CHECKED ov_status make_native_plan(ov_query *q, const ov_query_env *qenv, const ov_query_request *rq, ov_error *err)
{
    lookup_tables lookups;
    ov_sql_tables tables = ov_sql_tables_of(q->snapshot);
    ov_native_env env = {
        .cx = &q->expr, .find = tables.find, .self = tables.self, .snapshot = q->snapshot, .run = &q->cx,
        .lookup = find_lookup, .lookup_self = &lookups};
    OV_TRY(ov_system_tables(qenv, q->lookups, &q->cx.arena, &lookups.list, &lookups.count, err));
    if (rq->timeout_ms > 0)
        q->cx.deadline_ms = ov_monotonic_ns() / 1000000 + rq->timeout_ms;
    OV_TRY(ov_native_plan(&env, rq->native, &q->native, err));
    q->plan = q->native.plan;
    return OV_OK;
}

static ov_status context_alive(void *cx, ov_error *err)
{
    return ov_query_alive(cx, err);
}

static void init(ov_query *q, const ov_query_env *env, const ov_query_request *rq)
{
    size_t limit =
        env->query_budget_bytes ? env->query_budget_bytes : SIZE_MAX; /* the parent limits too */
    if (rq->memory_bytes)
        limit = OV_MIN(limit, (size_t)rq->memory_bytes);
    ov_budget_init(&q->cx.budget, "the query (--query-memory, or maxMemoryBytes in its context)", limit, env->budget);
    q->cx.budget.alive = context_alive;
    q->cx.budget.alive_cx = &q->cx;
    ov_arena_init(&q->cx.arena, "query plan", &q->cx.budget);
    q->snapshot = ov_catalog_snapshot(env->catalog);
    q->lookups = ov_lookups_get(env->lookups);
    q->expr.lookups = q->lookups;
    q->cx.snapshot = q->snapshot;
    q->expr.snapshot = q->snapshot;
    q->cx.pool = env->pool;
    q->cx.spill = env->spill;
    q->cx.options = env->options;
    q->cx.cancel = rq->cancel;
    q->expr.arena = &q->cx.arena;
    q->expr.now_ms = ov_now_ms();
    if (rq->query_id.n == 0)
        ov_uuid_make(q->uuid);
}

ov_status ov_query_open(const ov_query_env *env, const ov_query_request *rq, ov_query **out,
                        ov_error *err)
{
    ov_query *q = ov_calloc(1, sizeof *q);
    *out = NULL;
    if (!q)
        return ov_fail_nomem(err, sizeof *q);
    init(q, env, rq);
    q->map_events = ov_map_guard_events();
    ov_status st = OV_OK;
    if (rq->query_id.n)
        st = ov_arena_copy(&q->cx.arena, rq->query_id, &q->cx.id, err);
    else
        q->cx.id = ov_slice_cstr(q->uuid);
    if (st == OV_OK)
        st = rq->native ? make_native_plan(q, env, rq, err) : make_plan(q, env, rq, err);
    if (st != OV_OK) {
        ov_query_close(q);
        return st;
    }
    *out = q;
    return OV_OK;
}

ov_budget *ov_query_budget(ov_query *q)
{
    return &q->cx.budget;
}

ov_slice ov_query_id(const ov_query *q)
{
    return q->cx.id;
}

uint32_t ov_query_fields(const ov_query *q, const ov_field **out)
{
    if (q->analyze)
        return ov_explain_fields(out);
    *out = q->plan->fields;
    return q->plan->field_count;
}

uint32_t ov_query_params(const ov_query *q, const ov_sqltype **out)
{
    *out = q->describe.types;
    return q->describe.count;
}

const ov_query_write *ov_query_write_of(const ov_query *q)
{
    return q->write;
}

bool ov_query_is_explain(const ov_query *q)
{
    return q->explain;
}

bool ov_query_setting(const ov_query *q, const char *name, ov_slice *value)
{
    for (uint32_t i = q->set_count; i > 0; i--)
        if (ov_slice_eq(q->sets[i - 1].name, ov_slice_cstr(name)) && !q->sets[i - 1].is_null) {
            *value = q->sets[i - 1].value;
            return true;
        }
    return false;
}

const ov_tz *ov_query_tz(const ov_query *q)
{
    return q->expr.tz;
}

ov_status ov_query_run(ov_query *q, const ov_result_sink *sink, ov_error *err)
{
    if (q->analyze)
        return ov_explain_analyze(q->plan, &q->cx, sink, err);
    return ov_query_run_part(q, q->plan, sink, err);
}

const ov_native_query *ov_query_native(const ov_query *q)
{
    return &q->native;
}

ov_status ov_query_still_alive(ov_query *q, ov_error *err)
{
    return ov_query_alive(&q->cx, err);
}

ov_status ov_query_run_part(ov_query *q, const ov_plan *part, const ov_result_sink *sink, ov_error *err)
{
    OV_TRY(ov_exec_run(part, &q->cx, sink, err));
    if (ov_map_guard_events() != q->map_events)
        return ov_fail(err, OV_CORRUPT,
                       "a segment file was shortened or became unreadable while the query ran; the answer was thrown away");
    return OV_OK;
}

void ov_query_cancel(ov_query *q)
{
    atomic_store(&q->cx.cancelled, true);
}

int64_t ov_query_deadline(const ov_query *q)
{
    return q->cx.deadline_ms;
}

/* Of a segment's rows those in [start, end), as if they were spread evenly over its time. */
static uint64_t share_of(const ov_segment_info *info, int64_t start, int64_t end)
{
    if (info->max_time < start || info->min_time >= end)
        return 0;
    double span = (double)info->max_time - (double)info->min_time + 1;
    double from = start > info->min_time ? (double)start - (double)info->min_time : 0;
    double to = end <= info->max_time ? (double)end - (double)info->min_time : span;
    return (uint64_t)((double)info->rows * (to - from) / span) + 1;
}

/* Rows of segments in the time ranges, about. */
static uint64_t scanned_rows(const ov_plan *node)
{
    const ov_datasource *ds = node->scan.datasource;
    uint64_t rows = 0;
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        const ov_segment_info *info = &ds->segments[i]->info;
        uint64_t share = 0;
        for (uint32_t r = 0; r < node->scan.range_count; r++)
            share += share_of(info, node->scan.ranges[r].start_ms, node->scan.ranges[r].end_ms);
        rows += OV_MIN(share, (uint64_t)info->rows);
    }
    return rows;
}

/* The first rows of a scan without a filter but on time: it ends when it has them. */
static bool ends_early(const ov_plan *limit)
{
    const ov_plan *node = limit->inputs[0];
    while (node->kind == OV_PLAN_PROJECT)
        node = node->inputs[0];
    return node->kind == OV_PLAN_SCAN && (!node->scan.filter || node->scan.filter_is_ranges);
}

static uint64_t plan_rows(const ov_plan *node)
{
    uint64_t rows = node->kind == OV_PLAN_SCAN ? scanned_rows(node) : 0;
    if (node->kind == OV_PLAN_JOIN && node->join.key_count == 0) {
        uint64_t left = plan_rows(node->inputs[0]), right = plan_rows(node->inputs[1]);
        return __builtin_mul_overflow(left + 1, right + 1, &rows) ? UINT64_MAX : rows;
    }
    for (uint32_t i = 0; i < node->input_count; i++)
        if (__builtin_add_overflow(rows, plan_rows(node->inputs[i]), &rows))
            return UINT64_MAX;
    if (node->kind == OV_PLAN_LIMIT && ends_early(node) && node->limit.limit < rows)
        rows = OV_MIN(rows, node->limit.limit + OV_MIN(node->limit.offset, rows));
    return rows;
}

uint64_t ov_query_rows(const ov_query *q)
{
    return q->plan ? plan_rows(q->plan) : 0;
}

const ov_exec_stats *ov_query_stats(const ov_query *q)
{
    return &q->cx.stats;
}

void ov_query_close(ov_query *q)
{
    if (!q)
        return;
    ov_arena_fini(&q->cx.arena);
    ov_snapshot_release(q->snapshot);
    ov_lookup_set_release(q->lookups);
    ov_free(q);
}
