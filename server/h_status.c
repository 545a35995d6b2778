/*
 * Process endpoints: version, health, metrics, and the fixed answers that Druid's consoles probe for.
 */
#include <malloc.h>
#include <stdio.h>

#include "base/blob_cache.h"
#include "base/jsonw.h"
#include "base/os.h"
#include "ingest/kafka.h"
#include "ingest/schedule.h"
#include "ingest/stream.h"
#include "ingest/task.h"
#include "ingest/upkeep.h"
#include "server/error_http.h"
#include "server/handlers.h"
#include "server/reply.h"
#include "storage/keys.h"

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

static void add_gauge(ov_buf *b, const char *name, const char *help, double value)
{
    ov_metrics_head(b, name, "gauge", help);
    ov_buf_addf(b, "%s %.17g\n", name, value);
}

void ov_h_metrics(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_buf b;
    ov_buf_init(&b);
    ov_metrics_print(&app->metrics, &b);
    ov_http_counters http;
    ov_http_counters_get(app->http, &http);
    add_gauge(&b, "ovate_queries_running", "Queries running now.", ov_running_count(app->running));
    ov_admission_counts large;
    ov_admission_count(app->admission, &large);
    add_gauge(&b, "ovate_queries_large_running", "Large queries that have a place.", large.running);
    add_gauge(&b, "ovate_queries_waiting", "Large queries that wait for a place.", large.waiting);
    add_gauge(&b, "ovate_memory_bytes", "Memory charged to running queries and kept plans.",
              (double)atomic_load(&app->memory.used));
    ov_plan_cache_counts kept;
    ov_plan_cache_count(app->env.plans, &kept);
    add_gauge(&b, "ovate_plans_kept", "Plans kept for statements that come again.", kept.plans);
    ov_metrics_head(&b, "ovate_plan_hits_total", "counter", "Statements whose plan was found.");
    ov_buf_addf(&b, "ovate_plan_hits_total %llu\n", (unsigned long long)kept.hits);
    ov_metrics_head(&b, "ovate_quick_queries_total", "counter", "Queries answered by the loop thread itself.");
    ov_buf_addf(&b, "ovate_quick_queries_total %llu\n", (unsigned long long)atomic_load(&app->metrics.quick));
    ov_blob_cache_stats answers;
    ov_blob_cache_stats_of(app->results, &answers);
    add_gauge(&b, "ovate_answers_kept", "Whole answers kept until the data changes.", (double)answers.entries);
    add_gauge(&b, "ovate_answers_kept_bytes", "Their bytes.", (double)answers.bytes);
    ov_metrics_head(&b, "ovate_answer_hits_total", "counter", "Queries answered from there.");
    ov_buf_addf(&b, "ovate_answer_hits_total %llu\n", (unsigned long long)answers.hits);
    ov_blob_cache_stats states;
    ov_blob_cache_stats_of(app->env.states, &states);
    add_gauge(&b, "ovate_states_kept", "Partial results kept by segment.", (double)states.entries);
    add_gauge(&b, "ovate_states_kept_bytes", "Their bytes.", (double)states.bytes);
    ov_metrics_head(&b, "ovate_state_hits_total", "counter", "Segments whose part was found there.");
    ov_buf_addf(&b, "ovate_state_hits_total %llu\n", (unsigned long long)states.hits);
    ov_metrics_head(&b, "ovate_state_misses_total", "counter", "Segments that were looked for there in vain.");
    ov_buf_addf(&b, "ovate_state_misses_total %llu\n", (unsigned long long)states.misses);
    add_gauge(&b, "ovate_spill_bytes", "Bytes of running queries on disk now.",
              (double)atomic_load(&app->spill.used));
    ov_streams_metrics(app->streams, &b);
    ov_kafka_metrics(app->kafka, &b);
    add_gauge(&b, "ovate_http_connections", "Open connections.", (double)http.open_connections);
    ov_metrics_head(&b, "ovate_http_requests_total", "counter",
                    "Requests with a complete head and body.");
    ov_buf_addf(&b, "ovate_http_requests_total %llu\n", (unsigned long long)http.requests);
    ov_metrics_head(&b, "ovate_http_refused_total", "counter",
                    "Requests refused by the HTTP layer.");
    ov_buf_addf(&b, "ovate_http_refused_total %llu\n", (unsigned long long)http.refused);
    ov_metrics_head(&b, "ovate_http_sent_bytes_total", "counter",
                    "Bytes of responses handed to the kernel.");
    ov_buf_addf(&b, "ovate_http_sent_bytes_total %llu\n", (unsigned long long)http.bytes_out);
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    double segments = 0, rows = 0, bytes = 0;
    for (uint32_t i = 0; i < ov_snapshot_datasources(snap); i++) {
        const ov_datasource *ds = ov_snapshot_datasource(snap, i);
        segments += ds->segment_count;
        rows += (double)ds->rows;
        bytes += (double)ds->bytes;
    }
    add_gauge(&b, "ovate_datasources", "Datasources that can be queried.",
              ov_snapshot_datasources(snap));
    ov_snapshot_release(snap);
    add_gauge(&b, "ovate_segments", "Visible segments.", segments);
    add_gauge(&b, "ovate_segment_rows", "Rows in visible segments.", rows);
    add_gauge(&b, "ovate_segment_bytes", "Bytes of visible segments.", bytes);
    struct statvfs fs;
    if (ov_os_now->statvfs(ov_catalog_dir(app->catalog), &fs) == 0)
        add_gauge(&b, "ovate_disk_free_bytes", "Free bytes where the data folder lies.",
                  (double)fs.f_bavail * (double)fs.f_frsize);
    add_gauge(&b, "ovate_disk_used_percent", "How full that disk is.", ov_disk_guard_percent(&app->disk));
    add_gauge(&b, "ovate_ingestion_paused", "1 while the disk guard lets no rows in.", ov_disk_paused(&app->disk));
    add_gauge(&b, "ovate_keys_bytes", "Memory of the tables of keys.", (double)ov_catalog_keys_used(app->catalog));
    ov_task_counts tasks;
    ov_tasks_counts(app->tasks, &tasks);
    add_gauge(&b, "ovate_tasks_running", "Tasks under way.", tasks.running);
    add_gauge(&b, "ovate_tasks_waiting", "Tasks that wait for their turn.", tasks.pending);
    add_gauge(&b, "ovate_scheduler_last_tick_timestamp_seconds", "When schedules were looked at last.",
              (double)ov_schedules_last_tick(app->schedules) / 1000);
    ov_upkeep_counts done;
    ov_upkeep_count(app->upkeep, &done);
    ov_metrics_head(&b, "ovate_segments_dropped_total", "counter", "Segments that rules made unused.");
    ov_buf_addf(&b, "ovate_segments_dropped_total %llu\n", (unsigned long long)done.dropped);
    ov_metrics_head(&b, "ovate_compaction_tasks_total", "counter", "Tasks that automatic compaction submitted.");
    ov_buf_addf(&b, "ovate_compaction_tasks_total %llu\n", (unsigned long long)done.compact_tasks);
    add_gauge(&b, "ovate_uptime_seconds", "Since the server started.",
              (double)(ov_now_ms() - app->started_ms) / 1000);
    ov_metrics_head(&b, "ovate_build_info", "gauge", "Constant 1 with the version.");
    ov_buf_addf(&b, "ovate_build_info{version=\"%s\"} 1\n", OV_VERSION);
    ov_respond(rq, 200, "text/plain; version=0.0.4", ov_buf_slice(&b));
    ov_buf_fini(&b);
}
