/* The life of a query: a plan, kept or new; its run; what is known of it. */
#include "query/query_int.h"

#include "base/map_guard.h"
#include "base/steps.h"
#include "query/analyze.h"
#include "query/expr/lookup.h"
#include "query/plan_key.h"

enum { QUICK_US = 500 }; /* plans whose runs take so long are quick */
enum { LONG_TEXT = 64 << 10 };

/* ---- kept plans ---- */

/* The same statement gives the same plan as long as columns and lookups stay. */
static bool may_be_kept(const ov_query *q)
{
    const ov_planned *p = q->planned;
    return !q->analyze && !q->write && !q->explain && q->set_count == 0 && !p->of_the_moment &&
           !p->expr.asked_now && !p->tables.failed && !ovi_query_makes_tables(p->plan, true);
}

bool ov_query_is_repeatable(const ov_query *q)
{
    const ov_planned *p = q->planned;
    return !q->analyze && !q->write && !q->explain && !p->expr.asked_now && !p->expr.made_volatile && !p->made_tables &&
           !(p->plan && ovi_query_makes_tables(p->plan, false));
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
        if (q->kept)
            q->cx.deadline_ms = ovi_query_deadline_in(rq->timeout_ms);
    } else {
        OV_TRY_OUT(st, ov_planned_create(snapshot, lookups, &q->cx.budget, &q->planned, err));
        q->planned->expr.now_ms = ov_now_ms();
        ov_query_request own = *rq;
        if (keeps)
            OV_TRY_OUT(st, ovi_plan_own_texts(rq, &q->planned->arena, &own, err));
        OV_TRY_OUT(st, ovi_query_make_plan(q, env, &own, err));
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
    if (st == OV_OK && rq->sql.n <= LONG_TEXT)
        st = ov_arena_copy(&q->cx.arena, rq->sql, &q->text, err);
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
    ov_steps_begin();
    ov_status st = open_query(env, rq, false, out, err);
    ov_steps_end();
    return st;
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
    ov_status st = ov_exec_run(part, &q->cx, sink, err);
    if (st != OV_OK) {
        if (q->text.n)
            ov_sql_place_error(q->text, err);
        return st;
    }
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
