/* base/map_guard: a file that shrinks under its mapping costs an event, not the process. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static void a_truncated_mapping_reads_as_zeros_and_says_so(void **state)
{
    (void)state;
    ov_map_guard_install(); /* here: cmocka puts handlers of its own around each test */
    char path[] = "/tmp/ovate-map-guard-XXXXXX", bytes[4 * 4096];
    int fd = mkstemp(path);
    memset(bytes, 'x', sizeof bytes);
    assert_true(fd >= 0 && write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes);
    ov_error err = OV_ERROR_INIT;
    ov_map m, other;
    check_ok(ov_map_open(path, &m, &err), &err);
    check_ok(ov_map_open(path, &other, &err), &err);
    uint64_t before = ov_map_guard_events();
    const volatile char *p = m.p;
    assert_int_equal(p[3 * 4096], 'x');
    assert_int_equal(ftruncate(fd, 4096), 0);
    assert_int_equal(p[3 * 4096], 0);
    assert_int_equal(p[4095], 'x');
    assert_true(ov_map_damaged(&m));
    assert_false(ov_map_damaged(&other)); /* nobody read from it */
    assert_true(ov_map_guard_events() > before);
    ov_map_close(&m);
    ov_map_close(&other);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncated_mapping_reads_as_zeros_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
