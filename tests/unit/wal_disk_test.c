/* The log over disks: every prefix of the recorded writes opens to what was acknowledged; writes and syncs that fail. */
#include "tests/unit/wal_lib.h"

/* ---- a recorded disk ---- */

typedef enum op_kind {
    OP_CREATE,
    OP_WRITE,
    OP_TRUNCATE,
    OP_SYNC, /* of a file */
    OP_UNLINK,
} op_kind;

typedef struct op {
    op_kind kind;
    int file;
    off_t at;
    size_t n;
    char *bytes;
    uint64_t acked; /* records acknowledged when it was called */
} op;

enum { MAX_OPS = 4096, MAX_FILES = 64 };
static op ops[MAX_OPS];
static int op_count;
static char file_names[MAX_FILES][64];
static int file_count;
static int file_of_fd[1024];
static uint64_t acked;
static ov_os recorder;

static op *record(op_kind kind, int file)
{
    assert_true(op_count < MAX_OPS);
    ops[op_count] = (op){.kind = kind, .file = file, .acked = acked};
    return &ops[op_count++];
}

static int file_named(const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    for (int i = 0; i < file_count; i++)
        if (strcmp(file_names[i], name) == 0)
            return i;
    assert_true(file_count < MAX_FILES);
    snprintf(file_names[file_count], sizeof file_names[0], "%s", name);
    return file_count++;
}

static int rec_open(const char *path, int flags, mode_t mode)
{
    int fd = ov_os_posix.open(path, flags, mode);
    assert_true(fd < 1024);
    if (fd >= 0)
        file_of_fd[fd] = strstr(path, ".wal") ? file_named(path) : -1;
    if (fd >= 0 && flags & O_CREAT)
        record(OP_CREATE, file_of_fd[fd]);
    return fd;
}

static ssize_t rec_pwrite(int fd, const void *from, size_t n, off_t at)
{
    ssize_t got = ov_os_posix.pwrite(fd, from, n, at);
    op *o = record(OP_WRITE, file_of_fd[fd]);
    o->at = at;
    o->n = (size_t)got;
    o->bytes = malloc((size_t)got);
    memcpy(o->bytes, from, (size_t)got);
    return got;
}

static int rec_sync(int fd)
{
    if (file_of_fd[fd] >= 0)
        record(OP_SYNC, file_of_fd[fd]);
    return 0;
}

static int rec_truncate(int fd, off_t size)
{
    record(OP_TRUNCATE, file_of_fd[fd])->at = size;
    return ov_os_posix.ftruncate(fd, size);
}

static int rec_unlink(const char *path)
{
    record(OP_UNLINK, file_named(path));
    return ov_os_posix.unlink(path);
}

static void record_run(folder *f)
{
    recorder = ov_os_posix;
    recorder.open = rec_open;
    recorder.pwrite = rec_pwrite;
    recorder.fsync = recorder.fdatasync = rec_sync;
    recorder.ftruncate = rec_truncate;
    recorder.unlink = rec_unlink;
    for (int i = 0; i < 1024; i++)
        file_of_fd[i] = -1;
    ov_os_use(&recorder);
    OK(try_open(f, 4096));
    for (uint64_t n = 1; n <= 40; n++) {
        OK(put(f->wal, n));
        acked = n;
        if (n == 25)
            ov_wal_trim(f->wal, 20);
    }
    ov_os_use(&ov_os_posix);
}

/* The folder after the first `count` calls; of the last one, a write, only `part` bytes. Write number `lost` never reached the disk. */
static void make_image(const char *dir, int count, size_t part, int lost)
{
    char path[256];
    OK(ov_dir_remove_all(dir, &err));
    OK(ov_dir_make(dir, &err));
    for (int i = 0; i < count; i++) {
        const op *o = &ops[i];
        snprintf(path, sizeof path, "%s/%s", dir, file_names[o->file]);
        if (o->kind == OP_UNLINK)
            unlink(path);
        if (o->kind == OP_UNLINK || o->kind == OP_SYNC)
            continue;
        int fd = open(path, O_RDWR | O_CREAT, 0666);
        assert_true(fd >= 0);
        size_t n = i + 1 == count ? part : o->n;
        if (o->kind == OP_WRITE && i == lost)
            assert_true(n == 0 || ftruncate(fd, o->at + (off_t)n) == 0); /* zeros where it should be */
        else if (o->kind == OP_WRITE && n)
            assert_int_equal(pwrite(fd, o->bytes, n, o->at), (ssize_t)n);
        else if (o->kind == OP_TRUNCATE)
            assert_int_equal(ftruncate(fd, o->at), 0);
        close(fd);
    }
}

/* What is acknowledged is there, the log goes on, and opens again. */
static void check_image(const char *dir, uint64_t least, uint64_t most)
{
    folder f = {0};
    snprintf(f.dir, sizeof f.dir, "%s", dir);
    OK(try_open(&f, 4096));
    uint64_t next = next_of(f.wal);
    if (next <= least)
        fail_msg("%llu records, %llu were acknowledged", (unsigned long long)next - 1, (unsigned long long)least);
    assert_true(next <= most + 1);
    OK(put(f.wal, next));
    ov_wal_close(f.wal);
    OK(try_open(&f, 4096));
    assert_int_equal(next_of(f.wal), next + 1);
    ov_wal_close(f.wal);
}

static bool synced_after(int i, int count)
{
    for (int k = i + 1; k < count; k++)
        if (ops[k].kind == OP_SYNC && ops[k].file == ops[i].file)
            return true;
    return false;
}

static void test_every_prefix_of_the_writes(void **state)
{
    (void)state;
    folder f;
    char image[] = "/tmp/ovate-wal-image-XXXXXX";
    folder_init(&f);
    assert_non_null(mkdtemp(image));
    record_run(&f);
    assert_true(file_count > 2);
    for (int count = 1; count <= op_count; count++) {
        const op *last = &ops[count - 1];
        size_t parts[] = {last->n, 0, 1, last->n / 2, last->n > 1 ? last->n - 1 : 0, last->n > 64 ? 64 : 0,
                          last->n > 80 ? 70 : 0};
        for (size_t p = 0; p < (last->kind == OP_WRITE ? OV_COUNT_OF(parts) : 1); p++) {
            make_image(image, count, parts[p], -1);
            check_image(image, last->acked, last->acked + 1);
        }
        for (int lost = count - 1; lost >= 0 && lost > count - 6; lost--)
            if (ops[lost].kind == OP_WRITE && !synced_after(lost, count)) {
                make_image(image, count, last->n, lost);
                check_image(image, last->acked, last->acked + 1);
            }
    }
    OK(ov_dir_remove_all(image, &err));
    folder_fini(&f);
    for (int i = 0; i < op_count; i++)
        free(ops[i].bytes);
}

/* ---- a disk that says no ---- */

static int bad_write, bad_sync, bad_truncate;
static ov_os failing;

static ssize_t fail_pwrite(int fd, const void *from, size_t n, off_t at)
{
    if (bad_write > 0 && --bad_write == 0) {
        if (n > 100) /* a full disk takes some of it first */
            (void)!ov_os_posix.pwrite(fd, from, 100, at);
        errno = ENOSPC;
        return -1;
    }
    return ov_os_posix.pwrite(fd, from, n, at);
}

static int fail_sync(int fd)
{
    if (bad_sync > 0 && --bad_sync == 0) {
        errno = EIO;
        return -1;
    }
    return ov_os_posix.fdatasync(fd);
}

static int fail_truncate(int fd, off_t size)
{
    if (bad_truncate > 0 && --bad_truncate == 0) {
        errno = EIO;
        return -1;
    }
    return ov_os_posix.ftruncate(fd, size);
}

static void use_failing(int write, int sync, int truncate_)
{
    failing = ov_os_posix;
    failing.pwrite = fail_pwrite;
    failing.fdatasync = fail_sync;
    failing.ftruncate = fail_truncate;
    bad_write = write;
    bad_sync = sync;
    bad_truncate = truncate_;
    ov_os_use(&failing);
}

static void test_full_disk(void **state)
{
    (void)state;
    folder f;
    folder_init(&f);
    OK(try_open(&f, 0));
    OK(put(f.wal, 1));
    use_failing(1, 0, 0);
    check_fails(put(f.wal, 2), &err, OV_LIMIT, "No space left");
    OK(put(f.wal, 2)); /* there is room again */
    ov_os_use(&ov_os_posix);
    ov_wal_close(f.wal);
    OK(try_open(&f, 0));
    assert_int_equal(f.seen, 2);
    folder_fini(&f);
}

static void test_failed_sync_stops(void **state)
{
    (void)state;
    folder f;
    folder_init(&f);
    OK(try_open(&f, 0));
    OK(put(f.wal, 1));
    use_failing(0, 1, 0);
    check_fails(put(f.wal, 2), &err, OV_IO, "cannot be synced");
    check_fails(put(f.wal, 2), &err, OV_IO, "cannot be synced");
    use_failing(1, 0, 1);
    ov_wal_close(f.wal);
    ov_os_use(&ov_os_posix);
    OK(try_open(&f, 0));
    assert_true(f.seen == 1 || f.seen == 2);
    uint64_t next = next_of(f.wal);
    use_failing(1, 0, 1);
    check_fails(put(f.wal, next), &err, OV_LIMIT, "No space left");
    check_fails(put(f.wal, next), &err, OV_IO, "taken back");
    ov_os_use(&ov_os_posix);
    folder_fini(&f);
}

/* A process that dies between a write and its sync leaves a whole record; it counts again only once it is on disk. */
static void test_what_is_replayed_is_synced(void **state)
{
    (void)state;
    folder f;
    folder_init(&f);
    OK(try_open(&f, 0));
    OK(put(f.wal, 1));
    ov_wal_close(f.wal);
    use_failing(0, 1, 0);
    failing.fsync = fail_sync;
    check_fails(try_open(&f, 0), &err, OV_IO, "cannot sync");
    ov_os_use(&ov_os_posix);
    OK(try_open(&f, 0));
    assert_int_equal(f.seen, 1);
    folder_fini(&f);
}

static void test_fault_points(void **state)
{
    (void)state;
    static const struct {
        ov_fault_point point;
        bool stops;
    } points[] = {{OV_FAULT_WAL_FILE, false}, {OV_FAULT_WAL_WRITTEN, false}, {OV_FAULT_WAL_SYNCED, true}};
    for (size_t i = 0; i < OV_COUNT_OF(points); i++) {
        folder f;
        uint64_t n = 1;
        folder_init(&f);
        OK(try_open(&f, 2048));
        ov_fault_arm(points[i].point, 1, OV_IO);
        while (put(f.wal, n) == OV_OK)
            assert_true(++n < 100);
        ov_fault_disarm_all();
        if (!points[i].stops)
            OK(put(f.wal, n++));
        ov_wal_close(f.wal);
        OK(try_open(&f, 2048));
        assert_true(f.seen == n - 1 || (points[i].stops && f.seen == n));
        folder_fini(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_prefix_of_the_writes),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_failed_sync_stops),
        cmocka_unit_test(test_what_is_replayed_is_synced),
        cmocka_unit_test(test_fault_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
