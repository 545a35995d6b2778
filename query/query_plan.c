/*
 * A request becomes a plan: what its context and SET statements change, SQL or native JSON, constants of sub-queries, the
 * passes of the optimiser.
 */
#include "query/query_int.h"

#include "base/os.h"
#include "base/tz.h"
#include "query/subquery.h"
#include "query/system/system.h"

int64_t ovi_query_deadline_in(int64_t timeout_ms)
{
    const int64_t longest = INT64_MAX / 2; /* the sum stays a number */
    return timeout_ms > 0 ? ov_monotonic_ms() + OV_MIN(timeout_ms, longest) : 0;
}

/* What SET statements change; they beat the request's context. */
typedef struct settings {
    ov_slice time_zone;
    int64_t timeout_ms;
    uint64_t outer_limit;
    int64_t max_parse_exceptions;
    bool finalize_sketches;
    ov_slice as_of; /* empty: now */
    const ov_sql_setting *zone; /* the statement that chose it; NULL: the request's context */
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
        to->zone = s;
    } else if (ov_slice_eq(s->name, OV_SLICE_LIT("asOf"))) {
        to->as_of = s->value;
    } else if (ov_slice_eq(s->name, OV_SLICE_LIT("sqlFinalizeOuterSketches"))) {
        to->finalize_sketches = ov_slice_ieq(s->value, OV_SLICE_LIT("true"));
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
    *out = (settings){rq->time_zone, rq->timeout_ms, rq->outer_limit, rq->max_parse_exceptions,
                      ov_query_context_affirms(rq->context, "sqlFinalizeOuterSketches"), {0}, NULL};
    OV_TRY(ov_sql_settings(parsed, &q->planned->arena, &list, &count, err));
    q->sets = list;
    q->set_count = count;
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(apply_setting(&list[i], out, err));
    q->cx.deadline_ms = ovi_query_deadline_in(out->timeout_ms);
    ov_status st = out->time_zone.n ? ov_tz_get(out->time_zone, &q->planned->expr.tz, err) : OV_OK;
    if (st == OV_OK || !out->zone)
        return st;
    ov_error why = *err;
    return ov_fail_at(err, why.code, out->zone->pos, out->zone->end_pos, "%s", why.text);
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

bool ovi_query_makes_tables(const ov_plan *node, bool count_lookups)
{
    bool found = node->kind == OV_PLAN_SYSTEM && (count_lookups || strcmp(node->system.table->schema, "lookup") != 0);
    for (uint32_t i = 0; i < node->input_count && !found; i++)
        found = ovi_query_makes_tables(node->inputs[i], count_lookups);
    return found;
}

/* Rows of sub-queries become constants of the plan. */
static ov_status run_subquery(void *self, const ov_plan *plan, ov_expr_ctx *cx, ov_sql_rows *out, ov_error *err)
{
    ov_query *q = self;
    q->planned->of_the_moment = true;
    q->planned->made_tables |= ovi_query_makes_tables(plan, false);
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
    sql.finalize_sketches = set.finalize_sketches;
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
    q->cx.deadline_ms = ovi_query_deadline_in(rq->timeout_ms);
    ov_status planned = ov_native_plan(&env, rq->native, &q->native, err);
    OV_TRY(why_not_found(&past, planned, err));
    p->plan = q->native.plan;
    return OV_OK;
}

ov_status ovi_query_make_plan(ov_query *q, const ov_query_env *env, const ov_query_request *rq, ov_error *err)
{
    return rq->native ? make_native_plan(q, env, rq, err) : make_plan(q, env, rq, err);
}
