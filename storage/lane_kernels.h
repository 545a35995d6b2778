/*
 * Loops over blocks of values that are worth an instruction set of their own: finding bounds,
 * packing into lanes, unpacking, scaling decimals. One source (lane_kernels_tmpl.h) is compiled for
 * the baseline and for AVX2; the table is chosen once by base/cpu.h.
 *
 * Kernels are pure: no allocation, no errors. `n` is 1 or more unless a comment says otherwise.
 */
#pragma once

#include "base/compiler.h"

typedef struct ovi_scan {
    int64_t min, max;
    uint64_t sum;     /* modulo 2^64 */
    uint32_t changes; /* places where a value differs from the one before */
} ovi_scan;

typedef struct ovi_lane_kernels {
    void (*scan_i64)(const int64_t *v, size_t n, ovi_scan *out);
    /* Smallest and largest of doubles given as bits, in the order -inf .. -0.0 0.0 .. inf NaN. */
    void (*real_bounds)(const int64_t *bits, size_t n, int64_t *min, int64_t *max);
    /* Places where a value differs from the one before; values are compared as bits. */
    uint32_t (*changes)(const int64_t *v, size_t n);
    /* out[i] = v[i] - base, in lanes of 1, 2, 4 or 8 bytes. */
    void (*pack)(const int64_t *v, int64_t base, uint8_t lane, size_t n, void *out);
    /* The reverse; n may be 0. */
    void (*unpack)(const void *lanes, int64_t base, uint8_t lane, size_t n, int64_t *out);
    /* out[i] = first + step * i, modulo the width of a lane of 1, 2, 4 or 8 bytes; n may be 0. */
    void (*ramp)(uint64_t first, uint64_t step, uint8_t lane, size_t n, void *out);
    /* Bounds of unsigned lanes. */
    void (*lane_bounds)(const void *lanes, uint8_t lane, size_t n, uint64_t *min, uint64_t *max);
    /* scaled[i] = v[i] * power as an integer. True when (double)scaled[i] / power gives back the
     * bits of every value and |scaled| < 2^51; false leaves junk in scaled. */
    bool (*scale)(const double *v, double power, size_t n, int64_t *scaled);
    /* The reverse; n may be 0. */
    void (*unscale)(const int64_t *scaled, double power, size_t n, double *v);
} ovi_lane_kernels;

const ovi_lane_kernels *ovi_lane_kernels_now(void);

extern const ovi_lane_kernels ovi_lane_kernels_base;
#if defined(__x86_64__)
extern const ovi_lane_kernels ovi_lane_kernels_v3;
#endif
