/*
 * KLL sketches as aggregates, for native queries: KllDoublesSketch and KllFloatsSketch have no name in SQL.
 *
 * Druid sorts what has not been compacted when it is asked; here results always are, so that they do not depend on the order of rows while they are exact.
 */
#include "query/agg/agg_int.h"
#include "query/agg/images.h"
#include "sketch/kll.h"

typedef struct kll_params {
    ov_image_params head;
    uint16_t k;
    bool floats;
} kll_params;

static ov_kll *state(const ov_object *o, uint32_t group)
{
    const kll_params *p = o->call->prepared;
    ov_kll *s = ov_object_at(o, group);
    if (!s->k)
        ov_kll_init(s, p->k, p->floats);
    return s;
}

static ov_status add_kll(ov_object *o, uint32_t group, double x, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    return ov_kll_add(state(o, group), x, &mem, err);
}

static ov_status put_image(ov_object *o, uint32_t group, ov_slice image, bool several, ov_arena *scratch, ov_error *err)
{
    const kll_params *p = o->call->prepared;
    ov_sketch_mem mem = ov_object_mem(o), trial = ov_sketch_mem_arena(scratch);
    ov_kll one;
    (void)several; /* rows come one by one: no by_weight */
    OV_TRY(ov_kll_read(image, p->floats, &one, &trial, err));
    return ov_kll_merge(state(o, group), &one, &mem, err);
}

static ov_status merge_kll(ov_object *o, uint32_t group, const void *from, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    return ov_kll_merge(state(o, group), from, &mem, err);
}

static ov_status write_kll(const ov_object *o, uint32_t group, bool result, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    (void)scratch;
    if (result) /* in place: the order of level 0 means nothing */
        ov_kll_sort(state(o, group));
    return ov_kll_write(state(o, group), out, err);
}

static const ov_image_kind doubles_kind = {
    .type = OV_COMPLEX_KLL_DOUBLES,
    .put = put_image,
    .merge = merge_kll,
    .write = write_kll,
    .number = add_kll,
};

static const ov_image_kind floats_kind = {
    .type = OV_COMPLEX_KLL_FLOATS,
    .put = put_image,
    .merge = merge_kll,
    .write = write_kll,
    .number = add_kll,
};

const ov_object_ops ovi_kll_ops = {
    .name = "KllSketch",
    .state_bytes = sizeof(ov_kll),
    .add = ov_image_add,
    .merge = ov_image_merge,
    .emit = ov_image_emit,
    .write = ov_image_write,
    .read = ov_image_read,
};

/* ---- binding: (values [, k]) ---- */

static ov_status bind_kll(ov_agg_binding *b, bool floats, ov_error *err)
{
    int64_t k = OV_KLL_DEFAULT_K;
    kll_params *p;
    OV_TRY(ov_image_bind_numbers(b, floats ? &floats_kind : &doubles_kind, OV_SQL_NULL, sizeof(*p), &p, err));
    OV_TRY(ovi_agg_whole(b, 0, OV_KLL_LEAST_K, OV_KLL_MOST_K, "k", &k, err));
    p->k = (uint16_t)k;
    p->floats = floats;
    return OV_OK;
}

ov_status ovi_bind_kll_doubles(ov_agg_binding *b, ov_error *err)
{
    return bind_kll(b, false, err);
}

ov_status ovi_bind_kll_floats(ov_agg_binding *b, ov_error *err)
{
    return bind_kll(b, true, err);
}
