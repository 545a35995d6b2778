/*
 * Hidden functions over Druid's histograms, for native queries: quantiles, buckets, ends, text; and the one number that a hyperUnique sketch, a
 * tuple sketch or a variance stands for.
 */
#include "query/expr/sketch_int.h"
#include "sketch/buckets.h"
#include "sketch/histogram.h"
#include "sketch/hyperunique.h"
#include "sketch/moments.h"
#include "sketch/tuple.h"

/* ---- the number of a sketch ---- */

ov_status ovi_bind_sketch_number(ovi_bind *b, ov_error *err)
{
    ov_complex_id kind = (ov_complex_id)b->args[0]->type.complex;
    if (b->args[0]->type.id != OV_TYPE_COMPLEX || (kind != OV_COMPLEX_TUPLE && kind != OV_COMPLEX_VARIANCE))
        OV_TRY(ovi_want_sketch(b, 0, OV_COMPLEX_HYPER_UNIQUE, err));
    ovi_result(b, OV_SQL_DOUBLE);
    return OV_OK;
}

static ov_status variance_number(ov_slice image, ov_arena *scratch, double *out, ov_error *err)
{
    ov_moments s;
    (void)scratch;
    OV_TRY(ov_moments_read(image, &s, err));
    *out = ov_moments_variance(&s, false);
    return OV_OK;
}

static ov_status tuple_number(ov_slice image, ov_arena *scratch, double *out, ov_error *err)
{
    ov_tuple_set s;
    OV_TRY(ov_tuple_read(image, scratch, &s, err));
    ov_theta_set hashes = ov_tuple_hashes(&s);
    *out = ov_theta_estimate(&hashes);
    return OV_OK;
}

static ov_status hyper_number(ov_slice image, ov_arena *scratch, double *out, ov_error *err)
{
    ov_hyper s;
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    OV_TRY(ov_hyper_read(image, &s, &mem, err));
    *out = ov_hyper_estimate(&s);
    return OV_OK;
}

static ov_status number_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    static ov_status (*const numbers[OV_COMPLEX_COUNT])(ov_slice image, ov_arena *scratch, double *out, ov_error *err) = {
        [OV_COMPLEX_HYPER_UNIQUE] = hyper_number,
        [OV_COMPLEX_TUPLE] = tuple_number,
        [OV_COMPLEX_VARIANCE] = variance_number,
    };
    return numbers[c->e->args[0]->type.complex](ovi_str(&c->arg[0], row), scratch, out, err);
}

ov_status ovi_eval_sketch_number(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, number_row, out, err);
}

/* ---- histograms of both kinds ---- */

typedef union any_histogram {
    ov_histogram approx;
    ov_buckets fixed;
} any_histogram;

typedef struct make {
    ov_complex_id id;
    ov_sqltype ends; /* the type of the smallest and largest value */
    ov_status (*read)(ov_slice image, any_histogram *s, const ov_sketch_mem *mem, ov_error *err);
    double (*quantile)(const any_histogram *s, double p);
    void (*bounds)(const any_histogram *s, double *min, double *max);
} make;

static ov_status read_approx(ov_slice image, any_histogram *s, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_histogram_read(image, &s->approx, mem, err);
}

static double approx_quantile(const any_histogram *s, double p)
{
    return (double)ov_histogram_quantile(&s->approx, p);
}

static void approx_bounds(const any_histogram *s, double *min, double *max)
{
    *min = (double)s->approx.min;
    *max = (double)s->approx.max;
}

static ov_status read_fixed(ov_slice image, any_histogram *s, const ov_sketch_mem *mem, ov_error *err)
{
    return ov_buckets_read(image, &s->fixed, mem, err);
}

static double fixed_quantile(const any_histogram *s, double p)
{
    return (double)ov_buckets_quantile(&s->fixed, p);
}

static void fixed_bounds(const any_histogram *s, double *min, double *max)
{
    *min = s->fixed.min;
    *max = s->fixed.max;
}

static const make makes[] = {
    {OV_COMPLEX_APPROX_HISTOGRAM, OV_SQL_FLOAT, read_approx, approx_quantile, approx_bounds},
    {OV_COMPLEX_FIXED_HISTOGRAM, OV_SQL_DOUBLE, read_fixed, fixed_quantile, fixed_bounds},
};

/* NULL, and what is no fixed histogram, as approximate ones. */
static const make *make_of(const ov_expr *e)
{
    return &makes[e->type.id == OV_TYPE_COMPLEX && e->type.complex == makes[1].id];
}

static ov_status read_any(const ovi_call *c, uint32_t row, ov_arena *scratch, any_histogram *s, ov_error *err)
{
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    return make_of(c->e->args[0])->read(ovi_str(&c->arg[0], row), s, &mem, err);
}

static ov_status want_histogram(ovi_bind *b, ov_error *err)
{
    return ovi_want_sketch(b, 0, make_of(b->args[0])->id, err);
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
    any_histogram s;
    OV_TRY(read_any(c, row, scratch, &s, err));
    *out = make_of(c->e->args[0])->quantile(&s, ovi_f64(&c->arg[1], row));
    return OV_OK;
}

ov_status ovi_eval_histogram_quantile(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, quantile_row, out, err);
}

/* (histogram, 0: smallest or 1: largest) */
ov_status ovi_bind_histogram_end(ovi_bind *b, ov_error *err)
{
    OV_TRY(want_histogram(b, err));
    ovi_result(b, make_of(b->args[0])->ends);
    return OV_OK;
}

static ov_status end_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    any_histogram s;
    double min, max;
    OV_TRY(read_any(c, row, scratch, &s, err));
    make_of(c->e->args[0])->bounds(&s, &min, &max);
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
    const make *m = make_of(c->e->args[0]);
    any_histogram s;
    double *p, *v, ends[2];
    uint32_t n = c->argc - 1;
    OV_TRY(read_any(c, row, scratch, &s, err));
    OV_TRY(ov_arena_alloc(scratch, c->argc * sizeof(double), &p, err));
    OV_TRY(ov_arena_alloc(scratch, c->argc * sizeof(double), &v, err));
    for (uint32_t i = 0; i < n; i++) {
        p[i] = ovi_f64(&c->arg[i + 1], row);
        v[i] = m->quantile(&s, p[i]);
    }
    m->bounds(&s, &ends[0], &ends[1]);
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
    any_histogram s;
    float *breaks;
    uint32_t n;
    OV_TRY(read_any(c, row, scratch, &s, err));
    OV_TRY(ov_histogram_equal_breaks(&s.approx, (uint32_t)ovi_f64(&c->arg[1], row), scratch, &breaks, &n, err));
    return add_buckets(&s.approx, breaks, n, scratch, out, err);
}

/* (histogram, buckets), whose number the caller has checked */
ov_status ovi_eval_histogram_equal(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, equal_row, out, err);
}

static ov_status width_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    any_histogram s;
    float *breaks = NULL;
    uint32_t n;
    OV_TRY(read_any(c, row, scratch, &s, err));
    OV_TRY(ov_histogram_width_breaks(&s.approx, (float)ovi_f64(&c->arg[1], row), (float)ovi_f64(&c->arg[2], row), scratch, &breaks, &n,
                                     err));
    return add_buckets(&s.approx, breaks, n, scratch, out, err);
}

/* (histogram, width, offset) */
ov_status ovi_eval_histogram_width(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, width_row, out, err);
}

static ov_status breaks_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    any_histogram s;
    float *breaks;
    OV_TRY(read_any(c, row, scratch, &s, err));
    OV_TRY(ov_arena_alloc(scratch, c->argc * sizeof(float), &breaks, err));
    for (uint32_t i = 1; i < c->argc; i++)
        breaks[i - 1] = (float)ovi_f64(&c->arg[i], row);
    return add_buckets(&s.approx, breaks, c->argc - 1, scratch, out, err);
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
    any_histogram s;
    OV_TRY(read_any(c, row, scratch, &s, err));
    ov_buckets_describe(&s.fixed, out);
    return OV_OK;
}

ov_status ovi_eval_histogram_text(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, text_row, out, err);
}
