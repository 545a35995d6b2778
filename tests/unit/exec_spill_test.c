/*
 * Operators that go to disk: the same plans with much memory and with little, or told to spill at once, give the same
 * rows; what they hold stays within the budget.
 */
#include "tests/unit/exec_lib.h"

#include "base/spill.h"

/* The thread sanitizer makes a file of every row last for minutes. */
#ifdef __SANITIZE_THREAD__
enum { LEAST_SPILL = 100 }; /* too many for a few small sets */
#else
enum { LEAST_SPILL = 1 };
#endif

static exec_table table;
static ov_pool *pool;
static ov_spill_area area;
static char spill_dir[80];

#define OPEN INT64_MIN, INT64_MAX

static int set_up(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    static const uint32_t by_time[] = {COL_TIME, COL_SENSOR};
    exec_open(&table);
    check_ok(ov_pool_create(3, "test", &pool, &err), &err);
    exec_shape normal = {by_time, 2, false}, as_came = {by_time, 1, false};
    ov_new_segment segs[3];
    for (int i = 0; i < 3; i++) {
        exec_rows rows = exec_make(&table.arena, 9000, 200, i == 2 ? 37 : 1, EXEC_START + i * EXEC_DAY,
                                   (uint64_t)i + 1);
        exec_segment(&table, &rows, i == 1 ? &as_came : &normal, EXEC_START + i * EXEC_DAY,
                     EXEC_START + (i + 1) * EXEC_DAY, &segs[i]);
    }
    exec_commit(&table, segs, 3);
    snprintf(spill_dir, sizeof(spill_dir), "%s/spill", table.dir);
    check_ok(ov_spill_area_open(&area, spill_dir, 0, &err), &err);
    table.spill = &area;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_pool_destroy(pool);
    ov_spill_area_close(&area);
    exec_close(&table);
    return 0;
}

static const struct setting {
    ov_exec_options options;
    size_t budget;
} settings[] = {
    {{.workers = 3, .spill_rows = LEAST_SPILL}, (size_t)1 << 30},
    {{.workers = 1, .spill_rows = 1000, .batch_rows = 500}, (size_t)1 << 30},
    {{.workers = 2, .spill_rows = 5000, .dense_limit = 1, .general_only = true}, (size_t)1 << 30},
    {{.workers = 2, .batch_rows = 1000}, (size_t)12 << 20},
    {{.workers = 2, .spill_rows = 4000, .dense_limit = 1, .lot_groups = 20, .batch_rows = 700}, (size_t)1 << 30},
    {{.workers = 2, .dense_limit = 1, .lot_groups = 200, .batch_rows = 700}, (size_t)20 << 20},
};

static void same_on_disk(const ov_plan *plan, bool must_spill, const char *what)
{
    exec_result want = exec_run(&table, plan, (ov_exec_options){.workers = 1}, NULL);
    for (size_t i = 0; i < OV_COUNT_OF(settings); i++) {
        ov_error err = OV_ERROR_INIT;
        exec_result got;
        ov_exec_stats stats;
        ov_status st = exec_try(&table, plan, settings[i].options, pool, settings[i].budget, &stats, &got, &err);
        if (st != OV_OK)
            fail_msg("%s: setting %zu: %s", what, i, err.text);
        if (!ov_slice_eq(ov_buf_slice(&want.text), ov_buf_slice(&got.text)))
            fail_msg("%s: setting %zu differs: %llu rows in memory, %llu from disk\n%.1500s\n---\n%.1500s", what, i,
                     (unsigned long long)want.rows, (unsigned long long)got.rows, ov_buf_cstr(&want.text),
                     ov_buf_cstr(&got.text));
        if (must_spill && settings[i].options.spill_rows == 1 && stats.spilled_bytes == 0)
            fail_msg("%s: setting %zu did not go to disk", what, i);
        assert_int_equal(area.used, 0);
        ov_buf_fini(&got.text);
    }
    ov_buf_fini(&want.text);
}

/* ---- sorts ---- */

static void test_sorts(void **state)
{
    (void)state;
    static const struct {
        int order[3];
        uint32_t n;
        uint64_t limit, offset;
        bool spills;
    } sorts[] = {
        {{COL_PATH, COL_M}, 2, OV_NO_LIMIT, 0, true},   {{-1 - COL_M}, 1, OV_NO_LIMIT, 0, true},
        {{COL_X, -1 - COL_CITY}, 2, 12000, 100, false}, {{COL_CITY, COL_KIND, COL_N}, 3, OV_NO_LIMIT, 12000, true},
        {{-1 - COL_X}, 1, 10, 0, false},                {{COL_TIME}, 1, 7000, 7000, false},
    };
    const ov_plan *scan = exec_scan(&table, OPEN, NULL);
    for (size_t i = 0; i < OV_COUNT_OF(sorts); i++)
        same_on_disk(exec_sort(&table, scan, sorts[i].order, sorts[i].n, sorts[i].limit, sorts[i].offset),
                     sorts[i].spills, "sort");
}

static void test_sort_of_functions(void **state)
{
    (void)state;
    const char *exprs[] = {"UPPER($2)", "CONCAT($1, '/', $7)", "`+`($4, 1)", "$6", "'same'"};
    const int order[] = {-1, 1}, all_equal[] = {4};
    const ov_plan *input = exec_project(&table, exec_scan(&table, OPEN, NULL), exprs, 5);
    same_on_disk(exec_sort(&table, input, order, 2, OV_NO_LIMIT, 0), true, "sort of functions");
    same_on_disk(exec_sort(&table, input, all_equal, 1, OV_NO_LIMIT, 0), true, "sort by a constant");
}

/* ---- groupings ---- */

static void test_groups(void **state)
{
    (void)state;
    const char *paths[] = {"$7", "$1"}, *numbers[] = {"$5", "$6"}, *few[] = {"$2"}, *minutes[] = {"$0", "$2", "$3"};
    const char *aggs[] = {"COUNT()",         "SUM($4)",  "MIN($5)",
                          "MAX($7)",         "AVG($4)",  "COUNT($6) FILTER `>`($4, 3)",
                          "EARLIEST($2, $0)", "LATEST($4, $0)", "ANY_VALUE($3)"};
    const ov_plan *scan = exec_scan(&table, OPEN, NULL);
    same_on_disk(exec_aggregate(&table, scan, paths, 2, aggs, 9), true, "groups by text");
    same_on_disk(exec_aggregate(&table, scan, numbers, 2, aggs, 6), true, "groups by numbers");
    same_on_disk(exec_aggregate(&table, scan, few, 1, aggs, 9), false, "few groups");
    same_on_disk(exec_aggregate(&table, scan, minutes, 3, aggs, 2), false, "groups by time");
    same_on_disk(exec_aggregate(&table, scan, NULL, 0, aggs, 9), false, "one group");
}

static void test_sets(void **state)
{
    (void)state;
    const char *city[] = {"$2"}, *path[] = {"$7"};
    const char *aggs[] = {"COUNT(DISTINCT $5)", "COUNT(DISTINCT $7)", "COUNT()", "COUNT(DISTINCT $6)",
                          "COUNT(DISTINCT CONCAT($1, $7))"};
    const ov_plan *scan = exec_scan(&table, OPEN, NULL);
    same_on_disk(exec_aggregate(&table, scan, NULL, 0, aggs, 5), true, "sets of one group");
    same_on_disk(exec_aggregate(&table, scan, city, 1, aggs, 5), true, "sets of few groups");
    same_on_disk(exec_aggregate(&table, scan, path, 1, aggs, 3), true, "sets of many groups");
}

static void test_nested(void **state)
{
    (void)state;
    const char *keys[] = {"$7", "$4"}, *aggs[] = {"COUNT()", "COUNT(DISTINCT $1)"};
    const int order[] = {-3, 0};
    const ov_plan *inner = exec_aggregate(&table, exec_scan(&table, OPEN, NULL), keys, 2, aggs, 2);
    same_on_disk(exec_sort(&table, inner, order, 2, OV_NO_LIMIT, 0), true, "sort of groups");
    same_on_disk(exec_limit(&table, inner, 500, 300), true, "limit of groups");
    same_on_disk(exec_sort(&table, inner, order, 2, 25, 0), true, "best groups");
}

/* Rows that lie in lots when their state goes to disk. */
static void test_lots(void **state)
{
    (void)state;
    const char *keys[][2] = {{"$0", "$1"}, {"$7", "$5"}};
    const char *aggs[] = {"COUNT()", "SUM($4)", "AVG($5)", "MIN($5)", "COUNT($6) FILTER `>`($4, 3)", "COUNT(DISTINCT $4)"};
    const int order[] = {-3, 0};
    for (size_t k = 0; k < OV_COUNT_OF(keys); k++) {
        const ov_plan *groups = exec_aggregate(&table, exec_scan(&table, OPEN, NULL), keys[k], 2, aggs, OV_COUNT_OF(aggs));
        same_on_disk(exec_sort(&table, groups, order, 2, OV_NO_LIMIT, 0), true, "lots");
        same_on_disk(exec_sort(&table, groups, order, 2, 40, 0), true, "best of lots");
    }
}

/* ---- limits ---- */

static void test_disk_limit(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    ov_spill_area small;
    exec_result got;
    const int order[] = {COL_PATH};
    const ov_plan *plan = exec_sort(&table, exec_scan(&table, OPEN, NULL), order, 1, OV_NO_LIMIT, 0);
    check_ok(ov_spill_area_open(&small, spill_dir, 1 << 20, &err), &err);
    table.spill = &small;
    check_fails(exec_try(&table, plan, (ov_exec_options){.spill_rows = LEAST_SPILL}, pool, (size_t)1 << 30, NULL, &got, &err), &err, OV_LIMIT,
                "of its limit of 1048576 are in use");
    ov_buf_fini(&got.text);
    assert_int_equal(small.used, 0);
    table.spill = NULL;
    check_fails(exec_try(&table, plan, (ov_exec_options){.batch_rows = 1000}, pool, (size_t)2 << 20, NULL, &got, &err), &err, OV_LIMIT,
                "more bytes of memory");
    ov_buf_fini(&got.text);
    table.spill = &area;
    ov_spill_area_close(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorts),
        cmocka_unit_test(test_sort_of_functions),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_lots),
        cmocka_unit_test(test_disk_limit),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
