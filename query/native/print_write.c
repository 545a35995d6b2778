/*
 * The JSON of timeseries, topN and groupBy out of a grouping whose parts are printed, and which of them it can be.
 */
#include "query/native/print_query.h"

#include "base/tz.h"

/* ---- members that several types have ---- */

void ovi_padd_source(ovi_pwrite *q, ov_buf *b)
{
    ov_buf_add_str(b, ",\"dataSource\":");
    ov_buf_add_slice(b, q->rel.source);
}

void ovi_padd_intervals(ovi_pwrite *q, ov_buf *b)
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

void ovi_padd_list(ov_buf *b, const char *key, const ov_buf *items)
{
    if (!items->n)
        return;
    ov_buf_addf(b, ",\"%s\":[", key);
    ov_buf_add_slice(b, ov_buf_slice(items));
    ov_buf_add_char(b, ']');
}

void ovi_padd_filter(ovi_pwrite *q, ov_buf *b)
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
ov_status ovi_padd_context(ovi_pwrite *q, bool buckets, ov_buf *b, ov_error *err)
{
    const ov_native_print *how = q->p->how;
    context_key *keys;
    uint32_t n = 0, room = (how->context ? how->context->count : 0) + 4;
    ov_slice id, field = {0};
    ov_buf text;
    if (buckets)
        OV_TRY(ov_arena_printf(q->p->arena, &field, err, "\"" OV_SLICE_FMT "\"", OV_SLICE_WHOLE(q->grouped[0])));
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
        if (!ov_json_find(how->context, "skipEmptyBuckets"))
            keys[n++] = (context_key){OV_SLICE_LIT("skipEmptyBuckets"), OV_SLICE_LIT("true")};
        keys[n++] = (context_key){OV_SLICE_LIT("timestampResultField"), field};
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

bool ovi_pis_bucket(const ovi_pwrite *q, const ov_expr *key)
{
    const ov_gran *g = ov_expr_time_floor(key);
    return g && key->args[0]->kind == OV_EXPR_COLUMN &&
           ov_slice_eq(q->rel.names[key->args[0]->column], OV_SLICE_LIT("__time")) && !ov_period_is_zero(&g->period);
}

/* Sorted as native queries sort: NULL first going up, last going down; where there may be a NULL. */
bool ovi_pplain_nulls(const ovi_pwrite *q)
{
    for (uint32_t i = 0; i < q->t.sort_count; i++)
        if (q->t.sort_keys[i].nulls_first == q->t.sort_keys[i].descending && q->t.sort[i]->nullable)
            return false;
    return true;
}

bool ovi_pis_series(const ovi_pwrite *q)
{
    const ov_plan *at = q->t.at;
    if (at->aggregate.set_count || q->t.having || q->t.offset || q->t.limit == 0 || at->aggregate.agg_count == 0)
        return false;
    if (at->aggregate.key_count == 0)
        return true;
    if (at->aggregate.key_count != 1 || !q->has_bucket || (q->t.limit != OV_NO_LIMIT && q->t.limit > INT32_MAX))
        return false;
    return q->t.sort_count == 0 ||
           (q->t.sort_count == 1 && q->t.sort[0]->kind == OV_EXPR_COLUMN && q->t.sort[0]->column == 0);
}

/* By the dimension itself, also where no order is asked for. */
static bool is_by_dimension(const ovi_pwrite *q)
{
    return q->t.sort_count == 0 || (q->t.sort[0]->kind == OV_EXPR_COLUMN && q->t.sort[0]->column == 0);
}

bool ovi_pis_top(const ovi_pwrite *q)
{
    enum { MOST = 100000 }; /* Druid's maxTopNLimit */
    const ov_plan *at = q->t.at;
    if (at->aggregate.key_count != 1 || at->aggregate.set_count || q->t.having || q->t.offset || q->t.sort_count > 1 ||
        q->t.limit == 0 || q->t.limit > MOST)
        return false;
    if (is_by_dimension(q))
        return ovi_pplain_nulls(q);
    const ov_expr *by = q->t.sort[0];
    bool number = ov_type_is_int(by->type) || ov_type_is_real(by->type);
    return number && (q->t.sort_keys[0].descending || !by->nullable);
}

ov_status ovi_pwrite_series(ovi_pwrite *q, ov_buf *b, ov_error *err)
{
    bool buckets = q->t.at->aggregate.key_count == 1;
    ov_buf_add_str(b, "{\"queryType\":\"timeseries\"");
    ovi_padd_source(q, b);
    ovi_padd_intervals(q, b);
    if (q->t.sort_count && buckets && q->t.sort_keys[0].descending)
        ov_buf_add_str(b, ",\"descending\":true");
    ovi_padd_list(b, "virtualColumns", &q->columns.text);
    ovi_padd_filter(q, b);
    if (buckets)
        add_granularity(ov_expr_time_floor(q->t.at->aggregate.keys[0]), b);
    else
        ov_buf_add_str(b, ",\"granularity\":{\"type\":\"all\"}");
    ovi_padd_list(b, "aggregations", &q->parts.aggs);
    ovi_padd_list(b, "postAggregations", &q->parts.posts);
    if (buckets && q->t.limit != OV_NO_LIMIT)
        ov_buf_addf(b, ",\"limit\":%llu", (unsigned long long)q->t.limit);
    return ovi_padd_context(q, buckets, b, err);
}

ov_status ovi_pwrite_top(ovi_pwrite *q, ov_buf *b, ov_error *err)
{
    ov_slice metric = {0};
    bool by_dimension = is_by_dimension(q), down = q->t.sort_count && q->t.sort_keys[0].descending;
    bool inverted = by_dimension ? down : !down;
    if (!by_dimension)
        OV_TRY(ovi_pwrite_result(q, q->t.sort[0], &metric, err));
    ov_buf_add_str(b, "{\"queryType\":\"topN\"");
    ovi_padd_source(q, b);
    ovi_padd_list(b, "virtualColumns", &q->columns.text);
    ov_buf_add_str(b, ",\"dimension\":");
    ov_buf_add_slice(b, ov_buf_slice(&q->parts.dims));
    ov_buf_add_str(b, inverted ? ",\"metric\":{\"type\":\"inverted\",\"metric\":" : ",\"metric\":");
    if (by_dimension) {
        ov_type t = q->t.at->aggregate.keys[0]->type;
        ov_buf_addf(b, "{\"type\":\"dimension\",\"ordering\":{\"type\":\"%s\"}",
                    ov_type_is_int(t) || ov_type_is_real(t) ? "numeric" : "lexicographic");
    } else {
        ov_buf_add_str(b, "{\"type\":\"numeric\",\"metric\":");
        ov_json_quote(b, metric);
    }
    ov_buf_addf(b, "%s,\"threshold\":%llu", inverted ? "}}" : "}", (unsigned long long)q->t.limit);
    ovi_padd_intervals(q, b);
    ovi_padd_filter(q, b);
    ov_buf_add_str(b, ",\"granularity\":{\"type\":\"all\"}");
    ovi_padd_list(b, "aggregations", &q->parts.aggs);
    ovi_padd_list(b, "postAggregations", &q->parts.posts);
    return ovi_padd_context(q, false, b, err);
}

static ov_status limit_columns(ovi_pwrite *q, ov_buf *b, ov_error *err)
{
    for (uint32_t i = 0; i < q->t.sort_count; i++) {
        ov_slice name;
        const ov_expr *by = q->t.sort[i];
        bool number = ov_type_is_int(by->type) || ov_type_is_real(by->type);
        OV_TRY(ovi_pwrite_result(q, by, &name, err));
        ov_buf_add_str(b, i ? ",{\"dimension\":" : "{\"dimension\":");
        ov_json_quote(b, name);
        ov_buf_addf(b, ",\"direction\":\"%s\",\"dimensionOrder\":{\"type\":\"%s\"}}",
                    q->t.sort_keys[i].descending ? "descending" : "ascending", number ? "numeric" : "lexicographic");
    }
    return OV_OK;
}

static void add_subtotals(const ovi_pwrite *q, ov_buf *b)
{
    const ov_plan *at = q->t.at;
    for (uint32_t i = 0; i < at->aggregate.set_count; i++) {
        ov_buf_add_str(b, i ? ",[" : ",\"subtotalsSpec\":[[");
        for (uint32_t k = 0, n = 0; k < at->aggregate.key_count; k++) {
            if (!(at->aggregate.sets[i] >> k & 1))
                continue;
            ov_buf_add_str(b, n++ ? "," : "");
            ov_json_quote(b, q->grouped[k]);
        }
        ov_buf_add_str(b, i + 1 == at->aggregate.set_count ? "]]" : "]");
    }
}

ov_status ovi_pwrite_group(ovi_pwrite *q, ov_buf *b, ov_error *err)
{
    OV_TRY(limit_columns(q, &q->parts.order, err));
    bool bounded = q->t.limit != OV_NO_LIMIT || q->t.offset || q->t.sort_count;
    q->p->lost = q->p->lost || q->t.limit == 0 || (q->t.limit != OV_NO_LIMIT && q->t.limit > INT32_MAX) || !ovi_pplain_nulls(q);
    ov_buf_add_str(b, "{\"queryType\":\"groupBy\"");
    ovi_padd_source(q, b);
    ovi_padd_intervals(q, b);
    ovi_padd_list(b, "virtualColumns", &q->columns.text);
    ovi_padd_filter(q, b);
    ov_buf_add_str(b, ",\"granularity\":{\"type\":\"all\"},\"dimensions\":[");
    ov_buf_add_slice(b, ov_buf_slice(&q->parts.dims));
    ov_buf_add_char(b, ']');
    ovi_padd_list(b, "aggregations", &q->parts.aggs);
    ovi_padd_list(b, "postAggregations", &q->parts.posts);
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
    add_subtotals(q, b);
    return ovi_padd_context(q, false, b, err);
}
