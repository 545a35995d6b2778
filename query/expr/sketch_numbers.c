/*
 * Sketches of numbers of any make in the argument of a function: reading them, and the answers that all of them have.
 */
#include "query/expr/sketch_int.h"

static ov_status settle(ovi_numbers *s, const ov_sketch_mem *mem, ov_slice image, ov_arena *scratch, ov_error *err)
{
    ov_tdigest one;
    OV_TRY(ov_tdigest_read(image, &one, mem, err));
    return ov_tdigest_settled(&one, scratch, &s->tdigest, err);
}

ov_status ovi_numbers_read(const ovi_call *c, uint32_t row, ov_arena *scratch, ovi_numbers *s, ov_error *err)
{
    ov_sketch_mem mem = ov_sketch_mem_arena(scratch);
    ov_slice image = ovi_str(&c->arg[0], row);
    *s = (ovi_numbers){.make = (ov_complex_id)c->e->args[0]->type.complex};
    switch (s->make) {
    case OV_COMPLEX_KLL_DOUBLES:
    case OV_COMPLEX_KLL_FLOATS:
        OV_TRY(ov_kll_read(image, s->make == OV_COMPLEX_KLL_FLOATS, &s->kll, &mem, err));
        return ov_kll_ranks(&s->kll, &s->ranks, scratch, err);
    case OV_COMPLEX_TDIGEST:
        return settle(s, &mem, image, scratch, err);
    case OV_COMPLEX_MOMENTS:
        return ov_powers_read(image, &s->powers, &mem, err);
    default:
        OV_TRY(ov_quantiles_read(image, &s->classic, &mem, err));
        return ov_quantiles_ranks(&s->classic, &s->ranks, scratch, err);
    }
}

/* Moments are solved when the first quantile is asked for. */
ov_status ovi_numbers_quantile(ovi_numbers *s, double rank, ov_arena *scratch, double *out, ov_error *err)
{
    switch (s->make) {
    case OV_COMPLEX_TDIGEST:
        *out = ov_tdigest_quantile(&s->tdigest, rank);
        return OV_OK;
    case OV_COMPLEX_MOMENTS:
        if (!s->solved.number)
            OV_TRY(ov_powers_solve(&s->powers, &s->solved, scratch, err));
        *out = ov_powers_quantile(&s->solved, rank);
        return OV_OK;
    default:
        *out = ov_ranks_quantile(&s->ranks, rank);
        return OV_OK;
    }
}

/* ---- hidden functions of native queries: what every make knows ---- */

static ov_status count_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    ovi_numbers s;
    OV_TRY(ovi_numbers_read(c, row, scratch, &s, err));
    *out = s.make == OV_COMPLEX_TDIGEST   ? ov_tdigest_count(&s.tdigest)
           : s.make == OV_COMPLEX_MOMENTS ? ov_powers_count(&s.powers)
                                          : (double)s.ranks.n;
    return OV_OK;
}

static ov_status bound_row(ovi_call *c, uint32_t row, bool greatest, ov_arena *scratch, double *out, ov_error *err)
{
    ovi_numbers s;
    OV_TRY(ovi_numbers_read(c, row, scratch, &s, err));
    if (s.make == OV_COMPLEX_MOMENTS)
        *out = greatest ? ov_powers_max(&s.powers) : ov_powers_min(&s.powers);
    else if (s.make == OV_COMPLEX_TDIGEST)
        *out = greatest ? s.tdigest.max : s.tdigest.min;
    else
        *out = s.ranks.n == 0 ? NAN : greatest ? s.ranks.max : s.ranks.min;
    return OV_OK;
}

static ov_status least_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    return bound_row(c, row, false, scratch, out, err);
}

static ov_status greatest_row(ovi_call *c, uint32_t row, ov_arena *scratch, double *out, ov_error *err)
{
    return bound_row(c, row, true, scratch, out, err);
}

/* How many values it has seen: what a native query shows of a sketch that nobody reads. */
ov_status ovi_bind_sketch_count(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_numbers(b, false, err));
    ovi_result(b, OV_SQL_BIGINT);
    return OV_OK;
}

ov_status ovi_eval_sketch_count(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, count_row, out, err);
}

ov_status ovi_bind_sketch_bound(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_numbers(b, false, err));
    ovi_result(b, OV_SQL_DOUBLE);
    return OV_OK;
}

ov_status ovi_eval_sketch_min(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, least_row, out, err);
}

ov_status ovi_eval_sketch_max(ovi_call *c, ov_vec *out, ov_error *err)
{
    return ovi_sketch_numbers(c, greatest_row, out, err);
}

/* ---- arguments ---- */

static bool has_ranks(ov_complex_id kind)
{
    return kind == OV_COMPLEX_QUANTILES || kind == OV_COMPLEX_KLL_DOUBLES || kind == OV_COMPLEX_KLL_FLOATS;
}

ov_status ovi_want_numbers(ovi_bind *b, bool ranks, ov_error *err)
{
    ov_type t = b->args[0]->type;
    ov_complex_id kind = t.id == OV_TYPE_COMPLEX ? (ov_complex_id)t.complex : OV_COMPLEX_NONE;
    if (has_ranks(kind) || (!ranks && (kind == OV_COMPLEX_TDIGEST || kind == OV_COMPLEX_MOMENTS)))
        return OV_OK;
    return ovi_want_sketch(b, 0, OV_COMPLEX_QUANTILES, err);
}
