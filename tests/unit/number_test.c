#include "tests/unit/harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/bytes.h"
#include "base/numfmt.h"
#include "base/numparse.h"

static uint64_t random_state = 88172645463325252ull;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void check_double(double v, const char *want)
{
    char text[OV_FMT_DOUBLE_BYTES];
    check_slice(ov_slice_make(text, ov_fmt_double(v, text)), want);
}

static void check_float(float v, const char *want)
{
    char text[OV_FMT_FLOAT_BYTES];
    check_slice(ov_slice_make(text, ov_fmt_float(v, text)), want);
}

/* Results of Double.toString and Float.toString, JDK 19 and later. */
static void test_java_form(void **state)
{
    (void)state;
    check_double(0.0, "0.0");
    check_double(-0.0, "-0.0");
    check_double(1.0, "1.0");
    check_double(-1.5, "-1.5");
    check_double(0.1, "0.1");
    check_double(0.001, "0.001");
    check_double(0.00123, "0.00123");
    check_double(0.0009999, "9.999E-4");
    check_double(9999999.0, "9999999.0");
    check_double(1e7, "1.0E7");
    check_double(12345678.9, "1.23456789E7");
    check_double(1e10, "1.0E10");
    check_double(1e-5, "1.0E-5");
    check_double(100.0, "100.0");
    check_double(123456.789, "123456.789");
    check_double(2e23, "2.0E23");
    check_double(9007199254740993.0, "9.007199254740992E15");
    check_double(1.7976931348623157e308, "1.7976931348623157E308");
    check_double(2.2250738585072014e-308, "2.2250738585072014E-308");
    check_double(4.9e-324, "4.9E-324");
    check_double(9.9e-324, "9.9E-324");
    check_double(1.5e-323, "1.5E-323");
    check_double(37.5665, "37.5665");
    check_double(NAN, "NaN");
    check_double(INFINITY, "Infinity");
    check_double(-INFINITY, "-Infinity");
    check_float(0.1f, "0.1");
    check_float(1.0f, "1.0");
    check_float(3.4028235e38f, "3.4028235E38");
    check_float(1.4e-45f, "1.4E-45");
    check_float(2.8e-45f, "2.8E-45");
    check_float(1e7f, "1.0E7");
    check_float(16777216.0f, "1.6777216E7");
    check_float(33554432.0f, "3.3554432E7");
    check_float(0.33333334f, "0.33333334");
    check_float(-INFINITY, "-Infinity");
    /* more digits than they need, or one less than nearest: what Java 17 printed */
    check_float(1.17549435e-38f, "1.17549435E-38");
    check_float(1111111168.0f, "1.11111117E9");
    check_float(1442019672064.0f, "1.44201967E12");
    check_float(0x1p83f, "9.6714065E24");
}

/* Digits of the shortest %.{n}e that reads back to v. */
static int shortest_digits(double v)
{
    char text[40];
    for (int n = 1; n < 17; n++) {
        snprintf(text, sizeof text, "%.*e", n - 1, v);
        if (strtod(text, NULL) == v)
            return n;
    }
    return 17;
}

static void check_round_trip(double v)
{
    char text[OV_FMT_DOUBLE_BYTES + 1];
    size_t n = ov_fmt_double(v, text);
    text[n] = '\0';
    if (ov_f64_bits(strtod(text, NULL)) != ov_f64_bits(v))
        fail_msg("%.17g became %s", v, text);
    double back;
    assert_true(ov_parse_double(ov_slice_make(text, n), &back));
    if (ov_f64_bits(back) != ov_f64_bits(v))
        fail_msg("%s was read as %.17g", text, back);
    uint64_t digits;
    int exponent;
    ov_double_shortest(v, &digits, &exponent);
    char count[24];
    int got = snprintf(count, sizeof count, "%llu", (unsigned long long)digits);
    int want = shortest_digits(v);
    if (want == 1 && got == 2) /* Java takes the nearer of two digits: 4.9E-324 */
        return;
    /* fewer is right as well: beside a power of two a decimal that is not the nearest may fit the
     * interval */
    if (got > want)
        fail_msg("%.17g: %d digits, %d are enough", v, got, want);
}

static void test_doubles_round_trip_and_are_shortest(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        double v = ov_f64_from_bits(next_random());
        if (!isnan(v) && !isinf(v) && v != 0)
            check_round_trip(v);
    }
    for (int i = 0; i < 100000; i++)
        check_round_trip((double)(int64_t)(next_random() % 2000000000 - 1000000000 + (i == 0)) /
                             pow(10, (double)(next_random() % 10)) +
                         1e-9);
    for (int e = -1074; e < 1024; e++) { /* powers of two: the lower neighbour is nearer */
        check_round_trip(ldexp(1, e));
        if (e > -1022)
            check_round_trip(nextafter(ldexp(1, e), 0));
    }
    for (int e = -323; e <= 308; e++) {
        char text[16];
        snprintf(text, sizeof text, "1e%d", e);
        check_round_trip(strtod(text, NULL));
    }
}

static void test_floats_round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        float v = ov_f32_from_bits((uint32_t)next_random());
        if (isnan(v) || isinf(v))
            continue;
        char text[OV_FMT_FLOAT_BYTES + 1];
        size_t n = ov_fmt_float(v, text);
        text[n] = '\0';
        if (ov_f32_bits(strtof(text, NULL)) != ov_f32_bits(v))
            fail_msg("%.9g became %s", (double)v, text);
    }
}

static void test_integers(void **state)
{
    (void)state;
    char text[OV_FMT_INT_BYTES];
    check_slice(ov_slice_make(text, ov_fmt_i64(INT64_MIN, text)), "-9223372036854775808");
    check_slice(ov_slice_make(text, ov_fmt_i64(INT64_MAX, text)), "9223372036854775807");
    check_slice(ov_slice_make(text, ov_fmt_u64(UINT64_MAX, text)), "18446744073709551615");
    check_slice(ov_slice_make(text, ov_fmt_i64(0, text)), "0");
    for (int i = 0; i < 100000; i++) {
        int64_t v = (int64_t)(next_random() >> (next_random() % 64)), back;
        v = i % 2 ? -v : v;
        assert_true(ov_parse_i64(ov_slice_make(text, ov_fmt_i64(v, text)), &back));
        assert_int_equal(back, v);
    }
}

static void test_parse_i64(void **state)
{
    (void)state;
    int64_t v = 7;
    static const char *const bad[] = {"",
                                      "+",
                                      "-",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "--1",
                                      "+-1",
                                      "-+1",
                                      "1e3",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999",
                                      "1a"};
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++)
        assert_false(ov_parse_i64(ov_slice_cstr(bad[i]), &v));
    assert_int_equal(v, 7);
    assert_true(ov_parse_i64(OV_SLICE_LIT("-9223372036854775808"), &v));
    assert_true(v == INT64_MIN);
    assert_true(ov_parse_i64(OV_SLICE_LIT("+9223372036854775807"), &v));
    assert_true(v == INT64_MAX);
    assert_true(ov_parse_i64(OV_SLICE_LIT("00000000000000000000000012"), &v));
    assert_int_equal(v, 12);
}

static void test_parse_double(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    ".",   "-",  "+.",  "1.2.3", " 1",  "1 ",  "NaN",
                                      "inf", "0x1", "1e", "1e+", "e1",    "1,5", "1_0", "1d"};
    double v = 7;
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++)
        if (ov_parse_double(ov_slice_cstr(bad[i]), &v))
            fail_msg("'%s' was taken as %g", bad[i], v);
    static const char *const good[] = {"1",
                                       "-1.5",
                                       ".5",
                                       "5.",
                                       "1e22",
                                       "1e23",
                                       "9007199254740993",
                                       "9007199254740992.999999999999",
                                       "0.000000000000000000000000000001",
                                       "123456789012345678901234567890",
                                       "1e400",
                                       "-1e400",
                                       "1e-400",
                                       "2.2250738585072011e-308",
                                       "0e999999999999999999999",
                                       "1.7976931348623159e308",
                                       "17976931348623158079372897140530341507993413271003782693617"
                                       "3778980444968292764750946649017977587207096330"
                                       "28641669288791094655554785194040263065748867150582068190890"
                                       "2000708383676273854845817711531764475730270069855",
                                       "0.500000000000000166533453693773481063544750213623046875"};
    for (size_t i = 0; i < OV_COUNT_OF(good); i++) {
        assert_true(ov_parse_double(ov_slice_cstr(good[i]), &v));
        if (ov_f64_bits(v) != ov_f64_bits(strtod(good[i], NULL)))
            fail_msg("'%s' was read as %.17g", good[i], v);
    }
    for (int i = 0; i < 200000; i++) {
        char text[64];
        snprintf(text, sizeof text, "%llu.%llue%d",
                 (unsigned long long)(next_random() >> (next_random() % 64)),
                 (unsigned long long)(next_random() >> (next_random() % 64)),
                 (int)(next_random() % 640) - 330);
        assert_true(ov_parse_double(ov_slice_cstr(text), &v));
        if (ov_f64_bits(v) != ov_f64_bits(strtod(text, NULL)))
            fail_msg("'%s' was read as %.17g", text, v);
    }
}

static void test_lenient(void **state)
{
    (void)state;
    double d;
    int64_t v;
    bool b;
    assert_true(ov_parse_double_java(OV_SLICE_LIT(" -Infinity "), &d) && d == -INFINITY);
    assert_true(ov_parse_double_java(OV_SLICE_LIT("NaN"), &d) && isnan(d));
    assert_true(ov_parse_double_java(OV_SLICE_LIT("1.5f"), &d) && d == 1.5);
    assert_true(ov_parse_double_java(OV_SLICE_LIT("0x1.8p1"), &d) && d == 3.0);
    assert_false(ov_parse_double_java(OV_SLICE_LIT("inf"), &d));
    assert_false(ov_parse_double_java(OV_SLICE_LIT("nan"), &d));
    assert_false(ov_parse_double_java(OV_SLICE_LIT("0x18"), &d));
    assert_true(ov_parse_i64_lenient(OV_SLICE_LIT("12.0"), &v) && v == 12);
    assert_true(ov_parse_i64_lenient(OV_SLICE_LIT("1.5e3"), &v) && v == 1500);
    assert_true(ov_parse_i64_lenient(OV_SLICE_LIT("-9223372036854775808.00"), &v) &&
                v == INT64_MIN);
    assert_true(ov_parse_i64_lenient(OV_SLICE_LIT("0e99999999"), &v) && v == 0);
    assert_false(ov_parse_i64_lenient(OV_SLICE_LIT("1.5"), &v));
    assert_false(ov_parse_i64_lenient(OV_SLICE_LIT("1e19"), &v));
    assert_false(ov_parse_i64_lenient(OV_SLICE_LIT("1e999999999999"), &v));
    assert_true(ov_parse_bool(OV_SLICE_LIT("TRUE"), &b) && b);
    assert_false(ov_parse_bool(OV_SLICE_LIT("1"), &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_java_form),
        cmocka_unit_test(test_doubles_round_trip_and_are_shortest),
        cmocka_unit_test(test_floats_round_trip),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_parse_i64),
        cmocka_unit_test(test_parse_double),
        cmocka_unit_test(test_lenient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
