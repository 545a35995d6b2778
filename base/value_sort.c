/* Sorting by pieces: each takes the C library about a millisecond, then pairs of pieces are merged until one is left. */
#include "base/value_sort.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 14 };

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
