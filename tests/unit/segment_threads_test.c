/*
 * Many threads touch one freshly opened segment at once: first touches, dictionaries and row sets
 * race, and everybody reads the same values. Meant for the thread sanitizer; runs everywhere.
 */
#include "base/thread.h"
#include "segment_lib.h"

enum { THREADS = 6, COLUMNS = 4, ROWS = 5 * OV_BATCH_ROWS + 100 };

static const ov_build_column columns[COLUMNS] = {
    {.name = {"__time", 6}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_TIME},
    {.name = {"s", 1}, .type = {.id = OV_TYPE_STRING}, .role = OV_ROLE_DIMENSION, .indexed = true},
    {.name = {"m", 1},
     .type = {.id = OV_TYPE_STRING, .multi = 1},
     .role = OV_ROLE_DIMENSION,
     .indexed = true},
    {.name = {"d", 1}, .type = {.id = OV_TYPE_DOUBLE}, .role = OV_ROLE_METRIC},
};

static void build(const char *path)
{
    ov_build_schema schema = {.datasource = OV_SLICE_LIT("t"),
                              .end_ms = INT64_C(1) << 40,
                              .version = OV_SLICE_LIT("v"),
                              .columns = columns,
                              .column_count = COLUMNS};
    ov_segment_builder *b;
    ov_arena a;
    rng_state = 17;
    ov_arena_init(&a, "test", NULL);
    OK(ov_segment_builder_create(&schema, NULL, &b, &err));
    for (uint32_t at = 0; at < ROWS; at += 4096) {
        uint32_t n = OV_MIN(4096, ROWS - at);
        ov_vec col[COLUMNS];
        int64_t *times;
        OK(ov_arena_lanes(&a, (n + 64) * 8, &times, &err));
        for (uint32_t i = 0; i < n; i++)
            times[i] = at + i;
        col[0] = ov_vec_flat(OV_T(OV_TYPE_LONG), times, NULL, n);
        for (uint32_t c = 1; c < COLUMNS; c++)
            col[c] = random_vec(&a, columns[c].type, SPREAD_FEW, NULLS_SOME, 1, n);
        ov_batch batch = {.rows = n, .cols = COLUMNS, .col = col, .sel_rows = n};
        OK(ov_segment_builder_add(b, &batch, &err));
        ov_arena_reset(&a);
    }
    OK(ov_segment_builder_seal(b, path, NULL, NULL, &err));
    ov_segment_builder_destroy(b);
    ov_arena_fini(&a);
}

typedef struct reader {
    ov_segment *seg;
    uint32_t start; /* column to begin with */
    uint64_t sum;   /* of everything read */
    bool failed;
} reader;

static uint64_t mix(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = h * 1099511628211u + (unsigned char)*text;
    return h;
}

/* Not value_text: its buffer is shared. */
static uint64_t value_hash(const ov_vec *v, uint32_t row)
{
    char text[TEXT_MAX];
    uint32_t first, end;
    uint64_t h = 1;
    if (!ov_type_is_list(v->type) || ov_vec_is_null(v, row)) {
        scalar_text(v->type, v, row, text);
        return mix(h, text);
    }
    const ov_vec *elems = ov_vec_list(v, row, &first, &end);
    for (uint32_t i = first; i < end; i++) {
        scalar_text(elems->type, elems, i, text);
        h = mix(h, text);
    }
    return h;
}

static bool read_column(reader *r, const ov_column *c, ov_arena *a, uint64_t *sum)
{
    const ov_column_info *info = ov_column_get_info(c);
    ov_error mine = OV_ERROR_INIT;
    uint32_t rows[32], n;
    for (uint32_t k = 0; k < info->blocks; k++) {
        ov_vec v;
        if (ov_column_read(c, (k + r->start) % info->blocks, a, &v, &mine) != OV_OK)
            return false;
        for (uint32_t i = 0; i < v.rows; i += 7)
            *sum += value_hash(&v, i);
        ov_arena_reset(a);
    }
    if (info->indexed) {
        if (ov_column_row_list(c, 1, 3, 32, rows, &n, &mine) != OV_OK)
            return false;
        for (uint32_t i = 0; i < OV_MIN(n - 3, 32u); i++)
            *sum += rows[i];
    }
    return true;
}

static void read_all(void *arg)
{
    reader *r = arg;
    ov_arena a;
    ov_arena_init(&a, "reader", NULL);
    for (uint32_t i = 0; i < COLUMNS && !r->failed; i++)
        r->failed =
            !read_column(r, ov_segment_column(r->seg, (i + r->start) % COLUMNS), &a, &r->sum);
    ov_arena_fini(&a);
    ov_segment_release(r->seg);
}

static void shared_segment(void **state)
{
    (void)state;
    const char *path = temp_path("threads");
    build(path);
    for (int round = 0; round < 8; round++) {
        ov_segment *seg;
        ov_thread threads[THREADS] = {{0}};
        reader readers[THREADS] = {{0}};
        OK(ov_segment_open(path, &seg, &err));
        for (uint32_t i = 0; i < THREADS; i++) {
            readers[i] = (reader){.seg = ov_segment_retain(seg), .start = i};
            OK(ov_thread_start(&threads[i], "reader", read_all, &readers[i], &err));
        }
        ov_segment_release(seg); /* the last reader unmaps */
        for (uint32_t i = 0; i < THREADS; i++) {
            ov_thread_join(&threads[i]);
            assert_false(readers[i].failed);
            assert_true(readers[i].sum == readers[0].sum);
        }
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shared_segment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
