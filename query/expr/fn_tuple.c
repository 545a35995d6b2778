/*
 * Functions over tuple sketches: DS_TUPLE_DOUBLES_METRICS_SUM_ESTIMATE; hidden, for native queries, bounds, entries, means, variances, the t-test, text,
 * and a column as a quantiles sketch.
 */
#include "query/expr/sketch_int.h"
#include "sketch/quantiles.h"
#include "sketch/tuple.h"

/* NULL is the empty sketch. */
static ov_status read_arg(const ovi_call *c, uint32_t i, uint32_t row, ov_arena *scratch, ov_tuple_set *s, ov_error *err)
{
    ov_slice none = {"", 0};
    return ov_tuple_read(ovi_arg_null(&c->arg[i], row) ? none : ovi_str(&c->arg[i], row), scratch, s, err);
}

/* ---- a number of each column, as a JSON list ---- */

ov_status ovi_bind_tuple_list(ovi_bind *b, ov_error *err)
{
    for (uint32_t i = 0; i < b->argc; i++)
        OV_TRY(ovi_want_sketch(b, i, OV_COMPLEX_TUPLE, err));
    ovi_json_text_result(b);
    return OV_OK;
}

typedef double (*column_fn)(const ov_tuple_set *s, uint32_t column);

static ov_status columns_row(ovi_call *c, uint32_t row, column_fn fn, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    double v[OV_TUPLE_MOST_WIDTH];
    ov_tuple_set s;
    OV_TRY(read_arg(c, 0, row, scratch, &s, err));
    for (uint32_t i = 0; i < s.width; i++)
        v[i] = fn(&s, i);
    ovi_add_numbers(v, s.width, false, out);
    return OV_OK;
}

static ov_status sums_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    return columns_row(c, row, ov_tuple_sum_estimate, scratch, out, err);
}

ov_status ovi_eval_tuple_sums(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, sums_row, out, err);
}

static ov_status means_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    return columns_row(c, row, ov_tuple_mean, scratch, out, err);
}

ov_status ovi_eval_tuple_means(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, means_row, out, err);
}

static ov_status variances_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    return columns_row(c, row, ov_tuple_variance, scratch, out, err);
}

ov_status ovi_eval_tuple_variances(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, variances_row, out, err);
}

static ov_status t_test_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    double v[OV_TUPLE_MOST_WIDTH];
    ov_tuple_set x, y;
    OV_TRY(read_arg(c, 0, row, scratch, &x, err));
    OV_TRY(read_arg(c, 1, row, scratch, &y, err));
    if (x.width != y.width)
        return ov_fail(err, OV_INVALID, "a t-test of tuple sketches with %u and with %u numbers a value", x.width, y.width);
    for (uint32_t i = 0; i < x.width; i++)
        v[i] = ov_tuple_t_test(&x, &y, i);
    ovi_add_numbers(v, x.width, false, out);
    return OV_OK;
}

ov_status ovi_eval_tuple_t_test(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, t_test_row, out, err);
}

/* (sketch, deviations): [estimate, lower, upper] */
ov_status ovi_bind_tuple_bounds(ovi_bind *b, ov_error *err)
{
    return ovi_bind_bounds_of(b, OV_COMPLEX_TUPLE, err);
}

static ov_status bounds_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const int64_t *deviations = c->e->prepared;
    ov_tuple_set s;
    OV_TRY(read_arg(c, 0, row, scratch, &s, err));
    ov_theta_set hashes = ov_tuple_hashes(&s);
    double v[3] = {ov_theta_estimate(&hashes), ov_theta_bound(&hashes, (unsigned)*deviations, false),
                   ov_theta_bound(&hashes, (unsigned)*deviations, true)};
    ovi_add_numbers(v, 3, false, out);
    return OV_OK;
}

ov_status ovi_eval_tuple_bounds(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, bounds_row, out, err);
}

/* ---- one value ---- */

ov_status ovi_bind_tuple_entries(ovi_bind *b, ov_error *err)
{
    return ovi_bind_of_sketch(b, OV_COMPLEX_TUPLE, OV_SQL_BIGINT, err);
}

static ov_status entries_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    ov_tuple_set s;
    OV_TRY(read_arg(c, 0, row, scratch, &s, err));
    *out = s.count;
    return OV_OK;
}

ov_status ovi_eval_tuple_entries(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, entries_row, out, err);
}

ov_status ovi_bind_tuple_text(ovi_bind *b, ov_error *err)
{
    return ovi_bind_of_sketch(b, OV_COMPLEX_TUPLE, OV_SQL_VARCHAR, err);
}

static ov_status text_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_tuple_set s;
    OV_TRY(read_arg(c, 0, row, scratch, &s, err));
    ov_tuple_describe(&s, out);
    return OV_OK;
}

ov_status ovi_eval_tuple_text(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, text_row, out, err);
}

/* (sketch, column from 1, k): the kept numbers of a column */
typedef struct column_params {
    int64_t column, k;
} column_params;

ov_status ovi_bind_tuple_quantiles(ovi_bind *b, ov_error *err)
{
    column_params *p;
    OV_TRY(ovi_want_sketch(b, 0, OV_COMPLEX_TUPLE, err));
    OV_TRY(ovi_prepare(b, sizeof(*p), &p, err));
    OV_TRY(ovi_const_within(b, 1, 1, OV_TUPLE_MOST_WIDTH, "the column", &p->column, err));
    OV_TRY(ovi_const_within(b, 2, OV_QUANTILES_LEAST_K, OV_QUANTILES_MOST_K, "k", &p->k, err));
    if (!ov_quantiles_k_ok(p->k))
        return ov_fail_at(err, OV_INVALID, b->args[2]->pos, b->args[2]->end_pos, "k must be a power of two");
    ovi_sketch_result(b, OV_COMPLEX_QUANTILES);
    return OV_OK;
}

static ov_status column_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const column_params *p = c->e->prepared;
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    ov_tuple_set s;
    ov_quantiles q;
    OV_TRY(read_arg(c, 0, row, scratch, &s, err));
    if (s.count && p->column > s.width)
        return ov_fail(err, OV_INVALID, "column %lld of a tuple sketch with %u numbers a value", (long long)p->column, s.width);
    ov_quantiles_init(&q, (unsigned)p->k);
    for (uint32_t i = 0; i < s.count; i++)
        OV_TRY(ov_quantiles_add(&q, s.values[(size_t)i * s.width + (uint32_t)p->column - 1], &mem, err));
    return ov_quantiles_write(&q, true, out, err);
}

ov_status ovi_eval_tuple_quantiles(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, column_row, out, err);
}
