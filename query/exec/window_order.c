/*
 * Places of values under a comparison that is an expression: quicksort of all parts at once. Each round compares every value that has no place
 * yet with the pivot of its part, as batches of pairs; values before, equal to and behind the pivot become parts. An expression that is no
 * order (each value below each other one) is found out: it does not make parts small.
 */
#include "query/exec/window.h"

enum { ROUNDS_AT_LEAST = 64, ROUNDS_PER_BIT = 6 };

typedef struct part {
    uint32_t first, end; /* of `order` */
} part;

typedef struct order_run {
    const win_chunk *k;
    const win_call *c;
    ov_eval *eval;
    ov_arena round;
    win_column values;
    uint32_t *order, *other; /* rows, part by part; room for the next round's */
    int8_t *sign;            /* per place of `order`: against its part's pivot */
    part *parts, *fresh;     /* those of more than one value */
    uint32_t part_count;
    uint64_t random;
    int64_t *places;
    /* one batch of pairs: rows, the pivots beside them, where the rows stand in `order` */
    uint32_t *rows, *pivots, *at;
} order_run;

/* Rows of the values as a column of a batch. */
static OV_CHECKED ov_status gather(order_run *r, const uint32_t *rows, uint32_t n, ov_vec *out, ov_error *err)
{
    size_t width = ov_type_is_int(r->values.type) || ov_type_is_real(r->values.type) ? 8 : sizeof(ov_slice);
    char *lanes;
    OV_TRY(ov_arena_lanes(&r->round, ((size_t)n + 64) * width, &lanes, err));
    for (uint32_t i = 0; i < n; i++)
        memcpy(lanes + i * width, (const char *)r->values.data + rows[i] * width, width);
    *out = ov_vec_flat(r->values.type, lanes, NULL, n);
    return OV_OK;
}

/* The pairs of the batch; NULL is neither before nor behind. */
static OV_CHECKED ov_status compare(order_run *r, uint32_t n, ov_error *err)
{
    ov_vec columns[2], result, flat;
    ov_arena_reset(&r->round);
    OV_TRY(ov_query_alive(r->k->exec->cx, err));
    OV_TRY(gather(r, r->rows, n, &columns[0], err));
    OV_TRY(gather(r, r->pivots, n, &columns[1], err));
    ov_batch b = {.rows = n, .cols = 2, .col = columns, .sel_rows = n};
    ov_eval_next_batch(r->eval);
    OV_TRY(ov_eval_expr(r->eval, r->c->call->compare, &b, &result, err));
    OV_TRY(ov_vec_flatten(&result, &r->round, &flat, err));
    for (uint32_t i = 0; i < n; i++) {
        int64_t v = ov_vec_is_null(&flat, i) ? 0 : ov_vec_i64(&flat, i);
        r->sign[r->at[i]] = (int8_t)((v > 0) - (v < 0));
    }
    return OV_OK;
}

/* All places of the parts against a value of their part. */
static OV_CHECKED ov_status compare_all(order_run *r, ov_error *err)
{
    uint32_t n = 0;
    for (uint32_t p = 0; p < r->part_count; p++) {
        const part *at = &r->parts[p];
        r->random = r->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint32_t pivot = at->first + (uint32_t)((r->random >> 33) % (at->end - at->first));
        r->sign[pivot] = 0;
        for (uint32_t i = at->first; i < at->end; i++) {
            if (i == pivot)
                continue;
            r->rows[n] = r->order[i];
            r->pivots[n] = r->order[pivot];
            r->at[n++] = i;
            if (n == OV_BATCH_ROWS) {
                OV_TRY(compare(r, n, err));
                n = 0;
            }
        }
    }
    return n ? compare(r, n, err) : OV_OK;
}

/* Rows of a part whose sign is that, behind `to`; returns the place behind them. */
static uint32_t take(order_run *r, const part *at, int8_t sign, uint32_t to)
{
    for (uint32_t i = at->first; i < at->end; i++)
        if (r->sign[i] == sign)
            r->other[to++] = r->order[i];
    return to;
}

/* Parts become smaller ones; values equal to their pivot have their place. */
static void split(order_run *r)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < r->part_count; p++) {
        const part at = r->parts[p];
        uint32_t same = take(r, &at, -1, at.first), behind = take(r, &at, 0, same);
        take(r, &at, 1, behind);
        memcpy(r->order + at.first, r->other + at.first, (at.end - at.first) * sizeof *r->order);
        for (uint32_t i = same; i < behind; i++)
            r->places[r->order[i]] = same;
        part sides[2] = {{at.first, same}, {behind, at.end}};
        for (int s = 0; s < 2; s++)
            if (sides[s].end - sides[s].first > 1)
                r->fresh[count++] = sides[s];
            else if (sides[s].end > sides[s].first)
                r->places[r->order[sides[s].first]] = sides[s].first;
    }
    part *swapped = r->parts;
    r->parts = r->fresh;
    r->fresh = swapped;
    r->part_count = count;
}

/* The rows of each partition of the chunk that have a value, as a part. */
static OV_CHECKED ov_status first_parts(order_run *r, ov_error *err)
{
    uint32_t n = 0;
    for (uint32_t row = 0, first = 0; row < r->k->rows; row++) {
        OV_TRY(ovi_win_alive_at(r->k, row, err));
        if (row == r->k->part_first[row])
            first = n;
        if (ovi_win_present(&r->values, row)) {
            r->places[row] = n;
            r->order[n++] = row;
        } else {
            r->places[row] = -1;
        }
        if (row + 1 == r->k->part_end[row] && n - first > 1)
            r->parts[r->part_count++] = (part){first, n};
    }
    return OV_OK;
}

static OV_CHECKED ov_status sort_values(order_run *r, ov_error *err)
{
    uint32_t rounds = ROUNDS_AT_LEAST;
    for (uint32_t n = r->k->rows; n; n /= 2)
        rounds += ROUNDS_PER_BIT;
    OV_TRY(first_parts(r, err));
    for (uint32_t round = 0; r->part_count; round++) {
        if (round == rounds)
            return ov_fail(err, OV_INVALID, "'compare' is no order: it finds each value on the same side of nearly all others");
        OV_TRY(compare_all(r, err));
        split(r);
    }
    return OV_OK;
}

/* NULLs come first, at place -1; equal values share a place. */
ov_status ovi_win_prepare_order(const win_chunk *k, win_call *c, ov_error *err)
{
    order_run r = {.k = k, .c = c, .random = 1};
    ov_eval_options options = {0};
    size_t n = (size_t)k->rows + 1;
    OV_TRY(ovi_win_column(k, c->args[0], &r.values, err));
    OV_TRY(ov_arena_lanes(k->arena, (n + 64) * 8, &r.places, err));
    OV_TRY(ov_arena_alloc(k->arena, n * sizeof *r.order, &r.order, err));
    OV_TRY(ov_arena_alloc(k->arena, n * sizeof *r.other, &r.other, err));
    OV_TRY(ov_arena_alloc(k->arena, n, &r.sign, err));
    OV_TRY(ov_arena_alloc(k->arena, n * sizeof *r.parts, &r.parts, err));
    OV_TRY(ov_arena_alloc(k->arena, n * sizeof *r.fresh, &r.fresh, err));
    OV_TRY(ov_arena_alloc(k->arena, OV_BATCH_ROWS * sizeof *r.rows, &r.rows, err));
    OV_TRY(ov_arena_alloc(k->arena, OV_BATCH_ROWS * sizeof *r.pivots, &r.pivots, err));
    OV_TRY(ov_arena_alloc(k->arena, OV_BATCH_ROWS * sizeof *r.at, &r.at, err));
    OV_TRY(ov_eval_create(k->arena->budget, &options, &r.eval, err));
    ov_arena_init(&r.round, "order", k->arena->budget);
    c->how = WIN_RESULTS;
    c->results = r.places;
    ov_status st = sort_values(&r, err);
    ov_arena_fini(&r.round);
    ov_eval_destroy(r.eval);
    return st;
}
