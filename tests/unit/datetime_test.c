#include "tests/unit/harness.h"

#include "base/datetime.h"
#include "base/tz.h"

static ov_error err;

static int64_t iso(const char *text)
{
    int64_t ms = 0;
    check_ok(ov_iso_parse(ov_slice_cstr(text), NULL, &ms, &err), &err);
    return ms;
}

static void check_iso(const char *text, const char *want)
{
    char back[OV_ISO_BYTES];
    check_slice(ov_slice_make(back, ov_iso_format(iso(text), NULL, back)), want);
    int64_t ms;
    assert_true(ov_iso_try(ov_slice_cstr(text), NULL, &ms));
    assert_int_equal(ms, iso(text));
}

static const ov_tz *zone_of(const char *name)
{
    const ov_tz *zone = NULL;
    check_ok(ov_tz_get(ov_slice_cstr(name), &zone, &err), &err);
    return zone;
}

/* Day by day through the years -5000 .. 10000 against a calendar that only counts. */
static void test_calendar(void **state)
{
    (void)state;
    int64_t day = ov_days_from_civil(-5000, 1, 1);
    for (int32_t y = -5000; y <= 10000; y++) {
        bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
        for (int32_t m = 1; m <= 12; m++) {
            int32_t length = m == 2 ? 28 + leap : m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31;
            assert_int_equal(ov_days_in_month(y, m), length);
            for (int32_t d = 1; d <= length; d++, day++) {
                int32_t yy, mm, dd;
                if (ov_days_from_civil(y, m, d) != day)
                    fail_msg("%d-%d-%d is not day %lld", y, m, d, (long long)day);
                ov_days_to_civil(day, &yy, &mm, &dd);
                if (yy != y || mm != m || dd != d)
                    fail_msg("day %lld became %d-%d-%d", (long long)day, yy, mm, dd);
            }
        }
    }
    assert_int_equal(ov_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(ov_days_from_civil(2000, 3, 1), 11017);
}

static void test_iso_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"2015-09-12T00:46:58.771Z", "2015-09-12T00:46:58.771Z"},
        {"2015-09-12 00:46:58.771Z", "2015-09-12T00:46:58.771Z"},
        {"2015-09-12T00:46:58Z", "2015-09-12T00:46:58.000Z"},
        {"2015-09-12T00:46:58.7Z", "2015-09-12T00:46:58.700Z"},
        {"2015-09-12T00:46:58.77Z", "2015-09-12T00:46:58.770Z"},
        {"2015-09-12T00:46:58.7719999999999Z", "2015-09-12T00:46:58.771Z"},
        {"2015-09-12T00:46:58,5", "2015-09-12T00:46:58.500Z"},
        {"2015-09-12T00:46:58", "2015-09-12T00:46:58.000Z"},
        {"2015-09-12T00:46", "2015-09-12T00:46:00.000Z"},
        {"2015-09-12T00", "2015-09-12T00:00:00.000Z"},
        {"2015-09-12T00Z", "2015-09-12T00:00:00.000Z"},
        {"2015-09-12T13.5", "2015-09-12T13:30:00.000Z"},
        {"2015-09-12T13:30.25", "2015-09-12T13:30:15.000Z"},
        {"2015-09-12T", "2015-09-12T00:00:00.000Z"},
        {"2015-09-12", "2015-09-12T00:00:00.000Z"},
        {"2015-9-2", "2015-09-02T00:00:00.000Z"},
        {"2015-09", "2015-09-01T00:00:00.000Z"},
        {"2015", "2015-01-01T00:00:00.000Z"},
        {"2015-255", "2015-09-12T00:00:00.000Z"},
        {"2015-W37-6", "2015-09-12T00:00:00.000Z"},
        {"2015-W37", "2015-09-07T00:00:00.000Z"},
        {"2015-W53", "2015-12-28T00:00:00.000Z"},
        {"2015-09-12T00:46:58.771+07:00", "2015-09-11T17:46:58.771Z"},
        {"2015-09-12T00:46:58-0330", "2015-09-12T04:16:58.000Z"},
        {"2015-09-12T00:46:58+07", "2015-09-11T17:46:58.000Z"},
        {"-5000", "-5000-01-01T00:00:00.000Z"},
        {"-0001-12-31T23:59:59.999Z", "-0001-12-31T23:59:59.999Z"},
        {"0000-02-29", "0000-02-29T00:00:00.000Z"},
        {"10000-01-01", "10000-01-01T00:00:00.000Z"},
        {"+12345-06-07T08Z", "12345-06-07T08:00:00.000Z"},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
        {"-146136543-09-08T08:23:32.096Z", "-146136543-09-08T08:23:32.096Z"},
        {"146140482-04-24T15:36:27.903Z", "146140482-04-24T15:36:27.903Z"},
    };
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++)
        check_iso(rows[i].text, rows[i].want);
    assert_true(iso("-146136543-09-08T08:23:32.096Z") == OV_TIME_MIN);
    assert_true(iso("146140482-04-24T15:36:27.903Z") == OV_TIME_MAX);
}

static void test_iso_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      " ",
                                      "x",
                                      "T00",
                                      "2015-",
                                      "2015-00",
                                      "2015-13",
                                      "2015-02-29",
                                      "2015-09-31",
                                      "2015-000",
                                      "2015-366",
                                      "2015-W54",
                                      "2014-W53",
                                      "2015-W37-8",
                                      "2015-W37-0",
                                      "2015-09-12T24",
                                      "2015-09-12T23:60",
                                      "2015-09-12T23:59:60",
                                      "2015-09-12T23:59:59.",
                                      "2015-09-12Z",
                                      "2015-09-12T00:00:00Zx",
                                      "2015-09-12T00:00:00+24",
                                      "2015-09-12T00:00:00+7",
                                      "2015-09-12  00:00",
                                      " 2015-09-12",
                                      "2015-09-12 ",
                                      "2015-09-12T00:0a",
                                      "1234567890123",
                                      "--5",
                                      "999999999-01-01",
                                      "-999999999-01-01",
                                      "146140482-04-24T15:36:27.904Z",
                                      "2015-09-12T00:00:00.771Y",
                                      "2015-09-12x00:00:00.771Z",
                                      "2015-0-12T00:00:00.77Z",
                                      "2015-09-12T00:00:00..7Z",
                                      "2015-09-12T00:00:00.Z"};
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++) {
        int64_t ms;
        if (ov_iso_parse(ov_slice_cstr(bad[i]), NULL, &ms, &err) == OV_OK)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(err.text, "is not a time"));
        assert_false(ov_iso_try(ov_slice_cstr(bad[i]), NULL, &ms));
    }
    int64_t ms;
    check_fails(ov_iso_parse(OV_SLICE_LIT("2015-13-01"), NULL, &ms, &err), &err, OV_INVALID,
                "a month, 01..12 is expected at character 6");
}

static void test_iso_in_zones(void **state)
{
    (void)state;
    const ov_tz *la = zone_of("America/Los_Angeles"), *kolkata = zone_of("Asia/Kolkata");
    char text[OV_ISO_BYTES];
    int64_t ms;
    check_ok(ov_iso_parse(OV_SLICE_LIT("2015-09-12"), la, &ms, &err), &err);
    check_slice(ov_slice_make(text, ov_iso_format(ms, NULL, text)), "2015-09-12T07:00:00.000Z");
    check_slice(ov_slice_make(text, ov_iso_format(ms, la, text)), "2015-09-12T00:00:00.000-07:00");
    check_slice(ov_slice_make(text, ov_iso_format(ms, kolkata, text)),
                "2015-09-12T12:30:00.000+05:30");
    check_ok(ov_iso_parse(OV_SLICE_LIT("2015-09-12T00Z"), la, &ms, &err), &err);
    assert_int_equal(ms, iso("2015-09-12"));
    check_fails(ov_iso_parse(OV_SLICE_LIT("2015-03-08T02:30"), la, &ms, &err), &err, OV_INVALID,
                "clocks showed");
}

static void test_every_time_of_day_round_trips(void **state)
{
    (void)state;
    int64_t step = 7777777777777;
    for (int64_t ms = iso("-9999"); ms < iso("20000"); ms += step / 100) {
        char text[OV_ISO_BYTES];
        int64_t back;
        assert_true(ov_iso_try(ov_slice_make(text, ov_iso_format(ms, NULL, text)), NULL, &back));
        assert_int_equal(back, ms);
    }
}

static void test_sql_literals(void **state)
{
    (void)state;
    int64_t ms;
    check_ok(ov_sql_timestamp_parse(OV_SLICE_LIT("2000-01-02 03:04:05.678"), NULL, &ms, &err),
             &err);
    assert_int_equal(ms, iso("2000-01-02T03:04:05.678Z"));
    check_ok(ov_sql_timestamp_parse(OV_SLICE_LIT("2000-1-2 3:4:5"), NULL, &ms, &err), &err);
    assert_int_equal(ms, iso("2000-01-02T03:04:05Z"));
    check_ok(ov_sql_timestamp_parse(OV_SLICE_LIT("2000-01-02"), NULL, &ms, &err), &err);
    check_ok(ov_sql_date_parse(OV_SLICE_LIT("2000-01-02"), NULL, &ms, &err), &err);
    assert_int_equal(ms, iso("2000-01-02"));
    check_fails(ov_sql_timestamp_parse(OV_SLICE_LIT("2000-01-02T03:04:05"), NULL, &ms, &err), &err,
                OV_INVALID, "a blank and a time");
    check_fails(ov_sql_timestamp_parse(OV_SLICE_LIT("2000-01-02 03:04"), NULL, &ms, &err), &err,
                OV_INVALID, "a colon");
    check_fails(ov_sql_date_parse(OV_SLICE_LIT("2000-01-02 00:00:00"), NULL, &ms, &err), &err,
                OV_INVALID, "nothing");
    check_fails(ov_sql_date_parse(OV_SLICE_LIT("2000-02-30"), NULL, &ms, &err), &err, OV_INVALID,
                "a day of that");
}

static void check_interval(const char *text, const char *want)
{
    ov_interval i;
    ov_buf b;
    ov_buf_init(&b);
    check_ok(ov_interval_parse(ov_slice_cstr(text), &i, &err), &err);
    ov_interval_add(&b, i);
    check_slice(ov_buf_slice(&b), want);
    ov_buf_fini(&b);
}

static void test_intervals(void **state)
{
    (void)state;
    check_interval("2015-09-12/2015-09-13", "2015-09-12T00:00:00.000Z/2015-09-13T00:00:00.000Z");
    check_interval("2015-09-12/P1D", "2015-09-12T00:00:00.000Z/2015-09-13T00:00:00.000Z");
    check_interval("P1M/2015-03-31", "2015-02-28T00:00:00.000Z/2015-03-31T00:00:00.000Z");
    check_interval("2015/PT0S", "2015-01-01T00:00:00.000Z/2015-01-01T00:00:00.000Z");
    check_interval("-5000/5000", "-5000-01-01T00:00:00.000Z/5000-01-01T00:00:00.000Z");
    check_interval("-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z",
                   "-146136543-09-08T08:23:32.096Z/146140482-04-24T15:36:27.903Z");
    static const struct {
        const char *text, *part;
    } bad[] = {{"2015", "expected start/end"},
               {"", "expected start/end"},
               {"2015/2014", "before the start"},
               {"P1D/P1D", "both are periods"},
               {"2015/x", "is not a time"},
               {"/2015", "is not a time"},
               {"2015/P1H", "hours come after the T"},
               {"146140482-04-24/P1Y", "range of times"}};
    ov_interval i;
    for (size_t k = 0; k < OV_COUNT_OF(bad); k++)
        check_fails(ov_interval_parse(ov_slice_cstr(bad[k].text), &i, &err), &err, OV_INVALID,
                    bad[k].part);
    ov_interval list[] = {{5, 7}, {1, 3}, {3, 4}, {9, 9}, {6, 8}, {20, 30}};
    assert_int_equal(ov_interval_condense(list, OV_COUNT_OF(list)), 3);
    assert_true(list[0].start == 1 && list[0].end == 4 && list[1].end == 8 && list[2].start == 20);
}

static void test_extract(void **state)
{
    (void)state;
    int64_t ms = iso("2015-09-12T13:46:58.771Z");
    static const struct {
        const char *unit;
        int64_t want;
    } rows[] = {{"EPOCH", 1442065618}, {"MILLISECOND", 771}, {"SECOND", 58},  {"MINUTE", 46},
                {"HOUR", 13},          {"DAY", 12},          {"DOW", 6},      {"ISODOW", 6},
                {"DOY", 255},          {"WEEK", 37},         {"MONTH", 9},    {"QUARTER", 3},
                {"YEAR", 2015},        {"ISOYEAR", 2015},    {"DECADE", 201}, {"CENTURY", 21},
                {"MILLENNIUM", 3},     {"days", 12},         {"year", 2015}};
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        ov_time_unit unit;
        int64_t one;
        assert_true(ov_time_unit_find(ov_slice_cstr(rows[i].unit), &unit));
        assert_int_equal(ov_time_extract(unit, ms, NULL), rows[i].want);
        ov_time_extract_n(unit, NULL, &ms, &one, 1);
        assert_int_equal(one, rows[i].want);
    }
    ov_time_unit unit;
    assert_false(ov_time_unit_find(OV_SLICE_LIT("FORTNIGHT"), &unit));
    assert_false(ov_time_unit_find(OV_SLICE_LIT(""), &unit));
    assert_int_equal(ov_time_extract(OV_UNIT_ISOYEAR, iso("2016-01-01"), NULL), 2015);
    assert_int_equal(ov_time_extract(OV_UNIT_WEEK, iso("2016-01-01"), NULL), 53);
    assert_int_equal(ov_time_extract(OV_UNIT_ISOYEAR, iso("2018-12-31"), NULL), 2019);
    assert_int_equal(ov_time_extract(OV_UNIT_CENTURY, iso("2000-12-31"), NULL), 20);
    assert_int_equal(ov_time_extract(OV_UNIT_MILLISECOND, iso("1969-12-31T23:59:59.999Z"), NULL),
                     999);
    assert_int_equal(ov_time_extract(OV_UNIT_HOUR, ms, zone_of("Asia/Kolkata")), 19);
}

/* Many times at once give what each gives, in zones that are always as far from UTC and in others, before 1970, too. */
static void test_extract_many(void **state)
{
    (void)state;
    enum { MANY = 500 };
    const ov_tz *zones[] = {NULL, zone_of("+05:30"), zone_of("-03:00"), zone_of("Asia/Kolkata"), zone_of("America/New_York")};
    int64_t in[MANY], out[MANY];
    for (int64_t i = 0; i < MANY; i++)
        in[i] = (i - MANY / 2) * 7 * 3600 * 1000 * (i % 13) + i * 59999;
    for (ov_time_unit unit = 0; unit <= OV_UNIT_MICROSECOND; unit++)
        for (size_t z = 0; z < OV_COUNT_OF(zones); z++) {
            ov_time_extract_n(unit, zones[z], in, out, MANY);
            for (size_t i = 0; i < MANY; i++)
                assert_int_equal(out[i], ov_time_extract(unit, in[i], zones[z]));
        }
}

static void test_floor_and_ceil_to_unit(void **state)
{
    (void)state;
    static const struct {
        ov_time_unit unit;
        const char *floor, *ceil;
    } rows[] = {{OV_UNIT_SECOND, "2015-09-12T13:46:58Z", "2015-09-12T13:46:59Z"},
                {OV_UNIT_MINUTE, "2015-09-12T13:46", "2015-09-12T13:47"},
                {OV_UNIT_HOUR, "2015-09-12T13", "2015-09-12T14"},
                {OV_UNIT_DAY, "2015-09-12", "2015-09-13"},
                {OV_UNIT_WEEK, "2015-09-07", "2015-09-14"},
                {OV_UNIT_MONTH, "2015-09", "2015-10"},
                {OV_UNIT_QUARTER, "2015-07", "2015-10"},
                {OV_UNIT_YEAR, "2015", "2016"},
                {OV_UNIT_DECADE, "2010", "2020"},
                {OV_UNIT_CENTURY, "2001", "2101"},
                {OV_UNIT_MILLENNIUM, "2001", "3001"}};
    int64_t ms = iso("2015-09-12T13:46:58.771Z");
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        assert_int_equal(ov_time_floor_unit(rows[i].unit, ms, NULL), iso(rows[i].floor));
        assert_int_equal(ov_time_ceil_unit(rows[i].unit, ms, NULL), iso(rows[i].ceil));
        assert_int_equal(ov_time_ceil_unit(rows[i].unit, iso(rows[i].floor), NULL),
                         iso(rows[i].floor));
    }
    const ov_tz *la = zone_of("America/Los_Angeles");
    assert_int_equal(ov_time_floor_unit(OV_UNIT_DAY, iso("2015-03-08T20"), la),
                     iso("2015-03-08T08"));
    assert_int_equal(ov_time_ceil_unit(OV_UNIT_DAY, iso("2015-03-08T20"), la),
                     iso("2015-03-09T07"));
}

static void test_months(void **state)
{
    (void)state;
    assert_int_equal(ov_time_add_months(iso("2015-01-31T05"), 1, NULL), iso("2015-02-28T05"));
    assert_int_equal(ov_time_add_months(iso("2016-02-29"), 12, NULL), iso("2017-02-28"));
    assert_int_equal(ov_time_add_months(iso("2015-03-31"), -13, NULL), iso("2014-02-28"));
    assert_true(ov_time_add_months(0, INT64_MAX, NULL) == OV_TIME_MAX);
    assert_true(ov_time_add_months(0, -4000000000, NULL) == OV_TIME_MIN);
    assert_int_equal(ov_time_months_between(iso("2015-01-31"), iso("2015-02-28"), NULL), 1);
    assert_int_equal(ov_time_months_between(iso("2015-01-31"), iso("2015-02-27"), NULL), 0);
    assert_int_equal(ov_time_months_between(iso("2015-03-15"), iso("2015-01-16"), NULL), -1);
    assert_int_equal(ov_time_months_between(iso("2000"), iso("2015-09-12"), NULL), 188);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_iso_forms),
        cmocka_unit_test(test_iso_refused),
        cmocka_unit_test(test_iso_in_zones),
        cmocka_unit_test(test_every_time_of_day_round_trips),
        cmocka_unit_test(test_sql_literals),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_extract), cmocka_unit_test(test_extract_many),
        cmocka_unit_test(test_floor_and_ceil_to_unit),
        cmocka_unit_test(test_months),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
