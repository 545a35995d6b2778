/* base/prom: Prometheus text, byte by byte. */
#include "tests/unit/harness.h"

#include "base/prom.h"

static void values_have_their_heads(void **state)
{
    (void)state;
    ov_buf b;
    ov_buf_init(&b);
    ov_prom_counter(&b, "a_total", "Things.", UINT64_MAX);
    ov_prom_gauge(&b, "b", "Seconds.", 0.5);
    assert_string_equal(ov_buf_cstr(&b), "# HELP a_total Things.\n# TYPE a_total counter\na_total 18446744073709551615\n"
                                         "# HELP b Seconds.\n# TYPE b gauge\nb 0.5\n");
    ov_buf_fini(&b);
}

static void labels_stay_on_their_line(void **state)
{
    (void)state;
    ov_buf b;
    ov_buf_init(&b);
    ov_prom_label(&b, "topic", OV_SLICE_LIT("a\"b\\c\nd"));
    assert_string_equal(ov_buf_cstr(&b), "topic=\"a\\\"b\\\\c\\nd\"");
    ov_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_their_heads),
        cmocka_unit_test(labels_stay_on_their_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
