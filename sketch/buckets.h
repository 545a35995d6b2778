/*
 * Druid's fixed buckets histogram: counts in equal buckets between two limits, exact as far as the buckets go.
 *
 *   image   01 | form | lower, upper (f64) | buckets (i32) | outliers (u8) | n, below, above, missing (i64) | largest, smallest (f64)
 *           form 1: a count (i64) a bucket; form 2: pairs (i32), each bucket (i32) and count (i64); numbers are big-endian
 *
 * Source: Druid's documentation of druid-histogram; histograms that Druid wrote.
 */
#pragma once

#include "sketch/sketch.h"

enum { OV_BUCKETS_MOST = 1000000 };

typedef enum ov_buckets_outliers { OV_BUCKETS_IGNORE, OV_BUCKETS_OVERFLOW, OV_BUCKETS_CLIP } ov_buckets_outliers;

typedef struct ov_buckets {
    int64_t *counts;
    size_t cap;
    uint32_t count;   /* of buckets; 0: never initialised (a zeroed head) */
    uint8_t outliers; /* ov_buckets_outliers: not counted, counted beside, or in the outer buckets */
    double lower, upper, min, max;
    int64_t n, below, above, missing;
} ov_buckets;

OV_CHECKED ov_status ov_buckets_init(ov_buckets *s, double lower, double upper, uint32_t count, ov_buckets_outliers outliers,
                                     const ov_sketch_mem *mem, ov_error *err);
void ov_buckets_add(ov_buckets *s, double v);
/* s takes in `from`; where the buckets differ, values count as spread evenly over theirs (buckets_merge.c). */
void ov_buckets_merge(ov_buckets *s, const ov_buckets *from);
/* p from 0 to 1. */
float ov_buckets_quantile(const ov_buckets *s, double p);
/* What Druid shows in its place. */
void ov_buckets_describe(const ov_buckets *s, ov_buf *out);

/* Full, or as pairs while fewer than half of the buckets are used; back, trusting nothing. */
void ov_buckets_write(const ov_buckets *s, ov_buf *out);
OV_CHECKED ov_status ov_buckets_read(ov_slice image, ov_buckets *s, const ov_sketch_mem *mem, ov_error *err);

static inline double ov_buckets_width(const ov_buckets *s)
{
    return (s->upper - s->lower) / s->count;
}
