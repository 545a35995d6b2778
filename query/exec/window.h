/*
 * The window operator, private to the window*.c files.
 *
 * Rows come sorted by partition and order, and are kept until a partition is whole (and some thousand rows are
 * there, so that small partitions share the work). Such a chunk knows for every row where its partition and its
 * peers begin and end. Each call is prepared over the chunk as a whole, then its results are handed out batch by
 * batch beside the kept rows.
 */
#pragma once

#include "base/bits.h"
#include "query/agg/acc.h"
#include "query/exec/exec_int.h"

enum { WINDOW_NONE = UINT32_MAX };

/* A kept batch: columns of the input, then the values that calls need and that are no columns. */
typedef struct win_piece {
    ov_batch batch;
    uint32_t first; /* its first row in the chunk */
    uint8_t *marks; /* per row: WINDOW_PARTITION, WINDOW_PEERS */
} win_piece;

enum { WINDOW_PARTITION = 1, WINDOW_PEERS = 2 }; /* begins here; a partition begins with peers */

/*
 * Whole partitions; all memory is the chunk's arena. When every call only looks back to its partition's start
 * (ovi_win_streams) a chunk may also end between peers inside a partition, and the next one goes on from there.
 */
typedef struct win_chunk {
    ovi_exec *exec;
    const ov_plan *node;
    ov_arena *arena;
    ov_arena *scratch; /* of one step: rewound by who uses it */
    const win_piece *pieces;
    uint32_t piece_count;
    uint32_t rows, partitions;
    uint64_t before_rows, before_groups; /* rows and groups of peers that earlier chunks had of the first partition */
    bool goes_on;                        /* the last partition has more rows in the next chunk */
    uint32_t *part_first, *part_end; /* per row */
    uint32_t *peer_first, *peer_end;
    uint32_t *part_number;           /* per row, from 0 */
} win_chunk;

/* A column of the kept batches over all rows of a chunk. */
typedef struct win_column {
    ov_type type;
    const void *data;      /* int64_t, double or ov_slice; NULL when all values are NULL */
    const uint64_t *valid; /* NULL: all are present */
} win_column;

typedef enum win_how {
    WIN_RESULTS, /* the whole column is there */
    WIN_ROWS,    /* the value of another row */
    WIN_GROUPS,  /* the state of a group */
    WIN_TREE,    /* states made of a tree's nodes, a batch at a time */
    WIN_RUNNING, /* one state that takes in row after row, and copies of it, a batch at a time */
} win_how;

/* One call over one chunk. */
typedef struct win_call {
    const ov_window_call *call;
    const win_chunk *chunk;
    uint32_t *args; /* columns of kept batches, one an argument */
    uint32_t argc;
    uint32_t filter; /* likewise, or WINDOW_NONE */
    uint8_t how;         /* win_how */
    const void *results; /* RESULTS: int64_t or double */
    win_column values, defaults;
    uint32_t *rows;      /* ROWS: whose value; WINDOW_NONE: the default, or NULL */
    uint32_t *groups;    /* GROUPS: of each row */
    bool open;           /* acc is in use */
    ov_acc acc;
    /* TREE: frames, and the tree over acc's groups: level k begins at level[k], its node j covers rows
     * [j << k, (j + 1) << k) */
    uint32_t *from, *to;
    uint32_t level[32], levels;
    ov_acc sums; /* TREE, RUNNING: of one batch */
    ov_acc carry; /* what earlier chunks had of the first partition: one group, */
    uint64_t carry_count, carry_sum; /* or counts and sums of whole numbers */
    uint32_t done, piece; /* RUNNING: rows before `done`, which is in that piece, are in acc */
    const uint64_t **masks; /* per piece: rows that the filter lets through; NULL when there is none */
} win_call;

/* Runs the node's input into sink, by partition and order. */
OV_CHECKED ov_status ovi_win_run_input(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err);
/* Sets the marks of rows that begin something, the batch before them being `last` (its last row), or NULL. marks: zeros. */
OV_CHECKED ov_status ovi_win_mark(const ov_plan *node, const ov_batch *b, const ov_batch *last, uint8_t *marks,
                                  ov_arena *scratch, ov_error *err);

static inline bool ovi_win_present(const win_column *c, uint32_t row)
{
    return c->data && (!c->valid || ov_bits_test(c->valid, row));
}

/* In loops over all rows of a chunk: must the query stop? */
static inline OV_CHECKED ov_status ovi_win_alive_at(const win_chunk *k, uint32_t row, ov_error *err)
{
    return ov_budget_alive_at(k->arena->budget, (size_t)row + 1, err);
}

/* A column of the kept batches as one flat array. */
OV_CHECKED ov_status ovi_win_column(const win_chunk *k, uint32_t column, win_column *out, ov_error *err);

/* Rows [from[i], to[i]) are the frame of row i; both ascend within a partition, from[i] <= to[i]. */
OV_CHECKED ov_status ovi_win_frames(const win_chunk *k, const ov_window_frame *frame, uint32_t **from, uint32_t **to,
                                    ov_error *err);
/* The frame as it works over this order: where all rows are peers, CURRENT ROW of RANGE is the partition. */
ov_window_frame ovi_win_effective(const ov_plan *node, const ov_window_frame *frame);

/* Order-preserving bits of a key, or of what lies the edge's distance from it. */
uint64_t ovi_win_key_bits(const ov_sort_key *key, const ov_window_edge *edge, ov_type type, const void *value);

/* NTILE of row `at` of `rows`: buckets of equal size; the first ones have one row more when the rows do not divide. */
static inline int64_t ovi_win_ntile(int64_t rows, int64_t at, int64_t buckets)
{
    int64_t size = rows / buckets, larger = rows % buckets;
    if (at < larger * (size + 1))
        return at / (size + 1) + 1;
    return larger + (at - larger * (size + 1)) / size + 1;
}
/* Ranks, and values of other rows. */
OV_CHECKED ov_status ovi_win_prepare_value(const win_chunk *k, win_call *c, ov_error *err);
OV_CHECKED ov_status ovi_win_emit_value(const win_call *c, uint32_t first, uint32_t n, ov_arena *out, ov_vec *vec,
                                        ov_error *err);

/* Places of values under a comparison (window_order.c). */
OV_CHECKED ov_status ovi_win_prepare_order(const win_chunk *k, win_call *c, ov_error *err);

/* The call needs nothing of its partition but the rows so far, and of those only what can be carried on. */
bool ovi_win_streams(const ov_plan *node, const ov_window_call *call);

/* Aggregates. */
OV_CHECKED ov_status ovi_win_prepare_agg(const win_chunk *k, win_call *c, ov_error *err);
OV_CHECKED ov_status ovi_win_emit_agg(win_call *c, uint32_t first, uint32_t n, ov_arena *out, ov_vec *vec,
                                      ov_error *err);
void ovi_win_free_agg(win_call *c);
OV_CHECKED ov_status ovi_win_open_acc(ovi_exec *x, const win_call *c, bool general, ov_acc *acc, ov_error *err);
/* Counts, and sums of whole numbers: differences of running sums tell them, whatever the frame. */
bool ovi_win_is_counted(const win_call *c);
/* How many different values each frame has. */
OV_CHECKED ov_status ovi_win_prepare_distinct(const win_chunk *k, win_call *c, ov_error *err);
/* Bits of the rows that take part: the filter lets them through, x is there; NULL: all. */
OV_CHECKED ov_status ovi_win_mask(const win_chunk *k, const win_call *c, const win_column *x, const uint64_t **out,
                                  ov_error *err);
