/*
 * Load status and load queues. What is published can be queried at once, so nothing is ever queued, and a status says only
 * whether there is something to wait for.
 */
#include "base/datetime.h"
#include "base/jsonw.h"
#include "base/os.h"
#include "server/handlers.h"
#include "server/reply.h"

/* Without an interval Druid asks for the last two weeks. */
#define DEFAULT_SPAN_MS (INT64_C(14) * 24 * 3600 * 1000)

/* "simple": segments that are missing; "full": the same by tier; else: the percentage that is there. */
static void add_status(ov_jsonw *w, ov_slice name, bool counts)
{
    ov_jsonw_key(w, name);
    if (counts)
        ov_jsonw_i64(w, NULL, 0);
    else
        ov_jsonw_f64(w, NULL, 100.0);
}

static bool has_segments(const ov_datasource *ds, ov_interval within)
{
    for (uint32_t i = 0; i < ds->segment_count; i++)
        if (ov_interval_overlaps(within, (ov_interval){ds->segments[i]->info.start_ms, ds->segments[i]->info.end_ms}))
            return true;
    return false;
}

static ov_status interval_param(ov_request *rq, ov_interval *out, ov_error *err)
{
    bool found;
    ov_slice text = ov_request_param(rq, "interval", &found);
    int64_t now = ov_now_ms();
    *out = (ov_interval){now - DEFAULT_SPAN_MS, now};
    return found ? ovi_url_interval(rq, text, out, err) : OV_OK;
}

static void respond_status(ov_request *rq, ov_snapshot *snap, const ov_datasource *only)
{
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    bool full = ovi_has_param(rq, "full"), counts = full || ovi_has_param(rq, "simple");
    ov_jsonw_open_object(w, NULL);
    if (full)
        ov_jsonw_open_object(w, "_default_tier");
    if (only)
        add_status(w, only->name, counts);
    for (uint32_t i = 0; !only && i < ov_snapshot_datasources(snap); i++)
        add_status(w, ov_snapshot_datasource(snap, i)->name, counts);
    if (full)
        ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

void ov_h_load_status(ov_app *app, ov_request *rq, const ov_captures *at)
{
    ov_error err = OV_ERROR_INIT;
    ov_interval within;
    if (!ovi_has_param(rq, "forceMetadataRefresh")) {
        ov_respond(rq, 400, "application/json", OV_SLICE_LIT("Invalid request. forceMetadataRefresh must be specified"));
        return;
    }
    if (interval_param(rq, &within, &err) != OV_OK) {
        ovi_reply_error(rq, &err);
        return;
    }
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    const ov_datasource *ds = ov_snapshot_find(snap, at->s[0]);
    if (!ds)
        ovi_reply_nothing(rq, 204);
    else if (!has_segments(ds, within))
        ovi_reply_fixed(rq, "No used segment found for the given datasource and interval");
    else
        respond_status(rq, snap, ds);
    ov_snapshot_release(snap);
}

void ov_h_load_status_all(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    respond_status(rq, snap, NULL);
    ov_snapshot_release(snap);
}

void ov_h_load_queue(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    static const char *const counters[] = {"segmentsToLoad", "segmentsToDrop", "segmentsToLoadSize",
                                           "segmentsToDropSize", "expectedLoadTimeMillis"};
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_open_object(w, app->address);
    for (size_t i = 0; ovi_has_param(rq, "simple") && i < OV_COUNT_OF(counters); i++)
        ov_jsonw_i64(w, counters[i], 0);
    if (!ovi_has_param(rq, "simple")) {
        ov_jsonw_raw(w, "segmentsToLoad", OV_SLICE_LIT("[]"));
        ov_jsonw_raw(w, "segmentsToDrop", OV_SLICE_LIT("[]"));
    }
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}
