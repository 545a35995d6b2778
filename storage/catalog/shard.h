/*
 * Shard specs: what is known about the rows of one segment among those of its time chunk, so that queries can leave it out
 * unopened.
 *
 *   numbered  nothing
 *   range     rows whose values of some dimensions, taken as a tuple, lie in [start, end); NULL sorts first
 *   hashed    rows whose hash of some dimensions falls into one of `buckets` buckets
 *
 * In the catalog it is Druid's JSON without the numbers of the partition, which only the commit knows; empty: numbered.
 * The hash is Druid's murmur3_32_abs over the JSON text of the values, so that a segment's place means the same there.
 *
 * Threads: plain values.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

typedef enum ov_shard_kind {
    OV_SHARD_NUMBERED,
    OV_SHARD_RANGE,
    OV_SHARD_HASHED,
} ov_shard_kind;

enum { OV_SHARD_MOST_DIMENSIONS = 64 };

typedef struct ov_shard {
    uint8_t kind; /* ov_shard_kind */
    uint32_t dimension_count;
    const ov_slice *dimensions;
    const ov_slice *start; /* one per dimension, p NULL = a NULL value; NULL: no bound. range */
    const ov_slice *end;
    uint32_t bucket, buckets; /* hashed */
} ov_shard;

/* The text for the catalog; nothing for numbered. */
void ov_shard_add(ov_buf *out, const ov_shard *shard);
/* Lives in `out`. OV_CORRUPT for what ov_shard_add does not write. */
OV_CHECKED ov_status ov_shard_parse(ov_slice text, ov_arena *out, ov_shard *shard, ov_error *err);
/* As sys.segments shows it: the text with the numbers of the partition. */
void ov_shard_spec_add(ov_buf *out, ov_slice text, uint32_t partition, uint32_t core);

/* The bucket of a row with these values (p NULL: NULL). scratch is cleared. */
uint32_t ov_shard_bucket(const ov_slice *values, uint32_t count, uint32_t buckets, ov_buf *scratch);
