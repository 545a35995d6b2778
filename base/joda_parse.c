/*
 * Joda patterns: parsing. Fields are collected first and then set on 1970-01-01T00:00 from the
 * largest to the smallest, the way Joda does it: that decides what an incomplete or redundant
 * pattern means. One rule surprises: a month or day without any year belongs to the year 2000.
 */
#include "base/joda.h"

#include "base/joda_int.h"
#include "base/tz.h"

enum field {
    ERA,
    CENTURY,
    YEAR,
    WEEKYEAR,
    MONTH,
    WEEK,
    DAY_OF_YEAR,
    DAY,
    WEEKDAY,
    HALFDAY,
    HOUR,
    HOUR12,
    MINUTE,
    SECOND,
    MS,
    FIELDS
};

typedef struct parse {
    const char *start, *at, *end;
    const char *wanted; /* why it failed */
    bool has[FIELDS];
    int32_t v[FIELDS];
    bool year_of_era;
    bool has_offset;
    int32_t offset_ms;
    bool has_zone;
    const ov_tz *zone;
} parse;

static bool fail(parse *p, const char *at, const char *wanted)
{
    p->at = at;
    p->wanted = wanted;
    return false;
}

static void set(parse *p, enum field f, int32_t v)
{
    p->has[f] = true;
    p->v[f] = v;
}

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static int take_digits(parse *p, int max, int32_t *out)
{
    int n = 0;
    int32_t v = 0;
    while (n < max && p->at < p->end && is_digit(*p->at)) {
        v = v * 10 + (*p->at++ - '0');
        n++;
    }
    *out = v;
    return n;
}

static bool take_number(parse *p, const ovi_joda_step *s, enum field f, int32_t min, int32_t max,
                        const char *wanted)
{
    const char *at = p->at;
    int32_t v;
    if (!take_digits(p, s->digits, &v) || v < min || v > max)
        return fail(p, at, wanted);
    set(p, f, v);
    return true;
}

static bool take_year(parse *p, const ovi_joda_step *s, enum field f, int32_t pivot_low)
{
    const char *at = p->at;
    bool sign = p->at < p->end && (*p->at == '-' || *p->at == '+');
    bool minus = sign && *p->at == '-';
    p->at += sign;
    int32_t v;
    int n = take_digits(p, s->digits, &v);
    if (!n || (s->width == 2 && !s->lenient && (n != 2 || sign)))
        return fail(p, at, "a year");
    if (s->width == 2 && n == 2 && !sign)
        v = pivot_low + (int32_t)ov_floor_mod(v - pivot_low, 100);
    set(p, f, minus ? -v : v);
    return true;
}

static bool take_fraction(parse *p, const ovi_joda_step *s)
{
    int32_t ms = 0, weight = 100;
    int n = 0;
    for (; n < s->digits && p->at < p->end && is_digit(*p->at); n++, weight /= 10)
        ms += (*p->at++ - '0') * weight;
    if (!n)
        return fail(p, p->at, "the fraction of a second");
    set(p, MS, ms);
    return true;
}

static bool starts_without_case(const parse *p, ov_slice word)
{
    return (size_t)(p->end - p->at) >= word.n && ov_slice_ieq((ov_slice){p->at, word.n}, word);
}

/* One of the names, whole or its first three letters; whole ones first. */
static bool take_name(parse *p, const char *const *names, int count, enum field f,
                      const char *wanted)
{
    for (int whole = 1; whole >= 0; whole--)
        for (int i = 0; i < count; i++) {
            ov_slice name = ov_slice_cstr(names[i]);
            if (!whole)
                name.n = OV_MIN(name.n, (size_t)3);
            if (starts_without_case(p, name)) {
                p->at += name.n;
                set(p, f, i + 1);
                return true;
            }
        }
    return fail(p, p->at, wanted);
}

static bool take_era(parse *p)
{
    static const struct {
        const char *name;
        int32_t era;
    } eras[] = {{"BCE", 0}, {"BC", 0}, {"AD", 1}, {"CE", 1}};
    for (size_t i = 0; i < OV_COUNT_OF(eras); i++)
        if (starts_without_case(p, ov_slice_cstr(eras[i].name))) {
            p->at += strlen(eras[i].name);
            set(p, ERA, eras[i].era);
            return true;
        }
    return fail(p, p->at, "AD or BC");
}

/* Z, +07, +0700, +07:00, with seconds too */
static bool take_offset(parse *p)
{
    const char *at = p->at;
    p->has_offset = true;
    p->has_zone = false;
    p->offset_ms = 0;
    if (p->at < p->end && (*p->at == 'Z' || *p->at == 'z')) {
        p->at++;
        return true;
    }
    if (p->at == p->end || (*p->at != '+' && *p->at != '-'))
        return fail(p, at, "an offset such as +07:00 or Z");
    bool minus = *p->at++ == '-';
    int32_t part[3] = {0, 0, 0};
    static const int32_t most[3] = {23, 59, 59};
    for (int i = 0; i < 3; i++) {
        if (i > 0) {
            bool colon = p->at < p->end && *p->at == ':';
            if (p->end - p->at < 2 + colon || !is_digit(p->at[colon]))
                break;
            p->at += colon;
        }
        if (take_digits(p, 2, &part[i]) != 2 || part[i] > most[i])
            return fail(p, at, "an offset such as +07:00 or Z");
    }
    p->offset_ms = ((part[0] * 60 + part[1]) * 60 + part[2]) * 1000;
    if (minus)
        p->offset_ms = -p->offset_ms;
    return true;
}

static bool zone_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '/' ||
           c == '_' || c == '+' || c == '-' || c == ':';
}

/* A zone's name: the longest that there is. */
static bool take_zone(parse *p)
{
    const char *from = p->at, *to = from;
    ov_error ignored = OV_ERROR_INIT;
    while (to < p->end && zone_char(*to) && to - from < 64)
        to++;
    for (; to > from; to--)
        if (ov_tz_get((ov_slice){from, (size_t)(to - from)}, &p->zone, &ignored) == OV_OK) {
            p->at = to;
            p->has_zone = true;
            p->has_offset = false;
            return true;
        }
    return fail(p, from, "a time zone");
}

/* The short names that are the same everywhere; others have more than one meaning. */
static bool take_short_zone(parse *p)
{
    static const struct {
        const char *name;
        int32_t hours;
    } names[] = {{"UTC", 0},  {"UT", 0},   {"GMT", 0},  {"EST", -5}, {"EDT", -4}, {"CST", -6},
                 {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    for (size_t i = 0; i < OV_COUNT_OF(names); i++)
        if (starts_without_case(p, ov_slice_cstr(names[i].name))) {
            p->at += strlen(names[i].name);
            p->has_offset = true;
            p->has_zone = false;
            p->offset_ms = names[i].hours * OV_MS_PER_HOUR;
            return true;
        }
    return fail(p, p->at, "a zone name such as UTC, EST or PDT");
}

static bool take_date_step(parse *p, const ovi_joda_step *s, int32_t pivot_low)
{
    switch (s->letter) {
    case 'G':
        return take_era(p);
    case 'C':
        return take_number(p, s, CENTURY, 0, 2900000, "a century");
    case 'Y':
        p->year_of_era = true;
        return take_year(p, s, YEAR, pivot_low);
    case 'y':
        p->year_of_era = false;
        return take_year(p, s, YEAR, pivot_low);
    case 'x':
        return take_year(p, s, WEEKYEAR, pivot_low);
    case 'M':
        return s->width > 2 ? take_name(p, ovi_joda_months, 12, MONTH, "the name of a month")
                            : take_number(p, s, MONTH, 1, 12, "a month, 1..12");
    case 'w':
        return take_number(p, s, WEEK, 1, 53, "a week, 1..53");
    case 'D':
        return take_number(p, s, DAY_OF_YEAR, 1, 366, "a day of the year, 1..366");
    case 'd':
        return take_number(p, s, DAY, 1, 31, "a day of the month, 1..31");
    case 'e':
        return take_number(p, s, WEEKDAY, 1, 7, "a day of the week, 1..7");
    default: /* E */
        return take_name(p, ovi_joda_days, 7, WEEKDAY, "the name of a day");
    }
}

static bool take_time_step(parse *p, const ovi_joda_step *s)
{
    static const char *const halves[2] = {"AM", "PM"};
    switch (s->letter) {
    case 'a':
        return take_name(p, halves, 2, HALFDAY, "AM or PM");
    case 'H':
        return take_number(p, s, HOUR, 0, 23, "an hour, 0..23");
    case 'k':
        if (!take_number(p, s, HOUR, 1, 24, "an hour, 1..24"))
            return false;
        p->v[HOUR] %= 24;
        return true;
    case 'K':
        return take_number(p, s, HOUR12, 0, 11, "an hour, 0..11");
    case 'h':
        if (!take_number(p, s, HOUR12, 1, 12, "an hour, 1..12"))
            return false;
        p->v[HOUR12] %= 12;
        return true;
    case 'm':
        return take_number(p, s, MINUTE, 0, 59, "a minute, 0..59");
    case 's':
        return take_number(p, s, SECOND, 0, 59, "a second, 0..59");
    case 'S':
        return take_fraction(p, s);
    case 'z':
        return take_short_zone(p);
    default: /* Z */
        return s->width > 2 ? take_zone(p) : take_offset(p);
    }
}

static bool take_steps(parse *p, const ov_joda *j)
{
    for (size_t i = 0; i < j->count; i++) {
        const ovi_joda_step *s = &j->steps[i];
        if (s->letter == '\'') {
            if (!starts_without_case(p, s->text)) /* Joda does not mind the case */
                return fail(p, p->at, "the fixed text of the format");
            p->at += s->text.n;
        } else if (!(strchr("GCYyxMwDdeE", s->letter) ? take_date_step(p, s, j->pivot_low)
                                                      : take_time_step(p, s))) {
            return false;
        }
    }
    return p->at == p->end || fail(p, p->at, "nothing more");
}

/* ---- from fields to days ---- */

static bool year_in_range(int64_t year)
{
    return year > -146000000 && year < 146000000;
}

static int64_t resolve_year(const parse *p)
{
    int64_t year = p->has[YEAR] ? p->v[YEAR] : 1970;
    if (p->has[CENTURY])
        year = (int64_t)p->v[CENTURY] * 100 + ov_floor_mod(year, 100);
    if (p->has[ERA] && p->v[ERA] == 0 && (p->year_of_era || p->has[YEAR] || p->has[CENTURY]))
        year = 1 - year;
    return year;
}

/* The day of an ISO week date; weekday and week of `days` are kept where none is given. */
static bool apply_weeks(parse *p, int64_t *days)
{
    int64_t week_year = ov_time_extract(OV_UNIT_ISOYEAR, *days * OV_MS_PER_DAY, NULL);
    int64_t week = ov_time_extract(OV_UNIT_WEEK, *days * OV_MS_PER_DAY, NULL);
    int64_t weekday = ov_time_extract(OV_UNIT_DOW, *days * OV_MS_PER_DAY, NULL);
    if (p->has[WEEKYEAR])
        week_year = p->v[WEEKYEAR];
    if (p->has[WEEK])
        week = p->v[WEEK];
    if (!year_in_range(week_year))
        return fail(p, p->start, "a year within about 146 million of 1970");
    int64_t jan4 = ov_days_from_civil(week_year, 1, 4),
            next = ov_days_from_civil(week_year + 1, 1, 4);
    int64_t monday = jan4 - ov_floor_mod(jan4 + 3, 7);
    if (week > (next - ov_floor_mod(next + 3, 7) - monday) / 7) {
        if (p->has[WEEK])
            return fail(p, p->start, "a week that the year has");
        week = 52;
    }
    *days = monday + 7 * (week - 1) + weekday - 1;
    return true;
}

static bool resolve_days(parse *p, int64_t *out)
{
    bool any_year = p->has[YEAR] || p->has[WEEKYEAR] || p->has[CENTURY] || p->has[ERA];
    bool any_day =
        p->has[MONTH] || p->has[WEEK] || p->has[DAY_OF_YEAR] || p->has[DAY] || p->has[WEEKDAY];
    if (any_day && !any_year)
        set(p, YEAR, 2000);
    int64_t year = resolve_year(p);
    if (!year_in_range(year))
        return fail(p, p->start, "a year within about 146 million of 1970");
    int32_t month = p->has[MONTH] ? p->v[MONTH] : 1;
    int64_t days = ov_days_from_civil(year, month, 1);
    if ((p->has[WEEKYEAR] || p->has[WEEK]) && !apply_weeks(p, &days))
        return false;
    if (p->has[DAY_OF_YEAR]) {
        if (p->v[DAY_OF_YEAR] > 337 + ov_days_in_month(year, 2))
            return fail(p, p->start, "a day that the year has");
        days = ov_days_from_civil(year, 1, 1) + p->v[DAY_OF_YEAR] - 1;
    }
    if (p->has[DAY]) {
        int32_t y, m, d;
        ov_days_to_civil(days, &y, &m, &d);
        if (p->v[DAY] > ov_days_in_month(y, m))
            return fail(p, p->start, "a day that the month has");
        days += p->v[DAY] - d;
    }
    if (p->has[WEEKDAY])
        days += p->v[WEEKDAY] - (ov_floor_mod(days + 3, 7) + 1);
    *out = days;
    return true;
}

static bool resolve(parse *p, const ov_tz *zone, int64_t *out)
{
    int64_t days;
    if (!resolve_days(p, &days))
        return false;
    int32_t hour = p->has[HALFDAY] ? 12 * (p->v[HALFDAY] - 1) : 0;
    if (p->has[HOUR])
        hour = p->v[HOUR];
    if (p->has[HOUR12])
        hour = hour / 12 * 12 + p->v[HOUR12];
    int64_t local = days * OV_MS_PER_DAY + hour * INT64_C(3600000) + p->v[MINUTE] * INT64_C(60000) +
                    p->v[SECOND] * INT64_C(1000) + p->v[MS];
    if (p->has_offset)
        *out = local - p->offset_ms;
    else if (!ov_tz_from_local_strict(p->has_zone ? p->zone : zone, local, out))
        return fail(p, p->start,
                    "a time that the zone's clocks showed (they were moved forward past it)");
    return true;
}

static bool run(parse *p, const ov_joda *j, ov_slice text, const ov_tz *zone, int64_t *out)
{
    *p = (parse){.start = text.p, .at = text.p, .end = text.p + text.n};
    return take_steps(p, j) && resolve(p, zone, out);
}

bool ov_joda_try(const ov_joda *j, ov_slice text, const ov_tz *zone, int64_t *out)
{
    parse p;
    return run(&p, j, text, zone, out);
}

ov_status ov_joda_parse(const ov_joda *j, ov_slice text, const ov_tz *zone, int64_t *out,
                        ov_error *err)
{
    parse p;
    if (run(&p, j, text, zone, out))
        return OV_OK;
    return ov_fail(err, OV_INVALID, "%s is expected at character %zu", p.wanted, (size_t)(p.at - p.start) + 1);
}
