/* Values that a merge stores as lists or documents, because other segments have those: what a query makes of such a column
 * (query/exec/scan_cast.c), once and for all. */
#include "base/bits.h"
#include "base/buf.h"
#include "ingest/load/merge.h"

static bool is_json(ov_type t)
{
    return t.id == OV_TYPE_COMPLEX && t.complex == OV_COMPLEX_JSON;
}

static bool is_plain(uint8_t id)
{
    return id == OV_TYPE_LONG || id == OV_TYPE_STRING || ov_type_is_real(OV_T(id));
}

bool ovi_becomes_lists(ov_type from, ov_type to)
{
    bool array = from.id == OV_TYPE_ARRAY;
    if (is_json(to))
        return array || is_plain(from.id);
    if (to.id != OV_TYPE_ARRAY || !is_plain(to.elem))
        return false;
    return array ? ovi_converts(OV_T(from.elem), OV_T(to.elem)) : is_plain(from.id);
}

static ov_status to_documents(const ov_vec *flat, ov_type to, ov_arena *out, ov_vec *made, ov_error *err)
{
    ov_slice *list;
    uint64_t *valid;
    ov_buf text;
    ov_status st = OV_OK;
    OV_TRY(ov_arena_lanes(out, (size_t)flat->rows * sizeof *list, &list, err));
    OV_TRY(ov_arena_zalloc(out, (ov_words(flat->rows) + 1) * sizeof *valid, &valid, err));
    ov_buf_init(&text);
    for (uint32_t i = 0; i < flat->rows && st == OV_OK; i++) {
        list[i] = (ov_slice){0};
        if (ov_vec_is_null(flat, i))
            continue;
        ov_buf_clear(&text);
        ov_vec_add_json(flat, i, &text);
        st = ov_buf_check(&text, err);
        if (st == OV_OK)
            st = ov_arena_copy(out, ov_buf_slice(&text), &list[i], err);
        ov_bits_set(valid, i);
    }
    ov_buf_fini(&text);
    *made = ov_vec_flat(to, list, valid, flat->rows);
    return st;
}

/* A plain value is the list of itself. */
static ov_status lists_of_one(const ov_vec *flat, ov_arena *out, ov_vec *lists, ov_error *err)
{
    uint32_t *offsets;
    OV_TRY(ov_arena_alloc(out, (flat->rows + (size_t)1) * sizeof *offsets, &offsets, err));
    for (uint32_t i = 0; i <= flat->rows; i++)
        offsets[i] = i;
    *lists = (ov_vec){.enc = OV_ENC_LIST, .rows = flat->rows, .valid = flat->valid, .child = flat, .offsets = offsets};
    return OV_OK;
}

ov_status ovi_make_lists(const ov_vec *v, ov_type to, ov_arena *out, ov_vec *lifted, ov_error *err)
{
    ov_vec *flat, *child;
    OV_TRY(ov_arena_alloc(out, sizeof *flat, &flat, err));
    OV_TRY(ov_arena_alloc(out, sizeof *child, &child, err));
    OV_TRY(ov_vec_flatten(v, out, flat, err));
    if (is_json(to))
        return to_documents(flat, to, out, lifted, err);
    if (!ov_type_is_list(v->type)) {
        OV_TRY(lists_of_one(flat, out, lifted, err));
    } else if (flat->enc == OV_ENC_LIST) {
        *lifted = *flat;
    } else {
        *lifted = ov_vec_null(to, v->rows);
        return OV_OK;
    }
    OV_TRY(ovi_convert(lifted->child, OV_T(to.elem), out, child, err));
    lifted->type = to;
    lifted->child = child;
    lifted->stats = NULL;
    return OV_OK;
}
