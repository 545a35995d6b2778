/*
 * Private to the deep check.
 */
#pragma once

#include "storage/segment/segment.h"

/* Statistics, dictionary, counts and row sets of one column against its rows. */
OV_CHECKED ov_status ovi_column_verify(const ov_column *c, ov_arena *a, ov_error *err);
/* The tables of columns that give c against the rows; codes: c's, by row (column_given.c). */
OV_CHECKED ov_status ovi_given_verify(const ov_column *c, const uint32_t *codes, ov_arena *a, ov_error *err);
/* Sub-columns of a JSON column against its texts (segment_paths.c). */
OV_CHECKED ov_status ovi_paths_verify(const ov_column *json, ov_arena *a, ov_error *err);
