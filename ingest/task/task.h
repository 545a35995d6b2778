/*
 * The task runner: Druid's overlord in one process. A task is a JSON document that is a row of the catalog before
 * anyone hears of it, runs on one of a few threads, and stays as history.
 *
 *   submit -> PENDING -> RUNNING -> SUCCESS | FAILED
 *
 * Types: `index_parallel` and `index` (Druid's batch spec), `git` ({"type":"git","paths":[...]}, see git.h), `pull` (sources that are asked, see pull.h), `compact` (see compact.h), `kill`
 * (unused segments of an interval for good), `query_controller` (a SQL statement, see task_sql.h), `noop`. In statuses `status` is only ever RUNNING, SUCCESS or FAILED,
 * because clients know no other word; PENDING shows in `runnerStatusCode`.
 *
 * A task that ran when the process died is FAILED after the next start and has published nothing, or runs again when
 * its context says {"restart": true}.
 *
 * JSON comes out as Druid prints it (druid-api 4.3), appended to an ov_buf. Unknown ids are OV_NOT_FOUND.
 *
 * Threads: every call from any thread, but destroy.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/datetime.h"
#include "base/json.h"
#include "storage/catalog/catalog.h"

typedef struct ov_tasks ov_tasks;

enum { OV_TASK_MOST_THREADS = 64 };

typedef struct ov_tasks_config {
    ov_catalog *catalog;  /* a writer; outlives the runner */
    uint32_t threads;     /* tasks that run at once, at most OV_TASK_MOST_THREADS; 0: 2 */
    uint32_t workers;     /* threads of one load; 0: one per core */
    ov_budget *budget;    /* parent of every task's; NULL for none */
    size_t task_memory_bytes; /* limit of one task; 0: OV_TASK_MEMORY_BYTES */
    const struct ov_disk_guard *disk; /* see disk_guard.h; NULL: none */
    const char *base_dir; /* relative paths of specs start here; NULL: the working directory */
    const char *host;     /* the `location` of statuses; NULL: "localhost" */
    int port;             /* 0: -1 is printed */
    const struct ov_transform_ops *transforms; /* see load.h */
    const struct ov_pull_ops *pull; /* see pull.h; NULL: specs cannot ask SQL for their parameters */
    struct ov_streams *streams; /* rows in memory are published before a task of their datasource runs, so that it replaces
                                   them too; NULL: there are none */
    const struct ov_sql_task_ops *sql; /* see task_sql.h; NULL: no SQL statements */
} ov_tasks_config;

/* Takes up tasks that asked for another run. */
OV_CHECKED ov_status ov_tasks_create(const ov_tasks_config *config, ov_tasks **out, ov_error *err);
/* Cancels what runs and waits for it: such tasks end FAILED ("the server was stopped"), or stay RUNNING for the
 * next start when they ask for that. NULL is fine. */
void ov_tasks_destroy(ov_tasks *t);

/*
 * Check the document, write the row, queue it. The id goes to `id`: the document's own, or
 * <type>_<datasource>_<8 letters>_<ISO time>.
 *
 * Errors   OV_INVALID, OV_UNSUPPORTED: the document, with its JSON path; OV_EXISTS: the id is taken.
 */
OV_CHECKED ov_status ov_tasks_submit(ov_tasks *t, ov_slice json, ov_arena *out, ov_slice *id,
                                     ov_error *err);

/* The same checks, and nothing else: what a task that is kept for later will be refused for. */
OV_CHECKED ov_status ov_tasks_check(ov_tasks *t, ov_slice json, ov_error *err);
/* Only whether the `type` of a task's document is one there is; OV_INVALID names those. */
OV_CHECKED ov_status ov_task_check_type(const ov_json *doc, ov_error *err);

/* Ask it to stop; it ends FAILED soon. Fine when it has ended already. */
OV_CHECKED ov_status ov_tasks_shutdown(ov_tasks *t, ov_slice id, ov_error *err);
OV_CHECKED ov_status ov_tasks_shutdown_datasource(ov_tasks *t, ov_slice datasource, uint32_t *count,
                                                  ov_error *err);

/* ---- documents ---- */
/* {"task":id,"status":{...}} */
OV_CHECKED ov_status ov_tasks_status(ov_tasks *t, ov_slice id, ov_buf *json, ov_error *err);
/* {"task":id,"payload":{...}}: the document as posted, with its id. */
OV_CHECKED ov_status ov_tasks_payload(ov_tasks *t, ov_slice id, ov_buf *json, ov_error *err);
/* {"ingestionStatsAndErrors":{...}}; live counters while it runs. */
OV_CHECKED ov_status ov_tasks_report(ov_tasks *t, ov_slice id, ov_buf *json, ov_error *err);
/* The log file from byte `offset`; negative: that many bytes before its end. */
OV_CHECKED ov_status ov_tasks_log(ov_tasks *t, ov_slice id, int64_t offset, ov_buf *text, ov_error *err);

typedef struct ov_task_filter {
    ov_slice state;      /* "", "running", "pending", "waiting", "complete" */
    ov_slice datasource; /* "" for any */
    ov_slice type;       /* "" for any */
    uint32_t max;        /* of complete ones; 0: all */
    bool has_created;
    ov_interval created; /* when has_created: only tasks created in it */
} ov_task_filter;
/* [{...}, ...], newest first. OV_INVALID for an unknown state. */
OV_CHECKED ov_status ov_tasks_list(ov_tasks *t, const ov_task_filter *filter, ov_buf *json,
                                   ov_error *err);

/* ---- for the CLI, the console and sys.tasks ---- */
typedef enum ov_task_phase {
    OV_TASK_PENDING,
    OV_TASK_RUNNING,
    OV_TASK_SUCCESS,
    OV_TASK_FAILED,
} ov_task_phase;

typedef struct ov_task_view {
    ov_task_phase phase;
    uint64_t rows, rejected;     /* read so far, and how many of them were rejected */
    uint64_t bytes, total_bytes; /* of the input as stored; total 0 while unknown */
    uint64_t segments;           /* sealed so far */
    int64_t duration_ms;         /* so far, or in all */
    char error[OV_ERROR_TEXT_BYTES]; /* "" unless FAILED */
} ov_task_view;
OV_CHECKED ov_status ov_tasks_view(ov_tasks *t, ov_slice id, ov_task_view *out, ov_error *err);
/* Until it has ended, at most timeout_ms (negative: for ever); *view as of then. */
OV_CHECKED ov_status ov_tasks_wait(ov_tasks *t, ov_slice id, int64_t timeout_ms, ov_task_view *view,
                                   ov_error *err);
/* "PENDING", "RUNNING" or "NONE" (ended): runnerStatusCode. */
const char *ov_tasks_runner_status(ov_tasks *t, ov_slice id);
typedef struct ov_task_counts {
    uint32_t threads, running, pending;
} ov_task_counts;
/* Tasks of a type that wait or run. */
uint32_t ov_tasks_live(ov_tasks *t, ov_slice type);
void ov_tasks_counts(ov_tasks *t, ov_task_counts *out);
