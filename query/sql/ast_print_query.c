/*
 * Trees of queries and statements back to SQL; what stands inside them is in ast_print.c.
 */
#include "query/sql/ast_print.h"

static void print_query(const ov_ast *node, ov_buf *out)
{
    if (node->kids[OV_QUERY_WITH]) {
        ov_buf_add_str(out, "WITH ");
        ovi_print_list(node->kids[OV_QUERY_WITH], out);
        ov_buf_add_char(out, ' ');
    }
    ov_ast_print(node->kids[OV_QUERY_BODY], out);
    if (node->kids[OV_QUERY_ORDER]) {
        ov_buf_add_str(out, " ORDER BY ");
        ovi_print_list(node->kids[OV_QUERY_ORDER], out);
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
        ovi_print_parens(node->kids[OV_JOIN_USING], out);
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
        ovi_print_parens(node->kids[0], out);
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
        ovi_print_parens(node->kids[1], out);
    }
}

static void print_pivot(const ov_ast *node, ov_buf *out)
{
    bool un = node->kind == OV_AST_UNPIVOT;
    ov_ast_print(node->kids[0], out);
    ov_buf_add_str(out, un ? " UNPIVOT " : " PIVOT (");
    if (un) {
        ov_buf_add_str(out, node->flags & OV_AST_INCLUDE_NULLS ? "INCLUDE NULLS (" : "(");
        ovi_print_parens(node->kids[1], out);
    } else {
        ovi_print_list(node->kids[1], out);
    }
    ov_buf_add_str(out, " FOR ");
    ovi_print_parens(node->kids[2], out);
    ov_buf_add_str(out, " IN ");
    ovi_print_parens(node->kids[3], out);
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
        ovi_print_parens(node->kids[2], out);
    }
}

static void print_insert(const ov_ast *node, ov_buf *out)
{
    bool replace = node->flags & OV_AST_REPLACE;
    ov_buf_add_str(out, replace ? "REPLACE INTO " : "INSERT INTO ");
    ov_ast_print(node->kids[OV_INSERT_TARGET], out);
    if (node->kids[OV_INSERT_COLUMNS]) {
        ov_buf_add_char(out, ' ');
        ovi_print_parens(node->kids[OV_INSERT_COLUMNS], out);
    }
    if (node->text.n)
        ov_buf_addf(out, " AS %.*s", OV_SLICE_WHOLE(node->text));
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
        ovi_print_list(node->kids[OV_INSERT_CLUSTERED], out);
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

void ovi_print_statement(const ov_ast *node, ov_buf *out)
{
    switch (node->kind) {
    case OV_AST_SCRIPT:
        print_script(node, out);
        break;
    case OV_AST_SET:
        print_set(node, out);
        break;
    case OV_AST_EXPLAIN:
        ovi_print_pair(node, node->flags & OV_AST_ANALYZE ? "EXPLAIN ANALYZE " : "EXPLAIN PLAN FOR ",
                   "", "", out);
        break;
    case OV_AST_INSERT:
        print_insert(node, out);
        break;
    case OV_AST_CTE:
        ov_ast_print(node->kids[0], out);
        if (node->kids[1]) {
            ov_buf_add_char(out, ' ');
            ovi_print_parens(node->kids[1], out);
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
        ovi_print_list(node, out);
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
        ovi_print_parens(node->kids[0], out);
        ov_buf_add_str(out, node->kids[1] ? " AS " : "");
        ov_ast_print(node->kids[1], out);
        break;
    default:
        print_source(node, out);
        break;
    }
}
