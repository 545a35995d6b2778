/* ISO-8601 periods: text and shifting. */
#include "base/period.h"

#include "base/tz.h"

/* The fields in the order they are written; the time part starts at hours. */
static const struct {
    char letter;
    bool time;
    const char *name;
    size_t offset;
} fields[] = {
    {'Y', false, "years", offsetof(ov_period, years)},
    {'M', false, "months", offsetof(ov_period, months)},
    {'W', false, "weeks", offsetof(ov_period, weeks)},
    {'D', false, "days", offsetof(ov_period, days)},
    {'H', true, "hours", offsetof(ov_period, hours)},
    {'M', true, "minutes", offsetof(ov_period, minutes)},
    {'S', true, "seconds", offsetof(ov_period, seconds)},
};
enum { FIELDS = OV_COUNT_OF(fields), SECONDS = FIELDS - 1 };

static int32_t *field_of(ov_period *p, int i)
{
    return (int32_t *)(void *)((char *)p + fields[i].offset);
}

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

/* [+-]digits, and for seconds a fraction; the sign goes to both. */
typedef struct number {
    int32_t whole, ms;
    bool any, fraction, too_big;
} number;

static const char *scan_number(const char *at, const char *end, number *out)
{
    bool minus = at < end && *at == '-';
    if (minus || (at < end && *at == '+'))
        at++;
    int64_t v = 0;
    for (; at < end && (unsigned char)(*at - '0') < 10; at++) {
        v = v * 10 + (*at - '0');
        out->any = true;
        if (v > INT32_MAX) {
            out->too_big = true;
            v = 0;
        }
    }
    if (out->any && at < end && (*at == '.' || *at == ',')) {
        int32_t weight = 100;
        for (at++; at < end && (unsigned char)(*at - '0') < 10; at++, weight /= 10) {
            out->ms += (*at - '0') * weight;
            out->fraction = true;
        }
    }
    out->whole = (int32_t)(minus ? -v : v);
    if (minus)
        out->ms = -out->ms;
    return at;
}

/* What to say about a letter that does not fit after the fields seen so far. */
static ov_status bad_letter(ov_slice text, char letter, bool in_time, int next, ov_error *err)
{
    for (int i = 0; i < FIELDS; i++) {
        if (fields[i].letter != letter)
            continue;
        if (fields[i].time != in_time && letter != 'M')
            return ov_fail(err, OV_INVALID, OV_SLICE_FMT " is not a period: %s come %s the T",
                           OV_SLICE_ARG(text), fields[i].name, in_time ? "before" : "after");
        if (fields[i].time == in_time && i < next)
            return ov_fail(err, OV_INVALID,
                           OV_SLICE_FMT
                           " is not a period: %s come twice or too late (the order is %s)",
                           OV_SLICE_ARG(text), fields[i].name, in_time ? "H, M, S" : "Y, M, W, D");
    }
    return ov_fail(err, OV_INVALID, OV_SLICE_FMT " is not a period: '%c' is no unit (%s)",
                   OV_SLICE_ARG(text), letter,
                   in_time ? "H, M, S" : "Y, M, W, D, or T before a time");
}

ov_status ov_period_parse(ov_slice text, ov_period *out, ov_error *err)
{
    ov_period p = {0};
    const char *at = text.p, *end = text.p + text.n;
    if (at == end || upper(*at) != 'P')
        return ov_fail(err, OV_INVALID,
                       "'" OV_SLICE_FMT
                       "' is not a period: it must start with P, as P1D, PT1H or P1Y2M",
                       OV_SLICE_ARG(text));
    at++;
    bool in_time = false, any = false;
    int next = 0; /* first field that may still come */
    while (at < end) {
        if (upper(*at) == 'T' && !in_time) {
            in_time = true;
            next = OV_MAX(next, 4);
            if (++at == end)
                return ov_fail(err, OV_INVALID,
                               OV_SLICE_FMT " is not a period: nothing follows the T",
                               OV_SLICE_ARG(text));
            continue;
        }
        number v = {0};
        at = scan_number(at, end, &v);
        if (!v.any || at == end)
            return ov_fail(
                err, OV_INVALID, OV_SLICE_FMT " is not a period: a %s is expected at character %zu",
                OV_SLICE_ARG(text), v.any ? "unit letter" : "number", (size_t)(at - text.p) + 1);
        if (v.too_big)
            return ov_fail(err, OV_INVALID, OV_SLICE_FMT " is not a period: a number is too large",
                           OV_SLICE_ARG(text));
        char letter = upper(*at++);
        int i = next;
        while (i < FIELDS && (fields[i].letter != letter || fields[i].time != in_time))
            i++;
        if (i == FIELDS)
            return bad_letter(text, letter, in_time, next, err);
        if (v.fraction && i != SECONDS)
            return ov_fail(err, OV_INVALID,
                           OV_SLICE_FMT " is not a period: only seconds may have a fraction",
                           OV_SLICE_ARG(text));
        *field_of(&p, i) = v.whole;
        if (i == SECONDS)
            p.millis = v.ms;
        next = i + 1;
        any = true;
    }
    if (!any)
        return ov_fail(err, OV_INVALID, OV_SLICE_FMT " is not a period: it names no length",
                       OV_SLICE_ARG(text));
    *out = p;
    return OV_OK;
}

void ov_period_add(ov_buf *out, const ov_period *p)
{
    ov_period copy = *p;
    bool in_time = false, any = false;
    ov_buf_add_char(out, 'P');
    for (int i = 0; i < FIELDS; i++) {
        int32_t v = *field_of(&copy, i);
        bool ms = i == SECONDS && p->millis;
        if (v == 0 && !ms)
            continue;
        if (fields[i].time && !in_time) {
            ov_buf_add_char(out, 'T');
            in_time = true;
        }
        if (ms) {
            int64_t total = (int64_t)v * 1000 + p->millis;
            int64_t size = total < 0 ? -total : total;
            ov_buf_addf(out, "%s%lld.%03d", total < 0 ? "-" : "", (long long)(size / 1000),
                        (int)(size % 1000));
        } else {
            ov_buf_add_i64(out, v);
        }
        ov_buf_add_char(out, fields[i].letter);
        any = true;
    }
    if (!any)
        ov_buf_add_str(out, "T0S");
}

bool ov_period_is_zero(const ov_period *p)
{
    return !p->years && !p->months && !p->weeks && !p->days && !p->hours && !p->minutes &&
           !p->seconds && !p->millis;
}

bool ov_period_fixed_ms(const ov_period *p, int64_t *out)
{
    if (p->years || p->months)
        return false;
    /* each product is below 2^31 x 6.1e8 = 1.3e18, their sum below 1.6e18: no overflow */
    *out = ((int64_t)p->weeks * 7 + p->days) * OV_MS_PER_DAY + (int64_t)p->hours * OV_MS_PER_HOUR +
           (int64_t)p->minutes * OV_MS_PER_MINUTE + (int64_t)p->seconds * OV_MS_PER_SECOND +
           p->millis;
    return true;
}

/* *ms += n x unit, unless that leaves the range. */
static bool add_scaled(int64_t *ms, int64_t n, int64_t unit)
{
    int64_t delta;
    return !__builtin_mul_overflow(n, unit, &delta) && !__builtin_add_overflow(*ms, delta, ms) &&
           *ms >= OV_TIME_MIN && *ms <= OV_TIME_MAX;
}

static bool shift(int64_t *ms, const ov_period *p, int64_t count, const ov_tz *zone)
{
    if (p->years || p->months) {
        int64_t years, months;
        if (__builtin_mul_overflow((int64_t)p->years * 12, count, &years) ||
            __builtin_mul_overflow((int64_t)p->months, count, &months))
            return false;
        if (years)
            *ms = ov_time_add_months(*ms, years, zone);
        if (months)
            *ms = ov_time_add_months(*ms, months, zone);
        if (*ms <= OV_TIME_MIN || *ms >= OV_TIME_MAX)
            return false;
    }
    if (p->weeks || p->days) {
        int64_t local = ov_tz_to_local(zone, *ms);
        int64_t days;
        if (__builtin_mul_overflow((int64_t)p->weeks * 7 + p->days, count, &days) ||
            !add_scaled(&local, days, OV_MS_PER_DAY))
            return false;
        *ms = ov_tz_from_local(zone, local);
    }
    const ov_period time = {
        .hours = p->hours, .minutes = p->minutes, .seconds = p->seconds, .millis = p->millis};
    int64_t step;
    return ov_period_fixed_ms(&time, &step) && add_scaled(ms, count, step);
}

ov_status ov_period_shift(int64_t ms, const ov_period *p, int64_t count, const ov_tz *zone,
                          int64_t *out, ov_error *err)
{
    if (!shift(&ms, p, count, zone))
        return ov_fail(err, OV_INVALID,
                       "moving a time by %lld times the period leaves the range of times",
                       (long long)count);
    *out = ms;
    return OV_OK;
}
