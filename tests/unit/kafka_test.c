/*
 * Kafka supervisors against librdkafka's mock cluster: every message is a row exactly once, also over ends of the process; what cannot be
 * read is counted; what the broker has lost is told.
 */
#include "tests/unit/harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include "base/file.h"
#include "base/os.h"
#include "ingest/kafka.h"

enum { PARTITIONS = 3, WAIT_MS = 60000 };

static ov_error err;
#define OK(expr) check_ok(expr, &err)

/* ---- the cluster ---- */

typedef struct cluster {
    rd_kafka_t *rk; /* a producer, which the cluster belongs to */
    rd_kafka_mock_cluster_t *mock;
    const char *servers;
} cluster;

static void cluster_open(cluster *c, int brokers)
{
    char why[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "test.mock.num.brokers", "1", why, sizeof why);
    rd_kafka_t *host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    assert_non_null(host);
    c->rk = host;
    c->mock = rd_kafka_mock_cluster_new(host, brokers);
    assert_non_null(c->mock);
    c->servers = rd_kafka_mock_cluster_bootstraps(c->mock);
}

static void cluster_close(cluster *c)
{
    rd_kafka_mock_cluster_destroy(c->mock);
    rd_kafka_destroy(c->rk);
}

static rd_kafka_t *producer_open(const cluster *c)
{
    char why[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", c->servers, why, sizeof why);
    rd_kafka_conf_set(conf, "compression.codec", "lz4", why, sizeof why);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    assert_non_null(rk);
    return rk;
}

static void send_text(rd_kafka_t *rk, const char *topic, int32_t partition, const char *text)
{
    rd_kafka_resp_err_t e = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                              RD_KAFKA_V_VALUE((void *)(uintptr_t)text, strlen(text)),
                                              RD_KAFKA_V_KEY("key-1", 5), RD_KAFKA_V_HEADER("source", "unit", 4),
                                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    assert_int_equal(e, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void send_rows(rd_kafka_t *rk, const char *topic, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n <= to; n++) {
        char text[120];
        snprintf(text, sizeof text, "{\"__time\":%llu,\n\"n\":%u,\"word\":\"w%u\"}", 1704067200000ULL + n * 1000ULL, n, n % 7);
        send_text(rk, topic, (int32_t)(n % PARTITIONS), text);
    }
    assert_int_equal(rd_kafka_flush(rk, WAIT_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* ---- the store ---- */

typedef struct world {
    char dir[64];
    ov_catalog *cat;
    ov_streams *streams;
    ov_kafka *kafka;
    ov_arena arena;
} world;

static void start(world *w)
{
    err = (ov_error)OV_ERROR_INIT;
    OK(ov_catalog_open(w->dir, true, &w->cat, &err));
    ov_streams_config sc = {.catalog = w->cat, .max_rows = 500};
    OK(ov_streams_create(&sc, &w->streams, &err));
    ov_kafka_config kc = {.catalog = w->cat, .streams = w->streams};
    OK(ov_kafka_create(&kc, &w->kafka, &err));
}

static void stop(world *w)
{
    ov_kafka_destroy(w->kafka);
    ov_streams_destroy(w->streams);
    ov_catalog_close(w->cat);
}

static void world_make(world *w)
{
    memset(w, 0, sizeof *w);
    strcpy(w->dir, "/tmp/ovate-kafka-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    ov_arena_init(&w->arena, "test", NULL);
}

static void world_fini(world *w)
{
    stop(w);
    OK(ov_dir_remove_all(w->dir, &err));
    ov_arena_fini(&w->arena);
}

static const char *spec_text(world *w, const cluster *c, const char *topic, const char *io, const char *tuning)
{
    ov_slice text;
    OK(ov_arena_printf(&w->arena, &text, &err,
                       "{\"type\":\"kafka\",\"spec\":{\"dataSchema\":{\"dataSource\":\"t\",\"timestampSpec\":{\"column\":\"__time\","
                       "\"format\":\"auto\"},\"dimensionsSpec\":{\"useSchemaDiscovery\":true},\"granularitySpec\":{"
                       "\"segmentGranularity\":\"DAY\",\"queryGranularity\":\"NONE\",\"rollup\":false}},\"ioConfig\":{"
                       "\"topic\":\"%s\",\"consumerProperties\":{\"bootstrap.servers\":\"%s\"},\"useEarliestOffset\":true,%s},"
                       "\"tuningConfig\":{\"type\":\"kafka\"%s}}}",
                       topic, c->servers, io, tuning));
    return text.p;
}

static const char json_format[] = "\"inputFormat\":{\"type\":\"json\"}";

static void put(world *w, const char *spec)
{
    ov_slice id;
    OK(ov_kafka_put(w->kafka, ov_slice_cstr(spec), false, &w->arena, &id, &err));
    check_slice(id, "t");
}

typedef struct totals {
    uint64_t rows;
    int64_t sum;
} totals;

static totals look(world *w, const char *datasource)
{
    totals t = {0};
    ov_snapshot *snap = ov_catalog_snapshot(w->cat);
    const ov_datasource *ds = ov_snapshot_find(snap, ov_slice_cstr(datasource));
    for (uint32_t i = 0; ds && i < ds->segment_count; i++) {
        ov_segment *seg;
        ov_arena scratch;
        OK(ov_snapshot_open(snap, ds->segments[i], &seg, &err));
        const ov_column *c = ov_segment_find(seg, OV_SLICE_LIT("n"));
        ov_arena_init(&scratch, "read", NULL);
        t.rows += ov_segment_get_info(seg)->rows;
        for (uint32_t b = 0; c && b < ov_column_get_info(c)->blocks; b++) {
            ov_vec v;
            OK(ov_column_read(c, b, &scratch, &v, &err));
            for (uint32_t k = 0; k < v.rows; k++)
                if (!ov_vec_is_null(&v, k))
                    t.sum += ov_vec_i64(&v, k);
        }
        ov_arena_fini(&scratch);
        ov_segment_release(seg);
    }
    ov_snapshot_release(snap);
    return t;
}

static totals wait_rows(world *w, const char *datasource, uint64_t rows)
{
    totals t = look(w, datasource);
    for (int64_t end = ov_now_ms() + WAIT_MS; t.rows < rows && ov_now_ms() < end; t = look(w, datasource))
        ov_sleep_ms(50);
    return t;
}

static ov_slice view(world *w, ov_kafka_view what)
{
    ov_buf b;
    ov_slice text;
    ov_buf_init(&b);
    OK(ov_kafka_print(w->kafka, OV_SLICE_LIT("t"), what, &b, NULL, &err));
    OK(ov_arena_copy(&w->arena, ov_buf_slice(&b), &text, &err));
    ov_buf_fini(&b);
    return text;
}

static bool shows(world *w, ov_kafka_view what, const char *part)
{
    ov_slice text = view(w, what);
    return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

static void wait_shows(world *w, ov_kafka_view what, const char *part)
{
    for (int64_t end = ov_now_ms() + WAIT_MS; !shows(w, what, part) && ov_now_ms() < end;)
        ov_sleep_ms(50);
    if (!shows(w, what, part))
        fail_msg("no %s in " OV_SLICE_FMT, part, OV_SLICE_ARG(view(w, what)));
}

static int64_t sum_to(int64_t n)
{
    return n * (n + 1) / 2;
}

/* ---- tests ---- */

static void test_exactly_once(void **state)
{
    (void)state;
    enum { N = 3000 };
    world w;
    cluster c;
    cluster_open(&c, 3);
    rd_kafka_mock_topic_create(c.mock, "clicks", PARTITIONS, 3);
    rd_kafka_t *p = producer_open(&c);
    world_make(&w);
    start(&w);
    send_rows(p, "clicks", 1, N / 2);
    put(&w, spec_text(&w, &c, "clicks", json_format, ""));
    wait_rows(&w, "t", N / 2);
    /* a broker goes and comes, one answers with errors */
    rd_kafka_mock_broker_set_down(c.mock, 1);
    rd_kafka_mock_push_request_errors(c.mock, 1, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT);
    ov_sleep_ms(300);
    rd_kafka_mock_broker_set_up(c.mock, 1);
    send_rows(p, "clicks", N / 2 + 1, N);
    totals t = wait_rows(&w, "t", N);
    assert_int_equal(t.rows, N);
    assert_int_equal(t.sum, sum_to(N));
    wait_shows(&w, OV_KAFKA_STATUS, "\"aggregateLag\":0");
    assert_true(shows(&w, OV_KAFKA_STATS, "\"processed\":3000"));
    /* another start, suspended and resumed */
    stop(&w);
    start(&w);
    OK(ov_kafka_do(w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_SUSPEND, (ov_slice){0}, &err));
    assert_true(shows(&w, OV_KAFKA_STATUS, "\"state\":\"SUSPENDED\""));
    send_rows(p, "clicks", N + 1, N + 30);
    ov_sleep_ms(300);
    assert_int_equal(look(&w, "t").rows, N);
    OK(ov_kafka_do(w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_RESUME, (ov_slice){0}, &err));
    t = wait_rows(&w, "t", N + 30);
    assert_int_equal(t.rows, N + 30);
    assert_int_equal(t.sum, sum_to(N + 30));
    OK(ov_kafka_do(w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_TERMINATE, (ov_slice){0}, &err));
    check_fails(ov_kafka_do(w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_RESUME, (ov_slice){0}, &err), &err, OV_NOT_FOUND, "any supervisor");
    assert_true(shows(&w, OV_KAFKA_HISTORY, "NoopSupervisorSpec"));
    rd_kafka_destroy(p);
    world_fini(&w);
    cluster_close(&c);
}

static void test_poison(void **state)
{
    (void)state;
    world w;
    cluster c;
    cluster_open(&c, 1);
    rd_kafka_mock_topic_create(c.mock, "bad", PARTITIONS, 1);
    rd_kafka_t *p = producer_open(&c);
    world_make(&w);
    start(&w);
    send_text(p, "bad", 1, "no json at all {");
    send_text(p, "bad", 1, "{\"n\":1}"); /* no time */
    send_rows(p, "bad", 1, 30);
    put(&w, spec_text(&w, &c, "bad", "\"inputFormat\":{\"type\":\"json\"},\"deadLetters\":{\"dataSource\":\"dead\"},\"taskCount\":2", ""));
    totals t = wait_rows(&w, "t", 30);
    assert_int_equal(t.rows, 30);
    assert_int_equal(t.sum, sum_to(30));
    assert_int_equal(wait_rows(&w, "dead", 2).rows, 2);
    wait_shows(&w, OV_KAFKA_STATS, "\"unparseable\":2");
    assert_true(shows(&w, OV_KAFKA_PARSE_ERRORS, "\"partition\":1,\"offset\":0"));
    assert_true(shows(&w, OV_KAFKA_PARSE_ERRORS, "\"partition\":1,\"offset\":1"));
    rd_kafka_destroy(p);
    world_fini(&w);
    cluster_close(&c);
}

/* What is asked for and what is there: offsets past the end, and messages dropped before they were read. */
static void test_gaps(void **state)
{
    (void)state;
    world w;
    cluster c;
    cluster_open(&c, 1);
    rd_kafka_mock_topic_create(c.mock, "gap", PARTITIONS, 1);
    rd_kafka_t *p = producer_open(&c);
    world_make(&w);
    start(&w);
    send_rows(p, "gap", 1, 30);
    put(&w, spec_text(&w, &c, "gap", json_format, ""));
    assert_int_equal(wait_rows(&w, "t", 30).rows, 30);
    static const char past[] = "{\"type\":\"kafka\",\"partitions\":{\"type\":\"end\",\"stream\":\"gap\",\"partitionOffsetMap\":{\"1\":900}}}";
    OK(ov_kafka_do(w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_OFFSETS, ov_slice_cstr(past), &err));
    wait_shows(&w, OV_KAFKA_STATUS, "\"state\":\"UNHEALTHY_TASKS\"");
    assert_true(shows(&w, OV_KAFKA_STATUS, "\"partition\":1,\"wanted\":900,\"low\":0,\"high\":10}"));
    assert_true(shows(&w, OV_KAFKA_HEALTH, "{\"healthy\":false}"));
    send_rows(p, "gap", 31, 36); /* the other partitions go on */
    assert_int_equal(wait_rows(&w, "t", 34).rows, 34);
    static const char back[] = "{\"type\":\"kafka\",\"partitions\":{\"type\":\"end\",\"stream\":\"gap\",\"partitionOffsetMap\":{\"1\":10}}}";
    OK(ov_kafka_do(w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_OFFSETS, ov_slice_cstr(back), &err));
    totals t = wait_rows(&w, "t", 36);
    assert_int_equal(t.rows, 36);
    assert_int_equal(t.sum, sum_to(36));
    wait_shows(&w, OV_KAFKA_STATUS, "\"state\":\"RUNNING\"");
    /* reset: everything again */
    OK(ov_kafka_do(w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_RESET, (ov_slice){0}, &err));
    assert_int_equal(wait_rows(&w, "t", 72).rows, 72);
    check_fails(ov_kafka_do(w.kafka, OV_SLICE_LIT("t"), OV_KAFKA_OFFSETS, OV_SLICE_LIT("{\"partitions\":{\"partitionOffsetMap\":{\"a\":1}}}"), &err),
                &err, OV_INVALID, "partitions are numbers");
    rd_kafka_destroy(p);
    world_fini(&w);
    cluster_close(&c);
}

/* Key, headers and timestamp as columns; several objects in a message; csv with a quote left open. */
static void test_formats(void **state)
{
    (void)state;
    world w;
    cluster c;
    cluster_open(&c, 1);
    rd_kafka_mock_topic_create(c.mock, "wrapped", PARTITIONS, 1);
    rd_kafka_mock_topic_create(c.mock, "cells", PARTITIONS, 1);
    rd_kafka_t *p = producer_open(&c);
    world_make(&w);
    start(&w);
    send_text(p, "wrapped", 0, "[{\"__time\":1704067200000,\"n\":1},{\"__time\":1704067200000,\"n\":2}]");
    send_text(p, "wrapped", 1, "{\"__time\":1704067200000,\"n\":4} {\"__time\":1704067200000,\"n\":8}");
    put(&w, spec_text(&w, &c, "wrapped",
                      "\"inputFormat\":{\"type\":\"kafka\",\"headerFormat\":{\"type\":\"string\"},\"keyFormat\":{\"type\":\"lines\"},"
                      "\"valueFormat\":{\"type\":\"json\"}}",
                      ""));
    totals t = wait_rows(&w, "t", 4);
    assert_int_equal(t.rows, 4);
    assert_int_equal(t.sum, 15);
    ov_snapshot *snap = ov_catalog_snapshot(w.cat);
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
    send_text(p, "cells", 0, "1704067200000,16");
    send_text(p, "cells", 0, "1704067200000,\"17");
    send_text(p, "cells", 0, "1704067200000,32\n1704067200000,64");
    put(&w, spec_text(&w, &c, "cells", "\"inputFormat\":{\"type\":\"csv\",\"columns\":[\"__time\",\"n\"],\"tryParseNumbers\":true}", ""));
    t = wait_rows(&w, "t", 7);
    assert_int_equal(t.rows, 7);
    assert_int_equal(t.sum, 127);
    wait_shows(&w, OV_KAFKA_PARSE_ERRORS, "\"partition\":0,\"offset\":1");
    rd_kafka_destroy(p);
    world_fini(&w);
    cluster_close(&c);
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
