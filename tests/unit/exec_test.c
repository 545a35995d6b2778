/*
 * The executor against itself: every plan under many settings must give the bytes of the general path with one
 * worker. A few answers are also computed here from the rows.
 */
#include "tests/unit/exec_lib.h"

static exec_table table;
static ov_pool *pool;

/* Several blocks a segment, the last one short; few enough rows that hundreds of plans take seconds under sanitizers. */
enum {
    ROWS_A = 18000,
    ROWS_B = 8400,
    ROWS_C = 9000,
    ROWS_D = 10000,
    ROWS = ROWS_A + ROWS_B + ROWS_C + ROWS_D,
};
static exec_rows part_a, part_b, part_c, part_d;

static const uint32_t by_time[] = {COL_TIME, COL_SENSOR};
static const uint32_t by_city[] = {2, 0}; /* city, __time */

static int set_up(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    exec_open(&table);
    check_ok(ov_pool_create(3, "test", &pool, &err), &err);
    exec_shape normal = {by_time, 2, false}, as_came = {by_time, 1, false},
               old = {by_time, 1, true}, city = {by_city, 2, false};
    ov_new_segment segs[4];
    part_a = exec_make(&table.arena, ROWS_A, 200, 1, EXEC_START, 1);
    part_b = exec_make(&table.arena, ROWS_B, 150, 7, EXEC_START + EXEC_DAY, 2);
    part_c = exec_make(&table.arena, ROWS_C, 200, 1, EXEC_START + 2 * EXEC_DAY, 3);
    part_d = exec_make(&table.arena, ROWS_D, 200, 37, EXEC_START + 3 * EXEC_DAY, 4);
    /* the oldest first, so that the merged schema is that of the others */
    exec_segment(&table, &part_b, &old, EXEC_START + EXEC_DAY, EXEC_START + 2 * EXEC_DAY, &segs[0]);
    exec_commit(&table, segs, 1);
    exec_segment(&table, &part_a, &normal, EXEC_START, EXEC_START + EXEC_DAY, &segs[0]);
    exec_segment(&table, &part_c, &city, EXEC_START + 2 * EXEC_DAY, EXEC_START + 3 * EXEC_DAY,
                 &segs[1]);
    exec_segment(&table, &part_d, &as_came, EXEC_START + 3 * EXEC_DAY, EXEC_START + 4 * EXEC_DAY,
                 &segs[2]);
    exec_commit(&table, segs, 3);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_pool_destroy(pool);
    exec_close(&table);
    return 0;
}

static const ov_exec_options settings[] = {
    {.workers = 1},
    {.workers = 2},
    {.workers = 4},
    {.workers = 1, .batch_rows = 7},
    {.workers = 2, .batch_rows = 64},
    {.workers = 1, .dense_limit = 1},
    {.workers = 4, .dense_limit = 1},
    {.workers = 2, .dense_limit = 300},
    {.workers = 1, .dense_limit = 1, .lot_groups = 1},
    {.workers = 4, .dense_limit = 1, .lot_groups = 40, .batch_rows = 700},
    {.workers = 2, .general_only = true},
    {.workers = 1, .general_only = true, .batch_rows = 1000},
};

/* Under settings first, first + step, ... */
static void same_under(const ov_plan *plan, const char *what, size_t first, size_t step)
{
    exec_result want =
        exec_run(&table, plan, (ov_exec_options){.workers = 1, .general_only = true}, NULL);
    for (size_t i = first; i < OV_COUNT_OF(settings); i += step) {
        exec_result got = exec_run(&table, plan, settings[i], pool);
        if (!ov_slice_eq(ov_buf_slice(&want.text), ov_buf_slice(&got.text)))
            fail_msg("%s: setting %zu differs:\n--- general (%llu rows)\n%.1500s\n--- fast (%llu "
                     "rows)\n%.1500s",
                     what, i, (unsigned long long)want.rows, ov_buf_cstr(&want.text),
                     (unsigned long long)got.rows, ov_buf_cstr(&got.text));
        ov_buf_fini(&got.text);
    }
    ov_buf_fini(&want.text);
}

static void same_everywhere(const ov_plan *plan, const char *what)
{
    same_under(plan, what, 0, 1);
}

/* For long rows of plans that are much alike: each under a third of the settings, the next under the next third. */
static void same_in_turn(const ov_plan *plan, const char *what)
{
    static size_t turn;
    same_under(plan, what, turn++ % 3, 3);
}

#define OPEN INT64_MIN, INT64_MAX

/* ---- answers known from the rows ---- */

static void test_counts(void **state)
{
    (void)state;
    const char *aggs[] = {"COUNT()", "SUM($4)", "MIN($0)", "MAX($0)", "COUNT($5)"};
    int64_t sum = 0, nulls = 0;
    const exec_rows *parts[] = {&part_a, &part_b, &part_c, &part_d};
    for (int p = 0; p < 4; p++)
        for (uint32_t i = 0; i < parts[p]->count; i++) {
            sum += parts[p]->n[i];
            nulls += !ov_bits_test(parts[p]->m_valid, i);
        }
    char want[200];
    snprintf(want, sizeof(want), "%d|%lld|%lld|%lld|%lld\n", ROWS, (long long)sum,
             (long long)EXEC_START, (long long)part_d.time[ROWS_D - 1], (long long)(ROWS - nulls));
    const ov_plan *plan = exec_aggregate(&table, exec_scan(&table, OPEN, NULL), NULL, 0, aggs, 5);
    exec_result got = exec_run(&table, plan, (ov_exec_options){0}, pool);
    assert_string_equal(ov_buf_cstr(&got.text), want);
    ov_buf_fini(&got.text);
    same_everywhere(plan, "counts");
}

static void test_no_rows(void **state)
{
    (void)state;
    const char *aggs[] = {"COUNT()", "SUM($4)", "AVG($6)", "MAX($2)", "COUNT(DISTINCT $1)"},
               *keys[] = {"$1"};
    ov_plan *none = exec_scan(&table, OPEN, "`=`($1, 'nowhere')");
    exec_result got = exec_run(&table, exec_aggregate(&table, none, NULL, 0, aggs, 5),
                               (ov_exec_options){0}, pool);
    assert_string_equal(ov_buf_cstr(&got.text), "0|NULL|NULL|NULL|0\n");
    ov_buf_fini(&got.text);
    got = exec_run(&table, exec_aggregate(&table, none, keys, 1, aggs, 5), (ov_exec_options){0},
                   pool);
    assert_int_equal(got.rows, 0);
    ov_buf_fini(&got.text);
}

/* ---- the matrix ---- */

static const char *const filters[] = {
    NULL,
    "`=`($1, 'ST-1007')",
    "`=`($2, 'city 0')",
    "IN($1, 'ST-1001', 'ST-1199', 'ST-9')",
    "`IS NULL`($2)",
    "NOT(`=`($2, 'city 3'))",
    "LIKE($2, 'city 1%')",
    "`>=`($4, 12)",
    "`=`($4, 3)",
    "`<`($5, 0)",
    "AND(`=`($1, 'ST-1010'), `=`($2, 'city 6'))",
    "AND(`=`($1, 'ST-1010'), `>`($4, 7))",
    "OR(`=`($1, 'ST-1010'), `=`($4, 7))",
    "AND(`=`(UPPER($2), 'CITY 4'), `IS NOT NULL`($6))",
    "`IS NULL`($6)",
    "`=`($7, '/p/77')",
    "AND(`=`($3, 'k1'), `<`($4, 100))",
    "`=`($3, 'k9')",
    "`>`($6, 900.5)",
};

static const struct {
    int64_t from, to;
} ranges[] = {
    {INT64_MIN, INT64_MAX},
    {EXEC_START + 3600000, EXEC_START + 2 * EXEC_DAY + 7200000},
    {EXEC_START + 30 * 60000, EXEC_START + 31 * 60000},
    {EXEC_START + EXEC_DAY, EXEC_START + 3 * EXEC_DAY},
    {EXEC_START + 10 * EXEC_DAY, INT64_MAX},
};

static const char *const key_texts[] = {
    "$1",
    "$2",
    "$3",
    "$4",
    "$5",
    "$6",
    "$7",
    "UPPER($2)",
    "TIME_FLOOR($0, 'PT1H')",
    "TIME_FLOOR($0, 'P1D')",
    "$0",
    "`+`($4, 1)",
    "LENGTH($1)",
    "`>`($4, 5)",
};

static const char *const agg_texts[] = {
    "COUNT()",
    "COUNT($2)",
    "COUNT($5)",
    "SUM($4)",
    "SUM($5)",
    "SUM($6)",
    "AVG($4)",
    "AVG($6)",
    "MIN($4)",
    "MAX($4)",
    "MIN($5)",
    "MAX($5)",
    "MIN($6)",
    "MAX($6)",
    "MIN($2)",
    "MAX($1)",
    "MAX(UPPER($2))",
    "MIN($0)",
    "MAX($0)",
    "COUNT(DISTINCT $2)",
    "COUNT(DISTINCT $4)",
    "COUNT(DISTINCT $7)",
    "COUNT(DISTINCT $6)",
    "COUNT() FILTER `=`($2, 'city 6')",
    "SUM($4) FILTER `>`($4, 7)",
    "MAX($6) FILTER `IS NULL`($2)",
    "LATEST($4, $0) FILTER `=`($1, 'ST-1000')",
    "EARLIEST($2, $0) FILTER `=`($1, 'ST-1000')",
};

static ov_plan *random_scan(uint64_t *seed)
{
    size_t r = exec_random(seed) % (2 * OV_COUNT_OF(ranges)),
           f = exec_random(seed) % OV_COUNT_OF(filters);
    r = r < OV_COUNT_OF(ranges) ? r : 0;
    return exec_scan(&table, ranges[r].from, ranges[r].to, filters[f]);
}

static void test_random_aggregates(void **state)
{
    (void)state;
    uint64_t seed = 42;
    for (int round = 0; round < 150; round++) {
        const char *keys[3], *aggs[4];
        char what[600];
        uint32_t key_count = (uint32_t)(exec_random(&seed) % 4),
                 agg_count = (uint32_t)(exec_random(&seed) % 5);
        if (key_count + agg_count == 0)
            agg_count = 1;
        for (uint32_t i = 0; i < key_count; i++)
            keys[i] = key_texts[exec_random(&seed) % OV_COUNT_OF(key_texts)];
        for (uint32_t i = 0; i < agg_count; i++)
            aggs[i] = agg_texts[exec_random(&seed) % OV_COUNT_OF(agg_texts)];
        ov_plan *scan = random_scan(&seed);
        int at = snprintf(what, sizeof(what), "round %d: keys", round);
        for (uint32_t i = 0; i < key_count; i++)
            at += snprintf(what + at, sizeof(what) - (size_t)at, " %s", keys[i]);
        for (uint32_t i = 0; i < agg_count; i++)
            at += snprintf(what + at, sizeof(what) - (size_t)at, " %s", aggs[i]);
        ov_plan *groups = exec_aggregate(&table, scan, keys, key_count, aggs, agg_count);
        same_in_turn(groups, what);
        /* below a sort groups come in any order: workers' tables are matched with each other, not joined */
        const int order[] = {-(int)(key_count + agg_count - 1), 0};
        same_in_turn(exec_sort(&table, groups, order, 2, round % 3 ? 10 : OV_NO_LIMIT, 0), what);
    }
}

/* A function leaves codes of equal values, so several dense groups are one group; and groups that some worker has only in its table. */
static void test_sets(void **state)
{
    (void)state;
    const char *keys[][2] = {{"TIME_FLOOR($0, 'PT1H')", "LENGTH($1)"}, {"LENGTH($2)", "$4"}, {"$2", "$3"}, {"$4", "$7"}};
    const char *sets[] = {"COUNT(DISTINCT $2)", "COUNT(DISTINCT $7)", "COUNT(DISTINCT $5)", "COUNT(DISTINCT $4)"};
    const int order[] = {-2, 0};
    for (size_t k = 0; k < OV_COUNT_OF(keys); k++)
        for (size_t a = 0; a < OV_COUNT_OF(sets); a++) {
            const char *aggs[] = {sets[a], "MAX($4)"};
            ov_plan *groups = exec_aggregate(&table, exec_scan(&table, OPEN, NULL), keys[k], 2, aggs, 2);
            same_in_turn(exec_sort(&table, groups, order, 2, OV_NO_LIMIT, 0), sets[a]);
        }
}

/* Many groups below a sort, with everything that lots take: NULLs, fractions, masks, sets of numbers. */
static void test_lots(void **state)
{
    (void)state;
    const char *keys[][3] = {{"$0", "$1", "$5"}, {"$5", "$7", "$6"}, {"$7", "$2", "UPPER($1)"}, {"$6", "1", "$4"}};
    const char *aggs[] = {"COUNT()",     "SUM($4)", "AVG($5)", "SUM($6)", "MIN($5)", "MAX($6)", "COUNT($5) FILTER `>`($4, 3)", "COUNT(DISTINCT $4)",
                          "SUM(`*`($4, 1000000))", "MAX($0)"};
    const int order[] = {-4, 0};
    for (size_t k = 0; k < OV_COUNT_OF(keys); k++) {
        ov_plan *groups = exec_aggregate(&table, exec_scan(&table, OPEN, k % 2 ? "`<`($4, 9)" : NULL), keys[k], 3, aggs, OV_COUNT_OF(aggs));
        same_everywhere(exec_sort(&table, groups, order, 2, k < 2 ? OV_NO_LIMIT : 30, 0), "lots");
    }
}

/* Each aggregate alone over each kind of key: what dense paths and index-only answers like best. */
static void test_single_aggregates(void **state)
{
    (void)state;
    for (size_t k = 0; k <= OV_COUNT_OF(key_texts); k += 1)
        for (size_t a = 0; a < OV_COUNT_OF(agg_texts); a += 3) {
            char what[200];
            snprintf(what, sizeof(what), "%s by %s", agg_texts[a],
                     k ? key_texts[k - 1] : "nothing");
            same_in_turn(exec_aggregate(&table, exec_scan(&table, OPEN, NULL),
                                        &key_texts[k ? k - 1 : 0], k > 0,
                                        &agg_texts[(a + k) % OV_COUNT_OF(agg_texts)], 1),
                         what);
        }
}

static void test_filters(void **state)
{
    (void)state;
    const char *count[] = {"COUNT()"}, *keys[] = {"$1"};
    const char *columns[] = {"$0", "$1", "$2", "$4", "$5", "$6", "UPPER($2)"};
    for (size_t f = 0; f < OV_COUNT_OF(filters); f++)
        for (size_t r = 0; r < OV_COUNT_OF(ranges); r++) {
            const char *what = filters[f] ? filters[f] : "no filter";
            ov_plan *scan = exec_scan(&table, ranges[r].from, ranges[r].to, filters[f]);
            same_in_turn(exec_aggregate(&table, scan, NULL, 0, count, 1), what);
            same_in_turn(exec_aggregate(&table, scan, keys, 1, count, 1), what);
            if (f % 3 == 1)
                same_in_turn(exec_project(&table, scan, columns, 7), what);
        }
}

static void test_sorts(void **state)
{
    (void)state;
    uint64_t seed = 7;
    const int orders[][2] = {{4, -2}, {-7, 0}, {5, 1}, {-6, 7}, {2, -1}, {0, 0}};
    for (size_t i = 0; i < OV_COUNT_OF(orders); i++)
        for (int k = 0; k < 3; k++) {
            uint64_t limit = k == 0 ? OV_NO_LIMIT : k == 1 ? 10 : 9000;
            ov_plan *scan = k == 0 ? exec_scan(&table, OPEN, "`=`($4, 3)") : random_scan(&seed);
            same_everywhere(exec_sort(&table, scan, orders[i], 2, limit, (uint64_t)k * 5), "sort");
        }
}

static void test_limits(void **state)
{
    (void)state;
    const uint64_t limits[][2] = {
        {1, 0}, {0, 0}, {100, ROWS_A}, {OV_NO_LIMIT, ROWS - 10}, {20000, 1}, {10, 2 * ROWS}};
    const char *keys[] = {"$1"}, *aggs[] = {"COUNT()"};
    for (size_t i = 0; i < OV_COUNT_OF(limits); i++) {
        same_everywhere(
            exec_limit(&table, exec_scan(&table, OPEN, NULL), limits[i][0], limits[i][1]), "limit");
        same_everywhere(exec_limit(&table, exec_scan(&table, OPEN, "`=`($2, 'city 6')"),
                                   limits[i][0], limits[i][1]),
                        "limit of filter");
        same_everywhere(exec_aggregate(&table,
                                       exec_limit(&table, exec_scan(&table, OPEN, NULL),
                                                  limits[i][0], limits[i][1]),
                                       keys, 1, aggs, 1),
                        "aggregate of limit");
    }
}

static void test_nested(void **state)
{
    (void)state;
    const char *keys[] = {"$1", "$2"}, *aggs[] = {"COUNT()", "AVG($4)"};
    const int order[] = {-3, 1};
    ov_plan *inner = exec_aggregate(&table, exec_scan(&table, OPEN, NULL), keys, 2, aggs, 2);
    same_everywhere(exec_sort(&table, inner, order, 2, 20, 0), "top groups");
    ov_plan *both = exec_node(&table, OV_PLAN_UNION, exec_scan(&table, OPEN, "`=`($4, 1)"));
    both->inputs = exec_lanes(&table.arena, 2 * sizeof(*both->inputs));
    both->inputs[0] = exec_scan(&table, OPEN, "`=`($4, 1)");
    both->inputs[1] = exec_scan(&table, OPEN, "`=`($1, 'ST-1003')");
    both->input_count = 2;
    same_everywhere(exec_aggregate(&table, both, keys, 2, aggs, 2), "aggregate of union");
    same_everywhere(exec_limit(&table, both, 6000, 10), "limit of union");
}

/* ---- ways of scanning ---- */

static ov_exec_stats stats_of(const ov_plan *plan)
{
    ov_error err = OV_ERROR_INIT;
    ov_exec_stats stats;
    exec_result out;
    check_ok(exec_try(&table, plan, (ov_exec_options){.workers = 1}, NULL, (size_t)1 << 30, &stats,
                      &out, &err),
             &err);
    ov_buf_fini(&out.text);
    return stats;
}

static void test_index_only(void **state)
{
    (void)state;
    const char *count[] = {"COUNT()"}, *distinct[] = {"COUNT(DISTINCT $2)", "MAX($2)"},
               *keys[] = {"$1"};
    ov_exec_stats s =
        stats_of(exec_aggregate(&table, exec_scan(&table, OPEN, NULL), NULL, 0, count, 1));
    assert_int_equal(s.segments_indexed, 4);
    s = stats_of(
        exec_aggregate(&table, exec_scan(&table, OPEN, "`=`($1, 'ST-1007')"), NULL, 0, count, 1));
    assert_int_equal(s.segments_indexed, 4);
    s = stats_of(exec_aggregate(&table, exec_scan(&table, OPEN, NULL), keys, 1, count, 1));
    assert_int_equal(s.segments_indexed, 4);
    s = stats_of(exec_aggregate(&table, exec_scan(&table, OPEN, NULL), NULL, 0, distinct, 2));
    assert_int_equal(s.segments_indexed, 4);
    s = stats_of(exec_aggregate(
        &table, exec_scan(&table, EXEC_START + 60000, INT64_MAX, "`=`($1, 'ST-1007')"), NULL, 0,
        count, 1));
    assert_int_equal(s.segments_indexed, 4); /* the one cut by the range too: by rowset */
    assert_int_equal(s.blocks_scanned, 0);
    s = stats_of(
        exec_aggregate(&table, exec_scan(&table, OPEN, "`=`($1, 'nobody')"), keys, 1, count, 1));
    assert_int_equal(s.segments_pruned, 4);
    s = stats_of(exec_scan(&table, OPEN, "`=`($1, 'ST-1007')"));
    assert_int_equal(s.blocks_scanned, 0);
    assert_int_equal(s.rows_scanned, ROWS_A / 200 + ROWS_B / 150 + ROWS_C / 200 + ROWS_D / 200);
}

/* ---- limits of patience and memory ---- */

static void test_budget(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    exec_result out;
    const char *keys[] = {"$5", "$7", "$6"}, *aggs[] = {"COUNT()"};
    const ov_plan *plan = exec_aggregate(&table, exec_scan(&table, OPEN, NULL), keys, 3, aggs, 1);
    for (size_t budget = 1 << 12; budget <= 1 << 22; budget += budget / 3) {
        ov_status st =
            exec_try(&table, plan, (ov_exec_options){.workers = 2}, pool, budget, NULL, &out, &err);
        if (st != OV_OK && st != OV_LIMIT)
            fail_msg("%zu bytes: %s", budget, err.text);
        ov_buf_fini(&out.text);
    }
    const int order[] = {5};
    for (size_t budget = 1 << 12; budget <= 1 << 22; budget += budget / 2) {
        ov_status st = exec_try(
            &table, exec_sort(&table, exec_scan(&table, OPEN, NULL), order, 1, OV_NO_LIMIT, 0),
            (ov_exec_options){.workers = 2}, pool, budget, NULL, &out, &err);
        if (st != OV_OK && st != OV_LIMIT)
            fail_msg("%zu bytes: %s", budget, err.text);
        ov_buf_fini(&out.text);
    }
}

typedef struct stop_sink {
    ov_query_ctx *cx;
    int batches;
} stop_sink;

static ov_status stop_rows(void *self, const ov_batch *b, ov_error *err)
{
    stop_sink *s = self;
    (void)b;
    if (++s->batches == 2)
        return ov_fail(err, OV_IO, "the client went away");
    if (s->cx->deadline_ms == -1)
        atomic_store(&s->cx->cancelled, true);
    return OV_OK;
}

static void test_stop(void **state)
{
    (void)state;
    for (int cancel = 0; cancel < 2; cancel++)
        for (unsigned workers = 1; workers <= 4; workers++) {
            ov_error err = OV_ERROR_INIT;
            ov_query_ctx *cx = calloc(1, sizeof(*cx));
            ov_budget_init(&cx->budget, "query", (size_t)1 << 30, NULL);
            ov_arena_init(&cx->arena, "query", &cx->budget);
            cx->snapshot = table.snap;
            cx->pool = pool;
            cx->options = (ov_exec_options){.workers = workers, .batch_rows = 1000};
            stop_sink self = {cx, 0};
            ov_result_sink sink = {.rows = stop_rows, .self = &self};
            const ov_plan *plan = exec_scan(&table, OPEN, NULL);
            if (cancel)
                atomic_store(&cx->cancelled, true);
            if (cancel)
                check_fails(ov_exec_run(plan, cx, &sink, &err), &err, OV_CANCELLED, "cancelled");
            else
                check_fails(ov_exec_run(plan, cx, &sink, &err), &err, OV_IO, "went away");
            ov_arena_fini(&cx->arena);
            free(cx);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_index_only),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_single_aggregates),
        cmocka_unit_test(test_random_aggregates),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_lots),
        cmocka_unit_test(test_sorts),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
