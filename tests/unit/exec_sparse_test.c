/*
 * Few rows left of many: row sets of several columns together, blocks of which only the rows that are left go on, and groups that
 * stay in the table until there are rows enough for a dense level. Everything against the general path.
 */
#include "tests/unit/exec_lib.h"

enum { ROWS = 30000, SENSORS = 20 };

static exec_table table;
static ov_pool *pool;

static int set_up(void **state)
{
    (void)state;
    static const uint32_t by_time[] = {COL_TIME, COL_SENSOR};
    const exec_shape shape = {by_time, 2, false};
    exec_open_two(&table, &shape, ROWS, SENSORS, 5, &pool);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_pool_destroy(pool);
    exec_close(&table);
    return 0;
}

static void same(const ov_plan *plan, const char *what)
{
    static const ov_exec_options settings[] = {
        {.workers = 1}, {.workers = 3}, {.workers = 1, .batch_rows = 64}, {.workers = 2, .batch_rows = 1000}, {.workers = 1, .dense_limit = 5000},
    };
    exec_same(&table, plan, pool, settings, OV_COUNT_OF(settings), what);
}

static ov_exec_stats stats_of(const ov_plan *plan)
{
    ov_error err = OV_ERROR_INIT;
    ov_exec_stats stats;
    exec_result out;
    check_ok(exec_try(&table, plan, (ov_exec_options){.workers = 1}, NULL, (size_t)1 << 30, &stats, &out, &err), &err);
    ov_buf_fini(&out.text);
    return stats;
}

#define OPEN INT64_MIN, INT64_MAX

/* Neither column alone leaves few enough rows to pick them out; both together do. */
static void test_sets_together(void **state)
{
    (void)state;
    const char *both = "AND(`=`($1, 'ST-1010'), `=`($2, 'city 6'))", *three = "AND(`=`($1, 'ST-1010'), `=`($2, 'city 6'), `<`($4, 9))";
    const char *keys[] = {"$3"}, *aggs[] = {"COUNT()", "SUM($5)", "MAX($7)"};
    ov_exec_stats s = stats_of(exec_aggregate(&table, exec_scan(&table, OPEN, both), keys, 1, aggs, 3));
    assert_int_equal(s.blocks_scanned, 0);
    s = stats_of(exec_aggregate(&table, exec_scan(&table, OPEN, "`=`($1, 'ST-1010')"), keys, 1, aggs, 3));
    assert_int_not_equal(s.blocks_scanned, 0);
    same(exec_aggregate(&table, exec_scan(&table, OPEN, both), keys, 1, aggs, 3), both);
    same(exec_aggregate(&table, exec_scan(&table, OPEN, three), keys, 1, aggs, 3), three);
    same(exec_scan(&table, EXEC_START + 3600000, EXEC_START + 3 * EXEC_DAY, three), three);
}

/* Blocks lose nearly all of their rows by conditions on numbers, which no row set knows. */
static void test_sparse_blocks(void **state)
{
    (void)state;
    const char *filters[] = {"`=`($4, 3)", "AND(`=`($4, 3), `>`($5, 0))", "`=`($5, 12345)", "AND(`<`($4, 4), LIKE($2, 'city 1%'), `>`($6, 400))"};
    const char *keys[][2] = {{"$1", "$2"}, {"$7", "$4"}, {"TIME_FLOOR($0, 'PT1H')", "$3"}, {"$6", "UPPER($2)"}};
    const char *aggs[] = {"COUNT()", "SUM($5)", "MIN($6)", "EARLIEST($4, $0)", "COUNT(DISTINCT $7)", "MAX($2)"};
    const int order[] = {-4, 1};
    for (size_t f = 0; f < OV_COUNT_OF(filters); f++) {
        ov_plan *scan = exec_scan(&table, OPEN, filters[f]);
        for (size_t k = 0; k < OV_COUNT_OF(keys); k++)
            same(exec_aggregate(&table, scan, keys[k], 2, aggs, 6), filters[f]);
        same(exec_aggregate(&table, scan, NULL, 0, aggs, 1), filters[f]); /* no column is asked for */
        same(scan, filters[f]);
        same(exec_sort(&table, scan, order, 2, 20, 0), filters[f]);
    }
}

/* Rows go to the table at first, to the dense level when there are many, and some groups are in both. */
static void test_levels(void **state)
{
    (void)state;
    const char *keys[][3] = {{"$3", "$7", "$4"}, {"$1", "$2", "$4"}, {"TIME_FLOOR($0, 'P1D')", "$1", "$2"}, {"TIME_FLOOR($0, 'PT1H')", "$7", "$4"}};
    const char *aggs[] = {"COUNT()", "SUM($5)", "MIN($6)", "LATEST($4, $0)", "COUNT(DISTINCT $2)"};
    for (size_t k = 0; k < OV_COUNT_OF(keys); k++)
        for (uint32_t n = 1; n <= 3; n++)
            same(exec_aggregate(&table, exec_scan(&table, OPEN, k % 2 ? NULL : "`<`($4, 11)"), keys[k], n, aggs, 5), keys[k][0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_together),
        cmocka_unit_test(test_sparse_blocks),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
