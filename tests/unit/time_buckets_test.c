/*
 * TIME_FLOOR over times that are not sorted: runs, numbered buckets and single buckets must be what every row gives alone.
 */
#include "tests/unit/expr_lib.h"

#include "base/bits.h"

enum { ROWS = 8192 };

static const lib_column columns[] = {{{.id = OV_TYPE_LONG}, OV_SQL_TIMESTAMP}};

static const char *const floors[] = {
    "TIME_FLOOR($0, 'PT1M')", "TIME_FLOOR($0, 'PT1H')", "TIME_FLOOR($0, 'P1D')", "TIME_FLOOR($0, 'P1M')",
    "TIME_FLOOR($0, 'PT1H', NULL, 'America/New_York')", "TIME_FLOOR($0, 'P1D', NULL, 'America/New_York')",
    "TIME_FLOOR($0, 'PT7M', TIMESTAMP '2024-03-10T00:03:00Z')", "TIME_FLOOR($0, 'P1M', NULL, 'Asia/Seoul')",
    "EXTRACT('HOUR', TIME_FLOOR($0, 'PT1H'))", "TIME_CEIL($0, 'PT1H')",
};

static uint64_t state = 88172645463325252u;

static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

typedef enum shape { CLUSTERED, SHUFFLED, NARROW, BACKWARDS, WILD, SHAPES } shape;

static int64_t time_of(shape s, uint32_t i, int64_t day)
{
    switch (s) {
    case CLUSTERED:
        return day + (int64_t)(i % 1440) * 60000;
    case SHUFFLED:
        return day + (int64_t)(rnd() % 86400) * 1000;
    case NARROW:
        return day + (int64_t)(rnd() % 50) * 1000;
    case BACKWARDS:
        return day + (int64_t)(ROWS - i) * 10000;
    default:
        return i % 3000 == 17 ? OV_TIME_MIN - 5 : i % 3000 == 99 ? INT64_MAX : day + (int64_t)(rnd() >> 20);
    }
}

/* The times in lanes of so many bytes; false when they do not fit. */
static bool as_lanes(const int64_t *ms, uint32_t rows, uint8_t lane, ov_arena *mem, ov_vec *out)
{
    ov_error err = OV_ERROR_INIT;
    int64_t low = ms[0], high = ms[0];
    void *data;
    for (uint32_t i = 0; i < rows; i++) {
        low = OV_MIN(low, ms[i]);
        high = OV_MAX(high, ms[i]);
    }
    int64_t base = lane == 8 ? 0 : low;
    if (lane < 8 && (uint64_t)high - (uint64_t)low >= UINT64_C(1) << 8 * lane)
        return false;
    check_ok(ov_arena_lanes(mem, (ov_words(rows) * 64 + 64) * 8, &data, &err), &err);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t bits = (uint64_t)ms[i] - (uint64_t)base;
        memcpy((char *)data + (size_t)i * lane, &bits, lane);
    }
    *out = (ov_vec){.type = columns[0].type, .enc = OV_ENC_FLAT, .lane = lane, .raw = lane == 8, .rows = rows, .base = base,
                    .divisor = 1, .data = data, .has_bounds = true, .min = low, .max = high};
    return true;
}

static void compare(ov_eval *fast, const ov_expr *e, const ov_vec *v, const uint64_t *sel, uint32_t *encoded)
{
    ov_error err = OV_ERROR_INIT;
    ov_eval *slow;
    ov_budget budget;
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    check_ok(ov_eval_create(&budget, &(ov_eval_options){.general_only = true}, &slow, &err), &err);
    ov_vec col = *v, a, b;
    ov_batch batch = {.rows = v->rows, .cols = 1, .col = &col, .sel = sel,
                      .sel_rows = sel ? (uint32_t)ov_bits_count(sel, v->rows) : v->rows};
    check_ok(ov_eval_expr(fast, e, &batch, &a, &err), &err);
    check_ok(ov_eval_expr(slow, e, &batch, &b, &err), &err);
    encoded[a.enc]++;
    for (uint32_t i = 0; i < v->rows; i++)
        if (!sel || ov_bits_test(sel, i))
            assert_int_equal(ov_vec_i64(&a, i), ov_vec_i64(&b, i));
    ov_eval_destroy(slow);
}

static void test_floors_keep_an_encoding(void **state_)
{
    (void)state_;
    static const uint32_t counts[] = {ROWS, ROWS - 1, 1000, 513, 100, 1};
    static const uint8_t lane[] = {4, 8, 2, 1};
    static int64_t ms[ROWS];
    uint32_t encoded[OV_ENC_LIST + 1] = {0};
    ov_error err = OV_ERROR_INIT;
    ov_budget budget;
    ov_arena plan, mem;
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    ov_arena_init(&plan, "plan", &budget);
    ov_arena_init(&mem, "times", &budget);
    for (unsigned f = 0; f < OV_COUNT_OF(floors); f++) {
        ov_expr_ctx cx = {.arena = &plan};
        const ov_expr *e;
        ov_eval *fast; /* one for all batches: buckets are kept */
        check_ok(lib_parse(floors[f], &cx, columns, &e, &err), &err);
        check_ok(ov_eval_create(&budget, NULL, &fast, &err), &err);
        for (unsigned k = 0; k < SHAPES * 2 * OV_COUNT_OF(counts) * OV_COUNT_OF(lane); k++) {
            shape s = (shape)(k % SHAPES);
            uint32_t rows = counts[k / SHAPES / 2 % OV_COUNT_OF(counts)];
            /* days around a change of clocks; some before 1970 */
            int64_t day = ((int64_t)(rnd() % 4) + (k % 7 ? 19791 : -300)) * OV_MS_PER_DAY;
            uint64_t sel[ROWS / 64];
            ov_vec v;
            for (uint32_t i = 0; i < rows; i++)
                ms[i] = time_of(s, i, day);
            if (!as_lanes(ms, rows, lane[k / SHAPES / 2 / OV_COUNT_OF(counts)], &mem, &v))
                continue;
            v.has_bounds = k % 5 != 0;
            for (unsigned w = 0; w < ROWS / 64; w++)
                sel[w] = rnd() & rnd();
            if (rows % 64)
                sel[rows / 64] &= ov_low_bits(rows % 64);
            compare(fast, e, &v, k / SHAPES % 2 ? sel : NULL, encoded);
            ov_eval_next_batch(fast);
            ov_arena_reset(&mem);
        }
        ov_eval_destroy(fast);
    }
    /* every way was taken */
    assert_true(encoded[OV_ENC_RUN] > 20 && encoded[OV_ENC_DICT] > 20 && encoded[OV_ENC_CONST] > 20 && encoded[OV_ENC_FLAT] > 20);
    ov_arena_fini(&mem);
    ov_arena_fini(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_floors_keep_an_encoding)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
