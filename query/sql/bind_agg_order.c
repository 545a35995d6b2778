/*
 * ORDER BY inside aggregates, and WITHIN GROUP, which says the same: STRING_AGG(x, ',' ORDER BY y). Aggregates see the rows in the order in
 * which they come, so the input of the grouping is sorted; that is one order for all aggregates of a SELECT.
 */
#include "query/sql/bind_int.h"

/* What is DISTINCT comes sorted by itself: ascending, NULL first. */
static bool is_own_order(const ov_ast *call)
{
    const ov_ast *order = call->kids[OV_CALL_ORDER], *args = call->kids[OV_CALL_ARGS];
    return order->kid_count == 1 && !(order->kids[0]->flags & (OV_AST_DESC | OV_AST_NULLS_LAST)) && args->kid_count > 0 &&
           ov_ast_equal(order->kids[0]->kids[0], args->kids[0]);
}

ov_status ovi_sql_bind_agg_order(ovi_sql_names *n, const ov_ast *call, ov_error *err)
{
    const ov_ast *list = call->kids[OV_CALL_ORDER];
    ovi_sql_aggs *aggs = n->aggs;
    if (!list)
        return OV_OK;
    if (call->flags & OV_AST_DISTINCT) {
        if (is_own_order(call))
            return OV_OK;
        return ovi_sql_fail_node(n->b, list->kids[0], OV_UNSUPPORTED, err, NULL,
                                 "With DISTINCT, values are ordered by themselves, ascending; another ORDER BY does not go with it");
    }
    if (aggs->order_list) {
        if (ov_ast_equal(list, aggs->order_list))
            return OV_OK;
        return ovi_sql_fail_node(n->b, list->kids[0], OV_UNSUPPORTED, err, "; put one of them into a sub-query of its own",
                                 "Aggregates of one SELECT share one ORDER BY");
    }
    ovi_sql_names inner = *n;
    inner.clause = "ORDER BY";
    OV_TRY(ov_arena_alloc(n->b->arena, list->kid_count * sizeof *aggs->order, &aggs->order, err));
    for (uint32_t i = 0; i < list->kid_count; i++)
        OV_TRY(ovi_sql_bind_expr(&inner, list->kids[i]->kids[0], &aggs->order[i], err));
    aggs->order_list = list;
    return OV_OK;
}

ov_status ovi_sql_order_input(ovi_sql_binder *b, const ovi_sql_aggs *aggs, const ovi_sql_subs *subs, const ov_plan **input, ov_error *err)
{
    const ov_ast *list = aggs->order_list;
    const ov_plan *in = *input, *wide;
    const ov_expr **exprs;
    ov_slice *names;
    ov_sort_key *keys;
    uint32_t count = in->field_count, key_count = 0;
    if (!list)
        return OV_OK;
    size_t most = (size_t)count + list->kid_count;
    OV_TRY(ov_arena_alloc(b->arena, most * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_zalloc(b->arena, most * sizeof *names, &names, err));
    OV_TRY(ov_arena_alloc(b->arena, list->kid_count * sizeof *keys, &keys, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        OV_TRY(ov_plan_column(b->cx, in, i, &exprs[i], err));
        names[i] = in->fields[i].name;
    }
    for (uint32_t i = 0; i < list->kid_count; i++) {
        const ov_expr *e = aggs->order[i];
        OV_TRY(ovi_sql_with_subs(b, subs, &e, err));
        if (e->kind == OV_EXPR_CONST) /* sorts nothing */
            continue;
        bool is_input = e->kind == OV_EXPR_COLUMN && e->column < in->field_count; /* and not of a query around this one */
        uint32_t column = is_input ? e->column : count;
        if (column == count)
            exprs[count++] = e;
        keys[key_count++] = ovi_sql_sort_key(list->kids[i], column);
    }
    if (!key_count)
        return OV_OK;
    OV_TRY(ov_plan_project(b->arena, in, exprs, names, count, &wide, err));
    return ovi_sql_sort(b, wide, keys, key_count, OV_NO_LIMIT, 0, input, err);
}
