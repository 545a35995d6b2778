/*
 * The table level of AGGREGATE: key rows by value.
 */
#include "query/exec/aggregate.h"

#include "base/bits.h"

/* One row's value of a CONST vector or of a domain's code, as key bits. */
static ov_status const_words(agg_state *s, const agg_spec *spec, uint32_t k, const ov_vec *v, uint64_t *rows,
                             ov_error *err)
{
    const ovi_key_layout *l = &spec->layout;
    uint32_t number = 0;
    uint64_t bits = 0;
    bool null = v->is_null || v->type.id == OV_TYPE_NULL;
    ov_type t = l->fields[k].type;
    if (!null && ov_type_is_int(t)) {
        bits = (uint64_t)v->c.i;
    } else if (!null && ov_type_is_real(t)) {
        bits = ovi_key_real(v->c.f);
    } else if (!null) {
        OV_TRY(ov_strtab_add(&s->strings[k], v->c.s, true, &number, err));
        bits = number;
    }
    for (uint32_t i = 0; i < v->rows; i++) {
        if (null)
            ovi_key_set_null(l, k, rows + (size_t)i * l->width);
        else
            ovi_key_set(l, k, rows + (size_t)i * l->width, bits);
    }
    return OV_OK;
}

static ov_status dict_words(agg_state *s, const agg_spec *spec, uint32_t k, const ov_vec *v, uint64_t *rows,
                            ov_arena *scratch, ov_error *err)
{
    const ovi_key_layout *l = &spec->layout;
    const uint32_t *codes;
    uint32_t *map;
    OV_TRY(ov_vec_codes32(v, scratch, &codes, err));
    OV_TRY(ov_strmap_of(&s->maps[k], &s->strings[k], v->dict, &map, err));
    OV_TRY(ov_strmap_fill_all(&s->strings[k], v->dict, codes, v->rows, map, err));
    uint64_t *at = rows + l->fields[k].word;
    for (uint32_t i = 0; i < v->rows; i++)
        at[(size_t)i * l->width] |= (uint64_t)(map[codes[i]] - 1) << l->fields[k].shift;
    return OV_OK;
}

static ov_status text_words(agg_state *s, const agg_spec *spec, uint32_t k, const ov_vec *v, uint64_t *rows,
                            ov_arena *scratch, ov_error *err)
{
    ov_vec flat;
    uint32_t *number;
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)v->rows + 1) * sizeof(*number), &number, err));
    OV_TRY(ov_strtab_add_all(&s->strings[k], flat.data, flat.valid, v->rows, true, number, err));
    for (uint32_t i = 0; i < v->rows; i++)
        ovi_key_set(&spec->layout, k, rows + (size_t)i * spec->layout.width, number[i]); /* 0 is NULL */
    return OV_OK;
}

static ov_status flat_words(const agg_spec *spec, uint32_t k, const ov_vec *v, uint64_t *rows, ov_arena *scratch, ov_error *err)
{
    const ovi_key_layout *l = &spec->layout;
    ov_type t = l->fields[k].type;
    ov_vec flat;
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    if (!flat.valid && ov_type_is_int(t)) {
        uint64_t *at = rows + l->fields[k].word;
        for (size_t i = 0; i < v->rows; i++)
            at[i * l->width] = ((const uint64_t *)flat.data)[i];
        return OV_OK;
    }
    for (uint32_t i = 0; i < v->rows; i++) {
        uint64_t *row = rows + (size_t)i * l->width;
        if (flat.valid && !ov_bits_test(flat.valid, i)) {
            ovi_key_set_null(l, k, row);
        } else if (ov_type_is_int(t)) {
            row[l->fields[k].word] = ((const uint64_t *)flat.data)[i];
        } else {
            row[l->fields[k].word] = ovi_key_real(((const double *)flat.data)[i]);
        }
    }
    return OV_OK;
}

ov_status ovi_key_words(agg_state *s, const agg_spec *spec, uint32_t k, const ov_vec *v, uint64_t *rows,
                        ov_arena *scratch, ov_error *err)
{
    bool number = ov_type_is_int(spec->layout.fields[k].type) || ov_type_is_real(spec->layout.fields[k].type);
    if (v->enc == OV_ENC_CONST || v->type.id == OV_TYPE_NULL)
        return const_words(s, spec, k, v, rows, err);
    if (v->enc == OV_ENC_DICT && !number && !spec->general)
        return dict_words(s, spec, k, v, rows, scratch, err);
    return number ? flat_words(spec, k, v, rows, scratch, err) : text_words(s, spec, k, v, rows, scratch, err);
}

/* Rows that are not selected must not make groups: only keys of selected rows are looked up. */
ov_status ovi_table_keys(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch, uint64_t **keys, uint32_t **idx,
                         ov_error *err)
{
    uint32_t n = in->b->sel_rows;
    *idx = NULL;
    OV_TRY(ov_arena_zalloc(scratch, ((size_t)n + 1) * spec->layout.width * 8, keys, err));
    if (in->b->sel) {
        OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * 4, idx, err));
        ov_bits_indices(in->b->sel, in->b->rows, *idx);
    }
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        ov_vec v = in->keys[k];
        if (k % 16 == 15)
            OV_TRY(ov_query_alive(spec->exec->cx, err));
        if (*idx)
            OV_TRY(ov_vec_gather(&in->keys[k], *idx, n, scratch, &v, err));
        OV_TRY(ovi_key_words(s, spec, k, &v, *keys, scratch, err));
    }
    return OV_OK;
}

static ov_status group_rows(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch,
                            uint32_t *group, ov_error *err)
{
    uint32_t n = in->b->sel_rows, *idx, *packed;
    uint64_t *keys;
    OV_TRY(ovi_table_keys(s, spec, in, scratch, &keys, &idx, err));
    if (!idx)
        return ovi_groups_find(&s->groups, keys, n, group, err);
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * 4, &packed, err));
    OV_TRY(ovi_groups_find(&s->groups, keys, n, packed, err));
    memset(group, 0, (size_t)in->b->rows * 4); /* rows that are not selected are never looked at */
    for (uint32_t i = 0; i < n; i++)
        group[idx[i]] = packed[i];
    return OV_OK;
}

ov_status ovi_table_update(agg_state *s, const agg_spec *spec, const agg_batch *in, const uint32_t *group, ov_arena *scratch, ov_error *err)
{
    for (uint32_t i = 0; i < spec->acc_count; i++)
        OV_TRY(ov_acc_reserve(&s->accs[i], s->groups.count, err));
    ov_agg_piece piece = {.to = in->b->rows, .kind = OV_PIECE_CODES};
    ov_agg_rows rows = {.rows = in->b->rows,
                        .pieces = &piece,
                        .piece_count = 1,
                        .codes = group,
                        .code_lane = 4,
                        .weight = in->b->weight,
                        .ordinal = in->ordinal};
    return ovi_agg_update(spec, s->accs, in, &rows, scratch, err);
}

ov_status ovi_table_add(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch, ov_error *err)
{
    uint32_t *group;
    OV_TRY(ov_arena_lanes(scratch, ((size_t)in->b->rows + 1) * 4, &group, err));
    OV_TRY(group_rows(s, spec, in, scratch, group, err));
    return ovi_table_update(s, spec, in, group, scratch, err);
}
