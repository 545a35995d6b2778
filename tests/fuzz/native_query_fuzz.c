/*
 * Native JSON queries from anywhere: planning over a table of every simple type ends in a plan or in a sentence. Seeds in
 * tests/fuzz/native_query_corpus.
 */
#include <stdlib.h>

#include "query/native/native_query.h"
#include "tests/lib/sql_wiki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_arena arena;
    ov_error err = OV_ERROR_INIT;
    ov_json *json;
    ov_native_query query;
    ov_buf text;
    ov_json_limits limits = {.max_depth = 400};
    ov_arena_init(&arena, "fuzz", NULL);
    ov_buf_init(&text);
    ov_expr_ctx cx = {.arena = &arena, .now_ms = 1577836800000};
    ov_native_env env = {.cx = &cx, .find = wiki_find};
    (void)wiki_at, (void)wiki_systables;
    ov_status st = ov_json_parse(ov_slice_make(data, size), &limits, &arena, &json, &err);
    if (st == OV_OK)
        st = ov_native_plan(&env, json, &query, &err);
    if (st == OV_OK && query.plan)
        st = ov_plan_print(query.plan, &text, &err);
    if (st == OV_INTERNAL || (st != OV_OK && err.text[0] == 0))
        abort();
    ov_buf_fini(&text);
    ov_arena_fini(&arena);
    return 0;
}
