/*
 * Windows, limits, lists and joins of a sub-query, pushed over the values that it reads of the rows around it.
 */
#include "query/sql/decorrelate_int.h"

typedef ovi_sql_outer_reads reads;
typedef ovi_sql_dependent dependent;
typedef ovi_dependent_reading reading;

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
    return ovi_dependent_arrange(r, from, n, &out->plan, err);
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

ov_status ovi_dependent_window(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    uint32_t inputs = plan->inputs[0]->field_count;
    const uint32_t *partition;
    ov_window_call *calls;
    OV_TRY(ovi_dependent_push(r, plan->inputs[0], out, err));
    OV_TRY(partition_by_values(r, plan->window.partition, plan->window.partition_count, inputs, &partition, err));
    OV_TRY(ov_arena_alloc(r->b->arena, (plan->window.call_count + (size_t)1) * sizeof *calls, &calls, err));
    for (uint32_t i = 0; i < plan->window.call_count; i++) {
        calls[i] = plan->window.calls[i];
        OV_TRY(ovi_dependent_args(r, calls[i].args, calls[i].argc, out, &calls[i].args, err));
        if (!calls[i].agg)
            continue;
        ov_agg_call *agg;
        OV_TRY(ov_arena_alloc(r->b->arena, sizeof *agg, &agg, err));
        OV_TRY(ovi_dependent_call(r, calls[i].agg, out, agg, err));
        calls[i].agg = agg;
    }
    OV_TRY(ov_plan_window(r->b->arena, out->plan, partition, plan->window.partition_count + r->count,
                          plan->window.keys, plan->window.key_count, calls, plan->window.call_count, &out->plan, err));
    return values_last(r, inputs, plan->field_count, out, err);
}

/* The first rows for each value: those whose number in its order is small enough. */
ov_status ovi_dependent_limit(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    bool sort = plan->kind == OV_PLAN_SORT;
    uint64_t limit = sort ? plan->sort.limit : plan->limit.limit, offset = sort ? plan->sort.offset : plan->limit.offset;
    uint32_t inputs = plan->field_count;
    ov_window_call call = {.fn = OV_WINDOW_ROW_NUMBER, .type = OV_T(OV_TYPE_LONG), .sql = OV_SQL_BIGINT}, *calls;
    const ov_expr *number, *bound[2], *parts[2];
    const uint32_t *partition;
    uint32_t n = 0;
    OV_TRY(ovi_dependent_push(r, plan->inputs[0], out, err));
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

ov_status ovi_dependent_unnest(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
{
    uint32_t inputs = plan->inputs[0]->field_count;
    const ov_expr **lists;
    OV_TRY(ovi_dependent_push(r, plan->inputs[0], out, err));
    OV_TRY(ovi_dependent_args(r, plan->unnest.lists, plan->unnest.list_count, out, &lists, err));
    OV_TRY(ov_plan_unnest_like(r->b->arena, plan, out->plan, lists, &out->plan, err));
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
            OV_TRY(ovi_dependent_push(r, plan->inputs[i], &d, err));
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
        OV_TRY(ov_expr_rewrite(r->b->cx, plan->join.residual, ovi_dependent_leaf, &from, &parts[n++], err));
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

ov_status ovi_dependent_join(reads *r, const ov_plan *plan, dependent *out, ov_error *err)
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
        return ovi_dependent_filter(r, join, out, err);
    }
    OV_TRY(ovi_dependent_start(r, plan, out, err));
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
    return ovi_dependent_arrange(r, from, n, &out->plan, err);
}
