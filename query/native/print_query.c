/*
 * A plan as one native query: timeseries when it groups by nothing or by buckets of time, topN for the first groups of one
 * key by one result, groupBy for other groupings, scan for everything without a grouping.
 */
#include "query/native/print_query.h"

#include "base/tz.h"

/* What stands above a grouping or above plain rows. */
typedef struct top {
    const ov_plan *at;     /* where it ends */
    const ov_expr **exprs; /* output columns, over `at` */
    uint32_t count;
    const ov_expr **sort; /* over `at` */
    const ov_sort_key *sort_keys;
    uint32_t sort_count;
    uint64_t limit, offset;
    const ov_expr *having;
} top;

typedef struct text_parts {
    ov_buf dims, aggs, posts, filter, having, order, columns, types;
} text_parts;

/* One query being written. */
typedef struct query {
    ovi_printer *p;
    top t;
    ovi_prel rel;
    ovi_pcolumns columns;
    text_parts parts;
    ov_slice *grouped; /* names of the grouping's columns: d0, a0 ... */
    uint32_t post_count;
    const ov_expr **posts;
    ov_slice *post_names;
    ov_slice *out; /* names of the output columns */
    bool series, has_bucket;
} query;

/* ---- walking down ---- */

static bool leads_to_group(const ov_plan *plan)
{
    while (plan->kind == OV_PLAN_PROJECT || plan->kind == OV_PLAN_FILTER)
        plan = plan->inputs[0];
    return plan->kind == OV_PLAN_AGGREGATE;
}

static ov_status rebase_all(ovi_printer *p, const ov_expr ***list, uint32_t count, const ov_expr *const *map, ov_error *err)
{
    const ov_expr **moved;
    OV_TRY(ov_arena_alloc(p->arena, (count + (size_t)1) * sizeof *moved, &moved, err));
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(ov_expr_rebase(p->cx, (*list)[i], map, &moved[i], err));
    *list = moved;
    return OV_OK;
}

static ov_status take_sort(ovi_printer *p, top *t, ov_error *err)
{
    const ov_plan *plan = t->at;
    t->sort_keys = plan->sort.keys;
    t->sort_count = plan->sort.key_count;
    t->limit = plan->sort.limit;
    t->offset = plan->sort.offset;
    OV_TRY(ov_arena_alloc(p->arena, (t->sort_count + (size_t)1) * sizeof *t->sort, &t->sort, err));
    for (uint32_t i = 0; i < t->sort_count; i++)
        OV_TRY(ov_plan_column(p->cx, plan->inputs[0], plan->sort.keys[i].column, &t->sort[i], err));
    return OV_OK;
}

static ov_status take_filter(ovi_printer *p, top *t, ov_error *err)
{
    const ov_expr **both;
    OV_TRY(ov_arena_alloc(p->arena, 2 * sizeof *both, &both, err));
    both[0] = t->having;
    both[1] = t->at->filter.predicate;
    t->having = both[1];
    return both[0] ? ov_expr_call(p->cx, OV_SLICE_LIT("AND"), both, 2, 0, 0, &t->having, err) : OV_OK;
}

static ov_status walk(ovi_printer *p, const ov_plan *plan, top *t, ov_error *err)
{
    bool ordered = false;
    *t = (top){.at = plan, .count = plan->field_count, .limit = OV_NO_LIMIT};
    OV_TRY(ov_arena_alloc(p->arena, (t->count + (size_t)1) * sizeof *t->exprs, &t->exprs, err));
    for (uint32_t i = 0; i < t->count; i++)
        OV_TRY(ov_plan_column(p->cx, plan, i, &t->exprs[i], err));
    for (;;) {
        bool group = leads_to_group(t->at);
        switch ((ov_plan_kind)t->at->kind) {
        case OV_PLAN_SORT:
        case OV_PLAN_LIMIT:
            if (ordered || t->having)
                return OV_OK;
            ordered = true;
            if (t->at->kind == OV_PLAN_SORT) {
                OV_TRY(take_sort(p, t, err));
            } else {
                t->limit = t->at->limit.limit;
                t->offset = t->at->limit.offset;
            }
            break;
        case OV_PLAN_PROJECT: {
            const ov_expr *const *map = t->at->project.exprs;
            if (!group && (t->at->inputs[0]->kind == OV_PLAN_VALUES || (ordered && t->at->inputs[0]->kind == OV_PLAN_SORT)))
                return OV_OK;
            OV_TRY(rebase_all(p, &t->exprs, t->count, map, err));
            OV_TRY(rebase_all(p, &t->sort, t->sort_count, map, err));
            if (t->having)
                OV_TRY(ov_expr_rebase(p->cx, t->having, map, &t->having, err));
            break;
        }
        case OV_PLAN_FILTER:
            if (!group)
                return OV_OK;
            OV_TRY(take_filter(p, t, err));
            break;
        default:
            return OV_OK;
        }
        t->at = t->at->inputs[0];
    }
}

/* ---- pieces of a grouping ---- */

static ov_status print_dimension(query *q, const ov_expr *key, uint32_t i, ov_error *err)
{
    ov_slice name;
    char type[48];
    OV_TRY(ovi_pcolumn(&q->columns, key, &name, err));
    ov_buf_add_str(&q->parts.dims, i ? ",{\"type\":\"default\",\"dimension\":" : "{\"type\":\"default\",\"dimension\":");
    ov_json_quote(&q->parts.dims, name);
    ov_buf_addf(&q->parts.dims, ",\"outputName\":\"d%u\",\"outputType\":\"%s\"}", i, ovi_ptype(key, type));
    q->p->lost = q->p->lost || ov_type_is_list(key->type) || key->type.id == OV_TYPE_COMPLEX;
    return OV_OK;
}

/* The name of a value over the grouping's columns: one of them, or a post-aggregator. */
static ov_status result_name(query *q, const ov_expr *e, ov_slice *name, ov_error *err)
{
    char type[48];
    ov_buf text;
    if (e->kind == OV_EXPR_COLUMN) {
        *name = q->grouped[e->column];
        return OV_OK;
    }
    for (uint32_t i = 0; i < q->post_count; i++)
        if (ov_expr_equal(q->posts[i], e)) {
            *name = q->post_names[i];
            return OV_OK;
        }
    OV_TRY(ov_arena_printf(q->p->arena, name, err, "p%u", q->post_count));
    ov_buf_init(&text);
    ovi_pexpr(q->p, e, q->grouped, &text);
    ov_buf_addf(&q->parts.posts, "%s{\"type\":\"expression\",\"name\":\"p%u\",\"expression\":", q->parts.posts.n ? "," : "",
                q->post_count);
    ov_json_quote(&q->parts.posts, ov_buf_slice(&text));
    ov_buf_addf(&q->parts.posts, ",\"outputType\":\"%s\"}", ovi_ptype(e, type));
    ov_buf_fini(&text);
    q->posts[q->post_count] = e;
    q->post_names[q->post_count++] = *name;
    return OV_OK;
}

static ov_status print_having(query *q, ov_error *err)
{
    ovi_prel results = {.names = q->grouped, .base = q->t.at};
    ovi_pcolumns columns = {.p = q->p, .rel = &results};
    ov_buf_init(&columns.text);
    ov_status st = q->t.having ? ovi_pfilter(&columns, q->t.having, &q->parts.having, err) : OV_OK;
    q->p->lost = q->p->lost || columns.count; /* having knows no virtual columns */
    ov_buf_fini(&columns.text);
    return st;
}

static ov_status print_results(query *q, ov_error *err)
{
    const ov_plan *at = q->t.at;
    uint32_t keys = at->aggregate.key_count;
    size_t room = (size_t)q->t.count + q->t.sort_count + 1;
    OV_TRY(ov_arena_alloc(q->p->arena, room * sizeof *q->posts, &q->posts, err));
    OV_TRY(ov_arena_alloc(q->p->arena, room * sizeof *q->post_names, &q->post_names, err));
    OV_TRY(ov_arena_alloc(q->p->arena, (at->field_count + (size_t)1) * sizeof *q->grouped, &q->grouped, err));
    for (uint32_t i = 0; i < at->field_count; i++)
        OV_TRY(ov_arena_printf(q->p->arena, &q->grouped[i], err, "%c%u", i < keys ? 'd' : 'a', i < keys ? i : i - keys));
    for (uint32_t i = 0; i < at->aggregate.agg_count; i++) {
        ov_buf_add_str(&q->parts.aggs, i ? "," : "");
        OV_TRY(ovi_pagg(&q->columns, &at->aggregate.aggs[i], q->grouped[keys + i], &q->parts.aggs, &q->parts.posts, err));
    }
    for (uint32_t i = 0; i < q->t.count; i++)
        OV_TRY(result_name(q, q->t.exprs[i], &q->out[i], err));
    return print_having(q, err);
}

/* ---- members that several types have ---- */

static void add_source(query *q, ov_buf *b)
{
    ov_buf_add_str(b, ",\"dataSource\":");
    ov_buf_add_slice(b, q->rel.source);
}

static void add_intervals(query *q, ov_buf *b)
{
    ov_buf_add_str(b, ",\"intervals\":{\"type\":\"intervals\",\"intervals\":[");
    if (!q->rel.has_ranges) {
        ov_buf_add_char(b, '"');
        ov_interval_add(b, OV_INTERVAL_ETERNITY);
        ov_buf_add_char(b, '"');
    }
    for (uint32_t i = 0; q->rel.has_ranges && i < q->rel.range_count; i++) {
        ov_time_range r = q->rel.ranges[i];
        ov_buf_add_str(b, i ? ",\"" : "\"");
        ov_interval_add(b, (ov_interval){OV_MAX(r.start_ms, OV_TIME_MIN), OV_MIN(r.end_ms, OV_TIME_MAX)});
        ov_buf_add_char(b, '"');
    }
    ov_buf_add_str(b, "]}");
}

static void add_list(ov_buf *b, const char *key, const ov_buf *items)
{
    if (!items->n)
        return;
    ov_buf_addf(b, ",\"%s\":[", key);
    ov_buf_add_slice(b, ov_buf_slice(items));
    ov_buf_add_char(b, ']');
}

static void add_filter(query *q, ov_buf *b)
{
    if (!q->parts.filter.n)
        return;
    ov_buf_add_str(b, ",\"filter\":");
    ov_buf_add_slice(b, ov_buf_slice(&q->parts.filter));
}

typedef struct context_key {
    ov_slice key, json;
} context_key;

/* The request's context with the query's id, sorted by key. */
static ov_status add_context(query *q, bool buckets, ov_buf *b, ov_error *err)
{
    const ov_native_print *how = q->p->how;
    context_key *keys;
    uint32_t n = 0, room = (how->context ? how->context->count : 0) + 4;
    ov_slice id;
    ov_buf text;
    ov_buf_init(&text);
    ov_json_quote(&text, how->id);
    ov_status st = ov_arena_copy(q->p->arena, ov_buf_slice(&text), &id, err);
    if (st == OV_OK)
        st = ov_arena_alloc(q->p->arena, room * sizeof *keys, &keys, err);
    if (st != OV_OK) {
        ov_buf_fini(&text);
        return st;
    }
    keys[n++] = (context_key){OV_SLICE_LIT("queryId"), id};
    keys[n++] = (context_key){OV_SLICE_LIT("sqlQueryId"), id};
    if (buckets) {
        keys[n++] = (context_key){OV_SLICE_LIT("skipEmptyBuckets"), OV_SLICE_LIT("true")};
        keys[n++] = (context_key){OV_SLICE_LIT("timestampResultField"), OV_SLICE_LIT("\"d0\"")};
    }
    for (const ov_json *v = how->context ? how->context->first : NULL; v && st == OV_OK; v = v->next) {
        bool known = false;
        for (uint32_t i = 0; i < n; i++)
            known |= ov_slice_eq(keys[i].key, v->key);
        if (known)
            continue;
        ov_buf_clear(&text);
        ov_json_print(v, &text);
        keys[n].key = v->key;
        st = ov_arena_copy(q->p->arena, ov_buf_slice(&text), &keys[n++].json, err);
    }
    ov_buf_fini(&text);
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t k = i; k > 0 && ov_slice_cmp(keys[k].key, keys[k - 1].key) < 0; k--) {
            context_key swap = keys[k];
            keys[k] = keys[k - 1];
            keys[k - 1] = swap;
        }
    ov_buf_add_str(b, ",\"context\":{");
    for (uint32_t i = 0; i < n; i++) {
        ov_buf_add_str(b, i ? "," : "");
        ov_json_quote(b, keys[i].key);
        ov_buf_add_char(b, ':');
        ov_buf_add_slice(b, keys[i].json);
    }
    ov_buf_add_char(b, '}');
    return st;
}

static void add_granularity(const ov_gran *g, ov_buf *b)
{
    const char *name = ov_gran_name(g);
    ov_buf_add_str(b, ",\"granularity\":");
    if (name) {
        ov_buf_addf(b, "\"%s\"", name);
        return;
    }
    ov_buf_add_str(b, "{\"type\":\"period\",\"period\":\"");
    ov_period_add(b, &g->period);
    ov_buf_addf(b, "\",\"timeZone\":\"%s\",\"origin\":", ov_tz_name(g->zone));
    if (g->has_origin) {
        bool local = g->kind == OV_GRAN_DAYS || g->kind == OV_GRAN_MONTHS;
        ov_buf_add_char(b, '"');
        ov_iso_add(b, local ? ov_tz_from_local(g->zone, g->origin) : g->origin, g->zone);
        ov_buf_add_str(b, "\"}");
    } else {
        ov_buf_add_str(b, "null}");
    }
}

/* ---- the types ---- */

static bool is_bucket(const query *q, const ov_expr *key)
{
    const ov_gran *g = ov_expr_time_floor(key);
    return g && key->args[0]->kind == OV_EXPR_COLUMN &&
           ov_slice_eq(q->rel.names[key->args[0]->column], OV_SLICE_LIT("__time")) && !ov_period_is_zero(&g->period);
}

/* Sorted as native queries sort: NULL first going up, last going down; where there may be a NULL. */
static bool plain_nulls(const query *q)
{
    for (uint32_t i = 0; i < q->t.sort_count; i++)
        if (q->t.sort_keys[i].nulls_first == q->t.sort_keys[i].descending && q->t.sort[i]->nullable)
            return false;
    return true;
}

static bool is_series(const query *q)
{
    const ov_plan *at = q->t.at;
    if (q->t.having || q->t.offset || q->t.limit == 0 || at->aggregate.agg_count == 0)
        return false;
    if (at->aggregate.key_count == 0)
        return true;
    if (at->aggregate.key_count != 1 || !q->has_bucket || (q->t.limit != OV_NO_LIMIT && q->t.limit > INT32_MAX))
        return false;
    return q->t.sort_count == 0 ||
           (q->t.sort_count == 1 && q->t.sort[0]->kind == OV_EXPR_COLUMN && q->t.sort[0]->column == 0);
}

static bool is_top(const query *q)
{
    const ov_plan *at = q->t.at;
    if (at->aggregate.key_count != 1 || q->t.having || q->t.offset || q->t.sort_count != 1 || q->t.limit == 0 ||
        q->t.limit > INT32_MAX || at->aggregate.agg_count == 0)
        return false;
    const ov_expr *by = q->t.sort[0];
    bool number = ov_type_is_int(by->type) || ov_type_is_real(by->type);
    return number && !(by->kind == OV_EXPR_COLUMN && by->column == 0) &&
           (q->t.sort_keys[0].descending || !by->nullable);
}

static ov_status write_series(query *q, ov_buf *b, ov_error *err)
{
    bool buckets = q->t.at->aggregate.key_count == 1;
    ov_buf_add_str(b, "{\"queryType\":\"timeseries\"");
    add_source(q, b);
    add_intervals(q, b);
    if (q->t.sort_count && buckets && q->t.sort_keys[0].descending)
        ov_buf_add_str(b, ",\"descending\":true");
    add_list(b, "virtualColumns", &q->columns.text);
    add_filter(q, b);
    if (buckets)
        add_granularity(ov_expr_time_floor(q->t.at->aggregate.keys[0]), b);
    else
        ov_buf_add_str(b, ",\"granularity\":{\"type\":\"all\"}");
    add_list(b, "aggregations", &q->parts.aggs);
    add_list(b, "postAggregations", &q->parts.posts);
    if (buckets && q->t.limit != OV_NO_LIMIT)
        ov_buf_addf(b, ",\"limit\":%llu", (unsigned long long)q->t.limit);
    return add_context(q, buckets, b, err);
}

static ov_status write_top(query *q, ov_buf *b, ov_error *err)
{
    ov_slice metric;
    bool inverted = !q->t.sort_keys[0].descending;
    OV_TRY(result_name(q, q->t.sort[0], &metric, err));
    ov_buf_add_str(b, "{\"queryType\":\"topN\"");
    add_source(q, b);
    add_list(b, "virtualColumns", &q->columns.text);
    ov_buf_add_str(b, ",\"dimension\":");
    ov_buf_add_slice(b, ov_buf_slice(&q->parts.dims));
    ov_buf_add_str(b, inverted ? ",\"metric\":{\"type\":\"inverted\",\"metric\":{\"type\":\"numeric\",\"metric\":"
                               : ",\"metric\":{\"type\":\"numeric\",\"metric\":");
    ov_json_quote(b, metric);
    ov_buf_addf(b, "%s,\"threshold\":%llu", inverted ? "}}" : "}", (unsigned long long)q->t.limit);
    add_intervals(q, b);
    add_filter(q, b);
    ov_buf_add_str(b, ",\"granularity\":{\"type\":\"all\"}");
    add_list(b, "aggregations", &q->parts.aggs);
    add_list(b, "postAggregations", &q->parts.posts);
    return add_context(q, false, b, err);
}

static ov_status limit_columns(query *q, ov_buf *b, ov_error *err)
{
    for (uint32_t i = 0; i < q->t.sort_count; i++) {
        ov_slice name;
        const ov_expr *by = q->t.sort[i];
        bool number = ov_type_is_int(by->type) || ov_type_is_real(by->type);
        OV_TRY(result_name(q, by, &name, err));
        ov_buf_add_str(b, i ? ",{\"dimension\":" : "{\"dimension\":");
        ov_json_quote(b, name);
        ov_buf_addf(b, ",\"direction\":\"%s\",\"dimensionOrder\":{\"type\":\"%s\"}}",
                    q->t.sort_keys[i].descending ? "descending" : "ascending", number ? "numeric" : "lexicographic");
    }
    return OV_OK;
}

static ov_status write_group(query *q, ov_buf *b, ov_error *err)
{
    OV_TRY(limit_columns(q, &q->parts.order, err));
    bool bounded = q->t.limit != OV_NO_LIMIT || q->t.offset || q->t.sort_count;
    q->p->lost = q->p->lost || q->t.limit == 0 || (q->t.limit != OV_NO_LIMIT && q->t.limit > INT32_MAX) || !plain_nulls(q);
    ov_buf_add_str(b, "{\"queryType\":\"groupBy\"");
    add_source(q, b);
    add_intervals(q, b);
    add_list(b, "virtualColumns", &q->columns.text);
    add_filter(q, b);
    ov_buf_add_str(b, ",\"granularity\":{\"type\":\"all\"},\"dimensions\":[");
    ov_buf_add_slice(b, ov_buf_slice(&q->parts.dims));
    ov_buf_add_char(b, ']');
    add_list(b, "aggregations", &q->parts.aggs);
    add_list(b, "postAggregations", &q->parts.posts);
    if (q->parts.having.n) {
        ov_buf_add_str(b, ",\"having\":{\"type\":\"filter\",\"filter\":");
        ov_buf_add_slice(b, ov_buf_slice(&q->parts.having));
        ov_buf_add_str(b, ",\"finalize\":true}");
    }
    if (!bounded) {
        ov_buf_add_str(b, ",\"limitSpec\":{\"type\":\"NoopLimitSpec\"}");
    } else {
        ov_buf_add_str(b, ",\"limitSpec\":{\"type\":\"default\",\"columns\":[");
        ov_buf_add_slice(b, ov_buf_slice(&q->parts.order));
        ov_buf_add_char(b, ']');
        if (q->t.offset)
            ov_buf_addf(b, ",\"offset\":%llu", (unsigned long long)q->t.offset);
        if (q->t.limit != OV_NO_LIMIT)
            ov_buf_addf(b, ",\"limit\":%llu", (unsigned long long)q->t.limit);
        ov_buf_add_char(b, '}');
    }
    return add_context(q, false, b, err);
}

static ov_status print_group(query *q, ov_buf *b, ov_error *err)
{
    const ov_plan *at = q->t.at;
    const ov_expr **keys;
    ov_agg_call *calls;
    OV_TRY(ovi_prel_open(q->p, at->inputs[0], &q->rel, err));
    if (q->p->lost)
        return OV_OK;
    /* the grouping over the source's own columns */
    ov_plan *moved;
    OV_TRY(ov_arena_alloc(q->p->arena, sizeof *moved, &moved, err));
    *moved = *at;
    OV_TRY(ov_arena_alloc(q->p->arena, (at->aggregate.key_count + (size_t)1) * sizeof *keys, &keys, err));
    OV_TRY(ov_arena_alloc(q->p->arena, (at->aggregate.agg_count + (size_t)1) * sizeof *calls, &calls, err));
    for (uint32_t i = 0; i < at->aggregate.key_count; i++)
        OV_TRY(ov_expr_rebase(q->p->cx, at->aggregate.keys[i], q->rel.exprs, &keys[i], err));
    for (uint32_t i = 0; i < at->aggregate.agg_count; i++) {
        calls[i] = at->aggregate.aggs[i];
        OV_TRY(rebase_all(q->p, &calls[i].args, calls[i].argc, q->rel.exprs, err));
        if (calls[i].filter)
            OV_TRY(ov_expr_rebase(q->p->cx, calls[i].filter, q->rel.exprs, &calls[i].filter, err));
    }
    moved->aggregate.keys = keys;
    moved->aggregate.aggs = calls;
    q->t.at = moved;
    q->has_bucket = at->aggregate.key_count == 1 && is_bucket(q, keys[0]);
    if (q->rel.filter)
        OV_TRY(ovi_pfilter(&q->columns, q->rel.filter, &q->parts.filter, err));
    bool series = is_series(q);
    if (!series)
        for (uint32_t i = 0; i < at->aggregate.key_count; i++)
            OV_TRY(print_dimension(q, keys[i], i, err));
    OV_TRY(print_results(q, err));
    if (series)
        return write_series(q, b, err);
    return is_top(q) ? write_top(q, b, err) : write_group(q, b, err);
}

static ov_status print_scan(query *q, ov_buf *b, ov_error *err)
{
    char type[48];
    ov_buf *list = &q->parts.columns, *types = &q->parts.types, *order = &q->parts.order;
    ov_slice name;
    uint32_t shown = 0;
    OV_TRY(ovi_prel_open(q->p, q->t.at, &q->rel, err));
    if (q->p->lost)
        return OV_OK;
    OV_TRY(rebase_all(q->p, &q->t.exprs, q->t.count, q->rel.exprs, err));
    OV_TRY(rebase_all(q->p, &q->t.sort, q->t.sort_count, q->rel.exprs, err));
    if (q->rel.filter)
        OV_TRY(ovi_pfilter(&q->columns, q->rel.filter, &q->parts.filter, err));
    for (uint32_t i = 0; i < q->t.count; i++) {
        bool again = false;
        OV_TRY(ovi_pcolumn(&q->columns, q->t.exprs[i], &q->out[i], err));
        for (uint32_t k = 0; k < i; k++)
            again |= ov_slice_eq(q->out[k], q->out[i]);
        if (again)
            continue;
        ov_buf_add_str(list, shown ? "," : "");
        ov_json_quote(list, q->out[i]);
        ov_buf_addf(types, "%s\"%s\"", shown++ ? "," : "", ovi_ptype(q->t.exprs[i], type));
    }
    for (uint32_t i = 0; i < q->t.sort_count; i++) {
        OV_TRY(ovi_pcolumn(&q->columns, q->t.sort[i], &name, err));
        ov_buf_add_str(order, i ? ",{\"columnName\":" : "{\"columnName\":");
        ov_json_quote(order, name);
        ov_buf_addf(order, ",\"order\":\"%s\"}", q->t.sort_keys[i].descending ? "descending" : "ascending");
    }
    q->p->lost = q->p->lost || q->t.limit == 0 || !plain_nulls(q) || shown == 0;
    ov_buf_add_str(b, "{\"queryType\":\"scan\"");
    add_source(q, b);
    add_intervals(q, b);
    add_list(b, "virtualColumns", &q->columns.text);
    ov_buf_add_str(b, ",\"resultFormat\":\"compactedList\"");
    if (q->t.offset)
        ov_buf_addf(b, ",\"offset\":%llu", (unsigned long long)q->t.offset);
    if (q->t.limit != OV_NO_LIMIT)
        ov_buf_addf(b, ",\"limit\":%llu", (unsigned long long)q->t.limit);
    add_list(b, "orderBy", order);
    add_filter(q, b);
    add_list(b, "columns", list);
    OV_TRY(add_context(q, false, b, err));
    add_list(b, "columnTypes", types);
    ov_buf_add_str(b, ",\"granularity\":{\"type\":\"all\"},\"legacy\":false");
    return OV_OK;
}

static ov_status add_signature(query *q, const ov_plan *plan, ov_slice *out, ov_error *err)
{
    ov_buf text;
    char type[48];
    ov_buf_init(&text);
    ov_buf_add_char(&text, '[');
    for (uint32_t i = 0; i < q->t.count; i++) {
        bool again = false;
        for (uint32_t k = 0; k < i; k++)
            again |= ov_slice_eq(q->out[k], q->out[i]);
        if (again)
            continue;
        ov_type t = plan->fields[i].type;
        t.multi = 0;
        ov_buf_add_str(&text, i ? ",{\"name\":" : "{\"name\":");
        ov_json_quote(&text, q->out[i]);
        ov_buf_addf(&text, ",\"type\":\"%s\"}", t.id == OV_TYPE_NULL ? "STRING" : ov_type_name(t, type));
    }
    ov_buf_add_char(&text, ']');
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(q->p->arena, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

ov_status ovi_pquery_print(ovi_printer *p, const ov_plan *plan, ovi_pquery *out, ov_error *err)
{
    query q = {.p = p};
    ov_buf text;
    *out = (ovi_pquery){.text = OV_SLICE_LIT("")};
    OV_TRY(walk(p, plan, &q.t, err));
    OV_TRY(ov_arena_zalloc(p->arena, (q.t.count + (size_t)1) * sizeof *q.out, &q.out, err));
    q.columns = (ovi_pcolumns){.p = p, .rel = &q.rel};
    ov_buf *const bufs[] = {&text,           &q.columns.text, &q.parts.dims, &q.parts.aggs,
                            &q.parts.posts,  &q.parts.filter, &q.parts.having, &q.parts.order,
                            &q.parts.columns, &q.parts.types};
    for (size_t i = 0; i < OV_COUNT_OF(bufs); i++)
        ov_buf_init(bufs[i]);
    ov_status st = q.t.at->kind == OV_PLAN_AGGREGATE ? print_group(&q, &text, err) : print_scan(&q, &text, err);
    ov_buf_add_char(&text, '}');
    if (st == OV_OK)
        st = ov_buf_check(&text, err);
    if (st == OV_OK && !p->lost)
        st = ov_arena_copy(p->arena, ov_buf_slice(&text), &out->text, err);
    if (st == OV_OK && !p->lost)
        st = add_signature(&q, plan, &out->signature, err);
    out->columns = q.out;
    for (size_t i = 0; i < OV_COUNT_OF(bufs); i++)
        ov_buf_fini(bufs[i]);
    return st;
}

/* ---- the whole ---- */

/* Calcite's way to write one query, for useNativeQueryExplain=false; only over a table or inline rows. */
static void add_rel(ovi_printer *p, const ov_plan *plan, const ovi_pquery *one, ov_buf *out)
{
    char type[48];
    static const char mark[] = "\"dataSource\":{\"type\":\"";
    const char *source = memmem(one->text.p, one->text.n, mark, sizeof mark - 1);
    p->lost = p->lost || !source || (memcmp(source + sizeof mark - 1, "table", 5) != 0 && memcmp(source + sizeof mark - 1, "inline", 6) != 0);
    ov_buf_add_str(out, "DruidQueryRel(query=[");
    ov_buf_add_slice(out, one->text);
    ov_buf_add_str(out, "], signature=[{");
    uint32_t shown = 0;
    for (uint32_t i = 0; i < plan->field_count; i++) {
        bool again = false;
        for (uint32_t k = 0; k < i; k++)
            again |= ov_slice_eq(one->columns[k], one->columns[i]);
        if (again)
            continue;
        ov_type t = plan->fields[i].type;
        t.multi = 0;
        ov_buf_addf(out, "%s" OV_SLICE_FMT ":%s", shown++ ? ", " : "", OV_SLICE_ARG(one->columns[i]),
                    t.id == OV_TYPE_NULL ? "STRING" : ov_type_name(t, type));
    }
    ov_buf_add_str(out, "}])\n");
}

static ov_status add_one(ovi_printer *p, const ov_plan *plan, const ov_plan *named, ov_buf *out, ov_error *err)
{
    ovi_pquery one;
    OV_TRY(ovi_pquery_print(p, plan, &one, err));
    if (p->lost)
        return OV_OK;
    if (p->how->rel) {
        add_rel(p, plan, &one, out);
        return OV_OK;
    }
    ov_buf_add_str(out, "{\"query\":");
    ov_buf_add_slice(out, one.text);
    ov_buf_add_str(out, ",\"signature\":");
    ov_buf_add_slice(out, one.signature);
    ov_buf_add_str(out, ",\"columnMappings\":[");
    for (uint32_t i = 0; i < plan->field_count; i++) {
        ov_buf_add_str(out, i ? ",{\"queryColumn\":" : "{\"queryColumn\":");
        ov_json_quote(out, one.columns[i]);
        ov_buf_add_str(out, ",\"outputColumn\":");
        ov_json_quote(out, named->fields[i].name);
        ov_buf_add_char(out, '}');
    }
    ov_buf_add_str(out, "]}");
    return OV_OK;
}

ov_status ov_native_print_plan(const ov_native_print *how, const ov_plan *optimised, ov_buf *out, bool *printed,
                               ov_error *err)
{
    ovi_printer p = {.how = how, .cx = how->cx, .arena = how->cx->arena};
    ov_buf text;
    bool sides = optimised->kind == OV_PLAN_UNION && !how->rel;
    ov_buf_init(&text);
    ov_buf_add_str(&text, how->rel ? "" : "[");
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < (sides ? optimised->input_count : 1) && st == OV_OK && !p.lost; i++) {
        ov_buf_add_str(&text, i ? "," : "");
        st = add_one(&p, sides ? optimised->inputs[i] : optimised, optimised, &text, err);
    }
    ov_buf_add_str(&text, how->rel ? "" : "]");
    *printed = st == OV_OK && !p.lost && !text.failed;
    if (*printed)
        ov_buf_add_slice(out, ov_buf_slice(&text));
    ov_buf_fini(&text);
    return st;
}
