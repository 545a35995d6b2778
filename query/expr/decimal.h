/*
 * Rounding on the decimal form: a double is taken as the shortest decimal that reads back to it, as Java's BigDecimal.valueOf
 * and String.format do, so that 2.675 rounds to 2.68 and 1.005 to 1.01. Private to this folder.
 */
#pragma once

#include "base/buf.h"

typedef enum ovi_rounding {
    OVI_HALF_UP, /* away from zero */
    OVI_DOWN,    /* towards zero */
} ovi_rounding;

/* v with `places` digits after the point (negative: before it). NaN is 0, infinities the largest double. */
double ovi_round_decimal(double v, int64_t places, ovi_rounding how);
/* |v| with exactly `places` digits after the point, v finite, places >= 0. */
void ovi_add_fixed(ov_buf *out, double v, int places);
/* |v| as d.ddde+xx with `places` digits after the point, v finite. */
void ovi_add_scientific(ov_buf *out, double v, int places);
