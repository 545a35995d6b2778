/*
 * Sorting rows, private to the sort*.c files and to operators that put their results in order.
 *
 * Rows are kept as copied batches (parts) beside one reference per row; references are sorted by an order-preserving
 * 64-bit form of the first key, then by all keys, then by place in the input. Each worker has a state of its own; what
 * outgrows the memory goes to disk as sorted runs, which are merged at the end.
 */
#pragma once

#include "query/exec/exec_int.h"
#include "query/exec/sort_refs.h"
#include "query/exec/spill_rows.h"

/* Batches are parts; a reference names part and row. */
typedef struct sort_part {
    ov_batch batch;
    uint64_t ordinal; /* of its first row, before selection */
    const uint32_t *row; /* original row numbers, NULL when all rows were selected */
    const uint64_t *ordinals; /* of each row, when the part was cut together from others */
} sort_part;

/* Sorted rows on disk: blocks whose last column is the ordinal. */
typedef struct sort_run {
    ovi_blocks blocks;
    uint64_t rows;
} sort_run;

typedef struct sort_state {
    bool ready;
    ov_arena arena; /* parts */
    sort_part *parts;
    uint32_t part_count, part_cap;
    ovi_ref *refs;
    size_t ref_count, ref_cap;
    bool has_worst;
    uint64_t worst; /* first key of the last row kept at the last cut */
    bool has_next;
    uint64_t worst_next; /* its second key */
    bool tied; /* more rows than are kept were as good by the first key: it did not decide */
    uint64_t code_domain; /* rows of this dictionary past place code_worst are of no use (sort_codes.c) */
    uint32_t code_worst;
    sort_run *runs;
    uint32_t run_count, run_cap;
} sort_state;

typedef struct sort_sink {
    ovi_sink base;
    ovi_exec *exec;
    const ov_plan *node; /* whose rows are counted; NULL: nobody's */
    ovi_sink *next;
    uint32_t cols;
    const ov_sort_key *keys;
    uint32_t key_count;
    uint64_t offset;
    uint64_t keep; /* offset + limit; OV_NO_LIMIT */
    sort_state *states;
    sort_state all; /* refs or runs of every worker, parts renumbered */
    ovi_spill spill;
} sort_sink;

/*
 * A sink that sorts and hands on to `next`; exec, node, next, cols, keys, offset and keep are the caller's to set.
 * Rows that tie in all keys stay in the order of their ordinals.
 */
OV_CHECKED ov_status ovi_sort_begin(sort_sink *s, ov_error *err);
/* Hands the sorted rows on, on the calling thread. */
OV_CHECKED ov_status ovi_sort_emit(sort_sink *s, ov_error *err);
void ovi_sort_end(sort_sink *s); /* also after a failed begin */

/* ---- order (sort_order.c) ---- */

uint64_t ovi_sort_ordinal(const sort_part *p, uint32_t row);
/* Bits of the key for the selected rows of v (NULL: all; others may get theirs too), in the order wanted. Ties compare in full. */
OV_CHECKED ov_status ovi_sort_keys(const ov_vec *v, const uint64_t *sel, const ov_sort_key *key, ov_arena *scratch,
                                   uint64_t *keys, ov_error *err);
/* The same bits of key `level` of one row. */
uint64_t ovi_sort_key(const sort_sink *s, const sort_part *part, uint32_t row, uint32_t level);
/* Does the first key of the row tell it from every other value? Texts of one beginning share theirs. */
bool ovi_sort_is_exact(const sort_sink *s, const sort_part *part, uint32_t row);
/* a before b: all keys, then ordinals. */
bool ovi_sort_before(const sort_sink *s, const sort_part *pa, uint32_t a, const sort_part *pb, uint32_t b);
/*
 * Puts the best min(keep, n) references in order at the front; returns how many. Key by key: references are selected
 * and sorted by 64 bits, then each run of equal bits by the bytes of a text behind those in which the run is alike, or by the next key. Runs
 * whose values may still differ compare in full. *worst: bits of the first key of the last one kept. *visits: how often a part was come to for
 * values of a key behind the first three, which is what costs where rows are wide. NULL: nobody asks. For tests; ovi_sort_state sorts a state.
 */
size_t ovi_sort_order(const sort_sink *s, const sort_part *parts, ovi_ref *refs, ovi_ref *tmp, size_t n, uint64_t keep,
                      const ovi_stop *stop, uint64_t *worst, uint64_t *visits);
/* Order-preserving bits of one value in the order wanted. Only NULLs have theirs. */
uint64_t ovi_sort_value_key(const ov_vec *v, uint32_t row, const ov_sort_key *key);
/* <0, 0, >0 of two values in the order wanted; neither is NULL. */
int ovi_sort_compare(const ov_sort_key *key, const ov_vec *a, uint32_t ra, const ov_vec *b, uint32_t rb);
/* Sorts a state; what is past the best `keep` is dropped. */
OV_CHECKED ov_status ovi_sort_state(sort_sink *s, sort_state *st, ov_error *err);

/* ---- ties in many keys (sort_ties.c) ---- */

typedef struct ovi_ties ovi_ties;

/* For up to n rows; NULL when there is no memory. tmp: room for n, which any order on the way may use. */
ovi_ties *ovi_ties_open(const sort_sink *s, const sort_part *parts, size_t n, ovi_ref *tmp, const ovi_stop *stop);
/* Rows that tie in all keys before `level`: they are in order once ties are closed. false: they are too many. */
bool ovi_ties_take(ovi_ties *t, ovi_ref *refs, size_t n, uint32_t level);
/* Returns how often a part was come to for a key. NULL is fine. */
uint64_t ovi_ties_close(ovi_ties *t);

/* ---- codes (sort_codes.c) ---- */

/* Rows of b that may be among the best, as far as codes of a sorted dictionary tell: *out is b, or has a narrower selection. */
OV_CHECKED ov_status ovi_sort_by_codes(const sort_sink *s, sort_state *st, const ov_batch *b, ov_arena *scratch, ov_batch *out,
                                       ov_error *err);

/* ---- rows by reference (sort_gather.c) ---- */

OV_CHECKED ov_status ovi_sort_gather(const sort_part *parts, const ovi_ref *refs, uint32_t n, uint32_t cols,
                                     ov_arena *out, ov_batch *b, ov_error *err);

/* ---- disk (sort_spill.c) ---- */

/* Should this state go to disk before it takes n more rows of about row_bytes? */
bool ovi_sort_due(const sort_sink *s, const sort_state *st, uint32_t n, size_t row_bytes);
/* The state's rows as one more run; it is empty then. */
OV_CHECKED ov_status ovi_sort_spill(sort_sink *s, sort_state *st, ov_arena *scratch, ov_error *err);
/* Merges the runs of s->all into the sink. */
OV_CHECKED ov_status ovi_sort_merge(sort_sink *s, ov_error *err);
void ovi_sort_free_runs(sort_sink *s, sort_state *st);
/* A run without blocks at the end of the list. */
OV_CHECKED ov_status ovi_sort_add_run(sort_sink *s, sort_state *st, sort_run **out, ov_error *err);
/* One batch of the result to the sink above. */
OV_CHECKED ov_status ovi_sort_push(sort_sink *s, const sort_part *parts, const ovi_ref *refs, uint32_t n,
                                   ov_error *err);
