/* The catalog: what commits make visible, marks, kills, tasks, cursors, locking, damage. */
#include "base/os.h"
#include "tests/unit/catalog_fixture.h"

#include <fcntl.h>

static const int64_t DAY = 86400000;

static void test_empty_folder(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    ov_snapshot *snap = ov_catalog_snapshot(f.cat);
    assert_int_equal(ov_snapshot_datasources(snap), 0);
    assert_null(ov_snapshot_find(snap, OV_SLICE_LIT("wiki")));
    ov_snapshot_release(snap);
    fixture_fini(&f);
}

static void test_replace_and_append(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    ov_new_segment a = fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, DAY, 100);
    ov_new_segment b = fixture_put(&f, OV_PUBLISH_APPEND, "wiki", 0, DAY, 10);
    assert_true(ov_slice_eq(a.info.version, b.info.version));
    assert_int_equal(b.info.partition, 1);
    assert_int_equal(fixture_rows(&f, "wiki"), 110);
    ov_new_segment c = fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, DAY, 7);
    assert_true(ov_slice_cmp(c.info.version, a.info.version) > 0);
    assert_int_equal(fixture_rows(&f, "wiki"), 7);

    ov_snapshot *snap = ov_catalog_snapshot(f.cat);
    const ov_segment_entry *const *all;
    assert_int_equal(ov_snapshot_all(snap, &all), 3);
    assert_false(all[0]->visible);
    assert_false(all[0]->appended);
    assert_true(all[1]->appended);
    assert_true(all[2]->visible);
    check_slice(all[2]->shard_spec, "{\"type\":\"numbered\",\"partitionNum\":0,\"partitions\":1}");
    const ov_datasource *ds = ov_snapshot_find(snap, OV_SLICE_LIT("wiki"));
    assert_int_equal(ds->column_count, 3);
    check_slice(ds->columns[0].name, "__time");
    ov_snapshot_release(snap);
    fixture_close(&f);
    fixture_open(&f, true);
    assert_int_equal(fixture_rows(&f, "wiki"), 7);
    fixture_fini(&f);
}

static void test_snapshots_are_pinned(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, DAY, 100);
    ov_snapshot *old = ov_catalog_snapshot(f.cat);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, DAY, 5);
    fixture_put(&f, OV_PUBLISH_REPLACE, "other", 0, DAY, 5);
    assert_int_equal(ov_snapshot_datasources(old), 1);
    assert_int_equal(ov_snapshot_datasource(old, 0)->rows, 100);
    ov_snapshot *now = ov_catalog_snapshot(f.cat);
    assert_true(ov_snapshot_version(now) > ov_snapshot_version(old));
    assert_int_equal(ov_snapshot_datasources(now), 2);
    ov_snapshot_release(now);
    ov_snapshot_release(old);
    fixture_fini(&f);
}

static void test_appends_never_hide_rows(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    fixture_init(&f);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, 30 * DAY, 300);
    /* A day into a month joins the month. */
    ov_new_segment day = fixture_put(&f, OV_PUBLISH_APPEND, "wiki", 3 * DAY, 4 * DAY, 1);
    assert_int_equal(day.info.end_ms, 30 * DAY);
    assert_int_equal(fixture_rows(&f, "wiki"), 301);
    /* A day replaced, a month appended: rows in one of the chunks only are fine, across them not. */
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 10 * DAY, 11 * DAY, 50);
    ov_new_segment month = fixture_segment(&f, "wiki", 0, 30 * DAY, 9);
    check_fails(fixture_commit(&f, OV_PUBLISH_APPEND, &month, 1, &err), &err, OV_INVALID, "several time chunks");
    month = fixture_segment(&f, "wiki", 0, 30 * DAY, 9);
    month.info.min_time = 10 * DAY;
    month.info.max_time = 10 * DAY + 5;
    check_ok(fixture_commit(&f, OV_PUBLISH_APPEND, &month, 1, &err), &err);
    assert_int_equal(month.info.start_ms, 10 * DAY);
    assert_int_equal(month.info.partition, 1);
    /* Beside existing data a wider chunk is cut to the gap. */
    fixture_put(&f, OV_PUBLISH_REPLACE, "gap", 5 * DAY, 6 * DAY, 10);
    ov_new_segment wide = fixture_segment(&f, "gap", 0, 30 * DAY, 4);
    wide.info.min_time = 7 * DAY;
    check_ok(fixture_commit(&f, OV_PUBLISH_APPEND, &wide, 1, &err), &err);
    assert_int_equal(wide.info.start_ms, 6 * DAY);
    assert_int_equal(wide.info.end_ms, 30 * DAY);
    assert_int_equal(fixture_rows(&f, "gap"), 14);
    assert_int_equal(fixture_files(&f), 6);
    fixture_fini(&f);
}

static void test_partial_overshadowing(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, 10 * DAY, 1000);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 4 * DAY, 5 * DAY, 1);
    assert_int_equal(fixture_rows(&f, "wiki"), 901);
    ov_snapshot *snap = ov_catalog_snapshot(f.cat);
    const ov_datasource *ds = ov_snapshot_find(snap, OV_SLICE_LIT("wiki"));
    assert_true(ds->any_partial);
    assert_true(ds->segments[0]->partial);
    assert_int_equal(ds->segments[0]->part_count, 2);
    assert_false(ds->segments[1]->partial);
    ov_snapshot_release(snap);
    fixture_fini(&f);
}

static void test_tombstones(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    fixture_init(&f);
    for (int d = 0; d < 3; d++)
        fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", d * DAY, (d + 1) * DAY, 10);
    ov_new_segment s[] = {
        fixture_segment(&f, "wiki", 0, DAY, 1),
        fixture_tombstone("wiki", DAY, 2 * DAY),
        fixture_tombstone("wiki", 5 * DAY, 6 * DAY), /* over nothing: left out */
    };
    check_ok(fixture_commit(&f, OV_PUBLISH_REPLACE, s, 3, &err), &err);
    assert_int_equal(fixture_rows(&f, "wiki"), 11);
    ov_snapshot *snap = ov_catalog_snapshot(f.cat);
    const ov_segment_entry *const *all;
    assert_int_equal(ov_snapshot_all(snap, &all), 5);
    ov_snapshot_release(snap);
    /* Appending to an emptied chunk starts a new one above the tombstone. */
    ov_new_segment back = fixture_put(&f, OV_PUBLISH_APPEND, "wiki", DAY, 2 * DAY, 3);
    assert_int_equal(back.info.partition, 0);
    assert_int_equal(fixture_rows(&f, "wiki"), 14);
    fixture_fini(&f);
}

static const ov_segment_choice everything = {.datasource = {"wiki", 4}, .span = {INT64_MIN, INT64_MAX}};

static void test_mark_and_kill(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    uint32_t n;
    fixture_init(&f);
    for (int d = 0; d < 4; d++)
        fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", d * DAY, (d + 1) * DAY, 10);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, DAY, 1); /* hides day 0 */
    check_ok(ov_catalog_mark(f.cat, &everything, false, &n, &err), &err);
    ov_slice *names;
    uint32_t count;
    ov_arena lent;
    ov_arena_init(&lent, "names", NULL);
    check_ok(ov_catalog_datasource_names(f.cat, &lent, &names, &count, &err), &err);
    assert_int_equal(count, 1); /* unused segments count */
    assert_true(ov_slice_eq(names[0], OV_SLICE_LIT("wiki")));
    ov_arena_fini(&lent);
    assert_int_equal(n, 5);
    ov_snapshot *snap = ov_catalog_snapshot(f.cat);
    assert_int_equal(ov_snapshot_datasources(snap), 0);
    ov_snapshot_release(snap);
    check_ok(ov_catalog_mark(f.cat, &(ov_segment_choice){.datasource = OV_SLICE_LIT("wiki"), .span = {0, 3 * DAY}}, true, &n,
                             &err),
             &err);
    assert_int_equal(n, 3); /* not the overshadowed first one, not day 3 */
    assert_int_equal(fixture_rows(&f, "wiki"), 21);

    snap = ov_catalog_snapshot(f.cat);
    const ov_segment_entry *const *all;
    assert_int_equal(ov_snapshot_all(snap, &all), 3);
    ov_slice id = all[1]->id;
    ov_segment_choice one = everything;
    one.ids = &id;
    one.id_count = 1;
    check_ok(ov_catalog_mark(f.cat, &one, false, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_int_equal(fixture_rows(&f, "wiki"), 11);
    check_ok(ov_catalog_kill(f.cat, &everything, &n, &err), &err);
    assert_int_equal(n, 3);
    assert_int_equal(fixture_files(&f), 3); /* the pinned snapshot still holds one */
    ov_snapshot_release(snap);
    assert_int_equal(fixture_files(&f), 2);
    fixture_fini(&f);
}

/* Versions, numbers and when segments became unused narrow what goes. */
static void test_choices(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    uint32_t n;
    ov_interval around;
    fixture_init(&f);
    for (int d = 0; d < 4; d++)
        fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", d * DAY, (d + 1) * DAY, 10);
    ov_snapshot *snap = ov_catalog_snapshot(f.cat);
    const ov_segment_entry *const *all;
    assert_int_equal(ov_snapshot_all(snap, &all), 4);
    ov_segment_choice which = everything;
    which.versions = &all[2]->info.version;
    which.version_count = 1;
    check_ok(ov_catalog_mark(f.cat, &which, false, &n, &err), &err);
    assert_int_equal(n, 1);
    which.version_count = 0; /* an empty list names nothing */
    check_ok(ov_catalog_mark(f.cat, &which, false, &n, &err), &err);
    assert_int_equal(n, 0);
    ov_snapshot_release(snap);

    check_ok(ov_catalog_unused(f.cat, &everything, &n, &around, &err), &err);
    assert_int_equal(n, 1);
    assert_true(around.start == 2 * DAY && around.end == 3 * DAY);
    which = everything;
    which.has_unused_until = true;
    which.unused_until = ov_now_ms() - 60000;
    check_ok(ov_catalog_kill(f.cat, &which, &n, &err), &err);
    assert_int_equal(n, 0);
    check_ok(ov_catalog_mark(f.cat, &everything, false, &n, &err), &err);
    assert_int_equal(n, 3);
    which.unused_until = ov_now_ms() + 60000;
    which.most = 3;
    check_ok(ov_catalog_kill(f.cat, &which, &n, &err), &err);
    assert_int_equal(n, 3);
    check_ok(ov_catalog_unused(f.cat, &everything, &n, &around, &err), &err);
    assert_int_equal(n, 1);
    assert_true(around.start == 3 * DAY); /* the oldest went */
    fixture_fini(&f);
}

static void test_cursors_and_tasks(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    ov_slice value, keys[] = {OV_SLICE_LIT("git:a")}, values[] = {OV_SLICE_LIT("{\"head\":1}")};
    ov_task_row row = {.id = OV_SLICE_LIT("t1"), .type = OV_SLICE_LIT("git"), .datasource = OV_SLICE_LIT("wiki"),
                       .state = OV_SLICE_LIT("RUNNING"), .spec = OV_SLICE_LIT("{}"), .created_ms = 5,
                       .duration_ms = -1};
    fixture_init(&f);
    check_ok(ov_catalog_task_insert(f.cat, &row, &err), &err);
    check_fails(ov_catalog_task_insert(f.cat, &row, &err), &err, OV_EXISTS, "'t1'");
    check_ok(ov_catalog_cursor_get(f.cat, keys[0], &f.arena, &value, &err), &err);
    assert_int_equal(value.n, 0);

    ov_task_row done = row, got;
    done.state = OV_SLICE_LIT("SUCCESS");
    done.duration_ms = 12;
    ov_new_segment s = fixture_segment(&f, "wiki", 0, DAY, 1);
    ov_commit c = {.task_id = row.id, .segments = &s, .segment_count = 1, .cursor_keys = keys,
                   .cursor_values = values, .cursor_count = 1, .task = &done};
    check_ok(ov_catalog_commit(f.cat, &c, &f.arena, &err), &err);
    row.id = OV_SLICE_LIT("t2");
    row.created_ms = 6;
    check_ok(ov_catalog_task_insert(f.cat, &row, &err), &err);
    row.id = OV_SLICE_LIT("t3");
    row.created_ms = 7;
    row.restart = true;
    check_ok(ov_catalog_task_insert(f.cat, &row, &err), &err);
    fixture_close(&f);

    fixture_open(&f, true);
    check_ok(ov_catalog_cursor_get(f.cat, keys[0], &f.arena, &value, &err), &err);
    check_slice(value, "{\"head\":1}");
    check_ok(ov_catalog_task_get(f.cat, OV_SLICE_LIT("t1"), &f.arena, &got, &err), &err);
    check_slice(got.state, "SUCCESS");
    assert_int_equal(got.duration_ms, 12);
    check_ok(ov_catalog_task_get(f.cat, OV_SLICE_LIT("t2"), &f.arena, &got, &err), &err);
    check_slice(got.state, "FAILED");
    assert_non_null(strstr(got.error_msg.p, "server stopped"));
    check_fails(ov_catalog_task_get(f.cat, OV_SLICE_LIT("no"), &f.arena, &got, &err), &err, OV_NOT_FOUND, "'no'");
    ov_task_row *rows;
    uint32_t n;
    check_ok(ov_catalog_task_list(f.cat, (ov_slice){0}, (ov_slice){0}, 0, &f.arena, &rows, &n, &err), &err);
    assert_int_equal(n, 3);
    check_slice(rows[0].id, "t3");
    check_ok(ov_catalog_task_list(f.cat, OV_SLICE_LIT("wiki"), OV_SLICE_LIT("RUNNING"), 0, &f.arena, &rows, &n,
                                  &err),
             &err);
    assert_int_equal(n, 1);
    check_slice(rows[0].id, "t3");
    fixture_fini(&f);
}

static void test_one_writer(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    ov_catalog *second;
    ov_buf address;
    ov_buf_init(&address);
    fixture_init(&f);
    check_fails(ov_catalog_open(f.dir, true, &second, &err), &err, OV_BUSY, "in use by process");
    check_ok(ov_catalog_set_address(f.cat, "127.0.0.1:8888", &err), &err);
    check_fails(ov_catalog_open(f.dir, true, &second, &err), &err, OV_BUSY, "server at 127.0.0.1:8888");
    check_ok(ov_catalog_holder(f.dir, &address, &err), &err);
    check_slice(ov_buf_slice(&address), "127.0.0.1:8888");
    fixture_close(&f);
    ov_buf_clear(&address);
    check_ok(ov_catalog_holder(f.dir, &address, &err), &err);
    assert_int_equal(address.n, 0);
    ov_buf_fini(&address);
    fixture_fini(&f);
}

static void test_readers_follow(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f, r;
    fixture_init(&f);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, DAY, 10);
    r = f;
    fixture_open(&r, false);
    assert_int_equal(fixture_rows(&r, "wiki"), 10);
    fixture_put(&f, OV_PUBLISH_APPEND, "wiki", 0, DAY, 5);
    assert_int_equal(fixture_rows(&r, "wiki"), 10);
    check_ok(ov_catalog_refresh(r.cat, &err), &err);
    assert_int_equal(fixture_rows(&r, "wiki"), 15);
    ov_new_segment s = fixture_segment(&f, "wiki", 0, DAY, 1);
    check_fails(fixture_commit(&r, OV_PUBLISH_APPEND, &s, 1, &err), &err, OV_DENIED, "reading only");
    fixture_close(&r);
    fixture_fini(&f);
    ov_catalog *none;
    check_fails(ov_catalog_open("/tmp/ovate-no-such-folder", false, &none, &err), &err, OV_NOT_FOUND, "no Ovate data");
}

/* Every byte of catalog.db flipped in turn: the open either refuses by name or the answer is the same. */
static void test_damaged_database(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    char path[100];
    ov_buf bytes;
    fixture_init(&f);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, DAY, 10);
    fixture_put(&f, OV_PUBLISH_APPEND, "wiki", 0, DAY, 5);
    fixture_close(&f);
    snprintf(path, sizeof(path), "%s/catalog.db", f.dir);
    ov_buf_init(&bytes);
    check_ok(ov_file_read(path, 0, &bytes, &err), &err);
    int fd = open(path, O_RDWR), refused = 0, other = 0, same = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] == 0 && i % 64 != 0)
            continue; /* mostly free space: a sample is enough */
        char flipped = (char)(bytes.p[i] ^ (1 << (i % 8)));
        assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
        ov_status st = ov_catalog_open(f.dir, false, &f.cat, &err);
        if (st == OV_OK) {
            uint64_t rows = fixture_rows(&f, "wiki");
            ov_catalog_close(f.cat);
            f.cat = NULL;
            if (rows != 15)
                fail_msg("byte %zu: %llu rows, no error", i, (unsigned long long)rows);
            same++;
        } else if (st == OV_CORRUPT) {
            refused++;
        } else {
            other++;
        }
        assert_int_equal(pwrite(fd, &bytes.p[i], 1, (off_t)i), 1);
    }
    close(fd);
    print_message("%d flips refused as damage, %d by another error, %d without effect\n", refused, other, same);
    assert_true(refused > 100);
    ov_buf_fini(&bytes);
    fixture_open(&f, true);
    assert_int_equal(fixture_rows(&f, "wiki"), 15);
    fixture_fini(&f);
}

static void test_not_a_database(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    char path[100];
    fixture_init(&f);
    fixture_close(&f);
    snprintf(path, sizeof(path), "%s/catalog.db", f.dir);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is not a database\n", file);
    fclose(file);
    check_fails(ov_catalog_open(f.dir, true, &f.cat, &err), &err, OV_CORRUPT, "is damaged");
    f.cat = NULL;
    fixture_fini(&f);
}

/* Somebody moved catalog.db away: the segments must not be taken for leftovers. */
static void test_lost_catalog(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    char path[100], aside[100];
    fixture_init(&f);
    fixture_put(&f, OV_PUBLISH_REPLACE, "wiki", 0, DAY, 10);
    fixture_close(&f);
    snprintf(path, sizeof(path), "%s/catalog.db", f.dir);
    snprintf(aside, sizeof(aside), "%s/aside", f.dir);
    assert_int_equal(rename(path, aside), 0);
    for (int i = 0; i < 2; i++)
        check_fails(ov_catalog_open(f.dir, true, &f.cat, &err), &err, OV_EXISTS, "no catalog.db that knows them");
    assert_int_equal(rename(aside, path), 0);
    fixture_open(&f, true);
    assert_int_equal(fixture_rows(&f, "wiki"), 10);
    assert_int_equal(fixture_files(&f), 1);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_folder),
        cmocka_unit_test(test_replace_and_append),
        cmocka_unit_test(test_snapshots_are_pinned),
        cmocka_unit_test(test_appends_never_hide_rows),
        cmocka_unit_test(test_partial_overshadowing),
        cmocka_unit_test(test_tombstones),
        cmocka_unit_test(test_mark_and_kill),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_cursors_and_tasks),
        cmocka_unit_test(test_one_writer),
        cmocka_unit_test(test_readers_follow),
        cmocka_unit_test(test_damaged_database),
        cmocka_unit_test(test_not_a_database),
        cmocka_unit_test(test_lost_catalog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
