/*
 * Moments sketches as aggregates, for native queries: momentSketch and momentSketchMerge have no name in SQL.
 */
#include "query/agg/agg_int.h"
#include "query/agg/images.h"
#include "sketch/powers.h"

static const ov_image_kind powers_kind = {.type = OV_COMPLEX_MOMENTS, .sketch = &ov_powers_ops};

const ov_object_ops ovi_powers_ops = {
    .name = "momentSketch",
    .state_bytes = sizeof(ov_powers),
    .add = ov_image_add,
    .merge = ov_image_merge,
    .emit = ov_image_emit,
    .write = ov_image_write,
    .read = ov_image_read,
};

/* (values [, k [, compress]]) */
ov_status ovi_bind_powers(ov_agg_binding *b, ov_error *err)
{
    ov_image_params *p;
    return ov_image_bind_numbers(b, &powers_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err);
}
