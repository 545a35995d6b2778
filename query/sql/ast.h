/*
 * The syntax tree of Druid SQL.
 *
 * One node type for everything: a kind, an operator, flags, the byte range of the source it came
 * from and its kids by position (ast_kinds.def says what stands where; an absent optional kid is
 * NULL). That keeps printing, comparing and walking generic. Chains of AND, OR, || and set
 * operators are one node with many kids, so a filter of a hundred thousand ORs is flat; what still
 * nests is at most OV_SQL_MAX_DEPTH deep, so walkers may recurse.
 *
 * All nodes live in the arena they were parsed into, and `text` borrows from it. A tree is
 * read-only once ov_sql_parse has returned it.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum {
    OV_SQL_MAX_DEPTH = 1000,           /* of the tree, and of open parentheses */
    OV_SQL_MAX_TEXT_BYTES = 256 << 20, /* of one statement */
};

typedef enum ov_ast_kind {
#define OV_AST_KIND(name) OV_AST_##name,
#include "query/sql/ast_kinds.def"
#undef OV_AST_KIND
    OV_AST_KIND_COUNT
} ov_ast_kind;

/* ov_ast.op, by kind */
enum {
    OV_AST_OP_EQ = 1,
    OV_AST_OP_NE,
    OV_AST_OP_LT,
    OV_AST_OP_LE,
    OV_AST_OP_GT,
    OV_AST_OP_GE, /* BINARY */
    OV_AST_OP_ADD,
    OV_AST_OP_SUB,
    OV_AST_OP_MUL,
    OV_AST_OP_DIV,
    OV_AST_OP_MOD,
};
enum { OV_IS_NULL = 1, OV_IS_TRUE, OV_IS_FALSE, OV_IS_UNKNOWN };
enum { OV_SET_UNION = 1, OV_SET_INTERSECT, OV_SET_EXCEPT };
enum { OV_JOIN_COMMA = 1, OV_JOIN_CROSS, OV_JOIN_INNER, OV_JOIN_LEFT, OV_JOIN_RIGHT, OV_JOIN_FULL };
enum { OV_FRAME_ROWS = 1, OV_FRAME_RANGE, OV_FRAME_GROUPS };
enum {
    OV_BOUND_UNBOUNDED_PRECEDING = 1,
    OV_BOUND_PRECEDING,
    OV_BOUND_CURRENT_ROW,
    OV_BOUND_FOLLOWING,
    OV_BOUND_UNBOUNDED_FOLLOWING
};

/* How a CALL was written, where it was not f(a, b). The arguments stand in this order: */
enum {
    OV_FORM_CALL = 0,
    OV_FORM_EXTRACT,   /* EXTRACT(unit FROM x): NAME, x */
    OV_FORM_ROUND_TO,  /* FLOOR(x TO unit), CEIL: x, NAME */
    OV_FORM_POSITION,  /* POSITION(a IN b FROM n): a, b, n? */
    OV_FORM_TRIM,      /* TRIM(BOTH a FROM b): NAME, a?, b */
    OV_FORM_SUBSTRING, /* SUBSTRING(x FROM a FOR n): x, a, n? */
    OV_FORM_RETURNING, /* f(a, b RETURNING type): a, b, TYPE */
    OV_FORM_KEY_VALUE, /* JSON_OBJECT(KEY k VALUE v, ...): k, v, ... */
};

/* ov_ast.flags */
enum {
    OV_AST_QUOTED = 1 << 0,
    OV_AST_NEGATED = 1 << 1,
    OV_AST_SYMMETRIC = 1 << 2,
    OV_AST_DISTINCT = 1 << 3,
    OV_AST_ALL = 1 << 4,
    OV_AST_DESC = 1 << 5,
    OV_AST_NULLS_FIRST = 1 << 6,
    OV_AST_NULLS_LAST = 1 << 7,
    OV_AST_NATURAL = 1 << 8,
    OV_AST_LATERAL = 1 << 9,
    OV_AST_ORDINALITY = 1 << 10,
    OV_AST_ANALYZE = 1 << 11,
    OV_AST_REPLACE = 1 << 12,
    OV_AST_IGNORE_NULLS = 1 << 13,
    OV_AST_INCLUDE_NULLS = 1 << 14,
};

typedef struct ov_ast ov_ast;
struct ov_ast {
    uint8_t kind;
    uint8_t op;
    uint16_t depth; /* 1 for a leaf */
    uint16_t flags;
    uint16_t reserved;
    uint32_t pos, end_pos; /* bytes of the source text, [pos, end_pos) */
    uint32_t kid_count;
    uint32_t number; /* kids allocated; of a PARAM its position */
    ov_ast **kids;
    ov_slice text;
};

/* The kids of the kinds that have many, by name. */
enum {
    OV_QUERY_WITH,
    OV_QUERY_BODY,
    OV_QUERY_ORDER,
    OV_QUERY_OFFSET,
    OV_QUERY_LIMIT,
    OV_QUERY_KIDS
};
enum {
    OV_SELECT_ITEMS,
    OV_SELECT_FROM,
    OV_SELECT_WHERE,
    OV_SELECT_GROUP,
    OV_SELECT_HAVING,
    OV_SELECT_WINDOW,
    OV_SELECT_QUALIFY,
    OV_SELECT_KIDS
};
enum { OV_CALL_ARGS, OV_CALL_FILTER, OV_CALL_ORDER, OV_CALL_OVER, OV_CALL_KIDS };
enum { OV_JOIN_LEFT_KID, OV_JOIN_RIGHT_KID, OV_JOIN_ON, OV_JOIN_USING, OV_JOIN_KIDS };
enum { OV_WINDOW_BASE, OV_WINDOW_PARTITION, OV_WINDOW_ORDER, OV_WINDOW_FRAME, OV_WINDOW_KIDS };
enum {
    OV_INSERT_TARGET,
    OV_INSERT_COLUMNS,
    OV_INSERT_WHERE,
    OV_INSERT_QUERY,
    OV_INSERT_PARTITIONED,
    OV_INSERT_CLUSTERED,
    OV_INSERT_KIDS
};

typedef struct ov_sql_parsed {
    ov_ast *script;       /* SCRIPT */
    ov_slice text;        /* the statement, copied into the arena, NUL behind it */
    uint32_t param_count; /* number of "?" */
} ov_sql_parsed;

/* Parse one request: any number of SET statements and one statement. Errors carry the byte range
 * and, in the sentence, line and column as Druid writes them. */
OV_CHECKED ov_status ov_sql_parse(ov_slice text, ov_arena *arena, ov_sql_parsed *out,
                                  ov_error *err);

static inline ov_ast *ov_ast_kid(const ov_ast *node, uint32_t i)
{
    return node && i < node->kid_count ? node->kids[i] : NULL;
}

/* The name in ast_kinds.def, for dumps and tests. */
const char *ov_ast_kind_name(ov_ast_kind kind);

/* Same shape, operators, flags and texts; where in the source they stood does not matter. */
bool ov_ast_equal(const ov_ast *a, const ov_ast *b);
/* The same where parameters are equal when `same` says so of their numbers. */
bool ov_ast_equal_bound(const ov_ast *a, const ov_ast *b, bool (*same)(const void *self, uint32_t a, uint32_t b), const void *self);

/* SQL text that parses to an equal tree. Operators are parenthesised in full. */
void ov_ast_print(const ov_ast *node, ov_buf *out);

/* 1-based line and column (UTF-16 code units, as Java counts) of a byte offset. */
void ov_sql_line_column(ov_slice text, size_t pos, uint32_t *line, uint32_t *column);
