/*
 * Sums and bounds of whole numbers that come in runs, where each piece of the batch belongs to one group: work for each
 * run, none for each row. Data that is sorted by a dimension has little else.
 */
#include "query/agg/acc.h"

typedef struct run_walk {
    const ov_vec *x;
    uint32_t run; /* the one that the next piece begins in, or an earlier one */
} run_walk;

/* Adds one piece; pieces come in the order of their rows. */
static void add_piece(ov_acc *a, const ov_agg_piece *piece, const uint64_t *mask, run_walk *at)
{
    const ov_vec *x = at->x;
    uint64_t sum = 0, rows = 0;
    int64_t best = 0;
    uint32_t run = at->run, from = piece->from;
    while (x->run_end[run] <= from)
        run++;
    while (from < piece->to) {
        ov_agg_piece part = {.from = from, .to = OV_MIN(piece->to, (uint32_t)x->run_end[run])};
        uint64_t n = ovi_rows_in(&part, mask);
        if (n) {
            int64_t v = ov_vec_i64(x->child, run);
            bool better = a->kind == OV_ACC_MIN ? v < best : v > best;
            best = rows && !better ? best : v;
            sum += (uint64_t)v * n;
            rows += n;
        }
        from = part.to;
        at->run = run;
        run += from >= x->run_end[run];
    }
    if (rows && a->kind == OV_ACC_SUM_LONG)
        a->v.i[piece->group] = (int64_t)((uint64_t)a->v.i[piece->group] + sum);
    else if (rows && (a->kind == OV_ACC_MIN ? best < a->v.i[piece->group] : best > a->v.i[piece->group]))
        a->v.i[piece->group] = best;
    a->n[piece->group] += rows;
}

bool ovi_acc_add_runs(ov_acc *a, const ov_agg_rows *rows, const uint64_t *mask, const ov_vec *x)
{
    enum { LEAST = 4 }; /* rows of a run on the average: below that, lanes in a row are faster */
    run_walk at = {x, 0};
    if (x->enc != OV_ENC_RUN || x->child->enc != OV_ENC_FLAT || x->child->valid || !ov_type_is_int(x->type) ||
        !ov_type_is_int(a->type) || x->runs > x->rows / LEAST)
        return false;
    for (uint32_t p = 0; p < rows->piece_count; p++)
        if (rows->pieces[p].kind != OV_PIECE_ONE)
            return false;
    for (uint32_t p = 0; p < rows->piece_count; p++)
        if (rows->pieces[p].from < rows->pieces[p].to)
            add_piece(a, &rows->pieces[p], mask, &at);
    return true;
}
