/*
 * What the tests of Kafka supervisors share: librdkafka's mock cluster, a store with supervisors, and waiting for what should come to pass.
 */
#pragma once

#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include "base/file.h"
#include "base/os.h"
#include "ingest/kafka/kafka.h"

enum { PARTITIONS = 3, WAIT_MS = 60000 };

static ov_error err;
#define OK(expr) check_ok(expr, &err)

/* ---- the cluster ---- */

typedef struct cluster {
    rd_kafka_t *rk; /* a producer, which the cluster belongs to */
    rd_kafka_mock_cluster_t *mock;
    const char *servers;
} cluster;

static inline void cluster_open(cluster *c, int brokers)
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

static inline void cluster_close(cluster *c)
{
    rd_kafka_mock_cluster_destroy(c->mock);
    rd_kafka_destroy(c->rk);
}

static inline rd_kafka_t *producer_open(const cluster *c)
{
    char why[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", c->servers, why, sizeof why);
    rd_kafka_conf_set(conf, "compression.codec", "lz4", why, sizeof why);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    assert_non_null(rk);
    return rk;
}

static inline void send_text(rd_kafka_t *rk, const char *topic, int32_t partition, const char *text)
{
    rd_kafka_resp_err_t e = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                              RD_KAFKA_V_VALUE((void *)(uintptr_t)text, strlen(text)),
                                              RD_KAFKA_V_KEY("key-1", 5), RD_KAFKA_V_HEADER("source", "unit", 4),
                                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    assert_int_equal(e, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static inline void send_rows(rd_kafka_t *rk, const char *topic, uint32_t from, uint32_t to)
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
    size_t memory_bytes; /* of the streams; 0: the default */
} world;

static inline void start(world *w)
{
    err = (ov_error)OV_ERROR_INIT;
    OK(ov_catalog_open(w->dir, true, &w->cat, &err));
    ov_streams_config sc = {.catalog = w->cat, .max_rows = 500, .memory_bytes = w->memory_bytes};
    OK(ov_streams_create(&sc, &w->streams, &err));
    ov_kafka_config kc = {.catalog = w->cat, .streams = w->streams};
    OK(ov_kafka_create(&kc, &w->kafka, &err));
}

static inline void stop(world *w)
{
    ov_kafka_destroy(w->kafka);
    ov_streams_destroy(w->streams);
    ov_catalog_close(w->cat);
}

static inline void world_make(world *w)
{
    memset(w, 0, sizeof *w);
    strcpy(w->dir, "/tmp/ovate-kafka-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    ov_arena_init(&w->arena, "test", NULL);
}

static inline void world_fini(world *w)
{
    stop(w);
    OK(ov_dir_remove_all(w->dir, &err));
    ov_arena_fini(&w->arena);
}

static inline const char *spec_text(world *w, const cluster *c, const char *topic, const char *io, const char *tuning)
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

static inline void put(world *w, const char *spec)
{
    ov_slice id;
    OK(ov_kafka_put(w->kafka, ov_slice_cstr(spec), false, &w->arena, &id, &err));
    check_slice(id, "t");
}

typedef struct totals {
    uint64_t rows;
    int64_t sum;
} totals;

static inline totals look(world *w, const char *datasource)
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

static inline totals wait_rows(world *w, const char *datasource, uint64_t rows)
{
    totals t = look(w, datasource);
    for (int64_t end = ov_now_ms() + WAIT_MS; t.rows < rows && ov_now_ms() < end; t = look(w, datasource))
        ov_sleep_ms(50);
    return t;
}

static inline ov_slice view(world *w, ov_kafka_view what)
{
    ov_buf b;
    ov_slice text;
    ov_buf_init(&b);
    OK(ov_kafka_print(w->kafka, OV_SLICE_LIT("t"), what, &b, NULL, &err));
    OK(ov_arena_copy(&w->arena, ov_buf_slice(&b), &text, &err));
    ov_buf_fini(&b);
    return text;
}

static inline bool shows(world *w, ov_kafka_view what, const char *part)
{
    ov_slice text = view(w, what);
    return memmem(text.p, text.n, part, strlen(part)) != NULL;
}

static inline void wait_shows(world *w, ov_kafka_view what, const char *part)
{
    for (int64_t end = ov_now_ms() + WAIT_MS; !shows(w, what, part) && ov_now_ms() < end;)
        ov_sleep_ms(50);
    if (!shows(w, what, part))
        fail_msg("no %s in " OV_SLICE_FMT, part, OV_SLICE_ARG(view(w, what)));
}

static inline int64_t sum_to(int64_t n)
{
    return n * (n + 1) / 2;
}

/* ---- all of it ---- */

typedef struct scene {
    world w;
    cluster c;
    rd_kafka_t *p; /* a producer */
} scene;

/* A cluster with this topic, and a store that has not started. */
static inline void scene_make(scene *s, int brokers, const char *topic)
{
    cluster_open(&s->c, brokers);
    rd_kafka_mock_topic_create(s->c.mock, topic, PARTITIONS, brokers);
    s->p = producer_open(&s->c);
    world_make(&s->w);
}

static inline void scene_fini(scene *s)
{
    rd_kafka_destroy(s->p);
    world_fini(&s->w);
    cluster_close(&s->c);
}
