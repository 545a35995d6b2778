/*
 * The place where SQL statements plug into the task runner, as tasks of Druid's type `query_controller`. The engine lives in
 * query/, which ingestion does not know; the server hands this table to ov_tasks_create. Without it such tasks are refused.
 *
 * A statement either writes (INSERT, REPLACE: `publish` is set when run returns, and is committed together with the task's
 * end) or selects (what it found is kept by the server; the report may carry the first rows).
 */
#pragma once

#include "base/json.h"
#include "ingest/load/publish.h"

/* What one run gets, and what it leaves behind. */
typedef struct ov_sql_work {
    ov_slice task_id;
    ov_catalog *catalog;
    ov_arena *arena;            /* the task's: lives as long as it */
    const _Atomic bool *cancel; /* asked to stop */
    ov_load_env env;            /* for ov_loader_create */
    /* left behind: */
    ov_load_result loaded;
    ov_publish *publish; /* NULL: nothing to commit */
    ov_slice report;     /* members of the report's payload behind `status`, as JSON text: "stages":[...],... */
} ov_sql_work;

typedef struct ov_sql_task_ops {
    void *ctx;
    /* Is the document a statement that could run? *plan lives in `out`; *datasource is what it writes to; *alone: no other
     * task may write to it meanwhile. */
    ov_status (*check)(void *ctx, const ov_json *doc, ov_arena *out, ov_slice *datasource, bool *alone, void **plan,
                       ov_error *err);
    /* Any of the runner's threads. */
    ov_status (*run)(void *ctx, void *plan, ov_sql_work *work, ov_error *err);
} ov_sql_task_ops;
