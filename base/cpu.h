/*
 * Which instruction set kernels may use, and how many processors there are.
 */
#pragma once

#include "base/compiler.h"

typedef enum ov_isa {
    OV_ISA_BASE, /* x86-64 with SSE2, or any other machine */
    OV_ISA_V3,   /* AVX2, BMI2, FMA */
    OV_ISA_V4,   /* AVX-512 F, BW, CD, DQ, VL */
    OV_ISA_COUNT
} ov_isa;

/* The best both processor and system support, at most what OVATE_ISA=base|v3|v4 says (read once; a
 * better one than there is, or an unknown word, is ignored with a line in the log). Constant after
 * the first call. */
ov_isa ov_cpu_isa(void);
/* What the machine could do, whatever the environment says. */
ov_isa ov_cpu_isa_detected(void);
const char *ov_isa_name(ov_isa isa); /* "base", "v3", "v4": for what tests and benchmarks print */

/* Processors this process may run on, at least 1. OVATE_CPUS overrides. */
unsigned ov_cpu_count(void);
