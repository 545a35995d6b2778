/*
 * Sub-queries as values. Those that read nothing of the query around them run while it is bound, and what they give becomes
 * constants of it: WHERE x IN (SELECT ...) and x > (SELECT MAX(...)) reach indexes and block statistics like any other
 * constant, which is also what Druid does. The others become columns that bind_attach.c joins to the rows they are
 * asked for.
 */
#include "query/sql/bind_int.h"

/* ---- names of the queries around ---- */

static OV_CHECKED ov_status add_outer(ovi_sql_binder *b, const ovi_sql_scope *scope, const ov_expr *e, uint32_t *number,
                                      ov_error *err)
{
    OV_EACH_PLACE(&b->outer_places, ov_expr_hash(e), place, slot)
        if (b->outer[place].scope == scope && ov_expr_equal(b->outer[place].expr, e)) {
            *number = place;
            return OV_OK;
        }
    OV_TRY(ov_arena_room(b->arena, &b->outer, b->outer_count, &b->outer_capacity, 1, sizeof *b->outer, err));
    OV_TRY(ov_expr_note(&b->outer_places, b->arena, e, err));
    *number = b->outer_count++;
    b->outer[*number] = (ovi_sql_outer){scope, e};
    return OV_OK;
}

/* A column of this number that is like the field. */
static OV_CHECKED ov_status column_of(ovi_sql_binder *b, uint32_t number, const ov_field *f, const ov_expr **out,
                                      ov_error *err)
{
    if (f->elem_sql != OV_SQL_NULL)
        return ov_expr_array_column(b->cx, number, f->type, (ov_sqltype)f->elem_sql, f->nullable, out, err);
    return ov_expr_column(b->cx, number, f->type, (ov_sqltype)f->sql, f->nullable, out, err);
}

ov_status ovi_sql_find_outer(ovi_sql_binder *b, const ov_ast *name, const ov_expr **out, ov_error *err)
{
    const ovi_sql_column *column = NULL;
    ovi_sql_scope *scope = b->scope;
    const ov_expr *e;
    uint32_t number;
    *out = NULL;
    for (; scope; scope = scope->outer) {
        OV_TRY(ovi_sql_find_column(b, scope->names->rel, name, &column, err));
        if (column)
            break;
    }
    if (!scope)
        return OV_OK;
    OV_TRY(ov_plan_column(b->cx, scope->names->rel->plan, column->column, &e, err));
    OV_TRY(add_outer(b, scope, e, &number, err));
    for (ovi_sql_scope *s = b->scope; s != scope->outer; s = s->outer)
        s->is_read = true;
    ov_field f = {.type = e->type, .sql = e->sql, .nullable = e->nullable, .elem_sql = e->elem_sql};
    return column_of(b, OVI_SQL_OUTER_BASE + number, &f, out, err);
}

static OV_CHECKED ov_status enter(ovi_sql_binder *b, const ovi_sql_names *names, ovi_sql_scope **scope, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(b->arena, sizeof **scope, scope, err));
    **scope = (ovi_sql_scope){.names = names, .outer = b->scope};
    b->scope = *scope;
    return OV_OK;
}

/* Bind the query as one inside another. */
static OV_CHECKED ov_status bind_inside(ovi_sql_binder *b, const ovi_sql_names *names, const ov_ast *query,
                                        ovi_sql_rel *out, ovi_sql_scope **scope, ov_error *err)
{
    ovi_sql_subs *saved = b->subs;
    OV_TRY(enter(b, names, scope, err));
    b->subs = NULL;
    ov_status st = ovi_sql_bind_query(b, query, out, err);
    b->scope = (*scope)->outer;
    b->subs = saved;
    return st;
}

ov_status ovi_sql_bind_lateral(ovi_sql_binder *b, const ovi_sql_rel *left, const ov_ast *from, ovi_sql_rel *out,
                               const ovi_sql_scope **scope, ov_error *err)
{
    ovi_sql_names names = {.b = b, .rel = left, .clause = "FROM"};
    ovi_sql_scope *inside;
    OV_TRY(enter(b, &names, &inside, err));
    ov_status st = ovi_sql_bind_from(b, from, out, err);
    b->scope = inside->outer;
    *scope = inside;
    return st;
}

/* ---- running ---- */

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

static bool can_be_constant(const ov_plan *plan)
{
    ov_type t = plan->fields[0].type;
    return plan->field_count == 1 && !ov_type_is_list(t) && t.id != OV_TYPE_COMPLEX;
}

/* ---- as columns ---- */

static OV_CHECKED ov_status new_sub(ovi_sql_names *n, ovi_sql_sub like, ovi_sql_sub **out, ov_error *err)
{
    ovi_sql_binder *b = n->b;
    ovi_sql_subs *subs = b->subs;
    if (!subs)
        return ovi_sql_fail_node(b, like.ast, OV_UNSUPPORTED, err, NULL,
                                 "Sub-queries that read columns of the query around them are not supported in %s",
                                 n->clause);
    OV_TRY(ov_arena_room(b->arena, &subs->list, subs->count, &subs->capacity, 1, sizeof *subs->list, err));
    OV_TRY(ov_arena_alloc(b->arena, sizeof **out, out, err));
    **out = like;
    (*out)->number = b->sub_count++;
    (*out)->inner = n->in_aggregate || !n->aggs;
    subs->list[subs->count++] = *out;
    return OV_OK;
}

/* The sub-query that this place of the text became before: an item that is a key, too. */
static ovi_sql_sub *known_sub(const ovi_sql_names *n, const ov_ast *ast)
{
    for (uint32_t i = 0; n->b->subs && i < n->b->subs->count; i++)
        if (n->b->subs->list[i]->ast == ast)
            return n->b->subs->list[i];
    return NULL;
}

ov_status ovi_sql_sub_column(ovi_sql_binder *b, const ovi_sql_sub *sub, const ov_expr **out, ov_error *err)
{
    ov_field f = {.type = OV_T(OV_TYPE_LONG), .sql = OV_SQL_BOOLEAN, .elem_sql = OV_SQL_NULL};
    if (!sub->tests) {
        f = sub->plan->fields[0];
        f.nullable = true;
    }
    return column_of(b, OVI_SQL_SUB_BASE + sub->number, &f, out, err);
}

ov_status ovi_sql_bind_scalar(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                              ov_error *err)
{
    ovi_sql_rel rel;
    ov_sql_rows rows;
    ovi_sql_scope *scope;
    ovi_sql_sub *sub = known_sub(n, ast);
    if (sub)
        return ovi_sql_sub_column(n->b, sub, out, err);
    OV_TRY(bind_inside(n->b, n, ast->kids[0], &rel, &scope, err));
    if (rel.plan->field_count != 1)
        return ovi_sql_fail_node(
            n->b, ast, OV_INVALID, err, NULL,
            "Cannot apply '$SCALAR_QUERY' to a sub-query of %u columns; it must have one",
            rel.plan->field_count);
    if (scope->is_read || (!can_be_constant(rel.plan) && n->b->subs)) {
        OV_TRY(new_sub(n, (ovi_sql_sub){.ast = ast, .scope = scope, .plan = rel.plan}, &sub, err));
        return ovi_sql_sub_column(n->b, sub, out, err);
    }
    OV_TRY(run(n->b, ast, rel.plan, 2, &rows, err));
    if (rows.count > 1)
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, "; write an aggregate, or LIMIT 1",
                                 "Subquery expression returned more than one row");
    if (rows.count == 0)
        return ov_expr_null_of(n->b->cx, (ov_sqltype)rel.plan->fields[0].sql, rel.plan->fields[0].type, out, err);
    *out = rows.cells[0];
    return OV_OK;
}

/* ---- EXISTS and IN ---- */

static OV_CHECKED ov_status bind_exists(ovi_sql_names *n, const ov_ast *ast, ovi_sql_membership *out, ov_error *err)
{
    ovi_sql_rel rel;
    ov_sql_rows rows;
    ovi_sql_scope *scope;
    OV_TRY(bind_inside(n->b, n, ast->kids[0], &rel, &scope, err));
    if (scope->is_read)
        return new_sub(n, (ovi_sql_sub){.ast = ast, .tests = true, .scope = scope, .plan = rel.plan}, &out->found, err);
    OV_TRY(run(n->b, ast, rel.plan, 1, &rows, err));
    return ov_expr_i64(n->b->cx, OV_SQL_BOOLEAN, rows.count > 0, &out->known, err);
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

/* x IN (a query that reads nothing of this one): a set of constants. *out is NULL where there are so many that a join, which
 * may go to disk, is the better way. */
static OV_CHECKED ov_status in_constants(ovi_sql_names *n, const ov_ast *ast, const ov_expr *left, const ov_plan *plan,
                                         const ov_expr **out, ov_error *err)
{
    enum { MOST = 1 << 15 };
    const ov_plan *distinct;
    ov_sql_rows rows;
    *out = NULL;
    OV_TRY(ovi_sql_distinct(n->b, plan, &distinct, err));
    OV_TRY(run(n->b, ast, distinct, n->b->subs ? MOST + 1 : OV_NO_LIMIT, &rows, err));
    if (n->b->subs && rows.count > MOST)
        return OV_OK;
    if (rows.count > UINT32_MAX)
        return ovi_sql_fail_node(n->b, ast, OV_LIMIT, err, NULL, "The sub-query has too many rows");
    if (rows.count == 0) /* nothing is in an empty set, NULL neither */
        return ov_expr_i64(n->b->cx, OV_SQL_BOOLEAN, 0, out, err);
    return ov_expr_in(n->b->cx, left, rows.cells, (uint32_t)rows.count, ast->pos, ast->end_pos, out, err);
}

static OV_CHECKED ov_status bind_in(ovi_sql_names *n, const ov_ast *ast, ovi_sql_membership *out, ov_error *err)
{
    const ov_expr **left;
    uint32_t count;
    ovi_sql_rel rel;
    ovi_sql_scope *scope;
    bool left_nullable = false, right_nullable = false;
    OV_TRY(bind_left(n, ast->kids[0], &left, &count, err));
    OV_TRY(bind_inside(n->b, n, ast->kids[1], &rel, &scope, err));
    if (rel.plan->field_count != count)
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 "Values passed to IN operator must have compatible types");
    if (!scope->is_read && can_be_constant(rel.plan))
        OV_TRY(in_constants(n, ast, left[0], rel.plan, &out->known, err));
    if (out->known)
        return OV_OK;
    ovi_sql_sub sub = {.ast = ast, .tests = true, .scope = scope, .plan = rel.plan, .left = left, .left_count = count};
    OV_TRY(new_sub(n, sub, &out->found, err));
    for (uint32_t i = 0; i < count; i++) {
        left_nullable = left_nullable || left[i]->nullable;
        right_nullable = right_nullable || rel.plan->fields[i].nullable;
    }
    sub.unknown = true;
    if (right_nullable || (count > 1 && left_nullable))
        OV_TRY(new_sub(n, sub, &out->unknown, err));
    if (count > 1 || !left_nullable)
        return OV_OK;
    sub.unknown = false;
    sub.left_count = 0;
    OV_TRY(new_sub(n, sub, &out->any, err));
    return ovi_sql_apply(n->b, ast, "IS NULL", left, 1, &out->is_null, err);
}

ov_status ovi_sql_bind_membership(ovi_sql_names *n, const ov_ast *ast, ovi_sql_membership *out, ov_error *err)
{
    *out = (ovi_sql_membership){0};
    return ast->kind == OV_AST_EXISTS ? bind_exists(n, ast, out, err) : bind_in(n, ast, out, err);
}

/* CASE WHEN found THEN TRUE WHEN unknown THEN NULL ELSE FALSE END */
static OV_CHECKED ov_status truth_of(ovi_sql_names *n, const ov_ast *ast, const ovi_sql_membership *m,
                                     const ov_expr **out, ov_error *err)
{
    ovi_sql_binder *b = n->b;
    const ov_expr *args[5], *unknown[2];
    uint32_t count = 0;
    if (m->known) {
        *out = m->known;
        return OV_OK;
    }
    OV_TRY(ovi_sql_sub_column(b, m->found, &args[0], err));
    if (m->unknown)
        OV_TRY(ovi_sql_sub_column(b, m->unknown, &unknown[count++], err));
    if (m->any) {
        const ov_expr *both[2] = {m->is_null, NULL};
        OV_TRY(ovi_sql_sub_column(b, m->any, &both[1], err));
        OV_TRY(ovi_sql_apply(b, ast, "AND", both, 2, &unknown[count++], err));
    }
    *out = args[0];
    if (!count)
        return OV_OK;
    args[2] = unknown[0];
    if (count == 2)
        OV_TRY(ovi_sql_apply(b, ast, "OR", unknown, 2, &args[2], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BOOLEAN, 1, &args[1], err));
    OV_TRY(ov_expr_null(b->cx, OV_SQL_BOOLEAN, &args[3], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BOOLEAN, 0, &args[4], err));
    return ovi_sql_apply(b, ast, "CASE", args, 5, out, err);
}

ov_status ovi_sql_bind_exists(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                              ov_error *err)
{
    ovi_sql_membership m;
    ovi_sql_sub *sub = known_sub(n, ast);
    if (sub)
        return ovi_sql_sub_column(n->b, sub, out, err);
    OV_TRY(ovi_sql_bind_membership(n, ast, &m, err));
    return truth_of(n, ast, &m, out, err);
}

ov_status ovi_sql_bind_in_query(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                ov_error *err)
{
    ovi_sql_membership m;
    OV_TRY(ovi_sql_bind_membership(n, ast, &m, err));
    OV_TRY(truth_of(n, ast, &m, out, err));
    return ovi_sql_negate_if(n, ast, ast->flags & OV_AST_NEGATED, out, err);
}

/* ---- ALL and ANY ---- */

enum { LOWEST, HIGHEST, ROWS, VALUES, FACTS };

/* What a comparison with all values, or any, has to know of them: one row of their lowest, their highest, how many rows there are and how many
 * of those have a value. */
static OV_CHECKED ov_status gather_facts(ovi_sql_binder *b, const ov_ast *ast, const ov_plan *in, const ov_plan **out, ov_error *err)
{
    static const char *const names[FACTS] = {"MIN", "MAX", "COUNT", "COUNT"};
    const ov_expr *column[1];
    ov_agg_call *calls;
    OV_TRY(ov_plan_column(b->cx, in, 0, &column[0], err));
    OV_TRY(ov_arena_alloc(b->arena, FACTS * sizeof *calls, &calls, err));
    for (uint32_t i = 0; i < FACTS; i++)
        OV_TRY(ov_agg_bind(b->cx, ov_slice_cstr(names[i]), column, i != ROWS, false, NULL, ast->pos, ast->end_pos, &calls[i], err));
    return ovi_sql_group(b, in, NULL, 0, calls, FACTS, out, err);
}

/* Each fact as a constant, or as a column until the query is joined to the rows it reads. */
static OV_CHECKED ov_status bind_facts(ovi_sql_names *n, const ov_ast *ast, const ov_expr **facts, ov_error *err)
{
    ovi_sql_binder *b = n->b;
    ovi_sql_rel rel;
    ovi_sql_scope *scope;
    ov_sql_rows rows;
    const ov_plan *plan;
    OV_TRY(bind_inside(b, n, ast->kids[1], &rel, &scope, err));
    if (rel.plan->field_count != 1)
        return ovi_sql_fail_node(b, ast, OV_INVALID, err, NULL, "A value is compared with a sub-query of %u columns; it must have one",
                                 rel.plan->field_count);
    bool constant = !scope->is_read && can_be_constant(rel.plan);
    OV_TRY(gather_facts(b, ast, rel.plan, &plan, err));
    if (constant) {
        OV_TRY(run(b, ast, plan, 1, &rows, err));
        memcpy(facts, rows.cells, FACTS * sizeof *facts);
        return OV_OK;
    }
    for (uint32_t i = 0; i < FACTS; i++) {
        ovi_sql_sub *sub, like = {.ast = ast, .scope = scope};
        const ov_expr **column;
        OV_TRY(ov_arena_alloc(b->arena, sizeof *column, &column, err));
        OV_TRY(ov_plan_column(b->cx, plan, i, column, err));
        OV_TRY(ov_plan_project(b->arena, plan, column, NULL, 1, &like.plan, err));
        OV_TRY(new_sub(n, like, &sub, err));
        OV_TRY(ovi_sql_sub_column(b, sub, &facts[i], err));
    }
    return OV_OK;
}

/* x OP what decides: the lowest or highest value, or both where all are equal to x, or one is not. */
static OV_CHECKED ov_status compare_facts(ovi_sql_names *n, const ov_ast *ast, const ov_expr *x, const ov_expr *const *facts,
                                          const ov_expr **out, ov_error *err)
{
    static const char *const ops[] = {"", "=", "<>", "<", "<=", ">", ">="};
    bool all = ast->flags & OV_AST_ALL, less = ast->op == OV_AST_OP_LT || ast->op == OV_AST_OP_LE;
    const ov_expr *pair[2] = {x, facts[all == less ? LOWEST : HIGHEST]}, *both[2];
    if (ast->op != OV_AST_OP_EQ && ast->op != OV_AST_OP_NE)
        return ovi_sql_apply(n->b, ast, ops[ast->op], pair, 2, out, err);
    for (uint32_t i = LOWEST; i <= HIGHEST; i++) {
        pair[1] = facts[i];
        OV_TRY(ovi_sql_apply(n->b, ast, ops[ast->op], pair, 2, &both[i], err));
    }
    return ovi_sql_apply(n->b, ast, all ? "AND" : "OR", both, 2, out, err);
}

/* Of no rows ALL is true and ANY false. A NULL among the values leaves open what the others do not decide: true of ALL, false of ANY. */
ov_status ovi_sql_bind_quantified(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out, ov_error *err)
{
    ovi_sql_binder *b = n->b;
    bool all = ast->flags & OV_AST_ALL;
    const ov_expr *x, *facts[FACTS], *empty[3], *whole[3], *parts[2], *pair[2];
    if (ast->kids[0]->kind == OV_AST_ROW)
        return ovi_sql_fail_node(b, ast, OV_UNSUPPORTED, err, NULL, "A row is compared with a sub-query by IN and NOT IN only");
    OV_TRY(ovi_sql_bind_expr(n, ast->kids[0], &x, err));
    OV_TRY(bind_facts(n, ast, facts, err));
    OV_TRY(compare_facts(n, ast, x, facts, &parts[0], err));
    pair[0] = facts[ROWS];
    pair[1] = facts[VALUES];
    OV_TRY(ovi_sql_apply(b, ast, "=", pair, 2, &whole[0], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BOOLEAN, all, &whole[1], err));
    OV_TRY(ov_expr_null(b->cx, OV_SQL_BOOLEAN, &whole[2], err));
    OV_TRY(ovi_sql_apply(b, ast, "CASE", whole, 3, &parts[1], err));
    OV_TRY(ovi_sql_apply(b, ast, all ? "AND" : "OR", parts, 2, &empty[2], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 0, &pair[1], err));
    OV_TRY(ovi_sql_apply(b, ast, "=", pair, 2, &empty[0], err));
    empty[1] = whole[1];
    return ovi_sql_apply(b, ast, "CASE", empty, 3, out, err);
}
