/* The rows of a split as batches: vectors over its arrays and dictionaries; see rows_layout.h. */
#include "ingest/parse/rows_layout.h"

static void make_domains(ovi_rows_view *w)
{
    for (uint32_t i = 0; i < w->rows->col_count; i++) {
        const ovi_rows_col *c = &w->rows->col[i];
        const ovi_dict *d = &c->dict;
        ov_type type = c->type;
        if (type.id == OV_TYPE_ARRAY || type.multi)
            type = OV_T(OV_TYPE_STRING);
        w->domains[i] = (ov_domain){.id = d->domain_id,
                                    .count = d->count,
                                    .type = type,
                                    .unique = true,
                                    .has_null = true,
                                    .offsets = d->offsets,
                                    .bytes = d->bytes};
    }
}

ov_status ovi_rows_view_open(ovi_rows_view *w, const ov_rows *rows, ov_arena *tables, ov_arena *scratch,
                             ov_error *err)
{
    uint32_t cols = rows->col_count;
    *w = (ovi_rows_view){.rows = rows, .scratch = scratch};
    OV_TRY(ov_arena_alloc(tables, cols * sizeof *w->domains, &w->domains, err));
    OV_TRY(ov_arena_alloc(tables, cols * sizeof *w->vecs, &w->vecs, err));
    OV_TRY(ov_arena_alloc(tables, cols * sizeof *w->children, &w->children, err));
    make_domains(w);
    return OV_OK;
}

static ov_vec dict_vec(ov_type type, const ov_domain *domain, const uint32_t *codes, uint32_t n)
{
    return (ov_vec){.type = type, .enc = OV_ENC_DICT, .lane = 4, .rows = n, .data = codes, .dict = domain};
}

static ov_status flat_strings(ovi_rows_view *w, const ov_domain *domain, const uint32_t *codes, uint32_t n,
                              ov_type type, ov_vec *out, ov_error *err)
{
    ov_slice *text;
    uint64_t *valid;
    size_t words = ov_words(n);
    OV_TRY(ov_arena_lanes(w->scratch, (words + 1) * 64 * sizeof *text, &text, err));
    OV_TRY(ov_arena_lanes(w->scratch, (words + 1) * 8, &valid, err));
    memset(valid, 0, (words + 1) * 8);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t code = codes[i];
        text[i] = ov_slice_make(domain->bytes + domain->offsets[code],
                                domain->offsets[code + 1] - domain->offsets[code]);
        if (code)
            ov_bits_set(valid, i);
    }
    *out = ov_vec_flat(type, text, valid, n);
    return OV_OK;
}

static ov_status list_vec(ovi_rows_view *w, uint32_t col, uint32_t from, uint32_t n, bool flat, ov_error *err)
{
    const ovi_rows_col *c = &w->rows->col[col];
    ov_vec *child = &w->children[col];
    const uint32_t *ends = c->list_end - 1 + from;
    if (c->elem_valid)
        *child = ov_vec_flat(OV_T(c->type.elem), c->elem, c->elem_valid, c->elem_n);
    else if (flat)
        OV_TRY(flat_strings(w, &w->domains[col], c->elem, c->elem_n, OV_T(OV_TYPE_STRING), child, err));
    else
        *child = dict_vec(OV_T(OV_TYPE_STRING), &w->domains[col], c->elem, c->elem_n);
    w->vecs[col] = (ov_vec){.type = c->type,
                            .enc = OV_ENC_LIST,
                            .rows = n,
                            .valid = c->valid + from / 64,
                            .offsets = ends,
                            .child = child};
    return OV_OK;
}

ov_status ovi_rows_view_batch(ovi_rows_view *w, uint32_t from, uint32_t n, bool flat, ov_error *err)
{
    for (uint32_t i = 0; i < w->rows->col_count; i++) {
        const ovi_rows_col *c = &w->rows->col[i];
        ov_type plain = c->type;
        plain.multi = 0;
        if (c->listed || c->store == OVI_STORE_LIST)
            OV_TRY(list_vec(w, i, from, n, flat, err));
        else if (c->store == OVI_STORE_STR && flat)
            OV_TRY(flat_strings(w, &w->domains[i], c->code + from, n, plain, &w->vecs[i], err));
        else if (c->store == OVI_STORE_STR)
            w->vecs[i] = dict_vec(plain, &w->domains[i], c->code + from, n);
        else
            w->vecs[i] = ov_vec_flat(c->type, c->i64 + from, c->has_null ? c->valid + from / 64 : NULL, n);
    }
    return OV_OK;
}
