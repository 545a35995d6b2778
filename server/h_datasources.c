/*
 * Coordinator and broker views of datasources: what consoles list, scripts wait for, and clients drop.
 *
 * Every segment is on this machine, so whatever is published is loaded.
 */
#include "base/datetime.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "server/error_http.h"
#include "server/handlers.h"

/* ---- shared pieces ---- */

static void respond_nothing(ov_request *rq, int status)
{
    ov_respond(rq, status, "application/json", (ov_slice){NULL, 0});
}

static bool has_param(ov_request *rq, const char *name)
{
    bool found;
    ov_request_param(rq, name, &found);
    return found;
}

static ov_interval chunk_of(const ov_segment_entry *e)
{
    return (ov_interval){e->info.start_ms, e->info.end_ms};
}

static void interval_text(ov_interval i, ov_buf *text)
{
    ov_buf_clear(text);
    ov_interval_add(text, i);
}

/* Interval of a URL path, where '_' stands for '/'. */
static ov_status path_interval(ov_request *rq, ov_slice text, ov_interval *out, ov_error *err)
{
    ov_slice copy;
    OV_TRY(ov_arena_copy(ov_request_arena(rq), text, &copy, err));
    char *p = ov_arena_try(ov_request_arena(rq), text.n + 1, 1, err);
    if (!p)
        return err->code;
    for (size_t i = 0; i < text.n; i++)
        p[i] = copy.p[i] == '_' ? '/' : copy.p[i];
    return ov_interval_parse(ov_slice_make(p, text.n), out, err);
}

/* ---- broker: what can be queried ---- */

void ov_h_broker_datasources(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    ov_jsonw_open_array(&w, NULL);
    for (uint32_t i = 0; i < ov_snapshot_datasources(snap); i++)
        ov_jsonw_str(&w, NULL, ov_snapshot_datasource(snap, i)->name);
    ov_jsonw_close_array(&w);
    ov_snapshot_release(snap);
    ov_respond_json(rq, &b);
}

static void add_names(ov_jsonw *w, const char *key, const ov_datasource *ds, uint8_t role)
{
    ov_jsonw_open_array(w, key);
    for (uint32_t i = 0; ds && i < ds->column_count; i++)
        if (ds->columns[i].role == role)
            ov_jsonw_str(w, NULL, ds->columns[i].name);
    ov_jsonw_close_array(w);
}

/* Druid looks at the last two weeks only and answers two empty lists for older data, which makes Grafana's
 * pickers and plywood give up; all columns are the kinder answer. */
void ov_h_broker_datasource(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, at->s[0]);
    ov_jsonw_open_object(&w, NULL);
    add_names(&w, "dimensions", ds, OV_ROLE_DIMENSION);
    add_names(&w, "metrics", ds, OV_ROLE_METRIC);
    ov_jsonw_close_object(&w);
    ov_snapshot_release(snap);
    ov_respond_json(rq, &b);
}

static void broker_list(ov_app *app, ov_request *rq, ov_slice name, uint8_t role)
{
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    add_names(&w, NULL, ov_snapshot_find(snap, name), role);
    ov_snapshot_release(snap);
    ov_respond_json(rq, &b);
}

void ov_h_broker_dimensions(ov_app *app, ov_request *rq, const ov_captures *at)
{
    broker_list(app, rq, at->s[0], OV_ROLE_DIMENSION);
}

void ov_h_broker_metrics(ov_app *app, ov_request *rq, const ov_captures *at)
{
    broker_list(app, rq, at->s[0], OV_ROLE_METRIC);
}

/* ---- coordinator: datasources ---- */

static void add_summary(ov_jsonw *w, const ov_datasource *ds)
{
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        min = OV_MIN(min, ds->segments[i]->info.start_ms);
        max = OV_MAX(max, ds->segments[i]->info.end_ms);
    }
    ov_jsonw_open_object(w, "tiers");
    ov_jsonw_open_object(w, "_default_tier");
    ov_jsonw_u64(w, "size", ds->bytes);
    ov_jsonw_u64(w, "replicatedSize", ds->bytes);
    ov_jsonw_u64(w, "segmentCount", ds->segment_count);
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
    ov_jsonw_open_object(w, "segments");
    ov_jsonw_time(w, "maxTime", max);
    ov_jsonw_u64(w, "size", ds->bytes);
    ov_jsonw_time(w, "minTime", min);
    ov_jsonw_u64(w, "count", ds->segment_count);
    ov_jsonw_u64(w, "replicatedSize", ds->bytes);
    ov_jsonw_close_object(w);
}

void ov_h_datasources(ov_app *app, ov_request *rq, const ov_captures *at)
{
    if (!has_param(rq, "simple") && !has_param(rq, "full")) {
        ov_h_broker_datasources(app, rq, at);
        return;
    }
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    ov_jsonw_open_array(&w, NULL);
    for (uint32_t i = 0; i < ov_snapshot_datasources(snap); i++) {
        const ov_datasource *ds = ov_snapshot_datasource(snap, i);
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_str(&w, "name", ds->name);
        ov_jsonw_open_object(&w, "properties");
        add_summary(&w, ds);
        ov_jsonw_close_object(&w);
        ov_jsonw_close_object(&w);
    }
    ov_jsonw_close_array(&w);
    ov_snapshot_release(snap);
    ov_respond_json(rq, &b);
}

void ov_h_datasource(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, at->s[0]);
    if (!ds) {
        respond_nothing(rq, 204);
    } else {
        ov_buf b;
        ov_jsonw w;
        ov_buf_init(&b);
        ov_jsonw_init(&w, &b);
        ov_jsonw_open_object(&w, NULL);
        add_summary(&w, ds);
        ov_jsonw_close_object(&w);
        ov_respond_json(rq, &b);
    }
    ov_snapshot_release(snap);
}

void ov_h_metadata_datasources(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_h_broker_datasources(app, rq, at);
}

void ov_h_tiers(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ov_respond(rq, 200, "application/json", OV_SLICE_LIT("[\"_default_tier\"]"));
}

void ov_h_rules(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    ov_respond(rq, 200, "application/json",
               OV_SLICE_LIT("{\"_default\":[{\"tieredReplicants\":{\"_default_tier\":1},"
                            "\"useDefaultTierForNull\":true,"
                            "\"type\":\"loadForever\"}]}"));
}

void ov_h_servers(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    uint64_t bytes = 0;
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    for (uint32_t i = 0; i < ov_snapshot_datasources(snap); i++)
        bytes += ov_snapshot_datasource(snap, i)->bytes;
    ov_snapshot_release(snap);
    ov_jsonw_open_array(&w, NULL);
    if (has_param(rq, "simple")) {
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_cstr(&w, "host", app->address);
        ov_jsonw_cstr(&w, "tier", "_default_tier");
        ov_jsonw_cstr(&w, "type", "historical");
        ov_jsonw_i64(&w, "priority", 0);
        ov_jsonw_u64(&w, "currSize", bytes);
        ov_jsonw_u64(&w, "maxSize", INT64_MAX);
        ov_jsonw_close_object(&w);
    } else {
        ov_jsonw_cstr(&w, NULL, app->address);
    }
    ov_jsonw_close_array(&w);
    ov_respond_json(rq, &b);
}

/* ---- coordinator: segments and intervals ---- */

static void add_segment(ov_jsonw *w, const ov_segment_entry *e, ov_buf *scratch)
{
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_str(w, "dataSource", e->info.datasource);
    interval_text(chunk_of(e), scratch);
    ov_jsonw_str(w, "interval", ov_buf_slice(scratch));
    ov_jsonw_str(w, "version", e->info.version);
    ov_jsonw_raw(w, "loadSpec", OV_SLICE_LIT("{\"type\":\"ovate\"}"));
    static const struct {
        const char *key;
        uint8_t role;
    } lists[] = {{"dimensions", OV_ROLE_DIMENSION}, {"metrics", OV_ROLE_METRIC}};
    for (size_t k = 0; k < OV_COUNT_OF(lists); k++) {
        ov_buf_clear(scratch);
        for (uint32_t i = 0; i < e->column_count; i++)
            if (e->columns[i].role == lists[k].role) {
                if (scratch->n)
                    ov_buf_add_char(scratch, ',');
                ov_buf_add_slice(scratch, e->columns[i].name);
            }
        ov_jsonw_str(w, lists[k].key, ov_buf_slice(scratch));
    }
    ov_jsonw_raw(w, "shardSpec", e->shard_spec.n ? e->shard_spec : OV_SLICE_LIT("null"));
    ov_jsonw_i64(w, "binaryVersion", 9);
    ov_jsonw_u64(w, "size", e->info.bytes);
    ov_jsonw_str(w, "identifier", e->id);
    ov_jsonw_close_object(w);
}

void ov_h_segments(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, at->s[0]);
    if (!ds) {
        respond_nothing(rq, 204);
        ov_snapshot_release(snap);
        return;
    }
    ov_buf b, scratch;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_buf_init(&scratch);
    ov_jsonw_init(&w, &b);
    bool full = has_param(rq, "full");
    ov_jsonw_open_array(&w, NULL);
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        if (full)
            add_segment(&w, ds->segments[i], &scratch);
        else
            ov_jsonw_str(&w, NULL, ds->segments[i]->id);
    }
    ov_jsonw_close_array(&w);
    ov_snapshot_release(snap);
    ov_buf_fini(&scratch);
    ov_respond_json(rq, &b);
}

void ov_h_segment(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, at->s[0]);
    const ov_segment_entry *found = NULL;
    for (uint32_t i = 0; ds && i < ds->segment_count && !found; i++)
        if (ov_slice_eq(ds->segments[i]->id, at->s[1]))
            found = ds->segments[i];
    if (!found) {
        respond_nothing(rq, 204);
    } else {
        ov_buf b, scratch;
        ov_jsonw w;
        ov_buf_init(&b);
        ov_buf_init(&scratch);
        ov_jsonw_init(&w, &b);
        ov_jsonw_open_object(&w, NULL);
        ov_jsonw_key(&w, OV_SLICE_LIT("metadata"));
        add_segment(&w, found, &scratch);
        ov_jsonw_open_array(&w, "servers");
        ov_jsonw_cstr(&w, NULL, app->address);
        ov_jsonw_close_array(&w);
        ov_jsonw_close_object(&w);
        ov_buf_fini(&scratch);
        ov_respond_json(rq, &b);
    }
    ov_snapshot_release(snap);
}

/* Newest chunk first, as Druid lists them: plain texts, or counts and sizes per chunk (`simple`). */
static void respond_chunks(ov_app *app, ov_request *rq, ov_slice name, ov_interval within)
{
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, name);
    ov_buf b, text;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_buf_init(&text);
    ov_jsonw_init(&w, &b);
    bool simple = has_param(rq, "simple");
    if (simple)
        ov_jsonw_open_object(&w, NULL);
    else
        ov_jsonw_open_array(&w, NULL);
    for (uint32_t i = ds ? ds->segment_count : 0; i > 0;) {
        ov_interval chunk = chunk_of(ds->segments[i - 1]);
        uint64_t count = 0, bytes = 0;
        for (; i > 0 && ds->segments[i - 1]->info.start_ms == chunk.start &&
               ds->segments[i - 1]->info.end_ms == chunk.end;
             i--) {
            count++;
            bytes += ds->segments[i - 1]->info.bytes;
        }
        if (!ov_interval_contains(within, chunk))
            continue;
        interval_text(chunk, &text);
        if (simple) {
            ov_jsonw_key(&w, ov_buf_slice(&text));
            ov_jsonw_open_object(&w, NULL);
            ov_jsonw_u64(&w, "size", bytes);
            ov_jsonw_u64(&w, "count", count);
            ov_jsonw_close_object(&w);
        } else {
            ov_jsonw_str(&w, NULL, ov_buf_slice(&text));
        }
    }
    if (simple)
        ov_jsonw_close_object(&w);
    else
        ov_jsonw_close_array(&w);
    ov_snapshot_release(snap);
    ov_buf_fini(&text);
    ov_respond_json(rq, &b);
}

static bool datasource_known(ov_app *app, ov_slice name)
{
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    bool known = ov_snapshot_find(snap, name) != NULL;
    ov_snapshot_release(snap);
    return known;
}

void ov_h_intervals(ov_app *app, ov_request *rq, const ov_captures *at)
{
    if (!datasource_known(app, at->s[0]))
        respond_nothing(rq, 204);
    else
        respond_chunks(app, rq, at->s[0], OV_INTERVAL_ETERNITY);
}

void ov_h_interval(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_interval within;
    if (path_interval(rq, at->s[1], &within, &err) != OV_OK) {
        ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
        return;
    }
    if (has_param(rq, "simple")) {
        respond_chunks(app, rq, at->s[0], within);
        return;
    }
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, at->s[0]);
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_array(&w, NULL);
    for (uint32_t i = 0; ds && i < ds->segment_count; i++)
        if (ov_interval_contains(within, chunk_of(ds->segments[i])))
            ov_jsonw_str(&w, NULL, ds->segments[i]->id);
    ov_jsonw_close_array(&w);
    ov_snapshot_release(snap);
    ov_respond_json(rq, &b);
}

void ov_h_load_status(ov_app *app, ov_request *rq, const ov_captures *at)
{
    if (!datasource_known(app, at->s[0])) {
        respond_nothing(rq, 204);
        return;
    }
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_key(&w, at->s[0]);
    if (has_param(rq, "simple"))
        ov_jsonw_i64(&w, NULL, 0);
    else
        ov_jsonw_f64(&w, NULL, 100.0);
    ov_jsonw_close_object(&w);
    ov_respond_json(rq, &b);
}

void ov_h_load_status_all(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    bool simple = has_param(rq, "simple"), full = has_param(rq, "full");
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    ov_jsonw_open_object(&w, NULL);
    if (full)
        ov_jsonw_open_object(&w, "_default_tier");
    for (uint32_t i = 0; i < ov_snapshot_datasources(snap); i++) {
        ov_jsonw_key(&w, ov_snapshot_datasource(snap, i)->name);
        if (simple || full)
            ov_jsonw_i64(&w, NULL, 0);
        else
            ov_jsonw_f64(&w, NULL, 100.0);
    }
    if (full)
        ov_jsonw_close_object(&w);
    ov_jsonw_close_object(&w);
    ov_snapshot_release(snap);
    ov_respond_json(rq, &b);
}

/* ---- dropping and taking back ---- */

typedef struct mark_wish {
    ov_interval interval;
    const ov_slice *ids;
    uint32_t id_count;
} mark_wish;

static void mark(ov_app *app, ov_request *rq, ov_slice name, bool used, const mark_wish *wish)
{
    ov_error err = OV_ERROR_INIT;
    uint32_t changed = 0;
    if (ov_catalog_mark(app->catalog, name, used, wish->interval.start, wish->interval.end,
                        wish->ids, wish->id_count, &changed, &err) != OV_OK) {
        ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
        return;
    }
    ov_log_info(used ? "segments marked used" : "segments marked unused",
                ov_kv_slice("datasource", name), ov_kv_i64("segments", changed));
    ov_buf b;
    ov_jsonw w;
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_jsonw_open_object(&w, NULL);
    ov_jsonw_u64(&w, "numChangedSegments", changed);
    ov_jsonw_bool(&w, "segmentStateChanged", changed > 0); /* what older clients read */
    ov_jsonw_close_object(&w);
    ov_respond_json(rq, &b);
}

void ov_h_datasource_drop(ov_app *app, ov_request *rq, const ov_captures *at)
{
    mark(app, rq, at->s[0], false, &(mark_wish){.interval = OV_INTERVAL_ETERNITY});
}

void ov_h_datasource_use(ov_app *app, ov_request *rq, const ov_captures *at)
{
    mark(app, rq, at->s[0], true, &(mark_wish){.interval = OV_INTERVAL_ETERNITY});
}

void ov_h_segment_drop(ov_app *app, ov_request *rq, const ov_captures *at)
{
    mark(app, rq, at->s[0], false,
         &(mark_wish){.interval = OV_INTERVAL_ETERNITY, .ids = &at->s[1], .id_count = 1});
}

void ov_h_segment_use(ov_app *app, ov_request *rq, const ov_captures *at)
{
    mark(app, rq, at->s[0], true,
         &(mark_wish){.interval = OV_INTERVAL_ETERNITY, .ids = &at->s[1], .id_count = 1});
}

static ov_status read_wish(ov_request *rq, mark_wish *wish, ov_error *err)
{
    ov_arena *a = ov_request_arena(rq);
    ov_json *body;
    OV_TRY(ov_json_parse(ov_request_body(rq), NULL, a, &body, err));
    OV_TRY(ov_json_expect(body, OV_JSON_OBJECT, err));
    const ov_json *ids;
    ov_slice interval;
    OV_TRY(ov_json_arr(body, "segmentIds", &ids, err));
    OV_TRY(ov_json_str(body, "interval", (ov_slice){NULL, 0}, &interval, err));
    if ((ids != NULL) == (interval.n != 0))
        return ov_fail(err, OV_INVALID, "the body must hold either \"interval\" or \"segmentIds\"");
    *wish = (mark_wish){.interval = OV_INTERVAL_ETERNITY};
    if (interval.n)
        return ov_interval_parse(interval, &wish->interval, err);
    ov_slice *list;
    OV_TRY(ov_arena_alloc(a, (ids->count + 1) * sizeof *list, &list, err));
    for (const ov_json *id = ids->first; id; id = id->next)
        OV_TRY(ov_json_as_str(id, &list[wish->id_count++], err));
    wish->ids = list;
    if (wish->id_count == 0)
        wish->interval.end = wish->interval.start; /* an empty list names nothing */
    return OV_OK;
}

static void mark_by_body(ov_app *app, ov_request *rq, ov_slice name, bool used)
{
    ov_error err = OV_ERROR_INIT;
    mark_wish wish;
    if (read_wish(rq, &wish, &err) != OV_OK)
        ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
    else if (!used && !datasource_known(app, name))
        respond_nothing(rq, 204);
    else
        mark(app, rq, name, used, &wish);
}

void ov_h_mark_unused(ov_app *app, ov_request *rq, const ov_captures *at)
{
    mark_by_body(app, rq, at->s[0], false);
}

void ov_h_mark_used(ov_app *app, ov_request *rq, const ov_captures *at)
{
    mark_by_body(app, rq, at->s[0], true);
}

/* Unused segments of the interval go for good. */
void ov_h_interval_kill(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_interval i;
    uint32_t removed;
    if (path_interval(rq, at->s[1], &i, &err) != OV_OK ||
        ov_catalog_kill(app->catalog, at->s[0], i.start, i.end, &removed, &err) != OV_OK) {
        ov_respond_error(rq, OV_ERROR_BINDING, (ov_slice){NULL, 0}, &err);
        return;
    }
    ov_log_info("segments killed", ov_kv_slice("datasource", at->s[0]),
                ov_kv_i64("segments", removed));
    respond_nothing(rq, 200);
}
