/*
 * Sums and bounds of whole numbers that come in runs, where each piece of the batch belongs to one group: work for each
 * run, none for each row. Data that is sorted by a dimension has little else.
 */
#include "query/agg/acc.h"

enum {
    LEAST_ROWS = 4, /* of a run on the average: below that, lanes in a row are faster */
    FEW_RUNS = 8,   /* of a piece on the average: sums up to their ends */
    MANY_RUNS = 16, /* of a piece: a kernel takes them */
};

OV_INLINE int64_t run_value(const ov_vec *child, uint64_t base, uint8_t lane, uint32_t run)
{
    switch (lane) {
    case 1:
        return (int64_t)(base + ((const uint8_t *)child->data)[run]);
    case 2:
        return (int64_t)(base + ((const uint16_t *)child->data)[run]);
    case 4:
        return (int64_t)(base + ((const uint32_t *)child->data)[run]);
    default:
        return (int64_t)(base + ((const uint64_t *)child->data)[run]);
    }
}

/* What a piece comes to; best is that of the group, and of what was seen since. */
typedef struct run_sum {
    uint64_t rows, sum;
    int64_t best;
} run_sum;

OV_INLINE void put_back(ov_acc *a, uint32_t g, uint8_t kind, const run_sum *s)
{
    a->v.i[g] = kind == OV_ACC_SUM_LONG ? (int64_t)((uint64_t)a->v.i[g] + s->sum) : s->best;
    a->n[g] += s->rows;
}

/* Rows of the mask alone, walking pieces and runs together. A step ends where the piece or the run does; nobody can guess
 * which, so only the end of a piece, the rarer one, is a jump. */
OV_INLINE void add_masked(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x, uint8_t lane,
                          uint8_t kind)
{
    const ov_agg_piece *piece = rows->pieces, *last = piece + rows->piece_count;
    const uint16_t *ends = x->run_end;
    uint64_t base = x->child->raw ? 0 : (uint64_t)x->child->base;
    uint32_t run = 0, from = piece->from;
    run_sum s = {.best = a->v.i[piece->group]};
    while (ends[run] <= from)
        run++;
    for (;;) {
        uint32_t run_end = ends[run], end = OV_MIN(piece->to, run_end);
        int64_t v = run_value(x->child, base, lane, run);
        uint64_t n = ovi_rows_in(&(ov_agg_piece){.from = from, .to = end}, mask);
        if (kind == OV_ACC_SUM_LONG)
            s.sum += (uint64_t)v * n;
        else if (kind == OV_ACC_MIN ? v < s.best : v > s.best)
            s.best = n ? v : s.best;
        s.rows += n;
        run += end == run_end;
        from = end;
        if (end != piece->to)
            continue;
        put_back(a, piece->group, kind, &s);
        if (++piece == last)
            return;
        s = (run_sum){.best = a->v.i[piece->group]};
    }
}



/* The sum of rows [from, to), which begin in `run` and end in `stop`: of those runs whole, without what is outside. */
OV_INLINE uint64_t sum_of(const ov_acc *a, const ov_vec *x, uint64_t base, uint8_t lane, uint32_t run, uint32_t stop,
                          uint32_t from, uint32_t to)
{
    const uint16_t *ends = x->run_end;
    uint64_t sum = (uint64_t)run_value(x->child, 0, lane, run) * (ends[run] - from);
    if (stop - run >= MANY_RUNS)
        sum += a->k->run_sum[ov_lane_index(lane)](x->child->data, ends, run + 1, (size_t)stop + 1);
    else
        for (uint32_t r = run + 1; r <= stop; r++)
            sum += (uint64_t)run_value(x->child, 0, lane, r) * (uint32_t)(ends[r] - ends[r - 1]);
    sum -= (uint64_t)run_value(x->child, 0, lane, stop) * (ends[stop] - to);
    return sum + base * (to - from);
}

/* The best of runs [run, stop] and of `best`. */
OV_INLINE int64_t best_of(const ov_acc *a, const ov_vec *x, uint64_t base, uint8_t lane, uint8_t kind, uint32_t run,
                          uint32_t stop, int64_t best)
{
    if (lane < 8 && stop - run >= MANY_RUNS) { /* lanes of 8 bytes are signed, which that kernel does not know */
        uint64_t low, high;
        a->k->bounds[ov_lane_index(lane)](x->child->data, run, (size_t)stop + 1, NULL, &low, &high);
        int64_t v = (int64_t)(base + (kind == OV_ACC_MIN ? low : high));
        return kind == OV_ACC_MIN ? OV_MIN(best, v) : OV_MAX(best, v);
    }
    for (uint32_t r = run; r <= stop; r++) {
        int64_t v = run_value(x->child, base, lane, r);
        best = kind == OV_ACC_MIN ? OV_MIN(best, v) : OV_MAX(best, v);
    }
    return best;
}

/* All rows of the pieces. */
OV_INLINE void add_whole(ov_acc *a, const ov_agg_rows *rows, const ov_vec *x, uint8_t lane, uint8_t kind)
{
    const ov_agg_piece *piece = rows->pieces, *last = piece + rows->piece_count;
    const uint16_t *ends = x->run_end;
    uint64_t base = x->child->raw ? 0 : (uint64_t)x->child->base;
    uint32_t run = 0;
    while (ends[run] <= piece->from)
        run++;
    for (; piece < last; piece++) {
        uint32_t stop = a->k->run_find(ends, run, x->runs, piece->to);
        run_sum s = {.rows = piece->to - piece->from, .best = a->v.i[piece->group]};
        if (kind == OV_ACC_SUM_LONG)
            s.sum = sum_of(a, x, base, lane, run, stop, piece->from, piece->to);
        else
            s.best = best_of(a, x, base, lane, kind, run, stop, s.best);
        put_back(a, piece->group, kind, &s);
        run = stop + (ends[stop] == piece->to);
    }
}

/* Sums of pieces with few runs each, as buckets of time within runs have: what all rows before a row come to is known for the
 * end of every run, so a piece takes two places and no loop whose end nobody can guess. */
OV_INLINE void add_short(ov_acc *a, const ov_agg_rows *rows, const ov_vec *x, uint8_t lane)
{
    const ov_agg_piece *piece = rows->pieces, *last = piece + rows->piece_count;
    const uint16_t *ends = x->run_end;
    uint64_t base = x->child->raw ? 0 : (uint64_t)x->child->base;
    uint64_t until[OV_BATCH_ROWS / LEAST_ROWS], all = 0, before;
    for (uint32_t r = 0, start = 0; r < x->runs; start = ends[r++])
        until[r] = all += (uint64_t)run_value(x->child, 0, lane, r) * (ends[r] - start);
    uint32_t run = a->k->run_find(ends, 0, x->runs, piece->from);
    before = until[run] - (uint64_t)run_value(x->child, 0, lane, run) * (ends[run] - piece->from);
    for (; piece < last; piece++) {
        run = a->k->run_find(ends, run, x->runs, piece->to);
        uint64_t here = until[run] - (uint64_t)run_value(x->child, 0, lane, run) * (ends[run] - piece->to);
        run_sum s = {.rows = piece->to - piece->from};
        s.sum = here - before + base * s.rows;
        put_back(a, piece->group, OV_ACC_SUM_LONG, &s);
        before = here;
    }
}

OV_INLINE void add_pieces(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x, uint8_t lane,
                          uint8_t kind)
{
    if (mask)
        add_masked(a, rows, mask, x, lane, kind);
    else if (kind == OV_ACC_SUM_LONG && x->runs < FEW_RUNS * rows->piece_count)
        add_short(a, rows, x, lane);
    else
        add_whole(a, rows, x, lane, kind);
}

/* One loop for each width of the stored values. */
OV_INLINE void add_lanes(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x, uint8_t kind)
{
    switch (x->child->lane) {
    case 1:
        add_pieces(a, rows, mask, x, 1, kind);
        break;
    case 2:
        add_pieces(a, rows, mask, x, 2, kind);
        break;
    case 4:
        add_pieces(a, rows, mask, x, 4, kind);
        break;
    default:
        add_pieces(a, rows, mask, x, 8, kind);
        break;
    }
}

bool ovi_acc_add_runs(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x)
{
    if (x->enc != OV_ENC_RUN || x->child->enc != OV_ENC_FLAT || x->child->valid || !ov_type_is_int(x->type) ||
        !ov_type_is_int(a->type) || x->runs > x->rows / LEAST_ROWS)
        return false;
    for (uint32_t p = 0; p < rows->piece_count; p++)
        if (rows->pieces[p].kind != OV_PIECE_ONE || rows->pieces[p].from >= rows->pieces[p].to ||
            (p && rows->pieces[p].from != rows->pieces[p - 1].to))
            return false;
    if (rows->piece_count == 0)
        return true;
    if (a->kind == OV_ACC_SUM_LONG)
        add_lanes(a, rows, mask, x, OV_ACC_SUM_LONG);
    else if (a->kind == OV_ACC_MIN)
        add_lanes(a, rows, mask, x, OV_ACC_MIN);
    else
        add_lanes(a, rows, mask, x, OV_ACC_MAX);
    return true;
}
