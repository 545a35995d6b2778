/*
 * Rows in lots: whatever lanes columns take on the way, all rows come back from the lot they went to, in the order they came.
 */
#include "tests/unit/harness.h"

#include "query/exec/lots.h"

enum { COLS = 4, MOST_ROWS = 60000 };

static ov_error err = OV_ERROR_INIT;
static ov_budget budget;
static uint64_t seed = 99;
static uint64_t sent[COLS][MOST_ROWS];
static uint16_t lot_of[MOST_ROWS];
static uint64_t read_back[OVI_LOT_CHUNK];

static uint64_t rnd(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 11;
}

/* Wider and wider, below and above zero, and a column that never changes. */
static uint64_t value_of(uint32_t c, uint32_t i)
{
    switch (c) {
    case 0:
        return i < 20000 ? 7 : rnd() % (i < 30000 ? 200 : i < 40000 ? 60000 : 4000000000u);
    case 1:
        return (uint64_t)INT64_MIN + rnd() * (i > 50000);
    case 2:
        return (uint64_t)-1 - rnd() % 1000;
    default:
        return 1700000000000 + rnd() % 3000;
    }
}

static void check_lot(const ovi_lots *l, uint32_t lot, uint32_t rows)
{
    uint32_t left = l->lot_rows[lot], last = rows;
    for (const ovi_lot_chunk *c = l->lot[lot]; c; c = c->next) { /* the newest first */
        uint32_t at = last, before = last;
        for (uint32_t col = 0; col < COLS; col++) {
            assert_true(c->rows <= c->cap);
            ovi_lot_read(c, 0, c->rows, col, read_back, 1);
            at = before;
            for (uint32_t i = c->rows; i-- > 0;) {
                do {
                    assert_true(at > 0);
                    at--;
                } while (lot_of[at] != lot);
                assert_int_equal(read_back[i], sent[col][at]);
            }
        }
        last = at;
        left -= c->rows;
    }
    assert_int_equal(left, 0);
    while (last > 0)
        assert_true(lot_of[--last] != lot);
}

static void run(uint32_t rows, uint32_t lots, uint32_t most)
{
    ovi_lots l;
    ovi_lots_init(&l, COLS, &budget);
    for (uint32_t i = 0; i < rows; i++) {
        lot_of[i] = (uint16_t)(rnd() % lots);
        for (uint32_t c = 0; c < COLS; c++)
            sent[c][i] = value_of(c, i);
    }
    for (uint32_t at = 0; at < rows;) {
        uint32_t some = 1 + (uint32_t)(rnd() % most), n = OV_MIN(some, rows - at);
        ovi_lot_input in[COLS];
        for (uint32_t c = 0; c < COLS; c++)
            in[c] = (ovi_lot_input){.at = sent[c] + at, .stride = 1};
        check_ok(ovi_lots_add(&l, lot_of + at, n, in, &err), &err);
        at += n;
    }
    assert_int_equal(l.rows, rows);
    for (uint32_t p = 0; p < OVI_LOTS; p++)
        check_lot(&l, p, rows);
    ovi_lots_fini(&l);
    assert_int_equal(atomic_load(&budget.used), 0);
}

static void test_rows_come_back(void **state)
{
    (void)state;
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    run(MOST_ROWS, OVI_LOTS, OVI_LOT_CHUNK);
    run(MOST_ROWS, 3, 100);
    run(20000, 1, OVI_LOT_CHUNK);
    run(0, 1, 1);
}

/* A column that is the same for all rows of a call. */
static void test_constant(void **state)
{
    (void)state;
    static const uint64_t none = 0, big = UINT64_MAX / 3;
    ovi_lots l;
    uint16_t lot[100] = {0};
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    ovi_lots_init(&l, 2, &budget);
    ovi_lot_input in[2] = {{.at = &none}, {.at = &big}};
    check_ok(ovi_lots_add(&l, lot, 100, in, &err), &err);
    assert_int_equal(l.layout->row_bytes, 0);
    in[0].at = &big;
    check_ok(ovi_lots_add(&l, lot, 100, in, &err), &err);
    assert_int_equal(l.layout->row_bytes, 8);
    ovi_lot_read(l.lot[0], 99, 1, 0, read_back, 1);
    assert_int_equal(read_back[0], big);
    ovi_lot_read(l.lot[0]->next, 99, 1, 0, read_back, 1);
    assert_int_equal(read_back[0], 0);
    ovi_lots_fini(&l);
}

static void test_budget(void **state)
{
    (void)state;
    ovi_lots l;
    uint16_t lot[100] = {0};
    const uint64_t zero = 0;
    ov_budget_init(&budget, "test", 1000, NULL);
    ovi_lots_init(&l, 1, &budget);
    ovi_lot_input in = {.at = &zero};
    check_fails(ovi_lots_add(&l, lot, 100, &in, &err), &err, OV_LIMIT, "test needs");
    assert_int_equal(l.rows, 0);
    ovi_lots_fini(&l);
    assert_int_equal(atomic_load(&budget.used), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_back),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
