/*
 * Damaged files: every flipped bit and every truncation is a named error; files whose checksums lie
 * are refused or give odd values, but nothing crashes; a builder that runs out of memory or disk
 * leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include "base/file.h"
#include "base/os.h"
#include "tests/lib/segment_reseal.h"
#include "tests/lib/segment_walk.h"
#include "segment_lib.h"

static const ov_type types[] = {
    {.id = OV_TYPE_LONG},   {.id = OV_TYPE_DOUBLE}, {.id = OV_TYPE_FLOAT},
    {.id = OV_TYPE_STRING}, {.id = OV_TYPE_STRING}, {.id = OV_TYPE_STRING, .multi = 1},
};

/* Rows of all types; some columns get the rarer forms. */
static ov_status build(const char *path, uint32_t rows, ov_budget *budget)
{
    static const char *const names[] = {"l", "d", "f", "s", "t", "m"};
    ov_build_column columns[1 + OV_COUNT_OF(types)] = {
        {.name = {"__time", 6}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_TIME}};
    for (uint32_t c = 0; c < OV_COUNT_OF(types); c++)
        columns[c + 1] = (ov_build_column){.name = ov_slice_cstr(names[c]),
                                           .type = types[c],
                                           .role = OV_ROLE_DIMENSION,
                                           .indexed = types[c].id == OV_TYPE_STRING};
    uint32_t sort = 0;
    ov_build_schema schema = {.datasource = OV_SLICE_LIT("t"),
                              .end_ms = INT64_C(1) << 40,
                              .version = OV_SLICE_LIT("v"),
                              .columns = columns,
                              .column_count = 1 + OV_COUNT_OF(types),
                              .sort = &sort,
                              .sort_count = 1};
    ov_segment_builder *b;
    ov_arena a;
    ov_arena_init(&a, "test", NULL);
    rng_state = 4;
    ov_vec col[1 + OV_COUNT_OF(types)];
    int64_t *times;
    OK(ov_arena_lanes(&a, (rows + 64) * 8, &times, &err));
    for (uint32_t i = 0; i < rows; i++)
        times[i] = (int64_t)((rows - i) / 20 * 1000);
    col[0] = ov_vec_flat(OV_T(OV_TYPE_LONG), times, NULL, rows);
    for (uint32_t c = 0; c < OV_COUNT_OF(types); c++)
        col[c + 1] = random_vec(&a, types[c], c == 4 ? SPREAD_RUNS : SPREAD_FEW,
                                (null_pattern)(c % 2), 3, rows);
    ov_batch batch = {.rows = rows, .cols = 1 + OV_COUNT_OF(types), .col = col, .sel_rows = rows};
    ov_status st = ov_segment_builder_create(&schema, budget, &b, &err);
    if (st == OV_OK) {
        st = ov_segment_builder_add(b, &batch, &err);
        if (st == OV_OK)
            st = ov_segment_builder_seal(b, path, &a, NULL, &err);
        ov_segment_builder_destroy(b);
    }
    ov_arena_fini(&a);
    return st;
}

static char *read_all(const char *path, size_t *n)
{
    ov_buf b;
    ov_buf_init(&b);
    OK(ov_file_read(path, 0, &b, &err));
    char *copy = malloc(b.n);
    memcpy(copy, b.p, b.n);
    *n = b.n;
    ov_buf_fini(&b);
    return copy;
}

static void every_bit(void **state)
{
    (void)state;
    const char *path = temp_path("bits");
    size_t n;
    OK(build(path, 60, NULL));
    OK(ov_segment_verify(path, &err));
    char *bytes = read_all(path, &n);
    int fd = open(path, O_RDWR);
    for (size_t at = 0; at < n; at++) {
        for (int bit = 0; bit < 8; bit++) {
            char flipped = (char)(bytes[at] ^ 1 << bit);
            assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
            ov_status st = ov_segment_verify(path, &err);
            if (st != OV_CORRUPT && st != OV_UNSUPPORTED)
                fail_msg("bit %d of byte %zu is unnoticed: %s", bit, at, ov_status_name(st));
            assert_non_null(strstr(err.text, path));
        }
        assert_int_equal(pwrite(fd, bytes + at, 1, (off_t)at), 1);
    }
    close(fd);
    OK(ov_segment_verify(path, &err));
    free(bytes);
    unlink(path);
}

static void every_length(void **state)
{
    (void)state;
    const char *path = temp_path("lengths");
    ov_segment *seg;
    size_t n;
    OK(build(path, 60, NULL));
    char *bytes = read_all(path, &n);
    int fd = open(path, O_RDWR);
    for (size_t grown = n + 1; grown < n + 70; grown++) {
        assert_int_equal(ftruncate(fd, (off_t)grown), 0);
        check_fails(ov_segment_open(path, &seg, &err), &err, OV_CORRUPT, path);
    }
    for (size_t cut = n; cut-- > 0;) {
        assert_int_equal(ftruncate(fd, (off_t)cut), 0);
        check_fails(ov_segment_open(path, &seg, &err), &err, OV_CORRUPT, path);
    }
    close(fd);
    free(bytes);
    unlink(path);
}

/* Checksums made right after the damage: what is left are the checks of structure. */
static void lying_checksums(void **state)
{
    (void)state;
    const char *path = temp_path("lies");
    size_t n;
    uint32_t opened = 0;
    OK(build(path, 700, NULL));
    char *bytes = read_all(path, &n), *bad = malloc(n);
    int fd = open(path, O_RDWR);
    rng_state = 11;
    for (uint32_t round = 0; round < 6000; round++) {
        memcpy(bad, bytes, n);
        for (uint32_t flips = 1 + below(3); flips > 0; flips--) {
            size_t at = round % 3 ? below((uint32_t)n)
                                  : n - 1 - below(1500); /* the directory is near the end */
            bad[at] = (char)(below(2) ? rnd() : (uint64_t)(bad[at] ^ 1 << below(8)));
        }
        segment_reseal(bad, n);
        assert_int_equal(pwrite(fd, bad, n, 0), n);
        opened += walk_segment(path, &err) == OV_OK;
        if (ov_segment_verify(path, &err) == OV_OK)
            opened++;
    }
    assert_true(opened > 100); /* the checks behind the open were reached */
    close(fd);
    free(bytes);
    free(bad);
    unlink(path);
}

/* A budget that ends anywhere: an error, all memory given back, no file. */
static void small_budgets(void **state)
{
    (void)state;
    const char *path = temp_path("budget");
    size_t limit = 0;
    for (uint32_t tries = 0;; tries++) {
        ov_budget budget;
        ov_budget_init(&budget, "task", limit, NULL);
        ov_status st = build(path, 500, &budget);
        assert_int_equal(budget.used, 0);
        if (st == OV_OK)
            break;
        assert_int_equal(st, OV_LIMIT);
        assert_int_equal(access(path, F_OK), -1);
        assert_true(tries < 10000);
        limit += 1 + limit / 100 + below(512);
    }
    OK(ov_segment_verify(path, &err));
    unlink(path);
}

/* ---- a system that says no at the n-th call ---- */

static ov_os failing;
static uint32_t calls_left;

static bool refused(void)
{
    if (calls_left == 0 || --calls_left > 0)
        return false;
    errno = EIO;
    return true;
}

static int fail_open(const char *path, int flags, mode_t mode)
{
    return refused() ? -1 : ov_os_posix.open(path, flags, mode);
}

static ssize_t fail_write(int fd, const void *from, size_t n)
{
    if (calls_left > 1 && n > 1) /* short writes are legal */
        n = 1 + n / 2;
    return refused() ? -1 : ov_os_posix.write(fd, from, n);
}

static int fail_fsync(int fd)
{
    return refused() ? -1 : ov_os_posix.fsync(fd);
}

static int fail_close(int fd)
{
    int r = ov_os_posix.close(fd);
    return refused() ? -1 : r;
}

static int fail_rename(const char *from, const char *to)
{
    return refused() ? -1 : ov_os_posix.rename(from, to);
}

static void failing_system(void **state)
{
    (void)state;
    char *path = temp_path("system"), part[300];
    snprintf(part, sizeof part, "%s.part", path);
    failing = ov_os_posix;
    failing.open = fail_open;
    failing.write = fail_write;
    failing.fsync = fail_fsync;
    failing.close = fail_close;
    failing.rename = fail_rename;
    for (uint32_t n = 1;; n++) {
        calls_left = n;
        const ov_os *before = ov_os_use(&failing);
        ov_status st = build(path, 500, NULL);
        ov_os_use(before);
        if (calls_left > 0) { /* nothing was refused */
            assert_int_equal(st, OV_OK);
            break;
        }
        assert_int_equal(st, OV_IO);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(access(part, F_OK), -1);
        assert_true(n < 1000);
    }
    OK(ov_segment_verify(path, &err));
    unlink(path);
}

/* A folder that is not there: a sentence with the path, nothing left. */
static void no_folder(void **state)
{
    (void)state;
    check_fails(build("/nonexistent-folder/x.ovs", 10, NULL), &err, OV_NOT_FOUND,
                "/nonexistent-folder/x.ovs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit),       cmocka_unit_test(every_length),
        cmocka_unit_test(lying_checksums), cmocka_unit_test(small_budgets),
        cmocka_unit_test(failing_system),  cmocka_unit_test(no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
