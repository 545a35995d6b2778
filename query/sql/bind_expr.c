/* Expressions: names, operators, conditions. Calls are in bind_call.c, literals in bind_literal.c.
 */
#include "query/sql/bind_int.h"

#include "base/datetime.h"
#include "query/expr/call_place.h"

/* A parameter without a value has the type of what it stands beside. */
static void describe_params(const ov_sql_describe *d, const ov_expr **args, uint32_t argc)
{
    ov_sqltype beside = OV_SQL_NULL;
    for (uint32_t i = 0; i < argc && beside == OV_SQL_NULL; i++)
        beside = (ov_sqltype)args[i]->sql;
    for (uint32_t i = 0; i < argc; i++)
        for (uint32_t p = 0; p < d->count; p++)
            if (d->exprs[p] == args[i] && d->types[p] == OV_SQL_NULL)
                d->types[p] = beside == OV_SQL_CHAR ? OV_SQL_VARCHAR : beside;
}

ov_status ovi_sql_apply(ovi_sql_binder *b, const ov_ast *at, const char *name, const ov_expr **args,
                        uint32_t argc, const ov_expr **out, ov_error *err)
{
    if (b->env->describe)
        describe_params(b->env->describe, args, argc);
    return ov_placed(ov_expr_call(b->cx, ov_slice_cstr(name), args, argc, at->pos, at->end_pos, out, err), at->pos,
                     at->end_pos, err);
}

/* The same, as it stands in the statement. */
static OV_CHECKED ov_status apply_each(ovi_sql_binder *b, const ov_ast *at, const char *name, const ov_expr **args,
                                       uint32_t argc, const ov_expr **out, ov_error *err)
{
    if (b->env->describe)
        describe_params(b->env->describe, args, argc);
    ov_status st = ov_expr_call_each(b->cx, ov_slice_cstr(name), args, argc, at->pos, at->end_pos, out, err);
    return ov_placed(st, at->pos, at->end_pos, err);
}

/* ---- names ---- */

/* CURRENT_TIMESTAMP and its kin, and PI, are words without parentheses. */
static OV_CHECKED ov_status bind_bare_word(ovi_sql_names *n, const ov_ast *name,
                                           const ov_expr **out, ov_error *err)
{
    ov_expr_ctx *cx = n->b->cx;
    *out = NULL;
    if (name->kind != OV_AST_NAME || (name->flags & OV_AST_QUOTED))
        return OV_OK;
    if (ov_slice_ieq(name->text, OV_SLICE_LIT("CURRENT_TIMESTAMP")) ||
        ov_slice_ieq(name->text, OV_SLICE_LIT("LOCALTIMESTAMP")))
        return ov_expr_i64(cx, OV_SQL_TIMESTAMP, ov_expr_now(cx), out, err);
    if (ov_slice_ieq(name->text, OV_SLICE_LIT("CURRENT_DATE")))
        return ov_expr_i64(cx, OV_SQL_DATE, ov_time_floor_unit(OV_UNIT_DAY, ov_expr_now(cx), cx->tz),
                           out, err);
    if (ov_slice_ieq(name->text, OV_SLICE_LIT("PI")))
        return ovi_sql_apply(n->b, name, "PI", NULL, 0, out, err);
    return OV_OK;
}

static OV_CHECKED ov_status bind_name(ovi_sql_names *n, const ov_ast *name, const ov_expr **out,
                                      ov_error *err)
{
    const ovi_sql_column *column;
    if (n->alias_use == OVI_SQL_ALIASES_FIRST) {
        OV_TRY(ovi_sql_find_alias(n, name, out, err));
        if (*out)
            return OV_OK;
    }
    OV_TRY(ovi_sql_find_column(n->b, n->rel, name, &column, err));
    if (column) {
        OV_TRY(ov_plan_column(n->b->cx, n->rel->plan, column->column, out, err));
        return ovi_sql_match_key(n, name, *out, out, err);
    }
    if (n->alias_use == OVI_SQL_COLUMNS_FIRST) {
        OV_TRY(ovi_sql_find_alias(n, name, out, err));
        if (*out)
            return OV_OK;
    }
    OV_TRY(ovi_sql_find_outer(n->b, name, out, err));
    if (*out)
        return OV_OK;
    OV_TRY(bind_bare_word(n, name, out, err));
    return *out ? OV_OK : ovi_sql_fail_column(n, name, err);
}

/* ---- operators ---- */

ov_status ovi_sql_bind_all(ovi_sql_names *n, ov_ast *const *asts, uint32_t count,
                           const ov_expr ***out, ov_error *err)
{
    OV_TRY(ov_arena_alloc(n->b->arena, (count + 1) * sizeof **out, out, err));
    for (uint32_t i = 0; i < count; i++) {
        if (i) /* of long lists only */
            OV_TRY(ov_budget_alive_at(n->b->arena->budget, i, err));
        OV_TRY(ovi_sql_bind_expr(n, asts[i], &(*out)[i], err));
    }
    return OV_OK;
}

/* All kids are operands of `name`. */
static OV_CHECKED ov_status bind_operator(ovi_sql_names *n, const ov_ast *ast, const char *name,
                                          const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    OV_TRY(ovi_sql_bind_all(n, ast->kids, ast->kid_count, &args, err));
    return apply_each(n->b, ast, name, args, ast->kid_count, out, err);
}

static OV_CHECKED ov_status bind_or(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out, ov_error *err)
{
    const ov_expr **parts;
    OV_TRY(ovi_sql_bind_all(n, ast->kids, ast->kid_count, &parts, err));
    return ovi_sql_bind_or(n, ast, parts, out, err);
}

ov_status ovi_sql_negate_if(ovi_sql_names *n, const ov_ast *ast, bool negate, const ov_expr **e,
                            ov_error *err)
{
    if (!negate)
        return OV_OK;
    const ov_expr *arg = *e;
    return ovi_sql_apply(n->b, ast, "NOT", &arg, 1, e, err);
}

static OV_CHECKED ov_status bind_binary(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                        ov_error *err)
{
    static const char *const ops[] = {"",   "=", "<>", "<", "<=", ">",
                                      ">=", "+", "-",  "*", "/",  "MOD"};
    const ov_ast *left = ast->kids[0], *right = ast->kids[1];
    bool rows = left->kind == OV_AST_ROW || right->kind == OV_AST_ROW;
    if (!rows)
        return bind_operator(n, ast, ops[ast->op], out, err);
    if (ast->op != OV_AST_OP_EQ && ast->op != OV_AST_OP_NE)
        return ovi_sql_bind_row_order(n, ast, ops[ast->op], out, err);
    OV_TRY(ovi_sql_bind_rows(n, ast, left, right, out, err));
    return ovi_sql_negate_if(n, ast, ast->op == OV_AST_OP_NE, out, err);
}

static OV_CHECKED ov_status bind_unary(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                       ov_error *err)
{
    const ov_ast *operand = ast->kids[0];
    if (ast->op == '+')
        return ovi_sql_bind_expr(n, operand, out, err);
    bool number = operand->kind == OV_AST_INTEGER || operand->kind == OV_AST_DECIMAL ||
                  operand->kind == OV_AST_DOUBLE || operand->kind == OV_AST_INTERVAL;
    if (number)
        return ovi_sql_bind_literal(n->b, operand, true, out, err);
    return bind_operator(n, ast, "-", out, err);
}

static OV_CHECKED ov_status bind_is(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                    ov_error *err)
{
    static const char *const names[][2] = {[OV_IS_NULL] = {"IS NULL", "IS NOT NULL"},
                                           [OV_IS_TRUE] = {"IS TRUE", "IS NOT TRUE"},
                                           [OV_IS_FALSE] = {"IS FALSE", "IS NOT FALSE"},
                                           [OV_IS_UNKNOWN] = {"IS NULL", "IS NOT NULL"}};
    return bind_operator(n, ast, names[ast->op][ast->flags & OV_AST_NEGATED ? 1 : 0], out, err);
}

static OV_CHECKED ov_status in_range(ovi_sql_names *n, const ov_ast *ast, const ov_expr *x,
                                     const ov_expr *low, const ov_expr *high, const ov_expr **out,
                                     ov_error *err)
{
    const ov_expr *bounds[2];
    OV_TRY(ovi_sql_apply(n->b, ast, ">=", (const ov_expr *[]){x, low}, 2, &bounds[0], err));
    OV_TRY(ovi_sql_apply(n->b, ast, "<=", (const ov_expr *[]){x, high}, 2, &bounds[1], err));
    OV_TRY(ovi_sql_apply(n->b, ast, "AND", bounds, 2, out, err));
    return x->type.multi ? ov_expr_any_single(n->b->cx, *out, out, err) : OV_OK; /* one value lies between */
}

static OV_CHECKED ov_status bind_between(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                         ov_error *err)
{
    const ov_expr **args;
    OV_TRY(ovi_sql_bind_all(n, ast->kids, 3, &args, err));
    OV_TRY(in_range(n, ast, args[0], args[1], args[2], out, err));
    if (ast->flags & OV_AST_SYMMETRIC) {
        const ov_expr *either[2] = {*out, NULL};
        OV_TRY(in_range(n, ast, args[0], args[2], args[1], &either[1], err));
        OV_TRY(ovi_sql_apply(n->b, ast, "OR", either, 2, out, err));
    }
    return ovi_sql_negate_if(n, ast, ast->flags & OV_AST_NEGATED, out, err);
}

static OV_CHECKED ov_status bind_like(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                      ov_error *err)
{
    const ov_expr **args;
    uint32_t argc = ast->kids[2] ? 3 : 2;
    OV_TRY(ovi_sql_bind_all(n, ast->kids, argc, &args, err));
    OV_TRY(ovi_sql_apply(n->b, ast, "LIKE", args, argc, out, err));
    return ovi_sql_negate_if(n, ast, ast->flags & OV_AST_NEGATED, out, err);
}

static OV_CHECKED ov_status bind_part(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out, ov_error *err);

/* A CASE inside one that is decided once a row is, too. */
static OV_CHECKED ov_status bind_branch(ovi_sql_names *n, const ov_ast *ast, bool whole, const ov_expr **out, ov_error *err)
{
    ovi_sql_names inner = *n;
    inner.whole_case = whole && ast->kind == OV_AST_CASE ? ast : NULL;
    return ovi_sql_bind_expr(&inner, ast, out, err);
}

static OV_CHECKED ov_status bind_case(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                      ov_error *err)
{
    const ov_ast *operand = ast->kids[0], *whens = ast->kids[1];
    bool whole = ast == n->whole_case;
    const ov_expr **args, *subject = NULL;
    uint32_t argc = 0;
    OV_TRY(ov_arena_alloc(n->b->arena, (whens->kid_count * 2 + 1) * sizeof *args, &args, err));
    if (operand)
        OV_TRY(ovi_sql_bind_expr(n, operand, &subject, err));
    for (uint32_t i = 0; i < whens->kid_count; i++) {
        const ov_ast *when = whens->kids[i];
        const ov_expr *condition;
        if (operand) {
            const ov_expr *pair[2] = {subject, NULL};
            OV_TRY(ovi_sql_bind_expr(n, when->kids[0], &pair[1], err));
            OV_TRY(ovi_sql_apply(n->b, when, "=", pair, 2, &condition, err));
        } else {
            OV_TRY((whole ? bind_part : ovi_sql_bind_expr)(n, when->kids[0], &condition, err));
        }
        args[argc++] = condition;
        OV_TRY(bind_branch(n, when->kids[1], whole, &args[argc++], err));
    }
    if (ast->kids[2])
        OV_TRY(bind_branch(n, ast->kids[2], whole, &args[argc++], err));
    else
        OV_TRY(ov_expr_null(n->b->cx, OV_SQL_NULL, &args[argc++], err));
    return (whole ? ovi_sql_apply : apply_each)(n->b, ast, "CASE", args, argc, out, err);
}

/* CAST('a' AS CHAR(3)) has three characters. Only constants are padded, as in Druid. */
static OV_CHECKED ov_status pad_char(ovi_sql_names *n, const ov_ast *type, const ov_expr **e,
                                     ov_error *err)
{
    const ov_ast *width = ov_ast_kid(type, 0);
    char padded[256];
    size_t wanted = 0;
    for (size_t i = 0;
         width && width->kind == OV_AST_INTEGER && i < width->text.n && wanted < sizeof padded; i++)
        wanted = wanted * 10 + (size_t)(width->text.p[i] - '0');
    const ov_expr *c = *e;
    if (c->kind != OV_EXPR_CONST || c->constant.is_null || c->type.multi || wanted > sizeof padded ||
        c->constant.s.n >= wanted)
        return OV_OK;
    memset(padded, ' ', sizeof padded);
    if (c->constant.s.n)
        memcpy(padded, c->constant.s.p, c->constant.s.n);
    return ov_expr_str(n->b->cx, OV_SQL_CHAR, ov_slice_make(padded, wanted), e, err);
}

static OV_CHECKED ov_status bind_cast(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                      ov_error *err)
{
    const ov_expr *arg;
    ov_sqltype sql;
    ov_type native;
    OV_TRY(ovi_sql_bind_expr(n, ast->kids[0], &arg, err));
    OV_TRY(ovi_sql_bind_type(n->b, ast->kids[1], &sql, &native, err));
    OV_TRY(ov_expr_cast(n->b->cx, arg, sql, native, ast->pos, ast->end_pos, out, err));
    return sql == OV_SQL_CHAR ? pad_char(n, ast->kids[1], out, err) : OV_OK;
}

/* a[i], counted from 1 */
static OV_CHECKED ov_status bind_item(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out, ov_error *err)
{
    const ov_expr **args;
    OV_TRY(ovi_sql_bind_all(n, ast->kids, 2, &args, err));
    if (args[0]->type.id == OV_TYPE_COMPLEX && !ov_type_is_list(args[0]->type))
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, "; write JSON_VALUE(x, '$.name') or JSON_VALUE(x, '$[0]')",
                                 "Only arrays have subscripts");
    if (!ov_type_is_list(args[0]->type) && args[0]->sql != OV_SQL_NULL)
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, "; SUBSTRING(x, 1, 1) is a character, MV_ORDINAL(x, 1) one of several values",
                                 "Only arrays have subscripts");
    return apply_each(n->b, ast, args[0]->type.multi ? "MV_ORDINAL" : "ARRAY_ORDINAL", args, 2, out, err);
}

static OV_CHECKED ov_status unsupported(ovi_sql_names *n, const ov_ast *ast, const char *what,
                                        ov_error *err)
{
    return ovi_sql_fail_node(n->b, ast, OV_UNSUPPORTED, err, NULL, "%s not supported yet", what);
}

ov_status ovi_sql_bind_expr(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out, ov_error *err)
{
    if (ast->kind != OV_AST_NAME && ast->kind != OV_AST_PATH) {
        OV_TRY(ovi_sql_match_key(n, ast, NULL, out, err));
        if (*out)
            return OV_OK;
    }
    switch ((ov_ast_kind)ast->kind) {
    case OV_AST_NAME:
    case OV_AST_PATH:
        return bind_name(n, ast, out, err);
    case OV_AST_INTEGER:
    case OV_AST_DECIMAL:
    case OV_AST_DOUBLE:
    case OV_AST_STRING:
    case OV_AST_BOOLEAN:
    case OV_AST_NULL:
    case OV_AST_TIMESTAMP:
    case OV_AST_DATE:
    case OV_AST_TIME:
    case OV_AST_INTERVAL:
    case OV_AST_PARAM:
        return ovi_sql_bind_literal(n->b, ast, false, out, err);
    case OV_AST_UNARY:
        return bind_unary(n, ast, out, err);
    case OV_AST_BINARY:
        return bind_binary(n, ast, out, err);
    case OV_AST_AND:
        return bind_operator(n, ast, "AND", out, err);
    case OV_AST_OR:
        return bind_or(n, ast, out, err);
    case OV_AST_NOT:
        return bind_operator(n, ast, "NOT", out, err);
    case OV_AST_CONCAT:
        return bind_operator(n, ast, "||", out, err);
    case OV_AST_IS:
        return bind_is(n, ast, out, err);
    case OV_AST_DISTINCT_FROM:
        return bind_operator(
            n, ast, ast->flags & OV_AST_NEGATED ? "IS NOT DISTINCT FROM" : "IS DISTINCT FROM", out,
            err);
    case OV_AST_BETWEEN:
        return bind_between(n, ast, out, err);
    case OV_AST_LIKE:
        return bind_like(n, ast, out, err);
    case OV_AST_IN_LIST:
        return ovi_sql_bind_in(n, ast, out, err);
    case OV_AST_CASE:
        return bind_case(n, ast, out, err);
    case OV_AST_CAST:
        return bind_cast(n, ast, out, err);
    case OV_AST_CALL:
        return ovi_sql_bind_call(n, ast, out, err);
    case OV_AST_IN_QUERY:
        return ovi_sql_bind_in_query(n, ast, out, err);
    case OV_AST_QUANTIFIED:
        return ovi_sql_bind_quantified(n, ast, out, err);
    case OV_AST_EXISTS:
        return ovi_sql_bind_exists(n, ast, out, err);
    case OV_AST_SUBQUERY:
        return ovi_sql_bind_scalar(n, ast, out, err);
    case OV_AST_ARRAY:
        return bind_operator(n, ast, "ARRAY", out, err);
    case OV_AST_ITEM:
        return bind_item(n, ast, out, err);
    case OV_AST_ROW:
        return unsupported(n, ast, "A row as a value is", err);
    case OV_AST_STAR:
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL,
                                 "'*' only stands in a select list and in COUNT(*)");
    default:
        return ovi_sql_fail_node(n->b, ast, OV_INVALID, err, NULL, "%s is no expression",
                                 ov_ast_kind_name(ast->kind));
    }
}

/* A CASE that is compared, or tested in another way. */
static const ov_ast *tested_case(const ov_ast *ast)
{
    bool tests = ast->kind == OV_AST_IS || ast->kind == OV_AST_LIKE || ast->kind == OV_AST_BETWEEN || ast->kind == OV_AST_IN_LIST ||
                 ast->kind == OV_AST_DISTINCT_FROM || (ast->kind == OV_AST_BINARY && ast->op <= OV_AST_OP_GE);
    for (uint32_t i = 0; tests && i < ast->kid_count; i++)
        if (ast->kids[i] && ast->kids[i]->kind == OV_AST_CASE)
            return ast->kids[i];
    return NULL;
}

/* Part of a condition: AND, OR and NOT join what holds for a row. The planner of Druid tests the branches of a CASE instead of the CASE, so
 * that is decided once a row as well. */
static OV_CHECKED ov_status bind_part(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out, ov_error *err)
{
    const ov_ast *whole = tested_case(ast);
    const char *name = ast->kind == OV_AST_AND ? "AND" : ast->kind == OV_AST_OR ? "OR" : ast->kind == OV_AST_NOT ? "NOT" : NULL;
    if (whole) {
        ovi_sql_names inner = *n;
        inner.whole_case = whole;
        return ovi_sql_bind_expr(&inner, ast, out, err);
    }
    if (!name)
        return ovi_sql_bind_expr(n, ast, out, err);
    OV_TRY(ovi_sql_match_key(n, ast, NULL, out, err));
    if (*out)
        return OV_OK;
    const ov_expr **args;
    OV_TRY(ov_arena_alloc(n->b->arena, (ast->kid_count + (size_t)1) * sizeof *args, &args, err));
    for (uint32_t i = 0; i < ast->kid_count; i++)
        OV_TRY(bind_part(n, ast->kids[i], &args[i], err));
    if (ast->kind == OV_AST_OR)
        return ovi_sql_bind_or(n, ast, args, out, err);
    return apply_each(n->b, ast, name, args, ast->kid_count, out, err);
}

ov_status ovi_sql_bind_condition(ovi_sql_names *n, const ov_ast *ast, const ov_expr **out,
                                 ov_error *err)
{
    OV_TRY(bind_part(n, ast, out, err));
    if ((*out)->sql == OV_SQL_NULL)
        return ov_expr_null(n->b->cx, OV_SQL_BOOLEAN, out, err);
    if ((*out)->sql != OV_SQL_BOOLEAN)
        return ovi_sql_fail_condition(n, ast, *out, err);
    return OV_OK;
}
