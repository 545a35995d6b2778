/* base/sort: any number of values around the pieces, a comparison that ties, and being told to stop. */
#include "tests/unit/harness.h"

#include <stdlib.h>

#include "base/value_sort.h"

static int by_number(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, 8);
    memcpy(&y, b, 8);
    return (x > y) - (x < y);
}

static ov_status stopped(void *cx, ov_error *err)
{
    unsigned *asked = cx;
    return ++*asked < 3 ? OV_OK : ov_fail(err, OV_CANCELLED, "told to stop");
}

static void sorts_like_the_library(void **state)
{
    static const size_t counts[] = {0, 1, 2, 16383, 16384, 16385, 32768, 50000, 100001};
    ov_error err = OV_ERROR_INIT;
    ov_budget budget;
    (void)state;
    ov_budget_init(&budget, "sort", SIZE_MAX, NULL);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        size_t n = counts[c];
        uint64_t *ours = malloc((n + 1) * 8), *theirs = malloc((n + 1) * 8), seed = n;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            ours[i] = theirs[i] = seed >> 33 & (c % 2 ? 0xfff : UINT64_MAX);
        }
        assert_int_equal(ov_sort(&budget, ours, n, 8, by_number, &err), OV_OK);
        qsort(theirs, n, 8, by_number);
        assert_true(memcmp(ours, theirs, n * 8) == 0);
        free(ours);
        free(theirs);
    }
    assert_int_equal(budget.used, (size_t)0);
    assert_true(budget.peak > 0);
}

/* The upper half of the number, so that the lower one is left to comparing. */
static uint64_t half_of(const void *value, const void *cx)
{
    uint64_t v;
    memcpy(&v, value, 8);
    return v >> *(const unsigned *)cx;
}

static void sorts_by_keys(void **state)
{
    static const size_t counts[] = {0, 1, 2, 199, 201, 5000, 40000};
    static const unsigned shifts[] = {0, 8, 40, 63};
    ov_error err = OV_ERROR_INIT;
    ov_budget budget;
    (void)state;
    ov_budget_init(&budget, "sort", SIZE_MAX, NULL);
    for (size_t c = 0; c < 4 * sizeof counts / sizeof *counts; c++) {
        size_t n = counts[c / 4];
        uint64_t *ours = malloc((n + 1) * 8), *theirs = malloc((n + 1) * 8), seed = c;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            ours[i] = theirs[i] = c % 3 ? seed : seed >> 50;
        }
        assert_int_equal(ov_sort_by_key(&budget, ours, n, 8, half_of, &shifts[c % 4], by_number, &err), OV_OK);
        qsort(theirs, n, 8, by_number);
        assert_true(memcmp(ours, theirs, n * 8) == 0);
        assert_int_equal(ov_sort_by_key(&budget, ours, n, 8, half_of, &shifts[c % 4], by_number, &err), OV_OK); /* in order already */
        assert_true(memcmp(ours, theirs, n * 8) == 0);
        free(ours);
        free(theirs);
    }
    assert_int_equal(budget.used, (size_t)0);
    unsigned asked = 0;
    uint64_t falling[100000];
    for (size_t i = 0; i < 100000; i++)
        falling[i] = 100000 - i;
    budget.alive = stopped;
    budget.alive_cx = &asked;
    assert_int_equal(ov_sort_by_key(&budget, falling, 100000, 8, half_of, &shifts[0], by_number, &err), OV_CANCELLED);
    assert_int_equal(budget.used, (size_t)0);
}

static void stops_and_gives_its_memory_back(void **state)
{
    enum { N = 1 << 17 };
    unsigned asked = 0;
    ov_error err = OV_ERROR_INIT;
    ov_budget budget;
    uint64_t *values = calloc(N, 8);
    (void)state;
    ov_budget_init(&budget, "sort", SIZE_MAX, NULL);
    budget.alive = stopped;
    budget.alive_cx = &asked;
    assert_int_equal(ov_sort(&budget, values, N, 8, by_number, &err), OV_CANCELLED);
    assert_int_equal(asked, 3u);
    ov_budget_init(&budget, "sort", 1000, NULL);
    assert_int_equal(ov_sort(&budget, values, N, 8, by_number, &err), OV_LIMIT);
    assert_int_equal(budget.used, (size_t)0);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_like_the_library),
        cmocka_unit_test(sorts_by_keys),
        cmocka_unit_test(stops_and_gives_its_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
