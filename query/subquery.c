#include "query/subquery.h"

#include "base/bits.h"

typedef struct collector {
    ov_expr_ctx *cx;
    const ov_plan *plan;
    const ov_expr **cells; /* row by row */
    uint32_t count, capacity;
    uint64_t rows;
} collector;

static ov_status ignore_fields(void *self, const ov_field *fields, uint32_t count, ov_error *err)
{
    (void)self, (void)fields, (void)count, (void)err;
    return OV_OK;
}

static OV_CHECKED ov_status cell(collector *c, const ov_vec *v, uint32_t row, const ov_field *f,
                                 const ov_expr **out, ov_error *err)
{
    ov_sqltype sql = (ov_sqltype)f->sql;
    if (ov_vec_is_null(v, row))
        return ov_expr_null(c->cx, sql, out, err);
    switch ((ov_type_id)f->type.id) {
    case OV_TYPE_LONG:
        return ov_expr_i64(c->cx, sql, ov_vec_i64(v, row), out, err);
    case OV_TYPE_DOUBLE:
    case OV_TYPE_FLOAT:
        return ov_expr_f64(c->cx, sql, ov_vec_f64(v, row), out, err);
    case OV_TYPE_STRING:
        if (!f->type.multi)
            return ov_expr_str(c->cx, sql, ov_vec_str(v, row), out, err);
        break;
    case OV_TYPE_NULL:
    case OV_TYPE_ARRAY:
    case OV_TYPE_COMPLEX:
        break;
    }
    return ov_fail(err, OV_UNSUPPORTED, "Sub-queries as values of type %s are not supported yet",
                   ov_sqltype_name(sql));
}

static ov_status keep_rows(void *self, const ov_batch *batch, ov_error *err)
{
    collector *c = self;
    uint32_t width = c->plan->field_count;
    for (uint32_t r = 0; r < batch->rows; r++) {
        if (batch->sel && !ov_bits_test(batch->sel, r))
            continue;
        OV_TRY(ov_arena_room(c->cx->arena, &c->cells, c->count, &c->capacity, width, sizeof *c->cells, err));
        for (uint32_t f = 0; f < width; f++)
            OV_TRY(cell(c, &batch->col[f], r, &c->plan->fields[f], &c->cells[c->count++], err));
        c->rows++;
    }
    return OV_OK;
}

ov_status ov_subquery_run(void *query_ctx, const ov_plan *plan, ov_expr_ctx *cx, ov_sql_rows *out,
                          ov_error *err)
{
    collector c = {.cx = cx, .plan = plan};
    ov_result_sink sink = {ignore_fields, keep_rows, &c};
    OV_TRY(ov_exec_run(plan, query_ctx, &sink, err));
    *out = (ov_sql_rows){c.cells, c.rows};
    return OV_OK;
}
