/*
 * Sub-queries joined to the rows they are asked for (see decorrelate.h).
 *
 * EXISTS and IN become SEMI, ANTI or MARK joins: filters of the sub-query are conditions of the join, so that what reads
 * both queries costs no domain. A scalar sub-query that aggregates is grouped by the values it reads and joined by them;
 * rows without a group get what the aggregate says of no rows. Other scalar ones are a join that allows one partner.
 */
#include "query/sql/bind_attach.h"

typedef ovi_sql_outer_reads reads;

/* ---- helpers ---- */

ov_status ovi_sql_all_of(ovi_sql_binder *b, const ov_ast *at, const ov_expr **parts, uint32_t count,
                         const ov_expr **out, ov_error *err)
{
    *out = count ? parts[0] : NULL;
    return count > 1 ? ovi_sql_apply(b, at, "AND", parts, count, out, err) : OV_OK;
}

ov_status ovi_sql_empty_group(ovi_sql_binder *b, const ov_ast *at, const ov_agg_call *call, const ov_expr **e,
                              ov_error *err)
{
    const ov_expr *pair[2] = {*e, NULL};
    if (call->nullable || (!ov_type_is_int(call->type) && !ov_type_is_real(call->type)))
        return OV_OK; /* NULL */
    if (ov_type_is_int(call->type))
        OV_TRY(ov_expr_i64(b->cx, (ov_sqltype)call->sql, 0, &pair[1], err));
    else
        OV_TRY(ov_expr_f64(b->cx, (ov_sqltype)call->sql, 0, &pair[1], err));
    return ovi_sql_apply(b, at, "COALESCE", pair, 2, e, err);
}

bool ovi_sql_has_subs(const ov_expr *e)
{
    if (e->kind == OV_EXPR_COLUMN)
        return e->column >= OVI_SQL_SUB_BASE && e->column < OVI_SQL_OUTER_BASE;
    for (uint32_t i = 0; i < e->argc; i++)
        if (ovi_sql_has_subs(e->args[i]))
            return true;
    return false;
}

static ov_status sub_leaf(void *self, const ov_expr *column, const ov_expr **out, ov_error *err)
{
    const ovi_sql_subs *subs = self;
    (void)err;
    for (uint32_t i = 0; i < subs->count; i++)
        if (column->column == OVI_SQL_SUB_BASE + subs->list[i]->number)
            *out = subs->list[i]->value;
    return OV_OK;
}

ov_status ovi_sql_with_subs(ovi_sql_binder *b, const ovi_sql_subs *subs, const ov_expr **e, ov_error *err)
{
    if (!*e || !ovi_sql_has_subs(*e))
        return OV_OK;
    return ov_expr_rewrite(b->cx, *e, sub_leaf, (void *)(uintptr_t)subs, e, err);
}

/* ---- what it reads ---- */

static OV_CHECKED ov_status move(const ovi_sql_attaching *a, const ov_ast *at, const ov_expr **e, ov_error *err)
{
    OV_TRY(ovi_sql_with_subs(a->b, a->subs, e, err));
    return a->mover ? a->mover(a->self, at, *e, e, err) : OV_OK;
}

/* A value as a key of groupings, joins and windows: those take plain ones, and values of a multi-value string apart. */
static OV_CHECKED ov_status whole_value(ovi_sql_binder *b, const ov_ast *at, const ov_expr *value, const ov_expr **key,
                                        const ov_expr **array, ov_error *err)
{
    *key = value;
    if (!ov_type_is_list(value->type))
        return OV_OK;
    *array = value;
    if (value->type.multi)
        OV_TRY(ovi_sql_apply(b, at, "MV_TO_ARRAY", &value, 1, array, err));
    return ov_plan_packed(b->cx, *array, key, err);
}

static OV_CHECKED ov_status what_it_reads(const ovi_sql_attaching *a, const ov_ast *at, const ovi_sql_scope *scope, reads *out,
                                          ov_error *err)
{
    ovi_sql_binder *b = a->b;
    uint32_t *refs;
    const ov_expr **values, **whole, **arrays;
    bool *multi;
    OV_TRY(ov_arena_alloc(b->arena, (b->outer_count + (size_t)1) * sizeof *refs, &refs, err));
    OV_TRY(ov_arena_alloc(b->arena, (b->outer_count + (size_t)1) * sizeof *values, &values, err));
    OV_TRY(ov_arena_alloc(b->arena, (b->outer_count + (size_t)1) * sizeof *whole, &whole, err));
    OV_TRY(ov_arena_zalloc(b->arena, (b->outer_count + (size_t)1) * sizeof *arrays, &arrays, err));
    OV_TRY(ov_arena_alloc(b->arena, (b->outer_count + (size_t)1) * sizeof *multi, &multi, err));
    *out = (reads){.b = b, .at = at, .refs = refs, .values = values, .whole = whole, .arrays = arrays, .multi = multi, .around = a->around};
    for (uint32_t i = 0; i < b->outer_count; i++) {
        if (b->outer[i].scope != scope)
            continue;
        refs[out->count] = i;
        whole[out->count] = b->outer[i].expr;
        OV_TRY(move(a, at, &whole[out->count], err));
        OV_TRY(whole_value(b, at, whole[out->count], &values[out->count], &arrays[out->count], err));
        multi[out->count] = b->outer[i].expr->type.multi;
        if (multi[out->count] && !whole[out->count]->type.multi) /* one of its values: a key of the grouping around */
            OV_TRY(ovi_sql_as_multi(b, at, &whole[out->count], err));
        out->count++;
    }
    return OV_OK;
}

/* ---- taking the sub-query's outside off ---- */

typedef struct peeled {
    const ov_plan *plan;
    const ov_expr **outputs; /* of the sub-query, over plan */
    uint32_t output_count;
    const ov_expr **filters; /* that its rows must pass, over plan */
    uint32_t filter_count, filter_capacity;
} peeled;

static OV_CHECKED ov_status add_filter(ovi_sql_binder *b, peeled *p, const ov_expr *e, ov_error *err)
{
    OV_TRY(ov_arena_room(b->arena, &p->filters, p->filter_count, &p->filter_capacity, 1, sizeof *p->filters, err));
    p->filters[p->filter_count++] = e;
    return OV_OK;
}

static OV_CHECKED ov_status below_project(ovi_sql_binder *b, peeled *p, ov_error *err)
{
    const ov_expr *const *map = p->plan->project.exprs;
    for (uint32_t i = 0; i < p->output_count; i++)
        OV_TRY(ov_expr_rebase(b->cx, p->outputs[i], map, &p->outputs[i], err));
    for (uint32_t i = 0; i < p->filter_count; i++)
        OV_TRY(ov_expr_rebase(b->cx, p->filters[i], map, &p->filters[i], err));
    p->plan = p->plan->inputs[0];
    return OV_OK;
}

static bool same_each_time(const ov_plan *project)
{
    for (uint32_t i = 0; i < project->field_count; i++)
        if (!project->project.exprs[i]->deterministic)
            return false;
    return true;
}

/* Whether some row comes out of the node exactly when some row goes in. */
static bool keeps_existence(const ov_plan *plan)
{
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_SORT:
        return plan->sort.limit > 0 && !plan->sort.offset;
    case OV_PLAN_LIMIT:
        return plan->limit.limit > 0 && !plan->limit.offset;
    case OV_PLAN_AGGREGATE:
        return plan->aggregate.key_count > 0;
    default:
        return false;
    }
}

/* Projections, filters and orders off the plan. `exists`: its columns do not matter, only that it has rows. */
static OV_CHECKED ov_status peel(const reads *r, const ov_plan *plan, uint32_t outputs, bool exists, peeled *p,
                                 ov_error *err)
{
    *p = (peeled){.plan = plan, .output_count = outputs};
    OV_TRY(ov_arena_alloc(r->b->arena, (outputs + (size_t)1) * sizeof *p->outputs, &p->outputs, err));
    for (uint32_t i = 0; i < outputs; i++)
        OV_TRY(ov_plan_column(r->b->cx, plan, i, &p->outputs[i], err));
    for (;;) {
        plan = p->plan;
        bool endless = plan->kind == OV_PLAN_SORT && plan->sort.limit == OV_NO_LIMIT && !plan->sort.offset;
        if (plan->kind == OV_PLAN_PROJECT && same_each_time(plan)) {
            OV_TRY(below_project(r->b, p, err));
        } else if (plan->kind == OV_PLAN_FILTER) {
            OV_TRY(add_filter(r->b, p, plan->filter.predicate, err));
            p->plan = plan->inputs[0];
        } else if (endless || (exists && !p->filter_count && keeps_existence(plan))) {
            p->plan = plan->inputs[0];
        } else if (plan->kind == OV_PLAN_JOIN && plan->join.kind == OV_JOINS_INNER &&
                   ovi_sql_reads_outer(r, plan->join.residual)) {
            OV_TRY(add_filter(r->b, p, plan->join.residual, err));
            OV_TRY(ov_plan_join(r->b->arena, OV_JOINS_INNER, plan->inputs[0], plan->inputs[1], NULL, &p->plan, err));
        } else {
            return OV_OK;
        }
    }
}

/* ---- over the joined rows ---- */

typedef struct beside {
    const reads *r;
    const ov_plan *joined;
    uint32_t first;            /* where the sub-query's columns begin */
    const ov_expr *const *map; /* or what they are */
} beside;

static ov_status beside_leaf(void *self, const ov_expr *column, const ov_expr **out, ov_error *err)
{
    const beside *s = self;
    for (uint32_t i = 0; i < s->r->count; i++)
        if (column->column == OVI_SQL_OUTER_BASE + s->r->refs[i]) {
            *out = s->r->whole[i];
            return OV_OK;
        }
    if (column->column >= OV_EXPR_UNBOUND)
        return OV_OK;
    if (!s->map)
        return ov_plan_column(s->r->b->cx, s->joined, s->first + column->column, out, err);
    *out = s->map[column->column];
    return OV_OK;
}

static OV_CHECKED ov_status over_joined(const reads *r, const ov_plan *joined, const ov_expr *const *map,
                                        const ov_expr *e, const ov_expr **out, ov_error *err)
{
    beside s = {r, joined, r->around->field_count, map};
    return ov_expr_rewrite(r->b->cx, e, beside_leaf, &s, out, err);
}

/* The plan to join with, and that its rows are about the values of the row beside. */
static OV_CHECKED ov_status right_side(reads *r, peeled *p, const ov_plan **joined, const ov_expr ***parts,
                                       uint32_t *count, ov_error *err)
{
    ovi_sql_dependent d = {.plan = p->plan, .width = p->plan->field_count};
    bool reading = ovi_sql_plan_reads_outer(r, p->plan);
    OV_TRY(ov_arena_alloc(r->b->arena, (r->count + p->filter_count + p->output_count + (size_t)2) * sizeof **parts, parts,
                          err));
    if (reading)
        OV_TRY(ovi_sql_decorrelate(r, p->plan, &d, err));
    p->plan = d.plan;
    *count = 0;
    OV_TRY(ov_plan_join(r->b->arena, OV_JOINS_INNER, r->around, p->plan, NULL, joined, err));
    for (uint32_t v = 0; reading && v < r->count; v++) {
        const ov_expr *theirs;
        OV_TRY(ov_plan_column(r->b->cx, *joined, r->around->field_count + d.width + v, &theirs, err));
        OV_TRY(ovi_sql_same_value(r, r->values[v], theirs, d.equal[v], &(*parts)[(*count)++], err));
    }
    for (uint32_t i = 0; i < p->filter_count; i++)
        OV_TRY(over_joined(r, *joined, NULL, p->filters[i], &(*parts)[(*count)++], err));
    return OV_OK;
}

/* ---- EXISTS and IN ---- */

/* left = theirs, or that this is not known to be false. */
static OV_CHECKED ov_status compare(const ovi_sql_attaching *a, const ovi_sql_sub *sub, uint32_t i, const ov_expr *theirs,
                                    const ov_expr **out, ov_error *err)
{
    const ov_expr *pair[2] = {sub->left[i], theirs};
    if (sub->unknown && sub->left_count == 1)
        return ovi_sql_apply(a->b, sub->ast, "IS NULL", &theirs, 1, out, err);
    OV_TRY(move(a, sub->ast, &pair[0], err));
    OV_TRY(ovi_sql_apply(a->b, sub->ast, "=", pair, 2, out, err));
    return sub->unknown ? ovi_sql_apply(a->b, sub->ast, "IS NOT FALSE", out, 1, out, err) : OV_OK;
}

ov_status ovi_sql_attach_test(const ovi_sql_attaching *a, ovi_sql_sub *sub, ov_join_kind kind, const ov_plan **out,
                                        ov_error *err)
{
    const ov_expr **parts, *condition, *theirs;
    const ov_plan *joined;
    uint32_t count;
    peeled p;
    reads r;
    OV_TRY(what_it_reads(a, sub->ast, sub->scope, &r, err));
    OV_TRY(peel(&r, sub->plan, sub->left_count, !sub->left_count, &p, err));
    OV_TRY(right_side(&r, &p, &joined, &parts, &count, err));
    for (uint32_t i = 0; i < sub->left_count; i++) {
        OV_TRY(over_joined(&r, joined, NULL, p.outputs[i], &theirs, err));
        OV_TRY(compare(a, sub, i, theirs, &parts[count++], err));
    }
    OV_TRY(ovi_sql_all_of(a->b, sub->ast, parts, count, &condition, err));
    OV_TRY(ov_plan_join(a->b->arena, kind, a->around, p.plan, condition, out, err));
    if (kind == OV_JOINS_MARK)
        return ov_plan_column(a->b->cx, *out, (*out)->field_count - 1, &sub->value, err);
    return OV_OK;
}

/* ---- scalar sub-queries ---- */

/* One group for each value, and the aggregates' word for rows without a group. */
static OV_CHECKED ov_status attach_aggregate(const ovi_sql_attaching *a, ovi_sql_sub *sub, reads *r, peeled *p,
                                             const ov_plan **out, ov_error *err)
{
    const ov_plan *aggregate = p->plan;
    uint32_t first = a->around->field_count, calls = aggregate->aggregate.agg_count, count = 0;
    bool reading = ovi_sql_plan_reads_outer(r, aggregate);
    ovi_sql_dependent d = {.plan = aggregate};
    const ov_expr **map, **same, *condition, *args[3];
    const ov_plan *joined;
    if (reading) {
        OV_TRY(ovi_sql_group_by_outer(r, aggregate, &d, err));
        first += r->count;
    }
    OV_TRY(ov_plan_join(a->b->arena, OV_JOINS_LEFT, a->around, d.plan, NULL, &joined, err));
    OV_TRY(ov_arena_alloc(a->b->arena, (r->count + (size_t)1) * sizeof *same, &same, err));
    for (uint32_t v = 0; reading && v < r->count; v++) {
        const ov_expr *theirs;
        OV_TRY(ov_plan_column(a->b->cx, joined, a->around->field_count + v, &theirs, err));
        OV_TRY(ovi_sql_same_value(r, r->values[v], theirs, d.equal[v], &same[count++], err));
    }
    OV_TRY(ovi_sql_all_of(a->b, sub->ast, same, count, &condition, err));
    OV_TRY(ov_plan_join(a->b->arena, OV_JOINS_LEFT, a->around, d.plan, condition, out, err));
    OV_TRY(ov_arena_alloc(a->b->arena, (calls + (size_t)1) * sizeof *map, &map, err));
    for (uint32_t i = 0; i < calls; i++) {
        OV_TRY(ov_plan_column(a->b->cx, *out, first + i, &map[i], err));
        OV_TRY(ovi_sql_empty_group(a->b, sub->ast, &aggregate->aggregate.aggs[i], &map[i], err));
    }
    OV_TRY(over_joined(r, *out, map, p->outputs[0], &sub->value, err));
    for (uint32_t i = 0; i < p->filter_count; i++) { /* HAVING */
        OV_TRY(over_joined(r, *out, map, p->filters[i], &args[0], err));
        args[1] = sub->value;
        OV_TRY(ov_expr_null_of(a->b->cx, (ov_sqltype)sub->value->sql, sub->value->type, &args[2], err));
        OV_TRY(ovi_sql_apply(a->b, sub->ast, "CASE", args, 3, &sub->value, err));
    }
    return OV_OK;
}

/* A column TRUE behind those of the plan: it tells rows that are there from rows that are not. */
static OV_CHECKED ov_status add_presence(const reads *r, const ov_plan **plan, ov_error *err)
{
    const ov_plan *in = *plan;
    const ov_expr **exprs;
    OV_TRY(ov_arena_alloc(r->b->arena, (in->field_count + (size_t)1) * sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; i < in->field_count; i++)
        OV_TRY(ov_plan_column(r->b->cx, in, i, &exprs[i], err));
    OV_TRY(ov_expr_i64(r->b->cx, OV_SQL_BOOLEAN, 1, &exprs[in->field_count], err));
    return ov_plan_project(r->b->arena, in, exprs, NULL, in->field_count + 1, plan, err);
}

static OV_CHECKED ov_status attach_scalar(const ovi_sql_attaching *a, ovi_sql_sub *sub, const ov_plan **out, ov_error *err)
{
    const ov_expr **parts, *condition, *args[3];
    const ov_plan *joined;
    uint32_t count;
    peeled p;
    reads r;
    OV_TRY(what_it_reads(a, sub->ast, sub->scope, &r, err));
    OV_TRY(peel(&r, sub->plan, 1, false, &p, err));
    if (p.plan->kind == OV_PLAN_AGGREGATE && !p.plan->aggregate.key_count)
        return attach_aggregate(a, sub, &r, &p, out, err);
    bool plain = p.outputs[0]->kind == OV_EXPR_COLUMN && p.outputs[0]->column < OV_EXPR_UNBOUND;
    OV_TRY(right_side(&r, &p, &joined, &parts, &count, err));
    if (!plain)
        OV_TRY(add_presence(&r, &p.plan, err));
    OV_TRY(ovi_sql_all_of(a->b, sub->ast, parts, count, &condition, err));
    ov_plan *single;
    OV_TRY(ov_plan_join(a->b->arena, OV_JOINS_SINGLE, a->around, p.plan, condition, out, err));
    OV_TRY(ov_arena_alloc(a->b->arena, sizeof *single, &single, err));
    *single = **out;
    single->join.pos = sub->ast->pos;
    single->join.end_pos = sub->ast->end_pos;
    *out = single;
    OV_TRY(over_joined(&r, *out, NULL, p.outputs[0], &sub->value, err));
    if (plain)
        return OV_OK;
    OV_TRY(ov_plan_column(a->b->cx, *out, (*out)->field_count - 1, &args[0], err));
    args[1] = sub->value;
    OV_TRY(ov_expr_null_of(a->b->cx, (ov_sqltype)sub->value->sql, sub->value->type, &args[2], err));
    return ovi_sql_apply(a->b, sub->ast, "CASE", args, 3, &sub->value, err);
}

ov_status ovi_sql_attach(ovi_sql_binder *b, ovi_sql_subs *subs, bool inner, ovi_sql_mover mover, void *self,
                         const ov_plan **plan, ov_error *err)
{
    for (uint32_t i = 0; i < subs->count; i++) {
        ovi_sql_sub *sub = subs->list[i];
        ovi_sql_attaching a = {b, subs, mover, self, *plan};
        if (sub->inner != inner || sub->value)
            continue;
        if (sub->tests)
            OV_TRY(ovi_sql_attach_test(&a, sub, OV_JOINS_MARK, plan, err));
        else
            OV_TRY(attach_scalar(&a, sub, plan, err));
    }
    return OV_OK;
}

/* ---- LATERAL ---- */

ov_status ovi_sql_join_lateral(ovi_sql_binder *b, const ov_ast *at, const ovi_sql_scope *scope, ov_join_kind kind,
                               const ov_plan *left, const ov_plan *right, const ov_expr *condition,
                               const ov_plan **out, ov_error *err)
{
    ovi_sql_attaching a = {.b = b, .around = left};
    peeled p = {.plan = right};
    const ov_expr **parts;
    const ov_plan *joined;
    uint32_t count;
    reads r;
    OV_TRY(what_it_reads(&a, at, scope, &r, err));
    OV_TRY(right_side(&r, &p, &joined, &parts, &count, err));
    if (condition)
        parts[count++] = condition;
    OV_TRY(ovi_sql_all_of(b, at, parts, count, &condition, err));
    return ov_plan_join(b->arena, kind, left, p.plan, condition, out, err);
}
