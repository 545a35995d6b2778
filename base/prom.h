/*
 * Prometheus text, version 0.0.4: what /metrics is made of. A metric is its head, then a line of each of its values:
 *
 *   # HELP ovate_kafka_lag Records of the partition that are not durable here.
 *   # TYPE ovate_kafka_lag gauge
 *   ovate_kafka_lag{supervisor="clicks",partition="0"} 12
 */
#pragma once

#include "base/buf.h"

/* type: counter or gauge (histograms write lines of their own); help: one line. */
void ov_prom_head(ov_buf *out, const char *name, const char *type, const char *help);
/* name="text", with what a label cannot hold escaped; braces and commas are the caller's. */
void ov_prom_label(ov_buf *out, const char *name, ov_slice text);
/* Head and value of a metric without labels. */
void ov_prom_counter(ov_buf *out, const char *name, const char *help, uint64_t value);
void ov_prom_gauge(ov_buf *out, const char *name, const char *help, double value);
