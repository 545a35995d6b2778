/* Places of a list by hash: every item is found, in order, whatever the hashes. */
#include "tests/unit/harness.h"

#include "base/hash.h"
#include "base/places.h"

static void every_item_is_found(void **state)
{
    enum { ITEMS = 5000, DIFFERENT = 1700 };
    ov_arena arena;
    ov_places p = {0};
    ov_error err = OV_ERROR_INIT;
    uint32_t slot;
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    assert_int_equal(ov_places_first(&p, 7, &slot), OV_NO_PLACE);
    for (uint32_t i = 0; i < ITEMS; i++)
        assert_int_equal(ov_places_add(&p, &arena, ov_hash_u64(i % DIFFERENT), &err), OV_OK);
    for (uint32_t h = 0; h < DIFFERENT; h++) {
        uint32_t want = h;
        OV_EACH_PLACE(&p, ov_hash_u64(h), i, at) {
            assert_int_equal(i, want); /* those of one hash in the order in which they came */
            want += DIFFERENT;
        }
        assert_true(want >= ITEMS);
    }
    ov_arena_fini(&arena);
}

static void equal_hashes_are_one_chain(void **state)
{
    enum { ITEMS = 300000 }; /* minutes, if each walked over all in front of it */
    ov_arena arena;
    ov_places p = {0};
    ov_error err = OV_ERROR_INIT;
    uint32_t want = 0;
    (void)state;
    ov_arena_init(&arena, "test", NULL);
    for (uint32_t i = 0; i < ITEMS; i++)
        assert_int_equal(ov_places_add(&p, &arena, 0, &err), OV_OK);
    OV_EACH_PLACE(&p, 0, i, slot)
        assert_int_equal(i, want++);
    assert_int_equal(want, ITEMS);
    ov_arena_fini(&arena);
}

static ov_status stop(void *cx, ov_error *err)
{
    return *(bool *)cx ? ov_fail(err, OV_CANCELLED, "stopped") : OV_OK;
}

/* What an arena's budget says about going on holds for whoever fills the arena. */
static void arenas_ask_whether_to_go_on(void **state)
{
    ov_budget budget;
    ov_arena arena;
    ov_error err = OV_ERROR_INIT;
    bool stopped = false;
    void *p;
    (void)state;
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    budget.alive = stop;
    budget.alive_cx = &stopped;
    ov_arena_init(&arena, "test", &budget);
    assert_int_equal(ov_arena_alloc(&arena, 100, &p, &err), OV_OK);
    stopped = true;
    ov_status st = OV_OK;
    for (int i = 0; i < 1000 && st == OV_OK; i++)
        st = ov_arena_alloc(&arena, 4096, &p, &err);
    assert_int_equal(st, OV_CANCELLED);
    ov_arena_fini(&arena);
    assert_int_equal(budget.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_found),
        cmocka_unit_test(equal_hashes_are_one_chain),
        cmocka_unit_test(arenas_ask_whether_to_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
