/*
 * HLL sketches as aggregates: DS_HLL, APPROX_COUNT_DISTINCT_DS_HLL.
 *
 * A group's state is a sketch; values are fed by their coupon. Groups take rows in whatever order workers find them, so sketches are marked as merged and
 * their estimate depends on the set of values alone. A column of sketches is merged; a group of one stored sketch is that sketch.
 */
#include "query/agg/agg_int.h"
#include "query/agg/hashed.h"
#include "sketch/hll.h"

typedef struct hll_params {
    uint8_t lg_k;
    uint8_t type;   /* ov_hll_type */
    bool estimate;  /* the result is the number, rounded */
    bool of_sketches;
} hll_params;

/* A zeroed head is a group without rows. */
static ov_hll *state(const ov_object *o, uint32_t group)
{
    const hll_params *p = o->call->prepared;
    ov_hll *s = ov_object_at(o, group);
    if (!s->lg_k) {
        ov_hll_init(s, p->lg_k, (ov_hll_type)p->type);
        s->merged = !p->of_sketches;
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
    if (p->of_sketches)
        return ov_images_add(o, put_image, rows, mask, args[0], scratch, err);
    return ov_hashed_add(o, &hashing, rows, mask, args[0], scratch, err);
}

/* ---- merging, results, bytes ---- */

static ov_status merge_hll(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to, size_t n,
                           ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(dst);
    for (size_t i = 0; i < n; i++) {
        const ov_hll *s = ov_object_at(src, from[i]);
        if (s->lg_k)
            OV_TRY(ov_hll_merge(state(dst, to[i]), s, &mem, err));
    }
    return OV_OK;
}

static ov_status emit_hll(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n, ov_arena *out,
                          ov_vec *vec, ov_error *err)
{
    const hll_params *p = call->prepared;
    size_t width = p->estimate ? sizeof(int64_t) : sizeof(ov_slice);
    void *data;
    ov_status st = OV_OK;
    ov_buf image;
    OV_TRY(ov_arena_lanes(out, (ov_words(n) * 64 + 1) * width, &data, err));
    memset(data, 0, (ov_words(n) * 64 + 1) * width);
    ov_buf_init(&image);
    for (uint32_t i = 0; i < n; i++) {
        ov_hll none;
        const ov_hll *s = ov_object_at(o, order[i]);
        if (!s->lg_k) {
            ov_hll_init(&none, p->lg_k, (ov_hll_type)p->type);
            s = &none;
        }
        if (p->estimate) {
            ((int64_t *)data)[i] = (int64_t)floor(ov_hll_estimate(s) + 0.5);
            continue;
        }
        ov_buf_clear(&image);
        OV_TRY_OUT(st, ov_hll_write(s, (ov_hll_type)p->type, true, &image, err));
        OV_TRY_OUT(st, ov_arena_copy(out, ov_buf_slice(&image), &((ov_slice *)data)[i], err));
    }
    *vec = ov_vec_flat(call->type, data, NULL, n);
out:
    ov_buf_fini(&image);
    return st;
}

/* The image, its length in front; nothing for a group without rows. */
static ov_status write_hll(const ov_object *o, uint32_t group, ov_buf *out, ov_error *err)
{
    const ov_hll *s = ov_object_at(o, group);
    char length[4] = {0};
    size_t at = out->n;
    ov_buf_add(out, length, sizeof(length));
    if (s->lg_k)
        OV_TRY(ov_hll_write(s, OV_HLL_8, true, out, err));
    OV_TRY(ov_buf_check(out, err));
    ov_store_u32(out->p + at, (uint32_t)(out->n - at - sizeof(length)));
    return OV_OK;
}

static ov_status read_hll(ov_object *o, uint32_t group, ov_cursor *in, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    uint32_t n;
    ov_slice image;
    ov_hll one;
    OV_TRY(ov_cursor_u32(in, &n, err));
    OV_TRY(ov_cursor_bytes(in, n, &image, err));
    if (n == 0)
        return OV_OK;
    OV_TRY(ov_hll_read(image, &one, &mem, err));
    OV_TRY(ov_hll_merge(state(o, group), &one, &mem, err));
    ov_object_free(o, &one.block, one.cap);
    return OV_OK;
}

const ov_object_ops ovi_hll_ops = {
    .name = "DS_HLL",
    .state_bytes = sizeof(ov_hll),
    .by_weight = true,
    .is_set = true,
    .open = ov_hashed_open,
    .close = ov_hashed_close,
    .add = add_hll,
    .merge = merge_hll,
    .emit = emit_hll,
    .write = write_hll,
    .read = read_hll,
};

/* ---- binding ---- */

static ov_status bind_params(const ov_agg_binding *b, hll_params *p, ov_error *err)
{
    const ov_agg_call *call = b->call;
    *p = (hll_params){.lg_k = OV_HLL_DEFAULT_LG_K, .type = OV_HLL_4};
    if (call->param_count > 0) {
        const ov_expr *e = call->params[0];
        if (!ov_type_is_int(e->type) || e->constant.is_null || e->constant.i < OV_HLL_LEAST_LG_K ||
            e->constant.i > OV_HLL_MOST_LG_K)
            return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "lgK of %s must be a whole number from %d to %d",
                              call->fn->name, OV_HLL_LEAST_LG_K, OV_HLL_MOST_LG_K);
        p->lg_k = (uint8_t)e->constant.i;
    }
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

static ov_status bind_hll(ov_agg_binding *b, bool estimate, ov_error *err)
{
    ov_agg_call *call = b->call;
    ov_type t = call->args[0]->type;
    hll_params *p;
    OV_TRY(ov_arena_zalloc(b->cx->arena, sizeof(*p), &p, err));
    OV_TRY(bind_params(b, p, err));
    p->estimate = estimate;
    p->of_sketches = t.id == OV_TYPE_COMPLEX;
    if (p->of_sketches && t.complex != OV_COMPLEX_HLL)
        return ovi_agg_wrong_types(b, err);
    call->prepared = p;
    call->nullable = false;
    if (estimate)
        ovi_agg_result(call, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT);
    else
        ovi_agg_result(call, OV_T_COMPLEX(OV_COMPLEX_HLL), OV_SQL_OTHER);
    return OV_OK;
}

ov_status ovi_bind_hll(ov_agg_binding *b, ov_error *err)
{
    return bind_hll(b, false, err);
}

ov_status ovi_bind_hll_estimate(ov_agg_binding *b, ov_error *err)
{
    return bind_hll(b, true, err);
}
