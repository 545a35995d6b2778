/*
 * Rows in lots by a hash: whoever has more groups than caches hold writes rows down first, a stream for each lot, and looks up the groups of
 * one lot after the other, in a table that stays in the cache.
 *
 * A row is `cols` words of 64 bits. Each column takes the narrowest lane that its values have fitted so far; when one does not fit, chunks from
 * then on have a wider one. Lanes of a row lie side by side: a stream a lot is as many as caches bear, a stream for each column of each lot took
 * three times as long.
 *
 *      lot 0   chunk (64 rows) <- chunk (64) <- chunk (80) <- ...       each: rows one behind the other
 *      lot 1   ...
 *
 * Memory is the budget's, in large pieces, until fini. Threads: one at a time; any number while nobody adds.
 */
#pragma once

#include "base/arena.h"

enum {
    OVI_LOT_BITS = 10,
    OVI_LOTS = 1 << OVI_LOT_BITS,
    OVI_LOT_CHUNK = 8192, /* rows of a chunk at most, and of one call of ovi_lots_add */
};

typedef struct ovi_lot_column {
    uint8_t lane;    /* bytes: 0 (all values are `base`), 1, 2, 4 or 8 */
    uint64_t base;   /* value = base + lane */
    uint32_t before; /* bytes of the row that lie before it */
} ovi_lot_column;

typedef struct ovi_lot_layout {
    uint32_t row_bytes;
    ovi_lot_column *col;
} ovi_lot_layout;

typedef struct ovi_lot_chunk {
    const struct ovi_lot_chunk *next; /* older */
    const ovi_lot_layout *layout;
    uint32_t rows, cap;
    char *data;
} ovi_lot_chunk;

typedef struct ovi_lots {
    ov_budget *budget;
    ov_arena arena; /* layouts */
    uint32_t cols;
    const ovi_lot_layout *layout; /* of new chunks */
    ovi_lot_chunk *lot[OVI_LOTS]; /* the newest chunk of each */
    uint32_t lot_rows[OVI_LOTS];
    uint64_t rows;
    size_t bytes; /* of pieces */
    void *pieces;
    char *at, *end; /* what is left of the newest */
} ovi_lots;

/* Values of a column: value i is at[i * stride]. */
typedef struct ovi_lot_input {
    const uint64_t *at;
    uint32_t stride; /* 0: all rows have the same */
} ovi_lot_input;

static inline uint16_t ovi_lot_of(uint64_t hash)
{
    return (uint16_t)(hash >> (64 - OVI_LOT_BITS));
}

void ovi_lots_init(ovi_lots *l, uint32_t cols, ov_budget *budget);
void ovi_lots_fini(ovi_lots *l); /* also of zeros */
/* n rows, up to OVI_LOT_CHUNK of them: row i goes to lot[i]. */
OV_CHECKED ov_status ovi_lots_add(ovi_lots *l, const uint16_t *lot, uint32_t n, const ovi_lot_input *in, ov_error *err);
/* Bytes that n more rows may take. */
size_t ovi_lots_growth(const ovi_lots *l, size_t n);
/* Column c of rows [from, from + n) of a chunk: value i at out[i * stride]. */
void ovi_lot_read(const ovi_lot_chunk *chunk, uint32_t from, uint32_t n, uint32_t c, uint64_t *out, uint32_t stride);
