/*
 * Row-by-row tests into masks.
 *
 * Parameters  KT (lane type), KNAME (function), KARGS (parameters after the first array),
 *             KTEST (condition on x, the row's value, and i, its index).
 */
static void KNAME(const KT *restrict v, KARGS, size_t rows, uint64_t *restrict out)
{
    for (size_t w = 0; w < ov_words(rows); w++) {
        uint64_t hit = 0;
        for (size_t i = 0; i < 64; i++) {
            const KT x = v[w * 64 + i];
            hit |= (uint64_t)(KTEST) << i;
        }
        out[w] = hit;
    }
}

#undef KT
#undef KNAME
#undef KARGS
#undef KTEST
