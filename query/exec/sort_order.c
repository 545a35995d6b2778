/*
 * The order of rows: keys as bits, comparison in full, sorting of references.
 */
#include "query/exec/sort_int.h"

#include "base/bits.h"

enum { ASK_EVERY = 1 << 14, ASK_LEVELS = 8 }; /* rows, and keys in which they tie, between questions whether the query still lives */

static bool is_text(ov_type t)
{
    return !ov_type_is_int(t) && !ov_type_is_real(t);
}

/* <0, 0, >0 of two values in ascending order; NULL is not handled here. */
static int compare_values(const ov_vec *a, uint32_t ra, const ov_vec *b, uint32_t rb)
{
    if (ov_type_is_int(a->type)) {
        int64_t x = ov_vec_i64(a, ra), y = ov_vec_i64(b, rb);
        return (x > y) - (x < y);
    }
    if (ov_type_is_real(a->type)) {
        uint64_t x = ovi_order_f64(ov_vec_f64(a, ra)), y = ovi_order_f64(ov_vec_f64(b, rb));
        return (x > y) - (x < y);
    }
    return ov_slice_cmp(ov_vec_str(a, ra), ov_vec_str(b, rb));
}

uint64_t ovi_sort_ordinal(const sort_part *p, uint32_t row)
{
    if (p->ordinals)
        return p->ordinals[row];
    return p->ordinal + (p->row ? p->row[row] : row);
}

typedef struct comparison {
    const sort_sink *sink;
    const sort_part *parts;
} comparison;

bool ovi_sort_before(const sort_sink *s, const sort_part *pa, uint32_t a, const sort_part *pb, uint32_t b)
{
    for (uint32_t k = 0; k < s->key_count; k++) {
        const ov_sort_key *key = &s->keys[k];
        const ov_vec *va = &pa->batch.col[key->column], *vb = &pb->batch.col[key->column];
        bool na = ov_vec_is_null(va, a), nb = ov_vec_is_null(vb, b);
        if (na != nb)
            return na == key->nulls_first;
        int order = na ? 0 : compare_values(va, a, vb, b);
        if (order)
            return key->descending ? order > 0 : order < 0;
    }
    return ovi_sort_ordinal(pa, a) < ovi_sort_ordinal(pb, b);
}

static bool ref_less(const void *cx, const ovi_ref *a, const ovi_ref *b)
{
    const comparison *c = cx;
    return ovi_sort_before(c->sink, &c->parts[a->part], a->item, &c->parts[b->part], b->item);
}

/* ---- first keys ---- */

static uint64_t place(uint64_t bits, const ov_sort_key *key)
{
    return ovi_order_place(bits, key->descending, key->nulls_first);
}

ov_status ovi_sort_keys(const ov_vec *v, const uint64_t *sel, const ov_sort_key *key, ov_arena *scratch, uint64_t *keys,
                        ov_error *err)
{
    uint64_t null = key->nulls_first ? 0 : UINT64_MAX;
    if (is_text(v->type) || v->type.id == OV_TYPE_NULL) {
        for (uint32_t i = 0; i < v->rows; i++) {
            if (sel && !ov_bits_test(sel, i))
                continue;
            bool is_null = ov_vec_is_null(v, i);
            ov_slice s = is_null ? (ov_slice){0} : ov_vec_str(v, i);
            keys[i] = is_null ? null : place(ovi_order_text(s.p, s.n), key);
        }
        return OV_OK;
    }
    ov_vec flat;
    OV_TRY(ov_vec_flatten(v, scratch, &flat, err));
    if (ov_type_is_int(v->type))
        for (uint32_t i = 0; i < v->rows; i++)
            keys[i] = place(ovi_order_i64(((const int64_t *)flat.data)[i]), key);
    else
        for (uint32_t i = 0; i < v->rows; i++)
            keys[i] = place(ovi_order_f64(((const double *)flat.data)[i]), key);
    if (flat.valid)
        for (uint32_t i = 0; i < v->rows; i++)
            if (!ov_bits_test(flat.valid, i))
                keys[i] = null;
    return OV_OK;
}

/* Order-preserving bits of one value; equal bits mean equal values unless *maybe is set. */
static uint64_t value_key(const ov_vec *v, uint32_t row, const ov_sort_key *key, bool *maybe)
{
    uint64_t bits;
    if (v->type.id == OV_TYPE_NULL || ov_vec_is_null(v, row))
        return key->nulls_first ? 0 : UINT64_MAX;
    if (ov_type_is_int(v->type)) {
        bits = ovi_order_i64(ov_vec_i64(v, row));
    } else if (ov_type_is_real(v->type)) {
        bits = ovi_order_f64(ov_vec_f64(v, row));
    } else {
        ov_slice s = ov_vec_str(v, row);
        bits = ovi_order_text(s.p, s.n);
        *maybe |= s.n >= 8 || memchr(s.p ? s.p : "", 0, s.n); /* longer, or padded like a shorter one */
    }
    bits = place(bits, key);
    *maybe |= bits == 1 || bits == UINT64_MAX - 1;
    return bits;
}

bool ovi_sort_is_exact(const sort_sink *s, const sort_part *part, uint32_t row)
{
    bool maybe = false;
    const ov_vec *v = &part->batch.col[s->keys[0].column];
    value_key(v, row, &s->keys[0], &maybe);
    return !maybe && (ov_type_is_int(v->type) || ov_type_is_real(v->type));
}

uint64_t ovi_sort_key(const sort_sink *s, const sort_part *part, uint32_t row, uint32_t level)
{
    bool maybe = false;
    const ov_sort_key *key = &s->keys[level];
    return value_key(&part->batch.col[key->column], row, key, &maybe);
}

/* Have all of them one value in this column? Bits of texts do not tell. */
static bool all_equal(const sort_part *parts, const ovi_ref *refs, size_t n, uint32_t column, const ovi_stop *stop)
{
    const ov_vec *first = &parts[refs[0].part].batch.col[column];
    uint32_t row = refs[0].item;
    if (ov_vec_is_null(first, row))
        return false; /* whoever is as early need not be NULL */
    for (size_t i = 1; i < n; i++) {
        const ov_vec *v = &parts[refs[i].part].batch.col[column];
        if (ov_vec_is_null(v, refs[i].item) || compare_values(first, row, v, refs[i].item) != 0)
            return false;
        if (i % ASK_EVERY == ASK_EVERY - 1 && stop && stop->asked(stop->cx))
            return false; /* nobody looks any more */
    }
    return true;
}

/* The order by one key, or by ordinals past the last one, of the first `keep` of n and of those that tie with them: how many
 * these are, 0 when the query must stop. *maybe: equal bits may be of unequal values. */
static size_t order_by_key(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n,
                           uint64_t keep, uint32_t level, const ovi_stop *stop, bool *maybe)
{
    const ov_sort_key *key = level < s->key_count ? &s->keys[level] : NULL;
    if (level % ASK_LEVELS == ASK_LEVELS - 1 && stop && stop->asked(stop->cx))
        return 0;
    for (size_t i = 0; i < n; i++) {
        const sort_part *part = &parts[refs[i].part];
        refs[i].key = key ? value_key(&part->batch.col[key->column], refs[i].item, key, maybe)
                          : ovi_sort_ordinal(part, refs[i].item);
        if (i % ASK_EVERY == ASK_EVERY - 1 && stop && stop->asked(stop->cx))
            return 0; /* in no useful order: whoever told to stop does not look */
    }
    if (keep < n)
        n = ovi_select_refs(refs, n, (size_t)keep, stop);
    ovi_sort_refs(refs, tmp, n, NULL, NULL, stop);
    return n;
}

static size_t order_refs(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n,
                         uint64_t keep, uint32_t level, const ovi_stop *stop, uint64_t *worst);

/* Rows that tie in the key of a level, by the later keys; the longest stretch of ties is left to the caller, who thus
 * never stands deeper than the number of rows can be halved, however many keys there are. */
static size_t order_ties(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n,
                         uint64_t keep, uint32_t level, bool maybe, const ovi_stop *stop, size_t *longest)
{
    comparison c = {.sink = s, .parts = parts};
    size_t seen = 0, length = 0; /* rows in ties since the last question; of the longest stretch */
    for (size_t from = 0, to; from < n && from < keep; from = to) {
        size_t at = from;
        for (to = from + 1; to < n && refs[to].key == refs[from].key; to++)
            ;
        size_t ties = to - from;
        if (ties == 1)
            continue;
        seen += ties;
        if (seen >= ASK_EVERY / 16 && stop && stop->asked(stop->cx))
            return 0;
        if (seen >= ASK_EVERY / 16)
            seen = 0;
        if (maybe && !all_equal(parts, refs + from, ties, s->keys[level].column, stop)) {
            ovi_sort_refs(refs + from, tmp, ties, ref_less, &c, stop);
            continue;
        }
        if (ties > length) {
            size_t place = *longest, rows = length;
            *longest = from;
            length = ties;
            at = place;
            ties = rows;
        }
        if (ties)
            order_refs(s, parts, refs + at, tmp, ties, keep - at, level + 1, stop, NULL);
    }
    return length;
}

static size_t order_refs(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n,
                         uint64_t keep, uint32_t level, const ovi_stop *stop, uint64_t *worst)
{
    bool maybe = false;
    size_t kept = keep < n ? (size_t)keep : n, from = 0;
    n = order_by_key(s, parts, refs, tmp, n, keep, level, stop, &maybe);
    if (worst && level < s->key_count && keep <= n && keep > 0)
        *worst = refs[keep - 1].key;
    while (level < s->key_count && (n = order_ties(s, parts, refs, tmp, n, keep, level, maybe, stop, &from)) > 0) {
        refs += from;
        keep -= from;
        maybe = false;
        n = order_by_key(s, parts, refs, tmp, n, keep, ++level, stop, &maybe);
    }
    return kept;
}

size_t ovi_sort_order(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n, uint64_t keep,
                      const ovi_stop *stop, uint64_t *worst)
{
    return order_refs(s, parts, refs, tmp, n, keep, 0, stop, worst);
}

ov_status ovi_sort_state(sort_sink *s, sort_state *st, ov_error *err)
{
    ov_budget *budget = &s->exec->cx->budget;
    ovi_ref *tmp = NULL;
    size_t bytes = st->ref_count * sizeof(*tmp);
    if (st->ref_count < 2) {
        bool maybe = false;
        if (st->ref_count != s->keep || s->key_count == 0)
            return OV_OK;
        const ovi_ref *r = &st->refs[0]; /* LIMIT 1: the only row is the worst that is kept; its bits may be a later key's */
        st->worst = value_key(&st->parts[r->part].batch.col[s->keys[0].column], r->item, &s->keys[0], &maybe);
        return OV_OK;
    }
    OV_TRY(ov_array_grow(budget, &tmp, 0, bytes, err));
    ovi_stop stop = ovi_stop_of(s->exec->cx);
    st->ref_count = order_refs(s, st->parts, st->refs, tmp, st->ref_count, s->keep, 0, &stop, &st->worst);
    ov_array_free(budget, &tmp, bytes);
    return ov_query_alive(s->exec->cx, err);
}
