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
    const ov_expr *first = call->argc ? call->args[0] : NULL;
    const char *name = call->fn->name;
    char buf[OV_EXPR_TYPE_NAME];
    return ov_fail_at(err, OV_INVALID, call->pos, call->end_pos,
                      "Cannot apply '%s' to arguments of type '%s(<%s>)'. Supported form(s): '%s'", name, name,
                      first ? ov_expr_type_name(first, buf) : "", call->fn->signatures);
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

ov_status ovi_agg_fraction(const ov_agg_binding *b, uint32_t i, double *out, ov_error *err)
{
    const ov_expr *e = b->call->params[i];
    bool is_null = e->constant.is_null;
    *out = is_null ? -1 : ov_type_is_int(e->type) ? (double)e->constant.i : ov_type_is_real(e->type) ? e->constant.f : -1;
    if (*out >= 0 && *out <= 1)
        return OV_OK;
    return ov_fail_at(err, OV_INVALID, e->pos, e->end_pos, "argument %u of %s must be a number from 0 to 1",
                      b->call->argc + i + 1, b->call->fn->name);
}

/* A row of several values is one text, "[a, b]" as Druid writes it; or its first value only. */
static ov_status multi_as_text(const ov_agg_binding *b, bool first_only, ov_error *err)
{
    const ov_agg_call *call = b->call;
    uint32_t pos = call->pos, end_pos = call->end_pos;
    const ov_expr *x = call->args[0], *args[3], *parts[3], *when[3];
    args[0] = x;
    if (first_only) {
        OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 0, &args[1], err));
        return ov_expr_call(b->cx, OV_SLICE_LIT("MV_OFFSET"), args, 2, pos, end_pos, &call->args[0], err);
    }
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("MV_LENGTH"), &x, 1, pos, end_pos, &parts[0], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 1, &parts[1], err));
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT(">"), parts, 2, pos, end_pos, &when[0], err));
    OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, OV_SLICE_LIT(", "), &args[1], err));
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("MV_TO_STRING"), args, 2, pos, end_pos, &when[2], err));
    OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, OV_SLICE_LIT("["), &parts[0], err));
    parts[1] = when[2];
    OV_TRY(ov_expr_str(b->cx, OV_SQL_VARCHAR, OV_SLICE_LIT("]"), &parts[2], err));
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("CONCAT"), parts, 3, pos, end_pos, &when[1], err));
    return ov_expr_call(b->cx, OV_SLICE_LIT("CASE"), when, 3, pos, end_pos, &call->args[0], err);
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

/* The arrays as bytes: states know plain values only. */
static ov_status pack(const ov_agg_binding *b, const ov_expr **x, ov_error *err)
{
    return ov_expr_call(b->cx, OV_SLICE_LIT("$PACK_LIST"), x, 1, b->call->pos, b->call->end_pos, x, err);
}

/* COUNT(DISTINCT a, b): rows of values, those with a NULL not counted. */
static ov_status pack_row(const ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    const ov_expr **texts, **present, *when[3];
    uint32_t n = call->argc;
    OV_TRY(ov_arena_alloc(b->cx->arena, n * sizeof(*texts), &texts, err));
    OV_TRY(ov_arena_alloc(b->cx->arena, n * sizeof(*present), &present, err));
    for (uint32_t i = 0; i < n; i++) {
        const ov_expr *x = call->args[i];
        OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("IS NOT NULL"), &x, 1, call->pos, call->end_pos, &present[i], err));
        if (x->type.id == OV_TYPE_ARRAY)
            OV_TRY(pack(b, &x, err));
        else if (x->type.id == OV_TYPE_COMPLEX)
            OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("TO_JSON_STRING"), &x, 1, call->pos, call->end_pos, &x, err));
        else
            OV_TRY(ov_expr_cast(b->cx, x, OV_SQL_VARCHAR, OV_T(OV_TYPE_STRING), call->pos, call->end_pos, &x, err));
        texts[i] = x;
    }
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("AND"), present, n, call->pos, call->end_pos, &when[0], err));
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("ARRAY"), texts, n, call->pos, call->end_pos, &when[1], err));
    OV_TRY(pack(b, &when[1], err));
    OV_TRY(ov_expr_null(b->cx, OV_SQL_VARCHAR, &when[2], err));
    call->argc = 1;
    return ov_expr_call(b->cx, OV_SLICE_LIT("CASE"), when, 3, call->pos, call->end_pos, &call->args[0], err);
}

ov_status ovi_bind_count_distinct(ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    const ov_expr **x = &call->args[0];
    if (call->argc == 1 && (*x)->type.id == OV_TYPE_COMPLEX && (*x)->type.complex == OV_COMPLEX_HYPER_UNIQUE)
        return ovi_bind_hyper_count(b, err);
    if (call->argc > 1)
        OV_TRY(pack_row(b, err));
    else if ((*x)->type.id == OV_TYPE_ARRAY)
        OV_TRY(pack(b, x, err));
    /* distinct JSON values are distinct texts */
    else if ((*x)->type.id == OV_TYPE_COMPLEX && (*x)->type.complex == OV_COMPLEX_JSON)
        OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("TO_JSON_STRING"), x, 1, call->pos, call->end_pos, x, err));
    if ((*x)->type.id == OV_TYPE_COMPLEX)
        return ovi_agg_wrong_types(b, err);
    call->distinct = true;
    call->param_count = 0; /* sizes of sketches change nothing */
    call->nullable = false;
    ovi_agg_result(call, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT);
    return OV_OK;
}

/* COUNT(DISTINCT x) is its own kind. */
static const ov_aggregate count_distinct = {.name = "COUNT", .kind = OV_AGG_DISTINCT, .signatures = "COUNT(DISTINCT expr)"};

/* COUNT(a, b) counts the rows where none is NULL. */
static ov_status presence_of_all(const ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    const ov_expr **present, *parts[3];
    OV_TRY(ov_arena_alloc(b->cx->arena, call->argc * sizeof(*present), &present, err));
    for (uint32_t i = 0; i < call->argc; i++)
        OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("IS NOT NULL"), &call->args[i], 1, call->pos, call->end_pos, &present[i],
                            err));
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("AND"), present, call->argc, call->pos, call->end_pos, &parts[0], err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 1, &parts[1], err));
    OV_TRY(ov_expr_null(b->cx, OV_SQL_BIGINT, &parts[2], err));
    call->argc = 1;
    return ov_expr_call(b->cx, OV_SLICE_LIT("CASE"), parts, 3, call->pos, call->end_pos, &call->args[0], err);
}

ov_status ovi_bind_count(ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    if (call->distinct) {
        call->fn = &count_distinct;
        return ovi_bind_count_distinct(b, err);
    }
    if (call->argc > 1)
        OV_TRY(presence_of_all(b, err));
    else if (call->argc)
        OV_TRY(presence(b, &call->args[0], err));
    /* rows where x is not NULL are all rows when x cannot be NULL */
    if (call->argc && !call->args[0]->nullable && call->args[0]->deterministic)
        call->argc = 0;
    call->nullable = false;
    ovi_agg_result(call, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT);
    return OV_OK;
}

/* ---- SUM, AVG, bits, variance ---- */

static ov_status cast_argument(const ov_agg_binding *b, ov_sqltype sql, ov_error *err)
{
    const ov_agg_call *call = b->call;
    return ov_expr_cast(b->cx, call->args[0], sql, ov_sqltype_native(sql), call->pos, call->end_pos, &call->args[0], err);
}

/* The argument as numbers: text is read as such; what is none, as a row of several values, counts as NULL. */
static ov_status want_number(const ov_agg_binding *b, ov_error *err)
{
    const ov_expr *x = b->call->args[0];
    if (x->type.id == OV_TYPE_ARRAY || x->type.id == OV_TYPE_COMPLEX)
        return ovi_agg_wrong_types(b, err);
    if (ov_type_is_list(x->type))
        OV_TRY(multi_as_text(b, false, err));
    return x->type.id == OV_TYPE_STRING ? cast_argument(b, OV_SQL_DOUBLE, err) : OV_OK;
}

ov_status ovi_bind_sum(ov_agg_binding *b, ov_error *err)
{
    OV_TRY(want_number(b, err));
    b->call->nullable = b->call->fn->kind != OV_AGG_SUM0;
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

ov_status ovi_bind_variance(ov_agg_binding *b, ov_error *err)
{
    ov_type type = b->call->args[0]->type;
    if (type.id == OV_TYPE_COMPLEX && type.complex == OV_COMPLEX_VARIANCE)
        return ovi_bind_variance_column(b, err);
    OV_TRY(want_number(b, err));
    if (b->call->args[0]->type.id != OV_TYPE_DOUBLE)
        OV_TRY(cast_argument(b, OV_SQL_DOUBLE, err));
    ovi_agg_result(b->call, OV_T(OV_TYPE_DOUBLE), OV_SQL_DOUBLE);
    return OV_OK;
}

/* Text that is no number has no bits; NULL is left out of a column, and has none in an expression: Druid's rule. */
static ov_status text_bits(const ov_agg_binding *b, ov_error *err)
{
    const ov_agg_call *call = b->call;
    const ov_expr *number[2];
    OV_TRY(ov_expr_cast(b->cx, call->args[0], OV_SQL_BIGINT, OV_T(OV_TYPE_LONG), call->pos, call->end_pos, &number[0],
                        err));
    OV_TRY(ov_expr_i64(b->cx, OV_SQL_BIGINT, 0, &number[1], err));
    if (call->args[0]->kind != OV_EXPR_COLUMN)
        return ov_expr_call(b->cx, OV_SLICE_LIT("COALESCE"), number, 2, call->pos, call->end_pos, &call->args[0], err);
    const ov_expr *cases[3];
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("IS NULL"), call->args, 1, call->pos, call->end_pos, &cases[0], err));
    OV_TRY(ov_expr_null(b->cx, OV_SQL_BIGINT, &cases[1], err));
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("COALESCE"), number, 2, call->pos, call->end_pos, &cases[2], err));
    return ov_expr_call(b->cx, OV_SLICE_LIT("CASE"), cases, 3, call->pos, call->end_pos, &call->args[0], err);
}

ov_status ovi_bind_bits(ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    ov_type type = call->args[0]->type;
    if (ov_type_is_list(type) || type.id == OV_TYPE_COMPLEX)
        return ovi_agg_wrong_types(b, err);
    if (type.id == OV_TYPE_STRING)
        OV_TRY(text_bits(b, err));
    else if (!ov_type_is_int(type))
        OV_TRY(cast_argument(b, OV_SQL_BIGINT, err));
    if (call->fn->kind != OV_AGG_BIT_XOR)
        call->distinct = false; /* the same value with or without */
    ovi_agg_result(call, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT);
    return OV_OK;
}

/* ---- one of the values ---- */

/* ANY_VALUE, EARLIEST, LATEST (expr, maxBytes, aggregateMultipleValues). */
static ov_status read_params(const ov_agg_binding *b, bool *first_only, ov_error *err)
{
    ov_agg_call *call = b->call;
    OV_TRY(ovi_agg_size(b, 0, &call->most_bytes, err));
    *first_only = false;
    if (call->param_count < 2)
        return OV_OK;
    const ov_expr *all = call->params[1];
    if (all->sql != OV_SQL_BOOLEAN || all->constant.is_null)
        return ov_fail_at(err, OV_INVALID, all->pos, all->end_pos,
                          "The last argument of %s must be TRUE (all values of a row as one text) or FALSE (the first)",
                          call->fn->name);
    *first_only = all->constant.i == 0;
    return OV_OK;
}

ov_status ovi_bind_kept(ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    ov_type type = call->args[0]->type;
    ov_sqltype sql = (ov_sqltype)call->args[0]->sql;
    bool best = call->fn->kind == OV_AGG_MIN || call->fn->kind == OV_AGG_MAX, first_only;
    OV_TRY(read_params(b, &first_only, err));
    if (type.id == OV_TYPE_COMPLEX && best) /* nothing says which is the smaller */
        return ovi_agg_wrong_types(b, err);
    if (type.id == OV_TYPE_STRING && type.multi) {
        OV_TRY(multi_as_text(b, first_only, err));
        type = OV_T(OV_TYPE_STRING);
    }
    call->packed = type.id == OV_TYPE_ARRAY;
    if (call->packed)
        OV_TRY(pack(b, &call->args[0], err));
    call->distinct = false; /* the same value with or without */
    ovi_agg_result(call, type, sql);
    return OV_OK;
}

/* A column of values that brought their times goes by these. */
static ov_status open_pair(const ov_agg_binding *b, ov_error *err)
{
    ov_agg_call *call = b->call;
    const ov_expr *pair = call->args[0];
    OV_TRY(ov_expr_call(b->cx, OV_SLICE_LIT("$PAIR_TIME"), &pair, 1, call->pos, call->end_pos, &call->args[1], err));
    return ov_expr_call(b->cx, OV_SLICE_LIT("$PAIR_VALUE"), &pair, 1, call->pos, call->end_pos, &call->args[0], err);
}

ov_status ovi_bind_timed(ov_agg_binding *b, ov_error *err)
{
    const ov_agg_call *call = b->call;
    if (ov_type_is_pair(call->args[0]->type))
        OV_TRY(open_pair(b, err));
    const ov_expr *time = call->args[1];
    if (!ov_type_is_int(time->type))
        return ov_fail_at(err, OV_INVALID, call->pos, call->end_pos,
                          "%s needs a TIMESTAMP as its second argument, not %s", call->fn->name,
                          ov_sqltype_name((ov_sqltype)time->sql));
    return ovi_bind_kept(b, err);
}
