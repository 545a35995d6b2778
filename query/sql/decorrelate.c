#include "query/sql/decorrelate.h"

typedef ovi_sql_outer_reads reads;
typedef ovi_sql_dependent dependent;

static OV_CHECKED ov_status push(reads *r, const ov_plan *plan, dependent *out, ov_error *err);

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
        return ovi_sql_reads_outer(r, plan->unnest.list);
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

typedef struct reading {
    const reads *r;
    const ov_plan *in;
    uint32_t first;
    const ov_expr *const *map; /* of ordinary columns; NULL: they stay */
} reading;

static ov_status read_leaf(void *self, const ov_expr *column, const ov_expr **out, ov_error *err)
{
    const reading *from = self;
    uint32_t i = value_of(from->r, column);
    if (i < from->r->count)
        return ov_plan_column(from->r->b->cx, from->in, from->first + i, out, err);
    if (from->map && column->column < OV_EXPR_UNBOUND)
        *out = from->map[column->column];
    return OV_OK;
}

ov_status ovi_sql_read_from(const reads *r, const ov_expr *e, const ov_plan *in, uint32_t first,
                            const ov_expr **out, ov_error *err)
{
    reading from = {r, in, first, NULL};
    return ov_expr_rewrite(r->b->cx, e, read_leaf, &from, out, err);
}

ov_status ovi_sql_same_value(const reads *r, const ov_expr *left, const ov_expr *right, bool equal,
                             const ov_expr **out, ov_error *err)
{
    const ov_expr *pair[2] = {left, right};
    bool plain = equal || !left->nullable || !right->nullable;
    return ovi_sql_apply(r->b, r->at, plain ? "=" : "IS NOT DISTINCT FROM", pair, 2, out, err);
}

/* The different values, one row each. */
static OV_CHECKED ov_status domain_of(reads *r, const ov_plan **out, ov_error *err)
{
    if (!r->domain)
        OV_TRY(ovi_sql_group(r->b, r->around, r->values, r->count, NULL, 0, &r->domain, err));
    *out = r->domain;
    return OV_OK;
}

static OV_CHECKED ov_status start(const reads *r, const ov_plan *like, dependent *out, ov_error *err)
{
    *out = (dependent){.width = like->field_count};
    return ov_arena_zalloc(r->b->arena, (r->count + (size_t)1) * sizeof *out->equal, &out->equal, err);
}

/* Columns [from[i]] of the plan as its new columns. */
static OV_CHECKED ov_status arrange(const reads *r, const uint32_t *from, uint32_t count, const ov_plan **plan,
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
    OV_TRY(start(r, plan, out, err));
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

static OV_CHECKED ov_status push_filter(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    const ov_expr *predicate;
    definition *values;
    bool defined;
    OV_TRY(start(r, plan, out, err));
    OV_TRY(find_definitions(r, plan, &values, &defined, err));
    if (defined)
        return filter_defined(r, plan, values, out, err);
    OV_TRY(push(r, plan->inputs[0], out, err));
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
    OV_TRY(push(r, plan->inputs[0], &in, err));
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

static OV_CHECKED ov_status read_args(const reads *r, const ov_expr *const *args, uint32_t count, const dependent *in,
                                      const ov_expr ***out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(r->b->arena, (count + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(ovi_sql_read_from(r, args[i], in->plan, in->width, &(*out)[i], err));
    return OV_OK;
}

static OV_CHECKED ov_status read_call(const reads *r, const ov_agg_call *from, const dependent *in, ov_agg_call *to,
                                      ov_error *err)
{
    *to = *from;
    OV_TRY(read_args(r, from->args, from->argc, in, &to->args, err));
    return from->filter ? ovi_sql_read_from(r, from->filter, in->plan, in->width, &to->filter, err) : OV_OK;
}

/* Calls over an input that has the values behind its columns. */
static OV_CHECKED ov_status read_calls(const reads *r, const ov_plan *plan, const dependent *in, ov_agg_call **out,
                                       ov_error *err)
{
    OV_TRY(ov_arena_alloc(r->b->arena, (plan->aggregate.agg_count + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < plan->aggregate.agg_count; i++)
        OV_TRY(read_call(r, &plan->aggregate.aggs[i], in, &(*out)[i], err));
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
    OV_TRY(push(r, plan->inputs[0], &in, err));
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
    return arrange(r, from, n, &out->plan, err);
}

static OV_CHECKED ov_status push_union(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    const ov_plan **inputs;
    OV_TRY(start(r, plan, out, err));
    OV_TRY(ov_arena_alloc(r->b->arena, plan->input_count * sizeof *inputs, &inputs, err));
    for (uint32_t i = 0; i < plan->input_count; i++) {
        dependent in;
        OV_TRY(push(r, plan->inputs[i], &in, err));
        inputs[i] = in.plan;
        for (uint32_t v = 0; v < r->count; v++)
            out->equal[v] = in.equal[v] && (i == 0 || out->equal[v]);
    }
    return ov_plan_union(r->b->arena, inputs, plan->input_count, &out->plan, err);
}

/* ---- windows, limits, lists ---- */

/* Columns [0, inputs) of the plan, those behind the values, then the values, which are columns inputs.. of it. */
static OV_CHECKED ov_status values_last(const reads *r, uint32_t inputs, uint32_t count, dependent *out, ov_error *err)
{
    uint32_t *from, n = 0;
    OV_TRY(ov_arena_alloc(r->b->arena, (count + (size_t)r->count + 1) * sizeof *from, &from, err));
    for (uint32_t i = 0; i < count; i++)
        from[n++] = i < inputs ? i : i + r->count;
    for (uint32_t v = 0; v < r->count; v++)
        from[n++] = inputs + v;
    out->width = count;
    return arrange(r, from, n, &out->plan, err);
}

/* Partitions are those of the plan, for each value apart. */
static OV_CHECKED ov_status partition_by_values(const reads *r, const uint32_t *partition, uint32_t count,
                                                uint32_t inputs, const uint32_t **out, ov_error *err)
{
    uint32_t *columns;
    OV_TRY(ov_arena_alloc(r->b->arena, (count + (size_t)r->count + 1) * sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < count; i++)
        columns[i] = partition[i];
    for (uint32_t v = 0; v < r->count; v++)
        columns[count + v] = inputs + v;
    *out = columns;
    return OV_OK;
}

static OV_CHECKED ov_status push_window(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    uint32_t inputs = plan->inputs[0]->field_count;
    const uint32_t *partition;
    ov_window_call *calls;
    OV_TRY(push(r, plan->inputs[0], out, err));
    OV_TRY(partition_by_values(r, plan->window.partition, plan->window.partition_count, inputs, &partition, err));
    OV_TRY(ov_arena_alloc(r->b->arena, (plan->window.call_count + (size_t)1) * sizeof *calls, &calls, err));
    for (uint32_t i = 0; i < plan->window.call_count; i++) {
        calls[i] = plan->window.calls[i];
        OV_TRY(read_args(r, calls[i].args, calls[i].argc, out, &calls[i].args, err));
        if (!calls[i].agg)
            continue;
        ov_agg_call *agg;
        OV_TRY(ov_arena_alloc(r->b->arena, sizeof *agg, &agg, err));
        OV_TRY(read_call(r, calls[i].agg, out, agg, err));
        calls[i].agg = agg;
    }
    OV_TRY(ov_plan_window(r->b->arena, out->plan, partition, plan->window.partition_count + r->count,
                          plan->window.keys, plan->window.key_count, calls, plan->window.call_count, &out->plan, err));
    return values_last(r, inputs, plan->field_count, out, err);
}

/* The first rows for each value: those whose number in its order is small enough. */
static OV_CHECKED ov_status push_limit(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    bool sort = plan->kind == OV_PLAN_SORT;
    uint64_t limit = sort ? plan->sort.limit : plan->limit.limit, offset = sort ? plan->sort.offset : plan->limit.offset;
    uint32_t inputs = plan->field_count;
    ov_window_call call = {.fn = OV_WINDOW_ROW_NUMBER, .type = OV_T(OV_TYPE_LONG), .sql = OV_SQL_BIGINT}, *calls;
    const ov_expr *number, *bound[2], *parts[2];
    const uint32_t *partition;
    uint32_t n = 0;
    OV_TRY(push(r, plan->inputs[0], out, err));
    OV_TRY(partition_by_values(r, NULL, 0, inputs, &partition, err));
    OV_TRY(ov_arena_alloc(r->b->arena, sizeof *calls, &calls, err));
    *calls = call;
    OV_TRY(ov_plan_window(r->b->arena, out->plan, partition, r->count, sort ? plan->sort.keys : NULL,
                          sort ? plan->sort.key_count : 0, calls, 1, &out->plan, err));
    OV_TRY(ov_plan_column(r->b->cx, out->plan, inputs + r->count, &number, err));
    bound[0] = number;
    if (limit < (uint64_t)INT64_MAX - OV_MIN(offset, (uint64_t)INT64_MAX)) {
        OV_TRY(ov_expr_i64(r->b->cx, OV_SQL_BIGINT, (int64_t)(limit + offset), &bound[1], err));
        OV_TRY(ovi_sql_apply(r->b, r->at, "<=", bound, 2, &parts[n++], err));
    }
    if (offset) {
        OV_TRY(ov_expr_i64(r->b->cx, OV_SQL_BIGINT, (int64_t)OV_MIN(offset, (uint64_t)INT64_MAX), &bound[1], err));
        OV_TRY(ovi_sql_apply(r->b, r->at, ">", bound, 2, &parts[n++], err));
    }
    OV_TRY(ovi_sql_all_of(r->b, r->at, parts, n, &number, err));
    if (n)
        OV_TRY(ov_plan_filter(r->b->arena, out->plan, number, &out->plan, err));
    return values_last(r, inputs, inputs, out, err);
}

static OV_CHECKED ov_status push_unnest(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    uint32_t inputs = plan->inputs[0]->field_count;
    const ov_expr *list;
    OV_TRY(push(r, plan->inputs[0], out, err));
    OV_TRY(ovi_sql_read_from(r, plan->unnest.list, out->plan, inputs, &list, err));
    OV_TRY(ov_plan_unnest(r->b->arena, out->plan, list, plan->fields[inputs].name, plan->unnest.outer,
                          plan->unnest.ordinality, &out->plan, err));
    return values_last(r, inputs, plan->field_count, out, err);
}

/* ---- joins ---- */

typedef struct sides {
    const ov_plan *plan[2];
    uint32_t width[2];
    bool has[2]; /* the values stand behind its columns */
    bool *equal[2];
} sides;

static OV_CHECKED ov_status push_sides(reads *r, const ov_plan *plan, sides *s, ov_error *err)
{
    ov_join_kind kind = (ov_join_kind)plan->join.kind;
    bool inner = kind == OV_JOINS_INNER, right = kind == OV_JOINS_RIGHT, full = kind == OV_JOINS_FULL;
    bool reads_right = ovi_sql_plan_reads_outer(r, plan->inputs[1]);
    s->has[0] = ovi_sql_plan_reads_outer(r, plan->inputs[0]) || full || (!inner && !right) || (inner && !reads_right);
    s->has[1] = reads_right || right || full;
    for (uint32_t i = 0; i < 2; i++) {
        dependent d = {.plan = plan->inputs[i]};
        if (s->has[i])
            OV_TRY(push(r, plan->inputs[i], &d, err));
        s->plan[i] = d.plan;
        s->width[i] = plan->inputs[i]->field_count;
        s->equal[i] = d.equal;
    }
    return OV_OK;
}

/* The condition over the sides as they are now, and that both are about the same values. */
static OV_CHECKED ov_status side_condition(const reads *r, const ov_plan *plan, const sides *s, const ov_plan *both,
                                           const ov_expr **out, ov_error *err)
{
    uint32_t behind[2] = {s->width[0], s->plan[0]->field_count + s->width[1]}, n = 0;
    const ov_expr **map, **parts;
    OV_TRY(ov_arena_alloc(r->b->arena, ((size_t)s->width[0] + s->width[1] + 1) * sizeof *map, &map, err));
    OV_TRY(ov_arena_alloc(r->b->arena, (r->count + (size_t)1) * sizeof *parts, &parts, err));
    for (uint32_t i = 0; i < s->width[0] + s->width[1]; i++)
        OV_TRY(ov_plan_column(r->b->cx, both, i < s->width[0] ? i : s->plan[0]->field_count + i - s->width[0],
                              &map[i], err));
    for (uint32_t v = 0; s->has[0] && s->has[1] && v < r->count; v++) {
        const ov_expr *left, *right;
        OV_TRY(ov_plan_column(r->b->cx, both, behind[0] + v, &left, err));
        OV_TRY(ov_plan_column(r->b->cx, both, behind[1] + v, &right, err));
        OV_TRY(ovi_sql_same_value(r, left, right, s->equal[0][v] || s->equal[1][v], &parts[n++], err));
    }
    if (plan->join.residual) {
        reading from = {r, both, behind[!s->has[0]], map};
        OV_TRY(ov_expr_rewrite(r->b->cx, plan->join.residual, read_leaf, &from, &parts[n++], err));
    }
    return ovi_sql_all_of(r->b, r->at, parts, n, out, err);
}

/* FULL: the value of the side that is there. */
static OV_CHECKED ov_status full_values(const reads *r, const sides *s, const ov_plan *join, dependent *out,
                                        ov_error *err)
{
    uint32_t left = s->plan[0]->field_count, n = 0;
    const ov_expr **exprs;
    OV_TRY(ov_arena_alloc(r->b->arena, (join->field_count + (size_t)1) * sizeof *exprs, &exprs, err));
    for (uint32_t i = 0; i < s->width[0] + s->width[1]; i++)
        OV_TRY(ov_plan_column(r->b->cx, join, i < s->width[0] ? i : left + i - s->width[0], &exprs[n++], err));
    for (uint32_t v = 0; v < r->count; v++) {
        const ov_expr *pair[2];
        out->equal[v] = s->equal[0][v] && s->equal[1][v];
        OV_TRY(ov_plan_column(r->b->cx, join, s->width[0] + v, &pair[0], err));
        OV_TRY(ov_plan_column(r->b->cx, join, left + s->width[1] + v, &pair[1], err));
        OV_TRY(ovi_sql_apply(r->b, r->at, "COALESCE", pair, 2, &exprs[n], err));
        OV_TRY(ov_expr_retype(r->b->cx, exprs[n], (ov_sqltype)pair[0]->sql, &exprs[n], err));
        n++;
    }
    return ov_plan_project(r->b->arena, join, exprs, NULL, n, &out->plan, err);
}

static OV_CHECKED ov_status push_join(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    ov_join_kind kind = (ov_join_kind)plan->join.kind;
    bool inputs_read = ovi_sql_plan_reads_outer(r, plan->inputs[0]) || ovi_sql_plan_reads_outer(r, plan->inputs[1]);
    const ov_plan *both, *join;
    const ov_expr *condition;
    uint32_t *from, n = 0;
    sides s;
    if (kind == OV_JOINS_INNER && !inputs_read) { /* a filter may define the values */
        OV_TRY(ov_plan_join(r->b->arena, kind, plan->inputs[0], plan->inputs[1], NULL, &join, err));
        OV_TRY(ov_plan_filter(r->b->arena, join, plan->join.residual, &join, err));
        return push_filter(r, join, out, err);
    }
    OV_TRY(start(r, plan, out, err));
    OV_TRY(push_sides(r, plan, &s, err));
    OV_TRY(ov_plan_join(r->b->arena, OV_JOINS_INNER, s.plan[0], s.plan[1], NULL, &both, err));
    OV_TRY(side_condition(r, plan, &s, both, &condition, err));
    OV_TRY(ov_plan_join(r->b->arena, kind, s.plan[0], s.plan[1], condition, &join, err));
    if (kind == OV_JOINS_FULL)
        return full_values(r, &s, join, out, err);
    uint32_t side = !s.has[0] || kind == OV_JOINS_RIGHT, left = s.plan[0]->field_count;
    OV_TRY(ov_arena_alloc(r->b->arena, (join->field_count + (size_t)r->count + 1) * sizeof *from, &from, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        from[n++] = i < s.width[0] ? i : left + i - s.width[0];
    for (uint32_t v = 0; v < r->count; v++) {
        out->equal[v] = s.equal[side][v] || (kind == OV_JOINS_INNER && s.has[!side] && s.equal[!side][v]);
        from[n++] = side ? left + s.width[1] + v : s.width[0] + v;
    }
    out->plan = join;
    return arrange(r, from, n, &out->plan, err);
}

/* ---- any node ---- */

static OV_CHECKED ov_status push(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    if (!ovi_sql_plan_reads_outer(r, plan))
        return with_domain(r, plan, out, err);
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_FILTER:
        return push_filter(r, plan, out, err);
    case OV_PLAN_PROJECT:
        return push_project(r, plan, out, err);
    case OV_PLAN_AGGREGATE:
        return push_aggregate(r, plan, out, err);
    case OV_PLAN_UNION:
        return push_union(r, plan, out, err);
    case OV_PLAN_JOIN:
        return push_join(r, plan, out, err);
    case OV_PLAN_UNNEST:
        return push_unnest(r, plan, out, err);
    case OV_PLAN_WINDOW:
        return push_window(r, plan, out, err);
    case OV_PLAN_LIMIT:
        return push_limit(r, plan, out, err);
    case OV_PLAN_SORT: /* its rows meet those of the query around it: no order is left */
        if (plan->sort.limit == OV_NO_LIMIT && !plan->sort.offset)
            return push(r, plan->inputs[0], out, err);
        return push_limit(r, plan, out, err);
    default:
        break;
    }
    const ov_expr *first = r->values[0];
    ov_slice name = {NULL, 0};
    if (first->kind == OV_EXPR_COLUMN && first->column < r->around->field_count)
        name = r->around->fields[first->column].name;
    return ovi_sql_fail_node(r->b, r->at, OV_UNSUPPORTED, err, NULL,
                             "A sub-query may not read '" OV_SLICE_FMT "' of the query around it at this place",
                             OV_SLICE_ARG(name));
}

ov_status ovi_sql_decorrelate(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    return push(r, plan, out, err);
}
