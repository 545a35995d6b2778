/*
 * ov_vec_flatten for those who compute: numbers in narrow lanes are opened by kernels, decimals without a division a row.
 *
 * Threads: any.
 */
#pragma once

#include "storage/vec.h"

/* As ov_vec_flatten, to the last bit. */
OV_CHECKED ov_status ov_vec_open(const ov_vec *v, ov_arena *out, ov_vec *flat, ov_error *err);
