/* ioConfig of an ingestion spec: where the bytes are and how rows lie in them; see ingest/spec/spec.h. */
#include "ingest/spec/spec_int.h"

#include <stdlib.h>
#include "ingest/parse/jsonpath.h"

static ov_status no_system_fields(const ov_json *src, ov_error *err)
{
    const ov_json *fields;
    OV_TRY(ov_json_arr(src, "systemFields", &fields, err));
    if (fields && fields->count)
        return ov_json_fail(fields, err, OV_UNSUPPORTED, "system fields are not supported yet");
    return OV_OK;
}

static ov_status read_local(ovi_spec_reader *r, const ov_json *src, ov_error *err)
{
    ov_input_spec *in = &r->spec->input;
    in->kind = OV_INPUT_LOCAL;
    OV_TRY(no_system_fields(src, err));
    OV_TRY(ovi_spec_text(r, src, "baseDir", "", &in->base_dir, err));
    OV_TRY(ovi_spec_text(r, src, "filter", "", &in->filter, err));
    OV_TRY(ovi_spec_texts(r, src, "files", &in->names, &in->name_count, err));
    if (in->base_dir.n && in->name_count)
        return ov_json_fail(src, err, OV_INVALID, "give either 'baseDir' with 'filter' or 'files'");
    if (!in->base_dir.n && !in->name_count)
        return ov_json_fail(src, err, OV_INVALID,
                            "no input: 'baseDir' with 'filter', or 'files' is needed");
    if (in->base_dir.n && !in->filter.n)
        return ov_json_fail(src, err, OV_INVALID,
                            "'filter' is missing: a pattern of file names such as *.json.gz");
    return OV_OK;
}

/* A password as text or as one of Druid's providers. */
static ov_status read_password(ovi_spec_reader *r, const ov_json *src, ov_error *err)
{
    const ov_json *v = ov_json_find(src, "httpAuthenticationPassword");
    ov_slice type, name;
    if (!v)
        return OV_OK;
    if (v->kind != OV_JSON_OBJECT)
        return ovi_spec_text(r, src, "httpAuthenticationPassword", "", &r->spec->input.password, err);
    OV_TRY(ov_json_need_str(v, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("default")))
        return ovi_spec_text(r, v, "password", "", &r->spec->input.password, err);
    if (!ov_slice_eq(type, OV_SLICE_LIT("environment")))
        return ov_json_fail(v, err, OV_UNSUPPORTED,
                            "password providers are 'default' and 'environment', found '" OV_SLICE_FMT
                            "'",
                            OV_SLICE_ARG(type));
    OV_TRY(ov_json_need_str(v, "variable", &name, err));
    const char *value = getenv(name.p);
    if (!value)
        return ov_json_fail(v, err, OV_NOT_FOUND, "the environment has no variable '%s'", name.p);
    return ov_arena_copy(r->out, ov_slice_cstr(value), &r->spec->input.password, err);
}

static ov_status read_headers(ovi_spec_reader *r, const ov_json *src, ov_error *err)
{
    ov_input_spec *in = &r->spec->input;
    const ov_json *headers;
    OV_TRY(ov_json_obj(src, "requestHeaders", &headers, err));
    if (!headers || headers->count == 0)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(r->out, headers->count * sizeof(ov_slice), &in->header_names, err));
    OV_TRY(ov_arena_zalloc(r->out, headers->count * sizeof(ov_slice), &in->header_values, err));
    for (const ov_json *h = headers->first; h; h = h->next) {
        ov_slice value;
        OV_TRY(ov_json_as_str(h, &value, err));
        if (memchr(value.p, '\n', value.n) || memchr(value.p, '\r', value.n) || h->key.n == 0 ||
            memchr(h->key.p, '\n', h->key.n) || memchr(h->key.p, ':', h->key.n))
            return ov_json_fail(h, err, OV_INVALID, "this is no HTTP header");
        OV_TRY(ov_arena_copy(r->out, h->key, &in->header_names[in->header_count], err));
        OV_TRY(ov_arena_copy(r->out, value, &in->header_values[in->header_count], err));
        in->header_count++;
    }
    return OV_OK;
}

static ov_status check_uri(ov_slice uri, const ov_json *at, ov_error *err)
{
    size_t scheme = ov_slice_starts(uri, OV_SLICE_LIT("https://")) ? 8 : ov_slice_starts(uri, OV_SLICE_LIT("http://")) ? 7 : 0;
    if (!scheme)
        return ov_json_fail(at, err, OV_INVALID, "expected an http or https address");
    size_t host = scheme;
    while (host < uri.n && uri.p[host] != '/' && uri.p[host] != '?' && uri.p[host] != '#')
        host++;
    if (memchr(uri.p + scheme, '@', host - scheme)) /* addresses are told in errors, rejects and lineage */
        return ov_json_fail(at, err, OV_INVALID, "a user and a password do not stand in the address but in httpAuthenticationUsername and "
                            "httpAuthenticationPassword");
    return OV_OK;
}

/* The document was kept without its secrets, and runs again after a stop. */
static ov_status check_whole(const ov_input_spec *in, const ov_json *src, ov_error *err)
{
    bool hidden = ov_slice_eq(in->password, OV_SPEC_HIDDEN);
    for (uint32_t i = 0; i < in->header_count; i++)
        hidden |= ov_slice_eq(in->header_values[i], OV_SPEC_HIDDEN);
    if (hidden)
        return ov_json_fail(src, err, OV_INVALID, "a password or header is ***: secrets that stand in a document are not kept; give them again, "
                            "or name the password: {\"type\": \"environment\", \"variable\": \"NAME\"}");
    return OV_OK;
}

static ov_status read_http(ovi_spec_reader *r, const ov_json *src, ov_error *err)
{
    ov_input_spec *in = &r->spec->input;
    in->kind = OV_INPUT_HTTP;
    OV_TRY(no_system_fields(src, err));
    OV_TRY(ovi_spec_texts(r, src, "uris", &in->names, &in->name_count, err));
    if (in->name_count == 0)
        return ov_json_fail(src, err, OV_INVALID, "'uris' is missing or empty");
    const ov_json *uri = ov_json_find(src, "uris")->first;
    for (uint32_t i = 0; i < in->name_count; i++, uri = uri->next)
        OV_TRY(check_uri(in->names[i], uri, err));
    OV_TRY(ovi_spec_text(r, src, "httpAuthenticationUsername", "", &in->user, err));
    OV_TRY(read_password(r, src, err));
    OV_TRY(read_headers(r, src, err));
    return check_whole(in, src, err);
}

ov_status ovi_spec_input(ovi_spec_reader *r, const ov_json *io, ov_error *err)
{
    static const char *const known[] = {"local", "inline", "http"};
    static const char *const later[] = {"s3",    "google", "azure", "azureStorage", "hdfs",
                                        "sql",   "druid",  "delta", "iceberg",      "combining"};
    const ov_json *src;
    ov_slice type, data;
    OV_TRY(ov_json_need_obj(io, "inputSource", &src, err));
    OV_TRY(ov_json_need_str(src, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("local")))
        return read_local(r, src, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("http")))
        return read_http(r, src, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("inline"))) {
        r->spec->input.kind = OV_INPUT_INLINE;
        OV_TRY(ov_json_need_str(src, "data", &data, err));
        return ov_arena_copy(r->out, data, &r->spec->input.data, err);
    }
    for (size_t i = 0; i < OV_COUNT_OF(later); i++)
        if (ov_slice_eq(type, ov_slice_cstr(later[i])))
            return ov_json_fail(ov_json_get(src, "type"), err, OV_UNSUPPORTED,
                                "the input source '%s' is not supported yet; use local, inline or http",
                                later[i]);
    return ovi_spec_unknown(ov_json_get(src, "type"), type, "input source", known, OV_COUNT_OF(known),
                            err);
}

/* ---- formats ---- */

static ov_status read_jq(ovi_spec_reader *r, const ov_json *f, ov_flatten_field *out, ov_error *err)
{
    ov_slice jq;
    OV_TRY(ov_json_need_str(f, "expr", &jq, err));
    ov_status st = ov_jsonpath_of_jq(jq, r->out, &out->expr, err);
    if (st == OV_OK)
        return OV_OK;
    ov_error why = *err;
    return ov_json_fail(ov_json_get(f, "expr"), err, st, "%s", why.text);
}

/* {"nodes": ["a", "b"]} is the path $['a']['b']. */
static ov_status read_tree(ovi_spec_reader *r, const ov_json *f, ov_flatten_field *out, ov_error *err)
{
    const ov_json *nodes;
    ov_buf path;
    OV_TRY(ov_json_need_arr(f, "nodes", &nodes, err));
    ov_buf_init(&path);
    ov_buf_add_char(&path, '$');
    ov_status st = OV_OK;
    for (const ov_json *v = nodes->first; v && st == OV_OK; v = v->next) {
        ov_slice name;
        st = ov_json_as_str(v, &name, err);
        if (st == OV_OK)
            ov_jsonpath_add_name(&path, name);
    }
    if (st == OV_OK)
        st = ov_buf_check(&path, err);
    if (st == OV_OK)
        st = ov_arena_copy(r->out, ov_buf_slice(&path), &out->expr, err);
    ov_buf_fini(&path);
    return st;
}

static ov_status read_flatten_field(ovi_spec_reader *r, const ov_json *f, ov_flatten_field *out,
                                    ov_error *err)
{
    ov_slice type, name;
    if (f->kind == OV_JSON_STRING) { /* short for a root field */
        OV_TRY(ov_arena_copy(r->out, f->s, &out->name, err));
        out->expr = out->name;
        return OV_OK;
    }
    OV_TRY(ov_json_expect(f, OV_JSON_OBJECT, err));
    OV_TRY(ov_json_need_str(f, "type", &type, err));
    OV_TRY(ov_json_need_str(f, "name", &name, err));
    OV_TRY(ov_arena_copy(r->out, name, &out->name, err));
    if (ov_slice_ieq(type, OV_SLICE_LIT("root"))) {
        OV_TRY(ovi_spec_text(r, f, "expr", "", &out->expr, err));
        if (out->expr.n == 0)
            out->expr = out->name;
        return OV_OK;
    }
    if (ov_slice_ieq(type, OV_SLICE_LIT("path"))) {
        out->kind = OV_FLATTEN_PATH;
        ov_jsonpath compiled;
        OV_TRY(ov_json_need_str(f, "expr", &name, err));
        OV_TRY(ov_arena_copy(r->out, name, &out->expr, err));
        if (ov_jsonpath_compile(name, r->out, &compiled, err) == OV_OK)
            return OV_OK;
        ov_error why = *err;
        return ov_json_fail(ov_json_get(f, "expr"), err, OV_INVALID, "%s", why.text);
    }
    if (ov_slice_ieq(type, OV_SLICE_LIT("jq")) || ov_slice_ieq(type, OV_SLICE_LIT("tree"))) {
        out->kind = OV_FLATTEN_PATH;
        return (type.p[0] | 32) == 'j' ? read_jq(r, f, out, err) : read_tree(r, f, out, err);
    }
    return ovi_spec_unknown(ov_json_get(f, "type"), type, "flattenSpec field type",
                            (const char *const[]){"root", "path", "jq", "tree"}, 4, err);
}

static ov_status read_nested_format(ovi_spec_reader *r, const ov_json *fmt, ov_error *err)
{
    ov_format_spec *f = &r->spec->format;
    const ov_json *flatten, *fields;
    OV_TRY(ov_json_bool(fmt, "binaryAsString", false, &f->binary_as_string, err));
    OV_TRY(ov_json_bool(fmt, "keepNullColumns", false, &f->keep_null_columns, err));
    OV_TRY(ov_json_bool(fmt, "assumeNewlineDelimited", false, &f->newline_delimited, err));
    OV_TRY(ov_json_obj(fmt, "flattenSpec", &flatten, err));
    OV_TRY(ov_json_bool(flatten, "useFieldDiscovery", true, &f->discover_fields, err));
    OV_TRY(ov_json_arr(flatten, "fields", &fields, err));
    if (!fields || fields->count == 0)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(r->out, fields->count * sizeof *f->fields, &f->fields, err));
    for (const ov_json *v = fields->first; v; v = v->next) {
        ov_flatten_field *field = &f->fields[f->field_count];
        OV_TRY(read_flatten_field(r, v, field, err));
        for (uint32_t i = 0; i < f->field_count; i++)
            if (ov_slice_eq(f->fields[i].name, field->name))
                return ov_json_fail(v, err, OV_INVALID, "the field '" OV_SLICE_FMT "' is defined twice",
                                    OV_SLICE_ARG(field->name));
        f->field_count++;
    }
    return OV_OK;
}

static ov_status read_delimiter(ovi_spec_reader *r, const ov_json *fmt, const char *key,
                                const char *dflt, ov_slice *out, ov_error *err)
{
    OV_TRY(ovi_spec_text(r, fmt, key, dflt, out, err));
    if (out->n == 0)
        return ov_json_fail(ov_json_get(fmt, key), err, OV_INVALID, "the delimiter is empty");
    if (memchr(out->p, '\n', out->n) || memchr(out->p, '"', out->n))
        return ov_json_fail(ov_json_get(fmt, key), err, OV_INVALID,
                            "a delimiter holds neither line breaks nor quotes");
    return OV_OK;
}

static ov_status read_delimited_format(ovi_spec_reader *r, const ov_json *fmt, ov_error *err)
{
    ov_format_spec *f = &r->spec->format;
    int64_t skip;
    bool old_name;
    OV_TRY(ovi_spec_texts(r, fmt, "columns", &f->columns, &f->column_count, err));
    OV_TRY(ov_json_bool(fmt, "hasHeaderRow", false, &old_name, err));
    OV_TRY(ov_json_bool(fmt, "findColumnsFromHeader", old_name, &f->header, err));
    OV_TRY(ov_json_i64_in(fmt, "skipHeaderRows", 0, 0, 1000000, &skip, err));
    f->skip_rows = (uint32_t)skip;
    OV_TRY(ov_json_bool(fmt, "tryParseNumbers", false, &f->parse_numbers, err));
    OV_TRY(read_delimiter(r, fmt, "listDelimiter", "\x01", &f->list_delimiter, err));
    OV_TRY(read_delimiter(r, fmt, "delimiter", f->kind == OV_INPUT_FORMAT_CSV ? "," : "\t", &f->delimiter,
                          err));
    if (ov_slice_eq(f->delimiter, f->list_delimiter))
        return ov_json_fail(fmt, err, OV_INVALID, "delimiter and listDelimiter are the same");
    if (f->header)
        f->column_count = 0; /* as in Druid the header of each file wins */
    else if (f->column_count == 0)
        return ov_json_fail(fmt, err, OV_INVALID,
                            "either 'columns' or 'findColumnsFromHeader': true is needed");
    for (uint32_t i = 0; i < f->column_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (ov_slice_eq(f->columns[i], f->columns[j]))
                return ov_json_fail(ov_json_get(fmt, "columns"), err, OV_INVALID,
                                    "the column '" OV_SLICE_FMT "' is listed twice",
                                    OV_SLICE_ARG(f->columns[i]));
    return OV_OK;
}

/* A line is a row with one column: a delimited format whose delimiters are bytes that UTF-8 never has. */
static ov_status read_lines_format(ovi_spec_reader *r, ov_slice column, ov_error *err)
{
    ov_format_spec *f = &r->spec->format;
    f->kind = OV_INPUT_FORMAT_TSV;
    f->delimiter = OV_SLICE_LIT("\xFF\xFE");
    f->list_delimiter = OV_SLICE_LIT("\xFE\xFF");
    OV_TRY(ov_arena_zalloc(r->out, sizeof *f->columns, &f->columns, err));
    f->column_count = 1;
    return ov_arena_copy(r->out, column, f->columns, err);
}

/* Only the patterns that take a line as it is, which is what Druid's console asks for to show raw input. */
static ov_status read_regex_format(ovi_spec_reader *r, const ov_json *fmt, ov_error *err)
{
    static const char *const whole[] = {"([\\s\\S]*)", "(.*)", "^(.*)$"};
    ov_slice pattern, *names;
    uint32_t n;
    OV_TRY(ov_json_need_str(fmt, "pattern", &pattern, err));
    OV_TRY(ovi_spec_texts(r, fmt, "columns", &names, &n, err));
    bool found = false;
    for (size_t i = 0; i < OV_COUNT_OF(whole); i++)
        found |= ov_slice_eq(pattern, ov_slice_cstr(whole[i]));
    if (!found || n > 1)
        return ov_json_fail(ov_json_get(fmt, "pattern"), err, OV_UNSUPPORTED,
                            "the input format 'regex' only takes whole lines yet, by the pattern (.*) and one column; load "
                            "these and take them apart with REGEXP_EXTRACT");
    return read_lines_format(r, n ? names[0] : OV_SLICE_LIT("column_1"), err);
}

ov_status ovi_spec_format(ovi_spec_reader *r, const ov_json *io, ov_error *err)
{
    static const char *const known[] = {"json", "csv", "tsv", "parquet", "lines", "regex"};
    static const char *const later[] = {"orc", "avro_ocf", "avro_stream", "protobuf", "kafka", "kinesis", "thrift"};
    const ov_json *fmt;
    ov_slice type;
    OV_TRY(ov_json_need_obj(io, "inputFormat", &fmt, err));
    OV_TRY(ov_json_need_str(fmt, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("json")) || ov_slice_eq(type, OV_SLICE_LIT("parquet"))) {
        r->spec->format.kind = type.p[0] == 'j' ? OV_INPUT_FORMAT_JSON : OV_INPUT_FORMAT_PARQUET;
        return read_nested_format(r, fmt, err);
    }
    if (ov_slice_eq(type, OV_SLICE_LIT("csv")) || ov_slice_eq(type, OV_SLICE_LIT("tsv"))) {
        r->spec->format.kind = type.p[0] == 'c' ? OV_INPUT_FORMAT_CSV : OV_INPUT_FORMAT_TSV;
        return read_delimited_format(r, fmt, err);
    }
    if (ov_slice_eq(type, OV_SLICE_LIT("lines")))
        return read_lines_format(r, OV_SLICE_LIT("line"), err);
    if (ov_slice_eq(type, OV_SLICE_LIT("regex")))
        return read_regex_format(r, fmt, err);
    for (size_t i = 0; i < OV_COUNT_OF(later); i++)
        if (ov_slice_eq(type, ov_slice_cstr(later[i])))
            return ov_json_fail(ov_json_get(fmt, "type"), err, OV_UNSUPPORTED,
                                "the input format '%s' is not supported yet; use json, csv, tsv, parquet or lines",
                                later[i]);
    return ovi_spec_unknown(ov_json_get(fmt, "type"), type, "input format", known, OV_COUNT_OF(known),
                            err);
}
