/*
 * Publishing: everything a task has made goes into the catalog in one commit, or nothing does.
 *
 *   init -> add(result)* -> drop(...)? -> cursor(...)* -> record(...)* -> run
 *
 * Threads: one at a time. Everything is borrowed until run; memory comes from the arena given.
 */
#pragma once

#include "ingest/load/load.h"
#include "storage/catalog/catalog.h"

typedef struct ov_publish {
    ov_catalog *catalog;
    ov_arena *arena;
    ov_slice task_id;
    ov_publish_mode mode;
    ov_new_segment *segments;
    uint32_t segment_count, segment_cap;
    ov_slice *keys, *before, *values;
    uint32_t cursor_count, cursor_cap;
    ov_record *records;
    uint32_t record_count, record_cap;
    const ov_segment_entry *const *inputs; /* as in ov_commit */
    uint32_t input_count;
    const struct ov_moved *moved; /* as in ov_commit */
    const struct ov_live_change *live; /* rows in memory that go with the commit; see storage/catalog/live.h */
    uint32_t live_count;
} ov_publish;

void ov_publish_init(ov_publish *p, ov_catalog *catalog, ov_slice task_id, ov_publish_mode mode,
                     ov_arena *arena);
/* The sealed segments of a load; from here on the files are removed when publishing fails. */
OV_CHECKED ov_status ov_publish_add(ov_publish *p, const ov_load_result *result, ov_error *err);
/* dropExisting: time chunks of the intervals that hold data now and got no segment are emptied by tombstones. Call after
 * the last add. */
OV_CHECKED ov_status ov_publish_drop(ov_publish *p, ov_slice datasource, const ov_interval *intervals,
                                     uint32_t count, const ov_gran *gran, ov_error *err);
/* REPLACE ... OVERWRITE: whatever answers inside the intervals now and got no segment is emptied by tombstones. Segments
 * outside of them are OV_INVALID. Call after the last add. */
OV_CHECKED ov_status ov_publish_overwrite(ov_publish *p, ov_slice datasource, const ov_interval *intervals,
                                          uint32_t count, ov_error *err);
/* The same for what answers there now, whatever new segments lie outside. */
OV_CHECKED ov_status ov_publish_empty(ov_publish *p, ov_slice datasource, const ov_interval *intervals, uint32_t count,
                                      ov_error *err);
/* The cursor moves from `before` (as read when the task started, empty for none) to `after`. */
OV_CHECKED ov_status ov_publish_cursor(ov_publish *p, ov_slice key, ov_slice before, ov_slice after,
                                       ov_error *err);
/* What the commit tells for good (ov_record). */
OV_CHECKED ov_status ov_publish_record(ov_publish *p, const ov_record *record, ov_error *err);
/* The one commit. `task` becomes the task's row in the same transaction; NULL: the task goes on. */
OV_CHECKED ov_status ov_publish_run(ov_publish *p, const ov_task_row *task, ov_error *err);
/* Remove the files instead. */
void ov_publish_abandon(ov_publish *p);
