/*
 * Filters towards the scans. A filter is a list of conjuncts; each goes as deep as it can: through
 * a projection rewritten over its expressions, below a grouping when it reads keys only, below a
 * window when it reads partition columns only, into every
 * side of a union, into one side of a join or its condition, into the scan. It stops above limits, constant rows and system tables.
 */
#include "base/bits.h"
#include "query/plan/opt_int.h"

typedef ovi_conjunct_list conjuncts;

static OV_CHECKED ov_status push_into(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c,
                                      const ov_plan **out, ov_error *err);

static OV_CHECKED ov_status filter_over(ov_expr_ctx *cx, const ov_plan *in, conjuncts c,
                                        const ov_plan **out, ov_error *err)
{
    const ov_expr *predicate;
    *out = in;
    if (!c.count)
        return OV_OK;
    OV_TRY(ovi_plan_and(cx, c.list, c.count, &predicate, err));
    return ov_plan_filter(cx->arena, in, predicate, out, err);
}

/* c with the conjuncts of `e` behind it. */
static OV_CHECKED ov_status with_parts(ov_expr_ctx *cx, conjuncts c, const ov_expr *e,
                                       conjuncts *out, ov_error *err)
{
    const ov_expr *const *parts;
    uint32_t count;
    OV_TRY(ovi_plan_factored(cx, e, &parts, &count, err));
    OV_TRY(ov_arena_alloc(cx->arena, (c.count + count + (size_t)1) * sizeof *out->list, &out->list, err));
    if (c.count)
        memcpy(out->list, c.list, c.count * sizeof *out->list);
    out->count = c.count;
    /* what an OR over both sides of a join says about one of them comes down each time that filters do */
    ov_places known = {0};
    for (uint32_t i = 0; i < c.count; i++)
        OV_TRY(ov_expr_note(&known, cx->arena, c.list[i], err));
    for (uint32_t i = 0; i < count; i++)
        if (ov_expr_op(parts[i]) != OV_OP_OR || ov_expr_find(&known, c.list, parts[i]) == OV_NO_PLACE)
            out->list[out->count++] = parts[i];
    return OV_OK;
}

static OV_CHECKED ov_status rebase_all(ov_expr_ctx *cx, conjuncts c, const ov_expr *const *map,
                                       conjuncts *out, ov_error *err)
{
    out->count = c.count;
    OV_TRY(ov_arena_alloc(cx->arena, (c.count + 1) * sizeof *out->list, &out->list, err));
    for (uint32_t i = 0; i < c.count; i++)
        OV_TRY(ov_expr_rebase(cx, c.list[i], map, &out->list[i], err));
    return OV_OK;
}

static OV_CHECKED ov_status into_scan(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c,
                                      const ov_plan **out, ov_error *err)
{
    ov_plan *copy;
    if (plan->scan.filter)
        OV_TRY(with_parts(cx, c, plan->scan.filter, &c, err));
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *copy, &copy, err));
    *copy = *plan;
    *out = copy;
    return ovi_plan_and(cx, c.list, c.count, &copy->scan.filter, err);
}

/* One input, the conjuncts rewritten for it. */
static OV_CHECKED ov_status below(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c,
                                  const ov_plan **out, ov_error *err)
{
    const ov_plan *input;
    OV_TRY(push_into(cx, plan->inputs[0], c, &input, err));
    return ov_plan_with_inputs(cx->arena, plan, &input, out, err);
}

static OV_CHECKED ov_status into_project(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c,
                                         const ov_plan **out, ov_error *err)
{
    for (uint32_t i = 0; i < plan->field_count; i++)
        if (!plan->project.exprs[i]->deterministic) {
            OV_TRY(ovi_plan_each_input(cx, plan, ovi_plan_push_filters, out, err));
            return filter_over(cx, *out, c, out, err);
        }
    OV_TRY(rebase_all(cx, c, plan->project.exprs, &c, err));
    return below(cx, plan, c, out, err);
}

/* Columns that are equal in all rows that the node looks at together: keys of a grouping, partition columns of a
 * window. */
static bool is_shared(const ov_plan *plan, uint32_t column)
{
    if (plan->kind == OV_PLAN_AGGREGATE)
        return column < plan->aggregate.key_count;
    for (uint32_t i = 0; i < plan->window.partition_count; i++)
        if (plan->window.partition[i] == column)
            return true;
    return false;
}

static bool reads_shared_only(const ov_plan *plan, const ov_expr *e)
{
    if (e->kind == OV_EXPR_COLUMN)
        return is_shared(plan, e->column);
    for (uint32_t i = 0; i < e->argc; i++)
        if (!reads_shared_only(plan, e->args[i]))
            return false;
    return true;
}

/* c as those that may be decided before the node looks at its rows, and the others. */
static OV_CHECKED ov_status part_shared(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c, conjuncts *deep,
                                        conjuncts *stay, ov_error *err)
{
    bool keyed = plan->kind == OV_PLAN_AGGREGATE ? plan->aggregate.key_count && !plan->aggregate.set_count : plan->window.partition_count;
    *deep = *stay = (conjuncts){0};
    OV_TRY(ov_arena_alloc(cx->arena, (c.count + 1) * sizeof *deep->list, &deep->list, err));
    OV_TRY(ov_arena_alloc(cx->arena, (c.count + 1) * sizeof *stay->list, &stay->list, err));
    for (uint32_t i = 0; i < c.count; i++) {
        bool first = keyed && reads_shared_only(plan, c.list[i]) && c.list[i]->deterministic;
        conjuncts *to = first ? deep : stay;
        to->list[to->count++] = c.list[i];
    }
    return OV_OK;
}

/* Input columns stay where they are in the output, so conjuncts go down as they are. */
static OV_CHECKED ov_status into_window(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c,
                                        const ov_plan **out, ov_error *err)
{
    conjuncts deep, stay;
    OV_TRY(part_shared(cx, plan, c, &deep, &stay, err));
    OV_TRY(below(cx, plan, deep, out, err));
    return filter_over(cx, *out, stay, out, err);
}

static OV_CHECKED ov_status into_aggregate(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c,
                                           const ov_plan **out, ov_error *err)
{
    conjuncts deep, stay;
    OV_TRY(part_shared(cx, plan, c, &deep, &stay, err));
    OV_TRY(rebase_all(cx, deep, plan->aggregate.keys, &deep, err));
    OV_TRY(below(cx, plan, deep, out, err));
    return filter_over(cx, *out, stay, out, err);
}

static OV_CHECKED ov_status into_union(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c,
                                       const ov_plan **out, ov_error *err)
{
    const ov_plan **inputs;
    OV_TRY(ov_arena_alloc(cx->arena, plan->input_count * sizeof *inputs, &inputs, err));
    for (uint32_t i = 0; i < plan->input_count; i++) {
        const ov_expr **map;
        conjuncts own;
        OV_TRY(ov_arena_alloc(cx->arena, (plan->field_count + 1) * sizeof *map, &map, err));
        for (uint32_t f = 0; f < plan->field_count; f++)
            OV_TRY(ov_plan_column(cx, plan->inputs[i], f, &map[f], err));
        OV_TRY(rebase_all(cx, c, map, &own, err));
        OV_TRY(push_into(cx, plan->inputs[i], own, &inputs[i], err));
    }
    return ov_plan_with_inputs(cx->arena, plan, inputs, out, err);
}

/* Also without a filter above: the join's own condition is taken apart here. */
static OV_CHECKED ov_status into_join(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c,
                                      const ov_plan **out, ov_error *err)
{
    const ov_plan *sides[2], *join;
    const ov_expr *residual;
    ovi_join_split split;
    ov_plan *copy;
    OV_TRY(ovi_plan_split_join(cx, plan, c.list, c.count, &split, err));
    OV_TRY(push_into(cx, plan->inputs[0], split.left, &sides[0], err));
    OV_TRY(push_into(cx, plan->inputs[1], split.right, &sides[1], err));
    OV_TRY(ovi_plan_and(cx, split.residual.list, split.residual.count, &residual, err));
    OV_TRY(ov_plan_join(cx->arena, split.kind, sides[0], sides[1], residual, &join, err));
    OV_TRY(ov_arena_alloc(cx->arena, sizeof *copy, &copy, err));
    *copy = *join;
    copy->join.left_keys = split.left_keys;
    copy->join.right_keys = split.right_keys;
    copy->join.key_count = split.key_count;
    copy->join.pos = plan->join.pos;
    copy->join.end_pos = plan->join.end_pos;
    OV_TRY(ovi_plan_named_like(cx, copy, plan, out, err));
    return filter_over(cx, *out, split.above, out, err);
}

/* Whether e is not true when the columns behind the first `inputs` are NULL. */
static OV_CHECKED ov_status rejects_null_element(ov_expr_ctx *cx, const ov_plan *plan, const ov_expr *e,
                                                 bool *out, ov_error *err)
{
    const ov_expr **map, *with_null;
    uint32_t inputs = plan->inputs[0]->field_count;
    ov_error ignored = OV_ERROR_INIT;
    *out = false;
    OV_TRY(ov_arena_alloc(cx->arena, plan->field_count * sizeof *map, &map, err));
    for (uint32_t i = 0; i < plan->field_count; i++) {
        if (i >= inputs && ov_type_is_list(plan->fields[i].type))
            return OV_OK;
        if (i >= inputs)
            OV_TRY(ov_expr_null(cx, (ov_sqltype)plan->fields[i].sql, &map[i], err));
        else
            OV_TRY(ov_plan_column(cx, plan, i, &map[i], err));
    }
    if (ov_expr_rebase(cx, e, map, &with_null, &ignored) == OV_OK)
        *out = with_null->kind == OV_EXPR_CONST && !ov_expr_is_true(with_null);
    return OV_OK;
}

/* A condition on an element alone drops lists none of whose elements meets it before they are opened: dictionaries of lists, and
 * scans, know how to do that. Lists that are computed would be computed twice. Beside a longer list there are elements that the
 * shorter one does not have, NULL: a condition that takes those drops nothing. */
static OV_CHECKED ov_status lists_that_match(ov_expr_ctx *cx, const ov_plan *plan, conjuncts stay, conjuncts *deep,
                                             ov_error *err)
{
    uint32_t inputs = plan->inputs[0]->field_count;
    bool strict = true;
    for (uint32_t i = 0; i < stay.count; i++) {
        uint32_t element = (uint32_t)stay.list[i]->only_column;
        if (!stay.list[i]->deterministic || stay.list[i]->only_column < (int32_t)inputs || element >= inputs + plan->unnest.list_count)
            continue;
        const ov_expr *list = plan->unnest.lists[element - inputs];
        ov_type_id type = (ov_type_id)plan->fields[element].type.id;
        if (list->kind != OV_EXPR_COLUMN || type == OV_TYPE_NULL || type > OV_TYPE_STRING)
            continue;
        if (plan->unnest.list_count > 1)
            OV_TRY(rejects_null_element(cx, plan, stay.list[i], &strict, err));
        if (strict)
            OV_TRY(ov_expr_any(cx, list, stay.list[i], element, &deep->list[deep->count++], err));
    }
    return OV_OK;
}

/* What reads the input's columns alone is decided there. An outer UNNEST whose added rows are dropped again is none. */
static OV_CHECKED ov_status into_unnest(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c,
                                        const ov_plan **out, ov_error *err)
{
    conjuncts deep = {0}, stay = {0};
    uint64_t *used;
    bool outer = plan->unnest.outer, drops;
    uint32_t inputs = plan->inputs[0]->field_count;
    OV_TRY(ov_arena_alloc(cx->arena, (c.count + 1) * sizeof *deep.list, &deep.list, err));
    OV_TRY(ov_arena_alloc(cx->arena, (c.count + 1) * sizeof *stay.list, &stay.list, err));
    for (uint32_t i = 0; i < c.count; i++) {
        OV_TRY(ov_arena_zalloc(cx->arena, (ov_words(plan->field_count) + 1) * 8, &used, err));
        ov_expr_columns(c.list[i], used, plan->field_count);
        if (c.list[i]->deterministic && ov_bits_next(used, plan->field_count, inputs) >= plan->field_count) {
            deep.list[deep.count++] = c.list[i];
            continue;
        }
        stay.list[stay.count++] = c.list[i];
        if (!outer || !c.list[i]->deterministic)
            continue;
        OV_TRY(rejects_null_element(cx, plan, c.list[i], &drops, err));
        outer = !drops;
    }
    if (!outer)
        OV_TRY(lists_that_match(cx, plan, stay, &deep, err));
    OV_TRY(below(cx, plan, deep, out, err));
    if (outer != plan->unnest.outer) {
        ov_plan *inner;
        OV_TRY(ov_arena_alloc(cx->arena, sizeof *inner, &inner, err));
        *inner = **out;
        inner->unnest.outer = outer;
        *out = inner;
    }
    return filter_over(cx, *out, stay, out, err);
}

/* The plan with the conjuncts applied somewhere inside it or on top. */
static OV_CHECKED ov_status push_into(ov_expr_ctx *cx, const ov_plan *plan, conjuncts c,
                                      const ov_plan **out, ov_error *err)
{
    if (plan->kind == OV_PLAN_FILTER) {
        OV_TRY(with_parts(cx, c, plan->filter.predicate, &c, err));
        OV_TRY(push_into(cx, plan->inputs[0], c, out, err));
        return ovi_plan_named_like(cx, *out, plan, out, err);
    }
    if (plan->kind == OV_PLAN_JOIN)
        return into_join(cx, plan, c, out, err);
    if (!c.count)
        return ovi_plan_each_input(cx, plan, ovi_plan_push_filters, out, err);
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_SCAN:
        return into_scan(cx, plan, c, out, err);
    case OV_PLAN_PROJECT:
        return into_project(cx, plan, c, out, err);
    case OV_PLAN_AGGREGATE:
        return into_aggregate(cx, plan, c, out, err);
    case OV_PLAN_WINDOW:
        return into_window(cx, plan, c, out, err);
    case OV_PLAN_UNION:
        return into_union(cx, plan, c, out, err);
    case OV_PLAN_UNNEST:
        return into_unnest(cx, plan, c, out, err);
    case OV_PLAN_SORT:
        if (plan->sort.limit == OV_NO_LIMIT && plan->sort.offset == 0)
            return below(cx, plan, c, out, err);
        break;
    case OV_PLAN_SYSTEM:
    case OV_PLAN_VALUES:
    case OV_PLAN_LIMIT:
    case OV_PLAN_FILTER:
    case OV_PLAN_JOIN:
        break;
    }
    OV_TRY(ovi_plan_each_input(cx, plan, ovi_plan_push_filters, out, err));
    return filter_over(cx, *out, c, out, err);
}

ov_status ovi_plan_push_filters(ov_expr_ctx *cx, const ov_plan *in, const ov_plan **out,
                                ov_error *err)
{
    return push_into(cx, in, (conjuncts){0}, out, err);
}
