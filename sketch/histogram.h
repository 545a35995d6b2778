/*
 * Druid's approximate histogram: up to `size` bins, each a position and a count, closest bins put together when there are too many.
 *
 * Positions are single floats, as in Druid. A bin whose values all had its position is exact, one that was put together is not (the upper bit
 * of its count); sums and quantiles spread the values of the latter.
 *
 *   image   short: -size (i16) | n (i8) | n values, each as often as it came, where all are exact; else -n of the others, those, smallest,
 *           largest, and then the exact ones
 *           long: size (i32) | -bins (i32) | positions | counts (i64) | smallest | largest
 *           full: size | bins | size positions | size counts | smallest | largest; numbers are big-endian
 *
 * Source: Ben-Haim, Tom-Tov, "A Streaming Parallel Decision Tree Algorithm" (2010); what Druid's histograms were seen to do.
 */
#pragma once

#include "sketch/sketch.h"

enum { OV_HISTOGRAM_DEFAULT_SIZE = 50, OV_HISTOGRAM_MOST_SIZE = 100000 };
#define OV_HISTOGRAM_SPREAD INT64_MIN /* of a count: the bin is not exact */

typedef struct ov_histogram {
    uint32_t size; /* 0: never initialised (a zeroed head) */
    uint32_t bins;
    float *positions; /* ascending; room for size + 1, counts behind them */
    int64_t *counts;
    size_t cap;
    float min, max;
    int64_t n;
    float lower, upper; /* outside of these, merging keeps one bin a side; infinite: no limits */
} ov_histogram;

/* No bins yet and no memory. */
void ov_histogram_init(ov_histogram *s, uint32_t size, float lower, float upper);
static inline int64_t ov_histogram_count(const ov_histogram *s, uint32_t bin)
{
    return s->counts[bin] & INT64_MAX;
}
static inline bool ov_histogram_is_exact(const ov_histogram *s, uint32_t bin)
{
    return s->counts[bin] >= 0;
}

/* One value; NaN is none. Merging: the bins of both, those close to each other put together when they are too many. */
OV_CHECKED ov_status ov_histogram_add(ov_histogram *s, float v, const ov_sketch_mem *mem, ov_error *err);
OV_CHECKED ov_status ov_histogram_merge(ov_histogram *s, const ov_histogram *from, const ov_sketch_mem *mem, ov_error *err);

/* histogram_answer.c: about how many values are not above b. */
double ov_histogram_sum(const ov_histogram *s, float b);
/* p between 0 and 1; NaN when nothing came. */
float ov_histogram_quantile(const ov_histogram *s, double p);
/* Breaks of `count` equal buckets, of buckets of a width that hold something; counts between breaks. Memory from the arena. */
OV_CHECKED ov_status ov_histogram_equal_breaks(const ov_histogram *s, uint32_t count, ov_arena *a, float **breaks,
                                               uint32_t *n, ov_error *err);
OV_CHECKED ov_status ov_histogram_width_breaks(const ov_histogram *s, float width, float offset, ov_arena *a, float **breaks,
                                               uint32_t *n, ov_error *err);

/* histogram_image.c: the shorter of the short and the long form; all three, trusting nothing. */
void ov_histogram_write(const ov_histogram *s, ov_buf *out);
OV_CHECKED ov_status ov_histogram_read(ov_slice image, ov_histogram *s, const ov_sketch_mem *mem, ov_error *err);

/* ---- within sketch ---- */

/* Room for the bins. */
OV_CHECKED ov_status ovi_histogram_begin(ov_histogram *s, const ov_sketch_mem *mem, ov_error *err);
/* The first bin whose position is not below v. */
uint32_t ovi_histogram_find(const ov_histogram *s, float v);
