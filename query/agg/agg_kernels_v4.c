/* The aggregate kernels for instruction set "v4"; the flags are in CMakeLists.txt. */
#define KISA v4
#include "query/agg/agg_kernels_isa.h"
