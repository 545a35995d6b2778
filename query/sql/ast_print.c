/*
 * The tree back to SQL, one function per family of nodes. Operators are put in parentheses in full,
 * since the tree does not remember the ones that were written.
 */
#include "query/sql/ast.h"

static void print_list(const ov_ast *list, ov_buf *out)
{
    for (uint32_t i = 0; list && i < list->kid_count; i++) {
        if (i)
            ov_buf_add_str(out, ", ");
        ov_ast_print(list->kids[i], out);
    }
}

static void print_parens(const ov_ast *list, ov_buf *out)
{
    ov_buf_add_char(out, '(');
    print_list(list, out);
    ov_buf_add_char(out, ')');
}

static void print_quoted(ov_slice text, char quote, ov_buf *out)
{
    ov_buf_add_char(out, quote);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == quote)
            ov_buf_add_char(out, quote);
        ov_buf_add_char(out, text.p[i]);
    }
    ov_buf_add_char(out, quote);
}

/* A string; a NUL byte (from U&'\0000') can only be written as an escape again. */
static void print_string(ov_slice text, ov_buf *out)
{
    if (!text.n || !memchr(text.p, 0, text.n)) {
        print_quoted(text, '\'', out);
        return;
    }
    ov_buf_add_str(out, "U&'");
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == 0)
            ov_buf_add_str(out, "\\0000");
        else if (c == '\'' || c == '\\')
            ov_buf_addf(out, "%c%c", c, c);
        else
            ov_buf_add_char(out, c);
    }
    ov_buf_add_char(out, '\'');
}

static void print_name(const ov_ast *node, ov_buf *out)
{
    if (node->flags & OV_AST_QUOTED)
        print_quoted(node->text, '"', out);
    else
        ov_buf_add_slice(out, node->text);
}

static void print_path(const ov_ast *node, ov_buf *out)
{
    for (uint32_t i = 0; i < node->kid_count; i++) {
        if (i)
            ov_buf_add_char(out, '.');
        ov_ast_print(node->kids[i], out);
    }
}

static void print_interval(const ov_ast *node, ov_buf *out)
{
    ov_buf_add_str(out, node->flags & OV_AST_NEGATED ? "INTERVAL -" : "INTERVAL ");
    print_quoted(node->text, '\'', out);
    ov_buf_add_char(out, ' ');
    ov_ast_print(ov_ast_kid(node, 0), out);
    if (ov_ast_kid(node, 1)) {
        ov_buf_add_str(out, " TO ");
        ov_ast_print(node->kids[1], out);
    }
}

static void print_literal(const ov_ast *node, ov_buf *out)
{
    switch (node->kind) {
    case OV_AST_STRING:
        print_string(node->text, out);
        return;
    case OV_AST_BOOLEAN:
        ov_buf_add_str(out, node->op ? "TRUE" : "FALSE");
        return;
    case OV_AST_NULL:
        ov_buf_add_str(out, "NULL");
        return;
    case OV_AST_PARAM:
        ov_buf_add_char(out, '?');
        return;
    case OV_AST_INTERVAL:
        print_interval(node, out);
        return;
    case OV_AST_TIMESTAMP:
    case OV_AST_DATE:
    case OV_AST_TIME:
        ov_buf_addf(out, "%s ", ov_ast_kind_name(node->kind));
        print_quoted(node->text, '\'', out);
        return;
    default:
        ov_buf_add_slice(out, node->text);
        return;
    }
}

/* (a OP b OP c) */
static void print_chain(const ov_ast *node, const char *op, ov_buf *out)
{
    ov_buf_add_char(out, '(');
    for (uint32_t i = 0; i < node->kid_count; i++) {
        if (i)
            ov_buf_add_str(out, op);
        ov_ast_print(node->kids[i], out);
    }
    ov_buf_add_char(out, ')');
}

static void print_is(const ov_ast *node, ov_buf *out)
{
    static const char *const what[] = {"", "NULL", "TRUE", "FALSE", "UNKNOWN"};
    ov_buf_add_char(out, '(');
    ov_ast_print(node->kids[0], out);
    ov_buf_addf(out, " IS %s%s)", node->flags & OV_AST_NEGATED ? "NOT " : "", what[node->op]);
}

static void print_pred(const ov_ast *node, ov_buf *out)
{
    ov_buf_add_char(out, '(');
    ov_ast_print(node->kids[0], out);
    if (node->kind == OV_AST_DISTINCT_FROM)
        ov_buf_add_str(out, node->flags & OV_AST_NEGATED ? " IS NOT DISTINCT FROM "
                                                         : " IS DISTINCT FROM ");
    else if (node->flags & OV_AST_NEGATED)
        ov_buf_add_str(out, " NOT");
    switch (node->kind) {
    case OV_AST_DISTINCT_FROM:
        ov_ast_print(node->kids[1], out);
        break;
    case OV_AST_BETWEEN:
        ov_buf_add_str(out, node->flags & OV_AST_SYMMETRIC ? " BETWEEN SYMMETRIC " : " BETWEEN ");
        ov_ast_print(node->kids[1], out);
        ov_buf_add_str(out, " AND ");
        ov_ast_print(node->kids[2], out);
        break;
    case OV_AST_LIKE:
        ov_buf_add_str(out, " LIKE ");
        ov_ast_print(node->kids[1], out);
        if (node->kids[2]) {
            ov_buf_add_str(out, " ESCAPE ");
            ov_ast_print(node->kids[2], out);
        }
        break;
    case OV_AST_IN_LIST:
        ov_buf_add_str(out, " IN ");
        print_parens(node->kids[1], out);
        break;
    default: /* IN_QUERY */
        ov_buf_add_str(out, " IN (");
        ov_ast_print(node->kids[1], out);
        ov_buf_add_char(out, ')');
        break;
    }
    ov_buf_add_char(out, ')');
}

static void print_case(const ov_ast *node, ov_buf *out)
{
    ov_buf_add_str(out, "CASE");
    if (node->kids[0]) {
        ov_buf_add_char(out, ' ');
        ov_ast_print(node->kids[0], out);
    }
    const ov_ast *whens = node->kids[1];
    for (uint32_t i = 0; i < whens->kid_count; i++) {
        ov_buf_add_str(out, " WHEN ");
        ov_ast_print(whens->kids[i]->kids[0], out);
        ov_buf_add_str(out, " THEN ");
        ov_ast_print(whens->kids[i]->kids[1], out);
    }
    if (node->kids[2]) {
        ov_buf_add_str(out, " ELSE ");
        ov_ast_print(node->kids[2], out);
    }
    ov_buf_add_str(out, " END");
}

static void print_type(const ov_ast *node, ov_buf *out)
{
    size_t head = node->text.n;
    unsigned words = node->op; /* this many stand in front of the parentheses; 0: all */
    for (size_t i = 0; words && i < node->text.n; i++) {
        if (node->text.p[i] == ' ' && --words == 0)
            head = i;
    }
    ov_buf_add(out, node->text.p, head);
    if (node->kid_count)
        print_parens(node, out);
    ov_buf_add(out, node->text.p + head, node->text.n - head);
}

/* The words between arguments of the forms that have them. */
static void print_arguments(const ov_ast *call, ov_buf *out)
{
    const ov_ast *args = call->kids[OV_CALL_ARGS];
    static const char *const between[][2] = {
        [OV_FORM_CALL] = {", ", ", "},      [OV_FORM_EXTRACT] = {" FROM ", ""},
        [OV_FORM_ROUND_TO] = {" TO ", ""},  [OV_FORM_POSITION] = {" IN ", " FROM "},
        [OV_FORM_TRIM] = {" ", " FROM "},   [OV_FORM_SUBSTRING] = {" FROM ", " FOR "},
        [OV_FORM_RETURNING] = {", ", ", "}, [OV_FORM_KEY_VALUE] = {" VALUE ", ", "},
    };
    for (uint32_t i = 0; i < args->kid_count; i++) {
        const char *word = between[call->op][(i - 1) & 1];
        if (call->op == OV_FORM_RETURNING && i + 1 == args->kid_count)
            word = " RETURNING ";
        else if (call->op == OV_FORM_TRIM && args->kid_count == 2)
            word = " FROM ";
        else if (call->op == OV_FORM_CALL)
            word = ", ";
        if (i)
            ov_buf_add_str(out, word);
        if (call->op == OV_FORM_KEY_VALUE && (i & 1) == 0)
            ov_buf_add_str(out, "KEY ");
        ov_ast_print(args->kids[i], out);
    }
}

static void print_call(const ov_ast *node, ov_buf *out)
{
    print_name(node, out);
    ov_buf_add_char(out, '(');
    if (node->flags & OV_AST_DISTINCT)
        ov_buf_add_str(out, "DISTINCT ");
    if (node->flags & OV_AST_ALL)
        ov_buf_add_str(out, "ALL ");
    print_arguments(node, out);
    if (node->kids[OV_CALL_ORDER]) {
        ov_buf_add_str(out, " ORDER BY ");
        print_list(node->kids[OV_CALL_ORDER], out);
    }
    ov_buf_add_char(out, ')');
    if (node->flags & OV_AST_IGNORE_NULLS)
        ov_buf_add_str(out, " IGNORE NULLS");
    if (node->kids[OV_CALL_FILTER]) {
        ov_buf_add_str(out, " FILTER (WHERE ");
        ov_ast_print(node->kids[OV_CALL_FILTER], out);
        ov_buf_add_char(out, ')');
    }
    if (node->kids[OV_CALL_OVER]) {
        ov_buf_add_str(out, " OVER ");
        ov_ast_print(node->kids[OV_CALL_OVER], out);
    }
}

static void print_window(const ov_ast *node, ov_buf *out)
{
    const char *space = "";
    ov_buf_add_char(out, '(');
    if (node->kids[OV_WINDOW_BASE]) {
        ov_ast_print(node->kids[OV_WINDOW_BASE], out);
        space = " ";
    }
    if (node->kids[OV_WINDOW_PARTITION]) {
        ov_buf_addf(out, "%sPARTITION BY ", space);
        print_list(node->kids[OV_WINDOW_PARTITION], out);
        space = " ";
    }
    if (node->kids[OV_WINDOW_ORDER]) {
        ov_buf_addf(out, "%sORDER BY ", space);
        print_list(node->kids[OV_WINDOW_ORDER], out);
        space = " ";
    }
    if (node->kids[OV_WINDOW_FRAME]) {
        ov_buf_add_str(out, space);
        ov_ast_print(node->kids[OV_WINDOW_FRAME], out);
    }
    ov_buf_add_char(out, ')');
}

static void print_frame(const ov_ast *node, ov_buf *out)
{
    if (node->kind == OV_AST_FRAME) {
        ov_buf_add_str(out, node->op == OV_FRAME_ROWS ? "ROWS " : "RANGE ");
        if (node->kids[1])
            ov_buf_add_str(out, "BETWEEN ");
        ov_ast_print(node->kids[0], out);
        if (node->kids[1]) {
            ov_buf_add_str(out, " AND ");
            ov_ast_print(node->kids[1], out);
        }
        return;
    }
    static const char *const bounds[] = {"",           "UNBOUNDED PRECEDING",
                                         " PRECEDING", "CURRENT ROW",
                                         " FOLLOWING", "UNBOUNDED FOLLOWING"};
    ov_ast_print(node->kids[0], out);
    ov_buf_add_str(out, bounds[node->op]);
}

static void print_query(const ov_ast *node, ov_buf *out)
{
    if (node->kids[OV_QUERY_WITH]) {
        ov_buf_add_str(out, "WITH ");
        print_list(node->kids[OV_QUERY_WITH], out);
        ov_buf_add_char(out, ' ');
    }
    ov_ast_print(node->kids[OV_QUERY_BODY], out);
    if (node->kids[OV_QUERY_ORDER]) {
        ov_buf_add_str(out, " ORDER BY ");
        print_list(node->kids[OV_QUERY_ORDER], out);
    }
    if (node->kids[OV_QUERY_LIMIT]) {
        ov_buf_add_str(out, " LIMIT ");
        ov_ast_print(node->kids[OV_QUERY_LIMIT], out);
    }
    if (node->kids[OV_QUERY_OFFSET]) {
        ov_buf_add_str(out, " OFFSET ");
        ov_ast_print(node->kids[OV_QUERY_OFFSET], out);
    }
}

static void print_select(const ov_ast *node, ov_buf *out)
{
    static const char *const clauses[] = {"SELECT ",    " FROM ",   " WHERE ",
                                          " GROUP BY ", " HAVING ", " WINDOW ", " QUALIFY "};
    for (uint32_t i = 0; i < OV_SELECT_KIDS; i++) {
        const ov_ast *kid = node->kids[i];
        if (!kid)
            continue;
        ov_buf_add_str(out, clauses[i]);
        if (i == OV_SELECT_ITEMS && (node->flags & OV_AST_DISTINCT))
            ov_buf_add_str(out, "DISTINCT ");
        ov_ast_print(kid, out);
    }
}

static void print_set_op(const ov_ast *node, ov_buf *out)
{
    static const char *const ops[] = {"", "UNION", "INTERSECT", "EXCEPT"};
    for (uint32_t i = 0; i < node->kid_count; i++) {
        const ov_ast *kid = node->kids[i];
        if (i)
            ov_buf_addf(out, " %s%s ", ops[node->op], node->flags & OV_AST_ALL ? " ALL" : "");
        bool parens = kid->kind == OV_AST_SET_OP || kid->kind == OV_AST_QUERY;
        ov_buf_add_str(out, parens ? "(" : "");
        ov_ast_print(kid, out);
        ov_buf_add_str(out, parens ? ")" : "");
    }
}

static void print_join(const ov_ast *node, ov_buf *out)
{
    static const char *const ops[] = {
        "", ", ", " CROSS JOIN ", " JOIN ", " LEFT JOIN ", " RIGHT JOIN ", " FULL JOIN "};
    const ov_ast *right = node->kids[OV_JOIN_RIGHT_KID];
    bool parens = right->kind == OV_AST_JOIN;
    ov_ast_print(node->kids[OV_JOIN_LEFT_KID], out);
    ov_buf_add_str(out, node->flags & OV_AST_NATURAL ? " NATURAL" : "");
    ov_buf_add_str(out, ops[node->op]);
    ov_buf_add_str(out, parens ? "(" : "");
    ov_ast_print(right, out);
    ov_buf_add_str(out, parens ? ")" : "");
    if (node->kids[OV_JOIN_ON]) {
        ov_buf_add_str(out, " ON ");
        ov_ast_print(node->kids[OV_JOIN_ON], out);
    }
    if (node->kids[OV_JOIN_USING]) {
        ov_buf_add_str(out, " USING ");
        print_parens(node->kids[OV_JOIN_USING], out);
    }
}

static void print_source(const ov_ast *node, ov_buf *out)
{
    switch (node->kind) {
    case OV_AST_TABLE_CALL:
        ov_buf_add_str(out, "TABLE(");
        ov_ast_print(node->kids[0], out);
        ov_buf_add_char(out, ')');
        break;
    case OV_AST_UNNEST:
        ov_buf_add_str(out, "UNNEST");
        print_parens(node->kids[0], out);
        ov_buf_add_str(out, node->flags & OV_AST_ORDINALITY ? " WITH ORDINALITY" : "");
        return;
    case OV_AST_DERIVED:
        ov_buf_add_str(out, node->flags & OV_AST_LATERAL ? "LATERAL (" : "(");
        ov_ast_print(node->kids[0], out);
        ov_buf_add_char(out, ')');
        return;
    case OV_AST_AS_OF:
        ov_ast_print(node->kids[0], out);
        ov_buf_add_str(out, " FOR SYSTEM_TIME AS OF (");
        ov_ast_print(node->kids[3], out);
        ov_buf_add_char(out, ')');
        return;
    default:
        ov_ast_print(node->kids[0], out);
        break;
    }
    if (node->kids[1]) {
        ov_buf_add_str(out, " EXTEND ");
        print_parens(node->kids[1], out);
    }
}

static void print_pivot(const ov_ast *node, ov_buf *out)
{
    bool un = node->kind == OV_AST_UNPIVOT;
    ov_ast_print(node->kids[0], out);
    ov_buf_add_str(out, un ? " UNPIVOT " : " PIVOT (");
    if (un) {
        ov_buf_add_str(out, node->flags & OV_AST_INCLUDE_NULLS ? "INCLUDE NULLS (" : "(");
        print_parens(node->kids[1], out);
    } else {
        print_list(node->kids[1], out);
    }
    ov_buf_add_str(out, " FOR ");
    print_parens(node->kids[2], out);
    ov_buf_add_str(out, " IN ");
    print_parens(node->kids[3], out);
    ov_buf_add_char(out, ')');
}

static void print_table_alias(const ov_ast *node, ov_buf *out)
{
    bool parens = node->kids[0]->kind == OV_AST_JOIN;
    ov_buf_add_str(out, parens ? "(" : "");
    ov_ast_print(node->kids[0], out);
    ov_buf_add_str(out, parens ? ") AS " : " AS ");
    ov_ast_print(node->kids[1], out);
    if (node->kids[2]) {
        ov_buf_add_char(out, ' ');
        print_parens(node->kids[2], out);
    }
}

static void print_insert(const ov_ast *node, ov_buf *out)
{
    bool replace = node->flags & OV_AST_REPLACE;
    ov_buf_add_str(out, replace ? "REPLACE INTO " : "INSERT INTO ");
    ov_ast_print(node->kids[OV_INSERT_TARGET], out);
    if (node->kids[OV_INSERT_COLUMNS]) {
        ov_buf_add_char(out, ' ');
        print_parens(node->kids[OV_INSERT_COLUMNS], out);
    }
    if (node->text.n)
        ov_buf_addf(out, " AS %.*s", OV_SLICE_ARG(node->text));
    if (replace && (node->flags & OV_AST_ALL))
        ov_buf_add_str(out, " OVERWRITE ALL");
    if (node->kids[OV_INSERT_WHERE]) {
        ov_buf_add_str(out, " OVERWRITE WHERE ");
        ov_ast_print(node->kids[OV_INSERT_WHERE], out);
    }
    ov_buf_add_char(out, ' ');
    ov_ast_print(node->kids[OV_INSERT_QUERY], out);
    if (node->kids[OV_INSERT_PARTITIONED]) {
        ov_buf_add_str(out, " PARTITIONED BY ");
        ov_ast_print(node->kids[OV_INSERT_PARTITIONED], out);
    }
    if (node->kids[OV_INSERT_CLUSTERED]) {
        ov_buf_add_str(out, " CLUSTERED BY ");
        print_list(node->kids[OV_INSERT_CLUSTERED], out);
    }
}

static void print_script(const ov_ast *node, ov_buf *out)
{
    const ov_ast *sets = node->kids[0];
    for (uint32_t i = 0; sets && i < sets->kid_count; i++) {
        ov_ast_print(sets->kids[i], out);
        ov_buf_add_str(out, "; ");
    }
    ov_ast_print(node->kids[1], out);
}

static void print_sort_key(const ov_ast *node, ov_buf *out)
{
    ov_ast_print(node->kids[0], out);
    ov_buf_add_str(out, node->flags & OV_AST_DESC ? " DESC" : "");
    ov_buf_add_str(out, node->flags & OV_AST_NULLS_FIRST ? " NULLS FIRST" : "");
    ov_buf_add_str(out, node->flags & OV_AST_NULLS_LAST ? " NULLS LAST" : "");
}

/* A, then the words, then B: the many kinds with two kids. */
static void print_pair(const ov_ast *node, const char *before, const char *between,
                       const char *after, ov_buf *out)
{
    ov_buf_add_str(out, before);
    ov_ast_print(ov_ast_kid(node, 0), out);
    ov_buf_add_str(out, between);
    ov_ast_print(ov_ast_kid(node, 1), out);
    ov_buf_add_str(out, after);
}

/* SET takes a sign in front of a number, but no parentheses. */
static void print_set(const ov_ast *node, ov_buf *out)
{
    const ov_ast *value = node->kids[1];
    bool minus = value->kind == OV_AST_UNARY;
    ov_buf_add_str(out, "SET ");
    ov_ast_print(node->kids[0], out);
    ov_buf_add_str(out, minus ? " = -" : " = ");
    ov_ast_print(minus ? value->kids[0] : value, out);
}

static void print_statement(const ov_ast *node, ov_buf *out)
{
    switch (node->kind) {
    case OV_AST_SCRIPT:
        print_script(node, out);
        break;
    case OV_AST_SET:
        print_set(node, out);
        break;
    case OV_AST_EXPLAIN:
        print_pair(node, node->flags & OV_AST_ANALYZE ? "EXPLAIN ANALYZE " : "EXPLAIN PLAN FOR ",
                   "", "", out);
        break;
    case OV_AST_INSERT:
        print_insert(node, out);
        break;
    case OV_AST_CTE:
        ov_ast_print(node->kids[0], out);
        if (node->kids[1]) {
            ov_buf_add_char(out, ' ');
            print_parens(node->kids[1], out);
        }
        ov_buf_add_str(out, " AS (");
        ov_ast_print(node->kids[2], out);
        ov_buf_add_char(out, ')');
        break;
    case OV_AST_QUERY:
        print_query(node, out);
        break;
    case OV_AST_SELECT:
        print_select(node, out);
        break;
    case OV_AST_VALUES:
        ov_buf_add_str(out, "VALUES ");
        print_list(node, out);
        break;
    case OV_AST_SET_OP:
        print_set_op(node, out);
        break;
    case OV_AST_JOIN:
        print_join(node, out);
        break;
    case OV_AST_TABLE_ALIAS:
        print_table_alias(node, out);
        break;
    case OV_AST_PIVOT:
    case OV_AST_UNPIVOT:
        print_pivot(node, out);
        break;
    case OV_AST_UNPIVOT_ITEM:
        print_parens(node->kids[0], out);
        ov_buf_add_str(out, node->kids[1] ? " AS " : "");
        ov_ast_print(node->kids[1], out);
        break;
    default:
        print_source(node, out);
        break;
    }
}

void ov_ast_print(const ov_ast *node, ov_buf *out)
{
    static const char *const binary_ops[] = {"",     " = ", " <> ", " < ", " <= ", " > ",
                                             " >= ", " + ", " - ",  " * ", " / ",  " % "};
    if (!node)
        return;
    switch ((ov_ast_kind)node->kind) {
    case OV_AST_LIST:
        print_list(node, out);
        return;
    case OV_AST_NAME:
        print_name(node, out);
        return;
    case OV_AST_PATH:
        print_path(node, out);
        return;
    case OV_AST_STAR:
        print_pair(node, "", node->kids[0] ? "." : "", "*", out);
        return;
    case OV_AST_UNARY:
        print_pair(node, node->op == '-' ? "(- " : "(+ ", "", ")", out);
        return;
    case OV_AST_BINARY:
        print_pair(node, "(", binary_ops[node->op], ")", out);
        return;
    case OV_AST_AND:
        print_chain(node, " AND ", out);
        return;
    case OV_AST_OR:
        print_chain(node, " OR ", out);
        return;
    case OV_AST_CONCAT:
        print_chain(node, " || ", out);
        return;
    case OV_AST_NOT:
        print_pair(node, "(NOT ", "", ")", out);
        return;
    case OV_AST_IS:
        print_is(node, out);
        return;
    case OV_AST_DISTINCT_FROM:
    case OV_AST_BETWEEN:
    case OV_AST_LIKE:
    case OV_AST_IN_LIST:
    case OV_AST_IN_QUERY:
        print_pred(node, out);
        return;
    case OV_AST_EXISTS:
        print_pair(node, "EXISTS (", "", ")", out);
        return;
    case OV_AST_SUBQUERY:
        print_pair(node, "(", "", ")", out);
        return;
    case OV_AST_CASE:
        print_case(node, out);
        return;
    case OV_AST_CAST:
        print_pair(node, "CAST(", " AS ", ")", out);
        return;
    case OV_AST_CALL:
        print_call(node, out);
        return;
    case OV_AST_NAMED_ARG:
        print_pair(node, "", " => ", "", out);
        return;
    case OV_AST_ROW:
        ov_buf_add_str(out, node->kid_count == 1 ? "ROW" : "");
        print_parens(node, out);
        return;
    case OV_AST_ARRAY:
        ov_buf_add_str(out, "ARRAY[");
        print_list(node, out);
        ov_buf_add_char(out, ']');
        return;
    case OV_AST_ITEM:
        print_pair(node, "", "[", "]", out);
        return;
    case OV_AST_TYPE:
        print_type(node, out);
        return;
    case OV_AST_ALIAS:
        print_pair(node, "", " AS ", "", out);
        return;
    case OV_AST_COLUMN_DEF:
        print_pair(node, "", " ", "", out);
        return;
    case OV_AST_SORT_KEY:
        print_sort_key(node, out);
        return;
    case OV_AST_GROUPING_SETS:
        ov_buf_add_str(out, "GROUPING SETS ");
        print_parens(node, out);
        return;
    case OV_AST_ROLLUP:
        ov_buf_add_str(out, "ROLLUP ");
        print_parens(node, out);
        return;
    case OV_AST_CUBE:
        ov_buf_add_str(out, "CUBE ");
        print_parens(node, out);
        return;
    case OV_AST_WINDOW_DEF:
        print_pair(node, "", " AS ", "", out);
        return;
    case OV_AST_WINDOW:
        print_window(node, out);
        return;
    case OV_AST_FRAME:
    case OV_AST_BOUND:
        print_frame(node, out);
        return;
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
        print_literal(node, out);
        return;
    default:
        print_statement(node, out);
        return;
    }
}
