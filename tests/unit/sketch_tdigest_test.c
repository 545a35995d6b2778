/* t-digests: single numbers while small, errors of quantiles, merging, images. Equality with MergingDigest: tests/sketch. */
#include "sketch/tdigest.h"

#include "tests/unit/sketch_lib.h"

/* Numbers first .. first + count - 1 in a muddled order; count is a power of two. */
static ov_tdigest made(double compression, uint64_t first, uint64_t count)
{
    ov_tdigest s;
    ov_tdigest_init(&s, compression);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(ov_tdigest_add(&s, (double)(first + (i * 2654435761u & (count - 1))), &mem, &err), OV_OK);
    return s;
}

static double quantile(const ov_tdigest *s, double rank)
{
    ov_tdigest settled;
    assert_int_equal(ov_tdigest_settled(s, &arena, &settled, &err), OV_OK);
    return ov_tdigest_quantile(&settled, rank);
}

/* Of numbers from 0 on: the quantile of a rank is off by no more than part of all. */
static void assert_near(const ov_tdigest *s, double part)
{
    double n = ov_tdigest_count(s);
    for (int i = 0; i <= 1000; i++)
        assert_true(fabs(quantile(s, i / 1000.0) - i / 1000.0 * n) <= part * n + 1);
}

static void test_few(void **state)
{
    (void)state;
    ov_tdigest s = made(100, 1, 4), none = made(100, 0, 0), one = made(100, 7, 1);
    assert_int_equal(ov_tdigest_add(&s, NAN, &mem, &err), OV_OK);
    assert_true(ov_tdigest_count(&s) == 4);
    assert_true(quantile(&s, 0) == 1 && quantile(&s, 0.25) == 1.5 && quantile(&s, 0.5) == 2.5 && quantile(&s, 1) == 4);
    assert_true(isnan(quantile(&none, 0.5)));
    assert_true(quantile(&one, 0) == 7 && quantile(&one, 0.5) == 7 && quantile(&one, 1) == 7);
}

static void test_errors(void **state)
{
    (void)state;
    for (unsigned compression = 10; compression <= 1000; compression *= 10) {
        ov_tdigest s = made(compression, 0, 1 << 17);
        assert_near(&s, ov_tdigest_error(compression, false));
        ov_tdigest_compress(&s);
        assert_true(s.cells <= 2 * compression + 10 && s.waiting == 0 && s.total == 1 << 17);
        assert_true(s.cell[0].weight == 1 && s.cell[s.cells - 1].weight == 1); /* the ends are exact */
        assert_true(s.min == 0 && s.max == (1 << 17) - 1);
    }
}

static void test_refused(void **state)
{
    (void)state;
    ov_tdigest s;
    ov_tdigest_init(&s, 100);
    assert_int_equal(ov_tdigest_add(&s, INFINITY, &mem, &err), OV_INVALID);
    assert_int_equal(ov_tdigest_add(&s, -1e300, &mem, &err), OV_INVALID);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(ov_tdigest_add(&s, i % 2 ? 1e290 : -1e290, &mem, &err), OV_OK);
    assert_true(isfinite(quantile(&s, 0.3)) && isfinite(quantile(&s, 0.5)));
}

static void test_merge(void **state)
{
    (void)state;
    ov_tdigest all = made(100, 0, 0);
    for (uint64_t part = 0; part < 128; part++) {
        ov_tdigest one = made(part % 2 ? 100 : 30, part * 512, 512);
        assert_int_equal(ov_tdigest_merge(&all, &one, &mem, &err), OV_OK);
    }
    assert_true(ov_tdigest_count(&all) == 128 * 512);
    assert_near(&all, 2 * ov_tdigest_error(100, false));
    ov_tdigest none = made(100, 0, 0);
    assert_int_equal(ov_tdigest_merge(&none, &all, &mem, &err), OV_OK);
    assert_true(quantile(&none, 0) == 0 && quantile(&none, 1) == 128 * 512 - 1);
}

static void test_images(void **state)
{
    (void)state;
    for (uint64_t n = 0; n <= 1 << 14; n = n ? n * 4 : 1) {
        ov_tdigest s = made(50, 0, n), settled, again;
        ov_buf image, other;
        ov_buf_init(&image);
        ov_buf_init(&other);
        assert_int_equal(ov_tdigest_settled(&s, &arena, &settled, &err), OV_OK);
        assert_int_equal(ov_tdigest_write(&settled, &image, &err), OV_OK);
        assert_int_equal(image.n, 32 + 16 * (size_t)settled.cells);
        assert_int_equal(ov_tdigest_read(ov_buf_slice(&image), &again, &mem, &err), OV_OK);
        assert_int_equal(ov_tdigest_write(&again, &other, &err), OV_OK);
        assert_true(ov_slice_eq(ov_buf_slice(&image), ov_buf_slice(&other)));
        for (size_t cut = 1; cut < image.n; cut += image.n / 50 + 1)
            assert_int_equal(ov_tdigest_read(ov_slice_make(image.p, cut), &again, &mem, &err), OV_CORRUPT);
        ov_buf_fini(&image);
        ov_buf_fini(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_few, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_merge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_images, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
