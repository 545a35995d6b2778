/*
 * Aggregators of numbers over rows that hold several values: sums, bounds and means take one value after the other; first, last and any ones a
 * row's only value. A value that is no number is nothing. Source: Druid's wrappers of columns of texts, its doubleMean, its casts of arrays.
 */
#include "query/native/native_agg_int.h"

static ov_status the_list(void *ctx, ov_expr_ctx *cx, ov_slice name, const ov_expr **out, ov_error *err)
{
    (void)cx, (void)err;
    *out = ov_slice_eq(name, OV_SLICE_LIT("list")) ? *(const ov_expr **)ctx : NULL;
    return OV_OK;
}

/* A text of the expression language about `list`, which is x. */
static ov_status of_list(ovi_nagg_binder *b, const ov_json *json, ov_slice text, const ov_expr *x, const ov_expr **out)
{
    ov_native_scope scope = {.ctx = &x, .column = the_list};
    const ov_native *tree;
    ov_status st = ov_native_parse(text, b->s->p->arena, &tree, b->err);
    if (st == OV_OK)
        st = ov_native_bind(tree, &scope, b->s->p->cx, out, b->err);
    return ovi_nfail_at(json, st, b->err);
}

static const char *type_of(ov_sqltype sql)
{
    return sql == OV_SQL_BIGINT ? "LONG" : "DOUBLE";
}

ov_status ovi_nagg_each(ovi_nagg_binder *b, const ovi_nagg_kind *k, const ov_json *json, const ov_expr **x)
{
    const char *type = type_of(k->sql);
    ov_arena *arena = b->s->p->arena;
    ov_slice text;
    if (strcmp(k->fn, "SUM") == 0)
        OV_TRY(ov_arena_printf(arena, &text, b->err, "fold((one, all) -> all + nvl(cast(one, '%s'), 0), list, 0)", type));
    else
        OV_TRY(ov_arena_printf(arena, &text, b->err, "fold((one, best) -> %s(cast(one, '%s'), best), list, null)",
                               strcmp(k->fn, "MIN") == 0 ? "least" : "greatest", type));
    return of_list(b, json, text, *x, x);
}

/* The sum of all over how many there are; NULL of none. */
static ov_status make_mean(ovi_nplanner *p, const ovi_nagg *agg, const ov_expr *const *calls, const ov_expr **out, ov_error *err)
{
    const ov_expr *sides[2] = {calls[0], calls[1]};
    OV_TRY(ovi_ncall(p, agg->json, "SAFE_DIVIDE", sides, 2, &sides[0], err));
    OV_TRY(ov_expr_f64(p->cx, OV_SQL_DOUBLE, 0, &sides[1], err));
    return ovi_ncall(p, agg->json, "COALESCE", sides, 2, out, err);
}

ov_status ovi_nagg_mean(ovi_nagg_binder *b, const ov_json *json, const ov_expr *x)
{
    static const char *const texts[2] = {"fold((one, all) -> all + nvl(cast(one, 'DOUBLE'), 0.0), list, 0.0)",
                                         "fold((one, all) -> all + if(isnull(cast(one, 'DOUBLE')), 0, 1), list, 0)"};
    uint32_t index[2];
    for (uint32_t i = 0; i < 2; i++) {
        const ov_expr *part;
        OV_TRY(of_list(b, json, ov_slice_cstr(texts[i]), x, &part));
        OV_TRY(ovi_nagg_call(b, json, "SUM", &part, 1, false, &index[i]));
    }
    b->agg->call = index[0];
    b->agg->make = make_mean;
    b->agg->made_of = 2;
    return OV_OK;
}

ov_status ovi_nagg_only(ovi_nagg_binder *b, const ov_json *json, ov_sqltype sql, const ov_expr **x)
{
    ov_slice text;
    OV_TRY(ov_arena_printf(b->s->p->arena, &text, b->err, "if(array_length(list) == 1, cast(array_offset(list, 0), '%s'), null)", type_of(sql)));
    return of_list(b, json, text, *x, x);
}

ov_status ovi_nagg_plain(ovi_nagg_binder *b, const ov_json *json, ov_sqltype sql, const ov_expr **x)
{
    if ((*x)->type.complex != OV_COMPLEX_JSON)
        return ov_json_fail(json, b->err, OV_INVALID, "expected a column of numbers, texts, lists of them or JSON");
    return of_list(b, json, sql == OV_SQL_VARCHAR ? OV_SLICE_LIT("json_value(list, '$')") : OV_SLICE_LIT("json_value(list, '$', 'DOUBLE')"), *x, x);
}
