/*
 * Rows that tie in the first keys of an ORDER BY of many keys, by the later ones.
 *
 * Stretch by stretch and key by key, a value would be looked up here and the next one there: in rows of thousands of columns each of them
 * misses the caches twice, for its vector and for itself. So all rows that still tie are numbered in the order in which they lie, their next
 * keys are read part by part into words that stand side by side, and stretches are cut by these words alone:
 *
 *      row 0   key 20 | key 21 | key 22 ...        a number: its bits in the order wanted
 *      row 1   key 20 | key 21 | key 22 ...        a text: its first bytes, where it lies, its length
 *
 * What ties in all of them stays for the next keys. A row that has its place is never read again.
 */
#include "query/exec/sort_int.h"

#include "base/radix_sort.h"

enum {
    MOST_ROWS = 1 << 18, /* at a time; longer stretches are better off key by key: they lie in each part beside each other */
    MOST_WORDS = 1 << 20,
    FEW_KEYS = 4,       /* are read at first, twice as many every time: most rows may have their place by then, */
    MOST_KEYS = 256,    /* but no more than these */
    TEXT_WORDS = 3,     /* bits, place, length; a number has one */
    ASK_WORDS = 1 << 16 /* between questions whether the query still lives */
};

static_assert(MOST_WORDS * sizeof(uint64_t) >= 2 * MOST_ROWS * sizeof(ov_radix_item), "rows are numbered in the words' room");

typedef struct stretch {
    ovi_ref *refs;
    uint32_t n;
} stretch;

struct ovi_ties {
    const sort_sink *sink;
    const sort_part *parts;
    ovi_ref *tmp;
    const ovi_stop *stop;
    uint32_t most_rows, most_words;
    stretch *list;      /* those that tie in the keys before `level` */
    uint32_t count, rows, level;
    uint64_t *place;    /* by number of a row: part and item; GONE when it has its place */
    uint32_t *number;   /* new ones of rows, while the gone ones are left out */
    uint64_t *words;    /* row by row, `width` each */
    uint32_t keys, most_keys, width, first[MOST_KEYS];
    bool text[MOST_KEYS];
    bool any_gone, stopped;
    size_t looked;   /* words since the last question */
    uint64_t visits; /* of vectors */
    size_t bytes;  /* of all arrays, which are one block */
    char *block;
};

#define GONE UINT64_MAX

/* ---- room ---- */

static void set_arrays(ovi_ties *t)
{
    char *at = t->block;
    t->words = (uint64_t *)(void *)at;
    at += t->most_words * sizeof(*t->words);
    t->place = (uint64_t *)(void *)at;
    at += t->most_rows * sizeof(*t->place);
    t->list = (stretch *)(void *)at;
    at += (t->most_rows / 2 + 1) * sizeof(*t->list);
    t->number = (uint32_t *)(void *)at;
}

ovi_ties *ovi_ties_open(const sort_sink *s, const sort_part *parts, size_t n, ovi_ref *tmp, const ovi_stop *stop)
{
    ov_budget *budget = &s->exec->cx->budget;
    ov_error ignored = OV_ERROR_INIT;
    ovi_ties *t = NULL;
    if (ov_array_grow(budget, &t, 0, sizeof(*t), &ignored) != OV_OK)
        return NULL;
    *t = (ovi_ties){.sink = s, .parts = parts, .tmp = tmp, .stop = stop};
    t->most_rows = (uint32_t)OV_MIN(n, (size_t)MOST_ROWS);
    t->most_words = (uint32_t)OV_MIN(n * MOST_KEYS * TEXT_WORDS, (size_t)MOST_WORDS);
    t->bytes = t->most_words * sizeof(*t->words) + t->most_rows * (sizeof(*t->place) + sizeof(*t->number)) +
               (t->most_rows / 2 + 1) * sizeof(*t->list);
    if (ov_array_grow(budget, &t->block, 0, t->bytes, &ignored) != OV_OK) {
        ov_array_free(budget, &t, sizeof(*t));
        return NULL;
    }
    set_arrays(t);
    return t;
}

/* ---- numbers of rows ---- */

static const sort_part *part_of(const ovi_ties *t, uint64_t place)
{
    return &t->parts[place >> 32];
}

static bool asked_to_stop(ovi_ties *t, size_t words)
{
    t->looked += words;
    if (t->looked < ASK_WORDS || t->stopped || !t->stop)
        return t->stopped;
    t->looked = 0;
    t->stopped = t->stop->asked(t->stop->cx);
    return t->stopped;
}

/* Rows of all stretches, in the order in which they lie; references have their numbers as items from then on. */
static void number_rows(ovi_ties *t)
{
    ov_error ignored = OV_ERROR_INIT;
    ov_radix_item *item = (ov_radix_item *)(void *)t->words, *sorted;
    uint32_t n = 0, *at = t->number;
    for (uint32_t i = 0; i < t->count; i++)
        for (uint32_t r = 0; r < t->list[i].n; r++, n++) {
            const ovi_ref *ref = &t->list[i].refs[r];
            item[n] = (ov_radix_item){.key = (uint64_t)ref->part << 32 | ref->item, .at = n};
        }
    if (ov_radix_sort(item, item + n, n, NULL, &sorted, &ignored) != OV_OK)
        sorted = item; /* any order will do */
    for (uint32_t i = 0; i < n; i++) {
        t->place[i] = sorted[i].key;
        at[sorted[i].at] = i;
    }
    n = 0;
    for (uint32_t i = 0; i < t->count; i++)
        for (uint32_t r = 0; r < t->list[i].n; r++)
            t->list[i].refs[r].item = at[n++];
    t->any_gone = false;
}

/* The reference means its row again. */
static void give_back(ovi_ties *t, ovi_ref *ref)
{
    uint32_t number = ref->item;
    ref->item = (uint32_t)t->place[number];
    t->place[number] = GONE;
    t->rows--;
    t->any_gone = true;
}

static void leave_out_gone(ovi_ties *t, uint32_t numbered)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < numbered; i++) {
        t->number[i] = n;
        t->place[n] = t->place[i];
        n += t->place[n] != GONE;
    }
    for (uint32_t i = 0; i < t->count; i++)
        for (uint32_t r = 0; r < t->list[i].n; r++)
            t->list[i].refs[r].item = t->number[t->list[i].refs[r].item];
    t->any_gone = false;
}

/* ---- words ---- */

/* NULLs have no type of their own: the first part that knows says. */
static bool is_text(const ovi_ties *t, uint32_t column)
{
    for (uint32_t i = 0; i < t->rows; i++) {
        ov_type type = part_of(t, t->place[i])->batch.col[column].type;
        if (type.id != OV_TYPE_NULL)
            return !ov_type_is_int(type) && !ov_type_is_real(type);
    }
    return false;
}

/* As many keys as there is room for. */
static void choose_keys(ovi_ties *t)
{
    const sort_sink *s = t->sink;
    t->keys = t->width = 0;
    while (t->keys < t->most_keys && t->level + t->keys < s->key_count) {
        bool text = is_text(t, s->keys[t->level + t->keys].column);
        uint32_t more = text ? TEXT_WORDS : 1;
        if (t->keys && (size_t)t->rows * (t->width + more) > t->most_words)
            return;
        t->text[t->keys] = text;
        t->first[t->keys++] = t->width;
        t->width += more;
    }
}

/* One key of rows [from, to), which lie in one part. */
static void read_key(ovi_ties *t, uint32_t k, uint32_t from, uint32_t to)
{
    const ov_sort_key *key = &t->sink->keys[t->level + k];
    const ov_vec *v = &part_of(t, t->place[from])->batch.col[key->column];
    uint64_t *word = t->words + (size_t)from * t->width + t->first[k];
    if (v->enc == OV_ENC_FLAT && v->raw && !v->valid && ov_type_is_int(v->type)) {
        const int64_t *lanes = v->data;
        for (uint32_t i = from; i < to; i++, word += t->width)
            *word = ovi_order_place(ovi_order_i64(lanes[(uint32_t)t->place[i]]), key->descending, key->nulls_first);
        return;
    }
    for (uint32_t i = from; i < to; i++, word += t->width) {
        uint32_t row = (uint32_t)t->place[i];
        *word = ovi_sort_value_key(v, row, key);
        if (!t->text[k])
            continue;
        bool null = v->type.id == OV_TYPE_NULL || ov_vec_is_null(v, row);
        ov_slice s = null ? (ov_slice){0} : ov_vec_str(v, row);
        memcpy(word + 1, &s.p, sizeof(s.p));
        word[2] = s.n;
    }
}

static void read_keys(ovi_ties *t)
{
    for (uint32_t from = 0, to; from < t->rows && !t->stopped; from = to) {
        uint64_t part = t->place[from] >> 32;
        for (to = from + 1; to < t->rows && t->place[to] >> 32 == part; to++)
            ;
        for (uint32_t k = 0; k < t->keys; k++)
            read_key(t, k, from, to);
        t->visits += t->keys;
        (void)asked_to_stop(t, (size_t)(to - from) * t->width);
    }
}

/* ---- order ---- */

static const uint64_t *words_of(const ovi_ties *t, uint32_t k, uint32_t number)
{
    return t->words + (size_t)number * t->width + t->first[k];
}

static ov_slice text_of(const uint64_t *word)
{
    ov_slice s = {.n = word[2]};
    memcpy(&s.p, word + 1, sizeof(s.p));
    return s;
}

/* Of two rows by a key whose bits are equal. <0, 0, >0 */
static int compare_rest(const ovi_ties *t, uint32_t k, uint32_t a, uint32_t b)
{
    const ov_sort_key *key = &t->sink->keys[t->level + k];
    const uint64_t *x = words_of(t, k, a), *y = words_of(t, k, b);
    if (x[0] == (key->nulls_first ? 0 : UINT64_MAX)) /* both are NULL: no value has these bits */
        return 0;
    if (t->text[k]) {
        if (x[1] == y[1] && x[2] == y[2])
            return 0;
        int order = ov_slice_cmp(text_of(x), text_of(y));
        return key->descending ? -order : order;
    }
    if (x[0] != 1 && x[0] != UINT64_MAX - 1)
        return 0;
    /* two values share the bits beside those of NULL */
    uint64_t pa = t->place[a], pb = t->place[b];
    return ovi_sort_compare(key, &part_of(t, pa)->batch.col[key->column], (uint32_t)pa, &part_of(t, pb)->batch.col[key->column],
                            (uint32_t)pb);
}

typedef struct by_rest {
    const ovi_ties *ties;
    uint32_t key;
} by_rest;

static bool rest_less(const void *cx, const ovi_ref *a, const ovi_ref *b)
{
    const by_rest *by = cx;
    return compare_rest(by->ties, by->key, a->item, b->item) < 0;
}

/* The first key from k on, below end, in which the rows differ. */
static uint32_t same_until(const ovi_ties *t, uint32_t k, uint32_t end, uint32_t a, uint32_t b)
{
    for (; k < end; k++)
        if (*words_of(t, k, a) != *words_of(t, k, b) || compare_rest(t, k, a, b) != 0)
            return k;
    return end;
}

static void cut(ovi_ties *t, ovi_ref *refs, uint32_t n, uint32_t k);

/* References in the order of key k: those of one value are a stretch of the keys behind. */
static void cut_values(ovi_ties *t, ovi_ref *refs, uint32_t n, uint32_t k)
{
    for (uint32_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && refs[to].key == refs[from].key && compare_rest(t, k, refs[from].item, refs[to].item) == 0; to++)
            ;
        cut(t, refs + from, to - from, k + 1);
    }
}

/* Rows that tie in the keys before k of those that were read. Never stands deeper than there are such keys. */
static void cut(ovi_ties *t, ovi_ref *refs, uint32_t n, uint32_t k)
{
    uint32_t differ = t->keys;
    by_rest by = {.ties = t};
    if (n == 1) {
        give_back(t, refs);
        return;
    }
    for (uint32_t i = 1; i < n && differ > k; i++) {
        differ = same_until(t, k, differ, refs[0].item, refs[i].item);
        if (asked_to_stop(t, differ - k + 1))
            break;
    }
    if (t->stopped || differ == t->keys) {
        t->list[t->count++] = (stretch){refs, n};
        return;
    }
    by.key = differ;
    for (uint32_t i = 0; i < n; i++)
        refs[i].key = *words_of(t, differ, refs[i].item);
    ovi_sort_refs(refs, t->tmp, n, rest_less, &by, t->stop);
    cut_values(t, refs, n, differ);
}

/* ---- all of it ---- */

/* Stretches have two rows at least: those to come lie at the list's end, where no one that is made of those before is written. */
static void next_keys(ovi_ties *t)
{
    uint32_t count = t->count, rows = t->rows;
    choose_keys(t);
    read_keys(t);
    if (t->stopped)
        return;
    stretch *old = t->list + t->most_rows / 2 + 1 - count;
    memmove(old, t->list, count * sizeof(*old));
    t->count = 0;
    for (uint32_t i = 0; i < count; i++)
        cut(t, old[i].refs, old[i].n, 0);
    t->level += t->keys;
    t->most_keys = OV_MIN(t->most_keys * 2, (uint32_t)MOST_KEYS);
    if (t->any_gone)
        leave_out_gone(t, rows);
}

static void finish(ovi_ties *t)
{
    if (t->rows == 0)
        return;
    number_rows(t);
    t->most_keys = FEW_KEYS;
    while (t->rows && t->level < t->sink->key_count && !t->stopped)
        next_keys(t);
    for (uint32_t i = 0; i < t->count; i++) {
        const stretch *s = &t->list[i];
        for (uint32_t r = 0; r < s->n; r++) {
            give_back(t, &s->refs[r]);
            s->refs[r].key = ovi_sort_ordinal(&t->parts[s->refs[r].part], s->refs[r].item);
        }
        ovi_sort_refs(s->refs, t->tmp, s->n, NULL, NULL, t->stop);
    }
    t->count = t->rows = 0;
}

bool ovi_ties_take(ovi_ties *t, ovi_ref *refs, size_t n, uint32_t level)
{
    if (n > t->most_rows)
        return false;
    if (t->level != level || t->rows + n > t->most_rows)
        finish(t);
    t->level = level;
    t->list[t->count++] = (stretch){refs, (uint32_t)n};
    t->rows += (uint32_t)n;
    return true;
}

uint64_t ovi_ties_close(ovi_ties *t)
{
    if (!t)
        return 0;
    ov_budget *budget = &t->sink->exec->cx->budget;
    finish(t);
    uint64_t visits = t->visits;
    ov_array_free(budget, &t->block, t->bytes);
    ov_array_free(budget, &t, sizeof(*t));
    return visits;
}
