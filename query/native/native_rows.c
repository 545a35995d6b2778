/*
 * Queries that list: scan, search, timeBoundary.
 */
#include "query/native/native_plan_int.h"

enum { SEARCH_LIMIT = 1000 }; /* of values, where the query names none */

/* ---- scan ---- */

/* Of numbers that are made of a multi-value string a scan shows all. */
static ov_status with_all_values(ovi_nscope *s, ov_slice name, const ov_expr **e, ov_error *err)
{
    for (uint32_t i = 0; i < s->def_count; i++)
        if (ov_slice_eq(s->defs[i].name, name) && s->defs[i].as_bound)
            return ov_expr_all_values(s->p->cx, s->defs[i].as_bound, *e, e, err);
    return OV_OK;
}

static ov_status scan_columns(ovi_ninput *in, const ov_json *query, const ov_expr ***exprs, ov_slice **names,
                              uint32_t *count, ov_error *err)
{
    const ov_json *list;
    ovi_nscope *s = &in->scope;
    uint32_t n = 0;
    OV_TRY(ov_json_arr(query, "columns", &list, err));
    bool all = !list || list->count == 0;
    size_t room = all ? (size_t)s->plan->field_count + s->def_count : list->count;
    OV_TRY(ov_arena_alloc(s->p->arena, (room + 2) * sizeof **exprs, exprs, err));
    OV_TRY(ov_arena_alloc(s->p->arena, (room + 2) * sizeof **names, names, err));
    for (uint32_t i = 0; all && i < room; i++) {
        ov_slice name = i < s->plan->field_count ? s->plan->fields[i].name : s->defs[i - s->plan->field_count].name;
        bool seen = name.n == 0;
        for (uint32_t k = 0; k < n; k++)
            seen |= ov_slice_eq((*names)[k], name);
        if (!seen)
            (*names)[n++] = name;
    }
    for (const ov_json *v = all ? NULL : list->first; v; v = v->next)
        OV_TRY(ov_json_as_str(v, &(*names)[n++], err));
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(s->base.column(s, s->p->cx, (*names)[i], &(*exprs)[i], err));
        if (!(*exprs)[i])
            OV_TRY(ov_expr_null(s->p->cx, OV_SQL_NULL, &(*exprs)[i], err));
        else
            OV_TRY(ovi_nscope_value(s, (*names)[i], &(*exprs)[i], err));
        OV_TRY(with_all_values(s, (*names)[i], &(*exprs)[i], err));
    }
    *count = n;
    return OV_OK;
}

/* order, orderBy: sort keys over the columns; what is not among them comes behind. */
static ov_status scan_order(ovi_ninput *in, const ov_json *query, const ov_expr **exprs, ov_slice *names,
                            uint32_t *count, uint32_t room, ov_sort_key *keys, uint32_t *key_count, ov_error *err)
{
    const ov_json *list;
    ov_slice order;
    OV_TRY(ov_json_str(query, "order", OV_SLICE_LIT("none"), &order, err));
    OV_TRY(ov_json_arr(query, "orderBy", &list, err));
    for (const ov_json *v = list ? list->first : NULL; v; v = v->next) {
        ov_slice name, direction;
        uint32_t c = 0;
        OV_TRY(ov_json_need_str(v, "columnName", &name, err));
        OV_TRY(ov_json_str(v, "order", OV_SLICE_LIT("ascending"), &direction, err));
        while (c < *count && !ov_slice_eq(names[c], name))
            c++;
        if (c == *count) {
            if (*count == room)
                return ov_json_fail(v, err, OV_LIMIT, "too many columns to order by");
            OV_TRY(ovi_nscope_value(&in->scope, name, &exprs[c], err));
            names[(*count)++] = (ov_slice){0};
        }
        bool descending = ov_slice_ieq(direction, OV_SLICE_LIT("descending"));
        keys[(*key_count)++] = (ov_sort_key){c, descending, !descending};
    }
    if (list && list->count)
        return OV_OK;
    bool up = ov_slice_ieq(order, OV_SLICE_LIT("ascending")), down = ov_slice_ieq(order, OV_SLICE_LIT("descending"));
    if (!up && !down) {
        if (!ov_slice_ieq(order, OV_SLICE_LIT("none")))
            return ov_json_fail(ov_json_get(query, "order"), err, OV_INVALID,
                                "unknown order '" OV_SLICE_FMT "'; there are none, ascending and descending",
                                OV_SLICE_ARG(order));
        return OV_OK;
    }
    OV_TRY(ovi_nscope_time(&in->scope, &exprs[*count], err));
    names[*count] = (ov_slice){0};
    keys[(*key_count)++] = (ov_sort_key){(*count)++, down, !down};
    return OV_OK;
}

static ov_status scan_format(const ov_json *query, ov_native_query *q, ov_error *err)
{
    ov_slice format;
    int64_t n;
    OV_TRY(ov_json_str(query, "resultFormat", OV_SLICE_LIT("list"), &format, err));
    q->scan_format = ov_slice_ieq(format, OV_SLICE_LIT("compactedList")) ? OV_NATIVE_SCAN_COMPACTED : OV_NATIVE_SCAN_LIST;
    if (ov_slice_ieq(format, OV_SLICE_LIT("valueVector")))
        return ov_json_fail(ov_json_get(query, "resultFormat"), err, OV_UNSUPPORTED,
                            "valueVector is not supported, as in Druid; use list or compactedList");
    if (q->scan_format == OV_NATIVE_SCAN_LIST && !ov_slice_ieq(format, OV_SLICE_LIT("list")))
        return ov_json_fail(ov_json_get(query, "resultFormat"), err, OV_INVALID,
                            "unknown result format '" OV_SLICE_FMT "'; there are list and compactedList",
                            OV_SLICE_ARG(format));
    OV_TRY(ov_json_i64_in(query, "batchSize", 20480, 0, INT32_MAX, &n, err));
    q->batch_rows = n ? (uint32_t)n : 20480;
    return OV_OK;
}

ov_status ovi_nplan_scan(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ovi_nrel *rel, ov_error *err)
{
    ovi_ninput in;
    const ov_expr **exprs;
    ov_slice *names;
    ov_sort_key *keys;
    uint32_t count, visible, key_count = 0;
    int64_t limit, offset;
    *q = (ov_native_query){.type = OV_NATIVE_SCAN};
    OV_TRY(ovi_ninput_open(p, query, true, &in, err));
    OV_TRY(scan_format(query, q, err));
    OV_TRY(ov_json_i64_in(query, "limit", 0, 0, INT64_MAX, &limit, err));
    OV_TRY(ov_json_i64_in(query, "offset", 0, 0, INT64_MAX, &offset, err));
    OV_TRY(scan_columns(&in, query, &exprs, &names, &count, err));
    const ov_json *by = ov_json_find(query, "orderBy");
    uint32_t room = count + (by ? by->count : 0) + 1;
    const ov_expr **wide;
    ov_slice *wide_names;
    OV_TRY(ov_arena_alloc(p->arena, (room + (size_t)1) * sizeof *wide, &wide, err));
    OV_TRY(ov_arena_alloc(p->arena, (room + (size_t)1) * sizeof *wide_names, &wide_names, err));
    OV_TRY(ov_arena_alloc(p->arena, room * sizeof *keys, &keys, err));
    memcpy(wide, exprs, count * sizeof *wide);
    memcpy(wide_names, names, count * sizeof *wide_names);
    visible = count;
    OV_TRY(scan_order(&in, query, wide, wide_names, &count, room, keys, &key_count, err));
    OV_TRY(ov_plan_project(p->arena, in.plan, wide, wide_names, count, &q->plan, err));
    uint64_t most = limit > 0 ? (uint64_t)limit : OV_NO_LIMIT;
    if (key_count)
        OV_TRY(ov_plan_order(p->cx, q->plan, keys, key_count, most, (uint64_t)offset, &q->plan, err));
    else if (most != OV_NO_LIMIT || offset)
        OV_TRY(ov_plan_limit(p->arena, q->plan, most, (uint64_t)offset, &q->plan, err));
    q->columns = visible;
    if (!key_count)
        q->segment_id = in.rel.segment_id;
    *rel = (ovi_nrel){.known = true, .everywhere = true, .plan = q->plan};
    return OV_OK;
}

/* ---- search ---- */

/* One dimension: how often each value that matches occurs. */
static ov_status search_side(ovi_ninput *in, const ov_json *spec, const ovi_ndim *dim, uint32_t place,
                             const ov_plan **out, ov_error *err)
{
    ovi_nplanner *p = in->scope.p;
    const ov_expr *test, **keys, *exprs[4];
    ov_agg_call *call;
    static const char *const columns[] = {"dimension", "value", "count", ""};
    ov_slice names[4];
    const ov_plan *rows, *grouped;
    OV_TRY(ov_arena_alloc(p->arena, sizeof *keys, &keys, err));
    OV_TRY(ov_arena_alloc(p->arena, sizeof *call, &call, err));
    rows = in->plan;
    if (spec) {
        OV_TRY(ovi_native_search(spec, p->cx, dim->expr, &test, err));
        OV_TRY(ov_plan_filter(p->arena, rows, test, &rows, err));
    }
    keys[0] = dim->expr;
    OV_TRY(ov_agg_bind(p->cx, OV_SLICE_LIT("COUNT"), NULL, 0, false, NULL, 0, 0, call, err));
    OV_TRY(ov_plan_group(p->cx, rows, keys, 1, call, 1, &grouped, err));
    OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, dim->name, &exprs[0], err));
    OV_TRY(ov_expr_i64(p->cx, OV_SQL_BIGINT, place, &exprs[3], err));
    for (uint32_t i = 0; i < 4; i++) {
        names[i] = ov_slice_cstr(columns[i]);
        if (i == 1 || i == 2)
            OV_TRY(ov_plan_column(p->cx, grouped, i - 1, &exprs[i], err));
    }
    const ov_expr **own;
    OV_TRY(ov_arena_alloc(p->arena, sizeof exprs, &own, err));
    memcpy(own, exprs, sizeof exprs);
    return ov_plan_project(p->arena, grouped, own, names, 4, out, err);
}

static ov_status search_dimensions(ovi_ninput *in, const ov_json *query, ovi_ndim **out, uint32_t *count, ov_error *err)
{
    const ov_json *list;
    ovi_nscope *s = &in->scope;
    *count = 0;
    OV_TRY(ov_json_arr(query, "searchDimensions", &list, err));
    bool all = !list || list->count == 0;
    OV_TRY(ov_arena_alloc(s->p->arena, ((all ? s->plan->field_count : list->count) + (size_t)1) * sizeof **out, out, err));
    for (const ov_json *v = all ? NULL : list->first; v; v = v->next)
        OV_TRY(ovi_ndimension(s, v, &(*out)[(*count)++], err));
    for (uint32_t i = 0; all && i < s->plan->field_count; i++) {
        if (s->plan->fields[i].type.id != OV_TYPE_STRING)
            continue;
        ovi_ndim *d = &(*out)[(*count)++];
        d->name = s->plan->fields[i].name;
        OV_TRY(ovi_nscope_value(s, d->name, &d->expr, err));
    }
    for (uint32_t i = 0; i < *count; i++)
        OV_TRY(ovi_ntext(s->p, (*out)[i].expr, &(*out)[i].expr, err));
    return OV_OK;
}

/* Segments that the query touches: the answer carries the first one's start, nothing is answered without one. */
static bool search_time(const ovi_ninput *in, int64_t *out)
{
    bool found = in->rel.everywhere && in->interval_count;
    *out = found ? in->intervals[0].start : INT64_MAX;
    for (uint32_t i = 0; i < in->interval_count; i++)
        for (uint32_t k = 0; k < in->rel.extent_count; k++)
            if (ov_interval_overlaps(in->intervals[i], in->rel.chunks[k])) {
                found = true;
                *out = OV_MIN(*out, in->rel.chunks[k].start);
            }
    return found;
}

ov_status ovi_nplan_search(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ovi_nrel *rel, ov_error *err)
{
    ovi_ninput in;
    const ov_json *spec, *sort;
    const ov_plan **sides;
    ovi_ndim *dims;
    uint32_t count;
    int64_t limit;
    ov_slice order = OV_SLICE_LIT("lexicographic");
    *q = (ov_native_query){.type = OV_NATIVE_SEARCH};
    OV_TRY(ovi_ninput_open(p, query, true, &in, err));
    OV_TRY(ovi_ngran(p, query, false, &q->gran, err));
    OV_TRY(ov_json_obj(query, "query", &spec, err));
    OV_TRY(ov_json_obj(query, "sort", &sort, err));
    if (sort)
        OV_TRY(ov_json_str(sort, "type", order, &order, err));
    OV_TRY(ov_json_i64_in(query, "limit", 0, 0, INT32_MAX, &limit, err));
    limit = limit ? limit : SEARCH_LIMIT;
    OV_TRY(search_dimensions(&in, query, &dims, &count, err));
    q->hide_time = !search_time(&in, &q->time_ms);
    if (q->gran->kind != OV_GRAN_ALL)
        q->time_ms = ov_gran_floor(q->gran, q->time_ms);
    q->columns = 3;
    OV_TRY(ov_arena_alloc(p->arena, (count + (size_t)1) * sizeof *sides, &sides, err));
    for (uint32_t i = 0; i < count; i++)
        OV_TRY(search_side(&in, spec, &dims[i], i, &sides[i], err));
    if (count == 0) {
        ovi_ndim none = {.name = OV_SLICE_LIT("")};
        OV_TRY(ov_expr_null(p->cx, OV_SQL_VARCHAR, &none.expr, err));
        const ov_plan *nothing;
        OV_TRY(ov_plan_limit(p->arena, in.plan, 0, 0, &nothing, err));
        in.plan = nothing;
        OV_TRY(search_side(&in, NULL, &none, 0, &sides[count++], err));
    }
    OV_TRY(ov_plan_union(p->arena, sides, count, &q->plan, err));
    const ov_expr *value, *more[2];
    ov_sort_key *keys;
    uint32_t n, k = 0;
    /* the limit is what is found first, dimension by dimension; then what was found is sorted */
    OV_TRY(ov_arena_alloc(p->arena, 2 * sizeof *keys, &keys, err));
    keys[0] = (ov_sort_key){3, false, true};
    keys[1] = (ov_sort_key){1, false, true};
    OV_TRY(ov_plan_order(p->cx, q->plan, keys, 2, (uint64_t)limit, 0, &q->plan, err));
    OV_TRY(ov_plan_column(p->cx, q->plan, 1, &value, err));
    OV_TRY(ovi_norder_keys(p, sort ? sort : query, order, value, more, &n, err));
    OV_TRY(ov_arena_alloc(p->arena, 4 * sizeof *keys, &keys, err));
    for (uint32_t i = 0; i < n; i++)
        keys[k++] = (ov_sort_key){4 + i, false, true};
    keys[k++] = (ov_sort_key){1, false, true};
    keys[k++] = (ov_sort_key){0, false, true};
    OV_TRY(ovi_nwiden(p, q->plan, more, n, &q->plan, err));
    *rel = (ovi_nrel){0};
    return ov_plan_order(p->cx, q->plan, keys, k, OV_NO_LIMIT, 0, &q->plan, err);
}

/* ---- timeBoundary ---- */

ov_status ovi_nplan_time_boundary(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ovi_nrel *rel,
                                  ov_error *err)
{
    ovi_ninput in;
    const ov_expr *time, **args;
    ov_agg_call *calls;
    ov_slice bound;
    *q = (ov_native_query){.type = OV_NATIVE_TIME_BOUNDARY, .columns = 2};
    OV_TRY(ovi_ninput_open(p, query, false, &in, err));
    OV_TRY(ov_json_str(query, "bound", (ov_slice){"", 0}, &bound, err));
    q->min_time = !ov_slice_ieq(bound, OV_SLICE_LIT("maxTime"));
    q->max_time = !ov_slice_ieq(bound, OV_SLICE_LIT("minTime"));
    OV_TRY(ovi_nscope_time(&in.scope, &time, err));
    OV_TRY(ov_arena_alloc(p->arena, sizeof *args, &args, err));
    OV_TRY(ov_arena_alloc(p->arena, 2 * sizeof *calls, &calls, err));
    args[0] = time;
    OV_TRY(ov_agg_bind(p->cx, OV_SLICE_LIT("MIN"), args, 1, false, NULL, 0, 0, &calls[0], err));
    OV_TRY(ov_agg_bind(p->cx, OV_SLICE_LIT("MAX"), args, 1, false, NULL, 0, 0, &calls[1], err));
    *rel = (ovi_nrel){0};
    return ov_plan_aggregate(p->arena, in.plan, NULL, 0, calls, 2, &q->plan, err);
}
