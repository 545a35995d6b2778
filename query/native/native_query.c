/*
 * One native query: its type, its plan.
 */
#include "query/native/native_query.h"

#include "query/native/native_plan_int.h"

static const struct {
    const char *name;
    ov_status (*plan)(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel, ov_error *err);
    bool nests; /* its rows can be a data source */
} types[] = {
    {"dataSourceMetadata", ovi_nplan_source_metadata, false},
    {"groupBy", ovi_nplan_group_by, true},
    {"scan", ovi_nplan_scan, true},
    {"search", ovi_nplan_search, false},
    {"segmentMetadata", ovi_nplan_segment_metadata, false},
    {"timeBoundary", ovi_nplan_time_boundary, false},
    {"timeseries", ovi_nplan_timeseries, true},
    {"topN", ovi_nplan_topn, true},
    {"union", ovi_nplan_union, true},
    {"windowOperator", ovi_nplan_window, true},
};

ov_status ovi_nplan_query(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ovi_nrel *rel, ov_error *err)
{
    ov_slice type;
    OV_TRY(ov_json_expect(query, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(query, "queryType", &type, err));
    for (size_t i = 0; i < OV_COUNT_OF(types); i++) {
        if (!ov_slice_eq(type, ov_slice_cstr(types[i].name)))
            continue;
        if (p->depth && !types[i].nests)
            return ov_json_fail(ov_json_get(query, "queryType"), err, OV_INVALID,
                                "a %s query cannot be a data source", types[i].name);
        OV_TRY(types[i].plan(p, query, out, rel, err));
        if (out->type != OV_NATIVE_METADATA)
            OV_TRY(ovi_ncontext_bool(query, "serializeDateTimeAsLong", false, &out->time_as_long, err));
        return OV_OK;
    }
    bool select = ov_slice_eq(type, OV_SLICE_LIT("select"));
    return ov_json_fail(ov_json_get(query, "queryType"), err, OV_INVALID,
                        "unknown query type '" OV_SLICE_FMT "'%s; there are timeseries, topN, groupBy, scan, search, "
                        "timeBoundary, union, windowOperator, segmentMetadata and dataSourceMetadata",
                        OV_SLICE_ARG(type), select ? " (Druid has removed it: scan does its work)" : "");
}

static ov_status optimise(ovi_nplanner *p, const ov_plan **plan, ov_error *err)
{
    return *plan ? ov_plan_optimize(p->cx, *plan, plan, err) : OV_OK;
}

ov_status ovi_nplan_whole(ovi_nplanner *p, const ov_json *query, ov_native_query *out, ov_error *err)
{
    ovi_nrel rel;
    OV_TRY(ovi_nplan_query(p, query, out, &rel, err));
    OV_TRY(optimise(p, &out->plan, err));
    if (out->plan)
        OV_TRY(ov_plan_lighter_groups(p->cx, out->plan, &out->plan, err));
    OV_TRY(optimise(p, &out->empty, err));
    return optimise(p, &out->total, err);
}

ov_status ov_native_plan(const ov_native_env *env, const ov_json *query, ov_native_query *out, ov_error *err)
{
    ovi_nplanner p = {.env = env, .cx = env->cx, .arena = env->cx->arena};
    bool by_segment;
    OV_TRY(ov_json_expect(query, OV_JSON_OBJECT, err));
    OV_TRY(ovi_npicks(&p, query, err));
    OV_TRY(ovi_ncontext_bool(query, "bySegment", false, &by_segment, err));
    OV_TRY(ovi_nplan_whole(&p, query, out, err)); /* a wrong query is wrong whether it has segments or not */
    return by_segment ? ovi_nplan_by_segment(&p, query, out, err) : OV_OK;
}
