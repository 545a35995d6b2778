#include "query/exec/sort_refs.h"

#include <string.h>

OV_INLINE bool before(const ovi_ref *a, const ovi_ref *b, ovi_ref_less *less, const void *cx)
{
    if (a->key != b->key)
        return a->key < b->key;
    return less && less(cx, a, b);
}

static void insertion(ovi_ref *r, size_t n, ovi_ref_less *less, const void *cx)
{
    for (size_t i = 1; i < n; i++) {
        ovi_ref x = r[i];
        size_t at = i;
        for (; at > 0 && before(&x, &r[at - 1], less, cx); at--)
            r[at] = r[at - 1];
        r[at] = x;
    }
}

static bool stopped(const ovi_stop *stop)
{
    return stop && stop->asked(stop->cx);
}

/* Merges from[at, mid) and from[mid, end) into to[at, end). false: told to stop, and to is not complete. */
OV_INLINE bool merge(const ovi_ref *from, ovi_ref *to, size_t at, size_t mid, size_t end, ovi_ref_less *less,
                     const void *cx, const ovi_stop *stop)
{
    enum { STEPS = 1 << 10 }; /* a comparison may look at a thousand keys */
    size_t a = at, b = mid;
    for (size_t i = at; i < end;) {
        for (size_t part = OV_MIN(end, i + STEPS); i < part; i++) {
            bool right = b < end && (a >= mid || before(&from[b], &from[a], less, cx));
            to[i] = right ? from[b++] : from[a++];
        }
        if (i < end && stopped(stop))
            return false;
    }
    return true;
}

/* Bottom-up merge sort: runs of 16 by insertion, then pairs. */
void ovi_sort_refs(ovi_ref *refs, ovi_ref *tmp, size_t n, ovi_ref_less *less, const void *cx, const ovi_stop *stop)
{
    enum { RUN = 16, MANY = 1 << 10 };
    size_t sorted = 1;
    while (sorted < n && !before(&refs[sorted], &refs[sorted - 1], less, cx))
        if (++sorted % MANY == 0 && stopped(stop))
            return;
    if (sorted >= n)
        return;
    for (size_t at = 0; at < n; at += RUN) {
        insertion(refs + at, OV_MIN(n - at, (size_t)RUN), less, cx);
        if (at % MANY == MANY - RUN && stopped(stop))
            return;
    }
    ovi_ref *from = refs, *to = tmp;
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t at = 0, asked = 0; at < n; at += 2 * width) {
            bool ask = at - asked >= MANY;
            if (!merge(from, to, at, OV_MIN(at + width, n), OV_MIN(at + 2 * width, n), less, cx, stop) ||
                (ask && stopped(stop))) {
                if (from != refs)
                    memcpy(refs, from, n * sizeof(*refs));
                return;
            }
            asked = ask ? at : asked;
        }
        ovi_ref *swap = from;
        from = to;
        to = swap;
    }
    if (from != refs)
        memcpy(refs, from, n * sizeof(*refs));
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
    return a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
}

/* Quickselect: [from, to) always holds the keep-th key. Bad pivots cost at most a bounded number of passes, then what is
 * left is kept whole, which is only more work for the sort. */
size_t ovi_select_refs(ovi_ref *refs, size_t n, size_t keep, const ovi_stop *stop)
{
    enum { ASK = 1 << 16 };
    size_t from = 0, to = n, steps = 0;
    for (int pass = 0; pass < 64 && to - from > 32; pass++) {
        uint64_t pivot = median(refs[from].key, refs[from + (to - from) / 2].key, refs[to - 1].key);
        size_t low = from, mid = from, high = to; /* [from, low) < pivot, [low, mid) = pivot, [high, to) > pivot */
        while (mid < high) {
            ovi_ref x = refs[mid];
            if (++steps % ASK == 0 && stopped(stop))
                return to;
            if (x.key < pivot) {
                refs[mid++] = refs[low];
                refs[low++] = x;
            } else if (x.key > pivot) {
                refs[mid] = refs[--high];
                refs[high] = x;
            } else {
                mid++;
            }
        }
        if (keep <= low)
            to = low;
        else if (keep <= mid)
            return mid;
        else
            from = mid;
    }
    return to;
}
