#include "tests/unit/harness.h"

#include <stdatomic.h>
#include "base/os.h"
#include "base/pool.h"
#include "base/thread.h"

static ov_error err;

typedef struct sum_state {
    ov_pool *pool;
    _Atomic size_t next;
    size_t count;
    uint64_t sums[8]; /* per worker; only its holder writes */
    _Atomic unsigned holders[8];
} sum_state;

static void sum_worker(void *arg, unsigned worker)
{
    sum_state *s = arg;
    assert_int_equal(atomic_fetch_add(&s->holders[worker], 1), 0);
    while (!ov_pool_should_leave(s->pool, worker)) {
        size_t i = atomic_fetch_add(&s->next, 1);
        if (i >= s->count)
            break;
        s->sums[worker] += i;
    }
    atomic_fetch_sub(&s->holders[worker], 1);
}

static void check_sum(ov_pool *pool, size_t count)
{
    sum_state s = {.pool = pool, .count = count};
    ov_pool_run(pool, 8, sum_worker, &s);
    uint64_t total = 0;
    for (int i = 0; i < 8; i++)
        total += s.sums[i];
    assert_int_equal(total, count * (count - 1) / 2);
}

static void test_many_small_jobs(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 5; threads++) {
        ov_pool *pool = NULL;
        check_ok(ov_pool_create(threads, "test", &pool, &err), &err);
        assert_int_equal(ov_pool_width(pool), threads + 1);
        for (int i = 0; i < 2000; i++)
            check_sum(pool, (size_t)(1 + i % 50));
        check_sum(pool, 100000);
        ov_pool_destroy(pool);
    }
    check_sum(NULL, 1000);
    assert_int_equal(ov_pool_width(NULL), 1);
    ov_pool_destroy(NULL);
}

typedef struct nest {
    ov_pool *pool;
    _Atomic size_t leaves;
} nest;

static void leaf(void *arg, size_t item, unsigned worker)
{
    (void)worker;
    (void)item;
    atomic_fetch_add(&((nest *)arg)->leaves, 1);
}

static void branch(void *arg, size_t item, unsigned worker)
{
    (void)item;
    (void)worker;
    nest *n = arg;
    ov_pool_each(n->pool, 8, 20, leaf, n);
}

static void trunk(void *arg, size_t item, unsigned worker)
{
    (void)item;
    (void)worker;
    nest *n = arg;
    ov_pool_each(n->pool, 8, 10, branch, n);
}

static void test_nested_jobs(void **state)
{
    (void)state;
    ov_pool *pool = NULL;
    check_ok(ov_pool_create(3, "test", &pool, &err), &err);
    for (int i = 0; i < 50; i++) {
        nest n = {.pool = pool};
        ov_pool_each(pool, 8, 5, trunk, &n);
        assert_int_equal(atomic_load(&n.leaves), 5 * 10 * 20);
    }
    ov_pool_destroy(pool);
}

static void submitter(void *arg)
{
    for (int i = 0; i < 300; i++)
        check_sum(arg, 200);
}

static void test_many_callers(void **state)
{
    (void)state;
    ov_pool *pool = NULL;
    check_ok(ov_pool_create(2, "test", &pool, &err), &err);
    ov_thread callers[6];
    for (size_t i = 0; i < OV_COUNT_OF(callers); i++)
        check_ok(ov_thread_start(&callers[i], "caller", submitter, pool, &err), &err);
    for (size_t i = 0; i < OV_COUNT_OF(callers); i++)
        ov_thread_join(&callers[i]);
    ov_pool_destroy(pool);
}

/* A long job holds every thread; a short one must get a helper before the long one ends. */
typedef struct long_state {
    ov_pool *pool;
    _Atomic bool stop;
    _Atomic unsigned helpers;
} long_state;

static void long_worker(void *arg, unsigned worker)
{
    long_state *s = arg;
    if (worker)
        atomic_fetch_add(&s->helpers, 1);
    while (!atomic_load(&s->stop) && !ov_pool_should_leave(s->pool, worker))
        ov_sleep_ms(1);
    if (worker)
        atomic_fetch_sub(&s->helpers, 1);
}

static void run_long(void *arg)
{
    long_state *s = arg;
    ov_pool_run(s->pool, 8, long_worker, s);
}

typedef struct short_state {
    _Atomic bool helped;
    int64_t deadline_ns;
} short_state;

static void short_worker(void *arg, unsigned worker)
{
    short_state *s = arg;
    if (worker)
        atomic_store(&s->helped, true);
    while (!atomic_load(&s->helped) && ov_monotonic_ns() < s->deadline_ns)
        ov_sleep_ms(1);
}

static void test_fairness(void **state)
{
    (void)state;
    ov_pool *pool = NULL;
    check_ok(ov_pool_create(2, "test", &pool, &err), &err);
    long_state l = {.pool = pool};
    ov_thread t;
    check_ok(ov_thread_start(&t, "long", run_long, &l, &err), &err);
    while (atomic_load(&l.helpers) < 2)
        ov_sleep_ms(1);
    short_state s = {.deadline_ns = ov_monotonic_ns() + 20000000000};
    ov_pool_run(pool, 8, short_worker, &s);
    assert_true(atomic_load(&s.helped));
    /* and those who left come back */
    while (atomic_load(&l.helpers) < 2)
        ov_sleep_ms(1);
    atomic_store(&l.stop, true);
    ov_thread_join(&t);
    ov_pool_destroy(pool);
}

/* Three jobs, one thread besides their callers: it helps all of them, a morsel at a time. */
typedef struct turns {
    ov_pool *pool;
    _Atomic bool *stop;
    _Atomic unsigned helped; /* morsels of a helper */
} turns;

static void turn_worker(void *arg, unsigned worker)
{
    turns *t = arg;
    while (!atomic_load(t->stop)) {
        ov_sleep_ms(1);
        if (worker)
            atomic_fetch_add(&t->helped, 1);
        if (ov_pool_should_leave(t->pool, worker))
            return;
    }
}

static void run_turns(void *arg)
{
    turns *t = arg;
    ov_pool_run(t->pool, 8, turn_worker, t);
}

static void test_round_robin(void **state)
{
    (void)state;
    enum { JOBS = 3, MORSELS = 20 };
    ov_pool *pool = NULL;
    _Atomic bool stop = false;
    turns t[JOBS];
    ov_thread callers[JOBS];
    check_ok(ov_pool_create(1, "test", &pool, &err), &err);
    for (int i = 0; i < JOBS; i++) {
        t[i] = (turns){.pool = pool, .stop = &stop};
        check_ok(ov_thread_start(&callers[i], "caller", run_turns, &t[i], &err), &err);
    }
    int64_t end = ov_monotonic_ns() + 20000000000;
    for (int i = 0; i < JOBS; i++)
        while (atomic_load(&t[i].helped) < MORSELS && ov_monotonic_ns() < end)
            ov_sleep_ms(1);
    unsigned least = UINT32_MAX, most = 0;
    for (int i = 0; i < JOBS; i++) {
        unsigned n = atomic_load(&t[i].helped);
        least = OV_MIN(least, n);
        most = OV_MAX(most, n);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < JOBS; i++)
        ov_thread_join(&callers[i]);
    assert_true(least >= MORSELS);
    assert_true(most <= 3 * least);
    ov_pool_destroy(pool);
}

static void test_cond_timeout(void **state)
{
    (void)state;
    ov_mutex m = OV_MUTEX_INIT;
    ov_cond c;
    ov_cond_init(&c);
    ov_mutex_lock(&m);
    int64_t before = ov_monotonic_ns();
    while (ov_cond_wait_ms(&c, &m, 20)) {
    }
    assert_true(ov_monotonic_ns() - before >= 19000000);
    ov_mutex_unlock(&m);
    ov_cond_fini(&c);
    ov_mutex_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_small_jobs), cmocka_unit_test(test_nested_jobs),
        cmocka_unit_test(test_many_callers),    cmocka_unit_test(test_fairness),
        cmocka_unit_test(test_cond_timeout),    cmocka_unit_test(test_round_robin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
