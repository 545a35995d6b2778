/* The cache of byte strings against a model, its bound, values that outlive it, and threads. */
#include "tests/unit/harness.h"

#include <stdio.h>

#include "base/blob_cache.h"
#include "base/hash.h"
#include "base/thread.h"

static ov_blob_cache *make(size_t limit)
{
    ov_error err = OV_ERROR_INIT;
    ov_blob_cache *c;
    assert_int_equal(ov_blob_cache_create(limit, &c, &err), OV_OK);
    return c;
}

static ov_slice name(char buf[32], const char *word, int i)
{
    int n = snprintf(buf, 32, "%s%d", word, i);
    return ov_slice_make(buf, (size_t)n);
}

static void put(ov_blob_cache *c, int key, int value)
{
    char k[32], v[32];
    ov_blob_cache_put(c, name(k, "key", key), name(v, "value", value));
}

/* -1: nothing is kept for the key. */
static int get(ov_blob_cache *c, int key)
{
    char k[32], text[32];
    ov_blob *blob = ov_blob_cache_get(c, name(k, "key", key));
    int value = -1;
    if (blob) {
        assert_true(blob->n < sizeof text);
        memcpy(text, blob->p, blob->n);
        text[blob->n] = 0;
        assert_int_equal(sscanf(text, "value%d", &value), 1);
    }
    ov_blob_release(blob);
    return value;
}

static void test_keeps_and_replaces(void **state)
{
    (void)state;
    ov_blob_cache *c = make(1 << 20);
    ov_blob_cache_stats s;
    for (int i = 0; i < 1000; i++) /* slots grow on the way */
        put(c, i, i);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(get(c, i), i);
    put(c, 7, 70);
    assert_int_equal(get(c, 7), 70);
    assert_int_equal(get(c, 1000), -1);
    ov_blob_cache_stats_of(c, &s);
    assert_int_equal(s.entries, 1000);
    assert_int_equal(s.hits, 1001);
    assert_int_equal(s.misses, 1);
    assert_int_equal(s.dropped, 0);
    ov_blob_cache_destroy(c);
}

static void test_least_recently_used_goes_first(void **state)
{
    (void)state;
    ov_blob_cache *c = make(8000);
    ov_blob_cache_stats s;
    for (int i = 0; i < 1000; i++) {
        put(c, i, i);
        assert_int_equal(get(c, 0), 0); /* asked for all the time: stays */
    }
    ov_blob_cache_stats_of(c, &s);
    assert_true(s.bytes <= 8000);
    assert_int_equal(s.entries + s.dropped, 1000);
    assert_int_equal(get(c, 999), 999);
    assert_int_equal(get(c, 1), -1);
    ov_blob_cache_destroy(c);
}

static void test_too_large_is_not_kept(void **state)
{
    (void)state;
    static char large[2000];
    ov_blob_cache *c = make(8000), *none = make(0);
    ov_slice key = OV_SLICE_LIT("k");
    ov_blob_cache_put(c, key, OV_SLICE_LIT("small"));
    ov_blob_cache_put(c, key, ov_slice_make(large, sizeof large));
    ov_blob *blob = ov_blob_cache_get(c, key);
    assert_int_equal(blob->n, 5);
    ov_blob_cache_put(none, key, OV_SLICE_LIT(""));
    assert_null(ov_blob_cache_get(none, key));
    ov_blob_cache_destroy(none);
    ov_blob_cache_destroy(c);
    assert_memory_equal(blob->p, "small", 5); /* who holds a value keeps it */
    ov_blob_release(blob);
}

static void test_equal_hashes(void **state)
{
    (void)state;
    ov_hash_force_zero(true);
    ov_blob_cache *c = make(1 << 20);
    for (int i = 0; i < 100; i++)
        put(c, i, i);
    for (int i = 0; i < 100; i++)
        assert_int_equal(get(c, i), i);
    ov_blob_cache_destroy(c);
    ov_hash_force_zero(false);
}

static void hammer(void *arg)
{
    ov_blob_cache *c = arg;
    for (int i = 0; i < 20000; i++) {
        int key = (i * 7919) % 300, value = get(c, key);
        assert_true(value == -1 || value == key);
        put(c, key, key);
    }
}

static void test_threads(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    ov_blob_cache *c = make(20000);
    ov_thread t[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(ov_thread_start(&t[i], "hammer", hammer, c, &err), OV_OK);
    for (int i = 0; i < 3; i++)
        ov_thread_join(&t[i]);
    ov_blob_cache_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_and_replaces), cmocka_unit_test(test_least_recently_used_goes_first),
        cmocka_unit_test(test_too_large_is_not_kept), cmocka_unit_test(test_equal_hashes),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
