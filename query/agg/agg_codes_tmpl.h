/*
 * Kernels over codes of one lane (KC bytes, KCT), and through agg_code_tmpl.h over codes and values.
 * Parameters  KC, KCT; both are undefined at the end.
 */
#define KNAME(f) KCAT(f, KC)

static void KNAME(count_code)(uint64_t *restrict n, size_t stride, const void *codes, size_t from, size_t to,
                              const uint64_t *restrict mask)
{
    const KCT *restrict c = codes;
#define BODY(a, b)                                                                                 \
    size_t i = (a);                                                                                \
    for (; i + 4 <= (b); i += 4) {                                                                 \
        n[c[i]]++;                                                                                 \
        n[stride + c[i + 1]]++;                                                                    \
        n[2 * stride + c[i + 2]]++;                                                                \
        n[3 * stride + c[i + 3]]++;                                                                \
    }                                                                                              \
    for (; i < (b); i++)                                                                           \
        n[c[i]]++
    KROWS(BODY);
#undef BODY
}

static void KNAME(real_sum_code)(double *restrict state, uint64_t *restrict n, const void *codes,
                                 const double *restrict v, size_t from, size_t to,
                                 const uint64_t *restrict mask)
{
    const KCT *restrict c = codes;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a); i < (b); i++) {                                                           \
        state[c[i]] += v[i];                                                                       \
        n[c[i]]++;                                                                                 \
    }
    KROWS(BODY);
#undef BODY
}

/* NaN is larger than all others: see ovi_real_less. */
static void KNAME(real_min_code)(double *restrict state, uint64_t *restrict n, const void *codes,
                                 const double *restrict v, size_t from, size_t to,
                                 const uint64_t *restrict mask)
{
    const KCT *restrict c = codes;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a); i < (b); i++) {                                                           \
        double old = state[c[i]];                                                                  \
        bool take = n[c[i]]++ == 0 || v[i] < old || old != old;                                    \
        state[c[i]] = take ? v[i] : old;                                                           \
    }
    KROWS(BODY);
#undef BODY
}

static void KNAME(real_max_code)(double *restrict state, uint64_t *restrict n, const void *codes,
                                 const double *restrict v, size_t from, size_t to,
                                 const uint64_t *restrict mask)
{
    const KCT *restrict c = codes;
#define BODY(a, b)                                                                                 \
    for (size_t i = (a); i < (b); i++) {                                                           \
        double old = state[c[i]];                                                                  \
        bool take = n[c[i]]++ == 0 || v[i] > old || v[i] != v[i];                                  \
        state[c[i]] = take ? v[i] : old;                                                           \
    }
    KROWS(BODY);
#undef BODY
}

#define KV 1
#define KVT uint8_t
#include "query/agg/agg_code_tmpl.h"
#define KV 2
#define KVT uint16_t
#include "query/agg/agg_code_tmpl.h"
#define KV 4
#define KVT uint32_t
#include "query/agg/agg_code_tmpl.h"
#define KV 8
#define KVT uint64_t
#include "query/agg/agg_code_tmpl.h"

#undef KNAME
#undef KC
#undef KCT
