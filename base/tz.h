/*
 * Time zones: IANA names from the system's tzdata, fixed offsets, UTC.
 *
 * A zone is loaded once, kept for the life of the process and never changes: the pointers may be
 * kept and compared. NULL stands for UTC everywhere, and ov_tz_get gives NULL for every name of
 * UTC.
 *
 * Where local time is not one to one, the rules are Joda's (and so Druid's): a time in an overlap
 * means the first (summer) instant, a time in a gap moves forward by the length of the gap.
 *
 * Source   TZif files, RFC 8536, below /usr/share/zoneinfo or $TZDIR; times past the table follow
 * the footer. Threads  any; look-ups take one lock, conversions none.
 */
#pragma once

#include "base/datetime.h"

/*
 * `UTC`, `Z`, `Etc/UTC`, `GMT`, `America/Los_Angeles` (exact case first, then without case),
 * `+07:00`, `-0330`, `+7`, `UTC+2`, `GMT-08:00`.
 *
 * Errors   OV_INVALID for a name nobody knows, with a suggestion; OV_CORRUPT for a damaged zone
 * file.
 */
OV_CHECKED ov_status ov_tz_get(ov_slice name, const ov_tz **out, ov_error *err);
/* A zone of fixed offset, |offset_ms| < 24 h. */
OV_CHECKED ov_status ov_tz_fixed(int32_t offset_ms, const ov_tz **out, ov_error *err);

const char *ov_tz_name(const ov_tz *zone); /* "UTC", "America/Los_Angeles", "+07:00" */
bool ov_tz_is_fixed(const ov_tz *zone);    /* also true for NULL */

/* Local minus UTC at an instant, in ms. */
int32_t ov_tz_offset(const ov_tz *zone, int64_t utc_ms);
/* The same, and the stretch [*from, *to) around the instant over which it holds (OV_TIME_MIN /
 * OV_TIME_MAX at the ends): batch code converts whole stretches. */
int32_t ov_tz_span(const ov_tz *zone, int64_t utc_ms, int64_t *from, int64_t *to);
/* Short name in force at an instant ("PDT"); "+07:00" for fixed ones, "UTC" for NULL. */
const char *ov_tz_abbreviation(const ov_tz *zone, int64_t utc_ms);

/* Milliseconds since 1970-01-01T00:00 on the local clock. */
static inline int64_t ov_tz_to_local(const ov_tz *zone, int64_t utc_ms)
{
    return zone ? utc_ms + ov_tz_offset(zone, utc_ms) : utc_ms;
}

/* Gap: moved forward; overlap: the first. */
int64_t ov_tz_from_local(const ov_tz *zone, int64_t local_ms);
/* The same, but when `near_utc`'s own offset fits the local time that one is kept: floors and
 * shifts inside an overlap stay on their side of it. */
int64_t ov_tz_from_local_near(const ov_tz *zone, int64_t local_ms, int64_t near_utc);
/* false when the local time lies in a gap and so never was: for parsers. */
bool ov_tz_from_local_strict(const ov_tz *zone, int64_t local_ms, int64_t *utc_ms);
