/* The disk guard: its states over a disk that fills and empties, and what stands still while it is paused. */
#include "ingest/upkeep/disk_guard.h"

#include <errno.h>
#include "base/os.h"
#include "tests/unit/harness.h"

static ov_error err;
static unsigned full; /* per mille */
static bool broken;

static int fake_statvfs(const char *path, struct statvfs *out)
{
    (void)path;
    if (broken) {
        errno = EIO;
        return -1;
    }
    *out = (struct statvfs){.f_bsize = 4096, .f_frsize = 4096, .f_blocks = 1000, .f_bfree = 1000 - full, .f_bavail = 1000 - full};
    return 0;
}

static void check_state(ov_disk_guard *g, unsigned per_mille, ov_disk_state want, bool want_changed)
{
    bool changed;
    ov_disk_limits limits = OV_DISK_LIMITS;
    full = per_mille;
    check_ok(ov_disk_guard_look(g, "/data", &limits, 1, &changed, &err), &err);
    assert_int_equal(ov_disk_guard_state(g), want);
    assert_int_equal(changed, want_changed);
}

static void test_states(void **state)
{
    (void)state;
    ov_os os = ov_os_posix;
    ov_disk_guard g = {0};
    os.statvfs = fake_statvfs;
    const ov_os *before = ov_os_use(&os);
    assert_false(ov_disk_paused(&g));
    assert_false(ov_disk_paused(NULL));
    check_state(&g, 500, OV_DISK_OK, false);
    check_state(&g, 850, OV_DISK_WARN, true);
    check_state(&g, 919, OV_DISK_WARN, false);
    check_state(&g, 920, OV_DISK_PAUSED, true);
    check_state(&g, 910, OV_DISK_PAUSED, false); /* not yet */
    ov_error why = OV_ERROR_INIT;
    assert_int_equal(ov_disk_guard_check(&g, &why), OV_BUSY);
    assert_non_null(strstr(why.text, "91.0 %"));
    assert_non_null(strstr(why.text, "below 90.0 %"));
    check_state(&g, 899, OV_DISK_WARN, true);
    check_state(&g, 910, OV_DISK_WARN, false); /* on the way up that is no reason */
    check_ok(ov_disk_guard_check(&g, &err), &err);
    check_state(&g, 100, OV_DISK_OK, true);
    check_state(&g, 1000, OV_DISK_PAUSED, true);
    broken = true;
    bool changed;
    ov_disk_limits limits = OV_DISK_LIMITS;
    assert_int_equal(ov_disk_guard_look(&g, "/data", &limits, 2, &changed, &why), OV_IO);
    assert_true(ov_disk_paused(&g));
    broken = false;
    ov_os_use(before);
}

static void test_time_left(void **state)
{
    (void)state;
    ov_os os = ov_os_posix;
    ov_disk_guard g = {0};
    bool changed;
    ov_disk_limits limits = OV_DISK_LIMITS;
    os.statvfs = fake_statvfs;
    const ov_os *before = ov_os_use(&os);
    full = 500;
    check_ok(ov_disk_guard_look(&g, "/data", &limits, 1000, &changed, &err), &err);
    assert_int_equal(ov_disk_guard_left_ms(&g, 1000), -1);
    full = 600; /* 100 blocks in 100 s: 400 more last 400 s */
    check_ok(ov_disk_guard_look(&g, "/data", &limits, 101000, &changed, &err), &err);
    assert_int_equal(ov_disk_guard_left_ms(&g, 101000), 400000);
    ov_os_use(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_states), cmocka_unit_test(test_time_left)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
