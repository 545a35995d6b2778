/*
 * The hash table of a join: keys to groups, groups to rows. A key is one word per key expression: the bits of a
 * number, or the number of a text in one table of strings. Rows with a NULL in any key are in no group.
 */
#include "query/exec/join.h"

#include "base/bits.h"

enum { ASK_EVERY = 1 << 16 }; /* rows between questions whether the query still lives */
#define NO_NUMBER UINT32_MAX /* in translated codes: text that no row of the kept side has */

static bool is_text(ov_type t)
{
    return !ov_type_is_int(t) && !ov_type_is_real(t);
}

void ovi_join_lookup_fini(ovi_join_lookup *l, const ovi_join_table *t)
{
    for (uint32_t k = 0; l->maps && k < t->key_count; k++)
        ov_strmap_fini(&l->maps[k], t->budget);
}

/* ---- words ---- */

/* Where words go: key k of row i is word[i * width + k]; missing rows lose their bit in live. */
typedef struct words {
    uint64_t *word;
    uint64_t *live;
    uint32_t width;
} words;

static ov_status number_words(const ov_vec *v, uint32_t k, uint32_t rows, words *out, ov_arena *scratch, ov_error *err)
{
    ov_vec flat;
    uint64_t *word = out->word + k;
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    if (ov_type_is_int(v->type))
        for (uint32_t i = 0; i < rows; i++)
            word[(size_t)i * out->width] = ovi_key_number((uint64_t)((const int64_t *)flat.data)[i]);
    else
        for (uint32_t i = 0; i < rows; i++)
            word[(size_t)i * out->width] = ovi_key_real(((const double *)flat.data)[i]);
    for (uint32_t w = 0; flat.valid && w < ov_words(rows); w++)
        out->live[w] &= flat.valid[w];
    return OV_OK;
}

/* Numbers of text: `add` puts new ones into the table (while it is built), else they are looked for. */
static ov_status text_number(ovi_join_table *t, ov_slice s, bool add, uint32_t *number, ov_error *err)
{
    if (add)
        return ov_strtab_add(&t->strings, s, false, number, err);
    *number = ov_strtab_find(&t->strings, s);
    return OV_OK;
}

static ov_status dict_words(ovi_join_table *t, ov_strmap *map, const ov_vec *v, uint32_t k, bool add, uint32_t rows,
                            words *out, ov_arena *scratch, ov_error *err)
{
    const uint32_t *codes;
    uint32_t *number_plus_1;
    OV_TRY(ov_vec_codes32(v, scratch, &codes, err));
    OV_TRY(ov_strmap_of(map, &t->strings, v->dict, &number_plus_1, err));
    for (uint32_t i = 0; i < rows; i++) {
        if (!ov_bits_test(out->live, i))
            continue;
        uint32_t *known = &number_plus_1[codes[i]], number = 0;
        if (!*known) {
            if (!ov_domain_is_null(v->dict, codes[i]))
                OV_TRY(text_number(t, ov_domain_str(v->dict, codes[i]), add, &number, err));
            *known = number ? number + 1 : NO_NUMBER;
        }
        if (*known == NO_NUMBER)
            ov_bits_put(out->live, i, false);
        else
            out->word[(size_t)i * out->width + k] = *known - 1;
    }
    return OV_OK;
}

static ov_status text_words(ovi_join_table *t, ov_strmap *map, const ov_vec *v, uint32_t k, bool add, uint32_t rows,
                            words *out, ov_arena *scratch, ov_error *err)
{
    ov_vec flat;
    uint32_t number;
    if (v->enc == OV_ENC_DICT)
        return dict_words(t, map, v, k, add, rows, out, scratch, err);
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    for (uint32_t i = 0; i < rows; i++) {
        if (i % ASK_EVERY == ASK_EVERY - 1)
            OV_TRY(ov_query_alive(t->cx, err));
        if (!ov_bits_test(out->live, i))
            continue;
        bool there = !flat.valid || ov_bits_test(flat.valid, i);
        if (there) {
            OV_TRY(text_number(t, ((const ov_slice *)flat.data)[i], add, &number, err));
            there = number != 0;
            out->word[(size_t)i * out->width + k] = number;
        }
        if (!there)
            ov_bits_put(out->live, i, false);
    }
    return OV_OK;
}

/* Words of all keys; live starts as `sel`, or all rows. */
static ov_status make_words(ovi_join_table *t, ovi_join_lookup *l, const ov_vec *keys, uint32_t rows,
                            const uint64_t *sel, bool add, words *out, ov_arena *scratch, ov_error *err)
{
    out->width = OV_MAX(t->key_count, 1);
    OV_TRY(ov_arena_zalloc(scratch, ((size_t)rows + 1) * out->width * 8, &out->word, err));
    OV_TRY(ov_arena_zalloc(scratch, ((size_t)ov_words(rows) + 1) * 8, &out->live, err));
    if (sel)
        ov_bits_copy(out->live, sel, rows);
    else
        ov_bits_fill(out->live, rows, true);
    for (uint32_t k = 0; k < t->key_count; k++) {
        if (is_text(keys[k].type))
            OV_TRY(text_words(t, &l->maps[k], &keys[k], k, add, rows, out, scratch, err));
        else
            OV_TRY(number_words(&keys[k], k, rows, out, scratch, err));
    }
    return OV_OK;
}

/* ---- building ---- */

/* Rows by group, by counting: start[g + 1] counts up from where group g begins to where it ends. */
static ov_status place_rows(ovi_join_table *t, const uint32_t *group, ov_error *err)
{
    OV_TRY(ov_array_grow(t->budget, &t->start, 0, ((size_t)t->group_count + 2) * 4, err));
    OV_TRY(ov_array_grow(t->budget, &t->row, 0, ((size_t)t->rows + 1) * 4, err));
    t->most = 1;
    for (uint32_t i = 0; i < t->rows; i++)
        if (group[i] != OVI_NO_GROUP) {
            uint32_t count = ++t->start[group[i] + 2];
            t->most = OV_MAX(t->most, count);
        }
    for (uint32_t g = 1; g <= t->group_count; g++)
        t->start[g + 1] += t->start[g];
    for (uint32_t i = 0; i < t->rows; i++)
        if (group[i] != OVI_NO_GROUP)
            t->row[t->start[group[i] + 1]++] = i;
    return OV_OK;
}

static ov_status number_rows(ovi_join_table *t, const ovi_join_side *side, ov_arena *scratch, uint32_t *group,
                             ov_error *err)
{
    ovi_join_lookup l = {0};
    words w;
    OV_TRY(ov_arena_zalloc(scratch, OV_MAX(t->key_count, 1) * sizeof(*l.maps), &l.maps, err));
    ov_status st = make_words(t, &l, side->keys, side->rows, NULL, true, &w, scratch, err);
    ovi_join_lookup_fini(&l, t);
    if (st != OV_OK)
        return st;
    for (uint32_t i = 0; i < side->rows; i++) {
        group[i] = OVI_NO_GROUP;
        if (i % ASK_EVERY == 0)
            OV_TRY(ov_query_alive(t->cx, err));
        if (!ov_bits_test(w.live, i))
            continue;
        if (t->single_text)
            group[i] = (uint32_t)w.word[i] - 1;
        else
            OV_TRY(ovi_groups_find(&t->groups, w.word + (size_t)i * w.width, 1, &group[i], err));
    }
    t->group_count = t->single_text ? t->strings.count - 1 : t->groups.count;
    return OV_OK;
}

ov_status ovi_join_table_build(ovi_join_table *t, const ovi_join_side *side, uint32_t key_count, ov_query_ctx *cx,
                               ov_arena *scratch, ov_error *err)
{
    uint32_t *group;
    ov_budget *budget = &cx->budget;
    *t = (ovi_join_table){.cx = cx,
                          .budget = budget,
                          .key_count = key_count,
                          .rows = side->rows,
                          .single_text = key_count == 1 && is_text(side->keys[0].type)};
    OV_TRY(ov_strtab_init(&t->strings, budget, err));
    OV_TRY(ovi_groups_init(&t->groups, OV_MAX(key_count, 1), budget, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)side->rows + 1) * 4, &group, err));
    OV_TRY(number_rows(t, side, scratch, group, err));
    return place_rows(t, group, err);
}

void ovi_join_table_fini(ovi_join_table *t)
{
    if (!t->budget)
        return;
    ov_strtab_fini(&t->strings);
    ovi_groups_fini(&t->groups);
    ov_array_free(t->budget, &t->start, ((size_t)t->group_count + 2) * 4);
    ov_array_free(t->budget, &t->row, ((size_t)t->rows + 1) * 4);
    *t = (ovi_join_table){0};
}

/* ---- looking up ---- */

ov_status ovi_join_table_find(ovi_join_table *t, ovi_join_lookup *l, const ov_vec *keys, const ov_batch *b,
                              ov_arena *scratch, uint32_t *group, ov_error *err)
{
    words w;
    OV_TRY(make_words(t, l, keys, b->rows, b->sel, false, &w, scratch, err));
    if (t->single_text)
        for (uint32_t i = 0; i < b->rows; i++)
            group[i] = (uint32_t)w.word[i] - 1;
    else
        ovi_groups_lookup(&t->groups, w.word, b->rows, group);
    for (uint32_t i = 0; i < b->rows; i++)
        if (!ov_bits_test(w.live, i))
            group[i] = OVI_NO_GROUP;
    return OV_OK;
}
