/*
 * Post-aggregators: expressions over the columns of a grouping. One may name columns and post-aggregators that stand
 * before it, so there are no cycles.
 */
#include "query/native/native_plan_int.h"

#include <math.h>

typedef struct post_binder {
    ovi_nplanner *p;
    const ovi_naggs *aggs;
    uint32_t others; /* the first column of a variance by the other estimator */
    ovi_nscope scope; /* over the grouping, earlier post-aggregators in front */
    ov_error *err;
} post_binder;

static ov_status bind(post_binder *b, const ov_json *json, const ov_expr **out);

static ov_status bind_field(post_binder *b, const ov_json *json, const ov_expr **out)
{
    ov_slice name;
    OV_TRY(ov_json_need_str(json, "fieldName", &name, b->err));
    OV_TRY(b->scope.base.column(b->scope.base.ctx, b->p->cx, name, out, b->err));
    if (!*out)
        return ov_json_fail(ov_json_get(json, "fieldName"), b->err, OV_INVALID,
                            "there is no aggregator or earlier post-aggregator '" OV_SLICE_FMT "'", OV_SLICE_ARG(name));
    ovi_nbind values = {.scope = &b->scope.base, .cx = b->p->cx};
    return ovi_as_value(&values, *out, out, b->err);
}

static ov_status bind_final_field(post_binder *b, const ov_json *json, const ov_expr **out)
{
    OV_TRY(bind_field(b, json, out));
    return ovi_nsketch_number(b->p, json, *out, out, b->err);
}

static ov_status bind_constant(post_binder *b, const ov_json *json, const ov_expr **out)
{
    const ov_json *v;
    double d;
    OV_TRY(ov_json_need(json, "value", &v, b->err));
    if (v->kind == OV_JSON_INT)
        return ov_expr_i64(b->p->cx, OV_SQL_BIGINT, v->i, out, b->err);
    OV_TRY(ov_json_as_f64(v, &d, b->err));
    return ov_expr_f64(b->p->cx, OV_SQL_DOUBLE, d, out, b->err);
}

/* ---- arithmetic ---- */

static ov_status fields_of(post_binder *b, const ov_json *json, uint32_t least, ov_sqltype sql, const ov_expr ***out,
                           uint32_t *count)
{
    const ov_json *fields;
    OV_TRY(ov_json_need_arr(json, "fields", &fields, b->err));
    if (fields->count < least)
        return ov_json_fail(fields, b->err, OV_INVALID, "expected %u or more post-aggregators, found %u", least,
                            fields->count);
    OV_TRY(ov_arena_alloc(b->p->arena, fields->count * sizeof **out, out, b->err));
    *count = 0;
    for (const ov_json *v = fields->first; v; v = v->next) {
        OV_TRY(bind(b, v, &(*out)[*count]));
        OV_TRY(ovi_nsketch_number(b->p, v, (*out)[*count], &(*out)[*count], b->err));
        OV_TRY(ovi_nfail_at(v, ovi_ncast(b->p, (*out)[*count], sql, &(*out)[*count], b->err), b->err));
        ++*count;
    }
    return OV_OK;
}

/* Division by zero is zero. */
static ov_status divide(post_binder *b, const ov_json *json, const ov_expr *const sides[2], const ov_expr **out)
{
    const ov_expr *parts[3], *test[2] = {sides[1], NULL};
    OV_TRY(ov_expr_f64(b->p->cx, OV_SQL_DOUBLE, 0, &test[1], b->err));
    OV_TRY(ovi_ncall(b->p, json, "=", test, 2, &parts[0], b->err));
    OV_TRY(ov_expr_f64(b->p->cx, OV_SQL_DOUBLE, 0, &parts[1], b->err));
    OV_TRY(ovi_ncall(b->p, json, "/", sides, 2, &parts[2], b->err));
    return ovi_ncall(b->p, json, "CASE", parts, 3, out, b->err);
}

static ov_status bind_arithmetic(post_binder *b, const ov_json *json, const ov_expr **out)
{
    static const char *const ops[][2] = {{"+", "+"},        {"-", "-"}, {"*", "*"},
                                         {"quotient", "/"}, {"/", NULL}, {"pow", "POWER"}};
    const ov_expr **fields;
    uint32_t count;
    ov_slice fn;
    size_t op = 0;
    OV_TRY(ov_json_need_str(json, "fn", &fn, b->err));
    while (op < OV_COUNT_OF(ops) && !ov_slice_eq(fn, ov_slice_cstr(ops[op][0])))
        op++;
    if (op == OV_COUNT_OF(ops))
        return ov_json_fail(ov_json_get(json, "fn"), b->err, OV_INVALID,
                            "unknown operation '" OV_SLICE_FMT "'; there are + - * / quotient and pow", OV_SLICE_ARG(fn));
    OV_TRY(fields_of(b, json, 2, OV_SQL_DOUBLE, &fields, &count));
    *out = fields[0];
    for (uint32_t i = 1; i < count; i++) {
        const ov_expr *sides[2] = {*out, fields[i]};
        if (ops[op][1])
            OV_TRY(ovi_ncall(b->p, json, ops[op][1], sides, 2, out, b->err));
        else
            OV_TRY(divide(b, json, sides, out));
    }
    return OV_OK;
}

static ov_status bind_extreme(post_binder *b, const ov_json *json, const ov_expr **out)
{
    const ov_expr **fields;
    uint32_t count;
    ov_slice type;
    OV_TRY(ov_json_need_str(json, "type", &type, b->err));
    OV_TRY(fields_of(b, json, 1, type.p[0] == 'l' ? OV_SQL_BIGINT : OV_SQL_DOUBLE, &fields, &count));
    bool greatest = ov_slice_ends(type, OV_SLICE_LIT("Greatest"));
    const ov_expr *or_none[2];
    OV_TRY(ovi_ncall(b->p, json, greatest ? "GREATEST" : "LEAST", fields, count, &or_none[0], b->err));
    if (type.p[0] == 'l') /* of nothing: what every value beats */
        OV_TRY(ov_expr_i64(b->p->cx, OV_SQL_BIGINT, greatest ? INT64_MIN : INT64_MAX, &or_none[1], b->err));
    else
        OV_TRY(ov_expr_f64(b->p->cx, OV_SQL_DOUBLE, greatest ? -INFINITY : INFINITY, &or_none[1], b->err));
    return ovi_ncall(b->p, json, "COALESCE", or_none, 2, out, b->err);
}

/* ---- expressions ---- */

static ov_status check_name(void *ctx, const ov_native *node, ov_error *err)
{
    post_binder *b = ctx;
    const ov_expr *found;
    if (node->kind != OV_NATIVE_NAME)
        return OV_OK;
    OV_TRY(b->scope.base.column(b->scope.base.ctx, b->p->cx, node->text, &found, err));
    return found ? OV_OK
                 : ov_fail_at(err, OV_INVALID, node->pos, node->end_pos,
                              "there is no aggregator, dimension or earlier post-aggregator '" OV_SLICE_FMT "'",
                              OV_SLICE_ARG(node->text));
}

static ov_status bind_expression(post_binder *b, const ov_json *json, const ov_expr **out)
{
    ov_slice text, type;
    const ov_native *tree;
    OV_TRY(ov_json_need_str(json, "expression", &text, b->err));
    ov_status st = ov_native_parse(text, b->p->arena, &tree, b->err);
    if (st == OV_OK)
        b->scope.own_height = tree->height;
    uint32_t weight = b->scope.weight; /* looking counts nothing */
    if (st == OV_OK)
        st = ov_native_walk(tree, check_name, b, b->err);
    b->scope.weight = weight;
    if (st == OV_OK)
        st = ov_native_bind(tree, &b->scope.base, b->p->cx, out, b->err);
    OV_TRY(ovi_nfail_at(ov_json_get(json, "expression"), st, b->err));
    OV_TRY(ov_json_str(json, "outputType", (ov_slice){"", 0}, &type, b->err));
    return type.n ? ovi_nas_type(b->p, ov_json_get(json, "outputType"), type, *out, out, b->err) : OV_OK;
}

static ov_status bind_hyper_unique(post_binder *b, const ov_json *json, const ov_expr **out)
{
    bool round;
    OV_TRY(ov_json_bool(json, "round", false, &round, b->err));
    OV_TRY(bind_field(b, json, out));
    bool sketch = ov_type_is_sketch((*out)->type);
    OV_TRY(ovi_nsketch_number(b->p, json, *out, out, b->err));
    if (!sketch || !round)
        return OV_OK;
    OV_TRY(ovi_ncall(b->p, json, "ROUND", out, 1, out, b->err));
    return ovi_ncast(b->p, *out, OV_SQL_BIGINT, out, b->err);
}

static ov_status is_population(const ov_json *json, bool *out, ov_error *err)
{
    ov_slice estimator;
    OV_TRY(ov_json_str(json, "estimator", OV_SLICE_LIT("sample"), &estimator, err));
    *out = ov_slice_ieq(estimator, OV_SLICE_LIT("population"));
    return OV_OK;
}

/* The variance of that name by the estimator that is meant, also where earlier post-aggregators only pass it on; *out stays when there is none. */
static ov_status variance_by(post_binder *b, ov_slice name, bool population, const ov_expr **out)
{
    for (uint32_t i = b->scope.def_count; i-- > 0;) {
        const ov_json *type = ov_json_find(b->scope.defs[i].json, "type"), *of = ov_json_find(b->scope.defs[i].json, "fieldName");
        if (ov_slice_eq(b->scope.defs[i].name, name) && of && ov_slice_eq(type->s, OV_SLICE_LIT("fieldAccess")))
            name = of->s;
    }
    uint32_t at = b->others;
    for (uint32_t i = 0; i < b->aggs->count; i++) {
        const ovi_nagg *agg = &b->aggs->list[i];
        if (agg->other && ov_slice_eq(agg->name, name))
            return agg->population != population ? ov_plan_column(b->p->cx, b->scope.plan, at, out, b->err) : OV_OK;
        at += agg->other != 0;
    }
    return OV_OK;
}

static ov_status bind_stddev(post_binder *b, const ov_json *json, const ov_expr **out)
{
    bool population;
    ov_slice name;
    OV_TRY(bind_field(b, json, out));
    OV_TRY(ov_json_need_str(json, "fieldName", &name, b->err));
    OV_TRY(is_population(json, &population, b->err));
    OV_TRY(variance_by(b, name, population, out));
    return ovi_ncall(b->p, json, "SQRT", out, 1, out, b->err);
}

/* ---- tests of two samples ---- */

/* The member, a post-aggregator, as a fraction. */
static ov_status member_number(post_binder *b, const ov_json *json, const char *key, const ov_expr **out)
{
    const ov_json *v;
    OV_TRY(ov_json_need_obj(json, key, &v, b->err));
    OV_TRY(bind(b, v, out));
    OV_TRY(ovi_nsketch_number(b->p, v, *out, out, b->err));
    return ovi_nfail_at(v, ovi_ncast(b->p, *out, OV_SQL_DOUBLE, out, b->err), b->err);
}

static ov_status call2(post_binder *b, const ov_json *json, const char *fn, const ov_expr *x, const ov_expr *y, const ov_expr **out)
{
    const ov_expr *sides[2] = {x, y};
    return ovi_ncall(b->p, json, fn, sides, 2, out, b->err);
}

/* A share s / n, its variance over n, and whether it is one: 0 <= s <= n. */
static ov_status share_of(post_binder *b, const ov_json *json, const ov_expr *s, const ov_expr *n, const ov_expr **share,
                          const ov_expr **variance, const ov_expr **fits)
{
    const ov_expr *zero, *one, *rest, *tests[2];
    OV_TRY(ov_expr_f64(b->p->cx, OV_SQL_DOUBLE, 0, &zero, b->err));
    OV_TRY(ov_expr_f64(b->p->cx, OV_SQL_DOUBLE, 1, &one, b->err));
    OV_TRY(call2(b, json, ">=", s, zero, &tests[0]));
    OV_TRY(call2(b, json, ">=", n, s, &tests[1]));
    OV_TRY(ovi_ncall(b->p, json, "AND", tests, 2, fits, b->err));
    OV_TRY(call2(b, json, "/", s, n, share));
    OV_TRY(call2(b, json, "-", one, *share, &rest));
    OV_TRY(call2(b, json, "*", *share, rest, variance));
    return call2(b, json, "/", *variance, n, variance);
}

/* How many standard deviations the shares of two samples lie apart; NULL where a sample has more successes than members. */
static ov_status bind_z_score(post_binder *b, const ov_json *json, const ov_expr **out)
{
    static const char *const members[2][2] = {{"successCount1", "sample1Size"}, {"successCount2", "sample2Size"}};
    const ov_expr *share[2], *variance[2], *fits[2], *apart, *spread, *parts[3];
    for (int i = 0; i < 2; i++) {
        const ov_expr *s, *n;
        OV_TRY(member_number(b, json, members[i][0], &s));
        OV_TRY(member_number(b, json, members[i][1], &n));
        OV_TRY(share_of(b, json, s, n, &share[i], &variance[i], &fits[i]));
    }
    OV_TRY(call2(b, json, "-", share[0], share[1], &apart));
    OV_TRY(call2(b, json, "+", variance[0], variance[1], &spread));
    OV_TRY(ovi_ncall(b->p, json, "SQRT", &spread, 1, &spread, b->err));
    OV_TRY(ovi_ncall(b->p, json, "AND", fits, 2, &parts[0], b->err));
    OV_TRY(call2(b, json, "/", apart, spread, &parts[1]));
    OV_TRY(ov_expr_null(b->p->cx, OV_SQL_DOUBLE, &parts[2], b->err));
    return ovi_ncall(b->p, json, "CASE", parts, 3, out, b->err);
}

/* How likely it is that chance alone gives as large a score: erfc(|z| / sqrt(2)). */
static ov_status bind_p_value(post_binder *b, const ov_json *json, const ov_expr **out)
{
    const ov_expr *z, *args[2];
    OV_TRY(member_number(b, json, "zScore", &z));
    OV_TRY(ovi_ncall(b->p, json, "ABS", &z, 1, &z, b->err));
    OV_TRY(ov_expr_f64(b->p->cx, OV_SQL_DOUBLE, sqrt(2), &args[1], b->err));
    OV_TRY(call2(b, json, "/", z, args[1], &args[0]));
    OV_TRY(ovi_nliteral(b->p, "erfc", &args[1], b->err));
    return ovi_ncall(b->p, json, "$MATH", args, 2, out, b->err);
}

static const struct {
    const char *name;
    ov_status (*bind)(post_binder *b, const ov_json *json, const ov_expr **out);
} kinds[] = {
    {"arithmetic", bind_arithmetic},
    {"constant", bind_constant},
    {"doubleGreatest", bind_extreme},
    {"doubleLeast", bind_extreme},
    {"expression", bind_expression},
    {"fieldAccess", bind_field},
    {"finalizingFieldAccess", bind_final_field},
    {"hyperUniqueCardinality", bind_hyper_unique},
    {"longGreatest", bind_extreme},
    {"longLeast", bind_extreme},
    {"pvalue2tailedZtest", bind_p_value},
    {"stddev", bind_stddev},
    {"zscore2sample", bind_z_score},
};

static ov_status bind_any(void *ctx, const ov_json *json, const ov_expr **out)
{
    return bind(ctx, json, out);
}

static ov_status bind_named(void *ctx, const ov_json *json, const ov_expr **out)
{
    return bind_field(ctx, json, out);
}

static ov_status bind(post_binder *b, const ov_json *json, const ov_expr **out)
{
    ovi_nsketch_post sketch = {.p = b->p, .bind = bind_any, .by_name = bind_named, .ctx = b, .err = b->err};
    bool found;
    ov_slice type;
    OV_TRY(ov_json_expect(json, OV_JSON_OBJECT, b->err));
    OV_TRY(ov_json_need_str(json, "type", &type, b->err));
    for (size_t i = 0; i < OV_COUNT_OF(kinds); i++)
        if (ov_slice_eq(type, ov_slice_cstr(kinds[i].name)))
            return kinds[i].bind(b, json, out);
    OV_TRY(ovi_nsketch_post_bind(&sketch, type, json, &found, out));
    if (found)
        return OV_OK;
    if (ov_slice_eq(type, OV_SLICE_LIT("javascript")))
        return ovi_nno_javascript(json, b->err);
    return ov_json_fail(ov_json_get(json, "type"), b->err, OV_INVALID,
                        "unknown post-aggregator '" OV_SLICE_FMT
                        "'; there are arithmetic, constant, expression, fieldAccess, finalizingFieldAccess, "
                        "(long|double)(Greatest|Least), hyperUniqueCardinality, stddev, zscore2sample, pvalue2tailedZtest and those of sketches",
                        OV_SLICE_ARG(type));
}

/* ---- the list ---- */

static ov_status check_new(const post_binder *b, const ov_json *json, ov_slice name)
{
    for (uint32_t i = 0; i < b->scope.plan->field_count + b->scope.def_count; i++) {
        bool def = i >= b->scope.plan->field_count;
        ov_slice other = def ? b->scope.defs[i - b->scope.plan->field_count].name : b->scope.plan->fields[i].name;
        if (ov_slice_eq(other, name) && (def || !ov_slice_eq(name, OV_SLICE_LIT("__time"))))
            return ov_json_fail(json, b->err, OV_INVALID, "the name '" OV_SLICE_FMT "' is already given", OV_SLICE_ARG(name));
    }
    return OV_OK;
}

ov_status ovi_npost(ovi_nplanner *p, const ov_json *query, const ovi_naggs *aggs, uint32_t others, const ov_plan *in, const ov_plan **out,
                    ov_error *err)
{
    const ov_json *list;
    post_binder b = {.p = p, .aggs = aggs, .others = others, .err = err};
    const ov_expr **exprs;
    ov_slice *names;
    *out = in;
    OV_TRY(ov_json_arr(query, "postAggregations", &list, err));
    if (!list || list->count == 0)
        return OV_OK;
    ovi_nscope_init(&b.scope, p, in);
    uint32_t n = in->field_count;
    OV_TRY(ov_arena_zalloc(p->arena, list->count * sizeof *b.scope.defs, &b.scope.defs, err));
    OV_TRY(ov_arena_alloc(p->arena, (n + (size_t)list->count) * sizeof *exprs, &exprs, err));
    OV_TRY(ov_arena_alloc(p->arena, (n + (size_t)list->count) * sizeof *names, &names, err));
    for (uint32_t i = 0; i < n; i++) {
        OV_TRY(ov_plan_column(p->cx, in, i, &exprs[i], err));
        names[i] = in->fields[i].name;
    }
    for (const ov_json *v = list->first; v; v = v->next, n++) {
        ovi_ndef *d = &b.scope.defs[b.scope.def_count];
        OV_TRY(ov_json_need_str(v, "name", &names[n], err));
        OV_TRY(check_new(&b, v, names[n]));
        b.scope.weight = b.scope.height = 0;
        OV_TRY(bind(&b, v, &exprs[n]));
        *d = (ovi_ndef){.name = names[n], .json = v, .expr = exprs[n], .state = 2};
        OV_TRY(ovi_nscope_grown(&b.scope, d, err));
        b.scope.def_count++;
    }
    return ov_plan_project(p->arena, in, exprs, names, n, out, err);
}
