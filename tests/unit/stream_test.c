/*
 * Streams: every acknowledged row is in a snapshot exactly once: in memory, after merges, after the hand-over, after a start.
 * stream_fault_test.c does the same over faults, kills and crowds.
 */
#include "tests/unit/stream_lib.h"

#include "base/compress.h"
#include "base/os.h"
#include "ingest/parse/rows.h"

/* ---- a push ---- */

static void test_a_push_is_there(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    ov_push_result r = push(&w, "", "{\"time\":\"2024-01-01\",\"n\":1}\n{\"n\":7}\nnonsense\n{\"time\":\"2024-01-02\",\"n\":2}");
    assert_int_equal(r.rows, 2);
    assert_int_equal(r.rejected, 2);
    assert_int_equal(r.reject_count, 2);
    assert_int_equal(r.rejects[0].line, 2);
    assert_int_equal(r.rejects[1].line, 3);
    check_rows(&w, 2);
    again(&w);
    check_rows(&w, 2);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    assert_int_equal(look(&w, "t").live, 0);
    check_rows(&w, 2);
    again(&w);
    check_rows(&w, 2);
    world_fini(&w);
}

static void test_time_fields_and_formats(void **state)
{
    (void)state;
    world w;
    ov_push_result r;
    ov_buf zipped;
    world_init(&w, quiet);
    assert_int_equal(push(&w, "", "[{\"timestamp\":1704067200000,\"n\":1}, {\"timestamp\":1704067200001,\"n\":2}]").rows, 2);
    assert_int_equal(push(&w, "", "{\"__time\":\"2024-03-01T00:00:00Z\",\"time\":\"x\",\"n\":3}").rows, 1);
    OK(push_text(&w, "t", "", OV_SLICE_LIT("n,time\n4,2024-01-01\n5,2024-01-02\n"), OV_PUSH_CSV, &r));
    assert_int_equal(r.rows, 2);
    OK(push_text(&w, "t", "", OV_SLICE_LIT("time\tn\n2024-01-01\t6\n"), OV_PUSH_TSV, &r));
    assert_int_equal(r.rows, 1);
    ov_buf_init(&zipped);
    OK(ov_gzip_all(OV_SLICE_LIT("{\"time\":\"2024-01-01\",\"n\":7}\n"), 5, &zipped, &err));
    OK(push_text(&w, "t", "", ov_buf_slice(&zipped), OV_PUSH_JSON, &r));
    assert_int_equal(r.rows, 1);
    check_rows(&w, 7);
    zipped.n -= 9; /* cut off */
    check_fails(push_text(&w, "t", "", ov_buf_slice(&zipped), OV_PUSH_JSON, &r), &err, OV_INVALID, "the body");
    ov_buf_fini(&zipped);
    assert_int_equal(push(&w, "", "").rows, 0);
    check_fails(push_text(&w, "a/b", "", OV_SLICE_LIT("{}"), OV_PUSH_JSON, &r), &err, OV_INVALID, "/");
    check_fails(push_text(&w, "t", "a\nb", OV_SLICE_LIT("{}"), OV_PUSH_JSON, &r), &err, OV_INVALID, "control");
    check_rows(&w, 7);
    world_fini(&w);
}

/* A column that changes its type is one column of a wider type, in memory and published. */
static void test_types_change(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    static const char *const bodies[] = {
        "{\"time\":\"2024-01-01\",\"n\":1,\"x\":1}", "{\"time\":\"2024-01-01\",\"n\":2,\"x\":1.5}",
        "{\"time\":\"2024-01-01\",\"n\":3,\"x\":\"text\"}", "{\"time\":\"2024-01-01\",\"n\":4,\"x\":[1,2]}",
        "{\"time\":\"2024-01-01\",\"n\":5,\"x\":null,\"y\":{\"a\":1}}", "{\"time\":\"2024-01-01\",\"n\":6,\"x\":7}",
    };
    for (int i = 0; i < 4; i++)
        for (size_t k = 0; k < OV_COUNT_OF(bodies); k++)
            push(&w, "", bodies[k]);
    totals before = look(&w, "t");
    assert_int_equal(before.rows, 24);
    assert_int_equal(before.sum, 84);
    OK(ov_streams_merge(w.streams, &err));
    again(&w);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    totals after = look(&w, "t");
    assert_int_equal(after.rows, 24);
    assert_int_equal(after.sum, 84);
    assert_int_equal(after.live, 0);
    world_fini(&w);
}

/* ---- order ---- */

static void check_order(world *w, const int64_t *days, uint32_t count)
{
    ov_snapshot *snap = ov_catalog_snapshot(w->cat);
    const ov_datasource *ds = ov_snapshot_find(snap, OV_SLICE_LIT("t"));
    assert_int_equal(ds->segment_count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal((ds->segments[i]->info.min_time - 1704067200000) / 86400000, days[i]);
    ov_snapshot_release(snap);
}

static ov_push_result push_day(world *w, int day)
{
    char body[80];
    snprintf(body, sizeof body, "{\"time\":\"2024-01-%02d\",\"n\":1}", day + 1);
    return push(w, "", body);
}

/* Rows in memory come behind the published ones and in the order of their pushes, whatever their times; a merged piece stands
 * where its parts stood. */
static void test_pushes_stay_in_order(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    push_day(&w, 20);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    for (int day = 9; day > 1; day--)
        push_day(&w, day);
    check_order(&w, (const int64_t[]){20, 9, 8, 7, 6, 5, 4, 3, 2}, 9);
    OK(ov_streams_merge(w.streams, &err));
    push_day(&w, 1);
    push_day(&w, 0);
    check_order(&w, (const int64_t[]){20, 2, 1, 0}, 4);
    again(&w);
    check_order(&w, (const int64_t[]){20, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, 11);
    world_fini(&w);
}

/* ---- batches ---- */

static void test_batches_count_once(void **state)
{
    (void)state;
    world w;
    ov_push_result r;
    world_init(&w, quiet);
    static const char body[] = "{\"time\":\"2024-01-01\",\"n\":1}\nbad\n{\"time\":\"2024-01-01\",\"n\":2}";
    assert_false(push(&w, "b1", body).duplicate);
    for (int round = 0; round < 4; round++) {
        r = push(&w, "b1", body);
        assert_true(r.duplicate);
        assert_int_equal(r.rows, 2);
        assert_int_equal(r.rejected, 1);
        check_fails(push_text(&w, "t", "b1", OV_SLICE_LIT("{\"time\":\"2024-01-01\"}"), OV_PUSH_JSON, &r), &err, OV_EXISTS,
                    "with other rows");
        check_rows(&w, 2);
        if (round == 0)
            again(&w);
        if (round == 1)
            OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
        if (round == 2)
            again(&w);
    }
    /* the same id elsewhere is another batch; a batch without a row is one too */
    OK(push_text(&w, "u", "b1", OV_SLICE_LIT("bad"), OV_PUSH_JSON, &r));
    assert_false(r.duplicate);
    assert_int_equal(r.rejected, 1);
    again(&w);
    OK(push_text(&w, "u", "b1", OV_SLICE_LIT("bad"), OV_PUSH_JSON, &r));
    assert_true(r.duplicate);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("u"), &err));
    OK(push_text(&w, "u", "b1", OV_SLICE_LIT("bad"), OV_PUSH_JSON, &r));
    assert_true(r.duplicate);
    world_fini(&w);
}

/* Ids that were published longer ago than asked for leave the catalog with a later hand-over. */
static void test_old_batches_are_forgotten(void **state)
{
    (void)state;
    world w;
    ov_streams_config config = quiet;
    config.batch_age_ms = 1000;
    world_init(&w, config);
    static const char one[] = "{\"time\":\"2024-01-01\",\"n\":1}\n", two[] = "{\"time\":\"2024-01-01\",\"n\":2}\n",
                      three[] = "{\"time\":\"2024-01-01\",\"n\":3}\n";
    assert_false(push(&w, "old", one).duplicate);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    assert_true(push(&w, "old", one).duplicate);
    stop(&w);
    ov_sleep_ms(1100);
    start(&w, config);
    assert_true(push(&w, "old", one).duplicate);
    assert_false(push(&w, "new", two).duplicate);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    assert_true(push(&w, "new", two).duplicate);
    assert_false(push(&w, "old", three).duplicate);
    check_rows(&w, 3);
    again(&w); /* the catalog's own check of its cursors holds */
    check_rows(&w, 3);
    world_fini(&w);
}

/* Of very many ids those that were published first go, but none of the last hour. */
static void test_too_many_batches(void **state)
{
    (void)state;
    world w;
    char body[64], batch[16];
    ov_streams_config config = quiet;
    config.batch_count = 10;
    world_init(&w, config);
    for (int i = 1; i <= 30; i++) {
        snprintf(body, sizeof body, "{\"time\":\"2024-01-01\",\"n\":%d}", i);
        snprintf(batch, sizeof batch, "b%d", i);
        assert_false(push(&w, batch, body).duplicate);
    }
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    /* twelve of them are made a day and some hours older, as the catalog writes it; the others are of this hour */
    for (int i = 1; i <= 12; i++) {
        ov_slice key, value, rest;
        OK(ov_arena_printf(&w.arena, &key, &err, "stream/batch/t/b%d", i));
        OK(ov_catalog_cursor_get(w.cat, key, &w.arena, &value, &err));
        const char *blank = memrchr(value.p, ' ', value.n);
        assert_non_null(blank);
        OK(ov_arena_printf(&w.arena, &rest, &err, "%.*s %lld", (int)(blank - value.p), value.p,
                           (long long)(ov_now_ms() - (24 + i) * INT64_C(3600000))));
        ov_commit c = {.mode = OV_PUBLISH_APPEND, .cursor_keys = &key, .cursor_values = &rest, .cursor_count = 1};
        OK(ov_catalog_commit(w.cat, &c, &w.arena, &err));
    }
    stop(&w);
    start(&w, config);
    push(&w, "", "{\"time\":\"2024-01-01\",\"n\":31}");
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    for (int i = 30; i >= 1; i--) {
        snprintf(body, sizeof body, "{\"time\":\"2024-01-01\",\"n\":%d}", i);
        snprintf(batch, sizeof batch, "b%d", i);
        assert_int_equal(push(&w, batch, body).duplicate, i > 12); /* 18 are left: all of the last hour, and more than ten */
    }
    world_fini(&w);
}

static void test_marks_move_with_rows(void **state)
{
    (void)state;
    world w;
    ov_slice value;
    ov_push_result r;
    world_init(&w, quiet);
    for (int i = 1; i <= 20; i++) {
        char text[16], body[64];
        snprintf(text, sizeof text, "%d", i);
        snprintf(body, sizeof body, "{\"time\":\"2024-01-01\",\"n\":%d}", i);
        ov_stream_mark mark = {OV_SLICE_LIT("partition 0"), ov_slice_cstr(text)};
        ov_push p = {.datasource = OV_SLICE_LIT("t"), .body = ov_slice_cstr(body), .marks = &mark, .mark_count = 1};
        OK(ov_streams_push(w.streams, &p, &w.arena, &r, &err));
        if (i % 4 == 0)
            again(&w);
        if (i % 6 == 0)
            OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
        if (i % 9 == 0)
            OK(ov_streams_merge(w.streams, &err));
        OK(ov_streams_mark(w.streams, OV_SLICE_LIT("t"), mark.key, &w.arena, &value, &err));
        check_slice(value, text);
        check_rows(&w, (uint64_t)i);
    }
    world_fini(&w);
}

/* ---- merges, hand-overs ---- */

static void test_many_small_pushes(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    for (uint32_t n = 1; n <= 300; n++)
        OK(push_rows(&w, "", n, n, &err));
    assert_int_equal(look(&w, "t").live, 300);
    OK(ov_streams_merge(w.streams, &err));
    assert_true(look(&w, "t").live < 16);
    check_rows(&w, 300);
    OK(push_rows(&w, "", 301, 400, &err));
    check_rows(&w, 400);
    again(&w); /* the log has the small ones */
    check_rows(&w, 400);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    totals t = look(&w, "t");
    assert_int_equal(t.live, 0);
    assert_int_equal(t.segments, 4); /* days */
    check_rows(&w, 400);
    assert_true(log_bytes(&w) < 40 << 10);
    again(&w);
    check_rows(&w, 400);
    world_fini(&w);
}

static void test_declared_rollup(void **state)
{
    (void)state;
    world w;
    ov_push_result r;
    world_init(&w, quiet);
    static const char spec[] =
        "{\"dataSchema\":{\"timestampSpec\":{\"column\":\"at\",\"format\":\"iso\"},\"dimensionsSpec\":{\"dimensions\":[\"word\"]},"
        "\"metricsSpec\":[{\"type\":\"count\",\"name\":\"rows\"},{\"type\":\"longSum\",\"name\":\"n\",\"fieldName\":\"n\"}],"
        "\"granularitySpec\":{\"segmentGranularity\":\"HOUR\",\"queryGranularity\":\"HOUR\",\"rollup\":true}}}";
    check_fails(ov_streams_declare(w.streams, OV_SLICE_LIT("t"), OV_SLICE_LIT("{\"dataSchema\":{\"metricsSpec\":7}}"), &err), &err,
                OV_INVALID, "metricsSpec");
    OK(ov_streams_declare(w.streams, OV_SLICE_LIT("t"), ov_slice_cstr(spec), &err));
    for (int i = 0; i < 40; i++) {
        static const char body[] = "{\"at\":\"2024-01-01T00:10:00Z\",\"word\":\"a\",\"n\":2}\n"
                                   "{\"at\":\"2024-01-01T00:20:00Z\",\"word\":\"a\",\"n\":3}\n{\"time\":\"2024-01-01\",\"n\":1}";
        OK(push_text(&w, "t", "", OV_SLICE_LIT(body), OV_PUSH_JSON, &r));
        assert_int_equal(r.rows, 2);
        assert_int_equal(r.rejected, 1);
    }
    assert_int_equal(look(&w, "t").rows, 40);
    assert_int_equal(look(&w, "t").sum, 200);
    OK(ov_streams_merge(w.streams, &err));
    assert_true(look(&w, "t").rows < 10);
    assert_int_equal(look(&w, "t").sum, 200);
    again(&w);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    assert_int_equal(look(&w, "t").rows, 1);
    assert_int_equal(look(&w, "t").sum, 200);
    ov_slice json;
    OK(ov_streams_declared(w.streams, OV_SLICE_LIT("t"), &w.arena, &json, &err));
    check_slice(json, spec);
    world_fini(&w);
}

/* Published chunks of another granularity: rows of a day go to where their hours are. */
static void test_other_granularity_is_there(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    static const char hours[] = "{\"dataSchema\":{\"timestampSpec\":{\"column\":\"__time\"},\"dimensionsSpec\":"
                                "{\"useSchemaDiscovery\":true},\"granularitySpec\":{\"segmentGranularity\":\"HOUR\","
                                "\"rollup\":false}}}";
    OK(ov_streams_declare(w.streams, OV_SLICE_LIT("t"), ov_slice_cstr(hours), &err));
    OK(push_rows(&w, "", 1, 50, &err));
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    char days[sizeof hours + 8];
    snprintf(days, sizeof days, "%s", hours);
    memcpy(strstr(days, "HOUR"), "DAY\"", 4);
    memcpy(strstr(days, "DAY\"\""), "DAY\" ", 5);
    OK(ov_streams_declare(w.streams, OV_SLICE_LIT("t"), ov_slice_cstr(days), &err));
    OK(push_rows(&w, "", 51, 200, &err));
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    assert_int_equal(look(&w, "t").live, 0);
    check_rows(&w, 200);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_push_is_there),
        cmocka_unit_test(test_time_fields_and_formats),
        cmocka_unit_test(test_types_change),
        cmocka_unit_test(test_pushes_stay_in_order),
        cmocka_unit_test(test_batches_count_once),
        cmocka_unit_test(test_old_batches_are_forgotten),
        cmocka_unit_test(test_too_many_batches),
        cmocka_unit_test(test_marks_move_with_rows),
        cmocka_unit_test(test_many_small_pushes),
        cmocka_unit_test(test_declared_rollup),
        cmocka_unit_test(test_other_granularity_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
