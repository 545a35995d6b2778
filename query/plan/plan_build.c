#include "query/plan/plan_build.h"

#include "query/exec/exec.h"

ov_status ov_plan_new(ov_arena *arena, ov_plan_kind kind, uint32_t input_count, ov_plan **out,
                      ov_error *err)
{
    OV_TRY(ov_arena_zalloc(arena, sizeof **out, out, err));
    (*out)->kind = (uint8_t)kind;
    (*out)->input_count = input_count;
    if (input_count)
        OV_TRY(ov_arena_zalloc(arena, input_count * sizeof *(*out)->inputs, &(*out)->inputs, err));
    return OV_OK;
}

/* 0, 1, 2, ... */
static OV_CHECKED ov_status all_columns(ov_arena *arena, uint32_t count, const uint32_t **out,
                                        ov_error *err)
{
    uint32_t *columns;
    OV_TRY(ov_arena_alloc(arena, (count + 1) * sizeof *columns, &columns, err));
    for (uint32_t i = 0; i < count; i++)
        columns[i] = i;
    *out = columns;
    return OV_OK;
}

ov_status ov_plan_scan(ov_arena *arena, const ov_datasource *datasource, const ov_plan **out,
                       ov_error *err)
{
    ov_plan *plan;
    ov_field *fields;
    ov_time_range *range;
    uint32_t count = datasource->column_count;
    OV_TRY(ov_plan_new(arena, OV_PLAN_SCAN, 0, &plan, err));
    OV_TRY(ov_arena_zalloc(arena, (count + 1) * sizeof *fields, &fields, err));
    OV_TRY(ov_arena_alloc(arena, sizeof *range, &range, err));
    OV_TRY(all_columns(arena, count, &plan->scan.columns, err));
    for (uint32_t i = 0; i < count; i++) {
        const ov_schema_column *column = &datasource->columns[i];
        bool time = ov_slice_eq(column->name, OV_SLICE_LIT("__time"));
        fields[i] = (ov_field){column->name, column->type,
                               (uint8_t)ov_sqltype_of_column(column->name, column->type), !time, 0};
    }
    *range = (ov_time_range){INT64_MIN, INT64_MAX};
    plan->fields = fields;
    plan->field_count = count;
    plan->scan.datasource = datasource;
    plan->scan.ranges = range;
    plan->scan.range_count = 1;
    *out = plan;
    return OV_OK;
}

ov_status ov_plan_system(ov_arena *arena, const ov_systable *table, const ov_plan **out,
                         ov_error *err)
{
    ov_plan *plan;
    OV_TRY(ov_plan_new(arena, OV_PLAN_SYSTEM, 0, &plan, err));
    OV_TRY(all_columns(arena, table->field_count, &plan->system.columns, err));
    plan->fields = table->fields;
    plan->field_count = table->field_count;
    plan->system.table = table;
    *out = plan;
    return OV_OK;
}

ov_status ov_plan_values(ov_arena *arena, const ov_field *fields, uint32_t field_count,
                         const ov_expr *const *cells, uint64_t row_count, const ov_plan **out,
                         ov_error *err)
{
    ov_plan *plan;
    OV_TRY(ov_plan_new(arena, OV_PLAN_VALUES, 0, &plan, err));
    plan->fields = fields;
    plan->field_count = field_count;
    plan->values.cells = cells;
    plan->values.row_count = row_count;
    *out = plan;
    return OV_OK;
}

/* A node with one input whose fields it passes on. */
static OV_CHECKED ov_status over(ov_arena *arena, ov_plan_kind kind, const ov_plan *in,
                                 ov_plan **out, ov_error *err)
{
    OV_TRY(ov_plan_new(arena, kind, 1, out, err));
    (*out)->inputs[0] = in;
    (*out)->fields = in->fields;
    (*out)->field_count = in->field_count;
    return OV_OK;
}

ov_status ov_plan_filter(ov_arena *arena, const ov_plan *in, const ov_expr *predicate,
                         const ov_plan **out, ov_error *err)
{
    ov_plan *plan;
    OV_TRY(over(arena, OV_PLAN_FILTER, in, &plan, err));
    plan->filter.predicate = predicate;
    *out = plan;
    return OV_OK;
}

static ov_field field_of(const ov_expr *e, ov_slice name)
{
    return (ov_field){name, e->type, e->sql, e->nullable, e->elem_sql};
}

ov_status ov_plan_project(ov_arena *arena, const ov_plan *in, const ov_expr *const *exprs,
                          const ov_slice *names, uint32_t count, const ov_plan **out, ov_error *err)
{
    ov_plan *plan;
    ov_field *fields;
    OV_TRY(over(arena, OV_PLAN_PROJECT, in, &plan, err));
    OV_TRY(ov_arena_alloc(arena, (count + 1) * sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < count; i++)
        fields[i] = field_of(exprs[i], names ? names[i] : ov_slice_make(NULL, 0));
    plan->fields = fields;
    plan->field_count = count;
    plan->project.exprs = exprs;
    *out = plan;
    return OV_OK;
}

ov_status ov_plan_aggregate(ov_arena *arena, const ov_plan *in, const ov_expr *const *keys,
                            uint32_t key_count, const ov_agg_call *aggs, uint32_t agg_count,
                            const ov_plan **out, ov_error *err)
{
    ov_plan *plan;
    ov_field *fields;
    uint32_t count = key_count + agg_count;
    OV_TRY(over(arena, OV_PLAN_AGGREGATE, in, &plan, err));
    OV_TRY(ov_arena_alloc(arena, (count + 1) * sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < key_count; i++) {
        fields[i] = field_of(keys[i], ov_slice_make(NULL, 0));
        OV_TRY(ov_arena_printf(arena, &fields[i].name, err, "d%u", i));
    }
    for (uint32_t i = 0; i < agg_count; i++) {
        ov_field *f = &fields[key_count + i];
        *f = (ov_field){{NULL, 0}, aggs[i].type, aggs[i].sql, aggs[i].nullable, 0};
        OV_TRY(ov_arena_printf(arena, &f->name, err, "a%u", i));
    }
    plan->fields = fields;
    plan->field_count = count;
    plan->aggregate.keys = keys;
    plan->aggregate.key_count = key_count;
    plan->aggregate.aggs = aggs;
    plan->aggregate.agg_count = agg_count;
    *out = plan;
    return OV_OK;
}

ov_status ov_plan_sort(ov_arena *arena, const ov_plan *in, const ov_sort_key *keys,
                       uint32_t key_count, uint64_t limit, uint64_t offset, const ov_plan **out,
                       ov_error *err)
{
    ov_plan *plan;
    OV_TRY(over(arena, OV_PLAN_SORT, in, &plan, err));
    plan->sort.keys = keys;
    plan->sort.key_count = key_count;
    plan->sort.limit = limit;
    plan->sort.offset = offset;
    *out = plan;
    return OV_OK;
}

ov_status ov_plan_limit(ov_arena *arena, const ov_plan *in, uint64_t limit, uint64_t offset,
                        const ov_plan **out, ov_error *err)
{
    ov_plan *plan;
    OV_TRY(over(arena, OV_PLAN_LIMIT, in, &plan, err));
    plan->limit.limit = limit;
    plan->limit.offset = offset;
    *out = plan;
    return OV_OK;
}

ov_status ov_plan_union(ov_arena *arena, const ov_plan *const *inputs, uint32_t count,
                        const ov_plan **out, ov_error *err)
{
    ov_plan *plan;
    ov_field *fields;
    const ov_plan *first = inputs[0];
    OV_TRY(ov_plan_new(arena, OV_PLAN_UNION, count, &plan, err));
    OV_TRY(ov_arena_alloc(arena, (first->field_count + 1) * sizeof *fields, &fields, err));
    for (uint32_t c = 0; c < first->field_count; c++) {
        fields[c] = first->fields[c];
        for (uint32_t i = 1; i < count; i++)
            fields[c].nullable = fields[c].nullable || inputs[i]->fields[c].nullable;
    }
    for (uint32_t i = 0; i < count; i++)
        plan->inputs[i] = inputs[i];
    plan->fields = fields;
    plan->field_count = first->field_count;
    *out = plan;
    return OV_OK;
}

ov_status ov_plan_join(ov_arena *arena, ov_join_kind kind, const ov_plan *left,
                       const ov_plan *right, const ov_expr *condition, const ov_plan **out,
                       ov_error *err)
{
    ov_plan *plan;
    ov_field *fields;
    uint32_t count = left->field_count + (ov_join_tests(kind) ? 0 : right->field_count);
    OV_TRY(ov_plan_new(arena, OV_PLAN_JOIN, 2, &plan, err));
    OV_TRY(ov_arena_alloc(arena, ((size_t)count + 1) * sizeof *fields, &fields, err));
    for (uint32_t i = 0; i < count; i++) {
        bool of_left = i < left->field_count;
        fields[i] = of_left ? left->fields[i] : right->fields[i - left->field_count];
        if (kind == OV_JOINS_FULL || kind == (of_left ? OV_JOINS_RIGHT : OV_JOINS_LEFT) ||
            (kind == OV_JOINS_SINGLE && !of_left))
            fields[i].nullable = true;
    }
    if (kind == OV_JOINS_MARK)
        fields[count++] = (ov_field){{NULL, 0}, OV_T(OV_TYPE_LONG), OV_SQL_BOOLEAN, false, 0};
    plan->inputs[0] = left;
    plan->inputs[1] = right;
    plan->fields = fields;
    plan->field_count = count;
    plan->join.kind = (uint8_t)kind;
    plan->join.residual = condition;
    *out = plan;
    return OV_OK;
}

ov_status ov_plan_unnest(ov_arena *arena, const ov_plan *in, const ov_expr *list, ov_slice name, bool outer,
                         bool ordinality, const ov_plan **out, ov_error *err)
{
    const ov_slice names[] = {name, OV_SLICE_LIT("ORDINALITY")};
    return ov_plan_unnest_zip(arena, in, &list, names, 1, outer, ordinality, out, err);
}

ov_status ov_plan_unnest_zip(ov_arena *arena, const ov_plan *in, const ov_expr *const *lists, const ov_slice *names, uint32_t count,
                             bool outer, bool ordinality, const ov_plan **out, ov_error *err)
{
    ov_plan *plan;
    ov_field *fields;
    const ov_expr **kept;
    uint32_t n = in->field_count;
    OV_TRY(over(arena, OV_PLAN_UNNEST, in, &plan, err));
    OV_TRY(ov_arena_alloc(arena, ((size_t)n + count + 1) * sizeof *fields, &fields, err));
    OV_TRY(ov_arena_alloc(arena, ((size_t)count + 1) * sizeof *kept, &kept, err));
    if (n)
        memcpy(fields, in->fields, n * sizeof *fields);
    for (uint32_t i = 0; i < count; i++) {
        ov_type type;
        ov_sqltype sql;
        kept[i] = lists[i];
        ov_expr_element(lists[i], &type, &sql);
        fields[n + i] = (ov_field){.name = names[i], .type = type, .sql = (uint8_t)sql, .nullable = true};
    }
    if (ordinality)
        fields[n + count] = (ov_field){
            .name = names[count], .type = OV_T(OV_TYPE_LONG), .sql = OV_SQL_INTEGER, .nullable = outer};
    plan->fields = fields;
    plan->field_count = n + count + ordinality;
    plan->unnest.lists = kept;
    plan->unnest.list_count = count;
    plan->unnest.outer = outer;
    plan->unnest.ordinality = ordinality;
    *out = plan;
    return OV_OK;
}

ov_status ov_plan_unnest_like(ov_arena *arena, const ov_plan *unnest, const ov_plan *in, const ov_expr *const *lists,
                              const ov_plan **out, ov_error *err)
{
    uint32_t inputs = unnest->inputs[0]->field_count, count = unnest->field_count - inputs;
    ov_slice *names;
    OV_TRY(ov_arena_alloc(arena, count * sizeof *names, &names, err));
    for (uint32_t i = 0; i < count; i++)
        names[i] = unnest->fields[inputs + i].name;
    return ov_plan_unnest_zip(arena, in, lists, names, unnest->unnest.list_count, unnest->unnest.outer, unnest->unnest.ordinality,
                              out, err);
}

ov_status ov_plan_window(ov_arena *arena, const ov_plan *in, const uint32_t *partition,
                         uint32_t partition_count, const ov_sort_key *keys, uint32_t key_count,
                         const ov_window_call *calls, uint32_t call_count, const ov_plan **out,
                         ov_error *err)
{
    ov_plan *plan;
    ov_field *fields;
    uint32_t count = in->field_count + call_count;
    OV_TRY(over(arena, OV_PLAN_WINDOW, in, &plan, err));
    OV_TRY(ov_arena_alloc(arena, ((size_t)count + 1) * sizeof *fields, &fields, err));
    if (in->field_count)
        memcpy(fields, in->fields, in->field_count * sizeof *fields);
    for (uint32_t i = 0; i < call_count; i++) {
        ov_field *f = &fields[in->field_count + i];
        *f = (ov_field){.type = calls[i].type, .sql = calls[i].sql, .nullable = calls[i].nullable};
        OV_TRY(ov_arena_printf(arena, &f->name, err, "w%u", i));
    }
    plan->fields = fields;
    plan->field_count = count;
    plan->window.partition = partition;
    plan->window.partition_count = partition_count;
    plan->window.keys = keys;
    plan->window.key_count = key_count;
    plan->window.calls = calls;
    plan->window.call_count = call_count;
    *out = plan;
    return OV_OK;
}

ov_status ov_plan_with_inputs(ov_arena *arena, const ov_plan *plan, const ov_plan *const *inputs,
                              const ov_plan **out, ov_error *err)
{
    bool same = true;
    for (uint32_t i = 0; i < plan->input_count; i++)
        same = same && plan->inputs[i] == inputs[i];
    *out = plan;
    if (same)
        return OV_OK;
    ov_plan *copy;
    OV_TRY(ov_plan_new(arena, (ov_plan_kind)plan->kind, plan->input_count, &copy, err));
    const ov_plan **kept = copy->inputs;
    *copy = *plan;
    copy->inputs = kept;
    for (uint32_t i = 0; i < plan->input_count; i++)
        kept[i] = inputs[i];
    *out = copy;
    return OV_OK;
}

ov_status ov_plan_column(ov_expr_ctx *cx, const ov_plan *in, uint32_t i, const ov_expr **out,
                         ov_error *err)
{
    const ov_field *f = &in->fields[i];
    if (f->elem_sql == OV_SQL_NULL)
        return ov_expr_column(cx, i, f->type, (ov_sqltype)f->sql, f->nullable, out, err);
    return ov_expr_array_column(cx, i, f->type, (ov_sqltype)f->elem_sql, f->nullable, out, err);
}
