/*
 * MurmurHash3, x64 form, 128 bits: the hash under every sketch that counts distinct values.
 *
 * Sketches of different makers only merge when equal values have equal hashes, so the function and the seed (9001) are part of
 * the format. Source: Austin Appleby's description of MurmurHash3 (public domain); Apache DataSketches' pages on compatibility.
 */
#pragma once

#include <math.h>

#include "base/bytes.h"
#include "base/slice.h"

enum { OV_SKETCH_SEED = 9001 };

typedef struct ov_hash128 {
    uint64_t lo, hi;
} ov_hash128;

static inline uint64_t ovi_murmur_turn(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

/* Spreads every bit of x over all others. */
static inline uint64_t ovi_murmur_finish(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static inline uint64_t ovi_murmur_low(uint64_t k)
{
    return ovi_murmur_turn(k * UINT64_C(0x87c37b91114253d5), 31) * UINT64_C(0x4cf5ad432745937f);
}

static inline uint64_t ovi_murmur_high(uint64_t k)
{
    return ovi_murmur_turn(k * UINT64_C(0x4cf5ad432745937f), 33) * UINT64_C(0x87c37b91114253d5);
}

static inline ov_hash128 ovi_murmur_end(uint64_t lo, uint64_t hi, uint64_t bytes)
{
    lo ^= bytes;
    hi ^= bytes;
    lo += hi;
    hi += lo;
    lo = ovi_murmur_finish(lo);
    hi = ovi_murmur_finish(hi);
    lo += hi;
    return (ov_hash128){lo, hi + lo};
}

/* Any bytes. */
ov_hash128 ov_murmur3(ov_slice bytes, uint64_t seed);

/* The eight bytes of one number, little-endian. */
static inline ov_hash128 ov_murmur3_u64(uint64_t v, uint64_t seed)
{
    return ovi_murmur_end(seed ^ ovi_murmur_low(v), seed, 8);
}

/* Doubles by their bits; both zeros are one value, and so are all NaNs. */
static inline ov_hash128 ov_murmur3_f64(double v, uint64_t seed)
{
    uint64_t bits = v == 0 ? 0 : isnan(v) ? UINT64_C(0x7ff8000000000000) : ov_f64_bits(v);
    return ov_murmur3_u64(bits, seed);
}

/* What images carry of their seed. */
uint16_t ov_sketch_seed_hash(uint64_t seed);
