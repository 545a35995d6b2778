/*
 * Scans, private to the scan_*.c files: what is shared by workers, and what is decided per segment.
 *
 * A segment is planned by the first worker that reaches it: pruned, or given one of four ways.
 *
 *   OUT     no row can match
 *   COUNT   only the number of matching rows matters and is known: one row with a weight
 *   CODES   everything above reads one dictionary column: its distinct codes with their row counts as weights
 *   GATHER  few rows match, found by rowsets: their values are picked out of all columns
 *   BLOCKS  blocks as they are stored, filtered by mask
 */
#pragma once

#include <string.h>
#include "query/exec/exec_int.h"
#include "query/exec/keyset.h"
#include "query/expr/code_truth.h"

typedef enum scan_way { WAY_OUT, WAY_COUNT, WAY_CODES, WAY_GATHER, WAY_BLOCKS } scan_way;

/* One AND-ed part of the filter. */
typedef struct conjunct {
    const ov_expr *expr;
    uint32_t column;   /* of the scan, when it reads exactly one; else OVI_NO_COLUMN */
    bool has_range;    /* column is LONG and the conjunct says low <= column <= high, nothing more or less */
    int64_t low, high;
} conjunct;

enum { OVI_NO_COLUMN = UINT32_MAX };

typedef struct scan_column {
    const ov_column *col;       /* NULL: absent from this segment */
    const ov_column_info *info;
    const ov_domain *domain;    /* DICT: the segment's own, with row counts */
    const ov_domain *canon;     /* DICT: an equal domain of an earlier segment, or domain */
    const ov_expr *cast;        /* to the scan's type, over a batch of one column; NULL when equal */
    const ov_expr *path;        /* JSON_VALUE of what is stored, likewise; after cast */
    ov_vec_origin origin;       /* of vectors with canon's codes */
    bool fixed;                 /* every matching row has fixed_code */
    uint32_t fixed_code;
} scan_column;

/* Values are not those of the stored column. */
static inline bool ovi_is_derived(const scan_column *c)
{
    return c->cast || c->path;
}

typedef struct row_range {
    uint32_t first, end;
} row_range;

/* A block, and the place in the sink's order of the best row that it can have. */
typedef struct scan_place {
    uint64_t place;
    uint32_t block;
} scan_place;

typedef struct scan_segment {
    const ov_segment_entry *entry;
    ov_mutex lock; /* of planning */
    bool planned;
    uint8_t way;
    ov_segment *seg;
    scan_column *columns;
    const ov_time_range *times; /* the scan's ranges, cut to where newer versions left the segment visible */
    uint32_t time_count;
    row_range *ranges; /* rows that may match, ascending */
    uint32_t range_count;
    uint64_t range_rows;
    const conjunct **rest; /* what each row must still pass */
    const uint8_t **rest_truth; /* of its codes, when planning has found it; else NULL */
    uint32_t rest_count;
    ov_rowset *rows;       /* GATHER: as a set, or */
    const uint32_t *list;  /* as ascending numbers, `count` of them */
    uint64_t count;        /* COUNT, GATHER: rows */
    const ov_dead *dead;   /* superseded rows, which no way may show; NULL: none */
    uint32_t code_column;  /* CODES */
    uint32_t chunks;       /* morsels */
    uint32_t chunk_rows;   /* rows of the segment a morsel covers (CODES: codes) */
    scan_place *order;     /* BLOCKS: of all blocks, when not that of the rows; chunks are then of this list */
    _Atomic uint32_t next_chunk;
    uint64_t ordinal;      /* place of row 0 in the order of the scan */
} scan_segment;

/* What a conjunct does to this segment. */
typedef struct verdict {
    const conjunct *c;
    bool never, always;
    bool indexed;         /* truth is set */
    bool of_codes;        /* and it is of the stored codes */
    const uint8_t *truth; /* per code */
    uint64_t rows;        /* of the whole segment that match, when truth is set */
    uint32_t codes, last; /* codes that match, and one of them */
} verdict;

enum { CANON_DOMAINS = 4, MORSEL_BLOCKS = 32 };

/* A wish of the sink, and how many rows it was asked about and kept. */
typedef struct scan_wish {
    ovi_key_wish wish;
    _Atomic uint64_t asked, kept;
} scan_wish;

typedef struct ovi_scan {
    ovi_exec *exec;
    const ov_plan *node;
    ovi_sink *sink;
    ovi_sink *apart;       /* the end of its chain, when that knows what comes of one segment apart; else NULL */
    uint64_t *used;        /* columns that the sink reads */
    uint32_t used_count;
    bool weights;          /* the sink takes weights */
    const conjunct *filter;   /* of rows whose time is not known to lie in the ranges */
    uint32_t filter_count;
    const conjunct *residual; /* of rows in the ranges */
    uint32_t residual_count;
    scan_segment *segments;
    uint32_t segment_count;
    _Atomic uint32_t next_segment;
    scan_wish wishes[OVI_MOST_WISHES];
    uint32_t wish_count;
    uint32_t time_column;  /* __time among the columns, or OVI_NO_COLUMN */
    bool backwards;        /* the newest rows are wanted: segments and chunks from the end */
    ov_mutex lock; /* of canon and the exec's arena */
    const ov_domain **canon; /* columns x CANON_DOMAINS */
    uint32_t *canon_next;    /* per column */
} ovi_scan;

/* ---- scan_shard.c ---- */
/* No row of a segment with this shard spec (NULL: numbered) can pass the filter. */
bool ovi_shard_excludes(const ovi_scan *s, const ov_shard *shard);

/* ---- scan_cast.c ---- */
/* x, values of a segment, as the type of the scan's column. */
OV_CHECKED ov_status ovi_scan_cast(ov_expr_ctx *cx, const ov_expr *x, ov_sqltype sql, ov_type type, const ov_expr **out,
                                   ov_error *err);
/* What the scan makes of values of the stored column; only those of selected rows count. */
OV_CHECKED ov_status ovi_scan_derive(const scan_column *col, const uint64_t *sel, uint32_t sel_rows, ovi_worker *w,
                                     ov_vec *v, ov_error *err);
/* Plain strings of a segment in which no row has several values, where other segments give lists: lists of one. */
OV_CHECKED ov_status ovi_scan_lists_of_one(ov_type type, ov_arena *scratch, ov_vec *v, ov_error *err);
/* ---- scan_filter.c ---- */
OV_CHECKED ov_status ovi_conjuncts(const ov_expr *filter, uint32_t columns, ov_arena *out, const conjunct **list,
                                   uint32_t *count, ov_error *err);
/* ---- scan_rows.c ---- */
/* Rows in the segment's ranges that conjuncts with a row index leave, of those whose index names at most `most`; these
 * conjuncts are done with (always). only_count: their number is all that is asked for, so seg->rows may stay empty. */
OV_CHECKED ov_status ovi_scan_rows(ovi_scan *s, scan_segment *seg, verdict *v, uint32_t n, uint64_t most, bool only_count,
                                   ov_error *err);
/* Up to cap matching rows >= from, ascending, of GATHER. */
uint32_t ovi_scan_rows_list(const scan_segment *seg, uint32_t from, uint32_t *rows, uint32_t cap);
/* ---- scan_open.c ---- */
/* Sets seg->seg and seg->columns; both live until the run ends. */
OV_CHECKED ov_status ovi_scan_open(ovi_scan *s, scan_segment *seg, ov_error *err);
/* One code of the column's dictionary in all rows. */
ov_vec ovi_scan_fixed(const scan_column *col, uint32_t code, uint32_t rows);
/* Vectors of a dictionary column all refer to the canonical domain, constant blocks too. */
OV_CHECKED ov_status ovi_scan_unify(const scan_column *col, ov_arena *scratch, ov_vec *v, ov_error *err);
/* ---- scan_plan.c ---- */
OV_CHECKED ov_status ovi_scan_plan(ovi_scan *s, scan_segment *seg, ovi_worker *w, ov_error *err);
/* No row with a value of `column` in [low, high] (and NULL when nulls) can be among the best the sink looks for. */
bool ovi_scan_hopeless(const ovi_scan *s, const ovi_worker *w, uint32_t column, int64_t low, int64_t high, bool nulls);
/* ---- scan_best.c ---- */
/* Only some first rows by a column with bounds are wanted, so perhaps few rows are read. */
bool ovi_scan_may_end_early(const ovi_scan *s, const scan_segment *seg, const ovi_worker *w);
/* Sets seg->order of a segment that is read in blocks, where that helps. */
OV_CHECKED ov_status ovi_scan_order_blocks(ovi_scan *s, scan_segment *seg, ovi_worker *w, ov_error *err);
/* No row from this place on is of use. */
bool ovi_scan_is_past(const ovi_scan *s, const ovi_worker *w, uint64_t place);
/* Rows may be dropped by this column, when it is there in b. */
bool ovi_scan_best_column(const ovi_scan *s, const scan_segment *seg, const ovi_worker *w, uint32_t *column);
OV_CHECKED ov_status ovi_scan_best_keep(const ovi_scan *s, ovi_worker *w, ov_batch *b, ov_error *err);
/* ---- scan_block.c ---- */
/* *skip: no row of the block is of use. Otherwise rest[0 .. *rest_count) are what its statistics leave open of the filter. */
OV_CHECKED ov_status ovi_scan_block(const ovi_scan *s, const scan_segment *seg, uint32_t block, const ovi_worker *w,
                                    const conjunct **rest, uint32_t *rest_count, bool *skip, ov_error *err);
/* ---- scan_wish.c ---- */
void ovi_scan_wishes(ovi_scan *s);
/* Whether it is worth asking: most rows fail, as far as is known. */
bool ovi_scan_wish_pays(const scan_wish *wish);
/* It is known to leave few rows. */
bool ovi_scan_wish_is_strict(const scan_wish *wish);
/* No row of a block, or segment, with these numbers in this column is of use. */
bool ovi_scan_wish_excludes(const scan_wish *wish, const scan_column *col, const ov_block_stats *stats);
/* Drops the rows of b that the wish has no use for; their value is in its column. */
OV_CHECKED ov_status ovi_scan_wish_keep(scan_wish *wish, ovi_worker *w, ov_batch *b, ov_error *err);
/* Few rows of b are left. */
bool ovi_scan_is_sparse(const ov_batch *b);
/* b becomes its selected rows alone, which are `rows`, with the columns of `have`. */
OV_CHECKED ov_status ovi_scan_compact(const uint64_t *have, const uint32_t *rows, ovi_worker *w, ov_batch *b, ov_error *err);
/* ---- scan_read.c ---- */
OV_CHECKED ov_status ovi_scan_morsel(ovi_scan *s, scan_segment *seg, uint32_t chunk, ovi_worker *w, ov_error *err);
