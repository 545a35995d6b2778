#include "sketch/murmur.h"

ov_hash128 ov_murmur3(ov_slice bytes, uint64_t seed)
{
    uint64_t lo = seed, hi = seed;
    size_t at = 0;
    for (; at + 16 <= bytes.n; at += 16) {
        lo ^= ovi_murmur_low(ov_load_u64(bytes.p + at));
        lo = (ovi_murmur_turn(lo, 27) + hi) * 5 + UINT64_C(0x52dce729);
        hi ^= ovi_murmur_high(ov_load_u64(bytes.p + at + 8));
        hi = (ovi_murmur_turn(hi, 31) + lo) * 5 + UINT64_C(0x38495ab5);
    }
    char tail[16] = {0};
    size_t left = bytes.n - at;
    if (left)
        memcpy(tail, bytes.p + at, left);
    if (left > 8)
        hi ^= ovi_murmur_high(ov_load_u64(tail + 8));
    if (left > 0)
        lo ^= ovi_murmur_low(ov_load_u64(tail));
    return ovi_murmur_end(lo, hi, bytes.n);
}

uint16_t ov_sketch_seed_hash(uint64_t seed)
{
    return (uint16_t)ov_murmur3_u64(seed, 0).lo;
}
