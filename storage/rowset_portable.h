/*
 * Private: the portable serialised form of roaring bitmaps, written straight from ascending row
 * numbers and checked byte by byte before anything trusts it (the library's own reader accepts many
 * damaged images).
 *
 * Pure functions.
 */
#pragma once

#include "storage/rowset.h"

/* Bytes of the portable form of n >= 1 ascending distinct rows. */
size_t ovi_portable_size(const uint32_t *rows, size_t n);
/* Writes exactly that many bytes. */
void ovi_portable_write(const uint32_t *rows, size_t n, void *out);
/* The whole image is one well-formed set with every row < limit; *count tells how many. */
OV_CHECKED ov_status ovi_portable_check(const void *bytes, size_t n, uint32_t limit,
                                        uint64_t *count, ov_error *err);
