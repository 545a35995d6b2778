/*
 * INSERT and REPLACE: rows of the engine to the segment builders of ingestion.
 *
 * Threads: one statement, one thread; sealing of segments runs beside it.
 */
#pragma once

#include "base/json.h"
#include "ingest/task/task_sql.h"
#include "query/query.h"

/* A context key, as text: SET in front of the statement beats the request's context. False when neither names it. Lives in
 * `a` or as long as the query and the document. */
bool ov_sql_context(const ov_query *q, const ov_json *context, const char *key, ov_arena *a, ov_slice *text);

/*
 * Run the opened INSERT or REPLACE to sealed segments; work->publish is what remains to be committed.
 *
 * context  rowsPerSegment, arrayIngestMode, segmentSortOrder, forceSegmentSortByTime, failOnEmptyInsert; NULL for none
 * Errors   also OV_INVALID for columns that cannot be stored, rows without a time or outside of OVERWRITE WHERE.
 */
OV_CHECKED ov_status ov_sql_write_run(ov_query *q, const ov_json *context, ov_sql_work *work, ov_error *err);
