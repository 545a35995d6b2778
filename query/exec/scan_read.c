/*
 * Making batches of one morsel, each way.
 */
#include "query/exec/scan.h"

#include "base/bits.h"

/* A batch being made: columns are read when they are first needed. */
typedef struct reading {
    ovi_scan *s;
    scan_segment *seg;
    ovi_worker *w;
    ov_batch b;
    uint64_t *have;       /* columns that are read */
    uint32_t block;       /* BLOCKS: which */
    uint32_t from;        /* BLOCKS: first row within the block, when batches are smaller than blocks */
    const uint32_t *rows; /* GATHER: row numbers */
    const uint32_t *picked; /* BLOCKS: the rows of the block that are the batch, when the filter has left few; else NULL */
    /* for the query's counters, which all workers share: added once a morsel */
    uint64_t bytes_read, rows_scanned, blocks_scanned, blocks_skipped;
} reading;

static ov_status read_raw(reading *r, const scan_column *col, ov_vec *v, ov_error *err)
{
    ov_arena *scratch = &r->w->scratch;
    if (r->rows) {
        OV_TRY(ov_column_gather(col->col, r->rows, r->b.rows, scratch, v, err));
    } else {
        OV_TRY(ov_column_read(col->col, r->block, scratch, v, err));
        ov_vec whole = *v;
        if (r->picked)
            OV_TRY(ov_vec_gather(&whole, r->picked, r->b.rows, scratch, v, err));
        else if (r->from != 0 || r->b.rows != v->rows)
            OV_TRY(ovi_vec_slice(&whole, r->from, r->b.rows, scratch, v, err));
    }
    r->bytes_read += ov_vec_bytes(v);
    return OV_OK;
}

static ov_status read_values(reading *r, uint32_t c, ov_error *err)
{
    const scan_column *col = &r->seg->columns[c];
    ov_vec *v = &r->b.col[c];
    if ((r->rows || r->picked) && col->fixed) {
        *v = ovi_scan_fixed(col, col->fixed_code, r->b.rows);
        return ovi_scan_derive(col, r->b.sel, r->b.sel_rows, r->w, v, err);
    }
    ov_status st = read_raw(r, col, v, err);
    if (st != OV_OK) {
        ov_error_context(err, "%s, column " OV_SLICE_FMT, ov_segment_path(r->seg->seg),
                         OV_SLICE_ARG(col->info->name));
        return st;
    }
    if (r->s->exec->cx->options.general_only) {
        ov_vec encoded = *v;
        OV_TRY(ov_vec_flatten(&encoded, &r->w->scratch, v, err));
    } else {
        OV_TRY(ovi_scan_unify(col, &r->w->scratch, v, err));
    }
    return ovi_scan_derive(col, r->b.sel, r->b.sel_rows, r->w, v, err);
}

static ov_status read_column(reading *r, uint32_t c, ov_error *err)
{
    const scan_column *col = &r->seg->columns[c];
    if (ov_bits_test(r->have, c))
        return OV_OK;
    ov_bits_set(r->have, c);
    if (!col->col || col->info->type.id == OV_TYPE_NULL)
        return OV_OK; /* it is NULL already */
    OV_TRY(read_values(r, c, err));
    ov_type want = r->s->node->fields[c].type;
    if (want.multi && !r->b.col[c].type.multi)
        return ovi_scan_lists_of_one(want, &r->w->scratch, &r->b.col[c], err);
    return OV_OK;
}

static ov_status read_of_expr(reading *r, const ov_expr *e, ov_error *err)
{
    uint64_t *used;
    uint32_t n = r->s->node->field_count;
    OV_TRY(ov_arena_zalloc(&r->w->scratch, (ov_words(n) + 1) * 8, &used, err));
    ov_expr_columns(e, used, n);
    for (size_t c = ov_bits_next(used, n, 0); c < n; c = ov_bits_next(used, n, c + 1))
        OV_TRY(read_column(r, (uint32_t)c, err));
    return OV_OK;
}

static ov_status begin(reading *r, uint32_t rows, ov_error *err)
{
    const ov_plan *node = r->s->node;
    OV_TRY(ovi_next_batch(r->w, err));
    r->picked = NULL;
    r->b = (ov_batch){.rows = rows, .cols = node->field_count, .sel_rows = rows};
    OV_TRY(ov_arena_alloc(&r->w->scratch, OV_MAX(node->field_count, 1) * sizeof(ov_vec), &r->b.col, err));
    OV_TRY(ov_arena_zalloc(&r->w->scratch, (ov_words(node->field_count) + 1) * 8, &r->have, err));
    for (uint32_t c = 0; c < node->field_count; c++)
        r->b.col[c] = ov_vec_null(node->fields[c].type, rows);
    return OV_OK;
}

/* Few rows are left: from here on the batch is those alone. Of the columns that were read the sink gets what it uses, others are
 * picked out when they are asked for. */
static ov_status narrow(reading *r, ov_error *err)
{
    uint32_t n = r->b.sel_rows, *at, *list;
    ov_arena *scratch = &r->w->scratch;
    if (r->s->exec->cx->options.general_only || r->b.weight || n == 0 || !ovi_scan_is_sparse(&r->b))
        return OV_OK;
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * sizeof(*at), &at, err));
    OV_TRY(ov_arena_alloc(scratch, ((size_t)n + 1) * sizeof(*list), &list, err));
    ov_bits_indices(r->b.sel, r->b.rows, at);
    ov_bits_and(r->have, r->s->used, r->b.cols);
    OV_TRY(ovi_scan_compact(r->have, at, r->w, &r->b, err));
    for (uint32_t i = 0; i < n; i++)
        list[i] = r->rows ? r->rows[at[i]] : r->picked ? r->picked[at[i]] : r->from + at[i];
    *(r->rows ? &r->rows : &r->picked) = list;
    return OV_OK;
}

/* Rows that joins above have no partner for: wishes that are known to leave few rows go before the filters, the others
 * behind them. */
static ov_status drop_unwanted(reading *r, bool first, ov_error *err)
{
    ovi_scan *s = r->s;
    for (uint32_t i = 0; i < s->wish_count && r->b.sel_rows; i++) {
        if (!ovi_scan_wish_pays(&s->wishes[i]) || ovi_scan_wish_is_strict(&s->wishes[i]) != first)
            continue;
        OV_TRY(read_column(r, s->wishes[i].wish.column, err));
        OV_TRY(ovi_scan_wish_keep(&s->wishes[i], r->w, &r->b, err));
    }
    return OV_OK;
}

static ov_status filter_rows(reading *r, const conjunct *const *rest, uint32_t rest_count, ov_error *err)
{
    for (uint32_t i = 0; i < rest_count && r->b.sel_rows; i++) {
        uint64_t *is_true;
        uint32_t rows;
        OV_TRY(read_of_expr(r, rest[i]->expr, err));
        OV_TRY(ov_arena_alloc(&r->w->scratch, (ov_words(r->b.rows) + 1) * 8, &is_true, err));
        OV_TRY(ov_eval_filter(r->w->eval, rest[i]->expr, &r->b, is_true, NULL, &rows, err));
        if (rows < r->b.rows)
            r->b.sel = is_true;
        r->b.sel_rows = rows;
        if (i + 1 < rest_count)
            OV_TRY(narrow(r, err));
    }
    return OV_OK;
}

/* Rows that come behind the best ones the sink has. */
static ov_status drop_late(reading *r, ov_error *err)
{
    uint32_t column;
    if (r->b.weight || !ovi_scan_best_column(r->s, r->seg, r->w, &column))
        return OV_OK;
    OV_TRY(read_column(r, column, err));
    OV_TRY(ovi_scan_best_keep(r->s, r->w, &r->b, err));
    return narrow(r, err);
}

/* All vectors hold the same rows of the segment now: who groups by several may ask what follows from what. */
static void set_origins(reading *r)
{
    for (uint32_t c = 0; c < r->s->node->field_count; c++) {
        ov_vec *v = &r->b.col[c];
        const scan_column *col = &r->seg->columns[c];
        if (v->enc == OV_ENC_DICT && v->dict == col->origin.dict)
            v->origin = &col->origin;
    }
}

/* All that the sink reads of this block lies in runs, over which a mask costs next to nothing; what is picked out is none. */
static ov_status lies_in_runs(const reading *r, bool *yes, ov_error *err)
{
    *yes = true;
    for (uint32_t c = 0; c < r->s->node->field_count && *yes; c++) {
        const scan_column *col = &r->seg->columns[c];
        ov_vec v;
        if (!ov_bits_test(r->s->used, c) || !col->col || col->info->type.id == OV_TYPE_NULL)
            continue;
        OV_TRY(ov_column_read(col->col, r->block, &r->w->scratch, &v, err));
        *yes = v.enc == OV_ENC_RUN || v.enc == OV_ENC_CONST;
    }
    return OV_OK;
}

/* Whether the sink does better with the rows that are left alone than with the whole block and a mask. It goes over a mask once
 * for each column, so for a single one picking is a walk too many unless very few are left. */
static ov_status is_worth_picking(const reading *r, bool *yes, ov_error *err)
{
    enum { FEW_SHARE = 256 };
    bool runs;
    *yes = true;
    if (r->rows || r->picked)
        return OV_OK;
    OV_TRY(lies_in_runs(r, &runs, err));
    *yes = !runs && (r->s->used_count > 1 || r->b.sel_rows <= r->b.rows / FEW_SHARE);
    return OV_OK;
}

/* Filters, then reads what is wanted of rows that are left, then pushes. */
static ov_status filter_and_push(reading *r, const conjunct *const *rest, uint32_t rest_count, ov_error *err)
{
    ovi_scan *s = r->s;
    r->rows_scanned += r->b.sel_rows;
    OV_TRY(drop_late(r, err));
    OV_TRY(drop_unwanted(r, true, err));
    OV_TRY(filter_rows(r, rest, rest_count, err));
    uint32_t before = r->b.sel_rows;
    OV_TRY(drop_unwanted(r, false, err));
    if (r->b.sel_rows == 0)
        return OV_OK;
    bool pick = s->used_count && ovi_scan_is_sparse(&r->b);
    if (pick && r->b.sel_rows == before)
        OV_TRY(is_worth_picking(r, &pick, err));
    if (pick)
        OV_TRY(narrow(r, err));
    for (uint32_t c = 0; c < s->node->field_count; c++)
        if (ov_bits_test(s->used, c))
            OV_TRY(read_column(r, c, err));
    set_origins(r);
    ovi_count_rows(s->exec, s->node, &r->b);
    return ovi_push(s->sink, r->w, &r->b, err);
}

/* ---- COUNT, CODES ---- */

static ov_status push_count(reading *r, ov_error *err)
{
    int64_t *weight;
    if (r->seg->count == 0)
        return OV_OK;
    OV_TRY(begin(r, 1, err));
    OV_TRY(ov_arena_alloc(&r->w->scratch, 8, &weight, err));
    *weight = (int64_t)r->seg->count;
    r->b.weight = weight;
    ovi_count_rows(r->s->exec, r->s->node, &r->b);
    return ovi_push(r->s->sink, r->w, &r->b, err);
}

static ov_status push_codes(reading *r, ov_error *err)
{
    uint32_t c = r->seg->code_column, step = r->s->exec->batch_rows;
    const scan_column *col = &r->seg->columns[c];
    for (uint32_t from = 0; from < col->domain->count; from += step) {
        uint32_t n = OV_MIN(step, col->domain->count - from);
        uint32_t *codes;
        int64_t *weight;
        OV_TRY(begin(r, n, err));
        OV_TRY(ov_arena_lanes(&r->w->scratch, ((size_t)n + 64) * 4, &codes, err));
        OV_TRY(ov_arena_lanes(&r->w->scratch, ((size_t)n + 64) * 8, &weight, err));
        for (uint32_t i = 0; i < n; i++) {
            codes[i] = from + i;
            weight[i] = col->domain->row_counts[from + i];
        }
        r->b.col[c] = (ov_vec){.type = col->info->type,
                               .enc = OV_ENC_DICT,
                               .lane = 4,
                               .rows = n,
                               .divisor = 1,
                               .data = codes,
                               .dict = col->canon,
                               .has_bounds = true,
                               .min = from,
                               .max = from + n - 1};
        OV_TRY(ovi_scan_derive(col, NULL, n, r->w, &r->b.col[c], err));
        ov_bits_set(r->have, c);
        r->b.weight = weight;
        OV_TRY(filter_and_push(r, r->seg->rest, r->seg->rest_count, err));
    }
    return OV_OK;
}

/* ---- GATHER ---- */

static ov_status push_gathered(reading *r, uint32_t first, uint32_t end, ov_error *err)
{
    uint32_t step = r->s->exec->batch_rows, *rows;
    OV_TRY(ov_arena_alloc(&r->w->kept, ((size_t)step + 1) * 4, &rows, err));
    for (uint32_t at = first; at < end && !ovi_done(r->s->sink);) {
        uint32_t n = ovi_scan_rows_list(r->seg, at, rows, step);
        while (n > 0 && rows[n - 1] >= end)
            n--;
        if (n == 0)
            break;
        r->rows = rows;
        OV_TRY(begin(r, n, err));
        OV_TRY(filter_and_push(r, r->seg->rest, r->seg->rest_count, err));
        r->w->ordinal += n;
        at = rows[n - 1] + 1;
    }
    return OV_OK;
}

/* ---- BLOCKS ---- */

/* Of the batch only rows [a, b), the others are not in the time range; and of these those that are not superseded. Copies
 * nothing. */
static ov_status select_rows(reading *r, uint32_t a, uint32_t b, const uint64_t *dead, ov_error *err)
{
    uint64_t *sel;
    OV_TRY(ov_arena_zalloc(&r->w->scratch, (ov_words(r->b.rows) + 1) * 8, &sel, err));
    ov_bits_set_range(sel, a, b);
    if (dead && r->from % 64 == 0)
        ov_bits_andnot(sel, dead + r->from / 64, r->b.rows);
    else
        for (uint32_t i = a; dead && i < b; i++)
            if (ov_bits_test(dead, r->from + i))
                ov_bits_clear(sel, i);
    r->b.sel_rows = (uint32_t)ov_bits_count(sel, r->b.rows);
    r->b.sel = r->b.sel_rows < r->b.rows ? sel : NULL;
    return OV_OK;
}

/* Rows [first, end) of the segment, all in one block. */
static ov_status push_block_rows(reading *r, uint32_t first, uint32_t end, uint32_t block_end,
                                 const conjunct *const *rest, uint32_t rest_count, ov_error *err)
{
    uint32_t step = r->s->exec->batch_rows, block_first = r->block * OV_BATCH_ROWS;
    const uint64_t *dead = ov_dead_block(r->seg->dead, r->block);
    for (uint32_t at = block_first / step * step; at < block_end && !ovi_done(r->s->sink); at += step) {
        uint32_t from = OV_MAX(at, block_first), to = OV_MIN(block_end, at + step);
        if (to <= first || from >= end)
            continue;
        r->from = from - block_first;
        OV_TRY(begin(r, to - from, err));
        uint32_t a = OV_MAX(first, from) - from, b = OV_MIN(end, to) - from;
        if (a > 0 || b < to - from || dead)
            OV_TRY(select_rows(r, a, b, dead, err));
        if (r->b.sel_rows == 0)
            continue;
        r->w->ordinal = r->seg->ordinal + from;
        OV_TRY(filter_and_push(r, rest, rest_count, err));
    }
    return OV_OK;
}

static ov_status push_block(reading *r, uint32_t first, uint32_t end, ov_error *err)
{
    const conjunct **rest;
    uint32_t rest_count, rows = ov_segment_get_info(r->seg->seg)->rows;
    bool skip;
    OV_TRY(ov_arena_alloc(&r->w->kept, (r->seg->rest_count + 1) * sizeof(*rest), &rest, err));
    r->block = first / OV_BATCH_ROWS;
    OV_TRY(ovi_scan_block(r->s, r->seg, r->block, r->w, rest, &rest_count, &skip, err));
    if (skip) {
        r->blocks_skipped++;
        return OV_OK;
    }
    r->blocks_scanned++;
    uint32_t block_end = OV_MIN(rows, (r->block + 1) * OV_BATCH_ROWS);
    return push_block_rows(r, first, end, block_end, rest, rest_count, err);
}

static ov_status push_one(reading *r, uint32_t first, uint32_t end, ov_error *err)
{
    ov_arena_mark mark = ov_arena_mark_get(&r->w->kept);
    OV_TRY(push_block(r, first, end, err));
    ov_arena_rewind(&r->w->kept, mark);
    return OV_OK;
}

/* Blocks first / OV_BATCH_ROWS, ... of the segment's order, until no better row can come. */
static ov_status push_in_order(reading *r, uint32_t first, uint32_t end, ov_error *err)
{
    const row_range *range = &r->seg->ranges[0];
    for (uint32_t i = first / OV_BATCH_ROWS; i * OV_BATCH_ROWS < end && !ovi_done(r->s->sink); i++) {
        const scan_place *at = &r->seg->order[i];
        uint32_t from = OV_MAX(at->block * OV_BATCH_ROWS, range->first), to = OV_MIN((at->block + 1) * OV_BATCH_ROWS, range->end);
        if (ovi_scan_is_past(r->s, r->w, at->place))
            break;
        if (from < to)
            OV_TRY(push_one(r, from, to, err));
    }
    return OV_OK;
}

static ov_status push_blocks(reading *r, uint32_t first, uint32_t end, ov_error *err)
{
    if (r->seg->order)
        return push_in_order(r, first, end, err);
    const scan_segment *seg = r->seg;
    bool backwards = r->s->backwards;
    for (uint32_t i = 0; i < seg->range_count; i++) {
        const row_range *range = &seg->ranges[backwards ? seg->range_count - 1 - i : i];
        uint32_t from = OV_MAX(first, range->first), to = OV_MIN(end, range->end);
        while (from < to && !ovi_done(r->s->sink)) {
            if (backwards) {
                uint32_t start = OV_MAX(from, (to - 1) / OV_BATCH_ROWS * OV_BATCH_ROWS);
                OV_TRY(push_one(r, start, to, err));
                to = start;
            } else {
                uint32_t next = OV_MIN(to, (from / OV_BATCH_ROWS + 1) * OV_BATCH_ROWS);
                OV_TRY(push_one(r, from, next, err));
                from = next;
            }
        }
    }
    return OV_OK;
}

/* What planning the segment has found out about its dictionaries, the worker need not find out again. */
static ov_status teach(const scan_segment *seg, ovi_worker *w, ov_error *err)
{
    OV_TRY(ovi_worker_ready(w, err));
    for (uint32_t i = 0; i < seg->rest_count; i++)
        if (seg->rest_truth[i])
            OV_TRY(ov_eval_teach(w->eval, seg->rest[i]->expr, seg->columns[seg->rest[i]->column].canon, seg->rest_truth[i], err));
    return OV_OK;
}

/* Whoever takes a segment's morsel mostly takes those behind it, too. */
static void expect(const scan_segment *seg, uint64_t first, uint64_t rows, ovi_worker *w)
{
    uint64_t all = seg->way == WAY_BLOCKS ? seg->range_rows : seg->way == WAY_GATHER ? seg->count : 0;
    ov_eval_expect(w->eval, rows ? (uint64_t)((double)all * (double)(rows - first) / (double)rows) : 0);
}

static void add_counts(const reading *r)
{
    ov_exec_stats *stats = &r->s->exec->cx->stats;
    atomic_fetch_add_explicit(&stats->bytes_read, r->bytes_read, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->rows_scanned, r->rows_scanned, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->blocks_scanned, r->blocks_scanned, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->blocks_skipped, r->blocks_skipped, memory_order_relaxed);
}

ov_status ovi_scan_morsel(ovi_scan *s, scan_segment *seg, uint32_t chunk, ovi_worker *w, ov_error *err)
{
    reading r = {.s = s, .seg = seg, .w = w};
    uint32_t rows = ov_segment_get_info(seg->seg)->rows;
    uint64_t first = (uint64_t)chunk * seg->chunk_rows, end = OV_MIN(first + seg->chunk_rows, (uint64_t)rows);
    ov_arena_mark mark = ov_arena_mark_get(&w->kept);
    ov_status st = teach(seg, w, err);
    w->ordinal = seg->ordinal + first;
    if (st != OV_OK)
        return st;
    expect(seg, OV_MIN(first, (uint64_t)rows), rows, w);
    switch ((scan_way)seg->way) {
    case WAY_OUT:
        break;
    case WAY_COUNT:
        st = push_count(&r, err);
        break;
    case WAY_CODES:
        st = push_codes(&r, err);
        break;
    case WAY_GATHER:
        st = push_gathered(&r, (uint32_t)first, (uint32_t)end, err);
        break;
    case WAY_BLOCKS:
        st = push_blocks(&r, (uint32_t)first, (uint32_t)end, err);
        break;
    }
    add_counts(&r);
    ov_arena_rewind(&w->kept, mark);
    return st;
}
