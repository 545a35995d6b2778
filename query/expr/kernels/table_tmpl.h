/*
 * Codes through a table of truth (0 false, 1 true, 2 unknown) into two masks.
 *
 * Parameters  KT (code lane type), KNAME (function).
 */
static void KNAME(const KT *restrict v, const uint8_t *restrict truth, size_t rows,
                  uint64_t *restrict is_true, uint64_t *restrict is_unknown)
{
    for (size_t w = 0; w < ov_words(rows); w++) {
        uint64_t yes = 0, maybe = 0;
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
