/*
 * Text to numbers. Doubles whose digits fit 2^53 and whose power of ten is exact are one
 * multiplication or division (Clinger's fast path); everything else goes through strtod in the C
 * locale.
 */
#include "base/numparse.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include "base/mem.h"

static const double exact_pow10[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static locale_t c_locale;

static void make_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

bool ov_parse_u64(ov_slice text, uint64_t *out)
{
    size_t i = text.n && text.p[0] == '+';
    if (i == text.n)
        return false;
    uint64_t v = 0;
    for (; i < text.n; i++) {
        uint64_t d = (unsigned char)(text.p[i] - '0');
        if (d > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v))
            return false;
    }
    *out = v;
    return true;
}

bool ov_parse_i64(ov_slice text, int64_t *out)
{
    bool minus = text.n && text.p[0] == '-';
    size_t i = text.n && (minus || text.p[0] == '+');
    if (i == text.n)
        return false;
    uint64_t v = 0;
    if (OV_LIKELY(text.n - i <= 18)) { /* cannot overflow */
        for (; i < text.n; i++) {
            uint64_t d = (unsigned char)(text.p[i] - '0');
            if (d > 9)
                return false;
            v = v * 10 + d;
        }
    } else if (!ov_parse_u64((ov_slice){text.p + i, text.n - i}, &v) || !is_digit(text.p[i]) ||
               v > (uint64_t)INT64_MAX + minus) {
        return false;
    }
    *out = (int64_t)(minus ? 0 - v : v);
    return true;
}

/* The parts of [+-]digits[.digits][e[+-]digits]. */
typedef struct parts {
    bool minus, exact; /* exact: every significant digit is in `digits` */
    uint64_t digits;   /* the first 19 significant ones */
    int64_t exponent;  /* value = digits x 10^exponent, when exact */
} parts;

/* false when the text has another form */
static bool split(ov_slice text, parts *out)
{
    const char *at = text.p, *end = text.p + text.n;
    *out = (parts){.exact = true};
    if (at < end && (*at == '-' || *at == '+'))
        out->minus = *at++ == '-';
    int kept = 0;
    bool any = false;
    int64_t exponent = 0;
    for (int after_point = 0; after_point < 2; after_point++) {
        for (; at < end && is_digit(*at); at++) {
            any = true;
            exponent -= after_point;
            if (kept < 19) {
                out->digits = out->digits * 10 + (uint64_t)(*at - '0');
                kept += out->digits != 0;
            } else {
                exponent++;
                out->exact &= *at == '0';
            }
        }
        if (after_point || at == end || *at != '.')
            break;
        at++;
    }
    if (!any)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool minus = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        if (at == end)
            return false;
        int64_t e = 0;
        for (; at < end && is_digit(*at); at++)
            e = OV_MIN(e * 10 + (*at - '0'), INT64_C(1000000000000));
        exponent += minus ? -e : e;
    }
    out->exponent = exponent;
    return at == end;
}

/* The C library's answer for text it fully accepts. */
static bool slow_double(ov_slice text, double *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locale);
    char small[256];
    char *copy = text.n < sizeof small ? small : ov_malloc(text.n + 1);
    if (!copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    char *end;
    double v = c_locale ? strtod_l(copy, &end, c_locale) : strtod(copy, &end);
    bool whole = end == copy + text.n;
    if (copy != small)
        ov_free(copy);
    if (whole)
        *out = v;
    return whole;
}

bool ov_parse_double(ov_slice text, double *out)
{
    parts p;
    if (!split(text, &p))
        return false;
    if (p.exact && p.digits <= 1ull << 53 && p.exponent >= -22 && p.exponent <= 22) {
        double v = (double)p.digits;
        v = p.exponent < 0 ? v / exact_pow10[-p.exponent] : v * exact_pow10[p.exponent];
        *out = p.minus ? -v : v;
        return true;
    }
    if (p.digits == 0) {
        *out = p.minus ? -0.0 : 0.0;
        return true;
    }
    return slow_double(text, out);
}

static ov_slice trim(ov_slice s)
{
    while (s.n && (unsigned char)s.p[0] <= ' ') {
        s.p++;
        s.n--;
    }
    while (s.n && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

/* [+-]0x, which alone strtod takes as Java does. */
static bool is_hex(ov_slice s)
{
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    if (s.n < i + 3 || s.p[i] != '0' || (s.p[i + 1] != 'x' && s.p[i + 1] != 'X'))
        return false;
    return memchr(s.p, 'p', s.n) || memchr(s.p, 'P', s.n);
}

bool ov_parse_double_java(ov_slice text, double *out)
{
    ov_slice s = trim(text);
    if (!s.n)
        return false;
    bool minus = s.p[0] == '-';
    size_t sign = minus || s.p[0] == '+';
    ov_slice word = {s.p + sign, s.n - sign};
    if (ov_slice_eq(word, OV_SLICE_LIT("NaN"))) {
        *out = __builtin_nan("");
        return true;
    }
    if (ov_slice_eq(word, OV_SLICE_LIT("Infinity"))) {
        *out = minus ? -__builtin_inf() : __builtin_inf();
        return true;
    }
    char last = ov_ascii_lower(s.p[s.n - 1]);
    if (last == 'd' || last == 'f') {
        double wide;
        ov_slice cut = {s.p, s.n - 1};
        if (!(is_hex(cut) ? slow_double(cut, &wide) : ov_parse_double(cut, &wide)))
            return false;
        *out = wide;
        return true;
    }
    return is_hex(s) ? slow_double(s, out) : ov_parse_double(s, out);
}

bool ov_parse_i64_lenient(ov_slice text, int64_t *out)
{
    if (ov_parse_i64(text, out))
        return true;
    parts p;
    if (!split(text, &p) || !p.exact)
        return false;
    uint64_t v = p.digits;
    for (; v && p.exponent < 0; p.exponent++) {
        if (v % 10)
            return false;
        v /= 10;
    }
    for (; v && p.exponent > 0; p.exponent--)
        if (__builtin_mul_overflow(v, 10, &v))
            return false;
    if (v > (uint64_t)INT64_MAX + p.minus)
        return false;
    *out = (int64_t)(p.minus ? 0 - v : v);
    return true;
}

bool ov_parse_bool(ov_slice text, bool *out)
{
    bool yes = ov_slice_ieq(text, OV_SLICE_LIT("true"));
    if (!yes && !ov_slice_ieq(text, OV_SLICE_LIT("false")))
        return false;
    *out = yes;
    return true;
}
