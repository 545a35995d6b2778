/* The task runner: submit, run, report, shut down, survive; batch loads end to end through the catalog. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "base/json.h"
#include "base/os.h"
#include "ingest/task/task.h"

typedef struct fixture {
    char dir[64];
    ov_catalog *cat;
    ov_tasks *tasks;
    ov_arena arena;
    ov_buf buf;
} fixture;

static void start(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    check_ok(ov_catalog_open(f->dir, true, &f->cat, &err), &err);
    ov_tasks_config config = {.catalog = f->cat, .threads = 2, .workers = 2};
    check_ok(ov_tasks_create(&config, &f->tasks, &err), &err);
}

static void stop(fixture *f)
{
    ov_tasks_destroy(f->tasks);
    ov_catalog_close(f->cat);
}

static void fixture_init(fixture *f)
{
    memset(f, 0, sizeof(*f));
    strcpy(f->dir, "/tmp/ovate-task-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    ov_arena_init(&f->arena, "test", NULL);
    ov_buf_init(&f->buf);
    start(f);
}

static void fixture_fini(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    stop(f);
    check_ok(ov_dir_remove_all(f->dir, &err), &err);
    ov_arena_fini(&f->arena);
    ov_buf_fini(&f->buf);
}

static ov_slice submit(fixture *f, const char *json)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice id;
    check_ok(ov_tasks_submit(f->tasks, ov_slice_cstr(json), &f->arena, &id, &err), &err);
    return id;
}

static ov_task_view finish(fixture *f, ov_slice id)
{
    ov_error err = OV_ERROR_INIT;
    ov_task_view v;
    check_ok(ov_tasks_wait(f->tasks, id, 60000, &v, &err), &err);
    return v;
}

static ov_task_view run(fixture *f, const char *json)
{
    ov_task_view v = finish(f, submit(f, json));
    if (v.phase != OV_TASK_SUCCESS)
        fail_msg("the task failed: %s", v.error);
    return v;
}

static const ov_json *parse(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    ov_json *doc;
    check_ok(ov_json_parse(ov_buf_slice(&f->buf), NULL, &f->arena, &doc, &err), &err);
    ov_buf_clear(&f->buf);
    return doc;
}

static const ov_json *status_of(fixture *f, ov_slice id)
{
    ov_error err = OV_ERROR_INIT;
    check_ok(ov_tasks_status(f->tasks, id, &f->buf, &err), &err);
    return ov_json_get(parse(f), "status");
}

static ov_slice text_of(const ov_json *obj, const char *key)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice s;
    check_ok(ov_json_need_str(obj, key, &s, &err), &err);
    return s;
}

static int64_t number_of(const ov_json *obj, const char *key)
{
    ov_error err = OV_ERROR_INIT;
    int64_t v;
    check_ok(ov_json_need_i64(obj, key, &v, &err), &err);
    return v;
}

static uint64_t rows_of(fixture *f, const char *datasource)
{
    ov_snapshot *snap = ov_catalog_snapshot(f->cat);
    const ov_datasource *ds = ov_snapshot_find(snap, ov_slice_cstr(datasource));
    uint64_t rows = ds ? ds->rows : 0;
    ov_snapshot_release(snap);
    return rows;
}

/* ---- noop: the life of a task ---- */

static void test_life_of_a_task(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    fixture_init(&f);
    ov_slice id = submit(&f, "{\"type\":\"noop\",\"runTime\":150}");
    assert_true(ov_slice_starts(id, OV_SLICE_LIT("noop_none_")));
    const ov_json *status = status_of(&f, id);
    check_slice(text_of(status, "status"), "RUNNING");
    assert_int_equal(number_of(status, "duration"), -1);
    ov_task_view v = finish(&f, id);
    assert_int_equal(v.phase, OV_TASK_SUCCESS);
    assert_true(v.duration_ms >= 140);
    status = status_of(&f, id);
    check_slice(text_of(status, "statusCode"), "SUCCESS");
    check_slice(text_of(status, "runnerStatusCode"), "NONE");
    check_slice(text_of(status, "groupId"), id.p);
    assert_true(number_of(status, "duration") >= 140);

    check_ok(ov_tasks_payload(f.tasks, id, &f.buf, &err), &err);
    const ov_json *doc = parse(&f);
    check_slice(text_of(doc, "task"), id.p);
    check_slice(text_of(ov_json_get(doc, "payload"), "id"), id.p);
    check_ok(ov_tasks_log(f.tasks, id, 0, &f.buf, &err), &err);
    assert_non_null(strstr(ov_buf_cstr(&f.buf), "SUCCESS after"));
    ov_buf_clear(&f.buf);
    check_ok(ov_tasks_log(f.tasks, id, -10, &f.buf, &err), &err);
    assert_int_equal(f.buf.n, 10);
    ov_buf_clear(&f.buf);
    check_fails(ov_tasks_status(f.tasks, OV_SLICE_LIT("no"), &f.buf, &err), &err, OV_NOT_FOUND, "'no'");
    fixture_fini(&f);
}

static void check_refused(fixture *f, const char *json, ov_status status, const char *part)
{
    ov_error err = OV_ERROR_INIT;
    ov_slice id;
    check_fails(ov_tasks_submit(f->tasks, ov_slice_cstr(json), &f->arena, &id, &err), &err, status, part);
}

static void test_refused_documents(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    check_refused(&f, "{", OV_INVALID, "");
    check_refused(&f, "[]", OV_INVALID, "object");
    check_refused(&f, "{}", OV_INVALID, "type");
    check_refused(&f, "{\"type\":\"archive\"}", OV_INVALID, "no task type 'archive'");
    check_refused(&f, "{\"type\":\"compact\"}", OV_INVALID, "dataSource");
    check_refused(&f, "{\"type\":\"noop\",\"id\":\"a/b\"}", OV_INVALID, "task id");
    check_refused(&f, "{\"type\":\"noop\",\"id\":\"../x\"}", OV_INVALID, "task id");
    check_refused(&f, "{\"type\":\"index_parallel\",\"spec\":{}}", OV_INVALID, "dataSchema");
    check_refused(&f, "{\"type\":\"kill\",\"dataSource\":\"x\"}", OV_INVALID, "interval");
    check_refused(&f, "{\"type\":\"kill\",\"dataSource\":\"x\",\"interval\":\"2020/2021\",\"limit\":0}", OV_INVALID, "limit");
    check_refused(&f, "{\"type\":\"git\",\"paths\":[]}", OV_INVALID, "at least one");
    check_refused(&f, "{\"type\":\"git\",\"path\":\"x\"}", OV_INVALID, "path");
    submit(&f, "{\"type\":\"noop\",\"id\":\"mine\",\"runTime\":0}");
    check_refused(&f, "{\"type\":\"noop\",\"id\":\"mine\"}", OV_EXISTS, "'mine'");
    fixture_fini(&f);
}

static void test_shutdown_queue_and_list(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    ov_slice ids[4];
    ov_task_counts counts;
    fixture_init(&f);
    for (int i = 0; i < 4; i++)
        ids[i] = submit(&f, "{\"type\":\"noop\",\"runTime\":60000}");
    do {
        ov_sleep_ms(5);
        ov_tasks_counts(f.tasks, &counts);
    } while (counts.running < 2);
    assert_int_equal(counts.pending, 2);
    assert_string_equal(ov_tasks_runner_status(f.tasks, ids[3]), "PENDING");
    ov_task_filter filter = {.state = OV_SLICE_LIT("pending")};
    check_ok(ov_tasks_list(f.tasks, &filter, &f.buf, &err), &err);
    assert_int_equal(parse(&f)->count, 2);
    filter.state = OV_SLICE_LIT("sideways");
    check_fails(ov_tasks_list(f.tasks, &filter, &f.buf, &err), &err, OV_INVALID, "sideways");
    ov_buf_clear(&f.buf);

    check_ok(ov_tasks_shutdown(f.tasks, ids[2], &err), &err); /* ends at once, though both threads are busy */
    check_slice(text_of(status_of(&f, ids[2]), "status"), "FAILED");
    ov_tasks_counts(f.tasks, &counts);
    assert_int_equal(counts.running, 2);
    assert_int_equal(counts.pending, 1);
    int64_t began = ov_monotonic_ns();
    for (int i = 0; i < 4; i++)
        check_ok(ov_tasks_shutdown(f.tasks, ids[i], &err), &err);
    for (int i = 0; i < 4; i++) {
        ov_task_view v = finish(&f, ids[i]);
        assert_int_equal(v.phase, OV_TASK_FAILED);
        assert_non_null(strstr(v.error, "shutdown was requested"));
    }
    assert_true(ov_monotonic_ns() - began < 2000000000);
    filter = (ov_task_filter){.state = OV_SLICE_LIT("complete"), .max = 3};
    check_ok(ov_tasks_list(f.tasks, &filter, &f.buf, &err), &err);
    assert_int_equal(parse(&f)->count, 3);
    check_fails(ov_tasks_shutdown(f.tasks, OV_SLICE_LIT("no"), &err), &err, OV_NOT_FOUND, "'no'");
    fixture_fini(&f);
}

/* Each is found among the others, waits, and leaves both lists, from their ends and from their middles. */
static void test_long_queue(void **state)
{
    (void)state;
    enum { MANY = 300 };
    ov_error err = OV_ERROR_INIT;
    fixture f;
    ov_slice ids[MANY];
    ov_task_counts counts;
    fixture_init(&f);
    for (int i = 0; i < MANY; i++)
        ids[i] = submit(&f, "{\"type\":\"noop\",\"runTime\":60000}");
    do {
        ov_sleep_ms(5);
        ov_tasks_counts(f.tasks, &counts);
    } while (counts.running < 2);
    ov_task_filter filter = {.state = OV_SLICE_LIT("pending")};
    check_ok(ov_tasks_list(f.tasks, &filter, &f.buf, &err), &err);
    assert_int_equal(parse(&f)->count, MANY - 2);
    for (int step = 7, i = 0, n = 0; n < MANY; i = (i + step) % MANY, n++) /* 7 and 300 share no divisor */
        check_ok(ov_tasks_shutdown(f.tasks, ids[i], &err), &err);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(finish(&f, ids[i]).phase, OV_TASK_FAILED);
    assert_int_equal(ov_tasks_live(f.tasks, OV_SLICE_LIT("noop")), 0);
    submit(&f, "{\"type\":\"noop\",\"runTime\":1}");
    ov_slice last = submit(&f, "{\"type\":\"noop\",\"runTime\":1}");
    assert_int_equal(finish(&f, last).phase, OV_TASK_SUCCESS);
    fixture_fini(&f);
}

static void test_history_and_restart(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    ov_slice plain = submit(&f, "{\"type\":\"noop\",\"runTime\":60000}");
    ov_slice again = submit(&f, "{\"type\":\"noop\",\"runTime\":300,\"context\":{\"restart\":true}}");
    stop(&f); /* well before either has ended */
    start(&f);
    const ov_json *status = status_of(&f, plain);
    check_slice(text_of(status, "status"), "FAILED");
    assert_non_null(strstr(text_of(status, "errorMsg").p, "server was stopped"));
    assert_int_equal(finish(&f, again).phase, OV_TASK_SUCCESS);
    stop(&f);
    start(&f);
    check_slice(text_of(status_of(&f, again), "status"), "SUCCESS");
    fixture_fini(&f);
}

/* ---- batch loads ---- */

#define SPEC(io, data)                                                                             \
    "{\"type\":\"index_parallel\",\"spec\":{\"dataSchema\":{\"dataSource\":\"wiki\",\"timestampSpec\":{\"column\":\"t\"}," \
    "\"dimensionsSpec\":{\"dimensions\":[\"page\",{\"type\":\"long\",\"name\":\"added\"}]},"        \
    "\"granularitySpec\":{\"segmentGranularity\":\"day\",\"rollup\":false,\"intervals\":[\"2020-01-01/2020-02-01\"]}}," \
    "\"ioConfig\":{\"type\":\"index_parallel\"," io                                                 \
    "\"inputSource\":{\"type\":\"inline\",\"data\":\"" data "\"},\"inputFormat\":{\"type\":\"json\"}}}}"
#define ROW(t, page, added) "{\\\"t\\\":\\\"" t "\\\",\\\"page\\\":\\\"" page "\\\",\\\"added\\\":" added "}\\n"

static void test_batch_load(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    fixture_init(&f);
    ov_slice id = submit(&f, SPEC("", ROW("2020-01-01T01:00:00Z", "a", "1") ROW("2020-01-02", "b", "2") "nonsense\\n"
                                      ROW("2021-01-02", "b", "2")));
    ov_task_view v = finish(&f, id);
    assert_string_equal(v.error, "");
    assert_int_equal(rows_of(&f, "wiki"), 2);
    check_ok(ov_tasks_report(f.tasks, id, &f.buf, &err), &err);
    const ov_json *payload = ov_json_get(ov_json_get(parse(&f), "ingestionStatsAndErrors"), "payload");
    check_slice(text_of(payload, "ingestionState"), "COMPLETED");
    const ov_json *build = ov_json_get(ov_json_get(payload, "rowStats"), "buildSegments");
    assert_int_equal(number_of(build, "processed"), 2);
    assert_int_equal(number_of(build, "unparseable"), 1);
    assert_int_equal(number_of(build, "thrownAway"), 1);
    const ov_json *ours = ov_json_get(payload, "ovate");
    assert_int_equal(number_of(ours, "read"), 4);
    assert_int_equal(number_of(ours, "loaded"), 2);
    const ov_json *rejects = ov_json_get(ours, "rejects");
    assert_int_equal(rejects->count, 1);
    assert_int_equal(number_of(rejects->first, "line"), 3);
    assert_int_equal(number_of(payload, "segmentsPublished"), 2);

    run(&f, SPEC("\"appendToExisting\":true,", ROW("2020-01-01", "c", "5")));
    assert_int_equal(rows_of(&f, "wiki"), 3);
    run(&f, SPEC("", ROW("2020-01-01", "d", "5")));
    assert_int_equal(rows_of(&f, "wiki"), 2);
    run(&f, SPEC("\"dropExisting\":true,", ROW("2020-01-03", "d", "5")));
    assert_int_equal(rows_of(&f, "wiki"), 1);
    run(&f, "{\"type\":\"kill\",\"dataSource\":\"wiki\",\"interval\":\"2020/2021\",\"markAsUnused\":true}");
    assert_int_equal(rows_of(&f, "wiki"), 0);
    fixture_fini(&f);
}

static void test_failed_load_leaves_nothing(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    char path[100];
    ov_slice *files;
    size_t n;
    fixture_init(&f);
    ov_task_view v = finish(&f, submit(&f, "{\"type\":\"index\",\"spec\":{\"dataSchema\":{\"dataSource\":\"wiki\",\"timestampSpec\":{"
                                           "\"column\":\"t\"},\"dimensionsSpec\":{\"dimensions\":[\"page\"]},\"granularitySpec\":{"
                                           "\"rollup\":false}},\"ioConfig\":{\"type\":\"index\",\"inputSource\":{\"type\":\"inline\","
                                           "\"data\":\"" ROW("2020-01-01", "a", "1") "bad\\n\"},\"inputFormat\":{\"type\":\"json\"}},"
                                           "\"tuningConfig\":{\"type\":\"index\",\"maxParseExceptions\":0}}}"));
    assert_int_equal(v.phase, OV_TASK_FAILED);
    assert_true(v.error[0] != 0);
    assert_int_equal(rows_of(&f, "wiki"), 0);
    snprintf(path, sizeof(path), "%s/tmp", f.dir);
    check_ok(ov_glob_files(path, OV_SLICE_LIT("*"), 100, &f.arena, &files, &n, &err), &err);
    assert_int_equal(n, 0);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_of_a_task),
        cmocka_unit_test(test_refused_documents),
        cmocka_unit_test(test_shutdown_queue_and_list),
        cmocka_unit_test(test_long_queue),
        cmocka_unit_test(test_history_and_restart),
        cmocka_unit_test(test_batch_load),
        cmocka_unit_test(test_failed_load_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
