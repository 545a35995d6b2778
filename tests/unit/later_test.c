/* Giving back later: all of it, in time for who waits, and counted until it is gone. */
#include "tests/unit/harness.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/later.h"
#include "base/os.h"
#include "base/spill.h"
#include "base/thread.h"

static ov_error err;
static ov_later *later;
static ov_budget all, one, part;
static bool stopped;

static ov_status alive(void *cx, ov_error *e)
{
    (void)cx;
    return stopped ? ov_fail(e, OV_CANCELLED, "Query cancelled") : OV_OK;
}

static int set_up(void **state)
{
    (void)state;
    err = (ov_error)OV_ERROR_INIT;
    stopped = false;
    check_ok(ov_later_create(&later, &err), &err);
    ov_budget_init(&all, "all", SIZE_MAX, NULL);
    ov_budget_init(&one, "one", SIZE_MAX, &all);
    ov_budget_init(&part, "part", SIZE_MAX, &one);
    all.later = later;
    one.alive = alive;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ov_later_destroy(later);
    return 0;
}

/* An item that holds the thread until it is let go. */
static ov_mutex gate = OV_MUTEX_INIT;

static void pass_gate(ov_later_item *item)
{
    (void)item;
    ov_mutex_lock(&gate);
    ov_mutex_unlock(&gate);
}

static void check_budgets(size_t of_all, size_t of_one, size_t of_part)
{
    assert_int_equal(atomic_load(&all.used), of_all);
    assert_int_equal(atomic_load(&one.used), of_one);
    assert_int_equal(atomic_load(&part.used), of_part);
}

enum { BLOCK = 8 << 20, FEW = 1000 };

static void test_memory_of_stopped_work(void **state)
{
    (void)state;
    static ov_later_item item = {.run = pass_gate};
    char *large = NULL, *few = NULL, *kept = NULL;
    ov_arena arena;
    char *chunk;
    check_ok(ov_array_grow(&part, &large, 0, BLOCK, &err), &err);
    check_ok(ov_array_grow(&part, &few, 0, FEW, &err), &err);
    check_ok(ov_array_grow(&part, &kept, 0, BLOCK, &err), &err);
    ov_arena_init(&arena, "test", &part);
    check_ok(ov_arena_alloc(&arena, BLOCK, &chunk, &err), &err);
    size_t of_arena = arena.total_bytes;
    ov_mutex_lock(&gate);
    ov_later_put(later, &item);
    ov_array_free(&part, &kept, BLOCK); /* while the work is wanted, its memory goes at once */
    check_budgets(BLOCK + FEW + of_arena, BLOCK + FEW + of_arena, BLOCK + FEW + of_arena);
    stopped = true;
    ov_array_free(&part, &large, BLOCK);
    ov_array_free(&part, &few, FEW);
    ov_arena_fini(&arena);
    check_budgets(BLOCK + of_arena, 0, 0);
    assert_null(large);
    ov_mutex_unlock(&gate);
    ov_later_wait(later);
    check_budgets(0, 0, 0);
}

/* Who needs the memory waits until it is back. */
static void test_room(void **state)
{
    (void)state;
    char *a = NULL, *b = NULL;
    all.limit = BLOCK + 100;
    for (int i = 0; i < 50; i++) {
        stopped = false;
        check_ok(ov_array_grow(&part, &a, 0, BLOCK, &err), &err);
        check_fails(ov_array_grow(&part, &b, 0, BLOCK, &err), &err, OV_LIMIT, "all needs");
        stopped = true;
        ov_array_free(&part, &a, BLOCK);
    }
    ov_later_wait(later);
    check_budgets(0, 0, 0);
}

static void test_files(void **state)
{
    (void)state;
    static ov_later_item item = {.run = pass_gate};
    static char rows[5 << 20];
    char dir[] = "/tmp/ov_later_XXXXXX";
    ov_spill_area area;
    ov_spill_file f, small;
    uint64_t at;
    assert_non_null(mkdtemp(dir));
    check_ok(ov_spill_area_open(&area, dir, sizeof(rows) + 100, &err), &err);
    area.later = later;
    check_ok(ov_spill_open(&area, &f, &err), &err);
    check_ok(ov_spill_open(&area, &small, &err), &err);
    check_ok(ov_spill_append(&f, rows, sizeof(rows), &at, &err), &err);
    check_ok(ov_spill_append(&small, rows, 100, &at, &err), &err);
    ov_mutex_lock(&gate);
    ov_later_put(later, &item);
    ov_spill_close(&f);
    ov_spill_close(&small);
    assert_int_equal(atomic_load(&area.used), sizeof(rows));
    ov_mutex_unlock(&gate);
    /* there is no room before the first file is gone, so this waits for it */
    check_ok(ov_spill_open(&area, &f, &err), &err);
    check_ok(ov_spill_append(&f, rows, sizeof(rows), &at, &err), &err);
    check_fails(ov_spill_append(&f, rows, sizeof(rows), &at, &err), &err, OV_LIMIT, "intermediate rows need");
    ov_spill_close(&f);
    ov_later_wait(later);
    assert_int_equal(atomic_load(&area.used), 0);
    ov_spill_area_close(&area);
    check_ok(ov_dir_remove_all(dir, &err), &err);
}

static _Atomic int ran;

static void count(ov_later_item *item)
{
    (void)item;
    atomic_fetch_add(&ran, 1);
}

static void test_end(void **state)
{
    (void)state;
    static ov_later_item items[100];
    for (size_t i = 0; i < OV_COUNT_OF(items); i++) {
        items[i].run = count;
        ov_later_put(later, &items[i]);
    }
    ov_later_destroy(later); /* nothing is left out */
    later = NULL;
    assert_int_equal(atomic_load(&ran), (int)OV_COUNT_OF(items));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_memory_of_stopped_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
