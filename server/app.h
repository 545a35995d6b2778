/*
 * The process: everything that handlers share. Created by cmd_server (and partly by the other subcommands).
 *
 * Threads: the fields are set before the first request and constant afterwards; what they point to says for itself
 * from which threads it may be used.
 */
#pragma once

#include "base/spill.h"
#include "ingest/upkeep/disk_guard.h"
#include "query/query.h"
#include "server/http/browser.h"
#include "server/http/http.h"
#include "server/metrics.h"
#include "server/query/admission.h"
#include "server/query/running.h"

typedef struct ov_tasks ov_tasks; /* ingest/task/task.h */
typedef struct ov_streams ov_streams; /* ingest/stream/stream.h */
typedef struct ov_kafka ov_kafka; /* ingest/kafka/kafka.h */
typedef struct ov_upkeep ov_upkeep; /* ingest/upkeep/upkeep.h */
typedef struct ov_schedules ov_schedules; /* ingest/schedule/schedule.h */
typedef struct ov_lookup_store ov_lookup_store; /* server/endpoints/lookups.h */
typedef struct ov_av_store ov_av_store; /* server/jdbc/avatica_store.h */

typedef struct ov_app {
    ov_catalog *catalog;
    ov_pool *pool;
    ov_budget memory; /* of all queries together */
    ov_spill_area spill; /* what goes past a query's memory */
    struct ov_later *later; /* gives both back when that takes its time */
    ov_tasks *tasks;
    ov_schedules *schedules;
    ov_upkeep *upkeep;
    ov_disk_guard disk;
    ov_streams *streams; /* rows that are pushed */
    ov_kafka *kafka; /* supervisors, which push what they read */
    ov_query_env env;
    ov_extern_ops externs;
    const char *export_dir; /* below which statements write files; NULL: nowhere */
    ov_running *running;
    ov_admission *admission; /* of large queries */
    ov_lookup_store *lookups;
    ov_av_store *avatica;    /* JDBC connections */
    struct ov_blob_cache *results; /* whole answers, see result_cache.h */
    ov_metrics metrics;
    ov_http *http;
    ov_browser_rules browsers;
    int64_t started_ms;
    char host[64];
    int port;
    char address[80]; /* "127.0.0.1:8888" */
} ov_app;

/* The handler of server/http: finds the route and calls it. */
void ov_app_handle(void *app, ov_request *rq);
/* And its quick handler: statements whose plan is kept and known to be quick. */
bool ov_app_quick(void *app, ov_request *rq);
