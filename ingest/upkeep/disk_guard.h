/*
 * The disk guard: how full the file system of the data folder is, and whether rows may still come in.
 *
 *   OK --warn--> WARN --pause--> PAUSED --below resume--> WARN or OK
 *
 * Paused, tasks that write wait in the queue, loads under way stand still, pushes are refused; queries, kill tasks and deletions
 * go on. Between pause and resume the state stays what it was, so that a disk on the edge does not flicker.
 *
 * Threads: look from one thread; the rest from any. A NULL guard is never paused.
 */
#pragma once

#include <stdatomic.h>
#include "base/status.h"

typedef enum ov_disk_state {
    OV_DISK_OK,
    OV_DISK_WARN,
    OV_DISK_PAUSED,
} ov_disk_state;

/* Percent of the file system. */
typedef struct ov_disk_limits {
    double warn, pause, resume;
} ov_disk_limits;

#define OV_DISK_LIMITS ((ov_disk_limits){85, 92, 90})

typedef struct ov_disk_guard { /* zeros: nobody has looked yet, all may come in */
    _Atomic int state;                 /* ov_disk_state */
    _Atomic uint64_t used, free_bytes; /* free: what we may use */
    _Atomic uint64_t resume_milli;     /* for sentences: percent * 1000 */
    /* of who looks */
    int64_t since_ms;
    uint64_t since_used; /* a while ago, for the time that is left */
} ov_disk_guard;

/* *changed: the state is another than before. Errors: OV_IO when the system does not tell; the state stays. */
OV_CHECKED ov_status ov_disk_guard_look(ov_disk_guard *g, const char *dir, const ov_disk_limits *limits, int64_t now_ms,
                                        bool *changed, ov_error *err);
static inline ov_disk_state ov_disk_guard_state(const ov_disk_guard *g)
{
    return g ? (ov_disk_state)atomic_load_explicit(&g->state, memory_order_relaxed) : OV_DISK_OK;
}
static inline bool ov_disk_paused(const ov_disk_guard *g)
{
    return ov_disk_guard_state(g) == OV_DISK_PAUSED;
}
double ov_disk_guard_percent(const ov_disk_guard *g);
/* Until it is full, as fast as it has been filling lately; -1: it is not filling. */
int64_t ov_disk_guard_left_ms(const ov_disk_guard *g, int64_t now_ms);
const char *ov_disk_state_name(ov_disk_state state); /* "ok", "warn", "paused" */
/* OV_BUSY with the sentence while paused. */
OV_CHECKED ov_status ov_disk_guard_check(const ov_disk_guard *g, ov_error *err);
