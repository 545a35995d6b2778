/*
 * INSERT and REPLACE: rows of the engine to the segment builders of ingestion.
 *
 * Threads: one statement, one thread; sealing of segments runs beside it.
 */
#pragma once

#include "base/json.h"
#include "ingest/task/task_sql.h"
#include "query/query.h"

/*
 * Run the opened INSERT or REPLACE to sealed segments; work->publish is what remains to be committed.
 *
 * context  see sql_settings.h; NULL for none
 * Errors   also OV_INVALID for columns that cannot be stored, rows without a time or outside of OVERWRITE WHERE.
 */
OV_CHECKED ov_status ov_sql_write_run(ov_query *q, const ov_json *context, ov_sql_work *work, ov_error *err);
