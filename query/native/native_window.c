/*
 * windowOperator: a list of operators over the rows of a query. Sorting and partitioning are remembered and become the
 * keys of WINDOW nodes; `scan` filters, orders, cuts and picks.
 */
#include "query/native/native_window.h"

ov_status ovi_nwindow_column(const ovi_nwindow *w, const ov_json *at, ov_slice name, uint32_t *out)
{
    for (*out = 0; *out < w->plan->field_count; ++*out)
        if (ov_slice_eq(w->plan->fields[*out].name, name))
            return OV_OK;
    return ov_json_fail(at, w->err, OV_INVALID, "there is no column '" OV_SLICE_FMT "'", OV_SLICE_ARG(name));
}

/* A result takes the place of the column that had its name. */
void ovi_nwindow_shadow(ov_slice *names, uint32_t count, ov_slice name)
{
    for (uint32_t i = 0; i < count; i++)
        if (ov_slice_eq(names[i], name))
            names[i] = (ov_slice){0};
}

ov_status ovi_nwindow_step(ovi_nwindow *w, const ov_json *at)
{
    if (++w->steps <= OVI_NWINDOW_STEPS)
        return OV_OK;
    return ov_json_fail(at, w->err, OV_LIMIT, "more than %d operators and processors", OVI_NWINDOW_STEPS);
}

/* ---- order ---- */

static ov_status read_sort(ovi_nwindow *w, const ov_json *list)
{
    OV_TRY(ov_arena_alloc(w->p->arena, (list->count + (size_t)1) * sizeof *w->sort, &w->sort, w->err));
    OV_TRY(ov_arena_alloc(w->p->arena, (list->count + (size_t)1) * sizeof *w->down, &w->down, w->err));
    w->sort_count = 0;
    for (const ov_json *v = list->first; v; v = v->next) {
        ov_slice direction;
        uint32_t ignored;
        OV_TRY(ov_json_expect(v, OV_JSON_OBJECT, w->err));
        OV_TRY(ov_json_need_str(v, "column", &w->sort[w->sort_count], w->err));
        OV_TRY(ov_json_str(v, "direction", OV_SLICE_LIT("ASC"), &direction, w->err));
        w->down[w->sort_count] = ov_slice_ieq(direction, OV_SLICE_LIT("DESC"));
        if (!w->down[w->sort_count] && !ov_slice_ieq(direction, OV_SLICE_LIT("ASC")))
            return ov_json_fail(ov_json_get(v, "direction"), w->err, OV_INVALID,
                                "unknown direction '" OV_SLICE_FMT "'; there are ASC and DESC", OV_SLICE_ARG(direction));
        OV_TRY(ovi_nwindow_column(w, v, w->sort[w->sort_count++], &ignored));
    }
    return OV_OK;
}

/* The keys of sort[from, from + count). */
ov_status ovi_nwindow_keys(ovi_nwindow *w, const ov_json *at, uint32_t from, uint32_t count, ov_sort_key **out)
{
    OV_TRY(ov_arena_alloc(w->p->arena, (count + (size_t)1) * sizeof **out, out, w->err));
    for (uint32_t i = 0; i < count; i++) {
        ov_sort_key *k = &(*out)[i];
        *k = (ov_sort_key){.descending = w->down[from + i], .nulls_first = !w->down[from + i]};
        OV_TRY(ovi_nwindow_column(w, at, w->sort[from + i], &k->column));
    }
    return OV_OK;
}

static ov_status apply_sort(ovi_nwindow *w, const ov_json *at, uint64_t limit, uint64_t offset)
{
    ov_sort_key *keys;
    if (!w->sort_count && limit == OV_NO_LIMIT && !offset)
        return OV_OK;
    if (!w->sort_count)
        return ov_plan_limit(w->p->arena, w->plan, limit, offset, &w->plan, w->err);
    OV_TRY(ovi_nwindow_keys(w, at, 0, w->sort_count, &keys));
    return ov_plan_order(w->p->cx, w->plan, keys, w->sort_count, limit, offset, &w->plan, w->err);
}

ov_status ovi_nwindow_names(ovi_nwindow *w, const ov_json *list, ov_slice **out, uint32_t *count)
{
    *count = 0;
    OV_TRY(ov_arena_alloc(w->p->arena, ((list ? list->count : 0) + (size_t)1) * sizeof **out, out, w->err));
    for (const ov_json *v = list ? list->first : NULL; v; v = v->next)
        OV_TRY(ov_json_as_str(v, &(*out)[(*count)++], w->err));
    return OV_OK;
}

/* ---- scan ---- */

static ov_status pick(ovi_nwindow *w, const ov_json *list)
{
    ov_slice *names;
    const ov_expr **exprs;
    uint32_t count;
    OV_TRY(ovi_nwindow_names(w, list, &names, &count));
    OV_TRY(ov_arena_alloc(w->p->arena, (count + (size_t)1) * sizeof *exprs, &exprs, w->err));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t c;
        OV_TRY(ovi_nwindow_column(w, list, names[i], &c));
        OV_TRY(ov_plan_column(w->p->cx, w->plan, c, &exprs[i], w->err));
    }
    return ov_plan_project(w->p->arena, w->plan, exprs, names, count, &w->plan, w->err);
}

/* The rows with the virtual columns beside their own. */
static ov_status add_virtual(ovi_nwindow *w, const ov_json *op)
{
    const ov_json *list;
    ovi_nscope scope;
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t n = 0;
    OV_TRY(ov_json_arr(op, "virtualColumns", &list, w->err));
    if (!list || !list->count)
        return OV_OK;
    ovi_nscope_init(&scope, w->p, w->plan);
    OV_TRY(ovi_nscope_virtual(&scope, op, w->err));
    size_t room = w->plan->field_count + (size_t)scope.def_count + 1;
    OV_TRY(ov_arena_alloc(w->p->arena, room * sizeof *exprs, &exprs, w->err));
    OV_TRY(ov_arena_alloc(w->p->arena, room * sizeof *names, &names, w->err));
    for (; n < w->plan->field_count; n++) {
        OV_TRY(ov_plan_column(w->p->cx, w->plan, n, &exprs[n], w->err));
        names[n] = w->plan->fields[n].name;
    }
    for (uint32_t i = 0; i < scope.def_count; i++, n++) {
        ovi_nwindow_shadow(names, n, scope.defs[i].name);
        names[n] = scope.defs[i].name;
        OV_TRY(ovi_nscope_value(&scope, names[n], &exprs[n], w->err));
    }
    return ov_plan_project(w->p->arena, w->plan, exprs, names, n, &w->plan, w->err);
}

/* Rows of an interval. */
static ov_status within(ovi_nwindow *w, const ov_json *range)
{
    ov_slice text;
    ov_interval time;
    ovi_nscope scope;
    const ov_expr *which;
    OV_TRY(ov_json_as_str(range, &text, w->err));
    OV_TRY(ovi_nfail_at(range, ov_interval_parse(text, &time, w->err), w->err));
    ovi_nscope_init(&scope, w->p, w->plan);
    OV_TRY(ovi_nin_intervals(&scope, &time, 1, &which, w->err));
    return which ? ov_plan_filter(w->p->arena, w->plan, which, &w->plan, w->err) : OV_OK;
}

static ov_status scan(ovi_nwindow *w, const ov_json *op)
{
    const ov_json *filter, *ordering, *bounds, *columns;
    ovi_nscope scope;
    const ov_expr *which;
    int64_t limit, offset;
    OV_TRY(add_virtual(w, op));
    OV_TRY(ov_json_obj(op, "filter", &filter, w->err));
    const ov_json *range = ov_json_find(op, "timeRange");
    if (range && range->kind != OV_JSON_NULL)
        OV_TRY(within(w, range));
    if (filter) {
        ovi_nscope_init(&scope, w->p, w->plan);
        OV_TRY(ov_native_filter(filter, &scope.base, w->p->cx, &which, w->err));
        OV_TRY(ov_plan_filter(w->p->arena, w->plan, which, &w->plan, w->err));
    }
    OV_TRY(ov_json_arr(op, "ordering", &ordering, w->err));
    if (ordering && ordering->count)
        OV_TRY(read_sort(w, ordering));
    OV_TRY(ov_json_obj(op, "offsetLimit", &bounds, w->err));
    if (bounds) {
        OV_TRY(ov_json_i64_in(bounds, "limit", INT64_MAX, -1, INT64_MAX, &limit, w->err));
        OV_TRY(ov_json_i64_in(bounds, "offset", 0, 0, INT64_MAX, &offset, w->err));
        OV_TRY(apply_sort(w, op, limit < 0 || limit == INT64_MAX ? OV_NO_LIMIT : (uint64_t)limit, (uint64_t)offset));
    }
    OV_TRY(ov_json_arr(op, "projectedColumns", &columns, w->err));
    if (!columns)
        return OV_OK;
    if (!bounds)
        OV_TRY(apply_sort(w, op, OV_NO_LIMIT, 0));
    OV_TRY(pick(w, columns));
    for (uint32_t i = 0; i < w->sort_count; i++) { /* what is not picked cannot be sorted by again */
        bool there = false;
        for (uint32_t c = 0; c < w->plan->field_count; c++)
            there |= ov_slice_eq(w->plan->fields[c].name, w->sort[i]);
        if (!there)
            w->sort_count = i;
    }
    return OV_OK;
}

/* ---- operators ---- */

static ov_status run_operator(ovi_nwindow *w, const ov_json *op)
{
    const ov_json *list;
    ov_slice type;
    OV_TRY(ov_json_expect(op, OV_JSON_OBJECT, w->err));
    OV_TRY(ov_json_need_str(op, "type", &type, w->err));
    OV_TRY(ovi_nwindow_step(w, op));
    if (ov_slice_eq(type, OV_SLICE_LIT("naiveSort"))) {
        OV_TRY(ov_json_need_arr(op, "columns", &list, w->err));
        w->partition_count = 0;
        return read_sort(w, list);
    }
    if (ov_slice_eq(type, OV_SLICE_LIT("naivePartition")) || ov_slice_eq(type, OV_SLICE_LIT("glueingPartition"))) {
        OV_TRY(ov_json_need_arr(op, "partitionColumns", &list, w->err));
        return ovi_nwindow_names(w, list, &w->partition, &w->partition_count);
    }
    if (ov_slice_eq(type, OV_SLICE_LIT("window"))) {
        OV_TRY(ov_json_need_obj(op, "processor", &list, w->err));
        return ovi_nwindow_process(w, list);
    }
    if (ov_slice_eq(type, OV_SLICE_LIT("scan")))
        return scan(w, op);
    return ov_json_fail(ov_json_get(op, "type"), w->err, OV_INVALID,
                        "unknown operator '" OV_SLICE_FMT "'; there are naiveSort, naivePartition, window and scan",
                        OV_SLICE_ARG(type));
}

static ov_status run_list(ovi_nwindow *w, const ov_json *query, const char *key)
{
    const ov_json *list;
    OV_TRY(ov_json_arr(query, key, &list, w->err));
    for (const ov_json *v = list ? list->first : NULL; v; v = v->next)
        OV_TRY(run_operator(w, v));
    return OV_OK;
}

static ov_status pick_signature(ovi_nwindow *w, const ov_json *query)
{
    const ov_json *list;
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t n = 0;
    OV_TRY(ov_json_need_arr(query, "outputSignature", &list, w->err));
    OV_TRY(ov_arena_alloc(w->p->arena, (list->count + (size_t)1) * sizeof *exprs, &exprs, w->err));
    OV_TRY(ov_arena_alloc(w->p->arena, (list->count + (size_t)1) * sizeof *names, &names, w->err));
    for (const ov_json *v = list->first; v; v = v->next, n++) {
        uint32_t c;
        OV_TRY(ov_json_expect(v, OV_JSON_OBJECT, w->err));
        OV_TRY(ov_json_need_str(v, "name", &names[n], w->err));
        OV_TRY(ovi_nwindow_column(w, v, names[n], &c));
        OV_TRY(ov_plan_column(w->p->cx, w->plan, c, &exprs[n], w->err));
        if (exprs[n]->sql == OV_SQL_TIMESTAMP || exprs[n]->sql == OV_SQL_DATE)
            OV_TRY(ov_expr_retype(w->p->cx, exprs[n], OV_SQL_BIGINT, &exprs[n], w->err));
    }
    return ov_plan_project(w->p->arena, w->plan, exprs, names, n, &w->plan, w->err);
}

ov_status ovi_nplan_window(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ovi_nrel *rel, ov_error *err)
{
    ovi_ninput in;
    ovi_nwindow w = {.p = p, .err = err};
    OV_TRY(ovi_ninput_open(p, query, false, &in, err));
    w.plan = in.plan;
    OV_TRY(run_list(&w, query, "leafOperators"));
    OV_TRY(run_list(&w, query, "operatorDefinition"));
    if (!ov_json_find(query, "operatorDefinition"))
        return ov_json_fail(query, err, OV_INVALID, "'operatorDefinition' is missing (a list of operators is expected)");
    OV_TRY(apply_sort(&w, query, OV_NO_LIMIT, 0));
    OV_TRY(pick_signature(&w, query));
    *q = (ov_native_query){.type = OV_NATIVE_WINDOW, .plan = w.plan, .columns = w.plan->field_count, .as_array = true};
    *rel = (ovi_nrel){.known = true, .everywhere = true, .plan = w.plan};
    return OV_OK;
}
