/* The log of new rows: records come back in order, groups share a sync, damage is told from a torn end. wal_disk_test.c has the disks. */
#include "tests/unit/wal_lib.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_back),
        cmocka_unit_test(test_numbers_never_come_again),
        cmocka_unit_test(test_group_commit),
        cmocka_unit_test(test_damage_is_refused),
        cmocka_unit_test(test_torn_end_or_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
