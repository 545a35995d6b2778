/* query/query_rows: how large a query is taken to be before it runs, which decides whether it waits behind others. */
#include "tests/unit/catalog_fixture.h"

#include "ingest/stream/stream.h"
#include "query/query.h"

enum { ROWS = 100000, KEYS = 1000 }; /* each of k0 to k999 has a hundred rows */

typedef struct world {
    fixture f;
    ov_budget budget;
    ov_query_env env;
} world;

static void load(world *w)
{
    ov_error err = OV_ERROR_INIT;
    ov_streams *s;
    ov_streams_config config = {.catalog = w->f.cat, .paused = true};
    ov_push_result result;
    ov_buf rows;
    ov_buf_init(&rows);
    for (int i = 0; i < ROWS; i++)
        ov_buf_addf(&rows, "{\"time\":%d,\"k\":\"k%d\",\"n\":%d}\n", i, i % KEYS, i % 7);
    ov_push p = {.datasource = OV_SLICE_LIT("t"), .body = ov_buf_slice(&rows), .format = OV_PUSH_JSON};
    check_ok(ov_streams_create(&config, &s, &err), &err);
    check_ok(ov_streams_push(s, &p, &w->f.arena, &result, &err), &err);
    assert_int_equal(result.rejected, 0);
    check_ok(ov_streams_flush(s, OV_SLICE_LIT("t"), &err), &err);
    ov_streams_destroy(s);
    ov_buf_fini(&rows);
}

static int set_up(void **state)
{
    static world w;
    fixture_init(&w.f);
    ov_budget_init(&w.budget, "all", 64 << 20, NULL);
    w.env = (ov_query_env){.catalog = w.f.cat, .budget = &w.budget, .address = ""};
    load(&w);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    fixture_fini(&((world *)*state)->f);
    return 0;
}

static uint64_t rows_of(world *w, const char *condition)
{
    char sql[300];
    ov_error err = OV_ERROR_INIT;
    ov_query *q;
    snprintf(sql, sizeof sql, "SELECT n, COUNT(*) FROM t WHERE %s GROUP BY n", condition);
    ov_query_request rq = {.sql = ov_slice_cstr(sql), .outer_limit = OV_NO_LIMIT};
    check_ok(ov_query_open(&w->env, &rq, &q, &err), &err);
    uint64_t rows = ov_query_rows(q);
    ov_query_close(q);
    return rows;
}

static void indexes_tell_what_is_left(void **state)
{
    static const struct {
        const char *condition;
        uint64_t least, most;
    } cases[] = {
        {"k = 'k7'", 90, 110},
        {"k = 'nobody'", 0, 0},
        {"k IN ('k1', 'k2', 'k3')", 290, 310},
        {"k = 'k1' OR k = 'k2'", 190, 210},
        {"k = 'k7' AND n > 3", 90, 110},
        {"k IN ('k1', 'k2') AND k = 'k1'", 0, 110},
        /* indexes do not decide these */
        {"n > 3", ROWS - 10, ROWS + 10},
        {"k = 'k7' OR n > 3", ROWS - 10, ROWS + 10},
        {"k <> 'k7'", ROWS - 10, ROWS + 10},
        {"UPPER(k) = 'K7'", ROWS - 10, ROWS + 10},
    };
    for (size_t i = 0; i < OV_COUNT_OF(cases); i++) {
        uint64_t rows = rows_of(*state, cases[i].condition);
        if (rows < cases[i].least || rows > cases[i].most)
            fail_msg("%s: %llu rows", cases[i].condition, (unsigned long long)rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(indexes_tell_what_is_left, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
