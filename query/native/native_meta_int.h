/* What one column of a segment says of itself, for segmentMetadata; private to native_meta*.c. */
#pragma once

#include "query/native/native_plan_int.h"

typedef struct ovi_column_asked {
    bool cardinality, size, bounds;
} ovi_column_asked;

typedef struct ovi_column_says {
    ov_slice name;
    ov_type type;
    bool multi, nulls;
    uint64_t size, cardinality;
    bool has_min, has_max; /* false: NULL */
    ov_slice min, max;
} ovi_column_says;

/* Superseded rows (dead, may be NULL) say nothing. Texts in `arena`. */
OV_CHECKED ov_status ovi_meta_column(const ov_column *col, const ov_dead *dead, const ovi_column_asked *asked, ov_arena *arena,
                                     ovi_column_says *out, ov_error *err);
