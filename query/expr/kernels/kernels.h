/*
 * Loops over whole vectors, compiled once per instruction set and chosen at start (base/cpu.h).
 *
 * A kernel is a pure function: no allocation, no error path, no state. Masks are 64-bit words, row 0 in the lowest
 * bit; a kernel writes ov_words(rows) words in full. Lanes are readable up to the next multiple of 64 rows, and kernels
 * read that far: bits past `rows` in the last word are unspecified, the caller trims them.
 */
#pragma once

#include "base/bits.h"
#include "base/cpu.h"

enum { OVI_TABLE_PAD = 4 };

typedef struct ovi_kernels {
    /* out = bits of lo <= v <= lo + span, in unsigned arithmetic: one kernel for =, <, <=, >, >= and BETWEEN on any
     * frame of reference, signed values included. */
    void (*range_u8)(const uint8_t *v, uint8_t lo, uint8_t span, size_t rows, uint64_t *out);
    void (*range_u16)(const uint16_t *v, uint16_t lo, uint16_t span, size_t rows, uint64_t *out);
    void (*range_u32)(const uint32_t *v, uint32_t lo, uint32_t span, size_t rows, uint64_t *out);
    void (*range_u64)(const uint64_t *v, uint64_t lo, uint64_t span, size_t rows, uint64_t *out);
    /* lo <= v && v <= hi; NaN is in no range */
    void (*range_f64)(const double *v, double lo, double hi, size_t rows, uint64_t *out);
    void (*range_f32)(const float *v, double lo, double hi, size_t rows, uint64_t *out);

    /* a < b and a = b, row by row. Doubles: NaN is the greatest value and equal to itself. */
    void (*lt_i64)(const int64_t *a, const int64_t *b, size_t rows, uint64_t *out);
    void (*eq_i64)(const int64_t *a, const int64_t *b, size_t rows, uint64_t *out);
    void (*lt_f64)(const double *a, const double *b, size_t rows, uint64_t *out);
    void (*eq_f64)(const double *a, const double *b, size_t rows, uint64_t *out);

    /* is_true and is_unknown from a table of 0 false, 1 true, 2 unknown. The table is readable OVI_TABLE_PAD bytes past
     * the greatest code; lanes past `rows` may be anything. */
    void (*table_u8)(const uint8_t *v, const uint8_t *truth, size_t rows, uint64_t *is_true,
                     uint64_t *is_unknown);
    void (*table_u16)(const uint16_t *v, const uint8_t *truth, size_t rows, uint64_t *is_true,
                      uint64_t *is_unknown);
    void (*table_u32)(const uint32_t *v, const uint8_t *truth, size_t rows, uint64_t *is_true,
                      uint64_t *is_unknown);

    /* Arithmetic. A step is 1, or 0 for a constant operand; never both 0. Integers wrap. */
    void (*add_i64)(const int64_t *a, size_t sa, const int64_t *b, size_t sb, size_t rows, int64_t *out);
    void (*sub_i64)(const int64_t *a, size_t sa, const int64_t *b, size_t sb, size_t rows, int64_t *out);
    void (*mul_i64)(const int64_t *a, size_t sa, const int64_t *b, size_t sb, size_t rows, int64_t *out);
    void (*add_f64)(const double *a, size_t sa, const double *b, size_t sb, size_t rows, double *out);
    void (*sub_f64)(const double *a, size_t sa, const double *b, size_t sb, size_t rows, double *out);
    void (*mul_f64)(const double *a, size_t sa, const double *b, size_t sb, size_t rows, double *out);
    void (*div_f64)(const double *a, size_t sa, const double *b, size_t sb, size_t rows, double *out);

    /* out = a / y towards zero for a constant y other than 0; false, with out unspecified, when some |a| >= 2^52. */
    bool (*div_i64_const)(const int64_t *a, int64_t y, size_t rows, int64_t *out);

    /* Frames of reference opened: base + lane, and (double)(base + lane) / divisor for divisors of 1 to 1e22. */
    void (*widen_u8)(const uint8_t *v, int64_t base, size_t rows, int64_t *out);
    void (*widen_u16)(const uint16_t *v, int64_t base, size_t rows, int64_t *out);
    void (*widen_u32)(const uint32_t *v, int64_t base, size_t rows, int64_t *out);
    void (*scale_u8)(const uint8_t *v, int64_t base, double divisor, size_t rows, double *out);
    void (*scale_u16)(const uint16_t *v, int64_t base, double divisor, size_t rows, double *out);
    void (*scale_u32)(const uint32_t *v, int64_t base, double divisor, size_t rows, double *out);

    /* out = v where the mask is set; v's step is 1, or 0 for a constant */
    void (*blend_u8)(const uint64_t *mask, uint8_t v, size_t rows, uint8_t *out);
    void (*blend_i64)(const uint64_t *mask, const int64_t *v, size_t sv, size_t rows, int64_t *out);

    void (*long_to_double)(const int64_t *v, size_t rows, double *out);
    /* one byte per row, 0 or 1; writes ov_words(rows) * 64 bytes */
    void (*bytes_of_mask)(const uint64_t *mask, size_t rows, uint8_t *out);
} ovi_kernels;

/* The table of an instruction set; NULL when this build or machine has none. */
const ovi_kernels *ovi_kernels_of(ov_isa isa);
const ovi_kernels *ovi_kernels_best(void);
