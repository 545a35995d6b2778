/* Whole loads into segment files: books, chunks, partitions, order, workers, early seals, limits, cancel, inputs; and the
 * real files with their known row counts. */
#include "load_harness.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/thread.h"

static void chunks_and_order(void **state)
{
    (void)state;
    check_load(AB PLAIN("day"), CSV, "",
               "2020-01-02T05:00:00Z,y,1\n2020-01-01T05:00:00Z,x,2\n2020-01-02T04:00:00Z,y,3\nbad,z,4\n"
               "2020-01-02T05:00:00Z,x,5\n2020-01-01T05:00:00Z,,6\n",
               "segment 2020-01-01T00:00:00.000Z 0: 2 rows\n1577854800000|NULL|6\n1577854800000|x|2\n"
               "segment 2020-01-02T00:00:00.000Z 0: 3 rows\n1577937600000|y|3\n1577941200000|x|5\n1577941200000|y|1\n"
               "read=6 loaded=5 rejected=1 filtered=0 errors=0\n");
    check_load(AB PLAIN("all"), CSV, "", "5,y,1\n3,x,2\n",
               "segment -146136543-09-08T08:23:32.096Z 0: 2 rows\n3|x|2\n5|y|1\n"
               "read=2 loaded=2 rejected=0 filtered=0 errors=0\n");
    check_load("\"dimensionsSpec\":{\"dimensions\":[\"a\",\"__time\",{\"type\":\"long\",\"name\":\"b\"}],"
               "\"forceSegmentSortByTime\":false}" PLAIN("day"),
               CSV, "", "3,y,1\n2,x,2\n1,y,3\n",
               "segment 1970-01-01T00:00:00.000Z 0: 3 rows\n2|x|2\n1|y|3\n3|y|1\n"
               "read=3 loaded=3 rejected=0 filtered=0 errors=0\n");
    check_load(AB PLAIN("day"), CSV, "", "", "read=0 loaded=0 rejected=0 filtered=0 errors=0\n");
}

static void rollup_and_metrics(void **state)
{
    (void)state;
    check_load("\"dimensionsSpec\":{\"dimensions\":[\"a\"]},\"metricsSpec\":[{\"type\":\"count\",\"name\":\"cnt\"},"
               "{\"type\":\"longSum\",\"name\":\"s\",\"fieldName\":\"b\"},{\"type\":\"doubleMax\",\"name\":\"m\",\"fieldName\":\"b\"},"
               "{\"type\":\"longMin\",\"name\":\"n\",\"fieldName\":\"b\"}],"
               "\"granularitySpec\":{\"segmentGranularity\":\"day\",\"queryGranularity\":\"hour\"}",
               CSV, "", "3600001,x,1\n3600002,x,5\n1,y,\n3600003,y,7\n3600004,x,\n2,y,\n",
               "segment 1970-01-01T00:00:00.000Z 0: 3 rows\n0|y|2|NULL|NULL|NULL\n3600000|x|3|6|5.0|1\n"
               "3600000|y|1|7|7.0|7\nread=6 loaded=6 rejected=0 filtered=0 errors=0\n");
}

static void partitions(void **state)
{
    (void)state;
    check_load(AB PLAIN("day"), CSV, "\"partitionsSpec\":{\"type\":\"dynamic\",\"maxRowsPerSegment\":2}",
               "3,a,1\n86400000,b,2\n2,a,3\n1,a,4\n86400001,b,5\n5,a,6\n4,a,7\n",
               "segment 1970-01-01T00:00:00.000Z 0: 2 rows\n2|a|3\n3|a|1\n"
               "segment 1970-01-01T00:00:00.000Z 1: 2 rows\n1|a|4\n5|a|6\n"
               "segment 1970-01-01T00:00:00.000Z 2: 1 rows\n4|a|7\n"
               "segment 1970-01-02T00:00:00.000Z 0: 2 rows\n86400000|b|2\n86400001|b|5\n"
               "read=7 loaded=7 rejected=0 filtered=0 errors=0\n");
}

/* Multi-value columns are that only in segments where some row has two values. */
static void multi_value_columns(void **state)
{
    (void)state;
    ov_arena arena;
    ov_load_result r;
    ov_error err = OV_ERROR_INIT;
    ov_load_env env = test_env();
    ov_arena_init(&arena, "test", NULL);
    check_ok(load("\"dimensionsSpec\":{\"dimensions\":[\"a\"]}" PLAIN("day"), "\"type\":\"json\"", "",
                  OV_SLICE_LIT("{\"t\":1,\"a\":\"x\"}\n{\"t\":86400000,\"a\":\"x\"}\n{\"t\":86400001,\"a\":[\"x\",\"y\"]}\n"),
                  &env, &arena, &r, &err),
             &err);
    assert_int_equal(r.segment_count, 2);
    assert_false(r.segments[0].columns[1].type.multi);
    assert_true(r.segments[1].columns[1].type.multi);
    ov_buf out;
    ov_buf_init(&out);
    print_result(&out, &r, true); /* the files agree with what the result says */
    ov_buf_fini(&out);
    remove_files(&r);
    ov_arena_fini(&arena);
}

/* Many rows over many chunks in random order, little memory: the same rows for any number of workers. */
static void early_seals_are_deterministic(void **state)
{
    (void)state;
    ov_buf data, first;
    ov_buf_init(&data);
    ov_buf_init(&first);
    uint32_t x = 1;
    for (uint32_t i = 0; i < 300000; i++) {
        x = x * 1664525 + 1013904223;
        ov_buf_addf(&data, "%u,name %u,%u\n", x >> 4, x >> 20, i);
    }
    for (uint32_t workers = 1; workers <= 4; workers += 3) {
        ov_arena arena;
        ov_load_result r;
        ov_buf out;
        ov_error err = OV_ERROR_INIT;
        ov_load_progress progress = {0};
        ov_load_env env = test_env();
        env.workers = workers;
        env.memory_bytes = 2 << 20;
        env.progress = &progress;
        ov_arena_init(&arena, "test", NULL);
        ov_buf_init(&out);
        check_ok(load(AB PLAIN("hour"), CSV, "", ov_buf_slice(&data), &env, &arena, &r, &err), &err);
        assert_int_equal(r.counters.loaded, 300000);
        assert_int_equal(atomic_load(&progress.rows), 300000);
        assert_int_equal(atomic_load(&progress.segments), r.segment_count);
        assert_int_equal(atomic_load(&progress.bytes), data.n);
        assert_int_equal(atomic_load(&progress.total_bytes), data.n);
        assert_true(r.segment_count > 80);
        print_result(&out, &r, true);
        if (workers == 1)
            first = out;
        else
            assert_true(ov_slice_eq(ov_buf_slice(&first), ov_buf_slice(&out)));
        if (workers != 1)
            ov_buf_fini(&out);
        remove_files(&r);
        ov_arena_fini(&arena);
    }
    ov_buf_fini(&first);
    ov_buf_fini(&data);
}

/* All rows of the CSV, by a task of so much memory. Returns how many segments they make. */
static uint32_t segments_within(size_t limit, const char *schema, ov_slice csv, uint64_t rows)
{
    ov_arena arena;
    ov_budget budget;
    ov_load_result r;
    ov_error err = OV_ERROR_INIT;
    ov_load_env env = test_env();
    ov_budget_init(&budget, "task", limit, NULL);
    env.budget = &budget;
    env.memory_bytes = limit / 4;
    ov_arena_init(&arena, "test", NULL);
    check_ok(load(schema, CSV, "", csv, &env, &arena, &r, &err), &err);
    assert_int_equal(r.counters.loaded, rows);
    uint32_t segments = r.segment_count;
    remove_files(&r);
    ov_arena_fini(&arena);
    return segments;
}

/* Sorting takes many times what rows take that repeat themselves: builders are sealed while their task can still pay for it. */
static void sorting_has_room(void **state)
{
    (void)state;
    enum { COUNT = 400000 };
    ov_buf data;
    ov_buf_init(&data);
    for (uint32_t i = 0; i < COUNT; i++)
        ov_buf_addf(&data, "%u,name %u,same\n", i, i * 7 % 8);
    assert_true(segments_within(8 << 20, "\"dimensionsSpec\":{\"forceSegmentSortByTime\":false,\"dimensions\":[\"a\",\"b\"]}" PLAIN("year"),
                                ov_buf_slice(&data), COUNT) > 1);
    ov_buf_fini(&data);
}

/* A split whose rows lie in thousands of chunks, one beside the other and all over the place. */
static void thousands_of_chunks(void **state)
{
    (void)state;
    enum { HOURS = 3000 };
    for (uint32_t step = 1; step <= 1007; step += 1006) { /* both have no factor in common with HOURS */
        ov_buf data;
        ov_buf_init(&data);
        for (uint32_t i = 0; i < 2 * HOURS; i++)
            ov_buf_addf(&data, "%llu,name %u,same\n", i / 2 * step % HOURS * 3600000ull, i % 8);
        assert_int_equal(segments_within(32 << 20, AB PLAIN("hour"), ov_buf_slice(&data), 2 * HOURS), HOURS);
        ov_buf_fini(&data);
    }
}

static void rejects_have_places(void **state)
{
    (void)state;
    ov_buf data;
    ov_arena arena;
    ov_load_result r;
    ov_error err = OV_ERROR_INIT;
    ov_load_env env = test_env();
    ov_buf_init(&data);
    for (uint32_t i = 1; i <= 600000; i++)
        ov_buf_add_str(&data, i % 100000 == 77 ? "what,a,1\n" : "12345,some text,1\n");
    ov_arena_init(&arena, "test", NULL);
    check_ok(load(AB PLAIN("day"), CSV, "", ov_buf_slice(&data), &env, &arena, &r, &err), &err);
    assert_int_equal(r.counters.rejected, 6);
    assert_int_equal(r.reject_count, 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(r.rejects[i].line, i * 100000 + 77);
        assert_int_equal(r.rejects[i].column, 1);
        check_slice(r.rejects[i].file, "inline");
        check_slice(r.rejects[i].value, "what");
    }
    remove_files(&r);
    check_fails(load(AB PLAIN("day"), CSV, "\"maxParseExceptions\":3", ov_buf_slice(&data), &env, &arena, &r, &err),
                &err, OV_LIMIT, "rows could not be read, maxParseExceptions is 3; the last one: inline:400077:1: 't' is no time");
    assert_int_equal(files_left(), 0);
    ov_arena_fini(&arena);
    ov_buf_fini(&data);
}

static void cancel_leaves_nothing(void **state)
{
    (void)state;
    ov_arena arena;
    ov_load_result r;
    ov_error err = OV_ERROR_INIT;
    _Atomic bool cancel = true;
    ov_load_env env = test_env();
    env.cancel = &cancel;
    ov_arena_init(&arena, "test", NULL);
    check_fails(load(AB PLAIN("day"), CSV, "", OV_SLICE_LIT("1,a,1\n"), &env, &arena, &r, &err), &err, OV_CANCELLED,
                "cancelled");
    assert_int_equal(files_left(), 0);
    ov_arena_fini(&arena);
}

static void inputs_that_are_not_there(void **state)
{
    (void)state;
    static const struct {
        const char *source, *part;
        ov_status status;
    } cases[] = {
        {"\"type\":\"local\",\"baseDir\":\"/nowhere/at/all\",\"filter\":\"*\"", "does not exist", OV_NOT_FOUND},
        {"\"type\":\"local\",\"baseDir\":\"%s\",\"filter\":\"*.nope\"", "no file below", OV_NOT_FOUND},
        {"\"type\":\"local\",\"files\":[\"%s/missing.json\"]", "missing.json", OV_NOT_FOUND},
        {"\"type\":\"local\",\"files\":[\"%s\"]", "is a folder", OV_INVALID},
        {"\"type\":\"http\",\"uris\":[\"http://127.0.0.1:1/x\"]", "127.0.0.1", OV_IO},
        {"\"type\":\"local\",\"files\":[\"%s/plain.gz\"]", "does not hold what its suffix says", OV_INVALID},
        {"\"type\":\"local\",\"files\":[\"%s/cut.gz\"]", "cut.gz", OV_CORRUPT},
        {"\"type\":\"local\",\"files\":[\"%s/some.bz2\"]", "is bzip2", OV_UNSUPPORTED},
        {"\"type\":\"local\",\"files\":[\"%s/wide.csv\"]", "UTF-16", OV_INVALID},
    };
    ov_error err = OV_ERROR_INIT;
    char path[128];
    static const char cut_gzip[] = "\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03\x4B\x4C\x4A";
    static const struct {
        const char *name;
        ov_slice bytes;
    } files[] = {
        {"plain.gz", {"1,a,1\n", 6}},
        {"cut.gz", {cut_gzip, sizeof cut_gzip - 1}},
        {"some.bz2", {"BZh91AY", 7}},
        {"wide.csv", {"\xFF\xFE" "1\0", 4}},
    };
    for (size_t i = 0; i < OV_COUNT_OF(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        check_ok(ov_file_write_atomic(path, files[i].bytes, &err), &err);
    }
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        char source[256], text[1024];
        ov_arena arena;
        ov_spec *spec;
        ov_load_result r;
        ov_load_env env = test_env();
        ov_arena_init(&arena, "test", NULL);
        if (strstr(cases[i].source, "%s"))
            snprintf(source, sizeof source, "%.*s%s%s", (int)(strstr(cases[i].source, "%s") - cases[i].source),
                     cases[i].source, folder, strstr(cases[i].source, "%s") + 2);
        else
            snprintf(source, sizeof source, "%s", cases[i].source);
        snprintf(text, sizeof text,
                 "{\"type\":\"index\",\"spec\":{\"dataSchema\":{\"dataSource\":\"t\",\"timestampSpec\":{\"column\":\"t\"},%s},"
                 "\"ioConfig\":{\"inputSource\":{%s},\"inputFormat\":{%s}}}}",
                 AB, source, CSV);
        check_ok(ov_spec_parse(ov_slice_cstr(text), &arena, &spec, &err), &err);
        err = (ov_error)OV_ERROR_INIT;
        check_fails(ov_load_run(spec, &env, &arena, &r, &err), &err, cases[i].status, cases[i].part);
        ov_arena_fini(&arena);
    }
    for (size_t i = 0; i < OV_COUNT_OF(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        check_ok(ov_file_remove(path, &err), &err);
    }
    assert_int_equal(files_left(), 0);
}

/* ---- http ---- */

/* Answers `count` requests on a socket of its own with the same bytes. */
typedef struct tiny_server {
    int fd, count;
    const char *answer;
} tiny_server;

static void serve(void *arg)
{
    tiny_server *s = arg;
    for (int i = 0; i < s->count; i++) {
        char request[4096];
        int c = accept(s->fd, NULL, NULL);
        if (c < 0)
            return;
        if (read(c, request, sizeof request) > 0 && write(c, s->answer, strlen(s->answer)) < 0)
            print_message("the client left\n");
        close(c);
    }
}

static void rows_over_http(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *want;
        ov_status status;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 22\r\nConnection: close\r\n\r\n1,a,1\n2,b,2\nbad,row,3\n", "read=3 loaded=2 rejected=1",
         OV_OK},
        {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "the server answered 404", OV_NOT_FOUND},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n1,a,1\n", "", OV_IO}, /* cut */
    };
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t n = sizeof addr;
        tiny_server server = {.fd = socket(AF_INET, SOCK_STREAM, 0), .count = 1, .answer = cases[i].answer};
        ov_thread thread;
        ov_error err = OV_ERROR_INIT;
        char text[1024];
        ov_arena arena;
        ov_spec *spec;
        ov_load_result r;
        ov_load_env env = test_env();
        assert_int_equal(bind(server.fd, (struct sockaddr *)&addr, sizeof addr), 0);
        assert_int_equal(listen(server.fd, 4), 0);
        assert_int_equal(getsockname(server.fd, (struct sockaddr *)&addr, &n), 0);
        check_ok(ov_thread_start(&thread, "server", serve, &server, &err), &err);
        snprintf(text, sizeof text,
                 "{\"type\":\"index\",\"spec\":{\"dataSchema\":{\"dataSource\":\"t\",\"timestampSpec\":{\"column\":\"t\"}%s,"
                 "%s},\"ioConfig\":{\"inputSource\":{\"type\":\"http\",\"uris\":[\"http://127.0.0.1:%d/x.csv\"]},"
                 "\"inputFormat\":{%s}}}}",
                 PLAIN("day"), AB, ntohs(addr.sin_port), CSV);
        ov_arena_init(&arena, "test", NULL);
        check_ok(ov_spec_parse(ov_slice_cstr(text), &arena, &spec, &err), &err);
        ov_status st = ov_load_run(spec, &env, &arena, &r, &err);
        ov_thread_join(&thread);
        close(server.fd);
        assert_int_equal(st, cases[i].status);
        ov_buf out;
        ov_buf_init(&out);
        if (st == OV_OK)
            print_result(&out, &r, true);
        assert_non_null(strstr(st == OV_OK ? ov_buf_cstr(&out) : err.text, cases[i].want));
        if (st == OV_OK)
            remove_files(&r);
        ov_buf_fini(&out);
        ov_arena_fini(&arena);
        assert_int_equal(files_left(), 0);
    }
}

/* ---- real files ---- */

static const char *shared_folder(void)
{
    const char *s = getenv("OVATE_SHARED");
    return s ? s : "../shared";
}

static void real_file(const char *example, uint64_t want)
{
    char path[256];
    ov_buf text;
    ov_spec *spec;
    ov_arena arena;
    ov_load_result r;
    ov_error err = OV_ERROR_INIT;
    ov_load_env env = test_env();
    snprintf(path, sizeof path, "%s/data", shared_folder());
    if (!ov_dir_exists(path)) {
        print_message("skipped: no real data in %s\n", shared_folder());
        skip();
    }
    env.base_dir = shared_folder();
    ov_buf_init(&text);
    ov_arena_init(&arena, "test", NULL);
    snprintf(path, sizeof path, "docs/examples/%s.json", example);
    check_ok(ov_file_read(path, 0, &text, &err), &err);
    check_ok(ov_spec_parse(ov_buf_slice(&text), &arena, &spec, &err), &err);
    check_ok(ov_load_run(spec, &env, &arena, &r, &err), &err);
    assert_int_equal(r.counters.read, want);
    assert_int_equal(r.counters.loaded, want);
    assert_int_equal(r.counters.with_errors, 0);
    uint64_t rows = 0;
    for (uint32_t i = 0; i < r.segment_count; i++)
        rows += r.segments[i].info.rows;
    assert_int_equal(rows, want);
    remove_files(&r);
    ov_buf_fini(&text);
    ov_arena_fini(&arena);
}

static void wikiticker(void **state)
{
    (void)state;
    real_file("wikiticker", 39244);
}

static void gharchive(void **state)
{
    (void)state;
    real_file("gharchive", 19053);
}

static void commits(void **state)
{
    (void)state;
    real_file("commits", 2100603);
}

static void github_ranking(void **state)
{
    (void)state;
    real_file("github-ranking", 3900960);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_and_order),
        cmocka_unit_test(rollup_and_metrics),
        cmocka_unit_test(partitions),
        cmocka_unit_test(multi_value_columns),
        cmocka_unit_test(early_seals_are_deterministic),
        cmocka_unit_test(sorting_has_room),
        cmocka_unit_test(thousands_of_chunks),
        cmocka_unit_test(rejects_have_places),
        cmocka_unit_test(cancel_leaves_nothing),
        cmocka_unit_test(inputs_that_are_not_there),
        cmocka_unit_test(rows_over_http),
        cmocka_unit_test(wikiticker),
        cmocka_unit_test(gharchive),
        cmocka_unit_test(commits),
        cmocka_unit_test(github_ranking),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
