/*
 * The units of SQL's EXTRACT, FLOOR TO and DATE_TRUNC. Results equal Druid's timestamp_extract,
 * including where it differs from other systems: Monday is 1 for DOW, EPOCH is cut towards zero.
 */
#include "base/datetime.h"

#include "base/tz.h"

static const char *const names[] = {
    [OV_UNIT_MILLISECOND] = "MILLISECOND",
    [OV_UNIT_SECOND] = "SECOND",
    [OV_UNIT_MINUTE] = "MINUTE",
    [OV_UNIT_HOUR] = "HOUR",
    [OV_UNIT_DAY] = "DAY",
    [OV_UNIT_WEEK] = "WEEK",
    [OV_UNIT_MONTH] = "MONTH",
    [OV_UNIT_QUARTER] = "QUARTER",
    [OV_UNIT_YEAR] = "YEAR",
    [OV_UNIT_DECADE] = "DECADE",
    [OV_UNIT_CENTURY] = "CENTURY",
    [OV_UNIT_MILLENNIUM] = "MILLENNIUM",
    [OV_UNIT_EPOCH] = "EPOCH",
    [OV_UNIT_DOW] = "DOW",
    [OV_UNIT_ISODOW] = "ISODOW",
    [OV_UNIT_DOY] = "DOY",
    [OV_UNIT_ISOYEAR] = "ISOYEAR",
    [OV_UNIT_MICROSECOND] = "MICROSECOND",
};

bool ov_time_unit_find(ov_slice name, ov_time_unit *out)
{
    for (size_t i = 0; i < OV_COUNT_OF(names); i++) {
        ov_slice known = ov_slice_cstr(names[i]);
        bool plural = name.n == known.n + 1 && (name.p[known.n] == 'S' || name.p[known.n] == 's');
        if (ov_slice_ieq((ov_slice){name.p, name.n - plural}, known)) {
            *out = (ov_time_unit)i;
            return true;
        }
    }
    return false;
}

const char *ov_time_unit_name(ov_time_unit unit)
{
    return names[unit];
}

/* 1 Monday .. 7 Sunday; 1970-01-01 was a Thursday. */
static int64_t day_of_week(int64_t days)
{
    return ov_floor_mod(days + 3, 7) + 1;
}

/* ISO week-numbering year and week: those of the Thursday of the same week. */
static void iso_week(int64_t days, int32_t *year, int32_t *week)
{
    int64_t thursday = days - day_of_week(days) + 4;
    int32_t month, day;
    ov_days_to_civil(thursday, year, &month, &day);
    *week = (int32_t)((thursday - ov_days_from_civil(*year, 1, 1)) / 7) + 1;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return -ov_floor_div(-a, b);
}

static int64_t extract_day_or_more(ov_time_unit unit, int64_t days)
{
    int32_t year, month, day, week;
    if (unit == OV_UNIT_DOW || unit == OV_UNIT_ISODOW)
        return day_of_week(days);
    if (unit == OV_UNIT_WEEK || unit == OV_UNIT_ISOYEAR) {
        iso_week(days, &year, &week);
        return unit == OV_UNIT_WEEK ? week : year;
    }
    ov_days_to_civil(days, &year, &month, &day);
    switch (unit) {
    case OV_UNIT_DAY:
        return day;
    case OV_UNIT_MONTH:
        return month;
    case OV_UNIT_QUARTER:
        return (month - 1) / 3 + 1;
    case OV_UNIT_YEAR:
        return year;
    case OV_UNIT_DECADE:
        return year / 10;
    case OV_UNIT_CENTURY:
        return ceil_div(year, 100);
    case OV_UNIT_MILLENNIUM:
        return ceil_div(year, 1000);
    case OV_UNIT_DOY:
        return days - ov_days_from_civil(year, 1, 1) + 1;
    default:
        OV_ASSERT(false);
        return 0;
    }
}

int64_t ov_time_extract(ov_time_unit unit, int64_t ms, const ov_tz *zone)
{
    if (unit == OV_UNIT_EPOCH)
        return ms / 1000;
    if (unit == OV_UNIT_MICROSECOND)
        return ms / 1000 / 1000; /* what Druid answers, odd as it is */
    int64_t local = ov_tz_to_local(zone, ms);
    switch (unit) {
    case OV_UNIT_MILLISECOND:
        return ov_floor_mod(local, 1000);
    case OV_UNIT_SECOND:
        return ov_floor_mod(local, OV_MS_PER_MINUTE) / OV_MS_PER_SECOND;
    case OV_UNIT_MINUTE:
        return ov_floor_mod(local, OV_MS_PER_HOUR) / OV_MS_PER_MINUTE;
    case OV_UNIT_HOUR:
        return ov_floor_mod(local, OV_MS_PER_DAY) / OV_MS_PER_HOUR;
    default:
        return extract_day_or_more(unit, ov_floor_div(local, OV_MS_PER_DAY));
    }
}

/* Whole parts of `unit` since the last whole `period`; both are constants at the calls. */
OV_INLINE void extract_within(int64_t period, int64_t unit, int64_t offset, const int64_t *in, int64_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ov_floor_mod(in[i] + offset, period) / unit;
}

/* Units within a day in a zone that is always as far from UTC; false for others. */
static bool extract_clock(ov_time_unit unit, int64_t offset, const int64_t *in, int64_t *out, size_t n)
{
    if (unit == OV_UNIT_SECOND)
        extract_within(OV_MS_PER_MINUTE, OV_MS_PER_SECOND, offset, in, out, n);
    else if (unit == OV_UNIT_MINUTE)
        extract_within(OV_MS_PER_HOUR, OV_MS_PER_MINUTE, offset, in, out, n);
    else if (unit == OV_UNIT_HOUR)
        extract_within(OV_MS_PER_DAY, OV_MS_PER_HOUR, offset, in, out, n);
    else
        return false;
    return true;
}

void ov_time_extract_n(ov_time_unit unit, const ov_tz *zone, const int64_t *in, int64_t *out,
                       size_t n)
{
    bool whole_days = unit >= OV_UNIT_DAY && unit != OV_UNIT_EPOCH && unit != OV_UNIT_MICROSECOND;
    if (ov_tz_is_fixed(zone) && extract_clock(unit, ov_tz_offset(zone, 0), in, out, n))
        return;
    if (!whole_days || !ov_tz_is_fixed(zone)) {
        for (size_t i = 0; i < n; i++)
            out[i] = ov_time_extract(unit, in[i], zone);
        return;
    }
    int64_t day = INT64_MIN, value = 0; /* rows of one day follow each other */
    int64_t offset = ov_tz_offset(zone, 0);
    for (size_t i = 0; i < n; i++) {
        int64_t d = ov_floor_div(in[i] + offset, OV_MS_PER_DAY);
        if (d != day) {
            day = d;
            value = extract_day_or_more(unit, d);
        }
        out[i] = value;
    }
}

bool ov_time_unit_can_floor(ov_time_unit unit)
{
    return unit <= OV_UNIT_MILLENNIUM;
}

/* Length of units that real time is cut into, else 0. */
static int64_t fixed_length(ov_time_unit unit)
{
    switch (unit) {
    case OV_UNIT_MILLISECOND:
        return 1;
    case OV_UNIT_SECOND:
        return OV_MS_PER_SECOND;
    case OV_UNIT_MINUTE:
        return OV_MS_PER_MINUTE;
    case OV_UNIT_HOUR:
        return OV_MS_PER_HOUR;
    default:
        return 0;
    }
}

/* First day of the unit `step` units after the one that holds `days`. */
static int64_t unit_start(ov_time_unit unit, int64_t days, int64_t step)
{
    int32_t y, month, day;
    if (unit == OV_UNIT_DAY)
        return days + step;
    if (unit == OV_UNIT_WEEK)
        return days - day_of_week(days) + 1 + 7 * step;
    ov_days_to_civil(days, &y, &month, &day);
    int64_t year = y;
    switch (unit) {
    case OV_UNIT_MONTH:
    case OV_UNIT_QUARTER: {
        int64_t width = unit == OV_UNIT_MONTH ? 1 : 3;
        int64_t index = ov_floor_div(year * 12 + month - 1, width) * width + width * step;
        return ov_days_from_civil(ov_floor_div(index, 12), (int32_t)ov_floor_mod(index, 12) + 1, 1);
    }
    case OV_UNIT_YEAR:
        return ov_days_from_civil(year + step, 1, 1);
    case OV_UNIT_DECADE:
        return ov_days_from_civil((ov_floor_div(year, 10) + step) * 10, 1, 1);
    case OV_UNIT_CENTURY:
        return ov_days_from_civil((ov_floor_div(year - 1, 100) + step) * 100 + 1, 1, 1);
    case OV_UNIT_MILLENNIUM:
        return ov_days_from_civil((ov_floor_div(year - 1, 1000) + step) * 1000 + 1, 1, 1);
    default:
        OV_ASSERT(false);
        return days;
    }
}

int64_t ov_time_floor_unit(ov_time_unit unit, int64_t ms, const ov_tz *zone)
{
    if (!ov_time_unit_can_floor(unit))
        return ms;
    int64_t length = fixed_length(unit);
    if (length) {
        int64_t offset = ov_tz_offset(zone, ms);
        return ov_floor_div(ms + offset, length) * length - offset;
    }
    int64_t local = ov_tz_to_local(zone, ms);
    int64_t start = unit_start(unit, ov_floor_div(local, OV_MS_PER_DAY), 0) * OV_MS_PER_DAY;
    return ov_tz_from_local_near(zone, start, ms);
}

int64_t ov_time_ceil_unit(ov_time_unit unit, int64_t ms, const ov_tz *zone)
{
    int64_t floor = ov_time_floor_unit(unit, ms, zone);
    if (floor == ms)
        return ms;
    int64_t length = fixed_length(unit);
    if (length)
        return floor + length;
    int64_t local = ov_tz_to_local(zone, ms);
    int64_t next = unit_start(unit, ov_floor_div(local, OV_MS_PER_DAY), 1) * OV_MS_PER_DAY;
    return ov_tz_from_local(zone, next);
}

int64_t ov_time_add_months(int64_t ms, int64_t months, const ov_tz *zone)
{
    int64_t local = ov_tz_to_local(zone, ms);
    int64_t days = ov_floor_div(local, OV_MS_PER_DAY);
    int32_t year, month, day;
    ov_days_to_civil(days, &year, &month, &day);
    if (months > INT64_C(4000000000) || months < -INT64_C(4000000000))
        return months < 0 ? OV_TIME_MIN : OV_TIME_MAX;
    int64_t index = (int64_t)year * 12 + month - 1 + months;
    int64_t y = ov_floor_div(index, 12);
    int32_t m = (int32_t)ov_floor_mod(index, 12) + 1;
    int64_t target = ov_days_from_civil(y, m, OV_MIN(day, ov_days_in_month(y, m)));
    if (target >= OV_TIME_MAX / OV_MS_PER_DAY || target <= OV_TIME_MIN / OV_MS_PER_DAY)
        return target < 0 ? OV_TIME_MIN : OV_TIME_MAX;
    return ov_tz_from_local(zone, local + (target - days) * OV_MS_PER_DAY);
}

int64_t ov_time_months_between(int64_t a, int64_t b, const ov_tz *zone)
{
    if (b < a)
        return -ov_time_months_between(b, a, zone);
    a = ov_tz_to_local(zone, a);
    b = ov_tz_to_local(zone, b);
    ov_civil from, to;
    ov_civil_from_ms(a, &from);
    ov_civil_from_ms(b, &to);
    int64_t months = ((int64_t)to.year - from.year) * 12 + to.month - from.month;
    /* a + months must not pass b; the day is cut to the month's last, as in ov_time_add_months */
    return months - (months > 0 && ov_time_add_months(a, months, NULL) > b);
}
