/*
 * Hints: what to write instead, behind the sentence of a syntax error.
 *
 * People come from other databases and make the same few mistakes. Each rule here looks at the token nobody expected, its
 * neighbours, and what could have stood there; the first that fits speaks. Nothing here decides whether a statement is
 * right: a hint that misses costs a sentence, not an answer.
 */
#pragma once

#include "query/sql/sql_int.h"

/* A parenthesis, bracket or CASE that is open. */
typedef struct ovi_sql_opened {
    uint32_t pos;
    int code;
} ovi_sql_opened;

typedef struct ovi_sql_mistake {
    ov_slice text;                              /* the statement */
    ovi_sql_token before, token, next;          /* the unexpected token between its neighbours */
    int before_code, code, next_code;           /* 0: no token, or the end */
    bool first;                                 /* nothing stands in front of it */
    const int *options;                         /* tokens that could have stood there */
    uint32_t option_count;
    const ovi_sql_opened *opened;               /* innermost open thing, NULL for none */
    bool surplus;                               /* the token closes what nobody opened */
    bool misspelt;                              /* a keyword was probably meant: vague guesses stay away */
} ovi_sql_mistake;

/* Adds a sentence without a full stop, or nothing. */
void ovi_sql_hint_syntax(const ovi_sql_mistake *m, ov_buf *out);
/* The same for a character that begins no token at text[pos]; pos = text.n when the text ended inside a string. */
void ovi_sql_hint_character(ov_slice text, size_t pos, size_t opened_at, ov_buf *out);
