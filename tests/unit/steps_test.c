/*
 * How much work lies between two looks at whether the query lives (base/steps.h), for every operator and aggregate: no more than
 * takes some milliseconds, and no more for many rows than for few. Builds that do not count steps have nothing to test here:
 *
 *     cmake --preset steps && cmake --build --preset steps --target steps_test && build/steps/tests/unit/steps_test [NAME]
 */
#include "base/steps.h"

#ifdef OV_COUNT_STEPS

#include "tests/unit/operators_lib.h"

/* A step takes less than a nanosecond where it does little and a few where memory is far. */
static const uint64_t most = 4000000;
enum { SLACK = 1500000 /* a batch of the result */, WIDE = 1000 };
static uint32_t few_rounds = 4;
static const char *only; /* plans whose name begins so; NULL: all */

/* Steps of a sink would count too. */
static ov_status drop_rows(void *self, const ov_batch *b, ov_error *err)
{
    (void)self;
    (void)b;
    (void)err;
    return OV_OK;
}

static uint64_t gap_of(const ov_plan *plan, uint32_t rounds, bool disk, const char *what)
{
    from.rounds = rounds;
    (void)ov_steps_longest();
    answer a = ask_into(plan, disk ? (ov_exec_options){.workers = 2, .spill_rows = 400} : (ov_exec_options){.workers = 2},
                 (size_t)1 << 30, disk, false, drop_rows);
    if (a.st != OV_OK && a.st != OV_UNSUPPORTED && a.st != OV_LIMIT && a.st != OV_INVALID)
        fail_msg("%s: %s", what, ov_buf_cstr(&a.text));
    ov_buf_fini(&a.text);
    return ov_steps_longest();
}

static unsigned failures;

static void check_steps(const ov_plan *plan, unsigned flags, const char *what)
{
    for (unsigned disk = 0; disk < 2 && (!only || strncmp(what, only, strlen(only)) == 0); disk++) {
        uint64_t few = gap_of(plan, few_rounds, disk, what), many = gap_of(plan, 4 * few_rounds, disk, what);
        bool grows = flags & PLAN_BY_SOURCE && many > 2 * few + SLACK;
        if (!grows && many <= most)
            continue;
        print_message("%s%s: %llu steps between two looks, %llu with a quarter of the rows\n", what, disk ? ", on disk" : "",
                      (unsigned long long)many, (unsigned long long)few);
        failures++;
    }
}

static void every_operator(void **state)
{
    (void)state;
    failures = 0;
    from.fresh = true;
    each_operator(check_steps);
    assert_int_equal(failures, 0);
}

static void every_aggregate(void **state)
{
    (void)state;
    failures = 0;
    few_rounds = 2;
    window_rows = 2000;
    each_aggregate(check_steps);
    assert_int_equal(failures, 0);
}

/* ---- a thousand of everything ---- */

/* form has one %d. */
static const char **many_texts(const char *form)
{
    const char **list = exec_lanes(&table.arena, WIDE * sizeof(*list));
    for (int i = 0; i < WIDE; i++) {
        char *text = exec_lanes(&table.arena, 80);
        const char *number = strstr(form, "%d");
        snprintf(text, 80, "%.*s%d%s", (int)(number - form), form, i, number + 2);
        list[i] = text;
    }
    return list;
}

static void wide_plans(void **state)
{
    (void)state;
    static const char *key[] = {"$7"};
    static int order[WIDE];
    static const ov_sort_key by_path[] = {{.column = COL_PATH}};
    ov_error err = OV_ERROR_INIT;
    const ov_plan *plan, *wide = exec_project(&table, input(), many_texts("`+`($5, %d)"), WIDE);
    failures = 0;
    few_rounds = 1;
    for (int i = 0; i < WIDE; i++)
        order[i] = i;
    check_steps(exec_aggregate(&table, input(), many_texts("`+`($5, %d)"), WIDE, NULL, 0), PLAN_BY_SOURCE, "1,000 keys");
    check_steps(exec_aggregate(&table, input(), many_texts("CONCAT($7, '%d')"), WIDE, NULL, 0), PLAN_BY_SOURCE, "1,000 keys of text");
    check_steps(exec_aggregate(&table, input(), key, 1, many_texts("COUNT(DISTINCT `+`($5, %d))"), WIDE), PLAN_BY_SOURCE,
                "1,000 COUNT(DISTINCT)");
    check_steps(exec_aggregate(&table, input(), key, 0, many_texts("COUNT(DISTINCT CONCAT($7, '%d'))"), WIDE), PLAN_BY_SOURCE,
                "1,000 COUNT(DISTINCT) of text");
    check_steps(exec_aggregate(&table, input(), key, 1, many_texts("SUM(`+`($5, %d))"), WIDE), PLAN_BY_SOURCE, "1,000 SUM");
    check_steps(exec_aggregate(&table, input(), key, 1, many_texts("MAX(CONCAT($7, '%d'))"), WIDE), PLAN_BY_SOURCE, "1,000 MAX of text");
    check_steps(exec_sort(&table, wide, order, WIDE, OV_NO_LIMIT, 0), PLAN_BY_SOURCE, "1,000 sort keys");
    check_steps(join_of(OV_JOINS_INNER, "=", 0, false, wide, wide), PLAN_BY_SOURCE, "1,000 columns joined");
    ov_window_call *calls = exec_lanes(&table.arena, WIDE * sizeof(*calls));
    const char **sums = many_texts("SUM(`+`($5, %d))");
    for (int i = 0; i < WIDE; i++) {
        ov_agg_call *sum = exec_lanes(&table.arena, sizeof(*sum));
        *sum = exec_agg(&table, sums[i]);
        calls[i] = (ov_window_call){.fn = OV_WINDOW_AGGREGATE, .agg = sum, .type = sum->type, .nullable = true,
                                    .frame = {.to = {.kind = OV_EDGE_FOLLOWING, .n = 9}}};
    }
    check_ok(ov_plan_window(&table.arena, input(), NULL, 0, by_path, 1, calls, WIDE, &plan, &err), &err);
    check_steps(plan, PLAN_BY_SOURCE, "1,000 window calls");
    assert_int_equal(failures, 0);
}

int main(int argc, char **argv)
{
    only = argc > 1 ? argv[1] : NULL;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operator),
        cmocka_unit_test(every_aggregate),
        cmocka_unit_test(wide_plans),
    };
    return cmocka_run_group_tests(tests, open_source, close_two_days);
}

#else

#include "tests/unit/harness.h"

static void not_counted(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(not_counted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
