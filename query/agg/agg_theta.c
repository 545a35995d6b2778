/*
 * Theta sketches as aggregates: DS_THETA, APPROX_COUNT_DISTINCT_DS_THETA. A group's state is a growing sketch; the order of rows changes
 * nothing. Text is hashed as UTF-8.
 */
#include "query/agg/agg_int.h"
#include "query/agg/hashed.h"
#include "query/agg/images.h"
#include "sketch/theta.h"

static void begin(void *head, const ov_image_params *p)
{
    ov_theta *s = head;
    if (!s->lg_k)
        ov_theta_init(s, ov_theta_lg_of((uint64_t)p->args.at[0]));
}

static ov_status put_hash(ov_object *o, uint32_t group, uint64_t word, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    return ov_theta_add(ov_image_state(o, group), word, &mem, err);
}

static ov_status add_theta(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                           ov_arena *scratch, ov_error *err)
{
    static const ov_hashing hashing = {.word = ov_theta_hash, .put = put_hash};
    const ov_image_params *p = o->call->prepared;
    if (p->of_images)
        return ov_images_add(o, rows, mask, args[0], scratch, err);
    return ov_hashed_add(o, &hashing, rows, mask, args[0], scratch, err);
}

static ov_status estimate(const void *head, const ov_agg_call *call, ov_arena *scratch, double *out, ov_error *err)
{
    const ov_theta *s = head;
    ov_theta_set set = {.theta = OV_THETA_ALL};
    (void)call;
    if (s->lg_k)
        OV_TRY(ov_theta_finish(s, scratch, &set, err));
    *out = ov_theta_estimate(&set);
    return OV_OK;
}

static const ov_image_kind theta_kind = {
    .type = OV_COMPLEX_THETA,
    .sketch = &ov_theta_ops,
    .begin = begin,
    .answer = estimate,
};

const ov_object_ops ovi_theta_ops = {
    .name = "DS_THETA",
    .state_bytes = sizeof(ov_theta),
    .by_weight = true,
    .is_set = true,
    .open = ov_hashed_open,
    .close = ov_hashed_close,
    .add = add_theta,
    .merge = ov_image_merge,
    .emit = ov_image_emit,
    .write = ov_image_write,
    .read = ov_image_read,
};

/* (values [, size]) */
ov_status ovi_bind_theta(ov_agg_binding *b, ov_error *err)
{
    ov_image_params *p;
    return ov_image_bind(b, &theta_kind, OV_SQL_NULL, 0, sizeof(*p), &p, err);
}

ov_status ovi_bind_theta_estimate(ov_agg_binding *b, ov_error *err)
{
    ov_image_params *p;
    return ov_image_bind(b, &theta_kind, OV_SQL_BIGINT, 0, sizeof(*p), &p, err);
}
