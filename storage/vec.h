/*
 * Vectors: up to OV_BATCH_ROWS values of one type that keep the encoding they are stored in.
 *
 *   CONST  one value for all rows
 *   FLAT   values in lanes; numbers may be narrow over a base (frame of reference)
 *   DICT   codes in lanes into a domain of distinct values
 *   RUN    runs of equal values: run r covers rows [run_end[r-1], run_end[r])
 *   LIST   offsets into a child vector (arrays, multi-values once opened)
 *
 * Segment columns hand out vectors that point straight into the mapped file; operators pass them on
 * and open them as late as they can. ov_vec_flatten turns any encoding into plain FLAT, so every
 * consumer has a correct slow path. See docs/engine.md.
 *
 * A vector owns nothing: data live in the segment (pinned by the query) or in an arena of the
 * producer. FLAT lanes and codes are readable up to the next multiple of 64 rows.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "storage/types.h"

enum {
    OV_BATCH_ROWS = 8192, /* rows of a storage block and the most rows of a batch */
    OV_BATCH_WORDS = OV_BATCH_ROWS / 64,
};

typedef enum ov_enc {
    OV_ENC_CONST,
    OV_ENC_FLAT,
    OV_ENC_DICT,
    OV_ENC_RUN,
    OV_ENC_LIST,
} ov_enc;

typedef struct ov_vec ov_vec;

/*
 * Distinct values behind codes 0 .. count-1. Two layouts: a segment's string dictionary in place
 * (offsets + bytes) or values in a vector (numbers, lists, anything computed by map_distinct).
 */
typedef struct ov_domain {
    uint64_t id; /* process-unique; equal ids mean the same codes for the same values */
    uint32_t count;
    ov_type type;
    bool sorted;             /* code order is value order, NULL first */
    bool unique;             /* different codes have different values */
    bool has_null;           /* code 0 is NULL (segment dictionaries) */
    const uint32_t *offsets; /* count + 1; value i is bytes[offsets[i] .. offsets[i+1]) */
    const char *bytes;
    const ov_vec *values;       /* FLAT, CONST or LIST of `count` rows, used when offsets is NULL */
    const uint32_t *row_counts; /* rows of the whole segment per code; NULL when not known */
} ov_domain;

/* The column of a segment that codes come from, for who wants to know what the segment says of it. */
typedef struct ov_vec_origin {
    const void *rows; /* equal: vectors of one batch hold the same rows of one segment */
    const struct ov_column *column;
    const ov_domain *dict; /* that of the vector; a vector with another one was computed */
} ov_vec_origin;

struct ov_vec {
    ov_type type;
    uint8_t enc; /* ov_enc */
    uint8_t
        lane;    /* FLAT numbers and DICT codes: bytes of one lane: 1, 2, 4 or 8 (codes: up to 4) */
    uint8_t raw; /* FLAT: lanes are the values themselves: int64_t, double (lane 8), float (lane 4,
                    type FLOAT) or ov_slice (lane 16). Otherwise unsigned integers over `base`. */
    uint32_t rows;
    int64_t base;          /* FLAT not raw: value = base + lane; DICT: code = base + lane */
    double divisor;        /* FLAT real, not raw: value = (double)(base + lane) / divisor, exact by
                              construction */
    const void *data;      /* FLAT: lanes; DICT: codes */
    const uint64_t *valid; /* FLAT, LIST: 1 = present; NULL = all present. DICT and RUN: unused, the
                              domain and the child know */
    const ov_domain *dict; /* DICT. CONST of a DICT column: set as well, and `base` is the code */
    const uint16_t *run_end; /* RUN: ascending, last = rows */
    uint32_t runs;           /* RUN */
    const ov_vec *child;     /* RUN: FLAT or DICT of `runs` rows; LIST: elements */
    const uint32_t *offsets; /* LIST: rows + 1 into child */
    bool is_null;            /* CONST */
    union {
        int64_t i;
        double f;
        ov_slice s;
        const ov_vec *list; /* elements of one list */
    } c;                    /* CONST */
    const struct ov_block_stats
        *stats;      /* set only by readers of segments, on vectors that are exactly one
                        whole block; whoever takes a part must clear it */
    const ov_vec_origin *origin; /* DICT: set only by scans; whoever takes other rows of it alone must clear it */
    bool has_bounds; /* min and max below hold for all non-null values of an integer FLAT, or for
                        all codes, NULL's included, of a DICT */
    int64_t min, max;
};

/* Rows that take part. NULL sel = all. Bits past `rows` are zero. */
typedef struct ov_batch {
    uint32_t rows;
    uint32_t cols;
    ov_vec *col;
    const uint64_t *sel;   /* ov_words(rows) words, or NULL */
    uint32_t sel_rows;     /* set bits of sel; = rows when sel is NULL */
    const int64_t *weight; /* how many equal input rows each row stands for; NULL = 1 each.
                              Made only where the consumer asked for it (index-only answers). */
} ov_batch;

/* ---- making ---- */
ov_vec ov_vec_null(ov_type t, uint32_t rows);
ov_vec ov_vec_const_i64(ov_type t, int64_t v, uint32_t rows);
ov_vec ov_vec_const_f64(ov_type t, double v, uint32_t rows);
ov_vec ov_vec_const_str(ov_type t, ov_slice s, uint32_t rows);
/* data: int64_t, double or ov_slice per row, as the type says. */
ov_vec ov_vec_flat(ov_type t, const void *data, const uint64_t *valid, uint32_t rows);
uint64_t ov_domain_next_id(void); /* any thread */
/* Bytes that whoever reads every row touches: lanes, codes, run ends, marks of NULL; not the dictionary. */
uint64_t ov_vec_bytes(const ov_vec *v);

/* ---- reading one value: any encoding, slow; for tests, merges and edges ---- */
bool ov_vec_is_null(const ov_vec *v, uint32_t row);
int64_t ov_vec_i64(const ov_vec *v, uint32_t row);
double ov_vec_f64(const ov_vec *v, uint32_t row);
ov_slice ov_vec_str(const ov_vec *v, uint32_t row);
/* Lists: the elements of the row are rows [*first, *end) of the vector returned; a NULL list has
 * none. */
const ov_vec *ov_vec_list(const ov_vec *v, uint32_t row, uint32_t *first, uint32_t *end);
/* The value as JSON; a multi-value string of one value is that value. */
void ov_vec_add_json(const ov_vec *v, uint32_t row, ov_buf *out);
/* DICT, RUN of DICT, CONST with a dict: the code at a row. */
uint32_t ov_vec_code(const ov_vec *v, uint32_t row);

bool ov_domain_is_null(const ov_domain *d, uint32_t code);
ov_slice ov_domain_str(const ov_domain *d, uint32_t code);
int64_t ov_domain_i64(const ov_domain *d, uint32_t code);
double ov_domain_f64(const ov_domain *d, uint32_t code);
/* First code whose value is >= key (sorted string domains; NULL codes are smaller than any key).
 * *exact says whether it is equal. */
uint32_t ov_domain_lower_bound(const ov_domain *d, ov_slice key, bool *exact);
/* The domain's values as one FLAT vector of `count` rows (may exceed OV_BATCH_ROWS), for tests. */
OV_CHECKED ov_status ov_domain_values(const ov_domain *d, ov_arena *out, ov_vec *values,
                                      ov_error *err);

/* ---- opening ----
 * flatten: FLAT raw 8-byte (or ov_slice) lanes, or LIST for list types, with `rows` values; memory
 * from out. Returned unchanged when already so. gather:  the values at `idx` (n <= OV_BATCH_ROWS),
 * keeping DICT and CONST, else FLAT raw. codes32: codes as absolute uint32_t, of what ov_vec_code
 * takes.
 */
OV_CHECKED ov_status ov_vec_flatten(const ov_vec *v, ov_arena *out, ov_vec *flat, ov_error *err);
OV_CHECKED ov_status ov_vec_gather(const ov_vec *v, const uint32_t *idx, uint32_t n, ov_arena *out,
                                   ov_vec *picked, ov_error *err);
OV_CHECKED ov_status ov_vec_codes32(const ov_vec *v, ov_arena *out, const uint32_t **codes,
                                    ov_error *err);
