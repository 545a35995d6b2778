#include "tests/unit/harness.h"

#include <stdio.h>
#include "base/icu_time.h"

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

static const ov_icu_time *compile(const char *pattern, bool reads)
{
    const ov_icu_time *f = NULL;
    check_ok(ov_icu_time_compile(ov_slice_cstr(pattern), reads, &arena, &f, &err), &err);
    return f;
}

/* `text` read by one pattern and written by another; NULL: it cannot be read. */
static void check_rewrite(const char *text, const char *from, const char *to, const char *want)
{
    ov_icu_moment at;
    ov_buf b;
    bool read = ov_icu_time_read(compile(from, true), ov_slice_cstr(text), &at);
    assert_int_equal(read, want != NULL);
    if (!want)
        return;
    ov_buf_init(&b);
    ov_icu_time_write(compile(to, false), at, &b);
    check_slice(ov_buf_slice(&b), want);
    ov_buf_fini(&b);
}

/* The first three as Druid's documentation and tests have them; the rest by ICU's rules. */
static void test_dates(void **state)
{
    (void)state;
    check_rewrite("12/21/2012", "MM/dd/yyyy", "MM/yyyy", "12/2012");
    check_rewrite("05/05/2012", "MM/dd/yyyy", "QQQ/yyyy", "Q2/2012");
    check_rewrite("foo", "MM/dd/yyyy", "MM/yyyy", NULL);
    check_rewrite("", "MM/dd/yyyy", "MM/yyyy", NULL);
    check_rewrite("13/40/2012", "MM/dd/yyyy", "yyyy-MM-dd", "2013-02-09");
    check_rewrite("1/2/2012 and more", "MM/dd/yyyy", "EEEE d MMMM yyyy", "Monday 2 January 2012");
    check_rewrite("  7/  4/1776", "MM/dd/yyyy", "G y-MM-dd", "AD 1776-07-04");
    check_rewrite("20120229", "yyyyMMdd", "D Q qqqq", "60 1 1st quarter");
    check_rewrite("201222", "yyyyMMdd", "yyyy-MM-dd", "0202-10-02"); /* the first of the run gives a digit away: 201, 22, 2 */
    check_rewrite("2012-060", "yyyy-DDD", "MM/dd", "02/29");
    check_rewrite("3. Mar 44 BC", "d. MMM yyyy G", "u", "-43");
    check_rewrite("noon 2012", "'noon' yyyy", "yy''yyyy", "12'2012");
    check_rewrite("2011-12-31", "yyyy-MM-dd", "Y-ww", "2011-53");
    check_rewrite("2012-12-31", "yyyy-MM-dd", "YYYY-ww", "2013-01");
}

static void test_hours(void **state)
{
    (void)state;
    check_rewrite("2012-02-29T23:59:59.5Z", "yyyy-MM-dd'T'HH:mm:ss.SSSX", "h:mm a ss.SSS Z", "11:59 PM 59.500 +0000");
    check_rewrite("2012-02-29 12:30 am", "yyyy-MM-dd hh:mm a", "HH:mm kk KK", "00:30 24 00");
    check_rewrite("2012-02-29 25:61", "yyyy-MM-dd HH:mm", "MM-dd HH:mm", "03-01 02:01");
    check_rewrite("Wed Feb 29 01:00:00 GMT+02:00 2012", "EEE MMM dd HH:mm:ss z yyyy", "MMM dd HH", "Feb 28 23");
    check_rewrite("1 PST", "H z", "HH X", "09 Z");
}

/* Two digits are a year from 80 years ago to 19 years ahead; other lengths are the year itself. */
static void test_years(void **state)
{
    (void)state;
    check_rewrite("5", "yy", "yyyy", "0005");
    check_rewrite("12", "yyyy", "yyyy", "0012");
    check_rewrite("12015", "yyyy", "yyyy yy", "12015 15");
    check_rewrite("10", "yy", "yyyy", "2010");
}

/* The Julian calendar ends on 4 October 1582; past 32 bits years and days go on at the other end, as recorded from Druid. */
static void test_calendar(void **state)
{
    (void)state;
    check_rewrite("1582-10-04", "yyyy-MM-dd", "EEE", "Thu");
    check_rewrite("1582-10-15", "yyyy-MM-dd", "EEE", "Fri");
    check_rewrite("0004-02-29", "yyyy-MM-dd", "yyyy-MM-dd D", "0004-02-29 60");
    check_rewrite("1500-02-29", "yyyy-MM-dd", "yyyy-MM-dd", "1500-02-29");
    check_rewrite("1900-02-29", "yyyy-MM-dd", "yyyy-MM-dd", "1900-03-01");
    for (int year = -5000; year < 9000; year += 7) {
        char text[32];
        snprintf(text, sizeof text, "%d-12-31", year);
        check_rewrite(text, "u-MM-dd", "u-MM-dd", text);
    }
    check_rewrite("1442018818771", "yyyy", "yy", "73");
    check_rewrite("1442102399200", "yyyy", "G yyyy", "AD 4680754");
}

static void test_refused(void **state)
{
    (void)state;
    const ov_icu_time *f;
    check_fails(ov_icu_time_compile(OV_SLICE_LIT("yyyy b"), false, &arena, &f, &err), &err, OV_INVALID, "'b' at character 6");
    check_fails(ov_icu_time_compile(OV_SLICE_LIT("YYYY"), true, &arena, &f, &err), &err, OV_INVALID, "only be written");
    check_fails(ov_icu_time_compile(OV_SLICE_LIT("z"), false, &arena, &f, &err), &err, OV_INVALID, "only be read");
    check_fails(ov_icu_time_compile(OV_SLICE_LIT("EEE yyyy"), true, &arena, &f, &err), &err, OV_INVALID, "without a day");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_hours),
        cmocka_unit_test(test_years),
        cmocka_unit_test(test_calendar),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
