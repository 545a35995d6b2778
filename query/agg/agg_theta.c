/*
 * Theta sketches as aggregates: DS_THETA, APPROX_COUNT_DISTINCT_DS_THETA. A group's state is a growing sketch; the order of rows changes
 * nothing. Text is hashed as UTF-8.
 */
#include "query/agg/agg_int.h"
#include "query/agg/hashed.h"
#include "query/agg/images.h"
#include "sketch/theta.h"

typedef struct theta_params {
    ov_image_params head;
    uint8_t lg_k;
} theta_params;

static ov_theta *state(const ov_object *o, uint32_t group)
{
    const theta_params *p = o->call->prepared;
    ov_theta *s = ov_object_at(o, group);
    if (!s->lg_k)
        ov_theta_init(s, p->lg_k);
    return s;
}

static ov_status put_hash(ov_object *o, uint32_t group, uint64_t word, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    return ov_theta_add(state(o, group), word, &mem, err);
}

static ov_status put_image(ov_object *o, uint32_t group, ov_slice image, bool several, ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    ov_theta_set one;
    (void)several;
    OV_TRY(ov_theta_read(image, scratch, &one, err));
    return ov_theta_merge_set(state(o, group), &one, &mem, err);
}

static ov_status add_theta(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                           ov_arena *scratch, ov_error *err)
{
    static const ov_hashing hashing = {.word = ov_theta_hash, .put = put_hash};
    const theta_params *p = o->call->prepared;
    if (p->head.of_images)
        return ov_images_add(o, rows, mask, args[0], scratch, err);
    return ov_hashed_add(o, &hashing, rows, mask, args[0], scratch, err);
}

static ov_status merge_theta(ov_object *o, uint32_t group, const void *from, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    return ov_theta_merge(state(o, group), from, &mem, err);
}

/* A group without rows is an empty sketch. */
static ov_status finish(const ov_object *o, uint32_t group, ov_arena *a, ov_theta_set *set, ov_error *err)
{
    const ov_theta *s = ov_object_at(o, group);
    *set = (ov_theta_set){.theta = OV_THETA_ALL};
    return s->lg_k ? ov_theta_finish(s, a, set, err) : OV_OK;
}

static ov_status write_theta(const ov_object *o, uint32_t group, bool result, ov_arena *scratch, ov_buf *out,
                             ov_error *err)
{
    ov_theta_set set;
    (void)result;
    OV_TRY(finish(o, group, scratch, &set, err));
    return ov_theta_write(&set, out, err);
}

static ov_status estimate_theta(const ov_object *o, const ov_agg_call *call, uint32_t group, ov_arena *scratch, double *out,
                                ov_error *err)
{
    ov_theta_set set;
    (void)call;
    OV_TRY(finish(o, group, scratch, &set, err));
    *out = ov_theta_estimate(&set);
    return OV_OK;
}

static const ov_image_kind theta_kind = {
    .type = OV_COMPLEX_THETA,
    .put = put_image,
    .merge = merge_theta,
    .write = write_theta,
    .answer = estimate_theta,
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

/* ---- binding ---- */

static ov_status bind(ov_agg_binding *b, ov_sqltype answer, ov_error *err)
{
    const ov_agg_call *call = b->call;
    uint64_t size = UINT64_C(1) << OV_THETA_DEFAULT_LG_K;
    theta_params *p;
    OV_TRY(ov_image_bind(b, &theta_kind, answer, sizeof(*p), &p, err));
    OV_TRY(ovi_agg_size(b, 0, &size, err));
    if (size > UINT64_C(1) << OV_THETA_MOST_LG_K)
        return ov_fail_at(err, OV_INVALID, call->pos, call->end_pos, "the size of %s must be at most 2^%d", call->fn->name,
                          OV_THETA_MOST_LG_K);
    for (p->lg_k = OV_THETA_LEAST_LG_K; UINT64_C(1) << p->lg_k < size;)
        p->lg_k++;
    return OV_OK;
}

ov_status ovi_bind_theta(ov_agg_binding *b, ov_error *err)
{
    return bind(b, OV_SQL_NULL, err);
}

ov_status ovi_bind_theta_estimate(ov_agg_binding *b, ov_error *err)
{
    return bind(b, OV_SQL_BIGINT, err);
}
