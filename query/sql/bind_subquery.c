/*
 * Sub-queries that read nothing of the query around them, as values: they run while the outer query
 * is bound, and what they give becomes constants of it. So WHERE x IN (SELECT ...) and x > (SELECT
 * MAX(...)) reach indexes and block statistics like any other constant, which is also what Druid
 * does.
 */
#include "query/sql/bind_int.h"

/* Bind and run the query; at most `most` rows. */
static OV_CHECKED ov_status run(ovi_sql_binder *b, const ov_ast *at, const ov_plan *plan,
                                uint64_t most, ov_sql_rows *out, ov_error *err)
{
    const ov_plan *optimised;
    if (!b->env->runner)
        return ovi_sql_fail_node(b, at, OV_UNSUPPORTED, err, NULL,
                                 "Sub-queries as values are not supported here");
    if (most != OV_NO_LIMIT)
        OV_TRY(ov_plan_limit(b->arena, plan, most, 0, &plan, err));
    OV_TRY(ov_plan_optimize(b->cx, plan, &optimised, err));
    return b->env->runner->run(b->env->runner->self, optimised, b->cx, out, err);
}

/* Bind the query as one inside another: names of the outer one are told apart from unknown ones. */
static OV_CHECKED ov_status bind_inner(ovi_sql_names *n, const ov_ast *query, ovi_sql_rel *out,
                                       ov_error *err)
{
    const ovi_sql_names *saved = n->b->outer;
    n->b->outer = n;
    ov_status st = ovi_sql_bind_query(n->b, query, out, err);
    n->b->outer = saved;
    return st;
}

ov_status ovi_sql_bind_scalar(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                              ov_error *err)
{
    ovi_sql_rel rel;
    ov_sql_rows rows;
    OV_TRY(bind_inner(n, ast->kids[0], &rel, err));
    if (rel.plan->field_count != 1)
        return ovi_sql_fail_node(
            n->b, ast, OV_INVALID, err, NULL,
            "Cannot apply '$SCALAR_QUERY' to a sub-query of %u columns; it must have one",
            rel.plan->field_count);
    OV_TRY(run(n->b, ast, rel.plan, 2, &rows, err));
    if (rows.count > 1)
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 "Subquery expression returned more than one row");
    if (rows.count == 0)
        return ov_expr_null(n->b->cx, (ov_sqltype)rel.plan->fields[0].sql, out, err);
    *out = rows.cells[0];
    return OV_OK;
}

ov_status ovi_sql_bind_exists(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                              ov_error *err)
{
    ovi_sql_rel rel;
    ov_sql_rows rows;
    OV_TRY(bind_inner(n, ast->kids[0], &rel, err));
    OV_TRY(run(n->b, ast, rel.plan, 1, &rows, err));
    return ov_expr_i64(n->b->cx, OV_SQL_BOOLEAN, rows.count > 0, out, err);
}

/* The columns on the left of IN. */
static OV_CHECKED ov_status bind_left(ovi_sql_names *n, const ov_ast *left, const ov_expr ***out,
                                      uint32_t *count, ov_error *err)
{
    if (left->kind == OV_AST_ROW) {
        *count = left->kid_count;
        return ovi_sql_bind_all(n, left->kids, left->kid_count, out, err);
    }
    *count = 1;
    return ovi_sql_bind_all(n, (ov_ast *const[]){(ov_ast *)(uintptr_t)left}, 1, out, err);
}

/* (a, b) = one row */
static OV_CHECKED ov_status same_row(ovi_sql_names *n, const ov_ast *ast, const ov_expr **left,
                                     const ov_expr *const *cells, uint32_t count,
                                     const ov_expr **out, ov_error *err)
{
    const ov_expr **parts;
    OV_TRY(ov_arena_alloc(n->b->arena, count * sizeof *parts, &parts, err));
    for (uint32_t c = 0; c < count; c++) {
        const ov_expr *pair[2] = {left[c], cells[c]};
        OV_TRY(ovi_sql_apply(n->b, ast, "=", pair, 2, &parts[c], err));
    }
    return ovi_sql_apply(n->b, ast, "AND", parts, count, out, err);
}

static OV_CHECKED ov_status in_rows(ovi_sql_names *n, const ov_ast *ast, const ov_expr **left,
                                    uint32_t count, const ov_sql_rows *rows, const ov_expr **out,
                                    ov_error *err)
{
    enum { MOST_PAIRS = 10000 };
    const ov_expr **either;
    if (count == 1)
        return ov_expr_in(n->b->cx, left[0], rows->cells, (uint32_t)rows->count, ast->pos,
                          ast->end_pos, out, err);
    if (rows->count > MOST_PAIRS)
        return ovi_sql_fail_node(
            n->b, ast, OV_UNSUPPORTED, err, NULL,
            "IN over several columns takes at most %d rows, the sub-query has %llu", MOST_PAIRS,
            (unsigned long long)rows->count);
    OV_TRY(ov_arena_alloc(n->b->arena, rows->count * sizeof *either, &either, err));
    for (uint64_t r = 0; r < rows->count; r++)
        OV_TRY(same_row(n, ast, left, rows->cells + r * count, count, &either[r], err));
    return ovi_sql_apply(n->b, ast, "OR", either, (uint32_t)rows->count, out, err);
}

ov_status ovi_sql_bind_in_query(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                ov_error *err)
{
    const ov_expr **left;
    const ov_plan *distinct;
    uint32_t count;
    ovi_sql_rel rel;
    ov_sql_rows rows;
    OV_TRY(bind_left(n, ast->kids[0], &left, &count, err));
    OV_TRY(bind_inner(n, ast->kids[1], &rel, err));
    if (rel.plan->field_count != count)
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 "Values passed to IN operator must have compatible types");
    OV_TRY(ovi_sql_distinct(n->b, rel.plan, &distinct, err));
    OV_TRY(run(n->b, ast, distinct, OV_NO_LIMIT, &rows, err));
    if (rows.count > UINT32_MAX)
        return ovi_sql_fail_node(n->b, ast, OV_LIMIT, err, NULL, "The sub-query has too many rows");
    if (rows.count == 0) /* nothing is in an empty set, NULL neither */
        OV_TRY(ov_expr_i64(n->b->cx, OV_SQL_BOOLEAN, 0, out, err));
    else
        OV_TRY(in_rows(n, ast, left, count, &rows, out, err));
    return ovi_sql_negate_if(n, ast, ast->flags & OV_AST_NEGATED, out, err);
}
