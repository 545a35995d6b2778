/*
 * Truth per code of a dictionary: a byte each, 0 false, 1 true, 2 unknown. Most tables of large dictionaries are one of them nearly
 * everywhere, so eight codes are looked at at a time.
 */
#pragma once

#include <string.h>

#include "base/compiler.h"

#define OVI_TRUTH_ONES UINT64_C(0x0101010101010101)

static inline uint64_t ovi_truth_eight(const uint8_t *truth)
{
    uint64_t eight;
    memcpy(&eight, truth, 8);
    return eight;
}

/* How many of the codes are true (1) or unknown (2): eight counts side by side, added up before one of them can overflow. */
static inline uint32_t ov_truth_count(const uint8_t *truth, uint32_t count, uint8_t what)
{
    enum { MOST = 255 };
    uint32_t n = 0, code = 0;
    while (code + 8 <= count) {
        uint64_t sums = 0;
        for (uint32_t i = 0; i < MOST && code + 8 <= count; i++, code += 8)
            sums += ovi_truth_eight(truth + code) >> (what - 1) & OVI_TRUTH_ONES;
        sums = (sums & UINT64_C(0x00FF00FF00FF00FF)) + (sums >> 8 & UINT64_C(0x00FF00FF00FF00FF));
        n += (uint32_t)(sums * UINT64_C(0x0001000100010001) >> 48);
    }
    for (; code < count; code++)
        n += truth[code] == what;
    return n;
}

/* The first code from `code` on that is true, or count. */
static inline uint32_t ov_truth_next(const uint8_t *truth, uint32_t code, uint32_t count)
{
    while (code + 8 <= count && !(ovi_truth_eight(truth + code) & OVI_TRUTH_ONES))
        code += 8;
    while (code < count && truth[code] != 1)
        code++;
    return code;
}

/* The first one that is not. */
static inline uint32_t ov_truth_next_other(const uint8_t *truth, uint32_t code, uint32_t count)
{
    while (code + 8 <= count && (ovi_truth_eight(truth + code) & OVI_TRUTH_ONES) == OVI_TRUTH_ONES)
        code += 8;
    while (code < count && truth[code] == 1)
        code++;
    return code;
}
