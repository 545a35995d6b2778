#include "tests/unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/child.h"
#include "base/file.h"
#include "base/log.h"
#include "base/os.h"
#include "base/thread.h"

static ov_error err;
static ov_arena arena;
static char root[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/ovate-file-test-XXXXXX");
    ov_arena_init(&arena, "test", NULL);
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ov_arena_fini(&arena);
    return ov_dir_remove_all(root, &err) == OV_OK ? 0 : -1;
}

/* root/name, until the next call but three */
static const char *at(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *p = paths[next++ % 4];
    snprintf(p, sizeof paths[0], "%s/%s", root, name);
    return p;
}

static void put(const char *name, const char *text)
{
    check_ok(ov_file_write_atomic(at(name), ov_slice_cstr(text), &err), &err);
}

static void check_content(const char *name, const char *want)
{
    ov_buf b;
    ov_buf_init(&b);
    check_ok(ov_file_read(at(name), 0, &b, &err), &err);
    check_slice(ov_buf_slice(&b), want);
    ov_buf_fini(&b);
}

static void test_whole_files(void **state)
{
    (void)state;
    put("a", "one");
    put("a", "two, longer");
    check_content("a", "two, longer");
    put("empty", "");
    check_content("empty", "");
    ov_buf b;
    ov_buf_init(&b);
    check_fails(ov_file_read(at("none"), 0, &b, &err), &err, OV_NOT_FOUND, "none: No such file");
    check_fails(ov_file_read(root, 0, &b, &err), &err, OV_IO, "Is a directory");
    check_fails(ov_file_read(at("a"), 10, &b, &err), &err, OV_LIMIT, "limit of 10");
    ov_buf_clear(&b);
    check_ok(ov_file_read(at("a"), 11, &b, &err), &err);
    ov_buf_fini(&b);
    check_fails(ov_file_write_atomic(at("no/folder"), OV_SLICE_LIT("x"), &err), &err, OV_NOT_FOUND,
                "cannot open");
    ov_map m;
    check_ok(ov_map_open(at("a"), &m, &err), &err);
    check_slice(ov_slice_make(m.p, m.n), "two, longer");
    ov_map_close(&m);
    check_ok(ov_map_open(at("empty"), &m, &err), &err);
    assert_int_equal(m.n, 0);
    ov_map_close(&m);
    check_fails(ov_map_open(root, &m, &err), &err, OV_IO, "no regular file");
    int fd;
    char text[16];
    check_ok(ov_file_open(at("a"), O_RDONLY, 0, &fd, &err), &err);
    check_ok(ov_file_pread(fd, "a", text, 3, 5, &err), &err);
    check_fails(ov_file_pread(fd, "a", text, 10, 5, &err), &err, OV_CORRUPT,
                "ends after 11 bytes, 4 more");
    check_ok(ov_file_close(fd, "a", &err), &err);
    uint64_t size;
    check_ok(ov_file_size(at("a"), &size, &err), &err);
    assert_int_equal(size, 11);
    check_ok(ov_file_remove(at("a"), &err), &err);
    check_ok(ov_file_remove(at("a"), &err), &err);
    assert_false(ov_file_exists(at("a")));
}

static void test_folders(void **state)
{
    (void)state;
    check_ok(ov_dir_make(at("x/y/z"), &err), &err);
    check_ok(ov_dir_make(at("x/y/z/"), &err), &err);
    assert_true(ov_dir_exists(at("x/y/z")));
    put("x/b", "12345");
    put("x/a", "1");
    assert_int_equal(symlink("nowhere", at("x/broken")), 0);
    assert_int_equal(symlink("..", at("x/y/up")), 0);
    check_fails(ov_dir_make(at("x/a/q"), &err), &err, OV_NOT_FOUND, "x/a");
    ov_dir_entry *list;
    size_t n;
    check_ok(ov_dir_list(at("x"), &arena, &list, &n, &err), &err);
    assert_int_equal(n, 3);
    check_slice(list[0].name, "a");
    check_slice(list[1].name, "b");
    check_slice(list[2].name, "y");
    assert_true(list[2].is_dir && !list[0].is_dir && list[1].bytes == 5 &&
                list[0].modified_ms > 1500000000000);
    check_fails(ov_dir_list(at("none"), &arena, &list, &n, &err), &err, OV_NOT_FOUND, "none");
    uint64_t free_bytes, total;
    check_ok(ov_dir_space(root, &free_bytes, &total, &err), &err);
    assert_true(total > 0 && free_bytes <= total);
    check_ok(ov_dir_remove_all(at("x"), &err), &err);
    check_ok(ov_dir_remove_all(at("x"), &err), &err);
    assert_false(ov_file_exists(at("x")));
    ov_slice p;
    check_ok(ov_path_join(&arena, OV_SLICE_LIT("a//"), OV_SLICE_LIT("/b"), &p, &err), &err);
    check_slice(p, "a/b");
    check_ok(ov_path_join(&arena, OV_SLICE_LIT("/"), OV_SLICE_LIT("b"), &p, &err), &err);
    check_slice(p, "/b");
    check_slice(ov_path_base(OV_SLICE_LIT("/a/b.c")), "b.c");
    check_slice(ov_path_base(OV_SLICE_LIT("b.c")), "b.c");
    check_slice(ov_path_dir(OV_SLICE_LIT("/a/b.c")), "/a");
    check_slice(ov_path_dir(OV_SLICE_LIT("/b")), "/");
    check_slice(ov_path_dir(OV_SLICE_LIT("b")), ".");
}

static void test_glob_match(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *path;
        bool match;
    } rows[] = {
        {"*", "a", true},
        {"*", "a/b", true},
        {"*.json", "x/y.json", true},
        {"*.json", "y.json.gz", false},
        {"*.json.gz", "d/y.json.gz", true},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"a/*", "a/b", true},
        {"a/*", "a/b/c", false},
        {"a/**", "a/b/c", true},
        {"**/c", "a/b/c", true},
        {"**/c", "c", true},
        {"**/c", "a/bc", false},
        {"a/**/c", "a/c", true},
        {"a/**/c", "a/x/y/c", true},
        {"a/**/c", "a/x/yc", false},
        {"[a-c]x", "bx", true},
        {"[a-c]x", "dx", false},
        {"[!a-c]x", "dx", true},
        {"[!a-c]x", "ax", false},
        {"[]]x", "]x", true},
        {"[abc", "[abc", true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"*.{json,csv}", "a.csv", true},
        {"*.{json,csv}", "a.tsv", false},
        {"{a,b}{c,d}", "bc", true},
        {"{a,b{c,d}}x", "bdx", true},
        {"{a", "{a", true},
        {"a{,b}", "a", true},
        {"", "", true},
        {"", "a", false},
        {"*a*b*", "xxaxxbxx", true},
        {"*a*b*", "xxbxxaxx", false},
        {"**", "a/b", true},
        {"*.json", ".json", true},
        {"a*/b*c/d", "ax/bxxc/d", true},
    };
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++)
        if (ov_glob_match(ov_slice_cstr(rows[i].pattern), ov_slice_cstr(rows[i].path)) !=
            rows[i].match)
            fail_msg("%s on %s", rows[i].pattern, rows[i].path);
    char many[201], text[201];
    memset(text, 'a', 200);
    for (int i = 0; i < 200; i += 2)
        memcpy(many + i, "*a", 2);
    text[200] = many[200] = '\0';
    many[199] = 'b';
    assert_false(ov_glob_match(ov_slice_cstr(many), ov_slice_cstr(text))); /* and in no time */
}

static void test_glob_files(void **state)
{
    (void)state;
    check_ok(ov_dir_make(at("g/2015/01"), &err), &err);
    put("g/2015/01/b.json.gz", "");
    put("g/2015/01/a.json.gz", "");
    put("g/2015/c.csv", "");
    put("g/d.json.gz", "");
    assert_int_equal(symlink("..", at("g/2015/loop")), 0);
    ov_slice *list;
    size_t n;
    check_ok(ov_glob_files(at("g"), OV_SLICE_LIT("*.json.gz"), 100, &arena, &list, &n, &err), &err);
    assert_int_equal(n, 3);
    check_slice(list[0], at("g/2015/01/a.json.gz"));
    check_slice(list[2], at("g/d.json.gz"));
    check_ok(ov_glob_files(at("g/"), OV_SLICE_LIT("2015/*/*"), 100, &arena, &list, &n, &err), &err);
    assert_int_equal(n, 2);
    check_ok(ov_glob_files(at("g/d.json.gz"), OV_SLICE_LIT("*"), 100, &arena, &list, &n, &err),
             &err);
    assert_int_equal(n, 1);
    check_fails(ov_glob_files(at("g"), OV_SLICE_LIT("*"), 2, &arena, &list, &n, &err), &err,
                OV_LIMIT, "more than 2");
    check_fails(ov_glob_files(at("none"), OV_SLICE_LIT("*"), 2, &arena, &list, &n, &err), &err,
                OV_NOT_FOUND, "none");
}

/* A system where the n-th write, sync or rename fails. */
static int calls_left;

static bool fails_now(void)
{
    if (--calls_left != 0)
        return false;
    errno = EIO;
    return true;
}

static ssize_t failing_write(int fd, const void *from, size_t n)
{
    return fails_now() ? -1 : ov_os_posix.write(fd, from, n);
}

static int failing_fsync(int fd)
{
    return fails_now() ? -1 : ov_os_posix.fsync(fd);
}

static int failing_rename(const char *from, const char *to)
{
    return fails_now() ? -1 : ov_os_posix.rename(from, to);
}

static int failing_open(const char *path, int flags, mode_t mode)
{
    return fails_now() ? -1 : ov_os_posix.open(path, flags, mode);
}

static int failing_close(int fd)
{
    int rc = ov_os_posix.close(fd);
    return fails_now() ? -1 : rc;
}

static void test_atomic_write_under_failures(void **state)
{
    (void)state;
    ov_os os = ov_os_posix;
    os.open = failing_open;
    os.write = failing_write;
    os.fsync = failing_fsync;
    os.rename = failing_rename;
    os.close = failing_close;
    check_ok(ov_dir_make(at("w"), &err), &err);
    bool failed = true;
    for (int n = 1; failed; n++) {
        put("w/f", "old");
        ov_os_use(&os);
        calls_left = n;
        failed = ov_file_write_atomic(at("w/f"), OV_SLICE_LIT("new"), &err) != OV_OK;
        ov_os_use(&ov_os_posix);
        ov_buf b;
        ov_buf_init(&b);
        check_ok(ov_file_read(at("w/f"), 0, &b, &err), &err);
        assert_true(ov_slice_eq(ov_buf_slice(&b), OV_SLICE_LIT("new")) ||
                    (failed && ov_slice_eq(ov_buf_slice(&b), OV_SLICE_LIT("old"))));
        ov_buf_fini(&b);
        ov_dir_entry *list;
        size_t count;
        check_ok(ov_dir_list(at("w"), &arena, &list, &count, &err), &err);
        assert_int_equal(count, 1); /* no temporary file stays */
    }
}

static void test_child(void **state)
{
    (void)state;
    ov_child *c;
    char text[64];
    size_t n = 0, got = 1;
    const char *hello[] = {"sh", "-c", "pwd; echo two", NULL};
    check_ok(ov_child_start(hello, "/", &c, &err), &err);
    while (got) {
        check_ok(ov_child_read(c, text + n, sizeof text - n, &got, &err), &err);
        n += got;
    }
    check_slice(ov_slice_make(text, n), "/\ntwo\n");
    check_ok(ov_child_finish(c, &err), &err);
    const char *fails[] = {"sh", "-c", "echo oh no >&2; exit 3", NULL};
    check_ok(ov_child_start(fails, NULL, &c, &err), &err);
    check_ok(ov_child_read(c, text, sizeof text, &got, &err), &err);
    check_fails(ov_child_finish(c, &err), &err, OV_IO, "exit code 3: oh no");
    const char *missing[] = {"no-such-program-here", NULL};
    check_fails(ov_child_start(missing, NULL, &c, &err), &err, OV_NOT_FOUND,
                "no-such-program-here");
    const char *sleeps[] = {"sleep", "100", NULL};
    check_ok(ov_child_start(sleeps, NULL, &c, &err), &err);
    ov_child_kill(c);
    ov_child_kill(NULL);
}

static void keep_line(void *arg, ov_slice line)
{
    snprintf(arg, 512, OV_SLICE_FMT, OV_SLICE_ARG(line));
}

static void test_log(void **state)
{
    (void)state;
    char line[512] = "";
    ov_log_set_sink(keep_line, line);
    ov_log_set_level(OV_LOG_INFO);
    ov_log_debug("not seen", ov_kv_i64("x", 1));
    assert_string_equal(line, "");
    ov_log_scope before = ov_log_scope_set("query", OV_SLICE_LIT("q-1"));
    ov_log_info("it happened", ov_kv_i64("rows", -5), ov_kv_str("file", "a \"b\"\n"),
                ov_kv_f64("rate", 0.5), ov_kv_str("none", NULL));
    ov_log_scope_restore(&before);
    assert_true(strncmp(line, "ts=20", 5) == 0);
    assert_string_equal(strstr(line, "level="),
                        "level=info msg=\"it happened\" query=q-1 rows=-5 "
                        "file=\"a \\\"b\\\"\\n\" rate=0.5 none=\"\"\n");
    ov_log_warn("bare");
    assert_string_equal(strstr(line, "level="), "level=warn msg=bare\n");
    ov_log_set_sink(NULL, NULL);
}

static void test_os(void **state)
{
    (void)state;
    char a[OV_UUID_BYTES], b[OV_UUID_BYTES];
    ov_uuid_make(a);
    ov_uuid_make(b);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), 36);
    assert_true(a[14] == '4' && strchr("89ab", a[19]));
    int64_t before = ov_monotonic_ns();
    ov_sleep_ms(5);
    assert_true(ov_monotonic_ns() - before >= 5000000);
    assert_true(ov_now_ms() > 1500000000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_files),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_glob_match),
        cmocka_unit_test(test_glob_files),
        cmocka_unit_test(test_atomic_write_under_failures),
        cmocka_unit_test(test_child),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_os),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
