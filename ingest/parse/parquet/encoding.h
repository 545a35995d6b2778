/*
 * The two number encodings that everything in a Parquet page is made of: runs mixed with packed bits (levels, dictionary
 * codes, truths) and packed differences.
 *
 * Decoders are plain structs over bytes that the caller keeps; they hand out as many numbers as are asked for and go on
 * from there. Untrusted: a decoder that runs out of bytes says so and gives nothing.
 *
 * Source: Encodings.md of Apache Parquet's format.
 */
#pragma once

#include "base/slice.h"
#include "base/status.h"

typedef struct ovi_pq_rle {
    const uint8_t *at, *end;
    uint32_t width;  /* bits of a number, 0 .. 32 */
    uint64_t left;   /* numbers left of the run or the packed stretch at hand */
    bool packed;
    uint32_t value;  /* of the run */
    uint64_t bit;    /* packed: the next number's first bit, from `at` */
} ovi_pq_rle;

void ovi_pq_rle_init(ovi_pq_rle *d, ov_slice bytes, uint32_t width);
/* The next n numbers; false when there are not so many. */
bool ovi_pq_rle_get(ovi_pq_rle *d, uint32_t n, uint32_t *out);

enum { OVI_PQ_DELTA_MINIBLOCKS = 512 };
typedef struct ovi_pq_delta {
    const uint8_t *at, *end;
    uint64_t total, left;  /* numbers in all, not handed out yet */
    uint64_t block, mini;  /* numbers in a block, in a miniblock */
    uint32_t minis;        /* in a block */
    uint32_t mini_at;      /* of the block at hand; `minis` at its end */
    uint64_t in_mini;      /* numbers left of it */
    uint64_t bit;          /* of its next number, from `at` */
    int64_t least, value;  /* smallest difference of the block; the last number */
    bool first;            /* `value` was not handed out yet */
    uint8_t widths[OVI_PQ_DELTA_MINIBLOCKS];
} ovi_pq_delta;

/* False: damaged. */
bool ovi_pq_delta_init(ovi_pq_delta *d, ov_slice bytes);
bool ovi_pq_delta_get(ovi_pq_delta *d, uint32_t n, int64_t *out);
/* Read to its end: what lies behind it, *rest. */
bool ovi_pq_delta_end(ovi_pq_delta *d, ov_slice *rest);
