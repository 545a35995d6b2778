/* Blocks that begin where a large page does (base/large.h), by themselves and as arrays (base/mem.h). */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <sys/mman.h>

#include "base/large.h"
#include "base/mem.h"

#define MIB ((size_t)1 << 20)

static void skip_under_sanitizers(void)
{
    if (!OV_LARGE_BLOCKS)
        skip();
}

static bool begins_a_large_page(const void *p)
{
    return (uintptr_t)p % OV_LARGE_PAGE == 0;
}

static size_t resident(void)
{
    char line[200];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtol(line + 8, NULL, 10);
    fclose(f);
    return (size_t)kib << 10;
}

static void check_zeros(const char *p, size_t from, size_t to)
{
    for (size_t i = from; i < to; i += 511)
        assert_int_equal(p[i], 0);
    assert_int_equal(p[to - 1], 0);
}

/* A page behind the block keeps it from growing where it is. */
static void in_the_way(char *p, size_t bytes)
{
    void *behind = mmap(p + bytes, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    (void)behind; /* something is there already: as good */
}

static void blocks_move_by_large_pages(void **state)
{
    (void)state;
    skip_under_sanitizers();
    size_t bytes = 5 * MIB;
    char *p = ov_large_alloc(bytes), *moved;
    assert_non_null(p);
    check_zeros(p, 0, bytes);
    memset(p, 7, bytes);
    in_the_way(p, bytes);
    moved = ov_large_grow(p, 9 * MIB + 5);
    assert_true(moved && moved != p && begins_a_large_page(moved) && ov_large_is(moved) && !ov_large_is(p));
    for (size_t i = 0; i < bytes; i++)
        assert_int_equal(moved[i], 7);
    check_zeros(moved, bytes, 9 * MIB + 5);
    assert_true(ov_large_free(moved));
    assert_false(ov_large_free(moved));
}

static void others_are_told_apart(void **state)
{
    (void)state;
    void *p = NULL;
    assert_false(ov_large_is(NULL));
    assert_false(ov_large_free(NULL));
    p = ov_aligned_malloc(OV_LARGE_PAGE, MIB);
    assert_true(begins_a_large_page(p));
    assert_false(ov_large_is(p));
    assert_false(ov_large_free(p));
    ov_free(p);
    ov_free(NULL);
}

static void there_may_be_no_memory(void **state)
{
    (void)state;
    skip_under_sanitizers();
    assert_null(ov_large_alloc(SIZE_MAX - 5));
    char *p = ov_large_alloc(OV_LARGE_LEAST);
    assert_non_null(p);
    p[1] = 3;
    assert_null(ov_large_grow(p, SIZE_MAX / 2 - 5));
    assert_null(ov_large_grow(p, SIZE_MAX - 5));
    assert_true(ov_large_is(p));
    assert_int_equal(p[1], 3);
    assert_true(ov_large_free(p));
}

/* From the C library's blocks to large ones, and on: what was there stays, and nothing else is touched. */
static void arrays_grow(void **state)
{
    (void)state;
    skip_under_sanitizers();
    ov_budget budget;
    ov_error err = OV_ERROR_INIT;
    char *p = NULL;
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    check_ok(ov_array_grow(&budget, &p, 0, MIB, &err), &err);
    memset(p, 7, MIB);
    check_ok(ov_array_grow(&budget, &p, MIB, 50 * MIB, &err), &err);
    assert_true(begins_a_large_page(p));
    for (size_t i = 0; i < MIB; i++)
        assert_int_equal(p[i], 7);
    size_t before = resident();
    in_the_way(p, 50 * MIB);
    check_ok(ov_array_grow(&budget, &p, 50 * MIB, 500 * MIB, &err), &err);
    assert_true(begins_a_large_page(p));
    assert_true(resident() < before + 4 * MIB);
    check_zeros(p, MIB, 60 * MIB);
    check_zeros(p, 498 * MIB, 500 * MIB);
    assert_int_equal(p[MIB - 1], 7);
    ov_array_free(&budget, &p, 500 * MIB);
    assert_int_equal(atomic_load(&budget.used), 0);
    assert_true(resident() < before);
}

/* One of several arrays grew, the next one found no room: all are given back by their old size. */
static void arrays_are_freed_by_another_size(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    char *p = NULL;
    check_ok(ov_array_grow(NULL, &p, 0, MIB, &err), &err);
    check_ok(ov_array_grow(NULL, &p, MIB, 8 * MIB, &err), &err);
    ov_array_free(NULL, &p, MIB);
    check_ok(ov_array_table(NULL, &p, 8 * MIB, &err), &err);
    assert_int_equal(begins_a_large_page(p), OV_LARGE_BLOCKS);
    p = ov_realloc(p, 12 * MIB);
    assert_non_null(p);
    check_zeros(p, 0, 8 * MIB);
    ov_free(p);
}

int main(void)
{
    ov_mem_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_move_by_large_pages), cmocka_unit_test(others_are_told_apart),
        cmocka_unit_test(there_may_be_no_memory),     cmocka_unit_test(arrays_grow),
        cmocka_unit_test(arrays_are_freed_by_another_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
