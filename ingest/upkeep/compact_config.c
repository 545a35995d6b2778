/* A configuration of automatic compaction: checked, printed, and as the document of a task. */
#include "ingest/upkeep/compact_int.h"

#include "base/period.h"

static const char defaults[] =
    "{\"dataSource\":null,\"taskPriority\":25,\"inputSegmentSizeBytes\":100000000000000,\"maxRowsPerSegment\":null,"
    "\"skipOffsetFromLatest\":\"P1D\",\"tuningConfig\":null,\"granularitySpec\":null,\"dimensionsSpec\":null,\"metricsSpec\":null,"
    "\"transformSpec\":null,\"projections\":null,\"ioConfig\":null,\"engine\":null,\"taskContext\":null}";

ov_status ov_compaction_print(const ov_json *config, ov_buf *out, ov_error *err)
{
    return ov_settings_print(defaults, config, out, err);
}

static void add_member(ov_buf *b, const ov_json *config, const char *key)
{
    const ov_json *v = ov_json_find(config, key);
    if (!v)
        return;
    ov_buf_addf(b, ",\"%s\":", key);
    ov_json_print(v, b);
}

/* The task context with the priority, where the context has none. */
static void add_context(ov_buf *b, const ov_json *config, int64_t priority)
{
    const ov_json *context = ov_json_find(config, "taskContext");
    ov_buf_addf(b, ",\"context\":{");
    if (!ov_json_find(context, "priority"))
        ov_buf_addf(b, "\"priority\":%lld,", (long long)priority);
    for (const ov_json *v = context && context->kind == OV_JSON_OBJECT ? context->first : NULL; v; v = v->next) {
        ov_json_quote(b, v->key);
        ov_buf_add_char(b, ':');
        ov_json_print(v, b);
        ov_buf_add_char(b, ',');
    }
    ov_buf_add_str(b, "\"storeCompactionState\":true}");
}

ov_status ovi_compaction_task(const ovi_compaction_config *c, ov_interval interval, ov_slice id, ov_buf *b, ov_error *err)
{
    ov_buf_add_str(b, "{\"type\":\"compact\",\"dataSource\":");
    ov_json_quote(b, c->datasource);
    if (id.n) {
        ov_buf_add_str(b, ",\"id\":");
        ov_json_quote(b, id);
    }
    ov_buf_add_str(b, ",\"ioConfig\":{\"type\":\"compact\",\"inputSpec\":{\"type\":\"interval\",\"interval\":\"");
    ov_interval_add(b, interval);
    ov_buf_add_str(b, "\"},\"allowNonAlignedInterval\":true}");
    static const char *const members[] = {"granularitySpec", "dimensionsSpec", "metricsSpec", "transformSpec", "tuningConfig"};
    for (size_t i = 0; i < OV_COUNT_OF(members); i++)
        add_member(b, c->json, members[i]);
    add_context(b, c->json, c->priority);
    ov_buf_add_char(b, '}');
    return ov_buf_check(b, err);
}

static ov_status read_plan(ovi_compaction_config *c, const ov_transform_ops *transforms, ov_arena *out, ov_error *err)
{
    ov_buf b;
    ov_json *doc;
    ov_slice text;
    ov_buf_init(&b);
    ov_status st = ovi_compaction_task(c, OV_INTERVAL_ETERNITY, (ov_slice){0}, &b, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&b), &text, err);
    ov_buf_fini(&b);
    OV_TRY(st);
    OV_TRY(ov_json_parse(text, NULL, out, &doc, err));
    return ovi_compact_read(doc, transforms, out, &c->plan, err);
}

ov_status ovi_compaction_read(const ov_json *json, const ov_transform_ops *transforms, ov_arena *out, ovi_compaction_config *c,
                              ov_error *err)
{
    ov_slice text;
    const ov_json *context;
    *c = (ovi_compaction_config){.json = json};
    OV_TRY(ov_json_expect(json, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(json, "dataSource", &c->datasource, err));
    OV_TRY(ov_json_i64_in(json, "taskPriority", 25, INT32_MIN, INT32_MAX, &c->priority, err));
    OV_TRY(ov_json_i64_in(json, "inputSegmentSizeBytes", INT64_C(100000000000000), 1, INT64_MAX, &c->most_bytes, err));
    OV_TRY(ov_json_str(json, "skipOffsetFromLatest", OV_SLICE_LIT("P1D"), &text, err));
    OV_TRY(ov_period_parse(text, &c->skip, err));
    OV_TRY(ov_json_str(json, "engine", OV_SLICE_LIT("native"), &text, err));
    if (!ov_slice_eq(text, OV_SLICE_LIT("native")) && !ov_slice_eq(text, OV_SLICE_LIT("msq")))
        return ov_json_fail(ov_json_get(json, "engine"), err, OV_INVALID, "known engines are native and msq");
    OV_TRY(ov_json_obj(json, "taskContext", &context, err));
    const ov_json *projections = ov_json_find(json, "projections");
    if (projections && projections->count)
        return ov_json_fail(projections, err, OV_UNSUPPORTED, "projections are not supported yet");
    return read_plan(c, transforms, out, err);
}

ov_status ov_compaction_check(const ov_json *config, const ov_transform_ops *transforms, ov_error *err)
{
    ov_arena a;
    ovi_compaction_config c;
    ov_arena_init(&a, "compaction", NULL);
    ov_status st = ovi_compaction_read(config, transforms, &a, &c, err);
    ov_arena_fini(&a);
    return st;
}
