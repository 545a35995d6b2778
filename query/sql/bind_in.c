/*
 * Membership: IN over values, rows compared with rows, and OR of equalities, which is IN written
 * out (filter boxes of dashboards send hundreds of them).
 */
#include "query/expr/gather.h"
#include "query/sql/bind_int.h"

/* left = right, also for rows. */
static OV_CHECKED ov_status bind_equal(ovi_sql_names *n, const ov_ast *at, const ov_ast *left,
                                       const ov_ast *right, const ov_expr **out, ov_error *err)
{
    if (left->kind == OV_AST_ROW || right->kind == OV_AST_ROW)
        return ovi_sql_bind_rows(n, at, left, right, out, err);
    const ov_expr *args[2];
    OV_TRY(ovi_sql_bind_expr(n, left, &args[0], err));
    OV_TRY(ovi_sql_bind_expr(n, right, &args[1], err));
    return ovi_sql_apply(n->b, at, "=", args, 2, out, err);
}

ov_status ovi_sql_bind_rows(ovi_sql_names *n, const ov_ast *at, const ov_ast *left,
                            const ov_ast *right, const ov_expr **out, ov_error *err)
{
    if (left->kind != OV_AST_ROW || right->kind != OV_AST_ROW ||
        left->kid_count != right->kid_count)
        return ovi_sql_fail_node(n->b, at, OV_INVALID, err, NULL,
                                 "Rows of different length cannot be compared");
    const ov_expr **parts;
    OV_TRY(ov_arena_alloc(n->b->arena, left->kid_count * sizeof *parts, &parts, err));
    for (uint32_t i = 0; i < left->kid_count; i++)
        OV_TRY(bind_equal(n, at, left->kids[i], right->kids[i], &parts[i], err));
    if (left->kid_count == 1) {
        *out = parts[0];
        return OV_OK;
    }
    return ovi_sql_apply(n->b, at, "AND", parts, left->kid_count, out, err);
}

/* (a, b) < (c, d) is a < c OR (a = c AND b < d), in three truth values, too; from the last pair to the first. In front of it stands
 * a <= c, which follows from it and reaches indexes and block statistics: pages of (__time, id) are asked for that way. */
ov_status ovi_sql_bind_row_order(ovi_sql_names *n, const ov_ast *at, const char *op, const ov_expr **out, ov_error *err)
{
    enum { MOST = 100 };
    const ov_ast *left = at->kids[0], *right = at->kids[1];
    const ov_expr **l, **r, *e = NULL;
    char strict[2] = {op[0], 0}, wide[3] = {op[0], '=', 0};
    if (left->kind != OV_AST_ROW || right->kind != OV_AST_ROW || left->kid_count != right->kid_count)
        return ovi_sql_fail_node(n->b, at, OV_INVALID, err, NULL, "Rows of different length cannot be compared");
    if (left->kid_count > MOST)
        return ovi_sql_fail_node(n->b, at, OV_LIMIT, err, NULL, "Rows of more than %d values cannot be compared by %s", MOST, op);
    OV_TRY(ovi_sql_bind_all(n, left->kids, left->kid_count, &l, err));
    OV_TRY(ovi_sql_bind_all(n, right->kids, right->kid_count, &r, err));
    for (uint32_t i = left->kid_count; i-- > 0;) {
        const ov_expr *pair[2] = {l[i], r[i]}, *less, *rest[2] = {NULL, e}, *either[2];
        OV_TRY(ovi_sql_apply(n->b, at, e ? strict : op, pair, 2, &less, err));
        if (!e) {
            e = less;
            continue;
        }
        OV_TRY(ovi_sql_apply(n->b, at, "=", pair, 2, &rest[0], err));
        either[0] = less;
        OV_TRY(ovi_sql_apply(n->b, at, "AND", rest, 2, &either[1], err));
        OV_TRY(ovi_sql_apply(n->b, at, "OR", either, 2, &e, err));
    }
    const ov_expr *first[2] = {l[0], r[0]}, *both[2] = {NULL, e};
    *out = e;
    if (left->kid_count == 1)
        return OV_OK;
    OV_TRY(ovi_sql_apply(n->b, at, wide, first, 2, &both[0], err));
    return ovi_sql_apply(n->b, at, "AND", both, 2, out, err);
}

/* Constants go into one set; what is computed per row is compared one by one. */
static OV_CHECKED ov_status bind_in_values(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                           ov_error *err)
{
    const ov_ast *list = ast->kids[1];
    const ov_expr *x, **items, **either;
    uint32_t constants = 0, others = 0;
    OV_TRY(ovi_sql_bind_expr(n, ast->kids[0], &x, err));
    OV_TRY(ovi_sql_bind_all(n, list->kids, list->kid_count, &items, err));
    OV_TRY(ov_arena_alloc(n->b->arena, (list->kid_count + 1) * sizeof *either, &either, err));
    for (uint32_t i = 0; i < list->kid_count; i++) {
        if (items[i]->kind == OV_EXPR_CONST) {
            items[constants++] = items[i];
            continue;
        }
        const ov_expr *pair[2] = {x, items[i]};
        OV_TRY(ovi_sql_apply(n->b, ast, "=", pair, 2, &either[others++], err));
    }
    if (constants)
        OV_TRY(ov_expr_in(n->b->cx, x, items, constants, ast->pos, ast->end_pos, &either[others++],
                          err));
    *out = either[0];
    return others > 1 ? ovi_sql_apply(n->b, ast, "OR", either, others, out, err) : OV_OK;
}

ov_status ovi_sql_bind_in(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out, ov_error *err)
{
    const ov_ast *list = ast->kids[1];
    if (ast->kids[0]->kind != OV_AST_ROW) {
        OV_TRY(bind_in_values(n, ast, out, err));
        return ovi_sql_negate_if(n, ast, ast->flags & OV_AST_NEGATED, out, err);
    }
    const ov_expr **either;
    OV_TRY(ov_arena_alloc(n->b->arena, list->kid_count * sizeof *either, &either, err));
    for (uint32_t i = 0; i < list->kid_count; i++)
        OV_TRY(ovi_sql_bind_rows(n, ast, ast->kids[0], list->kids[i], &either[i], err));
    *out = either[0];
    if (list->kid_count > 1)
        OV_TRY(ovi_sql_apply(n->b, ast, "OR", either, list->kid_count, out, err));
    return ovi_sql_negate_if(n, ast, ast->flags & OV_AST_NEGATED, out, err);
}

/* ---- OR ---- */

ov_status ovi_sql_bind_or(ovi_sql_names *n, const ov_ast *ast, const ov_expr **parts, const ov_expr **out, ov_error *err)
{
    uint32_t count = ast->kid_count;
    OV_TRY(ov_expr_gather(n->b->cx, parts, &count, ast->pos, ast->end_pos, err));
    *out = parts[0];
    return count > 1 || (*out)->sql != OV_SQL_BOOLEAN
               ? ovi_sql_apply(n->b, ast, "OR", parts, count, out, err)
               : OV_OK;
}
