/*
 * WINDOW: the sorted input cut into chunks of whole partitions, and the run of its calls over each.
 *
 * Sorting is the sort operator's: rows pass through it on their way in, unless an operator below left them in this
 * order already. What is kept here is one chunk: the rows of a few partitions, or those of one large one. A partition
 * that does not fit goes to disk row by row, and is run from there when it is whole (window_run.h).
 */
#include "query/exec/window_run.h"

/* A chunk is run when it has this many batches of rows and a partition ended, or when a partition that may be cut
 * has grown a few times as long. */
enum { CHUNK_BATCHES = 4, LONG_CHUNKS = 4 };

typedef struct win_op {
    ovi_ordered ordered;
    ovi_exec *exec;
    const ov_plan *node;
    ovi_sink *next;
    ovi_worker *w; /* for the batches that go on */
    const ov_expr **values; /* what calls read and is no column of the input */
    uint32_t value_count;
    win_call *calls;
    ov_arena arenas[2]; /* of the chunk, and the one that takes its unfinished partition */
    unsigned arena;
    win_piece *pieces;
    uint32_t piece_count, piece_cap, rows;
    bool streams; /* partitions may be cut */
    ov_batch last; /* the row before the kept ones, when it is on disk; lies in the arena in use */
    bool run_open; /* the partition at hand goes to disk, or its first rows are there */
    win_run run;
    uint64_t before_rows, before_groups; /* of the first partition kept: what has been run */
} win_op;

/* ---- partitions on disk ---- */

/* What is taken for a row of a chunk, about, beside its values: numbers of rows, and results or states of calls. */
static size_t chunk_bytes(const win_op *op)
{
    enum { ROW = 24, CALL = 48, STATE = 96 };
    size_t bytes = ROW;
    for (uint32_t i = 0; i < op->node->window.call_count; i++)
        bytes += op->node->window.calls[i].agg ? STATE : CALL;
    return bytes;
}

/* Should the kept rows go to disk instead of growing by a batch, or being run? */
static bool is_due(const win_op *op)
{
    size_t own = op->arenas[op->arena].total_bytes, batch = op->rows ? own / op->rows * op->exec->batch_rows : 0;
    size_t need = batch + op->rows * chunk_bytes(op);
    return ovi_spill_due(op->exec, own, op->rows, need / op->exec->worker_count);
}

static OV_CHECKED ov_status end_run(win_op *op, ov_error *err)
{
    win_run *run = &op->run;
    run->before_rows = op->before_rows;
    run->before_groups = op->before_groups;
    ov_status st = ovi_win_run_emit(run, op->calls, op->w, op->next, err);
    ovi_win_run_free(run);
    op->run_open = false;
    op->before_rows = op->before_groups = 0;
    return st;
}

/* Rows [from, to) of a piece, all of one partition. */
static OV_CHECKED ov_status spool_part(win_op *op, const win_piece *piece, uint32_t from, uint32_t to, size_t row_bytes,
                                       ov_error *err)
{
    ov_arena *scratch = &op->w->scratch;
    ov_batch part = {.rows = to - from, .cols = piece->batch.cols, .sel_rows = to - from};
    if (!op->run_open) {
        op->run = (win_run){.exec = op->exec, .node = op->node};
        ovi_spill_init(&op->run.file, op->exec);
        op->run_open = true;
    }
    OV_TRY(ovi_next_batch(op->w, err));
    OV_TRY(ov_arena_alloc(scratch, OV_MAX(part.cols, 1u) * sizeof *part.col, &part.col, err));
    for (uint32_t c = 0; c < part.cols; c++)
        OV_TRY(ovi_vec_slice(&piece->batch.col[c], from, part.rows, scratch, &part.col[c], err));
    return ovi_win_run_add(&op->run, &part, piece->marks + from, row_bytes, scratch, err);
}

/* The kept rows [0, rows) go to disk; partitions that end before `rows` are run. */
static OV_CHECKED ov_status spool(win_op *op, uint32_t rows, ov_error *err)
{
    size_t row_bytes = op->arenas[op->arena].total_bytes / OV_MAX(op->rows, 1u);
    for (uint32_t p = 0; p < op->piece_count && op->pieces[p].first < rows; p++) {
        const win_piece *piece = &op->pieces[p];
        uint32_t n = OV_MIN(piece->batch.rows, rows - piece->first);
        for (uint32_t from = 0, to; from < n; from = to) {
            if (piece->marks[from] & WINDOW_PARTITION && op->run_open)
                OV_TRY(end_run(op, err));
            for (to = from + 1; to < n && !(piece->marks[to] & WINDOW_PARTITION);)
                to++;
            OV_TRY(spool_part(op, piece, from, to, row_bytes, err));
        }
    }
    return OV_OK;
}

/* ---- a chunk ---- */

static OV_CHECKED ov_status new_numbers(ov_arena *arena, uint32_t rows, uint32_t **out, ov_error *err)
{
    return ov_arena_alloc(arena, ((size_t)rows + 1) * sizeof **out, out, err);
}

/* Rows [0, rows) of the kept pieces. */
static OV_CHECKED ov_status make_chunk(win_op *op, uint32_t rows, bool goes_on, win_chunk *k, ov_error *err)
{
    ov_arena *arena = &op->arenas[op->arena];
    *k = (win_chunk){.exec = op->exec,
                     .node = op->node,
                     .arena = arena,
                     .scratch = &op->w->scratch,
                     .pieces = op->pieces,
                     .piece_count = op->piece_count,
                     .rows = rows,
                     .before_rows = op->before_rows,
                     .before_groups = op->before_groups,
                     .goes_on = goes_on};
    uint32_t **lists[] = {&k->part_first, &k->part_end, &k->peer_first, &k->peer_end, &k->part_number};
    for (size_t i = 0; i < OV_COUNT_OF(lists); i++)
        OV_TRY(new_numbers(arena, rows, lists[i], err));
    uint32_t part = 0, peer = 0;
    for (uint32_t p = 0; p < op->piece_count; p++) {
        const win_piece *piece = &op->pieces[p];
        OV_TRY(ov_query_alive(op->exec->cx, err));
        for (uint32_t i = 0, at = piece->first; i < piece->batch.rows && at < rows; i++, at++) {
            if (piece->marks[i] || at == 0) {
                peer = at;
                if (piece->marks[i] & WINDOW_PARTITION || at == 0) {
                    part = at;
                    k->partitions++;
                }
            }
            k->part_first[at] = part;
            k->peer_first[at] = peer;
            k->part_number[at] = k->partitions - 1;
        }
    }
    for (uint32_t i = rows, part_end = rows, peer_end = rows; i-- > 0;) {
        OV_TRY(ovi_win_alive_at(k, i, err));
        k->part_end[i] = part_end;
        k->peer_end[i] = peer_end;
        part_end = k->part_first[i] == i ? i : part_end;
        peer_end = k->peer_first[i] == i ? i : peer_end;
    }
    return OV_OK;
}

ov_status ovi_win_column(const win_chunk *k, uint32_t column, win_column *out, ov_error *err)
{
    ov_type type = k->pieces[0].batch.col[column].type;
    size_t width = ov_type_is_int(type) || ov_type_is_real(type) ? 8 : sizeof(ov_slice);
    uint64_t *valid = NULL;
    char *data;
    *out = (win_column){.type = type};
    if (type.id == OV_TYPE_NULL)
        return OV_OK;
    if (ov_type_is_list(type))
        return ov_fail(err, OV_UNSUPPORTED, "Window functions do not take multi-value strings; use MV_TO_ARRAY");
    OV_TRY(ov_arena_lanes(k->arena, ((size_t)k->rows + 64) * width, &data, err));
    for (uint32_t p = 0; p < k->piece_count && k->pieces[p].first < k->rows; p++) {
        const win_piece *piece = &k->pieces[p];
        uint32_t n = OV_MIN(piece->batch.rows, k->rows - piece->first);
        ov_arena_mark mark = ov_arena_mark_get(k->scratch);
        ov_vec flat;
        if (p % 16 == 15)
            OV_TRY(ov_query_alive(k->exec->cx, err));
        OV_TRY(ov_vec_flatten(&piece->batch.col[column], k->scratch, &flat, err));
        memcpy(data + piece->first * width, flat.data, n * width);
        if (flat.valid && !valid) {
            OV_TRY(ov_arena_alloc(k->arena, (ov_words(k->rows) + 1) * 8, &valid, err));
            ov_bits_fill(valid, k->rows, true);
        }
        for (uint32_t i = 0; flat.valid && i < n; i++)
            if (!ov_bits_test(flat.valid, i))
                ov_bits_clear(valid, piece->first + i);
        ov_arena_rewind(k->scratch, mark);
    }
    *out = (win_column){.type = type, .data = data, .valid = valid};
    return OV_OK;
}

static OV_CHECKED ov_status push_piece(win_op *op, const win_piece *piece, uint32_t n, ov_error *err)
{
    uint32_t inputs = op->node->inputs[0]->field_count, calls = op->node->window.call_count;
    ov_batch b = {.rows = n, .cols = inputs + calls, .sel_rows = n};
    ovi_worker *w = op->w;
    OV_TRY(ovi_next_batch(w, err));
    w->ordinal = op->exec->ordinal;
    OV_TRY(ov_arena_alloc(&w->scratch, OV_MAX(b.cols, 1u) * sizeof *b.col, &b.col, err));
    for (uint32_t c = 0; c < inputs; c++)
        OV_TRY(ovi_vec_slice(&piece->batch.col[c], 0, n, &w->scratch, &b.col[c], err));
    for (uint32_t i = 0; i < calls; i++) {
        win_call *c = &op->calls[i];
        if (c->call->agg)
            OV_TRY(ovi_win_emit_agg(c, piece->first, n, &w->scratch, &b.col[inputs + i], err));
        else
            OV_TRY(ovi_win_emit_value(c, piece->first, n, &w->scratch, &b.col[inputs + i], err));
    }
    ovi_count_rows(op->exec, op->node, &b);
    OV_TRY(ovi_push(op->next, w, &b, err));
    op->exec->ordinal += n;
    return OV_OK;
}

static OV_CHECKED ov_status run_chunk(win_op *op, const win_chunk *k, ov_error *err)
{
    for (uint32_t i = 0; i < op->node->window.call_count; i++) {
        win_call *c = &op->calls[i];
        OV_TRY(ov_query_alive(op->exec->cx, err));
        c->chunk = k;
        if (c->call->agg)
            OV_TRY(ovi_win_prepare_agg(k, c, err));
        else
            OV_TRY(ovi_win_prepare_value(k, c, err));
    }
    for (uint32_t p = 0; p < k->piece_count && !ovi_done(op->next); p++) {
        const win_piece *piece = &k->pieces[p];
        if (piece->first < k->rows)
            OV_TRY(push_piece(op, piece, OV_MIN(piece->batch.rows, k->rows - piece->first), err));
    }
    return OV_OK;
}

static void free_calls(win_op *op)
{
    for (uint32_t i = 0; op->calls && i < op->node->window.call_count; i++)
        ovi_win_free_agg(&op->calls[i]);
}

/* What the next chunk must know of a partition that goes on. */
static void carry_on(win_op *op, const win_chunk *k)
{
    uint32_t first = k->part_first[k->rows - 1];
    if (first > 0 || !k->goes_on)
        op->before_rows = op->before_groups = 0;
    if (!k->goes_on)
        return;
    op->before_rows += k->rows - first;
    for (uint32_t i = first; i < k->rows; i++)
        op->before_groups += k->peer_first[i] == i;
}

/* Rows [from, to) of a piece, copied. */
static OV_CHECKED ov_status copy_part(win_op *op, const win_piece *piece, uint32_t from, uint32_t to, ov_arena *out,
                                      ov_batch *copy, ov_error *err)
{
    ov_batch part = {.rows = to - from, .cols = piece->batch.cols, .sel_rows = to - from};
    OV_TRY(ovi_next_batch(op->w, err));
    OV_TRY(ov_arena_alloc(&op->w->scratch, OV_MAX(part.cols, 1u) * sizeof *part.col, &part.col, err));
    for (uint32_t c = 0; c < part.cols; c++)
        OV_TRY(ovi_vec_slice(&piece->batch.col[c], from, part.rows, &op->w->scratch, &part.col[c], err));
    return ovi_batch_copy(&part, out, copy, err);
}

/* Forgets rows [0, rows); the others lie in the last piece. The last row is remembered when none is left. */
static OV_CHECKED ov_status drop_rows(win_op *op, uint32_t rows, ov_error *err)
{
    ov_arena *done = &op->arenas[op->arena], *next = &op->arenas[op->arena ^ 1];
    const win_piece *last = &op->pieces[op->piece_count - 1];
    uint32_t left = op->rows - rows, end = last->batch.rows;
    win_piece kept = {0};
    if (left) {
        OV_TRY(copy_part(op, last, end - left, end, next, &kept.batch, err));
        OV_TRY(ov_arena_alloc(next, (size_t)left + 1, &kept.marks, err));
        memcpy(kept.marks, last->marks + end - left, left);
        op->pieces[0] = kept;
        op->last.rows = 0;
    } else {
        OV_TRY(copy_part(op, last, end - 1, end, next, &op->last, err));
    }
    op->piece_count = left > 0;
    op->rows = left;
    ov_arena_reset(done);
    op->arena ^= 1;
    return OV_OK;
}

/* Runs rows [0, rows), which end with a partition unless it goes on, and keeps the rest, which lies in the last
 * piece. */
static OV_CHECKED ov_status finish_rows(win_op *op, uint32_t rows, bool goes_on, ov_error *err)
{
    win_chunk k;
    if (!rows)
        return OV_OK;
    if (op->run_open || (!goes_on && is_due(op))) {
        OV_TRY(spool(op, rows, err));
        OV_TRY(end_run(op, err));
    } else {
        OV_TRY(make_chunk(op, rows, goes_on, &k, err));
        OV_TRY(run_chunk(op, &k, err));
        carry_on(op, &k);
        free_calls(op);
    }
    return drop_rows(op, rows, err);
}

/* ---- rows come ---- */

static OV_CHECKED ov_status mark_rows(win_op *op, win_piece *piece, ov_error *err)
{
    const ov_batch *last = op->piece_count ? &op->pieces[op->piece_count - 1].batch : op->last.rows ? &op->last : NULL;
    OV_TRY(ov_arena_zalloc(&op->arenas[op->arena], (size_t)piece->batch.rows + 1, &piece->marks, err));
    return ovi_win_mark(op->node, &piece->batch, last, piece->marks, &op->w->scratch, err);
}

/* The batch with the values that calls need behind its columns. */
static OV_CHECKED ov_status with_values(win_op *op, const ov_batch *b, ov_batch *out, ov_error *err)
{
    *out = *b;
    out->cols = b->cols + op->value_count;
    OV_TRY(ov_arena_alloc(&op->w->scratch, OV_MAX(out->cols, 1u) * sizeof *out->col, &out->col, err));
    if (b->cols)
        memcpy(out->col, b->col, b->cols * sizeof *out->col);
    for (uint32_t i = 0; i < op->value_count; i++)
        OV_TRY(ov_eval_expr(op->w->eval, op->values[i], b, &out->col[b->cols + i], err));
    return OV_OK;
}

static OV_CHECKED ov_status keep(win_op *op, const win_piece *piece, ov_error *err)
{
    ov_budget *budget = &op->exec->cx->budget;
    OV_TRY(ov_list_room(budget, &op->pieces, op->piece_count, &op->piece_cap, 1, sizeof *op->pieces, err));
    op->pieces[op->piece_count++] = *piece;
    op->rows += piece->batch.rows;
    return OV_OK;
}

/* The last row that begins what the mark says; the number of rows when none does. */
static uint32_t last_mark(const win_piece *piece, uint8_t mark)
{
    uint32_t at = piece->batch.rows;
    while (at > 0 && !(piece->marks[at - 1] & mark))
        at--;
    return at ? at - 1 : piece->batch.rows;
}

static ov_status win_deliver(ovi_ordered *o, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    win_op *op = (win_op *)o;
    win_piece piece = {.first = op->rows};
    ov_batch wide;
    (void)w;
    OV_TRY(ovi_next_batch(op->w, err));
    OV_TRY(with_values(op, b, &wide, err));
    OV_TRY(ovi_batch_copy(&wide, &op->arenas[op->arena], &piece.batch, err));
    if (op->rows > UINT32_MAX - 2 * OV_BATCH_ROWS)
        return ov_fail(err, OV_LIMIT, "A partition of a window function has more than four billion rows");
    OV_TRY(mark_rows(op, &piece, err));
    OV_TRY(keep(op, &piece, err));
    uint32_t enough = CHUNK_BATCHES * op->exec->batch_rows, at;
    bool due = op->run_open || is_due(op);
    if (op->rows < enough && !due)
        return OV_OK;
    at = last_mark(&piece, WINDOW_PARTITION);
    if (at < piece.batch.rows && piece.first + at > 0)
        return finish_rows(op, piece.first + at, false, err);
    if (due) {
        OV_TRY(spool(op, op->rows, err));
        return drop_rows(op, op->rows, err);
    }
    at = last_mark(&piece, WINDOW_PEERS);
    if (op->streams && op->rows / LONG_CHUNKS >= enough && at < piece.batch.rows)
        return finish_rows(op, piece.first + at, true, err);
    return OV_OK;
}

static void win_used(const ovi_sink *sink, uint64_t *columns, uint32_t count)
{
    const win_op *op = (const win_op *)sink;
    const ov_plan *node = op->node;
    uint64_t *all = ov_calloc(ov_words(node->field_count) + 1, 8);
    if (all)
        op->next->used(op->next, all, node->field_count);
    for (uint32_t c = 0; c < count; c++) /* without memory: all of them */
        if (!all || ov_bits_test(all, c))
            ov_bits_set(columns, c);
    ov_free(all);
    for (uint32_t i = 0; i < node->window.partition_count; i++)
        ov_bits_set(columns, node->window.partition[i]);
    for (uint32_t i = 0; i < node->window.key_count; i++)
        ov_bits_set(columns, node->window.keys[i].column);
    for (uint32_t i = 0; i < node->window.call_count; i++) {
        const ov_window_call *call = &node->window.calls[i];
        for (uint32_t a = 0; a < call->argc; a++)
            ov_expr_columns(call->args[a], columns, count);
        for (uint32_t a = 0; call->agg && a < call->agg->argc; a++)
            ov_expr_columns(call->agg->args[a], columns, count);
        if (call->agg && call->agg->filter)
            ov_expr_columns(call->agg->filter, columns, count);
    }
}

static bool win_done(const ovi_sink *sink)
{
    return ovi_done(((const win_op *)sink)->next);
}

/* ---- set-up ---- */

/* The column of kept batches that has e. */
static ov_status value_column(win_op *op, ov_places *places, const ov_expr *e, uint32_t *column, ov_error *err)
{
    uint32_t inputs = op->node->inputs[0]->field_count;
    *column = e->column;
    if (e->kind == OV_EXPR_COLUMN)
        return OV_OK;
    uint32_t known = e->deterministic ? ov_expr_find(places, op->values, e) : OV_NO_PLACE;
    if (known == OV_NO_PLACE) {
        OV_TRY(ov_expr_note(places, &op->exec->arena, e, err));
        known = op->value_count++;
        op->values[known] = e;
    }
    *column = inputs + known;
    return OV_OK;
}

static OV_CHECKED ov_status make_calls(win_op *op, ov_error *err)
{
    const ov_plan *node = op->node;
    uint32_t count = node->window.call_count, values = 0;
    ov_places places = {0};
    for (uint32_t i = 0; i < count; i++)
        values += node->window.calls[i].argc + 1 + (node->window.calls[i].agg ? node->window.calls[i].agg->argc : 0);
    OV_TRY(ov_arena_zalloc(&op->exec->arena, ((size_t)count + 1) * sizeof *op->calls, &op->calls, err));
    OV_TRY(ov_arena_zalloc(&op->exec->arena, ((size_t)values + 1) * sizeof *op->values, &op->values, err));
    op->streams = true;
    for (uint32_t i = 0; i < count; i++) {
        const ov_window_call *call = &node->window.calls[i];
        const ov_expr *const *args = call->agg ? call->agg->args : call->args;
        uint32_t argc = call->agg ? call->agg->argc : call->argc;
        win_call *c = &op->calls[i];
        c->call = call;
        c->argc = argc;
        op->streams = op->streams && ovi_win_streams(node, call);
        OV_TRY(ov_arena_alloc(&op->exec->arena, ((size_t)argc + 1) * sizeof *c->args, &c->args, err));
        for (uint32_t a = 0; a < argc; a++)
            OV_TRY(value_column(op, &places, args[a], &c->args[a], err));
        c->filter = WINDOW_NONE;
        if (call->agg && call->agg->filter)
            OV_TRY(value_column(op, &places, call->agg->filter, &c->filter, err));
    }
    return OV_OK;
}

ov_status ovi_run_window(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    win_op op = {.ordered = {.base = {.push = ovi_ordered_push, .used = win_used, .done = win_done, .ordered = true},
                             .deliver = win_deliver},
                 .exec = x,
                 .node = node,
                 .next = sink};
    ov_status st;
    ov_arena_init(&op.arenas[0], "window", &x->cx->budget);
    ov_arena_init(&op.arenas[1], "window", &x->cx->budget);
    OV_TRY_OUT(st, ovi_extra_worker(x, x->workers[0].number, &op.w, err));
    OV_TRY_OUT(st, make_calls(&op, err));
    OV_TRY_OUT(st, ovi_win_run_input(x, node, &op.ordered.base, err));
    OV_TRY_OUT(st, finish_rows(&op, op.rows, false, err));
    if (op.run_open)
        st = end_run(&op, err);
out:
    free_calls(&op);
    if (op.run_open)
        ovi_win_run_free(&op.run);
    for (uint32_t i = 0; op.calls && i < node->window.call_count; i++)
        if (op.calls[i].carry.budget)
            ov_acc_fini(&op.calls[i].carry);
    ov_array_free(&x->cx->budget, &op.pieces, op.piece_cap * sizeof *op.pieces);
    ov_arena_fini(&op.arenas[0]);
    ov_arena_fini(&op.arenas[1]);
    return st;
}
