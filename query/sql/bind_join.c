/*
 * Joins: two relations to one whose columns are those of the left, then those of the right. The condition is bound
 * over the combined row; which parts of it are keys is the optimiser's business, since WHERE has a say too.
 */
#include "query/sql/bind_int.h"

typedef struct join_binding {
    ovi_sql_binder *b;
    const ov_ast *ast;
    ov_join_kind kind;
    ovi_sql_rel left, right;
    const ov_slice *shared; /* names of USING or NATURAL */
    uint32_t shared_count;
    const ov_plan *plan;    /* without a condition, to bind it over */
} join_binding;

static ov_join_kind kind_of(const ov_ast *join)
{
    switch (join->op) {
    case OV_JOIN_LEFT:
        return OV_JOINS_LEFT;
    case OV_JOIN_RIGHT:
        return OV_JOINS_RIGHT;
    case OV_JOIN_FULL:
        return OV_JOINS_FULL;
    default:
        return OV_JOINS_INNER;
    }
}

/* Two tables of one name could not be told apart. */
static OV_CHECKED ov_status check_names(const join_binding *j, ov_error *err)
{
    ov_slice last_left = {NULL, 0}, last_right;
    for (uint32_t i = 0; i < j->left.column_count; i++) {
        ov_slice name = j->left.columns[i].table;
        if (!name.n || (i && ov_slice_eq(name, last_left)))
            continue;
        last_left = name;
        last_right = ov_slice_make(NULL, 0);
        for (uint32_t k = 0; k < j->right.column_count; k++) {
            ov_slice other = j->right.columns[k].table;
            if (k && ov_slice_eq(other, last_right))
                continue;
            last_right = other;
            if (ov_slice_eq(name, other))
                return ovi_sql_fail_node(j->b, j->ast->kids[OV_JOIN_RIGHT_KID], OV_INVALID, err, NULL,
                                         "Duplicate relation name '" OV_SLICE_FMT
                                         "' in FROM clause",
                                         OV_SLICE_ARG(name));
        }
    }
    return OV_OK;
}

static OV_CHECKED ov_status check_condition(const join_binding *j, ov_error *err)
{
    const ov_ast *a = j->ast;
    bool natural = a->flags & OV_AST_NATURAL, has = a->kids[OV_JOIN_ON] || a->kids[OV_JOIN_USING];
    if (natural && has)
        return ovi_sql_fail_node(j->b, a, OV_INVALID, err, NULL,
                                 "Cannot specify NATURAL keyword with ON or USING clause");
    if (natural || has || a->op == OV_JOIN_COMMA || a->op == OV_JOIN_CROSS)
        return OV_OK;
    return ovi_sql_fail_node(j->b, a, OV_INVALID, err, NULL,
                             "INNER, LEFT, RIGHT or FULL join requires a condition (NATURAL "
                             "keyword or ON or USING clause)");
}

static uint32_t count_named(const ovi_sql_rel *rel, ov_slice name, const ovi_sql_column **out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rel->column_count; i++)
        if (!rel->columns[i].only_by_table && !rel->columns[i].unlisted && ov_slice_eq(rel->columns[i].name, name)) {
            n++;
            *out = &rel->columns[i];
        }
    return n;
}

/* The names of USING, or those that both sides have. */
static OV_CHECKED ov_status find_shared(join_binding *j, ov_error *err)
{
    const ov_ast *names = j->ast->kids[OV_JOIN_USING];
    const ovi_sql_column *unused;
    ov_slice *shared;
    uint32_t most = names ? names->kid_count : j->left.column_count;
    if (!names && !(j->ast->flags & OV_AST_NATURAL))
        return OV_OK;
    OV_TRY(ov_arena_alloc(j->b->arena, ((size_t)most + 1) * sizeof *shared, &shared, err));
    for (uint32_t i = 0; i < most; i++) {
        ov_slice name = names ? names->kids[i]->text : j->left.columns[i].name;
        const ov_ast *at = names ? names->kids[i] : j->ast;
        if (!names && (j->left.columns[i].only_by_table || j->left.columns[i].unlisted))
            continue;
        uint32_t l = count_named(&j->left, name, &unused), r = count_named(&j->right, name, &unused);
        if (names && (!l || !r))
            return ovi_sql_fail_node(j->b, at, OV_INVALID, err, NULL,
                                     "Column '" OV_SLICE_FMT "' not found in the %s side of the join",
                                     OV_SLICE_ARG(name), l ? "right" : "left");
        if (l > 1 ? r > 0 : r > 1)
            return ovi_sql_fail_node(j->b, at, OV_INVALID, err, NULL,
                                     "Column name '" OV_SLICE_FMT
                                     "' in NATURAL join or USING clause is not unique on one side of join",
                                     OV_SLICE_ARG(name));
        bool seen = false;
        for (uint32_t k = 0; k < j->shared_count; k++)
            seen = seen || ov_slice_eq(shared[k], name);
        if (r && !seen)
            shared[j->shared_count++] = name;
    }
    j->shared = shared;
    return OV_OK;
}

static bool is_shared(const join_binding *j, const ovi_sql_column *c)
{
    for (uint32_t i = 0; i < j->shared_count; i++)
        if (ov_slice_eq(j->shared[i], c->name))
            return true;
    return c->only_by_table;
}

/* Columns of the left, then of the right; with `merged`, those of shared names come first, once. */
static OV_CHECKED ov_status combine(const join_binding *j, const uint32_t *merged, ovi_sql_rel *out,
                                    ov_error *err)
{
    ovi_sql_column *columns;
    uint32_t n = 0, most = j->left.column_count + j->right.column_count + j->shared_count;
    OV_TRY(ov_arena_alloc(j->b->arena, ((size_t)most + 1) * sizeof *columns, &columns, err));
    for (uint32_t i = 0; merged && i < j->shared_count; i++)
        columns[n++] = (ovi_sql_column){.name = j->shared[i], .column = merged[i]};
    for (uint32_t side = 0; side < 2; side++) {
        const ovi_sql_rel *rel = side ? &j->right : &j->left;
        for (uint32_t i = 0; i < rel->column_count; i++) {
            columns[n] = rel->columns[i];
            columns[n].column += side ? j->left.plan->field_count : 0;
            columns[n].only_by_table = is_shared(j, &rel->columns[i]);
            n++;
        }
    }
    *out = (ovi_sql_rel){.plan = j->plan, .columns = columns, .column_count = n};
    return OV_OK;
}

static OV_CHECKED ov_status pair_of(const join_binding *j, uint32_t i, uint32_t at[2],
                                    const ov_expr *pair[2], ov_error *err)
{
    const ovi_sql_column *l, *r;
    if (!count_named(&j->left, j->shared[i], &l) || !count_named(&j->right, j->shared[i], &r))
        return ov_fail(err, OV_INTERNAL, "a shared column of a join is gone");
    at[0] = l->column;
    at[1] = r->column + j->left.plan->field_count;
    for (uint32_t k = 0; k < 2; k++)
        OV_TRY(ov_plan_column(j->b->cx, j->plan, at[k], &pair[k], err));
    return OV_OK;
}

static OV_CHECKED ov_status shared_condition(const join_binding *j, const ov_expr **out,
                                             ov_error *err)
{
    const ov_expr **all;
    uint32_t at[2];
    *out = NULL;
    if (!j->shared_count)
        return OV_OK;
    OV_TRY(ov_arena_alloc(j->b->arena, j->shared_count * sizeof *all, &all, err));
    for (uint32_t i = 0; i < j->shared_count; i++) {
        const ov_expr *pair[2];
        OV_TRY(pair_of(j, i, at, pair, err));
        OV_TRY(ovi_sql_apply(j->b, j->ast, "=", pair, 2, &all[i], err));
    }
    *out = all[0];
    return j->shared_count == 1 ? OV_OK
                                : ovi_sql_apply(j->b, j->ast, "AND", all, j->shared_count, out, err);
}

/* FULL JOIN: a shared column has the value of the side that has one, computed above the join. */
static OV_CHECKED ov_status coalesce_shared(join_binding *j, uint32_t *merged, ov_error *err)
{
    uint32_t count = j->plan->field_count, at[2];
    const ov_expr **exprs;
    ov_slice *names;
    OV_TRY(ov_arena_alloc(j->b->arena, ((size_t)count + j->shared_count) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(j->b->arena, ((size_t)count + j->shared_count) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        names[i] = j->plan->fields[i].name;
        OV_TRY(ov_plan_column(j->b->cx, j->plan, i, &exprs[i], err));
    }
    for (uint32_t i = 0; i < j->shared_count; i++) {
        const ov_expr *pair[2];
        OV_TRY(pair_of(j, i, at, pair, err));
        OV_TRY(ovi_sql_apply(j->b, j->ast, "COALESCE", pair, 2, &exprs[count + i], err));
        names[count + i] = j->shared[i];
        merged[i] = count + i;
    }
    return ov_plan_project(j->b->arena, j->plan, exprs, names, count + j->shared_count, &j->plan, err);
}

static OV_CHECKED ov_status bind_on(const join_binding *j, ovi_sql_subs *subs, const ov_expr **out, ov_error *err)
{
    ovi_sql_names names = {.b = j->b, .clause = "ON"};
    ovi_sql_subs *saved = j->b->subs;
    ovi_sql_rel rel;
    OV_TRY(combine(j, NULL, &rel, err));
    names.rel = &rel;
    j->b->subs = subs;
    ov_status st = ovi_sql_bind_condition(&names, j->ast->kids[OV_JOIN_ON], out, err);
    j->b->subs = saved;
    return st;
}

/* ---- sub-queries in ON ---- */

/* An expression over both sides, of which it reads one, over that side. */
typedef struct one_side {
    const join_binding *j;
    bool right;
    uint32_t left_columns; /* before anything was attached */
} one_side;

static bool reads_side(const ov_expr *e, uint32_t left_columns, bool right)
{
    if (e->kind == OV_EXPR_COLUMN)
        return e->column < OV_EXPR_UNBOUND && (e->column >= left_columns) == right;
    for (uint32_t i = 0; i < e->argc; i++)
        if (reads_side(e->args[i], left_columns, right))
            return true;
    return false;
}

static ov_status side_leaf(void *self, const ov_expr *column, const ov_expr **out, ov_error *err)
{
    const one_side *s = self;
    const ov_plan *side = s->right ? s->j->right.plan : s->j->left.plan;
    if (column->column >= OV_EXPR_UNBOUND)
        return OV_OK;
    return ov_plan_column(s->j->b->cx, side, column->column - (s->right ? s->left_columns : 0), out, err);
}

static ov_status onto_side(void *self, const ov_ast *at, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    one_side *s = self;
    if (reads_side(e, s->left_columns, !s->right))
        return ovi_sql_fail_node(s->j->b, at, OV_UNSUPPORTED, err, NULL,
                                 "A sub-query in ON of an outer join may read columns of one side only");
    return ov_expr_rewrite(s->j->b->cx, e, side_leaf, s, out, err);
}

static bool sub_reads_left(const join_binding *j, const ovi_sql_sub *sub)
{
    uint32_t left = j->left.plan->field_count;
    for (uint32_t i = 0; i < sub->left_count; i++)
        if (reads_side(sub->left[i], left, false))
            return true;
    for (uint32_t i = 0; i < j->b->outer_count; i++)
        if (j->b->outer[i].scope == sub->scope && reads_side(j->b->outer[i].expr, left, false))
            return true;
    return false;
}

/* e, bound over both sides as they were, over both sides as they are. */
typedef struct widened {
    const join_binding *j;
    const ov_plan *both;
    uint32_t left_columns;
    bool of_right; /* e is over the right side alone */
} widened;

static ov_status widened_leaf(void *self, const ov_expr *column, const ov_expr **out, ov_error *err)
{
    const widened *w = self;
    uint32_t c = column->column, added = w->j->left.plan->field_count - w->left_columns;
    if (c >= OV_EXPR_UNBOUND)
        return OV_OK;
    if (w->of_right)
        c += w->j->left.plan->field_count;
    else if (c >= w->left_columns)
        c += added;
    return ov_plan_column(w->j->b->cx, w->both, c, out, err);
}

/* An outer join's ON: each sub-query goes to the side that it reads, below the join. */
static OV_CHECKED ov_status attach_to_sides(join_binding *j, ovi_sql_subs *subs, const ov_expr **condition, ov_error *err)
{
    one_side left = {j, false, j->left.plan->field_count}, right = left;
    widened w = {.j = j, .left_columns = left.left_columns};
    right.right = true;
    for (uint32_t i = 0; i < subs->count; i++)
        subs->list[i]->inner = sub_reads_left(j, subs->list[i]);
    OV_TRY(ovi_sql_attach(j->b, subs, true, onto_side, &left, &j->left.plan, err));
    OV_TRY(ovi_sql_attach(j->b, subs, false, onto_side, &right, &j->right.plan, err));
    OV_TRY(ov_plan_join(j->b->arena, OV_JOINS_INNER, j->left.plan, j->right.plan, NULL, &w.both, err));
    OV_TRY(ov_expr_rewrite(j->b->cx, *condition, widened_leaf, &w, condition, err));
    w.of_right = true;
    for (uint32_t i = 0; i < subs->count; i++)
        if (!subs->list[i]->inner)
            OV_TRY(ov_expr_rewrite(j->b->cx, subs->list[i]->value, widened_leaf, &w, &subs->list[i]->value, err));
    return ovi_sql_with_subs(j->b, subs, condition, err);
}

/* An inner join's ON is a filter above it. */
static OV_CHECKED ov_status filter_joined(join_binding *j, ovi_sql_subs *subs, const ov_expr *condition, ov_error *err)
{
    OV_TRY(ovi_sql_attach(j->b, subs, true, NULL, NULL, &j->plan, err));
    OV_TRY(ovi_sql_with_subs(j->b, subs, &condition, err));
    return ov_plan_filter(j->b->arena, j->plan, condition, &j->plan, err);
}

static bool is_lateral(const ov_ast *from)
{
    if (from->kind == OV_AST_TABLE_ALIAS)
        from = from->kids[0];
    return from->kind == OV_AST_DERIVED && (from->flags & OV_AST_LATERAL);
}

/* The right side; *scope is set when it reads the left one. */
static OV_CHECKED ov_status bind_right(join_binding *j, const ovi_sql_scope **scope, ov_error *err)
{
    const ov_ast *right = j->ast->kids[OV_JOIN_RIGHT_KID];
    bool unnest = ovi_sql_is_unnest(right);
    *scope = NULL;
    if (!is_lateral(right) && !unnest)
        return ovi_sql_bind_from(j->b, right, &j->right, err);
    OV_TRY(ovi_sql_bind_lateral(j->b, &j->left, right, &j->right, scope, err));
    if (!(*scope)->is_read)
        *scope = NULL;
    else if (j->kind == OV_JOINS_INNER || j->kind == OV_JOINS_LEFT)
        return OV_OK;
    else if (unnest)
        return ovi_sql_fail_node(j->b, right, OV_INVALID, err, NULL,
                                 "%s JOIN UNNEST(...) cannot read columns of what is in front of it: elements would have no "
                                 "row there to come from. LEFT JOIN UNNEST(...) ON TRUE keeps rows without elements",
                                 j->kind == OV_JOINS_RIGHT ? "RIGHT" : "FULL");
    else
        return ovi_sql_fail_node(j->b, right, OV_UNSUPPORTED, err, NULL,
                                 "LATERAL stands behind a comma, CROSS JOIN, JOIN or LEFT JOIN");
    return OV_OK;
}

/* The join itself, with what it is joined on. */
static OV_CHECKED ov_status make_join(join_binding *j, const ovi_sql_scope *lateral, ov_error *err)
{
    ovi_sql_subs subs = {0};
    const ov_expr *condition;
    OV_TRY(ov_plan_join(j->b->arena, j->kind, j->left.plan, j->right.plan, NULL, &j->plan, err));
    if (j->ast->kids[OV_JOIN_ON])
        OV_TRY(bind_on(j, &subs, &condition, err));
    else
        OV_TRY(shared_condition(j, &condition, err));
    if (lateral && subs.count)
        return ovi_sql_fail_node(j->b, j->ast->kids[OV_JOIN_ON], OV_UNSUPPORTED, err, NULL,
                                 "ON of a LATERAL join cannot have sub-queries; filter in WHERE");
    if (subs.count && j->kind == OV_JOINS_INNER)
        return filter_joined(j, &subs, condition, err);
    if (subs.count)
        OV_TRY(attach_to_sides(j, &subs, &condition, err));
    if (lateral)
        return ovi_sql_join_lateral(j->b, j->ast, lateral, j->kind, j->left.plan, j->right.plan, condition, &j->plan,
                                    err);
    return ov_plan_join(j->b->arena, j->kind, j->left.plan, j->right.plan, condition, &j->plan, err);
}

/* "a, UNNEST(a.x) u JOIN b": the first table of the join behind the comma is an UNNEST, which sees what is in front. */
static bool starts_with_unnest(const ov_ast *from)
{
    while (from->kind == OV_AST_JOIN && from->op != OV_JOIN_RIGHT && from->op != OV_JOIN_FULL)
        from = from->kids[OV_JOIN_LEFT_KID];
    return ovi_sql_is_unnest(from);
}

static OV_CHECKED ov_status bind_behind(ovi_sql_binder *b, const ov_ast *from, const ovi_sql_rel *in_front,
                                        ovi_sql_rel *out, ov_error *err)
{
    if (from->kind == OV_AST_JOIN)
        return ovi_sql_bind_join(b, from, in_front, out, err);
    return ovi_sql_bind_unnest(b, from, in_front, false, out, err);
}

/* JOIN UNNEST(...) ON condition, when that is not a join at all: *done. An outer one is only with the condition that is always true;
 * what its rows without an element are follows from the list alone then. */
static OV_CHECKED ov_status join_unnest(join_binding *j, ovi_sql_rel *out, bool *done, ov_error *err)
{
    const ov_ast *on = j->ast->kids[OV_JOIN_ON], *right = j->ast->kids[OV_JOIN_RIGHT_KID];
    bool outer = j->kind == OV_JOINS_LEFT;
    const ov_expr *condition;
    *done = false;
    if (!ovi_sql_is_unnest(right) || (!outer && j->kind != OV_JOINS_INNER) || j->ast->kids[OV_JOIN_USING] ||
        (j->ast->flags & OV_AST_NATURAL))
        return OV_OK;
    OV_TRY(ovi_sql_bind_unnest(j->b, right, &j->left, outer, out, err));
    *done = true;
    if (!on)
        return OV_OK;
    ovi_sql_names names = {.b = j->b, .rel = out, .clause = "ON"};
    OV_TRY(ovi_sql_bind_condition(&names, on, &condition, err));
    if (ov_expr_is_true(condition))
        return OV_OK;
    *done = !outer;
    if (outer)
        return OV_OK;
    return ov_plan_filter(j->b->arena, out->plan, condition, &out->plan, err);
}

ov_status ovi_sql_bind_join(ovi_sql_binder *b, const ov_ast *ast, const ovi_sql_rel *in_front, ovi_sql_rel *out,
                            ov_error *err)
{
    join_binding j = {.b = b, .ast = ast, .kind = kind_of(ast)};
    const ov_ast *right = ast->kids[OV_JOIN_RIGHT_KID];
    const ovi_sql_scope *lateral;
    uint32_t *merged, at[2];
    bool done;
    OV_TRY(check_condition(&j, err));
    if (in_front && starts_with_unnest(ast->kids[OV_JOIN_LEFT_KID]))
        OV_TRY(bind_behind(b, ast->kids[OV_JOIN_LEFT_KID], in_front, &j.left, err));
    else
        OV_TRY(ovi_sql_bind_from(b, ast->kids[OV_JOIN_LEFT_KID], &j.left, err));
    OV_TRY(join_unnest(&j, out, &done, err));
    if (done)
        return OV_OK;
    if ((ast->op == OV_JOIN_COMMA || ast->op == OV_JOIN_CROSS) && starts_with_unnest(right))
        return bind_behind(b, right, &j.left, out, err);
    OV_TRY(bind_right(&j, &lateral, err));
    OV_TRY(check_names(&j, err));
    OV_TRY(find_shared(&j, err));
    OV_TRY(make_join(&j, lateral, err));
    OV_TRY(ov_arena_alloc(b->arena, ((size_t)j.shared_count + 1) * sizeof *merged, &merged, err));
    if (j.kind == OV_JOINS_FULL && j.shared_count) {
        OV_TRY(coalesce_shared(&j, merged, err));
        return combine(&j, merged, out, err);
    }
    for (uint32_t i = 0; i < j.shared_count; i++) {
        const ov_expr *pair[2];
        OV_TRY(pair_of(&j, i, at, pair, err));
        merged[i] = at[j.kind == OV_JOINS_RIGHT];
    }
    return combine(&j, merged, out, err);
}
