/*
 * THETA_SKETCH_ESTIMATE, THETA_SKETCH_ESTIMATE_WITH_ERROR_BOUNDS, THETA_SKETCH_UNION, THETA_SKETCH_INTERSECT and THETA_SKETCH_NOT; hidden, for native
 * queries, a sketch as text.
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

/* ---- set operations: ([size,] sketch, ...) ---- */

typedef struct set_params {
    uint32_t first; /* argument that is a sketch */
    uint8_t lg_k;
} set_params;

ov_status ovi_bind_theta_sketch_set(ovi_bind *b, ov_error *err)
{
    set_params *p;
    int64_t size = INT64_C(1) << OV_THETA_DEFAULT_LG_K;
    OV_TRY(ovi_prepare(b, sizeof(*p), &p, err));
    if (ov_type_is_int(b->args[0]->type))
        OV_TRY(ovi_const_within(b, p->first++, 1, INT64_C(1) << OV_THETA_MOST_LG_K, "the size", &size, err));
    OV_TRY(ovi_want_sketches(b, p->first, OV_COMPLEX_THETA, err));
    for (p->lg_k = OV_THETA_LEAST_LG_K; INT64_C(1) << p->lg_k < size;)
        p->lg_k++;
    b->nullable = false;
    ovi_sketch_result(b, OV_COMPLEX_THETA);
    return OV_OK;
}

/* NULL is the empty sketch. */
static ov_status read_arg(const ovi_call *c, uint32_t i, uint32_t row, ov_arena *scratch, ov_theta_set *s, ov_error *err)
{
    *s = (ov_theta_set){.theta = OV_THETA_ALL};
    return ovi_arg_null(&c->arg[i], row) ? OV_OK : ov_theta_read(ovi_str(&c->arg[i], row), scratch, s, err);
}

static ov_status union_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const set_params *p = c->e->prepared;
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    ov_theta all;
    ov_theta_set one;
    ov_theta_init(&all, p->lg_k);
    for (uint32_t i = p->first; i < c->argc; i++) {
        OV_TRY(read_arg(c, i, row, scratch, &one, err));
        OV_TRY(ov_theta_merge_set(&all, &one, &mem, err));
    }
    OV_TRY(ov_theta_finish(&all, scratch, &one, err));
    return ov_theta_write(&one, out, err);
}

ov_status ovi_eval_theta_sketch_union(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, union_row, out, err);
}

typedef ov_status (*set_operation)(const ov_theta_set *x, const ov_theta_set *y, ov_arena *a, ov_theta_set *out,
                                   ov_error *err);

static ov_status fold_row(ovi_call *c, uint32_t row, set_operation with, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const set_params *p = c->e->prepared;
    ov_theta_set all, one, next;
    OV_TRY(read_arg(c, p->first, row, scratch, &all, err));
    for (uint32_t i = p->first + 1; i < c->argc; i++) {
        OV_TRY(read_arg(c, i, row, scratch, &one, err));
        OV_TRY(with(&all, &one, scratch, &next, err));
        all = next;
    }
    return ov_theta_write(&all, out, err);
}

static ov_status intersect_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    return fold_row(c, row, ov_theta_intersect, scratch, out, err);
}

ov_status ovi_eval_theta_sketch_intersect(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, intersect_row, out, err);
}

static ov_status not_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    return fold_row(c, row, ov_theta_subtract, scratch, out, err);
}

ov_status ovi_eval_theta_sketch_not(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, not_row, out, err);
}
