/*
 * Entry of the executor: workers, dispatch over plan nodes, the result sink.
 */
#include "query/exec/exec_int.h"

#include "base/os.h"
#include "base/pool.h"
#include "base/steps.h"

static bool is_cancelled(const ov_query_ctx *cx)
{
    ov_steps_look();
    return atomic_load_explicit(&cx->cancelled, memory_order_relaxed) ||
           (cx->cancel && atomic_load_explicit(cx->cancel, memory_order_relaxed));
}

ov_status ov_query_alive(ov_query_ctx *cx, ov_error *err)
{
    if (is_cancelled(cx))
        return ov_fail(err, OV_CANCELLED, "Query cancelled");
    if (cx->deadline_ms && ov_monotonic_ms() >= cx->deadline_ms)
        return ov_fail(err, OV_TIMEOUT, "Query timed out");
    return OV_OK;
}

static bool must_stop(void *cx)
{
    ov_error ignored = OV_ERROR_INIT;
    return ov_query_alive(cx, &ignored) != OV_OK;
}

ovi_stop ovi_stop_of(ov_query_ctx *cx)
{
    return (ovi_stop){must_stop, cx};
}

ovi_node_stats *ovi_stats_of(ovi_exec *x, const ov_plan *node)
{
    for (uint32_t i = 0; i < x->stats_count; i++)
        if (x->stats[i].node == node)
            return &x->stats[i];
    return NULL;
}

void ovi_count_rows(ovi_exec *x, const ov_plan *node, const ov_batch *b)
{
    ovi_node_stats *s = x->stats_count ? ovi_stats_of(x, node) : NULL;
    if (!s)
        return;
    atomic_fetch_add_explicit(&s->rows, b->sel_rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->batches, 1, memory_order_relaxed);
}

static ov_status still_alive(void *cx, ov_error *err)
{
    return ov_query_alive(cx, err);
}

ov_status ovi_worker_ready(ovi_worker *w, ov_error *err)
{
    if (w->eval)
        return OV_OK;
    ov_eval_options options = {.general_only = w->exec->cx->options.general_only,
                               .alive = still_alive,
                               .alive_cx = w->exec->cx,
                               .sharers = w->exec->worker_count};
    return ov_eval_create(&w->exec->cx->budget, &options, &w->eval, err);
}

ov_status ovi_next_batch(ovi_worker *w, ov_error *err)
{
    enum { CLOCK_BATCHES = 8 }; /* reading the clock costs as much as some batches */
    if (w->looked++ % CLOCK_BATCHES == 0 || is_cancelled(w->exec->cx))
        OV_TRY(ov_query_alive(w->exec->cx, err));
    OV_TRY(ovi_worker_ready(w, err));
    ov_arena_reset(&w->scratch);
    ov_eval_next_batch(w->eval);
    return OV_OK;
}

ov_status ovi_push(ovi_sink *s, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    return b->sel_rows ? s->push(s, w, b, err) : OV_OK;
}

static ov_status run_union(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    for (uint32_t i = 0; i < node->input_count && !ovi_done(sink); i++)
        OV_TRY(ovi_run(x, node->inputs[i], sink, err));
    return OV_OK;
}

ov_status ovi_run(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    int64_t start = x->stats_count ? ov_monotonic_ns() : 0;
    ov_status st = OV_OK;
    switch ((ov_plan_kind)node->kind) {
    case OV_PLAN_SCAN:
        st = ovi_run_scan(x, node, sink, err);
        break;
    case OV_PLAN_SYSTEM:
        st = ovi_run_system(x, node, sink, err);
        break;
    case OV_PLAN_VALUES:
        st = ovi_run_values(x, node, sink, err);
        break;
    case OV_PLAN_FILTER:
        st = ovi_run_filter(x, node, sink, err);
        break;
    case OV_PLAN_PROJECT:
        st = ovi_run_project(x, node, sink, err);
        break;
    case OV_PLAN_AGGREGATE:
        st = ovi_run_aggregate(x, node, sink, err);
        break;
    case OV_PLAN_SORT:
        st = ovi_run_sort(x, node, sink, err);
        break;
    case OV_PLAN_LIMIT:
        st = ovi_run_limit(x, node, sink, err);
        break;
    case OV_PLAN_UNION:
        st = run_union(x, node, sink, err);
        break;
    case OV_PLAN_JOIN:
        st = ovi_run_join(x, node, sink, err);
        break;
    case OV_PLAN_UNNEST:
        st = ovi_run_unnest(x, node, sink, err);
        break;
    case OV_PLAN_WINDOW:
        st = ovi_run_window(x, node, sink, err);
        break;
    }
    ovi_node_stats *s = x->stats_count ? ovi_stats_of(x, node) : NULL;
    if (s)
        atomic_store(&s->ns, ov_monotonic_ns() - start);
    return st;
}

/* ---- the result ---- */

typedef struct result_sink {
    ovi_ordered ordered;
    ov_query_ctx *cx;
    const ov_result_sink *out;
} result_sink;

static ov_status result_deliver(ovi_ordered *o, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    result_sink *r = (result_sink *)o;
    (void)w;
    OV_TRY(ov_query_alive(r->cx, err));
    atomic_fetch_add_explicit(&r->cx->stats.rows_out, b->sel_rows, memory_order_relaxed);
    return r->out->rows(r->out->self, b, err);
}

static void use_all(const ovi_sink *s, uint64_t *columns, uint32_t count)
{
    (void)s;
    for (uint32_t i = 0; i < count; i++)
        columns[i / 64] |= UINT64_C(1) << i % 64;
}

ov_status ovi_extra_worker(ovi_exec *x, unsigned number, ovi_worker **out, ov_error *err)
{
    ovi_worker *w;
    OV_TRY(ov_arena_zalloc(&x->arena, sizeof(*w), &w, err));
    *w = (ovi_worker){.number = number, .exec = x, .next_extra = x->extra};
    ov_arena_init(&w->scratch, "batch", &x->cx->budget);
    ov_arena_init(&w->kept, "morsel", &x->cx->budget);
    x->extra = w;
    *out = w;
    return OV_OK;
}

static ov_status make_workers(ovi_exec *x, ov_error *err)
{
    ov_query_ctx *cx = x->cx;
    unsigned width = ov_pool_width(cx->pool);
    x->worker_count = cx->options.workers ? OV_MIN(cx->options.workers, width) : width;
    x->workers = ov_calloc(x->worker_count, sizeof(*x->workers));
    if (!x->workers)
        return ov_fail_nomem(err, x->worker_count * sizeof(*x->workers));
    for (unsigned i = 0; i < x->worker_count; i++) {
        x->workers[i] = (ovi_worker){.number = i, .exec = x};
        ov_arena_init(&x->workers[i].scratch, "batch", &cx->budget);
        ov_arena_init(&x->workers[i].kept, "morsel", &cx->budget);
    }
    return OV_OK;
}

static void free_worker(ovi_worker *w)
{
    if (w->eval)
        ov_eval_destroy(w->eval);
    ov_arena_fini(&w->scratch);
    ov_arena_fini(&w->kept);
}

void ovi_drop_extra(ovi_exec *x)
{
    for (ovi_worker *w = x->extra; w; w = w->next_extra)
        free_worker(w);
    x->extra = NULL;
}

static void free_workers(ovi_exec *x)
{
    for (unsigned i = 0; x->workers && i < x->worker_count; i++)
        free_worker(&x->workers[i]);
    ovi_drop_extra(x);
    ov_free(x->workers);
}

static ov_status run_plan(ovi_exec *x, const ov_plan *plan, const ov_result_sink *sink, ov_error *err)
{
    result_sink r = {.ordered = {.base = {.push = ovi_ordered_push, .used = use_all, .ordered = true},
                                 .deliver = result_deliver},
                     .cx = x->cx,
                     .out = sink};
    OV_TRY(make_workers(x, err));
    OV_TRY(ov_query_alive(x->cx, err));
    if (sink->begin)
        OV_TRY(sink->begin(sink->self, plan->fields, plan->field_count, err));
    return ovi_run(x, plan, &r.ordered.base, err);
}

static ov_status run_with_stats(const ov_plan *plan, ov_query_ctx *cx, const ov_result_sink *sink,
                                ovi_node_stats *stats, uint32_t stats_count, ov_error *err)
{
    ovi_exec x = {.cx = cx,
                  .batch_rows = ovi_batch_rows(plan, cx),
                  .stats = stats,
                  .stats_count = stats_count};
    ov_steps_begin();
    ov_mutex_init(&x.lock);
    ov_arena_init(&x.arena, "query", &cx->budget);
    ov_status st = run_plan(&x, plan, sink, err);
    free_workers(&x);
    ov_arena_fini(&x.arena);
    ov_mutex_fini(&x.lock);
    ov_steps_end();
    return st;
}

ov_status ov_exec_run(const ov_plan *plan, ov_query_ctx *cx, const ov_result_sink *sink, ov_error *err)
{
    return run_with_stats(plan, cx, sink, NULL, 0, err);
}

static uint32_t count_nodes(const ov_plan *plan)
{
    uint32_t n = 1;
    for (uint32_t i = 0; i < plan->input_count; i++)
        n += count_nodes(plan->inputs[i]);
    return n;
}

static void list_nodes(const ov_plan *plan, uint32_t depth, ov_node_counts *list, uint32_t *n)
{
    list[(*n)++] = (ov_node_counts){.node = plan, .depth = depth};
    for (uint32_t i = 0; i < plan->input_count; i++)
        list_nodes(plan->inputs[i], depth + 1, list, n);
}

ov_status ov_exec_run_counted(const ov_plan *plan, ov_query_ctx *cx, const ov_result_sink *sink, ov_arena *out,
                              ov_node_counts **counts, uint32_t *count, ov_error *err)
{
    uint32_t n = count_nodes(plan);
    ovi_node_stats *stats;
    *count = 0;
    OV_TRY(ov_arena_zalloc(out, n * sizeof(**counts), counts, err));
    OV_TRY(ov_arena_zalloc(out, n * sizeof(*stats), &stats, err));
    list_nodes(plan, 0, *counts, count);
    for (uint32_t i = 0; i < n; i++)
        stats[i].node = (*counts)[i].node;
    OV_TRY(run_with_stats(plan, cx, sink, stats, n, err));
    for (uint32_t i = 0; i < n; i++) {
        (*counts)[i].rows = atomic_load(&stats[i].rows);
        (*counts)[i].batches = atomic_load(&stats[i].batches);
        (*counts)[i].ns = atomic_load(&stats[i].ns);
    }
    return OV_OK;
}
