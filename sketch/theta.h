/*
 * Theta sketches: distinct values whose hashes lie below a threshold, with the bytes of Apache DataSketches.
 *
 * A value's hash is a number below 2^63. A sketch keeps the hashes below *theta*, which falls when more than a nominal number (2^lg_k) is kept: it then
 * holds the 2^lg_k smallest hashes, and theta is the next one. Kept / (theta / 2^63) estimates how many there were. Since theta and hashes are
 * part of the sketch, sketches have unions, intersections and differences.
 *
 *   ov_theta      grows: a hash table that takes in values and other sketches (any order gives the same)
 *   ov_theta_set  finished: hashes in ascending order; what is read, combined, estimated and written
 *
 * Sources: Dasgupta, Lang, Rhodes, Thaler, "A framework for estimating stream expression cardinalities" (2016); the preamble page of
 * DataSketches' documentation of theta sketches, serial version 3.
 */
#pragma once

#include "sketch/sketch.h"

enum {
    OV_THETA_LEAST_LG_K = 4,
    OV_THETA_MOST_LG_K = 26,
    OV_THETA_DEFAULT_LG_K = 14, /* Druid's size 16384 */
};
#define OV_THETA_ALL ((uint64_t)INT64_MAX) /* theta of a sketch that kept everything */

typedef struct ov_theta {
    uint64_t *slots; /* 2^lg_slots places, 0 is free */
    size_t cap;      /* bytes of slots */
    uint64_t theta;
    uint32_t count;
    uint8_t lg_k; /* 0: never initialised (a zeroed head) */
    uint8_t lg_slots;
    bool seen; /* some value came, kept or not */
} ov_theta;

typedef struct ov_theta_set {
    const uint64_t *hash; /* ascending, each below theta */
    uint32_t count;
    uint64_t theta;
    bool seen;
} ov_theta_set;

static inline uint64_t ov_theta_hash(ov_hash128 h)
{
    return h.lo >> 1;
}

/* The sketch that keeps at least `size` hashes. */
static inline unsigned ov_theta_lg_of(uint64_t size)
{
    unsigned lg = OV_THETA_LEAST_LG_K;
    while (lg < OV_THETA_MOST_LG_K && UINT64_C(1) << lg < size)
        lg++;
    return lg;
}

/* What DataSketches takes for a nominal number. */
static inline bool ov_theta_size_ok(int64_t size)
{
    return size >= 1 << OV_THETA_LEAST_LG_K && size <= 1 << OV_THETA_MOST_LG_K && (size & (size - 1)) == 0;
}

void ov_theta_init(ov_theta *s, unsigned lg_k);
OV_CHECKED ov_status ovi_theta_insert(ov_theta *s, uint64_t hash, const ov_sketch_mem *mem, ov_error *err);
OV_CHECKED static inline ov_status ov_theta_add(ov_theta *s, uint64_t hash, const ov_sketch_mem *mem, ov_error *err)
{
    s->seen = true;
    return hash >= s->theta || hash == 0 ? OV_OK : ovi_theta_insert(s, hash, mem, err);
}
/* s takes in all values of the other. */
OV_CHECKED ov_status ov_theta_merge(ov_theta *s, const ov_theta *from, const ov_sketch_mem *mem, ov_error *err);
OV_CHECKED ov_status ov_theta_merge_set(ov_theta *s, const ov_theta_set *from, const ov_sketch_mem *mem, ov_error *err);
/* At most 2^lg_k hashes, in order, in memory from a. */
OV_CHECKED ov_status ov_theta_finish(const ov_theta *s, ov_arena *a, ov_theta_set *out, ov_error *err);

/* theta_set.c: values of both; of the first but not the second. */
OV_CHECKED ov_status ov_theta_intersect(const ov_theta_set *x, const ov_theta_set *y, ov_arena *a, ov_theta_set *out,
                                        ov_error *err);
OV_CHECKED ov_status ov_theta_subtract(const ov_theta_set *x, const ov_theta_set *y, ov_arena *a, ov_theta_set *out,
                                       ov_error *err);
double ov_theta_estimate(const ov_theta_set *s);
/* The lower or upper bound at 1, 2 or 3 standard deviations. */
double ov_theta_bound(const ov_theta_set *s, unsigned deviations, bool upper);

/* theta_image.c: the ordered compact image, and back: compact (ordered or not) and updatable images, trusting nothing. */
OV_CHECKED ov_status ov_theta_write(const ov_theta_set *s, ov_buf *out, ov_error *err);
OV_CHECKED ov_status ov_theta_read(ov_slice image, ov_arena *a, ov_theta_set *out, ov_error *err);
/* The summary that DataSketches prints of a compact sketch; its lines up to theta, which tuple sketches have as well. */
void ov_theta_describe(const ov_theta_set *s, ov_buf *out);
void ov_theta_describe_estimate(const ov_theta_set *s, ov_buf *out);
/* Ascending. */
void ovi_theta_sort(uint64_t *v, size_t n);
/* The regularised incomplete beta function. */
double ovi_incomplete_beta(double a, double b, double x);
