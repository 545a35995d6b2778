/*
 * Date patterns as ICU's SimpleDateFormat reads and writes them, in English and UTC: what Druid's extraction function `time` means by
 * its formats unless they are Joda's (base/joda.h).
 *
 * Reading is lenient, as Druid asks for: a prefix of the text is enough, blanks before a field are passed over, fields that are too
 * large run over into the next (13/40/2012 is 2013-02-09), a number has as many digits as there are unless another number follows.
 * The calendar is Julian before 15 October 1582, and counts in 32 bits as ICU's does: years far outside wrap around or stop.
 *
 * Letters: G y u Q q M L d D E a H k h K m s S Z X x, and Y w to write, z to read.
 * Threads: any number may use one compiled pattern.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

typedef struct ov_icu_time ov_icu_time;

/* For reading, or for writing. Errors: OV_INVALID naming the letter and its place. */
OV_CHECKED ov_status ov_icu_time_compile(ov_slice pattern, bool reads, ov_arena *out_arena, const ov_icu_time **out, ov_error *err);

/* A time of that calendar: days since 1 January 1970, and milliseconds of that day. */
typedef struct ov_icu_moment {
    int64_t day;
    int32_t ms;
} ov_icu_moment;

/* false: the text does not begin with such a time. */
bool ov_icu_time_read(const ov_icu_time *f, ov_slice text, ov_icu_moment *out);
void ov_icu_time_write(const ov_icu_time *f, ov_icu_moment t, ov_buf *out);
