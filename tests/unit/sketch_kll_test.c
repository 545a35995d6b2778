/* KLL sketches: exact while small, errors of ranks, merging of any sizes, images. Equality with DataSketches: tests/sketch. */
#include "sketch/kll.h"

#include "tests/unit/sketch_lib.h"

/* Numbers first .. first + count - 1 in a muddled order; count is a power of two. */
static ov_kll made(unsigned k, bool floats, uint64_t first, uint64_t count)
{
    ov_kll s;
    ov_kll_init(&s, k, floats);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(ov_kll_add(&s, (double)(first + (i * 2654435761u & (count - 1))), &mem, &err), OV_OK);
    return s;
}

static ov_ranks ranks_of(const ov_kll *s)
{
    ov_ranks r;
    assert_int_equal(ov_kll_ranks(s, &r, &arena, &err), OV_OK);
    assert_int_equal(r.n, s->n);
    return r;
}

/* Levels lie in order, ascend, and hold no more than they may. */
static void assert_sound(const ov_kll *s)
{
    uint64_t n = 0;
    assert_true(s->room <= s->capacity && s->ends[s->levels - 1] == s->room);
    assert_int_equal(s->capacity, ovi_kll_capacity(s->k, s->m, s->levels));
    for (unsigned level = 0; level < s->levels; level++) {
        n += (uint64_t)ovi_kll_population(s, level) << level;
        for (uint32_t i = ovi_kll_begin(s, level) + 1; level && i < s->ends[level]; i++)
            assert_true(s->items[i - 1] <= s->items[i]);
    }
    assert_int_equal(n, s->n);
}

/* The largest error of a rank of whole numbers from 0 on. */
static double worst_error(const ov_kll *s)
{
    ov_ranks r = ranks_of(s);
    double worst = 0;
    for (uint64_t v = 0; v < s->n; v += s->n / 4096 + 1)
        worst = fmax(worst, fabs(ov_ranks_rank(&r, (double)v) - (double)(v + 1) / (double)s->n));
    return worst;
}

static void test_exact(void **state)
{
    (void)state;
    ov_kll s = made(200, false, 1, 128);
    assert_int_equal(ov_kll_add(&s, NAN, &mem, &err), OV_OK);
    assert_true(s.levels == 1 && s.n == 128 && s.min == 1 && s.max == 128);
    ov_ranks r = ranks_of(&s);
    for (int i = 1; i <= 128; i++)
        assert_true(ov_ranks_quantile(&r, i / 128.0) == i && ov_ranks_rank(&r, i) == i / 128.0);
}

static void test_errors(void **state)
{
    (void)state;
    for (unsigned k = 8; k <= 2048; k *= 4)
        for (int floats = 0; floats < 2; floats++) {
            ov_kll s = made(k, floats, 0, 1 << 18);
            assert_sound(&s);
            assert_true(s.min == 0 && s.max == (1 << 18) - 1);
            assert_true(worst_error(&s) <= 1.5 * ov_kll_error(k, false));
        }
}

static void test_floats_are_rounded(void **state)
{
    (void)state;
    ov_kll s;
    ov_kll_init(&s, 8, true);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ov_kll_add(&s, 0.1 * i, &mem, &err), OV_OK);
    for (uint32_t i = s.free; i < s.room; i++)
        assert_true(s.items[i] == (double)(float)s.items[i]);
    assert_true(s.max == (double)9.9f);
}

static void test_merge(void **state)
{
    (void)state;
    static const uint64_t counts[] = {0, 1, 64, 256, 1024, 1 << 16};
    for (size_t i = 0; i < OV_COUNT_OF(counts); i++)
        for (size_t j = 0; j < OV_COUNT_OF(counts); j++) {
            uint64_t a = counts[i], b = counts[j];
            ov_kll s = a ? made(100, false, 0, a) : made(100, false, 0, 0), from = made(40, false, a, b);
            assert_int_equal(ov_kll_merge(&s, &from, &mem, &err), OV_OK);
            assert_int_equal(s.n, a + b);
            if (a + b == 0)
                continue;
            assert_sound(&s);
            assert_true(s.min == 0 && s.max == (double)(a + b - 1));
            assert_int_equal(s.min_k, from.levels > 1 ? 40 : 100);
            assert_true(worst_error(&s) <= 1.5 * ov_kll_error(s.min_k, false) + 1e-9);
        }
    ov_kll many = made(200, false, 0, 0);
    for (uint64_t part = 0; part < 256; part++) {
        ov_kll one = made(200, false, part * 1024, 1024);
        assert_int_equal(ov_kll_merge(&many, &one, &mem, &err), OV_OK);
    }
    assert_sound(&many);
    assert_true(worst_error(&many) <= 1.5 * ov_kll_error(200, false));
}

static void test_images(void **state)
{
    (void)state;
    for (int floats = 0; floats < 2; floats++)
        for (uint64_t n = 0; n < 100000; n = n * 2 + 1) {
            ov_kll s = n ? made(64, floats, 0, (n + 1) / 2) : made(64, floats, 0, 0), again;
            ov_buf image, other;
            ov_buf_init(&image);
            ov_buf_init(&other);
            for (int sorted = 0; sorted < 2; sorted++) {
                ov_buf_clear(&image);
                ov_buf_clear(&other);
                assert_int_equal(ov_kll_write(&s, &image, &err), OV_OK);
                assert_int_equal(ov_kll_read(ov_buf_slice(&image), floats, &again, &mem, &err), OV_OK);
                assert_int_equal(ov_kll_write(&again, &other, &err), OV_OK);
                /* one item is sorted anyhow, and its image does not tell */
                assert_true(ov_slice_eq(ov_buf_slice(&image), ov_buf_slice(&other)) || s.n == 1);
                ov_kll_sort(&s);
            }
            for (size_t cut = 1; s.n && cut < image.n; cut += image.n / 64 + 1)
                assert_int_equal(ov_kll_read(ov_slice_make(image.p, cut), floats, &again, &mem, &err), OV_CORRUPT);
            ov_buf_fini(&image);
            ov_buf_fini(&other);
        }
}

/* As DataSketches' C++ 5.2 writes them: k 8; nothing, one item, 1 to 5 of doubles, and of floats. */
static void test_golden(void **state)
{
    (void)state;
    ov_buf image;
    ov_buf_init(&image);
    ov_kll s = made(8, false, 0, 0);
    assert_int_equal(ov_kll_write(&s, &image, &err), OV_OK);
    assert_memory_equal(image.p, "\x02\x01\x0f\x01\x08\x00\x08\x00", 8);
    assert_int_equal(ov_kll_add(&s, 1, &mem, &err), OV_OK);
    ov_buf_clear(&image);
    assert_int_equal(ov_kll_write(&s, &image, &err), OV_OK);
    assert_int_equal(image.n, 16);
    assert_memory_equal(image.p, "\x02\x02\x0f\x04\x08\x00\x08\x00\x00\x00\x00\x00\x00\x00\xf0\x3f", 16);
    ov_kll f = made(8, true, 1, 2);
    ov_buf_clear(&image);
    assert_int_equal(ov_kll_write(&f, &image, &err), OV_OK);
    assert_int_equal(image.n, 40);
    assert_memory_equal(image.p,
                        "\x05\x01\x0f\x00\x08\x00\x08\x00\x02\x00\x00\x00\x00\x00\x00\x00\x08\x00\x01\x00\x06\x00\x00\x00"
                        "\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x00\x40\x00\x00\x80\x3f",
                        40);
    ov_buf_fini(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_floats_are_rounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_merge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_images, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_golden, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
