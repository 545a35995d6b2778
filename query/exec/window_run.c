/* Rows of a partition on disk: writing, places in it, tallies, peers and frames. */
#include "query/exec/window_run.h"

/* ---- rows ---- */

static uint64_t rows_of(const win_run *run)
{
    return run->blocks.rows;
}

/* Blocks are small enough for many of them to be in memory at once. */
static uint32_t step_of(const win_run *run, size_t row_bytes)
{
    size_t most = ovi_block_bytes(run->exec) / OV_MAX(row_bytes, (size_t)1);
    return (uint32_t)OV_MIN(OV_MAX(most, (size_t)64), (size_t)run->exec->batch_rows);
}

static OV_CHECKED ov_status add_block(win_run *run, const ov_batch *b, const uint8_t *marks, uint32_t from, uint32_t n,
                                      ov_arena *scratch, ov_error *err)
{
    ov_batch block = {.rows = n, .cols = b->cols + 1, .sel_rows = n};
    uint8_t *lanes;
    OV_TRY(ov_arena_alloc(scratch, block.cols * sizeof *block.col, &block.col, err));
    for (uint32_t c = 0; c < b->cols; c++)
        OV_TRY(ovi_vec_slice(&b->col[c], from, n, scratch, &block.col[c], err));
    OV_TRY(ov_arena_lanes(scratch, (size_t)n + 64, &lanes, err));
    memcpy(lanes, marks + from, n);
    block.col[b->cols] = (ov_vec){
        .type = OV_T(OV_TYPE_LONG), .enc = OV_ENC_FLAT, .lane = 1, .rows = n, .divisor = 1, .data = lanes};
    OV_TRY(ov_list_room(&run->exec->cx->budget, &run->first, run->blocks.count, &run->first_cap, 1, sizeof *run->first, err));
    run->first[run->blocks.count] = rows_of(run);
    return ovi_spill_write(&run->file, &block, &run->blocks, scratch, err);
}

ov_status ovi_win_run_add(win_run *run, const ov_batch *b, const uint8_t *marks, size_t row_bytes, ov_arena *scratch,
                          ov_error *err)
{
    uint32_t step = step_of(run, row_bytes);
    run->marks = b->cols;
    for (uint32_t at = 0; at < b->rows; at += step) {
        ov_arena_mark mark = ov_arena_mark_get(scratch);
        OV_TRY(add_block(run, b, marks, at, OV_MIN(step, b->rows - at), scratch, err));
        ov_arena_rewind(scratch, mark);
    }
    return OV_OK;
}

void ovi_win_run_free(win_run *run)
{
    ov_array_free(&run->exec->cx->budget, &run->first, run->first_cap * sizeof *run->first);
    run->first_cap = 0;
    ovi_blocks_free(&run->blocks, &run->exec->cx->budget);
    ovi_spill_fini(&run->file);
}

uint32_t ovi_win_block_of(const win_run *run, uint64_t row)
{
    uint32_t low = 0, high = run->blocks.count;
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (run->first[mid] <= row)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* ---- one place ---- */

ov_status ovi_win_reader_open(win_reader *r, win_run *run, uint32_t column, uint32_t filter, ov_error *err)
{
    *r = (win_reader){.run = run, .column = column, .filter = filter, .open = true};
    ov_arena_init(&r->arena, "window rows", &run->exec->cx->budget);
    if (column == WINDOW_NONE)
        return OV_OK;
    OV_TRY(ovi_win_reader_load(r, 0, err));
    if (ov_type_is_list(r->batch.col[column].type))
        return ov_fail(err, OV_UNSUPPORTED, "Window functions do not take multi-value strings; use MV_TO_ARRAY");
    return OV_OK;
}

void ovi_win_reader_close(win_reader *r)
{
    if (r->open)
        ov_arena_fini(&r->arena);
    r->open = false;
}

static OV_CHECKED ov_status filter_block(win_reader *r, ov_error *err)
{
    const ov_vec *v = &r->batch.col[r->filter];
    uint64_t *mask;
    ov_vec flat;
    OV_TRY(ov_arena_zalloc(&r->arena, (ov_words(r->batch.rows) + 1) * 8, &mask, err));
    r->mask = mask;
    if (v->type.id == OV_TYPE_NULL)
        return OV_OK;
    OV_TRY(ov_vec_flatten(v, &r->arena, &flat, err));
    for (uint32_t i = 0; i < r->batch.rows; i++)
        if (((const int64_t *)flat.data)[i] && (!flat.valid || ov_bits_test(flat.valid, i)))
            ov_bits_set(mask, i);
    return OV_OK;
}

ov_status ovi_win_reader_load(win_reader *r, uint64_t row, ov_error *err)
{
    uint32_t block = ovi_win_block_of(r->run, row);
    r->first = r->end = 0;
    ov_arena_reset(&r->arena);
    OV_TRY(ovi_spill_read(&r->run->file, &r->run->blocks.at[block], &r->arena, &r->batch, err));
    if (r->column != WINDOW_NONE) {
        r->flat = r->batch.col[r->column];
        if (r->flat.type.id != OV_TYPE_NULL && !ov_type_is_list(r->flat.type))
            OV_TRY(ov_vec_flatten(&r->batch.col[r->column], &r->arena, &r->flat, err));
    }
    if (r->filter != WINDOW_NONE)
        OV_TRY(filter_block(r, err));
    r->first = r->run->first[block];
    r->end = r->first + r->batch.rows;
    return OV_OK;
}

/* ---- tallies ---- */

ov_status ovi_win_tally_to(win_tally *t, uint64_t row, ov_error *err)
{
    if (t->all) {
        t->at = t->count = row;
        return OV_OK;
    }
    while (t->at < row) {
        OV_TRY(ovi_win_read(&t->r, t->at, err));
        for (uint64_t end = OV_MIN(row, t->r.end); t->at < end; t->at++) {
            if (!ovi_win_takes(&t->r, t->at))
                continue;
            t->count++;
            t->sum += t->sums ? *(const uint64_t *)ovi_win_value(&t->r, t->at) : 0;
        }
    }
    return OV_OK;
}

ov_status ovi_win_tally_find(win_tally *t, uint64_t count, uint64_t *row, ov_error *err)
{
    uint64_t rows = rows_of(t->r.run);
    while (t->count < count && t->at < rows) {
        OV_TRY(ovi_win_read(&t->r, t->at, err));
        t->count += ovi_win_takes(&t->r, t->at);
        t->at++;
    }
    *row = t->count == count && count ? t->at - 1 : WINDOW_NO_ROW;
    return OV_OK;
}

/* ---- peers ---- */

/* Marks are numbers of one byte over 0. */
static OV_CHECKED ov_status begins_peers(win_reader *marks, uint64_t row, bool *out, ov_error *err)
{
    OV_TRY(ovi_win_read(marks, row, err));
    *out = *(const int64_t *)ovi_win_value(marks, row) != 0;
    return OV_OK;
}

ov_status ovi_win_peers_first(win_peers *p, uint64_t row, uint64_t *out, ov_error *err)
{
    bool begins;
    OV_TRY(begins_peers(&p->marks, row, &begins, err));
    p->at = begins || row == 0 ? row : p->at;
    *out = p->at;
    return OV_OK;
}

ov_status ovi_win_peers_end(win_peers *p, uint64_t row, uint64_t *out, ov_error *err)
{
    uint64_t rows = rows_of(p->marks.run);
    while (p->at <= row) {
        bool begins = false;
        for (p->at++; p->at < rows && !begins; p->at += !begins)
            OV_TRY(begins_peers(&p->marks, p->at, &begins, err));
    }
    *out = p->at;
    return OV_OK;
}

/* ---- frames ---- */

static OV_CHECKED ov_status edge_open(win_edge *e, win_run *run, ov_error *err)
{
    bool distance = e->range && e->edge.kind > OV_EDGE_CURRENT;
    if (!e->range || e->edge.kind == OV_EDGE_PARTITION)
        return OV_OK;
    OV_TRY(ovi_win_reader_open(&e->peers.marks, run, run->marks, WINDOW_NONE, err));
    if (!distance)
        return OV_OK;
    if (e->groups)
        return ovi_win_reader_open(&e->ahead, run, run->marks, WINDOW_NONE, err);
    uint32_t key = run->node->window.keys[0].column;
    OV_TRY(ovi_win_reader_open(&e->key, run, key, WINDOW_NONE, err));
    OV_TRY(ovi_win_reader_open(&e->ahead, run, key, WINDOW_NONE, err));
    for (; e->at < rows_of(run); e->at++) { /* rows without a key, when they come first */
        OV_TRY(ovi_win_read(&e->ahead, e->at, err));
        if (ovi_win_value(&e->ahead, e->at))
            break;
    }
    return OV_OK;
}

ov_status ovi_win_frame_open(win_frame *f, win_run *run, const ov_window_frame *frame, ov_error *err)
{
    ov_window_frame w = ovi_win_effective(run->node, frame);
    *f = (win_frame){.from = {.edge = w.from, .range = w.range, .groups = w.groups},
                     .to = {.edge = w.to, .range = w.range, .groups = w.groups, .to = true}};
    f->from.peers.marks.run = f->to.peers.marks.run = run;
    OV_TRY(edge_open(&f->from, run, err));
    return edge_open(&f->to, run, err);
}

static void edge_close(win_edge *e)
{
    ovi_win_reader_close(&e->peers.marks);
    ovi_win_reader_close(&e->key);
    ovi_win_reader_close(&e->ahead);
}

void ovi_win_frame_close(win_frame *f)
{
    edge_close(&f->from);
    edge_close(&f->to);
}

static uint64_t rows_edge(const win_edge *e, uint64_t row, uint64_t rows)
{
    uint64_t n = (uint64_t)e->edge.n;
    switch ((ov_window_edge_kind)e->edge.kind) {
    case OV_EDGE_PRECEDING:
        return e->to ? n > row ? 0 : row - n + 1 : n > row ? 0 : row - n;
    case OV_EDGE_FOLLOWING:
        return n >= rows - row ? rows : row + n + e->to;
    default:
        return row + e->to;
    }
}

/* Both rows and what they look for ascend, as in memory (window_frame.c). */
static OV_CHECKED ov_status range_edge(win_edge *e, uint64_t row, uint64_t peer, uint64_t *out, ov_error *err)
{
    win_run *run = e->key.run;
    const ov_sort_key *key = &run->node->window.keys[0];
    OV_TRY(ovi_win_read(&e->key, row, err));
    const void *own = ovi_win_value(&e->key, row);
    *out = peer; /* rows without a key have their peers only */
    if (!own)
        return OV_OK;
    uint64_t target = ovi_win_key_bits(key, &e->edge, e->key.flat.type, own);
    for (; e->at < rows_of(run); e->at++) {
        OV_TRY(ovi_win_read(&e->ahead, e->at, err));
        const void *other = ovi_win_value(&e->ahead, e->at);
        uint64_t bits = other ? ovi_win_key_bits(key, NULL, e->key.flat.type, other) : 0;
        if (!other || (e->to ? bits > target : bits >= target))
            break;
    }
    *out = e->at;
    return OV_OK;
}

/* The row's group and the one that the edge is at ascend together. */
static OV_CHECKED ov_status groups_edge(win_edge *e, uint64_t row, uint64_t rows, uint64_t *out, ov_error *err)
{
    bool begins;
    uint64_t by = (uint64_t)e->edge.n;
    OV_TRY(begins_peers(&e->peers.marks, row, &begins, err));
    e->own_group += begins && row > 0;
    uint64_t target = e->own_group + e->to;
    if (e->edge.kind == OV_EDGE_PRECEDING)
        target = by > target ? 0 : target - by;
    else
        target = by > UINT64_MAX - target ? UINT64_MAX : target + by;
    while (e->at_group < target && e->at < rows) {
        begins = false;
        for (e->at++; e->at < rows && !begins; e->at += !begins)
            OV_TRY(begins_peers(&e->ahead, e->at, &begins, err));
        e->at_group++;
    }
    *out = e->at;
    return OV_OK;
}

static OV_CHECKED ov_status edge_row(win_edge *e, uint64_t row, uint64_t rows, uint64_t *out, ov_error *err)
{
    if (e->edge.kind == OV_EDGE_PARTITION) {
        *out = e->to ? rows : 0;
        return OV_OK;
    }
    if (!e->range) {
        *out = rows_edge(e, row, rows);
        return OV_OK;
    }
    if (e->groups && e->edge.kind != OV_EDGE_CURRENT)
        return groups_edge(e, row, rows, out, err);
    OV_TRY((e->to ? ovi_win_peers_end : ovi_win_peers_first)(&e->peers, row, out, err));
    return e->edge.kind == OV_EDGE_CURRENT ? OV_OK : range_edge(e, row, *out, out, err);
}

ov_status ovi_win_frame_rows(win_frame *f, uint64_t first, uint32_t n, uint64_t *from, uint64_t *to, ov_error *err)
{
    uint64_t rows = rows_of(f->from.peers.marks.run);
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(edge_row(&f->from, first + i, rows, &from[i], err));
        OV_TRY(edge_row(&f->to, first + i, rows, &to[i], err));
        to[i] = OV_MAX(from[i], to[i]);
    }
    return OV_OK;
}
