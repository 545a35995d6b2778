/*
 * Functions over quantiles sketches of any make: DS_GET_QUANTILE, DS_GET_QUANTILES, DS_RANK, DS_CDF, DS_HISTOGRAM and
 * DS_QUANTILE_SUMMARY; hidden, for native queries, a histogram of equal bins.
 */
#include "query/expr/sketch_int.h"

/* The numbers are floats: so are points, and answers print as such. */
static bool of_floats(const ovi_call *c)
{
    return c->e->args[0]->type.complex == OV_COMPLEX_KLL_FLOATS;
}

static ov_status read_ranks(const ovi_call *c, uint32_t row, ov_arena *scratch, ov_ranks *out, ov_error *err)
{
    ovi_numbers s;
    OV_TRY(ovi_numbers_read(c, row, scratch, &s, err));
    *out = s.ranks;
    return OV_OK;
}

/* ---- one number ---- */

ov_status ovi_bind_sketch_quantile(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_numbers(b, false, err));
    OV_TRY(ovi_want_double(b, 1, err));
    ovi_result(b, b->args[0]->type.complex == OV_COMPLEX_KLL_FLOATS ? OV_SQL_FLOAT : OV_SQL_DOUBLE);
    return OV_OK;
}

ov_status ovi_bind_sketch_rank(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_numbers(b, true, err));
    OV_TRY(ovi_want_double(b, 1, err));
    ovi_result(b, OV_SQL_DOUBLE);
    return OV_OK;
}

/* Argument i, a point between values. */
static double point_of(const ovi_call *c, uint32_t i, uint32_t row)
{
    double v = ovi_f64(&c->arg[i], row);
    return of_floats(c) ? (double)(float)v : v;
}

static ov_status check_rank(const ovi_call *c, double rank, ov_error *err)
{
    return rank >= 0 && rank <= 1 ? OV_OK
                                  : ov_fail(err, OV_INVALID, "%s: a part from 0 to 1 is expected, found %g", c->e->fn->name, rank);
}

static ov_status quantile_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    ovi_numbers s;
    OV_TRY(ovi_numbers_read(c, row, scratch, &s, err));
    OV_TRY(check_rank(c, ovi_f64(&c->arg[1], row), err));
    return ovi_numbers_quantile(&s, ovi_f64(&c->arg[1], row), scratch, out, err);
}

ov_status ovi_eval_sketch_quantile(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, quantile_row, out, err);
}

static ov_status rank_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    ov_ranks ranks;
    OV_TRY(read_ranks(c, row, scratch, &ranks, err));
    *out = ov_ranks_rank(&ranks, point_of(c, 1, row));
    return OV_OK;
}

ov_status ovi_eval_sketch_rank(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, rank_row, out, err);
}

/* ---- lists of numbers, as JSON ---- */

static ov_status bind_list(ovi_bind *b, bool ranks, ov_error *err)
{
    OV_TRY(ovi_want_numbers(b, ranks, err));
    for (uint32_t i = 1; i < b->argc; i++)
        OV_TRY(ovi_want_double(b, i, err));
    ovi_json_text_result(b);
    return OV_OK;
}

/* (sketch, rank, ...) */
ov_status ovi_bind_sketch_quantiles(ovi_bind *b, ov_error *err)
{
    return bind_list(b, false, err);
}

/* (sketch, number, ...) */
ov_status ovi_bind_sketch_points(ovi_bind *b, ov_error *err)
{
    return bind_list(b, true, err);
}

static ov_status quantiles_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ovi_numbers s;
    double *v;
    OV_TRY(ovi_numbers_read(c, row, scratch, &s, err));
    OV_TRY(ov_arena_alloc(scratch, c->argc * sizeof(double), &v, err));
    for (uint32_t i = 1; i < c->argc; i++) {
        OV_TRY(check_rank(c, ovi_f64(&c->arg[i], row), err));
        OV_TRY(ovi_numbers_quantile(&s, ovi_f64(&c->arg[i], row), scratch, &v[i - 1], err));
    }
    ovi_add_numbers(v, c->argc - 1, of_floats(c), out);
    return OV_OK;
}

ov_status ovi_eval_sketch_quantiles(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, quantiles_row, out, err);
}

/* Arguments from 1 on, which must ascend; *v has room for one number more. */
static ov_status read_points(const ovi_call *c, uint32_t row, ov_arena *scratch, double **points, double **v, ov_error *err)
{
    OV_TRY(ov_arena_alloc(scratch, c->argc * sizeof(double), points, err));
    OV_TRY(ov_arena_alloc(scratch, c->argc * sizeof(double), v, err));
    for (uint32_t i = 1; i < c->argc; i++) {
        (*points)[i - 1] = point_of(c, i, row);
        if (isnan((*points)[i - 1]) || (i > 1 && (*points)[i - 1] <= (*points)[i - 2]))
            return ov_fail(err, OV_INVALID, "%s: the points must be numbers that ascend", c->e->fn->name);
    }
    return OV_OK;
}

static ov_status cdf_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_ranks ranks;
    double *points, *v;
    OV_TRY(read_ranks(c, row, scratch, &ranks, err));
    OV_TRY(read_points(c, row, scratch, &points, &v, err));
    ov_ranks_cdf(&ranks, points, c->argc - 1, v);
    ovi_add_numbers(v, c->argc, false, out);
    return OV_OK;
}

ov_status ovi_eval_sketch_cdf(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, cdf_row, out, err);
}

static void add_histogram(const ov_ranks *r, const double *points, uint32_t count, double *v, ov_buf *out)
{
    ov_ranks_pmf(r, points, count, v);
    for (uint32_t i = 0; i <= count; i++)
        v[i] *= (double)r->n;
    ovi_add_numbers(v, count + 1, false, out);
}

static ov_status histogram_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_ranks ranks;
    double *points, *v;
    OV_TRY(read_ranks(c, row, scratch, &ranks, err));
    OV_TRY(read_points(c, row, scratch, &points, &v, err));
    add_histogram(&ranks, points, c->argc - 1, v, out);
    return OV_OK;
}

ov_status ovi_eval_sketch_histogram(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, histogram_row, out, err);
}

/* (sketch, number of bins) */
ov_status ovi_bind_sketch_bins(ovi_bind *b, ov_error *err)
{
    int64_t *bins;
    OV_TRY(ovi_want_numbers(b, true, err));
    OV_TRY(ovi_prepare(b, sizeof(*bins), &bins, err));
    OV_TRY(ovi_const_within(b, 1, 2, 1000000, "the number of bins", bins, err));
    ovi_json_text_result(b);
    return OV_OK;
}

static ov_status bins_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    uint32_t bins = (uint32_t)*(const int64_t *)c->e->prepared;
    ov_ranks ranks;
    double *points, *v;
    OV_TRY(read_ranks(c, row, scratch, &ranks, err));
    OV_TRY(ov_arena_alloc(scratch, bins * sizeof(double), &points, err));
    OV_TRY(ov_arena_alloc(scratch, bins * sizeof(double), &v, err));
    if (of_floats(c))
        ov_ranks_equal_floats(&ranks, bins, points);
    else
        ov_ranks_equal_points(&ranks, bins, points);
    add_histogram(&ranks, points, bins - 1, v, out);
    return OV_OK;
}

ov_status ovi_eval_sketch_bins(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, bins_row, out, err);
}

/* ---- as text ---- */

ov_status ovi_bind_sketch_summary(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_numbers(b, true, err));
    ovi_result(b, OV_SQL_VARCHAR);
    return OV_OK;
}

static ov_status summary_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ovi_numbers s;
    OV_TRY(ovi_numbers_read(c, row, scratch, &s, err));
    if (s.make == OV_COMPLEX_QUANTILES)
        ov_quantiles_describe(&s.classic, out);
    else
        ov_kll_describe(&s.kll, out);
    return OV_OK;
}

ov_status ovi_eval_sketch_summary(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, summary_row, out, err);
}
