/*
 * Small sources: VALUES and tables made on the spot.
 */
#include "query/exec/exec_int.h"

#include "base/bits.h"

/* ---- VALUES ---- */

/* Column c of rows [from, from + n) of constants. */
static ov_status constants(const ov_plan *node, uint32_t c, uint64_t from, uint32_t n, ov_arena *out, ov_vec *vec,
                           ov_error *err)
{
    ov_type type = node->fields[c].type;
    bool number = ov_type_is_int(type) || ov_type_is_real(type);
    size_t width = number ? 8 : sizeof(ov_slice);
    char *data;
    uint64_t *valid;
    OV_TRY(ov_arena_lanes(out, (ov_words(n) * 64 + 1) * width, &data, err));
    OV_TRY(ov_arena_zalloc(out, (ov_words(n) + 1) * 8, &valid, err));
    memset(data, 0, n * width);
    for (uint32_t i = 0; i < n; i++) {
        const ov_expr *cell = node->values.cells[(from + i) * node->field_count + c];
        if (cell->kind != OV_EXPR_CONST)
            return ov_fail(err, OV_INTERNAL, "VALUES row %llu column %u is not a constant",
                           (unsigned long long)(from + i), c);
        if (cell->constant.is_null || cell->type.id == OV_TYPE_NULL)
            continue;
        ov_bits_set(valid, i);
        if (ov_type_is_int(type))
            ((int64_t *)data)[i] = ov_type_is_real(cell->type) ? (int64_t)cell->constant.f : cell->constant.i;
        else if (ov_type_is_real(type))
            ((double *)data)[i] = ov_type_is_int(cell->type) ? (double)cell->constant.i : cell->constant.f;
        else
            ((ov_slice *)data)[i] = cell->constant.s;
    }
    *vec = ov_vec_flat(type, data, valid, n);
    return OV_OK;
}

/* A list constant for every row of a one-row VALUES (arrays have no flat form of slices). */
static ov_status value_column(const ov_plan *node, uint32_t c, uint64_t from, uint32_t n, ov_arena *out,
                              ov_vec *vec, ov_error *err)
{
    if (!ov_type_is_list(node->fields[c].type))
        return constants(node, c, from, n, out, vec, err);
    const ov_expr *cell = node->values.cells[from * node->field_count + c];
    if (n != 1)
        return ov_fail(err, OV_UNSUPPORTED, "VALUES with more than one row of arrays is not supported");
    *vec = ov_vec_null(node->fields[c].type, n);
    if (!cell->constant.is_null) {
        vec->is_null = false;
        vec->c.list = cell->constant.list;
    }
    return OV_OK;
}

ov_status ovi_run_values(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    ovi_worker *w = &x->workers[0];
    for (uint64_t from = 0; from < node->values.row_count && !ovi_done(sink);) {
        uint32_t n = (uint32_t)OV_MIN(node->values.row_count - from, (uint64_t)x->batch_rows);
        for (uint32_t c = 0; c < node->field_count; c++)
            if (ov_type_is_list(node->fields[c].type))
                n = 1;
        OV_TRY(ovi_next_batch(w, err));
        w->ordinal = x->ordinal;
        ov_batch b = {.rows = n, .cols = node->field_count, .sel_rows = n};
        OV_TRY(ov_arena_alloc(&w->scratch, OV_MAX(b.cols, 1) * sizeof(ov_vec), &b.col, err));
        for (uint32_t c = 0; c < b.cols; c++)
            OV_TRY(value_column(node, c, from, n, &w->scratch, &b.col[c], err));
        ovi_count_rows(x, node, &b);
        OV_TRY(ovi_push(sink, w, &b, err));
        x->ordinal += n;
        from += n;
    }
    return OV_OK;
}

/* ---- SYSTEM ---- */

typedef struct system_source {
    ovi_exec *exec;
    const ov_plan *node;
    ovi_sink *sink;
} system_source;

static bool system_enough(void *self)
{
    return ovi_done(((system_source *)self)->sink);
}

/* The table's batches have all its columns, unless it can make those the plan wants. They may be larger than ours. */
static ov_status system_rows(void *self, const ov_batch *b, ov_error *err)
{
    system_source *s = self;
    ovi_worker *w = &s->exec->workers[0];
    bool all = !s->node->system.table->some_rows;
    for (uint32_t from = 0; from < b->rows && !ovi_done(s->sink);) {
        uint32_t n = OV_MIN(b->rows - from, s->exec->batch_rows);
        OV_TRY(ovi_next_batch(w, err));
        w->ordinal = s->exec->ordinal;
        ov_batch out = {.rows = n, .cols = s->node->field_count, .sel_rows = n};
        OV_TRY(ov_arena_alloc(&w->scratch, OV_MAX(out.cols, 1) * sizeof(ov_vec), &out.col, err));
        for (uint32_t c = 0; c < out.cols; c++)
            OV_TRY(ovi_vec_slice(&b->col[all ? s->node->system.columns[c] : c], from, n, &w->scratch, &out.col[c], err));
        if (b->sel) {
            uint64_t *sel;
            OV_TRY(ov_arena_zalloc(&w->scratch, (ov_words(n) + 1) * 8, &sel, err));
            for (uint32_t i = 0; i < n; i++)
                if (ov_bits_test(b->sel, from + i))
                    ov_bits_set(sel, i);
            out.sel = sel;
            out.sel_rows = (uint32_t)ov_bits_count(sel, n);
        }
        ovi_count_rows(s->exec, s->node, &out);
        OV_TRY(ovi_push(s->sink, w, &out, err));
        s->exec->ordinal += n;
        from += n;
    }
    return OV_OK;
}

static ov_status system_begin(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

ov_status ovi_run_system(ovi_exec *x, const ov_plan *node, ovi_sink *sink, ov_error *err)
{
    system_source s = {.exec = x, .node = node, .sink = sink};
    ov_result_sink emit = {.begin = system_begin, .rows = system_rows, .self = &s};
    const ov_systable *table = node->system.table;
    OV_TRY(ovi_worker_ready(&x->workers[0], err));
    if (table->some_rows)
        return table->some_rows(table, node->system.columns, node->field_count, x->cx, &emit, system_enough,
                                err);
    return table->rows(table, x->cx, &emit, err);
}
