/*
 * ISO-8601 text to instants and back.
 *
 * One hand-written descent serves rows, literals and intervals. It works without error sentences;
 * only when it failed and someone asks is the reason (a constant phrase and a place) turned into
 * one.
 */
#include "base/datetime.h"

#include "base/tz.h"

/* What the text said: a local time and, maybe, its offset. */
typedef struct scan {
    const char *start, *at, *end;
    const char *wanted; /* why it failed: what should have been at `at` */
    int64_t days;       /* since 1970 */
    int64_t ms;         /* of the day */
    bool has_offset;
    int32_t offset_ms;
    bool lenient; /* a time in a gap of the clocks moves forward, as for SQL literals */
} scan;

static bool fail(scan *s, const char *at, const char *wanted)
{
    s->at = at;
    s->wanted = wanted;
    return false;
}

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool next_is(const scan *s, char c)
{
    return s->at < s->end && *s->at == c;
}

/* 1..max digits; the number of digits, 0 when there is none. */
static int take_digits(scan *s, int max, int32_t *out)
{
    int n = 0;
    int32_t v = 0;
    while (n < max && s->at < s->end && is_digit(*s->at)) {
        v = v * 10 + (*s->at++ - '0');
        n++;
    }
    *out = v;
    return n;
}

/* A field of 1..2 digits between min and max. */
static bool take_field(scan *s, int32_t min, int32_t max, int32_t *out, const char *wanted)
{
    const char *at = s->at;
    if (!take_digits(s, 2, out) || *out < min || *out > max)
        return fail(s, at, wanted);
    return true;
}

static bool take_year(scan *s, int32_t *year)
{
    const char *at = s->at;
    bool minus = next_is(s, '-');
    if (minus || next_is(s, '+'))
        s->at++;
    if (!take_digits(s, 9, year))
        return fail(s, at, "a year");
    if (minus)
        *year = -*year;
    return true;
}

static bool leap_year(int32_t year)
{
    return ov_days_in_month(year, 2) == 29;
}

/* W37 or W37-6, behind the year's hyphen. */
static bool take_week(scan *s, int32_t year)
{
    int32_t week, day = 1;
    int64_t jan4 = ov_days_from_civil(year, 1, 4); /* always in week 1 */
    int64_t monday = jan4 - ov_floor_mod(jan4 + 3, 7);
    int64_t next_jan4 = ov_days_from_civil((int64_t)year + 1, 1, 4);
    int32_t weeks = (int32_t)((next_jan4 - ov_floor_mod(next_jan4 + 3, 7) - monday) / 7);
    s->at++;
    if (!take_field(s, 1, weeks, &week, "a week of that year, 01..52 or 53"))
        return false;
    if (next_is(s, '-')) {
        s->at++;
        if (!take_field(s, 1, 7, &day, "a day of the week, 1..7"))
            return false;
    }
    s->days = monday + 7 * (week - 1) + day - 1;
    return true;
}

static bool take_date(scan *s)
{
    int32_t year, month = 1, day = 1;
    if (!take_year(s, &year))
        return false;
    if (next_is(s, '-')) {
        s->at++;
        if (next_is(s, 'W'))
            return take_week(s, year);
        if (s->end - s->at >= 3 && is_digit(s->at[0]) && is_digit(s->at[1]) && is_digit(s->at[2])) {
            const char *at = s->at;
            take_digits(s, 3, &day);
            if (day < 1 || day > 365 + leap_year(year))
                return fail(s, at, "a day of that year, 001..365 or 366");
            s->days = ov_days_from_civil(year, 1, 1) + day - 1;
            return true;
        }
        if (!take_field(s, 1, 12, &month, "a month, 01..12"))
            return false;
        if (next_is(s, '-')) {
            s->at++;
            if (!take_field(s, 1, ov_days_in_month(year, month), &day, "a day of that month"))
                return false;
        }
    }
    s->days = ov_days_from_civil(year, month, day);
    return true;
}

/* .5 or ,5 of a unit; nothing when there is none. Digits past the 9th are only skipped. */
static bool take_fraction(scan *s, int64_t unit_ms)
{
    if (!next_is(s, '.') && !next_is(s, ','))
        return true;
    s->at++;
    int32_t v;
    int n = take_digits(s, 9, &v);
    if (!n)
        return fail(s, s->at, "digits after the decimal point");
    int64_t scaled = v;
    for (; n < 9; n++)
        scaled *= 10;
    s->ms += scaled * (unit_ms / 1000) / 1000000; /* unit_ms is 1000 or a multiple of it */
    while (s->at < s->end && is_digit(*s->at))
        s->at++;
    return true;
}

static bool take_time(scan *s)
{
    int32_t v;
    if (!take_field(s, 0, 23, &v, "an hour, 00..23"))
        return false;
    s->ms = (int64_t)v * OV_MS_PER_HOUR;
    if (!next_is(s, ':'))
        return take_fraction(s, OV_MS_PER_HOUR);
    s->at++;
    if (!take_field(s, 0, 59, &v, "a minute, 00..59"))
        return false;
    s->ms += (int64_t)v * OV_MS_PER_MINUTE;
    if (!next_is(s, ':'))
        return take_fraction(s, OV_MS_PER_MINUTE);
    s->at++;
    if (!take_field(s, 0, 59, &v, "a second, 00..59"))
        return false;
    s->ms += (int64_t)v * OV_MS_PER_SECOND;
    return take_fraction(s, OV_MS_PER_SECOND);
}

/* Z, +07, +0700, +07:00, +07:00:30 */
static bool take_offset(scan *s)
{
    if (next_is(s, 'Z')) {
        s->at++;
        s->has_offset = true;
        return true;
    }
    if (!next_is(s, '+') && !next_is(s, '-'))
        return true;
    const char *at = s->at;
    bool minus = *s->at++ == '-';
    int32_t part[3] = {0, 0, 0};
    static const int32_t most[3] = {23, 59, 59};
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            if (next_is(s, ':'))
                s->at++;
            else if (s->at == s->end || !is_digit(*s->at))
                break;
        }
        if (take_digits(s, 2, &part[i]) != 2 || part[i] > most[i])
            return fail(s, at, "an offset such as Z, +07 or +07:00");
    }
    s->has_offset = true;
    s->offset_ms = ((part[0] * 60 + part[1]) * 60 + part[2]) * 1000;
    if (minus)
        s->offset_ms = -s->offset_ms;
    return true;
}

static bool at_end(scan *s)
{
    return s->at == s->end || fail(s, s->at, "nothing more");
}

static bool scan_iso(scan *s, ov_slice text)
{
    *s = (scan){.start = text.p, .at = text.p, .end = text.p + text.n};
    if (!take_date(s))
        return false;
    if (s->at == s->end)
        return true;
    if (*s->at != 'T' && *s->at != ' ')
        return fail(s, s->at, "T or a blank and a time");
    bool blank = *s->at++ == ' ';
    if (s->at < s->end && is_digit(*s->at)) {
        if (!take_time(s))
            return false;
    } else if (blank) {
        return fail(s, s->at, "a time");
    }
    return take_offset(s) && at_end(s);
}

/* To UTC; false when the local time is in a gap or the result is out of range. */
static bool finish(scan *s, const ov_tz *zone, int64_t *out)
{
    /* |days| < 3.7e11, so that days x 86400000 cannot be trusted to fit: check first */
    if (s->days > OV_TIME_MAX / OV_MS_PER_DAY || s->days < OV_TIME_MIN / OV_MS_PER_DAY - 1)
        return fail(s, s->start, "a year within about 146 million of 1970");
    int64_t ms = s->days * OV_MS_PER_DAY + s->ms;
    if (s->has_offset)
        ms -= s->offset_ms;
    else if (s->lenient)
        ms = ov_tz_from_local(zone, ms);
    else if (!ov_tz_from_local_strict(zone, ms, &ms))
        return fail(s, s->start,
                    "a time that the zone's clocks showed (they were moved forward past it)");
    if (ms < OV_TIME_MIN || ms > OV_TIME_MAX)
        return fail(s, s->start, "a year within about 146 million of 1970");
    *out = ms;
    return true;
}

static ov_status tell(const scan *s, ov_slice text, const char *kind, const char *like,
                      ov_error *err)
{
    return ov_fail(err, OV_INVALID,
                   "'" OV_SLICE_FMT "' is not a %s: %s is expected at character %zu (like %s)",
                   OV_SLICE_ARG(text), kind, s->wanted, (size_t)(s->at - s->start) + 1, like);
}

/* `2015-09-12T00:46:58.771Z` and its forms without fraction, the bulk of all rows. */
static bool fast_iso(ov_slice text, int64_t *out)
{
    if (text.n < 20 || text.n > 24 || text.p[text.n - 1] != 'Z')
        return false;
    const unsigned char *p = (const unsigned char *)text.p;
    static const unsigned char at[14] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18};
    int32_t d[14];
    uint32_t bad = 0;
    for (int i = 0; i < 14; i++) {
        uint32_t v = (uint32_t)p[at[i]] - '0';
        bad |= v > 9;
        d[i] = (int32_t)v;
    }
    bad |= p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') || p[13] != ':' ||
           p[16] != ':';
    int32_t ms = 0;
    if (text.n > 20) {
        static const int32_t weights[3] = {100, 10, 1};
        bad |= p[19] != '.' || text.n == 21;
        for (size_t i = 20; i < text.n - 1; i++) {
            uint32_t v = (uint32_t)p[i] - '0';
            bad |= v > 9;
            ms += (int32_t)(v & 15) * weights[i - 20];
        }
    }
    ov_civil c = {.year = d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3],
                  .month = d[4] * 10 + d[5],
                  .day = d[6] * 10 + d[7],
                  .hour = d[8] * 10 + d[9],
                  .minute = d[10] * 10 + d[11],
                  .second = d[12] * 10 + d[13],
                  .ms = ms};
    if (bad || c.month < 1 || c.month > 12 || c.day < 1 || c.hour > 23 || c.minute > 59 ||
        c.second > 59 || (c.day > 28 && c.day > ov_days_in_month(c.year, c.month)))
        return false;
    *out = ov_civil_to_ms(&c);
    return true;
}

bool ov_iso_try(ov_slice text, const ov_tz *zone, int64_t *out)
{
    scan s;
    return fast_iso(text, out) || (scan_iso(&s, text) && finish(&s, zone, out));
}

ov_status ov_iso_parse(ov_slice text, const ov_tz *zone, int64_t *out, ov_error *err)
{
    scan s;
    if (fast_iso(text, out) || (scan_iso(&s, text) && finish(&s, zone, out)))
        return OV_OK;
    return tell(&s, text, "time", "2015-09-12T00:46:58.771Z", err);
}

static bool scan_sql_date(scan *s, ov_slice text)
{
    *s = (scan){.start = text.p, .at = text.p, .end = text.p + text.n, .lenient = true};
    int32_t year, month, day;
    if (!take_year(s, &year))
        return false;
    if (!next_is(s, '-'))
        return fail(s, s->at, "a hyphen");
    s->at++;
    if (!take_field(s, 1, 12, &month, "a month, 01..12"))
        return false;
    if (!next_is(s, '-'))
        return fail(s, s->at, "a hyphen");
    s->at++;
    if (!take_field(s, 1, ov_days_in_month(year, month), &day, "a day of that month"))
        return false;
    s->days = ov_days_from_civil(year, month, day);
    return true;
}

static bool scan_sql_time(scan *s)
{
    int32_t hour, minute, second;
    if (!next_is(s, ' '))
        return fail(s, s->at, "a blank and a time");
    s->at++;
    if (!take_field(s, 0, 23, &hour, "an hour, 00..23"))
        return false;
    if (!next_is(s, ':'))
        return fail(s, s->at, "a colon");
    s->at++;
    if (!take_field(s, 0, 59, &minute, "a minute, 00..59"))
        return false;
    if (!next_is(s, ':'))
        return fail(s, s->at, "a colon");
    s->at++;
    if (!take_field(s, 0, 59, &second, "a second, 00..59"))
        return false;
    s->ms = (((int64_t)hour * 60 + minute) * 60 + second) * 1000;
    return take_fraction(s, OV_MS_PER_SECOND);
}

ov_status ov_sql_timestamp_parse(ov_slice text, const ov_tz *zone, int64_t *out, ov_error *err)
{
    scan s;
    if (scan_sql_date(&s, text) && (s.at == s.end || scan_sql_time(&s)) && at_end(&s) &&
        finish(&s, zone, out))
        return OV_OK;
    return tell(&s, text, "timestamp", "2015-09-12 00:46:58", err);
}

ov_status ov_sql_date_parse(ov_slice text, const ov_tz *zone, int64_t *out, ov_error *err)
{
    scan s;
    if (scan_sql_date(&s, text) && at_end(&s) && finish(&s, zone, out))
        return OV_OK;
    return tell(&s, text, "date", "2015-09-12", err);
}

/* ---- writing ---- */

static char *put2(char *p, int32_t v)
{
    p[0] = (char)('0' + v / 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

static char *put_year(char *p, int32_t year)
{
    uint32_t v = (uint32_t)year;
    if (year < 0) {
        *p++ = '-';
        v = 0 - v;
    }
    char digits[10];
    int n = 0;
    for (; v || n < 4; v /= 10)
        digits[n++] = (char)('0' + v % 10);
    while (n)
        *p++ = digits[--n];
    return p;
}

static char *put_date(char *p, const ov_civil *c)
{
    p = put_year(p, c->year);
    *p++ = '-';
    p = put2(p, c->month);
    *p++ = '-';
    return put2(p, c->day);
}

static char *put_time(char *p, const ov_civil *c)
{
    p = put2(p, c->hour);
    *p++ = ':';
    p = put2(p, c->minute);
    *p++ = ':';
    p = put2(p, c->second);
    *p++ = '.';
    *p++ = (char)('0' + c->ms / 100);
    return put2(p, c->ms % 100);
}

size_t ov_iso_format(int64_t ms, const ov_tz *zone, char text[OV_ISO_BYTES])
{
    int32_t offset = ov_tz_offset(zone, ms);
    ov_civil c;
    ov_civil_from_ms(ms + offset, &c);
    char *p = put_date(text, &c);
    *p++ = 'T';
    p = put_time(p, &c);
    if (offset == 0) {
        *p++ = 'Z';
        return (size_t)(p - text);
    }
    *p++ = offset < 0 ? '-' : '+';
    int32_t seconds = (offset < 0 ? -offset : offset) / 1000;
    p = put2(p, seconds / 3600);
    *p++ = ':';
    p = put2(p, seconds / 60 % 60);
    if (seconds % 60) {
        *p++ = ':';
        p = put2(p, seconds % 60);
    }
    return (size_t)(p - text);
}

void ov_iso_add(ov_buf *out, int64_t ms, const ov_tz *zone)
{
    if (ov_buf_reserve(out, OV_ISO_BYTES))
        out->n += ov_iso_format(ms, zone, out->p + out->n);
}
