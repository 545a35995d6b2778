/*
 * Which table of kernels runs. Machines other than x86-64 have the portable one only.
 */
#include "query/expr/kernels/kernels.h"

extern const ovi_kernels ovi_kernels_base;
#if defined(OVI_HAVE_X86)
extern const ovi_kernels ovi_kernels_v3;
extern const ovi_kernels ovi_kernels_v4;
#endif

const ovi_kernels *ovi_kernels_of(ov_isa isa)
{
    if (isa == OV_ISA_BASE)
        return &ovi_kernels_base;
    if (isa > ov_cpu_isa_detected())
        return NULL;
#if defined(OVI_HAVE_X86)
    return isa == OV_ISA_V3 ? &ovi_kernels_v3 : isa == OV_ISA_V4 ? &ovi_kernels_v4 : NULL;
#else
    return NULL;
#endif
}

const ovi_kernels *ovi_kernels_best(void)
{
    const ovi_kernels *k = ovi_kernels_of(ov_cpu_isa());
    return k ? k : &ovi_kernels_base;
}
