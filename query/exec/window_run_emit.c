/* A partition on disk, block by block, with the results of its calls beside it. */
#include "query/exec/window_run.h"

typedef struct flows {
    win_run *run;
    ov_arena arena;
    win_reader rows;
    uint32_t count;
    win_flow_agg **aggs; /* by call; NULL: it is a value */
    win_flow_value **values;
} flows;

static OV_CHECKED ov_status open_flows(flows *f, win_call *calls, ov_error *err)
{
    OV_TRY(ov_arena_zalloc(&f->arena, (f->count + (size_t)1) * sizeof *f->aggs, &f->aggs, err));
    OV_TRY(ov_arena_zalloc(&f->arena, (f->count + (size_t)1) * sizeof *f->values, &f->values, err));
    for (uint32_t i = 0; i < f->count; i++)
        OV_TRY(calls[i].call->agg ? ovi_win_flow_agg_open(f->run, &calls[i], &f->arena, &f->aggs[i], err)
                                  : ovi_win_flow_value_open(f->run, &calls[i], &f->arena, &f->values[i], err));
    return ovi_win_reader_open(&f->rows, f->run, WINDOW_NONE, WINDOW_NONE, err);
}

static void close_flows(flows *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (f->aggs)
            ovi_win_flow_agg_close(f->aggs[i]);
        if (f->values)
            ovi_win_flow_value_close(f->values[i]);
    }
    ovi_win_reader_close(&f->rows);
    ov_arena_fini(&f->arena);
}

static OV_CHECKED ov_status emit_block(flows *f, uint64_t first, ovi_worker *w, ovi_sink *next, ov_error *err)
{
    ovi_exec *x = f->run->exec;
    uint32_t inputs = f->run->node->inputs[0]->field_count;
    OV_TRY(ovi_next_batch(w, err));
    OV_TRY(ovi_win_read(&f->rows, first, err));
    uint32_t n = f->rows.batch.rows;
    ov_batch b = {.rows = n, .cols = inputs + f->count, .sel_rows = n};
    w->ordinal = x->ordinal;
    OV_TRY(ov_arena_alloc(&w->scratch, OV_MAX(b.cols, 1u) * sizeof *b.col, &b.col, err));
    if (inputs)
        memcpy(b.col, f->rows.batch.col, inputs * sizeof *b.col);
    for (uint32_t i = 0; i < f->count; i++) {
        ov_vec *out = &b.col[inputs + i];
        OV_TRY(f->aggs[i] ? ovi_win_flow_agg_emit(f->aggs[i], first, n, &w->scratch, out, err)
                          : ovi_win_flow_value_emit(f->values[i], first, n, &w->scratch, out, err));
    }
    ovi_count_rows(x, f->run->node, &b);
    OV_TRY(ovi_push(next, w, &b, err));
    x->ordinal += n;
    return OV_OK;
}

ov_status ovi_win_run_emit(win_run *run, win_call *calls, ovi_worker *w, ovi_sink *next, ov_error *err)
{
    flows f = {.run = run, .count = run->node->window.call_count};
    ov_status st;
    ov_arena_init(&f.arena, "window calls", &run->exec->cx->budget);
    OV_TRY_OUT(st, open_flows(&f, calls, err));
    for (uint32_t b = 0; b < run->blocks.count && !ovi_done(next); b++)
        OV_TRY_OUT(st, emit_block(&f, run->first[b], w, next, err));
out:
    close_flows(&f);
    return st;
}
