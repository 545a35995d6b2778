/* What a plan of a load (ingest/parse/load_plan.h) is built with: load_plan.c its columns, load_fields.c its fields. */
#pragma once

#include "base/places.h"
#include "ingest/parse/load_plan.h"

typedef struct ovi_plan_builder {
    const ov_spec *spec;
    const ov_load_env *env;
    ov_arena *out;
    ovi_plan *plan;
    uint32_t root_cap, column_cap, target_cap;
    ov_places roots, names; /* of the plan's roots and columns */
    ov_build_column *columns;
} ovi_plan_builder;

#define OVI_TIME_NAME OV_SLICE_LIT("__time")
#define OVI_NO_FIELD UINT32_MAX         /* no row has it */
#define OVI_ROW_TIME (UINT32_MAX - 1) /* every row has it */

/* The number of a field by the name that timestampSpec, dimensions and metrics use. It is final after ovi_plan_settle, which
 * rewrites the numbers in the plan. */
OV_CHECKED ov_status ovi_plan_find_field(ovi_plan_builder *b, ov_slice name, uint32_t *field, ov_error *err);
/* The same for metrics: __time is the row's time. */
OV_CHECKED ov_status ovi_plan_find_metric_field(ovi_plan_builder *b, ov_slice name, uint32_t *field, ov_error *err);
/* The JSON paths of the flattenSpec, then the transformSpec: in this order, before any field is asked for. */
OV_CHECKED ov_status ovi_plan_add_derived(ovi_plan_builder *b, ov_error *err);
OV_CHECKED ov_status ovi_plan_add_transform(ovi_plan_builder *b, ov_error *err);
/* All roots are known: numbers of all fields. */
void ovi_plan_settle(ovi_plan *p);
