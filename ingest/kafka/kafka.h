/*
 * Kafka supervisors: topics that are read all the time into streams, exactly once.
 *
 * A supervisor is Druid's document {"type": "kafka", "spec": {"dataSchema", "ioConfig", "tuningConfig"}}. Its readers take
 * batches of messages and push them (ingest/stream/stream.h); the offset behind the batch is a mark of the push, so rows and
 * offsets lie in one record of the log and go into one transaction of the catalog. After a start a partition goes on at its mark.
 * Specs and their history are cursors "supervisor/<id>", what is known of the state lies in "supervisor-state/<id>".
 *
 * Threads: every call from any thread, but create and destroy.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "ingest/stream/stream.h"

typedef struct ov_kafka ov_kafka;

typedef struct ov_kafka_config {
    ov_catalog *catalog; /* a writer; outlives the supervisors, as do the streams */
    ov_streams *streams;
} ov_kafka_config;

/* Starts every supervisor that was not terminated. A document that cannot be read any more is left alone and logged. */
OV_CHECKED ov_status ov_kafka_create(const ov_kafka_config *config, ov_kafka **out, ov_error *err);
/* Readers stop; what they have not pushed is read again by the next start. NULL is fine. */
void ov_kafka_destroy(ov_kafka *k);

/*
 * Add, or replace the one with this id; *id lives in `out`. With `only_changed` the same document again does nothing.
 *
 * Errors   OV_INVALID, OV_UNSUPPORTED: with the JSON path or the property of the client at fault.
 */
OV_CHECKED ov_status ov_kafka_put(ov_kafka *k, ov_slice json, bool only_changed, ov_arena *out, ov_slice *id, ov_error *err);

typedef enum ov_kafka_act {
    OV_KAFKA_SUSPEND,
    OV_KAFKA_RESUME,
    OV_KAFKA_TERMINATE, /* it is gone; history and offsets stay */
    OV_KAFKA_RESET,     /* forget all offsets: start again where a first start would */
    OV_KAFKA_OFFSETS,   /* go on at the offsets of Druid's resetOffsets document */
} ov_kafka_act;

/* OV_NOT_FOUND. `body` is of OV_KAFKA_OFFSETS alone. */
OV_CHECKED ov_status ov_kafka_do(ov_kafka *k, ov_slice id, ov_kafka_act act, ov_slice body, ov_error *err);
OV_CHECKED ov_status ov_kafka_do_all(ov_kafka *k, ov_kafka_act act, ov_error *err);

typedef enum ov_kafka_view {
    OV_KAFKA_SPEC,
    OV_KAFKA_STATUS,
    OV_KAFKA_STATE, /* ours: state, detailedState, healthy, lag, lagSeconds */
    OV_KAFKA_STATS,
    OV_KAFKA_HEALTH,
    OV_KAFKA_HISTORY, /* also of those that were terminated */
    OV_KAFKA_PARSE_ERRORS,
} ov_kafka_view;

/* OV_NOT_FOUND. *healthy may be NULL. */
OV_CHECKED ov_status ov_kafka_print(ov_kafka *k, ov_slice id, ov_kafka_view view, ov_buf *json, bool *healthy, ov_error *err);

typedef enum ov_kafka_list {
    OV_KAFKA_IDS,
    OV_KAFKA_STATES,
    OV_KAFKA_FULL,
    OV_KAFKA_HISTORIES,
} ov_kafka_list;
/* All supervisors that are there; HISTORIES: also those that were terminated. */
OV_CHECKED ov_status ov_kafka_print_all(ov_kafka *k, ov_kafka_list what, ov_buf *json, ov_error *err);

/* Prometheus text. */
void ov_kafka_metrics(ov_kafka *k, ov_buf *out);
