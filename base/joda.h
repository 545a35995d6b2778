/*
 * Joda-time patterns: the text behind TIME_FORMAT, TIME_PARSE and a timestampSpec's format.
 *
 * Letters: G C Y y x M d D w e E a H k h K m s S z Z, quotes as in Joda ('T', '' for a quote).
 * Names are English. A compiled pattern is immutable and lives in the arena given.
 *
 * Threads: any number may use one compiled pattern.
 */
#pragma once

#include "base/arena.h"
#include "base/datetime.h"

typedef struct ov_joda ov_joda;

/* Errors: OV_INVALID naming the letter and its place. */
OV_CHECKED ov_status ov_joda_compile(ov_slice pattern, ov_arena *out_arena, const ov_joda **out,
                                     ov_error *err);

/* The whole text must match. Fields the pattern lacks are those of 1970-01-01T00:00 (a year alone
 * is its first instant, a month or day without a year is of the year 2000); zone is that of the
 * text when the pattern has one, else `zone` (NULL: UTC). A time in a DST gap is an error.
 * Errors: OV_INVALID with what was expected and where. */
OV_CHECKED ov_status ov_joda_parse(const ov_joda *j, ov_slice text, const ov_tz *zone, int64_t *out,
                                   ov_error *err);
/* Without a sentence, for rows. */
bool ov_joda_try(const ov_joda *j, ov_slice text, const ov_tz *zone, int64_t *out);

/* Appends the instant as the pattern prints it in the zone. */
void ov_joda_format(const ov_joda *j, int64_t ms, const ov_tz *zone, ov_buf *out);
