/*
 * The walk: an expression over one batch. Vectors keep their encoding where they can (map.c); what is left is opened
 * to FLAT and handed to the function's evaluator with its NULL rows already known.
 */
#include "query/expr/expr_int.h"

#include "query/expr/call_place.h"
#include "query/expr/open.h"

enum { MAX_DEPTH = 2000, KEEP_SHARE = 4, BATCH_SHARE = 2 };

static size_t least_limit(const ov_budget *b)
{
    size_t least = SIZE_MAX;
    for (; b; b = b->parent)
        least = OV_MIN(least, b->limit);
    return least;
}

/* Results per domain may take a quarter of what the query may use, values of a batch half: the rest is for groups and rows. */
static void share_memory(ov_eval *ev, uint32_t sharers)
{
    size_t least = least_limit(ev->budget);
    ev->keep_most = OV_MIN(least, (size_t)1 << 30) / KEEP_SHARE / sharers;
    ev->batch_most = least == SIZE_MAX ? SIZE_MAX : least / BATCH_SHARE / sharers;
    ev->batch.limit = ev->batch_most;
}

/* ---- the evaluator ---- */

void ovi_eval_init(ov_eval *ev, ov_budget *budget, bool general_only)
{
    *ev = (ov_eval){.budget = budget,
                    .general_only = general_only,
                    .k = ovi_kernels_best()};
    ov_budget_init(&ev->batch, "the values of one batch", SIZE_MAX, budget);
    share_memory(ev, 1);
    ov_arena_init(&ev->mem, "expression values", &ev->batch);
    ov_arena_init(&ev->keep, "distinct values of expressions", budget);
}

void ovi_eval_fini(ov_eval *ev)
{
    ov_arena_fini(&ev->mem);
    ov_arena_fini(&ev->keep);
    ov_free(ev->table);
    ov_free(ev->identity);
}

ov_status ov_eval_create(ov_budget *budget, const ov_eval_options *options, ov_eval **out,
                         ov_error *err)
{
    *out = ov_malloc(sizeof **out);
    if (!*out)
        return ov_fail_nomem(err, sizeof **out);
    ovi_eval_init(*out, budget, options && options->general_only);
    if (options) {
        (*out)->alive = options->alive;
        (*out)->alive_cx = options->alive_cx;
        share_memory(*out, OV_MAX(options->sharers, 1));
    }
    return OV_OK;
}

void ov_eval_destroy(ov_eval *ev)
{
    if (!ev)
        return;
    ovi_eval_fini(ev);
    ov_free(ev);
}

void ov_eval_next_batch(ov_eval *ev)
{
    ov_arena_reset(&ev->mem);
}

ov_arena_mark ov_eval_mark(const ov_eval *ev)
{
    return ov_arena_mark_get(&ev->mem);
}

void ov_eval_rewind(ov_eval *ev, ov_arena_mark mark)
{
    ov_arena_rewind(&ev->mem, mark);
}

void ov_eval_unbound(ov_eval *ev, bool unbound)
{
    ev->batch.limit = unbound ? SIZE_MAX : ev->batch_most;
}

/* ---- masks and batches ---- */

ov_status ov_batch_halves(const ov_batch *b, ov_arena *scratch, ov_batch halves[2], ov_error *err)
{
    uint32_t seen = 0;
    uint64_t *masks[2];
    for (int h = 0; h < 2; h++)
        OV_TRY(ov_arena_zalloc(scratch, (ov_words(b->rows) + 1) * 8, &masks[h], err));
    for (uint32_t i = 0; i < b->rows; i++)
        if (!b->sel || ov_bits_test(b->sel, i))
            ov_bits_set(masks[seen++ >= b->sel_rows / 2], i);
    for (int h = 0; h < 2; h++) {
        halves[h] = *b;
        halves[h].sel = masks[h];
        halves[h].sel_rows = h ? b->sel_rows - b->sel_rows / 2 : b->sel_rows / 2;
    }
    return OV_OK;
}

ov_status ovi_words(ov_arena *a, size_t rows, uint64_t **out, ov_error *err)
{
    size_t bytes = OV_MAX(ov_words(rows), (size_t)1) * 8;
    OV_TRY(ov_arena_alloc(a, bytes, out, err));
    memset(*out, 0, bytes);
    return OV_OK;
}

ov_status ovi_fill(ov_eval *ev, const ov_batch *batch, uint64_t **all, ov_error *err)
{
    OV_TRY(ovi_words(&ev->mem, batch->rows, all, err));
    if (batch->sel)
        ov_bits_copy(*all, batch->sel, batch->rows);
    else
        ov_bits_fill(*all, batch->rows, true);
    return OV_OK;
}

ov_batch ovi_narrow(const ov_batch *batch, const uint64_t *sel)
{
    ov_batch b = *batch;
    b.sel = sel;
    b.sel_rows = sel ? (uint32_t)ov_bits_count(sel, batch->rows) : batch->rows;
    return b;
}

ov_status ovi_truth_vec(ov_eval *ev, const ov_batch *batch, const ovi_truth *t, ov_vec *out,
                        ov_error *err)
{
    uint8_t *bytes;
    OV_TRY(ov_arena_lanes(&ev->mem, OV_MAX(ov_words(batch->rows), (size_t)1) * 64, &bytes, err));
    ev->k->bytes_of_mask(t->is_true, batch->rows, bytes);
    uint64_t *valid = NULL;
    if (ov_bits_any(t->is_unknown, batch->rows)) {
        OV_TRY(ovi_words(&ev->mem, batch->rows, &valid, err));
        ov_bits_fill(valid, batch->rows, true);
        ov_bits_andnot(valid, t->is_unknown, batch->rows);
    }
    *out = (ov_vec){.type = OV_T(OV_TYPE_LONG),
                    .enc = OV_ENC_FLAT,
                    .lane = 1,
                    .rows = batch->rows,
                    .divisor = 1,
                    .data = bytes,
                    .valid = valid,
                    .has_bounds = true,
                    .min = 0,
                    .max = 1};
    return OV_OK;
}

/* ---- arguments ---- */

ov_status ovi_arg_of(ov_eval *ev, const ov_vec *v, ovi_arg *out, ov_error *err)
{
    *out = (ovi_arg){0};
    if (v->enc == OV_ENC_CONST || v->type.id == OV_TYPE_NULL) {
        out->vec = *v;
        out->vec.enc = OV_ENC_CONST;
        out->vec.is_null = v->is_null || v->type.id == OV_TYPE_NULL;
        out->all_null = out->vec.is_null;
        out->i = &out->vec.c.i; /* moved with the struct by ovi_call_prepare */
        return OV_OK;
    }
    OV_TRY(ov_vec_open(v, &ev->mem, &out->vec, err));
    out->i = out->vec.data;
    out->step = 1;
    out->valid = out->vec.valid;
    return OV_OK;
}

/* Rows that are NULL by the strict rule leave `live`; *unknown gets those that were selected. */
static ov_status apply_strict(ov_eval *ev, const ov_batch *batch, ovi_call *c, uint64_t **unknown,
                              ov_error *err)
{
    uint64_t *live = NULL;
    for (uint32_t i = 0; i < c->argc; i++) {
        const ovi_arg *a = &c->arg[i];
        if (!a->all_null && !a->valid)
            continue;
        if (!live)
            OV_TRY(ovi_fill(ev, batch, &live, err));
        if (a->all_null)
            memset(live, 0, ov_words(c->rows) * 8);
        else
            ov_bits_and(live, a->valid, c->rows);
    }
    c->live = live ? live : batch->sel;
    if (unknown && live) {
        OV_TRY(ovi_fill(ev, batch, unknown, err));
        ov_bits_andnot(*unknown, live, c->rows);
    }
    return OV_OK;
}

ov_status ovi_call_prepare(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ovi_call *c,
                           uint64_t **unknown, ov_error *err)
{
    *c = (ovi_call){.ev = ev, .e = e, .mem = &ev->mem, .argc = e->argc, .rows = batch->rows};
    OV_TRY(ov_arena_alloc(&ev->mem, (e->argc + 1) * sizeof *c->arg, &c->arg, err));
    for (uint32_t i = 0; i < e->argc; i++) {
        ov_vec v;
        OV_TRY(ovi_eval(ev, e->args[i], batch, &v, err));
        OV_TRY(ovi_arg_of(ev, &v, &c->arg[i], err));
        if (c->arg[i].step == 0)
            c->arg[i].i = &c->arg[i].vec.c.i;
    }
    if (unknown)
        *unknown = NULL;
    c->live = batch->sel;
    if (e->fn->flags & OVI_OWN)
        return OV_OK;
    return apply_strict(ev, batch, c, unknown, err);
}

ov_status ovi_rows(ovi_call *c, const uint32_t **rows, uint32_t *n, ov_error *err)
{
    if (c->live) {
        uint32_t *list;
        OV_TRY(ov_arena_alloc(&c->ev->mem, (c->rows + 1) * sizeof *list, &list, err));
        *n = (uint32_t)ov_bits_indices(c->live, c->rows, list);
        *rows = list;
        return OV_OK;
    }
    if (!c->ev->identity) {
        size_t bytes = OV_BATCH_ROWS * sizeof(uint32_t);
        c->ev->identity = ov_malloc(bytes);
        if (!c->ev->identity)
            return ov_fail_nomem(err, bytes);
        for (uint32_t i = 0; i < OV_BATCH_ROWS; i++)
            c->ev->identity[i] = i;
    }
    OV_ASSERT(c->rows <= OV_BATCH_ROWS);
    *rows = c->ev->identity;
    *n = c->rows;
    return OV_OK;
}

/* ---- results ---- */

static ov_status make_lanes(ovi_call *c, bool nullable, ovi_result_lanes *out, ov_error *err)
{
    ov_type t = c->e->type;
    bool number = ov_type_is_int(t) || ov_type_is_real(t);
    size_t padded = OV_MAX(ov_words(c->rows), (size_t)1) * 64;
    size_t bytes = padded * (number ? 8 : sizeof(ov_slice));
    out->rows = c->rows;
    OV_TRY(ov_arena_lanes(c->mem, bytes, &out->i, err));
    if (!number)
        memset(out->i, 0, bytes); /* numbers of NULL rows may be anything, slices must be readable */
    out->valid = NULL;
    if (nullable || c->live) {
        OV_TRY(ovi_words(c->mem, c->rows, &out->valid, err));
        if (c->live)
            ov_bits_copy(out->valid, c->live, c->rows);
        else
            ov_bits_fill(out->valid, c->rows, true);
    }
    return OV_OK;
}

ov_status ovi_lanes(ovi_call *c, ovi_result_lanes *out, ov_error *err)
{
    return make_lanes(c, false, out, err);
}

ov_status ovi_lanes_nullable(ovi_call *c, ovi_result_lanes *out, ov_error *err)
{
    return make_lanes(c, true, out, err);
}

void ovi_finish(const ovi_call *c, const ovi_result_lanes *l, ov_vec *out)
{
    const uint64_t *valid = l->valid && ov_bits_all(l->valid, l->rows) ? NULL : l->valid;
    *out = ov_vec_flat(c->e->type, l->i, valid, l->rows);
}

ov_status ovi_keep_text(ovi_call *c, const ov_buf *text, ov_slice *out, ov_error *err)
{
    OV_TRY(ov_buf_check(text, err));
    return ov_arena_copy(c->mem, ov_buf_slice(text), out, err);
}

static ov_status map_text_row(ovi_call *c, ovi_text_fn fn, uint32_t row, ovi_text *t, ovi_result_lanes *l, ov_error *err)
{
    ov_buf_clear(&t->made);
    t->part = (ov_slice){0};
    t->is_null = false;
    OV_TRY(fn(c, row, t, err));
    if (t->is_null)
        ovi_null_row(l, row);
    else if (t->part.p)
        l->s[row] = t->part;
    else
        OV_TRY(ovi_keep_text(c, &t->made, &l->s[row], err));
    return OV_OK;
}

ov_status ovi_map_text(ovi_call *c, ovi_text_fn fn, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    ovi_text t;
    ov_status st = OV_OK;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    ov_buf_init(&t.made);
    for (uint32_t k = 0; k < n && st == OV_OK; k++)
        st = map_text_row(c, fn, rows[k], &t, &l, err);
    ov_buf_fini(&t.made);
    ovi_finish(c, &l, out);
    return st;
}

/* ---- the walk ---- */

ov_status ovi_descend(ov_eval *ev, const ov_expr *e, ov_error *err)
{
    if (ev->depth >= MAX_DEPTH)
        return ov_fail_at(err, OV_LIMIT, e->pos, e->end_pos,
                          "the expression is nested more than %d levels deep", MAX_DEPTH);
    OV_TRY(ovi_alive(ev, err));
    ev->depth++;
    return OV_OK;
}

static ov_vec constant_vec(const ov_expr *e, uint32_t rows)
{
    if (e->constant.is_null)
        return ov_vec_null(e->type, rows);
    if (ov_type_is_int(e->type))
        return ov_vec_const_i64(e->type, e->constant.i, rows);
    if (ov_type_is_real(e->type))
        return ov_vec_const_f64(e->type, e->constant.f, rows);
    if (ov_type_is_list(e->type)) {
        ov_vec v = ov_vec_null(e->type, rows);
        v.is_null = false;
        v.c.list = e->constant.list;
        return v;
    }
    return ov_vec_const_str(e->type, e->constant.s, rows);
}

static ov_status column(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out,
                        ov_error *err)
{
    OV_ASSERT(e->column < batch->cols);
    const ov_vec *v = &batch->col[e->column];
    OV_ASSERT(v->rows == batch->rows);
    if (ev->general_only && v->enc != OV_ENC_CONST)
        return ov_vec_flatten(v, &ev->mem, out, err);
    *out = *v;
    if (v->type.id == OV_TYPE_NULL)
        *out = ov_vec_null(e->type, batch->rows);
    return OV_OK;
}

/* All arguments are constants: one row stands for all. */
static ov_status call_once(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ovi_call *c,
                           ov_vec *out, ov_error *err)
{
    ov_vec one;
    c->rows = 1;
    c->live = NULL;
    if (batch->sel_rows == 0) {
        *out = ov_vec_null(e->type, batch->rows);
        return OV_OK;
    }
    if (!(e->fn->flags & OVI_OWN))
        for (uint32_t i = 0; i < c->argc; i++)
            if (c->arg[i].all_null) {
                *out = ov_vec_null(e->type, batch->rows);
                return OV_OK;
            }
    OV_TRY(ov_placed(e->fn->eval(c, &one, err), e->pos, e->end_pos, err));
    if (ov_type_is_list(e->type)) {
        ov_vec *list;
        if (ov_vec_is_null(&one, 0)) {
            *out = ov_vec_null(e->type, batch->rows);
            return OV_OK;
        }
        uint32_t first, end, *idx;
        const ov_vec *child = ov_vec_list(&one, 0, &first, &end);
        OV_TRY(ov_arena_alloc(&ev->mem, sizeof *list, &list, err));
        OV_TRY(ov_arena_alloc(&ev->mem, (end - first + 1) * sizeof *idx, &idx, err));
        for (uint32_t i = first; i < end; i++)
            idx[i - first] = i;
        OV_TRY(ov_vec_gather(child, idx, end - first, &ev->mem, list, err));
        *out = ov_vec_null(e->type, batch->rows);
        out->is_null = false;
        out->c.list = list;
        return OV_OK;
    }
    if (ov_vec_is_null(&one, 0))
        *out = ov_vec_null(e->type, batch->rows);
    else if (ov_type_is_int(e->type))
        *out = ov_vec_const_i64(e->type, ov_vec_i64(&one, 0), batch->rows);
    else if (ov_type_is_real(e->type))
        *out = ov_vec_const_f64(e->type, ov_vec_f64(&one, 0), batch->rows);
    else
        *out = ov_vec_const_str(e->type, ov_vec_str(&one, 0), batch->rows);
    return OV_OK;
}

static ov_status call(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out,
                      ov_error *err)
{
    if (e->kind == OV_EXPR_IN || e->fn->test || e->fn->lazy_test) {
        ovi_truth t;
        OV_TRY(ovi_words(&ev->mem, batch->rows, &t.is_true, err));
        OV_TRY(ovi_words(&ev->mem, batch->rows, &t.is_unknown, err));
        OV_TRY(ovi_test(ev, e, batch, &t, err));
        return ovi_truth_vec(ev, batch, &t, out, err);
    }
    if (e->fn->lazy)
        return ov_placed(e->fn->lazy(ev, e, batch, out, err), e->pos, e->end_pos, err);
    ovi_call c;
    OV_TRY(ovi_call_prepare(ev, e, batch, &c, NULL, err));
    bool constant = !(e->fn->flags & OVI_VOLATILE);
    for (uint32_t i = 0; i < c.argc; i++)
        constant = constant && c.arg[i].step == 0;
    if (constant)
        return call_once(ev, e, batch, &c, out, err);
    return ov_placed(e->fn->eval(&c, out, err), e->pos, e->end_pos, err);
}

ov_status ovi_eval(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out, ov_error *err)
{
    if (e->kind == OV_EXPR_CONST) {
        *out = constant_vec(e, batch->rows);
        return OV_OK;
    }
    if (e->kind == OV_EXPR_COLUMN)
        return column(ev, e, batch, out, err);
    bool done = false;
    OV_TRY(ovi_descend(ev, e, err));
    ov_status st = OV_OK;
    if (e->only_column >= 0 && e->deterministic && !ev->general_only)
        st = ovi_map_eval(ev, e, batch, out, &done, err);
    if (st == OV_OK && !done)
        st = call(ev, e, batch, out, err);
    ev->depth--;
    return st;
}

ov_status ov_eval_expr(ov_eval *ev, const ov_expr *e, const ov_batch *batch, ov_vec *out,
                       ov_error *err)
{
    OV_ASSERT(batch->rows <= OV_BATCH_ROWS);
    return ovi_eval(ev, e, batch, out, err);
}
