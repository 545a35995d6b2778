/*
 * SELECT as a task: its rows go to a file below the data folder, where pages of them can be read until they expire.
 *
 *   DIR/results/<task id>.ovr
 *
 * Results are kept for a day, and while all of them together take less than OV_RESULTS_MOST_BYTES; then the oldest go first.
 *
 * Threads: any.
 */
#pragma once

#include "base/json.h"
#include "ingest/task/task_sql.h"
#include "query/query.h"

#define OV_RESULT_MOST_BYTES ((uint64_t)10 << 30)  /* of one statement */
#define OV_RESULTS_MOST_BYTES ((uint64_t)50 << 30) /* of all of them */
enum { OV_RESULTS_KEPT_MS = 24 * 3600 * 1000 };

/* Runs the opened query; work->report tells pages and the first rows. context: rowsPerPage; NULL for none. */
OV_CHECKED ov_status ov_sql_select_run(ov_query *q, const ov_json *context, ov_sql_work *work, ov_error *err);

/* Where the rows of a statement lie; `dir` is the data folder. */
OV_CHECKED ov_status ov_sql_result_path(const char *dir, ov_slice task_id, ov_arena *a, ov_slice *path, ov_error *err);
/* Remove what has expired; `starting`: nobody writes results yet, so what is half-written was left by a crash and goes
 * too. Failures are logged. */
void ov_sql_results_expire(const char *dir, int64_t now_ms, bool starting);
