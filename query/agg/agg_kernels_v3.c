/* The aggregate kernels for instruction set "v3"; the flags are in CMakeLists.txt. */
#define KISA v3
#include "query/agg/agg_kernels_isa.h"
