/* Superseded rows of a segment: bits, history, bytes; against arrays that say the same. */
#include "storage/dead.h"

#include "harness.h"
#include "storage/vec.h"

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
    check_ok(ov_dead_write_all(d, 30, &bytes, &err), &err);
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_history)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
