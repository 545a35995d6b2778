/*
 * Streams: every acknowledged row is in a snapshot exactly once: in memory, after merges, after the hand-over, after a
 * start that follows any end of the process. Rows are {"n": 1 .. N}, so a count and a sum tell what is there.
 */
#include "tests/unit/harness.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/compress.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/os.h"
#include "base/thread.h"
#include "ingest/rows.h"
#include "ingest/stream.h"

static ov_error err;
#define OK(expr) check_ok(expr, &err)

typedef struct world {
    char dir[64];
    ov_catalog *cat;
    ov_streams *streams;
    ov_arena arena;
} world;

static void start(world *w, ov_streams_config config)
{
    err = (ov_error)OV_ERROR_INIT;
    OK(ov_catalog_open(w->dir, true, &w->cat, &err));
    config.catalog = w->cat;
    OK(ov_streams_create(&config, &w->streams, &err));
}

static void stop(world *w)
{
    ov_streams_destroy(w->streams);
    ov_catalog_close(w->cat);
    w->streams = NULL;
    w->cat = NULL;
}

static const ov_streams_config quiet = {.paused = true, .log_file_bytes = 16 << 10};

static void world_init(world *w, ov_streams_config config)
{
    memset(w, 0, sizeof *w);
    strcpy(w->dir, "/tmp/ovate-stream-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    ov_arena_init(&w->arena, "test", NULL);
    start(w, config);
}

static void world_fini(world *w)
{
    stop(w);
    OK(ov_dir_remove_all(w->dir, &err));
    ov_arena_fini(&w->arena);
}

static void again(world *w)
{
    stop(w);
    start(w, quiet);
}

/* ---- rows in ---- */

static ov_status push_text(world *w, const char *datasource, const char *batch, ov_slice body, ov_push_format format,
                           ov_push_result *r)
{
    ov_push p = {.datasource = ov_slice_cstr(datasource), .batch = ov_slice_cstr(batch), .body = body, .format = format};
    return ov_streams_push(w->streams, &p, &w->arena, r, &err);
}

static ov_push_result push(world *w, const char *batch, const char *body)
{
    ov_push_result r;
    OK(push_text(w, "t", batch, ov_slice_cstr(body), OV_PUSH_JSON, &r));
    return r;
}

/* Rows from..to of every hour of a few days. */
static void rows_text(ov_buf *b, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n <= to; n++)
        ov_buf_addf(b, "{\"__time\":%llu,\"n\":%u,\"word\":\"w%u\"}\n",
                    1704067200000ULL + (unsigned long long)(n % 96) * 3600000ULL, n, n % 7);
}

static ov_status push_rows(world *w, const char *batch, uint32_t from, uint32_t to, ov_error *e)
{
    ov_buf b;
    ov_arena a;
    ov_push_result r;
    ov_buf_init(&b);
    ov_arena_init(&a, "push", NULL);
    rows_text(&b, from, to);
    ov_push p = {.datasource = OV_SLICE_LIT("t"), .batch = ov_slice_cstr(batch), .body = ov_buf_slice(&b)};
    ov_status st = ov_streams_push(w->streams, &p, &a, &r, e);
    if (st == OV_OK)
        assert_int_equal(r.rows, to - from + 1);
    ov_arena_fini(&a);
    ov_buf_fini(&b);
    return st;
}

/* ---- rows out ---- */

typedef struct totals {
    uint64_t rows;
    int64_t sum;
    uint32_t segments, live;
} totals;

static void add_segment(const ov_segment *seg, totals *t)
{
    ov_arena scratch;
    ov_error e = OV_ERROR_INIT;
    const ov_column *c = ov_segment_find(seg, OV_SLICE_LIT("n"));
    ov_arena_init(&scratch, "read", NULL);
    t->rows += ov_segment_get_info(seg)->rows;
    for (uint32_t b = 0; c && b < ov_column_get_info(c)->blocks; b++) {
        ov_vec v;
        check_ok(ov_column_read(c, b, &scratch, &v, &e), &e);
        for (uint32_t i = 0; i < v.rows; i++)
            if (!ov_vec_is_null(&v, i))
                t->sum += ov_vec_i64(&v, i);
    }
    ov_arena_fini(&scratch);
}

static totals look(world *w, const char *datasource)
{
    totals t = {0};
    ov_error e = OV_ERROR_INIT;
    ov_snapshot *snap = ov_catalog_snapshot(w->cat);
    const ov_datasource *ds = ov_snapshot_find(snap, ov_slice_cstr(datasource));
    for (uint32_t i = 0; ds && i < ds->segment_count; i++) {
        ov_segment *seg;
        check_ok(ov_snapshot_open(snap, ds->segments[i], &seg, &e), &e);
        add_segment(seg, &t);
        t.segments++;
        t.live += ds->segments[i]->live != NULL;
        ov_segment_release(seg);
    }
    if (ds)
        assert_int_equal(ds->rows, t.rows);
    ov_snapshot_release(snap);
    return t;
}

static void check_rows(world *w, uint64_t n)
{
    totals t = look(w, "t");
    assert_int_equal(t.rows, n);
    assert_int_equal(t.sum, (int64_t)(n * (n + 1) / 2));
}

static uint64_t log_bytes(const world *w)
{
    uint64_t n;
    char path[80];
    snprintf(path, sizeof path, "%s/wal", w->dir);
    OK(ov_dir_usage(path, &n, &err));
    return n;
}

/* ---- a push ---- */

static void test_a_push_is_there(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    ov_push_result r = push(&w, "", "{\"time\":\"2024-01-01\",\"n\":1}\n{\"n\":7}\nnonsense\n{\"time\":\"2024-01-02\",\"n\":2}");
    assert_int_equal(r.rows, 2);
    assert_int_equal(r.rejected, 2);
    assert_int_equal(r.reject_count, 2);
    assert_int_equal(r.rejects[0].line, 2);
    assert_int_equal(r.rejects[1].line, 3);
    check_rows(&w, 2);
    again(&w);
    check_rows(&w, 2);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    assert_int_equal(look(&w, "t").live, 0);
    check_rows(&w, 2);
    again(&w);
    check_rows(&w, 2);
    world_fini(&w);
}

static void test_time_fields_and_formats(void **state)
{
    (void)state;
    world w;
    ov_push_result r;
    ov_buf zipped;
    world_init(&w, quiet);
    assert_int_equal(push(&w, "", "[{\"timestamp\":1704067200000,\"n\":1}, {\"timestamp\":1704067200001,\"n\":2}]").rows, 2);
    assert_int_equal(push(&w, "", "{\"__time\":\"2024-03-01T00:00:00Z\",\"time\":\"x\",\"n\":3}").rows, 1);
    OK(push_text(&w, "t", "", OV_SLICE_LIT("n,time\n4,2024-01-01\n5,2024-01-02\n"), OV_PUSH_CSV, &r));
    assert_int_equal(r.rows, 2);
    OK(push_text(&w, "t", "", OV_SLICE_LIT("time\tn\n2024-01-01\t6\n"), OV_PUSH_TSV, &r));
    assert_int_equal(r.rows, 1);
    ov_buf_init(&zipped);
    OK(ov_gzip_all(OV_SLICE_LIT("{\"time\":\"2024-01-01\",\"n\":7}\n"), 5, &zipped, &err));
    OK(push_text(&w, "t", "", ov_buf_slice(&zipped), OV_PUSH_JSON, &r));
    assert_int_equal(r.rows, 1);
    check_rows(&w, 7);
    zipped.n -= 9; /* cut off */
    check_fails(push_text(&w, "t", "", ov_buf_slice(&zipped), OV_PUSH_JSON, &r), &err, OV_INVALID, "the body");
    ov_buf_fini(&zipped);
    assert_int_equal(push(&w, "", "").rows, 0);
    check_fails(push_text(&w, "a/b", "", OV_SLICE_LIT("{}"), OV_PUSH_JSON, &r), &err, OV_INVALID, "/");
    check_fails(push_text(&w, "t", "a\nb", OV_SLICE_LIT("{}"), OV_PUSH_JSON, &r), &err, OV_INVALID, "control");
    check_rows(&w, 7);
    world_fini(&w);
}

/* A column that changes its type is one column of a wider type, in memory and published. */
static void test_types_change(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    static const char *const bodies[] = {
        "{\"time\":\"2024-01-01\",\"n\":1,\"x\":1}", "{\"time\":\"2024-01-01\",\"n\":2,\"x\":1.5}",
        "{\"time\":\"2024-01-01\",\"n\":3,\"x\":\"text\"}", "{\"time\":\"2024-01-01\",\"n\":4,\"x\":[1,2]}",
        "{\"time\":\"2024-01-01\",\"n\":5,\"x\":null,\"y\":{\"a\":1}}", "{\"time\":\"2024-01-01\",\"n\":6,\"x\":7}",
    };
    for (int i = 0; i < 4; i++)
        for (size_t k = 0; k < OV_COUNT_OF(bodies); k++)
            push(&w, "", bodies[k]);
    totals before = look(&w, "t");
    assert_int_equal(before.rows, 24);
    assert_int_equal(before.sum, 84);
    OK(ov_streams_merge(w.streams, &err));
    again(&w);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    totals after = look(&w, "t");
    assert_int_equal(after.rows, 24);
    assert_int_equal(after.sum, 84);
    assert_int_equal(after.live, 0);
    world_fini(&w);
}

/* ---- batches ---- */

static void test_batches_count_once(void **state)
{
    (void)state;
    world w;
    ov_push_result r;
    world_init(&w, quiet);
    static const char body[] = "{\"time\":\"2024-01-01\",\"n\":1}\nbad\n{\"time\":\"2024-01-01\",\"n\":2}";
    assert_false(push(&w, "b1", body).duplicate);
    for (int round = 0; round < 4; round++) {
        r = push(&w, "b1", body);
        assert_true(r.duplicate);
        assert_int_equal(r.rows, 2);
        assert_int_equal(r.rejected, 1);
        check_fails(push_text(&w, "t", "b1", OV_SLICE_LIT("{\"time\":\"2024-01-01\"}"), OV_PUSH_JSON, &r), &err, OV_EXISTS,
                    "with other rows");
        check_rows(&w, 2);
        if (round == 0)
            again(&w);
        if (round == 1)
            OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
        if (round == 2)
            again(&w);
    }
    /* the same id elsewhere is another batch; a batch without a row is one too */
    OK(push_text(&w, "u", "b1", OV_SLICE_LIT("bad"), OV_PUSH_JSON, &r));
    assert_false(r.duplicate);
    assert_int_equal(r.rejected, 1);
    again(&w);
    OK(push_text(&w, "u", "b1", OV_SLICE_LIT("bad"), OV_PUSH_JSON, &r));
    assert_true(r.duplicate);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("u"), &err));
    OK(push_text(&w, "u", "b1", OV_SLICE_LIT("bad"), OV_PUSH_JSON, &r));
    assert_true(r.duplicate);
    world_fini(&w);
}

static void test_marks_move_with_rows(void **state)
{
    (void)state;
    world w;
    ov_slice value;
    ov_push_result r;
    world_init(&w, quiet);
    for (int i = 1; i <= 20; i++) {
        char text[16], body[64];
        snprintf(text, sizeof text, "%d", i);
        snprintf(body, sizeof body, "{\"time\":\"2024-01-01\",\"n\":%d}", i);
        ov_stream_mark mark = {OV_SLICE_LIT("partition 0"), ov_slice_cstr(text)};
        ov_push p = {.datasource = OV_SLICE_LIT("t"), .body = ov_slice_cstr(body), .marks = &mark, .mark_count = 1};
        OK(ov_streams_push(w.streams, &p, &w.arena, &r, &err));
        if (i % 4 == 0)
            again(&w);
        if (i % 6 == 0)
            OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
        if (i % 9 == 0)
            OK(ov_streams_merge(w.streams, &err));
        OK(ov_streams_mark(w.streams, OV_SLICE_LIT("t"), mark.key, &w.arena, &value, &err));
        check_slice(value, text);
        check_rows(&w, (uint64_t)i);
    }
    world_fini(&w);
}

/* ---- merges, hand-overs ---- */

static void test_many_small_pushes(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    for (uint32_t n = 1; n <= 300; n++)
        OK(push_rows(&w, "", n, n, &err));
    assert_int_equal(look(&w, "t").live, 300);
    OK(ov_streams_merge(w.streams, &err));
    assert_true(look(&w, "t").live < 16);
    check_rows(&w, 300);
    OK(push_rows(&w, "", 301, 400, &err));
    check_rows(&w, 400);
    again(&w); /* the log has the small ones */
    check_rows(&w, 400);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    totals t = look(&w, "t");
    assert_int_equal(t.live, 0);
    assert_int_equal(t.segments, 4); /* days */
    check_rows(&w, 400);
    assert_true(log_bytes(&w) < 40 << 10);
    again(&w);
    check_rows(&w, 400);
    world_fini(&w);
}

static void test_declared_rollup(void **state)
{
    (void)state;
    world w;
    ov_push_result r;
    world_init(&w, quiet);
    static const char spec[] =
        "{\"dataSchema\":{\"timestampSpec\":{\"column\":\"at\",\"format\":\"iso\"},\"dimensionsSpec\":{\"dimensions\":[\"word\"]},"
        "\"metricsSpec\":[{\"type\":\"count\",\"name\":\"rows\"},{\"type\":\"longSum\",\"name\":\"n\",\"fieldName\":\"n\"}],"
        "\"granularitySpec\":{\"segmentGranularity\":\"HOUR\",\"queryGranularity\":\"HOUR\",\"rollup\":true}}}";
    check_fails(ov_streams_declare(w.streams, OV_SLICE_LIT("t"), OV_SLICE_LIT("{\"dataSchema\":{\"metricsSpec\":7}}"), &err), &err,
                OV_INVALID, "metricsSpec");
    OK(ov_streams_declare(w.streams, OV_SLICE_LIT("t"), ov_slice_cstr(spec), &err));
    for (int i = 0; i < 40; i++) {
        static const char body[] = "{\"at\":\"2024-01-01T00:10:00Z\",\"word\":\"a\",\"n\":2}\n"
                                   "{\"at\":\"2024-01-01T00:20:00Z\",\"word\":\"a\",\"n\":3}\n{\"time\":\"2024-01-01\",\"n\":1}";
        OK(push_text(&w, "t", "", OV_SLICE_LIT(body), OV_PUSH_JSON, &r));
        assert_int_equal(r.rows, 2);
        assert_int_equal(r.rejected, 1);
    }
    assert_int_equal(look(&w, "t").rows, 40);
    assert_int_equal(look(&w, "t").sum, 200);
    OK(ov_streams_merge(w.streams, &err));
    assert_true(look(&w, "t").rows < 10);
    assert_int_equal(look(&w, "t").sum, 200);
    again(&w);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    assert_int_equal(look(&w, "t").rows, 1);
    assert_int_equal(look(&w, "t").sum, 200);
    ov_slice json;
    OK(ov_streams_declared(w.streams, OV_SLICE_LIT("t"), &w.arena, &json, &err));
    check_slice(json, spec);
    world_fini(&w);
}

/* Published chunks of another granularity: rows of a day go to where their hours are. */
static void test_other_granularity_is_there(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    static const char hours[] = "{\"dataSchema\":{\"timestampSpec\":{\"column\":\"__time\"},\"dimensionsSpec\":"
                                "{\"useSchemaDiscovery\":true},\"granularitySpec\":{\"segmentGranularity\":\"HOUR\","
                                "\"rollup\":false}}}";
    OK(ov_streams_declare(w.streams, OV_SLICE_LIT("t"), ov_slice_cstr(hours), &err));
    OK(push_rows(&w, "", 1, 50, &err));
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    char days[sizeof hours + 8];
    snprintf(days, sizeof days, "%s", hours);
    memcpy(strstr(days, "HOUR"), "DAY\"", 4);
    memcpy(strstr(days, "DAY\"\""), "DAY\" ", 5);
    OK(ov_streams_declare(w.streams, OV_SLICE_LIT("t"), ov_slice_cstr(days), &err));
    OK(push_rows(&w, "", 51, 200, &err));
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    assert_int_equal(look(&w, "t").live, 0);
    check_rows(&w, 200);
    world_fini(&w);
}

/* Segments that hand-overs left in one chunk become one; files of the small ones go. */
static void test_small_segments_are_put_together(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    for (uint32_t i = 0; i < 50; i++) {
        OK(push_rows(&w, "", 10 * i + 1, 10 * i + 10, &err));
        OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    }
    uint32_t before = look(&w, "t").segments;
    assert_true(before > 50);
    OK(push_rows(&w, "", 501, 510, &err));
    OK(ov_streams_compact(w.streams, OV_SLICE_LIT("t"), &err));
    assert_true(look(&w, "t").segments < before / 2);
    check_rows(&w, 510);
    again(&w);
    check_rows(&w, 510);
    OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    check_rows(&w, 510);
    ov_slice *files;
    size_t n;
    char segments[80];
    snprintf(segments, sizeof segments, "%s/segments", w.dir);
    OK(ov_glob_files(segments, OV_SLICE_LIT("*.ovs"), 1000, &w.arena, &files, &n, &err));
    assert_int_equal(n, look(&w, "t").segments);
    world_fini(&w);
}

/* A chunk that is replaced meanwhile keeps what replaced it. */
static void test_replaced_rows_stay_away(void **state)
{
    (void)state;
    world w;
    uint32_t changed;
    world_init(&w, quiet);
    for (uint32_t i = 0; i < 10; i++) {
        push(&w, "", "{\"time\":\"2024-01-01\",\"n\":1}");
        OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
    }
    ov_snapshot *snap = ov_catalog_snapshot(w.cat);
    const ov_datasource *ds = ov_snapshot_find(snap, OV_SLICE_LIT("t"));
    ov_segment_entry changed_one = *ds->segments[0], gone = *ds->segments[1];
    const ov_segment_entry *inputs[2] = {&changed_one, ds->segments[1]};
    changed_one.info.version = OV_SLICE_LIT("another");
    gone.file = OV_SLICE_LIT("segments/t/gone.ovs");
    ov_slice tmp;
    OK(ov_catalog_tmp_path(w.cat, &w.arena, &tmp, &err));
    OK(ov_file_write_atomic(tmp.p, OV_SLICE_LIT("never named"), &err));
    ov_new_segment seg = {.info = ds->segments[0]->info, .tmp_path = tmp.p, .columns = ds->segments[0]->columns,
                          .column_count = ds->segments[0]->column_count};
    ov_commit c = {.mode = OV_PUBLISH_APPEND, .segments = &seg, .segment_count = 1, .inputs = inputs, .input_count = 2};
    assert_int_equal(ov_catalog_commit(w.cat, &c, &w.arena, &err), OV_BUSY);
    inputs[0] = ds->segments[0];
    inputs[1] = &gone;
    OK(ov_file_write_atomic(tmp.p, OV_SLICE_LIT("never named"), &err));
    assert_int_equal(ov_catalog_commit(w.cat, &c, &w.arena, &err), OV_BUSY);
    ov_snapshot_release(snap);
    assert_int_equal(look(&w, "t").rows, 10);
    OK(ov_catalog_mark(w.cat, &(ov_segment_choice){.datasource = OV_SLICE_LIT("t"), .span = {INT64_MIN, INT64_MAX}}, false,
                       &changed, &err));
    assert_int_equal(changed, 10);
    OK(ov_streams_compact(w.streams, OV_SLICE_LIT("t"), &err));
    assert_int_equal(look(&w, "t").rows, 0);
    world_fini(&w);
}

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

/* ---- faults ---- */

static const char *const faults[] = {
    "OV_FAULT_WAL_FILE",       "OV_FAULT_WAL_WRITTEN",    "OV_FAULT_WAL_SYNCED",       "OV_FAULT_STREAM_SEALED",
    "OV_FAULT_COMMIT_PLACED",  "OV_FAULT_COMMIT_RENAMED", "OV_FAULT_COMMIT_SYNCED",    "OV_FAULT_COMMIT_WRITTEN",
    "OV_FAULT_STREAM_PUBLISHED",
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

static bool run_child(world *w, const char *fault, uint32_t *acknowledged)
{
    int pipe_fd[2], code;
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(pipe_fd[0]);
        setenv("OVATE_FAULT", fault, 1);
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
        for (unsigned n = 1; died && n <= 40; n++) {
            world w;
            char fault[64];
            uint32_t told;
            world_init(&w, quiet);
            stop(&w);
            snprintf(fault, sizeof fault, "%s:%u:crash", faults[f], n);
            died = run_child(&w, fault, &told);
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
        cmocka_unit_test(test_a_push_is_there),
        cmocka_unit_test(test_time_fields_and_formats),
        cmocka_unit_test(test_types_change),
        cmocka_unit_test(test_batches_count_once),
        cmocka_unit_test(test_marks_move_with_rows),
        cmocka_unit_test(test_many_small_pushes),
        cmocka_unit_test(test_declared_rollup),
        cmocka_unit_test(test_other_granularity_is_there),
        cmocka_unit_test(test_small_segments_are_put_together),
        cmocka_unit_test(test_replaced_rows_stay_away),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_killed_at_fault_points),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_readers_beside_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
