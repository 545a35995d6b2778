/*
 * Queries of single segments: `bySegment` in the context answers for each segment apart, intervals of type `segments` name those that are
 * read. Either way the planner sees a datasource that has fewer segments, and the plan is made as ever.
 */
#include "query/native/native_plan_int.h"

/* ---- a datasource with fewer segments ---- */

static bool chosen(const ovi_nplanner *p, const ov_segment_entry *e)
{
    if (p->only)
        return e == p->only;
    for (uint32_t i = 0; i < p->pick_count; i++) {
        const ovi_npick *k = &p->picks[i];
        if (k->interval.start >= e->info.start_ms && k->interval.end <= e->info.end_ms && k->partition == e->info.partition &&
            ov_slice_eq(k->version, e->info.version))
            return true;
    }
    return false;
}

/* Segments are chosen among those of the query's base: tables that it is joined with are whole. */
static bool is_base(const ovi_nplanner *p, const ov_json *at)
{
    while (p->base && at && at != p->base)
        at = at->parent;
    return at != NULL;
}

ov_status ovi_nfind(ovi_nplanner *p, const ov_json *at, ov_slice name, const ov_datasource **out, ov_error *err)
{
    const ov_datasource *ds = p->env->find(p->env->self, name);
    const ov_segment_entry **segments;
    ov_datasource *fewer;
    *out = ds;
    if (!ds || (!p->only && !p->picks) || !is_base(p, at))
        return OV_OK;
    OV_TRY(ov_arena_alloc(p->arena, sizeof *fewer, &fewer, err));
    OV_TRY(ov_arena_alloc(p->arena, (ds->segment_count + (size_t)1) * sizeof *segments, &segments, err));
    *fewer = *ds;
    fewer->segments = segments;
    fewer->segment_count = 0;
    fewer->rows = fewer->bytes = 0;
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        if (!chosen(p, ds->segments[i]))
            continue;
        segments[fewer->segment_count++] = ds->segments[i];
        fewer->rows += ds->segments[i]->info.rows;
        fewer->bytes += ds->segments[i]->info.bytes;
    }
    *out = fewer;
    return OV_OK;
}

/* {"itvl":"start/end","ver":"...","part":0} */
static ov_status read_pick(const ov_json *v, ovi_npick *out, ov_error *err)
{
    ov_slice text;
    int64_t partition;
    OV_TRY(ov_json_expect(v, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(v, "itvl", &text, err));
    OV_TRY(ovi_nfail_at(ov_json_get(v, "itvl"), ov_interval_parse(text, &out->interval, err), err));
    OV_TRY(ov_json_need_str(v, "ver", &out->version, err));
    OV_TRY(ov_json_i64_in(v, "part", 0, 0, UINT32_MAX, &partition, err));
    out->partition = (uint32_t)partition;
    return OV_OK;
}

/* Where the rows come from that joins, filters and unnest are applied to: a table, a union, or what has no segments. */
static ov_status base_of(const ov_json *source, const ov_json **out, ov_error *err)
{
    static const struct {
        const char *type, *member;
    } wrappers[] = {{"filter", "base"}, {"join", "left"}, {"restrict", "base"}, {"unnest", "base"}};
    bool inside = true;
    *out = source;
    while (inside && (*out)->kind == OV_JSON_OBJECT) {
        ov_slice type;
        OV_TRY(ov_json_need_str(*out, "type", &type, err));
        inside = false;
        for (size_t i = 0; i < OV_COUNT_OF(wrappers) && !inside; i++) {
            inside = ov_slice_eq(type, ov_slice_cstr(wrappers[i].type));
            if (inside)
                OV_TRY(ov_json_need(*out, wrappers[i].member, out, err));
        }
    }
    return OV_OK;
}

ov_status ovi_npicks(ovi_nplanner *p, const ov_json *query, ov_error *err)
{
    const ov_json *v = ov_json_find(query, "intervals"), *list;
    const ov_json *type = v && v->kind == OV_JSON_OBJECT ? ov_json_find(v, "type") : NULL;
    ovi_npick *picks;
    if (!type || type->kind != OV_JSON_STRING || !ov_slice_eq(type->s, OV_SLICE_LIT("segments")))
        return OV_OK;
    OV_TRY(ov_json_need_arr(v, "segments", &list, err));
    OV_TRY(ov_arena_alloc(p->arena, (list->count + (size_t)1) * sizeof *picks, &picks, err));
    p->pick_count = 0;
    for (const ov_json *i = list->first; i; i = i->next)
        OV_TRY(read_pick(i, &picks[p->pick_count++], err));
    p->picks = picks;
    v = ov_json_find(query, "dataSource");
    return v ? base_of(v, &p->base, err) : OV_OK;
}

/* ---- segment by segment ---- */

/* The tables of a base. */
static ov_status tables_of(const ov_json *base, ov_slice *names, uint32_t most, uint32_t *count, ov_error *err)
{
    const ov_json *list;
    ov_slice type;
    if (base->kind == OV_JSON_STRING) {
        if (*count < most)
            names[(*count)++] = base->s;
        return OV_OK;
    }
    OV_TRY(ov_json_need_str(base, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("table")) || ov_slice_eq(type, OV_SLICE_LIT("globalTable"))) {
        if (*count < most)
            OV_TRY(ov_json_need_str(base, "name", &names[(*count)++], err));
        return OV_OK;
    }
    if (!ov_slice_eq(type, OV_SLICE_LIT("union")))
        return ov_json_fail(base, err, OV_INVALID, "answers by segment (bySegment) are of tables; rows of type '" OV_SLICE_FMT
                            "' lie in no segment", OV_SLICE_ARG(type));
    OV_TRY(ov_json_need_arr(base, "dataSources", &list, err));
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(tables_of(v, names, most, count, err));
    return OV_OK;
}

static ov_status plan_one(const ovi_nplanner *whole, const ov_json *query, const ov_segment_entry *e, ov_interval clip,
                          ov_native_part *out, ov_error *err)
{
    ovi_nplanner p = *whole;
    p.only = e;
    p.clip = clip;
    *out = (ov_native_part){.segment = e->id, .time_ms = e->info.start_ms, .interval = clip};
    return ovi_nplan_whole(&p, query, &out->query, err);
}

/* Pieces of the segments of one table that the query sees; NULL: they are only counted. */
static ov_status plan_table(const ovi_nplanner *whole, const ov_json *query, const ov_datasource *ds, const ov_interval *times,
                            uint32_t time_count, ov_native_part *parts, uint32_t *count, ov_error *err)
{
    for (uint32_t t = 0; t < time_count; t++)
        for (uint32_t i = 0; i < ds->segment_count; i++) {
            const ov_segment_entry *e = ds->segments[i];
            ov_interval chunk = {e->info.start_ms, e->info.end_ms};
            for (uint32_t k = 0; k < (e->partial ? e->part_count : 1); k++) {
                ov_interval clip = ov_interval_clip(times[t], e->partial ? e->parts[k] : chunk);
                if (clip.start >= clip.end)
                    continue;
                if (parts)
                    OV_TRY(plan_one(whole, query, e, clip, &parts[*count], err));
                ++*count;
            }
        }
    return OV_OK;
}

ov_status ovi_nplan_by_segment(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ov_error *err)
{
    enum { MOST_TABLES = 1000 };
    const ov_json *source;
    const ov_datasource *ds;
    ov_slice *names;
    ov_interval *times;
    ov_native_part *parts = NULL;
    uint32_t tables = 0, time_count, n;
    OV_TRY(ov_json_need(query, "dataSource", &source, err));
    OV_TRY(ov_arena_alloc(p->arena, MOST_TABLES * sizeof *names, &names, err));
    OV_TRY(base_of(source, &p->base, err));
    OV_TRY(tables_of(p->base, names, MOST_TABLES, &tables, err));
    OV_TRY(ovi_nintervals(p, query, false, &times, &time_count, err));
    for (int pass = 0; pass < 2; pass++) {
        n = 0;
        for (uint32_t i = 0; i < tables; i++) {
            OV_TRY(ovi_nfind(p, p->base, names[i], &ds, err));
            if (ds)
                OV_TRY(plan_table(p, query, ds, times, time_count, parts, &n, err));
        }
        if (!parts)
            OV_TRY(ov_arena_alloc(p->arena, (n + (size_t)1) * sizeof *parts, &parts, err));
    }
    *out = (ov_native_query){.type = OV_NATIVE_PARTS, .plan = out->plan, .parts = parts, .part_count = n}; /* the plan tells how much is read */
    return OV_OK;
}
