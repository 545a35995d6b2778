/*
 * Private to the segment builder: a column under construction and the steps of sealing.
 *
 * Every column is a sequence of blocks of 8,192 values as int64_t: LONGs, the bits of doubles, or
 * codes of a growing dictionary in order of arrival. A full block is encoded at once
 * (build_block.c), in the very form the file will have, so memory is narrow from the start and a
 * segment whose rows arrived in order is mostly copied out.
 *
 *   build_schema.c    what may be built            build_append.c  vectors into columns
 *   build_dict.c      growing dictionaries         build_block.c   8,192 values into one block
 *   build_single.c    lists of one value           build_sort.c    order of rows, groups of equal ones
 *   build_reorder.c   columns in another order     build_fold.c    rows folded, sketches rolled up
 *   build_codes.c     dictionaries in value order  build_numdict.c those of numbers
 *   build_postings.c  row sets                     build_cycle.c   columns that repeat themselves
 *   build_paths.c     sub-columns of JSON columns  build_write.c   columns into the file
 *   build_directory.c the directory                build_given.c   columns that follow from others
 *
 * Memory: everything is charged to the builder's budget, arrays through ovi_grow, blocks through
 * arenas.
 */
#pragma once

#include "base/buf.h"
#include "storage/build/segment_builder.h"
#include "storage/build/segment_writer.h"
#include "storage/lane_kernels.h"
#include "storage/segment/format.h"

/* ---- arrays that grow, charged to a budget ---- */

/* *array has room for `need` elements of `size` bytes afterwards; *cap is in elements. Doubles. */
OV_CHECKED ov_status ovi_grow(void *array, size_t *cap, size_t need, size_t size, ov_budget *budget,
                              ov_error *err);
/* Frees and gives the bytes back; *(void **)array becomes NULL, *cap 0. */
void ovi_shrink(void *array, size_t *cap, size_t size, ov_budget *budget);

/* ---- the schema (build_schema.c) ---- */

/* Refuses what no segment can hold; *time_column: which one is __time. */
OV_CHECKED ov_status ovi_schema_check(const ov_build_schema *s, uint32_t *time_column, ov_error *err);
/* With texts and lists in `arena`. */
OV_CHECKED ov_status ovi_schema_copy(const ov_build_schema *s, ov_arena *arena, ov_build_schema *out, ov_error *err);

/* ---- growing dictionaries (build_dict.c) ---- */

/* Distinct byte strings in order of arrival; code 0 is NULL and has no bytes. */
typedef struct ovi_dict {
    ov_budget *budget;
    ov_arena bytes;
    size_t alignment; /* of each entry's bytes: 1 for text, 8 for numbers and lists */
    ov_slice *entries;
    size_t entries_cap;
    uint32_t count;
    uint64_t total_bytes;
    uint64_t *slots;  /* hash in the upper half, code in the lower; 0 = empty */
    size_t slots_cap; /* a power of two */
} ovi_dict;

OV_CHECKED ov_status ovi_dict_init(ovi_dict *d, size_t alignment, ov_budget *budget, ov_error *err);
void ovi_dict_fini(ovi_dict *d);
OV_CHECKED ov_status ovi_dict_add(ovi_dict *d, ov_slice value, uint32_t *code, ov_error *err);

/* Codes of a foreign domain already met: map[foreign code], OVI_UNMAPPED where not yet. */
typedef struct ovi_remap {
    uint64_t domain_id;
    uint32_t *map;
    size_t cap;
} ovi_remap;
#define OVI_UNMAPPED UINT32_MAX
enum { OVI_REMAPS = 16 };

typedef struct ovi_remaps {
    ovi_remap at[OVI_REMAPS];
    uint32_t next; /* the next one to give up */
} ovi_remaps;

OV_CHECKED ov_status ovi_remaps_get(ovi_remaps *r, const ov_domain *d, ov_budget *budget,
                                    uint32_t **map, ov_error *err);
void ovi_remaps_fini(ovi_remaps *r, ov_budget *budget);

/* ---- columns ---- */

typedef enum ovi_kind {
    OVI_INT,  /* LONG */
    OVI_REAL, /* DOUBLE and FLOAT, as bits */
    OVI_CODE, /* everything with a dictionary */
    OVI_NONE, /* type NULL: no values at all */
} ovi_kind;

typedef struct ovi_block {
    ov_block_entry entry; /* offsets not set yet */
    void *data;           /* run ends and lanes, 64-byte aligned; NULL for CONST */
    uint64_t *valid;      /* NULL when there are none; 64-byte padded */
} ovi_block;

typedef struct ovi_column {
    ov_build_column def; /* name in the builder's arena */
    ovi_kind kind;
    ov_budget *budget;
    int64_t *active; /* values of the block being filled, grows up to OV_BATCH_ROWS */
    size_t active_cap;
    uint64_t valid[OV_BATCH_WORDS]; /* not for codes */
    uint32_t active_rows, active_nulls;
    ovi_block *blocks;
    size_t blocks_cap;
    uint32_t block_count;
    ov_arena payload; /* data of the blocks */
    uint64_t rows, nulls;
    ovi_dict dict,
        elems; /* OVI_CODE; elems for lists: then the entries of dict are u32 element codes */
    ovi_remaps remaps, elem_remaps;
    uint32_t *list; /* element codes of the list being read */
    size_t list_cap;
} ovi_column;

OV_CHECKED ov_status ovi_column_init(ovi_column *c, const ov_build_column *def, ov_budget *budget,
                                     ov_error *err);
void ovi_column_fini(ovi_column *c);
size_t ovi_column_bytes(const ovi_column *c);
/* `n` rows of v (rows[i], or the first n when rows is NULL). Scratch may be rewound afterwards. */
OV_CHECKED ov_status ovi_column_append(ovi_column *c, const ov_vec *v, const uint32_t *rows,
                                       uint32_t n, ov_arena *scratch, ov_error *err);
/* n values by their bits, or codes: those at rows[i], or the first n when rows is NULL; valid NULL:
 * all present. */
OV_CHECKED ov_status ovi_column_push(ovi_column *c, const int64_t *bits, const uint64_t *valid,
                                     const uint32_t *rows, uint32_t n, ov_error *err);
/* Encode the rows of the active block, if any. */
OV_CHECKED ov_status ovi_column_flush(ovi_column *c, ov_error *err);
/* The values of block b; valid (may be NULL for codes) gets all words. Returns rows. */
uint32_t ovi_column_decode(const ovi_column *c, uint32_t b, int64_t *values, uint64_t *valid);

/* Multi-value columns: every row holds one value or none (build_single.c). */
bool ovi_column_is_single(const ovi_column *c);
/* Then: the column becomes a plain one. Nothing may be appended afterwards. */
void ovi_column_make_single(ovi_column *c);

/* ---- columns that repeat themselves (build_cycle.c) ---- */

/* The lanes of a column, a pointer a block; NULL: this block takes no part. */
typedef struct ovi_lanes {
    const char **blocks;
    size_t blocks_cap;
    uint32_t count;
    uint8_t lane; /* bytes of a lane */
    uint64_t rows;
} ovi_lanes;

/* One turn of such a column and OV_BATCH_ROWS lanes behind it. period 0: the column does not repeat itself. */
typedef struct ovi_cycle {
    char *turn;
    size_t turn_cap;
    uint32_t period; /* rows */
    uint8_t lane;
    uint64_t shift;  /* row r is lane (r + shift) % period of the turn, as far as is known */
    uint32_t misses; /* blocks that were out of step and had to be looked for */
} ovi_cycle;

/* Finds the period when sharing its lanes saves a good part of the column. */
OV_CHECKED ov_status ovi_cycle_find(const ovi_lanes *l, ov_budget *budget, ovi_cycle *c, ov_error *err);
/* The block (its first row is row `first_row`) is turn[phase] and the lanes behind it. Blocks come in order. */
bool ovi_cycle_phase(ovi_cycle *c, const char *block, uint32_t rows, uint64_t first_row, uint32_t *phase);
void ovi_cycle_fini(ovi_cycle *c, ov_budget *budget);

/* ---- encoding a block (build_block.c) ---- */

/*
 * Decide the form of `rows` values (1 .. OV_BATCH_ROWS). values may be rewritten (rows that are
 * NULL get a filler); plan->values then stays in use until the block is filled. For codes valid is
 * NULL and code 0 counts as NULL when null_code is set.
 */
typedef struct ovi_plan {
    ov_block_entry entry;
    uint32_t rows;
    const int64_t *values; /* integers to pack, or bits when RAW */
    const uint64_t *valid; /* NULL when every row is present or every row is NULL */
    int64_t scaled[OV_BATCH_ROWS];
} ovi_plan;

void ovi_plan_ints(ovi_plan *p, int64_t *values, const uint64_t *valid, uint32_t nulls,
                   uint32_t rows);
void ovi_plan_codes(ovi_plan *p, int64_t *codes, bool null_code, uint32_t rows);
/* is_float: raw lanes are f32. */
void ovi_plan_reals(ovi_plan *p, int64_t *bits, const uint64_t *valid, uint32_t nulls,
                    uint32_t rows, bool is_float);
/* Bytes of validity bits in the file, 0 when there are none. */
uint32_t ovi_plan_valid_bytes(const ovi_plan *p);
/* Write what was planned: entry.data_bytes bytes, and ovi_plan_valid_bytes. */
void ovi_plan_fill(const ovi_plan *p, void *data);
void ovi_plan_fill_valid(const ovi_plan *p, void *valid);

/* ---- order of rows (build_sort.c) ---- */

/* Where the rows of the file come from: row i of the file is row perm[i] as added, or, rolled up,
 * the fold of perm[starts[i]] .. perm[starts[i + 1] - 1]. perm NULL: as added. starts NULL: one
 * each. */
typedef struct ovi_order {
    uint32_t *perm;
    size_t perm_cap;
    uint32_t *starts;
    size_t starts_cap;
    uint32_t rows;
} ovi_order;

/* One sort key: values in blocks of a column, ranked so that unsigned order is value order. */
typedef struct ovi_key {
    const ovi_column *column;
    const uint32_t *rank; /* codes: arrival code to rank; else NULL */
    uint32_t rank_count;
} ovi_key;

OV_CHECKED ov_status ovi_order_find(const ovi_key *keys, uint32_t key_count, uint32_t rows,
                                    bool fold, ov_budget *budget, ovi_order *out, ov_error *err);
void ovi_order_fini(ovi_order *o, ov_budget *budget);

/* ---- another order (build_reorder.c) ---- */
OV_CHECKED ov_status ovi_column_reorder(ovi_column *c, const ovi_order *o, ov_error *err);
/* The same of a metric with a dictionary, sketches or texts (build_fold.c); o has starts. */
OV_CHECKED ov_status ovi_column_fold(ovi_column *c, const ovi_order *o, ov_error *err);

/* ---- dictionaries of the file (build_codes.c) ---- */

/* The sorted form of a growing dictionary. */
typedef struct ovi_sorted {
    uint32_t *rank; /* arrival code to code in the file; rank[0] is 0 */
    size_t rank_cap;
    uint32_t *order; /* code in the file to arrival code */
    size_t order_cap;
    uint32_t count; /* entries in the file */
    bool has_null;  /* code 0 is NULL */
} ovi_sorted;

typedef enum ovi_value_kind {
    OVI_VALUE_BYTES, /* in byte order */
    OVI_VALUE_INT,   /* 8 bytes each */
    OVI_VALUE_REAL,
    OVI_VALUE_LIST, /* u32 codes, element by element */
} ovi_value_kind;

void ovi_sorted_fini(ovi_sorted *s, ov_budget *budget);
OV_CHECKED ov_status ovi_sort_values(const ovi_dict *d, ovi_value_kind kind, bool has_null,
                                     ov_budget *budget, ovi_sorted *out, ov_error *err);
/* A list column: sorts the elements, rewrites the lists to the elements' codes in the file, sorts
 * the lists. */
OV_CHECKED ov_status ovi_sort_lists(ovi_column *c, ovi_sorted *elems, ovi_sorted *lists,
                                    ov_error *err);
ovi_value_kind ovi_elem_kind(ov_type t);

/* ---- the file (build_write.c, build_postings.c) ---- */

typedef struct ovi_section {
    uint16_t kind;
    uint64_t offset, bytes;
} ovi_section;

enum { OVI_SECTIONS = 16 };

/* What the directory says of a column. */
typedef struct ovi_file_column {
    const ovi_column *column;
    uint8_t flags, list_lane;
    uint32_t dict_count, elem_count;
    int64_t min, max, sum;
    ovi_section sections[OVI_SECTIONS];
    uint32_t section_count;
} ovi_file_column;

/* Sections are written between begin and end; empty ones leave no trace. */
void ovi_section_begin(ovi_writer *w, ovi_file_column *f, uint16_t kind);
void ovi_section_end(ovi_writer *w, ovi_file_column *f);
void ovi_section_put(ovi_writer *w, ovi_file_column *f, uint16_t kind, const void *bytes, size_t n);

/* ---- columns that give others (build_given.c) ---- */

/* Those of a segment being written, in their final order, and how many rows may still be looked at. */
enum { OVI_MOST_GIVERS = 512 };
typedef struct ovi_givers {
    const ovi_column *columns;
    const ovi_sorted *sorted; /* by column */
    uint32_t may[OVI_MOST_GIVERS]; /* columns that could give others: the first of them, for tables of very many */
    uint32_t count;
    uint64_t looks;
} ovi_givers;

void ovi_givers_init(ovi_givers *g, const ovi_column *columns, const ovi_sorted *sorted, uint32_t count, uint32_t rows);
/* Others may follow from it: its blocks and dictionary stay until all columns are written. */
bool ovi_column_gives(const ovi_column *c, const ovi_sorted *s);
/* The section GIVEN of a dictionary column, whose codes in the file are `codes`. g NULL: none. */
OV_CHECKED ov_status ovi_write_given(ovi_writer *w, ovi_givers *g, const uint32_t *codes, ovi_file_column *f, ov_error *err);

/* codes[row] < count for every row; counts[code] rows each. Kinds are POSTING_INDEX and
 * POSTING_DATA plus `shift`. */
OV_CHECKED ov_status ovi_write_postings(ovi_writer *w, ovi_file_column *f, const uint32_t *codes,
                                        uint32_t rows, const uint32_t *counts, uint32_t count,
                                        ov_budget *budget, ov_error *err);
/* The same for elements of lists, and their row counts: list code `l` holds elems[offsets[l]] ...
 */
OV_CHECKED ov_status ovi_write_elem_postings(ovi_writer *w, ovi_file_column *f,
                                             const uint32_t *codes, uint32_t rows,
                                             const uint32_t *offsets, const uint32_t *elems,
                                             bool index, ov_budget *budget, ov_error *err);
/* `sorted` (and `elems` for lists) are those of a code column, else ignored. givers: NULL, nobody is asked. */
OV_CHECKED ov_status ovi_write_column(ovi_writer *w, const ovi_column *c, const ovi_sorted *sorted,
                                      const ovi_sorted *elems, ovi_givers *givers, ovi_file_column *f, ov_error *err);

/* ---- sub-columns of JSON columns (build_paths.c) ---- */

typedef struct ovi_paths {
    bool present;  /* the file says something about them */
    bool complete; /* every path with values has its column */
    uint32_t count;
    ovi_column *columns; /* by name */
    ovi_file_column *files;
} ovi_paths;

/* Those of a COMPLEX<json> column in its final order, whose dictionary is still there. Arrays and names go to `out`. */
OV_CHECKED ov_status ovi_paths_build(const ovi_column *json, ov_arena *out, ovi_paths *p, ov_error *err);
/* Writes and frees the columns, also after a failure. */
OV_CHECKED ov_status ovi_paths_write(ovi_writer *w, ovi_paths *p, ov_error *err);

/* ---- the directory (build_directory.c) ---- */

/* What it says, gathered while columns were written. */
typedef struct ovi_directory {
    const ov_build_schema *schema;
    uint32_t rows;
    int64_t min_time, max_time;
    const ovi_file_column *files; /* by column */
    const ovi_paths *paths;       /* by column */
} ovi_directory;

void ovi_directory_put(ov_buf *out, const ovi_directory *d);

/* ---- numbers with few distinct values (build_numdict.c) ---- */

/* Codes of all rows in value order, when a dictionary is the smaller form. */
typedef struct ovi_numdict {
    uint32_t *codes;
    size_t codes_cap;
    int64_t *values; /* bits by code; NULL's is 0 */
    size_t values_cap;
    uint32_t count;
    bool has_null;
} ovi_numdict;

/* d->count is 0 afterwards when plain blocks are better. */
OV_CHECKED ov_status ovi_numdict_try(const ovi_column *c, ovi_numdict *d, ov_error *err);
void ovi_numdict_fini(ovi_numdict *d, ov_budget *budget);
