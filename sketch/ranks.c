#include "sketch/ranks.h"

#define SORT_ITEM double
#define SORT_KEY(x) (x)
#define SORT_NAME(verb) verb##_doubles
#include "sketch/sort_tmpl.h"

void ovi_sort_doubles(double *x, size_t n)
{
    sort_doubles(x, n);
}

/* ---- items with weights ---- */

ov_status ov_ranks_init(ov_ranks *r, uint32_t items, double min, double max, ov_arena *a, ov_error *err)
{
    *r = (ov_ranks){.cap = items, .min = min, .max = max};
    OV_TRY(ov_arena_alloc(a, ((size_t)items + 2) * sizeof(double), &r->items, err));
    return ov_arena_alloc(a, ((size_t)items + 2) * sizeof(uint64_t), &r->below, err);
}

typedef struct weighted {
    double *items;
    uint64_t *weights;
} weighted;

/* [from, mid) and [mid, to) of `in`, each sorted, as one stretch of `out`. */
static void merge_runs(weighted in, weighted out, size_t from, size_t mid, size_t to)
{
    size_t a = from, b = mid;
    for (size_t i = from; i < to; i++) {
        size_t k = a < mid && (b >= to || in.items[a] <= in.items[b]) ? a++ : b++;
        out.items[i] = in.items[k];
        out.weights[i] = in.weights[k];
    }
}

/* Merges stretches that are sorted as they come: sketches have few long ones. Least and greatest item join where they were lost. */
ov_status ov_ranks_finish(ov_ranks *r, ov_arena *a, ov_error *err)
{
    size_t n = r->count;
    weighted in = {r->items, r->below}, out;
    size_t *ends, runs = 0;
    OV_TRY(ov_arena_alloc(a, (n + 2) * sizeof(double), &out.items, err));
    OV_TRY(ov_arena_alloc(a, (n + 2) * sizeof(uint64_t), &out.weights, err));
    OV_TRY(ov_arena_alloc(a, (n + 1) * sizeof(size_t), &ends, err));
    for (size_t i = 1; i <= n; i++)
        if (i == n || in.items[i] < in.items[i - 1])
            ends[runs++] = i;
    while (runs > 1) {
        size_t kept = 0, from = 0;
        for (size_t i = 0; i < runs; i += 2) {
            size_t mid = ends[i], to = i + 1 < runs ? ends[i + 1] : mid;
            merge_runs(in, out, from, mid, to);
            ends[kept++] = from = to;
        }
        runs = kept;
        weighted swap = in;
        in = out;
        out = swap;
    }
    for (size_t i = 0; i < n; i++)
        in.weights[i] = r->n += in.weights[i];
    r->items = in.items;
    r->below = in.weights;
    if (n && r->items[0] != r->min) {
        memmove(r->items + 1, r->items, n * sizeof(double));
        memmove(r->below + 1, r->below, n * sizeof(uint64_t));
        r->items[0] = r->min;
        r->below[0] = 1;
        n++;
    }
    if (n && r->items[n - 1] != r->max) {
        r->below[n - 1] = r->n - 1;
        r->items[n] = r->max;
        r->below[n] = r->n;
        n++;
    }
    r->count = (uint32_t)n;
    return OV_OK;
}

/* Ranks that are meant to be whole come a little beside it: 0.1 of 30 is 3, not the 4 that rounding up would make of it. */
static double place_of(double rank, uint64_t n)
{
    double place = rank * (double)n;
    return ceil(n <= 10000000 ? floor(place * 1e7 + 0.5) / 1e7 : place);
}

double ov_ranks_quantile(const ov_ranks *r, double rank)
{
    if (r->n == 0 || isnan(rank))
        return NAN;
    double place = place_of(rank, r->n);
    uint64_t want = place < 1 ? 1 : place >= (double)r->n ? r->n : (uint64_t)place;
    uint32_t lo = 0, hi = r->count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->below[mid] < want)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < r->count ? r->items[lo] : r->max;
}

double ov_ranks_rank(const ov_ranks *r, double value)
{
    uint32_t lo = 0, hi = r->count;
    if (r->n == 0)
        return NAN;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (r->items[mid] <= value)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? (double)r->below[lo - 1] / (double)r->n : 0;
}

void ov_ranks_cdf(const ov_ranks *r, const double *points, uint32_t count, double *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = ov_ranks_rank(r, points[i]);
    out[count] = r->n ? 1 : NAN;
}

void ov_ranks_pmf(const ov_ranks *r, const double *points, uint32_t count, double *out)
{
    ov_ranks_cdf(r, points, count, out);
    for (uint32_t i = count; i > 0; i--)
        out[i] -= out[i - 1];
}

void ov_ranks_equal_points(const ov_ranks *r, uint32_t count, double *points)
{
    double step = (r->max - r->min) / count;
    for (uint32_t i = 0; i + 1 < count; i++)
        points[i] = r->min + step * (i + 1);
}

void ov_ranks_equal_floats(const ov_ranks *r, uint32_t count, double *points)
{
    float min = (float)r->min, step = ((float)r->max - min) / (float)count;
    for (uint32_t i = 0; i + 1 < count; i++)
        points[i] = (double)(min + step * (float)(i + 1));
}
