/*
 * The best rows by a text of a sorted dictionary: the order of codes is that of the texts, so which rows come too late is seen from
 * their codes, and texts are looked up of the few that do not.
 */
#include "query/exec/sort_int.h"

#include "base/bits.h"

/* The place of a code in the order wanted. */
OV_INLINE uint32_t place(uint32_t code, bool has_null, const ov_sort_key *key)
{
    if (has_null && code == 0)
        return key->nulls_first ? 0 : UINT32_MAX;
    return key->descending ? UINT32_MAX - 1 - code : code + 1;
}

/* The keep-th smallest place, or one a little behind it. */
static ov_status find_worst(const uint32_t *places, const ov_batch *b, uint64_t keep, ov_arena *scratch, uint32_t *worst,
                            ov_error *err)
{
    ovi_ref *refs;
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)b->sel_rows + 1) * sizeof(*refs), &refs, err));
    for (uint32_t i = 0; i < b->rows; i++)
        if (!b->sel || ov_bits_test(b->sel, i))
            refs[n++].key = places[i];
    size_t best = ovi_select_refs(refs, n, (size_t)keep, NULL);
    *worst = 0;
    for (size_t i = 0; i < best; i++)
        *worst = OV_MAX(*worst, (uint32_t)refs[i].key);
    return OV_OK;
}

static ov_status narrow(const uint32_t *places, uint32_t worst, ov_batch *b, ov_arena *scratch, ov_error *err)
{
    uint64_t *sel;
    OV_TRY(ov_arena_zalloc(scratch, (ov_words(b->rows) + 1) * 8, &sel, err));
    for (uint32_t i = 0; i < b->rows; i++)
        sel[i / 64] |= (uint64_t)(places[i] <= worst) << i % 64;
    if (b->sel)
        ov_bits_and(sel, b->sel, b->rows);
    b->sel = sel;
    b->sel_rows = (uint32_t)ov_bits_count(sel, b->rows);
    return OV_OK;
}

ov_status ovi_sort_by_codes(const sort_sink *s, sort_state *st, const ov_batch *b, ov_arena *scratch, ov_batch *out,
                            ov_error *err)
{
    *out = *b;
    if (s->keep == OV_NO_LIMIT || s->key_count == 0 || s->exec->cx->options.general_only)
        return OV_OK;
    const ov_sort_key *key = &s->keys[0];
    const ov_vec *v = &b->col[key->column];
    const uint32_t *codes;
    uint32_t *places;
    if (v->enc != OV_ENC_DICT || !v->dict->sorted || !v->dict->unique || ov_type_is_list(v->type))
        return OV_OK;
    if (st->code_domain != v->dict->id) {
        st->code_domain = v->dict->id;
        st->code_worst = UINT32_MAX;
    }
    OV_TRY(ov_vec_codes32(v, scratch, &codes, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)b->rows + 1) * 4, &places, err));
    for (uint32_t i = 0; i < b->rows; i++)
        places[i] = place(codes[i], v->dict->has_null, key);
    if (st->code_worst != UINT32_MAX)
        OV_TRY(narrow(places, st->code_worst, out, scratch, err));
    if (out->sel_rows / 4 <= s->keep)
        return OV_OK;
    OV_TRY(find_worst(places, out, s->keep, scratch, &st->code_worst, err));
    return narrow(places, st->code_worst, out, scratch, err);
}
