/*
 * Kernels over values of one lane (KV, KVT; undefined at the end): ramps and reductions.
 */
#define KNAME(f) KCAT(f, KV)

#if KV <= 2
static void KNAME(small_ramp)(uint32_t *restrict sum, const void *vals, uint32_t delta, size_t from, size_t to)
{
    const KVT *restrict v = (const KVT *)vals + from;
    for (size_t i = 0; i < to - from; i++)
        sum[i] += delta + v[i];
}

static void KNAME(packed_ramp)(uint64_t *restrict packed, const void *vals, uint64_t delta, size_t from,
                               size_t to, const uint64_t *restrict mask)
{
    const KVT *restrict v = (const KVT *)vals + from;
    uint64_t add = OV_PACKED_ONE + delta;
    if (!mask) {
        for (size_t i = 0; i < to - from; i++)
            packed[i] += add + v[i];
        return;
    }
    for (size_t w = from / 64; w * 64 < to; w++) {
        uint64_t word = word_rows(mask, w, from, to);
        if (!word)
            continue;
        size_t a = OV_MAX(from, w * 64), b = OV_MIN(to, w * 64 + 64);
        word >>= a % 64;
        uint64_t *restrict at = packed + (a - from);
        const KVT *restrict x = v + (a - from);
        for (size_t i = 0; i < b - a; i++)
            at[i] += (add + x[i]) & (0 - (word >> i & 1));
    }
}
#endif

#if KV <= 4
static void KNAME(narrow_min_ramp)(uint32_t *restrict state, const void *vals, uint32_t delta, size_t from,
                                   size_t to, const uint64_t *restrict mask)
{
    const KVT *restrict v = (const KVT *)vals + from;
    uint32_t *restrict s = state;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a) - from; i < (b) - from; i++) {                                             \
        uint32_t x = delta + v[i];                                                                 \
        s[i] = x < s[i] ? x : s[i];                                                                \
    }
    KROWS(BODY);
#undef BODY
}

static void KNAME(narrow_max_ramp)(uint32_t *restrict state, const void *vals, uint32_t delta, size_t from,
                                   size_t to, const uint64_t *restrict mask)
{
    const KVT *restrict v = (const KVT *)vals + from;
    uint32_t *restrict s = state;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a) - from; i < (b) - from; i++) {                                             \
        uint32_t x = delta + v[i];                                                                 \
        s[i] = x > s[i] ? x : s[i];                                                                \
    }
    KROWS(BODY);
#undef BODY
}
#endif

static void KNAME(sum_ramp)(uint64_t *restrict sum, uint64_t *restrict n, const void *vals, uint64_t base,
                            size_t from, size_t to, const uint64_t *restrict mask)
{
    const KVT *restrict v = (const KVT *)vals + from;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a) - from; i < (b) - from; i++) {                                             \
        sum[i] += base + v[i];                                                                     \
        n[i]++;                                                                                    \
    }
    KROWS(BODY);
#undef BODY
}

static void KNAME(wide_min_ramp)(int64_t *restrict state, uint64_t *restrict n, const void *vals, uint64_t base,
                                 size_t from, size_t to, const uint64_t *restrict mask)
{
    const KVT *restrict v = (const KVT *)vals + from;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a) - from; i < (b) - from; i++) {                                             \
        int64_t x = (int64_t)(base + v[i]);                                                        \
        state[i] = x < state[i] ? x : state[i];                                                    \
        n[i]++;                                                                                    \
    }
    KROWS(BODY);
#undef BODY
}

static void KNAME(wide_max_ramp)(int64_t *restrict state, uint64_t *restrict n, const void *vals, uint64_t base,
                                 size_t from, size_t to, const uint64_t *restrict mask)
{
    const KVT *restrict v = (const KVT *)vals + from;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a) - from; i < (b) - from; i++) {                                             \
        int64_t x = (int64_t)(base + v[i]);                                                        \
        state[i] = x > state[i] ? x : state[i];                                                    \
        n[i]++;                                                                                    \
    }
    KROWS(BODY);
#undef BODY
}

/* Sums under a mask, which is as good as random: no branch for each of its bits. */
#if defined(__AVX512BW__)
/* sum, eight of them, and the lanes at `at` whose bit in word is set. */
OV_INLINE __m512i KNAME(add_some)(__m512i sum, const KVT *at, uint64_t word)
{
#if KV == 1
    return _mm512_add_epi64(sum, _mm512_sad_epu8(_mm512_maskz_loadu_epi8(word, at), _mm512_setzero_si512()));
#elif KV == 2
    __m512i a = _mm512_maskz_loadu_epi16((__mmask32)word, at), b = _mm512_maskz_loadu_epi16((__mmask32)(word >> 32), at + 32);
    const __m512i low16 = _mm512_set1_epi32(0xffff), low32 = _mm512_set1_epi64(UINT32_MAX);
    __m512i even = _mm512_add_epi32(_mm512_and_si512(a, low16), _mm512_and_si512(b, low16));
    __m512i all = _mm512_add_epi32(even, _mm512_add_epi32(_mm512_srli_epi32(a, 16), _mm512_srli_epi32(b, 16)));
    return _mm512_add_epi64(sum, _mm512_add_epi64(_mm512_and_si512(all, low32), _mm512_srli_epi64(all, 32)));
#elif KV == 4
    const __m512i low32 = _mm512_set1_epi64(UINT32_MAX);
    for (unsigned i = 0; i < 64; i += 16) {
        __m512i x = _mm512_maskz_loadu_epi32((__mmask16)(word >> i), at + i);
        sum = _mm512_add_epi64(sum, _mm512_add_epi64(_mm512_and_si512(x, low32), _mm512_srli_epi64(x, 32)));
    }
    return sum;
#else
    for (unsigned i = 0; i < 64; i += 8)
        sum = _mm512_add_epi64(sum, _mm512_maskz_loadu_epi64((__mmask8)(word >> i), at + i));
    return sum;
#endif
}

static uint64_t KNAME(sum_masked)(const KVT *restrict v, size_t from, size_t to, const uint64_t *restrict mask)
{
    __m512i sums = _mm512_setzero_si512();
    uint64_t part[8], sum = 0;
    for (size_t w = from / 64; w * 64 < to; w++)
        sums = KNAME(add_some)(sums, v + w * 64, word_rows(mask, w, from, to));
    _mm512_storeu_si512(part, sums);
    for (unsigned i = 0; i < 8; i++)
        sum += part[i];
    return sum;
}
#else
static uint64_t KNAME(sum_masked)(const KVT *restrict v, size_t from, size_t to, const uint64_t *restrict mask)
{
    uint64_t sum = 0;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a); i < (b); i++)                                                             \
        sum += v[i]
    KROWS(BODY);
#undef BODY
    return sum;
}
#endif

static uint64_t KNAME(sum)(const void *vals, size_t from, size_t to, const uint64_t *restrict mask)
{
    const KVT *restrict v = vals;
    uint64_t sum = 0;
    if (mask)
        return KNAME(sum_masked)(v, from, to, mask);
#if KV == 8
    for (size_t i = from; i < to; i++)
        sum += v[i];
#else
    /* 1,024 rows of a narrow lane at a time into 32 bits (4-byte lanes: straight into 64) */
#if KV == 4
#define KPART uint64_t
#else
#define KPART uint32_t
#endif
    for (size_t i = from; i < to;) {
        size_t end = to - i > 1024 ? i + 1024 : to;
        KPART part = 0;
        for (; i < end; i++)
            part += v[i];
        sum += part;
    }
#undef KPART
#endif
    return sum;
}

static uint64_t KNAME(run_sum)(const void *vals, const uint16_t *ends, size_t from, size_t to)
{
    const KVT *restrict v = vals;
    const uint16_t *restrict end = ends;
#if KV <= 2
    uint32_t sum = 0; /* 2^13 rows of less than 2^16 */
    for (size_t r = from; r < to; r++)
        sum += (uint32_t)v[r] * (uint32_t)(uint16_t)(end[r] - end[r - 1]);
#else
    uint64_t sum = 0;
    for (size_t r = from; r < to; r++)
        sum += (uint64_t)v[r] * (uint16_t)(end[r] - end[r - 1]);
#endif
    return sum;
}

static void KNAME(bounds)(const void *vals, size_t from, size_t to, const uint64_t *restrict mask,
                          uint64_t *min, uint64_t *max)
{
    const KVT *restrict v = vals;
    KVT low = (KVT)~(KVT)0, high = 0;
    bool any = false;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a); i < (b); i++) {                                                           \
        low = v[i] < low ? v[i] : low;                                                             \
        high = v[i] > high ? v[i] : high;                                                          \
    }                                                                                              \
    any |= (a) < (b)
    KROWS(BODY);
#undef BODY
    *min = any ? low : 1;
    *max = any ? high : 0;
}

#undef KNAME
#undef KV
#undef KVT
