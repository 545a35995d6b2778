#include "tests/unit/harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { BLOCKS = 400, BLOCK = 1 << 20, MIB = 1 << 20 };

static size_t resident(void)
{
    size_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*u %zu", &pages), 1);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void fill_and_free(size_t blocks)
{
    static void *block[BLOCKS];
    size_t before = resident();
    for (size_t i = 0; i < blocks; i++) {
        block[i] = ov_malloc(BLOCK);
        assert_non_null(block[i]);
        memset(block[i], 1, BLOCK);
    }
    assert_true(resident() + 16 * MIB >= before + blocks * BLOCK);
    for (size_t i = blocks; i-- > 0;)
        ov_free(block[i]);
}

/* A large block that goes teaches glibc to keep as much; ours must not learn that. */
static void test_memory_goes_back(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* keeps freed blocks for a while, on purpose */
#endif
    size_t before = resident();
    ov_free(ov_malloc(30 * MIB));
    fill_and_free(BLOCKS);
    assert_true(resident() < before + 16 * MIB);
}

/* What was said to stay does, and no more than that. */
static void test_memory_stays(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* as above */
#endif
    size_t before = resident();
    ov_mem_keep((size_t)1 << 40);
    fill_and_free(14);
    assert_true(resident() >= before + 8 * MIB);
    fill_and_free(BLOCKS);
    assert_true(resident() < before + 32 * MIB);
    ov_mem_spare(true);
    ov_mem_spare(true);
    fill_and_free(BLOCKS);
    ov_mem_spare(false); /* one of two */
    fill_and_free(14);
    assert_true(resident() < before + 8 * MIB);
    ov_mem_spare(false);
    fill_and_free(14);
    assert_true(resident() >= before + 8 * MIB);
    ov_mem_keep(0);
    fill_and_free(BLOCKS);
    assert_true(resident() < before + 16 * MIB);
}

/* Tables of every size are zeros that are charged, and there is none past the limit. */
static void test_tables(void **state)
{
    (void)state;
    static const size_t sizes[] = {8, 4096, (64 << 10) - 8, 64 << 10, 5 * MIB + 24};
    ov_budget budget;
    ov_error err = OV_ERROR_INIT;
    unsigned char *table;
    ov_budget_init(&budget, "test", 6 * MIB, NULL);
    for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
        assert_int_equal(ov_array_table(&budget, &table, sizes[k], &err), OV_OK);
        assert_int_equal(atomic_load(&budget.used), sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++)
            assert_int_equal(table[i], 0);
        memset(table, 0xff, sizes[k]); /* the next one may lie in the same place */
        ov_array_free(&budget, &table, sizes[k]);
    }
    assert_int_equal(ov_array_table(&budget, &table, 7 * MIB, &err), OV_LIMIT);
    assert_int_equal(atomic_load(&budget.used), 0);
}

typedef struct owner {
    int asked, most;
} owner;

static ov_status asked(void *cx, ov_error *err)
{
    owner *o = cx;
    return ++o->asked > o->most ? ov_fail(err, OV_CANCELLED, "stopped") : OV_OK;
}

/* A gigabyte takes most of a second to touch: whoever is told to stop then does. */
static void test_large_arrays_stop(void **state)
{
    (void)state;
    ov_budget budget;
    ov_error err = OV_ERROR_INIT;
    owner o = {.most = 1000};
    char *p = NULL;
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    budget.alive = asked;
    budget.alive_cx = &o;
    assert_int_equal(ov_array_grow(&budget, &p, 0, MIB, &err), OV_OK);
    memset(p, 7, MIB);
    o = (owner){.most = 1};
    assert_int_equal(ov_array_grow(&budget, &p, MIB, 80 * MIB, &err), OV_CANCELLED);
    assert_int_equal(o.asked, 2);
    assert_int_equal(atomic_load(&budget.used), MIB);
    for (size_t i = 0; i < MIB; i++)
        assert_int_equal(p[i], 7);
    o = (owner){.most = 1000};
    assert_int_equal(ov_array_grow(&budget, &p, MIB, 80 * MIB, &err), OV_OK);
    for (size_t i = MIB; i < 80 * MIB; i += 1000)
        assert_int_equal(p[i], 0);
    ov_array_free(&budget, &p, 80 * MIB);
    o = (owner){.most = 1};
    assert_int_equal(ov_array_table(&budget, &p, 80 * MIB, &err), OV_CANCELLED);
    assert_null(p);
    assert_int_equal(atomic_load(&budget.used), 0);
}

int main(void)
{
    ov_mem_setup();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_goes_back), cmocka_unit_test(test_memory_stays),
                                       cmocka_unit_test(test_tables), cmocka_unit_test(test_large_arrays_stop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
