/*
 * Metrics that are sketches, or values with their times (sketch/pair.h), which fold like them: the one list of Druid's aggregators that make them, of the column types they have and of how they fold.
 *
 * Ingestion reads a metricsSpec by it, the segment builder folds rows by it, queries find the sketch behind a column by it. What a
 * sketch does is a row of functions in sketch/ops.h.
 */
#pragma once

#include "base/json.h"
#include "sketch/ops.h"
#include "storage/types.h"

/* What a field of the input holds. */
typedef enum ov_metric_input {
    OV_METRIC_VALUES, /* values that go into sketches */
    OV_METRIC_IMAGES, /* sketches, as Base64 */
    OV_METRIC_EITHER, /* numbers are values, other text is a sketch */
    OV_METRIC_COLUMNS, /* values of several fields, each by itself or a row of them as one */
    OV_METRIC_QUERY_ONLY, /* no sketch of ingestion, as in Druid */
} ov_metric_input;

typedef struct ov_metric_kind {
    const char *name; /* of Druid's aggregator */
    uint8_t complex;  /* ov_complex_id of its column */
    uint8_t input;    /* ov_metric_input */
    const char *images_if; /* member that makes the input images when it is true; NULL: none does */
    bool last;             /* of values with times: the last one is kept, not the first */
} ov_metric_kind;

/* One metric of a column: everything that folding needs. */
typedef struct ov_metric {
    const ov_sketch_ops *ops;
    ov_sketch_args args;
    uint8_t complex; /* ov_complex_id */
    uint8_t input;   /* ov_metric_input */
    bool by_row;     /* COLUMNS: a row of values is one */
} ov_metric;

/* NULL: no such aggregator makes sketches. */
const ov_metric_kind *ov_metric_kind_of(ov_slice aggregator);
/* The functions of sketches of a column type; NULL: they cannot be folded. */
const ov_sketch_ops *ov_metric_ops(ov_complex_id complex);
/* Appends a stored value as JSON: Base64 in quotes, or what its kind shows; out fails when the image is damaged. */
void ov_metric_print(ov_complex_id complex, ov_slice image, ov_buf *out);
/* The members of an aggregator's JSON that say how its sketches are made; defaults for the rest. */
OV_CHECKED ov_status ov_metric_read(const ov_json *json, const ov_metric_kind *kind, ov_metric *out, ov_error *err);
