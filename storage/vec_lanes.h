/*
 * Small readers of lanes and validity words shared by the files of this folder.
 */
#pragma once

#include "storage/vec.h"

/* Lane i of an array of 1, 2, 4 or 8 byte unsigned integers. */
OV_INLINE uint64_t ovi_lane(const void *data, uint8_t lane, size_t i)
{
    switch (lane) {
    case 1:
        return ((const uint8_t *)data)[i];
    case 2:
        return ((const uint16_t *)data)[i];
    case 4:
        return ((const uint32_t *)data)[i];
    default:
        return ((const uint64_t *)data)[i];
    }
}

OV_INLINE bool ovi_bit(const uint64_t *words, size_t i)
{
    return words[i / 64] >> (i % 64) & 1;
}

/* Rows rounded up to a whole word: how far lanes must be readable. */
OV_INLINE size_t ovi_padded(size_t rows)
{
    return (rows + 63) & ~(size_t)63;
}

/* Mask words for `rows` rows, all set (bits past the rows stay zero) or all clear. */
OV_CHECKED ov_status ovi_words_alloc(ov_arena *a, size_t rows, bool set, uint64_t **words,
                                     ov_error *err);
