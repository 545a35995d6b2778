#include "tests/unit/harness.h"

#include <stdlib.h>
#include "base/period.h"
#include "base/tz.h"

static ov_error err;

static int64_t iso(const char *text)
{
    int64_t ms = 0;
    check_ok(ov_iso_parse(ov_slice_cstr(text), NULL, &ms, &err), &err);
    return ms;
}

static const ov_tz *zone_of(const char *name)
{
    const ov_tz *zone = NULL;
    check_ok(ov_tz_get(ov_slice_cstr(name), &zone, &err), &err);
    return zone;
}

static ov_period period(const char *text)
{
    ov_period p = {0};
    check_ok(ov_period_parse(ov_slice_cstr(text), &p, &err), &err);
    return p;
}

static ov_gran gran(const char *text, const char *zone, const int64_t *origin)
{
    ov_gran g = {0};
    ov_period p = period(text);
    check_ok(ov_gran_init(&g, &p, zone_of(zone), origin, &err), &err);
    return g;
}

static void check_text(const char *text, const char *want)
{
    ov_period p = period(text);
    ov_buf b;
    ov_buf_init(&b);
    ov_period_add(&b, &p);
    check_slice(ov_buf_slice(&b), want);
    ov_buf_fini(&b);
}

static void test_text(void **state)
{
    (void)state;
    check_text("P1Y2M3W4DT5H6M7.089S", "P1Y2M3W4DT5H6M7.089S");
    check_text("P1D", "P1D");
    check_text("pt1h", "PT1H");
    check_text("PT0S", "PT0S");
    check_text("P0D", "PT0S");
    check_text("PT1.5S", "PT1.500S");
    check_text("PT0.001S", "PT0.001S");
    check_text("PT-1.5S", "PT-1.500S");
    check_text("P-3D", "P-3D");
    check_text("PT300S", "PT300S");
    static const struct {
        const char *text, *part;
    } bad[] = {{"", "must start with P"},
               {"1D", "must start with P"},
               {"P", "names no length"},
               {"PT", "nothing follows the T"},
               {"PT1D", "days come before the T"},
               {"P1H", "hours come after the T"},
               {"P1S", "seconds come after the T"},
               {"P1D1W", "twice or too late"},
               {"P1D1D", "twice or too late"},
               {"PT1M1H", "twice or too late"},
               {"P1X", "'X' is no unit"},
               {"P1", "a unit letter is expected"},
               {"PD", "a number is expected"},
               {"P1.5D", "only seconds may have a fraction"},
               {"P99999999999D", "too large"},
               {"PT1HT1M", "a number is expected"},
               {"P1D ", "a number is expected"},
               {"P1DT1W", "weeks come before the T"}};
    ov_period p;
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++)
        check_fails(ov_period_parse(ov_slice_cstr(bad[i].text), &p, &err), &err, OV_INVALID,
                    bad[i].part);
}

static void check_shift(const char *from, const char *p_text, int64_t count, const char *zone,
                        const char *want)
{
    ov_period p = period(p_text);
    int64_t ms;
    check_ok(ov_period_shift(iso(from), &p, count, zone_of(zone), &ms, &err), &err);
    if (ms != iso(want))
        fail_msg("%s + %lld x %s in %s is %lld, not %s", from, (long long)count, p_text, zone,
                 (long long)ms, want);
}

static void test_shift(void **state)
{
    (void)state;
    check_shift("2015-01-31", "P1M", 1, "UTC", "2015-02-28");
    check_shift("2015-01-31", "P1M", 2, "UTC", "2015-03-31");
    check_shift("2015-01-31", "P1M1D", 1, "UTC", "2015-03-01");
    check_shift("2016-02-29", "P1Y", -1, "UTC", "2015-02-28");
    check_shift("2015-09-12", "P1W", -2, "UTC", "2015-08-29");
    check_shift("2015-09-12", "PT36H", 1, "UTC", "2015-09-13T12");
    /* a day over the change of clocks is 23 hours, 24 hours are 24 hours */
    check_shift("2015-03-07T20Z", "P1D", 1, "America/Los_Angeles", "2015-03-08T19Z");
    check_shift("2015-03-07T20Z", "PT24H", 1, "America/Los_Angeles", "2015-03-08T20Z");
    /* into the gap: forward */
    check_shift("2015-03-07T10:30Z", "P1D", 1, "America/Los_Angeles", "2015-03-08T10:30Z");
    check_shift("2015-10-31T08:30Z", "P1D", 1, "America/Los_Angeles", "2015-11-01T08:30Z");
    ov_period big = period("P2000000000Y");
    int64_t ms;
    check_fails(ov_period_shift(0, &big, 1, NULL, &ms, &err), &err, OV_INVALID, "range of times");
    big = period("PT2000000000H");
    check_fails(ov_period_shift(0, &big, INT64_MAX, NULL, &ms, &err), &err, OV_INVALID,
                "range of times");
    check_fails(ov_period_shift(0, &big, -1000000, zone_of("Asia/Kolkata"), &ms, &err), &err,
                OV_INVALID, "range");
}

static void check_floor(const char *p, const char *zone, const char *ms, const char *want)
{
    ov_gran g = gran(p, zone, NULL);
    if (ov_gran_floor(&g, iso(ms)) != iso(want)) {
        char text[OV_ISO_BYTES];
        size_t n = ov_iso_format(ov_gran_floor(&g, iso(ms)), NULL, text);
        fail_msg("%s of %s in %s is %.*s, not %s", p, ms, zone, (int)n, text, want);
    }
}

static void test_floor_rules(void **state)
{
    (void)state;
    check_floor("PT1H", "UTC", "2015-09-12T13:46", "2015-09-12T13");
    check_floor("PT5M", "UTC", "2015-09-12T13:46", "2015-09-12T13:45");
    check_floor("PT6H", "UTC", "2015-09-12T13:46", "2015-09-12T12");
    check_floor("PT6H", "UTC", "1969-12-31T23", "1969-12-31T18");
    check_floor("P1W", "UTC", "2015-09-13", "2015-09-07");
    check_floor("P1W", "UTC", "1969-12-30", "1969-12-29");
    check_floor("P2W", "UTC", "1970-01-10",
                "1970-01-01"); /* counted from 1970-01-01, as Druid does */
    check_floor("P3M", "UTC", "2015-09-12", "2015-07");
    check_floor("P5M", "UTC", "1970-07-01", "1970-06");
    check_floor("P5M", "UTC", "1969-12-31", "1969-08");
    check_floor("P1Y6M", "UTC", "1972-01-01", "1971-07");
    check_floor("P10Y", "UTC", "2015", "2010");
    check_floor("P1DT12H", "UTC", "1970-01-03T11", "1970-01-02T12");
    check_floor("P1M1D", "UTC", "1970-03-05", "1970-03-03");
    check_floor("P1M1D", "UTC", "1969-12-31", "1969-11-30");
    check_floor("PT1H", "Asia/Kolkata", "2015-09-12T13:46Z", "2015-09-12T13:30Z");
    check_floor("PT6H", "Asia/Kolkata", "2015-09-12T13:46Z", "2015-09-12T12:30Z");
    check_floor("PT1M", "Asia/Kolkata", "2015-09-12T13:46:20Z", "2015-09-12T13:46Z");
    /* hours follow the clock, half an hour moves them */
    check_floor("PT1H", "Australia/Lord_Howe", "2015-07-01T00:10Z", "2015-06-30T23:30Z");
    check_floor("PT1H", "Australia/Lord_Howe", "2015-12-01T00:10Z", "2015-12-01T00:00Z");
    /* six hours are real time from local 1970, so summer moves them to 01:00, 07:00, ... */
    check_floor("PT6H", "America/Los_Angeles", "2015-01-12T13:46Z", "2015-01-12T08:00Z");
    check_floor("PT6H", "America/Los_Angeles", "2015-09-12T13:46Z", "2015-09-12T08:00Z");
    /* midnight that never was */
    check_floor("P1D", "America/Sao_Paulo", "2018-11-04T12:00Z", "2018-11-04T03:00Z");
    int64_t origin = iso("1970-01-04");
    ov_gran g = gran("P1W", "UTC", &origin);
    assert_int_equal(ov_gran_floor(&g, iso("2015-09-12")), iso("2015-09-06"));
    origin = iso("2015-01-31");
    g = gran("P1M", "UTC", &origin);
    assert_int_equal(ov_gran_floor(&g, iso("2015-02-28")), iso("2015-02-28"));
    assert_int_equal(ov_gran_floor(&g, iso("2015-03-30")), iso("2015-02-28"));
    assert_int_equal(ov_gran_floor(&g, iso("2014-12-30")), iso("2014-11-30"));
}

static void test_floor_table(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *period;
        int64_t ms, start;
    } rows[] = {
#define ROW(zone, period, ms, start) {zone, period, ms, start},
#include "tests/data/gran_floor.def"
#undef ROW
    };
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        ov_gran g = gran(rows[i].period, rows[i].zone, NULL);
        int64_t start = ov_gran_floor(&g, rows[i].ms);
        if (start != rows[i].start)
            fail_msg("row %zu: %s in %s of %lld is %lld, not %lld", i, rows[i].period, rows[i].zone,
                     (long long)rows[i].ms, (long long)start, (long long)rows[i].start);
    }
}

/* Batches equal single calls in any order, and buckets follow each other without holes. */
static void test_batches_and_next(void **state)
{
    (void)state;
    static const char *const periods[] = {"PT1S", "PT5M", "PT1H", "PT6H", "P1D",    "P1W",
                                          "P2W",  "P1M",  "P3M",  "P1Y",  "P1DT6H", "P1M2D"};
    static const char *const zones[] = {"UTC",
                                        "America/Los_Angeles",
                                        "Asia/Kolkata",
                                        "Australia/Lord_Howe",
                                        "America/Havana",
                                        "Pacific/Apia",
                                        "America/Toronto"};
    uint64_t seed = 12345;
    for (size_t z = 0; z < OV_COUNT_OF(zones); z++) {
        for (size_t p = 0; p < OV_COUNT_OF(periods); p++) {
            ov_gran g = gran(periods[p], zones[z], NULL);
            int64_t in[300], out[300], up[300];
            size_t n = g.kind == OV_GRAN_COMPOUND ? 10 : 300; /* counted out from 1970 each time */
            for (size_t i = 0; i < n; i++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                in[i] =
                    i % 3 ? in[i - 1] + (int64_t)(seed >> 40) : (int64_t)(seed >> 22) - (1ll << 40);
            }
            ov_gran_floor_n(&g, in, out, n);
            ov_gran_ceil_n(&g, in, up, n);
            for (size_t i = 0; i < n; i++) {
                if (out[i] != ov_gran_floor(&g, in[i]))
                    fail_msg("%s in %s: %lld", periods[p], zones[z], (long long)in[i]);
                assert_int_equal(up[i], ov_gran_ceil(&g, in[i]));
                assert_true(out[i] <= in[i]);
                int64_t next = ov_gran_next(&g, in[i]);
                assert_true(next > in[i]);
                assert_true(ov_gran_floor(&g, next) == next);
            }
        }
    }
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *floor;
    } rows[] = {{"second", "2015-09-12T13:46:58Z"},
                {"MINUTE", "2015-09-12T13:46"},
                {"five_minute", "2015-09-12T13:45"},
                {"ten_minute", "2015-09-12T13:40"},
                {"fifteen_minute", "2015-09-12T13:45"},
                {"thirty_minute", "2015-09-12T13:30"},
                {"hour", "2015-09-12T13"},
                {"six_hour", "2015-09-12T12"},
                {"eight_hour", "2015-09-12T08"},
                {"day", "2015-09-12"},
                {"week", "2015-09-07"},
                {"month", "2015-09"},
                {"quarter", "2015-07"},
                {"year", "2015"},
                {"none", "2015-09-12T13:46:58.771Z"},
                {"P1D", "2015-09-12"}};
    ov_gran g;
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++) {
        check_ok(ov_gran_init_name(&g, ov_slice_cstr(rows[i].name), &err), &err);
        assert_int_equal(ov_gran_floor(&g, iso("2015-09-12T13:46:58.771Z")), iso(rows[i].floor));
        if (rows[i].name[0] != 'P')
            assert_true(ov_slice_ieq(ov_slice_cstr(ov_gran_name(&g)), ov_slice_cstr(rows[i].name)));
    }
    check_ok(ov_gran_init_name(&g, OV_SLICE_LIT("All"), &err), &err);
    assert_true(ov_gran_floor(&g, 5) == OV_TIME_MIN && ov_gran_next(&g, 5) == OV_TIME_MAX);
    check_fails(ov_gran_init_name(&g, OV_SLICE_LIT("fortnight"), &err), &err, OV_INVALID,
                "expected all, none");
    check_fails(ov_gran_init_name(&g, OV_SLICE_LIT("P0D"), &err), &err, OV_INVALID,
                "longer than nothing");
    check_fails(ov_gran_init_name(&g, OV_SLICE_LIT("P-1D"), &err), &err, OV_INVALID,
                "longer than nothing");
    check_ok(ov_gran_init_duration(&g, 7, 3, &err), &err);
    assert_int_equal(ov_gran_floor(&g, 2), -4);
    check_fails(ov_gran_init_duration(&g, 0, 0, &err), &err, OV_INVALID, "at least 1 ms");
}

/* The ends of time neither overflow nor hang. */
static void test_far_times(void **state)
{
    (void)state;
    static const char *const periods[] = {"PT1S", "PT7H", "P1D",   "P1W",
                                          "P1M",  "P7Y",  "P1M1D", "P1DT1H"};
    static const char *const zones[] = {"UTC", "America/Los_Angeles"};
    for (size_t z = 0; z < 2; z++)
        for (size_t p = 0; p < OV_COUNT_OF(periods); p++) {
            ov_gran g = gran(periods[p], zones[z], NULL);
            (void)ov_gran_floor(&g, OV_TIME_MIN);
            (void)ov_gran_floor(&g, OV_TIME_MAX);
            (void)ov_gran_next(&g, OV_TIME_MAX);
            (void)ov_gran_ceil(&g, OV_TIME_MIN);
            assert_true(ov_gran_floor(&g, iso("10000-05-05")) <= iso("10000-05-05"));
            assert_true(ov_gran_floor(&g, iso("-5000-05-05")) <= iso("-5000-05-05"));
        }
}

int main(void)
{
    unsetenv("TZDIR");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_shift),
        cmocka_unit_test(test_floor_rules),
        cmocka_unit_test(test_floor_table),
        cmocka_unit_test(test_batches_and_next),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_far_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
