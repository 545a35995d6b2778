/* Printing for sample.c. */
#pragma once

#include "base/json.h"
#include "base/jsonw.h"
#include "ingest/parse/load_plan.h"
#include "ingest/parse/rows_layout.h"

/* {"__time":ms,"column":value,...}: a stored row. */
void ovi_sample_print_row(const ovi_plan *plan, const ov_rows *r, uint32_t row, ov_buf *out);
/* What Druid says of a row whose time cannot be read; row: an object as it was read, of which `column` is the time. */
void ovi_sample_print_time_fault(const ov_json *row, ov_slice column, ov_buf *out);
/* logicalDimensions, physicalDimensions and logicalSegmentSchema, as members of the object that is open. */
void ovi_sample_print_schema(const ovi_plan *plan, ov_jsonw *w);
