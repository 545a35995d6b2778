/* Function calls: scalar functions, aggregates, and the forms that put words between their
 * arguments. */
#include "query/sql/bind_int.h"

#include <stdio.h>

#include "base/datetime.h"
#include "base/suggest.h"
#include "query/expr/call_place.h"

static bool is_named(const ov_ast *call, const char *name)
{
    return ov_slice_ieq(call->text, ov_slice_cstr(name));
}

static bool is_aggregate(const ov_ast *call)
{
    return ov_agg_exists(call->text) && !call->kids[OV_CALL_OVER];
}

/* ---- aggregates ---- */

/* The call as a column behind those of the input; equal calls share one. */
static OV_CHECKED ov_status collect(ovi_sql_names *n, const ov_agg_call *call, const ov_expr **out,
                                    ov_error *err)
{
    ovi_sql_aggs *aggs = n->aggs;
    uint64_t hash = ov_agg_call_hash(call);
    uint32_t i = aggs->count;
    OV_EACH_PLACE(&aggs->places, hash, place, slot)
        if (ov_agg_call_equal(&aggs->calls[place], call)) {
            i = place;
            break;
        }
    if (i == aggs->count) {
        OV_TRY(ov_arena_room(n->b->arena, &aggs->calls, aggs->count, &aggs->capacity, 1, sizeof *aggs->calls, err));
        OV_TRY(ov_places_add(&aggs->places, n->b->arena, hash, err));
        aggs->calls[aggs->count++] = *call;
    }
    return ov_expr_column(n->b->cx, n->rel->plan->field_count + i, call->type,
                          (ov_sqltype)call->sql, call->nullable, out, err);
}

/* EARLIEST(x) and LATEST(x) look at the row's __time, or at those that the values of a column of first and last metrics brought. */
static OV_CHECKED ov_status add_time(ovi_sql_names *n, const ov_ast *ast, const ov_expr **args,
                                     uint32_t *argc, ov_error *err)
{
    ov_ast time = {.kind = OV_AST_NAME,
                   .text = OV_SLICE_LIT("__time"),
                   .pos = ast->pos,
                   .end_pos = ast->end_pos};
    const ovi_sql_column *column;
    OV_TRY(ovi_sql_find_column(n->b, n->rel, &time, &column, err));
    bool timed = ov_type_is_pair(args[0]->type);
    if (!column && !timed)
        return ovi_sql_fail_node(
            n->b, ast, OV_INVALID, err, NULL,
            OV_SLICE_FMT " needs a __time column in its table; name another one with " OV_SLICE_FMT
                         "_BY(expr, timestamp)",
            OV_SLICE_ARG(ast->text), OV_SLICE_ARG(ast->text));
    memmove(args + 2, args + 1, (*argc - 1) * sizeof *args);
    ++*argc;
    args[1] = args[0];
    return timed ? OV_OK : ov_plan_column(n->b->cx, n->rel->plan, column->column, &args[1], err);
}

static OV_CHECKED ov_status bind_aggregate(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                           ov_error *err)
{
    if (n->in_aggregate)
        return ovi_sql_fail_node(n->b, n->in_aggregate, OV_INVALID, err,
                                 "; group in a sub-query in FROM, and aggregate its rows outside",
                                 "Aggregate expressions cannot be nested");
    if (!n->aggs)
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err,
                                 strcmp(n->clause, "WHERE") == 0 ? "; conditions on groups stand in HAVING, behind GROUP BY"
                                                                 : NULL,
                                 "Aggregate expression is illegal in %s clause", n->clause);
    ovi_sql_names inner = *n;
    ov_agg_call call;
    inner.in_aggregate = ast;
    inner.alias_use = OVI_SQL_NO_ALIASES;
    OV_TRY(ovi_sql_bind_agg_call(&inner, ast, &call, err));
    OV_TRY(ovi_sql_bind_agg_order(&inner, ast, err));
    return collect(n, &call, out, err);
}

/* AGG(CASE WHEN c THEN x END) is AGG(x) FILTER (WHERE c) in Druid, so c holds for a row when it does for some value of a multi-value string;
 * likewise with NULL in front, and SUM(CASE WHEN c THEN x ELSE 0 END). */
static const ov_ast *case_as_filter(const ov_ast *call)
{
    const ov_ast *list = call->kids[OV_CALL_ARGS], *c = list->kid_count == 1 ? list->kids[0] : NULL;
    if (!c || c->kind != OV_AST_CASE || c->kids[1]->kid_count != 1)
        return NULL;
    const ov_ast *then = c->kids[1]->kids[0]->kids[1], *other = c->kids[2];
    bool dropped = !other || other->kind == OV_AST_NULL;
    bool zero = other && other->kind == OV_AST_INTEGER && ov_slice_eq(other->text, OV_SLICE_LIT("0"));
    if (call->flags & OV_AST_DISTINCT)
        return dropped && is_named(call, "COUNT") ? c : NULL;
    return dropped || then->kind == OV_AST_NULL || (zero && is_named(call, "SUM")) ? c : NULL;
}

ov_status ovi_sql_bind_agg_call(ovi_sql_names *n, const ov_ast *ast, ov_agg_call *out, ov_error *err)
{
    const ov_ast *list = ast->kids[OV_CALL_ARGS];
    if (ast->kids[OV_CALL_ORDER] && ast->kids[OV_CALL_OVER])
        return ovi_sql_fail_node(n->b, ast->kids[OV_CALL_ORDER], OV_INVALID, err, NULL,
                                 "ORDER BY of a window function stands in OVER (...), and tells its frame, too");
    ovi_sql_names inner = *n;
    const ov_expr **args, *filter = NULL;
    uint32_t argc = 0;
    OV_TRY(ov_arena_alloc(n->b->arena, (list->kid_count + 2) * sizeof *args, &args, err));
    inner.whole_case = case_as_filter(ast);
    bool star = list->kid_count == 1 && list->kids[0]->kind == OV_AST_STAR;
    if (star && !is_named(ast, "COUNT"))
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 "'*' only stands in COUNT(*), not in " OV_SLICE_FMT,
                                 OV_SLICE_ARG(ast->text));
    for (uint32_t i = 0; !star && i < list->kid_count; i++) {
        OV_TRY(ovi_sql_bind_expr(&inner, list->kids[i], &args[argc], err));
        argc++;
    }
    if ((is_named(ast, "EARLIEST") || is_named(ast, "LATEST")) && argc > 0)
        OV_TRY(add_time(&inner, ast, args, &argc, err));
    if (ast->kids[OV_CALL_FILTER]) {
        inner.clause = "FILTER";
        OV_TRY(ovi_sql_bind_condition(&inner, ast->kids[OV_CALL_FILTER], &filter, err));
    }
    ov_status st = ov_agg_bind(n->b->cx, ast->text, args, argc, ast->flags & OV_AST_DISTINCT, filter,
                               ast->pos, ast->end_pos, out, err);
    return ov_placed(st, ast->pos, ast->end_pos, err);
}

/* GROUPING(a, b) is 0 with one ordinary grouping, else a column behind the aggregates. */
static OV_CHECKED ov_status bind_grouping(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                          ov_error *err)
{
    const ov_ast *list = ast->kids[OV_CALL_ARGS];
    ovi_sql_aggs *aggs = n->aggs;
    uint32_t *keys;
    if (!aggs || n->in_aggregate || !aggs->grouping || !aggs->grouping->key_count ||
        !list->kid_count || list->kid_count > 62)
        return ovi_sql_fail_node(
            n->b, ast, OV_INVALID, err, NULL,
            "GROUPING operator may only occur in SELECT, HAVING or ORDER BY clause of a query "
            "that groups, over its keys");
    OV_TRY(ov_arena_alloc(n->b->arena, list->kid_count * sizeof *keys, &keys, err));
    for (uint32_t i = 0; i < list->kid_count; i++) {
        const ov_expr *arg;
        OV_TRY(ovi_sql_bind_expr(n, list->kids[i], &arg, err));
        keys[i] = ovi_sql_matched_key(n->rel, arg);
        if (keys[i] == OV_NO_PLACE)
            keys[i] = ov_expr_find(&aggs->grouping->places, aggs->grouping->keys, arg);
        if (keys[i] == OV_NO_PLACE)
            return ovi_sql_fail_node(n->b, list->kids[i], OV_INVALID, err, NULL,
                                     "Argument to GROUPING operator must be a grouped expression");
    }
    if (!aggs->grouping->set_count)
        return ov_expr_i64(n->b->cx, OV_SQL_BIGINT, 0, out, err);
    if (aggs->grouping_count == OVI_SQL_MOST_GROUPING_CALLS)
        return ovi_sql_fail_node(n->b, ast, OV_LIMIT, err, NULL,
                                 "There are more than %d GROUPING operators",
                                 OVI_SQL_MOST_GROUPING_CALLS);
    uint32_t number = aggs->grouping_count++;
    aggs->groupings[number] = (ov_grouping_call){keys, list->kid_count};
    return ov_expr_column(n->b->cx, n->rel->plan->field_count + OVI_SQL_GROUPING_BASE + number,
                          OV_T(OV_TYPE_LONG), OV_SQL_BIGINT, false, out, err);
}

/* ---- scalar functions ---- */

/* A bare word between arguments, as text: a unit of time or the side of TRIM. */
static OV_CHECKED ov_status word_text(ovi_sql_names *n, const ov_ast *call, const ov_ast *word,
                                      const ov_expr **out, ov_error *err)
{
    ov_time_unit unit;
    if (call->op != OV_FORM_TRIM && call->op != OV_FORM_RETURNING && !ov_time_unit_find(word->text, &unit))
        return ovi_sql_fail_unit(n->b, word, err);
    return ov_expr_str(n->b->cx, OV_SQL_CHAR, word->text, out, err);
}

/* Does argument i stand for a word rather than a value? */
static bool is_word(const ov_ast *call, uint32_t i)
{
    switch (call->op) {
    case OV_FORM_EXTRACT:
        return i == 0;
    case OV_FORM_ROUND_TO:
        return i == 1;
    case OV_FORM_TRIM:
        return i == 0;
    case OV_FORM_RETURNING: /* the type's name */
        return i + 1 == call->kids[OV_CALL_ARGS]->kid_count;
    default:
        return i == 0 && call->kids[OV_CALL_ARGS]->kids[0]->kind == OV_AST_NAME &&
               (is_named(call, "TIMESTAMPADD") || is_named(call, "TIMESTAMPDIFF"));
    }
}

/* TRIM(BOTH x FROM y): the function that trims that side, over (y, x). */
static OV_CHECKED ov_status bind_trim(ovi_sql_names *n, const ov_ast *ast, const ov_expr **args,
                                      uint32_t argc, const ov_expr **out, ov_error *err)
{
    const ov_ast *side = ast->kids[OV_CALL_ARGS]->kids[0];
    const char *name = "BTRIM";
    if (ov_slice_ieq(side->text, OV_SLICE_LIT("LEADING")))
        name = "LTRIM";
    else if (ov_slice_ieq(side->text, OV_SLICE_LIT("TRAILING")))
        name = "RTRIM";
    const ov_expr *swapped[2] = {args[argc - 1], argc == 3 ? args[1] : NULL};
    return ovi_sql_apply(n->b, ast, name, swapped, argc - 1, out, err);
}

/* A scalar function that does not exist: an aggregate or window function may be meant. */
static void suggest_aggregate(ov_slice name, ov_error *err)
{
    const ov_function_doc *docs;
    char hint[OV_SUGGEST_BYTES];
    ov_suggest near;
    if (strstr(err->text, "; "))
        return;
    ov_suggest_init(&near, name);
    uint32_t count = ov_agg_docs(&docs);
    for (uint32_t i = 0; i < count; i++)
        ov_suggest_offer(&near, ov_slice_cstr(docs[i].name));
    count = ov_sql_window_docs(&docs);
    for (uint32_t i = 0; i < count; i++)
        ov_suggest_offer(&near, ov_slice_cstr(docs[i].name));
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, "%s", ov_suggest_text(&near, hint));
}

/* DATEADD(day, 1, x): that nobody knows the function comes before that nobody knows its arguments. */
static OV_CHECKED ov_status fail_argument(ovi_sql_names *n, const ov_ast *ast, ov_error *err)
{
    const ov_expr *none;
    if (ast->kind != OV_AST_CALL || ast->op || ov_function_exists(ast->text))
        return err->code;
    return ov_expr_call(n->b->cx, ast->text, NULL, 0, ast->pos, ast->end_pos, &none, err);
}

static OV_CHECKED ov_status bind_scalar(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                        ov_error *err)
{
    const ov_ast *list = ast->kids[OV_CALL_ARGS];
    const ov_expr **args;
    OV_TRY(ov_arena_alloc(n->b->arena, (list->kid_count + 1) * sizeof *args, &args, err));
    for (uint32_t i = 0; i < list->kid_count; i++) {
        if (is_word(ast, i))
            OV_TRY(word_text(n, ast, list->kids[i], &args[i], err));
        else if (ovi_sql_bind_expr(n, list->kids[i], &args[i], err) != OV_OK)
            return fail_argument(n, ast, err);
    }
    if (ast->op == OV_FORM_TRIM)
        return bind_trim(n, ast, args, list->kid_count, out, err);
    ov_status st = ov_expr_call_each(n->b->cx, ast->text, args, list->kid_count, ast->pos, ast->end_pos, out, err);
    if (st != OV_OK && !ov_function_exists(ast->text))
        suggest_aggregate(ast->text, err);
    return ov_placed(st, ast->pos, ast->end_pos, err);
}

ov_status ovi_sql_bind_call(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out, ov_error *err)
{
    const ov_ast *list = ast->kids[OV_CALL_ARGS];
    if (ast->kids[OV_CALL_OVER])
        return ovi_sql_bind_over(n, ast, out, err);
    if (ovi_sql_is_window_function(ast->text))
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 "OVER clause is necessary for window functions");
    if (ast->op == OV_FORM_RETURNING && !is_named(ast, "JSON_VALUE"))
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 OV_SLICE_FMT " does not take RETURNING; only JSON_VALUE does",
                                 OV_SLICE_ARG(ast->text));
    if (is_aggregate(ast))
        return bind_aggregate(n, ast, out, err);
    if (is_named(ast, "GROUPING") || is_named(ast, "GROUPING_ID"))
        return bind_grouping(n, ast, out, err);
    bool aggregating = ast->kids[OV_CALL_FILTER] || ast->kids[OV_CALL_ORDER] || (ast->flags & OV_AST_DISTINCT);
    if (aggregating && ov_function_exists(ast->text))
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 "'" OV_SLICE_FMT
                                 "' is no aggregate function: FILTER, ORDER BY and DISTINCT do not "
                                 "apply to it",
                                 OV_SLICE_ARG(ast->text));
    bool nullary =
        list->kid_count == 0 || (list->kid_count == 1 && list->kids[0]->kind == OV_AST_INTEGER);
    if (nullary && (is_named(ast, "CURRENT_TIMESTAMP") || is_named(ast, "LOCALTIMESTAMP") ||
                    is_named(ast, "CURRENT_DATE"))) {
        ov_ast word = {
            .kind = OV_AST_NAME, .text = ast->text, .pos = ast->pos, .end_pos = ast->end_pos};
        return ovi_sql_bind_expr(n, &word, out, err);
    }
    return bind_scalar(n, ast, out, err);
}
