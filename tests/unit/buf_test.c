#include "tests/unit/harness.h"

#include "base/buf.h"

static void test_integers(void **state)
{
    (void)state;
    ov_buf b;
    ov_buf_init(&b);
    ov_buf_add_i64(&b, INT64_MIN);
    ov_buf_add_char(&b, ' ');
    ov_buf_add_u64(&b, UINT64_MAX);
    ov_buf_add_char(&b, ' ');
    for (int64_t v = 1; v < 1000000; v *= 10)
        ov_buf_add_i64(&b, -v);
    ov_buf_addf(&b, " %d", 0);
    check_slice(ov_buf_slice(&b),
                "-9223372036854775808 18446744073709551615 -1-10-100-1000-10000-100000 0");
    ov_buf_fini(&b);
}

static void test_limit_is_sticky(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    b.limit = 100;
    for (int i = 0; i < 11; i++)
        ov_buf_add_str(&b, "0123456789");
    ov_buf_add_str(&b, "more");
    assert_int_equal(b.n, 100);
    check_fails(ov_buf_check(&b, &err), &err, OV_LIMIT, "limit of 100");
    ov_buf_clear(&b);
    ov_buf_add_str(&b, "again");
    check_ok(ov_buf_check(&b, &err), &err);
    assert_string_equal(ov_buf_cstr(&b), "again");
    ov_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_limit_is_sticky),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
