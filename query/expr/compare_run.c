/*
 * Comparisons at run time. A range of values moves into the frame of reference of each block and is tested in the narrow lane
 * the values are stored in. Doubles order NaN above everything and equal to itself, as Java's Double.compare does.
 */
#include "query/expr/list_int.h"

#include <math.h>

/* ---- ranges over FLAT vectors ---- */

static void fill_rows(uint64_t *out, size_t rows, bool on)
{
    ov_bits_fill(out, rows, on);
}

/* Lanes [lo, hi] of a narrow vector. */
static void lane_range(ov_eval *ev, const ov_vec *v, uint64_t lo, uint64_t hi, uint64_t *out)
{
    size_t n = v->rows;
    switch (v->lane) {
    case 1:
        ev->k->range_u8(v->data, (uint8_t)lo, (uint8_t)(hi - lo), n, out);
        break;
    case 2:
        ev->k->range_u16(v->data, (uint16_t)lo, (uint16_t)(hi - lo), n, out);
        break;
    case 4:
        ev->k->range_u32(v->data, (uint32_t)lo, (uint32_t)(hi - lo), n, out);
        break;
    default:
        ev->k->range_u64(v->data, lo, hi - lo, n, out);
        break;
    }
    ov_bits_trim(out, n);
}

static uint64_t lane_max(const ov_vec *v)
{
    return v->lane >= 8 ? UINT64_MAX : (UINT64_C(1) << (8 * v->lane)) - 1;
}

static void int_range(ov_eval *ev, const ov_vec *v, int64_t lo, int64_t hi, uint64_t *out)
{
    if (v->has_bounds && lo <= v->min && v->max <= hi) {
        fill_rows(out, v->rows, true);
        return;
    }
    if (v->has_bounds && (hi < v->min || v->max < lo)) {
        fill_rows(out, v->rows, false);
        return;
    }
    if (v->raw) {
        ev->k->range_u64(v->data, (uint64_t)lo, (uint64_t)hi - (uint64_t)lo, v->rows, out);
        ov_bits_trim(out, v->rows);
        return;
    }
    __int128 from = (__int128)lo - v->base, to = (__int128)hi - v->base;
    __int128 max = (__int128)lane_max(v);
    if (to < 0 || from > max) {
        fill_rows(out, v->rows, false);
        return;
    }
    lane_range(ev, v, from < 0 ? 0 : (uint64_t)from, to > max ? (uint64_t)max : (uint64_t)to, out);
}

static double scaled(const ov_vec *v, __int128 lane)
{
    return (double)(int64_t)((__int128)v->base + lane) / v->divisor;
}

/* The first lane whose value is >= x (or > x when `after`), at most lane_max + 1. The value grows with the lane, so a
 * guess is corrected by a step or two. */
static __int128 first_lane(const ov_vec *v, double x, bool after)
{
    __int128 end = (__int128)lane_max(v) + 1;
    double guess = ceil(x * v->divisor);
    if (!(guess > (double)v->base))
        guess = (double)v->base;
    if (guess >= 0x1p63)
        return end;
    __int128 lane = (__int128)(int64_t)guess - v->base;
    lane = lane < 0 ? 0 : lane > end ? end : lane;
    while (lane > 0 && (after ? scaled(v, lane - 1) > x : scaled(v, lane - 1) >= x))
        lane--;
    while (lane < end && !(after ? scaled(v, lane) > x : scaled(v, lane) >= x))
        lane++;
    return lane;
}

static void real_range(ov_eval *ev, const ov_vec *v, double lo, double hi, uint64_t *out)
{
    if (v->raw && v->lane == 4) {
        ev->k->range_f32(v->data, lo, hi, v->rows, out);
    } else if (v->raw) {
        ev->k->range_f64(v->data, lo, hi, v->rows, out);
    } else {
        __int128 from = first_lane(v, lo, false), to = first_lane(v, hi, true);
        if (from >= to) {
            fill_rows(out, v->rows, false);
            return;
        }
        lane_range(ev, v, (uint64_t)from, (uint64_t)(to - 1), out);
    }
    ov_bits_trim(out, v->rows);
}

ov_status ovi_range_flat(ov_eval *ev, const ov_vec *v, const ovi_cmp *cmp, uint64_t *out,
                         ov_error *err)
{
    (void)err;
    OV_ASSERT(v->enc == OV_ENC_FLAT);
    if (cmp->never)
        fill_rows(out, v->rows, false);
    else if (ov_type_is_int(v->type))
        int_range(ev, v, cmp->lo, cmp->hi, out);
    else
        real_range(ev, v, cmp->flo, cmp->fhi, out);
    if (cmp->negate)
        ov_bits_not(out, v->rows);
    return OV_OK;
}

ov_status ov_eval_range(ov_eval *ev, const ov_vec *v, int64_t low, int64_t high, bool nulls, uint64_t *out, ov_error *err)
{
    ov_vec flat = *v;
    ovi_cmp range = {.has_const = true, .lo = low, .hi = high, .never = low > high};
    if (v->enc != OV_ENC_FLAT)
        OV_TRY(ov_vec_flatten(v, &ev->mem, &flat, err));
    OV_TRY(ovi_range_flat(ev, &flat, &range, out, err));
    for (size_t i = 0; flat.valid && i < ov_words(v->rows); i++)
        out[i] = nulls ? out[i] | ~flat.valid[i] : out[i] & flat.valid[i];
    ov_bits_trim(out, v->rows);
    return OV_OK;
}

/* ---- testing ---- */

/* Takes rows outside the selection and NULL rows out of is_true; NULL ones are unknown. */
static ov_status settle(ov_eval *ev, const ov_batch *batch, const uint64_t *valid_a,
                        const uint64_t *valid_b, const ovi_truth *t, ov_error *err)
{
    size_t rows = batch->rows;
    if (batch->sel)
        ov_bits_and(t->is_true, batch->sel, rows);
    if (valid_a)
        ov_bits_and(t->is_true, valid_a, rows);
    if (valid_b)
        ov_bits_and(t->is_true, valid_b, rows);
    if (!t->is_unknown)
        return OV_OK;
    memset(t->is_unknown, 0, ov_words(rows) * 8);
    if (!valid_a && !valid_b)
        return OV_OK;
    uint64_t *all, *present;
    OV_TRY(ovi_fill(ev, batch, &all, err));
    OV_TRY(ovi_fill(ev, batch, &present, err));
    if (valid_a)
        ov_bits_and(present, valid_a, rows);
    if (valid_b)
        ov_bits_and(present, valid_b, rows);
    ov_bits_andnot(all, present, rows);
    ov_bits_copy(t->is_unknown, all, rows);
    return OV_OK;
}

static void all_unknown(const ov_batch *batch, const ovi_truth *t)
{
    memset(t->is_true, 0, ov_words(batch->rows) * 8);
    if (!t->is_unknown)
        return;
    if (batch->sel)
        ov_bits_copy(t->is_unknown, batch->sel, batch->rows);
    else
        ov_bits_fill(t->is_unknown, batch->rows, true);
}

static bool holds(ov_op op, int order)
{
    switch (op) {
    case OV_OP_EQ:
        return order == 0;
    case OV_OP_NE:
        return order != 0;
    case OV_OP_LT:
        return order < 0;
    case OV_OP_LE:
        return order <= 0;
    case OV_OP_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static void test_text(const ovi_arg *a, const ovi_arg *b, ov_op op, const uint64_t *live,
                      size_t rows, uint64_t *out)
{
    bool equality = op == OV_OP_EQ || op == OV_OP_NE;
    for (size_t r = ov_bits_next(live, rows, 0); r < rows; r = ov_bits_next(live, rows, r + 1)) {
        ov_slice x = ovi_str(a, r), y = ovi_str(b, r);
        int order = equality ? !ov_slice_eq(x, y) : ov_slice_cmp(x, y);
        out[r / 64] |= (uint64_t)holds(op, order) << (r % 64);
    }
}

/* A constant beside a vector, spread over all rows, for the row-by-row kernels. */
static ov_status spread(ov_eval *ev, ovi_arg *a, ov_type t, uint32_t rows, ov_error *err)
{
    if (a->step)
        return OV_OK;
    ov_vec v = a->vec, flat;
    v.rows = rows;
    v.type = t;
    OV_TRY(ov_vec_flatten(&v, &ev->mem, &flat, err));
    a->i = flat.data;
    a->step = 1;
    return OV_OK;
}

/* One kernel serves two operators: a > b is b < a, and <= is not >. */
static void test_numbers(ov_eval *ev, const ovi_arg *a, const ovi_arg *b, bool real, ov_op op,
                         size_t rows, uint64_t *out)
{
    bool swap = op == OV_OP_GT || op == OV_OP_LE;
    const ovi_arg *x = swap ? b : a, *y = swap ? a : b;
    if (op == OV_OP_EQ || op == OV_OP_NE) {
        if (real)
            ev->k->eq_f64(a->f, b->f, rows, out);
        else
            ev->k->eq_i64(a->i, b->i, rows, out);
    } else if (real) {
        ev->k->lt_f64(x->f, y->f, rows, out);
    } else {
        ev->k->lt_i64(x->i, y->i, rows, out);
    }
    ov_bits_trim(out, rows);
    if (op == OV_OP_NE || op == OV_OP_LE || op == OV_OP_GE)
        ov_bits_not(out, rows);
}

/* Texts as numbers in their order. */
static ov_status test_coded(ov_eval *ev, const ov_batch *batch, const ovi_coded *c, ov_op op, const ovi_truth *t,
                            ov_error *err)
{
    ovi_arg a = {.i = c->a, .step = 1}, b = {.i = c->b, .step = 1};
    test_numbers(ev, &a, &b, false, op, batch->rows, t->is_true);
    return settle(ev, batch, c->valid_a, c->valid_b, t, err);
}

static ov_status test_constant(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ov_vec *v,
                               const ovi_truth *t, ov_error *err)
{
    ov_vec flat = *v;
    if (v->enc == OV_ENC_CONST && v->is_null) {
        all_unknown(batch, t);
        return OV_OK;
    }
    if (v->enc != OV_ENC_FLAT)
        OV_TRY(ov_vec_flatten(v, &ev->mem, &flat, err));
    OV_TRY(ovi_range_flat(ev, &flat, e->prepared, t->is_true, err));
    return settle(ev, batch, flat.valid, NULL, t, err);
}

ov_status ovi_test_compare(ov_eval *ev, const ov_expr *e, const ov_batch *batch,
                           const ovi_truth *t, ov_error *err)
{
    const ov_expr *l = e->args[0], *r = e->args[1];
    ov_vec v, w;
    OV_TRY(ovi_eval(ev, l, batch, &v, err));
    bool same_type = ov_type_is_int(l->type) == ov_type_is_int(r->type);
    if (e->prepared && !(ev->general_only && same_type))
        return test_constant(ev, e, batch, &v, t, err);
    OV_TRY(ovi_eval(ev, r, batch, &w, err));
    ovi_coded coded;
    bool done;
    OV_TRY(ovi_code_ranks(ev, &v, &w, batch->rows, &coded, &done, err));
    if (done)
        return test_coded(ev, batch, &coded, (ov_op)e->fn->op, t, err);
    ovi_arg a, b;
    OV_TRY(ovi_arg_of(ev, &v, &a, err));
    OV_TRY(ovi_arg_of(ev, &w, &b, err));
    if (a.all_null || b.all_null) {
        all_unknown(batch, t);
        return OV_OK;
    }
    if (!a.step)
        a.i = &a.vec.c.i;
    if (!b.step)
        b.i = &b.vec.c.i;
    if (l->type.id == OV_TYPE_STRING) {
        uint64_t *live;
        OV_TRY(ovi_fill(ev, batch, &live, err));
        if (a.valid)
            ov_bits_and(live, a.valid, batch->rows);
        if (b.valid)
            ov_bits_and(live, b.valid, batch->rows);
        memset(t->is_true, 0, ov_words(batch->rows) * 8);
        test_text(&a, &b, (ov_op)e->fn->op, live, batch->rows, t->is_true);
    } else {
        bool real = ov_type_is_real(l->type);
        OV_TRY(spread(ev, &a, l->type, batch->rows, err));
        OV_TRY(spread(ev, &b, r->type, batch->rows, err));
        test_numbers(ev, &a, &b, real, (ov_op)e->fn->op, batch->rows, t->is_true);
    }
    return settle(ev, batch, a.valid, b.valid, t, err);
}
