/*
 * Cron expressions: when the next run is.
 *
 *   minute hour day-of-month month day-of-week      each a star, a number, a name (JAN, MON), a-b, a-b/n, or a list of these
 *   @hourly @daily @midnight @weekly @monthly @yearly @annually
 *
 * When both days are restricted a date fits when either does, else when both do; as in cron(8) a field that begins with a star (*, or a
 * star with /2) is none that restricts. Times are those of a zone's clock: one that the clock leaves out runs once, when the clock goes on;
 * one that comes twice runs once, the first time.
 *
 * Threads: pure.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"
#include "base/tz.h"

typedef struct ov_cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* bit per value; weekdays from Sunday */
    bool any_day, any_weekday;
} ov_cron;

/* Errors: OV_INVALID naming the field, what stands there and what may. */
OV_CHECKED ov_status ov_cron_parse(ov_slice text, ov_cron *out, ov_error *err);
/* The first run after `after_ms`; OV_NOT_FOUND when there is none in the next years (30 February). */
OV_CHECKED ov_status ov_cron_next(const ov_cron *c, int64_t after_ms, const ov_tz *zone, int64_t *out, ov_error *err);
