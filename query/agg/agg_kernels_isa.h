/*
 * All instances of the aggregate kernels for one instruction set: included by agg_kernels_<isa>.c, which
 * defines KISA. Instances come from agg_code_tmpl.h (code lane x value lane), agg_value_tmpl.h (value lane)
 * and agg_codes_tmpl.h (code lane).
 */
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "base/bits.h"
#include "query/agg/agg_kernels.h"

#define KCAT_(a, b) a##_##b
#define KCAT(a, b) KCAT_(a, b)

/* The rows of mask word w that lie in [from, to). */
OV_INLINE uint64_t word_rows(const uint64_t *mask, size_t w, size_t from, size_t to)
{
    uint64_t word = mask[w];
    if (w == from / 64)
        word &= ~UINT64_C(0) << from % 64;
    if (w == to / 64)
        word &= (UINT64_C(1) << to % 64) - 1;
    return word;
}

/*
 * Every masked loop has this form: whole words of rows run the plain loop, others go bit by bit. BODY(a, b)
 * handles rows [a, b).
 */
#define KROWS(BODY)                                                                                \
    do {                                                                                           \
        if (!mask) {                                                                               \
            BODY(from, to);                                                                        \
            break;                                                                                 \
        }                                                                                          \
        for (size_t w = from / 64; w * 64 < to; w++) {                                             \
            uint64_t word = word_rows(mask, w, from, to);                                          \
            if (word == ~UINT64_C(0)) {                                                            \
                BODY(w * 64, w * 64 + 64);                                                         \
                continue;                                                                          \
            }                                                                                      \
            for (; word; word &= word - 1) {                                                       \
                size_t row_ = w * 64 + (size_t)__builtin_ctzll(word);                              \
                BODY(row_, row_ + 1);                                                              \
            }                                                                                      \
        }                                                                                          \
    } while (0)

#define KC 1
#define KCT uint8_t
#include "query/agg/agg_codes_tmpl.h"
#define KC 2
#define KCT uint16_t
#include "query/agg/agg_codes_tmpl.h"
#define KC 4
#define KCT uint32_t
#include "query/agg/agg_codes_tmpl.h"

#define KV 1
#define KVT uint8_t
#include "query/agg/agg_value_tmpl.h"
#define KV 2
#define KVT uint16_t
#include "query/agg/agg_value_tmpl.h"
#define KV 4
#define KVT uint32_t
#include "query/agg/agg_value_tmpl.h"
#define KV 8
#define KVT uint64_t
#include "query/agg/agg_value_tmpl.h"

/* n[row - from] += 1 for rows of the mask. */
static void count_ramp(uint32_t *restrict n, size_t from, size_t to, const uint64_t *restrict mask)
{
    for (size_t w = from / 64; w * 64 < to; w++) {
        uint64_t word = word_rows(mask, w, from, to);
        size_t a = OV_MAX(from, w * 64), b = OV_MIN(to, w * 64 + 64);
        if (!word)
            continue;
        word >>= a % 64;
        uint32_t *restrict at = n + (a - from);
        if (b - a == 64) { /* halves, so that shifts are as wide as counts */
            uint32_t low = (uint32_t)word, high = (uint32_t)(word >> 32);
            for (unsigned i = 0; i < 32; i++)
                at[i] += low >> i & 1;
            for (unsigned i = 0; i < 32; i++)
                at[32 + i] += high >> i & 1;
            continue;
        }
        for (size_t i = 0; i < b - a; i++)
            at[i] += (uint32_t)(word >> i & 1);
    }
}

/* n[i] += bit i of word, for 64 bytes. */
OV_INLINE void add_bits(uint8_t *n, uint64_t word)
{
#if defined(__AVX512BW__)
    _mm512_storeu_si512(n, _mm512_sub_epi8(_mm512_loadu_si512(n), _mm512_movm_epi8(word)));
#elif defined(__AVX2__)
    /* each byte of the word to eight bytes, of which each looks at its bit */
    const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
    const __m256i bits = _mm256_set1_epi64x((long long)0x8040201008040201);
    for (size_t i = 0; i < 64; i += 32) {
        __m256i x = _mm256_shuffle_epi8(_mm256_set1_epi32((int)(uint32_t)(word >> i)), spread);
        __m256i on = _mm256_cmpeq_epi8(_mm256_and_si256(x, bits), bits), *at = (__m256i *)(n + i);
        _mm256_storeu_si256(at, _mm256_sub_epi8(_mm256_loadu_si256(at), on));
    }
#else
    for (size_t i = 0; i < 8; i++) {
        uint64_t eight, x = (word >> 8 * i & 0xff) * 0x0101010101010101 & 0x8040201008040201;
        memcpy(&eight, n + 8 * i, 8);
        eight += (x + 0x7f7f7f7f7f7f7f7f) >> 7 & 0x0101010101010101;
        memcpy(n + 8 * i, &eight, 8);
    }
#endif
}

static void count_bytes(uint8_t *restrict n, size_t from, size_t to, const uint64_t *restrict mask)
{
    const uint64_t *word = mask + from / 64;
    size_t shift = from % 64, rows = to - from, full = rows / 64;
    if (shift == 0) {
        for (size_t i = 0; i < full; i++)
            add_bits(n + i * 64, word[i]);
    } else {
        for (size_t i = 0; i < full; i++)
            add_bits(n + i * 64, word[i] >> shift | word[i + 1] << (64 - shift));
    }
    if (rows % 64 == 0)
        return;
    uint64_t last = word[full] >> shift;
    if (shift + rows % 64 > 64)
        last |= word[full + 1] << (64 - shift);
    add_bits(n + full * 64, last & ov_low_bits(rows % 64));
}

static void tiny_min_ramp(uint8_t *restrict state, const void *vals, uint8_t delta, size_t from, size_t to,
                          const uint64_t *restrict mask)
{
    const uint8_t *restrict v = (const uint8_t *)vals + from;
    uint8_t *restrict s = state;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a) - from; i < (b) - from; i++) {                                             \
        uint8_t x = (uint8_t)(delta + v[i]);                                                       \
        s[i] = x < s[i] ? x : s[i];                                                                \
    }
    KROWS(BODY);
#undef BODY
}

static void tiny_max_ramp(uint8_t *restrict state, const void *vals, uint8_t delta, size_t from, size_t to,
                          const uint64_t *restrict mask)
{
    const uint8_t *restrict v = (const uint8_t *)vals + from;
    uint8_t *restrict s = state;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a) - from; i < (b) - from; i++) {                                             \
        uint8_t x = (uint8_t)(delta + v[i]);                                                       \
        s[i] = x > s[i] ? x : s[i];                                                                \
    }
    KROWS(BODY);
#undef BODY
}

static void real_sum_ramp(double *restrict state, uint64_t *restrict n, const double *vals, size_t from,
                          size_t to, const uint64_t *restrict mask)
{
    const double *restrict v = vals + from;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a) - from; i < (b) - from; i++) {                                             \
        state[i] += v[i];                                                                          \
        n[i]++;                                                                                    \
    }
    KROWS(BODY);
#undef BODY
}

static void real_min_ramp(double *restrict state, uint64_t *restrict n, const double *vals, size_t from,
                          size_t to, const uint64_t *restrict mask)
{
    const double *restrict v = vals + from;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a) - from; i < (b) - from; i++) {                                             \
        double old = state[i];                                                                     \
        bool take = n[i]++ == 0 || v[i] < old || old != old;                                       \
        state[i] = take ? v[i] : old;                                                              \
    }
    KROWS(BODY);
#undef BODY
}

static void real_max_ramp(double *restrict state, uint64_t *restrict n, const double *vals, size_t from,
                          size_t to, const uint64_t *restrict mask)
{
    const double *restrict v = vals + from;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a) - from; i < (b) - from; i++) {                                             \
        double old = state[i];                                                                     \
        bool take = n[i]++ == 0 || v[i] > old || v[i] != v[i];                                     \
        state[i] = take ? v[i] : old;                                                              \
    }
    KROWS(BODY);
#undef BODY
}

/* How many of sixteen ends lie before `to`. */
OV_INLINE uint32_t ends_before(const uint16_t *ends, uint32_t to)
{
#if defined(__AVX2__)
    __m256i at = _mm256_loadu_si256((const __m256i *)(const void *)ends); /* none is as large as a sign */
    __m256i before = _mm256_cmpgt_epi16(_mm256_set1_epi16((short)to), at);
    return (uint32_t)__builtin_popcount((uint32_t)_mm256_movemask_epi8(before)) / 2;
#else
    uint32_t n = 0;
    for (unsigned i = 0; i < 16; i++)
        n += ends[i] < to;
    return n;
#endif
}

static uint32_t run_find(const uint16_t *ends, uint32_t run, uint32_t runs, uint32_t to)
{
    for (; run + 16 <= runs; run += 16) {
        uint32_t before = ends_before(ends + run, to);
        if (before < 16)
            return run + before;
    }
    while (ends[run] < to)
        run++;
    return run;
}

static bool real_bounds(const double *vals, size_t from, size_t to, const uint64_t *restrict mask, double *min,
                        double *max, bool *nan)
{
    const double *restrict v = vals;
    double low[8], high[8];
    uint64_t nans = 0;
    bool any = false;
    for (unsigned k = 0; k < 8; k++) {
        low[k] = __builtin_inf();
        high[k] = -__builtin_inf();
    }
#define BODY(a, b)                                                                                 \
    size_t i = (a);                                                                                \
    for (; i + 8 <= (b); i += 8)                                                                   \
        for (unsigned k = 0; k < 8; k++) {                                                         \
            double x = v[i + k];                                                                   \
            low[k] = x < low[k] ? x : low[k];                                                      \
            high[k] = x > high[k] ? x : high[k];                                                   \
            nans += x != x;                                                                        \
        }                                                                                          \
    for (; i < (b); i++) {                                                                         \
        double x = v[i];                                                                           \
        low[0] = x < low[0] ? x : low[0];                                                          \
        high[0] = x > high[0] ? x : high[0];                                                       \
        nans += x != x;                                                                            \
    }                                                                                              \
    any |= (a) < (b)
    KROWS(BODY);
#undef BODY
    for (unsigned k = 1; k < 8; k++) {
        low[0] = low[k] < low[0] ? low[k] : low[0];
        high[0] = high[k] > high[0] ? high[k] : high[0];
    }
    *min = low[0];
    *max = high[0];
    *nan = nans != 0;
    return any;
}

/* 256 bytes at a time; the last word that differs says where. */
static size_t match(const void *a, const void *b, size_t bytes)
{
    const char *x = a, *y = b;
    size_t at = 0;
    for (; at + 256 <= bytes; at += 256) {
        uint64_t p[32], q[32], differ = 0;
        memcpy(p, x + at, sizeof(p));
        memcpy(q, y + at, sizeof(q));
        for (unsigned i = 0; i < 32; i++)
            differ |= p[i] ^ q[i];
        if (differ)
            break;
    }
    for (; at + 8 <= bytes; at += 8) {
        uint64_t p, q;
        memcpy(&p, x + at, 8);
        memcpy(&q, y + at, 8);
        if (p != q)
            return at + (size_t)__builtin_ctzll(p ^ q) / 8;
    }
    while (at < bytes && x[at] == y[at])
        at++;
    return at;
}

#define KTABLE KCAT(ov_agg_kernels, KISA)
#define KCODES(f) {f##_1, f##_2, f##_4}
#define KVALUES(f) {f##_1, f##_2, f##_4, f##_8}
#define KBOTH(f) {{f##_1_1, f##_1_2, f##_1_4, f##_1_8}, {f##_2_1, f##_2_2, f##_2_4, f##_2_8}, {f##_4_1, f##_4_2, f##_4_4, f##_4_8}}
#define KBOTH3(f) {{f##_1_1, f##_1_2, f##_1_4}, {f##_2_1, f##_2_2, f##_2_4}, {f##_4_1, f##_4_2, f##_4_4}}
#define KBOTH2(f) {{f##_1_1, f##_1_2}, {f##_2_1, f##_2_2}, {f##_4_1, f##_4_2}}

const ov_agg_kernels KTABLE = {
    .count_code = KCODES(count_code),
    .count_ramp = count_ramp,
    .count_bytes = count_bytes,
    .packed_code = KBOTH2(packed_code),
    .packed_ramp = {packed_ramp_1, packed_ramp_2},
    .small_ramp = {small_ramp_1, small_ramp_2},
    .tiny_min_ramp = tiny_min_ramp,
    .tiny_max_ramp = tiny_max_ramp,
    .sum_code = KBOTH(sum_code),
    .narrow_min_code = KBOTH3(narrow_min_code),
    .narrow_max_code = KBOTH3(narrow_max_code),
    .narrow_min_ramp = KCODES(narrow_min_ramp),
    .narrow_max_ramp = KCODES(narrow_max_ramp),
    .wide_min_code = KBOTH(wide_min_code),
    .wide_max_code = KBOTH(wide_max_code),
    .sum_ramp = KVALUES(sum_ramp),
    .wide_min_ramp = KVALUES(wide_min_ramp),
    .wide_max_ramp = KVALUES(wide_max_ramp),
    .real_sum_ramp = real_sum_ramp,
    .real_min_ramp = real_min_ramp,
    .real_max_ramp = real_max_ramp,
    .real_sum_code = KCODES(real_sum_code),
    .real_min_code = KCODES(real_min_code),
    .real_max_code = KCODES(real_max_code),
    .sum = KVALUES(sum),
    .bounds = KVALUES(bounds),
    .run_sum = KVALUES(run_sum),
    .run_find = run_find,
    .real_bounds = real_bounds,
    .match = match,
};
