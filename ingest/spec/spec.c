/* Task envelope and tuningConfig of an ingestion spec; see ingest/spec/spec.h. */
#include "ingest/spec/spec_int.h"

#include <stdio.h>

#include "base/suggest.h"
#include "ingest/load/load.h"

ov_status ovi_spec_text(ovi_spec_reader *r, const ov_json *obj, const char *key, const char *dflt,
                        ov_slice *out, ov_error *err)
{
    ov_slice s;
    OV_TRY(ov_json_str(obj, key, ov_slice_cstr(dflt), &s, err));
    return ov_arena_copy(r->out, s, out, err);
}

ov_status ovi_spec_texts(ovi_spec_reader *r, const ov_json *obj, const char *key, ov_slice **out,
                         uint32_t *count, ov_error *err)
{
    const ov_json *array;
    *out = NULL;
    *count = 0;
    OV_TRY(ov_json_arr(obj, key, &array, err));
    if (!array || array->count == 0)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(r->out, array->count * sizeof(ov_slice), out, err));
    for (const ov_json *v = array->first; v; v = v->next) {
        OV_TRY(ov_json_expect(v, OV_JSON_STRING, err));
        OV_TRY(ov_arena_copy(r->out, v->s, &(*out)[(*count)++], err));
    }
    return OV_OK;
}

ov_status ovi_spec_json(ovi_spec_reader *r, const ov_json *obj, const char *key, const char *dflt,
                        ov_slice *out, ov_error *err)
{
    const ov_json *v = ov_json_find(obj, key);
    if (!v)
        return ov_arena_copy(r->out, ov_slice_cstr(dflt), out, err);
    ov_buf text;
    ov_buf_init(&text);
    ov_json_print(v, &text);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(r->out, ov_buf_slice(&text), out, err);
    ov_buf_fini(&text);
    return st;
}

ov_status ovi_spec_unknown(const ov_json *at, ov_slice word, const char *what,
                           const char *const *known, size_t n, ov_error *err)
{
    char list[512];
    size_t used = 0;
    list[0] = 0;
    for (size_t i = 0; i < n && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", known[i]);
    ov_slice near = ov_suggest_of(word, known, n);
    if (near.n)
        return ov_json_fail(at, err, OV_INVALID,
                            "'" OV_SLICE_FMT "' is no %s; did you mean '" OV_SLICE_FMT
                            "'? Known are: %s",
                            OV_SLICE_ARG(word), what, OV_SLICE_ARG(near), list);
    return ov_json_fail(at, err, OV_INVALID, "'" OV_SLICE_FMT "' is no %s; known are: %s",
                        OV_SLICE_ARG(word), what, list);
}

/* ---- tuningConfig ---- */

/* A row limit: absent, null and -1 (Druid's old word for "not set") keep what *out has. */
static ov_status read_row_limit(const ov_json *obj, const char *key, uint32_t *out, ov_error *err)
{
    int64_t v;
    OV_TRY(ov_json_i64_in(obj, key, -1, -1, INT64_MAX, &v, err));
    if (v == 0)
        return ov_json_fail(ov_json_get(obj, key), err, OV_INVALID,
                            "expected a number of rows of at least 1, found 0");
    if (v > 0)
        *out = (uint32_t)OV_MIN(v, (int64_t)UINT32_MAX / 2);
    return OV_OK;
}

/* What rows are divided by. Without dimensions, or for rows that join others, there is nothing to divide by. */
static ov_status read_division(ovi_spec_reader *r, const ov_json *p, ov_slice kind, ov_error *err)
{
    ov_spec *s = r->spec;
    int64_t shards;
    bool hashed = ov_slice_eq(kind, OV_SLICE_LIT("hashed"));
    OV_TRY(ovi_spec_texts(r, p, "partitionDimensions", &s->partition_dimensions, &s->partition_count, err));
    if (ov_slice_eq(kind, OV_SLICE_LIT("single_dim")) && ov_json_find(p, "partitionDimension")) {
        OV_TRY(ov_arena_zalloc(r->out, sizeof *s->partition_dimensions, &s->partition_dimensions, err));
        OV_TRY(ovi_spec_text(r, p, "partitionDimension", "", s->partition_dimensions, err));
        s->partition_count = 1;
    }
    OV_TRY(ov_json_i64_in(p, "numShards", -1, -1, 10000, &shards, err));
    if (shards == 0)
        return ov_json_fail(ov_json_get(p, "numShards"), err, OV_INVALID, "expected at least 1 shard, found 0");
    if (shards > 0 && hashed)
        s->num_shards = (uint32_t)shards;
    if (s->partition_count > OV_SHARD_MOST_DIMENSIONS)
        return ov_json_fail(ov_json_get(p, "partitionDimensions"), err, OV_LIMIT, "at most %d dimensions divide rows",
                            OV_SHARD_MOST_DIMENSIONS);
    if (s->partition_count && !s->append)
        s->partitions = hashed ? OV_SHARD_HASHED : OV_SHARD_RANGE;
    return OV_OK;
}

static ov_status read_partitions(ovi_spec_reader *r, const ov_json *tuning, ov_error *err)
{
    static const char *const kinds[] = {"dynamic", "hashed", "range", "single_dim"};
    const ov_json *p;
    ov_slice kind;
    OV_TRY(ov_json_obj(tuning, "partitionsSpec", &p, err));
    if (!p)
        return OV_OK;
    OV_TRY(ov_json_str(p, "type", OV_SLICE_LIT("dynamic"), &kind, err));
    size_t i = 0;
    while (i < OV_COUNT_OF(kinds) && !ov_slice_eq(kind, ov_slice_cstr(kinds[i])))
        i++;
    if (i == OV_COUNT_OF(kinds))
        return ovi_spec_unknown(ov_json_get(p, "type"), kind, "partitionsSpec", kinds, i, err);
    if (i > 0)
        OV_TRY(read_division(r, p, kind, err));
    OV_TRY(read_row_limit(p, "targetPartitionSize", &r->spec->max_rows_per_segment, err));
    OV_TRY(read_row_limit(p, "targetRowsPerSegment", &r->spec->max_rows_per_segment, err));
    return read_row_limit(p, "maxRowsPerSegment", &r->spec->max_rows_per_segment, err);
}

static ov_status check_tuning_type(const ov_json *tuning, ov_error *err)
{
    static const char *const kinds[] = {"index_parallel", "index", "compaction"};
    ov_slice kind;
    OV_TRY(ov_json_str(tuning, "type", OV_SLICE_LIT("index_parallel"), &kind, err));
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++)
        if (ov_slice_eq(kind, ov_slice_cstr(kinds[i])))
            return OV_OK;
    return ovi_spec_unknown(ov_json_get(tuning, "type"), kind, "tuningConfig", kinds, OV_COUNT_OF(kinds), err);
}

static ov_status read_tuning(ovi_spec_reader *r, const ov_json *spec, ov_error *err)
{
    ov_spec *s = r->spec;
    const ov_json *t;
    int64_t max;
    s->max_rows_per_segment = OV_LOAD_SEGMENT_ROWS;
    s->max_parse_exceptions = UINT64_MAX;
    OV_TRY(ov_json_obj(spec, "tuningConfig", &t, err));
    OV_TRY(check_tuning_type(t, err));
    OV_TRY(read_row_limit(t, "targetPartitionSize", &s->max_rows_per_segment, err));
    OV_TRY(read_row_limit(t, "maxRowsPerSegment", &s->max_rows_per_segment, err));
    OV_TRY(read_partitions(r, t, err));
    OV_TRY(ov_json_i64_in(t, "maxBytesInMemory", 0, -1, INT64_MAX, &max, err));
    s->max_bytes_in_memory = max > 0 ? (uint64_t)max : 0; /* 0 and -1 leave it to us */
    OV_TRY(ov_json_bool(t, "logParseExceptions", false, &s->log_parse_exceptions, err));
    OV_TRY(ov_json_bool(t, "reportParseExceptions", false, &s->report_parse_exceptions, err));
    OV_TRY(ov_json_i64_in(t, "maxParseExceptions", INT32_MAX, -1, INT64_MAX, &max, err));
    if (max >= 0 && max != INT32_MAX) /* Integer.MAX_VALUE is Druid's "no limit" */
        s->max_parse_exceptions = (uint64_t)max;
    if (s->report_parse_exceptions)
        s->max_parse_exceptions = 0;
    OV_TRY(ov_json_i64_in(t, "maxSavedParseExceptions", 0, -1, INT32_MAX, &max, err));
    s->max_saved_parse_exceptions = max > 0 ? (uint32_t)max : 0;
    return OV_OK;
}

/* ---- the task ---- */

static ov_status read_io(ovi_spec_reader *r, const ov_json *spec, ov_error *err)
{
    ov_spec *s = r->spec;
    const ov_json *io;
    OV_TRY(ov_json_need_obj(spec, "ioConfig", &io, err));
    if (ov_json_find(io, "firehose"))
        return ov_json_fail(ov_json_get(io, "firehose"), err, OV_UNSUPPORTED,
                            "firehoses are gone from Druid too; use 'inputSource' and 'inputFormat'");
    OV_TRY(ov_json_bool(io, "appendToExisting", false, &s->append, err));
    OV_TRY(ov_json_bool(io, "dropExisting", false, &s->drop, err));
    if (s->append && s->drop)
        return ov_json_fail(io, err, OV_INVALID,
                            "appendToExisting and dropExisting exclude each other");
    OV_TRY(ovi_spec_input(r, io, err));
    return ovi_spec_format(r, io, err);
}

static ov_status read_task(ovi_spec_reader *r, const ov_json *task, ov_error *err)
{
    static const char *const kinds[] = {"index_parallel", "index"};
    ov_spec *s = r->spec;
    const ov_json *spec, *schema;
    OV_TRY(ov_json_expect(task, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(task, "type", &s->task_type, err));
    if (!ov_slice_eq(s->task_type, OV_SLICE_LIT("index_parallel")) &&
        !ov_slice_eq(s->task_type, OV_SLICE_LIT("index")))
        return ovi_spec_unknown(ov_json_get(task, "type"), s->task_type, "batch task type", kinds,
                                OV_COUNT_OF(kinds), err);
    OV_TRY(ov_arena_copy(r->out, s->task_type, &s->task_type, err));
    OV_TRY(ovi_spec_text(r, task, "id", "", &s->id, err));
    OV_TRY(ovi_spec_text(r, task, "groupId", "", &s->group_id, err));
    OV_TRY(ovi_spec_json(r, task, "context", "{}", &s->context_json, err));
    OV_TRY(ov_json_need_obj(task, "spec", &spec, err));
    OV_TRY(ov_json_need_obj(spec, "dataSchema", &schema, err));
    OV_TRY(ovi_spec_schema(r, schema, err));
    OV_TRY(read_io(r, spec, err));
    OV_TRY(read_tuning(r, spec, err));
    if (s->drop && s->granularity.interval_count == 0)
        return ov_json_fail(schema, err, OV_INVALID,
                            "dropExisting needs granularitySpec.intervals: the time it may empty");
    return OV_OK;
}

ov_status ov_spec_parse(ov_slice text, ov_arena *out, ov_spec **spec, ov_error *err)
{
    ovi_spec_reader r = {.out = out};
    ov_arena doc;
    ov_json *task;
    OV_TRY(ov_arena_zalloc(out, sizeof *r.spec, &r.spec, err));
    ov_arena_init(&doc, "spec", out->budget);
    ov_status st = ov_json_parse(text, NULL, &doc, &task, err);
    if (st == OV_OK)
        st = read_task(&r, task, err);
    ov_arena_fini(&doc);
    if (st == OV_OK)
        *spec = r.spec;
    return st;
}

static ov_status parse_part(ov_slice text, const char *key, ov_json *io, ov_arena *out, ov_error *err)
{
    ov_json *part;
    ov_status st = ov_json_parse(text, NULL, out, &part, err);
    if (st == OV_OK)
        return ov_json_set(out, io, key, part, err);
    ov_error_context(err, "%s", key);
    err->has_pos = false; /* of the text inside the statement's */
    return st;
}

ov_status ov_spec_parse_input(ov_slice source, ov_slice format, ov_arena *out, ov_spec **spec, ov_error *err)
{
    ovi_spec_reader r = {.out = out};
    ov_json *io;
    OV_TRY(ov_arena_zalloc(out, sizeof *r.spec, &r.spec, err));
    OV_TRY(ov_json_parse(OV_SLICE_LIT("{}"), NULL, out, &io, err));
    OV_TRY(parse_part(source, "inputSource", io, out, err));
    OV_TRY(parse_part(format, "inputFormat", io, out, err));
    ov_status st = ovi_spec_input(&r, io, err);
    if (st == OV_OK)
        st = ovi_spec_format(&r, io, err);
    err->has_pos = false;
    r.spec->timestamp.has_missing = true; /* rows have no time of their own */
    *spec = r.spec;
    return st;
}
