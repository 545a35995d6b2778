/*
 * Sketches of Druid's own: hyperUnique and bloom filters. Sums of bytes come from Druid's and Hive's libraries over the same values
 * (tests/sketch/Druid.java).
 */
#include <stdio.h>

#include "sketch/bloom.h"
#include "sketch/hyperunique.h"

#include "tests/unit/sketch_lib.h"

/* FNV-1a */
static uint64_t sum_of(const ov_buf *b)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < b->n; i++)
        h = (h ^ (uint8_t)b->p[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* ---- hyperUnique ---- */

static ov_hyper hyper_of(const char *prefix, unsigned from, unsigned end)
{
    ov_hyper s = {0};
    char text[32];
    for (unsigned i = from; i < end; i++) {
        size_t n = (size_t)snprintf(text, sizeof(text), "%s%u", prefix, i);
        check_ok(ov_hyper_add(&s, ov_slice_make(text, n), &mem, &err), &err);
    }
    return s;
}

static void test_hyper_bytes(void **state)
{
    static const struct {
        unsigned n;
        size_t bytes;
        uint64_t sum;
        double estimate;
    } cases[] = {
        {0, 7, UINT64_C(0xb2389e8a64b397cc), 0},
        {1, 10, UINT64_C(0x29c38352faf02924), 1.0002442201269182},
        {5, 22, UINT64_C(0x18fd62da6d3e09e4), 5.006113467958146},
        {127, 376, UINT64_C(0x3ab50c94e3c5d1cd), 126.84849036802827},
        {130, 385, UINT64_C(0xea8fe9483e26b931), 130.0426682965211},
        {1000, 1031, UINT64_C(0x7a808f8f5d2921c6), 1002.963219647517},
        {20000, 1031, UINT64_C(0x0739cbdc6a8c6d6b), 19463.9027188036},
        {300000, 1031, UINT64_C(0xe8f26252776a5552), 292087.6612164861},
    };
    (void)state;
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        ov_buf out, again;
        ov_hyper s = hyper_of("v", 0, cases[i].n), back;
        ov_buf_init(&out);
        ov_buf_init(&again);
        ov_hyper_write(&s, &out);
        assert_int_equal(out.n, cases[i].bytes);
        assert_true(sum_of(&out) == cases[i].sum);
        assert_true(fabs(ov_hyper_estimate(&s) - cases[i].estimate) <= cases[i].estimate * 1e-12);
        check_ok(ov_hyper_read(ov_buf_slice(&out), &back, &mem, &err), &err);
        ov_hyper_write(&back, &again);
        assert_true(ov_slice_eq(ov_buf_slice(&out), ov_buf_slice(&again)));
        ov_buf_fini(&out);
        ov_buf_fini(&again);
    }
}

static void test_hyper_merge(void **state)
{
    ov_buf out;
    (void)state;
    ov_hyper x = hyper_of("v", 0, 30000), y = hyper_of("w", 20000, 22000), none = {0}, all = {0};
    check_ok(ov_hyper_merge(&all, &none, &mem, &err), &err);
    assert_null(all.regs);
    check_ok(ov_hyper_merge(&y, &x, &mem, &err), &err);
    ov_buf_init(&out);
    ov_hyper_write(&y, &out);
    assert_true(sum_of(&out) == UINT64_C(0xe4491f2fdd2484c1));
    assert_true(fabs(ov_hyper_estimate(&y) - 31659.74086657611) < 1e-6);
    ov_buf_fini(&out);
}

/* The published error of 2,048 registers is 1.04 / sqrt(2048) = 2.3 %: three of these. */
static void test_hyper_error(void **state)
{
    (void)state;
    for (unsigned n = 1000; n <= 256000; n *= 4) {
        ov_hyper s = hyper_of("user", 0, n);
        assert_true(fabs(ov_hyper_estimate(&s) / n - 1) < 3 * 0.023);
    }
}

static void test_hyper_older(void **state)
{
    static const char image[] = {1, 0, 2, 0, 3, 0x21, 4, 2, 0x50};
    static const char bad[][10] = {{2, 0, 0, 0, 0, 0, 0}, {1, 90, 0, 0, 0, 0, 0}, {1, 0, 0, 1, 0, 0, 0, 0, 1, 9}};
    ov_hyper s;
    (void)state;
    check_ok(ov_hyper_read(ov_slice_make(image, sizeof(image)), &s, &mem, &err), &err);
    assert_int_equal(s.used, 3);
    assert_int_equal(s.regs[0], 0x21);
    check_fails(ov_hyper_read(ov_slice_make(image, 4), &s, &mem, &err), &err, OV_CORRUPT, "no header of version 1");
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++) {
        err = (ov_error)OV_ERROR_INIT;
        assert_int_equal(ov_hyper_read(ov_slice_make(bad[i], i == 2 ? 10 : 7), &s, &mem, &err), OV_CORRUPT);
    }
}

/* ---- bloom ---- */

static void test_bloom_hashes(void **state)
{
    (void)state;
    assert_true((int64_t)ov_bloom_hash_bytes(OV_SLICE_LIT("hello world, 12345")) == INT64_C(-1150965970843193048));
    assert_true((int64_t)ov_bloom_hash_bytes(OV_SLICE_LIT("abc")) == INT64_C(-4076012629679759154));
    assert_true((int64_t)ov_bloom_hash_bytes(OV_SLICE_LIT("")) == INT64_C(8404154273843829576));
}

static ov_bloom bloom_of(uint64_t expected, int count)
{
    ov_bloom s;
    char text[32];
    check_ok(ov_bloom_init(&s, expected, &mem, &err), &err);
    for (int i = 0; i < count; i++) {
        size_t n = (size_t)snprintf(text, sizeof(text), "v%d", i);
        ov_bloom_add(&s, ov_bloom_hash_bytes(ov_slice_make(text, n)));
        ov_bloom_add(&s, ov_bloom_hash_i64(i));
        ov_bloom_add(&s, ov_bloom_hash_f64(i + 0.5));
    }
    return s;
}

static void test_bloom_bytes(void **state)
{
    static const struct {
        uint64_t expected;
        size_t bytes;
        uint64_t sum;
    } cases[] = {
        {1, 69, UINT64_C(0xc38e7ea1732fc1bf)},
        {1500, 1221, UINT64_C(0x4be356d32720594f)},
        {100000, 77957, UINT64_C(0xb2a3442229b3c5ed)},
    };
    (void)state;
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        ov_buf out;
        ov_bloom s = bloom_of(cases[i].expected, 20), back;
        ov_bloom_add(&s, OV_BLOOM_HASH_NULL);
        ov_buf_init(&out);
        ov_bloom_write(&s, &out);
        assert_int_equal(out.n, cases[i].bytes);
        assert_true(sum_of(&out) == cases[i].sum);
        check_ok(ov_bloom_read(ov_buf_slice(&out), &back, &mem, &err), &err);
        for (int k = 0; k < 20; k++)
            assert_true(ov_bloom_test(&back, ov_bloom_hash_i64(k)));
        assert_true(ov_bloom_test(&back, OV_BLOOM_HASH_NULL));
        for (size_t cut = 0; cut < 9; cut++)
            assert_int_equal(ov_bloom_read(ov_slice_make(out.p, cut), &back, &mem, &err), OV_CORRUPT);
        ov_buf_fini(&out);
    }
}

static void test_bloom_error(void **state)
{
    ov_bloom s;
    int wrong = 0;
    (void)state;
    check_ok(ov_bloom_init(&s, 20000, &mem, &err), &err);
    for (int i = 0; i < 20000; i++)
        ov_bloom_add(&s, ov_bloom_hash_i64(i));
    for (int i = 20000; i < 60000; i++)
        wrong += ov_bloom_test(&s, ov_bloom_hash_i64(i));
    assert_true(wrong < 40000 / 12); /* 5 % in the mean; blocks of eight words cost some */
    ov_bloom other = bloom_of(10, 1);
    check_fails(ov_bloom_merge(&s, &other, &err), &err, OV_INVALID, "do not fit together");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hyper_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hyper_merge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hyper_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hyper_older, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bloom_hashes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bloom_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bloom_error, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
