/*
 * Tuple sketches: theta sketches whose values carry numbers, with the bytes of Apache DataSketches' ArrayOfDoublesSketch.
 *
 * Of the values with the smallest hashes each keeps `width` numbers; the numbers of a value that comes again are added up. So besides how many
 * different values there were, sums and means over the different values can be estimated.
 *
 *   ov_tuple      grows: entries as they came and a hash table of their places
 *   ov_tuple_set  finished: hashes in ascending order; what is read, combined, estimated and written
 *
 *   image   01 | 01 | 09 family | 03 compact | flags: 4 empty, 8 entries | width | hash of the seed (u16) | theta (u64)
 *           with entries: how many (u32) | 0 (u32) | hashes (u64) | numbers of each (f64)
 *
 * Sources: as theta.h; DataSketches' pages on tuple sketches; images of its Java.
 */
#pragma once

#include "sketch/theta.h"

enum { OV_TUPLE_MOST_WIDTH = 255 };

typedef struct ov_tuple {
    uint64_t *keys;
    double *values; /* width of each entry */
    uint32_t *index; /* 2^lg_index places of entry numbers from 1; 0 is free */
    size_t keys_cap, values_cap, index_cap;
    uint64_t theta;
    uint32_t count;
    uint8_t lg_k; /* 0: never initialised (a zeroed head) */
    uint8_t lg_index, width;
    bool seen;
} ov_tuple;

typedef struct ov_tuple_set {
    const uint64_t *hash; /* ascending, each below theta */
    const double *values; /* row by row */
    uint32_t count, width;
    uint64_t theta;
    bool seen;
} ov_tuple_set;

void ov_tuple_init(ov_tuple *s, unsigned lg_k, unsigned width);
/* values: width of them. */
OV_CHECKED ov_status ov_tuple_add(ov_tuple *s, uint64_t hash, const double *values, const ov_sketch_mem *mem, ov_error *err);
/* Both have the same width (else OV_INVALID). */
OV_CHECKED ov_status ov_tuple_merge(ov_tuple *s, const ov_tuple *from, const ov_sketch_mem *mem, ov_error *err);
OV_CHECKED ov_status ov_tuple_merge_set(ov_tuple *s, const ov_tuple_set *from, const ov_sketch_mem *mem, ov_error *err);
/* At most 2^lg_k entries, in order, in memory from a. */
OV_CHECKED ov_status ov_tuple_finish(const ov_tuple *s, ov_arena *a, ov_tuple_set *out, ov_error *err);

/* tuple_set.c: entries of both, their numbers added up; of the first but not the second. */
OV_CHECKED ov_status ov_tuple_intersect(const ov_tuple_set *x, const ov_tuple_set *y, ov_arena *a, ov_tuple_set *out,
                                        ov_error *err);
OV_CHECKED ov_status ov_tuple_subtract(const ov_tuple_set *x, const ov_tuple_set *y, ov_arena *a, ov_tuple_set *out,
                                       ov_error *err);
/* For estimates and bounds. */
static inline ov_theta_set ov_tuple_hashes(const ov_tuple_set *s)
{
    return (ov_theta_set){.hash = s->hash, .count = s->count, .theta = s->theta, .seen = s->seen};
}
/* Of the kept numbers in a column. */
double ov_tuple_mean(const ov_tuple_set *s, uint32_t column);
double ov_tuple_variance(const ov_tuple_set *s, uint32_t column);
/* The estimated sum over all different values. */
double ov_tuple_sum_estimate(const ov_tuple_set *s, uint32_t column);
/* That the means of a column differ by chance: the two-sided p of Welch's t-test; NaN with fewer than two entries a side. */
double ov_tuple_t_test(const ov_tuple_set *x, const ov_tuple_set *y, uint32_t column);

/* tuple_image.c */
void ov_tuple_write(const ov_tuple_set *s, ov_buf *out);
/* Compact images in any order, trusting nothing; no bytes are an empty sketch of width 0, which fits all. */
OV_CHECKED ov_status ov_tuple_read(ov_slice image, ov_arena *a, ov_tuple_set *out, ov_error *err);
void ov_tuple_describe(const ov_tuple_set *s, ov_buf *out);

/* ---- within sketch ---- */

/* Entries with keys and values in any order become the set's: sorted. values: width of each. */
OV_CHECKED ov_status ovi_tuple_sorted(const uint64_t *keys, const double *values, uint32_t count, uint32_t width, ov_arena *a,
                                      ov_tuple_set *out, ov_error *err);
