/*
 * Dictionaries in the order of their values. Entries are sorted by an eight-byte prefix that
 * settles most comparisons without touching the bytes.
 */
#include "base/bytes.h"
#include "storage/build/build_int.h"

typedef struct item {
    uint64_t prefix; /* orders as the values do, except for ties */
    uint32_t code;   /* of arrival */
} item;

typedef struct sorter {
    const ovi_dict *dict;
    ovi_value_kind kind;
} sorter;

static uint64_t prefix_of_bytes(ov_slice s)
{
    unsigned char head[8] = {0};
    if (s.n)
        memcpy(head, s.p, OV_MIN(s.n, sizeof head));
    return ov_load_be_u64(head);
}

static uint32_t elem_at(ov_slice list, size_t i)
{
    return ov_load_u32(list.p + i * 4);
}

static uint64_t prefix_of(const sorter *s, ov_slice v)
{
    uint64_t bits;
    switch (s->kind) {
    case OVI_VALUE_BYTES:
        return prefix_of_bytes(v);
    case OVI_VALUE_INT:
        return ov_load_u64(v.p) ^ UINT64_C(1) << 63;
    case OVI_VALUE_REAL:
        bits = ov_load_u64(v.p);
        return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
    case OVI_VALUE_LIST:
        break;
    }
    bits = v.n >= 4 ? (uint64_t)(elem_at(v, 0) + 1) << 32 : 0;
    return bits | (v.n >= 8 ? elem_at(v, 1) + 1 : 0);
}

static bool list_below(ov_slice a, ov_slice b)
{
    size_t n = OV_MIN(a.n, b.n) / 4;
    for (size_t i = 0; i < n; i++)
        if (elem_at(a, i) != elem_at(b, i))
            return elem_at(a, i) < elem_at(b, i);
    return a.n < b.n;
}

static bool item_below(const sorter *s, const item *a, const item *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix;
    ov_slice x = s->dict->entries[a->code], y = s->dict->entries[b->code];
    return s->kind == OVI_VALUE_LIST ? list_below(x, y) : ov_slice_cmp(x, y) < 0;
}

/* Bottom-up merge sort; runs of 8 by insertion. Returns which of the two arrays holds the result.
 */
static item *sort_items(const sorter *s, item *a, item *b, size_t n)
{
    for (size_t from = 0; from < n; from += 8)
        for (size_t i = from + 1; i < OV_MIN(from + 8, n); i++) {
            item it = a[i];
            size_t j = i;
            for (; j > from && item_below(s, &it, &a[j - 1]); j--)
                a[j] = a[j - 1];
            a[j] = it;
        }
    for (size_t width = 8; width < n; width *= 2) {
        for (size_t from = 0; from < n; from += 2 * width) {
            size_t i = from, mid = OV_MIN(from + width, n), j = mid,
                   end = OV_MIN(from + 2 * width, n);
            for (size_t to = from; to < end; to++)
                b[to] = j >= end || (i < mid && !item_below(s, &a[j], &a[i])) ? a[i++] : a[j++];
        }
        item *t = a;
        a = b;
        b = t;
    }
    return a;
}

static ov_status rank_items(const item *items, uint32_t n, bool has_null, ov_budget *budget,
                            ovi_sorted *out, ov_error *err)
{
    OV_TRY(ovi_grow(&out->rank, &out->rank_cap, (size_t)n + 1, sizeof *out->rank, budget, err));
    OV_TRY(ovi_grow(&out->order, &out->order_cap, (size_t)n + 1, sizeof *out->order, budget, err));
    uint32_t next = has_null;
    out->rank[0] = out->order[0] = 0;
    for (uint32_t i = 0; i < n; i++, next++) {
        out->rank[items[i].code] = next;
        out->order[next] = items[i].code;
    }
    out->count = next;
    out->has_null = has_null;
    return OV_OK;
}

ov_status ovi_sort_values(const ovi_dict *d, ovi_value_kind kind, bool has_null, ov_budget *budget,
                          ovi_sorted *out, ov_error *err)
{
    sorter s = {.dict = d, .kind = kind};
    item *a = NULL, *b = NULL;
    size_t a_cap = 0, b_cap = 0;
    uint32_t n = d->count - 1;
    ov_status st = OV_OK;
    *out = (ovi_sorted){0};
    OV_TRY_OUT(st, ovi_grow(&a, &a_cap, n, sizeof *a, budget, err));
    OV_TRY_OUT(st, ovi_grow(&b, &b_cap, n, sizeof *b, budget, err));
    for (uint32_t i = 0; i < n; i++)
        a[i] = (item){.prefix = prefix_of(&s, d->entries[i + 1]), .code = i + 1};
    OV_TRY_OUT(st, rank_items(sort_items(&s, a, b, n), n, has_null, budget, out, err));
out:
    ovi_shrink(&a, &a_cap, sizeof *a, budget);
    ovi_shrink(&b, &b_cap, sizeof *b, budget);
    if (st != OV_OK)
        ovi_sorted_fini(out, budget);
    return st;
}

void ovi_sorted_fini(ovi_sorted *s, ov_budget *budget)
{
    ovi_shrink(&s->rank, &s->rank_cap, sizeof *s->rank, budget);
    ovi_shrink(&s->order, &s->order_cap, sizeof *s->order, budget);
}

ovi_value_kind ovi_elem_kind(ov_type t)
{
    if (t.id == OV_TYPE_STRING || t.elem == OV_TYPE_STRING)
        return OVI_VALUE_BYTES;
    return t.elem == OV_TYPE_LONG ? OVI_VALUE_INT : OVI_VALUE_REAL;
}

/* Entries are copies of our own (8-byte aligned), so they may be rewritten; the hash table is not
 * used again. */
static uint32_t *own_list(const ovi_dict *d, uint32_t code)
{
    return (uint32_t *)(uintptr_t)d->entries[code].p;
}

ov_status ovi_sort_lists(ovi_column *c, ovi_sorted *elems, ovi_sorted *lists, ov_error *err)
{
    bool null_elem = false;
    *lists = (ovi_sorted){0};
    for (uint32_t i = 1; i < c->dict.count; i++)
        for (size_t e = 0; e < c->dict.entries[i].n / 4; e++)
            null_elem |= own_list(&c->dict, i)[e] == 0;
    OV_TRY(
        ovi_sort_values(&c->elems, ovi_elem_kind(c->def.type), null_elem, c->budget, elems, err));
    for (uint32_t i = 1; i < c->dict.count; i++)
        for (size_t e = 0; e < c->dict.entries[i].n / 4; e++)
            own_list(&c->dict, i)[e] = elems->rank[own_list(&c->dict, i)[e]];
    return ovi_sort_values(&c->dict, OVI_VALUE_LIST, c->nulls > 0, c->budget, lists, err);
}
