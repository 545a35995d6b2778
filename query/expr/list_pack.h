/*
 * Packed arrays: what $PACK_LIST makes of an array, so that operators that know plain values only (grouping, sorting, the
 * states of aggregates) can hold one. Bytes are equal when arrays are, and their order is that of the arrays.
 */
#pragma once

#include "storage/vec.h"

/* Packed arrays as a vector of lists of `type` (ARRAY, or a multi-value string) again; rows without their bit in `valid`
 * (NULL: none) are NULL, and valid is lent to the vector. Text is copied. */
OV_CHECKED ov_status ov_list_unpack(const ov_slice *packed, const uint64_t *valid, uint32_t rows, ov_type type,
                                    ov_arena *out, ov_vec *vec, ov_error *err);
