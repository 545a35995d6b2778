/*
 * What UNNEST finds in a batch: lists, whatever their encoding, and columns of the elements that were picked from them. An element that
 * is not there is NULL. A dictionary of elements that has no NULL gets one for it: the same texts behind codes that are one higher,
 * made once a dictionary.
 */
#include "query/exec/unnest.h"

/* ---- lists ---- */

static ov_status lists_of_domain(const ov_vec *v, ov_arena *scratch, ovi_unnest_list *out, bool *done, ov_error *err)
{
    const ov_vec *all = v->dict->offsets ? NULL : v->dict->values;
    *done = all && all->enc == OV_ENC_LIST;
    if (!*done)
        return OV_OK;
    out->child = all->child;
    out->offsets = all->offsets;
    out->valid = all->valid;
    out->null_is_code_0 = v->dict->has_null;
    return ov_vec_codes32(v, scratch, &out->codes, err);
}

ov_status ovi_unnest_lists(const ov_vec *v, ov_arena *scratch, ovi_unnest_list *out, ov_error *err)
{
    bool done = false;
    ov_vec *flat;
    *out = (ovi_unnest_list){0};
    if (v->type.id == OV_TYPE_NULL || (v->enc == OV_ENC_CONST && v->is_null)) {
        out->none = true;
        return OV_OK;
    }
    if (!ov_type_is_list(v->type)) {
        out->plain = true;
        out->child = v;
        return OV_OK;
    }
    if (v->enc == OV_ENC_CONST) {
        out->one = true;
        out->child = v->c.list;
        out->one_list[1] = v->c.list->rows;
        out->offsets = out->one_list;
        return OV_OK;
    }
    if (v->enc == OV_ENC_DICT)
        OV_TRY(lists_of_domain(v, scratch, out, &done, err));
    if (done)
        return OV_OK;
    OV_TRY(ov_arena_alloc(scratch, sizeof(*flat), &flat, err));
    OV_TRY(ov_vec_flatten(v, scratch, flat, err));
    if (flat->enc != OV_ENC_LIST) {
        out->none = true; /* the only flat form of a list type is all NULL */
        return OV_OK;
    }
    out->child = flat->child;
    out->offsets = flat->offsets;
    out->valid = flat->valid;
    return OV_OK;
}

/* ---- the element's column ---- */

/* The text dictionary with NULL as code 0 in front of its own codes. */
static ov_status widen_domain(ovi_unnest_picks *s, const ov_domain *d, const ov_domain **out, ov_error *err)
{
    ov_arena *keep = &s->down->kept;
    uint32_t *offsets;
    ovi_wider_domain *w;
    for (w = s->wider; w; w = w->next)
        if (w->of == d->id) {
            *out = &w->domain;
            return OV_OK;
        }
    OV_TRY(ov_arena_alloc(keep, sizeof(*w), &w, err));
    OV_TRY(ov_arena_alloc(keep, ((size_t)d->count + 2) * sizeof(*offsets), &offsets, err));
    offsets[0] = d->offsets[0];
    memcpy(offsets + 1, d->offsets, ((size_t)d->count + 1) * sizeof(*offsets));
    *w = (ovi_wider_domain){.of = d->id, .domain = *d, .next = s->wider};
    w->domain.id = ov_domain_next_id();
    w->domain.count = d->count + 1;
    w->domain.has_null = true;
    w->domain.offsets = offsets;
    w->domain.row_counts = NULL;
    s->wider = w;
    *out = &w->domain;
    return OV_OK;
}

/* The code of element i of a DICT vector. */
OV_INLINE uint32_t code_at(const ov_vec *v, uint32_t i)
{
    uint32_t base = (uint32_t)v->base;
    if (v->lane == 1)
        return base + ((const uint8_t *)v->data)[i];
    return base + (v->lane == 2 ? ((const uint16_t *)v->data)[i] : ((const uint32_t *)v->data)[i]);
}

/* Codes of elements; `shift` behind a NULL that missing ones have. */
static ov_status gather_codes(const ovi_unnest_picks *s, const ov_vec *child, const ov_domain *d, uint32_t shift, ov_vec *out,
                              ov_error *err)
{
    uint32_t n = s->count, *codes;
    OV_TRY(ov_arena_lanes(&s->down->scratch, (ov_words(n) * 64 + (size_t)1) * sizeof(*codes), &codes, err));
    memset(codes + n, 0, (ov_words(n) * 64 - n) * sizeof(*codes));
    for (uint32_t i = 0; i < n; i++)
        codes[i] = s->elem[i] == OVI_NO_ELEMENT ? 0 : code_at(child, s->elem[i]) + shift;
    *out = (ov_vec){.type = child->type, .enc = OV_ENC_DICT, .lane = 4, .rows = n, .divisor = 1, .data = codes,
                    .dict = d};
    return OV_OK;
}

/* With missing ones, of elements that have no dictionary: NULL where they are. */
static ov_status gather_flat(const ovi_unnest_picks *s, const ov_vec *child, ov_vec *out, ov_error *err)
{
    uint32_t n = s->count, *idx;
    ov_arena *scratch = &s->down->scratch;
    ov_vec picked;
    uint64_t *valid;
    if (!child || !child->rows) {
        *out = ov_vec_null(child ? child->type : OV_T(OV_TYPE_NULL), n);
        return OV_OK;
    }
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * sizeof(*idx), &idx, err));
    for (uint32_t i = 0; i < n; i++)
        idx[i] = s->elem[i] == OVI_NO_ELEMENT ? 0 : s->elem[i];
    OV_TRY(ov_vec_gather(child, idx, n, scratch, &picked, err));
    OV_TRY(ov_vec_flatten(&picked, scratch, out, err));
    OV_TRY(ov_arena_zalloc(scratch, (ov_words(n) + (size_t)1) * 8, &valid, err));
    for (uint32_t i = 0; i < n; i++)
        ov_bits_put(valid, i, s->elem[i] != OVI_NO_ELEMENT && (!out->valid || ov_bits_test(out->valid, i)));
    out->valid = valid;
    return OV_OK;
}

ov_status ovi_unnest_elements(ovi_unnest_picks *s, const ovi_unnest_list *l, ov_type type, ov_vec *out, ov_error *err)
{
    const ov_vec *child = l->child;
    if (!s->missing)
        OV_TRY(ov_vec_gather(child, s->elem, s->count, &s->down->scratch, out, err));
    else if (child && child->enc == OV_ENC_DICT && child->dict->has_null)
        OV_TRY(gather_codes(s, child, child->dict, 0, out, err));
    else if (child && child->enc == OV_ENC_DICT && child->dict->offsets) {
        const ov_domain *wider;
        OV_TRY(widen_domain(s, child->dict, &wider, err));
        OV_TRY(gather_codes(s, child, wider, 1, out, err));
    } else
        OV_TRY(gather_flat(s, child, out, err));
    out->type = type;
    return OV_OK;
}
