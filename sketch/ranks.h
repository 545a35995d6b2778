/*
 * Ranks and quantiles of items with weights: what quantile sketches of every make answer from.
 *
 * A sketch lays its retained items out here, sorted, each with the weight of all items that are not greater. The rules are those of
 * DataSketches since its version 4 ("inclusive"): the quantile of rank r is the smallest item whose weight from below is at least
 * r * n, rounded up; the rank of a value is the weight of items that are not greater than it.
 */
#pragma once

#include "sketch/sketch.h"

typedef struct ov_ranks {
    double *items;    /* sorted */
    uint64_t *below;  /* weights up to and with the item */
    uint32_t count, cap;
    uint64_t n;       /* sum of all weights; 0: empty */
    double min, max;  /* exact, which the items need not be */
} ov_ranks;

/* Room for `items` of them, none there yet; memory from the arena. */
OV_CHECKED ov_status ov_ranks_init(ov_ranks *r, uint32_t items, double min, double max, ov_arena *a, ov_error *err);
/* One more, with its own weight, in any order. */
static inline void ov_ranks_add(ov_ranks *r, double item, uint64_t weight)
{
    r->items[r->count] = item;
    r->below[r->count++] = weight;
}
/* All are there: sorts and sums. */
OV_CHECKED ov_status ov_ranks_finish(ov_ranks *r, ov_arena *a, ov_error *err);

/* rank from 0 to 1; NaN when nothing is there. */
double ov_ranks_quantile(const ov_ranks *r, double rank);
double ov_ranks_rank(const ov_ranks *r, double value);
/* Parts of the whole up to each of the split points, and 1 behind them: out has count + 1 places. Points ascend. */
void ov_ranks_cdf(const ov_ranks *r, const double *points, uint32_t count, double *out);
/* Parts of the whole between points. */
void ov_ranks_pmf(const ov_ranks *r, const double *points, uint32_t count, double *out);
/* The count - 1 points that cut min to max into `count` equal bins. */
void ov_ranks_equal_points(const ov_ranks *r, uint32_t count, double *points);
/* The same reckoned in floats. */
void ov_ranks_equal_floats(const ov_ranks *r, uint32_t count, double *points);

/* ---- within sketch ---- */

/* A coin that depends on what a sketch has seen: it decides which half of its items stays. */
static inline bool ovi_throw_coin(uint64_t *coin, double seen)
{
    *coin = ovi_murmur_finish(*coin * UINT64_C(0x9e3779b97f4a7c15) + ov_f64_bits(seen) + 1);
    return *coin & 1;
}

/* Ascending; no NaN. */
void ovi_sort_doubles(double *x, size_t n);
