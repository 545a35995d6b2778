#include "base/radix_sort.h"

#include <string.h>

enum { DIGIT_BITS = 8, BUCKETS = 1 << DIGIT_BITS };

static unsigned digit(uint64_t key, unsigned shift)
{
    return key >> shift & (BUCKETS - 1);
}

/* Counts of digits into places where each digit's items begin. */
static void counts_to_places(uint32_t *counts)
{
    uint32_t total = 0;
    for (uint32_t d = 0; d < BUCKETS; d++) {
        uint32_t some = counts[d];
        counts[d] = total;
        total += some;
    }
}

static void sort_digit(const ov_radix_item *from, ov_radix_item *to, uint32_t n, unsigned shift)
{
    uint32_t counts[BUCKETS] = {0};
    for (uint32_t i = 0; i < n; i++)
        counts[digit(from[i].key, shift)]++;
    counts_to_places(counts);
    for (uint32_t i = 0; i < n; i++)
        to[counts[digit(from[i].key, shift)]++] = from[i];
}

ov_status ov_radix_sort(ov_radix_item *from, ov_radix_item *to, uint32_t n, const ov_budget *budget, ov_radix_item **sorted,
                        ov_error *err)
{
    uint64_t differ = 0;
    for (uint32_t i = 1; i < n; i++)
        differ |= from[i].key ^ from[0].key;
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        if (digit(differ, shift) == 0)
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

static void sort_digit_of(const uint64_t *keys, const uint32_t *from, uint32_t *to, uint32_t n, unsigned shift)
{
    uint32_t counts[BUCKETS] = {0};
    for (uint32_t i = 0; i < n; i++)
        counts[digit(keys[from[i]], shift)]++;
    counts_to_places(counts);
    for (uint32_t i = 0; i < n; i++)
        to[counts[digit(keys[from[i]], shift)]++] = from[i];
}

ov_status ov_radix_sort_places(const uint64_t *keys, uint32_t *places, uint32_t *other, uint32_t n, const ov_budget *budget,
                               ov_error *err)
{
    uint64_t differ = 0;
    uint32_t *from = places, *to = other;
    for (uint32_t i = 1; i < n; i++)
        differ |= keys[places[i]] ^ keys[places[0]];
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        if (digit(differ, shift) == 0)
            continue;
        OV_TRY(ov_budget_alive(budget, err));
        sort_digit_of(keys, from, to, n, shift);
        uint32_t *t = from;
        from = to;
        to = t;
    }
    if (from != places)
        memcpy(places, from, n * sizeof *places);
    return OV_OK;
}
