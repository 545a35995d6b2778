/*
 * Coordinator and broker views of datasources: what consoles list, scripts wait for, and clients drop.
 *
 * Every segment is on this machine, so whatever is published is loaded.
 */
#include "base/datetime.h"
#include "base/json.h"
#include "base/jsonw.h"
#include "base/log.h"
#include "base/os.h"
#include "ingest/stream/stream.h"
#include "server/endpoints/segment_json.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/reply.h"

/* ---- broker: what can be queried ---- */

void ov_h_broker_datasources(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    ov_jsonw_open_array(w, NULL);
    for (uint32_t i = 0; i < ov_snapshot_datasources(snap); i++)
        ov_jsonw_str(w, NULL, ov_snapshot_datasource(snap, i)->name);
    ov_jsonw_close_array(w);
    ov_snapshot_release(snap);
    ovi_reply_send(rq, 200, &r);
}

/* Is the column in a segment that overlaps the interval? */
static bool seen_within(const ov_datasource *ds, ov_slice column, ov_interval within)
{
    for (uint32_t i = 0; i < ds->segment_count; i++) {
        const ov_segment_entry *e = ds->segments[i];
        if (!ov_interval_overlaps(within, (ov_interval){e->info.start_ms, e->info.end_ms}))
            continue;
        for (uint32_t c = 0; c < e->column_count; c++)
            if (ov_slice_eq(e->columns[c].name, column))
                return true;
    }
    return false;
}

static void add_names(ov_jsonw *w, const char *key, const ov_datasource *ds, uint8_t role, ov_interval within)
{
    ov_jsonw_open_array(w, key);
    for (uint32_t i = 0; ds && i < ds->column_count; i++)
        if (ds->columns[i].role == role && seen_within(ds, ds->columns[i].name, within))
            ov_jsonw_str(w, NULL, ds->columns[i].name);
    ov_jsonw_close_array(w);
}

static void add_columns(ov_jsonw *w, const ov_datasource *ds, ov_interval within)
{
    ov_jsonw_open_object(w, NULL);
    add_names(w, "dimensions", ds, OV_ROLE_DIMENSION, within);
    add_names(w, "metrics", ds, OV_ROLE_METRIC, within);
    ov_jsonw_close_object(w);
}

/* {chunk: {dimensions, metrics}} */
static void add_columns_by_chunk(ov_jsonw *w, const ov_datasource *ds, ov_interval within)
{
    ov_interval last = {0, 0};
    ov_buf text;
    ov_buf_init(&text);
    ov_jsonw_open_object(w, NULL);
    for (uint32_t i = 0; ds && i < ds->segment_count; i++) {
        ov_interval chunk = {ds->segments[i]->info.start_ms, ds->segments[i]->info.end_ms};
        if (!ov_interval_overlaps(within, chunk) || (last.start == chunk.start && last.end == chunk.end))
            continue;
        last = chunk;
        ov_buf_clear(&text);
        ov_interval_add(&text, chunk);
        ov_jsonw_key(w, ov_buf_slice(&text));
        add_columns(w, ds, chunk);
    }
    ov_jsonw_close_object(w);
    ov_buf_fini(&text);
}

/* Druid looks at the last two weeks when no interval is given, and answers two empty lists for older data, which makes
 * Grafana's pickers and plywood give up; all columns are the kinder answer. Who asks with `full` or `simple` knows Druid's two weeks. */
static ov_status columns_interval(ov_request *rq, bool recent, ov_interval *out, ov_error *err)
{
    static const int64_t two_weeks_ms = INT64_C(14) * 24 * 3600 * 1000;
    bool found;
    ov_slice text = ov_request_param(rq, "interval", &found);
    int64_t now = ov_now_ms();
    *out = recent ? (ov_interval){now - two_weeks_ms, now} : OV_INTERVAL_ETERNITY;
    return found ? ovi_url_interval(rq, text, out, err) : OV_OK;
}

void ov_h_broker_datasource(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_interval within;
    ov_buf b;
    ov_jsonw w;
    bool full = ovi_has_param(rq, "full");
    if (columns_interval(rq, full || ovi_has_param(rq, "simple"), &within, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ov_buf_init(&b);
    ov_jsonw_init(&w, &b);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, at->s[0]);
    if (full)
        add_columns_by_chunk(&w, ds, within);
    else
        add_columns(&w, ds, within);
    ov_snapshot_release(snap);
    ov_respond_json(rq, &b);
}

static void broker_list(ov_app *app, ov_request *rq, ov_slice name, uint8_t role)
{
    ov_error err = OV_ERROR_INIT;
    ov_interval within;
    if (columns_interval(rq, false, &within, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    add_names(w, NULL, ov_snapshot_find(snap, name), role, within);
    ov_snapshot_release(snap);
    ovi_reply_send(rq, 200, &r);
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
    bool full = ovi_has_param(rq, "full");
    if (!ovi_has_param(rq, "simple") && !full) {
        ov_h_broker_datasources(app, rq, at);
        return;
    }
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    ov_jsonw_open_array(w, NULL);
    for (uint32_t i = 0; i < ov_snapshot_datasources(snap); i++) {
        const ov_datasource *ds = ov_snapshot_datasource(snap, i);
        ov_jsonw_open_object(w, NULL);
        if (full) {
            ovi_datasource_json(w, ds);
        } else {
            ov_jsonw_str(w, "name", ds->name);
            ov_jsonw_open_object(w, "properties");
            add_summary(w, ds);
            ov_jsonw_close_object(w);
        }
        ov_jsonw_close_object(w);
    }
    ov_jsonw_close_array(w);
    ov_snapshot_release(snap);
    ovi_reply_send(rq, 200, &r);
}

static void respond_datasource(ov_app *app, ov_request *rq, ov_slice name, bool full, int unknown)
{
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, name);
    if (!ds) {
        ovi_reply_nothing(rq, unknown);
    } else {
        ovi_reply r;
        ov_jsonw *w = ovi_reply_open(&r);
        ov_jsonw_open_object(w, NULL);
        if (full)
            ovi_datasource_json(w, ds);
        else
            add_summary(w, ds);
        ov_jsonw_close_object(w);
        ovi_reply_send(rq, 200, &r);
    }
    ov_snapshot_release(snap);
}

void ov_h_datasource(ov_app *app, ov_request *rq, const ov_captures *at)
{
    respond_datasource(app, rq, at->s[0], ovi_has_param(rq, "full"), 204);
}

void ov_h_metadata_datasource(ov_app *app, ov_request *rq, const ov_captures *at)
{
    respond_datasource(app, rq, at->s[0], true, 404);
}

/* Also of datasources whose segments are all unused. */
static void respond_all_names(ov_app *app, ov_request *rq)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice *names;
    uint32_t n;
    if (ov_catalog_datasource_names(app->catalog, ov_request_arena(rq), &names, &n, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_array(w, NULL);
    for (uint32_t i = 0; i < n; i++)
        ov_jsonw_str(w, NULL, names[i]);
    ov_jsonw_close_array(w);
    ovi_reply_send(rq, 200, &r);
}

/* includeUnused wins over full; simple means nothing here. */
void ov_h_metadata_datasources(ov_app *app, ov_request *rq, const ov_captures *at)
{
    if (ovi_has_param(rq, "includeUnused") || ovi_has_param(rq, "includeDisabled"))
        respond_all_names(app, rq);
    else if (ovi_has_param(rq, "full"))
        ov_h_datasources(app, rq, at);
    else
        ov_h_broker_datasources(app, rq, at);
}

static bool datasource_known(ov_app *app, ov_slice name)
{
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    bool known = ov_snapshot_find(snap, name) != NULL;
    ov_snapshot_release(snap);
    return known;
}

/* ---- dropping and taking back ---- */

static void mark(ov_app *app, ov_request *rq, ov_slice name, bool used, ov_segment_choice which)
{
    ov_error err = OV_ERROR_INIT;
    uint32_t changed = 0;
    which.datasource = name;
    ov_status st = used ? OV_OK : ov_streams_flush(app->streams, name, &err); /* rows in memory go too */
    if (st == OV_OK)
        st = ov_catalog_mark(app->catalog, &which, used, &changed, &err);
    if (st != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ov_log_info(used ? "segments marked used" : "segments marked unused",
                ov_kv_slice("datasource", name), ov_kv_i64("segments", changed));
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_u64(w, "numChangedSegments", changed);
    ov_jsonw_bool(w, "segmentStateChanged", changed > 0); /* what older clients read */
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

void ov_h_datasource_drop(ov_app *app, ov_request *rq, const ov_captures *at)
{
    mark(app, rq, at->s[0], false, (ov_segment_choice){.span = OV_INTERVAL_ETERNITY});
}

void ov_h_datasource_use(ov_app *app, ov_request *rq, const ov_captures *at)
{
    mark(app, rq, at->s[0], true, (ov_segment_choice){.span = OV_INTERVAL_ETERNITY});
}

void ov_h_segment_drop(ov_app *app, ov_request *rq, const ov_captures *at)
{
    mark(app, rq, at->s[0], false, (ov_segment_choice){.span = OV_INTERVAL_ETERNITY, .ids = &at->s[1], .id_count = 1});
}

void ov_h_segment_use(ov_app *app, ov_request *rq, const ov_captures *at)
{
    mark(app, rq, at->s[0], true, (ov_segment_choice){.span = OV_INTERVAL_ETERNITY, .ids = &at->s[1], .id_count = 1});
}

static ov_status read_texts(const ov_json *list, ov_arena *a, const ov_slice **out, uint32_t *count, ov_error *err)
{
    ov_slice *texts;
    OV_TRY(ov_arena_alloc(a, (list->count + 1) * sizeof *texts, &texts, err));
    for (const ov_json *v = list->first; v; v = v->next)
        OV_TRY(ov_json_as_str(v, &texts[(*count)++], err));
    *out = texts;
    return OV_OK;
}

static ov_status read_choice(ov_request *rq, ov_segment_choice *which, ov_error *err)
{
    ov_arena *a = ov_request_arena(rq);
    ov_json *body;
    OV_TRY(ov_json_parse(ov_request_body(rq), NULL, a, &body, err));
    OV_TRY(ov_json_expect(body, OV_JSON_OBJECT, err));
    const ov_json *ids, *versions;
    ov_slice interval;
    OV_TRY(ov_json_arr(body, "segmentIds", &ids, err));
    OV_TRY(ov_json_arr(body, "versions", &versions, err));
    OV_TRY(ov_json_str(body, "interval", (ov_slice){NULL, 0}, &interval, err));
    if ((ids != NULL) == (interval.n != 0))
        return ov_fail(err, OV_INVALID, "the body must hold either \"interval\" or \"segmentIds\"");
    if (versions && ids)
        return ov_json_fail(versions, err, OV_INVALID, "versions go with an interval, not with segmentIds");
    *which = (ov_segment_choice){.span = OV_INTERVAL_ETERNITY};
    if (versions)
        OV_TRY(read_texts(versions, a, &which->versions, &which->version_count, err));
    if (ids)
        return read_texts(ids, a, &which->ids, &which->id_count, err);
    return ov_interval_parse(interval, &which->span, err);
}

static void mark_by_body(ov_app *app, ov_request *rq, ov_slice name, bool used)
{
    ov_error err = OV_ERROR_INIT;
    ov_segment_choice which;
    if (read_choice(rq, &which, &err) != OV_OK)
        ovi_reply_error(rq, &err);
    else if (!used && !datasource_known(app, name))
        ovi_reply_nothing(rq, 204);
    else
        mark(app, rq, name, used, which);
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
    ov_segment_choice which = {.datasource = at->s[0]};
    uint32_t removed;
    if (ovi_url_interval(rq, at->s[1], &which.span, &err) != OV_OK ||
        ov_catalog_kill(app->catalog, &which, &removed, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ov_log_info("segments killed", ov_kv_slice("datasource", at->s[0]),
                ov_kv_i64("segments", removed));
    ovi_reply_nothing(rq, 200);
}
