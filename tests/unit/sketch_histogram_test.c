/*
 * Druid's histograms and tuple sketches: sums of bytes and answers of Druid's and DataSketches' libraries over the same values
 * (tests/sketch/Histograms.java; tuples: datasketches-java 4.2.0).
 */
#include <math.h>
#include <stdio.h>

#include "sketch/buckets.h"
#include "sketch/histogram.h"
#include "sketch/moments.h"
#include "sketch/tuple.h"

#include "tests/unit/sketch_lib.h"

/* FNV-1a; empties the buffer. */
static uint64_t sum_of(ov_buf *b)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < b->n; i++)
        h = (h ^ (uint8_t)b->p[i]) * UINT64_C(0x100000001b3);
    ov_buf_clear(b);
    return h;
}

static float value(unsigned i)
{
    return (float)((double)(i * UINT64_C(7919) % 10007) / 16.0);
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-6 * OV_MAX(1, fabs(b));
}

/* ---- approximate histograms ---- */

static ov_histogram histogram_of(uint32_t size, unsigned from, unsigned count, float lower, float upper)
{
    ov_histogram s;
    ov_histogram_init(&s, size, lower, upper);
    for (unsigned i = from; i < from + count; i++)
        check_ok(ov_histogram_add(&s, value(i), &mem, &err), &err);
    return s;
}

static uint64_t histogram_sum(const ov_histogram *s)
{
    ov_buf out;
    ov_buf_init(&out);
    ov_histogram_write(s, &out);
    uint64_t sum = sum_of(&out);
    ov_buf_fini(&out);
    return sum;
}

static void test_histogram_bytes(void **state)
{
    static const struct {
        uint32_t size, n;
        uint64_t sum;
        double low, high, below;
    } cases[] = {
        {5, 0, UINT64_C(0xf9a5931be486d9dd), NAN, NAN, 0},
        {5, 3, UINT64_C(0x205b209cca589b7b), 0, 455.78748, 1},
        {5, 30, UINT64_C(0x43e0c3dc86d7c4c9), 78.138, 525.4977, 5.056079348764218},
        {5, 5000, UINT64_C(0x8b81ee4c98f935f2), 91.67364, 501.55832, 799.163067905251},
        {50, 1, UINT64_C(0x1ceae7fd87d3a103), 0, 0, 1},
        {50, 30, UINT64_C(0xc7de781e3dad85de), 139.21875, 571.3125, 5},
        {50, 60, UINT64_C(0x2c93f963000cc871), 150.34375, 566.5, 9.773242630385488},
        {50, 5000, UINT64_C(0xe35fc654e000cc3b), 150.67001, 556.5733, 798.560180169889},
    };
    (void)state;
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        ov_buf out;
        ov_histogram s = histogram_of(cases[i].size, 0, cases[i].n, -INFINITY, INFINITY), back;
        assert_true(histogram_sum(&s) == cases[i].sum);
        ov_buf_init(&out);
        ov_histogram_write(&s, &out);
        check_ok(ov_histogram_read(ov_buf_slice(&out), &back, &mem, &err), &err);
        assert_true(histogram_sum(&back) == cases[i].sum);
        for (size_t cut = 1; cut < out.n; cut += 7) {
            ov_error trouble = OV_ERROR_INIT;
            ov_histogram bad;
            assert_int_equal(ov_histogram_read(ov_slice_make(out.p, cut), &bad, &mem, &trouble), OV_CORRUPT);
        }
        ov_buf_fini(&out);
        assert_true(near(ov_histogram_sum(&s, 100), cases[i].below));
        if (cases[i].n == 0) {
            assert_true(isnan(ov_histogram_quantile(&s, 0.5)));
            continue;
        }
        assert_true(near((double)ov_histogram_quantile(&s, (double)0.25f), cases[i].low));
        assert_true(near((double)ov_histogram_quantile(&s, (double)0.9f), cases[i].high));
    }
}

static void test_histogram_merge(void **state)
{
    static const float equal[] = {-208.45833f, 0, 208.45833f, 416.91666f, 625.375f};
    float *breaks;
    uint32_t n;
    (void)state;
    ov_histogram x = histogram_of(20, 0, 1000, -INFINITY, INFINITY), y = histogram_of(30, 1000, 1000, -INFINITY, INFINITY);
    ov_histogram limited = histogram_of(20, 500, 1000, 50, 400), few = histogram_of(20, 0, 5, -INFINITY, INFINITY);
    ov_histogram same = few;
    check_ok(ov_histogram_merge(&limited, &y, &mem, &err), &err);
    assert_int_equal(limited.bins, 13);
    assert_true(histogram_sum(&limited) == UINT64_C(0x7b747746e3d16e2f));
    few = histogram_of(20, 0, 5, -INFINITY, INFINITY);
    check_ok(ov_histogram_merge(&few, &same, &mem, &err), &err);
    assert_true(histogram_sum(&few) == UINT64_C(0x60b8da9f40d8fa04));
    check_ok(ov_histogram_merge(&x, &y, &mem, &err), &err);
    assert_int_equal(x.bins, 11);
    assert_true(histogram_sum(&x) == UINT64_C(0x227e1cbe68ced55f));
    assert_true(near((double)ov_histogram_quantile(&x, 0.5), 275.17206));
    check_ok(ov_histogram_equal_breaks(&x, 4, &arena, &breaks, &n, &err), &err);
    assert_int_equal(n, 5);
    for (uint32_t i = 0; i < n; i++)
        assert_true(near((double)breaks[i], (double)equal[i]));
    assert_true(near(ov_histogram_sum(&x, breaks[2]) - ov_histogram_sum(&x, breaks[1]), 661.2454833984375));
    check_ok(ov_histogram_width_breaks(&x, 100, 30, &arena, &breaks, &n, &err), &err);
    assert_int_equal(n, 8);
    assert_true(near((double)breaks[0], -70) && near((double)breaks[7], 630));
    assert_true(near(ov_histogram_sum(&x, breaks[1]) - ov_histogram_sum(&x, breaks[0]), 93.10586547851562));
}

/* ---- fixed buckets ---- */

static ov_buckets buckets_of(double lower, double upper, uint32_t count, ov_buckets_outliers mode, unsigned from, unsigned n)
{
    ov_buckets s;
    check_ok(ov_buckets_init(&s, lower, upper, count, mode, &mem, &err), &err);
    for (unsigned i = from; i < from + n; i++)
        ov_buckets_add(&s, (double)value(i));
    return s;
}

static uint64_t buckets_sum(const ov_buckets *s)
{
    ov_buf out;
    ov_buckets back;
    ov_buf_init(&out);
    ov_buckets_write(s, &out);
    check_ok(ov_buckets_read(ov_buf_slice(&out), &back, &mem, &err), &err);
    for (size_t cut = 1; cut < out.n; cut += 13) {
        ov_error trouble = OV_ERROR_INIT;
        ov_buckets bad;
        assert_int_equal(ov_buckets_read(ov_slice_make(out.p, cut), &bad, &mem, &trouble), OV_CORRUPT);
    }
    ov_buf_clear(&out);
    ov_buckets_write(&back, &out);
    uint64_t sum = sum_of(&out);
    ov_buf_fini(&out);
    return sum;
}

static void test_buckets(void **state)
{
    static const struct {
        uint64_t made, same, other, far, pairs;
        double third;
    } cases[] = {
        {UINT64_C(0xef0e8f82b624b766), UINT64_C(0x0e5b60b6f150f7aa), UINT64_C(0x613d3dd7413180a9), UINT64_C(0xef0e8f82b624b766),
         UINT64_C(0xf40fd088fc8e0435), 220.8},
        {UINT64_C(0xef2f97cf3e40c91d), UINT64_C(0x0426c3c902de606b), UINT64_C(0xedbf5183310ab65c), UINT64_C(0x60d11e5b101aed5d),
         UINT64_C(0xb2919e4c03a48802), 220.8},
        {UINT64_C(0x09d1f52ab9081433), UINT64_C(0x6d023960a5941285), UINT64_C(0xf6f63d482f2690b5), UINT64_C(0x26f0f0ed844a30ab),
         UINT64_C(0x89410e82115198ef), 188.46153},
    };
    (void)state;
    for (unsigned m = 0; m < OV_COUNT_OF(cases); m++) {
        ov_buckets_outliers mode = (ov_buckets_outliers)m;
        ov_buckets f[3], other = buckets_of(0, 600, 37, mode, 300, 900), same = buckets_of(100, 500, 40, mode, 77, 900), far, few;
        for (int i = 0; i < 3; i++) {
            f[i] = buckets_of(100, 500, 40, mode, 0, 900);
            f[i].missing = 1;
        }
        check_ok(ov_buckets_init(&far, 600, 700, 4, mode, &mem, &err), &err);
        for (int i = 0; i < 900; i++)
            ov_buckets_add(&far, 600 + i % 100);
        assert_true(buckets_sum(&f[0]) == cases[m].made);
        assert_true(near((double)ov_buckets_quantile(&f[0], 0.3), cases[m].third));
        ov_buckets_merge(&f[0], &same);
        assert_true(buckets_sum(&f[0]) == cases[m].same);
        ov_buckets_merge(&f[1], &other);
        assert_true(buckets_sum(&f[1]) == cases[m].other);
        ov_buckets_merge(&f[2], &far);
        assert_true(buckets_sum(&f[2]) == cases[m].far);
        check_ok(ov_buckets_init(&few, 0, 1000, 50, mode, &mem, &err), &err);
        ov_buckets_add(&few, 3);
        ov_buckets_add(&few, 500);
        assert_true(buckets_sum(&few) == cases[m].pairs);
    }
}

/* ---- tuples ---- */

static ov_tuple_set tuple_of(unsigned count)
{
    ov_tuple s;
    ov_tuple_set set;
    ov_tuple_init(&s, 4, 2);
    for (unsigned i = 0; i < count; i++) {
        char key[16];
        size_t n = (size_t)snprintf(key, sizeof(key), "k%u", i);
        uint64_t hash = ov_theta_hash(ov_murmur3(ov_slice_make(key, n), OV_SKETCH_SEED));
        check_ok(ov_tuple_add(&s, hash, (const double[]){i, 1}, &mem, &err), &err);
        check_ok(ov_tuple_add(&s, hash, (const double[]){0.5, 1}, &mem, &err), &err);
    }
    check_ok(ov_tuple_finish(&s, &arena, &set, &err), &err);
    return set;
}

/* What Java wrote: entries in the order of its table. */
static const char *const java[] = {
    "010109030402cc93ffffffffffffff7f",
    "010109030802cc93ffffffffffffff7f0100000000000000074db366d538c829000000000000e03f0000000000000040",
    "010109030802cc93ffffffffffffff7f0300000000000000e096404f20296331610fbf4bc2c88264074db366d538c829000000000000044000000000000000"
    "40000000000000f83f0000000000000040000000000000e03f0000000000000040",
};

static size_t unhex(const char *text, char *out)
{
    size_t n = strlen(text) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned byte;
        sscanf(text + 2 * i, "%2x", &byte);
        out[i] = (char)byte;
    }
    return n;
}

static void test_tuple_bytes(void **state)
{
    static const unsigned counts[] = {0, 1, 3};
    (void)state;
    for (size_t i = 0; i < OV_COUNT_OF(counts); i++) {
        char image[256];
        size_t n = unhex(java[i], image);
        ov_tuple_set ours = tuple_of(counts[i]), theirs;
        ov_buf a, b;
        ov_buf_init(&a);
        ov_buf_init(&b);
        check_ok(ov_tuple_read(ov_slice_make(image, n), &arena, &theirs, &err), &err);
        ov_tuple_write(&ours, &a);
        ov_tuple_write(&theirs, &b);
        assert_int_equal(a.n, n);
        assert_true(ov_slice_eq(ov_buf_slice(&a), ov_buf_slice(&b)));
        if (counts[i] < 2)
            assert_memory_equal(a.p, image, n);
        for (size_t cut = 1; cut < n; cut++) {
            ov_error trouble = OV_ERROR_INIT;
            assert_int_equal(ov_tuple_read(ov_slice_make(image, cut), &arena, &theirs, &trouble), OV_CORRUPT);
        }
        ov_buf_fini(&a);
        ov_buf_fini(&b);
    }
}

static ov_tuple_set many(unsigned from, unsigned end)
{
    ov_tuple s;
    ov_tuple_set set;
    ov_tuple_init(&s, 12, 1);
    for (unsigned i = from; i < end; i++)
        check_ok(ov_tuple_add(&s, ov_theta_hash(ov_murmur3_u64(i, OV_SKETCH_SEED)), (const double[]){1}, &mem, &err), &err);
    check_ok(ov_tuple_finish(&s, &arena, &set, &err), &err);
    return set;
}

static void test_tuple_estimates(void **state)
{
    (void)state;
    ov_tuple_set x = many(0, 100000), y = many(50000, 150000), both, rest;
    ov_theta_set hashes = ov_tuple_hashes(&x);
    assert_int_equal(x.count, 4096);
    assert_true(near(ov_theta_estimate(&hashes), 98045.91060164096));
    assert_true(near(ov_theta_bound(&hashes, 2, false), 95079.89637942011));
    assert_true(near(ov_theta_bound(&hashes, 2, true), 101104.03886023912));
    assert_true(near(ov_tuple_sum_estimate(&x, 0), 98045.91060164096));
    check_ok(ov_tuple_intersect(&x, &y, &arena, &both, &err), &err);
    check_ok(ov_tuple_subtract(&x, &y, &arena, &rest, &err), &err);
    hashes = ov_tuple_hashes(&both);
    assert_true(fabs(ov_theta_estimate(&hashes) / 50000 - 1) < 0.08);
    assert_true(ov_tuple_mean(&both, 0) == 2);
    hashes = ov_tuple_hashes(&rest);
    assert_true(fabs(ov_theta_estimate(&hashes) / 50000 - 1) < 0.08);
    assert_true(ov_tuple_mean(&rest, 0) == 1 && ov_tuple_variance(&rest, 0) == 0);
}

/* By hand: means 3 and 5, variances 2.5 and 10 over five values each; t = 2 / sqrt(2.5), 5.8824 degrees of freedom. */
static void test_t_test(void **state)
{
    static const uint64_t hash[] = {1, 2, 3, 4, 5};
    static const double a[] = {1, 2, 3, 4, 5}, b[] = {1, 3, 5, 7, 9};
    ov_tuple_set x = {.hash = hash, .values = a, .count = 5, .width = 1, .theta = OV_THETA_ALL, .seen = true}, y = x;
    (void)state;
    y.values = b;
    assert_true(near(ov_tuple_variance(&x, 0), 2.5) && near(ov_tuple_variance(&y, 0), 10));
    assert_true(fabs(ov_tuple_t_test(&x, &y, 0) - 0.2537) < 2e-3);
    assert_true(near(ov_tuple_t_test(&x, &x, 0), 1));
}

/* ---- variances ---- */

static void test_moments(void **state)
{
    ov_moments x = {0}, y = {0}, all = {0};
    (void)state;
    for (int i = 0; i < 1000; i++) {
        ov_moments_add(i < 300 ? &x : &y, 1e6 + i % 97);
        ov_moments_add(&all, 1e6 + i % 97);
    }
    ov_moments_merge(&x, &y);
    assert_true(x.n == all.n && x.sum == all.sum && near(x.m2, all.m2));
    assert_true(near(ov_moments_variance(&x, false) * 999, ov_moments_variance(&x, true) * 1000));
    assert_true(isnan(ov_moments_variance(&(ov_moments){0}, false)) && ov_moments_variance(&(ov_moments){.n = 1}, false) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_histogram_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_histogram_merge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_buckets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tuple_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tuple_estimates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_t_test, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_moments, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
