/*
 * Windows as Druid's windowOperator: the rows of a query, sorted and partitioned, then processors.
 */
#include "query/native/print_query.h"

#include "base/bits.h"
#include "base/hash.h"

/* The WINDOW that these columns come from unchanged; NULL when there is more than picking above it. */
const ov_plan *ovi_pwindow_at(const ov_plan *plan)
{
    while (plan->kind == OV_PLAN_PROJECT) {
        for (uint32_t i = 0; i < plan->field_count; i++)
            if (plan->project.exprs[i]->kind != OV_EXPR_COLUMN)
                return NULL;
        plan = plan->inputs[0];
    }
    return plan->kind == OV_PLAN_WINDOW ? plan : NULL;
}

typedef struct windows {
    ovi_printer *p;
    ovi_pwrite *q;
    ov_slice *names; /* of all columns so far */
    uint32_t prefix, made; /* underscores before w0, w1 ... */
    ov_buf ops;
    bool partitioned;
    const ov_plan *before; /* the node whose order the rows have; NULL: none yet */
} windows;

static void add_direction(windows *w, uint32_t column, bool down, bool *first)
{
    ov_buf_add_str(&w->ops, *first ? "{\"column\":" : ",{\"column\":");
    ov_json_quote(&w->ops, w->names[column]);
    ov_buf_addf(&w->ops, ",\"direction\":\"%s\"}", down ? "DESC" : "ASC");
    *first = false;
}

/* Column i of the order that a node needs: partition first. */
static bool order_at(const ov_plan *node, uint32_t i, uint32_t *column, bool *down)
{
    uint32_t n = node->window.partition_count;
    if (i >= n + node->window.key_count)
        return false;
    *column = i < n ? node->window.partition[i] : node->window.keys[i - n].column;
    *down = i >= n && node->window.keys[i - n].descending;
    return true;
}

static bool order_holds(const ov_plan *before, const ov_plan *node)
{
    uint32_t a, b;
    bool down_a, down_b;
    for (uint32_t i = 0; order_at(node, i, &b, &down_b); i++)
        if (!before || !order_at(before, i, &a, &down_a) || a != b || down_a != down_b)
            return false;
    return true;
}

static bool same_partition(const ov_plan *a, const ov_plan *b)
{
    return a && a->window.partition_count == b->window.partition_count &&
           (a->window.partition_count == 0 ||
            memcmp(a->window.partition, b->window.partition, a->window.partition_count * sizeof *a->window.partition) == 0);
}

static void add_order(windows *w, const ov_plan *node)
{
    bool sorted = order_holds(w->before, node), first = true, down;
    uint32_t column;
    for (uint32_t i = 0; i < node->window.key_count; i++) {
        const ov_sort_key *k = &node->window.keys[i];
        if (k->nulls_first == k->descending && node->inputs[0]->fields[k->column].nullable)
            w->p->lost = true;
    }
    if (!sorted) {
        ov_buf_add_str(&w->ops, w->ops.n ? ",{\"type\":\"naiveSort\",\"columns\":[" : "{\"type\":\"naiveSort\",\"columns\":[");
        for (uint32_t i = 0; order_at(node, i, &column, &down); i++)
            add_direction(w, column, down, &first);
        ov_buf_add_str(&w->ops, "]}");
    }
    if (sorted && w->partitioned && same_partition(w->before, node))
        return;
    ov_buf_add_str(&w->ops, w->ops.n ? "," : "");
    ov_buf_add_str(&w->ops, "{\"type\":\"naivePartition\",\"partitionColumns\":[");
    for (uint32_t i = 0; i < node->window.partition_count; i++) {
        ov_buf_add_str(&w->ops, i ? "," : "");
        ov_json_quote(&w->ops, w->names[node->window.partition[i]]);
    }
    ov_buf_add_str(&w->ops, "]}");
    w->partitioned = true;
    w->before = sorted && w->before && w->before->window.partition_count == node->window.partition_count ? w->before : node;
}

static void add_group(windows *w, const ov_plan *node, const char *key, ov_buf *out)
{
    ov_buf_addf(out, "\"%s\":[", key);
    for (uint32_t i = 0; i < node->window.key_count; i++) {
        ov_buf_add_str(out, i ? "," : "");
        ov_json_quote(out, w->names[node->window.keys[i].column]);
    }
    ov_buf_add_char(out, ']');
}

static void add_edge(windows *w, const ov_window_edge *edge, const char *key, ov_buf *out)
{
    if (edge->kind == OV_EDGE_PARTITION)
        return;
    if (edge->n > INT32_MAX || edge->real != 0)
        w->p->lost = true;
    ov_buf_addf(out, ",\"%s\":%s%lld", key, edge->kind == OV_EDGE_PRECEDING && edge->n ? "-" : "", (long long)edge->n);
}

static void add_frame(windows *w, const ov_plan *node, const ov_window_frame *f, ov_buf *out)
{
    bool peers = f->range && !node->window.key_count && f->to.kind == OV_EDGE_CURRENT; /* all rows are */
    if (f->from.kind == OV_EDGE_PARTITION && (peers || f->to.kind == OV_EDGE_PARTITION)) {
        ov_buf_add_str(out, "{\"type\":\"unbounded\"}");
        return;
    }
    if (f->range && !f->groups && (f->from.kind > OV_EDGE_CURRENT || f->to.kind > OV_EDGE_CURRENT))
        w->p->lost = true;
    ov_buf_addf(out, "{\"type\":\"%s\"", f->range ? "groups" : "rows");
    add_edge(w, &f->from, "lowerOffset", out);
    add_edge(w, &f->to, "upperOffset", out);
    if (f->range) {
        ov_buf_add_char(out, ',');
        add_group(w, node, "orderByColumns", out);
    }
    ov_buf_add_char(out, '}');
}

static bool same_frame(const ov_window_frame *a, const ov_window_frame *b)
{
    return a->range == b->range && a->groups == b->groups && a->from.kind == b->from.kind && a->to.kind == b->to.kind && a->from.n == b->from.n &&
           a->to.n == b->to.n && a->from.real == b->from.real && a->to.real == b->to.real;
}

/* Equal frames have equal hashes. */
static uint64_t frame_hash(const ov_window_frame *f)
{
    int64_t parts[] = {f->range, f->groups, f->from.kind, f->to.kind, f->from.n, f->to.n};
    return ov_hash_bytes(parts, sizeof parts);
}

static void open_processor(const char *type, ov_buf *out)
{
    ov_buf_addf(out, "%s{\"type\":\"%s\"", out->n ? "," : "", type);
}

static void add_output(ov_slice name, ov_buf *out)
{
    ov_buf_add_str(out, ",\"outputColumn\":");
    ov_json_quote(out, name);
}

static void add_value(windows *w, const ov_window_call *call, const char *type, ov_slice name, ov_buf *out)
{
    const ov_expr *x = call->args[0];
    open_processor(type, out);
    ov_buf_add_str(out, ",\"inputColumn\":");
    ov_json_quote(out, x->kind == OV_EXPR_COLUMN ? w->names[x->column] : (ov_slice){"", 0});
    add_output(name, out);
    w->p->lost = w->p->lost || x->kind != OV_EXPR_COLUMN || call->ignore_nulls || call->argc > 1;
}

static void add_rank(windows *w, const ov_plan *node, const char *type, ov_slice name, ov_buf *out)
{
    open_processor(type, out);
    ov_buf_add_char(out, ',');
    add_group(w, node, "group", out);
    add_output(name, out);
}

static void add_function(windows *w, const ov_plan *node, const ov_window_call *call, ov_slice name, ov_buf *out)
{
    bool whole = call->frame.from.kind == OV_EDGE_PARTITION;
    switch ((ov_window_fn)call->fn) {
    case OV_WINDOW_ROW_NUMBER:
        open_processor("rowNumber", out);
        add_output(name, out);
        break;
    case OV_WINDOW_RANK:
    case OV_WINDOW_PERCENT_RANK:
        add_rank(w, node, "rank", name, out);
        ov_buf_addf(out, ",\"asPercent\":%s", call->fn == OV_WINDOW_RANK ? "false" : "true");
        break;
    case OV_WINDOW_DENSE_RANK:
        add_rank(w, node, "denseRank", name, out);
        break;
    case OV_WINDOW_CUME_DIST:
        add_rank(w, node, "cumeDist", name, out);
        break;
    case OV_WINDOW_NTILE:
        open_processor("percentile", out);
        add_output(name, out);
        ov_buf_addf(out, ",\"numBuckets\":%lld", (long long)call->n);
        break;
    case OV_WINDOW_LAG:
    case OV_WINDOW_LEAD:
        add_value(w, call, "offset", name, out);
        ov_buf_addf(out, ",\"offset\":%s%lld", call->fn == OV_WINDOW_LAG && call->n ? "-" : "", (long long)call->n);
        break;
    case OV_WINDOW_FIRST_VALUE:
        add_value(w, call, "first", name, out);
        w->p->lost = w->p->lost || !whole;
        break;
    case OV_WINDOW_LAST_VALUE:
        add_value(w, call, "last", name, out);
        w->p->lost = w->p->lost || call->frame.to.kind != OV_EDGE_PARTITION;
        break;
    case OV_WINDOW_AGGREGATE:
    case OV_WINDOW_COMPARE:
    case OV_WINDOW_NTH_VALUE:
        w->p->lost = true;
        break;
    }
    ov_buf_add_char(out, '}');
}

/* Aggregates by frame. */
typedef struct framed {
    uint32_t *firsts, count; /* calls of which each is the first with its frame */
    uint32_t *next;          /* of each call: the next with the same frame, NO_CALL: none */
} framed;

enum { NO_CALL = UINT32_MAX };

static ov_status by_frame(windows *w, const ov_plan *node, framed *out, ov_error *err)
{
    uint32_t n = node->window.call_count, *last; /* of each of `firsts` */
    ov_places places = {0};
    OV_TRY(ov_arena_alloc(w->p->arena, ((size_t)n + 1) * sizeof *out->firsts, &out->firsts, err));
    OV_TRY(ov_arena_alloc(w->p->arena, ((size_t)n + 1) * sizeof *out->next, &out->next, err));
    OV_TRY(ov_arena_alloc(w->p->arena, ((size_t)n + 1) * sizeof *last, &last, err));
    out->count = 0;
    for (uint32_t i = 0; i < n; i++) {
        const ov_window_frame *frame = &node->window.calls[i].frame;
        uint64_t hash = frame_hash(frame);
        uint32_t at = NO_CALL;
        out->next[i] = NO_CALL;
        if (node->window.calls[i].fn != OV_WINDOW_AGGREGATE)
            continue;
        OV_EACH_PLACE(&places, hash, place, slot)
        {
            if (at == NO_CALL && same_frame(&node->window.calls[out->firsts[place]].frame, frame))
                at = place;
        }
        if (at == NO_CALL) {
            OV_TRY(ov_places_add(&places, w->p->arena, hash, err));
            last[out->count] = i;
            out->firsts[out->count++] = i;
        } else {
            out->next[last[at]] = i;
            last[at] = i;
        }
    }
    return OV_OK;
}

/* The aggregates that see this call's frame, the call being the first of them. */
static ov_status add_framed(windows *w, const ov_plan *node, const framed *calls, uint32_t first, const ov_slice *names, ov_buf *out,
                            ov_error *err)
{
    const ov_window_frame *frame = &node->window.calls[first].frame;
    ovi_prel rel = {.names = w->names, .base = node->inputs[0]};
    ovi_pcolumns columns = {.p = w->p, .rel = &rel};
    ov_buf posts;
    ov_status st = OV_OK;
    ov_buf_init(&posts);
    ov_buf_init(&columns.text);
    open_processor("framedAgg", out);
    ov_buf_add_str(out, ",\"frame\":");
    add_frame(w, node, frame, out);
    ov_buf_add_str(out, ",\"aggregations\":[");
    for (uint32_t i = first; i != NO_CALL && st == OV_OK; i = calls->next[i]) {
        ov_buf_add_str(out, i != first ? "," : "");
        st = ovi_pagg(&columns, node->window.calls[i].agg, names[i], out, &posts, err);
    }
    ov_buf_add_str(out, "]}");
    w->p->lost = w->p->lost || columns.count || posts.n; /* neither is known inside a window */
    ov_buf_fini(&columns.text);
    ov_buf_fini(&posts);
    return st;
}

static ov_status add_node(windows *w, const ov_plan *node, ov_error *err)
{
    ov_slice *names = w->names + node->inputs[0]->field_count;
    ov_buf list;
    framed aggregates;
    uint32_t count = 0;
    ov_status st = OV_OK;
    OV_TRY(by_frame(w, node, &aggregates, err));
    for (uint32_t i = 0; i < node->window.call_count; i++)
        OV_TRY(ov_arena_printf(w->p->arena, &names[i], err, "%.*sw%u", (int)w->prefix, "________________", w->made++));
    add_order(w, node);
    ov_buf_init(&list);
    for (uint32_t i = 0; i < node->window.call_count; i++)
        if (node->window.calls[i].fn != OV_WINDOW_AGGREGATE) {
            add_function(w, node, &node->window.calls[i], names[i], &list);
            count++;
        }
    for (uint32_t i = 0; i < aggregates.count && st == OV_OK; i++)
        st = add_framed(w, node, &aggregates, aggregates.firsts[i], names, &list, err);
    count += aggregates.count;
    ov_buf_add_str(&w->ops, ",{\"type\":\"window\",\"processor\":");
    ov_buf_add_str(&w->ops, count > 1 ? "{\"type\":\"composing\",\"processors\":[" : "");
    ov_buf_add_slice(&w->ops, ov_buf_slice(&list));
    ov_buf_add_str(&w->ops, count > 1 ? "]}}" : "}");
    ov_buf_fini(&list);
    return st;
}

static ov_status add_nodes(windows *w, const ov_plan *plan, ov_error *err)
{
    if (plan->inputs[0]->kind == OV_PLAN_WINDOW)
        OV_TRY(add_nodes(w, plan->inputs[0], err));
    return add_node(w, plan, err);
}

static ov_status write_signature(ovi_printer *p, ovi_pwrite *q, const ov_plan *plan, ov_buf *b, ov_error *err)
{
    char type[48];
    uint32_t shown = 0;
    const uint64_t *first;
    OV_TRY(ovi_pfirst_names(p, q->out, plan->field_count, &first, err));
    ov_buf_add_str(b, ",\"outputSignature\":[");
    for (uint32_t i = 0; i < plan->field_count; i++) {
        if (!ov_bits_test(first, i))
            continue;
        ov_type t = plan->fields[i].type;
        t.multi = 0;
        ov_buf_add_str(b, shown++ ? ",{\"name\":" : "{\"name\":");
        ov_json_quote(b, q->out[i]);
        ov_buf_addf(b, ",\"type\":\"%s\"}", t.id == OV_TYPE_NULL ? "STRING" : ov_type_name(t, type));
    }
    ov_buf_add_char(b, ']');
    return OV_OK;
}

static ov_status write_all(windows *w, const ov_plan *plan, const ov_plan *top, ov_buf *b, ov_error *err)
{
    const ov_plan *base = top;
    while (base->kind == OV_PLAN_WINDOW)
        base = base->inputs[0];
    OV_TRY(ov_arena_zalloc(w->p->arena, (top->field_count + (size_t)1) * sizeof *w->names, &w->names, err));
    OV_TRY(ovi_prel_query(w->p, base, &w->q->rel, err));
    if (w->p->lost)
        return OV_OK;
    memcpy(w->names, w->q->rel.names, base->field_count * sizeof *w->names);
    w->prefix = ovi_punused(&w->q->rel, 'w');
    w->p->lost = w->prefix > 16;
    OV_TRY(add_nodes(w, top, err));
    for (uint32_t i = 0; i < plan->field_count; i++) {
        uint32_t column = i;
        for (const ov_plan *at = plan; at != top; at = at->inputs[0])
            column = at->project.exprs[column]->column;
        w->q->out[i] = w->names[column];
    }
    ov_buf_add_str(b, "{\"queryType\":\"windowOperator\"");
    ovi_padd_source(w->q, b);
    ov_buf_add_str(b, ",\"intervals\":{\"type\":\"LegacySegmentSpec\",\"intervals\":[\"");
    ov_interval_add(b, OV_INTERVAL_ETERNITY);
    ov_buf_add_str(b, "\"]}");
    OV_TRY(ovi_padd_context(w->q, false, b, err));
    OV_TRY(write_signature(w->p, w->q, plan, b, err));
    ov_buf_add_str(b, ",\"operatorDefinition\":[");
    ov_buf_add_slice(b, ov_buf_slice(&w->ops));
    ov_buf_add_str(b, "],\"leafOperators\":[],\"granularity\":{\"type\":\"all\"}");
    return OV_OK;
}

ov_status ovi_pwindow_write(ovi_pwrite *q, const ov_plan *plan, ov_buf *b, ov_error *err)
{
    windows w = {.p = q->p, .q = q};
    ov_buf_init(&w.ops);
    ov_status st = write_all(&w, plan, ovi_pwindow_at(plan), b, err);
    if (st == OV_OK)
        st = ov_buf_check(&w.ops, err);
    ov_buf_fini(&w.ops);
    return st;
}
