/*
 * Fields of a row as the image of a sketch: what a metric that is a sketch stores before roll-up puts rows together.
 *
 * Source: Druid takes raw values at ingestion: numbers of JSON as numbers, everything of delimited formats as text, each value of a list
 * by itself and as text.
 */
#pragma once

#include "ingest/parse/convert.h"
#include "ingest/parse/load_plan.h"

/* fields NULL: the row brings nothing. *bad: some value could not be used and is left out. */
OV_CHECKED ov_status ovi_metric_image(const ovi_sketch_source *source, const ov_field *fields, uint32_t field,
                                      ov_slice list_delimiter, ov_arena *scratch, ov_buf *out, bool *bad, uint64_t *repaired,
                                      ov_error *err);
