/*
 * HLL sketches as aggregates: DS_HLL, APPROX_COUNT_DISTINCT_DS_HLL.
 *
 * A group's state is a sketch. Values are fed by their coupon, 32 bits that depend on the value only: those of a dictionary column
 * are made once per code and domain. Groups take rows in whatever order workers find them, so sketches are marked as merged and
 * their estimate depends on the set of values alone. A column of sketches is merged; a group of one stored sketch is that sketch.
 *
 * Source: Druid hashes text as UTF-16, whole numbers as 64 bits, others as doubles, each value of a list by itself as text, and
 * counts neither NULL nor empty text.
 */
#include "query/agg/agg_int.h"
#include "query/agg/strtab.h"
#include "query/sketch/hll.h"

enum { NO_VALUE = UINT32_MAX, DOMAINS = 4 };

typedef struct hll_params {
    uint8_t lg_k;
    uint8_t type;   /* ov_hll_type */
    bool estimate;  /* the result is the number, rounded */
    bool of_sketches;
} hll_params;

/* Coupons of the codes of the last few domains; 0: not made yet. */
typedef struct hll_shared {
    struct {
        uint64_t id;
        uint32_t count;
        uint32_t *coupon;
    } domain[DOMAINS];
    uint32_t next;
} hll_shared;

ov_status ovi_object_mem_grow(void *owner, void *block, size_t *cap, size_t need, ov_error *err)
{
    return ov_object_grow(owner, block, cap, need, err);
}

void ovi_object_mem_give(void *owner, void *block, size_t cap)
{
    ov_object_free(owner, block, cap);
}

static ov_status open_hll(ov_object *o, ov_error *err)
{
    return ov_array_grow(o->budget, &o->shared, 0, sizeof(hll_shared), err);
}

static void close_hll(ov_object *o)
{
    hll_shared *s = o->shared;
    for (int i = 0; s && i < DOMAINS; i++)
        ov_array_free(o->budget, &s->domain[i].coupon, (size_t)s->domain[i].count * sizeof(uint32_t));
    ov_array_free(o->budget, &o->shared, sizeof(hll_shared));
}

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

static uint32_t coupon_of(ov_type type, const void *data, uint32_t i)
{
    ov_hash128 h;
    if (ov_type_is_int(type))
        return ov_hll_coupon(ov_murmur3_u64((uint64_t)((const int64_t *)data)[i], OV_SKETCH_SEED));
    if (ov_type_is_real(type))
        return ov_hll_coupon(ov_murmur3_f64(((const double *)data)[i], OV_SKETCH_SEED));
    return ov_sketch_hash_utf16(((const ov_slice *)data)[i], &h) ? ov_hll_coupon(h) : (uint32_t)NO_VALUE;
}

static uint32_t coupon_of_code(const ov_domain *d, uint32_t code)
{
    ov_hash128 h;
    if (ov_domain_is_null(d, code))
        return NO_VALUE;
    if (ov_type_is_int(d->type))
        return ov_hll_coupon(ov_murmur3_u64((uint64_t)ov_domain_i64(d, code), OV_SKETCH_SEED));
    if (ov_type_is_real(d->type))
        return ov_hll_coupon(ov_murmur3_f64(ov_domain_f64(d, code), OV_SKETCH_SEED));
    return ov_sketch_hash_utf16(ov_domain_str(d, code), &h) ? ov_hll_coupon(h) : (uint32_t)NO_VALUE;
}

static ov_status coupons_of(ov_object *o, const ov_domain *d, uint32_t **out, ov_error *err)
{
    hll_shared *s = o->shared;
    for (int i = 0; i < DOMAINS; i++)
        if (s->domain[i].coupon && s->domain[i].id == d->id) {
            *out = s->domain[i].coupon;
            return OV_OK;
        }
    uint32_t at = s->next++ % DOMAINS;
    ov_array_free(o->budget, &s->domain[at].coupon, (size_t)s->domain[at].count * sizeof(uint32_t));
    s->domain[at].count = 0;
    OV_TRY(ov_array_grow(o->budget, &s->domain[at].coupon, 0, (size_t)d->count * sizeof(uint32_t), err));
    s->domain[at].count = d->count;
    s->domain[at].id = d->id;
    *out = s->domain[at].coupon;
    return OV_OK;
}

static ov_status add_codes(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                           ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem mem = {o, ovi_object_mem_grow, ovi_object_mem_give};
    const uint32_t *codes;
    uint32_t *coupons;
    OV_TRY(ov_vec_codes32(x, scratch, &codes, err));
    OV_TRY(coupons_of(o, x->dict, &coupons, err));
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t *coupon = &coupons[codes[i]];
        if (!*coupon)
            *coupon = coupon_of_code(x->dict, codes[i]);
        if (*coupon != NO_VALUE)
            OV_TRY(ov_hll_add(state(o, ov_agg_group(rows, p, i)), *coupon, &mem, err));
    }
    return OV_OK;
}

static ov_status add_lists(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                           ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem mem = {o, ovi_object_mem_grow, ovi_object_mem_give};
    const ov_vec *open = NULL;
    ov_vec flat, items = {0};
    OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t first, end;
        if (ov_vec_is_null(&flat, i))
            continue;
        const ov_vec *list = ov_vec_list(&flat, i, &first, &end);
        if (list != open)
            OV_TRY(ov_vec_flatten(list, scratch, &items, err));
        open = list;
        for (uint32_t k = first; k < end; k++) {
            uint32_t coupon = ov_vec_is_null(&items, k) ? (uint32_t)NO_VALUE : coupon_of(items.type, items.data, k);
            if (coupon != NO_VALUE)
                OV_TRY(ov_hll_add(state(o, ov_agg_group(rows, p, i)), coupon, &mem, err));
        }
    }
    return OV_OK;
}

static ov_status add_values(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                            ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem mem = {o, ovi_object_mem_grow, ovi_object_mem_give};
    ov_vec flat;
    OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    OV_AGG_EACH (rows, mask, p, i) {
        if (flat.valid && !ov_bits_test(flat.valid, i))
            continue;
        uint32_t coupon = coupon_of(flat.type, flat.data, i);
        if (coupon != NO_VALUE)
            OV_TRY(ov_hll_add(state(o, ov_agg_group(rows, p, i)), coupon, &mem, err));
    }
    return OV_OK;
}

static ov_status add_sketches(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                              ov_arena *scratch, ov_error *err)
{
    ov_sketch_mem mem = {o, ovi_object_mem_grow, ovi_object_mem_give}, trial = ov_sketch_mem_arena(scratch);
    ov_vec flat;
    OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    OV_AGG_EACH (rows, mask, p, i) {
        ov_hll one;
        if (flat.valid && !ov_bits_test(flat.valid, i))
            continue;
        ov_arena_mark mark = ov_arena_mark_get(scratch);
        OV_TRY(ov_hll_read(((const ov_slice *)flat.data)[i], &one, &trial, err));
        ov_hll *s = state(o, ov_agg_group(rows, p, i));
        OV_TRY(ov_hll_merge(s, &one, &mem, err));
        s->merged |= rows->weight && rows->weight[i] > 1 && !ov_hll_is_empty(&one);
        ov_arena_rewind(scratch, mark);
    }
    return OV_OK;
}

static ov_status add_hll(ov_object *o, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *const *args,
                         ov_arena *scratch, ov_error *err)
{
    const hll_params *p = o->call->prepared;
    const ov_vec *x = args[0];
    if (x->type.id == OV_TYPE_NULL)
        return OV_OK;
    if (p->of_sketches)
        return add_sketches(o, rows, mask, x, scratch, err);
    if (ov_type_is_list(x->type))
        return add_lists(o, rows, mask, x, scratch, err);
    if (x->enc == OV_ENC_DICT && !o->general)
        return add_codes(o, rows, mask, x, scratch, err);
    return add_values(o, rows, mask, x, scratch, err);
}

/* ---- merging, results, bytes ---- */

static ov_status merge_hll(ov_object *dst, ov_object *src, const uint32_t *from, const uint32_t *to, size_t n,
                           ov_error *err)
{
    ov_sketch_mem mem = {dst, ovi_object_mem_grow, ovi_object_mem_give};
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
    ov_sketch_mem mem = {o, ovi_object_mem_grow, ovi_object_mem_give};
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
    .open = open_hll,
    .close = close_hll,
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
