/*
 * The door to XXH3-64: checksums of stored bytes and hashes of keys. They are kept apart on
 * purpose.
 *
 * ov_checksum  never changes: it is written to disk.
 * ov_hash_*    for tables in memory. Seeded per process, so that nobody outside can choose
 * colliding keys, and never stored. Tests may force every hash to zero (ov_hash_force_zero, or
 *              OVATE_HASH=zero in the environment read by ov_hash_init), which makes every table
 * one chain and shows code that trusts a hash; OVATE_HASH=few leaves 16 bits of each half, so
 * that large tables of texts show it too and end.
 *
 * Threads: any. ov_hash_init and ov_hash_force_zero only while no table exists.
 */
#pragma once

#include "base/slice.h"

/* XXH3-64 with seed 0. */
uint64_t ov_checksum(const void *bytes, size_t n);

/* The same over bytes that arrive in parts. */
typedef struct ov_checksum_stream ov_checksum_stream;
ov_checksum_stream *ov_checksum_begin(void); /* NULL when memory is out */
void ov_checksum_add(ov_checksum_stream *s, const void *bytes, size_t n);
uint64_t ov_checksum_end(ov_checksum_stream *s); /* frees s; s may be NULL */

typedef struct ov_hash_setting {
    uint64_t seed;
    uint64_t mask; /* ~0, or 0 to force every hash to zero */
} ov_hash_setting;
extern ov_hash_setting ov_hash_config;

/* Once, before any table is made: a random seed from the system, or what the environment says. Without this call the seed
 * is a constant, as in unit tests. */
void ov_hash_init(void);
void ov_hash_force_zero(bool on);

/* Keys of any length: XXH3 with the process's seed. For tables in memory, never for what is stored. */
uint64_t ov_hash_bytes(const void *bytes, size_t n);

static inline uint64_t ov_hash_slice(ov_slice s)
{
    return ov_hash_bytes(s.p, s.n);
}

/* One 64-bit key: a multiply-and-fold mix of good quality in all bits. */
static inline uint64_t ov_hash_u64(uint64_t v)
{
    __uint128_t m = (__uint128_t)(v ^ ov_hash_config.seed) * 0x9E3779B97F4A7C15ull;
    uint64_t h = (uint64_t)m ^ (uint64_t)(m >> 64);
    h ^= h >> 29;
    return (h * 0xBF58476D1CE4E5B9ull ^ h >> 32) & ov_hash_config.mask;
}

/* Order matters: combine(combine(a, b), c). */
static inline uint64_t ov_hash_combine(uint64_t h, uint64_t next)
{
    return ov_hash_u64(h ^ (next + 0x9E3779B97F4A7C15ull + (h << 6) + (h >> 2)));
}
