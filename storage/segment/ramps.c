/*
 * RAMP blocks opened: see ramps.h.
 */
#include "storage/segment/ramps.h"
#include "storage/lane_kernels.h"
#include "storage/vec_lanes.h"

ovi_ramps ovi_ramps_of(const ov_block_entry *e, const void *data)
{
    const char *first = (const char *)data + ov_seg_align(2 * (uint64_t)e->runs);
    return (ovi_ramps){.end = data,
                       .first = first,
                       .step = first + ov_seg_pad64(e->runs) * e->lane,
                       .count = e->runs,
                       .lane = e->lane};
}

bool ovi_ramps_slope(const ovi_ramps *r, uint32_t ramp, int64_t *slope)
{
    uint32_t rows = r->end[ramp] - (ramp ? r->end[ramp - 1] : 0u);
    uint64_t first = ovi_lane(r->first, r->lane, ramp), step = ovi_lane(r->step, r->lane, ramp);
    if (r->lane == 8) {
        int64_t way;
        *slope = (int64_t)step;
        return !__builtin_mul_overflow(*slope, (int64_t)rows - 1, &way) &&
               !__builtin_add_overflow((int64_t)first, way, &way);
    }
    int64_t range = INT64_C(1) << 8 * r->lane;
    *slope = (int64_t)step;
    if ((int64_t)first + *slope * (int64_t)(rows - 1) < range)
        return true;
    *slope -= range;
    return (int64_t)first + *slope * (int64_t)(rows - 1) >= 0;
}

uint64_t ovi_ramps_lane(const ovi_ramps *r, uint32_t row, uint32_t *ramp)
{
    uint32_t at = *ramp;
    while (r->end[at] <= row)
        at++;
    *ramp = at;
    uint64_t i = row - (at ? r->end[at - 1] : 0u);
    uint64_t lane = ovi_lane(r->first, r->lane, at) + ovi_lane(r->step, r->lane, at) * i;
    return r->lane == 8 ? lane : lane & ((UINT64_C(1) << 8 * r->lane) - 1);
}

void ovi_ramps_unfold(const ovi_ramps *r, uint32_t rows, void *lanes)
{
    const ovi_lane_kernels *k = ovi_lane_kernels_now();
    uint32_t row = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        k->ramp(ovi_lane(r->first, r->lane, i), ovi_lane(r->step, r->lane, i), r->lane, r->end[i] - row,
                (char *)lanes + (size_t)row * r->lane);
        row = r->end[i];
    }
    memset((char *)lanes + (size_t)rows * r->lane, 0, (size_t)(ov_seg_pad64(rows) - rows) * r->lane);
}
