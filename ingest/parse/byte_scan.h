/*
 * Byte scans that the row readers live on: 16 bytes at a time where the machine has SSE2, byte by byte elsewhere.
 *
 * All of them may read up to 64 bytes past the text: blocks of the input end in that much padding.
 */
#pragma once

#include <string.h>
#include "base/compiler.h"
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { OVI_SCAN_PAD = 64 };

/* First '"', '\\' or control character at or after p. The padding holds NULs, so there always is one. */
OV_INLINE const char *ovi_scan_string(const char *p)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), low = _mm_set1_epi8(0x1F);
    for (;; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)),
                                   _mm_cmpeq_epi8(_mm_min_epu8(v, low), v));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return p + __builtin_ctz(mask);
    }
#else
    while (*p != '"' && *p != '\\' && (uint8_t)*p >= 0x20)
        p++;
    return p;
#endif
}

/* Bit i of the result: p[i] is a, b, c or d, for 64 bytes. */
OV_INLINE uint64_t ovi_scan_any4(const char *p, char a, char b, char c, char d)
{
    uint64_t mask = 0;
#ifdef __SSE2__
    const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b), vc = _mm_set1_epi8(c),
                  vd = _mm_set1_epi8(d);
    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i * 16));
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, va), _mm_cmpeq_epi8(v, vb)),
                                   _mm_or_si128(_mm_cmpeq_epi8(v, vc), _mm_cmpeq_epi8(v, vd)));
        mask |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << (i * 16);
    }
#else
    for (int i = 0; i < 64; i++)
        mask |= (uint64_t)(p[i] == a || p[i] == b || p[i] == c || p[i] == d) << i;
#endif
    return mask;
}

/* How often c occurs in the n bytes at p. */
OV_INLINE size_t ovi_scan_count(const char *p, size_t n, char c)
{
    size_t count = 0, i = 0;
#ifdef __SSE2__
    const __m128i v = _mm_set1_epi8(c);
    while (n - i >= 16) {
        /* up to 255 rounds before a byte counter could overflow */
        __m128i sums = _mm_setzero_si128();
        for (size_t k = OV_MIN((n - i) / 16, (size_t)255); k > 0; k--, i += 16)
            sums = _mm_sub_epi8(
                sums, _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + i)), v));
        __m128i wide = _mm_sad_epu8(sums, _mm_setzero_si128());
        count += (size_t)_mm_cvtsi128_si64(wide) +
                 (size_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(wide, wide));
    }
#endif
    for (; i < n; i++)
        count += p[i] == c;
    return count;
}
