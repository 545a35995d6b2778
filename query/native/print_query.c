/*
 * A plan as one native query: timeseries when it groups by nothing or by buckets of time, topN for the first groups of one
 * key by one result, groupBy for other groupings, scan for everything without a grouping.
 */
#include "query/native/print_query.h"

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

static ov_status take_sort(ovi_printer *p, ovi_ptop *t, ov_error *err)
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

static ov_status take_filter(ovi_printer *p, ovi_ptop *t, ov_error *err)
{
    const ov_expr **both;
    OV_TRY(ov_arena_alloc(p->arena, 2 * sizeof *both, &both, err));
    both[0] = t->having;
    both[1] = t->at->filter.predicate;
    t->having = both[1];
    return both[0] ? ov_expr_call(p->cx, OV_SLICE_LIT("AND"), both, 2, 0, 0, &t->having, err) : OV_OK;
}

static ov_status walk(ovi_printer *p, const ov_plan *plan, ovi_ptop *t, ov_error *err)
{
    bool ordered = false;
    *t = (ovi_ptop){.at = plan, .count = plan->field_count, .limit = OV_NO_LIMIT};
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

static ov_status print_dimension(ovi_pwrite *q, const ov_expr *key, uint32_t i, ov_error *err)
{
    ov_slice name;
    char type[48];
    OV_TRY(ovi_pcolumn(&q->columns, key, &name, err));
    ov_buf_add_str(&q->parts.dims, i ? ",{\"type\":\"default\",\"dimension\":" : "{\"type\":\"default\",\"dimension\":");
    ov_json_quote(&q->parts.dims, name);
    ov_buf_add_str(&q->parts.dims, ",\"outputName\":");
    ov_json_quote(&q->parts.dims, q->grouped[i]);
    ov_buf_addf(&q->parts.dims, ",\"outputType\":\"%s\"}", ovi_ptype(key, type));
    q->p->lost = q->p->lost || ov_type_is_list(key->type) || key->type.id == OV_TYPE_COMPLEX;
    return OV_OK;
}

/* The name of a value over the grouping's columns: one of them, or a post-aggregator. */
ov_status ovi_pwrite_result(ovi_pwrite *q, const ov_expr *e, ov_slice *name, ov_error *err)
{
    char type[48];
    ov_buf text;
    if (e->kind == OV_EXPR_COLUMN) {
        *name = q->grouped[e->column];
        return OV_OK;
    }
    uint32_t known = ov_expr_find(&q->post_places, q->posts, e);
    if (known != OV_NO_PLACE) {
        *name = q->post_names[known];
        return OV_OK;
    }
    OV_TRY(ov_expr_note(&q->post_places, q->p->arena, e, err));
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

static ov_status print_having(ovi_pwrite *q, ov_error *err)
{
    ovi_prel results = {.names = q->grouped, .base = q->t.at};
    ovi_pcolumns columns = {.p = q->p, .rel = &results};
    ov_buf_init(&columns.text);
    ov_status st = q->t.having ? ovi_pfilter(&columns, q->t.having, &q->parts.having, err) : OV_OK;
    q->p->lost = q->p->lost || columns.count; /* having knows no virtual columns */
    ov_buf_fini(&columns.text);
    return st;
}

/* Dimensions are named by what they read, as Druid does. */
static ov_status print_grouping(ovi_pwrite *q, uint32_t i, ov_error *err)
{
    const ov_plan *at = q->t.at;
    const ov_grouping_call *call = &at->aggregate.groupings[i];
    uint32_t before = at->aggregate.agg_count + i;
    ov_slice column;
    ov_buf_add_str(&q->parts.aggs, before ? ",{\"type\":\"grouping\",\"name\":" : "{\"type\":\"grouping\",\"name\":");
    ov_json_quote(&q->parts.aggs, q->grouped[at->aggregate.key_count + before]);
    ov_buf_add_str(&q->parts.aggs, ",\"groupings\":[");
    for (uint32_t k = 0; k < call->count; k++) {
        OV_TRY(ovi_pcolumn(&q->columns, at->aggregate.keys[call->keys[k]], &column, err));
        ov_buf_add_str(&q->parts.aggs, k ? "," : "");
        ov_json_quote(&q->parts.aggs, column);
    }
    ov_buf_add_str(&q->parts.aggs, "]}");
    return OV_OK;
}

static ov_status print_results(ovi_pwrite *q, ov_error *err)
{
    const ov_plan *at = q->t.at;
    uint32_t keys = at->aggregate.key_count;
    size_t room = (size_t)q->t.count + q->t.sort_count + 1;
    OV_TRY(ov_arena_alloc(q->p->arena, room * sizeof *q->posts, &q->posts, err));
    OV_TRY(ov_arena_alloc(q->p->arena, room * sizeof *q->post_names, &q->post_names, err));
    for (uint32_t i = 0; i < at->aggregate.agg_count; i++) {
        ov_buf_add_str(&q->parts.aggs, i ? "," : "");
        OV_TRY(ovi_pagg(&q->columns, &at->aggregate.aggs[i], q->grouped[keys + i], &q->parts.aggs, &q->parts.posts, err));
    }
    for (uint32_t i = 0; i < at->aggregate.grouping_count; i++)
        OV_TRY(print_grouping(q, i, err));
    for (uint32_t i = 0; i < q->t.count; i++)
        OV_TRY(ovi_pwrite_result(q, q->t.exprs[i], &q->out[i], err));
    return print_having(q, err);
}

static bool is_variance(const ov_plan *at, uint32_t field)
{
    if (field < at->aggregate.key_count || field - at->aggregate.key_count >= at->aggregate.agg_count)
        return false;
    ov_agg_kind kind = (ov_agg_kind)at->aggregate.aggs[field - at->aggregate.key_count].fn->kind;
    return kind == OV_AGG_VAR_POP || kind == OV_AGG_VAR_SAMP;
}

/* d0, d1 ..., a0, a1 ..., a2:agg for a variance; what is below may have such names already. */
static ov_status name_results(ovi_pwrite *q, ov_error *err)
{
    const ov_plan *at = q->t.at;
    uint32_t keys = at->aggregate.key_count, d = ovi_punused(&q->rel, 'd'), a = ovi_punused(&q->rel, 'a');
    OV_TRY(ov_arena_alloc(q->p->arena, (at->field_count + (size_t)1) * sizeof *q->grouped, &q->grouped, err));
    for (uint32_t i = 0; i < at->field_count; i++)
        OV_TRY(ov_arena_printf(q->p->arena, &q->grouped[i], err, "%.*s%c%u%s", (int)OV_MIN(i < keys ? d : a, 16u), "________________",
                               i < keys ? 'd' : 'a', i < keys ? i : i - keys, is_variance(at, i) ? ":agg" : ""));
    q->p->lost = q->p->lost || d > 16 || a > 16;
    return OV_OK;
}

/* ---- the types ---- */

/* Which columns of what is below the query reads: those printed below it are no more. */
static ov_status mark_used(ovi_pwrite *q, const ov_expr *const *list, uint32_t count, ov_error *err)
{
    uint32_t width = q->rel.base->field_count;
    if (q->p->below.kind != OVI_PBELOW_QUERY || q->p->below.node != q->rel.base)
        return OV_OK;
    if (!q->p->below.used)
        OV_TRY(ov_arena_zalloc(q->p->arena, (width / 64 + (size_t)1) * sizeof *q->p->below.used, &q->p->below.used, err));
    for (uint32_t i = 0; i < count; i++)
        if (list[i])
            ov_expr_columns(list[i], q->p->below.used, width);
    return OV_OK;
}

static ov_status print_group(ovi_pwrite *q, ov_buf *b, ov_error *err)
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
    OV_TRY(mark_used(q, keys, at->aggregate.key_count, err));
    OV_TRY(mark_used(q, &q->rel.filter, 1, err));
    for (uint32_t i = 0; i < at->aggregate.agg_count; i++) {
        OV_TRY(mark_used(q, calls[i].args, calls[i].argc, err));
        OV_TRY(mark_used(q, &calls[i].filter, 1, err));
    }
    moved->aggregate.keys = keys;
    moved->aggregate.aggs = calls;
    q->t.at = moved;
    OV_TRY(name_results(q, err));
    q->has_bucket = at->aggregate.key_count == 1 && ovi_pis_bucket(q, keys[0]);
    if (q->rel.filter)
        OV_TRY(ovi_pfilter(&q->columns, q->rel.filter, &q->parts.filter, err));
    bool series = ovi_pis_series(q);
    if (!series)
        for (uint32_t i = 0; i < at->aggregate.key_count; i++)
            OV_TRY(print_dimension(q, keys[i], i, err));
    OV_TRY(print_results(q, err));
    if (series)
        return ovi_pwrite_series(q, b, err);
    return ovi_pis_top(q) ? ovi_pwrite_top(q, b, err) : ovi_pwrite_group(q, b, err);
}

/* What a scan is ordered by is among its columns. */
static void show_time(ovi_pwrite *q, uint32_t *shown)
{
    for (uint32_t i = 0; i < q->t.count; i++)
        if (ov_slice_eq(q->out[i], OV_SLICE_LIT("__time")))
            return;
    ov_buf_add_str(&q->parts.columns, (*shown)++ ? ",\"__time\"" : "\"__time\"");
    ov_buf_add_str(&q->parts.types, q->parts.types.n ? ",\"LONG\"" : "\"LONG\"");
    q->time_behind = true;
}

static ov_status print_scan(ovi_pwrite *q, ov_buf *b, ov_error *err)
{
    char type[48];
    ov_buf *list = &q->parts.columns, *types = &q->parts.types, *order = &q->parts.order;
    ov_slice name;
    ov_places places = {0};
    uint32_t shown = 0;
    OV_TRY(ovi_prel_open(q->p, q->t.at, &q->rel, err));
    if (q->p->lost)
        return OV_OK;
    OV_TRY(rebase_all(q->p, &q->t.exprs, q->t.count, q->rel.exprs, err));
    OV_TRY(rebase_all(q->p, &q->t.sort, q->t.sort_count, q->rel.exprs, err));
    OV_TRY(mark_used(q, q->t.exprs, q->t.count, err));
    OV_TRY(mark_used(q, q->t.sort, q->t.sort_count, err));
    OV_TRY(mark_used(q, &q->rel.filter, 1, err));
    if (q->rel.filter)
        OV_TRY(ovi_pfilter(&q->columns, q->rel.filter, &q->parts.filter, err));
    for (uint32_t i = 0; i < q->t.count; i++) {
        OV_TRY(ovi_pcolumn(&q->columns, q->t.exprs[i], &q->out[i], err));
        bool again = ovi_pname_known(&places, q->out, q->out[i]);
        OV_TRY(ovi_pname_note(&places, q->p->arena, q->out[i], err));
        if (again)
            continue;
        ov_buf_add_str(list, shown ? "," : "");
        ov_json_quote(list, q->out[i]);
        ov_buf_addf(types, "%s\"%s\"", shown++ ? "," : "", ovi_ptype(q->t.exprs[i], type));
    }
    bool by_time = q->t.sort_count == 1 && q->t.sort[0]->kind == OV_EXPR_COLUMN &&
                   ov_slice_eq(q->rel.names[q->t.sort[0]->column], OV_SLICE_LIT("__time"));
    if (by_time)
        show_time(q, &shown);
    for (uint32_t i = 0; i < (by_time ? 0 : q->t.sort_count); i++) {
        OV_TRY(ovi_pcolumn(&q->columns, q->t.sort[i], &name, err));
        ov_buf_add_str(order, i ? ",{\"columnName\":" : "{\"columnName\":");
        ov_json_quote(order, name);
        ov_buf_addf(order, ",\"order\":\"%s\"}", q->t.sort_keys[i].descending ? "descending" : "ascending");
    }
    q->p->lost = q->p->lost || q->t.limit == 0 || !ovi_pplain_nulls(q) || shown == 0;
    ov_buf_add_str(b, "{\"queryType\":\"scan\"");
    ovi_padd_source(q, b);
    ovi_padd_intervals(q, b);
    ovi_padd_list(b, "virtualColumns", &q->columns.text);
    ov_buf_add_str(b, ",\"resultFormat\":\"compactedList\"");
    if (q->t.offset)
        ov_buf_addf(b, ",\"offset\":%llu", (unsigned long long)q->t.offset);
    if (q->t.limit != OV_NO_LIMIT)
        ov_buf_addf(b, ",\"limit\":%llu", (unsigned long long)q->t.limit);
    if (by_time)
        ov_buf_addf(b, ",\"order\":\"%s\"", q->t.sort_keys[0].descending ? "descending" : "ascending");
    ovi_padd_list(b, "orderBy", order);
    ovi_padd_filter(q, b);
    ovi_padd_list(b, "columns", list);
    OV_TRY(ovi_padd_context(q, false, b, err));
    ovi_padd_list(b, "columnTypes", types);
    ov_buf_add_str(b, ",\"granularity\":{\"type\":\"all\"},\"legacy\":false");
    return OV_OK;
}

static ov_status add_signature(ovi_pwrite *q, const ov_plan *plan, ov_slice *out, ov_error *err)
{
    ov_buf text;
    char type[48];
    ov_places places = {0};
    ov_status st = OV_OK;
    ov_buf_init(&text);
    ov_buf_add_char(&text, '[');
    for (uint32_t i = 0; i < q->t.count && st == OV_OK; i++) {
        bool again = ovi_pname_known(&places, q->out, q->out[i]);
        st = ovi_pname_note(&places, q->p->arena, q->out[i], err);
        if (again)
            continue;
        ov_type t = plan->fields[i].type;
        t.multi = 0;
        ov_buf_add_str(&text, i ? ",{\"name\":" : "{\"name\":");
        ov_json_quote(&text, q->out[i]);
        ov_buf_addf(&text, ",\"type\":\"%s\"}", t.id == OV_TYPE_NULL ? "STRING" : ov_type_name(t, type));
    }
    if (q->time_behind)
        ov_buf_add_str(&text, q->t.count ? ",{\"name\":\"__time\",\"type\":\"LONG\"}" : "{\"name\":\"__time\",\"type\":\"LONG\"}");
    ov_buf_add_char(&text, ']');
    if (st == OV_OK)
        st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(q->p->arena, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

ov_status ovi_pquery_print(ovi_printer *p, const ov_plan *plan, ovi_pquery *out, ov_error *err)
{
    ovi_pwrite q = {.p = p};
    ov_buf text;
    *out = (ovi_pquery){.text = OV_SLICE_LIT("")};
    bool windows = ovi_pwindow_at(plan) != NULL;
    if (windows)
        q.t = (ovi_ptop){.at = plan, .count = plan->field_count, .limit = OV_NO_LIMIT};
    else
        OV_TRY(walk(p, plan, &q.t, err));
    OV_TRY(ov_arena_zalloc(p->arena, (q.t.count + (size_t)1) * sizeof *q.out, &q.out, err));
    q.columns = (ovi_pcolumns){.p = p, .rel = &q.rel};
    ov_buf *const bufs[] = {&text,           &q.columns.text, &q.parts.dims, &q.parts.aggs,
                            &q.parts.posts,  &q.parts.filter, &q.parts.having, &q.parts.order,
                            &q.parts.columns, &q.parts.types};
    for (size_t i = 0; i < OV_COUNT_OF(bufs); i++)
        ov_buf_init(bufs[i]);
    ov_status st = windows                            ? ovi_pwindow_write(&q, plan, &text, err)
                   : q.t.at->kind == OV_PLAN_AGGREGATE ? print_group(&q, &text, err)
                                                       : print_scan(&q, &text, err);
    ov_buf_add_char(&text, '}');
    if (st == OV_OK)
        st = ov_buf_check(&text, err);
    if (st == OV_OK && !p->lost)
        st = ov_arena_copy(p->arena, ov_buf_slice(&text), &out->text, err);
    if (st == OV_OK && !p->lost)
        st = add_signature(&q, plan, &out->signature, err);
    out->columns = q.out;
    out->time_behind = q.time_behind;
    for (size_t i = 0; i < OV_COUNT_OF(bufs); i++)
        ov_buf_fini(bufs[i]);
    return st;
}

/* ---- the whole ---- */

static ov_status add_one(ovi_printer *p, const ov_plan *plan, const ov_plan *named, ov_buf *out, ov_error *err)
{
    ovi_pquery one;
    OV_TRY(ovi_pquery_print(p, plan, &one, err));
    if (p->lost)
        return OV_OK;
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
    bool sides = optimised->kind == OV_PLAN_UNION;
    ov_status st = OV_OK;
    ov_buf_init(&text);
    if (ovi_ptree_system(optimised, &text)) {
        p.lost = false;
    } else if (how->rel) {
        st = ovi_ptree_print(&p, optimised, 0, &text, err);
    } else {
        ov_buf_add_char(&text, '[');
        for (uint32_t i = 0; i < (sides ? optimised->input_count : 1) && st == OV_OK && !p.lost; i++) {
            ov_buf_add_str(&text, i ? "," : "");
            st = add_one(&p, sides ? optimised->inputs[i] : optimised, optimised, &text, err);
        }
        ov_buf_add_char(&text, ']');
    }
    *printed = st == OV_OK && !p.lost && !text.failed;
    if (*printed)
        ov_buf_add_slice(out, ov_buf_slice(&text));
    ov_buf_fini(&text);
    return st;
}
