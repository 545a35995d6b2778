/* The life of a query: request to plan, plan to batches. */
#include "query/query.h"

#include "base/map_guard.h"
#include "base/os.h"
#include "base/tz.h"
#include "query/analyze.h"
#include "query/plan_key.h"
#include "query/expr/lookup.h"
#include "query/sql/sql.h"
#include "query/subquery.h"
#include "query/system/system.h"

enum { QUICK_US = 500 }; /* plans whose runs take so long are quick */

struct ov_query {
    ov_query_ctx cx;
    ov_planned *planned; /* shared with other queries once it is kept: read-only then */
    ov_snapshot *snapshot; /* retained: what the query sees */
    bool kept;           /* it was found, or is found by others from now on */
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
    ov_slice as_of; /* empty: now */
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
    } else if (ov_slice_eq(s->name, OV_SLICE_LIT("asOf"))) {
        to->as_of = s->value;
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
    *out = (settings){rq->time_zone, rq->timeout_ms, rq->outer_limit, rq->max_parse_exceptions, {0}};
    OV_TRY(ov_sql_settings(parsed, &q->planned->arena, &list, &count, err));
    q->sets = list;
    q->set_count = count;
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(apply_setting(&list[i], out, err));
    if (out->timeout_ms > 0)
        q->cx.deadline_ms = ov_monotonic_ns() / 1000000 + out->timeout_ms;
    if (out->time_zone.n)
        OV_TRY(ov_tz_get(out->time_zone, &q->planned->expr.tz, err));
    return OV_OK;
}

static OV_CHECKED ov_status start_describing(ov_query *q, uint32_t params, ov_error *err)
{
    ov_sql_describe *d = &q->describe;
    ov_arena *arena = &q->planned->arena;
    OV_TRY(ov_arena_zalloc(arena, (params + (size_t)1) * sizeof *d->exprs, &d->exprs, err));
    OV_TRY(ov_arena_zalloc(arena, (params + (size_t)1) * sizeof *d->types, &d->types, err));
    d->count = params;
    return OV_OK;
}

static void finish_describing(ov_sql_describe *d)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (d->types[i] == OV_SQL_NULL)
            d->types[i] = OV_SQL_VARCHAR;
}

/* Tables made on the spot hold other rows every time, but for lookups. */
static bool makes_tables(const ov_plan *node, bool count_lookups)
{
    bool found = node->kind == OV_PLAN_SYSTEM && (count_lookups || strcmp(node->system.table->schema, "lookup") != 0);
    for (uint32_t i = 0; i < node->input_count && !found; i++)
        found = makes_tables(node->inputs[i], count_lookups);
    return found;
}

/* Rows of sub-queries become constants of the plan. */
static ov_status run_subquery(void *self, const ov_plan *plan, ov_expr_ctx *cx, ov_sql_rows *out, ov_error *err)
{
    ov_query *q = self;
    q->planned->of_the_moment = true;
    q->planned->made_tables |= makes_tables(plan, false);
    return ov_subquery_run(&q->cx, plan, cx, out, err);
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

/* Datasources by name, as the plan keeps them. */
static ov_sql_tables tables_of(const ov_query *q)
{
    ov_sql_tables tables = ov_sql_tables_of(q->snapshot);
    tables.find = ov_plan_tables_find;
    tables.find_self = &q->planned->tables;
    return tables;
}

static ov_native_env native_env(ov_query *q, const ov_sql_tables *tables, lookup_tables *lookups)
{
    return (ov_native_env){
        .cx = &q->planned->expr, .find = tables->find, .self = tables->find_self, .snapshot = q->snapshot, .run = &q->cx,
        .lookup = find_lookup, .lookup_self = lookups};
}

/* Buckets of time without rows, when the context asks for them. */
static OV_CHECKED ov_status fill_buckets(ov_query *q, const ov_sql_env *sql, const ov_json *context, ov_error *err)
{
    lookup_tables lookups = {sql->systables, sql->systable_count};
    if (!ov_native_wants_buckets(context) || q->explain || q->write)
        return OV_OK;
    ov_native_env env = native_env(q, &sql->tables, &lookups);
    q->planned->of_the_moment = true;
    OV_TRY(ov_native_fill_buckets(&env, context, q->planned->plan, &q->planned->plan, err));
    return ov_plan_optimize(&q->planned->expr, q->planned->plan, &q->planned->plan, err);
}

/* asOf of a context: ISO text or milliseconds. */
static OV_CHECKED ov_status read_as_of(const ov_json *v, ov_slice set, const ov_tz *tz, bool *given, int64_t *t, ov_error *err)
{
    *given = true;
    if (set.n)
        return ov_iso_parse(set, tz, t, err);
    if (v && v->kind == OV_JSON_INT) {
        *t = v->i;
        return OV_OK;
    }
    *given = v && v->kind != OV_JSON_NULL;
    if (!*given)
        return OV_OK;
    if (v->kind == OV_JSON_STRING && ov_iso_parse(v->s, tz, t, err) == OV_OK)
        return OV_OK;
    return ov_json_fail(v, err, OV_INVALID, "asOf: expected an instant, as ISO text or in milliseconds");
}

/* All tables as of one instant, when the context or a SET says so. Such a plan serves once: what can be read passes. */
static OV_CHECKED ov_status turn_back(ov_query *q, const ov_json *context, ov_slice set, ov_sql_past *past, ov_sql_tables *tables,
                                      ov_error *err)
{
    bool given;
    OV_TRY(read_as_of(context ? ov_json_find(context, "asOf") : NULL, set, q->planned->expr.tz, &given, &past->at, err));
    if (!given)
        return OV_OK;
    past->snapshot = q->snapshot;
    past->arena = &q->planned->arena;
    q->planned->of_the_moment = q->planned->made_tables = true;
    *tables = ov_sql_tables_past(past);
    return OV_OK;
}

/* The reason why a table was not found, where there is one. */
static ov_status why_not_found(const ov_sql_past *past, ov_status st, ov_error *err)
{
    if (past->err.code == OV_OK)
        return st;
    *err = past->err;
    return err->code;
}

static OV_CHECKED ov_status make_plan(ov_query *q, const ov_query_env *env,
                                      const ov_query_request *rq, ov_error *err)
{
    ov_sql_parsed parsed;
    ov_sql_statement statement;
    settings set;
    ov_planned *p = q->planned;
    ov_sql_runner runner = {run_subquery, q};
    ov_sql_env sql = {.cx = &p->expr,
                      .runner = &runner,
                      .context = rq->context,
                      .query_id = q->cx.id,
                      .tables = tables_of(q),
                      .params = rq->params,
                      .param_count = rq->param_count};
    OV_TRY(ov_sql_parse(rq->sql, &p->arena, &parsed, err));
    OV_TRY(read_settings(q, rq, &parsed, &set, err));
    sql.outer_limit = set.outer_limit;
    sql.externs = env->externs;
    sql.max_parse_exceptions = set.max_parse_exceptions;
    OV_TRY(ov_system_tables(env, p->lookups, &p->arena, &sql.systables, &sql.systable_count, err));
    if (rq->describe) {
        OV_TRY(start_describing(q, parsed.param_count, err));
        sql.describe = &q->describe;
    }
    ov_sql_past past = {.err = OV_ERROR_INIT};
    OV_TRY(turn_back(q, rq->context, set.as_of, &past, &sql.tables, err));
    ov_status planned = ov_sql_plan(&sql, &parsed, &statement, err);
    OV_TRY(why_not_found(&past, planned, err));
    finish_describing(&q->describe);
    q->analyze = statement.analyze;
    q->write = statement.write;
    q->explain = statement.explain;
    if (q->write && !rq->writes)
        return ov_fail(err, OV_INVALID, "%s", q->write->replace
                       ? "REPLACE operations are not supported by the requested SQL engine [native].  Consider using MSQ."
                       : "INSERT operations are not supported by requested SQL engine [native], consider using MSQ.");
    OV_TRY(ov_plan_optimize(&p->expr, statement.plan, &p->plan, err));
    OV_TRY(fill_buckets(q, &sql, rq->context, err));
    if (!q->explain)
        OV_TRY(ov_plan_lighter_groups(&p->expr, p->plan, &p->plan, err));
    return ov_plan_json_paths(&p->expr, p->plan, &p->plan, err);
}

static OV_CHECKED ov_status make_native_plan(ov_query *q, const ov_query_env *qenv, const ov_query_request *rq, ov_error *err)
{
    lookup_tables lookups;
    ov_planned *p = q->planned;
    ov_sql_tables tables = tables_of(q);
    ov_sql_past past = {.err = OV_ERROR_INIT};
    OV_TRY(turn_back(q, ov_json_find(rq->native, "context"), (ov_slice){0}, &past, &tables, err));
    ov_native_env env = native_env(q, &tables, &lookups);
    OV_TRY(ov_system_tables(qenv, p->lookups, &p->arena, &lookups.list, &lookups.count, err));
    if (rq->timeout_ms > 0)
        q->cx.deadline_ms = ov_monotonic_ns() / 1000000 + rq->timeout_ms;
    ov_status planned = ov_native_plan(&env, rq->native, &q->native, err);
    OV_TRY(why_not_found(&past, planned, err));
    p->plan = q->native.plan;
    return OV_OK;
}

/* ---- kept plans ---- */

/* The same statement gives the same plan as long as columns and lookups stay. */
static bool may_be_kept(const ov_query *q)
{
    const ov_planned *p = q->planned;
    return !q->analyze && !q->write && !q->explain && q->set_count == 0 && !p->of_the_moment &&
           !p->expr.asked_now && !p->tables.failed && !makes_tables(p->plan, true);
}

bool ov_query_is_repeatable(const ov_query *q)
{
    const ov_planned *p = q->planned;
    return !q->analyze && !q->write && !q->explain && !p->expr.asked_now && !p->expr.made_volatile && !p->made_tables &&
           !(p->plan && makes_tables(p->plan, false));
}

bool ov_query_saw(const ov_query *q, uint64_t version, const struct ov_lookup_set *lookups)
{
    return ov_snapshot_version(q->snapshot) == version && q->planned->lookups == lookups;
}

/* The plan of the request: a kept one, or a new one that is kept for the next time where that is right. */
static OV_CHECKED ov_status find_or_make_plan(ov_query *q, const ov_query_env *env, const ov_query_request *rq,
                                              bool only_quick, ov_error *err)
{
    ov_buf key;
    ov_status st = OV_OK;
    ov_buf_init(&key);
    ov_snapshot *snapshot = q->snapshot = ov_catalog_snapshot(env->catalog);
    ov_lookup_set *lookups = ov_lookups_get(env->lookups);
    q->cx.snapshot = snapshot;
    bool keeps = env->plans && ovi_plan_key(rq, &key);
    if (keeps)
        q->planned = ov_plan_cache_find(env->plans, ov_buf_slice(&key), snapshot, lookups);
    q->kept = q->planned != NULL;
    if (q->kept || only_quick) {
        ov_lookup_set_release(lookups);
        if (q->kept && rq->timeout_ms > 0)
            q->cx.deadline_ms = ov_monotonic_ns() / 1000000 + rq->timeout_ms;
    } else {
        OV_TRY_OUT(st, ov_planned_create(snapshot, lookups, &q->cx.budget, &q->planned, err));
        q->planned->expr.now_ms = ov_now_ms();
        ov_query_request own = *rq;
        if (keeps)
            OV_TRY_OUT(st, ovi_plan_own_texts(rq, &q->planned->arena, &own, err));
        OV_TRY_OUT(st, rq->native ? make_native_plan(q, env, rq, err) : make_plan(q, env, &own, err));
        q->kept = keeps && may_be_kept(q);
        if (q->kept) {
            ov_planned_detach(q->planned);
            ov_plan_cache_keep(env->plans, ov_buf_slice(&key), q->planned);
        }
    }
out:
    ov_buf_fini(&key);
    return st;
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
    q->cx.pool = env->pool;
    q->cx.spill = env->spill;
    q->cx.options = env->options;
    q->cx.cancel = rq->cancel;
    if (rq->query_id.n == 0)
        ov_uuid_make(q->uuid);
}

static ov_status open_query(const ov_query_env *env, const ov_query_request *rq, bool only_quick, ov_query **out,
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
        st = find_or_make_plan(q, env, rq, only_quick, err);
    if (st == OV_OK)
        st = ovi_states_of(env, rq, q->planned, &q->cx.arena, &q->cx.kept, err);
    bool slow = only_quick && !(q->planned && ov_query_is_quick(q));
    if (st != OV_OK || slow) {
        ov_query_close(q);
        return st;
    }
    if (ov_query_is_quick(q))
        q->cx.pool = NULL; /* it is through before a helper has woken up */
    *out = q;
    return OV_OK;
}

ov_status ov_query_open(const ov_query_env *env, const ov_query_request *rq, ov_query **out, ov_error *err)
{
    return open_query(env, rq, false, out, err);
}

ov_status ov_query_open_quick(const ov_query_env *env, const ov_query_request *rq, ov_query **out, ov_error *err)
{
    return open_query(env, rq, true, out, err);
}

bool ov_query_is_quick(const ov_query *q)
{
    return q->kept && atomic_load_explicit(&q->planned->cost_us, memory_order_relaxed) <= QUICK_US;
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
    *out = q->planned->plan->fields;
    return q->planned->plan->field_count;
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
    return q->planned->expr.tz;
}

ov_status ov_query_run(ov_query *q, const ov_result_sink *sink, ov_error *err)
{
    if (q->analyze)
        return ov_explain_analyze(q->planned->plan, &q->cx, sink, err);
    int64_t start = ov_monotonic_ns();
    OV_TRY(ov_query_run_part(q, q->planned->plan, sink, err));
    if (q->kept)
        ov_planned_ran(q->planned, (ov_monotonic_ns() - start) / 1000);
    return OV_OK;
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
static uint64_t scanned_rows(const ov_plan *node, const ov_snapshot *snapshot)
{
    const ov_datasource *ds = ov_plan_datasource(node, snapshot);
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

static uint64_t plan_rows(const ov_plan *node, const ov_snapshot *snapshot)
{
    uint64_t rows = node->kind == OV_PLAN_SCAN ? scanned_rows(node, snapshot) : 0;
    if (node->kind == OV_PLAN_JOIN && node->join.key_count == 0) {
        uint64_t left = plan_rows(node->inputs[0], snapshot), right = plan_rows(node->inputs[1], snapshot);
        return __builtin_mul_overflow(left + 1, right + 1, &rows) ? UINT64_MAX : rows;
    }
    for (uint32_t i = 0; i < node->input_count; i++)
        if (__builtin_add_overflow(rows, plan_rows(node->inputs[i], snapshot), &rows))
            return UINT64_MAX;
    if (node->kind == OV_PLAN_LIMIT && ends_early(node) && node->limit.limit < rows)
        rows = OV_MIN(rows, node->limit.limit + OV_MIN(node->limit.offset, rows));
    return rows;
}

uint64_t ov_query_rows(const ov_query *q)
{
    return q->planned->plan ? plan_rows(q->planned->plan, q->cx.snapshot) : 0;
}

const ov_exec_stats *ov_query_stats(const ov_query *q)
{
    return &q->cx.stats;
}

void ov_query_close(ov_query *q)
{
    if (!q)
        return;
    ov_planned_release(q->planned);
    ov_snapshot_release(q->snapshot);
    ov_arena_fini(&q->cx.arena);
    ov_free(q);
}
