/*
 * WHERE with sub-queries: EXISTS and IN as whole conditions keep rows or drop them, any other sub-query becomes a column
 * that the condition reads.
 */
#include "query/sql/bind_attach.h"

/* EXISTS or IN as a whole condition: rows stay or go, and nobody asks for the value. */
typedef struct test {
    ovi_sql_membership m;
    const ov_ast *ast;
    bool negated;
} test;

typedef struct where {
    ovi_sql_names *names;
    ovi_sql_subs subs;
    const ov_expr **parts;
    test *tests;
    uint32_t part_count, test_count;
} where;

static uint32_t count_parts(const ov_ast *ast)
{
    uint32_t n = 1;
    for (uint32_t i = 0; ast->kind == OV_AST_AND && i < ast->kid_count; i++)
        n += count_parts(ast->kids[i]);
    return n;
}

static bool left_has_subs(const ovi_sql_sub *sub)
{
    for (uint32_t i = 0; sub && i < sub->left_count; i++)
        if (ovi_sql_has_subs(sub->left[i]))
            return true;
    return false;
}

static OV_CHECKED ov_status bind_test(where *w, const ov_ast *ast, bool negated, ov_error *err)
{
    test *t = &w->tests[w->test_count];
    negated = negated != ((ast->flags & OV_AST_NEGATED) != 0);
    OV_TRY(ovi_sql_bind_membership(w->names, ast, &t->m, err));
    t->ast = ast;
    t->negated = negated;
    if (!t->m.known) {
        w->test_count++;
        return OV_OK;
    }
    OV_TRY(ovi_sql_negate_if(w->names, ast, negated, &t->m.known, err));
    w->parts[w->part_count++] = t->m.known;
    return OV_OK;
}

static OV_CHECKED ov_status bind_parts(where *w, const ov_ast *ast, ov_error *err)
{
    const ov_ast *core = ast;
    bool negated = false;
    if (ast->kind == OV_AST_AND) {
        for (uint32_t i = 0; i < ast->kid_count; i++)
            OV_TRY(bind_parts(w, ast->kids[i], err));
        return OV_OK;
    }
    for (; core->kind == OV_AST_NOT; core = core->kids[0])
        negated = !negated;
    if (core->kind == OV_AST_EXISTS || core->kind == OV_AST_IN_QUERY)
        return bind_test(w, core, negated, err);
    return ovi_sql_bind_condition(w->names, ast, &w->parts[w->part_count++], err);
}

/* The parts with sub-queries, or those without. */
static OV_CHECKED ov_status filter_by(where *w, const ov_ast *at, bool subs, const ov_plan **plan, ov_error *err)
{
    ovi_sql_binder *b = w->names->b;
    const ov_expr **parts, *predicate;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(b->arena, (w->part_count + (size_t)1) * sizeof *parts, &parts, err));
    for (uint32_t i = 0; i < w->part_count; i++) {
        if (ovi_sql_has_subs(w->parts[i]) != subs)
            continue;
        parts[n] = w->parts[i];
        OV_TRY(ovi_sql_with_subs(b, &w->subs, &parts[n++], err));
    }
    OV_TRY(ovi_sql_all_of(b, at, parts, n, &predicate, err));
    return n ? ov_plan_filter(b->arena, *plan, predicate, plan, err) : OV_OK;
}

static OV_CHECKED ov_status apply_test(where *w, const test *t, const ov_plan **plan, ov_error *err)
{
    ovi_sql_binder *b = w->names->b;
    ovi_sql_attaching a = {.b = b, .subs = &w->subs, .around = *plan};
    const ov_expr *both[2] = {t->m.is_null, NULL}, *keep;
    OV_TRY(ovi_sql_attach_test(&a, t->m.found, t->negated ? OV_JOINS_ANTI : OV_JOINS_SEMI, plan, err));
    if (!t->negated)
        return OV_OK;
    a.around = *plan;
    if (t->m.unknown)
        OV_TRY(ovi_sql_attach_test(&a, t->m.unknown, OV_JOINS_ANTI, plan, err));
    a.around = *plan;
    if (!t->m.any)
        return OV_OK;
    OV_TRY(ovi_sql_attach_test(&a, t->m.any, OV_JOINS_MARK, plan, err));
    both[1] = t->m.any->value;
    OV_TRY(ovi_sql_apply(b, t->ast, "AND", both, 2, &keep, err));
    OV_TRY(ovi_sql_apply(b, t->ast, "NOT", &keep, 1, &keep, err));
    return ov_plan_filter(b->arena, *plan, keep, plan, err);
}

/* A test whose left side is a sub-query itself waits for that one: it becomes an ordinary part. */
static OV_CHECKED ov_status late_test(where *w, const test *t, ov_error *err)
{
    ovi_sql_binder *b = w->names->b;
    const ov_expr *either[3], *both[2] = {t->m.is_null, NULL}, *e;
    uint32_t n = 0;
    OV_TRY(ovi_sql_sub_column(b, t->m.found, &either[n++], err));
    if (t->m.unknown && t->negated)
        OV_TRY(ovi_sql_sub_column(b, t->m.unknown, &either[n++], err));
    if (t->m.any && t->negated) {
        OV_TRY(ovi_sql_sub_column(b, t->m.any, &both[1], err));
        OV_TRY(ovi_sql_apply(b, t->ast, "AND", both, 2, &either[n++], err));
    }
    e = either[0];
    if (n > 1)
        OV_TRY(ovi_sql_apply(b, t->ast, "OR", either, n, &e, err));
    OV_TRY(ovi_sql_negate_if(w->names, t->ast, t->negated, &e, err));
    w->parts[w->part_count++] = e;
    return OV_OK;
}

static OV_CHECKED ov_status filter_rows(where *w, const ov_ast *ast, const ov_plan **plan, ov_error *err)
{
    ovi_sql_binder *b = w->names->b;
    uint32_t most = count_parts(ast);
    OV_TRY(ov_arena_alloc(b->arena, most * 2 * sizeof *w->parts, &w->parts, err));
    OV_TRY(ov_arena_alloc(b->arena, most * sizeof *w->tests, &w->tests, err));
    OV_TRY(bind_parts(w, ast, err));
    OV_TRY(filter_by(w, ast, false, plan, err));
    for (uint32_t i = 0; i < w->test_count; i++) {
        bool late = left_has_subs(w->tests[i].m.found);
        if (late)
            OV_TRY(late_test(w, &w->tests[i], err));
        else
            OV_TRY(apply_test(w, &w->tests[i], plan, err));
        for (uint32_t s = 0; !late && s < w->subs.count; s++) /* done; nobody asks for a value */
            if (w->subs.list[s]->ast == w->tests[i].ast && !w->subs.list[s]->value)
                OV_TRY(ov_expr_i64(b->cx, OV_SQL_BOOLEAN, 1, &w->subs.list[s]->value, err));
    }
    OV_TRY(ovi_sql_attach(b, &w->subs, true, NULL, NULL, plan, err));
    return filter_by(w, ast, true, plan, err);
}

ov_status ovi_sql_bind_where(ovi_sql_names *names, const ov_ast *ast, const ov_plan **plan, ov_error *err)
{
    ovi_sql_binder *b = names->b;
    ovi_sql_subs *saved = b->subs;
    where w = {.names = names};
    b->subs = &w.subs;
    ov_status st = filter_rows(&w, ast, plan, err);
    b->subs = saved;
    return st;
}
