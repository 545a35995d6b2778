/*
 * What the two files that write a tree as SQL share.
 */
#pragma once

#include "query/sql/ast.h"

/* ---- ast_print.c ---- */
void ovi_print_list(const ov_ast *list, ov_buf *out);   /* a, b */
void ovi_print_parens(const ov_ast *list, ov_buf *out); /* (a, b) */
/* A, then the words, then B: the many kinds with two kids. */
void ovi_print_pair(const ov_ast *node, const char *before, const char *between, const char *after, ov_buf *out);

/* ---- ast_print_query.c ---- */
/* Queries, what stands in FROM, and statements. */
void ovi_print_statement(const ov_ast *node, ov_buf *out);
