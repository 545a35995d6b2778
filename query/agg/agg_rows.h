/*
 * Which rows of a batch belong to which group: how every accumulator gets its rows.
 *
 * A batch is cut into pieces: all rows to one group, each row to its code, or row i to group first + i. Kernels work
 * on whole pieces; who goes row by row uses OV_AGG_EACH.
 */
#pragma once

#include "base/bits.h"
#include "storage/vec.h"

typedef enum ov_piece_kind {
    OV_PIECE_ONE,   /* all rows belong to `group` */
    OV_PIECE_CODES, /* row i belongs to group + code[i] */
    OV_PIECE_RAMP,  /* row i belongs to group + first + (i - from); codes are not looked at */
} ov_piece_kind;

/* Rows [from, to) of a batch. */
typedef struct ov_agg_piece {
    uint32_t from, to;
    uint32_t group;
    uint32_t first;
    uint8_t kind;
} ov_agg_piece;

typedef struct ov_agg_rows {
    uint32_t rows;
    const ov_agg_piece *pieces; /* ascending, they cover every row of the mask */
    uint32_t piece_count;
    const void *codes;     /* of CODES pieces; other rows may hold anything */
    uint8_t code_lane;     /* 1, 2 or 4 */
    const int64_t *weight; /* equal rows each row stands for, or NULL */
    uint64_t ordinal;      /* place of row 0 in the order of the input: what "first" and the order of lists go by */
} ov_agg_rows;

/* The group of row i of a piece. */
static inline uint32_t ov_agg_group(const ov_agg_rows *rows, const ov_agg_piece *piece, uint32_t i)
{
    if (piece->kind == OV_PIECE_ONE)
        return piece->group;
    if (piece->kind == OV_PIECE_RAMP)
        return piece->group + piece->first + (i - piece->from);
    switch (rows->code_lane) {
    case 1:
        return piece->group + ((const uint8_t *)rows->codes)[i];
    case 2:
        return piece->group + ((const uint16_t *)rows->codes)[i];
    default:
        return piece->group + ((const uint32_t *)rows->codes)[i];
    }
}

/* The statement behind it runs for each row `i` of the mask (NULL: all), which lies in piece `p`. */
#define OV_AGG_EACH(agg_rows, row_mask, p, i)                                                      \
    for (const ov_agg_piece *p = (agg_rows)->pieces,                                               \
                            *p##_end = (agg_rows)->pieces + (agg_rows)->piece_count;               \
         p < p##_end; p++)                                                                         \
        for (uint32_t i = p->from; i < p->to; i++)                                                 \
            if (!(row_mask) || ov_bits_test((row_mask), i))
