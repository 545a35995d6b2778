/*
 * t-digests as aggregates: TDIGEST_GENERATE_SKETCH, TDIGEST_QUANTILE; of numbers, or of a column of digests.
 */
#include "query/agg/agg_int.h"
#include "query/agg/images.h"
#include "sketch/tdigest.h"

typedef struct tdigest_params {
    ov_image_params head;
    double rank; /* of the answer */
} tdigest_params;

static ov_status quantile_of(const void *head, const ov_agg_call *call, ov_arena *scratch, double *out, ov_error *err)
{
    const tdigest_params *p = call->prepared;
    ov_tdigest s;
    OV_TRY(ov_tdigest_settled(head, scratch, &s, err));
    *out = ov_tdigest_quantile(&s, p->rank);
    return OV_OK;
}

static const ov_image_kind tdigest_kind = {
    .type = OV_COMPLEX_TDIGEST,
    .sketch = &ov_tdigest_ops,
    .answer = quantile_of,
};

const ov_object_ops ovi_tdigest_ops = {
    .name = "TDIGEST_GENERATE_SKETCH",
    .state_bytes = sizeof(ov_tdigest),
    .add = ov_image_add,
    .merge = ov_image_merge,
    .emit = ov_image_emit,
    .write = ov_image_write,
    .read = ov_image_read,
};

/* (values [, compression]) */
ov_status ovi_bind_tdigest(ov_agg_binding *b, ov_error *err)
{
    ov_image_params *p;
    return ov_image_bind_numbers(b, &tdigest_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err);
}

/* (values, rank [, compression]) */
ov_status ovi_bind_tdigest_quantile(ov_agg_binding *b, ov_error *err)
{
    tdigest_params *p;
    OV_TRY(ov_image_bind_numbers(b, &tdigest_kind, OV_SQL_DOUBLE, 1, sizeof(*p), &p, err));
    return ovi_agg_fraction(b, 0, &p->rank, err);
}
