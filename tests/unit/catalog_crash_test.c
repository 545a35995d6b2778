/*
 * A commit that fails or dies at any point: afterwards either all of it is there or nothing, no file is left over, and the
 * folder opens without help. Two lines of attack: every named fault point, and every call to the file system.
 */
#include "tests/unit/catalog_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "base/fault.h"
#include "base/os.h"

static const int64_t DAY = 86400000;
enum { OLD_ROWS = 30, NEW_ROWS = 300, DIED = 137 /* as OVATE_FAULT ends a process */ };

/* ---- the scenario: three days replaced, a cursor and a task with them ---- */

static void scenario_before(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    ov_task_row row = {.id = OV_SLICE_LIT("t"), .state = OV_SLICE_LIT("RUNNING"), .duration_ms = -1};
    for (int d = 0; d < 3; d++)
        fixture_put(f, OV_PUBLISH_REPLACE, "wiki", d * DAY, (d + 1) * DAY, OLD_ROWS / 3);
    check_ok(ov_catalog_task_insert(f->cat, &row, &err), &err);
}

static ov_status scenario_commit(fixture *f, ov_error *err)
{
    ov_slice key = OV_SLICE_LIT("c"), value = OV_SLICE_LIT("1");
    ov_task_row row = {.id = OV_SLICE_LIT("t"), .state = OV_SLICE_LIT("SUCCESS"), .duration_ms = 3};
    ov_new_segment s[3];
    for (int d = 0; d < 3; d++)
        s[d] = fixture_segment(f, "wiki", d * DAY, (d + 1) * DAY, NEW_ROWS / 3);
    ov_commit c = {.task_id = row.id, .mode = OV_PUBLISH_REPLACE, .segments = s, .segment_count = 3,
                   .cursor_keys = &key, .cursor_values = &value, .cursor_count = 1, .task = &row};
    return ov_catalog_commit(f->cat, &c, &f->arena, err);
}

/* All or nothing, and nothing left over; true when it is all. */
static bool check_whole(fixture *f, bool task_may_run)
{
    ov_error err = OV_ERROR_INIT;
    ov_task_row row;
    ov_slice cursor;
    uint64_t rows = fixture_rows(f, "wiki");
    assert_true(rows == OLD_ROWS || rows == NEW_ROWS);
    bool done = rows == NEW_ROWS;
    check_ok(ov_catalog_cursor_get(f->cat, OV_SLICE_LIT("c"), &f->arena, &cursor, &err), &err);
    assert_int_equal(cursor.n > 0, done);
    check_ok(ov_catalog_task_get(f->cat, OV_SLICE_LIT("t"), &f->arena, &row, &err), &err);
    check_slice(row.state, done ? "SUCCESS" : task_may_run ? "RUNNING" : "FAILED");
    assert_int_equal(fixture_files(f), done ? 6 : 3);
    return done;
}

/* ---- failures ---- */

static void test_fault_points_fail(void **state)
{
    (void)state;
    static const ov_fault_point points[] = {OV_FAULT_COMMIT_PLACED, OV_FAULT_COMMIT_RENAMED,
                                            OV_FAULT_COMMIT_SYNCED, OV_FAULT_COMMIT_WRITTEN};
    for (size_t p = 0; p < OV_COUNT_OF(points); p++) {
        for (unsigned n = 1; n <= (points[p] == OV_FAULT_COMMIT_RENAMED ? 3u : 1u); n++) {
            ov_error err = OV_ERROR_INIT;
            fixture f;
            fixture_init(&f);
            scenario_before(&f);
            ov_fault_arm(points[p], n, OV_IO);
            assert_int_equal(scenario_commit(&f, &err), OV_IO);
            ov_fault_disarm_all();
            assert_false(check_whole(&f, true));
            check_ok(scenario_commit(&f, &err), &err); /* and again, without the fault */
            assert_true(check_whole(&f, true));
            fixture_fini(&f);
        }
    }
}

/* ---- our calls to the file system, one of which fails or kills ---- */

static ov_os counting;
static long calls, bad_call;
static bool kill_there;

static bool strikes(void)
{
    if (++calls != bad_call)
        return false;
    if (kill_there)
        _exit(DIED);
    errno = EIO;
    return true;
}

static int count_rename(const char *from, const char *to)
{
    return strikes() ? -1 : ov_os_posix.rename(from, to);
}

static int count_fsync(int fd)
{
    return strikes() ? -1 : ov_os_posix.fsync(fd);
}

static int count_open(const char *path, int flags, mode_t mode)
{
    return strikes() ? -1 : ov_os_posix.open(path, flags, mode);
}

static int count_unlink(const char *path)
{
    return strikes() ? -1 : ov_os_posix.unlink(path);
}

static int count_mkdir(const char *path, mode_t mode)
{
    return strikes() ? -1 : ov_os_posix.mkdir(path, mode);
}

static void count_from(long at, bool kill)
{
    counting = ov_os_posix;
    counting.rename = count_rename;
    counting.fsync = count_fsync;
    counting.open = count_open;
    counting.unlink = count_unlink;
    counting.mkdir = count_mkdir;
    calls = 0;
    bad_call = at;
    kill_there = kill;
    ov_os_use(&counting);
}

static void test_failing_calls(void **state)
{
    (void)state;
    for (long n = 1;; n++) {
        ov_error err = OV_ERROR_INIT;
        fixture f;
        fixture_init(&f);
        scenario_before(&f);
        count_from(n, false);
        ov_status st = scenario_commit(&f, &err);
        ov_os_use(&ov_os_posix);
        bool struck = calls >= n;
        fixture_close(&f);
        fixture_open(&f, true);
        assert_int_equal(check_whole(&f, false), st == OV_OK);
        fixture_fini(&f);
        if (!struck)
            break;
        assert_true(n < 1000);
    }
}

/* Run the scenario in a child that dies; *died tells whether it did. */
static void run_child(fixture *f, const char *fault, long call, bool *died)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        ov_error err = OV_ERROR_INIT;
        if (fault)
            setenv("OVATE_FAULT", fault, 1);
        if (ov_catalog_open(f->dir, true, &f->cat, &err) != OV_OK)
            _exit(1);
        if (call)
            count_from(call, true);
        _exit(scenario_commit(f, &err) == OV_OK ? 0 : 2);
    }
    int code;
    assert_int_equal(waitpid(pid, &code, 0), pid);
    *died = WIFSIGNALED(code) || (WIFEXITED(code) && WEXITSTATUS(code) == DIED);
    if (!*died)
        assert_int_equal(WEXITSTATUS(code), 0);
}

static void test_killed_at_every_call(void **state)
{
    (void)state;
    bool died = true;
    for (long n = 1; died; n++) {
        fixture f;
        fixture_init(&f);
        scenario_before(&f);
        fixture_close(&f);
        run_child(&f, NULL, n, &died);
        fixture_open(&f, true);
        assert_int_equal(check_whole(&f, false), !died);
        fixture_fini(&f);
        assert_true(n < 1000);
    }
}

static void test_killed_at_fault_points(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "OV_FAULT_COMMIT_PLACED:1:crash",  "OV_FAULT_COMMIT_RENAMED:1:crash", "OV_FAULT_COMMIT_RENAMED:2:crash",
        "OV_FAULT_COMMIT_RENAMED:3:crash", "OV_FAULT_COMMIT_SYNCED:1:crash",  "OV_FAULT_COMMIT_WRITTEN:1:crash",
    };
    for (size_t i = 0; i < OV_COUNT_OF(faults); i++) {
        fixture f;
        bool died;
        fixture_init(&f);
        ov_error err = OV_ERROR_INIT;
        ov_task_row row = {.id = OV_SLICE_LIT("t"), .state = OV_SLICE_LIT("RUNNING"), .duration_ms = -1};
        check_ok(ov_catalog_task_insert(f.cat, &row, &err), &err);
        fixture_close(&f);
        run_child(&f, faults[i], 0, &died);
        assert_true(died);
        fixture_open(&f, true);
        assert_int_equal(fixture_rows(&f, "wiki"), 0);
        assert_int_equal(fixture_files(&f), 0);
        fixture_fini(&f);
    }
}

/* ---- the database itself cannot be written: a limit on file sizes stands for a failing disk ---- */

/* 0: everything as it should be; else the number of the line that was not. */
static int child_with_full_log(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    char path[100];
    uint64_t log_bytes;
    ov_task_row row;
    signal(SIGXFSZ, SIG_IGN);
    if (ov_catalog_open(f->dir, true, &f->cat, &err) != OV_OK)
        return __LINE__;
    row = (ov_task_row){.id = OV_SLICE_LIT("t2"), .state = OV_SLICE_LIT("RUNNING"), .duration_ms = -1};
    if (ov_catalog_task_insert(f->cat, &row, &err) != OV_OK) /* so that there is a log */
        return __LINE__;
    snprintf(path, sizeof(path), "%s/catalog.db-wal", f->dir);
    if (ov_file_size(path, &log_bytes, &err) != OV_OK)
        return __LINE__;
    struct rlimit limit = {log_bytes, log_bytes};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return __LINE__;
    ov_status st = scenario_commit(f, &err);
    if (st != OV_IO && st != OV_LIMIT)
        return __LINE__;
    if (fixture_rows(f, "wiki") != OLD_ROWS) /* queries go on */
        return __LINE__;
    bool stopped = st == OV_IO;
    row.id = OV_SLICE_LIT("t3");
    st = ov_catalog_task_insert(f->cat, &row, &err);
    if (st == OV_OK || (stopped && !strstr(err.text, "until the next start")))
        return __LINE__;
    return 0;
}

static void test_database_cannot_grow(void **state)
{
    (void)state;
    fixture f;
    int code;
    fixture_init(&f);
    scenario_before(&f);
    fixture_close(&f);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int line = child_with_full_log(&f);
        if (line)
            fprintf(stderr, "line %d\n", line);
        _exit(line != 0);
    }
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_true(WIFEXITED(code));
    assert_int_equal(WEXITSTATUS(code), 0);
    fixture_open(&f, true);
    assert_false(check_whole(&f, false));
    ov_error err = OV_ERROR_INIT;
    check_ok(scenario_commit(&f, &err), &err);
    assert_true(check_whole(&f, false));
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: children read OVATE_FAULT, which a process looks at only once. */
        cmocka_unit_test(test_killed_at_fault_points),
        cmocka_unit_test(test_fault_points_fail),
        cmocka_unit_test(test_failing_calls),
        cmocka_unit_test(test_killed_at_every_call),
        cmocka_unit_test(test_database_cannot_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
