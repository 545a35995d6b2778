/* ICU's date patterns: reading, lenient. */
#include "base/icu_time.h"

#include "base/datetime.h"
#include "base/icu_time_int.h"
#include "base/joda_int.h"

typedef struct read {
    const char *at, *end;
    int32_t year, month, day, day_of_year;
    int32_t hour, half, minute, second, ms; /* half: 12 when PM */
    int64_t offset_ms;
    bool has_year_of_day, by_half, before_christ, two_digits;
} read;

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void pass_blanks(read *r)
{
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
}

/* A number of at most `most` digits (0: any, and a minus may stand before it); past 32 bits it wraps around, as Java's do. */
static bool take_number(read *r, unsigned most, int32_t *out, unsigned *digits)
{
    uint32_t v = 0;
    unsigned n = 0;
    const char *p = r->at;
    bool minus = !most && p < r->end && *p == '-';
    for (p += minus; p < r->end && is_digit(*p) && (!most || n < most); p++, n++)
        v = v * 10 + (uint32_t)(*p - '0');
    if (!n)
        return false;
    *out = ovi_icu_wrapped(minus ? 0 - (int64_t)v : (int64_t)v);
    r->at = p;
    *digits = n;
    return true;
}

static bool take_word(read *r, ov_slice word)
{
    if ((size_t)(r->end - r->at) < word.n || !ov_slice_ieq((ov_slice){r->at, word.n}, word))
        return false;
    r->at += word.n;
    return true;
}

/* One of the names, whole or its first three letters; whole ones first. */
static bool take_name(read *r, const char *const *names, int32_t count, int32_t *out)
{
    for (int whole = 1; whole >= 0; whole--)
        for (int32_t i = 0; i < count; i++) {
            ov_slice name = ov_slice_cstr(names[i]);
            if (!whole)
                name.n = OV_MIN(name.n, (size_t)3);
            if (take_word(r, name)) {
                *out = i;
                return true;
            }
        }
    return false;
}

static bool take_era(read *r)
{
    static const char *const before[] = {"Before Christ", "BC"}, *const after[] = {"Anno Domini", "AD"};
    for (size_t i = 0; i < 2; i++)
        if (take_word(r, ov_slice_cstr(before[i])))
            return r->before_christ = true;
    return take_word(r, ov_slice_cstr(after[0])) || take_word(r, ov_slice_cstr(after[1]));
}

/* Z, a name, +07, +0700, +07:00 */
static bool take_zone(read *r)
{
    static const struct {
        const char *name;
        int32_t hours;
    } names[] = {{"UTC", 0},  {"GMT", 0},  {"Z", 0},    {"EST", -5}, {"EDT", -4}, {"CST", -6},
                 {"CDT", -5}, {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    size_t i = 0;
    int32_t part[2] = {0, 0};
    unsigned n;
    while (i < OV_COUNT_OF(names) && !take_word(r, ov_slice_cstr(names[i].name)))
        i++;
    if (i < OV_COUNT_OF(names))
        r->offset_ms = (int64_t)names[i].hours * OV_MS_PER_HOUR;
    if (i > 1 && i < OV_COUNT_OF(names))
        return true;
    if (r->at == r->end || (*r->at != '+' && *r->at != '-'))
        return i < OV_COUNT_OF(names);
    bool minus = *r->at++ == '-';
    if (!take_number(r, 2, &part[0], &n))
        return false;
    if (r->at + 1 < r->end && *r->at == ':' && is_digit(r->at[1]))
        r->at++;
    if (r->at < r->end && is_digit(*r->at) && !take_number(r, 2, &part[1], &n))
        return false;
    r->offset_ms = ((int64_t)part[0] * 60 + part[1]) * OV_MS_PER_MINUTE * (minus ? -1 : 1);
    return true;
}

static int32_t fraction(int32_t v, unsigned digits)
{
    for (; digits < 3; digits++)
        v *= 10;
    for (; digits > 3; digits--)
        v /= 10;
    return v;
}

static void set_year(read *r, const ov_icu_time *f, const ovi_icu_step *s, int32_t v, unsigned digits)
{
    r->two_digits = s->letter == 'y' && s->width == 2 && digits == 2 && v >= 0;
    if (r->two_digits) {
        int32_t first = f->century_year % 100;
        r->two_digits = v == first; /* before or after the day on which the hundred years begin */
        v += f->century_year - first + (v < first ? 100 : 0);
    }
    r->year = v;
    if (s->letter == 'u')
        r->before_christ = false;
}

static void set_number(read *r, const ov_icu_time *f, const ovi_icu_step *s, int32_t v, unsigned digits)
{
    switch (s->letter) {
    case 'y':
    case 'u':
        set_year(r, f, s, v, digits);
        break;
    case 'Q':
    case 'q':
        r->month = ovi_icu_wrapped(3 * (v - INT64_C(1)));
        break;
    case 'M':
    case 'L':
        r->month = ovi_icu_wrapped(v - INT64_C(1));
        break;
    case 'd':
        r->day = v;
        r->has_year_of_day = false;
        break;
    case 'D':
        r->day_of_year = v;
        r->has_year_of_day = true;
        break;
    case 'm':
        r->minute = v;
        break;
    case 's':
        r->second = v;
        break;
    case 'S':
        r->ms = fraction(v, digits);
        break;
    default: /* hours: those read last count */
        r->hour = (s->letter == 'k' && v == 24) || (s->letter == 'h' && v == 12) ? 0 : v;
        r->by_half = s->letter == 'h' || s->letter == 'K';
        break;
    }
}

static bool take_named(read *r, const ovi_icu_step *s)
{
    static const char *const halves[2] = {"AM", "PM"}, *const few[4] = {"Q1", "Q2", "Q3", "Q4"},
                             *const whole[4] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};
    int32_t v;
    switch (s->letter) {
    case 'G':
        return take_era(r);
    case 'M':
    case 'L':
        return take_name(r, ovi_joda_months, 12, &r->month);
    case 'Q':
    case 'q':
        if (!take_name(r, whole, 4, &v) && !take_name(r, few, 4, &v))
            return false;
        r->month = 3 * v;
        return true;
    case 'E': /* the day says it already */
        return take_name(r, ovi_joda_days, 7, &v);
    case 'a':
        if (!take_name(r, halves, 2, &v))
            return false;
        r->half = 12 * v;
        return true;
    default:
        return take_zone(r);
    }
}

/* Blanks of the pattern match as many of the text as there are, none too. */
static bool take_literal(read *r, ov_slice text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (is_blank(text.p[i]))
            pass_blanks(r);
        else if (r->at == r->end || *r->at != text.p[i])
            return false;
        else
            r->at++;
    }
    return true;
}

/* Numbers side by side have the digits their letters say, the first of them fewer by `less`. */
static bool take_run(read *r, const ov_icu_time *f, size_t from, size_t to, unsigned less)
{
    for (size_t i = from; i < to; i++) {
        const ovi_icu_step *s = &f->steps[i];
        int32_t v;
        unsigned digits, width = s->width - (i == from ? less : 0);
        pass_blanks(r);
        if (!take_number(r, width, &v, &digits))
            return false;
        set_number(r, f, s, v, digits);
    }
    return true;
}

static bool take_numbers(read *r, const ov_icu_time *f, size_t from, size_t to)
{
    int32_t v;
    unsigned digits;
    if (to - from == 1) {
        pass_blanks(r);
        if (!take_number(r, 0, &v, &digits))
            return false;
        set_number(r, f, &f->steps[from], v, digits);
        return true;
    }
    read start = *r;
    for (unsigned less = 0; less < f->steps[from].width; less++, *r = start)
        if (take_run(r, f, from, to, less))
            return true;
    return false;
}

static bool take_steps(read *r, const ov_icu_time *f)
{
    for (size_t i = 0, next; i < f->count; i = next) {
        const ovi_icu_step *s = &f->steps[i];
        next = i + 1;
        if (s->letter == '\'') {
            if (!take_literal(r, s->text))
                return false;
        } else if (s->numeric) {
            while (next < f->count && f->steps[next].numeric)
                next++;
            if (!take_numbers(r, f, i, next))
                return false;
        } else {
            pass_blanks(r);
            if (!take_named(r, s))
                return false;
        }
    }
    return true;
}

static void resolve(const read *r, ov_icu_moment *out)
{
    int32_t year = r->before_christ ? ovi_icu_wrapped(1 - (int64_t)r->year) : r->year;
    int32_t day = r->has_year_of_day ? ovi_icu_day(year, 0, r->day_of_year) : ovi_icu_day(year, r->month, r->day);
    int64_t ms = ((r->hour + (r->by_half ? (int64_t)r->half : 0)) * 60 + r->minute) * OV_MS_PER_MINUTE +
                 (int64_t)r->second * OV_MS_PER_SECOND + r->ms - r->offset_ms;
    out->day = (int64_t)day - OVI_ICU_EPOCH + ov_floor_div(ms, OV_MS_PER_DAY);
    out->ms = (int32_t)ov_floor_mod(ms, OV_MS_PER_DAY);
}

bool ov_icu_time_read(const ov_icu_time *f, ov_slice text, ov_icu_moment *out)
{
    read r = {.at = text.p, .end = text.p + text.n, .year = 1970, .day = 1};
    if (!take_steps(&r, f) || r.at == text.p)
        return false;
    resolve(&r, out);
    if (r.two_digits && out->day < f->century_day) {
        r.year += 100;
        resolve(&r, out);
    }
    return true;
}
