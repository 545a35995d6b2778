/*
 * Quantiles sketches as aggregates: DS_QUANTILES_SKETCH, APPROX_QUANTILE_DS.
 *
 * A group's state is a sketch of its numbers, or all sketches of a column merged into one. Neither NULL nor NaN is a number.
 */
#include "query/agg/agg_int.h"
#include "query/agg/images.h"
#include "sketch/quantiles.h"

typedef struct quantile_params {
    ov_image_params head;
    double rank; /* of the answer */
} quantile_params;

static ov_status quantile_of(const void *head, const ov_agg_call *call, ov_arena *scratch, double *out, ov_error *err)
{
    const quantile_params *p = call->prepared;
    ov_quantiles s = *(const ov_quantiles *)head;
    ov_ranks ranks;
    if (!s.k)
        ov_quantiles_init(&s, (unsigned)p->head.args.at[0]);
    OV_TRY(ov_quantiles_ranks(&s, &ranks, scratch, err));
    *out = ov_ranks_quantile(&ranks, p->rank);
    return OV_OK;
}

static const ov_image_kind quantiles_kind = {
    .type = OV_COMPLEX_QUANTILES,
    .sketch = &ov_quantiles_ops,
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

/* (values [, k]) */
ov_status ovi_bind_quantiles(ov_agg_binding *b, ov_error *err)
{
    ov_image_params *p;
    return ov_image_bind_numbers(b, &quantiles_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err);
}

/* (values, rank [, k]) */
ov_status ovi_bind_approx_quantile_ds(ov_agg_binding *b, ov_error *err)
{
    quantile_params *p;
    OV_TRY(ov_image_bind_numbers(b, &quantiles_kind, OV_SQL_DOUBLE, 1, sizeof(*p), &p, err));
    return ovi_agg_fraction(b, 0, &p->rank, err);
}
