/*
 * Text to numbers from slices, without locale. The whole slice must be the number: no blanks,
 * nothing behind it. False when it is not one or does not fit; *out is then untouched.
 *
 * Doubles are correctly rounded (ties to even), overflow gives infinity only where the text says
 * so.
 */
#pragma once

#include "base/slice.h"

/* [+-]digits */
bool ov_parse_i64(ov_slice text, int64_t *out);
bool ov_parse_u64(ov_slice text, uint64_t *out);
/* [+-]digits[.digits][(e|E)[+-]digits] with at least one digit before or after the point; too large
 * is ±Infinity and too small ±0, as in Java. No NaN, no Infinity, no hex. */
bool ov_parse_double(ov_slice text, double *out);

/* As Java's Double.parseDouble: the above with surrounding blanks, `NaN`, `Infinity`, a trailing d,
 * D, f or F, and hexadecimal forms (0x1.8p1). */
bool ov_parse_double_java(ov_slice text, double *out);
/* As Druid turns a string into a long: ov_parse_i64, else a decimal whose value is a whole number
 * in range
 * ("12.0", "1e3"). */
bool ov_parse_i64_lenient(ov_slice text, int64_t *out);
/* `true` and `false` in any case. */
bool ov_parse_bool(ov_slice text, bool *out);

/* ---- short decimals, for storage ---- */

enum { OV_DECIMAL_MAX_SCALE = 9 };
extern const double ov_pow10[OV_DECIMAL_MAX_SCALE + 1]; /* 1, 10, ... exact */

/* When v == (double)m / 10^scale bit for bit for a whole m with |m| <= 2^53: true and m. -0.0, NaN
 * and infinities never are. */
static inline bool ov_double_to_decimal(double v, int scale, int64_t *m)
{
    double scaled = v * ov_pow10[scale];
    if (!(scaled >= -9007199254740992.0 && scaled <= 9007199254740992.0))
        return false;
    int64_t r = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
    double back = (double)r / ov_pow10[scale];
    uint64_t a, b;
    memcpy(&a, &v, 8);
    memcpy(&b, &back, 8);
    *m = r;
    return a == b && r >= -9007199254740992 && r <= 9007199254740992;
}

/* The value a stored decimal stands for. */
static inline double ov_decimal_to_double(int64_t m, int scale)
{
    return (double)m / ov_pow10[scale];
}

/* Smallest scale >= from for which ov_double_to_decimal holds; -1 when none up to
 * OV_DECIMAL_MAX_SCALE does. */
int ov_double_scale(double v, int from);
