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

/* A large block that goes teaches glibc to keep as much; ours must not learn that. */
static void test_memory_goes_back(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* keeps freed blocks for a while, on purpose */
#endif
    size_t before = resident();
    ov_free(ov_malloc(30 * MIB));
    static void *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = ov_malloc(BLOCK);
        assert_non_null(blocks[i]);
        memset(blocks[i], 1, BLOCK);
    }
    assert_true(resident() >= before + (size_t)BLOCKS * BLOCK);
    for (int i = BLOCKS; i-- > 0;)
        ov_free(blocks[i]);
    assert_true(resident() < before + 16 * MIB);
}

int main(void)
{
    ov_mem_setup();
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_goes_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
