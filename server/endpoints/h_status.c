/*
 * Process endpoints: version, health, and the fixed answers that Druid's consoles probe for.
 */
#include <malloc.h>
#include <stdio.h>

#include "base/jsonw.h"
#include "base/os.h"
#include "ingest/schedule/schedule.h"
#include "ingest/upkeep/upkeep.h"
#include "server/handlers.h"
#include "server/http/error_http.h"
#include "server/reply.h"

/* Clients compare this with Druid's releases to see what they may send. */
#define DRUID_VERSION "33.0.0"

static void respond_fixed(ov_request *rq, const char *json)
{
    ov_respond(rq, 200, "application/json", ov_slice_cstr(json));
}

void ov_h_status(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    struct mallinfo2 heap = mallinfo2();
    uint64_t limit = app->memory.limit;
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "version", DRUID_VERSION);
    ov_jsonw_open_array(w, "modules");
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "name", "ovate");
    ov_jsonw_cstr(w, "artifact", "ovate");
    ov_jsonw_cstr(w, "version", OV_VERSION);
    ov_jsonw_close_object(w);
    ov_jsonw_close_array(w);
    ov_jsonw_open_object(w, "memory");
    ov_jsonw_u64(w, "maxMemory", limit);
    ov_jsonw_u64(w, "totalMemory", heap.arena + heap.hblkhd);
    ov_jsonw_u64(w, "freeMemory", heap.fordblks);
    ov_jsonw_u64(w, "usedMemory", heap.uordblks + heap.hblkhd);
    ov_jsonw_u64(w, "directMemory", 0);
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

/* The threads that do things on time look about every second. */
enum { STUCK_MS = 60 * 1000 };

typedef struct health {
    bool upkeep, schedules; /* their threads have looked lately */
} health;

static health look_at_health(const ov_app *app)
{
    int64_t now = ov_now_ms();
    return (health){now - ov_upkeep_last_tick(app->upkeep) < STUCK_MS, now - ov_schedules_last_tick(app->schedules) < STUCK_MS};
}

static void add_thread(ov_jsonw *w, const char *name, bool well, int64_t last_ms)
{
    ov_jsonw_open_object(w, name);
    ov_jsonw_bool(w, "healthy", well);
    ov_jsonw_time(w, "lastLook", last_ms);
    ov_jsonw_close_object(w);
}

/* true, as Druid says; 503 when a thread that does things on time is stuck. ?full says more; a paused disk is no illness of the process. */
void ov_h_health(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    bool full;
    health h = look_at_health(app);
    int status = h.upkeep && h.schedules ? 200 : 503;
    (void)ov_request_param(rq, "full", &full);
    if (!full && status == 200) {
        respond_fixed(rq, "true");
        return;
    }
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_bool(w, "healthy", status == 200);
    add_thread(w, "upkeep", h.upkeep, ov_upkeep_last_tick(app->upkeep));
    add_thread(w, "schedules", h.schedules, ov_schedules_last_tick(app->schedules));
    ov_jsonw_open_object(w, "disk");
    ov_jsonw_cstr(w, "state", ov_disk_state_name(ov_disk_guard_state(&app->disk)));
    ov_jsonw_f64(w, "percent", ov_disk_guard_percent(&app->disk));
    ov_jsonw_bool(w, "ingestionPaused", ov_disk_paused(&app->disk));
    ov_jsonw_close_object(w);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, status, &r);
}

void ov_h_properties(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    char port[16];
    ovi_reply r;
    ov_jsonw *w = ovi_reply_open(&r);
    snprintf(port, sizeof port, "%d", app->port);
    ov_jsonw_open_object(w, NULL);
    ov_jsonw_cstr(w, "druid.host", app->host);
    ov_jsonw_cstr(w, "druid.plaintextPort", port);
    ov_jsonw_cstr(w, "druid.service", "druid/router");
    ov_jsonw_cstr(w, "ovate.data", ov_catalog_dir(app->catalog));
    ov_jsonw_cstr(w, "ovate.version", OV_VERSION);
    ov_jsonw_close_object(w);
    ovi_reply_send(rq, 200, &r);
}

void ov_h_empty_ok(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    respond_fixed(rq, "");
}

void ov_h_empty_list(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    respond_fixed(rq, "[]");
}

void ov_h_empty_object(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    respond_fixed(rq, "{}");
}

/* Everything that was published is there before the first request is answered. */
void ov_h_broker_loaded(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    respond_fixed(rq, "{\"inventoryInitialized\":true}");
}

void ov_h_historical_loaded(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    respond_fixed(rq, "{\"cacheInitialized\":true}");
}

void ov_h_self_discovered(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    respond_fixed(rq, "{\"selfDiscovered\":true}");
}

void ov_h_proxy_enabled(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    respond_fixed(rq, "{\"enabled\":true}");
}

void ov_h_is_leader(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)app, (void)at;
    respond_fixed(rq, "{\"leader\":true}");
}

void ov_h_leader(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    char url[100];
    snprintf(url, sizeof url, "http://%s", app->address);
    ov_respond_text(rq, 200, url);
}
