/* Schedules under clocks that jump: each look gets the time it is to believe. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include "base/file.h"
#include "ingest/schedule/schedule_int.h"

typedef struct fixture {
    char dir[64];
    ov_catalog *cat;
    ov_schedules s;
    ov_arena arena;
} fixture;

static ov_error err;

static void fixture_init(fixture *f)
{
    memset(f, 0, sizeof(*f));
    strcpy(f->dir, "/tmp/ovate-schedule-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    ov_arena_init(&f->arena, "test", NULL);
    check_ok(ov_catalog_open(f->dir, true, &f->cat, &err), &err);
    f->s.config.catalog = f->cat;
    ov_tasks_config config = {.catalog = f->cat, .threads = 1, .workers = 1};
    check_ok(ov_tasks_create(&config, &f->s.config.tasks, &err), &err);
    ov_mutex_init(&f->s.lock);
}

static void fixture_fini(fixture *f)
{
    ov_tasks_destroy(f->s.config.tasks);
    ov_mutex_fini(&f->s.lock);
    ov_catalog_close(f->cat);
    check_ok(ov_dir_remove_all(f->dir, &err), &err);
    ov_arena_fini(&f->arena);
}

static void put(fixture *f, const char *json)
{
    ov_slice name;
    check_ok(ov_schedules_put(&f->s, ov_slice_cstr(json), &f->arena, &name, &err), &err);
}

static int64_t at(const char *text)
{
    int64_t ms;
    check_ok(ov_iso_parse(ov_slice_cstr(text), NULL, &ms, &err), &err);
    return ms;
}

/* A look at that time, and what is kept of the schedule "x" after it. */
static ovi_sched_state *look(fixture *f, const char *when)
{
    ovi_sched_state *state;
    ov_slice text;
    check_ok(ovi_schedules_tick(&f->s, at(when), &err), &err);
    check_ok(ov_arena_zalloc(&f->arena, sizeof(*state), &state, &err), &err);
    check_ok(ov_catalog_cursor_get(f->cat, OV_SLICE_LIT("schedule-state:x"), &f->arena, &text, &err), &err);
    check_ok(ovi_sched_state_read(text, &f->arena, state, &err), &err);
    return state;
}

static void check_run(const ovi_sched_run *r, const char *start, const char *end, uint32_t attempt)
{
    assert_int_equal(r->stretch.start, at(start));
    assert_int_equal(r->stretch.end, at(end));
    assert_int_equal(r->attempt, attempt);
}

#define TASK "\"task\":{\"type\":\"noop\",\"runTime\":1}"

static void test_forward(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    put(&f, "{\"name\":\"x\",\"cron\":\"* * * * *\",\"maxActiveRuns\":50,\"retries\":9," TASK "}");
    assert_int_equal(look(&f, "2030-01-01T00:00:30Z")->run_count, 0);
    const ovi_sched_state *s = look(&f, "2031-06-01T12:00:30Z"); /* over 700,000 minutes later */
    assert_int_equal(s->run_count, 1);
    check_run(&s->runs[0], "2031-06-01T11:59:00Z", "2031-06-01T12:00:00Z", 0);
    assert_int_equal(look(&f, "2031-06-01T12:00:40Z")->run_count, 1);
    assert_int_equal(look(&f, "2031-06-01T12:01:00Z")->run_count, 2);
    fixture_fini(&f);
}

static void test_back(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    put(&f, "{\"name\":\"x\",\"every\":\"PT1H\",\"maxActiveRuns\":50,\"retries\":9," TASK "}");
    look(&f, "2030-01-01T00:30:00Z");
    assert_int_equal(look(&f, "2030-01-01T01:00:01Z")->run_count, 1);
    assert_int_equal(look(&f, "2030-01-01T00:59:31Z")->run_count, 1); /* a small correction: the stretch has its run */
    assert_int_equal(look(&f, "2030-01-01T01:00:02Z")->run_count, 1);
    const ovi_sched_state *s = look(&f, "2030-01-03T05:00:01Z"); /* two days ahead, and corrected */
    check_run(&s->runs[1], "2030-01-03T04:00:00Z", "2030-01-03T05:00:00Z", 0);
    assert_int_equal(look(&f, "2030-01-01T01:30:00Z")->run_count, 2);
    s = look(&f, "2030-01-01T02:00:00Z");
    assert_int_equal(s->run_count, 3);
    check_run(&s->runs[2], "2030-01-01T01:00:00Z", "2030-01-01T02:00:00Z", 0);
    look(&f, "2030-01-03T04:00:00Z");
    s = look(&f, "2030-01-03T05:00:00Z"); /* the stretch that ran too early runs again, with a task of its own */
    check_run(&s->runs[s->run_count - 1], "2030-01-03T04:00:00Z", "2030-01-03T05:00:00Z", 1);
    assert_true(ov_slice_ends(s->runs[s->run_count - 1].task, OV_SLICE_LIT("_1")));
    fixture_fini(&f);
}

static void test_catchup_is_bounded(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    put(&f, "{\"name\":\"x\",\"cron\":\"0 * * * *\",\"catchup\":true,\"maxCatchup\":5,\"maxActiveRuns\":50," TASK "}");
    look(&f, "2030-01-01T00:30:00Z");
    const ovi_sched_state *s = look(&f, "2030-01-01T05:30:00Z");
    assert_int_equal(s->run_count, 5); /* as many as may be */
    s = look(&f, "2030-01-02T05:30:00Z"); /* a day of silence */
    assert_int_equal(s->run_count, 5 + 1 + 5);
    assert_int_equal(s->runs[5].state, OVI_RUN_SKIPPED);
    check_run(&s->runs[5], "2030-01-01T05:00:00Z", "2030-01-02T00:00:00Z", 0);
    assert_true(ov_slice_starts(s->runs[5].why, OV_SLICE_LIT("19 stretches are left out")));
    check_run(&s->runs[6], "2030-01-02T00:00:00Z", "2030-01-02T01:00:00Z", 0);
    check_run(&s->runs[10], "2030-01-02T04:00:00Z", "2030-01-02T05:00:00Z", 0);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_back),
        cmocka_unit_test(test_catchup_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
