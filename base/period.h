/*
 * ISO-8601 periods (P1Y2M3W4DT5H6M7.089S), shifting by them, and granularities: buckets of time
 * that start at an origin and are one period long.
 *
 * The meaning is that of Druid's PeriodGranularity: years to days are calendar steps on the zone's
 * clock, hours and smaller are stretches of real time aligned to the origin; a single week starts
 * on Monday; the default origin is 1970-01-01T00:00 on the zone's clock.
 *
 * Threads: all functions are pure; an ov_gran may be shared once initialised.
 */
#pragma once

#include "base/datetime.h"

typedef struct ov_period {
    int32_t years, months, weeks, days;
    int32_t hours, minutes, seconds, millis;
} ov_period;

/* Errors say what is wrong: "PT1D is not a period: days come before the T". No negative or zero
 * check here. */
OV_CHECKED ov_status ov_period_parse(ov_slice text, ov_period *out, ov_error *err);
void ov_period_add(ov_buf *out, const ov_period *p); /* canonical: P1DT2H, PT0S */
bool ov_period_is_zero(const ov_period *p);
/* Length in ms when that needs no calendar (no years, no months; a day is 24 h, a week 7 days). */
bool ov_period_fixed_ms(const ov_period *p, int64_t *out);

/* ms moved by count x p, field by field from years down to ms, as Joda adds a period. `count` may
 * be negative. Errors: OV_INVALID when the result leaves OV_TIME_MIN..OV_TIME_MAX. */
OV_CHECKED ov_status ov_period_shift(int64_t ms, const ov_period *p, int64_t count,
                                     const ov_tz *zone, int64_t *out, ov_error *err);

typedef enum ov_gran_kind {
    OV_GRAN_ALL,      /* one bucket for everything; starts at OV_TIME_MIN */
    OV_GRAN_NONE,     /* every millisecond its own */
    OV_GRAN_FIXED,    /* step ms from origin, no zone involved */
    OV_GRAN_CLOCK,    /* step ms (an hour, a minute) on the clock of a zone whose offset changes */
    OV_GRAN_DAYS,     /* step days on the zone's clock */
    OV_GRAN_MONTHS,   /* step months on the zone's clock */
    OV_GRAN_COMPOUND, /* several fields of different nature: counted out from the origin */
} ov_gran_kind;

typedef struct ov_gran {
    ov_gran_kind kind;
    int64_t step;     /* ms, days or months, by kind */
    int64_t origin;   /* UTC ms for FIXED and COMPOUND, ms on the local clock for DAYS and MONTHS */
    ov_period period; /* as given; zero for ALL, NONE and a plain duration */
    const ov_tz *zone;
    bool has_origin; /* given by the user */
} ov_gran;

/* origin NULL: the default one. Errors: OV_INVALID for a zero or negative period. */
OV_CHECKED ov_status ov_gran_init(ov_gran *g, const ov_period *p, const ov_tz *zone,
                                  const int64_t *origin, ov_error *err);
/* {"type":"duration"}: step_ms >= 1. */
OV_CHECKED ov_status ov_gran_init_duration(ov_gran *g, int64_t step_ms, int64_t origin,
                                           ov_error *err);
/* `all none second minute five_minute ten_minute fifteen_minute thirty_minute hour six_hour
 * eight_hour day week month quarter year`, any case, UTC; an ISO period is taken too. */
OV_CHECKED ov_status ov_gran_init_name(ov_gran *g, ov_slice name, ov_error *err);
/* The same name back in upper case ("FIVE_MINUTE") when it has one, else NULL. */
const char *ov_gran_name(const ov_gran *g);

/* Start of the bucket that holds ms; for ALL OV_TIME_MIN. */
int64_t ov_gran_floor(const ov_gran *g, int64_t ms);
/* The same, and a stretch of instants that have this floor; it holds ms unless that is past OV_TIME_MIN or OV_TIME_MAX. */
int64_t ov_gran_floor_in(const ov_gran *g, int64_t ms, ov_interval *stretch);
/* Start of the bucket after the one that holds ms; for ALL OV_TIME_MAX. Always > ms. */
int64_t ov_gran_next(const ov_gran *g, int64_t ms);
/* ms when it is a start, else ov_gran_next. */
int64_t ov_gran_ceil(const ov_gran *g, int64_t ms);
ov_interval ov_gran_bucket(const ov_gran *g, int64_t ms);

/*
 * Batches: out[i] = ov_gran_floor(g, in[i]); in == out is allowed. Rows in the bucket of the row
 * before them cost a comparison, so times in order are cheap under any granularity; FIXED is
 * branch-free arithmetic.
 */
void ov_gran_floor_n(const ov_gran *g, const int64_t *in, int64_t *out, size_t n);
void ov_gran_ceil_n(const ov_gran *g, const int64_t *in, int64_t *out, size_t n);
