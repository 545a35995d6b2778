/*
 * What the footer of a Parquet file says: its schema as a tree, and where the columns of its row groups lie. Checked
 * against the file's size when it is opened; what pages say is checked when they are read.
 *
 * Source: parquet.thrift and Encodings.md of Apache Parquet's format.
 * Threads: read-only once opened; retain and release from any.
 */
#pragma once

#include <stdatomic.h>
#include "base/arena.h"
#include "base/file.h"
#include "base/unpack.h"

typedef enum ovi_pq_physical {
    OVI_PQ_BOOLEAN,
    OVI_PQ_INT32,
    OVI_PQ_INT64,
    OVI_PQ_INT96, /* days and nanoseconds: times of older writers */
    OVI_PQ_FLOAT,
    OVI_PQ_DOUBLE,
    OVI_PQ_BYTES,
    OVI_PQ_FIXED,
} ovi_pq_physical;

typedef enum ovi_pq_repetition {
    OVI_PQ_REQUIRED,
    OVI_PQ_OPTIONAL,
    OVI_PQ_REPEATED,
} ovi_pq_repetition;

/* What the values mean beyond their bytes. */
typedef enum ovi_pq_logical {
    OVI_PQ_PLAIN,
    OVI_PQ_TEXT,
    OVI_PQ_LIST,
    OVI_PQ_MAP,
    OVI_PQ_DECIMAL,
    OVI_PQ_DATE,      /* days since 1970 */
    OVI_PQ_TIMESTAMP, /* since 1970, in `per_ms` and `ms_per` */
    OVI_PQ_UNSIGNED,
    OVI_PQ_UUID,
    OVI_PQ_UNREADABLE, /* names itself in `type_name`: half floats, intervals */
} ovi_pq_logical;

/* Nodes lie in the order of the schema, parents before children; node 0 is the root. */
typedef struct ovi_pq_node {
    ov_slice name;
    uint8_t physical;   /* of a leaf */
    uint8_t repetition;
    uint8_t logical;
    bool group;
    uint8_t max_def, max_rep; /* of a value that is there, this node's own repetition included */
    int32_t width;      /* FIXED: bytes of a value */
    int32_t scale;      /* DECIMAL: digits behind the point */
    int32_t per_ms;     /* TIMESTAMP: units in a millisecond */
    uint32_t children;
    uint32_t end;       /* one past the last node below it */
    uint32_t first_leaf; /* the leaf itself, or the first one below */
    const char *type_name; /* UNREADABLE */
} ovi_pq_node;

/* One column of a row group. */
typedef struct ovi_pq_chunk {
    ov_slice bytes;  /* pages, mapped */
    uint8_t packing; /* ov_packing */
    const char *codec; /* not NULL: a packing that is not read */
    uint64_t values; /* entries: values, NULLs, empty lists */
} ovi_pq_chunk;

typedef struct ovi_pq_group {
    uint64_t rows, bytes; /* bytes: unpacked */
    const ovi_pq_chunk *chunks; /* one a leaf */
} ovi_pq_group;

typedef struct ovi_pq_file {
    _Atomic uint32_t refs;
    ov_arena arena;
    ov_map map;
    bool borrowed; /* the bytes are not ours */
    ov_slice name;
    ovi_pq_node *nodes;
    uint32_t node_count;
    const ovi_pq_node **leaves;
    uint32_t leaf_count;
    ovi_pq_group *groups;
    uint32_t group_count;
    uint64_t rows;
} ovi_pq_file;

/* `path` is read, `name` is for sentences; errors start with it. OV_INVALID: no Parquet; OV_CORRUPT; OV_UNSUPPORTED: encrypted. */
OV_CHECKED ov_status ovi_pq_open(const char *path, ov_slice name, ovi_pq_file **out, ov_error *err);
/* The same over bytes that outlive the file. */
OV_CHECKED ov_status ovi_pq_open_bytes(ov_slice bytes, ov_slice name, ovi_pq_file **out, ov_error *err);
void ovi_pq_retain(ovi_pq_file *f);
void ovi_pq_release(ovi_pq_file *f); /* NULL is fine */
