/*
 * Aggregates over frames of a partition on disk. Rows come and go in order, so no more is kept than
 *
 *   counts, sums of whole numbers  two running sums, at both ends of the frame
 *   different values               a count for each value (window_distinct.c)
 *   from the partition's start     one state that takes in rows as they come
 *   anything else                  a queue of two stacks: states of all suffixes of the front rows, one state of the
 *                                  rows behind them. Of the front only the suffixes that begin with a block are kept;
 *                                  those inside the block at hand are made when it is reached, so a frame may be as
 *                                  long as the partition.
 *
 * As in memory, nothing here knows what a state holds, only that states merge, earlier rows first.
 */
#include "query/exec/window_run.h"

typedef struct two_stacks {
    ov_acc ends;   /* front: by block, from its start to `mid` */
    ov_acc inside; /* front: by row, of the block at hand, from inside_first on */
    ov_acc back;   /* rows [mid, done) */
    uint32_t ends_block, inside_block;
    uint64_t inside_first;
    bool has_inside;
    uint64_t mid, done;
} two_stacks;

typedef enum flow_how { FLOW_COUNTED, FLOW_DISTINCT, FLOW_WHOLE, FLOW_GROWING, FLOW_SLIDING } flow_how;

struct win_flow_agg {
    win_run *run;
    win_call *c;
    ov_arena *arena;
    flow_how how;
    win_frame frame;
    uint64_t *from, *to; /* of a batch */
    win_tally low, high;
    win_distinct *distinct;
    win_reader rows, look; /* where rows are taken in; where the front is opened */
    ov_acc state, results; /* GROWING, WHOLE: the state; of one batch */
    uint64_t done;         /* rows before it are in the state */
    two_stacks stacks;
};

/* ---- rows into states ---- */

/* Rows [from, to): all to `group`, or row from + i to group i. */
static OV_CHECKED ov_status add_rows(win_flow_agg *f, win_reader *r, uint64_t from, uint64_t to, ov_piece_kind kind,
                                     uint32_t group, ov_acc *acc, ov_error *err)
{
    const win_call *c = f->c;
    for (uint64_t row = from; row < to; row = OV_MIN(to, r->end)) {
        OV_TRY(ovi_win_read(r, row, err));
        ov_agg_piece piece = {.from = (uint32_t)(row - r->first),
                              .to = (uint32_t)(OV_MIN(to, r->end) - r->first),
                              .group = kind == OV_PIECE_RAMP ? (uint32_t)(row - from) : group,
                              .kind = (uint8_t)kind};
        ov_agg_rows rows = {
            .rows = r->batch.rows, .pieces = &piece, .piece_count = 1, .code_lane = 4, .ordinal = r->first};
        const ov_vec *few[4] = {NULL}, **args = few; /* COUNT(*) is told by the first one */
        ov_arena_mark mark = ov_arena_mark_get(&r->arena);
        if (c->argc > OV_COUNT_OF(few))
            OV_TRY(ov_arena_alloc(&r->arena, c->argc * sizeof *args, &args, err));
        for (uint32_t a = 0; a < c->argc; a++)
            args[a] = &r->batch.col[c->args[a]];
        OV_TRY(ov_acc_update(acc, &rows, r->mask, args, &r->arena, err));
        ov_arena_rewind(&r->arena, mark);
    }
    ov_acc_settle(acc);
    return OV_OK;
}

static OV_CHECKED ov_status merge_one(ov_acc *dst, uint32_t to, ov_acc *src, uint32_t from, ov_error *err)
{
    return ov_acc_merge(dst, src, &from, &to, 1, NULL, err);
}

/* Each group takes in the one behind it, the last ones first: states of suffixes. */
static OV_CHECKED ov_status suffixes(ov_acc *acc, uint32_t groups, ov_error *err)
{
    for (uint32_t g = groups; g-- > 1;)
        OV_TRY(merge_one(acc, g - 1, acc, g, err));
    return OV_OK;
}

/* ---- a queue of two stacks ---- */

/* Rows [from, to) become the front, the back is empty. */
static OV_CHECKED ov_status make_front(win_flow_agg *f, uint64_t from, uint64_t to, ov_error *err)
{
    two_stacks *s = &f->stacks;
    const uint64_t *first = f->run->first;
    uint32_t low = ovi_win_block_of(f->run, from), high = ovi_win_block_of(f->run, to - 1);
    ov_acc_reset(&s->back);
    ov_acc_reset(&s->ends);
    OV_TRY(ov_acc_reserve(&s->ends, high - low + 1, err));
    for (uint32_t b = low; b <= high; b++) {
        uint64_t end = b == high ? to : first[b + 1];
        OV_TRY(add_rows(f, &f->rows, OV_MAX(from, first[b]), end, OV_PIECE_ONE, b - low, &s->ends, err));
    }
    OV_TRY(suffixes(&s->ends, high - low + 1, err));
    s->ends_block = low;
    s->has_inside = false;
    s->mid = s->done = to;
    return OV_OK;
}

/* The group of `inside` that has rows [row, mid). */
static OV_CHECKED ov_status find_front(win_flow_agg *f, uint64_t row, uint32_t *group, ov_error *err)
{
    two_stacks *s = &f->stacks;
    uint32_t b = ovi_win_block_of(f->run, row);
    *group = (uint32_t)(row - s->inside_first);
    if (s->has_inside && s->inside_block == b)
        return OV_OK;
    bool last = b + 1 == f->run->blocks.count || f->run->first[b + 1] >= s->mid;
    uint64_t end = last ? s->mid : f->run->first[b + 1];
    uint32_t n = (uint32_t)(end - row);
    ov_acc_reset(&s->inside);
    OV_TRY(ov_acc_reserve(&s->inside, n, err));
    OV_TRY(add_rows(f, &f->look, row, end, OV_PIECE_RAMP, 0, &s->inside, err));
    if (!last)
        OV_TRY(merge_one(&s->inside, n - 1, &s->ends, b + 1 - s->ends_block, err));
    OV_TRY(suffixes(&s->inside, n, err));
    s->has_inside = true;
    s->inside_block = b;
    s->inside_first = row;
    *group = 0;
    return OV_OK;
}

static OV_CHECKED ov_status slide(win_flow_agg *f, uint64_t from, uint64_t to, uint32_t group, ov_error *err)
{
    two_stacks *s = &f->stacks;
    uint32_t front;
    if (from >= to)
        return OV_OK;
    if (from >= s->mid)
        OV_TRY(make_front(f, from, to, err));
    if (to > s->done) {
        OV_TRY(ov_acc_reserve(&s->back, 1, err));
        OV_TRY(add_rows(f, &f->rows, s->done, to, OV_PIECE_ONE, 0, &s->back, err));
        s->done = to;
    }
    OV_TRY(find_front(f, from, &front, err));
    OV_TRY(merge_one(&f->results, group, &s->inside, front, err));
    return s->done > s->mid ? merge_one(&f->results, group, &s->back, 0, err) : OV_OK;
}

/* ---- life ---- */

static flow_how how_of(const win_run *run, const win_call *c)
{
    ov_window_frame w = ovi_win_effective(run->node, &c->call->frame);
    bool start = w.from.kind == OV_EDGE_PARTITION, end = w.to.kind == OV_EDGE_PARTITION;
    if (start && end)
        return FLOW_WHOLE;
    if (ov_acc_spec_of(c->call->agg).kind == OV_ACC_DISTINCT)
        return FLOW_DISTINCT;
    if (ovi_win_is_counted(c))
        return FLOW_COUNTED;
    return start ? FLOW_GROWING : FLOW_SLIDING;
}

static OV_CHECKED ov_status open_tally(win_flow_agg *f, win_tally *t, ov_error *err)
{
    const win_call *c = f->c;
    t->all = !c->argc && c->filter == WINDOW_NONE;
    t->sums = f->results.kind == OV_ACC_SUM_LONG;
    return t->all ? OV_OK
                  : ovi_win_reader_open(&t->r, f->run, c->argc ? c->args[0] : WINDOW_NONE, c->filter, err);
}

static OV_CHECKED ov_status open_states(win_flow_agg *f, ov_error *err)
{
    ovi_exec *x = f->run->exec;
    const win_call *c = f->c;
    bool general = f->how != FLOW_WHOLE || x->cx->options.general_only;
    two_stacks *s = &f->stacks;
    OV_TRY(ovi_win_reader_open(&f->rows, f->run, WINDOW_NONE, c->filter, err));
    OV_TRY(ovi_win_open_acc(x, c, general, &f->state, err));
    OV_TRY(ov_acc_reserve(&f->state, 1, err));
    if (f->run->before_rows)
        OV_TRY(merge_one(&f->state, 0, &f->c->carry, 0, err));
    if (f->how != FLOW_SLIDING)
        return OV_OK;
    OV_TRY(ovi_win_reader_open(&f->look, f->run, WINDOW_NONE, c->filter, err));
    OV_TRY(ovi_win_open_acc(x, c, true, &s->ends, err));
    OV_TRY(ovi_win_open_acc(x, c, true, &s->inside, err));
    return ovi_win_open_acc(x, c, true, &s->back, err);
}

ov_status ovi_win_flow_agg_open(win_run *run, win_call *c, ov_arena *arena, win_flow_agg **out, ov_error *err)
{
    win_flow_agg *f;
    OV_TRY(ov_arena_zalloc(arena, sizeof *f, &f, err));
    *f = (win_flow_agg){.run = run, .c = c, .arena = arena, .how = how_of(run, c)};
    *out = f;
    OV_TRY(ov_arena_alloc(arena, (OV_BATCH_ROWS + 1) * sizeof *f->from, &f->from, err));
    OV_TRY(ov_arena_alloc(arena, (OV_BATCH_ROWS + 1) * sizeof *f->to, &f->to, err));
    OV_TRY(ovi_win_open_acc(run->exec, c, true, &f->results, err));
    OV_TRY(ovi_win_frame_open(&f->frame, run, &c->call->frame, err));
    if (f->how == FLOW_DISTINCT)
        return ovi_win_distinct_open(run, c, arena, &f->distinct, err);
    if (f->how != FLOW_COUNTED)
        return open_states(f, err);
    OV_TRY(open_tally(f, &f->low, err));
    return open_tally(f, &f->high, err);
}

void ovi_win_flow_agg_close(win_flow_agg *f)
{
    if (!f)
        return;
    ov_acc *accs[] = {&f->state, &f->results, &f->stacks.ends, &f->stacks.inside, &f->stacks.back};
    for (size_t i = 0; i < OV_COUNT_OF(accs); i++)
        if (accs[i]->budget)
            ov_acc_fini(accs[i]);
    win_reader *readers[] = {&f->low.r, &f->high.r, &f->rows, &f->look};
    for (size_t i = 0; i < OV_COUNT_OF(readers); i++)
        ovi_win_reader_close(readers[i]);
    ovi_win_frame_close(&f->frame);
    ovi_win_distinct_close(f->distinct);
}

/* ---- batches ---- */

static OV_CHECKED ov_status count_rows(win_flow_agg *f, uint32_t n, uint32_t *order, ov_error *err)
{
    const win_call *c = f->c;
    bool goes_on = f->run->before_rows > 0, sums = f->results.kind == OV_ACC_SUM_LONG;
    for (uint32_t i = 0; i < n; i++) {
        order[i] = i;
        OV_TRY(ovi_win_tally_to(&f->low, f->from[i], err));
        OV_TRY(ovi_win_tally_to(&f->high, f->to[i], err));
        f->results.n[i] = f->high.count - f->low.count + (goes_on ? c->carry_count : 0);
        if (sums)
            f->results.v.i[i] = (int64_t)(f->high.sum - f->low.sum + (goes_on ? c->carry_sum : 0));
    }
    return OV_OK;
}

static OV_CHECKED ov_status grow(win_flow_agg *f, uint32_t n, uint32_t *order, ov_error *err)
{
    uint32_t group = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i == 0 || f->to[i] > f->done) {
            OV_TRY(add_rows(f, &f->rows, f->done, OV_MAX(f->to[i], f->done), OV_PIECE_ONE, 0, &f->state, err));
            f->done = OV_MAX(f->to[i], f->done);
            OV_TRY(merge_one(&f->results, group++, &f->state, 0, err));
        }
        order[i] = group - 1;
    }
    return OV_OK;
}

static OV_CHECKED ov_status count_different(win_flow_agg *f, uint32_t n, ov_arena *out, ov_vec *vec, ov_error *err)
{
    int64_t *counts;
    OV_TRY(ov_arena_lanes(out, ((size_t)n + 64) * sizeof *counts, &counts, err));
    for (uint32_t i = 0; i < n; i++)
        OV_TRY(ovi_win_distinct_count(f->distinct, f->from[i], f->to[i], &counts[i], err));
    *vec = ov_vec_flat(f->c->call->type, counts, NULL, n);
    return OV_OK;
}

ov_status ovi_win_flow_agg_emit(win_flow_agg *f, uint64_t first, uint32_t n, ov_arena *out, ov_vec *vec, ov_error *err)
{
    uint32_t *order;
    OV_TRY(ov_arena_zalloc(out, ((size_t)n + 1) * sizeof *order, &order, err));
    OV_TRY(ovi_win_frame_rows(&f->frame, first, n, f->from, f->to, err));
    if (f->how == FLOW_DISTINCT)
        return count_different(f, n, out, vec, err);
    if (f->how == FLOW_WHOLE) {
        OV_TRY(add_rows(f, &f->rows, f->done, f->to[0], OV_PIECE_ONE, 0, &f->state, err));
        f->done = f->to[0];
        return ov_acc_emit(&f->state, f->c->call->agg, order, n, out, vec, err);
    }
    ov_acc_reset(&f->results);
    OV_TRY(ov_acc_reserve(&f->results, n, err));
    if (f->how == FLOW_COUNTED)
        OV_TRY(count_rows(f, n, order, err));
    else if (f->how == FLOW_GROWING)
        OV_TRY(grow(f, n, order, err));
    for (uint32_t i = 0; f->how == FLOW_SLIDING && i < n; i++) {
        order[i] = i;
        OV_TRY(slide(f, f->from[i], f->to[i], i, err));
    }
    return ov_acc_emit(&f->results, f->c->call->agg, order, n, out, vec, err);
}
