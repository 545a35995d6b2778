/* Time stamps of rows in every format of timestampSpec. */
#include "harness.h"

#include <stdio.h>

#include "ingest/parse/timestamp.h"

static ov_arena arena;

static void check_text(const char *format, const char *text, int64_t want)
{
    ov_timestamp ts;
    ov_timestamp_memo memo = {0};
    ov_error err = OV_ERROR_INIT;
    int64_t ms = 0;
    check_ok(ov_timestamp_compile(ov_slice_cstr(format), &arena, &ts, &err), &err);
    for (int i = 0; i < 2; i++) { /* again with what was remembered */
        if (!ov_timestamp_text(&ts, &memo, ov_slice_cstr(text), &ms))
            fail_msg("'%s' was not read as %s", text, format);
        if (ms != want)
            fail_msg("'%s' as %s is %lld, not %lld", text, format, (long long)ms, (long long)want);
    }
}

static void check_no_text(const char *format, const char *text)
{
    ov_timestamp ts;
    ov_timestamp_memo memo = {0};
    ov_error err = OV_ERROR_INIT;
    int64_t ms = 0;
    check_ok(ov_timestamp_compile(ov_slice_cstr(format), &arena, &ts, &err), &err);
    if (ov_timestamp_text(&ts, &memo, ov_slice_cstr(text), &ms))
        fail_msg("'%s' was read as %s: %lld", text, format, (long long)ms);
}

static void iso(void **state)
{
    (void)state;
    static const char *const formats[] = {"auto", "iso", "AUTO", ""};
    for (size_t i = 0; i < OV_COUNT_OF(formats); i++) {
        const char *f = formats[i];
        check_text(f, "2015-09-12T00:46:58.771Z", 1442018818771);
        check_text(f, "2015-09-12T00:46:58Z", 1442018818000);
        check_text(f, "2015-09-12T00:46:58", 1442018818000);
        check_text(f, "2015-09-12 00:46:58.771", 1442018818771);
        check_text(f, "\"2015-09-12T00:46:58Z\"", 1442018818000);
        check_text(f, "2015-09-12T00:46:58.7Z", 1442018818700);
        check_text(f, "2015-09-12T00:46:58.771999Z", 1442018818771);
        check_text(f, "2015-09-12T02:46:58+02:00", 1442018818000);
        check_text(f, "2015-09-12", 1442016000000);
        check_text(f, "2015-09", 1441065600000);
        check_text(f, "1969-12-31T23:59:59.999Z", -1);
        check_text(f, "2016-02-29T00:00:00Z", 1456704000000);
        check_no_text(f, "2015-02-29T00:00:00Z");
        check_no_text(f, "2015-13-01T00:00:00Z");
        check_no_text(f, "2015-09-12T24:46:58Z");
        check_no_text(f, "2015-09-12T00:60:58Z");
        check_no_text(f, "2015-09-12T00:46:58.Z");
        check_no_text(f, "2015-09-12T00:46:58.77x");
        check_no_text(f, "2015-09-12T00:46:58ZZ");
        check_no_text(f, "yesterday");
        check_no_text(f, "");
        check_no_text(f, " ");
    }
}

static void auto_only(void **state)
{
    (void)state;
    check_text("auto", "1442018818771", 1442018818771);
    check_text("auto", "0", 0);
    check_text("auto", "2015-09-12 00:46:58 America/Los_Angeles", 1442044018000);
    check_text("auto", "2015-09-12T00:46:58 UTC", 1442018818000);
    check_no_text("auto", "2015-09-12 00:46:58 Mars/Phobos");
    check_no_text("auto", "99999999999999999999");
    check_text("iso", "2015", 1420070400000); /* a year */
}

static void numbers(void **state)
{
    (void)state;
    check_text("posix", "1442018818", 1442018818000);
    check_text("posix", "-1", -1000);
    check_text("millis", "1442018818771", 1442018818771);
    check_text("micro", "1442018818771999", 1442018818771);
    check_text("nano", "1442018818771999999", 1442018818771);
    check_text("ruby", "1442018818.771", 1442018818771);
    check_no_text("posix", "1.5");
    check_no_text("posix", "9223372036854775807");
    check_no_text("millis", "9223372036854775807");
    check_no_text("millis", "12x");
    check_no_text("millis", "");
    check_no_text("nano", "-");
}

static void patterns(void **state)
{
    (void)state;
    check_text("MM/dd/yyyy", "09/12/2015", 1442016000000);
    check_text("yyyy-MM-dd HH:mm:ss", "2015-09-12 00:46:58", 1442018818000);
    check_text("yyyy-MM-dd'T'HH:mm:ssZ", "2015-09-12T02:46:58+0200", 1442018818000);
    check_text("dd/MMM/yyyy:HH:mm:ss Z", "12/Sep/2015:00:46:58 +0000", 1442018818000);
    check_text("yyyyMMdd", "20150912", 1442016000000);
    check_no_text("MM/dd/yyyy", "2015-09-12");
    check_no_text("MM/dd/yyyy", "09/12/2015 x");
    check_no_text("MM/dd/yyyy", "13/12/2015");
    ov_timestamp ts;
    ov_error err = OV_ERROR_INIT;
    assert_int_equal(ov_timestamp_compile(OV_SLICE_LIT("yyyy-QQ"), &arena, &ts, &err), OV_INVALID);
}

static void number_fields(void **state)
{
    (void)state;
    static const struct {
        const char *format;
        int64_t v;
        const char *literal;
        int64_t want;
    } cases[] = {
        {"auto", 1442018818771, "1442018818771", 1442018818771},
        {"millis", 5, "5", 5},
        {"posix", 5, "5", 5000},
        {"iso", 2015, "2015", 1420070400000},
        {"yyyyMMdd", 20150912, "20150912", 1442016000000},
    };
    ov_error err = OV_ERROR_INIT;
    ov_timestamp ts;
    int64_t ms;
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        check_ok(ov_timestamp_compile(ov_slice_cstr(cases[i].format), &arena, &ts, &err), &err);
        assert_true(ov_timestamp_i64(&ts, cases[i].v, ov_slice_cstr(cases[i].literal), &ms));
        assert_int_equal(ms, cases[i].want);
    }
    check_ok(ov_timestamp_compile(OV_SLICE_LIT("posix"), &arena, &ts, &err), &err);
    assert_true(ov_timestamp_f64(&ts, 1.5, OV_SLICE_LIT("1.5"), &ms));
    assert_int_equal(ms, 1500);
    assert_false(ov_timestamp_f64(&ts, 1e300, OV_SLICE_LIT("1e300"), &ms));
    assert_false(ov_timestamp_i64(&ts, INT64_MAX, OV_SLICE_LIT("9223372036854775807"), &ms));
}

/* The short way and the general reader agree on every day of four centuries. */
static void short_way_agrees(void **state)
{
    (void)state;
    ov_timestamp ts;
    ov_timestamp_memo memo = {0};
    ov_error err = OV_ERROR_INIT;
    check_ok(ov_timestamp_compile(OV_SLICE_LIT("iso"), &arena, &ts, &err), &err);
    for (int64_t day = -100000; day < 100000; day += 1) {
        char text[OV_ISO_BYTES];
        int64_t want = day * OV_MS_PER_DAY + (day * 7919 % OV_MS_PER_DAY + OV_MS_PER_DAY) % OV_MS_PER_DAY, ms;
        size_t n = ov_iso_format(want, NULL, text);
        assert_true(ov_timestamp_text(&ts, &memo, ov_slice_make(text, n), &ms));
        assert_int_equal(ms, want);
    }
}

static int set_up(void **state)
{
    (void)state;
    ov_arena_init(&arena, "timestamp", NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iso),      cmocka_unit_test(auto_only),     cmocka_unit_test(numbers),
        cmocka_unit_test(patterns), cmocka_unit_test(number_fields), cmocka_unit_test(short_way_agrees),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
