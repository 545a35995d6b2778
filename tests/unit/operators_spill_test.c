/*
 * Every operator and aggregate (operators_lib.h): rows from disk are the rows from memory, a cancel in the midst of the input or of
 * the output ends it at once, and nothing is left behind.
 */
#include "tests/unit/operators_lib.h"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted lines; they lie in *copy. */
static uint32_t lines_of(const answer *a, char **copy, char ***out)
{
    uint32_t n = 0;
    char *rest = *copy = strdup(a->text.n ? ov_buf_cstr((ov_buf *)(uintptr_t)&a->text) : "");
    *out = calloc(a->text.n + 1, sizeof(**out));
    for (char *line; (line = strsep(&rest, "\n")) && rest;)
        (*out)[n++] = line;
    if (n)
        qsort(*out, n, sizeof(**out), by_text);
    return n;
}

/* Cells are equal, or numbers that are nearly so. loose: estimates, which may differ with the order of merges. */
static bool same_line(char *a, char *b, bool loose)
{
    while (a && b) {
        char *x = strsep(&a, "|"), *y = strsep(&b, "|"), *x_end, *y_end;
        if (!strcmp(x, y))
            continue;
        double p = strtod(x, &x_end), q = strtod(y, &y_end), off = p > q ? p - q : q - p;
        if (*x_end || *y_end || x == x_end || y == y_end) {
            if (!loose)
                return false;
        } else if (off > (loose ? 0.1 : 1e-9) * ((p < 0 ? -p : p) + (q < 0 ? -q : q))) {
            return false;
        }
    }
    return !a && !b;
}

static void same_answers(answer *want, answer *got, bool loose, const char *what)
{
    char **a, **b, *text[2];
    if (want->st != got->st)
        fail_msg("%s: %.300s; on disk: %.300s", what, ov_buf_cstr(&want->text), ov_buf_cstr(&got->text));
    uint32_t n = lines_of(want, &text[0], &a), m = lines_of(got, &text[1], &b);
    if (n != m)
        fail_msg("%s: %u rows, on disk %u", what, n, m);
    for (uint32_t i = 0; i < n; i++) {
        char *x = strdup(a[i]), *y = strdup(b[i]);
        if (!same_line(x, y, loose))
            fail_msg("%s: %.400s, on disk %.400s", what, a[i], b[i]);
        free(x);
        free(y);
    }
    free(a);
    free(b);
    free(text[0]);
    free(text[1]);
}

static const ov_exec_options disk_settings[] = {
    {.workers = 3, .spill_rows = 1, .batch_rows = 200},
    {.workers = 1, .spill_rows = 150},
};

static void check_cancel(const ov_plan *plan, bool by_source, const char *what)
{
    for (unsigned disk = 0; disk < 2; disk++) {
        ov_exec_options options = disk ? disk_settings[0] : (ov_exec_options){.workers = 3, .batch_rows = 200};
        answer a = ask(plan, options, plenty, disk, true);
        if (a.calls > 1 || (a.st != OV_CANCELLED && a.st != OV_OK && a.st != OV_LIMIT))
            fail_msg("%s: %u batches, status %d after a cancel at the first one", what, a.calls, (int)a.st);
        ov_buf_fini(&a.text);
        if (!by_source)
            continue;
        from.cancel_at = BATCHES / 2;
        a = ask(plan, options, plenty, disk, false);
        if (a.st != OV_CANCELLED || from.taken_after > 0)
            fail_msg("%s: %u batches were taken after a cancel, status %d", what, from.taken_after, (int)a.st);
        from.cancel_at = UINT32_MAX;
        ov_buf_fini(&a.text);
    }
}

static void check_plan(const ov_plan *plan, unsigned flags, const char *what)
{
    answer want = ask(plan, (ov_exec_options){.workers = 1}, plenty, false, false);
    for (size_t i = 0; i < OV_COUNT_OF(disk_settings); i++) {
        answer got = ask(plan, disk_settings[i], plenty, true, false);
        same_answers(&want, &got, flags & PLAN_LOOSE, what);
        if (flags & PLAN_SPILLS && got.st == OV_OK && !got.stats.spilled_bytes)
            fail_msg("%s did not go to disk", what);
        ov_buf_fini(&got.text);
    }
    ov_buf_fini(&want.text);
    check_cancel(plan, flags & PLAN_BY_SOURCE, what);
}

static void every_aggregate(void **state)
{
    (void)state;
    each_aggregate(check_plan);
}

static void every_operator(void **state)
{
    (void)state;
    each_operator(check_plan);
}

/* ---- within a budget ---- */

/* Several times as many bytes of rows as the budget has: the answer comes, and the high-water mark stays below. */
static void within_budget(void **state)
{
    (void)state;
    static const char *keys[] = {"$0", "$7", "$5"}, *aggs[] = {"COUNT()", "MAX($7)", "COUNT(DISTINCT $1)"};
    static const char *of_set[] = {"SUM(DISTINCT $5)", "AVG(DISTINCT $5)", "BIT_XOR(DISTINCT $5)",
                                   "VAR_POP(DISTINCT `*`($5, 0.5))", "SUM(DISTINCT `*`($5, 0.5))"};
    static const int order[] = {COL_PATH, COL_M, COL_TIME};
    static const ov_sort_key by_time[] = {{.column = COL_TIME}, {.column = COL_PATH}};
    ov_error err = OV_ERROR_INIT;
    ov_agg_call *max = exec_lanes(&table.arena, sizeof(*max));
    *max = exec_agg(&table, "MAX($7)");
    ov_window_call calls[] = {
        {.fn = OV_WINDOW_NTILE, .n = 7, .type = OV_T(OV_TYPE_LONG)},
        {.fn = OV_WINDOW_AGGREGATE, .agg = max, .type = max->type, .frame = {.to = {.kind = OV_EDGE_PARTITION}}},
    };
    const char *texts[] = {"CONCAT($0, '/', $1, '/', $7)", "$4"};
    const ov_plan *window, *wide = exec_project(&table, input(), texts, 2);
    check_ok(ov_plan_window(&table.arena, input(), NULL, 0, by_time, 2, calls, 2, &window, &err), &err);
    const struct {
        const char *what;
        const ov_plan *plan;
        bool counted; /* only how many rows there are is looked at */
        bool fresh;
    } all[] = {
        {"sort", exec_sort(&table, input(), order, 3, OV_NO_LIMIT, 0), false, false},
        {"groups", exec_aggregate(&table, input(), keys, 3, aggs, 2), false, false},
        {"a set", exec_aggregate(&table, input(), keys, 0, (const char *[]){"COUNT(DISTINCT CONCAT($0, $7))"}, 1), false, false},
        {"totals of a set", exec_aggregate(&table, input(), keys, 0, of_set, 5), false, true},
        {"join", join_of(OV_JOINS_FULL, "=", 0, false, wide, wide), false, false},
        {"nested loop", join_of(OV_JOINS_FULL, "<", 0, false, exec_limit(&table, wide, 2, 0), wide), false, false},
        {"window", window, true, false},
    };
    from.rounds = 160;
    for (size_t i = 0; i < OV_COUNT_OF(all); i++) {
        const size_t budget = (size_t)14 << 20;
        const char *count[] = {"COUNT()"};
        const ov_plan *plan = all[i].counted ? exec_aggregate(&table, all[i].plan, NULL, 0, count, 1) : all[i].plan;
        from.fresh = all[i].fresh;
        answer want = ask(plan, (ov_exec_options){.workers = 2}, (size_t)1 << 30, false, false);
        answer got = ask(plan, (ov_exec_options){.workers = 2, .batch_rows = 1000}, budget, true, false);
        same_answers(&want, &got, false, all[i].what);
        assert_int_equal(got.st, OV_OK);
        if (want.peak <= budget || got.peak > budget || !got.stats.spilled_bytes)
            fail_msg("%s: %zu bytes at most, %zu with a budget of %zu, %llu on disk", all[i].what, want.peak, got.peak, budget,
                     (unsigned long long)got.stats.spilled_bytes);
        ov_buf_fini(&want.text);
        ov_buf_fini(&got.text);
    }
    from.rounds = 1;
    from.fresh = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator),
        cmocka_unit_test(every_aggregate),
        cmocka_unit_test(within_budget),
    };
    return cmocka_run_group_tests(tests, open_source, close_two_days);
}
