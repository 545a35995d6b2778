/*
 * Inside of ov_rows: what the parsers and the loader reach into for speed.
 *
 * A column is an array of numbers or of dictionary codes with one entry per row. `n` counts the entries, so
 * within a row `n > rows` says that the column was put already; ov_rows_end fills the others with NULL.
 * Multi-value strings start as plain codes and turn into lists when the first row with two values comes.
 */
#pragma once

#include "base/bits.h"
#include "base/hash.h"
#include "ingest/parse/rows.h"

/* Distinct strings of one column of one split. Code 0 is NULL. */
typedef struct ovi_dict {
    uint64_t *slot; /* upper half of the hash, code; code 0 = free */
    uint32_t mask;  /* slots - 1 */
    uint32_t count; /* codes, with 0 */
    uint32_t cap;   /* room in offsets */
    uint32_t *offsets;
    char *bytes;
    uint32_t bytes_n, bytes_cap;
    uint64_t domain_id; /* fresh for each split */
    bool raw;           /* bytes of sketches: taken as they are */
} ovi_dict;

typedef enum ovi_store {
    OVI_STORE_I64,
    OVI_STORE_F64,
    OVI_STORE_STR,  /* codes; lists of codes once `listed` */
    OVI_STORE_LIST, /* ARRAY: always lists */
} ovi_store;

typedef struct ovi_rows_col {
    ov_type type;
    uint8_t store; /* ovi_store */
    bool listed;   /* STR: values lie in lists */
    bool has_null; /* some bit of valid is 0 */
    uint32_t n;    /* entries put */
    union {
        void *data;
        int64_t *i64;
        double *f64;
        uint32_t *code;
    };
    uint64_t *valid;   /* numbers and lists; bits of rows past n are unset */
    uint32_t *list_end; /* lists: end of row r in the elements; room for rows + 1 with list_end[-1] = 0 */
    void *elem;         /* lists: codes, int64_t or double */
    uint64_t *elem_valid; /* numbers: 1 = present */
    uint32_t elem_n, elem_cap;
    ovi_dict dict;
} ovi_rows_col;

struct ov_rows {
    uint32_t rows, cap; /* cap: multiple of 64, the same for all columns */
    uint32_t col_count;
    uint32_t put; /* columns put in the current row */
    ovi_rows_col *col;
    ov_budget *budget;  /* for rows beyond the first few MiB; NULL: not asked */
    size_t lane_bytes;  /* of one row in all columns */
    size_t charged;
    uint64_t read, rejected, filtered, with_errors, repaired;
    bool row_noted; /* the current row has a note already */
    bool failed;
    ov_error err;
    /* samples of this split, in input order */
    ov_arena reject_arena;
    ov_reject *rejects;
    uint32_t reject_count, reject_room, reject_cap; /* there is room for so many so far, and never for more than cap */
    bool no_notes; /* samples are of rejected rows alone */
    uint32_t row_reject_from; /* notes of the current row start here */
    /* the loader's */
    size_t ring_bytes;  /* as it counted them when the split was submitted */
    uint64_t seq;
    uint64_t newlines;  /* in the text of the split */
    uint64_t raw_bytes, text_bytes;
    uint32_t file_idx;  /* of the input; rejects get their lines when splits meet in order */
};

OV_CHECKED ov_status ovi_rows_create(const ov_type *types, uint32_t count, uint32_t max_rejects,
                                     ov_rows **out, ov_error *err);
void ovi_rows_destroy(ov_rows *r);
void ovi_rows_clear(ov_rows *r); /* for the next split; memory is kept */

bool ovi_rows_grow(ov_rows *r);
/* Notes that so much memory could not be had, once; false. Rows that come after it are not stored. */
bool ovi_rows_nomem(ov_rows *r, size_t bytes);
bool ovi_rows_list_mode(ov_rows *r, ovi_rows_col *c);

/* small: one of thousands. */
bool ovi_rows_dict_init(ovi_dict *d, bool small); /* false: no memory; ovi_rows_dict_fini all the same */
void ovi_rows_dict_fini(ovi_dict *d);
void ovi_rows_dict_clear(ovi_dict *d);
/* A value that is not there yet, with its place; its code, 0 after a failure. */
uint32_t ovi_rows_dict_add_slow(ov_rows *r, ovi_dict *d, ov_slice s, uint64_t hash, uint32_t at);

/* True while another sample of a reject would be kept: building its sentence is worth it. */
static inline bool ovi_rows_wants_reject(const ov_rows *r)
{
    return r->reject_count < r->reject_cap;
}

/* Short strings are most of them: two overlapping words and one multiplication beat a call. */
static inline uint64_t ovi_hash(const char *p, size_t n)
{
    uint64_t a, b;
    if (OV_LIKELY(n <= 16)) {
        if (n >= 8) {
            memcpy(&a, p, 8);
            memcpy(&b, p + n - 8, 8);
        } else if (n >= 4) {
            uint32_t x, y;
            memcpy(&x, p, 4);
            memcpy(&y, p + n - 4, 4);
            a = x;
            b = y;
        } else if (n > 0) {
            a = (uint64_t)(uint8_t)p[0] << 16 | (uint64_t)(uint8_t)p[n >> 1] << 8 |
                (uint64_t)(uint8_t)p[n - 1];
            b = 0;
        } else {
            a = b = 0;
        }
        __uint128_t m = (__uint128_t)(a ^ ov_hash_config.seed ^ 0xA0761D6478BD642Full) *
                        (b ^ ((uint64_t)n << 56) ^ 0xE7037ED1A0B428DBull);
        uint64_t h = (uint64_t)m ^ (uint64_t)(m >> 64);
        return (h ^ h >> 32) * 0x9E3779B97F4A7C15ull & ov_hash_config.mask;
    }
    return ov_hash_bytes(p, n);
}

/* The code of s, added when new; 0 after a failure. */
static inline uint32_t ovi_dict_code(ov_rows *r, ovi_dict *d, ov_slice s)
{
    uint64_t h = ovi_hash(s.p, s.n);
    uint32_t at = (uint32_t)h & d->mask;
    for (;; at = (at + 1) & d->mask) {
        uint64_t slot = d->slot[at];
        uint32_t code = (uint32_t)slot;
        if (code == 0)
            return ovi_rows_dict_add_slow(r, d, s, h, at);
        if ((uint32_t)(slot >> 32) != (uint32_t)(h >> 32))
            continue;
        uint32_t from = d->offsets[code];
        if (d->offsets[code + 1] - from == s.n && memcmp(d->bytes + from, s.p, s.n) == 0)
            return code;
    }
}

OV_INLINE void ovi_put_i64(ov_rows *r, ovi_rows_col *c, int64_t v)
{
    c->i64[r->rows] = v;
    ov_bits_set(c->valid, r->rows);
    c->n = r->rows + 1;
    r->put++;
}

OV_INLINE void ovi_put_f64(ov_rows *r, ovi_rows_col *c, double v)
{
    c->f64[r->rows] = v;
    ov_bits_set(c->valid, r->rows);
    c->n = r->rows + 1;
    r->put++;
}

OV_INLINE void ovi_put_str(ov_rows *r, ovi_rows_col *c, ov_slice s)
{
    if (OV_UNLIKELY(c->listed)) {
        ov_rows_put_strs(r, (uint32_t)(c - r->col), &s, 1);
        return;
    }
    c->code[r->rows] = ovi_dict_code(r, &c->dict, s);
    c->n = r->rows + 1;
    r->put++;
}

/* The rows of a split as batches. */
typedef struct ovi_rows_view {
    const ov_rows *rows;
    ov_arena *scratch; /* of the batch at hand */
    ov_domain *domains;
    ov_vec *vecs;      /* per column, of the batch at hand */
    ov_vec *children;  /* elements of list columns */
} ovi_rows_view;

/* tables: lives as long as the view. */
OV_CHECKED ov_status ovi_rows_view_open(ovi_rows_view *w, const ov_rows *rows, ov_arena *tables, ov_arena *scratch,
                                        ov_error *err);
/* w->vecs become rows [from, from + n); from is a multiple of 64. flat: strings as slices into the split instead of codes
 * of its dictionaries, for users who would remember the dictionary longer than it lives. */
OV_CHECKED ov_status ovi_rows_view_batch(ovi_rows_view *w, uint32_t from, uint32_t n, bool flat, ov_error *err);
