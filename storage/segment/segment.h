/*
 * Reader of one immutable segment file (docs/segment-format.md), memory-mapped.
 *
 * Every byte of the file lies in a page under an XXH3 checksum. Open checks footer, page table and
 * directory; other pages are checked when first touched, once per process. A damaged page gives
 * OV_CORRUPT that names the file, the offset and the column, never a wrong value.
 *
 * Threads: any number on one open segment; it is immutable. retain/release from any thread.
 * Lifetime: vectors, domains and names point into the mapping and live until the last release.
 */
#pragma once

#include "storage/rowset.h"
#include "storage/vec.h"

typedef struct ov_segment ov_segment;
typedef struct ov_column ov_column;

typedef enum ov_column_role {
    OV_ROLE_TIME = 0, /* __time */
    OV_ROLE_DIMENSION = 1,
    OV_ROLE_METRIC = 2,
} ov_column_role;

/* What a segment says of itself; also what the catalog keeps so that pruning needs no open file. */
typedef struct ov_segment_info {
    ov_slice datasource;
    int64_t start_ms, end_ms; /* its time chunk, half-open */
    ov_slice version;         /* ISO instant, compared as text */
    uint32_t partition;
    uint32_t rows;
    int64_t min_time, max_time; /* of its rows; min > max when there are none */
    uint64_t bytes;             /* file size */
} ov_segment_info;

typedef struct ov_block_stats {
    uint32_t rows, nulls;
    bool has_bounds; /* some row is neither null nor NaN, and min/max are exact */
    int64_t min,
        max; /* LONG: values, also when dict; STRING, lists, COMPLEX: codes, NULL's left out */
    double fmin, fmax; /* DOUBLE, FLOAT, also when dict; NaN is never in the bounds, has_nan says it
                          occurs */
    bool has_nan;
    bool has_sum; /* LONG: sum is exact and did not overflow */
    int64_t sum;
    const struct ovi_ramps *ramps; /* of vectors of RAMP blocks (storage/segment/ramps.h): how their lanes go */
} ov_block_stats;

typedef struct ov_column_info {
    ov_slice name;
    ov_type type;
    uint8_t role;        /* ov_column_role */
    bool dict;           /* values are codes into a domain; string, list and some number columns */
    bool indexed;        /* a rowset per code exists (per element code for lists) */
    uint32_t sort_place; /* 1 = first column of the sort order, 0 = not in it */
    uint32_t rows, blocks; /* every block but the last holds OV_BATCH_ROWS rows */
    uint64_t nulls;
    uint64_t bytes;       /* of its sections in the file */
    ov_block_stats stats; /* over the whole column */
} ov_column_info;

OV_CHECKED ov_status ov_segment_open(const char *path, ov_segment **out, ov_error *err);
/* The same for the bytes of a file that lie in memory, at a multiple of 64: allocated by base/mem.h, owned by the segment
 * from here on, also on failure. `name` is for sentences. */
OV_CHECKED ov_status ov_segment_open_image(const char *name, void *image, size_t bytes, ov_segment **out, ov_error *err);
ov_segment *ov_segment_retain(ov_segment *seg);
void ov_segment_release(ov_segment *seg); /* NULL is fine */

/* Its file was shortened or could not be read under the mapping: answers made from it since are not to be
 * trusted, and it must be opened anew. */
bool ov_segment_damaged(const ov_segment *seg);

const ov_segment_info *ov_segment_get_info(const ov_segment *seg);
const char *ov_segment_path(const ov_segment *seg);
ov_slice ov_segment_extra_json(const ov_segment *seg); /* as given to the builder */
bool ov_segment_is_rolled_up(const ov_segment *seg);
uint32_t ov_segment_columns(const ov_segment *seg);
const ov_column *ov_segment_column(const ov_segment *seg, uint32_t i);
const ov_column *ov_segment_find(const ov_segment *seg, ov_slice name); /* NULL when absent */

/* Sub-columns of a COMPLEX<json> column, one per path, ascending by name (docs/segment-format.md, section 3): how many;
 * *complete: what is not among them has no value in any row. Files without them say 0 and not complete. */
uint32_t ov_column_paths(const ov_column *col, bool *complete);
const ov_column *ov_column_path(const ov_column *col, uint32_t i);
const ov_column *ov_column_find_path(const ov_column *col, ov_slice name); /* NULL when absent */

/* Name, type and whole-column statistics; lives as long as the segment. */
const ov_column_info *ov_column_get_info(const ov_column *col);

/* Statistics of block b; touches the block index only. */
OV_CHECKED ov_status ov_column_block_stats(const ov_column *col, uint32_t b, ov_block_stats *out,
                                           ov_error *err);
/* The rows of block b as a vector (CONST, FLAT, DICT or RUN; RAMP blocks as FLAT). `scratch` is used only by blocks that
 * must be unpacked. */
OV_CHECKED ov_status ov_column_read(const ov_column *col, uint32_t b, ov_arena *scratch,
                                    ov_vec *out, ov_error *err);
/* The values at ascending row numbers, n <= OV_BATCH_ROWS: DICT with 1/2/4-byte codes or FLAT raw.
 */
OV_CHECKED ov_status ov_column_gather(const ov_column *col, const uint32_t *rows, uint32_t n,
                                      ov_arena *out, ov_vec *vec, ov_error *err);
/* Dictionary of a DICT column, with row_counts. For lists: the domain of whole lists. */
OV_CHECKED ov_status ov_column_domain(const ov_column *col, const ov_domain **out, ov_error *err);
/* Lists only: the domain of elements, whose codes the element rowsets use. */
OV_CHECKED ov_status ov_column_elements(const ov_column *col, const ov_domain **out, ov_error *err);
/* Whether the file knows what all rows with by_code in column `by` have here, and that code. Both have dictionaries; lists
 * never know. */
OV_CHECKED ov_status ov_column_given(const ov_column *col, const ov_column *by, uint32_t by_code, bool *known, uint32_t *code,
                                     ov_error *err);
/* The same of all n codes of `by`. */
OV_CHECKED ov_status ov_column_given_codes(const ov_column *col, const ov_column *by, uint32_t *codes, uint32_t n, bool *known,
                                           ov_error *err);
/* Add the rows of `code` to `set` (union). Only when indexed. */
OV_CHECKED ov_status ov_column_rows_of(const ov_column *col, uint32_t code, ov_rowset *set,
                                       ov_error *err);
/* The same as ascending row numbers, at most cap, starting at the skip-th; *n tells how many there
 * are in all. */
OV_CHECKED ov_status ov_column_row_list(const ov_column *col, uint32_t code, uint32_t skip,
                                        uint32_t cap, uint32_t *rows, uint32_t *n, ov_error *err);
/* How many of them lie in [first, end). */
OV_CHECKED ov_status ov_column_count_of(const ov_column *col, uint32_t code, uint32_t first, uint32_t end,
                                        uint64_t *n, ov_error *err);

/* Rows [*first, *last) whose __time lies in [start_ms, end_ms), when the segment is sorted by time
 * first; otherwise *sorted is false and the range is all rows. */
OV_CHECKED ov_status ov_segment_time_range(const ov_segment *seg, int64_t start_ms, int64_t end_ms,
                                           uint32_t *first, uint32_t *last, bool *sorted,
                                           ov_error *err);

/* Deep check of every page, block, dictionary and rowset against each other; reads the whole file.
 * The error names the first thing wrong. */
OV_CHECKED ov_status ov_segment_verify(const char *path, ov_error *err);
