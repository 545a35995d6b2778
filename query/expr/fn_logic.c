/*
 * AND, OR, NOT, IS [NOT] NULL | TRUE | FALSE: three-valued logic on masks.
 *
 *   AND: true when all are true, false when one is false; OR by symmetry; NOT keeps unknown.
 */
#include "query/expr/expr_int.h"

/* Flattens AND of AND; checks the arguments. */
ov_status ovi_bind_and_or(ovi_bind *b, ov_error *err)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < b->argc; i++) {
        const ov_expr *e = b->args[i];
        if (e->sql != OV_SQL_BOOLEAN && e->sql != OV_SQL_NULL)
            return ovi_wrong_types(b, b->fn->op == OV_OP_AND ? "<BOOLEAN> AND <BOOLEAN>"
                                                             : "<BOOLEAN> OR <BOOLEAN>", err);
        OV_TRY(ovi_want_bool(b, i, err));
        e = b->args[i];
        total += e->kind == OV_EXPR_CALL && e->fn == b->fn ? e->argc : 1;
    }
    const ov_expr **args;
    OV_TRY(ov_arena_alloc(b->cx->arena, total * sizeof *args, &args, err));
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->argc; i++) {
        const ov_expr *e = b->args[i];
        if (e->kind == OV_EXPR_CALL && e->fn == b->fn)
            for (uint32_t j = 0; j < e->argc; j++)
                args[n++] = e->args[j];
        else
            args[n++] = e;
    }
    b->args = args;
    b->argc = n;
    ovi_result(b, OV_SQL_BOOLEAN);
    return OV_OK;
}

ov_status ovi_bind_not(ovi_bind *b, ov_error *err)
{
    if (b->args[0]->sql != OV_SQL_BOOLEAN && b->args[0]->sql != OV_SQL_NULL)
        return ovi_wrong_types(b, "NOT<BOOLEAN>", err);
    OV_TRY(ovi_want_bool(b, 0, err));
    ovi_result(b, OV_SQL_BOOLEAN);
    return OV_OK;
}

ov_status ovi_bind_is_null(ovi_bind *b, ov_error *err)
{
    (void)err;
    b->nullable = false;
    ovi_result(b, OV_SQL_BOOLEAN);
    return OV_OK;
}

ov_status ovi_bind_is_truth(ovi_bind *b, ov_error *err)
{
    OV_TRY(ovi_want_bool(b, 0, err));
    b->nullable = false;
    ovi_result(b, OV_SQL_BOOLEAN);
    return OV_OK;
}

ov_status ovi_test_and(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                       ov_error *err)
{
    size_t rows = batch->rows;
    uint64_t *all, *maybe, *one_true, *one_unknown = NULL;
    OV_TRY(ovi_fill(ev, batch, &all, err));   /* true so far */
    OV_TRY(ovi_fill(ev, batch, &maybe, err)); /* true or unknown so far */
    OV_TRY(ovi_words(&ev->mem, rows, &one_true, err));
    if (t->is_unknown)
        OV_TRY(ovi_words(&ev->mem, rows, &one_unknown, err));
    const uint64_t *todo = t->is_unknown ? maybe : all;
    for (uint32_t i = 0; i < e->argc && ov_bits_any(todo, rows); i++) {
        ov_batch narrow = i == 0 ? *batch : ovi_narrow(batch, todo);
        ovi_truth one = {one_true, one_unknown};
        OV_TRY(ovi_test(ev, e->args[i], &narrow, &one, err));
        ov_bits_and(all, one_true, rows);
        if (one_unknown) {
            ov_bits_or(one_unknown, one_true, rows);
            ov_bits_and(maybe, one_unknown, rows);
        }
    }
    ov_bits_copy(t->is_true, all, rows);
    if (t->is_unknown) {
        ov_bits_andnot(maybe, all, rows);
        ov_bits_copy(t->is_unknown, maybe, rows);
    }
    return OV_OK;
}

ov_status ovi_test_or(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                      ov_error *err)
{
    size_t rows = batch->rows;
    uint64_t *todo, *any, *unknown = NULL, *one_true, *one_unknown = NULL;
    OV_TRY(ovi_fill(ev, batch, &todo, err)); /* not yet true */
    OV_TRY(ovi_words(&ev->mem, rows, &any, err));
    OV_TRY(ovi_words(&ev->mem, rows, &one_true, err));
    if (t->is_unknown) {
        OV_TRY(ovi_words(&ev->mem, rows, &unknown, err));
        OV_TRY(ovi_words(&ev->mem, rows, &one_unknown, err));
    }
    for (uint32_t i = 0; i < e->argc && ov_bits_any(todo, rows); i++) {
        ov_batch narrow = i == 0 ? *batch : ovi_narrow(batch, todo);
        ovi_truth one = {one_true, one_unknown};
        OV_TRY(ovi_test(ev, e->args[i], &narrow, &one, err));
        ov_bits_or(any, one_true, rows);
        ov_bits_andnot(todo, one_true, rows);
        if (unknown)
            ov_bits_or(unknown, one_unknown, rows);
    }
    ov_bits_copy(t->is_true, any, rows);
    if (t->is_unknown) {
        ov_bits_andnot(unknown, any, rows);
        ov_bits_copy(t->is_unknown, unknown, rows);
    }
    return OV_OK;
}

/* The argument's masks in scratch. */
static ov_status inner(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ovi_truth *t,
                       ov_error *err)
{
    OV_TRY(ovi_words(&ev->mem, batch->rows, &t->is_true, err));
    OV_TRY(ovi_words(&ev->mem, batch->rows, &t->is_unknown, err));
    return ovi_test(ev, e, batch, t, err);
}

static void selected(const ov_batch *batch, uint64_t *out)
{
    if (batch->sel)
        ov_bits_copy(out, batch->sel, batch->rows);
    else
        ov_bits_fill(out, batch->rows, true);
}

ov_status ovi_test_not(ov_eval *ev, const ov_expr *e, const ov_batch *batch, const ovi_truth *t,
                       ov_error *err)
{
    ovi_truth in;
    OV_TRY(inner(ev, e->args[0], batch, &in, err));
    selected(batch, t->is_true);
    ov_bits_andnot(t->is_true, in.is_true, batch->rows);
    ov_bits_andnot(t->is_true, in.is_unknown, batch->rows);
    if (t->is_unknown)
        ov_bits_copy(t->is_unknown, in.is_unknown, batch->rows);
    return OV_OK;
}

static void never_unknown(const ov_batch *batch, const ovi_truth *t)
{
    if (t->is_unknown)
        memset(t->is_unknown, 0, ov_words(batch->rows) * 8);
}

/* IS TRUE, IS NOT TRUE, IS FALSE, IS NOT FALSE */
ov_status ovi_test_is_truth(ov_eval *ev, const ov_expr *e, const ov_batch *batch,
                            const ovi_truth *t, ov_error *err)
{
    ovi_truth in;
    OV_TRY(inner(ev, e->args[0], batch, &in, err));
    bool negate = strstr(e->fn->name, "NOT") != NULL;
    bool wants_true = strstr(e->fn->name, "TRUE") != NULL;
    size_t rows = batch->rows;
    if (wants_true != negate) { /* IS TRUE, IS NOT FALSE start from the true rows */
        ov_bits_copy(t->is_true, in.is_true, rows);
    } else {
        selected(batch, t->is_true);
        ov_bits_andnot(t->is_true, in.is_true, rows);
        ov_bits_andnot(t->is_true, in.is_unknown, rows);
    }
    if (negate)
        ov_bits_or(t->is_true, in.is_unknown, rows);
    never_unknown(batch, t);
    return OV_OK;
}

/* Rows of v that are NULL, trimmed. Outside the selection unspecified. */
static ov_status null_rows(ov_eval *ev, const ov_vec *v, uint64_t *out, ov_error *err)
{
    size_t rows = v->rows;
    if (v->enc == OV_ENC_CONST || v->type.id == OV_TYPE_NULL) {
        ov_bits_fill(out, rows, v->is_null || v->type.id == OV_TYPE_NULL);
        return OV_OK;
    }
    if (v->enc == OV_ENC_FLAT || v->enc == OV_ENC_LIST) {
        ov_bits_fill(out, rows, v->valid != NULL);
        if (v->valid)
            ov_bits_andnot(out, v->valid, rows);
        return OV_OK;
    }
    ov_bits_fill(out, rows, false);
    if (v->enc == OV_ENC_RUN) {
        for (uint32_t r = 0, from = 0; r < v->runs; from = v->run_end[r++])
            if (ov_vec_is_null(v->child, r))
                ov_bits_set_range(out, from, v->run_end[r]);
        return OV_OK;
    }
    ov_vec flat;
    if (v->dict->offsets) { /* only code 0 can be NULL */
        const uint32_t *codes;
        if (!v->dict->has_null)
            return OV_OK;
        OV_TRY(ov_vec_codes32(v, &ev->mem, &codes, err));
        for (size_t i = 0; i < rows; i++)
            out[i / 64] |= (uint64_t)(codes[i] == 0) << (i % 64);
        return OV_OK;
    }
    OV_TRY(ov_vec_flatten(v, &ev->mem, &flat, err));
    return null_rows(ev, &flat, out, err);
}

ov_status ovi_test_is_null(ov_eval *ev, const ov_expr *e, const ov_batch *batch,
                           const ovi_truth *t, ov_error *err)
{
    bool negate = e->fn->op == OV_OP_IS_NOT_NULL;
    ov_vec v;
    OV_TRY(ovi_eval(ev, e->args[0], batch, &v, err));
    OV_TRY(null_rows(ev, &v, t->is_true, err));
    if (negate)
        ov_bits_not(t->is_true, batch->rows);
    if (batch->sel)
        ov_bits_and(t->is_true, batch->sel, batch->rows);
    never_unknown(batch, t);
    return OV_OK;
}
