/*
 * The tree back to SQL, one function per family of nodes. Operators are put in parentheses in full,
 * since the tree does not remember the ones that were written. Queries and statements: ast_print_query.c.
 */
#include "query/sql/ast_print.h"

void ovi_print_list(const ov_ast *list, ov_buf *out)
{
    for (uint32_t i = 0; list && i < list->kid_count; i++) {
        if (i)
            ov_buf_add_str(out, ", ");
        ov_ast_print(list->kids[i], out);
    }
}

void ovi_print_parens(const ov_ast *list, ov_buf *out)
{
    ov_buf_add_char(out, '(');
    ovi_print_list(list, out);
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
        ovi_print_parens(node->kids[1], out);
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
        ovi_print_parens(node, out);
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
        ovi_print_list(node->kids[OV_CALL_ORDER], out);
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
        ovi_print_list(node->kids[OV_WINDOW_PARTITION], out);
        space = " ";
    }
    if (node->kids[OV_WINDOW_ORDER]) {
        ov_buf_addf(out, "%sORDER BY ", space);
        ovi_print_list(node->kids[OV_WINDOW_ORDER], out);
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
        ov_buf_add_str(out, node->op == OV_FRAME_ROWS ? "ROWS " : node->op == OV_FRAME_RANGE ? "RANGE " : "GROUPS ");
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

static void print_sort_key(const ov_ast *node, ov_buf *out)
{
    ov_ast_print(node->kids[0], out);
    ov_buf_add_str(out, node->flags & OV_AST_DESC ? " DESC" : "");
    ov_buf_add_str(out, node->flags & OV_AST_NULLS_FIRST ? " NULLS FIRST" : "");
    ov_buf_add_str(out, node->flags & OV_AST_NULLS_LAST ? " NULLS LAST" : "");
}

void ovi_print_pair(const ov_ast *node, const char *before, const char *between, const char *after, ov_buf *out)
{
    ov_buf_add_str(out, before);
    ov_ast_print(ov_ast_kid(node, 0), out);
    ov_buf_add_str(out, between);
    ov_ast_print(ov_ast_kid(node, 1), out);
    ov_buf_add_str(out, after);
}

/* Kinds that are words around one or two parts. */
static const struct {
    const char *before, *between, *after;
} pairs[OV_AST_KIND_COUNT] = {
    [OV_AST_NOT] = {"(NOT ", "", ")"},       [OV_AST_EXISTS] = {"EXISTS (", "", ")"}, [OV_AST_SUBQUERY] = {"(", "", ")"},
    [OV_AST_CAST] = {"CAST(", " AS ", ")"},  [OV_AST_NAMED_ARG] = {"", " => ", ""},   [OV_AST_ITEM] = {"", "[", "]"},
    [OV_AST_ALIAS] = {"", " AS ", ""},       [OV_AST_COLUMN_DEF] = {"", " ", ""},     [OV_AST_WINDOW_DEF] = {"", " AS ", ""},
};

static void print_words(const ov_ast *node, const char *words, ov_buf *out)
{
    ov_buf_add_str(out, words);
    ovi_print_parens(node, out);
}

void ov_ast_print(const ov_ast *node, ov_buf *out)
{
    static const char *const binary_ops[] = {"",     " = ", " <> ", " < ", " <= ", " > ",
                                             " >= ", " + ", " - ",  " * ", " / ",  " % "};
    if (!node)
        return;
    if (pairs[node->kind].before) {
        ovi_print_pair(node, pairs[node->kind].before, pairs[node->kind].between, pairs[node->kind].after, out);
        return;
    }
    switch ((ov_ast_kind)node->kind) {
    case OV_AST_LIST:
        ovi_print_list(node, out);
        return;
    case OV_AST_NAME:
        print_name(node, out);
        return;
    case OV_AST_PATH:
        print_path(node, out);
        return;
    case OV_AST_STAR:
        ovi_print_pair(node, "", node->kids[0] ? "." : "", "*", out);
        return;
    case OV_AST_UNARY:
        ovi_print_pair(node, node->op == '-' ? "(- " : "(+ ", "", ")", out);
        return;
    case OV_AST_BINARY:
        ovi_print_pair(node, "(", binary_ops[node->op], ")", out);
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
    case OV_AST_QUANTIFIED:
        ov_buf_add_char(out, '(');
        ov_ast_print(node->kids[0], out);
        ov_buf_addf(out, "%s%s (", binary_ops[node->op], node->flags & OV_AST_ALL ? "ALL" : "ANY");
        ov_ast_print(node->kids[1], out);
        ov_buf_add_str(out, "))");
        return;
    case OV_AST_CASE:
        print_case(node, out);
        return;
    case OV_AST_CALL:
        print_call(node, out);
        return;
    case OV_AST_ROW:
        print_words(node, node->kid_count == 1 ? "ROW" : "", out);
        return;
    case OV_AST_ARRAY:
        ov_buf_add_str(out, "ARRAY[");
        ovi_print_list(node, out);
        ov_buf_add_char(out, ']');
        return;
    case OV_AST_TYPE:
        print_type(node, out);
        return;
    case OV_AST_SORT_KEY:
        print_sort_key(node, out);
        return;
    case OV_AST_GROUPING_SETS:
        print_words(node, "GROUPING SETS ", out);
        return;
    case OV_AST_ROLLUP:
        print_words(node, "ROLLUP ", out);
        return;
    case OV_AST_CUBE:
        print_words(node, "CUBE ", out);
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
        ovi_print_statement(node, out);
        return;
    }
}
