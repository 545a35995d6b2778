/* GROUP BY: its keys, and moving expressions onto the output of the AGGREGATE node. */
#include "query/sql/bind_int.h"

#include "base/hash.h"

/* Parameters with one value are one, as if it had been written. */
static bool same_param(const void *self, uint32_t a, uint32_t b)
{
    const ov_sql_env *env = self;
    if (a == b || a >= env->param_count || b >= env->param_count)
        return a == b;
    const ov_param *x = &env->params[a], *y = &env->params[b];
    return x->sql == y->sql && x->sql != OV_SQL_ARRAY && x->is_null == y->is_null && x->i == y->i && x->f == y->f &&
           x->local == y->local && ov_slice_eq(x->s, y->s);
}

static bool same_words(const ovi_sql_binder *b, const ov_ast *x, const ov_ast *y)
{
    return ov_ast_equal_bound(x, y, same_param, b->env);
}

static bool same_text(const ovi_sql_binder *binder, const ov_ast *a, const ov_ast *b)
{
    bool names = (a->kind == OV_AST_NAME || a->kind == OV_AST_PATH) && (b->kind == OV_AST_NAME || b->kind == OV_AST_PATH);
    return names || same_words(binder, a, b); /* c and t.c are one column */
}

/* The key's number; a new one unless there is one like it. Keys that are written differently and simplify to one are
 * one in an ordinary grouping; in sets each is left out on its own, so they stay apart. */
static OV_CHECKED ov_status add_key(ovi_sql_binder *b, const ov_ast *ast, const ov_expr *key, ovi_sql_grouping *out,
                                    uint32_t *number, ov_error *err)
{
    OV_EACH_PLACE(&out->places, ov_expr_hash(key), i, slot) {
        *number = i;
        if (ov_expr_equal(out->keys[i], key) && (!out->in_sets || same_text(b, out->asts[i], ast)))
            return OV_OK;
    }
    uint32_t cap = out->key_capacity;
    OV_TRY(ov_arena_room(b->arena, &out->asts, out->key_count, &cap, 1, sizeof *out->asts, err));
    OV_TRY(ov_arena_room(b->arena, &out->keys, out->key_count, &out->key_capacity, 1, sizeof *out->keys, err));
    OV_TRY(ov_expr_note(&out->places, b->arena, key, err));
    *number = out->key_count++;
    out->keys[*number] = key;
    out->asts[*number] = ast;
    return OV_OK;
}

/* What the key stands for: an ordinal or an alias means a select item. */
static OV_CHECKED ov_status key_meaning(ovi_sql_binder *b, const ov_ast *select,
                                        const ovi_sql_rel *rel, const ovi_sql_grouping *grouping,
                                        const ov_ast **key, ov_error *err)
{
    const ov_ast *items = select->kids[OV_SELECT_ITEMS], *ast = *key;
    if (ast->kind == OV_AST_INTEGER) {
        uint64_t n = 0;
        for (size_t i = 0; i < ast->text.n && n <= items->kid_count; i++)
            n = n * 10 + (uint64_t)(ast->text.p[i] - '0');
        if (n < 1 || n > items->kid_count)
            return ovi_sql_fail_ordinal(b, ast, items->kid_count, err);
        *key = ovi_sql_unaliased(items->kids[n - 1]);
        if ((*key)->kind == OV_AST_STAR)
            return ovi_sql_fail_node(b, ast, OV_INVALID, err, NULL,
                                     "GROUP BY %u means '*'; name the columns", (unsigned)n);
        return OV_OK;
    }
    const ovi_sql_column *column;
    if (ast->kind != OV_AST_NAME)
        return OV_OK;
    OV_TRY(ovi_sql_find_column(b, rel, ast, &column, err));
    if (column)
        return OV_OK;
    OV_EACH_PLACE(&grouping->aliases, ov_hash_slice(ast->text), i, slot) {
        const ov_ast *item = items->kids[i];
        if (item->kind != OV_AST_ALIAS || !ov_slice_eq(item->kids[1]->text, ast->text))
            continue;
        *key = item->kids[0];
        break;
    }
    return OV_OK;
}

/* Places of select items by alias; items without one lie where nobody asks. */
static OV_CHECKED ov_status index_aliases(ovi_sql_binder *b, const ov_ast *items, ov_places *out, ov_error *err)
{
    for (uint32_t i = 0; i < items->kid_count; i++) {
        const ov_ast *item = items->kids[i];
        uint64_t hash = item->kind == OV_AST_ALIAS ? ov_hash_slice(item->kids[1]->text) : i;
        OV_TRY(ov_places_add(out, b->arena, hash, err));
    }
    return OV_OK;
}

ov_status ovi_sql_bind_key(ovi_sql_binder *b, const ov_ast *select, const ovi_sql_rel *rel,
                           const ov_ast *ast, ovi_sql_grouping *out, uint64_t *mask, ov_error *err)
{
    ovi_sql_names names = {.b = b, .rel = rel, .clause = "GROUP BY"};
    const ov_expr *key;
    uint32_t number;
    if (ast->kind == OV_AST_ROW) { /* (a, b), and () */
        for (uint32_t i = 0; i < ast->kid_count; i++)
            OV_TRY(ovi_sql_bind_key(b, select, rel, ast->kids[i], out, mask, err));
        return OV_OK;
    }
    OV_TRY(key_meaning(b, select, rel, out, &ast, err));
    OV_TRY(ovi_sql_bind_expr(&names, ast, &key, err));
    OV_TRY(add_key(b, ast, key, out, &number, err));
    if (number < 64)
        *mask |= (uint64_t)1 << number;
    return OV_OK;
}

ov_status ovi_sql_bind_group_by(ovi_sql_binder *b, const ov_ast *select, const ovi_sql_rel *rel,
                                ovi_sql_grouping *out, ov_error *err)
{
    *out = (ovi_sql_grouping){0};
    if (!select->kids[OV_SELECT_GROUP])
        return OV_OK;
    OV_TRY(index_aliases(b, select->kids[OV_SELECT_ITEMS], &out->aliases, err));
    return ovi_sql_bind_sets(b, select, rel, out, err);
}

ov_status ovi_sql_match_key(const ovi_sql_names *n, const ov_ast *ast, const ov_expr *column, const ov_expr **out,
                            ov_error *err)
{
    const ovi_sql_grouping *g = n->aggs && !n->in_aggregate ? n->aggs->grouping : NULL;
    *out = column;
    if (!g || !g->in_sets || (!column && ovi_sql_is_literal(ast)))
        return OV_OK;
    for (uint32_t i = 0; i < g->key_count; i++) {
        const ov_ast *key = g->asts[i];
        bool named = key->kind == OV_AST_NAME || key->kind == OV_AST_PATH;
        if (column ? named && ov_expr_equal(g->keys[i], column) : !named && same_words(n->b, key, ast))
            return ov_expr_column(n->b->cx, n->rel->plan->field_count + OVI_SQL_KEY_BASE + i, g->keys[i]->type,
                                  (ov_sqltype)g->keys[i]->sql, true, out, err);
    }
    return OV_OK;
}

uint32_t ovi_sql_matched_key(const ovi_sql_rel *rel, const ov_expr *e)
{
    uint32_t first = rel->plan->field_count + OVI_SQL_KEY_BASE;
    bool is = e->kind == OV_EXPR_COLUMN && e->column >= first && e->column < (uint32_t)OVI_SQL_WINDOW_BASE;
    return is ? e->column - first : OV_NO_PLACE;
}

/* ---- onto the groups ---- */

typedef struct regroup {
    ovi_sql_binder *b;
    const ovi_sql_rel *rel;
    const ovi_sql_grouping *grouping;
    const ov_plan *aggregate;
    uint32_t agg_count;
    const ov_ast *ast;
} regroup;

/* The first name below `ast`, outside aggregates, that means this column of the input. */
static const ov_ast *name_of_column(const regroup *g, const ov_ast *ast, uint32_t column)
{
    if (!ast || (ast->kind == OV_AST_CALL && ov_agg_exists(ast->text)))
        return NULL;
    if (ast->kind == OV_AST_NAME || ast->kind == OV_AST_PATH) {
        const ovi_sql_column *found;
        ov_error ignored = OV_ERROR_INIT;
        ov_status st = ovi_sql_find_column(g->b, g->rel, ast, &found, &ignored);
        return st == OV_OK && found && found->column == column ? ast : NULL;
    }
    for (uint32_t i = 0; i < ast->kid_count; i++) {
        const ov_ast *found = name_of_column(g, ast->kids[i], column);
        if (found)
            return found;
    }
    return NULL;
}

static OV_CHECKED ov_status not_grouped(const regroup *g, uint32_t column, ov_error *err)
{
    const ov_ast *at = name_of_column(g, g->ast, column);
    ov_slice shown = g->rel->plan->fields[column].name;
    if (at)
        shown = ov_slice_make(g->b->text.p + at->pos, at->end_pos - at->pos);
    return ovi_sql_fail_node(g->b, at ? at : g->ast, OV_INVALID, err,
                             "; add it to GROUP BY, or put it into an aggregate such as MAX",
                             "Expression '" OV_SLICE_FMT "' is not being grouped",
                             OV_SLICE_ARG(shown));
}

ov_status ovi_sql_with_args(ovi_sql_binder *b, const ov_expr *e, const ov_expr **args, const ov_expr **out,
                            ov_error *err)
{
    ov_expr *copy;
    OV_TRY(ov_expr_copy(b->cx->arena, e, &copy, err));
    copy->args = args;
    copy->id = b->cx->next_id++;
    copy->only_column = OV_EXPR_NO_COLUMN;
    for (uint32_t i = 0; i < e->argc; i++) {
        int32_t c = args[i]->only_column;
        if (c == OV_EXPR_NO_COLUMN)
            continue;
        copy->only_column = copy->only_column == OV_EXPR_NO_COLUMN || copy->only_column == c
                                ? c
                                : OV_EXPR_MANY_COLUMNS;
    }
    *out = copy;
    return OV_OK;
}

/* The key that is this expression over single values, as a column of the groups; *out NULL: none. */
static OV_CHECKED ov_status single_key(const regroup *g, const ov_expr *single, const ov_expr **out, ov_error *err)
{
    *out = NULL;
    for (uint32_t i = 0; i < g->grouping->key_count; i++) {
        const ov_expr *of = g->grouping->keys[i]->single;
        if (of && ov_expr_equal(of, single))
            return ov_plan_column(g->b->cx, g->aggregate, i, out, err);
    }
    return OV_OK;
}

static OV_CHECKED ov_status move_onto(const regroup *g, const ov_expr *e, const ov_expr **out, ov_error *err);

/* What is made of single values is made of the groups' keys, which are single values. *out NULL: not of these alone. */
static OV_CHECKED ov_status move_single(const regroup *g, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    OV_TRY(single_key(g, e, out, err));
    if (*out)
        return OV_OK;
    const ov_expr *list = ov_expr_element_of(e);
    if (list) {
        uint32_t key = ov_expr_find(&g->grouping->places, g->grouping->keys, list);
        return key == OV_NO_PLACE ? OV_OK : ov_plan_column(g->b->cx, g->aggregate, key, out, err);
    }
    if (e->argc == 0)
        return move_onto(g, e, out, err);
    OV_TRY(ov_arena_alloc(g->b->arena, e->argc * sizeof *args, &args, err));
    for (uint32_t i = 0; i < e->argc; i++) {
        OV_TRY(move_single(g, e->args[i], &args[i], err));
        if (!args[i]) {
            *out = NULL;
            return OV_OK;
        }
    }
    return ovi_sql_with_args(g->b, e, args, out, err);
}

static OV_CHECKED ov_status move_onto(const regroup *g, const ov_expr *e, const ov_expr **out,
                                      ov_error *err)
{
    ov_expr_ctx *cx = g->b->cx;
    uint32_t inputs = g->rel->plan->field_count;
    *out = e;
    if (e->kind == OV_EXPR_CONST)
        return OV_OK;
    uint32_t key = ovi_sql_matched_key(g->rel, e);
    if (key == OV_NO_PLACE)
        key = ov_expr_find(&g->grouping->places, g->grouping->keys, e);
    if (key != OV_NO_PLACE)
        return ov_plan_column(cx, g->aggregate, key, out, err);
    if (e->kind == OV_EXPR_COLUMN) {
        if (e->column >= (uint32_t)OVI_SQL_WINDOW_BASE) /* windows and sub-queries come later; or of a query around */
            return OV_OK;
        if (e->column < inputs)
            return not_grouped(g, e->column, err);
        if (e->column >= inputs + OVI_SQL_GROUPING_BASE) /* the last columns of the grouping */
            return ov_plan_column(cx, g->aggregate,
                                  g->grouping->key_count + g->agg_count +
                                      (e->column - inputs - OVI_SQL_GROUPING_BASE),
                                  out, err);
        return ov_plan_column(cx, g->aggregate, g->grouping->key_count + (e->column - inputs), out,
                              err);
    }
    if (e->single) {
        OV_TRY(move_single(g, e->single, out, err));
        if (*out)
            return OV_OK;
    }
    const ov_expr **args;
    OV_TRY(ov_arena_alloc(cx->arena, (e->argc + 1) * sizeof *args, &args, err));
    for (uint32_t i = 0; i < e->argc; i++)
        OV_TRY(move_onto(g, e->args[i], &args[i], err));
    return ovi_sql_with_args(g->b, e, args, out, err);
}

ov_status ovi_sql_onto_groups(ovi_sql_binder *b, const ovi_sql_rel *rel,
                              const ovi_sql_grouping *grouping, const ov_plan *aggregate,
                              uint32_t agg_count, const ov_ast *ast, const ov_expr *e,
                              const ov_expr **out, ov_error *err)
{
    regroup g = {b, rel, grouping, aggregate, agg_count, ast};
    bool varies = grouping->set_count || e->type.multi; /* NULL in sets without it; one group for each of its values */
    for (uint32_t i = 0; e->kind == OV_EXPR_CONST && varies && i < grouping->key_count; i++)
        if (ov_expr_equal(e, grouping->keys[i]))
            return ov_plan_column(b->cx, aggregate, i, out, err);
    return move_onto(&g, e, out, err);
}
