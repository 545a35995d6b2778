/*
 * writeExceptionBodyAsResponseRow: an answer that fails when a part of it has left ends as JSON all the same, with the error as its last element
 * (as its last line in the formats of lines), rather than cut.
 *
 * It is told of all bytes in their order and remembers which brackets are open. Threads: one at a time.
 */
#pragma once

#include "base/buf.h"
#include "base/json.h"
#include "server/http/error_http.h"

typedef struct ov_error_row {
    bool wanted;
    bool in_text, escaped;
    bool key;  /* the last text is the name of a member */
    char last; /* the last byte that is no blank, 0 before it */
    bool line_ended;
    uint32_t depth;
    uint64_t objects; /* bit i: what was opened at depth i is an object */
} ov_error_row;

/* NULL context: not wanted. */
void ov_error_row_init(ov_error_row *r, const ov_json *context);
void ov_error_row_see(ov_error_row *r, ov_slice bytes);
/* Ends an answer that fails. `sheet` holds what was not seen yet, of which `whole` bytes end behind a row: the rest is cut off, what is open
 * within the list of all elements is closed, and the error follows, an object in that style. False: not wanted, or the answer broke off
 * where that makes no JSON; it can only be cut. */
bool ov_error_row_end(ov_error_row *r, ov_error_style style, ov_slice sql, const ov_error *why, size_t whole, ov_buf *sheet);
