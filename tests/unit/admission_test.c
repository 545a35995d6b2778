/* Places for large queries: bounds, order, time limits, cancels. */
#include "tests/unit/harness.h"

#include "base/os.h"
#include "base/thread.h"
#include "server/query/admission.h"

static ov_error err;

static void test_bounds(void **state)
{
    (void)state;
    ov_admission *a;
    ov_admission_counts n;
    ov_admission_request soon = {.deadline_ms = ov_monotonic_ms() + 50};
    _Atomic bool cancelled = true;
    ov_admission_request gone = {.cancelled = &cancelled};
    check_ok(ov_admission_create(2, 1, &a, &err), &err);
    check_ok(ov_admission_enter(a, &soon, &err), &err);
    check_ok(ov_admission_enter(a, &soon, &err), &err);
    check_fails(ov_admission_enter(a, &soon, &err), &err, OV_TIMEOUT, "while it waited");
    check_fails(ov_admission_enter(a, &gone, &err), &err, OV_CANCELLED, "cancelled");
    ov_admission_leave(a);
    check_ok(ov_admission_enter(a, &soon, &err), &err);
    ov_admission_count(a, &n);
    assert_int_equal(n.running, 2);
    assert_int_equal(n.waiting, 0);
    ov_admission_leave(a);
    ov_admission_leave(a);
    ov_admission_destroy(a);
    check_ok(ov_admission_create(1, 0, &a, &err), &err);
    check_ok(ov_admission_enter(a, &gone, &err), &err);
    check_fails(ov_admission_enter(a, &gone, &err), &err, OV_BUSY, "total query capacity of 1 exceeded");
    ov_admission_count(a, &n);
    assert_int_equal(n.refused, 1);
    ov_admission_leave(a);
    ov_admission_destroy(a);
}

typedef struct guest {
    ov_admission *a;
    int64_t priority;
    _Atomic unsigned *next;
    unsigned came;
    ov_thread thread;
} guest;

static void visit(void *arg)
{
    guest *g = arg;
    ov_error e = OV_ERROR_INIT;
    ov_admission_request rq = {.priority = g->priority};
    if (ov_admission_enter(g->a, &rq, &e) != OV_OK)
        return;
    g->came = atomic_fetch_add(g->next, 1);
    ov_admission_leave(g->a);
}

static void wait_for(ov_admission *a, uint32_t waiting)
{
    ov_admission_counts n;
    do {
        ov_sleep_ms(1);
        ov_admission_count(a, &n);
    } while (n.waiting != waiting);
}

static void test_order(void **state)
{
    (void)state;
    static const int64_t priorities[] = {0, 5, 0, -1, 5};
    static const unsigned turns[] = {2, 0, 3, 4, 1};
    guest g[OV_COUNT_OF(priorities)];
    _Atomic unsigned next = 0;
    ov_admission *a;
    ov_admission_request rq = {0};
    check_ok(ov_admission_create(1, 10, &a, &err), &err);
    check_ok(ov_admission_enter(a, &rq, &err), &err);
    for (size_t i = 0; i < OV_COUNT_OF(g); i++) {
        g[i] = (guest){.a = a, .priority = priorities[i], .next = &next, .came = 99};
        check_ok(ov_thread_start(&g[i].thread, "guest", visit, &g[i], &err), &err);
        wait_for(a, (uint32_t)i + 1);
    }
    ov_admission_leave(a);
    for (size_t i = 0; i < OV_COUNT_OF(g); i++) {
        ov_thread_join(&g[i].thread);
        assert_int_equal(g[i].came, turns[i]);
    }
    ov_admission_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bounds), cmocka_unit_test(test_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
