/*
 * The table of aggregate kernels: tight loops that add a batch to columns of states.
 *
 * Rows [from, to) of a batch take part, those whose bit in `mask` is set (NULL: all of them; the mask
 * starts at row 0 of the batch). `vals` are unsigned lanes of the width in the second index, read at row
 * numbers of the batch. Three shapes say which state a row goes to:
 *
 *   _code   state[code[row]], codes in lanes of the first index
 *   _ramp   state[row - from]: rows whose codes come in the order in which the states lie, as sensor data
 *           have in every tick. These loops are plain vector additions and run at memory speed.
 *   reduce  one state for all rows
 *
 * `stride` interleaves four tables for few groups: row i uses table i % 4 at offset (i % 4) * stride, so that
 * equal neighbours do not wait for each other's store (0: one table).
 *
 * Three tables of the same source exist (base, v3, v4); ov_agg_kernels_get picks one.
 */
#pragma once

#include "base/compiler.h"

enum { OV_LANE_1, OV_LANE_2, OV_LANE_4, OV_LANE_8, OV_LANES, OV_CODE_LANES = 3 };

/* 1, 2, 4, 8 -> 0 .. 3 */
static inline unsigned ov_lane_index(unsigned bytes)
{
    return (unsigned)__builtin_ctz(bytes);
}

/* A count in the high 24 bits and a sum of small values in the low 40. */
#define OV_PACKED_ONE (UINT64_C(1) << 40)
#define OV_PACKED_SUM(word) ((word) & (OV_PACKED_ONE - 1))
#define OV_PACKED_COUNT(word) ((word) >> 40)
enum {
    OV_PACKED_MAX_ROWS = (1 << 24) - 1, /* between two unpackings, for any one state */
    OV_PACKED_MAX_VALUE = (1 << 16) - 1,
};

typedef void ov_count_code_fn(uint64_t *n, size_t stride, const void *codes, size_t from, size_t to,
                              const uint64_t *mask);
typedef void ov_count_ramp_fn(uint32_t *n, size_t from, size_t to, const uint64_t *mask);
/* The same into bytes: 64 rows an instruction where there are masks in registers. Bytes up to the next multiple of 64 behind
 * the last one are written, but keep their values; nothing may overflow. */
typedef void ov_count_bytes_fn(uint8_t *n, size_t from, size_t to, const uint64_t *mask);
/* packed[c] += OV_PACKED_ONE + delta + value */
typedef void ov_packed_code_fn(uint64_t *packed, size_t stride, const void *codes, const void *vals,
                               uint64_t delta, size_t from, size_t to, const uint64_t *mask);
typedef void ov_packed_ramp_fn(uint64_t *packed, const void *vals, uint64_t delta, size_t from, size_t to,
                               const uint64_t *mask);
/* sum[row - from] += delta + value, every row; how many rows there were is the caller's to know */
typedef void ov_small_ramp_fn(uint32_t *sum, const void *vals, uint32_t delta, size_t from, size_t to);
/* state[row - from] = min or max of (uint8_t)(delta + value) and itself; one-byte lanes */
typedef void ov_tiny_ramp_fn(uint8_t *state, const void *vals, uint8_t delta, size_t from, size_t to,
                             const uint64_t *mask);
/* sum[c] += base + value (wrapping), n[c]++ */
typedef void ov_sum_code_fn(uint64_t *sum, uint64_t *n, const void *codes, const void *vals, uint64_t base,
                            size_t from, size_t to, const uint64_t *mask);
/* state[c] = min or max of (uint32_t)(delta + value) and itself */
typedef void ov_narrow_code_fn(uint32_t *state, const void *codes, const void *vals, uint32_t delta,
                               size_t from, size_t to, const uint64_t *mask);
typedef void ov_narrow_ramp_fn(uint32_t *state, const void *vals, uint32_t delta, size_t from, size_t to,
                               const uint64_t *mask);
/* state[c] = min or max of base + value as signed numbers; n[c]++ */
typedef void ov_wide_code_fn(int64_t *state, uint64_t *n, const void *codes, const void *vals, uint64_t base,
                             size_t from, size_t to, const uint64_t *mask);
typedef void ov_sum_ramp_fn(uint64_t *sum, uint64_t *n, const void *vals, uint64_t base, size_t from, size_t to,
                            const uint64_t *mask);
typedef void ov_wide_ramp_fn(int64_t *state, uint64_t *n, const void *vals, uint64_t base, size_t from, size_t to,
                             const uint64_t *mask);
typedef void ov_real_ramp_fn(double *state, uint64_t *n, const double *vals, size_t from, size_t to,
                             const uint64_t *mask);
typedef void ov_real_code_fn(double *state, uint64_t *n, const void *codes, const double *vals, size_t from,
                             size_t to, const uint64_t *mask);

/* Wrapping sum of the lanes. */
typedef uint64_t ov_sum_fn(const void *vals, size_t from, size_t to, const uint64_t *mask);
/* Smallest and largest lane; *min > *max when no row took part. */
typedef void ov_bounds_fn(const void *vals, size_t from, size_t to, const uint64_t *mask, uint64_t *min,
                          uint64_t *max);

/* Wrapping sum of the lanes of runs [from, to), each as often as its run has rows: run r begins where run r - 1 ends, and
 * from is 1 or more. All runs of a batch together have no more rows than a batch. */
typedef uint64_t ov_run_sum_fn(const void *vals, const uint16_t *ends, size_t from, size_t to);

/* Smallest and largest that are not NaN (*min > *max when there are none), whether there are NaN, whether there are
 * any rows. */
typedef bool ov_real_bounds_fn(const double *vals, size_t from, size_t to, const uint64_t *mask, double *min,
                               double *max, bool *nan);

typedef struct ov_agg_kernels {
    ov_count_code_fn *count_code[OV_CODE_LANES];
    ov_count_ramp_fn *count_ramp;
    ov_count_bytes_fn *count_bytes;
    ov_packed_code_fn *packed_code[OV_CODE_LANES][2];
    ov_packed_ramp_fn *packed_ramp[2];
    ov_small_ramp_fn *small_ramp[2];
    ov_tiny_ramp_fn *tiny_min_ramp, *tiny_max_ramp;
    ov_sum_code_fn *sum_code[OV_CODE_LANES][OV_LANES];
    ov_narrow_code_fn *narrow_min_code[OV_CODE_LANES][OV_CODE_LANES];
    ov_narrow_code_fn *narrow_max_code[OV_CODE_LANES][OV_CODE_LANES];
    ov_narrow_ramp_fn *narrow_min_ramp[OV_CODE_LANES];
    ov_narrow_ramp_fn *narrow_max_ramp[OV_CODE_LANES];
    ov_wide_code_fn *wide_min_code[OV_CODE_LANES][OV_LANES];
    ov_wide_code_fn *wide_max_code[OV_CODE_LANES][OV_LANES];
    ov_sum_ramp_fn *sum_ramp[OV_LANES];
    ov_wide_ramp_fn *wide_min_ramp[OV_LANES];
    ov_wide_ramp_fn *wide_max_ramp[OV_LANES];
    ov_real_ramp_fn *real_sum_ramp, *real_min_ramp, *real_max_ramp;
    ov_real_code_fn *real_sum_code[OV_CODE_LANES];
    ov_real_code_fn *real_min_code[OV_CODE_LANES];
    ov_real_code_fn *real_max_code[OV_CODE_LANES];
    ov_sum_fn *sum[OV_LANES];
    ov_bounds_fn *bounds[OV_LANES];
    ov_run_sum_fn *run_sum[OV_LANES];
    /* The first run from `run` on that ends at row `to` or behind it; there is one among all `runs`. */
    uint32_t (*run_find)(const uint16_t *ends, uint32_t run, uint32_t runs, uint32_t to);
    ov_real_bounds_fn *real_bounds;
    /* How many bytes at the start of a and b are equal. */
    size_t (*match)(const void *a, const void *b, size_t bytes);
} ov_agg_kernels;

/* The kernels for the instruction set in use (base/cpu.h). */
extern const ov_agg_kernels ov_agg_kernels_base;
#if defined(__x86_64__)
extern const ov_agg_kernels ov_agg_kernels_v3, ov_agg_kernels_v4;
#endif
const ov_agg_kernels *ov_agg_kernels_get(void);
