/*
 * STRING_AGG and LISTAGG: values as text with a separator between them. NULLs are left out, no value gives NULL, DISTINCT
 * sorts.
 */
#include "base/alive.h"
#include "query/agg/agg_int.h"
#include "query/agg/collect.h"

typedef struct join_params {
    ov_slice separator;
    uint64_t most;
} join_params;

static ov_status open_join(ov_object *o, ov_error *err)
{
    const ov_expr *x = o->call->args[0];
    const join_params *p = o->call->prepared;
    return ov_collect_open(o, OV_T(OV_TYPE_STRING), false, ov_type_is_list(x->type), p->most, err);
}

static ov_status join(const ov_object *o, uint32_t group, ov_slice separator, ov_arena *out, ov_slice *text,
                      ov_error *err)
{
    const ov_collect_shared *s = o->shared;
    const ov_collect *c = ov_object_at(o, group);
    const uint32_t *order;
    size_t bytes = (size_t)(c->n - 1) * separator.n, at = 0;
    char *p;
    OV_TRY(ov_collect_order(o, group, out, &order, err));
    for (uint32_t i = 0; i < c->n; i++)
        bytes += s->set.strings->text[c->words[i]].n;
    OV_TRY(ov_arena_alloc(out, bytes + 1, &p, err));
    for (uint32_t i = 0; i < c->n; i++) {
        ov_slice one = s->set.strings->text[c->words[order[i]]];
        OV_TRY(ov_budget_alive_by(o->budget, 4, err));
        if (i > 0 && separator.n)
            memcpy(p + at, separator.p, separator.n);
        at += i > 0 ? separator.n : 0;
        if (one.n)
            memcpy(p + at, one.p, one.n);
        at += one.n;
    }
    *text = ov_slice_make(p, bytes);
    return OV_OK;
}

static ov_status emit_join(const ov_object *o, const ov_agg_call *call, const uint32_t *order, uint32_t n, ov_arena *out,
                           ov_vec *vec, ov_error *err)
{
    const join_params *p = call->prepared;
    ov_slice *data;
    uint64_t *valid;
    OV_TRY(ov_arena_lanes(out, (ov_words(n) * 64 + 1) * sizeof(*data), &data, err));
    OV_TRY(ov_arena_zalloc(out, (ov_words(n) + 1) * 8, &valid, err));
    memset(data, 0, (ov_words(n) * 64 + 1) * sizeof(*data));
    for (uint32_t i = 0; i < n; i++) {
        if (((const ov_collect *)ov_object_at(o, order[i]))->n == 0)
            continue;
        ov_bits_set(valid, i);
        OV_TRY(ov_collect_fits(o, join(o, order[i], p->separator, out, &data[i], err), err));
    }
    *vec = ov_vec_flat(call->type, data, ov_bits_all(valid, n) ? NULL : valid, n);
    return OV_OK;
}

const ov_object_ops ovi_string_ops = {
    .name = "STRING_AGG",
    .state_bytes = sizeof(ov_collect),
    .by_order = true,
    .is_set = true,
    .open = open_join,
    .close = ov_collect_close,
    .reset = ov_collect_reset,
    .add = ov_collect_add,
    .merge = ov_collect_merge,
    .emit = emit_join,
    .write = ov_collect_write,
    .read = ov_collect_read,
};

ov_status ovi_bind_string_agg(ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    const ov_expr *x = call->args[0];
    join_params *p;
    OV_TRY(ov_arena_zalloc(b->cx->arena, sizeof(*p), &p, err));
    const ov_expr *separator = call->params[0];
    if (separator->type.id != OV_TYPE_STRING)
        OV_TRY(ov_expr_cast(b->cx, separator, OV_SQL_VARCHAR, OV_T(OV_TYPE_STRING), separator->pos, separator->end_pos,
                            &separator, err));
    if (separator->kind != OV_EXPR_CONST)
        return ovi_agg_wrong_types(b, err);
    p->separator = separator->constant.is_null ? (ov_slice){0} : separator->constant.s;
    OV_TRY(ovi_agg_size(b, 1, &p->most, err));
    call->prepared = p;
    if (x->type.id == OV_TYPE_ARRAY || x->type.id == OV_TYPE_COMPLEX)
        return ovi_agg_wrong_types(b, err);
    if (x->type.id != OV_TYPE_STRING) {
        /* times are their milliseconds here, as in Druid */
        if (x->sql == OV_SQL_TIMESTAMP || x->sql == OV_SQL_DATE || x->sql == OV_SQL_BOOLEAN)
            OV_TRY(ov_expr_retype(b->cx, x, OV_SQL_BIGINT, &x, err));
        OV_TRY(ov_expr_cast(b->cx, x, OV_SQL_VARCHAR, OV_T(OV_TYPE_STRING), call->pos, call->end_pos, &call->args[0],
                            err));
    }
    ovi_agg_result(call, OV_T(OV_TYPE_STRING), OV_SQL_VARCHAR);
    return OV_OK;
}
