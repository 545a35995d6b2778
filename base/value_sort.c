/*
 * Sorting by pieces: each takes the C library about a millisecond, then pairs of pieces are merged until one is left.
 * By keys: a radix sort of the keys, then runs of one key by comparing.
 */
#include "base/value_sort.h"

#include <stdlib.h>
#include <string.h>

#include "base/radix_sort.h"

enum { PIECE = 1 << 14, FEW = 200 /* not worth keys */ };

typedef struct sorting {
    size_t size;
    int (*order)(const void *, const void *);
    const ov_budget *budget;
} sorting;

/* Two sorted neighbours, [a, b) and [b, end), into `to`. */
static ov_status merge_pair(const sorting *s, const char *a, const char *b, const char *end, char *to, ov_error *err)
{
    const char *middle = b;
    size_t step = 0;
    while (a < middle && b < end) {
        OV_TRY(ov_budget_alive_at(s->budget, ++step, err));
        bool first = s->order(a, b) <= 0;
        memcpy(to, first ? a : b, s->size);
        to += s->size;
        a += first ? s->size : 0;
        b += first ? 0 : s->size;
    }
    if (a < middle)
        memcpy(to, a, (size_t)(middle - a));
    else if (b < end)
        memcpy(to, b, (size_t)(end - b));
    return OV_OK;
}

static ov_status merge_all(const sorting *s, char *values, char *other, size_t bytes, ov_error *err)
{
    char *from = values, *to = other;
    for (size_t width = PIECE * s->size; width < bytes; width *= 2) {
        for (size_t at = 0; at < bytes; at += 2 * width) {
            size_t middle = OV_MIN(at + width, bytes), end = OV_MIN(at + 2 * width, bytes);
            OV_TRY(merge_pair(s, from + at, from + middle, from + end, to + at, err));
        }
        char *swap = from;
        from = to;
        to = swap;
    }
    if (from != values)
        memcpy(values, from, bytes);
    return OV_OK;
}

ov_status ov_sort(ov_budget *budget, void *values, size_t n, size_t size,
                  int (*order)(const void *, const void *), ov_error *err)
{
    sorting s = {size, order, budget};
    char *v = values, *other = NULL;
    for (size_t at = 0; at < n; at += PIECE) {
        if (at)
            OV_TRY(ov_budget_alive(budget, err));
        qsort(v + at * size, OV_MIN(n - at, (size_t)PIECE), size, order);
    }
    if (n <= PIECE)
        return OV_OK;
    OV_TRY(ov_array_grow(budget, &other, 0, n * size, err));
    ov_status st = merge_all(&s, v, other, n * size, err);
    ov_array_free(budget, &other, n * size);
    return st;
}

/* ---- by keys ---- */

static ov_status in_order(const ov_budget *budget, const char *v, size_t n, size_t size, int (*order)(const void *, const void *),
                          bool *yes, ov_error *err)
{
    *yes = true;
    for (size_t i = 1; i < n && *yes; i++) {
        OV_TRY(ov_budget_alive_at(budget, i, err));
        *yes = order(v + (i - 1) * size, v + i * size) <= 0;
    }
    return OV_OK;
}

/* Values by the order of items, and those of one key by comparing. */
static ov_status gather(ov_budget *budget, char *v, char *other, size_t size, const ov_radix_item *items, uint32_t n,
                        int (*order)(const void *, const void *), ov_error *err)
{
    memcpy(other, v, n * size);
    for (uint32_t i = 0, first = 0; i < n; i++) {
        OV_TRY(ov_budget_alive_at(budget, i + 1, err));
        memcpy(v + i * size, other + items[i].at * size, size);
        if (i + 1 < n && items[i + 1].key == items[i].key)
            continue;
        if (i > first)
            OV_TRY(ov_sort(budget, v + first * size, i + 1 - first, size, order, err));
        first = i + 1;
    }
    return OV_OK;
}

ov_status ov_sort_by_key(ov_budget *budget, void *values, size_t n, size_t size, uint64_t (*key)(const void *value, const void *cx),
                         const void *cx, int (*order)(const void *, const void *), ov_error *err)
{
    char *v = values, *other = NULL;
    ov_radix_item *items = NULL, *sorted;
    size_t item_bytes = 2 * n * sizeof *items;
    bool done;
    OV_TRY(in_order(budget, v, n, size, order, &done, err));
    if (done)
        return OV_OK;
    if (n <= FEW || n > UINT32_MAX)
        return ov_sort(budget, values, n, size, order, err);
    OV_TRY(ov_array_grow(budget, &items, 0, item_bytes, err));
    ov_status st = ov_array_grow(budget, &other, 0, n * size, err);
    for (size_t i = 0; i < n && st == OV_OK; i++) {
        st = ov_budget_alive_at(budget, i + 1, err);
        items[i] = (ov_radix_item){.key = key(v + i * size, cx), .at = (uint32_t)i};
    }
    if (st == OV_OK)
        st = ov_radix_sort(items, items + n, (uint32_t)n, budget, &sorted, err);
    if (st == OV_OK)
        st = gather(budget, v, other, size, sorted, (uint32_t)n, order, err);
    if (other)
        ov_array_free(budget, &other, n * size);
    ov_array_free(budget, &items, item_bytes);
    return st;
}
