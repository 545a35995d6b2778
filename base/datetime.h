/*
 * Time as everyone here means it: int64 milliseconds since 1970-01-01T00:00:00Z, proleptic
 * Gregorian calendar, no leap seconds. Years far outside 0..9999 are valid; year 0 is 1 BC, written
 * 0000.
 *
 * This header: the calendar, ISO-8601 text, intervals, and the units of SQL (EXTRACT, FLOOR TO).
 * Beside it: base/tz.h (zones), base/period.h (P1D, granularities), base/joda.h (patterns).
 *
 * Threads: all functions are pure.
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

typedef struct ov_tz ov_tz; /* base/tz.h; NULL means UTC wherever a zone is taken */

#define OV_MS_PER_SECOND 1000
#define OV_MS_PER_MINUTE 60000
#define OV_MS_PER_HOUR 3600000
#define OV_MS_PER_DAY INT64_C(86400000)

/* What Druid calls eternity, and the range every parsed instant must lie in. Halves of int64, so
 * that the difference of two instants and an instant plus an offset never overflow. */
#define OV_TIME_MIN (INT64_MIN / 2)
#define OV_TIME_MAX (INT64_MAX / 2)

typedef struct ov_civil {
    int32_t year;
    int32_t month;  /* 1..12 */
    int32_t day;    /* 1..31 */
    int32_t hour;   /* 0..23 */
    int32_t minute; /* 0..59 */
    int32_t second; /* 0..59 */
    int32_t ms;     /* 0..999 */
} ov_civil;

/* Days since 1970-01-01. month 1..12 and day 1..31 must be in range; |year| <= 300,000,000. */
int64_t ov_days_from_civil(int64_t year, int32_t month, int32_t day);
void ov_days_to_civil(int64_t days, int32_t *year, int32_t *month, int32_t *day);
int32_t ov_days_in_month(int64_t year, int32_t month);

/* UTC; for another zone shift by ov_tz_to_local / ov_tz_from_local. Fields must be in range. */
void ov_civil_from_ms(int64_t ms, ov_civil *out);
int64_t ov_civil_to_ms(const ov_civil *c);

/* Floor division and its remainder, for negative times. */
static inline int64_t ov_floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

static inline int64_t ov_floor_mod(int64_t a, int64_t b)
{
    int64_t r = a % b;
    return r < 0 ? r + b : r;
}

/* ---- ISO-8601 text: iso.c ---- */

/*
 * An instant as Joda and Druid accept it: `2015`, `2015-09`, `2015-09-12`, `2015-W37-6`,
 * `2015-255`, then optionally T or one space and `00`, `00:46`, `00:46:58`, a fraction of any
 * length after . or , (digits past the millisecond are cut), then optionally Z or an offset (+07,
 * +0700, +07:00). Years may have a sign and more than four digits. 24:00 is refused, as Joda does.
 * Surrounding blanks are refused.
 *
 * zone     used when the text names none; NULL for UTC. A local time in a DST gap is an error.
 * Errors   OV_INVALID with the text, the place and what was expected.
 */
OV_CHECKED ov_status ov_iso_parse(ov_slice text, const ov_tz *zone, int64_t *out, ov_error *err);
/* The same without a sentence, for rows: false when it is not an instant. */
bool ov_iso_try(ov_slice text, const ov_tz *zone, int64_t *out);

/* Druid's SQL literals: TIMESTAMP 'yyyy-MM-dd HH:mm:ss[.fraction]' and DATE 'yyyy-MM-dd'. One-digit
 * month, day, hour, minute and second are accepted as Calcite does. */
OV_CHECKED ov_status ov_sql_timestamp_parse(ov_slice text, const ov_tz *zone, int64_t *out,
                                            ov_error *err);
OV_CHECKED ov_status ov_sql_date_parse(ov_slice text, const ov_tz *zone, int64_t *out,
                                       ov_error *err);

enum { OV_ISO_BYTES = 40 }; /* room for any formatted instant */

/* `2015-09-12T00:46:58.771Z`, in another zone `2015-09-11T17:46:58.771-07:00`. No NUL; returns the
 * length. */
size_t ov_iso_format(int64_t ms, const ov_tz *zone, char text[OV_ISO_BYTES]);
void ov_iso_add(ov_buf *out, int64_t ms, const ov_tz *zone);

/* ---- intervals: interval.c ---- */

typedef struct ov_interval {
    int64_t start; /* inclusive */
    int64_t end;   /* exclusive, >= start */
} ov_interval;

#define OV_INTERVAL_ETERNITY ((ov_interval){OV_TIME_MIN, OV_TIME_MAX})

/* `a/b`, `a/P1D`, `P1D/b`; times without a zone are UTC. */
OV_CHECKED ov_status ov_interval_parse(ov_slice text, ov_interval *out, ov_error *err);
/* `2015-09-12T00:00:00.000Z/2015-09-13T00:00:00.000Z`. */
void ov_interval_add(ov_buf *out, ov_interval i);

static inline bool ov_interval_overlaps(ov_interval a, ov_interval b)
{
    return a.start < b.end && b.start < a.end;
}

static inline bool ov_interval_contains(ov_interval outer, ov_interval inner)
{
    return outer.start <= inner.start && inner.end <= outer.end;
}

static inline bool ov_interval_has(ov_interval i, int64_t ms)
{
    return i.start <= ms && ms < i.end;
}

/* The common part; empty (start == end) when there is none. */
static inline ov_interval ov_interval_clip(ov_interval a, ov_interval b)
{
    ov_interval i = {OV_MAX(a.start, b.start), OV_MIN(a.end, b.end)};
    if (i.end < i.start)
        i.end = i.start;
    return i;
}

/* Sort by start and join those that touch or overlap, empty ones dropped; the new count. */
size_t ov_interval_condense(ov_interval *list, size_t n);

/* ---- SQL time units: time_unit.c ---- */

typedef enum ov_time_unit {
    OV_UNIT_MILLISECOND, /* extract: 0..999, as Druid's EXTRACT(MILLISECOND) */
    OV_UNIT_SECOND,
    OV_UNIT_MINUTE,
    OV_UNIT_HOUR,
    OV_UNIT_DAY,  /* of month */
    OV_UNIT_WEEK, /* ISO week of the year, 1..53 */
    OV_UNIT_MONTH,
    OV_UNIT_QUARTER,
    OV_UNIT_YEAR,
    OV_UNIT_DECADE,
    OV_UNIT_CENTURY,
    OV_UNIT_MILLENNIUM,
    OV_UNIT_EPOCH,  /* seconds since 1970 cut towards zero; extract only, as below */
    OV_UNIT_DOW,    /* 1 Monday .. 7 Sunday, as Druid's DOW */
    OV_UNIT_ISODOW, /* the same */
    OV_UNIT_DOY,
    OV_UNIT_ISOYEAR,
    OV_UNIT_MICROSECOND, /* EPOCH / 1000: what Druid answers, odd as it is */
} ov_time_unit;

/* By name without case; plural (`days`) too. */
bool ov_time_unit_find(ov_slice name, ov_time_unit *out);
const char *ov_time_unit_name(ov_time_unit unit); /* "MILLISECOND" */

/* The value of the unit in the zone's calendar; `_n` for many instants of one column. */
int64_t ov_time_extract(ov_time_unit unit, int64_t ms, const ov_tz *zone);
void ov_time_extract_n(ov_time_unit unit, const ov_tz *zone, const int64_t *in, int64_t *out,
                       size_t n);

/* Start of the unit that holds ms; of the next one, unless ms is a start itself. Units up to
 * MILLENNIUM only; extract-only units return ms unchanged (the caller refuses them by
 * ov_time_unit_can_floor). Decades start in years divisible by 10, centuries and millennia in years
 * ending in 01 and 001, as PostgreSQL's DATE_TRUNC. */
bool ov_time_unit_can_floor(ov_time_unit unit);
int64_t ov_time_floor_unit(ov_time_unit unit, int64_t ms, const ov_tz *zone);
int64_t ov_time_ceil_unit(ov_time_unit unit, int64_t ms, const ov_tz *zone);

/* Calendar arithmetic on UTC or zone-local fields: the day is cut to the month's last (Jan 31 + 1
 * month = Feb 28). A result out of range becomes OV_TIME_MIN or OV_TIME_MAX. */
int64_t ov_time_add_months(int64_t ms, int64_t months, const ov_tz *zone);
/* Whole months from a to b, towards zero: TIMESTAMPDIFF(MONTH, a, b). */
int64_t ov_time_months_between(int64_t a, int64_t b, const ov_tz *zone);
