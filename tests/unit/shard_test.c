/* Shard specs: text and back, damaged text, and the bucket of a row as Druid computes it. */
#include "tests/unit/harness.h"

#include "storage/catalog/shard.h"

static const ov_slice dims[] = {{"a", 1}, {"b", 1}};

static void round_trip(const ov_shard *s, const char *spec)
{
    ov_arena a;
    ov_buf text, shown;
    ov_shard back;
    ov_error err = OV_ERROR_INIT;
    ov_arena_init(&a, "test", NULL);
    ov_buf_init(&text);
    ov_buf_init(&shown);
    ov_shard_add(&text, s);
    assert_true(ov_shard_parse(ov_buf_slice(&text), &a, &back, &err) == OV_OK);
    assert_true(back.kind == s->kind && back.dimension_count == s->dimension_count);
    assert_true(back.bucket == s->bucket && back.buckets == s->buckets);
    assert_true(!back.start == !s->start && !back.end == !s->end);
    for (uint32_t i = 0; s->start && i < s->dimension_count; i++)
        assert_true(!back.start[i].p == !s->start[i].p && ov_slice_eq(back.start[i], s->start[i]));
    ov_shard_spec_add(&shown, ov_buf_slice(&text), 2, 5);
    assert_true(ov_slice_eq(ov_buf_slice(&shown), ov_slice_cstr(spec)));
    ov_buf_fini(&shown);
    ov_buf_fini(&text);
    ov_arena_fini(&a);
}

static void test_texts(void **state)
{
    (void)state;
    ov_slice start[] = {{"x\"y", 3}, {NULL, 0}}, end[] = {{"z", 1}, {"", 0}};
    ov_shard range = {.kind = OV_SHARD_RANGE, .dimension_count = 2, .dimensions = dims, .start = start, .end = end};
    ov_shard open = {.kind = OV_SHARD_RANGE, .dimension_count = 1, .dimensions = dims, .end = end};
    ov_shard hashed = {.kind = OV_SHARD_HASHED, .dimension_count = 1, .dimensions = dims, .bucket = 3, .buckets = 8};
    ov_shard numbered = {0};
    round_trip(&range, "{\"type\":\"range\",\"dimensions\":[\"a\",\"b\"],\"start\":[\"x\\\"y\",null],\"end\":[\"z\",\"\"],"
                       "\"partitionNum\":2,\"numCorePartitions\":5}");
    round_trip(&open, "{\"type\":\"range\",\"dimensions\":[\"a\"],\"start\":null,\"end\":[\"z\"],\"partitionNum\":2,"
                      "\"numCorePartitions\":5}");
    round_trip(&hashed, "{\"type\":\"hashed\",\"partitionDimensions\":[\"a\"],\"bucketId\":3,\"numBuckets\":8,"
                        "\"partitionFunction\":\"murmur3_32_abs\",\"partitionNum\":2,\"partitions\":5}");
    round_trip(&numbered, "{\"type\":\"numbered\",\"partitionNum\":2,\"partitions\":5}");
}

static void test_damage(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{",
        "{}",
        "{\"type\":\"other\"}",
        "{\"type\":\"range\"}",
        "{\"type\":\"range\",\"dimensions\":[]}",
        "{\"type\":\"range\",\"dimensions\":[1]}",
        "{\"type\":\"range\",\"dimensions\":[\"a\"],\"start\":[\"x\",\"y\"]}",
        "{\"type\":\"hashed\",\"partitionDimensions\":[\"a\"],\"bucketId\":8,\"numBuckets\":8}",
        "{\"type\":\"hashed\",\"partitionDimensions\":[\"a\"],\"bucketId\":0,\"numBuckets\":0}",
    };
    for (size_t i = 0; i < OV_COUNT_OF(bad); i++) {
        ov_arena a;
        ov_shard s;
        ov_error err = OV_ERROR_INIT;
        ov_arena_init(&a, "test", NULL);
        assert_true(ov_shard_parse(ov_slice_cstr(bad[i]), &a, &s, &err) == OV_CORRUPT);
        ov_arena_fini(&a);
    }
}

/* Expected values: MurmurHash3_x86_32 of the JSON texts, computed by another program. */
static void test_buckets(void **state)
{
    (void)state;
    ov_buf b;
    ov_buf_init(&b);
    assert_true(ov_shard_bucket(&(ov_slice){"hello", 5}, 1, 7, &b) == 3);
    assert_true(ov_shard_bucket(&(ov_slice){"", 0}, 1, 7, &b) == 6);
    assert_true(ov_shard_bucket(&(ov_slice){NULL, 0}, 1, 7, &b) == 5);
    assert_true(ov_shard_bucket(dims, 2, 1000, &b) == 195);
    assert_true(ov_shard_bucket(&OV_SLICE_LIT("\xC3\xA9\"x"), 1, 1000, &b) == 898);
    assert_true(ov_shard_bucket(&OV_SLICE_LIT("longer text than four"), 1, 12345, &b) == 6192);
    ov_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_buckets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
