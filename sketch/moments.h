/*
 * Count, mean and squared distances: what Druid's variance columns hold.
 *
 *   image   n (i64) | sum (f64) | sum of squared distances from the mean (f64), big-endian; no bytes are no values
 *
 * Source: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979).
 */
#pragma once

#include "sketch/sketch.h"

typedef struct ov_moments {
    int64_t n;
    double sum, m2;
} ov_moments;

static inline void ov_moments_merge(ov_moments *s, const ov_moments *from)
{
    if (from->n == 0)
        return;
    if (s->n) {
        double ratio = (double)s->n / (double)from->n, t = s->sum / ratio - from->sum;
        s->m2 += from->m2 + ratio / (double)(s->n + from->n) * t * t;
    } else {
        s->m2 = from->m2;
    }
    s->n += from->n;
    s->sum += from->sum;
}

static inline void ov_moments_add(ov_moments *s, double v)
{
    double n = (double)++s->n, t;
    s->sum += v;
    t = n * v - s->sum;
    if (s->n > 1)
        s->m2 += t * t / (n * (n - 1));
}

enum { OV_MOMENTS_BYTES = 24 };

/* ops_druid.c */
OV_CHECKED ov_status ov_moments_read(ov_slice image, ov_moments *s, ov_error *err);

/* NaN over nothing; the variance of one value is 0, as Druid has it. */
static inline double ov_moments_variance(const ov_moments *s, bool population)
{
    if (s->n == 0)
        return NAN;
    return s->n == 1 ? 0 : s->m2 / (double)(population ? s->n : s->n - 1);
}
