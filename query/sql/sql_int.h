/*
 * Shared inside query/sql: tokens, the lexer, the node builders that grammar actions call.
 *
 * Builders fail softly: after the first failure (kept in p->err) they return NULL and every later
 * call does nothing, so that grammar actions need no checks of their own.
 */
#pragma once

#include "query/sql/ast.h"

typedef struct ovi_sql_token {
    ov_slice
        text; /* as written; for a quoted name or string what is inside the quotes, still escaped */
    uint32_t pos, end_pos;
} ovi_sql_token;

typedef struct ovi_sql_lexer {
    ov_slice text; /* NUL-terminated */
    const char *at;
} ovi_sql_lexer;

typedef struct ovi_sql_parser {
    ov_arena *arena;
    ov_slice text;
    ov_error *err;
    ov_status st; /* first failure */
    bool syntax_error;
    ov_ast *script;
    uint32_t param_count;
} ovi_sql_parser;

typedef struct ovi_join_condition {
    ov_ast *on, *columns;
} ovi_join_condition;

typedef struct ovi_call_args {
    ov_ast *list, *order;
    uint16_t flags;
    uint8_t form;
} ovi_call_args;

typedef struct ovi_call_suffix {
    ov_ast *filter, *over, *order;
    uint16_t flags;
} ovi_call_suffix;

/* The next token: its code (grammar.h), 0 at the end of the text, -1 after a failure. */
int ovi_sql_lex(ovi_sql_lexer *lexer, ovi_sql_token *token, ov_error *err);

/* Which class keywords.def gives the word; OVI_WORD_NONE when it is none. *code is its token. */
typedef enum ovi_word_use {
    OVI_WORD_NONE,
    OVI_WORD_RESERVED,
    OVI_WORD_NAME,
    OVI_WORD_CALL,
    OVI_WORD_NOCALL,
    OVI_WORD_TEXT,
    OVI_WORD_BRACKET
} ovi_word_use;
ovi_word_use ovi_sql_keyword(ov_slice word, int *code);

/* ov_fail_at with Druid's " (line [1], column [8])" behind the sentence. */
ov_status ovi_sql_fail(ov_slice text, uint32_t pos, uint32_t end_pos, ov_status code, ov_error *err,
                       const char *fmt, ...) OV_PRINTF(6, 7);

/* Fail the parse, keeping the first failure. */
void ovi_sql_parse_fail(ovi_sql_parser *p, ov_status code, uint32_t pos, uint32_t end_pos,
                        const char *fmt, ...) OV_PRINTF(5, 6);

/* A node with `count` kids (ov_ast *, may be NULL); its span covers them. */
ov_ast *ovi_sql_node(ovi_sql_parser *p, ov_ast_kind kind, uint32_t count, ...);
ov_ast *ovi_sql_set_kid(ovi_sql_parser *p, ov_ast *node, uint32_t i, ov_ast *kid);
ov_ast *ovi_sql_leaf(ovi_sql_parser *p, ov_ast_kind kind, const ovi_sql_token *token);
ov_ast *ovi_sql_name(ovi_sql_parser *p, const ovi_sql_token *token, bool quoted);
ov_ast *ovi_sql_word(ovi_sql_parser *p, const char *word); /* a NAME that was left out */
ov_ast *ovi_sql_path(ovi_sql_parser *p, ov_ast *path, ov_ast *name);
ov_ast *ovi_sql_string(ovi_sql_parser *p, const ovi_sql_token *token);
ov_ast *ovi_sql_unicode_string(ovi_sql_parser *p, const ovi_sql_token *token,
                               const ovi_sql_token *escape);
ov_ast *ovi_sql_one(ovi_sql_parser *p, const ovi_sql_token *first,
                    const ovi_sql_token *last); /* INTEGER 1 */

/* A LIST-like node; append grows it, doubling. */
ov_ast *ovi_sql_list(ovi_sql_parser *p, ov_ast_kind kind, ov_ast *first);
ov_ast *ovi_sql_append(ovi_sql_parser *p, ov_ast *list, ov_ast *kid);
/* left OP right, where `a OP b OP c` is one node. */
ov_ast *ovi_sql_chain(ovi_sql_parser *p, ov_ast_kind kind, ov_ast *left, ov_ast *right);
/* The body of a QUERY that adds nothing to it: what (SELECT 1) is as an operand of UNION. */
ov_ast *ovi_sql_unwrap(ov_ast *query);
ov_ast *ovi_sql_set_op(ovi_sql_parser *p, uint8_t op, bool all, ov_ast *left, ov_ast *right);

/* Widen the span to these tokens; either may be NULL. These three return the node and take NULL. */
ov_ast *ovi_sql_span(ov_ast *node, const ovi_sql_token *first, const ovi_sql_token *last);
ov_ast *ovi_sql_op(ov_ast *node, uint8_t op);
ov_ast *ovi_sql_flag(ov_ast *node, uint16_t flags);
ov_ast *ovi_sql_kind(ov_ast *node, ov_ast_kind kind);

ov_ast *ovi_sql_binary(ovi_sql_parser *p, uint8_t op, ov_ast *left, ov_ast *right);
ov_ast *ovi_sql_is(ovi_sql_parser *p, ov_ast *value, uint8_t op, uint16_t flags,
                   const ovi_sql_token *last);
/* left OP ALL (query), or ANY without the flag ALL; = ANY is IN, <> ALL is NOT IN. */
ov_ast *ovi_sql_quantified(ovi_sql_parser *p, uint8_t op, uint16_t all, ov_ast *left, ov_ast *query);
ov_ast *ovi_sql_row(ovi_sql_parser *p, ov_ast *first,
                    ov_ast *rest); /* first: before the list, or NULL */
ov_ast *ovi_sql_type(ovi_sql_parser *p, ov_ast *words, ov_ast *args, ov_ast *more_words);
ov_ast *ovi_sql_interval(ovi_sql_parser *p, const ovi_sql_token *first, const ovi_sql_token *text,
                         ov_ast *unit, ov_ast *to_unit);
/* {d '2000-01-01'}, {t ...}, {ts ...} and {fn F(x)} as JDBC tools write them. */
ov_ast *ovi_sql_jdbc_literal(ovi_sql_parser *p, ov_ast *word, const ovi_sql_token *text,
                             const ovi_sql_token *first, const ovi_sql_token *last);
ov_ast *ovi_sql_jdbc_call(ovi_sql_parser *p, ov_ast *word, ov_ast *call, const ovi_sql_token *first,
                          const ovi_sql_token *last);
ov_ast *ovi_sql_bound(ovi_sql_parser *p, uint8_t op, ov_ast *distance, const ovi_sql_token *first,
                      const ovi_sql_token *last);
ov_ast *ovi_sql_alias_table(ovi_sql_parser *p, ov_ast *table, ov_ast *alias);
ov_ast *ovi_sql_select_all(ovi_sql_parser *p, const ovi_sql_token *first, ov_ast *table);

/* Calls. */
ov_ast *ovi_sql_call(ovi_sql_parser *p, ov_ast *name, const ovi_sql_token *open, ovi_call_args args,
                     const ovi_sql_token *close, ovi_call_suffix suffix);
ov_ast *ovi_sql_plain_call(ovi_sql_parser *p, const ovi_sql_token *name, ov_ast *args,
                           const ovi_sql_token *close);
ov_ast *ovi_sql_special(ovi_sql_parser *p, const ovi_sql_token *name, uint8_t form,
                        const ovi_sql_token *close, ov_ast *a, ov_ast *b, ov_ast *c);
ov_ast *ovi_sql_call_tail(ovi_sql_parser *p, ov_ast *call, ovi_call_suffix suffix);
