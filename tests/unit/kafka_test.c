/*
 * Kafka supervisors against librdkafka's mock cluster: every message is a row exactly once, also over ends of the process; what cannot be
 * read is counted; what the broker has lost is told. kafka_room_test.c does the same where memory is short.
 */
#include "tests/unit/kafka_lib.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- tests ---- */

static void test_exactly_once(void **state)
{
    (void)state;
    enum { N = 3000 };
    scene s;
    scene_make(&s, 3, "clicks");
    start(&s.w);
    send_rows(s.p, "clicks", 1, N / 2);
    put(&s.w, spec_text(&s.w, &s.c, "clicks", json_format, ""));
    wait_rows(&s.w, "t", N / 2);
    /* a broker goes and comes, one answers with errors */
    rd_kafka_mock_broker_set_down(s.c.mock, 1);
    rd_kafka_mock_push_request_errors(s.c.mock, 1, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT);
    ov_sleep_ms(300);
    rd_kafka_mock_broker_set_up(s.c.mock, 1);
    send_rows(s.p, "clicks", N / 2 + 1, N);
    totals t = wait_rows(&s.w, "t", N);
    assert_int_equal(t.rows, N);
    assert_int_equal(t.sum, sum_to(N));
    wait_shows(&s.w, OV_KAFKA_STATUS, "\"aggregateLag\":0");
    assert_true(shows(&s.w, OV_KAFKA_STATS, "\"processed\":3000"));
    /* another start, suspended and resumed */
    stop(&s.w);
    start(&s.w);
    OK(ov_kafka_do(s.w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_SUSPEND, (ov_slice){0}, &err));
    assert_true(shows(&s.w, OV_KAFKA_STATUS, "\"state\":\"SUSPENDED\""));
    send_rows(s.p, "clicks", N + 1, N + 30);
    ov_sleep_ms(300);
    assert_int_equal(look(&s.w, "t").rows, N);
    OK(ov_kafka_do(s.w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_RESUME, (ov_slice){0}, &err));
    t = wait_rows(&s.w, "t", N + 30);
    assert_int_equal(t.rows, N + 30);
    assert_int_equal(t.sum, sum_to(N + 30));
    OK(ov_kafka_do(s.w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_TERMINATE, (ov_slice){0}, &err));
    check_fails(ov_kafka_do(s.w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_RESUME, (ov_slice){0}, &err), &err, OV_NOT_FOUND, "any supervisor");
    assert_true(shows(&s.w, OV_KAFKA_HISTORY, "NoopSupervisorSpec"));
    scene_fini(&s);
}

static void test_poison(void **state)
{
    (void)state;
    scene s;
    scene_make(&s, 1, "bad");
    start(&s.w);
    send_text(s.p, "bad", 1, "no json at all {");
    send_text(s.p, "bad", 1, "{\"n\":1}"); /* no time */
    send_rows(s.p, "bad", 1, 30);
    put(&s.w, spec_text(&s.w, &s.c, "bad", "\"inputFormat\":{\"type\":\"json\"},\"deadLetters\":{\"dataSource\":\"dead\"},\"taskCount\":2", ""));
    totals t = wait_rows(&s.w, "t", 30);
    assert_int_equal(t.rows, 30);
    assert_int_equal(t.sum, sum_to(30));
    assert_int_equal(wait_rows(&s.w, "dead", 2).rows, 2);
    wait_shows(&s.w, OV_KAFKA_STATS, "\"unparseable\":2");
    assert_true(shows(&s.w, OV_KAFKA_PARSE_ERRORS, "\"partition\":1,\"offset\":0"));
    assert_true(shows(&s.w, OV_KAFKA_PARSE_ERRORS, "\"partition\":1,\"offset\":1"));
    scene_fini(&s);
}

/* What is asked for and what is there: offsets past the end, and messages dropped before they were read. */
static void test_gaps(void **state)
{
    (void)state;
    scene s;
    scene_make(&s, 1, "gap");
    start(&s.w);
    send_rows(s.p, "gap", 1, 30);
    put(&s.w, spec_text(&s.w, &s.c, "gap", json_format, ""));
    assert_int_equal(wait_rows(&s.w, "t", 30).rows, 30);
    static const char past[] = "{\"type\":\"kafka\",\"partitions\":{\"type\":\"end\",\"stream\":\"gap\",\"partitionOffsetMap\":{\"1\":900}}}";
    OK(ov_kafka_do(s.w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_OFFSETS, ov_slice_cstr(past), &err));
    wait_shows(&s.w, OV_KAFKA_STATUS, "\"state\":\"UNHEALTHY_TASKS\"");
    assert_true(shows(&s.w, OV_KAFKA_STATUS, "\"partition\":1,\"wanted\":900,\"low\":0,\"high\":10}"));
    assert_true(shows(&s.w, OV_KAFKA_HEALTH, "{\"healthy\":false}"));
    send_rows(s.p, "gap", 31, 36); /* the other partitions go on */
    assert_int_equal(wait_rows(&s.w, "t", 34).rows, 34);
    static const char back[] = "{\"type\":\"kafka\",\"partitions\":{\"type\":\"end\",\"stream\":\"gap\",\"partitionOffsetMap\":{\"1\":10}}}";
    OK(ov_kafka_do(s.w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_OFFSETS, ov_slice_cstr(back), &err));
    totals t = wait_rows(&s.w, "t", 36);
    assert_int_equal(t.rows, 36);
    assert_int_equal(t.sum, sum_to(36));
    wait_shows(&s.w, OV_KAFKA_STATUS, "\"state\":\"RUNNING\"");
    /* reset: everything again */
    OK(ov_kafka_do(s.w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_RESET, (ov_slice){0}, &err));
    assert_int_equal(wait_rows(&s.w, "t", 72).rows, 72);
    check_fails(ov_kafka_do(s.w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_OFFSETS, OV_SLICE_LIT("{\"partitions\":{\"partitionOffsetMap\":{\"a\":1}}}"), &err),
                &err, OV_INVALID, "partitions are numbers");
    scene_fini(&s);
}

/* Key, headers and timestamp as columns; several objects in a message; csv with a quote left open. */
static void test_formats(void **state)
{
    (void)state;
    scene s;
    scene_make(&s, 1, "wrapped");
    rd_kafka_mock_topic_create(s.c.mock, "cells", PARTITIONS, 1);
    start(&s.w);
    send_text(s.p, "wrapped", 0, "[{\"__time\":1704067200000,\"n\":1},{\"__time\":1704067200000,\"n\":2}]");
    send_text(s.p, "wrapped", 1, "{\"__time\":1704067200000,\"n\":4} {\"__time\":1704067200000,\"n\":8}");
    put(&s.w, spec_text(&s.w, &s.c, "wrapped",
                      "\"inputFormat\":{\"type\":\"kafka\",\"headerFormat\":{\"type\":\"string\"},\"keyFormat\":{\"type\":\"lines\"},"
                      "\"valueFormat\":{\"type\":\"json\"}}",
                      ""));
    totals t = wait_rows(&s.w, "t", 4);
    assert_int_equal(t.rows, 4);
    assert_int_equal(t.sum, 15);
    ov_snapshot *snap = ov_catalog_snapshot(s.w.cat);
    const ov_datasource *ds = ov_snapshot_find(snap, OV_SLICE_LIT("t"));
    static const char *const wanted[] = {"kafka.key", "kafka.header.source", "kafka.timestamp", "kafka.topic"};
    for (size_t i = 0; i < OV_COUNT_OF(wanted); i++) {
        bool found = false;
        for (uint32_t k = 0; k < ds->column_count; k++)
            found |= ov_slice_eq(ds->columns[k].name, ov_slice_cstr(wanted[i]));
        if (!found)
            fail_msg("there is no column %s", wanted[i]);
    }
    ov_snapshot_release(snap);
    send_text(s.p, "cells", 0, "1704067200000,16");
    send_text(s.p, "cells", 0, "1704067200000,\"17");
    send_text(s.p, "cells", 0, "1704067200000,32\n1704067200000,64");
    put(&s.w, spec_text(&s.w, &s.c, "cells", "\"inputFormat\":{\"type\":\"csv\",\"columns\":[\"__time\",\"n\"],\"tryParseNumbers\":true}", ""));
    t = wait_rows(&s.w, "t", 7);
    assert_int_equal(t.rows, 7);
    assert_int_equal(t.sum, 127);
    wait_shows(&s.w, OV_KAFKA_PARSE_ERRORS, "\"partition\":0,\"offset\":1");
    scene_fini(&s);
}

static void check_refused(world *w, const char *spec, ov_status code, const char *part)
{
    ov_slice id;
    check_fails(ov_kafka_put(w->kafka, ov_slice_cstr(spec), false, &w->arena, &id, &err), &err, code, part);
}

static void test_documents(void **state)
{
    (void)state;
    world w;
    cluster c = {.servers = "127.0.0.1:1"};
    world_make(&w);
    start(&w);
    check_refused(&w, "{\"type\":\"kinesis\"}", OV_UNSUPPORTED, "'kinesis' is not there yet");
    check_refused(&w, "{\"type\":\"kafka\"}", OV_INVALID, "'dataSchema' is missing");
    check_refused(&w, spec_text(&w, &c, "x", "\"inputFormat\":{\"type\":\"avro_stream\"}", ""), OV_UNSUPPORTED, "avro_stream");
    check_refused(&w, spec_text(&w, &c, "x", "\"inputFormat\":{\"type\":\"json\"},\"topicPattern\":\"a.*\"", ""), OV_UNSUPPORTED, "topicPattern");
    check_refused(&w, "{\"type\":\"kafka\",\"spec\":{\"dataSchema\":{\"dataSource\":\"t\"},\"ioConfig\":{\"topic\":\"x\",\"consumerProperties\":"
                      "{\"bootstrap.servers\":\"h:1\",\"sasl.jaas.config\":\"s\"},\"inputFormat\":{\"type\":\"json\"}}}}",
                  OV_INVALID, "sasl.jaas.config");
    put(&w, spec_text(&w, &c, "x", json_format, ""));
    wait_shows(&w, OV_KAFKA_STATUS, "UNABLE_TO_CONNECT_TO_STREAM");
    OK(ov_kafka_do_all(w.kafka, OV_KAFKA_TERMINATE, &err));
    ov_buf b;
    ov_buf_init(&b);
    OK(ov_kafka_print_all(w.kafka, OV_KAFKA_IDS, &b, &err));
    check_slice(ov_buf_slice(&b), "[]");
    ov_buf_fini(&b);
    world_fini(&w);
}

/* ---- ends of the process ---- */

/* Reads on until it is killed; started before the cluster, so that no threads are lost in the fork. */
static pid_t victim(const char *dir, int *go)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid) {
        close(ends[0]);
        *go = ends[1];
        return pid;
    }
    char c;
    close(ends[1]);
    if (read(ends[0], &c, 1) != 1)
        _exit(0);
    world w = {0};
    snprintf(w.dir, sizeof w.dir, "%s", dir);
    start(&w);
    for (;;)
        pause();
}

static void test_kills(void **state)
{
    (void)state;
    enum { KILLS = 5, EACH = 1500, N = KILLS * EACH };
    pid_t pids[KILLS];
    int go[KILLS];
    world w;
    cluster c;
    world_make(&w);
    for (int i = 0; i < KILLS; i++)
        pids[i] = victim(w.dir, &go[i]);
    cluster_open(&c, 1);
    rd_kafka_mock_topic_create(c.mock, "kills", PARTITIONS, 1);
    rd_kafka_t *p = producer_open(&c);
    start(&w);
    put(&w, spec_text(&w, &c, "kills", "\"inputFormat\":{\"type\":\"json\"},\"taskCount\":2", ""));
    stop(&w);
    for (int i = 0; i < KILLS; i++) {
        assert_int_equal(write(go[i], "g", 1), 1);
        for (uint32_t part = 0; part < 5; part++) {
            uint32_t from = (uint32_t)i * EACH + part * (EACH / 5);
            send_rows(p, "kills", from + 1, from + EACH / 5);
            ov_sleep_ms(100 + 90 * i);
        }
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
        close(go[i]);
    }
    start(&w);
    totals t = wait_rows(&w, "t", N);
    wait_shows(&w, OV_KAFKA_STATUS, "\"aggregateLag\":0");
    ov_sleep_ms(300);
    t = look(&w, "t");
    assert_int_equal(t.rows, N);
    assert_int_equal(t.sum, sum_to(N));
    rd_kafka_destroy(p);
    world_fini(&w);
    cluster_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kills),
        cmocka_unit_test(test_exactly_once),
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_poison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
