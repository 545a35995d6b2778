/* Finished tuple sketches: set operations and what can be estimated of their numbers; see sketch/tuple.h. */
#include "sketch/tuple.h"

static ov_status begin(const ov_tuple_set *x, const ov_tuple_set *y, ov_arena *a, ov_tuple_set *out, uint64_t **hash,
                       double **values, ov_error *err)
{
    uint32_t width = x->width ? x->width : y->width;
    if (x->width && y->width && x->width != y->width)
        return ov_fail(err, OV_INVALID, "tuple sketches with %u and with %u numbers a value do not fit together", x->width,
                       y->width);
    *out = (ov_tuple_set){.theta = OV_MIN(x->theta, y->theta), .width = width, .seen = x->seen};
    OV_TRY(ov_arena_alloc(a, ((size_t)x->count + 1) * sizeof(**hash), hash, err));
    OV_TRY(ov_arena_alloc(a, ((size_t)x->count * width + 1) * sizeof(**values), values, err));
    out->hash = *hash;
    out->values = *values;
    return OV_OK;
}

/* Entries of x that y has, or has not. */
static ov_status select_entries(const ov_tuple_set *x, const ov_tuple_set *y, bool in_both, ov_arena *a, ov_tuple_set *out,
                                ov_error *err)
{
    uint64_t *hash;
    double *values;
    OV_TRY(begin(x, y, a, out, &hash, &values, err));
    for (uint32_t i = 0, k = 0; i < x->count && x->hash[i] < out->theta; i++) {
        while (k < y->count && y->hash[k] < x->hash[i])
            k++;
        bool same = k < y->count && y->hash[k] == x->hash[i];
        if (same != in_both)
            continue;
        hash[out->count] = x->hash[i];
        for (uint32_t c = 0; c < out->width; c++)
            values[(size_t)out->count * out->width + c] =
                x->values[(size_t)i * x->width + c] + (same ? y->values[(size_t)k * y->width + c] : 0);
        out->count++;
    }
    return OV_OK;
}

ov_status ov_tuple_intersect(const ov_tuple_set *x, const ov_tuple_set *y, ov_arena *a, ov_tuple_set *out, ov_error *err)
{
    OV_TRY(select_entries(x, y, true, a, out, err));
    out->seen = x->seen && y->seen;
    if (!out->seen)
        out->theta = OV_THETA_ALL;
    return OV_OK;
}

ov_status ov_tuple_subtract(const ov_tuple_set *x, const ov_tuple_set *y, ov_arena *a, ov_tuple_set *out, ov_error *err)
{
    OV_TRY(select_entries(x, y, false, a, out, err));
    if (!out->seen)
        out->theta = OV_THETA_ALL;
    return OV_OK;
}

/* ---- numbers ---- */

static double sum_of(const ov_tuple_set *s, uint32_t column)
{
    double sum = 0;
    for (uint32_t i = 0; i < s->count; i++)
        sum += s->values[(size_t)i * s->width + column];
    return sum;
}

double ov_tuple_mean(const ov_tuple_set *s, uint32_t column)
{
    return s->count ? sum_of(s, column) / s->count : NAN;
}

double ov_tuple_variance(const ov_tuple_set *s, uint32_t column)
{
    double mean = ov_tuple_mean(s, column), m2 = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        double off = s->values[(size_t)i * s->width + column] - mean;
        m2 += off * off;
    }
    return s->count == 0 ? NAN : s->count == 1 ? 0 : m2 / (s->count - 1.0);
}

double ov_tuple_sum_estimate(const ov_tuple_set *s, uint32_t column)
{
    return sum_of(s, column) / ((double)s->theta / (double)OV_THETA_ALL);
}

double ov_tuple_t_test(const ov_tuple_set *x, const ov_tuple_set *y, uint32_t column)
{
    double nx = x->count, ny = y->count;
    if (nx < 2 || ny < 2)
        return NAN;
    double vx = ov_tuple_variance(x, column) / nx, vy = ov_tuple_variance(y, column) / ny;
    double t = fabs(ov_tuple_mean(x, column) - ov_tuple_mean(y, column)) / sqrt(vx + vy);
    double freedom = (vx + vy) * (vx + vy) / (vx * vx / (nx - 1) + vy * vy / (ny - 1));
    if (isnan(t) || isnan(freedom))
        return NAN;
    double z = freedom / (freedom + t * t);
    return z >= 1 ? 1 : z <= 0 ? 0 : ovi_incomplete_beta(freedom / 2, 0.5, z);
}
