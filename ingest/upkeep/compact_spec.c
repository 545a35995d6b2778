/* The document of a compact task as a plan; what it says of rows is read as a batch spec. */
#include "ingest/upkeep/compact.h"

#include "storage/segment/segment_id.h"

/* ---- as a batch spec ---- */

static void add_member(ov_buf *b, const char *key, const ov_json *v, const char *dflt)
{
    ov_buf_addf(b, ",\"%s\":", key);
    if (v)
        ov_json_print(v, b);
    else
        ov_buf_add_str(b, dflt);
}

static void add_granularity(ov_buf *b, const ov_json *doc)
{
    const ov_json *g = ov_json_find(doc, "granularitySpec"), *rollup = ov_json_find(g, "rollup");
    const ov_json *segment = ov_json_find(g, "segmentGranularity"), *query = ov_json_find(g, "queryGranularity");
    if (!segment)
        segment = ov_json_find(doc, "segmentGranularity"); /* where old documents have it */
    ov_buf_add_str(b, ",\"granularitySpec\":{\"type\":\"uniform\"");
    add_member(b, "segmentGranularity", segment, "\"ALL\"");
    add_member(b, "queryGranularity", query, "\"NONE\"");
    add_member(b, "rollup", rollup, "false");
    ov_buf_add_char(b, '}');
}

/* Sentences name places of the document, not of the spec made of it. */
static void strip(ov_error *err)
{
    static const char *const fronts[] = {"spec.dataSchema.", "spec."};
    err->has_pos = false;
    for (size_t i = 0; i < OV_COUNT_OF(fronts); i++) {
        size_t n = strlen(fronts[i]);
        if (strncmp(err->text, fronts[i], n) == 0) {
            memmove(err->text, err->text + n, strlen(err->text + n) + 1);
            return;
        }
    }
}

ov_status ovi_compact_spec(const ovi_compact_plan *plan, ov_slice metrics, ov_arena *out, ov_spec **spec, ov_error *err)
{
    ov_buf b;
    const ov_json *given = ov_json_find(plan->doc, "metricsSpec");
    ov_buf_init(&b);
    ov_buf_add_str(&b, "{\"type\":\"index_parallel\",\"spec\":{\"dataSchema\":{\"dataSource\":");
    ov_json_quote(&b, plan->datasource);
    ov_buf_add_str(&b, ",\"timestampSpec\":{\"column\":\"__time\",\"format\":\"millis\"}");
    add_member(&b, "dimensionsSpec", ov_json_find(plan->doc, "dimensionsSpec"), "{\"dimensions\":[]}");
    ov_buf_add_str(&b, ",\"metricsSpec\":");
    if (given)
        ov_json_print(given, &b);
    else
        ov_buf_add_slice(&b, metrics.n ? metrics : OV_SLICE_LIT("[]"));
    add_granularity(&b, plan->doc);
    add_member(&b, "transformSpec", ov_json_find(plan->doc, "transformSpec"), "null");
    ov_buf_add_str(&b, "},\"ioConfig\":{\"type\":\"index_parallel\",\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},"
                       "\"inputFormat\":{\"type\":\"json\"}}");
    add_member(&b, "tuningConfig", ov_json_find(plan->doc, "tuningConfig"), "null");
    ov_buf_add_str(&b, "}}");
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_spec_parse(ov_buf_slice(&b), out, spec, err);
    ov_buf_fini(&b);
    if (st != OV_OK)
        strip(err);
    return st;
}

void ovi_compact_state(const ov_json *doc, ov_buf *out)
{
    const ov_json *tuning = ov_json_find(doc, "tuningConfig"), *g = ov_json_find(doc, "granularitySpec");
    const ov_json *segment = ov_json_find(g, "segmentGranularity");
    if (!segment)
        segment = ov_json_find(doc, "segmentGranularity");
    ov_buf_add_str(out, "{\"granularitySpec\":{\"segmentGranularity\":");
    if (segment)
        ov_json_print(segment, out);
    else
        ov_buf_add_str(out, "null");
    add_member(out, "queryGranularity", ov_json_find(g, "queryGranularity"), "null");
    add_member(out, "rollup", ov_json_find(g, "rollup"), "null");
    ov_buf_add_char(out, '}');
    add_member(out, "dimensionsSpec", ov_json_find(doc, "dimensionsSpec"), "null");
    add_member(out, "metricsSpec", ov_json_find(doc, "metricsSpec"), "null");
    add_member(out, "transformSpec", ov_json_find(doc, "transformSpec"), "null");
    add_member(out, "partitionsSpec", ov_json_find(tuning, "partitionsSpec"), "null");
    add_member(out, "maxRowsPerSegment", ov_json_find(tuning, "maxRowsPerSegment"), "null");
    ov_buf_add_char(out, '}');
}

/* ---- what is read ---- */

static ov_status read_ids(const ov_json *list, ov_arena *out, ovi_compact_plan *p, ov_error *err)
{
    ov_slice *ids;
    OV_TRY(ov_json_expect(list, OV_JSON_ARRAY, err));
    OV_TRY(ov_arena_alloc(out, (list->count + 1) * sizeof *ids, &ids, err));
    for (const ov_json *v = list->first; v; v = v->next) {
        const ov_json *id = v->kind == OV_JSON_OBJECT ? ov_json_get(v, "identifier") : v; /* whole DataSegments in old documents */
        if (!id)
            return ov_json_fail(v, err, OV_INVALID, "a segment's id is expected");
        OV_TRY(ov_json_as_str(id, &ids[p->id_count++], err));
    }
    if (p->id_count == 0)
        return ov_json_fail(list, err, OV_INVALID, "the list names no segment");
    p->ids = ids;
    return OV_OK;
}

static ov_status read_input(const ov_json *doc, ov_arena *out, ovi_compact_plan *p, ov_error *err)
{
    ov_slice type, text;
    const ov_json *io, *input = NULL;
    OV_TRY(ov_json_obj(doc, "ioConfig", &io, err));
    OV_TRY(ov_json_bool(io, "allowNonAlignedInterval", false, &p->non_aligned, err));
    if (io)
        OV_TRY(ov_json_need_obj(io, "inputSpec", &input, err));
    const ov_json *from = input ? input : doc;
    if (input) {
        OV_TRY(ov_json_need_str(input, "type", &type, err));
        if (!ov_slice_eq(type, OV_SLICE_LIT("interval")) && !ov_slice_eq(type, OV_SLICE_LIT("segments")))
            return ov_json_fail(ov_json_get(input, "type"), err, OV_INVALID,
                                "'" OV_SLICE_FMT "' is no inputSpec; known are interval and segments", OV_SLICE_ARG(type));
    }
    const ov_json *segments = ov_json_find(from, "segments");
    p->interval = OV_INTERVAL_ETERNITY;
    if (segments)
        return read_ids(segments, out, p, err);
    OV_TRY(ov_json_need_str(from, "interval", &text, err));
    OV_TRY(ov_interval_parse(text, &p->interval, err));
    if (p->interval.start >= p->interval.end)
        return ov_json_fail(ov_json_get(from, "interval"), err, OV_INVALID, "the interval is empty");
    return OV_OK;
}

static ov_status check_aligned(const ovi_compact_plan *p, ov_error *err)
{
    const ov_gran *g = &p->spec->granularity.segment;
    if (!p->has_segment_gran || p->ids || p->non_aligned || p->interval.start == OV_TIME_MIN || p->interval.end == OV_TIME_MAX)
        return OV_OK;
    if (ov_gran_floor(g, p->interval.start) == p->interval.start && ov_gran_ceil(g, p->interval.end) == p->interval.end)
        return OV_OK;
    return ov_fail(err, OV_INVALID,
                   "ioConfig.inputSpec.interval: it is not aligned with the segmentGranularity; widen it, or set "
                   "allowNonAlignedInterval");
}

ov_status ovi_compact_read(const ov_json *doc, const ov_transform_ops *transforms, ov_arena *out, ovi_compact_plan *p, ov_error *err)
{
    ovi_merge_filter filter;
    const ov_json *g, *list;
    ov_buf b;
    *p = (ovi_compact_plan){.doc = doc};
    OV_TRY(ov_json_need_str(doc, "dataSource", &p->datasource, err));
    OV_TRY(ov_datasource_name_check(p->datasource, err));
    OV_TRY(read_input(doc, out, p, err));
    OV_TRY(ov_json_obj(doc, "granularitySpec", &g, err));
    OV_TRY(ov_json_arr(doc, "metricsSpec", &list, err));
    p->has_segment_gran = ov_json_find(g, "segmentGranularity") || ov_json_find(doc, "segmentGranularity");
    p->has_query_gran = ov_json_find(g, "queryGranularity") != NULL;
    p->has_rollup = ov_json_find(g, "rollup") != NULL;
    p->has_metrics = list != NULL;
    OV_TRY(ovi_compact_spec(p, (ov_slice){0}, out, &p->spec, err));
    OV_TRY(check_aligned(p, err));
    if (p->spec->transform_json.n)
        OV_TRY(ovi_merge_filter_open(&filter, transforms, p->spec->transform_json, out, err));
    ov_buf_init(&b);
    ovi_compact_state(doc, &b);
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), &p->state, err);
    ov_buf_fini(&b);
    return st;
}
