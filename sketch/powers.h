/*
 * Moments sketches: sums of powers, from which the flattest distribution that has them is solved. The bytes are those of Druid's momentSketch.
 *
 * A sketch is the least and the greatest number and k sums of x^0, x^1, ... x^(k - 1). Compressed ones sum the powers of asinh(x), which keeps long tails
 * from drowning everything. To answer, sums become means of Chebyshev polynomials over [-1, 1]; the distribution of most entropy that has these means
 * is exp of a polynomial, whose coefficients Newton's method finds on a grid; quantiles are read off its sum.
 *
 * Source: Gan, Ding, Tai, Sharan, Bailis, "Moment-Based Quantile Sketches for Efficient High Cardinality Aggregation Queries" (2018), with the grid,
 * the steps and the limits that Druid uses, so that answers agree.
 */
#pragma once

#include "sketch/sketch.h"

enum {
    OV_POWERS_LEAST_K = 2,
    OV_POWERS_MOST_K = 64,
    OV_POWERS_DEFAULT_K = 13,
    OV_POWERS_GRID = 1024,
};

typedef struct ov_powers {
    uint32_t k; /* 0: never initialised (a zeroed head) */
    bool compressed;
    double min, max; /* compressed; the greatest double and its negative when nothing came */
    double *sum;     /* k of them; NULL while nothing came */
    size_t cap;      /* bytes */
} ov_powers;

void ov_powers_init(ov_powers *s, unsigned k, bool compressed);
/* One number; NaN is none, and what has no finite powers is refused. */
OV_CHECKED ov_status ov_powers_add(ov_powers *s, double x, const ov_sketch_mem *mem, ov_error *err);
/* s takes in the numbers of `from`, which has as many sums or more, and is compressed when s is. */
OV_CHECKED ov_status ov_powers_merge(ov_powers *s, const ov_powers *from, const ov_sketch_mem *mem, ov_error *err);

static inline double ov_powers_count(const ov_powers *s)
{
    return s->sum ? s->sum[0] : 0;
}

/* Of the numbers themselves; infinite when nothing came to a compressed one, as Druid has it. */
double ov_powers_min(const ov_powers *s);
double ov_powers_max(const ov_powers *s);

/* What Druid writes. */
OV_CHECKED ov_status ov_powers_write(const ov_powers *s, ov_buf *out, ov_error *err);
/* Reads it, trusting nothing; no bytes are an empty sketch. */
OV_CHECKED ov_status ov_powers_read(ov_slice image, ov_powers *s, const ov_sketch_mem *mem, ov_error *err);

/* powers_solve.c: the distribution on a grid of numbers; NULL when nothing came. */
typedef struct ov_powers_solved {
    double *number, *below; /* OV_POWERS_GRID of each: a number, and the part of all that is not greater */
} ov_powers_solved;
OV_CHECKED ov_status ov_powers_solve(const ov_powers *s, ov_powers_solved *out, ov_arena *a, ov_error *err);
/* rank from 0 to 1; NaN when nothing came. */
double ov_powers_quantile(const ov_powers_solved *d, double rank);
