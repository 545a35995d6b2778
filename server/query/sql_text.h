/*
 * Pieces of SQL for statements that the server writes itself.
 */
#pragma once

#include "base/buf.h"

/* The text between `quote`s, those inside doubled: ' makes a literal, " a name. */
static inline void ov_sql_add_quoted(ov_buf *b, ov_slice s, char quote)
{
    ov_buf_add_char(b, quote);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == quote)
            ov_buf_add_char(b, quote);
        ov_buf_add_char(b, s.p[i]);
    }
    ov_buf_add_char(b, quote);
}
