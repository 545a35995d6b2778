/*
 * Quantiles sketches as aggregates: DS_QUANTILES_SKETCH, APPROX_QUANTILE_DS.
 *
 * A group's state is a sketch of its numbers, or all sketches of a column merged into one. Neither NULL nor NaN is a number.
 */
#include "query/agg/agg_int.h"
#include "query/agg/hashed.h"
#include "sketch/quantiles.h"

typedef struct quantiles_params {
    uint16_t k;
    bool answer; /* the result is the quantile */
    bool of_sketches;
    double rank;
} quantiles_params;

static ov_quantiles *state(const ov_object *o, uint32_t group)
{
    const quantiles_params *p = o->call->prepared;
    ov_quantiles *s = ov_object_at(o, group);
    if (!s->k)
        ov_quantiles_init(s, p->k);
    return s;
}

static ov_status put_image(ov_object *o, uint32_t group, ov_slice image, bool several, ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o), trial = ov_sketch_mem_arena(scratch);
    ov_quantiles one;
    (void)several; /* rows come one by one: no by_weight */
    OV_TRY(ov_quantiles_read(image, &one, &trial, err));
    return ov_quantiles_merge(state(o, group), &one, &mem, err);
}

static ov_status add_quantiles(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                               ov_arena *scratch, ov_error *err)
{
    const quantiles_params *params = o->call->prepared;
    ov_sketch_mem mem = ov_object_mem(o);
    ov_vec flat;
    if (args[0]->type.id == OV_TYPE_NULL)
        return OV_OK;
    if (params->of_sketches)
        return ov_images_add(o, put_image, rows, mask, args[0], scratch, err);
    OV_TRY(ov_vec_flatten(args[0], scratch, &flat, err));
    const double *data = flat.data;
    OV_AGG_EACH (rows, mask, p, i) {
        if (flat.valid && !ov_bits_test(flat.valid, i))
            continue;
        OV_TRY(ov_quantiles_add(state(o, ov_agg_group(rows, p, i)), data[i], &mem, err));
    }
    return OV_OK;
}

static ov_status merge_quantiles(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to, size_t n,
                                 ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(dst);
    for (size_t i = 0; i < n; i++) {
        const ov_quantiles *s = ov_object_at(src, from[i]);
        if (s->k)
            OV_TRY(ov_quantiles_merge(state(dst, to[i]), s, &mem, err));
    }
    return OV_OK;
}

static ov_status answer_of(const ov_quantiles *s, double rank, ov_arena *out, double *v, ov_error *err)
{
    ov_ranks ranks;
    ov_arena_mark mark = ov_arena_mark_get(out);
    OV_TRY(ov_quantiles_ranks(s, &ranks, out, err));
    *v = ov_ranks_quantile(&ranks, rank);
    ov_arena_rewind(out, mark);
    return OV_OK;
}

static ov_status emit_quantiles(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n,
                                ov_arena *out, ov_vec *vec, ov_error *err)
{
    const quantiles_params *p = call->prepared;
    size_t width = p->answer ? sizeof(double) : sizeof(ov_slice);
    void *data;
    ov_status st = OV_OK;
    ov_buf image;
    OV_TRY(ov_arena_lanes(out, (ov_words(n) * 64 + 1) * width, &data, err));
    memset(data, 0, (ov_words(n) * 64 + 1) * width);
    ov_buf_init(&image);
    for (uint32_t i = 0; i < n; i++) {
        ov_quantiles none;
        const ov_quantiles *s = ov_object_at(o, order[i]);
        if (!s->k) {
            ov_quantiles_init(&none, p->k);
            s = &none;
        }
        if (p->answer) {
            OV_TRY_OUT(st, answer_of(s, p->rank, out, &((double *)data)[i], err));
            continue;
        }
        ov_buf_clear(&image);
        OV_TRY_OUT(st, ov_quantiles_write(s, true, &image, err));
        OV_TRY_OUT(st, ov_arena_copy(out, ov_buf_slice(&image), &((ov_slice *)data)[i], err));
    }
    *vec = ov_vec_flat(call->type, data, NULL, n);
out:
    ov_buf_fini(&image);
    return st;
}

/* The image, its length in front; nothing for a group without rows. */
static ov_status write_quantiles(const ov_object *o, uint32_t group, ov_buf *out, ov_error *err)
{
    const ov_quantiles *s = ov_object_at(o, group);
    char length[4] = {0};
    size_t at = out->n;
    ov_buf_add(out, length, sizeof(length));
    if (s->k)
        OV_TRY(ov_quantiles_write(s, true, out, err));
    OV_TRY(ov_buf_check(out, err));
    ov_store_u32(out->p + at, (uint32_t)(out->n - at - sizeof(length)));
    return OV_OK;
}

static ov_status read_quantiles(ov_object *o, uint32_t group, ov_cursor *in, ov_error *err)
{
    ov_sketch_mem mem = ov_object_mem(o);
    uint32_t n;
    ov_slice image;
    ov_quantiles one;
    OV_TRY(ov_cursor_u32(in, &n, err));
    OV_TRY(ov_cursor_bytes(in, n, &image, err));
    if (n == 0)
        return OV_OK;
    OV_TRY(ov_quantiles_read(image, &one, &mem, err));
    OV_TRY(ov_quantiles_merge(state(o, group), &one, &mem, err));
    ov_object_free(o, &one.items, one.cap);
    return OV_OK;
}

const ov_object_ops ovi_quantiles_ops = {
    .name = "DS_QUANTILES_SKETCH",
    .state_bytes = sizeof(ov_quantiles),
    .add = add_quantiles,
    .merge = merge_quantiles,
    .emit = emit_quantiles,
    .write = write_quantiles,
    .read = read_quantiles,
};

/* ---- binding ---- */

static ov_status bind_k(const ov_agg_binding *b, uint32_t i, quantiles_params *p, ov_error *err)
{
    p->k = OV_QUANTILES_DEFAULT_K;
    if (i >= b->call->param_count)
        return OV_OK;
    const ov_expr *e = b->call->params[i];
    if (!ov_type_is_int(e->type) || e->constant.is_null || !ov_quantiles_k_ok(e->constant.i))
        return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "k of %s must be a power of two from %d to %d",
                          b->call->fn->name, OV_QUANTILES_LEAST_K, OV_QUANTILES_MOST_K);
    p->k = (uint16_t)e->constant.i;
    return OV_OK;
}

static ov_status bind_values(ov_agg_binding *b, quantiles_params **p, ov_error *err)
{
    const ov_expr **x = &b->call->args[0];
    OV_TRY(ov_arena_zalloc(b->cx->arena, sizeof(**p), p, err));
    b->call->prepared = *p;
    b->call->nullable = false;
    (*p)->of_sketches = (*x)->type.id == OV_TYPE_COMPLEX && (*x)->type.complex == OV_COMPLEX_QUANTILES;
    if ((*p)->of_sketches)
        return OV_OK;
    if ((*x)->type.id == OV_TYPE_COMPLEX || ov_type_is_list((*x)->type) ||
        !(ov_sqltype_is_number((ov_sqltype)(*x)->sql) || (*x)->sql == OV_SQL_NULL || (*x)->type.id == OV_TYPE_STRING))
        return ovi_agg_wrong_types(b, err);
    return ov_expr_cast(b->cx, *x, OV_SQL_DOUBLE, OV_T(OV_TYPE_DOUBLE), (*x)->pos, (*x)->end_pos, x, err);
}

/* (values [, k]) */
ov_status ovi_bind_quantiles(ov_agg_binding *b, ov_error *err)
{
    quantiles_params *p;
    OV_TRY(bind_values(b, &p, err));
    OV_TRY(bind_k(b, 0, p, err));
    ovi_agg_result(b->call, OV_T_COMPLEX(OV_COMPLEX_QUANTILES), OV_SQL_OTHER);
    return OV_OK;
}

/* (values, rank [, k]) */
ov_status ovi_bind_approx_quantile_ds(ov_agg_binding *b, ov_error *err)
{
    quantiles_params *p;
    OV_TRY(bind_values(b, &p, err));
    OV_TRY(bind_k(b, 1, p, err));
    p->answer = true;
    OV_TRY(ovi_agg_fraction(b, 0, &p->rank, err));
    ovi_agg_result(b->call, OV_T(OV_TYPE_DOUBLE), OV_SQL_DOUBLE);
    return OV_OK;
}
