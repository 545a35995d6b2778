/* HLL sketches: modes, estimates within their bounds, merging in any order, images. Equality with DataSketches: tests/sketch. */
#include "sketch/hll.h"

#include "tests/unit/sketch_lib.h"

static ov_hll made(unsigned lg_k, ov_hll_type type, uint64_t first, uint64_t count)
{
    ov_hll s;
    ov_hll_init(&s, lg_k, type);
    for (uint64_t i = first; i < first + count; i++)
        assert_int_equal(ov_hll_add(&s, ov_hll_coupon(ov_murmur3_u64(i, OV_SKETCH_SEED)), &mem, &err), OV_OK);
    return s;
}

static void test_murmur(void **state)
{
    (void)state;
    ov_hash128 a = ov_murmur3(OV_SLICE_LIT("The quick brown fox jumps over the lazy dog"), 0);
    assert_true(a.lo == UINT64_C(0xe34bbc7bbc071b6c) && a.hi == UINT64_C(0x7a433ca9c49a9347)); /* the published vector */
    char eight[8];
    ov_store_u64(eight, 77);
    ov_hash128 b = ov_murmur3(ov_slice_make(eight, 8), 9001), c = ov_murmur3_u64(77, 9001);
    assert_true(b.lo == c.lo && b.hi == c.hi);
    assert_true(ov_murmur3_f64(0.0, 1).lo == ov_murmur3_f64(-0.0, 1).lo);
    assert_int_equal(ov_sketch_seed_hash(OV_SKETCH_SEED), 0x93cc);
}

static void test_text_is_utf16(void **state)
{
    (void)state;
    ov_hash128 h, w;
    char wide[] = {'a', 0, (char)0xe9, 0, 0x3d, (char)0xd8, 0x00, (char)0xde};
    assert_true(ov_sketch_hash_utf16(OV_SLICE_LIT("a\xc3\xa9\xf0\x9f\x98\x80"), &h));
    w = ov_murmur3(ov_slice_make(wide, sizeof(wide)), OV_SKETCH_SEED);
    assert_true(h.lo == w.lo && h.hi == w.hi);
    assert_false(ov_sketch_hash_utf16(OV_SLICE_LIT(""), &h));
}

static void test_modes_and_bounds(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 1, 7, 8, 100, 384, 385, 5000, 60000};
    for (unsigned lg_k = 4; lg_k <= 21; lg_k += lg_k < 13 ? 1 : 4)
        for (size_t i = 0; i < OV_COUNT_OF(counts); i++) {
            ov_arena_mark mark = ov_arena_mark_get(&arena);
            ov_hll s = made(lg_k, OV_HLL_4, 1u << 20, counts[i]);
            double n = (double)counts[i];
            assert_true(ov_hll_is_empty(&s) == (counts[i] == 0));
            assert_true(ov_hll_bound(&s, 3, false) <= n && n <= ov_hll_bound(&s, 3, true) + 1e-9);
            s.merged = true;
            assert_true(ov_hll_bound(&s, 3, false) <= n && n <= ov_hll_bound(&s, 3, true) + 1e-9);
            ov_arena_rewind(&arena, mark);
        }
}

static void same_image(const ov_hll *a, const ov_hll *b)
{
    ov_buf x, y;
    ov_buf_init(&x);
    ov_buf_init(&y);
    for (int type = OV_HLL_4; type <= OV_HLL_8; type++) {
        ov_buf_clear(&x);
        ov_buf_clear(&y);
        assert_int_equal(ov_hll_write(a, (ov_hll_type)type, true, &x, &err), OV_OK);
        assert_int_equal(ov_hll_write(b, (ov_hll_type)type, true, &y, &err), OV_OK);
        assert_int_equal(x.n, y.n);
        assert_memory_equal(x.p, y.p, x.n);
    }
    ov_buf_fini(&x);
    ov_buf_fini(&y);
}

/* Three thirds in any order, and all values in one merged sketch. */
static void test_merge_in_any_order(void **state)
{
    (void)state;
    static const uint8_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}};
    static const uint64_t counts[] = {3, 300, 30000};
    for (size_t c = 2; c < OV_COUNT_OF(counts); c++) {
        ov_hll part[3], all = made(12, OV_HLL_4, 0, 0);
        for (uint64_t i = 0; i < 3; i++)
            part[i] = made(12, (ov_hll_type)i, i * counts[c], counts[c] * 2);
        all.merged = true;
        for (uint64_t i = 0; i < counts[c] * 4; i++)
            assert_int_equal(ov_hll_add(&all, ov_hll_coupon(ov_murmur3_u64(i, OV_SKETCH_SEED)), &mem, &err), OV_OK);
        for (size_t o = 0; o < OV_COUNT_OF(orders); o++) {
            ov_hll s;
            ov_hll_init(&s, 12, OV_HLL_4);
            for (int i = 0; i < 3; i++)
                assert_int_equal(ov_hll_merge(&s, &part[orders[o][i]], &mem, &err), OV_OK);
            same_image(&s, &all);
        }
    }
}

/* Of different sizes: the fewest registers win. */
static void test_merge_sizes(void **state)
{
    (void)state;
    ov_hll big = made(14, OV_HLL_4, 0, 40000), small = made(10, OV_HLL_4, 20000, 40000), s;
    for (int order = 0; order < 2; order++) {
        ov_hll_init(&s, 12, OV_HLL_4);
        assert_int_equal(ov_hll_merge(&s, order ? &big : &small, &mem, &err), OV_OK);
        assert_int_equal(ov_hll_merge(&s, order ? &small : &big, &mem, &err), OV_OK);
        assert_int_equal(s.lg_k, 10);
        assert_true(fabs(ov_hll_estimate(&s) / 60000 - 1) < 0.1);
    }
}

/* What was written comes back, whatever the form; damage is told in words. */
static void test_images(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 3, 20, 300, 3000, 300000};
    ov_buf image;
    ov_buf_init(&image);
    for (size_t c = 0; c < OV_COUNT_OF(counts); c++)
        for (int form = 0; form < 6; form++) {
            ov_hll s = made(11, OV_HLL_4, 9, counts[c]), back;
            ov_buf_clear(&image);
            assert_int_equal(ov_hll_write(&s, (ov_hll_type)(form % 3), form < 3, &image, &err), OV_OK);
            assert_int_equal(ov_hll_read(ov_buf_slice(&image), &back, &mem, &err), OV_OK);
            assert_true(ov_hll_estimate(&back) == ov_hll_estimate(&s));
            for (size_t n = 0; n < image.n && form < 3; n += 1 + image.n / 50) {
                ov_status st = ov_hll_read(ov_slice_make(image.p, n), &back, &mem, &err);
                assert_true(st == OV_CORRUPT || (c == 0 && n >= 8));
            }
        }
    ov_buf_fini(&image);
}

/* Images that DataSketches writes byte for byte (tests/sketch/prove.py). */
static void test_golden(void **state)
{
    (void)state;
    static const struct {
        unsigned lg_k;
        ov_hll_type type;
        uint64_t count;
        size_t bytes;
        uint64_t hash;
    } golden[] = {
        {12, OV_HLL_4, 0, 8, UINT64_C(0x311b71d83e97e633)},
        {12, OV_HLL_4, 3, 20, UINT64_C(0x35feb510f5e3095e)},
        {12, OV_HLL_6, 300, 1212, UINT64_C(0x5944a66b5e05eedb)},
        {8, OV_HLL_8, 25, 296, UINT64_C(0xca652692dc388de4)},
        {12, OV_HLL_4, 3000, 2088, UINT64_C(0x6c97189ed9e874f9)},
        {11, OV_HLL_6, 50000, 1577, UINT64_C(0x369febc8e42e6f03)},
        {6, OV_HLL_8, 700, 104, UINT64_C(0x182b8bbe7b5ad743)},
        {21, OV_HLL_4, 100000, 399948, UINT64_C(0xf72c6bea64578df3)},
    };
    for (size_t i = 0; i < OV_COUNT_OF(golden); i++) {
        ov_hll s = made(golden[i].lg_k, golden[i].type, 0, golden[i].count);
        ov_buf image;
        ov_buf_init(&image);
        assert_int_equal(ov_hll_write(&s, golden[i].type, true, &image, &err), OV_OK);
        assert_int_equal(image.n, golden[i].bytes);
        assert_true(ov_murmur3(ov_buf_slice(&image), 0).lo == golden[i].hash);
        ov_buf_fini(&image);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_murmur, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_text_is_utf16, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_modes_and_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_merge_in_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_merge_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_images, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_golden, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
