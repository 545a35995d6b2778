/*
 * A sub-query over the values it reads of the rows around it: filters, projections, groupings, unions (see decorrelate.h).
 */
#include "query/sql/decorrelate_int.h"

typedef ovi_sql_outer_reads reads;
typedef ovi_sql_dependent dependent;
typedef ovi_dependent_reading reading;

/* ---- who reads what ---- */

/* Which of the values a column is; count when it is none. */
static uint32_t value_of(const reads *r, const ov_expr *e)
{
    uint32_t i = 0;
    while (i < r->count && (e->kind != OV_EXPR_COLUMN || e->column != OVI_SQL_OUTER_BASE + r->refs[i]))
        i++;
    return i;
}

bool ovi_sql_reads_outer(const reads *r, const ov_expr *e)
{
    if (!e)
        return false;
    if (e->kind == OV_EXPR_COLUMN)
        return value_of(r, e) < r->count;
    for (uint32_t i = 0; i < e->argc; i++)
        if (ovi_sql_reads_outer(r, e->args[i]))
            return true;
    return false;
}

static bool any_reads(const reads *r, const ov_expr *const *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (ovi_sql_reads_outer(r, list[i]))
            return true;
    return false;
}

static bool call_reads(const reads *r, const ov_agg_call *call)
{
    return any_reads(r, call->args, call->argc) || ovi_sql_reads_outer(r, call->filter);
}

static bool node_reads(const reads *r, const ov_plan *plan)
{
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_FILTER:
        return ovi_sql_reads_outer(r, plan->filter.predicate);
    case OV_PLAN_PROJECT:
        return any_reads(r, plan->project.exprs, plan->field_count);
    case OV_PLAN_AGGREGATE:
        for (uint32_t i = 0; i < plan->aggregate.agg_count; i++)
            if (call_reads(r, &plan->aggregate.aggs[i]))
                return true;
        return any_reads(r, plan->aggregate.keys, plan->aggregate.key_count);
    case OV_PLAN_JOIN:
        return ovi_sql_reads_outer(r, plan->join.residual);
    case OV_PLAN_UNNEST:
        return any_reads(r, plan->unnest.lists, plan->unnest.list_count);
    case OV_PLAN_WINDOW:
        for (uint32_t i = 0; i < plan->window.call_count; i++) {
            const ov_window_call *call = &plan->window.calls[i];
            if (any_reads(r, call->args, call->argc) || (call->agg && call_reads(r, call->agg)))
                return true;
        }
        return false;
    default:
        return false;
    }
}

bool ovi_sql_plan_reads_outer(const reads *r, const ov_plan *plan)
{
    for (uint32_t i = 0; i < plan->input_count; i++)
        if (ovi_sql_plan_reads_outer(r, plan->inputs[i]))
            return true;
    return node_reads(r, plan);
}

/* ---- values as columns ---- */

ov_status ovi_dependent_leaf(void *self, const ov_expr *column, const ov_expr **out, ov_error *err)
{
    const reading *from = self;
    uint32_t i = value_of(from->r, column);
    if (i < from->r->count) {
        const reads *r = from->r;
        OV_TRY(ov_plan_column(r->b->cx, from->in, from->first + i, out, err));
        if (r->arrays[i])
            OV_TRY(ov_plan_unpacked(r->b->cx, *out, r->arrays[i], out, err));
        return r->multi[i] ? ovi_sql_as_multi(r->b, r->at, out, err) : OV_OK;
    }
    if (from->map && column->column < OV_EXPR_UNBOUND)
        *out = from->map[column->column];
    return OV_OK;
}

ov_status ovi_sql_read_from(const reads *r, const ov_expr *e, const ov_plan *in, uint32_t first,
                            const ov_expr **out, ov_error *err)
{
    reading from = {r, in, first, NULL};
    return ov_expr_rewrite(r->b->cx, e, ovi_dependent_leaf, &from, out, err);
}

ov_status ovi_sql_as_multi(ovi_sql_binder *b, const ov_ast *at, const ov_expr **e, ov_error *err)
{
    if ((*e)->type.id != OV_TYPE_ARRAY)
        OV_TRY(ovi_sql_apply(b, at, "MV_TO_ARRAY", e, 1, e, err));
    return ovi_sql_apply(b, at, "ARRAY_TO_MV", e, 1, e, err);
}

/* What is equal whenever the two are not distinct, NULLs as something that is there: a key to hash by. *out stays NULL where
 * there is none. */
static OV_CHECKED ov_status filled_equal(const reads *r, const ov_expr *const *pair, const ov_expr **out, ov_error *err)
{
    const ov_expr *filled[2], *args[2];
    bool text = pair[0]->type.id == OV_TYPE_STRING;
    *out = NULL;
    if (!ov_type_eq(pair[0]->type, pair[1]->type) || ov_type_is_list(pair[0]->type) || (!text && !ov_type_is_int(pair[0]->type)))
        return OV_OK;
    for (uint32_t i = 0; i < 2; i++) {
        args[0] = pair[i];
        if (text)
            OV_TRY(ov_expr_str(r->b->cx, OV_SQL_VARCHAR, OV_SLICE_LIT(""), &args[1], err));
        else
            OV_TRY(ov_expr_i64(r->b->cx, (ov_sqltype)pair[i]->sql, 0, &args[1], err));
        OV_TRY(ovi_sql_apply(r->b, r->at, "COALESCE", args, 2, &filled[i], err));
    }
    return ovi_sql_apply(r->b, r->at, "=", filled, 2, out, err);
}

ov_status ovi_sql_same_value(const reads *r, const ov_expr *left, const ov_expr *right, bool equal,
                             const ov_expr **out, ov_error *err)
{
    const ov_expr *pair[2] = {left, right}, *both[2];
    if (equal || !left->nullable || !right->nullable)
        return ovi_sql_apply(r->b, r->at, "=", pair, 2, out, err);
    OV_TRY(ovi_sql_apply(r->b, r->at, "IS NOT DISTINCT FROM", pair, 2, out, err));
    OV_TRY(filled_equal(r, pair, &both[0], err));
    both[1] = *out;
    return both[0] ? ovi_sql_apply(r->b, r->at, "AND", both, 2, out, err) : OV_OK;
}

/* The different values, one row each. */
static OV_CHECKED ov_status domain_of(reads *r, const ov_plan **out, ov_error *err)
{
    if (!r->domain)
        OV_TRY(ovi_sql_group(r->b, r->around, r->values, r->count, NULL, 0, &r->domain, err));
    *out = r->domain;
    return OV_OK;
}

ov_status ovi_dependent_start(const reads *r, const ov_plan *like, dependent *out, ov_error *err)
{
    *out = (dependent){.width = like->field_count};
    return ov_arena_zalloc(r->b->arena, (r->count + (size_t)1) * sizeof *out->equal, &out->equal, err);
}

/* Columns [from[i]] of the plan as its new columns. */
ov_status ovi_dependent_arrange(const reads *r, const uint32_t *from, uint32_t count, const ov_plan **plan,
                                    ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    OV_TRY(ov_arena_alloc(r->b->arena, (count + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(r->b->arena, (count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < count; i++) {
        names[i] = (*plan)->fields[from[i]].name;
        OV_TRY(ov_plan_column(r->b->cx, *plan, from[i], &exprs[i], err));
    }
    return ov_plan_project(r->b->arena, *plan, exprs, names, count, plan, err);
}

/* Every row of a plan that reads nothing, with every value. */
static OV_CHECKED ov_status with_domain(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    const ov_plan *domain;
    OV_TRY(ovi_dependent_start(r, plan, out, err));
    OV_TRY(domain_of(r, &domain, err));
    return ov_plan_join(r->b->arena, OV_JOINS_INNER, plan, domain, NULL, &out->plan, err);
}

/* ---- filters ---- */

/* e = value: the part of a filter that makes a column of the input the value. */
static bool defines(const reads *r, const ov_expr *part, uint32_t value, const ov_expr **column)
{
    if (ov_expr_op(part) != OV_OP_EQ || part->argc != 2)
        return false;
    for (uint32_t side = 0; side < 2; side++) {
        const ov_expr *mine = part->args[!side], *theirs = part->args[side];
        if (value_of(r, theirs) != value || ovi_sql_reads_outer(r, mine) || !mine->deterministic ||
            !ov_type_eq(mine->type, theirs->type) || ov_type_is_list(mine->type) || mine->kind == OV_EXPR_CONST)
            continue;
        *column = mine;
        return true;
    }
    return false;
}

static uint32_t parts_of(const ov_expr *const *predicate, const ov_expr *const **parts)
{
    bool list = ov_expr_op(*predicate) == OV_OP_AND;
    *parts = list ? (const ov_expr *const *)(*predicate)->args : predicate;
    return list ? (*predicate)->argc : 1;
}

/* What a value is equal to, and by which part of the filter. */
typedef struct definition {
    const ov_expr *column;
    uint32_t part;
} definition;

/* The definitions of all values by this filter; *all false when some has none. */
static OV_CHECKED ov_status find_definitions(const reads *r, const ov_plan *filter, definition **out, bool *all,
                                             ov_error *err)
{
    const ov_expr *const *parts;
    uint32_t count = parts_of(&filter->filter.predicate, &parts);
    OV_TRY(ov_arena_zalloc(r->b->arena, (r->count + (size_t)1) * sizeof **out, out, err));
    *all = !ovi_sql_plan_reads_outer(r, filter->inputs[0]);
    for (uint32_t v = 0; v < r->count && *all; v++) {
        *all = false;
        for (uint32_t i = 0; i < count && !*all; i++) {
            (*out)[v].part = i;
            *all = defines(r, parts[i], v, &(*out)[v].column);
        }
    }
    return OV_OK;
}

/* The filter over an input that has the values behind its columns; "column = value" has become "it is not NULL". */
static OV_CHECKED ov_status defined_parts(const reads *r, const ov_plan *filter, const definition *defs,
                                          const ov_plan *in, const ov_expr **out, ov_error *err)
{
    const ov_expr *const *parts, **kept;
    uint32_t count = parts_of(&filter->filter.predicate, &parts), first = in->field_count - r->count;
    OV_TRY(ov_arena_alloc(r->b->arena, (count + (size_t)1) * sizeof *kept, &kept, err));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t v = 0;
        while (v < r->count && defs[v].part != i)
            v++;
        if (v == r->count) {
            OV_TRY(ovi_sql_read_from(r, parts[i], in, first, &kept[i], err));
            continue;
        }
        OV_TRY(ov_plan_column(r->b->cx, in, first + v, &kept[i], err));
        OV_TRY(ovi_sql_apply(r->b, r->at, "IS NOT NULL", &kept[i], 1, &kept[i], err));
    }
    return ovi_sql_all_of(r->b, r->at, kept, count, out, err);
}

static OV_CHECKED ov_status filter_defined(reads *r, const ov_plan *filter, const definition *defs,
                                           dependent *out, ov_error *err)
{
    const ov_plan *in = filter->inputs[0];
    const ov_expr **exprs, *predicate;
    ov_slice *names;
    uint32_t count = in->field_count + r->count;
    OV_TRY(ov_arena_zalloc(r->b->arena, (count + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_zalloc(r->b->arena, (count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        names[i] = in->fields[i].name;
        OV_TRY(ov_plan_column(r->b->cx, in, i, &exprs[i], err));
    }
    for (uint32_t v = 0; v < r->count; v++) {
        out->equal[v] = true;
        OV_TRY(ov_expr_retype(r->b->cx, defs[v].column, (ov_sqltype)r->values[v]->sql, &exprs[in->field_count + v],
                              err));
    }
    OV_TRY(ov_plan_project(r->b->arena, in, exprs, names, count, &out->plan, err));
    OV_TRY(defined_parts(r, filter, defs, out->plan, &predicate, err));
    return ov_plan_filter(r->b->arena, out->plan, predicate, &out->plan, err);
}

ov_status ovi_dependent_filter(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    const ov_expr *predicate;
    definition *values;
    bool defined;
    OV_TRY(ovi_dependent_start(r, plan, out, err));
    OV_TRY(find_definitions(r, plan, &values, &defined, err));
    if (defined)
        return filter_defined(r, plan, values, out, err);
    OV_TRY(ovi_dependent_push(r, plan->inputs[0], out, err));
    OV_TRY(ovi_sql_read_from(r, plan->filter.predicate, out->plan, out->width, &predicate, err));
    return ov_plan_filter(r->b->arena, out->plan, predicate, &out->plan, err);
}

/* ---- projections, groupings, unions ---- */

static OV_CHECKED ov_status push_project(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    dependent in;
    uint32_t count = plan->field_count + r->count;
    OV_TRY(ovi_dependent_push(r, plan->inputs[0], &in, err));
    OV_TRY(ov_arena_zalloc(r->b->arena, (count + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_zalloc(r->b->arena, (count + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < plan->field_count; i++) {
        names[i] = plan->fields[i].name;
        OV_TRY(ovi_sql_read_from(r, plan->project.exprs[i], in.plan, in.width, &exprs[i], err));
    }
    for (uint32_t v = 0; v < r->count; v++)
        OV_TRY(ov_plan_column(r->b->cx, in.plan, in.width + v, &exprs[plan->field_count + v], err));
    *out = (dependent){.width = plan->field_count, .equal = in.equal};
    return ov_plan_project(r->b->arena, in.plan, exprs, names, count, &out->plan, err);
}

ov_status ovi_dependent_args(const reads *r, const ov_expr *const *args, uint32_t count, const dependent *in,
                                      const ov_expr ***out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(r->b->arena, (count + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(ovi_sql_read_from(r, args[i], in->plan, in->width, &(*out)[i], err));
    return OV_OK;
}

ov_status ovi_dependent_call(const reads *r, const ov_agg_call *from, const dependent *in, ov_agg_call *to,
                                      ov_error *err)
{
    *to = *from;
    OV_TRY(ovi_dependent_args(r, from->args, from->argc, in, &to->args, err));
    return from->filter ? ovi_sql_read_from(r, from->filter, in->plan, in->width, &to->filter, err) : OV_OK;
}

/* Calls over an input that has the values behind its columns. */
static OV_CHECKED ov_status read_calls(const reads *r, const ov_plan *plan, const dependent *in, ov_agg_call **out,
                                       ov_error *err)
{
    OV_TRY(ov_arena_alloc(r->b->arena, (plan->aggregate.agg_count + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < plan->aggregate.agg_count; i++)
        OV_TRY(ovi_dependent_call(r, &plan->aggregate.aggs[i], in, &(*out)[i], err));
    return OV_OK;
}

/* A grouping without keys has a row for every value, also where its input has none: what counts is 0 then. */
static OV_CHECKED ov_status all_values(reads *r, const ov_plan *aggregate, dependent *out, ov_error *err)
{
    const ov_plan *domain, *join;
    const ov_expr **same, **exprs, *condition;
    uint32_t calls = aggregate->aggregate.agg_count;
    OV_TRY(domain_of(r, &domain, err));
    OV_TRY(ov_plan_join(r->b->arena, OV_JOINS_LEFT, domain, out->plan, NULL, &join, err));
    OV_TRY(ov_arena_alloc(r->b->arena, (r->count + (size_t)1) * sizeof *same, &same, err));
    for (uint32_t v = 0; v < r->count; v++) {
        const ov_expr *left, *right;
        OV_TRY(ov_plan_column(r->b->cx, join, v, &left, err));
        OV_TRY(ov_plan_column(r->b->cx, join, r->count + v, &right, err));
        OV_TRY(ovi_sql_same_value(r, left, right, out->equal[v], &same[v], err));
    }
    OV_TRY(ovi_sql_all_of(r->b, r->at, same, r->count, &condition, err));
    OV_TRY(ov_plan_join(r->b->arena, OV_JOINS_LEFT, domain, out->plan, condition, &join, err));
    OV_TRY(ov_arena_alloc(r->b->arena, (calls + r->count + (size_t)1) * sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; i < calls; i++) {
        OV_TRY(ov_plan_column(r->b->cx, join, 2 * r->count + i, &exprs[i], err));
        OV_TRY(ovi_sql_empty_group(r->b, r->at, &aggregate->aggregate.aggs[i], &exprs[i], err));
    }
    for (uint32_t v = 0; v < r->count; v++) {
        out->equal[v] = false;
        OV_TRY(ov_plan_column(r->b->cx, join, v, &exprs[calls + v], err));
    }
    return ov_plan_project(r->b->arena, join, exprs, NULL, calls + r->count, &out->plan, err);
}

ov_status ovi_sql_group_by_outer(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    uint32_t key_count = plan->aggregate.key_count, calls = plan->aggregate.agg_count;
    const ov_expr **keys;
    ov_agg_call *aggs;
    dependent in;
    OV_TRY(ovi_dependent_push(r, plan->inputs[0], &in, err));
    OV_TRY(ov_arena_alloc(r->b->arena, (key_count + r->count + (size_t)1) * sizeof *keys, &keys, err));
    for (uint32_t v = 0; v < r->count; v++)
        OV_TRY(ov_plan_column(r->b->cx, in.plan, in.width + v, &keys[v], err));
    for (uint32_t i = 0; i < key_count; i++)
        OV_TRY(ovi_sql_read_from(r, plan->aggregate.keys[i], in.plan, in.width, &keys[r->count + i], err));
    OV_TRY(read_calls(r, plan, &in, &aggs, err));
    *out = (dependent){.width = plan->field_count, .equal = in.equal};
    return ovi_sql_group(r->b, in.plan, keys, r->count + key_count, aggs, calls, &out->plan, err);
}

static OV_CHECKED ov_status push_aggregate(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    uint32_t key_count = plan->aggregate.key_count, calls = plan->aggregate.agg_count, n = 0;
    uint32_t *from;
    OV_TRY(ovi_sql_group_by_outer(r, plan, out, err));
    if (!key_count)
        return all_values(r, plan, out, err);
    OV_TRY(ov_arena_alloc(r->b->arena, (key_count + calls + r->count + (size_t)1) * sizeof *from, &from, err));
    for (uint32_t i = 0; i < key_count + calls; i++)
        from[n++] = r->count + i;
    for (uint32_t v = 0; v < r->count; v++)
        from[n++] = v;
    return ovi_dependent_arrange(r, from, n, &out->plan, err);
}

static OV_CHECKED ov_status push_union(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    const ov_plan **inputs;
    OV_TRY(ovi_dependent_start(r, plan, out, err));
    OV_TRY(ov_arena_alloc(r->b->arena, plan->input_count * sizeof *inputs, &inputs, err));
    for (uint32_t i = 0; i < plan->input_count; i++) {
        dependent in;
        OV_TRY(ovi_dependent_push(r, plan->inputs[i], &in, err));
        inputs[i] = in.plan;
        for (uint32_t v = 0; v < r->count; v++)
            out->equal[v] = in.equal[v] && (i == 0 || out->equal[v]);
    }
    return ov_plan_union(r->b->arena, inputs, plan->input_count, &out->plan, err);
}

/* ---- any node ---- */

static bool is_order(const ov_plan *plan)
{
    return plan->kind == OV_PLAN_SORT && plan->sort.limit == OV_NO_LIMIT && !plan->sort.offset;
}

/* The order in which an aggregate wants its rows: they are sorted once they have met those of the query around them, a join keeps no order. */
static OV_CHECKED ov_status push_order(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    OV_TRY(ovi_dependent_push(r, plan->inputs[0], out, err));
    return ov_plan_sort(r->b->arena, out->plan, plan->sort.keys, plan->sort.key_count, OV_NO_LIMIT, 0, &out->plan, err);
}

ov_status ovi_dependent_push(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    const ov_plan *below = plan;
    while (below->kind == OV_PLAN_PROJECT)
        below = below->inputs[0];
    if (!is_order(below) && !ovi_sql_plan_reads_outer(r, plan))
        return with_domain(r, plan, out, err);
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_FILTER:
        return ovi_dependent_filter(r, plan, out, err);
    case OV_PLAN_PROJECT:
        return push_project(r, plan, out, err);
    case OV_PLAN_AGGREGATE:
        return push_aggregate(r, plan, out, err);
    case OV_PLAN_UNION:
        return push_union(r, plan, out, err);
    case OV_PLAN_JOIN:
        return ovi_dependent_join(r, plan, out, err);
    case OV_PLAN_UNNEST:
        return ovi_dependent_unnest(r, plan, out, err);
    case OV_PLAN_WINDOW:
        return ovi_dependent_window(r, plan, out, err);
    case OV_PLAN_LIMIT:
        return ovi_dependent_limit(r, plan, out, err);
    case OV_PLAN_SORT:
        return is_order(plan) ? push_order(r, plan, out, err) : ovi_dependent_limit(r, plan, out, err);
    default:
        break;
    }
    const ov_expr *first = r->whole[0];
    ov_slice name = {NULL, 0};
    if (first->kind == OV_EXPR_COLUMN && first->column < r->around->field_count)
        name = r->around->fields[first->column].name;
    return ovi_sql_fail_node(r->b, r->at, OV_UNSUPPORTED, err, NULL,
                             "A sub-query may not read '" OV_SLICE_FMT "' of the query around it at this place",
                             OV_SLICE_ARG(name));
}

ov_status ovi_sql_decorrelate(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    return ovi_dependent_push(r, plan, out, err);
}
