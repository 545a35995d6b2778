/* Spill files: names, limits, full disks, bytes back. */
#include "tests/unit/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/os.h"
#include "base/spill.h"

static char dir[64];
static ov_error err;

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/ov_spill_XXXXXX");
    assert_non_null(mkdtemp(dir));
    err = (ov_error)OV_ERROR_INIT;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    check_ok(ov_dir_remove_all(dir, &err), &err);
    return 0;
}

static void test_bytes(void **state)
{
    (void)state;
    ov_spill_area area;
    ov_spill_file f;
    uint64_t at, second;
    char back[8];
    check_ok(ov_spill_area_open(&area, dir, 1000, &err), &err);
    check_ok(ov_spill_open(&area, &f, &err), &err);
    check_ok(ov_spill_append(&f, "abcdefg", 8, &at, &err), &err);
    check_ok(ov_spill_append(&f, "hijklmn", 8, &second, &err), &err);
    check_ok(ov_spill_read(&f, back, 8, second, &err), &err);
    assert_string_equal(back, "hijklmn");
    check_ok(ov_spill_read(&f, back, 8, at, &err), &err);
    assert_string_equal(back, "abcdefg");
    check_fails(ov_spill_read(&f, back, 8, 12, &err), &err, OV_CORRUPT, "ends after");
    assert_int_equal(area.used, 16);
    ov_spill_close(&f);
    assert_int_equal(area.used, 0);
    assert_int_equal(area.peak, 16);
    assert_int_equal(area.written, 16);
    ov_spill_area_close(&area);
}

/* A process that dies leaves nothing: the file has no name while it is open. */
static void test_no_name(void **state)
{
    (void)state;
    ov_spill_area area;
    ov_spill_file f;
    ov_arena arena;
    ov_dir_entry *list;
    size_t count;
    char deeper[100];
    snprintf(deeper, sizeof deeper, "%s/a/b", dir);
    ov_arena_init(&arena, "test", NULL);
    check_ok(ov_spill_area_open(&area, deeper, 0, &err), &err);
    assert_true(area.limit > 0);
    check_ok(ov_spill_open(&area, &f, &err), &err);
    check_ok(ov_dir_list(deeper, &arena, &list, &count, &err), &err);
    assert_int_equal(count, 0);
    ov_spill_close(&f);
    ov_spill_area_close(&area);
    ov_arena_fini(&arena);
}

static void test_limit(void **state)
{
    (void)state;
    ov_spill_area area;
    ov_spill_file a, b;
    uint64_t at;
    char bytes[100] = "";
    check_ok(ov_spill_area_open(&area, dir, 150, &err), &err);
    check_ok(ov_spill_open(&area, &a, &err), &err);
    check_ok(ov_spill_open(&area, &b, &err), &err);
    check_ok(ov_spill_append(&a, bytes, 100, &at, &err), &err);
    check_fails(ov_spill_append(&b, bytes, 100, &at, &err), &err, OV_LIMIT, "but 100 of its limit of 150 are in use");
    check_ok(ov_spill_append(&b, bytes, 50, &at, &err), &err);
    ov_spill_close(&a);
    check_ok(ov_spill_append(&b, bytes, 100, &at, &err), &err);
    ov_spill_close(&b);
    ov_spill_area_close(&area);
}

static int failure;

static ssize_t failing_pwrite(int fd, const void *from, size_t n, off_t offset)
{
    static bool half;
    if (failure == 0)
        return ov_os_posix.pwrite(fd, from, n, offset);
    half = !half;
    if (half && n > 1) /* a short write first, then the failure */
        return ov_os_posix.pwrite(fd, from, n / 2, offset);
    errno = failure;
    return -1;
}

static void test_full_disk(void **state)
{
    (void)state;
    ov_spill_area area;
    ov_spill_file f;
    uint64_t at;
    char bytes[100] = "";
    ov_os os = ov_os_posix;
    os.pwrite = failing_pwrite;
    check_ok(ov_spill_area_open(&area, dir, 10000, &err), &err);
    check_ok(ov_spill_open(&area, &f, &err), &err);
    ov_os_use(&os);
    failure = ENOSPC;
    ov_status full = ov_spill_append(&f, bytes, 100, &at, &err);
    assert_int_equal(full, OV_LIMIT);
    assert_non_null(strstr(err.text, "No space left on device"));
    assert_non_null(strstr(err.text, dir));
    failure = EIO;
    assert_int_equal(ov_spill_append(&f, bytes, 100, &at, &err), OV_IO);
    failure = 0;
    assert_int_equal(ov_spill_append(&f, bytes, 100, &at, &err), OV_OK);
    ov_os_use(&ov_os_posix);
    ov_spill_close(&f);
    assert_int_equal(area.used, 0);
    ov_spill_area_close(&area);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
