/*
 * Streaming operators: FILTER and PROJECT as sinks in front of a sink.
 */
#include "query/exec/exec_int.h"

#include "base/bits.h"

typedef struct stage {
    ovi_sink base;
    ovi_exec *exec;
    const ov_plan *node;
    ovi_sink *next;
} stage;

static bool stage_done(const ovi_sink *s)
{
    return ovi_done(((const stage *)s)->next);
}

/* ---- filter ---- */

static ov_status filter_push(ovi_sink *s, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    stage *f = (stage *)s;
    uint64_t *is_true;
    uint32_t rows = 0;
    ov_batch out = *b;
    OV_TRY(ov_arena_alloc(&w->scratch, (ov_words(b->rows) + 1) * 8, &is_true, err));
    OV_TRY(ov_eval_filter(w->eval, f->node->filter.predicate, b, is_true, NULL, &rows, err));
    if (rows == 0)
        return OV_OK;
    out.sel_rows = rows;
    if (rows < b->rows)
        out.sel = is_true;
    ovi_count_rows(f->exec, f->node, &out);
    return f->next->push(f->next, w, &out, err);
}

static void filter_used(const ovi_sink *s, uint64_t *columns, uint32_t count)
{
    const stage *f = (const stage *)s;
    f->next->used(f->next, columns, count);
    ov_expr_columns(f->node->filter.predicate, columns, count);
}

static bool filter_weights(const ovi_sink *s)
{
    const stage *f = (const stage *)s;
    return f->node->filter.predicate->deterministic && f->next->weights && f->next->weights(f->next);
}

static bool filter_best(const ovi_sink *s, const ovi_worker *w, ovi_best *out)
{
    bool wants = ovi_wants_best(((const stage *)s)->next, w, out);
    out->keep = 0;
    return wants;
}

static uint32_t filter_wishes(const ovi_sink *s, ovi_key_wish *list)
{
    return ovi_wishes(((const stage *)s)->next, list);
}

/* ---- project ---- */

typedef struct projecting {
    stage *stage;
    const uint64_t *used;
    ov_batch out;
} projecting;

static ov_status project_rows(void *self, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    projecting *p = self;
    const ov_plan *node = p->stage->node;
    ov_vec *col;
    OV_TRY(ov_arena_zalloc(&w->scratch, OV_MAX(node->field_count, 1) * sizeof *col, &col, err));
    for (uint32_t c = 0; c < node->field_count; c++) {
        if (ov_bits_test(p->used, c))
            OV_TRY(ov_eval_expr(w->eval, node->project.exprs[c], b, &col[c], err));
        else
            col[c] = ov_vec_null(node->fields[c].type, b->rows);
    }
    p->out = *b;
    p->out.col = col;
    p->out.cols = node->field_count;
    return OV_OK;
}

static ov_status push_projected(void *self, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    projecting *p = self;
    (void)b;
    ovi_count_rows(p->stage->exec, p->stage->node, &p->out);
    return p->stage->next->push(p->stage->next, w, &p->out, err);
}

static ov_status project_push(ovi_sink *s, ovi_worker *w, const ov_batch *b, ov_error *err)
{
    projecting p = {.stage = (stage *)s};
    uint32_t cols = p.stage->node->field_count;
    uint64_t *used;
    OV_TRY(ov_arena_zalloc(&w->scratch, (ov_words(cols) + 1) * 8, &used, err));
    p.stage->next->used(p.stage->next, used, cols);
    p.used = used;
    return ovi_in_parts(w, b, project_rows, push_projected, &p, err);
}

static void project_used(const ovi_sink *s, uint64_t *columns, uint32_t count)
{
    const stage *p = (const stage *)s;
    uint32_t cols = p->node->field_count;
    enum { SMALL = 1024 };
    uint64_t mine[SMALL / 64] = {0};
    bool known = cols <= SMALL;
    if (known)
        p->next->used(p->next, mine, cols);
    for (uint32_t c = 0; c < cols; c++)
        if (!known || ov_bits_test(mine, c))
            ov_expr_columns(p->node->project.exprs[c], columns, count);
}

static bool project_weights(const ovi_sink *s)
{
    const stage *p = (const stage *)s;
    for (uint32_t c = 0; c < p->node->field_count; c++)
        if (!p->node->project.exprs[c]->deterministic)
            return false;
    return p->next->weights && p->next->weights(p->next);
}

static bool project_best(const ovi_sink *s, const ovi_worker *w, ovi_best *out)
{
    const stage *p = (const stage *)s;
    if (!ovi_wants_best(p->next, w, out))
        return false;
    const ov_expr *e = p->node->project.exprs[out->column];
    out->column = e->column;
    if (out->has_next) {
        const ov_expr *next = p->node->project.exprs[out->next_column];
        out->next_column = next->column;
        out->has_next = next->kind == OV_EXPR_COLUMN;
    }
    return e->kind == OV_EXPR_COLUMN;
}

static uint32_t project_wishes(const ovi_sink *s, ovi_key_wish *list)
{
    const stage *p = (const stage *)s;
    uint32_t count = ovi_wishes(p->next, list), n = 0;
    for (uint32_t i = 0; i < count; i++) {
        const ov_expr *e = p->node->project.exprs[list[i].column];
        if (e->kind == OV_EXPR_COLUMN)
            list[n++] = (ovi_key_wish){e->column, list[i].set};
    }
    return n;
}

/* ---- both ---- */

ov_status ovi_in_parts(ovi_worker *w, const ov_batch *b, ovi_rows_fn compute, ovi_rows_fn use, void *self, ov_error *err)
{
    ov_error local = OV_ERROR_INIT;
    bool one = b->sel_rows <= 1;
    ov_arena_mark scratch = ov_arena_mark_get(&w->scratch), values = ov_eval_mark(w->eval);
    ov_eval_unbound(w->eval, one);
    ov_status st = compute(self, w, b, &local);
    ov_eval_unbound(w->eval, false);
    if (st == OV_OK)
        return use(self, w, b, err);
    if (st != OV_LIMIT || one) {
        *err = local;
        return st;
    }
    ov_batch halves[2];
    ov_arena_rewind(&w->scratch, scratch);
    ov_eval_rewind(w->eval, values);
    OV_TRY(ov_batch_halves(b, &w->scratch, halves, err));
    scratch = ov_arena_mark_get(&w->scratch);
    OV_TRY(ovi_in_parts(w, &halves[0], compute, use, self, err));
    ov_arena_rewind(&w->scratch, scratch);
    ov_eval_rewind(w->eval, values);
    return ovi_in_parts(w, &halves[1], compute, use, self, err);
}

bool ovi_is_stage(const ovi_sink *s)
{
    return s->through != NULL;
}

ovi_sink *ovi_terminal(ovi_sink *s)
{
    while (ovi_is_stage(s))
        s = s->through;
    return s;
}

ov_status ovi_run_filter(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    stage f = {.base = {.push = filter_push,
                        .done = stage_done,
                        .used = filter_used,
                        .weights = filter_weights,
                        .best = filter_best,
                        .wishes = filter_wishes,
                        .ordered = sink->ordered,
                        .unordered = sink->unordered,
                        .through = sink},
               .exec = x,
               .node = node,
               .next = sink};
    return ovi_run(x, node->inputs[0], &f.base, err);
}

ov_status ovi_run_project(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    stage p = {.base = {.push = project_push,
                        .done = stage_done,
                        .used = project_used,
                        .weights = project_weights,
                        .best = project_best,
                        .wishes = project_wishes,
                        .ordered = sink->ordered,
                        .unordered = sink->unordered,
                        .most = sink->most,
                        .through = sink},
               .exec = x,
               .node = node,
               .next = sink};
    return ovi_run(x, node->inputs[0], &p.base, err);
}
