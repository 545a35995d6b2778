#include "tests/unit/harness.h"

#include <stdlib.h>
#include "base/tz.h"

static ov_error err;

static const ov_tz *zone_of(const char *name)
{
    const ov_tz *zone = NULL;
    check_ok(ov_tz_get(ov_slice_cstr(name), &zone, &err), &err);
    return zone;
}

static void test_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t utc;
        int32_t offset;
    } rows[] = {
#define ROW(zone, utc, offset) {zone, utc, offset},
#include "tests/data/tz_offsets.def"
#undef ROW
    };
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        const ov_tz *zone = zone_of(rows[i].zone);
        int64_t from, to;
        if (ov_tz_offset(zone, rows[i].utc) != rows[i].offset)
            fail_msg("%s at %lld: %d, not %d", rows[i].zone, (long long)rows[i].utc,
                     ov_tz_offset(zone, rows[i].utc), rows[i].offset);
        assert_int_equal(ov_tz_span(zone, rows[i].utc, &from, &to), rows[i].offset);
        assert_true(from <= rows[i].utc && rows[i].utc < to);
        assert_int_equal(ov_tz_offset(zone, from), rows[i].offset);
        assert_int_equal(ov_tz_offset(zone, to - 1), rows[i].offset);
    }
}

static void test_from_local(void **state)
{
    (void)state;
    static const struct {
        const char *zone;
        int64_t local, utc;
        int exists;
    } rows[] = {
#define ROW(zone, local, utc, exists) {zone, local, utc, exists},
#include "tests/data/tz_local.def"
#undef ROW
    };
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        const ov_tz *zone = zone_of(rows[i].zone);
        int64_t utc;
        if (ov_tz_from_local(zone, rows[i].local) != rows[i].utc)
            fail_msg("%s local %lld: %lld, not %lld", rows[i].zone, (long long)rows[i].local,
                     (long long)ov_tz_from_local(zone, rows[i].local), (long long)rows[i].utc);
        assert_int_equal(ov_tz_from_local_strict(zone, rows[i].local, &utc), rows[i].exists);
        if (rows[i].exists) {
            assert_int_equal(utc, rows[i].utc);
            assert_int_equal(ov_tz_to_local(zone, utc), rows[i].local);
            assert_int_equal(ov_tz_from_local_near(zone, rows[i].local, utc), utc);
        }
    }
}

static void test_both_sides_of_an_overlap(void **state)
{
    (void)state;
    const ov_tz *la = zone_of("America/Los_Angeles");
    int64_t first = 1446366600000; /* 2015-11-01 01:30 PDT */
    int64_t local = first - 7 * INT64_C(3600000);
    assert_int_equal(ov_tz_from_local(la, local), first);
    assert_int_equal(ov_tz_from_local_near(la, local, first + 100), first);
    assert_int_equal(ov_tz_from_local_near(la, local, first + 5 * INT64_C(3600000)),
                     first + 3600000);
    assert_string_equal(ov_tz_abbreviation(la, first), "PDT");
    assert_string_equal(ov_tz_abbreviation(la, first + 3600000), "PST");
    /* named by number in the database, by letters in Java; 2015-03-08 and 2015-06-01 */
    const ov_tz *lord_howe = zone_of("Australia/Lord_Howe");
    assert_string_equal(ov_tz_abbreviation(lord_howe, 1425772800000), "LHDT");
    assert_string_equal(ov_tz_abbreviation(lord_howe, 1433116800000), "LHST");
}

static void test_names(void **state)
{
    (void)state;
    static const char *const utc[] = {"UTC",  "utc",    "Z",      "GMT",  "Etc/UTC",
                                      "Zulu", "+00:00", "-00:00", "UTC+0"};
    for (size_t i = 0; i < OV_COUNT_OF(utc); i++)
        assert_null(zone_of(utc[i]));
    static const struct {
        const char *name, *canonical;
        int32_t offset;
    } fixed[] = {{"+07:00", "+07:00", 25200000},     {"+7", "+07:00", 25200000},
                 {"-0330", "-03:30", -12600000},     {"UTC+2", "+02:00", 7200000},
                 {"GMT-08:00", "-08:00", -28800000}, {"+01:02:03", "+01:02:03", 3723000}};
    for (size_t i = 0; i < OV_COUNT_OF(fixed); i++) {
        const ov_tz *zone = zone_of(fixed[i].name);
        assert_string_equal(ov_tz_name(zone), fixed[i].canonical);
        assert_int_equal(ov_tz_offset(zone, 0), fixed[i].offset);
        assert_true(ov_tz_is_fixed(zone));
    }
    assert_ptr_equal(zone_of("america/los_angeles"), zone_of("America/Los_Angeles"));
    assert_ptr_equal(zone_of("PST"), zone_of("America/Los_Angeles"));
    assert_ptr_equal(zone_of("+7"), zone_of("+07:00"));
    assert_false(ov_tz_is_fixed(zone_of("Asia/Kolkata"))); /* it had other offsets long ago */
    static const char *const bad[] = {"",
                                      "America",
                                      "America/",
                                      "/etc/passwd",
                                      "../UTC",
                                      "America/../UTC",
                                      "zone.tab",
                                      "right/UTC",
                                      "posix/UTC",
                                      "+24:00",
                                      "+1:2",
                                      "+07:",
                                      "America//Los_Angeles",
                                      "leapseconds",
                                      "UTC+",
                                      "\xff\xfe"};
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++) {
        const ov_tz *zone = NULL;
        check_fails(ov_tz_get(ov_slice_cstr(bad[i]), &zone, &err), &err, OV_INVALID,
                    "is no time zone");
    }
    const ov_tz *zone = NULL;
    check_fails(ov_tz_get(OV_SLICE_LIT("America/LosAngeles"), &zone, &err), &err, OV_INVALID,
                "did you mean 'America/Los_Angeles'?");
    check_fails(ov_tz_get((ov_slice){"UTC\0x", 5}, &zone, &err), &err, OV_INVALID,
                "is no time zone");
}

static void test_far_times(void **state)
{
    (void)state;
    const ov_tz *la = zone_of("America/Los_Angeles");
    static const int64_t times[] = {OV_TIME_MIN,
                                    OV_TIME_MIN + 1,
                                    OV_TIME_MAX - 1,
                                    OV_TIME_MAX,
                                    -INT64_C(62135596800000) * 3,
                                    INT64_C(253402300800000) * 100};
    for (size_t i = 0; i < OV_COUNT_OF(times); i++) {
        int64_t from, to;
        int32_t offset = ov_tz_span(la, times[i], &from, &to);
        assert_true(offset < 0 && offset > -OV_MS_PER_DAY);
        assert_true(from <= times[i]);
    }
    /* the rule goes on: July is PDT in the year 9000 as well */
    int64_t july = ov_days_from_civil(9000, 7, 1) * OV_MS_PER_DAY;
    assert_int_equal(ov_tz_offset(la, july), -7 * 3600000);
    assert_int_equal(ov_tz_offset(la, july + 180 * OV_MS_PER_DAY), -8 * 3600000);
}

int main(void)
{
    unsetenv("TZDIR");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_from_local),
        cmocka_unit_test(test_both_sides_of_an_overlap),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_far_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
