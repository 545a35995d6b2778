/*
 * LIKE over texts that lie side by side, as those of a dictionary do: the longest plain piece of the pattern is searched for in all of
 * their bytes at once, and the pattern is matched only where it was found. Most texts of a large dictionary are then passed over at
 * the speed of memory, without a call for each.
 */
#include "query/expr/expr_int.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* The first place of `what`, which is at least two bytes, in [at, end); NULL. Its first and last byte are compared sixteen places at a
 * time; what both fit is compared whole. */
static const char *find(const char *at, const char *end, ov_slice what)
{
#if defined(__SSE2__)
    const __m128i first = _mm_set1_epi8(what.p[0]), last = _mm_set1_epi8(what.p[what.n - 1]);
    for (; (size_t)(end - at) >= 16 + what.n; at += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(at + what.n - 1));
        unsigned both = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last)));
        for (; both; both &= both - 1) {
            const char *hit = at + __builtin_ctz(both);
            if (memcmp(hit + 1, what.p + 1, what.n - 2) == 0)
                return hit;
        }
    }
#endif
    return memmem(at, (size_t)(end - at), what.p, what.n);
}

bool ovi_side_by_side(const ov_slice *text, const uint32_t *rows, uint32_t n)
{
    for (uint32_t k = 1; k < n; k++)
        if (text[rows[k]].p != text[rows[k - 1]].p + text[rows[k - 1]].n)
            return false;
    return true;
}

bool ovi_like_stretch(const ovi_like *like, const ovi_arg *v, const uint32_t *rows, uint32_t n, uint64_t *is_true)
{
    enum { FEW = 16 };
    ov_slice piece = ovi_like_longest(like);
    const ov_slice *text = v->s;
    if (n < FEW || piece.n < 2 || v->step != 1 || !ovi_side_by_side(text, rows, n))
        return false;
    const char *end = text[rows[n - 1]].p + text[rows[n - 1]].n;
    const char *hit = find(text[rows[0]].p, end, piece);
    for (uint32_t k = 0; hit; hit = find(text[rows[k]].p + text[rows[k]].n, end, piece)) {
        while (hit >= text[rows[k]].p + text[rows[k]].n)
            k++;
        /* a place that reaches into the next text is no match, and there is none behind it in this text */
        if (ovi_like_match(like, text[rows[k]]))
            ov_bits_set(is_true, rows[k]);
    }
    return true;
}
