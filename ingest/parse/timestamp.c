/* Time stamps of rows; see ingest/parse/timestamp.h. */
#include "ingest/parse/timestamp.h"

#include "base/numparse.h"
#include "base/tz.h"

ov_status ov_timestamp_compile(ov_slice format, ov_arena *out, ov_timestamp *ts, ov_error *err)
{
    static const struct {
        const char *name;
        int64_t mul, div;
    } units[] = {
        {"posix", 1000, 1}, {"millis", 1, 1}, {"micro", 1, 1000}, {"nano", 1, 1000000},
    };
    *ts = (ov_timestamp){.kind = OV_TIMESTAMP_JODA, .mul = 1, .div = 1};
    if (format.n == 0 || ov_slice_ieq(format, OV_SLICE_LIT("auto"))) {
        ts->kind = OV_TIMESTAMP_AUTO;
        return OV_OK;
    }
    if (ov_slice_ieq(format, OV_SLICE_LIT("iso"))) {
        ts->kind = OV_TIMESTAMP_ISO;
        return OV_OK;
    }
    if (ov_slice_ieq(format, OV_SLICE_LIT("ruby"))) {
        ts->kind = OV_TIMESTAMP_RUBY;
        return OV_OK;
    }
    for (size_t i = 0; i < OV_COUNT_OF(units); i++)
        if (ov_slice_ieq(format, ov_slice_cstr(units[i].name))) {
            ts->kind = OV_TIMESTAMP_NUMBER;
            ts->mul = units[i].mul;
            ts->div = units[i].div;
            return OV_OK;
        }
    return ov_joda_compile(format, out, &ts->joda, err);
}

static bool in_range(int64_t ms)
{
    return ms >= OV_TIME_MIN && ms < OV_TIME_MAX;
}

/* Two ASCII digits at p: 0..99, or above 99 when one of them is none. */
OV_INLINE unsigned two_digits(const char *p)
{
    unsigned a = (unsigned)(uint8_t)p[0] - '0', b = (unsigned)(uint8_t)p[1] - '0';
    return ((a > 9) | (b > 9)) ? 100 : a * 10 + b;
}

/* yyyy-MM-ddTHH:mm:ss[.SSS][Z], by far the most frequent form; false sends the text to the general reader. */
OV_INLINE bool read_common_iso(ov_timestamp_memo *memo, ov_slice s, int64_t *ms)
{
    if (s.n < 19 || s.n > 24)
        return false;
    const char *p = s.p;
    if (p[13] != ':' || p[16] != ':' || (p[10] != 'T' && p[10] != ' '))
        return false;
    uint64_t date[2] = {0, 0};
    memcpy(date, p, 8);
    memcpy(date + 1, p + 8, 2);
    if (date[0] != memo->date[0] || date[1] != memo->date[1] || date[0] == 0) {
        unsigned y1 = two_digits(p), y2 = two_digits(p + 2), m = two_digits(p + 5),
                 d = two_digits(p + 8);
        if (p[4] != '-' || p[7] != '-' || y1 > 99 || y2 > 99 || m < 1 || m > 12 || d < 1 || d > 31)
            return false;
        int64_t year = (int64_t)y1 * 100 + y2;
        if (d > (unsigned)ov_days_in_month(year, (int32_t)m))
            return false;
        memo->date_ms = ov_days_from_civil(year, (int32_t)m, (int32_t)d) * OV_MS_PER_DAY;
        memcpy(memo->date, date, sizeof date);
    }
    unsigned hour = two_digits(p + 11), minute = two_digits(p + 14), second = two_digits(p + 17);
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t t = memo->date_ms + ((int64_t)hour * 60 + minute) * 60000 + (int64_t)second * 1000;
    size_t at = 19;
    if (at < s.n && p[at] == '.') {
        if (s.n < 23)
            return false;
        unsigned a = (unsigned)(uint8_t)p[20] - '0', b = two_digits(p + 21);
        if (a > 9 || b > 99)
            return false;
        t += a * 100 + b;
        at = 23;
    }
    if (at < s.n && p[at] == 'Z')
        at++;
    *ms = t;
    return at == s.n;
}

static ov_slice strip_quotes(ov_slice s)
{
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"') {
        s.p++;
        s.n -= 2;
        while (s.n && s.p[0] == ' ') {
            s.p++;
            s.n--;
        }
        while (s.n && s.p[s.n - 1] == ' ')
            s.n--;
    }
    return s;
}

static bool all_digits(ov_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* "2015-09-12 00:46:58 America/Los_Angeles": a zone name behind the last blank. */
static bool read_zoned(ov_slice s, int64_t *ms)
{
    size_t blank = s.n;
    while (blank > 0 && s.p[blank - 1] != ' ')
        blank--;
    if (blank < 4 || blank == s.n || (s.p[blank] >= '0' && s.p[blank] <= '9'))
        return false;
    const ov_tz *zone = NULL;
    ov_error ignored = OV_ERROR_INIT;
    if (ov_tz_get(ov_slice_make(s.p + blank, s.n - blank), &zone, &ignored) != OV_OK)
        return false;
    return ov_iso_try(ov_slice_make(s.p, blank - 1), zone, ms);
}

static bool scale(const ov_timestamp *ts, int64_t v, int64_t *ms)
{
    int64_t t;
    if (__builtin_mul_overflow(v, ts->mul, &t))
        return false;
    t /= ts->div;
    *ms = t;
    return in_range(t);
}

static bool scale_real(const ov_timestamp *ts, double v, int64_t *ms)
{
    double t = v * (double)ts->mul / (double)ts->div;
    if (!(t > (double)OV_TIME_MIN && t < (double)OV_TIME_MAX))
        return false;
    *ms = (int64_t)t;
    return true;
}

bool ov_timestamp_text(const ov_timestamp *ts, ov_timestamp_memo *memo, ov_slice text, int64_t *ms)
{
    int64_t v;
    double f;
    switch (ts->kind) {
    case OV_TIMESTAMP_AUTO:
    case OV_TIMESTAMP_ISO:
        if (OV_LIKELY(read_common_iso(memo, text, ms)))
            return true;
        text = strip_quotes(text);
        if (ts->kind == OV_TIMESTAMP_AUTO && all_digits(text))
            return ov_parse_i64(text, ms) && in_range(*ms);
        if (text.n == 0)
            return false;
        if (ov_iso_try(text, NULL, ms))
            return in_range(*ms);
        return ts->kind == OV_TIMESTAMP_AUTO && read_zoned(text, ms) && in_range(*ms);
    case OV_TIMESTAMP_NUMBER:
        return ov_parse_i64(strip_quotes(text), &v) && scale(ts, v, ms);
    case OV_TIMESTAMP_RUBY:
        return ov_parse_double(strip_quotes(text), &f) &&
               scale_real(&(ov_timestamp){.mul = 1000, .div = 1}, f, ms);
    case OV_TIMESTAMP_JODA:
        return ov_joda_try(ts->joda, strip_quotes(text), NULL, ms) && in_range(*ms);
    }
    return false;
}

ov_status ov_timestamp_explain(const ov_timestamp *ts, ov_slice text, ov_error *err)
{
    int64_t ms;
    return ts->kind == OV_TIMESTAMP_JODA ? ov_joda_parse(ts->joda, strip_quotes(text), NULL, &ms, err) : OV_OK;
}

bool ov_timestamp_i64(const ov_timestamp *ts, int64_t v, ov_slice literal, int64_t *ms)
{
    switch (ts->kind) {
    case OV_TIMESTAMP_JODA:
        return ov_joda_try(ts->joda, literal, NULL, ms) && in_range(*ms);
    case OV_TIMESTAMP_RUBY:
        return scale(&(ov_timestamp){.mul = 1000, .div = 1}, v, ms);
    case OV_TIMESTAMP_ISO: /* Druid reads the digits as ISO text: 2015 is a year */
        return ov_iso_try(literal, NULL, ms) && in_range(*ms);
    case OV_TIMESTAMP_AUTO:
    case OV_TIMESTAMP_NUMBER:
        break;
    }
    return scale(ts, v, ms);
}

bool ov_timestamp_f64(const ov_timestamp *ts, double v, ov_slice literal, int64_t *ms)
{
    switch (ts->kind) {
    case OV_TIMESTAMP_JODA:
        return ov_joda_try(ts->joda, literal, NULL, ms) && in_range(*ms);
    case OV_TIMESTAMP_RUBY:
        return scale_real(&(ov_timestamp){.mul = 1000, .div = 1}, v, ms);
    case OV_TIMESTAMP_ISO:
        return false;
    case OV_TIMESTAMP_AUTO:
    case OV_TIMESTAMP_NUMBER:
        break;
    }
    return scale_real(ts, v, ms);
}
