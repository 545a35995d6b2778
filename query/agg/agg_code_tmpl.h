/*
 * Kernels over codes of one lane (KC, KCT) and values of one lane (KV, KVT; undefined at the end).
 *
 * Overflow of packed words: the caller keeps rows between two unpackings below OV_PACKED_MAX_ROWS and
 * delta + value at most OV_PACKED_MAX_VALUE, so 24 and 40 bits hold.
 */
#define KNAME2(f) KCAT(KCAT(f, KC), KV)

#if KV <= 2
static void KNAME2(packed_code)(uint64_t *restrict packed, size_t stride, const void *codes, const void *vals,
                                uint64_t delta, size_t from, size_t to, const uint64_t *restrict mask)
{
    const KCT *restrict c = codes;
    const KVT *restrict v = vals;
    uint64_t add = OV_PACKED_ONE + delta;
#define BODY(a, b)                                                                                 \
    size_t i = (a);                                                                                \
    for (; i + 4 <= (b); i += 4) {                                                                 \
        packed[c[i]] += add + v[i];                                                                \
        packed[stride + c[i + 1]] += add + v[i + 1];                                               \
        packed[2 * stride + c[i + 2]] += add + v[i + 2];                                           \
        packed[3 * stride + c[i + 3]] += add + v[i + 3];                                           \
    }                                                                                              \
    for (; i < (b); i++)                                                                           \
        packed[c[i]] += add + v[i]
    KROWS(BODY);
#undef BODY
}
#endif

static void KNAME2(sum_code)(uint64_t *restrict sum, uint64_t *restrict n, const void *codes, const void *vals,
                             uint64_t base, size_t from, size_t to, const uint64_t *restrict mask)
{
    const KCT *restrict c = codes;
    const KVT *restrict v = vals;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a); i < (b); i++) {                                                           \
        sum[c[i]] += base + v[i];                                                                  \
        n[c[i]]++;                                                                                 \
    }
    KROWS(BODY);
#undef BODY
}

#if KV <= 4
static void KNAME2(narrow_min_code)(uint32_t *restrict state, const void *codes, const void *vals,
                                    uint32_t delta, size_t from, size_t to, const uint64_t *restrict mask)
{
    const KCT *restrict c = codes;
    const KVT *restrict v = vals;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a); i < (b); i++) {                                                           \
        uint32_t x = delta + v[i], old = state[c[i]];                                              \
        state[c[i]] = x < old ? x : old;                                                           \
    }
    KROWS(BODY);
#undef BODY
}

static void KNAME2(narrow_max_code)(uint32_t *restrict state, const void *codes, const void *vals,
                                    uint32_t delta, size_t from, size_t to, const uint64_t *restrict mask)
{
    const KCT *restrict c = codes;
    const KVT *restrict v = vals;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a); i < (b); i++) {                                                           \
        uint32_t x = delta + v[i], old = state[c[i]];                                              \
        state[c[i]] = x > old ? x : old;                                                           \
    }
    KROWS(BODY);
#undef BODY
}
#endif

static void KNAME2(wide_min_code)(int64_t *restrict state, uint64_t *restrict n, const void *codes,
                                  const void *vals, uint64_t base, size_t from, size_t to,
                                  const uint64_t *restrict mask)
{
    const KCT *restrict c = codes;
    const KVT *restrict v = vals;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a); i < (b); i++) {                                                           \
        int64_t x = (int64_t)(base + v[i]), old = state[c[i]];                                     \
        state[c[i]] = x < old ? x : old;                                                           \
        n[c[i]]++;                                                                                 \
    }
    KROWS(BODY);
#undef BODY
}

static void KNAME2(wide_max_code)(int64_t *restrict state, uint64_t *restrict n, const void *codes,
                                  const void *vals, uint64_t base, size_t from, size_t to,
                                  const uint64_t *restrict mask)
{
    const KCT *restrict c = codes;
    const KVT *restrict v = vals;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a); i < (b); i++) {                                                           \
        int64_t x = (int64_t)(base + v[i]), old = state[c[i]];                                     \
        state[c[i]] = x > old ? x : old;                                                           \
        n[c[i]]++;                                                                                 \
    }
    KROWS(BODY);
#undef BODY
}

#undef KNAME2
#undef KV
#undef KVT
