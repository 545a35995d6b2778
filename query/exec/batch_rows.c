/*
 * How many rows a batch may have. Everything that is computed of a batch is there at the same time, so a statement
 * of a hundred thousand expressions gets small batches; all others the full ones.
 */
#include "query/exec/exec_int.h"

#include "base/pool.h"

enum {
    LEAST_ROWS = 64, /* lanes are padded to as many */
    MEMORY_SHARE = 8, /* of the query's memory, for the batches of all workers */
    MOST_VALUES = 1 << 20 /* of a batch: computing them takes some milliseconds, and then is the time to look whether to go on */
};

static size_t value_bytes(ov_type t)
{
    return ov_type_is_int(t) || ov_type_is_real(t) ? sizeof(int64_t) : sizeof(ov_slice);
}

/* Bytes a row of all that is computed on the way to e. */
static size_t expr_bytes(const ov_expr *e)
{
    size_t bytes = e->argc ? value_bytes(e->type) : 0;
    for (uint32_t i = 0; i < e->argc; i++)
        bytes += expr_bytes(e->args[i]);
    return bytes;
}

static size_t list_bytes(const ov_expr *const *list, uint32_t count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += expr_bytes(list[i]);
    return bytes;
}

static size_t call_bytes(const ov_agg_call *call)
{
    return list_bytes(call->args, call->argc) + (call->filter ? expr_bytes(call->filter) : 0);
}

/* What the node itself makes of a row. */
static size_t node_bytes(const ov_plan *node)
{
    size_t bytes = 0;
    switch ((ov_plan_kind)node->kind) {
    case OV_PLAN_PROJECT:
        return list_bytes(node->project.exprs, node->field_count);
    case OV_PLAN_FILTER:
        return expr_bytes(node->filter.predicate);
    case OV_PLAN_SCAN:
        bytes = node->scan.filter ? expr_bytes(node->scan.filter) : 0;
        break;
    case OV_PLAN_AGGREGATE:
        bytes = list_bytes(node->aggregate.keys, node->aggregate.key_count) + 8 * (size_t)node->aggregate.key_count;
        for (uint32_t i = 0; i < node->aggregate.agg_count; i++)
            bytes += call_bytes(&node->aggregate.aggs[i]);
        break;
    case OV_PLAN_WINDOW:
        for (uint32_t i = 0; i < node->window.call_count; i++) {
            const ov_window_call *call = &node->window.calls[i];
            bytes += call->agg ? call_bytes(call->agg) : list_bytes(call->args, call->argc);
        }
        break;
    case OV_PLAN_UNION:
    case OV_PLAN_LIMIT:
        return 0;
    default:
        break;
    }
    for (uint32_t i = 0; i < node->field_count; i++)
        bytes += value_bytes(node->fields[i].type);
    return bytes;
}

/* Along the widest way from the plan's top to a source: what may be there of a row at once. */
static size_t path_bytes(const ov_plan *plan)
{
    size_t below = 0;
    for (uint32_t i = 0; i < plan->input_count; i++)
        below = OV_MAX(below, path_bytes(plan->inputs[i]));
    return below + node_bytes(plan);
}

uint32_t ovi_batch_rows(const ov_plan *plan, const ov_query_ctx *cx)
{
    size_t most = SIZE_MAX, bytes = OV_MAX(path_bytes(plan), (size_t)1);
    if (cx->options.batch_rows)
        return OV_MIN(cx->options.batch_rows, (uint32_t)OV_BATCH_ROWS);
    for (const ov_budget *b = &cx->budget; b; b = b->parent)
        most = OV_MIN(most, b->limit);
    size_t rows = OV_MIN(most / MEMORY_SHARE / ov_pool_width(cx->pool) / bytes, MOST_VALUES * sizeof(int64_t) / bytes);
    if (rows >= OV_BATCH_ROWS)
        return OV_BATCH_ROWS;
    return (uint32_t)OV_MAX(rows / 64 * 64, (size_t)LEAST_ROWS);
}
