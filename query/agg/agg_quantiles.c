/*
 * Quantiles sketches as aggregates: DS_QUANTILES_SKETCH, APPROX_QUANTILE_DS.
 *
 * A group's state is a sketch of its numbers, or all sketches of a column merged into one. Neither NULL nor NaN is a number.
 */
#include "query/agg/agg_int.h"
#include "query/agg/images.h"
#include "sketch/quantiles.h"

typedef struct quantiles_params {
    ov_image_params head;
    uint16_t k;
    double rank; /* of the answer */
} quantiles_params;

static ov_quantiles *state(const ov_object *o, uint32_t group)
{
    const quantiles_params *p = o->call->prepared;
    ov_quantiles *s = ov_object_at(o, group);
    if (!s->k)
        ov_quantiles_init(s, p->k);
    return s;
}

static ov_status put_image(ov_object *o, uint32_t group, ov_slice image, bool several, ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o), trial = ov_sketch_mem_arena(scratch);
    ov_quantiles one;
    (void)several; /* rows come one by one: no by_weight */
    OV_TRY(ov_quantiles_read(image, &one, &trial, err));
    return ov_quantiles_merge(state(o, group), &one, &mem, err);
}

static ov_status add_quantiles(ov_object *o, uint32_t group, double x, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    return ov_quantiles_add(state(o, group), x, &mem, err);
}

static ov_status merge_quantiles(ov_object *o, uint32_t group, const void *from, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    return ov_quantiles_merge(state(o, group), from, &mem, err);
}

static ov_quantiles state_or_empty(const ov_object *o, uint32_t group)
{
    const quantiles_params *p = o->call->prepared;
    ov_quantiles s = *(const ov_quantiles *)ov_object_at(o, group);
    if (!s.k)
        ov_quantiles_init(&s, p->k);
    return s;
}

static ov_status write_quantiles(const ov_object *o, uint32_t group, bool result, ov_arena *scratch, ov_buf *out,
                                 ov_error *err)
{
    ov_quantiles s = state_or_empty(o, group);
    (void)result, (void)scratch;
    return ov_quantiles_write(&s, true, out, err);
}

static ov_status quantile_of(const ov_object *o, const ov_agg_call *call, uint32_t group, ov_arena *scratch, double *out,
                             ov_error *err)
{
    const quantiles_params *p = call->prepared;
    ov_quantiles s = state_or_empty(o, group);
    ov_ranks ranks;
    OV_TRY(ov_quantiles_ranks(&s, &ranks, scratch, err));
    *out = ov_ranks_quantile(&ranks, p->rank);
    return OV_OK;
}

static const ov_image_kind quantiles_kind = {
    .type = OV_COMPLEX_QUANTILES,
    .put = put_image,
    .merge = merge_quantiles,
    .write = write_quantiles,
    .number = add_quantiles,
    .answer = quantile_of,
};

const ov_object_ops ovi_quantiles_ops = {
    .name = "DS_QUANTILES_SKETCH",
    .state_bytes = sizeof(ov_quantiles),
    .add = ov_image_add,
    .merge = ov_image_merge,
    .emit = ov_image_emit,
    .write = ov_image_write,
    .read = ov_image_read,
};

/* ---- binding ---- */

static ov_status bind_k(const ov_agg_binding *b, uint32_t i, quantiles_params *p, ov_error *err)
{
    p->k = OV_QUANTILES_DEFAULT_K;
    if (i >= b->call->param_count)
        return OV_OK;
    const ov_expr *e = b->call->params[i];
    if (!ov_type_is_int(e->type) || e->constant.is_null || !ov_quantiles_k_ok(e->constant.i))
        return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "k of %s must be a power of two from %d to %d",
                          b->call->fn->name, OV_QUANTILES_LEAST_K, OV_QUANTILES_MOST_K);
    p->k = (uint16_t)e->constant.i;
    return OV_OK;
}

/* (values [, k]) */
ov_status ovi_bind_quantiles(ov_agg_binding *b, ov_error *err)
{
    quantiles_params *p;
    OV_TRY(ov_image_bind_numbers(b, &quantiles_kind, OV_SQL_NULL, sizeof(*p), &p, err));
    return bind_k(b, 0, p, err);
}

/* (values, rank [, k]) */
ov_status ovi_bind_approx_quantile_ds(ov_agg_binding *b, ov_error *err)
{
    quantiles_params *p;
    OV_TRY(ov_image_bind_numbers(b, &quantiles_kind, OV_SQL_DOUBLE, sizeof(*p), &p, err));
    OV_TRY(bind_k(b, 1, p, err));
    return ovi_agg_fraction(b, 0, &p->rank, err);
}
