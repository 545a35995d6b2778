/*
 * Sums and bounds of whole numbers that come in runs, where each piece of the batch belongs to one group: work for each
 * run, none for each row. Data that is sorted by a dimension has little else.
 */
#include "query/agg/acc.h"

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

/* Walks pieces and runs together. A step ends where the piece or the run does; nobody can guess which, so only the end of a
 * piece, the rarer one, is a jump. */
OV_INLINE void add_pieces(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x, uint8_t lane,
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
        uint64_t n = end - from;
        int64_t v = run_value(x->child, base, lane, run);
        if (mask)
            n = ovi_rows_in(&(ov_agg_piece){.from = from, .to = end}, mask);
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
    enum { LEAST = 4 }; /* rows of a run on the average: below that, lanes in a row are faster */
    if (x->enc != OV_ENC_RUN || x->child->enc != OV_ENC_FLAT || x->child->valid || !ov_type_is_int(x->type) ||
        !ov_type_is_int(a->type) || x->runs > x->rows / LEAST)
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
