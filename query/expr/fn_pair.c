/*
 * Hidden functions over values with their times, which is what columns of first and last metrics hold: $PAIR_TIME and $PAIR_VALUE. EARLIEST and
 * LATEST of such a column are those of its values by its times.
 */
#include "query/expr/sketch_int.h"
#include "sketch/pair.h"

static ov_pair_kind kind_of(ov_type t)
{
    return (ov_pair_kind)(t.complex - OV_COMPLEX_LONG_PAIR);
}

static ov_status want_pair(ovi_bind *b, ov_error *err)
{
    const ov_expr *e = b->args[0];
    return ov_type_is_pair(e->type) ? OV_OK : ovi_want_sketch(b, 0, OV_COMPLEX_LONG_PAIR, err);
}

ov_status ovi_bind_pair_time(ovi_bind *b, ov_error *err)
{
    OV_TRY(want_pair(b, err));
    ovi_result(b, OV_SQL_TIMESTAMP);
    return OV_OK;
}

ov_status ovi_bind_pair_value(ovi_bind *b, ov_error *err)
{
    static const ov_sqltype types[] = {
        [OV_PAIR_LONG] = OV_SQL_BIGINT, [OV_PAIR_FLOAT] = OV_SQL_FLOAT, [OV_PAIR_DOUBLE] = OV_SQL_DOUBLE, [OV_PAIR_TEXT] = OV_SQL_VARCHAR};
    OV_TRY(want_pair(b, err));
    ovi_result(b, types[ov_type_is_pair(b->args[0]->type) ? kind_of(b->args[0]->type) : OV_PAIR_LONG]);
    b->nullable = true;
    return OV_OK;
}

static ov_status read_pair(const ovi_call *c, uint32_t row, ov_pair *out, ov_error *err)
{
    return ov_pair_read(ovi_str(&c->arg[0], row), kind_of(c->e->args[0]->type), out, err);
}

ov_status ovi_eval_pair_time(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    ov_pair pair;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        OV_TRY(read_pair(c, rows[k], &pair, err));
        l.i[rows[k]] = pair.time;
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}

/* Texts lie in the images. */
ov_status ovi_eval_pair_value(ovi_call *c, ov_vec *out, ov_error *err)
{
    const uint32_t *rows;
    uint32_t n;
    ovi_result_lanes l;
    ov_pair pair;
    OV_TRY(ovi_rows(c, &rows, &n, err));
    OV_TRY(ovi_lanes_nullable(c, &l, err));
    for (uint32_t k = 0; k < n; k++) {
        OV_TRY(read_pair(c, rows[k], &pair, err));
        if (pair.null)
            ovi_null_row(&l, rows[k]);
        else if (c->e->type.id == OV_TYPE_STRING)
            l.s[rows[k]] = pair.s;
        else if (ov_type_is_int(c->e->type))
            l.i[rows[k]] = pair.i;
        else
            l.f[rows[k]] = pair.f;
    }
    ovi_finish(c, &l, out);
    return OV_OK;
}
