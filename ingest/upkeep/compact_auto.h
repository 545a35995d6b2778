/*
 * Automatic compaction: which time chunks are not as their datasource's configuration wants them, and the tasks that mend it.
 *
 * Settings, subject "compaction" of settings.h: {"cluster": {...}, "datasources": {name: configuration, ...}}. A configuration is
 * Druid's (dataSource, skipOffsetFromLatest, taskPriority, inputSegmentSizeBytes, granularitySpec, dimensionsSpec, metricsSpec,
 * transformSpec, tuningConfig, taskContext). A chunk is as wanted when every segment of it was written by a task with the same
 * state (ovi_compact_state), which the task's commit keeps; so whatever comes later is found by looking.
 *
 * Threads: any.
 */
#pragma once

#include "base/json.h"
#include "ingest/task/task.h"

#define OV_COMPACTION_SUBJECT "compaction"

/* Errors: OV_INVALID, OV_UNSUPPORTED with the place. */
OV_CHECKED ov_status ov_compaction_check(const ov_json *config, const struct ov_transform_ops *transforms, ov_error *err);
/* With every member Druid prints. */
OV_CHECKED ov_status ov_compaction_print(const ov_json *config, ov_buf *out, ov_error *err);

typedef struct ov_compaction_sum {
    uint64_t bytes;
    uint32_t segments, intervals;
} ov_compaction_sum;

typedef struct ov_compaction_status {
    ov_slice datasource;
    ov_compaction_sum awaiting, compacted, skipped;
} ov_compaction_status;

/* Of every configured datasource, or of the one named; lives in `out`. */
OV_CHECKED ov_status ov_compaction_look(ov_catalog *catalog, ov_slice datasource, ov_arena *out, ov_compaction_status **list,
                                        uint32_t *count, ov_error *err);

/* What one run has submitted already: a chunk that fails is tried again in the next run. */
typedef struct ov_compaction_run {
    ov_arena arena;
    ov_slice *tried;
    uint32_t count, cap;
} ov_compaction_run;
void ov_compaction_run_init(ov_compaction_run *run);
void ov_compaction_run_fini(ov_compaction_run *run);
/* Submit tasks while there are slots, newest chunks first; *more: some chunk waits that was not tried in this run. */
OV_CHECKED ov_status ov_compaction_submit(ov_compaction_run *run, ov_catalog *catalog, ov_tasks *tasks, uint32_t *submitted,
                                          bool *more, ov_error *err);
