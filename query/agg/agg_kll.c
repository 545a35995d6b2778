/*
 * KLL sketches as aggregates, for native queries: KllDoublesSketch and KllFloatsSketch have no name in SQL.
 */
#include "query/agg/agg_int.h"
#include "query/agg/images.h"
#include "sketch/kll.h"

static const ov_image_kind doubles_kind = {.type = OV_COMPLEX_KLL_DOUBLES, .sketch = &ov_kll_doubles_ops};
static const ov_image_kind floats_kind = {.type = OV_COMPLEX_KLL_FLOATS, .sketch = &ov_kll_floats_ops};

const ov_object_ops ovi_kll_ops = {
    .name = "KllSketch",
    .state_bytes = sizeof(ov_kll),
    .add = ov_image_add,
    .merge = ov_image_merge,
    .emit = ov_image_emit,
    .write = ov_image_write,
    .read = ov_image_read,
};

/* (values [, k]) */
ov_status ovi_bind_kll_doubles(ov_agg_binding *b, ov_error *err)
{
    ov_image_params *p;
    return ov_image_bind_numbers(b, &doubles_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err);
}

ov_status ovi_bind_kll_floats(ov_agg_binding *b, ov_error *err)
{
    ov_image_params *p;
    return ov_image_bind_numbers(b, &floats_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err);
}
