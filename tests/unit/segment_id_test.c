#include "tests/unit/harness.h"

#include "storage/segment/segment_id.h"

static void check_text(ov_segment_id id, const char *text)
{
    ov_buf b;
    ov_buf_init(&b);
    ov_segment_id_add(&b, &id);
    check_slice(ov_buf_slice(&b), text);
    ov_buf_fini(&b);
}

static void test_text(void **state)
{
    (void)state;
    ov_interval day = {OV_MS_PER_DAY, 2 * (int64_t)OV_MS_PER_DAY}, all = {OV_TIME_MIN, OV_TIME_MAX};
    ov_slice version = OV_SLICE_LIT("2026-01-02T03:04:05.678Z");
    check_text((ov_segment_id){OV_SLICE_LIT("wiki"), day, version, 0},
               "wiki_1970-01-02T00:00:00.000Z_1970-01-03T00:00:00.000Z_2026-01-02T03:04:05.678Z");
    check_text((ov_segment_id){OV_SLICE_LIT("a_b_c"), day, version, 12},
               "a_b_c_1970-01-02T00:00:00.000Z_1970-01-03T00:00:00.000Z_2026-01-02T03:04:05.678Z_12");
    check_text((ov_segment_id){OV_SLICE_LIT("all"), all, OV_SLICE_LIT("v1"), 0},
               "all_-146136543-09-08T08:23:32.096Z_146140482-04-24T15:36:27.903Z_v1");
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
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
