/*
 * Streams: rows that arrive now, in the next query's answer, durable before they are acknowledged, in published segments
 * later. One stream per datasource; it comes into being with the first rows.
 *
 *   push -> an immutable piece in memory + a record of the log -> (synced) -> visible and acknowledged
 *        -> merged with its neighbours -> handed over: one commit publishes segments and takes the pieces away
 *
 * What belongs to the rows and must not be lost or applied twice (ids of batches, places in a source) travels with
 * the piece: in the log's record first, in the catalog's transaction of the hand-over later. docs/streams.md has the whole
 * argument, docs/decisions/0004-streams.md why it is made like this.
 *
 * Threads: every call from any thread, but create and destroy.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "storage/catalog/catalog.h"

typedef struct ov_streams ov_streams;

typedef struct ov_streams_config {
    ov_catalog *catalog; /* a writer; outlives the streams */
    const struct ov_transform_ops *transforms; /* see load.h; NULL: specs with transforms are refused */
    size_t memory_bytes;    /* of all rows in memory; 0: 512 MiB. More rows are refused (OV_BUSY) until some are published */
    uint64_t max_body_bytes; /* of one push, decompressed; 0: 256 MiB */
    uint64_t log_file_bytes; /* see wal.h */
    int64_t age_ms;         /* pieces older than this are handed over; 0: 10 minutes */
    uint32_t max_rows;      /* of a stream in memory before a hand-over; 0: 5 million */
    const struct ov_disk_guard *disk; /* pushes are refused while it says so; NULL: never */
    int64_t batch_age_ms;   /* ids of batches that were published longer ago are forgotten; 0: 30 days */
    uint64_t batch_count;   /* of a datasource: past it the oldest are forgotten, but none of the last hour; 0: a million */
    bool paused;            /* no threads of its own: nothing is merged or published until asked (tests) */
} ov_streams_config;

/* Replays the log. Errors: OV_CORRUPT with the place; see wal.h. */
OV_CHECKED ov_status ov_streams_create(const ov_streams_config *config, ov_streams **out, ov_error *err);
/* Nobody may be inside. What is in memory stays in the log for the next start. NULL is fine. */
void ov_streams_destroy(ov_streams *s);

/* ---- rows in ---- */

typedef enum ov_push_format {
    OV_PUSH_JSON, /* one object per line, objects over several lines, or an array of objects */
    OV_PUSH_CSV,  /* the first line names the columns, unless the stream's spec does */
    OV_PUSH_TSV,
} ov_push_format;

struct ov_push_result;

/* A place in a source that moves with the rows: any two texts. After a start ov_streams_mark says how far it is. */
typedef struct ov_stream_mark {
    ov_slice key, value;
} ov_stream_mark;

typedef struct ov_push {
    ov_slice datasource;
    ov_slice batch; /* of this datasource; empty: none */
    ov_slice body;  /* gzip and zstd are recognised by their first bytes */
    ov_push_format format;
    const ov_stream_mark *marks;
    uint32_t mark_count;
    bool line_each;       /* JSON: no object goes over a line's end, whatever the first line looks like */
    uint32_t max_rejects; /* how many of the rejected are told of; 0: ten */
    bool no_notes;        /* told are rejected rows alone, not those with a value that was taken as NULL */
    bool within; /* made by `before` of another push, whose room it shares: it is never refused for want of memory */
    /* Called when it is known which rows are rejected, before any is durable; what it fails with ends the push. NULL is fine. */
    ov_status (*before)(void *self, const struct ov_push_result *result, ov_error *err);
    void *self;
} ov_push;

typedef struct ov_push_result {
    uint64_t rows, rejected, filtered, with_errors;
    bool duplicate; /* this batch is there already: the counts are those of the first time */
    const struct ov_reject *rejects; /* samples; in the arena */
    uint32_t reject_count;
} ov_push_result;

/*
 * Returns when the rows are durable and visible.
 *
 * Errors   OV_INVALID: name, body or format; OV_EXISTS: the batch id was used with other rows; OV_BUSY: no room until rows
 *          in memory are published, try again later; OV_LIMIT: the body is too large; OV_IO: the log cannot take the rows
 *          (a full disk, a failed sync). With OV_IO nobody knows whether the next start finds them, if a sync failed; the
 *          same batch id again will tell.
 */
OV_CHECKED ov_status ov_streams_push(ov_streams *s, const ov_push *push, ov_arena *out, ov_push_result *result,
                                     ov_error *err);
/* What a source that chooses the size of its bodies should push at once: several such bodies have room beside each other. */
size_t ov_streams_body_bytes(const ov_streams *s);
/* The value that went with the last durable rows; empty when there is none. */
OV_CHECKED ov_status ov_streams_mark(ov_streams *s, ov_slice datasource, ov_slice key, ov_arena *out, ov_slice *value,
                                     ov_error *err);

/* ---- how a stream reads its rows ---- */

/* {"dataSchema": {...}, "inputFormat": {...}, "tuningConfig": {...}} as in a batch spec; rows in memory are handed over
 * first. OV_INVALID, OV_UNSUPPORTED: with the JSON path. */
OV_CHECKED ov_status ov_streams_declare(ov_streams *s, ov_slice datasource, ov_slice json, ov_error *err);
/* As declared; empty when nobody did. For tests. */
OV_CHECKED ov_status ov_streams_declared(ov_streams *s, ov_slice datasource, ov_arena *out, ov_slice *json, ov_error *err);

/* ---- out of memory ---- */

/* Publish what the stream holds now, and wait for it. Fine when it holds nothing. */
OV_CHECKED ov_status ov_streams_flush(ov_streams *s, ov_slice datasource, ov_error *err);
/* Merge small neighbours once, wherever that is due. For tests and `paused`. */
OV_CHECKED ov_status ov_streams_merge(ov_streams *s, ov_error *err);

/* Put small segments of its time chunks together, wherever that is due. For tests and `paused`. */
OV_CHECKED ov_status ov_streams_compact(ov_streams *s, ov_slice datasource, ov_error *err);

/* ---- looking ---- */

/* One stream as JSON; OV_NOT_FOUND. An empty name: all as an array. */
OV_CHECKED ov_status ov_streams_print(ov_streams *s, ov_slice datasource, ov_buf *json, ov_error *err);
/* Prometheus text. */
void ov_streams_metrics(ov_streams *s, ov_buf *out);
