/* Streams of datasources with keys: pieces that nothing is left of, and keys that are declared while rows come. */
#include "tests/unit/stream_lib.h"

#include "base/os.h"
#include "storage/catalog/keys_int.h"

static void declare(world *w, ov_slice name, int64_t retain_ms)
{
    ov_slice column = OV_SLICE_LIT("n");
    ov_key_spec spec = {.columns = &column, .count = 1, .retain_ms = retain_ms};
    OK(ov_catalog_keys_declare(w->cat, name, &spec, &err));
}

static uint64_t visible(world *w, ov_slice name)
{
    ov_snapshot *snap = ov_catalog_snapshot(w->cat);
    const ov_datasource *ds = ov_snapshot_find(snap, name);
    uint64_t rows = ds ? ds->rows : 0;
    ov_snapshot_release(snap);
    return rows;
}

/* Pieces of one key, all superseded and nobody may ask for the past: their merge holds no row. The table of keys forgets them all
 * the same; later pieces may lie where they lay. */
static void test_nothing_is_left(void **state)
{
    (void)state;
    world w;
    char body[4096];
    world_init(&w, quiet);
    declare(&w, OV_SLICE_LIT("t"), 0);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 70; i++)
            push(&w, "", "{\"time\":\"2024-01-01\",\"n\":1}");
        OK(ov_streams_merge(w.streams, &err));
        assert_int_equal(visible(&w, OV_SLICE_LIT("t")), round ? 101 : 1);
        for (int n = 2; n < 102; n++) { /* as large as may be where the small ones were */
            snprintf(body, sizeof body, "{\"time\":\"2024-01-01\",\"n\":%d}\n{\"time\":\"2024-01-02\",\"n\":%d}", n, n % 50 + 2);
            push(&w, "", body);
        }
        OK(ov_streams_merge(w.streams, &err));
        assert_int_equal(visible(&w, OV_SLICE_LIT("t")), 101);
        if (round % 2)
            OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
        assert_int_equal(visible(&w, OV_SLICE_LIT("t")), 101);
    }
    again(&w);
    assert_int_equal(visible(&w, OV_SLICE_LIT("t")), 101);
    world_fini(&w);
}

typedef struct pusher {
    world *w;
    const char *name;
    _Atomic int pushed;
} pusher;

static void push_many(void *self)
{
    pusher *p = self;
    ov_error e = OV_ERROR_INIT;
    for (int i = 0; i < 60; i++) {
        ov_arena a;
        ov_push_result r;
        ov_arena_init(&a, "push", NULL);
        ov_push one = {.datasource = ov_slice_cstr(p->name), .body = OV_SLICE_LIT("{\"time\":\"2024-01-01\",\"n\":1}")};
        check_ok(ov_streams_push(p->w->streams, &one, &a, &r, &e), &e);
        ov_arena_fini(&a);
        atomic_fetch_add(&p->pushed, 1);
    }
}

/* Whatever comes around the declaration is collapsed: there is one key, so one row. */
static void test_declared_while_rows_come(void **state)
{
    (void)state;
    world w;
    world_init(&w, quiet);
    for (int round = 0; round < 6; round++) {
        char name[16];
        ov_thread thread[3];
        snprintf(name, sizeof name, "d%d", round);
        pusher p = {.w = &w, .name = name};
        for (int i = 0; i < 3; i++)
            OK(ov_thread_start(&thread[i], "push", push_many, &p, &err));
        while (atomic_load(&p.pushed) < 20 * round)
            ov_sleep_ms(1);
        declare(&w, ov_slice_cstr(name), OV_KEY_RETAIN_MS);
        for (int i = 0; i < 3; i++)
            ov_thread_join(&thread[i]);
        assert_int_equal(visible(&w, ov_slice_cstr(name)), 1);
        OK(ov_streams_flush(w.streams, ov_slice_cstr(name), &err));
        assert_int_equal(visible(&w, ov_slice_cstr(name)), 1);
    }
    again(&w);
    for (int round = 0; round < 6; round++) {
        char name[16];
        snprintf(name, sizeof name, "d%d", round);
        assert_int_equal(visible(&w, ov_slice_cstr(name)), 1);
    }
    world_fini(&w);
}

/* A row in memory that lost against a published one stays away when that one is replaced or marked unused, before and after a start: it
 * is published with its loss first, so that the log has nothing to bring back. */
static void test_losers_stay_away(void **state)
{
    (void)state;
    for (int marked = 0; marked < 2; marked++) {
        world w;
        uint32_t changed;
        ov_slice column = OV_SLICE_LIT("k");
        ov_key_spec spec = {.columns = &column, .count = 1, .version = OV_SLICE_LIT("v"), .retain_ms = 0};
        ov_interval day = {1704067200000, 1704067200000 + 86400000};
        world_init(&w, quiet);
        OK(ov_catalog_keys_declare(w.cat, OV_SLICE_LIT("t"), &spec, &err));
        push(&w, "", "{\"time\":\"2024-01-01\",\"k\":1,\"v\":5}");
        OK(ov_streams_flush(w.streams, OV_SLICE_LIT("t"), &err));
        push(&w, "", "{\"time\":\"2024-02-01\",\"k\":1,\"v\":3}");
        push(&w, "", "{\"time\":\"2024-02-01\",\"k\":2,\"v\":1}");
        assert_int_equal(visible(&w, OV_SLICE_LIT("t")), 2);
        if (marked) {
            OK(ov_catalog_mark(w.cat, &(ov_segment_choice){.datasource = OV_SLICE_LIT("t"), .span = day}, false, &changed, &err));
        } else {
            ov_new_segment gone = {.info = {.datasource = OV_SLICE_LIT("t"), .start_ms = day.start, .end_ms = day.end}, .tombstone = true};
            ov_commit c = {.mode = OV_PUBLISH_REPLACE, .segments = &gone, .segment_count = 1};
            OK(ov_catalog_commit(w.cat, &c, &w.arena, &err));
        }
        assert_int_equal(visible(&w, OV_SLICE_LIT("t")), 1);
        again(&w);
        assert_int_equal(visible(&w, OV_SLICE_LIT("t")), 1);
        push(&w, "", "{\"time\":\"2024-02-01\",\"k\":3,\"v\":1}"); /* nothing is held any more */
        assert_int_equal(visible(&w, OV_SLICE_LIT("t")), 2);
        world_fini(&w);
    }
}

/* While a change of one datasource holds its keys (a large batch compares them for seconds), its own pushes wait to be seen, and nobody else's. */
static void test_others_do_not_wait(void **state)
{
    (void)state;
    world w;
    ov_thread thread;
    ov_push_result r;
    world_init(&w, quiet);
    declare(&w, OV_SLICE_LIT("t"), 0);
    push(&w, "", "{\"time\":\"2024-01-01\",\"n\":7}");
    ovi_keys *k = ovi_keys_find(w.cat, OV_SLICE_LIT("t"));
    assert_non_null(k);
    assert_true(ovi_keys_lock(w.cat, k));
    pusher p = {.w = &w, .name = "t"};
    OK(ov_thread_start(&thread, "push", push_many, &p, &err));
    ov_sleep_ms(100); /* for it to be durable */
    for (int i = 0; i < 20; i++)
        OK(push_text(&w, "other", "", OV_SLICE_LIT("{\"time\":\"2024-01-01\",\"n\":1}"), OV_PUSH_JSON, &r));
    assert_int_equal(visible(&w, OV_SLICE_LIT("other")), 20);
    assert_int_equal(atomic_load(&p.pushed), 0);
    assert_int_equal(visible(&w, OV_SLICE_LIT("t")), 1);
    ov_mutex_unlock(&k->lock);
    ov_thread_join(&thread);
    assert_int_equal(visible(&w, OV_SLICE_LIT("t")), 2);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_left), cmocka_unit_test(test_declared_while_rows_come),
                                       cmocka_unit_test(test_losers_stay_away), cmocka_unit_test(test_others_do_not_wait)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
