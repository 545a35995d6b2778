/*
 * Columns nobody reads. Top-down each node learns which of its outputs are wanted and answers with
 * a plan that has at least those, and where each old column now is.
 */
#include "query/plan/opt_prune.h"

ov_status ovi_prune_bits(ov_expr_ctx *cx, uint32_t count, uint64_t **out, ov_error *err)
{
    return ov_arena_zalloc(cx->arena, (ov_words(count) + 1) * sizeof **out, out, err);
}

/* All columns stay where they are. */
static OV_CHECKED ov_status keep_all(ov_expr_ctx *cx, const ov_plan *plan, ovi_pruned *out,
                                     ov_error *err)
{
    out->plan = plan;
    OV_TRY(
        ov_arena_alloc(cx->arena, (plan->field_count + 1) * sizeof *out->where, &out->where, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        out->where[i] = i;
    return OV_OK;
}

ov_status ovi_prune_map(ov_expr_ctx *cx, const ovi_pruned *in, uint32_t old_count,
                                       const ov_expr *const **out, ov_error *err)
{
    const ov_expr **map;
    OV_TRY(ov_arena_zalloc(cx->arena, (old_count + 1) * sizeof *map, &map, err));
    for (uint32_t i = 0; i < old_count; i++)
        if (in->where[i] != OVI_GONE)
            OV_TRY(ov_plan_column(cx, in->plan, in->where[i], &map[i], err));
    *out = map;
    return OV_OK;
}

/* The used fields, close together; where[] says where each went. */
static OV_CHECKED ov_status used_fields(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used,
                                        ov_field **fields, uint32_t *count, uint32_t **where,
                                        ov_error *err)
{
    *count = 0;
    OV_TRY(ov_arena_alloc(cx->arena, (plan->field_count + 1) * sizeof **fields, fields, err));
    OV_TRY(ov_arena_alloc(cx->arena, (plan->field_count + 1) * sizeof **where, where, err));
    for (uint32_t i = 0; i < plan->field_count; i++) {
        (*where)[i] = OVI_GONE;
        if (!ov_bits_test(used, i))
            continue;
        (*where)[i] = *count;
        (*fields)[(*count)++] = plan->fields[i];
    }
    return OV_OK;
}

static OV_CHECKED ov_status prune_scan(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used,
                                       ovi_pruned *out, ov_error *err)
{
    ov_field *fields;
    ov_plan *copy;
    uint32_t *columns;
    uint64_t *wanted;
    OV_TRY(ovi_prune_bits(cx, plan->field_count, &wanted, err));
    ov_bits_copy(wanted, used, plan->field_count);
    if (plan->scan.filter)
        ov_expr_columns(plan->scan.filter, wanted, plan->field_count);
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *copy, &copy, err));
    *copy = *plan;
    OV_TRY(used_fields(cx, plan, wanted, &fields, &copy->field_count, &out->where, err));
    OV_TRY(ov_arena_alloc(cx->arena, (copy->field_count + 1) * sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (out->where[i] != OVI_GONE)
            columns[out->where[i]] = plan->scan.columns[i];
    copy->fields = fields;
    copy->scan.columns = columns;
    out->plan = copy;
    if (plan->scan.filter) {
        const ov_expr *const *map;
        OV_TRY(ovi_prune_map(cx, out, plan->field_count, &map, err));
        OV_TRY(ov_expr_rebase(cx, plan->scan.filter, map, &copy->scan.filter, err));
    }
    return OV_OK;
}

static OV_CHECKED ov_status prune_system(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used,
                                         ovi_pruned *out, ov_error *err)
{
    ov_field *fields;
    ov_plan *copy;
    uint32_t *columns;
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *copy, &copy, err));
    *copy = *plan;
    OV_TRY(used_fields(cx, plan, used, &fields, &copy->field_count, &out->where, err));
    OV_TRY(ov_arena_alloc(cx->arena, (copy->field_count + 1) * sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (out->where[i] != OVI_GONE)
            columns[out->where[i]] = plan->system.columns[i];
    copy->fields = fields;
    copy->system.columns = columns;
    out->plan = copy;
    return OV_OK;
}

/* A copy of the node over its pruned input. */
static OV_CHECKED ov_status copy_over(ov_expr_ctx *cx, const ov_plan *plan, const ovi_pruned *in,
                                      ov_plan **out, ov_error *err)
{
    OV_TRY(ov_plan_new(cx->arena, (ov_plan_kind)plan->kind, 1, out, err));
    const ov_plan **inputs = (*out)->inputs;
    **out = *plan;
    (*out)->inputs = inputs;
    inputs[0] = in->plan;
    return OV_OK;
}

static OV_CHECKED ov_status prune_project(ov_expr_ctx *cx, const ov_plan *plan,
                                          const uint64_t *used, ovi_pruned *out, ov_error *err)
{
    const ov_plan *input = plan->inputs[0];
    const ov_expr *const *map, **exprs;
    uint64_t *wanted;
    ov_field *fields;
    ov_plan *copy;
    ovi_pruned in;
    OV_TRY(ovi_prune_bits(cx, input->field_count, &wanted, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (ov_bits_test(used, i))
            ov_expr_columns(plan->project.exprs[i], wanted, input->field_count);
    OV_TRY(ovi_prune(cx, input, wanted, &in, err));
    OV_TRY(copy_over(cx, plan, &in, &copy, err));
    OV_TRY(used_fields(cx, plan, used, &fields, &copy->field_count, &out->where, err));
    OV_TRY(ov_arena_alloc(cx->arena, (copy->field_count + 1) * sizeof *exprs, &exprs, err));
    OV_TRY(ovi_prune_map(cx, &in, input->field_count, &map, err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (out->where[i] != OVI_GONE)
            OV_TRY(ov_expr_rebase(cx, plan->project.exprs[i], map, &exprs[out->where[i]], err));
    copy->fields = fields;
    copy->project.exprs = exprs;
    out->plan = copy;
    return OV_OK;
}

static void mark_call(const ov_agg_call *call, uint64_t *wanted, uint32_t columns)
{
    for (uint32_t i = 0; i < call->argc; i++)
        ov_expr_columns(call->args[i], wanted, columns);
    if (call->filter)
        ov_expr_columns(call->filter, wanted, columns);
}

static OV_CHECKED ov_status rebase_call(ov_expr_ctx *cx, const ov_agg_call *call,
                                        const ov_expr *const *map, ov_agg_call *out, ov_error *err)
{
    *out = *call;
    OV_TRY(ov_arena_alloc(cx->arena, (call->argc + 1) * sizeof *out->args, &out->args, err));
    for (uint32_t i = 0; i < call->argc; i++)
        OV_TRY(ov_expr_rebase(cx, call->args[i], map, &out->args[i], err));
    return call->filter ? ov_expr_rebase(cx, call->filter, map, &out->filter, err) : OV_OK;
}

/* Keys decide the groups and all stay, as what tells sets apart; aggregates go when nobody reads them. */
static OV_CHECKED ov_status prune_aggregate(ov_expr_ctx *cx, const ov_plan *plan,
                                            const uint64_t *used, ovi_pruned *out, ov_error *err)
{
    const ov_plan *input = plan->inputs[0];
    uint32_t key_count = plan->aggregate.key_count, agg_count = 0;
    const ov_expr *const *map, **keys;
    uint64_t *wanted, *kept;
    ov_agg_call *aggs;
    ov_field *fields;
    ov_plan *copy;
    ovi_pruned in;
    OV_TRY(ovi_prune_bits(cx, input->field_count, &wanted, err));
    OV_TRY(ovi_prune_bits(cx, plan->field_count, &kept, err));
    ov_bits_copy(kept, used, plan->field_count);
    ov_bits_set_range(kept, 0, key_count);
    ov_bits_set_range(kept, key_count + plan->aggregate.agg_count, plan->field_count);
    for (uint32_t i = 0; i < key_count; i++)
        ov_expr_columns(plan->aggregate.keys[i], wanted, input->field_count);
    for (uint32_t i = 0; i < plan->aggregate.agg_count; i++)
        if (ov_bits_test(kept, key_count + i))
            mark_call(&plan->aggregate.aggs[i], wanted, input->field_count);
    OV_TRY(ovi_prune(cx, input, wanted, &in, err));
    OV_TRY(copy_over(cx, plan, &in, &copy, err));
    OV_TRY(ovi_prune_map(cx, &in, input->field_count, &map, err));
    OV_TRY(used_fields(cx, plan, kept, &fields, &copy->field_count, &out->where, err));
    OV_TRY(ov_arena_alloc(cx->arena, (key_count + 1) * sizeof *keys, &keys, err));
    OV_TRY(ov_arena_alloc(cx->arena, (plan->aggregate.agg_count + 1) * sizeof *aggs, &aggs, err));
    for (uint32_t i = 0; i < key_count; i++)
        OV_TRY(ov_expr_rebase(cx, plan->aggregate.keys[i], map, &keys[i], err));
    for (uint32_t i = 0; i < plan->aggregate.agg_count; i++)
        if (ov_bits_test(kept, key_count + i))
            OV_TRY(rebase_call(cx, &plan->aggregate.aggs[i], map, &aggs[agg_count++], err));
    copy->fields = fields;
    copy->aggregate.keys = keys;
    copy->aggregate.aggs = aggs;
    copy->aggregate.agg_count = agg_count;
    out->plan = copy;
    return OV_OK;
}

/* Copies of the calls that are used, over the pruned input. */
static OV_CHECKED ov_status rebase_window(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used,
                                          const ovi_pruned *in, ov_plan *copy, ov_error *err)
{
    uint32_t inputs = plan->inputs[0]->field_count, count = 0;
    const ov_expr *const *map;
    ov_window_call *calls;
    OV_TRY(ovi_prune_map(cx, in, inputs, &map, err));
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)plan->window.call_count + 1) * sizeof *calls, &calls, err));
    for (uint32_t i = 0; i < plan->window.call_count; i++) {
        if (!ov_bits_test(used, inputs + i))
            continue;
        ov_window_call *call = &calls[count++];
        *call = plan->window.calls[i];
        if (call->agg) {
            ov_agg_call *agg;
            OV_TRY(ov_arena_alloc(cx->arena, sizeof *agg, &agg, err));
            OV_TRY(rebase_call(cx, call->agg, map, agg, err));
            call->agg = agg;
        }
        OV_TRY(ov_arena_alloc(cx->arena, (call->argc + 1) * sizeof *call->args, &call->args, err));
        for (uint32_t a = 0; a < call->argc; a++)
            OV_TRY(ov_expr_rebase(cx, plan->window.calls[i].args[a], map, &call->args[a], err));
    }
    copy->window.calls = calls;
    copy->window.call_count = count;
    return OV_OK;
}

/* Partition columns and sort keys where they are now. */
static OV_CHECKED ov_status rebase_partition(ov_expr_ctx *cx, const ov_plan *plan, const ovi_pruned *in,
                                             ov_plan *copy, ov_error *err)
{
    uint32_t *partition;
    ov_sort_key *keys;
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)plan->window.partition_count + 1) * sizeof *partition,
                          &partition, err));
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)plan->window.key_count + 1) * sizeof *keys, &keys, err));
    for (uint32_t i = 0; i < plan->window.partition_count; i++)
        partition[i] = in->where[plan->window.partition[i]];
    for (uint32_t i = 0; i < plan->window.key_count; i++) {
        keys[i] = plan->window.keys[i];
        keys[i].column = in->where[keys[i].column];
    }
    copy->window.partition = partition;
    copy->window.keys = keys;
    return OV_OK;
}

/* Without calls that anybody reads it is its input. */
static OV_CHECKED ov_status prune_window(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used,
                                         ovi_pruned *out, ov_error *err)
{
    const ov_plan *input = plan->inputs[0];
    uint32_t kept = 0;
    ov_field *fields;
    uint64_t *wanted;
    ov_plan *copy;
    ovi_pruned in;
    OV_TRY(ovi_prune_bits(cx, input->field_count, &wanted, err));
    ov_bits_copy(wanted, used, input->field_count);
    for (uint32_t i = 0; i < plan->window.call_count; i++) {
        const ov_window_call *call = &plan->window.calls[i];
        if (!ov_bits_test(used, input->field_count + i))
            continue;
        kept++;
        if (call->agg)
            mark_call(call->agg, wanted, input->field_count);
        for (uint32_t a = 0; a < call->argc; a++)
            ov_expr_columns(call->args[a], wanted, input->field_count);
    }
    for (uint32_t i = 0; kept && i < plan->window.partition_count; i++)
        ov_bits_set(wanted, plan->window.partition[i]);
    for (uint32_t i = 0; kept && i < plan->window.key_count; i++)
        ov_bits_set(wanted, plan->window.keys[i].column);
    OV_TRY(ovi_prune(cx, input, wanted, &in, err));
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)plan->field_count + 1) * sizeof *out->where, &out->where, err));
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)in.plan->field_count + kept + 1) * sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < in.plan->field_count; i++)
        fields[i] = in.plan->fields[i];
    for (uint32_t i = 0, at = in.plan->field_count; i < plan->field_count; i++) {
        bool call = i >= input->field_count;
        out->where[i] = !call ? in.where[i] : ov_bits_test(used, i) ? at++ : OVI_GONE;
        if (out->where[i] == OVI_GONE)
            continue;
        if (call)
            fields[out->where[i]] = plan->fields[i];
        fields[out->where[i]].name = plan->fields[i].name;
    }
    out->plan = in.plan;
    if (!kept)
        return OV_OK;
    OV_TRY(copy_over(cx, plan, &in, &copy, err));
    OV_TRY(rebase_window(cx, plan, used, &in, copy, err));
    OV_TRY(rebase_partition(cx, plan, &in, copy, err));
    copy->fields = fields;
    copy->field_count = in.plan->field_count + kept;
    out->plan = copy;
    return OV_OK;
}

/* FILTER, SORT and LIMIT pass their input's columns on. */
static OV_CHECKED ov_status prune_through(ov_expr_ctx *cx, const ov_plan *plan,
                                          const uint64_t *used, ovi_pruned *out, ov_error *err)
{
    const ov_plan *input = plan->inputs[0];
    uint64_t *wanted;
    ov_field *fields;
    ov_plan *copy;
    ovi_pruned in;
    OV_TRY(ovi_prune_bits(cx, input->field_count, &wanted, err));
    ov_bits_copy(wanted, used, input->field_count);
    if (plan->kind == OV_PLAN_FILTER)
        ov_expr_columns(plan->filter.predicate, wanted, input->field_count);
    for (uint32_t i = 0; plan->kind == OV_PLAN_SORT && i < plan->sort.key_count; i++)
        ov_bits_set(wanted, plan->sort.keys[i].column);
    OV_TRY(ovi_prune(cx, input, wanted, &in, err));
    OV_TRY(copy_over(cx, plan, &in, &copy, err));
    OV_TRY(ov_arena_alloc(cx->arena, (in.plan->field_count + 1) * sizeof *fields, &fields, err));
    if (in.plan->field_count)
        memcpy(fields, in.plan->fields, in.plan->field_count * sizeof *fields);
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (in.where[i] != OVI_GONE)
            fields[in.where[i]].name = plan->fields[i].name;
    copy->field_count = in.plan->field_count;
    copy->fields = fields;
    out->plan = copy;
    out->where = in.where;
    if (plan->kind == OV_PLAN_FILTER) {
        const ov_expr *const *map;
        OV_TRY(ovi_prune_map(cx, &in, input->field_count, &map, err));
        return ov_expr_rebase(cx, plan->filter.predicate, map, &copy->filter.predicate, err);
    }
    if (plan->kind == OV_PLAN_SORT) {
        ov_sort_key *keys;
        OV_TRY(ov_arena_alloc(cx->arena, (plan->sort.key_count + 1) * sizeof *keys, &keys, err));
        for (uint32_t i = 0; i < plan->sort.key_count; i++) {
            keys[i] = plan->sort.keys[i];
            keys[i].column = in.where[keys[i].column];
        }
        copy->sort.keys = keys;
    }
    return OV_OK;
}

/* Exactly the used columns in their order; a projection on top when the plan has more or others. */
static OV_CHECKED ov_status exactly(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used,
                                    const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t count = 0;
    bool same = true;
    ovi_pruned in;
    OV_TRY(ovi_prune(cx, plan, used, &in, err));
    OV_TRY(ov_arena_alloc(cx->arena, (plan->field_count + 1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(cx->arena, (plan->field_count + 1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < plan->field_count; i++) {
        if (!ov_bits_test(used, i))
            continue;
        same = same && in.where[i] == count;
        names[count] = plan->fields[i].name;
        OV_TRY(ov_plan_column(cx, in.plan, in.where[i], &exprs[count++], err));
    }
    *out = in.plan;
    if (same && count == in.plan->field_count)
        return OV_OK;
    return ov_plan_project(cx->arena, in.plan, exprs, names, count, out, err);
}

static OV_CHECKED ov_status prune_union(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used,
                                        ovi_pruned *out, ov_error *err)
{
    ov_field *fields;
    ov_plan *copy;
    OV_TRY(ov_plan_new(cx->arena, OV_PLAN_UNION, plan->input_count, &copy, err));
    for (uint32_t i = 0; i < plan->input_count; i++)
        OV_TRY(exactly(cx, plan->inputs[i], used, &copy->inputs[i], err));
    OV_TRY(used_fields(cx, plan, used, &fields, &copy->field_count, &out->where, err));
    copy->fields = fields;
    out->plan = copy;
    return OV_OK;
}

/* The input's columns that are read, then the elements, read or not. */
static OV_CHECKED ov_status prune_unnest(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used,
                                         ovi_pruned *out, ov_error *err)
{
    const ov_plan *input = plan->inputs[0];
    uint32_t left = input->field_count;
    const ov_expr *const *map, **lists;
    uint64_t *wanted;
    ovi_pruned in;
    OV_TRY(ovi_prune_bits(cx, left, &wanted, err));
    ov_bits_copy(wanted, used, left);
    for (uint32_t i = 0; i < plan->unnest.list_count; i++)
        ov_expr_columns(plan->unnest.lists[i], wanted, left);
    OV_TRY(ovi_prune(cx, input, wanted, &in, err));
    OV_TRY(ovi_prune_map(cx, &in, left, &map, err));
    OV_TRY(ov_arena_alloc(cx->arena, plan->unnest.list_count * sizeof *lists, &lists, err));
    for (uint32_t i = 0; i < plan->unnest.list_count; i++)
        OV_TRY(ov_expr_rebase(cx, plan->unnest.lists[i], map, &lists[i], err));
    OV_TRY(ov_plan_unnest_like(cx->arena, plan, in.plan, lists, &out->plan, err));
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)plan->field_count + 1) * sizeof *out->where, &out->where,
                          err));
    for (uint32_t i = 0; i < plan->field_count; i++)
        out->where[i] = i < left ? in.where[i] : in.plan->field_count + (i - left);
    return OV_OK;
}

ov_status ovi_prune(ov_expr_ctx *cx, const ov_plan *plan, const uint64_t *used,
                                  ovi_pruned *out, ov_error *err)
{
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_SCAN:
        return prune_scan(cx, plan, used, out, err);
    case OV_PLAN_SYSTEM:
        return prune_system(cx, plan, used, out, err);
    case OV_PLAN_PROJECT:
        return prune_project(cx, plan, used, out, err);
    case OV_PLAN_AGGREGATE:
        return prune_aggregate(cx, plan, used, out, err);
    case OV_PLAN_FILTER:
    case OV_PLAN_SORT:
    case OV_PLAN_LIMIT:
        return prune_through(cx, plan, used, out, err);
    case OV_PLAN_WINDOW:
        return prune_window(cx, plan, used, out, err);
    case OV_PLAN_UNION:
        return prune_union(cx, plan, used, out, err);
    case OV_PLAN_JOIN:
        return ovi_prune_join(cx, plan, used, out, err);
    case OV_PLAN_UNNEST:
        return prune_unnest(cx, plan, used, out, err);
    case OV_PLAN_VALUES:
        return keep_all(cx, plan, out, err);
    }
    return keep_all(cx, plan, out, err);
}

ov_status ovi_plan_prune_columns(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                 ov_error *err)
{
    uint64_t *used;
    OV_TRY(ovi_prune_bits(cx, in->field_count, &used, err));
    ov_bits_fill(used, in->field_count, true);
    return exactly(cx, in, used, out, err);
}
