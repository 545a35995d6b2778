/* Segments that leave in the commit of those that hold their rows: what must still be so, and what came meanwhile. */
#include "tests/unit/catalog_fixture.h"

static const int64_t HOUR = 3600000, DAY = 86400000;
static ov_error err;

typedef struct inputs {
    ov_snapshot *snap;
    const ov_segment_entry *const *list;
    uint32_t count;
} inputs;

static inputs take(fixture *f)
{
    inputs in = {.snap = ov_catalog_snapshot(f->cat)};
    const ov_datasource *ds = ov_snapshot_find(in.snap, OV_SLICE_LIT("wiki"));
    in.list = ds->segments;
    in.count = ds->segment_count;
    return in;
}

/* One new segment in place of the inputs. */
static ov_status replace(fixture *f, const inputs *in, int64_t start, int64_t end, uint32_t rows)
{
    ov_new_segment s = fixture_segment(f, "wiki", start, end, rows);
    ov_commit c = {.task_id = OV_SLICE_LIT("compact"), .mode = OV_PUBLISH_REPLACE, .segments = &s, .segment_count = 1,
                   .inputs = in->list, .input_count = in->count};
    err = (ov_error)OV_ERROR_INIT;
    ov_status st = ov_catalog_commit(f->cat, &c, &f->arena, &err);
    ov_snapshot_release(in->snap);
    return st;
}

static void test_replaced(void **state)
{
    (void)state;
    fixture f;
    uint32_t unused;
    ov_interval around;
    const ov_segment_choice all = {.datasource = OV_SLICE_LIT("wiki"), .span = {INT64_MIN, INT64_MAX}};
    fixture_init(&f);
    for (int h = 0; h < 3; h++)
        fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", h * HOUR, (h + 1) * HOUR, 10);
    inputs in = take(&f);
    check_ok(replace(&f, &in, 0, DAY, 30), &err);
    assert_int_equal(fixture_rows(&f, "wiki"), 30);
    check_ok(ov_catalog_unused(f.cat, &all, &unused, &around, &err), &err);
    assert_int_equal(unused, 3);
    /* and so it is after a start */
    fixture_close(&f);
    fixture_open(&f, true);
    assert_int_equal(fixture_rows(&f, "wiki"), 30);
    fixture_fini(&f);
}

static void test_appended_moves_along(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, HOUR, 10);
    inputs in = take(&f);
    fixture_put(&f, OV_PUBLISH_APPEND, "wiki", 0, HOUR, 1);        /* into the chunk that was read */
    fixture_put(&f, OV_PUBLISH_APPEND, "wiki", HOUR, 2 * HOUR, 2); /* where nothing was */
    fixture_put(&f, OV_PUBLISH_APPEND, "wiki", DAY, DAY + HOUR, 4); /* elsewhere: not touched */
    check_ok(replace(&f, &in, 0, DAY, 10), &err);
    assert_int_equal(fixture_rows(&f, "wiki"), 17);
    for (int i = 0; i < 2; i++) { /* before and after a start */
        ov_snapshot *snap = ov_catalog_snapshot(f.cat);
        const ov_datasource *ds = ov_snapshot_find(snap, OV_SLICE_LIT("wiki"));
        assert_int_equal(ds->segment_count, 4);
        for (uint32_t k = 0; k < 3; k++) {
            assert_true(ds->segments[k]->info.start_ms == 0 && ds->segments[k]->info.end_ms == DAY);
            assert_true(ov_slice_eq(ds->segments[k]->info.version, ds->segments[0]->info.version));
            assert_int_equal(ds->segments[k]->info.partition, k);
            assert_int_equal(ds->segments[k]->appended, k > 0);
        }
        ov_snapshot_release(snap);
        fixture_close(&f);
        fixture_open(&f, true);
    }
    /* its files are nobody's waste, and a later append joins them */
    assert_int_equal(fixture_files(&f), 5);
    fixture_put(&f, OV_PUBLISH_APPEND, "wiki", 0, HOUR, 8);
    assert_int_equal(fixture_rows(&f, "wiki"), 25);
    fixture_fini(&f);
}

static void test_busy(void **state)
{
    (void)state;
    fixture f;
    uint32_t n;
    fixture_init(&f);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, DAY, 24);
    inputs in = take(&f);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, HOUR, 5); /* hides a part */
    uint64_t rows = fixture_rows(&f, "wiki");
    assert_int_equal(replace(&f, &in, 0, DAY, 24), OV_BUSY);
    assert_int_equal(fixture_rows(&f, "wiki"), rows);

    in = take(&f); /* both, as they are now */
    check_ok(replace(&f, &in, 0, DAY, 28), &err);
    assert_int_equal(fixture_rows(&f, "wiki"), 28);

    in = take(&f);
    fixture_put(&f, OV_PUBLISH_APPEND, "wiki", 0, DAY, 3); /* rows all over the day have no place in one hour */
    assert_int_equal(replace(&f, &in, 0, HOUR, 28), OV_BUSY);
    assert_int_equal(fixture_rows(&f, "wiki"), 31);

    in = take(&f);
    const ov_segment_choice all = {.datasource = OV_SLICE_LIT("wiki"), .span = {INT64_MIN, INT64_MAX}};
    check_ok(ov_catalog_mark(f.cat, &all, false, &n, &err), &err);
    assert_int_equal(replace(&f, &in, 0, DAY, 31), OV_BUSY); /* what was dropped does not come back */
    assert_int_equal(fixture_rows(&f, "wiki"), 0);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_replaced), cmocka_unit_test(test_appended_moves_along),
                                       cmocka_unit_test(test_busy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
