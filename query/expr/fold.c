/*
 * Constant folding: a deterministic call whose arguments are all constants is evaluated once, when it is bound. When
 * that fails (1 / 0) the call stays, so that the error is raised only where the value is needed.
 */
#include "query/expr/expr_int.h"

static ov_status constant_of(ov_expr_ctx *cx, const ov_expr *e, const ov_vec *v, const ov_expr **out,
                             ov_error *err)
{
    ov_expr *c;
    OV_TRY(ovi_node(cx, OV_EXPR_CONST, (ov_sqltype)e->sql, e->type, &c, err));
    c->elem_sql = e->elem_sql;
    c->pos = e->pos;
    c->end_pos = e->end_pos;
    c->constant.is_null = ov_vec_is_null(v, 0);
    c->nullable = c->constant.is_null;
    if (c->constant.is_null)
        c->constant.i = 0;
    else if (ov_type_is_list(e->type))
        OV_TRY(ovi_keep_list(cx->arena, v, &c->constant.list, err));
    else if (ov_type_is_int(e->type))
        c->constant.i = ov_vec_i64(v, 0);
    else if (ov_type_is_real(e->type))
        c->constant.f = ov_vec_f64(v, 0);
    else
        OV_TRY(ov_arena_copy(cx->arena, ov_vec_str(v, 0), &c->constant.s, err));
    *out = c;
    return OV_OK;
}

ov_status ovi_fold(ov_expr_ctx *cx, const ov_expr *e, const ov_expr **out, ov_error *err)
{
    *out = e;
    if ((e->kind != OV_EXPR_CALL && e->kind != OV_EXPR_IN) || !e->deterministic ||
        e->type.id == OV_TYPE_NULL || ovi_is_element(e)) /* that one stands for a value, and has none */
        return OV_OK;
    for (uint32_t i = 0; i < e->argc; i++)
        if (!ovi_is_const(e->args[i]))
            return OV_OK;
    ov_eval ev;
    ov_vec v;
    ov_error why = OV_ERROR_INIT;
    ov_batch one = {.rows = 1, .sel_rows = 1};
    ovi_eval_init(&ev, cx->arena->budget, false);
    ov_status st = ov_eval_expr(&ev, e, &one, &v, &why);
    if (st == OV_OK) {
        st = constant_of(cx, e, &v, out, err);
    } else if (st == OV_NOMEM || st == OV_INTERNAL || st == OV_CANCELLED || st == OV_TIMEOUT) {
        *err = why;
    } else {
        st = OV_OK;
    }
    ovi_eval_fini(&ev);
    return st;
}
