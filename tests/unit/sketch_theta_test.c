/* Theta sketches: sizes, order, set operations, bounds, images. Equality with DataSketches: tests/sketch. */
#include "sketch/theta.h"

#include "tests/unit/sketch_lib.h"

/* step -1 takes the values backwards */
static ov_theta_set made(unsigned lg_k, int64_t first, int64_t count, int64_t step)
{
    ov_theta s;
    ov_theta_set out;
    ov_theta_init(&s, lg_k);
    for (int64_t i = 0; i < count; i++) {
        uint64_t hash = ov_theta_hash(ov_murmur3_u64((uint64_t)(first + i * step), OV_SKETCH_SEED));
        assert_int_equal(ov_theta_add(&s, hash, &mem, &err), OV_OK);
    }
    assert_int_equal(ov_theta_finish(&s, &arena, &out, &err), OV_OK);
    return out;
}

static void assert_same(const ov_theta_set *a, const ov_theta_set *b)
{
    assert_true(a->theta == b->theta && a->seen == b->seen);
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->hash, b->hash, a->count * sizeof(*a->hash));
}

static void test_size_and_order(void **state)
{
    (void)state;
    for (unsigned lg_k = 4; lg_k <= 12; lg_k += 4)
        for (int64_t n = 1; n < 50000; n = n * 3 + 1) {
            ov_theta_set a = made(lg_k, 0, n, 1), b = made(lg_k, n - 1, n, -1);
            assert_same(&a, &b);
            assert_true(a.count == OV_MIN((uint32_t)n, 1u << lg_k));
            assert_true((a.theta == OV_THETA_ALL) == (n <= 1 << lg_k));
            double v = (double)n;
            assert_true(ov_theta_bound(&a, 3, false) <= v * 1.1 && v <= ov_theta_bound(&a, 3, true) * 1.1);
        }
}

static void test_set_operations(void **state)
{
    (void)state;
    ov_theta_set a = made(12, 0, 3000, 1), b = made(12, 2000, 2000, 1), none = made(12, 0, 0, 1), r;
    assert_int_equal(ov_theta_intersect(&a, &b, &arena, &r, &err), OV_OK);
    assert_int_equal(r.count, 1000);
    assert_int_equal(ov_theta_subtract(&a, &b, &arena, &r, &err), OV_OK);
    assert_int_equal(r.count, 2000);
    assert_int_equal(ov_theta_intersect(&a, &none, &arena, &r, &err), OV_OK);
    assert_true(r.count == 0 && !r.seen);
    assert_int_equal(ov_theta_subtract(&a, &none, &arena, &r, &err), OV_OK);
    assert_same(&r, &a);
    ov_theta_set big = made(8, 0, 100000, 1), half = made(8, 50000, 100000, 1);
    assert_int_equal(ov_theta_intersect(&big, &half, &arena, &r, &err), OV_OK);
    assert_true(fabs(ov_theta_estimate(&r) / 50000 - 1) < 0.4);
}

static void test_union_in_any_order(void **state)
{
    (void)state;
    ov_theta_set part[3] = {made(8, 0, 300, 1), made(6, 200, 5000, 1), made(10, 4000, 9000, 1)}, first, next;
    for (int order = 0; order < 3; order++) {
        ov_theta s;
        ov_theta_init(&s, 8);
        for (int i = 0; i < 3; i++)
            assert_int_equal(ov_theta_merge_set(&s, &part[(i + order) % 3], &mem, &err), OV_OK);
        assert_int_equal(ov_theta_finish(&s, &arena, order ? &next : &first, &err), OV_OK);
        if (order)
            assert_same(&first, &next);
    }
}

static void test_images(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 2, 60, 5000};
    for (size_t c = 0; c < OV_COUNT_OF(counts); c++) {
        ov_theta_set s = made(8, 0, counts[c], 1), back;
        ov_buf image;
        ov_buf_init(&image);
        assert_int_equal(ov_theta_write(&s, &image, &err), OV_OK);
        assert_int_equal(ov_theta_read(ov_buf_slice(&image), &arena, &back, &err), OV_OK);
        assert_same(&s, &back);
        for (size_t n = 0; n < image.n; n++)
            assert_int_equal(ov_theta_read(ov_slice_make(image.p, n), &arena, &back, &err), OV_CORRUPT);
        ov_buf_fini(&image);
    }
}

/* Images that DataSketches writes (tests/sketch/prove.py): the empty one, one value, two values. */
static void test_golden(void **state)
{
    (void)state;
    static const char *const golden[] = {
        "01030300001e0000",
        "01030300003acc93e56b61eec8804420",
        "02030300001acc93020000000000803f15f97dcbbd86a105e56b61eec8804420",
    };
    for (size_t i = 0; i < OV_COUNT_OF(golden); i++) {
        ov_theta_set s = made(12, 0, (int64_t)i, 1);
        ov_buf image, text;
        ov_buf_init(&image);
        ov_buf_init(&text);
        assert_int_equal(ov_theta_write(&s, &image, &err), OV_OK);
        for (size_t k = 0; k < image.n; k++)
            ov_buf_addf(&text, "%02x", (unsigned char)image.p[k]);
        assert_string_equal(ov_buf_cstr(&text), golden[i]);
        ov_buf_fini(&image);
        ov_buf_fini(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_size_and_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_set_operations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_union_in_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_images, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_golden, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
