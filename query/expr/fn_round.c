/*
 * ROUND and TRUNCATE, on the decimal form of the number.
 */
#include "query/expr/decimal.h"
#include "query/expr/expr_int.h"

#include "base/numfmt.h"
#include "base/numparse.h"

#include <float.h>
#include <math.h>

/* Powers that fit 64 bits; 10^19 and more do not. */
static uint64_t power_of_ten(int n)
{
    uint64_t p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

/* digits x 10^exponent cut to `places` after the point: the same form again. */
static void cut(uint64_t *digits, int *exponent, int64_t places, ovi_rounding how)
{
    int64_t drop = -(int64_t)*exponent - places;
    if (drop <= 0)
        return;
    if (drop > 18) {
        *digits = 0;
        return;
    }
    uint64_t p = power_of_ten((int)drop), rest = *digits % p;
    *digits /= p;
    if (how == OVI_HALF_UP && rest >= p - rest)
        ++*digits;
    *exponent += (int)drop;
}

double ovi_round_decimal(double v, int64_t places, ovi_rounding how)
{
    if (isnan(v) || v == 0)
        return 0;
    if (isinf(v))
        return v > 0 ? DBL_MAX : -DBL_MAX;
    uint64_t digits;
    int exponent;
    ov_double_shortest(v, &digits, &exponent);
    int before = exponent;
    cut(&digits, &exponent, OV_MAX(OV_MIN(places, 400), -400), how);
    if (digits == 0)
        return 0;
    if (exponent == before)
        return v;
    char text[40];
    size_t n = ov_fmt_u64(digits, text);
    text[n++] = 'e';
    n += ov_fmt_i64(exponent, text + n);
    double rounded;
    if (!ov_parse_double(ov_slice_make(text, n), &rounded))
        return v;
    return v < 0 ? -rounded : rounded;
}

void ovi_add_fixed(ov_buf *out, double v, int places)
{
    uint64_t digits = 0;
    int exponent = 0;
    if (v != 0)
        ov_double_shortest(v, &digits, &exponent);
    cut(&digits, &exponent, places, OVI_HALF_UP);
    char text[OV_FMT_INT_BYTES];
    size_t n = ov_fmt_u64(digits, text);
    for (size_t i = 0; i < n && (int)(n - i) + exponent > 0; i++)
        ov_buf_add_char(out, text[i]);
    if ((int)n + exponent <= 0)
        ov_buf_add_char(out, '0');
    for (int i = 0; i < exponent && digits; i++)
        ov_buf_add_char(out, '0');
    if (places > 0)
        ov_buf_add_char(out, '.');
    for (int i = 1; i <= places; i++) { /* the digit worth 10^-i */
        int at = (int)n + exponent + i - 1;
        ov_buf_add_char(out, at >= 0 && at < (int)n ? text[at] : '0');
    }
}

void ovi_add_scientific(ov_buf *out, double v, int places)
{
    uint64_t digits = 0;
    int exponent = 0;
    char text[OV_FMT_INT_BYTES];
    if (v != 0)
        ov_double_shortest(v, &digits, &exponent);
    size_t n = ov_fmt_u64(digits, text);
    int leading = v != 0 ? (int)n - 1 + exponent : 0; /* power of the first digit */
    cut(&digits, &exponent, (int64_t)places - leading, OVI_HALF_UP);
    n = ov_fmt_u64(digits, text);
    if (v != 0)
        leading = (int)n - 1 + exponent; /* 9.99 may have become 10.0 */
    ov_buf_add_char(out, text[0]);
    if (places > 0)
        ov_buf_add_char(out, '.');
    for (int i = 1; i <= places; i++)
        ov_buf_add_char(out, i < (int)n ? text[i] : '0');
    ov_buf_addf(out, "e%c%02d", leading < 0 ? '-' : '+', leading < 0 ? -leading : leading);
}

/* ---- the functions ---- */

/* (number[, places]) keeps the number's type */
ov_status ovi_bind_round(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_number(b, 0, err));
    if (b->argc == 2)
        OV_TRY(ovi_want_long(b, 1, err));
    ovi_result(b, (ov_sqltype)b->args[0]->sql);
    return OV_OK;
}

/* Digits before the point become zeros; what leaves 64 bits wraps. */
static int64_t round_long(int64_t v, int64_t places, ovi_rounding how)
{
    if (places >= 0 || v == 0)
        return v;
    if (places < -18)
        return places == -19 && how == OVI_HALF_UP && (v >= 5000000000000000000 || v <= -5000000000000000000)
                   ? (int64_t)(v > 0 ? 10000000000000000000u : 0 - 10000000000000000000u)
                   : 0;
    int64_t p = (int64_t)power_of_ten((int)-places), rest = v % p;
    uint64_t down = (uint64_t)v - (uint64_t)rest;
    if (how == OVI_DOWN || (rest >= 0 ? rest < p - rest : -rest < p + rest))
        return (int64_t)down;
    return (int64_t)(rest > 0 ? down + (uint64_t)p : down - (uint64_t)p);
}

static ov_status round_rows(ovi_call *c, ovi_rounding how, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    bool real = ov_type_is_real(c->e->type);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t r = rows[k];
        int64_t places = c->argc == 2 ? ovi_i64(&c->arg[1], r) : 0;
        if (!real) {
            l.i[r] = round_long(ovi_i64(&c->arg[0], r), places, how);
            continue;
        }
        l.f[r] = ovi_round_decimal(ovi_f64(&c->arg[0], r), places, how);
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

ov_status ovi_eval_round(ovi_call *c, ov_vec *out, ov_error *err)
{
    return round_rows(c, OVI_HALF_UP, out, err);
}

ov_status ovi_eval_truncate(ovi_call *c, ov_vec *out, ov_error *err)
{
    return round_rows(c, OVI_DOWN, out, err);
}
