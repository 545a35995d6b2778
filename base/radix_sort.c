#include "base/radix_sort.h"

enum { DIGIT_BITS = 8, BUCKETS = 1 << DIGIT_BITS };

static void sort_digit(const ov_radix_item *from, ov_radix_item *to, uint32_t n, unsigned shift)
{
    uint32_t counts[BUCKETS] = {0}, total = 0;
    for (uint32_t i = 0; i < n; i++)
        counts[from[i].key >> shift & (BUCKETS - 1)]++;
    for (uint32_t d = 0; d < BUCKETS; d++) {
        uint32_t some = counts[d];
        counts[d] = total;
        total += some;
    }
    for (uint32_t i = 0; i < n; i++)
        to[counts[from[i].key >> shift & (BUCKETS - 1)]++] = from[i];
}

ov_status ov_radix_sort(ov_radix_item *from, ov_radix_item *to, uint32_t n, const ov_budget *budget, ov_radix_item **sorted,
                        ov_error *err)
{
    uint64_t differ = 0;
    for (uint32_t i = 1; i < n; i++)
        differ |= from[i].key ^ from[0].key;
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        if ((differ >> shift & (BUCKETS - 1)) == 0)
            continue;
        OV_TRY(ov_budget_alive(budget, err));
        sort_digit(from, to, n, shift);
        ov_radix_item *t = from;
        from = to;
        to = t;
    }
    *sorted = from;
    return OV_OK;
}
