/*
 * segmentMetadata and dataSourceMetadata: what segments say of themselves. Answers come from their directories and
 * dictionaries; rows are read only where some of a segment are superseded.
 *
 * Source: Druid's SegmentAnalyzer, as it was seen to answer: only text columns have a cardinality and bounds, and NULL
 * is the smallest value of a column that holds it.
 */
#include "query/native/native_meta_int.h"

enum { DEFAULT_HISTORY_MS = 7 * 24 * 3600 * 1000 };

typedef enum analysis {
    ANALYSE_CARDINALITY,
    ANALYSE_SIZE,
    ANALYSE_INTERVAL,
    ANALYSE_AGGREGATORS,
    ANALYSE_MINMAX,
    ANALYSE_TIMESTAMPSPEC,
    ANALYSE_QUERYGRANULARITY,
    ANALYSE_ROLLUP,
    ANALYSIS_COUNT
} analysis;

static const char *const analysis_names[ANALYSIS_COUNT] = {
    "cardinality", "size", "interval", "aggregators", "minmax", "timestampSpec", "queryGranularity", "rollup"};

/* What is asked. */
typedef struct ask {
    bool of[ANALYSIS_COUNT];
    bool merge;
    bool all_columns;
    const ov_json *columns; /* those only, unless all */
    ovi_nmeta_strategy strategy;
} ask;

/* One segment, or several merged. */
typedef struct says {
    ov_slice id;
    ov_interval *intervals;
    uint32_t interval_count;
    ovi_column_says *columns;
    uint32_t column_count;
    uint64_t size, rows;
    ov_slice *extras; /* the segments' own JSON, equal neighbours once */
    uint32_t extra_count;
    bool rollup, mixed; /* mixed: some are rolled up, some are not */
} says;

/* ---- the question ---- */

static ov_status read_analyses(const ov_json *query, ask *a, ov_error *err)
{
    const ov_json *list;
    OV_TRY(ov_json_arr(query, "analysisTypes", &list, err));
    if (!list)
        a->of[ANALYSE_CARDINALITY] = a->of[ANALYSE_INTERVAL] = a->of[ANALYSE_MINMAX] = true;
    for (const ov_json *v = list ? list->first : NULL; v; v = v->next) {
        ov_slice name;
        int i = 0;
        OV_TRY(ov_json_as_str(v, &name, err));
        while (i < ANALYSIS_COUNT && !ov_slice_ieq(name, ov_slice_cstr(analysis_names[i])))
            i++;
        if (i == ANALYSIS_COUNT)
            return ov_json_fail(v, err, OV_INVALID,
                                "unknown analysis '" OV_SLICE_FMT
                                "'; there are cardinality, size, interval, aggregators, minmax, timestampSpec, "
                                "queryGranularity and rollup",
                                OV_SLICE_ARG(name));
        a->of[i] = true;
    }
    return OV_OK;
}

static ov_status read_ask(const ov_json *query, ask *a, ov_error *err)
{
    const ov_json *include;
    ov_slice type, strategy;
    bool lenient;
    static const char *const strategies[] = {"strict", "lenient", "earliest", "latest"};
    *a = (ask){.all_columns = true};
    OV_TRY(read_analyses(query, a, err));
    OV_TRY(ov_json_bool(query, "merge", false, &a->merge, err));
    OV_TRY(ov_json_bool(query, "lenientAggregatorMerge", false, &lenient, err));
    OV_TRY(ov_json_str(query, "aggregatorMergeStrategy", OV_SLICE_LIT("strict"), &strategy, err));
    size_t k = 0;
    while (k < OV_COUNT_OF(strategies) && !ov_slice_ieq(strategy, ov_slice_cstr(strategies[k])))
        k++;
    a->strategy = lenient ? OVI_NMETA_LENIENT : (ovi_nmeta_strategy)k;
    if (k == OV_COUNT_OF(strategies))
        return ov_json_fail(ov_json_get(query, "aggregatorMergeStrategy"), err, OV_INVALID,
                            "expected strict, lenient, earliest or latest");
    OV_TRY(ov_json_obj(query, "toInclude", &include, err));
    if (!include)
        return OV_OK;
    OV_TRY(ov_json_need_str(include, "type", &type, err));
    a->all_columns = ov_slice_ieq(type, OV_SLICE_LIT("all"));
    if (ov_slice_ieq(type, OV_SLICE_LIT("list")))
        return ov_json_need_arr(include, "columns", &a->columns, err);
    if (!a->all_columns && !ov_slice_ieq(type, OV_SLICE_LIT("none")))
        return ov_json_fail(ov_json_get(include, "type"), err, OV_INVALID, "expected all, none or list");
    return OV_OK;
}

static bool included(const ask *a, ov_slice name)
{
    for (const ov_json *v = a->columns ? a->columns->first : NULL; v; v = v->next)
        if (v->kind == OV_JSON_STRING && ov_slice_eq(v->s, name))
            return true;
    return a->all_columns;
}

/* ---- one segment ---- */

static ov_status one_segment(ovi_nplanner *p, const ov_segment_entry *e, const ask *a, says *out, ov_error *err)
{
    ov_segment *seg;
    ov_arena *arena = p->arena;
    ovi_column_asked asked = {a->of[ANALYSE_CARDINALITY], a->of[ANALYSE_SIZE], a->of[ANALYSE_MINMAX]};
    OV_TRY(ov_snapshot_open(p->env->snapshot, e, &seg, err));
    *out = (says){.id = e->id, .rows = e->info.rows - ov_dead_count(e->dead), .rollup = ov_segment_is_rolled_up(seg)};
    uint32_t n = ov_segment_columns(seg);
    ov_status st = ov_arena_alloc(arena, (n + (size_t)1) * sizeof *out->columns, &out->columns, err);
    if (st == OV_OK)
        st = ov_arena_alloc(arena, sizeof *out->intervals, &out->intervals, err);
    if (st == OV_OK)
        st = ov_arena_alloc(arena, sizeof *out->extras, &out->extras, err);
    if (st == OV_OK)
        st = ov_arena_copy(arena, ov_segment_extra_json(seg), &out->extras[out->extra_count++], err);
    for (uint32_t i = 0; i < n && st == OV_OK; i++) {
        const ov_column *col = ov_segment_column(seg, i);
        if (!included(a, ov_column_get_info(col)->name))
            continue;
        st = ovi_meta_column(col, e->dead, &asked, arena, &out->columns[out->column_count], err);
        if (a->of[ANALYSE_SIZE] && st == OV_OK)
            out->size += out->columns[out->column_count].size;
        out->column_count++;
    }
    ov_segment_release(seg);
    if (st != OV_OK)
        return st;
    out->intervals[0] = (ov_interval){e->info.start_ms, e->info.end_ms};
    out->interval_count = 1;
    return OV_OK;
}

/* ---- several ---- */

static void merge_column(ovi_column_says *to, const ovi_column_says *from)
{
    bool had_any = to->has_max || to->nulls;
    to->type = ov_type_wider(to->type, from->type);
    to->multi |= from->multi;
    to->nulls |= from->nulls;
    to->size += from->size;
    to->cardinality = OV_MAX(to->cardinality, from->cardinality);
    if (from->has_max && (!to->has_max || ov_slice_cmp(from->max, to->max) > 0))
        to->max = from->max;
    to->has_max |= from->has_max;
    bool nothing = !from->has_max && !from->nulls; /* no row is there any more */
    if (from->has_min && (!had_any || (to->has_min && ov_slice_cmp(from->min, to->min) < 0)))
        to->min = from->min;
    to->has_min = nothing ? to->has_min : had_any ? to->has_min && from->has_min : from->has_min;
}

static ov_status merge(ovi_nplanner *p, const says *list, uint32_t count, says *out, ov_error *err)
{
    size_t room = 0, columns = 0;
    *out = (says){.id = count == 1 ? list[0].id : OV_SLICE_LIT("merged"), .rollup = list[0].rollup};
    OV_TRY(ov_arena_alloc(p->arena, count * sizeof *out->extras, &out->extras, err));
    for (uint32_t i = 0; i < count; i++) {
        room += list[i].interval_count;
        columns += list[i].column_count;
    }
    OV_TRY(ov_arena_alloc(p->arena, (room + 1) * sizeof *out->intervals, &out->intervals, err));
    OV_TRY(ov_arena_alloc(p->arena, (columns + 1) * sizeof *out->columns, &out->columns, err));
    for (uint32_t i = 0; i < count; i++) {
        out->size += list[i].size;
        out->rows += list[i].rows;
        out->mixed |= out->rollup != list[i].rollup;
        if (!out->extra_count || !ov_slice_eq(out->extras[out->extra_count - 1], list[i].extras[0]))
            out->extras[out->extra_count++] = list[i].extras[0];
        for (uint32_t k = 0; k < list[i].interval_count; k++)
            out->intervals[out->interval_count++] = list[i].intervals[k];
        for (uint32_t c = 0; c < list[i].column_count; c++) {
            uint32_t at = 0;
            while (at < out->column_count && !ov_slice_eq(out->columns[at].name, list[i].columns[c].name))
                at++;
            if (at < out->column_count)
                merge_column(&out->columns[at], &list[i].columns[c]);
            else
                out->columns[out->column_count++] = list[i].columns[c];
        }
    }
    out->interval_count = (uint32_t)ov_interval_condense(out->intervals, out->interval_count);
    return OV_OK;
}

/* ---- the answer ---- */

static void add_bound(ov_jsonw *w, const char *key, bool has, ov_slice s)
{
    if (has)
        ov_jsonw_str(w, key, s);
    else
        ov_jsonw_null(w, key);
}

static void add_column(ov_jsonw *w, const ovi_column_says *c)
{
    char type[48];
    ov_type shown = c->type;
    shown.multi = 0;
    ov_jsonw_key(w, c->name);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "typeSignature", ov_type_name(shown, type));
    ov_jsonw_cstr(w, "type", type[0] && shown.id >= OV_TYPE_ARRAY ? type : ov_type_name(shown, type));
    ov_jsonw_bool(w, "hasMultipleValues", c->multi);
    ov_jsonw_bool(w, "hasNulls", c->nulls);
    ov_jsonw_u64(w, "size", c->size);
    if (shown.id == OV_TYPE_STRING)
        ov_jsonw_u64(w, "cardinality", c->cardinality);
    else
        ov_jsonw_null(w, "cardinality");
    add_bound(w, "minValue", c->has_min, c->min);
    add_bound(w, "maxValue", c->has_max, c->max);
    ov_jsonw_null(w, "errorMessage");
    ov_jsonw_close_object(w);
}

/* What the segments keep of their specs; NULL where that is nothing. */
static ov_status parse_specs(ovi_nplanner *p, const says *s, const ov_json ***out, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(p->arena, (s->extra_count + (size_t)1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < s->extra_count; i++) {
        ov_json *spec;
        ov_error ignored = OV_ERROR_INIT;
        if (s->extras[i].n && ov_json_parse(s->extras[i], NULL, p->arena, &spec, &ignored) == OV_OK)
            (*out)[i] = spec;
    }
    return OV_OK;
}

static ov_status add_specs(ovi_nplanner *p, ov_jsonw *w, const says *s, const ask *a, ov_error *err)
{
    const ov_json **specs = NULL;
    bool any = a->of[ANALYSE_AGGREGATORS] || a->of[ANALYSE_TIMESTAMPSPEC] || a->of[ANALYSE_QUERYGRANULARITY];
    if (any)
        OV_TRY(parse_specs(p, s, &specs, err));
    if (a->of[ANALYSE_AGGREGATORS])
        OV_TRY(ovi_nmeta_aggregators(p, specs, s->extra_count, a->strategy, w, err));
    else
        ov_jsonw_null(w, "aggregators");
    ovi_nmeta_member(specs, a->of[ANALYSE_TIMESTAMPSPEC] ? s->extra_count : 0, "timestampSpec", w);
    ovi_nmeta_member(specs, a->of[ANALYSE_QUERYGRANULARITY] ? s->extra_count : 0, "queryGranularity", w);
    return OV_OK;
}

static ov_status add_says(ovi_nplanner *p, ov_jsonw *w, const says *s, const ask *a, ov_error *err)
{
    ov_buf text;
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "id", s->id);
    if (a->of[ANALYSE_INTERVAL]) {
        ov_jsonw_open_array(w, "intervals");
        for (uint32_t i = 0; i < s->interval_count; i++) {
            ov_buf_init(&text);
            ov_interval_add(&text, s->intervals[i]);
            ov_jsonw_str(w, NULL, ov_buf_slice(&text));
            ov_buf_fini(&text);
        }
        ov_jsonw_close_array(w);
    } else {
        ov_jsonw_null(w, "intervals");
    }
    ov_jsonw_open_object(w, "columns");
    for (uint32_t i = 0; i < s->column_count; i++)
        add_column(w, &s->columns[i]);
    ov_jsonw_close_object(w);
    ov_jsonw_u64(w, "size", s->size);
    ov_jsonw_u64(w, "numRows", s->rows);
    OV_TRY(add_specs(p, w, s, a, err));
    if (a->of[ANALYSE_ROLLUP] && !s->mixed)
        ov_jsonw_bool(w, "rollup", s->rollup);
    else
        ov_jsonw_null(w, "rollup");
    ov_jsonw_close_object(w);
    return OV_OK;
}

/* ---- which segments ---- */

static ov_status source_names(ovi_nplanner *p, const ov_json *query, const ov_datasource ***out, uint32_t *count,
                              ov_error *err)
{
    const ov_json *source, *list = NULL;
    ov_slice type = OV_SLICE_LIT("table"), name;
    *count = 0;
    OV_TRY(ov_json_need(query, "dataSource", &source, err));
    if (source->kind == OV_JSON_OBJECT)
        OV_TRY(ov_json_need_str(source, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("union")))
        OV_TRY(ov_json_need_arr(source, "dataSources", &list, err));
    else if (!ov_slice_eq(type, OV_SLICE_LIT("table")))
        return ov_json_fail(source, err, OV_INVALID, "metadata is asked of a table or a union of tables");
    OV_TRY(ov_arena_alloc(p->arena, ((list ? list->count : 0) + (size_t)1) * sizeof **out, out, err));
    const ov_json *v = list ? list->first : source;
    for (; v; v = list ? v->next : NULL) {
        if (v->kind == OV_JSON_OBJECT)
            OV_TRY(ov_json_need_str(v, "name", &name, err));
        else
            OV_TRY(ov_json_as_str(v, &name, err));
        const ov_datasource *ds;
        OV_TRY(ovi_nfind(p, v, name, &ds, err));
        if (ds)
            (*out)[(*count)++] = ds;
    }
    return OV_OK;
}

/* Without intervals: the last week of data. */
static ov_status wanted_intervals(ovi_nplanner *p, const ov_json *query, const ov_datasource *const *sources,
                                  uint32_t count, ov_interval **out, uint32_t *n, ov_error *err)
{
    OV_TRY(ovi_nintervals(p, query, false, out, n, err));
    if (ov_json_find(query, "intervals") || p->only)
        return OV_OK;
    int64_t end = OV_TIME_MIN;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; k < sources[i]->segment_count; k++)
            end = OV_MAX(end, sources[i]->segments[k]->info.end_ms);
    if (end > OV_TIME_MIN && end < OV_TIME_MAX)
        (*out)[0] = (ov_interval){end - DEFAULT_HISTORY_MS, end};
    return OV_OK;
}

static bool wanted(const ov_segment_entry *e, const ov_interval *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (list[i].start < e->info.end_ms && e->info.start_ms < list[i].end)
            return true;
    return false;
}

ov_status ovi_nplan_segment_metadata(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ovi_nrel *rel,
                                     ov_error *err)
{
    const ov_datasource **sources;
    ov_interval *intervals;
    uint32_t source_count, interval_count, n = 0;
    says *list, merged;
    size_t room = 1;
    ask a;
    *q = (ov_native_query){.type = OV_NATIVE_METADATA};
    *rel = (ovi_nrel){0};
    OV_TRY(source_names(p, query, &sources, &source_count, err));
    OV_TRY(read_ask(query, &a, err));
    OV_TRY(wanted_intervals(p, query, sources, source_count, &intervals, &interval_count, err));
    for (uint32_t i = 0; i < source_count; i++)
        room += sources[i]->segment_count;
    OV_TRY(ov_arena_alloc(p->arena, room * sizeof *list, &list, err));
    for (uint32_t i = 0; i < source_count; i++)
        for (uint32_t k = 0; k < sources[i]->segment_count; k++) {
            if (p->env->run)
                OV_TRY(ov_query_alive(p->env->run, err));
            if (wanted(sources[i]->segments[k], intervals, interval_count))
                OV_TRY(one_segment(p, sources[i]->segments[k], &a, &list[n++], err));
        }
    if (a.merge && n) {
        OV_TRY(merge(p, list, n, &merged, err));
        list[0] = merged;
        n = 1;
    }
    ov_buf text;
    ov_jsonw w;
    ov_buf_init(&text);
    ov_jsonw_init(&w, &text);
    ov_jsonw_open_array(&w, NULL);
    ov_status st = OV_OK;
    for (uint32_t i = 0; i < n && st == OV_OK; i++)
        st = add_says(p, &w, &list[i], &a, err);
    ov_jsonw_close_array(&w);
    if (st == OV_OK)
        st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(p->arena, ov_buf_slice(&text), &q->text, err);
    ov_buf_fini(&text);
    return st;
}

ov_status ovi_nplan_source_metadata(ovi_nplanner *p, const ov_json *query, ov_native_query *q, ovi_nrel *rel,
                                    ov_error *err)
{
    const ov_datasource **sources;
    uint32_t count;
    int64_t last = INT64_MIN;
    char text[OV_ISO_BYTES];
    *q = (ov_native_query){.type = OV_NATIVE_METADATA, .text = OV_SLICE_LIT("[]")};
    *rel = (ovi_nrel){0};
    OV_TRY(source_names(p, query, &sources, &count, err));
    for (uint32_t i = 0; i < count; i++)
        if (sources[i]->min_time <= sources[i]->max_time)
            last = OV_MAX(last, sources[i]->max_time);
    if (last == INT64_MIN)
        return OV_OK;
    int n = (int)ov_iso_format(last, NULL, text);
    return ov_arena_printf(p->arena, &q->text, err,
                           "[{\"timestamp\":\"%.*s\",\"result\":{\"maxIngestedEventTime\":\"%.*s\"}}]", n, text, n, text);
}
