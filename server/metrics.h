/*
 * Counters of the server and their Prometheus text (/metrics).
 *
 * Threads: any; everything is atomic.
 */
#pragma once

#include <stdatomic.h>
#include "base/buf.h"

enum { OV_METRICS_BUCKETS = 14 };

typedef enum ov_outcome {
    OV_OUTCOME_OK,
    OV_OUTCOME_REFUSED,
    OV_OUTCOME_FAILED,
    OV_OUTCOME_CANCELLED,
    OV_OUTCOMES
} ov_outcome;

typedef struct ov_metrics {
    _Atomic uint64_t queries[OV_OUTCOMES];
    _Atomic uint64_t query_seconds_bucket[OV_METRICS_BUCKETS]; /* not cumulative here */
    _Atomic uint64_t query_micros_sum;
    _Atomic uint64_t rows_scanned, blocks_scanned, blocks_skipped, segments_pruned,
        segments_indexed, spilled_bytes;
    _Atomic uint64_t quick; /* queries that the loop thread answered itself */
} ov_metrics;

void ov_metrics_query(ov_metrics *m, ov_outcome outcome, int64_t micros);
/* The query part in text format 0.0.4; the caller adds gauges of its own. */
void ov_metrics_print(ov_metrics *m, ov_buf *out);
