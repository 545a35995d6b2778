/*
 * Truth as masks. Every boolean expression yields two masks over the selected rows: true and unknown (three-valued
 * logic). AND and OR narrow the rows their later arguments see and stop when none is left, so that an error in one of
 * them is raised only for rows that need it.
 */
#include "query/expr/expr_int.h"

/* v > 0 per row of a FLAT, RUN or DICT vector. */
ov_status ovi_vec_truth(ov_eval *ev, const ov_vec *v, const ov_batch *batch, const ovi_truth *t,
                        ov_error *err)
{
    uint64_t *unknown = t->is_unknown;
    if (unknown)
        memset(unknown, 0, ov_words(batch->rows) * 8);
    if (v->enc == OV_ENC_CONST) {
        bool yes = !v->is_null && (ov_type_is_real(v->type) ? v->c.f > 0 : v->c.i > 0);
        uint64_t *to = v->is_null ? unknown : yes ? t->is_true : NULL;
        memset(t->is_true, 0, ov_words(batch->rows) * 8);
        if (to && batch->sel)
            ov_bits_copy(to, batch->sel, batch->rows);
        else if (to)
            ov_bits_fill(to, batch->rows, true);
        return OV_OK;
    }
    ov_vec flat = *v;
    if (v->enc != OV_ENC_FLAT)
        OV_TRY(ov_vec_flatten(v, &ev->mem, &flat, err));
    ovi_cmp positive = {.op = OV_OP_GT, .has_const = true, .lo = 1, .hi = INT64_MAX};
    positive.negate = ov_type_is_real(v->type); /* x > 0 is not (x <= 0): NaN counts as great */
    positive.flo = -__builtin_inf();
    positive.fhi = 0;
    OV_TRY(ovi_range_flat(ev, &flat, &positive, t->is_true, err));
    if (batch->sel)
        ov_bits_and(t->is_true, batch->sel, batch->rows);
    if (flat.valid) {
        ov_bits_and(t->is_true, flat.valid, batch->rows);
        if (unknown) {
            if (batch->sel)
                ov_bits_copy(unknown, batch->sel, batch->rows);
            else
                ov_bits_fill(unknown, batch->rows, true);
            ov_bits_andnot(unknown, flat.valid, batch->rows);
        }
    }
    return OV_OK;
}

static ov_status test_call(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                           ov_error *err)
{
    if (e->fn->lazy_test)
        return e->fn->lazy_test(ev, e, batch, t, err);
    ovi_call c;
    uint64_t *unknown;
    OV_TRY(ovi_call_prepare(ev, e, batch, &c, &unknown, err));
    memset(t->is_true, 0, ov_words(batch->rows) * 8);
    OV_TRY(e->fn->test(&c, t->is_true, err));
    if (t->is_unknown && unknown)
        ov_bits_copy(t->is_unknown, unknown, batch->rows);
    else if (t->is_unknown)
        memset(t->is_unknown, 0, ov_words(batch->rows) * 8);
    return OV_OK;
}

ov_status ovi_test(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                   ov_error *err)
{
    if (batch->sel_rows == 0 && batch->sel) {
        memset(t->is_true, 0, ov_words(batch->rows) * 8);
        if (t->is_unknown)
            memset(t->is_unknown, 0, ov_words(batch->rows) * 8);
        return OV_OK;
    }
    bool call = e->kind == OV_EXPR_IN || (e->kind == OV_EXPR_CALL && (e->fn->test || e->fn->lazy_test));
    if (!call) {
        ov_vec v;
        OV_TRY(ovi_eval(ev, e, batch, &v, err));
        return ovi_vec_truth(ev, &v, batch, t, err);
    }
    bool done = false;
    OV_TRY(ovi_descend(ev, e, err));
    ov_status st = OV_OK;
    if (e->only_column >= 0 && e->deterministic && !ev->general_only)
        st = ovi_map_test(ev, e, batch, t, &done, err);
    if (st == OV_OK && !done)
        st = e->kind == OV_EXPR_IN ? ovi_in_test(ev, e, batch, t, err) : test_call(ev, e, batch, t, err);
    ev->depth--;
    return st;
}

static ov_status test_halves(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t, ov_error *err);

/* The test, and where the values of all rows are too many at once that of one half of them after the other. */
static ov_status test_in_parts(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t, ov_error *err)
{
    ov_arena_mark mark = ov_eval_mark(ev);
    ov_error local = OV_ERROR_INIT;
    bool one = batch->sel_rows <= 1;
    ov_eval_unbound(ev, one);
    ov_status st = ovi_test(ev, e, batch, t, &local);
    ov_eval_unbound(ev, false);
    if (st == OV_LIMIT && !one) {
        ov_eval_rewind(ev, mark);
        return test_halves(ev, e, batch, t, err);
    }
    if (st != OV_OK)
        *err = local;
    return st;
}

static ov_status test_halves(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t, ov_error *err)
{
    ov_batch halves[2];
    ovi_truth part = {0};
    OV_TRY(ov_batch_halves(batch, &ev->mem, halves, err));
    OV_TRY(ovi_words(&ev->mem, batch->rows, &part.is_true, err));
    if (t->is_unknown)
        OV_TRY(ovi_words(&ev->mem, batch->rows, &part.is_unknown, err));
    OV_TRY(test_in_parts(ev, e, &halves[0], t, err));
    ov_arena_mark mark = ov_eval_mark(ev);
    OV_TRY(test_in_parts(ev, e, &halves[1], &part, err));
    ov_eval_rewind(ev, mark);
    ov_bits_or(t->is_true, part.is_true, batch->rows);
    if (t->is_unknown)
        ov_bits_or(t->is_unknown, part.is_unknown, batch->rows);
    return OV_OK;
}

ov_status ov_eval_filter(ov_eval *ev, const ov_expr *e, const ov_batch *batch, uint64_t *is_true,
                         uint64_t *is_unknown, uint32_t *true_rows, ov_error *err)
{
    OV_ASSERT(batch->rows <= OV_BATCH_ROWS);
    OV_TRY(test_in_parts(ev, e, batch, &(ovi_truth){is_true, is_unknown}, err));
    if (true_rows)
        *true_rows = (uint32_t)ov_bits_count(is_true, batch->rows);
    return OV_OK;
}
