#include "server/endpoints/lookup_load.h"

#include "base/bits.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/period.h"
#include "base/utf8.h"
#include "server/query/sql_text.h"

/* Entries as they come. */
typedef struct entries {
    ov_arena arena;
    ov_slice *keys, *values;
    int64_t *since;
    size_t count, cap;
    bool history; /* `since` says something */
    bool objects; /* every row is one text: an object of JSON whose members are entries */
} entries;

static void free_entries(entries *e)
{
    ov_free(e->keys);
    ov_free(e->values);
    ov_free(e->since);
    ov_arena_fini(&e->arena);
}

static OV_CHECKED ov_status grow(entries *e, ov_error *err)
{
    size_t cap = OV_MAX(e->cap * 2, (size_t)256);
    OV_TRY(ov_array_grow(NULL, &e->keys, e->cap * sizeof *e->keys, cap * sizeof *e->keys, err));
    OV_TRY(ov_array_grow(NULL, &e->values, e->cap * sizeof *e->values, cap * sizeof *e->values, err));
    OV_TRY(ov_array_grow(NULL, &e->since, e->cap * sizeof *e->since, cap * sizeof *e->since, err));
    e->cap = cap;
    return OV_OK;
}

static OV_CHECKED ov_status add_entry(entries *e, ov_slice key, ov_slice value, int64_t since, ov_error *err)
{
    if (e->count == UINT32_MAX)
        return ov_fail(err, OV_LIMIT, "a lookup has more than 2^32 entries");
    if (e->count == e->cap)
        OV_TRY(grow(e, err));
    OV_TRY(ov_arena_copy(&e->arena, key, &e->keys[e->count], err));
    OV_TRY(ov_arena_copy(&e->arena, value, &e->values[e->count], err));
    e->since[e->count++] = since;
    return OV_OK;
}

/* {"2020-01-01": "a", "2023-05-01T12:00Z": "b"}: values since these instants. */
static OV_CHECKED ov_status add_history(entries *e, ov_slice key, const ov_json *moments, ov_error *err)
{
    e->history = true;
    for (const ov_json *v = moments->first; v; v = v->next) {
        ov_slice value;
        int64_t since;
        OV_TRY(ov_iso_parse(v->key, NULL, &since, err));
        OV_TRY(ov_json_as_str(v, &value, err));
        OV_TRY(add_entry(e, key, value, since, err));
    }
    return OV_OK;
}

static OV_CHECKED ov_status add_members(entries *e, const ov_json *map, ov_error *err)
{
    for (const ov_json *v = map->first; v; v = v->next) {
        ov_slice value;
        if (v->kind == OV_JSON_NULL)
            continue;
        if (v->kind == OV_JSON_OBJECT) {
            OV_TRY(add_history(e, v->key, v, err));
            continue;
        }
        OV_TRY(ov_json_as_str(v, &value, err));
        OV_TRY(add_entry(e, v->key, value, OV_LOOKUP_EVER, err));
    }
    return OV_OK;
}

/* ---- by a query ---- */

static ov_status no_begin(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

static OV_CHECKED ov_status add_object(entries *e, ov_slice text, ov_error *err)
{
    ov_arena a;
    ov_json *map;
    ov_arena_init(&a, "lookup line", NULL);
    ov_status st = ov_json_parse(text, NULL, &a, &map, err);
    if (st == OV_OK)
        st = ov_json_expect(map, OV_JSON_OBJECT, err);
    if (st == OV_OK)
        st = add_members(e, map, err);
    ov_arena_fini(&a);
    return st;
}

/* Since when a value holds: an instant, or the text of one; NULL and nothing are from the start. */
static OV_CHECKED ov_status read_since(const ov_vec *v, uint32_t row, int64_t *since, ov_error *err)
{
    *since = OV_LOOKUP_EVER;
    if (ov_vec_is_null(v, row))
        return OV_OK;
    if (v->type.id != OV_TYPE_STRING) {
        *since = ov_vec_i64(v, row);
        return OV_OK;
    }
    ov_slice text = ov_vec_str(v, row);
    return text.n ? ov_iso_parse(text, NULL, since, err) : OV_OK;
}

static OV_CHECKED ov_status add_row(entries *e, const ov_batch *b, uint32_t row, ov_error *err)
{
    int64_t since = OV_LOOKUP_EVER;
    if (e->history)
        OV_TRY(read_since(&b->col[2], row, &since, err));
    return add_entry(e, ov_vec_str(&b->col[0], row), ov_vec_str(&b->col[1], row), since, err);
}

/* Rows without a key are left out; a key without a value has none. */
static ov_status take_rows(void *self, const ov_batch *b, ov_error *err)
{
    entries *e = self;
    for (uint32_t i = 0; i < b->rows; i++) {
        if ((b->sel && !ov_bits_test(b->sel, i)) || ov_vec_is_null(&b->col[0], i))
            continue;
        if (e->objects)
            OV_TRY(add_object(e, ov_vec_str(&b->col[0], i), err));
        else if (!ov_vec_is_null(&b->col[1], i))
            OV_TRY(add_row(e, b, i, err));
    }
    return OV_OK;
}

/* The query's columns: keys and values as text, perhaps when they began to hold, or one column of objects. */
static OV_CHECKED ov_status check_columns(const ov_query *q, entries *e, ov_error *err)
{
    const ov_field *fields;
    uint32_t count = ov_query_fields(q, &fields);
    e->history = !e->objects && count == 3;
    if (count != (e->objects ? 1 : e->history ? 3 : 2))
        return ov_fail(err, OV_INVALID,
                       "a lookup's query gives two columns, keys and values, and for a history a third one, since when; this one "
                       "gives %u",
                       count);
    if (e->history && fields[2].type.id != OV_TYPE_LONG && (fields[2].type.id != OV_TYPE_STRING || fields[2].type.multi))
        return ov_fail(err, OV_INVALID,
                       "column '" OV_SLICE_FMT "' of a lookup's query says since when a value holds: it must be a TIMESTAMP or its text",
                       OV_SLICE_ARG(fields[2].name));
    for (uint32_t i = 0; i < (e->history ? 2 : count); i++)
        if (fields[i].type.id != OV_TYPE_STRING || fields[i].type.multi)
            return ov_fail(err, OV_INVALID,
                           "column '" OV_SLICE_FMT "' of a lookup's query must be VARCHAR: CAST it",
                           OV_SLICE_ARG(fields[i].name));
    return OV_OK;
}

static OV_CHECKED ov_status run_query(const ov_query_env *env, ov_slice sql, entries *e,
                                      ov_error *err)
{
    ov_query *q;
    ov_query_request rq = {.sql = sql, .outer_limit = OV_NO_LIMIT, .stringify_arrays = true};
    ov_result_sink sink = {.begin = no_begin, .rows = take_rows, .self = e};
    OV_TRY(ov_query_open(env, &rq, &q, err));
    ov_status st = check_columns(q, e, err);
    if (st == OV_OK)
        st = ov_query_run(q, &sink, err);
    ov_query_close(q);
    return st;
}

/* ---- from a file or URL: the query that reads it ---- */

/* The path that a file: address means; a path is its own. */
static OV_CHECKED ov_status local_path(const ov_json *ns, const char *key, ov_slice *uri, ov_error *err)
{
    if (ov_slice_starts(*uri, OV_SLICE_LIT("file:"))) {
        size_t at = ov_slice_starts(*uri, OV_SLICE_LIT("file://")) ? 7 : 5;
        *uri = ov_slice_make(uri->p + at, uri->n - at);
        return OV_OK;
    }
    if (!memchr(uri->p, ':', uri->n))
        return OV_OK;
    return ov_json_fail(ov_json_get(ns, key), err, OV_UNSUPPORTED,
                        "lookups are read from file: and http: addresses (a uriPrefix is a folder), not from '" OV_SLICE_FMT "'",
                        OV_SLICE_ARG(*uri));
}

/* Of these files the one that changed last whose whole name the pattern matches, as a query: queries know patterns. */
static void newest_query(const ov_dir_entry *list, size_t count, ov_slice pattern, ov_buf *sql)
{
    const char *before = "SELECT n, n FROM (VALUES ";
    ov_buf whole;
    for (size_t i = 0; i < count; i++) {
        if (list[i].is_dir || !ov_utf8_valid(list[i].name))
            continue;
        ov_buf_addf(sql, "%s(", before);
        ov_sql_add_quoted(sql, list[i].name, '\'');
        ov_buf_addf(sql, ", %lld)", (long long)list[i].modified_ms);
        before = ", ";
    }
    if (ov_buf_slice(sql).n == 0)
        return;
    ov_buf_init(&whole);
    ov_buf_addf(&whole, "^(?:" OV_SLICE_FMT ")\\z", OV_SLICE_ARG(pattern));
    ov_buf_add_str(sql, ") AS t(n, m) WHERE REGEXP_LIKE(n, ");
    ov_sql_add_quoted(sql, ov_buf_slice(&whole), '\'');
    ov_buf_add_str(sql, ") ORDER BY m DESC, n DESC LIMIT 1");
    ov_buf_fini(&whole);
}

/* The file of the folder `uriPrefix` that changed last, of those that `fileRegex` is about. */
static OV_CHECKED ov_status newest_file(const ov_query_env *env, const ov_json *ns, ov_arena *a, ov_slice *out, ov_error *err)
{
    ov_slice folder, pattern;
    ov_dir_entry *list;
    size_t count;
    ov_buf sql;
    entries found = {0};
    OV_TRY(ov_json_need_str(ns, "uriPrefix", &folder, err));
    OV_TRY(ov_json_str(ns, "fileRegex", OV_SLICE_LIT(".*"), &pattern, err));
    OV_TRY(local_path(ns, "uriPrefix", &folder, err));
    OV_TRY(ov_arena_copy(a, folder, &folder, err));
    OV_TRY(ov_dir_list(folder.p, a, &list, &count, err));
    ov_buf_init(&sql);
    ov_arena_init(&found.arena, "lookup file", NULL);
    newest_query(list, count, pattern, &sql);
    ov_status st = ov_buf_check(&sql, err);
    if (st == OV_OK && ov_buf_slice(&sql).n)
        st = run_query(env, ov_buf_slice(&sql), &found, err);
    if (st == OV_OK && !found.count)
        st = ov_json_fail(ns, err, OV_INVALID, "no file of " OV_SLICE_FMT " has a name that fileRegex, '" OV_SLICE_FMT "', matches",
                          OV_SLICE_ARG(folder), OV_SLICE_ARG(pattern));
    if (st == OV_OK)
        st = ov_path_join(a, folder, found.keys[0], out, err);
    ov_buf_fini(&sql);
    free_entries(&found);
    return st;
}

/* {"type":"local","files":[...]} or {"type":"http","uris":[...]}. */
static OV_CHECKED ov_status source_json(const ov_query_env *env, const ov_json *ns, ov_arena *a, ov_buf *out, ov_error *err)
{
    ov_slice uri;
    bool web = false;
    if (ov_json_find(ns, "uriPrefix") && !ov_json_find(ns, "uri")) {
        OV_TRY(newest_file(env, ns, a, &uri, err));
    } else {
        OV_TRY(ov_json_need_str(ns, "uri", &uri, err));
        web = ov_slice_starts(uri, OV_SLICE_LIT("http://")) || ov_slice_starts(uri, OV_SLICE_LIT("https://"));
        if (!web)
            OV_TRY(local_path(ns, "uri", &uri, err));
    }
    ov_buf_add_str(out, web ? "{\"type\":\"http\",\"uris\":[" : "{\"type\":\"local\",\"files\":[");
    ov_json_quote(out, uri);
    ov_buf_add_str(out, "]}");
    return ov_buf_check(out, err);
}

static OV_CHECKED ov_status table_format(const ov_json *parse, ov_slice format, ov_slice *key,
                                         ov_slice *value, ov_buf *out, ov_error *err)
{
    const ov_json *columns, *delimiter = ov_json_find(parse, "delimiter");
    bool header;
    int64_t skip;
    OV_TRY(ov_json_arr(parse, "columns", &columns, err));
    OV_TRY(ov_json_bool(parse, "hasHeaderRow", false, &header, err));
    OV_TRY(ov_json_i64_in(parse, "skipHeaderRows", 0, 0, INT32_MAX, &skip, err));
    if (!columns && !header)
        return ov_json_fail(
            parse, err, OV_INVALID,
            "'columns' is missing, and hasHeaderRow does not say that the file names them");
    if (columns && columns->count > 1) {
        OV_TRY(ov_json_as_str(ov_json_at(columns, 0), key, err));
        OV_TRY(ov_json_as_str(ov_json_at(columns, 1), value, err));
    }
    OV_TRY(ov_json_str(parse, "keyColumn", *key, key, err));
    OV_TRY(ov_json_str(parse, "valueColumn", *value, value, err));
    ov_buf_add_str(out, "{\"type\":");
    ov_json_quote(out, format);
    ov_buf_addf(out, ",\"findColumnsFromHeader\":%s,\"skipHeaderRows\":%lld",
                header && !columns ? "true" : "false", (long long)(skip + (header && columns)));
    if (columns) {
        ov_buf_add_str(out, ",\"columns\":");
        ov_json_print(columns, out);
    }
    if (delimiter) {
        ov_buf_add_str(out, ",\"delimiter\":");
        ov_json_print(delimiter, out);
    }
    ov_buf_add_char(out, '}');
    return OV_OK;
}

/* The input format, and the names of key and value in its rows; the value is empty for lines of objects. */
static OV_CHECKED ov_status format_json(const ov_json *parse, ov_slice *key, ov_slice *value,
                                        ov_buf *out, ov_error *err)
{
    ov_slice format;
    OV_TRY(ov_json_need_str(parse, "format", &format, err));
    if (ov_slice_eq(format, OV_SLICE_LIT("csv")) || ov_slice_eq(format, OV_SLICE_LIT("tsv")))
        return table_format(parse, format, key, value, out, err);
    if (ov_slice_eq(format, OV_SLICE_LIT("customJson"))) {
        OV_TRY(ov_json_need_str(parse, "keyFieldName", key, err));
        OV_TRY(ov_json_need_str(parse, "valueFieldName", value, err));
        ov_buf_add_str(out, "{\"type\":\"json\"}");
        return OV_OK;
    }
    if (ov_slice_eq(format, OV_SLICE_LIT("simpleJson"))) {
        *key = OV_SLICE_LIT("line");
        ov_buf_add_str(out, "{\"type\":\"tsv\",\"delimiter\":\"\\u0001\",\"listDelimiter\":\"\\u0002\",\"columns\":[\"line\"]}");
        return OV_OK;
    }
    return ov_json_fail(ov_json_get(parse, "format"), err, OV_INVALID,
                        "'" OV_SLICE_FMT
                        "' is no format of lookups; csv, tsv, simpleJson and customJson are",
                        OV_SLICE_ARG(format));
}

static void add_name(ov_buf *sql, const char *before, ov_slice name, const char *after)
{
    if (name.n == 0)
        return;
    ov_buf_add_str(sql, before);
    ov_sql_add_quoted(sql, name, '\"');
    ov_buf_add_str(sql, after);
}

static OV_CHECKED ov_status file_query(const ov_query_env *env, const ov_json *ns, ov_arena *a, ov_buf *sql, bool *objects,
                                       ov_error *err)
{
    const ov_json *parse = NULL;
    ov_slice key = {NULL, 0}, value = {NULL, 0}, since = {NULL, 0};
    ov_buf source, format;
    ov_buf_init(&source);
    ov_buf_init(&format);
    ov_status st = ov_json_need_obj(ns, "namespaceParseSpec", &parse, err);
    if (st == OV_OK)
        st = source_json(env, ns, a, &source, err);
    if (st == OV_OK)
        st = format_json(parse, &key, &value, &format, err);
    if (st == OV_OK && key.n == 0)
        st = ov_json_fail(parse, err, OV_INVALID, "'keyColumn' and 'valueColumn' are missing");
    *objects = value.n == 0;
    if (st == OV_OK && value.n)
        st = ov_json_str(parse, "sinceColumn", since, &since, err);
    if (st == OV_OK) {
        add_name(sql, "SELECT ", key, "");
        add_name(sql, ", ", value, "");
        add_name(sql, ", ", since, "");
        ov_buf_add_str(sql, " FROM TABLE(EXTERN(");
        ov_sql_add_quoted(sql, ov_buf_slice(&source), '\'');
        ov_buf_add_str(sql, ", ");
        ov_sql_add_quoted(sql, ov_buf_slice(&format), '\'');
        add_name(sql, ")) EXTEND (", key, " VARCHAR");
        add_name(sql, ", ", value, " VARCHAR");
        add_name(sql, ", ", since, " VARCHAR");
        ov_buf_add_char(sql, ')');
        st = ov_buf_check(sql, err);
    }
    ov_buf_fini(&source);
    ov_buf_fini(&format);
    return st;
}

static OV_CHECKED ov_status load_file(const ov_query_env *env, const ov_json *ns, entries *e,
                                      ov_error *err)
{
    ov_buf sql;
    ov_buf_init(&sql);
    ov_status st = file_query(env, ns, &e->arena, &sql, &e->objects, err);
    if (st == OV_OK)
        st = run_query(env, ov_buf_slice(&sql), e, err);
    ov_buf_fini(&sql);
    return st;
}

/* ---- kinds ---- */

static OV_CHECKED ov_status load_namespace(const ov_query_env *env, const ov_json *factory,
                                           entries *e, ov_error *err)
{
    const ov_json *ns, *map;
    ov_slice type;
    OV_TRY(ov_json_need_obj(factory, "extractionNamespace", &ns, err));
    OV_TRY(ov_json_need_str(ns, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("uri")))
        return load_file(env, ns, e, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("staticMap"))) {
        OV_TRY(ov_json_need_obj(ns, "map", &map, err));
        return add_members(e, map, err);
    }
    return ov_json_fail(ov_json_get(ns, "type"), err, OV_UNSUPPORTED,
                        "'" OV_SLICE_FMT "' namespaces are not supported; uri and staticMap are",
                        OV_SLICE_ARG(type));
}

static OV_CHECKED ov_status load_entries(const ov_query_env *env, const ov_json *factory,
                                         entries *e, ov_error *err)
{
    const ov_json *map;
    ov_slice type, sql;
    OV_TRY(ov_json_need_str(factory, "type", &type, err));
    if (ov_slice_eq(type, OV_SLICE_LIT("map"))) {
        OV_TRY(ov_json_need_obj(factory, "map", &map, err));
        return add_members(e, map, err);
    }
    if (ov_slice_eq(type, OV_SLICE_LIT("cachedNamespace")))
        return load_namespace(env, factory, e, err);
    if (ov_slice_eq(type, OV_SLICE_LIT("sql"))) {
        OV_TRY(ov_json_need_str(factory, "query", &sql, err));
        return run_query(env, sql, e, err);
    }
    return ov_json_fail(ov_json_get(factory, "type"), err, OV_INVALID,
                        "'" OV_SLICE_FMT "' is no kind of lookup; map, cachedNamespace and sql are",
                        OV_SLICE_ARG(type));
}

ov_status ov_lookup_load(const ov_query_env *env, ov_slice name, ov_slice version,
                         const ov_json *factory, ov_lookup **out, ov_error *err)
{
    entries e = {0};
    ov_arena_init(&e.arena, "lookup", NULL);
    ov_status st = load_entries(env, factory, &e, err);
    if (st == OV_OK)
        st = ov_lookup_create(name, version, e.keys, e.values, e.history ? e.since : NULL, (uint32_t)e.count, out, err);
    free_entries(&e);
    return st;
}

ov_status ov_lookup_poll_ms(const ov_json *factory, int64_t *out, ov_error *err)
{
    const ov_json *ns = ov_json_find(factory, "extractionNamespace");
    const ov_json *poll = ov_json_find(ns ? ns : factory, "pollPeriod");
    ov_period period;
    *out = 0;
    if (!poll)
        return OV_OK;
    if (poll->kind == OV_JSON_INT && poll->i >= 0) {
        *out = poll->i;
        return OV_OK;
    }
    OV_TRY(ov_json_expect(poll, OV_JSON_STRING, err));
    OV_TRY(ov_period_parse(poll->s, &period, err));
    if (!ov_period_fixed_ms(&period, out) || *out < 0)
        return ov_json_fail(poll, err, OV_INVALID,
                            "a pollPeriod is made of days or less, not negative");
    return OV_OK;
}
