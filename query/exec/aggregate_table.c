/*
 * The table level of AGGREGATE: key rows by value, merging of tables.
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

static ov_status flat_words(agg_state *s, const agg_spec *spec, uint32_t k, const ov_vec *v, uint64_t *rows,
                            ov_arena *scratch, ov_error *err)
{
    const ovi_key_layout *l = &spec->layout;
    ov_type t = l->fields[k].type;
    ov_vec flat;
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    for (uint32_t i = 0; i < v->rows; i++) {
        uint64_t *row = rows + (size_t)i * l->width;
        if (flat.valid && !ov_bits_test(flat.valid, i)) {
            ovi_key_set_null(l, k, row);
        } else if (ov_type_is_int(t)) {
            row[l->fields[k].word] = ((const uint64_t *)flat.data)[i];
        } else if (ov_type_is_real(t)) {
            row[l->fields[k].word] = ovi_key_real(((const double *)flat.data)[i]);
        } else {
            uint32_t number;
            OV_TRY(ov_strtab_add(&s->strings[k], ((const ov_slice *)flat.data)[i], true, &number, err));
            ovi_key_set(l, k, row, number);
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
    return flat_words(s, spec, k, v, rows, scratch, err);
}

/* Rows that are not selected must not make groups: only keys of selected rows are looked up. */
static ov_status group_rows(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch,
                            uint32_t *group, ov_error *err)
{
    uint32_t n = in->b->sel_rows, width = spec->layout.width;
    uint32_t *idx = NULL;
    uint64_t *keys;
    OV_TRY(ov_arena_zalloc(scratch, ((size_t)n + 1) * width * 8, &keys, err));
    if (in->b->sel) {
        OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * 4, &idx, err));
        ov_bits_indices(in->b->sel, in->b->rows, idx);
    }
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        ov_vec v = in->keys[k];
        if (k % 16 == 15)
            OV_TRY(ov_query_alive(spec->exec->cx, err));
        if (idx)
            OV_TRY(ov_vec_gather(&in->keys[k], idx, n, scratch, &v, err));
        OV_TRY(ovi_key_words(s, spec, k, &v, keys, scratch, err));
    }
    if (!in->b->sel)
        return ovi_groups_find(&s->groups, keys, n, group, err);
    uint32_t *packed;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * 4, &packed, err));
    OV_TRY(ovi_groups_find(&s->groups, keys, n, packed, err));
    memset(group, 0, (size_t)in->b->rows * 4); /* rows that are not selected are never looked at */
    for (uint32_t i = 0; i < n; i++)
        group[idx[i]] = packed[i];
    return OV_OK;
}

ov_status ovi_table_add(agg_state *s, const agg_spec *spec, const agg_batch *in, ov_arena *scratch, ov_error *err)
{
    uint32_t *group;
    OV_TRY(ov_arena_lanes(scratch, ((size_t)in->b->rows + 1) * 4, &group, err));
    OV_TRY(group_rows(s, spec, in, scratch, group, err));
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

/* ---- merging ---- */

/* dst's number of each of src's strings, key by key; keys that are no strings have none. */
static ov_status number_strings(agg_state *dst, const agg_state *src, const agg_spec *spec, uint32_t **numbers,
                                ov_error *err)
{
    ov_budget *budget = src->groups.budget;
    for (uint32_t k = 0; k < spec->layout.count; k++) {
        ov_type t = spec->layout.fields[k].type;
        if (ov_type_is_int(t) || ov_type_is_real(t))
            continue;
        OV_TRY(ov_array_grow(budget, &numbers[k], 0, (size_t)src->strings[k].count * 4, err));
        OV_TRY(ov_strtab_take(&dst->strings[k], &src->strings[k], true, numbers[k], err));
    }
    return OV_OK;
}

/* n of src's key rows from `at` on, with dst's numbers. */
static void translate_keys(const agg_state *src, const agg_spec *spec, uint32_t *const *numbers, uint32_t at, uint32_t n,
                           uint64_t *keys)
{
    const ovi_key_layout *l = &spec->layout;
    memcpy(keys, src->groups.keys + (size_t)at * l->width, (size_t)n * l->width * 8);
    for (uint32_t k = 0; k < l->count; k++) {
        const ovi_key_field *f = &l->fields[k];
        for (uint32_t g = 0; numbers[k] && g < n; g++) {
            uint64_t *word = keys + (size_t)g * l->width + f->word;
            uint64_t old = *word >> f->shift & UINT32_MAX;
            *word = (*word & ~((uint64_t)UINT32_MAX << f->shift)) | (uint64_t)numbers[k][old] << f->shift;
        }
    }
}

static ov_status merge_accs(agg_state *dst, agg_state *src, const agg_spec *spec, const uint32_t *from,
                            const uint32_t *to, ov_error *err)
{
    for (uint32_t i = 0; i < spec->acc_count; i++) {
        OV_TRY(ov_query_alive(spec->exec->cx, err));
        OV_TRY(ov_acc_settle(&src->accs[i], err));
        OV_TRY(ov_acc_settle(&dst->accs[i], err));
        OV_TRY(ov_acc_reserve(&dst->accs[i], dst->groups.count, err));
        OV_TRY(ov_acc_merge(&dst->accs[i], &src->accs[i], from, to, src->groups.count, to, err));
    }
    return OV_OK;
}

/* Strings of src stay with src, which lives as long as dst. */
ov_status ovi_table_merge(agg_state *dst, agg_state *src, const agg_spec *spec, ov_error *err)
{
    enum { STEP_WORDS = 1 << 18 }; /* of keys between two questions whether to go on */
    ov_budget *budget = src->groups.budget;
    uint32_t n = src->groups.count, width = spec->layout.width, count = spec->layout.count;
    uint32_t step = OV_MIN(n, STEP_WORDS / OV_MAX(width, 1u) + 1), *to = NULL, **numbers = NULL;
    uint64_t *keys = NULL;
    ov_status st;
    if (n == 0)
        return OV_OK;
    size_t key_bytes = (size_t)step * width * 8, to_bytes = (size_t)n * 8, number_bytes = (count + (size_t)1) * sizeof(*numbers);
    OV_TRY_OUT(st, ov_array_grow(budget, &keys, 0, key_bytes, err));
    OV_TRY_OUT(st, ov_array_grow(budget, &to, 0, to_bytes, err));
    OV_TRY_OUT(st, ov_array_grow(budget, &numbers, 0, number_bytes, err));
    OV_TRY_OUT(st, number_strings(dst, src, spec, numbers, err));
    for (uint32_t at = 0; at < n; at += step) {
        uint32_t some = OV_MIN(n - at, step);
        OV_TRY_OUT(st, ov_query_alive(spec->exec->cx, err));
        translate_keys(src, spec, numbers, at, some, keys);
        OV_TRY_OUT(st, ovi_groups_find(&dst->groups, keys, some, to + at, err));
    }
    uint32_t *from = to + n;
    for (uint32_t i = 0; i < n; i++)
        from[i] = i;
    OV_TRY_OUT(st, merge_accs(dst, src, spec, from, to, err));
out:
    for (uint32_t k = 0; numbers && k < count; k++)
        if (numbers[k])
            ov_array_free(budget, &numbers[k], (size_t)src->strings[k].count * 4);
    if (numbers)
        ov_array_free(budget, &numbers, number_bytes);
    if (keys)
        ov_array_free(budget, &keys, key_bytes);
    if (to)
        ov_array_free(budget, &to, to_bytes);
    return st;
}
