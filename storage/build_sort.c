/*
 * The order of a segment's rows. Sort columns become a normalised key, bits packed from the most
 * significant column on into 64-bit words, so that sorting is a radix sort of a few words whatever
 * the types are, stable by nature, and "are the rows sorted already" is one pass over them (which
 * mostly ends the matter: logs arrive in order).
 */
#include "base/bits.h"
#include "base/bytes.h"
#include "storage/build_int.h"

enum { DIGIT_BITS = 8, BUCKETS = 1 << DIGIT_BITS };

/* A piece of the normalised key: whether the value is present, or the value over its minimum. */
typedef struct part {
    const ovi_key *key;
    bool presence;
    uint64_t min;
    unsigned width; /* bits */
    unsigned word, shift;
} part;

typedef struct words {
    uint64_t **at; /* word 0 is the most significant */
    size_t *caps;
    uint32_t count, rows;
    ov_budget *budget;
} words;

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

/* The parts of all keys with their places; constant ones are left out. Returns how many words they
 * need. */
static uint32_t place_parts(const ovi_key *keys, uint32_t key_count, part *parts,
                            uint32_t *part_count)
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
    uint32_t word = 0, first = 0;
    unsigned used = 0;
    for (uint32_t i = 0; i <= n; i++) {
        if (i == n ||
            used + parts[i].width > 64) { /* word is full: shift its parts to its low end */
            unsigned left = used;
            for (uint32_t p = first; p < i; p++) {
                left -= parts[p].width;
                parts[p].shift = left;
            }
            if (i == n)
                break;
            word++;
            first = i;
            used = 0;
        }
        parts[i].word = word;
        used += parts[i].width;
    }
    *part_count = n;
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

static void words_fini(words *w)
{
    for (uint32_t i = 0; w->caps && i < w->count; i++)
        ovi_shrink(&w->at[i], &w->caps[i], sizeof(uint64_t), w->budget);
    ov_free(w->at);
    ov_free(w->caps);
}

static ov_status words_make(words *w, const ovi_key *keys, uint32_t key_count, uint32_t rows,
                            ov_budget *budget, ov_error *err)
{
    ov_status st = OV_OK;
    uint32_t part_count;
    *w = (words){.rows = rows, .budget = budget};
    part *parts = ov_calloc(2 * (size_t)key_count + 1, sizeof *parts);
    if (!parts)
        return ov_fail_nomem(err, 2 * (size_t)key_count * sizeof *parts);
    w->count = place_parts(keys, key_count, parts, &part_count);
    w->at = ov_calloc(w->count + (size_t)1, sizeof *w->at);
    w->caps = ov_calloc(w->count + (size_t)1, sizeof *w->caps);
    if (!w->at || !w->caps) {
        st = ov_fail_nomem(err, w->count * sizeof *w->at);
        goto out;
    }
    for (uint32_t i = 0; i < w->count; i++) {
        OV_TRY_OUT(st, ovi_grow(&w->at[i], &w->caps[i], rows, sizeof(uint64_t), budget, err));
        memset(w->at[i], 0, (size_t)rows * sizeof(uint64_t));
    }
    for (uint32_t i = 0; i < part_count; i++)
        fill_part(&parts[i], w->at[parts[i].word]);
out:
    ov_free(parts);
    return st;
}

/* ---- comparing and sorting ---- */

static int compare_rows(const words *w, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (w->at[i][a] != w->at[i][b])
            return w->at[i][a] < w->at[i][b] ? -1 : 1;
    return 0;
}

static bool is_sorted(const words *w)
{
    if (w->count == 1) {
        const uint64_t *v = w->at[0];
        for (uint32_t i = 1; i < w->rows; i++)
            if (v[i] < v[i - 1])
                return false;
        return true;
    }
    for (uint32_t i = 1; i < w->rows; i++)
        if (compare_rows(w, i, i - 1) < 0)
            return false;
    return true;
}

/*
 * Rows that arrive nearly in order (logs, or many stations a minute) fall into pieces between which
 * order holds already; each is sorted where it lies, in cache. Word by word from the most
 * significant one on: the next word is looked at only where the ones before it are equal.
 */
typedef struct sorter {
    const words *w;
    uint64_t *keys[2];
    uint32_t *spare;
    size_t key_caps[2], spare_cap;
} sorter;

enum { FEW = 24 }; /* rows that insertion sorts faster than counting does */

static void sort_few(const sorter *s, uint32_t *perm, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        uint32_t row = perm[i], at = i;
        for (; at > 0 && compare_rows(s->w, perm[at - 1], row) > 0; at--)
            perm[at] = perm[at - 1];
        perm[at] = row;
    }
}

/* One stable pass by the digit at `shift`. */
static void count_and_move(const uint64_t *keys, const uint32_t *perm, uint32_t n, unsigned shift,
                           uint64_t *keys_to, uint32_t *perm_to)
{
    uint32_t at[BUCKETS] = {0}, total = 0;
    for (uint32_t i = 0; i < n; i++)
        at[keys[i] >> shift & (BUCKETS - 1)]++;
    for (uint32_t d = 0; d < BUCKETS; d++) {
        uint32_t count = at[d];
        at[d] = total;
        total += count;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t to = at[keys[i] >> shift & (BUCKETS - 1)]++;
        keys_to[to] = keys[i];
        perm_to[to] = perm[i];
    }
}

/* By one word; only digits that differ between the rows cost a pass. */
static void sort_by_word(sorter *s, uint32_t *perm, uint32_t n, uint32_t word)
{
    const uint64_t *of_row = s->w->at[word];
    uint64_t *from = s->keys[0], *to = s->keys[1], differ = 0;
    uint32_t *perm_from = perm, *perm_to = s->spare;
    for (uint32_t i = 0; i < n; i++) {
        from[i] = of_row[perm[i]];
        differ |= from[i] ^ from[0];
    }
    for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
        if ((differ >> shift & (BUCKETS - 1)) == 0)
            continue;
        count_and_move(from, perm_from, n, shift, to, perm_to);
        uint64_t *k = from;
        from = to;
        to = k;
        uint32_t *p = perm_from;
        perm_from = perm_to;
        perm_to = p;
    }
    if (perm_from != perm)
        memcpy(perm, perm_from, n * sizeof *perm);
}

static void sort_range(sorter *s, uint32_t *perm, uint32_t n, uint32_t word)
{
    if (n <= FEW) {
        sort_few(s, perm, n);
        return;
    }
    sort_by_word(s, perm, n, word);
    if (word + 1 == s->w->count)
        return;
    const uint64_t *of_row = s->w->at[word];
    for (uint32_t from = 0, end; from < n; from = end) {
        for (end = from + 1; end < n && of_row[perm[end]] == of_row[perm[from]]; end++)
            continue;
        if (end - from > 1)
            sort_range(s, perm + from, end - from, word + 1);
    }
}

/* Mark the rows before which every key is smaller than every key from there on. Returns the length
 * of the longest piece. */
static uint32_t find_pieces(const words *w, uint64_t *starts)
{
    const uint64_t *v = w->at[0];
    uint64_t least = UINT64_MAX, most = 0;
    /* Backwards: the least key from each row on. Where it equals the row's own key the row may
     * start a piece; forwards the greatest key before it decides. */
    for (uint32_t i = w->rows; i-- > 0;) {
        if (v[i] <= least) {
            least = v[i];
            ov_bits_set(starts, i);
        }
    }
    uint32_t longest = 0, start = 0;
    for (uint32_t i = 0; i < w->rows; i++) {
        if (i > 0 && ov_bits_test(starts, i) && most >= v[i])
            ov_bits_clear(starts, i);
        if (ov_bits_test(starts, i) || i == 0) {
            longest = OV_MAX(longest, i - start);
            start = i;
        }
        most = OV_MAX(most, v[i]);
    }
    return OV_MAX(longest, w->rows - start);
}

static ov_status sort_words(const words *w, ovi_order *out, ov_error *err)
{
    sorter s = {.w = w};
    uint64_t *starts = NULL;
    size_t starts_cap = 0;
    ov_status st = OV_OK;
    OV_TRY_OUT(st, ovi_grow(&starts, &starts_cap, ov_words(w->rows), sizeof *starts, w->budget, err));
    memset(starts, 0, ov_words(w->rows) * sizeof *starts);
    uint32_t longest = find_pieces(w, starts);
    for (int i = 0; i < 2; i++)
        OV_TRY_OUT(st, ovi_grow(&s.keys[i], &s.key_caps[i], longest, sizeof(uint64_t), w->budget, err));
    OV_TRY_OUT(st, ovi_grow(&s.spare, &s.spare_cap, longest, sizeof *s.spare, w->budget, err));
    OV_TRY_OUT(st, ovi_grow(&out->perm, &out->perm_cap, w->rows, sizeof *out->perm, w->budget, err));
    for (uint32_t i = 0; i < w->rows; i++)
        out->perm[i] = i;
    for (size_t from = 0, end; from < w->rows; from = end) {
        end = ov_bits_next(starts, w->rows, from + 1);
        sort_range(&s, out->perm + from, (uint32_t)(end - from), 0);
    }
out:
    for (int i = 0; i < 2; i++)
        ovi_shrink(&s.keys[i], &s.key_caps[i], sizeof(uint64_t), w->budget);
    ovi_shrink(&s.spare, &s.spare_cap, sizeof *s.spare, w->budget);
    ovi_shrink(&starts, &starts_cap, sizeof *starts, w->budget);
    return st;
}

static uint32_t row_at(const ovi_order *o, uint32_t i)
{
    return o->perm ? o->perm[i] : i;
}

/* Where groups of equal rows start, when there are any. */
static ov_status find_groups(const words *w, ovi_order *o, ov_error *err)
{
    uint32_t groups = w->rows > 0;
    for (uint32_t i = 1; i < w->rows; i++)
        groups += compare_rows(w, row_at(o, i - 1), row_at(o, i)) != 0;
    if (groups == w->rows)
        return OV_OK;
    OV_TRY(ovi_grow(&o->starts, &o->starts_cap, (size_t)groups + 1, sizeof *o->starts, w->budget,
                    err));
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->rows; i++)
        if (i == 0 || compare_rows(w, row_at(o, i - 1), row_at(o, i)) != 0)
            o->starts[n++] = i;
    o->starts[n] = w->rows;
    o->rows = n;
    return OV_OK;
}

ov_status ovi_order_find(const ovi_key *keys, uint32_t key_count, uint32_t rows, bool fold,
                         ov_budget *budget, ovi_order *out, ov_error *err)
{
    words w;
    ov_status st;
    *out = (ovi_order){.rows = rows};
    if (rows < 2)
        return OV_OK;
    OV_TRY_OUT(st, words_make(&w, keys, key_count, rows, budget, err));
    if (!is_sorted(&w))
        OV_TRY_OUT(st, sort_words(&w, out, err));
    if (fold)
        OV_TRY_OUT(st, find_groups(&w, out, err));
out:
    words_fini(&w);
    if (st != OV_OK)
        ovi_order_fini(out, budget);
    return st;
}

void ovi_order_fini(ovi_order *o, ov_budget *budget)
{
    ovi_shrink(&o->perm, &o->perm_cap, sizeof *o->perm, budget);
    ovi_shrink(&o->starts, &o->starts_cap, sizeof *o->starts, budget);
}
