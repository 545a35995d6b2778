/*
 * HLL sketches: how many distinct values, in 2^lg_k registers, with the bytes of Apache DataSketches.
 *
 * A value's 128-bit hash gives a *coupon*: 26 bits of address, 6 bits that say how long a run of zeros the other half starts with.
 * A sketch passes through three modes:
 *
 *   LIST    up to 7 coupons as they came
 *   SET     coupons in a hash table, until it has 2^(lg_k-3) slots and they are three quarters full (lg_k > 7 only)
 *   ARRAY   a register per slot (address modulo 2^lg_k) that keeps the largest run
 *
 * Registers are bytes here whatever the target type; HLL_4 and HLL_6 are ways to write them (hll_image.c). Two estimates
 * exist in ARRAY mode. HIP (historic inverse probability; Cohen 2014, Ting 2014) watches the registers change, in the order in
 * which values come, and is lost in a merge. The other looks at registers only (hll_estimate.c), so it is the same for any order
 * of rows and any number of workers. Sketches that are *merged* use it.
 *
 * Sources: Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog" (2007); Heule, Nunkesser, Hall (2013); the preamble and mode pages of
 * Apache DataSketches' HLL documentation.
 */
#pragma once

#include "sketch/sketch.h"

enum {
    OV_HLL_LEAST_LG_K = 4,
    OV_HLL_MOST_LG_K = 21,
    OV_HLL_DEFAULT_LG_K = 12,
};

typedef enum ov_hll_type { OV_HLL_4, OV_HLL_6, OV_HLL_8 } ov_hll_type;
typedef enum ov_hll_mode { OV_HLL_LIST, OV_HLL_SET, OV_HLL_ARRAY } ov_hll_mode;

typedef struct ov_hll {
    uint8_t lg_k; /* 0: never initialised (a zeroed head) */
    uint8_t type; /* ov_hll_type: what it was made for; a merge keeps the target's */
    uint8_t mode; /* ov_hll_mode */
    uint8_t lg_slots; /* LIST, SET: coupons has 2^lg_slots places */
    bool merged;      /* the order of values is lost: no HIP */
    uint32_t count;   /* LIST, SET: coupons */
    size_t cap;       /* bytes of block */
    union {
        uint32_t *coupons; /* LIST, SET; 0 is a free place */
        uint8_t *regs;     /* ARRAY */
        void *block;
    };
    double hip;       /* ARRAY, not merged: the running estimate and the sum of 2^-register, in two halves that are exact */
    double kxq0, kxq1;
} ov_hll;

static inline uint32_t ov_hll_coupon(ov_hash128 h)
{
    unsigned zeros = h.hi ? (unsigned)__builtin_clzll(h.hi) : 64;
    return (OV_MIN(zeros, 62u) + 1) << 26 | (uint32_t)(h.lo & 0x3ffffff);
}

/* An empty sketch, which has no memory yet. */
void ov_hll_init(ov_hll *s, unsigned lg_k, ov_hll_type type);
static inline bool ov_hll_is_empty(const ov_hll *s)
{
    return s->mode != OV_HLL_ARRAY && s->count == 0;
}

OV_CHECKED ov_status ovi_hll_add_slow(ov_hll *s, uint32_t coupon, const ov_sketch_mem *mem, ov_error *err);
/* Takes in one value by its coupon; 0 is none. */
OV_CHECKED static inline ov_status ov_hll_add(ov_hll *s, uint32_t coupon, const ov_sketch_mem *mem, ov_error *err)
{
    if (s->mode == OV_HLL_ARRAY) {
        uint8_t *r = &s->regs[coupon & ((UINT32_C(1) << s->lg_k) - 1)], run = (uint8_t)(coupon >> 26);
        if (run <= *r)
            return OV_OK;
        if (s->merged) {
            *r = run;
            return OV_OK;
        }
    }
    return ovi_hll_add_slow(s, coupon, mem, err);
}

/* s takes in all values of `from`. It keeps its type; its lg_k falls to that of `from` if that is an array of fewer registers. */
OV_CHECKED ov_status ov_hll_merge(ov_hll *s, const ov_hll *from, const ov_sketch_mem *mem, ov_error *err);

double ov_hll_estimate(const ov_hll *s);
/* The lower or upper bound at 1, 2 or 3 standard deviations. */
double ov_hll_bound(const ov_hll *s, unsigned deviations, bool upper);

/* hll_image.c: the image DataSketches would write, compact (to keep) or updatable (to go on in place). */
OV_CHECKED ov_status ov_hll_write(const ov_hll *s, ov_hll_type type, bool compact, ov_buf *out, ov_error *err);
/* Reads an image of either kind, trusting nothing; s is made anew with memory from mem. */
OV_CHECKED ov_status ov_hll_read(ov_slice image, ov_hll *s, const ov_sketch_mem *mem, ov_error *err);
/* What DataSketches' toString says. */
void ov_hll_describe(const ov_hll *s, ov_buf *out);

/* ---- within sketch ---- */

/* How many registers hold each run length. */
void ovi_hll_histogram(const ov_hll *s, uint32_t count[64]);
/* s is an ARRAY of 2^lg_k registers, all 0. */
OV_CHECKED ov_status ovi_hll_make_array(ov_hll *s, unsigned lg_k, const ov_sketch_mem *mem, ov_error *err);
