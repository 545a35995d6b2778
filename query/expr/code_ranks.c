/*
 * Two dictionary columns compared: texts of both dictionaries get numbers in one order, once for each pair of
 * dictionaries, and rows then compare numbers.
 */
#include "query/expr/expr_int.h"

#include "base/bits.h"

enum {
    MOST_TEXTS = 1 << 14, /* of one: larger dictionaries cost more than the rows of a batch */
    MOST_STEPS = 16,      /* pairs looked through before a new one is made */
};

struct ovi_ranks {
    uint64_t a, b; /* ids of the domains */
    uint32_t *of_a, *of_b;
    ovi_ranks *next;
};

static bool is_ordered(const ov_vec *v)
{
    return v->enc == OV_ENC_DICT && v->type.id == OV_TYPE_STRING && !v->type.multi && v->dict->sorted && v->dict->unique;
}

/* Both lists from their starts: the lesser text gets the next number, equal ones the same. NULL's code keeps number 0. */
static void merge(const ov_domain *a, const ov_domain *b, ovi_ranks *r)
{
    uint32_t i = a->has_null, j = b->has_null;
    for (uint32_t rank = 1; i < a->count || j < b->count; rank++) {
        int order = i == a->count ? 1 : j == b->count ? -1 : ov_slice_cmp(ov_domain_str(a, i), ov_domain_str(b, j));
        if (order <= 0)
            r->of_a[i++] = rank;
        if (order >= 0)
            r->of_b[j++] = rank;
    }
}

static ov_status ranks_of(ov_eval *ev, const ov_domain *a, const ov_domain *b, const ovi_ranks **out, ov_error *err)
{
    ovi_ranks *r;
    unsigned steps = 0;
    *out = NULL;
    for (r = ev->ranks; r && steps < MOST_STEPS; r = r->next, steps++)
        if (r->a == a->id && r->b == b->id) {
            *out = r;
            return OV_OK;
        }
    size_t bytes = ((size_t)a->count + b->count) * sizeof(uint32_t);
    if (a->count > MOST_TEXTS || b->count > MOST_TEXTS || ev->keep.total_bytes + bytes > ev->keep_most)
        return OV_OK;
    OV_TRY(ov_arena_zalloc(&ev->keep, sizeof(*r), &r, err));
    OV_TRY(ov_arena_zalloc(&ev->keep, ((size_t)a->count + 1) * sizeof(uint32_t), &r->of_a, err));
    OV_TRY(ov_arena_zalloc(&ev->keep, ((size_t)b->count + 1) * sizeof(uint32_t), &r->of_b, err));
    r->a = a->id;
    r->b = b->id;
    merge(a, b, r);
    r->next = ev->ranks;
    ev->ranks = r;
    *out = r;
    return OV_OK;
}

/* Rows whose code is not NULL's; NULL when all are. */
static ov_status present(ov_eval *ev, const ov_domain *d, const uint32_t *codes, uint32_t rows, uint64_t **valid, ov_error *err)
{
    *valid = NULL;
    if (!d->has_null)
        return OV_OK;
    OV_TRY(ovi_words(&ev->mem, rows, valid, err));
    for (uint32_t i = 0; i < rows; i++)
        (*valid)[i / 64] |= (uint64_t)(codes[i] != 0) << (i % 64);
    return OV_OK;
}

static void fill_ranks(const uint32_t *codes, const uint32_t *rank, uint32_t rows, int64_t *out)
{
    for (uint32_t i = 0; i < rows; i++)
        out[i] = rank[codes[i]];
}

ov_status ovi_code_ranks(ov_eval *ev, const ov_vec *v, const ov_vec *w, uint32_t rows, ovi_coded *out, bool *done, ov_error *err)
{
    const ovi_ranks *ranks;
    const uint32_t *a, *b;
    int64_t *x, *y;
    *done = false;
    if (ev->general_only || !is_ordered(v) || !is_ordered(w))
        return OV_OK;
    OV_TRY(ranks_of(ev, v->dict, w->dict, &ranks, err));
    if (!ranks)
        return OV_OK;
    OV_TRY(ov_vec_codes32(v, &ev->mem, &a, err));
    OV_TRY(ov_vec_codes32(w, &ev->mem, &b, err));
    OV_TRY(present(ev, v->dict, a, rows, &out->valid_a, err));
    OV_TRY(present(ev, w->dict, b, rows, &out->valid_b, err));
    OV_TRY(ov_arena_lanes(&ev->mem, ((size_t)ov_words(rows) * 64 + 1) * sizeof(*x), &x, err));
    OV_TRY(ov_arena_lanes(&ev->mem, ((size_t)ov_words(rows) * 64 + 1) * sizeof(*y), &y, err));
    fill_ranks(a, ranks->of_a, rows, x);
    fill_ranks(b, ranks->of_b, rows, y);
    memset(x + rows, 0, ((size_t)ov_words(rows) * 64 - rows) * sizeof(*x));
    memset(y + rows, 0, ((size_t)ov_words(rows) * 64 - rows) * sizeof(*y));
    out->a = x;
    out->b = y;
    *done = true;
    return OV_OK;
}
