/*
 * What grouping queries share: the rows they read, one AGGREGATE with its results named, and where buckets lie.
 */
#include "query/native/native_plan_int.h"

ov_status ovi_ncontext_bool(const ov_json *query, const char *key, bool dflt, bool *out, ov_error *err)
{
    const ov_json *v = ov_json_find(ov_json_find(query, "context"), key);
    *out = dflt;
    if (v && v->kind == OV_JSON_BOOL)
        *out = v->boolean;
    else if (v && v->kind == OV_JSON_STRING) /* plywood sends texts */
        *out = ov_slice_ieq(v->s, OV_SLICE_LIT("true"));
    else if (v)
        return ov_json_expect(v, OV_JSON_BOOL, err);
    return OV_OK;
}

ov_status ovi_ninput_open(ovi_nplanner *p, const ov_json *query, bool intervals_needed, ovi_ninput *out, ov_error *err)
{
    const ov_json *source, *filter;
    const ov_expr *when, *which;
    OV_TRY(ov_json_need(query, "dataSource", &source, err));
    OV_TRY(ovi_nsource(p, source, &out->rel, err));
    OV_TRY(ovi_nintervals(p, query, intervals_needed, &out->intervals, &out->interval_count, err));
    ovi_nscope_init(&out->scope, p, out->rel.plan);
    OV_TRY(ovi_nscope_virtual(&out->scope, query, err));
    OV_TRY(ovi_nin_intervals(&out->scope, out->intervals, out->interval_count, &when, err));
    OV_TRY(ov_json_obj(query, "filter", &filter, err));
    if (!filter && ov_json_find(query, "filter"))
        OV_TRY(ov_json_expect(ov_json_find(query, "filter"), OV_JSON_OBJECT, err));
    out->plan = out->rel.plan;
    if (when)
        OV_TRY(ov_plan_filter(p->arena, out->plan, when, &out->plan, err));
    if (!filter)
        return OV_OK;
    OV_TRY(ov_native_filter(filter, &out->scope.base, p->cx, &which, err));
    return ov_plan_filter(p->arena, out->plan, which, &out->plan, err);
}

/* ---- the grouping ---- */

ov_status ovi_nwiden(ovi_nplanner *p, const ov_plan *in, const ov_expr *const *more, uint32_t count,
                     const ov_plan **out, ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t n = in->field_count;
    *out = in;
    if (!count)
        return OV_OK;
    OV_TRY(ov_arena_alloc(p->arena, (n + count) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_zalloc(p->arena, (n + count) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(ov_plan_column(p->cx, in, i, &exprs[i], err));
        names[i] = in->fields[i].name;
    }
    memcpy(exprs + n, more, count * sizeof *exprs);
    return ov_plan_project(p->arena, in, exprs, names, n + count, out, err);
}

static ov_status check_names(const ovi_ngroup *g, const ov_slice *names, uint32_t first, uint32_t count, ov_error *err)
{
    for (uint32_t i = first; i < count; i++)
        for (uint32_t k = first; k < i; k++)
            if (ov_slice_eq(names[i], names[k]))
                return ov_json_fail(g->query, err, OV_INVALID,
                                    "the name '" OV_SLICE_FMT "' is given twice; dimensions and aggregators need names of "
                                    "their own",
                                    OV_SLICE_ARG(names[i]));
    return OV_OK;
}

/* Columns [first, first + count) behind all others, and without the `dropped` columns that follow them. */
static ov_status move_behind(ovi_nplanner *p, const ov_plan *in, uint32_t first, uint32_t count, uint32_t dropped, const ov_plan **out,
                             ov_error *err)
{
    const ov_expr **exprs;
    ov_slice *names;
    uint32_t n = in->field_count - dropped;
    *out = in;
    if (!dropped && (!count || first + count == n))
        return OV_OK;
    OV_TRY(ov_arena_alloc(p->arena, ((size_t)n + 1) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, ((size_t)n + 1) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t from = i < first ? i : i < n - count ? i + count + dropped : first + i - (n - count);
        OV_TRY(ov_plan_column(p->cx, in, from, &exprs[i], err));
        names[i] = in->fields[from].name;
    }
    return ov_plan_project(p->arena, in, exprs, names, n, out, err);
}

ov_status ovi_ngroup_plan(ovi_nplanner *p, const ovi_ngroup *g, const ov_plan *rows, const uint8_t *set,
                          const ov_plan **out, ov_error *err)
{
    const ov_expr **keys, **exprs;
    ov_slice *names;
    const ov_plan *grouped;
    uint32_t key_count = 0, n = 0;
    size_t room = (size_t)g->dim_count + g->aggs.count + g->aggs.order_count + g->aggs.other_count + 2;
    OV_TRY(ov_arena_alloc(p->arena, room * sizeof *keys, &keys, err));
    OV_TRY(ov_arena_alloc(p->arena, room * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, room * sizeof *names, &names, err));
    if (g->bucket)
        keys[key_count++] = g->bucket;
    for (uint32_t i = 0; i < g->dim_count; i++)
        if (!set || set[i])
            keys[key_count++] = g->dims[i].expr;
    OV_TRY(ov_plan_group(p->cx, rows, keys, key_count, g->aggs.calls, g->aggs.call_count, &grouped, err));
    uint32_t k = 0;
    if (g->bucket) {
        names[n] = OV_SLICE_LIT("__time");
        OV_TRY(ov_plan_column(p->cx, grouped, k++, &exprs[n++], err));
    }
    for (uint32_t i = 0; i < g->dim_count; i++) {
        names[n] = g->dims[i].name;
        if (!set || set[i])
            OV_TRY(ov_plan_column(p->cx, grouped, k++, &exprs[n++], err));
        else
            OV_TRY(ov_plan_null_like(p->cx, g->dims[i].expr, &exprs[n++], err));
    }
    for (uint32_t i = 0; i < g->aggs.count; i++) {
        names[n] = g->aggs.list[i].name;
        OV_TRY(ovi_nagg_result(p, &g->aggs, i, grouped, key_count, g->dims, g->dim_count, set, &exprs[n++], err));
    }
    OV_TRY(check_names(g, names, g->bucket != NULL, n, err));
    uint32_t shown = n;
    for (uint32_t i = 0; i < g->aggs.count; i++) {
        names[n] = (ov_slice){0};
        if (g->aggs.list[i].orders)
            OV_TRY(ov_plan_column(p->cx, grouped, key_count + g->aggs.list[i].call, &exprs[n++], err));
    }
    uint32_t others = n;
    for (uint32_t i = 0; i < g->aggs.count; i++) {
        names[n] = (ov_slice){0};
        if (g->aggs.list[i].other)
            OV_TRY(ov_plan_column(p->cx, grouped, key_count + g->aggs.list[i].other - 1, &exprs[n++], err));
    }
    OV_TRY(ov_plan_project(p->arena, grouped, exprs, names, n, out, err));
    OV_TRY(ovi_npost(p, g->query, &g->aggs, others, *out, out, err));
    OV_TRY(ovi_nsketch_final(p, &g->aggs, *out, out, err));
    return move_behind(p, *out, shown, g->aggs.order_count, g->aggs.other_count, out, err);
}

/* ---- buckets ---- */

int64_t ovi_nall_time(const ovi_ninput *in)
{
    if (in->interval_count == 0)
        return 0;
    for (uint32_t i = 0; i < in->interval_count && !in->rel.everywhere; i++) {
        int64_t first = INT64_MAX;
        for (uint32_t k = 0; k < in->rel.extent_count; k++)
            if (ov_interval_overlaps(in->intervals[i], in->rel.extents[k]))
                first = OV_MIN(first, OV_MAX(in->intervals[i].start, in->rel.extents[k].start));
        if (first != INT64_MAX)
            return first;
    }
    return in->intervals[0].start;
}

ov_status ovi_nspans(ovi_nplanner *p, const ovi_ninput *in, const ov_interval **out, uint32_t *count, ov_error *err)
{
    ov_interval *spans;
    uint32_t extents = in->rel.everywhere ? 1 : in->rel.extent_count;
    size_t n = 0;
    OV_TRY(ov_arena_alloc(p->arena, ((size_t)in->interval_count * extents + 1) * sizeof *spans, &spans, err));
    for (uint32_t i = 0; i < in->interval_count; i++)
        for (uint32_t k = 0; k < extents; k++) {
            spans[n] = in->intervals[i];
            if (!in->rel.everywhere)
                spans[n] = ov_interval_clip(in->intervals[i], in->rel.extents[k]);
            else if (spans[n].start <= OV_TIME_MIN || spans[n].end >= OV_TIME_MAX)
                continue; /* rows anywhere in all of time: only the buckets that hold some */
            n += spans[n].start < spans[n].end;
        }
    *out = spans;
    *count = (uint32_t)ov_interval_condense(spans, n);
    return OV_OK;
}
