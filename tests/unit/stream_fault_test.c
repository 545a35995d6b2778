/*
 * Streams that run out of room, fail or die at every named point, and are read while they are written: every acknowledged row is in a
 * snapshot exactly once.
 */
#include "tests/unit/stream_lib.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include "base/compress.h"
#include "base/fault.h"
#include "base/os.h"
#include "base/thread.h"
#include "ingest/upkeep/disk_guard.h"

/* ---- no room ---- */

static void test_memory_is_bounded(void **state)
{
    (void)state;
    world w;
    ov_streams_config small = quiet;
    small.memory_bytes = 64 << 10;
    world_init(&w, small);
    uint32_t n = 0;
    while (push_rows(&w, "", n + 1, n + 100, &err) == OV_OK) {
        n += 100;
        assert_true(n < 100000);
    }
    assert_int_equal(err.code, OV_BUSY);
    check_rows(&w, n);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    OK(push_rows(&w, "", n + 1, n + 100, &err));
    check_rows(&w, n + 100);
    world_fini(&w);
}

/* A small body that unpacks to a large one takes room as it grows, beside what is there. */
static void test_packed_bodies_take_room(void **state)
{
    (void)state;
    world w;
    ov_buf text, packed;
    ov_push_result r;
    ov_streams_config small = quiet;
    small.memory_bytes = 1 << 20;
    world_init(&w, small);
    ov_buf_init(&text);
    ov_buf_init(&packed);
    rows_text(&text, 1, 20000);
    OK(ov_gzip_all(ov_buf_slice(&text), 5, &packed, &err));
    assert_true(packed.n < 256 << 10);
    OK(push_rows(&w, "", 1, 1, &err));
    check_fails(push_text(&w, "t", "", ov_buf_slice(&packed), OV_PUSH_JSON, &r), &err, OV_BUSY, "are allowed");
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    OK(push_text(&w, "t", "", ov_buf_slice(&packed), OV_PUSH_JSON, &r)); /* alone it may be larger than all there is */
    assert_int_equal(r.rows, 20000);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    OK(push_rows(&w, "", 1, 1000, &err)); /* all room was given back */
    ov_buf_fini(&text);
    ov_buf_fini(&packed);
    world_fini(&w);
}

/* One push is refused while little is in memory, less than what would be published by itself: the refusal alone brings the hand-over,
 * whatever the publisher was doing when it came. */
static void test_a_refusal_is_answered(void **state)
{
    (void)state;
    world w;
    ov_streams_config small = {.memory_bytes = 64 << 10};
    world_init(&w, small);
    for (uint32_t round = 0; round < 8; round++) {
        OK(push_rows(&w, "", 1, 1, &err));
        ov_sleep_ms(30 * round);
        assert_int_equal(push_rows(&w, "", 1, 1000, &err), OV_BUSY);
        int64_t end = ov_now_ms() + 20000;
        while (look(&w, "t").live && ov_now_ms() < end)
            ov_sleep_ms(5);
        assert_int_equal(look(&w, "t").live, 0);
    }
    OK(push_rows(&w, "", 1, 1000, &err)); /* alone it may be larger than all there is */
    world_fini(&w);
}

static ov_status push_body(world *w, const char *batch, ov_slice body, ov_push_result *r)
{
    return push_text(w, "t", batch, body, OV_PUSH_JSON, r);
}

/* The batch answers as the first time, plain and packed, and other rows under its id do not come in. */
static void check_repeats(world *w, const char *batch, uint32_t from, uint32_t to)
{
    ov_buf text, packed, other;
    ov_push_result r;
    ov_buf_init(&text);
    ov_buf_init(&packed);
    ov_buf_init(&other);
    rows_text(&text, from, to);
    rows_text(&other, from, to + 1);
    OK(ov_gzip_all(ov_buf_slice(&text), 5, &packed, &err));
    const ov_slice bodies[] = {ov_buf_slice(&text), ov_buf_slice(&packed)};
    for (size_t i = 0; i < OV_COUNT_OF(bodies); i++) {
        OK(push_body(w, batch, bodies[i], &r));
        assert_true(r.duplicate);
        assert_int_equal(r.rows, to - from + 1);
    }
    check_fails(push_body(w, batch, ov_buf_slice(&other), &r), &err, OV_EXISTS, "was pushed before with other rows");
    packed.n /= 2;
    check_fails(push_body(w, batch, ov_buf_slice(&packed), &r), &err, OV_INVALID, "the body");
    ov_buf_fini(&text);
    ov_buf_fini(&packed);
    ov_buf_fini(&other);
}

/* A repeated batch adds nothing: neither full memory nor a paused disk keeps its client waiting. */
static void test_a_repeated_batch_needs_no_room(void **state)
{
    (void)state;
    world w;
    ov_disk_guard disk = {0};
    ov_streams_config small = quiet;
    small.memory_bytes = 64 << 10;
    small.disk = &disk;
    world_init(&w, small);
    OK(push_rows(&w, "published", 1, 100, &err));
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    OK(push_rows(&w, "in memory", 101, 200, &err));
    uint32_t n = 200;
    while (push_rows(&w, "", n + 1, n + 100, &err) == OV_OK)
        n += 100;
    assert_int_equal(err.code, OV_BUSY);
    for (int paused = 0; paused <= 1; paused++) {
        atomic_store(&disk.state, paused ? OV_DISK_PAUSED : OV_DISK_OK);
        check_repeats(&w, "published", 1, 100);
        check_repeats(&w, "in memory", 101, 200);
        assert_int_equal(push_rows(&w, "new", n + 1, n + 100, &err), OV_BUSY);
        check_rows(&w, n);
    }
    atomic_store(&disk.state, OV_DISK_OK);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    OK(push_rows(&w, "new", n + 1, n + 100, &err)); /* being refused used no id up */
    check_rows(&w, n + 100);
    world_fini(&w);
}

/* ---- no disk ---- */

static _Atomic bool disk_full;

static ssize_t full_pwrite(int fd, const void *from, size_t n, off_t at)
{
    if (!atomic_load(&disk_full))
        return ov_os_posix.pwrite(fd, from, n, at);
    errno = ENOSPC;
    return -1;
}

static ssize_t full_write(int fd, const void *from, size_t n)
{
    if (!atomic_load(&disk_full))
        return ov_os_posix.write(fd, from, n);
    errno = ENOSPC;
    return -1;
}

/* Neither the log nor the hand-over can write: what is there is read, what was refused is not there, and both go on when there is room. */
static void test_full_disk(void **state)
{
    (void)state;
    world w;
    ov_os full = ov_os_posix;
    full.pwrite = full_pwrite;
    full.write = full_write;
    ov_os_use(&full);
    world_init(&w, quiet);
    OK(push_rows(&w, "b1", 1, 100, &err));
    for (uint32_t round = 1; round <= 3; round++) {
        atomic_store(&disk_full, true);
        check_fails(push_rows(&w, "b2", 100 * round + 1, 100 * round + 100, &err), &err, OV_IO, "No space left");
        assert_true(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err) != OV_OK);
        check_rows(&w, 100 * round);
        atomic_store(&disk_full, false);
        if (round == 2)
            again(&w); /* what the next start finds */
        check_rows(&w, 100 * round);
        OK(push_rows(&w, "", 100 * round + 1, 100 * round + 100, &err));
        if (round == 3)
            OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    }
    again(&w);
    check_rows(&w, 400);
    assert_int_equal(look(&w, "t").live, 0);
    ov_os_use(&ov_os_posix);
    world_fini(&w);
}

/* ---- clocks that jump ---- */

static _Atomic int64_t jump_ms;

static int64_t jumping_wall_ms(void)
{
    return ov_os_posix.wall_ms() + atomic_load(&jump_ms);
}

/* Set back by a year, rows are handed over in time all the same; set forward, no id of a batch is forgotten. */
static void test_clocks_that_jump(void **state)
{
    (void)state;
    const int64_t year = INT64_C(365) * 24 * 3600 * 1000;
    world w;
    ov_push_result r;
    ov_buf text;
    ov_os jumping = ov_os_posix;
    jumping.wall_ms = jumping_wall_ms;
    ov_os_use(&jumping);
    world_init(&w, (ov_streams_config){.age_ms = 300});
    ov_buf_init(&text);
    rows_text(&text, 1, 10);
    OK(push_rows(&w, "once", 1, 10, &err));
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    for (int turn = 0; turn < 4; turn++) {
        OK(push_rows(&w, "", 10 * turn + 11, 10 * turn + 20, &err));
        atomic_store(&jump_ms, turn % 2 ? -year : year);
        for (int64_t end = ov_monotonic_ms() + 20000; look(&w, "t").live && ov_monotonic_ms() < end;)
            ov_sleep_ms(5);
        assert_int_equal(look(&w, "t").live, 0);
        OK(push_body(&w, "once", ov_buf_slice(&text), &r));
        assert_true(r.duplicate);
    }
    check_rows(&w, 50);
    again(&w);
    check_rows(&w, 50);
    atomic_store(&jump_ms, 0);
    ov_os_use(&ov_os_posix);
    ov_buf_fini(&text);
    world_fini(&w);
}

/* ---- faults ---- */

static const ov_fault_point faults[] = {
    OV_FAULT_WAL_FILE,       OV_FAULT_WAL_WRITTEN,    OV_FAULT_WAL_SYNCED,    OV_FAULT_STREAM_MERGED,    OV_FAULT_STREAM_SEALED,
    OV_FAULT_COMMIT_PLACED,  OV_FAULT_COMMIT_RENAMED, OV_FAULT_COMMIT_SYNCED, OV_FAULT_COMMIT_WRITTEN, OV_FAULT_STREAM_PUBLISHED,
};

/* A child that pushes, merges and publishes until the fault ends it; it writes how far it was told to have come. */
static void child(world *w, int told)
{
    ov_error e = OV_ERROR_INIT;
    ov_streams_config config = quiet;
    if (ov_catalog_open(w->dir, true, &w->cat, &e) != OV_OK)
        _exit(1);
    config.catalog = w->cat;
    if (ov_streams_create(&config, &w->streams, &e) != OV_OK)
        _exit(1);
    for (uint32_t i = 1; i <= 30; i++) {
        char batch[16];
        snprintf(batch, sizeof batch, "b%u", i);
        if (push_rows(w, batch, 10 * i - 9, 10 * i, &e) != OV_OK)
            _exit(2);
        if (write(told, &i, sizeof i) != sizeof i)
            _exit(3);
        if (i % 10 == 0 && ov_streams_merge(w->streams, &e) != OV_OK)
            _exit(4);
        if (i % 12 == 0 && ov_streams_flush(w->streams, OV_SLICE_LIT("t"), &e) != OV_OK)
            _exit(5);
    }
    _exit(0);
}

static bool run_child(world *w, ov_fault_point fault, unsigned n, uint32_t *acknowledged)
{
    int pipe_fd[2], code;
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(pipe_fd[0]);
        ov_fault_arm_crash(fault, n);
        child(w, pipe_fd[1]);
    }
    close(pipe_fd[1]);
    *acknowledged = 0;
    for (uint32_t i; read(pipe_fd[0], &i, sizeof i) == sizeof i;)
        *acknowledged = i;
    close(pipe_fd[0]);
    assert_int_equal(waitpid(pid, &code, 0), pid);
    bool died = WIFEXITED(code) && WEXITSTATUS(code) == 137;
    assert_true(died || (WIFEXITED(code) && WEXITSTATUS(code) == 0));
    return died;
}

static void test_killed_at_fault_points(void **state)
{
    (void)state;
    for (size_t f = 0; f < OV_COUNT_OF(faults); f++) {
        bool died = true;
        unsigned n = 1;
        for (; died && n <= 12; n++) {
            world w;
            uint32_t told;
            world_init(&w, quiet);
            stop(&w);
            died = run_child(&w, faults[f], n, &told);
            start(&w, quiet);
            uint64_t rows = look(&w, "t").rows;
            assert_true(rows == 10 * told || (died && rows == 10 * (told + 1)));
            check_rows(&w, rows);
            /* the client tries its batches again, and goes on */
            for (uint32_t i = told ? told : 1; i <= 31; i++) {
                char batch[16];
                snprintf(batch, sizeof batch, "b%u", i);
                OK(push_rows(&w, batch, 10 * i - 9, 10 * i, &err));
            }
            check_rows(&w, 310);
            OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
            check_rows(&w, 310);
            world_fini(&w);
        }
        assert_true(n > 2); /* it was met */
    }
}

/* The same points, failing instead: rows stay where they were, and the next try succeeds. */
static void test_failures(void **state)
{
    (void)state;
    static const ov_fault_point points[] = {OV_FAULT_STREAM_SEALED, OV_FAULT_COMMIT_PLACED, OV_FAULT_COMMIT_RENAMED,
                                            OV_FAULT_COMMIT_SYNCED, OV_FAULT_COMMIT_WRITTEN};
    for (size_t i = 0; i < OV_COUNT_OF(points); i++) {
        world w;
        world_init(&w, quiet);
        OK(push_rows(&w, "", 1, 100, &err));
        ov_fault_arm(points[i], 1, OV_IO);
        assert_int_equal(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err), OV_IO);
        ov_fault_disarm_all();
        check_rows(&w, 100);
        OK(push_rows(&w, "", 101, 110, &err));
        OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
        assert_int_equal(look(&w, "t").live, 0);
        check_rows(&w, 110);
        world_fini(&w);
    }
}

/* ---- readers beside writers ---- */

enum { WRITERS = 3, PUSHES = 120, ROWS_EACH = 10 };

typedef struct crowd {
    world *w;
    _Atomic uint64_t acknowledged; /* rows */
    _Atomic int writing;
} crowd;

static void write_many(void *arg)
{
    crowd *c = arg;
    for (uint32_t i = 0; i < PUSHES; i++) {
        ov_error e = OV_ERROR_INIT;
        check_ok(push_rows(c->w, "", 1, ROWS_EACH, &e), &e);
        atomic_fetch_add(&c->acknowledged, ROWS_EACH);
    }
    atomic_fetch_sub(&c->writing, 1);
}

static void read_many(void *arg)
{
    crowd *c = arg;
    uint64_t last = 0;
    while (atomic_load(&c->writing)) {
        uint64_t least = atomic_load(&c->acknowledged);
        totals t = look(c->w, "t");
        assert_true(t.rows >= least && t.rows >= last && t.rows % ROWS_EACH == 0);
        assert_int_equal(t.sum, (int64_t)(t.rows / ROWS_EACH) * ROWS_EACH * (ROWS_EACH + 1) / 2);
        last = t.rows;
    }
}

static void test_readers_beside_writers(void **state)
{
    (void)state;
    world w;
    crowd c = {.w = &w};
    ov_thread threads[WRITERS + 2] = {0};
    ov_streams_config busy = {.max_rows = 500, .log_file_bytes = 64 << 10};
    world_init(&w, busy);
    atomic_store(&c.writing, WRITERS);
    for (int i = 0; i < WRITERS + 2; i++)
        OK(ov_thread_start(&threads[i], "crowd", i < WRITERS ? write_many : read_many, &c, &err));
    for (int i = 0; i < WRITERS + 2; i++)
        ov_thread_join(&threads[i]);
    totals t = look(&w, "t");
    assert_int_equal(t.rows, WRITERS * PUSHES * ROWS_EACH);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    again(&w);
    totals after = look(&w, "t");
    assert_int_equal(after.rows, t.rows);
    assert_int_equal(after.sum, t.sum);
    assert_int_equal(after.live, 0);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_at_fault_points),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_packed_bodies_take_room),
        cmocka_unit_test(test_a_refusal_is_answered),
        cmocka_unit_test(test_a_repeated_batch_needs_no_room),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_clocks_that_jump),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_readers_beside_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
