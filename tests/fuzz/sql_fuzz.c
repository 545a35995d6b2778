/*
 * SQL text from anywhere: parsing ends in a tree or in a sentence, and a tree prints to text that
 * parses to an equal one. Seeds in tests/fuzz/sql_corpus.
 */
#include <stdlib.h>

#include "query/sql/ast.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_arena arena;
    ov_buf buf;
    ov_error err = OV_ERROR_INIT;
    ov_sql_parsed first, second;
    ov_arena_init(&arena, "fuzz", NULL);
    ov_buf_init(&buf);
    if (ov_sql_parse(ov_slice_make(data, size), &arena, &first, &err) == OV_OK) {
        ov_ast_print(first.script, &buf);
        ov_status st = ov_sql_parse(ov_buf_slice(&buf), &arena, &second, &err);
        /* full parentheses nest deeper than what was written, so only that limit may stand in the
         * way */
        if (st != OV_LIMIT && (st != OV_OK || !ov_ast_equal(first.script, second.script)))
            abort();
    } else if (err.pos > err.end_pos || err.text[0] == 0) {
        abort();
    }
    ov_buf_fini(&buf);
    ov_arena_fini(&arena);
    return 0;
}
