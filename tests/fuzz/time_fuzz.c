/*
 * Texts of times from anywhere: ISO times, intervals, periods, granularities, cron lines, Joda patterns with a text behind a zero byte.
 * What is read prints to a text that reads the same. Seeds in tests/fuzz/time_corpus.
 */
#include <stdlib.h>

#include "base/datetime.h"
#include "base/joda.h"
#include "base/period.h"
#include "ingest/schedule/cron.h"

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void iso_and_intervals(ov_slice text)
{
    char out[OV_ISO_BYTES];
    int64_t ms, again;
    ov_interval i, same;
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    if (ov_iso_parse(text, NULL, &ms, &err) == OV_OK && ms >= OV_TIME_MIN && ms <= OV_TIME_MAX)
        check(ov_iso_try(ov_slice_make(out, ov_iso_format(ms, NULL, out)), NULL, &again) && again == ms);
    ov_buf_init(&b);
    if (ov_interval_parse(text, &i, &err) == OV_OK) {
        ov_interval_add(&b, i);
        check(ov_interval_parse(ov_buf_slice(&b), &same, &err) == OV_OK && same.start == i.start && same.end == i.end);
    }
    ov_buf_fini(&b);
}

static void periods(ov_slice text)
{
    ov_period p, same;
    ov_gran g;
    ov_cron c;
    int64_t at;
    ov_error err = OV_ERROR_INIT;
    ov_buf b;
    ov_buf_init(&b);
    if (ov_period_parse(text, &p, &err) == OV_OK) {
        ov_period_add(&b, &p);
        check(ov_period_parse(ov_buf_slice(&b), &same, &err) == OV_OK);
        (void)!ov_period_shift(1700000000000, &p, 3, NULL, &at, &err);
        if (ov_gran_init(&g, &p, NULL, NULL, &err) == OV_OK)
            check(ov_gran_next(&g, 1700000000000) > 1700000000000);
    }
    (void)!ov_gran_init_name(&g, text, &err);
    if (ov_cron_parse(text, &c, &err) == OV_OK && ov_cron_next(&c, 1700000000000, NULL, &at, &err) == OV_OK)
        check(at > 1700000000000);
    ov_buf_fini(&b);
}

static void patterns(ov_slice pattern, ov_slice text)
{
    const ov_joda *j;
    int64_t ms;
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ov_buf b;
    ov_arena_init(&a, "fuzz", NULL);
    ov_buf_init(&b);
    if (ov_joda_compile(pattern, &a, &j, &err) == OV_OK) {
        (void)ov_joda_try(j, text, NULL, &ms);
        ov_joda_format(j, 1700000000123, NULL, &b);
    }
    ov_buf_fini(&b);
    ov_arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 4096)
        return 0;
    ov_slice text = ov_slice_make(data + 1, size - 1);
    const char *zero = memchr(text.p, 0, text.n);
    switch (data[0]) {
    case 'i':
        iso_and_intervals(text);
        break;
    case 'p':
        periods(text);
        break;
    default:
        patterns(zero ? ov_slice_make(text.p, (size_t)(zero - text.p)) : text,
                 zero ? ov_slice_make(zero + 1, text.n - (size_t)(zero - text.p) - 1) : text);
    }
    return 0;
}
