/* How a stream's rows are read: the spec somebody declared, or the one of discovery; both are a batch spec without input. */
#include "base/json.h"
#include "ingest/stream/stream_int.h"

static const char discovery[] = "\"timestampSpec\":{\"column\":\"__time\",\"format\":\"auto\"},"
                                "\"dimensionsSpec\":{\"useSchemaDiscovery\":true},"
                                "\"granularitySpec\":{\"segmentGranularity\":\"DAY\",\"queryGranularity\":\"NONE\","
                                "\"rollup\":false}}";

static const char *format_json(ov_push_format format)
{
    switch (format) {
    case OV_PUSH_CSV:
        return "{\"type\":\"csv\",\"findColumnsFromHeader\":true,\"tryParseNumbers\":true}";
    case OV_PUSH_TSV:
        return "{\"type\":\"tsv\",\"findColumnsFromHeader\":true,\"tryParseNumbers\":true}";
    case OV_PUSH_JSON:
        break;
    }
    return "{\"type\":\"json\"}";
}

static void add_member(const ov_json *v, const char *fallback, ov_buf *out)
{
    if (v)
        ov_json_print(v, out);
    else
        ov_buf_add_str(out, fallback);
}

/* The declared format counts when it is of the kind the client says it sends. */
static const ov_json *declared_format(const ov_json *doc, ov_push_format format)
{
    static const char *const kinds[] = {[OV_PUSH_JSON] = "json", [OV_PUSH_CSV] = "csv", [OV_PUSH_TSV] = "tsv"};
    const ov_json *f = doc ? ov_json_find(doc, "inputFormat") : NULL;
    const ov_json *type = f ? ov_json_find(f, "type") : NULL;
    return type && type->kind == OV_JSON_STRING && ov_slice_ieq(type->s, ov_slice_cstr(kinds[format])) ? f : NULL;
}

static ov_status write_task(ov_slice datasource, const ov_json *doc, ov_push_format format, ov_buf *out, ov_error *err)
{
    ov_buf_add_str(out, "{\"type\":\"index_parallel\",\"spec\":{\"dataSchema\":");
    if (doc) {
        ov_json_print(ov_json_get(doc, "dataSchema"), out);
    } else {
        ov_buf_add_str(out, "{\"dataSource\":");
        ov_json_quote(out, datasource);
        ov_buf_add_char(out, ',');
        ov_buf_add_str(out, discovery);
    }
    ov_buf_add_str(out, ",\"ioConfig\":{\"type\":\"index_parallel\",\"inputSource\":{\"type\":\"inline\",\"data\":\"\"},"
                        "\"inputFormat\":");
    add_member(declared_format(doc, format), format_json(format), out);
    ov_buf_add_str(out, "},\"tuningConfig\":");
    add_member(doc ? ov_json_find(doc, "tuningConfig") : NULL, "{\"type\":\"index_parallel\"}", out);
    ov_buf_add_str(out, "}}");
    return ov_buf_check(out, err);
}

/* Only what a stream has; the datasource may be left out, it is in the address. */
static ov_status check_document(ov_slice datasource, ov_json *doc, ov_arena *a, ov_error *err)
{
    static const char *const names[] = {"dataSchema", "inputFormat", "tuningConfig"};
    const ov_json *schema;
    ov_json *name;
    ov_slice given;
    OV_TRY(ov_json_expect(doc, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_only(doc, names, OV_COUNT_OF(names), err));
    OV_TRY(ov_json_need_obj(doc, "dataSchema", &schema, err));
    OV_TRY(ov_json_str(schema, "dataSource", datasource, &given, err));
    if (!ov_slice_eq(given, datasource))
        return ov_json_fail(schema, err, OV_INVALID, "the spec is of '" OV_SLICE_FMT "', the stream of '" OV_SLICE_FMT "'",
                            OV_SLICE_ARG(given), OV_SLICE_ARG(datasource));
    if (ov_json_find(schema, "dataSource"))
        return OV_OK;
    OV_TRY(ov_json_new_str(a, datasource, &name, err));
    return ov_json_set(a, (ov_json *)(uintptr_t)schema, "dataSource", name, err);
}

ov_status ovi_stream_spec(ov_slice datasource, ov_slice declared, ov_push_format format, ov_arena *out, ov_spec **spec,
                          ov_error *err)
{
    ov_arena doc_arena;
    ov_json *doc = NULL;
    ov_buf text;
    ov_status st = OV_OK;
    ov_arena_init(&doc_arena, "stream spec", NULL);
    ov_buf_init(&text);
    if (declared.n) {
        st = ov_json_parse(declared, NULL, &doc_arena, &doc, err);
        if (st == OV_OK)
            st = check_document(datasource, doc, &doc_arena, err);
    }
    if (st == OV_OK)
        st = write_task(datasource, doc, format, &text, err);
    if (st == OV_OK)
        st = ov_spec_parse(ov_buf_slice(&text), out, spec, err);
    ov_buf_fini(&text);
    ov_arena_fini(&doc_arena);
    return st;
}

/* Keys hold from here on, for rows that are there too. */
static ov_status declare_keys(ov_streams *s, ov_slice datasource, ov_slice json, ov_error *err)
{
    ov_arena a;
    ov_spec *spec;
    ov_arena_init(&a, "stream spec", NULL);
    ov_status st = ovi_stream_spec(datasource, json, OV_PUSH_JSON, &a, &spec, err);
    if (st == OV_OK && spec->keys.count)
        st = ov_catalog_keys_declare(s->config.catalog, datasource, &spec->keys, err);
    ov_arena_fini(&a);
    return st;
}

static ov_status check_declared(ov_streams *s, ov_slice datasource, ov_slice json, ov_error *err)
{
    ov_arena a;
    ov_spec *spec;
    ov_arena_init(&a, "stream spec", NULL);
    ov_status st = ovi_stream_spec(datasource, json, OV_PUSH_JSON, &a, &spec, err);
    if (st == OV_OK)
        st = ov_load_check(spec, s->config.transforms, err);
    ov_arena_fini(&a);
    return st;
}

static ov_status store(ov_streams *s, ov_slice datasource, ov_slice json, ov_error *err)
{
    ov_arena a;
    ov_slice key;
    ov_arena_init(&a, "stream spec", NULL);
    ov_status st = ovi_stream_key(&a, "spec", datasource, (ov_slice){0}, &key, err);
    if (st == OV_OK) {
        ov_commit commit = {.mode = OV_PUBLISH_APPEND, .cursor_keys = &key, .cursor_values = &json, .cursor_count = 1};
        st = ov_catalog_commit(s->config.catalog, &commit, &a, err);
    }
    ov_arena_fini(&a);
    return st;
}

ov_status ov_streams_declare(ov_streams *s, ov_slice datasource, ov_slice json, ov_error *err)
{
    ovi_stream *stream;
    OV_TRY(check_declared(s, datasource, json, err));
    OV_TRY(ov_streams_flush(s, datasource, err)); /* rows in memory are of the old spec */
    OV_TRY(declare_keys(s, datasource, json, err));
    char *copy = ov_strndup(json.p, json.n);
    if (!copy)
        return ov_fail_nomem(err, json.n);
    ov_status st = store(s, datasource, json, err);
    ov_mutex_lock(&s->lock);
    if (st == OV_OK)
        st = ovi_stream_find(s, datasource, &stream, err);
    if (st == OV_OK) {
        ov_free((void *)(uintptr_t)stream->spec.p);
        stream->spec = ov_slice_make(copy, json.n);
        copy = NULL;
    }
    ov_mutex_unlock(&s->lock);
    ov_free(copy);
    return st;
}

ov_status ov_streams_declared(ov_streams *s, ov_slice datasource, ov_arena *out, ov_slice *json, ov_error *err)
{
    ovi_stream *stream;
    *json = (ov_slice){0};
    ov_mutex_lock(&s->lock);
    ov_status st = ovi_stream_find(s, datasource, &stream, err);
    if (st == OV_OK && stream->spec.n)
        st = ov_arena_copy(out, stream->spec, json, err);
    ov_mutex_unlock(&s->lock);
    return st;
}
