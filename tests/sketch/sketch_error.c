/*
 * How far off every sketch is, beside what is published for it.
 *
 *   sketch_error [VALUES]      10 million different ones unless said otherwise
 *
 * Counts of different values: the estimate's relative error, beside three standard deviations. Sketches of numbers, which come in a muddled
 * order: the largest error of a rank over a thousand quantiles. Ends with 1 when one is worse than its bound.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sketch/bloom.h"
#include "sketch/buckets.h"
#include "sketch/histogram.h"
#include "sketch/hll.h"
#include "sketch/hyperunique.h"
#include "sketch/kll.h"
#include "sketch/powers.h"
#include "sketch/quantiles.h"
#include "sketch/tdigest.h"
#include "sketch/theta.h"
#include "sketch/tuple.h"

static ov_arena arena;
static ov_sketch_mem mem;
static ov_error err;
static uint64_t values = 10000000;
static int failures;

static void must(ov_status st)
{
    if (st == OV_OK)
        return;
    fprintf(stderr, "%s\n", err.text);
    exit(2);
}

static void report(const char *name, const char *size, double error, double bound, const char *published)
{
    bool wrong = !(error <= bound);
    printf("%-28s %-16s %8.3f %%   %6.2f %%  %s%s\n", name, size, error * 100, bound * 100, published, wrong ? "   TOO FAR OFF" : "");
    failures += wrong;
}

/* ---- different values ---- */

static double off(double estimate, double truth)
{
    return fabs(estimate / truth - 1);
}

static void hll(void)
{
    ov_hll s;
    ov_hll_init(&s, OV_HLL_DEFAULT_LG_K, OV_HLL_4);
    s.merged = true; /* any order: the estimate of the set alone */
    for (uint64_t i = 0; i < values; i++)
        must(ov_hll_add(&s, ov_hll_coupon(ov_murmur3_u64(i, OV_SKETCH_SEED)), &mem, &err));
    report("HLL", "lgK 12", off(ov_hll_estimate(&s), (double)values), 3 * 1.04 / sqrt(4096), "3 x 1.04 / sqrt(4096)");
}

static void hyper_unique(void)
{
    ov_hyper s = {0};
    for (uint64_t i = 0; i < values; i++) {
        char text[24];
        int n = snprintf(text, sizeof text, "%llu", (unsigned long long)i);
        must(ov_hyper_add(&s, ov_slice_make(text, (size_t)n), &mem, &err));
    }
    report("hyperUnique", "2048 registers", off(ov_hyper_estimate(&s), (double)values), 3 * 1.04 / sqrt(2048), "3 x 1.04 / sqrt(2048)");
}

static void theta(void)
{
    ov_theta s;
    ov_theta_set set;
    ov_theta_init(&s, OV_THETA_DEFAULT_LG_K);
    for (uint64_t i = 0; i < values; i++)
        must(ov_theta_add(&s, ov_theta_hash(ov_murmur3_u64(i, OV_SKETCH_SEED)), &mem, &err));
    must(ov_theta_finish(&s, &arena, &set, &err));
    report("theta", "16384 entries", off(ov_theta_estimate(&set), (double)values), 3 / sqrt(16384 - 1), "3 / sqrt(16383)");
}

static void tuple(void)
{
    ov_tuple s;
    ov_tuple_set set;
    ov_theta_set hashes;
    double sum = (double)values * (double)(values - 1) / 2;
    ov_tuple_init(&s, 14, 1);
    for (uint64_t i = 0; i < values; i++) {
        double number = (double)i;
        must(ov_tuple_add(&s, ov_theta_hash(ov_murmur3_u64(i, OV_SKETCH_SEED)), &number, &mem, &err));
    }
    must(ov_tuple_finish(&s, &arena, &set, &err));
    hashes = ov_tuple_hashes(&set);
    report("tuple, values", "16384 entries", off(ov_theta_estimate(&hashes), (double)values), 3 / sqrt(16384 - 1), "3 / sqrt(16383)");
    /* of numbers from 0 to n the mean of 16384 has another 0.577 / sqrt(16384) */
    report("tuple, sum of a number", "16384 entries", off(ov_tuple_sum_estimate(&set, 0), sum), 3 * sqrt(1 + 1 / 3.0) / sqrt(16384 - 1),
           "3 x sqrt(1 + 1/3) / sqrt(16383)");
}

static void bloom(void)
{
    ov_bloom s = {0};
    uint64_t wrong = 0, tries = OV_MIN(values, (uint64_t)1000000);
    must(ov_bloom_init(&s, values, &mem, &err));
    for (uint64_t i = 0; i < values; i++)
        ov_bloom_add(&s, ov_bloom_hash_i64((int64_t)i));
    for (uint64_t i = 0; i < values; i++)
        if (!ov_bloom_test(&s, ov_bloom_hash_i64((int64_t)i)))
            report("bloom, forgot a value", "", 1, 0, "never");
    for (uint64_t i = 0; i < tries; i++)
        wrong += ov_bloom_test(&s, ov_bloom_hash_i64((int64_t)(values + i)));
    report("bloom, wrongly yes", "as many", (double)wrong / (double)tries, 0.06, "about 1 of 20");
}

/* ---- numbers: 0 .. values - 1, each once ---- */

static double number(uint64_t i)
{
    return (double)((i % values) * UINT64_C(2654435761) % values); /* a prime: all remainders come */
}

typedef double (*quantile_fn)(const void *self, double p);

static double worst(quantile_fn quantile, const void *self)
{
    double most = 0;
    for (int i = 1; i < 1000; i++)
        most = fmax(most, fabs(quantile(self, i / 1000.0) / (double)values - i / 1000.0));
    return most;
}

static double of_ranks(const void *self, double p)
{
    return ov_ranks_quantile(self, p);
}

static void quantiles(void)
{
    ov_quantiles s;
    ov_ranks ranks;
    ov_quantiles_init(&s, OV_QUANTILES_DEFAULT_K);
    for (uint64_t i = 0; i < values; i++)
        must(ov_quantiles_add(&s, number(i), &mem, &err));
    must(ov_quantiles_ranks(&s, &ranks, &arena, &err));
    report("quantiles", "k 128", worst(of_ranks, &ranks), 0.01725, "1.725 % for all ranks at once (99 %)");
}

static void kll(bool floats)
{
    ov_kll s;
    ov_ranks ranks;
    ov_kll_init(&s, OV_KLL_DEFAULT_K, floats);
    for (uint64_t i = 0; i < values; i++)
        must(ov_kll_add(&s, number(i), &mem, &err));
    must(ov_kll_ranks(&s, &ranks, &arena, &err));
    report(floats ? "KLL of floats" : "KLL of doubles", "k 200", worst(of_ranks, &ranks), 0.0165, "1.65 % for all ranks at once (99 %)");
}

static double of_tdigest(const void *self, double p)
{
    return ov_tdigest_quantile(self, p);
}

static void tdigest(void)
{
    ov_tdigest s;
    ov_tdigest_init(&s, OV_TDIGEST_DEFAULT_COMPRESSION);
    for (uint64_t i = 0; i < values; i++)
        must(ov_tdigest_add(&s, number(i), &mem, &err));
    ov_tdigest_compress(&s);
    report("t-digest", "compression 100", worst(of_tdigest, &s), 0.016, "1.6 % in the middle: a cell's share");
}

static double of_powers(const void *self, double p)
{
    return ov_powers_quantile(self, p);
}

static void moments(void)
{
    ov_powers s;
    ov_powers_solved d;
    ov_powers_init(&s, OV_POWERS_DEFAULT_K, false);
    for (uint64_t i = 0; i < values; i++)
        must(ov_powers_add(&s, number(i), &mem, &err));
    must(ov_powers_solve(&s, &d, &arena, &err));
    report("moments", "k 13", worst(of_powers, &d), 0.01, "1 % on average");
}

static double of_histogram(const void *self, double p)
{
    return (double)ov_histogram_quantile(self, p);
}

static void histogram(void)
{
    ov_histogram s;
    ov_histogram_init(&s, OV_HISTOGRAM_DEFAULT_SIZE, -INFINITY, INFINITY);
    for (uint64_t i = 0; i < values; i++)
        must(ov_histogram_add(&s, (float)number(i), &mem, &err));
    report("approximate histogram", "50 bins", worst(of_histogram, &s), 0.04, "none is published; two bins' share");
}

static double of_buckets(const void *self, double p)
{
    return (double)ov_buckets_quantile(self, p);
}

static void buckets(void)
{
    ov_buckets s = {0};
    must(ov_buckets_init(&s, 0, (double)values, 100, OV_BUCKETS_OVERFLOW, &mem, &err));
    for (uint64_t i = 0; i < values; i++)
        ov_buckets_add(&s, number(i));
    report("fixed buckets histogram", "100 buckets", worst(of_buckets, &s), 0.01, "a bucket's share");
}

int main(int argc, char **argv)
{
    if (argc > 1)
        values = OV_MAX(strtoull(argv[1], NULL, 10), 1000u);
    ov_arena_init(&arena, "errors", NULL);
    mem = ov_sketch_mem_arena(&arena);
    printf("%llu values\n%-28s %-16s %10s %9s\n", (unsigned long long)values, "", "", "measured", "bound");
    hll();
    hyper_unique();
    theta();
    tuple();
    quantiles();
    kll(false);
    kll(true);
    tdigest();
    moments();
    histogram();
    buckets();
    bloom();
    ov_arena_fini(&arena);
    return failures ? 1 : 0;
}
