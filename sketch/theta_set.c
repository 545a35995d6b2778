/*
 * Finished theta sketches: intersection, difference, estimate, bounds.
 *
 * Bounds are those of a Bernoulli sample: each value was kept with probability theta / 2^63. With more than 120 kept, the normal approximation with
 * continuity correction; with fewer, the exact tails of the binomial distribution, through the regularised incomplete beta function.
 */
#include "sketch/theta.h"

typedef enum keep { COMMON, ONLY_FIRST } keep;

static ov_status combine(const ov_theta_set *x, const ov_theta_set *y, keep what, ov_arena *a, ov_theta_set *out, ov_error *err)
{
    uint64_t *v, theta = OV_MIN(x->theta, y->theta);
    uint32_t n = 0;
    OV_TRY(ov_arena_alloc(a, (x->count + (size_t)1) * sizeof(*v), &v, err));
    for (uint32_t i = 0, j = 0; i < x->count && x->hash[i] < theta; i++) {
        while (j < y->count && y->hash[j] < x->hash[i])
            j++;
        bool both = j < y->count && y->hash[j] == x->hash[i];
        if (both == (what == COMMON))
            v[n++] = x->hash[i];
    }
    *out = (ov_theta_set){.hash = v, .count = n, .theta = theta, .seen = n > 0 || theta < OV_THETA_ALL};
    return OV_OK;
}

ov_status ov_theta_intersect(const ov_theta_set *x, const ov_theta_set *y, ov_arena *a, ov_theta_set *out, ov_error *err)
{
    if (!x->seen || !y->seen) {
        *out = (ov_theta_set){.theta = OV_THETA_ALL};
        return OV_OK;
    }
    return combine(x, y, COMMON, a, out, err);
}

ov_status ov_theta_subtract(const ov_theta_set *x, const ov_theta_set *y, ov_arena *a, ov_theta_set *out, ov_error *err)
{
    if (!x->seen || !y->seen) {
        *out = *x;
        return OV_OK;
    }
    return combine(x, y, ONLY_FIRST, a, out, err);
}

static double share(const ov_theta_set *s)
{
    return (double)s->theta / (double)OV_THETA_ALL;
}

double ov_theta_estimate(const ov_theta_set *s)
{
    return s->count * ((double)OV_THETA_ALL / (double)s->theta); /* rounded as DataSketches' Java rounds it */
}

/* ---- bounds ---- */

/* The continued fraction of the incomplete beta function (Lentz). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1), h;
    d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
    h = d;
    for (int m = 1; m < 2000; m++) {
        for (int half = 0; half < 2; half++) {
            double t = half ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                            : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + t * d;
            c = 1 + t / c;
            d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
            c = fabs(c) < 1e-300 ? 1e-300 : c;
            h *= d * c;
        }
        if (fabs(d * c - 1) < 1e-13)
            break;
    }
    return h;
}

/* I_x(a, b). */
double ovi_incomplete_beta(double a, double b, double x)
{
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* The number of values N at which N trials keep n or more with probability p. */
static double trials(double n, double theta, double p)
{
    double low = n, high = 2 * n / theta + 2;
    while (ovi_incomplete_beta(n, high - n + 1, theta) < p)
        high *= 2;
    for (int i = 0; i < 200 && high - low > 1e-9 * high; i++) {
        double mid = (low + high) / 2;
        if (ovi_incomplete_beta(n, mid - n + 1, theta) < p)
            low = mid;
        else
            high = mid;
    }
    return (low + high) / 2;
}

static double normal_bound(double n, double theta, unsigned deviations, double side)
{
    double around = (n + side * 0.5) / theta, b = deviations * sqrt((1 - theta) / theta);
    return around + 0.5 * b * b + side * 0.5 * b * sqrt(b * b + 4 * around) + side * 0.5;
}

double ov_theta_bound(const ov_theta_set *s, unsigned deviations, bool upper)
{
    double n = s->count, theta = share(s), estimate = ov_theta_estimate(s), bound;
    double tail = 0.5 * erfc(deviations / sqrt(2));
    if (theta >= 1)
        return n;
    if (n > 120)
        bound = normal_bound(n, theta, deviations, upper ? 1 : -1);
    else if (theta > 1 - 1e-5)
        bound = upper ? n + 1 : n;
    else if (s->count == 0)
        bound = upper ? ceil(log(tail) / log1p(-theta)) : 0;
    else
        bound = upper ? ceil(trials(n + 1, theta, 1 - tail)) : floor(trials(n, theta, tail));
    return upper ? fmax(estimate, bound) : fmin(estimate, fmax(n, bound));
}
