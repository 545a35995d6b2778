/*
 * HLL sketches as aggregates: DS_HLL, APPROX_COUNT_DISTINCT_DS_HLL and the same over UTF-8.
 *
 * A group's state is a sketch; values are fed by their coupon. Groups take rows in whatever order workers find them, so sketches are marked as merged and
 * their estimate depends on the set of values alone. A column of sketches is merged; a group of one stored sketch is that sketch.
 */
#include "query/agg/agg_int.h"
#include "query/agg/hashed.h"
#include "query/agg/images.h"
#include "sketch/hll.h"

static void begin(void *head, const ov_image_params *p)
{
    ov_hll *s = head;
    if (s->lg_k)
        return;
    ov_hll_init(s, (unsigned)p->args.at[0], (ov_hll_type)p->args.at[1]);
    s->merged = !p->of_images;
}

static uint64_t coupon_word(ov_hash128 h)
{
    return ov_hll_coupon(h);
}

static ov_status put_coupon(ov_object *o, uint32_t group, uint64_t word, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    return ov_hll_add(ov_image_state(o, group), (uint32_t)word, &mem, err);
}

static ov_status add_hll(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                         ov_arena *scratch, ov_error *err)
{
    const ov_image_params *p = o->call->prepared;
    const ov_hashing hashing = {.utf16 = p->args.at[OV_HLL_TEXT_PARAM] == 0, .word = coupon_word, .put = put_coupon};
    if (p->of_images)
        return ov_images_add(o, rows, mask, args[0], scratch, err);
    return ov_hashed_add(o, &hashing, rows, mask, args[0], scratch, err);
}

static ov_status estimate(const void *head, const ov_agg_call *call, ov_arena *scratch, double *out, ov_error *err)
{
    ov_hll s = *(const ov_hll *)head;
    (void)scratch, (void)err;
    begin(&s, call->prepared);
    *out = ov_hll_estimate(&s);
    return OV_OK;
}

static const ov_image_kind hll_kind = {
    .type = OV_COMPLEX_HLL,
    .sketch = &ov_hll_ops,
    .begin = begin,
    .answer = estimate,
};

const ov_object_ops ovi_hll_ops = {
    .name = "DS_HLL",
    .state_bytes = sizeof(ov_hll),
    .by_weight = true,
    .is_set = true,
    .open = ov_hashed_open,
    .close = ov_hashed_close,
    .add = add_hll,
    .merge = ov_image_merge,
    .emit = ov_image_emit,
    .write = ov_image_write,
    .read = ov_image_read,
};

/* (values [, lgK [, type [, how text is hashed]]]) */
ov_status ovi_bind_hll(ov_agg_binding *b, ov_error *err)
{
    ov_image_params *p;
    return ov_image_bind(b, &hll_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err);
}

static ov_status bind_estimate(ov_agg_binding *b, double text, ov_error *err)
{
    ov_image_params *p;
    OV_TRY(ov_image_bind(b, &hll_kind, OV_SQL_BIGINT, 0, sizeof(*p), &p, err));
    p->args.at[OV_HLL_TEXT_PARAM] = text;
    return OV_OK;
}

ov_status ovi_bind_hll_estimate(ov_agg_binding *b, ov_error *err)
{
    return bind_estimate(b, 0, err);
}

ov_status ovi_bind_hll_estimate_utf8(ov_agg_binding *b, ov_error *err)
{
    return bind_estimate(b, 1, err);
}
