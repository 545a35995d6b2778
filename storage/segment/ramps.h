/*
 * RAMP blocks: stretches of rows whose values go up or down by one step, as times do that come at a fixed pace and
 * numbers that are counted. Ramp r covers rows [end[r-1], end[r]); row i of it is first[r] + step[r] * i, in lanes
 * modulo their width (docs/segment-format.md, section 4). Pure functions over an entry and its data, for
 * whoever writes such blocks and whoever reads them.
 */
#pragma once

#include "storage/segment/format.h"

typedef struct ovi_ramps {
    const uint16_t *end;
    const void *first, *step; /* `count` lanes each */
    uint32_t count;
    uint8_t lane;
} ovi_ramps;

/* Ends, padded to 64 bytes, then two arrays of lanes, each padded to 64 lanes. */
static inline uint64_t ovi_ramps_bytes(uint64_t ramps, uint8_t lane)
{
    return ov_seg_align(2 * ramps) + 2 * ov_seg_pad64(ramps) * lane;
}

ovi_ramps ovi_ramps_of(const ov_block_entry *e, const void *data);

/* By how much the values of ramp r change from row to row; false when they leave the lanes' range on the way. Lanes of
 * 8 bytes are signed, narrower ones are not. */
bool ovi_ramps_slope(const ovi_ramps *r, uint32_t ramp, int64_t *slope);

/* The lane at a row, and the ramp it lies in: *ramp is one at or before it, and is moved on. */
uint64_t ovi_ramps_lane(const ovi_ramps *r, uint32_t row, uint32_t *ramp);

/* All lanes as those of a FLAT block: room for rows rounded up to 64, the rest is zero. The ends must have been
 * checked. */
void ovi_ramps_unfold(const ovi_ramps *r, uint32_t rows, void *lanes);
