/* Druid's supervisor document; what it says about rows becomes the document of a stream. */
#include "ingest/kafka/kafka_int.h"

#include "storage/segment/segment_id.h"

enum { MAX_TASKS = 64, MAX_ID_BYTES = 200 };

/* ---- inputFormat ---- */

static ov_status read_key_format(const ov_json *format, ovi_kafka_envelope *e, ov_error *err)
{
    const ov_json *key;
    ov_slice type, delimiter;
    OV_TRY(ov_json_obj(format, "keyFormat", &key, err));
    if (!key)
        return OV_OK;
    OV_TRY(ov_json_need_str(key, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("json"))) {
        e->key_kind = OVI_KAFKA_KEY_JSON;
        return OV_OK;
    }
    if (ov_slice_eq(type, OV_SLICE_LIT("regex")) || ov_slice_eq(type, OV_SLICE_LIT("lines"))) {
        e->key_kind = OVI_KAFKA_KEY_TEXT;
        return OV_OK;
    }
    bool csv = ov_slice_eq(type, OV_SLICE_LIT("csv"));
    if (!csv && !ov_slice_eq(type, OV_SLICE_LIT("tsv")))
        return ov_json_fail(key, err, OV_UNSUPPORTED, "keys are read as json, csv, tsv, lines or regex, not as '" OV_SLICE_FMT "'",
                            OV_SLICE_ARG(type));
    OV_TRY(ov_json_str(key, "delimiter", csv ? OV_SLICE_LIT(",") : OV_SLICE_LIT("\t"), &delimiter, err));
    if (delimiter.n != 1)
        return ov_json_fail(key, err, OV_UNSUPPORTED, "the delimiter of a key is one byte");
    e->key_kind = OVI_KAFKA_KEY_CELL;
    e->key_delimiter = delimiter.p[0];
    return OV_OK;
}

static ov_status read_header_format(const ov_json *format, ovi_kafka_envelope *e, ov_error *err)
{
    const ov_json *headers;
    ov_slice type, encoding;
    OV_TRY(ov_json_obj(format, "headerFormat", &headers, err));
    if (!headers)
        return OV_OK;
    OV_TRY(ov_json_str(headers, "type", OV_SLICE_LIT("string"), &type, err));
    OV_TRY(ov_json_str(headers, "encoding", OV_SLICE_LIT("UTF-8"), &encoding, err));
    if (!ov_slice_eq(type, OV_SLICE_LIT("string")))
        return ov_json_fail(headers, err, OV_UNSUPPORTED, "headers are read as 'string'");
    if (!ov_slice_ieq(encoding, OV_SLICE_LIT("UTF-8")) && !ov_slice_ieq(encoding, OV_SLICE_LIT("US-ASCII")))
        return ov_json_fail(headers, err, OV_UNSUPPORTED, "headers are read as UTF-8 or US-ASCII, not as '" OV_SLICE_FMT "'",
                            OV_SLICE_ARG(encoding));
    e->headers = true;
    return OV_OK;
}

/* {"type": "kafka", "valueFormat": {...}, ...}: *value becomes the format of the value. */
static ov_status read_envelope(const ov_json *format, ovi_kafka_envelope *e, const ov_json **value, ov_error *err)
{
    ov_slice type;
    e->on = true;
    OV_TRY(ov_json_str(format, "timestampColumnName", OV_SLICE_LIT("kafka.timestamp"), &e->timestamp, err));
    OV_TRY(ov_json_str(format, "topicColumnName", OV_SLICE_LIT("kafka.topic"), &e->topic, err));
    OV_TRY(ov_json_str(format, "keyColumnName", OV_SLICE_LIT("kafka.key"), &e->key, err));
    OV_TRY(ov_json_str(format, "headerColumnPrefix", OV_SLICE_LIT("kafka.header."), &e->header_prefix, err));
    OV_TRY(read_key_format(format, e, err));
    OV_TRY(read_header_format(format, e, err));
    OV_TRY(ov_json_need_obj(format, "valueFormat", value, err));
    OV_TRY(ov_json_need_str(*value, "type", &type, err));
    if (!ov_slice_eq(type, OV_SLICE_LIT("json")))
        return ov_json_fail(*value, err, OV_UNSUPPORTED,
                            "the input format 'kafka' takes json values yet; read csv and tsv by their own format, without key, "
                            "headers and timestamp");
    return OV_OK;
}

static ov_status read_format(const ov_json *io, ovi_kafka_spec *s, const ov_json **rows, ov_error *err)
{
    const ov_json *format;
    ov_slice type, delimiter;
    bool header, old_header;
    OV_TRY(ov_json_need_obj(io, "inputFormat", &format, err));
    OV_TRY(ov_json_need_str(format, "type", &type, err));
    *rows = format;
    if (ov_slice_eq(type, OV_SLICE_LIT("kafka")))
        return read_envelope(format, &s->envelope, rows, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("json")))
        return OV_OK;
    s->format = ov_slice_eq(type, OV_SLICE_LIT("csv")) ? OV_PUSH_CSV : OV_PUSH_TSV;
    if (s->format == OV_PUSH_TSV && !ov_slice_eq(type, OV_SLICE_LIT("tsv")))
        return ov_json_fail(ov_json_get(format, "type"), err, OV_UNSUPPORTED,
                            "messages are read as json, csv, tsv or kafka, not as '" OV_SLICE_FMT "'", OV_SLICE_ARG(type));
    OV_TRY(ov_json_str(format, "delimiter", OV_SLICE_LIT(","), &delimiter, err));
    s->delimiter = delimiter.n ? delimiter.p[delimiter.n - 1] : ',';
    OV_TRY(ov_json_bool(format, "hasHeaderRow", false, &old_header, err));
    OV_TRY(ov_json_bool(format, "findColumnsFromHeader", old_header, &header, err));
    if (header || ov_json_find(format, "skipHeaderRows"))
        return ov_json_fail(format, err, OV_UNSUPPORTED, "messages have no header line; name the columns in 'columns'");
    return OV_OK;
}

/* ---- the rest of ioConfig ---- */

static ov_status check_properties(const ovi_kafka_spec *s, ov_error *err)
{
    ov_slice servers;
    for (const ov_json *p = s->properties->first; p; p = p->next)
        if (p->kind == OV_JSON_OBJECT || p->kind == OV_JSON_ARRAY)
            return ov_json_fail(p, err, OV_UNSUPPORTED, "password providers are not there; a property of the client is a text");
    OV_TRY(ov_json_need_str(s->properties, "bootstrap.servers", &servers, err));
    return servers.n ? OV_OK : ov_json_fail(s->properties, err, OV_INVALID, "'bootstrap.servers' is empty");
}

static ov_status refuse_absent(const ov_json *io, ov_error *err)
{
    static const struct {
        const char *name, *why;
    } absent[] = {
        {"topicPattern", "one supervisor reads one topic; name it in 'topic'"},
        {"lateMessageRejectionPeriod", "rows of any time are taken"},
        {"earlyMessageRejectionPeriod", "rows of any time are taken"},
        {"lateMessageRejectionStartDateTime", "rows of any time are taken"},
        {"autoScalerConfig", "set 'taskCount'"},
    };
    for (size_t i = 0; i < OV_COUNT_OF(absent); i++) {
        const ov_json *v = ov_json_find(io, absent[i].name);
        if (v)
            return ov_json_fail(v, err, OV_UNSUPPORTED, "not there yet: %s", absent[i].why);
    }
    return OV_OK;
}

static ov_status read_io(const ov_json *spec, ovi_kafka_spec *s, const ov_json **rows, ov_error *err)
{
    const ov_json *io, *dead;
    int64_t tasks;
    OV_TRY(ov_json_need_obj(spec, "ioConfig", &io, err));
    OV_TRY(refuse_absent(io, err));
    if (ov_json_find(io, "topic"))
        OV_TRY(ov_json_need_str(io, "topic", &s->topic, err));
    else
        OV_TRY(ov_json_need_str(io, "stream", &s->topic, err));
    if (s->topic.n == 0 || s->topic.n > 249)
        return ov_json_fail(io, err, OV_INVALID, "the name of the topic is empty or too long");
    OV_TRY(ov_json_need_obj(io, "consumerProperties", &s->properties, err));
    OV_TRY(check_properties(s, err));
    OV_TRY(ov_json_i64_in(io, "taskCount", 1, 1, MAX_TASKS, &tasks, err));
    s->tasks = (uint32_t)tasks;
    OV_TRY(ov_json_bool(io, "useEarliestSequenceNumber", false, &s->earliest, err));
    OV_TRY(ov_json_bool(io, "useEarliestOffset", s->earliest, &s->earliest, err));
    OV_TRY(ov_json_obj(io, "deadLetters", &dead, err));
    if (dead) {
        OV_TRY(ov_json_need_str(dead, "dataSource", &s->dead_letters, err));
        OV_TRY(ov_datasource_name_check(s->dead_letters, err));
    }
    return read_format(io, s, rows, err);
}

/* ---- tuningConfig ---- */

static ov_status read_tuning(const ov_json *tuning, ovi_kafka_spec *s, ov_error *err)
{
    ov_slice type;
    int64_t most;
    OV_TRY(ov_json_str(tuning, "type", OV_SLICE_LIT("kafka"), &type, err));
    if (!ov_slice_eq(type, OV_SLICE_LIT("kafka")))
        return ov_json_fail(tuning, err, OV_INVALID, "the tuningConfig of a kafka supervisor has the type 'kafka'");
    OV_TRY(ov_json_bool(tuning, "resetOffsetAutomatically", false, &s->reset_automatically, err));
    OV_TRY(ov_json_i64_in(tuning, "maxParseExceptions", INT32_MAX, -1, INT64_MAX, &most, err));
    s->max_parse_exceptions = most < 0 || most == INT32_MAX ? UINT64_MAX : (uint64_t)most;
    return OV_OK;
}

/* {"dataSchema", "inputFormat", "tuningConfig"} for ov_streams_declare. */
static ov_status write_stream(const ov_json *schema, const ov_json *rows, const ov_json *tuning, ov_arena *a, ov_slice *out,
                              ov_error *err)
{
    ov_buf b;
    int64_t most;
    OV_TRY(ov_json_i64_in(tuning, "maxRowsPerSegment", 0, 0, INT32_MAX, &most, err));
    ov_buf_init(&b);
    ov_buf_add_str(&b, "{\"dataSchema\":");
    ov_json_print(schema, &b);
    ov_buf_add_str(&b, ",\"inputFormat\":");
    ov_json_print(rows, &b);
    ov_buf_add_str(&b, ",\"tuningConfig\":{\"type\":\"index_parallel\"");
    if (most)
        ov_buf_addf(&b, ",\"maxRowsPerSegment\":%lld", (long long)most);
    ov_buf_add_str(&b, "}}");
    ov_status st = ov_buf_check(&b, err);
    if (st == OV_OK)
        st = ov_arena_copy(a, ov_buf_slice(&b), out, err);
    ov_buf_fini(&b);
    return st;
}

/* ---- all ---- */

static ov_status check_id(const ov_json *doc, ov_slice id, ov_error *err)
{
    if (id.n == 0 || id.n > MAX_ID_BYTES)
        return ov_json_fail(doc, err, OV_INVALID, "an id has 1 to %d bytes", MAX_ID_BYTES);
    for (size_t i = 0; i < id.n; i++)
        if ((uint8_t)id.p[i] < ' ' || id.p[i] == '/')
            return ov_json_fail(doc, err, OV_INVALID, "an id has neither slashes nor control characters");
    return OV_OK;
}

ov_status ovi_kafka_spec_read(ov_slice json, ov_arena *out, ovi_kafka_spec *s, ov_error *err)
{
    const ov_json *spec, *schema, *tuning, *rows = NULL;
    ov_json *doc;
    ov_slice type;
    *s = (ovi_kafka_spec){0};
    OV_TRY(ov_json_parse(json, NULL, out, &doc, err));
    OV_TRY(ov_json_expect(doc, OV_JSON_OBJECT, err));
    s->doc = doc;
    OV_TRY(ov_json_need_str(doc, "type", &type, err));
    if (!ov_slice_eq(type, OV_SLICE_LIT("kafka")))
        return ov_json_fail(ov_json_get(doc, "type"), err, OV_UNSUPPORTED,
                            "supervisors are of type 'kafka' here; '" OV_SLICE_FMT "' is not there yet", OV_SLICE_ARG(type));
    OV_TRY(ov_json_obj(doc, "spec", &spec, err));
    spec = spec ? spec : doc; /* older documents have the parts at the top */
    OV_TRY(ov_json_need_obj(spec, "dataSchema", &schema, err));
    OV_TRY(ov_json_need_str(schema, "dataSource", &s->datasource, err));
    OV_TRY(ov_datasource_name_check(s->datasource, err));
    OV_TRY(ov_json_str(doc, "id", s->datasource, &s->id, err));
    OV_TRY(check_id(doc, s->id, err));
    OV_TRY(ov_json_bool(doc, "suspended", false, &s->suspended, err));
    OV_TRY(read_io(spec, s, &rows, err));
    OV_TRY(ov_json_obj(spec, "tuningConfig", &tuning, err));
    OV_TRY(read_tuning(tuning, s, err));
    return write_stream(schema, rows, tuning, out, &s->stream, err);
}
