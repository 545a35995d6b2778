/* Private to ingest/schedule/schedule*.c: a schedule as read, its runs, and the thread that looks after them. */
#pragma once

#include "base/json.h"
#include "base/period.h"
#include "base/ticker.h"
#include "base/tz.h"
#include "ingest/schedule/alert.h"
#include "ingest/schedule/cron.h"
#include "ingest/schedule/schedule.h"

typedef enum ovi_overlap {
    OVI_OVERLAP_SKIP,
    OVI_OVERLAP_QUEUE,
    OVI_OVERLAP_CANCEL,
} ovi_overlap;

typedef struct ovi_wait {
    ov_slice schedule; /* its run that ends where this one does must have succeeded */
    ov_slice file;     /* a path or glob with {interval...} in it that must match */
} ovi_wait;

typedef struct ovi_schedule {
    ov_slice name;
    const ov_json *task;
    ov_slice task_type;
    bool has_cron;
    ov_cron cron;
    ov_gran every;
    const ov_tz *zone;
    bool has_start, has_end;
    int64_t start_ms, end_ms;
    int64_t lag_ms;
    bool catchup, paused;
    ovi_overlap overlap;
    uint32_t max_active, retries, max_catchup;
    int64_t retry_ms, max_retry_ms, wait_timeout_ms;
    ovi_wait *waits;
    uint32_t wait_count;
    ov_slice notify_url; /* where it is: env:, file: */
    bool on_failure, on_success;
    int64_t notify_lag_ms; /* no success for so long: tell; 0: never */
} ovi_schedule;

OV_CHECKED ov_status ovi_schedule_read(const ov_json *doc, ov_arena *out, ovi_schedule *s, ov_error *err);
/* The first time of its clock after `after`; OV_NOT_FOUND when there is none. */
OV_CHECKED ov_status ovi_schedule_fire(const ovi_schedule *s, int64_t after, int64_t *at, ov_error *err);
/* The time of its clock before `at`, which is one: the start of the stretch that ends there. */
OV_CHECKED ov_status ovi_schedule_before(const ovi_schedule *s, int64_t at, int64_t *before, ov_error *err);
/* The newest time of its clock up to `limit` that lies in the schedule's own time; OV_NOT_FOUND when there is none. */
OV_CHECKED ov_status ovi_schedule_newest(const ovi_schedule *s, int64_t limit, int64_t *at, ov_error *err);
/* How many times of its clock lie in (after, limit]; counting ends at `most`. */
uint32_t ovi_schedule_count(const ovi_schedule *s, int64_t after, int64_t limit, uint32_t most);
/* The task of one run, as JSON with its id. */
OV_CHECKED ov_status ovi_schedule_task(const ovi_schedule *s, ov_interval stretch, ov_slice id, ov_arena *out, ov_slice *json,
                                       ov_error *err);
/* {interval}, {interval.start}, {interval.end} (with |pattern) in a text. */
OV_CHECKED ov_status ovi_schedule_fill(ov_slice text, ov_interval stretch, ov_buf *out, ov_error *err);

/* ---- runs ---- */

typedef enum ovi_run_state {
    OVI_RUN_WAITING, /* for its turn, what it needs, or its next attempt */
    OVI_RUN_RUNNING,
    OVI_RUN_SUCCESS,
    OVI_RUN_FAILED,
    OVI_RUN_SKIPPED,
} ovi_run_state;

typedef struct ovi_sched_run {
    ov_interval stretch;
    ovi_run_state state;
    uint32_t attempt;
    int64_t due_ms;   /* not before */
    int64_t since_ms; /* it exists */
    ov_slice task;    /* id of the last attempt */
    ov_slice why;     /* of a failure, a wait or a skip */
} ovi_sched_run;

enum { OVI_RUNS_KEPT = 100 };

typedef struct ovi_sched_state {
    int64_t last_fire; /* times up to here have their run; INT64_MIN: none yet */
    int64_t bound_checked; /* up to when maxCatchup was looked after */
    int64_t last_success_ms;
    bool lag_told;
    ovi_sched_run runs[OVI_RUNS_KEPT]; /* oldest first */
    uint32_t run_count;
} ovi_sched_state;

const char *ovi_run_state_name(ovi_run_state state);
OV_CHECKED ov_status ovi_sched_state_read(ov_slice text, ov_arena *out, ovi_sched_state *state, ov_error *err);
OV_CHECKED ov_status ovi_sched_state_print(const ovi_sched_state *state, ov_arena *out, ov_slice *text, ov_error *err);
/* A new run at the end; the oldest that is at an end makes room. false: all are under way. */
bool ovi_sched_state_add(ovi_sched_state *state, const ovi_sched_run *run);
/* The number of the next attempt at the stretch that ends there: one that ran before is not taken for it. */
uint32_t ovi_sched_state_attempt(const ovi_sched_state *state, int64_t end);

struct ov_schedules {
    ov_schedules_config config;
    ov_mutex lock; /* one change at a time */
    ov_alerts *alerts;
    int64_t last_heartbeat;
    ov_ticker ticker;
};

/* One look at all schedules. */
OV_CHECKED ov_status ovi_schedules_tick(ov_schedules *s, int64_t now_ms, ov_error *err);
/* State and maybe document of one schedule in one commit. */
OV_CHECKED ov_status ovi_schedule_save(ov_catalog *catalog, ov_slice name, const ov_slice *doc, const ov_slice *state, ov_arena *a,
                                       ov_error *err);
