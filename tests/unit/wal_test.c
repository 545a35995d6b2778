/*
 * The log: what append promised is there after any end of the process or the machine. Every prefix of the recorded writes, with
 * the last one cut anywhere and writes that were not synced lost in any order, must open to the records that were
 * acknowledged, perhaps some more, in order; damage to what was durable must be refused with its place.
 */
#include "tests/unit/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/fault.h"
#include "base/file.h"
#include "base/os.h"
#include "base/thread.h"
#include "storage/wal.h"

static ov_error err;
#define OK(expr) check_ok(expr, &err)

/* ---- a folder, and records whose text says their number ---- */

typedef struct folder {
    char dir[64];
    ov_wal *wal;
    uint64_t seen, first; /* replayed records, and the number of the first */
} folder;

static size_t text_of(uint64_t n, char *out, size_t cap)
{
    size_t bytes = (size_t)(n * 7919 % 300);
    if (n % 13 == 0)
        bytes = 5000;
    size_t head = (size_t)snprintf(out, cap, "record %llu:", (unsigned long long)n);
    memset(out + head, 'a' + (int)(n % 26), bytes);
    return head + bytes;
}

static ov_status on_replay(void *self, const ov_wal_record *r, ov_error *e)
{
    folder *f = self;
    char want[8192];
    (void)e;
    size_t n = text_of(r->seq, want, sizeof want);
    if (!f->seen)
        f->first = r->seq;
    assert_int_equal(r->seq, f->first + f->seen);
    assert_int_equal(r->kind, r->seq % 3);
    assert_int_equal((uintptr_t)r->payload.p % OV_WAL_ALIGN, 0);
    assert_int_equal(r->payload.n, n);
    assert_memory_equal(r->payload.p, want, n);
    f->seen++;
    return OV_OK;
}

static ov_status try_open(folder *f, uint64_t file_bytes)
{
    err = (ov_error)OV_ERROR_INIT;
    f->seen = 0;
    f->wal = NULL;
    ov_wal_options o = {.dir = f->dir, .file_bytes = file_bytes, .self = f, .replay = on_replay};
    return ov_wal_open(&o, &f->wal, &err);
}

static void folder_init(folder *f)
{
    memset(f, 0, sizeof *f);
    strcpy(f->dir, "/tmp/ovate-wal-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
}

static void folder_fini(folder *f)
{
    ov_wal_close(f->wal);
    OK(ov_dir_remove_all(f->dir, &err));
}

static ov_status put(ov_wal *w, uint64_t n)
{
    char text[8192];
    ov_wal_entry e = {.part_count = 2, .kind = (uint32_t)(n % 3)};
    size_t bytes = text_of(n, text, sizeof text);
    e.parts[0] = ov_slice_make(text, bytes / 3);
    e.parts[1] = ov_slice_make(text + bytes / 3, bytes - bytes / 3);
    ov_status st = ov_wal_append(w, &e, &err);
    if (st == OV_OK)
        assert_int_equal(e.seq, n);
    return st;
}

static uint64_t next_of(ov_wal *w)
{
    ov_wal_view v;
    ov_wal_look(w, &v);
    return v.next_seq;
}

/* ---- plain life ---- */

static void test_records_come_back(void **state)
{
    (void)state;
    folder f;
    folder_init(&f);
    for (uint64_t n = 1; n <= 90;) {
        OK(try_open(&f, 4096));
        assert_int_equal(f.seen, n - 1);
        assert_int_equal(next_of(f.wal), n);
        for (int i = 0; i < 30; i++)
            OK(put(f.wal, n++));
        ov_wal_close(f.wal);
    }
    OK(try_open(&f, 4096));
    assert_int_equal(f.seen, 90);
    ov_wal_view v;
    ov_wal_look(f.wal, &v);
    assert_true(v.files > 3);
    uint32_t files = v.files;
    ov_wal_trim(f.wal, 45);
    ov_wal_look(f.wal, &v);
    assert_true(v.files < files && v.files > 1);
    ov_wal_close(f.wal);
    OK(try_open(&f, 4096));
    assert_true(f.first <= 45 && f.first > 1);
    assert_int_equal(f.first + f.seen, 91);
    ov_wal_trim(f.wal, 91);
    ov_wal_close(f.wal);
    OK(try_open(&f, 4096));
    assert_int_equal(next_of(f.wal), 91);
    folder_fini(&f);
}

static void test_numbers_never_come_again(void **state)
{
    (void)state;
    folder f;
    folder_init(&f);
    ov_wal_options o = {.dir = f.dir, .least_seq = 1000};
    OK(ov_wal_open(&o, &f.wal, &err));
    OK(put(f.wal, 1001));
    ov_wal_close(f.wal);
    OK(try_open(&f, 0));
    assert_int_equal(f.first, 1001);
    folder_fini(&f);
}

/* ---- many threads ---- */

enum { THREADS = 8, EACH = 200 };

typedef struct crowd {
    ov_wal *wal;
    _Atomic uint64_t told; /* records that `durable` was called for */
    uint64_t last;
} crowd;

static void on_durable(void *self, ov_wal_entry *const *entries, uint32_t count)
{
    crowd *c = self;
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(entries[i]->seq, ++c->last);
    atomic_fetch_add(&c->told, count);
}

static void append_many(void *arg)
{
    crowd *c = arg;
    for (int i = 0; i < EACH; i++) {
        ov_error e = OV_ERROR_INIT;
        ov_wal_entry entry = {.parts = {OV_SLICE_LIT("some bytes")}, .part_count = 1};
        check_ok(ov_wal_append(c->wal, &entry, &e), &e);
        assert_true(atomic_load(&c->told) >= entry.seq);
        if (i % 50 == 0)
            ov_wal_trim(c->wal, entry.seq / 2);
    }
}

static void test_group_commit(void **state)
{
    (void)state;
    folder f;
    crowd c = {0};
    ov_thread threads[THREADS] = {0};
    folder_init(&f);
    ov_wal_options o = {.dir = f.dir, .file_bytes = 8192, .self = &c, .durable = on_durable};
    OK(ov_wal_open(&o, &c.wal, &err));
    for (int i = 0; i < THREADS; i++)
        OK(ov_thread_start(&threads[i], "append", append_many, &c, &err));
    for (int i = 0; i < THREADS; i++)
        ov_thread_join(&threads[i]);
    ov_wal_view v;
    ov_wal_look(c.wal, &v);
    assert_int_equal(v.records, THREADS * EACH);
    assert_int_equal(v.next_seq, THREADS * EACH + 1);
    assert_true(v.groups <= v.records);
    f.wal = c.wal;
    folder_fini(&f);
}

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

/* ---- damage ---- */

static void file_at(const folder *f, int number, char *path, size_t cap)
{
    ov_arena a;
    ov_dir_entry *list;
    size_t n;
    ov_arena_init(&a, "test", NULL);
    OK(ov_dir_list(f->dir, &a, &list, &n, &err));
    assert_true((size_t)number < n);
    snprintf(path, cap, "%s/%s", f->dir, list[number].name.p);
    ov_arena_fini(&a);
}

static void flip(const char *path, off_t at)
{
    char c;
    int fd = open(path, O_RDWR);
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 0x20;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

/* Every byte of what was durable: refused, with the file in the sentence. */
static void test_damage_is_refused(void **state)
{
    (void)state;
    folder f;
    char path[256];
    uint64_t size;
    folder_init(&f);
    OK(try_open(&f, 4096));
    for (uint64_t n = 1; n <= 60; n++)
        OK(put(f.wal, n));
    ov_wal_close(f.wal);
    file_at(&f, 0, path, sizeof path);
    OK(ov_file_size(path, &size, &err));
    for (off_t at = 0; at < (off_t)size; at += 37) {
        flip(path, at);
        check_fails(try_open(&f, 4096), &err, OV_CORRUPT, "wal");
        flip(path, at);
    }
    file_at(&f, 1, path, sizeof path);
    assert_int_equal(rename(path, "/tmp/ovate-wal-gone"), 0);
    check_fails(try_open(&f, 4096), &err, OV_CORRUPT, "missing");
    assert_int_equal(rename("/tmp/ovate-wal-gone", path), 0);
    assert_int_equal(truncate(path, (off_t)(size / 2 & ~(uint64_t)63)), 0);
    assert_int_not_equal(try_open(&f, 4096), OV_OK);
    f.wal = NULL;
    folder_fini(&f);
}

/* In the last file: what a later record calls durable is damage, the last group is a torn end. */
static void test_torn_end_or_damage(void **state)
{
    (void)state;
    folder f;
    char path[256];
    uint64_t size;
    folder_init(&f);
    OK(try_open(&f, 0));
    for (uint64_t n = 1; n <= 5; n++)
        OK(put(f.wal, n));
    ov_wal_close(f.wal);
    file_at(&f, 0, path, sizeof path);
    flip(path, 64 + 70); /* the payload of the first record */
    check_fails(try_open(&f, 0), &err, OV_CORRUPT, "byte 64, record 1");
    flip(path, 64 + 70);
    OK(ov_file_size(path, &size, &err));
    flip(path, (off_t)size - 200);
    OK(try_open(&f, 0));
    assert_int_equal(f.seen, 4);
    ov_wal_view v;
    ov_wal_look(f.wal, &v);
    assert_true(v.cut_bytes > 0);
    OK(put(f.wal, 5));
    folder_fini(&f);
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
        cmocka_unit_test(test_records_come_back),
        cmocka_unit_test(test_numbers_never_come_again),
        cmocka_unit_test(test_group_commit),
        cmocka_unit_test(test_every_prefix_of_the_writes),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_torn_end_or_damage),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_failed_sync_stops),
        cmocka_unit_test(test_fault_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
