/*
 * Every kernel of every instruction set this machine has, against the obvious loop: lengths 0 to 130 and around a batch.
 */
#include "tests/unit/harness.h"

#include <math.h>
#include "query/expr/kernels/kernels.h"

enum { MAX = 8192 + 128 };

static uint64_t seed = 1;

static uint64_t next_random(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed ^ seed >> 29;
}

static uint8_t v8[MAX];
static uint16_t v16[MAX];
static uint32_t v32[MAX];
static uint64_t v64[MAX], w64[MAX];
static double f64[MAX], g64[MAX];
static float f32[MAX];
static uint64_t out[MAX / 64 + 2], more[MAX / 64 + 2];
static int64_t sums[MAX];
static double reals[MAX];
static uint8_t bytes[MAX];

static void fill(void)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 0.0, -0.0, 1, -1, 2.5};
    for (size_t i = 0; i < MAX; i++) {
        uint64_t x = next_random();
        v8[i] = (uint8_t)x;
        v16[i] = (uint16_t)(x >> 8 & (i % 3 ? 0xFFFF : 0xFF));
        v32[i] = (uint32_t)(x >> (i % 2 ? 32 : 52));
        v64[i] = i % 3 ? x : x >> 50;
        w64[i] = i % 5 ? next_random() : v64[i];
        f64[i] = i % 4 ? odd[x % 8] : (double)(int64_t)x / 1e17;
        g64[i] = i % 3 ? odd[x / 8 % 8] : f64[i];
        f32[i] = (float)f64[i];
    }
}

static void check_mask(size_t rows, size_t i, bool want, const char *what)
{
    if (ov_bits_test(out, i) != want)
        fail_msg("%s: row %zu of %zu is %d", what, i, rows, !want);
}

static void ranges(const ovi_kernels *k, size_t rows)
{
    for (int turn = 0; turn < 12; turn++) {
        uint64_t lo = turn == 0 ? 0 : next_random(), span = turn < 2 ? UINT64_MAX : turn < 4 ? 0 : next_random();
        if (turn % 2)
            span >>= 56 - turn * 4;
        k->range_u8(v8, (uint8_t)lo, (uint8_t)span, rows, out);
        for (size_t i = 0; i < rows; i++)
            check_mask(rows, i, (uint8_t)(v8[i] - lo) <= (uint8_t)span, "range_u8");
        k->range_u16(v16, (uint16_t)lo, (uint16_t)span, rows, out);
        for (size_t i = 0; i < rows; i++)
            check_mask(rows, i, (uint16_t)(v16[i] - lo) <= (uint16_t)span, "range_u16");
        k->range_u32(v32, (uint32_t)lo, (uint32_t)span, rows, out);
        for (size_t i = 0; i < rows; i++)
            check_mask(rows, i, (uint32_t)(v32[i] - lo) <= (uint32_t)span, "range_u32");
        k->range_u64(v64, lo, span, rows, out);
        for (size_t i = 0; i < rows; i++)
            check_mask(rows, i, v64[i] - lo <= span, "range_u64");
    }
    static const double bounds[][2] = {{-1, 1}, {0, 0}, {-INFINITY, 0}, {1, -1}, {-INFINITY, INFINITY}};
    for (size_t b = 0; b < OV_COUNT_OF(bounds); b++) {
        k->range_f64(f64, bounds[b][0], bounds[b][1], rows, out);
        for (size_t i = 0; i < rows; i++)
            check_mask(rows, i, f64[i] >= bounds[b][0] && f64[i] <= bounds[b][1], "range_f64");
        k->range_f32(f32, bounds[b][0], bounds[b][1], rows, out);
        for (size_t i = 0; i < rows; i++)
            check_mask(rows, i, (double)f32[i] >= bounds[b][0] && (double)f32[i] <= bounds[b][1], "range_f32");
    }
}

static bool less(double a, double b)
{
    return isnan(b) ? !isnan(a) : a < b;
}

static void pairs(const ovi_kernels *k, size_t rows)
{
    const int64_t *a = (const int64_t *)v64, *b = (const int64_t *)w64;
    k->lt_i64(a, b, rows, out);
    for (size_t i = 0; i < rows; i++)
        check_mask(rows, i, a[i] < b[i], "lt_i64");
    k->eq_i64(a, b, rows, out);
    for (size_t i = 0; i < rows; i++)
        check_mask(rows, i, a[i] == b[i], "eq_i64");
    k->lt_f64(f64, g64, rows, out);
    for (size_t i = 0; i < rows; i++)
        check_mask(rows, i, less(f64[i], g64[i]), "lt_f64");
    k->eq_f64(f64, g64, rows, out);
    for (size_t i = 0; i < rows; i++)
        check_mask(rows, i, f64[i] == g64[i] || (isnan(f64[i]) && isnan(g64[i])), "eq_f64");
}

static void tables(const ovi_kernels *k, size_t rows)
{
    static uint8_t truth[65536 + OVI_TABLE_PAD];
    static uint32_t small[MAX];
    for (size_t i = 0; i < 65536; i++)
        truth[i] = (uint8_t)(next_random() >> 20) % 3;
    for (size_t i = 0; i < MAX; i++)
        small[i] = i < rows ? v32[i] & 0xFFFF : UINT32_MAX; /* past the rows: not in the table */
    for (int lane = 1; lane <= 4; lane *= 2) {
        if (lane == 1)
            k->table_u8(v8, truth, rows, out, more);
        else if (lane == 2)
            k->table_u16(v16, truth, rows, out, more);
        else
            k->table_u32(small, truth, rows, out, more);
        for (size_t i = 0; i < rows; i++) {
            uint8_t t = truth[lane == 1 ? v8[i] : lane == 2 ? v16[i] : small[i]];
            check_mask(rows, i, t == 1, "table, true");
            assert_int_equal(ov_bits_test(more, i), t == 2);
        }
    }
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Every divisor a column may have, bases of every size: to the last bit what the division gives. */
static void check_scale(const ovi_kernels *k, size_t rows)
{
    static const int64_t bases[] = {0, -5, 1, 99999999, -100000, INT64_C(1) << 40, (INT64_C(1) << 53) - 70000, -(INT64_C(1) << 53),
                                    INT64_MAX - UINT32_MAX, INT64_MIN};
    double divisor = 1;
    for (int power = 0; power <= 22; power++, divisor *= 10)
        for (size_t b = 0; b < OV_COUNT_OF(bases); b++) {
            k->scale_u8(v8, bases[b], divisor, rows, reals);
            for (size_t i = 0; i < rows; i++)
                assert_true(same(reals[i], (double)(bases[b] + v8[i]) / divisor));
            k->scale_u16(v16, bases[b], divisor, rows, reals);
            for (size_t i = 0; i < rows; i++)
                assert_true(same(reals[i], (double)(bases[b] + v16[i]) / divisor));
            k->scale_u32(v32, bases[b], divisor, rows, reals);
            for (size_t i = 0; i < rows; i++)
                assert_true(same(reals[i], (double)(bases[b] + v32[i]) / divisor));
        }
}

static void arithmetic(const ovi_kernels *k, size_t rows)
{
    const int64_t *a = (const int64_t *)v64, *b = (const int64_t *)w64;
    for (int form = 0; form < 3; form++) {
        size_t sa = form != 1, sb = form != 2;
        k->add_i64(a, sa, b, sb, rows, sums);
        for (size_t i = 0; i < rows; i++)
            assert_true((uint64_t)sums[i] == v64[i * sa] + w64[i * sb]);
        k->sub_i64(a, sa, b, sb, rows, sums);
        for (size_t i = 0; i < rows; i++)
            assert_true((uint64_t)sums[i] == v64[i * sa] - w64[i * sb]);
        k->mul_i64(a, sa, b, sb, rows, sums);
        for (size_t i = 0; i < rows; i++)
            assert_true((uint64_t)sums[i] == v64[i * sa] * w64[i * sb]);
        k->add_f64(f64, sa, g64, sb, rows, reals);
        for (size_t i = 0; i < rows; i++)
            assert_true(same(reals[i], f64[i * sa] + g64[i * sb]));
        k->sub_f64(f64, sa, g64, sb, rows, reals);
        for (size_t i = 0; i < rows; i++)
            assert_true(same(reals[i], f64[i * sa] - g64[i * sb]));
        k->mul_f64(f64, sa, g64, sb, rows, reals);
        for (size_t i = 0; i < rows; i++)
            assert_true(same(reals[i], f64[i * sa] * g64[i * sb]));
        k->div_f64(f64, sa, g64, sb, rows, reals);
        for (size_t i = 0; i < rows; i++)
            assert_true(same(reals[i], f64[i * sa] / g64[i * sb]));
    }
    static int64_t near[MAX], blended[MAX];
    static uint8_t marked[MAX];
    for (size_t i = 0; i < MAX; i++)
        near[i] = a[i] >> (12 + i % 50);
    static const int64_t divisors[] = {7, -7, 1, -1, 1000, (INT64_C(1) << 52) - 1, 3};
    for (size_t d = 0; d < OV_COUNT_OF(divisors); d++) {
        assert_true(k->div_i64_const(near, divisors[d], rows, sums));
        for (size_t i = 0; i < rows; i++)
            assert_int_equal(sums[i], near[i] / divisors[d]);
    }
    near[rows / 2] = INT64_C(1) << 52;
    assert_true(rows == 0 || !k->div_i64_const(near, 3, rows, sums));
    near[rows / 2] = -(INT64_C(1) << 52) - 1;
    assert_true(rows == 0 || !k->div_i64_const(near, 3, rows, sums));
    k->widen_u8(v8, -5, rows, sums);
    for (size_t i = 0; i < rows; i++)
        assert_int_equal(sums[i], v8[i] - 5);
    k->widen_u16(v16, INT64_MAX - 65536, rows, sums);
    for (size_t i = 0; i < rows; i++)
        assert_int_equal(sums[i], INT64_MAX - 65536 + v16[i]);
    k->widen_u32(v32, INT64_MIN, rows, sums);
    for (size_t i = 0; i < rows; i++)
        assert_int_equal(sums[i], INT64_MIN + v32[i]);
    check_scale(k, rows);
    for (size_t step = 0; step < 2; step++) {
        memset(blended, 0x77, sizeof blended);
        memset(marked, 0x77, sizeof marked);
        k->blend_i64(w64, a, step, rows, blended);
        k->blend_u8(w64, 9, rows, marked);
        for (size_t i = 0; i < MAX; i++) {
            bool in = i < rows && ov_bits_test(w64, i);
            assert_int_equal(blended[i], in ? a[i * step] : 0x7777777777777777);
            assert_int_equal(marked[i], in ? 9 : 0x77);
        }
    }
    k->long_to_double(a, rows, reals);
    for (size_t i = 0; i < rows; i++)
        assert_true(reals[i] == (double)a[i]);
    k->bytes_of_mask(v64, rows, bytes);
    for (size_t i = 0; i < rows; i++)
        assert_int_equal(bytes[i], ov_bits_test(v64, i));
}

static void test_all(void **state)
{
    (void)state;
    for (int isa = OV_ISA_BASE; isa < OV_ISA_COUNT; isa++) {
        const ovi_kernels *k = ovi_kernels_of((ov_isa)isa);
        if (!k) {
            print_message("this machine has no %s: skipped\n", ov_isa_name((ov_isa)isa));
            continue;
        }
        for (size_t rows = 0; rows <= 8200; rows = rows == 130 ? 8120 : rows + 1) {
            if (rows > 130 && rows % 13 && rows != 8191 && rows != 8192 && rows != 8193)
                continue;
            fill();
            ranges(k, rows);
            pairs(k, rows);
            tables(k, rows);
            arithmetic(k, rows);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
