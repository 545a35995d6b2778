/* The lane kernels for any machine, and the choice between the tables. */
#define LK_TABLE ovi_lane_kernels_base
#include "storage/lane_kernels_tmpl.h"

#include "base/cpu.h"

const ovi_lane_kernels *ovi_lane_kernels_now(void)
{
#if defined(__x86_64__)
    if (ov_cpu_isa() >= OV_ISA_V3)
        return &ovi_lane_kernels_v3;
#endif
    return &ovi_lane_kernels_base;
}
