/*
 * Bloom filters: was this value among those that came? With the bytes of Hive's BloomKFilter, which Druid uses.
 *
 * A value's 64-bit hash picks a block of eight words and sets k bits within it. The size follows from how many values are expected, for one wrong
 * yes in twenty.
 *
 *   image   k | words (u32) | words (u64 each); numbers are big-endian
 *
 * Source: Kirsch, Mitzenmacher, "Less Hashing, Same Performance" (2006); filters that Hive's library wrote.
 */
#pragma once

#include "sketch/sketch.h"

#define OV_BLOOM_MOST_VALUES 100000000.0

typedef struct ov_bloom {
    uint64_t *words; /* NULL: never made (a zeroed head) */
    size_t cap;
    uint32_t count; /* of words, a multiple of 8 */
    uint8_t k;
} ov_bloom;

/* An empty filter that is right about 19 of 20 while it holds at most `values`, which are at most OV_BLOOM_MOST_VALUES. */
OV_CHECKED ov_status ov_bloom_init(ov_bloom *s, uint64_t values, const ov_sketch_mem *mem, ov_error *err);

/* The hashes of values, as Hive takes them. */
uint64_t ov_bloom_hash_bytes(ov_slice bytes);
uint64_t ov_bloom_hash_i64(int64_t v);
uint64_t ov_bloom_hash_f64(double v);
uint64_t ov_bloom_hash_f32(float v);
#define OV_BLOOM_HASH_NULL UINT64_C(2862933555777941757)

void ov_bloom_add(ov_bloom *s, uint64_t hash);
bool ov_bloom_test(const ov_bloom *s, uint64_t hash);
/* Only filters of the same size can be put together. */
OV_CHECKED ov_status ov_bloom_merge(ov_bloom *s, const ov_bloom *from, ov_error *err);
void ov_bloom_write(const ov_bloom *s, ov_buf *out);
OV_CHECKED ov_status ov_bloom_read(ov_slice image, ov_bloom *s, const ov_sketch_mem *mem, ov_error *err);
