/*
 * Numbers to text, without locale and without allocation. None of the results is NUL-terminated.
 *
 * Doubles take the form of Java's Double.toString (JDK 19 and later: the shortest digits that read
 * back to the same value): `1.0`, `0.1`, `1.0E10`, `1.0E-5`, `NaN`, `Infinity`, `-Infinity`, `-0.0`. Plain
 * digits for 1e-3 <= |v| < 1e7, scientific outside. Floats print as Float.toString of JDK 17, which
 * Druid runs on: sometimes a digit or two more than they need.
 *
 * Source: Raffaello Giulietti, "The Schubfach way to render doubles".
 */
#pragma once

#include "base/buf.h"

enum { OV_FMT_INT_BYTES = 20, OV_FMT_DOUBLE_BYTES = 26, OV_FMT_FLOAT_BYTES = 20 };

/* Bytes written to text. */
size_t ov_fmt_u64(uint64_t v, char text[OV_FMT_INT_BYTES]);
size_t ov_fmt_i64(int64_t v, char text[OV_FMT_INT_BYTES]);
size_t ov_fmt_double(double v, char text[OV_FMT_DOUBLE_BYTES]);
size_t ov_fmt_float(float v, char text[OV_FMT_FLOAT_BYTES]);

/* The same, appended. */
void ov_buf_add_double(ov_buf *b, double v);
void ov_buf_add_float(ov_buf *b, float v);

/* Shortest decimal of a finite, non-zero |v|: v = digits x 10^exponent, digits without trailing
 * zeros, < 10^17. */
void ov_double_shortest(double v, uint64_t *digits, int *exponent);
