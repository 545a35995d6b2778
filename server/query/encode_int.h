/*
 * Private to encode.c (rows of results), encode_head.c (what stands around them) and encode_cell.c (single values).
 */
#pragma once

#include "server/query/encode.h"

typedef enum cell_kind {
    CELL_CONST, /* text[0] */
    CELL_DICT,  /* text per code */
    CELL_RUN,   /* text per run */
    CELL_INT,   /* FLAT LONG printed as digits */
    CELL_ANY,   /* one value at a time */
} cell_kind;

typedef struct cell_text {
    uint32_t at,
        n; /* into column.bytes; n = 0: not made yet (no JSON text is empty; csv: see made) */
    bool made;
} cell_text;

typedef struct out_column {
    ov_field field;
    ov_slice prefix; /* what stands before the value: `{"name":` or `,` */
    cell_kind kind;
    const ov_vec *vec;
    uint32_t run;    /* RUN: the run the last row was in */
    cell_text *text; /* per code, run or one */
    uint32_t text_cap;
    uint64_t domain_id; /* whose texts are kept; 0 = none */
    uint32_t last;   /* slot of the row before */
    ov_buf *bytes;   /* of the texts; made at first use: wide results seldom keep texts of all columns */
    size_t paid;     /* bytes of it that are charged */
} out_column;

struct ov_encoder {
    ov_encode_options opt;
    ov_arena arena; /* columns and prefixes */
    uint32_t count;
    out_column *col;
    bool any; /* a record was written already */
    bool by_slot;      /* of this batch: every column has slots, so rows with the same ones have the same text */
    size_t row_at, row_n; /* the text of the row before in the output; n = 0: there is none */
};

static inline bool ovi_is_csv(const ov_encode_options *o)
{
    return o->format == OV_FORMAT_CSV;
}

static inline bool ovi_is_object(const ov_encode_options *o)
{
    return o->format == OV_FORMAT_OBJECT || o->format == OV_FORMAT_OBJECT_LINES;
}

static inline bool ovi_is_lines(const ov_encode_options *o)
{
    return o->format == OV_FORMAT_OBJECT_LINES || o->format == OV_FORMAT_ARRAY_LINES;
}

/* The value at `row`; plain: without quotes, NULL as nothing. */
void ovi_add_cell(const ov_encode_options *o, const ov_field *f, const ov_vec *v, uint32_t row,
                  bool plain, ov_buf *out);
