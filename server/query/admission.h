/*
 * Who may run now: a bounded number of large queries at once, a bounded number of them waiting, the rest refused.
 *
 * Small queries, which read few rows, do not ask: they are through before a large one would notice, so dashboards
 * stay quick while reports run. Those that wait go by priority (the context's `priority`, larger first), then in the
 * order they came. Waiting ends with a place, with the query's time limit, or when the client leaves.
 *
 * Threads: any; enter blocks.
 */
#pragma once

#include <stdatomic.h>
#include "base/status.h"

typedef struct ov_admission ov_admission;

/* Queries that read at most so many rows are small. */
enum { OV_ADMISSION_SMALL_ROWS = 1 << 20 };

/* running: large queries at once; waiting: how many more may wait. */
OV_CHECKED ov_status ov_admission_create(uint32_t running, uint32_t waiting, ov_admission **out, ov_error *err);
void ov_admission_destroy(ov_admission *a); /* nobody may be inside; NULL is fine */

typedef struct ov_admission_request {
    int64_t priority;
    int64_t deadline_ms;           /* monotonic clock; 0 = none */
    const _Atomic bool *cancelled; /* may be NULL */
    bool accepted;                 /* waits however many do: it cannot be refused any more */
} ov_admission_request;

/* OV_BUSY at once when too many wait; OV_TIMEOUT and OV_CANCELLED while it waits. On OV_OK leave must follow. */
OV_CHECKED ov_status ov_admission_enter(ov_admission *a, const ov_admission_request *rq, ov_error *err);
void ov_admission_leave(ov_admission *a);

typedef struct ov_admission_counts {
    uint32_t running, waiting;
    uint64_t refused;
} ov_admission_counts;
/* How many run and wait at this moment, and how many were refused since the start. Threads: any. */
void ov_admission_count(ov_admission *a, ov_admission_counts *out);
