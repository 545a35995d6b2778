/* Ten thousand segments open in under half a second; snapshots read while commits replace them (run under tsan). */
#include "tests/unit/catalog_fixture.h"

#include <time.h>
#include "base/os.h"
#include "base/thread.h"

static const int64_t HOUR = 3600000;
enum { SEGMENTS = 10000, BATCH = 500, READERS = 4, COMMITS = 200 };

static void test_ten_thousand_segments(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    static ov_new_segment batch[BATCH];
    fixture_init(&f);
    for (int i = 0; i < SEGMENTS; i += BATCH) {
        for (int k = 0; k < BATCH; k++)
            batch[k] = fixture_segment(&f, i % 1000 ? "wiki" : "events", (i + k) * HOUR, (i + k + 1) * HOUR, 100);
        check_ok(fixture_commit(&f, OV_PUBLISH_REPLACE, batch, BATCH, &err), &err);
    }
    fixture_close(&f);
    int64_t start = ov_monotonic_ns();
    clock_t cpu = clock(); /* what counts on a machine that does other things too */
    fixture_open(&f, true);
    double ms = (double)(clock() - cpu) * 1000 / CLOCKS_PER_SEC;
    print_message("%d segments opened in %.1f ms, %.1f ms of CPU\n", SEGMENTS,
                  (double)(ov_monotonic_ns() - start) / 1e6, ms);
    ov_snapshot *snap = ov_catalog_snapshot(f.cat);
    const ov_segment_entry *const *all;
    assert_int_equal(ov_snapshot_all(snap, &all), SEGMENTS);
    ov_snapshot_release(snap);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(ms < 500);
#endif
    start = ov_monotonic_ns();
    fixture_put(&f, OV_PUBLISH_APPEND, "wiki", 0, HOUR, 1);
    print_message("one more committed in %.1f ms\n", (double)(ov_monotonic_ns() - start) / 1e6);
    fixture_fini(&f);
}

typedef struct reading {
    fixture *f;
    _Atomic bool stop;
    _Atomic uint64_t reads, bad;
} reading;

/* Every commit replaces both chunks, so each snapshot must show the same number of rows in both. */
static void read_snapshots(void *arg)
{
    reading *r = arg;
    uint64_t last = 0;
    while (!atomic_load(&r->stop)) {
        ov_snapshot *snap = ov_catalog_snapshot(r->f->cat);
        const ov_datasource *ds = ov_snapshot_find(snap, OV_SLICE_LIT("wiki"));
        bool ok = ov_snapshot_version(snap) >= last && ds && ds->segment_count == 2 &&
                  ds->segments[0]->info.rows == ds->segments[1]->info.rows;
        atomic_fetch_add(&r->bad, !ok);
        atomic_fetch_add(&r->reads, 1);
        last = ov_snapshot_version(snap);
        ov_snapshot_release(snap);
    }
}

static void test_readers_beside_commits(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    reading r = {.f = &f};
    ov_thread threads[READERS] = {0};
    uint32_t killed;
    fixture_init(&f);
    for (uint32_t i = 0; i < COMMITS; i++) {
        ov_new_segment s[2] = {fixture_segment(&f, "wiki", 0, HOUR, i + 1),
                               fixture_segment(&f, "wiki", HOUR, 2 * HOUR, i + 1)};
        check_ok(fixture_commit(&f, OV_PUBLISH_REPLACE, s, 2, &err), &err);
        for (size_t t = 0; i == 0 && t < READERS; t++)
            check_ok(ov_thread_start(&threads[t], "reader", read_snapshots, &r, &err), &err);
        check_ok(ov_catalog_kill(f.cat,
                                 &(ov_segment_choice){.datasource = OV_SLICE_LIT("wiki"), .span = {INT64_MIN, INT64_MAX}},
                                 &killed, &err), &err);
    }
    atomic_store(&r.stop, true);
    for (size_t t = 0; t < READERS; t++)
        ov_thread_join(&threads[t]);
    print_message("%llu snapshots read\n", (unsigned long long)atomic_load(&r.reads));
    assert_int_equal(atomic_load(&r.bad), 0);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_thousand_segments),
        cmocka_unit_test(test_readers_beside_commits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
