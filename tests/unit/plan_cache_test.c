/* query/plan_cache through query/query: which statements find a plan that was made before, and which must not. */
#include "tests/unit/catalog_fixture.h"

#include "base/thread.h"
#include "ingest/stream/stream.h"
#include "query/query.h"

typedef struct world {
    fixture f;
    ov_budget budget;
    ov_query_env env;
} world;

static int set_up(void **state)
{
    static world w;
    ov_error err = OV_ERROR_INIT;
    memset(&w, 0, sizeof w);
    fixture_init(&w.f);
    ov_budget_init(&w.budget, "all", 64 << 20, NULL);
    check_ok(ov_plan_cache_create(&w.budget, 1 << 20, &w.env.plans, &err), &err);
    w.env.catalog = w.f.cat;
    w.env.budget = &w.budget;
    w.env.address = "";
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    world *w = *state;
    ov_plan_cache_destroy(w->env.plans);
    assert_int_equal(atomic_load(&w->budget.used), 0);
    fixture_fini(&w->f);
    return 0;
}

static ov_status take(void *self, const ov_batch *b, ov_error *err)
{
    (void)err;
    *(int64_t *)self = ov_vec_i64(&b->col[0], 0);
    return OV_OK;
}

static ov_query_request of(const char *sql)
{
    return (ov_query_request){.sql = ov_slice_cstr(sql), .outer_limit = OV_NO_LIMIT, .stringify_arrays = true};
}

/* Its first value; the text is overwritten before it runs, as the next request's would. */
static int64_t ask_as(world *w, const ov_query_request *rq)
{
    ov_error err = OV_ERROR_INIT;
    ov_query *q;
    int64_t value = -1;
    char *text = ov_strndup(rq->sql.p, rq->sql.n);
    ov_query_request own = *rq;
    own.sql.p = text;
    check_ok(ov_query_open(&w->env, &own, &q, &err), &err);
    memset(text, '#', rq->sql.n);
    ov_result_sink sink = {.rows = take, .self = &value};
    check_ok(ov_query_run(q, &sink, &err), &err);
    ov_query_close(q);
    ov_free(text);
    return value;
}

static int64_t ask(world *w, const char *sql)
{
    ov_query_request rq = of(sql);
    return ask_as(w, &rq);
}

static uint64_t hits(world *w)
{
    ov_plan_cache_counts n;
    ov_plan_cache_count(w->env.plans, &n);
    return n.hits;
}

static uint32_t plans(world *w)
{
    ov_plan_cache_counts n;
    ov_plan_cache_count(w->env.plans, &n);
    return n.plans;
}

static void the_same_text_finds_its_plan(void **state)
{
    world *w = *state;
    assert_int_equal(ask(w, "SELECT LENGTH('abc') + 4"), 7);
    assert_int_equal(hits(w), 0);
    for (uint64_t i = 1; i < 4; i++) {
        assert_int_equal(ask(w, "SELECT LENGTH('abc') + 4"), 7);
        assert_int_equal(hits(w), i);
    }
    assert_int_equal(ask(w, "SELECT LENGTH('abcd') + 4"), 8);
    assert_int_equal(plans(w), 2);
}

static void what_depends_on_the_moment_is_made_anew(void **state)
{
    static const char *const texts[] = {
        "SELECT CURRENT_TIMESTAMP",
        "SELECT TIMESTAMP_TO_MILLIS(CURRENT_TIMESTAMP)",
        "SELECT COUNT(*) FROM sys.segments",
        "SELECT COUNT(*) FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'x'",
        "SELECT 1 + (SELECT COUNT(*) FROM (VALUES (1), (2)) AS t(x))",
        "EXPLAIN PLAN FOR SELECT 1",
        "SET sqlOuterLimit = 3; SELECT 1",
    };
    world *w = *state;
    for (size_t i = 0; i < OV_COUNT_OF(texts); i++) {
        ov_query_request rq = of(texts[i]);
        ov_error err = OV_ERROR_INIT;
        for (int k = 0; k < 2; k++) {
            ov_query *q;
            check_ok(ov_query_open(&w->env, &rq, &q, &err), &err);
            ov_query_close(q);
        }
        if (hits(w) != 0)
            fail_msg("kept: %s", texts[i]);
    }
}

static void all_that_goes_into_a_plan_is_part_of_its_name(void **state)
{
    world *w = *state;
    ov_param p = {.sql = OV_SQL_BIGINT, .i = 5};
    ov_query_request rq = of("SELECT 1 + ?");
    rq.params = &p;
    rq.param_count = 1;
    assert_int_equal(ask_as(w, &rq), 6);
    p.i = 6;
    assert_int_equal(ask_as(w, &rq), 7);
    char text[] = "abc";
    ov_query_request length = of("SELECT LENGTH(?)");
    p = (ov_param){.sql = OV_SQL_VARCHAR, .s = OV_SLICE_LIT("abc")};
    p.s.p = text;
    length.params = &p;
    length.param_count = 1;
    assert_int_equal(ask_as(w, &length), 3);
    p.s.n = 2;
    assert_int_equal(ask_as(w, &length), 2);
    ov_query_request zone = of("SELECT EXTRACT(HOUR FROM TIMESTAMP '2024-01-01 00:00:00')");
    assert_int_equal(ask_as(w, &zone), 0);
    zone.time_zone = OV_SLICE_LIT("Asia/Seoul");
    assert_int_equal(ask_as(w, &zone), 0);
    assert_int_equal(hits(w), 0);
    assert_int_equal(ask_as(w, &zone), 0);
    assert_int_equal(hits(w), 1);
    ov_query_request limit = of("SELECT x FROM (VALUES (1), (2)) AS t(x)");
    assert_int_equal(ask_as(w, &limit), 1);
    limit.outer_limit = 1;
    assert_int_equal(ask_as(w, &limit), 1);
    assert_int_equal(hits(w), 1);
}

static void an_id_in_the_context_changes_nothing(void **state)
{
    world *w = *state;
    ov_error err = OV_ERROR_INIT;
    static const char *const contexts[] = {"{\"sqlQueryId\":\"a\",\"x\":1}", "{\"sqlQueryId\":\"b\",\"x\":1}", "{\"x\":2}"};
    for (size_t i = 0; i < OV_COUNT_OF(contexts); i++) {
        ov_json *context;
        ov_query_request rq = of("SELECT 3");
        check_ok(ov_json_parse(ov_slice_cstr(contexts[i]), NULL, &w->f.arena, &context, &err), &err);
        rq.context = context;
        assert_int_equal(ask_as(w, &rq), 3);
    }
    assert_int_equal(hits(w), 1);
    assert_int_equal(plans(w), 2);
}

static void quick_is_known_after_a_run(void **state)
{
    world *w = *state;
    ov_error err = OV_ERROR_INIT;
    ov_query_request rq = of("SELECT 4");
    ov_query *q;
    check_ok(ov_query_open_quick(&w->env, &rq, &q, &err), &err);
    assert_null(q);
    check_ok(ov_query_open(&w->env, &rq, &q, &err), &err);
    assert_false(ov_query_is_quick(q));
    ov_query_close(q);
    check_ok(ov_query_open_quick(&w->env, &rq, &q, &err), &err); /* kept, but nobody knows how long it takes */
    assert_null(q);
    for (int i = 0; i < 100 && !q; i++) { /* a busy machine may make any run slow */
        assert_int_equal(ask(w, "SELECT 4"), 4);
        check_ok(ov_query_open_quick(&w->env, &rq, &q, &err), &err);
    }
    assert_non_null(q);
    assert_true(ov_query_is_quick(q));
    ov_query_close(q);
    ov_query_request wrong = of("SELECT nothing");
    check_ok(ov_query_open_quick(&w->env, &wrong, &q, &err), &err); /* errors are the ordinary way's business */
    assert_null(q);
}

static void a_slow_run_makes_a_plan_slow_again(void **state)
{
    ov_planned *p;
    ov_error err = OV_ERROR_INIT;
    world *w = *state;
    ov_snapshot *snap = ov_catalog_snapshot(w->f.cat);
    check_ok(ov_planned_create(snap, NULL, &w->budget, &p, &err), &err);
    assert_int_equal(atomic_load(&p->cost_us), OV_COST_UNKNOWN);
    ov_planned_ran(p, 100);
    assert_int_equal(atomic_load(&p->cost_us), 100);
    ov_planned_ran(p, 60);
    assert_int_equal(atomic_load(&p->cost_us), 60);
    ov_planned_ran(p, 1000); /* once may be the machine */
    assert_true(atomic_load(&p->cost_us) < 200);
    for (int i = 0; i < 60; i++)
        ov_planned_ran(p, 1000);
    assert_true(atomic_load(&p->cost_us) > 900);
    ov_planned_ran(p, INT64_MAX);
    ov_planned_release(p);
    ov_snapshot_release(snap);
}

static void push(world *w, ov_streams *s, const char *rows)
{
    ov_error err = OV_ERROR_INIT;
    ov_push_result result;
    ov_push p = {.datasource = OV_SLICE_LIT("t"), .body = ov_slice_cstr(rows), .format = OV_PUSH_JSON};
    check_ok(ov_streams_push(s, &p, &w->f.arena, &result, &err), &err);
    assert_int_equal(result.rejected, 0);
}

/* Rows that come, merge and are published change no plan; columns do, and so does a datasource of another size. */
static void rows_leave_plans_be(void **state)
{
    static const char sum[] = "SELECT SUM(n) FROM t WHERE k = 'a'";
    world *w = *state;
    ov_streams *s;
    ov_error err = OV_ERROR_INIT;
    ov_streams_config config = {.catalog = w->f.cat, .paused = true};
    check_ok(ov_streams_create(&config, &s, &err), &err);
    push(w, s, "{\"time\":1,\"k\":\"a\",\"n\":1}\n{\"time\":2,\"k\":\"b\",\"n\":2}\n");
    assert_int_equal(ask(w, sum), 1);
    for (int i = 1; i <= 20; i++) {
        push(w, s, "{\"time\":3,\"k\":\"a\",\"n\":10}\n");
        assert_int_equal(ask(w, sum), 1 + 10 * i);
        assert_int_equal(hits(w), i);
    }
    check_ok(ov_streams_merge(s, &err), &err);
    assert_int_equal(ask(w, sum), 201);
    check_ok(ov_streams_flush(s, OV_SLICE_LIT("t"), &err), &err);
    assert_int_equal(ask(w, sum), 201);
    assert_int_equal(hits(w), 22);
    push(w, s, "{\"time\":3,\"k\":\"a\",\"n\":10,\"new\":\"x\"}\n");
    assert_int_equal(ask(w, sum), 211);
    assert_int_equal(hits(w), 22);
    push(w, s, "{\"time\":3,\"k\":\"a\",\"n\":0.5}\n"); /* n becomes a DOUBLE */
    ov_query_request rq = of("SELECT CAST(SUM(n) * 10 AS BIGINT) FROM t WHERE k = 'a'");
    assert_int_equal(ask_as(w, &rq), 2115);
    assert_int_equal(ask_as(w, &rq), 2115);
    assert_int_equal(hits(w), 23);
    ov_streams_destroy(s);
}

static void old_plans_make_room(void **state)
{
    world *w = *state;
    char text[64];
    for (int i = 0; i < 1200; i++) {
        snprintf(text, sizeof text, "SELECT %d", i);
        assert_int_equal(ask(w, text), i);
        assert_int_equal(ask(w, "SELECT 0"), 0); /* in use, so it stays */
    }
    ov_plan_cache_counts n;
    ov_plan_cache_count(w->env.plans, &n);
    assert_true(n.plans > 10 && n.plans < 1200);
    assert_true(n.bytes <= 1 << 20);
    assert_int_equal(n.hits, 1200);
    assert_true(atomic_load(&w->budget.used) >= n.bytes);
}

static void ask_often(void *arg)
{
    world *w = arg;
    char text[64];
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "SELECT %d + 1", i % 7);
        if (ask(w, text) != i % 7 + 1)
            abort();
    }
}

static void threads_share_plans(void **state)
{
    ov_thread t[4] = {0};
    ov_error err = OV_ERROR_INIT;
    for (size_t i = 0; i < OV_COUNT_OF(t); i++)
        check_ok(ov_thread_start(&t[i], "ask", ask_often, *state, &err), &err);
    for (size_t i = 0; i < OV_COUNT_OF(t); i++)
        ov_thread_join(&t[i]);
    assert_true(plans(*state) <= 7);
}

static void without_room_nothing_is_kept(void **state)
{
    world *w = *state;
    ov_error err = OV_ERROR_INIT;
    ov_plan_cache_destroy(w->env.plans);
    check_ok(ov_plan_cache_create(&w->budget, 100, &w->env.plans, &err), &err);
    assert_int_equal(ask(w, "SELECT 5"), 5);
    assert_int_equal(ask(w, "SELECT 5"), 5);
    assert_int_equal(plans(w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_text_finds_its_plan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_depends_on_the_moment_is_made_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_that_goes_into_a_plan_is_part_of_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_id_in_the_context_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quick_is_known_after_a_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_run_makes_a_plan_slow_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_leave_plans_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_plans_make_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(threads_share_plans, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_room_nothing_is_kept, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
