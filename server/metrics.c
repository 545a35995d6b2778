#include "server/metrics.h"

#include "base/prom.h"

/* Upper bounds in microseconds; the last bucket is +Inf. */
static const int64_t bounds[OV_METRICS_BUCKETS - 1] = {
    100,    300,     1000,    3000,     10000,    30000,    100000,
    300000, 1000000, 3000000, 10000000, 30000000, 100000000};
static const char *const outcome_names[OV_OUTCOMES] = {"ok", "refused", "failed", "cancelled"};

void ov_metrics_query(ov_metrics *m, ov_outcome outcome, int64_t micros)
{
    size_t b = 0;
    while (b < OV_METRICS_BUCKETS - 1 && micros > bounds[b])
        b++;
    atomic_fetch_add_explicit(&m->queries[outcome], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->query_seconds_bucket[b], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->query_micros_sum, (uint64_t)micros, memory_order_relaxed);
}

void ov_metrics_print(ov_metrics *m, ov_buf *out)
{
    ov_prom_head(out, "ovate_queries_total", "counter", "Queries finished, by outcome.");
    for (int i = 0; i < OV_OUTCOMES; i++)
        ov_buf_addf(out, "ovate_queries_total{outcome=\"%s\"} %llu\n", outcome_names[i],
                    (unsigned long long)atomic_load(&m->queries[i]));
    ov_prom_head(out, "ovate_query_duration_seconds", "histogram",
                    "From the request to the last byte handed over.");
    uint64_t total = 0;
    for (size_t b = 0; b < OV_METRICS_BUCKETS; b++) {
        total += atomic_load(&m->query_seconds_bucket[b]);
        if (b < OV_METRICS_BUCKETS - 1)
            ov_buf_addf(out, "ovate_query_duration_seconds_bucket{le=\"%g\"} %llu\n",
                        (double)bounds[b] / 1e6, (unsigned long long)total);
        else
            ov_buf_addf(out, "ovate_query_duration_seconds_bucket{le=\"+Inf\"} %llu\n",
                        (unsigned long long)total);
    }
    ov_buf_addf(out,
                "ovate_query_duration_seconds_sum %.6f\novate_query_duration_seconds_count %llu\n",
                (double)atomic_load(&m->query_micros_sum) / 1e6, (unsigned long long)total);
    ov_prom_counter(out, "ovate_rows_scanned_total", "Rows read from blocks.", atomic_load(&m->rows_scanned));
    ov_prom_counter(out, "ovate_blocks_scanned_total", "Blocks read.", atomic_load(&m->blocks_scanned));
    ov_prom_counter(out, "ovate_blocks_skipped_total", "Blocks left out by their statistics.",
                       atomic_load(&m->blocks_skipped));
    ov_prom_counter(out, "ovate_segments_pruned_total", "Segments left out by time or statistics.",
                       atomic_load(&m->segments_pruned));
    ov_prom_counter(out, "ovate_segments_indexed_total", "Segments answered from indexes alone.",
                       atomic_load(&m->segments_indexed));
    ov_prom_counter(out, "ovate_spilled_bytes_total", "Bytes that queries wrote to disk for want of memory.",
                       atomic_load(&m->spilled_bytes));
}
