/*
 * What comes last in a SELECT: its items as columns, DISTINCT, ORDER BY and LIMIT.
 */
#include "query/sql/bind_select.h"

#include "base/bits.h"

typedef ovi_select_binding select_binding;

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
    const ov_ast *list = ovi_select_order(s);
    ov_sort_key *keys;
    uint64_t *sorted; /* bit per column */
    uint32_t count = 0;
    OV_TRY(
        ov_arena_alloc(s->b->arena, ((list ? list->kid_count : 0) + 1) * sizeof *keys, &keys, err));
    OV_TRY(ov_arena_zalloc(s->b->arena, (ov_words(in->field_count) + 1) * 8, &sorted, err));
    for (uint32_t i = 0; list && i < list->kid_count; i++) {
        if (columns[i] == UINT32_MAX || ov_bits_test(sorted, columns[i]))
            continue;
        ov_bits_set(sorted, columns[i]);
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
    const ov_ast *list = ovi_select_order(s);
    for (uint32_t i = 0; list && i < list->kid_count; i++) {
        bool is_column = s->order[i]->kind == OV_EXPR_COLUMN && s->order[i]->column < s->base->field_count; /* of no query around */
        if (!is_column && s->order[i]->kind != OV_EXPR_CONST)
            return false;
        columns[i] = s->order[i]->kind == OV_EXPR_COLUMN ? s->order[i]->column : UINT32_MAX;
    }
    return true;
}

/* For every sort key which item computes it; item_count when none does. */
static OV_CHECKED ov_status items_of_order(const select_binding *s, uint32_t *items, ov_error *err)
{
    const ov_ast *list = ovi_select_order(s);
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
    const ov_ast *list = ovi_select_order(s);
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
    const ov_ast *list = ovi_select_order(s);
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

ov_status ovi_select_finish(select_binding *s, const ov_plan **out, ov_error *err)
{
    const ov_ast *list = ovi_select_order(s);
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
