/*
 * Columns whose values go on step by step: what is read, by blocks and by row numbers, is what was written, with ramps of any
 * length, up, down and across the ends of the lanes; and the file is as small as it should be.
 */
#include <sys/stat.h>
#include "segment_lib.h"
#include "storage/segment/ramps.h"

enum { TIME = 0, WORTH, COLUMNS, ROWS = 50001 };

static const ov_build_column columns[COLUMNS] = {
    [TIME] = {.name = OV_SLICE_LIT("__time"), .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_TIME},
    [WORTH] = {.name = OV_SLICE_LIT("worth"), .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_DIMENSION},
};

static void write_rows(const char *path, int64_t *time, int64_t *worth)
{
    ov_segment_builder *b;
    ov_build_schema schema = {.datasource = OV_SLICE_LIT("ramps"),
                              .version = OV_SLICE_LIT("v"),
                              .start_ms = 0,
                              .end_ms = INT64_C(1) << 40,
                              .columns = columns,
                              .column_count = COLUMNS};
    OK(ov_segment_builder_create(&schema, NULL, &b, &err));
    for (uint32_t at = 0; at < ROWS; at += OV_BATCH_ROWS) {
        uint32_t n = OV_MIN((uint32_t)ROWS - at, (uint32_t)OV_BATCH_ROWS);
        ov_vec col[COLUMNS] = {ov_vec_flat(columns[TIME].type, time + at, NULL, n),
                               ov_vec_flat(columns[WORTH].type, worth + at, NULL, n)};
        ov_batch batch = {.rows = n, .cols = COLUMNS, .col = col, .sel_rows = n};
        OK(ov_segment_builder_add(b, &batch, &err));
    }
    OK(ov_segment_builder_seal(b, path, NULL, NULL, &err));
    ov_segment_builder_destroy(b);
}

/* Slopes, where they are given, are those of the values. */
static void check_slopes(const ovi_ramps *r, const int64_t *values)
{
    for (uint32_t i = 0, row = 0; i < r->count; row = r->end[i++]) {
        int64_t slope;
        if (!ovi_ramps_slope(r, i, &slope))
            continue;
        for (uint32_t at = row; at + 1 < r->end[i]; at++)
            assert_true(values[at + 1] - values[at] == slope);
    }
}

/* Returns how many ramps were seen. */
static uint32_t check_column(const ov_column *c, const int64_t *values)
{
    ov_arena a;
    ov_vec v;
    uint32_t ramps = 0, *rows;
    ov_arena_init(&a, "test", NULL);
    for (uint32_t row = 0; row < ROWS; row += v.rows) {
        OK(ov_column_read(c, row / OV_BATCH_ROWS, &a, &v, &err));
        for (uint32_t i = 0; i < v.rows; i++)
            assert_true(ov_vec_i64(&v, i) == values[row + i]);
        if (v.stats->ramps) {
            check_slopes(v.stats->ramps, values + row);
            ramps += v.stats->ramps->count;
        }
    }
    OK(ov_arena_lanes(&a, ROWS * sizeof *rows, &rows, &err));
    for (uint32_t most = 2; most < 3000; most *= 7) {
        uint32_t n = 0;
        for (uint32_t row = below(most); row < ROWS; row += 1 + below(most))
            rows[n++] = row;
        OK(ov_column_gather(c, rows, n, &a, &v, &err));
        for (uint32_t i = 0; i < n; i++)
            assert_true(ov_vec_i64(&v, i) == values[rows[i]]);
    }
    ov_arena_fini(&a);
    return ramps;
}

/* The file's bytes. */
static uint64_t round_trip(int64_t *time, int64_t *worth, bool want_ramps)
{
    struct stat st;
    ov_segment *seg;
    const char *path = temp_path("ramp");
    write_rows(path, time, worth);
    OK(ov_segment_verify(path, &err));
    OK(ov_segment_open(path, &seg, &err));
    check_column(ov_segment_column(seg, TIME), time);
    assert_int_equal(check_column(ov_segment_column(seg, WORTH), worth) > 0, want_ramps);
    ov_segment_release(seg);
    assert_int_equal(stat(path, &st), 0);
    unlink(path);
    return (uint64_t)st.st_size;
}

static int64_t time_rows[ROWS], worth_rows[ROWS];

static void constant_pace(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++) {
        time_rows[i] = INT64_C(1000000000000) + i % 600 * 60000; /* ten hours of each sensor */
        worth_rows[i] = i;
    }
    assert_true(round_trip(time_rows, worth_rows, true) < ROWS / 2);
}

static void up_and_down(void **state)
{
    (void)state;
    static const int64_t starts[] = {0, -1, INT64_MAX - 100000, INT64_MIN + 100000, 255, 65535, INT64_C(1) << 40};
    memset(time_rows, 0, sizeof time_rows);
    rng_state = 11;
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t longest = 20 + below(round % 3 ? 60 : 4000);
        uint64_t start = (uint64_t)starts[round % OV_COUNT_OF(starts)], at = start, step = 0;
        for (uint32_t i = 0, left = 0; i < ROWS; i++, left--, at += step) {
            if (left == 0) {
                left = 17 + below(longest);
                step = (uint64_t)((int64_t)below(7) - 3);
                at = start + below(1000);
            }
            worth_rows[i] = (int64_t)at;
        }
        round_trip(time_rows, worth_rows, true);
    }
}

/* Steps as wide as the lanes: two rows, one at each end. */
static void across_the_range(void **state)
{
    (void)state;
    static const int64_t wide[] = {255, 65535, UINT32_MAX, INT64_MAX};
    for (uint32_t w = 0; w < OV_COUNT_OF(wide); w++) {
        for (uint32_t i = 0; i < ROWS; i++)
            worth_rows[i] = i % 300 == 0 ? 0 : i % 300 == 1 ? wide[w] : i % 300 % 2 ? 3 : 3 + (int64_t)(i % 300 >= 9);
        round_trip(time_rows, worth_rows, false);
        for (uint32_t i = 0; i < ROWS; i++)
            worth_rows[i] = i % 300 == 298 ? 0 : i % 300 == 299 ? wide[w] : 1 + i % 300 % 100;
        round_trip(time_rows, worth_rows, true);
    }
}

static void no_ramps_no_cost(void **state)
{
    (void)state;
    rng_state = 5;
    for (uint32_t i = 0; i < ROWS; i++)
        worth_rows[i] = below(200);
    round_trip(time_rows, worth_rows, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_pace),
        cmocka_unit_test(up_and_down),
        cmocka_unit_test(across_the_range),
        cmocka_unit_test(no_ramps_no_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
