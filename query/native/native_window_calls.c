/*
 * The processors of windowOperator: calls that see the rows in the same order become one WINDOW node.
 */
#include "query/native/native_window.h"

/* One WINDOW node being collected: calls that see the rows in the same order. */
typedef struct node {
    ov_window_call *calls;
    ov_slice *names;
    uint32_t count, capacity;
    uint32_t keys; /* of the sort columns behind those of the partition */
} node;

/* How many sort columns stand for the partition. */
static uint32_t partition_prefix(const ovi_nwindow *w)
{
    uint32_t n = 0;
    while (n < w->sort_count && n < w->partition_count) {
        bool found = false;
        for (uint32_t i = 0; i < w->partition_count; i++)
            found |= ov_slice_eq(w->partition[i], w->sort[n]);
        if (!found)
            break;
        n++;
    }
    return n;
}

static ov_status close_node(ovi_nwindow *w, const ov_json *at, node *n)
{
    uint32_t *partition;
    ov_sort_key *keys;
    const ov_expr **exprs;
    ov_slice *names;
    const ov_plan *in = w->plan;
    if (!n->count)
        return OV_OK;
    OV_TRY(ov_arena_alloc(w->p->arena, (w->partition_count + (size_t)1) * sizeof *partition, &partition, w->err));
    for (uint32_t i = 0; i < w->partition_count; i++)
        OV_TRY(ovi_nwindow_column(w, at, w->partition[i], &partition[i]));
    OV_TRY(ovi_nwindow_keys(w, at, partition_prefix(w), n->keys, &keys));
    OV_TRY(ov_plan_window(w->p->arena, in, partition, w->partition_count, keys, n->keys, n->calls, n->count, &w->plan, w->err));
    uint32_t total = w->plan->field_count;
    OV_TRY(ov_arena_alloc(w->p->arena, (total + (size_t)1) * sizeof *exprs, &exprs, w->err));
    OV_TRY(ov_arena_alloc(w->p->arena, (total + (size_t)1) * sizeof *names, &names, w->err));
    for (uint32_t i = 0; i < total; i++) {
        OV_TRY(ov_plan_column(w->p->cx, w->plan, i, &exprs[i], w->err));
        names[i] = i < in->field_count ? in->fields[i].name : n->names[i - in->field_count];
        if (i >= in->field_count && names[i].n)
            ovi_nwindow_shadow(names, i, names[i]);
    }
    *n = (node){0};
    return ov_plan_project(w->p->arena, w->plan, exprs, names, total, &w->plan, w->err);
}

static ov_status add_call(ovi_nwindow *w, const ov_json *at, node *n, uint32_t keys, const ov_window_call *call, ov_slice name)
{
    if (n->count && n->keys != keys)
        OV_TRY(close_node(w, at, n));
    n->keys = keys;
    uint32_t cap = n->capacity;
    OV_TRY(ov_arena_room(w->p->arena, &n->names, n->count, &cap, 1, sizeof *n->names, w->err));
    OV_TRY(ov_arena_room(w->p->arena, &n->calls, n->count, &n->capacity, 1, sizeof *n->calls, w->err));
    n->calls[n->count] = *call;
    n->names[n->count++] = name;
    return OV_OK;
}

/* `group` of a ranking: the sort columns behind the partition's, or the first of them. */
static ov_status read_group(ovi_nwindow *w, const ov_json *proc, const char *key, uint32_t *keys)
{
    const ov_json *list;
    ov_slice *names;
    uint32_t count, first = partition_prefix(w);
    OV_TRY(ov_json_arr(proc, key, &list, w->err));
    OV_TRY(ovi_nwindow_names(w, list, &names, &count));
    bool fits = count <= w->sort_count - first;
    for (uint32_t i = 0; fits && i < count; i++)
        fits = ov_slice_eq(names[i], w->sort[first + i]);
    *keys = count;
    if (fits)
        return OV_OK;
    return ov_json_fail(list, w->err, OV_UNSUPPORTED,
                        "'%s' must name the columns that the rows are sorted by inside their partitions, in this order", key);
}

static ov_status read_edge(const ov_json *frame, const char *key, ov_window_edge *out, ov_error *err)
{
    const ov_json *v = ov_json_find(frame, key);
    int64_t n;
    *out = (ov_window_edge){.kind = OV_EDGE_PARTITION};
    if (!v || v->kind == OV_JSON_NULL)
        return OV_OK;
    OV_TRY(ov_json_i64_in(frame, key, 0, INT32_MIN, INT32_MAX, &n, err));
    out->kind = n < 0 ? OV_EDGE_PRECEDING : n > 0 ? OV_EDGE_FOLLOWING : OV_EDGE_CURRENT;
    out->n = n < 0 ? -n : n;
    return OV_OK;
}

/* Older Druids say peerType, lowUnbounded, lowOffset ...; newer ones type, lowerOffset ... */
static ov_status read_frame(ovi_nwindow *w, const ov_json *frame, ov_window_frame *out, uint32_t *keys)
{
    ov_slice type;
    bool low, upp;
    const ov_json *old = ov_json_find(frame, "peerType");
    *out = (ov_window_frame){.from = {.kind = OV_EDGE_PARTITION}, .to = {.kind = OV_EDGE_PARTITION}};
    *keys = w->sort_count - partition_prefix(w);
    OV_TRY(ov_json_need_str(frame, old ? "peerType" : "type", &type, w->err));
    if (ov_slice_ieq(type, OV_SLICE_LIT("unbounded")))
        return OV_OK;
    out->range = !ov_slice_ieq(type, OV_SLICE_LIT("rows"));
    if (out->range && !ov_slice_ieq(type, OV_SLICE_LIT("groups")) && !ov_slice_ieq(type, OV_SLICE_LIT("group")) &&
        !ov_slice_ieq(type, OV_SLICE_LIT("range")))
        return ov_json_fail(frame, w->err, OV_INVALID,
                            "unknown frame '" OV_SLICE_FMT "'; there are rows, groups and unbounded", OV_SLICE_ARG(type));
    OV_TRY(ov_json_bool(frame, "lowUnbounded", false, &low, w->err));
    OV_TRY(ov_json_bool(frame, "uppUnbounded", false, &upp, w->err));
    if (!low)
        OV_TRY(read_edge(frame, old ? "lowOffset" : "lowerOffset", &out->from, w->err));
    if (!upp)
        OV_TRY(read_edge(frame, old ? "uppOffset" : "upperOffset", &out->to, w->err));
    out->groups = out->range;
    if (out->range && ov_json_find(frame, "orderByColumns"))
        OV_TRY(read_group(w, frame, "orderByColumns", keys));
    return OV_OK;
}

static ov_status framed(ovi_nwindow *w, const ov_json *proc, node *n)
{
    const ov_json *frame;
    ov_window_frame edges;
    ovi_naggs aggs;
    ovi_nscope scope;
    uint32_t keys;
    const ov_expr **exprs;
    ov_slice *names;
    OV_TRY(close_node(w, proc, n)); /* results may be expressions over the calls: a node of its own */
    OV_TRY(ov_json_need_obj(proc, "frame", &frame, w->err));
    OV_TRY(read_frame(w, frame, &edges, &keys));
    const ov_plan *in = w->plan;
    ovi_nscope_init(&scope, w->p, in);
    OV_TRY(ovi_naggregators(&scope, proc, &aggs, w->err));
    for (uint32_t i = 0; i < aggs.call_count; i++) {
        const ov_agg_call *agg = &aggs.calls[i];
        ov_window_call call = {.fn = OV_WINDOW_AGGREGATE, .agg = agg, .frame = edges, .type = agg->type, .sql = agg->sql,
                               .nullable = agg->fn->kind != OV_AGG_COUNT || agg->nullable};
        OV_TRY(add_call(w, proc, n, keys, &call, (ov_slice){0}));
    }
    OV_TRY(close_node(w, proc, n));
    uint32_t total = in->field_count + aggs.count;
    OV_TRY(ov_arena_alloc(w->p->arena, (total + (size_t)1) * sizeof *exprs, &exprs, w->err));
    OV_TRY(ov_arena_alloc(w->p->arena, (total + (size_t)1) * sizeof *names, &names, w->err));
    for (uint32_t i = 0; i < in->field_count; i++) {
        OV_TRY(ov_plan_column(w->p->cx, w->plan, i, &exprs[i], w->err));
        names[i] = in->fields[i].name;
    }
    for (uint32_t i = 0; i < aggs.count; i++) {
        if (aggs.list[i].groupings)
            return ov_json_fail(aggs.list[i].json, w->err, OV_INVALID, "'grouping' is no aggregator of a window");
        OV_TRY(ovi_nagg_result(w->p, &aggs, i, w->plan, in->field_count, NULL, 0, NULL, &exprs[in->field_count + i], w->err));
        ovi_nwindow_shadow(names, in->field_count + i, aggs.list[i].name);
        names[in->field_count + i] = aggs.list[i].name;
    }
    return ov_plan_project(w->p->arena, w->plan, exprs, names, total, &w->plan, w->err);
}

static const struct {
    const char *name;
    uint8_t fn;
    const char *group; /* the member that names the peers' columns; NULL: all sort columns */
    bool takes;        /* inputColumn */
} functions[] = {
    {"cumeDist", OV_WINDOW_CUME_DIST, "group", false},   {"denseRank", OV_WINDOW_DENSE_RANK, "group", false},
    {"first", OV_WINDOW_FIRST_VALUE, NULL, true},        {"last", OV_WINDOW_LAST_VALUE, NULL, true},
    {"offset", OV_WINDOW_LAG, NULL, true},               {"percentile", OV_WINDOW_NTILE, NULL, false},
    {"rank", OV_WINDOW_RANK, "group", false},            {"rowNumber", OV_WINDOW_ROW_NUMBER, NULL, false},
};

static ov_status function(ovi_nwindow *w, const ov_json *proc, size_t which, node *n)
{
    ov_slice out, in;
    uint32_t c, keys = w->sort_count - partition_prefix(w);
    ov_window_call call = {.fn = functions[which].fn, .type = OV_T(OV_TYPE_LONG), .sql = OV_SQL_BIGINT};
    OV_TRY(ov_json_need_str(proc, "outputColumn", &out, w->err));
    if (functions[which].group)
        OV_TRY(read_group(w, proc, functions[which].group, &keys));
    if (call.fn == OV_WINDOW_RANK) {
        bool percent;
        OV_TRY(ov_json_bool(proc, "asPercent", false, &percent, w->err));
        call.fn = percent ? OV_WINDOW_PERCENT_RANK : OV_WINDOW_RANK;
    }
    if (call.fn == OV_WINDOW_PERCENT_RANK || call.fn == OV_WINDOW_CUME_DIST) {
        call.type = OV_T(OV_TYPE_DOUBLE);
        call.sql = OV_SQL_DOUBLE;
    }
    if (call.fn == OV_WINDOW_NTILE)
        OV_TRY(ov_json_i64_in(proc, "numBuckets", 0, 1, INT32_MAX, &call.n, w->err));
    if (!functions[which].takes)
        return add_call(w, proc, n, keys, &call, out);
    OV_TRY(ov_json_need_str(proc, "inputColumn", &in, w->err));
    for (uint32_t i = 0; i < n->count; i++)
        if (ov_slice_eq(n->names[i], in)) { /* a result of this node */
            OV_TRY(close_node(w, proc, n));
            break;
        }
    OV_TRY(ovi_nwindow_column(w, ov_json_get(proc, "inputColumn"), in, &c));
    OV_TRY(ov_arena_alloc(w->p->arena, sizeof *call.args, &call.args, w->err));
    OV_TRY(ov_plan_column(w->p->cx, w->plan, c, &call.args[0], w->err));
    call.argc = 1;
    call.type = call.args[0]->type;
    call.sql = call.args[0]->sql;
    call.nullable = true;
    call.frame = (ov_window_frame){.from = {.kind = OV_EDGE_PARTITION}, .to = {.kind = OV_EDGE_PARTITION}};
    if (call.fn == OV_WINDOW_LAG) {
        OV_TRY(ov_json_i64_in(proc, "offset", 0, INT32_MIN, INT32_MAX, &call.n, w->err));
        call.fn = call.n > 0 ? OV_WINDOW_LEAD : OV_WINDOW_LAG;
        call.n = call.n < 0 ? -call.n : call.n;
    }
    return add_call(w, proc, n, keys, &call, out);
}

static ov_status processor(ovi_nwindow *w, const ov_json *proc, node *n, uint32_t depth)
{
    const ov_json *list;
    ov_slice type;
    OV_TRY(ov_json_expect(proc, OV_JSON_OBJECT, w->err));
    OV_TRY(ov_json_need_str(proc, "type", &type, w->err));
    OV_TRY(ovi_nwindow_step(w, proc));
    if (ov_slice_eq(type, OV_SLICE_LIT("framedAgg")))
        return framed(w, proc, n);
    if (ov_slice_eq(type, OV_SLICE_LIT("composing"))) {
        if (depth == OVI_NATIVE_QUERY_DEPTH)
            return ov_json_fail(proc, w->err, OV_LIMIT, "processors are nested too deeply");
        OV_TRY(ov_json_need_arr(proc, "processors", &list, w->err));
        for (const ov_json *v = list->first; v; v = v->next)
            OV_TRY(processor(w, v, n, depth + 1));
        return OV_OK;
    }
    for (size_t i = 0; i < OV_COUNT_OF(functions); i++)
        if (ov_slice_eq(type, ov_slice_cstr(functions[i].name)))
            return function(w, proc, i, n);
    return ov_json_fail(ov_json_get(proc, "type"), w->err, OV_INVALID,
                        "unknown processor '" OV_SLICE_FMT "'; there are framedAgg, rank, denseRank, rowNumber, cumeDist, "
                        "percentile, first, last, offset and composing",
                        OV_SLICE_ARG(type));
}

ov_status ovi_nwindow_process(ovi_nwindow *w, const ov_json *proc)
{
    node n = {0};
    OV_TRY(processor(w, proc, &n, 0));
    return close_node(w, proc, &n);
}
