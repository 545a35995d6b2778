/*
 * ovate server: open the data folder, start tasks and HTTP, run until SIGTERM or SIGINT.
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/log.h"
#include "base/os.h"
#include "base/pool.h"
#include "ingest/kafka/kafka.h"
#include "ingest/schedule/schedule.h"
#include "ingest/stream/stream.h"
#include "ingest/task/task.h"
#include "ingest/upkeep/upkeep.h"
#include "server/cli/cli.h"
#include "server/endpoints/lookups.h"
#include "server/host.h"
#include "server/jdbc/avatica_store.h"
#include "server/pull_query.h"
#include "server/query/sql_export.h"
#include "server/query/sql_select.h"
#include "server/query/sql_task.h"
#include "server/task_transform.h"

typedef struct server_options {
    const char *dir, *host, *names, *log_level, *spill_dir, *export_dir, *heartbeat;
    bool anonymous;
    int64_t port, threads, tasks, connections, queries, waiting, stream_age, compression;
    uint64_t memory, task_memory, query_memory, keys_memory, results, states, spill_limit, max_body, stream_memory;
} server_options;

/* How long running requests may take when the server is told to stop: less than the 10 s after which containers are
 * killed. */
enum { GRACE_MS = 8 * 1000 };

static ov_http *the_http; /* for the signal handler */
static volatile sig_atomic_t signals_seen;

static void on_signal(int sig)
{
    (void)sig;
    if (signals_seen++)
        _exit(OV_EXIT_INTERRUPTED); /* the second one means now */
    ov_http_stop(the_http);
}

static void install_signals(void)
{
    struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0;
}

/* Connections and segments want more files than most systems allow at first; half of what there are may be connections. */
static void raise_file_limit(server_options *o)
{
    enum { ENOUGH = 65536 };
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    rlim_t want = OV_MIN(files.rlim_max, (rlim_t)ENOUGH);
    if (files.rlim_cur < want) {
        struct rlimit more = {want, files.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            files.rlim_cur = want;
    }
    int64_t most = files.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)files.rlim_cur / 2;
    if (o->connections > most) {
        ov_log_warn("fewer connections than asked for", ov_kv_i64("connections", most),
                    ov_kv_i64("open_files_allowed", (int64_t)files.rlim_cur));
        o->connections = OV_MAX(most, 1);
    }
}

static ov_status start_http(ov_app *app, const server_options *o, ov_error *err)
{
    ov_http_options http = {
        .host = o->host,
        .port = (int)o->port,
        /* those that run or wait for a place hold a thread each; the rest is for small ones */
        .workers = (uint32_t)(64 + o->queries + o->waiting),
        .queue = 1024,
        .max_body_bytes = o->max_body,
        .all_bodies_bytes = OV_MAX(2 * o->max_body, app->memory.limit / 4),
        .head_timeout_ms = 30 * 1000,
        .idle_timeout_ms = 75 * 1000,
        .max_connections = (uint32_t)o->connections,
        .handler = ov_app_handle,
        .quick = ov_app_quick,
        .self = app,
        .gzip_level = (int)o->compression,
    };
    app->browsers = (ov_browser_rules){.loopback = is_loopback(o->host), .names = o->names};
    OV_TRY(ov_http_create(&http, &app->http, err));
    app->port = ov_http_port(app->http);
    snprintf(app->host, sizeof app->host, "%s", o->host);
    snprintf(app->address, sizeof app->address, "%s:%d", o->host, app->port);
    return ov_catalog_set_address(app->catalog, app->address, err);
}

static const char *look_at_task(void *self, ov_slice id)
{
    return ov_tasks_runner_status(self, id);
}

static ov_status start_tasks(ov_app *app, const server_options *o, ov_error *err)
{
    static ov_sql_task_ops sql;
    static ov_pull_ops pull;
    sql = ov_sql_task_ops_of(app);
    pull = ov_pull_ops_of(&app->env);
    ov_sql_results_expire(o->dir, ov_now_ms(), true);
    app->export_dir = o->export_dir;
    if (o->export_dir)
        OV_TRY(ov_sql_export_start(o->export_dir, err));
    ov_tasks_config config = {
        .catalog = app->catalog,
        .transforms = &ov_transforms,
        .disk = &app->disk,
        .streams = app->streams,
        .sql = &sql,
        .pull = &pull,
        .threads = (uint32_t)o->tasks,
        .task_memory_bytes = (size_t)o->task_memory,
        .workers = (uint32_t)o->threads,
        .host = app->host,
        .port = app->port,
    };
    OV_TRY(ov_tasks_create(&config, &app->tasks, err));
    app->env.task_self = app->tasks;
    app->env.task = look_at_task;
    return OV_OK;
}

static ov_status start_schedules(ov_app *app, const server_options *o, ov_error *err)
{
    ov_schedules_config config = {.catalog = app->catalog, .tasks = app->tasks, .heartbeat = o->heartbeat};
    return ov_schedules_create(&config, &app->schedules, err);
}

static ov_status start_upkeep(ov_app *app, ov_error *err)
{
    ov_upkeep_config config = {.catalog = app->catalog, .tasks = app->tasks, .disk = &app->disk};
    return ov_upkeep_create(&config, &app->upkeep, err);
}

static ov_status start_streams(ov_app *app, const server_options *o, ov_error *err)
{
    ov_streams_config config = {
        .catalog = app->catalog,
        .transforms = &ov_transforms,
        .disk = &app->disk,
        .memory_bytes = (size_t)o->stream_memory,
        .max_body_bytes = 4 * o->max_body, /* decompressed */
        .age_ms = o->stream_age * 1000,
    };
    return ov_streams_create(&config, &app->streams, err);
}

static ov_status look_at_supervisor(void *self, ov_slice id, ov_arena *out, ov_slice *json, ov_error *err)
{
    ov_app *app = self;
    ov_buf text;
    ov_buf_init(&text);
    ov_status st = ov_kafka_print(app->kafka, id, OV_KAFKA_STATE, &text, NULL, err);
    if (st == OV_OK)
        st = ov_arena_copy(out, ov_buf_slice(&text), json, err);
    ov_buf_fini(&text);
    return st == OV_NOT_FOUND ? OV_OK : st;
}

static ov_status start_kafka(ov_app *app, ov_error *err)
{
    ov_kafka_config config = {.catalog = app->catalog, .streams = app->streams};
    OV_TRY(ov_kafka_create(&config, &app->kafka, err));
    app->env.supervisor_self = app;
    app->env.supervisor = look_at_supervisor;
    return OV_OK;
}

enum { MOST_QUERIES = 1000 };

/* Twice as many as cores: while one waits for a slow client, another can run. */
static int64_t default_queries(void)
{
    return OV_MIN(OV_MAX(4, 2 * (int64_t)ov_cpu_count()), (int64_t)MOST_QUERIES);
}

static ov_status serve(ov_app *app, const server_options *o, ov_error *err)
{
    ov_host_options host = {
        .dir = o->dir,
        .writer = true,
        .memory_bytes = o->memory,
        .query_bytes = o->query_memory,
        .results_bytes = o->results,
        .states_bytes = o->states,
        .keys_bytes = o->keys_memory,
        .spill_dir = o->spill_dir,
        .spill_bytes = o->spill_limit,
        .threads = o->threads,
    };
    OV_TRY(ov_host_open(app, &host, err));
    ov_status st;
    OV_TRY_OUT(st, ov_admission_create((uint32_t)o->queries, (uint32_t)o->waiting, &app->admission, err));
    OV_TRY_OUT(st, ov_av_store_create(&app->avatica, err));
    OV_TRY_OUT(st, ov_lookup_store_open(&app->env, &app->lookups, err));
    OV_TRY_OUT(st, start_streams(app, o, err));
    OV_TRY_OUT(st, start_http(app, o, err));
    OV_TRY_OUT(st, start_tasks(app, o, err));
    OV_TRY_OUT(st, start_schedules(app, o, err));
    OV_TRY_OUT(st, start_kafka(app, err));
    OV_TRY_OUT(st, start_upkeep(app, err));
    the_http = app->http;
    install_signals();
    ov_snapshot *snap = ov_catalog_snapshot(app->catalog);
    ov_log_info("server ready", ov_kv_str("address", app->address), ov_kv_str("data", o->dir),
                ov_kv_i64("datasources", ov_snapshot_datasources(snap)),
                ov_kv_i64("start_ms", ov_now_ms() - app->started_ms));
    ov_snapshot_release(snap);
    st = ov_http_run(app->http, GRACE_MS, err);
    ov_log_info("server stopped");
out:
    ov_upkeep_destroy(app->upkeep);
    ov_schedules_destroy(app->schedules);
    ov_tasks_destroy(app->tasks);
    ov_http_destroy(app->http);
    ov_kafka_destroy(app->kafka);
    ov_streams_destroy(app->streams);
    ov_av_store_destroy(app->avatica);
    ov_lookup_store_close(app->lookups);
    ov_admission_destroy(app->admission);
    ov_host_close(app);
    return st;
}

/* -1, or the exit code of wrong use. */
static int check_options(server_options *o)
{
    ov_log_level level;
    struct in_addr address;
    if (o->port < 0 || o->port > 65535)
        return ov_cli_usage(&ov_cmd_server, "--port takes a number from 0 to 65535");
    if (o->threads < 0 || o->threads > OV_POOL_MOST_WORKERS)
        return ov_cli_usage(&ov_cmd_server, "--threads takes a number from 1 to %d, or 0 for one per core", OV_POOL_MOST_WORKERS);
    if (o->tasks < 1 || o->tasks > OV_TASK_MOST_THREADS || o->connections < 1)
        return ov_cli_usage(&ov_cmd_server, "--tasks takes a number from 1 to %d, --max-connections one from 1 on",
                            OV_TASK_MOST_THREADS);
    o->connections = OV_MIN(o->connections, (int64_t)INT32_MAX);
    if (o->stream_age < 0 || o->stream_age > INT32_MAX)
        return ov_cli_usage(&ov_cmd_server, "--stream-age takes a number of seconds");
    if (o->queries < 1 || o->queries > MOST_QUERIES || o->waiting < 0 || o->waiting > MOST_QUERIES)
        return ov_cli_usage(&ov_cmd_server, "--max-queries takes a number from 1 to %d, --max-waiting one from 0 to %d",
                            MOST_QUERIES, MOST_QUERIES);
    if (o->export_dir && o->export_dir[0] != '/')
        return ov_cli_usage(&ov_cmd_server, "--export-dir takes an absolute path");
    if (o->compression < 0 || o->compression > 9)
        return ov_cli_usage(&ov_cmd_server, "--compression-level takes a number from 0 to 9");
    if (o->log_level && !ov_log_level_find(ov_slice_cstr(o->log_level), &level))
        return ov_cli_usage(&ov_cmd_server, "'%s' is no log level; debug, info, warn, error and off are", o->log_level);
    if (o->log_level)
        ov_log_set_level(level);
    if (strcmp(o->host, "localhost") == 0)
        o->host = "127.0.0.1";
    if (inet_pton(AF_INET, o->host, &address) != 1)
        return ov_cli_usage(&ov_cmd_server, "'%s' is not an IPv4 address to listen on", o->host);
    if (!is_loopback(o->host) && !o->anonymous)
        return ov_cli_usage(&ov_cmd_server,
                            "%s can be reached by others and nobody would be asked who they are; put a proxy with "
                            "authentication before 127.0.0.1, or say --allow-anonymous",
                            o->host);
    return -1;
}

static int run(int argc, char **argv)
{
    server_options o = {.dir = "./ovate-data",
                        .host = "127.0.0.1",
                        .port = 8888,
                        .tasks = 2,
                        .connections = 4096,
                        .queries = default_queries(),
                        .waiting = 64,
                        .results = 64 << 20,
                        .states = 64 << 20,
                        .max_body = 256 << 20,
                        .compression = 1};
    const ov_opt opts[] = {
        {'d', "data", OV_OPT_TEXT, &o.dir, "DIR", "the data folder (./ovate-data)"},
        {'p', "port", OV_OPT_NUMBER, &o.port, "N", "port to listen on (8888; 0 = any free one)"},
        {0, "host", OV_OPT_TEXT, &o.host, "ADDR", "address to listen on (127.0.0.1)"},
        {0, "allow-anonymous", OV_OPT_FLAG, &o.anonymous, NULL,
         "listen beyond this machine although anyone may query"},
        {0, "allow-host", OV_OPT_TEXT, &o.names, "NAME,...",
         "names, besides addresses and localhost, under which browsers may ask"},
        {0, "threads", OV_OPT_NUMBER, &o.threads, "N", "threads of one query (one per core)"},
        {0, "tasks", OV_OPT_NUMBER, &o.tasks, "N", "ingestion tasks at once (2)"},
        {0, "task-memory", OV_OPT_SIZE, &o.task_memory, "SIZE",
         "memory of one ingestion task, which seals segments early to stay within it (256MiB)"},
        {0, "memory", OV_OPT_SIZE, &o.memory, "SIZE",
         "memory of all queries together (half of what there is)"},
        {0, "query-memory", OV_OPT_SIZE, &o.query_memory, "SIZE",
         "memory of one query, which goes to disk past it (half of that)"},
        {0, "result-cache", OV_OPT_SIZE, &o.results, "SIZE",
         "small answers that are kept until the data changes (64MiB; 0: none)"},
        {0, "segment-cache", OV_OPT_SIZE, &o.states, "SIZE",
         "partial results of groupings that are kept by segment (64MiB; 0: none)"},
        {0, "max-queries", OV_OPT_NUMBER, &o.queries, "N",
         "large queries at once (two per core, at least 4)"},
        {0, "max-waiting", OV_OPT_NUMBER, &o.waiting, "N",
         "large queries that may wait for a place; more are refused (64)"},
        {0, "spill-dir", OV_OPT_TEXT, &o.spill_dir, "DIR",
         "where queries go to disk (tmp in the data folder)"},
        {0, "spill-limit", OV_OPT_SIZE, &o.spill_limit, "SIZE",
         "most bytes there (half of what is free at the start)"},
        {0, "export-dir", OV_OPT_TEXT, &o.export_dir, "DIR",
         "below which INSERT INTO EXTERN writes files (none: it is refused)"},
        {0, "keys-memory", OV_OPT_SIZE, &o.keys_memory, "SIZE",
         "tables of keys of datasources that are written to, 15 to 30 bytes a key (a quarter of what there is)"},
        {0, "stream-memory", OV_OPT_SIZE, &o.stream_memory, "SIZE",
         "most pushed rows in memory before they are published (512MiB)"},
        {0, "stream-age", OV_OPT_NUMBER, &o.stream_age, "SECONDS",
         "pushed rows are published after so long at the latest (600)"},
        {0, "max-body", OV_OPT_SIZE, &o.max_body, "SIZE", "largest request body (256MiB)"},
        {0, "compression-level", OV_OPT_NUMBER, &o.compression, "N",
         "of answers to clients that take gzip, 1 to 9 (1; 0: all are plain)"},
        {0, "max-connections", OV_OPT_NUMBER, &o.connections, "N", "connections at once (4096)"},
        {0, "heartbeat", OV_OPT_TEXT, &o.heartbeat, "WHERE",
         "ask the address in env:NAME or file:/PATH every minute while schedules are looked after"},
        {0, "log-level", OV_OPT_TEXT, &o.log_level, "WORD", "debug, info, warn, error, off (info)"},
    };
    int left;
    int done = ov_cli_parse(&ov_cmd_server, opts, OV_COUNT_OF(opts), argc, argv, &left);
    if (done >= 0)
        return done;
    if (left > 0)
        return ov_cli_usage(&ov_cmd_server, "'%s' is not expected here", argv[1]);
    int wrong = check_options(&o);
    if (wrong >= 0)
        return wrong;
    raise_file_limit(&o);
    static ov_app app;
    ov_error err = OV_ERROR_INIT;
    return serve(&app, &o, &err) == OV_OK ? OV_EXIT_OK : ov_cli_fail(&err);
}

const ov_command ov_cmd_server = {
    .name = "server",
    .usage = "[--data DIR] [--port N]",
    .about = "Serve a data folder over Druid's HTTP API",
    .more = "Then:  curl -d 'SELECT COUNT(*) FROM git_commits' http://127.0.0.1:8888/druid/v2/sql",
    .run = run,
};
