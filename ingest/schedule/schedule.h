/*
 * Schedules: tasks that run on time. A schedule is a document with a task in it and a clock; the scheduler makes a run of each stretch
 * between two times of the clock, waits for what the run needs, submits the task, tries again, tells about the end.
 *
 *   {"name", "task": {...}, "cron": "5 * * * *" | "every": "PT1H", "timeZone", "start", "end", "lag", "catchup", "maxCatchup",
 *    "onOverlap": "skip" | "queue" | "cancel", "maxActiveRuns", "retries", "retryDelay", "maxRetryDelay",
 *    "waitFor": [{"schedule": name} | {"file": glob}], "waitTimeout", "notify": {...}, "paused"}
 *
 * In the task's strings {interval}, {interval.start} and {interval.end} stand for the run's stretch; a pull without an interval gets
 * it as its own. Everything is kept in the catalog (cursors "schedule:<name>", "schedule-state:<name>"), so runs survive the
 * process: a task that a stop ended starts again (its context says "restart"); its id is made of schedule, stretch and attempt,
 * so none is submitted twice.
 *
 * Threads: all calls from any thread, but destroy.
 */
#pragma once

#include "base/buf.h"
#include "ingest/task/task.h"

typedef struct ov_schedules ov_schedules;

typedef struct ov_schedules_config {
    ov_catalog *catalog; /* a writer */
    ov_tasks *tasks;
    int64_t tick_ms;       /* 0: 500 */
    const char *heartbeat; /* asked every minute while all is well: an address, or where a secret one is; NULL: none */
} ov_schedules_config;

OV_CHECKED ov_status ov_schedules_create(const ov_schedules_config *config, ov_schedules **out, ov_error *err);
/* Runs that are under way stay so in the catalog. NULL is fine. */
void ov_schedules_destroy(ov_schedules *s);

/* Add or replace; *name lives in `out`. The task is checked as a run of the last stretch would submit it. Errors: OV_INVALID with the
   place in the document. */
OV_CHECKED ov_status ov_schedules_put(ov_schedules *s, ov_slice json, ov_arena *out, ov_slice *name, ov_error *err);
OV_CHECKED ov_status ov_schedules_remove(ov_schedules *s, ov_slice name, ov_error *err); /* OV_NOT_FOUND */
OV_CHECKED ov_status ov_schedules_pause(ov_schedules *s, ov_slice name, bool paused, ov_error *err);
/* A run of the last whole stretch, now. */
OV_CHECKED ov_status ov_schedules_trigger(ov_schedules *s, ov_slice name, ov_error *err);
/* When the thread last looked, ms of the wall clock. */
int64_t ov_schedules_last_tick(const ov_schedules *s);

/* For anyone with the catalog. [{"name", "paused", "next": [...], "runs": [...], "schedule": {...}}]; empty name: all. */
OV_CHECKED ov_status ov_schedules_print(ov_catalog *catalog, ov_slice name, uint32_t next_count, ov_buf *json, ov_error *err);
/* The next runs of a document that nobody has put yet. */
OV_CHECKED ov_status ov_schedule_next(ov_slice json, uint32_t count, ov_buf *out, ov_error *err);
