/*
 * Sorting items by a number each: quicksort by the median of three, insertion for short stretches, heapsort when it goes wrong.
 *
 * Parameters  SORT_ITEM (type), SORT_KEY(item) (the number, not NaN), SORT_NAME(verb) (name of a static function).
 * Gives       void SORT_NAME(sort)(SORT_ITEM *x, size_t n): ascending; equal keys in any order.
 */
#include <stddef.h>

static void SORT_NAME(insertion)(SORT_ITEM *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        SORT_ITEM v = x[i];
        size_t k = i;
        for (; k > 0 && SORT_KEY(x[k - 1]) > SORT_KEY(v); k--)
            x[k] = x[k - 1];
        x[k] = v;
    }
}

static void SORT_NAME(swap)(SORT_ITEM *a, SORT_ITEM *b)
{
    SORT_ITEM v = *a;
    *a = *b;
    *b = v;
}

static void SORT_NAME(sift)(SORT_ITEM *x, size_t at, size_t n)
{
    SORT_ITEM v = x[at];
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        child += child + 1 < n && SORT_KEY(x[child + 1]) > SORT_KEY(x[child]);
        if (SORT_KEY(x[child]) <= SORT_KEY(v))
            break;
        x[at] = x[child];
    }
    x[at] = v;
}

static void SORT_NAME(heap)(SORT_ITEM *x, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        SORT_NAME(sift)(x, i, n);
    for (size_t i = n; i-- > 1;) {
        SORT_NAME(swap)(&x[0], &x[i]);
        SORT_NAME(sift)(x, 0, i);
    }
}

static double SORT_NAME(median)(double a, double b, double c)
{
    if (a > b)
        return b > c ? b : a < c ? a : c;
    return a > c ? a : b < c ? b : c;
}

static void SORT_NAME(part)(SORT_ITEM *x, size_t n, unsigned depth)
{
    enum { SHORT = 16 };
    while (n > SHORT) {
        if (depth-- == 0) {
            SORT_NAME(heap)(x, n);
            return;
        }
        double pivot = SORT_NAME(median)(SORT_KEY(x[0]), SORT_KEY(x[n / 2]), SORT_KEY(x[n - 1]));
        size_t lo = 0, hi = n - 1;
        for (;; lo++, hi--) {
            while (SORT_KEY(x[lo]) < pivot)
                lo++;
            while (SORT_KEY(x[hi]) > pivot)
                hi--;
            if (lo >= hi)
                break;
            SORT_NAME(swap)(&x[lo], &x[hi]);
        }
        size_t left = hi + 1;
        if (left < n - left) {
            SORT_NAME(part)(x, left, depth);
            x += left;
            n -= left;
        } else {
            SORT_NAME(part)(x + left, n - left, depth);
            n = left;
        }
    }
    SORT_NAME(insertion)(x, n);
}

static void SORT_NAME(sort)(SORT_ITEM *x, size_t n)
{
    SORT_NAME(part)(x, n, n ? 2 * (unsigned)(64 - __builtin_clzll(n)) : 0);
}

#undef SORT_ITEM
#undef SORT_KEY
#undef SORT_NAME
