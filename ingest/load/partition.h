/*
 * Dividing the rows of a time chunk by the values of some dimensions: `hashed`, `range` and `single_dim` of partitionsSpec.
 *
 * A pass over the input counts the rows of each chunk and takes samples of their keys; from these each chunk gets its
 * number of buckets, and for ranges the keys between them. The load itself then gives every row to the builder of its bucket.
 * What a segment covers is true whatever the samples were: they only decide how even the buckets are.
 *
 *   init -> see(split)* -> settle -> bucket(row)*
 *
 * Dimensions must be plain strings. A row with several values for one of them belongs to no bucket in particular; then the
 * rows are still divided, but nothing is claimed of the segments (`vague`).
 *
 * Threads: see and settle one at a time; then read-only but for `vague`, which the committing thread sets.
 */
#pragma once

#include "base/period.h"
#include "ingest/parse/rows_layout.h"
#include "ingest/spec/spec.h"
#include "storage/build/segment_builder.h"
#include "storage/catalog/shard.h"

typedef struct ovi_part_chunk {
    int64_t start;
    uint64_t rows;
    ov_slice *samples; /* keys, count x columns */
    uint32_t sample_count;
    uint32_t buckets;
    const ov_slice *bounds; /* range: buckets - 1 keys; bucket b covers [bounds[b-1], bounds[b]) */
} ovi_part_chunk;

typedef struct ovi_partitioner {
    ov_shard_kind kind;
    const uint32_t *columns; /* of the load */
    uint32_t column_count;
    const ov_slice *names;
    uint64_t target_rows;
    uint32_t fixed_buckets; /* numShards; 0: by target_rows */
    ov_gran gran;
    ov_arena arena;
    ovi_part_chunk *chunks; /* by start */
    uint32_t chunk_count, chunk_cap, last;
    uint64_t random;
    bool vague;
} ovi_partitioner;

void ovi_partitioner_init(ovi_partitioner *p, const ov_gran *gran);
void ovi_partitioner_fini(ovi_partitioner *p);
/* As the spec's partitionsSpec says. False: rows are divided by number alone, also because some dimension is no string. */
OV_CHECKED ov_status ovi_partitioner_choose(ovi_partitioner *p, const ov_spec *spec, const ov_gran *gran,
                                            const ov_build_column *columns, uint32_t count, bool *found, ov_error *err);
OV_CHECKED ov_status ovi_partitioner_see(ovi_partitioner *p, const ov_rows *rows, ov_error *err);
/* The same for the selected rows of a batch in the load's columns (col[0] is __time). */
OV_CHECKED ov_status ovi_partitioner_see_batch(ovi_partitioner *p, const ov_batch *batch, ov_arena *scratch, ov_error *err);
OV_CHECKED ov_status ovi_partitioner_settle(ovi_partitioner *p, ov_error *err);
/* Of the chunk that starts there; NULL when no row was seen in it. */
const ovi_part_chunk *ovi_partitioner_chunk(const ovi_partitioner *p, int64_t start);
/* Key of a row of the split: column_count values, p NULL for NULL. False: some dimension has several values. */
bool ovi_partitioner_key(const ovi_partitioner *p, const ov_rows *rows, uint32_t row, ov_slice *key);
/* The partitioner's columns of a batch, opened (one vector each), and the key of a row of them. */
OV_CHECKED ov_status ovi_partitioner_open(const ovi_partitioner *p, const ov_batch *batch, ov_arena *out, ov_vec **opened,
                                          ov_error *err);
bool ovi_partitioner_opened_key(const ovi_partitioner *p, const ov_vec *opened, uint32_t row, ov_slice *key);
uint32_t ovi_partitioner_bucket(const ovi_partitioner *p, const ovi_part_chunk *c, const ov_slice *key, ov_buf *scratch);
/* What a segment of that bucket covers; numbered when nothing can be said. */
ov_shard ovi_partitioner_shard(const ovi_partitioner *p, int64_t start, uint32_t bucket);
