/*
 * Hidden functions over Druid's histograms, for native queries: quantiles, buckets, ends, text; and the one number that a hyperUnique sketch, a
 * tuple sketch or a variance stands for.
 */
#include "base/numfmt.h"
#include "query/expr/sketch_int.h"
#include "sketch/buckets.h"
#include "sketch/histogram.h"
#include "sketch/hyperunique.h"
#include "sketch/moments.h"
#include "sketch/tuple.h"

static ov_complex_id make_of(const ovi_call *c)
{
    return (ov_complex_id)c->e->args[0]->type.complex;
}

static ov_status read_histogram(const ovi_call *c, uint32_t row, ov_arena *scratch, ov_histogram *s, ov_error *err)
{
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    return ov_histogram_read(ovi_str(&c->arg[0], row), s, &mem, err);
}

static ov_status read_buckets(const ovi_call *c, uint32_t row, ov_arena *scratch, ov_buckets *s, ov_error *err)
{
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    return ov_buckets_read(ovi_str(&c->arg[0], row), s, &mem, err);
}

/* ---- the number of a sketch ---- */

ov_status ovi_bind_sketch_number(ovi_bind *b, ov_error *err)
{
    ov_complex_id kind = (ov_complex_id)b->args[0]->type.complex;
    if (b->args[0]->type.id != OV_TYPE_COMPLEX || (kind != OV_COMPLEX_TUPLE && kind != OV_COMPLEX_VARIANCE))
        OV_TRY(ovi_want_sketch(b, 0, OV_COMPLEX_HYPER_UNIQUE, err));
    ovi_result(b, OV_SQL_DOUBLE);
    return OV_OK;
}

static ov_status number_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    ov_slice image = ovi_str(&c->arg[0], row);
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    ov_hyper hyper;
    ov_moments moments;
    ov_tuple_set tuple;
    if (make_of(c) == OV_COMPLEX_VARIANCE) {
        OV_TRY(ov_moments_read(image, &moments, err));
        *out = ov_moments_variance(&moments, false);
    } else if (make_of(c) == OV_COMPLEX_TUPLE) {
        OV_TRY(ov_tuple_read(image, scratch, &tuple, err));
        ov_theta_set hashes = ov_tuple_hashes(&tuple);
        *out = ov_theta_estimate(&hashes);
    } else {
        OV_TRY(ov_hyper_read(image, &hyper, &mem, err));
        *out = ov_hyper_estimate(&hyper);
    }
    return OV_OK;
}

ov_status ovi_eval_sketch_number(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, number_row, out, err);
}

/* ---- histograms of both kinds ---- */

static ov_status want_histogram(ovi_bind *b, ov_error *err)
{
    ov_type t = b->args[0]->type;
    if (t.id == OV_TYPE_COMPLEX && t.complex == OV_COMPLEX_FIXED_HISTOGRAM)
        return OV_OK;
    return ovi_want_sketch(b, 0, OV_COMPLEX_APPROX_HISTOGRAM, err);
}

static ov_status quantile_of(const ovi_call *c, uint32_t row, double p, ov_arena *scratch, double *out, ov_error *err)
{
    ov_histogram s;
    ov_buckets fixed;
    if (make_of(c) == OV_COMPLEX_FIXED_HISTOGRAM) {
        OV_TRY(read_buckets(c, row, scratch, &fixed, err));
        *out = (double)ov_buckets_quantile(&fixed, p);
        return OV_OK;
    }
    OV_TRY(read_histogram(c, row, scratch, &s, err));
    *out = (double)ov_histogram_quantile(&s, p);
    return OV_OK;
}

/* (histogram, p) */
ov_status ovi_bind_histogram_quantile(ovi_bind *b, ov_error *err)
{
    OV_TRY(want_histogram(b, err));
    OV_TRY(ovi_want_double(b, 1, err));
    ovi_result(b, OV_SQL_FLOAT);
    return OV_OK;
}

static ov_status quantile_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    return quantile_of(c, row, ovi_f64(&c->arg[1], row), scratch, out, err);
}

ov_status ovi_eval_histogram_quantile(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, quantile_row, out, err);
}

static ov_status ends_of(const ovi_call *c, uint32_t row, ov_arena *scratch, double *min, double *max, ov_error *err)
{
    ov_histogram s;
    ov_buckets fixed;
    if (make_of(c) == OV_COMPLEX_FIXED_HISTOGRAM) {
        OV_TRY(read_buckets(c, row, scratch, &fixed, err));
        *min = fixed.min;
        *max = fixed.max;
        return OV_OK;
    }
    OV_TRY(read_histogram(c, row, scratch, &s, err));
    *min = (double)s.min;
    *max = (double)s.max;
    return OV_OK;
}

/* (histogram, 0: smallest or 1: largest) */
ov_status ovi_bind_histogram_end(ovi_bind *b, ov_error *err)
{
    OV_TRY(want_histogram(b, err));
    ovi_result(b, b->args[0]->type.complex == OV_COMPLEX_FIXED_HISTOGRAM ? OV_SQL_DOUBLE : OV_SQL_FLOAT);
    return OV_OK;
}

static ov_status end_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    double min, max;
    OV_TRY(ends_of(c, row, scratch, &min, &max, err));
    *out = ovi_i64(&c->arg[1], row) ? max : min;
    return OV_OK;
}

ov_status ovi_eval_histogram_end(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, end_row, out, err);
}

/* ---- as JSON ---- */

/* (histogram, number, ...) */
ov_status ovi_bind_histogram_points(ovi_bind *b, ov_error *err)
{
    OV_TRY(want_histogram(b, err));
    for (uint32_t i = 1; i < b->argc; i++)
        OV_TRY(ovi_want_double(b, i, err));
    ovi_json_text_result(b);
    return OV_OK;
}

/* Only of approximate histograms: buckets of fixed ones are what they are. */
ov_status ovi_bind_histogram_buckets(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_sketch(b, 0, OV_COMPLEX_APPROX_HISTOGRAM, err));
    return ovi_bind_histogram_points(b, err);
}

static void add_named(ov_buf *out, const char *name, const double *v, uint32_t n, bool floats)
{
    ov_buf_addf(out, "\"%s\":", name);
    ovi_add_numbers(v, n, floats, out);
}

static ov_status quantiles_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    double *p, *v, ends[2];
    uint32_t n = c->argc - 1;
    OV_TRY(ov_arena_alloc(scratch, c->argc * sizeof(double), &p, err));
    OV_TRY(ov_arena_alloc(scratch, c->argc * sizeof(double), &v, err));
    for (uint32_t i = 0; i < n; i++) {
        p[i] = ovi_f64(&c->arg[i + 1], row);
        OV_TRY(quantile_of(c, row, p[i], scratch, &v[i], err));
    }
    OV_TRY(ends_of(c, row, scratch, &ends[0], &ends[1], err));
    ov_buf_add_char(out, '{');
    add_named(out, "probabilities", p, n, true);
    ov_buf_add_char(out, ',');
    add_named(out, "quantiles", v, n, true);
    for (int i = 0; i < 2; i++) {
        ov_buf_addf(out, ",\"%s\":", i ? "max" : "min");
        ovi_add_number(ends[i], true, out);
    }
    ov_buf_add_char(out, '}');
    return OV_OK;
}

ov_status ovi_eval_histogram_quantiles(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, quantiles_row, out, err);
}

/* {"breaks":[...],"counts":[...]} */
static ov_status add_buckets(const ov_histogram *s, const float *breaks, uint32_t n, ov_arena *scratch, ov_buf *out,
                             ov_error *err)
{
    double *v, *counts;
    OV_TRY(ov_arena_alloc(scratch, (n + (size_t)1) * sizeof(double), &v, err));
    OV_TRY(ov_arena_alloc(scratch, (n + (size_t)1) * sizeof(double), &counts, err));
    for (uint32_t i = 0; i < n; i++) {
        v[i] = (double)breaks[i];
        if (i)
            counts[i - 1] = (double)(float)(ov_histogram_sum(s, breaks[i]) - ov_histogram_sum(s, breaks[i - 1]));
    }
    ov_buf_add_char(out, '{');
    add_named(out, "breaks", v, n, true);
    ov_buf_add_char(out, ',');
    add_named(out, "counts", counts, n ? n - 1 : 0, false);
    ov_buf_add_char(out, '}');
    return OV_OK;
}

static ov_status equal_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_histogram s;
    float *breaks;
    uint32_t n;
    OV_TRY(read_histogram(c, row, scratch, &s, err));
    OV_TRY(ov_histogram_equal_breaks(&s, (uint32_t)ovi_f64(&c->arg[1], row), scratch, &breaks, &n, err));
    return add_buckets(&s, breaks, n, scratch, out, err);
}

/* (histogram, buckets), whose number the caller has checked */
ov_status ovi_eval_histogram_equal(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, equal_row, out, err);
}

static ov_status width_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_histogram s;
    float *breaks = NULL;
    uint32_t n;
    OV_TRY(read_histogram(c, row, scratch, &s, err));
    OV_TRY(ov_histogram_width_breaks(&s, (float)ovi_f64(&c->arg[1], row), (float)ovi_f64(&c->arg[2], row), scratch, &breaks, &n,
                                     err));
    return add_buckets(&s, breaks, n, scratch, out, err);
}

/* (histogram, width, offset) */
ov_status ovi_eval_histogram_width(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, width_row, out, err);
}

static ov_status breaks_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_histogram s;
    float *breaks;
    OV_TRY(read_histogram(c, row, scratch, &s, err));
    OV_TRY(ov_arena_alloc(scratch, c->argc * sizeof(float), &breaks, err));
    for (uint32_t i = 1; i < c->argc; i++)
        breaks[i - 1] = (float)ovi_f64(&c->arg[i], row);
    return add_buckets(&s, breaks, c->argc - 1, scratch, out, err);
}

/* (histogram, break, ...) */
ov_status ovi_eval_histogram_breaks(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, breaks_row, out, err);
}

/* ---- as text ---- */

ov_status ovi_bind_histogram_text(ovi_bind *b, ov_error *err)
{
    return ovi_bind_of_sketch(b, OV_COMPLEX_FIXED_HISTOGRAM, OV_SQL_VARCHAR, err);
}

static ov_status text_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_buckets s;
    OV_TRY(read_buckets(c, row, scratch, &s, err));
    ov_buckets_describe(&s, out);
    return OV_OK;
}

ov_status ovi_eval_histogram_text(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, text_row, out, err);
}
