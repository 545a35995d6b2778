/* The document of a `pull` task: a source, its parameters, secrets and limits, and where rows go. */
#include "ingest/pull/pull_int.h"

#include "base/jsonw.h"
#include "storage/segment/segment_id.h"

static ov_status read_source(const ov_json *doc, ov_arena *out, ovi_pull_spec *p, ov_error *err)
{
    const ov_json *v;
    ov_json *built;
    OV_TRY(ov_json_need(doc, "source", &v, err));
    if (v->kind == OV_JSON_OBJECT) {
        ov_status st = ovi_pull_source_read(v, out, &p->source, err);
        if (st != OV_OK)
            ov_error_context(err, "source");
        return st;
    }
    ov_slice name;
    OV_TRY(ov_json_as_str(v, &name, err));
    const ovi_pull_builtin *b = ovi_pull_builtin_find(name);
    if (!b)
        return ov_json_fail(v, err, OV_INVALID, "there is no source '" OV_SLICE_FMT "'; `ovate ingest sources` lists those that "
                            "come with the program, any other is described in place by an object", OV_SLICE_ARG(name));
    ov_status st = ov_json_parse(ov_slice_cstr(b->json), NULL, out, &built, err);
    if (st == OV_OK)
        st = ovi_pull_source_read(built, out, &p->source, err);
    if (st != OV_OK)
        ov_error_context(err, "source %s", b->name);
    return st;
}

/* http://host:port without what follows, and nothing else than that in front. */
static ov_status check_base(ovi_pull_spec *p, ov_error *err)
{
    ov_slice url = p->base_url;
    if (p->source.listing == OVI_LISTING_LOCAL) {
        if (url.n == 0)
            return ov_fail(err, OV_INVALID, "baseUrl is missing: the folder to list");
        if (memmem(url.p, url.n, "://", 3))
            return ov_fail(err, OV_INVALID, "baseUrl: '" OV_SLICE_FMT "' is no folder", OV_SLICE_ARG(url));
        return OV_OK;
    }
    size_t scheme = ov_slice_starts(url, OV_SLICE_LIT("https://")) ? 8 : ov_slice_starts(url, OV_SLICE_LIT("http://")) ? 7 : 0;
    if (!scheme)
        return ov_fail(err, OV_INVALID, "baseUrl: '" OV_SLICE_FMT "' is no address; only http:// and https:// are allowed",
                       OV_SLICE_ARG(url));
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == '@' || url.p[i] == '#' || url.p[i] == '?' || url.p[i] == '\\')
            return ov_fail(err, OV_INVALID, "baseUrl: byte %zu of the address is not allowed there", i + 1);
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    p->base_url = url;
    const char *slash = url.n > scheme ? memchr(url.p + scheme, '/', url.n - scheme) : NULL;
    p->origin = ov_slice_make(url.p, slash ? (size_t)(slash - url.p) : url.n);
    if (p->origin.n <= scheme)
        return ov_fail(err, OV_INVALID, "baseUrl: the address has no host");
    return OV_OK;
}

/* "a", 5, ["a","b"] */
static ov_status read_values(const ov_json *v, ov_arena *out, ovi_text_list *list, ov_error *err)
{
    const ov_json *one = v->kind == OV_JSON_ARRAY ? v->first : v;
    uint32_t n = v->kind == OV_JSON_ARRAY ? v->count : 1;
    OV_TRY(ov_arena_alloc(out, (n + 1) * sizeof(*list->at), &list->at, err));
    for (uint32_t i = 0; i < n; i++, one = one->next)
        OV_TRY(ov_json_as_str(one, &list->at[list->n++], err));
    return OV_OK;
}

static ov_status read_params(const ov_json *doc, ov_arena *out, ovi_pull_spec *p, ov_error *err)
{
    static const char *const keys[] = {"sql"};
    const ov_json *params, *each;
    OV_TRY(ov_json_obj(doc, "params", &params, err));
    OV_TRY(ov_json_obj(doc, "forEach", &each, err));
    OV_TRY(ov_arena_zalloc(out, ((params ? params->count : 0) + 1) * sizeof(*p->params), &p->params, err));
    for (const ov_json *v = params ? params->first : NULL; v; v = v->next) {
        ovi_pull_param *to = &p->params[p->param_count++];
        to->name = v->key;
        if (!ovi_pairs_find(&p->source.params, v->key))
            return ov_json_fail(v, err, OV_INVALID, "the source " OV_SLICE_FMT " has no such parameter",
                                OV_SLICE_ARG(p->source.name));
        OV_TRY(read_values(v, out, &to->values, err));
        if (to->values.n == 0)
            return ov_json_fail(v, err, OV_INVALID, "the list is empty: nothing would be asked");
    }
    if (each) {
        OV_TRY(ov_json_only(each, keys, OV_COUNT_OF(keys), err));
        return ov_json_need_str(each, "sql", &p->for_each_sql, err);
    }
    for (uint32_t i = 0; i < p->source.params.n; i++) {
        bool given = p->source.params.at[i].value.p != NULL;
        for (uint32_t k = 0; k < p->param_count; k++)
            given |= ov_slice_eq(p->params[k].name, p->source.params.at[i].name);
        if (!given)
            return ov_fail(err, OV_INVALID, "params: the source " OV_SLICE_FMT " needs a value for '" OV_SLICE_FMT "'",
                           OV_SLICE_ARG(p->source.name), OV_SLICE_ARG(p->source.params.at[i].name));
    }
    return OV_OK;
}

static ov_status read_secret(const ov_json *v, ov_slice *out, ov_error *err)
{
    OV_TRY(ov_json_as_str(v, out, err));
    if (ovi_secret_check(*out, err) == OV_OK)
        return OV_OK;
    char path[128];
    ov_error_context(err, "%s", ov_json_path(v, path, sizeof path));
    return err->code;
}

enum { MOST_TOKENS = 64 };

static ov_status read_auth(const ov_json *doc, ov_arena *out, ovi_pull_spec *p, ov_error *err)
{
    static const char *const keys[] = {"token", "tokens", "accessKey", "secretKey", "sessionToken", "region"};
    const ov_json *auth, *list;
    OV_TRY(ov_json_obj(doc, "auth", &auth, err));
    if (!auth) {
        if (p->source.auth_required)
            return ov_fail(err, OV_INVALID, "auth: the source " OV_SLICE_FMT " wants a token: {\"token\": \"env:NAME\"}",
                           OV_SLICE_ARG(p->source.name));
        return OV_OK;
    }
    OV_TRY(ov_json_only(auth, keys, OV_COUNT_OF(keys), err));
    OV_TRY(ov_json_arr(auth, "tokens", &list, err));
    uint32_t room = (list ? list->count : 0) + 2;
    OV_TRY(ov_arena_alloc(out, room * sizeof(*p->tokens.at), &p->tokens.at, err));
    OV_TRY(ov_arena_alloc(out, OV_COUNT_OF(keys) * sizeof(*p->secrets.at), &p->secrets.at, err));
    for (const ov_json *v = list ? list->first : NULL; v; v = v->next)
        OV_TRY(read_secret(v, &p->tokens.at[p->tokens.n++], err));
    if (ov_json_find(auth, "token"))
        OV_TRY(read_secret(ov_json_find(auth, "token"), &p->tokens.at[p->tokens.n++], err));
    for (size_t i = 2; i < 5; i++) {
        const ov_json *v = ov_json_find(auth, keys[i]);
        if (!v)
            continue;
        p->secrets.at[p->secrets.n].name = ov_slice_cstr(keys[i]);
        OV_TRY(read_secret(v, &p->secrets.at[p->secrets.n++].value, err));
    }
    if (p->tokens.n > MOST_TOKENS)
        return ov_json_fail(list, err, OV_LIMIT, "more than %d tokens", MOST_TOKENS);
    return ov_json_str(auth, "region", OV_SLICE_LIT("us-east-1"), &p->region, err);
}

static ov_status read_interval(const ov_json *doc, ovi_pull_spec *p, ov_error *err)
{
    ov_slice text;
    OV_TRY(ov_json_str(doc, "interval", (ov_slice){0}, &text, err));
    if (text.n) {
        ov_status st = ov_interval_parse(text, &p->interval, err);
        if (st != OV_OK) {
            ov_error_context(err, "interval");
            return st;
        }
        if (p->interval.start >= p->interval.end)
            return ov_fail(err, OV_INVALID, "interval: '" OV_SLICE_FMT "' is empty", OV_SLICE_ARG(text));
        p->has_interval = true;
    }
    if (p->source.needs_interval && !p->has_interval)
        return ov_fail(err, OV_INVALID, "interval is missing: the source " OV_SLICE_FMT " has a file for each step of time; say "
                       "which, for example 2015-01-01/2015-01-02", OV_SLICE_ARG(p->source.name));
    return OV_OK;
}

static ov_status read_policy(const ov_json *doc, ovi_pull_spec *p, ov_error *err)
{
    const ov_json *limits;
    ov_slice gap, change;
    int64_t n;
    OV_TRY(ov_json_str(doc, "onGap", OV_SLICE_LIT("fail"), &gap, err));
    p->gaps_recorded = ov_slice_eq(gap, OV_SLICE_LIT("record"));
    if (!p->gaps_recorded && !ov_slice_eq(gap, OV_SLICE_LIT("fail")))
        return ov_json_fail(ov_json_get(doc, "onGap"), err, OV_INVALID, "'" OV_SLICE_FMT "' is not known; there are fail "
                            "(the task fails, what is there is kept) and record (it succeeds and tells)", OV_SLICE_ARG(gap));
    OV_TRY(ov_json_str(doc, "onChange", OV_SLICE_LIT("fail"), &change, err));
    p->on_change = ov_slice_eq(change, OV_SLICE_LIT("ignore"))   ? OVI_CHANGE_IGNORE
                   : ov_slice_eq(change, OV_SLICE_LIT("append")) ? OVI_CHANGE_APPEND
                                                                 : OVI_CHANGE_FAIL;
    if (p->on_change == OVI_CHANGE_FAIL && !ov_slice_eq(change, OV_SLICE_LIT("fail")))
        return ov_json_fail(ov_json_get(doc, "onChange"), err, OV_INVALID, "'" OV_SLICE_FMT "' is not known; there are fail, ignore and "
                            "append", OV_SLICE_ARG(change));
    OV_TRY(ov_json_i64_in(doc, "maxFailures", 0, 0, UINT32_MAX, &n, err));
    p->max_failures = (uint32_t)n;
    OV_TRY(ov_json_i64_in(doc, "commitSeries", p->source.kind == OVI_PULL_FILES ? 24 : 500, 1, 100000, &n, err));
    p->commit_series = (uint32_t)n;
    OV_TRY(ov_json_i64_in(doc, "commitPages", 1000, 1, 1000000, &n, err));
    p->commit_pages = (uint32_t)n;
    OV_TRY(ov_json_bool(doc, "reset", false, &p->reset, err));
    OV_TRY(ov_json_bool(doc, "archive", false, &p->archive, err));
    OV_TRY(ov_json_str(doc, "replay", (ov_slice){0}, &p->replay, err));
    OV_TRY(ov_json_obj(doc, "limits", &limits, err));
    ov_status st = ovi_pull_limits_read(limits, &p->source.limits, err);
    return st;
}

static ov_status read_target(const ov_json *doc, ov_arena *out, ovi_pull_spec *p, ov_error *err)
{
    OV_TRY(ov_json_str(doc, "dataSource", p->source.datasource, &p->datasource, err));
    if (p->datasource.n == 0)
        return ov_fail(err, OV_INVALID, "dataSource is missing: the name of the datasource that gets the rows");
    OV_TRY(ov_datasource_name_check(p->datasource, err));
    OV_TRY(ov_json_obj(doc, "dataSchema", &p->data_schema, err));
    OV_TRY(ov_json_obj(doc, "tuningConfig", &p->tuning, err));
    if (!p->data_schema)
        p->data_schema = p->source.data_schema;
    if (!p->tuning)
        p->tuning = p->source.tuning;
    if (p->source.kind == OVI_PULL_FILES && (!p->data_schema || !ov_json_find(p->data_schema, "timestampSpec")))
        return ov_fail(err, OV_INVALID, "dataSchema.timestampSpec is missing: rows of files have no time but their own; say in which column it is");
    OV_TRY(ov_json_str(doc, "name", (ov_slice){0}, &p->name, err));
    if (p->name.n == 0)
        OV_TRY(ov_arena_printf(out, &p->name, err, OV_SLICE_FMT ":" OV_SLICE_FMT, OV_SLICE_ARG(p->datasource),
                               OV_SLICE_ARG(p->source.name)));
    return OV_OK;
}

ov_status ovi_pull_spec_read(const ov_json *doc, ov_arena *out, ovi_pull_spec *p, ov_error *err)
{
    static const char *const keys[] = {
        "type",  "id",          "groupId",      "context",     "name",  "dataSource", "source",  "baseUrl", "params", "forEach",
        "interval", "auth",     "onGap",        "onChange", "maxFailures", "commitSeries", "commitPages", "reset", "archive", "replay",
        "limits", "dataSchema", "tuningConfig", "description"};
    ov_spec *load;
    *p = (ovi_pull_spec){0};
    OV_TRY(ov_json_only(doc, keys, OV_COUNT_OF(keys), err));
    OV_TRY(read_source(doc, out, p, err));
    OV_TRY(ov_json_str(doc, "baseUrl", p->source.base_url, &p->base_url, err));
    OV_TRY(check_base(p, err));
    OV_TRY(read_params(doc, out, p, err));
    OV_TRY(read_auth(doc, out, p, err));
    OV_TRY(read_interval(doc, p, err));
    OV_TRY(read_policy(doc, p, err));
    OV_TRY(read_target(doc, out, p, err));
    ov_slice nothing = OV_SLICE_LIT("/none");
    return ovi_pull_load_spec(p, &nothing, 1, out, &load, err); /* its complaints belong to the submit */
}

/* ---- for the batch loader ---- */

static void print_schema(ov_jsonw *w, const ovi_pull_spec *p, ov_buf *b)
{
    ov_jsonw_open_object(w, "dataSchema");
    ov_jsonw_str(w, "dataSource", p->datasource);
    if (!p->data_schema || !ov_json_find(p->data_schema, "timestampSpec"))
        ov_jsonw_raw(w, "timestampSpec", OV_SLICE_LIT("{\"column\":\"_collected_at\",\"format\":\"millis\"}"));
    if (!p->data_schema || !ov_json_find(p->data_schema, "dimensionsSpec"))
        ov_jsonw_raw(w, "dimensionsSpec", OV_SLICE_LIT("{\"useSchemaDiscovery\":true}"));
    if (!p->data_schema || !ov_json_find(p->data_schema, "granularitySpec"))
        ov_jsonw_raw(w, "granularitySpec", OV_SLICE_LIT("{\"segmentGranularity\":\"month\",\"queryGranularity\":\"none\",\"rollup\":false}"));
    for (const ov_json *v = p->data_schema ? p->data_schema->first : NULL; v; v = v->next) {
        if (ov_slice_eq(v->key, OV_SLICE_LIT("dataSource")))
            continue;
        ov_buf_clear(b);
        ov_json_print(v, b);
        ov_jsonw_key(w, v->key);
        ov_jsonw_raw(w, NULL, ov_buf_slice(b));
    }
    ov_jsonw_close_object(w);
}

static void print_format(ov_jsonw *w, const ovi_pull_spec *p, ov_buf *b)
{
    ov_buf_clear(b);
    if (p->source.format) {
        ov_json_print(p->source.format, b);
        ov_jsonw_raw(w, "inputFormat", ov_buf_slice(b));
        return;
    }
    ov_jsonw_open_object(w, "inputFormat");
    ov_jsonw_cstr(w, "type", "json");
    if (p->source.kind == OVI_PULL_REST)
        ov_jsonw_bool(w, "assumeNewlineDelimited", true);
    if (p->source.flatten) {
        ov_json_print(p->source.flatten, b);
        ov_jsonw_raw(w, "flattenSpec", ov_buf_slice(b));
    }
    ov_jsonw_close_object(w);
}

static void print_io(ov_jsonw *w, const ovi_pull_spec *p, const ov_slice *files, uint32_t count, ov_buf *b)
{
    ov_jsonw_open_object(w, "ioConfig");
    ov_jsonw_cstr(w, "type", "index_parallel");
    ov_jsonw_bool(w, "appendToExisting", true);
    ov_jsonw_open_object(w, "inputSource");
    ov_jsonw_cstr(w, "type", "local");
    ov_jsonw_open_array(w, "files");
    for (uint32_t i = 0; i < count; i++)
        ov_jsonw_str(w, NULL, files[i]);
    ov_jsonw_close_array(w);
    ov_jsonw_close_object(w);
    print_format(w, p, b);
    ov_jsonw_close_object(w);
}

ov_status ovi_pull_load_spec(const ovi_pull_spec *p, const ov_slice *files, uint32_t count, ov_arena *out, ov_spec **load,
                             ov_error *err)
{
    ov_jsonw w;
    ov_buf text, part;
    ov_slice json;
    ov_buf_init(&text);
    ov_buf_init(&part);
    ov_jsonw_init(&w, &text);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_cstr(&w, "type", "index_parallel");
    ov_jsonw_open_object(&w, "spec");
    print_schema(&w, p, &part);
    print_io(&w, p, files, count, &part);
    if (p->tuning) {
        ov_buf_clear(&part);
        ov_json_print(p->tuning, &part);
        ov_jsonw_raw(&w, "tuningConfig", ov_buf_slice(&part));
    }
    ov_jsonw_close_object(&w);
    ov_jsonw_close_object(&w);
    ov_status st = ov_buf_check(&text, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&text), &json, err);
    ov_buf_fini(&text);
    ov_buf_fini(&part);
    return st == OV_OK ? ov_spec_parse(json, out, load, err) : st;
}
