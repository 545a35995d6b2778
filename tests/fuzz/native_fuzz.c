/*
 * Expressions and filters of Druid's native language from anywhere: parsing and binding over a few columns end in a tree or
 * in a sentence with a place inside the text. What starts with '{' is read as a filter. Seeds in tests/fuzz/native_corpus.
 */
#include <stdlib.h>

#include "base/tz.h"
#include "query/native/native_expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ov_status column(void *ctx, ov_expr_ctx *cx, ov_slice name, const ov_expr **out, ov_error *err)
{
    (void)ctx;
    if (name.n != 1)
        return OV_OK;
    switch (name.p[0]) {
    case 'l':
        return ov_expr_column(cx, 0, OV_T(OV_TYPE_LONG), OV_SQL_BIGINT, true, out, err);
    case 'd':
        return ov_expr_column(cx, 1, OV_T(OV_TYPE_DOUBLE), OV_SQL_DOUBLE, true, out, err);
    case 's':
        return ov_expr_column(cx, 2, OV_T(OV_TYPE_STRING), OV_SQL_VARCHAR, true, out, err);
    case 'j':
        return ov_expr_column(cx, 3, (ov_type){.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON}, OV_SQL_OTHER,
                              true, out, err);
    default:
        return OV_OK;
    }
}

static ov_status bind(ov_slice text, ov_arena *arena, ov_expr_ctx *cx, const ov_expr **e, ov_error *err)
{
    const ov_native_scope scope = {.column = column};
    ov_json *json;
    const ov_native *tree;
    if (text.n && text.p[0] == '{') {
        OV_TRY(ov_json_parse(text, NULL, arena, &json, err));
        return ov_native_filter(json, &scope, cx, e, err);
    }
    OV_TRY(ov_native_parse(text, arena, &tree, err));
    OV_TRY(ov_native_check(tree, err));
    return ov_native_bind(tree, &scope, cx, e, err);
}

/* What was bound must also run, over one row of values that are often on an edge. */
static void run(ov_eval *ev, const ov_expr *e)
{
    ov_error err = OV_ERROR_INIT;
    ov_vec cols[4] = {ov_vec_const_i64(OV_T(OV_TYPE_LONG), INT64_MIN, 1), ov_vec_const_f64(OV_T(OV_TYPE_DOUBLE), -0.5, 1),
                      ov_vec_const_str(OV_T(OV_TYPE_STRING), OV_SLICE_LIT("a\xC3\xA9"), 1),
                      ov_vec_const_str((ov_type){.id = OV_TYPE_COMPLEX, .complex = OV_COMPLEX_JSON},
                                       OV_SLICE_LIT("{\"a\":[1,{\"b\":null}]}"), 1)};
    ov_batch batch = {.rows = 1, .sel_rows = 1, .cols = 4, .col = cols};
    ov_vec v;
    if (ov_eval_expr(ev, e, &batch, &v, &err) != OV_OK && err.text[0] == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ov_arena arena;
    ov_budget budget;
    ov_error err = OV_ERROR_INIT;
    ov_eval *ev;
    const ov_expr *e;
    ov_slice text = ov_slice_make(data, size);
    ov_budget_init(&budget, "fuzz", (size_t)64 << 20, NULL);
    ov_arena_init(&arena, "fuzz", &budget);
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    if (ov_tz_get(OV_SLICE_LIT("UTC"), &cx.tz, &err) != OV_OK || ov_eval_create(&budget, NULL, &ev, &err) != OV_OK)
        abort();
    if (bind(text, &arena, &cx, &e, &err) == OV_OK)
        run(ev, e);
    else if (err.text[0] == 0 || (err.has_pos && (err.pos > err.end_pos || err.end_pos > size)))
        abort();
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
    return 0;
}
