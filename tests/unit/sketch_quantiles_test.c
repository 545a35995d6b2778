/* Quantiles sketches: exact while small, errors of ranks, merging of any sizes, images. Equality with DataSketches: tests/sketch. */
#include "sketch/quantiles.h"

#include "tests/unit/sketch_lib.h"

/* Numbers first .. first + count - 1 in a muddled order; count is a power of two. */
static ov_quantiles made(unsigned k, uint64_t first, uint64_t count)
{
    ov_quantiles s;
    ov_quantiles_init(&s, k);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(ov_quantiles_add(&s, (double)(first + (i * 2654435761u & (count - 1))), &mem, &err), OV_OK);
    return s;
}

static ov_ranks ranks_of(const ov_quantiles *s)
{
    ov_ranks r;
    assert_int_equal(ov_quantiles_ranks(s, &r, &arena, &err), OV_OK);
    assert_int_equal(r.n, s->n);
    return r;
}

static void test_exact(void **state)
{
    (void)state;
    ov_quantiles s = made(128, 1, 128);
    assert_int_equal(ov_quantiles_add(&s, NAN, &mem, &err), OV_OK);
    ov_ranks r = ranks_of(&s);
    for (int i = 1; i <= 128; i++) {
        assert_true(ov_ranks_quantile(&r, i / 128.0) == i);
        assert_true(ov_ranks_quantile(&r, (i - 0.5) / 128.0) == i);
        assert_true(ov_ranks_rank(&r, i) == i / 128.0);
        assert_true(ov_ranks_rank(&r, i + 0.5) == i / 128.0);
    }
    assert_true(ov_ranks_quantile(&r, 0) == 1 && ov_ranks_quantile(&r, 1) == 128 && ov_ranks_rank(&r, 0) == 0);
    double points[3] = {32, 64, 200}, v[4];
    ov_ranks_cdf(&r, points, 3, v);
    assert_true(v[0] == 0.25 && v[1] == 0.5 && v[2] == 1 && v[3] == 1);
    ov_ranks_pmf(&r, points, 3, v);
    assert_true(v[0] == 0.25 && v[1] == 0.25 && v[2] == 0.5 && v[3] == 0);
}

static void test_empty(void **state)
{
    (void)state;
    ov_quantiles s;
    double point = 1, v[2];
    ov_quantiles_init(&s, 16);
    ov_ranks r = ranks_of(&s);
    ov_ranks_pmf(&r, &point, 1, v);
    assert_true(isnan(ov_ranks_quantile(&r, 0.5)) && isnan(ov_ranks_rank(&r, 0)) && isnan(v[0]) && isnan(v[1]));
    assert_int_equal(ov_quantiles_read(OV_SLICE_LIT(""), &s, &mem, &err), OV_OK);
    assert_int_equal(s.n, 0);
}

static double worst_error(const ov_quantiles *s)
{
    ov_ranks r = ranks_of(s);
    double worst = 0;
    for (double at = 0; at < (double)s->n; at += (double)s->n / 997)
        worst = fmax(worst, fabs(ov_ranks_rank(&r, floor(at)) - (floor(at) + 1) / (double)s->n));
    return worst;
}

static void test_error_is_bounded(void **state)
{
    (void)state;
    for (unsigned k = 16; k <= 1024; k *= 4) {
        ov_quantiles s = made(k, 0, 1 << 17);
        assert_true(worst_error(&s) <= 1.5 * ov_quantiles_error(k, false));
        assert_true(s.min == 0 && s.max == (1 << 17) - 1);
    }
}

static void test_merge(void **state)
{
    (void)state;
    static const unsigned ks[][2] = {{128, 128}, {128, 32}, {32, 128}, {2, 1024}};
    static const uint64_t counts[] = {1, 64, 1 << 14};
    for (size_t i = 0; i < OV_COUNT_OF(ks); i++)
        for (size_t a = 0; a < OV_COUNT_OF(counts); a++)
            for (size_t b = 0; b < OV_COUNT_OF(counts); b++) {
                ov_quantiles s = made(ks[i][0], 0, counts[a]), one = made(ks[i][1], counts[a], counts[b]), none;
                ov_quantiles_init(&none, 256);
                assert_int_equal(ov_quantiles_merge(&none, &s, &mem, &err), OV_OK);
                assert_int_equal(ov_quantiles_merge(&none, &one, &mem, &err), OV_OK);
                assert_int_equal(ov_quantiles_merge(&s, &one, &mem, &err), OV_OK);
                assert_true(s.n == counts[a] + counts[b] && s.min == 0 && s.max == (double)s.n - 1);
                assert_true(none.n == s.n && none.min == 0 && none.max == s.max);
                assert_true(worst_error(&s) <= 2 * ov_quantiles_error(OV_MIN(ks[i][0], ks[i][1]), false));
            }
}

static void test_images(void **state)
{
    (void)state;
    ov_buf a, b;
    ov_buf_init(&a);
    ov_buf_init(&b);
    for (unsigned n = 1; n <= 1 << 12; n *= 2)
        for (int compact = 0; compact < 2; compact++) {
            ov_quantiles s = made(16, 5, n), again;
            ov_buf_clear(&a);
            ov_buf_clear(&b);
            assert_int_equal(ov_quantiles_write(&s, compact, &a, &err), OV_OK);
            assert_int_equal(ov_quantiles_read(ov_buf_slice(&a), &again, &mem, &err), OV_OK);
            assert_int_equal(ov_quantiles_write(&again, compact, &b, &err), OV_OK);
            assert_true(ov_slice_eq(ov_buf_slice(&a), ov_buf_slice(&b)));
            for (size_t cut = 1; cut < OV_MIN(a.n, 40); cut++)
                assert_int_equal(ov_quantiles_read(ov_slice_make(a.p, cut), &again, &mem, &err), OV_CORRUPT);
            if (compact)
                assert_int_equal(ov_quantiles_read(ov_slice_make(a.p, a.n - 1), &again, &mem, &err), OV_CORRUPT);
        }
    ov_buf_fini(&a);
    ov_buf_fini(&b);
}

/* Orders that make a quicksort slow, and equal items. */
static void test_sort(void **state)
{
    (void)state;
    enum { N = 3000 };
    static double x[N];
    for (int kind = 0; kind < 5; kind++) {
        for (int i = 0; i < N; i++)
            x[i] = kind == 0 ? i : kind == 1 ? N - i : kind == 2 ? 7 : kind == 3 ? OV_MIN(i, N - i) : (i * 7919) % 101;
        ovi_sort_doubles(x, N);
        for (int i = 1; i < N; i++)
            assert_true(x[i - 1] <= x[i]);
    }
    ovi_sort_doubles(x, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_error_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_merge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_images, set_up, tear_down),
        cmocka_unit_test(test_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
