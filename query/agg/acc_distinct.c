/*
 * Adding a batch to sets of values: codes, small integers and runs once each; what fits none goes row by row.
 */
#include "query/agg/acc.h"

#include "base/bits.h"

enum { SOME_TEXTS = 1024 };

/* Texts and groups on their way into a set. */
typedef struct texts {
    const uint32_t *codes; /* of the batch */
    uint32_t some, last_group, last_code;
    uint32_t group[SOME_TEXTS + 1], code[SOME_TEXTS + 1];
} texts;

/* Rows [from, to) of a piece that do not repeat the row before: which these are nobody can foretell, so there is no branch. */
OV_INLINE void gather_texts(texts *t, const ov_agg_rows *rows, const ov_agg_piece *piece, const uint64_t *mask, uint32_t from, uint32_t to)
{
    uint32_t n = t->some, last_group = t->last_group, last_code = t->last_code;
    for (uint32_t i = from; i < to; i++) {
        uint32_t g = ov_agg_group(rows, piece, i), code = t->codes[i];
        bool fresh = ((code != last_code) | (g != last_group)) & (!mask || ov_bits_test(mask, i));
        t->group[n] = g;
        t->code[n] = code;
        n += fresh;
        last_group = fresh ? g : last_group;
        last_code = fresh ? code : last_code;
    }
    t->some = n;
    t->last_group = last_group;
    t->last_code = last_code;
}

/* Texts of a dictionary. A row that repeats the one before, as it does where rows are sorted or clustered, counts once. */
static ov_status distinct_texts(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                const ov_domain *dom, ov_arena *scratch, ov_error *err)
{
    texts t;
    t.some = t.last_group = 0;
    t.last_code = UINT32_MAX;
    OV_TRY(ov_vec_codes32(x, scratch, &t.codes, err));
    for (uint32_t p = 0; p < rows->piece_count; p++) {
        const ov_agg_piece *piece = &rows->pieces[p];
        for (uint32_t from = piece->from, to; from < piece->to; from = to) {
            to = OV_MIN(piece->to, from + SOME_TEXTS - t.some);
            gather_texts(&t, rows, piece, mask, from, to);
            if (t.some < SOME_TEXTS)
                continue;
            OV_TRY(ov_distinct_add_texts(&a->set, a->groups, t.group, dom, t.code, t.some, a->n, err));
            t.some = 0;
        }
    }
    return ov_distinct_add_texts(&a->set, a->groups, t.group, dom, t.code, t.some, a->n, err);
}

static ov_status distinct_codes(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                ov_arena *scratch, ov_error *err)
{
    const uint32_t *codes;
    OV_TRY(ov_vec_codes32(x, scratch, &codes, err));
    OV_AGG_EACH (rows, mask, p, i)
        OV_TRY(ov_distinct_add_code(&a->set, a->groups, ov_agg_group(rows, p, i), x->dict, codes[i], a->n, err));
    return OV_OK;
}

/* Integers 0 .. OV_DISTINCT_SMALL - 1 in lanes. */
static ov_status distinct_small(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                ov_error *err)
{
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t lane = x->lane == 1 ? ((const uint8_t *)x->data)[i] : ((const uint16_t *)x->data)[i];
        OV_TRY(ov_distinct_add_small(&a->set, a->groups, ov_agg_group(rows, p, i), (uint32_t)x->base + lane, a->n,
                                     err));
    }
    return OV_OK;
}

/* Whole numbers of any size, in lanes. */
static ov_status distinct_numbers(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                  ov_arena *scratch, ov_error *err)
{
    enum { SOME = 1024 };
    ov_vec flat;
    uint32_t *group, some = 0;
    uint64_t *values;
    OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    OV_TRY(ov_arena_alloc(scratch, SOME * sizeof(*group), &group, err));
    OV_TRY(ov_arena_alloc(scratch, SOME * sizeof(*values), &values, err));
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t g = ov_agg_group(rows, p, i);
        uint64_t value = ((const uint64_t *)flat.data)[i];
        if (some && value == values[some - 1] && g == group[some - 1])
            continue;
        group[some] = g;
        values[some++] = value;
        if (some == SOME) {
            OV_TRY(ov_distinct_add_pairs(&a->set, group, values, some, a->n, err));
            some = 0;
        }
    }
    return ov_distinct_add_pairs(&a->set, group, values, some, a->n, err);
}

/* One state, values in runs: each run once. */
static ov_status distinct_runs(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                               ov_arena *scratch, ov_error *err)
{
    ov_agg_piece piece = rows->pieces[0];
    ov_agg_rows runs = {.rows = x->runs, .pieces = &piece, .piece_count = 1, .code_lane = 1};
    uint64_t *live = NULL;
    piece.from = 0;
    piece.to = x->runs;
    if (mask) {
        OV_TRY(ov_arena_zalloc(scratch, (ov_words(x->runs) + 1) * 8, &live, err));
        for (uint32_t r = 0, from = 0; r < x->runs; from = x->run_end[r++])
            if (ov_bits_next(mask, x->run_end[r], from) < x->run_end[r])
                ov_bits_set(live, r);
    }
    ov_vec child = *x->child;
    child.rows = x->runs;
    return ovi_acc_update_rows(a, &runs, live, &child, NULL, scratch, err);
}

/* The elements of lists: COUNT(DISTINCT x) of a multi-value string. */
static ov_status distinct_lists(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                ov_arena *scratch, ov_error *err)
{
    ov_vec flat;
    OV_TRY(ov_vec_flatten(x, scratch, &flat, err));
    OV_AGG_EACH (rows, mask, p, i) {
        uint32_t first, end;
        const ov_vec *items = ov_vec_list(&flat, i, &first, &end);
        for (; first < end; first++)
            if (!ov_vec_is_null(items, first))
                OV_TRY(ov_distinct_add_str(&a->set, ov_agg_group(rows, p, i), ov_vec_str(items, first), a->n, err));
    }
    return OV_OK;
}

ov_status ovi_acc_update_distinct(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x,
                                 ov_arena *scratch, ov_error *err)
{
    bool one = rows->piece_count == 1 && rows->pieces[0].kind == OV_PIECE_ONE && rows->pieces[0].from == 0 &&
               rows->pieces[0].to == rows->rows;
    if (ov_type_is_list(x->type))
        return distinct_lists(a, rows, mask, x, scratch, err);
    if (x->enc == OV_ENC_RUN && one)
        return distinct_runs(a, rows, mask, x, scratch, err);
    const ov_domain *dom = x->enc == OV_ENC_DICT ? x->dict : x->enc == OV_ENC_RUN && x->child->enc == OV_ENC_DICT ? x->child->dict : NULL;
    if (dom && !ov_type_is_list(dom->type) && ov_distinct_of_text(&a->set))
        return distinct_texts(a, rows, mask, x, dom, scratch, err);
    if (x->enc == OV_ENC_DICT) {
        OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
        return distinct_codes(a, rows, mask, x, scratch, err);
    }
    if (x->enc == OV_ENC_FLAT && !x->raw && x->lane <= 2 && ov_type_is_int(x->type) && x->base >= 0 &&
        x->base < OV_DISTINCT_SMALL && (uint64_t)x->base + ovi_lane_max(x) < OV_DISTINCT_SMALL) {
        OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
        return distinct_small(a, rows, mask, x, err);
    }
    if ((x->enc == OV_ENC_FLAT || x->enc == OV_ENC_RUN) && ov_type_is_int(x->type)) {
        OV_TRY(ovi_present(x, rows, mask, scratch, &mask, err));
        return distinct_numbers(a, rows, mask, x, scratch, err);
    }
    return ovi_acc_update_rows(a, rows, mask, x, NULL, scratch, err);
}
