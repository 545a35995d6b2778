/*
 * INSERT INTO EXTERN(local(exportPath => '...')) AS CSV: rows of the engine to files that others read.
 *
 * The files appear in the folder all at once, with a manifest of them as Druid writes it:
 *
 *   exportPath/query-<id>-worker0-partition0.csv, 1, 2 ...      rowsPerPage rows each, with a header
 *   exportPath/_symlink_format_manifest/manifest                their addresses, one a line
 *   exportPath/_symlink_format_manifest/druid_export_meta
 *
 * Until then they lie in ROOT/.unfinished/<task id>, so a statement that fails or is cancelled leaves nothing. ROOT is
 * what the operator named (--export-dir) and belongs to one server.
 *
 * Threads: one statement, one thread.
 */
#pragma once

#include "base/json.h"
#include "ingest/task/task_sql.h"
#include "query/query.h"

/*
 * The folder that exportPath names, without "." and doubled slashes.
 *
 * root     absolute; NULL when nobody may export
 * Errors   OV_INVALID: no root, a path that does not lead below it, or a folder that is not empty.
 */
OV_CHECKED ov_status ov_sql_export_folder(const char *root, ov_slice path, ov_arena *a, ov_slice *folder, ov_error *err);

/* Run the opened statement to its files; context: rowsPerPage; NULL for none. */
OV_CHECKED ov_status ov_sql_export_run(ov_query *q, const ov_json *context, const char *root, ov_sql_work *work,
                                       ov_error *err);

/* Makes the root, and removes what a crash left unfinished there. */
OV_CHECKED ov_status ov_sql_export_start(const char *root, ov_error *err);
