/*
 * Sorting of numbered things by a 64-bit key, with a second comparison for equal keys.
 *
 * Threads: one at a time.
 */
#pragma once

#include "base/status.h"

typedef struct ovi_ref {
    uint64_t key; /* order of keys is the order wanted, except that equal keys need `less` */
    uint32_t item;
    uint32_t part;
} ovi_ref;

/* a before b, both with equal keys; a strict order. NULL: equal keys keep their order. */
typedef bool ovi_ref_less(const void *cx, const ovi_ref *a, const ovi_ref *b);

/* Asked every few thousand steps of a sort; true ends it early, with the references in no useful order (none is
 * lost). NULL: never. */
typedef struct ovi_stop {
    bool (*asked)(void *cx);
    void *cx;
} ovi_stop;

/* Stable. tmp has room for n. Sorted input costs one pass. */
void ovi_sort_refs(ovi_ref *refs, ovi_ref *tmp, size_t n, ovi_ref_less *less, const void *cx,
                   const ovi_stop *stop);

/* Moves every reference whose key is at most the keep-th smallest to the front, in any order; how many these are (at
 * least keep, more when keys tie, or when it was told to stop). 0 < keep < n. */
size_t ovi_select_refs(ovi_ref *refs, size_t n, size_t keep, const ovi_stop *stop);

/* Order-preserving bits. */
static inline uint64_t ovi_order_i64(int64_t v)
{
    return (uint64_t)v ^ UINT64_C(1) << 63;
}
static inline uint64_t ovi_order_f64(double v)
{
    uint64_t bits;
    v = v == 0 ? 0 : v != v ? __builtin_nan("") : v;
    __builtin_memcpy(&bits, &v, sizeof(bits));
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}
/* In the direction of a sort key. NULLs take one end; values that would collide with it move one step in, so keys that
 * tie there compare in full. */
static inline uint64_t ovi_order_place(uint64_t bits, bool descending, bool nulls_first)
{
    if (descending)
        bits = ~bits;
    return nulls_first ? (bits == 0 ? 1 : bits) : (bits == UINT64_MAX ? UINT64_MAX - 1 : bits);
}
/* First eight bytes of a text, big-endian. */
static inline uint64_t ovi_order_text(const char *p, size_t n)
{
    uint64_t bits = 0;
    if (n >= 8) {
        __builtin_memcpy(&bits, p, 8);
        return __builtin_bswap64(bits);
    }
    for (size_t i = 0; i < n; i++)
        bits |= (uint64_t)(unsigned char)p[i] << (56 - 8 * i);
    return bits;
}
