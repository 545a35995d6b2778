/*
 * The table of a join: keys to groups, groups to rows. A key is one word per key expression: the bits of a
 * number, or the number of a text in one table of strings. Rows with a NULL in any key are in no group.
 *
 * Whole numbers and texts whose ranges fit together into one word become one word; where these lie close together they
 * are looked up in a set of bits (keyset.h), else in a table of hashes.
 */
#include "query/exec/join.h"

#include "base/bits.h"

enum {
    ASK_EVERY = 1 << 14, /* rows between questions whether the query still lives */
    /* Numbers in the span of a set for each kept row, at most: hashes would take more bytes than this. */
    SPARSE = 128,
    SMALL_SPAN = 1 << 20,
    WISH_SPAN = 1 << 24, /* of sets that are only asked who is in them: 2 MiB */
};
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

/* The rows of a step of loops over all rows of a side from `at` on, before which is asked whether the query still lives. */
static ov_status next_step(const ovi_join_table *t, uint32_t at, uint32_t rows, uint32_t *end, ov_error *err)
{
    *end = at + OV_MIN(rows - at, (uint32_t)ASK_EVERY);
    return at ? ov_query_alive(t->cx, err) : OV_OK;
}

static ov_status number_words(const ovi_join_table *t, const ov_vec *v, uint32_t k, uint32_t rows, words *out, ov_arena *scratch,
                              ov_error *err)
{
    ov_vec flat;
    uint64_t *word = out->word + k;
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    for (uint32_t from = 0, end; from < rows; from = end) {
        OV_TRY(next_step(t, from, rows, &end, err));
        if (ov_type_is_int(v->type))
            for (uint32_t i = from; i < end; i++)
                word[(size_t)i * out->width] = ovi_key_number((uint64_t)((const int64_t *)flat.data)[i]);
        else
            for (uint32_t i = from; i < end; i++)
                word[(size_t)i * out->width] = ovi_key_real(((const double *)flat.data)[i]);
    }
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
        if (i % ASK_EVERY == ASK_EVERY - 1)
            OV_TRY(ov_query_alive(t->cx, err));
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
            OV_TRY(number_words(t, &keys[k], k, rows, out, scratch, err));
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
    for (uint32_t from = 0, end; from < t->rows; from = end) {
        OV_TRY(next_step(t, from, t->rows, &end, err));
        for (uint32_t i = from; i < end; i++)
            if (group[i] != OVI_NO_GROUP) {
                uint32_t count = ++t->start[group[i] + 2];
                t->most = OV_MAX(t->most, count);
            }
    }
    for (uint32_t g = 1; g <= t->group_count; g++)
        t->start[g + 1] += t->start[g];
    for (uint32_t from = 0, end; from < t->rows; from = end) {
        OV_TRY(next_step(t, from, t->rows, &end, err));
        for (uint32_t i = from; i < end; i++)
            if (group[i] != OVI_NO_GROUP)
                t->row[t->start[group[i] + 1]++] = i;
    }
    return OV_OK;
}

/* The least and greatest word of key k; *any is false when no row has keys. */
static ov_status bounds_of(const ovi_join_table *t, const words *w, uint32_t k, uint32_t rows, uint64_t *min, uint64_t *max,
                           bool *any, ov_error *err)
{
    int64_t least = INT64_MAX, greatest = INT64_MIN;
    for (uint32_t from = 0, end; from < rows; from = end) {
        OV_TRY(next_step(t, from, rows, &end, err));
        for (uint32_t i = from; i < end; i++) {
            if (!ov_bits_test(w->live, i))
                continue;
            int64_t v = (int64_t)w->word[(size_t)i * w->width + k];
            least = OV_MIN(least, v);
            greatest = OV_MAX(greatest, v);
        }
    }
    *min = (uint64_t)least;
    *max = (uint64_t)greatest;
    *any = least <= greatest;
    return OV_OK;
}

/* Ranges of all keys that are whole numbers or texts, and whether they fit together into one word; the span of that word. */
static ov_status plan_packing(ovi_join_table *t, const ovi_join_side *side, const words *w, uint64_t *span, ov_error *err)
{
    *span = 1;
    if (t->cx->options.general_only)
        return OV_OK;
    OV_TRY(ov_array_grow(t->budget, &t->pack, 0, OV_MAX(t->key_count, 1) * sizeof(*t->pack), err));
    t->packed = true;
    for (uint32_t k = 0; k < t->key_count; k++) {
        ov_type type = side->keys[k].type;
        ovi_key_pack *p = &t->pack[k];
        uint64_t max;
        bool any = false;
        p->number = ov_type_is_int(type);
        if (!ov_type_is_real(type))
            OV_TRY(bounds_of(t, w, k, side->rows, &p->min, &max, &any, err));
        if (any && max - p->min < INT64_MAX)
            p->span = max - p->min + 1;
        t->packed = t->packed && p->span && !__builtin_mul_overflow(*span, p->span, span) && *span < INT64_MAX;
    }
    return OV_OK;
}

/* Key words of each row become one word, at word[i]. */
static ov_status pack_rows(const ovi_join_table *t, uint32_t rows, words *w, ov_error *err)
{
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t one = 0;
        if (i % ASK_EVERY == ASK_EVERY - 1)
            OV_TRY(ov_query_alive(t->cx, err));
        for (uint32_t k = 0; k < t->key_count; k++)
            one = one * t->pack[k].span + (w->word[(size_t)i * w->width + k] - t->pack[k].min);
        w->word[i] = one;
    }
    w->width = 1;
    return OV_OK;
}

/* Numbers of key k that rows have, less the least one. */
static ov_status fill_set(const ovi_join_table *t, ovi_keyset *set, const words *w, uint32_t k, uint64_t less, ov_error *err)
{
    for (uint32_t from = 0, end; from < t->rows; from = end) {
        OV_TRY(next_step(t, from, t->rows, &end, err));
        for (uint32_t i = from; i < end; i++)
            if (ov_bits_test(w->live, i))
                ovi_keyset_add(set, w->word[(size_t)i * w->width + k] - less);
    }
    return OV_OK;
}

static ov_status number_in_set(ovi_join_table *t, const words *w, uint64_t span, uint32_t *group, ov_error *err)
{
    OV_TRY(ovi_keyset_init(&t->set, t->key_count == 1 ? t->pack[0].min : 0, span, t->budget, err));
    OV_TRY(fill_set(t, &t->set, w, 0, 0, err));
    ovi_keyset_rank(&t->set);
    for (uint32_t from = 0, end; from < t->rows; from = end) {
        OV_TRY(next_step(t, from, t->rows, &end, err));
        ovi_keyset_find(&t->set, w->word + from, w->live + from / 64, end - from, group + from);
    }
    t->group_count = t->set.count;
    return OV_OK;
}

/* Sets of each key for those who leave out rows. */
static ov_status each_key(ovi_join_table *t, const words *w, ov_error *err)
{
    OV_TRY(ov_array_grow(t->budget, &t->each, 0, OV_MAX(t->key_count, 1) * sizeof(*t->each), err));
    for (uint32_t k = 0; k < t->key_count; k++) {
        const ovi_key_pack *p = &t->pack[k];
        if (!p->number || !p->span || p->span > WISH_SPAN)
            continue;
        OV_TRY(ovi_keyset_init(&t->each[k], p->min, p->span, t->budget, err));
        OV_TRY(fill_set(t, &t->each[k], w, k, p->min, err));
    }
    return OV_OK;
}

static ov_status number_by_hash(ovi_join_table *t, const words *w, uint32_t *group, ov_error *err)
{
    OV_TRY(ovi_groups_init(&t->groups, w->width, t->budget, err));
    for (uint32_t i = 0; i < t->rows; i++) {
        group[i] = OVI_NO_GROUP;
        if (i % ASK_EVERY == 0)
            OV_TRY(ov_query_alive(t->cx, err));
        if (ov_bits_test(w->live, i))
            OV_TRY(ovi_groups_find(&t->groups, w->word + (size_t)i * w->width, 1, &group[i], err));
    }
    t->group_count = t->groups.count;
    return OV_OK;
}

static ov_status number_rows(ovi_join_table *t, const ovi_join_side *side, ov_arena *scratch, uint32_t *group,
                             ov_error *err)
{
    ovi_join_lookup l = {0};
    words w;
    uint64_t span;
    OV_TRY(ov_arena_zalloc(scratch, OV_MAX(t->key_count, 1) * sizeof(*l.maps), &l.maps, err));
    ov_status st = make_words(t, &l, side->keys, side->rows, NULL, true, &w, scratch, err);
    ovi_join_lookup_fini(&l, t);
    if (st != OV_OK)
        return st;
    OV_TRY(plan_packing(t, side, &w, &span, err));
    bool close = t->packed && (span < SMALL_SPAN || span / SPARSE < side->rows);
    if (t->pack && (t->key_count > 1 || !close))
        OV_TRY(each_key(t, &w, err));
    if (t->packed)
        OV_TRY(pack_rows(t, side->rows, &w, err));
    if (close)
        return number_in_set(t, &w, span, group, err);
    return number_by_hash(t, &w, group, err);
}

ov_status ovi_join_table_build(ovi_join_table *t, const ovi_join_side *side, uint32_t key_count, ov_query_ctx *cx,
                               ov_arena *scratch, ov_error *err)
{
    uint32_t *group;
    ov_budget *budget = &cx->budget;
    *t = (ovi_join_table){.cx = cx, .budget = budget, .key_count = key_count, .rows = side->rows};
    OV_TRY(ov_strtab_init(&t->strings, budget, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)side->rows + 1) * 4, &group, err));
    OV_TRY(number_rows(t, side, scratch, group, err));
    return place_rows(t, group, err);
}

void ovi_join_table_fini(ovi_join_table *t)
{
    if (!t->budget)
        return;
    ov_strtab_fini(&t->strings);
    if (t->groups.budget)
        ovi_groups_fini(&t->groups);
    ovi_keyset_fini(&t->set);
    for (uint32_t k = 0; t->each && k < t->key_count; k++)
        ovi_keyset_fini(&t->each[k]);
    if (t->each)
        ov_array_free(t->budget, &t->each, OV_MAX(t->key_count, 1) * sizeof(*t->each));
    if (t->pack)
        ov_array_free(t->budget, &t->pack, OV_MAX(t->key_count, 1) * sizeof(*t->pack));
    ov_array_free(t->budget, &t->start, ((size_t)t->group_count + 2) * 4);
    ov_array_free(t->budget, &t->row, ((size_t)t->rows + 1) * 4);
    *t = (ovi_join_table){0};
}

const ovi_keyset *ovi_join_table_keys(const ovi_join_table *t, uint32_t k)
{
    if (t->key_count == 1 && t->set.budget)
        return t->pack[0].number ? &t->set : NULL;
    return t->each && t->each[k].budget ? &t->each[k] : NULL;
}

/* ---- looking up ---- */

/* The words of all keys as one word, at word[i]; rows with a key out of its range are not live. */
static void pack_found(const ovi_join_table *t, uint32_t rows, words *w)
{
    for (uint32_t from = 0; from < rows; from += 64) {
        uint64_t left = w->live[from / 64];
        if (!left)
            continue;
        uint64_t in = 0;
        for (uint32_t i = from, end = OV_MIN(from + 64, rows); i < end; i++) {
            uint64_t one = 0, inside = 1;
            for (uint32_t k = 0; k < t->key_count; k++) {
                uint64_t at = w->word[(size_t)i * w->width + k] - t->pack[k].min;
                inside &= at < t->pack[k].span;
                one = one * t->pack[k].span + at;
            }
            w->word[i] = one;
            in |= inside << (i - from);
        }
        w->live[from / 64] = left & in;
    }
    w->width = 1;
}

ov_status ovi_join_table_find(ovi_join_table *t, ovi_join_lookup *l, const ov_vec *keys, const ov_batch *b,
                              ov_arena *scratch, uint32_t *group, ov_error *err)
{
    words w;
    OV_TRY(make_words(t, l, keys, b->rows, b->sel, false, &w, scratch, err));
    if (t->packed)
        pack_found(t, b->rows, &w);
    if (t->set.budget)
        ovi_keyset_find(&t->set, w.word, w.live, b->rows, group);
    else
        ovi_groups_lookup(&t->groups, w.word, w.live, b->rows, group);
    return OV_OK;
}
