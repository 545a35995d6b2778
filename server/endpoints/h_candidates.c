/*
 * Which segments a query would read, and where they are: for tools that plan reads themselves.
 */
#include "base/datetime.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "server/handlers.h"
#include "server/reply.h"

static void add_location(ov_jsonw *w, const char *address)
{
    ov_jsonw_open_array(w, "locations");
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "name", address);
    ov_jsonw_cstr(w, "host", address);
    ov_jsonw_null(w, "hostAndTlsPort");
    ov_jsonw_u64(w, "maxSize", INT64_MAX);
    ov_jsonw_cstr(w, "type", "historical");
    ov_jsonw_cstr(w, "tier", "_default_tier");
    ov_jsonw_i64(w, "priority", 0);
    ov_jsonw_close_object(w);
    ov_jsonw_close_array(w);
}

static void add_candidate(ov_jsonw *w, const ov_segment_entry *e, ov_interval part, const char *address)
{
    ov_buf text;
    ov_buf_init(&text);
    ov_interval_add(&text, part);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "interval", ov_buf_slice(&text));
    ov_jsonw_str(w, "version", e->info.version);
    ov_jsonw_u64(w, "partitionNumber", e->info.partition);
    ov_jsonw_u64(w, "size", e->info.bytes);
    add_location(w, address);
    ov_jsonw_close_object(w);
    ov_buf_fini(&text);
}

/* The parts of the segment that answer in one of the intervals. */
static void add_parts(ov_jsonw *w, const ov_segment_entry *e, const ov_interval *wanted, size_t n, const char *address)
{
    for (uint32_t k = 0; k < e->part_count; k++)
        for (size_t i = 0; i < n; i++)
            if (ov_interval_overlaps(e->parts[k], wanted[i]))
                add_candidate(w, e, ov_interval_clip(e->parts[k], wanted[i]), address);
}

static void respond_candidates(ov_app *app, ov_request *rq, ov_slice name, ov_interval *wanted, size_t n)
{
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, name);
    n = ov_interval_condense(wanted, n);
    ov_jsonw_open_array(w, NULL);
    for (uint32_t i = 0; ds && i < ds->segment_count; i++)
        add_parts(w, ds->segments[i], wanted, n, app->address);
    ov_jsonw_close_array(w);
    ov_snapshot_release(snap);
    ovi_reply_send(rq, 200, &r);
}

/* "a/b,c/d" */
static ov_status read_list(ov_request *rq, ov_slice text, ov_interval **out, size_t *count, ov_error *err)
{
    size_t cap = 1;
    for (size_t i = 0; i < text.n; i++)
        cap += text.p[i] == ',';
    OV_TRY(ov_arena_alloc(ov_request_arena(rq), cap * sizeof **out, out, err));
    *count = 0;
    for (size_t at = 0; at <= text.n;) {
        size_t end = at;
        while (end < text.n && text.p[end] != ',')
            end++;
        OV_TRY(ovi_url_interval(rq, ov_slice_make(text.p + at, end - at), &(*out)[(*count)++], err));
        at = end + 1;
    }
    return OV_OK;
}

void ov_h_datasource_candidates(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_interval *list;
    size_t n;
    bool found;
    ov_slice text = ov_request_param(rq, "intervals", &found);
    if (!found)
        ov_fail(&err, OV_INVALID, "the query parameter intervals is missing: start/end, several separated by commas");
    if (!found || read_list(rq, text, &list, &n, &err) != OV_OK)
        ovi_reply_error(rq, &err);
    else
        respond_candidates(app, rq, at->s[0], list, n);
}

/* ---- of a native query ---- */

/* The table at the bottom of `dataSource`, and the query that reads it. */
static ov_status table_of(const ov_json **query, ov_slice *name, ov_error *err)
{
    const ov_json *source;
    for (;;) {
        OV_TRY(ov_json_need(*query, "dataSource", &source, err));
        if (source->kind == OV_JSON_STRING) {
            *name = source->s;
            return OV_OK;
        }
        OV_TRY(ov_json_expect(source, OV_JSON_OBJECT, err));
        const ov_json *inner = ov_json_find(source, "query");
        if (!inner)
            break;
        *query = inner;
    }
    ov_slice type;
    OV_TRY(ov_json_need_str(source, "type", &type, err));
    if (!ov_slice_eq(type, OV_SLICE_LIT("table")))
        return ov_json_fail(source, err, OV_UNSUPPORTED, "candidates are those of a table; '" OV_SLICE_FMT "' is none",
                            OV_SLICE_ARG(type));
    return ov_json_need_str(source, "name", name, err);
}

static ov_status query_intervals(const ov_json *query, ov_arena *a, ov_interval **out, size_t *count, ov_error *err)
{
    const ov_json *list;
    ov_slice text;
    OV_TRY(ov_json_need(query, "intervals", &list, err));
    if (list->kind == OV_JSON_OBJECT)
        OV_TRY(ov_json_need(list, "intervals", &list, err));
    OV_TRY(ov_arena_alloc(a, (list->count + (size_t)1) * sizeof **out, out, err));
    *count = 0;
    if (list->kind != OV_JSON_ARRAY) {
        OV_TRY(ov_json_as_str(list, &text, err));
        return ov_interval_parse(text, &(*out)[(*count)++], err);
    }
    for (const ov_json *v = list->first; v; v = v->next) {
        OV_TRY(ov_json_as_str(v, &text, err));
        OV_TRY(ov_interval_parse(text, &(*out)[(*count)++], err));
    }
    return OV_OK;
}

void ov_h_candidates(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_error err = OV_ERROR_INIT;
    ov_arena *a = ov_request_arena(rq);
    ov_interval *list = NULL;
    ov_json *body = NULL;
    ov_slice name;
    size_t n = 0;
    ov_status st = ov_json_parse(ov_request_body(rq), NULL, a, &body, &err);
    const ov_json *query = body;
    if (st == OV_OK)
        st = table_of(&query, &name, &err);
    if (st == OV_OK)
        st = query_intervals(query, a, &list, &n, &err);
    if (st == OV_OK)
        respond_candidates(app, rq, name, list, n);
    else
        ovi_reply_error(rq, &err);
}
