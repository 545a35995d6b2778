/* Cron expressions; see cron.h. */
#include "ingest/schedule/cron.h"

#include "base/datetime.h"

typedef struct cron_field {
    const char *what;
    int min, max;
    const char *const *names; /* of min, min + 1, ... */
    int name_count;
} cron_field;

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
static const char *const day_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};

static const cron_field fields[5] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day of the month", 1, 31, NULL, 0},
    {"month", 1, 12, month_names, 12},
    {"day of the week", 0, 7, day_names, 7},
};

static ov_status bad_field(const cron_field *f, ov_slice text, ov_error *err)
{
    return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is no %s of a cron expression: *, %d to %d%s, a-b, */n and lists of these are",
                   OV_SLICE_ARG(text), f->what, f->min, f->max, f->names ? ", names of three letters" : "");
}

/* A number or name at the start of *s. */
static bool take_value(const cron_field *f, ov_slice *s, int *out)
{
    size_t n = 0;
    int v = 0;
    while (n < s->n && n < 4 && s->p[n] >= '0' && s->p[n] <= '9')
        v = v * 10 + (s->p[n++] - '0');
    for (int i = 0; n == 0 && i < f->name_count; i++)
        if (s->n >= 3 && ov_slice_ieq(ov_slice_make(s->p, 3), ov_slice_cstr(f->names[i]))) {
            v = f->min + i;
            n = 3;
        }
    *s = ov_slice_make(s->p + n, s->n - n);
    *out = v;
    return n > 0 && v >= f->min && v <= f->max;
}

/* One item of a list: * a a-b, each with /n. */
static bool read_item(const cron_field *f, ov_slice s, uint64_t *bits)
{
    int from = f->min, to = f->max, step = 1;
    bool star = s.n && (s.p[0] == '*' || s.p[0] == '?');
    if (star) {
        s = ov_slice_make(s.p + 1, s.n - 1);
        to = f->max == 7 ? 6 : f->max;
    } else {
        if (!take_value(f, &s, &from))
            return false;
        bool open = s.n && s.p[0] == '/'; /* 5/15: from 5 on */
        to = open ? f->max : from;
        if (s.n && s.p[0] == '-') {
            s = ov_slice_make(s.p + 1, s.n - 1);
            if (!take_value(f, &s, &to) || to < from)
                return false;
        }
    }
    if (s.n && s.p[0] == '/') {
        static const cron_field steps = {"step", 1, 999, NULL, 0};
        s = ov_slice_make(s.p + 1, s.n - 1);
        if (!take_value(&steps, &s, &step))
            return false;
    }
    for (int v = from; s.n == 0 && v <= to; v += step)
        *bits |= UINT64_C(1) << v;
    return s.n == 0;
}

static ov_status read_field(const cron_field *f, ov_slice text, uint64_t *bits, ov_error *err)
{
    ov_slice rest = text;
    *bits = 0;
    for (;;) {
        const char *comma = rest.n ? memchr(rest.p, ',', rest.n) : NULL;
        ov_slice item = ov_slice_make(rest.p, comma ? (size_t)(comma - rest.p) : rest.n);
        if (!read_item(f, item, bits))
            return bad_field(f, text, err);
        if (!comma)
            return OV_OK;
        rest = ov_slice_make(comma + 1, rest.n - item.n - 1);
    }
}

/* As in cron(8): a field that begins with a star restricts nothing, though every other day of it may fit. */
static bool is_any(ov_slice s)
{
    return s.p[0] == '*' || s.p[0] == '?';
}

static ov_slice long_form(ov_slice text)
{
    static const struct {
        const char *name, *means;
    } known[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
                 {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}};
    for (size_t i = 0; i < OV_COUNT_OF(known); i++)
        if (ov_slice_ieq(text, ov_slice_cstr(known[i].name)))
            return ov_slice_cstr(known[i].means);
    return text;
}

ov_status ov_cron_parse(ov_slice text, ov_cron *out, ov_error *err)
{
    ov_slice parts[6] = {{0}}, s = long_form(text);
    uint64_t bits[5];
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < 6;) {
        size_t start = i;
        while (i < s.n && s.p[i] != ' ' && s.p[i] != '\t')
            i++;
        if (i > start)
            parts[n++] = ov_slice_make(s.p + start, i - start);
        else
            i++;
    }
    if (n != 5)
        return ov_fail(err, OV_INVALID, "'" OV_SLICE_FMT "' is no cron expression: it has five fields, minute hour day month weekday, or is "
                       "@hourly, @daily, @weekly, @monthly or @yearly", OV_SLICE_ARG(text));
    for (size_t i = 0; i < 5; i++)
        OV_TRY(read_field(&fields[i], parts[i], &bits[i], err));
    bits[4] |= bits[4] >> 7; /* 7 is Sunday too */
    *out = (ov_cron){.minutes = bits[0],
                     .hours = (uint32_t)bits[1],
                     .days = (uint32_t)bits[2],
                     .months = (uint32_t)bits[3],
                     .weekdays = (uint32_t)bits[4] & 0x7F,
                     .any_day = is_any(parts[2]),
                     .any_weekday = is_any(parts[4])};
    return OV_OK;
}

static bool date_fits(const ov_cron *c, int32_t month, int32_t day, int64_t days)
{
    bool by_day = c->days >> day & 1;
    bool by_weekday = c->weekdays >> ov_floor_mod(days + 4, 7) & 1; /* 1970-01-01 was a Thursday */
    if (!(c->months >> month & 1))
        return false;
    return c->any_day || c->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

/* The first time on the local clock at or after minute `at` (counted since 1970); INT64_MIN when there is none. */
static int64_t next_local(const ov_cron *c, int64_t at)
{
    enum { DAY = 24 * 60, MOST_DAYS = 366 * 9 };
    int64_t days = ov_floor_div(at, DAY), minute = ov_floor_mod(at, DAY);
    for (int64_t last = days + MOST_DAYS; days < last; days++, minute = 0) {
        int32_t year, month, day;
        ov_days_to_civil(days, &year, &month, &day);
        if (!date_fits(c, month, day, days))
            continue;
        for (; minute < DAY; minute++) {
            if (!(c->hours >> (minute / 60) & 1))
                minute += 59 - minute % 60;
            else if (c->minutes >> (minute % 60) & 1)
                return days * DAY + minute;
        }
    }
    return INT64_MIN;
}

/* A time the clock leaves out is the moment at which it goes on. */
static int64_t to_utc(int64_t local_ms, const ov_tz *zone)
{
    int64_t utc, from, to;
    if (!zone)
        return local_ms;
    if (ov_tz_from_local_strict(zone, local_ms, &utc))
        return ov_tz_from_local(zone, local_ms);
    utc = ov_tz_from_local(zone, local_ms);
    ov_tz_span(zone, utc, &from, &to);
    return from;
}

ov_status ov_cron_next(const ov_cron *c, int64_t after_ms, const ov_tz *zone, int64_t *out, ov_error *err)
{
    int64_t local = ov_floor_div(ov_tz_to_local(zone, after_ms), OV_MS_PER_MINUTE) - 3 * 60; /* clocks may have been put back */
    while ((local = next_local(c, local)) != INT64_MIN) {
        *out = to_utc(local * OV_MS_PER_MINUTE, zone);
        if (*out > after_ms)
            return OV_OK;
        local++;
    }
    return ov_fail(err, OV_NOT_FOUND, "the cron expression names no time in the next nine years");
}
