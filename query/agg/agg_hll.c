/*
 * HLL sketches as aggregates: DS_HLL, APPROX_COUNT_DISTINCT_DS_HLL.
 *
 * A group's state is a sketch; values are fed by their coupon. Groups take rows in whatever order workers find them, so sketches are marked as merged and
 * their estimate depends on the set of values alone. A column of sketches is merged; a group of one stored sketch is that sketch.
 */
#include "query/agg/agg_int.h"
#include "query/agg/hashed.h"
#include "query/agg/images.h"
#include "sketch/hll.h"

typedef struct hll_params {
    ov_image_params head;
    uint8_t lg_k;
    uint8_t type; /* ov_hll_type */
} hll_params;

/* A zeroed head is a group without rows. */
static ov_hll *state(const ov_object *o, uint32_t group)
{
    const hll_params *p = o->call->prepared;
    ov_hll *s = ov_object_at(o, group);
    if (!s->lg_k) {
        ov_hll_init(s, p->lg_k, (ov_hll_type)p->type);
        s->merged = !p->head.of_images;
    }
    return s;
}

/* ---- adding rows ---- */

static uint64_t coupon_word(ov_hash128 h)
{
    return ov_hll_coupon(h);
}

static ov_status put_coupon(ov_object *o, uint32_t group, uint64_t word, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    return ov_hll_add(state(o, group), (uint32_t)word, &mem, err);
}

/* A sketch that stands for several rows was merged with itself. */
static ov_status put_image(ov_object *o, uint32_t group, ov_slice image, bool several, ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o), trial = ov_sketch_mem_arena(scratch);
    ov_hll one, *s = state(o, group);
    OV_TRY(ov_hll_read(image, &one, &trial, err));
    OV_TRY(ov_hll_merge(s, &one, &mem, err));
    s->merged |= several && !ov_hll_is_empty(&one);
    return OV_OK;
}

static ov_status add_hll(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                         ov_arena *scratch, ov_error *err)
{
    static const ov_hashing hashing = {.utf16 = true, .word = coupon_word, .put = put_coupon};
    const hll_params *p = o->call->prepared;
    if (p->head.of_images)
        return ov_images_add(o, rows, mask, args[0], scratch, err);
    return ov_hashed_add(o, &hashing, rows, mask, args[0], scratch, err);
}

/* ---- merging, results ---- */

static ov_status merge_hll(ov_object *o, uint32_t group, const void *from, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    return ov_hll_merge(state(o, group), from, &mem, err);
}

static ov_hll state_or_empty(const ov_object *o, uint32_t group)
{
    const hll_params *p = o->call->prepared;
    ov_hll s = *(const ov_hll *)ov_object_at(o, group);
    if (!s.lg_k)
        ov_hll_init(&s, p->lg_k, (ov_hll_type)p->type);
    return s;
}

static ov_status write_hll(const ov_object *o, uint32_t group, bool result, ov_arena *scratch, ov_buf *out, ov_error *err)
{
    const hll_params *p = o->call->prepared;
    ov_hll s = state_or_empty(o, group);
    (void)scratch;
    return ov_hll_write(&s, result ? (ov_hll_type)p->type : OV_HLL_8, true, out, err);
}

static ov_status estimate_hll(const ov_object *o, const ov_agg_call *call, uint32_t group, ov_arena *scratch, double *out,
                              ov_error *err)
{
    ov_hll s = state_or_empty(o, group);
    (void)call, (void)scratch, (void)err;
    *out = ov_hll_estimate(&s);
    return OV_OK;
}

static const ov_image_kind hll_kind = {
    .type = OV_COMPLEX_HLL,
    .put = put_image,
    .merge = merge_hll,
    .write = write_hll,
    .answer = estimate_hll,
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

/* ---- binding ---- */

static ov_status bind_params(const ov_agg_binding *b, hll_params *p, ov_error *err)
{
    const ov_agg_call *call = b->call;
    int64_t lg_k = OV_HLL_DEFAULT_LG_K;
    OV_TRY(ovi_agg_whole(b, 0, OV_HLL_LEAST_LG_K, OV_HLL_MOST_LG_K, "lgK", &lg_k, err));
    p->lg_k = (uint8_t)lg_k;
    p->type = OV_HLL_4;
    if (call->param_count > 1) {
        static const char *const names[] = {"HLL_4", "HLL_6", "HLL_8"};
        const ov_expr *e = call->params[1];
        for (p->type = 0; p->type < OV_COUNT_OF(names); p->type++)
            if (e->type.id == OV_TYPE_STRING && !e->constant.is_null &&
                ov_slice_eq(e->constant.s, ov_slice_cstr(names[p->type])))
                return OV_OK;
        return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "the type of %s must be 'HLL_4', 'HLL_6' or 'HLL_8'",
                          call->fn->name);
    }
    return OV_OK;
}

static ov_status bind_hll(ov_agg_binding *b, ov_sqltype answer, ov_error *err)
{
    hll_params *p;
    OV_TRY(ov_image_bind(b, &hll_kind, answer, sizeof(*p), &p, err));
    return bind_params(b, p, err);
}

ov_status ovi_bind_hll(ov_agg_binding *b, ov_error *err)
{
    return bind_hll(b, OV_SQL_NULL, err);
}

ov_status ovi_bind_hll_estimate(ov_agg_binding *b, ov_error *err)
{
    return bind_hll(b, OV_SQL_BIGINT, err);
}
