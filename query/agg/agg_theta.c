/*
 * Theta sketches as aggregates: DS_THETA, APPROX_COUNT_DISTINCT_DS_THETA. A group's state is a growing sketch; the order of rows changes
 * nothing. Text is hashed as UTF-8.
 */
#include "query/agg/agg_int.h"
#include "query/agg/hashed.h"
#include "sketch/theta.h"

typedef struct theta_params {
    uint8_t lg_k;
    bool estimate; /* the result is the number, rounded */
    bool of_sketches;
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
    if (p->of_sketches)
        return ov_images_add(o, put_image, rows, mask, args[0], scratch, err);
    return ov_hashed_add(o, &hashing, rows, mask, args[0], scratch, err);
}

static ov_status merge_theta(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to, size_t n,
                             ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(dst);
    for (size_t i = 0; i < n; i++) {
        const ov_theta *s = ov_object_at(src, from[i]);
        if (s->lg_k)
            OV_TRY(ov_theta_merge(state(dst, to[i]), s, &mem, err));
    }
    return OV_OK;
}

/* A group without rows is an empty sketch. */
static ov_status finish(const ov_object *o, uint32_t group, ov_arena *a, ov_theta_set *set, ov_error *err)
{
    const ov_theta *s = ov_object_at(o, group);
    *set = (ov_theta_set){.theta = OV_THETA_ALL};
    return s->lg_k ? ov_theta_finish(s, a, set, err) : OV_OK;
}

static ov_status emit_theta(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n, ov_arena *out,
                            ov_vec *vec, ov_error *err)
{
    const theta_params *p = call->prepared;
    size_t width = p->estimate ? sizeof(int64_t) : sizeof(ov_slice);
    void *data;
    ov_status st = OV_OK;
    ov_buf image;
    ov_arena scratch;
    OV_TRY(ov_arena_lanes(out, (ov_words(n) * 64 + 1) * width, &data, err));
    memset(data, 0, (ov_words(n) * 64 + 1) * width);
    ov_buf_init(&image);
    ov_arena_init(&scratch, "sketch", o->budget);
    for (uint32_t i = 0; i < n; i++) {
        ov_theta_set set;
        ov_arena_reset(&scratch);
        ov_buf_clear(&image);
        OV_TRY_OUT(st, finish(o, order[i], &scratch, &set, err));
        if (p->estimate) {
            ((int64_t *)data)[i] = (int64_t)floor(ov_theta_estimate(&set) + 0.5);
            continue;
        }
        OV_TRY_OUT(st, ov_theta_write(&set, &image, err));
        OV_TRY_OUT(st, ov_arena_copy(out, ov_buf_slice(&image), &((ov_slice *)data)[i], err));
    }
    *vec = ov_vec_flat(call->type, data, NULL, n);
out:
    ov_buf_fini(&image);
    ov_arena_fini(&scratch);
    return st;
}

/* The image, its length in front; an empty one for a group without rows. */
static ov_status write_theta(const ov_object *o, uint32_t group, ov_buf *out, ov_error *err)
{
    ov_theta_set set;
    ov_arena scratch;
    char length[4] = {0};
    size_t at = out->n;
    ov_arena_init(&scratch, "sketch", o->budget);
    ov_buf_add(out, length, sizeof(length));
    ov_status st = finish(o, group, &scratch, &set, err);
    if (st == OV_OK)
        st = ov_theta_write(&set, out, err);
    if (st == OV_OK)
        ov_store_u32(out->p + at, (uint32_t)(out->n - at - sizeof(length)));
    ov_arena_fini(&scratch);
    return st;
}

static ov_status read_theta(ov_object *o, uint32_t group, ov_cursor *in, ov_error *err)
{
    uint32_t n;
    ov_slice image;
    ov_arena scratch;
    OV_TRY(ov_cursor_u32(in, &n, err));
    OV_TRY(ov_cursor_bytes(in, n, &image, err));
    ov_arena_init(&scratch, "sketch", o->budget);
    ov_status st = put_image(o, group, image, false, &scratch, err);
    ov_arena_fini(&scratch);
    return st;
}

const ov_object_ops ovi_theta_ops = {
    .name = "DS_THETA",
    .state_bytes = sizeof(ov_theta),
    .by_weight = true,
    .is_set = true,
    .open = ov_hashed_open,
    .close = ov_hashed_close,
    .add = add_theta,
    .merge = merge_theta,
    .emit = emit_theta,
    .write = write_theta,
    .read = read_theta,
};

/* ---- binding ---- */

static ov_status bind(ov_agg_binding *b, bool estimate, ov_error *err)
{
    ov_agg_call *call = b->call;
    ov_type t = call->args[0]->type;
    uint64_t size = UINT64_C(1) << OV_THETA_DEFAULT_LG_K;
    theta_params *p;
    OV_TRY(ov_arena_zalloc(b->cx->arena, sizeof(*p), &p, err));
    OV_TRY(ovi_agg_size(b, 0, &size, err));
    if (size > UINT64_C(1) << OV_THETA_MOST_LG_K)
        return ov_fail_at(err, OV_INVALID, call->pos, call->end_pos, "the size of %s must be at most 2^%d", call->fn->name,
                          OV_THETA_MOST_LG_K);
    for (p->lg_k = OV_THETA_LEAST_LG_K; UINT64_C(1) << p->lg_k < size;)
        p->lg_k++;
    p->estimate = estimate;
    p->of_sketches = t.id == OV_TYPE_COMPLEX;
    if (p->of_sketches && t.complex != OV_COMPLEX_THETA)
        return ovi_agg_wrong_types(b, err);
    call->prepared = p;
    call->nullable = false;
    if (estimate)
        ovi_agg_result(call, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT);
    else
        ovi_agg_result(call, OV_T_COMPLEX(OV_COMPLEX_THETA), OV_SQL_OTHER);
    return OV_OK;
}

ov_status ovi_bind_theta(ov_agg_binding *b, ov_error *err)
{
    return bind(b, false, err);
}

ov_status ovi_bind_theta_estimate(ov_agg_binding *b, ov_error *err)
{
    return bind(b, true, err);
}
