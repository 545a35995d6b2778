/*
 * Upkeep: what a server does on its own to data that are there, as Druid's coordinator does on its period.
 *
 *   retention    segments that a drop rule meets become unused (rules.h)
 *   hidden ones  segments that newer versions hide wholly become unused, `millisToWaitBeforeDeleting` after the start
 *   kill         unused segments that are old enough get a kill task; off by default
 *   compaction   time chunks that are not as their configuration wants them get a compact task (compact_auto.h)
 *   disk         how full it is (disk_guard.h)
 *
 * Settings, subject "upkeep" of settings.h (docs/upkeep.md lists them with their defaults), and Druid's dynamic configuration,
 * subject "coordinator.config": pauseCoordination, killDataSourceWhitelist, millisToWaitBeforeDeleting.
 *
 * Threads: all calls from any thread, but destroy.
 */
#pragma once

#include "base/json.h"
#include "base/period.h"
#include "ingest/task/task.h"
#include "ingest/upkeep/disk_guard.h"

typedef struct ov_upkeep ov_upkeep;

#define OV_UPKEEP_SUBJECT "upkeep"

typedef struct ov_upkeep_settings {
    int64_t period_ms; /* between two looks at rules and hidden segments */
    bool kill_on, kill_ignore_retain;
    int64_t kill_period_ms;
    ov_period kill_retain; /* segments that end later are spared */
    ov_period kill_buffer; /* and those that became unused later */
    uint32_t kill_most;    /* segments of one task */
    int64_t compact_period_ms;
    ov_disk_limits disk;
    ov_slice notify; /* where alerts about the disk go: "env:NAME" or "file:/PATH"; empty: nowhere */
} ov_upkeep_settings;

/* What the document says, and defaults. Errors: OV_INVALID with the place, also for what is not known. */
OV_CHECKED ov_status ov_upkeep_settings_read(const ov_json *object, ov_upkeep_settings *out, ov_error *err);
/* The document with every member. */
OV_CHECKED ov_status ov_upkeep_settings_print(const ov_json *object, ov_buf *out, ov_error *err);

typedef struct ov_upkeep_config {
    ov_catalog *catalog; /* a writer */
    ov_tasks *tasks;
    ov_disk_guard *disk; /* looked at every tick; NULL: nobody wants to know */
    int64_t tick_ms;     /* 0: 1000 */
} ov_upkeep_config;

OV_CHECKED ov_status ov_upkeep_create(const ov_upkeep_config *config, ov_upkeep **out, ov_error *err);
void ov_upkeep_destroy(ov_upkeep *u); /* NULL is fine */
/* Settings or rules changed: look at everything soon. NULL is fine. */
void ov_upkeep_wake(ov_upkeep *u);
/* When the thread last looked, ms of the wall clock. */
int64_t ov_upkeep_last_tick(const ov_upkeep *u);

typedef struct ov_upkeep_counts {
    uint64_t dropped;    /* segments, by rules */
    uint64_t hidden;     /* segments that became unused because newer ones hide them */
    uint64_t kill_tasks, compact_tasks;
} ov_upkeep_counts;
void ov_upkeep_count(const ov_upkeep *u, ov_upkeep_counts *out);

/* One look each, for the thread and for tests. */
OV_CHECKED ov_status ov_upkeep_apply_rules(ov_catalog *catalog, int64_t now_ms, uint32_t *dropped, ov_error *err);
OV_CHECKED ov_status ov_upkeep_mark_hidden(ov_catalog *catalog, uint32_t *marked, ov_error *err);
OV_CHECKED ov_status ov_upkeep_kill(ov_catalog *catalog, ov_tasks *tasks, const ov_upkeep_settings *s, int64_t now_ms,
                                    uint32_t *tasks_made, ov_error *err);
