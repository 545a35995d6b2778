/*
 * groupBy: dimensions, having, orders, sub-totals.
 */
#include "query/native/native_plan_int.h"

/* ---- having ---- */

static ov_status having(ovi_nscope *s, const ov_json *v, const ov_expr **out, ov_error *err);

static ov_status having_number(ovi_nscope *s, const ov_json *v, const char *op, const ov_expr **out, ov_error *err)
{
    ov_slice name;
    double value;
    const ov_expr *sides[2];
    OV_TRY(ov_json_need_str(v, "aggregation", &name, err));
    OV_TRY(ov_json_need_f64(v, "value", &value, err));
    OV_TRY(ovi_nscope_value(s, name, &sides[0], err));
    if (!ov_type_is_int(sides[0]->type))
        OV_TRY(ovi_ncast(s->p, sides[0], OV_SQL_DOUBLE, &sides[0], err));
    const ov_json *number = ov_json_get(v, "value");
    if (number->kind == OV_JSON_INT)
        OV_TRY(ov_expr_i64(s->p->cx, OV_SQL_BIGINT, number->i, &sides[1], err));
    else
        OV_TRY(ov_expr_f64(s->p->cx, OV_SQL_DOUBLE, value, &sides[1], err));
    return ovi_ncall(s->p, v, op, sides, 2, out, err);
}

static ov_status having_dimension(ovi_nscope *s, const ov_json *v, const ov_expr **out, ov_error *err)
{
    ov_slice name, text;
    const ov_expr *sides[2];
    const ov_json *fn;
    OV_TRY(ov_json_need_str(v, "dimension", &name, err));
    OV_TRY(ovi_nscope_value(s, name, &sides[0], err));
    OV_TRY(ovi_ntext(s->p, sides[0], &sides[0], err));
    OV_TRY(ov_json_obj(v, "extractionFn", &fn, err));
    if (fn)
        OV_TRY(ovi_nextract(s->p, fn, sides[0], &sides[0], err));
    if (!ov_json_find(v, "value"))
        return ovi_ncall(s->p, v, "IS NULL", sides, 1, out, err);
    OV_TRY(ov_json_need_str(v, "value", &text, err));
    OV_TRY(ov_expr_str(s->p->cx, OV_SQL_VARCHAR, text, &sides[1], err));
    return ovi_ncall(s->p, v, "=", sides, 2, out, err);
}

static ov_status having_list(ovi_nscope *s, const ov_json *v, const char *op, const ov_expr **out, ov_error *err)
{
    const ov_json *list;
    const ov_expr **parts;
    uint32_t n = 0;
    OV_TRY(ov_json_need_arr(v, "havingSpecs", &list, err));
    if (list->count == 0)
        return ov_expr_i64(s->p->cx, OV_SQL_BOOLEAN, op[0] == 'A', out, err);
    OV_TRY(ov_arena_alloc(s->p->arena, list->count * sizeof *parts, &parts, err));
    for (const ov_json *one = list->first; one; one = one->next)
        OV_TRY(having(s, one, &parts[n++], err));
    *out = parts[0];
    return n > 1 ? ovi_ncall(s->p, v, op, parts, n, out, err) : OV_OK;
}

/* Having has two values: what is unknown is false. */
static ov_status having_not(ovi_nscope *s, const ov_json *v, const ov_expr **out, ov_error *err)
{
    const ov_json *inner;
    OV_TRY(ov_json_need_obj(v, "havingSpec", &inner, err));
    OV_TRY(having(s, inner, out, err));
    return ovi_ncall(s->p, v, "IS NOT TRUE", out, 1, out, err);
}

static ov_status having(ovi_nscope *s, const ov_json *v, const ov_expr **out, ov_error *err)
{
    ov_slice type;
    const ov_json *filter;
    OV_TRY(ov_json_expect(v, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(v, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("greaterThan")))
        return having_number(s, v, ">", out, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("lessThan")))
        return having_number(s, v, "<", out, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("equalTo")))
        return having_number(s, v, "=", out, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("dimSelector")))
        return having_dimension(s, v, out, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("and")))
        return having_list(s, v, "AND", out, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("or")))
        return having_list(s, v, "OR", out, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("not")))
        return having_not(s, v, out, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("always")))
        return ov_expr_i64(s->p->cx, OV_SQL_BOOLEAN, 1, out, err);
    if (!ov_slice_eq(type, OV_SLICE_LIT("filter")))
        return ov_json_fail(ov_json_get(v, "type"), err, OV_INVALID,
                            "unknown having '" OV_SLICE_FMT
                            "'; there are filter, greaterThan, lessThan, equalTo, dimSelector, and, or, not and always",
                            OV_SLICE_ARG(type));
    OV_TRY(ov_json_need_obj(v, "filter", &filter, err));
    return ov_native_filter(filter, &s->base, s->p->cx, out, err);
}

static ov_status apply_having(ovi_nplanner *p, const ov_json *query, const ov_plan **plan, ov_error *err)
{
    const ov_json *v;
    ovi_nscope scope;
    const ov_expr *condition;
    OV_TRY(ov_json_obj(query, "having", &v, err));
    if (!v)
        return OV_OK;
    ovi_nscope_init(&scope, p, *plan);
    OV_TRY(having(&scope, v, &condition, err));
    return ov_plan_filter(p->arena, *plan, condition, plan, err);
}

/* ---- orders ---- */

/* A column and how it is ordered: a second time that changes nothing. */
typedef struct ordered_by {
    uint32_t column;
    ov_slice ordering; /* of a dimension */
} ordered_by;

typedef struct order {
    ovi_nplanner *p;
    const ovi_ngroup *g;
    const ov_plan *in; /* what is sorted by and is no result stands behind the results */
    ov_sort_key *keys;
    uint32_t key_count;
    ordered_by *seen;
    uint32_t seen_count;
} order;

static bool seen_before(order *o, uint32_t column, ov_slice ordering)
{
    for (uint32_t i = 0; i < o->seen_count; i++)
        if (o->seen[i].column == column && ov_slice_ieq(o->seen[i].ordering, ordering))
            return true;
    o->seen[o->seen_count++] = (ordered_by){column, ordering};
    return false;
}

static void add_key(order *o, uint32_t column, bool descending)
{
    for (uint32_t i = 0; i < o->key_count; i++)
        if (o->keys[i].column == column)
            return;
    o->keys[o->key_count++] = (ov_sort_key){.column = column, .descending = descending, .nulls_first = !descending};
}

static ov_status order_column(const ov_json *v, ov_slice *name, bool *descending, ov_slice *ordering, const ov_json **at,
                              ov_error *err)
{
    ov_slice direction;
    *descending = false;
    *ordering = OV_SLICE_LIT("lexicographic");
    *at = v;
    if (v->kind != OV_JSON_OBJECT)
        return ov_json_as_str(v, name, err);
    OV_TRY(ov_json_need_str(v, "dimension", name, err));
    OV_TRY(ov_json_str(v, "direction", (ov_slice){"", 0}, &direction, err));
    *descending = direction.n && ov_slice_ieq(ov_slice_make(direction.p, OV_MIN(direction.n, 4u)), OV_SLICE_LIT("desc"));
    const ov_json *by = ov_json_find(v, "dimensionOrder");
    *at = by ? by : v;
    return ovi_norder_name(v, "dimensionOrder", *ordering, ordering, err);
}

/* One column of the limitSpec: dimensions by the order named there, results by their own. */
static ov_status add_column(order *o, const ov_json *v, uint32_t first_dim, uint32_t dim_count, ov_error *err)
{
    ov_slice name, ordering;
    bool descending;
    const ov_json *at;
    uint32_t c = first_dim, n, by[2];
    const ov_expr *e, *keys[2];
    OV_TRY(order_column(v, &name, &descending, &ordering, &at, err));
    while (c < o->in->field_count && !ov_slice_eq(o->in->fields[c].name, name))
        c++;
    if (c == o->in->field_count)
        return ov_json_fail(v, err, OV_INVALID,
                            "there is no dimension, aggregator or post-aggregator '" OV_SLICE_FMT "' to order by",
                            OV_SLICE_ARG(name));
    bool result = c >= first_dim + dim_count;
    if (seen_before(o, c, result ? (ov_slice){0} : ordering))
        return OV_OK;
    if (result) {
        OV_TRY(ovi_nresult_keys(o->p, o->g, v, c, &o->in, by, &n, err));
        for (uint32_t i = 0; i < n; i++)
            add_key(o, by[i], descending);
        return OV_OK;
    }
    OV_TRY(ov_plan_column(o->p->cx, o->in, c, &e, err));
    OV_TRY(ovi_norder_keys(o->p, at, ordering, e, keys, &n, err));
    for (uint32_t i = 0; i < n; i++) {
        if (keys[i] == e || (keys[i]->kind == OV_EXPR_COLUMN && keys[i]->column == c)) {
            add_key(o, c, descending);
            continue;
        }
        OV_TRY(ovi_nwiden(o->p, o->in, &keys[i], 1, &o->in, err));
        add_key(o, o->in->field_count - 1, descending);
    }
    return OV_OK;
}

static ov_status read_limit(const ov_json *spec, uint64_t *limit, uint64_t *offset, ov_error *err)
{
    int64_t n;
    *limit = OV_NO_LIMIT;
    OV_TRY(ov_json_i64_in(spec, "offset", 0, 0, INT32_MAX, &n, err));
    *offset = (uint64_t)n;
    if (!ov_json_find(spec, "limit"))
        return OV_OK;
    OV_TRY(ov_json_i64_in(spec, "limit", 0, 1, INT32_MAX, &n, err));
    if (n != INT32_MAX) /* Druid's word for none */
        *limit = (uint64_t)n;
    return OV_OK;
}

/* limitSpec's columns, then time and dimensions: groups come in the order of their keys where nothing else is said. */
static ov_status apply_limit(ovi_nplanner *p, const ovi_ngroup *g, ov_native_query *q, uint32_t dim_count, ov_error *err)
{
    const ov_json *spec, *columns = NULL;
    ov_slice type;
    uint64_t limit = OV_NO_LIMIT, offset = 0;
    bool dims_first;
    uint32_t first = q->has_time;
    order o = {.p = p, .g = g, .in = q->plan};
    OV_TRY(ovi_ncontext_bool(g->query, "sortByDimsFirst", false, &dims_first, err));
    OV_TRY(ov_json_obj(g->query, "limitSpec", &spec, err));
    if (spec) {
        OV_TRY(ov_json_str(spec, "type", OV_SLICE_LIT("default"), &type, err));
        bool noop = ov_slice_eq(type, OV_SLICE_LIT("NoopLimitSpec"));
        if (!noop && !ov_slice_eq(type, OV_SLICE_LIT("default")))
            return ov_json_fail(ov_json_get(spec, "type"), err, OV_INVALID,
                                "unknown limitSpec '" OV_SLICE_FMT "'; there is default", OV_SLICE_ARG(type));
        if (!noop) {
            OV_TRY(read_limit(spec, &limit, &offset, err));
            OV_TRY(ov_json_arr(spec, "columns", &columns, err));
        }
    }
    uint32_t n = columns ? columns->count : 0;
    OV_TRY(ov_arena_alloc(p->arena, (2 * (size_t)n + dim_count + 2) * sizeof *o.keys, &o.keys, err));
    OV_TRY(ov_arena_alloc(p->arena, ((size_t)n + 1) * sizeof *o.seen, &o.seen, err));
    if (q->has_time && !dims_first)
        add_key(&o, 0, false);
    for (const ov_json *v = columns ? columns->first : NULL; v; v = v->next)
        OV_TRY(add_column(&o, v, first, dim_count, err));
    for (uint32_t i = 0; i < dim_count; i++)
        add_key(&o, first + i, false);
    if (q->has_time)
        add_key(&o, 0, false);
    if (p->depth && limit == OV_NO_LIMIT && !offset)
        return OV_OK; /* nobody sees the order of rows inside another query */
    q->plan = o.in;
    if (o.key_count)
        return ov_plan_order(p->cx, q->plan, o.keys, o.key_count, limit, offset, &q->plan, err);
    if (limit != OV_NO_LIMIT || offset)
        return ov_plan_limit(p->arena, q->plan, limit, offset, &q->plan, err);
    return OV_OK;
}

/* ---- sub-totals ---- */

static ov_status read_set(const ovi_ngroup *g, const ov_json *list, uint8_t *set, ov_error *err)
{
    OV_TRY(ov_json_expect(list, OV_JSON_ARRAY, err));
    memset(set, 0, g->dim_count);
    for (const ov_json *v = list->first; v; v = v->next) {
        ov_slice name;
        uint32_t i = 0;
        OV_TRY(ov_json_as_str(v, &name, err));
        while (i < g->dim_count && !ov_slice_eq(g->dims[i].name, name))
            i++;
        if (i == g->dim_count)
            return ov_json_fail(v, err, OV_INVALID, "'" OV_SLICE_FMT "' is no dimension of this query", OV_SLICE_ARG(name));
        set[i] = 1;
    }
    return OV_OK;
}

/* One side of the union: its groups in the order of their keys; the sets stay in the order of the spec unless a
 * limitSpec orders all rows. */
static ov_status one_set(ovi_nplanner *p, const ovi_ngroup *g, const uint8_t *set, const ov_plan **out, ov_error *err)
{
    ov_sort_key *keys;
    uint32_t n = 0, first = g->bucket != NULL;
    OV_TRY(ovi_ngroup_plan(p, g, g->in->plan, set, out, err));
    OV_TRY(ov_arena_alloc(p->arena, (g->dim_count + (size_t)1) * sizeof *keys, &keys, err));
    if (first)
        keys[n++] = (ov_sort_key){.column = 0, .nulls_first = true};
    for (uint32_t i = 0; i < g->dim_count; i++)
        if (set[i])
            keys[n++] = (ov_sort_key){.column = first + i, .nulls_first = true};
    return n ? ov_plan_order(p->cx, *out, keys, n, OV_NO_LIMIT, 0, out, err) : OV_OK;
}

static ov_status union_of_sets(ovi_nplanner *p, const ovi_ngroup *g, const ov_json *spec, const ov_plan **out,
                               ov_error *err)
{
    const ov_plan **sides;
    uint8_t *set;
    uint32_t n = 0;
    if (spec->count > 1000)
        return ov_json_fail(spec, err, OV_LIMIT, "more than 1000 sets of dimensions");
    OV_TRY(ov_arena_alloc(p->arena, spec->count * sizeof *sides, &sides, err));
    OV_TRY(ov_arena_alloc(p->arena, g->dim_count + (size_t)1, &set, err));
    for (const ov_json *v = spec->first; v; v = v->next) {
        OV_TRY(read_set(g, v, set, err));
        OV_TRY(one_set(p, g, set, &sides[n++], err));
    }
    return ov_plan_union(p->arena, sides, n, out, err);
}

/* ---- the query ---- */

static ov_status read_dimensions(ovi_ninput *in, const ov_json *query, ovi_ngroup *g, ov_error *err)
{
    const ov_json *list;
    ovi_ndim *dims;
    OV_TRY(ov_json_arr(query, "dimensions", &list, err));
    OV_TRY(ov_arena_alloc(in->scope.p->arena, ((list ? list->count : 0) + (size_t)1) * sizeof *dims, &dims, err));
    g->dims = dims;
    for (const ov_json *v = list ? list->first : NULL; v; v = v->next) {
        OV_TRY(ovi_ndimension(&in->scope, v, &dims[g->dim_count], err));
        if (ov_slice_eq(dims[g->dim_count].name, OV_SLICE_LIT("__time")))
            return ov_json_fail(v, err, OV_INVALID, "'__time' is the bucket's own name; give the dimension an outputName");
        g->dim_count++;
    }
    return OV_OK;
}

static ov_status with_time(ovi_nplanner *p, const ov_plan *in, const ov_expr *time, const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t n = in->field_count;
    OV_TRY(ov_arena_alloc(p->arena, (n + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, (n + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(ov_plan_column(p->cx, in, i, &exprs[i], err));
        names[i] = in->fields[i].name;
    }
    exprs[n] = time;
    names[n] = OV_SLICE_LIT("__time");
    return ov_plan_project(p->arena, in, exprs, names, n + 1, out, err);
}

/* The rows of a groupBy without buckets lie at all times: an outer groupBy does not ask for theirs. */
static ov_status open_input(ovi_nplanner *p, const ov_json *query, ovi_ninput *in, ov_error *err)
{
    const ov_json *source = ov_json_find(query, "dataSource"), *filter;
    const ov_expr *which, *time;
    OV_TRY(ovi_ninput_open(p, query, true, in, err));
    if (!in->rel.of_group_by || !source || source->kind != OV_JSON_OBJECT)
        return OV_OK;
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_TIMESTAMP, in->rel.group_time, &time, err));
    OV_TRY(with_time(p, in->rel.plan, time, &in->rel.plan, err));
    ovi_nscope_init(&in->scope, p, in->rel.plan);
    OV_TRY(ovi_nscope_virtual(&in->scope, query, err));
    OV_TRY(ov_json_obj(query, "filter", &filter, err));
    in->plan = in->rel.plan;
    if (!filter)
        return OV_OK;
    OV_TRY(ov_native_filter(filter, &in->scope.base, p->cx, &which, err));
    return ov_plan_filter(p->arena, in->plan, which, &in->plan, err);
}

static ov_status check_time_name(const ovi_ngroup *g, ov_error *err)
{
    for (uint32_t i = 0; i < g->aggs.count; i++)
        if (ov_slice_eq(g->aggs.list[i].name, OV_SLICE_LIT("__time")))
            return ov_json_fail(g->aggs.list[i].json, err, OV_INVALID,
                                "'__time' is the bucket's own name; give the aggregator another one");
    return OV_OK;
}

/* The aggregators that limitSpec orders by. */
static ov_status mark_orders(const ov_json *query, ovi_naggs *aggs, ov_error *err)
{
    const ov_json *columns = ov_json_find(ov_json_find(query, "limitSpec"), "columns"), *at;
    for (const ov_json *v = columns && columns->kind == OV_JSON_ARRAY ? columns->first : NULL; v; v = v->next) {
        ov_slice name, ordering;
        bool descending;
        OV_TRY(order_column(v, &name, &descending, &ordering, &at, err));
        ovi_nagg_orders(aggs, name);
    }
    return OV_OK;
}

/* The visible columns under their names. */
static ov_status visible_rows(ovi_nplanner *p, const ov_native_query *q, const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t n = q->has_time + q->columns;
    OV_TRY(ov_arena_alloc(p->arena, (n + (size_t)1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, (n + (size_t)1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(ov_plan_column(p->cx, q->plan, i, &exprs[i], err));
        names[i] = q->plan->fields[i].name;
    }
    return ov_plan_project(p->arena, q->plan, exprs, names, n, out, err);
}

ov_status ovi_nplan_group_by(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ovi_nrel *rel, ov_error *err)
{
    ovi_ninput in;
    ovi_ngroup g = {.query = query, .in = &in};
    const ov_json *sets;
    const ov_expr *time;
    *q = (ov_native_query){.type = OV_NATIVE_GROUP_BY};
    OV_TRY(open_input(p, query, &in, err));
    OV_TRY(ovi_ngran(p, query, true, &q->gran, err));
    OV_TRY(read_dimensions(&in, query, &g, err));
    OV_TRY(ovi_naggregators(&in.scope, query, &g.aggs, err));
    OV_TRY(check_time_name(&g, err));
    OV_TRY(mark_orders(query, &g.aggs, err));
    OV_TRY(ovi_ncontext_bool(query, "resultAsArray", false, &q->as_array, err));
    q->has_time = q->gran->kind != OV_GRAN_ALL;
    q->time_ms = in.interval_count ? in.intervals[0].start : 0;
    if (q->has_time) {
        OV_TRY(ovi_nscope_time(&in.scope, &time, err));
        OV_TRY(ovi_ngran_floor(p, query, q->gran, time, &g.bucket, err));
    }
    OV_TRY(ov_json_arr(query, "subtotalsSpec", &sets, err));
    bool several = sets && sets->count;
    if (several)
        OV_TRY(union_of_sets(p, &g, sets, &q->plan, err));
    else
        OV_TRY(ovi_ngroup_plan(p, &g, in.plan, NULL, &q->plan, err));
    q->columns = q->plan->field_count - q->has_time - g.aggs.order_count;
    OV_TRY(apply_having(p, query, &q->plan, err));
    const ov_json *limit = ov_json_find(query, "limitSpec");
    const ov_json *columns = ov_json_find(limit, "columns");
    bool ordered = columns && columns->count;
    if (!several || ordered || ov_json_find(limit, "limit") || ov_json_find(limit, "offset"))
        OV_TRY(apply_limit(p, &g, q, several && !ordered ? 0 : g.dim_count, err));
    *rel = (ovi_nrel){.known = true, .everywhere = true, .of_group_by = !q->has_time, .group_time = q->time_ms};
    return visible_rows(p, q, &rel->plan, err);
}
