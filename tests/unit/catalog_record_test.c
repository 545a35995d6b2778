/* Records and the list of cursors: written with their commit, replaced by the next of the same name, gone with a rollback. */
#include "tests/unit/catalog_fixture.h"

static ov_error err;

static ov_status commit(fixture *f, const ov_record *records, uint32_t count, ov_slice key, ov_slice before, ov_slice value)
{
    ov_commit c = {.task_id = OV_SLICE_LIT("t1"),
                   .cursor_keys = &key,
                   .cursor_before = &before,
                   .cursor_values = &value,
                   .cursor_count = 1,
                   .records = records,
                   .record_count = count};
    return ov_catalog_commit(f->cat, &c, &f->arena, &err);
}

static void test_records(void **state)
{
    fixture f;
    ov_record *rows;
    ov_cursor_row *cursors;
    uint32_t n;
    (void)state;
    fixture_init(&f);
    ov_record two[] = {
        {.kind = OV_SLICE_LIT("lineage"), .key = OV_SLICE_LIT("http://b"), .at_ms = 5, .value = OV_SLICE_LIT("{}")},
        {.kind = OV_SLICE_LIT("lineage"), .key = OV_SLICE_LIT("http://a"), .at_ms = 7, .value = OV_SLICE_LIT("{\"x\":1}")},
    };
    check_ok(commit(&f, two, 2, OV_SLICE_LIT("pull:a"), (ov_slice){0}, OV_SLICE_LIT("1")), &err);
    two[0].value = OV_SLICE_LIT("{\"again\":1}");
    check_ok(commit(&f, two, 1, OV_SLICE_LIT("pull:b"), (ov_slice){0}, OV_SLICE_LIT("2")), &err);
    two[1].at_ms = 99;
    check_fails(commit(&f, two + 1, 1, OV_SLICE_LIT("pull:b"), OV_SLICE_LIT("elsewhere"), OV_SLICE_LIT("3")), &err, OV_BUSY,
                "meanwhile");
    check_ok(commit(&f, NULL, 0, OV_SLICE_LIT("qull"), (ov_slice){0}, OV_SLICE_LIT("4")), &err);
    fixture_close(&f);
    fixture_open(&f, false);
    check_ok(ov_catalog_record_list(f.cat, OV_SLICE_LIT("lineage"), (ov_slice){0}, &f.arena, &rows, &n, &err), &err);
    assert_int_equal(n, 2);
    check_slice(rows[0].key, "http://a");
    check_slice(rows[1].value, "{\"again\":1}");
    check_slice(rows[1].task_id, "t1");
    check_ok(ov_catalog_record_list(f.cat, OV_SLICE_LIT("lineage"), OV_SLICE_LIT("t2"), &f.arena, &rows, &n, &err), &err);
    assert_int_equal(n, 0);
    check_ok(ov_catalog_cursor_list(f.cat, OV_SLICE_LIT("pull:"), &f.arena, &cursors, &n, &err), &err);
    assert_int_equal(n, 2);
    check_slice(cursors[1].key, "pull:b");
    check_slice(cursors[1].value, "2");
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_records)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
