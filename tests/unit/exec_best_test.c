/*
 * ORDER BY ... LIMIT over segments that are not sorted by what is asked for: blocks are read by their bounds, rows are dropped before
 * the filter sees them, and conditions on large dictionaries are not decided beforehand. Everything against the general path.
 */
#include "tests/unit/exec_lib.h"

enum { ROWS = 60000, SENSORS = 30 };

static exec_table table;
static ov_pool *pool;

static int set_up(void **state)
{
    (void)state;
    static const uint32_t by_city[] = {COL_CITY, COL_SENSOR, COL_TIME};
    const exec_shape shape = {by_city, 3, false};
    exec_open_two(&table, &shape, ROWS, SENSORS, 15, &pool);
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
    static const ov_exec_options settings[] = {{.workers = 1}, {.workers = 3}, {.workers = 1, .batch_rows = 100}, {.workers = 2, .batch_rows = 3000}};
    exec_same(&table, plan, pool, settings, OV_COUNT_OF(settings), what);
}

#define OPEN INT64_MIN, INT64_MAX

/* With NULLs in $5, ties in $4 and by time. */
static void test_orders(void **state)
{
    (void)state;
    const char *filters[] = {NULL, "LIKE($7, '%77')", "`=`($1, 'ST-1007')", "AND(`<>`($2, 'city 6'), `>`($4, 3))", "`=`($7, 'nowhere')"};
    const int orders[][2] = {{0, 1}, {-1, 1}, {5, 0}, {-6, 0}, {4, -1}, {-5, 5}, {3, 7}, {-4, -8}};
    const uint64_t limits[] = {1, 10, 3000};
    for (size_t f = 0; f < OV_COUNT_OF(filters); f++)
        for (size_t o = 0; o < OV_COUNT_OF(orders); o++)
            for (size_t l = 0; l < OV_COUNT_OF(limits); l++) {
                ov_plan *scan = exec_scan(&table, OPEN, filters[f]);
                same(exec_sort(&table, scan, orders[o], 2, limits[l], l), filters[f] ? filters[f] : "no filter");
            }
}

/* Most blocks of a segment sorted by city are left unread when the first rows by time are asked for. */
static void test_few_blocks(void **state)
{
    (void)state;
    const int order[] = {0, 4};
    ov_error err = OV_ERROR_INIT;
    ov_exec_stats stats;
    exec_result out;
    const ov_plan *plan = exec_sort(&table, exec_scan(&table, OPEN, "`>`($4, 3)"), order, 2, 5, 0);
    check_ok(exec_try(&table, plan, (ov_exec_options){.workers = 1}, NULL, (size_t)1 << 30, &stats, &out, &err), &err);
    ov_buf_fini(&out.text);
    assert_true(stats.blocks_scanned < 2 * (ROWS / OV_BATCH_ROWS + 1));
    same(plan, "few blocks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_few_blocks),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
