/*
 * Loads and stores of fixed-width numbers at any address.
 *
 * Our own formats are little-endian (`ov_load_u32`); the _be forms are for foreign ones. Sizes are
 * the caller's business: untrusted bytes go through base/cursor.h.
 */
#pragma once

#include <string.h>
#include "base/compiler.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "only little-endian machines are supported: segments are read in place"
#endif

static inline uint16_t ov_load_u16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t ov_load_u32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t ov_load_u64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline int32_t ov_load_i32(const void *p)
{
    return (int32_t)ov_load_u32(p);
}

static inline int64_t ov_load_i64(const void *p)
{
    return (int64_t)ov_load_u64(p);
}

static inline float ov_load_f32(const void *p)
{
    float v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline double ov_load_f64(const void *p)
{
    double v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint16_t ov_load_be_u16(const void *p)
{
    return __builtin_bswap16(ov_load_u16(p));
}

static inline uint32_t ov_load_be_u32(const void *p)
{
    return __builtin_bswap32(ov_load_u32(p));
}

static inline uint64_t ov_load_be_u64(const void *p)
{
    return __builtin_bswap64(ov_load_u64(p));
}

static inline void ov_store_u16(void *p, uint16_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void ov_store_u32(void *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void ov_store_u64(void *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void ov_store_i64(void *p, int64_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void ov_store_f64(void *p, double v)
{
    memcpy(p, &v, sizeof v);
}

static inline void ov_store_be_u16(void *p, uint16_t v)
{
    ov_store_u16(p, __builtin_bswap16(v));
}

static inline void ov_store_be_u32(void *p, uint32_t v)
{
    ov_store_u32(p, __builtin_bswap32(v));
}

static inline void ov_store_be_u64(void *p, uint64_t v)
{
    ov_store_u64(p, __builtin_bswap64(v));
}

/* The bits of a double and back. */
static inline uint64_t ov_f64_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static inline double ov_f64_from_bits(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline uint32_t ov_f32_bits(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static inline float ov_f32_from_bits(uint32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
