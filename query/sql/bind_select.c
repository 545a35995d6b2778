/*
 * SELECT: FROM, WHERE, grouping, items, HAVING, DISTINCT, ORDER BY, LIMIT, in the order in which
 * they work.
 *
 * ORDER BY sorts below the projection when all its keys are columns there, so that items are
 * computed for the rows that remain; otherwise keys that are no items become hidden columns of the
 * projection.
 */
#include "query/sql/bind_int.h"

typedef struct select_binding {
    ovi_sql_binder *b;
    const ov_ast *select, *query;
    ovi_sql_rel rel; /* FROM and WHERE */
    ovi_sql_grouping grouping;
    ovi_sql_aggs aggs;
    ovi_sql_windows windows;
    ovi_sql_subs subs; /* of all clauses but FROM and WHERE */
    bool grouped;
    ovi_sql_item *items;
    uint32_t item_count, item_capacity;
    ov_places by_name; /* of items, once all are there */
    const ov_expr **order; /* one per sort key */
    const ov_expr *having, *qualify;
    const ov_plan *base; /* what items and order are over, in the end */
} select_binding;

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
    if (s->item_count == s->item_capacity) {
        uint32_t capacity = OV_MAX(s->item_capacity * 2, 16u);
        ovi_sql_item *items;
        OV_TRY(ov_arena_alloc(s->b->arena, capacity * sizeof *items, &items, err));
        if (s->item_count)
            memcpy(items, s->items, s->item_count * sizeof *items);
        s->items = items;
        s->item_capacity = capacity;
    }
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

static const ov_ast *order_list(const select_binding *s)
{
    return s->query ? s->query->kids[OV_QUERY_ORDER] : NULL;
}

static OV_CHECKED ov_status bind_order(select_binding *s, ov_error *err)
{
    const ov_ast *list = order_list(s);
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
    const ov_ast *order = order_list(s);
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
    const ov_ast *order = order_list(s);
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

static bool reads_window(const ov_expr *e)
{
    bool reads = e->kind == OV_EXPR_COLUMN && e->column >= (uint32_t)OVI_SQL_WINDOW_BASE &&
                 e->column < OVI_SQL_SUB_BASE;
    for (uint32_t i = 0; i < e->argc && !reads; i++)
        reads = reads_window(e->args[i]);
    return reads;
}

static OV_CHECKED ov_status bind_qualify(select_binding *s, ov_error *err)
{
    const ov_ast *qualify = s->select->kids[OV_SELECT_QUALIFY];
    if (!qualify)
        return OV_OK;
    ovi_sql_names names = names_of(s, "QUALIFY", OVI_SQL_COLUMNS_FIRST);
    names.windows = &s->windows;
    OV_TRY(ovi_sql_bind_condition(&names, qualify, &s->qualify, err));
    if (reads_window(s->qualify))
        return OV_OK;
    return ovi_sql_fail_node(s->b, qualify, OV_INVALID, err, NULL,
                             "QUALIFY expression must contain a window function");
}

/* WINDOW nodes under the items. */
static OV_CHECKED ov_status add_windows(select_binding *s, ov_error *err)
{
    const ov_ast *order = order_list(s);
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

/* ---- the end: projection, DISTINCT, sort, limit ---- */

/* Items over s->base, then `extra_count` hidden expressions. */
static OV_CHECKED ov_status project(select_binding *s, const ov_expr *const *extra,
                                    uint32_t extra_count, const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t count = s->item_count + extra_count;
    OV_TRY(ov_arena_zalloc(s->b->arena, (count + 1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_zalloc(s->b->arena, (count + 1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < s->item_count; i++) {
        exprs[i] = s->items[i].expr;
        names[i] = s->items[i].name;
    }
    for (uint32_t i = 0; i < extra_count; i++)
        exprs[s->item_count + i] = extra[i];
    return ov_plan_project(s->b->arena, s->base, exprs, names, count, out, err);
}

ov_sort_key ovi_sql_sort_key(const ov_ast *key, uint32_t column)
{
    bool descending = key->flags & OV_AST_DESC;
    return (ov_sort_key){column, descending,
                         (key->flags & OV_AST_NULLS_FIRST) ||
                             (!descending && !(key->flags & OV_AST_NULLS_LAST))};
}

/* Sort `in` by the keys whose columns are known, and cut. Constants and repeated columns do not
 * sort. */
static OV_CHECKED ov_status sort_by(select_binding *s, const uint32_t *columns, const ov_plan *in,
                                    uint64_t limit, uint64_t offset, const ov_plan **out,
                                    ov_error *err)
{
    const ov_ast *list = order_list(s);
    ov_sort_key *keys;
    uint32_t count = 0;
    OV_TRY(
        ov_arena_alloc(s->b->arena, ((list ? list->kid_count : 0) + 1) * sizeof *keys, &keys, err));
    for (uint32_t i = 0; list && i < list->kid_count; i++) {
        bool repeated = columns[i] == UINT32_MAX;
        for (uint32_t j = 0; j < count; j++)
            repeated = repeated || keys[j].column == columns[i];
        if (repeated)
            continue;
        keys[count++] = ovi_sql_sort_key(list->kids[i], columns[i]);
    }
    *out = in;
    if (count)
        return ovi_sql_sort(s->b, in, keys, count, limit, offset, out, err);
    if (limit != OV_NO_LIMIT || offset)
        return ov_plan_limit(s->b->arena, in, limit, offset, out, err);
    return OV_OK;
}

/* All sort keys are columns of s->base, or constants. */
static bool order_is_columns(const select_binding *s, uint32_t *columns)
{
    const ov_ast *list = order_list(s);
    for (uint32_t i = 0; list && i < list->kid_count; i++) {
        if (s->order[i]->kind != OV_EXPR_COLUMN && s->order[i]->kind != OV_EXPR_CONST)
            return false;
        columns[i] = s->order[i]->kind == OV_EXPR_COLUMN ? s->order[i]->column : UINT32_MAX;
    }
    return true;
}

/* For every sort key which item computes it; item_count when none does. */
static OV_CHECKED ov_status items_of_order(const select_binding *s, uint32_t *items, ov_error *err)
{
    const ov_ast *list = order_list(s);
    ov_places places = {0};
    const ov_expr **exprs;
    OV_TRY(ov_arena_alloc(s->b->arena, (s->item_count + (size_t)1) * sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; list && i < s->item_count; i++) {
        exprs[i] = s->items[i].expr;
        OV_TRY(ov_expr_note(&places, s->b->arena, exprs[i], err));
    }
    for (uint32_t i = 0; list && i < list->kid_count; i++)
        items[i] = OV_MIN(ov_expr_find(&places, exprs, s->order[i]), s->item_count);
    return OV_OK;
}

/* Sort above the projection; keys that are no items ride along hidden and are dropped behind it. */
static OV_CHECKED ov_status sort_projected(select_binding *s, uint32_t *columns, uint64_t limit,
                                           uint64_t offset, const ov_plan **out, ov_error *err)
{
    const ov_ast *list = order_list(s);
    const ov_expr **extra, **visible;
    ov_slice *names;
    uint32_t extra_count = 0;
    OV_TRY(ov_arena_alloc(s->b->arena, (list->kid_count + 1) * sizeof *extra, &extra, err));
    OV_TRY(items_of_order(s, columns, err));
    for (uint32_t i = 0; i < list->kid_count; i++) {
        if (s->order[i]->kind == OV_EXPR_CONST)
            columns[i] = UINT32_MAX;
        if (columns[i] != s->item_count)
            continue;
        columns[i] = s->item_count + extra_count;
        extra[extra_count++] = s->order[i];
    }
    OV_TRY(project(s, extra, extra_count, out, err));
    OV_TRY(sort_by(s, columns, *out, limit, offset, out, err));
    if (!extra_count)
        return OV_OK;
    OV_TRY(ov_arena_alloc(s->b->arena, (s->item_count + 1) * sizeof *visible, &visible, err));
    OV_TRY(ov_arena_alloc(s->b->arena, (s->item_count + 1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < s->item_count; i++) {
        OV_TRY(ov_plan_column(s->b->cx, *out, i, &visible[i], err));
        names[i] = s->items[i].name;
    }
    return ov_plan_project(s->b->arena, *out, visible, names, s->item_count, out, err);
}

/* DISTINCT groups by all items; from then on items are the groups' columns. */
static OV_CHECKED ov_status make_distinct(select_binding *s, uint32_t *items, ov_error *err)
{
    const ov_ast *list = order_list(s);
    const ov_plan *grouped;
    ovi_sql_grouping keys = {0};
    OV_TRY(items_of_order(s, items, err));
    for (uint32_t i = 0; list && i < list->kid_count; i++)
        if (s->order[i]->kind != OV_EXPR_CONST && items[i] == s->item_count)
            return ovi_sql_fail_node(
                s->b, list->kids[i]->kids[0], OV_INVALID, err, NULL,
                "Expression '" OV_SLICE_FMT "' is not in the select clause",
                OV_SLICE_ARG(ov_slice_make(s->b->text.p + list->kids[i]->pos,
                                           list->kids[i]->end_pos - list->kids[i]->pos)));
    OV_TRY(ov_arena_alloc(s->b->arena, (s->item_count + 1) * sizeof *keys.keys, &keys.keys, err));
    for (uint32_t i = 0; i < s->item_count; i++)
        keys.keys[keys.key_count++] = s->items[i].expr;
    OV_TRY(ovi_sql_group(s->b, s->base, keys.keys, keys.key_count, NULL, 0, &grouped, err));
    for (uint32_t i = 0; list && i < list->kid_count; i++)
        if (s->order[i]->kind != OV_EXPR_CONST)
            OV_TRY(ov_plan_column(s->b->cx, grouped, items[i], &s->order[i], err));
    for (uint32_t i = 0; i < s->item_count; i++)
        OV_TRY(ov_plan_column(s->b->cx, grouped, i, &s->items[i].expr, err));
    s->base = grouped;
    return OV_OK;
}

static OV_CHECKED ov_status finish(select_binding *s, const ov_plan **out, ov_error *err)
{
    const ov_ast *list = order_list(s);
    uint64_t limit, offset;
    uint32_t *columns;
    OV_TRY(ovi_sql_bounds(s->b, s->query, &limit, &offset, err));
    OV_TRY(ov_arena_alloc(s->b->arena, ((list ? list->kid_count : 0) + 1) * sizeof *columns,
                          &columns, err));
    if (s->select->flags & OV_AST_DISTINCT)
        OV_TRY(make_distinct(s, columns, err));
    if (!order_is_columns(s, columns))
        return sort_projected(s, columns, limit, offset, out, err);
    OV_TRY(sort_by(s, columns, s->base, limit, offset, &s->base, err));
    return project(s, NULL, 0, out, err);
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
    if (s.grouped)
        OV_TRY(group(&s, err));
    else
        OV_TRY(attach(&s, NULL, NULL, err));
    if (s.windows.count)
        OV_TRY(add_windows(&s, err));
    OV_TRY(finish(&s, &plan, err));
    return ovi_sql_rel_of(b, plan, ov_slice_make(NULL, 0), out, err);
}
