/* The cache of open segments: bounded, shared, patient with failures, and never in the way of a kill (run under tsan). */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/file.h"
#include "base/os.h"
#include "storage/build/segment_builder.h"
#include "storage/catalog/segcache.h"

enum { FILES = 12, MAX_OPEN = 4, THREADS = 4, ROUNDS = 3000 };

typedef struct fixture {
    char dir[64];
    ov_segcache *cache;
    ov_segment_slot *slots[FILES];
    ov_arena arena;
} fixture;

static _Atomic int opened, fail_next;

static ov_status open_counted(const char *path, ov_segment **out, ov_error *err)
{
    atomic_fetch_add(&opened, 1);
    if (atomic_exchange(&fail_next, 0))
        return ov_fail(err, OV_IO, "injected");
    return ov_segment_open(path, out, err);
}

static void name_of(int i, char name[16])
{
    snprintf(name, 16, "%d.ovs", i);
}

/* One segment of i + 1 rows. */
static void make_file(fixture *f, int i)
{
    static const ov_build_column columns[] = {{.name = {"__time", 6}, .type = {.id = OV_TYPE_LONG}, .role = OV_ROLE_TIME}};
    static const uint32_t sort[] = {0};
    ov_error err = OV_ERROR_INIT;
    ov_build_schema schema = {.datasource = OV_SLICE_LIT("t"), .end_ms = 1000, .version = OV_SLICE_LIT("v"),
                              .columns = columns, .column_count = 1, .sort = sort, .sort_count = 1};
    ov_segment_builder *b;
    ov_budget budget;
    int64_t times[FILES] = {0};
    char path[128], name[16];
    ov_budget_init(&budget, "test", SIZE_MAX, NULL);
    check_ok(ov_segment_builder_create(&schema, &budget, &b, &err), &err);
    ov_vec v = ov_vec_flat(OV_T(OV_TYPE_LONG), times, NULL, (uint32_t)i + 1);
    ov_batch batch = {.rows = v.rows, .cols = 1, .col = &v, .sel_rows = v.rows};
    check_ok(ov_segment_builder_add(b, &batch, &err), &err);
    name_of(i, name);
    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    check_ok(ov_segment_builder_seal(b, path, &f->arena, NULL, &err), &err);
    ov_segment_builder_destroy(b);
}

static void fixture_init(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    memset(f, 0, sizeof(*f));
    strcpy(f->dir, "/tmp/ovate-segcache-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    ov_arena_init(&f->arena, "test", NULL);
    check_ok(ov_segcache_create(f->dir, MAX_OPEN, open_counted, &f->cache, &err), &err);
    for (int i = 0; i < FILES; i++) {
        char name[16];
        make_file(f, i);
        name_of(i, name);
        check_ok(ov_segcache_slot(f->cache, ov_slice_cstr(name), &f->slots[i], &err), &err);
    }
    opened = 0;
}

static void fixture_fini(fixture *f)
{
    ov_error err = OV_ERROR_INIT;
    for (int i = 0; i < FILES; i++)
        ov_segcache_slot_release(f->cache, f->slots[i]);
    ov_segcache_destroy(f->cache);
    check_ok(ov_dir_remove_all(f->dir, &err), &err);
    ov_arena_fini(&f->arena);
}

static void use(fixture *f, int i)
{
    ov_error err = OV_ERROR_INIT;
    ov_segment *seg;
    check_ok(ov_segcache_open(f->cache, f->slots[i], &seg, &err), &err);
    assert_int_equal(ov_segment_get_info(seg)->rows, i + 1);
    ov_segment_release(seg);
}

static void test_bounded_by_last_use(void **state)
{
    (void)state;
    fixture f;
    fixture_init(&f);
    for (int i = 0; i < FILES; i++)
        use(&f, i);
    assert_int_equal(ov_segcache_open_count(f.cache), MAX_OPEN);
    assert_int_equal(opened, FILES);
    use(&f, FILES - MAX_OPEN); /* the oldest that is still open; now the newest */
    use(&f, 0);                /* pushes out the one after it */
    assert_int_equal(opened, FILES + 1);
    use(&f, FILES - MAX_OPEN);
    assert_int_equal(opened, FILES + 1);
    use(&f, FILES - MAX_OPEN + 1);
    assert_int_equal(opened, FILES + 2);
    fixture_fini(&f);
}

static void test_one_slot_per_file(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    ov_segment_slot *again;
    fixture_init(&f);
    check_ok(ov_segcache_slot(f.cache, OV_SLICE_LIT("3.ovs"), &again, &err), &err);
    assert_ptr_equal(again, f.slots[3]);
    ov_segcache_slot_release(f.cache, again);
    use(&f, 3);
    fixture_fini(&f);
}

static void test_failures_are_not_kept(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    ov_segment *seg;
    fixture_init(&f);
    fail_next = 1;
    check_fails(ov_segcache_open(f.cache, f.slots[2], &seg, &err), &err, OV_IO, "injected");
    assert_int_equal(ov_segcache_open_count(f.cache), 0);
    use(&f, 2);
    fixture_fini(&f);
}

static bool there(fixture *f, int i)
{
    char path[128], name[16];
    name_of(i, name);
    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    return ov_file_exists(path);
}

static void test_doomed_files_go_last(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    ov_segment *seg;
    fixture_init(&f);
    check_ok(ov_segcache_open(f.cache, f.slots[5], &seg, &err), &err);
    ov_segcache_doom(f.cache, OV_SLICE_LIT("5.ovs"));
    assert_true(there(&f, 5)); /* somebody may still open it */
    ov_segcache_slot_release(f.cache, f.slots[5]);
    f.slots[5] = NULL;
    assert_false(there(&f, 5));
    assert_int_equal(ov_segment_get_info(seg)->rows, 6); /* the map lives on */
    ov_segment_release(seg);
    ov_segcache_slot_release(f.cache, f.slots[6]);
    f.slots[6] = NULL;
    ov_segcache_doom(f.cache, OV_SLICE_LIT("6.ovs")); /* nobody has it */
    assert_false(there(&f, 6));
    fixture_fini(&f);
}

typedef struct hammer {
    fixture *f;
    unsigned seed;
    int bad;
} hammer;

static void strike(void *arg)
{
    hammer *h = arg;
    for (int n = 0; n < ROUNDS; n++) {
        ov_error err = OV_ERROR_INIT;
        ov_segment *seg;
        h->seed = h->seed * 1103515245u + 12345u;
        int i = (int)(h->seed >> 16) % FILES;
        if (ov_segcache_open(h->f->cache, h->f->slots[i], &seg, &err) != OV_OK) {
            h->bad++;
            continue;
        }
        h->bad += ov_segment_get_info(seg)->rows != (uint32_t)i + 1;
        ov_segment_release(seg);
    }
}

static void test_many_threads(void **state)
{
    (void)state;
    ov_error err = OV_ERROR_INIT;
    fixture f;
    hammer h[THREADS];
    ov_thread threads[THREADS] = {0};
    fixture_init(&f);
    for (unsigned t = 0; t < THREADS; t++) {
        h[t] = (hammer){.f = &f, .seed = t + 1};
        check_ok(ov_thread_start(&threads[t], "hammer", strike, &h[t], &err), &err);
    }
    for (int t = 0; t < THREADS; t++) {
        ov_thread_join(&threads[t]);
        assert_int_equal(h[t].bad, 0);
    }
    assert_true(ov_segcache_open_count(f.cache) <= MAX_OPEN);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounded_by_last_use),  cmocka_unit_test(test_one_slot_per_file),
        cmocka_unit_test(test_failures_are_not_kept), cmocka_unit_test(test_doomed_files_go_last),
        cmocka_unit_test(test_many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
