/*
 * SQL text from anywhere: parsing ends in a tree or in a sentence, and a tree prints to text that
 * parses to an equal one. Seeds in tests/fuzz/sql_corpus.
 */
#include <stdlib.h>

#include "tests/lib/sql_wiki.h"

/* Binds against a table of every simple type and optimises; what is wrong must have a sentence. */
static void bind(const ov_sql_parsed *parsed, ov_arena *arena)
{
    static const ov_param params[] = {{.sql = OV_SQL_VARCHAR, .s = OV_SLICE_LIT("a")},
                                      {.sql = OV_SQL_BIGINT, .i = 3}};
    ov_expr_ctx cx = {.arena = arena, .now_ms = 1577836800000};
    ov_sql_env env = {.cx = &cx,
                      .tables = {wiki_find, wiki_at, 1, NULL},
                      .systables = wiki_systables,
                      .systable_count = 1,
                      .params = params,
                      .param_count = 2,
                      .outer_limit = OV_NO_LIMIT};
    ov_error err = OV_ERROR_INIT;
    ov_sql_statement statement;
    const ov_plan *plan;
    ov_buf text;
    ov_buf_init(&text);
    ov_status st = ov_sql_plan(&env, parsed, &statement, &err);
    if (st == OV_OK)
        st = ov_plan_optimize(&cx, statement.plan, &plan, &err);
    if (st == OV_OK)
        st = ov_plan_print(plan, &text, &err);
    if (st == OV_INTERNAL || (st != OV_OK && err.text[0] == 0))
        abort();
    ov_buf_fini(&text);
}

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
        bind(&first, &arena);
    } else if (err.pos > err.end_pos || err.text[0] == 0) {
        abort();
    }
    ov_buf_fini(&buf);
    ov_arena_fini(&arena);
    return 0;
}
