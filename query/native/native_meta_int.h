/* What the files of segmentMetadata share: what one column of a segment says of itself, and what segments say of their specs. */
#pragma once

#include "base/jsonw.h"
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

/* How aggregators of one name meet that are of different types: all of them become null; that one does; one segment's counts. */
typedef enum ovi_nmeta_strategy {
    OVI_NMETA_STRICT,
    OVI_NMETA_LENIENT,
    OVI_NMETA_EARLIEST,
    OVI_NMETA_LATEST,
} ovi_nmeta_strategy;

/* The member `aggregators` of what segments keep of their specs, earliest first; NULL among them: one that keeps nothing. */
OV_CHECKED ov_status ovi_nmeta_aggregators(ovi_nplanner *p, const ov_json *const *specs, uint32_t count, ovi_nmeta_strategy strategy,
                                           ov_jsonw *w, ov_error *err);
/* A member as all of them have it, else null. */
void ovi_nmeta_member(const ov_json *const *specs, uint32_t count, const char *key, ov_jsonw *w);
