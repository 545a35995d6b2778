/*
 * The table of aggregate names, and how a call becomes one of its rows.
 */
#include "query/agg/agg_int.h"

#include "base/hash.h"
#include "base/suggest.h"

static const ov_aggregate table[] = {
#define AGG(label, agg_kind, value_args, fewest, most, set, states, binder, forms)                 \
    {.name = label, .kind = agg_kind, .values = value_args, .min_args = fewest, .max_args = most,  \
     .takes_distinct = set, .ops = states, .bind = binder, .signatures = forms},
#include "query/agg/aggregates.def"
#include "query/agg/aggregates_native.def"
#undef AGG
};

static const ov_function_doc docs[] = {
#define AGG(label, agg_kind, value_args, fewest, most, set, states, binder, forms) {label, forms, true},
#include "query/agg/aggregates.def"
#undef AGG
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

const char *ov_agg_name(const ov_agg_call *call)
{
    return call->fn->name;
}

uint32_t ov_agg_docs(const ov_function_doc **out)
{
    *out = docs;
    return (uint32_t)OV_COUNT_OF(docs);
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

static ov_status check_counts(const ov_aggregate *fn, uint32_t argc, bool distinct, uint32_t pos, uint32_t end_pos,
                              ov_error *err)
{
    if (distinct && !fn->takes_distinct)
        return ov_fail_at(err, OV_UNSUPPORTED, pos, end_pos,
                          "%s(DISTINCT ...) is not supported; group by the value in a sub-query first", fn->name);
    if (distinct && argc == 0)
        return ov_fail_at(err, OV_INVALID, pos, end_pos, "%s(DISTINCT) needs an expression", fn->name);
    if (argc >= fn->min_args && (argc <= fn->max_args || fn->max_args == OV_AGG_ANY_ARGS))
        return OV_OK;
    if (fn->max_args == OV_AGG_ANY_ARGS)
        return ov_fail_at(err, OV_INVALID, pos, end_pos,
                          "%s takes %u arguments or more, %u were given. Supported form(s): %s", fn->name, fn->min_args,
                          argc, fn->signatures);
    return ov_fail_at(err, OV_INVALID, pos, end_pos, "%s takes %u to %u arguments, %u were given. Supported form(s): %s",
                      fn->name, fn->min_args, fn->max_args, argc, fn->signatures);
}

ov_status ov_agg_bind(ov_expr_ctx *cx, ov_slice name, const ov_expr **args, uint32_t argc, bool distinct,
                      const ov_expr *filter, uint32_t pos, uint32_t end_pos, ov_agg_call *out, ov_error *err)
{
    const ov_aggregate *fn = find(name);
    if (!fn)
        return fail_unknown(name, pos, end_pos, err);
    OV_TRY(check_counts(fn, argc, distinct, pos, end_pos, err));
    uint32_t values = OV_MIN(argc, (uint32_t)fn->values);
    for (uint32_t i = values; i < argc; i++)
        if (args[i]->kind != OV_EXPR_CONST)
            return ov_fail_at(err, OV_INVALID, args[i]->pos, args[i]->end_pos,
                              "argument %u of %s must be a constant", i + 1, fn->name);
    const ov_expr **own;
    OV_TRY(ov_arena_alloc(cx->arena, ((size_t)argc + 1) * sizeof(*own), &own, err));
    if (argc)
        memcpy(own, args, argc * sizeof(*own));
    *out = (ov_agg_call){.fn = fn,
                         .args = own,
                         .argc = values,
                         .params = own + values,
                         .param_count = argc - values,
                         .distinct = distinct,
                         .filter = filter,
                         .nullable = true,
                         .pos = pos,
                         .end_pos = end_pos};
    ov_agg_binding b = {.cx = cx, .call = out};
    return fn->bind(&b, err);
}

static bool equal_lists(const ov_expr *const *a, uint32_t a_count, const ov_expr *const *b, uint32_t b_count)
{
    if (a_count != b_count)
        return false;
    for (uint32_t i = 0; i < a_count; i++)
        if (a[i] != b[i] && !ov_expr_equal(a[i], b[i]))
            return false;
    return true;
}

bool ov_agg_call_equal(const ov_agg_call *a, const ov_agg_call *b)
{
    if (a->fn != b->fn || a->distinct != b->distinct || !a->filter != !b->filter)
        return false;
    if (a->filter && !ov_expr_equal(a->filter, b->filter))
        return false;
    return equal_lists(a->args, a->argc, b->args, b->argc) &&
           equal_lists(a->params, a->param_count, b->params, b->param_count);
}

uint64_t ov_agg_call_hash(const ov_agg_call *call)
{
    uint64_t h = ov_hash_combine(ov_hash_u64((uint64_t)(uintptr_t)call->fn), call->distinct);
    if (call->filter)
        h = ov_hash_combine(h, ov_expr_hash(call->filter));
    return ov_expr_hash_all(call->params, call->param_count, ov_expr_hash_all(call->args, call->argc, h));
}
