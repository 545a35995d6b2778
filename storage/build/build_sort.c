/*
 * The order of a segment's rows. Sort columns become a normalised key, bits packed from the most
 * significant column on into 64-bit words, so that sorting is a radix sort of a few words whatever
 * the types are, stable by nature, and "are the rows sorted already" is one pass over them (which
 * mostly ends the matter: logs arrive in order).
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "base/radix_sort.h"
#include "storage/build/build_int.h"

enum {
    INSERTION_MAX = 40,
    PAIRS_MAX = 1 << 16, /* rows that are sorted beside their keys, which is faster and takes 32 bytes for each of them */
};

/* A piece of the normalised key: whether the value is present, or the value over its minimum. */
typedef struct part {
    const ovi_key *key;
    bool presence;
    uint64_t min;
    unsigned width; /* bits */
    uint32_t word;
    unsigned shift;
} part;

/* ---- ranks: unsigned numbers in the order of the values ---- */

static uint64_t rank_of_real(uint64_t bits)
{
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63; /* the one NaN comes last */
}

static uint64_t rank_of_int(int64_t v)
{
    return (uint64_t)v ^ UINT64_C(1) << 63;
}

static uint64_t rank_of(const ovi_key *k, int64_t bits)
{
    if (k->rank)
        return k->rank[bits];
    return k->column->kind == OVI_REAL ? rank_of_real((uint64_t)bits) : rank_of_int(bits);
}

/* Bounds of the ranks of a column, from the entries of its blocks. */
static void rank_bounds(const ovi_key *k, uint64_t *min, uint64_t *max)
{
    *min = UINT64_MAX;
    *max = 0;
    if (k->rank) {
        *min = 0;
        *max = k->rank_count ? k->rank_count - 1 : 0;
        return;
    }
    for (uint32_t b = 0; b < k->column->block_count; b++) {
        const ov_block_entry *e = &k->column->blocks[b].entry;
        if (e->flags & OV_BLOCK_BOUNDS) {
            *min = OV_MIN(*min, rank_of(k, e->min));
            *max = OV_MAX(*max, rank_of(k, e->max));
        }
        if (e->flags & OV_BLOCK_NAN) {
            uint64_t nan = rank_of_real(UINT64_C(0x7FF8000000000000));
            *min = OV_MIN(*min, nan);
            *max = OV_MAX(*max, nan);
        }
    }
    if (*min > *max)
        *min = *max = 0;
}

static unsigned bits_for(uint64_t range)
{
    return range ? 64 - (unsigned)__builtin_clzll(range) : 0;
}

/* All parts in order; constant ones are left out. */
static uint32_t list_parts(const ovi_key *keys, uint32_t key_count, part *parts)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < key_count; i++) {
        const ovi_key *k = &keys[i];
        uint64_t min, max;
        if (k->column->kind == OVI_NONE)
            continue;
        if (!k->rank && k->column->nulls > 0)
            parts[n++] = (part){.key = k, .presence = true, .width = 1};
        rank_bounds(k, &min, &max);
        if (max > min)
            parts[n++] = (part){.key = k, .min = min, .width = bits_for(max - min)};
    }
    return n;
}

/* Words and shifts of the parts; the parts of the first key stay alone. Returns how many words they
 * need. */
static uint32_t place_parts(part *parts, uint32_t n)
{
    uint32_t word = 0, first = 0;
    unsigned used = 0;
    for (uint32_t i = 0; i <= n; i++) {
        bool full = i == n || used + parts[i].width > 64 ||
                    (i > 0 && parts[i].key != parts[i - 1].key && parts[i - 1].key == parts[0].key);
        if (full) { /* shift the word's parts to its low end */
            unsigned left = used;
            for (uint32_t p = first; p < i; p++) {
                left -= parts[p].width;
                parts[p].shift = left;
            }
            if (i == n)
                break;
            word += i > first;
            first = i;
            used = 0;
        }
        parts[i].word = word;
        used += parts[i].width;
    }
    return n ? word + 1 : 0;
}

static void fill_part(const part *p, uint64_t *word)
{
    int64_t values[OV_BATCH_ROWS];
    uint64_t valid[OV_BATCH_WORDS];
    const ovi_column *c = p->key->column;
    for (uint32_t b = 0; b < c->block_count; b++, word += OV_BATCH_ROWS) {
        uint32_t rows = ovi_column_decode(c, b, values, valid);
        bool nulls = !p->key->rank && c->blocks[b].entry.nulls > 0;
        for (uint32_t i = 0; i < rows; i++) {
            if (nulls && !ov_bits_test(valid, i))
                continue;
            word[i] |= p->presence ? UINT64_C(1) << p->shift
                                   : (rank_of(p->key, values[i]) - p->min) << p->shift;
        }
    }
}

/* ---- sorting groups of ties ---- */

/* What sorting keeps between words. */
typedef struct sorter {
    ov_budget *budget;
    uint32_t rows;
    uint64_t *word; /* by row as added */
    size_t word_cap;
    uint64_t *ties; /* by place: equal to the place before in all words so far */
    size_t ties_cap;
    ov_radix_item *pairs[2]; /* the group at hand */
    size_t pair_caps[2];
    uint32_t *places; /* the other side of the permutation, for groups of more rows */
    size_t place_cap;
    ovi_order *order;
} sorter;

static void sorter_fini(sorter *s)
{
    ovi_shrink(&s->word, &s->word_cap, sizeof *s->word, s->budget);
    ovi_shrink(&s->ties, &s->ties_cap, sizeof *s->ties, s->budget);
    for (int i = 0; i < 2; i++)
        ovi_shrink(&s->pairs[i], &s->pair_caps[i], sizeof *s->pairs[i], s->budget);
    ovi_shrink(&s->places, &s->place_cap, sizeof *s->places, s->budget);
}

static uint32_t row_at(const sorter *s, uint32_t place)
{
    return s->order->perm ? s->order->perm[place] : place;
}

static void insertion_sort(ov_radix_item *p, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        ov_radix_item it = p[i];
        uint32_t j = i;
        for (; j > 0 && it.key < p[j - 1].key; j--)
            p[j] = p[j - 1];
        p[j] = it;
    }
}

static ov_status need_permutation(sorter *s, ov_error *err)
{
    if (s->order->perm)
        return OV_OK;
    OV_TRY(
        ovi_grow(&s->order->perm, &s->order->perm_cap, s->rows, sizeof(uint32_t), s->budget, err));
    for (uint32_t i = 0; i < s->rows; i++)
        s->order->perm[i] = i;
    return OV_OK;
}

static bool group_is_sorted(const sorter *s, uint32_t from, uint32_t end)
{
    if (!s->order->perm) {
        for (uint32_t i = from + 1; i < end; i++)
            if (s->word[i] < s->word[i - 1])
                return false;
        return true;
    }
    for (uint32_t i = from + 1; i < end; i++)
        if (s->word[s->order->perm[i]] < s->word[s->order->perm[i - 1]])
            return false;
    return true;
}

/* Places [from, end) tie so far: order them by the word. */
static ov_status sort_group(sorter *s, uint32_t from, uint32_t end, ov_error *err)
{
    uint32_t n = end - from;
    if (group_is_sorted(s, from, end))
        return OV_OK;
    OV_TRY(need_permutation(s, err));
    if (n > PAIRS_MAX) {
        OV_TRY(ovi_grow(&s->places, &s->place_cap, n, sizeof *s->places, s->budget, err));
        return ov_radix_sort_places(s->word, s->order->perm + from, s->places, n, s->budget, err);
    }
    for (int i = 0; i < 2; i++)
        OV_TRY(ovi_grow(&s->pairs[i], &s->pair_caps[i], n, sizeof *s->pairs[i], s->budget, err));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = s->order->perm[from + i];
        s->pairs[0][i] = (ov_radix_item){.key = s->word[row], .at = row};
    }
    ov_radix_item *sorted = s->pairs[0];
    if (n <= INSERTION_MAX)
        insertion_sort(sorted, n);
    else
        OV_TRY(ov_radix_sort(s->pairs[0], s->pairs[1], n, NULL, &sorted, err));
    for (uint32_t i = 0; i < n; i++)
        s->order->perm[from + i] = sorted[i].at;
    return OV_OK;
}

/* Sorts every group by the word, then splits the groups where it differs. Returns in *any whether
 * rows still tie. */
static ov_status sort_by_word(sorter *s, bool *any, ov_error *err)
{
    for (size_t tie = ov_bits_next(s->ties, s->rows, 0); tie < s->rows;) {
        size_t end = ov_bits_next_clear(s->ties, s->rows, tie);
        OV_TRY(sort_group(s, (uint32_t)tie - 1, (uint32_t)end, err));
        tie = ov_bits_next(s->ties, s->rows, end);
    }
    *any = false;
    for (size_t tie = ov_bits_next(s->ties, s->rows, 0); tie < s->rows;
         tie = ov_bits_next(s->ties, s->rows, tie + 1)) {
        uint32_t place = (uint32_t)tie;
        if (s->word[row_at(s, place)] != s->word[row_at(s, place - 1)])
            ov_bits_clear(s->ties, tie);
        else
            *any = true;
    }
    return OV_OK;
}

/* ---- the whole ---- */

static ov_status sort_words(sorter *s, const part *parts, uint32_t part_count, uint32_t words,
                            ov_error *err)
{
    bool any = true;
    OV_TRY(ovi_grow(&s->ties, &s->ties_cap, ov_words(s->rows), sizeof *s->ties, s->budget, err));
    ov_bits_fill(s->ties, s->rows, true);
    ov_bits_clear(s->ties, 0);
    for (uint32_t w = 0; w < words && any; w++) {
        OV_TRY(ovi_grow(&s->word, &s->word_cap, s->rows, sizeof *s->word, s->budget, err));
        memset(s->word, 0, s->rows * sizeof *s->word);
        for (uint32_t i = 0; i < part_count; i++)
            if (parts[i].word == w)
                fill_part(&parts[i], s->word);
        OV_TRY(sort_by_word(s, &any, err));
    }
    return OV_OK;
}

/* Places that still tie fold into the group before. */
static ov_status find_groups(sorter *s, ov_error *err)
{
    ovi_order *o = s->order;
    uint32_t groups = s->rows - (uint32_t)ov_bits_count(s->ties, s->rows), n = 0;
    if (groups == s->rows)
        return OV_OK;
    OV_TRY(ovi_grow(&o->starts, &o->starts_cap, (size_t)groups + 1, sizeof *o->starts, s->budget,
                    err));
    for (size_t i = ov_bits_next_clear(s->ties, s->rows, 0); i < s->rows;
         i = ov_bits_next_clear(s->ties, s->rows, i + 1))
        o->starts[n++] = (uint32_t)i;
    o->starts[n] = s->rows;
    o->rows = n;
    return OV_OK;
}

ov_status ovi_order_find(const ovi_key *keys, uint32_t key_count, uint32_t rows, bool fold,
                         ov_budget *budget, ovi_order *out, ov_error *err)
{
    sorter s = {.budget = budget, .rows = rows, .order = out};
    ov_status st = OV_OK;
    *out = (ovi_order){.rows = rows};
    if (rows < 2)
        return OV_OK;
    part *parts = ov_calloc(2 * (size_t)key_count + 1, sizeof *parts);
    if (!parts)
        return ov_fail_nomem(err, 2 * (size_t)key_count * sizeof *parts);
    uint32_t part_count = list_parts(keys, key_count, parts);
    uint32_t words = place_parts(parts, part_count);
    OV_TRY_OUT(st, sort_words(&s, parts, part_count, words, err));
    if (fold)
        OV_TRY_OUT(st, find_groups(&s, err));
out:
    ov_free(parts);
    sorter_fini(&s);
    if (st != OV_OK)
        ovi_order_fini(out, budget);
    return st;
}

void ovi_order_fini(ovi_order *o, ov_budget *budget)
{
    ovi_shrink(&o->perm, &o->perm_cap, sizeof *o->perm, budget);
    ovi_shrink(&o->starts, &o->starts_cap, sizeof *o->starts, budget);
}
