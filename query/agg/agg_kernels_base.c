/* The aggregate kernels for instruction set "base"; the flags are in CMakeLists.txt. */
#define KISA base
#include "query/agg/agg_kernels_isa.h"
