/*
 * KLL sketches of doubles and floats, with the bytes of Apache DataSketches' KllDoublesSketch and KllFloatsSketch.
 *
 * Items of level i stand for 2^i each. New ones go to level 0, in whatever order they come; all other levels ascend. The top level may hold k items, each
 * one below two thirds of the one above, none fewer than m. Only when all rooms together are used is a level compacted, the lowest that has outgrown its
 * own: sorted, every other item goes one level up, merged with what is there; an odd one stays. Until then nothing is lost.
 *
 *        items   [free ...][level 0][level 1] ... [top]        levels lie at the end, level 0 grows down
 *                          ^free    ^ends[0]      ^ends[levels - 1] = room
 *
 * Which half goes up is a coin thrown from the items themselves (ranks.h). Floats are kept as doubles that are rounded; only their images are shorter.
 *
 * Sources: Karnin, Lang, Liberty, "Optimal Quantile Approximation in Streams" (2016); the layout that DataSketches documents for its KLL sketches.
 */
#pragma once

#include "sketch/ranks.h"

enum {
    OV_KLL_LEAST_K = 8,
    OV_KLL_MOST_K = 65535,
    OV_KLL_DEFAULT_K = 200,
    OV_KLL_MOST_LEVELS = 61,
};

typedef struct ov_kll {
    uint16_t k;     /* 0: never initialised (a zeroed head) */
    uint16_t min_k; /* of all that were merged: what the error goes by */
    uint8_t m, levels;
    bool floats;
    bool sorted; /* level 0 ascends */
    uint32_t room, capacity; /* items there is memory for; that there may be with so many levels */
    uint32_t free;
    uint64_t n;
    double min, max; /* when n > 0 */
    double *items;
    uint32_t *ends; /* of levels; NULL while nothing came */
    size_t cap, ends_cap; /* bytes */
    uint64_t coin;
} ov_kll;

/* No items yet and no memory; k from OV_KLL_LEAST_K to OV_KLL_MOST_K. */
void ov_kll_init(ov_kll *s, unsigned k, bool floats);

/* Makes free > 0. */
OV_CHECKED ov_status ovi_kll_make_room(ov_kll *s, const ov_sketch_mem *mem, ov_error *err);

/* One item; NaN is none. */
OV_CHECKED static inline ov_status ov_kll_add(ov_kll *s, double x, const ov_sketch_mem *mem, ov_error *err)
{
    if (isnan(x))
        return OV_OK;
    if (s->floats)
        x = (double)(float)x;
    if (s->free == 0)
        OV_TRY(ovi_kll_make_room(s, mem, err));
    s->min = s->n && s->min < x ? s->min : x;
    s->max = s->n && s->max > x ? s->max : x;
    s->items[--s->free] = x;
    s->n++;
    s->sorted = false;
    return OV_OK;
}

/* s takes in all items of `from`, which is of the same kind of numbers or rounded to it. */
OV_CHECKED ov_status ov_kll_merge(ov_kll *s, const ov_kll *from, const ov_sketch_mem *mem, ov_error *err);
/* Level 0 ascends from now on: sketches of the same values in other orders become the same while nothing was compacted. */
void ov_kll_sort(ov_kll *s);

/* What answers come from; lives in the arena. */
OV_CHECKED ov_status ov_kll_ranks(const ov_kll *s, ov_ranks *out, ov_arena *a, ov_error *err);
/* The error of ranks that holds with 99 % confidence, as part of n: of one rank, or of the difference of two. */
double ov_kll_error(unsigned k, bool of_difference);

/* kll_image.c: as DataSketches writes it to keep. */
OV_CHECKED ov_status ov_kll_write(const ov_kll *s, ov_buf *out, ov_error *err);
/* Reads an image of that kind of numbers, compact or one that DataSketches goes on with in place, trusting nothing; no bytes are an empty sketch. */
OV_CHECKED ov_status ov_kll_read(ov_slice image, bool floats, ov_kll *s, const ov_sketch_mem *mem, ov_error *err);
/* What DataSketches' toString says. */
void ov_kll_describe(const ov_kll *s, ov_buf *out);

/* ---- within sketch ---- */

/* Items that all levels together may hold. */
uint32_t ovi_kll_capacity(unsigned k, unsigned m, unsigned levels);

static inline uint32_t ovi_kll_begin(const ov_kll *s, unsigned level)
{
    return level ? s->ends[level - 1] : s->free;
}

static inline uint32_t ovi_kll_population(const ov_kll *s, unsigned level)
{
    return s->ends[level] - ovi_kll_begin(s, level);
}

/* Room for the ends of so many levels. */
OV_CHECKED ov_status ovi_kll_reserve_levels(ov_kll *s, unsigned levels, const ov_sketch_mem *mem, ov_error *err);
