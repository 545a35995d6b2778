/*
 * Sets of numbers against a plain array of flags: who is in, in which order, over spans that end in the middle of a word and
 * begin below zero.
 */
#include "query/exec/keyset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { ROWS = 1000, SPANS = 7 };

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void check_span(uint64_t min, uint64_t span, uint64_t seed)
{
    ov_budget budget;
    ov_error err = OV_ERROR_INIT;
    ovi_keyset set;
    uint8_t *member = calloc(span, 1);
    uint32_t *number = calloc(span, sizeof(*number)), count = 0, found[ROWS];
    uint64_t at[ROWS], live[ROWS / 64 + 1] = {0}, kept[ROWS / 64 + 1] = {0};
    int64_t value[ROWS];
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    assert_int_equal(ovi_keyset_init(&set, min, span, &budget, &err), OV_OK);
    for (uint64_t i = 0; i < span; i += 1 + next_random(&seed) % 5) {
        member[i] = 1;
        number[i] = count++;
        ovi_keyset_add(&set, i);
    }
    ovi_keyset_rank(&set);
    assert_int_equal(set.count, count);
    for (uint32_t i = 0; i < ROWS; i++) {
        at[i] = next_random(&seed) % span;
        value[i] = (int64_t)(min + next_random(&seed) % (span * 2) - span / 2);
        ov_bits_put(live, i, i < 64 || next_random(&seed) % 3);
        ov_bits_put(kept, i, i < 64 || next_random(&seed) % 3);
    }
    uint64_t asked[ROWS / 64 + 1];
    memcpy(asked, kept, sizeof(asked));
    ovi_keyset_find(&set, at, live, ROWS, found);
    ovi_keyset_keep(&set, value, ROWS, kept);
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t place = (uint64_t)value[i] - min;
        assert_int_equal(found[i], ov_bits_test(live, i) && member[at[i]] ? number[at[i]] : OVI_NO_MEMBER);
        assert_int_equal(ov_bits_test(kept, i), ov_bits_test(asked, i) && place < span && member[place]);
    }
    for (uint32_t i = 0; i + 1 < ROWS; i++) {
        int64_t low = OV_MIN(value[i], value[i + 1]), high = OV_MAX(value[i], value[i + 1]);
        bool meets = false;
        for (uint64_t k = 0; k < span && span < ROWS; k++) {
            int64_t v = (int64_t)(min + k);
            meets = meets || (member[k] && v >= low && v <= high);
        }
        if (span < ROWS && (int64_t)(min + span - 1) >= (int64_t)min)
            assert_int_equal(ovi_keyset_meets(&set, low, high), meets);
    }
    ovi_keyset_fini(&set);
    assert_int_equal(atomic_load(&budget.used), 0);
    free(member);
    free(number);
}

static void test_members(void **state)
{
    (void)state;
    const uint64_t spans[SPANS] = {1, 2, 63, 64, 65, 1000, 70001};
    const int64_t mins[] = {0, -5, 1 << 20, INT64_MIN, INT64_MAX - 70001};
    for (size_t s = 0; s < SPANS; s++)
        for (size_t m = 0; m < OV_COUNT_OF(mins); m++)
            check_span((uint64_t)mins[m], spans[s], s * 31 + m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_members)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
