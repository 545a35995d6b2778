#include "tests/unit/harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/large.h"
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

/* A gigabyte takes most of a second to touch: whoever is told to stop then does, and who need not touch it does not. */
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
    if (!OV_LARGE_BLOCKS) {
        o = (owner){.most = 1};
        assert_int_equal(ov_array_grow(&budget, &p, MIB, 80 * MIB, &err), OV_CANCELLED);
        assert_int_equal(o.asked, 2);
        assert_int_equal(atomic_load(&budget.used), MIB);
        for (size_t i = 0; i < MIB; i++)
            assert_int_equal(p[i], 7);
        o = (owner){.most = 1000};
    }
    assert_int_equal(ov_array_grow(&budget, &p, MIB, 80 * MIB, &err), OV_OK);
    for (size_t i = MIB; i < 80 * MIB; i += 1000)
        assert_int_equal(p[i], 0);
    ov_array_free(&budget, &p, 80 * MIB);
    o = (owner){.most = 1};
    assert_int_equal(ov_array_table(&budget, &p, 80 * MIB, &err), OV_CANCELLED);
    assert_null(p);
    assert_int_equal(atomic_load(&budget.used), 0);
    o = (owner){.most = 1000};
    assert_int_equal(ov_array_table(&budget, &p, 80 * MIB, &err), OV_OK);
    assert_in_range(o.asked, 40, 1000); /* no more than two megabytes at a time */
    ov_array_free(&budget, &p, 80 * MIB);
}

/* Both kinds of list keep what they hold when they move, and give room for as many as are asked for. */
static void test_lists_grow(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    ov_arena arena;
    ov_budget budget;
    uint32_t *in_arena = NULL, *apart = NULL, arena_cap = 0, apart_cap = 0;
    ov_arena_init(&arena, "test", NULL);
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    for (uint32_t count = 0, more = 1; count < 10000; count += more, more = more % 37 + 1) {
        check_ok(ov_arena_room(&arena, &in_arena, count, &arena_cap, more, sizeof *in_arena, &err), &err);
        check_ok(ov_list_room(&budget, &apart, count, &apart_cap, more, sizeof *apart, &err), &err);
        assert_true(arena_cap >= count + more && apart_cap >= count + more);
        for (uint32_t i = count; i < count + more; i++)
            in_arena[i] = apart[i] = i;
    }
    for (uint32_t i = 0; i < 10000; i++)
        assert_true(in_arena[i] == i && apart[i] == i);
    assert_int_equal(atomic_load(&budget.used), apart_cap * sizeof *apart);
    ov_array_free(&budget, &apart, apart_cap * sizeof *apart);
    ov_arena_fini(&arena);
}

/* The number of items is 32 bits wide: what does not fit is refused before anything is asked of the system. */
static void test_lists_end(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    uint32_t places = 0;
    check_ok(ov_list_places(0, 0, 1, &places, &err), &err);
    assert_int_equal(places, 16);
    check_ok(ov_list_places(16, 16, 1, &places, &err), &err);
    assert_int_equal(places, 32);
    check_ok(ov_list_places(16, 16, 100, &places, &err), &err);
    assert_int_equal(places, 116);
    check_fails(ov_list_places(UINT32_MAX / 2 + 1, UINT32_MAX / 2 + 1, 1, &places, &err), &err, OV_LIMIT, "items");
    check_fails(ov_list_places(10, 16, UINT32_MAX - 9, &places, &err), &err, OV_LIMIT, "items");
}

int main(void)
{
    ov_mem_setup();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_goes_back), cmocka_unit_test(test_memory_stays),
                                       cmocka_unit_test(test_tables), cmocka_unit_test(test_large_arrays_stop),
                                       cmocka_unit_test(test_lists_grow), cmocka_unit_test(test_lists_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
