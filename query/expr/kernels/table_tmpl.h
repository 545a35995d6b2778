/*
 * Codes through a table of truth (0 false, 1 true, 2 unknown) into two masks.
 *
 * Parameters  KT (code lane type), KNAME (function), KWIDEN512 and KWIDEN256 (intrinsics that widen 16 and 8 codes
 *             to 32 bits).
 * Cost        1.04 ns/row portable; gathers take 16 or 8 codes at once (they read 4 bytes per code, hence the pad).
 */
static void KNAME(const KT *restrict v, const uint8_t *restrict truth, size_t rows,
                  uint64_t *restrict is_true, uint64_t *restrict is_unknown)
{
    for (size_t w = 0; w < ov_words(rows); w++) {
        uint64_t yes = 0, maybe = 0;
#if defined(__AVX512BW__)
        if (w * 64 + 64 <= rows) {
            const __m512i one = _mm512_set1_epi32(1), two = _mm512_set1_epi32(2);
            for (size_t i = 0; i < 64; i += 16) {
                __m512i t = _mm512_i32gather_epi32(KWIDEN512(v + w * 64 + i), truth, 1);
                yes |= (uint64_t)_mm512_test_epi32_mask(t, one) << i;
                maybe |= (uint64_t)_mm512_test_epi32_mask(t, two) << i;
            }
            is_true[w] = yes;
            is_unknown[w] = maybe;
            continue;
        }
#elif defined(__AVX2__)
        if (w * 64 + 64 <= rows) {
            for (size_t i = 0; i < 64; i += 8) {
                __m256i t = _mm256_i32gather_epi32((const int *)(const void *)truth, KWIDEN256(v + w * 64 + i), 1);
                /* bit 0 and bit 1 moved to the sign */
                yes |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32(t, 31))) << i;
                maybe |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_slli_epi32(t, 30))) << i;
            }
            is_true[w] = yes;
            is_unknown[w] = maybe;
            continue;
        }
#endif
        size_t n = OV_MIN((size_t)64, rows - w * 64); /* codes past rows may be outside the table */
        for (size_t i = 0; i < n; i++) {
            uint64_t t = truth[v[w * 64 + i]];
            yes |= (t & 1) << i;
            maybe |= (t >> 1) << i;
        }
        is_true[w] = yes;
        is_unknown[w] = maybe;
    }
}

#undef KT
#undef KNAME
#undef KWIDEN512
#undef KWIDEN256
