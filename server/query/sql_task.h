/*
 * SQL statements as tasks: what POST /druid/v2/sql/task and /druid/v2/sql/statements turn a request into, and how the
 * task runner runs it. The document is Druid's query_controller: the statement in `sqlQuery`, its context and parameters,
 * where its rows go in spec.destination, the types of its columns.
 */
#pragma once

#include "ingest/task/task_sql.h"
#include "server/app.h"
#include "server/query/sql_request.h"

/* The table for ov_tasks_create; app must outlive the runner. */
ov_sql_task_ops ov_sql_task_ops_of(ov_app *app);

/* Plan the statement (its errors answer the request) and submit it. *id lives in `a`; an EXPLAIN PLAN FOR is not submitted
 * and leaves it empty: the caller answers it at once. After a failure *id is what it would have been. check: what else the
 * statement and its context must fulfil, or NULL. */
typedef ov_status (*ov_sql_task_check)(const ov_query *q, const ov_json *context, ov_arena *a, ov_error *err);
OV_CHECKED ov_status ov_sql_task_submit(ov_app *app, const ov_sql_request *in, ov_sql_task_check check, ov_arena *a, ov_slice *id,
                                        ov_error *err);
