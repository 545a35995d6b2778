/*
 * Copies of batches that outlive the source's scratch memory, and slices of vectors.
 */
#include "query/exec/exec_int.h"

#include "base/bits.h"

static ov_status copy_strings(ov_slice *s, uint32_t n, const uint64_t *valid, ov_arena *out, ov_error *err)
{
    size_t bytes = 0;
    char *to;
    for (uint32_t i = 0; i < n; i++)
        if (!valid || ov_bits_test(valid, i))
            bytes += s[i].n;
    OV_TRY(ov_arena_alloc(out, bytes + 1, &to, err));
    for (uint32_t i = 0; i < n; i++) {
        if (valid && !ov_bits_test(valid, i))
            continue;
        if (s[i].n)
            memcpy(to, s[i].p, s[i].n);
        s[i].p = to;
        to += s[i].n;
    }
    return OV_OK;
}

static bool holds_slices(ov_type t)
{
    return (t.id == OV_TYPE_STRING && !t.multi) || t.id == OV_TYPE_COMPLEX;
}

/* Lanes picked by idx (NULL: all rows) keep their width. */
static ov_status copy_lanes(const ov_vec *v, const uint32_t *idx, uint32_t n, ov_arena *out, ov_vec *copy,
                            ov_error *err)
{
    char *data;
    size_t lane = v->lane;
    OV_TRY(ov_arena_lanes(out, (ov_words(n) * 64 + 1) * lane, &data, err));
    if (!idx) {
        if (n)
            memcpy(data, v->data, n * lane); /* no elements: data may be NULL */
    } else {
        switch (lane) {
        case 1:
            for (uint32_t i = 0; i < n; i++)
                ((uint8_t *)data)[i] = ((const uint8_t *)v->data)[idx[i]];
            break;
        case 2:
            for (uint32_t i = 0; i < n; i++)
                ((uint16_t *)data)[i] = ((const uint16_t *)v->data)[idx[i]];
            break;
        case 4:
            for (uint32_t i = 0; i < n; i++)
                ((uint32_t *)data)[i] = ((const uint32_t *)v->data)[idx[i]];
            break;
        default:
            for (uint32_t i = 0; i < n; i++)
                memcpy(data + i * lane, (const char *)v->data + idx[i] * lane, lane);
            break;
        }
    }
    *copy = *v;
    copy->stats = NULL;
    copy->origin = NULL;
    copy->rows = n;
    copy->data = data;
    if (v->enc == OV_ENC_FLAT && v->valid) {
        uint64_t *valid;
        OV_TRY(ov_arena_zalloc(out, (ov_words(n) + 1) * 8, &valid, err));
        for (uint32_t i = 0; i < n; i++)
            if (ov_bits_test(v->valid, idx ? idx[i] : i))
                ov_bits_set(valid, i);
        copy->valid = valid;
    }
    return OV_OK;
}

static ov_status vec_copy(const ov_vec *v, const uint32_t *idx, uint32_t n, ov_arena *out, ov_vec *copy,
                          ov_error *err)
{
    switch ((ov_enc)v->enc) {
    case OV_ENC_CONST:
        *copy = *v;
        copy->rows = n;
        copy->stats = NULL;
        if (!v->is_null && holds_slices(v->type))
            return ov_arena_copy(out, v->c.s, &copy->c.s, err);
        if (!v->is_null && ov_type_is_list(v->type) && v->c.list) {
            ov_vec *list;
            OV_TRY(ov_arena_alloc(out, sizeof(*list), &list, err));
            OV_TRY(vec_copy(v->c.list, NULL, v->c.list->rows, out, list, err));
            copy->c.list = list;
        }
        return OV_OK;
    case OV_ENC_DICT:
        return copy_lanes(v, idx, n, out, copy, err);
    case OV_ENC_FLAT:
        OV_TRY(copy_lanes(v, idx, n, out, copy, err));
        if (holds_slices(v->type)) {
            ov_slice *s;
            memcpy(&s, &copy->data, sizeof(s));
            return copy_strings(s, n, copy->valid, out, err);
        }
        return OV_OK;
    case OV_ENC_RUN:
    case OV_ENC_LIST:
        break;
    }
    /* opened by the vector layer, then deepened */
    ov_vec flat;
    if (idx)
        OV_TRY(ov_vec_gather(v, idx, n, out, &flat, err));
    else
        OV_TRY(ov_vec_flatten(v, out, &flat, err));
    if (flat.enc == OV_ENC_LIST) {
        uint32_t *offsets;
        uint64_t *valid = NULL;
        ov_vec *child;
        OV_TRY(ov_arena_alloc(out, ((size_t)n + 1) * 4, &offsets, err));
        memcpy(offsets, flat.offsets, ((size_t)n + 1) * 4);
        OV_TRY(ov_arena_alloc(out, sizeof(*child), &child, err));
        OV_TRY(vec_copy(flat.child, NULL, flat.child->rows, out, child, err));
        if (flat.valid) {
            OV_TRY(ov_arena_zalloc(out, (ov_words(n) + 1) * 8, &valid, err));
            ov_bits_copy(valid, flat.valid, n);
        }
        *copy = flat;
        copy->offsets = offsets;
        copy->child = child;
        copy->valid = valid;
        return OV_OK;
    }
    return vec_copy(&flat, NULL, n, out, copy, err);
}

ov_status ovi_batch_copy(const ov_batch *b, ov_arena *out, ov_batch *copy, ov_error *err)
{
    uint32_t *idx = NULL;
    uint32_t n = b->rows;
    if (b->sel) {
        OV_TRY(ov_arena_alloc(out, ((size_t)b->sel_rows + 1) * 4, &idx, err));
        n = (uint32_t)ov_bits_indices(b->sel, b->rows, idx);
    }
    *copy = (ov_batch){.rows = n, .cols = b->cols, .sel_rows = n};
    OV_TRY(ov_arena_alloc(out, OV_MAX(b->cols, 1) * sizeof(ov_vec), &copy->col, err));
    for (uint32_t c = 0; c < b->cols; c++)
        OV_TRY(vec_copy(&b->col[c], idx, n, out, &copy->col[c], err));
    if (b->weight) {
        int64_t *weight;
        OV_TRY(ov_arena_alloc(out, ((size_t)n + 1) * 8, &weight, err));
        for (uint32_t i = 0; i < n; i++)
            weight[i] = b->weight[idx ? idx[i] : i];
        copy->weight = weight;
    }
    return OV_OK;
}

ov_status ovi_vec_slice(const ov_vec *v, uint32_t from, uint32_t n, ov_arena *scratch, ov_vec *out, ov_error *err)
{
    *out = *v;
    if (from == 0 && n == v->rows)
        return OV_OK;
    out->stats = NULL;
    out->origin = NULL;
    out->rows = n;
    if (v->enc == OV_ENC_CONST)
        return OV_OK;
    bool lanes = v->enc == OV_ENC_DICT || v->enc == OV_ENC_FLAT;
    if (lanes && (v->enc == OV_ENC_DICT || !v->valid) && from % 64 == 0) {
        out->data = (const char *)v->data + (size_t)from * v->lane; /* still readable to a whole word */
        return OV_OK;
    }
    uint32_t *idx;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * 4, &idx, err));
    for (uint32_t i = 0; i < n; i++)
        idx[i] = from + i;
    return ov_vec_gather(v, idx, n, scratch, out, err);
}
