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
#include "query/expr/kernels/table_tmpl.h"
#define KT uint16_t
#define KNAME table_u16
#include "query/expr/kernels/table_tmpl.h"
#define KT uint32_t
#define KNAME table_u32
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
    .long_to_double = long_to_double,
    .bytes_of_mask = bytes_of_mask,
};
