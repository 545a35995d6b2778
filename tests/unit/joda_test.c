#include "tests/unit/harness.h"

#include "base/joda.h"
#include "base/tz.h"

static ov_arena arena;
static ov_error err;

static int set_up(void **state)
{
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_arena_fini(&arena);
    return 0;
}

static const ov_joda *compile(const char *pattern)
{
    const ov_joda *j = NULL;
    check_ok(ov_joda_compile(ov_slice_cstr(pattern), &arena, &j, &err), &err);
    return j;
}

static const ov_tz *zone_of(const char *name)
{
    const ov_tz *zone = NULL;
    check_ok(ov_tz_get(ov_slice_cstr(name), &zone, &err), &err);
    return zone;
}

static int64_t iso(const char *text)
{
    int64_t ms = 0;
    check_ok(ov_iso_parse(ov_slice_cstr(text), NULL, &ms, &err), &err);
    return ms;
}

static void test_format(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *zone, *want;
    } rows[] = {
        {"yyyy-MM-dd HH:mm:ss", "UTC", "2015-09-02 13:06:08"},
        {"yyyy-MM-dd'T'HH:mm:ss.SSSZ", "UTC", "2015-09-02T13:06:08.071+0000"},
        {"yyyy-MM-dd'T'HH:mm:ss.SSSZZ", "America/Los_Angeles", "2015-09-02T06:06:08.071-07:00"},
        {"Z ZZ ZZZ z", "Asia/Kolkata", "+0530 +05:30 Asia/Kolkata IST"},
        {"d/M/yy h:m:s a", "UTC", "2/9/15 1:6:8 PM"},
        {"K k H", "UTC", "1 13 13"},
        {"EEE, dd MMM yyyy", "UTC", "Wed, 02 Sep 2015"},
        {"EEEE MMMM E", "UTC", "Wednesday September Wed"},
        {"D DDD e w ww x xxxx", "UTC", "245 245 3 36 36 2015 2015"},
        {"G C Y yyyyyy", "UTC", "AD 20 2015 002015"},
        {"S SS SSS SSSSSS", "UTC", "0 07 071 071000"},
        {"''yyyy''", "UTC", "'2015'"},
        {"'o''clock' HH", "UTC", "o'clock 13"},
        {"yyyy.MM.dd", "UTC", "2015.09.02"},
    };
    ov_buf b;
    ov_buf_init(&b);
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        ov_buf_clear(&b);
        ov_joda_format(compile(rows[i].pattern), iso("2015-09-02T13:06:08.071Z"),
                       zone_of(rows[i].zone), &b);
        check_slice(ov_buf_slice(&b), rows[i].want);
    }
    ov_buf_clear(&b);
    ov_joda_format(compile("h a k K"), iso("2015-09-02T00:00Z"), NULL, &b);
    check_slice(ov_buf_slice(&b), "12 AM 24 0");
    ov_buf_clear(&b);
    ov_joda_format(compile("yyyy Y G"), iso("-0005-01-01"), NULL, &b);
    check_slice(ov_buf_slice(&b), "-0005 6 BC");
    ov_buf_fini(&b);
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text, *zone, *want;
    } rows[] = {
        {"yyyy-MM-dd HH:mm:ss", "2015-09-12 13:46:58", "UTC", "2015-09-12T13:46:58Z"},
        {"yyyy-MM-dd HH:mm:ss", "2015-9-2 3:4:5", "UTC", "2015-09-02T03:04:05Z"},
        {"yyyy-MM-dd HH:mm:ss", "2015-09-12 13:46:58", "America/Los_Angeles",
         "2015-09-12T20:46:58Z"},
        {"yyyy-MM-dd'T'HH:mm:ss.SSSZ", "2015-09-12T13:46:58.771+0700", "UTC",
         "2015-09-12T06:46:58.771Z"},
        {"yyyy-MM-dd'T'HH:mm:ssZZ", "2015-09-12T13:46:58Z", "Asia/Kolkata", "2015-09-12T13:46:58Z"},
        {"yyyy-MM-dd HH:mm ZZZ", "2015-09-12 13:46 America/Los_Angeles", "UTC",
         "2015-09-12T20:46Z"},
        {"yyyy-MM-dd HH:mm z", "2015-09-12 13:46 PDT", "UTC", "2015-09-12T20:46Z"},
        {"yyyyMMddHHmmss", "20150912134658", "UTC", "2015-09-12T13:46:58Z"},
        {"yyyyMMdd", "20150912", "UTC", "2015-09-12"},
        {"dd/MMM/yyyy:HH:mm:ss Z", "12/sep/2015:13:46:58 -0700", "UTC", "2015-09-12T20:46:58Z"},
        {"EEEE, d MMMM yyyy", "Saturday, 12 September 2015", "UTC", "2015-09-12"},
        {"h:mm a, M/d/yyyy", "12:05 AM, 9/12/2015", "UTC", "2015-09-12T00:05Z"},
        {"h:mm a, M/d/yyyy", "1:05 pm, 9/12/2015", "UTC", "2015-09-12T13:05Z"},
        {"yy-MM-dd", "15-09-12", "UTC", "2015-09-12"},
        {"yy-MM-dd", "99-09-12", "UTC", "1999-09-12"},
        {"yyMMdd", "150912", "UTC", "2015-09-12"},
        {"yyyy", "2015", "UTC", "2015"},
        {"yyyy", "-5000", "UTC", "-5000"},
        {"yyyy-DDD", "2015-255", "UTC", "2015-09-12"},
        {"xxxx-'W'ww-e", "2015-W37-6", "UTC", "2015-09-12"},
        {"MM-dd", "02-29", "UTC", "2000-02-29"},
        {"HH:mm", "13:46", "UTC", "1970-01-01T13:46Z"},
        {"kk:mm", "24:01", "UTC", "1970-01-01T00:01Z"},
        {"yyyy G", "5 BC", "UTC", "-0004"},
        {"ss.SSSSSS", "58.771999", "UTC", "1970-01-01T00:00:58.771Z"},
        {"ss.SSS", "58.7", "UTC", "1970-01-01T00:00:58.700Z"},
        {"'day' d", "DAY 3", "UTC", "2000-01-03"},
    };
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        int64_t ms = 0, again = 0;
        const ov_joda *j = compile(rows[i].pattern);
        ov_slice text = ov_slice_cstr(rows[i].text);
        check_ok(ov_joda_parse(j, text, zone_of(rows[i].zone), &ms, &err), &err);
        if (ms != iso(rows[i].want))
            fail_msg("%s by %s is %lld, not %s", rows[i].text, rows[i].pattern, (long long)ms,
                     rows[i].want);
        assert_true(ov_joda_try(j, text, zone_of(rows[i].zone), &again) && again == ms);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text, *zone, *part;
    } rows[] = {
        {"yyyy-MM-dd", "2015-13-01", "UTC", "a month, 1..12 is expected at character 6"},
        {"yyyy-MM-dd", "2015-02-29", "UTC", "a day that the month has"},
        {"yyyy-MM-dd", "2015-09-12x", "UTC", "nothing more"},
        {"yyyy-MM-dd", "2015/09/12", "UTC", "the fixed text"},
        {"yyyy-MM-dd", "", "UTC", "a year"},
        {"yyyy-DDD", "2015-366", "UTC", "a day that the year has"},
        {"xxxx-ww", "2014-53", "UTC", "a week that the year has"},
        {"MMM", "Foo", "UTC", "the name of a month"},
        {"EEE", "Xyz", "UTC", "the name of a day"},
        {"h a", "13 PM", "UTC", "an hour, 1..12"},
        {"HH ZZZ", "10 Nowhere/City", "UTC", "a time zone"},
        {"HH Z", "10 PST", "UTC", "an offset"},
        {"yyMMdd", "1509", "UTC", "a day of the month"},
        {"yyyy-MM-dd HH:mm", "2015-03-08 02:30", "America/Los_Angeles", "clocks showed"},
    };
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        int64_t ms;
        check_fails(ov_joda_parse(compile(rows[i].pattern), ov_slice_cstr(rows[i].text),
                                  zone_of(rows[i].zone), &ms, &err),
                    &err, OV_INVALID, rows[i].part);
    }
    const ov_joda *j;
    check_fails(ov_joda_compile(OV_SLICE_LIT("yyyy-bb"), &arena, &j, &err), &err, OV_INVALID,
                "unknown letter 'b' at character 6");
    check_fails(ov_joda_compile(OV_SLICE_LIT(""), &arena, &j, &err), &err, OV_INVALID, "is empty");
}

/* What a full pattern writes it reads back, in every zone and year. */
static void test_round_trip(void **state)
{
    (void)state;
    const ov_joda *j = compile("yyyy-MM-dd HH:mm:ss.SSS ZZ");
    static const char *const zones[] = {"UTC", "America/Los_Angeles", "Asia/Kolkata",
                                        "Australia/Lord_Howe"};
    ov_buf b;
    ov_buf_init(&b);
    for (size_t z = 0; z < OV_COUNT_OF(zones); z++)
        for (int64_t ms = iso("1950"); ms < iso("2100"); ms += 12345678901) {
            int64_t back;
            ov_buf_clear(&b);
            ov_joda_format(j, ms, zone_of(zones[z]), &b);
            check_ok(ov_joda_parse(j, ov_buf_slice(&b), NULL, &back, &err), &err);
            assert_int_equal(back, ms);
        }
    ov_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
