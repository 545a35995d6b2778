/*
 * Private to ingest/kafka/kafka*.c: supervisors, their readers, and what is shown of both.
 *
 *   kafka.c        life, what people ask for        kafka_spec.c   the document
 *   kafka_task.c   a reader: the thread             kafka_place.c  partitions, where they stand, gaps
 *   kafka_body.c   messages as the body of a push   kafka_push.c   a batch into the stream
 *   kafka_keep.c   what the catalog keeps           kafka_view.c   status, metrics
 *
 * ov_kafka.change is held over a whole change of a supervisor, ov_kafka.lock over fields that views show. The second comes
 * after the first; neither is held while the network or the log is waited for, but that a change waits for its readers to stop.
 */
#pragma once

#include <stdatomic.h>
#include "base/json.h"
#include "base/thread.h"
#include "ingest/kafka/kafka.h"

struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_queue_s;
struct rd_kafka_topic_s;
struct rd_kafka_message_s;

typedef enum ovi_kafka_key {
    OVI_KAFKA_KEY_NONE,
    OVI_KAFKA_KEY_TEXT,  /* as it is */
    OVI_KAFKA_KEY_CELL,  /* up to the first delimiter */
    OVI_KAFKA_KEY_JSON,  /* the first member */
} ovi_kafka_key;

/* Columns that the input format `kafka` adds to those of the value. */
typedef struct ovi_kafka_envelope {
    bool on;
    ov_slice timestamp, topic, key, header_prefix;
    ovi_kafka_key key_kind;
    char key_delimiter;
    bool headers;
} ovi_kafka_envelope;

typedef struct ovi_kafka_spec {
    const ov_json *doc;
    ov_slice id, datasource, topic;
    const ov_json *properties; /* of the client */
    ov_slice stream; /* the document for ov_streams_declare */
    ov_push_format format;
    char delimiter; /* csv: its last byte */
    ovi_kafka_envelope envelope;
    uint32_t tasks;
    bool earliest, suspended, reset_automatically;
    uint64_t max_parse_exceptions;
    ov_slice dead_letters; /* datasource for messages that could not be read; empty: they are only counted */
} ovi_kafka_spec;

typedef struct ovi_kafka_part {
    int32_t id;
    bool placed;  /* `next` is known and durable */
    bool halted;  /* a gap that nobody has settled */
    bool lost;    /* the broker does not have `next` */
    bool led;     /* some broker answers for it; the thread's */
    int64_t next; /* the first offset whose rows are not durable */
    int64_t read; /* the first one that was not taken from the client */
    int64_t low, high; /* of the broker; high -1: not known yet */
    int64_t last_ms;   /* timestamp of the last message that is durable; 0: none since the start */
    int64_t placed_ms; /* when `next` became known */
    int64_t odd_ms;    /* the thread's, monotonic: since when all looks agree on what would cost rows; 0: the last one did not */
} ovi_kafka_part;

typedef struct ovi_kafka_task {
    struct ovi_kafka_sup *sup;
    uint32_t number;
    ov_thread thread;
    struct rd_kafka_s *rk; /* the thread's */
    struct rd_kafka_queue_s *queue;
    struct rd_kafka_topic_s *topic;
    struct rd_kafka_message_s **messages; /* of the batch */
    uint32_t message_count;
    size_t message_bytes;
    size_t typical_bytes; /* of a message of the last batch; 0: there was none */
    uint32_t look_from;   /* the partition that the next look begins with */
    int64_t looked_ms;
    bool assign; /* what is read has changed */
    /* under the lock: */
    ovi_kafka_part *parts;
    uint32_t part_count, part_cap;
    int64_t started_ms;
    bool connected, was_connected, throttled;
} ovi_kafka_task;

typedef struct ovi_kafka_trouble {
    int64_t ms;
    bool stream; /* of the cluster, not ours */
    char text[400];
} ovi_kafka_trouble;

typedef struct ovi_kafka_gap {
    int32_t partition;
    int64_t wanted, low, high, ms, resumed; /* resumed: -1 while nobody settled it */
} ovi_kafka_gap;

typedef struct ovi_kafka_poison {
    int32_t partition;
    int64_t offset, ms;
    char reason[200];
} ovi_kafka_poison;

enum { OVI_KAFKA_KEPT = 20 }; /* troubles, gaps and messages that are shown */

typedef struct ovi_kafka_sup {
    struct ovi_kafka_sup *next;
    struct ov_kafka *owner;
    ov_arena arena;
    ovi_kafka_spec spec;
    ovi_kafka_task *tasks; /* spec.tasks; none run while suspended */
    _Atomic bool stop;
    /* under the lock; rings: the newest is at (count - 1) % OVI_KAFKA_KEPT */
    bool stopped_by_poison;
    uint64_t rows, filtered, rejected, with_errors, bytes, empty, dead_letters;
    int64_t offsets_ms;
    ovi_kafka_trouble troubles[OVI_KAFKA_KEPT];
    uint64_t trouble_count;
    ovi_kafka_gap gaps[OVI_KAFKA_KEPT];
    uint64_t gap_count, gap_records;
    ovi_kafka_poison poison[OVI_KAFKA_KEPT];
    uint64_t poison_count;
    char kept_state[600]; /* as the catalog has it */
} ovi_kafka_sup;

struct ov_kafka {
    ov_kafka_config config;
    ov_mutex change, lock;
    ovi_kafka_sup *sups; /* by id */
};

/* ---- kafka_spec.c ---- */
OV_CHECKED ov_status ovi_kafka_spec_read(ov_slice json, ov_arena *out, ovi_kafka_spec *spec, ov_error *err);

/* ---- kafka_task.c ---- */
/* A conf with the document's properties and ours; the caller's, unless it is given to a client. */
OV_CHECKED ov_status ovi_kafka_conf(const ovi_kafka_spec *spec, struct rd_kafka_conf_s **out, ov_error *err);
OV_CHECKED ov_status ovi_kafka_tasks_start(ovi_kafka_sup *s, ov_error *err);
void ovi_kafka_tasks_stop(ovi_kafka_sup *s); /* and waits */
void ovi_kafka_trouble_add(ovi_kafka_sup *s, bool stream, const char *fmt, ...) OV_PRINTF(3, 4);
/* False when it is time to stop. */
bool ovi_kafka_sleep(const ovi_kafka_sup *s, int64_t ms);

/* ---- kafka_place.c ---- */
/* New partitions, watermarks, gaps. Failures are troubles; the next look tries again. */
void ovi_kafka_look(ovi_kafka_task *t);
/* While a batch waits for room: what the brokers have by now, so that the lag is seen to grow. */
void ovi_kafka_watch(ovi_kafka_task *t);
ovi_kafka_part *ovi_kafka_part_of(ovi_kafka_task *t, int32_t id);
OV_CHECKED ov_status ovi_kafka_mark_key(const ovi_kafka_spec *spec, int32_t partition, ov_arena *a, ov_slice *key, ov_error *err);
/* The partition's mark in this datasource (that of the rows, or that of the dead letters) as an offset; -1: there is none. */
OV_CHECKED ov_status ovi_kafka_mark_get(ovi_kafka_sup *s, ov_slice datasource, int32_t partition, int64_t *offset, ov_error *err);
/* Of the rows, and of the dead letters if those have one. Durable when it returns; -1 forgets. */
OV_CHECKED ov_status ovi_kafka_mark_put(ovi_kafka_sup *s, int32_t partition, int64_t offset, ov_error *err);

/* ---- kafka_body.c ---- */
typedef struct ovi_kafka_body {
    ov_buf text;
    uint64_t *lines; /* of each message: the line it begins on, from 1; in the arena */
    bool *spoiled;   /* of each message: it would run into the next one, and is left out; in the arena */
    uint64_t empty;  /* messages without a value */
} ovi_kafka_body;
OV_CHECKED ov_status ovi_kafka_body_make(const ovi_kafka_spec *spec, struct rd_kafka_message_s *const *messages, uint32_t count,
                                         ov_arena *a, ovi_kafka_body *body, ov_error *err);
/* For tests and the fuzzer: one message's value on lines of its own. */
void ovi_kafka_value_lines(const ovi_kafka_spec *spec, ov_slice value, ov_slice extra, ov_buf *out);

/* ---- kafka_push.c ---- */
/* The task's batch becomes durable, all of it or up to where it was told to stop; the messages are given back. */
void ovi_kafka_push_batch(ovi_kafka_task *t);

/* ---- kafka_keep.c ---- */
OV_CHECKED ov_status ovi_kafka_keep(ov_kafka *k, ov_slice id, const ov_json *spec, bool active, ov_error *err);
/* The newest document; *active false when it was terminated. OV_NOT_FOUND. */
OV_CHECKED ov_status ovi_kafka_kept(ov_kafka *k, ov_slice id, ov_arena *a, const ov_json **history, bool *active, ov_error *err);
void ovi_kafka_keep_state(ovi_kafka_sup *s);

/* ---- kafka_view.c ---- */
typedef struct ovi_kafka_state {
    const char *state, *detail;
    bool healthy;
} ovi_kafka_state;
ovi_kafka_state ovi_kafka_state_of(const ovi_kafka_sup *s); /* under the lock */
