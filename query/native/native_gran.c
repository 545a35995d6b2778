/*
 * Granularities and intervals: JSON to buckets, to expressions that floor a time, and to conditions on __time.
 */
#include "query/native/native_plan_int.h"

#include "base/tz.h"

static ov_status read_origin(const ov_json *v, const ov_tz *zone, const int64_t **origin, int64_t *value, ov_error *err)
{
    const ov_json *at = ov_json_find(v, "origin");
    ov_slice text;
    *origin = NULL;
    if (!at)
        return OV_OK;
    *origin = value;
    if (at->kind == OV_JSON_INT) {
        *value = at->i;
        return OV_OK;
    }
    OV_TRY(ov_json_as_str(at, &text, err));
    return ovi_nfail_at(at, ov_iso_parse(text, zone, value, err), err);
}

static ov_status read_period(const ov_json *v, ov_gran *g, ov_error *err)
{
    ov_slice text;
    ov_period period;
    const ov_tz *zone = NULL;
    const int64_t *origin;
    int64_t at = 0;
    OV_TRY(ov_json_need_str(v, "period", &text, err));
    OV_TRY(ovi_nfail_at(ov_json_get(v, "period"), ov_period_parse(text, &period, err), err));
    OV_TRY(ov_json_str(v, "timeZone", (ov_slice){"", 0}, &text, err));
    if (text.n)
        OV_TRY(ovi_nfail_at(ov_json_get(v, "timeZone"), ov_tz_get(text, &zone, err), err));
    OV_TRY(read_origin(v, zone, &origin, &at, err));
    return ovi_nfail_at(v, ov_gran_init(g, &period, zone, origin, err), err);
}

static ov_status read_duration(const ov_json *v, ov_gran *g, ov_error *err)
{
    int64_t step, at = 0;
    const int64_t *origin;
    OV_TRY(ov_json_need_i64(v, "duration", &step, err));
    OV_TRY(read_origin(v, NULL, &origin, &at, err));
    return ovi_nfail_at(v, ov_gran_init_duration(g, step, at, err), err);
}

ov_status ovi_ngran_read(ovi_nplanner *p, const ov_json *v, const ov_gran **out, ov_error *err)
{
    ov_gran *g;
    ov_slice type;
    OV_TRY(ov_arena_zalloc(p->arena, sizeof *g, &g, err));
    *out = g;
    if (v->kind != OV_JSON_OBJECT) {
        OV_TRY(ov_json_as_str(v, &type, err));
        return ovi_nfail_at(v, ov_gran_init_name(g, type, err), err);
    }
    OV_TRY(ov_json_need_str(v, "type", &type, err));
    if (ov_slice_ieq(type, OV_SLICE_LIT("period")))
        return read_period(v, g, err);
    if (ov_slice_ieq(type, OV_SLICE_LIT("duration")))
        return read_duration(v, g, err);
    if (ov_slice_ieq(type, OV_SLICE_LIT("all")) || ov_slice_ieq(type, OV_SLICE_LIT("none")))
        return ov_gran_init_name(g, type, err);
    return ov_json_fail(v, err, OV_INVALID,
                        "unknown granularity type '" OV_SLICE_FMT "'; there are period, duration, all and none",
                        OV_SLICE_ARG(type));
}

ov_status ovi_ngran(ovi_nplanner *p, const ov_json *query, bool needed, const ov_gran **out, ov_error *err)
{
    const ov_json *v = ov_json_find(query, "granularity");
    ov_gran *all;
    if (v)
        return ovi_ngran_read(p, v, out, err);
    if (needed)
        return ov_json_fail(query, err, OV_INVALID, "'granularity' is missing (\"all\", \"day\", or a period is expected)");
    OV_TRY(ov_arena_zalloc(p->arena, sizeof *all, &all, err));
    *out = all;
    return ov_gran_init_name(all, OV_SLICE_LIT("all"), err);
}

/* TIME_FLOOR(time, period, origin, zone): the one function that knows buckets, so that scans prune and group by them. */
ov_status ovi_ngran_floor(ovi_nplanner *p, const ov_json *at, const ov_gran *g, const ov_expr *time,
                          const ov_expr **out, ov_error *err)
{
    const ov_expr *args[4];
    ov_buf text;
    ov_slice period;
    *out = time;
    if (g->kind == OV_GRAN_NONE)
        return OV_OK;
    ov_buf_init(&text);
    if (ov_period_is_zero(&g->period)) /* a plain duration */
        ov_buf_addf(&text, "PT%lld.%03lldS", (long long)(g->step / 1000), (long long)(g->step % 1000));
    else
        ov_period_add(&text, &g->period);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(p->arena, ov_buf_slice(&text), &period, err);
    ov_buf_fini(&text);
    OV_TRY(st);
    bool duration = ov_period_is_zero(&g->period);
    int64_t origin = g->origin;
    if (g->kind == OV_GRAN_DAYS || g->kind == OV_GRAN_MONTHS || g->kind == OV_GRAN_CLOCK)
        origin = ov_tz_from_local(g->zone, g->origin);
    OV_TRY(ov_expr_str(p->cx, OV_SQL_VARCHAR, period, &args[1], err));
    if (g->has_origin || duration)
        OV_TRY(ov_expr_i64(p->cx, OV_SQL_TIMESTAMP, origin, &args[2], err));
    else
        OV_TRY(ov_expr_null(p->cx, OV_SQL_TIMESTAMP, &args[2], err));
    OV_TRY(ovi_nliteral(p, ov_tz_name(g->zone), &args[3], err));
    args[0] = time;
    return ovi_ncall(p, at, "TIME_FLOOR", args, 4, out, err);
}

/* ---- intervals ---- */

static ov_status read_interval(const ov_json *v, ov_interval *out, ov_error *err)
{
    ov_slice text;
    OV_TRY(ov_json_as_str(v, &text, err));
    return ovi_nfail_at(v, ov_interval_parse(text, out, err), err);
}

static ov_status of_segment(ovi_nplanner *p, ov_interval **out, uint32_t *count, ov_error *err)
{
    OV_TRY(ov_arena_alloc(p->arena, sizeof **out, out, err));
    (*out)[0] = p->clip;
    *count = 1;
    return OV_OK;
}

static ov_status of_picks(ovi_nplanner *p, const ov_json *v, ov_interval **out, uint32_t *count, ov_error *err)
{
    if (p->depth)
        return ov_json_fail(v, err, OV_UNSUPPORTED, "only the outermost query may name segments; name times");
    OV_TRY(ov_arena_alloc(p->arena, (p->pick_count + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < p->pick_count; i++)
        (*out)[i] = p->picks[i].interval;
    *count = (uint32_t)ov_interval_condense(*out, p->pick_count);
    return OV_OK;
}

ov_status ovi_nintervals(ovi_nplanner *p, const ov_json *query, bool needed, ov_interval **out, uint32_t *count,
                         ov_error *err)
{
    const ov_json *v = ov_json_find(query, "intervals");
    *count = 0;
    if (p->only && !p->depth) /* bySegment: the planner says which part of it is seen */
        return of_segment(p, out, count, err);
    if (v && v->kind == OV_JSON_OBJECT) {
        ov_slice type;
        OV_TRY(ov_json_need_str(v, "type", &type, err));
        if (ov_slice_eq(type, OV_SLICE_LIT("segments")))
            return of_picks(p, v, out, count, err);
        OV_TRY(ov_json_need(v, "intervals", &v, err));
    }
    OV_TRY(ov_arena_alloc(p->arena, (v && v->kind == OV_JSON_ARRAY ? v->count + (size_t)1 : 1) * sizeof **out, out, err));
    if (!v) {
        if (needed)
            return ov_json_fail(query, err, OV_INVALID, "'intervals' is missing (\"start/end\" or a list is expected)");
        (*out)[(*count)++] = OV_INTERVAL_ETERNITY;
        return OV_OK;
    }
    if (v->kind == OV_JSON_ARRAY) {
        for (const ov_json *i = v->first; i; i = i->next)
            OV_TRY(read_interval(i, &(*out)[(*count)++], err));
    } else {
        OV_TRY(read_interval(v, &(*out)[(*count)++], err));
    }
    *count = (uint32_t)ov_interval_condense(*out, *count);
    return OV_OK;
}

static ov_status one_side(ovi_nscope *s, const ov_expr *time, const char *op, int64_t ms, const ov_expr **out,
                          ov_error *err)
{
    const ov_expr *sides[2] = {time, NULL};
    OV_TRY(ov_expr_i64(s->p->cx, OV_SQL_TIMESTAMP, ms, &sides[1], err));
    return ovi_ncall(s->p, NULL, op, sides, 2, out, err);
}

ov_status ovi_nin_intervals(ovi_nscope *s, const ov_interval *list, uint32_t count, const ov_expr **out, ov_error *err)
{
    const ov_expr *time, **any, *sides[2];
    *out = NULL;
    if (count == 1 && list[0].start <= OV_TIME_MIN && list[0].end >= OV_TIME_MAX)
        return OV_OK;
    OV_TRY(ovi_nscope_time(s, &time, err));
    if (count == 0)
        return ov_expr_i64(s->p->cx, OV_SQL_BOOLEAN, 0, out, err);
    OV_TRY(ov_arena_alloc(s->p->arena, count * sizeof *any, &any, err));
    for (uint32_t i = 0; i < count; i++) {
        OV_TRY(one_side(s, time, ">=", list[i].start, &sides[0], err));
        OV_TRY(one_side(s, time, "<", list[i].end, &sides[1], err));
        OV_TRY(ovi_ncall(s->p, NULL, "AND", sides, 2, &any[i], err));
    }
    *out = any[0];
    return count > 1 ? ovi_ncall(s->p, NULL, "OR", any, count, out, err) : OV_OK;
}
