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
