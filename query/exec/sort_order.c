/*
 * The order of rows: keys as bits, comparison in full, sorting of references.
 */
#include "query/exec/sort_int.h"

#include "base/bits.h"

enum {
    ASK_EVERY = 1 << 14, /* rows, */
    ASK_LEVELS = 8,      /* and keys in which they tie, between questions whether the query still lives */
    FIRST_KEYS = 3,      /* are looked at row by row: few rows tie in all of them */
    MANY_KEYS = 12,      /* of a sort: what ties in the first ones is read some keys at a time (sort_ties.c) */
};

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

int ovi_sort_compare(const ov_sort_key *key, const ov_vec *a, uint32_t ra, const ov_vec *b, uint32_t rb)
{
    int order = compare_values(a, ra, b, rb);
    return key->descending ? -order : order;
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
    uint32_t level; /* keys before it are equal */
} comparison;

static bool is_before(const sort_sink *s, uint32_t level, const sort_part *pa, uint32_t a, const sort_part *pb, uint32_t b)
{
    for (uint32_t k = level; k < s->key_count; k++) {
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

bool ovi_sort_before(const sort_sink *s, const sort_part *pa, uint32_t a, const sort_part *pb, uint32_t b)
{
    return is_before(s, 0, pa, a, pb, b);
}

static bool ref_less(const void *cx, const ovi_ref *a, const ovi_ref *b)
{
    const comparison *c = cx;
    return is_before(c->sink, c->level, &c->parts[a->part], a->item, &c->parts[b->part], b->item);
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

/* Equal bits may be of unequal values: of texts that go on behind them, or of others. */
enum { MAYBE_LONGER = 1, MAYBE_OTHER = 2, TEXT_BITS = 8, DEEPEST = 1024 };

/* Order-preserving bits of one value, of a text those from byte `depth` on; equal bits mean equal values as far as *maybe does not say otherwise. */
static uint64_t value_key(const ov_vec *v, uint32_t row, const ov_sort_key *key, size_t depth, unsigned *maybe)
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
        s = s.n > depth ? (ov_slice){s.p + depth, s.n - depth} : (ov_slice){"", 0};
        bits = ovi_order_text(s.p, s.n);
        *maybe |= s.n >= TEXT_BITS ? MAYBE_LONGER : s.n && memchr(s.p, 0, s.n) ? MAYBE_OTHER : 0; /* padded like a shorter one */
    }
    bits = place(bits, key);
    *maybe |= bits == 1 || bits == UINT64_MAX - 1 ? MAYBE_OTHER : 0;
    return bits;
}

uint64_t ovi_sort_value_key(const ov_vec *v, uint32_t row, const ov_sort_key *key)
{
    unsigned maybe = 0;
    return value_key(v, row, key, 0, &maybe);
}

bool ovi_sort_is_exact(const sort_sink *s, const sort_part *part, uint32_t row)
{
    unsigned maybe = 0;
    const ov_vec *v = &part->batch.col[s->keys[0].column];
    value_key(v, row, &s->keys[0], 0, &maybe);
    return !maybe && (ov_type_is_int(v->type) || ov_type_is_real(v->type));
}

uint64_t ovi_sort_key(const sort_sink *s, const sort_part *part, uint32_t row, uint32_t level)
{
    unsigned maybe = 0;
    const ov_sort_key *key = &s->keys[level];
    return value_key(&part->batch.col[key->column], row, key, 0, &maybe);
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

/* What rows are ordered by next: a key, and of a text the bytes from `depth` on; ordinals past the last key. */
typedef struct step {
    uint32_t level;
    size_t depth;
} step;

/* Who takes rows that tie in the first of many keys. */
typedef struct later_keys {
    ovi_ties *ties; /* NULL: nobody */
    uint64_t visits; /* of vectors for them */
} later_keys;

/* The order by one step of the first `keep` of n and of those that tie with them: how many these are, 0 when the query must stop. */
static size_t order_by_step(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n, uint64_t keep, step at,
                            later_keys *later, const ovi_stop *stop, unsigned *maybe)
{
    const ov_sort_key *key = at.level < s->key_count ? &s->keys[at.level] : NULL;
    *maybe = 0;
    if (at.level % ASK_LEVELS == ASK_LEVELS - 1 && stop && stop->asked(stop->cx))
        return 0;
    later->visits += key && at.level >= FIRST_KEYS ? n : 0;
    for (size_t i = 0; i < n; i++) {
        const sort_part *part = &parts[refs[i].part];
        refs[i].key = key ? value_key(&part->batch.col[key->column], refs[i].item, key, at.depth, maybe)
                          : ovi_sort_ordinal(part, refs[i].item);
        if (i % ASK_EVERY == ASK_EVERY - 1 && stop && stop->asked(stop->cx))
            return 0; /* in no useful order: whoever told to stop does not look */
    }
    if (keep < n)
        n = ovi_select_refs(refs, n, (size_t)keep, stop);
    ovi_sort_refs(refs, tmp, n, NULL, NULL, stop);
    return n;
}

/* Bytes, up to `most`, with which a and b begin alike. */
static size_t alike(ov_slice a, ov_slice b, size_t most)
{
    size_t n = OV_MIN(most, (size_t)OV_MIN(a.n, b.n)), i = 0;
    for (uint64_t x, y; i + 8 <= n; i += 8) {
        memcpy(&x, a.p + i, 8);
        memcpy(&y, b.p + i, 8);
        if (x != y)
            return i + (size_t)__builtin_ctzll(x ^ y) / 8;
    }
    while (i < n && a.p[i] == b.p[i])
        i++;
    return i;
}

/* The step behind `at` for texts that tie in it: behind all bytes that they begin with alike, or at the next key when they are equal. false: bytes
 * do not tell, as where a text ends and another one goes on with zeros. */
static bool step_behind(const sort_part *parts, const ovi_ref *refs, size_t n, uint32_t column, step at, const ovi_stop *stop, step *next)
{
    const ov_vec *first = &parts[refs[0].part].batch.col[column];
    if (at.depth > DEEPEST || ov_vec_is_null(first, refs[0].item))
        return false; /* whoever is as early need not be NULL */
    ov_slice text = ov_vec_str(first, refs[0].item);
    size_t same = text.n;
    bool equal = true;
    for (size_t i = 1; i < n; i++) {
        const ov_vec *v = &parts[refs[i].part].batch.col[column];
        if (ov_vec_is_null(v, refs[i].item))
            return false;
        ov_slice other = ov_vec_str(v, refs[i].item);
        same = alike(text, other, same);
        equal = equal && other.n == text.n && same == text.n;
        if (!equal && same < at.depth + TEXT_BITS)
            return false;
        if (i % ASK_EVERY == ASK_EVERY - 1 && stop && stop->asked(stop->cx))
            return false; /* nobody looks any more */
    }
    *next = equal ? (step){.level = at.level + 1} : (step){at.level, same};
    return true;
}

/* What the first step says of the last row that is kept: its bits, and whether more rows than are kept are as good. */
typedef struct last_kept {
    uint64_t worst;
    bool tied;
} last_kept;

static size_t order_refs(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n, uint64_t keep, step at,
                         later_keys *later, const ovi_stop *stop, last_kept *last);

/* Rows that tie in a step, by what comes behind it; the longest stretch of ties is left to the caller, who thus never stands deeper than
 * the number of rows can be halved, however many keys there are. *longest: where it begins, *then: its next step. */
static size_t order_ties(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n, uint64_t keep, step by,
                         unsigned maybe, later_keys *later, const ovi_stop *stop, size_t *longest, step *then)
{
    comparison c = {.sink = s, .parts = parts, .level = by.level};
    bool general = s->exec && s->exec->cx->options.general_only;
    uint32_t column = s->keys[by.level].column;
    size_t seen = 0, length = 0; /* rows in ties since the last question; of the longest stretch */
    for (size_t from = 0, to; from < n && from < keep; from = to) {
        size_t at = from;
        step next = {.level = by.level + 1};
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
        if (maybe == MAYBE_LONGER && !general ? !step_behind(parts, refs + from, ties, column, by, stop, &next)
                                              : maybe && !all_equal(parts, refs + from, ties, column, stop)) {
            ovi_sort_refs(refs + from, tmp, ties, ref_less, &c, stop);
            continue;
        }
        if (later->ties && next.depth == 0 && next.level >= FIRST_KEYS && ovi_ties_take(later->ties, refs + from, ties, next.level))
            continue;
        if (ties > length) {
            size_t place = *longest, rows = length;
            step other = *then;
            *longest = from;
            length = ties;
            *then = next;
            at = place;
            ties = rows;
            next = other;
        }
        if (ties)
            order_refs(s, parts, refs + at, tmp, ties, keep - at, next, later, stop, NULL);
    }
    return length;
}

static size_t order_refs(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n, uint64_t keep, step at,
                         later_keys *later, const ovi_stop *stop, last_kept *last)
{
    unsigned maybe;
    size_t kept = keep < n ? (size_t)keep : n, from = 0;
    step next = at;
    n = order_by_step(s, parts, refs, tmp, n, keep, at, later, stop, &maybe);
    if (last && at.level < s->key_count && keep <= n && keep > 0)
        *last = (last_kept){.worst = refs[keep - 1].key, .tied = keep < n && refs[keep].key == refs[keep - 1].key};
    while (at.level < s->key_count && (n = order_ties(s, parts, refs, tmp, n, keep, at, maybe, later, stop, &from, &next)) > 0) {
        refs += from;
        keep -= from;
        at = next;
        n = order_by_step(s, parts, refs, tmp, n, keep, at, later, stop, &maybe);
    }
    return kept;
}

static size_t order_all(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n, uint64_t keep, const ovi_stop *stop,
                        last_kept *last, uint64_t *visits)
{
    later_keys later = {0};
    if (s->key_count >= MANY_KEYS && s->exec && !s->exec->cx->options.general_only)
        later.ties = ovi_ties_open(s, parts, n, tmp, stop);
    size_t kept = order_refs(s, parts, refs, tmp, n, keep, (step){0}, &later, stop, last);
    later.visits += ovi_ties_close(later.ties);
    if (visits)
        *visits = later.visits;
    return kept;
}

size_t ovi_sort_order(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n, uint64_t keep,
                      const ovi_stop *stop, uint64_t *worst, uint64_t *visits)
{
    last_kept last = {.worst = worst ? *worst : 0};
    size_t kept = order_all(s, parts, refs, tmp, n, keep, stop, &last, visits);
    if (worst)
        *worst = last.worst;
    return kept;
}

ov_status ovi_sort_state(sort_sink *s, sort_state *st, ov_error *err)
{
    ov_budget *budget = &s->exec->cx->budget;
    ovi_ref *tmp = NULL;
    size_t bytes = st->ref_count * sizeof(*tmp);
    if (st->ref_count < 2) {
        unsigned maybe = 0;
        if (st->ref_count != s->keep || s->key_count == 0)
            return OV_OK;
        const ovi_ref *r = &st->refs[0]; /* LIMIT 1: the only row is the worst that is kept; its bits may be a later key's */
        st->worst = value_key(&st->parts[r->part].batch.col[s->keys[0].column], r->item, &s->keys[0], 0, &maybe);
        return OV_OK;
    }
    OV_TRY(ov_array_grow(budget, &tmp, 0, bytes, err));
    ovi_stop stop = ovi_stop_of(s->exec->cx);
    last_kept last = {.worst = st->worst, .tied = st->tied};
    st->ref_count = order_all(s, st->parts, st->refs, tmp, st->ref_count, s->keep, &stop, &last, NULL);
    st->worst = last.worst;
    st->tied = last.tied;
    ov_array_free(budget, &tmp, bytes);
    return ov_query_alive(s->exec->cx, err);
}
