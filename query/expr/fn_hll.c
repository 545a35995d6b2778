/*
 * HLL_SKETCH_ESTIMATE, HLL_SKETCH_ESTIMATE_WITH_ERROR_BOUNDS, HLL_SKETCH_UNION and HLL_SKETCH_TO_STRING.
 */
#include "base/numfmt.h"
#include "query/expr/sketch_int.h"
#include "sketch/hll.h"

static ov_status read_arg(const ovi_call *c, uint32_t i, uint32_t row, ov_arena *scratch, ov_hll *s, ov_error *err)
{
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    return ov_hll_read(ovi_str(&c->arg[i], row), s, &mem, err);
}

/* ---- estimates ---- */

/* (sketch [, round]) */
ov_status ovi_bind_hll_sketch_estimate(ovi_bind *b, ov_error *err)
{
    bool *round;
    OV_TRY(ovi_want_sketch(b, 0, OV_COMPLEX_HLL, err));
    OV_TRY(ovi_prepare(b, sizeof(*round), &round, err));
    if (b->argc > 1) {
        const ov_expr *e = b->args[1];
        if (!ovi_is_const(e) || e->sql != OV_SQL_BOOLEAN || e->constant.is_null)
            return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "Argument 2 of %s must be TRUE or FALSE", b->fn->name);
        *round = e->constant.i != 0;
    }
    ovi_result(b, OV_SQL_DOUBLE);
    return OV_OK;
}

static ov_status estimate_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    const bool *round = c->e->prepared;
    ov_hll s;
    OV_TRY(read_arg(c, 0, row, scratch, &s, err));
    *out = ov_hll_estimate(&s);
    if (*round)
        *out = floor(*out + 0.5);
    return OV_OK;
}

ov_status ovi_eval_hll_sketch_estimate(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, estimate_row, out, err);
}

/* (sketch [, deviations]): [estimate, lower, upper] */
ov_status ovi_bind_hll_sketch_bounds(ovi_bind *b, ov_error *err)
{
    return ovi_bind_bounds_of(b, OV_COMPLEX_HLL, err);
}

static ov_status bounds_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const int64_t *deviations = c->e->prepared;
    ov_hll s;
    OV_TRY(read_arg(c, 0, row, scratch, &s, err));
    ov_buf_add_char(out, '[');
    ov_buf_add_double(out, ov_hll_estimate(&s));
    ov_buf_add_char(out, ',');
    ov_buf_add_double(out, ov_hll_bound(&s, (unsigned)*deviations, false));
    ov_buf_add_char(out, ',');
    ov_buf_add_double(out, ov_hll_bound(&s, (unsigned)*deviations, true));
    ov_buf_add_char(out, ']');
    return OV_OK;
}

ov_status ovi_eval_hll_sketch_bounds(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, bounds_row, out, err);
}

/* ---- union: ([lgK [, type],] sketch, ...) ---- */

typedef struct union_params {
    uint32_t first; /* argument that is a sketch */
    uint8_t lg_k, type;
} union_params;

ov_status ovi_bind_hll_sketch_union(ovi_bind *b, ov_error *err)
{
    union_params *p;
    int64_t lg_k = OV_HLL_DEFAULT_LG_K;
    OV_TRY(ovi_prepare(b, sizeof(*p), &p, err));
    if (ov_type_is_int(b->args[0]->type)) {
        OV_TRY(ovi_const_within(b, p->first++, OV_HLL_LEAST_LG_K, OV_HLL_MOST_LG_K, "lgK", &lg_k, err));
        if (b->argc > 1 && b->args[1]->type.id == OV_TYPE_STRING) {
            static const char *const names[] = {"HLL_4", "HLL_6", "HLL_8"};
            ov_slice name;
            bool is_null;
            OV_TRY(ovi_const_text(b, p->first++, &name, &is_null, err));
            while (p->type < OV_COUNT_OF(names) && (is_null || !ov_slice_eq(name, ov_slice_cstr(names[p->type]))))
                p->type++;
            if (p->type == OV_COUNT_OF(names))
                return ov_fail_at(err, OV_INVALID, b->args[1]->pos, b->args[1]->end_pos,
                                  "the type of %s must be 'HLL_4', 'HLL_6' or 'HLL_8'", b->fn->name);
        }
    }
    p->lg_k = (uint8_t)lg_k;
    OV_TRY(ovi_want_sketches(b, p->first, OV_COMPLEX_HLL, err));
    b->nullable = false;
    ovi_sketch_result(b, OV_COMPLEX_HLL);
    return OV_OK;
}

static ov_status union_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const union_params *p = c->e->prepared;
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    ov_hll all, one;
    ov_hll_init(&all, p->lg_k, (ov_hll_type)p->type);
    for (uint32_t i = p->first; i < c->argc; i++) {
        if (ovi_arg_null(&c->arg[i], row))
            continue;
        OV_TRY(read_arg(c, i, row, scratch, &one, err));
        OV_TRY(ov_hll_merge(&all, &one, &mem, err));
    }
    return ov_hll_write(&all, (ov_hll_type)p->type, true, out, err);
}

ov_status ovi_eval_hll_sketch_union(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, union_row, out, err);
}

/* ---- as text ---- */

ov_status ovi_bind_hll_sketch_text(ovi_bind *b, ov_error *err)
{
    return ovi_bind_of_sketch(b, OV_COMPLEX_HLL, OV_SQL_VARCHAR, err);
}

static ov_status text_row(ovi_call *c, uint32_t row, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    ov_hll s;
    OV_TRY(read_arg(c, 0, row, scratch, &s, err));
    ov_hll_describe(&s, out);
    return OV_OK;
}

ov_status ovi_eval_hll_sketch_text(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_rows(c, text_row, out, err);
}
