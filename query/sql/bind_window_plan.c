/*
 * Window calls that a SELECT collected, as nodes of its plan: when grouping is settled they move onto the groups as
 * the items do, and WINDOW nodes go between the groups and the items, one for all calls that share partition and
 * order, the others stacked above.
 */
#include "query/sql/bind_int.h"

/* ---- onto the groups ---- */

static OV_CHECKED ov_status regroup(ovi_sql_binder *b, const ovi_sql_regroup *g, const ov_ast *ast,
                                    const ov_expr *const *in, uint32_t count, const ov_expr ***out, ov_error *err)
{
    const ov_expr **moved;
    OV_TRY(ov_arena_alloc(b->arena, ((size_t)count + 1) * sizeof *moved, &moved, err));
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(ovi_sql_onto_groups(b, g->rel, g->grouping, g->aggregate, g->agg_count, ast, in[i], &moved[i], err));
    *out = moved;
    return OV_OK;
}

ov_status ovi_sql_windows_onto_groups(ovi_sql_binder *b, const ovi_sql_regroup *g, ovi_sql_windows *all, ov_error *err)
{
    for (uint32_t i = 0; i < all->count; i++) {
        ovi_sql_window *w = &all->list[i];
        OV_TRY(regroup(b, g, w->ast, w->partition, w->partition_count, &w->partition, err));
        OV_TRY(regroup(b, g, w->ast, w->order, w->order_count, &w->order, err));
        OV_TRY(regroup(b, g, w->ast, w->call.args, w->call.argc, &w->call.args, err));
        if (!w->call.agg)
            continue;
        ov_agg_call *agg;
        OV_TRY(ov_arena_alloc(b->arena, sizeof *agg, &agg, err));
        *agg = *w->call.agg;
        OV_TRY(regroup(b, g, w->ast, agg->args, agg->argc, &agg->args, err));
        if (agg->filter)
            OV_TRY(ovi_sql_onto_groups(b, g->rel, g->grouping, g->aggregate, g->agg_count, w->ast, agg->filter,
                                       &agg->filter, err));
        w->call.agg = agg;
    }
    return OV_OK;
}

/* ---- the nodes ---- */

typedef struct building {
    ovi_sql_binder *b;
    const ov_plan *base;
    ovi_sql_windows *windows;
    const ov_expr **inputs; /* columns of base, then what windows partition and order by and is none */
    uint32_t input_count;
    ov_places places; /* of inputs */
} building;

static OV_CHECKED ov_status add_input(building *g, const ov_expr *e, uint32_t *column, ov_error *err)
{
    *column = e->column;
    if (e->kind == OV_EXPR_COLUMN && e->column < g->base->field_count && e->type.id != OV_TYPE_ARRAY) /* of no query around */
        return OV_OK;
    if (e->type.id == OV_TYPE_ARRAY)
        OV_TRY(ovi_sql_packed(g->b, e, &e, err));
    *column = ov_expr_find(&g->places, g->inputs, e);
    if (*column != OV_NO_PLACE && e->deterministic)
        return OV_OK;
    OV_TRY(ov_expr_note(&g->places, g->b->arena, e, err));
    *column = g->input_count++;
    g->inputs[*column] = e;
    return OV_OK;
}

/* Columns to partition and to order by, of every window. */
static OV_CHECKED ov_status add_inputs(building *g, uint32_t ***partitions, ov_error *err)
{
    ovi_sql_windows *all = g->windows;
    size_t most = g->base->field_count;
    for (uint32_t i = 0; i < all->count; i++)
        most += all->list[i].partition_count + all->list[i].order_count;
    OV_TRY(ov_arena_alloc(g->b->arena, (most + 1) * sizeof *g->inputs, &g->inputs, err));
    OV_TRY(ov_arena_alloc(g->b->arena, ((size_t)all->count + 1) * sizeof **partitions, partitions, err));
    for (; g->input_count < g->base->field_count; g->input_count++) {
        OV_TRY(ov_plan_column(g->b->cx, g->base, g->input_count, &g->inputs[g->input_count], err));
        OV_TRY(ov_expr_note(&g->places, g->b->arena, g->inputs[g->input_count], err));
    }
    for (uint32_t i = 0; i < all->count; i++) {
        ovi_sql_window *w = &all->list[i];
        uint32_t *columns;
        OV_TRY(ov_arena_alloc(g->b->arena, ((size_t)w->partition_count + 1) * sizeof *columns, &columns, err));
        for (uint32_t p = 0; p < w->partition_count; p++)
            OV_TRY(add_input(g, w->partition[p], &columns[p], err));
        for (uint32_t o = 0; o < w->order_count; o++)
            OV_TRY(add_input(g, w->order[o], &w->keys[o].column, err));
        (*partitions)[i] = columns;
    }
    return OV_OK;
}

/* The projection below the windows, when they need what base does not have. */
static OV_CHECKED ov_status project_inputs(building *g, const ov_plan **out, ov_error *err)
{
    ov_slice *names;
    *out = g->base;
    if (g->input_count == g->base->field_count)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(g->b->arena, (size_t)g->input_count * sizeof *names, &names, err));
    for (uint32_t i = 0; i < g->base->field_count; i++)
        names[i] = g->base->fields[i].name;
    return ov_plan_project(g->b->arena, g->base, g->inputs, names, g->input_count, out, err);
}

/* Arrays that are taken from other rows travel as bytes. */
static OV_CHECKED ov_status final_call(building *g, const ov_window_call *call, ov_window_call *out, ov_error *err)
{
    const ov_expr **args;
    *out = *call;
    if (!call->argc || call->type.id != OV_TYPE_ARRAY)
        return OV_OK;
    OV_TRY(ov_arena_alloc(g->b->arena, call->argc * sizeof *args, &args, err));
    for (uint32_t i = 0; i < call->argc; i++)
        OV_TRY(ovi_sql_packed(g->b, call->args[i], &args[i], err));
    out->args = args;
    out->type = args[0]->type;
    out->sql = args[0]->sql;
    return OV_OK;
}

/* The window not yet placed that says most: those that say less then find their rows in order. */
static uint32_t next_window(const ovi_sql_windows *all, const uint32_t *columns)
{
    uint32_t best = all->count;
    for (uint32_t i = 0; i < all->count; i++) {
        const ovi_sql_window *w = &all->list[i], *b = &all->list[best == all->count ? i : best];
        if (!columns[i] && (best == all->count ||
                            w->partition_count + w->order_count > b->partition_count + b->order_count))
            best = i;
    }
    return best;
}

/* columns[i]: where call i is in *plan. */
static OV_CHECKED ov_status stack(building *g, uint32_t *const *partitions, const ov_plan **plan, uint32_t *columns,
                                  ov_error *err)
{
    ovi_sql_windows *all = g->windows;
    for (uint32_t first; (first = next_window(all, columns)) < all->count;) {
        const ovi_sql_window *w = &all->list[first];
        ov_window_call *calls;
        uint32_t count = 0;
        OV_TRY(ov_arena_alloc(g->b->arena, all->count * sizeof *calls, &calls, err));
        for (uint32_t i = first; i < all->count; i++) {
            if (columns[i] || !ovi_sql_same_over(w, &all->list[i]))
                continue;
            columns[i] = (*plan)->field_count + count;
            OV_TRY(final_call(g, &all->list[i].call, &calls[count++], err));
        }
        OV_TRY(ov_plan_window(g->b->arena, *plan, partitions[first], w->partition_count, w->keys, w->order_count,
                              calls, count, plan, err));
    }
    return OV_OK;
}

/* Bytes are arrays again. */
static OV_CHECKED ov_status unpack_all(building *g, uint32_t *columns, const ov_plan **plan, ov_error *err)
{
    uint32_t base = g->base->field_count, count = base + g->windows->count;
    const ov_expr **exprs;
    ov_slice *names;
    OV_TRY(ov_arena_alloc(g->b->arena, ((size_t)count + 1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_zalloc(g->b->arena, ((size_t)count + 1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < base; i++) {
        names[i] = g->base->fields[i].name;
        OV_TRY(ov_plan_column(g->b->cx, *plan, i, &exprs[i], err));
    }
    for (uint32_t i = 0; i < g->windows->count; i++) {
        const ov_window_call *call = &g->windows->list[i].call;
        OV_TRY(ov_plan_column(g->b->cx, *plan, columns[i], &exprs[base + i], err));
        if (call->argc && call->type.id == OV_TYPE_ARRAY)
            OV_TRY(ovi_sql_unpacked(g->b, exprs[base + i], call->args[0], &exprs[base + i], err));
        columns[i] = base + i;
    }
    return ov_plan_project(g->b->arena, *plan, exprs, names, count, plan, err);
}

ov_status ovi_sql_add_windows(ovi_sql_binder *b, ovi_sql_windows *all, const ov_plan **plan, ov_error *err)
{
    building g = {.b = b, .base = *plan, .windows = all};
    uint32_t **partitions;
    bool bytes = false;
    OV_TRY(add_inputs(&g, &partitions, err));
    OV_TRY(project_inputs(&g, plan, err));
    OV_TRY(ov_arena_zalloc(b->arena, ((size_t)all->count + 1) * sizeof *all->columns, &all->columns, err));
    OV_TRY(stack(&g, partitions, plan, all->columns, err));
    for (uint32_t i = 0; i < all->count; i++)
        bytes = bytes || (all->list[i].call.argc && all->list[i].call.type.id == OV_TYPE_ARRAY);
    return bytes ? unpack_all(&g, all->columns, plan, err) : OV_OK;
}

ov_status ovi_sql_onto_windows(ovi_sql_binder *b, const ovi_sql_windows *all, const ov_plan *plan, const ov_expr *e,
                               const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    *out = e;
    if (e->kind == OV_EXPR_COLUMN)
        return e->column < (uint32_t)OVI_SQL_WINDOW_BASE || e->column >= OVI_SQL_SUB_BASE
                   ? OV_OK
                   : ov_plan_column(b->cx, plan, all->columns[e->column - (uint32_t)OVI_SQL_WINDOW_BASE], out, err);
    if (!e->argc)
        return OV_OK;
    OV_TRY(ov_arena_alloc(b->arena, e->argc * sizeof *args, &args, err));
    for (uint32_t i = 0; i < e->argc; i++)
        OV_TRY(ovi_sql_onto_windows(b, all, plan, e->args[i], &args[i], err));
    return ovi_sql_with_args(b, e, args, out, err);
}
