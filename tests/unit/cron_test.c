/* Cron: what parses, what comes next, and what clocks that are set back and forth do to it. */
#include "base/datetime.h"
#include "ingest/schedule/cron.h"
#include "tests/unit/harness.h"

static ov_error err;

/* The n runs after `after`, in local time of the zone, joined by blanks. */
static void check_runs(const char *cron, const char *zone, const char *after, const char *want)
{
    ov_cron c;
    const ov_tz *tz;
    int64_t at;
    char got[1000] = "";
    check_ok(ov_cron_parse(ov_slice_cstr(cron), &c, &err), &err);
    check_ok(ov_tz_get(ov_slice_cstr(zone), &tz, &err), &err);
    check_ok(ov_iso_parse(ov_slice_cstr(after), tz, &at, &err), &err);
    size_t n = 1;
    for (const char *p = want; *p; p++)
        n += *p == ' ';
    for (size_t i = 0; i < n; i++) {
        char text[OV_ISO_BYTES];
        check_ok(ov_cron_next(&c, at, tz, &at, &err), &err);
        size_t len = ov_iso_format(at, tz, text);
        if (i)
            strcat(got, " ");
        strncat(got, text, OV_MIN(len, (size_t)16));
    }
    if (strcmp(got, want) != 0)
        fail_msg("%s in %s after %s: want %s, got %s", cron, zone, after, want, got);
}

static void test_next(void **state)
{
    (void)state;
    check_runs("50 23,11 * * *", "UTC", "2023-08-29T00:00", "2023-08-29T11:50 2023-08-29T23:50 2023-08-30T11:50");
    check_runs("*/15 * * * *", "UTC", "2024-01-01T00:07:30", "2024-01-01T00:15 2024-01-01T00:30");
    check_runs("5/20 3 * * *", "UTC", "2024-01-01T00:00", "2024-01-01T03:05 2024-01-01T03:25 2024-01-01T03:45 2024-01-02T03:05");
    check_runs("0 0 29 2 *", "UTC", "2024-03-01T00:00", "2028-02-29T00:00 2032-02-29T00:00");
    check_runs("0 0 */2 * MON", "UTC", "2024-01-01T00:00", "2024-01-15T00:00 2024-01-29T00:00");
    check_runs("0 12 * JAN,mar MON-wed", "UTC", "2024-01-30T12:00", "2024-01-31T12:00 2024-03-04T12:00");
    check_runs("0 0 13 * FRI", "UTC", "2024-09-01T00:00", "2024-09-06T00:00 2024-09-13T00:00 2024-09-20T00:00");
    check_runs("0 0 * * 7", "UTC", "2024-09-01T00:00", "2024-09-08T00:00");
    check_runs("@hourly", "Asia/Seoul", "2024-01-01T23:30", "2024-01-02T00:00 2024-01-02T01:00");
    check_runs("@weekly", "UTC", "2024-01-01T00:00", "2024-01-07T00:00");
}

static void test_clocks(void **state)
{
    (void)state;
    /* forward: 02:30 is left out on 10 March and runs once, when the clock goes on */
    check_runs("30 2 * * *", "America/New_York", "2024-03-09T00:00", "2024-03-09T02:30 2024-03-10T03:00 2024-03-11T02:30");
    check_runs("*/20 2 * * *", "America/New_York", "2024-03-10T00:00", "2024-03-10T03:00 2024-03-11T02:00");
    check_runs("0 * * * *", "Europe/Berlin", "2024-03-31T00:30", "2024-03-31T01:00 2024-03-31T03:00 2024-03-31T04:00");
    /* back: 01:30 comes twice on 3 November and runs once */
    check_runs("30 1 * * *", "America/New_York", "2024-11-02T12:00", "2024-11-03T01:30 2024-11-04T01:30");
    check_runs("0 0 * * *", "Asia/Seoul", "2024-11-02T12:00", "2024-11-03T00:00 2024-11-04T00:00");
}

static void test_monotonic(void **state)
{
    static const char *const zones[] = {"UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"};
    ov_cron c;
    (void)state;
    check_ok(ov_cron_parse(OV_SLICE_LIT("*/7 */3 * * *"), &c, &err), &err);
    for (size_t z = 0; z < OV_COUNT_OF(zones); z++) {
        const ov_tz *tz;
        int64_t at, next;
        check_ok(ov_tz_get(ov_slice_cstr(zones[z]), &tz, &err), &err);
        check_ok(ov_iso_parse(OV_SLICE_LIT("2024-01-01"), NULL, &at, &err), &err);
        for (int i = 0; i < 30000; i++, at = next) {
            check_ok(ov_cron_next(&c, at, tz, &next, &err), &err);
            assert_true(next > at && next - at < 6 * OV_MS_PER_HOUR);
        }
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "five fields"},           {"* * * *", "five fields"},       {"* * * * * *", "five fields"}, {"60 * * * *", "minute"},
        {"* 24 * * *", "hour"},        {"* * 0 * *", "day of the month"}, {"* * * 13 *", "month"},        {"* * * FOO *", "month"},
        {"* * * * 8", "day of the week"}, {"5-1 * * * *", "minute"},     {"*/0 * * * *", "minute"},      {"1,,2 * * * *", "minute"},
        {"1- * * * *", "minute"},      {"@often", "five fields"},
    };
    ov_cron c;
    int64_t at;
    (void)state;
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++)
        check_fails(ov_cron_parse(ov_slice_cstr(bad[i].text), &c, &err), &err, OV_INVALID, bad[i].why);
    check_ok(ov_cron_parse(OV_SLICE_LIT("0 0 30 2 *"), &c, &err), &err);
    check_fails(ov_cron_next(&c, 0, NULL, &at, &err), &err, OV_NOT_FOUND, "nine years");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_next), cmocka_unit_test(test_clocks), cmocka_unit_test(test_monotonic),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
