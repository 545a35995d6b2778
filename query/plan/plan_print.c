/*
 * Plans as text: one node a line, inputs indented below. What planner tests compare and EXPLAIN
 * shows. Columns in expressions are $i, positions in the node's input (in SCAN: in its own output).
 */
#include "base/datetime.h"
#include "query/exec/exec.h"

static OV_CHECKED ov_status print_exprs(const ov_expr *const *exprs, uint32_t count, ov_buf *out,
                                        ov_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        ov_buf_add_str(out, i ? ", " : "");
        OV_TRY(ov_expr_print(exprs[i], out, err));
    }
    return OV_OK;
}

static void print_ranges(const ov_plan *plan, ov_buf *out)
{
    const ov_time_range *ranges = plan->scan.ranges;
    if (plan->scan.range_count == 1 && ranges[0].start_ms == INT64_MIN &&
        ranges[0].end_ms == INT64_MAX)
        return;
    ov_buf_add_str(out, " time=[");
    for (uint32_t i = 0; i < plan->scan.range_count; i++) {
        ov_buf_add_str(out, i ? ", " : "");
        if (ranges[i].start_ms != INT64_MIN)
            ov_iso_add(out, ranges[i].start_ms, NULL);
        ov_buf_add_char(out, '/');
        if (ranges[i].end_ms != INT64_MAX)
            ov_iso_add(out, ranges[i].end_ms, NULL);
    }
    ov_buf_add_char(out, ']');
}

static OV_CHECKED ov_status print_scan(const ov_plan *plan, ov_buf *out, ov_error *err)
{
    ov_buf_addf(out, "Scan " OV_SLICE_FMT " (", OV_SLICE_WHOLE(plan->scan.datasource->name));
    for (uint32_t i = 0; i < plan->field_count; i++)
        ov_buf_addf(out, "%s" OV_SLICE_FMT, i ? ", " : "", OV_SLICE_WHOLE(plan->fields[i].name));
    ov_buf_add_char(out, ')');
    print_ranges(plan, out);
    if (plan->scan.filter && !plan->scan.filter_is_ranges) {
        ov_buf_add_str(out, " filter=");
        OV_TRY(
            ov_expr_print(plan->scan.residual ? plan->scan.residual : plan->scan.filter, out, err));
    }
    return OV_OK;
}

static OV_CHECKED ov_status print_values(const ov_plan *plan, ov_buf *out, ov_error *err)
{
    enum { SHOWN = 8 };
    ov_buf_addf(out, "Values %llu x %u", (unsigned long long)plan->values.row_count,
                plan->field_count);
    for (uint64_t r = 0; plan->field_count && r < plan->values.row_count && r < SHOWN; r++) {
        ov_buf_add_str(out, " (");
        OV_TRY(
            print_exprs(plan->values.cells + r * plan->field_count, plan->field_count, out, err));
        ov_buf_add_char(out, ')');
    }
    return OV_OK;
}

static OV_CHECKED ov_status print_project(const ov_plan *plan, ov_buf *out, ov_error *err)
{
    ov_buf_add_str(out, "Project ");
    for (uint32_t i = 0; i < plan->field_count; i++) {
        ov_buf_add_str(out, i ? ", " : "");
        OV_TRY(ov_expr_print(plan->project.exprs[i], out, err));
        ov_buf_addf(out, " AS " OV_SLICE_FMT, OV_SLICE_WHOLE(plan->fields[i].name));
    }
    return OV_OK;
}

static OV_CHECKED ov_status print_call(const ov_agg_call *agg, ov_buf *out, ov_error *err)
{
    ov_buf_addf(out, "%s(%s", ov_agg_name(agg), agg->distinct ? "DISTINCT " : "");
    if (agg->argc == 0)
        ov_buf_add_char(out, '*');
    OV_TRY(print_exprs(agg->args, agg->argc, out, err));
    ov_buf_add_char(out, ')');
    if (!agg->filter)
        return OV_OK;
    ov_buf_add_str(out, " FILTER ");
    return ov_expr_print(agg->filter, out, err);
}

static OV_CHECKED ov_status print_aggregate(const ov_plan *plan, ov_buf *out, ov_error *err)
{
    ov_buf_add_str(out, "Aggregate keys=[");
    OV_TRY(print_exprs(plan->aggregate.keys, plan->aggregate.key_count, out, err));
    ov_buf_add_str(out, "] aggs=[");
    for (uint32_t i = 0; i < plan->aggregate.agg_count; i++) {
        ov_buf_add_str(out, i ? ", " : "");
        OV_TRY(print_call(&plan->aggregate.aggs[i], out, err));
    }
    ov_buf_add_char(out, ']');
    for (uint32_t i = 0; i < plan->aggregate.set_count; i++) {
        ov_buf_add_str(out, i ? " (" : " sets=(");
        for (uint32_t k = 0, n = 0; k < plan->aggregate.key_count; k++)
            if (plan->aggregate.sets[i] >> k & 1)
                ov_buf_addf(out, "%s%u", n++ ? ", " : "", k);
        ov_buf_add_char(out, ')');
    }
    return OV_OK;
}

static void print_bounds(uint64_t limit, uint64_t offset, ov_buf *out)
{
    if (limit != OV_NO_LIMIT)
        ov_buf_addf(out, " limit=%llu", (unsigned long long)limit);
    if (offset)
        ov_buf_addf(out, " offset=%llu", (unsigned long long)offset);
}

static void print_keys(const ov_sort_key *keys, uint32_t count, ov_buf *out)
{
    for (uint32_t i = 0; i < count; i++) {
        const ov_sort_key *key = &keys[i];
        ov_buf_addf(out, "%s$%u%s", i ? ", " : "", key->column, key->descending ? " DESC" : "");
        if (key->nulls_first == key->descending)
            ov_buf_add_str(out, key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
    }
}

static void print_sort(const ov_plan *plan, ov_buf *out)
{
    ov_buf_add_str(out, "Sort ");
    print_keys(plan->sort.keys, plan->sort.key_count, out);
    print_bounds(plan->sort.limit, plan->sort.offset, out);
}

static void print_edge(const ov_window_edge *edge, bool from, ov_buf *out)
{
    switch ((ov_window_edge_kind)edge->kind) {
    case OV_EDGE_PARTITION:
        ov_buf_add_str(out, from ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING");
        return;
    case OV_EDGE_CURRENT:
        ov_buf_add_str(out, "CURRENT ROW");
        return;
    case OV_EDGE_PRECEDING:
    case OV_EDGE_FOLLOWING:
        break;
    }
    if (edge->real != 0)
        ov_buf_addf(out, "%g", edge->real);
    else
        ov_buf_addf(out, "%lld", (long long)edge->n);
    ov_buf_add_str(out, edge->kind == OV_EDGE_PRECEDING ? " PRECEDING" : " FOLLOWING");
}

static OV_CHECKED ov_status print_window_call(const ov_window_call *call, ov_buf *out,
                                              ov_error *err)
{
    static const char *const names[] = {"",          "ROW_NUMBER", "RANK", "DENSE_RANK",  "PERCENT_RANK", "CUME_DIST",
                                        "NTILE",     "LAG",        "LEAD", "FIRST_VALUE", "LAST_VALUE",   "NTH_VALUE",
                                        "COMPARE"};
    if (call->agg) {
        OV_TRY(print_call(call->agg, out, err));
    } else {
        ov_buf_addf(out, "%s(", names[call->fn]);
        OV_TRY(print_exprs(call->args, call->argc, out, err));
        if (call->fn == OV_WINDOW_NTILE || call->fn == OV_WINDOW_LAG || call->fn == OV_WINDOW_LEAD ||
            call->fn == OV_WINDOW_NTH_VALUE)
            ov_buf_addf(out, "%s%lld", call->argc ? "; " : "", (long long)call->n);
        ov_buf_addf(out, ")%s", call->ignore_nulls ? " IGNORE NULLS" : "");
    }
    if (call->fn == OV_WINDOW_COMPARE) {
        ov_buf_add_str(out, " BY ");
        return print_exprs(&call->compare, 1, out, err);
    }
    if (!call->agg && call->fn < OV_WINDOW_FIRST_VALUE)
        return OV_OK;
    ov_buf_add_str(out, call->frame.groups ? " GROUPS " : call->frame.range ? " RANGE " : " ROWS ");
    print_edge(&call->frame.from, true, out);
    ov_buf_add_str(out, "..");
    print_edge(&call->frame.to, false, out);
    return OV_OK;
}

static OV_CHECKED ov_status print_window(const ov_plan *plan, ov_buf *out, ov_error *err)
{
    ov_buf_add_str(out, "Window partition=[");
    for (uint32_t i = 0; i < plan->window.partition_count; i++)
        ov_buf_addf(out, "%s$%u", i ? ", " : "", plan->window.partition[i]);
    ov_buf_add_str(out, "] order=[");
    print_keys(plan->window.keys, plan->window.key_count, out);
    ov_buf_add_str(out, "] calls=[");
    for (uint32_t i = 0; i < plan->window.call_count; i++) {
        ov_buf_add_str(out, i ? ", " : "");
        OV_TRY(print_window_call(&plan->window.calls[i], out, err));
    }
    ov_buf_add_char(out, ']');
    return OV_OK;
}

static OV_CHECKED ov_status print_join(const ov_plan *plan, ov_buf *out, ov_error *err)
{
    static const char *const kinds[] = {"inner", "left", "right", "full", "semi", "anti", "mark", "single"};
    ov_buf_addf(out, "Join %s", kinds[plan->join.kind]);
    if (plan->join.key_count) {
        ov_buf_add_str(out, " keys=[");
        for (uint32_t i = 0; i < plan->join.key_count; i++) {
            ov_buf_add_str(out, i ? ", " : "");
            OV_TRY(ov_expr_print(plan->join.left_keys[i], out, err));
            ov_buf_add_str(out, " = ");
            OV_TRY(ov_expr_print(plan->join.right_keys[i], out, err));
        }
        ov_buf_add_char(out, ']');
    }
    if (plan->join.residual) {
        ov_buf_add_str(out, " where=");
        OV_TRY(ov_expr_print(plan->join.residual, out, err));
    }
    if (plan->join.build_left)
        ov_buf_add_str(out, " build=left");
    return OV_OK;
}

static OV_CHECKED ov_status print_node(const ov_plan *plan, ov_buf *out, ov_error *err)
{
    switch ((ov_plan_kind)plan->kind) {
    case OV_PLAN_SCAN:
        return print_scan(plan, out, err);
    case OV_PLAN_SYSTEM:
        ov_buf_addf(out, "System %s.%s", plan->system.table->schema, plan->system.table->name);
        return OV_OK;
    case OV_PLAN_VALUES:
        return print_values(plan, out, err);
    case OV_PLAN_FILTER:
        ov_buf_add_str(out, "Filter ");
        return ov_expr_print(plan->filter.predicate, out, err);
    case OV_PLAN_PROJECT:
        return print_project(plan, out, err);
    case OV_PLAN_AGGREGATE:
        return print_aggregate(plan, out, err);
    case OV_PLAN_SORT:
        print_sort(plan, out);
        return OV_OK;
    case OV_PLAN_LIMIT:
        ov_buf_add_str(out, "Limit");
        print_bounds(plan->limit.limit, plan->limit.offset, out);
        return OV_OK;
    case OV_PLAN_UNION:
        ov_buf_add_str(out, "Union");
        return OV_OK;
    case OV_PLAN_JOIN:
        return print_join(plan, out, err);
    case OV_PLAN_UNNEST:
        ov_buf_addf(out, "Unnest %s", plan->unnest.outer ? "outer " : "");
        for (uint32_t i = 0; i < plan->unnest.list_count; i++) {
            ov_buf_add_str(out, i ? ", " : "");
            OV_TRY(ov_expr_print(plan->unnest.lists[i], out, err));
        }
        ov_buf_add_str(out, plan->unnest.ordinality ? " ordinality" : "");
        return OV_OK;
    case OV_PLAN_WINDOW:
        return print_window(plan, out, err);
    }
    return ov_fail(err, OV_INTERNAL, "plan node %u has no text", plan->kind);
}

static OV_CHECKED ov_status print_tree(const ov_plan *plan, uint32_t indent, ov_buf *out,
                                       ov_error *err)
{
    for (uint32_t i = 0; i < indent; i++)
        ov_buf_add_str(out, "  ");
    OV_TRY(print_node(plan, out, err));
    ov_buf_add_char(out, '\n');
    for (uint32_t i = 0; i < plan->input_count; i++)
        OV_TRY(print_tree(plan->inputs[i], indent + 1, out, err));
    return OV_OK;
}

ov_status ov_plan_print(const ov_plan *plan, ov_buf *out, ov_error *err)
{
    OV_TRY(print_tree(plan, 0, out, err));
    return ov_buf_check(out, err);
}
