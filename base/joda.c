/* Joda patterns: compiling and formatting. */
#include "base/joda.h"

#include "base/joda_int.h"
#include "base/os.h"
#include "base/tz.h"

const char *const ovi_joda_months[12] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
const char *const ovi_joda_days[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                      "Friday", "Saturday", "Sunday"};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The literal text at *at: up to a letter outside of quotes; '' is a quote. */
static ov_status take_literal(const char **at, const char *end, ov_arena *a, ov_slice *out,
                              ov_error *err)
{
    char *text = ov_arena_try(a, (size_t)(end - *at), 1, err);
    if (!text)
        return err->code;
    size_t n = 0;
    bool quoted = false;
    const char *p = *at;
    for (; p < end && (quoted || !is_letter(*p)); p++) {
        if (*p != '\'') {
            text[n++] = *p;
        } else if (p + 1 < end && p[1] == '\'') {
            text[n++] = '\'';
            p++;
        } else {
            quoted = !quoted;
        }
    }
    *at = p;
    *out = ov_slice_make(text, n);
    return OV_OK;
}

static bool is_numeric(const ovi_joda_step *s)
{
    return strchr("CxyYdhHmsSeDwkK", s->letter) || (s->letter == 'M' && s->width <= 2);
}

/* How many digits a number may take; followed by another number it must not eat into it. */
static void set_digits(ovi_joda_step *s, const ovi_joda_step *next)
{
    bool before_number = next && is_numeric(next);
    switch (s->letter) {
    case 'x':
    case 'y':
    case 'Y':
        s->digits = before_number ? s->width : 9;
        s->lenient = !before_number;
        break;
    case 'C':
    case 'S':
        s->digits = s->width;
        break;
    case 'D':
        s->digits = 3;
        break;
    case 'e':
        s->digits = 1;
        break;
    default:
        s->digits = 2;
        break;
    }
}

static int32_t year_now(void)
{
    ov_civil now;
    ov_civil_from_ms(ov_now_ms(), &now);
    return now.year;
}

ov_status ov_joda_compile(ov_slice pattern, ov_arena *out_arena, const ov_joda **out, ov_error *err)
{
    if (!pattern.n)
        return ov_fail(err, OV_INVALID,
                       "a time format is empty: expected a pattern such as yyyy-MM-dd");
    ov_joda *j;
    OV_TRY(ov_arena_zalloc(out_arena, sizeof *j + pattern.n * sizeof j->steps[0], &j, err));
    const char *at = pattern.p, *end = pattern.p + pattern.n;
    while (at < end) {
        ovi_joda_step *s = &j->steps[j->count++];
        if (!is_letter(*at)) {
            s->letter = '\'';
            OV_TRY(take_literal(&at, end, out_arena, &s->text, err));
            continue;
        }
        if (!strchr("GCYxweyDMdaKhHkmsSzZE", *at))
            return ov_fail(err, OV_INVALID,
                           "the time format '" OV_SLICE_FMT
                           "' has an unknown letter '%c' at character %zu (quote "
                           "letters that are text)",
                           OV_SLICE_ARG(pattern), *at, (size_t)(at - pattern.p) + 1);
        s->letter = *at;
        while (at < end && *at == s->letter && s->width < 255) {
            s->width++;
            at++;
        }
    }
    for (size_t i = 0; i < j->count; i++)
        set_digits(&j->steps[i], i + 1 < j->count ? &j->steps[i + 1] : NULL);
    j->pivot_low = year_now() - 30 - 50; /* as Joda: the pivot is 30 years ago */
    *out = j;
    return OV_OK;
}

/* ---- formatting ---- */

/* Everything a pattern can ask about one instant. */
typedef struct fields {
    ov_civil c;
    int64_t local;
    int64_t utc;
    int32_t offset_ms;
    const ov_tz *zone;
} fields;

void ovi_add_padded(ov_buf *out, int64_t v, unsigned width)
{
    char digits[20];
    unsigned n = 0;
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (v < 0)
        ov_buf_add_char(out, '-');
    do
        digits[n++] = (char)('0' + size % 10);
    while ((size /= 10) != 0);
    for (; width > n; width--)
        ov_buf_add_char(out, '0');
    while (n)
        ov_buf_add_char(out, digits[--n]);
}

void ovi_add_hour(ov_buf *out, char letter, int32_t hour, unsigned width)
{
    int32_t half = hour % 12;
    if (letter == 'a')
        ov_buf_add_str(out, hour < 12 ? "AM" : "PM");
    else
        ovi_add_padded(out, letter == 'H' ? hour : letter == 'k' ? (hour ? hour : 24) : letter == 'K' ? half : half ? half : 12, width);
}

static void add_name(ov_buf *out, const char *name, bool whole)
{
    ov_buf_add(out, name, whole ? strlen(name) : 3);
}

static void add_offset(ov_buf *out, int32_t offset_ms, bool colon)
{
    int32_t s = (offset_ms < 0 ? -offset_ms : offset_ms) / 1000;
    ov_buf_add_char(out, offset_ms < 0 ? '-' : '+');
    ovi_add_padded(out, s / 3600, 2);
    if (colon)
        ov_buf_add_char(out, ':');
    ovi_add_padded(out, s / 60 % 60, 2);
}

static void add_fraction(ov_buf *out, int32_t ms, unsigned width)
{
    int32_t weight = 100;
    for (unsigned i = 0; i < width; i++, weight /= 10)
        ov_buf_add_char(out, (char)(weight ? '0' + ms / weight % 10 : '0'));
}

static void add_year(ov_buf *out, int64_t year, unsigned width)
{
    if (width == 2)
        ovi_add_padded(out, (year < 0 ? -year : year) % 100, 2);
    else
        ovi_add_padded(out, year, width);
}

static void add_time_field(const ovi_joda_step *s, const fields *f, ov_buf *out)
{
    int32_t hour = f->c.hour;
    switch (s->letter) {
    case 'a':
    case 'H':
    case 'k':
    case 'K':
    case 'h':
        ovi_add_hour(out, s->letter, hour, s->width);
        break;
    case 'm':
        ovi_add_padded(out, f->c.minute, s->width);
        break;
    case 's':
        ovi_add_padded(out, f->c.second, s->width);
        break;
    case 'S':
        add_fraction(out, f->c.ms, s->width);
        break;
    case 'z':
        ov_buf_add_str(out, ov_tz_abbreviation(f->zone, f->utc));
        break;
    default: /* Z */
        if (s->width > 2)
            ov_buf_add_str(out, ov_tz_name(f->zone));
        else
            add_offset(out, f->offset_ms, s->width == 2);
        break;
    }
}

static void add_field(const ovi_joda_step *s, const fields *f, ov_buf *out)
{
    int64_t of_era = f->c.year > 0 ? f->c.year : 1 - (int64_t)f->c.year;
    switch (s->letter) {
    case '\'':
        ov_buf_add_slice(out, s->text);
        break;
    case 'G':
        ov_buf_add_str(out, f->c.year > 0 ? "AD" : "BC");
        break;
    case 'C':
        ovi_add_padded(out, of_era / 100, s->width);
        break;
    case 'Y':
        add_year(out, of_era, s->width);
        break;
    case 'y':
        add_year(out, f->c.year, s->width);
        break;
    case 'x':
        add_year(out, ov_time_extract(OV_UNIT_ISOYEAR, f->local, NULL), s->width);
        break;
    case 'w':
        ovi_add_padded(out, ov_time_extract(OV_UNIT_WEEK, f->local, NULL), s->width);
        break;
    case 'e':
        ovi_add_padded(out, ov_time_extract(OV_UNIT_DOW, f->local, NULL), s->width);
        break;
    case 'E':
        add_name(out, ovi_joda_days[ov_time_extract(OV_UNIT_DOW, f->local, NULL) - 1],
                 s->width >= 4);
        break;
    case 'D':
        ovi_add_padded(out, ov_time_extract(OV_UNIT_DOY, f->local, NULL), s->width);
        break;
    case 'M':
        if (s->width > 2)
            add_name(out, ovi_joda_months[f->c.month - 1], s->width >= 4);
        else
            ovi_add_padded(out, f->c.month, s->width);
        break;
    case 'd':
        ovi_add_padded(out, f->c.day, s->width);
        break;
    default:
        add_time_field(s, f, out);
        break;
    }
}

void ov_joda_format(const ov_joda *j, int64_t ms, const ov_tz *zone, ov_buf *out)
{
    fields f = {.utc = ms, .offset_ms = ov_tz_offset(zone, ms), .zone = zone};
    f.local = ms + f.offset_ms;
    ov_civil_from_ms(f.local, &f.c);
    for (size_t i = 0; i < j->count; i++)
        add_field(&j->steps[i], &f, out);
}
