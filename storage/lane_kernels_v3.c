/* The lane kernels with AVX2; CMakeLists.txt gives this file its flags. Empty on other machines. */
#if defined(__x86_64__)
#define LK_TABLE ovi_lane_kernels_v3
#include "storage/lane_kernels_tmpl.h"
#else
typedef int ovi_lane_kernels_v3_unused;
#endif
