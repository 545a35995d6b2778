/*
 * One leaf column of a row group, entry by entry: repetition level, definition level, and a value where the definition
 * level is the node's largest. Pages are unpacked one at a time, entries decoded some hundred at a time, so memory is
 * that of the largest page and the dictionary.
 *
 * Threads: one at a time per column; the file is shared.
 */
#pragma once

#include "ingest/parse/parquet/values.h"

enum { OVI_PQ_WINDOW = 1024 };

typedef struct ovi_pq_column {
    const ovi_pq_node *node;
    const ovi_pq_chunk *chunk;
    const char *at, *end;   /* pages not looked at yet */
    uint64_t left;          /* entries of the chunk in pages not begun */
    uint64_t page_left;     /* entries of the page not decoded yet */
    char *page, *dictionary_page;
    size_t page_cap;
    ovi_pq_value *dictionary;
    ovi_pq_rle rep, def;
    ovi_pq_values values;
    uint32_t n, i;          /* entries in the window, the one at hand */
    uint8_t reps[OVI_PQ_WINDOW], defs[OVI_PQ_WINDOW];
    ovi_pq_value value[OVI_PQ_WINDOW];
} ovi_pq_column;

void ovi_pq_column_init(ovi_pq_column *c, const ovi_pq_node *leaf, const ovi_pq_chunk *chunk);
void ovi_pq_column_fini(ovi_pq_column *c);
/* Leave out so many rows from the first on; pages that hold nothing else are not unpacked where rows are entries. */
OV_CHECKED ov_status ovi_pq_column_skip(ovi_pq_column *c, uint64_t rows, ov_error *err);
/* More entries into the window, which is used up; n stays 0 at the end of the chunk. */
OV_CHECKED ov_status ovi_pq_column_fill(ovi_pq_column *c, ov_error *err);

/* Is there an entry at hand? */
static inline OV_CHECKED ov_status ovi_pq_column_peek(ovi_pq_column *c, bool *there, ov_error *err)
{
    ov_status st = c->i < c->n ? OV_OK : ovi_pq_column_fill(c, err);
    *there = c->i < c->n;
    return st;
}
