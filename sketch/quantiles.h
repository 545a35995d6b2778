/*
 * Classic quantiles sketches of doubles, with the bytes of Apache DataSketches' DoublesSketch.
 *
 * Items collect in a base buffer of 2k. When it is full it is sorted and every other item goes up as a *carry* of k items that
 * stand for two each; levels then work like the bits of a binary number: a carry that meets a full level of k merges with it,
 * every other item goes on, the level is empty. Level i is full exactly when bit i of n / 2k is set. Until n reaches 2k all is exact.
 *
 * Which half goes up is a coin, thrown here from the items themselves, so that equal rows in equal order give equal sketches and
 * sketches of different rows err independently.
 *
 *        items  [base: 2k][level 0: k][level 1: k] ...      the base buffer grows by doubling until the first carry
 *
 * Sources: Agarwal, Cormode, Huang, Phillips, Wei, Yi, "Mergeable Summaries" (2012); the preamble page of DataSketches' classic
 * quantiles documentation.
 */
#pragma once

#include "sketch/ranks.h"

enum {
    OV_QUANTILES_LEAST_K = 2,
    OV_QUANTILES_MOST_K = 32768,
    OV_QUANTILES_DEFAULT_K = 128,
};

typedef struct ov_quantiles {
    uint16_t k; /* a power of two; 0: never initialised (a zeroed head) */
    uint64_t n;
    double min, max; /* when n > 0 */
    double *items;
    size_t cap; /* bytes of items */
    uint64_t coin;
} ov_quantiles;

/* No items yet and no memory; k must be one that ov_quantiles_k_ok takes. */
void ov_quantiles_init(ov_quantiles *s, unsigned k);

static inline bool ov_quantiles_k_ok(int64_t k)
{
    return k >= OV_QUANTILES_LEAST_K && k <= OV_QUANTILES_MOST_K && (k & (k - 1)) == 0;
}

/* One item; NaN is none. */
OV_CHECKED ov_status ov_quantiles_add(ov_quantiles *s, double x, const ov_sketch_mem *mem, ov_error *err);
/* s takes in all items of `from`; when `from` has smaller k and is past exactness, the k of s falls to that. */
OV_CHECKED ov_status ov_quantiles_merge(ov_quantiles *s, const ov_quantiles *from, const ov_sketch_mem *mem, ov_error *err);

/* What answers come from; lives in the arena. */
OV_CHECKED ov_status ov_quantiles_ranks(const ov_quantiles *s, ov_ranks *out, ov_arena *a, ov_error *err);
/* The error of ranks that holds with 99 % confidence, as part of n: of one rank, or of the difference of two. */
double ov_quantiles_error(unsigned k, bool of_difference);

/* quantiles_image.c: as DataSketches writes it, compact (to keep) or updatable (to go on in place). */
OV_CHECKED ov_status ov_quantiles_write(const ov_quantiles *s, bool compact, ov_buf *out, ov_error *err);
/* Reads an image of either kind, trusting nothing; no bytes are an empty sketch, as Druid stores them. */
OV_CHECKED ov_status ov_quantiles_read(ov_slice image, ov_quantiles *s, const ov_sketch_mem *mem, ov_error *err);
/* What DataSketches' toString says. */
void ov_quantiles_describe(const ov_quantiles *s, ov_buf *out);

/* ---- within sketch ---- */

static inline uint32_t ovi_quantiles_base(const ov_quantiles *s)
{
    return (uint32_t)(s->n & (2 * (uint64_t)s->k - 1));
}

static inline uint64_t ovi_quantiles_levels(const ov_quantiles *s)
{
    return s->n / (2 * (uint64_t)s->k);
}

/* How many levels a pattern needs, empty ones below the last full one too. */
static inline uint32_t ovi_quantiles_level_count(uint64_t pattern)
{
    return pattern ? 64 - (uint32_t)__builtin_clzll(pattern) : 0;
}

static inline double *ovi_quantiles_level(const ov_quantiles *s, uint32_t level)
{
    return s->items + (2 + (size_t)level) * s->k;
}

/* Room for the base buffer and so many levels. */
OV_CHECKED ov_status ovi_quantiles_reserve(ov_quantiles *s, uint32_t levels, const ov_sketch_mem *mem, ov_error *err);
