/*
 * UNNEST against nested loops over text: elements of every type, NULLs, lists without elements, inner and outer, places, several over
 * each other and side by side, below filters, groups, sorts and limits; what the optimiser does to it. Under settings that force every path.
 */
#include "tests/unit/two_days.h"

static int set_up(void **state)
{
    (void)state;
    open_two_days(9000, 20, 700, 15);
    return 0;
}

static const ov_plan *scan(void)
{
    return exec_scan(&table, INT64_MIN, INT64_MAX, NULL);
}

static const ov_plan *unnested(const ov_plan *in, const char *list, bool outer, bool places)
{
    ov_error err = OV_ERROR_INIT;
    const ov_plan *out;
    check_ok(ov_plan_unnest(&table.arena, in, exec_expr(&table, list), OV_SLICE_LIT("e"), outer, places, &out, &err), &err);
    return out;
}

static const ov_plan *columns(const ov_plan *in, const uint32_t *which, uint32_t n)
{
    ov_error err = OV_ERROR_INIT;
    const ov_expr *exprs[16];
    const ov_plan *out;
    for (uint32_t i = 0; i < n; i++)
        check_ok(ov_plan_column(&table.cx, in, which[i], &exprs[i], &err), &err);
    const ov_expr **kept = exec_lanes(&table.arena, n * sizeof(*kept));
    memcpy(kept, exprs, n * sizeof(*kept));
    check_ok(ov_plan_project(&table.arena, in, kept, NULL, n, &out, &err), &err);
    return out;
}

/* Every setting gives these rows in this order; so does the optimised plan. */
static void gives(const ov_plan *plan, const char *want)
{
    ov_error err = OV_ERROR_INIT;
    const ov_plan *better;
    check_ok(ov_plan_optimize(&table.cx, plan, &better, &err), &err);
    for (size_t i = 0; i < OV_COUNT_OF(settings); i++)
        for (int o = 0; o < 2; o++) {
            exec_result got = exec_run(&table, o ? better : plan, settings[i], pool);
            assert_string_equal(ov_buf_cstr(&got.text), want);
            ov_buf_fini(&got.text);
        }
}

static char *text_of(const ov_plan *plan)
{
    exec_result got = exec_run(&table, plan, settings[0], pool);
    char *text = strdup(ov_buf_cstr(&got.text));
    ov_buf_fini(&got.text);
    return text;
}

/* ---- nested loops over lines ---- */

typedef void (*loop_fn)(ov_buf *out, char *line, char **cells);

/* Lines of "sensor|n|m|x|city", each handed to the loop. */
static char *looped(loop_fn loop)
{
    static const uint32_t which[] = {COL_SENSOR, COL_N, COL_M, COL_X, COL_CITY};
    char *text = text_of(columns(scan(), which, 5)), *rest = text;
    ov_buf out;
    ov_buf_init(&out);
    for (char *line; (line = strsep(&rest, "\n")) && rest;) {
        char *cells[5], *copy = strdup(line), *at = copy;
        for (int i = 0; i < 5; i++)
            cells[i] = strsep(&at, "|");
        loop(&out, line, cells);
        free(copy);
    }
    free(text);
    char *made = strdup(ov_buf_cstr(&out));
    ov_buf_fini(&out);
    return made;
}

static void two_numbers(ov_buf *out, char *line, char **cells)
{
    (void)line;
    ov_buf_addf(out, "%s|%s\n%s|%s\n", cells[0], cells[1], cells[0], cells[2]);
}

static void test_numbers(void **state)
{
    (void)state;
    static const uint32_t which[] = {COL_SENSOR, EXEC_COLUMNS};
    char *want = looped(two_numbers);
    gives(columns(unnested(scan(), "ARRAY($4, $5)", false, false), which, 2), want);
    gives(columns(unnested(scan(), "ARRAY($4, $5)", true, false), which, 2), want);
    free(want);
}

static void words(ov_buf *out, char **cells, bool outer)
{
    bool null = strcmp(cells[4], "NULL") == 0;
    char *at = cells[4];
    if (null && outer)
        ov_buf_addf(out, "%s|NULL|NULL\n", cells[1]);
    for (int i = 1; !null && at; i++) {
        char *word = strsep(&at, " ");
        ov_buf_addf(out, "%s|%s|%d\n", cells[1], word, i);
    }
}

static void words_inner(ov_buf *out, char *line, char **cells)
{
    (void)line;
    words(out, cells, false);
}

static void words_outer(ov_buf *out, char *line, char **cells)
{
    (void)line;
    words(out, cells, true);
}

/* NULL texts are NULL lists. */
static void test_words_and_places(void **state)
{
    (void)state;
    static const uint32_t which[] = {COL_N, EXEC_COLUMNS, EXEC_COLUMNS + 1};
    for (int outer = 0; outer < 2; outer++) {
        char *want = looped(outer ? words_outer : words_inner);
        gives(columns(unnested(scan(), "STRING_TO_ARRAY($2, ' ')", outer, true), which, 3), want);
        free(want);
    }
}

static void stacked(ov_buf *out, char *line, char **cells)
{
    (void)line;
    char *at = cells[4];
    if (strcmp(cells[4], "NULL") == 0)
        return;
    while (at) {
        char *word = strsep(&at, " ");
        for (int k = 0; k < 2; k++)
            ov_buf_addf(out, "%s|%s|%s\n", cells[3], word, k ? "NULL" : cells[1]);
    }
}

static void test_stacked(void **state)
{
    (void)state;
    static const uint32_t which[] = {COL_X, EXEC_COLUMNS, EXEC_COLUMNS + 1};
    char *want = looped(stacked);
    const ov_plan *first = unnested(scan(), "STRING_TO_ARRAY($2, ' ')", false, false);
    gives(columns(unnested(first, "ARRAY($4, NULL)", false, false), which, 3), want);
    free(want);
}

/* ---- several side by side ---- */

static const ov_plan *side_by_side(const char *const *lists, uint32_t count, bool outer)
{
    static const ov_slice names[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"o", 1}};
    ov_error err = OV_ERROR_INIT;
    const ov_expr *exprs[3];
    const ov_plan *out;
    for (uint32_t i = 0; i < count; i++)
        exprs[i] = exec_expr(&table, lists[i]);
    check_ok(ov_plan_unnest_zip(&table.arena, scan(), exprs, names + 3 - count, count, outer, true, &out, &err), &err);
    return out;
}

/* The words of the city beside n and m. */
static void words_and_numbers(ov_buf *out, char *line, char **cells)
{
    (void)line;
    char *at = strcmp(cells[4], "NULL") == 0 ? NULL : cells[4];
    for (int i = 1; at || i <= 2; i++) {
        const char *word = at ? strsep(&at, " ") : "NULL";
        ov_buf_addf(out, "%s|%s|%s|%d\n", cells[0], word, i <= 2 ? cells[i] : "NULL", i);
    }
}

static void test_side_by_side(void **state)
{
    (void)state;
    static const uint32_t which[] = {COL_SENSOR, EXEC_COLUMNS, EXEC_COLUMNS + 1, EXEC_COLUMNS + 2};
    static const char *const lists[] = {"STRING_TO_ARRAY($2, ' ')", "ARRAY($4, $5)"};
    char *want = looped(words_and_numbers);
    gives(columns(side_by_side(lists, 2, false), which, 4), want);
    gives(columns(side_by_side(lists, 2, true), which, 4), want);
    free(want);
}

/* Of rows all of whose lists are empty an outer one keeps one, without a place. */
static void empty_or_two(ov_buf *out, char **cells, bool outer)
{
    if (atoll(cells[1]) > 12)
        ov_buf_addf(out, "%s|%s|1|7|1\n%s|%s|1|NULL|2\n", cells[1], cells[1], cells[1], cells[1]);
    else if (outer)
        ov_buf_addf(out, "%s|NULL|NULL|NULL|NULL\n", cells[1]);
}

static void empty_inner(ov_buf *out, char *line, char **cells)
{
    (void)line;
    empty_or_two(out, cells, false);
}

static void empty_outer(ov_buf *out, char *line, char **cells)
{
    (void)line;
    empty_or_two(out, cells, true);
}

static void test_empty_side_by_side(void **state)
{
    (void)state;
    static const uint32_t which[] = {COL_N, EXEC_COLUMNS, EXEC_COLUMNS + 1, EXEC_COLUMNS + 2, EXEC_COLUMNS + 3};
    static const char *const lists[] = {"ARRAY_SLICE(ARRAY($4, $4), 0, CASE(`>`($4, 12), 2, 0))",
                                        "ARRAY_SLICE(ARRAY(1, 1), 0, CASE(`>`($4, 12), 2, 0))",
                                        "ARRAY_SLICE(ARRAY(7), 0, CASE(`>`($4, 12), 1, 0))"};
    for (int outer = 0; outer < 2; outer++) {
        char *want = looped(outer ? empty_outer : empty_inner);
        gives(columns(side_by_side(lists, 3, outer), which, 5), want);
        free(want);
    }
}

/* Lists that are empty for most rows, and longer than a batch for none. */
static void test_empty_lists(void **state)
{
    (void)state;
    const char *list = "ARRAY_SLICE(ARRAY($4, $4), 0, CASE(`>`($4, 12), 2, 0))";
    static const char *const aggs[] = {"COUNT()", "SUM($4)"};
    char *rows = text_of(exec_aggregate(&table, exec_scan(&table, INT64_MIN, INT64_MAX, "`>`($4, 12)"), NULL, 0, aggs, 2));
    char *rest = text_of(exec_aggregate(&table, exec_scan(&table, INT64_MIN, INT64_MAX, "`<=`($4, 12)"), NULL, 0, aggs, 2));
    long long n, sum, other, other_sum;
    char want[128];
    assert_int_equal(sscanf(rows, "%lld|%lld", &n, &sum), 2);
    assert_int_equal(sscanf(rest, "%lld|%lld", &other, &other_sum), 2);
    snprintf(want, sizeof(want), "%lld|%lld\n", 2 * n, 2 * sum);
    gives(exec_aggregate(&table, unnested(scan(), list, false, false), NULL, 0, aggs, 2), want);
    snprintf(want, sizeof(want), "%lld|%lld\n", 2 * n + other, 2 * sum + other_sum);
    gives(exec_aggregate(&table, unnested(scan(), list, true, false), NULL, 0, aggs, 2), want);
    free(rows);
    free(rest);
}

/* Ties keep the order of rows, and of elements within a row. */
static void test_sort_and_limit(void **state)
{
    (void)state;
    static const uint32_t which[] = {COL_KIND, EXEC_COLUMNS, COL_M};
    static const int by_kind[] = {0};
    const ov_plan *all = columns(unnested(scan(), "ARRAY($4, 99)", false, false), which, 3);
    char *want = text_of(exec_sort(&table, all, by_kind, 1, 500, 11));
    gives(exec_sort(&table, all, by_kind, 1, 500, 11), want);
    free(want);
    want = text_of(exec_limit(&table, all, 37, 5));
    gives(exec_limit(&table, all, 37, 5), want);
    free(want);
}

/* ---- the optimiser ---- */

static void prints(const ov_plan *plan, const char *want)
{
    ov_error err = OV_ERROR_INIT;
    const ov_plan *better;
    ov_buf text;
    ov_buf_init(&text);
    check_ok(ov_plan_optimize(&table.cx, plan, &better, &err), &err);
    check_ok(ov_plan_print(better, &text, &err), &err);
    if (!strstr(ov_buf_cstr(&text), want))
        fail_msg("no '%s' in\n%s", want, ov_buf_cstr(&text));
    ov_buf_fini(&text);
}

static const ov_plan *filtered(const ov_plan *in, const char *op, uint32_t column, int64_t value)
{
    ov_error err = OV_ERROR_INIT;
    const ov_expr *args[2], *e;
    const ov_plan *out;
    check_ok(ov_plan_column(&table.cx, in, column, &args[0], &err), &err);
    check_ok(ov_expr_i64(&table.cx, OV_SQL_BIGINT, value, &args[1], &err), &err);
    check_ok(ov_expr_call(&table.cx, ov_slice_cstr(op), args, op[0] == 'I' ? 1 : 2, 0, 0, &e, &err), &err);
    check_ok(ov_plan_filter(&table.arena, in, e, &out, &err), &err);
    return out;
}

static void test_optimiser(void **state)
{
    (void)state;
    static const uint32_t which[] = {EXEC_COLUMNS};
    const ov_plan *inner = unnested(scan(), "ARRAY($4, 7)", false, false), *outer = unnested(scan(), "ARRAY($4, 7)", true, false);
    /* a filter on the input goes below, one on the element stays; columns nobody reads are gone */
    prints(columns(filtered(inner, ">", COL_M, 5), which, 1), "Scan t (n, m) filter=");
    prints(columns(filtered(inner, ">", EXEC_COLUMNS, 5), which, 1), "Scan t (n)\n");
    /* an outer one whose NULLs are dropped is none; one whose NULLs may pass stays */
    prints(filtered(outer, ">", EXEC_COLUMNS, 5), "Unnest ARRAY");
    prints(filtered(outer, "IS NULL", EXEC_COLUMNS, 5), "Unnest outer ARRAY");
    prints(filtered(outer, ">", COL_M, 5), "Unnest outer ARRAY");
    /* several: NULL may be what the longer one brought */
    static const char *const lists[] = {"ARRAY($4, 7)", "ARRAY($5)"};
    prints(filtered(side_by_side(lists, 2, true), ">", EXEC_COLUMNS + 1, 5), "Unnest ARRAY($4, 7), ARRAY($5) ordinality");
    prints(filtered(side_by_side(lists, 2, true), "IS NULL", EXEC_COLUMNS + 1, 5), "Unnest outer ARRAY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),     cmocka_unit_test(test_words_and_places), cmocka_unit_test(test_stacked),
        cmocka_unit_test(test_empty_lists), cmocka_unit_test(test_sort_and_limit),   cmocka_unit_test(test_optimiser),
        cmocka_unit_test(test_side_by_side), cmocka_unit_test(test_empty_side_by_side),
    };
    return cmocka_run_group_tests(tests, set_up, close_two_days);
}
