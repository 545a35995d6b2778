/*
 * Daylight saving after the end of a zone's table: the POSIX TZ string of its footer, such as
 * "PST8PDT,M3.2.0,M11.1.0" or "<-02>2<-01>,M3.5.0/-1,M10.5.0/0".
 */
#include "base/tz_int.h"

typedef struct text {
    const char *at, *end;
} text;

static bool take(text *t, char c)
{
    if (t->at < t->end && *t->at == c) {
        t->at++;
        return true;
    }
    return false;
}

static bool take_int(text *t, int32_t max, int32_t *out)
{
    int32_t v = 0;
    int n = 0;
    for (; t->at < t->end && (unsigned char)(*t->at - '0') < 10 && n < 4; n++)
        v = v * 10 + (*t->at++ - '0');
    *out = v;
    return n > 0 && v <= max;
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool take_seconds(text *t, int32_t max_hours, int32_t *out)
{
    bool minus = take(t, '-');
    if (!minus)
        take(t, '+');
    int32_t h, m = 0, s = 0;
    if (!take_int(t, max_hours, &h) || (take(t, ':') && !take_int(t, 59, &m)) ||
        (t->at < t->end && *t->at == ':' && (t->at++, !take_int(t, 59, &s))))
        return false;
    *out = (h * 60 + m) * 60 + s;
    if (minus)
        *out = -*out;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* PST or <+0330> */
static bool take_name(text *t, char name[OVI_TZ_ABBREVIATION_BYTES])
{
    bool quoted = take(t, '<');
    size_t n = 0;
    while (t->at < t->end && (quoted ? *t->at != '>' : is_letter(*t->at))) {
        if (n + 1 >= OVI_TZ_ABBREVIATION_BYTES)
            return false;
        name[n++] = *t->at++;
    }
    name[n] = '\0';
    return n >= 3 && (!quoted || take(t, '>'));
}

/* M3.2.0/2, J60, 59/26 */
static bool take_date(text *t, ovi_tz_date *out)
{
    *out = (ovi_tz_date){.second = 2 * 3600};
    if (take(t, 'M')) {
        out->form = OVI_TZ_MONTH;
        if (!take_int(t, 12, &out->month) || out->month < 1 || !take(t, '.') ||
            !take_int(t, 5, &out->week) || out->week < 1 || !take(t, '.') ||
            !take_int(t, 6, &out->day))
            return false;
    } else {
        out->form = take(t, 'J') ? OVI_TZ_JULIAN : OVI_TZ_DAY;
        if (!take_int(t, out->form == OVI_TZ_JULIAN ? 365 : 364 + 1, &out->day) ||
            (out->form == OVI_TZ_JULIAN && out->day < 1))
            return false;
    }
    return !take(t, '/') || take_seconds(t, 167, &out->second);
}

bool ovi_tz_rule_parse(ov_slice s, ovi_tz_rule *out)
{
    text t = {s.p, s.p + s.n};
    int32_t west;
    *out = (ovi_tz_rule){0};
    if (!take_name(&t, out->standard.abbreviation) || !take_seconds(&t, 24, &west))
        return false;
    out->standard.offset_ms = -west * 1000;
    if (t.at == t.end)
        return true;
    out->has_dst = true;
    if (!take_name(&t, out->daylight.abbreviation))
        return false;
    out->daylight.offset_ms = out->standard.offset_ms + OV_MS_PER_HOUR;
    if (t.at < t.end && *t.at != ',') {
        if (!take_seconds(&t, 24, &west))
            return false;
        out->daylight.offset_ms = -west * 1000;
    }
    return take(&t, ',') && take_date(&t, &out->to_daylight) && take(&t, ',') &&
           take_date(&t, &out->to_standard) && t.at == t.end;
}

/* When the date falls in a year, in UTC, given the offset in force before it. */
static int64_t date_in_year(const ovi_tz_date *d, int64_t year, int32_t offset_ms)
{
    int64_t day;
    if (d->form == OVI_TZ_MONTH) {
        int64_t first = ov_days_from_civil(year, d->month, 1);
        int64_t weekday = ov_floor_mod(first + 4, 7); /* 0 is Sunday */
        day = ov_floor_mod(d->day - weekday, 7) + 7 * (d->week - 1);
        if (day >= ov_days_in_month(year, d->month))
            day -= 7;
        day += first;
    } else {
        bool leap = ov_days_in_month(year, 2) == 29;
        day = ov_days_from_civil(year, 1, 1) + d->day;
        if (d->form == OVI_TZ_JULIAN)
            day += -1 + (leap && d->day >= 60);
    }
    return day * OV_MS_PER_DAY + (int64_t)d->second * 1000 - offset_ms;
}

const ovi_tz_span *ovi_tz_rule_span(const ov_tz *zone, int64_t utc_ms, int64_t *from, int64_t *to)
{
    const ovi_tz_rule *r = &zone->rule;
    int32_t year, month, day;
    ov_days_to_civil(ov_floor_div(utc_ms + r->standard.offset_ms, OV_MS_PER_DAY), &year, &month,
                     &day);
    const ovi_tz_span *now = NULL;
    *from = OV_TIME_MIN;
    *to = OV_TIME_MAX;
    for (int64_t y = (int64_t)year - 1; y <= (int64_t)year + 1; y++) {
        int64_t on = date_in_year(&r->to_daylight, y, r->standard.offset_ms);
        int64_t off = date_in_year(&r->to_standard, y, r->daylight.offset_ms);
        const struct {
            int64_t at;
            const ovi_tz_span *span;
        } changes[2] = {{on, &r->daylight}, {off, &r->standard}};
        for (int i = 0; i < 2; i++) {
            if (changes[i].at <= utc_ms && changes[i].at >= *from) {
                *from = changes[i].at;
                now = changes[i].span;
            }
            if (changes[i].at > utc_ms && changes[i].at < *to)
                *to = changes[i].at;
        }
    }
    *from = OV_MAX(*from, zone->spans[zone->count - 1].start);
    return now ? now : &r->standard;
}
