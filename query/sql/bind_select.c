/*
 * SELECT: FROM, WHERE, grouping, items, HAVING, DISTINCT, ORDER BY, LIMIT, in the order in which
 * they work.
 *
 * ORDER BY sorts below the projection when all its keys are columns there, so that items are
 * computed for the rows that remain; otherwise keys that are no items become hidden columns of the
 * projection.
 */
#include "query/sql/bind_select.h"

typedef ovi_select_binding select_binding;

const ov_ast *ovi_sql_unaliased(const ov_ast *item)
{
    return item->kind == OV_AST_ALIAS ? item->kids[0] : item;
}

static ovi_sql_names names_of(select_binding *s, const char *clause, ovi_sql_alias_use use)
{
    return (ovi_sql_names){.b = s->b,
                           .rel = &s->rel,
                           .clause = clause,
                           .aggs = &s->aggs,
                           .alias_use = use,
                           .items = s->items,
                           .item_count = s->item_count,
                           .by_name = s->by_name.count ? &s->by_name : NULL,
                           .select = s->select};
}

/* ---- FROM and WHERE ---- */

/* SELECT without FROM has one row and no columns. */
static OV_CHECKED ov_status one_row(ovi_sql_binder *b, ovi_sql_rel *out, ov_error *err)
{
    const ov_plan *plan;
    OV_TRY(ov_plan_values(b->arena, NULL, 0, NULL, 1, &plan, err));
    return ovi_sql_rel_of(b, plan, ov_slice_make(NULL, 0), out, err);
}

static OV_CHECKED ov_status bind_input(select_binding *s, ov_error *err)
{
    const ov_ast *from = s->select->kids[OV_SELECT_FROM], *where = s->select->kids[OV_SELECT_WHERE];
    if (from)
        OV_TRY(ovi_sql_bind_from(s->b, from, &s->rel, err));
    else
        OV_TRY(one_row(s->b, &s->rel, err));
    OV_TRY(ovi_sql_index_names(s->b, &s->rel, err));
    if (!where)
        return OV_OK;
    ovi_sql_names names = names_of(s, "WHERE", OVI_SQL_NO_ALIASES);
    const ov_plan *plan = s->rel.plan;
    names.aggs = NULL;
    OV_TRY(ovi_sql_bind_where(&names, where, &plan, err));
    s->rel.plan = plan;
    return OV_OK;
}

/* ---- items ---- */

static OV_CHECKED ov_status add_item(select_binding *s, ovi_sql_item item, ov_error *err)
{
    OV_TRY(ov_arena_room(s->b->arena, &s->items, s->item_count, &s->item_capacity, 1, sizeof *s->items, err));
    s->items[s->item_count++] = item;
    return OV_OK;
}

/* "*" and "t.*" */
static OV_CHECKED ov_status add_star(select_binding *s, const ov_ast *star, ov_error *err)
{
    const ov_ast *qualifier = star->kids[0];
    uint32_t before = s->item_count;
    if (qualifier && qualifier->kind == OV_AST_PATH)
        qualifier = qualifier->kids[qualifier->kid_count - 1];
    for (uint32_t i = 0; i < s->rel.column_count; i++) {
        const ovi_sql_column *c = &s->rel.columns[i];
        ovi_sql_item item = {.ast = star, .name = c->name};
        if (c->unlisted || (qualifier ? !ov_slice_eq(c->table, qualifier->text) : c->only_by_table))
            continue;
        OV_TRY(ov_plan_column(s->b->cx, s->rel.plan, c->column, &item.expr, err));
        OV_TRY(add_item(s, item, err));
    }
    if (s->item_count > before)
        return OV_OK;
    if (qualifier)
        return ovi_sql_fail_node(s->b, star, OV_INVALID, err, NULL,
                                 "Unknown identifier '" OV_SLICE_FMT "'",
                                 OV_SLICE_ARG(qualifier->text));
    return ovi_sql_fail_node(s->b, star, OV_INVALID, err, NULL, "SELECT * requires a FROM clause");
}

static OV_CHECKED ov_status bind_items(select_binding *s, ov_error *err)
{
    const ov_ast *list = s->select->kids[OV_SELECT_ITEMS];
    for (uint32_t i = 0; i < list->kid_count; i++) {
        const ov_ast *ast = list->kids[i];
        if (ast->kind == OV_AST_STAR) {
            OV_TRY(add_star(s, ast, err));
            continue;
        }
        ovi_sql_item item = {.ast = ovi_sql_unaliased(ast), .has_alias = ast->kind == OV_AST_ALIAS};
        if (item.has_alias)
            item.name = ast->kids[1]->text;
        else if (ast->kind == OV_AST_NAME)
            item.name = ast->text;
        else if (ast->kind == OV_AST_PATH)
            item.name = ast->kids[ast->kid_count - 1]->text;
        ovi_sql_names names = names_of(s, "SELECT", OVI_SQL_NO_ALIASES);
        names.windows = &s->windows;
        OV_TRY(ovi_sql_bind_expr(&names, item.ast, &item.expr, err));
        OV_TRY(add_item(s, item, err));
    }
    return ovi_sql_name_items(s->b, s->items, s->item_count, &s->by_name, err);
}

/* ---- ORDER BY ---- */

static OV_CHECKED ov_status bind_order_key(select_binding *s, const ov_ast *ast,
                                           const ov_expr **out, ov_error *err)
{
    if (ast->kind == OV_AST_INTEGER) {
        uint64_t n = 0;
        for (size_t i = 0; i < ast->text.n && n <= s->item_count; i++)
            n = n * 10 + (uint64_t)(ast->text.p[i] - '0');
        if (n < 1 || n > s->item_count)
            return ovi_sql_fail_ordinal(s->b, ast, s->item_count, err);
        *out = s->items[n - 1].expr;
        return OV_OK;
    }
    ovi_sql_names names = names_of(s, "ORDER BY", OVI_SQL_ALIASES_FIRST);
    names.windows = &s->windows;
    return ovi_sql_bind_expr(&names, ast, out, err);
}

const ov_ast *ovi_select_order(const select_binding *s)
{
    return s->query ? s->query->kids[OV_QUERY_ORDER] : NULL;
}

static OV_CHECKED ov_status bind_order(select_binding *s, ov_error *err)
{
    const ov_ast *list = ovi_select_order(s);
    if (!list)
        return OV_OK;
    OV_TRY(ov_arena_alloc(s->b->arena, list->kid_count * sizeof *s->order, &s->order, err));
    for (uint32_t i = 0; i < list->kid_count; i++)
        OV_TRY(bind_order_key(s, list->kids[i]->kids[0], &s->order[i], err));
    return OV_OK;
}

/* ---- grouping ---- */

static OV_CHECKED ov_status bind_having(select_binding *s, ov_error *err)
{
    const ov_ast *having = s->select->kids[OV_SELECT_HAVING];
    if (!having)
        return OV_OK;
    ovi_sql_names names = names_of(s, "HAVING", OVI_SQL_COLUMNS_FIRST);
    return ovi_sql_bind_condition(&names, having, &s->having, err);
}

static OV_CHECKED ov_status call_with_subs(select_binding *s, ov_agg_call *call, ov_error *err)
{
    for (uint32_t a = 0; a < call->argc; a++)
        OV_TRY(ovi_sql_with_subs(s->b, &s->subs, &call->args[a], err));
    return ovi_sql_with_subs(s->b, &s->subs, &call->filter, err);
}

/* AGGREGATE over the input, with the sub-queries that keys and aggregates ask for. */
static OV_CHECKED ov_status make_groups(select_binding *s, const ov_plan **out, ov_error *err)
{
    ovi_sql_binder *b = s->b;
    const ov_plan *input = s->rel.plan;
    ovi_sql_grouping grouping = s->grouping;
    OV_TRY(ovi_sql_attach(b, &s->subs, true, NULL, NULL, &input, err));
    if (input != s->rel.plan) {
        OV_TRY(ov_arena_alloc(b->arena, (grouping.key_count + 1) * sizeof *grouping.keys, &grouping.keys, err));
        for (uint32_t i = 0; i < grouping.key_count; i++) {
            grouping.keys[i] = s->grouping.keys[i];
            OV_TRY(ovi_sql_with_subs(b, &s->subs, &grouping.keys[i], err));
        }
        for (uint32_t i = 0; i < s->aggs.count; i++)
            OV_TRY(call_with_subs(s, &s->aggs.calls[i], err));
    }
    OV_TRY(ovi_sql_order_input(b, &s->aggs, &s->subs, &input, err));
    return ovi_sql_aggregate(b, input, &grouping, &s->aggs, out, err);
}

typedef struct group_mover {
    select_binding *s;
    const ov_plan *aggregate;
} group_mover;

static ov_status move_onto(void *self, const ov_ast *at, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    const group_mover *o = self;
    select_binding *s = o->s;
    return ovi_sql_onto_groups(s->b, &s->rel, &s->grouping, o->aggregate, s->aggs.count, at, e, out, err);
}

static OV_CHECKED ov_status window_with_subs(select_binding *s, ovi_sql_window *w, ov_error *err)
{
    for (uint32_t i = 0; i < w->partition_count; i++)
        OV_TRY(ovi_sql_with_subs(s->b, &s->subs, &w->partition[i], err));
    for (uint32_t i = 0; i < w->order_count; i++)
        OV_TRY(ovi_sql_with_subs(s->b, &s->subs, &w->order[i], err));
    for (uint32_t i = 0; i < w->call.argc; i++)
        OV_TRY(ovi_sql_with_subs(s->b, &s->subs, &w->call.args[i], err));
    if (!w->call.agg)
        return OV_OK;
    ov_agg_call *agg;
    OV_TRY(ov_arena_alloc(s->b->arena, sizeof *agg, &agg, err));
    *agg = *w->call.agg;
    OV_TRY(call_with_subs(s, agg, err));
    w->call.agg = agg;
    return OV_OK;
}

/* The sub-queries of items, HAVING and ORDER BY join s->base, and their values take their columns' places. */
static OV_CHECKED ov_status attach(select_binding *s, ovi_sql_mover mover, void *self, ov_error *err)
{
    const ov_ast *order = ovi_select_order(s);
    if (!s->subs.count)
        return OV_OK;
    OV_TRY(ovi_sql_attach(s->b, &s->subs, false, mover, self, &s->base, err));
    for (uint32_t i = 0; i < s->item_count; i++)
        OV_TRY(ovi_sql_with_subs(s->b, &s->subs, &s->items[i].expr, err));
    for (uint32_t i = 0; order && i < order->kid_count; i++)
        OV_TRY(ovi_sql_with_subs(s->b, &s->subs, &s->order[i], err));
    for (uint32_t i = 0; i < s->windows.count; i++)
        OV_TRY(window_with_subs(s, &s->windows.list[i], err));
    OV_TRY(ovi_sql_with_subs(s->b, &s->subs, &s->qualify, err));
    return ovi_sql_with_subs(s->b, &s->subs, &s->having, err);
}

/* Put AGGREGATE and HAVING under the items and move everything onto them. */
static OV_CHECKED ov_status group(select_binding *s, ov_error *err)
{
    const ov_plan *aggregate;
    const ov_ast *order = ovi_select_order(s);
    group_mover moving = {s, NULL};
    OV_TRY(make_groups(s, &aggregate, err));
    moving.aggregate = aggregate;
    for (uint32_t i = 0; i < s->item_count; i++)
        OV_TRY(ovi_sql_onto_groups(s->b, &s->rel, &s->grouping, aggregate, s->aggs.count,
                                   s->items[i].ast, s->items[i].expr, &s->items[i].expr, err));
    for (uint32_t i = 0; order && i < order->kid_count; i++)
        OV_TRY(ovi_sql_onto_groups(s->b, &s->rel, &s->grouping, aggregate, s->aggs.count,
                                   order->kids[i], s->order[i], &s->order[i], err));
    ovi_sql_regroup onto = {&s->rel, &s->grouping, aggregate, s->aggs.count};
    OV_TRY(ovi_sql_windows_onto_groups(s->b, &onto, &s->windows, err));
    if (s->qualify)
        OV_TRY(ovi_sql_onto_groups(s->b, &s->rel, &s->grouping, aggregate, s->aggs.count,
                                   s->select->kids[OV_SELECT_QUALIFY], s->qualify, &s->qualify, err));
    s->base = aggregate;
    if (s->having)
        OV_TRY(ovi_sql_onto_groups(s->b, &s->rel, &s->grouping, aggregate, s->aggs.count,
                                   s->select->kids[OV_SELECT_HAVING], s->having, &s->having, err));
    OV_TRY(attach(s, move_onto, &moving, err));
    return s->having ? ov_plan_filter(s->b->arena, s->base, s->having, &s->base, err) : OV_OK;
}

/* ---- windows ---- */

static OV_CHECKED ov_status bind_qualify(select_binding *s, ov_error *err)
{
    const ov_ast *qualify = s->select->kids[OV_SELECT_QUALIFY];
    if (!qualify)
        return OV_OK;
    ovi_sql_names names = names_of(s, "QUALIFY", OVI_SQL_COLUMNS_FIRST);
    names.windows = &s->windows;
    OV_TRY(ovi_sql_bind_condition(&names, qualify, &s->qualify, err));
    if (ovi_sql_reads_window(s->qualify))
        return OV_OK;
    return ovi_sql_fail_node(s->b, qualify, OV_INVALID, err, NULL,
                             "QUALIFY expression must contain a window function");
}

/* WINDOW nodes under the items. */
static OV_CHECKED ov_status add_windows(select_binding *s, ov_error *err)
{
    const ov_ast *order = ovi_select_order(s);
    OV_TRY(ovi_sql_add_windows(s->b, &s->windows, &s->base, err));
    for (uint32_t i = 0; i < s->item_count; i++)
        OV_TRY(ovi_sql_onto_windows(s->b, &s->windows, s->base, s->items[i].expr, &s->items[i].expr, err));
    for (uint32_t i = 0; order && i < order->kid_count; i++)
        OV_TRY(ovi_sql_onto_windows(s->b, &s->windows, s->base, s->order[i], &s->order[i], err));
    if (!s->qualify)
        return OV_OK;
    OV_TRY(ovi_sql_onto_windows(s->b, &s->windows, s->base, s->qualify, &s->qualify, err));
    return ov_plan_filter(s->b->arena, s->base, s->qualify, &s->base, err);
}

static OV_CHECKED ov_status bind_clauses(select_binding *s, ov_error *err)
{
    OV_TRY(ovi_sql_bind_group_by(s->b, s->select, &s->rel, &s->grouping, err));
    s->aggs.grouping = &s->grouping;
    OV_TRY(bind_items(s, err));
    OV_TRY(bind_having(s, err));
    OV_TRY(bind_qualify(s, err));
    return bind_order(s, err);
}

ov_status ovi_sql_bind_select(ovi_sql_binder *b, const ov_ast *select, const ov_ast *query,
                              ovi_sql_rel *out, ov_error *err)
{
    select_binding s = {.b = b, .select = select, .query = query};
    ovi_sql_subs *around = b->subs;
    const ov_plan *plan;
    s.windows.named = select->kids[OV_SELECT_WINDOW];
    b->subs = NULL;
    ov_status st = bind_input(&s, err);
    b->subs = &s.subs;
    if (st == OV_OK)
        st = bind_clauses(&s, err);
    b->subs = around;
    if (st != OV_OK)
        return st;
    s.base = s.rel.plan;
    s.grouped = select->kids[OV_SELECT_GROUP] || select->kids[OV_SELECT_HAVING] || s.aggs.count;
    bool keys = s.grouped || (select->flags & OV_AST_DISTINCT); /* groupings take no number of several, a result cannot show them */
    for (uint32_t i = 0; !keys && i < s.item_count; i++)
        OV_TRY(ov_expr_one_value(b->cx, s.items[i].expr, &s.items[i].expr, err));
    if (s.grouped)
        OV_TRY(group(&s, err));
    else
        OV_TRY(attach(&s, NULL, NULL, err));
    if (s.windows.count)
        OV_TRY(add_windows(&s, err));
    OV_TRY(ovi_select_finish(&s, &plan, err));
    return ovi_sql_rel_of(b, plan, ov_slice_make(NULL, 0), out, err);
}
