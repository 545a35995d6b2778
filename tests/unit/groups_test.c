/*
 * Groups whose keys are numbers given one after another, against the table of hashes: the same groups in the same order, found
 * again or not, also after all of them are gone.
 */
#include "query/exec/groups.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { ROWS = 4000, ROUNDS = 40, STEP = 3 };

/* Numbers as a table of texts gives them: mostly known ones, now and then the next. Some are passed over: their texts were of other use. */
static void make_keys(uint64_t *keys, uint64_t *next, uint64_t *seed)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t random = *seed >> 33;
        keys[i] = random % 4 == 0 ? (*next += 1 + random / 4 % STEP) : random / 4 % (*next + 1);
    }
}

static void check_lookup(const ovi_groups *a, const ovi_groups *b, uint64_t most)
{
    uint64_t keys[64], live = 0x5555555555555555u;
    uint32_t group[2][64];
    for (uint64_t from = 0; from < most * 8; from += 64) { /* far behind the last one, too */
        for (uint32_t i = 0; i < 64; i++)
            keys[i] = from + i;
        ovi_groups_lookup(a, keys, &live, 64, group[0]);
        ovi_groups_lookup(b, keys, &live, 64, group[1]);
        assert_memory_equal(group[0], group[1], sizeof(group[0]));
    }
}

static void test_by_number(void **state)
{
    (void)state;
    static uint64_t keys[ROWS];
    static uint32_t group[2][ROWS];
    ov_budget budget;
    ov_error err = OV_ERROR_INIT;
    ovi_groups hashed, numbered;
    uint64_t seed = 7;
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    assert_int_equal(ovi_groups_init(&hashed, 1, &budget, &err), OV_OK);
    assert_int_equal(ovi_groups_init(&numbered, 1, &budget, &err), OV_OK);
    numbered.by_number = true;
    for (int again = 0; again < 2; again++) {
        uint64_t next = 0;
        for (int round = 0; round < ROUNDS; round++) {
            make_keys(keys, &next, &seed);
            assert_int_equal(ovi_groups_find(&hashed, keys, ROWS, group[0], &err), OV_OK);
            assert_int_equal(ovi_groups_find(&numbered, keys, ROWS, group[1], &err), OV_OK);
            assert_memory_equal(group[0], group[1], sizeof(group[0]));
        }
        assert_int_equal(hashed.count, numbered.count);
        assert_memory_equal(hashed.keys, numbered.keys, (size_t)hashed.count * 8);
        check_lookup(&hashed, &numbered, next);
        ovi_groups_clear(&hashed);
        ovi_groups_clear(&numbered);
    }
    ovi_groups_fini(&hashed);
    ovi_groups_fini(&numbered);
    assert_int_equal(atomic_load(&budget.used), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_number)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
