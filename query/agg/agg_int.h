/* Private to query/agg: what the bind functions of aggregates share, and the kinds the table of names lists. */
#pragma once

#include "query/agg/agg.h"
#include "query/agg/object.h"

void ovi_agg_result(ov_agg_call *call, ov_type type, ov_sqltype sql);
/* Wrong argument types, in Druid's words. */
OV_CHECKED ov_status ovi_agg_wrong_types(const ov_agg_binding *b, ov_error *err);
/* Constant `i` behind the values as a size in bytes; *out stays when there is none. */
OV_CHECKED ov_status ovi_agg_size(const ov_agg_binding *b, uint32_t i, uint64_t *out, ov_error *err);

/* Constant `i` behind the values as a number from 0 to 1. */
OV_CHECKED ov_status ovi_agg_fraction(const ov_agg_binding *b, uint32_t i, double *out, ov_error *err);

/* agg_array.c, agg_string.c */
extern const ov_object_ops ovi_array_ops, ovi_string_ops;
OV_CHECKED ov_status ovi_bind_array_agg(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_array_concat_agg(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_string_agg(ov_agg_binding *b, ov_error *err);

/* agg_hll.c */
extern const ov_object_ops ovi_hll_ops;
OV_CHECKED ov_status ovi_bind_hll(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_hll_estimate(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_hll_estimate_utf8(ov_agg_binding *b, ov_error *err);

/* agg_theta.c */
extern const ov_object_ops ovi_theta_ops;
OV_CHECKED ov_status ovi_bind_theta(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_theta_estimate(ov_agg_binding *b, ov_error *err);

/* agg_quantiles.c */
extern const ov_object_ops ovi_quantiles_ops;
OV_CHECKED ov_status ovi_bind_quantiles(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_approx_quantile_ds(ov_agg_binding *b, ov_error *err);

/* agg_kll.c */
extern const ov_object_ops ovi_kll_ops;
OV_CHECKED ov_status ovi_bind_kll_doubles(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_kll_floats(ov_agg_binding *b, ov_error *err);

/* agg_powers.c */
extern const ov_object_ops ovi_powers_ops;
OV_CHECKED ov_status ovi_bind_powers(ov_agg_binding *b, ov_error *err);

/* agg_tdigest.c */
extern const ov_object_ops ovi_tdigest_ops;
OV_CHECKED ov_status ovi_bind_tdigest(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_tdigest_quantile(ov_agg_binding *b, ov_error *err);

/* agg_sketch.c */
extern const ov_object_ops ovi_hyper_ops, ovi_bloom_ops, ovi_histogram_ops, ovi_buckets_ops, ovi_tuple_ops;
OV_CHECKED ov_status ovi_bind_approx_histogram(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_approx_quantile(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_approx_quantile_fixed(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_bloom_filter(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_fixed_histogram(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_hyper_unique(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_tuple_doubles(ov_agg_binding *b, ov_error *err);
/* APPROX_COUNT_DISTINCT of a column of hyperUnique sketches; VAR_POP and its kin of one of variances. */
OV_CHECKED ov_status ovi_bind_hyper_count(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_variance_column(ov_agg_binding *b, ov_error *err);

/* agg_bind.c */
OV_CHECKED ov_status ovi_bind_avg(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_bits(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_count(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_count_distinct(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_kept(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_sum(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_timed(ov_agg_binding *b, ov_error *err);
OV_CHECKED ov_status ovi_bind_variance(ov_agg_binding *b, ov_error *err);
