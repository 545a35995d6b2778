/*
 * One lane type's range test: bits of lo <= v <= lo + span in unsigned arithmetic.
 *
 * Parameters  KT (unsigned lane type), KBITS (its width).
 * Cost        portable form: what the compiler makes of 64 compares and shifts per word. With AVX-512 one compare gives
 *             up to 64 bits at once; with AVX2 unsigned v <= s is min(v, s) == v, and movemask collects the signs.
 */
#define KJOIN2(a, b) a##b
#define KJOIN(a, b) KJOIN2(a, b)

static void KJOIN(range_u, KBITS)(const KT *restrict v, KT lo, KT span, size_t rows,
                                  uint64_t *restrict out)
{
    for (size_t w = 0; w < ov_words(rows); w++) {
        const KT *at = v + w * 64;
        uint64_t hit = 0;
#if defined(__AVX512BW__)
        enum { LANES = 512 / KBITS };
        __m512i vlo = KJOIN(_mm512_set1_epi, KBITS)((KSIGNED)lo);
        __m512i vspan = KJOIN(_mm512_set1_epi, KBITS)((KSIGNED)span);
        for (size_t i = 0; i < 64; i += LANES) {
            __m512i x = KJOIN(_mm512_sub_epi, KBITS)(_mm512_loadu_si512(at + i), vlo);
            hit |= (uint64_t)KJOIN(KJOIN(_mm512_cmple_epu, KBITS), _mask)(x, vspan) << i;
        }
#elif defined(__AVX2__) && KBITS == 8
        __m256i vlo = _mm256_set1_epi8((char)lo), vspan = _mm256_set1_epi8((char)span);
        for (size_t i = 0; i < 64; i += 32) {
            __m256i x = _mm256_sub_epi8(_mm256_loadu_si256((const __m256i *)(at + i)), vlo);
            __m256i in = _mm256_cmpeq_epi8(_mm256_min_epu8(x, vspan), x);
            hit |= (uint64_t)(uint32_t)_mm256_movemask_epi8(in) << i;
        }
#elif defined(__AVX2__) && KBITS == 16
        __m256i vlo = _mm256_set1_epi16((short)lo), vspan = _mm256_set1_epi16((short)span);
        for (size_t i = 0; i < 64; i += 32) {
            __m256i x = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)(at + i)), vlo);
            __m256i y = _mm256_sub_epi16(_mm256_loadu_si256((const __m256i *)(at + i + 16)), vlo);
            x = _mm256_cmpeq_epi16(_mm256_min_epu16(x, vspan), x);
            y = _mm256_cmpeq_epi16(_mm256_min_epu16(y, vspan), y);
            /* packs works within 128-bit halves: put the quarters back in order */
            __m256i in = _mm256_permute4x64_epi64(_mm256_packs_epi16(x, y), 0xD8);
            hit |= (uint64_t)(uint32_t)_mm256_movemask_epi8(in) << i;
        }
#elif defined(__AVX2__) && KBITS == 32
        __m256i vlo = _mm256_set1_epi32((int)lo), vspan = _mm256_set1_epi32((int)span);
        for (size_t i = 0; i < 64; i += 8) {
            __m256i x = _mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)(at + i)), vlo);
            __m256i in = _mm256_cmpeq_epi32(_mm256_min_epu32(x, vspan), x);
            hit |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(in)) << i;
        }
#else
        for (size_t i = 0; i < 64; i++)
            hit |= (uint64_t)((KT)(at[i] - lo) <= span) << i;
#endif
        out[w] = hit;
    }
}

#undef KT
#undef KSIGNED
#undef KBITS
#undef KJOIN
#undef KJOIN2
