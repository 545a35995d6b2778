/*
 * Sorting by 64-bit keys without comparing: a pass of counting for each byte in which keys differ.
 */
#pragma once

#include "base/mem.h"

typedef struct ov_radix_item {
    uint64_t key;
    uint32_t at; /* the caller's */
} ov_radix_item;

/*
 * Smallest key first; items of one key stay in their order.
 *
 * to       room for n items
 * budget   asked once a pass whether the work is still wanted; NULL: never
 * *sorted  `from` or `to`, whichever holds the result; the other one holds anything
 */
OV_CHECKED ov_status ov_radix_sort(ov_radix_item *from, ov_radix_item *to, uint32_t n, const ov_budget *budget,
                                   ov_radix_item **sorted, ov_error *err);

/*
 * The same for keys that stay where they lie: `places` are n numbers of keys, and in order afterwards. Less memory (4 bytes
 * an item instead of 32), slower while an array of items would fit the caches.
 *
 * other    room for n places
 */
OV_CHECKED ov_status ov_radix_sort_places(const uint64_t *keys, uint32_t *places, uint32_t *other, uint32_t n,
                                          const ov_budget *budget, ov_error *err);
