#include "tests/unit/harness.h"

#include "storage/segment/segment_id.h"

static void check_round(const char *text, const char *datasource, uint32_t partition)
{
    ov_error err = OV_ERROR_INIT;
    ov_segment_id id;
    ov_buf b;
    check_ok(ov_segment_id_parse(ov_slice_cstr(text), &id, &err), &err);
    check_slice(id.datasource, datasource);
    assert_int_equal(id.partition, partition);
    ov_buf_init(&b);
    ov_segment_id_add(&b, &id);
    check_slice(ov_buf_slice(&b), text);
    ov_buf_fini(&b);
}

static void test_round_trip(void **state)
{
    (void)state;
    check_round("wiki_2015-09-12T00:00:00.000Z_2015-09-13T00:00:00.000Z_2026-01-02T03:04:05.678Z",
                "wiki", 0);
    check_round(
        "a_b_c_2015-09-12T00:00:00.000Z_2015-09-13T00:00:00.000Z_2026-01-02T03:04:05.678Z_12",
        "a_b_c", 12);
    check_round("all_-146136543-09-08T08:23:32.096Z_146140482-04-24T15:36:27.903Z_v1", "all", 0);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "_",
        "____",
        "a_b_c_d",
        "2015-09-12T00:00:00.000Z_2015-09-13T00:00:00.000Z_v",
        "w_2015-09-13T00:00:00.000Z_2015-09-12T00:00:00.000Z_v",
        "w_2015-09-12T00:00:00.000Z_2015-13-13T00:00:00.000Z_v_1",
    };
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++) {
        ov_error err = OV_ERROR_INIT;
        ov_segment_id id;
        check_fails(ov_segment_id_parse(ov_slice_cstr(bad[i]), &id, &err), &err, OV_INVALID,
                    "segment id");
    }
}

static void test_names(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    char longest[200];
    memset(longest, 'x', sizeof(longest));
    check_ok(ov_datasource_name_check(OV_SLICE_LIT("git commits, 100 %"), &err), &err);
    check_ok(ov_datasource_name_check(ov_slice_make(longest, 128), &err), &err);
    check_fails(ov_datasource_name_check(ov_slice_make(longest, 129), &err), &err, OV_INVALID,
                "longer");
    check_ok(ov_datasource_name_check(OV_SLICE_LIT("따릉이 대여소"), &err), &err);
    memset(longest, '%', sizeof(longest));
    check_fails(ov_datasource_name_check(ov_slice_make(longest, 128), &err), &err, OV_INVALID,
                "special");
    check_fails(ov_datasource_name_check(OV_SLICE_LIT("a\xff"), &err), &err, OV_INVALID, "UTF-8");
    check_fails(ov_datasource_name_check(OV_SLICE_LIT(""), &err), &err, OV_INVALID, "empty");
    check_fails(ov_datasource_name_check(OV_SLICE_LIT("a/b"), &err), &err, OV_INVALID, "'/'");
    check_fails(ov_datasource_name_check(OV_SLICE_LIT(".a"), &err), &err, OV_INVALID, "'.'");
    check_fails(ov_datasource_name_check(OV_SLICE_LIT("a\tb"), &err), &err, OV_INVALID, "control");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
