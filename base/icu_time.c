/* ICU's date patterns: the calendar, compiling and writing. */
#include "base/icu_time.h"

#include <string.h>

#include "base/datetime.h"
#include "base/icu_time_int.h"
#include "base/joda_int.h"
#include "base/os.h"

enum { JAN_1_1 = 1721426, MOST_DAY = 0x7F000000 };

/* ---- the calendar ---- */

static bool leap(int64_t year, bool gregorian)
{
    return ov_floor_mod(year, 4) == 0 && (!gregorian || ov_floor_mod(year, 100) != 0 || ov_floor_mod(year, 400) == 0);
}

static const int16_t before_month[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};

static int32_t days_before(int32_t month, bool is_leap)
{
    return before_month[month] + (is_leap && month > 1);
}

static int32_t day_in(int32_t year, int32_t month, int32_t day, bool gregorian)
{
    int64_t y = (int64_t)year - 1;
    int32_t at = ovi_icu_wrapped(ovi_icu_wrapped(365 * y) + ov_floor_div(y, 4) + JAN_1_1 - 3);
    if (gregorian)
        at = ovi_icu_wrapped((int64_t)at + ov_floor_div(y, 400) - ov_floor_div(y, 100) + 2);
    return ovi_icu_wrapped((int64_t)at + days_before(month, leap(year, gregorian)) + day);
}

int32_t ovi_icu_day(int32_t year, int32_t month, int32_t day)
{
    int32_t y = ovi_icu_wrapped((int64_t)year + ov_floor_div(month, 12)), m = (int32_t)ov_floor_mod(month, 12);
    bool gregorian = y >= OVI_ICU_CUTOVER_YEAR;
    int32_t at = day_in(y, m, day, gregorian);
    if (gregorian != (at >= OVI_ICU_GREGORIAN)) /* the year of the cut-over, or one past 32 bits */
        at = day_in(y, m, day, !gregorian);
    return OV_MAX(OV_MIN(at, MOST_DAY), -MOST_DAY);
}

/* Everything a pattern can ask about one moment. */
typedef struct fields {
    int64_t year; /* 0 is 1 BC */
    int32_t month, day, day_of_year; /* month from 0, the others from 1 */
    int32_t weekday;                 /* 0: Sunday */
    int64_t week_year;               /* weeks begin on Sunday, the first holds 1 January */
    int32_t week;
    int32_t ms;
    bool leap;
} fields;

static void find_day(int64_t at, fields *f)
{
    bool gregorian = at >= OVI_ICU_GREGORIAN;
    int64_t start;
    if (gregorian) {
        int64_t d = at - JAN_1_1, n400 = ov_floor_div(d, 146097), in400 = ov_floor_mod(d, 146097);
        int64_t n100 = OV_MIN(in400 / 36524, (int64_t)3), in100 = in400 - n100 * 36524;
        int64_t n4 = in100 / 1461, n1 = OV_MIN(in100 % 1461 / 365, (int64_t)3);
        f->year = 400 * n400 + 100 * n100 + 4 * n4 + n1 + 1;
        start = JAN_1_1 + 146097 * n400 + 36524 * n100 + 1461 * n4 + 365 * n1;
    } else {
        f->year = ov_floor_div(4 * (at - (JAN_1_1 - 2)) + 1464, 1461);
        start = JAN_1_1 - 2 + 365 * (f->year - 1) + ov_floor_div(f->year - 1, 4);
    }
    f->leap = leap(f->year, gregorian);
    f->day_of_year = (int32_t)(at - start) + 1;
    f->month = 11;
    while (f->day_of_year <= days_before(f->month, f->leap))
        f->month--;
    f->day = f->day_of_year - days_before(f->month, f->leap);
    f->weekday = (int32_t)ov_floor_mod(at + 1, 7);
}

static void find_week(fields *f)
{
    int32_t first = (int32_t)ov_floor_mod(f->weekday - (f->day_of_year - 1), 7); /* the weekday of 1 January */
    f->week = (f->day_of_year - 1 + first) / 7 + 1;
    f->week_year = f->year;
    if (f->day_of_year + 6 - f->weekday > 365 + f->leap) { /* the Saturday is of the next year */
        f->week = 1;
        f->week_year++;
    }
}

/* ---- compiling ---- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The literal text at *at: up to a letter outside of quotes; '' is a quote. */
static ov_status take_literal(const char **at, const char *end, ov_arena *a, ov_slice *out, ov_error *err)
{
    char *text = ov_arena_try(a, (size_t)(end - *at), 1, err);
    size_t n = 0;
    bool quoted = false;
    const char *p = *at;
    if (!text)
        return err->code;
    for (; p < end && (quoted || !is_letter(*p)); p++) {
        bool quote = *p == '\'', twice = quote && p + 1 < end && p[1] == '\'';
        if (quote && !twice)
            quoted = !quoted;
        else
            text[n++] = *p;
        p += twice;
    }
    *at = p;
    *out = ov_slice_make(text, n);
    return OV_OK;
}

static ov_status refuse(ov_slice pattern, const char *at, const char *why, ov_error *err)
{
    return ov_fail(err, OV_INVALID, "the time format '" OV_SLICE_FMT "' has %s '%c' at character %zu", OV_SLICE_ARG(pattern), why, *at,
                   (size_t)(at - pattern.p) + 1);
}

/* What the pattern lacks to be read: a weekday alone says no day. */
static ov_status check_reads(const ov_icu_time *f, ov_slice pattern, ov_error *err)
{
    bool weekday = false, day = false;
    for (size_t i = 0; i < f->count; i++) {
        weekday |= f->steps[i].letter == 'E';
        day |= f->steps[i].letter == 'd' || f->steps[i].letter == 'D';
    }
    if (weekday && !day)
        return ov_fail(err, OV_INVALID, "the time format '" OV_SLICE_FMT "' reads a day of the week without a day (d or D)", OV_SLICE_ARG(pattern));
    return OV_OK;
}

static void set_century(ov_icu_time *f)
{
    fields now;
    find_day(ov_floor_div(ov_now_ms(), OV_MS_PER_DAY) + OVI_ICU_EPOCH, &now);
    f->century_year = (int32_t)now.year - 80;
    f->century_day = (int64_t)ovi_icu_day(f->century_year, now.month, now.day) - OVI_ICU_EPOCH;
}

ov_status ov_icu_time_compile(ov_slice pattern, bool reads, ov_arena *out_arena, const ov_icu_time **out, ov_error *err)
{
    ov_icu_time *f;
    OV_TRY(ov_arena_zalloc(out_arena, sizeof *f + pattern.n * sizeof f->steps[0], &f, err));
    const char *at = pattern.p, *end = pattern.p + pattern.n;
    while (at < end) {
        ovi_icu_step *s = &f->steps[f->count++];
        if (!is_letter(*at)) {
            s->letter = '\'';
            OV_TRY(take_literal(&at, end, out_arena, &s->text, err));
            continue;
        }
        if (!strchr("GyuQqMLdDEaHkhKmsSZXxYwz", *at))
            return refuse(pattern, at, "an unknown letter (quote letters that are text)", err);
        if (strchr(reads ? "Yw" : "z", *at))
            return refuse(pattern, at, reads ? "a letter that can only be written," : "a letter that can only be read,", err);
        s->letter = *at;
        while (at < end && *at == s->letter && s->width < 255) {
            s->width++;
            at++;
        }
        s->numeric = strchr("yudDHkhKmsSYw", s->letter) || (strchr("MLQq", s->letter) && s->width <= 2);
    }
    set_century(f);
    *out = f;
    return reads ? check_reads(f, pattern, err) : OV_OK;
}

/* ---- writing ---- */

static void add_year(ov_buf *out, int64_t year, unsigned width)
{
    ovi_add_padded(out, width == 2 ? (year < 0 ? -year : year) % 100 : year, width);
}

/* By width: 4 whole, 5 its first letter, else its first `few`. */
static void add_name(ov_buf *out, const char *name, unsigned width, size_t few)
{
    ov_buf_add(out, name, width == 4 ? strlen(name) : width == 5 ? 1 : few);
}

static void add_quarter(ov_buf *out, int32_t quarter, unsigned width)
{
    static const char *const names[4] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
    if (width == 4) {
        ov_buf_add_str(out, names[quarter - 1]);
        return;
    }
    if (width == 3)
        ov_buf_add_char(out, 'Q');
    ovi_add_padded(out, quarter, width < 3 ? width : 1);
}

static void add_era(ov_buf *out, bool ad, unsigned width)
{
    static const char *const names[2][3] = {{"BC", "Before Christ", "B"}, {"AD", "Anno Domini", "A"}};
    ov_buf_add_str(out, names[ad][width == 4 ? 1 : width == 5 ? 2 : 0]);
}

static void add_fraction(ov_buf *out, int32_t ms, unsigned width)
{
    int32_t weight = 100;
    for (unsigned i = 0; i < width; i++, weight /= 10)
        ov_buf_add_char(out, (char)(weight ? '0' + ms / weight % 10 : '0'));
}

static void add_zone(ov_buf *out, const ovi_icu_step *s)
{
    if (s->letter == 'X' || (s->letter == 'Z' && s->width == 5))
        ov_buf_add_char(out, 'Z');
    else if (s->letter == 'Z')
        ov_buf_add_str(out, s->width == 4 ? "GMT" : "+0000");
    else
        ov_buf_add_str(out, s->width == 1 ? "+00" : s->width % 2 ? "+00:00" : "+0000");
}

static void add_time_field(const ovi_icu_step *s, int32_t ms, ov_buf *out)
{
    int32_t hour = ms / OV_MS_PER_HOUR;
    switch (s->letter) {
    case 'a':
    case 'H':
    case 'k':
    case 'K':
    case 'h':
        ovi_add_hour(out, s->letter, hour, s->width);
        break;
    case 'm':
        ovi_add_padded(out, ms / OV_MS_PER_MINUTE % 60, s->width);
        break;
    case 's':
        ovi_add_padded(out, ms / OV_MS_PER_SECOND % 60, s->width);
        break;
    case 'S':
        add_fraction(out, ms % OV_MS_PER_SECOND, s->width);
        break;
    default:
        add_zone(out, s);
        break;
    }
}

static void add_field(const ovi_icu_step *s, const fields *f, ov_buf *out)
{
    switch (s->letter) {
    case '\'':
        ov_buf_add_slice(out, s->text);
        break;
    case 'G':
        add_era(out, f->year > 0, s->width);
        break;
    case 'y':
        add_year(out, f->year > 0 ? f->year : 1 - f->year, s->width);
        break;
    case 'u':
        ovi_add_padded(out, f->year, s->width);
        break;
    case 'Y':
        add_year(out, f->week_year, s->width);
        break;
    case 'w':
        ovi_add_padded(out, f->week, s->width);
        break;
    case 'Q':
    case 'q':
        add_quarter(out, f->month / 3 + 1, s->width);
        break;
    case 'M':
    case 'L':
        if (s->width > 2)
            add_name(out, ovi_joda_months[f->month], s->width, 3);
        else
            ovi_add_padded(out, f->month + 1, s->width);
        break;
    case 'd':
        ovi_add_padded(out, f->day, s->width);
        break;
    case 'D':
        ovi_add_padded(out, f->day_of_year, s->width);
        break;
    case 'E':
        add_name(out, ovi_joda_days[(f->weekday + 6) % 7], s->width, s->width == 6 ? 2 : 3);
        break;
    default:
        add_time_field(s, f->ms, out);
        break;
    }
}

void ov_icu_time_write(const ov_icu_time *t, ov_icu_moment at, ov_buf *out)
{
    fields f = {.ms = at.ms};
    find_day(at.day + OVI_ICU_EPOCH, &f);
    find_week(&f);
    for (size_t i = 0; i < t->count; i++)
        add_field(&t->steps[i], &f, out);
}
