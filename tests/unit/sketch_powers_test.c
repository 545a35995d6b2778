/* Moments sketches: solved quantiles of known distributions, numbers that are all the same, merging, images. Equality with Druid's solver: tests/sketch. */
#include "sketch/powers.h"

#include "tests/unit/sketch_lib.h"

static ov_powers empty(unsigned k, bool compressed)
{
    ov_powers s;
    ov_powers_init(&s, k, compressed);
    return s;
}

static void add(ov_powers *s, double x)
{
    assert_int_equal(ov_powers_add(s, x, &mem, &err), OV_OK);
}

static ov_powers_solved solved(const ov_powers *s)
{
    ov_powers_solved d;
    assert_int_equal(ov_powers_solve(s, &d, &arena, &err), OV_OK);
    return d;
}

static void test_uniform(void **state)
{
    (void)state;
    for (unsigned k = 4; k <= 16; k += 4) {
        ov_powers s = empty(k, false);
        for (int i = -5000; i <= 5000; i++)
            add(&s, i);
        add(&s, NAN);
        ov_powers_solved d = solved(&s);
        assert_true(ov_powers_count(&s) == 10001 && ov_powers_min(&s) == -5000 && ov_powers_max(&s) == 5000);
        for (int i = 0; i <= 100; i++)
            assert_true(fabs(ov_powers_quantile(&d, i / 100.0) - (i * 100 - 5000)) <= 50);
    }
}

/* exp of even steps: a long tail, which compressed sketches hold. */
static void test_long_tail(void **state)
{
    (void)state;
    ov_powers s = empty(13, true);
    for (int i = 0; i < 10000; i++)
        add(&s, exp(i / 1000.0));
    ov_powers_solved d = solved(&s);
    for (int i = 5; i <= 95; i++)
        assert_true(fabs(log(ov_powers_quantile(&d, i / 100.0)) - i / 10.0) <= 0.1);
    assert_true(fabs(ov_powers_min(&s) - 1) < 1e-9 && fabs(ov_powers_max(&s) / exp(9.999) - 1) < 1e-9);
}

/* Two values only: the Hessian is as good as singular. */
static void test_degenerate(void **state)
{
    (void)state;
    ov_powers none = empty(13, true), same = empty(13, true), two = empty(13, false);
    ov_powers_solved d = solved(&none);
    assert_true(isnan(ov_powers_quantile(&d, 0.5)));
    for (int i = 0; i < 100; i++) {
        add(&same, -3);
        add(&two, i % 2);
    }
    d = solved(&same);
    assert_true(fabs(ov_powers_quantile(&d, 0) + 3) < 1e-12 && fabs(ov_powers_quantile(&d, 1) + 3) < 1e-12);
    d = solved(&two);
    for (int i = 0; i <= 10; i++) {
        double v = ov_powers_quantile(&d, i / 10.0);
        assert_true(v >= 0 && v <= 1);
    }
}

static void test_refused(void **state)
{
    (void)state;
    ov_powers plain = empty(13, false), small = empty(5, false), compressed = empty(13, true);
    assert_int_equal(ov_powers_add(&plain, INFINITY, &mem, &err), OV_INVALID);
    assert_int_equal(ov_powers_add(&plain, 1e200, &mem, &err), OV_INVALID);
    add(&compressed, -1e300); /* has a finite asinh */
    add(&small, 1);
    assert_int_equal(ov_powers_merge(&plain, &small, &mem, &err), OV_INVALID);
    assert_int_equal(ov_powers_merge(&plain, &compressed, &mem, &err), OV_INVALID);
}

static void test_merge_and_images(void **state)
{
    (void)state;
    ov_powers all = empty(8, false), halves[2] = {empty(8, false), empty(10, false)}, again, both = empty(8, false);
    for (int i = 1; i <= 64; i++) {
        add(&all, i);
        add(&halves[i % 2], i);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(ov_powers_merge(&both, &halves[i], &mem, &err), OV_OK);
    assert_memory_equal(all.sum, both.sum, 8 * sizeof(double)); /* whole numbers below 2^53 */
    ov_buf image;
    ov_buf_init(&image);
    assert_int_equal(ov_powers_write(&both, &image, &err), OV_OK);
    assert_int_equal(image.n, 24 + 8 * 8);
    assert_int_equal(ov_powers_read(ov_buf_slice(&image), &again, &mem, &err), OV_OK);
    assert_memory_equal(all.sum, again.sum, 8 * sizeof(double));
    for (size_t cut = 1; cut < image.n; cut++)
        assert_int_equal(ov_powers_read(ov_slice_make(image.p, cut), &again, &mem, &err), OV_CORRUPT);
    ov_buf_fini(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_uniform, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_tail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_degenerate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_merge_and_images, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
