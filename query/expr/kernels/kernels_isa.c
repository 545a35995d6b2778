/*
 * All kernels, compiled once per instruction set: OVI_ISA names the table this build of the file makes.
 */
#include "query/expr/kernels/kernels.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define KT uint8_t
#define KSIGNED char
#define KBITS 8
#include "query/expr/kernels/range_tmpl.h"
#define KT uint16_t
#define KSIGNED short
#define KBITS 16
#include "query/expr/kernels/range_tmpl.h"
#define KT uint32_t
#define KSIGNED int
#define KBITS 32
#include "query/expr/kernels/range_tmpl.h"
#define KT uint64_t
#define KSIGNED long long
#define KBITS 64
#include "query/expr/kernels/range_tmpl.h"

#define KT double
#define KNAME range_f64
#define KARGS double lo, double hi
#define KTEST ((x >= lo) & (x <= hi))
#include "query/expr/kernels/compare_tmpl.h"
#define KT float
#define KNAME range_f32
#define KARGS double lo, double hi
#define KTEST (((double)x >= lo) & ((double)x <= hi))
#include "query/expr/kernels/compare_tmpl.h"
#define KT int64_t
#define KNAME lt_i64
#define KARGS const int64_t *restrict b
#define KTEST (x < b[w * 64 + i])
#include "query/expr/kernels/compare_tmpl.h"
#define KT int64_t
#define KNAME eq_i64
#define KARGS const int64_t *restrict b
#define KTEST (x == b[w * 64 + i])
#include "query/expr/kernels/compare_tmpl.h"
/* !(x >= y) is also true when y is NaN; x must not be NaN itself */
#define KT double
#define KNAME lt_f64
#define KARGS const double *restrict b
#define KTEST (!(x >= b[w * 64 + i]) & (x == x))
#include "query/expr/kernels/compare_tmpl.h"
#define KT double
#define KNAME eq_f64
#define KARGS const double *restrict b
#define KTEST ((x == b[w * 64 + i]) | ((x != x) & (b[w * 64 + i] != b[w * 64 + i])))
#include "query/expr/kernels/compare_tmpl.h"

#define KT uint8_t
#define KNAME table_u8
#define KWIDEN512(p) _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(p)))
#define KWIDEN256(p) _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(p)))
#include "query/expr/kernels/table_tmpl.h"
#define KT uint16_t
#define KNAME table_u16
#define KWIDEN512(p) _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(p)))
#define KWIDEN256(p) _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p)))
#include "query/expr/kernels/table_tmpl.h"
#define KT uint32_t
#define KNAME table_u32
#define KWIDEN512(p) _mm512_loadu_si512(p)
#define KWIDEN256(p) _mm256_loadu_si256((const __m256i *)(p))
#include "query/expr/kernels/table_tmpl.h"

#define KT int64_t
#define KNAME add_i64
#define KOP (int64_t)((uint64_t)x + (uint64_t)y)
#include "query/expr/kernels/arith_tmpl.h"
#define KT int64_t
#define KNAME sub_i64
#define KOP (int64_t)((uint64_t)x - (uint64_t)y)
#include "query/expr/kernels/arith_tmpl.h"
#define KT int64_t
#define KNAME mul_i64
#define KOP (int64_t)((uint64_t)x * (uint64_t)y)
#include "query/expr/kernels/arith_tmpl.h"
#define KT double
#define KNAME add_f64
#define KOP x + y
#include "query/expr/kernels/arith_tmpl.h"
#define KT double
#define KNAME sub_f64
#define KOP x - y
#include "query/expr/kernels/arith_tmpl.h"
#define KT double
#define KNAME mul_f64
#define KOP x *y
#include "query/expr/kernels/arith_tmpl.h"
#define KT double
#define KNAME div_f64
#define KOP x / y
#include "query/expr/kernels/arith_tmpl.h"

/* A double holds every whole number below 2^53 and rounds a quotient to the nearest; below 2^52 that is never across a
 * whole number, so cutting it is exact. */
static bool div_i64_const(const int64_t *restrict a, int64_t y, size_t rows, int64_t *restrict out)
{
    const double d = (double)y;
    uint64_t far = ((uint64_t)y + (UINT64_C(1) << 52)) >> 53;
    for (size_t i = 0; i < rows; i++)
        far |= ((uint64_t)a[i] + (UINT64_C(1) << 52)) >> 53;
    if (far)
        return false;
    for (size_t i = 0; i < rows; i++)
        out[i] = (int64_t)((double)a[i] / d);
    return true;
}

static void widen_u8(const uint8_t *restrict v, int64_t base, size_t rows, int64_t *restrict out)
{
    for (size_t i = 0; i < rows; i++)
        out[i] = (int64_t)((uint64_t)base + v[i]);
}

static void widen_u16(const uint16_t *restrict v, int64_t base, size_t rows, int64_t *restrict out)
{
    for (size_t i = 0; i < rows; i++)
        out[i] = (int64_t)((uint64_t)base + v[i]);
}

static void widen_u32(const uint32_t *restrict v, int64_t base, size_t rows, int64_t *restrict out)
{
    for (size_t i = 0; i < rows; i++)
        out[i] = (int64_t)((uint64_t)base + v[i]);
}

#define KT uint8_t
#define KNAME scale_u8
#include "query/expr/kernels/scale_tmpl.h"
#define KT uint16_t
#define KNAME scale_u16
#include "query/expr/kernels/scale_tmpl.h"
#define KT uint32_t
#define KNAME scale_u32
#include "query/expr/kernels/scale_tmpl.h"

static void blend_u8(const uint64_t *restrict mask, uint8_t v, size_t rows, uint8_t *restrict out)
{
    for (size_t w = 0; w < ov_words(rows); w++) {
        uint8_t *at = out + w * 64;
        size_t n = OV_MIN((size_t)64, rows - w * 64);
        if (mask[w] == 0)
            continue;
#if defined(__AVX512BW__)
        _mm512_mask_storeu_epi8(at, mask[w] & ov_low_bits(n), _mm512_set1_epi8((char)v));
#else
        for (size_t i = 0; i < n; i++)
            at[i] = mask[w] >> i & 1 ? v : at[i];
#endif
    }
}

static void blend_i64(const uint64_t *restrict mask, const int64_t *restrict v, size_t sv, size_t rows,
                      int64_t *restrict out)
{
    for (size_t w = 0; w < ov_words(rows); w++) {
        int64_t *at = out + w * 64;
        const int64_t *from = v + w * 64 * sv;
        size_t n = OV_MIN((size_t)64, rows - w * 64);
        uint64_t m = mask[w];
        if (m == 0)
            continue;
#if defined(__AVX512BW__)
        m &= ov_low_bits(n);
        for (size_t i = 0; i < n; i += 8) {
            __mmask8 k = (__mmask8)(m >> i);
            __m512i x = sv ? _mm512_maskz_loadu_epi64(k, from + i) : _mm512_set1_epi64(v[0]);
            _mm512_mask_storeu_epi64(at + i, k, x);
        }
#else
        for (size_t i = 0; i < n; i++)
            if (m >> i & 1)
                at[i] = from[i * sv];
#endif
    }
}

static void long_to_double(const int64_t *restrict v, size_t rows, double *restrict out)
{
    for (size_t i = 0; i < rows; i++)
        out[i] = (double)v[i];
}

/* Eight bits spread over eight bytes by one multiplication and a mask. */
static void bytes_of_mask(const uint64_t *restrict mask, size_t rows, uint8_t *restrict out)
{
    for (size_t w = 0; w < ov_words(rows); w++)
        for (size_t b = 0; b < 8; b++) {
            uint64_t bits = mask[w] >> (8 * b) & 0xFF;
            uint64_t bytes = (bits * 0x8040201008040201u >> 7) & 0x0101010101010101u;
            bytes = __builtin_bswap64(bytes);
            memcpy(out + w * 64 + b * 8, &bytes, 8);
        }
}

const ovi_kernels OVI_ISA = {
    .range_u8 = range_u8,
    .range_u16 = range_u16,
    .range_u32 = range_u32,
    .range_u64 = range_u64,
    .range_f64 = range_f64,
    .range_f32 = range_f32,
    .lt_i64 = lt_i64,
    .eq_i64 = eq_i64,
    .lt_f64 = lt_f64,
    .eq_f64 = eq_f64,
    .table_u8 = table_u8,
    .table_u16 = table_u16,
    .table_u32 = table_u32,
    .add_i64 = add_i64,
    .sub_i64 = sub_i64,
    .mul_i64 = mul_i64,
    .add_f64 = add_f64,
    .sub_f64 = sub_f64,
    .mul_f64 = mul_f64,
    .div_f64 = div_f64,
    .div_i64_const = div_i64_const,
    .widen_u8 = widen_u8,
    .widen_u16 = widen_u16,
    .widen_u32 = widen_u32,
    .scale_u8 = scale_u8,
    .scale_u16 = scale_u16,
    .scale_u32 = scale_u32,
    .blend_u8 = blend_u8,
    .blend_i64 = blend_i64,
    .long_to_double = long_to_double,
    .bytes_of_mask = bytes_of_mask,
};
