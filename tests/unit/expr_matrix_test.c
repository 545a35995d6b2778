/*
 * The same expressions over the same rows in every encoding must give what the general path gives over plain ones:
 * values, truth, unknowns; with and without a selection; on the first batch and from the cache.
 */
#include "tests/unit/expr_forms.h"

enum { COLUMNS = 7 };

static const lib_column columns[COLUMNS] = {
    {{.id = OV_TYPE_LONG}, OV_SQL_BIGINT},     /* 0 small, NULLs */
    {{.id = OV_TYPE_DOUBLE}, OV_SQL_DOUBLE},   /* 1 short decimals, NULLs */
    {{.id = OV_TYPE_STRING}, OV_SQL_VARCHAR},  /* 2 few texts, NULLs */
    {{.id = OV_TYPE_LONG}, OV_SQL_TIMESTAMP},  /* 3 ascending times in runs */
    {{.id = OV_TYPE_LONG}, OV_SQL_BIGINT},     /* 4 extremes */
    {{.id = OV_TYPE_DOUBLE}, OV_SQL_DOUBLE},   /* 5 NaN, infinities, zeros */
    {{.id = OV_TYPE_STRING}, OV_SQL_VARCHAR},  /* 6 many texts */
};

static const char *const exprs[] = {
    "$0", "`+`($0, 1)", "`*`($0, $4)", "`-`($4)", "`/`($0, 7)", "MOD($4, 10)", "`+`($0, $1)", "`/`($1, 4)",
    "`*`($5, 2)", "FLOOR($1)", "ABS($4)", "CAST:BIGINT($1)", "CAST:VARCHAR($0)", "CAST:BIGINT($6)",
    "CAST:DOUBLE($2)", "UPPER($2)", "`||`($2, '-x')", "`||`($2, $6)", "LENGTH($6)", "SUBSTRING($6, 2, 2)",
    "CASE(`>`($0, 100), 'big', `<`($0, 10), 'small', 'middle')", "CASE(`IS NULL`($2), $6, $2)",
    "CASE(`=`($0, 0), 0, `/`(100, $0))", "COALESCE($2, 'none')", "COALESCE($0, $4)", "NULLIF($0, 5)",
    "GREATEST($0, $1)", "LEAST($2, $6)", "TIME_FLOOR($3, 'PT1H')", "TIME_FLOOR($3, 'P1M', NULL, 'Asia/Seoul')",
    "EXTRACT('HOUR', $3)", "TIME_FORMAT($3, 'yyyy-MM-dd')", "`+`($3, MONTHS 1)", "TIME_SHIFT($3, 'P1D', 1)",
    "`=`($0, 5)", "`<>`($0, 5)", "`<`($0, 5)", "`<=`($0, 100)", "`>`($0, 100)", "`>=`($0, -7)", "`>`($0, 99.5)",
    "`=`($0, 99.5)", "`<`($0, 1e300)", "`=`($4, 9223372036854775807)", "`<`($4, -9223372036854775808)",
    "`>`($4, 0)", "`>=`($4, -9.3e18)", "`=`($1, 2.5)", "`<`($1, 2.5)", "`<=`($1, 2.5)", "`>`($1, 2.5)",
    "`>=`($1, 2.5)", "`<>`($1, 0.07)", "`>`($5, 0)", "`<=`($5, 0)", "`=`($5, 0)", "`=`($5, CAST:DOUBLE('NaN'))",
    "`<`($5, CAST:DOUBLE('NaN'))", "`>=`($5, CAST:DOUBLE('NaN'))", "`<=`($5, CAST:DOUBLE('-Infinity'))",
    "`>`($0, $4)", "`=`($0, $4)", "`<`($1, $5)", "`<=`($5, $1)", "`>=`($0, $1)", "`=`($2, 'b')", "`<>`($2, 'b')",
    "`<`($2, 'c')", "`>=`($2, 'bb')", "`>`($2, '')", "`=`($2, $6)", "`<`($2, $6)", "`=`(UPPER($2), 'B')",
    "BETWEEN($0, 10, 20)", "`NOT BETWEEN`($2, 'b', 'd')", "`BETWEEN SYMMETRIC`($0, 20, 10)",
    "IN($0, 1, 5, 17, 100)", "IN($0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, NULL)", "IN($2, 'a', 'bb', 'zz')",
    "IN($2, 'a', NULL)", "NOT(IN($2, 'a', NULL))", "IN($1, 2.5, 0.07)", "IN($6, 'k1', 'k22', 'k333')",
    "LIKE($2, 'b%')", "LIKE($2, '%b')", "LIKE($2, 'b')", "LIKE($6, '%2%')", "`NOT LIKE`($2, '_b%')",
    "`IS NULL`($0)", "`IS NOT NULL`($2)", "`IS NULL`($1)", "`IS NULL`(CAST:BIGINT($6))",
    "AND(`>`($0, 10), `<`($0, 100))", "OR(`=`($2, 'b'), `>`($0, 100))", "NOT(OR(`=`($2, 'b'), `>`($0, 100)))",
    "AND(`IS NOT NULL`($2), OR(`<`($0, 5), `IS NULL`($1)))", "`IS TRUE`(`>`($0, 10))", "`IS NOT TRUE`(`>`($0, 10))",
    "`IS FALSE`(`=`($2, 'b'))", "`IS NOT FALSE`(`=`($2, 'b'))", "`IS DISTINCT FROM`($0, 5)",
    "`IS NOT DISTINCT FROM`($0, $4)", "AND(`<>`($0, 0), `>`(`/`(100, $0), 5))",
    "`>=`($3, TIMESTAMP '2015-09-12T01:00:00Z')", "TIME_IN_INTERVAL($3, '2015-09-12T01/PT90M')",
    "`=`(TIME_FLOOR($3, 'PT1H'), TIMESTAMP '2015-09-12T01:00:00Z')", "CAST:BOOLEAN($0)", "`=`($2, 5)", "`>`($6, 5)",
};

static bool same_value(const ov_expr *e, const ov_vec *a, const ov_vec *b, uint32_t r)
{
    if (ov_vec_is_null(a, r) || ov_vec_is_null(b, r))
        return ov_vec_is_null(a, r) == ov_vec_is_null(b, r);
    if (ov_type_is_int(e->type))
        return ov_vec_i64(a, r) == ov_vec_i64(b, r);
    if (ov_type_is_real(e->type)) {
        double x = ov_vec_f64(a, r), y = ov_vec_f64(b, r);
        return x == y || (x != x && y != y);
    }
    return ov_slice_eq(ov_vec_str(a, r), ov_vec_str(b, r));
}

static void check_one(ov_eval *ev, ov_eval *plain_ev, const ov_expr *e, const char *text, const ov_batch *batch,
                      const ov_batch *plain_batch, const char *what)
{
    ov_vec got, want;
    check_ok(ov_eval_expr(plain_ev, e, plain_batch, &want, &err), &err);
    ov_error why = OV_ERROR_INIT;
    if (ov_eval_expr(ev, e, batch, &got, &why) != OV_OK)
        fail_msg("%s, %s: %s", text, what, why.text);
    assert_int_equal(got.rows, batch->rows);
    for (uint32_t r = 0; r < batch->rows; r++)
        if ((!batch->sel || ov_bits_test(batch->sel, r)) && !same_value(e, &got, &want, r)) {
            ov_buf a, b;
            ov_buf_init(&a);
            ov_buf_init(&b);
            lib_print(e, &got, r, &a);
            lib_print(e, &want, r, &b);
            fail_msg("%s, %s, row %u of %u: %s, not %s", text, what, r, batch->rows, ov_buf_cstr(&a),
                     ov_buf_cstr(&b));
        }
    if (e->sql != OV_SQL_BOOLEAN)
        return;
    uint64_t yes[OV_BATCH_WORDS], maybe[OV_BATCH_WORDS], only[OV_BATCH_WORDS];
    uint32_t n, m;
    memset(yes, 0xFF, sizeof yes);
    memset(maybe, 0xFF, sizeof maybe);
    check_ok(ov_eval_filter(ev, e, batch, yes, maybe, &n, &err), &err);
    check_ok(ov_eval_filter(ev, e, batch, only, NULL, &m, &err), &err);
    assert_int_equal(n, m);
    uint32_t trues = 0;
    for (uint32_t r = 0; r < ov_words(batch->rows) * 64; r++) {
        bool in = r < batch->rows && (!batch->sel || ov_bits_test(batch->sel, r));
        bool is_null = in && ov_vec_is_null(&want, r);
        bool is_true = in && !is_null && ov_vec_i64(&want, r) > 0;
        trues += is_true;
        if (ov_bits_test(yes, r) != is_true || ov_bits_test(maybe, r) != is_null || ov_bits_test(only, r) != is_true)
            fail_msg("%s, %s, row %u of %u: true %d unknown %d, not %d %d", text, what, r, batch->rows,
                     ov_bits_test(yes, r), ov_bits_test(maybe, r), is_true, is_null);
    }
    assert_int_equal(n, trues);
}

static void run(uint32_t rows, bool constant)
{
    static plain data[COLUMNS];
    static ov_vec form[COLUMNS][MAX_FORMS];
    uint32_t forms[COLUMNS], most = 0;
    ov_arena_init(&arena, "test", NULL);
    for (uint32_t c = 0; c < COLUMNS; c++) {
        fill(&data[c], c, rows, constant);
        forms[c] = forms_of(&data[c], columns[c].type, rows, constant, form[c]);
        most = OV_MAX(most, forms[c]);
    }
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    ov_eval *ev, *plain_ev;
    check_ok(ov_eval_create(NULL, NULL, &ev, &err), &err);
    check_ok(ov_eval_create(NULL, &(ov_eval_options){.general_only = true}, &plain_ev, &err), &err);
    uint64_t some[OV_BATCH_WORDS] = {0}, none[OV_BATCH_WORDS] = {0};
    for (uint32_t r = 0; r < rows; r++)
        ov_bits_put(some, r, next_random() % 3 == 0);
    const ov_expr *e[OV_COUNT_OF(exprs)];
    for (size_t i = 0; i < OV_COUNT_OF(exprs); i++)
        check_ok(lib_parse(exprs[i], &cx, columns, &e[i], &err), &err);

    ov_vec cols[COLUMNS], flat[COLUMNS];
    ov_batch plain_batch = {.rows = rows, .cols = COLUMNS, .col = flat, .sel_rows = rows};
    for (uint32_t c = 0; c < COLUMNS; c++)
        flat[c] = form[c][0];
    for (uint32_t f = 0; f < most; f++) {
        char what[80];
        snprintf(what, sizeof what, "forms %u", f);
        for (uint32_t c = 0; c < COLUMNS; c++)
            cols[c] = form[c][(f + (f ? c : 0)) % forms[c]];
        for (uint32_t turn = 0; turn < 4; turn++) {
            const uint64_t *sel = turn == 1 ? some : turn == 2 ? none : NULL;
            ov_batch batch = {.rows = rows, .cols = COLUMNS, .col = cols, .sel = sel};
            batch.sel_rows = sel ? (uint32_t)ov_bits_count(sel, rows) : rows;
            plain_batch.sel = sel;
            plain_batch.sel_rows = batch.sel_rows;
            for (size_t i = 0; i < OV_COUNT_OF(exprs); i++)
                if (strncmp(exprs[i], "`/`(1", 5) != 0) {
                    check_one(ev, plain_ev, e[i], exprs[i], &batch, &plain_batch, what);
                    ov_eval_next_batch(ev);
                    ov_eval_next_batch(plain_ev);
                }
        }
    }
    ov_eval_destroy(ev);
    ov_eval_destroy(plain_ev);
    ov_arena_fini(&arena);
}

static void test_lengths(void **state)
{
    (void)state;
    static const uint32_t rows[] = {1, 2, 7, 63, 64, 65, 127, 130, 1000};
    for (size_t i = 0; i < OV_COUNT_OF(rows); i++)
        run(rows[i], false);
}

static void test_full_batches(void **state)
{
    (void)state;
    run(8191, false);
    run(8192, false);
}

static void test_constant_columns(void **state)
{
    (void)state;
    for (int turn = 0; turn < 6; turn++)
        run(turn % 2 ? 70 : 8192, true);
}

/* An error in a branch that no row takes is none; over a dictionary it must not be one either. */
static void test_errors_need_rows(void **state)
{
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    static plain p;
    for (uint32_t r = 0; r < 200; r++)
        p.i[r] = r % 3;
    ov_vec dict;
    assert_true(form_dict(&p, OV_T(OV_TYPE_LONG), 200, 1, 0, false, &dict));
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    const ov_expr *e;
    check_ok(lib_parse("`/`(6, $0)", &cx, columns, &e, &err), &err);
    ov_eval *ev;
    check_ok(ov_eval_create(NULL, NULL, &ev, &err), &err);
    uint64_t sel[4] = {0};
    for (uint32_t r = 0; r < 200; r++)
        ov_bits_put(sel, r, p.i[r] != 0);
    ov_batch batch = {.rows = 200, .cols = 1, .col = &dict, .sel = sel, .sel_rows = 133};
    ov_vec v;
    check_ok(ov_eval_expr(ev, e, &batch, &v, &err), &err);
    assert_int_equal(ov_vec_i64(&v, 1), 6);
    assert_int_equal(ov_vec_i64(&v, 2), 3);
    batch.sel = NULL;
    batch.sel_rows = 200;
    check_fails(ov_eval_expr(ev, e, &batch, &v, &err), &err, OV_INVALID, "/ by zero");
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
}

/* A budget that has no room for a table of results: rows are evaluated, nothing fails. */
static void test_small_budget(void **state)
{
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    static plain p;
    static char text[MAX_ROWS][8];
    for (uint32_t r = 0; r < MAX_ROWS; r++) {
        snprintf(text[r], sizeof text[r], "k%u", (unsigned)r);
        p.s[r] = ov_slice_cstr(text[r]);
    }
    static const lib_column one[] = {{{.id = OV_TYPE_STRING}, OV_SQL_VARCHAR}};
    ov_vec dict, part, v;
    uint32_t few[100];
    assert_true(form_dict(&p, one[0].type, MAX_ROWS, 2, 0, false, &dict));
    for (uint32_t i = 0; i < 100; i++)
        few[i] = i * 80;
    check_ok(ov_vec_gather(&dict, few, 100, &arena, &part, &err), &err);
    ov_budget budget;
    ov_budget_init(&budget, "query", 300000, NULL);
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    const ov_expr *e;
    check_ok(lib_parse("UPPER($0)", &cx, one, &e, &err), &err);
    ov_eval *ev;
    check_ok(ov_eval_create(&budget, NULL, &ev, &err), &err);
    ov_batch batch = {.rows = 100, .cols = 1, .col = &part, .sel_rows = 100};
    for (int i = 0; i < 200; i++) {
        check_ok(ov_eval_expr(ev, e, &batch, &v, &err), &err);
        check_slice(ov_vec_str(&v, 3), "K240");
        ov_eval_next_batch(ev);
    }
    assert_int_not_equal(v.enc, OV_ENC_DICT);
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
}

/* Truth per code, for filters by index. */
static void test_codes(void **state)
{
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    static plain p;
    static const char *const text[] = {"a", "b", "bb", "c", "d"};
    for (uint32_t r = 0; r < 60; r++) {
        p.s[r] = ov_slice_cstr(text[r % 5]);
        p.null[r] = r % 6 == 5;
    }
    static const lib_column one[] = {{{.id = OV_TYPE_STRING}, OV_SQL_VARCHAR}};
    static const struct {
        const char *expr, *truth;
        int first, end; /* code range, or -1 */
    } cases[] = {
        {"`=`($0, 'bb')", "200100", 3, 4},      {"`=`($0, 'bbb')", "200000", 4, 4},
        {"`<`($0, 'bb')", "211000", 1, 3},      {"`>=`($0, 'bb')", "200111", 3, 6},
        {"`>`($0, 'bb')", "200011", 4, 6},      {"`<=`($0, 'zz')", "211111", 1, 6},
        {"`<`($0, '')", "200000", 1, 1},        {"`IS NULL`($0)", "100000", 0, 1},
        {"`IS NOT NULL`($0)", "011111", 1, 6},  {"LIKE($0, 'b%')", "201100", 2, 4},
        {"LIKE($0, 'b')", "201000", 2, 3},      {"LIKE($0, '%')", "211111", 1, 6},
        {"LIKE($0, '%b')", "201100", -1, -1},   {"`<>`($0, 'b')", "210111", -1, -1},
        {"IN($0, 'a', 'd')", "210001", -1, -1}, {"IN($0, 'a', NULL)", "212222", -1, -1},
        {"`=`(UPPER($0), 'C')", "200010", -1, -1},
        {"OR(`IS NULL`($0), `=`($0, 'a'))", "110000", -1, -1},
    };
    ov_vec dict;
    assert_true(form_dict(&p, one[0].type, 60, 1, 0, false, &dict));
    assert_int_equal(dict.dict->count, 6);
    ov_expr_ctx cx = {.arena = &arena, .next_id = 1};
    ov_eval *ev;
    check_ok(ov_eval_create(NULL, NULL, &ev, &err), &err);
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        const ov_expr *e;
        const uint8_t *truth;
        uint32_t first = 0, end = 0;
        check_ok(lib_parse(cases[i].expr, &cx, one, &e, &err), &err);
        bool is_range = ov_eval_code_range(e, 0, dict.dict, &first, &end);
        if (is_range != (cases[i].first >= 0) || (is_range && (first != (uint32_t)cases[i].first || end != (uint32_t)cases[i].end)))
            fail_msg("%s: range %d [%u, %u)", cases[i].expr, is_range, first, end);
        check_ok(ov_eval_codes(ev, e, 0, dict.dict, &truth, &err), &err);
        for (uint32_t c = 0; c < 6; c++)
            if (truth[c] != cases[i].truth[c] - '0')
                fail_msg("%s: code %u is %u, not %c", cases[i].expr, c, truth[c], cases[i].truth[c]);
    }
    ov_eval_destroy(ev);
    ov_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),          cmocka_unit_test(test_full_batches),
        cmocka_unit_test(test_constant_columns), cmocka_unit_test(test_errors_need_rows),
        cmocka_unit_test(test_codes),            cmocka_unit_test(test_small_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
