/*
 * How many distinct values an HLL sketch has seen, and how sure that is.
 *
 * LIST and SET: n values give fewer coupons because some collide. The expected number of coupons of n values is known exactly,
 * E(n) = sum over coupons of 1 - (1-p)^n; its inverse is taken at a few points and interpolated between them by a cubic, as
 * DataSketches does, so that small counts agree to the last digit.
 *
 * ARRAY, merged: the raw estimate of Flajolet et al. is biased while n is not much larger than k. Its expectation given n
 * follows from the distribution of the registers (expected_raw), and the estimate is the n whose expectation is what was found.
 * Where many registers are still 0, counting those is better (coupon collector); the crossover is DataSketches'.
 *
 * Bounds: z standard deviations of 0.8326/sqrt(k) with HIP, 1.0390/sqrt(k) without. At small k the distribution is skewed;
 * the quantiles DataSketches publishes for lg_k <= 12 follow a parabola in that deviation within 0.7%.
 */
#include "sketch/hll.h"

/* ---- coupons ---- */

/* E^-1 at a few numbers of coupons; the last digit as DataSketches rounds it, since images carry what comes of it. */
static const double coupon_x[] = {0, 1, 20, 400, 8000, 160000, 300000, 600000};
static const double coupon_y[] = {0,
                                  1,
                                  20.0000009437402611,
                                  400.000396371338411,
                                  8000.15892946020904,
                                  160063.606776375964,
                                  300223.707159766345,
                                  600895.593385617016};

/* Lagrange's cubic through four points. */
static double cubic(const double x[4], const double y[4], double at)
{
    double d0 = at - x[0], d1 = at - x[1], d2 = at - x[2], d3 = at - x[3];
    double t0 = y[0] * (d1 * d2 * d3) / ((x[0] - x[1]) * (x[0] - x[2]) * (x[0] - x[3]));
    double t1 = y[1] * (d0 * d2 * d3) / ((x[1] - x[0]) * (x[1] - x[2]) * (x[1] - x[3]));
    double t2 = y[2] * (d0 * d1 * d3) / ((x[2] - x[0]) * (x[2] - x[1]) * (x[2] - x[3]));
    double t3 = y[3] * (d0 * d1 * d2) / ((x[3] - x[0]) * (x[3] - x[1]) * (x[3] - x[2]));
    return t0 + t1 + t2 + t3;
}

static double from_coupons(uint32_t count)
{
    uint32_t i = 0;
    while (i + 2 < OV_COUNT_OF(coupon_x) && coupon_x[i + 1] <= count)
        i++;
    i = i > 0 ? i - 1 : 0;
    i = OV_MIN(i, (uint32_t)OV_COUNT_OF(coupon_x) - 4);
    return cubic(coupon_x + i, coupon_y + i, count);
}

/* ---- registers ---- */

static double raw_factor(unsigned lg_k)
{
    static const double small[] = {0.673, 0.697, 0.709};
    return lg_k < 7 ? small[lg_k - 4] : 0.7213 / (1 + 1.079 / (double)(1u << lg_k));
}

/*
 * The expectation of the raw estimate of n values: E[a k^2 / S] with S the sum of 2^-register. A register is at most j with
 * probability (1 - 2^-j / k)^n. 1/S is developed to the second order in S's deviation; registers of a fixed n hang together,
 * which takes n (dE[S]/dn)^2 off the variance.
 */
static double expected_raw(unsigned lg_k, double n)
{
    double k = (double)(1u << lg_k), first = 0, second = 0, slope = 0, below = 0, below_slope = 0;
    for (int j = 0; j < 64; j++) {
        double weight = ldexp(1, -j), miss = weight / k;
        double p = exp(n * log1p(-miss)), d = -miss * exp(-n * miss);
        first += (p - below) * weight;
        second += (p - below) * weight * weight;
        slope += (d - below_slope) * weight;
        below = p;
        below_slope = d;
        if (1 - p < 1e-17)
            break;
    }
    double mean = k * first, lean = k * slope;
    double variance = k * (second - first * first) - n * lean * lean;
    return raw_factor(lg_k) * k * k / mean * (1 + variance / (mean * mean));
}

/* The n whose expectation is `raw`: regula falsi, weighted so that no end stays for ever (Illinois). */
static double unbiased(unsigned lg_k, double raw)
{
    double k = (double)(1u << lg_k), low = 0, high = 10 * k;
    double at_low = expected_raw(lg_k, low) - raw, at_high = expected_raw(lg_k, high) - raw;
    if (at_low >= 0)
        return 0;
    if (at_high <= 0)
        return raw * (high / (at_high + raw));
    int last = 0;
    for (int i = 0; i < 60 && high - low > 1e-10 * high; i++) {
        double mid = (low * at_high - high * at_low) / (at_high - at_low), at = expected_raw(lg_k, mid) - raw;
        if (fabs(at) < 1e-12 * raw)
            return mid;
        if (at < 0) {
            low = mid, at_low = at;
            at_high = last < 0 ? at_high / 2 : at_high;
        } else {
            high = mid, at_high = at;
            at_low = last > 0 ? at_low / 2 : at_low;
        }
        last = at < 0 ? -1 : 1;
    }
    return (low + high) / 2;
}

/* 1 + 1/2 + ... + 1/n. */
static double harmonic(uint32_t n)
{
    double sum = 0, x = n;
    if (n < 32) {
        for (; n; n--)
            sum += 1.0 / n;
        return sum;
    }
    double q = 1 / (x * x);
    return log(x) + 0.57721566490153286 + 1 / (2 * x) - q * (1.0 / 12 - q * (1.0 / 120 - q * (1.0 / 252 - q / 240)));
}

/* How many values leave this many of k slots untouched. */
static double from_zeros(unsigned lg_k, uint32_t zeros)
{
    double k = (double)(1u << lg_k);
    if (zeros == 0)
        return k * log(k / 0.5);
    return k * (harmonic(1u << lg_k) - harmonic(zeros));
}

static double from_registers(const ov_hll *s)
{
    uint32_t count[64];
    double sum = 0, k = (double)(1u << s->lg_k);
    ovi_hll_histogram(s, count);
    for (int j = 63; j >= 0; j--)
        sum += count[j] * ldexp(1, -j);
    double many = unbiased(s->lg_k, raw_factor(s->lg_k) * k * k / sum);
    if (many > 3 * k)
        return many;
    double few = from_zeros(s->lg_k, count[0]), cross = s->lg_k == 4 ? 0.718 : s->lg_k == 5 ? 0.672 : 0.64;
    return (many + few) / 2 > cross * k ? many : few;
}

double ov_hll_estimate(const ov_hll *s)
{
    if (s->mode != OV_HLL_ARRAY)
        return fmax(from_coupons(s->count), s->count);
    return s->merged ? from_registers(s) : s->hip;
}

/* ---- bounds ---- */

/* Distance of a bound, relative to the bound: [merged][upper][deviations - 1], powers of the standard deviation. */
static const double skew[2][2][3][3] = {
    {{{0.9962, 0.083, -0.4132}, {0.9957, 0.8948, 0.5916}, {0.9933, 1.4201, 2.8427}},
     {{0.9959, 0.0525, -0.2045}, {0.9954, -0.7544, 0.3549}, {0.9907, -1.3378, 1.1263}}},
    {{{0.9966, 0.0622, -0.4997}, {0.9975, 0.979, 0.9045}, {0.9989, 1.5337, 4.0621}},
     {{0.9995, -0.012, -0.1099}, {0.9973, -0.9243, 0.5254}, {0.9903, -1.5646, 1.3604}}},
};

static double distance(const ov_hll *s, unsigned deviations, bool upper)
{
    double one = (s->merged ? 1.03896 : 0.8325546) / sqrt((double)(1u << s->lg_k));
    if (s->lg_k > 12)
        return deviations * one;
    const double *c = skew[s->merged][upper][deviations - 1];
    return deviations * one * (c[0] + one * (c[1] + one * c[2]));
}

double ov_hll_bound(const ov_hll *s, unsigned deviations, bool upper)
{
    double estimate = ov_hll_estimate(s), sign = upper ? -1 : 1, least = s->count;
    if (s->mode != OV_HLL_ARRAY)
        return fmax(from_coupons(s->count) / (1 + sign * deviations * (0.409 / (1 << 13))), least);
    double bound = estimate / (1 + sign * distance(s, deviations, upper));
    if (upper)
        return bound;
    uint32_t count[64];
    ovi_hll_histogram(s, count);
    return fmax(bound, (double)((1u << s->lg_k) - count[0]));
}
