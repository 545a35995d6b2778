/*
 * UNION, INTERSECT and EXCEPT. The last two are a grouping of all sides together, each row with the number of its side: a
 * row comes out when the sides it was found on are the right ones. Grouping knows how to compare NULLs and arrays. With ALL
 * equal rows of a side are told apart by numbers first.
 */
#include "query/sql/bind_int.h"

static const char *name_of(const ov_ast *set_op)
{
    static const char *const names[][2] = {[OV_SET_UNION] = {"UNION", "UNION ALL"},
                                           [OV_SET_INTERSECT] = {"INTERSECT", "INTERSECT ALL"},
                                           [OV_SET_EXCEPT] = {"EXCEPT", "EXCEPT ALL"}};
    return names[set_op->op][(set_op->flags & OV_AST_ALL) != 0];
}

/* The last query of a side, where Druid points when column counts differ. */
static OV_CHECKED ov_status column_mismatch(ovi_sql_binder *b, const ov_ast *set_op, const ov_ast *side, ov_error *err)
{
    const ov_ast *at = side->kind == OV_AST_SELECT ? side->kids[OV_SELECT_ITEMS] : side;
    return ovi_sql_fail_node(b, at, OV_INVALID, err, NULL, "Column count mismatch in %s", name_of(set_op));
}

/* The plan with the number of its side behind its columns. */
static OV_CHECKED ov_status number_side(ovi_sql_binder *b, uint32_t side, const ov_plan **plan, ov_error *err)
{
    const ov_plan *in = *plan;
    const ov_expr **exprs;
    ov_slice *names;
    OV_TRY(ov_arena_alloc(b->arena, (in->field_count + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_zalloc(b->arena, (in->field_count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        names[i] = in->fields[i].name;
        OV_TRY(ov_plan_column(b->cx, in, i, &exprs[i], err));
    }
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_INTEGER, side, &exprs[in->field_count], err));
    return ov_plan_project(b->arena, in, exprs, names, in->field_count + 1, plan, err);
}

/* COUNT(*) FILTER (WHERE the row is of this side) */
static OV_CHECKED ov_status count_side(ovi_sql_binder *b, const ov_ast *at, const ov_plan *in, uint32_t side,
                                       ov_agg_call *out, ov_error *err)
{
    const ov_expr *pair[2], *filter;
    OV_TRY(ov_plan_column(b->cx, in, in->field_count - 1, &pair[0], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_INTEGER, side, &pair[1], err));
    OV_TRY(ovi_sql_apply(b, at, "=", pair, 2, &filter, err));
    return ov_agg_bind(b->cx, OV_SLICE_LIT("COUNT"), pair, 0, false, filter, at->pos, at->end_pos, out, err);
}

/* ALL: equal rows of a side are numbered, so that the second of one side meets the second of the other. */
static OV_CHECKED ov_status number_copies(ovi_sql_binder *b, const ov_ast *ast, const ov_plan **plan, ov_error *err)
{
    const ov_plan *in = *plan;
    ov_window_call *call;
    uint32_t *columns;
    OV_TRY(ov_arena_zalloc(b->arena, sizeof *call, &call, err));
    OV_TRY(ov_arena_alloc(b->arena, (in->field_count + (size_t)1) * sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        columns[i] = i;
        if (ov_type_is_list(in->fields[i].type))
            return ovi_sql_fail_node(b, ast, OV_UNSUPPORTED, err, NULL,
                                     "INTERSECT ALL and EXCEPT ALL over arrays and multi-value strings are not supported");
    }
    *call = (ov_window_call){.fn = OV_WINDOW_ROW_NUMBER, .type = OV_T(OV_TYPE_LONG), .sql = OV_SQL_BIGINT};
    return ov_plan_window(b->arena, in, columns, in->field_count, NULL, 0, call, 1, plan, err);
}

/* The groups whose counts say that they belong to the result. */
static OV_CHECKED ov_status choose_groups(ovi_sql_binder *b, const ov_ast *ast, const ov_plan *groups, uint32_t columns,
                                          uint32_t count, const ov_plan **out, ov_error *err)
{
    const ov_expr **parts, *zero, *predicate;
    OV_TRY(ov_arena_alloc(b->arena, count * sizeof *parts, &parts, err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 0, &zero, err));
    for (uint32_t i = 0; i < count; i++) {
        const ov_expr *pair[2] = {NULL, zero};
        bool there = i == 0 || ast->op == OV_SET_INTERSECT;
        OV_TRY(ov_plan_column(b->cx, groups, columns + i, &pair[0], err));
        OV_TRY(ovi_sql_apply(b, ast, there ? ">" : "=", pair, 2, &parts[i], err));
    }
    OV_TRY(ovi_sql_all_of(b, ast, parts, count, &predicate, err));
    return ov_plan_filter(b->arena, groups, predicate, out, err);
}

/* sides[] is changed. */
static OV_CHECKED ov_status compare_sides(ovi_sql_binder *b, const ov_ast *ast, const ov_plan **sides, uint32_t count,
                                          const ov_plan **out, ov_error *err)
{
    uint32_t columns = sides[0]->field_count, keys = columns;
    const ov_plan *all, *groups;
    const ov_expr **exprs;
    ov_agg_call *calls;
    ov_slice *names;
    OV_TRY(ov_arena_alloc(b->arena, count * sizeof *calls, &calls, err));
    OV_TRY(ov_arena_alloc(b->arena, (columns + (size_t)2) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(b->arena, (columns + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        if (ast->flags & OV_AST_ALL)
            OV_TRY(number_copies(b, ast, &sides[i], err));
        keys = sides[i]->field_count;
        OV_TRY(number_side(b, i, &sides[i], err));
    }
    OV_TRY(ov_plan_union(b->arena, sides, count, &all, err));
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(count_side(b, ast, all, i, &calls[i], err));
    for (uint32_t c = 0; c < keys; c++)
        OV_TRY(ov_plan_column(b->cx, all, c, &exprs[c], err));
    OV_TRY(ovi_sql_group(b, all, exprs, keys, calls, count, &groups, err));
    OV_TRY(choose_groups(b, ast, groups, keys, count, &groups, err));
    OV_TRY(ov_arena_alloc(b->arena, (columns + (size_t)1) * sizeof *exprs, &exprs, err));
    for (uint32_t c = 0; c < columns; c++) {
        names[c] = all->fields[c].name;
        OV_TRY(ov_plan_column(b->cx, groups, c, &exprs[c], err));
    }
    return ov_plan_project(b->arena, groups, exprs, names, columns, out, err);
}

ov_status ovi_sql_bind_set_op(ovi_sql_binder *b, const ov_ast *ast, ovi_sql_rel *out, ov_error *err)
{
    bool all = ast->flags & OV_AST_ALL;
    const ov_plan **sides, *plan;
    OV_TRY(ov_arena_alloc(b->arena, ast->kid_count * sizeof *sides, &sides, err));
    for (uint32_t i = 0; i < ast->kid_count; i++) {
        ovi_sql_rel rel;
        OV_TRY(ovi_sql_bind_query(b, ast->kids[i], &rel, err));
        sides[i] = rel.plan;
        if (sides[i]->field_count != sides[0]->field_count)
            return column_mismatch(b, ast, ast->kids[i], err);
    }
    OV_TRY(ovi_sql_union(b, ast, name_of(ast), sides, ast->kid_count, &plan, err)); /* casts the sides, too */
    if (ast->op != OV_SET_UNION && !all)
        OV_TRY(compare_sides(b, ast, sides, ast->kid_count, &plan, err));
    for (uint32_t i = 1; ast->op != OV_SET_UNION && all && i < ast->kid_count; i++) {
        const ov_plan *two[2] = {i == 1 ? sides[0] : plan, sides[i]};
        OV_TRY(compare_sides(b, ast, two, 2, &plan, err));
    }
    if (ast->op == OV_SET_UNION && !all)
        OV_TRY(ovi_sql_distinct(b, plan, &plan, err));
    return ovi_sql_rel_of(b, plan, ov_slice_make(NULL, 0), out, err);
}
