/* Superseded rows of a segment: bits, history, bytes; against arrays that say the same. */
#include "storage/catalog/dead.h"

#include "base/mem.h"
#include "harness.h"

enum { ROWS = 20000, STEPS = 60 };

typedef struct model {
    int64_t died[ROWS], born[ROWS]; /* INT64_MAX: there */
} model;

static uint64_t next(uint64_t *dice)
{
    *dice = *dice * 6364136223846793005u + 1442695040888963407u;
    return *dice >> 33;
}

static void check_now(const ov_dead *d, const model *m)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        assert_int_equal(ov_dead_has(d, i), m->died[i] != INT64_MAX);
        count += m->died[i] != INT64_MAX;
    }
    assert_int_equal(ov_dead_count(d), count);
    assert_int_equal(ov_dead_count_in(d, 0, ROWS), count);
    assert_int_equal(ov_dead_count_in(d, 0, 777) + ov_dead_count_in(d, 777, 8200) + ov_dead_count_in(d, 8200, ROWS), count);
}

static void check_then(const ov_dead *d, const model *m, int64_t t)
{
    ov_error err = OV_ERROR_INIT;
    ov_dead *then;
    bool all;
    check_ok(ov_dead_as_of(d, ROWS, 0, t, &then, &all, &err), &err);
    for (uint32_t i = 0; i < ROWS && !all; i++)
        assert_int_equal(ov_dead_has(then, i), m->died[i] <= t || m->born[i] > t);
    ov_dead_release(then);
}

static void check_all(const ov_dead *d, const model *m)
{
    check_now(d, m);
    for (int64_t t = -1; t < STEPS + 2; t += 7)
        check_then(d, m, t);
}

static ov_dead *step(ov_dead *d, model *m, int64_t at, uint64_t *dice)
{
    static uint32_t rows[ROWS];
    ov_error err = OV_ERROR_INIT;
    ov_dead *after;
    uint32_t n = 0, spread = 1 + (uint32_t)(next(dice) % 900);
    for (uint32_t i = (uint32_t)(next(dice) % 300); i < ROWS; i += 1 + (uint32_t)(next(dice) % spread))
        rows[n++] = i;
    check_ok(ov_dead_add(d, ROWS, at, rows, n, &after, &err), &err);
    for (uint32_t i = 0; i < n; i++)
        m->died[rows[i]] = OV_MIN(m->died[rows[i]], at);
    ov_dead_release(d);
    return after;
}

static void test_history(void **state)
{
    static model m;
    ov_error err = OV_ERROR_INIT;
    uint64_t dice = 7;
    static uint32_t late[] = {0, 5, 8191, 8192, 19999};
    ov_dead *d = NULL, *read = NULL, *base, *more;
    ov_buf bytes;
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++) {
        m.died[i] = INT64_MAX;
        m.born[i] = OV_DEAD_LONG_AGO;
    }
    check_ok(ov_dead_born(NULL, ROWS, 3, late, OV_COUNT_OF(late), &d, &err), &err);
    for (size_t i = 0; i < OV_COUNT_OF(late); i++)
        m.born[late[i]] = 3;
    ov_buf_init(&bytes);
    for (int64_t at = 10; at < STEPS; at++) {
        base = ov_dead_retain(d);
        d = step(d, &m, at, &dice);
        ov_buf_clear(&bytes); /* what came with this step, onto what was read before */
        check_ok(ov_dead_write(d, at == 10 ? NULL : base, &bytes, &err), &err);
        check_ok(ov_dead_read(read, ROWS, ov_buf_slice(&bytes), &more, &err), &err);
        ov_dead_release(read);
        read = more;
        ov_dead_release(base);
    }
    check_all(d, &m);
    check_all(read, &m);
    ov_dead_release(read);
    ov_buf_clear(&bytes);
    check_ok(ov_dead_write_all(d, 30, 30, &bytes, &err), &err);
    check_ok(ov_dead_read(NULL, ROWS, ov_buf_slice(&bytes), &read, &err), &err);
    check_now(read, &m);
    for (int64_t t = 30; t < STEPS; t += 9)
        check_then(read, &m, t);
    bytes.p[0] = 9;
    assert_int_equal(ov_dead_read(NULL, ROWS, ov_buf_slice(&bytes), &more, &err), OV_CORRUPT);
    ov_buf_fini(&bytes);
    ov_dead_release(read);
    ov_dead_release(d);
}

/* Rows that went without history, on top of layers that have some: nothing is written twice. */
static void test_without_history(void **state)
{
    ov_error err = OV_ERROR_INIT;
    static const uint32_t born[] = {1, 2, 3, 9000}, first[] = {1, 9000}, second[] = {2, 17000};
    ov_dead *d, *had, *now, *read, *again;
    ov_buf bytes;
    (void)state;
    ov_buf_init(&bytes);
    check_ok(ov_dead_born(NULL, ROWS, 5, born, 4, &d, &err), &err);
    check_ok(ov_dead_add(d, ROWS, 8, first, 2, &had, &err), &err);
    check_ok(ov_dead_write(had, NULL, &bytes, &err), &err);
    check_ok(ov_dead_read(NULL, ROWS, ov_buf_slice(&bytes), &read, &err), &err);
    check_ok(ov_dead_add(had, ROWS, OV_DEAD_LONG_AGO, second, 2, &now, &err), &err);
    ov_buf_clear(&bytes);
    check_ok(ov_dead_write(now, had, &bytes, &err), &err);
    check_ok(ov_dead_read(read, ROWS, ov_buf_slice(&bytes), &again, &err), &err);
    assert_int_equal(ov_dead_count(again), 4);
    ov_dead_release(read);
    ov_buf_clear(&bytes);
    check_ok(ov_dead_write_all(now, INT64_MIN, INT64_MIN, &bytes, &err), &err);
    size_t once = bytes.n;
    ov_buf_clear(&bytes);
    check_ok(ov_dead_write_all(again, INT64_MIN, INT64_MIN, &bytes, &err), &err);
    assert_int_equal(bytes.n, once);
    ov_buf_fini(&bytes);
    ov_dead_release(again);
    ov_dead_release(now);
    ov_dead_release(had);
    ov_dead_release(d);
}

/* Bytes that lie are refused, or say something about rows that are there; they never lead anywhere else. */
static void test_damaged_bytes(void **state)
{
    ov_error err = OV_ERROR_INIT;
    uint64_t dice = 11;
    static model m;
    ov_dead *d = NULL;
    ov_buf bytes;
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++)
        m.died[i] = INT64_MAX;
    ov_buf_init(&bytes);
    for (int64_t at = 1; at < 5; at++)
        d = step(d, &m, at, &dice);
    check_ok(ov_dead_write_all(d, 2, 2, &bytes, &err), &err);
    ov_dead_release(d);
    for (int i = 0; i < 4000; i++) {
        size_t n = next(&dice) % 4 ? bytes.n : next(&dice) % (bytes.n + 1);
        char *copy = ov_malloc(n + 1);
        memcpy(copy, bytes.p, n);
        for (uint64_t k = next(&dice) % 4; n && k > 0; k--)
            copy[next(&dice) % 2 ? next(&dice) % n : next(&dice) % OV_MIN(n, (size_t)64)] = (char)next(&dice);
        err = (ov_error)OV_ERROR_INIT;
        if (ov_dead_read(NULL, ROWS, ov_slice_make(copy, n), &d, &err) == OV_OK) {
            static int64_t list[ROWS];
            bool all;
            ov_dead *then = NULL;
            ov_dead_death_list(d, ROWS, list);
            ov_dead_birth_list(d, ROWS, 0, list);
            assert_true(ov_dead_count_in(d, 0, ROWS) == ov_dead_count(d) && ov_dead_count(d) <= ROWS);
            check_ok(ov_dead_as_of(d, ROWS, 0, 3, &then, &all, &err), &err);
            ov_dead_release(then);
            ov_dead_release(d);
        } else {
            assert_int_equal(err.code, OV_CORRUPT);
        }
        ov_free(copy);
    }
    ov_buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_history), cmocka_unit_test(test_without_history),
                                       cmocka_unit_test(test_damaged_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
