/*
 * Columns that come round: their blocks share the lanes of one turn. What is read is what was written, with turns of any
 * length, rows that are missing now and then, short last blocks; and the file is as small as it should be.
 */
#include <sys/stat.h>
#include "segment_lib.h"

enum { TIME = 0, NAME, PLACE, COUNT, COLUMNS };

/* What the sensor in place `at` of the turn reports. */
typedef struct sensor {
    uint32_t name;
    double place;
    int64_t count;
} sensor;

typedef struct feed {
    uint32_t turn, rows;
    uint32_t gap; /* one row in so many is missing; 0: none */
} feed;

static const ov_build_column columns[COLUMNS] = {
    [TIME] = {.name = OV_SLICE_LIT("__time"), .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_TIME},
    [NAME] = {.name = OV_SLICE_LIT("name"),
              .type = {.id = OV_TYPE_STRING},
              .role = OV_ROLE_DIMENSION},
    [PLACE] = {.name = OV_SLICE_LIT("place"),
               .type = {.id = OV_TYPE_DOUBLE},
               .role = OV_ROLE_DIMENSION},
    [COUNT] = {.name = OV_SLICE_LIT("count"), .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_METRIC},
};

/* The next row of a feed: ticks of a second, sensors in their order. */
static sensor next_of(const feed *f, uint64_t *at, int64_t *time)
{
    while (f->gap && below(f->gap) == 0)
        ++*at;
    uint32_t who = (uint32_t)(*at % f->turn);
    *time = (int64_t)(*at / f->turn) * 1000;
    ++*at;
    return (sensor){.name = who * 7919 % f->turn, .place = sin(who) * 100, .count = who * 31 % 251};
}

static void write_feed(const feed *f, const char *path)
{
    ov_segment_builder *b;
    ov_arena a;
    uint64_t at = 0;
    ov_build_schema schema = {.datasource = OV_SLICE_LIT("feed"),
                              .version = OV_SLICE_LIT("v"),
                              .start_ms = 0,
                              .end_ms = INT64_C(1) << 40,
                              .columns = columns,
                              .column_count = COLUMNS};
    rng_state = 7;
    OK(ov_segment_builder_create(&schema, NULL, &b, &err));
    ov_arena_init(&a, "test", NULL);
    for (uint32_t done = 0; done < f->rows;) {
        uint32_t n = OV_MIN(f->rows - done, (uint32_t)OV_BATCH_ROWS);
        int64_t *time, *count;
        double *place;
        ov_slice *name;
        OK(ov_arena_lanes(&a, n * 8, &time, &err));
        OK(ov_arena_lanes(&a, n * 8, &count, &err));
        OK(ov_arena_lanes(&a, n * 8, &place, &err));
        OK(ov_arena_lanes(&a, n * sizeof *name, &name, &err));
        for (uint32_t i = 0; i < n; i++) {
            sensor s = next_of(f, &at, &time[i]);
            count[i] = s.count;
            place[i] = s.place;
            OK(ov_arena_printf(&a, &name[i], &err, "sensor %u", s.name));
        }
        ov_vec col[COLUMNS] = {ov_vec_flat(columns[TIME].type, time, NULL, n),
                               ov_vec_flat(columns[NAME].type, name, NULL, n),
                               ov_vec_flat(columns[PLACE].type, place, NULL, n),
                               ov_vec_flat(columns[COUNT].type, count, NULL, n)};
        ov_batch batch = {.rows = n, .cols = COLUMNS, .col = col, .sel_rows = n};
        OK(ov_segment_builder_add(b, &batch, &err));
        ov_arena_reset(&a);
        done += n;
    }
    OK(ov_segment_builder_seal(b, path, NULL, NULL, &err));
    ov_segment_builder_destroy(b);
    ov_arena_fini(&a);
}

static void check_feed(const feed *f, const char *path)
{
    ov_segment *seg;
    ov_arena a;
    uint64_t at = 0;
    rng_state = 7;
    OK(ov_segment_verify(path, &err));
    OK(ov_segment_open(path, &seg, &err));
    ov_arena_init(&a, "test", NULL);
    for (uint32_t row = 0; row < f->rows;) {
        ov_vec col[COLUMNS];
        for (uint32_t c = 0; c < COLUMNS; c++)
            OK(ov_column_read(ov_segment_column(seg, c), row / OV_BATCH_ROWS, &a, &col[c], &err));
        for (uint32_t i = 0; i < col[0].rows; i++, row++) {
            int64_t time;
            char name[32];
            sensor s = next_of(f, &at, &time);
            snprintf(name, sizeof name, "sensor %u", s.name);
            assert_int_equal(ov_vec_i64(&col[TIME], i), time);
            assert_true(ov_slice_eq(ov_vec_str(&col[NAME], i), ov_slice_cstr(name)));
            assert_true(ov_vec_f64(&col[PLACE], i) == s.place);
            assert_int_equal(ov_vec_i64(&col[COUNT], i), s.count);
        }
        ov_arena_reset(&a);
    }
    ov_arena_fini(&a);
    ov_segment_release(seg);
}

static uint64_t bytes_of(const feed *f)
{
    struct stat st;
    const char *path = temp_path("cycle");
    write_feed(f, path);
    check_feed(f, path);
    assert_int_equal(stat(path, &st), 0);
    unlink(path);
    return (uint64_t)st.st_size;
}

static void whole_turns_cost_next_to_nothing(void **state)
{
    (void)state;
    /* Three columns of 1 and 2 bytes a row would be 4 to 5 bytes a row. */
    assert_true(bytes_of(&(feed){.turn = 300, .rows = 200000}) < 200000 / 2);
    assert_true(bytes_of(&(feed){.turn = 2700, .rows = 400001}) < 400000 / 2);
    assert_true(bytes_of(&(feed){.turn = 30000, .rows = 600000}) < 600000 * 5 / 2);
}

static void missing_rows_change_the_step(void **state)
{
    (void)state;
    assert_true(bytes_of(&(feed){.turn = 2700, .rows = 400000, .gap = 40000}) < 700000);
    bytes_of(&(feed){.turn = 2700, .rows = 200000, .gap = 500});
    bytes_of(&(feed){.turn = 20000, .rows = 200000, .gap = 9000});
}

static void short_columns_and_long_turns_stay_as_they_are(void **state)
{
    (void)state;
    bytes_of(&(feed){.turn = 2, .rows = 9000});
    bytes_of(&(feed){.turn = 8192, .rows = 8 * 8192});
    bytes_of(&(feed){.turn = 70000, .rows = 150000});
    bytes_of(&(feed){.turn = 100, .rows = 65537});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_turns_cost_next_to_nothing),
        cmocka_unit_test(missing_rows_change_the_step),
        cmocka_unit_test(short_columns_and_long_turns_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
