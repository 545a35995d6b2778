#include "query/agg/agg_kernels.h"

#include "base/cpu.h"

const ov_agg_kernels *ov_agg_kernels_get(void)
{
#if defined(__x86_64__)
    switch (ov_cpu_isa()) {
    case OV_ISA_V4:
        return &ov_agg_kernels_v4;
    case OV_ISA_V3:
        return &ov_agg_kernels_v3;
    case OV_ISA_BASE:
    case OV_ISA_COUNT:
        break;
    }
#endif
    return &ov_agg_kernels_base;
}
