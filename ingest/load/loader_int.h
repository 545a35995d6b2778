/*
 * Inside of ov_loader: time chunks, their builders and the queue of what is to be sealed.
 *
 *   loader.c         order of splits, books, result
 *   loader_route.c   rows of a split to the builders of their chunks
 *   loader_seal.c    builders to files
 *   loader_arrival.c the order in which rows of keys arrived, kept beside them
 *
 * One mutex guards all of ov_loader; commits run outside it, one at a time, by whoever submits the split that
 * is next in order. Chunks and builders belong to the committing thread, a queued seal job to who takes it.
 */
#pragma once

#include "base/file.h"
#include "base/thread.h"
#include "ingest/load/load.h"
#include "ingest/load/partition.h"
#include "ingest/parse/rows_layout.h"

typedef struct ovi_chunk {
    int64_t start, end;
    ov_segment_builder *builder; /* NULL: nothing open */
    uint32_t bucket, parts;      /* which of how many neighbours that share the chunk's rows */
    uint32_t partition;          /* of the open or next builder */
    size_t bytes;                /* of the builder, as last asked */
    uint32_t split_rows;         /* scratch of loader_route.c */
    /* range_columns: keys of the first and last row of the builder, and whether some cut fell between equal keys */
    ov_slice *first_key, *last_key;
    bool torn;
} ovi_chunk;

/* A builder on its way to a file, then the file. */
typedef struct ovi_sealed {
    int64_t start, end;
    uint32_t bucket, partition;
    size_t bytes;                /* of the builder when it was queued */
    ov_segment_builder *builder; /* NULL once sealed */
    char *path;
    const ov_slice *first_key; /* range_columns: of the first row; NULL otherwise */
    bool torn;                 /* begins with the key the segment before ends with */
    bool done;
    ov_segment_info info;
    ov_build_column *columns;
    ov_map arrival; /* owned until the result has it */
} ovi_sealed;

struct ov_loader {
    ov_load_schema schema;
    ov_load_env env;
    ov_arena arena; /* names, sealed infos; under the mutex */
    ov_arena keys;  /* of ranges; of the committing thread */
    ov_budget budget;
    ov_type *types;

    ov_mutex mutex;
    ov_cond changed; /* a split was committed, a job queued or done, or the load failed */
    uint64_t next_begin, next_commit;
    ov_rows **ring; /* submitted, not yet committed; ring_size slots by sequence */
    uint32_t ring_size;
    size_t ring_bytes; /* of them */
    ov_rows **spare;
    uint32_t spare_count;
    bool committing;
    bool failed;
    bool finished; /* the files belong to the caller */
    bool ended;    /* pulled: nothing is begun any more */
    ov_error err;

    /* of the committing thread */
    ovi_chunk *chunks; /* sorted by start, bucket */
    uint32_t chunk_count, chunk_cap;
    size_t open_bytes;
    uint64_t arrived; /* rows of splits and batches before the one at hand */
    ov_load_counters counters;
    uint32_t file_idx;
    uint64_t line_base;
    ov_arena reject_arena;
    ov_reject *rejects;
    uint32_t reject_count;

    /* jobs: [sealed_next, sealed_count) wait for a thread */
    ovi_sealed *sealed;
    uint32_t sealed_count, sealed_cap, sealed_next, sealed_done;
    uint64_t file_no;
    size_t waiting_bytes; /* of queued builders, those being sealed among them */
    size_t sealing_bytes; /* of those: sealing needs about as much again, so they do not all go at once */
};

/* All rows of the split to their builders. */
OV_CHECKED ov_status ovi_route(ov_loader *l, ov_rows *rows, ov_error *err);
/* The selected rows of a batch in the schema's columns. */
OV_CHECKED ov_status ovi_route_batch(ov_loader *l, const ov_batch *batch, ov_error *err);
/*
 * The next split in input order, its books done; *rows NULL when nothing will come any more (see ovi_loader_end). Waits at
 * most wait_ms: then *rows is NULL and *waiting true. Give it back when done. One thread. Errors as of ov_loader_submit.
 */
OV_CHECKED ov_status ovi_loader_pull(ov_loader *l, int wait_ms, ov_rows **rows, bool *waiting, ov_error *err);
void ovi_loader_give_back(ov_loader *l, ov_rows *rows);
/* No split will be begun any more. */
void ovi_loader_end(ov_loader *l);
/* What waits to become a file leaves room for what comes: whoever wants to read or keep more helps first. Any thread of the
 * load, without the mutex. */
void ovi_make_room(ov_loader *l);
/* The open builder of a chunk joins the queue. */
OV_CHECKED ov_status ovi_seal_queue(ov_loader *l, ovi_chunk *c, ov_error *err);
/* ---- loader_range.c: keys of ranges, when schema.range_columns ---- */
/* Selected rows [at, rows) of the batch: how many of the next selected ones belong into a builder with room for `room`. */
OV_CHECKED ov_status ovi_range_take(ov_loader *l, const ovi_chunk *c, const ov_vec *cols, const uint64_t *sel,
                                    uint32_t at, uint32_t room, uint32_t left, uint32_t *take, ov_error *err);
/* Rows `first` and `last` of the batch were the first and the last added. */
OV_CHECKED ov_status ovi_range_note(ov_loader *l, ovi_chunk *c, const ov_vec *cols, uint32_t first, uint32_t last,
                                    ov_error *err);
/* Shard specs of all segments; they and l->sealed lie in the same order, by chunk and partition. */
OV_CHECKED ov_status ovi_bucket_shards(ov_loader *l, ov_arena *out, ov_load_result *result, ov_error *err);
OV_CHECKED ov_status ovi_range_shards(ov_loader *l, ov_arena *out, ov_load_result *result, ov_error *err);
/* ---- loader_arrival.c ---- */
/* Takes it from the sealed builder of so many rows; nothing when it has none. */
OV_CHECKED ov_status ovi_arrival_keep(ov_segment_builder *b, const char *segment_path, uint32_t rows, ov_map *out, ov_error *err);
/* `out` owns it from now on. *arrival NULL: there is none. */
OV_CHECKED ov_status ovi_arrival_hand_out(ov_map *from, ov_arena *out, const uint64_t **arrival, ov_error *err);
/* Seal one waiting builder, if there is one; false when there was none. Called without the mutex. */
bool ovi_seal_one(ov_loader *l);
void ovi_loader_set_failed(ov_loader *l, const ov_error *err);

static inline bool ovi_loader_cancelled(const ov_loader *l)
{
    return l->env.cancel && atomic_load_explicit(l->env.cancel, memory_order_relaxed);
}
