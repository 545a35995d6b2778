/*
 * THETA_SKETCH_ESTIMATE and THETA_SKETCH_ESTIMATE_WITH_ERROR_BOUNDS; hidden, for native queries, a sketch as text.
 */
#include "base/numfmt.h"
#include "query/expr/sketch_int.h"
#include "sketch/theta.h"

/* ---- estimates ---- */

ov_status ovi_bind_theta_sketch_estimate(ovi_bind *b, ov_error *err)
{
    return ovi_bind_of_sketch(b, OV_COMPLEX_THETA, OV_SQL_DOUBLE, err);
}

static ov_status estimate_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    ov_theta_set s;
    OV_TRY(ov_theta_read(ovi_str(&c->arg[0], row), scratch, &s, err));
    *out = ov_theta_estimate(&s);
    return OV_OK;
}

ov_status ovi_eval_theta_sketch_estimate(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, estimate_row, out, err);
}

/* (sketch, deviations) */
ov_status ovi_bind_theta_sketch_bounds(ovi_bind *b, ov_error *err)
{
    return ovi_bind_bounds_of(b, OV_COMPLEX_THETA, err);
}

static ov_status bounds_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const int64_t *deviations = c->e->prepared;
    ov_theta_set s;
    OV_TRY(ov_theta_read(ovi_str(&c->arg[0], row), scratch, &s, err));
    ov_buf_add_str(out, "{\"estimate\":");
    ov_buf_add_double(out, ov_theta_estimate(&s));
    ov_buf_add_str(out, ",\"highBound\":");
    ov_buf_add_double(out, ov_theta_bound(&s, (unsigned)*deviations, true));
    ov_buf_add_str(out, ",\"lowBound\":");
    ov_buf_add_double(out, ov_theta_bound(&s, (unsigned)*deviations, false));
    ov_buf_addf(out, ",\"numStdDev\":%d}", (int)*deviations);
    return OV_OK;
}

ov_status ovi_eval_theta_sketch_bounds(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, bounds_row, out, err);
}

ov_status ovi_bind_theta_text(ovi_bind *b, ov_error *err)
{
    return ovi_bind_of_sketch(b, OV_COMPLEX_THETA, OV_SQL_VARCHAR, err);
}

static ov_status text_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_theta_set s;
    OV_TRY(ov_theta_read(ovi_str(&c->arg[0], row), scratch, &s, err));
    ov_theta_describe(&s, out);
    return OV_OK;
}

ov_status ovi_eval_theta_text(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, text_row, out, err);
}
