/*
 * A partition that outgrew the memory: its sorted rows on disk, and how calls walk over them. Private to the window*.c
 * files.
 *
 * Rows asked for never go back by much: frames move forward only. So a call holds a few readers, each of which keeps the
 * one block that it stands in, and a partition of any size takes the memory of some blocks.
 */
#pragma once

#include "query/exec/spill_rows.h"
#include "query/exec/window.h"

#define WINDOW_NO_ROW UINT64_MAX

/* Rows of one partition, in order: columns of the input, values that calls need, marks of peers. */
typedef struct win_run {
    ovi_exec *exec;
    const ov_plan *node;
    ovi_spill file;
    ovi_blocks blocks;
    uint64_t *first; /* row of each block */
    uint32_t first_cap;
    uint32_t marks;  /* the column of marks */
    uint64_t before_rows, before_groups; /* that were run already, in memory, when the rest became too large */
} win_run;

/* row_bytes: about so large are they. */
OV_CHECKED ov_status ovi_win_run_add(win_run *run, const ov_batch *b, const uint8_t *marks, size_t row_bytes,
                                     ov_arena *scratch, ov_error *err);
void ovi_win_run_free(win_run *run);
/* The block that has the row. */
uint32_t ovi_win_block_of(const win_run *run, uint64_t row);

/* ---- one place in it ---- */

typedef struct win_reader {
    win_run *run;
    uint32_t column, filter; /* WINDOW_NONE: none */
    bool open;
    ov_arena arena; /* of the block; calls may use it for a step */
    ov_batch batch;
    uint64_t first, end;  /* its rows */
    ov_vec flat;          /* `column` of it */
    const uint64_t *mask; /* rows that the filter lets through; NULL: all */
} win_reader;

OV_CHECKED ov_status ovi_win_reader_open(win_reader *r, win_run *run, uint32_t column, uint32_t filter, ov_error *err);
void ovi_win_reader_close(win_reader *r);
OV_CHECKED ov_status ovi_win_reader_load(win_reader *r, uint64_t row, ov_error *err);
/* Makes the row one of the block's. */
static inline OV_CHECKED ov_status ovi_win_read(win_reader *r, uint64_t row, ov_error *err)
{
    return row >= r->first && row < r->end ? OV_OK : ovi_win_reader_load(r, row, err);
}
/* The column's value at a row of the block; NULL when it is not there. */
static inline const void *ovi_win_value(const win_reader *r, uint64_t row)
{
    size_t i = (size_t)(row - r->first);
    if (r->flat.type.id == OV_TYPE_NULL || !r->flat.data || (r->flat.valid && !ov_bits_test(r->flat.valid, i)))
        return NULL;
    return (const char *)r->flat.data + i * (ov_type_is_int(r->flat.type) || ov_type_is_real(r->flat.type) ? 8 : sizeof(ov_slice));
}
/* The filter lets a row of the block through, and the column, if there is one, has a value. */
static inline bool ovi_win_takes(const win_reader *r, uint64_t row)
{
    return (!r->mask || ov_bits_test(r->mask, (size_t)(row - r->first))) &&
           (r->column == WINDOW_NONE || ovi_win_value(r, row));
}

/* ---- how many rows before one take part, and what their whole numbers add up to ---- */

typedef struct win_tally {
    win_reader r;
    bool all, sums; /* all: every row takes part */
    uint64_t at, count, sum;
} win_tally;

/* On to a row that is not before the last one. */
OV_CHECKED ov_status ovi_win_tally_to(win_tally *t, uint64_t row, ov_error *err);
/* On to the row behind the one that takes part as number `count` (from 1); *row is that row, or WINDOW_NO_ROW. */
OV_CHECKED ov_status ovi_win_tally_find(win_tally *t, uint64_t count, uint64_t *row, ov_error *err);

/* ---- peers and frames, row after row from 0 ---- */

typedef struct win_peers {
    win_reader marks;
    uint64_t at;
} win_peers;

/* The first of row's peers, or the row behind the last one. */
OV_CHECKED ov_status ovi_win_peers_first(win_peers *p, uint64_t row, uint64_t *out, ov_error *err);
OV_CHECKED ov_status ovi_win_peers_end(win_peers *p, uint64_t row, uint64_t *out, ov_error *err);

typedef struct win_edge {
    ov_window_edge edge;
    bool range, groups, to; /* to: the edge behind the frame */
    win_peers peers;
    win_reader key, ahead; /* RANGE with a distance: at the row, and at the edge; GROUPS: marks at the edge */
    uint64_t at;
    uint64_t own_group, at_group; /* GROUPS: of the row; of `at`, which is the first of its peers */
} win_edge;

typedef struct win_frame {
    win_edge from, to;
} win_frame;

OV_CHECKED ov_status ovi_win_frame_open(win_frame *f, win_run *run, const ov_window_frame *frame, ov_error *err);
void ovi_win_frame_close(win_frame *f);
/* Of rows [first, first + n). */
OV_CHECKED ov_status ovi_win_frame_rows(win_frame *f, uint64_t first, uint32_t n, uint64_t *from, uint64_t *to,
                                        ov_error *err);

/* ---- calls ---- */

/* Different values of frames (window_distinct.c). */
typedef struct win_distinct win_distinct;
OV_CHECKED ov_status ovi_win_distinct_open(win_run *run, const win_call *c, ov_arena *arena, win_distinct **out,
                                           ov_error *err);
void ovi_win_distinct_close(win_distinct *d);
OV_CHECKED ov_status ovi_win_distinct_count(win_distinct *d, uint64_t from, uint64_t to, int64_t *out, ov_error *err);

/* Aggregates (window_run_agg.c). */
typedef struct win_flow_agg win_flow_agg;
OV_CHECKED ov_status ovi_win_flow_agg_open(win_run *run, win_call *c, ov_arena *arena, win_flow_agg **out,
                                           ov_error *err);
void ovi_win_flow_agg_close(win_flow_agg *f);
OV_CHECKED ov_status ovi_win_flow_agg_emit(win_flow_agg *f, uint64_t first, uint32_t n, ov_arena *out, ov_vec *vec,
                                           ov_error *err);

/* Ranks, and values of other rows (window_run_value.c). */
typedef struct win_flow_value win_flow_value;
OV_CHECKED ov_status ovi_win_flow_value_open(win_run *run, const win_call *c, ov_arena *arena, win_flow_value **out,
                                             ov_error *err);
void ovi_win_flow_value_close(win_flow_value *f);
OV_CHECKED ov_status ovi_win_flow_value_emit(win_flow_value *f, uint64_t first, uint32_t n, ov_arena *out, ov_vec *vec,
                                             ov_error *err);

/* Runs the calls over all rows and hands the batches on (window_run_emit.c). */
OV_CHECKED ov_status ovi_win_run_emit(win_run *run, win_call *calls, ovi_worker *w, ovi_sink *next, ov_error *err);
