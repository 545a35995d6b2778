/*
 * The timeline against a slow, obvious reference: for every instant, look at all chunks and take the greatest complete
 * version.
 */
#include "tests/unit/harness.h"

#include <stdio.h>
#include "storage/catalog/timeline.h"

enum { INSTANTS = 24, MAX_ITEMS = 20 };

static uint64_t seed = 88172645463325252ull;

static uint32_t below(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 11) % n;
}

static bool same_chunk(const ov_timeline_item *a, const ov_timeline_item *b)
{
    return a->span.start == b->span.start && a->span.end == b->span.end && ov_slice_eq(a->version, b->version);
}

static bool complete(const ov_timeline_item *items, uint32_t n, const ov_timeline_item *of)
{
    uint32_t core = 0;
    for (uint32_t i = 0; i < n; i++)
        if (same_chunk(&items[i], of) && items[i].core > core)
            core = items[i].core;
    for (uint32_t p = 0; p < core; p++) {
        bool found = false;
        for (uint32_t i = 0; i < n; i++)
            found |= same_chunk(&items[i], of) && items[i].partition == p;
        if (!found)
            return false;
    }
    return true;
}

/* An item of the chunk that answers at ms, or -1. */
static int answer(const ov_timeline_item *items, uint32_t n, int64_t ms)
{
    int best = -1;
    for (uint32_t i = 0; i < n; i++) {
        if (!ov_interval_has(items[i].span, ms) || !complete(items, n, &items[i]))
            continue;
        if (best < 0 || ov_slice_cmp(items[i].version, items[best].version) > 0)
            best = (int)i;
    }
    return best;
}

static void check_parts(const ov_timeline *tl, const ov_timeline_item *items, uint32_t n)
{
    for (uint32_t c = 0; c < tl->chunk_count; c++) {
        const ov_timeline_chunk *chunk = &tl->chunks[c];
        const ov_timeline_item *first = &items[chunk->items[0]];
        assert_int_equal(chunk->complete, complete(items, n, first));
        for (uint32_t p = 1; p < chunk->part_count; p++)
            assert_true(chunk->parts[p - 1].end < chunk->parts[p].start);
        for (int64_t ms = 0; ms < INSTANTS; ms++) {
            bool in_parts = false;
            for (uint32_t p = 0; p < chunk->part_count; p++)
                in_parts |= ov_interval_has(chunk->parts[p], ms);
            int who = answer(items, n, ms);
            assert_int_equal(in_parts, who >= 0 && same_chunk(&items[who], first));
        }
    }
}

static void check_pieces(const ov_timeline *tl, const ov_timeline_item *items, uint32_t n)
{
    for (uint32_t p = 1; p < tl->piece_count; p++)
        assert_true(tl->pieces[p - 1].span.end <= tl->pieces[p].span.start);
    for (int64_t ms = 0; ms < INSTANTS; ms++) {
        int got = -1, want = answer(items, n, ms);
        for (uint32_t p = 0; p < tl->piece_count; p++)
            if (ov_interval_has(tl->pieces[p].span, ms))
                got = (int)tl->chunks[tl->pieces[p].chunk].items[0];
        assert_int_equal(got < 0, want < 0);
        if (want >= 0)
            assert_true(same_chunk(&items[got], &items[want]));
    }
}

static void test_random(void **state)
{
    (void)state;
    static const char *const versions[] = {"2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z",
                                           "2024-01-02T00:00:00.001Z", "2025-01-01T00:00:00.000Z"};
    for (int round = 0; round < 20000; round++) {
        ov_error err = OV_ERROR_INIT;
        ov_arena a;
        ov_timeline tl;
        ov_timeline_item items[MAX_ITEMS];
        uint32_t n = below(MAX_ITEMS + 1);
        /* Each version cuts time at its own granularity, as real ones do, so equal versions never cross. */
        for (uint32_t i = 0; i < n; i++) {
            uint32_t v = below(4);
            int64_t width = (int64_t[]){6, 4, 12, 3}[v];
            int64_t start = (int64_t)below((uint32_t)(INSTANTS / width)) * width;
            items[i] = (ov_timeline_item){
                {start, start + width}, ov_slice_cstr(versions[v]), below(4), below(4) == 0 ? 0 : v};
        }
        ov_arena_init(&a, "test", NULL);
        check_ok(ov_timeline_build(items, n, &a, &tl, &err), &err);
        check_parts(&tl, items, n);
        check_pieces(&tl, items, n);
        ov_arena_fini(&a);
    }
}

static ov_timeline_item item(int64_t start, int64_t end, const char *version, uint32_t partition, uint32_t core)
{
    return (ov_timeline_item){{start, end}, ov_slice_cstr(version), partition, core};
}

static void test_newer_day_hides_part_of_a_month(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ov_timeline tl;
    ov_timeline_item items[] = {item(0, 30, "1", 0, 1), item(10, 11, "2", 0, 1), item(10, 11, "2", 1, 1)};
    ov_arena_init(&a, "test", NULL);
    check_ok(ov_timeline_build(items, 3, &a, &tl, &err), &err);
    assert_int_equal(tl.chunk_count, 2);
    assert_int_equal(tl.chunks[0].part_count, 2);
    assert_int_equal(tl.chunks[0].parts[0].end, 10);
    assert_int_equal(tl.chunks[0].parts[1].start, 11);
    assert_int_equal(tl.chunks[1].part_count, 1);
    assert_int_equal(tl.chunks[1].item_count, 2);
    ov_arena_fini(&a);
}

static void test_incomplete_core_leaves_the_older_version(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    ov_arena a;
    ov_timeline tl;
    ov_timeline_item items[] = {item(0, 10, "1", 0, 1), item(0, 10, "2", 0, 2), item(0, 10, "2", 2, 2)};
    ov_arena_init(&a, "test", NULL);
    check_ok(ov_timeline_build(items, 3, &a, &tl, &err), &err);
    assert_int_equal(tl.chunks[0].part_count, 1);
    assert_false(tl.chunks[1].complete);
    assert_int_equal(tl.chunks[1].part_count, 0);
    ov_arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_newer_day_hides_part_of_a_month),
        cmocka_unit_test(test_incomplete_core_leaves_the_older_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
