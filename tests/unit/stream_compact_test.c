/* Small published segments of a stream are put together: seldom enough, to an end, and while hand-overs go on. */
#include "tests/unit/stream_lib.h"

#include <pthread.h>
#include <stdatomic.h>
#include "base/os.h"

/* Segments that hand-overs left in one chunk become one; files of the small ones go. */
static void test_small_segments_are_put_together(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    for (uint32_t i = 0; i < 50; i++) {
        OK(push_rows(&w, "", 10 * i + 1, 10 * i + 10, &err));
        OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    }
    uint32_t before = look(&w, "t").segments;
    assert_true(before > 50);
    OK(push_rows(&w, "", 501, 510, &err));
    OK(ov_streams_compact(w.streams, OV_SLICE_LIT("t"), &err));
    assert_true(look(&w, "t").segments < before / 2);
    check_rows(&w, 510);
    again(&w);
    check_rows(&w, 510);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    check_rows(&w, 510);
    ov_slice *files;
    size_t n;
    char segments[80];
    snprintf(segments, sizeof segments, "%s/segments", w.dir);
    OK(ov_glob_files(segments, OV_SLICE_LIT("*.ovs"), 1000, &w.arena, &files, &n, &err));
    assert_int_equal(n, look(&w, "t").segments);
    world_fini(&w);
}

/* A chunk that is replaced meanwhile keeps what replaced it. */
static void test_replaced_rows_stay_away(void **state)
{
    (void)state;
    world w;
    uint32_t changed;
    world_init(&w, quiet);
    for (uint32_t i = 0; i < 10; i++) {
        push(&w, "", "{\"time\":\"2024-01-01\",\"n\":1}");
        OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    }
    ov_snapshot *snap = ov_catalog_snapshot(w.cat);
    const ov_datasource *ds = ov_snapshot_find(snap, OV_SLICE_LIT("t"));
    ov_segment_entry changed_one = *ds->segments[0], gone = *ds->segments[1];
    const ov_segment_entry *inputs[2] = {&changed_one, ds->segments[1]};
    changed_one.info.version = OV_SLICE_LIT("another");
    gone.file = OV_SLICE_LIT("segments/t/gone.ovs");
    ov_slice tmp;
    OK(ov_catalog_tmp_path(w.cat, &w.arena, &tmp, &err));
    OK(ov_file_write_atomic(tmp.p, OV_SLICE_LIT("never named"), &err));
    ov_new_segment seg = {.info = ds->segments[0]->info, .tmp_path = tmp.p, .columns = ds->segments[0]->columns,
                          .column_count = ds->segments[0]->column_count};
    ov_commit c = {.mode = OV_PUBLISH_APPEND, .segments = &seg, .segment_count = 1, .inputs = inputs, .input_count = 2};
    assert_int_equal(ov_catalog_commit(w.cat, &c, &w.arena, &err), OV_BUSY);
    inputs[0] = ds->segments[0];
    inputs[1] = &gone;
    OK(ov_file_write_atomic(tmp.p, OV_SLICE_LIT("never named"), &err));
    assert_int_equal(ov_catalog_commit(w.cat, &c, &w.arena, &err), OV_BUSY);
    ov_snapshot_release(snap);
    assert_int_equal(look(&w, "t").rows, 10);
    OK(ov_catalog_mark(w.cat, &(ov_segment_choice){.datasource = OV_SLICE_LIT("t"), .span = {INT64_MIN, INT64_MAX}}, false,
                       &changed, &err));
    assert_int_equal(changed, 10);
    OK(ov_streams_compact(w.streams, OV_SLICE_LIT("t"), &err));
    assert_int_equal(look(&w, "t").rows, 0);
    world_fini(&w);
}

static void push_and_publish(world *w, uint32_t from, uint32_t to)
{
    OK(push_rows(w, "", from, to, &err));
    OK(ov_streams_flush(w->streams, OV_SLICE_LIT("t"), &err));
}

static void declare(world *w, const char *tuning)
{
    ov_buf spec;
    ov_buf_init(&spec);
    ov_buf_addf(&spec, "{\"dataSchema\":{\"timestampSpec\":{\"column\":\"__time\"},\"dimensionsSpec\":{\"useSchemaDiscovery\":true},"
                       "\"granularitySpec\":{\"segmentGranularity\":\"YEAR\",\"rollup\":false}},\"tuningConfig\":%s}", tuning);
    OK(ov_streams_declare(w->streams, OV_SLICE_LIT("t"), ov_buf_slice(&spec), &err));
    ov_buf_fini(&spec);
}

/* The spec allows so few rows a segment that eight of them are several again: that is noticed, not done for ever. */
static void test_segments_that_may_not_grow(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    declare(&w, "{\"type\":\"index_parallel\",\"maxRowsPerSegment\":100}");
    for (uint32_t i = 0; i < 40; i++) {
        push_and_publish(&w, 60 * i + 1, 60 * i + 60);
        OK(ov_streams_compact(w.streams, OV_SLICE_LIT("t"), &err));
    }
    check_rows(&w, 2400);
    assert_true(look(&w, "t").segments <= 40);
    world_fini(&w);
}

static uint32_t largest_segment(world *w, char file[200])
{
    uint32_t rows = 0;
    ov_snapshot *snap = ov_catalog_snapshot(w->cat);
    const ov_datasource *ds = ov_snapshot_find(snap, OV_SLICE_LIT("t"));
    for (uint32_t i = 0; i < ds->segment_count; i++)
        if (ds->segments[i]->info.rows > rows) {
            rows = ds->segments[i]->info.rows;
            snprintf(file, 200, OV_SLICE_FMT, OV_SLICE_ARG(ds->segments[i]->file));
        }
    ov_snapshot_release(snap);
    return rows;
}

/* A row goes into segments of twice the size each time, so a large one is not written anew for a few small ones. */
static void test_large_ones_are_left_alone(void **state)
{
    (void)state;
    world w;
    char file[200] = "", before[200];
    uint32_t changes = 0;
    world_init(&w, quiet);
    declare(&w, "{\"type\":\"index_parallel\"}");
    for (uint32_t i = 0; i < 150; i++) {
        push_and_publish(&w, 10 * i + 1, 10 * i + 10);
        OK(ov_streams_compact(w.streams, OV_SLICE_LIT("t"), &err));
        memcpy(before, file, sizeof before);
        (void)largest_segment(&w, file);
        changes += strcmp(before, file) != 0;
    }
    check_rows(&w, 1500);
    assert_true(changes <= 7);
    assert_true(look(&w, "t").segments < 16);
    world_fini(&w);
}

/* ---- beside hand-overs ---- */

static _Atomic bool held, met;

static void stand_still(void)
{
    char name[32] = "";
    (void)pthread_getname_np(pthread_self(), name, sizeof name);
    while (atomic_load(&held) && strcmp(name, "ov-stream-small") == 0) {
        atomic_store(&met, true);
        ov_sleep_ms(2);
    }
}

static ssize_t slow_pwrite(int fd, const void *from, size_t n, off_t at)
{
    stand_still();
    return ov_os_posix.pwrite(fd, from, n, at);
}

static ssize_t slow_write(int fd, const void *from, size_t n)
{
    stand_still();
    return ov_os_posix.write(fd, from, n);
}

static bool within(_Atomic bool *what, int64_t ms)
{
    for (int64_t end = ov_now_ms() + ms; !atomic_load(what) && ov_now_ms() < end;)
        ov_sleep_ms(5);
    return atomic_load(what);
}

/* Rows are pushed, seen and published while small segments are being put together, however long that takes. */
static void test_nobody_waits_for_it(void **state)
{
    (void)state;
    world w;
    ov_os slow = ov_os_posix;
    slow.pwrite = slow_pwrite;
    slow.write = slow_write;
    ov_os_use(&slow);
    atomic_store(&held, true);
    world_init(&w, (ov_streams_config){0});
    declare(&w, "{\"type\":\"index_parallel\"}");
    for (uint32_t i = 0; i < 8; i++)
        push_and_publish(&w, 10 * i + 1, 10 * i + 10);
    assert_true(within(&met, 20000));
    for (uint32_t i = 8; i < 12; i++) {
        push_and_publish(&w, 10 * i + 1, 10 * i + 10);
        check_rows(&w, 10 * i + 10);
    }
    assert_int_equal(look(&w, "t").segments, 12);
    atomic_store(&held, false);
    for (int64_t end = ov_now_ms() + 20000; look(&w, "t").segments > 8 && ov_now_ms() < end;)
        ov_sleep_ms(5);
    assert_true(look(&w, "t").segments <= 8);
    check_rows(&w, 120);
    again(&w);
    check_rows(&w, 120);
    ov_os_use(&ov_os_posix);
    world_fini(&w);
}

/* The end does not wait for it either: what it made goes, the small segments stay. */
static void test_stopped_in_the_middle(void **state)
{
    (void)state;
    world w;
    world_init(&w, (ov_streams_config){0});
    for (uint32_t i = 0; i < 8; i++)
        push_and_publish(&w, 100 * i + 1, 100 * i + 100);
    again(&w);
    check_rows(&w, 800);
    OK(ov_streams_compact(w.streams, OV_SLICE_LIT("t"), &err));
    check_rows(&w, 800);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_segments_are_put_together),
        cmocka_unit_test(test_replaced_rows_stay_away),
        cmocka_unit_test(test_segments_that_may_not_grow),
        cmocka_unit_test(test_large_ones_are_left_alone),
        cmocka_unit_test(test_nobody_waits_for_it),
        cmocka_unit_test(test_stopped_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
