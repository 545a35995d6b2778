/*
 * The table of aggregate names and the rules of their arguments.
 *
 * Source: druid-api "Aggregates": SUM of integers is BIGINT and wraps, other sums and AVG are DOUBLE, COUNT is
 * never NULL, everything else is NULL over no rows. The sketch-backed distinct counts answer exactly here.
 */
#include "query/agg/agg.h"

#include "base/suggest.h"

/* Sorted by name. Trailing arguments of the sketches (sizes, types) are accepted and change nothing. */
static const ov_aggregate table[] = {
    {"ANY_VALUE", OV_AGG_ANY, 1, 3, "ANY_VALUE(expr, [maxBytesPerValue, [aggregateMultipleValues]])"},
    {"APPROX_COUNT_DISTINCT", OV_AGG_DISTINCT, 1, 1, "APPROX_COUNT_DISTINCT(expr)"},
    {"APPROX_COUNT_DISTINCT_BUILTIN", OV_AGG_DISTINCT, 1, 1, "APPROX_COUNT_DISTINCT_BUILTIN(expr)"},
    {"APPROX_COUNT_DISTINCT_DS_HLL", OV_AGG_DISTINCT, 1, 3,
     "APPROX_COUNT_DISTINCT_DS_HLL(expr, [lgK, tgtHllType])"},
    {"APPROX_COUNT_DISTINCT_DS_THETA", OV_AGG_DISTINCT, 1, 2,
     "APPROX_COUNT_DISTINCT_DS_THETA(expr, [size])"},
    {"AVG", OV_AGG_AVG, 1, 1, "AVG(<NUMERIC>)"},
    {"COUNT", OV_AGG_COUNT, 0, 1, "COUNT(*)\nCOUNT(expr)\nCOUNT(DISTINCT expr)"},
    {"EARLIEST", OV_AGG_EARLIEST, 2, 3, "EARLIEST(expr, [maxBytesPerValue])"},
    {"EARLIEST_BY", OV_AGG_EARLIEST, 2, 3, "EARLIEST_BY(expr, timestampExpr, [maxBytesPerValue])"},
    {"LATEST", OV_AGG_LATEST, 2, 3, "LATEST(expr, [maxBytesPerValue])"},
    {"LATEST_BY", OV_AGG_LATEST, 2, 3, "LATEST_BY(expr, timestampExpr, [maxBytesPerValue])"},
    {"MAX", OV_AGG_MAX, 1, 1, "MAX(expr)"},
    {"MIN", OV_AGG_MIN, 1, 1, "MIN(expr)"},
    {"SUM", OV_AGG_SUM, 1, 1, "SUM(<NUMERIC>)"},
};

static const ov_aggregate *find(ov_slice name)
{
    for (size_t i = 0; i < OV_COUNT_OF(table); i++)
        if (ov_slice_ieq(name, ov_slice_cstr(table[i].name)))
            return &table[i];
    return NULL;
}

bool ov_agg_exists(ov_slice name)
{
    return find(name) != NULL;
}

static ov_status fail_unknown(ov_slice name, uint32_t pos, uint32_t end_pos, ov_error *err)
{
    ov_suggest near;
    char text[OV_SUGGEST_BYTES];
    ov_suggest_init(&near, name);
    for (size_t i = 0; i < OV_COUNT_OF(table); i++)
        ov_suggest_offer(&near, ov_slice_cstr(table[i].name));
    return ov_fail_at(err, OV_NOT_FOUND, pos, end_pos, "There is no aggregate function '" OV_SLICE_FMT "'%s",
                      OV_SLICE_ARG(name), ov_suggest_text(&near, text));
}

/* Which arguments of each kind are values; the rest must be constants and are dropped. */
static uint32_t value_args(const ov_aggregate *fn, uint32_t argc)
{
    switch ((ov_agg_kind)fn->kind) {
    case OV_AGG_COUNT:
        return argc;
    case OV_AGG_EARLIEST:
    case OV_AGG_LATEST:
        return 2;
    case OV_AGG_SUM:
    case OV_AGG_MIN:
    case OV_AGG_MAX:
    case OV_AGG_AVG:
    case OV_AGG_DISTINCT:
    case OV_AGG_ANY:
        break;
    }
    return 1;
}

/* Counting rows needs no value, only whether there is one; distinct JSON values are distinct texts. */
static bool counts_any(const ov_aggregate *fn, ov_type t)
{
    return fn->kind == OV_AGG_COUNT ||
           (fn->kind == OV_AGG_DISTINCT && t.id == OV_TYPE_COMPLEX && t.complex == OV_COMPLEX_JSON);
}

/* Something plain that is NULL in the same rows, or equal in the same rows. */
static ov_status plain_argument(ov_expr_ctx *cx, const ov_aggregate *fn, uint32_t pos, uint32_t end_pos,
                                const ov_expr **arg, ov_error *err)
{
    const ov_expr *parts[3];
    if (!ov_type_is_list((*arg)->type) && (*arg)->type.id != OV_TYPE_COMPLEX)
        return OV_OK;
    if (fn->kind == OV_AGG_DISTINCT)
        return ov_expr_call(cx, OV_SLICE_LIT("TO_JSON_STRING"), arg, 1, pos, end_pos, arg, err);
    OV_TRY(ov_expr_call(cx, OV_SLICE_LIT("IS NOT NULL"), arg, 1, pos, end_pos, &parts[0], err));
    OV_TRY(ov_expr_i64(cx, OV_SQL_BIGINT, 1, &parts[1], err));
    OV_TRY(ov_expr_null(cx, OV_SQL_BIGINT, &parts[2], err));
    return ov_expr_call(cx, OV_SLICE_LIT("CASE"), parts, 3, pos, end_pos, arg, err);
}

static ov_status check_types(const ov_aggregate *fn, const ov_expr **args, uint32_t n, uint32_t pos,
                             uint32_t end_pos, ov_error *err)
{
    for (uint32_t i = 0; i < n; i++)
        if (!counts_any(fn, args[i]->type) &&
            (ov_type_is_list(args[i]->type) || args[i]->type.id == OV_TYPE_COMPLEX))
            return ov_fail_at(err, OV_UNSUPPORTED, pos, end_pos,
                              "%s over arrays, multi-value strings and complex columns is not supported yet",
                              fn->name);
    bool numeric = fn->kind == OV_AGG_SUM || fn->kind == OV_AGG_AVG;
    if (numeric && !ov_type_is_int(args[0]->type) && !ov_type_is_real(args[0]->type) &&
        args[0]->type.id != OV_TYPE_NULL && args[0]->type.id != OV_TYPE_STRING)
        return ov_fail_at(err, OV_INVALID, pos, end_pos,
                          "Cannot apply '%s' to arguments of type '%s(<%s>)'. Supported form(s): '%s(<NUMERIC>)'",
                          fn->name, fn->name, ov_sqltype_name((ov_sqltype)args[0]->sql), fn->name);
    if (n == 2 && !ov_type_is_int(args[1]->type))
        return ov_fail_at(err, OV_INVALID, pos, end_pos, "%s needs a TIMESTAMP as its second argument, not %s",
                          fn->name, ov_sqltype_name((ov_sqltype)args[1]->sql));
    return OV_OK;
}

static void set_type(ov_agg_call *call, ov_type type, ov_sqltype sql)
{
    call->type = type;
    call->sql = (uint8_t)sql;
}

static void derive_type(ov_agg_call *call)
{
    const ov_expr *x = call->argc ? call->args[0] : NULL;
    call->nullable = true;
    switch ((ov_agg_kind)call->fn->kind) {
    case OV_AGG_COUNT:
    case OV_AGG_DISTINCT:
        call->nullable = false;
        set_type(call, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT);
        return;
    case OV_AGG_SUM:
        if (ov_type_is_real(x->type))
            set_type(call, OV_T(OV_TYPE_DOUBLE), OV_SQL_DOUBLE);
        else
            set_type(call, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT);
        return;
    case OV_AGG_AVG:
        set_type(call, OV_T(OV_TYPE_DOUBLE), OV_SQL_DOUBLE);
        return;
    case OV_AGG_MIN:
    case OV_AGG_MAX:
    case OV_AGG_ANY:
    case OV_AGG_EARLIEST:
    case OV_AGG_LATEST:
        break;
    }
    set_type(call, x->type, (ov_sqltype)x->sql);
}

/* COUNT(DISTINCT x) is its own kind. */
static const ov_aggregate count_distinct = {"COUNT", OV_AGG_DISTINCT, 1, 1, ""};

ov_status ov_agg_bind(ov_expr_ctx *cx, ov_slice name, const ov_expr **args, uint32_t argc, bool distinct,
                      const ov_expr *filter, uint32_t pos, uint32_t end_pos, ov_agg_call *out, ov_error *err)
{
    const ov_aggregate *fn = find(name);
    if (!fn)
        return fail_unknown(name, pos, end_pos, err);
    if (distinct && fn->kind == OV_AGG_COUNT && argc == 1)
        fn = &count_distinct;
    else if (distinct && (fn->kind == OV_AGG_SUM || fn->kind == OV_AGG_AVG))
        return ov_fail_at(err, OV_UNSUPPORTED, pos, end_pos,
                          "%s(DISTINCT ...) is not supported; group by the value in a sub-query first",
                          fn->name);
    else if (distinct && argc == 0)
        return ov_fail_at(err, OV_INVALID, pos, end_pos, "%s(DISTINCT) needs an expression", fn->name);
    if (argc < fn->min_args || argc > fn->max_args)
        return ov_fail_at(err, OV_INVALID, pos, end_pos,
                          "%s takes %u to %u arguments, %u were given. Supported form(s): %s", fn->name,
                          fn->min_args, fn->max_args, argc, fn->signatures);
    uint32_t values = value_args(fn, argc);
    for (uint32_t i = values; i < argc; i++)
        if (args[i]->kind != OV_EXPR_CONST)
            return ov_fail_at(err, OV_INVALID, args[i]->pos, args[i]->end_pos,
                              "argument %u of %s must be a constant", i + 1, fn->name);
    OV_TRY(check_types(fn, args, values, pos, end_pos, err));

    const ov_expr **own = NULL;
    if (values) {
        OV_TRY(ov_arena_alloc(cx->arena, values * sizeof(*own), &own, err));
        memcpy(own, args, values * sizeof(*own));
        OV_TRY(plain_argument(cx, fn, pos, end_pos, &own[0], err));
        /* text is read as numbers; what is none counts as NULL, as in Druid */
        if ((fn->kind == OV_AGG_SUM || fn->kind == OV_AGG_AVG) && own[0]->type.id == OV_TYPE_STRING)
            OV_TRY(ov_expr_cast(cx, own[0], OV_SQL_DOUBLE, OV_T(OV_TYPE_DOUBLE), pos, end_pos, &own[0], err));
    }
    *out = (ov_agg_call){.fn = fn,
                         .args = own,
                         .argc = values,
                         .distinct = fn->kind == OV_AGG_DISTINCT,
                         .filter = filter,
                         .pos = pos,
                         .end_pos = end_pos};
    /* rows where x is not NULL are all rows when x cannot be NULL */
    if (fn->kind == OV_AGG_COUNT && out->argc == 1 && !own[0]->nullable && own[0]->deterministic)
        out->argc = 0;
    derive_type(out);
    return OV_OK;
}

const char *ov_agg_name(const ov_agg_call *call)
{
    return call->fn->name;
}

uint32_t ov_agg_docs(const ov_function_doc **out)
{
    static const ov_function_doc docs[] = {
        {"ANY_VALUE", "ANY_VALUE(expr, [maxBytesPerValue, [aggregateMultipleValues]])", true},
        {"APPROX_COUNT_DISTINCT", "APPROX_COUNT_DISTINCT(expr)", true},
        {"APPROX_COUNT_DISTINCT_BUILTIN", "APPROX_COUNT_DISTINCT_BUILTIN(expr)", true},
        {"APPROX_COUNT_DISTINCT_DS_HLL", "APPROX_COUNT_DISTINCT_DS_HLL(expr, [lgK, tgtHllType])", true},
        {"APPROX_COUNT_DISTINCT_DS_THETA", "APPROX_COUNT_DISTINCT_DS_THETA(expr, [size])", true},
        {"AVG", "AVG(<NUMERIC>)", true},
        {"COUNT", "COUNT(*)\nCOUNT(expr)\nCOUNT(DISTINCT expr)", true},
        {"EARLIEST", "EARLIEST(expr, [maxBytesPerValue])", true},
        {"EARLIEST_BY", "EARLIEST_BY(expr, timestampExpr, [maxBytesPerValue])", true},
        {"LATEST", "LATEST(expr, [maxBytesPerValue])", true},
        {"LATEST_BY", "LATEST_BY(expr, timestampExpr, [maxBytesPerValue])", true},
        {"MAX", "MAX(expr)", true},
        {"MIN", "MIN(expr)", true},
        {"SUM", "SUM(<NUMERIC>)", true},
    };
    static_assert(OV_COUNT_OF(docs) == OV_COUNT_OF(table), "every aggregate is documented");
    *out = docs;
    return (uint32_t)OV_COUNT_OF(docs);
}
