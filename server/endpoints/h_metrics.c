/*
 * GET /metrics: everything a server counts, as Prometheus text. Names are promises: dashboards and alerts hold them.
 */
#include "base/blob_cache.h"
#include "base/os.h"
#include "base/prom.h"
#include "ingest/kafka/kafka.h"
#include "ingest/schedule/schedule.h"
#include "ingest/stream/stream.h"
#include "ingest/task/task.h"
#include "ingest/upkeep/upkeep.h"
#include "server/handlers.h"
#include "storage/catalog/keys.h"

/* Statements now, and what is kept for those that come again. */
static void add_queries(ov_app *app, ov_buf *b)
{
    ov_admission_counts large;
    ov_plan_cache_counts plans;
    ov_blob_cache_stats answers, states;
    ov_admission_count(app->admission, &large);
    ov_plan_cache_count(app->env.plans, &plans);
    ov_blob_cache_stats_of(app->results, &answers);
    ov_blob_cache_stats_of(app->env.states, &states);
    ov_prom_gauge(b, "ovate_queries_running", "Queries running now.", ov_running_count(app->running));
    ov_prom_gauge(b, "ovate_queries_large_running", "Large queries that have a place.", large.running);
    ov_prom_gauge(b, "ovate_queries_waiting", "Large queries that wait for a place.", large.waiting);
    ov_prom_gauge(b, "ovate_memory_bytes", "Memory charged to running queries and kept plans.",
                  (double)atomic_load(&app->memory.used));
    ov_prom_gauge(b, "ovate_plans_kept", "Plans kept for statements that come again.", plans.plans);
    ov_prom_counter(b, "ovate_plan_hits_total", "Statements whose plan was found.", plans.hits);
    ov_prom_counter(b, "ovate_quick_queries_total", "Queries answered by the loop thread itself.",
                    atomic_load(&app->metrics.quick));
    ov_prom_gauge(b, "ovate_answers_kept", "Whole answers kept until the data changes.", (double)answers.entries);
    ov_prom_gauge(b, "ovate_answers_kept_bytes", "Their bytes.", (double)answers.bytes);
    ov_prom_counter(b, "ovate_answer_hits_total", "Queries answered from there.", answers.hits);
    ov_prom_gauge(b, "ovate_states_kept", "Partial results kept by segment.", (double)states.entries);
    ov_prom_gauge(b, "ovate_states_kept_bytes", "Their bytes.", (double)states.bytes);
    ov_prom_counter(b, "ovate_state_hits_total", "Segments whose part was found there.", states.hits);
    ov_prom_counter(b, "ovate_state_misses_total", "Segments that were looked for there in vain.", states.misses);
    ov_prom_gauge(b, "ovate_spill_bytes", "Bytes of running queries on disk now.", (double)atomic_load(&app->spill.used));
}

static void add_http(ov_app *app, ov_buf *b)
{
    ov_http_counters http;
    ov_http_counters_get(app->http, &http);
    ov_prom_gauge(b, "ovate_http_connections", "Open connections.", (double)http.open_connections);
    ov_prom_counter(b, "ovate_http_requests_total", "Requests with a complete head and body.", http.requests);
    ov_prom_counter(b, "ovate_http_refused_total", "Requests refused by the HTTP layer.", http.refused);
    ov_prom_counter(b, "ovate_http_sent_bytes_total", "Bytes of responses handed to the kernel.", http.bytes_out);
}

static void add_segments(ov_app *app, ov_buf *b)
{
    double segments = 0, rows = 0, bytes = 0;
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    uint32_t datasources = ov_snapshot_datasources(snap);
    for (uint32_t i = 0; i < datasources; i++) {
        const ov_datasource *ds = ov_snapshot_datasource(snap, i);
        segments += ds->segment_count;
        rows += (double)ds->rows;
        bytes += (double)ds->bytes;
    }
    ov_snapshot_release(snap);
    ov_prom_gauge(b, "ovate_datasources", "Datasources that can be queried.", datasources);
    ov_prom_gauge(b, "ovate_segments", "Visible segments.", segments);
    ov_prom_gauge(b, "ovate_segment_rows", "Rows in visible segments.", rows);
    ov_prom_gauge(b, "ovate_segment_bytes", "Bytes of visible segments.", bytes);
}

static void add_disk(ov_app *app, ov_buf *b)
{
    struct statvfs fs;
    if (ov_os_now->statvfs(ov_catalog_dir(app->catalog), &fs) == 0)
        ov_prom_gauge(b, "ovate_disk_free_bytes", "Free bytes where the data folder lies.",
                      (double)fs.f_bavail * (double)fs.f_frsize);
    ov_prom_gauge(b, "ovate_disk_used_percent", "How full that disk is.", ov_disk_guard_percent(&app->disk));
    ov_prom_gauge(b, "ovate_ingestion_paused", "1 while the disk guard lets no rows in.", ov_disk_paused(&app->disk));
    ov_prom_gauge(b, "ovate_keys_bytes", "Memory of the tables of keys.", (double)ov_catalog_keys_used(app->catalog));
}

static void add_tasks(ov_app *app, ov_buf *b)
{
    ov_task_counts tasks;
    ov_upkeep_counts done;
    ov_tasks_counts(app->tasks, &tasks);
    ov_upkeep_count(app->upkeep, &done);
    ov_prom_gauge(b, "ovate_tasks_running", "Tasks under way.", tasks.running);
    ov_prom_gauge(b, "ovate_tasks_waiting", "Tasks that wait for their turn.", tasks.pending);
    ov_prom_gauge(b, "ovate_scheduler_last_tick_timestamp_seconds", "When schedules were looked at last.",
                  (double)ov_schedules_last_tick(app->schedules) / 1000);
    ov_prom_counter(b, "ovate_segments_dropped_total", "Segments that rules made unused.", done.dropped);
    ov_prom_counter(b, "ovate_compaction_tasks_total", "Tasks that automatic compaction submitted.", done.compact_tasks);
}

void ov_h_metrics(ov_app *app, ov_request *rq, const ov_captures *at)
{
    (void)at;
    ov_buf b;
    ov_buf_init(&b);
    ov_metrics_print(&app->metrics, &b);
    add_queries(app, &b);
    ov_streams_metrics(app->streams, &b);
    ov_kafka_metrics(app->kafka, &b);
    add_http(app, &b);
    add_segments(app, &b);
    add_disk(app, &b);
    add_tasks(app, &b);
    ov_prom_gauge(&b, "ovate_uptime_seconds", "Since the server started.", (double)(ov_now_ms() - app->started_ms) / 1000);
    ov_prom_head(&b, "ovate_build_info", "gauge", "Constant 1 with the version.");
    ov_buf_addf(&b, "ovate_build_info{version=\"%s\"} 1\n", OV_VERSION);
    ov_respond(rq, 200, "text/plain; version=0.0.4", ov_buf_slice(&b));
    ov_buf_fini(&b);
}
