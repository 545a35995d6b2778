/*
 * Which of equal values a topN shows. Druid keeps the best thousand of a segment in a queue that is fed in the order of the dimension: once it is full,
 * an equal value stays out, and each better one pushes the smallest of the worst out. What is shown then is not the first of the equal
 * ones but the first that were not pushed out; how many those are follows from the best rows alone:
 *
 *     T rows fit into the queue; m is the metric of row T in the order of the metric. Rows of m or better, in the order of the dimension, are
 *     taken in until T are there. Each row better than m behind those pushes out the first of the rows of m that is left.
 *
 * So it takes the best T rows and as many more as are shown, which is next to nothing, and applies to all segments together: values are
 * exact, and only which of equal ones are shown is Druid's for one segment.
 */
#include "query/native/native_plan_int.h"
#include "query/plan/estimate.h"

enum { QUEUE = 1000 };

static ov_status compare_column(ovi_nplanner *p, const ov_plan *in, uint32_t column, const char *op, const ov_expr *other, const ov_expr **out,
                                ov_error *err)
{
    const ov_expr *sides[2] = {NULL, other};
    OV_TRY(ov_plan_column(p->cx, in, column, &sides[0], err));
    return ovi_ncall(p, NULL, op, sides, 2, out, err);
}

/* COUNT(*) of the rows that pass the filter, as a call over a frame. */
static ov_status count_call(ovi_nplanner *p, const ov_expr *filter, ov_window_frame frame, ov_window_call *out, ov_error *err)
{
    ov_agg_call *agg;
    OV_TRY(ov_arena_zalloc(p->arena, sizeof *agg, &agg, err));
    OV_TRY(ov_agg_bind(p->cx, OV_SLICE_LIT("COUNT"), NULL, 0, false, filter, 0, 0, agg, err));
    *out = (ov_window_call){.fn = OV_WINDOW_AGGREGATE, .agg = agg, .frame = frame, .type = agg->type, .sql = agg->sql, .nullable = agg->nullable};
    return OV_OK;
}

static ov_window_call number_call(ov_window_fn fn)
{
    return (ov_window_call){.fn = (uint8_t)fn, .type = OV_T(OV_TYPE_LONG), .sql = OV_SQL_BIGINT};
}

/* The rows at least as good as row T; behind their columns: how many rows are as good as each or better. */
static ov_status queued(ovi_nplanner *p, const ov_plan *best, const ov_sort_key *keys, uint32_t metric_keys, const ov_expr *room,
                        const ov_plan **out, ov_error *err)
{
    ov_window_frame so_far = {.range = true, .to = {.kind = OV_EDGE_CURRENT}};
    ov_window_call *calls;
    const ov_expr *kept;
    OV_TRY(ov_arena_alloc(p->arena, 2 * sizeof *calls, &calls, err));
    OV_TRY(count_call(p, NULL, so_far, &calls[0], err));
    calls[1] = number_call(OV_WINDOW_RANK);
    OV_TRY(ov_plan_window(p->arena, best, NULL, 0, keys, metric_keys, calls, 2, out, err));
    OV_TRY(compare_column(p, *out, best->field_count + 1, "<=", room, &kept, err));
    return ov_plan_filter(p->arena, *out, kept, out, err);
}

/* The dimension is a column of texts as it is stored, in segments that Druid reads in the order of their dictionaries, and may have more groups
 * than fit into the queue. */
static bool may_overflow(ovi_nplanner *p, const ovi_ngroup *g, int64_t queue)
{
    const ov_plan *source = g->in->rel.plan;
    const ov_expr *e = g->dims->expr;
    return source->kind == OV_PLAN_SCAN && e->kind == OV_EXPR_COLUMN && e->type.id == OV_TYPE_STRING &&
           ov_plan_guess_distinct(p->cx, source, e) > (double)queue;
}

ov_status ovi_ntop_order(ovi_nplanner *p, const ovi_ngroup *g, const ov_plan *in, const ov_sort_key *keys, uint32_t key_count, uint64_t limit,
                         const ov_plan **out, ov_error *err)
{
    const ov_json *query = g->query;
    ov_window_frame so_far = {.to = {.kind = OV_EDGE_CURRENT}}, whole = {0};
    const ov_expr *room, *better, *equal, *behind, *both[2], *pushed;
    ov_window_call *calls, *last;
    ov_sort_key *by_dimension;
    int64_t queue;
    uint32_t as_good = in->field_count, place = as_good + 2, tie = as_good + 3, out_of_it = as_good + 4;
    OV_TRY(ov_json_i64_in(ov_json_find(query, "context"), "minTopNThreshold", QUEUE, 0, INT32_MAX, &queue, err));
    queue = OV_MAX(queue, (int64_t)limit);
    if (!may_overflow(p, g, queue))
        return ov_plan_order(p->cx, in, keys, key_count, limit, 0, out, err);
    OV_TRY(ov_plan_order(p->cx, in, keys, key_count, (uint64_t)queue + limit, 0, out, err));
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, queue, &room, err));
    OV_TRY(queued(p, *out, keys, key_count - 1, room, out, err));
    OV_TRY(compare_column(p, *out, as_good, "<", room, &better, err));
    OV_TRY(ovi_ncall(p, query, "NOT", &better, 1, &equal, err));
    /* places in the order of the dimension, and the equal ones counted */
    OV_TRY(ov_arena_alloc(p->arena, 2 * sizeof *calls, &calls, err));
    OV_TRY(ov_arena_alloc(p->arena, sizeof *by_dimension, &by_dimension, err));
    *by_dimension = keys[key_count - 1];
    calls[0] = number_call(OV_WINDOW_ROW_NUMBER);
    OV_TRY(count_call(p, equal, so_far, &calls[1], err));
    OV_TRY(ov_plan_window(p->arena, *out, NULL, 0, by_dimension, 1, calls, 2, out, err));
    /* the better ones behind place T */
    OV_TRY(compare_column(p, *out, place, ">", room, &behind, err));
    both[0] = better;
    both[1] = behind;
    OV_TRY(ovi_ncall(p, query, "AND", both, 2, &both[0], err));
    OV_TRY(ov_arena_alloc(p->arena, sizeof *last, &last, err));
    OV_TRY(count_call(p, both[0], whole, last, err));
    OV_TRY(ov_plan_window(p->arena, *out, NULL, 0, NULL, 0, last, 1, out, err));
    OV_TRY(ov_plan_column(p->cx, *out, out_of_it, &pushed, err));
    OV_TRY(compare_column(p, *out, tie, ">", pushed, &both[1], err));
    both[0] = better;
    OV_TRY(ovi_ncall(p, query, "OR", both, 2, &both[0], err));
    OV_TRY(ov_plan_filter(p->arena, *out, both[0], out, err));
    return ov_plan_order(p->cx, *out, keys, key_count, limit, 0, out, err);
}
