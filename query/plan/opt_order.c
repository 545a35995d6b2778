/*
 * The order of inner joins. A tree of them is a set of inputs and a list of conditions over their columns; which pair is
 * joined first is chosen by estimated rows: by dynamic programming over subsets up to ten inputs (Selinger 1979, with bushy
 * trees), by joining the cheapest pair above. The order in the text stays unless another one is clearly cheaper, since
 * rows without ORDER BY then come in the order of the first table.
 *
 * Conditions with a constant go to all columns that are equal to theirs (opt_order_spread.c).
 */
#include <math.h>

#include "base/bits.h"
#include "query/plan/opt_order.h"

typedef ovi_order_inputs inputs;
typedef ovi_order_condition condition;
typedef ovi_order_tree tree;
typedef ovi_order_region region;

enum { MOST_BY_SUBSETS = 10 };

/* ---- a tree of joins taken apart ---- */

static bool only_moves(const ov_plan *project)
{
    for (uint32_t i = 0; i < project->field_count; i++)
        if (project->project.exprs[i]->kind != OV_EXPR_COLUMN)
            return false;
    return true;
}

/* What lies between is seen through. */
static bool is_inner(const ov_plan *plan)
{
    while (plan->kind == OV_PLAN_PROJECT && only_moves(plan))
        plan = plan->inputs[0];
    return plan->kind == OV_PLAN_JOIN && plan->join.kind == OV_JOINS_INNER;
}

static void count_inputs(const ov_plan *plan, uint32_t *count, uint32_t *columns)
{
    if (!is_inner(plan)) {
        ++*count;
        *columns += plan->field_count;
        return;
    }
    for (uint32_t i = 0; i < plan->input_count; i++)
        count_inputs(plan->inputs[i], count, columns);
}

static inputs reads_of(const region *g, const ov_expr *e)
{
    inputs reads = 0;
    if (e->kind == OV_EXPR_COLUMN)
        for (uint32_t i = 0; i < g->count; i++)
            if (e->column >= g->first[i] && e->column < g->first[i] + g->input[i]->field_count)
                return (inputs)1 << i;
    for (uint32_t i = 0; i < e->argc; i++)
        reads |= reads_of(g, e->args[i]);
    return reads;
}

static OV_CHECKED ov_status add_condition(region *g, const ov_expr *e, ov_error *err)
{
    OV_TRY(ov_arena_room(g->cx->arena, &g->conditions, g->condition_count, &g->condition_capacity, 1, sizeof *g->conditions, err));
    g->conditions[g->condition_count++] = (condition){.e = e, .reads = reads_of(g, e), .share = 1};
    return OV_OK;
}

ov_status ovi_order_equal(ov_expr_ctx *cx, const ov_expr *a, const ov_expr *b, const ov_expr **out, ov_error *err)
{
    const ov_expr *pair[2] = {a, b};
    return ov_expr_call(cx, OV_SLICE_LIT("="), pair, 2, a->pos, a->end_pos, out, err);
}

/* The columns of the node, as expressions over all columns. */
static OV_CHECKED ov_status take_apart(region *g, const ov_plan *plan, const ov_expr ***out, const tree **shape,
                                       ov_error *err);

static OV_CHECKED ov_status take_input(region *g, const ov_plan *plan, const ov_expr **out, const tree **shape,
                                       ov_error *err)
{
    uint32_t i = g->count++;
    tree *leaf;
    OV_TRY(ovi_plan_order_joins(g->cx, plan, &g->input[i], err));
    g->first[i] = g->columns.field_count;
    g->columns.field_count += plan->field_count;
    if (plan->field_count) /* a lone UNNEST stands over a row of no columns */
        memcpy((ov_field *)(uintptr_t)g->columns.fields + g->first[i], g->input[i]->fields,
               plan->field_count * sizeof *plan->fields);
    g->rows[i] = fmax(ovi_plan_guess_rows(g->cx, g->input[i]), 1);
    for (uint32_t c = 0; c < plan->field_count; c++)
        OV_TRY(ov_plan_column(g->cx, &g->columns, g->first[i] + c, &out[c], err));
    OV_TRY(ov_arena_zalloc(g->cx->arena, sizeof *leaf, &leaf, err));
    leaf->all = (inputs)1 << i;
    leaf->rows = g->rows[i];
    *shape = leaf;
    return OV_OK;
}

static OV_CHECKED ov_status take_conditions(region *g, const ov_plan *join, const ov_expr *const *map, ov_error *err)
{
    const ov_expr *const *parts, *e, *l, *r;
    uint32_t left = join->inputs[0]->field_count;
    for (uint32_t k = 0; k < join->join.key_count; k++) {
        OV_TRY(ov_expr_rebase(g->cx, join->join.left_keys[k], map, &l, err));
        OV_TRY(ov_expr_rebase(g->cx, join->join.right_keys[k], map + left, &r, err));
        OV_TRY(ovi_order_equal(g->cx, l, r, &e, err));
        OV_TRY(add_condition(g, e, err));
    }
    uint32_t count = join->join.residual ? ovi_plan_conjuncts(&join->join.residual, &parts) : 0;
    for (uint32_t i = 0; i < count; i++) {
        OV_TRY(ov_expr_rebase(g->cx, parts[i], map, &e, err));
        OV_TRY(add_condition(g, e, err));
    }
    return OV_OK;
}

static OV_CHECKED ov_status take_apart(region *g, const ov_plan *plan, const ov_expr ***out, const tree **shape,
                                       ov_error *err)
{
    const ov_expr **below, **right;
    const tree *sides[2];
    tree *both;
    if (!is_inner(plan)) {
        OV_TRY(ov_arena_alloc(g->cx->arena, (plan->field_count + (size_t)1) * sizeof **out, out, err));
        return take_input(g, plan, *out, shape, err);
    }
    if (plan->kind == OV_PLAN_PROJECT) {
        OV_TRY(take_apart(g, plan->inputs[0], &below, shape, err));
        OV_TRY(ov_arena_alloc(g->cx->arena, (plan->field_count + (size_t)1) * sizeof **out, out, err));
        for (uint32_t i = 0; i < plan->field_count; i++)
            OV_TRY(ov_expr_rebase(g->cx, plan->project.exprs[i], below, &(*out)[i], err));
        return OV_OK;
    }
    OV_TRY(take_apart(g, plan->inputs[0], &below, &sides[0], err));
    OV_TRY(take_apart(g, plan->inputs[1], &right, &sides[1], err));
    OV_TRY(ov_arena_alloc(g->cx->arena, (plan->field_count + (size_t)1) * sizeof **out, out, err));
    uint32_t left = plan->inputs[0]->field_count;
    for (uint32_t i = 0; i < plan->field_count; i++)
        (*out)[i] = i < left ? below[i] : right[i - left];
    OV_TRY(ov_arena_zalloc(g->cx->arena, sizeof *both, &both, err));
    *both = (tree){.all = sides[0]->all | sides[1]->all, .left = sides[0], .right = sides[1]};
    *shape = both;
    return take_conditions(g, plan, *out, err);
}

/* ---- what an order costs ---- */

/* Shares of conditions; several equalities of the same two inputs count as one key at most. */
static void guess_shares(region *g)
{
    for (uint32_t i = 0; i < g->condition_count; i++) {
        condition *c = &g->conditions[i];
        if (ov_expr_op(c->e) != OV_OP_EQ || ov_bits_count(&c->reads, 64) != 2) {
            c->share = ov_bits_count(&c->reads, 64) > 1 ? 1.0 / 3 : 1;
            continue;
        }
        double most = 0, distinct = 0, used = 1;
        for (uint32_t side = 0; side < 2; side++) {
            inputs reads = reads_of(g, c->e->args[side]);
            if (ov_bits_count(&reads, 64) != 1)
                continue;
            uint32_t k = (uint32_t)__builtin_ctzll(reads);
            double base = fmax(ovi_plan_guess_base(g->input[k]), 1), d = base;
            if (c->e->args[side]->kind == OV_EXPR_COLUMN) {
                const ov_expr column = {.kind = OV_EXPR_COLUMN,
                                        .only_column = (int32_t)(c->e->args[side]->column - g->first[k])};
                d = ov_plan_guess_distinct(g->cx, g->input[k], &column);
            }
            distinct = distinct > 0 ? fmin(distinct, d) : d;
            most = most > 0 ? fmin(most, base) : base;
        }
        for (uint32_t k = 0; k < i; k++)
            if (g->conditions[k].reads == c->reads && ov_expr_op(g->conditions[k].e) == OV_OP_EQ)
                used *= g->conditions[k].share;
        c->share = fmin(fmax(1 / fmax(distinct, 1), 1 / fmax(most, 1) / used), 1);
    }
}

static double rows_of(const region *g, inputs all)
{
    double rows = 1;
    for (uint32_t i = 0; i < g->count; i++)
        if (all >> i & 1)
            rows *= g->rows[i];
    for (uint32_t i = 0; i < g->condition_count; i++)
        if ((g->conditions[i].reads & ~all) == 0)
            rows *= g->conditions[i].share;
    return fmax(rows, 1);
}

static bool connected(const region *g, inputs a, inputs b)
{
    for (uint32_t i = 0; i < g->condition_count; i++) {
        inputs reads = g->conditions[i].reads;
        if ((reads & a) && (reads & b) && !(reads & ~(a | b)))
            return true;
    }
    return false;
}

/* Rows that come out, rows that are kept; without a condition every pair is looked at. */
static double join_cost(const region *g, const tree *l, const tree *r, double rows)
{
    double cost = l->cost + r->cost + rows + fmin(l->rows, r->rows);
    return connected(g, l->all, r->all) ? cost : cost + 10 * l->rows * r->rows;
}

/* The shape in the text, with its costs. */
static OV_CHECKED ov_status with_costs(const region *g, const tree *shape, const tree **out, ov_error *err)
{
    tree *t;
    OV_TRY(ov_arena_alloc(g->cx->arena, sizeof *t, &t, err));
    *t = *shape;
    *out = t;
    if (!t->left)
        return OV_OK;
    OV_TRY(with_costs(g, shape->left, &t->left, err));
    OV_TRY(with_costs(g, shape->right, &t->right, err));
    t->rows = rows_of(g, t->all);
    t->cost = join_cost(g, t->left, t->right, t->rows);
    return OV_OK;
}

static tree joined(const region *g, const tree *a, const tree *b)
{
    double rows = rows_of(g, a->all | b->all);
    bool swap = a->rows < b->rows; /* the larger one streams */
    return (tree){.all = a->all | b->all, .rows = rows, .cost = join_cost(g, a, b, rows), .left = swap ? b : a,
                  .right = swap ? a : b};
}

static OV_CHECKED ov_status by_subsets(const region *g, const tree **out, ov_error *err)
{
    uint32_t sets = 1u << g->count;
    tree *best;
    OV_TRY(ov_arena_zalloc(g->cx->arena, sets * sizeof *best, &best, err));
    for (uint32_t all = 1; all < sets; all++) {
        if (!(all & (all - 1))) {
            best[all] = (tree){.all = all, .rows = g->rows[__builtin_ctz(all)]};
            continue;
        }
        for (uint32_t a = (all - 1) & all; a; a = (a - 1) & all) {
            if (a < (all ^ a))
                continue;
            tree t = joined(g, &best[a], &best[all ^ a]);
            if (!best[all].left || t.cost < best[all].cost)
                best[all] = t;
        }
    }
    *out = &best[sets - 1];
    return OV_OK;
}

static OV_CHECKED ov_status by_pairs(const region *g, const tree **out, ov_error *err)
{
    const tree *left[OVI_ORDER_MOST];
    uint32_t count = g->count;
    for (uint32_t i = 0; i < count; i++) {
        tree *leaf;
        OV_TRY(ov_arena_alloc(g->cx->arena, sizeof *leaf, &leaf, err));
        *leaf = (tree){.all = (inputs)1 << i, .rows = g->rows[i]};
        left[i] = leaf;
    }
    while (count > 1) {
        uint32_t a = 0, b = 1;
        tree best = {0}, *kept;
        for (uint32_t i = 0; i < count; i++)
            for (uint32_t k = i + 1; k < count; k++) {
                tree t = joined(g, left[i], left[k]);
                if (best.left && t.cost - left[i]->cost - left[k]->cost >= best.cost - left[a]->cost - left[b]->cost)
                    continue;
                best = t;
                a = i;
                b = k;
            }
        OV_TRY(ov_arena_alloc(g->cx->arena, sizeof *kept, &kept, err));
        *kept = best;
        left[a] = kept;
        left[b] = left[--count];
    }
    *out = left[0];
    return OV_OK;
}

/* ---- put together again ---- */

/* where[c]: the column of *plan that column c of all is; UINT32_MAX when it has it not. */
static OV_CHECKED ov_status conditions_at(const region *g, const tree *t, const ov_plan *plan, const uint32_t *where,
                                          const ov_expr **out, ov_error *err)
{
    const ov_expr **map, **parts;
    uint32_t n = 0;
    OV_TRY(ov_arena_zalloc(g->cx->arena, (g->columns.field_count + (size_t)1) * sizeof *map, &map, err));
    OV_TRY(ov_arena_alloc(g->cx->arena, (g->condition_count + (size_t)1) * sizeof *parts, &parts, err));
    for (uint32_t c = 0; c < g->columns.field_count; c++)
        if (where[c] != UINT32_MAX)
            OV_TRY(ov_plan_column(g->cx, plan, where[c], &map[c], err));
    for (uint32_t i = 0; i < g->condition_count; i++) {
        const condition *c = &g->conditions[i];
        bool here = !(c->reads & ~t->all);
        if (t->left)
            here = here && (c->reads & ~t->left->all) && (c->reads & ~t->right->all);
        if (!c->reads) /* reads nothing: where the first input is */
            here = !t->left && t->all == 1;
        if (here)
            OV_TRY(ov_expr_rebase(g->cx, c->e, map, &parts[n++], err));
    }
    return ovi_plan_and(g->cx, parts, n, out, err);
}

static OV_CHECKED ov_status build(const region *g, const tree *t, const ov_plan **out, uint32_t *where, ov_error *err)
{
    const ov_expr *on;
    if (!t->left) {
        uint32_t i = (uint32_t)__builtin_ctzll(t->all);
        for (uint32_t c = 0; c < g->input[i]->field_count; c++)
            where[g->first[i] + c] = c;
        *out = g->input[i];
        OV_TRY(conditions_at(g, t, *out, where, &on, err));
        return on ? ov_plan_filter(g->cx->arena, *out, on, out, err) : OV_OK;
    }
    const ov_plan *sides[2];
    uint32_t *right;
    size_t bytes = (g->columns.field_count + (size_t)1) * sizeof *right;
    OV_TRY(ov_arena_alloc(g->cx->arena, bytes, &right, err));
    memset(right, 0xFF, bytes);
    OV_TRY(build(g, t->left, &sides[0], where, err));
    OV_TRY(build(g, t->right, &sides[1], right, err));
    for (uint32_t c = 0; c < g->columns.field_count; c++)
        if (right[c] != UINT32_MAX)
            where[c] = sides[0]->field_count + right[c];
    OV_TRY(ov_plan_join(g->cx->arena, OV_JOINS_INNER, sides[0], sides[1], NULL, out, err));
    OV_TRY(conditions_at(g, t, *out, where, &on, err));
    return ov_plan_join(g->cx->arena, OV_JOINS_INNER, sides[0], sides[1], on, out, err);
}

static OV_CHECKED ov_status rebuild(const region *g, const tree *t, const ov_plan *like, const ov_expr *const *outputs,
                                    const ov_plan **out, ov_error *err)
{
    const ov_expr **map, **exprs;
    ov_slice *names;
    uint32_t *where;
    size_t most = (size_t)g->columns.field_count + like->field_count + 1;
    OV_TRY(ov_arena_alloc(g->cx->arena, most * sizeof *where, &where, err));
    OV_TRY(ov_arena_zalloc(g->cx->arena, most * sizeof *map, &map, err));
    OV_TRY(ov_arena_alloc(g->cx->arena, most * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(g->cx->arena, most * sizeof *names, &names, err));
    memset(where, 0xFF, most * sizeof *where);
    OV_TRY(build(g, t, out, where, err));
    for (uint32_t c = 0; c < g->columns.field_count; c++)
        OV_TRY(ov_plan_column(g->cx, *out, where[c], &map[c], err));
    for (uint32_t i = 0; i < like->field_count; i++) {
        names[i] = like->fields[i].name;
        OV_TRY(ov_expr_rebase(g->cx, outputs[i], map, &exprs[i], err));
    }
    return ov_plan_project(g->cx->arena, *out, exprs, names, like->field_count, out, err);
}

ov_status ovi_plan_order_joins(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out, ov_error *err)
{
    const double clearly = 0.8;
    uint32_t count = 0, columns = 0;
    const ov_expr **outputs;
    const tree *written, *best;
    ov_field *fields;
    region *g;
    if (is_inner(in))
        count_inputs(in, &count, &columns);
    if (count < 2 || count > OVI_ORDER_MOST)
        return ovi_plan_each_input(cx, in, ovi_plan_order_joins, out, err);
    OV_TRY(ov_arena_zalloc(cx->arena, sizeof *g, &g, err));
    OV_TRY(ov_arena_zalloc(cx->arena, (columns + (size_t)1) * sizeof *fields, &fields, err));
    g->cx = cx;
    g->columns = (ov_plan){.kind = OV_PLAN_VALUES, .fields = fields};
    OV_TRY(take_apart(g, in, &outputs, &written, err));
    OV_TRY(ovi_order_spread(g, err));
    guess_shares(g);
    OV_TRY(with_costs(g, written, &written, err));
    if (count <= MOST_BY_SUBSETS)
        OV_TRY(by_subsets(g, &best, err));
    else
        OV_TRY(by_pairs(g, &best, err));
    return rebuild(g, count > 2 && best->cost < written->cost * clearly ? best : written, in, outputs, out, err);
}
