/*
 * One block of bytes, compressed as a whole, whose size is known before: the pages of foreign file formats.
 * Streams are in base/compress.h.
 *
 * Threads: any.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

typedef enum ov_packing {
    OV_PACKING_NONE,
    OV_PACKING_SNAPPY,
    OV_PACKING_GZIP, /* also zlib's own frame */
    OV_PACKING_ZSTD,
    OV_PACKING_LZ4,  /* one raw block */
} ov_packing;

/* Exactly n bytes into `to`; OV_CORRUPT when the block is damaged or holds more or less. */
OV_CHECKED ov_status ov_unpack(ov_packing packing, ov_slice bytes, void *to, size_t n, ov_error *err);
