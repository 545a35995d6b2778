/*
 * The rules of arguments and results of aggregates whose states are typed columns.
 *
 * Source: druid-api "Aggregates": SUM of integers is BIGINT and wraps, other sums and AVG are DOUBLE, COUNT is
 * never NULL, everything else is NULL over no rows. The sketch-backed distinct counts answer exactly here.
 */
#include "query/agg/agg_int.h"

void ovi_agg_result(ov_agg_call *call, ov_type type, ov_sqltype sql)
{
    call->type = type;
    call->sql = (uint8_t)sql;
}

ov_status ovi_agg_wrong_types(const ov_agg_binding *b, ov_error *err)
{
    const ov_agg_call *call = b->call;
    const char *name = call->fn->name;
    return ov_fail_at(err, OV_INVALID, call->pos, call->end_pos,
                      "Cannot apply '%s' to arguments of type '%s(<%s>)'. Supported form(s): '%s'", name, name,
                      call->argc ? ov_sqltype_name((ov_sqltype)call->args[0]->sql) : "", call->fn->signatures);
}

ov_status ovi_agg_size(const ov_agg_binding *b, uint32_t i, uint64_t *out, ov_error *err)
{
    if (i >= b->call->param_count)
        return OV_OK;
    const ov_expr *e = b->call->params[i];
    if (!ov_type_is_int(e->type) || e->constant.is_null || e->constant.i <= 0)
        return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos,
                          "The size of %s must be a whole number of bytes above 0", b->call->fn->name);
    *out = (uint64_t)e->constant.i;
    return OV_OK;
}

static ov_status no_lists(const ov_agg_binding *b, const ov_expr *e, ov_error *err)
{
    if (!ov_type_is_list(e->type) && e->type.id != OV_TYPE_COMPLEX)
        return OV_OK;
    return ov_fail_at(err, OV_UNSUPPORTED, b->call->pos, b->call->end_pos,
                      "%s over arrays, multi-value strings and complex columns is not supported yet", b->call->fn->name);
}

/* ---- COUNT ---- */

/* Something plain that is NULL in the same rows. */
static ov_status presence(const ov_agg_binding *b, const ov_expr **arg, ov_error *err)
{
    const ov_expr *parts[3];
    uint32_t pos = b->call->pos, end_pos = b->call->end_pos;
    if (!ov_type_is_list((*arg)->type) && (*arg)->type.id != OV_TYPE_COMPLEX)
        return OV_OK;
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("IS NOT NULL"), arg, 1, pos, end_pos, &parts[0], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 1, &parts[1], err));
    OV_TRY(ov_expr_null(b->cx, OV_SQL_BIGINT, &parts[2], err));
    return ov_expr_call(b->cx, OV_SLICE_LIT("CASE"), parts, 3, pos, end_pos, arg, err);
}

ov_status ovi_bind_count_distinct(ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    const ov_expr **x = &call->args[0];
    /* distinct JSON values are distinct texts */
    if ((*x)->type.id == OV_TYPE_COMPLEX && (*x)->type.complex == OV_COMPLEX_JSON)
        OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("TO_JSON_STRING"), x, 1, call->pos, call->end_pos, x, err));
    OV_TRY(no_lists(b, *x, err));
    call->distinct = true;
    call->param_count = 0; /* sizes of sketches change nothing */
    call->nullable = false;
    ovi_agg_result(call, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT);
    return OV_OK;
}

/* COUNT(DISTINCT x) is its own kind. */
static const ov_aggregate count_distinct = {.name = "COUNT", .kind = OV_AGG_DISTINCT, .signatures = ""};

ov_status ovi_bind_count(ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    if (call->distinct) {
        call->fn = &count_distinct;
        return ovi_bind_count_distinct(b, err);
    }
    if (call->argc)
        OV_TRY(presence(b, &call->args[0], err));
    /* rows where x is not NULL are all rows when x cannot be NULL */
    if (call->argc && !call->args[0]->nullable && call->args[0]->deterministic)
        call->argc = 0;
    call->nullable = false;
    ovi_agg_result(call, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT);
    return OV_OK;
}

/* ---- SUM, AVG ---- */

/* The argument as numbers: text is read as such; what is none counts as NULL, as in Druid. */
static ov_status want_number(const ov_agg_binding *b, ov_error *err)
{
    const ov_agg_call *call = b->call;
    const ov_expr *x = call->args[0];
    OV_TRY(no_lists(b, x, err));
    if (x->type.id == OV_TYPE_STRING)
        return ov_expr_cast(b->cx, x, OV_SQL_DOUBLE, OV_T(OV_TYPE_DOUBLE), call->pos, call->end_pos, &call->args[0],
                            err);
    return OV_OK;
}

ov_status ovi_bind_sum(ov_agg_binding *b, ov_error *err)
{
    OV_TRY(want_number(b, err));
    if (ov_type_is_real(b->call->args[0]->type))
        ovi_agg_result(b->call, OV_T(OV_TYPE_DOUBLE), OV_SQL_DOUBLE);
    else
        ovi_agg_result(b->call, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT);
    return OV_OK;
}

ov_status ovi_bind_avg(ov_agg_binding *b, ov_error *err)
{
    OV_TRY(want_number(b, err));
    ovi_agg_result(b->call, OV_T(OV_TYPE_DOUBLE), OV_SQL_DOUBLE);
    return OV_OK;
}

/* ---- one of the values ---- */

ov_status ovi_bind_kept(ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    const ov_expr *x = call->args[0];
    OV_TRY(no_lists(b, x, err));
    call->distinct = false; /* the same value with or without */
    ovi_agg_result(call, x->type, (ov_sqltype)x->sql);
    return OV_OK;
}

ov_status ovi_bind_timed(ov_agg_binding *b, ov_error *err)
{
    const ov_agg_call *call = b->call;
    const ov_expr *time = call->args[1];
    if (!ov_type_is_int(time->type))
        return ov_fail_at(err, OV_INVALID, call->pos, call->end_pos,
                          "%s needs a TIMESTAMP as its second argument, not %s", call->fn->name,
                          ov_sqltype_name((ov_sqltype)time->sql));
    return ovi_bind_kept(b, err);
}
